// test_kernels.c: [6i]. Every row of the kernel table that this machine has against the scalar row, contract by contract:
// the same bits, no byte read or written besides the named ones.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

static const hrq__kernels *scalar, *row;
static int effort;

static int8_t draw_s8(int kind)
{
    static const int8_t edge[] = {-128, -127, -1, 0, 1, 127};
    return kind == 0 ? (int8_t)((int)draw_below(256) - 128) : kind == 1 ? (int8_t)-128 : edge[draw_below(6)];
}

static float draw_float(void)
{
    static const float edge[] = {0.0f, -0.0f, 1e-45f, -3e-39f, 1e-20f, 3e38f, -1e38f, 1.0f};
    return draw_below(8) ? (float)(draw_gauss() * ldexp(1.0, (int)draw_below(60) - 30)) : edge[draw_below(8)];
}

/* Random bytes, or one byte all over. */
static block bytes_of(size_t bytes, int kind)
{
    static const uint8_t all[] = {0, 255, 128, 127, 0x88, 0x77};
    block b = block_of(bytes, 1 + draw_below(63));
    size_t i;
    for (i = 0; i < bytes; i++) b.data[i] = kind < 3 ? (uint8_t)draw() : all[kind % 6];
    return b;
}

static int same_block(const block *x, const block *y) { return memcmp(x->data, y->data, x->bytes) == 0; }

/* ---- decode ---- */

/* One run of a decoder against the scalar one, superblock by superblock, on codes of any kind: tiles byte by byte, gaps
   between quads untouched. Returns the columns that the kernel took. */
static size_t decode_one(const char *what, int codec, const hrq__decode_args *given, const hrq__decode_args *plain,
                         size_t cols8, size_t stride, int kind)
{
    hrq__decode_args a = *given, b = *plain;
    uint8_t past[2][128];
    size_t done, at, n, i, used = (cols8 / 4 - 1) * stride + 64;
    int wide = a.clamp > 127, bad = 0;
    block codes = bytes_of(2 * (cols8 / 8 * a.lane_bytes), kind), lo[2], hi[2]; /* and as much for the panel before */
    for (i = 0; i < 128; i++) past[0][i] = past[1][i] = (uint8_t)draw();
    for (i = 0; i < 2; i++) {
        lo[i] = block_of(used, 3);
        hi[i] = block_of(wide ? used : 0, 5);
    }
    a.past = past[0];
    b.past = past[1];
    a.prior = b.prior = (ptrdiff_t)(cols8 / 8 * a.lane_bytes);
    a.stride = b.stride = stride;
    done = row->decode[codec](lo[0].data, hi[0].data, codes.data, cols8, &a);
    EXPECT(done <= cols8 && done % 8 == 0 && (done % 32 == 0 || done == cols8), "%s: %lu columns of %lu", what,
           (unsigned long)done, (unsigned long)cols8);
    for (at = 0; at < done; at += n)
        n = scalar->decode[codec](lo[1].data + at / 4 * stride, hi[1].data + at / 4 * stride,
                                  codes.data + at / 8 * a.lane_bytes, cols8 - at, &b);
    for (i = 0; i < used; i++) {
        unsigned flip = i % stride < 64 && i / stride * 4 < done ? a.flip : 0;
        bad += lo[0].data[i] != (lo[1].data[i] ^ flip) || (wide && hi[0].data[i] != (hi[1].data[i] ^ flip));
    }
    EXPECT(bad == 0, "%s: %d bytes of %lu columns differ, stride %lu", what, bad, (unsigned long)cols8,
           (unsigned long)stride);
    EXPECT(memcmp(past[0], past[1], 128) == 0, "%s: past", what);
    free(codes.base);
    for (i = 0; i < 2; i++) {
        free(lo[i].base);
        free(hi[i].base);
    }
    return done;
}

static size_t decode_all(const char *what, int codec, const hrq__decode_args *a, const hrq__decode_args *plain)
{
    static const size_t cols[] = {8, 16, 24, 32, 40, 64, 96, 136, 256};
    size_t i, took = 0;
    int kind, kinds = effort ? 9 : 5;
    for (i = 0; i < sizeof cols / sizeof cols[0]; i++)
        for (kind = 0; kind < kinds; kind++)
            took += decode_one(what, codec, a, plain, cols[i], draw_below(2) ? 64 : 64 + draw_below(300), kind);
    return took;
}

