// test_kernels_neon.c: every row of the kernel table against the scalar one, bytes and bits, on whatever this build and
// machine has: all codecs, shapes, strides, extreme values; buffers end at the last byte. arch.sh runs it under
// emulators too and collects the lines "# row NAME".

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

static const hrq__kernels *const scalar = hrq__kernel_table;
static const hrq__kernels *now; /* the row under test */

static void fill(void *p, size_t bytes)
{
    unsigned char *to = (unsigned char *)p;
    while (bytes-- > 0) *to++ = (unsigned char)draw();
}

static int same_floats(const float *x, const float *y, size_t n) /* a NaN is a NaN */
{
    for (; n > 0; n--, x++, y++)
        if (memcmp(x, y, sizeof *x) != 0 && !(*x != *x && *y != *y)) return 0;
    return 1;
}

/* ---- decoders ---- */

static uint8_t maps[HRQ__MAPS];
static int16_t value[256], multiple[16];
static int8_t level[256];
static uint16_t hash[8];

static void decoded(const char *what, int codec, hrq__decode_args args)
{
    static const size_t strides[] = {64, 128, 256};
    size_t cols8, s, i, bytes, odd;
    int wide = args.clamp > 127;
    args.value = value;
    args.multiple = multiple;
    args.level = level;
    args.hash = hash;
    args.flip = now->flip;
    args.maps = maps;
    if (now->prepare) now->prepare(maps, codec, &args);
    for (s = 0; s < 3; s++)
        for (cols8 = 8; cols8 <= 136; cols8 += cols8 < 72 ? 8 : 64) {
            block codes, lo[2], hi[2];
            uint8_t past[2][128];
            args.stride = strides[s];
            bytes = (cols8 / 4 - 1) * args.stride + 64;
            odd = draw_below(3);
            codes = block_of(cols8 / 8 * args.lane_bytes, odd);
            fill(codes.data, codes.bytes);
            fill(past[0], 128);
            memcpy(past[1], past[0], 128);
            for (i = 0; i < 2; i++) {
                lo[i] = block_of(bytes, odd);
                hi[i] = block_of(wide ? bytes : 1, odd);
                args.past = past[i];
                hrq__decode_run(i ? now : scalar, codec, lo[i].data, hi[i].data, codes.data, cols8, &args);
            }
            EXPECT(memcmp(lo[0].data, lo[1].data, bytes) == 0, "%s: %lu columns, stride %lu", what,
                   (unsigned long)cols8, (unsigned long)args.stride);
            EXPECT(memcmp(hi[0].data, hi[1].data, hi[0].bytes) == 0, "%s: upper bytes, %lu columns", what,
                   (unsigned long)cols8);
            EXPECT(memcmp(past[0], past[1], 128) == 0, "%s: the past", what);
            free(codes.base);
            for (i = 0; i < 2; i++) {
                free(lo[i].base);
                free(hi[i].base);
            }
        }
}

static void integers_and_tables(void)
{
    hrq__decode_args args;
    char name[64];
    unsigned i, wide;
    memset(&args, 0, sizeof args);
    args.clamp = 127;
    for (args.code_bits = 1; args.code_bits <= 8; args.code_bits++) {
        args.lane_bytes = 16 * args.code_bits;
        snprintf(name, sizeof name, "int%u", args.code_bits);
        decoded(name, HRQ__CODEC_INT, args);
        for (wide = 0; args.code_bits > 1 && wide < 2; wide++) {
            hrq__decode_args table = args;
            table.clamp = wide ? 32767 : 127;
            for (i = 0; i < 256; i++)
                value[i] = (int16_t)(i < 2 ? (i ? -1 : 1) * (wide ? 32767 : 127)
                                           : wide ? (int)draw_below(65535) - 32767 : (int)draw_below(255) - 127);
            snprintf(name, sizeof name, "table of %u bits%s", args.code_bits, wide ? ", wide" : "");
            decoded(name, HRQ__CODEC_FLOAT, table);
        }
    }
}

