// test_universal.c: [4], [11], [12]. The product of two quantized matrices against theory: the model of its error and
// Gamma(R) for Gaussians, the sketch, the guarantee for any matrices, what dither and +unbiased promise.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

/* One side: W, its matrix, its relative error (of the centred rows where the format centres). */
typedef struct {
    float *w;
    double *mean, norm2, d; /* squared Frobenius norm of W less its rows' means; relative to it, the squared error */
    block b;
    hrq_mat m;
} side;

static side side_of(const char *name, size_t rows, size_t cols, uint64_t seed, float *w)
{
    side s;
    float *back = floats_of(1, cols, cols);
    double error = 0;
    size_t r, c;
    int centred = strstr(name, "+center") != NULL;
    s.w = w;
    s.m = mat_of(&s.b, name, rows, cols, seed, w, cols);
    s.mean = (double *)malloc(rows * sizeof *s.mean);
    s.norm2 = 0;
    for (r = 0; r < rows; r++) {
        s.mean[r] = 0;
        for (c = 0; c < cols && centred; c++) s.mean[r] += (double)w[r * cols + c] / (double)cols;
        hrq_mat_decode(&s.m, r, 1, back, cols);
        for (c = 0; c < cols; c++) {
            double x = (double)w[r * cols + c] - s.mean[r], e = (double)w[r * cols + c] - (double)back[c];
            s.norm2 += x * x;
            error += e * e;
        }
    }
    s.d = error / s.norm2;
    free(back);
    return s;
}

static void side_free(side *s)
{
    free(s->w);
    free(s->mean);
    free(s->b.base);
}

/* Squared error of all products; and the squared Frobenius norm of the centred factors' product. */
static double product_error(const side *a, const side *b, double *norm2)
{
    size_t rows = a->m.rows, other = b->m.rows, cols = a->m.cols, i, j, c;
    float *y = floats_of(rows, other, other);
    double error = 0;
    if (norm2) *norm2 = 0;
    EXPECT(hrq_mul_mat(&a->m, &b->m, y, other, 0, rows) == HRQ_OK, "mul_mat");
    for (i = 0; i < rows; i++)
        for (j = 0; j < other; j++) {
            const float *x = a->w + i * cols, *z = b->w + j * cols;
            double exact = 0, e;
            for (c = 0; c < cols; c++) exact += (double)x[c] * (double)z[c];
            e = (double)y[i * other + j] - exact;
            error += e * e;
            exact -= (double)cols * a->mean[i] * b->mean[j];
            if (norm2) *norm2 += exact * exact;
        }
    free(y);
    return error;
}

static float *gaussians(size_t rows, size_t cols)
{
    float *w = floats_of(rows, cols, cols);
    fill_gauss(w, rows * cols, 1.0);
    return w;
}

/* Row scales of least squares and scales that cover the largest entry leave errors that are uncorrelated with what is
   decoded and with what comes in: (1 - (1 - D_a)(1 - D_b)) and D_a + D_b + D_a D_b of n, D measured on the same rows. */
static void test_gaussian(int effort)
{
    static const struct {
        const char *name;
        double ratio; /* at most, at n = 4096; 0: not promised */
        int centroid;
    } rows[] = {{"int4", 0, 0},
                {"int8", 0, 0},
                {"int4:mse+had", 0, 0},
                {"e4m3", 0, 0},
                {"nvfp4:mse", 0, 0},
                {"mxfp4", 0, 0},
                {"zn:q16:k4", 0, 1},
                {"e8:q4:k4", 1.6, 1},
                {"e8:q8:k4", 1.6, 1},
                {"e8:q16:k4", 1.6, 1},
                {"e8:q16:k4+had+center+dither", 0, 1},
                {"d4:q16:k4", 0, 1},
                {"e8h:q4:m2:k4", 0, 1},
                {"e8b2:k4", 0, 1},
                {"e8b4:k4", 0, 1},
                {"tcq2", 1.15, 1},
                {"tcq3", 1.18, 1},
                {"tcq4", 1.22, 1}};
    size_t i, n, cols;
    tap_begin("products of Gaussians, n = 1024 and 4096: within 3 % of the model; ratio to Gamma at the true bits");
    for (i = 0; i < sizeof rows / sizeof *rows; i++)
        for (cols = 1024; cols <= 4096; cols *= 4) {
            int trellis = strncmp(rows[i].name, "tcq", 3) == 0;
            size_t count = 224; /* one deviation of the mean square: 0.6 % */
            double error = 0, model = 0, gamma, bits;
            side a, b;
            hrq_format f = format_of(rows[i].name);
            if (cols == 1024 && trellis && effort < 2) continue;
            n = count * count * cols;
            a = side_of(rows[i].name, count, cols, 5, gaussians(count, cols));
            b = side_of(rows[i].name, count, cols, 5 + ((uint64_t)1 << 32), gaussians(count, cols));
            error = product_error(&a, &b, NULL) / (double)n;
            model = rows[i].centroid ? a.d + b.d - a.d * b.d : a.d + b.d + a.d * b.d;
            bits = hrq_format_bits(&f, 4096, cols);
            gamma = hrq_gamma(bits);
            printf("# %-28s n %4lu  %.4f bits  D %.5f  error %.5f, model %+.2f %%, Gamma x %.3f\n", rows[i].name,
                   (unsigned long)cols, bits, a.d, error, 100 * (error / model - 1), error / gamma);
            EXPECT(fabs(error / model - 1) < 0.03, "%s, n = %lu: %.5f, model %.5f", rows[i].name, (unsigned long)cols,
                   error, model);
            if (rows[i].ratio > 0 && cols == 4096) /* by the model, which the products confirm: D has less noise */
                EXPECT(model / gamma <= rows[i].ratio, "%s: %.3f of Gamma(%.4f)", rows[i].name, model / gamma, bits);
            side_free(&a);
            side_free(&b);
        }
    tap_end();
}

