// bytes.c: not a test but what builds.sh compiles with every compiler: one line for each thing whose bytes must be the
// same everywhere, with its checksum. bytes [rows]: encode that many rows at a time.
// No libm in the inputs, no private names: the library is taken as users take it. C99 and C++17.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 37, COLS = 83, VECTORS = 5, SQUARE = 70 };

static float noise(uint32_t i)
{
    uint32_t z = (i + 1u) * 2654435761u;
    int32_t sum = 0, k;
    for (k = 0; k < 4; k++) { /* four uniforms: nearly Gaussian, and exact in float32 */
        z ^= z >> 15;
        z *= 0x2c1b3c6du;
        z ^= z >> 12;
        z *= 0x297a2d39u;
        z ^= z >> 15;
        sum += (int32_t)(z >> 12) - (1 << 19);
    }
    return (float)sum / 524288.0f;
}

static void print_sum(const char *what, const char *name, const void *data, size_t bytes)
{
    const unsigned char *p = (const unsigned char *)data;
    uint64_t h = 0xcbf29ce484222325u;
    while (bytes-- > 0) h = (h ^ *p++) * 0x100000001b3u;
    printf("%-12s %-24s %08lx%08lx\n", what, name, (unsigned long)(h >> 32), (unsigned long)(h & 0xffffffffu));
}

static float w[ROWS * COLS], x[VECTORS * COLS], y[ROWS * COLS + VECTORS * COLS], square[SQUARE * SQUARE];
static unsigned char store[1 << 20], store2[1 << 20], act_store[1 << 18];

static hrq_mat encoded(const char *name, unsigned char *to, size_t chunk)
{
    hrq_format f;
    hrq_mat m;
    size_t r, n;
    memset(&m, 0, sizeof m);
    if (hrq_format_parse(&f, name) != HRQ_OK || hrq_mat_init(&m, &f, ROWS, COLS, 7, to, sizeof store) != HRQ_OK)
        exit(1);
    if (strstr(name, ":col")) chunk = ROWS; /* whole bands */
    for (r = 0; r < ROWS; r += n) {
        n = ROWS - r < chunk ? ROWS - r : chunk;
        if (hrq_mat_encode(&m, r, n, w + r * COLS, COLS, NULL) != HRQ_OK) exit(1);
    }
    return m;
}

static void matrices(size_t chunk)
{
    const char *name;
    size_t i;
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        hrq_mat m = encoded(name, store, chunk);
        hrq_mat other;
        hrq_act *act;
        int kind;
        char pair[64];
        snprintf(pair, sizeof pair, m.format.keep ? "int4+keep%d" : m.format.options & 32 ? "int4:g32+had" : "int4:g32",
                 m.format.keep); /* 32: +had */
        other = encoded(pair, store2, chunk);
        print_sum("encode", name, m.data, m.bytes);
        if (hrq_mat_decode(&m, 0, ROWS, y, COLS) != HRQ_OK) exit(1);
        print_sum("decode", name, y, sizeof(float) * ROWS * COLS);
        for (kind = 0; kind < 2; kind++) {
            if (hrq_act_prepare(&act, act_store, sizeof act_store, &m, (hrq_act_kind)kind, x, VECTORS, COLS) !=
                HRQ_OK)
                exit(1);
            if (hrq_mul(&m, act, y, ROWS, 0, ROWS, NULL) != HRQ_OK) exit(1);
            print_sum(kind ? "mul f32" : "mul int8", name, y, sizeof(float) * VECTORS * ROWS);
        }
        if (hrq_mul_t(&m, x, VECTORS, COLS, 0, ROWS, y, COLS) != HRQ_OK) exit(1);
        print_sum("mul_t", name, y, sizeof(float) * VECTORS * COLS);
        if (hrq_mul_mat(&m, &other, y, ROWS, 0, ROWS) != HRQ_OK) exit(1);
        print_sum("mul_mat", name, y, sizeof(float) * ROWS * ROWS);
    }
}

static void algebra(void)
{
    static double eig[SQUARE];
    size_t i;
    memcpy(y, x, sizeof x);
    if (hrq_hadamard(y, VECTORS, COLS, COLS, 3, 0) != HRQ_OK) exit(1);
    print_sum("hadamard", "83", y, sizeof x);
    memset(square, 0, sizeof square);
    if (hrq_cov_add(square, SQUARE, SQUARE, w, ROWS, COLS, NULL) != HRQ_OK) exit(1);
    if (hrq_cov_finish(square, SQUARE, SQUARE, ROWS) != HRQ_OK) exit(1);
    print_sum("covariance", "70", square, sizeof square);
    for (i = 0; i < SQUARE; i++) square[i * SQUARE + i] += 0.125f;
    if (hrq_eigenvalues(eig, square, SQUARE, SQUARE, NULL) != HRQ_OK) exit(1);
    print_sum("eigenvalues", "70", eig, sizeof eig);
    if (hrq_gemm(y, ROWS, w, COLS, w, COLS, ROWS, ROWS, COLS, NULL) != HRQ_OK) exit(1);
    print_sum("gemm", "37 x 37 x 83", y, sizeof(float) * ROWS * ROWS);
    if (hrq_cholesky(square, SQUARE, SQUARE, NULL, NULL) != HRQ_OK) exit(1);
    print_sum("cholesky", "70", square, sizeof square);
}

