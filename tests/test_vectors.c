// test_vectors.c: [5], [11]. vectors/formats.txt, bit for bit: the bytes of every listed format and what they decode to.
// Layouts and constants do not change any more. `build/test_vectors write > vectors/formats.txt` for formats that are new.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

enum { ROWS = 16, COLS = 40, SEED = 7 };

static const char head[] =
    "# Every format of hrq_format_list on one matrix of 16 x 40, seed 7: its bytes, and rows 0 and 15 of what they "
    "decode\n"
    "# to as float32 words. Entry i = 40 row + column of the matrix, 32-bit unsigned arithmetic:\n"
    "#     z = (i + 1) * 2654435761;  s = 0;  four times:\n"
    "#         z ^= z >> 15;  z *= 0x2c1b3c6d;  z ^= z >> 12;  z *= 0x297a2d39;  z ^= z >> 15;  s += (z >> 12) - "
    "2^19\n"
    "#     entry = s / 2^19\n";

static float entry(uint32_t i)
{
    uint32_t z = (i + 1u) * 2654435761u;
    int32_t sum = 0, k;
    for (k = 0; k < 4; k++) {
        z ^= z >> 15;
        z *= 0x2c1b3c6du;
        z ^= z >> 12;
        z *= 0x297a2d39u;
        z ^= z >> 15;
        sum += (int32_t)(z >> 12) - (1 << 19);
    }
    return (float)sum / 524288.0f;
}

typedef struct {
    char *text;
    size_t used, room;
} page;

static void put(page *p, const char *format, unsigned v)
{
    if (p->room - p->used < 64) {
        p->room = p->room * 2 + 4096;
        p->text = (char *)realloc(p->text, p->room);
        if (!p->text) exit(2);
    }
    p->used += (size_t)snprintf(p->text + p->used, p->room - p->used, format, v);
}

/* The lines of one format behind its name. */
static page lines_of(const char *name, const float *w)
{
    static float back[ROWS * COLS];
    page p = {NULL, 0, 0};
    block b;
    size_t i, row;
    hrq_mat m = mat_of(&b, name, ROWS, COLS, SEED, w, COLS);
    hrq_mat_decode(&m, 0, ROWS, back, COLS);
    for (i = 0; i < m.bytes; i++) put(&p, i % 56 == 0 ? i ? "\n%02x" : "%02x" : "%02x", b.data[i]);
    for (row = 0; row < ROWS; row += ROWS - 1)
        for (i = 0; i < COLS; i++) put(&p, i % 12 == 0 ? "\n%08x" : " %08x", hrq__bits_of(back[row * COLS + i]));
    put(&p, "\n", 0);
    free(b.base);
    return p;
}

int main(int argc, char **argv)
{
    static float w[ROWS * COLS];
    static char line[4096];
    const char *name;
    page want = {NULL, 0, 0}, have;
    size_t i, seen = 0;
    FILE *f;
    for (i = 0; i < ROWS * COLS; i++) w[i] = entry((uint32_t)i);
    if (argc > 1 && strcmp(argv[1], "write") == 0) {
        fputs(head, stdout);
        for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
            have = lines_of(name, w);
            printf("format %s\n%s", name, have.text);
            free(have.text);
        }
        return 0;
    }
    test_setup();
    tap_begin("vectors/formats.txt: every format's bytes and what they decode to");
    f = fopen("vectors/formats.txt", "r");
    if (EXPECT(f != NULL, "no file vectors/formats.txt")) {
        char format[64] = "";
        for (;;) {
            int more = fgets(line, sizeof line, f) != NULL;
            if (format[0] && (!more || strncmp(line, "format ", 7) == 0)) {
                have = lines_of(format, w);
                EXPECT(have.used == want.used && memcmp(have.text, want.text, want.used) == 0, "%s: other bytes",
                       format);
                for (i = 0; (name = hrq_format_list(i)) != NULL && strcmp(name, format) != 0; i++) {}
                EXPECT(name != NULL, "%s is listed no more", format);
                seen++;
                free(have.text);
                want.used = 0;
            }
            if (!more) break;
            if (line[0] == '#') continue;
            if (sscanf(line, "format %63s", format) == 1) continue;
            for (i = 0; line[i]; i++) put(&want, "%c", (unsigned char)line[i]);
        }
        fclose(f);
    }
    for (i = 0; hrq_format_list(i) != NULL; i++) {}
    EXPECT(seen == i, "%lu formats in the file, %lu listed", (unsigned long)seen, (unsigned long)i);
    free(want.text);
    tap_end();
    return tap_finish();
}
