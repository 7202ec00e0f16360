// test_kernels_lattice.c: [6]. Kernels that code lattices against their scalar specifications, byte for byte: every row of
// the kernel table that this machine can run, every q, number of scales and search, data from tiny to far outside,
// buffers that end at the last byte.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

enum { KINDS = 6 };

/* A code by its two sets of arguments, and its scales for halves of them; box: of the box code. */
typedef struct coder {
    const char *name;
    hrq__voronoi voronoi;
    hrq__box box;
    hrq__box_map map[16];
    hrq__box_args args;
    int is_box;
} coder;

static float half_step(const coder *c)
{
    if (!c->is_box) return c->voronoi.beta[draw_below(c->voronoi.k)] * 0.5f;
    return c->box.step * (draw() & 1 ? 0.5f : 0.03125f); /* and thirty-seconds: ties of fixed point */
}

/* Gaussians, with outliers, multiples of half a scale, huge entries, tiny blocks, zeros. */
static void fill(float *x, size_t n, int kind, const coder *c)
{
    size_t i;
    fill_gauss(x, n, kind == 0 ? 1.0 : exp(3 * draw_uniform() - 2));
    for (i = 0; i < n; i++) {
        if (kind == 1 && draw_below(20) == 0) x[i] *= 10.0f;
        if (kind == 2) x[i] = (float)((int)draw_below(65) - 32) * half_step(c);
        if (kind == 3 && draw_below(50) == 0) x[i] *= 1e30f;
        if (kind == 4) x[i] *= 1e-3f;
        if (kind == 5) x[i] = 0.0f;
    }
}

static size_t code(const hrq__kernels *row, const coder *c, uint8_t *out, uint8_t *index, float *value, const float *x,
                   size_t cols8)
{
    return c->is_box ? row->code_box(out, index, value, x, cols8, &c->args)
                     : row->code_e8(out, index, value, x, cols8, &c->voronoi.e8);
}

static void expect_same(const hrq__kernels *row, const coder *c, size_t cols8, int kind)
{
    block out[2], index[2], value[2], in = block_of(cols8 * sizeof(float), 4);
    float *x = (float *)malloc(cols8 * sizeof(float));
    size_t at, done;
    int i;
    fill(x, cols8, kind, c);
    memcpy(in.data, x, cols8 * sizeof(float)); /* up to the last byte */
    for (i = 0; i < 2; i++) {
        out[i] = block_of(cols8, 1);
        index[i] = block_of(cols8 / 8, 1);
        value[i] = block_of(cols8 * sizeof(float), 4);
        for (at = 0; at < cols8; at += done) {
            const float *from = i ? (const float *)(const void *)in.data + at : x + at;
            float *to = (float *)(void *)value[i].data + at, own[32];
            done = i ? code(row, c, out[i].data + at, index[i].data + at / 8, to, from, cols8 - at) : 0;
            if (done) continue;
            done = code(&hrq__kernel_table[0], c, out[i].data + at, index[i].data + at / 8, own, x + at, cols8 - at);
            memcpy(value[i].data + at * sizeof(float), own, done * sizeof(float));
        }
    }
    EXPECT(memcmp(out[0].data, out[1].data, cols8) == 0, "%s, %s, kind %d: codes", row->isa, c->name, kind);
    EXPECT(memcmp(index[0].data, index[1].data, cols8 / 8) == 0, "%s, %s, kind %d: scales", row->isa, c->name, kind);
    EXPECT(memcmp(value[0].data, value[1].data, cols8 * sizeof(float)) == 0, "%s, %s, kind %d: values", row->isa,
           c->name, kind);
    for (i = 0; i < 2; i++) {
        free(out[i].base);
        free(index[i].base);
        free(value[i].base);
    }
    free(in.base);
    free(x);
}

static coder coder_of(const char *name)
{
    hrq_format f = format_of(name);
    hrq__norm norm = hrq__norm_of((float)exp(draw_uniform() - 0.5));
    unsigned k;
    coder c;
    memset(&c, 0, sizeof c);
    c.name = name;
    c.is_box = name[2] == 'b';
    if (c.is_box) {
        c.box = hrq__box_of(&f);
        for (k = 0; k < 2 * c.box.classes; k++)
            hrq__box_map_of(&c.map[k], c.box.level + (k << c.box.bits), c.box.bits);
        c.args.norm = norm;
        c.args.step = (float)exp(draw_uniform());
    } else {
        c.voronoi = hrq__voronoi_of(&f);
        c.voronoi.e8.norm = norm;
    }
    return c;
}

