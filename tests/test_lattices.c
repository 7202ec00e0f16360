// test_lattices.c: Voronoi codes of [8i] and the lattices of [6i]: nearest points and codes by brute force, ties,
// hierarchies, overload, dither. The box code, and what all of them do to Gaussians: test_box.c.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

enum { ZN = HRQ__LATTICE_ZN, D4 = HRQ__LATTICE_D4, E8 = HRQ__LATTICE_E8, LATTICES = 3 };

static const char *const name_of[LATTICES] = {"zn", "d4", "e8"};
static const int dim_of[LATTICES] = {1, 4, 8}; /* a block of 8 is this lattice 8, 2 times and once */
static const double volume_of[LATTICES] = {1, 2, 1};

static int64_t norm_of(const int32_t r[8])
{
    int64_t n = 0;
    int i;
    for (i = 0; i < 8; i++) n += (int64_t)r[i] * r[i];
    return n;
}

/* p in 2 half Lambda? D4 = {n in Z^4 : sum n even}; E8' = {n + s/2 (1, ..., 1) : n in Z^8, sum n = s mod 2} */
static int in_lattice(int lattice, const int32_t p[8], int32_t half)
{
    int32_t n, sum = 0, s = lattice == E8 && ((p[0] / half) & 1) != 0;
    int i;
    for (i = 0; i < 8; i++) {
        if (p[i] % half) return 0;
        n = p[i] / half - s;
        if (n & 1) return 0;
        sum += n / 2;
        if (lattice == D4 && i % 4 == 3 && sum & 1) return 0;
    }
    return lattice != E8 || ((sum ^ s) & 1) == 0;
}

/* Coordinates of a point (doubled) in a basis of its lattice, mod q, as one number: points of one coset of q Lambda,
   and only these, have the same. D4: (2, 0, 0, 0) and e_0 + e_i. E8': 2 e_0, (3/2, 1/2, ..., 1/2), e_0 + e_i, i > 1. */
static uint64_t key_of(int lattice, const int32_t y[8], int32_t q)
{
    int32_t c[8], s = lattice == E8 && (y[0] & 1);
    uint64_t key = 0;
    int i, b, n = dim_of[lattice];
    for (i = 0; i < 8; i++) c[i] = (y[i] - (i ? s : 3 * s)) / 2;
    for (b = 0; n > 1 && b < 8; b += n) {
        for (i = b + 1; i < b + n; i++) c[b] -= c[i];
        c[b] /= 2;
    }
    if (lattice == E8) { /* e_0 + e_1 is twice the half one less the others and 2 (2 e_0) */
        for (i = 2; i < 8; i++) c[i] -= c[1];
        c[0] += 2 * c[1];
        c[1] = 2 * c[1] + s;
    }
    for (i = 7; i >= 0; i--) key = key * (uint64_t)q + (uint64_t)((c[i] % q + q) % q);
    return key;
}

/* Least squared distance of t[n] to 2 half Z^n + shift, sum even, by dynamic programming over the parity: the four
   integers around each coordinate. */
static int64_t even_norm(const int32_t *t, int n, int32_t half, int32_t shift)
{
    int64_t best[2] = {0, INT64_MAX / 2}, next[2];
    int i, k, parity;
    for (i = 0; i < n; i++) {
        int32_t f = (int32_t)floor((double)(t[i] - shift) / (2.0 * half));
        next[0] = next[1] = INT64_MAX / 2;
        for (k = f - 1; k <= f + 2; k++)
            for (parity = 0; parity < 2; parity++) {
                int64_t d = (int64_t)t[i] - shift - (int64_t)2 * half * k, sum = best[parity] + d * d;
                if (sum < next[parity ^ (k & 1)]) next[parity ^ (k & 1)] = sum;
            }
        best[0] = next[0];
        best[1] = next[1];
    }
    return best[0];
}

/* Squared distance to the nearest point of 2 half Lambda. The odd coset of E8' is the even one of Z^8 after a step
   along one axis, whichever. */
static int64_t nearest_norm(int lattice, const int32_t t[8], int32_t half)
{
    int64_t even = 0, odd;
    int32_t moved[8];
    int i;
    if (lattice == ZN) {
        for (i = 0; i < 8; i++) {
            int64_t d = t[i] - (int64_t)2 * half * (int64_t)floor((double)t[i] / (2.0 * half) + 0.5);
            even += d * d;
        }
        return even;
    }
    if (lattice == D4) return even_norm(t, 4, half, 0) + even_norm(t + 4, 4, half, 0);
    memcpy(moved, t, sizeof moved);
    moved[0] += 2 * half;
    even = even_norm(t, 8, half, 0);
    odd = even_norm(moved, 8, half, half);
    return even < odd ? even : odd;
}

/* The nearest point by plain enumeration, three integers a coordinate, and of equal ones the one that [6i] names: the
   even coset; the lowest index moved off its nearest integer; of two integers the upper. */
