/* peers.c: products of OpenBLAS and oneDNN beside those of this library, one thread, in one process, in turn.

       make -C bench peers     needs libopenblas-dev and libdnnl-dev; what is missing is left out, with a line

   The same matrix of SIZES and the same vectors for all. One vector: copies of the matrix in turn, more than the caches
   hold; else the matrix again and again. Best of ROUNDS; a round runs each side once (one vector: through all copies).
   OpenBLAS multiplies floats; oneDNN floats, and int8 weights with unsigned or signed int8 vectors to int32, weights laid
   out as it likes, vectors as they are. In hrq's time the sums are scaled to floats; rounding the vectors is in none. */
#if !defined(_WIN32)
    #define _POSIX_C_SOURCE 200809L /* setenv, execv */
#endif
#include "../hrq.h"
#include "machine.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef PEER_OPENBLAS
    #include <cblas.h>
#endif
#ifdef PEER_DNNL
    #include <dnnl.h>
#endif

enum { COUNTS = 5, ROUNDS = 15, SIDES = 8 };

static const size_t counts[COUNTS] = {1, 8, 16, 64, 512};
static size_t rows = 4096, cols = 4096, memory_bytes, count; /* of vectors, now */
static float *w, *x, *y;                                      /* float matrix, vectors, results of anyone */

/* One that multiplies. `run` multiplies the copy of the matrix at `at` of `memory` with `count` vectors. */
typedef struct side {
    const char *name;
    void (*run)(struct side *s, unsigned char *at);
    void (*begin)(struct side *s); /* for `count` vectors  */
    unsigned char *memory;
    size_t bytes, copies;
    double best;
    hrq_mat mat;
    hrq_act *act;
    void *buffer;
    int kind; /* of a peer's numbers */
#ifdef PEER_DNNL
    dnnl_primitive_t primitive;
    dnnl_memory_t in, weights, out;
    dnnl_memory_desc_t layout; /* of the weights, the same for all counts */
    void *input;
#endif
} side;

static side sides[SIDES];
static size_t used;

//==================================================================================================
//  hrq
//==================================================================================================

static void hrq_begin(side *s)
{
    free(s->buffer);
    size_t bytes = hrq_act_bytes(&s->mat, count, HRQ_ACT_INT8);
    s->buffer = new_block(bytes);
    check(hrq_act_prepare(&s->act, s->buffer, bytes, &s->mat, HRQ_ACT_INT8, x, count, cols), "hrq_act_prepare");
}

static void hrq_run(side *s, unsigned char *at)
{
    s->mat.data = at;
    check(hrq_mul(&s->mat, s->act, y, rows, 0, rows, NULL), "hrq_mul");
}

/* As many copies as fill memory. */
static side *new_side(const char *name, size_t bytes)
{
    side *s = &sides[used++];
    s->name = name;
    s->bytes = (bytes + 63) / 64 * 64;
    s->copies = memory_bytes / s->bytes ? memory_bytes / s->bytes : 1;
    s->memory = (unsigned char *)large_block(s->bytes * s->copies);
    if (!s->memory) die(name, "no memory");
    return s;
}

static void repeat(side *s)
{
    for (size_t i = 1; i < s->copies; i++) memcpy(s->memory + i * s->bytes, s->memory, s->bytes);
}

static void add_hrq(const char *name)
{
    hrq_format format;
    check(hrq_format_parse(&format, name), name);
    size_t bytes = hrq_mat_bytes(&format, rows, cols);
    side *s = new_side(name, bytes);
    s->begin = hrq_begin;
    s->run = hrq_run;
    check(hrq_mat_init(&s->mat, &format, rows, cols, 1, s->memory, bytes), name);
    check(hrq_mat_encode(&s->mat, 0, rows, w, cols, NULL), name);
    repeat(s);
}

//==================================================================================================
//  OpenBLAS
//==================================================================================================

