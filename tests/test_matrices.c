// test_matrices.c: [11]. Every listed format on every kind of shape and data: round trips, chunkings, slices, statuses,
// bytes that no encoder wrote.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

static const size_t some_rows[] = {1, 2, 15, 16, 17, 33};

static int is_coded(const hrq_format *f, int codec) { return hrq__families[f->kind].codec == codec; }
static int is_plain(const hrq_format *f) { return is_coded(f, HRQ__CODEC_PLAIN); }
static int is_column(const hrq_format *f) { return is_coded(f, HRQ__CODEC_COLUMN); } /* coded by whole bands */
static int is_int(const hrq_format *f) { return is_coded(f, HRQ__CODEC_INT); }

/* Largest squared error that a row of this format may have, before the inverse rotation (which keeps it):
     plain      half a unit in the last place of each entry, and of rounding noise in the rotation
     int        half a step an entry, a whole one where the sign opposite to the largest is clipped; the step is the
                group's absmax over 2^(bits-1) - 1 at most, rounded up by 2^-7 in bf16, 2^-10 in fp16. :asym: lo to hi
                spread over 2^bits - 1 steps, 2 absmax at most, a whole step for the rounded zero point. :mse: any error
                an entry, but no greater sum than without, within 2 % of arithmetic
     floats     half a unit in the last place of the row's absmax; MX saturates by a whole one
     box, tcq   the row scale is of least squares: no more than the row's energy, and 2^-9 of it for rounding the scale
     Voronoi    no block is worse than its own energy but for the granular error: the covering radius 1 of E8 (of Z^8:
                sqrt 2) times the largest beta, squared; overload shrinks, so 1.0 of the energy and this */
static double worst_error(const hrq_format *f, const float *x, size_t n)
{
    double top = 0, energy = 0, step;
    size_t i;
    for (i = 0; i < n; i++) {
        top = fabs((double)x[i]) > top ? fabs((double)x[i]) : top;
        energy += (double)x[i] * (double)x[i];
    }
    if (is_plain(f)) {
        double unit = f->bits == 32 ? 0x1p-24 : strcmp(hrq__families[f->kind].pattern, "f16") == 0 ? 0x1p-11 : 0x1p-8;
        return energy * unit * unit + (double)n * 0x1p-48; /* f16 subnormals: 2^-25 */
    }
    if (is_int(f)) {
        step = top * (1 + 0x1p-6) / (double)((1 << (f->bits - 1)) - (f->options & HRQ__OPT_ASYM ? 0 : 1));
        if (f->bits == 2 && !(f->options & HRQ__OPT_SYM))
            step = top; /* -2, -1, 0, 1 half tops: the other sign loses a half */
        return (double)n * step * step * (f->options & HRQ__OPT_MSE ? 1.02 : 1.0);
    } else if (is_coded(f, HRQ__CODEC_FLOAT)) {
        step = ldexp(top * (1 + 0x1p-6), -f->man - (hrq__families[f->kind].scale != HRQ__SCALE_E8M0));
        return (double)n * step * step * (f->options & HRQ__OPT_MSE ? 1.02 : 1.0);
    } else if (!is_coded(f, HRQ__CODEC_VORONOI)) {
        return energy * (1 + 0x1p-9);
    } else {
        hrq__voronoi c = hrq__voronoi_of(f);
        double beta = (double)c.beta[c.k - 1], rms2 = energy / (double)n * (1 + 0x1p-6);
        return energy + 2 * beta * beta * rms2 * (double)((n + 7) / 8);
    }
}

/* Mean relative error on Gaussian rows of 64 columns and more: granular at the largest step, or the rate's own law. */
static double mean_error(const hrq_format *f, size_t cols)
{
    double m = hrq_int_crest(f->group ? f->group : cols), levels;
    if (is_plain(f)) return 0x1p-16;
    if (is_int(f)) { /* theory: m / (12 half^2), doubled for zero points (2 absmax) and for coarse scales */
        levels = (double)((1 << (f->bits - 1)) - 1);
        return levels < 1.5 ? 1.0 : 2 * m / (12 * levels * levels);
    }
    if (is_coded(f, HRQ__CODEC_FLOAT)) /* e2m1: 0.014, e4m3: 0.0007, mxint8: 7e-5; E8M0 saturates at times */
        return ldexp(f->exp == 0 ? 0.4 : hrq__families[f->kind].scale == HRQ__SCALE_E8M0 ? 0.16 : 0.08, -2 * f->man);
    /* sequences of a trellis code under 32 steps are short for their windows; :col: rows here are few */
    if (!is_coded(f, HRQ__CODEC_VORONOI)) return ldexp(f->states && (cols < 128 || is_column(f)) ? 4.0 : 2.0, -2 * f->bits);
    /* second moment of the largest cell, and as much again for overload; more than 0.6 no code loses */
    {
        hrq__voronoi c = hrq__voronoi_of(f);
        double beta = (double)c.beta[c.k - 1],
               d = 2 * beta * beta / 12 * (c.lattice == HRQ__LATTICE_ZN && f->q < 32 ? 2 : 1);
        return d * 2 < 0.6 ? d * 2 : 0.6;
    }
}

