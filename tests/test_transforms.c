// test_transforms.c: [10]. The randomised Hadamard transform is orthonormal for every length, its own inverse, and a
// function of 32 bits of seed.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

/* H of order h from the library's own butterflies, as it acts on unit vectors: H H^T = h I, entries +-1. */
static void test_orders(void)
{
    static const size_t orders[] = {1, 2, 4, 12, 20, 28, 24, 56, 80, 112};
    size_t k, i, j, c;
    tap_begin("H of order 12, 20, 28 and products: entries +-1, H H^T = h I exactly");
    for (k = 0; k < sizeof orders / sizeof orders[0]; k++) {
        size_t h = orders[k], base;
        float *m = floats_of(h, h, h);
        EXPECT(hrq__hadamard_block(h, &base) == h, "%lu is no block", (unsigned long)h);
        for (i = 0; i < h; i++)
            for (j = 0; j < h; j++) m[i * h + j] = i == j ? 1.0f : 0.0f;
        for (i = 0; i < h; i++) hrq__hadamard_apply(m + i * h, h, base, 0, 0, 0);
        for (i = 0; i < h * h; i++) {
            double x = (double)m[i] * sqrt((double)h); /* 1 / sqrt(h) in float, times an integer that must be 1 */
            EXPECT(fabs(fabs(x) - 1) < 3e-7, "order %lu: entry %g", (unsigned long)h, x);
            m[i] = x < 0 ? -1.0f : 1.0f;
        }
        for (i = 0; i < h; i++)
            for (j = 0; j < h; j++) {
                float dot = 0;
                for (c = 0; c < h; c++) dot += m[i * h + c] * m[j * h + c];
                EXPECT(dot == (i == j ? (float)h : 0.0f), "order %lu: rows %lu, %lu: %g", (unsigned long)h,
                       (unsigned long)i, (unsigned long)j, (double)dot);
            }
        free(m);
    }
    tap_end();
}

/* Blocks: h * 2^m, h in {1, 12, 20, 28}, none larger fits, no column is left out. */
static void test_blocks(void)
{
    size_t n, h, b, best, k;
    static const size_t orders[4] = {1, 12, 20, 28};
    tap_begin("blocks: the largest that fits");
    for (n = 1; n < 6000; n++) {
        for (k = 0, best = 0; k < 4; k++)
            for (b = orders[k]; b <= n; b *= 2) best = b > best ? b : best;
        b = hrq__hadamard_block(n, &h);
        EXPECT(b == best && b % h == 0 && ((b / h) & (b / h - 1)) == 0 && (h == 1 || h == 12 || h == 20 || h == 28),
               "%lu columns: block %lu of %lu", (unsigned long)n, (unsigned long)b, (unsigned long)h);
    }
    tap_end();
}

static void one_length(size_t n)
{
    float *x = floats_of(3, n, n + 1), *y = floats_of(3, n, n + 1);
    size_t r, c, used = 2 * (n + 1) + n;
    uint64_t seed = draw();
    fill_gauss(x, used, 1.0);
    x[n] = 123.0f; /* between rows: stays */
    memcpy(y, x, used * sizeof *x);
    EXPECT(hrq_hadamard(y, 3, n, n + 1, seed, 0) == HRQ_OK, "%lu", (unsigned long)n);
    EXPECT(y[n] == 123.0f, "%lu: wrote between rows", (unsigned long)n);
    for (r = 0; r < 3; r++) {
        double in = 0, out = 0, moved = 0, dot[2] = {0, 0};
        for (c = 0; c < n; c++) {
            in += (double)x[r * (n + 1) + c] * (double)x[r * (n + 1) + c];
            out += (double)y[r * (n + 1) + c] * (double)y[r * (n + 1) + c];
            dot[0] += (double)x[c] * (double)x[r * (n + 1) + c];
            dot[1] += (double)y[c] * (double)y[r * (n + 1) + c];
        }
        /* log2(n) + 28 roundings of 2^-24 of what passes through, and 1 / sqrt(n) as a float: 1e-6 of the row */
        EXPECT(fabs(sqrt(out / in) - 1) < 1e-6, "%lu columns: norm times %g", (unsigned long)n, sqrt(out / in));
        EXPECT(fabs(dot[0] - dot[1]) < 4e-6 * (double)n * 3, "%lu columns: inner product %g became %g",
               (unsigned long)n, dot[0], dot[1]);
        if (r == 0) {
            float *z = floats_of(1, n, n);
            memcpy(z, y, n * sizeof *z);
            EXPECT(hrq_hadamard(z, 1, n, n, seed, 1) == HRQ_OK, "%lu", (unsigned long)n);
            for (c = 0; c < n; c++) moved += pow((double)z[c] - (double)x[c], 2);
            EXPECT(moved <= 1e-12 * in, "%lu columns: comes back with relative error %g", (unsigned long)n,
                   sqrt(moved / in));
            memcpy(z, x, n * sizeof *z);
            EXPECT(hrq_hadamard(z, 1, n, n, (seed & 0xffffffffu) | (uint64_t)77 << 32, 0) == HRQ_OK &&
                       same_bits(z, y, n),
                   "%lu: the high half of the seed matters", (unsigned long)n);
            memcpy(z, x, n * sizeof *z);
            EXPECT(hrq_hadamard(z, 1, n, n, seed ^ 1, 0) == HRQ_OK && (n < 40 || !same_bits(z, y, n)),
                   "%lu: seeds do not differ", (unsigned long)n);
            free(z);
        }
    }
    free(x);
    free(y);
}

