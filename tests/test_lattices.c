// test_lattices.c: [8i] and the lattice part of [6i]: nearest points by brute force, Voronoi codes by enumeration,
// overload, and the distortion on Gaussians against published figures.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

enum { ZN = HRQ__LATTICE_ZN, E8 = HRQ__LATTICE_E8 };

static int64_t norm_of(const int32_t r[8])
{
    int64_t n = 0;
    int i;
    for (i = 0; i < 8; i++) n += (int64_t)r[i] * r[i];
    return n;
}

/* p in 2 half E8' ? E8' = {n + s/2 (1, ..., 1) : n in Z^8, sum n = s mod 2} */
static int in_lattice(int lattice, const int32_t p[8], int32_t half)
{
    int32_t n, sum = 0, s = ((p[0] / half) & 1) != 0;
    int i;
    for (i = 0; i < 8; i++) {
        if (p[i] % half) return 0;
        n = p[i] / half - s;
        if (n & 1) return 0;
        sum += n / 2;
    }
    return lattice == ZN ? s == 0 : ((sum ^ s) & 1) == 0;
}

/* Least squared distance over both cosets and every choice of the four integers around each coordinate that has the
   right parity, by dynamic programming over the parity: nothing is left out. */
static int64_t nearest_norm(const int32_t t[8], int32_t half)
{
    int64_t least = INT64_MAX, best[2], next[2];
    int s, i, k, parity;
    for (s = 0; s < 2; s++) {
        best[0] = 0;
        best[1] = INT64_MAX / 2;
        for (i = 0; i < 8; i++) {
            int32_t f = (int32_t)floor((double)(t[i] - s * half) / (2.0 * half));
            next[0] = next[1] = INT64_MAX / 2;
            for (k = f - 1; k <= f + 2; k++)
                for (parity = 0; parity < 2; parity++) {
                    int64_t d = (int64_t)t[i] - (int64_t)s * half - (int64_t)2 * half * k, sum = best[parity] + d * d;
                    if (sum < next[parity ^ (k & 1)]) next[parity ^ (k & 1)] = sum;
                }
            best[0] = next[0];
            best[1] = next[1];
        }
        if (best[s] < least) least = best[s];
    }
    return least;
}

/* The plain enumeration of 2 * 3^8 points, to trust the one above. */
static int64_t brute_norm(const int32_t t[8], int32_t half)
{
    int64_t least = INT64_MAX;
    int s, i, code, k;
    for (s = 0; s < 2; s++)
        for (code = 0; code < 6561; code++) {
            int64_t norm = 0;
            int sum = 0, c = code;
            for (i = 0; i < 8; i++, c /= 3) {
                k = (int)floor((double)(t[i] - s * half) / (2.0 * half) + 0.5) + c % 3 - 1;
                sum += k;
                norm += ((int64_t)t[i] - s * half - (int64_t)2 * half * k) *
                        ((int64_t)t[i] - s * half - (int64_t)2 * half * k);
            }
            if (((sum ^ s) & 1) == 0 && norm < least) least = norm;
        }
    return least;
}

static void draw_vector(int32_t t[8], int32_t reach, int kind)
{
    int i;
    for (i = 0; i < 8; i++) {
        t[i] = (int32_t)draw_below((size_t)(2 * reach + 1)) - reach;
        if (kind == 1) t[i] = t[i] / 4 * 4; /* many ties with half = 4, 8 */
        if (kind == 2 && i) t[i] = t[0];    /* the diagonal */
        if (kind == 3) t[i] = draw() & 1 ? reach : -reach;
    }
}