static void brute_point(int lattice, const int32_t t[8], int32_t half, int32_t p[8])
{
    int n = dim_of[lattice], b, s, i, code, codes = 1;
    for (i = 0; i < n; i++) codes *= 3;
    for (b = 0; b < 8; b += n) {
        int64_t least = INT64_MAX;
        int least_rank = 0, least_s = 0;
        for (s = 0; s < (lattice == E8 ? 2 : 1); s++)
            for (code = 0; code < codes; code++) {
                int64_t norm = 0;
                int32_t at[8];
                int sum = 0, c = code, rank = 0;
                for (i = 0; i < n; i++, c /= 3) {
                    int k = (int)floor((double)(t[b + i] - s * half) / (2.0 * half) + 0.5);
                    if (c % 3 != 1) rank = rank ? 99 : 1 + 2 * i + (c % 3 == 0);
                    k += c % 3 - 1;
                    sum += k;
                    at[i] = 2 * half * k + s * half;
                    norm += ((int64_t)t[b + i] - at[i]) * ((int64_t)t[b + i] - at[i]);
                }
                if (n > 1 && ((sum ^ s) & 1)) continue;
                if (norm > least || (norm == least && (s > least_s || rank >= least_rank))) continue;
                least = norm;
                least_rank = rank;
                least_s = s;
                memcpy(p + b, at, (size_t)n * sizeof at[0]);
            }
    }
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
    int i, j, lattice, n = effort == 0 ? 10000 : effort == 1 ? 200000 : 3000000;
    tap_begin("Z^8, D4, E8: the nearest point, against every point near");
    for (i = 0; i < n; i++)
        for (lattice = 0; lattice < LATTICES; lattice++) {
            int32_t t[8], r[8], p[8], half = (int32_t)1 << draw_below(13);
            if (i % 7 == 0) half = 3 + (int32_t)draw_below(300); /* q Lambda: any half */
            draw_vector(t, i % 3 ? 40 * half : 32767, i % 5);
            hrq__lattice_residual(lattice, r, t, half);
            for (j = 0; j < 8; j++) p[j] = t[j] - r[j];
            EXPECT(in_lattice(lattice, p, half), "%s half %ld: no point of it", name_of[lattice], (long)half);
            EXPECT(norm_of(r) == nearest_norm(lattice, t, half), "%s half %ld: %.0f, nearest %.0f", name_of[lattice],
                   (long)half, (double)norm_of(r), (double)nearest_norm(lattice, t, half));
        }
    tap_end();
    tap_begin("Z^8, D4, E8: ties: the even coset, the lowest index, the upper integer");
    for (i = 0, n = effort == 0 ? 200 : effort == 1 ? 4000 : 40000; i < n; i++)
        for (lattice = 0; lattice < LATTICES; lattice++) {
            int32_t t[8], r[8], p[8], half = 1 + (int32_t)draw_below(6);
            draw_vector(t, (1 + (int32_t)draw_below(3)) * half + 2, i % 4 == 1 ? 0 : i % 4); /* small: ties */
            for (j = 0; i % 8 >= 4 && j < 8; j++) t[j] *= half; /* halves and integers alone */
            hrq__lattice_residual(lattice, r, t, half);
            brute_point(lattice, t, half, p);
            for (j = 0; j < 8; j++) r[j] = t[j] - r[j];
            EXPECT(memcmp(r, p, sizeof p) == 0, "%s half %ld, t %ld %ld %ld %ld %ld %ld %ld %ld: another point",
                   name_of[lattice], (long)half, (long)t[0], (long)t[1], (long)t[2], (long)t[3], (long)t[4],
                   (long)t[5], (long)t[6], (long)t[7]);
            for (j = 0; j < 8; j++) p[j] = t[j] - p[j];
            EXPECT(norm_of(p) == nearest_norm(lattice, t, half), "the reference is wrong");
        }
    tap_end();
}

/* second moments: mean squared residual of uniform points over the cell, volume 1; four standard errors. The grid of
   2 half = 8192 steps shifts the moment by 1/12 / 8192^2. */
static void test_moments(int effort)
{
    int lattice, i, j, n = effort == 0 ? 20000 : effort == 1 ? 200000 : 4000000;
    tap_begin("second moments of the cells by Monte Carlo: Z 1/12, D4 13/(120 sqrt 2), E8 929/12960");
    for (lattice = 0; lattice < LATTICES; lattice++) {
        double sum = 0, squares = 0, mean, error, half = 4096,
               nsm = lattice == ZN   ? 1.0 / 12
                     : lattice == D4 ? 13 / (120 * sqrt(2.0))
                                     : 929.0 / 12960;
        for (i = 0; i < n; i++) {
            int32_t t[8], r[8];
            double m;
            for (j = 0; j < 8; j++) t[j] = (int32_t)draw_below(8192 * 4) - 16384; /* 4 Z^8 is part of all three */
            hrq__lattice_residual(lattice, r, t, 4096);
            m = (double)norm_of(r) / (8 * 4 * half * half) / pow(volume_of[lattice], 2.0 / dim_of[lattice]);
            sum += m;
            squares += m * m;
        }
        mean = sum / n;
        error = sqrt((squares / n - mean * mean) / n);
        EXPECT(fabs(mean - nsm) < 4 * error, "%s: %.6f +- %.6f, not %.6f", name_of[lattice], mean, error, nsm);
        EXPECT(fabs(hrq_lattice_nsm(name_of[lattice]) - nsm) < 1e-15, "%s: table", name_of[lattice]);
        printf("# %s: second moment %.6f +- %.6f, exact %.6f\n", name_of[lattice], mean, error, nsm);
    }
    tap_end();
}

static void digits_of(uint16_t d[8], uint64_t code, int q)
{
    int i;
    for (i = 0; i < 8; i++, code /= (uint64_t)q) d[i] = (uint16_t)(code % (uint64_t)q);
}

/* A code's digits, their point, and back: the point lies in the lattice, in the digits' coset, nearest to zero in it.
   0 where something is wrong. */
static int check_code(int lattice, int q, const uint16_t d[8], int32_t y[8])
{
    uint16_t back[8];
    int32_t t[8];
    int i, good;
    hrq__lattice_point(lattice, t, d, q);
    good = EXPECT(in_lattice(lattice, t, 1), "%s q %d: no lattice point", name_of[lattice], q);
    hrq__lattice_digits(lattice, back, t, q);
    good &= EXPECT(memcmp(d, back, sizeof back) == 0, "%s q %d: digits do not come back", name_of[lattice], q);
    hrq__voronoi_point(lattice, y, d, q);
    good &= EXPECT(in_lattice(lattice, y, 1), "%s q %d: decodes to no lattice point", name_of[lattice], q);
    good &= EXPECT(norm_of(y) == nearest_norm(lattice, y, q), "%s q %d: not nearest to zero", name_of[lattice], q);
    hrq__lattice_digits(lattice, back, y, q);
    good &= EXPECT(memcmp(d, back, sizeof back) == 0, "%s q %d: another code comes back", name_of[lattice], q);
    for (i = 0; i < 8; i++) {
        t[i] -= y[i];
        good &= EXPECT(y[i] >= -2 * q && y[i] <= 2 * q, "%s q %d: coordinate %ld", name_of[lattice], q, (long)y[i]);
    }
    return good & EXPECT(in_lattice(lattice, t, q), "%s q %d: decodes to another coset", name_of[lattice], q);
}

/* All q^8 codes: every coset is hit, and once. energy: mean of |y|^2 / 8, or 0 where enumeration has none. */
static void enumerate(int lattice, int q, double energy)
{
    uint64_t total = 1, code, key;
    double sum = 0;
    unsigned char *seen;
    int i;
    for (i = 0; i < 8; i++) total *= (uint64_t)q;
    seen = (unsigned char *)calloc((size_t)total, 1);
    for (code = 0; seen && code < total; code++) {
        uint16_t d[8];
        int32_t y[8];
        digits_of(d, code, q);
        if (!check_code(lattice, q, d, y)) break;
        key = key_of(lattice, y, q);
        if (!EXPECT(!seen[key], "%s q %d: two codes, one coset", name_of[lattice], q)) break;
        seen[key] = 1;
        sum += (double)norm_of(y) / 4 / 8;
    }
    EXPECT(seen && code == total, "%s q %d: stopped", name_of[lattice], q);
    free(seen);
    sum /= (double)total;
    if (energy > 0) EXPECT(fabs(sum - energy) < 1e-6, "q %d: mean energy %.9f, not %.9f", q, sum, energy);
    printf("# %s q %d: %lu codes, mean energy %.9f\n", name_of[lattice], q, (unsigned long)total, sum);
}

