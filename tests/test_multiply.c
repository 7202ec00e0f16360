// test_multiply.c: [12]. Every product rebuilt from what the bytes decode to, in exact integers or in the order that the
// interface promises, and against doubles.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

/* What a product is made of: values in steps, before scales, as the decoder has them, by position; test_formats.c finds
   the same by a reader of its own. */
typedef struct {
    hrq_mat mat;
    size_t cols;    /* positions: columns, or those that the sketch keeps                    */
    size_t *column; /* [cols] where each is in a row that is rotated as the format says        */
    double *unit;   /* [rows x cols] integers where ints                                       */
    float *row, *group, *mean;
    size_t groups, span;
    int ints, moved, narrow; /* narrow: values in int8 */
} parts;

/* Row r before mean and inverse rotation: what decode and mul_t turn back. */
static void turned_row(const parts *p, size_t r, float *out)
{
    size_t c;
    for (c = 0; c < p->mat.cols; c++) out[c] = 0.0f;
    for (c = 0; c < p->cols; c++) {
        float scale = p->mat.format.group ? p->row[r] * p->group[r * p->groups + c / p->span] : p->row[r];
        out[p->column[c]] = (float)p->unit[r * p->cols + c] * scale;
    }
}

static parts parts_of(const hrq_mat *m)
{
    parts p;
    hrq__view v;
    size_t r, c, at, n;
    float tile[128 * HRQ_PANEL], *want = floats_of(1, m->cols, m->cols), *decoded = floats_of(1, m->cols, m->cols);
    hrq__view_open(&v, m);
    p.mat = *m;
    p.cols = m->format.keep ? (m->cols * m->format.keep + 99) / 100 : m->cols;
    EXPECT(p.cols == v.lay.cols, "the sketch keeps %lu of %lu", (unsigned long)v.lay.cols, (unsigned long)m->cols);
    p.column = (size_t *)malloc(p.cols * sizeof *p.column);
    for (c = 0; c < p.cols; c++) {
        p.column[c] = hrq__sketch_column(m->cols, p.cols, m->seed, c);
        EXPECT(p.column[c] < m->cols && (c == 0 || p.column[c] > p.column[c - 1]), "columns kept do not ascend");
    }
    p.unit = (double *)malloc(m->rows * p.cols * sizeof(double));
    p.ints = v.integers;
    p.narrow = !v.wide;
    p.moved = (m->format.options & (HRQ__OPT_HAD | HRQ__OPT_CENTER)) != 0;
    p.span = m->format.group ? m->format.group : p.cols;
    p.groups = (p.cols + p.span - 1) / p.span;
    p.row = floats_of(m->rows, 1, 1);
    p.mean = floats_of(m->rows, 1, 1);
    p.group = floats_of(m->rows, p.groups, p.groups);
    for (at = 0; at < p.cols; at += n) {
        n = p.cols - at < 128 ? p.cols - at : 128;
        for (r = 0; r < m->rows; r++) {
            if (r % 16 == 0) hrq__view_floats(&v, r / 16, at, n, tile);
            for (c = 0; c < n; c++) p.unit[r * p.cols + at + c] = (double)tile[c * 16 + r % 16];
        }
    }
    for (r = 0; r < m->rows; r++) {
        p.row[r] = hrq__view_row_scale(&v, r);
        p.mean[r] = hrq__view_mean(&v, r);
        for (c = 0; c < p.groups; c++) p.group[r * p.groups + c] = hrq__view_group_scale(&v, r, c);
        for (c = 0; c < p.cols && p.ints; c++) {
            double unit = p.unit[r * p.cols + c];
            EXPECT(unit == nearbyint(unit) && fabs(unit) <= 32768, "%g is no integer", unit);
        }
        turned_row(&p, r, want);
        if (m->format.options & HRQ__OPT_HAD) hrq_hadamard(want, 1, m->cols, m->cols, m->seed, 1);
        for (c = 0; c < m->cols && m->format.options & HRQ__OPT_CENTER; c++) want[c] += p.mean[r];
        hrq_mat_decode(m, r, 1, decoded, m->cols);
        for (c = 0; c < m->cols; c++)
            EXPECT(decoded[c] == want[c], "decode is not its parts: %g, %g", (double)decoded[c], (double)want[c]);
    }
    free(want);
    free(decoded);
    return p;
}

static void parts_free(parts *p)
{
    free(p->column);
    free(p->unit);
    free(p->mean);
    free(p->row);
    free(p->group);
}

/* scale / top, powers of two or top 1; 0 below 2^-126. */
static float over(float scale, float top)
{
    double quotient = (double)scale / (double)top;
    return top != 1.0f && quotient < 0x1p-126 ? 0.0f : (float)quotient;
}

/* Product of row r with vector t of an activation, from the parts, as documented: integers exactly with one rounding a
   group, floats in order; group scales by fmaf, those of MX formats over the largest of the row, or in double where
   values or activations are no int8; then row scale times vector scale, in double; then the mean's share. */
static float product_of(const parts *p, const hrq_act *act, size_t t, size_t r)
{
    size_t g, c, cols = p->cols;
    float part;
    double product, total = 0.0;
    int mx = hrq__families[p->mat.format.kind].scale == HRQ__SCALE_E8M0,
        wide = mx && !(p->ints && p->narrow && act->kind == HRQ_ACT_INT8 && cols <= 65536);
    float top = 1.0f;
    for (g = 0; mx && !wide && g < p->groups; g++) {
        float scale = p->group[r * p->groups + g];
        if (g == 0 || scale > top) top = scale;
    }
    for (g = 0; g < p->groups; g++) {
        size_t end = (g + 1) * p->span < cols ? (g + 1) * p->span : cols;
        if (p->ints && act->kind == HRQ_ACT_INT8) {
            int64_t whole = 0;
            for (c = g * p->span; c < end; c++) whole += (int64_t)p->unit[r * cols + c] * hrq__act_s8(act, t)[c];
            part = (float)whole;
        } else {
            part = 0.0f;
            for (c = g * p->span; c < end; c++)
                part =
                    fmaf((float)p->unit[r * cols + c],
                         act->kind == HRQ_ACT_INT8 ? (float)hrq__act_s8(act, t)[c] : hrq__act_f32(act, t)[c], part);
        }
        if (wide) total += (double)part * (double)p->group[r * p->groups + g];
        else total = (double)(p->mat.format.group ? fmaf(part, over(p->group[r * p->groups + g], top), (float)total) : part);
    }
    product = total * ((double)(p->row[r] * top) * (double)hrq__act_scales(act)[t]);
    if (p->mat.format.options & HRQ__OPT_CENTER) product += (double)p->mean[r] * hrq__act_totals(act)[t];
    return (float)product;
}

