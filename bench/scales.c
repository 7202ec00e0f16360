/* scales.c: search the block scales of Voronoi codes: the tables of hrq.h [8i] that hrq__voronoi_of reads.

       make -C bench scales            C tables, then dB on fresh blocks beside the tables that hrq.h has now
       make -C bench scales BLOCKS=n   n training blocks instead of 8192

   For q up to 4, 16, 64, 256 (bands 0 ... 3) and each number k of scales: integer multiples of a common step, one
   set for all lattices; and for each lattice and ceil(log2 q) the reach beta_k q in sixteenths of the row's root mean
   square: a larger q has a smaller error inside the cell, so the cell must reach further out into the tail.

   1  A problem is a lattice and a q. err[g][b]: squared error of training block b at beta q = grid[g], a log grid,
      squeezed where the block is outside the cell but near it; far outside, minus the error when squeezed, which
      counts where the scale is the largest of a set.
   2  Real-valued sets for each problem alone: greedy growth, then one scale after the other becomes the best until
      none moves. They are the bound that the report prints, and where integer search starts.
   3  Integer sets. Goal: dB at the best reach of each problem, averaged over the q of the band, powers of two most,
      E8 as much as the other two lattices. k <= 4: every set up to a largest multiple; else the same descent under
      several largest multiples, from a real-valued set and geometric ones; the smallest within SLACK of the best.
   4  The reach of least error over the q that share it.
   Blocks are drawn with importance weights: at q = 256 a block in a million decides. The least-squares scale of a
   row, which comes after all this, gains these sets 0.01 dB at most, and does not enter. */
#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    GRID = 128, /* 1.5 ... 12 sigma in steps of 1.65 %           */
    COARSE = 2, /* grid points a step when a reach is sought     */
    LATTICES = 3,
    BANDS = 4,
    RATES = 6,    /* values of q a band, at most                  */
    KMAX = 16,    /* scales a block                                */
    TEST = 16384, /* fresh blocks of the report                    */
    KEEP = 64     /* integer sets that one search compares         */
};
#define FAR   1e30f
#define SLACK 0.005 /* dB */

typedef struct problem {
    int lattice, q;
    float *err; /* [GRID][blocks], times the block's weight */
} problem;

typedef struct set {
    int k, at[KMAX]; /* scales as grid indices */
    int16_t multiple[KMAX];
    double goal;
} set;

/* Multiples; by lattice and ceil(log2 q) - 2 the reach in sixteenths. */
typedef struct row {
    set s;
    int reach[LATTICES][7];
} row;

/* by lattice as hrq.h counts them */
static const char *const names[LATTICES] = {"zn", "d4", "e8"};
static const double weight[LATTICES] = {0.25, 0.25, 0.5};
static const int goal_q[BANDS][RATES] = {{3, 4}, {5, 6, 8, 11, 12, 16}, {24, 32, 48, 64}, {128, 256}};
static const int rates[BANDS] = {2, 6, 4, 2};
/* Largest multiple for k <= 4. Values shall fit in int8 at q <= 16, or the clamp at 127 cost little. */
static const int narrow[BANDS] = {15, 8, 16, 16};

static problem problems[BANDS][LATTICES][RATES];
static size_t blocks = 8192;
static float *train, *test, *train_weight, *test_weight; /* [blocks][8], [TEST][8], [blocks], [TEST] */
static float *least, *held;                              /* [blocks]: see rest_of                   */
static double grid[GRID];

static void die(const char *text)
{
    fprintf(stderr, "scales: %s\n", text);
    exit(1);
}

static float *floats(size_t count)
{
    float *p = (float *)malloc(count * sizeof *p);
    if (!p) die("out of memory");
    return p;
}

/* Blocks of 8 iid N(0,1), tails included: block b is widened by one of three factors, its weight is the density of
   N(0,1) over that of the mixture, scaled so that weights average 1. */