/* All q^4 codes of one half of the block, the other half at random. */
static void enumerate_half(int q, int second)
{
    int total = q * q * q * q, code, other, i;
    unsigned char *seen = (unsigned char *)calloc((size_t)total, 1);
    for (code = 0; seen && code < total; code++) {
        uint16_t d[8];
        int32_t y[8];
        uint64_t key;
        for (i = 0, other = code; i < 8; i++) {
            d[i] = (uint16_t)draw_below((size_t)q);
            if (i / 4 != second) continue;
            d[i] = (uint16_t)(other % q);
            other /= q;
        }
        if (!check_code(D4, q, d, y)) break;
        key = key_of(D4, y, q);
        key = second ? key / (uint64_t)total : key % (uint64_t)total;
        if (!EXPECT(!seen[key], "d4 q %d: two codes, one coset", q)) break;
        seen[key] = 1;
    }
    EXPECT(seen && code == total, "d4 q %d: stopped", q);
    free(seen);
}

static void test_codes(int effort)
{
    int q, i, n, lattice;
    tap_begin("Voronoi codes: every code of q = 2, 3, 4: all cosets, each once, least in it, comes back");
    enumerate(E8, 2, 0.380859375);
    enumerate(E8, 3, 0.722451);
    enumerate(ZN, 3, 2.0 / 3.0); /* -1, 0, 1 */
    enumerate(D4, 3, 0);
    for (lattice = 0; effort && lattice < LATTICES; lattice++) enumerate(lattice, 4, 0);
    for (lattice = 0; effort == 2 && lattice < LATTICES; lattice++) enumerate(lattice, 5, 0);
    for (lattice = 0; effort == 2 && lattice < LATTICES; lattice++) enumerate(lattice, 6, 0);
    for (q = 3; q <= (effort ? 12 : 6); q++) {
        enumerate_half(q, 0);
        enumerate_half(q, 1);
    }
    tap_end();
    tap_begin("Voronoi codes: random ones of every q from 3 to 256");
    for (q = 3; q <= 256; q++)
        for (i = 0, n = effort == 0 ? 50 : effort == 1 ? 1000 : 20000; i < n; i++)
            for (lattice = 0; lattice < LATTICES; lattice++) {
                uint16_t d[8];
                int32_t y[8];
                int j;
                for (j = 0; j < 8; j++) d[j] = (uint16_t)(i == 0 ? 0 : i == 1 ? q - 1 : (int)draw_below((size_t)q));
                check_code(lattice, q, d, y);
            }
    tap_end();
}

/* What a coordinate becomes under a scale. */
static int32_t value_of(const hrq__voronoi *c, int32_t y, unsigned scale)
{
    int32_t v = (c->lattice == E8 ? y : y / 2) * c->multiple[scale];
    return v > c->clamp ? c->clamp : v < -c->clamp ? -c->clamp : v;
}

/* x in the cell by a margin that rounding to fixed point cannot bridge: the code is the nearest point. */
static void test_no_overload(int effort)
{
    int q, i, j, n = effort == 0 ? 20 : effort == 1 ? 400 : 4000, lattice, inside = 0;
    tap_begin("Voronoi codes: without overload, decode(encode(x)) is the nearest point");
    for (q = 3; q <= 256; q += q < 20 ? 1 : 7)
        for (i = 0; i < n; i++)
            for (lattice = 0; lattice < LATTICES; lattice++) {
                char name[32];
                hrq_format f;
                hrq__voronoi c;
                hrq__voronoi_block b;
                int32_t y[8], back[8], t[8];
                float x[8];
                double distance = 0, nearest, reach, size = 0, exact, margin;
                unsigned scale;
                int held;
                snprintf(name, sizeof name, "%s:q%d:k%d", name_of[lattice], q, i % 16 + 1);
                f = format_of(name);
                c = hrq__voronoi_of(&f);
                scale = (unsigned)draw_below(c.k);
                reach = draw_uniform() * q;
                for (j = 0; j < 8; j++) {
                    x[j] = (float)draw_gauss();
                    size += (double)x[j] * (double)x[j];
                }
                for (j = 0; j < 8; j++) x[j] = (float)((double)x[j] * reach / sqrt(size) * (double)c.beta[scale]);
                held = hrq__voronoi_try(&c, scale, x, NULL, y, &b);
                for (j = 0; j < 8; j++) { /* the same x in much finer steps than the library's */
                    t[j] = (int32_t)nearbyint((double)x[j] / (double)c.beta[scale] * 65536.0);
                    distance += pow((double)x[j] / (double)c.beta[scale] - y[j] / 2.0, 2);
                }
                nearest = (double)nearest_norm(lattice, t, 32768) / 65536.0 / 65536.0;
                /* entries are rounded by at most 1 / (4 half), the vector by sqrt 8 times that, seen from both points;
                   float noise of the division: reach 2^-22 */
                margin = 2 * (sqrt(8.0) / (4.0 * c.half) + 256 * 8 * 0x1p-22);
                exact = sqrt(distance) - sqrt(nearest);
                EXPECT(exact < margin, "%s: %g beyond the nearest point, step %g", name, exact, 1.0 / (2 * c.half));
                /* cells hold a ball of q times the packing radius; the nearest point is within the covering radius of x */
                if (lattice == ZN ? reach < q / 2.0 - 1.0 : reach < q * sqrt(0.5) - 1.01) {
                    EXPECT(held, "%s: %g of %d is refused", name, reach, q);
                    inside++;
                }
                if (held) {
                    hrq__voronoi_point(lattice, back, b.digit[0], q);
                    EXPECT(memcmp(back, y, sizeof y) == 0, "%s: decodes to another point", name);
                }
            }
    EXPECT(inside > 200, "%d cases inside", inside);
    tap_end();
}

/* The gauge against all shortest vectors: +-e_i of Z^8 twice; +-e_i +-e_j of D4 and E8'; (+-1/2)^8 with an odd number
   of minus signs of E8'. And the cell in exact integers: 0 is a nearest point where the gauge is a step at most. */
