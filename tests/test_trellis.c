// test_trellis.c: [9i] and the trellis part of [6i]: tables, the search against its definition and against every path,
// a reader of its own for the bytes, rows that are no noise, errors on Gaussians, memory.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

/* ---- the code by its definition, in plain arrays ---- */

enum { ROW = 8192 }; /* most columns here */

typedef struct {
    int bits, size, parities, count, cosets, levels; /* count = 2^size states, cosets = 2^parities */
    int64_t multiplier;
    float step;
    unsigned mask[6];
    int level[256];
    char name[24];
} code;

static const int sizes[5] = {6, 8, 10, 12, 14};

static code code_of(int bits, int size)
{
    code k;
    hrq_format f;
    hrq__tcq c;
    int i;
    memset(&k, 0, sizeof k);
    snprintf(k.name, sizeof k.name, "tcq%d:s%d", bits, size);
    f = format_of(k.name);
    c = hrq__tcq_of(&f);
    k.bits = bits;
    k.size = size;
    k.parities = bits == 3 ? 6 : 5;
    k.count = 1 << size;
    k.cosets = 1 << k.parities;
    k.levels = 1 << (bits - 1 + k.parities);
    k.multiplier = c.multiplier;
    k.step = c.step;
    for (i = 0; i < k.parities; i++) k.mask[i] = c.hash[i];
    for (i = 0; i < k.levels / 2; i++) {
        k.level[k.levels / 2 + i] = c.upper[i];
        k.level[k.levels / 2 - 1 - i] = -c.upper[i];
    }
    return k;
}

static int odd_ones(unsigned x)
{
    int n = 0;
    for (; x; x >>= 1) n ^= (int)(x & 1);
    return n;
}

static int parities_of(const code *k, unsigned window)
{
    int i, p = 0;
    for (i = 0; i < k->parities; i++) p |= odd_ones(k->mask[i] & window) << i;
    return p;
}

/* x in units of step / multiplier, as it is searched: the row over its scale, in floats; ties to even */
static int64_t fixed_of(const code *k, float x)
{
    float v = x * ((float)k->multiplier / k->step);
    if (v > 16383.0f) return 16383;
    if (v < -16383.0f) return -16383;
    return (int64_t)rint((double)v);
}

static int64_t error_of(const code *k, int64_t x, int raw, int p)
{
    int64_t d = x - k->multiplier * k->level[raw * k->cosets + p];
    return (d * d + 16384) / 32768;
}

static int best_raw(const code *k, int64_t x, int p)
{
    int raw, best = 0;
    for (raw = 1; raw < 1 << (k->bits - 1); raw++)
        if (error_of(k, x, raw, p) < error_of(k, x, best, p)) best = raw;
    return best;
}

/* metric[step][parities] of a sequence; padding (real = 0) costs nothing */
static void metrics_of(const code *k, const int64_t *x, const unsigned char *real, int steps, int64_t (*metric)[64])
{
    int t, p;
    for (t = 0; t < steps; t++) {
        int64_t least = INT64_MAX;
        for (p = 0; p < k->cosets; p++) {
            metric[t][p] = error_of(k, x[t], best_raw(k, x[t], p), p);
            if (metric[t][p] < least) least = metric[t][p];
        }
        for (p = 0; p < k->cosets; p++) {
            metric[t][p] -= least;
            if (metric[t][p] > 255) metric[t][p] = 255;
            if (!real[t]) metric[t][p] = 0;
        }
    }
}

/* One pass over n steps, step i having the metric of time (from + i) mod steps. start < 0: every state is allowed and
   the end is the best one; else only paths out of start, and the one into end. FORCED: paths that do not come from start go
   on until their first bit falls out of the window (the code's way); ABSENT: they are not there from the beginning.
   window[i]: the S + 1 bits of each step. */
enum { FORCED, ABSENT };

static unsigned char *ref_hash, *ref_chosen;
static int64_t *ref_path[2];
static int64_t ref_metric[ROW / 4][64];
static int ref_window[ROW / 4];

static void pass_of(const code *k, int steps, int from, int n, int start, int end, int way)
{
    const int64_t none = INT64_MAX / 4;
    int64_t *now = ref_path[0], *next = ref_path[1], *swap, least;
    int i, s, j, state;
    for (s = 0; s < k->count; s++) now[s] = start >= 0 && way == ABSENT && s != start ? none : 0;
    for (i = 0; i < n; i++) {
        const int64_t *metric = ref_metric[(from + i) % steps];
        int only = start >= 0 && way == FORCED && i < k->size ? start >> (k->size - 1 - i) & 1 : -1;
        least = none;
        for (s = 0; s < k->count; s++) {
            int64_t best = none;
            int from_old = 0;
            for (j = 0; j < 2; j++) {
                int64_t sum = now[s >> 1 | j << (k->size - 1)];
                if ((only >= 0 && j != only) || sum == none) continue;
                sum += metric[ref_hash[s | j << k->size]];
                if (sum > 255) sum = 255;
                if (sum < best) {
                    best = sum;
                    from_old = j;
                }
            }
            next[s] = best;
            ref_chosen[(size_t)i * (size_t)k->count + (size_t)s] = (unsigned char)from_old;
            if (best < least) least = best;
        }
        for (s = 0; s < k->count; s++)
            if (next[s] != none) next[s] -= least;
        swap = now;
        now = next;
        next = swap;
    }
    state = end;
    if (start < 0)
        for (s = 1, state = 0; s < k->count; s++)
            if (now[s] < now[state]) state = s;
    for (i = n - 1; i >= 0; i--) {
        ref_window[i] = state | ref_chosen[(size_t)i * (size_t)k->count + (size_t)state] << k->size;
        state = ref_window[i] >> 1;
    }
}

/* Windows of a closed sequence of coded bits; its cost, no saturation. */
static int64_t closed_of(const code *k, const int *bit, int steps, int *window)
{
    int64_t sum = 0;
    int t, i;
    for (t = 0; t < steps; t++) {
        window[t] = 0;
        for (i = 0; i <= k->size; i++) window[t] |= bit[((t - i) % steps + steps) % steps] << i;
        sum += ref_metric[t][ref_hash[window[t]]];
    }
    return sum;
}

/* The least cost of all closed sequences; bits: of the first one, counting with the last step lowest. */
static int64_t every_path(const code *k, int steps, int *bit)
{
    int64_t least = INT64_MAX, sum;
    int pattern, t, window[16], trial[16];
    for (pattern = 0; pattern < 1 << steps; pattern++) {
        for (t = 0; t < steps; t++) trial[t] = pattern >> (steps - 1 - t) & 1;
        sum = closed_of(k, trial, steps, window);
        if (sum >= least) continue;
        least = sum;
        memcpy(bit, trial, (size_t)steps * sizeof *bit);
    }
    return least;
}

static void ref_open(const code *k)
{
    int w;
    size_t most = ROW / 4 > 16 * (size_t)k->size ? ROW / 4 : 16 * (size_t)k->size;
    ref_hash = block_of(2 * (size_t)k->count, 0).base;
    ref_chosen = block_of(most * (size_t)k->count, 0).base;
    ref_path[0] = (int64_t *)(void *)block_of((size_t)k->count * sizeof(int64_t), 0).base;
    ref_path[1] = (int64_t *)(void *)block_of((size_t)k->count * sizeof(int64_t), 0).base;
    for (w = 0; w < 2 * k->count; w++) ref_hash[w] = (unsigned char)parities_of(k, (unsigned)w);
}

static void ref_close(void)
{
    free(ref_hash);
    free(ref_chosen);
    free(ref_path[0]);
    free(ref_path[1]);
}

/* Columns of one sequence out of a row; returns its steps. */
static int sequence_of(const code *k, const float *x, size_t cols, int sequence, int64_t *fixed, unsigned char *real)
{
    int steps = (int)((cols + 7) / 8 * 2), t;
    for (t = 0; t < steps; t++) {
        size_t col = 4 * (size_t)t + (size_t)sequence;
        real[t] = col < cols;
        fixed[t] = real[t] ? fixed_of(k, x[col]) : 0;
    }
    metrics_of(k, fixed, real, steps, ref_metric);
    return steps;
}

/* Steps from ... from + n - 1 of a pass into the path. */
static void keep_of(int steps, int from, int n, int *path)
{
    int i;
    for (i = 0; i < n; i++) path[(from + i) % steps] = ref_window[i];
}

/* The closed path of a sequence longer than its window, as [9i] tells: from one cut, or the best from four. */
static void closed_path(const code *k, int steps, int way, int *best)
{
    static int path[ROW / 4];
    int reach = 8 * k->size, around = steps < 2 * reach ? steps : 2 * reach, look = reach < steps ? reach : steps;
    int cuts = around < steps ? 1 : 4, i, t;
    int64_t least = INT64_MAX, sum;
    for (i = 0; i < cuts; i++) {
        int cut = i * steps / cuts, from = (cut + steps - around / 2) % steps, start, end;
        pass_of(k, steps, (cut + steps - look) % steps, 2 * look, -1, -1, way);
        start = ref_window[look] >> 1;
        pass_of(k, steps, cut, steps, start, start, way);
        keep_of(steps, cut, steps, path);
        start = path[from] >> 1;
        end = path[(from + around - 1) % steps] & (k->count - 1);
        pass_of(k, steps, from, around, start, end, way);
        keep_of(steps, from, around, path);
        for (t = 0, sum = 0; t < steps; t++) sum += ref_metric[t][ref_hash[path[t]]];
        if (cuts > 1 && sum >= least) continue;
        least = sum;
        memcpy(best, path, (size_t)steps * sizeof *path);
    }
}

