// test_theory.c: closed forms of [4] against tables, integrals done here another way, and each
// other.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"

static double rel(double x, double y) { return fabs(x - y) / fabs(y); }

/* Cholesky factor of a symmetric matrix, in double, the plain triple loop: this file's own. */
static int chol(double *a, size_t n)
{
    size_t i, j, k;
    for (j = 0; j < n; j++) {
        for (i = j; i < n; i++) {
            double s = a[i * n + j];
            for (k = 0; k < j; k++) s -= a[i * n + k] * a[j * n + k];
            if (i == j && s <= 0.0) return 0;
            a[i * n + j] = i == j ? sqrt(s) : s / a[j * n + j];
        }
    }
    return 1;
}

static double uniform(uint64_t seed, uint64_t i)
{
    return (double)(hrq__random(seed, i) >> 11) / 9007199254740992.0;
}

static void test_gamma(void)
{
    double r = hrq_gamma_rate(), d, g, step = 1e-4;
    int i;
    tap_begin("gamma: fixed point, values, tangent, bounds");
    EXPECT(fabs(r - 0.9063235370) <= 1e-10, "R* %.12f", r);
    EXPECT(fabs(r - 0.5 * log2(1.0 + 4.0 * r * log(2.0))) <= 4e-16, "R* is no root: %.17g", r);
    EXPECT(fabs(hrq_gamma(r) - 0.4883003258) <= 1e-8, "%.12f", hrq_gamma(r));
    EXPECT(fabs(hrq_gamma(0.5) - 0.717705845) <= 1e-8, "%.12f", hrq_gamma(0.5));
    EXPECT(fabs(hrq_gamma(1.0) - 0.4375) <= 1e-15, "%.12f", hrq_gamma(1.0));
    EXPECT(fabs(hrq_gamma(4.0) - 0.00779724121) <= 1e-10, "%.12f", hrq_gamma(4.0));
    EXPECT(hrq_gamma(0.0) == 1.0 && hrq_gamma(-1.0) == 1.0 && hrq_gamma((double)NAN) == 1.0,
           "at and below zero");
    EXPECT(hrq_gamma((double)-INFINITY) == 1.0 && hrq_gamma((double)INFINITY) == 0.0,
           "infinite rates");
    /* both sides of R* have the tangent's slope: differences of a smooth function err by step * f''
     * / 2 < 4 step */
    g = hrq_gamma(r);
    EXPECT(fabs((hrq_gamma(r + step) - g) / step - (g - 1.0) / r) < 4 * step, "slope above R*");
    EXPECT(fabs((g - hrq_gamma(r - step)) / step - (g - 1.0) / r) < 1e-9, "slope below R*");
    for (i = 1; i <= 400; i++) {
        r = i * 0.05;
        d = hrq_rd_gaussian(r);
        EXPECT(rel(d, pow(4.0, -r)) < 1e-14, "2^(-2 %g)", r);
        EXPECT(hrq_gamma(r) < hrq_gamma(r - 0.05), "not falling at %g", r);
        /* the tangent runs below the curve; above R* the curve is 1 - (1 - d)^2 */
        EXPECT(hrq_gamma(r) <= 1.0 - (1.0 - d) * (1.0 - d) + 2e-16, "above the curve at %g", r);
    }
    /* at high rate nothing cancels: gamma / (2 d) -> 1, down to the smallest doubles */
    EXPECT(rel(hrq_gamma(100.0), 2.0 * pow(4.0, -100.0)) < 1e-14, "%g", hrq_gamma(100.0));
    tap_end();
}