static void weight_only(void)
{
    static const char *const names[] = {"int4",      "int3:g32",        "int2:mse",
                                        "e8:q16:k4", "zn:q11:k3:first", "int4:g32+had",
                                        "tcq3:s6"};
    static const double rates[] = {1.5, 3.0, 4.25};
    static float sigma[COLS * COLS], cross[COLS * COLS], back[ROWS * COLS];
    hrq_watersic_options options;
    size_t i, bytes;
    memset(sigma, 0, sizeof sigma);
    for (i = 0; i < 60; i++) { /* fewer samples than columns */
        float v[COLS];
        uint32_t c;
        for (c = 0; c < COLS; c++)
            v[c] = noise((uint32_t)i * 1000u + c) * (c % 7 ? 1.0f : 4.0f) + 0.5f * noise((uint32_t)i + 70000u);
        if (hrq_cov_add(sigma, COLS, COLS, v, 1, COLS, NULL) != HRQ_OK) exit(1);
    }
    hrq_cov_finish(sigma, COLS, COLS, 60);
    {
        static uint8_t room[64 * 1024];
        hrq_basis basis;
        hrq_gptq_options few = {0, HRQ_ORDER_MINPIVOT, 60, 0};
        hrq_mat m = encoded("int4", store, ROWS);
        if (hrq_basis_make(&basis, room, sizeof room, sigma, COLS, COLS, NULL, NULL, NULL) != HRQ_OK) exit(1);
        print_sum("basis", "83", basis.data, basis.bytes);
        if (hrq_basis_apply(&basis, 0, w, ROWS, COLS, back, COLS) != HRQ_OK) exit(1);
        print_sum("basis", "applied", back, sizeof back);
        if (hrq_gptq(&m, w, COLS, sigma, COLS, &few, NULL, NULL) != HRQ_OK) exit(1);
        print_sum("gptq", "int4, 60 tokens", m.data, m.bytes);
        few.filter = 1;
        if (hrq_gptq(&m, w, COLS, sigma, COLS, &few, NULL, NULL) != HRQ_OK) exit(1);
        print_sum("gptq", "int4, filter", m.data, m.bytes);
        memset(cross, 0, sizeof cross);
        if (hrq_cov_cross(cross, COLS, COLS, COLS, w, COLS, w + COLS, COLS, ROWS - 1, NULL) != HRQ_OK) exit(1);
        print_sum("covariance", "of two kinds", cross, sizeof cross);
        if (hrq_retarget(back, COLS, w, ROWS, COLS, COLS, cross, COLS, w, COLS, sigma, COLS, &few, NULL, NULL) != HRQ_OK)
            exit(1);
        print_sum("retarget", "60 tokens", back, sizeof back);
    }
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        hrq_mat m = encoded(names[i], store, ROWS);
        if (hrq_gptq(&m, w, COLS, sigma, COLS, NULL, NULL, NULL) != HRQ_OK) exit(1);
        print_sum("gptq", names[i], m.data, m.bytes);
    }
    for (i = 0; i < 6; i++) {
        char text[40];
        hrq_status status;
        memset(&options, 0, sizeof options);
        options.rate = rates[i % 3];
        options.states = i < 3 || i == 5 ? 1 : i < 4 ? 8 : 64;
        options.rescale = i == 5;
        status = hrq_watersic(store, sizeof store, &bytes, w, ROWS, COLS, COLS, sigma, COLS, &options, NULL, NULL);
        snprintf(text, sizeof text, "%.2f bits, %d states%s", rates[i % 3], options.states, i == 5 ? ", rescaled" : "");
        if (status == HRQ_ERR_RATE) {
            printf("watersic     %-24s no such rate\n", text);
            continue;
        }
        if (status != HRQ_OK) exit(1);
        print_sum("watersic", text, store, bytes);
        if (hrq_stream_decode(store, bytes, back, COLS, NULL) != HRQ_OK) exit(1);
        print_sum("stream", text, back, sizeof back);
    }
}

int main(int argc, char **argv)
{
    size_t chunk = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : (size_t)ROWS;
    uint32_t i;
    for (i = 0; i < ROWS * COLS; i++) w[i] = noise(i) * (i / COLS % 5 ? 1.0f : 1e-3f);
    for (i = 0; i < VECTORS * COLS; i++) x[i] = noise(i + 100000u);
    matrices(chunk ? chunk : 1);
    algebra();
    weight_only();
    return 0;
}