/* `one` is a decode and a dot: with the scalar ones, of the columns that the kernel took. Values of one tile only. */
static size_t one_one(const char *what, int codec, const hrq__decode_args *given, const hrq__decode_args *plain,
                    size_t cols8, size_t group, int kind)
{
    hrq__decode_args a = *given, b = *plain;
    uint8_t past[2][128];
    size_t i, at, n, done, groups = group ? cols8 / group : 0, columns = group ? groups * group : cols8;
    block codes = bytes_of(2 * (columns / 8 * a.lane_bytes), kind), x = block_of(columns, 1 + draw_below(63)),
          tile = block_of(16 * columns, 1), sums = block_of(4 * (columns / 8 + 1), 4), got = block_of(64, 4),
          want = block_of(64, 4), scale = block_of(64 * groups, 4), zero = block_of(64 * groups, 4);
    hrq__vectors v;
    hrq__groups g;
    int32_t sum = (int32_t)draw_below(2000) - 1000;
    for (i = 0; i < 128; i++) past[0][i] = past[1][i] = (uint8_t)draw();
    for (i = 0; i <= columns; i++) {
        if (i % 8 == 0) memcpy(sums.data + i / 2, &sum, 4);
        if (i == columns) break;
        x.data[i] = (uint8_t)(kind & 1 ? -127 : (int)draw_below(255) - 127);
        sum += (int8_t)x.data[i];
    }
    for (i = 0; i < 16 * groups; i++) {
        ((float *)(void *)scale.data)[i] = (float)draw_gauss();
        ((int32_t *)(void *)zero.data)[i] = (int32_t)draw_below(257) - 128;
    }
    for (i = 0; i < 16; i++) {
        float f = (float)draw_gauss();
        int32_t w = (int32_t)draw_below(2000);
        memcpy(got.data + 4 * i, group ? (void *)&f : (void *)&w, 4);
        memcpy(want.data + 4 * i, got.data + 4 * i, 4);
    }
    v.x = (const int8_t *)x.data;
    v.sums = (const int32_t *)(const void *)sums.data;
    v.ldx = columns;
    v.lds = columns / 8 + 1;
    v.n = 1;
    g.group = group;
    g.scale = (const float *)(const void *)scale.data;
    g.zero = kind & 2 ? (const int32_t *)(const void *)zero.data : NULL;
    a.prior = b.prior = (ptrdiff_t)(columns / 8 * a.lane_bytes);
    a.past = past[0];
    b.past = past[1];
    b.stride = 64;
    done = row->one[codec](got.data, codes.data, columns, &a, &v, group ? &g : NULL);
    EXPECT(done <= columns && (!group || done % group == 0), "one: %s took %lu", what, (unsigned long)done);
    for (at = 0; at < done; at += n)
        n = scalar->decode[codec](tile.data + 16 * at, NULL, codes.data + at / 8 * a.lane_bytes, columns - at, &b);
    if (done && group) scalar->dot_groups((float *)(void *)want.data, tile.data, 1, done, &v, &g);
    else if (done) scalar->dot_s8((int32_t *)(void *)want.data, tile.data, 1, done, &v);
    EXPECT(same_block(&got, &want) && memcmp(past[0], past[1], 128) == 0, "one: %s, %lu columns, groups of %lu", what,
           (unsigned long)columns, (unsigned long)group);
    free(codes.base);
    free(x.base);
    free(tile.base);
    free(sums.base);
    free(got.base);
    free(want.base);
    free(scale.base);
    free(zero.base);
    return done;
}

/* Returns the columns that the kernel took. */
static size_t one_all(const char *what, int codec, const hrq__decode_args *a, const hrq__decode_args *plain)
{
    static const size_t group[] = {0, 8, 16, 24, 32, 64, 96};
    size_t cols, i, took = 0, most = codec == HRQ__CODEC_INT || codec == HRQ__CODEC_FLOAT ? 7 : 1; /* others: none */
    if (!row->one[codec] || a->clamp > 127) return 0;
    for (cols = 24; cols <= 264; cols += 24)
        for (i = 0; i < most; i++)
            if (cols >= group[i]) took += one_one(what, codec, a, plain, cols, group[i], (int)(cols / 24 % 5));
    return took;
}

