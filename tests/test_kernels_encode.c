// test_kernels_encode.c: [6i]. Every kernel of scans, codes, planes, activations and the Hadamard transform gives the
// bits of its scalar specification, on buffers that end with their last byte.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

static const hrq__kernels *scalar, *row;

/* n floats that end where their block does: Gaussian, of any magnitude, zeros and least numbers, small integers, or any
   bits at all. */
static float *noise(size_t n, int kind)
{
    float *x = (float *)malloc(n ? n * sizeof *x : 1);
    size_t i;
    fill_gauss(x, n, 1.0);
    for (i = 0; i < n; i++) {
        uint64_t u = draw();
        if (kind == 1) x[i] *= hrq__float_of((uint32_t)(1 + u % 190) << 23);
        if (kind == 2) x[i] = hrq__float_of((uint32_t)(u & 0x80000003u));
        if (kind == 3) x[i] = (float)((int)(u % 33) - 16) * 0.5f;
        if (kind == 4) x[i] = hrq__float_of((uint32_t)u);
        if (kind < 4 && !hrq__finite(x[i])) x[i] = -0.0f;
    }
    return x;
}

static void test_scans(void)
{
    int kind;
    size_t n;
    tap_begin("extents, dot16, sum16");
    for (kind = 0; kind < 5; kind++)
        for (n = 1; n < 300; n++) {
            size_t group = n % 3 ? 8 * (1 + (size_t)draw() % 9) : n, groups = (n + group - 1) / group;
            float *x = noise(n, kind), *y = noise(n, kind % 4), *a = noise(2 * groups, 0), *b = noise(2 * groups, 0);
            float scale = kind == 1 ? 1e-30f : 0.7f, s[2];
            scalar->extents(a, a + groups, x, n, group);
            row->extents(b, b + groups, x, n, group);
            EXPECT(memcmp(a, b, 2 * groups * sizeof *a) == 0, "extents of %lu by %lu", (unsigned long)n,
                   (unsigned long)group);
            if (kind < 4) {
                s[0] = scalar->dot16(x, y, n, scale);
                s[1] = row->dot16(x, y, n, scale);
                EXPECT(memcmp(s, s + 1, sizeof *s) == 0, "dot16 of %lu: %g %g", (unsigned long)n, (double)s[0],
                       (double)s[1]);
                s[0] = scalar->sum16(x, n, scale);
                s[1] = row->sum16(x, n, scale);
                EXPECT(memcmp(s, s + 1, sizeof *s) == 0, "sum16 of %lu: %g %g", (unsigned long)n, (double)s[0],
                       (double)s[1]);
            }
            free(x), free(y), free(a), free(b);
        }
    tap_end();
}

/* One row of n columns, in groups, under scales that fit, are far too small or far too large, or zero. */
static void one_code(hrq__code_args *a, size_t n, int kind, int is_int)
{
    size_t groups = (a->first + n - 1) / a->group + 1, g;
    float *x = noise(n, kind);
    hrq__norm *norm = (hrq__norm *)malloc(((groups - 1) * HRQ_PANEL + 1) * sizeof *norm);
    int32_t *zero = (int32_t *)malloc(((groups - 1) * HRQ_PANEL + 1) * sizeof *zero);
    uint8_t *c = (uint8_t *)malloc(n), *d = (uint8_t *)malloc(n);
    for (g = 0; g < groups; g++) {
        float top = hrq__absmax(x, n);
        norm[g * HRQ_PANEL] = hrq__norm_of(draw() % 8 == 0 ? 0.0f : draw() % 8 == 0 ? top * 1e-7f : top / 9.0f);
        zero[g * HRQ_PANEL] = (int32_t)(draw() % 256) - 128;
    }
    a->norm = norm;
    a->zero = draw() % 2 ? zero : NULL;
    (is_int ? scalar->code_int : scalar->code_float)(c, x, n, a);
    (is_int ? row->code_int : row->code_float)(d, x, n, a);
    for (g = 0; g < n && c[g] == d[g];) g++;
    EXPECT(g == n, "code %lu of %lu, group %lu from %lu, type %d %d: %g is %d and %d", (unsigned long)g,
           (unsigned long)n, (unsigned long)a->group, (unsigned long)a->first, a->type.exp, a->type.man, (double)x[g % n],
           c[g % n], d[g % n]);
    free(x), free(norm), free(zero), free(c), free(d);
}

