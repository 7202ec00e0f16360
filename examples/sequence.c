/* sequence.c: see sequence.h. Drift correction, the residual stream's share in it and a rate for what is left, from matrix
   to matrix, as in WaterSIC (arXiv 2603.04956, section 4); the budget is shared by reverse waterfilling over all matrices
   (hrq_budget), for which that paper gives all the same. */
#include "sequence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t length_of(const sequence *s, size_t window)
{
    size_t left = s->token_count - window * s->model->seq;
    return left < s->model->seq ? left : s->model->seq;
}

/* Quantize w for inputs of this covariance; the decoded weights go to l->what. */
static void *new_stream(const layer *l, const float *w, const float *sigma, const hrq_watersic_options *options,
                        size_t *bytes, const hrq_hooks *hooks)
{
    size_t capacity = hrq_watersic_bytes(l->rows, l->cols, options->rate);
    void *stream = new_block(capacity, 1);
    check(hrq_watersic(stream, capacity, bytes, w, l->rows, l->cols, l->cols, sigma, l->cols, options, NULL, hooks),
          l->name);
    check(hrq_stream_decode(stream, *bytes, l->what, l->cols, hooks), l->name);
    return stream;
}

//--------------------------------------------------------------------------------------------------
//  What a unit of loss in each matrix costs
//--------------------------------------------------------------------------------------------------

static const double PROBE_RATE = 3.0;
static const size_t PROBE_WINDOWS = 32;

/* Logits of one token to log p. */
static void log_softmax(float *out, const float *x, size_t n)
{
    double top = (double)x[0], sum = 0.0;
    size_t i;
    for (i = 1; i < n; i++) top = (double)x[i] > top ? (double)x[i] : top;
    for (i = 0; i < n; i++) sum += exp((double)x[i] - top);
    for (i = 0; i < n; i++) out[i] = (float)((double)x[i] - top - log(sum));
}

/* A model's predictions of the first windows, log p [tokens x vocab]; or their divergence from those of another. */
typedef struct prediction {
    const sequence *s;
    const llama *model;
    size_t windows, workers;
    float *log_p;
    int compare;
    double *sum; /* [windows] */
} prediction;

static void predict_share(void *arg, size_t worker)
{
    prediction *p = (prediction *)arg;
    const llama *m = p->model;
    float *scratch = new_floats(llama_scratch(m)), *own = new_floats(m->vocab);
    size_t w, t, i;
    for (w = worker; w < p->windows; w += p->workers) {
        size_t first = w * m->seq, n = length_of(p->s, w);
        const float *logits = llama_run(m, p->s->tokens + first, n, scratch, NULL, NULL, NULL);
        p->sum[w] = 0.0;
        for (t = 0; t < n; t++) {
            float *log_p = p->log_p + (first + t) * m->vocab;
            log_softmax(p->compare ? own : log_p, logits + t * m->vocab, m->vocab);
            for (i = 0; i < m->vocab && p->compare; i++)
                p->sum[w] += exp((double)log_p[i]) * ((double)log_p[i] - (double)own[i]);
        }
    }
    free(scratch);
    free(own);
}

static double predict(prediction *p, const llama *model, int compare)
{
    double sum = 0.0, tokens = 0.0;
    size_t w;
    p->model = model;
    p->compare = compare;
    p->s->hooks.parallel_for(p->s->hooks.user, p->workers, predict_share, p);
    for (w = 0; w < p->windows; w++) {
        sum += p->sum[w];
        tokens += (double)length_of(p->s, w);
    }
    return sum / tokens;
}

static void measure_weights(sequence *s)
{
    llama *m = s->model;
    hrq_watersic_options options;
    prediction p;
    size_t i, bytes;
    memset(&options, 0, sizeof options);
    options.rate = PROBE_RATE;
    options.tokens = (double)s->token_count;
    p.s = s;
    p.windows = s->windows < PROBE_WINDOWS ? s->windows : PROBE_WINDOWS;
    p.workers = (size_t)s->run->threads;
    p.log_p = new_floats(p.windows * m->seq * m->vocab);
    p.sum = (double *)new_block(p.windows, sizeof(double));
    predict(&p, &s->plain, 0);
    for (i = 0; i < s->count; i++) m->matrices[i].used = m->matrices[i].stored;
    for (i = 0; i < s->count; i++) {
        const layer *l = &s->layers[i];
        snprintf(s->run->title, sizeof s->run->title, "what errors cost, %s", l->name);
        work_progress(s->run, i, s->count);
        free(new_stream(l, l->w, l->sigma, &options, &bytes, &s->hooks));
        m->matrices[i].used = l->what;
        s->weight[i] = predict(&p, m, 1) / layer_loss(l);
        if (!(s->weight[i] > 0.0)) s->weight[i] = 0.0; /* rounding, where it costs nothing */
        m->matrices[i].used = m->matrices[i].stored;
    }
    free(p.log_p);
    free(p.sum);
}

