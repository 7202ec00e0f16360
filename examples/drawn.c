/* drawn.c: layers for a run without a model. Gaussian weights, inputs of a known covariance. */
#include "layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *const drawn_titles[DRAWN_KINDS] = {
    "white inputs",
    "power-law inputs, eigenvalues 1/i in a random basis",
    "outlier channels, 1 in 64 has 100 times the variance; AR(0.5) apart from that",
};

/* Rows of a random orthogonal matrix: Gaussians through Gram-Schmidt. */
static void draw_basis(double *q, size_t n, uint64_t seed)
{
    float *normals = new_floats(n * n);
    size_t r, s, i;
    draw_normals(normals, n * n, seed);
    for (r = 0; r < n; r++) {
        double *row = q + r * n, norm = 0.0;
        for (i = 0; i < n; i++) row[i] = (double)normals[r * n + i];
        for (s = 0; s < r; s++) {
            const double *other = q + s * n;
            double along = 0.0;
            for (i = 0; i < n; i++) along += row[i] * other[i];
            for (i = 0; i < n; i++) row[i] -= along * other[i];
        }
        for (i = 0; i < n; i++) norm += row[i] * row[i];
        for (i = 0; i < n; i++) row[i] /= sqrt(norm);
    }
    free(normals);
}

/* sum over k of 1/(k + 1) q_k q_k^T, scaled to mean variance 1 */
static void power_law(float *sigma, size_t n)
{
    double *q = (double *)new_block(n * n, sizeof(double));
    double *row = (double *)new_block(n, sizeof(double)), trace = 0.0;
    size_t i, j, k;
    draw_basis(q, n, 17);
    for (k = 0; k < n; k++) trace += 1.0 / (double)(k + 1);
    for (i = 0; i < n; i++) {
        for (j = 0; j < n; j++) row[j] = 0.0;
        for (k = 0; k < n; k++)
            for (j = 0; j < n; j++) row[j] += q[k * n + i] / (double)(k + 1) * q[k * n + j];
        for (j = 0; j < n; j++) sigma[i * n + j] = (float)(row[j] * (double)n / trace);
    }
    free(q);
    free(row);
}

static void draw_covariance(float *sigma, size_t n, drawn_kind kind)
{
    size_t i, j;
    if (kind == DRAWN_POWER) {
        power_law(sigma, n);
        return;
    }
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++) {
            double apart = i > j ? (double)(i - j) : (double)(j - i);
            double scale = (i % 64 == 37 ? 10.0 : 1.0) * (j % 64 == 37 ? 10.0 : 1.0);
            sigma[i * n + j] = kind == DRAWN_WHITE ? (float)(i == j) : (float)(scale * pow(0.5, apart));
        }
}

/* x = L z, L the Cholesky factor of sigma */
static void draw_inputs(float *x, size_t inputs, const float *sigma, size_t n, const hrq_hooks *hooks)
{
    float *chol = new_floats(n * n), *z = new_floats(inputs * n);
    size_t i, j;
    for (i = 0; i < n; i++)
        for (j = 0; j <= i; j++) chol[i * n + j] = sigma[i * n + j];
    check(hrq_cholesky(chol, n, n, NULL, hooks), "factor of a drawn covariance");
    draw_normals(z, inputs * n, 29);
    check(hrq_gemm(x, n, z, n, chol, n, inputs, n, n, hooks), "drawn inputs");
    free(chol);
    free(z);
}

void layer_draw(layer *l, drawn_kind kind, size_t rows, size_t cols, size_t inputs, const hrq_hooks *hooks)
{
    float *w = new_floats(rows * cols), *sigma = new_floats(cols * cols);
    float *x = new_floats(inputs * cols);
    draw_normals(w, rows * cols, 5);
    draw_covariance(sigma, cols, kind);
    draw_inputs(x, inputs, sigma, cols, hooks);
    snprintf(l->name, sizeof l->name, "drawn %d", (int)kind + 1);
    l->rows = rows;
    l->cols = cols;
    l->inputs = inputs;
    l->w = w;
    l->sigma = sigma;
    l->x = x;
    l->tokens = 0;
    l->eigen = new_eigenvalues(sigma, cols, hooks);
    layer_prepare(l, hooks);
}

void layer_free_drawn(layer *l)
{
    layer_free(l);
    free((void *)l->w);
    free((void *)l->sigma);
    free((void *)l->x);
    free((void *)l->eigen);
}