static int formats, taken, fused;

/* A format as the row opens it. */
static void decode_format(const char *name)
{
    hrq__view v, plain;
    hrq_mat m;
    block b = block_of(0, 1);
    free(b.base);
    m = mat_of(&b, name, 16, 32, 1, NULL, 0);
    hrq_isa_limit("scalar");
    hrq__view_open(&plain, &m);
    hrq_isa_limit(row->isa);
    hrq__view_open(&v, &m);
    EXPECT(v.kernels == row && plain.kernels == scalar, "%s: wrong row", name);
    if (v.integers && v.codec != HRQ__CODEC_PLAIN) {
        v.args.value = plain.args.value = v.value;
        v.args.maps = v.maps;
        v.args.lane_bytes = plain.args.lane_bytes = v.lay.lane_bytes;
        formats++;
        taken += decode_all(name, v.codec, &v.args, &plain.args) && row->decode[v.codec] != scalar->decode[v.codec];
        fused += one_all(name, v.codec, &v.args, &plain.args) > 0;
    }
    free(b.base);
}

static void test_decode(void)
{
    static const char *const more[] = {
        "e2m0",      "e1m1",      "e1m2",       "e2m4",      "e2m5",       "e3m3",      "e3m4",      "e1m6",
        "zn:q16:k1", "d4:q16:k1", "e8:q4:k1",   "e8:q4:k2",  "e8:q4:k3",   "e8:q8:k1",  "e8:q8:k2",  "e8:q8:k3",
        "e8:q8:k4",  "e8:q16:k2", "e8:q16:k3",  "e8:q32:k1", "e8:q256:k1", "e8:q8:k16", "e8:q14:k1", "tcq2:s6",
        "tcq2:s8",   "tcq2:s12",  "tcq2:s14",   "tcq3:s8",   "tcq3:s12",   "tcq3:s14",  "tcq4:s6",   "tcq4:s8",
        "tcq4:s12",  "tcq4:s14",  "tcq2:s14:col", "tcq3:col", "tcq3:s14:col", "tcq4:col", "tcq4:s14:col",
        "e8h:q4:m1:k1", "e8h:q3:m5:k16", "e8h:q15:m2:k9", "e8:q6:k2", "e8:q12:k8",
        "e8:q3:k16", "e8:q254:k1", "e8:q255:k16", "e8:q32:k7", "e8:q64:k4",  "e8:q128:k5", "d4:q3:k1",   "d4:q4:k2",
        "d4:q8:k5",  "d4:q14:k4",  "d4:q253:k3",  "d4:q255:k2", "d4:q256:k16", "d4:q6:k16", "zn:q3:k1",   "zn:q4:k4",
        "zn:q15:k4", "zn:q251:k16", "zn:q254:k4", "zn:q256:k16"};
    char name[32];
    hrq__decode_args a;
    hrq_format f;
    size_t i, j;
    int bits, k;
    memset(&a, 0, sizeof a);
    for (bits = 0; bits <= 15; bits++) {
        hrq__decode_args plain;
        a.code_bits = (unsigned)bits;
        a.clamp = bits > 8 ? 32767 : 127;
        a.lane_bytes = 16 * (size_t)bits;
        plain = a;
        a.flip = row->flip;
        sprintf(name, "%d bits", bits);
        decode_all(name, HRQ__CODEC_INT, &a, &plain);
        one_all(name, HRQ__CODEC_INT, &a, &plain);
        a.flip = 0;
    }
    formats = taken = fused = 0;
    for (i = 1; i < HRQ__FAMILIES; i++)
        for (j = 0; j < 12 && hrq__families[i].shown[j]; j++) decode_format(hrq__families[i].shown[j]);
    for (bits = 2; bits <= 4; bits++)
        for (k = 1; k <= 8; k++) {
            sprintf(name, "e8b%d:k%d", bits, k);
            if (hrq_format_parse(&f, name) == HRQ_OK) decode_format(name);
        }
    for (i = 0; i < sizeof more / sizeof more[0]; i++)
        if (hrq_format_parse(&f, more[i]) == HRQ_OK) decode_format(more[i]);
    printf("# %s: %d of %d formats of integers decoded by its own kernels, %d multiplied as they are decoded\n", row->isa,
           taken, formats, fused);
}

