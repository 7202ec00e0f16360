// test_isa.c: [6i] and hrq_simd.h as a whole. What a machine is found to have, from registers; limits; the same bytes and
// the same products from every instruction set, over the whole format table.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

#ifdef HRQ__SIMD

/* Registers as machines and their systems give them: the bits that matter. */
static void test_detection(void)
{
    enum { FMA = 1 << 12, XSAVE = 1 << 27, AVX = 1 << 28, F16C = 1 << 29, ALL1 = FMA | XSAVE | AVX | F16C };
    const uint32_t avx2 = 1u << 5, fdqbwvl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    const uint32_t vbmi = 1u << 1, gfni = 1u << 8, vnni = 1u << 11, newer = vbmi | gfni | vnni;
    const unsigned two = HRQ__HAS_AVX2, five = HRQ__HAS_AVX2 | HRQ__HAS_AVX512;
    const struct {
        const char *name;
        hrq__cpuid r; /* highest leaf; 1 ecx; 7 ebx, ecx; 7.1 eax; xcr0 */
        unsigned have;
    } machines[] = {
        {"none", {0, 0, 0, 0, 0, 0}, 0},
        {"x86-64 of 2003", {1, 0x00000001u, 0, 0, 0, 0}, 0},
        {"AVX without AVX2", {13, XSAVE | AVX | F16C, 0, 0, 0, 7}, 0},
        {"AVX2", {13, ALL1, avx2, 0, 0, 7}, two},
        {"AVX2, no leaf 7", {6, ALL1, avx2, 0, 0, 7}, 0},
        {"AVX2 without FMA", {13, XSAVE | AVX | F16C, avx2, 0, 0, 7}, 0},
        {"AVX2 without F16C", {13, XSAVE | AVX | FMA, avx2, 0, 0, 7}, 0},
        {"AVX2, the system saves no ymm", {13, ALL1, avx2, 0, 0, 3}, 0},
        {"AVX2, no OSXSAVE", {13, FMA | AVX | F16C, avx2, 0, 0, 7}, 0},
        {"AVX2 and AVX-VNNI", {32, ALL1, avx2, gfni, 1u << 4, 7}, two | HRQ__HAS_AVXVNNI},
        {"AVX-512 F, BW, VL, DQ", {22, ALL1, avx2 | fdqbwvl, 0, 0, 0xe7}, five},
        {"AVX-512, the system saves no zmm", {22, ALL1, avx2 | fdqbwvl, newer, 0, 7}, two},
        {"AVX-512, half of the zmm state", {22, ALL1, avx2 | fdqbwvl, newer, 0, 0x67}, two},
        {"AVX-512 without BW", {22, ALL1, avx2 | (fdqbwvl & ~(1u << 30)), newer, 0, 0xe7}, two},
        {"AVX-512 and VNNI alone", {22, ALL1, avx2 | fdqbwvl, vnni, 0, 0xe7}, five},
        {"AVX-512, VNNI, VBMI, GFNI", {27, ALL1, avx2 | fdqbwvl, newer, 0, 0xe7}, five | HRQ__HAS_VNNI},
        {"AMD EPYC (family 26, model 2), recorded",
         {13, 0xfed83203u, 0xf1bb03a9u, 0x18005f42u, 0x30u, 0xe7},
         five | HRQ__HAS_VNNI | HRQ__HAS_AVXVNNI},
        {"a hypervisor that hides AVX-512 in leaf 7", {13, 0xfed83203u, 0x219c03a9u, 0, 0, 7}, two},
    };
    size_t i;
    tap_begin("detection: the operating system's word first, then every bit that a row needs");
    for (i = 0; i < sizeof machines / sizeof machines[0]; i++)
        EXPECT(hrq__isa_x86(&machines[i].r) == machines[i].have, "%s: %x", machines[i].name,
               hrq__isa_x86(&machines[i].r));
    for (i = 0; i < 27; i++) { /* a bit too few of the last but one */
        hrq__cpuid r = machines[16].r;
        uint32_t *word[6];
        unsigned have;
        word[0] = &r.top, word[1] = &r.ecx1, word[2] = &r.ebx7, word[3] = &r.ecx7, word[4] = &r.eax7_1,
        word[5] = &r.xcr0;
        *word[1 + i % 5] &= ~(1u << (i * 7 % 32));
        have = hrq__isa_x86(&r);
        EXPECT(!(have & ~machines[16].have) && (!(have & HRQ__HAS_VNNI) || (have & HRQ__HAS_AVX512)) &&
                   (!have || (have & HRQ__HAS_AVX2)),
               "less gives more: %x", have);
    }
    tap_end();
}

