/* bench.c: how fast every format is encoded and multiplied, beside what the machine can; one thread, in process.

       bench            the whole table; TSV to build/bench.tsv (or $TSV)
       bench readme     the Markdown of the README alone

   Environment: FORMAT=name   this format alone; all: the whole list of the library; sic: the matrix of a stream
                RATE=r        of that stream, in bits an entry (3)
                SIZES=RxC     the matrix (4096x4096)
                ACT=f32       activations as they are (int8)
                SECONDS=s     about so long for each number (0.1)
                ORDER=n       side of the matrices of the linear algebra (1024)
                MEMORY_MB=n   working set of "from memory" (twice the last-level cache, 256 ... 1024, and 800 at least
                              where the machine has 4 GB)
                HRQ_ISA=isa   the ISA; a machine or a build that does not run it is an error here

   From memory: copies of the matrix, or float rows, in turn, that fill the working set; median run, over the median
   read of 4 MB just before or after, the faster. From caches and batches: best run, over the best int8 peak until then.
   What a format takes too long for is measured on fewer rows or passes.
   Every result is consumed; the library is a separate object. */
#include "../hrq.h"
#include "machine.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ROWS are encoded and repeated, panel by panel. Formats that go down the columns, in bands of BAND rows of which the
   last takes the rest, are encoded whole. */
enum { ROWS = 64, BAND = 256, BATCHES = 5, PASSES = 5, PIECE = 1 << 22, PANELS = 8 };

static const size_t batches[BATCHES] = {4, 8, 16, 64, 512};

static machine box;
static double seconds = 0.1;
static double rate = 3.0;
static size_t mem_rows = 4096, mem_cols = 4096, order = 1024;
static hrq_act_kind act_kind = HRQ_ACT_INT8;
static FILE *tsv;
static unsigned char *memory; /* larger than the last-level cache */
static size_t memory_bytes;
static float *drawn;        /* [2 BAND x mem_cols] */
static double hertz, peak;  /* cycles, int8 multiply-adds a second */

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
//  Ceilings
//==================================================================================================

/* The best until now. */
static void peak_again(void)
{
    double now = int8_peak(seconds);
    if (now > peak) peak = now;
}

static void bench_ceilings(void)
{
    size_t l3 = box.level[3] / 2 < (size_t)16 << 20 ? box.level[3] / 2 : (size_t)16 << 20;
    size_t sizes[4] = {box.level[1] / 2, box.level[2] / 2, l3 < memory_bytes ? l3 : memory_bytes, memory_bytes};
    static const char *const names[4] = {"read L1", "read L2", "read L3", "read MEM"};
    double narrow;
    hertz = core_clock(4.0 * seconds);
    peak = int8_peak(8.0 * seconds);
    narrow = narrow_peak(8.0 * seconds);
    record("clock", "speed", "GHz", 1e-9 * hertz, 1e-9 * hertz, 1);
    record("int8 peak", "speed", "GMAC/s", 1e-9 * peak, 1e-9 * peak, 1);
    printf("clock      %8.3f GHz\nint8 peak  %8.1f GMAC/s (%s), %.1f a cycle\n", 1e-9 * hertz, 1e-9 * peak,
           int8_peak_text(), hertz > 0.0 ? peak / hertz : 0.0);
    if (narrow > 0.0) {
        record("narrow peak", "speed", "GMAC/s", 1e-9 * narrow, 1e-9 * narrow, 1);
        printf("of int4    %8.1f GMAC/s (vpmaddubsw vpaddw, every eighth time vpmaddwd vpaddd), %.1f a cycle\n",
               1e-9 * narrow, hertz > 0.0 ? narrow / hertz : 0.0);
    }
    for (int i = 0; i < 4; i++) {
        timing t = read_bandwidth(memory, sizes[i], 4.0 * seconds);
        printf("%-10s %8.2f GB/s, median %.2f (%zu KB)\n", names[i], 1e-9 * t.best, 1e-9 * t.median, sizes[i] >> 10);
        record(names[i], "read", "GB/s", 1e-9 * t.best, 1e-9 * t.median, t.runs);
        fflush(stdout);
    }
    if (memory_bytes <= box.level[3])
        printf("# little memory: %zu MB do not exceed the last-level cache; figures from memory are partly from it\n",
               memory_bytes >> 20);
}

