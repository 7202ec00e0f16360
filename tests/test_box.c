// test_box.c: the box code of E8 in [8i], by brute force and against its definition; and the distortion of all lattice
// codes on Gaussians against published figures.

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

static hrq__box box_of(unsigned bits, unsigned classes, char name[16])
{
    hrq_format f;
    snprintf(name, 16, "e8b%u:k%u", bits, classes);
    f = format_of(name);
    return hrq__box_of(&f);
}

/* Level of a label in the tables as they stand, [classes - 1 + class][coset][label]. */
static int32_t level_of(unsigned bits, unsigned classes, unsigned class_, unsigned coset, int label)
{
    unsigned row = classes - 1 + class_;
    return bits == 2   ? hrq__box_level2[row][coset][label]
           : bits == 3 ? hrq__box_level3[row][coset][label]
                       : hrq__box_level4[row][coset][label];
}

typedef struct {
    int label[8];
    unsigned class_, coset;
    int64_t cost;
} choice;

/* The code's definition, t in sixteenths of a step: for each class and coset the nearest level of every entry, the lower
   label on ties; where the labels' parity is not the coset, the entry goes to its nearer neighbouring label (the lower on
   ties) that this costs least (the lowest entry on ties). Of all classes and cosets the least, the first on ties. */
static choice choose(unsigned bits, unsigned classes, const int32_t t[8])
{
    choice best, now;
    int i, k, count = 1 << bits;
    best.cost = INT64_MAX;
    for (now.class_ = 0; now.class_ < classes; now.class_++)
        for (now.coset = 0; now.coset < 2; now.coset++) {
            int64_t cost[8][16], least = INT64_MAX;
            int at = 0, to = 0, side;
            unsigned sum = 0;
            now.cost = 0;
            for (i = 0; i < 8; i++) {
                now.label[i] = 0;
                for (k = 0; k < count; k++) {
                    int64_t d = t[i] - 16 * level_of(bits, classes, now.class_, now.coset, k);
                    cost[i][k] = d * d;
                    if (cost[i][k] < cost[i][now.label[i]]) now.label[i] = k;
                }
                now.cost += cost[i][now.label[i]];
                sum += (unsigned)now.label[i];
            }
            for (i = 0; i < 8; i++)
                for (side = -1; side <= 1; side += 2) {
                    k = now.label[i] + side;
                    if (k < 0 || k >= count || cost[i][k] - cost[i][now.label[i]] >= least) continue;
                    least = cost[i][k] - cost[i][now.label[i]];
                    at = i;
                    to = k;
                }
            if (sum % 2 != now.coset) {
                now.label[at] = to;
                now.cost += least;
            }
            if (now.cost < best.cost) best = now;
        }
    return best;
}

/* Least cost over all labels whose parity is their coset, by dynamic programming over the parity. */
static int64_t least_cost(unsigned bits, unsigned classes, const int32_t t[8])
{
    int64_t least = INT64_MAX;
    unsigned c, s;
    int i, k, parity;
    for (c = 0; c < classes; c++)
        for (s = 0; s < 2; s++) {
            int64_t best[2] = {0, INT64_MAX / 2}, next[2];
            for (i = 0; i < 8; i++) {
                next[0] = next[1] = INT64_MAX / 2;
                for (k = 0; k < 1 << bits; k++)
                    for (parity = 0; parity < 2; parity++) {
                        int64_t d = t[i] - 16 * level_of(bits, classes, c, s, k), sum = best[parity] + d * d;
                        if (sum < next[parity ^ (k & 1)]) next[parity ^ (k & 1)] = sum;
                    }
                best[0] = next[0];
                best[1] = next[1];
            }
            if (best[s] < least) least = best[s];
        }
    return least;
}

/* The plain enumeration of 4^8 labels, to trust the one above. */
static int64_t brute_cost(unsigned classes, const int32_t t[8])
{
    int64_t least = INT64_MAX, cost[2][8][4];
    unsigned c, s, code, parity;
    int i, k;
    for (c = 0; c < classes; c++) {
        for (s = 0; s < 2; s++)
            for (i = 0; i < 8; i++)
                for (k = 0; k < 4; k++) {
                    int64_t d = t[i] - 16 * level_of(2, classes, c, s, k);
                    cost[s][i][k] = d * d;
                }
        for (code = 0; code < 65536; code++) {
            int64_t sum = 0;
            for (i = 0, parity = 0; i < 8; i++) parity ^= code >> 2 * i;
            for (i = 0; i < 8; i++) sum += cost[parity & 1][i][code >> 2 * i & 3];
            if (sum < least) least = sum;
        }
    }
    return least;
}

