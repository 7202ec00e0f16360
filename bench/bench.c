/* bench.c: times encode, decode and multiply of every format, one thread, in process.

       bench            the whole table; TSV to build/bench.tsv (or $TSV)
       bench readme     the Markdown table of the README alone

   Environment: FORMAT=name   this format alone
                SECONDS=s     about so long for each number (0.05)
                SIZES=RxC     matrices that are multiplied from memory (256x4096)
                ORDER=n       side of the matrices of the linear algebra (1024)
                MEMORY_MB=n   working set of "from memory" (twice the last-level cache, 256 ... 1024)
                HRQ_ISA=isa   the ISA; a machine or a build that does not run it is an error here

   Speeds from caches and of single calls are those of the best run, speeds from memory those of the median run. Every
   input is fresh and random, every result consumed; the library is a separate object. */
#include "../hrq.h"
#include "machine.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { VECTORS = 16, CODE_ROWS = 64, CODE_COLS = 4096 };

static machine box;
static double seconds = 0.05;
static size_t mem_rows = 256, mem_cols = 4096, order = 1024;
static FILE *tsv;
static unsigned char *memory; /* larger than the last-level cache */
static size_t memory_bytes;
static double memory_speed; /* bytes a second */

//==================================================================================================
//  Input and output
//==================================================================================================

static void record(const char *row, const char *metric, const char *unit, double best, double median, size_t runs)
{
    if (tsv) fprintf(tsv, "%s\t%s\t%s\t%.6g\t%.6g\t%zu\n", row, metric, unit, best, median, runs);
}

/* `amount` of a unit a run: rates of best and median. */
static timing rate_of(const char *row, const char *metric, const char *unit, double amount, timing t)
{
    t.best = amount / t.best;
    t.median = amount / t.median;
    record(row, metric, unit, t.best, t.median, t.runs);
    return t;
}

//==================================================================================================
//  Formats
//==================================================================================================

/* What a table says of a format; speeds in 1e9 weights (one vector) or multiply-adds a second, encode and decode in
   1e6 weights a second. Index of kinds: hrq_act_kind. */
typedef struct result {
    double bits, db, gap, encode, decode;
    double cache[2], mem[2], mem_bytes[2], many[2];
} result;

typedef struct job {
    hrq_mat mat;
    float *w, *out; /* weights; decoded weights or products */
    hrq_act *act;
    size_t slots, slot; /* copies of the matrix in `memory` */
} job;

static void run_encode(void *arg)
{
    job *j = (job *)arg;
    check(hrq_mat_encode(&j->mat, 0, j->mat.rows, j->w, j->mat.cols, NULL), "hrq_mat_encode");
    consume(((const unsigned char *)j->mat.data)[j->mat.bytes - 1]);
}

static void run_decode(void *arg)
{
    job *j = (job *)arg;
    check(hrq_mat_decode(&j->mat, 0, j->mat.rows, j->out, j->mat.cols), "hrq_mat_decode");
    consume((double)j->out[j->mat.cols - 1]);
}

/* The next copy in turn. */
static void run_mul(void *arg)
{
    job *j = (job *)arg;
    if (j->slots) {
        j->mat.data = memory + j->slot * ((j->mat.bytes + 63) / 64 * 64);
        j->slot = (j->slot + 1) % j->slots;
    }
    check(hrq_mul(&j->mat, j->act, j->out, j->mat.rows, 0, j->mat.rows, NULL), "hrq_mul");
    consume((double)j->out[j->mat.rows - 1]);
}

static void new_mat(job *j, const hrq_format *format, size_t rows, size_t cols)
{
    size_t bytes = hrq_mat_bytes(format, rows, cols);
    memset(j, 0, sizeof *j);
    check(hrq_mat_init(&j->mat, format, rows, cols, 1, new_block(bytes), bytes), "hrq_mat_init");
    j->w = gauss(rows * cols);
    j->out = (float *)new_block(rows * (cols > VECTORS ? cols : VECTORS) * sizeof(float));
    run_encode(j);
}

static void free_mat(job *j)
{
    free(j->mat.data);
    free(j->w);
    free(j->out);
}

