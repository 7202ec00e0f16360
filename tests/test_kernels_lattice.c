// test_kernels_lattice.c: [6]. Kernels that code lattices, search a trellis along rows, read rANS and rotate against
// their scalar specifications, byte for byte: every row of the kernel table that this machine can run, every q, number
// of scales and search, data from tiny to far outside, buffers that end at the last byte.

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

/* What a search works on, [paths][16] and more, for `states` and `list`; two copies from one draw. */
typedef struct search {
    block metric, target, link, work, before, after;
} search;

static search search_of(size_t cells)
{
    search m;
    m.metric = block_of(4 * cells, 0);
    m.target = block_of(4 * cells, 0);
    m.link = block_of(4 * cells, 0);
    m.work = block_of(16 * cells, 0);
    m.before = block_of(64 * cells, 0);
    m.after = block_of(64 * cells, 0);
    return m;
}

static void search_free(search *m)
{
    free(m->metric.base);
    free(m->target.base);
    free(m->link.base);
    free(m->work.base);
    free(m->before.base);
    free(m->after.base);
}

static void run_column(const hrq__kernels *row, search *m, hrq__path_args a)
{
    a.metric = (int32_t *)(void *)m->metric.data;
    a.target = (float *)(void *)m->target.data;
    a.link = (int32_t *)(void *)m->link.data;
    a.work = (int32_t *)(void *)m->work.data;
    a.before = (const float *)(const void *)m->before.data;
    a.after = (float *)(void *)m->after.data;
    row->path_column(&a);
}

/* A column of paths: any metrics, dead ones and ties among them, targets from tiny to far outside. */
static void check_column(const hrq__kernels *row, size_t states, size_t list, int zero)
{
    size_t cells = states * list * HRQ__PATH_ROWS, i, q;
    static float table[2][2 * HRQ__PATH_REACH + 1][4];
    static uint8_t source[256][2];
    float w[16], edge[16], spread = (float)exp(draw_uniform() * 16.0 - 6.0);
    search own = search_of(cells), other = search_of(cells);
    hrq__path_column col;
    hrq__path_args a;
    memset(&col, 0, sizeof col);
    memset(&a, 0, sizeof a);
    for (i = 0; i < sizeof table / sizeof(float); i++) (&table[0][0][0])[i] = (float)draw_below(30000);
    for (i = 0; i < states; i++)
        for (q = 0; q < 2; q++) source[i][q] = (uint8_t)draw_below(states);
    for (q = 0; q < 2; q++) {
        col.shift[q] = draw_below(3) ? 0 : (unsigned)draw_below(9);
        col.cost[q] = (const float(*)[4])table[q] + HRQ__PATH_REACH;
    }
    col.value = (float)(0.5 + draw_uniform());
    col.inverse = 0.5f / col.value;
    col.weight = (float)draw_below(6000);
    col.zero = zero;
    fill_gauss(w, 16, spread);
    fill_gauss(edge, 16, 0.5);
    fill_gauss((float *)(void *)own.before.data, 16 * cells, 0.3 * spread);
    for (i = 0; i < cells; i++) {
        int32_t v = draw_below(5) ? (int32_t)draw_below(i % 3 ? 100000 : 4) : HRQ__PATH_DEAD;
        memcpy(own.metric.data + 4 * i, &v, 4);
    }
    memcpy(other.before.data, own.before.data, own.before.bytes);
    memcpy(other.metric.data, own.metric.data, own.metric.bytes);
    a.col = &col;
    a.source = (const uint8_t(*)[2])source;
    a.states = states;
    a.list = list;
    a.j = draw_below(16);
    a.w = w;
    a.edge = edge;
    run_column(&hrq__kernel_table[0], &own, a);
    run_column(row, &other, a);
    EXPECT(memcmp(own.metric.data, other.metric.data, own.metric.bytes) == 0, "%lu states, list %lu: metrics",
           (unsigned long)states, (unsigned long)list);
    EXPECT(memcmp(own.target.data, other.target.data, own.target.bytes) == 0, "%lu states, list %lu: targets",
           (unsigned long)states, (unsigned long)list);
    EXPECT(memcmp(own.link.data, other.link.data, own.link.bytes) == 0, "%lu states, list %lu: links",
           (unsigned long)states, (unsigned long)list);
    EXPECT(memcmp(own.after.data, other.after.data, own.after.bytes) == 0, "%lu states, list %lu: feedback",
           (unsigned long)states, (unsigned long)list);
    search_free(&own);
    search_free(&other);
}