static void test_guarantee(void)
{
    static const double table[][2] = {{1, 0.777777778}, {2, 0.137777778}, {4, 0.00785851596}};
    double g = hrq_gamma(2.0), d, f;
    size_t i;
    tap_begin("guarantee of matrix products; unbiased factor");
    EXPECT(rel(hrq_matmul_guarantee(3, 5, 7, 11, 2.0), 49 * g * g + 9 * 25 / 11.0 * (g - g * g)) <
               1e-14,
           "formula");
    EXPECT(hrq_matmul_guarantee(3, 5, 7, 0, 2.0) != hrq_matmul_guarantee(3, 5, 7, 0, 2.0),
           "n == 0 is no NaN");
    /* rate 0: C = 0 is the answer, the error is the product itself */
    EXPECT(rel(hrq_matmul_guarantee(3, 5, 7, 11, 0.0), 49.0) < 1e-14, "rate 0");
    /* iid sources: ||AB||^2 = ||A||^2 ||B||^2 / n on average, and the two terms add up to Gamma */
    EXPECT(rel(hrq_matmul_guarantee(3, 5, sqrt(9 * 25 / 11.0), 11, 1.7),
               9 * 25 / 11.0 * hrq_gamma(1.7)) < 1e-14,
           "iid");
    for (i = 0; i < 3; i++) { /* two writings of the same factor, and the table */
        d = hrq_rd_gaussian(table[i][0]);
        f = (2.0 * d - d * d) / ((1.0 - d) * (1.0 - d));
        EXPECT(fabs(f - table[i][1]) < 1e-8, "R = %g: %.10f", table[i][0], f);
        EXPECT(rel(hrq_gamma(table[i][0]) / ((1.0 - d) * (1.0 - d)), f) < 1e-14, "R = %g",
               table[i][0]);
    }
    tap_end();
}

static void test_waterfill(void)
{
    double one[3] = {1, 1, 1}, two[2] = {4.0, 0.25}, some[60], level, d, r, sum, want;
    size_t n, i, round;
    tap_begin("waterfill: closed forms, inverse, silly input");
    for (r = 0.25; r < 20.0; r += 0.25) {
        EXPECT(rel(hrq_waterfill(one, 3, r, NULL), pow(4.0, -r)) < 1e-12, "white at %g", r);
        /* 4 and 1/4: alone above water until level 1/4 (R = 1/2 entry), then both at 2^(-2R) */
        d = hrq_waterfill(two, 2, r, &level);
        want = r <= 1.0 ? 4.0 * pow(16.0, -r) : pow(4.0, -r);
        EXPECT(rel(level, want) < 1e-12, "level %g at %g, want %g", level, r, want);
        EXPECT(rel(d, r <= 1.0 ? (want + 0.25) / 2 : want) < 1e-12, "distortion at %g", r);
    }
    for (round = 0; round < 200; round++) {
        n = 1 + round % 60;
        for (sum = 0, i = 0; i < n; i++) {
            some[i] = uniform(round, i) < 0.1 ? -1e-9 * uniform(round, 99)
                                              : exp(60.0 * (uniform(round, 100 + i) - 0.5));
            sum += some[i] > 0 ? some[i] : 0;
        }
        r = 0.05 + 5.0 * uniform(round, 999);
        d = hrq_waterfill(some, n, r, &level);
        if (sum == 0) continue;
        for (want = 0, i = 0; i < n; i++) want += some[i] > level ? 0.5 * log2(some[i] / level) : 0;
        EXPECT(fabs(want / (double)n - r) < 1e-10, "rate of the level: %g for %g", want / (double)n,
               r);
        for (want = 0, i = 0; i < n; i++) want += some[i] > 0 ? fmin(some[i], level) : 0;
        EXPECT(rel(d, want / (double)n) < 1e-13, "distortion of the level");
        /* a water level below the weak components moves d by less than rounding where they
           dominate: compare rates through d only where the top component is not drowned by them */
        if (level * 1e6 > d)
            EXPECT(fabs(hrq_waterfill_rate(some, n, d) - r) < 1e-8, "inverse at %g", r);
    }
    EXPECT(hrq_waterfill(two, 2, 0.0, &level) == 2.125 && level == 4.0, "rate 0");
    EXPECT(hrq_waterfill(two, 2, -3.0, &level) == 2.125 && level == 4.0, "negative rate");
    EXPECT(hrq_waterfill(two, 2, 1e9, &level) == 0.0, "huge rate");
    some[0] = 0.0, some[1] = -1.0;
    EXPECT(hrq_waterfill(some, 2, 1.0, &level) == 0.0 && level == 0.0, "nothing to code");
    EXPECT(hrq_waterfill_rate(some, 2, 0.0) == 0.0 && hrq_waterfill_rate(some, 2, -1.0) == 0.0,
           "nothing to code");
    EXPECT(isnan(hrq_waterfill(NULL, 2, 1.0, NULL)) && isnan(hrq_waterfill(two, 0, 1.0, NULL)),
           "no lambda");
    EXPECT(isnan(hrq_waterfill_rate(NULL, 2, 1.0)) && isnan(hrq_waterfill_rate(two, 0, 1.0)),
           "no lambda");
    EXPECT(isnan(hrq_waterfill_rate(two, 2, (double)NAN)), "NaN distortion");
    EXPECT(isinf(hrq_waterfill_rate(two, 2, 0.0)) && isinf(hrq_waterfill_rate(two, 2, -1.0)),
           "no distortion");
    EXPECT(hrq_waterfill_rate(two, 2, 2.125) == 0.0 && hrq_waterfill_rate(two, 2, 9.0) == 0.0,
           "all distortion");
    tap_end();
}