static void voronoi(void)
{
    static const unsigned q[] = {3, 4, 7, 8, 14, 16, 32, 64}, k[] = {1, 2, 3, 4, 8, 16};
    unsigned i, j, lattice, layers, bit;
    for (i = 0; i < sizeof q / sizeof q[0]; i++)
        for (j = 0; j < sizeof k / sizeof k[0]; j++)
            for (lattice = 0; lattice < 3; lattice++)
                for (layers = 1; layers <= (q[i] < 8 && j < 2 ? 2u : 1u); layers++) {
                    hrq__decode_args args;
                    char name[64];
                    memset(&args, 0, sizeof args);
                    args.q = q[i];
                    args.scales = k[j];
                    args.lattice = (int)lattice;
                    args.layers = layers;
                    args.clamp = j == 3 && layers == 1 && q[i] == 64 ? 32767 : 127;
                    while (1u << args.code_bits < q[i]) args.code_bits++;
                    if (1u << args.code_bits != q[i]) {
                        args.code_bits = 0;
                        args.digit_bits = (unsigned)ceil(8 * log2((double)q[i]));
                    }
                    for (bit = 1; bit < k[j]; bit *= 2) args.scale_bits++;
                    args.lane_bytes = layers * (16 * args.code_bits + 2 * args.digit_bits) + 2 * args.scale_bits;
                    for (bit = 0; bit < 16; bit++)
                        multiple[bit] = (int16_t)(j == 5 ? (int)draw_below(400) - 100 : (int)draw_below(128));
                    multiple[0] = 8; /* 8 * 16 = 128 is clamped */
                    snprintf(name, sizeof name, "voronoi: lattice %u, q %u, k %u, %u layers", lattice, q[i], k[j],
                             layers);
                    decoded(name, HRQ__CODEC_VORONOI, args);
                }
}

static void box_and_trellis(void)
{
    hrq__decode_args args;
    char name[64];
    unsigned i, try;
    memset(&args, 0, sizeof args);
    args.clamp = 127;
    for (args.code_bits = 2; args.code_bits <= 4; args.code_bits++)
        for (args.scales = 1; args.scales <= 8; args.scales++) {
            fill(level, sizeof level);
            for (args.scale_bits = 0; 1u << args.scale_bits < args.scales;) args.scale_bits++;
            args.lane_bytes = 16 * args.code_bits + 2 * args.scale_bits;
            snprintf(name, sizeof name, "box of %u bits, %u classes", args.code_bits, args.scales);
            decoded(name, HRQ__CODEC_BOX, args);
        }
    args.scales = args.scale_bits = 0;
    for (args.code_bits = 1; args.code_bits <= 3; args.code_bits++)
        for (args.parities = 5; args.parities <= 6; args.parities++)
            for (try = 7; try <= 16; try++) {
                if (args.code_bits + args.parities > 8) continue;
                fill(level, sizeof level);
                for (i = 0; i < 8; i++) hash[i] = (uint16_t)(draw() & ((1u << try) - 1));
                hash[0] |= (uint16_t)(1u << (try - 1));
                args.lane_bytes = 16 + 16 * args.code_bits;
                snprintf(name, sizeof name, "trellis: %u raw bits, %u parities, window %u", args.code_bits,
                         args.parities, try);
                decoded(name, HRQ__CODEC_TRELLIS, args);
            }
}

/* ---- products ---- */