static hrq_act *act_of(block *b, const hrq_mat *m, hrq_act_kind kind, const float *x, size_t n, size_t ldx)
{
    hrq_act *act = NULL;
    hrq_status status;
    *b = block_of(hrq_act_bytes(m, n, kind), 1 + draw_below(60));
    status = hrq_act_prepare(&act, b->data, b->bytes, m, kind, x, n, ldx);
    EXPECT(status == HRQ_OK, "prepare: %s", hrq_status_text(status));
    return act;
}

static void one(const char *name, size_t rows, size_t cols, size_t n, hrq_act_kind kind)
{
    size_t ldx = cols + draw_below(3), ldy = rows + draw_below(3), r, c, t, r0, r1;
    float *w = floats_of(rows, cols, cols), *x = floats_of(n, cols, ldx), *y = floats_of(n, rows, ldy),
          *z = floats_of(n, rows, ldy);
    float *full = floats_of(rows, cols, cols);
    size_t used = (n - 1) * ldy + rows;
    block b, a;
    hrq_mat m;
    hrq_act *act;
    parts p;
    fill_gauss(w, rows * cols, 0.7);
    fill_gauss(x, (n - 1) * ldx + cols, 2.0);
    m = mat_of(&b, name, rows, cols, 11, w, cols);
    act = act_of(&a, &m, kind, x, n, ldx);
    p = parts_of(&m);
    EXPECT(hrq_act_fits(act, &m) == 1, "%s: act does not fit its matrix", name);
    for (t = 0; t < used; t++) y[t] = z[t] = -777.0f;
    EXPECT(hrq_mul(&m, act, y, ldy, 0, rows, NULL) == HRQ_OK, "%s mul", name);
    hrq_mat_decode(&m, 0, rows, full, cols);
    for (t = 0; t < n; t++) {
        /* the vector's own rounding first: half a code of absmax / 127 at most */
        float *turned = floats_of(1, cols, cols);
        double top = 0;
        memcpy(turned, x + t * ldx, cols * sizeof *x);
        if (strstr(name, "+had")) hrq_hadamard(turned, 1, cols, cols, 11, 0);
        for (c = 0; c < p.cols; c++) turned[c] = turned[p.column[c]];
        for (c = 0; c < p.cols; c++) top = fabs((double)turned[c]) > top ? fabs((double)turned[c]) : top;
        for (c = 0; c < p.cols; c++) {
            double v = (kind == HRQ_ACT_F32 ? (double)hrq__act_f32(act, t)[c] : (double)hrq__act_s8(act, t)[c]) *
                       (double)hrq__act_scales(act)[t];
            EXPECT(kind == HRQ_ACT_F32 ? v == (double)turned[c]
                                       : fabs(v - (double)turned[c]) <= top / 127 * (0.5 + 1e-4),
                   "%s: activation %g for %g", name, v, (double)turned[c]);
        }
        for (r = 0; r < rows; r++) {
            double exact = 0, size = 0, ww = 0, xx = 0;
            float want = product_of(&p, act, t, r);
            EXPECT(y[t * ldy + r] == want, "%s %lux%lu kind %d row %lu: %.9g, in order %.9g", name,
                   (unsigned long)rows, (unsigned long)cols, (int)kind, (unsigned long)r, (double)y[t * ldy + r],
                   (double)want);
            for (c = 0; c < cols; c++) { /* the decoded weights, rotated back, against x itself */
                exact += (double)full[r * cols + c] * (double)x[t * ldx + c];
                size += fabs((double)full[r * cols + c] * (double)x[t * ldx + c]);
                ww += (double)full[r * cols + c] * (double)full[r * cols + c];
                xx += (double)x[t * ldx + c] * (double)x[t * ldx + c];
            }
            /* float sums: cols roundings of partial sums, 4 of scales; rotations 1e-6 of the norms each; int8: half a code an
               entry against sum |w| <= sqrt(cols ww) */
            EXPECT(fabs((double)y[t * ldy + r] - exact) <=
                       ((double)cols + 8) * 0x1p-24 * (size + sqrt(ww * xx)) +
                           (strstr(name, "+had") ? 4e-6 * sqrt(ww * xx) : 0) +
                           (kind == HRQ_ACT_INT8 ? 0.501 * top / 127 * sqrt((double)cols * ww) : 0),
                   "%s: %g, double %g", name, (double)y[t * ldy + r], exact);
        }
        for (r = rows; t + 1 < n && r < ldy; r++)
            EXPECT(y[t * ldy + r] == -777.0f, "%s: wrote behind row %lu", name, (unsigned long)r);
        free(turned);
    }
    for (r0 = 0; r0 < rows; r0 = r1) { /* any split into ranges, the same bits */
        r1 = r0 + 1 + draw_below(rows - r0 < 19 ? rows - r0 : 19);
        EXPECT(hrq_mul(&m, act, z, ldy, r0, r1, NULL) == HRQ_OK, "%s range", name);
    }
    EXPECT(same_bits(y, z, used), "%s: ranges of rows give other bits", name);
    {
        ledger l;
        hrq_hooks h = ledger_hooks(&l, 0);
        int pass;
        for (pass = 0; pass < 2; pass++) {
            for (t = 0; t < used; t++) z[t] = -777.0f;
            EXPECT(hrq_matmul(&m, kind, x, n, ldx, z, ldy, pass ? &h : NULL) == HRQ_OK, "%s matmul", name);
            EXPECT(same_bits(y, z, used), "%s: matmul gives other bits", name);
        }
        EXPECT(l.live == 0 && l.taken == 1 && l.runs == (rows > (n > 1 ? 64 : 16)), "%s: %d blocks, %d left, %d runs",
               name, l.taken, l.live, l.runs);
    }
    parts_free(&p);
    free(w);
    free(x);
    free(y);
    free(z);
    free(full);
    free(b.base);
    free(a.base);
}

static void test_mul(int effort)
{
    static const size_t shapes[][3] = {{1, 1, 1},    {2, 7, 3},     {16, 8, 1},   {17, 33, 2},
                                       {5, 31, 17},  {33, 72, 16},  {3, 127, 1},  {18, 128, 4},
                                       {16, 129, 5}, {20, 257, 33}, {4, 300, 15}, {15, 64, 2}};
    size_t i, s;
    const char *name;
    char title[96];
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        snprintf(title, sizeof title, "%s times vectors: bits as documented, ranges, matmul, doubles", name);
        tap_begin(title);
        for (s = 0; s < 12; s++) {
            if (effort == 0 && s % 3 != i % 3) continue;
            one(name, shapes[s][0], shapes[s][1], shapes[s][2], HRQ_ACT_INT8);
            one(name, shapes[s][0], shapes[s][1], shapes[s][2], HRQ_ACT_F32);
        }
        tap_end();
    }
    tap_begin("groups that cut chunks of columns: g8 ... g136 of every scheme");
    for (i = 8; i <= 136; i += 8) {
        static const char *const scheme[4] = {"", ":sym", ":mse", ":asym"};
        char text[32];
        snprintf(text, sizeof text, "int%d:g%d%s", (int)(2 + i / 8 % 7), (int)i, scheme[i / 8 % 4]);
        one(text, 3, 290, 2, i / 8 % 3 ? HRQ_ACT_INT8 : HRQ_ACT_F32);
        if (effort) one(text, 17, 131, 3, i / 8 % 3 ? HRQ_ACT_F32 : HRQ_ACT_INT8);
    }
    tap_end();
}

