// test_floats.c: floats below 9 bits, [3i], [7i], [11]: the codes of OCP, scales, MX and NV blocks, import and export.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

// ---- the oracle: OCP 8-bit Floating Point 1.0, OCP Microscaling Formats (MX) 1.0, in double ----

/* Value of a code of sign, e exponent and m mantissa bits. 8 bits: e >= 5 has infinity and NaN in its top exponent, less
   has NaN in its all-ones codes. Fewer bits are all numbers. e = 0: two's complement in 2^-m (MXINT8). */
static double value_of(int e, int m, unsigned code)
{
    unsigned field, frac, mag;
    int bias;
    double v;
    if (e == 0) return ldexp(code < 128 ? (double)code : (double)code - 256.0, -m);
    mag = code & ((1u << (e + m)) - 1);
    field = mag >> m;
    frac = mag & ((1u << m) - 1);
    bias = (1 << (e - 1)) - 1;
    v = field ? ldexp(1.0 + ldexp((double)frac, -m), (int)field - bias) : ldexp((double)frac, 1 - bias - m);
    if (e + m == 7 && e >= 5 && field + 1 == 1u << e) v = frac ? (double)NAN : (double)INFINITY;
    if (e + m == 7 && e < 5 && mag == 127) v = (double)NAN;
    return code >> (e + m) & 1 ? -v : v;
}

/* All codes of a type; top: the largest finite number's. */
typedef struct {
    int e, m;
    unsigned codes, sign, top;
    double value[256], most;
} type;

static type type_of(int e, int m)
{
    type t;
    unsigned c;
    memset(&t, 0, sizeof t);
    t.e = e;
    t.m = m;
    t.codes = e ? 2u << (e + m) : 256;
    t.sign = t.codes / 2;
    for (c = 0; c < t.codes; c++) t.value[c] = value_of(e, m, c);
    for (c = 0; c < t.sign; c++)
        if (t.value[c] - t.value[c] == 0.0 && t.value[c] >= t.value[t.top]) t.top = c;
    t.most = t.value[t.top];
    return t;
}

/* Distance from x to the nearest number between -top and top. */
static double distance(const type *t, double x)
{
    double a = fabs(x), best = a;
    unsigned c;
    if (a >= t->most) return a - t->most;
    for (c = 0; c <= t->top; c++) best = fabs(a - t->value[c]) < best ? fabs(a - t->value[c]) : best;
    return best;
}

/* Nearest code by looking at all of them, ties to the even one, saturating. */
static unsigned nearest(const type *t, double x)
{
    double a = fabs(x), best = INFINITY;
    unsigned c, at = 0;
    for (c = 0; a < t->most && c <= t->top; c++) {
        double d = fabs(a - t->value[c]);
        if (d > best || (d == best && (c & 1))) continue;
        best = d;
        at = c;
    }
    if (a >= t->most) at = t->top;
    if (t->e == 0) return x < 0 ? (256 - at) & 255 : at;
    return at | (signbit(x) ? t->sign : 0);
}

static int finite_code(const type *t, unsigned code) { return t->value[code] - t->value[code] == 0.0; }

static unsigned draw_code(const type *t)
{
    unsigned c;
    do c = (unsigned)draw_below(t->codes);
    while (!finite_code(t, c));
    return c;
}

/* 2^n as a double for any n; floor(log2 x) for x > 0. */
static double two(int n) { return ldexp(1.0, n); }
static int floor_log2(double x)
{
    int e;
    frexp(x, &e);
    return e - 1;
}

// ---- where things lie, from the drawing at [5i] ----

static size_t up8(size_t cols) { return (cols + 7) / 8 * 8; }

/* Byte and shift of part w of a code. */
static uint8_t *part_at(const hrq_mat *m, size_t row, size_t col, unsigned before, unsigned w, unsigned *shift)
{
    size_t c8 = up8(m->cols), from = col / 32 * 32, s = (c8 - from < 32 ? c8 - from : 32) / 8;
    size_t j = col % 32 / s, lane = row % 16 * s + col % 32 % s;
    size_t panel = m->bytes / ((m->rows + 15) / 16) * (row / 16);
    *shift = w * (unsigned)(j / w);
    return (uint8_t *)m->data + panel + from * 2 * m->format.bits + (before + j % w) * 16 * s + lane;
}

static unsigned code_at(const hrq_mat *m, size_t row, size_t col)
{
    unsigned w, before = 0, code = 0, shift;
    for (w = 1; w <= 8; w *= 2) {
        const uint8_t *p;
        if (!(m->format.bits & w)) continue;
        p = part_at(m, row, col, before, w, &shift);
        code |= (*p >> shift & ((1u << w) - 1)) << before;
        before += w;
    }
    return code;
}

/* Scale of a group (16 rows side by side) and of a row, as stored. */
static uint8_t *group_at(const hrq_mat *m, size_t row, size_t group, size_t width)
{
    size_t panel = m->bytes / ((m->rows + 15) / 16) * (row / 16);
    return (uint8_t *)m->data + panel + up8(m->cols) * 2 * m->format.bits + (group * 16 + row % 16) * width;
}

static uint8_t *row_at(const hrq_mat *m, size_t row, size_t width)
{
    size_t each = m->bytes / ((m->rows + 15) / 16);
    return (uint8_t *)m->data + each * (row / 16 + 1) - 16 * width + row % 16 * width;
}

static double double_of_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return (double)x;
}

