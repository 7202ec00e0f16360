// test_targets.c: hrq_retarget against the normal equations in double, and against the losses that it is for.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"

#include "common.h"

/* Inputs x [tokens x n] of a network and xh of the same quantized: coloured, xh off by noise and a little less. */
typedef struct pair {
    size_t n, tokens, rows;
    float *x, *xh, *r;                /* r [tokens x rows]: what outputs must make up for */
    float *sigma, *cross, *residual;  /* sums */
    float *w;
} pair;

static pair pair_of(size_t rows, size_t n, size_t tokens, double noise)
{
    pair p;
    size_t t, i;
    p.n = n, p.tokens = tokens, p.rows = rows;
    p.x = floats_of(tokens, n, n), p.xh = floats_of(tokens, n, n), p.r = floats_of(tokens, rows, rows);
    p.w = floats_of(rows, n, n);
    p.sigma = floats_of(n, n, n), p.cross = floats_of(n, n, n), p.residual = floats_of(rows, n, n);
    fill_gauss(p.w, rows * n, 1.0);
    fill_gauss(p.r, tokens * rows, 0.3);
    for (t = 0; t < tokens; t++)
        for (i = 0; i < n; i++) {
            float before = i ? p.x[t * n + i - 1] : 0.0f;
            p.x[t * n + i] = (float)(0.8 * (double)before + 0.6 * draw_gauss()) * (i % 5 == 4 ? 3.0f : 1.0f);
        }
    for (i = 0; i < tokens * n; i++) p.xh[i] = (float)((1.0 - 0.3 * noise) * (double)p.x[i] + noise * draw_gauss());
    memset(p.sigma, 0, n * n * sizeof(float));
    memset(p.cross, 0, n * n * sizeof(float));
    memset(p.residual, 0, rows * n * sizeof(float));
    hrq_cov_add(p.sigma, n, n, p.xh, tokens, n, NULL);
    hrq_cov_cross(p.cross, n, n, n, p.x, n, p.xh, n, tokens, NULL);
    hrq_cov_cross(p.residual, rows, n, n, p.r, rows, p.xh, n, tokens, NULL);
    return p;
}

static void pair_free(pair *p)
{
    free(p->x), free(p->xh), free(p->r), free(p->w), free(p->sigma), free(p->cross), free(p->residual);
}

/* sum over tokens of |W x + r - V xh|^2 */
static double misfit(const pair *p, const float *v, int with_r)
{
    double sum = 0;
    size_t t, r, i;
    for (t = 0; t < p->tokens; t++)
        for (r = 0; r < p->rows; r++) {
            double y = with_r ? (double)p->r[t * p->rows + r] : 0.0;
            for (i = 0; i < p->n; i++)
                y += (double)p->w[r * p->n + i] * (double)p->x[t * p->n + i] -
                     (double)v[r * p->n + i] * (double)p->xh[t * p->n + i];
            sum += y * y;
        }
    return sum;
}

static const hrq_gptq_options none = {-1.0, HRQ_ORDER_DEFAULT, 0, 0};

static void test_least_squares(void)
{
    static const size_t shapes[][2] = {{1, 1}, {3, 2}, {17, 24}, {40, 65}};
    size_t s, i, j, k;
    tap_begin("retarget: normal equations hold; no other weights fit better; with and without a residual");
    for (s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        size_t rows = shapes[s][0], n = shapes[s][1], turn;
        pair p = pair_of(rows, n, 6 * n + 40, 0.4);
        float *v = floats_of(rows, n, n + 1), *flat = floats_of(rows, n, n), *off = floats_of(rows, n, n);
        for (turn = 0; turn < 2; turn++) {
            double best, worst = 0, size = 0;
            EXPECT(hrq_retarget(v, n + 1, p.w, rows, n, n, p.cross, n, turn ? p.residual : NULL, n, p.sigma, n, &none,
                                NULL, NULL) == HRQ_OK,
                   "status");
            for (i = 0; i < rows; i++) memcpy(flat + i * n, v + i * (n + 1), n * sizeof(float));
            for (i = 0; i < rows; i++)
                for (j = 0; j < n; j++) { /* V Sigma = W C + R */
                    double left = 0, right = turn ? (double)p.residual[i * n + j] : 0.0;
                    for (k = 0; k < n; k++) {
                        left += (double)flat[i * n + k] * (double)p.sigma[(k > j ? k : j) * n + (k > j ? j : k)];
                        right += (double)p.w[i * n + k] * (double)p.cross[k * n + j];
                    }
                    worst = fmax(worst, fabs(left - right));
                    size = fmax(size, fabs(right));
                }
            /* float factor: n 2^-24 of the norms, V rounded to 2^-24; sums of sigma run to 50 times their entries */
            EXPECT(worst < size * (double)(n + 8) * 3e-6, "residual %g of %g, %u x %u", worst, size, (unsigned)rows,
                   (unsigned)n);
            best = misfit(&p, flat, (int)turn);
            for (k = 0; k < 20; k++) {
                for (i = 0; i < rows * n; i++) off[i] = flat[i] + (float)(0.02 * draw_gauss());
                EXPECT(misfit(&p, off, (int)turn) > best, "a neighbour fits better");
            }
            EXPECT(misfit(&p, p.w, (int)turn) > best, "W itself fits better");
        }
        free(v), free(flat), free(off);
        pair_free(&p);
    }
    tap_end();
}

