// test_stream.c: [14], and of [15] the streams: coder, models, every byte of a stream wrong in turn, "sic" matrices.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

static int effort;

/* ---- mathematics without libm, against libm ---- */

static double normal(double x) { return 0.5 * erfc(-x * 0.70710678118654752); }

static void test_mathematics(void)
{
    int i;
    double x, y, worst[4] = {0};
    tap_begin("exp, exp2, log2, normal against libm");
    /* 1e-13 absolute, and relative where the coder has small numbers: e^-x up to 32 (x^2 / 2, x <= 8); above, the
       Taylor polynomial's rest 1 / 16! is multiplied by six squarings: 64 / 16! / e^-1 = 1e-11 at the end of its range */
    for (i = 0; i < 64000; i++) {
        x = i / 1000.0;
        y = fabs(hrq__rans_exp(x) - exp(-x));
        worst[0] = y > worst[0] ? y : worst[0];
        EXPECT(y <= 1e-13 && y <= (x <= 32 ? 1e-13 : 1e-11) * exp(-x), "exp(-%g) off by %g", x, y);
    }
    for (i = -9000; i <= 9000; i++) {
        x = i / 9.03;
        if (fabs(x) >= 1000) continue;
        y = fabs(hrq__rans_exp2(x) / exp2(x) - 1.0);
        worst[1] = y > worst[1] ? y : worst[1];
        EXPECT(y <= 1e-13, "exp2(%g) off by %g", x, y);
        EXPECT(x != floor(x) || hrq__rans_exp2(x) == exp2(x), "2^%g", x);
        y = fabs(hrq__rans_log2(exp2(x)) - log2(exp2(x)));
        worst[2] = y > worst[2] ? y : worst[2];
        EXPECT(y <= 1e-13 * (fabs(x) > 1 ? fabs(x) : 1), "log2(2^%g) off by %g", x, y);
    }
    for (i = 0; i < 4096; i++) EXPECT(fabs(hrq__rans_log2(i + 1.0) - log2(i + 1.0)) <= 1e-13, "log2(%d)", i + 1);
    for (i = -9000; i <= 9000; i++) {
        x = i / 1000.0;
        y = fabs(hrq__rans_normal(x) - normal(x));
        worst[3] = y > worst[3] ? y : worst[3];
        EXPECT(y <= 1e-13, "normal(%g) off by %g", x, y);
    }
    printf("# worst: exp %.1e, exp2 %.1e, log2 %.1e, normal %.1e\n", worst[0], worst[1], worst[2], worst[3]);
    tap_end();
}

/* ---- models ---- */

/* floor((z + half) / 2^shift): what a class models of z, by its definition. */
static int high_of(int z, unsigned shift)
{
    return shift ? (int)floor(((double)z + (double)(1 << (shift - 1))) / (double)(1 << shift)) : z;
}

/* Length of z under a model, in bits, by the tables alone; the escape as the header of [14i] says. */
static double ideal(const hrq__rans_model *m, int z)
{
    int high = high_of(z, m->shift), out = abs(high) - m->k, s = out > 0 ? 2 * m->k + 1 : high + m->k, n = 0;
    while (out > 0 && out >> n) n++;
    return m->shift + 12.0 - log2((double)(m->start[s + 1] - m->start[s])) + (out > 0 ? 4 + (n - 1) + 1 : 0);
}

static void test_models(void)
{
    unsigned cls;
    tap_begin("models: grid of classes, frequencies, both grids");
    for (cls = 0; cls < HRQ__RANS_CLASSES; cls++) {
        double sigma, wanted = exp2(((double)cls - 25) / 8);
        int s, half;
        for (half = 0; half < 2; half++) {
            hrq__rans_model m;
            int symbols;
            double loss = 0;
            hrq__rans_model_make_on(&m, cls, half);
            sigma = hrq__rans_sigma(cls);
            symbols = 2 * m.k + 2 - m.half;
            EXPECT(m.start[0] == 0 && m.start[symbols] == 4096, "class %u: %d ... %d", cls, m.start[0],
                   m.start[symbols]);
            if (cls == 0) continue;
            EXPECT(m.half == (half && wanted <= 8 + 1e-12), "class %u: half %d", cls, (int)m.half);
            EXPECT(fabs(sigma * exp2(m.shift) / wanted - 1) < 1e-13, "class %u: sigma %g", cls, sigma);
            EXPECT(m.shift ? sigma > 4 - 1e-12 && sigma <= 8 + 1e-12 && wanted > 8 : wanted <= 8 + 1e-12,
                   "class %u: shift %u, rest %g", cls, m.shift, sigma);
            EXPECT(m.k == (int)floor(4 * sigma + 1.5) && m.k <= HRQ__RANS_K, "class %u: K %d", cls, (int)m.k);
            for (s = 0; s < symbols; s++) {
                double middle = s - m.k + 0.5 * m.half, f = m.start[s + 1] - m.start[s],
                       p = normal((middle + 0.5) / sigma) - normal((middle - 0.5) / sigma);
                if (s == 0) p = normal((middle + 0.5) / sigma); /* what lies beyond comes with the escape's or its own */
                if (s == symbols - 1) p = normal(-(middle - 0.5) / sigma);
                EXPECT(f >= 1, "class %u, symbol %d: %g slots", cls, s, f);
                if (p > 0) loss += p * log2(4096 * p / f);
                if (s > m.k && s < symbols - 1) /* falls away from the middle, but for a slot of rounding */
                    EXPECT(f <= (double)(m.start[s] - m.start[s - 1]) + 1, "class %u: symbol %d above its neighbour",
                           cls, s);
            }
            /* symbols beyond 3.2 sigma of 4 sigma + 3/2 are due less than a slot and take one: at sigma 8 on both sides 14 of
               4096, 0.005 bit */
            EXPECT(loss >= 0 && loss <= 0.005, "class %u, half %d: %g bits lost by 12 bits", cls, half, loss);
        }
        if (cls == 0) continue;
        if (cls >= 25) {
            double ms = wanted * wanted + 1.0 / 12;
            EXPECT(hrq__rans_class_of(ms) == cls, "mean square %g: class %u", ms, hrq__rans_class_of(ms));
        }
    }
    EXPECT(hrq__rans_class_of(0.0) == 0 && hrq__rans_class_of(1e-30) == 1 &&
               hrq__rans_class_of(1e30) == HRQ__RANS_CLASSES - 1,
           "ends of the grid");
    tap_end();
}

static void test_gain(void)
{
    /* ECSQ, exact integrals: step, D after LMMSE, entropy; sigma = 1 / step: classes 25 - 8 log2(step). gamma(1), gamma(2) too.
       Printed with 5 or 6 digits: half a unit of the last is 5e-6, 5e-7 */
    static const struct {
        unsigned cls;
        double step, d, h;
    } rows[] = {{9, 4.0, 0.743736, 0.31247},
                {17, 2.0, 0.253687, 1.24120},
                {25, 1.0, 0.076923, 2.10483},
                {33, 0.5, 0.020408, 3.06197},
                {41, 0.25, 0.005181, 4.05084}};
    unsigned cls;
    size_t i;
    tap_begin("gain: LMMSE of a Gaussian, table of theory 7");
    EXPECT(fabs(hrq__rans_gain(25) - 0.92308) <= 6e-6, "gamma(1) %.6f", hrq__rans_gain(25));
    EXPECT(fabs(hrq__rans_gain(17) - 0.75720) <= 6e-6, "gamma(2) %.6f", hrq__rans_gain(17));
    EXPECT(hrq__rans_gain(0) == 1.0, "class 0");
    for (cls = 1; cls < HRQ__RANS_CLASSES; cls++) {
        double sigma = exp2(((double)cls - 25) / 8), uz = 0, zz = 0, h = 0;
        int z, most = (int)(9 * sigma) + 2;
        if (cls > HRQ__RANS_DIRECT) { /* 1 / (1 + 1/(12 sigma^2)) = 1 - 1/768 at the least */
            EXPECT(fabs(hrq__rans_gain(cls) - 1) <= 1.0 / 700, "class %u: %g", cls, hrq__rans_gain(cls));
            continue;
        }
        for (z = -most; z <= most; z++) {
            double lo = (z - 0.5) / sigma, hi = (z + 0.5) / sigma, p;
            p = z > 0 ? normal(-lo) - normal(-hi)
                      : normal(hi) - normal(lo); /* the small tails, so that nothing cancels */
            uz += z * sigma * (exp(-lo * lo / 2) - exp(-hi * hi / 2)) / 2.5066282746310002;
            zz += (double)z * z * p;
            if (p > 0) h -= p * log2(p);
        }
        for (i = 0; i < sizeof rows / sizeof *rows; i++)
            if (rows[i].cls == cls) {
                double g = hrq__rans_gain(cls), d = 1 - (2 * g * uz - g * g * zz) / (sigma * sigma);
                EXPECT(fabs(d - rows[i].d) <= 1e-6, "step %g: D %.6f", rows[i].step, d);
                EXPECT(fabs(h - rows[i].h) <= 1e-5, "step %g: H %.6f", rows[i].step, h);
            }
        /* cut at 7 sigma: what lies behind has 2 (7 pdf(7) + Q(7)) = 1.3e-10 of the energy; E z^2 is made of differences of
           numbers near 1 that are 3e-14 off */
        if (zz > 1e-10)
            EXPECT(fabs(hrq__rans_gain(cls) * zz / uz - 1) <= 1.3e-10 + 1e-13 / zz, "class %u: %.15f, wanted %.15f",
                   cls, hrq__rans_gain(cls), uz / zz);
    }
    tap_end();
}