/* Integers: what absmax, signed-maximum and least-squares scales give on rows of 4096, dB. */
static void test_integers(int effort)
{
    static const struct {
        const char *name;
        double db;
    } rows_of[] = {
        {"int8:sym", 41.25},      {"int8:g128:sym", 43.78}, {"int8:g32:sym", 45.41},  {"int4:sym", 16.09},
        {"int4", 17.25},          {"int4:mse", 19.33},      {"int4:g128:sym", 18.62}, {"int4:g128", 19.74},
        {"int4:g128:mse", 20.29}, {"int4:g64:sym", 19.36},  {"int4:g64", 20.46},      {"int4:g64:mse", 20.89},
        {"int4:g32:sym", 20.25},  {"int4:g32", 21.30},      {"int4:g32:mse", 21.67},  {"int3:sym", 8.74},
        {"int3:g32:sym", 12.87},  {"int3:mse", 13.96},      {"int3:g128:mse", 14.57}, {"int3:g64:mse", 15.03},
        {"int3:g32:mse", 15.70},  {"int2:mse", 8.29},       {"int2:g32:mse", 9.49}};
    size_t i, rows = effort == 2 ? 1024 : 192, cols = 4096;
    float *w = gaussians(rows, cols);
    tap_begin("integers on rows of 4096 Gaussians: the decibels of their scales");
    for (i = 0; i < sizeof rows_of / sizeof *rows_of; i++) {
        side s = side_of(rows_of[i].name, rows, cols, 1, w);
        double db = -10 * log10(s.d),
               spread = strstr(rows_of[i].name, ":g") || strstr(rows_of[i].name, ":mse") ? 0 : 0.74;
        printf("# %-16s %.2f dB, %.2f expected\n", rows_of[i].name, db, rows_of[i].db);
        /* 0.03 for each side's rounding and samples; a row's absmax^2 spreads by 17 %, 0.74 dB; scales may be better than
           these, never worse */
        EXPECT(db > rows_of[i].db - 0.06 - 3 * spread / sqrt((double)rows) &&
                   (strstr(rows_of[i].name, ":mse") || db < rows_of[i].db + 0.06 + 3 * spread / sqrt((double)rows)),
               "%s: %.3f dB, %.2f expected", rows_of[i].name, db, rows_of[i].db);
        s.w = NULL;
        side_free(&s);
    }
    free(w);
    tap_end();
}

static void test_sketch(int effort)
{
    static const char *const names[] = {"tcq2+had+keep12", "tcq2+had+keep25", "tcq2+had+keep37", "e8b2+had+keep25",
                                        "tcq2+had+center+keep25"};
    size_t i, count = effort == 2 ? 160 : 96, cols = 4096;
    tap_begin("the sketch at 0.25, 0.5, 0.75 bit: within 35 % of Gamma(R)");
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        hrq_format f = format_of(names[i]);
        side a = side_of(names[i], count, cols, 9, gaussians(count, cols)),
             b = side_of(names[i], count, cols, 9, gaussians(count, cols));
        double bits = hrq_format_bits(&f, 4096, cols), model;
        double error = product_error(&a, &b, NULL) / (double)(count * count * cols), gamma = hrq_gamma(bits);
        printf("# %-24s %.4f bits: %.4f, Gamma x %.3f\n", names[i], bits, error, error / gamma);
        EXPECT(error / gamma <= 1.35 && error < 1, "%s: %.4f, Gamma(%.4f) %.4f", names[i], error, bits, gamma);
        model = 1 - (1 - a.d) * (1 - b.d) * 100 / f.keep; /* the same coordinates are lost on both sides */
        EXPECT(fabs(error / model - 1) < 0.03 + 2.0 / (double)count, "%s: %.4f, model %.4f", names[i], error,
               1 - (1 - a.d) * (1 - b.d));
        side_free(&a);
        side_free(&b);
    }
    tap_end();
}