/* Entries in sixteenths of a step: Gaussian, on levels, between two, all alike, far out, anywhere. */
static void draw_block(const hrq__box *c, int kind, int32_t t[8])
{
    unsigned bits = c->bits, class_ = (unsigned)draw_below(c->classes), coset = (unsigned)(draw() & 1);
    int i, k;
    for (i = 0; i < 8; i++) {
        k = (int)draw_below((size_t)(1 << bits) - 1);
        if (kind == 0) t[i] = (int32_t)nearbyint(draw_gauss() * 16 / (double)c->step);
        else if (kind == 1) t[i] = 16 * level_of(bits, c->classes, class_, coset, k);
        else if (kind == 2)
            t[i] = 8 * level_of(bits, c->classes, class_, coset, k) +
                   8 * level_of(bits, c->classes, class_, coset, k + 1);
        else if (kind == 3) t[i] = i ? t[0] : (int32_t)draw_below(4001) - 2000;
        else if (kind == 4) t[i] = (int32_t)draw_below(3) * 6000 - 6000;
        else t[i] = (int32_t)draw_below(12001) - 6000;
        t[i] = t[i] > 6000 ? 6000 : t[i] < -6000 ? -6000 : t[i];
    }
}

static void expect_choice(const char *name, const hrq__box *c, const int32_t t[8], const uint16_t label[8],
                          unsigned index, const int32_t value[8])
{
    choice want = choose(c->bits, c->classes, t);
    int i, same = index == want.class_;
    for (i = 0; i < 8; i++) {
        same &= label[i] == want.label[i];
        same &= value[i] == level_of(c->bits, c->classes, want.class_, want.coset, want.label[i]);
    }
    EXPECT(same, "%s: t %ld %ld %ld %ld %ld %ld %ld %ld: another code", name, (long)t[0], (long)t[1], (long)t[2],
           (long)t[3], (long)t[4], (long)t[5], (long)t[6], (long)t[7]);
}

static void test_tables(void)
{
    unsigned bits, classes, c, s;
    int k;
    tap_begin("box codes: levels ascend strictly within int8; their format finds them");
    for (bits = 2; bits <= 4; bits++)
        for (classes = 1; classes <= 8; classes *= 2) {
            char name[16];
            hrq__box box = box_of(bits, classes, name);
            EXPECT(box.bits == bits && box.classes == classes && box.step > 0.0f, "%s", name);
            for (c = 0; c < classes; c++)
                for (s = 0; s < 2; s++)
                    for (k = 0; k < 1 << bits; k++) {
                        int32_t level = level_of(bits, classes, c, s, k);
                        EXPECT(box.level[((2 * c + s) << bits) + (unsigned)k] == level, "%s: table", name);
                        EXPECT(level >= -127 && level <= 127, "%s: level %ld", name, (long)level);
                        EXPECT(k == 0 || level > level_of(bits, classes, c, s, k - 1), "%s: levels %ld after %ld",
                               name, (long)level, (long)level_of(bits, classes, c, s, k - (k > 0)));
                    }
        }
    tap_end();
}