/* ---- dot ---- */

typedef struct {
    block tile, flipped, x, sums;
    hrq__vectors v;
} operands;

/* Of a tile whose values span at most so much around 0 (255: any): all of a row at one end, at the other, at both, or
   somewhere. */
static int draw_span(size_t lane, int least, int span)
{
    return least + (lane % 4 == 0 ? span : lane % 4 == 1 ? 0 : lane % 4 == 2 ? span * (int)draw_below(2)
                                                                         : (int)draw_below((uint32_t)span + 1));
}

static operands operands_of(size_t panels, size_t depth, size_t n, int kind, int span)
{
    int least = -(int)draw_below((uint32_t)(span < 128 ? span : 128) + 1);
    operands o;
    size_t t, k, i;
    int32_t *sums;
    o.tile = block_of(16 * panels * depth, 1 + draw_below(63));
    o.flipped = block_of(16 * panels * depth, 1 + draw_below(63));
    for (i = 0; i < o.tile.bytes; i++) {
        o.tile.data[i] = (uint8_t)(span < 255 ? draw_span(i / 4 % 16, least, span) : draw_s8(kind % 3));
        o.flipped.data[i] = (uint8_t)(o.tile.data[i] ^ row->flip);
    }
    o.v.n = n;
    o.v.ldx = depth + draw_below(9);
    o.v.lds = depth / 8 + 1 + draw_below(3);
    o.x = block_of((n - 1) * o.v.ldx + depth, 1 + draw_below(63));
    o.sums = block_of(((n - 1) * o.v.lds + depth / 8 + 1) * sizeof(int32_t), 0);
    sums = (int32_t *)(void *)o.sums.base;
    for (t = 0; t < n; t++) {
        int32_t sum = (int32_t)draw_below(2000000) - 1000000;
        for (k = 0; k < depth; k++) {
            int v = kind == 1 ? (t & 1 ? -127 : 127) : draw_s8(kind % 3);
            if (v == -128) v = -127;
            if (k % 8 == 0) sums[t * o.v.lds + k / 8] = sum;
            o.x.data[t * o.v.ldx + k] = (uint8_t)v;
            sum += v;
        }
        sums[t * o.v.lds + depth / 8] = sum;
    }
    o.v.x = (const int8_t *)o.x.data;
    o.v.sums = sums;
    return o;
}

static void operands_free(operands *o)
{
    free(o->tile.base);
    free(o->flipped.base);
    free(o->x.base);
    free(o->sums.base);
}

static void dot_s8_one(size_t panels, size_t depth, size_t n, int kind, int span)
{
    operands o = operands_of(panels, depth, n, kind, span);
    size_t i, count = 16 * panels * n;
    block got = block_of(4 * count, 4), want = block_of(4 * count, 4);
    for (i = 0; i < count; i++)
        ((int32_t *)(void *)got.data)[i] = ((int32_t *)(void *)want.data)[i] = (int32_t)draw_below(2000) - 1000;
    row->dot_s8((int32_t *)(void *)got.data, o.flipped.data, panels, depth, &o.v);
    scalar->dot_s8((int32_t *)(void *)want.data, o.tile.data, panels, depth, &o.v);
    EXPECT(same_block(&got, &want), "dot_s8: %lu panels, depth %lu, n %lu, kind %d", (unsigned long)panels,
           (unsigned long)depth, (unsigned long)n, kind);
    free(got.base);
    free(want.base);
    operands_free(&o);
}

