/* static_arena.c: nothing but the caller's memory. Weights, activations and what the encoder needs
   for a moment lie in static arrays; HRQ_MALLOC gives nothing, so a hidden allocation would show as
   "out of memory". What a device without a heap would do; encoding can as well happen elsewhere, for
   the bytes are the same on every machine.

       cc -O3 -march=native static_arena.c -o static_arena -lm && ./static_arena */
#define HRQ_MALLOC(bytes) ((void)(bytes), (void *)0)
#define HRQ_FREE(block) ((void)(block))
#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include <stdio.h>

enum { ROWS = 100, COLS = 200, VECTORS = 3 };

static float w[ROWS * COLS], decoded[COLS], x[VECTORS * COLS], y[VECTORS * ROWS];
static unsigned char weights[16384]; /* the quantized matrix         */
static unsigned char arena[4096];    /* activations, made ready      */
static unsigned char scratch[8192];  /* encode asks once, for a row  */

/* hrq_mat_encode rotates rows for "+had" and asks the hooks for the room, once. */
static void *take_scratch(void *user, size_t bytes)
{
    (void)user;
    return bytes <= sizeof scratch ? scratch : NULL;
}

static void give_back(void *user, void *block)
{
    (void)user;
    (void)block;
}

static int failed(hrq_status status, const char *doing)
{
    if (status) fprintf(stderr, "%s: %s\n", doing, hrq_status_text(status));
    return status != HRQ_OK;
}

/* Any numbers will do. */
static void fill(float *v, int count)
{
    unsigned state = 1;
    for (int i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        v[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
}

/* The relative squared error of y against the weights that decode gives, and their distance from w. */
static hrq_status compare(const hrq_mat *mat)
{
    double error = 0, square = 0, off = 0, all = 0;
    for (size_t r = 0; r < ROWS; r++) {
        hrq_status status = hrq_mat_decode(mat, r, 1, decoded, COLS);
        if (status) return status;
        for (size_t c = 0; c < COLS; c++) {
            double d = (double)decoded[c] - (double)w[r * COLS + c];
            off += d * d;
            all += (double)w[r * COLS + c] * (double)w[r * COLS + c];
        }
        for (size_t t = 0; t < VECTORS; t++) {
            double exact = 0;
            for (size_t c = 0; c < COLS; c++) exact += (double)decoded[c] * (double)x[t * COLS + c];
            error += ((double)y[t * ROWS + r] - exact) * ((double)y[t * ROWS + r] - exact);
            square += exact * exact;
        }
    }
    printf("weights: %.2f %% squared error; products: %.4f %%, from 8-bit activations\n", 100 * off / all,
           100 * error / square);
    return HRQ_OK;
}

int main(void)
{
    hrq_hooks hooks = {NULL, take_scratch, give_back, NULL, NULL};
    hrq_format format;
    hrq_mat mat;
    hrq_act *act;
    fill(w, ROWS * COLS);
    fill(x, VECTORS * COLS);
    if (failed(hrq_format_parse(&format, "int4:g32+had"), "format")) return 1;
    if (failed(hrq_mat_init(&mat, &format, ROWS, COLS, 1, weights, sizeof weights), "init")) return 1;
    if (failed(hrq_mat_encode(&mat, 0, ROWS, w, COLS, &hooks), "encode")) return 1;
    if (failed(hrq_act_prepare(&act, arena, sizeof arena, &mat, HRQ_ACT_INT8, x, VECTORS, COLS),
               "activations"))
        return 1;
    for (size_t row = 0; row < ROWS; row += 32) { /* a task each, on as many cores as there are */
        size_t end = row + 32 < (size_t)ROWS ? row + 32 : (size_t)ROWS;
        if (failed(hrq_mul(&mat, act, y, ROWS, row, end, NULL), "multiply")) return 1;
    }
    printf("%d x %d in %u bytes, %.3f bits an entry; %u bytes of activations\n", ROWS, COLS,
           (unsigned)mat.bytes, hrq_format_bits(&format, ROWS, COLS),
           (unsigned)hrq_act_bytes(&mat, VECTORS, HRQ_ACT_INT8));
    return failed(compare(&mat), "decode");
}