static void test_gauge(int effort)
{
    int i, j, k, signs, lattice, inside = 0, walls = 0;
    tap_begin("gauge of the cells, against their 2, 24 and 240 walls");
    for (i = 0; i < 3000; i++) {
        float x[8];
        double most = 0, sum, got;
        lattice = i % LATTICES;
        fill_gauss(x, 8, 2.0);
        if (i % 7 == 0) x[draw_below(8)] = 0.0f;
        for (j = 0; j < 8; j++)
            for (k = 0; k <= j; k++) {
                if ((j == k) != (lattice == ZN) || (lattice == D4 && j / 4 != k / 4)) continue;
                sum = fabs((double)x[j]) + fabs((double)x[k]);
                most = sum > most ? sum : most;
            }
        for (signs = 0; lattice == E8 && signs < 256; signs++) {
            int32_t p[8], half = 1;
            for (j = 0, sum = 0; j < 8; j++) {
                p[j] = signs >> j & 1 ? -1 : 1;
                sum += (double)x[j] * p[j] * 0.5;
            }
            if (in_lattice(E8, p, half) && sum > most) most = sum;
        }
        got = (double)hrq__lattice_gauge(lattice, x);
        EXPECT(fabs(got - most) <= 1e-6 * most, "%s: %g, not %g", name_of[lattice], got, most);
    }
    tap_end();
    tap_begin("gauge of the cells: at most a step where 0 is a nearest point, walls included");
    for (i = 0; i < (effort ? 300000 : 10000); i++) {
        int32_t t[8], half = 2 + (int32_t)draw_below(9);
        float x[8], got;
        int in;
        lattice = i % LATTICES;
        draw_vector(t, half + half / 2 * (lattice == ZN ? 0 : (int32_t)draw_below(2)), i % 4 == 1 ? 2 : 0);
        for (j = 0; j < 8; j++) {
            if (draw_below(3) == 0) t[j] /= 4;
            x[j] = (float)t[j];
        }
        got = hrq__lattice_gauge(lattice, x);
        in = norm_of(t) == nearest_norm(lattice, t, half);
        EXPECT(in == (got <= (float)(2 * half)), "%s: gauge %g of %ld", name_of[lattice], (double)got, 2L * half);
        inside += in;
        walls += in && got == (float)(2 * half);
    }
    EXPECT(inside > i / 10 && inside < i - i / 10 && walls > i / 100, "%d inside, %d on a wall", inside, walls);
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
            hrq__voronoi_block b;
            int32_t y[8];
            float x[8], far = (float)(pow(10.0, 1.2 + 7.5 * draw_uniform())); /* times the row's rms: up to 5e8 */
            double dot = 0, size = 0, out = 0, cosine, top = 0, longest, along, off;
            snprintf(name, sizeof name, "%s:q%d:k%d%s", name_of[i % LATTICES], q, i % 16 + 1, i % 5 ? "" : ":first");
            f = format_of(name);
            c = hrq__voronoi_of(&f);
            fill_gauss(x, 8, i % 5 ? 0.05 : 1.0);
            if (i % 5) x[draw_below(8)] += draw() & 1 ? 1.0f : -1.0f; /* one outlier */
            for (j = 0; j < 8; j++) {
                x[j] *= far;
                top = fabs((double)x[j]) > top ? fabs((double)x[j]) : top;
            }
            hrq__voronoi_encode(&c, x, NULL, &b);
            EXPECT(b.index == c.k - 1u, "%s: scale %u", name, b.index);
            hrq__voronoi_point(c.lattice, y, b.digit[0], q);
            for (j = 0; j < 8; j++) {
                double v = b.value[j] * (double)c.step;
                EXPECT(b.value[j] == value_of(&c, y[j], b.index), "%s: digits and values differ", name);
                dot += v * (double)x[j];
                size += (double)x[j] * (double)x[j];
                out += v * v;
                if (fabs((double)x[j]) > 0.5 * top)
                    EXPECT(v * (double)x[j] >= 0, "%s: %g became %g", name, (double)x[j], v);
                if (fabs((double)x[j]) == top)
                    EXPECT(v * (double)x[j] > 0, "%s: the largest, %g, became %g", name, (double)x[j], v);
                EXPECT(fabs(v) <= 1.0001 * fabs((double)x[j]) + 2.0 * (double)c.beta[b.index], "%s: %g became %g",
                       name, (double)x[j], v);
            }
            longest = (double)c.beta[b.index] * q;
            if (c.clamp == 127 && 127 * (double)c.step < longest) longest = 127 * (double)c.step;
            /* Z^8 stops each entry alone: the largest at (q - 1) / 2 at least, the others at q / 2 at most. E8: squeezing
               finds a point within 1 beta of q - 5/4 or more along x, whose length is at least q / sqrt 2; D4, two blocks
               under one gauge: within sqrt 2. Neighbours are taken where they lie nearer, and so at least as far along x.
               A clamp at 127 shortens further */
            cosine = dot / sqrt(size * out);
            along = (q - 1.25) * sqrt(0.5);
            off = c.lattice == D4 ? sqrt(2.0) : 1;
            if (c.lattice == ZN)
                EXPECT(cosine > (q - 1) / 2 / sqrt((q - 1) / 2 * ((q - 1) / 2) + 7.0 * (q / 2) * (q / 2)),
                       "%s: cosine %g", name, cosine);
            else if (along > off)
                EXPECT(dot / sqrt(size) > (c.clamp == 127 ? 0.35 : 0.98) * (along - off) / q * longest,
                       "%s: %g of %g along the block", name, dot / sqrt(size), longest);
            EXPECT(c.lattice != ZN ||
                       out > 0.99 * ((q - 1) / 2) * ((q - 1) / 2) / ((double)q * q) * longest * longest,
                   "%s: length %g of %g", name, sqrt(out), longest);
        }
    tap_end();
}

/* ---- codes against all their points ---- */

/* The points of a code of Lambda, dim coordinates each: sum of q^m times a coset's point, over all digits. */
typedef struct {
    size_t dim, count;
    int16_t *point; /* doubled */
} list;

static list list_of(int lattice, int q, unsigned layers)
{
    list l;
    size_t each = 1, code, at, i;
    unsigned m;
    l.dim = (size_t)dim_of[lattice];
    for (i = 0; i < l.dim; i++) each *= (size_t)q;
    for (m = 1, l.count = each; m < layers; m++) l.count *= each;
    l.point = (int16_t *)calloc(l.count * l.dim, sizeof *l.point);
    for (code = 0; code < l.count; code++) {
        int32_t power = 1;
        for (m = 0, at = code; m < layers; m++, at /= each, power *= q) {
            uint16_t d[8];
            int32_t y[8];
            digits_of(d, at % each, q);
            hrq__voronoi_point(lattice, y, d, q);
            for (i = 0; i < l.dim; i++) {
                int16_t *p = &l.point[code * l.dim + i];
                *p = (int16_t)(*p + power * y[i]);
            }
        }
    }
    return l;
}

