// test_numerics.c: [2i] and [3i]. 16-bit floats exhaustively against doubles, rounding helpers, checksum, random numbers.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

/* Value of a finite 16-bit float of e exponent and m mantissa bits, from the definition. */
static double value_of(unsigned h, int e, int m)
{
    int bias = (1 << (e - 1)) - 1, exponent = (int)(h >> m & ((1u << e) - 1));
    double frac = (double)(h & ((1u << m) - 1)) / (double)(1u << m);
    double v = exponent ? ldexp(1.0 + frac, exponent - bias) : ldexp(frac, 1 - bias);
    return h >> 15 ? -v : v;
}

/* Nearest code by arithmetic in double, ties to even; x finite. */
static unsigned code_of(double x, int e, int m)
{
    int bias = (1 << (e - 1)) - 1, exponent;
    unsigned sign = x < 0.0 || (x == 0.0 && 1.0 / x < 0.0) ? 0x8000u : 0, inf = ((1u << e) - 1) << m;
    double a = fabs(x), n;
    if (a == 0.0) return sign;
    frexp(a, &exponent);
    exponent = exponent - 1 < 1 - bias ? 1 - bias : exponent - 1; /* a = 1.f * 2^exponent, or subnormal */
    n = nearbyint(ldexp(a, m - exponent));                        /* in units of the last place */
    n += (double)(exponent + bias - 1) * (double)(1u << m);       /* carries into the exponent by itself */
    return sign | (n >= (double)inf ? inf : (unsigned)n);
}

typedef struct {
    const char *name;
    int e, m;
    uint16_t (*from)(float);
    float (*to)(uint16_t);
} half_type;

static const half_type types[] = {{"f16", 5, 10, hrq_f16_from_f32, hrq_f32_from_f16},
                                  {"bf16", 8, 7, hrq_bf16_from_f32, hrq_f32_from_bf16}};

static void test_half_codes(const half_type *t)
{
    unsigned h, inf = ((1u << t->e) - 1) << t->m;
    char name[64];
    snprintf(name, sizeof name, "%s: all 65536 codes both ways", t->name);
    tap_begin(name);
    for (h = 0; h < 65536; h++) {
        float x = t->to((uint16_t)h);
        unsigned back = t->from(x), mag = h & 0x7fff;
        if (mag > inf) {
            EXPECT(x != x && (back & 0x7fff) > inf && (back >> 15) == (h >> 15) && (back & 1u << (t->m - 1)),
                   "%04x: NaN gives %g, %04x", h, (double)x, back);
            EXPECT((back & ~(1u << (t->m - 1))) == (h & ~(1u << (t->m - 1))), "%04x: payload became %04x", h, back);
        } else if (mag == inf) {
            EXPECT(isinf(x) && (x < 0) == (h >> 15 != 0) && back == h, "%04x: infinity gives %g, %04x", h, (double)x,
                   back);
        } else {
            EXPECT((double)x == value_of(h, t->e, t->m) && (signbit(x) != 0) == (h >> 15 != 0), "%04x is %g", h,
                   (double)x);
            EXPECT(back == h, "%04x came back as %04x", h, back);
        }
    }
    tap_end();
}

static void test_half_ties(const half_type *t)
{
    unsigned h, sign, inf = ((1u << t->e) - 1) << t->m;
    char name[64];
    snprintf(name, sizeof name, "%s: every tie and its two neighbours", t->name);
    tap_begin(name);
    for (sign = 0; sign <= 0x8000u; sign += 0x8000u)
        for (h = 0; h < inf; h++) {
            double lo = value_of(h, t->e, t->m),
                   hi = h + 1 == inf ? ldexp(1.0, 1 << (t->e - 1)) : value_of(h + 1, t->e, t->m);
            float mid = (float)((lo + hi) / 2), s = sign ? -1.0f : 1.0f; /* exact: one bit more than the code */
            EXPECT(t->from(s * mid) == (sign | (h & 1 ? h + 1 : h)), "tie above %04x gives %04x", sign | h,
                   t->from(s * mid));
            EXPECT(t->from(s * nextafterf(mid, 0.0f)) == (sign | h), "below the tie above %04x", sign | h);
            EXPECT(t->from(s * nextafterf(mid, INFINITY)) == (sign | (h + 1)), "beyond the tie above %04x", sign | h);
        }
    tap_end();
}

