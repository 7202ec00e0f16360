/* llama.h: a llama2.c checkpoint (the legacy layout) and its forward pass in float32, a whole window
   of tokens at a time. */
#ifndef EXAMPLES_LLAMA_H
#define EXAMPLES_LLAMA_H

#include "common.h"

/* The matrices of a block, and the vectors that enter them: q, k and v read one vector, so do w1, w3. */
enum { LLAMA_WQ, LLAMA_WK, LLAMA_WV, LLAMA_WO, LLAMA_W1, LLAMA_W2, LLAMA_W3, LLAMA_MATRICES };
enum { LLAMA_TO_QKV, LLAMA_TO_WO, LLAMA_TO_W13, LLAMA_TO_W2, LLAMA_INPUTS };

/* y = W x, W [rows x cols]. Point used at other weights, or mat at a matrix, to run the model with them. */
typedef struct llama_matrix {
    char name[24];
    size_t rows, cols;
    size_t input;        /* LLAMA_INPUTS * block + LLAMA_TO_... */
    const float *stored; /* as in the file */
    const float *used;   /* by llama_step  */
    const hrq_mat *mat;  /* used instead, with int8 activations, where it is not NULL */
} llama_matrix;

typedef struct llama {
    size_t dim, hidden, blocks, heads, kv_heads, vocab, seq;
    size_t head_dim, kv_dim;
    const float *embedding, *classifier;        /* [vocab x dim], may be the same */
    const float *rms_att, *rms_ffn, *rms_final; /* [blocks x dim] twice, [dim]    */
    llama_matrix *matrices;                     /* [blocks * LLAMA_MATRICES]      */
    float *floats;                              /* the file behind its header, or what a packed one decodes to */
    float *turns;                               /* [seq x head_dim] cos, sin      */
    hrq_mat *packed;                            /* of a packed file, as matrices  */
} llama;

/* Read and check a checkpoint, or a file that llama_pack made: sizes, length, every weight finite; die where one is
   wrong. Matrices from a packed file are multiplied with as they are: used is NULL, mat is not. */
void llama_load(llama *m, const char *path);
void llama_unpack(llama *m, const void *data, size_t bytes, const char *path);
void llama_free(llama *m);

/* The model as one container of named members, allocated: its matrices as these streams, in the order of m->matrices,
   embedding and classifier as f16, norms as f32. */
void *llama_pack(const llama *m, void *const *stream, const size_t *stream_bytes, size_t *bytes);

/* Tokens of a file of little-endian uint16, allocated; die where one is not in the vocabulary. */
uint16_t *llama_tokens(const llama *m, const char *path, size_t *count);

/* Floats of working memory of each of the calls below; what it held does not matter. */
size_t llama_scratch(const llama *m);

/* Entries of the vectors that enter the matrices of this input; past the last input those that enter the classifier. */
size_t llama_width(const llama *m, size_t input);
size_t llama_widest(const llama *m);

/* The forward pass of n <= seq tokens is a chain of steps. Before the first: the residual stream [n x dim], and x, what
   enters the first input. */
void llama_begin(const llama *m, const uint16_t *tokens, size_t n, float *stream, float *x);

/* From what enters this input, x [n x width], to what enters the next, through its matrices. */
void llama_step(const llama *m, size_t input, size_t n, float *stream, const float *x, float *next, float *scratch,
                const hrq_hooks *hooks);

/* Called with the n vectors that enter the matrices of this input. */
typedef void llama_tap(void *user, size_t input, const float *x, size_t n, size_t cols);

/* All of it: logits [n x vocab] of n <= seq tokens, in scratch. */
const float *llama_run(const llama *m, const uint16_t *tokens, size_t n, float *scratch, llama_tap *tap, void *user,
                       const hrq_hooks *hooks);

/* Sum over t < n of -log p(tokens[t + 1] | tokens[0 ... t]), in nats; logits of these n tokens. */
double llama_nats(const llama *m, const float *logits, const uint16_t *tokens, size_t n);

#endif