/* Squared distance of t[dim] to the nearest point of the list in steps of half. */
static int64_t list_norm(const list *l, const int32_t *t, int32_t half)
{
    int64_t least = INT64_MAX;
    const int16_t *p = l->point;
    size_t at, i;
    for (at = 0; at < l->count; at++, p += l->dim) {
        int64_t norm = 0;
        for (i = 0; i < l->dim; i++) norm += ((int64_t)t[i] - p[i] * half) * ((int64_t)t[i] - p[i] * half);
        if (norm < least) least = norm;
    }
    return least;
}

/* A code with layers: formats have them of E8 only, the code takes any lattice. */
static hrq__voronoi code_of(int lattice, int q, unsigned layers, unsigned k)
{
    char name[40];
    hrq_format f;
    hrq__voronoi c;
    snprintf(name, sizeof name, layers > 1 ? "e8h:q%d:k%u:m%u" : "e8:q%d:k%u", q, k, layers);
    f = format_of(name);
    c = hrq__voronoi_of(&f);
    c.lattice = lattice;
    c.quick = c.quick && lattice == HRQ__LATTICE_E8;
    return c;
}

/* A block whose fixed-point form under scale `scale` is t: t / 2^F steps is a float to 2^-24, times at most 2^15. */
static void block_at(const hrq__voronoi *c, unsigned scale, const int32_t t[8], float x[8])
{
    float to_fixed = (float)(2 * c->half) / c->beta[scale];
    int i;
    for (i = 0; i < 8; i++) {
        x[i] = (float)t[i] / to_fixed;
        EXPECT(hrq__round(x[i] * to_fixed) == t[i], "the test's own rounding");
    }
}

/* What the digits say. */
static void decode(const hrq__voronoi *c, const hrq__voronoi_block *b, int32_t y[8])
{
    int32_t leader[8], power = 1;
    unsigned m;
    int i;
    memset(y, 0, 8 * sizeof y[0]);
    for (m = 0; m < c->layers; m++, power *= c->q) {
        hrq__voronoi_point(c->lattice, leader, b->digit[m], c->q);
        for (i = 0; i < 8; i++) y[i] += power * leader[i];
    }
}

static int32_t draw_between(int32_t lo, int32_t hi) { return lo + (int32_t)draw_below((size_t)(hi - lo + 1)); }

/* Fixed-point blocks where encoders go wrong: anywhere, around the cell, on halves and integers, in the middle between
   two points of q^m Lambda, on a wall of the cell. */
static void draw_hard(const hrq__voronoi *c, int32_t t[8], int kind)
{
    int32_t reach = 2 * c->bound * c->half, power = 1, a;
    int i, j, first = (int)draw_below(8), second = first ^ 1;
    unsigned m = (unsigned)draw_below(c->layers + 1);
    reach = reach > 32000 ? 32000 : reach;
    while (m-- > 0) power *= c->q;
    for (i = 0; i < 8; i++) {
        if (kind == 0) t[i] = draw_between(-32767, 32767);
        else if (kind == 1) t[i] = draw_between(-reach, reach);
        else if (kind == 2) t[i] = draw_between(-reach / c->half - 1, reach / c->half + 1) * c->half;
        else if (kind == 3) t[i] = (power * draw_between(-2, 2) + 2 * draw_between(-1, 1)) * c->half;
        else t[i] = 0;
    }
    if (kind == 4) { /* half of a shortest vector of bound Lambda, and what is orthogonal to it */
        if (draw() & 1) {
            for (i = 0; i < 8; i += 2) {
                a = draw_between(-c->half, c->half);
                for (j = i; j < i + 2; j++) t[j] = c->bound * c->half / 2 + (j == i ? a : -a);
            }
        } else {
            a = draw_between(-reach / 8, reach / 8);
            t[first] = c->bound * c->half + a;
            t[second] = c->bound * c->half - a;
            for (i = 0; i < 8; i++)
                if (i / 2 != first / 2) t[i] = draw_between(-reach / 8, reach / 8);
        }
        for (i = 0; i < 8; i++) t[i] = draw() & 1 ? -t[i] : t[i];
    }
    for (i = 0; i < 8; i++) t[i] = hrq__clampi(t[i], -32767, 32767);
}

static void check_list(int lattice, int q, unsigned layers, int blocks)
{
    list l = list_of(lattice, q, layers);
    hrq__voronoi c = code_of(lattice, q, layers, 4);
    int i, j, n = dim_of[lattice], held_by[2] = {0, 0};
    for (i = 0; i < blocks; i++) {
        unsigned scale = (unsigned)i % c.k;
        int32_t t[8], y[8], back[8], z[8], nearest[8];
        float x[8];
        hrq__voronoi_block b;
        uint16_t random[8];
        int held, in = 1, dithered = i % 4 == 3;
        draw_hard(&c, t, i % 8 < 4 ? 1 : i % 8 - 4 + (i % 8 == 4));
        for (j = 0; j < 8; j++) {
            t[j] = (i % 3 ? t[j] / 2 : t[j]) / (lattice == ZN ? 1 : 2); /* about the cell */
            random[j] = (uint16_t)draw();
        }
        block_at(&c, scale, t, x);
        hrq__voronoi_draw(&c, random, z);
        held = hrq__voronoi_try(&c, scale, x, dithered ? z : NULL, y, &b);
        for (j = 0; dithered && j < 8; j++) t[j] += z[j];
        brute_point(lattice, t, c.half, nearest);
        for (j = 0; j < 8; j++) nearest[j] /= c.half;
        for (j = 0; j < 8; j += n) in &= list_norm(&l, nearest + j, 1) == 0;
        EXPECT(held == in, "%s q %d, %u layers: held %d, a point of the code %d", name_of[lattice], q, layers, held,
               in);
        EXPECT(memcmp(nearest, y, sizeof y) == 0, "%s q %d: not the nearest point", name_of[lattice], q);
        held_by[held]++;
        if (!held) continue;
        decode(&c, &b, back);
        EXPECT(memcmp(back, y, sizeof y) == 0, "%s q %d: decodes to another point", name_of[lattice], q);
        for (j = 0; j < 8; j += n) {
            int64_t norm = 0;
            int k;
            for (k = j; k < j + n; k++) norm += ((int64_t)t[k] - y[k] * c.half) * ((int64_t)t[k] - y[k] * c.half);
            EXPECT(norm == list_norm(&l, t + j, c.half), "%s q %d, %u layers: the code has a nearer point",
                   name_of[lattice], q, layers);
        }
    }
    EXPECT(held_by[0] > blocks / 30 && held_by[1] > blocks / 30, "%s q %d: %d of %d held", name_of[lattice], q,
           held_by[1], blocks);
    free(l.point);
}