#ifdef PEER_OPENBLAS
static void blas_run(side *s, unsigned char *at)
{
    const float *m = (const float *)(const void *)at;
    int r = (int)rows, c = (int)cols;
    (void)s;
    if (count == 1) cblas_sgemv(CblasRowMajor, CblasNoTrans, r, c, 1.0f, m, c, x, 1, 0.0f, y, 1);
    else cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, r, c, 1.0f, x, c, m, c, 0.0f, y, r);
}
#endif

static void add_openblas(void)
{
#ifdef PEER_OPENBLAS
    side *s = new_side("OpenBLAS f32", rows * cols * sizeof(float));
    s->run = blas_run;
    memcpy(s->memory, w, rows * cols * sizeof(float));
    repeat(s);
    openblas_set_num_threads(1);
    printf("# OpenBLAS  %s, kernels %s\n", openblas_get_config(), openblas_get_corename());
#else
    fprintf(stderr, "bench: OPENBLAS SKIPPED, not installed: libopenblas-dev (apt-get install libopenblas-dev)\n");
#endif
}

//==================================================================================================
//  oneDNN
//==================================================================================================

#ifdef PEER_DNNL
static dnnl_engine_t engine;
static dnnl_stream_t stream;

static void right(dnnl_status_t status, const char *what)
{
    if (status != dnnl_success) die(what, "oneDNN refuses");
}

/* Types of vectors, weights, results. */
static const dnnl_data_type_t types[3][3] = {
    {dnnl_u8, dnnl_s8, dnnl_s32}, {dnnl_s8, dnnl_s8, dnnl_s32}, {dnnl_f32, dnnl_f32, dnnl_f32}};

static dnnl_memory_desc_t plane(size_t r, size_t c, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t md;
    dnnl_dims_t dims = {0};
    dims[0] = (dnnl_dim_t)r;
    dims[1] = (dnnl_dim_t)c;
    right(dnnl_memory_desc_init_by_tag(&md, 2, dims, type, tag), "dnnl_memory_desc_init_by_tag");
    return md;
}

/* Vectors [count x cols] times weights [cols x rows] in the layout `md`. */
static dnnl_primitive_desc_t product(const side *s, size_t n, const dnnl_memory_desc_t *md)
{
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t made;
    dnnl_memory_desc_t in = plane(n, cols, types[s->kind][0], dnnl_ab), out = plane(n, rows, types[s->kind][2], dnnl_ab);
    right(dnnl_matmul_desc_init(&desc, &in, md, NULL, &out), "dnnl_matmul_desc_init");
    right(dnnl_primitive_desc_create(&made, &desc, NULL, engine, NULL), "dnnl_primitive_desc_create");
    return made;
}

static void dnnl_run(side *s, unsigned char *at)
{
    dnnl_exec_arg_t args[3] = {{DNNL_ARG_SRC, s->in}, {DNNL_ARG_WEIGHTS, s->weights}, {DNNL_ARG_DST, s->out}};
    right(dnnl_memory_set_data_handle(s->weights, at), "dnnl_memory_set_data_handle");
    right(dnnl_primitive_execute(s->primitive, stream, 3, args), "dnnl_primitive_execute");
    right(dnnl_stream_wait(stream), "dnnl_stream_wait");
}

/* Weights [rows x cols] of the caller, in the layout that the product with n vectors likes, to s->memory. */
static void lay_out(side *s, size_t n, const void *from)
{
    dnnl_memory_desc_t any = plane(cols, rows, types[s->kind][1], dnnl_format_tag_any),
                       plain = plane(cols, rows, types[s->kind][1], dnnl_ba);
    dnnl_primitive_desc_t desc = product(s, n, &any), order;
    dnnl_primitive_t reorder;
    dnnl_memory_t a, b;
    s->layout = *dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    if (dnnl_memory_desc_get_size(&s->layout) > s->bytes) die(s->name, "its weights take more room than was left for them");
    dnnl_primitive_desc_destroy(desc);
    right(dnnl_memory_create(&a, &plain, engine, (void *)(uintptr_t)from), "dnnl_memory_create");
    right(dnnl_memory_create(&b, &s->layout, engine, s->memory), "dnnl_memory_create");
    right(dnnl_reorder_primitive_desc_create(&order, &plain, engine, &s->layout, engine, NULL), "dnnl_reorder");
    right(dnnl_primitive_create(&reorder, order), "dnnl_primitive_create");
    dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}};
    right(dnnl_primitive_execute(reorder, stream, 2, args), "dnnl_primitive_execute");
    right(dnnl_stream_wait(stream), "dnnl_stream_wait");
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(order);
    dnnl_memory_destroy(a);
    dnnl_memory_destroy(b);
}

