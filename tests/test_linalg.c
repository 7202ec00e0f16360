// test_linalg.c: [13] bit by bit against the plain loops that define it, and against closed forms.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"

static float noise(uint64_t seed, size_t i)
{
    return (float)(hrq__random(seed, i) >> 40) * 1.1920929e-7f - 1.0f;
}

/* A matrix of exactly the bytes that it may touch: rows * ld less the last row's padding. */
static float *matrix(size_t rows, size_t cols, size_t ld, uint64_t seed)
{
    size_t count = (rows - 1) * ld + cols, i;
    float *x = (float *)malloc(count * sizeof(float));
    for (i = 0; x && i < count; i++) x[i] = noise(seed, i);
    return x;
}

static int same(const float *x, const float *y, size_t rows, size_t cols, size_t ld)
{
    return memcmp(x, y, ((rows - 1) * ld + cols) * sizeof(float)) == 0;
}

static float *copy(const float *x, size_t rows, size_t cols, size_t ld)
{
    size_t bytes = ((rows - 1) * ld + cols) * sizeof(float);
    float *y = (float *)malloc(bytes);
    if (y) memcpy(y, x, bytes);
    return y;
}

/* Hooks that run backwards, count blocks, and fail at will. */
typedef struct {
    int blocks, allocs, fail;
} ledger;

static void *ledger_alloc(void *user, size_t bytes)
{
    ledger *l = (ledger *)user;
    if (l->fail) return NULL;
    l->blocks++;
    l->allocs++;
    return malloc(bytes);
}

static void ledger_release(void *user, void *block)
{
    ((ledger *)user)->blocks--;
    free(block);
}

static void backwards(void *user, size_t count, void (*body)(void *arg, size_t index), void *arg)
{
    (void)user;
    while (count-- > 0) body(arg, count);
}

static hrq_hooks hooks_of(ledger *l)
{
    hrq_hooks h;
    memset(&h, 0, sizeof h);
    memset(l, 0, sizeof *l);
    h.user = l;
    h.alloc = ledger_alloc;
    h.release = ledger_release;
    h.parallel_for = backwards;
    return h;
}