/* 3^16 points: all second layers, and the first ones where a bound does not say that they are farther. */
static void check_two_layers(int blocks)
{
    list l = list_of(E8, 3, 1);
    hrq__voronoi c = code_of(E8, 3, 2, 4);
    int i, j, held, seen = 0;
    for (i = 0; i < blocks; i++) {
        int32_t t[8], y[8], rest[8];
        int64_t least = INT64_MAX, norm = 0, far;
        float x[8];
        hrq__voronoi_block b;
        size_t at;
        draw_hard(&c, t, 1 + i % 3);
        for (j = 0; j < 8; j++) t[j] /= 3;
        block_at(&c, (unsigned)i % 4, t, x);
        held = hrq__voronoi_try(&c, (unsigned)i % 4, x, NULL, y, &b);
        for (at = 0; at < l.count; at++) {
            for (j = 0, far = 0; j < 8; j++) {
                rest[j] = t[j] - 3 * l.point[at * 8 + (size_t)j] * c.half;
                far += (int64_t)rest[j] * rest[j];
            }
            /* a first layer is at most 3 steps long, the covering radius of 3 E8 */
            if (least < INT64_MAX && sqrt((double)far) - 3.0 * 2 * c.half > sqrt((double)least) + 1) continue;
            far = list_norm(&l, rest, c.half);
            least = far < least ? far : least;
        }
        for (j = 0; j < 8; j++) norm += ((int64_t)t[j] - y[j] * c.half) * ((int64_t)t[j] - y[j] * c.half);
        EXPECT(held ? norm == least : norm <= least, "%.0f, the code has %.0f", (double)norm, (double)least);
        seen += held;
    }
    EXPECT(seen > 0, "none held");
    free(l.point);
}

static void test_lists(int effort)
{
    int q, n = effort == 0 ? 200 : effort == 1 ? 2000 : 20000;
    tap_begin("Voronoi codes: every block that is held has the code's nearest point, of all q^n");
    for (q = 3; q <= 6; q++) {
        check_list(ZN, q, 1, n);
        check_list(D4, q, 1, n);
    }
    check_list(E8, 3, 1, n / 2);
    if (effort) check_list(E8, 4, 1, n / 8);
    if (effort == 2) check_list(E8, 5, 1, n / 80);
    tap_end();
    tap_begin("hierarchical codes: the same, of all sums of layers");
    check_list(ZN, 3, 2, n);
    check_list(ZN, 3, 5, n);
    check_list(ZN, 4, 3, n);
    check_list(D4, 3, 2, n / 2);
    if (effort == 2) check_list(D4, 4, 2, n / 8);
    check_two_layers(effort == 0 ? 2 : effort == 1 ? 30 : 400);
    tap_end();
}

/* ---- what is held is what comes back ---- */

static void test_held(int effort)
{
    int q, lattice, i, n = effort == 0 ? 10 : effort == 1 ? 120 : 800, j;
    unsigned layers, power;
    double held = 0, all = 0, far;
    tap_begin("every code, 1 to 5 layers: what is held decodes to the point chosen, on ties and far out too");
    for (q = 3; q <= 256; q++)
        for (layers = 1, power = (unsigned)q; layers <= HRQ__LAYERS && power <= 256; layers++, power *= (unsigned)q)
            for (lattice = 0; lattice < LATTICES; lattice++) {
                hrq__voronoi c = code_of(lattice, q, layers, 1 + (unsigned)q % 5);
                for (i = 0; i < (layers > 1 ? 8 * n : n); i++) {
                    int32_t t[8], y[8], back[8], z[8], *dither = i % 10 >= 5 ? z : NULL;
                    uint16_t random[8];
                    float x[8];
                    hrq__voronoi_block b;
                    unsigned scale = (unsigned)draw_below(c.k);
                    int in;
                    draw_hard(&c, t, i % 5);
                    block_at(&c, scale, t, x);
                    for (j = 0; j < 8; j++) random[j] = (uint16_t)draw();
                    hrq__voronoi_draw(&c, random, z);
                    in = hrq__voronoi_try(&c, scale, x, dither, y, &b);
                    decode(&c, &b, back);
                    for (j = 0; j < 8; j++)
                        if (dither) t[j] = hrq__clampi(t[j] + z[j], -32767, 32767);
                    for (j = 0; j < 8; j++) t[j] -= y[j] * c.half;
                    EXPECT(in_lattice(lattice, y, 1), "%s q %d: no lattice point", name_of[lattice], q);
                    EXPECT(norm_of(t) == nearest_norm(lattice, t, c.half), "%s q %d: not the nearest point",
                           name_of[lattice], q);
                    EXPECT(in == (memcmp(back, y, sizeof y) == 0), "%s q %d, %u layers: held %d, but %s",
                           name_of[lattice], q, layers, in, in ? "another point comes back" : "it comes back");
                    held += in;
                    all++;
                    /* the whole encoder: held or squeezed, digits and values agree, and lie in range */
                    c.first = i % 2;
                    memset(&b, 255, sizeof b);
                    for (far = draw_below(3) ? 1 : pow(10.0, 8 * draw_uniform()), j = 0; j < 8; j++)
                        x[j] = (float)((double)x[j] * far);
                    hrq__voronoi_encode(&c, x, dither, &b);
                    EXPECT(b.index < c.k, "%s q %d: scale %u", name_of[lattice], q, b.index);
                    decode(&c, &b, back);
                    for (j = 0; b.index < c.k && j < 8; j++) {
                        EXPECT(b.value[j] == value_of(&c, back[j], b.index), "%s q %d, %u layers: digits and values",
                               name_of[lattice], q, layers);
                        EXPECT(b.digit[layers - 1][j] < q && b.digit[0][j] < q, "%s q %d: digit", name_of[lattice],
                               q);
                    }
                }
            }
    EXPECT(held > 0.1 * all && held < 0.9 * all, "%.0f of %.0f held", held, all);
    tap_end();
}

/* ---- hierarchies ---- */