/* A row over its scale: coded bit | raw bits << 1, and the level, of every padded column. */
static void ref_encode(const code *k, const float *x, size_t cols, int way, int *out, int *level)
{
    static int64_t fixed[ROW / 4];
    static unsigned char real[ROW / 4];
    static int path[ROW / 4];
    int sequence, steps, t, bit[16], p, raw;
    for (sequence = 0; sequence < 4; sequence++) {
        steps = sequence_of(k, x, cols, sequence, fixed, real);
        if (steps <= k->size) {
            every_path(k, steps, bit);
            closed_of(k, bit, steps, ref_window);
        } else {
            closed_path(k, steps, way, path);
            memcpy(ref_window, path, (size_t)steps * sizeof *path);
        }
        for (t = 0; t < steps; t++) {
            p = ref_hash[ref_window[t]];
            raw = real[t] ? best_raw(k, fixed[t], p) : 0;
            out[4 * t + sequence] = (ref_window[t] & 1) | raw << 1;
            level[4 * t + sequence] = k->level[raw * k->cosets + p];
        }
    }
}

/* Rows over their scale: noise, tails, many ties, extremes that alternate, zeros, a constant, one outlier */
enum { NOISE, TAILS, TIES, EXTREMES, ZEROS, CONSTANT, OUTLIER, KINDS };

static void draw_row(const code *k, float *x, size_t cols, int kind)
{
    size_t i;
    float c = (float)draw_gauss();
    for (i = 0; i < cols; i++) {
        double g = draw_gauss();
        x[i] = kind == TAILS      ? (float)(g * g * g)
               : kind == TIES     ? (float)((double)draw_below(41) - 20) * k->step * 2.5f
               : kind == EXTREMES ? (i / 4 & 1 ? -1e6f : 1e6f)
               : kind == ZEROS    ? 0.0f
               : kind == CONSTANT ? c
               : kind == OUTLIER  ? 1e-30f
                                  : (float)g;
    }
    if (kind == OUTLIER) x[draw_below(cols)] = (float)sqrt((double)cols);
}

/* ---- what the library says of the same row ---- */

static hrq__tcq_work *work_of(const code *k, size_t cols, hrq__tcq_work *w, block *b)
{
    hrq_format f = format_of(k->name);
    size_t bytes = 0;
    if (!hrq__tcq_bytes((unsigned)k->size, (cols + 7) / 8 * 2, &bytes)) bytes = 0;
    *b = block_of(bytes, 0);
    hrq__tcq_open(w, &f, (cols + 7) / 8 * 2, b->data);
    return w;
}

/* ---- tests ---- */

static int rank_of(const unsigned *row, int n)
{
    unsigned r[6];
    int i, j, rank = 0, bit;
    memcpy(r, row, (size_t)n * sizeof *r);
    for (bit = 0; bit < 16; bit++) {
        for (i = rank; i < n && !(r[i] >> bit & 1); i++) {}
        if (i == n) continue;
        j = (int)r[i];
        r[i] = r[rank];
        r[rank] = (unsigned)j;
        for (i = 0; i < n; i++)
            if (i != rank && r[i] >> bit & 1) r[i] ^= r[rank];
        rank++;
    }
    return rank;
}

static void test_tables(void)
{
    int bits, s, i;
    tap_begin(
        "tables: parities independent, newest and oldest bit in the highest alone; levels antisymmetric, in range");
    for (bits = 2; bits <= 4; bits++)
        for (s = 0; s < 5; s++) {
            code k = code_of(bits, sizes[s]);
            hrq_format f = format_of(k.name);
            hrq__tcq c = hrq__tcq_of(&f);
            unsigned ends = 1u | 1u << k.size;
            int top = 0;
            EXPECT((int)c.bits == bits && (int)c.states == k.size && (int)c.parities == k.parities, "%s", k.name);
            EXPECT(k.step > 0 && k.multiplier > 0, "%s: step %g, multiplier %ld", k.name, (double)k.step,
                   (long)k.multiplier);
            EXPECT(rank_of(k.mask, k.parities) == k.parities, "%s: rank %d", k.name, rank_of(k.mask, k.parities));
            for (i = 0; i < k.parities; i++) {
                EXPECT(k.mask[i] != 0 && k.mask[i] < 2u << k.size, "%s: row %d is %x", k.name, i, k.mask[i]);
                EXPECT((k.mask[i] & ends) == (i == k.parities - 1 ? ends : 0u), "%s: row %d is %x", k.name, i,
                       k.mask[i]);
            }
            for (i = 0; i < k.levels; i++) {
                int v = hrq__tcq_level(c.upper, (unsigned)k.levels, (unsigned)i);
                EXPECT(v == k.level[i], "%s: level %d is %d, not %d", k.name, i, v, k.level[i]);
                EXPECT(v == -hrq__tcq_level(c.upper, (unsigned)k.levels, (unsigned)(k.levels - 1 - i)),
                       "%s: level %d", k.name, i);
                EXPECT(v >= -127 && v <= 127 && llabs((long long)(k.multiplier * v)) <= 16383,
                       "%s: level %d is %d * %ld", k.name, i, v, (long)k.multiplier);
                top = v > top ? v : top;
            }
            EXPECT(top > 100, "%s: largest level %d wastes int8", k.name, top);
        }
    tap_end();
}

static void test_hash(int effort)
{
    int bits, s, i, n = effort ? 4000 : 400;
    tap_begin(
        "hash: the parities of the masked window, linear, bits beyond the window ignored, each value equally often");
    for (bits = 2; bits <= 4; bits++)
        for (s = 0; s < 5; s++) {
            code k = code_of(bits, sizes[s]);
            hrq_format f = format_of(k.name);
            hrq__tcq c = hrq__tcq_of(&f);
            int seen[64] = {0};
            for (i = 0; i < n; i++) {
                unsigned a = (unsigned)draw() & 0xffffu, b = (unsigned)draw() & 0xffffu, in = (2u << k.size) - 1u;
                unsigned ha = hrq__tcq_hash(c.hash, c.parities, a), hb = hrq__tcq_hash(c.hash, c.parities, b);
                EXPECT((int)ha == parities_of(&k, a), "%s: H %x = %x", k.name, a, ha);
                EXPECT(hrq__tcq_hash(c.hash, c.parities, a ^ b) == (ha ^ hb), "%s: %x and %x", k.name, a, b);
                EXPECT(hrq__tcq_hash(c.hash, c.parities, a & in) == ha, "%s: %x", k.name, a);
            }
            for (i = 0; i < 2 * k.count; i++) seen[hrq__tcq_hash(c.hash, c.parities, (unsigned)i)]++;
            for (i = 0; i < k.cosets; i++)
                EXPECT(seen[i] == 2 * k.count / k.cosets, "%s: parities %x of %d windows", k.name, i, seen[i]);
        }
    tap_end();
}

/* A step by its contract, in ints: sums[j] and what was taken. Returns the least. */
static int step_of(const code *k, const uint8_t *path, const uint8_t *metric, int oldest, int *sum, uint8_t *chosen)
{
    int j, least = 255, half = k->count / 2;
    memset(chosen, 0, (size_t)k->count / 8);
    for (j = 0; j < k->count; j++) {
        int old = path[j >> 1] + metric[parities_of(k, (unsigned)j)], taken;
        int turn = path[j >> 1 | half] + metric[parities_of(k, (unsigned)(j | k->count))];
        if (old > 255) old = 255;
        if (turn > 255) turn = 255;
        taken = oldest >= 0 ? oldest : turn < old;
        chosen[j / 8] = (uint8_t)(chosen[j / 8] | taken << j % 8);
        sum[j] = taken ? turn : old;
        if (sum[j] < least) least = sum[j];
    }
    return least;
}

enum { STEPS = 5 }; /* at most, of one call */

/* Steps out of any path metrics, many of them near 255, into the bytes that the contract tells. All blocks end at their
   last byte. */
static void check_steps(const code *k, const hrq__kernels *row, int i)
{
    size_t states = (size_t)k->count, n = 1 + draw_below(STEPS), j, t;
    size_t reach = i % 3 == 0 ? 256 : i % 3 == 1 ? 9 : 3, base = 256 - reach - draw_below(257 - reach);
    int oldest = (int)draw_below(3) - 1, least, *sum = (int *)(void *)block_of(states * sizeof(int), 0).base;
    block memory, path = block_of(2 * states, draw_below(64)), hash = block_of(states, draw_below(64));
    block metric = block_of(n * (size_t)k->cosets, draw_below(64)), chosen = block_of(n * states / 8, draw_below(64));
    block now = block_of(states, 0), want = block_of(n * states / 8, 0);
    hrq__tcq_work w;
    work_of(k, 64, &w, &memory);
    memcpy(hash.data, w.hash, states);
    w.args.hash = hash.data;
    for (j = 0; j < states; j++) now.data[j] = (uint8_t)(draw_below(4) ? base + draw_below(reach) : 0);
    for (j = 0; j < n * (size_t)k->cosets; j++) metric.data[j] = (uint8_t)draw_below(i % 2 ? 256 : 4);
    memcpy(path.data, now.data, states);
    for (t = 0; t < n; t++) {
        least = step_of(k, now.data, metric.data + t * (size_t)k->cosets, oldest, sum, want.data + t * states / 8);
        for (j = 0; j < states; j++) now.data[j] = (uint8_t)(sum[j] - least);
    }
    row->trellis_advance(path.data, chosen.data, metric.data, n, oldest, &w.args);
    EXPECT(memcmp(path.data, now.data, states) == 0, "%s, %s, %lu steps, oldest %d: metrics", row->isa, k->name,
           (unsigned long)n, oldest);
    EXPECT(memcmp(chosen.data, want.data, n * states / 8) == 0, "%s, %s, %lu steps, oldest %d: choices", row->isa,
           k->name, (unsigned long)n, oldest);
    free(sum);
    free(memory.base);
    free(path.base);
    free(hash.base);
    free(metric.base);
    free(chosen.base);
    free(now.base);
    free(want.base);
}