static void test_epilogue(void)
{
    size_t i, r, t, rows = 21, cols = 40, n = 3, ldy = 23;
    const char *name;
    tap_begin("epilogue: bias, keep, clamp; keep 0 never reads y");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        float *w = floats_of(rows, cols, cols), *x = floats_of(n, cols, cols), *y = floats_of(n, rows, ldy),
              *z = floats_of(n, rows, ldy), bias[21];
        size_t used = (n - 1) * ldy + rows;
        block b, a;
        hrq_mat m;
        hrq_act *act;
        hrq_epilogue e;
        fill_gauss(w, rows * cols, 1.0);
        fill_gauss(x, n * cols, 1.0);
        fill_gauss(bias, rows, 1.0);
        m = mat_of(&b, name, rows, cols, 2, w, cols);
        act = act_of(&a, &m, i % 2 ? HRQ_ACT_INT8 : HRQ_ACT_F32, x, n, cols);
        hrq_mul(&m, act, y, ldy, 0, rows, NULL);
#define EACH(value, what)          \
    for (t = 0; t < n; t++)        \
        for (r = 0; r < rows; r++) \
    EXPECT(z[t * ldy + r] == (value), "%s: %s at %lu: %g", name, what, (unsigned long)r, (double)z[t * ldy + r])
        memset(&e, 0, sizeof e);
        for (t = 0; t < used; t++) z[t] = NAN;
        EXPECT(hrq_mul(&m, act, z, ldy, 0, rows, &e) == HRQ_OK, "%s", name);
        EACH(y[t * ldy + r], "all zero");
        e.bias = bias;
        for (t = 0; t < used; t++) z[t] = NAN;
        hrq_mul(&m, act, z, ldy, 5, 17, &e); /* absolute row indices */
        for (t = 0; t < n; t++)
            for (r = 0; r < rows; r++) {
                if (r >= 5 && r < 17) EXPECT(z[t * ldy + r] == y[t * ldy + r] + bias[r], "%s: bias", name);
                else EXPECT(z[t * ldy + r] != z[t * ldy + r], "%s: row %lu was written", name, (unsigned long)r);
            }
        e.keep = -0.5f;
        for (t = 0; t < used; t++) z[t] = (float)t;
        hrq_mul(&m, act, z, ldy, 0, rows, &e);
        EACH(fmaf(-0.5f, (float)(t * ldy + r), y[t * ldy + r] + bias[r]), "keep");
        e.keep = 0;
        e.clamp = 1;
        e.lo = -0.25f;
        e.hi = 0.5f;
        for (t = 0; t < used; t++) z[t] = NAN;
        hrq_mul(&m, act, z, ldy, 0, rows, &e);
        EACH(hrq__clampf(y[t * ldy + r] + bias[r], -0.25f, 0.5f), "clamp");
#undef EACH
        free(w);
        free(x);
        free(y);
        free(z);
        free(a.base);
        free(b.base);
    }
    tap_end();
}

static void test_shared(void)
{
    static const char *const plain[] = {"f32", "int4", "int8:asym", "e8:q16:k4", "zn:q200:k2", "f16"};
    static const char *const turned[] = {"f32+had", "int4:g32+had", "e8:q4:k2+had", "bf16+had"};
    size_t i, j, k;
    tap_begin("one act for many matrices: same columns, transform and seed fit, others are refused");
    for (k = 0; k < 2; k++) {
        const char *const *names = k ? turned : plain;
        size_t count = k ? 4 : 6;
        for (i = 0; i < count; i++)
            for (j = 0; j < count; j++) {
                float x[50], y[9], z[9];
                block b, b2, a, a2;
                hrq_mat m = mat_of(&b, names[i], 5, 50, 7, NULL, 0), m2;
                hrq_act *act, *own;
                float w[9 * 50];
                hrq_act_kind kind = (i + j) % 2 ? HRQ_ACT_INT8 : HRQ_ACT_F32;
                fill_gauss(x, 50, 1.0);
                fill_gauss(w, 450, 1.0);
                m2 = mat_of(&b2, names[j], 9, 50, 7 + ((uint64_t)3 << 32), w, 50); /* only 32 bits of a seed count */
                act = act_of(&a, &m, kind, x, 1, 50);
                own = act_of(&a2, &m2, kind, x, 1, 50);
                EXPECT(hrq_act_fits(act, &m2), "%s and %s", names[i], names[j]);
                EXPECT(hrq_mul(&m2, act, y, 9, 0, 9, NULL) == HRQ_OK &&
                           hrq_mul(&m2, own, z, 9, 0, 9, NULL) == HRQ_OK && same_bits(y, z, 9),
                       "%s through %s", names[j], names[i]);
                m2.seed = 8;
                EXPECT(hrq_act_fits(act, &m2) == (k ? 0 : 1), "%s: another seed", names[j]);
                EXPECT(hrq_mul(&m2, act, y, 9, 0, 9, NULL) == (k ? HRQ_ERR_ARG : HRQ_OK), "%s: another seed",
                       names[j]);
                m2.seed = 7;
                m2.format.options ^= HRQ__OPT_HAD;
                EXPECT(!hrq_act_fits(act, &m2) && hrq_mul(&m2, act, y, 9, 0, 9, NULL) == HRQ_ERR_ARG,
                       "%s: the other transform", names[j]);
                m2.format.options ^= HRQ__OPT_HAD;
                m2.cols = 49;
                EXPECT(!hrq_act_fits(act, &m2) && hrq_mul(&m2, act, y, 9, 0, 9, NULL) == HRQ_ERR_ARG,
                       "%s: other columns", names[j]);
                EXPECT(!hrq_act_fits(NULL, &m2) && !hrq_act_fits(act, NULL), "NULL fits");
                free(b.base);
                free(b2.base);
                free(a.base);
                free(a2.base);
            }
    }
    { /* centring changes nothing about activations, the sketch does */
        static const char *const names[] = {"int4+had", "int4+had+center", "int4+had+keep50",
                                            "tcq2:s6+had+center+keep50", "int4+had+keep25"};
        static const int draw_of[] = {0, 0, 1, 1, 2};
        for (i = 0; i < 5; i++)
            for (j = 0; j < 5; j++) {
                float x[50], y[5];
                block b, b2, a;
                hrq_mat m = mat_of(&b, names[i], 5, 50, 7, NULL, 0), m2 = mat_of(&b2, names[j], 5, 50, 7, NULL, 0);
                hrq_act *act;
                int same = draw_of[i] == draw_of[j];
                fill_gauss(x, 50, 1.0);
                act = act_of(&a, &m, HRQ_ACT_INT8, x, 1, 50);
                EXPECT(hrq_act_fits(act, &m2) == same, "%s and %s", names[i], names[j]);
                EXPECT(hrq_mul(&m2, act, y, 5, 0, 5, NULL) == (same ? HRQ_OK : HRQ_ERR_ARG), "%s through %s",
                       names[j], names[i]);
                free(b.base);
                free(b2.base);
                free(a.base);
            }
    }
    tap_end();
}