static double bf16_at(const uint8_t *p) { return double_of_bits((uint32_t)(p[0] | p[1] << 8) << 16); }
static double f32_at(const uint8_t *p)
{
    return double_of_bits((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}
static double f16_at(const uint8_t *p)
{
    int h = p[0] | p[1] << 8, e = h >> 10 & 31, f = h & 1023;
    double v = e ? ldexp(1024.0 + f, e - 25) : ldexp((double)f, -24);
    return h >> 15 ? -v : v;
}

// ---- codes ----

static void test_tables(void)
{
    static const double e2m1[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    static const double e2m3[32] = {0,     0.125, 0.25,  0.375, 0.5,   0.625, 0.75, 0.875, 1,    1.125, 1.25,
                                    1.375, 1.5,   1.625, 1.75,  1.875, 2,     2.25, 2.5,   2.75, 3,     3.25,
                                    3.5,   3.75,  4,     4.5,   5,     5.5,   6,    6.5,   7,    7.5};
    static const double e3m2[32] = {0,     0.0625, 0.125, 0.1875, 0.25, 0.3125, 0.375, 0.4375, 0.5, 0.625, 0.75,
                                    0.875, 1,      1.25,  1.5,    1.75, 2,      2.5,   3,      3.5, 4,     5,
                                    6,     7,      8,     10,     12,   14,     16,    20,     24,  28};
    /* 0x1p-9 least, 0x1.cp-7 greatest subnormal, 0x1p-6 least normal */
    static const struct {
        int e, m;
        unsigned code;
        double value;
    } known[] = {{4, 3, 0x01, 0.001953125},
                 {4, 3, 0x07, 0.013671875},
                 {4, 3, 0x08, 0.015625},
                 {4, 3, 0x38, 1},
                 {4, 3, 0x77, 240},
                 {4, 3, 0x78, 256},
                 {4, 3, 0x7e, 448},
                 {4, 3, 0xfe, -448},
                 {5, 2, 0x01, 0.0000152587890625},
                 {5, 2, 0x03, 0.0000457763671875},
                 {5, 2, 0x04, 0.00006103515625},
                 {5, 2, 0x3c, 1},
                 {5, 2, 0x7b, 57344},
                 {5, 2, 0xfb, -57344},
                 {0, 6, 0x01, 0.015625},
                 {0, 6, 0x40, 1},
                 {0, 6, 0x7f, 1.984375},
                 {0, 6, 0x80, -2},
                 {0, 6, 0x81, -1.984375},
                 {0, 6, 0xc0, -1},
                 {0, 6, 0xff, -0.015625}};
    hrq__small t = hrq__small_of(2, 1);
    unsigned c;
    size_t i;
    tap_begin("values printed in the specifications");
    for (c = 0; c < 8; c++) {
        EXPECT((double)hrq__small_decode(t, c) == e2m1[c] && (double)hrq__small_decode(t, c + 8) == -e2m1[c],
               "e2m1 %u", c);
        EXPECT(value_of(2, 1, c) == e2m1[c], "oracle of e2m1 %u", c);
    }
    for (c = 0; c < 32; c++) {
        t = hrq__small_of(2, 3);
        EXPECT((double)hrq__small_decode(t, c) == e2m3[c] && (double)hrq__small_decode(t, c + 32) == -e2m3[c],
               "e2m3 %u", c);
        t = hrq__small_of(3, 2);
        EXPECT((double)hrq__small_decode(t, c) == e3m2[c] && (double)hrq__small_decode(t, c + 32) == -e3m2[c],
               "e3m2 %u", c);
        EXPECT(value_of(2, 3, c) == e2m3[c] && value_of(3, 2, c) == e3m2[c], "oracle of 6 bits, %u", c);
    }
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        t = hrq__small_of(known[i].e, known[i].m);
        EXPECT((double)hrq__small_decode(t, known[i].code) == known[i].value, "e%dm%d %02x", t.exp, t.man,
               known[i].code);
        EXPECT(value_of(t.exp, t.man, known[i].code) == known[i].value, "oracle of e%dm%d %02x", t.exp, t.man,
               known[i].code);
    }
    for (c = 0; c < 256; c++) {
        float e4m3 = hrq__small_decode(hrq__small_of(4, 3), c), e5m2 = hrq__small_decode(hrq__small_of(5, 2), c);
        EXPECT((e4m3 != e4m3) == (c == 0x7f || c == 0xff) && !isinf(e4m3), "e4m3 %02x is %g", c, (double)e4m3);
        EXPECT((e5m2 != e5m2) == ((c & 0x7f) > 0x7c) && (isinf(e5m2) != 0) == ((c & 0x7f) == 0x7c), "e5m2 %02x is %g",
               c, (double)e5m2);
    }
    EXPECT(hrq__small_of(4, 3).top == 0x7e && hrq__small_of(5, 2).top == 0x7b && hrq__small_of(2, 1).top == 7 &&
               hrq__small_of(2, 3).top == 31 && hrq__small_of(3, 2).top == 31 && hrq__small_of(0, 6).top == 127,
           "largest codes");
    tap_end();
}

static void test_decode(void)
{
    int e, m;
    unsigned c;
    tap_begin("every code of every type of 2 ... 8 bits, and mxint8, decodes to its definition");
    for (e = 0; e <= 7; e++)
        for (m = 0; e + m <= 7; m++) {
            type t;
            if (e + m == 0 || (e == 0 && m != 6)) continue;
            t = type_of(e, m);
            EXPECT(hrq__small_of(e, m).top == t.top && (double)hrq__float_top(hrq__small_of(e, m)) == t.most,
                   "e%dm%d: top", e, m);
            for (c = 0; c < t.codes; c++) {
                double x = (double)hrq__small_decode(hrq__small_of(e, m), c), v = t.value[c];
                EXPECT(v != v ? x != x : x == v && (signbit(x) != 0) == (signbit(v) != 0), "e%dm%d %02x: %g, not %g",
                       e, m, c, x, v);
            }
        }
    tap_end();
}

static void check_encode(const type *t, float x)
{
    unsigned got = hrq__small_encode(hrq__small_of(t->e, t->m), x), want = nearest(t, (double)x);
    EXPECT(got == want, "e%dm%d: %a gives %02x, not %02x", t->e, t->m, (double)x, got, want);
}

/* Values, ties and their neighbours, both signs; what lies beyond the top. */
static void check_grid(const type *t)
{
    static const float beyond[] = {3.0e38f, 3.40282347e38f, 1e30f, 1e20f, INFINITY};
    hrq__small small = hrq__small_of(t->e, t->m);
    unsigned c, s;
    size_t i;
    for (s = 0; s < 2; s++) {
        float sign = s ? -1.0f : 1.0f;
        for (c = 0; c <= t->top; c++) {
            unsigned here = t->e ? (s ? c + t->sign : c) : (s ? 256 - c : c) & 255;
            unsigned next = t->e ? here + 1 : (s ? here - 1 : here + 1) & 255;
            float mid = (float)((t->value[c] + t->value[c < t->top ? c + 1 : c]) / 2), x = (float)t->value[c];
            EXPECT(hrq__small_encode(small, sign * x) == here, "e%dm%d: value of %02x", t->e, t->m, here);
            if (c == t->top) break;
            EXPECT(hrq__small_encode(small, sign * mid) == (c & 1 ? next : here), "e%dm%d: tie above %02x", t->e,
                   t->m, here);
            EXPECT(hrq__small_encode(small, sign * nextafterf(mid, 0.0f)) == here, "e%dm%d: below the tie above %02x",
                   t->e, t->m, here);
            EXPECT(hrq__small_encode(small, sign * nextafterf(mid, INFINITY)) == next,
                   "e%dm%d: past the tie above %02x", t->e, t->m, here);
        }
        for (i = 0; i < sizeof beyond / sizeof beyond[0]; i++)
            EXPECT(hrq__small_encode(small, sign * beyond[i]) == nearest(t, (double)(sign * beyond[i])), "e%dm%d: %g",
                   t->e, t->m, (double)(sign * beyond[i]));
        for (i = 0; i < 64; i++) /* to twice the top, where infinity would begin */
            EXPECT(hrq__small_encode(small, sign * (float)(t->most * (1.0 + (double)(i + 1) / 64))) ==
                       (t->e ? t->top + s * t->sign
                        : s  ? 129u
                             : 127u),
                   "e%dm%d: beyond the top", t->e, t->m);
        check_encode(t, sign * 0.0f);
        check_encode(t, sign * 1e-45f);
        check_encode(t, sign * 1.1754942e-38f);
        check_encode(t, sign * 1.17549435e-38f);
    }
}

static void test_encode(int effort)
{
    int e, m, i, draws = effort == 0 ? 500 : effort == 1 ? 10000 : 200000;
    tap_begin("every type: values, ties to the even code, neighbours of ties, saturation, random floats");
    for (e = 0; e <= 7; e++)
        for (m = 0; e + m <= 7; m++) {
            type t;
            double least;
            if (e + m == 0 || (e == 0 && m != 6)) continue;
            t = type_of(e, m);
            check_grid(&t);
            least = log2(t.value[1]) - 3;
            for (i = 0; i < draws; i++) {
                double x = exp2(least + draw_uniform() * (log2(t.most) + 2 - least));
                check_encode(&t, (float)(draw() & 1 ? -x : x));
            }
            for (i = 0; i < draws / 8; i++) {
                uint32_t u = (uint32_t)draw();
                if (hrq__finite(hrq__float_of(u))) check_encode(&t, hrq__float_of(u));
            }
        }
    tap_end();
}

static void test_e8m0(void)
{
    unsigned e;
    float nan = hrq__e8m0_decode(255);
    tap_begin("E8M0: 2^-127 ... 2^127, 255 is NaN");
    for (e = 0; e < 255; e++)
        EXPECT((double)hrq__e8m0_decode(e) == two((int)e - 127), "%u is %g", e, (double)hrq__e8m0_decode(e));
    EXPECT(hrq__e8m0_decode(127) == 1.0f && nan != nan, "1 and NaN");
    tap_end();
}

static void test_phi(int effort)
{
    /* integrals of the definition, by quadrature elsewhere */
    static const double phi[6] = {0.0382033, 0.0107234, 0.00278049, 0.000702054, 0.000175960, 4.40182e-5};
    int m, i, draws = effort == 0 ? 20000 : 200000;
    tap_begin("relative error of rounding a log-uniform significand is phi(M)");
    EXPECT(fabs(hrq_fp_mse(7) / 2.75169e-6 - 1) < 1e-5, "phi(7)");
    for (m = 0; m <= 5; m++) {
        type t = type_of(m <= 2 ? 5 : 7 - m, m);
        double sum = 0, lo = log2(t.value[1u << m]), hi = floor(log2(t.most));
        EXPECT(fabs(hrq_fp_mse(m) / phi[m] - 1) < 1e-5, "phi(%d) = %.8g", m, hrq_fp_mse(m));
        for (i = 0; i < draws; i++) { /* whole octaves of normal numbers, evenly and at random within */
            float x = (float)exp2(lo + (hi - lo) * (i + draw_uniform()) / draws);
            double q = (double)hrq__small_decode(hrq__small_of(t.e, m), hrq__small_encode(hrq__small_of(t.e, m), x));
            sum += (1 - q / (double)x) * (1 - q / (double)x);
        }
        /* squared errors spread by 1.2 of their mean: five standard errors */
        EXPECT(fabs(sum / draws / phi[m] - 1) < 6 / sqrt((double)draws), "M = %d: %.6g", m, sum / draws);
    }
    tap_end();
}

// ---- a scale a row, a scale a group ----

/* Random rows of several kinds and sizes; kind 0 ... 5. */
static void fill_row(float *x, size_t n, int kind, double size)
{
    size_t i;
    for (i = 0; i < n; i++) {
        double v = kind == 2 ? (draw() & 1 ? 1 : -1) * exp2(-20 * draw_uniform()) : draw_gauss() / 6;
        if (kind == 1 && draw_below(3)) v = 0;
        if (kind == 3) v = (double)((int)draw_below(15) - 7) / 8;
        if (kind == 4) v = i / 32 % 2 ? 0 : v;
        if (kind == 5) v = v * exp2(-(double)(i / 16 % 8) * 3);
        x[i] = (float)((v < -1 ? -1 : v > 1 ? 1 : v) * size);
    }
}

static double top_of(const float *x, size_t n)
{
    double top = 0;
    size_t i;
    for (i = 0; i < n; i++) top = fabs((double)x[i]) > top ? fabs((double)x[i]) : top;
    return top;
}

static const size_t ragged[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 100, 128, 160, 200};
enum { RAGGED = sizeof ragged / sizeof ragged[0] };
static const double sizes[] = {1, 1e-36, 3e-30, 1e-12, 1e12, 1e30, 4e37};

/* Entries of a row under the scales that the matrix has stored. x / scale is two float products in the library, each
   rounded, and a rounded reciprocal: 2^-22 of it. */
static void check_row_codes(const char *name, const hrq_mat *m, const type *t, size_t row, const float *x,
                            const float *back)
{
    size_t c;
    double scale, s = bf16_at(row_at(m, row, 2));
    for (c = 0; c < m->cols; c++) {
        unsigned code = code_at(m, row, c);
        double v, a, far;
        scale = m->format.group ? s * f16_at(group_at(m, row, c / m->format.group, 2)) : s;
        if (!EXPECT(finite_code(t, code), "%s: code %02x", name, code)) continue;
        /* exact; but the scale is kept times the least number, and subnormal products of scales are rounded */
        far = scale * t->value[1] < 0x1p-126 ? fabs(t->value[code] / t->value[1]) * 0x1p-150 + 0x1p-150 : 0;
        EXPECT((float)(t->value[code] * scale) == back[c] || fabs(t->value[code] * scale - (double)back[c]) <= far,
               "%s: code %02x under %a decodes to %a", name, code, scale, (double)back[c]);
        if (scale == 0) {
            EXPECT(t->value[code] == 0, "%s: code %02x under no scale", name, code);
            continue;
        }
        if (scale < 0x1p-126) continue; /* the product of the two scales is rounded itself */
        v = (double)x[c] / scale;
        a = fabs(v) < t->most ? fabs(v - t->value[code]) : fabs(t->value[code]) < t->most;
        EXPECT(a <= (fabs(v) < t->most ? distance(t, v) : 0) + fabs(v) * 0x1p-21, "%s: %a under %a has code %02x",
               name, (double)x[c], scale, code);
    }
}

/* Stored scale: the largest entry over the largest number, rounded up to the next of `digits` bits. */
static void check_row_scales(const char *name, const hrq_mat *m, const type *t, size_t row, const float *x)
{
    size_t g, from, n, c, group = m->format.group ? m->format.group : m->cols;
    double s = bf16_at(row_at(m, row, 2)), want = top_of(x, m->cols) / t->most, gs, gwant, blur;
    EXPECT(want == 0 ? s == 0
                     : s >= 0x1p-126 && s >= want * (1 - 0x1p-23) &&
                           (s == 0x1p-126 || s <= want * (1 + 0x1p-23) * (1 + 0x1p-7)),
           "%s: row scale %a, wanted %a", name, s, want);
    for (g = 0; g * group < m->cols; g++) {
        from = g * group;
        n = m->cols - from < group ? m->cols - from : group;
        want = top_of(x + from, n) / t->most;
        gs = m->format.group ? f16_at(group_at(m, row, g, 2)) : 1;
        gwant = s ? want / s : 0;
        blur = s && want < 0x1p-126 ? 0x1p-150 / s : 0; /* a quotient that is subnormal is rounded */
        if (m->format.group)
            EXPECT(gs >= gwant * (1 - 0x1p-22) - blur && gs <= 1 &&
                       gs <= (gwant * (1 + 0x1p-22) + blur) * (1 + 0x1p-10) + 0x1p-24,
                   "%s: group scale %a, wanted %a", name, gs, gwant);
        if (want < 0x1p-126 || gwant < 0x1p-14 || t->m > 4) continue;
        /* both scales are less than 0.9 % too large; half a step below the top is at least 1.6 % for 4 mantissa bits */
        for (c = from; c < from + n; c++)
            if (fabs((double)x[c]) == want * t->most || fabs((double)x[c]) == top_of(x + from, n))
                EXPECT((code_at(m, row, c) & (t->sign - 1)) == t->top, "%s: the largest entry has code %02x", name,
                       code_at(m, row, c));
    }
}

static void test_row_formats(int effort)
{
    static const char *const ends[] = {"", ":g8", ":g32", ":g64"};
    int e, m, kind;
    size_t i, k, r, cols, rows = 18;
    char name[32];
    tap_begin("e<E>m<M>: scales of rows and groups, nearest codes, decode is code times scale");
    for (e = 1; e <= 7; e++)
        for (m = 0; e + m <= 7 && m <= 6; m++) {
            type t = type_of(e, m);
            for (k = 0; k < 4; k++)
                for (i = 0; i < RAGGED; i += effort == 0 ? 7 : 1) {
                    float *w, *back;
                    block b;
                    hrq_mat mat;
                    cols = ragged[i];
                    if (effort == 0 && (i + k + (size_t)(e + m)) % 4) continue;
                    snprintf(name, sizeof name, "e%dm%d%s", e, m, ends[k]);
                    w = floats_of(rows, cols, cols);
                    back = floats_of(rows, cols, cols);
                    for (r = 0; r < rows; r++) {
                        kind = (int)(r % 6);
                        fill_row(w + r * cols, cols, kind, sizes[draw_below(sizeof sizes / sizeof sizes[0])]);
                        if (r == 7) memset(w + r * cols, 0, cols * sizeof *w);
                    }
                    mat = mat_of(&b, name, rows, cols, 1, w, cols);
                    EXPECT(hrq_mat_check(&mat) == HRQ_OK && hrq_mat_decode(&mat, 0, rows, back, cols) == HRQ_OK, "%s",
                           name);
                    for (r = 0; r < rows; r++) {
                        check_row_scales(name, &mat, &t, r, w + r * cols);
                        check_row_codes(name, &mat, &t, r, w + r * cols, back + r * cols);
                    }
                    free(b.base);
                    free(w);
                    free(back);
                }
        }
    tap_end();
}

static void test_bits(void)
{
    static const struct {
        const char *name;
        double bits, row; /* an entry; a row */
    } known[] = {{"mxfp4", 4.25, 0},     {"mxfp6e2m3", 6.25, 0}, {"mxfp6e3m2", 6.25, 0}, {"mxfp8e4m3", 8.25, 0},
                 {"mxfp8e5m2", 8.25, 0}, {"mxint8", 8.25, 0},    {"mxfp4:mse", 4.25, 0}, {"nvfp4", 4.5, 32},
                 {"nvfp4:mse", 4.5, 32}, {"e4m3", 8, 16},        {"e5m2", 8, 16},        {"e2m1", 4, 16},
                 {"e3m2", 6, 16},        {"e4m3:g32", 8.5, 16},  {"e2m1:g16", 5, 16},    {"e1m0", 2, 16}};
    size_t i, cols;
    tap_begin("bits an entry");
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        for (cols = 32; cols <= 4096; cols *= 2) {
            hrq_format f = format_of(known[i].name);
            double want = known[i].bits + known[i].row / (double)cols;
            EXPECT(hrq_format_bits(&f, 16, cols) == want && hrq_format_bits(&f, 4096, cols) == want, "%s: %g",
                   known[i].name, hrq_format_bits(&f, 16, cols));
        }
    tap_end();
}

// ---- MX ----

/* Names, element types, exponent of the largest number (MX 1.0, tables 2 - 6), bits. */
typedef struct {
    const char *name;
    int e, m, emax, bits;
} mx_type;

static const mx_type mx[] = {{"mxfp4", 2, 1, 2, 4},     {"mxfp6e2m3", 2, 3, 2, 6},  {"mxfp6e3m2", 3, 2, 4, 6},
                             {"mxfp8e4m3", 4, 3, 8, 8}, {"mxfp8e5m2", 5, 2, 15, 8}, {"mxint8", 0, 6, 0, 8}};
enum { MX = sizeof mx / sizeof mx[0] };

static void mx_rows(float *w, size_t rows, size_t cols)
{
    size_t r, c;
    for (r = 0; r < rows; r++) {
        float *x = w + r * cols;
        fill_row(x, cols, (int)draw_below(6), sizes[draw_below(sizeof sizes / sizeof sizes[0])]);
        for (c = 0; c < cols; c++) {
            if (r % 9 == 3)
                x[c] = hrq__float_of((uint32_t)(draw() & 0x80ffffffu)); /* below 2^-125, mostly subnormal */
            if (r % 9 == 4) x[c] = 0.0f;
            if (r % 9 == 5) x[c] = (float)(two((int)draw_below(8) - 4) * (draw() & 1 ? -1 : 1)); /* powers of two */
            if (r % 9 == 6) x[c] = nextafterf((float)two((int)draw_below(3)), 0.0f);
            if (r % 9 == 7) x[c] = -(float)(two(125) * (0.9 + 0.1 * draw_uniform()));
            if (r % 9 == 8) x[c] = c % 32 ? hrq__float_of((uint32_t)(draw() & 0x807fffffu)) : x[c];
        }
    }
}

static void check_mx_row(const mx_type *f, const type *t, const hrq_mat *m, size_t row, const float *x,
                         const float *back)
{
    size_t c, g;
    for (g = 0; g * 32 < m->cols; g++) {
        size_t from = g * 32, n = m->cols - from < 32 ? m->cols - from : 32;
        double top = top_of(x + from, n);
        int stored = *group_at(m, row, g, 1), want = top > 0 ? floor_log2(top) - f->emax + 127 : stored;
        want = want < 0 ? 0 : want > 254 ? 254 : want;
        EXPECT(stored == want && stored <= 254, "%s: largest %a has scale 2^%d", f->name, top, stored - 127);
        for (c = from; c < from + n; c++) {
            unsigned code = code_at(m, row, c), near = nearest(t, ldexp((double)x[c], 127 - stored));
            EXPECT(code == near, "%s: %a under 2^%d has code %02x, not %02x", f->name, (double)x[c], stored - 127,
                   code, near);
            EXPECT((double)back[c] == ldexp(t->value[code], stored - 127), "%s: code %02x under 2^%d decodes to %a",
                   f->name, code, stored - 127, (double)back[c]);
        }
    }
}

static void test_mx(int effort)
{
    size_t i, k, r, rows = 36, rounds = effort == 0 ? 1 : effort == 1 ? 5 : 40, round;
    tap_begin("mx: scale floor(log2 max) - emax in E8M0, nearest codes that saturate, decode exact");
    for (k = 0; k < MX; k++) {
        type t = type_of(mx[k].e, mx[k].m);
        EXPECT(floor_log2(t.most) == mx[k].emax, "%s: emax", mx[k].name);
        for (round = 0; round < rounds; round++)
            for (i = 0; i < RAGGED; i++) {
                size_t cols = ragged[i];
                float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols);
                block b;
                hrq_mat m;
                mx_rows(w, rows, cols);
                m = mat_of(&b, mx[k].name, rows, cols, 1, w, cols);
                EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 0, rows, back, cols) == HRQ_OK, "%s",
                       mx[k].name);
                for (r = 0; r < rows; r++) check_mx_row(&mx[k], &t, &m, r, w + r * cols, back + r * cols);
                free(b.base);
                free(w);
                free(back);
            }
    }
    tap_end();
}