static void test_encoder(int effort)
{
    unsigned bits, classes;
    int i, j, crossed, n = effort == 0 ? 600 : effort == 1 ? 12000 : 200000, brute = n / 200;
    tap_begin("box codes: the least error of all labels of the right parity, and ties as defined");
    for (bits = 2; bits <= 4; bits++)
        for (classes = 1; classes <= 8; classes *= 2) {
            char name[16];
            hrq__box c = box_of(bits, classes, name);
            double step = (double)c.step / 16;
            for (i = 0; i < n; i++) {
                int32_t t[8], value[8];
                uint16_t label[8];
                unsigned index = 99, parity = 0;
                int64_t cost = 0, least;
                float x[8];
                draw_block(&c, i % 6, t);
                /* anywhere within the rounding interval of t, beyond its ends where that is the last */
                for (j = 0; j < 8; j++) {
                    x[j] = (float)((t[j] + (i % 12 < 6 ? 0.9 * (draw_uniform() - 0.5) : 0)) * step);
                    if (t[j] == 6000 || t[j] == -6000) x[j] *= i % 5 == 0 ? 1e7f : i % 5 == 1 ? 1.5f : 1.0f;
                }
                hrq__box_encode(&c, x, label, &index, value);
                if (!EXPECT(index < classes, "%s: class %u", name, index)) continue;
                for (j = 0; j < 8; j++) parity ^= label[j];
                for (j = 0; j < 8; j++) {
                    int64_t d = t[j] - 16 * value[j];
                    cost += d * d;
                    if (!EXPECT(label[j] < 1 << bits, "%s: label %u", name, label[j])) return;
                    EXPECT(value[j] == level_of(bits, classes, index, parity & 1, label[j]), "%s: label and value",
                           name);
                }
                least = least_cost(bits, classes, t);
                EXPECT(cost == least, "%s: error %.0f, least %.0f", name, (double)cost, (double)least);
                expect_choice(name, &c, t, label, index, value);
                if (bits == 2 && i < brute) EXPECT(brute_cost(classes, t) == least, "the reference is wrong");
            }
        }
    tap_end();
    tap_begin("box codes: blocks of 1e9");
    for (bits = 2; bits <= 4; bits++)
        for (classes = 1; classes <= 8; classes *= 2)
            for (i = 0; i < 256; i++) {
                char name[16];
                hrq__box c = box_of(bits, classes, name);
                int32_t t[8], value[8];
                uint16_t label[8];
                unsigned index = 99;
                float x[8];
                for (j = 0; j < 8; j++) x[j] = i >> j & 1 ? 1e9f : -1e9f;
                for (j = 0; j < 8; j++) t[j] = i >> j & 1 ? 6000 : -6000;
                hrq__box_encode(&c, x, label, &index, value);
                expect_choice(name, &c, t, label, index, value);
                /* the one entry that pays for the parity may land on an inner level, just behind zero where that is */
                for (j = 0, crossed = 0; j < 8; j++) {
                    crossed += x[j] < 0 ? value[j] >= 0 : value[j] <= 0;
                    EXPECT((x[j] < 0 ? -value[j] : value[j]) > -8, "%s: %g became %ld", name, (double)x[j],
                           (long)value[j]);
                }
                EXPECT(crossed <= 1, "%s: %d entries on the other side", name, crossed);
            }
    tap_end();
}

/* Matrices: labels, classes and values of every block are the definition's for entries over the row's root mean square as
   bf16; the scale that is stored is chosen afterwards. Where an entry is within 1e-3 of the middle between two
   sixteenths its rounding is not asked for. */
static void test_matrices(int effort)
{
    enum { COLS = 75, ROWS = 33 };
    unsigned bits, classes;
    int round;
    tap_begin("box codes: matrices hold the same labels, classes and values");
    for (bits = 2; bits <= 4; bits++)
        for (classes = 1; classes <= 8; classes *= 2)
            for (round = 0; round < (effort == 0 ? 1 : effort == 1 ? 4 : 60); round++) {
                char name[16];
                float w[COLS * ROWS], back[COLS * ROWS];
                hrq__box c = box_of(bits, classes, name);
                int asked = 0, all = 0;
                hrq__view v;
                block b;
                hrq_mat m;
                size_t row, col, i, j, s;
                fill_gauss(w, COLS * ROWS, pow(10.0, 20 * draw_uniform() - 10));
                for (i = 0; i < 5; i++) w[draw_below(COLS * ROWS)] *= 1e6f;
                m = mat_of(&b, name, ROWS, COLS, 1, w, COLS);
                hrq_mat_decode(&m, 0, ROWS, back, COLS);
                EXPECT(hrq_mat_check(&m) == HRQ_OK && hrq__view_open(&v, &m) == HRQ_OK, "%s", name);
                for (row = 0; row < ROWS; row++) {
                    float rms = hrq_f32_from_bf16(hrq__row_scale(hrq__rms(w + row * COLS, COLS), 1));
                    for (col = 0; col < COLS; col += 32) {
                        uint8_t *super = hrq__view_super(&v, row / HRQ_PANEL, col, &s);
                        for (i = 0; i < s; i++) {
                            hrq__lane lane;
                            int32_t t[8], value[8];
                            unsigned coset = 0;
                            int sure = 1;
                            EXPECT(hrq__lane_load(&v, super, s, row % HRQ_PANEL * s + i, &lane), "%s: codes", name);
                            for (j = 0; j < 8; j++) coset ^= lane.code[0][j] & 1u;
                            for (j = 0; j < 8; j++) {
                                size_t at = col + s * j + i;
                                double exact = at < COLS ? (double)w[row * COLS + at] / (double)rms : 0;
                                exact *= 16 / (double)c.step;
                                exact = exact > 6000 ? 6000 : exact < -6000 ? -6000 : exact;
                                t[j] = (int32_t)nearbyint(exact);
                                if (fabs(fabs(exact - t[j]) - 0.5) < 1e-3) sure = 0;
                                value[j] = level_of(bits, classes, lane.index, coset, lane.code[0][j]);
                                if (at < COLS)
                                    EXPECT((float)value[j] * hrq__view_row_scale(&v, row) == back[row * COLS + at],
                                           "%s: %g decoded", name, (double)back[row * COLS + at]);
                            }
                            all++;
                            asked += sure;
                            if (sure) expect_choice(name, &c, t, lane.code[0], lane.index, value);
                        }
                    }
                }
                EXPECT(asked > 0.9 * all, "%s: %d of %d blocks", name, asked, all);
                free(b.base);
            }
    tap_end();
}