/* The way back through a block of any links, and feedback of what was found there to cells in any order. */
static void check_trace(const hrq__kernels *row, size_t paths, size_t width)
{
    size_t cells = paths * HRQ__PATH_ROWS, i, n = draw_below(cells + 1), depth = 16 * (1 + draw_below(3));
    float w[256], value[16], *f = (float *)(void *)block_of(64 * depth, 0).base;
    block link = block_of(64 * cells, 0), id = block_of(4 * (n + 1), 0), from = block_of(4 * (n + 1), 0);
    block error = block_of(4 * depth * cells, 0), sum[2], traced[2], root[2];
    const hrq__kernels *rows[2] = {&hrq__kernel_table[0], row};
    int32_t *ids = (int32_t *)(void *)id.data, *froms = (int32_t *)(void *)from.data, v;
    fill_gauss(w, 256, 1.0);
    fill_gauss(value, 16, 1.0);
    fill_gauss(f, 16 * depth, 1.0);
    fill_gauss((float *)(void *)error.data, depth * cells, 1.0);
    for (i = 0; i < 16 * cells; i++) {
        v = ((int32_t)draw_below(65536) - 32768) * 65536 + (int32_t)draw_below(paths);
        memcpy(link.data + 4 * i, &v, 4);
    }
    for (i = 0; i < n; i++) ids[i] = (int32_t)((i * 7 + 3) % cells), froms[i] = (int32_t)draw_below(cells);
    for (i = 0; i < 2; i++) {
        traced[i] = block_of(64 * cells, 0);
        root[i] = block_of(4 * cells, 0);
        sum[i] = block_of(64 * cells, 0);
        rows[i]->path_trace((float *)(void *)traced[i].data, (int32_t *)(void *)root[i].data,
                            (const int32_t *)(const void *)link.data, w, value, cells, width);
        memset(sum[i].data, 0, sum[i].bytes);
        rows[i]->path_feed((float *)(void *)sum[i].data, (const float *)(const void *)traced[0].data, ids, froms, n,
                           (const float *)(const void *)error.data, cells, f, depth);
    }
    EXPECT(memcmp(traced[0].data, traced[1].data, 4 * width * cells) == 0, "%lu columns: errors", (unsigned long)width);
    EXPECT(memcmp(root[0].data, root[1].data, root[0].bytes) == 0, "%lu columns: roots", (unsigned long)width);
    EXPECT(memcmp(sum[0].data, sum[1].data, sum[0].bytes) == 0, "%lu cells of %lu: feedback", (unsigned long)n,
           (unsigned long)cells);
    for (i = 0; i < 2; i++) {
        free(traced[i].base);
        free(root[i].base);
        free(sum[i].base);
    }
    free(f);
    free(link.base);
    free(id.base);
    free(from.base);
    free(error.base);
}

/* Any model: a few symbols or many, an escape that is rare or not, low bits of any number. */
static void draw_model(hrq__rans_model *m, int half)
{
    int s, symbols, spread = 1 + (int)draw_below(120);
    memset(m, 0, sizeof *m);
    m->shift = draw_below(2) ? 0 : (unsigned)draw_below(draw_below(4) ? 8 : 14);
    m->half = half && !m->shift;
    m->k = 1 + (int)draw_below(HRQ__RANS_K);
    symbols = 2 * m->k + 2 - m->half;
    for (s = 1; s < symbols; s++) {
        int next = m->start[s - 1] + 1 + (int)draw_below((uint64_t)spread), most = 4096 - symbols + s;
        m->start[s] = (uint16_t)(next < most ? next : most);
    }
    if (draw_below(3)) m->start[symbols - 1] = 4095;
    m->start[symbols] = 4096;
}

