/* sequence.h: a whole model under one budget of bits. Matrices are quantized in the order in which the forward pass
   meets them, each for the inputs that the quantized ones before it leave, and each at the rate that what it costs the
   model is worth. */
#ifndef EXAMPLES_SEQUENCE_H
#define EXAMPLES_SEQUENCE_H

#include "layer.h"
#include "llama.h"

/* What does not depend on the rate. */
typedef struct sequence {
    llama *model;           /* the one that is run, quantized as far as it is       */
    llama plain;            /* the same with the weights as stored                  */
    const layer *layers;    /* [count] its matrices, covariances of the plain one   */
    size_t count;
    const uint16_t *tokens; /* calibration text, token_count + 1 of them            */
    size_t token_count, windows;
    double *weight;         /* [count] nats a token for a unit of tr(E Sigma E^T)   */
    work *run;
    hrq_hooks hooks;
} sequence;

typedef struct sequence_plan {
    const char *name;
    double rate; /* bits an entry of all matrices together                   */
    int states;  /* of the trellis; 0: the scalar grid                       */
    int budget;  /* 0: the same rate for all                                 */
    int drift;   /* 0: for the inputs of the plain model, the stored weights */
} sequence_plan;

/* Streams in the order of the model's matrices. */
typedef struct sequence_result {
    void **stream;
    size_t *bytes;
    double bits; /* of all streams */
    double seconds;
} sequence_result;

/* Measure what errors in each matrix cost: each alone is quantized to 3 bits, and the predictions of the model that has
   it compared with those of the plain one, as a Kullback-Leibler divergence over a part of the text. */
void sequence_open(sequence *s, llama *model, const layer *layers, size_t count, const uint16_t *tokens,
                   size_t token_count, work *run);
void sequence_close(sequence *s);

/* Quantize all matrices; the model uses what comes out, which lies in the layers' memory. */
void sequence_quantize(sequence *s, const sequence_plan *plan, sequence_result *out);
void sequence_free(const sequence *s, sequence_result *r);

#endif