//==================================================================================================
//  Formats
//==================================================================================================

/* What a table says of a format; speeds in 1e9 weights or multiply-adds a second, `..._of` what that is of the speed at
   which memory is read. */
typedef struct result {
    double bits, db, encode, encode_of, decode, one, one_of, cycles, many[BATCHES];
} result;

/* `mat` is what was encoded, `big` of mem_rows repeats its panels. */
typedef struct job {
    hrq_mat mat, big;
    float *w, *out;
    hrq_act *act;
    size_t step; /* rows of a call that encodes */
    size_t rows; /* of big, multiplied in a run */
} job;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void run_encode(void *arg)
{
    job *j = (job *)arg;
    check(hrq_mat_encode(&j->mat, 0, 16, j->w, mem_cols, NULL), "hrq_mat_encode");
}

static void run_decode(void *arg)
{
    job *j = (job *)arg;
    check(hrq_mat_decode(&j->mat, 0, smaller(ROWS, j->mat.rows), j->out, mem_cols), "hrq_mat_decode");
    consume((double)j->out[mem_cols - 1]);
}

static void run_mul(void *arg)
{
    job *j = (job *)arg;
    check(hrq_mul(&j->big, j->act, j->out, mem_rows, 0, j->rows, NULL), "hrq_mul");
    consume((double)j->out[j->rows - 1]);
}

/* The buffer is the caller's to free. */
static void *prepare(job *j, size_t n)
{
    size_t bytes = hrq_act_bytes(&j->big, n, act_kind);
    float *x = gauss(n * mem_cols);
    void *buffer = new_block(bytes);
    check(hrq_act_prepare(&j->act, buffer, bytes, &j->big, act_kind, x, n, mem_cols), "hrq_act_prepare");
    free(x);
    return buffer;
}

/* Runs over `count` places in turn, each timed alone: PASSES passes, more until `seconds` are over, fewer where they
   would take two seconds and more. */
static timing time_in_turn(void (*run)(job *j, size_t i), job *j, size_t count)
{
    enum { MOST = 1 << 16 };
    static double times[MOST];
    double begin = clock_now(), last = begin, now = begin;
    timing t = {0.0, 0.0, 0};
    run(j, 0);
    while (t.runs < MOST && (t.runs < 3 || now - begin < seconds ||
                             (t.runs < PASSES * count && now - begin < 2.0 + 10.0 * seconds))) {
        last = clock_now();
        run(j, (t.runs + 1) % count);
        now = clock_now();
        times[t.runs++] = now - last;
    }
    sort_times(times, &t);
    return t;
}

/* Rows of a timed run. */
static size_t run_rows(const job *j) { return (16 * PANELS + j->step - 1) / j->step * j->step; }

static void encode_at(job *j, size_t i)
{
    size_t places = mem_rows < 2 * j->step ? 1 : mem_rows / j->step - 1; /* the last band may have more rows */
    for (size_t r = i * run_rows(j); r < (i + 1) * run_rows(j); r += j->step)
        check(hrq_mat_encode(&j->big, r % (places * j->step), j->step,
                             (const float *)(const void *)memory + r * mem_cols, mem_cols, NULL),
              "hrq_mat_encode");
}

static void multiply_at(job *j, size_t i)
{
    j->big.data = memory + i * ((j->big.bytes + 63) / 64 * 64);
    run_mul(j);
}

static void read_at(job *j, size_t i)
{
    (void)j;
    read_once(memory + i * PIECE, PIECE);
}

/* Median bytes a second, in pieces as long as products are. */
static double read_speed(void) { return (double)PIECE / time_in_turn(read_at, NULL, memory_bytes / PIECE).median; }