static void test_fixed_point(void)
{
    size_t rows = 20, n = 33, i, j;
    pair p = pair_of(rows, n, 200, 0.0);
    float *v = floats_of(rows, n, n);
    hrq_gptq_options damped = {0.3, HRQ_ORDER_DEFAULT, 0, 0};
    double apart, beside;
    tap_begin("retarget: W stays where inputs do, to the bit, with any damping; damping holds W; sums or means");
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++) p.cross[i * n + j] = p.sigma[(i > j ? i : j) * n + (i > j ? j : i)];
    for (i = 0; i < 3; i++) {
        EXPECT(hrq_retarget(v, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, i == 0 ? &none : i == 1 ? &damped : NULL,
                            NULL, NULL) == HRQ_OK,
               "status");
        EXPECT(memcmp(v, p.w, rows * n * sizeof(float)) == 0, "W moved");
    }
    pair_free(&p);
    p = pair_of(rows, n, 200, 0.5);
    for (apart = beside = 0, i = 0; i < 2; i++) {
        EXPECT(hrq_retarget(v, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, i ? &damped : &none, NULL, NULL) == HRQ_OK,
               "status");
        for (j = 0; j < rows * n; j++)
            *(i ? &beside : &apart) += ((double)v[j] - (double)p.w[j]) * ((double)v[j] - (double)p.w[j]);
    }
    EXPECT(beside < 0.9 * apart && beside > 0, "damped %g, free %g", beside, apart);
    { /* means instead of sums: an even power of two changes no bit */
        float *again = floats_of(rows, n, n);
        for (i = 0; i < n * n; i++) p.sigma[i] *= 0.00390625f, p.cross[i] *= 0.00390625f;
        EXPECT(hrq_retarget(again, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, &damped, NULL, NULL) == HRQ_OK,
               "status");
        EXPECT(memcmp(again, v, rows * n * sizeof(float)) == 0, "means");
        free(again);
    }
    free(v);
    pair_free(&p);
    tap_end();
}

/* Quantized activations: W H (H + J)^-1 against H + J loses less than W does on inputs with noise J. */
static void test_noise(void)
{
    size_t rows = 24, n = 40, i;
    pair p = pair_of(rows, n, 4000, 0.0);
    float *v = floats_of(rows, n, n);
    double before, after;
    tap_begin("retarget: inputs with noise (QA-LDLQ)");
    for (i = 0; i < 4000 * n; i++) p.xh[i] = p.x[i] + (float)(0.5 * draw_gauss());
    memset(p.cross, 0, n * n * sizeof(float));
    hrq_cov_cross(p.cross, n, n, n, p.x, n, p.x, n, 4000, NULL);
    memcpy(p.sigma, p.cross, n * n * sizeof(float));
    for (i = 0; i < n; i++) p.sigma[i * n + i] += 0.25f * 4000.0f;
    EXPECT(hrq_retarget(v, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, &none, NULL, NULL) == HRQ_OK, "status");
    before = misfit(&p, p.w, 0);
    after = misfit(&p, v, 0);
    EXPECT(after < 0.75 * before, "%g before, %g after", before, after);
    free(v);
    pair_free(&p);
    tap_end();
}

