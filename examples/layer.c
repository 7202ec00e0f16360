/* layer.c: the methods, and how each is measured. The loss and the gap are computed here from the
   bytes stored, the decoded weights and the covariance, the same way for every method. VERBOSE=1 asks
   for the library's own report as well and says where the two differ. */
#include "layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 1 }; /* of the Hadamard signs */

const method methods[] = {
    {METHOD_ROUND, "int8", "int8", 0, 0},
    {METHOD_ROUND, "int4", "int4", 0, 0},
    {METHOD_ROUND, "int4:mse", "int4:mse", 0, 0},
    {METHOD_ROUND, "int4:mse+had", "int4:mse+had", 0, 0},
    {METHOD_ROUND, "int4:g32", "int4:g32", 0, 0},
    {METHOD_ROUND, "int3", "int3", 0, 0},
    {METHOD_ROUND, "int3:mse", "int3:mse", 0, 0},
    {METHOD_ROUND, "int3:mse+had", "int3:mse+had", 0, 0},
    {METHOD_ROUND, "int2", "int2", 0, 0},
    {METHOD_ROUND, "int2:mse", "int2:mse", 0, 0},
    {METHOD_ROUND, "int2:mse+had", "int2:mse+had", 0, 0},
    {METHOD_ROUND, "nvfp4:mse", "nvfp4:mse", 0, 0},
    {METHOD_ROUND, "e8:q16:k4", "e8:q16:k4", 0, 0},
    {METHOD_ROUND, "e8:q16:k4+had", "e8:q16:k4+had", 0, 0},
    {METHOD_ROUND, "e8:q8:k4+had", "e8:q8:k4+had", 0, 0},
    {METHOD_ROUND, "e8:q4:k4+had", "e8:q4:k4+had", 0, 0},
    {METHOD_ROUND, "e8:q4:k4+had+unbiased", "e8:q4:k4+had+unbiased", 0, 0},
    {METHOD_ROUND, "tcq4:s6+had", "tcq4:s6+had", 0, 0},
    {METHOD_ROUND, "tcq3:s6+had", "tcq3:s6+had", 0, 0},
    {METHOD_ROUND, "tcq2:s6+had+unbiased", "tcq2:s6+had+unbiased", 0, 0},
    {METHOD_GPTQ_ACT, "GPTQ int4:mse act", "int4:mse", 0, 0},
    {METHOD_GPTQ_ACT, "GPTQ int3:mse act", "int3:mse", 0, 0},
    {METHOD_GPTQ_ACT, "GPTQ int2:mse act", "int2:mse", 0, 0},
    {METHOD_GPTQ_FILTER, "GPTQ int4:mse filter", "int4:mse", 0, 0},
    {METHOD_GPTQ_FILTER, "GPTQ int3:mse filter", "int3:mse", 0, 0},
    {METHOD_GPTQ_FILTER, "GPTQ int2:mse filter", "int2:mse", 0, 0},
    {METHOD_GPTQ, "GPTQ e8:q8:k4", "e8:q8:k4", 0, 0},
    {METHOD_GPTQ_ENTROPY, "GPTQ entropy 4 bits", NULL, 4.0, 0},
    {METHOD_GPTQ_ENTROPY, "GPTQ entropy 3 bits", NULL, 3.0, 0},
    {METHOD_GPTQ_ENTROPY, "GPTQ entropy 2 bits", NULL, 2.0, 0},
    {METHOD_GPTQ_ENTROPY, "GPTQ entropy 1.5 bits", NULL, 1.5, 0},
    {METHOD_WATERSIC, "WaterSIC 4 bits", NULL, 4.0, 0},
    {METHOD_WATERSIC, "WaterSIC 3 bits", NULL, 3.0, 0},
    {METHOD_WATERSIC, "WaterSIC 2 bits", NULL, 2.0, 0},
    {METHOD_WATERSIC, "WaterSIC 1.5 bits", NULL, 1.5, 0},
    {METHOD_WATERSIC, "WaterSIC 4 bits, 8 st", NULL, 4.0, 8},
    {METHOD_WATERSIC, "WaterSIC 3 bits, 8 st", NULL, 3.0, 8},
    {METHOD_WATERSIC, "WaterSIC 2 bits, 8 st", NULL, 2.0, 8},
    {METHOD_WATERSIC, "WaterSIC 1.5 b., 8 st", NULL, 1.5, 8},
};
const size_t methods_count = sizeof methods / sizeof methods[0];