static void test_half_floats(const half_type *t, int effort)
{
    unsigned e, i, samples = effort == 0 ? 50 : effort == 1 ? 2000 : 20000;
    char name[64];
    snprintf(name, sizeof name, "%s: every float32 exponent, both signs, random mantissas", t->name);
    tap_begin(name);
    for (e = 0; e < 512; e++)
        for (i = 0; i < samples; i++) {
            uint32_t bits = e << 23 | (uint32_t)(draw() & 0x7fffff);
            float x = hrq__float_of(i == 0 ? bits & 0xff800000u : i == 1 ? bits | 0x7fffff : bits);
            unsigned got = t->from(x), inf = ((1u << t->e) - 1) << t->m;
            if (x != x) EXPECT((got & 0x7fff) > inf && got >> 15 == e >> 8, "NaN %08x gives %04x", bits, got);
            else if (isinf(x)) EXPECT(got == ((e >> 8) << 15 | inf), "infinity gives %04x", got);
            else EXPECT(got == code_of((double)x, t->e, t->m), "%a gives %04x", (double)x, got);
        }
    tap_end();
}

static void test_half_up(void)
{
    unsigned e, i;
    tap_begin("scales rounded up: the next 16-bit float not below, the largest finite one at most");
    for (e = 0; e < 255; e++)
        for (i = 0; i < 400; i++) {
            float x = hrq__float_of((uint32_t)(draw() & 0x80000000u) | e << 23 | (uint32_t)(draw() & 0x7fffff));
            unsigned b = hrq__row_scale(x, 0), f = hrq__group_scale(x, 0);
            double a = fabs((double)x), vb = fabs(value_of(b, 8, 7)), vf = fabs(value_of(f, 5, 10));
            EXPECT((b & 0x7fff) < 0x7f80 && (f & 0x7fff) < 0x7c00, "%a: not finite", (double)x);
            EXPECT((b >> 15 != 0) == (x < 0 || signbit(x)) && b >> 15 == f >> 15, "%a: sign", (double)x);
            EXPECT(vb >= a || (b & 0x7fff) == 0x7f7f, "%a: bf16 %g is below", (double)x, vb);
            EXPECT(vf >= a || (f & 0x7fff) == 0x7bff, "%a: f16 %g is below", (double)x, vf);
            EXPECT((b & 0x7fff) <= 0x80 || fabs(value_of(b - 1, 8, 7)) < a,
                   "%a: bf16 not the next, nor the least normal", (double)x);
            EXPECT((f & 0x7fff) == 0 || fabs(value_of(f - 1, 5, 10)) < a, "%a: f16 not the next", (double)x);
        }
    tap_end();
}

static void test_rounding(void)
{
    int i, s;
    tap_begin("round: nearest, ties to even, below 2^22; shift_rne the same in integers");
    for (i = -8390000; i < 8390000; i += 7) {
        float x = (float)i * 0.5f;
        if (fabsf(x) >= 4194304.0f) continue;
        EXPECT(hrq__round(x) == (int32_t)nearbyint((double)x), "%g gives %ld", (double)x, (long)hrq__round(x));
    }
    for (i = 0; i < 200000; i++) {
        float x = (float)((draw_uniform() * 2 - 1) * ldexp(1.0, (int)draw_below(22)));
        EXPECT(hrq__round(x) == (int32_t)nearbyint((double)x), "%a gives %ld", (double)x, (long)hrq__round(x));
    }
    for (s = 1; s < 32; s++)
        for (i = 0; i < 2000; i++) {
            uint32_t u = (uint32_t)draw() >> 1; /* 31 bits: the sum of the rounding term stays in a word */
            if (i < 200) u = (uint32_t)i << (s - 1) & 0x7fffffffu;
            if ((uint64_t)u + (1u << (s - 1)) > 0xffffffffu) continue;
            EXPECT((double)hrq__shift_rne(u, s) == nearbyint(ldexp((double)u, -s)), "%lu >> %d", (unsigned long)u, s);
        }
    EXPECT(hrq__clampf(3.0f, -1.0f, 2.0f) == 2.0f && hrq__clampf(-3.0f, -1.0f, 2.0f) == -1.0f &&
               hrq__clampf(0.5f, -1.0f, 2.0f) == 0.5f,
           "clampf");
    EXPECT(hrq__clampi(3, -1, 2) == 2 && hrq__clampi(-3, -1, 2) == -1 && hrq__clampi(1, -1, 2) == 1, "clampi");
    tap_end();
}