/* ---- the coder ---- */

/* n values under a class into the end of b; *used bytes, states apart. 0 (false): no room. */
static int put(hrq__rans *c, block *b, unsigned cls, size_t lanes, const int16_t *z, size_t n)
{
    hrq__rans_model m;
    size_t i;
    memset(c, 0, sizeof *c);
    hrq__rans_model_make_on(&m, cls, 0);
    c->lanes = lanes;
    c->bound = b->data;
    c->at = b->data + b->bytes;
    for (i = 0; i < lanes; i++) c->state[i] = 0x10000u;
    hrq__rans_put_column(c, &m, z, n);
    return !c->bad;
}

/* They come back from the words in b. */
static const hrq__rans *get(const hrq__rans *c, const block *b, unsigned cls, int16_t *z, size_t n)
{
    static hrq__rans_reader rd;
    uint8_t states[256];
    size_t i;
    for (i = 0; i < c->lanes; i++) hrq__put32(states + 4 * i, c->state[i]);
    hrq__rans_reader_init(&rd, c->lanes, states, states + 4 * c->lanes);
    rd.coder.at = b->data;
    rd.coder.bound = b->data + b->bytes;
    hrq__rans_get_plain(&rd, cls, z, n);
    return &rd.coder;
}

static int16_t wild(unsigned cls)
{
    double sigma = exp2(((double)cls - 25) / 8), v = floor(sigma * draw_gauss() + 0.5);
    int edge = ((int)(4 * hrq__rans_sigma(cls) + 1.5)) << hrq__rans_shift(cls), z;
    switch (draw_below(8)) {
    case 0: z = (int)draw_below(2 * HRQ__RANS_LIMIT + 1) - HRQ__RANS_LIMIT; break;
    case 1: z = draw_below(2) ? HRQ__RANS_LIMIT : -HRQ__RANS_LIMIT; break;
    case 2: z = (int)(draw_below(2) ? edge : -edge) + (int)draw_below(5) - 2; break;
    default: z = (int)(fabs(v) > HRQ__RANS_LIMIT ? 0 : v);
    }
    return (int16_t)(z > HRQ__RANS_LIMIT ? HRQ__RANS_LIMIT : z < -HRQ__RANS_LIMIT ? -HRQ__RANS_LIMIT : z);
}

static void test_round_trip(void)
{
    enum { MOST = 300 };
    int16_t z[MOST], back[MOST];
    unsigned cls;
    size_t lanes, n, i, turn, turns = effort == 2 ? 20 : effort ? 4 : 1;
    tap_begin("round trip: every class, 1 ... 64 lanes, escapes up to +-16383, no byte too few");
    for (cls = 0; cls < HRQ__RANS_CLASSES; cls++)
        for (lanes = 1; lanes <= 64; lanes *= 2)
            for (turn = 0; turn < turns; turn++) {
                hrq__rans c;
                block b, exact;
                size_t bytes, off = draw_below(2);
                const hrq__rans *d;
                int same = 1, ended = 1;
                n = draw_below(MOST) + 1;
                for (i = 0; i < n; i++) z[i] = cls ? wild(cls) : 0;
                b = block_of(8 * n + 8, off);
                EXPECT(put(&c, &b, cls, lanes, z, n), "class %u: no room", cls);
                bytes = (size_t)(b.data + b.bytes - c.at);
                exact = block_of(bytes, off); /* ends and begins with the words */
                memcpy(exact.data, c.at, bytes);
                d = get(&c, &exact, cls, back, n);
                EXPECT(!d->bad && memcmp(z, back, n * sizeof *z) == 0, "class %u, %lu lanes, %lu values", cls,
                       (unsigned long)lanes, (unsigned long)n);
                for (i = 0; i < lanes; i++) ended &= d->state[i] == 0x10000u;
                EXPECT(ended && d->at == d->bound, "class %u: the decoder does not end where the encoder began", cls);
                EXPECT(cls || bytes == 0, "zeros cost %lu bytes", (unsigned long)bytes);
                if (bytes >= 2) { /* a word too few: writer and reader say so, neither leaves its bytes */
                    block small = block_of(bytes - 1, off);
                    hrq__rans e;
                    EXPECT(!put(&e, &small, cls, lanes, z, n) && e.at >= e.bound,
                           "class %u: wrote into too little room", cls);
                    memcpy(small.data, exact.data, bytes - 1);
                    d = get(&c, &small, cls, back, n);
                    EXPECT(d->bad, "class %u: read more than there is", cls);
                    free(small.base);
                }
                for (i = 0; i < n; i++) same &= z[i] >= -HRQ__RANS_LIMIT;
                EXPECT(same, "test draws outside");
                free(exact.base);
                free(b.base);
            }
    tap_end();
}

/* Lengths. A lane starts at 2^16 and ends in x < 2^32 that is written whole: its overhead is 48 - log2 x, 16 to 32 bits.
   A step's relative error in x is a difference of two uniform numbers, mean 0, times freq / x <= 2^-4: second order only,
   E (freq / x)^2 / (12 ln 2) = 2e-5 bit a symbol over x log-uniform; its own noise is 0.03 / sqrt(n). */
static void test_length(void)
{
    size_t n = 65536, lanes = hrq__rans_lanes(n), i;
    int16_t *z = (int16_t *)malloc(n * sizeof *z);
    size_t *count = (size_t *)malloc(2 * 16384 * sizeof *count);
    hrq__rans_costs *costs = (hrq__rans_costs *)malloc(sizeof *costs);
    hrq__rans_histogram *h = (hrq__rans_histogram *)calloc(1, sizeof *h);
    double sigma, worst_own = 0, worst_entropy = 0, worst_choice = 0;
    tap_begin("coded length: against the model, and against the entropy of the column");
    EXPECT(z && count && costs && h, "no memory");
    hrq__rans_costs_make(costs);
    h->most = HRQ__RANS_LIMIT;
    for (sigma = 0.03; sigma < 64; sigma *= effort == 2 ? 1.037 : 1.31) {
        hrq__rans_model m;
        hrq__rans c;
        block b = block_of(n * 4, 0);
        double own = 0, entropy = 0, bits, cost, least = 1e300, most_loss;
        size_t kinds = 0, short_n = 4096;
        unsigned cls, other;
        memset(count, 0, 2 * 16384 * sizeof *count);
        for (i = 0; i < n; i++) z[i] = (int16_t)floor(sigma * draw_gauss() + 0.5);
        for (i = 0; i < n; i++) count[z[i] + 16384]++;
        hrq__rans_count(h, z, n);
        cls = hrq__rans_choose(costs, h, -1, &cost);
        hrq__rans_model_make_on(&m, cls, 0);
        for (i = 0; i < 2 * 16384; i++) {
            double p = (double)count[i] / (double)n;
            if (!count[i]) continue;
            kinds++;
            entropy -= p * log2(p);
            own += (double)count[i] * ideal(&m, (int)i - 16384);
        }
        own /= (double)n;
        /* both signs share one table entry: the mean of their lengths, halves of 2^-16 and a slot's rounding in sums */
        EXPECT(fabs(cost / 65536 / (double)n - own) <= 0.002, "sigma %g: cost says %g, tables %g", sigma,
               cost / 65536 / (double)n, own);
        for (other = 1; other < HRQ__RANS_CLASSES; other++) {
            double sum = 0;
            hrq__rans_model_make_on(&m, other, 0);
            for (i = 0; i < 2 * 16384; i++)
                if (count[i]) sum += (double)count[i] * ideal(&m, (int)i - 16384);
            least = sum < least ? sum : least;
        }
        if (cls == 0) least = 0;
        EXPECT(own - least / (double)n <= 0.002, "sigma %g: class %u takes %g, the best %g", sigma, cls, own,
               least / (double)n);
        worst_choice = own - least / (double)n > worst_choice ? own - least / (double)n : worst_choice;
        EXPECT(put(&c, &b, cls, lanes, z, n), "sigma %g: no room", sigma);
        bits = (8.0 * (double)(b.data + b.bytes - c.at) + 32.0 * (double)lanes) / (double)n;
        worst_own = bits - own > worst_own ? bits - own : worst_own;
        EXPECT(bits >= own - 0.001 && bits - own <= 32.0 * (double)lanes / (double)n + 0.001,
               "sigma %g: %g bits, the model says %g", sigma, bits, own);
        /* a Gaussian sigma 1/16 octave off: (2^(1/16) - 1)^2 / ln 2 = 0.0028; 12 bits: 0.003 ([14i]); raw low bits, steps of
           2^shift under sigma > 4 of them: 1 / (24 * 16 ln 2) = 0.0038; lanes 32 / n each; and the column's own entropy is
           below its source's by (kinds - 1) / (2 n ln 2); the escape's slot is 1 in 4096: 0.00035 */
        most_loss = 0.0028 + 0.003 + 0.00035 + (sigma > 7.6 ? 0.0038 : 0.0) + 32.0 * (double)lanes / (double)n +
                    (double)(kinds - 1) / (1.386 * (double)n);
        EXPECT(bits - entropy <= most_loss && most_loss <= 0.02, "sigma %g: %g bits, entropy %g, allowed %g more",
               sigma, bits, entropy, most_loss);
        worst_entropy = bits - entropy > worst_entropy ? bits - entropy : worst_entropy;
        /* 4096 values, one lane: 32 / 4096 = 0.0078 and 0.0005 of noise */
        hrq__rans_model_make_on(&m, cls, 0);
        for (own = 0, i = 0; i < short_n; i++) own += ideal(&m, z[i]);
        EXPECT(put(&c, &b, cls, 1, z, short_n), "sigma %g: no room", sigma);
        bits = 8.0 * (double)(b.data + b.bytes - c.at) + 32.0;
        EXPECT(bits - own <= 0.01 * (double)short_n, "sigma %g: %g of %g bits for 4096 values", sigma, bits, own);
        free(b.base);
    }
    for (n = 1; n < 3000000; n = n * 5 / 4 + 1) {
        lanes = hrq__rans_lanes(n);
        EXPECT(lanes >= 1 && lanes <= 64 && !(lanes & (lanes - 1)) &&
                   (lanes == 1 || 32.0 * (double)lanes / (double)n <= 0.002),
               "%lu lanes for %lu values", (unsigned long)lanes, (unsigned long)n);
    }
    printf("# at most %.4f bit above the model, %.4f above the entropy, choice %.4f above the best class\n",
           worst_own, worst_entropy, worst_choice);
    free(z);
    free(count);
    free(costs);
    free(h);
    tap_end();
}