/* What one call made: the bytes that are stored, and the matrix that multiplies. */
typedef struct made {
    hrq_mat mat;
    hrq_report *wanted; /* NULL, or report: it takes eigenvalues, about as long as the call itself */
    hrq_report report;
    double stored;
    double seconds;
    char doing[64];
} made;

static double square_sum(const float *x, size_t count)
{
    double sum = 0.0;
    size_t i;
    for (i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

static double square_distance(const float *x, const float *y, size_t count)
{
    double sum = 0.0;
    size_t i;
    for (i = 0; i < count; i++) {
        double d = (double)x[i] - (double)y[i];
        sum += d * d;
    }
    return sum;
}

/* tr(E Sigma E^T), E = a - b [rows x n]; b NULL: zero. In double: E lies in sigma's weak directions. */
static double weighted_square(const float *a, const float *b, size_t rows, size_t n, const float *sigma)
{
    double *e = (double *)new_block(2 * n, sizeof(double)), *row = e + n, sum = 0.0;
    size_t r, i, j;
    for (r = 0; r < rows; r++) {
        for (j = 0; j < n; j++) {
            e[j] = (double)a[r * n + j] - (b ? (double)b[r * n + j] : 0.0);
            row[j] = 0.0;
        }
        for (i = 0; i < n; i++)
            for (j = 0; j < n; j++) row[j] += e[i] * (double)sigma[i * n + j];
        for (j = 0; j < n; j++) sum += row[j] * e[j];
    }
    free(e);
    return sum;
}

/* Bits an entry above reverse waterfilling for iid rows of W's mean square, at this loss an entry. */
static double gap_to_limit(const layer *l, double rate, double loss)
{
    double *lambda = (double *)new_block(l->cols, sizeof(double)), limit;
    size_t i;
    for (i = 0; i < l->cols; i++) lambda[i] = l->mean_square * l->eigen[i];
    limit = hrq_waterfill_rate(lambda, l->cols, loss);
    free(lambda);
    return rate - limit;
}

double *new_eigenvalues(const float *sigma, size_t n, const hrq_hooks *hooks)
{
    double *eigen = (double *)new_block(n, sizeof(double));
    check(hrq_eigenvalues(eigen, sigma, n, n, hooks), "eigenvalues of a covariance");
    return eigen;
}

void layer_prepare(layer *l, const hrq_hooks *hooks)
{
    double entries = (double)l->rows * (double)l->cols;
    l->what = new_floats(l->rows * l->cols);
    l->y = new_floats(l->inputs * l->rows);
    l->energy = weighted_square(l->w, NULL, l->rows, l->cols, l->sigma) / entries;
    l->mean_square = square_sum(l->w, l->rows * l->cols) / entries;
    check(hrq_gemm(l->y, l->rows, l->x, l->cols, l->w, l->cols, l->inputs, l->rows, l->cols, hooks),
          "float product");
}

double layer_loss(const layer *l) { return weighted_square(l->w, l->what, l->rows, l->cols, l->sigma); }

void layer_free(layer *l)
{
    free(l->what);
    free(l->y);
}

/* An empty matrix of this format. */
static hrq_mat new_matrix(const char *name, size_t rows, size_t cols)
{
    hrq_format format;
    hrq_mat mat;
    size_t bytes;
    check(hrq_format_parse(&format, name), name);
    bytes = hrq_mat_bytes(&format, rows, cols);
    check(hrq_mat_init(&mat, &format, rows, cols, SEED, new_block(bytes, 1), bytes), name);
    return mat;
}

static void make_fixed(const layer *l, const method *m, const hrq_hooks *hooks, made *out)
{
    double begin = seconds_now();
    out->mat = new_matrix(m->format, l->rows, l->cols);
    if (m->kind == METHOD_ROUND) {
        check(hrq_mat_encode(&out->mat, 0, l->rows, l->w, l->cols, hooks), out->doing);
    } else {
        hrq_gptq_options options = {0, HRQ_ORDER_DEFAULT, 0, 0};
        if (m->kind == METHOD_GPTQ_ACT) options.order = HRQ_ORDER_DESCENDING;
        if (m->kind == METHOD_GPTQ_FILTER) options.order = HRQ_ORDER_MINPIVOT;
        options.filter = m->kind == METHOD_GPTQ_FILTER;
        options.tokens = l->tokens;
        options.damping = l->tokens > 0 ? 0 : -1; /* an exact covariance needs none */
        check(hrq_gptq(&out->mat, l->w, l->cols, l->sigma, l->cols, &options, out->wanted, hooks),
              out->doing);
    }
    out->seconds = seconds_now() - begin;
    out->stored = (double)out->mat.bytes;
    check(hrq_mat_decode(&out->mat, 0, l->rows, l->what, l->cols), out->doing);
}

/* Bits an entry of the integers that x / step is, by their own histogram. */
static double entropy_of(const float *x, size_t count, double step)
{
    enum { MOST = 127 };
    double counts[2 * MOST + 1] = {0}, bits = 0.0;
    size_t i;
    for (i = 0; i < count; i++) {
        long k = lround((double)x[i] / step);
        counts[(k < -MOST ? -MOST : k > MOST ? MOST : k) + MOST] += 1.0;
    }
    for (i = 0; i < 2 * MOST + 1; i++)
        if (counts[i] > 0.0) bits -= counts[i] * log2(counts[i] / (double)count);
    return bits / (double)count;
}

/* GPTQ with this step for all entries, as far as 127 of them reach: a column that has no input holds int8's row scale
   there. Returns the entropy; the decoded weights go to l->what. */
static double gptq_with_step(const layer *l, double step, const hrq_gptq_options *options, const char *doing,
                             const hrq_hooks *hooks)
{
    size_t wide = l->cols + 1, r, c;
    float *w = new_floats(l->rows * wide), *sigma = new_floats(wide * wide), *out = new_floats(l->rows * wide);
    hrq_mat mat = new_matrix("int8:sym", l->rows, wide);
    for (r = 0; r < l->rows; r++) {
        memcpy(w + r * wide, l->w + r * l->cols, l->cols * sizeof(float));
        w[r * wide + l->cols] = (float)(127.0 * step);
    }
    for (r = 0; r < l->cols; r++) memcpy(sigma + r * wide, l->sigma + r * l->cols, l->cols * sizeof(float));
    check(hrq_gptq(&mat, w, wide, sigma, wide, options, NULL, hooks), doing);
    check(hrq_mat_decode(&mat, 0, l->rows, out, wide), doing);
    step = (double)out[l->cols] / 127.0; /* as stored */
    for (r = 0; r < l->rows; r++)
        for (c = 0; c < l->cols; c++) l->what[r * l->cols + c] = out[r * wide + c];
    free(mat.data);
    free(w);
    free(sigma);
    free(out);
    return entropy_of(l->what, l->rows * l->cols, step);
}

/* What multiplies is float: no matrix of integers is stored. */
static void make_entropy(const layer *l, const method *m, const hrq_hooks *hooks, made *out)
{
    double begin = seconds_now(), step = sqrt(l->mean_square) * exp2(2.05 - m->rate), bits = 0.0;
    hrq_gptq_options options = {0, HRQ_ORDER_DEFAULT, 0, 0};
    int turn;
    options.tokens = l->tokens;
    options.damping = l->tokens > 0 ? 0 : -1;
    for (turn = 0; turn < 20; turn++) { /* a bit an octave, or a little less */
        bits = gptq_with_step(l, step, &options, out->doing, hooks);
        if (fabs(bits - m->rate) < 0.001) break;
        step *= exp2((bits - m->rate) / 0.9);
    }
    out->seconds = seconds_now() - begin;
    out->stored = bits * (double)l->rows * (double)l->cols / 8.0;
    out->mat = new_matrix("f32", l->rows, l->cols);
    check(hrq_mat_encode(&out->mat, 0, l->rows, l->what, l->cols, hooks), out->doing);
}

/* The stream is what is stored; the matrix made from it is what multiplies. */
static void make_stream(const layer *l, const method *m, const hrq_hooks *hooks, made *out)
{
    double begin = seconds_now();
    hrq_watersic_options options;
    size_t capacity = hrq_watersic_bytes(l->rows, l->cols, m->rate), bytes, room;
    void *stream = new_block(capacity, 1);
    memset(&options, 0, sizeof options);
    options.rate = m->rate;
    options.states = m->states;
    options.tokens = l->tokens;
    options.damping = l->tokens > 0 ? 0 : -1;
    check(hrq_watersic(stream, capacity, &bytes, l->w, l->rows, l->cols, l->cols, l->sigma, l->cols, &options,
                       out->wanted, hooks),
          out->doing);
    out->seconds = seconds_now() - begin;
    out->stored = (double)bytes;
    check(hrq_stream_decode(stream, bytes, l->what, l->cols, hooks), out->doing);
    room = hrq_mat_from_stream_bytes(stream, bytes);
    check(hrq_mat_from_stream(&out->mat, new_block(room, 1), room, stream, bytes, hooks), out->doing);
    free(stream);
}

/* One line a matrix: what the library says, and where that differs from what was measured here. */
static void print_report(const layer *l, const method *m, const made *q, double rate, double gap)
{
    printf("  | %-12s %4zu x %-4zu", l->name, l->rows, l->cols);
    if (m->kind == METHOD_ROUND || m->kind == METHOD_GPTQ_ENTROPY) {
        printf("  used %.4f  gap %.3f\n", rate, gap);
        return;
    }
    if (m->kind == METHOD_WATERSIC) printf("  asked %.4f", m->rate);
    printf("  used %.4f  gap %.3f  damping %.1e  dead %zu", q->report.rate, q->report.gap, q->report.damping,
           q->report.dead_columns);
    if (fabs(q->report.gap - gap) > 0.005) printf("  MEASURED GAP %.3f", gap);
    printf("\n");
}

static void add_product(const layer *l, const made *q, const hrq_hooks *hooks, outcome *sum)
{
    size_t count = l->inputs * l->rows;
    float *y = new_floats(count);
    check(hrq_matmul(&q->mat, HRQ_ACT_INT8, l->x, l->inputs, l->cols, y, l->rows, hooks), q->doing);
    sum->y_error += square_distance(y, l->y, count);
    sum->y_square += square_sum(l->y, count);
    free(y);
}

void layer_quantize(const layer *l, const method *m, const hrq_hooks *hooks, int verbose, outcome *sum)
{
    size_t count = l->rows * l->cols;
    double entries = (double)count, loss, rate, gap;
    made q;
    q.wanted = verbose ? &q.report : NULL;
    snprintf(q.doing, sizeof q.doing, "%s on %s", m->name, l->name);
    if (m->kind == METHOD_WATERSIC) make_stream(l, m, hooks, &q);
    else if (m->kind == METHOD_GPTQ_ENTROPY) make_entropy(l, m, hooks, &q);
    else make_fixed(l, m, hooks, &q);
    rate = 8.0 * q.stored / entries;
    loss = layer_loss(l);
    gap = gap_to_limit(l, rate, loss / entries);
    if (verbose) print_report(l, m, &q, rate, gap);
    add_product(l, &q, hooks, sum);
    sum->entries += entries;
    sum->bits += 8.0 * q.stored;
    sum->loss += loss;
    sum->energy += l->energy * entries;
    sum->error += square_distance(l->w, l->what, count);
    sum->square += l->mean_square * entries;
    sum->gap += gap * entries;
    sum->seconds += q.seconds;
    free(q.mat.data);
}

void layer_both_sides(const layer *l, const method *m, const hrq_hooks *hooks, outcome *sum)
{
    size_t count = l->rows * l->inputs, r, t;
    float *c = new_floats(count);
    hrq_mat a = new_matrix(m->format, l->rows, l->cols);
    hrq_mat b = new_matrix(m->format, l->inputs, l->cols);
    check(hrq_mat_encode(&a, 0, l->rows, l->w, l->cols, hooks), m->name);
    check(hrq_mat_encode(&b, 0, l->inputs, l->x, l->cols, hooks), m->name);
    check(hrq_mul_mat(&a, &b, c, l->inputs, 0, l->rows), m->name);
    for (r = 0; r < l->rows; r++)
        for (t = 0; t < l->inputs; t++) {
            double d = (double)c[r * l->inputs + t] - (double)l->y[t * l->rows + r];
            sum->both_error += d * d;
        }
    sum->both_unit +=
        square_sum(l->w, l->rows * l->cols) * square_sum(l->x, l->inputs * l->cols) / (double)l->cols;
    free(c);
    free(a.data);
    free(b.data);
}