/* Mean 3, 32 directions in common, noise: what a layer looks like. */
static float *structured(size_t rows, size_t cols, const float *basis)
{
    float *w = gaussians(rows, cols);
    size_t r, c, k;
    for (r = 0; r < rows; r++)
        for (k = 0; k < 32; k++) {
            float g = (float)draw_gauss() * 0.5f;
            for (c = 0; c < cols; c++) w[r * cols + c] += g * basis[k * cols + c] + (k ? 0.0f : 3.0f);
        }
    return w;
}

static void test_guarantee(int effort)
{
    /* lowest share of the guarantee: it is met where errors are uncorrelated with what is decoded (least squares). Grids
       that cover their largest entry do not shrink products, and the sketch shrinks the same coordinates on both sides:
       they are better than it */
    static const struct {
        const char *name;
        double least;
    } rows_of[] = {
        {"e8:q4:k4+had+center", 0.9},   {"e8:q16:k4+had+center", 0.9},      {"e8:q16:k4+had+center+dither", 0.9},
        {"d4:q8:k4+had+center", 0.9},   {"e8b3:k4+had+center", 0.9},        {"tcq2:s6+had+center", 0.9},
        {"tcq4:s6+had+center", 0.9},    {"tcq2:s6+had+center+keep25", 0.7}, {"e2m1+had+center", 0.5},
        {"int4+had+center+dither", 0.5}};
    size_t i, rows = effort == 2 ? 256 : 128, cols = 1024;
    float *basis = gaussians(32, cols);
    tap_begin("any matrices (mean 3, rank 32 and noise): 0.9 - 1.1 of hrq_matmul_guarantee at the effective rate");
    for (i = 0; i < sizeof rows_of / sizeof *rows_of; i++) {
        const char *name = rows_of[i].name;
        side a = side_of(name, rows, cols, 21, structured(rows, cols, basis)),
             b = side_of(name, rows, cols, 21 + ((uint64_t)7 << 32), structured(rows, cols, basis));
        double norm2, error = product_error(&a, &b, &norm2), d = (a.d + b.d) / 2;
        double bound = hrq_matmul_guarantee(sqrt(a.norm2), sqrt(b.norm2), sqrt(norm2), cols, -0.5 * log2(d));
        printf("# %-28s effective %.3f bits: %.3f of the guarantee\n", name, -0.5 * log2(d), error / bound);
        EXPECT(error / bound > rows_of[i].least && error / bound < 1.1, "%s: %.3f of the guarantee", name,
               error / bound);
        side_free(&a);
        side_free(&b);
    }
    free(basis);
    tap_end();
}

static void test_dither(int effort)
{
    static const char *const names[] = {"int8+dither",
                                        "int4+had+dither",
                                        "e8:q64:k4+dither+unbiased",
                                        "zn:q64:k2+dither+unbiased",
                                        "d4:q32:k4+had+dither+unbiased",
                                        "e8h:q8:m2:k4+dither+unbiased"};
    size_t i, c, cols = 200, draws = effort == 0 ? 200 : effort == 1 ? 1000 : 10000, k;
    tap_begin("dither: the mean over draws is the product; the same seed gives the same bytes, another others");
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        float *a = floats_of(1, cols, cols), *b = floats_of(1, cols, cols), y = 0;
        double exact = 0, sum = 0, sum2 = 0, mean, deviation;
        block ba, bb, again;
        hrq_mat ma, mb, mc;
        for (c = 0; c < cols; c++) {
            a[c] = (float)draw_uniform() - 0.5f;
            b[c] = (float)draw_uniform() - 0.5f;
            exact += (double)a[c] * (double)b[c];
        }
        ma = mat_of(&ba, names[i], 1, cols, 3, a, cols);
        mb = mat_of(&bb, names[i], 1, cols, 3, b, cols);
        for (k = 0; k < draws; k++) {
            ma.seed = 3 + ((uint64_t)(2 * k) << 32);
            mb.seed = 3 + ((uint64_t)(2 * k + 1) << 32);
            hrq_mat_encode(&ma, 0, 1, a, cols, NULL);
            hrq_mat_encode(&mb, 0, 1, b, cols, NULL);
            EXPECT(hrq_mul_mat(&ma, &mb, &y, 1, 0, 1) == HRQ_OK, "mul_mat");
            sum += (double)y - exact;
            sum2 += ((double)y - exact) * ((double)y - exact);
        }
        mean = sum / (double)draws;
        deviation = sqrt(sum2 / (double)draws);
        printf("# %-30s mean error %+.2f deviations of one\n", names[i], mean / deviation);
        EXPECT(fabs(mean) < 4.0 * deviation / sqrt((double)draws), "%s: mean error %g, deviation %g", names[i], mean,
               deviation);
        mc = mat_of(&again, names[i], 1, cols, ma.seed, a, cols);
        EXPECT(memcmp(mc.data, ma.data, ma.bytes) == 0, "%s: the same seed gives other bytes", names[i]);
        mc.seed ^= (uint64_t)1 << 40;
        hrq_mat_encode(&mc, 0, 1, a, cols, NULL);
        EXPECT(memcmp(mc.data, ma.data, ma.bytes) != 0, "%s: another seed gives the same bytes", names[i]);
        free(a);
        free(b);
        free(ba.base);
        free(bb.base);
        free(again.base);
    }
    tap_end();
}