static void dot_groups_one(size_t panels, size_t depth, size_t n, size_t group, int kind, int span)
{
    operands o = operands_of(panels, depth, n, kind, span);
    size_t i, count = 16 * panels * n, scales = (depth + group - 1) / group * 16 * panels;
    block got = block_of(4 * count, 4), want = block_of(4 * count, 4), scale = block_of(4 * scales, 4),
          zero = block_of(4 * scales, 4);
    hrq__groups g;
    g.group = group;
    g.scale = (const float *)(const void *)scale.data;
    g.zero = kind & 1 ? (const int32_t *)(const void *)zero.data : NULL;
    for (i = 0; i < scales; i++) {
        float s = draw_float() * 1e-8f;
        int32_t z = kind % 3 ? (draw_below(2) ? 128 : -128) : (int32_t)draw_below(257) - 128;
        memcpy(scale.data + 4 * i, &s, 4);
        memcpy(zero.data + 4 * i, &z, 4);
    }
    for (i = 0; i < count; i++) {
        float s = (float)draw_gauss();
        memcpy(got.data + 4 * i, &s, 4);
        memcpy(want.data + 4 * i, &s, 4);
    }
    row->dot_groups((float *)(void *)got.data, o.flipped.data, panels, depth, &o.v, &g);
    scalar->dot_groups((float *)(void *)want.data, o.tile.data, panels, depth, &o.v, &g);
    EXPECT(same_block(&got, &want), "dot_groups: %lu panels, depth %lu, n %lu, group %lu, kind %d",
           (unsigned long)panels, (unsigned long)depth, (unsigned long)n, (unsigned long)group, kind);
    free(got.base);
    free(want.base);
    free(scale.base);
    free(zero.base);
    operands_free(&o);
}

/* Kernels may look at what a tile holds: spans where sums in 16 bits come to their end. */
static void test_dot_spans(void)
{
    static const int spans[] = {0,  1,  3,  4,  7,  8,  9,  10, 12,  15, 16,
                                17, 21, 22, 24, 31, 32, 33, 43, 64, 129, 130};
    static const size_t depths[] = {8, 40, 128, 256, 264};
    size_t i, d, n, p;
    for (i = 0; i < sizeof spans / sizeof spans[0]; i++)
        for (d = 0; d < sizeof depths / sizeof depths[0]; d++)
            for (p = 1; p <= 4; p += 3) {
                n = 7 + draw_below(7);
                dot_s8_one(p, depths[d], n, 1, spans[i]);
                dot_groups_one(p, depths[d], n, 8 * (1 + draw_below(depths[d] / 8)), (int)draw_below(6), spans[i]);
                dot_groups_one(p, depths[d], n, 8 << draw_below(4), 1 + 3 * (int)draw_below(2), spans[i]);
            }
}

static void test_dot(void)
{
    static const size_t depths[] = {8, 16, 24, 32, 40, 64, 72, 128, 200};
    size_t p, d, n, most = effort ? 20 : 9;
    int i;
    for (p = 1; p <= 4; p += 3) {
        for (d = 0; d < sizeof depths / sizeof depths[0]; d++)
            for (n = 0; n <= most; n++) dot_s8_one(p, depths[d], n == most ? 33 : n + 1, (int)(n + d) % 3, 255);
        for (i = 0; i < (effort ? 300 : 60); i++)
            dot_groups_one(p, 8 * (1 + draw_below(20)), 1 + draw_below(i % 8 ? 12 : 40), 8 * (1 + draw_below(10)), i, 255);
    }
    dot_s8_one(1, 65536, 3, 1, 255);
    dot_groups_one(1, 65536, 2, 65536, 1, 255);
    test_dot_spans();
}

/* ---- scales, finish, floats ---- */

static void scales_one(int kind, unsigned first, size_t n, int relative)
{
    size_t i, width = kind == HRQ__SCALES_F16 ? 2 : 1;
    uint8_t tops[16], found[16];
    block in = block_of(width * n, 1), got = block_of(4 * n, 4), want = block_of(4 * n, 4);
    for (i = 0; i < n; i++) {
        in.data[width * i] = (uint8_t)(first + i);
        if (width == 2) in.data[2 * i + 1] = (uint8_t)((first + i) >> 8);
        if (width == 1 && relative) in.data[i] = (uint8_t)(i % 3 ? draw_below(256) : draw_below(60));
    }
    row->tops(found, in.data, n);
    scalar->tops(tops, in.data, n);
    EXPECT(memcmp(found, tops, 16) == 0, "tops: %lu from %u", (unsigned long)n, first);
    row->scales((float *)(void *)got.data, in.data, n, kind, relative ? tops : NULL);
    scalar->scales((float *)(void *)want.data, in.data, n, kind, relative ? tops : NULL);
    EXPECT(same_block(&got, &want), "scales: kind %d, %lu from %u, relative %d", kind, (unsigned long)n, first, relative);
    free(in.base);
    free(got.base);
    free(want.base);
}

