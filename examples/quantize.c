/* quantize.c: the main job. Quantize linear layers by every method, multiply with what comes out, and
   print how far each is from the limit.

       make run                                          layers drawn here: no file needed
       make run MODEL=stories.bin TOKENS=eval.u16 CALIB=calib.u16

   MODEL is a llama2.c checkpoint, the other two are token ids as little-endian uint16. The covariance
   of every layer's input is gathered on CALIB; the table says what the model loses on TOKENS with its
   block matrices quantized, embedding and norms kept. Further variables: TOKENS_MAX=20480 (how many
   are scored; 0: all), VERBOSE=1 (a line a matrix), THREADS=2 (same results), QUIET=1 (no progress). */
#define HRQ_IMPLEMENTATION
#include "layer.h"
#include "llama.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    const char *model, *tokens, *calib;
    long tokens_max;
    int verbose;
    work run;
} options;

//--------------------------------------------------------------------------------------------------
//  Table: five columns of both modes, three of their own
//--------------------------------------------------------------------------------------------------

static void print_head(const char *first, const char *second)
{
    printf("%-21s %8s %10s %9s %10s%s\n", "method", "bits an", "weighted", "gap to", "product", first);
    printf("%-21s %8s %10s %9s %10s%s\n", "", "entry", "error, dB", "limit, b", "error, dB", second);
}

static void print_row(const char *name, const outcome *o)
{
    printf("%-21s %8.4f %10.2f %9.3f %10.2f", name, o->bits / o->entries, decibel(o->loss / o->energy),
           o->gap / o->entries, decibel(o->y_error / o->y_square));
}

static const char *const columns_text =
    "bits an entry    8 * bytes stored / entries: codes, scales, headers and padding counted\n"
    "weighted error   tr(E S E^T) / tr(W S W^T), E = W - decoded W, S the covariance of the inputs\n"
    "gap to limit     bits an entry above reverse waterfilling at the same weighted error\n"
    "product error    |y - W x|^2 / |W x|^2 of hrq_matmul with int8 activations\n"
    "act              columns in the order of the inputs' variance, the largest first\n";

//--------------------------------------------------------------------------------------------------
//  Layers drawn here
//--------------------------------------------------------------------------------------------------

static void drawn_row(const layer *l, const method *m, options *o, const hrq_hooks *hooks)
{
    outcome sum;
    memset(&sum, 0, sizeof sum);
    snprintf(o->run.title, sizeof o->run.title, "%s, %s", l->name, m->name);
    layer_quantize(l, m, hooks, o->verbose, &sum);
    print_row(m->name, &sum);
    printf(" %10.2f", decibel(sum.error / sum.square));
    if (m->kind == METHOD_ROUND) {
        layer_both_sides(l, m, hooks, &sum);
        printf(" %9.3f", sum.both_error / sum.both_unit / hrq_gamma(sum.bits / sum.entries));
    } else {
        printf(" %9s", "-");
    }
    printf(" %8.2f\n", sum.seconds);
    fflush(stdout);
}

static void run_drawn(options *o)
{
    enum { ROWS = 1024, COLS = 512, INPUTS = 256 };
    hrq_hooks hooks = work_hooks(&o->run);
    int kind;
    printf("hrq %s, %s kernels. Drawn layers, no model: Gaussian weights, %d x %d, %d input vectors.\n",
           hrq_version_text(), hrq_isa_text(), ROWS, COLS, INPUTS);
    for (kind = 0; kind < DRAWN_KINDS; kind++) {
        layer l;
        size_t i;
        layer_draw(&l, (drawn_kind)kind, ROWS, COLS, INPUTS, &hooks);
        printf("\nDrawn layer %d: %s\n\n", kind + 1, drawn_titles[kind]);
        print_head("   error of    both /   encode", "      W, dB  Gamma(R)  seconds");
        for (i = 0; i < methods_count; i++) drawn_row(&l, &methods[i], o, &hooks);
        layer_free_drawn(&l);
    }
    printf("\n%s", columns_text);
    printf("both / Gamma(R)  W and x both in the format (hrq_mul_mat): |error|^2 n / (|W|^2 |x|^2) over\n"
           "                 Gamma(bits an entry); none below 1 where both are white Gaussians\n");
}

//--------------------------------------------------------------------------------------------------
//  A language model
//--------------------------------------------------------------------------------------------------

/* What enters the matrices of one input: statistics of the calibration text, vectors of the other. */
typedef struct model_input {
    size_t cols, inputs;
    float *sigma, *x;
    double *eigen;
} model_input;

typedef struct study {
    options *o;
    hrq_hooks hooks;
    llama model;
    size_t input_count, layer_count;
    model_input *inputs; /* [blocks * LLAMA_INPUTS]   */
    layer *layers;       /* [blocks * LLAMA_MATRICES] */
    uint16_t *tokens;
    size_t scored; /* tokens that the tables score */
    double calibrated;
} study;