/* +unbiased: <w, decoded w> = |w|^2 to the rounding of the row scale (bf16, 2^-9); without it the product shrinks by D. */
static void test_unbiased(void)
{
    static const char *const names[] = {"e8:q4:k4", "e8b2:k1", "tcq2:s6", "int3", "e2m1", "zn:q5:k2"};
    size_t i, r, c, cols = 1000, rows = 20;
    tap_begin("+unbiased: rows keep their product with themselves; the default shrinks them by their error");
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        float *w = gaussians(rows, cols), *back = floats_of(1, cols, cols);
        int turn;
        for (turn = 0; turn < 2; turn++) {
            char name[64];
            block b;
            hrq_mat m;
            snprintf(name, sizeof name, "%s%s", names[i], turn ? "+unbiased" : "");
            m = mat_of(&b, name, rows, cols, 1, w, cols);
            for (r = 0; r < rows; r++) {
                double dot = 0, self = 0, decoded = 0;
                hrq_mat_decode(&m, r, 1, back, cols);
                for (c = 0; c < cols; c++) {
                    dot += (double)w[r * cols + c] * (double)back[c];
                    self += (double)w[r * cols + c] * (double)w[r * cols + c];
                    decoded += (double)back[c] * (double)back[c];
                }
                if (turn) EXPECT(fabs(dot / self - 1) < 0x1p-8, "%s: %g", name, dot / self);
                else if (strchr("ezt", names[i][0]) && strcmp(names[i], "e2m1"))
                    EXPECT(fabs(dot / decoded - 1) < 0x1p-8 && dot < self, "%s: %g, not least squares", name,
                           dot / decoded);
            }
            free(b.base);
        }
        free(w);
        free(back);
    }
    tap_end();
}

/* A mean of 1000 deviations: centred, the error is that of the rest; a constant row is exact. */
static void test_center(void)
{
    static const char *const names[] = {"int4", "e8:q16:k4", "tcq4:s6", "e4m3", "mxfp4", "e8b4:k4"};
    size_t i, c, cols = 512, r, rows = 8;
    tap_begin("+center: a mean of 1000 deviations costs nothing; constant rows and products with them are exact");
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64];
        float *w = gaussians(rows, cols), *plain = gaussians(rows, cols), *far = floats_of(rows, cols, cols), y[64],
              x[512];
        side a, b;
        for (c = 0; c < rows * cols; c++) w[c] = plain[c];
        for (c = 0; c < rows * cols; c++) far[c] = c / cols == 3 ? 1000.0f : plain[c] + 1000.0f;
        snprintf(name, sizeof name, "%s+center", names[i]);
        a = side_of(name, rows, cols, 1, far);
        b = side_of(name, rows, cols, 1, w);
        EXPECT(a.d < 1.2 * b.d + 1e-6, "%s: %g with a mean, %g without", name, a.d, b.d);
        for (c = 0; c < cols; c++) x[c] = (float)(c % 8) - 3.0f; /* sums to 256 */
        EXPECT(hrq_matmul(&a.m, HRQ_ACT_F32, x, 1, cols, y, rows, NULL) == HRQ_OK && y[3] == 256000.0f, "%s: %.9g",
               name, (double)y[3]);
        EXPECT(hrq_mul_mat(&a.m, &a.m, y, rows, 3, 4) == HRQ_OK, "mul_mat");
        for (r = 0; r < rows; r++) {
            double sum = 0;
            for (c = 0; c < cols; c++) sum += (double)far[r * cols + c];
            EXPECT(fabs((double)y[3 * 8 + r] / (sum * 1000.0) - 1) < 1e-6, "%s: constant row by row %lu", name,
                   (unsigned long)r);
        }
        side_free(&a);
        side_free(&b);
        free(plain);
    }
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_unbiased();
    test_center();
    test_dither(effort);
    test_guarantee(effort);
    if (effort) test_gaussian(effort);
    if (effort) test_sketch(effort);
    if (effort) test_integers(effort);
    return tap_finish();
}
