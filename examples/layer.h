/* layer.h: a linear layer, the methods that quantize it, and what came of it. Both modes of the main
   job walk the same list of methods over their layers. */
#ifndef EXAMPLES_LAYER_H
#define EXAMPLES_LAYER_H

#include "common.h"

/* y = W x. Everything is row-major without gaps. */
typedef struct layer {
    char name[32];
    size_t rows, cols, inputs;
    const float *w;      /* [rows x cols]                                            */
    const float *sigma;  /* [cols x cols] covariance of x                            */
    const double *eigen; /* [cols] its eigenvalues                                   */
    double tokens;       /* samples behind sigma; 0: sigma is exact                  */
    const float *x;      /* [inputs x cols] vectors to multiply with                 */
    float *y;            /* [inputs x rows] W x in float                             */
    float *what;         /* [rows x cols] the weights that the last method leaves    */
    double energy;       /* tr(W Sigma W^T) / entries                                */
    double mean_square;  /* of W                                                     */
} layer;

/* ACT: largest diagonal of sigma first, "act-order" elsewhere. FILTER: with hrq_gptq's own filter, the smallest
   conditional variance last. ENTROPY: one step for the matrix, as wide as the entropy
   of all its integers together says; no coder, no model and no header is counted. */
typedef enum method_kind {
    METHOD_ROUND,
    METHOD_GPTQ,
    METHOD_GPTQ_ACT,
    METHOD_GPTQ_FILTER,
    METHOD_GPTQ_ENTROPY,
    METHOD_WATERSIC
} method_kind;

typedef struct method {
    method_kind kind;
    const char *name;
    const char *format; /* NULL for the last two */
    double rate;        /* only for these        */
    int states;         /* of its trellis; 0: the scalar grid */
} method;

extern const method methods[];
extern const size_t methods_count;

/* Sums over layers: one row of a table. */
typedef struct outcome {
    double entries;
    double bits;                  /* 8 * bytes stored: codes, scales, headers, padding         */
    double loss, energy;          /* tr(E Sigma E^T), E = W - What, and tr(W Sigma W^T)         */
    double error, square;         /* |E|^2 and |W|^2                                           */
    double gap;                   /* entries * (rate - reverse waterfilling at this loss)      */
    double y_error, y_square;     /* |y - yhat|^2 with int8 activations, and |y|^2             */
    double both_error, both_unit; /* W and x both in the format: |C - Chat|^2, |W|^2 |x|^2 / n */
    double seconds;               /* quantizing alone                                          */
} outcome;

/* A layer of Gaussian weights whose inputs have a covariance of this kind; all of it is drawn. */
typedef enum drawn_kind { DRAWN_WHITE, DRAWN_POWER, DRAWN_OUTLIER, DRAWN_KINDS } drawn_kind;
extern const char *const drawn_titles[DRAWN_KINDS];
void layer_draw(layer *l, drawn_kind kind, size_t rows, size_t cols, size_t inputs, const hrq_hooks *hooks);
void layer_free_drawn(layer *l);

/* Eigenvalues [n] of sigma [n x n], allocated. */
double *new_eigenvalues(const float *sigma, size_t n, const hrq_hooks *hooks);

/* Fill y, what, energy and mean_square; w, sigma and x are there. */
void layer_prepare(layer *l, const hrq_hooks *hooks);
void layer_free(layer *l);

/* tr(E Sigma E^T), E = W - what */
double layer_loss(const layer *l);

/* Quantize one layer, leave the decoded weights in l->what, add to the sums. verbose prints the
   report of each call. */
void layer_quantize(const layer *l, const method *m, const hrq_hooks *hooks, int verbose, outcome *sum);

/* Both sides in the method's format: W and the layer's inputs. Adds to both_error and both_unit. */
void layer_both_sides(const layer *l, const method *m, const hrq_hooks *hooks, outcome *sum);

#endif