static void test_lengths(int effort)
{
    static const size_t sizes[] = {344, 896, 1376, 4096, 4544, 768, 11008, 14336, 257, 999};
    size_t n;
    tap_begin("any length: norm and inner products kept, inverse, 32 bits of seed");
    for (n = 1; n <= 130; n++) one_length(n);
    for (n = 0; n < (effort ? 10 : 4); n++) one_length(sizes[n]);
    tap_end();
}

/* What it is for: one spike spreads evenly over its block; signs are fair. */
static void test_spread(void)
{
    size_t c, n = 4096, plus = 0;
    float *x = floats_of(1, n, n);
    tap_begin("a spike becomes +-1 / sqrt(n) everywhere; signs are fair coins");
    memset(x, 0, n * sizeof *x);
    x[1234] = 64.0f;
    hrq_hadamard(x, 1, n, n, test_seed, 0);
    for (c = 0; c < n; c++) EXPECT(fabsf(x[c]) == 1.0f, "%g at %lu", (double)x[c], (unsigned long)c);
    for (c = 0; c < n; c++) x[c] = 1.0f;
    hrq__signs_scalar(x, n, test_seed & 0xffffffffu);
    for (c = 0; c < n; c++) plus += x[c] > 0;
    EXPECT(fabs((double)plus - 2048) < 5 * 32, "%lu of 4096 signs are plus",
           (unsigned long)plus); /* five standard deviations */
    free(x);
    tap_end();
}

static void test_status(void)
{
    float x[32];
    size_t i;
    tap_begin("statuses; NaN stays in its block");
    fill_gauss(x, 32, 1.0);
    EXPECT(hrq_hadamard(NULL, 1, 4, 4, 0, 0) == HRQ_ERR_ARG, "NULL");
    EXPECT(hrq_hadamard(x, 0, 4, 4, 0, 0) == HRQ_ERR_SHAPE && hrq_hadamard(x, 1, 0, 4, 0, 0) == HRQ_ERR_SHAPE,
           "zero");
    EXPECT(hrq_hadamard(x, 2, 4, 3, 0, 0) == HRQ_ERR_SHAPE && hrq_hadamard(x, SIZE_MAX, 4, 4, 0, 0) == HRQ_ERR_SHAPE,
           "ld");
    x[17] = NAN; /* 18 columns: blocks of 16 and 2 */
    EXPECT(hrq_hadamard(x, 1, 18, 18, 5, 0) == HRQ_OK, "NaN");
    for (i = 0; i < 16; i++) EXPECT(hrq__finite(x[i]), "NaN spread to column %lu", (unsigned long)i);
    EXPECT(x[16] != x[16] && x[17] != x[17], "NaN was lost");
    x[0] = -2.5f;
    EXPECT(hrq_hadamard(x, 1, 1, 1, 9, 0) == HRQ_OK && fabsf(x[0]) == 2.5f, "one column");
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_orders();
    test_blocks();
    test_lengths(effort);
    test_spread();
    test_status();
    return tap_finish();
}