static void test_codes(void)
{
    static const size_t groups[] = {8, 16, 24, 32, 40, 64, 128, 1000};
    hrq__code_args a;
    size_t n, k;
    int kind, exp, man;
    memset(&a, 0, sizeof a);
    tap_begin("code_int, code_float");
    for (kind = 0; kind < 4; kind++)
        for (k = 0; k < 8; k++)
            for (n = 1; n < 200; n += 1 + n / 20) {
                int bits = 1 + (int)(draw() % 8);
                a.group = groups[k];
                a.first = draw() % 2 ? 0 : (size_t)draw() % (a.group / 8) * 8;
                a.range.lo = -(1 << (bits - 1)) + (int)(draw() % 2);
                a.range.hi = (1 << (bits - 1)) - 1;
                a.offset = 1 << (bits - 1);
                one_code(&a, n, kind, 1);
                exp = (int)(draw() % 8);
                man = exp ? (int)(draw() % (8 - (unsigned)exp)) : 6;
                a.type = hrq__small_of(exp, man);
                one_code(&a, n, kind, 0);
            }
    tap_end();
}

static void test_pack(void)
{
    unsigned bits, shift, t;
    tap_begin("pack: any bytes; what unpacks them agrees");
    for (bits = 1; bits <= 8; bits++)
        for (shift = 0; shift + bits <= 8; shift++)
            for (t = 0; t < 20; t++) {
                size_t cols8 = 8 * (1 + (size_t)draw() % 13), ld = cols8 + (size_t)draw() % 3, i, at, lane;
                size_t lane_bytes = 16 * bits + (size_t)draw() % 5, size = (cols8 - 1) / 32 * 4 * lane_bytes, wrong = 0;
                uint8_t *codes = (uint8_t *)malloc(15 * ld + cols8), *p, *q;
                size += 16 * bits * ((cols8 - 1) / 8 % 4 + 1);
                p = (uint8_t *)calloc(size, 1), q = (uint8_t *)calloc(size, 1);
                for (i = 0; i < 15 * ld + cols8; i++) codes[i] = (uint8_t)draw();
                hrq__pack_run(scalar, p, lane_bytes, codes, ld, cols8, shift, bits);
                hrq__pack_run(row, q, lane_bytes, codes, ld, cols8, shift, bits);
                EXPECT(memcmp(p, q, size) == 0, "%u bits from %u, %lu columns", bits, shift, (unsigned long)cols8);
                for (at = 0; at < cols8; at += 32) {
                    size_t s = hrq__min_size(cols8 - at, 32) / 8;
                    uint16_t got[8][64];
                    hrq__planes_get(got, p + at / 8 * lane_bytes, 16 * s, bits);
                    for (i = 0; i < 8; i++)
                        for (lane = 0; lane < 16 * s; lane++)
                            wrong += got[i][lane] !=
                                     (codes[lane / s * ld + at + s * i + lane % s] >> shift & ((1u << bits) - 1));
                }
                EXPECT(wrong == 0, "%u bits from %u: %lu codes", bits, shift, (unsigned long)wrong);
                free(codes), free(p), free(q);
            }
    tap_end();
}

static void test_scales(void)
{
    size_t n;
    int kind, nearest;
    tap_begin("group_scales, norms");
    for (kind = 0; kind < 4; kind++)
        for (n = 1; n < 70; n++)
            for (nearest = 0; nearest < 2; nearest++) {
                float *x = noise(n, kind), *y = noise(16, kind), *z = noise(16, 0);
                float top = draw() % 8 == 0 ? 0.0f : fabsf(x[draw() % n]) * 4.0f;
                uint16_t *a = (uint16_t *)malloc(2 * n), *b = (uint16_t *)malloc(2 * n);
                hrq__norm u[16], v[16];
                if (top > 1e38f) top = 1.0f;
                scalar->group_scales(a, x, n, top, nearest);
                row->group_scales(b, x, n, top, nearest);
                EXPECT(memcmp(a, b, 2 * n) == 0, "%lu scales under %g", (unsigned long)n, (double)top);
                scalar->norms(u, y, z);
                row->norms(v, y, z);
                EXPECT(memcmp(u, v, sizeof u) == 0, "norms, kind %d", kind);
                free(x), free(y), free(z), free(a), free(b);
            }
    tap_end();
}

