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

/* A size of the header; 2^20 is far above any model and keeps every product below 2^64. */
static size_t header_size(uint32_t value, const char *path)
{
    if (value == 0 || value > 1u << 20) die(path, "is no checkpoint: a size is not in 1 ... 2^20");
    return value;
}

/* The seven numbers of a header. Returns 1 where the classifier has weights of its own: a negative vocabulary says so. */
static int read_header(llama *m, const uint32_t head[7], const char *path)
{
    int own_classifier = head[5] >> 31 != 0;
    memset(m, 0, sizeof *m);
    m->dim = header_size(head[0], path);
    m->hidden = header_size(head[1], path);
    m->blocks = header_size(head[2], path);
    m->heads = header_size(head[3], path);
    m->kv_heads = header_size(head[4], path);
    m->vocab = header_size(own_classifier ? 0u - head[5] : head[5], path);
    m->seq = header_size(head[6], path);
    if (m->blocks > 4096) die(path, "is no checkpoint: more than 4096 blocks");
    if (m->dim % m->heads || m->heads % m->kv_heads || m->dim / m->heads % 2)
        die(path, "is no checkpoint: heads do not divide the width");
    m->head_dim = m->dim / m->heads;
    m->kv_dim = m->head_dim * m->kv_heads;
    if ((uint64_t)llama_scratch(m) > SIZE_MAX / 8) die(path, "is too large");
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

/* What each matrix of a block is called, how large it is, what enters it. */
static void name_matrices(llama *m)
{
    static const char *const names[] = {"wq", "wk", "wv", "wo", "w1", "w2", "w3"};
    static const size_t inputs[] = {LLAMA_TO_QKV, LLAMA_TO_QKV, LLAMA_TO_QKV, LLAMA_TO_WO,
                                    LLAMA_TO_W13, LLAMA_TO_W2,  LLAMA_TO_W13};
    size_t rows[LLAMA_MATRICES], i;
    rows[LLAMA_WQ] = rows[LLAMA_WO] = rows[LLAMA_W2] = m->dim;
    rows[LLAMA_WK] = rows[LLAMA_WV] = m->kv_dim;
    rows[LLAMA_W1] = rows[LLAMA_W3] = m->hidden;
    m->matrices = (llama_matrix *)new_block(m->blocks * LLAMA_MATRICES, sizeof(llama_matrix));
    for (i = 0; i < m->blocks * LLAMA_MATRICES; i++) {
        llama_matrix *w = &m->matrices[i];
        snprintf(w->name, sizeof w->name, "%u.%s", (unsigned)(i / LLAMA_MATRICES), names[i % LLAMA_MATRICES]);
        w->rows = rows[i % LLAMA_MATRICES];
        w->cols = i % LLAMA_MATRICES == LLAMA_W2 ? m->hidden : m->dim;
        w->input = LLAMA_INPUTS * (i / LLAMA_MATRICES) + inputs[i % LLAMA_MATRICES];
    }
}

/* One kind of matrix, all blocks. */
static void take_matrices(llama *m, const float **at, size_t which)
{
    size_t i;
    for (i = which; i < m->blocks * LLAMA_MATRICES; i += LLAMA_MATRICES)
        m->matrices[i].stored = m->matrices[i].used = take(at, m->matrices[i].rows * m->matrices[i].cols);
}

static void take_tensors(llama *m, int own_classifier)
{
    const float *at = m->floats;
    name_matrices(m);
    m->embedding = take(&at, m->vocab * m->dim);
    m->rms_att = take(&at, m->blocks * m->dim);
    take_matrices(m, &at, LLAMA_WQ);
    take_matrices(m, &at, LLAMA_WK);
    take_matrices(m, &at, LLAMA_WV);
    take_matrices(m, &at, LLAMA_WO);
    m->rms_ffn = take(&at, m->blocks * m->dim);
    take_matrices(m, &at, LLAMA_W1);
    take_matrices(m, &at, LLAMA_W2);
    take_matrices(m, &at, LLAMA_W3);
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

static void load_checkpoint(llama *m, const unsigned char *data, size_t bytes, const char *path)
{
    size_t count = (bytes - HEADER_BYTES) / 4, i;
    uint32_t head[7];
    int own_classifier;
    for (i = 0; i < 7; i++) head[i] = little32(data + 4 * i);
    own_classifier = read_header(m, head, path);
    if (bytes % 4 || count_floats(m, own_classifier) != count)
        die(path, "is no checkpoint: its length is not what its header says");
    m->floats = new_floats(count);
    for (i = 0; i < count; i++) {
        uint32_t word = little32(data + HEADER_BYTES + 4 * i);
        if ((word & 0x7f800000u) == 0x7f800000u) die(path, "has a weight that is NaN or infinite");
        memcpy(&m->floats[i], &word, 4);
    }
    take_tensors(m, own_classifier);
    m->turns = new_turns(m->seq, m->head_dim);
}

void llama_load(llama *m, const char *path)
{
    size_t bytes;
    unsigned char *data = read_file(path, &bytes);
    if (bytes >= 4 && !memcmp(data, "hrqf", 4)) llama_unpack(m, data, bytes, path);
    else if (bytes < HEADER_BYTES) die(path, "is no checkpoint: shorter than its header");
    else load_checkpoint(m, data, bytes, path);
    free(data);
}

void llama_free(llama *m)
{
    size_t i;
    for (i = 0; i < m->blocks * LLAMA_MATRICES && m->packed; i++) free(m->packed[i].data);
    free(m->packed);
    free(m->matrices);
    free(m->floats);
    free(m->turns);
}

//--------------------------------------------------------------------------------------------------
//  One file
//--------------------------------------------------------------------------------------------------

/* A plain tensor as a member; its bytes are allocated. */
static hrq_member plain_member(const char *name, const char *format_name, size_t rows, size_t cols, const float *x)
{
    hrq_member member;
    hrq_format format;
    size_t bytes;
    memset(&member, 0, sizeof member);
    member.name = name;
    check(hrq_format_parse(&format, format_name), name);
    bytes = hrq_mat_bytes(&format, rows, cols);
    check(hrq_mat_init(&member.mat, &format, rows, cols, 0, new_block(bytes, 1), bytes), name);
    check(hrq_mat_encode(&member.mat, 0, rows, x, cols, NULL), name);
    return member;
}

void *llama_pack(const llama *m, void *const *stream, const size_t *stream_bytes, size_t *bytes)
{
    size_t count = m->blocks * LLAMA_MATRICES, plain = 0, i, room;
    hrq_member *all = (hrq_member *)new_block(count + 6, sizeof(hrq_member));
    int own = m->classifier != m->embedding;
    float head[7];
    void *out;
    head[0] = (float)m->dim, head[1] = (float)m->hidden, head[2] = (float)m->blocks, head[3] = (float)m->heads;
    head[4] = (float)m->kv_heads, head[5] = own ? -(float)m->vocab : (float)m->vocab, head[6] = (float)m->seq;
    all[plain++] = plain_member("header", "f32", 1, 7, head);
    all[plain++] = plain_member("embedding", "f16", m->vocab, m->dim, m->embedding);
    all[plain++] = plain_member("rms_att", "f32", m->blocks, m->dim, m->rms_att);
    all[plain++] = plain_member("rms_ffn", "f32", m->blocks, m->dim, m->rms_ffn);
    all[plain++] = plain_member("rms_final", "f32", 1, m->dim, m->rms_final);
    if (own) all[plain++] = plain_member("classifier", "f16", m->vocab, m->dim, m->classifier);
    for (i = 0; i < count; i++) {
        all[plain + i].name = m->matrices[i].name;
        all[plain + i].stream = stream[i];
        all[plain + i].stream_bytes = stream_bytes[i];
    }
    room = hrq_file_bytes(all, plain + count);
    out = new_block(room, 1);
    check(hrq_file_write(out, room, bytes, all, plain + count), "packing the model");
    for (i = 0; i < plain; i++) free(all[i].mat.data);
    free(all);
    return out;
}

/* A plain member of this shape, decoded to where `at` points, which moves on. */
static const float *unpack_plain(const hrq_file *file, const char *name, size_t rows, size_t cols, float **at,
                                 const char *path)
{
    hrq_member member;
    float *here = *at;
    size_t i;
    if (hrq_file_find(file, name, &member) != HRQ_OK || member.stream || member.basis.data || member.mat.rows != rows ||
        member.mat.cols != cols)
        die(path, "is no packed model: a tensor is missing or has another shape");
    check(hrq_mat_decode(&member.mat, 0, rows, here, cols), name);
    for (i = 0; i < rows * cols; i++)
        if (here[i] - here[i] != 0.0f) die(path, "has a weight that is NaN or infinite");
    *at += rows * cols;
    return here;
}

static void unpack_matrix(const hrq_file *file, llama_matrix *w, hrq_mat *mat, const char *path)
{
    hrq_member member;
    size_t room, rows, cols;
    if (hrq_file_find(file, w->name, &member) != HRQ_OK || !member.stream)
        die(path, "is no packed model: a matrix is missing");
    check(hrq_stream_shape(member.stream, member.stream_bytes, &rows, &cols), w->name);
    if (rows != w->rows || cols != w->cols) die(path, "is no packed model: a matrix has another shape");
    room = hrq_mat_from_stream_bytes(member.stream, member.stream_bytes);
    check(hrq_mat_from_stream(mat, new_block(room, 1), room, member.stream, member.stream_bytes, NULL), w->name);
    w->mat = mat;
}

void llama_unpack(llama *m, const void *data, size_t bytes, const char *path)
{
    hrq_file file;
    float numbers[7], *at = numbers;
    uint32_t head[7];
    size_t i, count;
    int own;
    check(hrq_file_open(&file, data, bytes), path);
    check(hrq_file_check(&file), path);
    unpack_plain(&file, "header", 1, 7, &at, path);
    for (i = 0; i < 7; i++) {
        if (!(fabsf(numbers[i]) <= 1048576.0f)) die(path, "is no packed model: a size is not in 1 ... 2^20");
        head[i] = (uint32_t)(int32_t)numbers[i];
    }
    own = read_header(m, head, path);
    count = (1 + (size_t)own) * m->vocab * m->dim + (2 * m->blocks + 1) * m->dim;
    m->floats = at = new_floats(count);
    m->embedding = unpack_plain(&file, "embedding", m->vocab, m->dim, &at, path);
    m->rms_att = unpack_plain(&file, "rms_att", m->blocks, m->dim, &at, path);
    m->rms_ffn = unpack_plain(&file, "rms_ffn", m->blocks, m->dim, &at, path);
    m->rms_final = unpack_plain(&file, "rms_final", 1, m->dim, &at, path);
    m->classifier = own ? unpack_plain(&file, "classifier", m->vocab, m->dim, &at, path) : m->embedding;
    name_matrices(m);
    m->packed = (hrq_mat *)new_block(m->blocks * LLAMA_MATRICES, sizeof(hrq_mat));
    for (i = 0; i < m->blocks * LLAMA_MATRICES; i++) unpack_matrix(&file, &m->matrices[i], &m->packed[i], path);
    m->turns = new_turns(m->seq, m->head_dim);
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
    size_t n;
    float *q, *k, *v;         /* [dim], [kv_dim] twice            */
    float *scores, *v_turned; /* [QUERIES x n], [head_dim x n]    */
    float *out, *up;          /* [dim], [hidden]                  */
} pass;

static size_t scratch_of_position(const llama *m)
{
    return 2 * m->dim + 2 * m->kv_dim + QUERIES + m->head_dim + m->hidden;
}

static float *cut(float **at, size_t count)
{
    float *here = *at;
    *at += count;
    return here;
}

static pass begin_pass(const llama *m, size_t n, float *at, const hrq_hooks *hooks)
{
    pass p;
    p.m = m;
    p.hooks = hooks;
    p.n = n;
    p.q = cut(&at, n * m->dim);
    p.k = cut(&at, n * m->kv_dim);
    p.v = cut(&at, n * m->kv_dim);
    p.scores = cut(&at, n * QUERIES);
    p.v_turned = cut(&at, n * m->head_dim);
    p.out = cut(&at, n * m->dim);
    p.up = cut(&at, n * m->hidden);
    return p;
}

static void multiply(const pass *p, float *y, const float *x, const float *w, size_t rows, size_t cols)
{
    check(hrq_gemm(y, rows, x, cols, w, cols, p->n, rows, cols, p->hooks), "forward pass");
}

static void linear(const pass *p, size_t block, int which, float *y, const float *x)
{
    const llama_matrix *w = &p->m->matrices[block * LLAMA_MATRICES + (size_t)which];
    if (w->mat) check(hrq_matmul(w->mat, HRQ_ACT_INT8, x, p->n, w->cols, y, w->rows, p->hooks), w->name);
    else multiply(p, y, x, w->used, w->rows, w->cols);
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
static void attend(const pass *p, size_t head, float *mixed)
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
        check(hrq_gemm(mixed + at, m->dim, p->scores, seen, p->v_turned, p->n, queries, m->head_dim, seen,
                       NULL),
              "attention");
    }
}

static void add_to(float *x, const float *y, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) x[i] += y[i];
}