static void test_gemm(void)
{
    static const size_t sizes[][3] = {{1, 1, 1},    {1, 32, 5},   {6, 32, 16},   {7, 33, 17},
                                      {5, 31, 255}, {6, 64, 256}, {13, 40, 257}, {97, 65, 30},
                                      {192, 32, 3}, {3, 600, 40}, {2, 4200, 3},  {100, 100, 600}};
    ledger l;
    hrq_hooks h = hooks_of(&l);
    size_t s, pad, i, j, k;
    tap_begin("gemm: bits of the plain loop, any blocking, order and threads");
    for (s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (pad = 0; pad < 2; pad++) {
            size_t m = sizes[s][0], n = sizes[s][1], d = sizes[s][2], lda = d + pad * 3,
                   ldb = d + pad, ldc = n + pad * 5;
            float *a = matrix(m, d, lda, 1), *b = matrix(n, d, ldb, 2), *c = matrix(m, n, ldc, 3),
                  *want = copy(c, m, n, ldc);
            for (i = 0; i < m; i++)
                for (j = 0; j < n; j++) {
                    float acc = 0.0f;
                    for (k = 0; k < d; k++) acc = fmaf(a[i * lda + k], b[j * ldb + k], acc);
                    want[i * ldc + j] = acc;
                }
            EXPECT(hrq_gemm(c, ldc, a, lda, b, ldb, m, n, d, pad ? &h : NULL) == HRQ_OK, "status");
            EXPECT(same(c, want, m, n, ldc), "%u x %u x %u, padding %u", (unsigned)m, (unsigned)n,
                   (unsigned)d, (unsigned)pad);
            free(a), free(b), free(c), free(want);
        }
    EXPECT(l.blocks == 0 && l.allocs == (int)(sizeof sizes / sizeof sizes[0]),
           "one block a call, all given back");
    tap_end();

    tap_begin("gemm: errors, special values");
    {
        float a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8}, c[4] = {9, 9, 9, 9};
        EXPECT(hrq_gemm(NULL, 2, a, 2, b, 2, 2, 2, 2, NULL) == HRQ_ERR_ARG, "c");
        EXPECT(hrq_gemm(c, 2, NULL, 2, b, 2, 2, 2, 2, NULL) == HRQ_ERR_ARG, "a");
        EXPECT(hrq_gemm(c, 2, a, 2, NULL, 2, 2, 2, 2, NULL) == HRQ_ERR_ARG, "b");
        EXPECT(hrq_gemm(c, 2, a, 2, b, 2, 0, 2, 2, NULL) == HRQ_ERR_SHAPE, "m");
        EXPECT(hrq_gemm(c, 2, a, 2, b, 2, 2, 0, 2, NULL) == HRQ_ERR_SHAPE, "n");
        EXPECT(hrq_gemm(c, 2, a, 2, b, 2, 2, 2, 0, NULL) == HRQ_ERR_SHAPE, "k");
        EXPECT(hrq_gemm(c, 1, a, 2, b, 2, 2, 2, 2, NULL) == HRQ_ERR_SHAPE, "ldc");
        EXPECT(hrq_gemm(c, 2, a, 1, b, 2, 2, 2, 2, NULL) == HRQ_ERR_SHAPE, "lda");
        EXPECT(hrq_gemm(c, 2, a, 2, b, 1, 2, 2, 2, NULL) == HRQ_ERR_SHAPE, "ldb");
        EXPECT(hrq_gemm(c, 2, a, SIZE_MAX / 2, b, 2, 3, 2, 2, NULL) == HRQ_ERR_SHAPE, "overflow");
        l.fail = 1;
        EXPECT(hrq_gemm(c, 2, a, 2, b, 2, 2, 2, 2, &h) == HRQ_ERR_NOMEM, "memory");
        for (i = 0; i < 4; i++) EXPECT(c[i] == 9.0f, "c touched on error");
        a[0] = NAN, a[2] = INFINITY; /* go through as fmaf has them, and stay in their rows */
        EXPECT(hrq_gemm(c, 2, a, 2, b, 2, 2, 2, 2, NULL) == HRQ_OK && isnan(c[0]) && isnan(c[1]) &&
                   isinf(c[2]),
               "NaN, inf");
    }
    tap_end();
}

