/* quantize.c: the main job. Quantize linear layers by every method, multiply with what comes out, and
   print how far each is from the limit.

       make run                                          layers drawn here: no file needed
       make run MODEL=stories.bin TOKENS=eval.u16 CALIB=calib.u16

   MODEL is a llama2.c checkpoint, the other two are token ids as little-endian uint16. The covariance
   of every layer's input is gathered on CALIB; the first table says what the model loses on TOKENS with its
   block matrices quantized one by one, embedding and norms kept, the second what is lost where all of
   them share one budget and make up for each other. OUT=small.hrq RATE=3 writes the model at this rate as
   one file, which MODEL takes too: with TOKENS alone it is scored. Further variables: TOKENS_MAX=20480 (how
   many are scored; 0: all), VERBOSE=1 (a line a matrix), THREADS=2 (same results), QUIET=1 (no progress). */
#define HRQ_IMPLEMENTATION
#include "layer.h"
#include "llama.h"
#include "sequence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    const char *model, *tokens, *calib, *out;
    double rate; /* of out */
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
    "act              columns in the order of the inputs' variance, the largest first\n"
    "filter           hrq_gptq's own filter for few bits\n";

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

/* A point of the plot, with the letter of its method. */
typedef struct point {
    char letter;
    double bits, nats;
} point;

enum { POINTS = 64 };

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
    uint16_t *calib; /* calibrated + 1 tokens */
    double plain;    /* nats a token in float  */
    double entries;  /* of all matrices       */
    point points[POINTS];
    size_t point_count;
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
        llama_run(&s->model, tokens + w * s->model.seq, window_length(s, scored, w), scratch, tap_covariance,
                  s, NULL);
        work_progress(&s->o->run, w + 1, windows);
    }
    s->calibrated = (double)scored;
    for (i = 0; i < s->input_count; i++) {
        model_input *e = &s->inputs[i];
        check(hrq_cov_finish(e->sigma, e->cols, e->cols, s->calibrated), "covariance");
        e->eigen = new_eigenvalues(e->sigma, e->cols, &s->hooks);
    }
    s->calib = tokens;
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
        llama_tap *tap = w == 0 && s->inputs && !s->layers ? tap_samples : NULL;
        const uint16_t *tokens = s->tokens + w * s->model.seq;
        size_t n = window_length(s, s->scored, w);
        e->loss[w] = llama_nats(&s->model, llama_run(&s->model, tokens, n, scratch, tap, s, NULL), tokens, n);
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

static double add_point(study *s, char letter, double bits, double nats)
{
    point p;
    p.letter = letter;
    p.bits = bits;
    p.nats = nats;
    if (s->point_count < POINTS) s->points[s->point_count++] = p;
    return nats;
}

/* Bits a token above float, on a logarithmic scale, against bits an entry. */
static void plot(const study *s)
{
    enum { WIDE = 76, HIGH = 25 };
    static const double left = 1.25, right = 5.05, top = 4.0, bottom = 0.002;
    char grid[HIGH][WIDE + 1];
    size_t i;
    int row, col;
    for (row = 0; row < HIGH; row++) {
        memset(grid[row], ' ', WIDE);
        grid[row][WIDE] = 0;
    }
    for (i = 0; i < s->point_count; i++) {
        const point *p = &s->points[i];
        double more = (p->nats - s->plain) / log(2.0);
        col = (int)((p->bits - left) / (right - left) * (WIDE - 1) + 0.5);
        row = more > 0 ? (int)(log(top / more) / log(top / bottom) * (HIGH - 1) + 0.5) : HIGH - 1;
        if (p->bits >= left && p->bits <= right && row >= 0 && row < HIGH) grid[row][col] = p->letter;
    }
    printf("\nbits a token above float\n");
    for (row = 0; row < HIGH; row++) {
        double at = top * pow(bottom / top, (double)row / (HIGH - 1));
        if (row % 4 == 0) printf("%7.4f |%s\n", at, grid[row]);
        else printf("        |%s\n", grid[row]);
    }
    printf("        +");
    for (col = 0; col < WIDE; col++) putchar('-');
    printf("\n         ");
    for (col = 0; col < WIDE; col++) {
        double at = left + (right - left) * col / (WIDE - 1), half = floor(at * 2.0 + 0.5) / 2.0;
        if (fabs(at - half) <= 0.5 * (right - left) / (WIDE - 1)) col += printf("%.1f", half) - 1;
        else putchar(' ');
    }
    printf("  bits an entry\n\n"
           "r rounded   g GPTQ   e GPTQ, entropy of its integers   w WaterSIC   t with 8 states   B under one budget\n");
}