static double nats(const float *logits, size_t vocab, size_t next)
{
    double top = (double)logits[0], sum = 0.0;
    size_t i;
    for (i = 1; i < vocab; i++) top = (double)logits[i] > top ? (double)logits[i] : top;
    for (i = 0; i < vocab; i++) sum += exp((double)logits[i] - top);
    return log(sum) + top - (double)logits[next];
}

size_t llama_width(const llama *m, size_t input)
{
    return input < LLAMA_INPUTS * m->blocks && input % LLAMA_INPUTS == LLAMA_TO_W2 ? m->hidden : m->dim;
}

size_t llama_widest(const llama *m) { return m->hidden > m->dim ? m->hidden : m->dim; }

size_t llama_scratch(const llama *m)
{
    return m->seq * (scratch_of_position(m) + m->dim + 2 * llama_widest(m) + m->vocab);
}

void llama_begin(const llama *m, const uint16_t *tokens, size_t n, float *stream, float *x)
{
    size_t t;
    for (t = 0; t < n; t++)
        memcpy(stream + t * m->dim, m->embedding + tokens[t] * m->dim, m->dim * sizeof(float));
    rms_norm(x, stream, m->rms_att, n, m->dim);
}

void llama_step(const llama *m, size_t input, size_t n, float *stream, const float *x, float *next, float *scratch,
                const hrq_hooks *hooks)
{
    pass p = begin_pass(m, n, scratch, hooks);
    size_t block = input / LLAMA_INPUTS, i;
    switch (input % LLAMA_INPUTS) {
        case LLAMA_TO_QKV:
            linear(&p, block, LLAMA_WQ, p.q, x);
            linear(&p, block, LLAMA_WK, p.k, x);
            linear(&p, block, LLAMA_WV, p.v, x);
            rotate(m, p.q, n, m->dim);
            rotate(m, p.k, n, m->kv_dim);
            for (i = 0; i < m->heads; i++) attend(&p, i, next);
            break;
        case LLAMA_TO_WO:
            linear(&p, block, LLAMA_WO, p.out, x);
            add_to(stream, p.out, n * m->dim);
            rms_norm(next, stream, m->rms_ffn + block * m->dim, n, m->dim);
            break;
        case LLAMA_TO_W13:
            linear(&p, block, LLAMA_W1, next, x);
            linear(&p, block, LLAMA_W3, p.up, x);
            for (i = 0; i < n * m->hidden; i++) next[i] *= p.up[i] / (1.0f + expf(-next[i]));
            break;
        default:
            linear(&p, block, LLAMA_W2, p.out, x);
            add_to(stream, p.out, n * m->dim);
            rms_norm(next, stream, block + 1 < m->blocks ? m->rms_att + (block + 1) * m->dim : m->rms_final, n, m->dim);
    }
}

const float *llama_run(const llama *m, const uint16_t *tokens, size_t n, float *scratch, llama_tap *tap, void *user,
                       const hrq_hooks *hooks)
{
    float *at = scratch + m->seq * scratch_of_position(m), *stream = cut(&at, m->seq * m->dim), *x[2];
    size_t input, inputs = LLAMA_INPUTS * m->blocks;
    x[0] = cut(&at, m->seq * llama_widest(m));
    x[1] = cut(&at, m->seq * llama_widest(m));
    llama_begin(m, tokens, n, stream, x[0]);
    for (input = 0; input < inputs; input++) {
        if (tap) tap(user, input, x[input & 1], n, llama_width(m, input));
        llama_step(m, input, n, stream, x[input & 1], x[~input & 1], scratch, hooks);
    }
    check(hrq_gemm(at, m->vocab, x[inputs & 1], m->dim, m->classifier, m->dim, n, m->vocab, m->dim, hooks), "logits");
    return at;
}

double llama_nats(const llama *m, const float *logits, const uint16_t *tokens, size_t n)
{
    double sum = 0.0;
    size_t t;
    for (t = 0; t < n; t++) sum += nats(logits + t * m->vocab, m->vocab, tokens[t + 1]);
    return sum;
}
