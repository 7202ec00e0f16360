// test_kernels_lattice.c: [6]. Kernels that code lattices against their scalar specifications, byte for byte: every row of
// the kernel table that this machine can run, every q, number of scales and search, data from tiny to far outside,
// buffers that end at the last byte.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

enum { KINDS = 6 };

/* Gaussians, with outliers, multiples of half a scale, huge entries, tiny blocks, zeros. */
static void fill(float *x, size_t n, int kind, const hrq__voronoi *c)
{
    size_t i;
    fill_gauss(x, n, kind == 0 ? 1.0 : exp(3 * draw_uniform() - 2));
    for (i = 0; i < n; i++) {
        if (kind == 1 && draw_below(20) == 0) x[i] *= 10.0f;
        if (kind == 2) x[i] = (float)((int)draw_below(65) - 32) * c->beta[draw_below(c->k)] * 0.5f;
        if (kind == 3 && draw_below(50) == 0) x[i] *= 1e30f;
        if (kind == 4) x[i] *= 1e-3f;
        if (kind == 5) x[i] = 0.0f;
    }
}

static void expect_same(const hrq__kernels *row, const hrq__voronoi *c, const char *name, size_t cols8, int kind)
{
    block code[2], index[2], value[2], in = block_of(cols8 * sizeof(float), 4);
    float *x = (float *)malloc(cols8 * sizeof(float));
    size_t at, done;
    int i;
    fill(x, cols8, kind, c);
    memcpy(in.data, x, cols8 * sizeof(float)); /* up to the last byte */
    for (i = 0; i < 2; i++) {
        code[i] = block_of(cols8, 1);
        index[i] = block_of(cols8 / 8, 1);
        value[i] = block_of(cols8 * sizeof(float), 4);
        for (at = 0; at < cols8; at += done) {
            const float *from = i ? (const float *)(const void *)in.data + at : x + at;
            float *to = (float *)(void *)value[i].data + at, own[32];
            done = i ? row->code_e8(code[i].data + at, index[i].data + at / 8, to, from, cols8 - at, &c->e8) : 0;
            if (done) continue;
            done = hrq__code_e8_scalar(code[i].data + at, index[i].data + at / 8, own, x + at, cols8 - at, &c->e8);
            memcpy(value[i].data + at * sizeof(float), own, done * sizeof(float));
        }
    }
    EXPECT(memcmp(code[0].data, code[1].data, cols8) == 0, "%s, %s, kind %d: codes", row->isa, name, kind);
    EXPECT(memcmp(index[0].data, index[1].data, cols8 / 8) == 0, "%s, %s, kind %d: scales", row->isa, name, kind);
    EXPECT(memcmp(value[0].data, value[1].data, cols8 * sizeof(float)) == 0, "%s, %s, kind %d: values", row->isa,
           name, kind);
    for (i = 0; i < 2; i++) {
        free(code[i].base);
        free(index[i].base);
        free(value[i].base);
    }
    free(in.base);
    free(x);
}

int main(void)
{
    int effort = test_setup(), q, k, kind;
    size_t r, rows = sizeof hrq__kernel_table / sizeof hrq__kernel_table[0];
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
                    hrq_format f;
                    hrq__voronoi c;
                    snprintf(name, sizeof name, "e8:q%d:k%d%s", q, k, kind % 2 ? ":first" : "");
                    f = format_of(name);
                    c = hrq__voronoi_of(&f);
                    c.e8.norm = hrq__norm_of((float)exp(draw_uniform() - 0.5));
                    expect_same(row, &c, name, 8 * (1 + draw_below(effort ? 300 : 80)), kind / 2);
                }
        tap_end();
    }
    return tap_finish();
}