/* Speed of runs through memory, each reading `bytes`, and over the read bandwidth around them. */
static double from_memory(const char *name, const char *metric, void (*run)(job *j, size_t i), job *j, size_t bytes,
                          size_t count, size_t weights, double *of)
{
    double before = read_speed();
    timing t = time_in_turn(run, j, count);
    double after = read_speed();
    *of = (double)bytes / t.median / (before > after ? before : after);
    record(name, metric, "of read bandwidth", *of, *of, 1);
    return rate_of(name, metric, "Gw/s", 1e-9 * (double)weights, t).median;
}

/* Float rows over the whole working set, encoded into one matrix. */
static void bench_encode(const char *name, job *j, result *r)
{
    size_t row = mem_cols * sizeof(float), count = memory_bytes / (row * run_rows(j));
    if (count == 0) die("SIZES", "larger than the memory of this bench");
    j->big.data = new_block(j->big.bytes);
    memset(j->big.data, 1, j->big.bytes);
    for (size_t i = 0; i < count * run_rows(j); i++) memcpy(memory + i * row, (char *)j->w + i % ROWS * row, row);
    r->encode = from_memory(name, "encode", encode_at, j, row * run_rows(j), count, run_rows(j) * mem_cols,
                            &r->encode_of);
    free(j->big.data);
    j->big.data = memory;
}

/* Copies of the matrix, on lines of 64 bytes, as many as memory holds; big is the first. */
static size_t fill_memory(job *j)
{
    size_t pitch = (j->big.bytes + 63) / 64 * 64, count = memory_bytes / pitch;
    if (count == 0) die("SIZES", "larger than the memory of this bench");
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < j->big.bytes; at += j->mat.bytes)
            memcpy(memory + i * pitch + at, j->mat.data,
                   smaller(j->big.bytes - at, j->mat.bytes));
    j->big.data = memory;
    return count;
}

static void bench_one(const char *name, job *j, result *r)
{
    size_t count = fill_memory(j);
    void *buffer = prepare(j, 1);
    j->rows = mem_rows;
    r->one = from_memory(name, "1 vector, MEM", multiply_at, j, j->big.bytes, count, mem_rows * mem_cols, &r->one_of);
    j->big.data = memory;
    for (j->rows = 16; 2 * j->rows <= mem_rows && (double)j->big.bytes / mem_rows * 2 * j->rows <= box.level[2] / 3;)
        j->rows *= 2;
    double time = time_of(run_mul, j, seconds).best;
    r->cycles = time * hertz / (double)(j->rows * mem_cols);
    record(name, "1 vector, L2", "cycles a weight", r->cycles, r->cycles, 1);
    free(buffer);
}

/* Rows of 64 that take a third of a second at most, all where they do. */
static void bench_batches(const char *name, job *j, result *r)
{
    peak_again();
    for (int i = 0; i < BATCHES; i++) {
        char metric[32];
        void *buffer = prepare(j, batches[i]);
        double begin, once, fit;
        j->rows = mem_rows < 64 ? mem_rows : 64;
        begin = clock_now();
        run_mul(j);
        once = clock_now() - begin;
        fit = once > 0.0 ? floor(0.3 / once) : 1e9;
        if (64.0 * fit >= (double)mem_rows) j->rows = mem_rows;
        else if (fit > 1.0) j->rows = 64 * (size_t)fit;
        sprintf(metric, "%zu vectors", batches[i]);
        r->many[i] = rate_of(name, metric, "GMAC/s", 1e-9 * (double)(j->rows * mem_cols * batches[i]),
                             time_of(run_mul, j, 2.0 * seconds))
                         .best;
        record(name, metric, "of int8 peak", 1e9 * r->many[i] / peak, 1e9 * r->many[i] / peak, 1);
        free(buffer);
    }
}

static void error_of(const char *name, const job *j, result *r)
{
    double error = 0.0, energy = 0.0;
    for (size_t i = 0; i < smaller(ROWS, j->mat.rows) * mem_cols; i++) {
        double e = (double)j->w[i] - (double)j->out[i];
        error += e * e;
        energy += (double)j->w[i] * (double)j->w[i];
    }
    r->bits = 8.0 * (double)j->big.bytes / (double)(mem_rows * mem_cols);
    r->db = error > 0.0 ? 10.0 * log10(energy / error) : INFINITY;
    record(name, "size", "bit", r->bits, r->bits, 1);
    record(name, "error", "dB", r->db, r->db, 1);
}