static void test_cov(void)
{
    static const size_t sizes[][2] = {{1, 1}, {5, 3}, {33, 40}, {64, 257}, {100, 300}, {97, 31}};
    ledger l;
    hrq_hooks h = hooks_of(&l);
    size_t s, i, j, k;
    tap_begin("covariance: bits of the plain loop, in one call or many; upper triangle untouched");
    for (s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t n = sizes[s][0], t = sizes[s][1], ld = n + 3, ldx = n + s % 2, cut = t / 3;
        float *x = matrix(t, n, ldx, 4), *c = matrix(n, n, ld, 5), *want = copy(c, n, n, ld),
              *two = copy(c, n, n, ld);
        for (i = 0; i < n; i++)
            for (j = 0; j <= i; j++)
                for (k = 0; k < t; k++)
                    want[i * ld + j] = fmaf(x[k * ldx + i], x[k * ldx + j], want[i * ld + j]);
        EXPECT(hrq_cov_add(c, n, ld, x, t, ldx, NULL) == HRQ_OK, "status");
        EXPECT(same(c, want, n, n, ld), "%u tokens of %u", (unsigned)t, (unsigned)n);
        EXPECT(hrq_cov_add(two, n, ld, x, cut, ldx, &h) == HRQ_OK, "first part");
        EXPECT(hrq_cov_add(two, n, ld, x + cut * ldx, t - cut, ldx, &h) == HRQ_OK, "second part");
        EXPECT(same(two, want, n, n, ld), "in two parts, backwards");
        EXPECT(hrq_cov_finish(c, n, ld, (double)t) == HRQ_OK, "finish");
        for (i = 0; i < n; i++)
            for (j = 0; j <= i; j++) {
                float mean = (float)((double)want[i * ld + j] / (double)t);
                EXPECT(c[i * ld + j] == mean && c[j * ld + i] == mean, "finish (%u, %u)",
                       (unsigned)i, (unsigned)j);
            }
        free(x), free(c), free(want), free(two);
    }
    EXPECT(l.blocks == 0, "memory given back");
    tap_end();

    tap_begin("covariance of two kinds: bits of the plain loop, in two parts; that of one kind where both are the same");
    for (s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t m = sizes[s][0], n = m / 2 + 1, t = sizes[s][1], ld = n + 2, ldx = m + s % 2, ldy = n + 1, cut = t / 2;
        float *x = matrix(t, m, ldx, 6), *y = matrix(t, n, ldy, 7), *c = matrix(m, n, ld, 8), *want = copy(c, m, n, ld);
        float *own = matrix(n, n, ld, 9), *triangle = copy(own, n, n, ld);
        for (i = 0; i < m; i++)
            for (j = 0; j < n; j++)
                for (k = 0; k < t; k++)
                    want[i * ld + j] = fmaf(x[k * ldx + i], y[k * ldy + j], want[i * ld + j]);
        EXPECT(hrq_cov_cross(c, m, n, ld, x, ldx, y, ldy, cut, NULL) == HRQ_OK, "first part");
        EXPECT(hrq_cov_cross(c, m, n, ld, x + cut * ldx, ldx, y + cut * ldy, ldy, t - cut, &h) == HRQ_OK, "second part");
        EXPECT(same(c, want, m, n, ld), "%u tokens, %u by %u", (unsigned)t, (unsigned)m, (unsigned)n);
        hrq_cov_add(triangle, n, ld, y, t, ldy, NULL);
        hrq_cov_cross(own, n, n, ld, y, ldy, y, ldy, t, NULL);
        for (i = 0; i < n; i++)
            EXPECT(memcmp(own + i * ld, triangle + i * ld, (i + 1) * sizeof(float)) == 0, "row %u", (unsigned)i);
        free(x), free(y), free(c), free(want), free(own), free(triangle);
    }
    {
        float x[2] = {1, 2}, c[2] = {9, 9}, y[4] = {1, 2, 3, NAN};
        EXPECT(hrq_cov_cross(NULL, 1, 1, 1, x, 1, y, 1, 2, NULL) == HRQ_ERR_ARG &&
                   hrq_cov_cross(c, 1, 1, 1, NULL, 1, y, 1, 2, NULL) == HRQ_ERR_ARG &&
                   hrq_cov_cross(c, 1, 1, 1, x, 1, NULL, 1, 2, NULL) == HRQ_ERR_ARG,
               "null");
        EXPECT(hrq_cov_cross(c, 1, 2, 1, x, 1, y, 2, 2, NULL) == HRQ_ERR_SHAPE &&
                   hrq_cov_cross(c, 1, 2, 2, x, 1, y, 1, 2, NULL) == HRQ_ERR_SHAPE &&
                   hrq_cov_cross(c, 0, 2, 2, x, 1, y, 2, 2, NULL) == HRQ_ERR_SHAPE,
               "shapes");
        EXPECT(hrq_cov_cross(c, 1, 2, 2, x, 1, y, 2, 2, NULL) == HRQ_ERR_NONFINITE &&
                   hrq_cov_cross(c, 2, 1, 1, y, 2, x, 1, 2, NULL) == HRQ_ERR_NONFINITE,
               "NaN");
        EXPECT(hrq_cov_cross(c, 1, 2, 2, NULL, 1, NULL, 2, 0, NULL) == HRQ_OK && c[0] == 9 && c[1] == 9, "no tokens");
        l.blocks = l.allocs = 0, l.fail = 1;
        EXPECT(hrq_cov_cross(c, 1, 1, 1, x, 1, y, 1, 2, &h) == HRQ_ERR_NOMEM && c[0] == 9, "no memory");
        l.fail = 0;
    }
    EXPECT(l.blocks == 0, "memory given back");
    tap_end();

    tap_begin("covariance: errors");
    {
        float x[4] = {1, 2, 3, 4}, c[4] = {9, 9, 9, 9};
        EXPECT(hrq_cov_add(NULL, 2, 2, x, 2, 2, NULL) == HRQ_ERR_ARG &&
                   hrq_cov_add(c, 2, 2, NULL, 2, 2, NULL) == HRQ_ERR_ARG,
               "null");
        EXPECT(hrq_cov_add(c, 0, 2, x, 2, 2, NULL) == HRQ_ERR_SHAPE, "n");
        EXPECT(hrq_cov_add(c, 2, 1, x, 2, 2, NULL) == HRQ_ERR_SHAPE &&
                   hrq_cov_add(c, 2, 2, x, 2, 1, NULL) == HRQ_ERR_SHAPE,
               "ld");
        EXPECT(hrq_cov_add(c, 2, 2, x, SIZE_MAX, 2, NULL) == HRQ_ERR_SHAPE, "overflow");
        EXPECT(hrq_cov_add(c, 2, 2, x, 0, 2, NULL) == HRQ_OK &&
                   hrq_cov_add(c, 2, 2, NULL, 0, 2, NULL) == HRQ_OK,
               "no tokens");
        for (i = 0; i < 4; i++) {
            float keep = x[i];
            x[i] = NAN;
            EXPECT(hrq_cov_add(c, 2, 2, x, 2, 2, NULL) == HRQ_ERR_NONFINITE, "NaN at %u",
                   (unsigned)i);
            x[i] = -INFINITY;
            EXPECT(hrq_cov_add(c, 2, 2, x, 2, 2, NULL) == HRQ_ERR_NONFINITE, "inf at %u",
                   (unsigned)i);
            x[i] = keep;
        }
        l.fail = 1;
        EXPECT(hrq_cov_add(c, 2, 2, x, 2, 2, &h) == HRQ_ERR_NOMEM, "memory");
        EXPECT(hrq_cov_finish(NULL, 2, 2, 1) == HRQ_ERR_ARG &&
                   hrq_cov_finish(c, 2, 2, 0) == HRQ_ERR_ARG,
               "finish");
        EXPECT(hrq_cov_finish(c, 2, 2, -1) == HRQ_ERR_ARG &&
                   hrq_cov_finish(c, 2, 2, (double)NAN) == HRQ_ERR_ARG,
               "tokens");
        EXPECT(hrq_cov_finish(c, 2, 2, (double)INFINITY) == HRQ_ERR_ARG, "tokens");
        EXPECT(hrq_cov_finish(c, 0, 2, 1) == HRQ_ERR_SHAPE &&
                   hrq_cov_finish(c, 2, 1, 1) == HRQ_ERR_SHAPE,
               "shape");
        for (i = 0; i < 4; i++) EXPECT(c[i] == 9.0f, "sigma touched on error");
    }
    tap_end();
}