enum { SAMPLES = 64 }; /* vectors an input keeps for the product error */

static void tap_covariance(void *user, size_t input, const float *x, size_t n, size_t cols)
{
    study *s = (study *)user;
    check(hrq_cov_add(s->inputs[input].sigma, cols, cols, x, n, cols, &s->hooks), "covariance");
}

static void tap_samples(void *user, size_t input, const float *x, size_t n, size_t cols)
{
    model_input *e = &((study *)user)->inputs[input];
    size_t step = n > SAMPLES ? n / SAMPLES : 1, t;
    for (t = 0; t < n && e->inputs < SAMPLES; t += step, e->inputs++)
        memcpy(e->x + e->inputs * cols, x + t * cols, cols * sizeof(float));
}

static size_t window_length(const study *s, size_t scored, size_t window)
{
    size_t left = scored - window * s->model.seq;
    return left < s->model.seq ? left : s->model.seq;
}

static size_t count_windows(const study *s, size_t scored)
{
    return (scored + s->model.seq - 1) / s->model.seq;
}

static void new_inputs(study *s)
{
    size_t i;
    s->inputs = (model_input *)new_block(s->input_count, sizeof(model_input));
    for (i = 0; i < s->layer_count; i++) {
        model_input *e = &s->inputs[s->model.matrices[i].input];
        if (e->sigma) continue;
        e->cols = s->model.matrices[i].cols;
        e->sigma = new_floats(e->cols * e->cols);
        e->x = new_floats(SAMPLES * e->cols);
    }
}

/* The covariances, from non-overlapping windows of the calibration text. */
static void calibrate(study *s)
{
    float *scratch = new_floats(llama_scratch(&s->model));
    size_t count, scored, windows, w, i;
    uint16_t *tokens = llama_tokens(&s->model, s->o->calib, &count);
    scored = count - 1;
    windows = count_windows(s, scored);
    snprintf(s->o->run.title, sizeof s->o->run.title, "calibration");
    for (w = 0; w < windows; w++) {
        llama_loss(&s->model, tokens + w * s->model.seq, window_length(s, scored, w), scratch, tap_covariance,
                   s, NULL);
        work_progress(&s->o->run, w + 1, windows);
    }
    s->calibrated = (double)scored;
    for (i = 0; i < s->input_count; i++) {
        model_input *e = &s->inputs[i];
        check(hrq_cov_finish(e->sigma, e->cols, e->cols, s->calibrated), "covariance");
        e->eigen = new_eigenvalues(e->sigma, e->cols, &s->hooks);
    }
    free(tokens);
    free(scratch);
}

/* Windows are independent; each writes its own loss, and those are added in order. */
typedef struct evaluation {
    study *s;
    size_t windows, workers, done;
    double *loss;
} evaluation;

static void evaluate_share(void *arg, size_t worker)
{
    evaluation *e = (evaluation *)arg;
    study *s = e->s;
    float *scratch = new_floats(llama_scratch(&s->model));
    size_t w;
    for (w = worker; w < e->windows; w += e->workers) {
        llama_tap *tap = w == 0 && !s->layers ? tap_samples : NULL;
        e->loss[w] = llama_loss(&s->model, s->tokens + w * s->model.seq, window_length(s, s->scored, w),
                                scratch, tap, s, NULL);
        if (worker == 0) work_progress(&s->o->run, w + e->workers, e->windows);
    }
    free(scratch);
}

/* nats a token with the weights in use */
static double evaluate(study *s)
{
    evaluation e;
    double sum = 0.0;
    size_t w;
    e.s = s;
    e.windows = count_windows(s, s->scored);
    e.workers = (size_t)s->o->run.threads;
    e.loss = (double *)new_block(e.windows, sizeof(double));
    s->hooks.parallel_for(s->hooks.user, e.workers, evaluate_share, &e);
    for (w = 0; w < e.windows; w++) sum += e.loss[w];
    free(e.loss);
    return sum / (double)s->scored;
}

/* The block matrices as layers, with what enters them. */
static void new_layers(study *s)
{
    size_t i;
    s->layers = (layer *)new_block(s->layer_count, sizeof(layer));
    for (i = 0; i < s->layer_count; i++) {
        const llama_matrix *w = &s->model.matrices[i];
        const model_input *e = &s->inputs[w->input];
        layer *l = &s->layers[i];
        snprintf(l->name, sizeof l->name, "%s", w->name);
        l->rows = w->rows;
        l->cols = w->cols;
        l->inputs = e->inputs;
        l->w = w->stored;
        l->sigma = e->sigma;
        l->eigen = e->eigen;
        l->x = e->x;
        l->tokens = s->calibrated;
        layer_prepare(l, &s->hooks);
    }
}

static void print_loss(double nats, double seconds)
{
    printf(" %9.4f %10.4f %8.2f\n", nats / log(2.0), exp(nats), seconds);
    fflush(stdout);
}