static void dots(void)
{
    static const size_t depths[] = {8, 16, 24, 40, 64, 104, 520, 2048};
    size_t d, n, p, i, t, panels, depth, ldx, rows, lds;
    int kind;
    for (d = 0; d < 8; d++)
        for (n = 1; n <= 19; n += n < 9 ? 1 : 5)
            for (p = 0; p < 2; p++)
                for (kind = 0; kind < 3; kind++) {
                    hrq__vectors x;
                    hrq__groups g;
                    block tile, vectors;
                    int32_t *sums, *acc[2], *zero;
                    float *scale, *total[2];
                    double *wide[2];
                    size_t count;
                    panels = p ? 4 : 1;
                    depth = depths[d];
                    rows = 16 * panels;
                    ldx = depth + draw_below(9);
                    lds = depth / 8 + 1 + draw_below(3);
                    tile = block_of(rows * depth, draw_below(3));
                    vectors = block_of((n - 1) * ldx + depth, draw_below(3));
                    fill(tile.data, tile.bytes);
                    for (i = 0; i < vectors.bytes; i++)
                        vectors.data[i] = (uint8_t)(kind == 2 ? 127u : (unsigned)((int)draw_below(255) - 127));
                    if (kind) memset(tile.data, (int)(0x80u ^ now->flip), tile.bytes);
                    sums = (int32_t *)(void *)block_of(4 * n * lds, 0).base;
                    for (t = 0; t < n; t++) {
                        sums[t * lds] = (int32_t)draw();
                        for (i = 1; i < lds; i++) {
                            uint32_t sum = (uint32_t)sums[t * lds + i - 1];
                            size_t c;
                            for (c = 0; i <= depth / 8 && c < 8; c++)
                                sum += (uint32_t)(int8_t)vectors.data[t * ldx + 8 * (i - 1) + c];
                            sums[t * lds + i] = (int32_t)sum;
                        }
                    }
                    x.x = (const int8_t *)vectors.data;
                    x.ldx = ldx;
                    x.sums = sums;
                    x.lds = lds;
                    x.n = n;
                    g.group = 8u << draw_below(7);
                    if (draw_below(4) == 0) g.group = 24;
                    count = hrq__div_up(depth, g.group);
                    scale = floats_of(count, rows, rows);
                    zero = (int32_t *)(void *)block_of(4 * count * rows, 0).base;
                    for (i = 0; i < count * rows; i++) {
                        scale[i] = (float)(draw_gauss() * (draw_below(9) ? 1.0 : 1e30));
                        zero[i] = (int32_t)draw_below(257) - 128;
                    }
                    g.scale = scale;
                    g.zero = draw_below(2) ? zero : NULL;
                    for (i = 0; i < 2; i++) {
                        uint8_t *flipped = (uint8_t *)malloc(tile.bytes);
                        size_t b;
                        for (b = 0; b < tile.bytes; b++) flipped[b] = (uint8_t)(tile.data[b] ^ now->flip);
                        acc[i] = (int32_t *)(void *)block_of(4 * n * rows, 0).base;
                        total[i] = floats_of(n, rows, rows);
                        wide[i] = (double *)(void *)block_of(8 * n * rows, 0).base;
                        for (b = 0; b < n * rows; b++) {
                            acc[i][b] = (int32_t)(b * 12345u % 1000001u) - 500000;
                            total[i][b] = (float)b - 3.5f;
                            wide[i][b] = (double)b * 1.1 - 3.0;
                        }
                        (i ? now : scalar)->dot_s8(acc[i], i ? tile.data : flipped, panels, depth, &x);
                        (i ? now : scalar)->dot_groups(total[i], i ? tile.data : flipped, panels, depth, &x, &g);
                        (i ? now : scalar)->dot_wide(wide[i], i ? tile.data : flipped, panels, depth, &x, &g);
                        free(flipped);
                    }
                    EXPECT(memcmp(acc[0], acc[1], 4 * n * rows) == 0, "dot_s8: %lu panels, depth %lu, n %lu, data %d",
                           (unsigned long)panels, (unsigned long)depth, (unsigned long)n, kind);
                    EXPECT(same_floats(total[0], total[1], n * rows), "dot_groups: %lu panels, depth %lu, n %lu, group %lu",
                           (unsigned long)panels, (unsigned long)depth, (unsigned long)n, (unsigned long)g.group);
                    EXPECT(memcmp(wide[0], wide[1], 8 * n * rows) == 0, "dot_wide: %lu panels, depth %lu, n %lu, group %lu",
                           (unsigned long)panels, (unsigned long)depth, (unsigned long)n, (unsigned long)g.group);
                    for (i = 0; i < 2; i++) {
                        free(acc[i]);
                        free(total[i]);
                        free(wide[i]);
                    }
                    free(tile.base);
                    free(vectors.base);
                    free(sums);
                    free(scale);
                    free(zero);
                }
}

/* SIMDe widens a signalling NaN of 16 bits as it is, where AArch64 makes it quiet. */
#ifdef HRQ_SIMDE_NEON
    #define same_scales same_floats
#else
    #define same_scales same_bits
#endif

static void scales_and_finish(void)
{
    size_t n, i, kind, round;
    for (kind = 0; kind < 3; kind++)
        for (n = 16; n <= 65536; n *= 4) {
            block p = block_of(n * (kind == 0 ? 2 : 1), 1);
            float *out[2];
            for (i = 0; i < n; i++) {
                p.data[kind == 0 ? 2 * i : i] = (uint8_t)i;
                if (kind == 0) p.data[2 * i + 1] = (uint8_t)(n < 65536 ? draw() : i >> 8);
            }
            for (i = 0; i < 2; i++) {
                out[i] = floats_of(1, n, n);
                (i ? now : scalar)->scales(out[i], p.data, n, (int)kind);
            }
            EXPECT(same_scales(out[0], out[1], n), "%lu scales of kind %lu", (unsigned long)n, (unsigned long)kind);
            free(out[0]);
            free(out[1]);
            free(p.base);
        }
    for (round = 0; round < 50; round++) {
        double total[16];
        float scale[16], y[2][16], x = (float)draw_gauss();
        for (i = 0; i < 16; i++) {
            total[i] = draw_gauss() * (draw_below(9) ? 1e3 : 1e38);
            scale[i] = (float)(draw_gauss() * (draw_below(9) ? 1e-2 : 1e-44));
        }
        for (i = 0; i < 2; i++) (i ? now : scalar)->finish(y[i], total, scale, x);
        EXPECT(same_bits(y[0], y[1], 16), "finish");
    }
}