/* The specification: the unblocked right-looking loop, lower triangle, with or without pivoting. */
static int plain_cholesky(float *a, size_t n, size_t ld, size_t *perm, int least)
{
    size_t i, j, k, p, q, swap;
    float t;
    for (i = 0; perm && i < n; i++) perm[i] = i;
    for (p = 0; p < n; p++) {
        for (i = q = p; perm && i < n; i++)
            if ((least ? a[i * ld + i] < a[q * ld + q] : a[i * ld + i] > a[q * ld + q]) ||
                (a[i * ld + i] == a[q * ld + q] && perm[i] < perm[q]))
                q = i;
        if (q != p) {
            swap = perm[p], perm[p] = perm[q], perm[q] = swap;
            for (j = 0; j < n;
                 j++) { /* element pairs {(p, j), (q, j)} of the symmetric matrix, j not p nor q */
                float *x = j < p ? &a[p * ld + j] : &a[j * ld + p],
                      *y = j < q ? &a[q * ld + j] : &a[j * ld + q];
                if (j == p || j == q) continue;
                t = *x, *x = *y, *y = t;
            }
            t = a[p * ld + p], a[p * ld + p] = a[q * ld + q], a[q * ld + q] = t;
        }
        if (!(a[p * ld + p] > 0.0f) || !hrq__finite(a[p * ld + p])) return 0;
        a[p * ld + p] = sqrtf(a[p * ld + p]);
        for (i = p + 1; i < n; i++) a[i * ld + p] /= a[p * ld + p];
        for (i = p + 1; i < n; i++)
            for (k = p + 1; k <= i; k++)
                a[i * ld + k] = fmaf(-a[i * ld + p], a[k * ld + p], a[i * ld + k]);
    }
    return 1;
}

