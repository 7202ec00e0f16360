/* llama.c: see llama.h. Layout and arithmetic as in llama2.c: 7 int32, then float32 tensors; RMSNorm,
   rotary positions on interleaved pairs, grouped heads, SwiGLU. */
#include "llama.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 28 };
static const size_t QUERIES = 64; /* of a head at a time: so a causal product skips most of what it may */

//--------------------------------------------------------------------------------------------------
//  Files
//--------------------------------------------------------------------------------------------------

static unsigned char *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    unsigned char *data = NULL, *larger;
    size_t room = 0, length = 0;
    if (!file) die(path, "cannot be opened");
    do {
        room = room ? 2 * room : 1u << 20;
        larger = (unsigned char *)realloc(data, room);
        if (!larger) die(path, hrq_status_text(HRQ_ERR_NOMEM));
        data = larger;
        length += fread(data + length, 1, room - length, file);
    } while (length == room);
    if (ferror(file)) die(path, "cannot be read");
    fclose(file);
    *bytes = length;
    return data;
}

static uint32_t little32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Floats that the forward pass keeps for each position, as struct pass lists them. */
static size_t scratch_of_position(const llama *m)
{
    return 4 * m->dim + 2 * m->kv_dim + 2 * m->hidden + m->vocab + QUERIES + m->head_dim;
}

/* A size of the header; 2^20 is far above any model and keeps every product below 2^64. */
static size_t header_size(uint32_t value, const char *path)
{
    if (value == 0 || value > 1u << 20) die(path, "is no checkpoint: a size is not in 1 ... 2^20");
    return value;
}

/* Returns 1 where the classifier has weights of its own, at the end: a negative vocabulary says so. */
static int read_header(llama *m, const unsigned char *data, const char *path)
{
    uint32_t vocab = little32(data + 20);
    int own_classifier = vocab >> 31 != 0;
    m->dim = header_size(little32(data), path);
    m->hidden = header_size(little32(data + 4), path);
    m->blocks = header_size(little32(data + 8), path);
    m->heads = header_size(little32(data + 12), path);
    m->kv_heads = header_size(little32(data + 16), path);
    m->vocab = header_size(own_classifier ? 0u - vocab : vocab, path);
    m->seq = header_size(little32(data + 24), path);
    if (m->blocks > 4096) die(path, "is no checkpoint: more than 4096 blocks");
    if (m->dim % m->heads || m->heads % m->kv_heads || m->dim / m->heads % 2)
        die(path, "is no checkpoint: heads do not divide the width");
    m->head_dim = m->dim / m->heads;
    m->kv_dim = m->head_dim * m->kv_heads;
    if ((uint64_t)m->seq * scratch_of_position(m) > SIZE_MAX / 8) die(path, "is too large");
    return own_classifier;
}

/* Floats behind the header; below 2^57 by the limits of the header. */
static uint64_t count_floats(const llama *m, int own_classifier)
{
    uint64_t dim = m->dim, vocab = m->vocab;
    uint64_t block = 2 * dim + 2 * dim * dim + 2 * dim * m->kv_dim + 3 * dim * m->hidden;
    return vocab * dim + m->blocks * block + dim + (uint64_t)m->seq * m->head_dim +
           (own_classifier ? vocab * dim : 0);
}

static const float *take(const float **at, size_t count)
{
    const float *here = *at;
    *at += count;
    return here;
}

static void take_matrices(llama *m, const float **at, int which, const char *name, size_t rows, size_t cols,
                          size_t input)
{
    size_t b;
    for (b = 0; b < m->blocks; b++) {
        llama_matrix *w = &m->matrices[b * LLAMA_MATRICES + (size_t)which];
        snprintf(w->name, sizeof w->name, "%u.%s", (unsigned)b, name);
        w->rows = rows;
        w->cols = cols;
        w->input = LLAMA_INPUTS * b + input;
        w->stored = w->used = take(at, rows * cols);
    }
}