/* The decoder of [6i] on random codes, a lane's eight values each: planes, powers and sums. */
static void test_layers(int effort)
{
    static const int16_t one[16] = {1};
    int q, i, j, k, n = effort == 0 ? 5 : effort == 1 ? 60 : 1000;
    unsigned layers, power, a, b;
    tap_begin("hierarchical codes: one layer is the plain code, bit by bit");
    for (q = 3; q <= 256; q += q < 20 ? 1 : 9)
        for (i = 0; i < 10 * n; i++) {
            char names[2][40];
            hrq__voronoi_block out[2];
            float x[8];
            int32_t z[8];
            uint16_t random[8];
            fill_gauss(x, 8, i % 3 ? 1.0 : 4.0);
            for (j = 0; j < 8; j++) random[j] = (uint16_t)draw();
            snprintf(names[0], sizeof names[0], "e8:q%d:k%d", q, i % 16 + 1);
            snprintf(names[1], sizeof names[1], "e8h:q%d:m1:k%d", q, i % 16 + 1);
            for (k = 0; k < 2; k++) {
                hrq_format f = format_of(names[k]);
                hrq__voronoi c = hrq__voronoi_of(&f);
                memset(&out[k], 0, sizeof out[k]);
                hrq__voronoi_draw(&c, random, z);
                hrq__voronoi_encode(&c, x, i % 2 ? z : NULL, &out[k]);
            }
            EXPECT(memcmp(out[0].digit[0], out[1].digit[0], sizeof out[0].digit[0]) == 0 &&
                       memcmp(out[0].value, out[1].value, sizeof out[0].value) == 0 && out[0].index == out[1].index,
                   "%s", names[1]);
        }
    tap_end();
    tap_begin("hierarchical codes: values are sums over layers; inner products too, layer by layer");
    for (q = 3; q <= 16; q++)
        for (layers = 1, power = (unsigned)q; layers <= HRQ__LAYERS && power <= 256; layers++, power *= (unsigned)q)
            for (i = 0; i < n; i++) {
                hrq__decode_args args;
                size_t s = 1 + (size_t)i % 4, lane, each, bytes;
                int8_t lo[512], hi[512];
                int32_t value[512], part[HRQ__LAYERS][512];
                int64_t whole = 0, sum = 0;
                block codes;
                memset(&args, 0, sizeof args);
                args.q = (unsigned)q;
                args.lattice = i % LATTICES;
                args.layers = layers;
                if (q & (q - 1)) args.digit_bits = hrq__digits_bits((unsigned)q);
                else args.code_bits = hrq__bits_for((uint64_t)q);
                args.scales = 1;
                args.multiple = one;
                args.clamp = 32767;
                args.stride = 64;
                each = s * (16 * args.code_bits + 2 * args.digit_bits);
                codes = block_of(bytes = layers * each, 1);
                while (bytes > 0) codes.data[--bytes] = (unsigned char)draw();
                hrq__decode_voronoi_scalar((uint8_t *)lo, (uint8_t *)hi, codes.data, 8 * s, &args);
                for (lane = 0; lane < 128 * s; lane++) value[lane] = lo[lane] + 256 * hi[lane];
                args.layers = 1;
                for (a = 0; a < layers; a++) {
                    hrq__decode_voronoi_scalar((uint8_t *)lo, (uint8_t *)hi, codes.data + a * each, 8 * s, &args);
                    for (lane = 0; lane < 128 * s; lane++) part[a][lane] = lo[lane] + 256 * hi[lane];
                }
                for (lane = 0; lane < 128 * s; lane++) {
                    int32_t v = 0, scale = 1;
                    for (a = 0; a < layers; a++, scale *= q) v += scale * part[a][lane];
                    EXPECT(v == value[lane], "q %d, %u layers: %ld, sum %ld", q, layers, (long)value[lane], (long)v);
                }
                /* the first half of the tile with the second */
                for (lane = 0; lane < 64 * s; lane++) whole += (int64_t)value[lane] * value[lane + 64 * s];
                for (a = 0; a < layers; a++)
                    for (b = 0; b < layers; b++) {
                        int64_t product = 0, scale = 1;
                        for (k = 0; k < (int)(a + b); k++) scale *= q;
                        for (lane = 0; lane < 64 * s; lane++)
                            product += (int64_t)part[a][lane] * part[b][lane + 64 * s];
                        sum += scale * product;
                    }
                EXPECT(whole == sum, "q %d, %u layers: inner products", q, layers);
                free(codes.base);
            }
    tap_end();
}

/* ---- dither ---- */

/* Mean, second moment and their standard errors of vectors of 8. */
typedef struct {
    double n, sum[8], norm, squares;
} moments;

static void add_moments(moments *m, const double e[8])
{
    double norm = 0;
    int j;
    for (j = 0; j < 8; j++) {
        m->sum[j] += e[j];
        norm += e[j] * e[j] / 8;
    }
    m->n++;
    m->norm += norm;
    m->squares += norm * norm;
}

/* Uniform over the cell (steps of the lattice): mean 0 up to half a step of the grid, second moment as the cell's. The
   grid of 1 / fine adds less than 1 / fine^2 to it. Each of the 8 means: five standard errors. */
static void expect_cell(const moments *m, int lattice, double fine, const char *what)
{
    double cell = hrq_lattice_nsm(name_of[lattice]) * pow(volume_of[lattice], 2.0 / dim_of[lattice]),
           moment = m->norm / m->n, error = sqrt((m->squares / m->n - moment * moment) / m->n);
    int j;
    EXPECT(fabs(moment / cell - 1) < 0.01 && fabs(moment - cell) < 5 * error + 1 / (fine * fine),
           "%s, %s: second moment %.6f +- %.6f, cell %.6f", name_of[lattice], what, moment, error, cell);
    for (j = 0; j < 8; j++)
        EXPECT(fabs(m->sum[j] / m->n) < 0.5 / fine + 5 * sqrt(cell / m->n), "%s, %s: mean %.6f", name_of[lattice],
               what, m->sum[j] / m->n);
}

