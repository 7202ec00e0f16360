/* scales.c: search the block scales of Voronoi codes: the tables of hrq.h [8i] that hrq__voronoi_of reads.

       make -C bench scales            C tables, then dB on fresh blocks beside the tables that hrq.h has now
       make -C bench scales BLOCKS=n   n training blocks instead of 2048

   Integer multiples of a common step, one set for each number k of scales and both lattices, and the reach beta_k q
   in units of the row's root mean square, base + grow * ceil(log2 q) for each lattice and k: a larger q has a smaller
   error inside the cell, so the cell must reach further out into the tail.

   1  A problem is a lattice and a q. err[g][b]: squared error of training block b at beta q = grid[g], a log grid,
      squeezed where the block is outside the cell but near it; far outside, minus the error when squeezed, which
      counts where the scale is the largest of a set.
   2  Real-valued sets for each problem alone: greedy growth, then one scale after the other becomes the best until
      none moves. They are the bound that the report prints, and where integer search starts.
   3  Integer sets. Goal: dB at the best reach of each problem, averaged over q = 4 ... 64, E8 twice. k <= 4: every
      set up to NARROW; else the same descent under several largest multiples; the smallest within SLACK of the best.
   4  base and grow by the mean dB over all q of goal_q.
   Blocks are drawn with importance weights: at q = 256 a block in a million decides. */
#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    GRID = 192, /* 2 ... 12 sigma in steps of 0.94 %                            */
    COARSE = 3, /* grid points a step when a reach is sought                    */
    RATES = 6,  /* values of q in the goals; the first GOAL choose the integers */
    GOAL = 5,
    KMAX = 16,   /* scales a block                                               */
    NARROW = 7,  /* largest multiple for k <= 4: values stay near int8 at q = 16 */
    TEST = 32768 /* fresh blocks of the report                                   */
};
#define FAR   1e30f
#define SLACK 0.015 /* dB */

typedef struct problem {
    int lattice, q;
    float *err; /* [GRID][blocks], times the block's weight */
} problem;

typedef struct set {
    int k, at[KMAX]; /* scales as grid indices                                 */
    int16_t multiple[KMAX];
    double goal;
} set;

/* Multiples and, for both lattices, base and grow. */
typedef struct row {
    set s;
    float reach[2][2];
} row;

static const double weight[2] = {2.0 / 3.0, 1.0 / 3.0}; /* E8, Z^n: sets of its own gained Z^n under 0.02 dB */
static const int goal_q[RATES] = {4, 8, 14, 16, 64, 256};
static problem problems[2][RATES]; /* 0: E8, 1: Z^n */
static size_t blocks = 2048;
static float *train, *test, *train_weight, *test_weight; /* [blocks][8], [TEST][8], [blocks], [TEST]    */
static float *least, *held;                              /* [blocks]: see rest_of                      */
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

static int clamps(const problem *c, int k, int top)
{
    return (c->lattice == HRQ__LATTICE_E8 ? 2 * c->q : (c->q + 1) / 2) * top > 127 && c->q <= 16 && k <= 4;
}

/* The code of a set of scales; the same arithmetic as hrq__voronoi_of. */
static hrq__voronoi code_of(const problem *p, int k, const int16_t *multiple, double reach)
{
    hrq__voronoi c;
    int top = multiple[k - 1], twice = p->lattice == HRQ__LATTICE_E8 ? 2 : 1;
    int largest = (twice == 2 ? 2 * p->q : (p->q + 1) / 2) * top;
    memset(&c, 0, sizeof c);
    c.lattice = p->lattice;
    c.q = p->q;
    c.half = 1 << (14 - hrq__bits_for((unsigned)c.q) - 1);
    c.k = (unsigned)k;
    c.multiple = multiple;
    c.clamp = (int16_t)(largest <= 127 || clamps(p, k, top) ? 127 : 32767);
    c.step = (float)reach / (float)(c.q * top * twice);
    for (int t = 0; t < k; t++) c.beta[t] = (float)reach * (float)multiple[t] / (float)(c.q * top);
    return c;
}