static void take_tensors(llama *m, int own_classifier)
{
    const float *at = m->floats;
    m->matrices = (llama_matrix *)new_block(m->blocks * LLAMA_MATRICES, sizeof(llama_matrix));
    m->embedding = take(&at, m->vocab * m->dim);
    m->rms_att = take(&at, m->blocks * m->dim);
    take_matrices(m, &at, LLAMA_WQ, "wq", m->dim, m->dim, LLAMA_TO_QKV);
    take_matrices(m, &at, LLAMA_WK, "wk", m->kv_dim, m->dim, LLAMA_TO_QKV);
    take_matrices(m, &at, LLAMA_WV, "wv", m->kv_dim, m->dim, LLAMA_TO_QKV);
    take_matrices(m, &at, LLAMA_WO, "wo", m->dim, m->dim, LLAMA_TO_WO);
    m->rms_ffn = take(&at, m->blocks * m->dim);
    take_matrices(m, &at, LLAMA_W1, "w1", m->hidden, m->dim, LLAMA_TO_W13);
    take_matrices(m, &at, LLAMA_W2, "w2", m->dim, m->hidden, LLAMA_TO_W2);
    take_matrices(m, &at, LLAMA_W3, "w3", m->hidden, m->dim, LLAMA_TO_W13);
    m->rms_final = take(&at, m->dim);
    take(&at, m->seq * m->head_dim); /* llama2.c's own table of rotations, not needed */
    m->classifier = own_classifier ? take(&at, m->vocab * m->dim) : m->embedding;
}

/* cos and sin of position / 10000^(2 i / head_dim) for every pair i */
static float *new_turns(size_t seq, size_t head_dim)
{
    float *turns = new_floats(seq * head_dim);
    size_t t, i;
    for (t = 0; t < seq; t++)
        for (i = 0; i < head_dim; i += 2) {
            double angle = (double)t * pow(10000.0, -(double)i / (double)head_dim);
            turns[t * head_dim + i] = (float)cos(angle);
            turns[t * head_dim + i + 1] = (float)sin(angle);
        }
    return turns;
}

void llama_load(llama *m, const char *path)
{
    size_t bytes, count, i;
    unsigned char *data = read_file(path, &bytes);
    int own_classifier;
    if (bytes < HEADER_BYTES) die(path, "is no checkpoint: shorter than its header");
    own_classifier = read_header(m, data, path);
    count = (bytes - HEADER_BYTES) / 4;
    if (bytes % 4 || count_floats(m, own_classifier) != count)
        die(path, "is no checkpoint: its length is not what its header says");
    m->floats = new_floats(count);
    for (i = 0; i < count; i++) {
        uint32_t word = little32(data + HEADER_BYTES + 4 * i);
        if ((word & 0x7f800000u) == 0x7f800000u) die(path, "has a weight that is NaN or infinite");
        memcpy(&m->floats[i], &word, 4);
    }
    free(data);
    take_tensors(m, own_classifier);
    m->turns = new_turns(m->seq, m->head_dim);
}

void llama_free(llama *m)
{
    free(m->matrices);
    free(m->floats);
    free(m->turns);
}

uint16_t *llama_tokens(const llama *m, const char *path, size_t *count)
{
    size_t bytes, i;
    unsigned char *data = read_file(path, &bytes);
    uint16_t *tokens = (uint16_t *)new_block(bytes / 2, sizeof(uint16_t));
    if (bytes % 2 || bytes < 4) die(path, "is no token file: two bytes a token, two tokens at least");
    for (i = 0; i < bytes / 2; i++) {
        tokens[i] = (uint16_t)(data[2 * i] | data[2 * i + 1] << 8);
        if (tokens[i] >= m->vocab) die(path, "has a token that is not in the model's vocabulary");
    }
    free(data);
    *count = bytes / 2;
    return tokens;
}

//--------------------------------------------------------------------------------------------------
//  Forward
//--------------------------------------------------------------------------------------------------