static void test_nearest(int effort)
{
    int i, j, n = effort == 0 ? 20000 : effort == 1 ? 400000 : 4000000;
    tap_begin("E8 and Z^8: the nearest point, against every point near");
    for (i = 0; i < n; i++) {
        int32_t t[8], r[8], p[8], half = (int32_t)1 << draw_below(13);
        if (i % 7 == 0) half = 3 + (int32_t)draw_below(300); /* q Lambda: any half */
        draw_vector(t, i % 3 ? 40 * half : 32767, i % 5);
        hrq__e8_residual(r, t, half);
        for (j = 0; j < 8; j++) p[j] = t[j] - r[j];
        EXPECT(in_lattice(E8, p, half), "half %ld: no point of E8", (long)half);
        EXPECT(norm_of(r) == nearest_norm(t, half), "half %ld: %.0f, nearest %.0f", (long)half, (double)norm_of(r),
               (double)nearest_norm(t, half));
        if (i < (effort ? 2000 : 100)) EXPECT(brute_norm(t, half) == nearest_norm(t, half), "the reference is wrong");
        hrq__zn_residual(r, t, half);
        for (j = 0; j < 8; j++) p[j] = t[j] - r[j];
        EXPECT(in_lattice(ZN, p, half), "half %ld: no point of Z^8", (long)half);
        for (j = 0; j < 8; j++)
            EXPECT(r[j] >= -half && r[j] < half, "Z^8 residual %ld of %ld", (long)r[j], (long)half);
    }
    tap_end();
}

/* second moments: mean squared residual of uniform points over the cell, volume 1; four standard errors. The grid of
   2 half = 8192 steps shifts the moment by 1/12 / 8192^2. */
static void test_moments(int effort)
{
    int lattice, i, j, n = effort == 0 ? 20000 : effort == 1 ? 400000 : 4000000;
    tap_begin("second moments of the cells by Monte Carlo: Z 1/12, E8 929/12960");
    for (lattice = 0; lattice < 2; lattice++) {
        double sum = 0, squares = 0, mean, error, nsm = lattice == ZN ? 1.0 / 12 : 929.0 / 12960, half = 4096;
        for (i = 0; i < n; i++) {
            int32_t t[8], r[8];
            double m;
            for (j = 0; j < 8; j++) t[j] = (int32_t)draw_below(8192 * 4) - 16384; /* 4 Z^8 is part of E8 */
            hrq__lattice_residual(lattice, r, t, 4096);
            m = (double)norm_of(r) / (8 * 4 * half * half);
            sum += m;
            squares += m * m;
        }
        mean = sum / n;
        error = sqrt((squares / n - mean * mean) / n);
        EXPECT(fabs(mean - nsm) < 4 * error, "lattice %d: %.6f +- %.6f, not %.6f", lattice, mean, error, nsm);
        EXPECT(fabs(hrq_lattice_nsm(lattice == ZN ? "zn" : "e8") - nsm) < 1e-15, "table");
        printf("# lattice %d: second moment %.6f +- %.6f, exact %.6f\n", lattice, mean, error, nsm);
    }
    tap_end();
}

static void digits_of(uint16_t d[8], uint64_t code, int q)
{
    int i;
    for (i = 0; i < 8; i++, code /= (uint64_t)q) d[i] = (uint16_t)(code % (uint64_t)q);
}

static int by_point(const void *a, const void *b) { return memcmp(a, b, 16); }

/* All q^8 codes: different points of the lattice, nearest to zero in their coset; digits of the point are the code.
   energy: mean of |y|^2 / 8, or 0 where enumeration has none. */
static void enumerate(int lattice, int q, double energy)
{
    uint64_t total = 1, code;
    int i, mates = 0;
    double sum = 0;
    signed short *all;
    for (i = 0; i < 8; i++) total *= (uint64_t)q;
    all = (signed short *)malloc((size_t)total * 16);
    for (code = 0; all && code < total; code++) {
        uint16_t d[8], back[8];
        int32_t y[8], t[8];
        digits_of(d, code, q);
        hrq__lattice_point(lattice, t, d, q);
        EXPECT(in_lattice(lattice, t, 1), "q %d code %lu: no lattice point", q, (unsigned long)code);
        hrq__voronoi_point(lattice, y, d, q);
        EXPECT(in_lattice(lattice, y, 1), "q %d code %lu: decodes to no lattice point", q, (unsigned long)code);
        for (i = 0; i < 8; i++) t[i] -= y[i];
        EXPECT(in_lattice(lattice, t, q), "q %d code %lu: decodes to another coset", q, (unsigned long)code);
        if (lattice == E8)
            EXPECT(norm_of(y) == nearest_norm(y, q), "q %d code %lu: not nearest to zero", q, (unsigned long)code);
        hrq__lattice_digits(lattice, back, y, q);
        if (memcmp(d, back, sizeof d) != 0) mates++;
        for (i = 0; i < 8; i++) all[code * 8 + (unsigned)i] = (signed short)y[i];
        sum += (double)norm_of(y) / 4 / 8;
    }
    EXPECT(mates == 0, "q %d: %d codes do not come back from their points", q, mates);
    if (all) {
        qsort(all, (size_t)total, 16, by_point);
        for (code = 1; code < total; code++)
            EXPECT(memcmp(all + code * 8, all + code * 8 - 8, 16) != 0, "q %d: two codes, one point", q);
        free(all);
    }
    sum /= (double)total;
    if (energy > 0) EXPECT(fabs(sum - energy) < 1e-6, "q %d: mean energy %.9f, not %.9f", q, sum, energy);
    printf("# lattice %d q %d: %lu codes, mean energy %.9f\n", lattice, q, (unsigned long)total, sum);
}