/* Encode, decode and error, rows of 4096. */
static void bench_codec(const char *name, const hrq_format *format, result *r)
{
    job j;
    size_t count = (size_t)CODE_ROWS * CODE_COLS;
    double error = 0.0, energy = 0.0;
    new_mat(&j, format, CODE_ROWS, CODE_COLS);
    r->encode = rate_of(name, "encode", "Mw/s", 1e-6 * (double)count, time_of(run_encode, &j, seconds)).best;
    r->decode = rate_of(name, "decode", "Mw/s", 1e-6 * (double)count, time_of(run_decode, &j, seconds)).best;
    for (size_t i = 0; i < count; i++) {
        double e = (double)j.w[i] - (double)j.out[i];
        error += e * e;
        energy += (double)j.w[i] * (double)j.w[i];
    }
    r->bits = hrq_format_bits(format, 4096, CODE_COLS);
    r->db = error > 0.0 ? 10.0 * log10(energy / error) : INFINITY;
    r->gap = error > 0.0 ? r->bits + 0.5 * log2(error / energy) : INFINITY;
    record(name, "size", "bit", r->bits, r->bits, 1);
    record(name, "error", "dB", r->db, r->db, 1);
    record(name, "gap", "bit", r->gap, r->gap, 1);
    free_mat(&j);
}

/* Copies of a matrix, back to back on lines of 64 bytes, as many as memory holds. */
static void fill_memory(job *j)
{
    size_t pitch = (j->mat.bytes + 63) / 64 * 64;
    j->slots = memory_bytes / pitch;
    if (j->slots == 0) die("SIZES", "larger than the memory of this bench");
    for (size_t i = 0; i < j->slots; i++) memcpy(memory + i * pitch, j->mat.data, j->mat.bytes);
}

/* Products with n vectors; `where` says whether the matrix comes from a cache, again and again, or from memory. */
static timing bench_mul(const char *name, const job *from, size_t n, int kind, const char *where)
{
    static const char *const kinds[2] = {"int8", "f32"};
    job j = *from;
    timing t;
    size_t rows = j.mat.rows, cols = j.mat.cols, bytes = hrq_act_bytes(&j.mat, n, (hrq_act_kind)kind);
    float *x = gauss(n * cols);
    void *buffer = new_block(bytes);
    char metric[64];
    check(hrq_act_prepare(&j.act, buffer, bytes, &j.mat, (hrq_act_kind)kind, x, n, cols), "hrq_act_prepare");
    sprintf(metric, "%zu x %s, %s", n, kinds[kind], where);
    t = time_of(run_mul, &j, seconds);
    if (j.slots) rate_of(name, metric, "GB/s", 1e-9 * (double)j.mat.bytes, t);
    t = rate_of(name, metric, n > 1 ? "GMAC/s" : "Gw/s", 1e-9 * (double)(rows * cols * n), t);
    free(buffer);
    free(x);
    return t;
}

/* Rows of 1024 that fit half of L2. */
static size_t cache_rows(const hrq_format *format)
{
    size_t rows = 16;
    while (rows < 512 && hrq_mat_bytes(format, 2 * rows, 1024) <= box.level[2] / 2) rows *= 2;
    return rows;
}

static result bench_format(const char *name, int brief)
{
    hrq_format format;
    result r;
    memset(&r, 0, sizeof r);
    check(hrq_format_parse(&format, name), name);
    bench_codec(name, &format, &r);
    double stored = hrq_format_bits(&format, mem_rows, mem_cols) / 8.0;
    job j, small;
    new_mat(&j, &format, mem_rows, mem_cols);
    new_mat(&small, &format, cache_rows(&format), 1024);
    for (int kind = 0; kind < 2 && !brief; kind++) {
        r.cache[kind] = bench_mul(name, &small, 1, kind, "L2").best;
        r.many[kind] = bench_mul(name, &j, VECTORS, kind, "L3").best;
    }
    fill_memory(&j);
    for (int kind = 0; kind < 2; kind++) {
        r.mem[kind] = bench_mul(name, &j, 1, kind, "MEM").median;
        r.mem_bytes[kind] = 1e9 * r.mem[kind] * stored;
    }
    free_mat(&small);
    free_mat(&j);
    return r;
}

/* The float product a compiler makes of plain C: 16 lanes a row. */
typedef struct plain {
    const float *w, *x;
    float *y;
    size_t rows, cols, slots, slot;
} plain;