static void *bytes_of(const float *from, size_t n, int unsigned_ones)
{
    unsigned char *to = (unsigned char *)new_block(n);
    for (size_t i = 0; i < n; i++) {
        float v = from[i] * 25.0f;
        int k = (int)(v < -127.0f ? -127.0f : v > 127.0f ? 127.0f : v);
        to[i] = (unsigned char)(unsigned_ones ? k + 128 : k);
    }
    return to;
}

/* The layout is asked for again for every count: it may differ. */
static void dnnl_begin(side *s)
{
    void *from = s->kind == 2 ? (void *)w : bytes_of(w, rows * cols, 0);
    lay_out(s, count, from);
    repeat(s);
    if (s->kind < 2) free(from);
    if (s->primitive) {
        dnnl_primitive_destroy(s->primitive);
        dnnl_memory_destroy(s->in);
        dnnl_memory_destroy(s->weights);
        dnnl_memory_destroy(s->out);
        if (s->kind < 2) free(s->input);
    }
    s->input = s->kind == 2 ? (void *)x : bytes_of(x, count * cols, s->kind == 0);
    dnnl_memory_desc_t in = plane(count, cols, types[s->kind][0], dnnl_ab),
                       out = plane(count, rows, types[s->kind][2], dnnl_ab);
    dnnl_primitive_desc_t desc = product(s, count, &s->layout);
    right(dnnl_primitive_create(&s->primitive, desc), "dnnl_primitive_create");
    dnnl_primitive_desc_destroy(desc);
    right(dnnl_memory_create(&s->in, &in, engine, s->input), "dnnl_memory_create");
    right(dnnl_memory_create(&s->weights, &s->layout, engine, s->memory), "dnnl_memory_create");
    right(dnnl_memory_create(&s->out, &out, engine, y), "dnnl_memory_create");
}
#endif

static void add_dnnl(void)
{
#ifdef PEER_DNNL
    static const char *const names[3] = {"oneDNN u8 x s8", "oneDNN s8 x s8", "oneDNN f32"};
    const dnnl_version_t *v = dnnl_version();
    right(dnnl_engine_create(&engine, dnnl_cpu, 0), "dnnl_engine_create");
    right(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "dnnl_stream_create");
    for (int kind = 0; kind < 3; kind++) {
        /* Room for sums of columns, which it puts behind signed weights. */
        side *s = new_side(names[kind], rows * (cols * (kind == 2 ? sizeof(float) : 1) + 64) + 65536);
        s->kind = kind;
        s->begin = dnnl_begin;
        s->run = dnnl_run;
    }
    printf("# oneDNN    %d.%d.%d, instruction set %d of its list\n", v->major, v->minor, v->patch,
           (int)dnnl_get_effective_cpu_isa());
#else
    fprintf(stderr, "bench: ONEDNN SKIPPED, not installed: libdnnl-dev (apt-get install libdnnl-dev)\n");
#endif
}

//==================================================================================================
//  In turn
//==================================================================================================

static void round_of(side *s)
{
    size_t copies = count == 1 ? s->copies : 1;
    double begin, time;
    if (count > 1) s->run(s, s->memory); /* the others have driven it out of the cache */
    begin = clock_now();
    for (size_t i = 0; i < copies; i++) s->run(s, s->memory + i * s->bytes);
    time = (clock_now() - begin) / (double)copies;
    consume((double)y[count * rows - 1]);
    if (s->best == 0.0 || time < s->best) s->best = time;
}