/* X^T X + n/8 I of noise, with a spread diagonal; the strict upper triangle is poison */
static float *definite(size_t n, size_t ld, uint64_t seed)
{
    float *x = matrix(n + 7, n, n, seed), *a = matrix(n, n, ld, seed + 1);
    size_t i, j, k;
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++) {
            float sum = i == j ? (float)n / 8.0f : 0.0f;
            for (k = 0; j <= i && k < n + 7; k++)
                sum += x[k * n + i] * x[k * n + j] * (1.0f + (float)((i * j) % 3));
            a[i * ld + j] = j <= i ? sum : NAN;
        }
    for (i = 0; i < n; i++) a[i * ld + i] *= 4.0f; /* the mask above is not definite by itself */
    free(x);
    return a;
}

static void test_cholesky(void)
{
    static const size_t sizes[] = {1, 2, 3, 31, 63, 64, 65, 100, 128, 129, 200};
    ledger l;
    hrq_hooks h = hooks_of(&l);
    size_t s, i, j, k, mode;
    tap_begin("cholesky: bits of the unblocked loop, natural and pivoted; residual");
    for (s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (mode = 0; mode < 3; mode++) { /* natural, largest pivots, least pivots */
            size_t n = sizes[s], ld = n + 2 * (s % 2), *perm = (size_t *)malloc(n * sizeof *perm);
            size_t *want_perm = (size_t *)malloc(n * sizeof *perm);
            float *a = definite(n, ld, 10 + s), *want = copy(a, n, n, ld),
                  *source = copy(a, n, n, ld);
            double worst = 0.0;
            EXPECT(plain_cholesky(want, n, ld, mode ? want_perm : NULL, mode == 2), "not definite: n = %u",
                   (unsigned)n);
            EXPECT(hrq__la_cholesky(a, n, ld, mode ? perm : NULL, mode == 2, NULL, &h) == HRQ_OK, "status");
            EXPECT(same(a, want, n, n, ld), "n = %u, pivoted %u", (unsigned)n, (unsigned)mode);
            for (i = 0; mode && i < n; i++) {
                EXPECT(perm[i] == want_perm[i], "perm[%u]", (unsigned)i);
                EXPECT(i == 0 || mode == 2 || a[i * ld + i] <= a[(i - 1) * ld + i - 1] * 1.0001f, "pivots fall");
            }
            for (i = 0; i < n;
                 i++) /* backward error (n + 1) u |L| |L^T|, and |L||L^T|_ij <= sqrt(a_ii a_jj) */
                for (j = 0; j <= i; j++) {
                    size_t r = mode ? perm[i] : i, c = mode ? perm[j] : j;
                    double sum = 0.0, bound;
                    for (k = 0; k <= j; k++) sum += (double)a[i * ld + k] * (double)a[j * ld + k];
                    bound = sqrt((double)source[r * ld + r] * (double)source[c * ld + c]);
                    sum =
                        fabs(sum - (double)source[(r > c ? r : c) * ld + (r > c ? c : r)]) / bound;
                    worst = sum > worst ? sum : worst;
                }
            EXPECT(worst <= (double)(n + 1) * 5.97e-8 * 1.01, "residual %g", worst);
            free(a), free(want), free(source), free(perm), free(want_perm);
        }
    EXPECT(l.blocks == 0, "memory given back");
    tap_end();
}

static void test_cholesky_errors(void)
{
    ledger l;
    hrq_hooks h = hooks_of(&l);
    size_t i, j, k, bad;
    tap_begin("cholesky: ties, failing pivots, errors");
    {
        enum { n = 130 };
        static float a[n * n], keep[n * n];
        static size_t perm[n];
        float small[4] = {4, 9, 2, 5};
        for (i = 0; i < n; i++) a[i * n + i] = i % 3 ? 1.0f : 4.0f;
        EXPECT(hrq__la_cholesky(a, n, n, perm, 0, NULL, NULL) == HRQ_OK, "diagonal");
        for (k = 0, i = 0; i < n; i += 3)
            EXPECT(perm[k++] == i, "largest first, lowest index first");
        for (i = 0; i < n; i++)
            if (i % 3) EXPECT(perm[k++] == i, "then the rest, lowest index first");
        for (k = 0; k < n; k += 43) { /* a pivot that is negative, zero, NaN, infinite */
            static const float wrong[4] = {-1.0f, 0.0f, NAN, INFINITY};
            for (j = 0; j < 4; j++) {
                for (i = 0; i < n * n; i++) a[i] = i % (n + 1) == 0 ? 1.0f : 0.0f;
                a[k * n + k] = wrong[j];
                memcpy(keep, a, sizeof a);
                bad = 999;
                EXPECT(hrq_cholesky(a, n, n, &bad, NULL) == HRQ_ERR_NOT_PD && bad == k,
                       "pivot %u is %g", (unsigned)k, (double)wrong[j]);
                EXPECT(hrq_cholesky(keep, n, n, NULL, &h) == HRQ_ERR_NOT_PD, "without report");
                for (i = 0; i < n * n; i++) a[i] = i % (n + 1) == 0 ? 1.0f : 0.0f;
                a[k * n + k] = wrong[j];
                bad = 999;
                EXPECT(hrq__la_cholesky(a, n, n, perm, 0, &bad, NULL) == HRQ_ERR_NOT_PD && bad == k,
                       "pivoted, %u is %g", (unsigned)k, (double)wrong[j]);
            }
        }
        EXPECT(l.blocks == 0, "memory given back on failure");
        EXPECT(hrq_cholesky(NULL, 2, 2, NULL, NULL) == HRQ_ERR_ARG, "null");
        EXPECT(hrq_cholesky(small, 0, 2, NULL, NULL) == HRQ_ERR_SHAPE &&
                   hrq_cholesky(small, 2, 1, NULL, NULL) == HRQ_ERR_SHAPE,
               "shape");
        EXPECT(hrq_cholesky(small, SIZE_MAX / 2, SIZE_MAX / 2, NULL, NULL) == HRQ_ERR_SHAPE,
               "overflow");
        l.fail = 1;
        EXPECT(hrq_cholesky(small, 2, 2, NULL, &h) == HRQ_ERR_NOMEM && small[0] == 4 &&
                   small[2] == 2 && small[3] == 5,
               "memory");
        EXPECT(hrq_cholesky(small, 2, 2, NULL, NULL) == HRQ_OK && small[0] == 2 && small[1] == 9 &&
                   small[2] == 1 && small[3] == 2,
               "2 x 2");
    }
    tap_end();
}

static void test_loss(void)
{
    static const size_t sizes[][2] = {{1, 1}, {3, 64}, {32, 65}, {33, 63}, {70, 130}};
    ledger l;
    hrq_hooks h = hooks_of(&l);
    hrq_status status;
    size_t s, r, i, j;
    tap_begin("loss: against the full double sum; lower triangle only; any threads");
    for (s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t rows = sizes[s][0], n = sizes[s][1], lde = n + 1, lds = n + 2;
        float *e = matrix(rows, n, lde, 20), *a = matrix(n, n, lds, 21);
        double want = 0.0, size = 0.0, square = 0.0, got;
        for (r = 0; r < rows; r++)
            for (i = 0; i < n; i++) {
                square += (double)e[r * lde + i] * (double)e[r * lde + i];
                for (j = 0; j < n; j++) {
                    double entry = (double)(i > j ? a[i * lds + j] : a[j * lds + i]);
                    double x = (double)e[r * lde + i] * (double)e[r * lde + j] * entry;
                    want += x;
                    size += fabs(x);
                }
            }
        for (i = 0; i < n; i++)
            for (j = i + 1; j < n; j++) a[i * lds + j] = NAN;
        got = hrq__la_loss(e, rows, n, lde, a, lds, NULL, &status);
        /* both sums round at most rows n^2 times, 2^-53 of the absolute sum each */
        EXPECT(status == HRQ_OK && fabs(got - want) <= 2.3e-16 * size * (double)(rows * n * n),
               "%g, want %g", got, want);
        EXPECT(hrq__la_loss(e, rows, n, lde, a, lds, &h, &status) == got, "backwards");
        got = hrq__la_loss(e, rows, n, lde, NULL, 0, &h, &status);
        EXPECT(fabs(got - square) <= 2.3e-16 * square * (double)(rows * n), "identity: %g, want %g",
               got, square);
        free(e), free(a);
    }
    EXPECT(l.blocks == 0, "memory given back");
    l.fail = 1;
    {
        float one = 1.0f;
        EXPECT(isnan(hrq__la_loss(&one, 1, 1, 1, NULL, 0, &h, &status)) && status == HRQ_ERR_NOMEM,
               "memory");
    }
    tap_end();
}

static void test_eigenvalues(void)
{
    const double pi = 3.14159265358979324;
    ledger l;
    hrq_hooks h = hooks_of(&l);
    size_t n, i, j, shape;
    tap_begin("eigenvalues: second difference, ones, identity, reflected diagonal; scales 2^+-100");
    for (n = 1; n <= 120; n += n < 5 ? 1 : 23)
        for (shape = 0; shape < 4; shape++) {
            size_t ld = n + 1;
            float *a = matrix(n, n, ld, 30), *b = copy(a, n, n, ld);
            double *eig = (double *)malloc(n * sizeof *eig),
                   *big = (double *)malloc(n * sizeof *eig), norm = 0.0, want, trace = 0.0;
            double unit = 2.0 / (double)n;
            for (i = 0; i < n; i++)
                for (j = 0; j < n; j++) {
                    double x = 0.0;
                    if (shape == 0) x = i == j ? 2.0 : i == j + 1 || j == i + 1 ? -1.0 : 0.0;
                    if (shape == 1) x = 1.0;
                    if (shape == 2) x = i == j ? 3.0 : 0.0;
                    /* H D H, H = I - 2/n 1 1^T, D = diag(0, 1, ...): sum over k of d_k h_ik h_jk */
                    if (shape == 3)
                        x = (i == j ? (double)i : 0.0) - unit * (double)(i + j) +
                            unit * unit * (double)(n * (n - 1)) / 2.0;
                    a[i * ld + j] = j <= i ? (float)x : NAN;
                    if (j <= i) norm += x * x * (i == j ? 1.0 : 2.0);
                    if (i == j) trace += (double)a[i * ld + j];
                    b[i * ld + j] = j <= i ? ldexpf((float)x, shape % 2 ? 100 : -100) : 0.0f;
                }
            norm = sqrt(norm) + 1e-300;
            EXPECT(hrq_eigenvalues(eig, a, n, ld, &h) == HRQ_OK &&
                       hrq_eigenvalues(big, b, n, ld, NULL) == HRQ_OK,
                   "status");
            for (i = 0; i < n; i++) {
                want = shape == 0   ? 2.0 - 2.0 * cos((double)(i + 1) * pi / (double)(n + 1))
                       : shape == 1 ? (i + 1 == n ? (double)n : 0.0)
                       : shape == 2 ? 3.0
                                    : (double)i;
                /* double: n units of 2^-52 of the norm; shape 3 is rounded to floats first: 2^-24
                 * of the norm (Weyl) */
                EXPECT(fabs(eig[i] - want) <=
                           norm * ((double)(n + 8) * 2.3e-16 + (shape == 3 ? 6e-8 : 0.0)),
                       "shape %u, n = %u: eigenvalue %u is %.17g, want %.17g", (unsigned)shape,
                       (unsigned)n, (unsigned)i, eig[i], want);
                EXPECT(ldexp(big[i], shape % 2 ? -100 : 100) == eig[i], "scale changes bits");
                EXPECT(i == 0 || eig[i] >= eig[i - 1], "ascending");
                trace -= eig[i];
            }
            EXPECT(fabs(trace) <= norm * (double)(n * n + 8) * 2.3e-16, "trace");
            free(a), free(b), free(eig), free(big);
        }
    EXPECT(l.blocks == 0, "memory given back");
    tap_end();
}

static void test_eigenvalues_errors(void)
{
    ledger l;
    hrq_hooks h = hooks_of(&l);
    size_t i;
    tap_begin("eigenvalues: bisection against the closed form of the second difference; errors");
    {
        enum { m = 50 };
        double d[m], e[m], found[m], eig[2] = {7, 7};
        float a[4] = {1, 0, 2, 1}, zero = 0.0f;
        for (i = 0; i < m; i++) d[i] = 1.0, e[i] = i + 1 < m ? -0.5 : 0.0;
        hrq__la_spectrum(found, d, e, m); /* 1 - cos(pi k / (m + 1)); 2^-52 of bisection, m roundings in its counts */
        for (i = 0; i < m; i++) {
            double want = 1.0 - cos(3.14159265358979324 * (double)(i + 1) / (m + 1));
            EXPECT(fabs(found[i] - want) <= (double)(m + 8) * 4.6e-16, "number %u", (unsigned)i);
        }
        EXPECT(hrq_eigenvalues(NULL, a, 2, 2, NULL) == HRQ_ERR_ARG &&
                   hrq_eigenvalues(eig, NULL, 2, 2, NULL) == HRQ_ERR_ARG,
               "null");
        EXPECT(hrq_eigenvalues(eig, a, 0, 2, NULL) == HRQ_ERR_SHAPE &&
                   hrq_eigenvalues(eig, a, 2, 1, NULL) == HRQ_ERR_SHAPE,
               "shape");
        EXPECT(hrq_eigenvalues(eig, a, SIZE_MAX / 2, SIZE_MAX / 2, NULL) == HRQ_ERR_SHAPE,
               "overflow");
        a[2] = INFINITY;
        EXPECT(hrq_eigenvalues(eig, a, 2, 2, NULL) == HRQ_ERR_NONFINITE, "infinity");
        a[2] = 2, a[3] = NAN;
        EXPECT(hrq_eigenvalues(eig, a, 2, 2, NULL) == HRQ_ERR_NONFINITE, "NaN");
        a[3] = 1;
        l.fail = 1;
        EXPECT(hrq_eigenvalues(eig, a, 2, 2, &h) == HRQ_ERR_NOMEM && eig[0] == 7 && eig[1] == 7,
               "memory; eig touched");
        EXPECT(hrq_eigenvalues(eig, a, 2, 2, NULL) == HRQ_OK && fabs(eig[0] + 1) < 1e-15 &&
                   fabs(eig[1] - 3) < 1e-15,
               "2 x 2");
        EXPECT(hrq_eigenvalues(eig, &zero, 1, 1, NULL) == HRQ_OK && eig[0] == 0.0, "zero");
    }
    tap_end();
}

int main(void)
{
    test_gemm();
    test_cov();
    test_cholesky();
    test_cholesky_errors();
    test_loss();
    test_eigenvalues();
    test_eigenvalues_errors();
    return tap_finish();
}