static void fill(float *w, size_t n, int kind)
{
    size_t i;
    fill_gauss(w, n, 1.0);
    if (kind == 1 && n)
        for (i = 0; i < n; i++) w[i] = i % 3 ? w[i] * 1e-4f : w[i] * 50.0f; /* spikes */
    if (kind == 2)
        for (i = 0; i < n; i++) w[i] = i % 2 ? 1.0f : -1.0f;
}

/* One shape of one format: everything that must hold. */
static void one(const char *name, size_t rows, size_t cols, int kind)
{
    size_t ldw = cols + draw_below(3), ld2 = cols + draw_below(3), r, c, at, n;
    hrq_format f = format_of(name);
    float *w = floats_of(rows, cols, ldw), *back = floats_of(rows, cols, ld2), *part = floats_of(33, cols, cols);
    block a, b;
    hrq_mat m, m2, slice;
    double error, energy = 0, total = 0;
    a = block_of(hrq_mat_bytes(&f, rows, cols), draw_below(4));
    b = block_of(a.bytes, draw_below(4));
    fill(w, (rows - 1) * ldw + cols, kind);
    EXPECT(hrq_mat_init(&m, &f, rows, cols, 5, a.data, a.bytes) == HRQ_OK && m.bytes == a.bytes, "%s %lux%lu init",
           name, (unsigned long)rows, (unsigned long)cols);
    EXPECT(hrq_mat_init(&m2, &f, rows, cols, 5, b.data, b.bytes) == HRQ_OK, "%s init", name);
    EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 0, rows, back, ld2) == HRQ_OK, "%s zero", name);
    for (r = 0; r < rows; r++)
        for (c = 0; c < cols; c++)
            EXPECT(back[r * ld2 + c] == 0.0f, "%s: init decodes to %g", name, (double)back[r * ld2 + c]);

    EXPECT(hrq_mat_encode(&m, 0, rows, w, ldw, NULL) == HRQ_OK && hrq_mat_check(&m) == HRQ_OK, "%s %lux%lu encode",
           name, (unsigned long)rows, (unsigned long)cols);
    EXPECT(hrq_mat_decode(&m, 0, rows, back, ld2) == HRQ_OK, "%s decode", name);
    for (r = 0; r < rows; r++) {
        double size = 0;
        for (c = 0, error = 0; c < cols; c++) {
            double e = (double)back[r * ld2 + c] - (double)w[r * ldw + c];
            EXPECT(hrq__finite(back[r * ld2 + c]), "%s: not finite", name);
            error += e * e;
            size += (double)w[r * ldw + c] * (double)w[r * ldw + c];
        }
        energy += size;
        total += error;
        if (is_column(&f)) continue; /* rows share scales: all together are bounded */
        if (!strstr(name, "+had")) {
            EXPECT(error <= worst_error(&f, w + r * ldw, cols), "%s %lux%lu row %lu kind %d: error %g, bound %g",
                   name, (unsigned long)rows, (unsigned long)cols, (unsigned long)r, kind, error,
                   worst_error(&f, w + r * ldw, cols));
        } else {
            EXPECT(error <= size * 1.3 + 1e-12, "%s: error %g of %g", name, error, size);
        }
    }
    EXPECT(total <= energy * 1.3 || !is_column(&f), "%s %lux%lu: error %g of %g", name, (unsigned long)rows,
           (unsigned long)cols, total, energy);
    if (kind == 0 && cols >= 64 && rows >= 15 && !f.keep)
        EXPECT(total <= mean_error(&f, cols) * energy, "%s %lux%lu: %g of %g", name, (unsigned long)rows,
               (unsigned long)cols, total / energy, mean_error(&f, cols));

    for (r = rows; r > 0; r -= n) { /* from the end, in chunks of 1 ... 5 rows */
        n = is_column(&f) ? rows : 1 + draw_below(5);
        n = n > r ? r : n;
        EXPECT(hrq_mat_encode(&m2, r - n, n, w + (r - n) * ldw, ldw, NULL) == HRQ_OK, "%s chunk", name);
    }
    EXPECT(memcmp(a.data, b.data, a.bytes) == 0, "%s %lux%lu: chunks of rows give other bytes", name,
           (unsigned long)rows, (unsigned long)cols);

    at = is_column(&f) ? 0 : (rows - 1) / 16 * 16; /* the last panel as a matrix of its own */
    n = a.bytes / (is_column(&f) ? 1 : (rows + 15) / 16);
    EXPECT(hrq_mat_wrap(&slice, &f, rows - at, cols, 5, a.data + at / 16 * n, n) == HRQ_OK, "%s slice", name);
    EXPECT(hrq_mat_decode(&slice, 0, rows - at, part, cols) == HRQ_OK, "%s slice", name);
    for (r = at; r < rows; r++)
        EXPECT(same_bits(part + (r - at) * cols, back + r * ld2, cols), "%s: a slice decodes otherwise", name);
    for (r = 0; r < rows; r += n) { /* any range of rows */
        n = 1 + draw_below(rows - r < 16 ? rows - r : 16);
        EXPECT(hrq_mat_decode(&m, r, n, part, cols) == HRQ_OK, "%s rows", name);
        for (c = 0; c < n; c++)
            EXPECT(same_bits(part + c * cols, back + (r + c) * ld2, cols), "%s: rows from %lu decode otherwise", name,
                   (unsigned long)r);
    }
    free(w);
    free(back);
    free(part);
    free(a.base);
    free(b.base);
}