/* The metrics of a few x, ends of the range among them. */
static void check_metrics(const code *k, const hrq__kernels *row)
{
    size_t n = 1 + draw_below(STEPS), j, bad = n;
    block memory, x = block_of(2 * n, 2 * draw_below(32)), metric = block_of(n * (size_t)k->cosets, draw_below(64));
    hrq__tcq_work w;
    work_of(k, 64, &w, &memory);
    for (j = 0; j < n; j++) {
        int16_t v = (int16_t)(draw_below(8) ? (int)draw_below(32767) - 16383 : draw_below(2) ? 16383 : -16383);
        memcpy(x.data + 2 * j, &v, 2);
    }
    row->trellis_metric(metric.data, (const int16_t *)(const void *)x.data, n, &w.args);
    for (j = n; j-- > 0;) {
        int64_t v = ((const int16_t *)(const void *)x.data)[j], want[64], least = INT64_MAX;
        int p;
        for (p = 0; p < k->cosets; p++) {
            want[p] = error_of(k, v, best_raw(k, v, p), p);
            least = want[p] < least ? want[p] : least;
        }
        for (p = 0; p < k->cosets; p++)
            if (metric.data[j * (size_t)k->cosets + (size_t)p] != (want[p] - least > 255 ? 255 : want[p] - least))
                bad = j;
    }
    EXPECT(bad == n, "%s, %s: step %lu of %lu", row->isa, k->name, (unsigned long)bad, (unsigned long)n);
    free(memory.base);
    free(x.base);
    free(metric.base);
}

static void test_step(int effort)
{
    int bits, s, i, n = effort == 0 ? 20 : effort == 1 ? 200 : 3000;
    size_t r;
    tap_begin(
        "steps of the search, all kernels: sums stop at 255, ties take the oldest bit 0, the least is taken off");
    for (r = 0; r < hrq__kernel_rows; r++) {
        const hrq__kernels *row = &hrq__kernel_table[r];
        if (row->need & ~hrq__isa_have()) {
            printf("# SKIP %s\n", row->isa);
            continue;
        }
        for (bits = 2; bits <= 4; bits++)
            for (s = 0; s < 5; s++) {
                code k = code_of(bits, sizes[s]);
                for (i = 0; i < n; i++) check_metrics(&k, row);
                for (i = 0; i < (s < 3 ? n : (n + 39) / 40); i++) check_steps(&k, row, i);
            }
    }
    tap_end();
}

static int ref_code[ROW], ref_level[ROW];

/* One row both ways. Counts rows where paths that do not come from the start would have to be absent at once. */
static void compare_row(const code *k, size_t cols, int kind, int *differ)
{
    static float x[ROW];
    hrq__tcq_work w;
    block b;
    size_t i, cols8 = (cols + 7) / 8 * 8, bad = cols8;
    draw_row(k, x, cols, kind);
    work_of(k, cols, &w, &b);
    hrq__tcq_encode(&w, x, cols, 1.0f, 1.0f);
    ref_encode(k, x, cols, FORCED, ref_code, ref_level);
    for (i = cols8; i-- > 0;)
        if (w.code[i] != ref_code[i] || w.level[i] != ref_level[i]) bad = i;
    i = bad < cols8 ? bad : 0;
    EXPECT(bad == cols8, "%s, %lu columns, kind %d: column %lu is %d (level %d), not %d (%d)", k->name,
           (unsigned long)cols, kind, (unsigned long)i, w.code[i], w.level[i], ref_code[i], ref_level[i]);
    if (differ) {
        ref_encode(k, x, cols, ABSENT, ref_code, ref_level);
        for (i = 0; i < cols8 && w.code[i] == ref_code[i]; i++) {}
        *differ += i < cols8;
    }
    free(b.base);
}

static void test_search(int effort)
{
    int bits, s, kind, rows = 0, differ = 0;
    size_t cols;
    tap_begin("search: the same paths, raw bits and levels as the definition in plain arrays");
    for (s = 0; s < (effort == 0 ? 2 : effort == 1 ? 3 : 5); s++)
        for (bits = 2; bits <= 4; bits++) {
            code k = code_of(bits, sizes[s]);
            ref_open(&k);
            /* 1 ... 200 columns are 2 ... 50 steps; sizes of 10 and more are tried at a few of them */
            for (cols = 1; cols <= 200; cols += s == 0   ? 1 + 4 * !effort
                                                : s == 1 ? 3 + 16 * !effort
                                                : s == 2 ? 37
                                                         : 83) {
                compare_row(&k, cols, NOISE, s == 0 ? &differ : NULL);
                compare_row(&k, cols, (int)draw_below(KINDS), NULL);
                rows++;
            }
            for (kind = 0; kind < KINDS && s < 2; kind++) compare_row(&k, 201 + draw_below(200), kind, NULL);
            if (effort && s < 3) compare_row(&k, 4096, NOISE, s == 0 ? &differ : NULL);
            if (effort && s == 0) compare_row(&k, 4096 - draw_below(9), TAILS, NULL);
            rows += effort && s < 3;
            ref_close();
        }
    printf("# %d rows of noise at S = 6: other bytes where the paths out of other states were absent at once\n",
           differ);
    tap_end();
}

static void test_short(int effort)
{
    int bits, s, i, t, sequence, rows = effort == 0 ? 3 : effort == 1 ? 20 : 200;
    tap_begin("sequences as short as the window: the best of every path");
    for (s = 0; s < (effort ? 3 : 2); s++)
        for (bits = 2; bits <= 4; bits++) {
            code k = code_of(bits, sizes[s]);
            ref_open(&k);
            for (i = 0; i < (s == 2 ? (rows + 9) / 10 : rows); i++) {
                size_t cols = 1 + draw_below(8 * (size_t)(k.size / 2));
                static float x[ROW];
                int64_t fixed[16], least;
                unsigned char real[16];
                int steps, bit[16], window[16];
                hrq__tcq_work w;
                block b;
                draw_row(&k, x, cols, i % KINDS);
                work_of(&k, cols, &w, &b);
                hrq__tcq_encode(&w, x, cols, 1.0f, 1.0f);
                for (sequence = 0; sequence < 4; sequence++) {
                    steps = sequence_of(&k, x, cols, sequence, fixed, real);
                    least = every_path(&k, steps, bit);
                    for (t = 0; t < steps; t++) bit[t] = w.code[4 * t + sequence] & 1;
                    EXPECT(closed_of(&k, bit, steps, window) == least, "%s, %d steps: %ld, best %ld", k.name, steps,
                           (long)closed_of(&k, bit, steps, window), (long)least);
                }
                free(b.base);
            }
            ref_close();
        }
    tap_end();
}

/* Squared error along windows, with the raw bits that the search takes. */
static double squared_of(const code *k, const float *x, size_t cols, int sequence, int steps, const int64_t *fixed,
                         const int *window)
{
    double sum = 0;
    int t;
    for (t = 0; t < steps; t++) {
        size_t col = 4 * (size_t)t + (size_t)sequence;
        int p = ref_hash[window[t]];
        double d =
            col < cols ? (double)x[col] - k->level[best_raw(k, fixed[t], p) * k->cosets + p] * (double)k->step : 0;
        sum += d * d;
    }
    return sum;
}

/* A tail-biting search in two passes is no exact one. How far above the best closed path it ends, beside the same search
   out of a start drawn blindly, which makes S of a sequence's coded bits a constant. In bits a sequence: a factor f of
   the squared error is worth 0.5 log2 f a weight. */
static void test_excess(int effort)
{
    int bits, i, t, steps, sequence, start, rows = effort == 0 ? 2 : effort == 1 ? 6 : 60;
    tap_begin("S = 6, 8 ... 14 steps: above the best of every path by less than out of a blind start");
    for (bits = 2; bits <= 4; bits++) {
        code k = code_of(bits, 6);
        double metric = 0, least = 0, got = 0, best = 0, blind = 0, n = 0, weights = 0;
        int worse = 0;
        ref_open(&k);
        for (steps = 8; steps <= (effort ? 14 : 12); steps += 2)
            for (i = 0; i < rows; i++) {
                float x[64];
                int64_t fixed[16], a, b;
                unsigned char real[16];
                int bit[16], window[16];
                hrq__tcq_work w;
                block memory;
                size_t cols = 4 * (size_t)steps - draw_below(8);
                fill_gauss(x, cols, 1.0);
                work_of(&k, cols, &w, &memory);
                hrq__tcq_encode(&w, x, cols, 1.0f, 1.0f);
                for (sequence = 0; sequence < 4; sequence++) {
                    sequence_of(&k, x, cols, sequence, fixed, real);
                    a = every_path(&k, steps, bit);
                    closed_of(&k, bit, steps, window);
                    best += squared_of(&k, x, cols, sequence, steps, fixed, window);
                    for (t = 0; t < steps; t++) bit[t] = w.code[4 * t + sequence] & 1;
                    b = closed_of(&k, bit, steps, window);
                    got += squared_of(&k, x, cols, sequence, steps, fixed, window);
                    start = (int)draw_below(64);
                    pass_of(&k, steps, 0, steps, start, start, FORCED);
                    blind += squared_of(&k, x, cols, sequence, steps, fixed, ref_window);
                    EXPECT(b >= a, "%s: the reference is wrong", k.name);
                    metric += (double)b;
                    least += (double)a;
                    worse += b > a;
                    n++;
                }
                weights += (double)cols;
                free(memory.base);
            }
        got = 0.5 * log2(got / best) * weights / n;
        blind = 0.5 * log2(blind / best) * weights / n;
        printf(
            "# %s: %d of %.0f sequences above the best, metric %+.0f %%, %.2f bits a sequence (blind start %.2f)\n",
            k.name, worse, n, 100 * (metric / least - 1), got, blind);
        EXPECT(got < blind, "%s: %.2f bits a sequence, blind start %.2f", k.name, got, blind);
        ref_close();
    }
    tap_end();
}

