/* boxes.c: search the level tables of the box codes of E8: int8 levels and their step for 2, 3, 4 bits and 1, 2, 4,
   8 classes.

       make -C bench boxes              C tables of hrq.h [8i], then dB on fresh blocks
       make -C bench boxes STARTS=n     n random starts for each code instead of 48
       build/boxes STARTS BITS CLASSES  one code alone

   A block is 8 values of N(0,1). Each value has a label n of `bits` bits, the block a class c. The coset s is the
   parity of the sum of the labels, and the value is level[c][s][n] times the step. Two tables a class, since the
   two cosets of the lattice lie half a cell apart. Nothing is forced symmetric.

   Samples are integers t on a grid, levels are integers on the same grid, and a table (c, s) is a lookup by t of the
   squared error and of what the change of parity costs there; so encoding is exact, and is the encoder of the format
   where the grid is step / 16 and the levels are multiples of 16.

   1  From each random start: centroids of a batch, then of the next, and noise on the levels that dies away, which
      leads out of poor optima; then centroids of more blocks. One start in a few is good with many classes.
   2  The best few are rounded to int8 under several steps: a finer step rounds less and clips the outermost levels.
      Then descent: one level after the other moves by one wherever the error becomes less, others included. That
      earns back most of what rounding cost. The step follows, descent again.
   3  The best of these descends on all training blocks, and is measured on blocks that no step before has seen by an
      encoder that shares nothing with the search. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REACH = 6000, /* samples are cut off at this multiple of the grid                     */
    SPAN = 2 * REACH + 1,
    FINE = 512,       /* grid points a sigma in step 1: its noise is 0.01 % of the least error */
    TRAIN = 1 << 18,  /* blocks                                                                */
    BATCH = 1 << 14,  /* of step 1                                                             */
    MIDDLE = 1 << 16, /* blocks that rank starts and steps                                     */
    TEST = 1 << 20,   /* fresh blocks of the report                                            */
    ROUNDS = 120,     /* batches a start                                                       */
    KEEP = 4,         /* starts that become integers                                           */
    TABLES = 16,
    LEVELS = 16,
    TOP = 127
};
#define NOISE 0.3 /* on the levels at first, in root mean square errors: 1 destroys more than it finds */

/* Squared error of the nearest level, and twice what the better neighbour costs more, plus the label's parity. */
typedef struct cell {
    int32_t error, turn;
} cell;

typedef struct code {
    int bits, classes;
    double unit;                /* sigma a grid point                           */
    int16_t at[TABLES][LEVELS]; /* [2 class + coset][label], ascending, on grid */
    int64_t error;              /* squared, summed over `blocks` blocks         */
    size_t blocks;
} code;

static float *train;        /* [TRAIN][8]                          */
static uint16_t *spot;      /* [TRAIN][8]: t + REACH               */
static int32_t *own, *rest; /* [TABLES][TRAIN], [TRAIN]: descend() */
static cell look[TABLES][SPAN];
static uint8_t label[TABLES][SPAN][2]; /* nearest, better neighbour */

static void die(const char *text)
{
    fprintf(stderr, "boxes: %s\n", text);
    exit(1);
}

static void *room(size_t bytes)
{
    void *p = malloc(bytes);
    if (!p) die("out of memory");
    return p;
}