static void finish_one(size_t rows, size_t n, int integers)
{
    size_t i, ldy = rows + draw_below(3);
    block sum = block_of(4 * rows * n, 4), scale = block_of(4 * rows, 4), x = block_of(4 * n, 4),
          got = block_of(4 * ((n - 1) * ldy + rows), 4), want = block_of(got.bytes, 4);
    for (i = 0; i < rows * n; i++) {
        float s = draw_float();
        int32_t w = (int32_t)((int64_t)draw_below(2147483647u) - 1073741824);
        if (integers) memcpy(sum.data + 4 * i, &w, 4);
        else memcpy(sum.data + 4 * i, &s, 4);
    }
    for (i = 0; i < rows; i++) ((float *)(void *)scale.data)[i] = draw_float();
    for (i = 0; i < n; i++) ((float *)(void *)x.data)[i] = draw_float();
    row->finish((float *)(void *)got.data, ldy, sum.data, integers, rows, (float *)(void *)scale.data,
                (float *)(void *)x.data, n);
    scalar->finish((float *)(void *)want.data, ldy, sum.data, integers, rows, (float *)(void *)scale.data,
                   (float *)(void *)x.data, n);
    EXPECT(same_block(&got, &want), "finish: %lu rows, n %lu, integers %d", (unsigned long)rows, (unsigned long)n,
           integers);
    free(sum.base);
    free(scale.base);
    free(x.base);
    free(got.base);
    free(want.base);
}

static void tile_f32_one(size_t cols, int wide, unsigned flip)
{
    size_t bytes = (cols + 3) / 4 * 64;
    block lo = bytes_of(bytes, 0), hi = bytes_of(bytes, 0), got = block_of(64 * cols, 4), want = block_of(64 * cols, 4);
    row->tile_f32((float *)(void *)got.data, lo.data, wide ? hi.data : NULL, cols, flip);
    scalar->tile_f32((float *)(void *)want.data, lo.data, wide ? hi.data : NULL, cols, flip);
    EXPECT(same_block(&got, &want), "tile_f32: %lu columns, wide %d, flip %u", (unsigned long)cols, wide, flip);
    free(lo.base);
    free(hi.base);
    free(got.base);
    free(want.base);
}

static block floats_drawn(size_t n)
{
    block b = block_of(4 * n, 4);
    size_t i;
    for (i = 0; i < n; i++) ((float *)(void *)b.data)[i] = draw_below(4) ? (float)draw_gauss() : draw_float() * 1e-20f;
    return b;
}

static void tile_upper_one(size_t cols, unsigned flip)
{
    size_t bytes = (cols + 3) / 4 * 64;
    block lo = bytes_of(bytes, (int)draw_below(9)), hi = bytes_of(bytes, (int)draw_below(9)), got = block_of(64 * cols, 4),
          want = block_of(64 * cols, 4);
    row->tile_upper((float *)(void *)got.data, lo.data, hi.data, cols, flip);
    scalar->tile_upper((float *)(void *)want.data, lo.data, hi.data, cols, flip);
    EXPECT(same_block(&got, &want), "tile_upper: %lu columns, flip %u", (unsigned long)cols, flip);
    free(lo.base);
    free(hi.base);
    free(got.base);
    free(want.base);
}

static void axpy_one(size_t n, size_t step)
{
    size_t i, factors = step ? n : 1;
    block w = block_of(4 * n, 4), p = block_of(4 * factors, 4), got = block_of(4 * n, 4), want = block_of(4 * n, 4);
    for (i = 0; i < n; i++) {
        ((float *)(void *)w.data)[i] = draw_float();
        ((float *)(void *)got.data)[i] = draw_float();
    }
    for (i = 0; i < factors; i++) ((float *)(void *)p.data)[i] = draw_float();
    if (n) memcpy(want.data, got.data, 4 * n);
    row->axpy((float *)(void *)got.data, (float *)(void *)w.data, (float *)(void *)p.data, step, n);
    scalar->axpy((float *)(void *)want.data, (float *)(void *)w.data, (float *)(void *)p.data, step, n);
    EXPECT(same_block(&got, &want), "axpy: n %lu, step %lu", (unsigned long)n, (unsigned long)step);
    free(w.base);
    free(p.base);
    free(got.base);
    free(want.base);
}