static void test_mul_t(int effort)
{
    static const size_t shapes[][3] = {{1, 1, 1}, {5, 9, 2}, {17, 33, 3}, {33, 72, 1}, {16, 129, 2}, {40, 260, 2}};
    size_t i, s, r, c, t;
    const char *name;
    tap_begin("mul_t: bits of the sums in order of rows, doubles, empty and partial ranges");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++)
        for (s = 0; s < 6; s++) {
            size_t rows = shapes[s][0], cols = shapes[s][1], n = shapes[s][2], ldp = rows + draw_below(3),
                   ldy = cols + draw_below(3), k;
            float *w = floats_of(rows, cols, cols), *p = floats_of(n, rows, ldp), *y = floats_of(n, cols, ldy),
                  *full = floats_of(rows, cols, cols);
            float *want = floats_of(n, cols, cols), *turned = floats_of(rows, cols, cols);
            block b;
            hrq_mat m;
            parts q;
            if (effort == 0 && s % 2 != i % 2) {
                free(w);
                free(p);
                free(y);
                free(full);
                free(want);
                free(turned);
                continue;
            }
            fill_gauss(w, rows * cols, 1.0);
            fill_gauss(p, (n - 1) * ldp + rows, 1.0);
            m = mat_of(&b, name, rows, cols, 21, w, cols);
            q = parts_of(&m);
            for (r = 0; r < rows; r++) turned_row(&q, r, turned + r * cols);
            hrq_mat_decode(&m, 0, rows, full, cols);
            for (k = 0; k < 3; k++) {
                size_t r0 = k ? draw_below(rows + 1) : 0, r1 = k ? r0 + draw_below(rows - r0 + 1) : rows;
                float *tight = floats_of(n, r1 > 0 ? r1 : 1, ldp),
                      *use = r1 > 0 ? tight : NULL; /* ends at the last byte it may read */
                for (t = 0; t < n && r1 > 0; t++) memcpy(tight + t * ldp, p + t * ldp, r1 * sizeof *p);
                for (t = 0; t < n && r1 > 0; t++)
                    for (r = 0; r < r0; r++) tight[t * ldp + r] = NAN; /* rows outside are not read */
                EXPECT(hrq_mul_t(&m, use, n, ldp, r0, r1, y, ldy) == HRQ_OK, "%s", name);
                for (t = 0; t < n; t++)
                    for (c = 0; c < cols; c++) {
                        float sum = 0.0f;
                        for (r = r0; r < r1; r++) sum = fmaf(p[t * ldp + r], turned[r * cols + c], sum);
                        want[t * cols + c] = sum;
                    }
                if (strstr(name, "+had")) hrq_hadamard(want, n, cols, cols, 21, 1);
                for (t = 0; t < n && strstr(name, "+center"); t++) {
                    float mean = 0.0f;
                    for (r = r0; r < r1; r++) mean = fmaf(p[t * ldp + r], q.mean[r], mean);
                    for (c = 0; c < cols; c++) want[t * cols + c] += mean;
                }
                for (t = 0; t < n; t++) {
                    double ww = 0;
                    for (r = r0; r < r1; r++)
                        for (c = 0; c < cols; c++) ww += pow((double)full[r * cols + c] * (double)p[t * ldp + r], 2);
                    for (c = 0; c < cols; c++) {
                        double exact = 0, size = 0;
                        for (r = r0; r < r1; r++) {
                            exact += (double)p[t * ldp + r] * (double)full[r * cols + c];
                            size += fabs((double)p[t * ldp + r] * (double)full[r * cols + c]);
                        }
                        EXPECT(y[t * ldy + c] == want[t * cols + c], "%s column %lu: %g, in order %g", name,
                               (unsigned long)c, (double)y[t * ldy + c], (double)want[t * cols + c]);
                        EXPECT(fabs((double)y[t * ldy + c] - exact) <=
                                   ((double)rows + 4) * 0x1p-24 * (size + (q.moved ? sqrt(ww * (double)rows) : 0)) +
                                       (strstr(name, "+had") ? 4e-6 * sqrt(ww * (double)rows) : 0),
                               "%s: %g, double %g", name, (double)y[t * ldy + c], exact);
                    }
                }
                free(tight);
            }
            parts_free(&q);
            free(turned);
            free(w);
            free(p);
            free(y);
            free(full);
            free(want);
            free(b.base);
        }
    tap_end();
}

/* Sum of the entries of a row that is not centred, in the order of the positions: a product with rotated ones. */
static double sum_of(const parts *p, size_t r)
{
    float part = 0.0f, *ones = floats_of(1, p->mat.cols, p->mat.cols);
    size_t c;
    for (c = 0; c < p->mat.cols; c++) ones[c] = 1.0f;
    if (p->mat.format.options & HRQ__OPT_HAD) hrq_hadamard(ones, 1, p->mat.cols, p->mat.cols, p->mat.seed, 0);
    for (c = 0; c < p->cols; c++)
        part =
            fmaf((float)p->unit[r * p->cols + c] * p->group[r * p->groups + c / p->span], ones[p->column[c]], part);
    free(ones);
    return (double)part * (double)p->row[r];
}

/* c of two matrices from their parts: segments where both groups stay, integers exactly, floats in order. */
static float pair_of(const parts *a, size_t i, const parts *b, size_t j)
{
    size_t from, end, c, cols = a->cols;
    float part, sa, sb;
    double product, total = 0.0;
    int wide = hrq__families[a->mat.format.kind].scale == HRQ__SCALE_E8M0 ||
               hrq__families[b->mat.format.kind].scale == HRQ__SCALE_E8M0;
    for (from = 0; from < cols; from = end) {
        size_t ga = from / a->span, gb = from / b->span;
        int64_t whole = 0;
        end = (ga + 1) * a->span < (gb + 1) * b->span ? (ga + 1) * a->span : (gb + 1) * b->span;
        end = end < cols ? end : cols;
        for (c = from, part = 0.0f; c < end; c++) {
            if (a->ints && b->ints) whole += (int64_t)a->unit[i * cols + c] * (int64_t)b->unit[j * cols + c];
            else part = fmaf((float)a->unit[i * cols + c], (float)b->unit[j * cols + c], part);
        }
        if (a->ints && b->ints) part = (float)whole;
        sa = a->group[i * a->groups + ga];
        sb = b->group[j * b->groups + gb];
        if (wide) total += (double)part * ((double)sa * (double)sb);
        else total = (double)fmaf(part, sa * sb, (float)total);
    }
    product = total * ((double)a->row[i] * (double)b->row[j]);
    if (a->mat.format.options & b->mat.format.options & HRQ__OPT_CENTER)
        product += (double)a->mat.cols * (double)a->mean[i] * (double)b->mean[j];
    else if (a->mat.format.options & HRQ__OPT_CENTER) product += (double)a->mean[i] * sum_of(b, j);
    else if (b->mat.format.options & HRQ__OPT_CENTER) product += (double)b->mean[j] * sum_of(a, i);
    return (float)product;
}