/* Number `counter` of stream `seed`: a multiplicative hash of a Weyl sequence. */
static uint64_t bits_at(uint64_t seed, uint64_t counter)
{
    uint64_t z = seed * 0xd1342543de82ef95u + (counter + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double uniform(uint64_t seed, uint64_t counter)
{
    return ((double)(bits_at(seed, counter) >> 11) + 0.5) / 9007199254740992.0;
}

static double gauss(uint64_t seed, uint64_t counter)
{
    double angle = 6.283185307179586 * uniform(seed, 2 * counter + 1);
    return sqrt(-2.0 * log(uniform(seed, 2 * counter))) * cos(angle);
}

static int rounded(double x) { return (int)floor(x + 0.5); }

static double db(const code *c)
{
    return -10.0 * log10((double)c->error * c->unit * c->unit / (8.0 * (double)c->blocks));
}

/* The first `blocks` training blocks on a grid. */
static void place(double unit, size_t blocks)
{
    float per = (float)(1.0 / unit), far = (float)REACH;
    for (size_t i = 0; i < 8 * blocks; i++) {
        float v = train[i] * per;
        v = v > far ? far : v < -far ? -far : v;
        spot[i] = (uint16_t)((int)floorf(v + 0.5f) + REACH);
    }
}

/* Lookup of one table; `labels` may be NULL. */
static void build(const int16_t *at, int levels, cell *cells, uint8_t (*labels)[2])
{
    int n = 0;
    for (int t = -REACH; t <= REACH; t++, cells++) {
        int32_t down = INT32_MAX, up = INT32_MAX;
        while (n + 1 < levels && 2 * t > at[n] + at[n + 1]) n++;
        if (n > 0) down = (t - at[n - 1]) * (t - at[n - 1]);
        if (n + 1 < levels) up = (t - at[n + 1]) * (t - at[n + 1]);
        cells->error = (t - at[n]) * (t - at[n]);
        cells->turn = 2 * ((up < down ? up : down) - cells->error) + (n & 1);
        if (!labels) continue;
        labels[t + REACH][0] = (uint8_t)n;
        labels[t + REACH][1] = (uint8_t)(up < down ? n + 1 : n - 1);
    }
}

/* Squared error of a block under a table of coset s: at most 8 * 8032^2 < 2^30. */
static inline int32_t error_of(const cell *cells, const uint16_t *t, int s)
{
    int32_t sum = 0, least = INT32_MAX, parity = s;
    for (int i = 0; i < 8; i++) {
        cell c = cells[t[i]];
        sum += c.error;
        parity ^= c.turn;
        least = c.turn < least ? c.turn : least;
    }
    return sum + (parity & 1 ? least >> 1 : 0);
}

/* Ascending, and all different: build() steps past no level that another one hides. */
static void sort_levels(int16_t *at, int levels)
{
    for (int i = 1; i < levels; i++)
        for (int j = i; j > 0 && at[j - 1] > at[j]; j--) {
            int16_t v = at[j];
            at[j] = at[j - 1];
            at[j - 1] = v;
        }
    for (int i = 1; i < levels; i++)
        if (at[i] <= at[i - 1]) at[i] = (int16_t)(at[i - 1] + 1);
}

/* Encodes blocks from ... from + count - 1; sum and count of the samples at each level. */
static void gather(code *c, size_t from, size_t count, int64_t (*sum)[LEVELS], int64_t (*hits)[LEVELS])
{
    enum { SOME = 1024 };
    static int32_t best[SOME];
    static uint8_t who[SOME];
    int tables = 2 * c->classes;
    c->error = 0;
    c->blocks = count;
    for (int j = 0; j < tables; j++) build(c->at[j], 1 << c->bits, look[j], label[j]);
    for (size_t b = 0; b < count; b += SOME) {
        const uint16_t *t = spot + 8 * (from + b);
        size_t some = count - b < SOME ? count - b : SOME;
        for (int j = 0; j < tables; j++)
            for (size_t i = 0; i < some; i++) {
                int32_t e = error_of(look[j], t + 8 * i, j & 1);
                if (j > 0 && e >= best[i]) continue;
                best[i] = e;
                who[i] = (uint8_t)j;
            }
        for (size_t i = 0; i < some; i++, t += 8) {
            int j = who[i], parity = j & 1, turned = 0;
            int32_t least = INT32_MAX;
            c->error += best[i];
            for (int l = 0; l < 8; l++) {
                int32_t turn = look[j][t[l]].turn;
                parity ^= turn & 1;
                turned = turn >> 1 < least ? l : turned;
                least = turn >> 1 < least ? turn >> 1 : least;
            }
            for (int l = 0; l < 8; l++) {
                int n = label[j][t[l]][parity && l == turned];
                sum[j][n] += (int)t[l] - REACH;
                hits[j][n]++;
            }
        }
    }
}

/* Levels become the centroids of their samples, plus noise in root mean square errors; empty ones stay. */
static void centroids(code *c, size_t from, size_t count, double noise, uint64_t seed)
{
    int64_t sum[TABLES][LEVELS] = {{0}}, hits[TABLES][LEVELS] = {{0}};
    int levels = 1 << c->bits;
    gather(c, from, count, sum, hits);
    noise *= sqrt((double)c->error / (8.0 * (double)count));
    for (int j = 0; j < 2 * c->classes; j++) {
        for (int n = 0; n < levels; n++) {
            double v = hits[j][n] ? (double)sum[j][n] / (double)hits[j][n] : c->at[j][n];
            if (noise > 0.0) v += noise * gauss(seed, (uint64_t)(LEVELS * j + n));
            c->at[j][n] = (int16_t)rounded(v);
        }
        sort_levels(c->at[j], levels);
    }
}

/* x with P(N(0,1) < x) = p. */
static double quantile(double p)
{
    double low = -8.0, high = 8.0;
    for (int i = 0; i < 50; i++) {
        double x = 0.5 * (low + high);
        *(0.5 * erfc(-x * 0.7071067811865476) < p ? &low : &high) = x;
    }
    return low;
}

/* Levels dense where samples are, classes from narrow to wide, the cosets half a label apart; the offset of both,
   the range of widths and the levels themselves differ with the seed. */
static void random_code(code *c, int bits, int classes, uint64_t seed)
{
    int levels = 1 << bits;
    double offset = 0.5 * uniform(seed, 1000), range = 0.5 + 0.8 * uniform(seed, 1001);
    memset(c, 0, sizeof *c);
    c->bits = bits;
    c->classes = classes;
    c->unit = 1.0 / FINE;
    for (int j = 0; j < 2 * classes; j++) {
        double wide = classes > 1 ? exp(range * ((j / 2) / (classes - 1.0) - 0.5)) : 1.0;
        for (int n = 0; n < levels; n++) {
            double p = (n + offset + 0.5 * (j & 1)) / levels, edge = 0.3 / levels;
            p = p < edge ? edge : p > 1.0 - edge ? 1.0 - edge : p;
            double x = 1.45 * wide * quantile(p) + 0.05 * gauss(seed, (uint64_t)(LEVELS * j + n));
            c->at[j][n] = (int16_t)rounded(x * FINE);
        }
        sort_levels(c->at[j], levels);
    }
}

/* Step 1. place(1.0 / FINE, TRAIN) stands. */
static void anneal(code *c, uint64_t seed)
{
    for (int i = 0; i < ROUNDS; i++) {
        double left = 1.0 - i / (0.9 * ROUNDS), noise = left > 0.0 ? NOISE * left * left * left : 0.0;
        centroids(c, (size_t)i * BATCH % TRAIN, BATCH, noise, seed + (uint64_t)i + 1);
    }
    for (int i = 0; i < 10; i++) centroids(c, 0, MIDDLE, 0.0, 0);
}

/* Int8 levels of a code under a step. */
static code rounded_code(const code *from, double step)
{
    code c = *from;
    int levels = 1 << c.bits;
    c.unit = step / 16.0;
    for (int j = 0; j < 2 * c.classes; j++) {
        int16_t *at = c.at[j];
        for (int n = 0; n < levels; n++) {
            int v = rounded(from->at[j][n] * from->unit / step), low = -TOP + n, high = TOP - (levels - 1 - n);
            v = v < low ? low : v > high ? high : v;
            at[n] = (int16_t)v;
        }
        sort_levels(at, levels);
        for (int n = levels - 1, high = TOP; n >= 0; n--, high--) {
            high = at[n] < high ? at[n] : high;
            at[n] = (int16_t)high;
        }
        for (int n = 0; n < levels; n++) at[n] = (int16_t)(16 * at[n]);
    }
    return c;
}

/* Error of the code whose table j is `cells` instead; rest[] is the least error of the other tables. */
static int64_t error_with(const cell *cells, int s, size_t blocks)
{
    int64_t sum = 0;
    for (size_t b = 0; b < blocks; b++) {
        int32_t e = error_of(cells, spot + 8 * b, s);
        sum += e < rest[b] ? e : rest[b];
    }
    return sum;
}

static void errors_of(const code *c, int j, size_t blocks)
{
    int32_t *to = own + (size_t)j * TRAIN;
    build(c->at[j], 1 << c->bits, look[j], NULL);
    for (size_t b = 0; b < blocks; b++) to[b] = error_of(look[j], spot + 8 * b, j & 1);
}

static void rest_of(const code *c, int j, size_t blocks)
{
    for (size_t b = 0; b < blocks; b++) rest[b] = INT32_MAX;
    for (int i = 0; i < 2 * c->classes; i++) {
        const int32_t *e = own + (size_t)i * TRAIN;
        for (size_t b = 0; i != j && b < blocks; b++) rest[b] = e[b] < rest[b] ? e[b] : rest[b];
    }
}

/* Level n of table j moves by one step at a time as long as that helps. Gives whether it moved. */
static int move(code *c, int j, int n, size_t blocks)
{
    static cell cells[SPAN];
    int levels = 1 << c->bits, moved = 0;
    int16_t *at = &c->at[j][n];
    for (int by = -16; by <= 16; by += 32)
        for (;;) {
            int to = *at + by;
            if (to < -16 * TOP || to > 16 * TOP) break;
            if ((n > 0 && to <= at[-1]) || (n + 1 < levels && to >= at[1])) break;
            *at = (int16_t)to;
            build(c->at[j], levels, cells, NULL);
            int64_t e = error_with(cells, j & 1, blocks);
            if (e >= c->error) {
                *at = (int16_t)(to - by);
                break;
            }
            c->error = e;
            moved = 1;
        }
    return moved;
}

/* Integer levels, one after the other, until none moves or `sweeps` are done. */
static void descend(code *c, size_t blocks, int sweeps)
{
    int moved = 1;
    place(c->unit, blocks);
    for (int j = 0; j < 2 * c->classes; j++) errors_of(c, j, blocks);
    rest_of(c, 0, blocks);
    c->error = error_with(look[0], 0, blocks);
    c->blocks = blocks;
    while (moved && sweeps-- > 0) {
        moved = 0;
        for (int j = 0; j < 2 * c->classes; j++) {
            int here = 0;
            rest_of(c, j, blocks);
            for (int n = 0; n < 1 << c->bits; n++) here |= move(c, j, n, blocks);
            if (here) errors_of(c, j, blocks);
            moved |= here;
        }
    }
}

/* The levels stay, the step takes the best of several. */
static void fit_step(code *c, size_t blocks)
{
    code best = *c, other = *c;
    for (int i = -8; i <= 8; i++) {
        other.unit = c->unit * (1.0 + 0.001 * i);
        descend(&other, blocks, 0);
        if (i == -8 || db(&other) > db(&best)) best = other;
    }
    *c = best;
}

/* Step 2: the best int8 code near a real one. */
static code to_int8(const code *real)
{
    code best, c;
    int top = 0;
    for (int j = 0; j < 2 * real->classes; j++)
        for (int n = 0; n < 1 << real->bits; n++) top = abs(real->at[j][n]) > top ? abs(real->at[j][n]) : top;
    for (int i = 0; i < 8; i++) {
        c = rounded_code(real, top * real->unit / TOP * (1.0 - 0.025 * i));
        descend(&c, BATCH, 3);
        descend(&c, MIDDLE, 0);
        if (i == 0 || db(&c) > db(&best)) best = c;
    }
    descend(&best, MIDDLE, 4);
    fit_step(&best, MIDDLE);
    descend(&best, MIDDLE, 4);
    return best;
}

static code search(int bits, int classes, int starts)
{
    static code kept[KEEP + 1];
    code best, c;
    int count = 0;
    place(1.0 / FINE, TRAIN);
    for (int i = 0; i < starts; i++) {
        uint64_t seed = 1000 * (uint64_t)(i + 1 + 1000 * (classes + 10 * bits));
        random_code(&c, bits, classes, seed);
        anneal(&c, seed);
        int p = count < KEEP ? count++ : KEEP;
        for (; p > 0 && db(&kept[p - 1]) < db(&c); p--) kept[p] = kept[p - 1];
        kept[p] = c;
    }
    for (int i = 0; i < count; i++) {
        c = to_int8(&kept[i]);
        fprintf(stderr, "boxes: %d bits, %d classes: real %.4f, int8 %.4f dB\n", bits, classes, db(&kept[i]), db(&c));
        if (i == 0 || db(&c) > db(&best)) best = c;
    }
    descend(&best, TRAIN, 4);
    fit_step(&best, TRAIN);
    best.unit = (double)(float)rounded(best.unit * 16.0 * 1e6) * 1e-6 / 16.0; /* as many digits as are printed */
    descend(&best, TRAIN, 8);
    return best;
}

/* Squared error of block x under table j as the format says, levels and parity one by one. */
static int64_t plain_error(const code *c, int j, const int32_t *t, int *n)
{
    const int16_t *at = c->at[j];
    int parity = j & 1, levels = 1 << c->bits, turned = 0, to = 0;
    int64_t sum = 0, least = INT64_MAX;
    for (int i = 0; i < 8; i++) {
        n[i] = 0;
        for (int m = 1; m < levels; m++)
            if (abs(t[i] - at[m]) < abs(t[i] - at[n[i]])) n[i] = m;
        sum += (int64_t)(t[i] - at[n[i]]) * (t[i] - at[n[i]]);
        parity ^= n[i] & 1;
    }
    for (int i = 0; parity && i < 8; i++)
        for (int m = n[i] - 1; m <= n[i] + 1; m += 2) {
            if (m < 0 || m >= levels) continue;
            int64_t more = (int64_t)(t[i] - at[m]) * (t[i] - at[m]) - (int64_t)(t[i] - at[n[i]]) * (t[i] - at[n[i]]);
            if (more >= least) continue;
            least = more;
            turned = i;
            to = m;
        }
    if (parity) n[turned] = to;
    return parity ? sum + least : sum;
}

/* Step 3: dB on TEST fresh blocks. */
static double fresh_db(const code *c)
{
    float step = (float)(16.0 * c->unit), per = 1.0f / (step / 16.0f);
    double error = 0.0;
    for (size_t b = 0; b < TEST; b++) {
        float x[8];
        int32_t t[8];
        int n[8], kept[8] = {0}, from = 0;
        int64_t least = INT64_MAX;
        for (size_t i = 0; i < 8; i++) {
            x[i] = (float)gauss(2, 8 * b + i);
            double v = floor((double)(x[i] * per) + 0.5);
            t[i] = (int32_t)(v > REACH ? REACH : v < -REACH ? -REACH : v);
        }
        for (int j = 0; j < 2 * c->classes; j++) {
            int64_t e = plain_error(c, j, t, n);
            if (e >= least) continue;
            least = e;
            from = j;
            memcpy(kept, n, sizeof n);
        }
        for (int i = 0; i < 8; i++) {
            double e = (double)x[i] - (double)(step * (float)(c->at[from][kept[i]] / 16));
            error += e * e;
        }
    }
    return -10.0 * log10(error / (8.0 * TEST));
}

/* Tables of 1, 2, 4, 8 classes one after the other: those of k classes begin at k - 1. */
static void print_tables(const code (*found)[4])
{
    for (int i = 0; i < 3; i++) {
        int bits = i + 2, levels = 1 << bits;
        printf("/* [classes - 1 + class][coset][label] */\nstatic const int8_t hrq__box_level%d[15][2][%d] = {\n",
               bits, levels);
        for (int k = 0; k < 4; k++)
            for (int j = 0; j < 2 << k; j++) {
                printf("    %s", j & 1 ? " {" : "{{");
                for (int n = 0; n < levels; n++)
                    printf("%d%s", found[i][k].at[j][n] / 16, n + 1 < levels ? ", " : j & 1 ? "}}" : "},\n");
                if (j & 1) printf(k == 3 && j + 1 == 2 << k ? "};\n" : ",\n");
            }
    }
    printf("/* [bits - 2][log2 classes], in root mean squares of the row */\n");
    printf("static const float hrq__box_step[3][4] = {");
    for (int i = 0; i < 3; i++) {
        printf("%*s", i ? 42 : 0, "");
        for (int k = 0; k < 4; k++) printf("%s%.6ff", k ? ", " : "{", 16.0 * found[i][k].unit);
        printf(i < 2 ? "},\n" : "}};\n");
    }
    fflush(stdout);
}

static void report(const code *c)
{
    int low = 0, high = 0;
    for (int j = 0; j < 2 * c->classes; j++) {
        low = c->at[j][0] < low ? c->at[j][0] : low;
        high = c->at[j][(1 << c->bits) - 1] > high ? c->at[j][(1 << c->bits) - 1] : high;
    }
    printf("  %4d %7d   %.3f   %7.3f  %7.3f   %.6f   %.2f ... %.2f\n", c->bits, c->classes,
           c->bits + log2(c->classes) / 8.0, db(c), fresh_db(c), 16.0 * c->unit, low * c->unit, high * c->unit);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static code found[3][4];
    static const char head[] = "  bits classes    rate   training   fresh       step   levels in sigma\n";
    int starts = argc > 1 && argv[1][0] ? atoi(argv[1]) : 48;
    int bits = argc > 3 ? atoi(argv[2]) : 0, classes = argc > 3 ? atoi(argv[3]) : 0;
    if (starts < 1 || starts > 900) die("STARTS must lie in 1 ... 900");
    train = (float *)room(sizeof *train * 8 * TRAIN);
    spot = (uint16_t *)room(sizeof *spot * 8 * TRAIN);
    own = (int32_t *)room(sizeof *own * TABLES * TRAIN);
    rest = (int32_t *)room(sizeof *rest * TRAIN);
    for (size_t i = 0; i < (size_t)8 * TRAIN; i++) train[i] = (float)gauss(1, i);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++)
            if (bits == 0 || (bits == i + 2 && classes == 1 << k)) found[i][k] = search(i + 2, 1 << k, starts);
    if (bits == 0) print_tables((const code(*)[4])found);
    printf("\n%s", head);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++)
            if (found[i][k].classes) report(&found[i][k]);
    free(rest);
    free(own);
    free(spot);
    free(train);
    return 0;
}