static void dot_f32_one(size_t n, size_t depth)
{
    size_t ldx = depth + draw_below(3);
    block got = floats_drawn(16 * n), want = block_of(got.bytes, 4), w = floats_drawn(16 * depth),
          x = floats_drawn((n - 1) * ldx + depth);
    memcpy(want.data, got.data, got.bytes);
    row->dot_f32((float *)(void *)got.data, (float *)(void *)w.data, (float *)(void *)x.data, ldx, n, depth);
    scalar->dot_f32((float *)(void *)want.data, (float *)(void *)w.data, (float *)(void *)x.data, ldx, n, depth);
    EXPECT(same_block(&got, &want), "dot_f32: n %lu, depth %lu", (unsigned long)n, (unsigned long)depth);
    free(got.base);
    free(want.base);
    free(w.base);
    free(x.base);
}

/* Shapes differ from row to row, so the scalar twin is the contract's line. */
static void fma_tile_one(size_t depth)
{
    size_t m = row->fma_m, n = row->fma_n, ldc = n + draw_below(3), i, j, k;
    block got = floats_drawn((m - 1) * ldc + n), want = block_of(got.bytes, 4), a = floats_drawn(m * depth),
          b = floats_drawn(n * depth);
    float *c = (float *)(void *)want.data, *fa = (float *)(void *)a.data, *fb = (float *)(void *)b.data;
    memcpy(want.data, got.data, got.bytes);
    EXPECT(m >= 1 && m <= 16 && n >= 1 && n <= 64, "fma_tile: %lu x %lu", (unsigned long)m, (unsigned long)n);
    row->fma_tile((float *)(void *)got.data, ldc, fa, fb, depth);
    for (k = 0; k < depth; k++)
        for (i = 0; i < m; i++)
            for (j = 0; j < n; j++) c[i * ldc + j] = fmaf(fa[k * m + i], fb[k * n + j], c[i * ldc + j]);
    EXPECT(same_block(&got, &want), "fma_tile: depth %lu", (unsigned long)depth);
    free(got.base);
    free(want.base);
    free(a.base);
    free(b.base);
}

static void test_floats(void)
{
    size_t n, i;
    scales_one(HRQ__SCALES_F16, 0, 65536, 0);
    scales_one(HRQ__SCALES_E4M3, 0, 256, 0);
    for (n = 16; n <= 64; n += 16) {
        scales_one(HRQ__SCALES_F16, (unsigned)draw_below(65536), n, 0);
        scales_one(HRQ__SCALES_E4M3, (unsigned)draw_below(256), n, 0);
        for (i = 0; i < 100; i++) scales_one(HRQ__SCALES_E8M0, (unsigned)draw_below(256), n, (int)i & 1);
    }
    for (n = 1; n < 12; n++)
        for (i = 0; i < 4; i++) finish_one(i & 1 ? 64 : 16, n, (int)i / 2);
    for (n = 1; n < 40; n++)
        for (i = 0; i < 4; i++) tile_f32_one(n, (int)i & 1, i & 2 ? 128 : 0);
    for (n = 1; n < 36; n++)
        for (i = 0; i < 4; i++) dot_f32_one(n, i ? draw_below(40) : i);
    for (n = 0; n < 70; n++)
        for (i = 0; i < 2; i++) {
            axpy_one(n, i);
            if (n) tile_upper_one(n, i ? 128 : 0);
        }
    for (n = 0; n < 30; n++) fma_tile_one(n);
}

int main(void)
{
    char name[64];
    size_t i, rows = hrq__kernel_rows;
    effort = test_setup();
    scalar = &hrq__kernel_table[0];
    for (i = 0; i < rows; i++) {
        row = &hrq__kernel_table[i];
        sprintf(name, "kernels of %s", row->isa);
        if (row->need & ~hrq__isa_have()) {
            tap_skip(name, "not on this machine");
            continue;
        }
        tap_begin(name);
        test_decode();
        test_dot();
        test_floats();
        tap_end();
    }
    return tap_finish();
}