/* The matrix of a stream for white inputs: it has no encoder of its own. */
static hrq_mat mat_of_stream(void)
{
    hrq_watersic_options options = {0};
    size_t room = hrq_watersic_bytes(mem_rows, mem_cols, rate), bytes;
    float *w = gauss(mem_rows * mem_cols);
    void *stream = new_block(room);
    hrq_mat mat;
    memcpy(w, drawn, smaller(ROWS, mem_rows) * mem_cols * sizeof(float)); /* whose error is measured */
    options.rate = rate;
    check(hrq_watersic(stream, room, &bytes, w, mem_rows, mem_cols, mem_cols, NULL, 0, &options, NULL, NULL), "RATE");
    room = hrq_mat_from_stream_bytes(stream, bytes);
    check(hrq_mat_from_stream(&mat, new_block(room), room, stream, bytes, NULL), "hrq_mat_from_stream");
    free(stream);
    free(w);
    return mat;
}

/* What is encoded, and its repeats. */
static job job_of(const char *name)
{
    hrq_format format;
    job j;
    memset(&j, 0, sizeof j);
    check(hrq_format_parse(&format, name), name);
    size_t bytes = hrq_mat_bytes(&format, ROWS, mem_cols), all = hrq_mat_bytes(&format, mem_rows, mem_cols);
    int whole = strstr(name, ":col") != NULL;
    size_t rows = whole ? mem_rows : ROWS, n;
    if (all && !whole && bytes / (ROWS / 16) * ((mem_rows + 15) / 16) != all) die(name, "is not made of panels");
    j.w = drawn;
    if (all) {
        j.step = !whole ? 16 : mem_rows < 2 * BAND ? mem_rows : BAND;
        bytes = hrq_mat_bytes(&format, rows, mem_cols);
        check(hrq_mat_init(&j.mat, &format, rows, mem_cols, 1, new_block(bytes), bytes), "hrq_mat_init");
        check(hrq_mat_wrap(&j.big, &format, mem_rows, mem_cols, 1, memory, all), "hrq_mat_wrap");
        for (size_t r = 0; r < rows; r += n) {
            n = rows - r < 2 * BAND ? rows - r : BAND;
            check(hrq_mat_encode(&j.mat, r, n, j.w, mem_cols, NULL), "hrq_mat_encode");
        }
    } else {
        j.big = j.mat = mat_of_stream();
    }
    return j;
}

static result bench_format(const char *name)
{
    result r;
    job j = job_of(name);
    size_t most = mem_rows > ROWS * mem_cols / batches[BATCHES - 1] ? mem_rows : ROWS * mem_cols / batches[BATCHES - 1];
    memset(&r, 0, sizeof r);
    r.encode = r.encode_of = NAN;
    j.out = (float *)new_block((most + 1) * batches[BATCHES - 1] * sizeof(float));
    r.decode = rate_of(name, "decode", "Gw/s", 1e-9 * (double)(smaller(ROWS, j.mat.rows) * mem_cols),
                       time_of(run_decode, &j, seconds))
                   .best;
    error_of(name, &j, &r);
    if (j.step) bench_encode(name, &j, &r);
    bench_one(name, &j, &r);
    bench_batches(name, &j, &r);
    free(j.mat.data);
    free(j.out);
    return r;
}

static void print_row(const char *name, const result *r)
{
    printf("%-16s %6.3f", name, r->bits);
    cell(5, 2, r->db);
    printf(" |");
    cell(8, 4, r->encode);
    cell(4, 2, r->encode_of);
    cell(6, 2, r->decode);
    printf(" |");
    cell(7, 3, r->one);
    cell(4, 2, r->one_of);
    cell(6, 4, r->cycles);
    for (int i = 0; i < BATCHES; i++) {
        printf(" |");
        cell(6, 1, r->many[i]);
        cell(4, 2, 1e9 * r->many[i] / peak);
    }
    printf("\n");
    fflush(stdout);
}