/* Squared error of x[n] over `unit` when it is coded under a scale. */
static double error_under(const type *t, const float *x, size_t n, double scale, double unit)
{
    double sum = 0, d;
    size_t i;
    for (i = 0; i < n; i++) {
        d = scale > 0 ? distance(t, (double)x[i] / scale) * (scale / unit) : (double)x[i] / unit;
        sum += d * d;
    }
    return sum;
}

static double error_of(const float *x, const float *back, size_t n, double unit)
{
    double sum = 0, d;
    size_t i;
    for (i = 0; i < n; i++) {
        d = ((double)x[i] - (double)back[i]) / unit;
        sum += d * d;
    }
    return sum;
}

/* float sums of 32 squares and comparisons between them: 1e-5 is enough for what rounding decides */
static void test_mx_mse(int effort)
{
    size_t i, k, r, g, rows = 36, rounds = effort == 0 ? 1 : effort == 1 ? 8 : 40, round;
    char name[32];
    tap_begin("mx :mse: in each block the least error of three scales, never more than without");
    for (k = 0; k < MX; k++) {
        type t = type_of(mx[k].e, mx[k].m);
        snprintf(name, sizeof name, "%s:mse", mx[k].name);
        for (round = 0; round < rounds; round++)
            for (i = 1; i < RAGGED; i += 3) {
                size_t cols = ragged[i];
                float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols),
                      *plain = floats_of(rows, cols, cols);
                block b, bp;
                hrq_mat m, mp;
                mx_rows(w, rows, cols);
                m = mat_of(&b, name, rows, cols, 1, w, cols);
                mp = mat_of(&bp, mx[k].name, rows, cols, 1, w, cols);
                EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 0, rows, back, cols) == HRQ_OK &&
                           hrq_mat_decode(&mp, 0, rows, plain, cols) == HRQ_OK,
                       "%s", name);
                for (r = 0; r < rows; r++)
                    for (g = 0; g * 32 < cols; g++) {
                        size_t from = g * 32, n = cols - from < 32 ? cols - from : 32;
                        const float *x = w + r * cols + from;
                        int at = *group_at(&mp, r, g, 1), e;
                        double top = top_of(x, n), best = INFINITY, mine, theirs;
                        if (top == 0) continue;
                        mine = error_of(x, back + r * cols + from, n, top);
                        theirs = error_of(x, plain + r * cols + from, n, top);
                        for (e = at - 1; e <= at + 1; e++)
                            if (e >= 0 && e <= 254 && error_under(&t, x, n, two(e - 127), top) < best)
                                best = error_under(&t, x, n, two(e - 127), top);
                        EXPECT(mine <= theirs * (1 + 1e-6), "%s: %g, without %g", name, mine, theirs);
                        EXPECT(mine <= best * (1 + 1e-5) + 1e-30, "%s: %g, best %g, largest %a", name, mine, best,
                               top);
                    }
                free(b.base);
                free(bp.base);
                free(w);
                free(back);
                free(plain);
            }
    }
    tap_end();
}