static void compare_all(size_t ours)
{
    for (size_t i = 0; i < used; i++) {
        sides[i].best = 0.0;
        if (sides[i].begin) sides[i].begin(&sides[i]);
        sides[i].run(&sides[i], sides[i].memory);
    }
    for (int r = 0; r < ROUNDS; r++)
        for (size_t i = 0; i < used; i++) round_of(&sides[i]);
    if (count == 1) printf("\n%-16s %10s", "1 vector, MEM", "GMAC/s");
    else printf("\n%3zu vectors      %10s", count, "GMAC/s");
    for (size_t i = 0; i < ours; i++) printf("  %8s /", sides[i].name);
    printf("\n");
    for (size_t i = 0; i < used; i++) {
        printf("%-16s %10.2f", sides[i].name, 1e-9 * (double)(rows * cols * count) / sides[i].best);
        for (size_t k = 0; k < ours && i >= ours; k++) printf("  %10.2f", sides[i].best / sides[k].best);
        printf("\n");
    }
    fflush(stdout);
}

/* Peers read their settings when they are loaded: set them and start again. Both get the instruction set that hrq runs. */
static void settings(char **argv)
{
    const char *isa = hrq_isa_text();
    if (getenv("BENCH_PEERS")) return;
    setenv("BENCH_PEERS", "1", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    unsetenv("OPENBLAS_L2_SIZE");
    if (strncmp(isa, "avx", 3) == 0) {
        static const char *const most[4][2] = {{"avx512vnni", "AVX512_CORE_VNNI"}, {"avx512", "AVX512_CORE"},
                                               {"avx2vnni", "AVX2_VNNI"}, {"avx2", "AVX2"}};
        setenv("OPENBLAS_CORETYPE", strncmp(isa, "avx512", 6) == 0 ? "SkylakeX" : "Haswell", 1);
        for (int i = 0; i < 4; i++)
            if (strcmp(isa, most[i][0]) == 0) setenv("DNNL_MAX_CPU_ISA", most[i][1], 1);
    }
    execv(argv[0], argv);
    die(argv[0], "cannot be started again");
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"int8", "int4", "int4:g32"};
    const char *isa = getenv("HRQ_ISA"), *text = getenv("SIZES"), *megabytes = getenv("MEMORY_MB");
    size_t ours = sizeof names / sizeof names[0];
    (void)argc;
    if (isa && isa[0] && strcmp(isa, hrq_isa_text()) != 0) die(isa, "another instruction set would run");
    settings(argv);
    machine box = machine_of();
    if (text && text[0]) {
        char *rest;
        rows = (size_t)strtoul(text, &rest, 10);
        cols = *rest == 'x' ? (size_t)strtoul(rest + 1, NULL, 10) : 0;
        if (rows < 16 || rows > 32768 || cols < 16 || cols > 32768) die("SIZES", "out of range");
    }
    memory_bytes = (megabytes && megabytes[0] ? (size_t)strtoul(megabytes, NULL, 10) : 800) << 20;
    machine_print(stdout, &box);
    printf("# isa       %s, hrq %s\n", hrq_isa_text(), hrq_version_text());
    w = gauss(rows * cols);
    x = gauss(counts[COUNTS - 1] * cols);
    y = (float *)new_block(counts[COUNTS - 1] * rows * sizeof(float));
    for (size_t i = 0; i < ours; i++) add_hrq(names[i]);
    add_openblas();
    add_dnnl();
    if (used == ours) return 0;
    printf("# %zu x %zu, working set of one vector %zu MB a side; columns: how many times as fast\n", rows, cols,
           memory_bytes >> 20);
    for (size_t i = 0; i < COUNTS; i++) {
        count = counts[i];
        compare_all(ours);
    }
    return 0;
}