static void test_mul_mat(int effort)
{
    size_t i, j, r, s, c, k;
    const char *na, *nb;
    tap_begin("mul_mat: every pair of formats: bits as documented, doubles, ranges; rotation and sketch must agree");
    for (i = 0; (na = hrq_format_list(i)) != NULL; i++)
        for (j = 0; (nb = hrq_format_list(j)) != NULL; j++) {
            int large = draw_below(8) == 0; /* more columns and panels than share a decoding */
            size_t rows = 1 + draw_below(20), other = 1 + draw_below(large ? 90 : 20),
                   cols = 1 + draw_below(large ? 400 : 80), ldc = other + draw_below(3);
            float *wa = floats_of(rows, cols, cols), *wb = floats_of(other, cols, cols),
                  *y = floats_of(rows, other, ldc), *z = floats_of(rows, other, ldc);
            float *fa = floats_of(rows, cols, cols), *fb = floats_of(other, cols, cols);
            hrq_format ga = format_of(na), gb = format_of(nb);
            int turned = strstr(na, "+had") != NULL,
                both = turned == (strstr(nb, "+had") != NULL) && ga.keep == gb.keep;
            int centred = strstr(na, "+center") && strstr(nb, "+center");
            block a, b;
            hrq_mat ma, mb;
            parts pa, pb;
            if (effort == 0 && (i + j) % 4) {
                free(wa);
                free(wb);
                free(y);
                free(z);
                free(fa);
                free(fb);
                continue;
            }
            fill_gauss(wa, rows * cols, 1.0);
            fill_gauss(wb, other * cols, 1.0);
            ma = mat_of(&a, na, rows, cols, 31, wa, cols);
            mb = mat_of(&b, nb, other, cols, 31, wb, cols);
            for (k = 0; k < (rows - 1) * ldc + other; k++) y[k] = z[k] = -777.0f;
            EXPECT(hrq_mul_mat(&ma, &mb, y, ldc, 0, rows) == (both ? HRQ_OK : HRQ_ERR_ARG), "%s by %s", na, nb);
            if (both) {
                pa = parts_of(&ma);
                pb = parts_of(&mb);
                hrq_mat_decode(&ma, 0, rows, fa, cols);
                hrq_mat_decode(&mb, 0, other, fb, cols);
                for (r = 0; r < rows; r++) {
                    for (s = 0; s < other; s++) {
                        double exact = 0, size = 0, aa = 0, bb = 0;
                        float want = pair_of(&pa, r, &pb, s);
                        for (c = 0; c < cols; c++) { /* both centred: the means times the other's rest are left out */
                            double mean = centred ? (double)pa.mean[r] : 0,
                                   other_mean = centred ? (double)pb.mean[s] : 0;
                            exact += ((double)fa[r * cols + c] - mean) * ((double)fb[s * cols + c] - other_mean) +
                                     mean * other_mean;
                            size += fabs((double)fa[r * cols + c] * (double)fb[s * cols + c]);
                            aa += (double)fa[r * cols + c] * (double)fa[r * cols + c];
                            bb += (double)fb[s * cols + c] * (double)fb[s * cols + c];
                        }
                        EXPECT(y[r * ldc + s] == want, "%s by %s: %.9g, in order %.9g", na, nb,
                               (double)y[r * ldc + s], (double)want);
                        EXPECT(fabs((double)y[r * ldc + s] - exact) <=
                                   ((double)cols + 8) * 0x1p-24 * (size + sqrt(aa * bb)) +
                                       (turned ? 4e-6 * sqrt(aa * bb) : 0),
                               "%s by %s: %g, double %g", na, nb, (double)y[r * ldc + s], exact);
                    }
                    for (s = other; r + 1 < rows && s < ldc; s++)
                        EXPECT(y[r * ldc + s] == -777.0f, "%s by %s: wrote outside", na, nb);
                }
                k = draw_below(rows + 1);
                EXPECT(hrq_mul_mat(&ma, &mb, z, ldc, k, rows) == HRQ_OK &&
                           hrq_mul_mat(&ma, &mb, z, ldc, 0, k) == HRQ_OK,
                       "%s by %s", na, nb);
                EXPECT(same_bits(y, z, (rows - 1) * ldc + other), "%s by %s: ranges", na, nb);
                if (turned) {
                    mb.seed = 32;
                    EXPECT(hrq_mul_mat(&ma, &mb, z, ldc, 0, rows) == HRQ_ERR_ARG, "%s by %s: other rotation", na, nb);
                }
                parts_free(&pa);
                parts_free(&pb);
            } else {
                EXPECT(same_bits(y, z, (rows - 1) * ldc + other), "%s by %s: refused and written", na, nb);
            }
            free(wa);
            free(wb);
            free(y);
            free(z);
            free(fa);
            free(fb);
            free(a.base);
            free(b.base);
        }
    tap_end();
}

/* 200000 columns of the extremes: sums of 2^31.6 and more, exact. */
static void test_wide(int effort)
{
    static const char *const names[] = {"int8",       "int8:sym",   "int8:asym",  "int4",      "int8:g64",
                                        "zn:q200:k2", "e8:q256:k4", "zn:q256:k1", "e8:q255:k3"};
    size_t i, c, cols = effort ? 200000 : 140000, sign;
    tap_begin("200000 columns of extremes: integers add up exactly");
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        for (sign = 0; sign < 2; sign++) {
            float *w = floats_of(1, cols, cols), *x = floats_of(1, cols, cols), y = 0, c11 = 0;
            block b, a;
            hrq_mat m;
            hrq_act *act;
            parts p;
            double size = 0;
            for (c = 0; c < cols; c++) {
                x[c] = 1.0f;
                w[c] = sign ? -1.0f : c % 5 ? 1.0f : -1.0f;
                if (names[i][0] != 'i' && c % 16) w[c] *= 1e-3f; /* beyond the cell: the code's largest values */
            }
            m = mat_of(&b, names[i], 1, cols, 1, w, cols);
            act = act_of(&a, &m, HRQ_ACT_INT8, x, 1, cols);
            p = parts_of(&m);
            EXPECT(hrq_mul(&m, act, &y, 1, 0, 1, NULL) == HRQ_OK && y == product_of(&p, act, 0, 0),
                   "%s: %.9g, exactly %.9g", names[i], (double)y, (double)product_of(&p, act, 0, 0));
            for (c = 0; c < cols; c++) size += fabs(p.unit[c]) * 127;
            if (i == 0) EXPECT(size > 2147483648.0, "%s: the sum would fit an int32", names[i]);
            EXPECT(hrq_mul_mat(&m, &m, &c11, 1, 0, 1) == HRQ_OK && c11 == pair_of(&p, 0, &p, 0), "%s squared",
                   names[i]);
            parts_free(&p);
            free(w);
            free(x);
            free(b.base);
            free(a.base);
        }
    tap_end();
}