// ---- NV ----

static void nv_rows(float *w, size_t rows, size_t cols)
{
    size_t r, c;
    for (r = 0; r < rows; r++) {
        float *x = w + r * cols;
        double size = sizes[draw_below(sizeof sizes / sizeof sizes[0])];
        fill_row(x, cols, (int)draw_below(6), size);
        for (c = 0; c < cols; c++) {
            if (r % 9 == 3) x[c] *= (float)exp2(-(double)(c / 16 % 12) * 1.3); /* block scales to the subnormals */
            if (r % 9 == 4) x[c] = 0.0f;
            if (r % 9 == 5) x[c] = c == cols / 2 ? (float)size : (float)(size * 1e-5 * draw_gauss());
            if (r % 9 == 6) x[c] = (float)(size * two((int)draw_below(8) - 8));
        }
    }
}

/* The block's E4M3 scale and codes. Products of scales below 2^-126 have fewer digits: blur. So has the row scale times
   the step of a half, off by 2^-150 times the largest scale and code. */
static void check_nv_row(const type *t, const type *e4m3, const hrq_mat *m, size_t row, const float *x,
                         const float *back)
{
    double top = top_of(x, m->cols), s = f32_at(row_at(m, row, 4)), want, blur;
    size_t c, g;
    if (s >= 0x1p-126) EXPECT((float)(top / 2688.0) == (float)s, "row scale %a for %a", s, top);
    else EXPECT(fabs(s - top / 2688.0) <= 0x1p-150, "row scale %a for %a", s, top);
    for (g = 0; g * 16 < m->cols; g++) {
        size_t from = g * 16, n = m->cols - from < 16 ? m->cols - from : 16;
        unsigned stored = *group_at(m, row, g, 1);
        double scale, d;
        if (!EXPECT(stored <= 126, "block scale %02x", stored)) continue;
        want = s > 0 ? top_of(x + from, n) / 6 / s : 0;
        d = want < 448 ? fabs(e4m3->value[stored] - want) : 448 - e4m3->value[stored];
        EXPECT(d <= (want < 448 ? distance(e4m3, want) : 0) + want * 0x1p-21, "block scale %02x for %a", stored,
               want);
        scale = s * e4m3->value[stored];
        blur = scale > 0 && scale < 0x1p-126 ? 0x1p-149 / scale : 0;
        for (c = from; c < from + n; c++) {
            unsigned code = code_at(m, row, c);
            double v = scale > 0 ? (double)x[c] / scale : 0, far;
            far = fabs(v) < 6 ? fabs(v - t->value[code]) : 6 - fabs(t->value[code]);
            EXPECT(far <= (fabs(v) < 6 ? distance(t, v) : 0) + fabs(v) * (0x1p-21 + blur), "%a under %a has code %x",
                   (double)x[c], scale, code);
            EXPECT(fabs((double)back[c] - t->value[code] * scale) <=
                       fabs(t->value[code] * scale) * 0x1p-23 + 0x1p-137,
                   "code %x under %a decodes to %a", code, scale, (double)back[c]);
        }
    }
}

static void test_nv(int effort)
{
    type t = type_of(2, 1), e4m3 = type_of(4, 3);
    size_t i, r, rows = 36, rounds = effort == 0 ? 1 : effort == 1 ? 12 : 80, round;
    tap_begin("nvfp4: row scale max / (448 * 6), block scale nearest E4M3, nearest codes, two-level decode");
    for (round = 0; round < rounds; round++)
        for (i = 0; i < RAGGED; i++) {
            size_t cols = ragged[i];
            float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols);
            block b;
            hrq_mat m;
            nv_rows(w, rows, cols);
            m = mat_of(&b, "nvfp4", rows, cols, 1, w, cols);
            EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 0, rows, back, cols) == HRQ_OK, "nvfp4");
            for (r = 0; r < rows; r++) check_nv_row(&t, &e4m3, &m, r, w + r * cols, back + r * cols);
            free(b.base);
            free(w);
            free(back);
        }
    tap_end();
}