static void test_codes(int effort)
{
    int q, i, n, lattice;
    tap_begin("Voronoi codes: all of q = 2, 3 and 4 are different, least in their coset, and come back");
    enumerate(E8, 2, 0.380859375);
    enumerate(E8, 3, 0.722451);
    enumerate(ZN, 3, 2.0 / 3.0); /* -1, 0, 1 */
    if (effort) enumerate(E8, 4, 0);
    if (effort == 2) enumerate(E8, 5, 0);
    tap_end();
    tap_begin("Voronoi codes: random ones of every q from 3 to 256");
    for (q = 3; q <= 256; q++)
        for (i = 0, n = effort == 0 ? 50 : effort == 1 ? 2000 : 20000; i < n; i++)
            for (lattice = 0; lattice < 2; lattice++) {
                uint16_t d[8], back[8];
                int32_t y[8], t[8];
                int j;
                for (j = 0; j < 8; j++) d[j] = (uint16_t)(i == 0 ? 0 : i == 1 ? q - 1 : (int)draw_below((size_t)q));
                hrq__lattice_point(lattice, t, d, q);
                hrq__voronoi_point(lattice, y, d, q);
                EXPECT(in_lattice(lattice, y, 1), "q %d: no lattice point", q);
                for (j = 0; j < 8; j++) t[j] -= y[j];
                EXPECT(in_lattice(lattice, t, q), "q %d: another coset", q);
                hrq__lattice_digits(lattice, back, y, q);
                EXPECT(memcmp(d, back, sizeof d) == 0, "q %d: another code comes back", q);
                if (lattice == E8) EXPECT(norm_of(y) == nearest_norm(y, q), "q %d: not nearest to zero", q);
                for (j = 0; j < 8; j++)
                    EXPECT(y[j] >= -2 * q && y[j] <= 2 * q, "q %d: coordinate %ld", q, (long)y[j]);
            }
    tap_end();
}