static void test_status(void)
{
    size_t i;
    const char *name;
    tap_begin("statuses of act, mul, mul_t, mul_mat, matmul; outputs untouched");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        float w[5 * 20], x[2 * 20], y[64], before[64];
        block b, a;
        hrq_mat m, bad, narrow;
        hrq_act *act = NULL, *none = NULL;
        ledger l;
        hrq_hooks h;
        size_t bytes;
        fill_gauss(w, 100, 1.0);
        fill_gauss(x, 40, 1.0);
        fill_gauss(y, 64, 1.0);
        memcpy(before, y, sizeof y);
        m = mat_of(&b, name, 5, 20, 4, w, 20);
        bad = m;
        bad.format.kind = 0;
        narrow = m;
        narrow.cols = 19;
        bytes = hrq_act_bytes(&m, 2, HRQ_ACT_INT8);
        EXPECT(bytes > 0 && hrq_act_bytes(&m, 0, HRQ_ACT_F32) > 0, "%s act_bytes", name);
        EXPECT(hrq_act_bytes(NULL, 2, HRQ_ACT_INT8) == 0 && hrq_act_bytes(&bad, 2, HRQ_ACT_INT8) == 0 &&
                   hrq_act_bytes(&m, 2, (hrq_act_kind)7) == 0 && hrq_act_bytes(&m, SIZE_MAX, HRQ_ACT_F32) == 0 &&
                   hrq_act_bytes(&m, SIZE_MAX / 64, HRQ_ACT_INT8) == 0,
               "%s act_bytes 0", name);
        a = block_of(bytes, 3);
#define PREPARE(p, buffer, n_bytes, mat, kind, x, n, ld) \
    hrq_act_prepare(p, buffer, n_bytes, mat, (hrq_act_kind)(kind), x, n, ld)
        EXPECT(PREPARE(NULL, a.data, bytes, &m, 0, x, 2, 20) == HRQ_ERR_ARG, "%s act NULL", name);
        EXPECT(PREPARE(&none, NULL, bytes, &m, 0, x, 2, 20) == HRQ_ERR_ARG, "%s buffer NULL", name);
        EXPECT(PREPARE(&none, a.data, bytes, NULL, 0, x, 2, 20) == HRQ_ERR_ARG, "%s mat NULL", name);
        EXPECT(PREPARE(&none, a.data, bytes, &bad, 0, x, 2, 20) == HRQ_ERR_ARG, "%s no mat", name);
        EXPECT(PREPARE(&none, a.data, bytes, &m, 7, x, 2, 20) == HRQ_ERR_ARG, "%s no kind", name);
        EXPECT(PREPARE(&none, a.data, bytes, &m, 0, NULL, 2, 20) == HRQ_ERR_ARG, "%s x NULL", name);
        EXPECT(PREPARE(&none, a.data, bytes, &m, 0, x, 2, 19) == HRQ_ERR_SHAPE, "%s ldx", name);
        EXPECT(PREPARE(&none, a.data, bytes - 1, &m, 0, x, 2, 20) == HRQ_ERR_SPACE, "%s bytes", name);
        x[23] = NAN;
        EXPECT(PREPARE(&none, a.data, bytes, &m, 0, x, 2, 20) == HRQ_ERR_NONFINITE, "%s NaN", name);
        x[23] = -INFINITY;
        EXPECT(PREPARE(&none, a.data, bytes, &m, 1, x, 1, 20) != HRQ_ERR_NONFINITE, "%s infinity outside", name);
        EXPECT(hrq_matmul(&m, HRQ_ACT_F32, x, 2, 20, y, 5, NULL) == HRQ_ERR_NONFINITE, "%s matmul infinity", name);
        x[23] = 1.0f;
        none = NULL;
        EXPECT(PREPARE(&none, a.data, bytes, &m, 0, NULL, 0, 0) == HRQ_OK && none != NULL, "%s no vectors", name);
        EXPECT(hrq_mul(&m, none, NULL, 0, 0, 5, NULL) == HRQ_OK, "%s no vectors", name);
        EXPECT(PREPARE(&act, a.data, bytes, &m, 0, x, 2, 20) == HRQ_OK, "%s", name);
#undef PREPARE
        EXPECT(hrq_mul(NULL, act, y, 5, 0, 5, NULL) == HRQ_ERR_ARG &&
                   hrq_mul(&m, NULL, y, 5, 0, 5, NULL) == HRQ_ERR_ARG &&
                   hrq_mul(&m, act, NULL, 5, 0, 5, NULL) == HRQ_ERR_ARG &&
                   hrq_mul(&bad, act, y, 5, 0, 5, NULL) == HRQ_ERR_ARG &&
                   hrq_mul(&narrow, act, y, 5, 0, 5, NULL) == HRQ_ERR_ARG,
               "%s mul NULL, fit", name);
        EXPECT(hrq_mul(&m, act, y, 5, 3, 2, NULL) == HRQ_ERR_ARG && hrq_mul(&m, act, y, 6, 0, 6, NULL) == HRQ_ERR_ARG,
               "%s mul range", name);
        EXPECT(hrq_mul(&m, act, y, 4, 0, 5, NULL) == HRQ_ERR_SHAPE &&
                   hrq_mul(&m, act, y, SIZE_MAX / 2, 0, 5, NULL) == HRQ_ERR_SHAPE,
               "%s mul ldy", name);
        EXPECT(hrq_mul(&m, act, NULL, 0, 5, 5, NULL) == HRQ_OK && hrq_mul(&m, act, NULL, 0, 0, 0, NULL) == HRQ_OK,
               "%s mul nothing", name);
        EXPECT(hrq_mul_t(NULL, x, 2, 5, 0, 5, y, 20) == HRQ_ERR_ARG &&
                   hrq_mul_t(&m, NULL, 2, 5, 0, 5, y, 20) == HRQ_ERR_ARG &&
                   hrq_mul_t(&m, x, 2, 5, 0, 5, NULL, 20) == HRQ_ERR_ARG &&
                   hrq_mul_t(&bad, x, 2, 5, 0, 5, y, 20) == HRQ_ERR_ARG,
               "%s mul_t NULL", name);
        EXPECT(hrq_mul_t(&m, x, 2, 5, 4, 3, y, 20) == HRQ_ERR_ARG &&
                   hrq_mul_t(&m, x, 2, 6, 0, 6, y, 20) == HRQ_ERR_ARG,
               "%s mul_t range", name);
        EXPECT(hrq_mul_t(&m, x, 2, 4, 0, 5, y, 20) == HRQ_ERR_SHAPE &&
                   hrq_mul_t(&m, x, 2, 5, 0, 5, y, 19) == HRQ_ERR_SHAPE,
               "%s mul_t ld", name);
        EXPECT(hrq_mul_t(&m, x, 0, 5, 0, 5, y, 20) == HRQ_OK, "%s mul_t nothing", name);
        x[3] = NAN;
        EXPECT(hrq_mul_t(&m, x, 2, 5, 0, 5, y, 20) == HRQ_ERR_NONFINITE, "%s mul_t NaN", name);
        x[3] = 1.0f;
        EXPECT(hrq_mul_mat(NULL, &m, y, 5, 0, 5) == HRQ_ERR_ARG && hrq_mul_mat(&m, NULL, y, 5, 0, 5) == HRQ_ERR_ARG &&
                   hrq_mul_mat(&m, &m, NULL, 5, 0, 5) == HRQ_ERR_ARG &&
                   hrq_mul_mat(&bad, &m, y, 5, 0, 5) == HRQ_ERR_ARG &&
                   hrq_mul_mat(&m, &m, y, 5, 0, 6) == HRQ_ERR_ARG && hrq_mul_mat(&m, &m, y, 5, 3, 2) == HRQ_ERR_ARG,
               "%s mul_mat NULL, range", name);
        EXPECT(hrq_mul_mat(&m, &narrow, y, 5, 0, 5) == HRQ_ERR_SHAPE &&
                   hrq_mul_mat(&m, &m, y, 4, 0, 5) == HRQ_ERR_SHAPE,
               "%s mul_mat shape", name);
        EXPECT(hrq_mul_mat(&m, &m, NULL, 0, 2, 2) == HRQ_OK, "%s mul_mat nothing", name);
        EXPECT(hrq_matmul(NULL, HRQ_ACT_F32, x, 2, 20, y, 5, NULL) == HRQ_ERR_ARG &&
                   hrq_matmul(&m, HRQ_ACT_F32, NULL, 2, 20, y, 5, NULL) == HRQ_ERR_ARG &&
                   hrq_matmul(&m, HRQ_ACT_F32, x, 2, 20, NULL, 5, NULL) == HRQ_ERR_ARG &&
                   hrq_matmul(&m, (hrq_act_kind)9, x, 2, 20, y, 5, NULL) == HRQ_ERR_ARG,
               "%s matmul NULL", name);
        EXPECT(hrq_matmul(&m, HRQ_ACT_F32, x, 2, 19, y, 5, NULL) == HRQ_ERR_SHAPE &&
                   hrq_matmul(&m, HRQ_ACT_F32, x, 2, 20, y, 4, NULL) == HRQ_ERR_SHAPE,
               "%s matmul ld", name);
        h = ledger_hooks(&l, 1);
        EXPECT(hrq_matmul(&m, HRQ_ACT_INT8, x, 2, 20, y, 5, &h) == HRQ_ERR_NOMEM && l.live == 0, "%s matmul memory",
               name);
        EXPECT(hrq_matmul(&m, HRQ_ACT_F32, x, 0, 20, y, 5, &h) == HRQ_OK, "%s matmul nothing", name);
        EXPECT(memcmp(before, y, sizeof y) == 0, "%s: y touched by a call that failed", name);
        EXPECT(hrq_mul_t(&m, NULL, 2, 0, 3, 3, y, 20) == HRQ_OK, "%s mul_t of no rows", name);
        {
            size_t k;
            for (k = 0; k < 40; k++) EXPECT(y[k] == 0.0f, "%s mul_t of no rows is zero", name);
        }
        EXPECT(y[40] == before[40], "%s mul_t of no rows writes outside", name);
        free(a.base);
        free(b.base);
    }
    tap_end();
}