static void test_shapes(int effort)
{
    static const size_t wide[] = {127, 128, 129, 255, 256, 257, 300};
    size_t i, r, c;
    const char *name;
    char title[96];
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        size_t slow = format_of(name).states > 6 ? (effort == 2 ? 6 : 24) : 0; /* a wide trellis: fewer shapes */
        snprintf(title, sizeof title, "%s: every shape: error, chunks, slices, ranges, exact buffers", name);
        tap_begin(title);
        for (r = 0; r < 6; r++) {
            if (effort == 0 && r != i % 6 && r != 4) continue;
            for (c = 1; c <= 72; c += slow                   ? 1 + draw_below(slow)
                                      : effort == 0          ? 1 + draw_below(12)
                                      : effort == 1 && r > 1 ? 1 + draw_below(3)
                                                             : 1)
                one(name, some_rows[r], c, (int)(c % 3));
            for (c = effort && !slow ? 0 : i % 5; c < (effort && !slow ? 7 : i % 5 + 2); c++)
                one(name, some_rows[r], wide[c], r > 2 ? 0 : (int)(c % 3));
        }
        tap_end();
    }
}

/* Decoding, encoding and decoding again changes nothing where the scale is found again. */
static void test_stable(void)
{
    static const char *const names[] = {"f32",  "f16",  "bf16", "int2",     "int3",
                                        "int4", "int5", "int6", "int4:sym", "int5:sym"};
    size_t i, cols, rows = 19;
    tap_begin("plain and low-bit integer formats: what was decoded encodes to the same bytes");
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        for (cols = 1; cols < 90; cols += 1 + draw_below(7)) {
            /* signed maximum: -2^(bits-1) of a scale of 8 bits is a float, divides back to the scale; the largest entry has
               that code as long as rounding the scale up, 2^-7 at most, is below half a code: 7 bits and less */
            float *w = floats_of(rows, cols, cols), *x = floats_of(rows, cols, cols);
            block a, b;
            hrq_mat m, m2;
            fill_gauss(w, rows * cols, 0.02);
            m = mat_of(&a, names[i], rows, cols, 3, w, cols);
            hrq_mat_decode(&m, 0, rows, x, cols);
            m2 = mat_of(&b, names[i], rows, cols, 3, x, cols);
            EXPECT(m2.bytes == m.bytes && memcmp(a.data, b.data, a.bytes) == 0, "%s %lu columns", names[i],
                   (unsigned long)cols);
            if (strcmp(names[i], "f32") == 0) EXPECT(same_bits(w, x, rows * cols), "f32 is not what it was");
            free(w);
            free(x);
            free(a.base);
            free(b.base);
        }
    tap_end();
}

/* Scales of 2^k move through everything: the same codes. */
static void test_ranges(void)
{
    static const int powers[] = {-90, -40, 1, 40, 90};
    size_t i, k, c, cols = 150, rows = 5;
    const char *name;
    tap_begin("ranges: 2^k times the matrix decodes to 2^k times the same; 1e+-30 and 1e+-38 stay finite and close");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        hrq_format f = format_of(name);
        float *w = floats_of(rows, cols, cols), *x = floats_of(rows, cols, cols), *y = floats_of(rows, cols, cols);
        int narrow = strcmp(name, "f16") == 0;
        block b;
        hrq_mat m;
        fill_gauss(w, rows * cols, 1.0);
        m = mat_of(&b, name, rows, cols, 3, w, cols);
        hrq_mat_decode(&m, 0, rows, x, cols);
        for (k = 0; k < 5 && !narrow; k++) {
            float scale = ldexpf(1.0f, powers[k]);
            for (c = 0; c < rows * cols; c++) y[c] = w[c] * scale;
            EXPECT(hrq_mat_encode(&m, 0, rows, y, cols, NULL) == HRQ_OK &&
                       hrq_mat_decode(&m, 0, rows, y, cols) == HRQ_OK,
                   "%s", name);
            for (c = 0; c < rows * cols; c++)
                EXPECT(y[c] == x[c] * scale, "%s at 2^%d: %g, not %g", name, powers[k], (double)y[c],
                       (double)(x[c] * scale));
        }
        for (k = 0; k < 6 && !narrow; k++) {
            static const double sizes[] = {1e-45, 1e-40, 1e-38, 1e-30, 1e30, 3e37};
            double error = 0, energy = 0;
            for (c = 0; c < rows * cols; c++) y[c] = (float)((double)w[c] * sizes[k]);
            if (k == 5)
                for (c = 0; c < rows * cols; c++) y[c] = hrq__clampf(y[c], -4e37f, 4e37f);
            if (strstr(name, "+had") && k == 5) {
                EXPECT(hrq_mat_encode(&m, 0, rows, y, cols, NULL) == HRQ_ERR_NONFINITE,
                       "%s at %g: sums of it overflow", name, sizes[k]);
                continue;
            }
            EXPECT(hrq_mat_encode(&m, 0, rows, y, cols, NULL) == HRQ_OK, "%s at %g", name, sizes[k]);
            EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 0, rows, x, cols) == HRQ_OK, "%s at %g", name,
                   sizes[k]);
            for (c = 0; c < rows * cols; c++) {
                double e = ((double)x[c] - (double)y[c]) / sizes[k];
                EXPECT(hrq__finite(x[c]), "%s at %g: not finite", name, sizes[k]);
                error += e * e;
                energy += (double)y[c] / sizes[k] * ((double)y[c] / sizes[k]);
            }
            /* a row scale is 2^-126 or more: 1e-38 is coarse, smaller is lost in the step; never more than the row and
               one step an entry */
            if (k >= 3 && !f.keep) /* 3e37 is cut off at 4e37: MX saturates there */
                EXPECT(error <= (k == 5 ? 4 : 1) * mean_error(&f, cols) * energy, "%s at %g: %g", name, sizes[k],
                       error / energy);
            else
                EXPECT(error <= energy + (double)(rows * cols) * pow(1.2e-38 * 8 / sizes[k], 2), "%s at %g: %g of %g",
                       name, sizes[k], error, energy);
            hrq_mat_decode(&m, 0, rows, x, cols);
        }
        free(w);
        free(x);
        free(y);
        free(b.base);
    }
    tap_end();
}