static void run_plain(void *arg)
{
    plain *p = (plain *)arg;
    const float *w = p->w + p->slot * p->rows * p->cols;
    p->slot = p->slots ? (p->slot + 1) % p->slots : 0;
    for (size_t r = 0; r < p->rows; r++, w += p->cols) {
        float lane[64] = {0}, sum = 0.0f;
        for (size_t c = 0; c + 64 <= p->cols; c += 64)
            for (size_t l = 0; l < 64; l++) lane[l] += w[c + l] * p->x[c + l];
        for (size_t l = 0; l < 64; l++) sum += lane[l];
        for (size_t c = p->cols / 64 * 64; c < p->cols; c++) sum += w[c] * p->x[c];
        p->y[r] = sum;
    }
    consume((double)p->y[p->rows - 1]);
}

static result bench_plain(void)
{
    plain p;
    result r;
    float *w = gauss(128 * 1024), *x = gauss(mem_cols > 1024 ? mem_cols : 1024);
    memset(&r, 0, sizeof r);
    memset(&p, 0, sizeof p);
    r.bits = 32.0;
    r.db = r.gap = INFINITY;
    p.y = (float *)new_block((mem_rows > 128 ? mem_rows : 128) * sizeof(float));
    p.x = x;
    p.w = w;
    p.rows = 128;
    p.cols = 1024;
    r.cache[1] =
        rate_of("plain C f32", "1 x f32, L2", "Gw/s", 1e-9 * 128 * 1024, time_of(run_plain, &p, seconds)).best;
    p.w = (const float *)(const void *)memory;
    p.rows = mem_rows;
    p.cols = mem_cols;
    p.slots = memory_bytes / (mem_rows * mem_cols * sizeof(float));
    memset(memory, 0, memory_bytes);
    if (p.slots)
        r.mem[1] = rate_of("plain C f32", "1 x f32, MEM", "Gw/s", 1e-9 * (double)(mem_rows * mem_cols),
                           time_of(run_plain, &p, seconds))
                       .median;
    r.mem_bytes[1] = 4e9 * r.mem[1];
    free(w);
    free(x);
    free(p.y);
    return r;
}

static void print_row(const char *name, const result *r)
{
    printf("%-18s %7.3f", name, r->bits);
    cell(6, 2, r->db);
    cell(6, 3, r->gap);
    cell(8, 1, r->encode);
    cell(8, 1, r->decode);
    for (int kind = 0; kind < 2; kind++) {
        printf(" |");
        cell(7, 3, r->cache[kind]);
        cell(7, 3, r->mem[kind]);
        cell(6, 2, 1e-9 * r->mem_bytes[kind]);
        cell(5, 1, 100.0 * r->mem_bytes[kind] / memory_speed);
        cell(7, 3, r->many[kind]);
    }
    printf("\n");
    fflush(stdout);
}

static void bench_formats(void)
{
    const char *only = getenv("FORMAT"), *name;
    result r;
    printf("\nFormats. Error and gap (bits above 1/2 log2(1 / error)) on iid Gaussian rows of %d. One vector: from "
           "L2 (best)\n"
           "and from memory (%zu x %zu, copies in turn, median; %% of the read bandwidth). %d vectors: such a matrix "
           "in cache.\n\n",
           CODE_COLS, mem_rows, mem_cols, VECTORS);
    printf("%-18s %7s %6s %6s %8s %8s | %-36s | %-36s\n", "", "true", "error", "gap", "encode", "decode",
           "int8 activations", "f32 activations");
    printf("%-18s %7s %6s %6s %8s %8s", "format", "bits", "dB", "bits", "Mw/s", "Mw/s");
    for (int kind = 0; kind < 2; kind++) printf(" | %7s %7s %6s %5s %7s", "L2", "MEM", "MEM", "% of", "16 vec");
    printf("\n%-18s %7s %6s %6s %8s %8s", "", "", "", "", "", "");
    for (int kind = 0; kind < 2; kind++) printf(" | %7s %7s %6s %5s %7s", "Gw/s", "Gw/s", "GB/s", "read", "GMAC/s");
    printf("\n");
    r = bench_plain();
    print_row("plain C f32", &r);
    if (only && only[0]) {
        r = bench_format(only, 0);
        print_row(only, &r);
        return;
    }
    for (size_t i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        hrq_format format;
        check(hrq_format_parse(&format, name), name);
        if (hrq_mat_bytes(&format, 16, CODE_COLS) == 0) continue;
        r = bench_format(name, 0);
        print_row(name, &r);
    }
}

//==================================================================================================
//  The machine, transforms, linear algebra, weight-only
//==================================================================================================