/* The least squared error of all closed paths of a sequence, in doubles: Viterbi out of every state. */
static double exact_error(const code *k, const float *x, size_t cols, int sequence, int steps)
{
    static double cost[ROW / 4][64];
    double now[64], next[64], least = HUGE_VAL;
    int t, p, raw, s, start;
    for (t = 0; t < steps; t++)
        for (p = 0; p < k->cosets; p++) {
            size_t col = 4 * (size_t)t + (size_t)sequence;
            cost[t][p] = col < cols ? HUGE_VAL : 0;
            for (raw = 0; raw < 1 << (k->bits - 1) && col < cols; raw++) {
                double d = (double)x[col] - (double)k->level[raw * k->cosets + p] * (double)k->step;
                if (d * d < cost[t][p]) cost[t][p] = d * d;
            }
        }
    for (start = 0; start < 64; start++) {
        for (s = 0; s < 64; s++) now[s] = s == start ? 0 : HUGE_VAL;
        for (t = 0; t < steps; t++) {
            for (s = 0; s < 64; s++) {
                double a = now[s >> 1] + cost[t][ref_hash[s]], b = now[s >> 1 | 32] + cost[t][ref_hash[s | 64]];
                next[s] = a < b ? a : b;
            }
            memcpy(now, next, sizeof now);
        }
        if (now[start] < least) least = now[start];
    }
    return least;
}

/* 8 bits and two passes instead of doubles and 64: what the second costs is a matter of the ends, at most a third of S
   bits a sequence where rows are short, and from 130 steps on less than 1 %. Once in thousands of sequences stand
   outliers that no path meets all: beyond 255 the metric does not tell a small miss from a large one, and one weight is
   2 rms off. Such sequences, several times worse, are counted instead of added. */
static void test_exact(int effort)
{
    int bits, i, t, steps, sequence, is_long, rows = effort == 0 ? 1 : effort == 1 ? 16 : 160;
    tap_begin(
        "S = 6: squared error within 1 % of the best closed path's in doubles, 2 bits a sequence in short rows");
    for (bits = 2; bits <= 4; bits++)
        for (is_long = 0; is_long < 2; is_long++) {
            code k = code_of(bits, 6);
            double total = 0, best = 0, worst = 0, bits_lost = 0;
            int rare = 0;
            ref_open(&k);
            for (i = 0; i < rows; i++) {
                float x[640];
                hrq__tcq_work w;
                block b;
                size_t cols = (is_long ? 520 : 96) + draw_below(121);
                fill_gauss(x, cols, 1.0);
                work_of(&k, cols, &w, &b);
                hrq__tcq_encode(&w, x, cols, 1.0f, 1.0f);
                steps = (int)((cols + 7) / 8 * 2);
                for (sequence = 0; sequence < 4; sequence++) {
                    double got = 0, least = exact_error(&k, x, cols, sequence, steps);
                    for (t = 0; t < steps; t++) {
                        size_t col = 4 * (size_t)t + (size_t)sequence;
                        double d = col < cols ? (double)x[col] - (double)w.level[col] * (double)k.step : 0;
                        got += d * d;
                    }
                    EXPECT(got >= least * (1 - 1e-9), "%s: %g below the least, %g", k.name, got, least);
                    worst = got / least > worst ? got / least : worst;
                    if (got > (is_long ? 1.5 : 3) * least) {
                        rare++;
                        continue;
                    }
                    bits_lost += 0.5 * log2(got / least) * (double)cols / (16.0 * rows);
                    total += got;
                    best += least;
                }
                free(b.base);
            }
            printf("# %s, %s: squared error %+.2f %%, %.2f bits a sequence; worst sequence %+.1f %%\n", k.name,
                   is_long ? "520 ... 640 columns" : "96 ... 216 columns", 100 * (total / best - 1), bits_lost,
                   100 * (worst - 1));
            if (effort) EXPECT(bits_lost <= 2, "%s: %.2f bits a sequence", k.name, bits_lost);
            EXPECT(rare <= 1 + rows / 50, "%s: %d of %d sequences several times worse", k.name, rare, 4 * rows);
            if (is_long && effort) EXPECT(total <= 1.01 * best, "%s: %g, best %g", k.name, total, best);
            ref_close();
        }
    tap_end();
}

/* ---- bytes, by the drawing at [5i] ---- */

typedef struct {
    size_t cols8, panel; /* bytes of a panel */
    const code *k;
    const unsigned char *data;
    int means;
} reader;

static reader reader_of(const code *k, const void *data, size_t cols, int means)
{
    reader r;
    r.k = k;
    r.data = (const unsigned char *)data;
    r.cols8 = (cols + 7) / 8 * 8;
    r.panel = r.cols8 * 2 * (size_t)k->bits + 32 + (means ? 64 : 0);
    r.means = means;
    return r;
}

/* Coordinate j of a lane of a superblock: coded bit | raw bits << 1 */
static int code_at(const unsigned char *p, int bits, size_t lanes, size_t lane, size_t j)
{
    int out = p[lane] >> j & 1;
    p += lanes;
    if (bits == 2) return out | (p[lane] >> j & 1) << 1;
    if (bits == 4) { /* 3 raw bits: a plane of the lowest, two of the others */
        out |= (p[lane] >> j & 1) << 1;
        p += lanes;
        return out | (p[j % 2 * lanes + lane] >> 2 * (j / 2) & 3) << 2;
    }
    return out | (p[j % 2 * lanes + lane] >> 2 * (j / 2) & 3) << 1;
}