/* closed forms: iid Gaussians, both sides quantized. */
static double relative(const char *name, size_t rows, size_t cols, float **keep)
{
    float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols);
    double error = 0, energy = 0;
    size_t i;
    block b;
    hrq_mat m;
    fill_gauss(w, rows * cols, 1.0);
    m = mat_of(&b, name, rows, cols, 1, w, cols);
    hrq_mat_decode(&m, 0, rows, back, cols);
    for (i = 0; i < rows * cols; i++) {
        error += ((double)w[i] - (double)back[i]) * ((double)w[i] - (double)back[i]);
        energy += (double)w[i] * (double)w[i];
    }
    free(b.base);
    free(back);
    if (keep) *keep = w;
    else free(w);
    return error / energy;
}

static void test_figures(int effort)
{
    size_t rows = effort == 2 ? 1024 : 256, i, j, c, k, cols = 1024;
    static const struct {
        const char *name;
        double want;
    } row14[] = {{"int8:sym", 7.48e-5}, {"int4:sym", 2.484e-2}},
      row12[] = {{"int8:sym", 1.24e-4}, {"int4:sym", 4.14e-2}, {"e8:q14:k4", 1.20e-2}};
    tap_begin("closed form: absmax rounding of rows of 4096");
    for (i = 0; i < 2; i++) {
        double d = relative(row14[i].name, rows, 4096, NULL);
        /* 1.5 % of the row; the scale in bf16, rounded up by 2^-9 on average, adds its double; over 256 rows the mean of
           absmax^2 is known to 1 % (its spread is 17 %) */
        printf("# %s: %.4e, row %.4e\n", row14[i].name, d, row14[i].want);
        EXPECT(fabs(d / row14[i].want - 1) < 0.015 + 0.008 + 2 * 0.17 / sqrt((double)rows), "%s: %.4e, row %.4e",
               row14[i].name, d, row14[i].want);
        EXPECT(fabs(hrq_int_mse(4096, i ? 4 : 8, 1) / row14[i].want - 1) < 0.015, "closed form %.4e",
               hrq_int_mse(4096, i ? 4 : 8, 1));
    }
    tap_end();
    tap_begin("closed form: products of 1024 terms, both sides quantized: 2 D + D^2");
    for (k = 0; k < 3; k++) {
        size_t n = 96;
        float *wa = floats_of(n, cols, cols), *wb = floats_of(n, cols, cols), *y = floats_of(n, n, n);
        double error = 0, d[2] = {0, 0}, e;
        block a, b;
        hrq_mat ma, mb;
        fill_gauss(wa, n * cols, 1.0);
        fill_gauss(wb, n * cols, 1.0);
        ma = mat_of(&a, row12[k].name, n, cols, 1, wa, cols);
        mb = mat_of(&b, row12[k].name, n, cols, 1, wb, cols);
        hrq_mul_mat(&ma, &mb, y, n, 0, n);
        for (i = 0; i < n; i++)
            for (j = 0; j < n; j++) {
                double exact = 0;
                for (c = 0; c < cols; c++) exact += (double)wa[i * cols + c] * (double)wb[j * cols + c];
                e = (double)y[i * n + j] - exact;
                error += e * e / (double)(n * n) / (double)cols;
            }
        for (j = 0; j < 2; j++) {
            const float *w = j ? wb : wa;
            float *back = floats_of(n, cols, cols);
            hrq_mat_decode(j ? &mb : &ma, 0, n, back, cols);
            for (i = 0; i < n * cols; i++)
                d[j] += ((double)w[i] - (double)back[i]) * ((double)w[i] - (double)back[i]) / (double)(n * cols);
            free(back);
        }
        /* 9216 products of rows that share 192 scales and errors: 2 % of the row, and 2 sqrt(2 / 192) / ... of samples: 3 % */
        printf("# %s: %.4e, 2 D + D^2 %.4e, row %.4e\n", row12[k].name, error, d[0] + d[1] + d[0] * d[1],
               row12[k].want);
        EXPECT(fabs(error / (d[0] + d[1] + d[0] * d[1]) - 1) < 0.05, "%s: %.4e, 2 D + D^2 %.4e", row12[k].name, error,
               d[0] + d[1] + d[0] * d[1]);
        if (k < 2)
            EXPECT(fabs(error / row12[k].want - 1) < 0.07, "%s: %.4e, row %.4e", row12[k].name, error, row12[k].want);
        else EXPECT(error < row12[k].want * 1.05, "%s: %.4e, row %.4e", row12[k].name, error, row12[k].want);
        free(wa);
        free(wb);
        free(y);
        free(a.base);
        free(b.base);
    }
    tap_end();
}