static void test_sizes(void)
{
    size_t out = 7, big = SIZE_MAX;
    tap_begin("sizes: overflow is seen, and only overflow");
    EXPECT(hrq__mul_size(0, big, &out) && out == 0, "0 * max");
    EXPECT(hrq__mul_size(1, big, &out) && out == big, "1 * max");
    EXPECT(!hrq__mul_size(2, big / 2 + 1, &out) && out == big, "2 * (max / 2 + 1)");
    EXPECT(hrq__mul_size(2, big / 2, &out) && out == big - 1, "2 * (max / 2)");
    EXPECT(hrq__add_size(big, 0, &out) && out == big && !hrq__add_size(big, 1, &out), "max + 0, max + 1");
    EXPECT(hrq__div_up(big, 8) == big / 8 + 1 && hrq__div_up(0, 8) == 0 && hrq__div_up(16, 8) == 2, "div_up");
    EXPECT(hrq__shape_ok(1, 1, 1) && !hrq__shape_ok(0, 1, 1) && !hrq__shape_ok(1, 0, 1) && !hrq__shape_ok(1, 2, 1),
           "shape");
    EXPECT(!hrq__shape_ok(big / 8, 8, 8) && !hrq__shape_ok(2, 1, big), "shape that overflows");
    tap_end();
}

static void test_checksum(void)
{
    static const char text[] = "123456789";
    unsigned char noise[3000]; /* both ways: tables are made from 1024 bytes on */
    size_t i, cut;
    tap_begin("crc32: check value, chaining, plain bitwise division");
    EXPECT(hrq__crc32(0, text, 9) == 0xcbf43926u, "%08lx", (unsigned long)hrq__crc32(0, text, 9));
    EXPECT(hrq__crc32(0, text, 0) == 0 && hrq__crc32(0x1234u, text, 0) == 0x1234u, "no bytes");
    for (i = 0; i < sizeof noise; i++) noise[i] = (unsigned char)draw();
    for (cut = 0; cut <= sizeof noise; cut += 113) {
        uint32_t crc = ~0u;
        int bit;
        for (i = 0; i < cut; i++)
            for (bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ ((crc ^ (uint32_t)(noise[i] >> bit)) & 1 ? 0xedb88320u : 0);
        EXPECT(hrq__crc32(0, noise, cut) == ~crc, "%lu bytes", (unsigned long)cut);
        EXPECT(hrq__crc32(hrq__crc32(0, noise, cut), noise + cut, sizeof noise - cut) ==
                   hrq__crc32(0, noise, sizeof noise),
               "cut at %lu", (unsigned long)cut);
    }
    tap_end();
}

static void test_random(void)
{
    /* splitmix64 from 1234567, as published with java.util.SplittableRandom */
    static const uint64_t known[5] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                      4593380528125082431u, 16408922859458223821u};
    double ones = 0;
    uint64_t i;
    tap_begin("random: splitmix64 by counter");
    for (i = 0; i < 5; i++)
        EXPECT(hrq__random(1234567, i) == known[i], "%llu", (unsigned long long)hrq__random(1234567, i));
    for (i = 0; i < 10000; i++) {
        uint64_t z = hrq__random(test_seed, i);
        for (; z; z &= z - 1) ones++;
    }
    /* 640000 fair coins: standard deviation 400; five of them */
    EXPECT(fabs(ones - 320000.0) < 2000.0, "%g ones of 640000", ones);
    tap_end();
}