static int read_code(const reader *r, size_t row, size_t col)
{
    size_t super = col / 32, at = col % 32, s = r->cols8 - 32 * super < 32 ? (r->cols8 - 32 * super) / 8 : 4;
    const unsigned char *p = r->data + row / 16 * r->panel + super * 64 * (size_t)r->k->bits;
    return code_at(p, r->k->bits, 16 * s, row % 16 * s + at % s, at / s);
}
static float read_scale(const reader *r, size_t row)
{
    const unsigned char *p = r->data + row / 16 * r->panel + r->cols8 * 2 * (size_t)r->k->bits + row % 16 * 2;
    uint32_t u = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 24;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static int read_level(const reader *r, size_t row, size_t col)
{
    size_t steps = r->cols8 / 4, t = col / 4, i, window = 0;
    for (i = 0; i <= (size_t)r->k->size; i++) {
        size_t at = (t + 16 * steps - i) % steps; /* 15 steps at most, 2 steps at least */
        window |= (size_t)(read_code(r, row, 4 * at + col % 4) & 1) << i;
    }
    return r->k->level[(read_code(r, row, col) >> 1) * r->k->cosets + parities_of(r->k, (unsigned)window)];
}

/* Random codes, row scales of either sign, some zero. */
static hrq_mat random_mat(const code *k, block *b, size_t rows, size_t cols)
{
    hrq_format f = format_of(k->name);
    hrq_mat m;
    size_t i, bytes = hrq_mat_bytes(&f, rows, cols), row;
    reader r = reader_of(k, NULL, cols, 0);
    *b = block_of(bytes, 3);
    EXPECT(bytes == (rows + 15) / 16 * r.panel, "%s %lu x %lu: %lu bytes", k->name, (unsigned long)rows,
           (unsigned long)cols, (unsigned long)bytes);
    for (i = 0; i < bytes; i++) b->data[i] = (unsigned char)draw();
    for (row = 0; row < (rows + 15) / 16 * 16; row++) {
        unsigned char *p = b->data + row / 16 * r.panel + r.cols8 * 2 * (size_t)k->bits + row % 16 * 2;
        p[1] = (unsigned char)(draw_below(5) ? 0x3f : draw_below(2) ? 0xbe : 0);
        if (!p[1]) p[0] = 0;
    }
    EXPECT(hrq_mat_wrap(&m, &f, rows, cols, 7, b->data, bytes) == HRQ_OK, "%s", k->name);
    EXPECT(hrq_mat_check(&m) == HRQ_OK, "%s: random codes are no codes", k->name);
    return m;
}

/* Products with unit vectors are entries; with noise, sums of them. Any split into rows: the same bits. steps: column
   scales are folded into the activations, which rounds them once more, and to int8 as they then are. */
static void check_products(const code *k, const hrq_mat *m, const float *w, int steps)
{
    enum { N = 5 };
    size_t rows = m->rows, cols = m->cols, t, r, c, at[N - 1], row0;
    float *x = floats_of(N, cols, cols), *y = floats_of(N, rows, rows), *z = floats_of(N, rows, rows);
    int kind;
    for (kind = 0; kind < 2; kind++) {
        hrq_act_kind act_kind = kind ? HRQ_ACT_INT8 : HRQ_ACT_F32;
        size_t bytes = hrq_act_bytes(m, N, act_kind);
        block b = block_of(bytes, 1);
        hrq_act *act = NULL;
        memset(x, 0, N * cols * sizeof *x);
        for (t = 0; t < N - 1; t++) {
            at[t] = t == 0 ? 0 : t == 1 ? cols - 1 : draw_below(cols);
            x[t * cols + at[t]] = 1.0f;
        }
        for (c = 0; c < cols; c++) x[(N - 1) * cols + c] = (float)((int)draw_below(255) - 127);
        x[(N - 1) * cols] = 127.0f; /* so that int8 activations are these numbers */
        EXPECT(hrq_act_prepare(&act, b.data, bytes, m, act_kind, x, N, cols) == HRQ_OK, "%s", k->name);
        EXPECT(hrq_mul(m, act, y, rows, 0, rows, NULL) == HRQ_OK, "%s", k->name);
        for (r = 0; r < rows; r++) {
            double sum = 0, size = 0;
            for (t = 0; t < N - 1; t++) {
                double want = (double)w[r * cols + at[t]], got = (double)y[t * rows + r];
                EXPECT(fabs(got - want) <= (kind || steps ? 4e-7 : 0.0) * fabs(want), "%s %lu x %lu: (%lu, %lu) is %g, not %g",
                       k->name, (unsigned long)rows, (unsigned long)cols, (unsigned long)r, (unsigned long)at[t], got,
                       want);
            }
            for (c = 0; c < cols; c++) {
                sum += (double)w[r * cols + c] * (double)x[(N - 1) * cols + c];
                size += fabs((double)w[r * cols + c] * (double)x[(N - 1) * cols + c]);
            }
            /* an entry is rounded once, a sum of levels in floats once a column */
            if (!steps || !kind)
                EXPECT(fabs((double)y[(N - 1) * rows + r] - sum) <= (1e-6 + 6e-8 * (double)cols) * size,
                       "%s: %g, not %g", k->name, (double)y[(N - 1) * rows + r], sum);
        }
        for (row0 = 0; row0 < rows;) {
            size_t row1 = row0 + 1 + draw_below(rows - row0);
            EXPECT(hrq_mul(m, act, z, rows, row0, row1, NULL) == HRQ_OK, "%s", k->name);
            row0 = row1;
        }
        EXPECT(same_bits(y, z, N * rows), "%s %lu x %lu: other bits in ranges of rows", k->name, (unsigned long)rows,
               (unsigned long)cols);
        free(b.base);
    }
    free(x);
    free(y);
    free(z);
}

/* Some of the rows, decoded apart from the others in w: the same bits. */
static void check_part(const code *k, const hrq_mat *m, const float *w)
{
    size_t rows = m->rows, cols = m->cols, row0 = draw_below(rows), n = 1 + draw_below(rows - row0);
    float *part = floats_of(n, cols, cols);
    EXPECT(hrq_mat_decode(m, row0, n, part, cols) == HRQ_OK && same_bits(part, w + row0 * cols, n * cols),
           "%s %lu x %lu: other bits in rows %lu + %lu", k->name, (unsigned long)rows, (unsigned long)cols,
           (unsigned long)row0, (unsigned long)n);
    free(part);
}

static void check_decode(const code *k, const hrq_mat *m, int products)
{
    size_t rows = m->rows, cols = m->cols, r, c;
    float *w = floats_of(rows, cols, cols);
    reader own = reader_of(k, m->data, cols, 0);
    EXPECT(hrq_mat_decode(m, 0, rows, w, cols) == HRQ_OK, "%s", k->name);
    for (r = 0; r < rows; r++) {
        float scale = read_scale(&own, r) * k->step;
        size_t bad = cols;
        for (c = cols; c-- > 0;)
            if (w[r * cols + c] != (float)read_level(&own, r, c) * scale) bad = c;
        c = bad < cols ? bad : 0;
        EXPECT(bad == cols, "%s %lu x %lu: (%lu, %lu) is %g, by the drawing %g", k->name, (unsigned long)rows,
               (unsigned long)cols, (unsigned long)r, (unsigned long)c, (double)w[r * cols + c],
               (double)((float)read_level(&own, r, c) * scale));
    }
    check_part(k, m, w);
    if (products) check_products(k, m, w, 0);
    free(w);
}

static void test_bytes(int effort)
{
    size_t cols;
    tap_begin("any bytes: decoded as the drawing has it, windows around the end; products and ranges of rows agree");
    for (cols = 1; cols <= 301; cols += effort ? 1 : 7) {
        int bits;
        for (bits = 2; bits <= 4; bits++) {
            size_t wide = cols == 301 ? 4096 - draw_below(33) * (draw() & 1) : cols;
            code k = code_of(bits, sizes[(cols + (size_t)bits) % 5]);
            block b;
            hrq_mat m = random_mat(&k, &b, cols == 301 ? 19 : 1 + draw_below(effort == 2 ? 50 : 20), wide);
            check_decode(&k, &m, cols % 3 == 0 || wide > 300);
            free(b.base);
        }
    }
    tap_end();
}

/* ---- whole rows through hrq_mat_encode ---- */

static float bf16_near(double x)
{
    float f = (float)x;
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    u = (u + 0x7fffu + (u >> 16 & 1)) & 0xffff0000u;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* Scale of the search: the root mean square in bf16; then the least squares one for the codes found, or +unbiased. */
static void test_encode(int effort)
{
    int bits, i, unbiased;
    tap_begin("encode: codes of the definition under the row's rms in bf16, then the scale that fits them");
    for (bits = 2; bits <= 4; bits++)
        for (i = 0; i < (effort == 0 ? 4 : effort == 1 ? 24 : 200); i++) {
            code k = code_of(bits, sizes[i % 8 == 7 && effort ? 2 : i % 2]);
            size_t rows = 1 + draw_below(3), cols = 1 + draw_below(300), r, c;
            float *w = floats_of(rows, cols, cols), x[300], first, stored;
            double scale = pow(10, 20 * draw_uniform() - 10);
            ref_open(&k);
            fill_gauss(w, rows * cols, scale);
            for (unbiased = 0; unbiased < 2; unbiased++) {
                char name[40];
                block b;
                hrq_mat m;
                reader own;
                snprintf(name, sizeof name, "%s%s", k.name, unbiased ? "+unbiased" : "");
                m = mat_of(&b, name, rows, cols, 1, w, cols);
                own = reader_of(&k, b.data, cols, 0);
                check_decode(&k, &m, 0);
                for (r = 0; r < rows; r++) {
                    double energy = 0, dot = 0, norm = 0, want;
                    size_t bad = own.cols8;
                    for (c = 0; c < cols; c++) energy += (double)w[r * cols + c] * (double)w[r * cols + c];
                    first = bf16_near(sqrt(energy / (double)cols));
                    for (c = 0; c < cols; c++) x[c] = w[r * cols + c] * (1.0f / first);
                    ref_encode(&k, x, cols, FORCED, ref_code, ref_level);
                    for (c = own.cols8; c-- > 0;)
                        if (read_code(&own, r, c) != ref_code[c]) bad = c;
                    EXPECT(bad == own.cols8, "%s, %lu columns: column %lu", name, (unsigned long)cols,
                           (unsigned long)bad);
                    for (c = 0; c < cols; c++) {
                        double d = (double)ref_level[c] * (double)k.step;
                        dot += (double)w[r * cols + c] * d;
                        norm += d * d;
                    }
                    want = unbiased ? energy / dot : dot / norm;
                    stored = read_scale(&own, r);
                    /* half a unit of bf16's 8 bits, and the floats in between */
                    if (dot > 0)
                        EXPECT(fabs((double)stored / want - 1) <= 1.001 / 256, "%s: scale %g, not %g", name,
                               (double)stored, want);
                }
                free(b.base);
            }
            ref_close();
            free(w);
        }
    tap_end();
}

static double squared(const float *a, const float *b, size_t n)
{
    double sum = 0;
    while (n-- > 0) {
        double d = (double)a[n] - (b ? (double)b[n] : 0);
        sum += d * d;
    }
    return sum;
}

static void test_odd_rows(int effort)
{
    int bits, s, kind, i;
    tap_begin("zeros, constants, extremes, one huge outlier: finite, no worse than zero, the same bytes wherever "
              "they stand");
    for (bits = 2; bits <= 4; bits++)
        for (s = 0; s < (effort ? 3 : 1); s++)
            for (i = 0; i < (s == 2 ? 2 : effort == 2 ? 45 : 9); i++)
                for (kind = 0; kind < KINDS; kind++) {
                    code k = code_of(bits, sizes[s]);
                    int whole = s == 0 && i < 3; /* the rows around it too */
                    size_t cols = i == 0 ? 512 : 1 + draw_below(250), rows = 18 + draw_below(9),
                           r0 = draw_below(rows), c, bad;
                    float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols);
                    double scale = i % 3 == 0 ? 1 : i % 3 == 1 ? 1e-20 : 1e20;
                    block one, many, again;
                    hrq_mat m1, m2;
                    reader own1, own2;
                    fill_gauss(w, rows * cols, scale);
                    draw_row(&k, w + r0 * cols, cols, kind);
                    if (kind == OUTLIER) /* 1e30 times the others */
                        for (c = 0; c < cols; c++) w[r0 * cols + c] = w[r0 * cols + c] > 1e-3f ? 1e15f : 1e-15f;
                    else
                        for (c = 0; c < cols; c++) w[r0 * cols + c] *= (float)scale;
                    m1 = mat_of(&one, k.name, 1, cols, 1, w + r0 * cols, cols);
                    m2 = mat_of(&many, k.name, rows, cols, 99, NULL, 0);
                    memset(many.data, 0x5a, many.bytes); /* nothing of what was there stays */
                    EXPECT(hrq_mat_encode(&m2, r0, 1, w + r0 * cols, cols, NULL) == HRQ_OK, "%s", k.name);
                    own1 = reader_of(&k, one.data, cols, 0);
                    own2 = reader_of(&k, many.data, cols, 0);
                    for (bad = own1.cols8, c = bad; c-- > 0;)
                        if (read_code(&own1, 0, c) != read_code(&own2, r0, c)) bad = c;
                    EXPECT(bad == own1.cols8 && read_scale(&own1, 0) == read_scale(&own2, r0),
                           "%s kind %d, %lu columns: row %lu differs at %lu", k.name, kind, (unsigned long)cols,
                           (unsigned long)r0, (unsigned long)bad);
                    if (whole) {
                        memset(many.data, 0, many.bytes);
                        EXPECT(hrq_mat_encode(&m2, 0, rows, w, cols, NULL) == HRQ_OK, "%s", k.name);
                        for (bad = own1.cols8, c = bad; c-- > 0;)
                            if (read_code(&own1, 0, c) != read_code(&own2, r0, c)) bad = c;
                        EXPECT(bad == own1.cols8 && read_scale(&own1, 0) == read_scale(&own2, r0),
                               "%s kind %d, %lu columns: row %lu among others differs at %lu", k.name, kind,
                               (unsigned long)cols, (unsigned long)r0, (unsigned long)bad);
                        mat_of(&again, k.name, rows, cols, 99, w, cols);
                        EXPECT(memcmp(again.data, many.data, many.bytes) == 0, "%s kind %d: other bytes again",
                               k.name, kind);
                        free(again.base);
                    }
                    hrq_mat_decode(&m1, 0, 1, back, cols);
                    for (bad = cols, c = cols; c-- > 0;)
                        if (!(fabs((double)back[c]) < 1e38)) bad = c;
                    EXPECT(bad == cols, "%s kind %d: not finite", k.name, kind);
                    EXPECT(squared(w + r0 * cols, back, cols) <= 1.05 * squared(w + r0 * cols, NULL, cols),
                           "%s kind %d, %lu columns: error %g, energy %g", k.name, kind, (unsigned long)cols,
                           squared(w + r0 * cols, back, cols), squared(w + r0 * cols, NULL, cols));
                    free(one.base);
                    free(many.base);
                    free(w);
                    free(back);
                }
    tap_end();
}

/* A constant is no noise: the levels near 1 rms must come again and again. */
static void test_constants(int effort)
{
    int bits, s, i;
    double worst = 0;
    tap_begin("constant rows of 128 columns and more: error a quarter of the energy at most");
    for (bits = 2; bits <= 4; bits++)
        for (s = 0; s < (effort ? 3 : 2); s++)
            for (i = 0; i < 8; i++) {
                code k = code_of(bits, sizes[s]);
                size_t cols = 128 + draw_below(300);
                float x[428], back[428];
                double ratio;
                block b;
                hrq_mat m;
                draw_row(&k, x, cols, CONSTANT);
                m = mat_of(&b, k.name, 1, cols, 1, x, cols);
                hrq_mat_decode(&m, 0, 1, back, cols);
                ratio = squared(x, back, cols) / squared(x, NULL, cols);
                worst = ratio > worst ? ratio : worst;
                EXPECT(ratio <= 0.25, "%s, %lu columns: %.3f of the energy", k.name, (unsigned long)cols, ratio);
                free(b.base);
            }
    printf("# worst: %.3f\n", worst);
    tap_end();
}

/* ---- :col: time runs down the rows of a band ---- */

typedef struct {
    size_t rows, cols8, panel;
    const code *k;
    const unsigned char *head, *data;
} column_reader;

static column_reader column_reader_of(const code *k, const void *data, size_t rows, size_t cols, int means)
{
    column_reader r;
    r.k = k;
    r.rows = rows;
    r.cols8 = (cols + 7) / 8 * 8;
    r.head = (const unsigned char *)data;
    r.data = r.head + (8 + 2 * cols + 63) / 64 * 64;
    r.panel = r.cols8 * 2 * (size_t)k->bits + 10 + (means ? 64 : 0);
    return r;
}

static int column_code(const column_reader *r, size_t row, size_t col)
{
    size_t super = col / 32, s = r->cols8 - 32 * super < 32 ? (r->cols8 - 32 * super) / 8 : 4;
    const unsigned char *p = r->data + row / 16 * r->panel + super * 64 * (size_t)r->k->bits;
    return code_at(p, r->k->bits, 16 * s, row % 16 / 8 * 8 * s + col % 32, row % 8);
}

/* First row of a row's band, and its rows, padding included: 256, the last band with what is left over. */
static size_t band_of(size_t rows, size_t row, size_t *count)
{
    size_t bands = rows / 256 ? rows / 256 : 1, band = row / 256 < bands ? row / 256 : bands - 1;
    *count = ((band + 1 < bands ? 256 : rows - 256 * band) + 15) / 16 * 16;
    return 256 * band;
}

static int column_level(const column_reader *r, size_t row, size_t col)
{
    size_t count, first = band_of(r->rows, row, &count), i, window = 0;
    for (i = 0; i <= (size_t)r->k->size; i++)
        window |= (size_t)(column_code(r, first + (row - first + count - i) % count, col) & 1) << i;
    return r->k->level[(column_code(r, row, col) >> 1) * r->k->cosets + parities_of(r->k, (unsigned)window)];
}

static float bf16_of(unsigned bits)
{
    uint32_t u = bits << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static double column_row_scale(const column_reader *r, size_t row)
{
    const unsigned char *p = r->data + row / 16 * r->panel + r->cols8 * 2 * (size_t)r->k->bits;
    int k = p[2 + row % 16 / 2] >> (row % 2 ? 4 : 0) & 15;
    return k == 15 ? 0.0 : (double)bf16_of((p[0] & 0xfcu) | (unsigned)p[1] << 8) * exp2(-k * ldexp(1.0, p[0] & 3) / 32);
}

static double column_step(const column_reader *r, size_t col)
{
    const unsigned char *p = r->head + 8 + 2 * col;
    return (double)bf16_of((p[0] | (unsigned)p[1] << 8) ^ 0x3f80u);
}

/* Scales of columns as an encoder with feedback would leave them. */
static void draw_steps(hrq_mat *m)
{
    unsigned char *head = (unsigned char *)m->data;
    size_t i;
    for (i = 0; i < m->cols; i++) {
        head[8 + 2 * i] = (unsigned char)draw();
        head[9 + 2 * i] = (unsigned char)draw_below(2);
    }
    hrq__put64(head, hrq__column_fingerprint(head + 8, m->cols));
}

static void column_compare(const code *k, const hrq_mat *m, int steps)
{
    size_t rows = m->rows, cols = m->cols, r, c;
    float *w = floats_of(rows, cols, cols);
    column_reader own = column_reader_of(k, m->data, rows, cols, 0);
    EXPECT(hrq_mat_check(m) == HRQ_OK, "%s: no codes", k->name);
    EXPECT(hrq_mat_decode(m, 0, rows, w, cols) == HRQ_OK, "%s", k->name);
    for (r = 0; r < rows; r++) {
        size_t bad = cols;
        double want = 0;
        for (c = cols; c-- > 0;) {
            want = column_level(&own, r, c) * (double)k->step * column_row_scale(&own, r) * column_step(&own, c);
            if (!(fabs((double)w[r * cols + c] - want) <= 4e-7 * fabs(want))) bad = c;
        }
        EXPECT(bad == cols, "%s %lu x %lu: (%lu, %lu) is not what the drawing says", k->name, (unsigned long)rows,
               (unsigned long)cols, (unsigned long)r, (unsigned long)bad);
    }
    check_part(k, m, w);
    check_products(k, m, w, steps);
    free(w);
}

static void test_column_bytes(int effort)
{
    static const size_t some[] = {1, 15, 16, 17, 40, 256, 257, 300, 511, 512, 530, 769};
    size_t i, j;
    tap_begin(":col: any bytes, any scales of columns: decoded as the drawing has it, windows around the band; products");
    for (i = 0; i < sizeof some / sizeof some[0]; i++)
        for (j = 0; j < (effort ? 6 : 1); j++) {
            size_t rows = some[i], cols = j == 5 ? 300 : 1 + draw_below(80), at;
            int bits = 2 + (int)draw_below(3);
            code k = code_of(bits, sizes[draw_below(5)]);
            block b;
            hrq_format f;
            hrq_mat m;
            column_reader own;
            strcat(k.name, ":col");
            f = format_of(k.name);
            b = block_of(hrq_mat_bytes(&f, rows, cols), 3);
            own = column_reader_of(&k, b.data, rows, cols, 0);
            EXPECT(b.bytes == (size_t)(own.data - own.head) + (rows + 15) / 16 * own.panel, "%s: %lu bytes", k.name,
                   (unsigned long)b.bytes);
            for (at = 0; at < b.bytes; at++) b.data[at] = (unsigned char)draw();
            memset(b.data, 0, (size_t)(own.data - own.head));
            for (at = 0; at < (rows + 15) / 16; at++) {
                unsigned char *p = b.data + (own.data - own.head) + at * own.panel + own.cols8 * 2 * (size_t)bits;
                p[1] = (unsigned char)(draw_below(5) ? 0x3f : draw_below(2) ? 0xbe : 0);
                if (!p[1]) p[0] = 0;
            }
            EXPECT(hrq_mat_wrap(&m, &f, rows, cols, 7, b.data, b.bytes) == HRQ_OK, "%s", k.name);
            if (j % 2) draw_steps(&m);
            column_compare(&k, &m, j % 2);
            free(b.base);
        }
    tap_end();
}

/* The codes of a column are those of a row whose first sequence it is. */
static void test_column_encode(int effort)
{
    int i;
    tap_begin(":col: codes of the definition under scales of rows and columns, those of rows next to their rms");
    for (i = 0; i < (effort ? 12 : 3); i++) {
        code k = code_of(2 + i % 3, sizes[i % 2]);
        size_t rows = i == 0 ? 512 : i == 1 ? 256 : 16 * (1 + draw_below(18)), cols = 1 + draw_below(6), r, c;
        float *w = floats_of(rows, cols, cols), *x = floats_of(1, 4 * rows, 4 * rows);
        double scale = pow(10, 20 * draw_uniform() - 10);
        block b;
        hrq_mat m;
        column_reader own;
        ref_open(&k);
        strcat(k.name, ":col");
        for (r = 0; r < rows; r++) fill_gauss(w + r * cols, cols, r % 7 == 3 ? 0.0 : scale * exp(draw_gauss()));
        m = mat_of(&b, k.name, rows, cols, 1, NULL, 0);
        if (i % 2) draw_steps(&m);
        EXPECT(hrq_mat_encode(&m, 0, rows, w, cols, NULL) == HRQ_OK, "%s", k.name);
        own = column_reader_of(&k, b.data, rows, cols, 0);
        column_compare(&k, &m, i % 2);
        for (r = 0; r < rows; r++) {
            double energy = 0, stored = column_row_scale(&own, r), top = 0, least = 1e30, far, part;
            for (c = 0; c < cols; c++) energy += (double)w[r * cols + c] * (double)w[r * cols + c];
            for (c = r / 16 * 16; c < r / 16 * 16 + 16 && c < rows; c++) {
                double other = column_row_scale(&own, c);
                top = other > top ? other : top;
                least = other > 0 && other < least ? other : least;
            }
            energy = sqrt(energy / (double)cols);
            /* half a step, which is a fourteenth of what lies between the largest and the least, up to a factor of 2, or
               a quarter of an octave; the largest is rounded by 2^-6; the last step is for all that is smaller */
            far = log2(top / least);
            part = far > 1.7 ? 0.25 : far > 0.8 ? 0.125 : far > 0.4 ? 0.0625 : 0.03125;
            EXPECT(energy == 0 ? stored == 0
                               : fabs(log2(stored / energy)) <= part / 2 + 0.023 || (stored > 0 && stored <= top * exp2(-3.49)) ||
                                     (stored == 0 && energy <= top / 30),
                   "%s: row %lu has scale %g, rms %g", k.name, (unsigned long)r, stored, energy);
        }
        for (c = 0; c < cols; c++) {
            size_t band, count, bad = rows;
            for (band = 0; band < rows; band += count) {
                band_of(rows, band, &count);
                memset(x, 0, 4 * rows * sizeof *x);
                for (r = 0; r < count; r++) {
                    float row = (float)column_row_scale(&own, band + r), step = (float)column_step(&own, c);
                    x[4 * r] = row > 0 ? w[(band + r) * cols + c] * (1.0f / row) * (1.0f / step) : 0.0f;
                }
                ref_encode(&k, x, 4 * count - 3, FORCED, ref_code, ref_level);
                for (r = count; r-- > 0;)
                    if (column_code(&own, band + r, c) != ref_code[4 * r]) bad = band + r;
            }
            EXPECT(bad == rows, "%s %lu x %lu, column %lu: row %lu is coded otherwise", k.name, (unsigned long)rows,
                   (unsigned long)cols, (unsigned long)c, (unsigned long)bad);
        }
        ref_close();
        free(b.base);
        free(w);
        free(x);
    }
    tap_end();
}

static void test_column_ranges(void)
{
    static const char *const names[] = {"tcq2:s6:col", "tcq3:s6:col+had+center", "tcq4:s6:col+center+keep40"};
    static const size_t some[] = {1, 255, 256, 511, 512, 700, 1024};
    size_t i, j, row, row0, n, cols = 21;
    tap_begin(":col: whole bands in any order give the same bytes, whatever lay there; other ranges are refused untouched");
    for (i = 0; i < 3; i++)
        for (j = 0; j < sizeof some / sizeof some[0]; j++) {
            size_t rows = some[j], last = rows < 512 ? 0 : (rows / 256 - 1) * 256;
            float *w = floats_of(rows, cols, cols);
            block a, b;
            hrq_mat m, m2;
            fill_gauss(w, rows * cols, 3.0);
            m = mat_of(&a, names[i], rows, cols, 5, w, cols);
            m2 = mat_of(&b, names[i], rows, cols, 5, NULL, 0);
            memset(b.data + 64, 0x5a, b.bytes - 64); /* not the head */
            for (n = 0; n < 40; n++) {
                hrq_status status;
                row0 = draw_below(3) ? 256 * draw_below(1 + rows / 256) : draw_below(rows);
                row = draw_below(3) ? row0 + 256 * draw_below(3) : row0 + draw_below(rows - row0 + 1);
                if (draw_below(3) == 0) row = rows;
                if (row0 > rows || row > rows || row <= row0) continue;
                if (row0 % 256 == 0 && row0 <= last && (row == rows || (row % 256 == 0 && row <= last))) continue;
                status = hrq_mat_encode(&m2, row0, row - row0, w + row0 * cols, cols, NULL);
                EXPECT(status == HRQ_ERR_ARG && b.data[64] == 0x5a && b.data[b.bytes - 1] == 0x5a,
                       "%s: rows %lu ... %lu of %lu: %d", names[i], (unsigned long)row0, (unsigned long)row,
                       (unsigned long)rows, status);
            }
            for (row = rows; row > 0; row = row0) { /* from the end */
                row0 = row == rows ? last : row - 256;
                EXPECT(hrq_mat_encode(&m2, row0, row - row0, w + row0 * cols, cols, NULL) == HRQ_OK, "%s", names[i]);
            }
            EXPECT(hrq_mat_check(&m) == HRQ_OK && memcmp(a.data, b.data, a.bytes) == 0, "%s, %lu rows: other bytes",
                   names[i], (unsigned long)rows);
            free(a.base);
            free(b.base);
            free(w);
        }
    tap_end();
}

/* Bytes from outside: what the check lets pass decodes to finite numbers. */
static void test_column_refused(void)
{
    size_t i, rows = 33, cols = 27, at, passed = 0;
    float *w = floats_of(rows, cols, cols), y[33];
    block b;
    hrq_mat m;
    unsigned char *was;
    tap_begin(":col: changed heads and scales: refused, or finite; activations fit matrices with the same scales");
    fill_gauss(w, rows * cols, 1.0);
    m = mat_of(&b, "tcq3:s6:col", rows, cols, 1, w, cols);
    was = (unsigned char *)malloc(b.bytes);
    memcpy(was, b.data, b.bytes);
    for (i = 0; i < 3000; i++) {
        hrq_status status;
        memcpy(b.data, was, b.bytes);
        at = draw_below(3) ? draw_below(64) : draw_below(b.bytes);
        b.data[at] = (unsigned char)(b.data[at] ^ (1 + draw_below(255)));
        status = hrq_mat_check(&m);
        EXPECT(status == HRQ_OK || status == HRQ_ERR_DATA, "byte %lu: %d", (unsigned long)at, status);
        EXPECT(at >= 64 || status == HRQ_ERR_DATA, "byte %lu of the head passes", (unsigned long)at);
        passed += status == HRQ_OK;
        EXPECT(hrq_mat_decode(&m, 0, rows, w, cols) == HRQ_OK, "byte %lu", (unsigned long)at);
        for (at = 0; at < rows * cols && status == HRQ_OK && hrq__finite(w[at]); at++) {}
        EXPECT(status != HRQ_OK || at == rows * cols, "not finite");
    }
    EXPECT(passed > 100, "only %lu pass", (unsigned long)passed);
    memcpy(b.data, was, b.bytes);
    {
        block a, plain;
        hrq_act *act = NULL;
        hrq_mat other = mat_of(&plain, "int4", rows, cols, 1, w, cols);
        a = block_of(hrq_act_bytes(&m, 1, HRQ_ACT_INT8), 0);
        EXPECT(hrq_act_prepare(&act, a.data, a.bytes, &m, HRQ_ACT_INT8, w, 1, cols) == HRQ_OK, "prepare");
        EXPECT(hrq_act_fits(act, &m) && hrq_act_fits(act, &other), "scales of 1 fit every matrix");
        draw_steps(&m);
        EXPECT(!hrq_act_fits(act, &m) && hrq_mul(&m, act, y, rows, 0, rows, NULL) == HRQ_ERR_ARG, "other scales");
        EXPECT(hrq_act_prepare(&act, a.data, a.bytes, &m, HRQ_ACT_INT8, w, 1, cols) == HRQ_OK, "prepare");
        EXPECT(hrq_act_fits(act, &m) && !hrq_act_fits(act, &other), "its own");
        free(a.base);
        free(plain.base);
    }
    free(was);
    free(b.base);
    free(w);
    tap_end();
}

/* ---- errors on Gaussians ---- */

typedef struct {
    double db, se, gap; /* dB, its standard error by the spread of the rows, rate above R(D) in bits */
} figure;

/* rows of 4096 Gaussians, each coded in pieces of `cols`; noise: the same for every piece length. error[rows]: each row's
   squared error over its energy */
static figure measure(const char *name, const float *w, size_t rows, size_t cols, double *error)
{
    size_t i, pieces = 4096 / cols;
    hrq_format f = format_of(name);
    float *back = floats_of(rows, 4096, 4096);
    block b;
    hrq_mat m = mat_of(&b, name, rows * pieces, cols, 1, w, cols);
    double sum = 0, squares = 0, mean;
    figure out;
    hrq_mat_decode(&m, 0, rows * pieces, back, cols);
    for (i = 0; i < rows; i++) {
        error[i] = squared(w + 4096 * i, back + 4096 * i, 4096) / squared(w + 4096 * i, NULL, 4096);
        sum += error[i];
        squares += error[i] * error[i];
    }
    mean = sum / (double)rows;
    out.db = -10 * log10(mean);
    out.se = 10 / log(10) * sqrt((squares / (double)rows - mean * mean) / (double)(rows - 1)) / mean;
    out.gap = f.bits + 0.5 * log2(mean);
    free(back);
    free(b.base);
    return out;
}

static void test_errors(int effort)
{
    /* least dB as found by the search for these codes, less 0.06 for the noise of both samples; above `most` the sample
       would be wrong. Gap: b bits less the rate at which a Gaussian has this error, (b - dB / 6.02). */
    static const struct {
        const char *name;
        double least, most;
        size_t rows; /* under LONG */
        int slow;    /* only there */
    } want[] = {
        {"tcq2:s6", 11.31, 11.5, 256, 0}, {"tcq2", 11.54, 11.75, 64, 0},     {"tcq3:s6", 17.20, 17.5, 256, 0},
        {"tcq3", 17.44, 17.75, 64, 0},    {"tcq4:s6", 22.90, 23.4, 256, 0},  {"tcq4", 23.31, 23.7, 96, 0},
        {"tcq2:s14", 11.66, 11.9, 20, 1}, {"tcq3:s12", 17.51, 17.85, 64, 1}, {"tcq4:s12", 23.39, 23.8, 96, 1}};
    size_t i, j;
    if (effort == 0) return;
    tap_begin("errors on Gaussians, rows of 4096: dB and distance to the rate-distortion curve");
    for (i = 0; i < sizeof want / sizeof want[0]; i++) {
        size_t rows = effort == 2 ? want[i].rows : want[i].name[3] == '4' ? 48 : 24; /* 4 bits: rare, large errors */
        float *w;
        double error[256];
        figure f;
        if (want[i].slow && effort < 2) continue;
        w = floats_of(rows, 4096, 4096);
        fill_gauss(w, rows * 4096, 0.02);
        f = measure(want[i].name, w, rows, 4096, error);
        printf("# %-9s %6.3f dB +- %.3f  gap %.3f bit (%.2f dB wanted, gap %.3f)\n", want[i].name, f.db, f.se, f.gap,
               want[i].least, f.gap + (f.db - want[i].least) / 6.0206);
        EXPECT(f.se < (effort == 2 ? 0.02 : 0.05), "%s: standard error %.3f dB", want[i].name, f.se);
        EXPECT(f.db >= want[i].least, "%s: %.3f dB, %.2f wanted", want[i].name, f.db, want[i].least);
        EXPECT(f.db <= want[i].most, "%s: %.3f dB is too good", want[i].name, f.db);
        for (j = 0; j < rows; j++)
            EXPECT(error[j] < 1.5 * pow(10, -f.db / 10), "%s: one row %.1f dB", want[i].name, -10 * log10(error[j]));
        free(w);
    }
    tap_end();
}

/* The same noise in rows of 4096 and in shorter ones. */
static void test_ends(int effort)
{
    static const size_t lengths[] = {1024, 512, 256, 128};
    size_t i, r, rows = effort == 2 ? 64 : 8;
    float *w;
    double whole[64], cut[64];
    figure f, g;
    if (effort == 0) return;
    tap_begin("closed ends: 1024 columns, 256 steps, cost 0.01 bit at most");
    w = floats_of(rows, 4096, 4096);
    fill_gauss(w, rows * 4096, 1.0);
    f = measure("tcq2", w, rows, 4096, whole);
    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        double sum = 0, squares = 0, d, se;
        g = measure("tcq2", w, rows, lengths[i], cut);
        for (r = 0; r < rows; r++) {
            d = 0.5 * log2(cut[r] / whole[r]);
            sum += d;
            squares += d * d;
        }
        se = sqrt((squares / (double)rows - sum / (double)rows * (sum / (double)rows)) / (double)(rows - 1));
        printf("# tcq2, %4lu columns: %.3f bit more +- %.4f, gap %.3f\n", (unsigned long)lengths[i], g.gap - f.gap,
               se, g.gap);
        if (lengths[i] >= 1024) EXPECT(g.gap - f.gap <= 0.01, "%.4f bit more", g.gap - f.gap);
        if (lengths[i] >= 1024) EXPECT(se < 0.005, "the sample says nothing: %.4f", se);
    }
    free(w);
    tap_end();
}

/* ---- memory ---- */

typedef struct {
    size_t bytes;
    int taken, given, fail;
} purse;

static void *purse_alloc(void *user, size_t bytes)
{
    purse *p = (purse *)user;
    p->taken++;
    p->bytes += bytes;
    return p->fail ? NULL : malloc(bytes);
}

static void purse_release(void *user, void *memory)
{
    ((purse *)user)->given += memory != NULL;
    free(memory);
}

static void test_memory(int effort)
{
    static const char *const names[] = {"tcq2:s6",  "tcq3:s8",  "tcq4",           "tcq2:s12",
                                        "tcq3:s14", "tcq4+had", "tcq2:s6+center", "tcq2:s8+had+center+keep25",
                                        "tcq2:s6:col", "tcq3:s6:col+had", "tcq4:s6:col+center+keep40"};
    size_t i, j;
    tap_begin("encode asks once, for hrq_mat_encode_scratch bytes; without them nothing changes");
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        for (j = 0; j < (effort ? 6 : 2); j++) {
            size_t rows = 1 + draw_below(3), cols = j == 0 ? 1 : 1 + draw_below(i == 4 ? 40 : 400), wanted, at;
            hrq_format f = format_of(names[i]);
            float *w = floats_of(rows, cols, cols);
            block b, c;
            hrq_hooks h;
            purse p;
            hrq_mat m = mat_of(&b, names[i], rows, cols, 5, NULL, 0), n;
            memset(&h, 0, sizeof h);
            memset(&p, 0, sizeof p);
            h.user = &p;
            h.alloc = purse_alloc;
            h.release = purse_release;
            fill_gauss(w, rows * cols, 1.0);
            n = mat_of(&c, names[i], rows, cols, 5, w, cols);
            wanted = hrq_mat_encode_scratch(&f, cols);
            EXPECT(wanted > 0, "%s: no memory", names[i]);
            memset(b.data, 0xa5, b.bytes);
            p.fail = 1;
            EXPECT(hrq_mat_encode(&m, 0, rows, w, cols, &h) == HRQ_ERR_NOMEM, "%s: encoded without memory", names[i]);
            for (at = 0; at < m.bytes && b.data[at] == 0xa5; at++) {}
            EXPECT(at == m.bytes, "%s: byte %lu changed", names[i], (unsigned long)at);
            EXPECT(p.taken == 1 && p.bytes == wanted && p.given == 0, "%s: asked %d times, %lu bytes of %lu",
                   names[i], p.taken, (unsigned long)p.bytes, (unsigned long)wanted);
            memset(&p, 0, sizeof p);
            memset(b.data, 0, b.bytes);
            EXPECT(hrq_mat_encode(&m, 0, rows, w, cols, &h) == HRQ_OK, "%s", names[i]);
            EXPECT(p.taken == 1 && p.bytes == wanted && p.given == 1, "%s: asked %d times, %lu bytes of %lu, gave %d",
                   names[i], p.taken, (unsigned long)p.bytes, (unsigned long)wanted, p.given);
            EXPECT(n.bytes == m.bytes && memcmp(b.data, c.data, m.bytes) == 0, "%s: other bytes with hooks",
                   names[i]);
            free(b.base);
            free(c.base);
            free(w);
        }
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_tables();
    test_hash(effort);
    test_step(effort);
    test_search(effort);
    test_short(effort);
    test_excess(effort);
    test_exact(effort);
    test_bytes(effort);
    test_encode(effort);
    test_odd_rows(effort);
    test_constants(effort);
    test_column_bytes(effort);
    test_column_encode(effort);
    test_column_ranges();
    test_column_refused();
    test_errors(effort);
    test_ends(effort);
    test_memory(effort);
    return tap_finish();
}