static void floats(void)
{
    size_t cols, n, i, j, k, depth;
    for (cols = 1; cols <= 70; cols += cols < 9 ? 1 : 20)
        for (n = 0; n < 2; n++) {
            block lo = block_of(hrq__div_up(cols, 4) * 64, 1), hi = block_of(hrq__div_up(cols, 4) * 64, 1);
            float *out[2];
            fill(lo.data, lo.bytes);
            fill(hi.data, hi.bytes);
            for (i = 0; i < 2; i++) {
                out[i] = floats_of(cols, 16, 16);
                (i ? now : scalar)->tile_f32(out[i], lo.data, n ? hi.data : NULL, cols, cols % 2 ? 128 : 0);
            }
            EXPECT(same_bits(out[0], out[1], 16 * cols), "tile_f32: %lu columns", (unsigned long)cols);
            free(out[0]);
            free(out[1]);
            free(lo.base);
            free(hi.base);
        }
    for (depth = 0; depth <= 33; depth += depth < 5 ? 1 : 14)
        for (n = 1; n <= 33; n += n < 9 ? 1 : 8) {
            size_t ldx = depth + n % 3;
            float *w = floats_of(depth + 1, 16, 16), *x = floats_of(n, depth + 1, ldx), *acc[2];
            fill_gauss(w, 16 * depth, 1.0);
            fill_gauss(x, (n - 1) * ldx + depth, 1.0);
            if (depth > 2) w[17] = (float)NAN, w[35] = (float)INFINITY, w[3] = 1e-44f;
            for (i = 0; i < 2; i++) {
                acc[i] = floats_of(n, 16, 16);
                for (j = 0; j < 16 * n; j++) acc[i][j] = (float)j - 7.25f;
                (i ? now : scalar)->dot_f32(acc[i], w, x, ldx, n, depth);
            }
            EXPECT(same_floats(acc[0], acc[1], 16 * n), "dot_f32: depth %lu, n %lu", (unsigned long)depth,
                   (unsigned long)n);
            free(acc[0]);
            free(acc[1]);
            free(w);
            free(x);
        }
    for (depth = 0; depth <= 40; depth++) {
        size_t m = now->fma_m, width = now->fma_n, ldc = width + depth % 5;
        float *a = floats_of(depth + 1, m, m), *b = floats_of(depth + 1, width, width), *c[2];
        fill_gauss(a, m * depth, 1.0);
        fill_gauss(b, width * depth, 1.0);
        if (depth > 3) a[0] = 0.0f, b[1] = -0.0f, a[m + 1] = (float)INFINITY, b[width + 2] = (float)NAN;
        for (i = 0; i < 2; i++) {
            c[i] = floats_of(m, width, ldc);
            for (j = 0; j < (m - 1) * ldc + width; j++) c[i][j] = (float)j * 0.37f - 9.0f;
        }
        for (i = 0; i < m; i++)
            for (j = 0; j < width; j++)
                for (k = 0; k < depth; k++)
                    c[0][i * ldc + j] = fmaf(a[k * m + i], b[k * width + j], c[0][i * ldc + j]);
        now->fma_tile(c[1], ldc, a, b, depth);
        EXPECT(same_floats(c[0], c[1], (m - 1) * ldc + width), "fma_tile: depth %lu", (unsigned long)depth);
        for (i = 0; i < 2; i++) free(c[i]);
        free(a);
        free(b);
    }
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"integers and tables", integers_and_tables},
                 {"voronoi", voronoi},
                 {"box and trellis", box_and_trellis},
                 {"dots", dots},
                 {"scales and finish", scales_and_finish},
                 {"floats", floats}};
    char name[96];
    size_t row, i;
    test_setup();
    for (row = 0; row < sizeof hrq__kernel_table / sizeof hrq__kernel_table[0]; row++) {
        now = &hrq__kernel_table[row];
        if (now->need & ~hrq__isa_have()) {
            snprintf(name, sizeof name, "row %s", now->isa);
            tap_skip(name, "this machine lacks it");
            continue;
        }
        for (i = 0; row && i < sizeof cases / sizeof cases[0]; i++) {
            snprintf(name, sizeof name, "%s: %s", now->isa, cases[i].name);
            tap_begin(name);
            cases[i].run();
            tap_end();
        }
        printf("# row %s\n", now->isa);
    }
    return tap_finish();
}