static void model_row(study *s, const method *m)
{
    static const char letters[] = {'r', 'g', 'g', 'g', 'e', 'w'};
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
    print_loss(add_point(s, m->states ? 't' : letters[m->kind], sum.bits / sum.entries, evaluate(s)), sum.seconds);
}

static void open_study(study *s, options *o)
{
    size_t count, i;
    memset(s, 0, sizeof *s);
    s->o = o;
    s->hooks = work_hooks(&o->run);
    llama_load(&s->model, o->model);
    s->tokens = llama_tokens(&s->model, o->tokens, &count);
    s->scored = count - 1;
    if (o->tokens_max > 0 && (size_t)o->tokens_max < s->scored) s->scored = (size_t)o->tokens_max;
    s->input_count = s->model.blocks * LLAMA_INPUTS;
    s->layer_count = s->model.blocks * LLAMA_MATRICES;
    for (i = 0; i < s->layer_count; i++) s->entries += (double)s->model.matrices[i].rows * (double)s->model.matrices[i].cols;
    if (!s->model.packed) new_inputs(s);
}

static void close_study(study *s)
{
    size_t i;
    for (i = 0; i < s->layer_count && s->layers; i++) layer_free(&s->layers[i]);
    for (i = 0; i < s->input_count && s->inputs; i++) {
        free(s->inputs[i].sigma);
        free(s->inputs[i].x);
        free(s->inputs[i].eigen);
    }
    free(s->layers);
    free(s->inputs);
    free(s->tokens);
    free(s->calib);
    llama_free(&s->model);
}

static const sequence_plan plans[] = {
    {"2 bits each", 2.0, 0, 0, 0},       {"2 bits, budget", 2.0, 0, 1, 0},     {"2 bits, budget, drift", 2.0, 0, 1, 1},
    {"4 bits, 8 states", 4.0, 8, 1, 1},  {"3 bits, 8 states", 3.0, 8, 1, 1},   {"2.5 bits, 8 states", 2.5, 8, 1, 1},
    {"2 bits, 8 states", 2.0, 8, 1, 1},  {"1.5 bits, 8 states", 1.5, 8, 1, 1},
};

/* The finished file: written where it is asked for, and the model as it runs from it. */
static double run_file(study *s, const sequence_result *r, size_t *bytes, const char *path)
{
    llama own = s->model;
    double nats;
    void *data = llama_pack(&own, r->stream, r->bytes, bytes);
    if (path) {
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(data, 1, *bytes, file) != *bytes || fclose(file) != 0) die(path, "cannot be written");
    }
    llama_unpack(&s->model, data, *bytes, "the packed model");
    nats = evaluate(s);
    llama_free(&s->model);
    s->model = own;
    free(data);
    return nats;
}

static void whole_row(study *s, sequence *q, const sequence_plan *plan, const char *path)
{
    sequence_result r;
    size_t bytes;
    double nats, file;
    sequence_quantize(q, plan, &r);
    snprintf(s->o->run.title, sizeof s->o->run.title, "%s, scoring", plan->name);
    nats = evaluate(s);
    if (plan->drift) add_point(s, 'B', r.bits / s->entries, nats);
    file = run_file(s, &r, &bytes, path);
    printf("%-21s %8.4f %9.1f %10.4f %10.4f %11.4f %9.1f\n", plan->name, r.bits / s->entries, (double)bytes / 1024.0,
           nats / log(2.0), exp(nats), exp(file), r.seconds);
    fflush(stdout);
    sequence_free(q, &r);
}

