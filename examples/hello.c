/* hello.c: quantize a matrix to about 4 bits an entry, multiply with it, compare with float.

       cc -O3 -march=native hello.c -o hello -lm && ./hello */
#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 512, COLS = 1024 };
static float w[ROWS * COLS], x[COLS], y[ROWS];

int main(void)
{
    hrq_format format;
    hrq_mat mat;
    double error = 0, square = 0;
    for (int i = 0; i < ROWS * COLS; i++) w[i] = (float)(rand() % 2001 - 1000) * 1e-3f;
    for (int i = 0; i < COLS; i++) x[i] = (float)(rand() % 2001 - 1000) * 1e-3f;

    hrq_status status = hrq_format_parse(&format, "e8:q16:k4+had");
    size_t bytes = status ? 0 : hrq_mat_bytes(&format, ROWS, COLS);
    void *data = malloc(bytes);
    if (!status) status = hrq_mat_init(&mat, &format, ROWS, COLS, 1, data, bytes);
    if (!status) status = hrq_mat_encode(&mat, 0, ROWS, w, COLS, NULL);
    if (!status) status = hrq_matmul(&mat, HRQ_ACT_INT8, x, 1, COLS, y, ROWS, NULL);
    if (status) {
        fprintf(stderr, "hrq: %s\n", hrq_status_text(status));
        return 1;
    }

    for (int r = 0; r < ROWS; r++) {
        double exact = 0;
        for (int c = 0; c < COLS; c++) exact += (double)w[r * COLS + c] * (double)x[c];
        error += ((double)y[r] - exact) * ((double)y[r] - exact);
        square += exact * exact;
    }
    printf("%.3f bits an entry, squared error of y: %.2f %%\n", hrq_format_bits(&format, ROWS, COLS),
           100 * error / square);
    free(data);
    return 0;
}