/* ---- distortion on Gaussians ---- */

typedef struct {
    double mse, bits, se; /* standard error of mse, from the spread of its rows */
} figure;

static figure measure(const char *name, size_t rows, size_t cols)
{
    float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols);
    double error = 0, energy = 0, squares = 0;
    hrq_format f = format_of(name);
    block b;
    hrq_mat m;
    figure out;
    size_t i, c;
    fill_gauss(w, rows * cols, 1.0);
    m = mat_of(&b, name, rows, cols, 1, w, cols);
    hrq_mat_decode(&m, 0, rows, back, cols);
    for (i = 0; i < rows; i++) {
        double e = 0;
        for (c = i * cols; c < (i + 1) * cols; c++) {
            e += ((double)w[c] - (double)back[c]) * ((double)w[c] - (double)back[c]);
            energy += (double)w[c] * (double)w[c];
        }
        error += e;
        squares += e * e;
    }
    out.mse = error / energy;
    out.se = sqrt((squares - error * error / (double)rows) / (double)(rows - 1) * (double)rows) / energy;
    out.bits = hrq_format_bits(&f, 4096, 4096);
    free(w);
    free(back);
    free(b.base);
    return out;
}

static void test_distortion(int effort)
{
    /* dB at the true rate of this layout, rows of 4096: what a prototype with scales of its own for each q and k reached */
    static const struct {
        const char *name;
        double db, bits;
    } want[] = {{"e8:q4:k1", 6.85, 2.004},   {"e8:q4:k2", 9.78, 2.129},         {"e8:q4:k4", 11.30, 2.254},
                {"e8:q8:k1", 12.85, 3.004},  {"e8:q8:k2", 16.04, 3.129},        {"e8:q8:k4", 17.68, 3.254},
                {"e8:q16:k1", 18.57, 4.004}, {"e8:q16:k2", 22.12, 4.129},       {"e8:q16:k4", 23.71, 4.254},
                {"e8:q14:k4", 22.42, 4.129}, {"e8:q16:k4:first", 23.64, 4.254}, {"e8:q16:k8", 24.65, 4.379},
                {"e8:q64:k4", 35.64, 6.254}, {"e8:q256:k4", 47.68, 8.254}};
    size_t i, rows = effort == 2 ? 512 : 64;
    if (effort == 0) return;
    tap_begin("E8 codes on Gaussians: within 0.15 dB of the prototype's at the same bits");
    for (i = 0; i < sizeof want / sizeof want[0]; i++) {
        figure f = measure(want[i].name, rows, 4096);
        double db = -10 * log10(f.mse), gap = f.bits + 0.5 * log2(f.mse);
        printf("# %-16s %6.3f bits  D %.4e  %6.2f dB (prototype %5.2f)  gap %.3f\n", want[i].name, f.bits, f.mse, db,
               want[i].db, gap);
        /* rare blocks beyond the largest scale carry much of the error at large q: four standard errors, as the rows of
           this sample spread */
        EXPECT(-10 * log10(f.mse - 4 * f.se) > want[i].db - 0.15,
               "%s: %.2f dB, prototype %.2f, standard error %.1f %%", want[i].name, db, want[i].db,
               100 * f.se / f.mse);
        EXPECT(f.se < 0.25 * f.mse, "%s: the sample says nothing", want[i].name);
        EXPECT(f.bits < want[i].bits + 0.0005, "%s: %.4f bits, table %.3f", want[i].name, f.bits, want[i].bits);
    }
    tap_end();
    tap_begin("E8 codes on Gaussians: published betas' errors, as good or better");
    {
        static const struct {
            const char *name;
            double mse, tolerance;
        } rows9[] = {
            {"e8:q14:k4", 5.921e-3, 0.007}, {"e8:q16:k4", 4.578e-3, 0.005},     {"e8:q8:k4", 1.833e-2, 0.007},
            {"e8:q7:k4", 2.426e-2, 0.007},  {"e8:q4:k4", 8.188e-2, 0.007},      {"e8:q14:k1", 1.98e-2, 0.05},
            {"e8:q14:k2", 8.9e-3, 0.03},    {"e8:q14:k3", 6.74e-3, 0.01},       {"e8:q14:k8", 4.76e-3, 0.01},
            {"e8:q3:k4", 1.628e-1, 0.01},   {"e8:q14:k4:first", 7.019e-3, 0.01}};
        for (i = 0; i < sizeof rows9 / sizeof rows9[0]; i++) {
            figure f = measure(rows9[i].name, rows, 4096);
            printf("# %-16s D %.4e, row %.4e (%+.1f %%)\n", rows9[i].name, f.mse, rows9[i].mse,
                   100 * (f.mse / rows9[i].mse - 1));
            /* the row's own tolerance, and four standard errors of this sample */
            EXPECT(f.mse - 4 * f.se < rows9[i].mse * (1 + rows9[i].tolerance), "%s: %.4e, row %.4e", rows9[i].name,
                   f.mse, rows9[i].mse);
        }
    }
    tap_end();
}