/* ---- streams ---- */

typedef struct {
    block b;
    size_t rows, cols, dead;
    float *wanted; /* [rows x cols] z * step as the encoder has it */
} crafted;

static void covariance(float *sigma, size_t n, double rho, const uint8_t *dead)
{
    size_t i, j;
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            sigma[i * n + j] = dead && (dead[i] || dead[j]) ? 0.0f : (float)pow(rho, fabs((double)i - (double)j));
}

/* The encoder at one step, without the search for a rate: any shape, even where the header alone would take more. */
static unsigned log_states; /* of what craft makes; 0: no trellis */

static crafted craft(size_t rows, size_t cols, double rho, double log_a, size_t lanes, int kind)
{
    crafted s;
    float *w = floats_of(rows, cols, cols), *sigma = floats_of(cols, cols, cols);
    uint8_t *dead = (uint8_t *)calloc(1, cols), *room;
    int16_t *marks = (int16_t *)calloc(cols, sizeof *marks);
    hrq__watersic *x = (hrq__watersic *)calloc(1, sizeof *x);
    size_t i, r, capacity = rows * cols * 6 + 40 * cols + 1000, bad = 0, bytes;
    hrq_watersic_options o;
    hrq_status status;
    memset(&s, 0, sizeof s);
    fill_gauss(w, rows * cols, 1.0);
    if (kind & 1)
        for (i = 0; i < rows * cols; i += 1 + draw_below(40)) w[i] *= 300.0f; /* escapes */
    if (kind & 32) /* few: in corners, at borders of panels, beside each other */
        for (i = 0; i < 8; i++) {
            const size_t at[8] = {0, 1, 15 * cols, 16 * cols, 17 * cols, rows * cols - 1, 100 * cols + cols / 2, 33};
            w[at[i]] = i % 2 ? -30.0f : 25.0f;
        }
    if (kind & 2)
        for (i = 0; i < cols; i++) s.dead += dead[i] = draw_below(3) == 0;
    if (kind & 4)
        for (s.dead = 0, i = 0; i < cols; i++) s.dead += dead[i] = 1;
    if (kind & 8) memset(w, 0, rows * cols * sizeof *w);
    covariance(sigma, cols, rho, dead);
    room = (uint8_t *)malloc(capacity);
    memset(&o, 0, sizeof o);
    o.damping = 0.01;
    o.states = 1 << log_states;
    o.list = log_states % 2 ? 0 : 1 << log_states % 4; /* 1, 4, what is usual */
    status = hrq__watersic_begin(x, w, rows, cols, cols, sigma, cols, &o,
                                 log_states % 3 == 1 ? HRQ_ORDER_NATURAL : HRQ_ORDER_PIVOTED, &bad);
    if (status != HRQ_OK || !room) {
        printf("Bail out! craft %lu x %lu: %s\n", (unsigned long)rows, (unsigned long)cols, hrq_status_text(status));
        exit(2);
    }
    for (i = 0; i < cols; i++) marks[i] = dead[i];
    if (lanes) x->s.lanes = lanes;
    hrq__watersic_set(x, log_a);
    hrq__watersic_pass(x, marks);
    if (kind & 16) { /* scales of rows, some beyond the model's symbols */
        double cost;
        x->s.row = (int16_t *)malloc(rows * sizeof *x->s.row);
        x->s.row_shift = (uint8_t)(7 + draw_below(8));
        for (r = 0; r < rows; r++)
            x->s.row[r] = (int16_t)(draw_below(9) ? (double)draw_below(41) - 20 : (double)draw_below(121) - 60);
        hrq__rans_count(&x->histogram, x->s.row, rows);
        x->histogram.half = 0;
        x->s.row_class = (uint8_t)hrq__rans_choose(&x->costs, &x->histogram, -1, &cost);
    }
    bytes = hrq__watersic_write(x, marks, room, capacity);
    EXPECT(bytes > 0, "%lu x %lu not written", (unsigned long)rows, (unsigned long)cols);
    s.rows = rows;
    s.cols = cols;
    s.b = block_of(bytes, 1);
    memcpy(s.b.data, room, bytes);
    s.wanted = floats_of(rows, cols, cols);
    memset(s.wanted, 0, rows * cols * sizeof(float));
    for (i = 0; i < x->s.live; i++)
        for (r = 0; r < rows; r++)
            s.wanted[r * cols + x->s.column[i]] =
                (float)x->z[x->when[i] * rows + r] *
                (x->s.row ? 1.0f + (float)ldexp(x->s.row[r], -x->s.row_shift) : 1.0f) * x->s.step[i];
    hrq__watersic_close(x, 0);
    free(x);
    free(room);
    free(marks);
    free(dead);
    free(sigma);
    free(w);
    return s;
}

static void crafted_free(crafted *s)
{
    free(s->b.base);
    free(s->wanted);
}