static void test_act(void)
{
    size_t n;
    int kind;
    tap_begin("act_s8");
    for (kind = 0; kind < 4; kind++)
        for (n = 0; n < 1000; n += 64) {
            float *x = noise(n, kind);
            hrq__norm norm = hrq__norm_of(hrq__absmax(x, n) / (draw() % 4 ? 127.0f : 1e7f));
            int8_t *a = (int8_t *)malloc(n + 1), *b = (int8_t *)malloc(n + 1);
            int32_t *s = (int32_t *)malloc((n / 8 + 1) * sizeof *s), *t = (int32_t *)malloc((n / 8 + 1) * sizeof *t);
            scalar->act_s8(a, s, x, n, norm);
            row->act_s8(b, t, x, n, norm);
            EXPECT(memcmp(a, b, n) == 0 && memcmp(s, t, (n / 8 + 1) * sizeof *s) == 0, "%lu entries", (unsigned long)n);
            free(x), free(a), free(b), free(s), free(t);
        }
    tap_end();
}

static void test_hadamard(void)
{
    size_t n, stride, order, i;
    int kind, flip;
    tap_begin("hadamard, paley");
    for (kind = 0; kind < 4; kind++) {
        for (n = 1; n <= 16384; n *= 2)
            for (flip = 0; flip < 2; flip++) {
                float *x = noise(n, kind), *y = (float *)malloc(n * sizeof *y);
                size_t at = 16 * (size_t)(draw() % 9);
                uint64_t seed = draw();
                memcpy(y, x, n * sizeof *x);
                scalar->hadamard(x, n, 0.3f, flip, seed, at);
                row->hadamard(y, n, 0.3f, flip, seed, at);
                EXPECT(memcmp(x, y, n * sizeof *x) == 0, "hadamard of %lu", (unsigned long)n);
                free(x), free(y);
            }
        for (order = 6; order <= 14; order += 4)
            for (stride = 1; stride <= 64; stride += 1 + stride / 2) {
                float c[14 * 14], *x, *y;
                n = 2 * order * stride;
                x = noise(n, kind);
                y = (float *)malloc(n * sizeof *y);
                for (i = 0; kind == 2 && i < n; i++) x[i] = hrq__float_of(hrq__bits_of(x[i]) & 0x80000000u);
                memcpy(y, x, n * sizeof *x);
                hrq__hadamard_conference(c, (unsigned)order);
                scalar->paley(x, order, stride, c, 0.3f);
                row->paley(y, order, stride, c, 0.3f);
                EXPECT(memcmp(x, y, n * sizeof *x) == 0, "order %lu, stride %lu", (unsigned long)order,
                       (unsigned long)stride);
                free(x), free(y);
            }
    }
    tap_end();
}