static double db(double error) { return -10.0 * log10(error); }

/* dB on x[count][8], best fit: hrq__voronoi_encode as the library runs it. */
static double measure(const hrq__voronoi *c, const float *x, const float *weights, size_t count)
{
    double sum = 0.0;
    uint16_t digit[8];
    int32_t value[8];
    unsigned index;
    for (size_t b = 0; b < count; b++, x += 8) {
        double square = 0.0;
        hrq__voronoi_encode(c, x, digit, &index, value);
        for (int i = 0; i < 8; i++) {
            double e = (double)x[i] - (double)value[i] * (double)c->step;
            square += e * e;
        }
        sum += square * (double)weights[b];
    }
    return db(sum / (8.0 * (double)count));
}

/* Step 1. */
static void fill(problem *p, int lattice, int q)
{
    static const int16_t one[1] = {1};
    uint16_t digit[8];
    int32_t y[8], value[8];
    p->lattice = lattice;
    p->q = q;
    p->err = floats(GRID * blocks);
    for (int g = 0; g < GRID; g++) {
        hrq__voronoi c = code_of(p, 1, one, grid[g]);
        c.clamp = 32767;
        for (size_t b = 0; b < blocks; b++) {
            const float *x = train + 8 * b;
            int inside = hrq__voronoi_try(&c, 0, x, digit, y);
            if (!inside) hrq__voronoi_squeeze(&c, 0, x, digit, y);
            inside = inside || hrq__voronoi_near(&c, 0, x);
            float e = hrq__voronoi_error(&c, 0, x, y, value) * train_weight[b];
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
static double goal_of(set *s, int reach[2][GOAL])
{
    double sum = 0.0, gain;
    for (int l = 0; l < 2; l++)
        for (int r = 0; r < GOAL; r++) {
            reach[l][r] = best_reach(&problems[l][r], s, &gain);
            sum += weight[l] * gain / GOAL;
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

/* One multiple after the other becomes the best integer at these reaches until none moves; the largest stays. */
static void descend(set *s, int reach[2][GOAL])
{
    int moved, top = s->multiple[s->k - 1], least_m = (top + 4) / 5;
    do {
        moved = 0;
        for (int t = 0; t < s->k - 1; t++) {
            double goal[64] = {0};
            int best = s->multiple[t];
            for (int l = 0; l < 2; l++)
                for (int r = 0; r < GOAL; r++) {
                    double far = grid[reach[l][r]];
                    place(s, far);
                    int last = rest_of(&problems[l][r], s, t);
                    for (int m = least_m; m < top; m++)
                        goal[m] += weight[l] * db_with(&problems[l][r], nearest(far * m / top), last);
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
    for (int i = 1; i < s->k - 1; i++)
        for (int j = i; j > 0 && s->multiple[j - 1] > s->multiple[j]; j--) {
            int16_t m = s->multiple[j];
            s->multiple[j] = s->multiple[j - 1];
            s->multiple[j - 1] = m;
        }
}

/* Rounded multiples of a real set, all different. */
static void round_set(set *s, const set *real, int top)
{
    int k = real->k;
    memset(s, 0, sizeof *s);
    s->k = k;
    s->multiple[k - 1] = (int16_t)top;
    for (int t = k - 2; t >= 0; t--) {
        int m = (int)(grid[real->at[t]] / grid[real->at[k - 1]] * top + 0.5);
        s->multiple[t] = (int16_t)(m >= s->multiple[t + 1] ? s->multiple[t + 1] - 1 : m);
    }
    for (int t = 0; t < k - 1; t++)
        if (s->multiple[t] < t + 1) s->multiple[t] = (int16_t)(t + 1);
}

/* Step 3. */
static set search(const set *real)
{
    static const int tops[] = {8, 10, 12, 15, 20, 25, 32};
    set found[KMAX], s, best;
    int reach[2][GOAL], k = real->k, count = 0, i;
    memset(&best, 0, sizeof best);
    best.goal = -FAR;
    for (int top = k; k <= 4 && top <= NARROW; top++) {
        round_set(&s, real, top);
        for (int t = 0; t < k - 1; t++) s.multiple[t] = (int16_t)(t + 1);
        do {
            s.goal = goal_of(&s, reach);
            if (s.goal > best.goal + 1e-3) best = s;
        } while (next_choice(&s));
    }
    if (k <= 4) return best;
    for (i = 0; i < (int)(sizeof tops / sizeof tops[0]); i++) {
        if (tops[i] < k + 2) continue;
        round_set(&s, real, tops[i]);
        for (int turn = 0; turn < 2; turn++) {
            goal_of(&s, reach);
            descend(&s, reach);
        }
        s.goal = goal_of(&s, reach);
        best.goal = s.goal > best.goal ? s.goal : best.goal;
        found[count++] = s;
    }
    printf("  k %2d, goal by largest multiple:", k);
    for (i = 0; i < count; i++) printf("  %d: %.3f", found[i].multiple[k - 1], found[i].goal);
    printf("\n");
    for (i = 0; found[i].goal < best.goal - SLACK; i++) {}
    return found[i];
}

/* Step 4. */
static void fit_reach(row *r, int l)
{
    enum { N = 48 };
    static double gain[RATES][GRID];
    double best = -FAR;
    for (int i = 0; i < RATES; i++)
        for (int g = 0; g < GRID; g += COARSE) gain[i][g] = db_of(&problems[l][i], &r->s, grid[g]);
    for (int base = 0; base <= 4 * N; base++)
        for (int grow_by = 0; grow_by <= 25; grow_by++) {
            double sum = 0.0, b = 0.05 * base, a = 0.04 * grow_by;
            for (int i = 0; i < RATES; i++) {
                int g = nearest(b + a * (double)hrq__bits_for((unsigned)goal_q[i]));
                sum += gain[i][g - g % COARSE];
            }
            if (sum <= best + 1e-3) continue;
            best = sum;
            r->reach[l][0] = (float)b;
            r->reach[l][1] = (float)a;
        }
}

static double reach_of(const row *r, const problem *c)
{
    const float *reach = r->reach[c->lattice == HRQ__LATTICE_E8 ? 0 : 1];
    return (double)(reach[0] + reach[1] * (float)hrq__bits_for((unsigned)c->q));
}

static void print_tables(const row *table)
{
    printf("\nstatic const int16_t hrq__voronoi_multiple[16][16] = {\n");
    for (int k = 1; k <= KMAX; k++) {
        printf("    {");
        for (int t = 0; t < k; t++) printf("%s%d", t ? ", " : "", table[k - 1].s.multiple[t]);
        printf("}%s\n", k < KMAX ? "," : "};");
    }
    printf("static const float hrq__voronoi_reach[2][16][2] = {\n"); /* Z^n, E8 as in hrq.h */
    for (int l = 1; l >= 0; l--) {
        printf("    {");
        for (int k = 1; k <= KMAX; k++)
            printf("{%.2ff, %.2ff}%s", (double)table[k - 1].reach[l][0], (double)table[k - 1].reach[l][1],
                   k == KMAX    ? "}"
                   : k % 6 == 0 ? ",\n     "
                                : ", ");
        printf(l ? ",\n" : "};\n");
    }
    fflush(stdout);
}

/* The code that hrq.h has now. */
static hrq__voronoi present(const problem *c, int k)
{
    char name[32];
    hrq_format f;
    sprintf(name, "%s:q%d:k%d", c->lattice == HRQ__LATTICE_E8 ? "e8" : "zn", c->q, k);
    if (hrq_format_parse(&f, name) != HRQ_OK) die(name);
    return hrq__voronoi_of(&f);
}

/* Fresh blocks: the tables of hrq.h, then each of `tables`, then the shared multiples at the best reach of each q. */
static void compare(int l, const row *table)
{
    static const int qs[] = {3, 4, 5, 6, 8, 14, 16, 32, 64, 128, 256}, ks[] = {1, 2, 3, 4, 6, 8, 12, 16};
    static const char *const names[] = {"hrq.h now", "found", "best reach"};
    printf("\n%s, dB on fresh blocks\n   k  %-10s", l ? "Z^n" : "E8", "tables");
    for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++) printf("   q%-4d", qs[i]);
    printf("\n");
    for (size_t j = 0; j < sizeof ks / sizeof ks[0]; j++)
        for (int n = 0; n < 3; n++) {
            const row *r = &table[ks[j] - 1];
            printf("  %2d  %-10s", ks[j], names[n]);
            for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++) {
                problem c = {problems[l][0].lattice, qs[i], NULL};
                double reach = reach_of(r, &c), at = reach, best = -FAR;
                for (int step = -6; n == 2 && step <= 6; step++) {
                    hrq__voronoi code = code_of(&c, ks[j], r->s.multiple, reach * (1.0 + 0.03 * step));
                    double d = measure(&code, train, train_weight, blocks / 2);
                    at = d > best ? reach * (1.0 + 0.03 * step) : at;
                    best = d > best ? d : best;
                }
                hrq__voronoi code = n == 0 ? present(&c, ks[j]) : code_of(&c, ks[j], r->s.multiple, at);
                printf("  %6.3f", measure(&code, test, test_weight, TEST));
            }
            printf("\n");
            fflush(stdout);
        }
}

int main(int argc, char **argv)
{
    static set real[KMAX];
    static row table[KMAX];
    if (argc > 1 && argv[1][0]) blocks = (size_t)strtoul(argv[1], NULL, 10) / 16 * 16;
    if (blocks < 256 || blocks > 1u << 20) die("BLOCKS must lie in 256 ... 1048576");
    train = gauss(blocks, 1, &train_weight);
    test = gauss(TEST, 2, &test_weight);
    least = floats(blocks);
    held = floats(blocks);
    for (int g = 0; g < GRID; g++) grid[g] = 2.0 * pow(6.0, g / (GRID - 1.0));
    for (int l = 0; l < 2; l++)
        for (int r = 0; r < RATES; r++) fill(&problems[l][r], l ? HRQ__LATTICE_ZN : HRQ__LATTICE_E8, goal_q[r]);

    printf("Real-valued scales for each problem alone, dB on training blocks\n  k   ");
    for (int k = 1; k <= KMAX; k++) printf(" %6d", k);
    for (int l = 0; l < 2; l++)
        for (int r = 0; r < GOAL; r++) {
            set s = {0};
            printf("\n%4s q%-2d", l ? "Z^n" : "E8", goal_q[r]);
            for (int k = 1; k <= KMAX; k++) {
                grow(&problems[l][r], &s);
                printf(" %6.2f", s.goal);
                fflush(stdout);
                if (l == 0 && r == 1) real[k - 1] = s;
            }
        }
    printf("\n\n");
    for (int k = 1; k <= KMAX; k++) {
        fprintf(stderr, "\rscales: k = %d of %d ", k, KMAX);
        table[k - 1].s = search(&real[k - 1]);
        for (int l = 0; l < 2; l++) fit_reach(&table[k - 1], l);
    }
    fprintf(stderr, "\r%30s\r", "");
    print_tables(table);
    for (int l = 0; l < 2; l++) compare(l, table);
    for (int l = 0; l < 2; l++)
        for (int r = 0; r < RATES; r++) free(problems[l][r].err);
    free(held);
    free(least);
    free(test_weight);
    free(test);
    free(train_weight);
    free(train);
    return 0;
}
