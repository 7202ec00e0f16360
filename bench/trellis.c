/* trellis.c: search the trellis codes tcq<b>:s<S>, b = 2, 3, 4 bits, 2^S states: their parity rows, levels and units.

       make -C bench trellis             all 15 codes, then the C tables of hrq.h [9i]
       build/trellis make [b S [seed]]   the code tcq<b>:s<S> alone (0 0: all), from another seed than 1
       build/trellis check FILE          dB on fresh samples, and bits above the rate-distortion bound, of the codes
                                         in FILE: lines of the output of "make", of which those that begin with
                                         "code" hold a code

   A step of a sequence writes one coded bit and b - 1 raw bits r. The window w is the newest S + 1 coded bits, newest
   in bit 0; bit i of p is the parity of w & row i, i < P; the level is table[r << P | p], in int8, times a step in
   units of the row's root mean square. table[N - 1 - n] = -table[n]. The topmost parity holds the newest and the
   oldest bit, which no other parity holds: the two ways into a state, and the two out of it, lie half an alphabet of
   cosets apart, as in trellis-coded modulation; the other parities are what is searched.

   1  draw: random rows. A few passes of Lloyd on a short sample each; the best are kept and trained longer.
   2  climb: one or two bits of the rows flip, or one row is added to or exchanged with another; the new rows start
      from the old levels, are trained by a few passes on all search samples, and stay if the error fell.
      Where the climb stalls it goes on from the next best draw, and the best summit counts.
   3  finish: on more samples, levels in int8: the step and the metric's unit by trying, levels by Lloyd.
   All passes of Lloyd take the paths of the encoder that hrq.h specifies: 8-bit path metrics, unit 2^15 (step/m)^2.
   Sequences start and end in any state and their ends are left out of every mean, so figures are of the steady state.

   Training samples are stratified (one from each of n equally likely cells, shuffled): the tail, which decides at
   4 bits, is then as heavy as it should be. Test samples are independent. All are of unit mean square. Random numbers
   are hashed counters: the same codes come out of every run. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PMAX = 6,      /* parities                                                  */
    NMAX = 256,    /* levels                                                    */
    LANES = 32,    /* states a block of the inner loop                          */
    EDGE = 128,    /* steps at either end of a sequence that no mean counts     */
    LENGTH = 2048, /* of a sequence                                             */
    REACH = 16383, /* of samples and levels in the encoder's units              */
    KEEP = 32,     /* draws trained on                                          */
    SEARCH = 1 << 18,
    FINISH = 1 << 18,
    TEST = 1 << 19
};
#define UNIT 0.35 /* of the metric in the search, in mean square errors: 0.25 ... 0.4 lose least */

typedef struct code {
    int b, s, parities, m;
    uint32_t row[PMAX];
    double step, error; /* of the last pass over training samples */
    double level[NMAX]; /* antisymmetric, real                    */
    int8_t table[NMAX];
    int16_t scaled[NMAX]; /* in the encoder's units: m table[n], or the nearest to level[n] */
    double unit;          /* step / m                                                       */
} code;

/* What the encoder needs and the rows decide. */
typedef struct trellis {
    int s, parities;
    uint8_t *hash;      /* [2^S] parities of a window whose oldest bit is 0 */
    uint8_t low[LANES]; /* hash[2 i]                                        */
    uint8_t *base;      /* hash[2 LANES k]                                  */
} trellis;

/* Sums over the steps of a pass, by level. */
typedef struct tally {
    double count[NMAX], sum[NMAX], square, steps;
} tally;

typedef struct samples {
    size_t n, length; /* of all, of a sequence */
    float *x;
} samples;

typedef struct effort {
    uint64_t seed;
    int draws, starts, moves;
} effort;

static uint8_t *metric_rows; /* [length + 1][2^S]: 255 - path metric, before the largest of a row becomes 255 */
static uint8_t *branch;      /* [length][64]                                                                 */
static uint8_t *lift;        /* [length + 1]: 255 - the largest of a row                                     */
static int16_t *fixed;       /* [length] samples in the encoder's units                                      */

static void die(const char *what)
{
    fprintf(stderr, "trellis: %s\n", what);
    exit(1);
}