static void model_row(study *s, const method *m)
{
    outcome sum;
    size_t i;
    memset(&sum, 0, sizeof sum);
    for (i = 0; i < s->layer_count; i++) {
        snprintf(s->o->run.title, sizeof s->o->run.title, "%s, %s", m->name, s->layers[i].name);
        layer_quantize(&s->layers[i], m, &s->hooks, s->o->verbose, &sum);
        s->model.matrices[i].used = s->layers[i].what;
    }
    snprintf(s->o->run.title, sizeof s->o->run.title, "%s, scoring", m->name);
    print_row(m->name, &sum);
    print_loss(evaluate(s), sum.seconds);
}

static void open_study(study *s, options *o)
{
    size_t count;
    memset(s, 0, sizeof *s);
    s->o = o;
    s->hooks = work_hooks(&o->run);
    llama_load(&s->model, o->model);
    s->tokens = llama_tokens(&s->model, o->tokens, &count);
    s->scored = count - 1;
    if (o->tokens_max > 0 && (size_t)o->tokens_max < s->scored) s->scored = (size_t)o->tokens_max;
    s->input_count = s->model.blocks * LLAMA_INPUTS;
    s->layer_count = s->model.blocks * LLAMA_MATRICES;
    new_inputs(s);
}

static void close_study(study *s)
{
    size_t i;
    for (i = 0; i < s->layer_count; i++) layer_free(&s->layers[i]);
    for (i = 0; i < s->input_count; i++) {
        free(s->inputs[i].sigma);
        free(s->inputs[i].x);
        free(s->inputs[i].eigen);
    }
    free(s->layers);
    free(s->inputs);
    free(s->tokens);
    llama_free(&s->model);
}

static void run_model(options *o)
{
    const llama *m;
    study s;
    double nats;
    size_t i;
    open_study(&s, o);
    m = &s.model;
    printf("hrq %s, %s kernels. Model: %u blocks, width %u, hidden %u, %u tokens in the vocabulary.\n",
           hrq_version_text(), hrq_isa_text(), (unsigned)m->blocks, (unsigned)m->dim, (unsigned)m->hidden,
           (unsigned)m->vocab);
    snprintf(o->run.title, sizeof o->run.title, "float, scoring");
    nats = evaluate(&s);
    calibrate(&s);
    new_layers(&s);
    printf("%u tokens scored in windows of %u, covariances from %.0f tokens. Float: %.4f nats a token.\n\n",
           (unsigned)s.scored, (unsigned)m->seq, s.calibrated, nats);
    print_head("    bits a perplexity   encode", "     token             seconds");
    printf("%-21s %8.4f %10s %9s %10s", "float", 32.0, "-", "-", "-");
    print_loss(nats, 0.0);
    for (i = 0; i < methods_count; i++) model_row(&s, &methods[i]);
    printf("\n%s", columns_text);
    close_study(&s);
}

//--------------------------------------------------------------------------------------------------
//  Options
//--------------------------------------------------------------------------------------------------

static long to_number(const char *text, const char *name)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 0) die(name, "is not a number");
    return value;
}

/* name=value, as the Makefile passes its variables; an empty value leaves the default. */
static void read_option(options *o, const char *arg)
{
    const char *value = strchr(arg, '=');
    size_t length = value ? (size_t)(value - arg) : 0;
    if (!value) die(arg, "is not NAME=value");
    if (*++value == 0) return;
    if (!strncmp(arg, "MODEL=", length + 1)) o->model = value;
    else if (!strncmp(arg, "TOKENS=", length + 1)) o->tokens = value;
    else if (!strncmp(arg, "CALIB=", length + 1)) o->calib = value;
    else if (!strncmp(arg, "TOKENS_MAX=", length + 1)) o->tokens_max = to_number(value, "TOKENS_MAX");
    else if (!strncmp(arg, "VERBOSE=", length + 1)) o->verbose = to_number(value, "VERBOSE") != 0;
    else if (!strncmp(arg, "QUIET=", length + 1)) o->run.quiet = to_number(value, "QUIET") != 0;
    else if (!strncmp(arg, "THREADS=", length + 1)) o->run.threads = (int)to_number(value, "THREADS");
    else die(arg, "is not an option");
}

int main(int argc, char **argv)
{
    options o;
    int i, files;
    memset(&o, 0, sizeof o);
    o.tokens_max = 20480;
    o.run.threads = 1;
    for (i = 1; i < argc; i++) read_option(&o, argv[i]);
    if (o.run.threads < 1 || o.run.threads > 64) die("THREADS", "is not in 1 ... 64");
    files = (o.model != NULL) + (o.tokens != NULL) + (o.calib != NULL);
    if (files != 0 && files != 3) die("a model run", "needs all of MODEL, TOKENS and CALIB");
    if (files) run_model(&o);
    else run_drawn(&o);
    return 0;
}
