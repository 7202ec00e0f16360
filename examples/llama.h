/* llama.h: a llama2.c checkpoint (the legacy layout) and its forward pass in float32, a whole window
   of tokens at a time. */
#ifndef EXAMPLES_LLAMA_H
#define EXAMPLES_LLAMA_H

#include "common.h"

/* The matrices of a block, and the vectors that enter them: q, k and v read one vector, so do w1, w3. */
enum { LLAMA_WQ, LLAMA_WK, LLAMA_WV, LLAMA_WO, LLAMA_W1, LLAMA_W2, LLAMA_W3, LLAMA_MATRICES };
enum { LLAMA_TO_QKV, LLAMA_TO_WO, LLAMA_TO_W13, LLAMA_TO_W2, LLAMA_INPUTS };

/* y = W x, W [rows x cols]. Point used at other weights to run the model with them. */
typedef struct llama_matrix {
    char name[24];
    size_t rows, cols;
    size_t input;        /* LLAMA_INPUTS * block + LLAMA_TO_... */
    const float *stored; /* as in the file */
    const float *used;   /* by llama_loss  */
} llama_matrix;

typedef struct llama {
    size_t dim, hidden, blocks, heads, kv_heads, vocab, seq;
    size_t head_dim, kv_dim;
    const float *embedding, *classifier;        /* [vocab x dim], may be the same */
    const float *rms_att, *rms_ffn, *rms_final; /* [blocks x dim] twice, [dim]    */
    llama_matrix *matrices;                     /* [blocks * LLAMA_MATRICES]      */
    float *floats;                              /* the file behind its header     */
    float *turns;                               /* [seq x head_dim] cos, sin      */
} llama;

/* Read and check a checkpoint: sizes, length of the file, every weight finite; die where one is wrong. */
void llama_load(llama *m, const char *path);
void llama_free(llama *m);

/* Tokens of a file of little-endian uint16, allocated; die where one is not in the vocabulary. */
uint16_t *llama_tokens(const llama *m, const char *path, size_t *count);

/* Called with the n vectors that enter the matrices of this input. */
typedef void llama_tap(void *user, size_t input, const float *x, size_t n, size_t cols);

/* Floats of working memory of one llama_loss. */
size_t llama_scratch(const llama *m);

/* Sum over t < n of -log p(tokens[t + 1] | tokens[0 ... t]), in nats. n <= seq; n + 1 tokens are read. */
double llama_loss(const llama *m, const uint16_t *tokens, size_t n, float *scratch, llama_tap *tap,
                  void *user, const hrq_hooks *hooks);

#endif