/* The largest floats there are: finite, or HRQ_ERR_NONFINITE with the bytes untouched. */
static void test_largest(void)
{
    static const float tops[] = {3.4028235e38f, 3.3e38f, 4.2e37f, 5.5e35f, 65504.0f, 6.1e4f, 7500.0f};
    static const char *const more[] = {"f16+had",       "bf16+had",       "int8+had",      "int4:sym+had",
                                       "zn:q16:k4+had", "f16+center",     "f32+center",    "bf16+center",
                                       "mxfp4+center",  "f16+had+center", "e8b4:k1+center"};
    size_t i, k, c, kind, listed, cols = 76;
    tap_begin("the largest floats: a finite result, or HRQ_ERR_NONFINITE and untouched bytes");
    for (listed = 0; hrq_format_list(listed) != NULL; listed++) {}
    for (i = 0; i < listed + sizeof more / sizeof more[0]; i++) {
        const char *name = i < listed ? hrq_format_list(i) : more[i - listed];
        float w[76], x[76];
        unsigned char *before;
        block b;
        hrq_mat m;
        m = mat_of(&b, name, 1, cols, 3, NULL, 0);
        before = (unsigned char *)malloc(b.bytes);
        for (k = 0; k < 7; k++)
            for (kind = 0; kind < 4; kind++) {
                hrq_status status;
                for (c = 0; c < cols; c++)
                    w[c] = kind == 0   ? tops[k]
                           : kind == 1 ? (draw() & 1 ? tops[k] : -tops[k])
                           : kind == 2 ? (c == 7 ? -tops[k] : 0.0f)
                                       : tops[k] * (float)draw_uniform();
                memcpy(before, b.data, b.bytes);
                status = hrq_mat_encode(&m, 0, 1, w, cols, NULL);
                EXPECT(status == HRQ_OK || status == HRQ_ERR_NONFINITE, "%s: status %d", name, status);
                if (status != HRQ_OK) {
                    EXPECT(memcmp(before, b.data, b.bytes) == 0, "%s at %g: refused, and touched", name,
                           (double)tops[k]);
                    EXPECT(strstr(name, "f16") || strstr(name, "+had") || tops[k] > 4.3e37f, "%s refuses %g", name,
                           (double)tops[k]);
                    continue;
                }
                EXPECT(hrq_mat_check(&m) == HRQ_OK, "%s at %g, kind %d: bytes do not pass the check", name,
                       (double)tops[k], (int)kind);
                EXPECT(hrq_mat_decode(&m, 0, 1, x, cols) == HRQ_OK, "%s", name);
                for (c = 0; c < cols; c++)
                    EXPECT(hrq__finite(x[c]), "%s at %g, kind %d: %g decodes to %g", name, (double)tops[k], (int)kind,
                           (double)w[c], (double)x[c]);
            }
        free(before);
        free(b.base);
    }
    tap_end();
}