static void test_rows(void)
{
    float x[300], y[300];
    size_t n, i;
    tap_begin("sums along a row: 16 lanes and a tree, against double; finite, absmax");
    for (n = 0; n <= 300; n += n < 40 ? 1 : 13) {
        double sum = 0, size = 0;
        float lane[16] = {0}, scale = n % 2 ? 1.0f : 0.25f;
        fill_gauss(x, 300, 1.0);
        fill_gauss(y, 300, 1.0);
        for (i = 0; i < n; i++) {
            sum += (double)x[i] * (double)y[i];
            size += fabs((double)x[i] * (double)y[i]);
            lane[i % 16] = fmaf(x[i] * scale, y[i] * scale, lane[i % 16]);
        }
        for (i = 0; i < 8; i++) lane[i] += lane[i + 8];
        for (i = 0; i < 4; i++) lane[i] += lane[i + 4];
        EXPECT(hrq__dot16(x, y, n, scale) == (lane[0] + lane[2]) + (lane[1] + lane[3]), "bits at n = %lu",
               (unsigned long)n);
        sum *= (double)scale * (double)scale;
        /* scale is a power of two; n / 16 additions in a lane, 4 in the tree, half an ulp of 2^-23 each */
        EXPECT(fabs((double)hrq__dot16(x, y, n, scale) - sum) <= ((double)n / 16 + 5) * 0x1p-24 * size, "n = %lu",
               (unsigned long)n);
    }
    x[3] = -77.0f;
    EXPECT(hrq__absmax(x, 300) == 77.0f && hrq__absmax(x, 0) == 0.0f, "absmax");
    x[5] = NAN;
    x[6] = INFINITY;
    x[11] = -INFINITY;
    EXPECT(hrq__nonfinite(x, 1, 300, 300) == 3 && hrq__nonfinite(x, 3, 1, 5) == 1, "nonfinite counts rows by ld");
    EXPECT(hrq__finite(3.4e38f) && hrq__finite(1e-45f) && hrq__finite(-0.0f), "finite");
    tap_end();
}

static void test_texts(void)
{
    static const int all[] = {0, -1, -2, -3, -4, -5, -6, -7, -20, -21, -22, -40, -41};
    size_t i, j, n = sizeof all / sizeof all[0];
    char version[32];
    tap_begin("texts: one for every status, all different; version");
    for (i = 0; i < n; i++)
        for (j = 0; j < i; j++)
            EXPECT(strcmp(hrq_status_text((hrq_status)all[i]), hrq_status_text((hrq_status)all[j])) != 0, "%d and %d",
                   all[i], all[j]);
    for (i = 0; i < n; i++) EXPECT(strcmp(hrq_status_text((hrq_status)all[i]), "unknown status") != 0, "%d", all[i]);
    EXPECT(hrq_status_text((hrq_status)-19) != NULL, "no text for what is no status");
    snprintf(version, sizeof version, "%d.%d.%d", HRQ_VERSION_MAJOR, HRQ_VERSION_MINOR, HRQ_VERSION_PATCH);
    EXPECT(strcmp(version, hrq_version_text()) == 0, "%s", hrq_version_text());
    EXPECT(hrq_isa_limit(NULL) == HRQ_ERR_ARG && hrq_isa_limit("sse9") == HRQ_ERR_ARG &&
               hrq_isa_limit("") == HRQ_ERR_ARG,
           "isa");
    EXPECT(hrq_isa_limit("avx2") == HRQ_OK && hrq_isa_text() != NULL, "isa");
    EXPECT(hrq_isa_limit("scalar") == HRQ_OK && strcmp(hrq_isa_text(), "scalar") == 0, "isa is %s", hrq_isa_text());
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    size_t i;
    for (i = 0; i < 2; i++) {
        test_half_codes(&types[i]);
        test_half_ties(&types[i]);
        test_half_floats(&types[i], effort);
    }
    test_half_up();
    test_rounding();
    test_sizes();
    test_checksum();
    test_random();
    test_rows();
    test_texts();
    return tap_finish();
}
