// common.h: what several tests share: seeds, effort, noise, memory that ends at the last byte, hooks that fail.
// Include it behind the implementation of hrq.h and tap.h.

#ifndef COMMON_H
#define COMMON_H

static uint64_t test_seed = 1, test_counter;

/* 0 under QUICK=1 (sanitizers in check), 1 plain, 2 under LONG=1; also takes and prints SEED. */
static inline int test_setup(void)
{
    const char *seed = getenv("SEED"), *slow = getenv("LONG"), *quick = getenv("QUICK");
    if (seed && *seed) test_seed = strtoull(seed, NULL, 0);
    printf("# seed %llu\n", (unsigned long long)test_seed);
    return quick && *quick == '1' ? 0 : slow && *slow == '1' ? 2 : 1;
}

/* This file's own generator (xorshift* on a Weyl sequence), so that the tests do not draw from what they test. */
static inline uint64_t draw(void)
{
    uint64_t z = (test_seed + 0x1234567u) * 0xd1342543de82ef95u + ++test_counter * 0x9e3779b97f4a7c15u;
    z ^= z >> 32;
    z *= 0xda942042e4dd58b5u;
    z ^= z >> 29;
    z *= 0xff51afd7ed558ccdu;
    return z ^ z >> 32;
}

static inline size_t draw_below(size_t n) { return (size_t)(draw() % n); }
static inline double draw_uniform(void) { return ((double)(draw() >> 11) + 0.5) / 9007199254740992.0; }

static inline double draw_gauss(void)
{
    return sqrt(-2.0 * log(draw_uniform())) * cos(6.283185307179586 * draw_uniform());
}

static inline void fill_gauss(float *x, size_t n, double scale)
{
    while (n-- > 0) *x++ = (float)(scale * draw_gauss());
}

/* A block whose last byte is the last of its allocation, at an odd address: sanitizers see one byte too many.
   free(base). */
typedef struct {
    unsigned char *base, *data;
    size_t bytes;
} block;

static inline block block_of(size_t bytes, size_t shift)
{
    block b;
    b.base = (unsigned char *)malloc(bytes + shift);
    if (!b.base) {
        printf("Bail out! no memory for %lu bytes\n", (unsigned long)bytes);
        exit(2);
    }
    b.data = b.base + shift;
    b.bytes = bytes;
    memset(b.base, 0xa5, bytes + shift);
    return b;
}

/* Floats of rows x cols with leading dimension ld, not one more behind the last row. */
static inline float *floats_of(size_t rows, size_t cols, size_t ld)
{
    block b = block_of(((rows ? rows - 1 : 0) * ld + cols) * sizeof(float), 0);
    return (float *)(void *)b.base;
}

/* Hooks that count, bytes too, fail from block `fail_at` on (0: never), and run backwards. */
typedef struct {
    int taken, live, fail_at, runs;
    size_t bytes, most; /* held now, at most */
} ledger;

static inline void *ledger_alloc(void *user, size_t bytes)
{
    ledger *l = (ledger *)user;
    unsigned char *p;
    l->taken++;
    if (l->fail_at && l->taken >= l->fail_at) return NULL;
    l->live++;
    l->bytes += bytes;
    if (l->bytes > l->most) l->most = l->bytes;
    p = malloc(bytes + 16); /* its size before it */
    if (p) memcpy(p, &bytes, sizeof bytes);
    return p ? p + 16 : NULL;
}

static inline void ledger_release(void *user, void *p)
{
    size_t bytes;
    memcpy(&bytes, (unsigned char *)p - 16, sizeof bytes);
    ((ledger *)user)->live--;
    ((ledger *)user)->bytes -= bytes;
    free((unsigned char *)p - 16);
}

static inline void ledger_backwards(void *user, size_t count, void (*body)(void *arg, size_t index), void *arg)
{
    ((ledger *)user)->runs++;
    while (count-- > 0) body(arg, count);
}

static inline hrq_hooks ledger_hooks(ledger *l, int fail_at)
{
    hrq_hooks h;
    memset(&h, 0, sizeof h);
    memset(l, 0, sizeof *l);
    l->fail_at = fail_at;
    h.user = l;
    h.alloc = ledger_alloc;
    h.release = ledger_release;
    h.parallel_for = ledger_backwards;
    return h;
}

static inline hrq_format format_of(const char *name)
{
    hrq_format f;
    if (hrq_format_parse(&f, name) != HRQ_OK) {
        printf("Bail out! no format %s\n", name);
        exit(2);
    }
    return f;
}

/* A matrix of this shape in a block of its own, encoded from w (or zero where w is NULL); free(b->base). */
static inline hrq_mat mat_of(block *b, const char *name, size_t rows, size_t cols, uint64_t seed, const float *w,
                             size_t ldw)
{
    hrq_format f = format_of(name);
    hrq_mat m;
    hrq_status status;
    *b = block_of(hrq_mat_bytes(&f, rows, cols), 1);
    status = hrq_mat_init(&m, &f, rows, cols, seed, b->data, b->bytes);
    if (status == HRQ_OK && w) status = hrq_mat_encode(&m, 0, rows, w, ldw, NULL);
    if (status != HRQ_OK) {
        printf("Bail out! %s %lu x %lu: %s\n", name, (unsigned long)rows, (unsigned long)cols,
               hrq_status_text(status));
        exit(2);
    }
    return m;
}

static inline int same_bits(const float *x, const float *y, size_t n) { return memcmp(x, y, n * sizeof *x) == 0; }

#endif