static void test_edges(void)
{
    size_t rows = 37, n = 21, i, j;
    pair p = pair_of(rows, n, 100, 0.5);
    float *v = floats_of(rows, n, n), *want = floats_of(rows, n, n), keep;
    hrq_gptq_options odd = {2.0, HRQ_ORDER_DEFAULT, 0, 0};
    size_t pivot = 99;
    ledger l;
    hrq_hooks h = ledger_hooks(&l, 0);
    tap_begin("retarget: other threads, in place, dead inputs, statuses, nothing touched");
    EXPECT(hrq_retarget(want, n, p.w, rows, n, n, p.cross, n, p.residual, n, p.sigma, n, NULL, NULL, NULL) == HRQ_OK, "plain");
    EXPECT(hrq_retarget(v, n, p.w, rows, n, n, p.cross, n, p.residual, n, p.sigma, n, NULL, NULL, &h) == HRQ_OK, "hooks");
    EXPECT(memcmp(v, want, rows * n * sizeof(float)) == 0 && l.live == 0 && l.runs > 0, "threads, memory");
    memcpy(v, p.w, rows * n * sizeof(float));
    EXPECT(hrq_retarget(v, n, v, rows, n, n, p.cross, n, p.residual, n, p.sigma, n, NULL, NULL, NULL) == HRQ_OK, "in place");
    EXPECT(memcmp(v, want, rows * n * sizeof(float)) == 0, "in place");
    EXPECT(hrq_retarget(v, n, p.w, 5, n, n, p.cross, n, p.residual, n, p.sigma, n, NULL, NULL, NULL) == HRQ_OK, "five rows");
    EXPECT(memcmp(v, want, 5 * n * sizeof(float)) == 0, "rows do not see each other");
    memset(v, 0x5a, rows * n * sizeof(float));
    memcpy(want, v, rows * n * sizeof(float));
    for (i = 1; i < 12; i++) {
        h = ledger_hooks(&l, (int)i);
        if (hrq_retarget(v, n, p.w, rows, n, n, p.cross, n, p.residual, n, p.sigma, n, NULL, NULL, &h) == HRQ_OK) break;
        EXPECT(l.live == 0 && memcmp(v, want, rows * n * sizeof(float)) == 0, "memory ends at block %u", (unsigned)i);
    }
    EXPECT(i > 3 && i < 12, "%u blocks", (unsigned)i);
    memcpy(v, want, rows * n * sizeof(float));
#define REFUSED(status, ...)                                                                                          \
    EXPECT(hrq_retarget(__VA_ARGS__) == (status) && !memcmp(v, want, rows * n * sizeof(float)), #__VA_ARGS__)
    REFUSED(HRQ_ERR_ARG, NULL, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, NULL, NULL, NULL);
    REFUSED(HRQ_ERR_ARG, v, n, NULL, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, NULL, NULL, NULL);
    REFUSED(HRQ_ERR_ARG, v, n, p.w, rows, n, n, NULL, n, NULL, 0, p.sigma, n, NULL, NULL, NULL);
    REFUSED(HRQ_ERR_ARG, v, n, p.w, rows, n, n, p.cross, n, NULL, 0, NULL, n, NULL, NULL, NULL);
    REFUSED(HRQ_ERR_ARG, v, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, &odd, NULL, NULL);
    REFUSED(HRQ_ERR_SHAPE, v, n - 1, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, NULL, NULL, NULL);
    REFUSED(HRQ_ERR_SHAPE, v, n, p.w, rows, n, n - 1, p.cross, n, NULL, 0, p.sigma, n, NULL, NULL, NULL);
    REFUSED(HRQ_ERR_SHAPE, v, n, p.w, rows, n, n, p.cross, n - 1, NULL, 0, p.sigma, n, NULL, NULL, NULL);
    REFUSED(HRQ_ERR_SHAPE, v, n, p.w, rows, n, n, p.cross, n, p.residual, n - 1, p.sigma, n, NULL, NULL, NULL);
    REFUSED(HRQ_ERR_SHAPE, v, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n - 1, NULL, NULL, NULL);
    REFUSED(HRQ_ERR_SHAPE, v, n, p.w, 0, n, n, p.cross, n, NULL, 0, p.sigma, n, NULL, NULL, NULL);
    for (i = 0; i < 4; i++) {
        float *at = i == 0 ? p.w + 3 : i == 1 ? p.cross + 5 : i == 2 ? p.residual + 7 : p.sigma + n;
        keep = *at, *at = i % 2 ? NAN : INFINITY;
        REFUSED(HRQ_ERR_NONFINITE, v, n, p.w, rows, n, n, p.cross, n, p.residual, n, p.sigma, n, NULL, NULL, NULL);
        *at = keep;
    }
    keep = p.sigma[0], p.sigma[0] = -1.0f;
    REFUSED(HRQ_ERR_NOT_PD, v, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, NULL, &pivot, NULL);
    EXPECT(pivot == 0, "pivot %u", (unsigned)pivot);
    p.sigma[0] = keep;
    keep = p.sigma[2 * n + 1], p.sigma[2 * n + 1] = 1e6f;
    REFUSED(HRQ_ERR_NOT_PD, v, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, &none, &pivot, NULL);
    EXPECT(pivot == 2, "pivot %u", (unsigned)pivot);
    p.sigma[2 * n + 1] = keep;
    for (i = 0; i < n; i++) { /* the new network never feeds input 4, nor any at all */
        p.sigma[4 * n + i] = p.cross[i * n + 4] = 0.0f;
        if (i > 4) p.sigma[i * n + 4] = 0.0f;
    }
    EXPECT(hrq_retarget(v, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, NULL, NULL, NULL) == HRQ_OK, "a dead input");
    for (j = 0, i = 0; i < rows; i++) j += v[i * n + 4] != p.w[i * n + 4];
    EXPECT(j == 0, "a dead input keeps its weights");
    memset(p.sigma, 0, n * n * sizeof(float));
    EXPECT(hrq_retarget(v, n, p.w, rows, n, n, p.cross, n, NULL, 0, p.sigma, n, NULL, NULL, NULL) == HRQ_OK, "all dead");
    EXPECT(memcmp(v, p.w, rows * n * sizeof(float)) == 0, "all dead");
    free(v), free(want);
    pair_free(&p);
    tap_end();
}

int main(void)
{
    test_setup();
    test_least_squares();
    test_fixed_point();
    test_noise();
    test_edges();
    return tap_finish();
}