/* x in the cell by a margin that rounding to fixed point cannot bridge: the code is the nearest point. */
static void test_no_overload(int effort)
{
    int q, i, j, n = effort == 0 ? 20 : effort == 1 ? 400 : 4000, lattice, inside = 0;
    tap_begin("Voronoi codes: without overload, decode(encode(x)) is the nearest point");
    for (q = 3; q <= 256; q += q < 20 ? 1 : 7)
        for (i = 0; i < n; i++)
            for (lattice = 0; lattice < 2; lattice++) {
                char name[32];
                hrq_format f;
                hrq__voronoi c;
                uint16_t digit[8];
                int32_t y[8], back[8], t[8];
                float x[8];
                double distance = 0, nearest, reach, size = 0, exact, margin;
                unsigned scale;
                int held;
                snprintf(name, sizeof name, "%s:q%d:k%d", lattice == E8 ? "e8" : "zn", q, i % 16 + 1);
                f = format_of(name);
                c = hrq__voronoi_of(&f);
                scale = (unsigned)draw_below(c.k);
                reach = draw_uniform() * q;
                for (j = 0; j < 8; j++) {
                    x[j] = (float)draw_gauss();
                    size += (double)x[j] * (double)x[j];
                }
                for (j = 0; j < 8; j++) x[j] = (float)((double)x[j] * reach / sqrt(size) * (double)c.beta[scale]);
                held = hrq__voronoi_try(&c, scale, x, digit, y);
                for (j = 0; j < 8; j++) { /* the same x in much finer steps than the library's */
                    t[j] = (int32_t)nearbyint((double)x[j] / (double)c.beta[scale] * 65536.0);
                    distance += pow((double)x[j] / (double)c.beta[scale] - y[j] / 2.0, 2);
                }
                if (lattice == E8) {
                    nearest = (double)nearest_norm(t, 32768) / 65536.0 / 65536.0;
                } else {
                    int32_t r[8];
                    hrq__zn_residual(r, t, 32768);
                    nearest = (double)norm_of(r) / 65536.0 / 65536.0;
                }
                /* entries are rounded by at most 1 / (4 half), the vector by sqrt 8 times that, seen from both points;
                   float noise of the division: reach 2^-22 */
                margin = 2 * (sqrt(8.0) / (4.0 * c.half) + 256 * 8 * 0x1p-22);
                exact = sqrt(distance) - sqrt(nearest);
                EXPECT(exact < margin, "%s: %g beyond the nearest point, step %g", name, exact, 1.0 / (2 * c.half));
                /* cells hold a ball of q times the packing radius; the nearest point is within the covering radius of x */
                if (lattice == E8 ? reach < q * sqrt(0.5) - 1.01 : reach < q / 2.0 - 1.0) {
                    EXPECT(held, "%s: %g of %d is refused", name, reach, q);
                    inside++;
                }
                if (held) {
                    hrq__voronoi_point(lattice, back, digit, q);
                    EXPECT(memcmp(back, y, sizeof y) == 0, "%s: decodes to another point", name);
                }
            }
    EXPECT(inside > 200, "%d cases inside", inside);
    tap_end();
}

/* The gauge against all 240 shortest vectors of E8': +-e_i +-e_j, and (+-1/2)^8 with an odd number of minus signs. */
static void test_gauge(void)
{
    int i, j, k, signs;
    tap_begin("gauge of the E8 cell, against its 240 walls");
    for (i = 0; i < 2000; i++) {
        float x[8];
        double most = 0, sum, got;
        fill_gauss(x, 8, 2.0);
        if (i % 3 == 0) x[draw_below(8)] = 0.0f;
        for (j = 0; j < 8; j++)
            for (k = 0; k < j; k++) {
                sum = fabs((double)x[j]) + fabs((double)x[k]);
                most = sum > most ? sum : most;
            }
        for (signs = 0; signs < 256; signs++) {
            int32_t p[8], half = 1;
            for (j = 0, sum = 0; j < 8; j++) {
                p[j] = signs >> j & 1 ? -1 : 1;
                sum += (double)x[j] * p[j] * 0.5;
            }
            if (in_lattice(E8, p, half) && sum > most) most = sum;
        }
        got = (double)hrq__lattice_gauge(HRQ__LATTICE_E8, x);
        EXPECT(fabs(got - most) <= 1e-6 * most, "%g, not %g", got, most);
    }
    tap_end();
}

/* Blocks far outside: the result is finite, points the same way, keeps the sign of what is large, and is as long as the
   cell allows. */