/* The least weighted loss of three shares whose rates are whole multiples of 1/64, by trying them all. */
static double tried(const hrq_share *s, double rate)
{
    double best = INFINITY, entries = 0, budget, part[3], a, b;
    size_t i;
    for (i = 0; i < 3; i++) entries += part[i] = (double)s[i].rows * (double)s[i].cols;
    budget = rate * entries;
    for (a = s[0].least; a <= s[0].most; a += 1.0 / 64)
        for (b = s[1].least; b <= s[1].most; b += 1.0 / 64) {
            double r[3], sum = 0;
            r[0] = a, r[1] = b, r[2] = (budget - a * part[0] - b * part[1]) / part[2];
            if (r[2] < s[2].least || r[2] > s[2].most) continue;
            for (i = 0; i < 3; i++)
                sum += s[i].weight * part[i] *
                       (s[i].lambda ? hrq_waterfill(s[i].lambda, s[i].cols, r[i], NULL) : pow(4.0, -r[i]));
            best = sum < best ? sum : best;
        }
    return best;
}

static void test_budget(void)
{
    static const double two[2] = {4.0, 0.25}, five[5] = {9, 1, 1e-3, 0, -1e-9};
    hrq_share s[3] = {{two, 7, 2, 1.0, 0, 6, 0}, {NULL, 3, 4, 20.0, 0.5, 6, 0}, {five, 2, 5, 0.01, 0.25, 2, 0}}, one, bad;
    double r, loss, want, bits, level, nan = (double)NAN;
    size_t i;
    tap_begin("budget: one share is waterfilling; three against all rates tried; bounds; refusals");
    for (r = 0.0; r < 12.0; r += 0.37) {
        one = s[0];
        one.most = 0;
        loss = hrq_budget(&one, 1, r);
        EXPECT(fabs(one.rate - r) < 1e-9, "one share of %g gets %g", r, one.rate);
        EXPECT(rel(loss, 14.0 * hrq_waterfill(two, 2, r, NULL)) < 1e-9, "its loss at %g", r);
    }
    for (r = 0.4; r < 4.0; r += 0.3) {
        loss = hrq_budget(s, 3, r);
        want = tried(s, r);
        for (bits = 0, i = 0; i < 3; i++) {
            bits += s[i].rate * (double)s[i].rows * (double)s[i].cols;
            EXPECT(s[i].rate >= s[i].least && s[i].rate <= s[i].most, "share %d at %g: %g", (int)i, r, s[i].rate);
        }
        EXPECT(fabs(bits / 36.0 - r) < 1e-9, "bits in all at %g: %g", r, bits / 36.0);
        /* where bounds hold the tried rates are up to 1/64 away from them, at 2 ln 2 of the loss a bit */
        EXPECT(loss <= want * (1 + 1e-9) && loss > want * (1 - 1.39 / 64), "loss %g, tried %g at %g", loss, want, r);
    }
    hrq_waterfill(two, 2, s[0].rate, &level);
    EXPECT(s[1].rate == 6.0 || rel(level, 20.0 * pow(4.0, -s[1].rate)) < 1e-6, "one level for weight * lambda");
    one = s[0], one.weight = 0, one.least = 0.125;
    bad = s[1];
    {
        hrq_share pair[2];
        pair[0] = one, pair[1] = bad;
        EXPECT(hrq_budget(pair, 2, 1.0) > 0 && pair[0].rate == 0.125, "what counts nothing gets least");
    }
    s[0].rate = 77;
    EXPECT(isnan(hrq_budget(NULL, 3, 1)) && isnan(hrq_budget(s, 0, 1)) && isnan(hrq_budget(s, 3, nan)) &&
               isnan(hrq_budget(s, 3, -1)),
           "no shares, no rate");
    EXPECT(isnan(hrq_budget(s, 3, 0.2)) && isnan(hrq_budget(s, 3, 5.9)), "rates that the bounds rule out");
    for (i = 0; i < 6; i++) {
        double odd[2] = {1.0, 1.0};
        one = s[0];
        if (i == 0) one.rows = 0;
        if (i == 1) one.cols = 0;
        if (i == 2) one.weight = -1;
        if (i == 3) one.weight = nan;
        if (i == 4) one.least = 7;
        if (i == 5) odd[1] = nan, one.lambda = odd;
        EXPECT(isnan(hrq_budget(&one, 1, 1.0)) && one.rate == 77, "bad share %d", (int)i);
    }
    EXPECT(s[0].rate == 77, "no rate is written");
    tap_end();
}