static uint32_t crc32_of(const uint8_t *p, size_t n) /* IEEE 802.3, bit by bit */
{
    uint32_t c = 0xffffffffu;
    size_t i;
    int k;
    for (i = 0; i < n; i++)
        for (c ^= p[i], k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
    return ~c;
}

/* Offset of the checksum by the layout of [15i]; 0: too short for a head. */
static size_t crc_at(const uint8_t *p, size_t n)
{
    (void)p;
    return n >= 25 ? 14 : 0;
}

/* The checksum covers all bytes but its own. */
static void seal(uint8_t *p, size_t n)
{
    size_t at = crc_at(p, n);
    uint8_t *rest = at ? (uint8_t *)malloc(n - 4) : NULL;
    uint32_t c;
    int k;
    if (!rest) return;
    memcpy(rest, p, at);
    memcpy(rest + at, p + at + 4, n - at - 4);
    c = crc32_of(rest, n - 4);
    for (k = 0; k < 4; k++) p[at + (size_t)k] = (uint8_t)(c >> 8 * k);
    free(rest);
}

/* Products of a sic matrix and n vectors of bytes: exact integers, rounded once, times the vector's scale. */
static int sic_products(const hrq_mat *m, size_t n)
{
    size_t bytes = hrq_act_bytes(m, n, HRQ_ACT_INT8), i, t, r, c;
    float *x = (float *)malloc(n * m->cols * sizeof *x), *y = (float *)malloc(n * m->rows * sizeof *y), w[32 * HRQ_PANEL];
    double *sum = (double *)calloc(n * (m->rows + HRQ_PANEL), sizeof *sum);
    void *buffer = malloc(bytes);
    hrq_act *act = NULL;
    hrq__view v;
    int good;
    for (i = 0; i < n * m->cols; i++) x[i] = (float)draw_gauss();
    good = hrq__view_open(&v, m) == HRQ_OK &&
           hrq_act_prepare(&act, buffer, bytes, m, HRQ_ACT_INT8, x, n, m->cols) == HRQ_OK &&
           hrq_mul(m, act, y, m->rows, 0, m->rows, NULL) == HRQ_OK;
    for (r = 0; r < m->rows && good; r += HRQ_PANEL)
        for (c = 0; c < m->cols; c++) {
            if (c % 32 == 0) hrq__view_floats(&v, r / HRQ_PANEL, c, m->cols - c < 32 ? m->cols - c : 32, w);
            for (t = 0; t < n; t++)
                for (i = 0; i < HRQ_PANEL; i++)
                    sum[t * (m->rows + HRQ_PANEL) + r + i] +=
                        (double)w[c % 32 * HRQ_PANEL + i] * (double)hrq__act_s8(act, t)[c];
        }
    for (t = 0; t < n; t++)
        for (r = 0; r < m->rows && good; r++) {
            float whole = (float)sum[t * (m->rows + HRQ_PANEL) + r];
            good = y[t * m->rows + r] == (float)((double)whole * ((double)hrq__view_row_scale(&v, r) *
                                                                  (double)hrq__act_scales(act)[t]));
        }
    free(x);
    free(y);
    free(sum);
    free(buffer);
    return good;
}

/* Everything that must hold of a good stream. */
static void good(const crafted *s, const char *what)
{
    size_t rows = 0, cols = 0, ld = s->cols + draw_below(3), r, need, c;
    float *w = floats_of(s->rows, s->cols, ld), *v = floats_of(s->rows, s->cols, s->cols);
    block b;
    hrq_mat m, n;
    hrq_status status;
    int gap = 1;
    EXPECT(hrq_stream_shape(s->b.data, s->b.bytes, &rows, &cols) == HRQ_OK && rows == s->rows && cols == s->cols,
           "%s: %lu x %lu", what, (unsigned long)rows, (unsigned long)cols);
    EXPECT(hrq_stream_shape(s->b.data, s->b.bytes, NULL, NULL) == HRQ_OK, "%s: shape wants outputs", what);
    for (r = 0; r + 1 < s->rows; r++)
        for (c = s->cols; c < ld; c++) w[r * ld + c] = 77.0f;
    status = hrq_stream_decode(s->b.data, s->b.bytes, w, ld, NULL);
    EXPECT(status == HRQ_OK, "%s: %s", what, hrq_status_text(status));
    for (r = 0; r < s->rows && status == HRQ_OK; r++)
        EXPECT(same_bits(w + r * ld, s->wanted + r * s->cols, s->cols), "%s: row %lu is not what the encoder had",
               what, (unsigned long)r);
    for (r = 0; r + 1 < s->rows; r++)
        for (c = s->cols; c < ld; c++) gap &= w[r * ld + c] == 77.0f;
    EXPECT(gap, "%s: wrote between rows", what);
    need = hrq_mat_from_stream_bytes(s->b.data, s->b.bytes);
    EXPECT(need > 0, "%s: no size", what);
    b = block_of(need, 3);
    memset(&m, 0x3c, sizeof m);
    n = m;
    status = hrq_mat_from_stream(&m, b.data, need - 1, s->b.data, s->b.bytes, NULL);
    EXPECT(status == HRQ_ERR_SPACE && memcmp(&m, &n, sizeof m) == 0, "%s: one byte less: %s", what,
           hrq_status_text(status));
    for (r = 0, gap = 1; r < need; r++) gap &= b.data[r] == 0xa5;
    EXPECT(gap, "%s: one byte less, and data touched", what);
    status = hrq_mat_from_stream(&m, b.data, need, s->b.data, s->b.bytes, NULL);
    EXPECT(status == HRQ_OK && m.rows == s->rows && m.cols == s->cols && m.bytes == need && m.data == b.data,
           "%s: %s", what, hrq_status_text(status));
    EXPECT(hrq_mat_check(&m) == HRQ_OK, "%s: check", what);
    EXPECT(hrq_mat_decode(&m, 0, m.rows, v, m.cols) == HRQ_OK && same_bits(v, s->wanted, m.rows * m.cols),
           "%s: sic decodes to something else", what);
    r = draw_below(m.rows);
    EXPECT(hrq_mat_decode(&m, r, 1, v, m.cols) == HRQ_OK && same_bits(v, s->wanted + r * m.cols, m.cols),
           "%s: row %lu of sic", what, (unsigned long)r);
    EXPECT(sic_products(&m, 1) && sic_products(&m, 21), "%s: products of sic", what);
    status = hrq_mat_wrap(&n, &m.format, m.rows, m.cols, 0, b.data, need + 0);
    EXPECT(status == HRQ_OK && n.bytes == need, "%s: wrap %s", what, hrq_status_text(status));
    EXPECT(hrq_mat_wrap(&n, &m.format, m.rows, m.cols, 0, b.data, need - 1) != HRQ_OK, "%s: wrap of a byte less",
           what);
    free(b.base);
    free(w);
    free(v);
}

static void test_streams(void)
{
    static const size_t shapes[][2] = {{1, 1},   {1, 7},   {7, 1},    {3, 5},   {16, 32},
                                       {17, 33}, {64, 32}, {130, 33}, {1, 300}, {300, 1}};
    /* steps of 2^-13 of a sigma: up to 16383, clipped beyond; steps of 8: nearly all zeros */
    static const double steps[] = {3, 0, -2, -4, -9, -13};
    static const struct {
        int kind;
        const char *name;
    } kinds[] = {{0, "plain"},    {1, "escapes"}, {2, "dead columns"},
                 {4, "all dead"}, {8, "zeros"},   {18, "dead columns, scales of rows"}};
    size_t i, k, t, lanes;
    tap_begin("streams: decode, sic, sizes on every shape, step, kind, number of lanes");
    for (i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (k = 0; k < sizeof kinds / sizeof *kinds; k++)
            for (t = 0; t < sizeof steps / sizeof *steps; t++) {
                char what[100];
                crafted s;
                if (effort == 0 && (i + k + t) % 3) continue;
                lanes = t % 2 ? 0 : (size_t)1 << draw_below(7);
                s = craft(shapes[i][0], shapes[i][1], t % 2 ? 0.9 : 0.0, steps[t], lanes, kinds[k].kind);
                sprintf(what, "%s, %lu x %lu, step 2^%g, %lu lanes", kinds[k].name, (unsigned long)s.rows,
                        (unsigned long)s.cols, steps[t], (unsigned long)lanes);
                good(&s, what);
                crafted_free(&s);
            }
    tap_end();
}

/* The same with a trellis. A search costs what it costs, so few of all. */
static void test_trellis_streams(void)
{
    static const size_t shapes[][2] = {{1, 1}, {1, 70}, {33, 1}, {3, 5}, {17, 33}, {40, 150}, {64, 3}, {100, 40}};
    static const double steps[] = {3, 0, -2, -9, -13};
    static const int kinds[] = {0, 1, 2, 4, 8};
    size_t i, t, k;
    tap_begin("streams with a trellis: 4 ... 256 states, every shape, escapes, dead columns, both orders, laps");
    for (log_states = 2; log_states <= 8; log_states++)
        for (i = 0; i < sizeof shapes / sizeof *shapes; i++)
            for (t = 0; t < sizeof steps / sizeof *steps; t++)
                for (k = 0; k < sizeof kinds / sizeof *kinds; k++) {
                    char what[100];
                    crafted s;
                    if (draw_below(effort == 2 ? 1 : effort ? 4 : 12)) continue;
                    s = craft(shapes[i][0], shapes[i][1], t % 2 ? 0.9 : 0.0, steps[t],
                              t % 2 ? 0 : (size_t)1 << draw_below(7), kinds[k]);
                    sprintf(what, "%u states, kind %d, %lu x %lu, step 2^%g", 1u << log_states, kinds[k],
                            (unsigned long)s.rows, (unsigned long)s.cols, steps[t]);
                    EXPECT((s.b.data[24] & 15) == log_states, "%s: another trellis", what);
                    EXPECT((s.b.data[24] >> 4 & 7) == (s.rows < 64 || s.dead == s.cols ? 0 : 1), "%s: laps", what);
                    good(&s, what);
                    crafted_free(&s);
                }
    log_states = 0;
    tap_end();
}

/* What the layout of [15i] says, written out: the values of a stream by its bits. */
static void test_trellis_definition(void)
{
    static const unsigned checks[7][2] = {{05, 02},    {013, 04},   {023, 04},  {045, 010},
                                          {0103, 024}, {0235, 0126}, {0515, 0362}};
    unsigned log, state, k, i;
    tap_begin("trellis: Ungerboeck's parity checks, two branches in and out of each state");
    for (log = 2; log <= 8; log++) {
        unsigned count[256][2];
        memset(count, 0, sizeof count);
        for (state = 0; state < 1u << log; state++)
            for (k = 0; k < 2; k++) {
                unsigned next = 0;
                for (i = 1; i <= log; i++)
                    next |= (((i < log ? state >> i : 0) ^ ((checks[log - 2][0] >> i) & state) ^
                              ((checks[log - 2][1] >> i) & k)) & 1)
                            << (i - 1);
                EXPECT(hrq__stream_next(hrq__stream_parity[log - 2], state, k) == next, "%u states: %u, %u", 1u << log,
                       state, k);
                count[next][k]++;
            }
        for (state = 0; state < 1u << log; state++)
            EXPECT(count[state][0] == 1 && count[state][1] == 1, "%u states: into %u", 1u << log, state);
    }
    tap_end();
}

/* Laps as the layout of [15i] says: a path goes on where the row m before ended. */
static void test_laps(void)
{
    static const size_t shapes[][3] = {{64, 20, 32}, {100, 30, 64}, {230, 9, 64}, {300, 256, 48}}; /* rows, cols, m */
    size_t i, r, t;
    tap_begin("laps: each row begins in the state in which that of the lap before ended; flags that do not agree");
    for (i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t rows = shapes[i][0], n = shapes[i][1], m = shapes[i][2], *order = (size_t *)malloc(n * sizeof *order);
        uint8_t state[64] = {0};
        crafted s;
        hrq__stream head;
        int16_t *z;
        log_states = 2 + (unsigned)i;
        s = craft(rows, n, 0.5, -1, 0, i == 1 ? 2 : 0);
        EXPECT(hrq__stream_load(&head, &z, s.b.data, s.b.bytes, NULL) == HRQ_OK, "load");
        hrq__stream_order(&head, order);
        for (r = 0; r < rows; r++)
            for (t = 0; t < head.live; t++) {
                int v = z[order[t] * rows + r], k = (v - (v & 1)) / 2;
                if (!head.cls[order[t]]) continue;
                EXPECT((v & 1) == (state[r % m] & 1), "%lu x %lu: row %lu leaves its path", (unsigned long)rows,
                       (unsigned long)n, (unsigned long)r);
                state[r % m] = (uint8_t)hrq__stream_next(hrq__stream_parity[log_states - 2], state[r % m], (unsigned)k);
            }
        hrq__stream_free(&head, NULL);
        free(z);
        free(order);
        for (r = 0; r < 4; r++) { /* laps flagged and none, none flagged and some; as it is; laps of a scalar grid */
            uint8_t version = s.b.data[4], byte = s.b.data[24];
            hrq_status status;
            if (r == 0) s.b.data[24] &= 143;
            if (r == 1) s.b.data[4] -= 2;
            if (r == 3) s.b.data[24] &= 112;
            seal(s.b.data, s.b.bytes);
            status = hrq_stream_decode(s.b.data, s.b.bytes, s.wanted, n, NULL);
            EXPECT(status == (r == 2 ? HRQ_OK : HRQ_ERR_DATA), "flags %lu: %s", (unsigned long)r, hrq_status_text(status));
            s.b.data[4] = version;
            s.b.data[24] = byte;
        }
        crafted_free(&s);
    }
    log_states = 0;
    tap_end();
}

/* The way users take: hrq_watersic, then all of the above. */
static void test_whole_path(void)
{
    static const size_t shapes[][2] = {{3, 5}, {7, 30}, {64, 32}, {130, 33}, {512, 96}};
    size_t i, k, bytes, j;
    tap_begin("streams of hrq_watersic: white and AR(0.9)");
    for (i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (k = 0; k < 2; k++) {
            size_t rows = shapes[i][0], cols = shapes[i][1], entries = rows * cols, capacity;
            double rate = entries < 300 ? 16 : 3;
            float *w = floats_of(rows, cols, cols), *sigma = floats_of(cols, cols, cols),
                  *back = floats_of(rows, cols, cols);
            hrq_watersic_options o;
            crafted s;
            block b;
            hrq_status status;
            double d = 0;
            memset(&o, 0, sizeof o);
            memset(&s, 0, sizeof s);
            o.rate = rate;
            fill_gauss(w, entries, 1.0);
            covariance(sigma, cols, k ? 0.9 : 0.0, NULL);
            capacity = hrq_watersic_bytes(rows, cols, rate);
            b = block_of(capacity, 1);
            bytes = 12345;
            status =
                hrq_watersic(b.data, capacity, &bytes, w, rows, cols, cols, k ? sigma : NULL, cols, &o, NULL, NULL);
            if (entries <
                20) { /* 15 entries of 16 bits are 30 bytes; magic, sizes, checksum, fields and a lane are 25 */
                EXPECT(status == HRQ_OK || status == HRQ_ERR_RATE, "3 x 5: %s", hrq_status_text(status));
                EXPECT(status == HRQ_OK || bytes == 12345, "3 x 5: bytes touched");
            } else {
                EXPECT(status == HRQ_OK && 8 * bytes <= rate * (double)entries, "%lu x %lu: %s, %lu bytes",
                       (unsigned long)rows, (unsigned long)cols, hrq_status_text(status), (unsigned long)bytes);
            }
            if (status == HRQ_OK) {
                s.rows = rows;
                s.cols = cols;
                s.b = block_of(bytes, 0);
                memcpy(s.b.data, b.data, bytes);
                s.wanted = back;
                EXPECT(hrq_stream_decode(b.data, bytes, back, cols, NULL) == HRQ_OK, "decode");
                good(&s, "watersic");
                for (j = 0; j < entries; j++)
                    d += ((double)w[j] - (double)back[j]) * ((double)w[j] - (double)back[j]);
                /* white: 2^(-2 (rate - 1)) leaves a bit for headers and the shape of the cell */
                if (entries >= 2000) EXPECT(k || d / (double)entries < pow(4.0, 1 - rate), "%g", d / (double)entries);
                free(s.b.base);
            }
            free(b.base);
            free(w);
            free(sigma);
            free(back);
        }
    tap_end();
}

/* ---- damage ---- */

/* All readers agree that these bytes are no stream, and touch nothing. sealed: the checksum holds, so that hrq_stream_shape,
   which reads no further, may be content. */
static void refused(const uint8_t *p, size_t n, size_t rows, size_t cols, const char *what, size_t where, int sealed)
{
    float *w = floats_of(rows, cols, cols);
    uint8_t data[64];
    size_t a = 11, b = 12, i;
    hrq_mat m, copy;
    hrq_status s1, s2, s3;
    int same = 1;
    memset(&m, 0x3c, sizeof m);
    memset(data, 0x5a, sizeof data);
    copy = m;
    s1 = hrq_stream_shape(p, n, &a, &b);
    s2 = hrq_stream_decode(p, n, w, cols, NULL);
    s3 = hrq_mat_from_stream(&m, data, sizeof data, p, n, NULL);
    EXPECT(s2 == HRQ_ERR_CHECKSUM || s2 == HRQ_ERR_DATA || s2 == HRQ_ERR_VERSION, "%s %lu: %d", what,
           (unsigned long)where, s2);
    EXPECT((s1 == s2 || (sealed && s1 == HRQ_OK)) && s3 == s2, "%s %lu: %d %d %d", what, (unsigned long)where, s1, s2,
           s3);
    EXPECT((s1 == HRQ_OK || (a == 11 && b == 12)) && memcmp(&m, &copy, sizeof m) == 0, "%s %lu: outputs touched",
           what, (unsigned long)where);
    for (i = 0; i < rows * cols * sizeof *w; i++) same &= ((uint8_t *)w)[i] == 0xa5;
    for (i = 0; i < sizeof data; i++) same &= data[i] == 0x5a;
    EXPECT(same, "%s %lu: data touched", what, (unsigned long)where);
    EXPECT(hrq_mat_from_stream_bytes(p, n) == 0, "%s %lu: has a size", what, (unsigned long)where);
    free(w);
}

static void test_damage(void)
{
    static const size_t shapes[][2] = {{1, 1}, {3, 5}, {40, 17}, {130, 9}, {5, 12}};
    size_t i, bit, n;
    tap_begin("damage: every bit, every truncation, bytes behind");
    for (i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        crafted s;
        block longer;
        size_t at;
        log_states = i == 4 ? 3 : 0;
        s = craft(shapes[i][0], shapes[i][1], 0.9, -1, i == 2 ? 4 : 0, i == 3 ? 3 : i % 2 ? 0 : 16);
        at = crc_at(s.b.data, s.b.bytes);
        longer = block_of(s.b.bytes, 0);
        memcpy(longer.data, s.b.data, s.b.bytes);
        seal(longer.data, longer.bytes);
        EXPECT(at && memcmp(longer.data, s.b.data, s.b.bytes) == 0, "the checksum is not CRC-32 of all other bytes");
        free(longer.base);
        for (bit = 0; bit < 8 * s.b.bytes; bit += effort == 0 ? 7 : 1) {
            s.b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused(s.b.data, s.b.bytes, s.rows, s.cols, "bit", bit, 0);
            s.b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (n = 0; n < s.b.bytes; n++) {
            block cut = block_of(n, 0);
            memcpy(cut.data, s.b.data, n);
            refused(cut.data, n, s.rows, s.cols, "cut at", n, 0);
            if (n >= 4) {
                seal(cut.data, n); /* the checksum would hold, what it covers does not */
                if (n > at + 4) refused(cut.data, n, s.rows, s.cols, "cut and sealed at", n, 1);
            }
            free(cut.base);
            if (effort == 0) n += draw_below(4);
        }
        for (n = 1; n <= 4; n++) {
            longer = block_of(s.b.bytes + n, 0);
            memcpy(longer.data, s.b.data, s.b.bytes);
            memset(longer.data + s.b.bytes, 0, n);
            refused(longer.data, longer.bytes, s.rows, s.cols, "longer by", n, 0);
            seal(longer.data, longer.bytes);
            refused(longer.data, longer.bytes, s.rows, s.cols, "longer and sealed by", n, 1);
            free(longer.base);
        }
        good(&s, "after all that");
        crafted_free(&s);
    }
    log_states = 0;
    tap_end();
}

/* An allocator that gives at most 8 MB at once and counts: hostile sizes end there. */
static void *small_alloc(void *user, size_t bytes)
{
    if (bytes > ((size_t)8 << 20)) return NULL;
    ++*(int *)user;
    return malloc(bytes);
}

static void small_release(void *user, void *p)
{
    if (p) --*(int *)user;
    free(p);
}

static void test_mutations(void)
{
    static const size_t shapes[][2] = {{1, 1}, {3, 5}, {40, 17}, {64, 40}, {130, 9}};
    size_t i, turn, turns = effort == 2 ? 30000 : effort ? 3000 : 400, passed = 0, k;
    int live = 0;
    hrq_hooks hooks;
    memset(&hooks, 0, sizeof hooks);
    hooks.user = &live;
    hooks.alloc = small_alloc;
    hooks.release = small_release;
    tap_begin("mutations under a valid checksum: a status or numbers, never a byte outside");
    for (i = 0; i < 2 * (sizeof shapes / sizeof *shapes); i++) {
        crafted s;
        size_t of = i / 2;
        log_states = i % 2 ? 2 + (unsigned)of : 0;
        s = craft(shapes[of][0], shapes[of][1], 0.9, of % 2 ? -2 : -9, of % 2 ? 0 : 2, of == 3 ? 2 : of == 2 ? 17 : 1);
        for (turn = 0; turn < turns; turn++) {
            size_t n = s.b.bytes, rows, cols, hits = 1 + draw_below(3), head = crc_at(s.b.data, n) + 16;
            block b;
            hrq_status status;
            if (draw_below(8) == 0) n -= draw_below(n / 2);
            b = block_of(n, draw_below(4));
            memcpy(b.data, s.b.data, n);
            for (k = 0; k < hits; k++) { /* the head is where it hurts */
                size_t at = draw_below(draw_below(2) && head < n ? head : n);
                if (draw_below(4)) at = at < 5 && n > 5 ? 5 : at;
                b.data[at] = draw_below(2) ? (uint8_t)draw() : (uint8_t)(b.data[at] ^ 1u << draw_below(8));
            }
            seal(b.data, n);
            status = hrq_stream_shape(b.data, n, &rows, &cols);
            if (status != HRQ_OK) {
                EXPECT(status == HRQ_ERR_DATA || status == HRQ_ERR_VERSION || status == HRQ_ERR_CHECKSUM, "shape: %d",
                       status);
            } else if (rows <= 4096 && cols <= 4096 && rows * cols <= 100000) {
                float *w = floats_of(rows, cols, cols), *v = floats_of(rows, cols, cols);
                size_t need = hrq_mat_from_stream_bytes(b.data, n);
                status = hrq_stream_decode(b.data, n, w, cols, &hooks);
                EXPECT(status == HRQ_OK || status == HRQ_ERR_DATA, "decode: %s", hrq_status_text(status));
                EXPECT((need > 0) == (status == HRQ_OK), "%lu bytes and %s", (unsigned long)need,
                       hrq_status_text(status));
                if (status == HRQ_OK && need) {
                    block d = block_of(need, 0);
                    hrq_mat m;
                    passed++;
                    EXPECT(hrq_mat_from_stream(&m, d.data, need, b.data, n, &hooks) == HRQ_OK, "no matrix");
                    EXPECT(hrq_mat_decode(&m, 0, rows, v, cols) == HRQ_OK && same_bits(v, w, rows * cols),
                           "matrix and stream differ");
                    EXPECT(hrq_mat_check(&m) == HRQ_OK, "check of what from_stream made");
                    free(d.base);
                }
                free(w);
                free(v);
            } else {
                uint8_t data[16];
                hrq_mat m;
                status = hrq_mat_from_stream(&m, data, sizeof data, b.data, n, &hooks);
                EXPECT(status == HRQ_ERR_DATA || status == HRQ_ERR_NOMEM || status == HRQ_ERR_SPACE ||
                           status == HRQ_ERR_UNSUPPORTED,
                       "%lu x %lu: %s", (unsigned long)rows, (unsigned long)cols, hrq_status_text(status));
            }
            EXPECT(live == 0, "%d blocks left", live);
            free(b.base);
        }
        crafted_free(&s);
    }
    log_states = 0;
    printf("# %lu mutants decoded\n", (unsigned long)passed);
    tap_end();
}

/* Bits of a stream's matrix where each column takes all bits that occur in it. */
static size_t whole_bytes(const crafted *s)
{
    hrq__stream head;
    int16_t *z;
    size_t bytes, j, r, most, *full = (size_t *)calloc(s->cols, sizeof *full), i, cols8 = (s->cols + 7) / 8 * 8;
    EXPECT(hrq__stream_load(&head, &z, s->b.data, s->b.bytes, NULL) == HRQ_OK, "load");
    for (j = 0; j < head.live; j++)
        for (r = 0; r < s->rows; r++) {
            int v = z[j * s->rows + r], bits = 0;
            while (v && (v < -(1 << bits) / 2 || v > ((1 << bits) - 1) / 2)) bits++;
            if ((size_t)bits > full[head.column[j]]) full[head.column[j]] = (size_t)bits;
        }
    for (i = 1; i < s->cols; i++) /* in order */
        for (j = i; j > 0 && full[j] < full[j - 1]; j--) {
            most = full[j];
            full[j] = full[j - 1];
            full[j - 1] = most;
        }
    bytes = (32 + 8 * s->cols + (s->cols + 31) / 32 + 63) / 64 * 64;
    for (i = 0; i < s->cols; i += 32)
        bytes += (cols8 - i < 32 ? cols8 - i : 32) * 2 * full[i + 31 < s->cols ? i + 31 : s->cols - 1] * ((s->rows + 15) / 16);
    hrq__stream_free(&head, NULL);
    free(z);
    free(full);
    return bytes;
}

/* Values that a column's width does not hold lie apart. */
static void test_escapes(void)
{
    static const size_t shapes[][2] = {{500, 40}, {1200, 9}, {640, 130}};
    static const double steps[] = {0, -2, -5};
    size_t i, t, apart = 0, turn, wrong = 0;
    tap_begin("sic: values apart where that is less, at corners and borders; products; forged lists");
    for (i = 0; i < 3; i++)
        for (t = 0; t < 3; t++) {
            crafted s = craft(shapes[i][0], shapes[i][1], 0.9, steps[t], 0, i == 1 ? 34 : 32);
            size_t need = hrq_mat_from_stream_bytes(s.b.data, s.b.bytes), whole = whole_bytes(&s), list;
            block b = block_of(need, 0), c = block_of(need, 0);
            float *w = floats_of(s.rows, s.cols, s.cols);
            char what[60];
            hrq_mat m, got;
            hrq__view v;
            sprintf(what, "%lu x %lu, step 2^%g", (unsigned long)s.rows, (unsigned long)s.cols, steps[t]);
            good(&s, what);
            EXPECT(need <= whole, "%s: %lu bytes, %lu with none apart", what, (unsigned long)need, (unsigned long)whole);
            EXPECT(hrq_mat_from_stream(&m, b.data, need, s.b.data, s.b.bytes, NULL) == HRQ_OK, "%s: from stream", what);
            EXPECT(hrq__view_open(&v, &m) == HRQ_OK, "view");
            if (!v.escapes) EXPECT(need == whole, "%s: %lu bytes and nothing apart", what, (unsigned long)need);
            apart += v.escapes != NULL;
            list = v.escapes ? (size_t)(v.escapes - b.data) : need;
            for (turn = 0; turn < 12 && v.escapes; turn++) { /* a bit of the list; two entries changed over; its number */
                size_t first = list + hrq__escapes_bytes(s.rows, 0);
                int two = hrq__get32(v.escapes + 4) >= 2; /* in the first panel */
                hrq_status wrap, check = HRQ_OK;
                memcpy(c.data, b.data, need);
                if (turn < 9) c.data[list + draw_below(need - list)] ^= (uint8_t)(1u << draw_below(8));
                if (turn == 9) c.data[first - 4] ^= (uint8_t)(1 + draw_below(255));
                if (turn >= 10 && two) memcpy(c.data + first + 6, b.data + first, 6);
                if (turn == 11 && two) memcpy(c.data + first, b.data + first + 6, 6);
                wrap = hrq_mat_wrap(&got, &m.format, s.rows, s.cols, 0, c.data, need);
                if (wrap == HRQ_OK) {
                    check = hrq_mat_check(&got);
                    EXPECT(check == HRQ_OK || check == HRQ_ERR_DATA, "%s: %s", what, hrq_status_text(check));
                    hrq_mat_decode(&got, 0, s.rows, w, s.cols);
                    sic_products(&got, 1);
                    sic_products(&got, 5);
                }
                wrong += wrap != HRQ_OK || check != HRQ_OK;
                EXPECT(turn < 9 || (turn > 9 && !two) || wrap != HRQ_OK || check != HRQ_OK || got.bytes != need,
                       "%s: change %lu", what, (unsigned long)turn);
            }
            free(b.base);
            free(c.base);
            free(w);
            crafted_free(&s);
        }
    EXPECT(apart >= 6 && wrong > 4 * apart, "%lu matrices with values apart, %lu of their changes seen",
           (unsigned long)apart, (unsigned long)wrong);
    tap_end();
}

/* A sic matrix is bytes too: wrap and check must refuse what would be read outside. */
static void test_sic_damage(void)
{
    size_t turn, turns = effort == 2 ? 20000 : effort ? 2000 : 300, need, refusals = 0;
    crafted s = craft(20, 40, 0.9, -3, 0, 18);
    hrq_mat m;
    block b, c;
    float *v = floats_of(20, 40, 40);
    tap_begin("damaged sic matrices: wrap, check, decode stay inside");
    need = hrq_mat_from_stream_bytes(s.b.data, s.b.bytes);
    b = block_of(need, 0);
    EXPECT(hrq_mat_from_stream(&m, b.data, need, s.b.data, s.b.bytes, NULL) == HRQ_OK, "from stream");
    for (turn = 0; turn < turns; turn++) {
        size_t n = draw_below(4) ? need : draw_below(need + 1),
               at = draw_below(draw_below(2) ? 32 + 8 * 40 + 64 : need);
        hrq_mat got;
        hrq_status status;
        c = block_of(n, 1);
        memcpy(c.data, b.data, n);
        if (at < n) c.data[at] ^= (uint8_t)(1u << draw_below(8));
        status = hrq_mat_wrap(&got, &m.format, 20, 40, 0, c.data, n);
        if (status == HRQ_OK) {
            hrq_mat_check(&got);
            EXPECT(hrq_mat_decode(&got, 0, 20, v, 40) == HRQ_OK, "wrapped, but not decoded");
        } else {
            refusals++;
            EXPECT(status == HRQ_ERR_DATA || status == HRQ_ERR_SPACE || status == HRQ_ERR_VERSION, "wrap: %s",
                   hrq_status_text(status));
        }
        free(c.base);
    }
    EXPECT(refusals > turns / 10, "only %lu refused", (unsigned long)refusals);
    c = block_of(need, 0); /* a column twice: check finds it */
    memcpy(c.data, b.data, need);
    memcpy(c.data + 32 + 4 * 40, c.data + 32 + 4 * 41, 4);
    EXPECT(hrq_mat_wrap(&m, &m.format, 20, 40, 0, c.data, need) != HRQ_OK || hrq_mat_check(&m) == HRQ_ERR_DATA,
           "a column twice");
    free(c.base);
    free(b.base);
    free(v);
    crafted_free(&s);
    tap_end();
}

/* ---- statuses, memory ---- */

static void test_statuses(void)
{
    crafted s = craft(9, 7, 0.9, -2, 0, 0);
    float w[9 * 8];
    hrq_mat m;
    uint8_t *p = s.b.data;
    size_t n = s.b.bytes, need = hrq_mat_from_stream_bytes(p, n), r, c;
    int fail, done;
    ledger l;
    hrq_hooks h;
    block b = block_of(need, 0);
    hrq_format f;
    tap_begin("statuses of the readers; an allocator that fails at each block in turn");
    EXPECT(hrq_stream_shape(NULL, n, &r, &c) == HRQ_ERR_ARG, "shape of NULL");
    EXPECT(hrq_stream_decode(NULL, n, w, 7, NULL) == HRQ_ERR_ARG, "decode of NULL");
    EXPECT(hrq_stream_decode(p, n, NULL, 7, NULL) == HRQ_ERR_ARG, "decode into NULL");
    EXPECT(hrq_stream_decode(p, n, w, 6, NULL) == HRQ_ERR_SHAPE, "ldw");
    EXPECT(hrq_mat_from_stream(NULL, b.data, need, p, n, NULL) == HRQ_ERR_ARG, "mat NULL");
    EXPECT(hrq_mat_from_stream(&m, NULL, need, p, n, NULL) == HRQ_ERR_ARG, "data NULL");
    EXPECT(hrq_mat_from_stream(&m, b.data, need, NULL, n, NULL) == HRQ_ERR_ARG, "stream NULL");
    EXPECT(hrq_mat_from_stream(&m, b.data, 0, p, n, NULL) == HRQ_ERR_SPACE, "no room");
    EXPECT(hrq_mat_from_stream_bytes(NULL, n) == 0 && hrq_mat_from_stream_bytes(p, 0) == 0, "sizes of nothing");
    EXPECT(hrq_stream_shape(p, 0, &r, &c) == HRQ_ERR_DATA, "no bytes");
    p[4] = 6;
    EXPECT(hrq_stream_shape(p, n, &r, &c) == HRQ_ERR_VERSION, "version 6");
    p[4] = 1;
    EXPECT(hrq_stream_shape(p, n, &r, &c) == HRQ_ERR_VERSION, "version 1");
    p[4] = 2;
    p[n - 1] ^= 1;
    EXPECT(hrq_stream_shape(p, n, &r, &c) == HRQ_ERR_CHECKSUM, "last byte");
    p[n - 1] ^= 1;
    p[0] = 'H';
    EXPECT(hrq_stream_shape(p, n, &r, &c) == HRQ_ERR_DATA, "magic");
    p[0] = 'h';
    EXPECT(hrq_format_parse(&f, "sic") == HRQ_OK && hrq_mat_bytes(&f, 9, 7) == 0, "sic has no size of its own");
    EXPECT(hrq_mat_init(&m, &f, 9, 7, 0, b.data, need) == HRQ_ERR_UNSUPPORTED, "init of sic");
    for (fail = 1, done = 0; fail < 50 && !done; fail++) {
        hrq_status status;
        int same = 1;
        h = ledger_hooks(&l, fail);
        memset(w, 0x5a, sizeof w);
        status = hrq_stream_decode(p, n, w, 8, &h);
        done = status == HRQ_OK;
        for (r = 0; r < 9 * 8 && !done; r++) same &= hrq__bits_of(w[r]) == 0x5a5a5a5au;
        EXPECT((done || status == HRQ_ERR_NOMEM) && same && l.live == 0, "decode, block %d: %s, %d left", fail,
               hrq_status_text(status), l.live);
    }
    EXPECT(done && fail > 3, "decode took %d blocks", fail - 2);
    for (fail = 1, done = 0; fail < 50 && !done; fail++) {
        hrq_status status;
        int same = 1;
        h = ledger_hooks(&l, fail);
        memset(b.data, 0xa5, need);
        memset(&m, 0x3c, sizeof m);
        status = hrq_mat_from_stream(&m, b.data, need, p, n, &h);
        done = status == HRQ_OK;
        for (r = 0; r < need && !done; r++) same &= b.data[r] == 0xa5;
        EXPECT((done || (status == HRQ_ERR_NOMEM && m.rows == (size_t)0x3c3c3c3c3c3c3c3cu)) && same && l.live == 0,
               "from_stream, block %d: %s, %d left", fail, hrq_status_text(status), l.live);
    }
    EXPECT(done && fail > 4, "from_stream took %d blocks", fail - 2);
    EXPECT(hrq_mat_encode(&m, 0, 1, w, 7, NULL) == HRQ_ERR_UNSUPPORTED, "encode into sic");
    EXPECT(hrq_gptq(&m, w, 7, NULL, 0, NULL, NULL, NULL) == HRQ_ERR_UNSUPPORTED, "gptq into sic");
    free(b.base);
    crafted_free(&s);
    tap_end();
}

/* ---- products ---- */

/* Rounding of a float sum of n products and a scale or two: (n + 4) half units of the sum of magnitudes. */
static double slack(size_t n, double magnitude) { return ((double)n + 4) * 0x1p-24 * magnitude + 1e-30; }

static void product(size_t rows, size_t cols, double rho, double log_a, int kind)
{
    enum { N = 3 };
    crafted s = craft(rows, cols, rho, log_a, 0, kind), s2 = craft(rows + 1, cols, rho, log_a - 0.3, 0, kind);
    size_t need = hrq_mat_from_stream_bytes(s.b.data, s.b.bytes), t, r, k, ldy = rows + 2, i, j;
    block b = block_of(need, 1), b2 = block_of(hrq_mat_from_stream_bytes(s2.b.data, s2.b.bytes), 0),
          b3 = block_of(need, 0), other, room;
    hrq_mat m, m2, m3, o;
    float *x = floats_of(N, cols, cols), *p = floats_of(N, rows, rows), *y = floats_of(N, rows, ldy),
          *yt = floats_of(N, cols, cols), *ow, *c;
    hrq_act *act;
    int kindof;
    static const char *const others[] = {"f32", "int8", "int4:g32", "e8:q16:k4", "sic"};
    EXPECT(hrq_mat_from_stream(&m, b.data, b.bytes, s.b.data, s.b.bytes, NULL) == HRQ_OK, "from stream");
    EXPECT(hrq_mat_from_stream(&m2, b2.data, b2.bytes, s2.b.data, s2.b.bytes, NULL) == HRQ_OK, "from stream");
    EXPECT(hrq_mat_from_stream(&m3, b3.data, b3.bytes, s.b.data, s.b.bytes, NULL) == HRQ_OK, "from stream");
    fill_gauss(x, N * cols, 1.0);
    fill_gauss(p, N * rows, 1.0);
    for (kindof = 0; kindof < 2; kindof++) {
        hrq_act_kind kinds = kindof ? HRQ_ACT_F32 : HRQ_ACT_INT8;
        room = block_of(hrq_act_bytes(&m, N, kinds), 1);
        EXPECT(hrq_act_prepare(&act, room.data, room.bytes, &m, kinds, x, N, cols) == HRQ_OK, "prepare");
        EXPECT(hrq_act_fits(act, &m) == 1 && hrq_act_fits(act, &m3) == 1, "does not fit its own matrix");
        if (s.dead < cols) EXPECT(hrq_act_fits(act, &m2) == 0, "fits a matrix with other steps");
        EXPECT(hrq_mul(&m, act, y, ldy, 0, rows, NULL) == HRQ_OK, "mul");
        for (t = 0; t < N; t++) {
            double top = 0;
            for (k = 0; k < cols; k++) {
                float step = hrq__float_of(hrq__get32(b.data + 32 + 4 * k));
                double f = fabs((double)x[t * cols + k] * (double)step);
                top = f > top ? f : top;
            }
            for (r = 0; r < rows; r++) {
                double sum = 0, mag = 0, codes = 0, most;
                for (k = 0; k < cols; k++) {
                    double step = (double)hrq__float_of(hrq__get32(b.data + 32 + 4 * k)),
                           v = (double)s.wanted[r * cols + k];
                    sum += v * (double)x[t * cols + k];
                    mag += fabs(v * (double)x[t * cols + k]);
                    codes += step != 0 ? fabs(v / step) : 0;
                }
                /* int8: each folded activation is half a scale off, top / 127 / 2, and a unit of the scale's own rounding */
                most = slack(cols + 4, mag) + (kindof ? 0.0 : codes * top / 254 * 1.0001 + 2e-7 * mag);
                EXPECT(fabs((double)y[t * ldy + r] - sum) <= most, "%lu x %lu, %s: %g, wanted %g, allowed %g",
                       (unsigned long)rows, (unsigned long)cols, kindof ? "f32" : "int8", (double)y[t * ldy + r], sum,
                       most);
            }
        }
        free(room.base);
    }
    EXPECT(hrq_mul_t(&m, p, N, rows, 0, rows, yt, cols) == HRQ_OK, "mul_t");
    for (t = 0; t < N; t++)
        for (k = 0; k < cols; k++) {
            double sum = 0, mag = 0;
            for (r = 0; r < rows; r++) {
                sum += (double)p[t * rows + r] * (double)s.wanted[r * cols + k];
                mag += fabs((double)p[t * rows + r] * (double)s.wanted[r * cols + k]);
            }
            EXPECT(fabs((double)yt[t * cols + k] - sum) <= slack(rows, mag), "mul_t: %g, wanted %g",
                   (double)yt[t * cols + k], sum);
        }
    for (i = 0; i < sizeof others / sizeof *others; i++) {
        size_t orows = i == 4 ? rows + 1 : 19;
        int side;
        float *w = floats_of(orows, cols, cols);
        ow = floats_of(orows, cols, cols);
        fill_gauss(w, orows * cols, 1.0);
        memset(&other, 0, sizeof other);
        if (i == 4) o = m2;
        else o = mat_of(&other, others[i], orows, cols, 0, w, cols);
        EXPECT(hrq_mat_decode(&o, 0, orows, ow, cols) == HRQ_OK, "decode");
        for (side = 0; side < 2; side++) {
            const hrq_mat *left = side ? &o : &m, *right = side ? &m : &o;
            const float *lw = side ? ow : s.wanted, *rw = side ? s.wanted : ow;
            c = floats_of(left->rows, right->rows, right->rows);
            EXPECT(hrq_mul_mat(left, right, c, right->rows, 0, left->rows) == HRQ_OK, "mul_mat with %s", others[i]);
            for (r = 0; r < left->rows; r++)
                for (j = 0; j < right->rows; j++) {
                    double sum = 0, mag = 0;
                    for (k = 0; k < cols; k++) {
                        sum += (double)lw[r * cols + k] * (double)rw[j * cols + k];
                        mag += fabs((double)lw[r * cols + k] * (double)rw[j * cols + k]);
                    }
                    /* each factor is a product of code and step (or scales) itself: a few half units more a term */
                    EXPECT(fabs((double)c[r * right->rows + j] - sum) <= slack(cols + 4, mag),
                           "sic %s %s: %g, wanted %g, allowed %g", side ? "right of" : "left of", others[i],
                           (double)c[r * right->rows + j], sum, slack(cols + 4, mag));
                }
            free(c);
        }
        if (i < 4) free(other.base);
        free(w);
        free(ow);
    }
    free(b.base);
    free(b2.base);
    free(b3.base);
    free(x);
    free(p);
    free(y);
    free(yt);
    crafted_free(&s);
    crafted_free(&s2);
}

static void test_products(void)
{
    tap_begin("products with sic matrices against doubles");
    product(1, 1, 0.0, -3, 0);
    product(3, 5, 0.9, -1, 0);
    product(33, 40, 0.9, -2, 2);
    product(17, 130, 0.9, -4, 1);
    product(16, 32, 0.0, -9, 0);
    product(20, 9, 0.5, -12, 0);
    product(5, 6, 0.0, 0, 4);
    if (effort) product(130, 257, 0.9, -2, 0);
    tap_end();
}

int main(void)
{
    effort = test_setup();
    test_mathematics();
    test_models();
    test_gain();
    test_round_trip();
    test_length();
    test_streams();
    test_trellis_streams();
    test_trellis_definition();
    test_laps();
    test_whole_path();
    test_damage();
    test_mutations();
    test_escapes();
    test_sic_damage();
    test_statuses();
    test_products();
    return tap_finish();
}