static void test_boxes(const hrq__kernels *row, int effort)
{
    unsigned bits, k;
    int kind, round;
    for (bits = 2; bits <= 4; bits++)
        for (k = 1; k <= 8; k *= 2)
            for (kind = 0; kind < KINDS; kind++)
                for (round = 0; round < (effort ? 8 : 2); round++) {
                    char name[40];
                    coder c;
                    snprintf(name, sizeof name, "e8b%u:k%u", bits, k);
                    c = coder_of(name);
                    c.args.box = &c.box;
                    c.args.map = c.map;
                    if (kind == 2) c.args.norm = hrq__norm_of(1.0f);
                    expect_same(row, &c, 8 * (1 + draw_below(effort ? 300 : 80)), kind);
                }
}

/* The label that a map finds, for all t: nearest by squares, the lower on ties; its second best, the lower on ties. */
static void test_maps(void)
{
    unsigned bits, k, set;
    int32_t t;
    tap_begin("box codes: labels, neighbours and steps to them by look-up");
    for (bits = 2; bits <= 4; bits++)
        for (k = 1; k <= 8; k *= 2) {
            char name[40];
            coder c;
            snprintf(name, sizeof name, "e8b%u:k%u", bits, k);
            c = coder_of(name);
            for (set = 0; set < 2 * k; set++)
                for (t = -6000; t <= 6000; t++) {
                    const int8_t *level = c.box.level + (set << bits);
                    const hrq__box_map *map = &c.map[set];
                    int32_t u = hrq__clampi(t + 2048, 0, 4095), n = (map->bin[u / 64] + u % 64) / 64, near = 0, i, side;
                    int top = (1 << bits) - 1;
                    for (i = 1; i <= top; i++)
                        if (labs((long)t - 16 * level[i]) < labs((long)t - 16 * level[near])) near = i;
                    side = near == 0                                                                            ? 1
                           : near == top                                                                        ? -1
                           : labs((long)t - 16 * level[near + 1]) < labs((long)t - 16 * level[near - 1]) ? 1
                                                                                                                : -1;
                    EXPECT(n == near && map->own[n] == 16 * level[n], "%s: %ld: label %ld, not %ld", name, (long)t,
                           (long)n, (long)near);
                    EXPECT((t > map->middle[near]) == (side > 0), "%s: %ld: side", name, (long)t);
                    EXPECT(map->gap[near + (side > 0 ? 16 : 0)] == 16 * (level[near] - level[near + side]), "%s: gap",
                           name);
                }
        }
    tap_end();
}

int main(void)
{
    int effort = test_setup(), q, k, kind;
    size_t r, rows = sizeof hrq__kernel_table / sizeof hrq__kernel_table[0];
    test_maps();
    for (r = 1; r < rows; r++) {
        const hrq__kernels *row = &hrq__kernel_table[r];
        char title[80];
        snprintf(title, sizeof title, "%s: codes of E8, all q, scales and searches", row->isa);
        if (row->need & ~hrq__isa_have()) {
            snprintf(title, sizeof title, "kernels of %s", row->isa);
            tap_skip(title, "not on this machine");
            continue;
        }
        tap_begin(title);
        for (q = 4; q <= 256; q *= 2)
            for (k = 1; k <= 16; k++)
                for (kind = 0; kind < 2 * KINDS; kind++) {
                    char name[40];
                    coder c;
                    snprintf(name, sizeof name, "e8:q%d:k%d%s", q, k, kind % 2 ? ":first" : "");
                    c = coder_of(name);
                    expect_same(row, &c, 8 * (1 + draw_below(effort ? 300 : 80)), kind / 2);
                }
        tap_end();
        snprintf(title, sizeof title, "%s: box codes, all bits and classes", row->isa);
        tap_begin(title);
        test_boxes(row, effort);
        tap_end();
    }
    return tap_finish();
}