static void test_int(void)
{
    static const struct {
        size_t n;
        double m, loss;
    } table[] = {{64, 6.9139, 0.6023},     {128, 8.1483, 0.7208},   {256, 9.4038, 0.8241},
                 {1024, 11.9583, 0.9975},  {4096, 14.5520, 1.1391}, {8192, 15.8595, 1.2012},
                 {14336, 16.9192, 1.2478}, {28672, 18.2363, 1.3019}};
    const double pi = 3.14159265358979324;
    double m, x, last = 0.0;
    size_t i, k;
    int bits;
    tap_begin("integers: crest and error");
    /* n = 1: E x^2 = 1; n = 2: 1 + 2/pi (from E max(|x|,|y|)^2 in polar coordinates); n = 3: 1 + 2
     * sqrt 3 / pi */
    EXPECT(fabs(hrq_int_crest(1) - 1.0) < 1e-8, "%.12f", hrq_int_crest(1));
    EXPECT(fabs(hrq_int_crest(2) - 1.0 - 2.0 / pi) < 1e-8, "%.12f", hrq_int_crest(2));
    EXPECT(fabs(hrq_int_crest(3) - 1.0 - 2.0 * sqrt(3.0) / pi) < 1e-8, "%.12f", hrq_int_crest(3));
    EXPECT(hrq_int_crest(0) == 0.0, "n = 0");
    for (i = 0; i < sizeof table / sizeof table[0]; i++) {
        m = hrq_int_crest(table[i].n);
        EXPECT(fabs(m - table[i].m) <= 1e-4, "m(%u) = %.5f", (unsigned)table[i].n, m);
        EXPECT(fabs(0.5 * log2(m / 3.0) - table[i].loss) <= 1e-4, "loss(%u)", (unsigned)table[i].n);
        /* the closed approximation, 1.3 % at n = 64; x by bisection */
        {
            double lo = 0.0, hi = 20.0;
            int step;
            for (step = 0; step < 80; step++) {
                x = (lo + hi) / 2;
                if ((double)table[i].n * erfc(x / sqrt(2.0)) > 1.0) lo = x;
                else hi = x;
            }
            x *= x;
            EXPECT(rel(x + 2 * 0.5772156649 * x / (x + 1), m) < 0.013, "closed form at %u",
                   (unsigned)table[i].n);
        }
    }
    for (k = 1; k <= SIZE_MAX / 4; k *= 4) {
        m = hrq_int_crest(k);
        EXPECT(m > last && m < 2.0 * log((double)k) + 2.0, "m(%g) = %g", (double)k, m);
        last = m;
    }
    EXPECT(hrq_int_crest(SIZE_MAX) > last && hrq_int_crest(SIZE_MAX) < 90.0, "largest n");
    for (bits = 1; bits <= 24; bits++) {
        m = hrq_int_crest(4096);
        EXPECT(rel(hrq_int_mse(4096, bits, 0), m / 3.0 * pow(4.0, -bits)) < 1e-13,
               "mid-rise, %d bits", bits);
        /* the symmetric grid loses -log2(1 - 2^(1-R)) bits more */
        if (bits > 1)
            EXPECT(fabs(0.5 * log2(hrq_int_mse(4096, bits, 1) / hrq_int_mse(4096, bits, 0)) +
                        log2(1.0 - pow(2.0, 1 - bits))) < 1e-12,
                   "mid-tread, %d bits", bits);
    }
    EXPECT(hrq_int_mse(4096, 1, 1) == 1.0, "one level");
    /* measured by simulation elsewhere, 1.5 % */
    EXPECT(rel(hrq_int_mse(4096, 8, 1), 7.48e-5) < 0.015 &&
               rel(hrq_int_mse(4096, 4, 1), 2.484e-2) < 0.015 &&
               rel(hrq_int_mse(4096, 4, 0), 1.892e-2) < 0.015,
           "against simulation");
    EXPECT(isnan(hrq_int_mse(0, 4, 0)) && isnan(hrq_int_mse(9, 0, 0)) &&
               isnan(hrq_int_mse(9, 25, 1)) && isnan(hrq_int_mse(9, -1, 1)),
           "outside");
    tap_end();
}