void sequence_open(sequence *s, llama *model, const layer *layers, size_t count, const uint16_t *tokens,
                   size_t token_count, work *run)
{
    size_t i;
    memset(s, 0, sizeof *s);
    s->model = model;
    s->plain = *model;
    s->plain.matrices = (llama_matrix *)new_block(count, sizeof(llama_matrix));
    memcpy(s->plain.matrices, model->matrices, count * sizeof(llama_matrix));
    for (i = 0; i < count; i++) s->plain.matrices[i].used = s->plain.matrices[i].stored;
    s->layers = layers;
    s->count = count;
    s->tokens = tokens;
    s->token_count = token_count;
    s->windows = (token_count + model->seq - 1) / model->seq;
    s->weight = (double *)new_block(count, sizeof(double));
    s->run = run;
    s->hooks = work_hooks(run);
    s->hooks.progress = NULL;
    measure_weights(s);
}

void sequence_close(sequence *s)
{
    free(s->plain.matrices);
    free(s->weight);
}

//--------------------------------------------------------------------------------------------------
//  Rates
//--------------------------------------------------------------------------------------------------

/* Bits an entry that a stream takes beside what theory asks for, about, and the least that it is given for the rest. */
static const double FIXED_RATE = 0.25, LEAST_RATE = 0.2, MOST_RATE = 8.0;

/* The rate of matrix `at`: its share of the bits that are left for it and all that come after it. */
static double next_rate(const sequence *s, const sequence_plan *plan, const unsigned char *done, size_t at,
                        double bits_left)
{
    hrq_share *shares = (hrq_share *)new_block(s->count, sizeof(hrq_share));
    double *lambda = (double *)new_block(s->count * llama_widest(s->model), sizeof(double)), *to = lambda;
    double entries = 0.0, rate;
    size_t i, j, n = 0, mine = 0;
    for (i = 0; i < s->count; i++) {
        const layer *l = &s->layers[i];
        hrq_share *share = &shares[n];
        if (done[i]) continue;
        if (i == at) mine = n;
        n++;
        entries += (double)l->rows * (double)l->cols;
        share->lambda = to;
        for (j = 0; j < l->cols; j++) *to++ = l->eigen[j] * l->mean_square;
        share->rows = l->rows;
        share->cols = l->cols;
        share->weight = s->weight[i];
        share->least = LEAST_RATE;
        share->most = MOST_RATE;
    }
    rate = bits_left / entries;
    if (plan->budget) {
        double loss = hrq_budget(shares, n, rate - FIXED_RATE);
        if (loss != loss) die(plan->name, "a rate this low or high cannot be shared");
        rate = shares[mine].rate + FIXED_RATE;
    }
    free(lambda);
    free(shares);
    return rate;
}

//--------------------------------------------------------------------------------------------------
//  Both models, side by side
//--------------------------------------------------------------------------------------------------

/* All tokens of the text on their way through a model. */
typedef struct flow {
    const sequence *s;
    const llama *model;
    size_t input, workers; /* what they are about to enter */
    float *stream;         /* [tokens x dim]               */
    float *x, *next;       /* [tokens x width of input]    */
} flow;

static void flow_open(flow *f, const sequence *s, const llama *model)
{
    size_t widest = llama_widest(model), w;
    f->s = s;
    f->model = model;
    f->input = 0;
    f->workers = (size_t)s->run->threads;
    f->stream = new_floats(s->token_count * model->dim);
    f->x = new_floats(s->token_count * widest);
    f->next = new_floats(s->token_count * widest);
    for (w = 0; w < s->windows; w++) {
        size_t first = w * model->seq;
        llama_begin(model, s->tokens + first, length_of(s, w), f->stream + first * model->dim, f->x + first * model->dim);
    }
}

static void flow_close(flow *f)
{
    free(f->stream);
    free(f->x);
    free(f->next);
}

static void step_share(void *arg, size_t worker)
{
    flow *f = (flow *)arg;
    const llama *m = f->model;
    float *scratch = new_floats(llama_scratch(m));
    size_t w;
    for (w = worker; w < f->s->windows; w += f->workers) {
        size_t first = w * m->seq;
        llama_step(m, f->input, length_of(f->s, w), f->stream + first * m->dim, f->x + first * llama_width(m, f->input),
                   f->next + first * llama_width(m, f->input + 1), scratch, NULL);
    }
    free(scratch);
}

static void flow_step(flow *f)
{
    float *swap = f->next;
    f->s->hooks.parallel_for(f->s->hooks.user, f->workers, step_share, f);
    f->next = f->x;
    f->x = swap;
    f->input++;
}

/* Sums over all tokens of what the quantized model feeds an input, beside the plain one. */
typedef struct drift {
    float *sigma, *cross, *residual, *lost; /* [cols x cols] twice, [dim x cols]; [tokens x dim] */
} drift;