#endif

/* Rows of the table that this machine runs, under their limits. */
static void test_limits(void)
{
    int i, row;
    size_t rows = hrq__kernel_rows, r;
    tap_begin("limits: each name takes what is above it away; rows ascend");
    for (r = 1; r < rows; r++)
        EXPECT(hrq__isa_index(hrq__kernel_table[r].isa) > hrq__isa_index(hrq__kernel_table[r - 1].isa), "%s",
               hrq__kernel_table[r].isa);
    for (i = 0; i < HRQ__ISAS; i++) {
        EXPECT(hrq_isa_limit(hrq__isa_names[i]) == HRQ_OK, "%s", hrq__isa_names[i]);
        EXPECT(hrq__isa_index(hrq_isa_text()) <= i, "%s gives %s", hrq__isa_names[i], hrq_isa_text());
        for (row = 0; row < (int)rows; row++)
            if (strcmp(hrq__kernel_table[row].isa, hrq__isa_names[i]) == 0 &&
                !(hrq__kernel_table[row].need & ~hrq__isa_have()))
                EXPECT(strcmp(hrq_isa_text(), hrq__isa_names[i]) == 0, "%s gives %s", hrq__isa_names[i],
                       hrq_isa_text());
    }
    for (row = 0; row < (int)rows; row++) {
        unsigned have = hrq__kernel_table[row].need;
        EXPECT(hrq__isa_row(have, HRQ__ISAS) >= row || have == 0, "%s is not found by its own needs",
               hrq__kernel_table[row].isa);
        EXPECT((hrq__kernel_table[hrq__isa_row(have, HRQ__ISAS)].need & ~have) == 0, "more than the machine has");
    }
    tap_end();
}

/* All that a matrix gives, in one block: its bytes, activations, products, decoded rows. */
static size_t everything(unsigned char *out, const hrq_format *f, size_t rows, size_t cols, size_t n, int kind,
                         const float *w, const float *x, size_t split)
{
    hrq_mat m;
    hrq_act *act;
    size_t bytes = hrq_mat_bytes(f, rows, cols), at = 0, r, step, room, i;
    unsigned char *data = (unsigned char *)malloc(bytes + 1), *buffer;
    float *y = (float *)(void *)(out + (bytes + 63) / 64 * 64);
    hrq_epilogue e;
    EXPECT(hrq_mat_init(&m, f, rows, cols, 77, data + 1, bytes) == HRQ_OK, "init");
    for (r = 0; r < rows; r += step) {
        step = split && !(f->options & HRQ__OPT_COL) ? (rows - r < split ? rows - r : split) : rows; /* :col: at once */
        EXPECT(hrq_mat_encode(&m, r, step, w + r * (cols + 3), cols + 3, NULL) == HRQ_OK, "encode");
    }
    memcpy(out, data + 1, bytes);
    room = hrq_act_bytes(&m, n, (hrq_act_kind)kind);
    buffer = (unsigned char *)malloc(room);
    EXPECT(hrq_act_prepare(&act, buffer, room, &m, (hrq_act_kind)kind, x, n, cols + 1) == HRQ_OK, "prepare");
    for (i = 0; i < n * (rows + 1); i++) y[i] = (float)i;
    for (r = 0; r < rows; r += step) {
        step = split ? (rows - r < split ? rows - r : split) : rows;
        EXPECT(hrq_mul(&m, act, y, rows + 1, r, r + step, NULL) == HRQ_OK, "mul");
    }
    at += n * (rows + 1);
    memset(&e, 0, sizeof e);
    e.keep = 0.5f;
    e.clamp = 1;
    e.lo = -3.0f;
    e.hi = 2.5f;
    e.bias = x;
    memcpy(y + at, y, n * (rows + 1) * sizeof *y);
    if (rows <= n * cols) EXPECT(hrq_mul(&m, act, y + at, rows + 1, 0, rows, &e) == HRQ_OK, "mul with epilogue");
    at += n * (rows + 1);
    EXPECT(hrq_mat_decode(&m, 0, rows, y + at, cols) == HRQ_OK, "decode");
    at += rows * cols;
    EXPECT(hrq_mul_t(&m, w, 2, rows, 0, rows, y + at, cols) == HRQ_OK, "mul_t");
    at += 2 * cols;
    if (rows < 20) EXPECT(hrq_mul_mat(&m, &m, y + at, rows, 0, rows) == HRQ_OK, "mul_mat");
    if (rows < 20) at += rows * rows;
    free(buffer);
    free(data);
    return (size_t)((unsigned char *)(y + at) - out);
}