/* phi(M) by Simpson with 512 steps on each cell of the rounding. There f(y) = (1 - k/y)^2 / y has a
   fourth derivative below 500 / k^5, and the integral is about 1 / (12 k^3): h^4 / 180 * 500 * 12 /
   k^2 < 5e-10 of it. */
static double phi(int man_bits)
{
    double n = pow(2.0, man_bits), sum = 0.0, k, lo, hi, h, y;
    int i;
    for (k = n; k <= 2 * n; k++) {
        lo = k > n ? k - 0.5 : k;
        hi = k < 2 * n ? k + 0.5 : k;
        h = (hi - lo) / 512;
        for (i = 0; i <= 512; i++) {
            y = lo + i * h;
            sum += (i == 0 || i == 512 ? 1.0
                    : i & 1            ? 4.0
                                       : 2.0) *
                   h / 3.0 * (1 - k / y) * (1 - k / y) / y;
        }
    }
    return sum / log(2.0);
}

static void test_fp(void)
{
    static const double table[] = {.0382033,   .0107234,   .00278049, .000702054,
                                   .000175960, 4.40182e-5, 0,         2.75169e-6};
    double want;
    int m;
    tap_begin("floats: phi(M)");
    for (m = 0; m <= 12; m++) {
        want = phi(m);
        /* the function adds cells of 1e-7 out of logarithms of 1e-16 (M < 7), then leaves N^-4
         * relative: 1e-8 */
        EXPECT(rel(hrq_fp_mse(m), want) < (m < 7 ? 2e-9 : 1e-8), "M = %d: %.10g, integral %.10g", m,
               hrq_fp_mse(m), want);
        if (m < 8 && m != 6)
            EXPECT(rel(hrq_fp_mse(m), table[m]) < 1e-5, "M = %d: %.8g", m, hrq_fp_mse(m));
    }
    for (m = 1; m <= 23; m++) EXPECT(hrq_fp_mse(m) < hrq_fp_mse(m - 1) / 3.5, "M = %d", m);
    EXPECT(rel(hrq_fp_mse(23), 3.0 / (8.0 * log(2.0)) / 12.0 * pow(4.0, -23)) < 1e-12,
           "high-M limit");
    EXPECT(isnan(hrq_fp_mse(-1)) && isnan(hrq_fp_mse(24)), "outside");
    tap_end();
}