static void test_overload(int effort)
{
    int q, i, j, n = effort == 0 ? 30 : 400;
    tap_begin("overload: a block is drawn into the cell, it never wraps");
    for (q = 3; q <= 256; q += q < 20 ? 1 : 13)
        for (i = 0; i < n; i++) {
            char name[32];
            hrq_format f;
            hrq__voronoi c;
            uint16_t digit[8];
            int32_t value[8], y[8];
            unsigned index = 99;
            float x[8], far = (float)(pow(10.0, 1.2 + 7.5 * draw_uniform())); /* times the row's rms: up to 5e8 */
            double dot = 0, size = 0, out = 0, cosine, top = 0, longest;
            snprintf(name, sizeof name, "%s:q%d:k%d%s", i % 2 ? "e8" : "zn", q, i % 16 + 1, i % 3 ? "" : ":first");
            f = format_of(name);
            c = hrq__voronoi_of(&f);
            fill_gauss(x, 8, i % 5 ? 0.05 : 1.0);
            if (i % 5) x[draw_below(8)] += draw() & 1 ? 1.0f : -1.0f; /* one outlier */
            for (j = 0; j < 8; j++) {
                x[j] *= far;
                top = fabs((double)x[j]) > top ? fabs((double)x[j]) : top;
            }
            hrq__voronoi_encode(&c, x, digit, &index, value);
            EXPECT(index == c.k - 1u, "%s: scale %u", name, index);
            hrq__voronoi_point(c.lattice, y, digit, q);
            for (j = 0; j < 8; j++) {
                double v = value[j] * (double)c.step;
                EXPECT(value[j] == hrq__voronoi_value(c.lattice, y[j], c.multiple[index], c.clamp),
                       "%s: digits and values differ", name);
                dot += v * (double)x[j];
                size += (double)x[j] * (double)x[j];
                out += v * v;
                if (fabs((double)x[j]) > 0.5 * top)
                    EXPECT(v * (double)x[j] >= 0, "%s: %g became %g", name, (double)x[j], v);
                if (fabs((double)x[j]) == top)
                    EXPECT(v * (double)x[j] > 0, "%s: the largest, %g, became %g", name, (double)x[j], v);
                EXPECT(fabs(v) <= 1.0001 * fabs((double)x[j]) + 2.0 * (double)c.beta[index], "%s: %g became %g", name,
                       (double)x[j], v);
            }
            longest = (double)c.beta[index] * q;
            if (c.clamp == 127 && 127 * (double)c.step < longest) longest = 127 * (double)c.step;
            cosine = dot / sqrt(size * out);
            /* E8: the point is within 1 beta of q - 5/4 or more along x, whose length is at least q / sqrt 2: at q = 3 the
               angle may reach asin(1 / 1.24) = 54 degrees. A clamp at 127 turns further: to the corner at worst. Z^8 stops
               each entry alone: the largest at (q - 1) / 2 at least, the others at q / 2 at most */
            if (c.lattice == ZN)
                EXPECT(cosine > (q - 1) / 2 / sqrt((q - 1) / 2 * ((q - 1) / 2) + 7.0 * (q / 2) * (q / 2)),
                       "%s: cosine %g", name, cosine);
            else EXPECT(cosine > (c.clamp == 127 ? 0.35 : q >= 8 ? 0.93 : 0.58), "%s: cosine %g", name, cosine);
            /* Z^8: the largest entry alone, (q - 1) / 2 of q steps; E8: sqrt(1 / 2) of the cell less 5/4 and the
               covering radius */
            EXPECT(out > (c.lattice == ZN ? 0.99 * ((q - 1) / 2) * ((q - 1) / 2) / ((double)q * q) : 0.08) * longest *
                             longest,
                   "%s: length %g of %g", name, sqrt(out), longest);
        }
    tap_end();
}

/* ---- distortion on Gaussians ---- */

typedef struct {
    double mse, bits, se; /* standard error of mse, from the spread of its rows */
} figure;

static figure measure(const char *name, size_t rows, size_t cols)
{
    float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols);
    double error = 0, energy = 0, squares = 0;
    hrq_format f = format_of(name);
    block b;
    hrq_mat m;
    figure out;
    size_t i, c;
    fill_gauss(w, rows * cols, 1.0);
    m = mat_of(&b, name, rows, cols, 1, w, cols);
    hrq_mat_decode(&m, 0, rows, back, cols);
    for (i = 0; i < rows; i++) {
        double e = 0;
        for (c = i * cols; c < (i + 1) * cols; c++) {
            e += ((double)w[c] - (double)back[c]) * ((double)w[c] - (double)back[c]);
            energy += (double)w[c] * (double)w[c];
        }
        error += e;
        squares += e * e;
    }
    out.mse = error / energy;
    out.se = sqrt((squares - error * error / (double)rows) / (double)(rows - 1) * (double)rows) / energy;
    out.bits = hrq_format_bits(&f, 4096, 4096);
    free(w);
    free(back);
    free(b.base);
    return out;
}