/* One block of a row of nvfp4 with and without :mse. */
static void check_nv_mse(const type *t, const type *e4m3, double s, int at, const float *x, const float *mse,
                         const float *plain, size_t n)
{
    double top = top_of(x, n), best, mine, theirs, tried, blur;
    int c;
    if (top == 0 || s < 0x1p-120) return;
    mine = error_of(x, mse, n, top);
    theirs = error_of(x, plain, n, top);
    best = error_under(t, x, n, s * e4m3->value[at], top);
    for (c = at - 5; c <= at + 5; c++) {
        if (c < 1 || c > 126) continue;
        tried = error_under(t, x, n, s * e4m3->value[c], top);
        best = tried < best ? tried : best;
    }
    /* x / scale is off by 2^-22 of itself, at most 16 entries and two scales: 2 * 2 * sqrt(16) * 2^-22 sqrt(error) */
    blur = 4e-6 * sqrt(best) + 1e-12;
    EXPECT(mine <= theirs * (1 + 1e-5) + blur, "%g, without %g, block scale %02x", mine, theirs, at);
    EXPECT(mine <= best * (1 + 1e-5) + blur, "%g, best %g, block scale %02x of the largest entry", mine, best, at);
}

static void test_nv_mse(int effort)
{
    type t = type_of(2, 1), e4m3 = type_of(4, 3);
    size_t i, r, g, rows = 36, rounds = effort == 0 ? 1 : effort == 1 ? 12 : 80, round;
    tap_begin("nvfp4:mse: in each block the least error of eleven scales, never more than without");
    for (round = 0; round < rounds; round++)
        for (i = 1; i < RAGGED; i += 2) {
            size_t cols = ragged[i];
            float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols),
                  *plain = floats_of(rows, cols, cols);
            block b, bp;
            hrq_mat m, mp;
            nv_rows(w, rows, cols);
            m = mat_of(&b, "nvfp4:mse", rows, cols, 1, w, cols);
            mp = mat_of(&bp, "nvfp4", rows, cols, 1, w, cols);
            EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 0, rows, back, cols) == HRQ_OK &&
                       hrq_mat_decode(&mp, 0, rows, plain, cols) == HRQ_OK,
                   "nvfp4:mse");
            for (r = 0; r < rows; r++)
                for (g = 0; g * 16 < cols; g++) {
                    size_t at = r * cols + g * 16, n = cols - g * 16 < 16 ? cols - g * 16 : 16;
                    EXPECT(f32_at(row_at(&m, r, 4)) == f32_at(row_at(&mp, r, 4)), "row scales");
                    check_nv_mse(&t, &e4m3, f32_at(row_at(&m, r, 4)), *group_at(&mp, r, g, 1), w + at, back + at,
                                 plain + at, n);
                }
            free(b.base);
            free(bp.base);
            free(w);
            free(back);
            free(plain);
        }
    tap_end();
}

// ---- figures ----

static void test_gauss(int effort)
{
    /* Squared error over energy of Gaussians in rows of 4096. Measured elsewhere with 2^21 samples; in dB the figures of
       blocks, which stray by 0.02 dB in 2^18 samples. Rows: their largest entry strays, and with it what e2m<M> loses. */
    static const struct {
        const char *name;
        double relative, within, db; /* db: where not 0 */
    } known[] = {{"nvfp4", 0, 0.1, 20.44},     {"nvfp4:mse", 0, 0.1, 21.81}, {"mxfp4", 0, 0.1, 18.79},
                 {"mxfp6e2m3", 0, 0.1, 30.93}, {"mxfp6e3m2", 0, 0.1, 25.35}, {"mxfp8e4m3", 0, 0.1, 30.63},
                 {"mxfp8e5m2", 0, 0.1, 25.35}, {"mxint8", 0, 0.1, 41.67},    {"e4m3", 7.0e-4, 0.02, 0},
                 {"e5m2", 2.76e-3, 0.02, 0},   {"e3m2", 2.77e-3, 0.02, 0},   {"e2m3", 8.15e-4, 0.03, 0},
                 {"e2m1", 1.416e-2, 0.03, 0},  {"e3m0", 3.79e-2, 0.03, 0}};
    size_t i, rows = effort == 0 ? 16 : effort == 1 ? 96 : 1024, cols = 4096;
    double wide = effort == 0 ? 2.5 : 1;
    float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols);
    tap_begin("errors on Gaussians in rows of 4096");
    fill_gauss(w, rows * cols, 1.0);
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        block b;
        hrq_mat m = mat_of(&b, known[i].name, rows, cols, 1, w, cols);
        double error, energy = 0;
        size_t c;
        EXPECT(hrq_mat_decode(&m, 0, rows, back, cols) == HRQ_OK, "%s", known[i].name);
        for (c = 0; c < rows * cols; c++) energy += (double)w[c] * (double)w[c];
        error = error_of(w, back, rows * cols, 1.0) / energy;
        if (known[i].db > 0)
            EXPECT(fabs(-10 * log10(error) - known[i].db) < wide * known[i].within, "%s: %.3f dB", known[i].name,
                   -10 * log10(error));
        else EXPECT(fabs(error / known[i].relative - 1) < wide * known[i].within, "%s: %.4g", known[i].name, error);
        if (strcmp(known[i].name, "e5m2") == 0 || strcmp(known[i].name, "e4m3") == 0)
            EXPECT(fabs(error / hrq_fp_mse(m.format.man) - 1) < wide * 0.02, "%s: %.4g against phi", known[i].name,
                   error);
        free(b.base);
    }
    free(w);
    free(back);
    tap_end();
}

// ---- illegal bytes ----

static void code_set(const hrq_mat *m, size_t row, size_t col, unsigned code)
{
    unsigned w, before = 0, shift;
    for (w = 1; w <= 8; w *= 2) {
        uint8_t *p;
        if (!(m->format.bits & w)) continue;
        p = part_at(m, row, col, before, w, &shift);
        *p = (uint8_t)((*p & ~(((1u << w) - 1) << shift)) | (code >> before & ((1u << w) - 1)) << shift);
        before += w;
    }
}

static void test_check(void)
{
    static const char *const names[] = {
        "mxfp4", "mxfp6e2m3", "mxfp6e3m2", "mxfp8e4m3", "mxfp8e5m2", "mxint8", "nvfp4",   "e4m3",     "e5m2", "e3m4",
        "e2m5",  "e1m6",      "e6m1",      "e7m0",      "e2m1",      "e5m1",   "e4m2:g8", "e4m3:g16", "e1m0", "e3m3"};
    size_t i, rows = 20, cols = 52, round;
    tap_begin("check: infinity and NaN are refused wherever they stand, all else passes");
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        block b;
        hrq_mat m = mat_of(&b, names[i], rows, cols, 1, NULL, 0);
        type t = type_of(m.format.exp, m.format.man);
        unsigned code, blocks = strncmp(names[i], "mx", 2) == 0 ? 1 : strncmp(names[i], "nv", 2) == 0 ? 2 : 0;
        EXPECT(hrq_mat_check(&m) == HRQ_OK, "%s: zeros", names[i]);
        for (code = 0; code < t.codes; code++)
            for (round = 0; round < 4; round++) { /* the last row and columns are padding */
                size_t row = round == 3 ? 31 : draw_below(32), col = round == 3 ? 55 : draw_below(56);
                code_set(&m, row, col, code);
                EXPECT(row >= rows || code_at(&m, row, col) == code, "%s", names[i]);
                EXPECT(hrq_mat_check(&m) == (finite_code(&t, code) ? HRQ_OK : HRQ_ERR_DATA),
                       "%s: code %02x at %lu %lu", names[i], code, (unsigned long)row, (unsigned long)col);
                code_set(&m, row, col, 0);
            }
        for (code = 0; code < 256 && blocks; code++) {
            uint8_t *p = group_at(&m, draw_below(rows), 1, 1);
            *p = (uint8_t)code;
            EXPECT(hrq_mat_check(&m) == (code > (blocks == 1 ? 254u : 126u) ? HRQ_ERR_DATA : HRQ_OK),
                   "%s: scale %02x", names[i], code);
            *p = 0;
        }
        if (m.format.group && !blocks) {
            uint8_t *p = group_at(&m, 3, 1, 2);
            p[1] = 0x7c; /* fp16 infinity */
            EXPECT(hrq_mat_check(&m) == HRQ_ERR_DATA, "%s: group scale", names[i]);
            p[1] = 0;
        }
        if (blocks != 1) {
            uint8_t *p = row_at(&m, 17, blocks ? 4 : 2) + (blocks ? 2 : 0);
            p[0] = 0xc0;
            p[1] = 0x7f; /* NaN of bf16 and float32 */
            EXPECT(hrq_mat_check(&m) == HRQ_ERR_DATA, "%s: row scale", names[i]);
            p[0] = 0x80;
            EXPECT(hrq_mat_check(&m) == HRQ_ERR_DATA, "%s: row scale", names[i]);
            p[0] = p[1] = 0;
        }
        EXPECT(hrq_mat_check(&m) == HRQ_OK, "%s: zeros again", names[i]);
        free(b.base);
    }
    tap_end();
}