static void test_cells(void)
{
    static const struct {
        const char *name;
        double nsm, loss;
    } table[] = {{"zn", .0833333, .254614}, {"d3", .0787451, 0},         {"d4", .0766032, .193870},
                 {"e8", .0716821, .145974}, {"a2", .0801875, 0},         {"a3*", .0785433, 0},
                 {"bw16", .0682977, 0},     {"leech", .0657701, .083883}};
    size_t i;
    double g;
    tap_begin("lattice cells");
    for (i = 0; i < sizeof table / sizeof table[0]; i++) {
        g = hrq_lattice_nsm(table[i].name);
        /* seven decimals */
        EXPECT(fabs(g - table[i].nsm) <= 5.01e-8, "%s: %.9f", table[i].name, g);
        if (table[i].loss > 0)
            EXPECT(fabs(hrq_rate_loss(g) - table[i].loss) <= 1e-6, "%s: %.7f", table[i].name,
                   hrq_rate_loss(g));
        /* between the ball of infinite dimension and the interval */
        EXPECT(g > 0.0585498 && g <= 1.0 / 12.0, "%s", table[i].name);
    }
    /* the constants again from their formulas; bits of the literals: 1e-15 */
    EXPECT(rel(hrq_lattice_nsm("d3"), pow(2.0, -11.0 / 3.0)) < 1e-15, "d3");
    EXPECT(rel(hrq_lattice_nsm("d4"), 13.0 / (120.0 * sqrt(2.0))) < 1e-15, "d4");
    EXPECT(rel(hrq_lattice_nsm("a2"), 5.0 / (36.0 * sqrt(3.0))) < 1e-15, "a2");
    EXPECT(rel(hrq_lattice_nsm("a3*"), 19.0 / (192.0 * pow(2.0, 1.0 / 3.0))) < 1e-15, "a3*");
    EXPECT(rel(hrq_lattice_nsm("bw16"), 0.0682977) < 1e-15,
           "bw16");
    EXPECT(hrq_lattice_nsm("e8") == 929.0 / 12960.0 && hrq_lattice_nsm("zn") == 1.0 / 12.0,
           "e8, zn");
    EXPECT(hrq_lattice_nsm("") == 0.0 && hrq_lattice_nsm("E8") == 0.0 &&
               hrq_lattice_nsm(NULL) == 0.0,
           "unknown");
    /* G = 1 / (2 pi e) is the ideal cell: 2 pi e = 8 atan(1) e */
    EXPECT(fabs(hrq_rate_loss(1.0 / (8.0 * atan(1.0) * exp(1.0)))) < 1e-15, "ideal cell");
    tap_end();
}

static void test_sic(void)
{
    enum { n = 24 };
    const double size = n;
    static float l[n * n];
    static double a[n * n], b[n * n], q[n * n];
    double lo, hi, mean0 = 0.0, mean1 = 0.0, s, norm, dot;
    size_t i, j, k, m;
    tap_begin("feedback loss; mean log of the Cholesky diagonal does not depend on the basis");
    for (i = 0; i < n; i++) l[i * n + i] = i % 2 ? 2.0f : 1.0f;
    /* AM of 1 and 4 is 2.5, GM is 2 */
    EXPECT(rel(hrq_sic_loss(l, n, n), 0.5 * log2(1.25)) < 1e-14, "two levels: %g",
           hrq_sic_loss(l, n, n));
    for (i = 0; i < n; i++) l[i * n + i] = 1e30f;
    EXPECT(fabs(hrq_sic_loss(l, n, n)) < 1e-13, "equal: %g", hrq_sic_loss(l, n, n));
    l[5 * n + 5] = 0.0f;
    EXPECT(isnan(hrq_sic_loss(l, n, n)), "zero pivot");
    l[5 * n + 5] = NAN;
    EXPECT(isnan(hrq_sic_loss(l, n, n)), "NaN pivot");
    EXPECT(isnan(hrq_sic_loss(NULL, n, n)) && isnan(hrq_sic_loss(l, 0, n)) &&
               isnan(hrq_sic_loss(l, n, n - 1)),
           "arguments");

    for (i = 0; i < n * n; i++) q[i] = uniform(7, i) - 0.5;
    for (i = 0; i < n; i++) { /* orthonormal rows, Gram-Schmidt twice */
        for (m = 0; m < 2; m++) {
            for (j = 0; j < i; j++) {
                for (dot = 0, k = 0; k < n; k++) dot += q[i * n + k] * q[j * n + k];
                for (k = 0; k < n; k++) q[i * n + k] -= dot * q[j * n + k];
            }
            for (norm = 0, k = 0; k < n; k++) norm += q[i * n + k] * q[i * n + k];
            for (k = 0; k < n; k++) q[i * n + k] /= sqrt(norm);
        }
    }
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            a[i * n + j] =
                pow(0.8, fabs((double)i - (double)j)) * (1.0 + (double)(i == j) * 0.1 * (double)i);
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++) {
            for (s = 0, k = 0; k < n; k++)
                for (m = 0; m < n; m++) s += q[i * n + k] * a[k * n + m] * q[j * n + m];
            b[i * n + j] = s;
        }
    EXPECT(chol(a, n) && chol(b, n), "positive definite");
    lo = hi = 0.0;
    for (i = 0; i < n; i++) {
        mean0 += log(a[i * n + i]) / size;
        mean1 += log(b[i * n + i]) / size;
        lo += a[i * n + i] * a[i * n + i] / size;
        l[i * n + i] = (float)a[i * n + i];
    }
    EXPECT(fabs(mean0 - mean1) < 1e-9, "%.12f and %.12f", mean0, mean1);
    /* floats of the diagonal: relative 2^-24 each, so 2^-24 / ln 2 bits in each of the two means */
    hi = 0.5 * log2(lo) - mean0 / log(2.0);
    EXPECT(fabs(hrq_sic_loss(l, n, n) - hi) < 2e-7 && hi > 0.0, "AM/GM %g", hi);
    tap_end();
}