static float *gauss(size_t count, uint64_t seed, float **weights)
{
    static const double wide[4] = {1.0, 1.0, 1.3, 1.7};
    float *x = floats(8 * count), *w = floats(count);
    double total = 0.0;
    for (size_t b = 0; b < count; b++) {
        double square = 0.0, mixture = 0.0;
        for (size_t i = 0; i < 8; i += 2) {
            double u = ((double)(hrq__random(seed, 8 * b + i) >> 11) + 0.5) / 9007199254740992.0;
            double v = (double)(hrq__random(seed, 8 * b + i + 1) >> 11) / 9007199254740992.0 * 6.283185307179586;
            double r = wide[b % 4] * sqrt(-2.0 * log(u));
            x[8 * b + i] = (float)(r * cos(v));
            x[8 * b + i + 1] = (float)(r * sin(v));
            square += r * r;
        }
        for (int j = 0; j < 4; j++)
            mixture += 0.25 * exp(0.5 * square * (1.0 - 1.0 / (wide[j] * wide[j])) - 8.0 * log(wide[j]));
        w[b] = (float)(1.0 / mixture);
        total += 1.0 / mixture;
    }
    for (size_t b = 0; b < count; b++) w[b] *= (float)((double)count / total);
    *weights = w;
    return x;
}

/* The code that hrq.h has now. */
static hrq__voronoi present(const problem *p, int k)
{
    char name[32];
    hrq_format f;
    sprintf(name, "%s:q%d:k%d", names[p->lattice], p->q, k);
    if (hrq_format_parse(&f, name) != HRQ_OK) die(name);
    return hrq__voronoi_of(&f);
}

/* The largest integer of a code whose largest multiple is `top`; whether it is clamped all the same. */
static int largest(const problem *p, int top)
{
    return (p->lattice == HRQ__LATTICE_ZN ? (p->q + 1) / 2 : p->lattice == HRQ__LATTICE_E8 ? 2 * p->q : p->q) * top;
}

static int clamps(const problem *p, int k, int top) { return largest(p, top) > 127 && p->q <= 16 && k <= 4; }

/* The code of a set of scales; the same arithmetic as hrq__voronoi_of. */
static hrq__voronoi code_of(const problem *p, int k, const int16_t *multiple, double reach)
{
    hrq__voronoi c = present(p, k);
    int top = multiple[k - 1], twice = p->lattice == HRQ__LATTICE_E8 ? 2 : 1;
    c.multiple = multiple;
    c.clamp = (int16_t)(largest(p, top) <= 127 || clamps(p, k, top) ? 127 : 32767);
    c.step = (float)reach / (float)(c.q * top * twice);
    for (int t = 0; t < k; t++) c.beta[t] = (float)reach * (float)multiple[t] / (float)(c.q * top);
    return c;
}

static int bits_of(int q) { return (int)hrq__bits_for((unsigned)q); }

static int band_of(int q) { return (bits_of(q) - 1) / 2; }

/* Powers of two are what most formats have. */
static double weight_of(int q) { return q & (q - 1) ? 1.0 : 4.0; }

static double share_of(int band, int r)
{
    double sum = 0.0;
    for (int i = 0; i < rates[band]; i++) sum += weight_of(goal_q[band][i]);
    return weight_of(goal_q[band][r]) / sum;
}

static double db(double error) { return -10.0 * log10(error); }

static double square_error(const hrq__voronoi *c, const float *x, const int32_t *value)
{
    double sum = 0.0;
    for (int i = 0; i < 8; i++) {
        double e = (double)x[i] - (double)value[i] * (double)c->step;
        sum += e * e;
    }
    return sum;
}

/* dB on x[count][8], best fit: hrq__voronoi_encode as the library runs it. */
static double measure(const hrq__voronoi *c, const float *x, const float *weights, size_t count)
{
    double sum = 0.0;
    hrq__voronoi_block out;
    for (size_t b = 0; b < count; b++, x += 8) {
        hrq__voronoi_encode(c, x, NULL, &out);
        sum += square_error(c, x, out.value) * (double)weights[b];
    }
    return db(sum / (8.0 * (double)count));
}