static void test_errors(void)
{
    size_t n, i;
    int kind;
    tap_begin("int_error, float_error");
    for (kind = 0; kind < 4; kind++)
        for (n = 1; n < 300; n++) {
            float *x = noise(n, kind), top = hrq__absmax(x, n), a, b;
            hrq__norm norm = hrq__norm_of(draw() % 8 == 0 ? 0.0f : draw() % 8 == 0 ? top * 1e-7f : top / 9.0f);
            int bits = 1 + (int)(draw() % 8), exp = (int)(draw() % 8);
            int man = exp ? (int)(draw() % (8 - (unsigned)exp)) : 6;
            hrq__int_range range = {0, (1 << (bits - 1)) - 1};
            hrq__int_fit f, g;
            range.lo = -range.hi - (int)(draw() % 2);
            f = scalar->int_error(x, n, norm, range);
            g = row->int_error(x, n, norm, range);
            EXPECT(memcmp(&f, &g, sizeof f) == 0, "int_error of %lu: %g %g, %g %g, %g %g", (unsigned long)n,
                   (double)f.error, (double)g.error, (double)f.dot, (double)g.dot, (double)f.energy, (double)g.energy);
            a = scalar->float_error(hrq__small_of(exp, man), x, n, norm);
            b = row->float_error(hrq__small_of(exp, man), x, n, norm);
            EXPECT(memcmp(&a, &b, sizeof a) == 0, "float_error of %lu, %d %d: %g %g", (unsigned long)n, exp, man,
                   (double)a, (double)b);
            free(x);
        }
    tap_end();
    tap_begin("wants, zeros");
    for (kind = 0; kind < 4; kind++)
        for (n = 1; n < 100; n++) {
            float *lo = noise(n, kind), *hi = noise(n, kind), *a = noise(n, 0), *b = noise(n, 0), top = 0.0f;
            uint16_t *h = (uint16_t *)malloc(2 * n);
            uint8_t *c = (uint8_t *)malloc(n), *d = (uint8_t *)malloc(n);
            int bits = 1 + (int)(draw() % 8), how = (int)(draw() % 3);
            float steps = how == 1 ? -8.0f : 7.0f;
            hrq__int_range range = {0, 0};
            for (i = 0; i < n; i++) {
                lo[i] = lo[i] < 0.0f ? lo[i] : 0.0f;
                hi[i] = hi[i] > 0.0f ? hi[i] : 0.0f;
                top = -lo[i] > top ? -lo[i] : top;
                h[i] = (uint16_t)(draw() % 0x7c00u);
            }
            scalar->wants(a, lo, hi, n, how, steps, hrq__norm_of(n % 9 ? top : 0.0f));
            row->wants(b, lo, hi, n, how, steps, hrq__norm_of(n % 9 ? top : 0.0f));
            EXPECT(memcmp(a, b, n * sizeof *a) == 0, "wants of %lu, %d", (unsigned long)n, how);
            range.lo = -(1 << (bits - 1));
            range.hi = -range.lo - 1;
            top = n % 9 ? top / 3.0f : 0.0f;
            scalar->zeros(c, lo, h, n, top, range, -range.lo);
            row->zeros(d, lo, h, n, top, range, -range.lo);
            EXPECT(memcmp(c, d, n) == 0, "zeros of %lu", (unsigned long)n);
            free(lo), free(hi), free(a), free(b), free(h), free(c), free(d);
        }
    tap_end();
    tap_begin("signs, scale_rows");
    for (n = 1; n < 300; n++) {
        size_t ld = n + (size_t)draw() % 3, size = 15 * ld + n;
        float *x = noise(16 * n, 0), *scale = noise(16, 1);
        float *a = (float *)calloc(size, sizeof *a), *b = (float *)calloc(size, sizeof *b);
        scalar->scale_rows(a, ld, x, n, scale);
        row->scale_rows(b, ld, x, n, scale);
        EXPECT(memcmp(a, b, size * sizeof *a) == 0, "scale_rows of %lu", (unsigned long)n);
        for (i = 0; i < n; i++) a[i] = b[i] = x[i];
        scalar->signs(a, n, n);
        row->signs(b, n, n);
        EXPECT(memcmp(a, b, size * sizeof *a) == 0, "signs of %lu", (unsigned long)n);
        free(x), free(scale), free(a), free(b);
    }
    tap_end();
}

int main(void)
{
    char name[64];
    size_t i, rows = hrq__kernel_rows;
    test_setup();
    scalar = &hrq__kernel_table[0];
    for (i = 1; i < rows; i++) {
        row = &hrq__kernel_table[i];
        if (row->need & ~hrq__isa_have()) {
            snprintf(name, sizeof name, "kernels of %s", row->isa);
            tap_skip(name, "not on this machine");
            continue;
        }
        printf("# %s\n", row->isa);
        test_scans();
        test_codes();
        test_pack();
        test_scales();
        test_act();
        test_hadamard();
        test_errors();
    }
    if (rows == 1) tap_skip("kernels", "none in this build");
    return tap_finish();
}