static void print_head(void)
{
    printf("\nFormats, %zu x %zu, %s activations. Error on iid Gaussian rows. Encode: float rows from memory, 16 a call (256 "
           "of :col),\nmedian, and of the read bandwidth; decode: from cache, best. One vector: the matrix from memory, median, "
           "and of the read\nbandwidth; cycles a weight from L2, best. Then GMAC/s with so many vectors, best, "
           "and of the int8 peak.\n\n",
           mem_rows, mem_cols, act_kind == HRQ_ACT_F32 ? "f32" : "int8");
    printf("%-16s %6s %5s | %8s %4s %6s | %7s %4s %6s", "", "true", "error", "encode", "of", "decode", "1 vec", "of",
           "L2");
    for (int i = 0; i < BATCHES; i++) printf(" | %6zu %4s", batches[i], "of");
    printf("\n%-16s %6s %5s | %8s %4s %6s | %7s %4s %6s", "format", "bits", "dB", "Gw/s", "read", "Gw/s", "Gw/s", "read",
           "c/w");
    for (int i = 0; i < BATCHES; i++) printf(" | %6s %4s", "GMAC/s", "peak");
    printf("\n");
}

/* The i-th format of FORMAT, which may be "all"; else of these. NULL past the last. */
static const char *format_at(size_t i)
{
    static const char *const names[] = {"int8",    "int4",    "int4:g32", "int4:g64",  "int2",      "int3",
                                        "e8b2:k1", "e8b3:k1", "e8b4:k1",  "e8b4:k4",   "mxfp4",     "nvfp4",
                                        "tcq2",    "tcq3",    "tcq4",     "tcq2:col",  "tcq3:col",  "tcq4:col",
                                        "e8:q16:k1", "e8:q16:k4", "e8:q16:k4:first", "e4m3", "sic"};
    const char *only = getenv("FORMAT");
    if (only && strcmp(only, "all") == 0) return hrq_format_list(i);
    if (only && only[0]) return i == 0 ? only : NULL;
    return i < sizeof names / sizeof names[0] ? names[i] : NULL;
}

static void bench_formats(void)
{
    const char *name;
    print_head();
    for (size_t i = 0; (name = format_at(i)) != NULL; i++) {
        result r = bench_format(name);
        print_row(name, &r);
    }
}

//==================================================================================================
//  Transforms, linear algebra, weight-only
//==================================================================================================

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
        printf("%-34s %12.4f %12.4f  %10.3f cycles an element\n", row, 1e3 * t.best, 1e3 * t.median,
               hertz * t.best / (double)sizes[i]);
        s->c = c;
        free(x);
    }
    s->n = n;
}

/* A panel of 16 rows, times the panels of 4096 x 4096. */
static void bench_trellis(void)
{
    static const char *const names[] = {"tcq2", "tcq3", "tcq4", "tcq4:s14"};
    float *w = gauss(16 * mem_cols);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        job j;
        hrq_format format;
        char row[64];
        check(hrq_format_parse(&format, names[i]), names[i]);
        size_t bytes = hrq_mat_bytes(&format, 16, mem_cols);
        check(hrq_mat_init(&j.mat, &format, 16, mem_cols, 1, new_block(bytes), bytes), "hrq_mat_init");
        j.w = w;
        timing t = time_of(run_encode, &j, 2.0 * seconds);
        sprintf(row, "%s encode, 16 rows of %zu", names[i], mem_cols);
        record(row, "time", "s", t.best, t.median, t.runs);
        printf("%-34s %12.3f %12.3f  %10.3f s for 4096 x 4096, scaled\n", row, 1e3 * t.best, 1e3 * t.median,
               t.best * 1048576.0 / (double)mem_cols);
        fflush(stdout);
        free(j.mat.data);
    }
    free(w);
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
    bench_trellis();
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