/* Step 1. Blocks far outside are not refined: they matter only to sets that are no good. */
static void fill(problem *p, int lattice, int q)
{
    static const int16_t one[1] = {1};
    hrq__voronoi_block out;
    int32_t y[8];
    p->lattice = lattice;
    p->q = q;
    p->err = floats(GRID * blocks);
    for (int g = 0; g < GRID; g++) {
        hrq__voronoi c = code_of(p, 1, one, grid[g]);
        c.clamp = 32767;
        for (size_t b = 0; b < blocks; b++) {
            const float *x = train + 8 * b;
            int inside = hrq__voronoi_try(&c, 0, x, NULL, y, &out);
            double gauge = (double)hrq__lattice_gauge(lattice, x);
            if (inside || gauge > 1.6 * grid[g]) {
                if (!inside) hrq__voronoi_squeeze(&c, 0, x, NULL, y, &out);
                hrq__voronoi_error(&c, 0, x, NULL, y, out.value);
            } else {
                hrq__voronoi_encode(&c, x, NULL, &out);
            }
            inside = inside || hrq__voronoi_near(&c, 0, x);
            float e = (float)square_error(&c, x, out.value) * train_weight[b];
            p->err[(size_t)g * blocks + b] = inside ? e : -e;
        }
    }
}

/* least[b]: error of the set without member `skip`; held[b]: the same with the squeeze of its largest scale. Gives
   the grid index of that scale, -1 of an empty set. */
static int rest_of(const problem *p, const set *s, int skip)
{
    int last = -1;
    for (size_t b = 0; b < blocks; b++) least[b] = FAR;
    for (int t = 0; t < s->k; t++) {
        if (t == skip) continue;
        const float *e = p->err + (size_t)s->at[t] * blocks;
        last = s->at[t] > last ? s->at[t] : last;
        for (size_t b = 0; b < blocks; b++) {
            float v = e[b] < 0.0f ? FAR : e[b];
            least[b] = v < least[b] ? v : least[b];
        }
    }
    for (size_t b = 0; b < blocks; b++)
        held[b] = least[b] >= FAR && last >= 0 ? -p->err[(size_t)last * blocks + b] : least[b];
    return last;
}

/* dB with grid[g] beside the set that rest_of saw. */
static double db_with(const problem *p, int g, int last)
{
    const float *e = p->err + (size_t)g * blocks, *rest = g > last ? least : held;
    float part[16] = {0}, outside = g > last ? -1.0f : -FAR;
    double sum = 0.0;
    for (size_t b = 0; b < blocks; b += 16)
        for (size_t l = 0; l < 16; l++) {
            float v = e[b + l] < 0.0f ? (outside == -1.0f ? -e[b + l] : FAR) : e[b + l];
            part[l] += v < rest[b + l] ? v : rest[b + l];
        }
    for (int l = 0; l < 16; l++) sum += (double)part[l];
    return db(sum / (8.0 * (double)blocks));
}

/* Step 2: from the best real set of k - 1 scales to that of k. */
static void grow(const problem *p, set *s)
{
    int moved, best = 0, last = rest_of(p, s, -1);
    double top = -FAR;
    for (int g = 0; g < GRID; g++) {
        double d = db_with(p, g, last);
        best = d > top ? g : best;
        top = d > top ? d : top;
    }
    s->at[s->k++] = best;
    do {
        moved = 0;
        for (int t = 0; t < s->k; t++) {
            last = rest_of(p, s, t);
            s->goal = db_with(p, s->at[t], last);
            for (int g = 0; g < GRID; g++) {
                double d = db_with(p, g, last);
                if (d < s->goal + 1e-5) continue;
                s->goal = d;
                s->at[t] = g;
                moved = 1;
            }
        }
    } while (moved);
    for (int i = 1; i < s->k; i++)
        for (int j = i; j > 0 && s->at[j - 1] > s->at[j]; j--) {
            int t = s->at[j];
            s->at[j] = s->at[j - 1];
            s->at[j - 1] = t;
        }
}

static int nearest(double reach)
{
    double g = log(reach / grid[0]) / log(grid[1] / grid[0]);
    return g <= 0.0 ? 0 : g >= GRID - 1 ? GRID - 1 : (int)(g + 0.5);
}

/* A clamp at 127 steps adds what a Gaussian has beyond it: 2 ((1 + c^2) Q(c) - c phi(c)). */
static double clamped(const problem *p, const set *s, double reach, double gain)
{
    int top = s->multiple[s->k - 1];
    double c = 127.0 * reach / (p->q * top * (p->lattice == HRQ__LATTICE_E8 ? 2 : 1));
    if (!clamps(p, s->k, top)) return gain;
    return db(pow(10.0, -0.1 * gain) + (1.0 + c * c) * erfc(c * 0.7071067811865476) -
              2.0 * c * 0.3989422804014327 * exp(-0.5 * c * c));
}