static void *memory(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes + 64)) die("out of memory");
    memset(p, 0, bytes + 64);
    return p;
}

static uint64_t random_at(uint64_t seed, uint64_t counter)
{
    uint64_t z = (seed << 40) + (counter + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static double uniform_at(uint64_t seed, uint64_t counter)
{
    return ((double)(random_at(seed, counter) >> 11) + 0.5) / 9007199254740992.0;
}

/* Quantile of the Gaussian by bisection. */
static double quantile(double p)
{
    double low = -9.0, high = 9.0;
    for (int i = 0; i < 36; i++) {
        double mid = 0.5 * (low + high);
        if (0.5 * erfc(-mid * 0.7071067811865476) < p) low = mid;
        else high = mid;
    }
    return 0.5 * (low + high);
}

static samples draw_samples(size_t n, size_t length, uint64_t seed, int stratified)
{
    samples d = {n, length, memory(n * sizeof(float))};
    double square = 0.0;
    for (size_t i = 0; i < n; i++) {
        double u = uniform_at(seed, 2 * i), v = uniform_at(seed, 2 * i + 1);
        d.x[i] = (float)(stratified ? quantile(((double)i + u) / (double)n)
                                    : sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
        square += (double)d.x[i] * (double)d.x[i];
    }
    for (size_t i = n - 1; stratified && i > 0; i--) {
        size_t j = (size_t)(random_at(seed + 1000, i) % (i + 1));
        float t = d.x[i];
        d.x[i] = d.x[j];
        d.x[j] = t;
    }
    for (size_t i = 0; i < n; i++) d.x[i] = (float)((double)d.x[i] / sqrt(square / (double)n));
    return d;
}

static int parity(uint32_t v)
{
    v ^= v >> 16;
    v ^= v >> 8;
    return 0x6996 >> ((v ^ v >> 4) & 15) & 1;
}

static void trellis_of(trellis *t, const code *c)
{
    uint32_t states = 1u << c->s;
    t->s = c->s;
    t->parities = c->parities;
    for (uint32_t w = 0; w < states; w++) {
        int h = 0;
        for (int i = 0; i < c->parities; i++) h |= parity(c->row[i] & w) << i;
        t->hash[w] = (uint8_t)h;
    }
    for (uint32_t i = 0; i < LANES; i++) t->low[i] = t->hash[2 * i];
    for (uint32_t k = 0; k < states / (2 * LANES); k++) t->base[k] = t->hash[2 * LANES * k];
}

/* Metric of each coset: least (x - level)^2, in units of 2^15, above the least of all. */
static void coset_metrics(uint8_t out[64], const int16_t *scaled, int cosets, int raws, int16_t x)
{
    int16_t best[64], least = 32767;
    for (int p = 0; p < 64; p++) best[p] = 32767;
    for (int r = 0; r < raws; r++)
        for (int p = 0; p < cosets; p++) {
            int16_t d = (int16_t)(x - scaled[r * cosets + p]);
            int16_t e = (int16_t)((((d * d) >> 14) + 1) >> 1);
            best[p] = e < best[p] ? e : best[p];
        }
    for (int p = 0; p < 64; p++) least = best[p] < least ? best[p] : least;
    for (int p = 0; p < 64; p++) {
        int16_t e = (int16_t)(best[p] - least);
        out[p] = (uint8_t)(e < 255 ? e : 255);
    }
}

/* out[c][i] = metric[c ^ low[i]]: by doubling, since the parities are linear in i. */
static void spread(uint8_t out[64][LANES], const uint8_t *metric, const uint8_t *low, int cosets)
{
    static uint16_t two[64];
    static uint32_t four[64];
    static uint64_t eight[64];
    static uint64_t half[64][2];
    for (int c = 0; c < cosets; c++) two[c] = (uint16_t)(metric[c] | metric[c ^ low[1]] << 8);
    for (int c = 0; c < cosets; c++) four[c] = two[c] | (uint32_t)two[c ^ low[2]] << 16;
    for (int c = 0; c < cosets; c++) eight[c] = four[c] | (uint64_t)four[c ^ low[4]] << 32;
    for (int c = 0; c < cosets; c++) {
        half[c][0] = eight[c];
        half[c][1] = eight[c ^ low[8]];
    }
    for (int c = 0; c < cosets; c++) {
        memcpy(out[c], half[c], 16);
        memcpy(out[c] + 16, half[c ^ low[16]], 16);
    }
}

/* One step: states 2p and 2p + 1 come from p and from p + 2^(S-1), whose topmost parities differ. 255 - metric is
   kept, so that a saturated sum is max(a, m) - m. Returns what lifts the largest to 255. */
static uint8_t advance(uint8_t *restrict to, const uint8_t *restrict from, uint8_t up, const trellis *t,
                       const uint8_t spread_metric[64][LANES])
{
    size_t blocks = (size_t)1 << (t->s - 6), half = (size_t)1 << (t->s - 1), states = 2 * half;
    uint8_t top = (uint8_t)(1 << (t->parities - 1)), largest = 0;
    for (size_t k = 0; k < blocks; k++) {
        const uint8_t *a = from + LANES * k, *b = a + half;
        const uint8_t *near = spread_metric[t->base[k]], *far = spread_metric[t->base[k] ^ top];
        uint8_t *o = to + 2 * LANES * k;
        for (int i = 0; i < LANES; i++) {
            uint8_t ai = (uint8_t)(a[i] + up), bi = (uint8_t)(b[i] + up), n = near[i], f = far[i];
            uint8_t an = (uint8_t)((ai > n ? ai : n) - n), bf = (uint8_t)((bi > f ? bi : f) - f);
            uint8_t af = (uint8_t)((ai > f ? ai : f) - f), bn = (uint8_t)((bi > n ? bi : n) - n);
            o[2 * i] = an > bf ? an : bf;
            o[2 * i + 1] = af > bn ? af : bn;
        }
    }
    for (size_t i = 0; i < states; i++) largest = to[i] > largest ? to[i] : largest;
    return (uint8_t)(255 - largest);
}

static uint8_t minus(uint8_t a, uint8_t m) { return (uint8_t)(a > m ? a - m : 0); }

static int nearest_raw(const int16_t *scaled, int p, int cosets, int raws, int16_t x)
{
    int best = 0, least = 65536;
    for (int r = 0; r < raws; r++) {
        int d = x - scaled[r * cosets + p], e = (d * d + 16384) >> 15;
        if (e < least) {
            least = e;
            best = r;
        }
    }
    return best * cosets + p;
}

/* Codes one sequence from any state to any state and adds it to the tally. */
static void run_sequence(const code *c, const trellis *t, const float *x, size_t length, tally *sums)
{
    static uint8_t wide[64][LANES];
    size_t states = (size_t)1 << c->s, state = 0;
    int cosets = 1 << c->parities, raws = 1 << (c->b - 1), top = cosets / 2;
    memset(metric_rows, 255, states);
    lift[0] = 0;
    for (size_t i = 0; i < length; i++) {
        double v = floor((double)x[i] / c->unit + 0.5);
        fixed[i] = (int16_t)(v > REACH ? REACH : v < -REACH ? -REACH : v);
        coset_metrics(branch + 64 * i, c->scaled, cosets, raws, fixed[i]);
        spread(wide, branch + 64 * i, t->low, cosets);
        lift[i + 1] = advance(metric_rows + states * (i + 1), metric_rows + states * i, lift[i], t,
                              (const uint8_t(*)[LANES])wide);
    }
    for (size_t s = 1; s < states; s++)
        if (metric_rows[states * length + s] > metric_rows[states * length + state]) state = s;
    for (size_t i = length; i-- > 0;) {
        const uint8_t *from = metric_rows + states * i, *m = branch + 64 * i;
        int h = t->hash[state];
        size_t a = state / 2, b = a + states / 2;
        int old = minus((uint8_t)(from[b] + lift[i]), m[h ^ top]) > minus((uint8_t)(from[a] + lift[i]), m[h]);
        int n = nearest_raw(c->scaled, old ? h ^ top : h, cosets, raws, fixed[i]);
        state = old ? b : a;
        if (i < EDGE || i >= length - EDGE) continue;
        sums->count[n] += 1.0;
        sums->sum[n] += (double)x[i];
        sums->square += (double)x[i] * (double)x[i];
        sums->steps += 1.0;
    }
}

static void run_samples(const code *c, const samples *d, size_t n, tally *sums)
{
    static uint8_t hash[1 << 14], base[1 << 8];
    trellis t = {0, 0, hash, {0}, base};
    trellis_of(&t, c);
    memset(sums, 0, sizeof *sums);
    for (size_t at = 0; at + d->length <= n; at += d->length) run_sequence(c, &t, d->x + at, d->length, sums);
}

static double error_of(const tally *sums, const double *level, int levels)
{
    double e = sums->square;
    for (int n = 0; n < levels; n++) e += level[n] * (level[n] * sums->count[n] - 2.0 * sums->sum[n]);
    return e / sums->steps;
}

static int levels_of(const code *c) { return 1 << (c->b - 1 + c->parities); }

/* Levels in the encoder's units, for a metric unit of `unit` times the error of the last pass. */
static void scale_levels(code *c, double unit)
{
    c->unit = sqrt(unit * c->error / 32768.0);
    for (int n = 0; n < levels_of(c); n++) {
        double v = floor(fabs(c->level[n]) / c->unit + 0.5);
        c->scaled[n] = (int16_t)(v > REACH ? REACH : v);
        if (c->level[n] < 0.0) c->scaled[n] = (int16_t)-c->scaled[n];
    }
}

/* Levels become the means of what was coded to them or, negated, to their mirror images. */
static void centre_levels(code *c, const tally *sums)
{
    int levels = levels_of(c);
    for (int n = levels / 2; n < levels; n++) {
        double count = sums->count[n] + sums->count[levels - 1 - n];
        if (count > 0.0) c->level[n] = (sums->sum[n] - sums->sum[levels - 1 - n]) / count;
        c->level[levels - 1 - n] = -c->level[n];
    }
    c->error = error_of(sums, c->level, levels);
}

static void train(code *c, const samples *d, size_t n, int passes)
{
    tally sums;
    for (int i = 0; i < passes; i++) {
        scale_levels(c, UNIT);
        run_samples(c, d, n, &sums);
        centre_levels(c, &sums);
    }
}

/* The error that passes over the first n samples would leave. */
static double glance(const code *from, const samples *d, size_t n, int passes)
{
    code c = *from;
    train(&c, d, n, passes);
    return c.error;
}

/* Errors of a code on 1/16 and 1/4 of the samples, and on all. */
typedef struct marks {
    double few, some, all;
} marks;

static marks marks_of(const code *c, const samples *d)
{
    marks m = {glance(c, d, d->n / 16, 1), glance(c, d, d->n / 4, 2), c->error};
    return m;
}

/* Trains c, neighbour of a code with these marks, as long as there is hope: a few samples throw out most neighbours,
   but the noise of few is as large as the gains sought, so only all samples let one in. */
static int improves(code *c, const samples *d, const marks *m)
{
    if (glance(c, d, d->n / 16, 1) > 1.010 * m->few) return 0;
    train(c, d, d->n / 4, 2);
    if (c->error > 1.003 * m->some) return 0;
    train(c, d, d->n, 1);
    if (c->error > 1.0015 * m->all) return 0;
    train(c, d, d->n, 1);
    return c->error < m->all;
}

static double gap_of(const code *c, double error) { return c->b + 0.5 * log2(error); }

/* Quantiles, shrunk to the variance that a code at the rate-distortion bound would have. */
static void first_levels(code *c)
{
    int levels = levels_of(c);
    double shrink = sqrt(1.0 - pow(4.0, -c->b));
    for (int n = levels / 2; n < levels; n++) {
        c->level[n] = shrink * quantile((n + 0.5) / levels);
        c->level[levels - 1 - n] = -c->level[n];
    }
    c->error = 1.15 * pow(4.0, -c->b);
}

static void draw_rows(code *c, uint64_t seed, uint64_t at)
{
    uint32_t middle = (1u << c->s) - 2;
    for (int i = 0; i < c->parities; i++) {
        uint64_t try = 0;
        do c->row[i] = (uint32_t)random_at(seed, (at * PMAX + (uint64_t)i) * 64 + try++) & middle;
        while (!c->row[i]);
    }
    c->row[c->parities - 1] |= 1u | 1u << c->s;
}

/* A neighbour of the rows of c. */
static void move_rows(code *c, uint64_t seed, uint64_t at)
{
    uint64_t v = random_at(seed, at);
    int kind = (int)(v & 15), i = (int)((v >> 8 & 0xFFFF) % (unsigned)c->parities);
    int j = (int)((v >> 24 & 0xFFFF) % (unsigned)(c->parities - 1)), flips = kind < 9 ? 1 : kind < 12 ? 2 : 3;
    uint32_t ends = 1u | 1u << c->s;
    j += j >= i;
    if (kind >= 14) { /* exchange, the ends stay with the last row */
        uint32_t t = (c->row[i] ^ c->row[j]) & ~ends;
        c->row[i] ^= t;
        c->row[j] ^= t;
        return;
    }
    if (kind >= 12) {
        c->row[i] ^= c->row[j] & ~ends;
        return;
    }
    for (int f = 0; f < flips; f++) {
        uint64_t u = random_at(seed + 2000, at * 4 + (uint64_t)f);
        if (f) i = (int)((u >> 32) % (unsigned)c->parities);
        c->row[i] ^= 2u << (u & 0xFFFF) % (unsigned)(c->s - 1);
    }
}

static void sort_codes(code *list, int count)
{
    for (int k = 1; k < count; k++)
        for (int i = k; i > 0 && list[i].error < list[i - 1].error; i--) {
            code c = list[i];
            list[i] = list[i - 1];
            list[i - 1] = c;
        }
}

/* Step 1: each rung has four times the samples and an eighth of the draws. */
static int draw(code *kept, int b, int s, uint64_t seed, int draws, const samples *d)
{
    code c;
    int held = 0;
    memset(&c, 0, sizeof c);
    c.b = b;
    c.s = s;
    c.parities = b == 3 ? 6 : 5;
    for (int k = 0; k < draws; k++) {
        draw_rows(&c, seed, (uint64_t)k);
        first_levels(&c);
        train(&c, d, d->n / 16, 4);
        if (held == KEEP && c.error >= kept[KEEP - 1].error) continue;
        held += held < KEEP;
        kept[held - 1] = c;
        sort_codes(kept, held);
    }
    for (int k = 0; k < held; k++) train(&kept[k], d, d->n / 4, 3);
    sort_codes(kept, held);
    held = held < KEEP / 4 ? held : KEEP / 4;
    for (int k = 0; k < held; k++) train(&kept[k], d, d->n, 3);
    sort_codes(kept, held);
    return held;
}

/* Steps 1 and 2. */
static code search(int b, int s, const effort *e, const samples *d)
{
    static code kept[KEEP];
    int held = draw(kept, b, s, e->seed, e->draws, d);
    code best = kept[0];
    fprintf(stderr, "tcq%d:s%d seed %d: best draw %.4f", b, s, (int)e->seed, gap_of(&best, best.error));
    for (int k = 0; k < e->starts && k < held; k++) {
        code here = kept[k], c;
        marks m = marks_of(&here, d);
        for (int i = 0; i < e->moves; i++) {
            c = here;
            move_rows(&c, e->seed + 100 * (uint64_t)(k + 1), (uint64_t)i);
            if (!improves(&c, d, &m)) continue;
            here = c;
            m = marks_of(&here, d);
        }
        train(&here, d, d->n, 4);
        fprintf(stderr, "  %.4f", gap_of(&here, here.error));
        if (here.error < best.error) best = here;
    }
    fprintf(stderr, "\n");
    return best;
}

static void use_table(code *c)
{
    c->unit = c->step / c->m;
    for (int n = 0; n < levels_of(c); n++) c->scaled[n] = (int16_t)(c->m * c->table[n]);
}

/* int8 levels for a step, and m for a unit of the metric. */
static void round_levels(code *c, double step, double unit)
{
    int levels = levels_of(c);
    c->step = (double)(float)step;
    c->m = (int)(c->step / sqrt(unit * c->error / 32768.0) + 0.5);
    c->m = c->m > REACH / 127 ? REACH / 127 : c->m;
    for (int n = levels / 2; n < levels; n++) {
        double v = floor(fabs(c->level[n]) / c->step + 0.5);
        v = v > 127.0 ? 127.0 : v;
        c->table[n] = (int8_t)(c->level[n] < 0.0 ? -v : v);
        c->table[levels - 1 - n] = (int8_t)-c->table[n];
    }
    use_table(c);
}

static double table_error(const code *c, const samples *d, tally *sums)
{
    double level[NMAX];
    run_samples(c, d, d->n, sums);
    for (int n = 0; n < levels_of(c); n++) level[n] = c->table[n] * c->step;
    return error_of(sums, level, levels_of(c));
}

/* Step 3. */
static code finish(const code *from, const samples *d)
{
    static const double shrink[] = {1.0, 0.97, 0.94, 0.91, 0.88}, units[] = {0.2, 0.25, 0.3, 0.4, 0.5};
    code best = *from, c, base = *from;
    tally sums;
    best.error = 1.0;
    train(&base, d, d->n, 6);
    for (size_t k = 0; k < sizeof shrink / sizeof shrink[0]; k++) {
        int last = levels_of(&base) - 1;
        c = base;
        for (int pass = 0; pass < 4; pass++) {
            round_levels(&c, c.level[last] * shrink[k] / 127.0, UNIT);
            double e = table_error(&c, d, &sums);
            code seen = c;
            seen.error = e;
            if (e < best.error) best = seen;
            centre_levels(&c, &sums);
        }
    }
    c = best;
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
        c.m = (int)(best.step / sqrt(units[k] * best.error / 32768.0) + 0.5);
        if (c.m > REACH / 127) continue;
        use_table(&c);
        c.error = table_error(&c, d, &sums);
        if (c.error < best.error) best = c;
    }
    return best;
}

/* A line that "check" reads. */
static void print_code(FILE *f, const code *c)
{
    int levels = levels_of(c);
    fprintf(f, "code %d %d rows", c->b, c->s);
    for (int i = 0; i < c->parities; i++) fprintf(f, " %x", c->row[i]);
    fprintf(f, " m %d step %.9g table", c->m, c->step);
    for (int n = levels / 2; n < levels; n++) fprintf(f, " %d", c->table[n]);
    fprintf(f, "\n");
    fflush(f);
}

static int known(int b, int s) { return b >= 2 && b <= 4 && s >= 6 && s <= 14 && s % 2 == 0; }

/* The next code in a file; other lines do not count. 0 at the end. */
static int read_code(FILE *f, code *c)
{
    memset(c, 0, sizeof *c);
    while (fscanf(f, " code %d %d rows", &c->b, &c->s) != 2)
        if (fscanf(f, "%*[^\n]") == EOF) return 0;
    if (!known(c->b, c->s)) die("no such code");
    c->parities = c->b == 3 ? 6 : 5;
    for (int i = 0; i < c->parities; i++)
        if (fscanf(f, "%x", &c->row[i]) != 1) die("rows");
    if (fscanf(f, " m %d step %lf table", &c->m, &c->step) != 2) die("m and step");
    int levels = levels_of(c);
    for (int n = levels / 2; n < levels; n++) {
        int v;
        if (fscanf(f, "%d", &v) != 1) die("table");
        c->table[n] = (int8_t)v;
        c->table[levels - 1 - n] = (int8_t)-v;
    }
    use_table(c);
    return 1;
}

static void report(const code *c, uint64_t seed)
{
    tally sums;
    samples test = draw_samples(TEST, LENGTH, seed, 0);
    double e = table_error(c, &test, &sums);
    printf("tcq%d:s%-2d  %7.3f dB  gap %.4f  m %d  unit %.2f\n", c->b, c->s, -10.0 * log10(e), gap_of(c, e), c->m,
           32768.0 * c->unit * c->unit / e);
    fflush(stdout);
    free(test.x);
}

/* The upper half of a table in braces, on lines of at most 117 characters. */
static void print_levels(const code *c)
{
    int levels = levels_of(c), at = printf("    {%d", c->table[levels / 2]);
    for (int n = levels / 2 + 1; n < levels; n++) {
        char number[8];
        int length = sprintf(number, "%d", c->table[n]);
        int wrap = at + 2 + length + 1 > 117;
        printf(wrap ? ",\n     %s" : ", %s", number);
        at = (wrap ? 5 : at + 2) + length;
    }
    printf("}");
}

/* Tables of all codes as hrq.h [9i] has them. */
static void print_tables(const code (*found)[5])
{
    printf("static const uint16_t hrq__tcq_rows[3][5][6] = {\n");
    for (int b = 0; b < 3; b++)
        for (int k = 0; k < 5; k++) {
            printf("    %s{", k ? " " : "{");
            for (int i = 0; i < PMAX; i++) printf("%u%s", found[b][k].row[i], i + 1 < PMAX ? ", " : "}");
            printf(k < 4 ? ",\n" : b < 2 ? "},\n" : "}};\n");
        }
    printf("static const float hrq__tcq_step[3][5] = {\n");
    for (int b = 0; b < 3; b++) {
        for (int k = 0; k < 5; k++) printf("%s%.9gf", k ? ", " : "    {", found[b][k].step);
        printf(b < 2 ? "},\n" : "}};\n");
    }
    printf("static const uint8_t hrq__tcq_multiplier[3][5] = {\n");
    for (int b = 0; b < 3; b++) {
        for (int k = 0; k < 5; k++) printf("%s%d", k ? ", " : "    {", found[b][k].m);
        printf(b < 2 ? "},\n" : "}};\n");
    }
    for (int b = 0; b < 3; b++) {
        printf("static const int8_t hrq__tcq_level%d[5][%d] = {\n", b + 2, levels_of(&found[b][0]) / 2);
        for (int k = 0; k < 5; k++) {
            print_levels(&found[b][k]);
            printf(k < 4 ? ",\n" : "};\n");
        }
    }
    fflush(stdout);
}

/* Draws, starts and moves: wide trellises cost more and differ less. */
static effort effort_of(int s, uint64_t seed)
{
    static const effort efforts[] = {{0, 1600, 10, 500}, {0, 1000, 6, 400}, {0, 500, 4, 250}, {0, 200, 3, 150}};
    effort e = efforts[s < 10 ? 0 : s / 2 - 4];
    e.seed = seed;
    return e;
}

static void make(int bits, int states, uint64_t seed)
{
    static code found[3][5];
    samples d = draw_samples(SEARCH, LENGTH, 1, 1), f = draw_samples(FINISH, LENGTH, 2, 1);
    for (int b = 2; b <= 4; b++)
        for (int s = 6; s <= 14; s += 2) {
            if (bits && (bits != b || states != s)) continue;
            effort e = effort_of(s, seed);
            code c = search(b, s, &e, &d);
            c = found[b - 2][(s - 6) / 2] = finish(&c, &f);
            print_code(stdout, &c);
            report(&c, 77);
        }
    if (!bits) print_tables((const code(*)[5])found);
    free(d.x);
    free(f.x);
}

int main(int argc, char **argv)
{
    int bits = argc > 3 ? atoi(argv[2]) : 0, states = argc > 3 ? atoi(argv[3]) : 0;
    metric_rows = memory((LENGTH + 1) << 14);
    branch = memory(LENGTH * 64);
    lift = memory(LENGTH + 1);
    fixed = memory(LENGTH * sizeof *fixed);
    if (argc > 2 && !strcmp(argv[1], "check")) {
        code c;
        FILE *f = fopen(argv[2], "r");
        if (!f) die("cannot open the file");
        while (read_code(f, &c)) report(&c, 77);
        fclose(f);
        return 0;
    }
    if (argc < 2 || strcmp(argv[1], "make")) die("say make [bits log2-states [seed]] or check FILE");
    if (bits && !known(bits, states)) die("no such code");
    make(bits, states, argc > 4 ? strtoul(argv[4], NULL, 10) : 1);
    return 0;
}