static void bench_bandwidth(void)
{
    size_t l3 = box.level[3] / 2 < (size_t)16 << 20 ? box.level[3] / 2 : (size_t)16 << 20;
    size_t sizes[4] = {box.level[1] / 2, box.level[2] / 2, l3, memory_bytes};
    static const char *const names[4] = {"read L1", "read L2", "read L3", "read MEM"};
    for (int i = 0; i < 4; i++) {
        timing t = read_bandwidth(memory, sizes[i], 4.0 * seconds);
        if (i == 3) memory_speed = t.best;
        printf("%-10s %9zu KB  %8.2f GB/s best  %8.2f median\n", names[i], sizes[i] >> 10, 1e-9 * t.best,
               1e-9 * t.median);
        record(names[i], "read", "GB/s", 1e-9 * t.best, 1e-9 * t.median, t.runs);
        fflush(stdout);
    }
    if (memory_bytes <= box.level[3])
        printf("# little memory: %zu MB do not exceed the last-level cache; MEM figures are partly from cache\n",
               memory_bytes >> 20);
}

/* Square float work: a, b, c [n x n]. */
typedef struct square {
    size_t n;
    const float *a, *b;
    float *c;
    double *eig;
    unsigned char *stream;
    size_t capacity, bytes;
    const float *sigma;
    hrq_mat mat;
} square;

static void run_hadamard(void *arg)
{
    square *s = (square *)arg;
    check(hrq_hadamard(s->c, 1, s->n, s->n, 1, 0), "hrq_hadamard");
    consume((double)s->c[0]);
}

static void run_gemm(void *arg)
{
    square *s = (square *)arg;
    check(hrq_gemm(s->c, s->n, s->a, s->n, s->b, s->n, s->n, s->n, s->n, NULL), "hrq_gemm");
    consume((double)s->c[s->n]);
}

static void run_cov(void *arg)
{
    square *s = (square *)arg;
    check(hrq_cov_add(s->c, s->n, s->n, s->a, s->n, s->n, NULL), "hrq_cov_add");
    consume((double)s->c[s->n]);
}

/* Factors a copy of sigma. */
static void run_cholesky(void *arg)
{
    square *s = (square *)arg;
    memcpy(s->c, s->sigma, s->n * s->n * sizeof *s->c);
    check(hrq_cholesky(s->c, s->n, s->n, NULL, NULL), "hrq_cholesky");
    consume((double)s->c[s->n]);
}

static void run_eigenvalues(void *arg)
{
    square *s = (square *)arg;
    check(hrq_eigenvalues(s->eig, s->sigma, s->n, s->n, NULL), "hrq_eigenvalues");
    consume(s->eig[0]);
}

static void watersic(square *s, const float *sigma)
{
    hrq_watersic_options options;
    memset(&options, 0, sizeof options);
    options.rate = 3.0;
    check(hrq_watersic(s->stream, s->capacity, &s->bytes, s->a, s->n, s->n, s->n, sigma, s->n, &options, NULL, NULL),
          "hrq_watersic");
}

static void run_watersic_white(void *arg) { watersic((square *)arg, NULL); }
static void run_watersic(void *arg) { watersic((square *)arg, ((square *)arg)->sigma); }

static void run_gptq(void *arg)
{
    square *s = (square *)arg;
    check(hrq_gptq(&s->mat, s->a, s->n, s->sigma, s->n, NULL, NULL, NULL), "hrq_gptq");
}

static void run_stream(void *arg)
{
    square *s = (square *)arg;
    check(hrq_stream_decode(s->stream, s->bytes, s->c, s->n, NULL), "hrq_stream_decode");
    consume((double)s->c[s->n]);
}

/* One line: seconds, and a rate. */
static void report(const char *name, size_t n, const char *unit, double amount, void (*run)(void *arg), square *s)
{
    char row[64];
    timing t = time_of(run, s, 2.0 * seconds);
    sprintf(row, "%s %zu", name, n);
    record(row, "time", "s", t.best, t.median, t.runs);
    printf("%-34s %12.3f %12.3f", row, 1e3 * t.best, 1e3 * t.median);
    t = rate_of(row, "speed", unit, amount, t);
    printf("  %10.3f %s\n", t.best, unit);
    fflush(stdout);
}