/* The whole model under one budget. */
static void run_whole(study *s)
{
    sequence_plan asked = {"", 0, 8, 1, 1};
    char name[32];
    sequence q;
    size_t i;
    printf("\nWaterSIC, the whole model: one budget, and each matrix quantized for what those before it leave of its\n"
           "inputs. One file holds all of it, embedding as f16 and norms as f32.\n\n"
           "%-21s %8s %9s %10s %10s %11s %9s\n%-21s %8s %9s %10s %10s %11s %9s\n",
           "plan", "bits an", "file, KB", "bits a", "perplexity", "run from it", "quantize", "", "entry", "", "token",
           "", "with int8", "seconds");
    sequence_open(&q, &s->model, s->layers, s->layer_count, s->calib, (size_t)s->calibrated, &s->o->run);
    for (i = 0; i < sizeof plans / sizeof plans[0]; i++) whole_row(s, &q, &plans[i], NULL);
    if (s->o->out) {
        snprintf(name, sizeof name, "%g bits, to the file", s->o->rate);
        asked.name = name;
        asked.rate = s->o->rate;
        whole_row(s, &q, &asked, s->o->out);
    }
    sequence_close(&q);
}

static void run_model(options *o)
{
    const llama *m;
    study s;
    size_t i;
    open_study(&s, o);
    m = &s.model;
    printf("hrq %s, %s kernels. Model: %u blocks, width %u, hidden %u, %u tokens in the vocabulary.\n",
           hrq_version_text(), hrq_isa_text(), (unsigned)m->blocks, (unsigned)m->dim, (unsigned)m->hidden,
           (unsigned)m->vocab);
    snprintf(o->run.title, sizeof o->run.title, "float, scoring");
    s.plain = evaluate(&s);
    if (m->packed) {
        printf("%u tokens scored from the file, int8 activations: %.4f bits a token, perplexity %.4f\n", (unsigned)s.scored,
               s.plain / log(2.0), exp(s.plain));
        close_study(&s);
        return;
    }
    if (!o->calib) die("a model run", "needs CALIB to quantize");
    calibrate(&s);
    new_layers(&s);
    printf("%u tokens scored in windows of %u, covariances from %.0f tokens. Float: %.4f nats a token.\n\n",
           (unsigned)s.scored, (unsigned)m->seq, s.calibrated, s.plain);
    print_head("    bits a perplexity   encode", "     token             seconds");
    printf("%-21s %8.4f %10s %9s %10s", "float", 32.0, "-", "-", "-");
    print_loss(s.plain, 0.0);
    for (i = 0; i < methods_count; i++) model_row(&s, &methods[i]);
    printf("\n%s", columns_text);
    run_whole(&s);
    plot(&s);
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

static double to_rate(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0.5 && value <= 8.0)) die("RATE", "is not in 0.5 ... 8");
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
    else if (!strncmp(arg, "OUT=", length + 1)) o->out = value;
    else if (!strncmp(arg, "RATE=", length + 1)) o->rate = to_rate(value);
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
    o.rate = 3.0;
    o.run.threads = 1;
    for (i = 1; i < argc; i++) read_option(&o, argv[i]);
    if (o.run.threads < 1 || o.run.threads > 64) die("THREADS", "is not in 1 ... 64");
    files = (o.model != NULL) + (o.tokens != NULL);
    if (files == 1 || (files == 0 && (o.calib || o.out))) die("a model run", "needs MODEL, TOKENS and CALIB");
    if (files) run_model(&o);
    else run_drawn(&o);
    return 0;
}