static void test_same(const char *name)
{
    static const size_t shapes[][3] = {{17, 1064, 1},  {80, 128, 7}, {5, 40, 2},   {33, 296, 1},
                                       {66, 1064, 19}, {16, 8, 266}, {64, 264, 264}};
    size_t s, i, r, rows = hrq__kernel_rows;
    hrq_format f;
    char text[128];
    if (hrq_format_parse(&f, name) != HRQ_OK || hrq_mat_bytes(&f, 16, 64) == 0) return;
    sprintf(text, "%s: the same bytes and products from every instruction set", name);
    tap_begin(text);
    for (s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        size_t n = shapes[s][2], cols = shapes[s][1], mrows = shapes[s][0], used[2];
        size_t most =
            hrq_mat_bytes(&f, mrows, cols) + 64 + 4 * (2 * n * (mrows + 1) + mrows * cols + 2 * cols + mrows * mrows);
        unsigned char *out[2];
        float *w = (float *)malloc(mrows * (cols + 3) * sizeof(float)),
              *x = (float *)malloc((n * (cols + 1) + mrows) * sizeof(float));
        int kind = (int)(s % 2) && mrows < 60;
        fill_gauss(w, mrows * (cols + 3), 2.0);
        for (i = 0; i < cols && mrows > 3; i++) w[3 * (cols + 3) + i] *= 1e-30f;
        for (i = 0; i < cols && mrows > 4; i++)
            w[4 * (cols + 3) + i] = i == cols / 2 ? 50.0f : 0.0f; /* a spike among zeros */
        fill_gauss(x, n * (cols + 1) + mrows, 3.0);
        out[0] = (unsigned char *)calloc(most, 1);
        out[1] = (unsigned char *)calloc(most, 1);
        hrq_isa_limit("scalar");
        used[0] = everything(out[0], &f, mrows, cols, n, kind, w, x, 0);
        for (r = 1; r < rows; r++) {
            const hrq__kernels *k = &hrq__kernel_table[r];
            if (k->need & ~hrq__isa_have()) continue;
            hrq_isa_limit(k->isa);
            memset(out[1], 0, most);
            used[1] = everything(out[1], &f, mrows, cols, n, kind, w, x, r % 2 ? 0 : 1 + r * 9);
            EXPECT(used[0] == used[1], "%lu bytes", (unsigned long)used[1]);
            for (i = 0; i < used[0] && out[0][i] == out[1][i]; i++) {}
            EXPECT(i == used[0], "%s, %lu x %lu, %lu vectors: byte %lu of %lu (matrix %lu)", k->isa,
                   (unsigned long)mrows, (unsigned long)cols, (unsigned long)n, (unsigned long)i,
                   (unsigned long)used[0], (unsigned long)hrq_mat_bytes(&f, mrows, cols));
        }
        free(out[0]);
        free(out[1]);
        free(w);
        free(x);
    }
    tap_end();
}

int main(void)
{
    size_t i, rows = hrq__kernel_rows;
    const char *name;
    test_setup();
    for (i = 1; i < rows; i++)
        if (hrq__kernel_table[i].need & ~hrq__isa_have())
            printf("# SKIP %s: this machine does not have it\n", hrq__kernel_table[i].isa);
#ifdef HRQ__SIMD
    test_detection();
#endif
    test_limits();
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) test_same(name);
    return tap_finish();
}
