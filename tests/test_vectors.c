// test_vectors.c: [5], [11]. vectors/formats.txt, bit for bit: the bytes of every listed format and what they decode to;
// vectors/constants.txt: hashes of rows that go through every scale, level and trellis there is. Layouts and constants
// do not change any more: `build/test_vectors formats > vectors/formats.txt`, the same for constants, when new ones come.

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

static void test_formats(const float *w)
{
    static char line[4096];
    const char *name;
    page want = {NULL, 0, 0}, have;
    size_t i, seen = 0;
    FILE *f = fopen("vectors/formats.txt", "r");
    tap_begin("vectors/formats.txt: every format's bytes and what they decode to");
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
}

/* Hash (FNV-1a, 64 bits) of a row's bytes and of what it decodes to, behind others. */
static uint64_t hash_of(uint64_t h, const char *name, size_t cols)
{
    static float w[1024], back[1024];
    block b;
    hrq_mat m;
    size_t i;
    for (i = 0; i < cols; i++) w[i] = entry((uint32_t)i);
    m = mat_of(&b, name, 1, cols, SEED, w, cols);
    hrq_mat_decode(&m, 0, 1, back, cols);
    for (i = 0; i < m.bytes; i++) h = (h ^ b.data[i]) * 0x100000001b3u;
    for (i = 0; i < 4 * cols; i++) h = (h ^ (hrq__bits_of(back[i / 4]) >> i % 4 * 8 & 255u)) * 0x100000001b3u;
    free(b.base);
    return h;
}

static const char constants_head[] =
    "# Hashes (FNV-1a, 64 bits) of one row, entries as in formats.txt, seed 7: all bytes of its panel, then what it "
    "decodes\n"
    "# to as little-endian float32. Names with k*: k = 1 ... 16 one behind the other. Columns behind the name.\n";

/* All of constants.txt: 1024 columns of each trellis (on fewer no sequence is long), 256 of each lattice and q. */
static void write_constants(FILE *f)
{
    static const char *const lattices[] = {"zn:q%d:k*", "d4:q%d:k*", "e8:q%d:k*", "e8h:q%d:m2:k*"};
    static const int qs[] = {3, 4, 5, 8, 11, 16, 32, 64, 128, 256};
    char name[64], text[64];
    size_t i, j;
    int b, k;
    uint64_t h;
    fputs(constants_head, f);
    for (b = 2; b <= 4; b++)
        for (k = 6; k <= 14; k += 2) {
            snprintf(name, sizeof name, "tcq%d:s%d", b, k);
            h = hash_of(0xcbf29ce484222325u, name, 1024);
            fprintf(f, "%s 1024 %08lx%08lx\n", name, (unsigned long)(h >> 32), (unsigned long)(h & 0xffffffffu));
        }
    for (b = 2; b <= 4; b++)
        for (k = 1; k <= 8; k *= 2) {
            snprintf(name, sizeof name, "e8b%d:k%d", b, k);
            h = hash_of(0xcbf29ce484222325u, name, 1024);
            fprintf(f, "%s 1024 %08lx%08lx\n", name, (unsigned long)(h >> 32), (unsigned long)(h & 0xffffffffu));
        }
    for (i = 0; i < 4; i++)
        for (j = 0; j < sizeof qs / sizeof qs[0] && (i < 3 || qs[j] <= 16); j++) {
            snprintf(text, sizeof text, lattices[i], qs[j]);
            for (k = 1, h = 0xcbf29ce484222325u; k <= 16; k++) {
                snprintf(name, sizeof name, "%.*s%d", (int)strlen(text) - 1, text, k);
                h = hash_of(h, name, 256);
            }
            fprintf(f, "%s 256 %08lx%08lx\n", text, (unsigned long)(h >> 32), (unsigned long)(h & 0xffffffffu));
        }
}

static void test_constants(void)
{
    FILE *want = fopen("vectors/constants.txt", "r"), *have = tmpfile();
    char a[256], b[256];
    int more = 1;
    tap_begin("vectors/constants.txt: hashes of rows through every scale, level and trellis");
    if (EXPECT(want != NULL, "no file vectors/constants.txt") && EXPECT(have != NULL, "no temporary file")) {
        write_constants(have);
        rewind(have);
        while (more) {
            char *pa = fgets(a, sizeof a, want), *pb = fgets(b, sizeof b, have);
            more = pa && pb;
            EXPECT((pa != NULL) == (pb != NULL) && (!more || strcmp(a, b) == 0), "file: %s, now: %s", pa ? a : "ends",
                   pb ? b : "ends");
        }
    }
    if (want) fclose(want);
    if (have) fclose(have);
    tap_end();
}

int main(int argc, char **argv)
{
    static float w[ROWS * COLS];
    const char *name;
    size_t i;
    for (i = 0; i < ROWS * COLS; i++) w[i] = entry((uint32_t)i);
    if (argc > 1 && strcmp(argv[1], "formats") == 0) {
        fputs(head, stdout);
        for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
            page have = lines_of(name, w);
            printf("format %s\n%s", name, have.text);
            free(have.text);
        }
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "constants") == 0) {
        write_constants(stdout);
        return 0;
    }
    test_setup();
    test_formats(w);
    test_constants();
    return tap_finish();
}