/* One window: n positions, all arrays [n x ...]. */
typedef struct pass {
    const llama *m;
    const hrq_hooks *hooks;
    llama_tap *tap;
    void *user;
    size_t n;
    float *x;                 /* [dim] residual stream            */
    float *normed, *mixed;    /* [dim] into q, k, v and w1, w3    */
    float *q, *k, *v;         /* [dim], [kv_dim] twice            */
    float *scores, *v_turned; /* [QUERIES x n], [head_dim x n]    */
    float *gate, *up;         /* [hidden]                         */
    float *logits;            /* [vocab]                          */
} pass;

size_t llama_scratch(const llama *m) { return m->seq * scratch_of_position(m); }

static float *cut(float **at, size_t count)
{
    float *here = *at;
    *at += count;
    return here;
}

static void cut_scratch(pass *p, float *at)
{
    const llama *m = p->m;
    p->x = cut(&at, p->n * m->dim);
    p->normed = cut(&at, p->n * m->dim);
    p->mixed = cut(&at, p->n * m->dim);
    p->q = cut(&at, p->n * m->dim);
    p->k = cut(&at, p->n * m->kv_dim);
    p->v = cut(&at, p->n * m->kv_dim);
    p->scores = cut(&at, p->n * QUERIES);
    p->v_turned = cut(&at, p->n * m->head_dim);
    p->gate = cut(&at, p->n * m->hidden);
    p->up = cut(&at, p->n * m->hidden);
    p->logits = cut(&at, p->n * m->vocab);
}

static void multiply(const pass *p, float *y, const float *x, const float *w, size_t rows, size_t cols)
{
    check(hrq_gemm(y, rows, x, cols, w, cols, p->n, rows, cols, p->hooks), "forward pass");
}

static void linear(const pass *p, size_t block, int which, float *y, const float *x)
{
    const llama_matrix *w = &p->m->matrices[block * LLAMA_MATRICES + (size_t)which];
    multiply(p, y, x, w->used, w->rows, w->cols);
}

static void tap_input(const pass *p, size_t block, size_t input, const float *x, size_t cols)
{
    if (p->tap) p->tap(p->user, LLAMA_INPUTS * block + input, x, p->n, cols);
}

static void rms_norm(float *out, const float *x, const float *weight, size_t n, size_t dim)
{
    size_t t, i;
    for (t = 0; t < n; t++, x += dim, out += dim) {
        double sum = 0.0;
        float scale;
        for (i = 0; i < dim; i++) sum += (double)x[i] * (double)x[i];
        scale = (float)(1.0 / sqrt(sum / (double)dim + 1e-5));
        for (i = 0; i < dim; i++) out[i] = weight[i] * (scale * x[i]);
    }
}

static void rotate(const llama *m, float *x, size_t n, size_t width)
{
    size_t t, i;
    for (t = 0; t < n; t++)
        for (i = 0; i < width; i += 2) {
            const float *turn = m->turns + t * m->head_dim + i % m->head_dim;
            float *pair = x + t * width + i, a = pair[0], b = pair[1];
            pair[0] = a * turn[0] - b * turn[1];
            pair[1] = a * turn[1] + b * turn[0];
        }
}

/* Softmax over the keys 0 ... last of a row of n scores; the rest becomes 0. */
static void causal_softmax(float *row, size_t last, size_t n, float scale)
{
    float top = row[0], sum = 0.0f;
    size_t i;
    for (i = 1; i <= last; i++) top = row[i] > top ? row[i] : top;
    for (i = 0; i <= last; i++) {
        row[i] = expf((row[i] - top) * scale);
        sum += row[i];
    }
    for (i = 0; i <= last; i++) row[i] /= sum;
    for (i = last + 1; i < n; i++) row[i] = 0.0f;
}