// ---- rows as the specifications store them ----

static size_t element_bytes(const hrq_mat *m) { return (m->cols * m->format.bits + 7) / 8; }
static size_t scale_bytes(const hrq_mat *m) { return (m->cols + m->format.group - 1) / m->format.group; }

/* Bit string, low bits first: code c at bits c * bits ... */
static unsigned bits_get(const uint8_t *p, size_t c, unsigned bits)
{
    unsigned i, code = 0;
    for (i = 0; i < bits; i++) code |= (unsigned)(p[(c * bits + i) / 8] >> (c * bits + i) % 8 & 1) << i;
    return code;
}

static void bits_set(uint8_t *p, size_t c, unsigned bits, unsigned code)
{
    unsigned i;
    for (i = 0; i < bits; i++) {
        size_t at = c * bits + i;
        p[at / 8] = (uint8_t)((p[at / 8] & ~(1u << at % 8)) | (code >> i & 1) << at % 8);
    }
}

static void test_by_hand(void)
{
    static const struct {
        const char *name;
        size_t cols, bytes, blocks;
        uint8_t elements[16], scales[2];
        float tensor;
        double value[20];
    } known[] = {
        /* 1 2, 3 4, 13 -: the first in the low half */
        {"mxfp4", 5, 3, 1, {0x21, 0x43, 0x0d}, {127, 0}, 1, {0.5, 1, 1.5, 2, -3}},
        {"mxfp4", 2, 1, 1, {0xf7}, {130, 0}, 1, {48, -48}},
        /* 1 + 2 * 2^6 + 3 * 2^12 + 4 * 2^18 = 0x103081; then 33 + 63 * 2^6 = 0xfe1, bits of three bytes */
        {"mxfp6e2m3", 6, 5, 1, {0x81, 0x30, 0x10, 0xe1, 0x0f}, {128, 0}, 1, {0.25, 0.5, 0.75, 1, -0.25, -15}},
        {"mxfp6e3m2", 4, 3, 1, {0x81, 0x30, 0x10}, {126, 0}, 1, {0.03125, 0.0625, 0.09375, 0.125}},
        {"mxfp6e3m2", 1, 1, 1, {0x1f}, {127, 0}, 1, {28}},
        {"mxfp8e4m3", 4, 4, 1, {0x38, 0x7e, 0x81, 0xc0}, {127, 0}, 1, {1, 448, -0.001953125, -2}},
        {"mxfp8e5m2", 4, 4, 1, {0x3c, 0x7b, 0x81, 0xc0}, {126, 0}, 1, {0.5, 28672, -0.00000762939453125, -1}},
        {"mxint8", 4, 4, 1, {0x40, 0x7f, 0x80, 0xff}, {131, 0}, 1, {16, 31.75, -32, -0.25}},
        {"nvfp4",
         18,
         9,
         2,
         {0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe, 0xf7},
         {0x38, 0x44},
         0.5f,
         {0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, -0.0, -0.25, -0.5, -0.75, -1, -1.5, -2, -3, 9, -9}},
        {"nvfp4", 1, 1, 1, {0x0f}, {0x7e, 0}, -2, {5376}},
    };
    size_t i, c;
    tap_begin("import and export: rows written by hand");
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        block b;
        hrq_mat m = mat_of(&b, known[i].name, 3, known[i].cols, 1, NULL, 0);
        uint8_t elements[16], scales[2];
        float tensor, back[20];
        EXPECT(element_bytes(&m) == known[i].bytes && scale_bytes(&m) == known[i].blocks, "%s: sizes", known[i].name);
        EXPECT(hrq_mat_import_row(&m, 1, known[i].elements, known[i].scales, known[i].tensor) == HRQ_OK, "%s",
               known[i].name);
        EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 1, 1, back, known[i].cols) == HRQ_OK, "%s",
               known[i].name);
        for (c = 0; c < known[i].cols; c++)
            EXPECT((double)back[c] == known[i].value[c], "%s: column %lu is %g", known[i].name, (unsigned long)c,
                   (double)back[c]);
        EXPECT(hrq_mat_export_row(&m, 1, elements, scales, &tensor) == HRQ_OK, "%s", known[i].name);
        EXPECT(memcmp(elements, known[i].elements, known[i].bytes) == 0 &&
                   memcmp(scales, known[i].scales, known[i].blocks) == 0 && tensor == known[i].tensor,
               "%s: came back another", known[i].name);
        free(b.base);
    }
    tap_end();
}

/* Legal bytes for a row of m, in blocks of their exact size. */
typedef struct {
    block elements, scales;
    float tensor;
} spec_row;

static spec_row spec_of(const hrq_mat *m)
{
    spec_row s;
    type t = type_of(m->format.exp, m->format.man);
    size_t c;
    s.elements = block_of(element_bytes(m), 1);
    s.scales = block_of(scale_bytes(m), 1);
    memset(s.elements.data, 0, s.elements.bytes);
    for (c = 0; c < m->cols; c++) bits_set(s.elements.data, c, m->format.bits, draw_code(&t));
    for (c = 0; c < s.scales.bytes; c++) s.scales.data[c] = (uint8_t)draw_below(m->format.group == 16 ? 127 : 255);
    s.tensor = m->format.group == 16 ? (float)(draw_gauss() * exp2((double)draw_below(200) - 100)) : 1.0f;
    return s;
}

static void spec_free(spec_row *s)
{
    free(s->elements.base);
    free(s->scales.base);
}

/* Sixteen bytes in front of and behind what an export may write. */
static block guarded(size_t bytes) { return block_of(bytes + 32, 1); }
static int guards_hold(const block *b)
{
    size_t i;
    for (i = 0; i < 16; i++)
        if (b->data[i] != 0xa5 || b->data[b->bytes - 1 - i] != 0xa5) return 0;
    return 1;
}

static void check_round_trip(const char *name, size_t cols)
{
    size_t rows = 35, row = draw_below(rows), r, c, each;
    block b, all, elements, scales;
    hrq_mat m, copy;
    spec_row s;
    type t, e4m3 = type_of(4, 3);
    float *w = floats_of(rows, cols, cols), *before = floats_of(rows, cols, cols),
          *back = floats_of(rows, cols, cols);
    float tensor[3] = {7.0f, 7.0f, 7.0f};
    fill_gauss(w, rows * cols, 1.0);
    m = mat_of(&b, name, rows, cols, 1, w, cols);
    t = type_of(m.format.exp, m.format.man);
    each = m.bytes / 3;
    all = block_of(m.bytes, 1);
    memcpy(all.data, m.data, m.bytes);
    s = spec_of(&m);
    elements = guarded(s.elements.bytes);
    scales = guarded(s.scales.bytes);
    EXPECT(hrq_mat_decode(&m, 0, rows, before, cols) == HRQ_OK, "%s", name);
    EXPECT(hrq_mat_import_row(&m, row, s.elements.data, s.scales.data,
                              m.format.group == 16 ? s.tensor : (float)NAN) == HRQ_OK,
           "%s", name);
    EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq_mat_decode(&m, 0, rows, back, cols) == HRQ_OK, "%s", name);
    EXPECT(hrq_mat_export_row(&m, row, elements.data + 16, scales.data + 16, tensor + 1) == HRQ_OK, "%s", name);
    EXPECT(memcmp(elements.data + 16, s.elements.data, s.elements.bytes) == 0 &&
               memcmp(scales.data + 16, s.scales.data, s.scales.bytes) == 0 && tensor[1] == s.tensor,
           "%s, %lu columns: came back another", name, (unsigned long)cols);
    EXPECT(guards_hold(&elements) && guards_hold(&scales) && tensor[0] == 7.0f && tensor[2] == 7.0f,
           "%s: beyond the buffers", name);
    for (r = 0; r < 3; r++)
        EXPECT(r == row / 16 || memcmp((uint8_t *)m.data + r * each, all.data + r * each, each) == 0,
               "%s: another panel", name);
    for (r = 0; r < rows; r++)
        EXPECT(r == row || same_bits(before + r * cols, back + r * cols, cols), "%s: another row", name);
    for (c = 0; c < cols; c++) {
        unsigned code = bits_get(s.elements.data, c, m.format.bits), scale = s.scales.data[c / m.format.group];
        double v = t.value[code], got = (double)back[row * cols + c];
        EXPECT(code_at(&m, row, c) == code, "%s: column %lu", name, (unsigned long)c);
        v *= m.format.group == 16 ? e4m3.value[scale] * (double)s.tensor : two((int)scale - 127);
        if (m.format.group == 16)
            EXPECT(fabs(got - v) <= fabs(v) * 0x1p-23, "%s: decodes to %a, not %a", name, got, v);
        else EXPECT((float)v == back[row * cols + c], "%s: decodes to %a, not %a", name, got, v);
    }
    copy = m; /* the row goes back as it was: so do all bytes */
    copy.data = all.data;
    EXPECT(hrq_mat_export_row(&copy, row, elements.data + 16, scales.data + 16, tensor + 1) == HRQ_OK &&
               hrq_mat_import_row(&m, row, elements.data + 16, scales.data + 16, tensor[1]) == HRQ_OK,
           "%s", name);
    EXPECT(memcmp(m.data, all.data, m.bytes) == 0, "%s: bytes differ after the old row was put back", name);
    spec_free(&s);
    free(elements.base);
    free(scales.base);
    free(all.base);
    free(b.base);
    free(w);
    free(before);
    free(back);
}