static void place(set *s, double reach)
{
    for (int t = 0; t < s->k; t++) s->at[t] = nearest(reach * s->multiple[t] / s->multiple[s->k - 1]);
}

static double db_of(const problem *p, set *s, double reach)
{
    place(s, reach);
    int last = rest_of(p, s, s->k - 1);
    return clamped(p, s, reach, db_with(p, s->at[s->k - 1], last));
}

/* Grid index of a problem's best reach, between 3 and 12 sigma. */
static int best_reach(const problem *p, set *s, double *gain)
{
    int best = GRID - 1;
    *gain = -FAR;
    for (int g = nearest(3.0); g < GRID; g += COARSE) {
        double d = db_of(p, s, grid[g]);
        best = d > *gain ? g : best;
        *gain = d > *gain ? d : *gain;
    }
    return best;
}

/* Goal of step 3. */
static double goal_of(int band, set *s, int reach[LATTICES][RATES])
{
    double sum = 0.0, gain;
    for (int l = 0; l < LATTICES; l++)
        for (int r = 0; r < rates[band]; r++) {
            reach[l][r] = best_reach(&problems[band][l][r], s, &gain);
            sum += weight[l] * share_of(band, r) * gain;
        }
    return sum;
}

/* The next k - 1 multiples below the largest; 0 behind the last choice. */
static int next_choice(set *s)
{
    int t, top = s->multiple[s->k - 1];
    for (t = s->k - 2; t >= 0 && s->multiple[t] == top - (s->k - 1 - t); t--) {}
    if (t < 0) return 0;
    s->multiple[t]++;
    for (t++; t < s->k - 1; t++) s->multiple[t] = (int16_t)(s->multiple[t - 1] + 1);
    return 1;
}

static void sort_multiples(set *s)
{
    for (int i = 1; i < s->k; i++)
        for (int j = i; j > 0 && s->multiple[j - 1] > s->multiple[j]; j--) {
            int16_t m = s->multiple[j];
            s->multiple[j] = s->multiple[j - 1];
            s->multiple[j - 1] = m;
        }
}

/* One multiple after the other becomes the best integer at these reaches until none moves; the largest stays. */
static void descend(int band, set *s, int reach[LATTICES][RATES])
{
    int moved, top = s->multiple[s->k - 1], least_m = (top + 4) / 5;
    do {
        moved = 0;
        for (int t = 0; t < s->k - 1; t++) {
            double goal[64] = {0};
            int best = s->multiple[t];
            for (int l = 0; l < LATTICES; l++)
                for (int r = 0; r < rates[band]; r++) {
                    const problem *p = &problems[band][l][r];
                    double far = grid[reach[l][r]];
                    place(s, far);
                    int last = rest_of(p, s, t);
                    for (int m = least_m; m < top; m++)
                        goal[m] += weight[l] * share_of(band, r) * db_with(p, nearest(far * m / top), last);
                }
            for (int m = least_m; m < top; m++) {
                int used = 0;
                for (int u = 0; u < s->k - 1; u++) used |= u != t && s->multiple[u] == m;
                if (!used && (best < least_m || goal[m] > goal[best] + 1e-5)) best = m;
            }
            moved |= best != s->multiple[t];
            s->multiple[t] = (int16_t)best;
        }
    } while (moved);
    sort_multiples(s);
}

/* Rounded multiples of ascending shares of the largest, all different. */
static void round_set(set *s, int k, const double *share, int top)
{
    memset(s, 0, sizeof *s);
    s->k = k;
    s->multiple[k - 1] = (int16_t)top;
    for (int t = k - 2; t >= 0; t--) {
        int m = (int)(share[t] * top + 0.5);
        s->multiple[t] = (int16_t)(m >= s->multiple[t + 1] ? s->multiple[t + 1] - 1 : m);
    }
    for (int t = 0; t < k - 1; t++)
        if (s->multiple[t] < t + 1) s->multiple[t] = (int16_t)(t + 1);
}