/* Entropy and least error (one factor gamma on all points) of round(x / step) for x ~ N(0, 1):
   probabilities and first moments of the cells in closed form. */
static void ecsq(double step, double *entropy, double *error, double *gamma)
{
    double cross = 0.0, square = 0.0, h = 0.0;
    int k;
    for (k = -200; k <= 200; k++) {
        double lo = (k - 0.5) * step, hi = (k + 0.5) * step, p, first;
        p = lo > 0 ? 0.5 * (erfc(lo / sqrt(2.0)) - erfc(hi / sqrt(2.0)))
                   : 0.5 * (erfc(-hi / sqrt(2.0)) - erfc(-lo / sqrt(2.0)));
        first = (exp(-lo * lo / 2) - exp(-hi * hi / 2)) / sqrt(8.0 * atan(1.0));
        if (p > 0.0) h -= p * log2(p);
        cross += k * step * first;
        square += k * step * k * step * p;
    }
    *gamma = cross / square;
    *error = 1.0 - cross * cross / square;
    *entropy = h;
}

static void test_ecsq(void)
{
    static const double table[][4] = {
        {4.0, 0.31247, 0.743736, 0.0989},  {3.0, 0.70099, 0.497767, 0.1978},
        {2.5, 0.95732, 0.367614, 0.2355},  {2.0, 1.24120, 0.253687, 0.2518},
        {1.75, 1.40053, 0.204031, 0.2540}, {1.5, 1.58575, 0.157952, 0.2545},
        {1.25, 1.81345, 0.115208, 0.2546}, {1.0, 2.10483, 0.076923, 0.2546},
        {0.5, 3.06197, 0.020408, 0.2546},  {0.25, 4.05084, 0.005181, 0.2546}};
    double h, d, g;
    size_t i;
    tap_begin("entropy-coded scalar quantizer: the table, and its limit");
    for (i = 0; i < sizeof table / sizeof table[0]; i++) {
        ecsq(table[i][0], &h, &d, &g);
        EXPECT(fabs(h - table[i][1]) < 1e-4 && fabs(d - table[i][2]) < 1e-4,
               "step %g: H %.6f D %.7f", table[i][0], h, d);
        EXPECT(fabs(h + 0.5 * log2(d) - table[i][3]) < 1e-4, "step %g: gap %.6f", table[i][0],
               h + 0.5 * log2(d));
        if (table[i][0] == 1.0) EXPECT(fabs(g - 0.92308) < 1e-5, "gamma(1) %.6f", g);
        if (table[i][0] == 2.0) EXPECT(fabs(g - 0.75720) < 1e-5, "gamma(2) %.6f", g);
    }
    ecsq(0.1, &h, &d, &g); /* fine steps: the cube's loss, up to the negentropy of Gaussian +
                              uniform, (step^4 / 120)^2 / 48 nats = 1e-14 */
    EXPECT(fabs(h + 0.5 * log2(d) - hrq_rate_loss(1.0 / 12.0)) < 1e-11, "limit");
    tap_end();
}

int main(void)
{
    test_gamma();
    test_guarantee();
    test_waterfill();
    test_budget();
    test_int();
    test_fp();
    test_cells();
    test_sic();
    test_ecsq();
    return tap_finish();
}