static const char *const spec_names[] = {"mxfp4",     "mxfp6e2m3", "mxfp6e3m2", "mxfp8e4m3",
                                         "mxfp8e5m2", "mxint8",    "nvfp4",     "mxfp4:mse"};
enum { SPECS = sizeof spec_names / sizeof spec_names[0] };

static void test_round_trip(int effort)
{
    size_t i, cols, round, rounds = effort == 2 ? 10 : 1;
    tap_begin("import and export: random legal codes and scales; other rows and panels stay");
    for (round = 0; round < rounds; round++)
        for (i = 0; i < SPECS; i++)
            for (cols = 1; cols <= 100; cols += effort == 0 ? 9 : 1) check_round_trip(spec_names[i], cols);
    tap_end();
}

/* The codes of a rotated matrix are those of the rotated rows. */
static void test_rotated(void)
{
    size_t cols = 100, c;
    float w[100], turned[100], back[100], mine[100];
    uint8_t elements[2][100], scales[2][7];
    float tensor[2];
    size_t i;
    tap_begin("import and export under +had: codes of the rotated row");
    for (i = 0; i + 1 < SPECS; i++) {
        char name[32];
        block b[2];
        hrq_mat m[2];
        snprintf(name, sizeof name, "%s+had", spec_names[i]);
        fill_gauss(w, cols, 1.0);
        memcpy(turned, w, sizeof w);
        EXPECT(hrq_hadamard(turned, 1, cols, cols, 5, 0) == HRQ_OK, "hadamard");
        m[0] = mat_of(&b[0], spec_names[i], 1, cols, 5, turned, cols);
        m[1] = mat_of(&b[1], name, 1, cols, 5, w, cols);
        for (c = 0; c < 2; c++)
            EXPECT(hrq_mat_export_row(&m[c], 0, elements[c], scales[c], &tensor[c]) == HRQ_OK, "%s", name);
        EXPECT(memcmp(elements[0], elements[1], element_bytes(&m[0])) == 0 &&
                   memcmp(scales[0], scales[1], scale_bytes(&m[0])) == 0 && tensor[0] == tensor[1],
               "%s: codes", name);
        memset(m[1].data, 0, m[1].bytes);
        EXPECT(hrq_mat_import_row(&m[1], 0, elements[0], scales[0], tensor[0]) == HRQ_OK, "%s", name);
        EXPECT(hrq_mat_decode(&m[0], 0, 1, mine, cols) == HRQ_OK &&
                   hrq_mat_decode(&m[1], 0, 1, back, cols) == HRQ_OK &&
                   hrq_hadamard(mine, 1, cols, cols, 5, 1) == HRQ_OK,
               "%s", name);
        EXPECT(same_bits(mine, back, cols), "%s: decodes to another row", name);
        free(b[0].base);
        free(b[1].base);
    }
    tap_end();
}

/* What must be refused leaves matrix and outputs as they were. */
static void refuse_import(const char *what, hrq_mat *m, size_t row, const uint8_t *elements, const uint8_t *scales,
                          float tensor, hrq_status want)
{
    block before = block_of(m->bytes, 0);
    hrq_status got;
    memcpy(before.data, m->data, m->bytes);
    got = hrq_mat_import_row(m, row, elements, scales, tensor);
    EXPECT(got == want, "import, %s: %d, not %d", what, (int)got, (int)want);
    EXPECT(memcmp(before.data, m->data, m->bytes) == 0, "import, %s: the matrix changed", what);
    free(before.base);
}

static void refuse_export(const char *what, const hrq_mat *m, size_t row, hrq_status want)
{
    uint8_t elements[64], scales[8];
    float tensor = 7.0f;
    size_t i;
    hrq_status got;
    memset(elements, 0x5a, sizeof elements);
    memset(scales, 0x5a, sizeof scales);
    got = hrq_mat_export_row(m, row, elements, scales, &tensor);
    EXPECT(got == want, "export, %s: %d, not %d", what, (int)got, (int)want);
    for (i = 0; i < sizeof elements; i++)
        EXPECT(elements[i] == 0x5a && scales[i % 8] == 0x5a && tensor == 7.0f, "export, %s: wrote", what);
}

static void test_refusals(void)
{
    static const char *const others[] = {"int4",
                                         "int8:g32",
                                         "e4m3",
                                         "e2m1:g32",
                                         "f32",
                                         "bf16",
                                         "e8:q16:k4",
                                         "mxfp4+center",
                                         "mxfp4+keep50",
                                         "nvfp4+had+center",
                                         "nvfp4+keep10",
                                         "e8b2:k4",
                                         "mxint8+had+keep99"};
    size_t i, cols = 40;
    uint8_t zeros[64] = {0}, out[64], out_scales[8];
    float tensor = 7.0f;
    tap_begin("import and export: arguments, other formats");
    for (i = 0; i < sizeof others / sizeof others[0]; i++) {
        block b;
        hrq_mat m = mat_of(&b, others[i], 2, cols, 1, NULL, 0);
        refuse_import(others[i], &m, 0, zeros, zeros, 1.0f, HRQ_ERR_UNSUPPORTED);
        refuse_export(others[i], &m, 0, HRQ_ERR_UNSUPPORTED);
        free(b.base);
    }
    for (i = 0; i < SPECS; i++) {
        block b;
        hrq_mat m = mat_of(&b, spec_names[i], 18, cols, 1, NULL, 0), none = m;
        refuse_import("no elements", &m, 0, NULL, zeros, 1.0f, HRQ_ERR_ARG);
        refuse_import("no scales", &m, 0, zeros, NULL, 1.0f, HRQ_ERR_ARG);
        refuse_import("row", &m, 18, zeros, zeros, 1.0f, HRQ_ERR_ARG);
        refuse_import("row", &m, SIZE_MAX, zeros, zeros, 1.0f, HRQ_ERR_ARG);
        refuse_export("row", &m, 18, HRQ_ERR_ARG);
        refuse_export("row", &m, SIZE_MAX, HRQ_ERR_ARG);
        none.data = NULL;
        EXPECT(hrq_mat_import_row(NULL, 0, zeros, zeros, 1.0f) == HRQ_ERR_ARG, "no matrix");
        EXPECT(hrq_mat_import_row(&none, 0, zeros, zeros, 1.0f) == HRQ_ERR_ARG, "no bytes");
        refuse_export("no matrix", NULL, 0, HRQ_ERR_ARG);
        refuse_export("no bytes", &none, 0, HRQ_ERR_ARG);
        memset(out, 0x5a, sizeof out);
        memset(out_scales, 0x5a, sizeof out_scales);
        EXPECT(hrq_mat_export_row(&m, 0, NULL, out_scales, &tensor) == HRQ_ERR_ARG &&
                   hrq_mat_export_row(&m, 0, out, NULL, &tensor) == HRQ_ERR_ARG &&
                   hrq_mat_export_row(&m, 0, out, out_scales, NULL) == HRQ_ERR_ARG,
               "%s: an output missing", spec_names[i]);
        EXPECT(out[0] == 0x5a && out_scales[0] == 0x5a && tensor == 7.0f, "%s: wrote", spec_names[i]);
        free(b.base);
    }
    tap_end();
}

static void test_illegal_rows(void)
{
    size_t i, k, cols = 40, rows = 18;
    unsigned code, scale;
    tap_begin("import and export: codes of infinity and NaN, scales that are none");
    for (i = 0; i < SPECS; i++) {
        block b;
        hrq_mat m = mat_of(&b, spec_names[i], rows, cols, 1, NULL, 0);
        type t = type_of(m.format.exp, m.format.man);
        spec_row s = spec_of(&m);
        unsigned top = m.format.group == 16 ? 126 : 254;
        EXPECT(hrq_mat_import_row(&m, 17, s.elements.data, s.scales.data, s.tensor) == HRQ_OK, "%s", spec_names[i]);
        for (code = 0; code < t.codes; code++) {
            size_t c = code % 2 ? cols - 1 : draw_below(cols);
            unsigned old = bits_get(s.elements.data, c, m.format.bits);
            if (finite_code(&t, code)) continue;
            bits_set(s.elements.data, c, m.format.bits, code);
            refuse_import(spec_names[i], &m, 17, s.elements.data, s.scales.data, s.tensor, HRQ_ERR_DATA);
            bits_set(s.elements.data, c, m.format.bits, old);
            code_set(&m, 17, c, code);
            refuse_export(spec_names[i], &m, 17, HRQ_ERR_DATA);
            refuse_import("the row beside", &m, 16, s.elements.data, NULL, s.tensor, HRQ_ERR_ARG);
            code_set(&m, 17, c, old);
        }
        for (scale = top + 1; scale < 256; scale++)
            for (k = 0; k < s.scales.bytes; k++) {
                uint8_t old = s.scales.data[k];
                s.scales.data[k] = (uint8_t)scale;
                refuse_import("scale", &m, 17, s.elements.data, s.scales.data, s.tensor, HRQ_ERR_DATA);
                s.scales.data[k] = old;
                *group_at(&m, 17, k, 1) = (uint8_t)scale;
                refuse_export("scale", &m, 17, HRQ_ERR_DATA);
                *group_at(&m, 17, k, 1) = old;
            }
        if (m.format.group == 16) {
            refuse_import("tensor", &m, 17, s.elements.data, s.scales.data, (float)NAN, HRQ_ERR_DATA);
            refuse_import("tensor", &m, 17, s.elements.data, s.scales.data, (float)INFINITY, HRQ_ERR_DATA);
            refuse_import("tensor", &m, 17, s.elements.data, s.scales.data, -(float)INFINITY, HRQ_ERR_DATA);
            memcpy(row_at(&m, 17, 4), "\0\0\x80\x7f", 4);
            refuse_export("tensor", &m, 17, HRQ_ERR_DATA);
        }
        spec_free(&s);
        free(b.base);
    }
    tap_end();
}