static void drift_gather(drift *d, const flow *plain, const flow *quantized)
{
    const sequence *s = plain->s;
    size_t cols = llama_width(s->model, plain->input), dim = s->model->dim, n = s->token_count, i;
    memset(d->sigma, 0, cols * cols * sizeof(float));
    memset(d->cross, 0, cols * cols * sizeof(float));
    memset(d->residual, 0, dim * cols * sizeof(float));
    for (i = 0; i < n * dim; i++) d->lost[i] = plain->stream[i] - quantized->stream[i];
    check(hrq_cov_add(d->sigma, cols, cols, quantized->x, n, cols, &s->hooks), "covariance");
    check(hrq_cov_finish(d->sigma, cols, cols, 1.0), "covariance");
    check(hrq_cov_cross(d->cross, cols, cols, cols, plain->x, cols, quantized->x, cols, n, &s->hooks), "covariance");
    check(hrq_cov_cross(d->residual, dim, cols, cols, d->lost, dim, quantized->x, cols, n, &s->hooks), "covariance");
}

//--------------------------------------------------------------------------------------------------
//  All matrices
//--------------------------------------------------------------------------------------------------

static void quantize_one(const sequence *s, const sequence_plan *plan, const drift *d, size_t at, double rate,
                         sequence_result *out)
{
    const layer *l = &s->layers[at];
    size_t which = at % LLAMA_MATRICES;
    int adds = which == LLAMA_WO || which == LLAMA_W2; /* its outputs go to the residual stream */
    float *target = new_floats(l->rows * l->cols);
    hrq_watersic_options options;
    hrq_gptq_options ridge = {0, HRQ_ORDER_DEFAULT, 0, 0};
    memset(&options, 0, sizeof options);
    options.rate = rate;
    options.states = plan->states;
    options.tokens = ridge.tokens = (double)s->token_count;
    memcpy(target, l->w, l->rows * l->cols * sizeof(float));
    if (plan->drift)
        check(hrq_retarget(target, l->cols, l->w, l->rows, l->cols, l->cols, d->cross, l->cols, adds ? d->residual : NULL,
                           l->cols, d->sigma, l->cols, &ridge, NULL, &s->hooks),
              l->name);
    out->stream[at] = new_stream(l, target, plan->drift ? d->sigma : l->sigma, &options, &out->bytes[at], &s->hooks);
    out->bits += 8.0 * (double)out->bytes[at];
    s->model->matrices[at].used = l->what;
    free(target);
}

static void quantize_input(const sequence *s, const sequence_plan *plan, const drift *d, size_t input, double bits,
                           unsigned char *done, sequence_result *out)
{
    size_t i;
    for (i = 0; i < s->count; i++) {
        double rate;
        if (s->model->matrices[i].input != input) continue;
        snprintf(s->run->title, sizeof s->run->title, "%s, %s", plan->name, s->layers[i].name);
        work_progress(s->run, i, s->count);
        rate = next_rate(s, plan, done, i, bits - out->bits);
        quantize_one(s, plan, d, i, rate, out);
        done[i] = 1;
    }
}

void sequence_quantize(sequence *s, const sequence_plan *plan, sequence_result *out)
{
    size_t widest = llama_widest(s->model), i, inputs = LLAMA_INPUTS * s->model->blocks;
    unsigned char *done = (unsigned char *)new_block(s->count, 1);
    double begin = seconds_now(), bits = 0.0;
    flow plain, quantized;
    drift d;
    memset(out, 0, sizeof *out);
    out->stream = (void **)new_block(s->count, sizeof(void *));
    out->bytes = (size_t *)new_block(s->count, sizeof(size_t));
    d.sigma = new_floats(widest * widest);
    d.cross = new_floats(widest * widest);
    d.residual = new_floats(s->model->dim * widest);
    d.lost = new_floats(s->token_count * s->model->dim);
    for (i = 0; i < s->count; i++) bits += plan->rate * (double)s->layers[i].rows * (double)s->layers[i].cols;
    flow_open(&plain, s, &s->plain);
    flow_open(&quantized, s, s->model);
    for (i = 0; i < inputs; i++) {
        if (plan->drift) drift_gather(&d, &plain, &quantized);
        quantize_input(s, plan, &d, i, bits, done, out);
        if (plan->drift && i + 1 < inputs) {
            flow_step(&plain);
            flow_step(&quantized);
        }
    }
    out->seconds = seconds_now() - begin;
    flow_close(&plain);
    flow_close(&quantized);
    free(d.sigma);
    free(d.cross);
    free(d.residual);
    free(d.lost);
    free(done);
}

void sequence_free(const sequence *s, sequence_result *r)
{
    size_t i;
    for (i = 0; i < s->count; i++) free(r->stream[i]);
    free(r->stream);
    free(r->bytes);
}