/* The README's table, then machine and ceilings. */
static void readme(void)
{
    const char *name;
    double read;
    hertz = core_clock(4.0 * seconds);
    peak = int8_peak(8.0 * seconds);
    read = read_bandwidth(memory, memory_bytes, 4.0 * seconds).best;
    printf("| format | true bits | error, dB | encode, Gw/s | one vector, Gw/s | of read bandwidth "
           "| 512 vectors, GMAC/s | of int8 peak |\n|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; (name = format_at(i)) != NULL; i++) {
        result r = bench_format(name);
        printf("| `%s` | %.3f |", name, r.bits);
        if (r.db < 1e300) printf(" %.2f |", r.db);
        else printf(" exact |");
        if (r.encode > 0.0) printf(" %.3g |", r.encode);
        else printf(" - |");
        printf(" %.3g | %.2f | %.3g | %.2f |\n", r.one, r.one_of, r.many[BATCHES - 1],
               1e9 * r.many[BATCHES - 1] / peak);
        fflush(stdout);
    }
    printf("\nOne thread, matrices of %zu x %zu, iid Gaussian, %s activations. Encoding reads float rows from memory, 16 a "
           "call. One\nvector: the matrix comes from memory, median of a working set of %zu MB; stored bytes over the "
           "speed of a plain read.\n512 vectors: best. `make -C bench readme` printed this on:\n\n",
           mem_rows, mem_cols, act_kind == HRQ_ACT_F32 ? "f32" : "int8", memory_bytes >> 20);
    printf("```\n");
    machine_print(stdout, &box);
    printf("# isa       %s, hrq %s\n# ceilings  %.3f GHz, reads %.1f GB/s, %.0f GMAC/s int8 (%s)\n```\n",
           hrq_isa_text(), hrq_version_text(), 1e-9 * hertz, 1e-9 * read, 1e-9 * peak, int8_peak_text());
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
        exit(1);
    }
    if ((text = getenv("SECONDS")) != NULL && text[0]) seconds = strtod(text, NULL);
    if ((text = getenv("SIZES")) != NULL && text[0]) {
        char *x;
        mem_rows = (size_t)strtoul(text, &x, 10);
        mem_cols = *x == 'x' ? (size_t)strtoul(x + 1, NULL, 10) : 0;
    }
    order = number("ORDER", order);
    if ((text = getenv("RATE")) != NULL && text[0]) rate = strtod(text, NULL);
    if (!(rate > 0.0 && rate <= 16.0)) die("RATE", "bits an entry, up to 16");
    if ((text = getenv("ACT")) != NULL && text[0]) {
        if (strcmp(text, "f32") != 0 && strcmp(text, "int8") != 0) die("ACT", "int8 or f32");
        if (text[0] == 'f') act_kind = HRQ_ACT_F32;
    }
    if (!(seconds > 0.0 && seconds < 1e3)) die("SECONDS", "a number up to 1000");
    if (mem_rows < 16 || !mem_cols || mem_rows > 65536 || mem_cols > 65536)
        die("SIZES", "ROWSxCOLS, 16x1 to 65536x65536");
    if (order < 16 || order > 16384) die("ORDER", "16 to 16384");
    box = machine_of();
    want = 2 * box.level[3];
    if (want < (size_t)256 << 20) want = (size_t)256 << 20;
    if (want < (size_t)800 << 20 && box.memory >> 32) want = (size_t)800 << 20;
    if (want > (size_t)1 << 30) want = (size_t)1 << 30;
    while (box.memory && want > box.memory / 4) want /= 2;
    want = number("MEMORY_MB", want >> 20) << 20;
    while (want > (size_t)1 << 22 && (memory = (unsigned char *)large_block(want)) == NULL) want /= 2;
    if (!memory || want < PIECE) die("MEMORY_MB", "no memory");
    memory_bytes = want;
    memset(memory, 1, memory_bytes);
    drawn = gauss(2 * BAND * mem_cols);
}

int main(int argc, char **argv)
{
    const char *path = getenv("TSV");
    configure();
    if (argc > 1 && strcmp(argv[1], "readme") == 0) {
        readme();
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
    bench_ceilings();
    bench_gemm();
    bench_formats();
    printf("\nint8 peak, best of all runs: %.1f GMAC/s\n", 1e-9 * peak);
    bench_solvers();
    if (tsv) fclose(tsv);
    return 0;
}