// ---- products ----

/* y = W x against sums in double of what the matrix decodes to. within: of sum |w x| */
static void check_product(const char *name, size_t rows, size_t cols, const float *w, hrq_act_kind kind,
                          const float *x, size_t n, double within)
{
    block b, room;
    hrq_mat m = mat_of(&b, name, rows, cols, 3, w, cols);
    hrq_act *act = NULL;
    float *back = floats_of(rows, cols, cols), *y = floats_of(n, rows, rows);
    size_t t, r, c;
    room = block_of(hrq_act_bytes(&m, n, kind), 1);
    EXPECT(hrq_mat_decode(&m, 0, rows, back, cols) == HRQ_OK, "%s", name);
    if (EXPECT(hrq_act_prepare(&act, room.data, room.bytes, &m, kind, x, n, cols) == HRQ_OK &&
                   hrq_mul(&m, act, y, rows, 0, rows, NULL) == HRQ_OK,
               "%s: no product", name))
        for (t = 0; t < n; t++)
            for (r = 0; r < rows; r++) {
                double sum = 0, size = 0;
                for (c = 0; c < cols; c++) {
                    sum += (double)back[r * cols + c] * (double)x[t * cols + c];
                    size += fabs((double)back[r * cols + c] * (double)x[t * cols + c]);
                }
                EXPECT(fabs((double)y[t * rows + r] - sum) <= within * size + 0x1p-149, "%s, %lu columns: %g, not %g",
                       name, (unsigned long)cols, (double)y[t * rows + r], sum);
            }
    free(b.base);
    free(room.base);
    free(back);
    free(y);
}

static const char *const products[] = {"e2m1",      "mxfp4",     "nvfp4",     "e2m1:g32",  "mxfp4:mse", "nvfp4:mse",
                                       "mxfp6e2m3", "mxfp6e3m2", "mxint8",    "e3m2",      "e2m3:g16",  "e3m3",
                                       "e4m0",      "e1m0",      "mxfp8e4m3", "mxfp8e5m2", "e4m3",      "e5m2",
                                       "e4m3:g32",  "e5m1",      "e7m0",      "e1m6"};
enum { PRODUCTS = sizeof products / sizeof products[0] };

/* x of integers whose largest is 127 is its own int8 vector; times a power of two its scale is that. */
static void int8_vectors(float *x, size_t n, size_t cols)
{
    size_t t, c;
    for (t = 0; t < n; t++) {
        float size = (float)two((int)t % 7 - 3);
        for (c = 0; c < cols; c++) x[t * cols + c] = size * (float)((int)draw_below(255) - 127);
        x[t * cols + draw_below(cols)] = -127.0f * size;
    }
}

static void test_products(int effort)
{
    size_t i, k, rows = 20, n = 3;
    tap_begin("products with int8 and float32 against double sums of decoded weights");
    for (k = 0; k < PRODUCTS; k++)
        for (i = 0; i < RAGGED; i += effort == 0 ? 4 : 1) {
            size_t cols = ragged[i] + (i == RAGGED - 1 ? 100 : 0);
            float *w = floats_of(rows, cols, cols), *x = floats_of(n, cols, cols);
            fill_gauss(w, rows * cols, 1.0);
            int8_vectors(x, n, cols);
            /* integers: one rounding a group, one product and one sum more; else one a column. Row and block scales are
               exact. 1e-6 is 16 roundings, of which those of a sum of 19 groups are rarely all one way */
            check_product(products[k], rows, cols, w, HRQ_ACT_INT8, x, n,
                          k < 14 ? 1e-6 : ((double)cols + 8) * 0x1p-24);
            fill_gauss(x, n * cols, 1.0);
            check_product(products[k], rows, cols, w, HRQ_ACT_F32, x, n, ((double)cols + 28) * 0x1p-24);
            free(w);
            free(x);
        }
    tap_end();
}

/* Rows at both ends of the range: weights and products are in range, so must be all in between. */
static void test_product_range(void)
{
    static const double ends[] = {1e-36, 1e-30, 1e-20, 1e20, 1e30, 1e34, 1e36, 4e37};
    size_t i, k, c, rows = 3, n = 2, cols = 300;
    float *w = floats_of(rows, cols, cols), *x = floats_of(n, cols, cols);
    tap_begin("products of rows of 1e-36 ... 4e37 with vectors that keep them in range");
    for (k = 0; k < PRODUCTS; k++)
        for (i = 0; i < sizeof ends / sizeof ends[0]; i++) {
            for (c = 0; c < rows * cols; c++) w[c] = (float)(ends[i] * (0.5 + 0.5 * draw_uniform()));
            int8_vectors(x, n, cols);
            for (c = 0; c < n * cols; c++) x[c] = fabsf(x[c]) * (float)two(ends[i] > 1 ? -12 : 12);
            check_product(products[k], rows, cols, w, HRQ_ACT_INT8, x, n, ((double)cols + 28) * 0x1p-24);
            check_product(products[k], rows, cols, w, HRQ_ACT_F32, x, n, ((double)cols + 28) * 0x1p-24);
        }
    free(w);
    free(x);
    tap_end();
}

/* Both sides quantized, of all pairs; sizes whose product is in range. */
static void test_product_pairs(void)
{
    static const char *const pairs[] = {"mxfp4",    "mxint8", "nvfp4",    "mxfp8e4m3",
                                        "e2m1:g16", "e4m3",   "int4:g32", "int4"};
    static const double ends[] = {1, 1e-33, 1e-20, 1e30, 1e35};
    size_t i, j, k, r, q, c, rows = 18, cols = 100, n = sizeof pairs / sizeof pairs[0];
    float *w = floats_of(rows, cols, cols), *u = floats_of(rows, cols, cols), *y = floats_of(rows, rows, rows);
    tap_begin("products of two quantized matrices against double sums of decoded ones");
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            for (k = 0; k < sizeof ends / sizeof ends[0]; k++) {
                block a, b;
                hrq_mat ma, mb;
                fill_gauss(w, rows * cols, ends[k]);
                fill_gauss(u, rows * cols, 1e-2 / ends[k]);
                ma = mat_of(&a, pairs[i], rows, cols, 1, w, cols);
                mb = mat_of(&b, pairs[j], rows, cols, 1, u, cols);
                EXPECT(hrq_mat_decode(&ma, 0, rows, w, cols) == HRQ_OK &&
                           hrq_mat_decode(&mb, 0, rows, u, cols) == HRQ_OK &&
                           hrq_mul_mat(&ma, &mb, y, rows, 0, rows) == HRQ_OK,
                       "%s %s", pairs[i], pairs[j]);
                for (r = 0; r < rows; r++)
                    for (q = 0; q < rows; q++) {
                        double sum = 0, size = 0, one;
                        for (c = 0; c < cols; c++) {
                            one = (double)w[r * cols + c] * (double)u[q * cols + c];
                            sum += one;
                            size += fabs(one);
                        }
                        EXPECT(fabs((double)y[r * rows + q] - sum) <= (double)(cols + 28) * 0x1p-24 * size,
                               "%s %s: %g, not %g", pairs[i], pairs[j], (double)y[r * rows + q], sum);
                    }
                free(a.base);
                free(b.base);
            }
    free(w);
    free(u);
    free(y);
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_tables();
    test_decode();
    test_encode(effort);
    test_e8m0();
    test_phi(effort);
    test_row_formats(effort);
    test_bits();
    test_mx(effort);
    test_mx_mse(effort);
    test_nv(effort);
    test_nv_mse(effort);
    test_gauss(effort);
    test_check();
    test_by_hand();
    test_round_trip(effort);
    test_rotated();
    test_refusals();
    test_illegal_rows();
    test_products(effort);
    test_product_range();
    test_product_pairs();
    return tap_finish();
}