/* The rate of fused multiply-adds that this library reaches: the ceiling for every float product below. */
static void bench_gemm(void)
{
    square s;
    char row[64];
    float *a = gauss(order * order), *b = gauss(order * order);
    memset(&s, 0, sizeof s);
    s.n = order;
    s.a = a;
    s.b = b;
    s.c = (float *)new_block(order * order * sizeof *s.c);
    sprintf(row, "gemm f32 %zu", order);
    timing t = rate_of(row, "speed", "GMAC/s", 1e-9 * (double)(order * order) * (double)order,
                       time_of(run_gemm, &s, 4.0 * seconds));
    printf("%-23s  %8.2f GMAC/s best %7.2f median\n", row, t.best, t.median);
    free(s.c);
    free(b);
    free(a);
}

static void bench_hadamard(square *s)
{
    static const size_t sizes[2] = {4096, 14336};
    size_t n = s->n;
    for (int i = 0; i < 2; i++) {
        timing t;
        char row[64];
        float *x = gauss(sizes[i]), *c = s->c;
        s->n = sizes[i];
        s->c = x;
        t = time_of(run_hadamard, s, seconds);
        sprintf(row, "hadamard %zu", sizes[i]);
        record(row, "time", "ns/element", 1e9 * t.best / (double)sizes[i], 1e9 * t.median / (double)sizes[i], t.runs);
        printf("%-34s %12.3f %12.3f  %10.3f ns/element\n", row, 1e3 * t.best, 1e3 * t.median,
               1e9 * t.best / (double)sizes[i]);
        s->c = c;
        free(x);
    }
    s->n = n;
}

static void bench_solvers(void)
{
    square s;
    hrq_format int4;
    size_t n = order, count = n * n;
    double entries = (double)count, cube = entries * (double)n;
    float *a = gauss(count), *b = gauss(count), *sigma = (float *)new_block(count * sizeof *sigma);
    memset(&s, 0, sizeof s);
    memset(sigma, 0, count * sizeof *sigma);
    s.n = n;
    s.a = a;
    s.b = b;
    s.c = (float *)new_block(count * sizeof *s.c);
    memset(s.c, 0, count * sizeof *s.c);
    s.sigma = sigma;
    s.eig = (double *)new_block(n * sizeof *s.eig);
    s.capacity = hrq_watersic_bytes(n, n, 3.0);
    s.stream = (unsigned char *)new_block(s.capacity);
    check(hrq_format_parse(&int4, "int4"), "int4");
    size_t bytes = hrq_mat_bytes(&int4, n, n);
    check(hrq_mat_init(&s.mat, &int4, n, n, 1, new_block(bytes), bytes), "hrq_mat_init");
    for (int part = 0; part < 2; part++) check(hrq_cov_add(sigma, n, n, part ? b : a, n, n, NULL), "hrq_cov_add");
    check(hrq_cov_finish(sigma, n, n, 2.0 * (double)n), "hrq_cov_finish");

    printf("\n%-34s %12s %12s\n", "call, one thread", "best ms", "median ms");
    bench_hadamard(&s);
    report("cov_add", n, "GMAC/s", 0.5e-9 * cube, run_cov, &s);
    report("cholesky", n, "GMAC/s", 1e-9 / 6.0 * cube, run_cholesky, &s);
    s.n = n / 2;
    report("eigenvalues f64", n / 2, "GMAC/s", 2e-9 / 3.0 * cube / 8.0, run_eigenvalues, &s);
    s.n = n;
    report("gptq int4, covariance", n, "Mw/s", 1e-6 * entries, run_gptq, &s);
    report("watersic 3 bits, white", n, "Mw/s", 1e-6 * entries, run_watersic_white, &s);
    report("watersic 3 bits, covariance", n, "Mw/s", 1e-6 * entries, run_watersic, &s);
    report("stream decode", n, "Msymbol/s", 1e-6 * entries, run_stream, &s);
    free(s.mat.data);
    free(s.stream);
    free(s.eig);
    free(s.c);
    free(sigma);
    free(b);
    free(a);
}

//==================================================================================================
//  Programs
//==================================================================================================