static void test_special(void)
{
    size_t i, c, cols, rows = 18;
    const char *name;
    tap_begin("rows of zeros are exact zeros, constant rows close, beside any other row");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++)
        for (cols = 1; cols < 80; cols += 13) {
            float *w = floats_of(rows, cols, cols), *x = floats_of(rows, cols, cols);
            hrq_format f = format_of(name);
            block b;
            hrq_mat m;
            fill_gauss(w, rows * cols, 1.0);
            for (c = 0; c < cols; c++) w[3 * cols + c] = w[17 * cols + c] = c % 2 ? 0.0f : -0.0f;
            for (c = 0; c < cols; c++) w[5 * cols + c] = -2.75f;
            for (c = 0; c < cols; c++) w[6 * cols + c] = 1e-41f;
            m = mat_of(&b, name, rows, cols, 3, w, cols);
            EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 0, rows, x, cols) == HRQ_OK, "%s", name);
            for (c = 0; c < cols; c++) {
                EXPECT(x[3 * cols + c] == 0.0f && x[17 * cols + c] == 0.0f, "%s: zero became %g", name,
                       (double)x[3 * cols + c]);
                EXPECT(fabs((double)x[6 * cols + c]) < 2e-37, "%s: 1e-41 became %g", name, (double)x[6 * cols + c]);
                if (!strstr(name, "+had") && !is_plain(&f) &&
                    is_int(&f)) /* the scale is rounded up by 2^-7 at most, half a code of it lost */
                    EXPECT(fabs((double)x[5 * cols + c] / -2.75 - 1) <=
                               (f.bits > 2 ? 0.5 / ((1 << (f.bits - 1)) - 1) : 0.27) + 0x1p-7,
                           "%s: -2.75 became %g", name, (double)x[5 * cols + c]);
            }
            free(w);
            free(x);
            free(b.base);
        }
    tap_end();
}

static void test_nonfinite(void)
{
    size_t i, cols = 37, rows = 18, k;
    const char *name;
    tap_begin("NaN, infinity, what f16 and bf16 have not: HRQ_ERR_NONFINITE, data untouched");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++)
        for (k = 0; k < 8; k++) {
            static const float bad[] = {NAN, INFINITY, -INFINITY, -NAN, 65520.0f, -65520.0f, 3.4e38f, -3.4028235e38f};
            float *w = floats_of(rows, cols, cols + 1);
            size_t at = draw_below(rows) * (cols + 1) + draw_below(cols);
            unsigned char *before;
            block b;
            hrq_mat m;
            fill_gauss(w, (rows - 1) * (cols + 1) + cols, 1.0);
            w[cols] = NAN; /* between rows: not read */
            m = mat_of(&b, name, rows, cols, 3, w, cols + 1);
            before = (unsigned char *)malloc(b.bytes);
            memcpy(before, b.data, b.bytes);
            fill_gauss(w, cols, 1.0);
            w[at] = bad[k];
            if (k < 4 || (k < 6 && strcmp(name, "f16") == 0) ||
                (k >= 6 && (strcmp(name, "bf16") == 0 || strcmp(name, "f16") == 0) && fabsf(bad[k]) > 3.397e38f)) {
                EXPECT(hrq_mat_encode(&m, 0, rows, w, cols + 1, NULL) == HRQ_ERR_NONFINITE, "%s takes %g", name,
                       (double)bad[k]);
                EXPECT(memcmp(before, b.data, b.bytes) == 0, "%s: touched", name);
            } else if (k < 6) {
                EXPECT(hrq_mat_encode(&m, 0, rows, w, cols + 1, NULL) == HRQ_OK, "%s refuses %g", name,
                       (double)bad[k]);
            }
            free(before);
            free(w);
            free(b.base);
        }
    tap_end();
}

static void test_memory(void)
{
    size_t i, cols = 90, rows = 3;
    const char *name;
    tap_begin("memory: nothing but the row that is moved, lattice codes of a panel and the trellis; HRQ_ERR_NOMEM "
              "leaves the bytes; every block is given back");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        float *w = floats_of(rows, cols, cols);
        hrq_format f = format_of(name);
        size_t scratch = hrq_mat_encode_scratch(&f, cols);
        unsigned char *before;
        int codec = hrq__families[f.kind].codec;
        int quick = codec == HRQ__CODEC_BOX ||
                    (codec == HRQ__CODEC_VORONOI && !strstr(name, "+dither") && hrq__voronoi_of(&f).quick);
        ledger l;
        hrq_hooks h = ledger_hooks(&l, 1);
        block b;
        hrq_mat m;
        fill_gauss(w, rows * cols, 1.0);
        m = mat_of(&b, name, rows, cols, 3, w, cols);
        before = (unsigned char *)malloc(b.bytes);
        memcpy(before, b.data, b.bytes);
        EXPECT((scratch > 0) == (quick || strstr(name, "+had") || strstr(name, "+center") || strstr(name, "tcq")),
               "%s: %lu bytes", name, (unsigned long)scratch);
        w[0] = 77.0f;
        if (scratch) {
            EXPECT(hrq_mat_encode(&m, 0, rows, w, cols, &h) == HRQ_ERR_NOMEM, "%s", name);
            EXPECT(memcmp(before, b.data, b.bytes) == 0, "%s: touched", name);
        }
        h = ledger_hooks(&l, 0);
        EXPECT(hrq_mat_encode(&m, 0, rows, w, cols, &h) == HRQ_OK, "%s", name);
        EXPECT(l.taken == (scratch ? 1 : 0) && l.live == 0, "%s: %d blocks, %d left", name, l.taken, l.live);
        EXPECT(memcmp(before, b.data, b.bytes) != 0, "%s: not written", name);
        free(before);
        free(w);
        free(b.base);
    }
    EXPECT(hrq_mat_encode_scratch(NULL, 5) == 0, "NULL");
    {
        hrq_format f = format_of("int4+had");
        EXPECT(hrq_mat_encode_scratch(&f, 0) == 0 && hrq_mat_encode_scratch(&f, SIZE_MAX) == 0, "shapes");
        EXPECT(hrq_mat_encode_scratch(&f, 100) == 400, "%lu", (unsigned long)hrq_mat_encode_scratch(&f, 100));
        f = format_of("e8b4:k4");
        EXPECT(hrq_mat_encode_scratch(&f, 100) == 22 * 104 + 4 * 640, "box codes");
        f = format_of("e8:q16:k4");
        EXPECT(hrq_mat_encode_scratch(&f, 100) == 22 * 104, "e8");
        EXPECT(hrq_mat_encode_scratch(&f, SIZE_MAX / 20) == 0, "e8 of too many columns");
    }
    tap_end();
}