static void test_distortion(int effort)
{
    /* dB at the true rate of this layout, rows of 4096: what a prototype with scales of its own for each q and k reached */
    static const struct {
        const char *name;
        double db, bits;
    } want[] = {{"e8:q4:k1", 6.85, 2.004},   {"e8:q4:k2", 9.78, 2.129},         {"e8:q4:k4", 11.30, 2.254},
                {"e8:q8:k1", 12.85, 3.004},  {"e8:q8:k2", 16.04, 3.129},        {"e8:q8:k4", 17.68, 3.254},
                {"e8:q16:k1", 18.57, 4.004}, {"e8:q16:k2", 22.12, 4.129},       {"e8:q16:k4", 23.71, 4.254},
                {"e8:q14:k4", 22.42, 4.129}, {"e8:q16:k4:first", 23.64, 4.254}, {"e8:q16:k8", 24.65, 4.379},
                {"e8:q64:k4", 35.64, 6.254}, {"e8:q256:k4", 47.68, 8.254}};
    size_t i, rows = effort == 2 ? 512 : 64;
    if (effort == 0) return;
    tap_begin("E8 codes on Gaussians: within 0.15 dB of the prototype's at the same bits");
    for (i = 0; i < sizeof want / sizeof want[0]; i++) {
        figure f = measure(want[i].name, rows, 4096);
        double db = -10 * log10(f.mse), gap = f.bits + 0.5 * log2(f.mse);
        printf("# %-16s %6.3f bits  D %.4e  %6.2f dB (prototype %5.2f)  gap %.3f\n", want[i].name, f.bits, f.mse, db,
               want[i].db, gap);
        /* rare blocks beyond the largest scale carry much of the error at large q: four standard errors, as the rows of
           this sample spread */
        EXPECT(-10 * log10(f.mse - 4 * f.se) > want[i].db - 0.15,
               "%s: %.2f dB, prototype %.2f, standard error %.1f %%", want[i].name, db, want[i].db,
               100 * f.se / f.mse);
        EXPECT(f.se < 0.25 * f.mse, "%s: the sample says nothing", want[i].name);
        EXPECT(f.bits < want[i].bits + 0.0005, "%s: %.4f bits, table %.3f", want[i].name, f.bits, want[i].bits);
    }
    tap_end();
    tap_begin("E8 codes on Gaussians: published betas' errors, as good or better");
    {
        static const struct {
            const char *name;
            double mse, tolerance;
        } rows9[] = {
            {"e8:q14:k4", 5.921e-3, 0.007}, {"e8:q16:k4", 4.578e-3, 0.005},     {"e8:q8:k4", 1.833e-2, 0.007},
            {"e8:q7:k4", 2.426e-2, 0.007},  {"e8:q4:k4", 8.188e-2, 0.007},      {"e8:q14:k1", 1.98e-2, 0.05},
            {"e8:q14:k2", 8.9e-3, 0.03},    {"e8:q14:k3", 6.74e-3, 0.01},       {"e8:q14:k8", 4.76e-3, 0.01},
            {"e8:q3:k4", 1.628e-1, 0.01},   {"e8:q14:k4:first", 7.019e-3, 0.01}};
        for (i = 0; i < sizeof rows9 / sizeof rows9[0]; i++) {
            figure f = measure(rows9[i].name, rows, 4096);
            printf("# %-16s D %.4e, row %.4e (%+.1f %%)\n", rows9[i].name, f.mse, rows9[i].mse,
                   100 * (f.mse / rows9[i].mse - 1));
            /* the row's own tolerance, and four standard errors of this sample */
            EXPECT(f.mse - 4 * f.se < rows9[i].mse * (1 + rows9[i].tolerance), "%s: %.4e, row %.4e", rows9[i].name,
                   f.mse, rows9[i].mse);
        }
    }
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_nearest(effort);
    test_moments(effort);
    test_codes(effort);
    test_no_overload(effort);
    test_gauge();
    test_overload(effort);
    test_distortion(effort);
    return tap_finish();
}