/* Step 3, k <= 4. */
static set search_all(int band, int k)
{
    set s, best;
    int reach[LATTICES][RATES];
    memset(&best, 0, sizeof best);
    best.goal = -FAR;
    for (int top = k; top <= narrow[band]; top++) {
        memset(&s, 0, sizeof s);
        s.k = k;
        s.multiple[k - 1] = (int16_t)top;
        for (int t = 0; t < k - 1; t++) s.multiple[t] = (int16_t)(t + 1);
        do {
            if (k > 1 && 10 * s.multiple[0] < 3 * top) continue; /* scales that far apart never won */
            s.goal = goal_of(band, &s, reach);
            if (s.goal > best.goal + SLACK) best = s;
        } while (next_choice(&s));
    }
    return best;
}

/* Step 3, any k. */
static set search(int band, const set *real)
{
    static const int tops[] = {10, 12, 15, 20, 25, 32};
    static const double lowest[] = {0.3, 0.4, 0.5};
    set found[KEEP], s;
    double share[KMAX], best = -FAR, here = -FAR;
    int reach[LATTICES][RATES], k = real->k, count = 0, i;
    if (k <= 4) return search_all(band, k);
    for (i = 0; i < (int)(sizeof tops / sizeof tops[0]); i++)
        for (int start = 0; start < 4 && tops[i] >= k + 2; start++) {
            for (int t = 0; t < k; t++)
                share[t] =
                    start == 3 ? grid[real->at[t]] / grid[real->at[k - 1]] : pow(lowest[start], 1.0 - t / (k - 1.0));
            round_set(&s, k, share, tops[i]);
            for (int turn = 0; turn < 2; turn++) {
                goal_of(band, &s, reach);
                descend(band, &s, reach);
            }
            s.goal = goal_of(band, &s, reach);
            best = s.goal > best ? s.goal : best;
            found[count++] = s;
        }
    printf("  k %2d, goal by largest multiple:", k);
    for (i = 0; i < count; i++) {
        int last = i + 1 == count || found[i + 1].multiple[k - 1] != found[i].multiple[k - 1];
        here = found[i].goal > here ? found[i].goal : here;
        if (!last) continue;
        printf("  %d: %.3f", found[i].multiple[k - 1], here);
        here = -FAR;
    }
    printf("\n");
    for (i = 0; found[i].goal < best - SLACK; i++) {}
    return found[i];
}

/* Step 4. A reach and its neighbours are averaged: less noise. */
static void fit_reach(int band, int l, row *r)
{
    for (int bits = band ? 2 * band + 1 : 2; bits <= 2 * band + 2; bits++) {
        double best = -FAR;
        for (int reach = 32; reach <= 184; reach++) {
            double sum = 0.0;
            for (int i = 0; i < rates[band]; i++)
                for (int near = -1; near <= 1 && bits_of(goal_q[band][i]) == bits; near++)
                    sum +=
                        share_of(band, i) * db_of(&problems[band][l][i], &r->s, reach / 16.0 * (1.0 + 0.02 * near));
            if (sum <= best) continue;
            best = sum;
            r->reach[l][bits - 2] = reach;
        }
    }
}

static double reach_of(const row *r, const problem *p) { return r->reach[p->lattice][bits_of(p->q) - 2] / 16.0; }

/* Words in braces, on lines of at most 118 characters. */
static int put(int at, const char *text, int indent)
{
    int length = (int)strlen(text);
    if (at > indent && at + 1 + length > 118) printf("\n%*s", at = indent, "");
    else at += at > indent ? printf(" ") : 0;
    printf("%s", text);
    return at + length;
}

static void print_tables(row table[BANDS][KMAX])
{
    char text[128];
    printf("\nstatic const int16_t hrq__voronoi_multiple[4][16][16] = {\n");
    for (int band = 0; band < BANDS; band++) {
        int at = printf("    {");
        for (int k = 1; k <= KMAX; k++) {
            int length = sprintf(text, "{%d", table[band][k - 1].s.multiple[0]);
            for (int t = 1; t < k; t++) length += sprintf(text + length, ", %d", table[band][k - 1].s.multiple[t]);
            sprintf(text + length, k < KMAX ? "}," : band + 1 < BANDS ? "}}," : "}}};");
            at = put(at, text, 5);
        }
        printf("\n");
    }
    printf("static const uint8_t hrq__voronoi_reach[3][16][7] = {\n");
    for (int l = 0; l < LATTICES; l++) {
        int at = printf("    {");
        for (int k = 1; k <= KMAX; k++) {
            int length = sprintf(text, "{");
            for (int bits = 2; bits <= 8; bits++)
                length += sprintf(text + length, "%s%d", bits > 2 ? ", " : "",
                                  table[(bits - 1) / 2][k - 1].reach[l][bits - 2]);
            sprintf(text + length, k < KMAX ? "}," : l + 1 < LATTICES ? "}}," : "}}};");
            at = put(at, text, 5);
        }
        printf("\n");
    }
    fflush(stdout);
}