/* What each format must reach, dB at its true rate in rows of 4096: four standard errors of the sample in its favour. */
static void test_figures(int effort)
{
    static const struct {
        const char *name;
        double db, bits;
    } want[] = {
        {"e8b4:k1", 21.3, 4.004},         {"e8b4:k2", 22.4, 4.129},          {"e8b4:k4", 23.2, 4.254},
        {"e8b3:k1", 15.7, 3.004},         {"e8b3:k2", 16.7, 3.129},          {"e8b3:k4", 17.55, 3.254},
        {"e8b3:k8", 18.25, 3.379},        {"e8b2:k1", 10.0, 2.004},          {"e8b2:k2", 10.85, 2.129},
        {"e8b2:k4", 11.6, 2.254},         {"e8b2:k8", 12.2, 2.379},          {"d4:q16:k4", 22.8 - 0.15, 4.254},
        {"e8:q16:k4", 23.7 - 0.1, 4.254}, {"e8:q14:k4", 22.4 - 0.12, 4.129}, {"e8:q16:k1", 18.57 - 0.15, 4.004},
        {"e8:q16:k2", 22.1 - 0.15, 4.129}};
    size_t i, rows = effort == 2 ? 512 : 64;
    figure layers, plain;
    double gain, se;
    if (effort == 0) return;
    tap_begin("box, D4 and E8 codes on Gaussians: the figures asked for");
    for (i = 0; i < sizeof want / sizeof want[0]; i++) {
        figure f = measure(want[i].name, rows, 4096);
        double db = -10 * log10(f.mse);
        printf("# %-16s %6.3f bits  %6.2f dB +- %.3f (asked for %5.2f)\n", want[i].name, f.bits, db,
               10 / log(10.0) * f.se / f.mse, want[i].db);
        EXPECT(-10 * log10(f.mse - 4 * f.se) >= want[i].db, "%s: %.3f dB, asked for %.2f, standard error %.2f %%",
               want[i].name, db, want[i].db, 100 * f.se / f.mse);
        EXPECT(f.se < 0.05 * f.mse, "%s: the sample says nothing", want[i].name);
        EXPECT(f.bits < want[i].bits + 0.0005, "%s: %.4f bits, not %.3f", want[i].name, f.bits, want[i].bits);
    }
    layers = measure("e8h:q4:m2:k4", rows, 4096);
    plain = measure("zn:q16:k4", rows, 4096);
    gain = 10 * log10(plain.mse / layers.mse);
    se = 10 / log(10.0) * sqrt(pow(plain.se / plain.mse, 2) + pow(layers.se / layers.mse, 2));
    printf("# e8h:q4:m2:k4 %.2f dB, %.3f dB +- %.3f better than zn:q16:k4\n", -10 * log10(layers.mse), gain, se);
    EXPECT(gain + 4 * se >= 0, "e8h:q4:m2:k4 is %.3f dB worse than zn:q16:k4", -gain);
    EXPECT(fabs(layers.bits - plain.bits) < 1e-9, "bits");
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_tables();
    test_encoder(effort);
    test_matrices(effort);
    test_distortion(effort);
    test_figures(effort);
    return tap_finish();
}