static void test_status(void)
{
    size_t i;
    const char *name;
    tap_begin("statuses of init, wrap, encode, decode, check");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        hrq_format f = format_of(name), none;
        float w[40] = {0}, x[40];
        block b = block_of(hrq_mat_bytes(&f, 2, 20), 1);
        hrq_mat m, old, bad;
        int wrap;
        memset(&none, 0, sizeof none);
        memset(&m, 0x11, sizeof m);
        memcpy(&old, &m, sizeof m);
        for (wrap = 0; wrap < 2; wrap++) {
            hrq_status (*call)(hrq_mat *, const hrq_format *, size_t, size_t, uint64_t, void *, size_t) =
                wrap ? hrq_mat_wrap : hrq_mat_init;
            memset(b.data, 0x77, b.bytes);
            EXPECT(call(NULL, &f, 2, 20, 0, b.data, b.bytes) == HRQ_ERR_ARG, "%s mat NULL", name);
            EXPECT(call(&m, NULL, 2, 20, 0, b.data, b.bytes) == HRQ_ERR_ARG, "%s format NULL", name);
            EXPECT(call(&m, &none, 2, 20, 0, b.data, b.bytes) == HRQ_ERR_ARG, "%s no format", name);
            EXPECT(call(&m, &f, 2, 20, 0, NULL, b.bytes) == HRQ_ERR_ARG, "%s data NULL", name);
            EXPECT(call(&m, &f, 0, 20, 0, b.data, b.bytes) == HRQ_ERR_SHAPE, "%s no rows", name);
            EXPECT(call(&m, &f, 2, 0, 0, b.data, b.bytes) == HRQ_ERR_SHAPE, "%s no columns", name);
            EXPECT(call(&m, &f, SIZE_MAX, SIZE_MAX, 0, b.data, b.bytes) == HRQ_ERR_SHAPE, "%s overflow", name);
            EXPECT(call(&m, &f, SIZE_MAX, 1, 0, b.data, SIZE_MAX) == HRQ_ERR_SHAPE, "%s overflow", name);
            EXPECT(call(&m, &f, 2, 20, 0, b.data, b.bytes - 1) == HRQ_ERR_SPACE, "%s space", name);
            EXPECT(call(&m, &f, 2, 20, 0, b.data, 0) == HRQ_ERR_SPACE, "%s space", name);
            EXPECT(memcmp(&m, &old, sizeof m) == 0, "%s: mat touched", name);
            EXPECT(b.data[0] == 0x77 && b.data[b.bytes - 1] == 0x77, "%s: bytes touched", name);
        }
        EXPECT(hrq_mat_wrap(&m, &f, 2, 20, 1, b.data, b.bytes) == HRQ_OK && b.data[0] == 0x77, "%s wrap writes",
               name);
        EXPECT(m.rows == 2 && m.cols == 20 && m.seed == 1 && m.data == b.data && m.bytes == b.bytes, "%s wrap", name);
        EXPECT(hrq_mat_init(&m, &f, 2, 20, 1, b.data, b.bytes + 100) == HRQ_OK && m.bytes == b.bytes, "%s init",
               name);
        for (wrap = 0; wrap < 2; wrap++) {
#define BOTH(mat, row, n, ld, p) \
    (wrap ? hrq_mat_decode(mat, row, n, p, ld) : hrq_mat_encode(mat, row, n, p, ld, NULL))
            float *p = wrap ? x : w;
            EXPECT(BOTH(NULL, 0, 2, 20, p) == HRQ_ERR_ARG, "%s NULL", name);
            EXPECT(BOTH(&m, 0, 2, 20, NULL) == HRQ_ERR_ARG, "%s w NULL", name);
            EXPECT(BOTH(&m, 0, 3, 20, p) == HRQ_ERR_ARG && BOTH(&m, 3, 0, 20, p) == HRQ_ERR_ARG &&
                       BOTH(&m, 2, 1, 20, p) == HRQ_ERR_ARG && BOTH(&m, 1, SIZE_MAX, 20, p) == HRQ_ERR_ARG,
                   "%s rows outside", name);
            EXPECT(BOTH(&m, 0, 2, 19, p) == HRQ_ERR_SHAPE && BOTH(&m, 0, 1, 0, p) == HRQ_ERR_SHAPE &&
                       BOTH(&m, 0, 2, SIZE_MAX / 2 + 1, p) == HRQ_ERR_SHAPE,
                   "%s leading dimension", name);
            EXPECT(BOTH(&m, 2, 0, 20, NULL) == HRQ_OK && BOTH(&m, 0, 0, 0, NULL) == HRQ_OK, "%s no rows", name);
            bad = m;
            bad.data = NULL;
            EXPECT(BOTH(&bad, 0, 2, 20, p) == HRQ_ERR_ARG, "%s no data", name);
            bad = m;
            bad.format.kind = 0;
            EXPECT(BOTH(&bad, 0, 2, 20, p) == HRQ_ERR_ARG, "%s no format", name);
            bad.format.kind = 255;
            EXPECT(BOTH(&bad, 0, 2, 20, p) == HRQ_ERR_ARG, "%s no format", name);
            bad = m;
            bad.bytes--;
            EXPECT(BOTH(&bad, 0, 2, 20, p) == HRQ_ERR_SPACE, "%s too few bytes", name);
            bad = m;
            bad.rows = 0;
            EXPECT(BOTH(&bad, 0, 0, 20, p) == HRQ_ERR_SHAPE, "%s no rows", name);
#undef BOTH
        }
        EXPECT(hrq_mat_check(NULL) == HRQ_ERR_ARG && hrq_mat_check(&m) == HRQ_OK, "%s check", name);
        bad = m;
        bad.data = NULL;
        EXPECT(hrq_mat_check(&bad) == HRQ_ERR_ARG, "%s check", name);
        free(b.base);
    }
    tap_end();
}