/* Words that nobody wrote decode as well: values, states, and where the coder stops. */
static void check_rans(const hrq__kernels *row, size_t lanes, int trellis)
{
    const hrq__kernels *rows[2] = {&hrq__kernel_table[0], row};
    size_t n = draw_below(draw_below(2) ? 40 : 600) + 1, i, at;
    hrq__rans_reader *rd = (hrq__rans_reader *)malloc(sizeof *rd);
    hrq__rans_model m[2];
    hrq__rans_args a;
    hrq__rans c[2];
    uint8_t states[256];
    block z[2], state[2], words = block_of(2 * draw_below(draw_below(2) ? n + 1 : 4 * n + 100), draw_below(2));
    for (i = 0; i < words.bytes; i++) words.data[i] = (uint8_t)(draw_below(4) ? draw_below(256) : 0);
    for (i = 0; i < 4 * lanes; i++) states[i] = (uint8_t)(i % 4 == 2 ? 1 + draw_below(255) : draw_below(256));
    hrq__rans_reader_init(rd, lanes, states, states + 4 * lanes);
    for (i = 0; i < 2; i++) draw_model(&m[i], (int)i);
    a.model[0] = &m[0];
    a.model[1] = &m[1];
    a.parity = trellis ? hrq__stream_parity[draw_below(7)] : NULL;
    a.limit = trellis ? HRQ__STREAM_LIMIT : HRQ__RANS_LIMIT;
    a.slot = rd->slot[0];
    a.spread = (const uint8_t(*)[16])rd->spread;
    for (i = 0; i < 2; i++) {
        z[i] = block_of(n * sizeof(int16_t), 2);
        state[i] = block_of(n, 1);
        memset(z[i].data, 0x55, z[i].bytes);
        for (at = 0; at < n; at++) state[i].data[at] = (uint8_t)(i ? state[0].data[at] : draw_below(256));
    }
    for (i = 0; i < 2; i++) {
        c[i] = rd->coder;
        c[i].at = words.data;
        c[i].bound = words.data + words.bytes;
        a.filled = i && draw_below(2);
        rows[i]->rans_column((int16_t *)(void *)z[i].data, trellis ? state[i].data : NULL, n, &c[i], &a);
    }
    EXPECT(memcmp(z[0].data, z[1].data, z[0].bytes) == 0, "%lu lanes, %lu rows: values", (unsigned long)lanes,
           (unsigned long)n);
    EXPECT(memcmp(state[0].data, state[1].data, n) == 0, "%lu lanes, %lu rows: states", (unsigned long)lanes,
           (unsigned long)n);
    EXPECT(c[0].at == c[1].at && c[0].bad == c[1].bad, "%lu lanes, %lu rows: words", (unsigned long)lanes,
           (unsigned long)n);
    EXPECT(memcmp(c[0].state, c[1].state, lanes * sizeof c[0].state[0]) == 0, "%lu lanes, %lu rows: lanes",
           (unsigned long)lanes, (unsigned long)n);
    for (i = 0; i < 2; i++) {
        free(z[i].base);
        free(state[i].base);
    }
    free(words.base);
    free(rd);
}

/* Rotations of any angle among few places and many. */
static void check_rotate(const hrq__kernels *row, int inverse)
{
    size_t n = 2 + draw_below(40), count = draw_below(100), i, p;
    block own = block_of(64 * n, 4), other = block_of(64 * n, 4), perm = block_of(4 * n, 1),
          by = block_of(16 * count, 1);
    hrq__rotations r;
    fill_gauss((float *)(void *)own.data, 16 * n, exp(20 * draw_uniform() - 10));
    memcpy(other.data, own.data, own.bytes);
    for (i = 0; i < n; i++) hrq__put32(perm.data + 4 * i, (uint32_t)(n - 1 - i));
    for (i = 0; i < count; i++) {
        double angle = 6.3 * draw_uniform();
        p = draw_below(n);
        hrq__put32(by.data + 16 * i, (uint32_t)p);
        hrq__put32(by.data + 16 * i + 4, (uint32_t)((p + 1 + draw_below(n - 1)) % n));
        hrq__put32(by.data + 16 * i + 8, hrq__bits_of((float)cos(angle)));
        hrq__put32(by.data + 16 * i + 12, hrq__bits_of((float)sin(angle)));
    }
    r.first = by.data;
    r.count = count;
    r.perm = perm.data;
    r.inverse = inverse;
    hrq__kernel_table[0].rotate((float *)(void *)own.data, &r);
    row->rotate((float *)(void *)other.data, &r);
    EXPECT(memcmp(own.data, other.data, own.bytes) == 0, "%lu rotations of %lu places", (unsigned long)count,
           (unsigned long)n);
    free(own.base);
    free(other.base);
    free(perm.base);
    free(by.base);
}

int main(void)
{
    int effort = test_setup(), q, k, kind;
    size_t r, rows = hrq__kernel_rows;
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
        snprintf(title, sizeof title, "%s: search of a trellis along rows, all states and lists", row->isa);
        tap_begin(title);
        for (q = 0; q < 2; q++)
            for (k = 4; k <= 256; k *= 2)
                for (kind = 1; kind <= HRQ__PATH_LIST && k * kind <= 512; kind *= 2) {
                    check_column(row, (size_t)k, (size_t)kind, 0);
                    if (k == 8) check_column(row, (size_t)k, (size_t)kind, 1);
                    check_trace(row, (size_t)(k * kind), 1 + draw_below(16));
                }
        tap_end();
        snprintf(title, sizeof title, "%s: columns of rANS, any model and number of lanes", row->isa);
        tap_begin(title);
        for (q = 0; q < (effort ? 4000 : 1000); q++)
            for (k = 1; k <= 64; k *= 2) check_rans(row, (size_t)k, q & 1);
        tap_end();
        snprintf(title, sizeof title, "%s: plane rotations of sixteen rows", row->isa);
        tap_begin(title);
        for (q = 0; q < (effort ? 4000 : 1000); q++) check_rotate(row, q & 1);
        tap_end();
    }
    return tap_finish();
}