/* MX blocks of very different sizes, blocks and rows of zeros: a row's products depend on that row alone. */
static void test_mx_rows(void)
{
    static const char *const names[] = {"mxfp4", "mxfp6e2m3", "mxint8", "mxfp8e4m3"};
    size_t i, r, c, t, n, rows = 83, cols = 160, reach;
    tap_begin("MX: blocks up to 2^240 apart, zeros; the bits of a row do not depend on its neighbours");
    for (i = 0; i < sizeof names / sizeof *names; i++)
        for (reach = 20; reach <= 120; reach += 50)
            for (n = 1; n <= 5; n += 4) {
                float *w = floats_of(rows, cols, cols), *x = floats_of(n, cols, cols), *y = floats_of(n, rows, rows);
                block b, a;
                hrq_mat m;
                hrq_act *act;
                parts p;
                fill_gauss(w, rows * cols, 1.0);
                fill_gauss(x, n * cols, 1.0);
                for (r = 0; r < rows; r++)
                    for (c = 0; c < cols; c++) {
                        int e = (int)((r * 7 + c / 32 * 13) % (2 * reach + 1)) - (int)reach;
                        w[r * cols + c] = r % 9 == 4 || (r + c / 32) % 6 == 0 ? 0.0f : ldexpf(w[r * cols + c], e);
                    }
                m = mat_of(&b, names[i], rows, cols, 3, w, cols);
                act = act_of(&a, &m, HRQ_ACT_INT8, x, n, cols);
                p = parts_of(&m);
                EXPECT(hrq_mul(&m, act, y, rows, 0, rows, NULL) == HRQ_OK, "mul");
                for (t = 0; t < n; t++)
                    for (r = 0; r < rows; r++) {
                        float want = product_of(&p, act, t, r), alone = -1;
                        block ba, bb;
                        hrq_mat single = mat_of(&bb, names[i], 1, cols, 3, w + r * cols, cols);
                        hrq_act *one_act = act_of(&ba, &single, HRQ_ACT_INT8, x + t * cols, 1, cols);
                        EXPECT(hrq_mul(&single, one_act, &alone, 1, 0, 1, NULL) == HRQ_OK, "alone");
                        EXPECT(y[t * rows + r] == want && alone == want, "%s row %lu of %lu vectors: %.9g, alone %.9g, want %.9g",
                               names[i], (unsigned long)r, (unsigned long)n, (double)y[t * rows + r], (double)alone,
                               (double)want);
                        free(ba.base);
                        free(bb.base);
                    }
                for (r = 0; r < rows; r += 16) {
                    float *z = floats_of(n, rows, rows);
                    size_t r1 = r + 16 < rows ? r + 16 : rows;
                    hrq_mul(&m, act, z, rows, r, r1, NULL);
                    for (t = 0; t < n; t++)
                        EXPECT(memcmp(z + t * rows + r, y + t * rows + r, (r1 - r) * sizeof *z) == 0, "%s: a panel alone",
                               names[i]);
                    free(z);
                }
                parts_free(&p);
                free(w);
                free(x);
                free(y);
                free(a.base);
                free(b.base);
            }
    tap_end();
}

/* Scales whose product is out of range beside a sum that is not: the product is what float arithmetic on W gives. */
static void test_ranges(void)
{
    static const struct {
        float w, x, want;
    } cases[] = {{1e-30f, 1e37f, 8e7f}, {1e-3f, 1e37f, 8e34f}, {1e23f, 1e-30f, 8e-7f}, {1e-25f, 1e-10f, 8e-35f}};
    size_t i, k, kind;
    tap_begin("ranges: scales far apart neither overflow nor vanish");
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        for (kind = 0; kind < 2; kind++) {
            float w[8], x[8], y = -1;
            block b;
            hrq_mat m;
            for (k = 0; k < 8; k++) w[k] = cases[i].w, x[k] = cases[i].x;
            m = mat_of(&b, "int8:sym", 1, 8, 1, w, 8);
            EXPECT(hrq_matmul(&m, (hrq_act_kind)kind, x, 1, 8, &y, 1, NULL) == HRQ_OK, "matmul");
            /* bf16 scale rounded up: 2^-8 of a step of 1/127 at most, and its code to the nearest */
            EXPECT(fabsf(y / cases[i].want - 1.0f) < 0.01f, "%g x %g: %g, want %g", (double)cases[i].w,
                   (double)cases[i].x, (double)y, (double)cases[i].want);
            free(b.base);
        }
    {
        float w[16] = {0}, x[16] = {0}, y = -1;
        block b;
        hrq_mat m;
        for (k = 0; k < 8; k++) w[k] = 1e23f, x[8 + k] = 1e22f;
        m = mat_of(&b, "int8", 1, 16, 1, w, 16);
        EXPECT(hrq_matmul(&m, HRQ_ACT_INT8, x, 1, 16, &y, 1, NULL) == HRQ_OK && y == 0.0f, "0 times infinity: %g",
               (double)y);
        free(b.base);
    }
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_mul(effort);
    test_epilogue();
    test_shared();
    test_mul_t(effort);
    test_mul_mat(effort);
    test_wide(effort);
    test_ranges();
    test_mx_rows();
    test_status();
    if (effort) test_figures(effort);
    return tap_finish();
}