/* Each kind of byte that no encoder writes. */
static void put_half(unsigned char *p, unsigned h)
{
    p[0] = (unsigned char)h;
    p[1] = (unsigned char)(h >> 8);
}

static void test_illegal(void)
{
    static const unsigned bf16_bad[] = {0x7f80, 0xff80, 0x7fc0, 0xff81}, f16_bad[] = {0x7c00, 0xfc00, 0x7e00, 0xfc01};
    size_t i, k, cols = 70, rows = 18, panel;
    const char *name;
    tap_begin("check finds scales, entries, zero points, digits and indices that are none");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        hrq_format f = format_of(name);
        float *w = floats_of(rows, cols, cols);
        block b;
        hrq_mat m;
        hrq__layout lay;
        fill_gauss(w, rows * cols, 1.0);
        m = mat_of(&b, name, rows, cols, 3, w, cols);
        hrq__layout_of(&lay, &f, cols); /* test_formats.c checks these offsets by hand */
        panel = (b.bytes - lay.head_bytes) / 2;
#define SPOIL(at, width, value, what)                                                                 \
    do {                                                                                              \
        unsigned char keep[2], *to = b.data + (at); /* at may draw: taken once */                     \
        memcpy(keep, to, width);                                                                      \
        if ((width) == 2) put_half(to, value);                                                        \
        else *to = (unsigned char)(value);                                                            \
        EXPECT(hrq_mat_check(&m) == HRQ_ERR_DATA, "%s: %s %x passes", name, what, (unsigned)(value)); \
        memcpy(to, keep, width);                                                                      \
        EXPECT(hrq_mat_check(&m) == HRQ_OK, "%s: put back", name);                                    \
    } while (0)
        for (k = 0; k < 4; k++) {
            size_t row = draw_below(16), p = lay.head_bytes + draw_below(2) * panel;
            if (lay.row_bytes) /* the high half of a float32 is a bf16 */
                SPOIL(p + lay.row_at + lay.row_bytes * (row + 1) - 2, 2, bf16_bad[k], "row scale");
            if (lay.means) SPOIL(p + lay.mean_at + 4 * row + 2, 2, bf16_bad[k], "mean");
            if (lay.group && lay.group_bytes == 1)
                SPOIL(p + lay.group_at + row + 16 * draw_below(lay.groups), 1,
                      hrq__families[f.kind].scale == HRQ__SCALE_E8M0 ? 255u
                      : k                                            ? 0x7fu + (unsigned)k
                                                                     : 0x7fu,
                      "block scale");
            if (is_coded(&f, HRQ__CODEC_FLOAT) && f.bits == 8 && f.exp >= 4) {
                hrq__small t = hrq__small_of(f.exp, f.man);
                SPOIL(p + row * 4 + k * 64, 1, t.top + 1 + (k & 1 ? t.sign : 0), "code of NaN or infinity");
            }
            if (lay.group && lay.group_bytes == 2)
                SPOIL(p + lay.group_at + 2 * (row + 16 * draw_below(lay.groups)), 2, f16_bad[k], "group scale");
            if (lay.zeros && f.bits < 8)
                SPOIL(p + lay.zero_at + row + 16 * draw_below(lay.groups), 1, (1u << f.bits) + (unsigned)k,
                      "zero point");
            if (is_plain(&f)) {
                size_t width = f.bits / 8u, at = p + (16 * draw_below(lay.cols8) + row) * width; /* padding too */
                if (width == 4) SPOIL(at + 2, 2, bf16_bad[k], "entry");
                else SPOIL(at, 2, strncmp(name, "bf", 2) ? f16_bad[k] : bf16_bad[k], "entry");
            }
        }
        if (lay.digit_bits || (f.scales & (f.scales - 1u))) {
            size_t lane = draw_below(64), j; /* of a superblock of 32 columns */
            unsigned char *super = b.data + 4 * lay.lane_bytes * draw_below(2);
            unsigned char keep[8192];
            size_t used = 4 * lay.lane_bytes;
            EXPECT(used <= sizeof keep, "test's own room");
            memcpy(keep, super, used);
            if (lay.digit_bits) {
                uint64_t most = 1;
                for (j = 0; j < 8; j++) most *= f.q;
                hrq__lane_put(super + 64 * lay.code_bits, 64, lane, lay.digit_bits, most);
                EXPECT(hrq_mat_check(&m) == HRQ_ERR_DATA, "%s: digits q^8 pass", name);
                hrq__lane_put(super + 64 * lay.code_bits, 64, lane, lay.digit_bits, most - 1);
                EXPECT(hrq_mat_check(&m) == HRQ_OK, "%s: digits q^8 - 1 do not pass", name);
                memcpy(super, keep, used);
            }
            if (f.scales & (f.scales - 1u)) {
                hrq__lane_put(super + lay.layers * (64 * lay.code_bits + 8 * lay.digit_bits), 64, lane,
                              lay.scale_bits, f.scales);
                EXPECT(hrq_mat_check(&m) == HRQ_ERR_DATA, "%s: scale index k passes", name);
                memcpy(super, keep, used);
            }
        }
        EXPECT(hrq_mat_check(&m) == HRQ_OK, "%s: whole", name);
        free(w);
        free(b.base);
    }
    tap_end();
}