/* Fresh blocks: the tables of hrq.h, then those found. */
static void compare(int l, row table[BANDS][KMAX])
{
    static const int qs[] = {3, 4, 5, 6, 8, 11, 14, 16, 32, 64, 256}, ks[] = {1, 2, 3, 4, 6, 8, 12, 16};
    printf("\n%s, dB on fresh blocks\n   k  tables   ", names[l]);
    for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++) printf("   q%-4d", qs[i]);
    printf("\n");
    for (size_t j = 0; j < sizeof ks / sizeof ks[0]; j++)
        for (int n = 0; n < 2; n++) {
            printf("  %2d  %-9s", ks[j], n ? "found" : "hrq.h now");
            for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++) {
                const row *r = &table[band_of(qs[i])][ks[j] - 1];
                problem p = {l, qs[i], NULL};
                hrq__voronoi c = n ? code_of(&p, ks[j], r->s.multiple, reach_of(r, &p)) : present(&p, ks[j]);
                printf("  %6.3f", measure(&c, test, test_weight, TEST));
            }
            printf("\n");
            fflush(stdout);
        }
}

/* Step 2: real[band] become the sets of E8 at a middle q. */
static void real_sets(set real[BANDS][KMAX])
{
    printf("Real-valued scales for each problem alone, dB on training blocks\n   k   ");
    for (int k = 1; k <= KMAX; k++) printf(" %6d", k);
    for (int l = 0; l < LATTICES; l++)
        for (int i = 0; i < BANDS * RATES; i++) {
            int band = i / RATES, r = i % RATES;
            set s = {0};
            if (r >= rates[band]) continue;
            printf("\n%s q%-3d", names[l], goal_q[band][r]);
            for (int k = 1; k <= KMAX; k++) {
                grow(&problems[band][l][r], &s);
                printf(" %6.2f", s.goal);
                fflush(stdout);
                if (l == HRQ__LATTICE_E8 && r == rates[band] - 1) real[band][k - 1] = s;
            }
        }
    printf("\n\n");
}

int main(int argc, char **argv)
{
    static set real[BANDS][KMAX];
    static row table[BANDS][KMAX];
    if (argc > 1 && argv[1][0]) blocks = (size_t)strtoul(argv[1], NULL, 10) / 16 * 16;
    if (blocks < 256 || blocks > 1u << 20) die("BLOCKS must lie in 256 ... 1048576");
    train = gauss(blocks, 1, &train_weight);
    test = gauss(TEST, 2, &test_weight);
    least = floats(blocks);
    held = floats(blocks);
    for (int g = 0; g < GRID; g++) grid[g] = 1.5 * pow(8.0, g / (GRID - 1.0));
    for (int band = 0; band < BANDS; band++)
        for (int l = 0; l < LATTICES; l++)
            for (int r = 0; r < rates[band]; r++) fill(&problems[band][l][r], l, goal_q[band][r]);
    real_sets(real);
    for (int band = 0; band < BANDS; band++)
        for (int k = 1; k <= KMAX; k++) {
            row *r = &table[band][k - 1];
            r->s = search(band, &real[band][k - 1]);
            for (int l = 0; l < LATTICES; l++) fit_reach(band, l, r);
        }
    print_tables(table);
    for (int l = 0; l < LATTICES; l++) compare(l, table);
    for (int band = 0; band < BANDS; band++)
        for (int l = 0; l < LATTICES; l++)
            for (int r = 0; r < rates[band]; r++) free(problems[band][l][r].err);
    free(held);
    free(least);
    free(test_weight);
    free(test);
    free(train_weight);
    free(train);
    return 0;
}