/* The README's table: formats of FORMAT, or these. */
static void readme(void)
{
    static const char *const names[] = {
        "f32",           "bf16",          "int8",         "int4",         "int4:g64:mse+had", "int3",
        "nvfp4:mse",     "e8:q16:k4+had", "e8:q8:k4+had", "e8:q4:k4+had", "e8b4:k4+had",      "e8b2:k1+had",
        "zn:q16:k4+had", "tcq4+had",      "tcq3+had",     "tcq2+had"};
    const char *only = getenv("FORMAT");
    size_t count = only && only[0] ? 1 : sizeof names / sizeof names[0];
    memory_speed = read_bandwidth(memory, memory_bytes, 4.0 * seconds).best;
    printf("| format | true bits | error, dB | gap to D(R), bits | encode, Mw/s | decode, Mw/s "
           "| GEMV int8, Gw/s | GEMV f32, Gw/s | stored GB/s |\n|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        const char *name = count == 1 ? only : names[i];
        result r = bench_format(name, 1);
        printf("| `%s` | %.3f |", name, r.bits);
        if (r.gap < 1e300) printf(" %.2f | %.3f |", r.db, r.gap);
        else printf(" exact | - |");
        printf(" %.1f | %.0f | %.3f | %.3f | %.3f |\n", r.encode, r.decode, r.mem[0], r.mem[1],
               1e-9 * r.mem_bytes[0]);
        fflush(stdout);
    }
    printf("\nError and gap on iid Gaussian rows of %d. GEMV: one vector, int8 or float activations, one thread,\n"
           "matrices of %zu x %zu from a working set of %zu MB, median; the last column is the first GEMV in stored\n"
           "bytes, the machine reads %.1f GB/s. `make -C bench readme` printed this on:\n\n",
           CODE_COLS, mem_rows, mem_cols, memory_bytes >> 20, 1e-9 * memory_speed);
}

static size_t number(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text && text[0] ? (size_t)strtoul(text, NULL, 10) : otherwise;
}

static void configure(void)
{
    const char *isa = getenv("HRQ_ISA"), *text;
    size_t want;
    if (isa && isa[0] && strcmp(isa, hrq_isa_text()) != 0) {
        fprintf(stderr, "bench: HRQ_ISA=%s was asked for, but %s would run: nothing measured\n", isa, hrq_isa_text());
        exit(2);
    }
    if ((text = getenv("SECONDS")) != NULL && text[0]) seconds = strtod(text, NULL);
    if ((text = getenv("SIZES")) != NULL && text[0]) {
        char *x;
        mem_rows = (size_t)strtoul(text, &x, 10);
        mem_cols = *x == 'x' ? (size_t)strtoul(x + 1, NULL, 10) : 0;
    }
    order = number("ORDER", order);
    if ((text = getenv("FORMAT")) != NULL && text[0]) {
        hrq_format format;
        check(hrq_format_parse(&format, text), text);
        if (hrq_mat_bytes(&format, 16, CODE_COLS) == 0) die(text, "made from a stream alone, or not in this version");
    }
    if (!(seconds > 0.0 && seconds < 1e3) || !mem_rows || !mem_cols || mem_rows > 65536 || mem_cols > 65536 ||
        order < 16 || order > 16384)
        die("SECONDS, SIZES, ORDER", "out of range");
    box = machine_of();
    want = 2 * box.level[3];
    if (want < (size_t)256 << 20) want = (size_t)256 << 20;
    if (want > (size_t)1 << 30) want = (size_t)1 << 30;
    while (box.memory && want > box.memory / 4) want /= 2;
    want = number("MEMORY_MB", want >> 20) << 20;
    while (want > (size_t)1 << 22 && (memory = (unsigned char *)malloc(want)) == NULL) want /= 2;
    if (!memory) memory = (unsigned char *)new_block(want = (size_t)1 << 22);
    memory_bytes = want;
    memset(memory, 1, memory_bytes);
}

int main(int argc, char **argv)
{
    const char *path = getenv("TSV");
    configure();
    if (argc > 1 && strcmp(argv[1], "readme") == 0) {
        readme();
        printf("```\n");
        machine_print(stdout, &box);
        printf("# isa       %s, hrq %s\n```\n", hrq_isa_text(), hrq_version_text());
        free(memory);
        return 0;
    }
    tsv = fopen(path && path[0] ? path : "build/bench.tsv", "w");
    if (!tsv) fprintf(stderr, "bench: no TSV: cannot write %s\n", path && path[0] ? path : "build/bench.tsv");
    for (int i = 0; i < 2; i++) {
        FILE *out = i ? tsv : stdout;
        if (!out) continue;
        machine_print(out, &box);
        fprintf(out, "# isa       %s, hrq %s\n# seconds   %g a number\n", hrq_isa_text(), hrq_version_text(),
                seconds);
    }
    if (tsv) fprintf(tsv, "row\tmetric\tunit\tbest\tmedian\truns\n");
    printf("\n");
    bench_bandwidth();
    bench_gemm();
    bench_formats();
    bench_solvers();
    if (tsv) fclose(tsv);
    free(memory);
    return 0;
}