/* Any bytes: check and decode end, decode is finite where check says so and no scale is huge. */
static void test_noise(int effort)
{
    size_t i, k, c, tries = effort == 0 ? 20 : effort == 1 ? 200 : 5000;
    const char *name;
    tap_begin("bytes of noise: check and decode never fall over; what passes is finite");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        size_t passed = 0, some = format_of(name).states ? tries / 10 : tries; /* trellises are slow to encode */
        for (k = 0; k < some; k++) {
            size_t rows = 1 + draw_below(18), cols = 1 + draw_below(80);
            hrq_format f = format_of(name);
            float *w = floats_of(rows, cols, cols);
            hrq__layout lay;
            block b;
            hrq_mat m;
            fill_gauss(w, rows * cols, 1.0);
            m = mat_of(&b, name, rows, cols, draw(), w, cols);
            hrq__layout_of(&lay, &f, cols);
            if (k % 2) {
                for (c = 0; c < 1 + k % 7; c++) b.data[draw_below(b.bytes)] ^= (unsigned char)(1u << draw_below(8));
            } else {
                for (c = lay.head_bytes; c < b.bytes; c++) b.data[c] = (unsigned char)draw(); /* a head has a fingerprint */
            }
            EXPECT(hrq_mat_decode(&m, 0, rows, w, cols) == HRQ_OK, "%s decode", name);
            if (hrq_mat_check(&m) == HRQ_OK) {
                passed++;
                for (c = 0; c < (m.bytes - lay.head_bytes) / lay.panel_bytes * 16; c++) {
                    unsigned char *panel = b.data + lay.head_bytes + c / 16 * lay.panel_bytes;
                    if (is_column(&f)) put_half(panel + lay.row_at, 0x3f80);
                    if (lay.row_bytes) put_half(panel + lay.row_at + (c % 16 + 1) * lay.row_bytes - 2, 0x3f80);
                    if (lay.means) put_half(panel + lay.mean_at + c % 16 * 4 + 2, 0);
                    if (lay.group_bytes == 1 && lay.group)
                        memset(panel + lay.group_at + c % 16 * lay.groups, 120, lay.groups);
                }
                EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 0, rows, w, cols) == HRQ_OK, "%s", name);
                if (!is_plain(&f))
                    for (c = 0; c < rows * cols; c++) EXPECT(hrq__finite(w[c]), "%s: %g", name, (double)w[c]);
            }
            free(w);
            free(b.base);
        }
        EXPECT(passed > 0, "%s: no noise passes, the test says nothing", name);
    }
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_shapes(effort);
    test_stable();
    test_ranges();
    test_largest();
    test_special();
    test_nonfinite();
    test_memory();
    test_status();
    test_illegal();
    test_noise(effort);
    return tap_finish();
}