/* mixed[.., head] = softmax(q k^T / sqrt(head_dim)) v, a group of queries at a time */
static void attend(const pass *p, size_t head)
{
    const llama *m = p->m;
    size_t kv = head / (m->heads / m->kv_heads) * m->head_dim, first, t, i;
    const float *keys = p->k + kv, *values = p->v + kv;
    for (t = 0; t < p->n; t++)
        for (i = 0; i < m->head_dim; i++) p->v_turned[i * p->n + t] = values[t * m->kv_dim + i];
    for (first = 0; first < p->n; first += QUERIES) {
        size_t queries = p->n - first < QUERIES ? p->n - first : QUERIES, seen = first + queries;
        size_t at = first * m->dim + head * m->head_dim;
        check(hrq_gemm(p->scores, seen, p->q + at, m->dim, keys, m->kv_dim, queries, seen, m->head_dim, NULL),
              "attention");
        for (t = 0; t < queries; t++)
            causal_softmax(p->scores + t * seen, first + t, seen, 1.0f / sqrtf((float)m->head_dim));
        check(hrq_gemm(p->mixed + at, m->dim, p->scores, seen, p->v_turned, p->n, queries, m->head_dim, seen,
                       NULL),
              "attention");
    }
}

static void add_to(float *x, const float *y, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) x[i] += y[i];
}

static void attention(const pass *p, size_t block)
{
    const llama *m = p->m;
    size_t head;
    rms_norm(p->normed, p->x, m->rms_att + block * m->dim, p->n, m->dim);
    tap_input(p, block, LLAMA_TO_QKV, p->normed, m->dim);
    linear(p, block, LLAMA_WQ, p->q, p->normed);
    linear(p, block, LLAMA_WK, p->k, p->normed);
    linear(p, block, LLAMA_WV, p->v, p->normed);
    rotate(m, p->q, p->n, m->dim);
    rotate(m, p->k, p->n, m->kv_dim);
    for (head = 0; head < m->heads; head++) attend(p, head);
    tap_input(p, block, LLAMA_TO_WO, p->mixed, m->dim);
    linear(p, block, LLAMA_WO, p->normed, p->mixed);
    add_to(p->x, p->normed, p->n * m->dim);
}

static void feed_forward(const pass *p, size_t block)
{
    const llama *m = p->m;
    size_t i;
    rms_norm(p->normed, p->x, m->rms_ffn + block * m->dim, p->n, m->dim);
    tap_input(p, block, LLAMA_TO_W13, p->normed, m->dim);
    linear(p, block, LLAMA_W1, p->gate, p->normed);
    linear(p, block, LLAMA_W3, p->up, p->normed);
    for (i = 0; i < p->n * m->hidden; i++) p->gate[i] *= p->up[i] / (1.0f + expf(-p->gate[i]));
    tap_input(p, block, LLAMA_TO_W2, p->gate, m->hidden);
    linear(p, block, LLAMA_W2, p->mixed, p->gate);
    add_to(p->x, p->mixed, p->n * m->dim);
}

static double nats(const float *logits, size_t vocab, size_t next)
{
    double top = (double)logits[0], sum = 0.0;
    size_t i;
    for (i = 1; i < vocab; i++) top = (double)logits[i] > top ? (double)logits[i] : top;
    for (i = 0; i < vocab; i++) sum += exp((double)logits[i] - top);
    return log(sum) + top - (double)logits[next];
}

double llama_loss(const llama *m, const uint16_t *tokens, size_t n, float *scratch, llama_tap *tap,
                  void *user, const hrq_hooks *hooks)
{
    pass p;
    double sum = 0.0;
    size_t t, block;
    p.m = m;
    p.hooks = hooks;
    p.tap = tap;
    p.user = user;
    p.n = n;
    cut_scratch(&p, scratch);
    for (t = 0; t < n; t++)
        memcpy(p.x + t * m->dim, m->embedding + tokens[t] * m->dim, m->dim * sizeof(float));
    for (block = 0; block < m->blocks; block++) {
        attention(&p, block);
        feed_forward(&p, block);
    }
    rms_norm(p.normed, p.x, m->rms_final, n, m->dim);
    multiply(&p, p.logits, p.normed, m->classifier, m->vocab, m->dim);
    for (t = 0; t < n; t++) sum += nats(p.logits + t * m->vocab, m->vocab, tokens[t + 1]);
    return sum;
}