static void test_dither(int effort)
{
    static const int ratios[] = {3, 16, 100, 256};
    int lattice, r, i, j, at, n = effort == 0 ? 8000 : effort == 1 ? 40000 : 1000000;
    tap_begin("dither: uniform over the cell");
    for (lattice = 0; lattice < LATTICES; lattice++)
        for (r = 0; r < 4; r++) {
            hrq__voronoi c = code_of(lattice, ratios[r], 1, 1);
            moments m;
            memset(&m, 0, sizeof m);
            for (i = 0; i < n; i++) {
                uint16_t random[8];
                int32_t z[8];
                double e[8];
                for (j = 0; j < 8; j++) random[j] = (uint16_t)draw();
                hrq__voronoi_draw(&c, random, z);
                EXPECT(norm_of(z) == nearest_norm(lattice, z, c.half), "%s: outside of the cell", name_of[lattice]);
                for (j = 0; j < 8; j++) e[j] = z[j] / (2.0 * c.half);
                add_moments(&m, e);
            }
            expect_cell(&m, lattice, 2.0 * c.half, "dither");
        }
    tap_end();
    tap_begin("dither: the error is the cell's, whatever the block");
    for (lattice = 0; lattice < LATTICES; lattice++)
        for (at = 0; at < 8; at++) {
            hrq__voronoi c = code_of(lattice, at % 2 ? 16 : 100, 1, 2);
            int32_t t[8];
            float x[8];
            moments m;
            memset(&m, 0, sizeof m);
            /* zero, the middle between two points, halves, the diagonal, eighths of a step, anywhere in half of the cell */
            for (j = 0; j < 8; j++)
                t[j] = at == 0   ? 0
                       : at == 1 ? (j ? 0 : c.half)
                       : at == 2 ? c.half
                       : at == 3 ? c.half / 2
                       : at == 4 ? draw_between(-8, 8) * c.half / 4
                                 : draw_between(-c.bound * c.half / 4, c.bound * c.half / 4);
            block_at(&c, 1, t, x);
            for (i = 0; i < n; i++) {
                uint16_t random[8];
                int32_t z[8], y[8];
                double e[8];
                hrq__voronoi_block b;
                for (j = 0; j < 8; j++) random[j] = (uint16_t)draw();
                hrq__voronoi_draw(&c, random, z);
                if (!EXPECT(hrq__voronoi_try(&c, 1, x, z, y, &b), "%s: overload", name_of[lattice])) break;
                for (j = 0; j < 8; j++)
                    e[j] = value_of(&c, y[j], 0) / (double)c.multiple[0] * (lattice == E8 ? 0.5 : 1) -
                           (double)hrq__voronoi_dither(&c, z[j]) * (lattice == E8 ? 0.5 : 1) - t[j] / (2.0 * c.half);
                add_moments(&m, e);
            }
            expect_cell(&m, lattice, 2.0 * c.half, "error");
        }
    tap_end();
}

/* Matrices: an entry is the nearest point to x + z less z, under the row's scale; the scale that is stored is chosen
   afterwards. Blocks that no scale holds are drawn inwards: few. */
static void check_dithered(const char *name, int blocks)
{
    enum { COLS = 40, ROWS = 32 };
    int round, held = 0, all = 0;
    float w[COLS * ROWS], back[COLS * ROWS];
    for (round = 0; round < blocks / (COLS * ROWS / 8); round++) {
        uint64_t seed = draw();
        hrq__view v;
        block b;
        hrq_mat m;
        size_t row, col, i, j, s;
        fill_gauss(w, COLS * ROWS, 3.0);
        m = mat_of(&b, name, ROWS, COLS, seed, w, COLS);
        hrq_mat_decode(&m, 0, ROWS, back, COLS);
        EXPECT(hrq__view_open(&v, &m) == HRQ_OK, "%s", name);
        for (row = 0; row < ROWS; row++) {
            float first = hrq_f32_from_bf16(hrq__row_scale(hrq__rms(w + row * COLS, COLS), 0)), last;
            last = hrq__view_row_scale(&v, row);
            for (col = 0; col < COLS; col += 32) {
                uint8_t *super = hrq__view_super(&v, row / HRQ_PANEL, col, &s);
                for (i = 0; i < s; i++) {
                    const hrq__voronoi *c = &v.voronoi;
                    hrq__lane lane;
                    hrq__voronoi_block code;
                    int32_t y[8], z[8], t[8], again[8];
                    uint16_t random[8];
                    float x[8];
                    EXPECT(hrq__lane_load(&v, super, s, row % HRQ_PANEL * s + i, &lane), "%s: codes", name);
                    memcpy(code.digit, lane.code, sizeof code.digit);
                    decode(c, &code, y);
                    for (j = 0; j < 8; j++) random[j] = hrq__dither_draw(seed, row, col + s * j + i);
                    hrq__voronoi_draw(c, random, z);
                    for (j = 0; j < 8; j++) {
                        size_t entry = row * COLS + col + s * j + i;
                        double want = (value_of(c, y[j], lane.index) -
                                       (double)hrq__voronoi_dither(c, z[j]) * c->multiple[lane.index]) *
                                      (double)last;
                        EXPECT(fabs(want - (double)back[entry]) <= 1e-6 * fabs(want) + 1e-6 * (double)last,
                               "%s: decodes to %g, not %g", name, (double)back[entry], want);
                        x[j] = hrq__norm_apply(hrq__norm_of(first), w[entry]);
                        t[j] = hrq__round(x[j] * ((float)(2 * c->half) / c->beta[lane.index]));
                        t[j] += z[j] - y[j] * c->half;
                    }
                    all++;
                    if (!hrq__voronoi_try(c, lane.index, x, z, again, &code)) continue; /* drawn inwards */
                    held++;
                    EXPECT(memcmp(again, y, sizeof y) == 0, "%s: another point is stored", name);
                    EXPECT(norm_of(t) == nearest_norm(c->lattice, t, c->half), "%s: not the nearest point", name);
                }
            }
        }
        free(b.base);
    }
    EXPECT(held > 0.7 * all, "%s: %d of %d blocks are held", name, held, all);
}

static void test_dithered_matrices(int effort)
{
    static const char *const names[] = {"zn:q16:k1+dither",       "zn:q7:k4+dither",     "d4:q16:k2+dither",
                                        "d4:q11:k4+dither",       "e8:q8:k4+dither",     "e8:q14:k3+dither",
                                        "e8:q16:k4:first+dither", "e8h:q4:m2:k4+dither", "e8h:q3:m5:k2+dither",
                                        "e8:q256:k4+dither"};
    size_t i;
    tap_begin("dither: what decodes is the nearest point to x + z, less z");
    for (i = 0; i < sizeof names / sizeof names[0]; i++) check_dithered(names[i], effort ? 3200 : 640);
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_nearest(effort);
    test_moments(effort);
    test_codes(effort);
    test_no_overload(effort);
    test_gauge(effort);
    test_overload(effort);
    test_lists(effort);
    test_held(effort);
    test_layers(effort);
    test_dither(effort);
    test_dithered_matrices(effort);
    return tap_finish();
}
