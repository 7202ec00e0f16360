// test_formats.c: [5]. Names, sizes by hand, and a second decoder written from the drawing at [5i].

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"
#include "common.h"

/* Names of the codes that run down columns. */
static const char *const columns[] = {"tcq4:s12:col", "tcq3:col", "tcq2:s6:col+had", "tcq2:col+center+keep50"};

/* Names beside those that hrq_format_list shows. */
static const char *const more[] = {"d4:q3:k1:first",
                                   "d4:q256:k16+dither",
                                   "e8h:q256:m1:k16:first",
                                   "e8h:q3:m5:k1",
                                   "e8h:q16:m2:k3+unbiased",
                                   "e8b2:k4+had",
                                   "e8b3:k8+center+had+keep30",
                                   "tcq2:s14",
                                   "tcq3:s12+had",
                                   "tcq4:s8+center+had+unbiased",
                                   "mxfp8e5m2:mse",
                                   "mxint8+center",
                                   "nvfp4:mse+had",
                                   "e1m1",
                                   "e1m6",
                                   "e7m0",
                                   "e5m2:g128+had",
                                   "e4m3+center+had+keep7",
                                   "int4+center",
                                   "int4+dither",
                                   "int8:g64+had+center",
                                   "int5:asym+dither+unbiased",
                                   "int4+had+keep50",
                                   "e8:q16:k4+dither",
                                   "zn:q16:k4+had+keep99",
                                   "f32+center",
                                   "f16+had+keep10",
                                   "bf16+center+had+keep1"};

static const char *const garbage[] = {"",
                                      " ",
                                      "int",
                                      "int0",
                                      "int1",
                                      "int9",
                                      "int44",
                                      "int04",
                                      "int4 ",
                                      " int4",
                                      "INT4",
                                      "int4:",
                                      "int4+",
                                      "int4::g32",
                                      "int4:g",
                                      "int4:g0",
                                      "int4:g4",
                                      "int4:g12",
                                      "int4:g032",
                                      "int4:g16777224",
                                      "int4:g99999999999999999999",
                                      "int4:g32:g32",
                                      "int4:g32:g64",
                                      "int4:sym:sym",
                                      "int4:sym:mse",
                                      "int4:asym:mse",
                                      "int4:first",
                                      "int4:q16",
                                      "int4:k4",
                                      "int4+had+had",
                                      "int4+had:mse+had",
                                      "int4:col",
                                      "int4:symx",
                                      "int4+hadx",
                                      "int4:had",
                                      "int4+sym",
                                      "f32:g32",
                                      "f32:sym",
                                      "f16:",
                                      "f64",
                                      "bf",
                                      "bf16x",
                                      "f32f32",
                                      "zn",
                                      "zn:q16",
                                      "zn:k4",
                                      "zn:q2:k4",
                                      "zn:q257:k4",
                                      "zn:q16:k0",
                                      "zn:q16:k17",
                                      "zn:q16:k4:q16",
                                      "zn:q-3:k4",
                                      "zn:q016:k4",
                                      "e8",
                                      "e8:q16",
                                      "e8:q16:k4:sym",
                                      "e8:q16:k4:g32",
                                      "e8:q16:k4:first:first",
                                      "e8:q16:k4:col",
                                      "e8:q:k",
                                      "e8:qq16:k4",
                                      "d4",
                                      "e8h:q4:k2",
                                      "e8h:q4:m0:k2",
                                      "e8h:q4:m9:k2",
                                      "e8b1:k1",
                                      "e8b5:k1",
                                      "e8b2:k3",
                                      "e8b2:k16",
                                      "e8b4:k4+dither",
                                      "e8h:q256:m2:k4",
                                      "e8h:q17:m2:k4",
                                      "e8h:q4:m6:k4",
                                      "tcq1",
                                      "tcq5",
                                      "tcq2:s5",
                                      "tcq2:s4",
                                      "tcq2:s7",
                                      "tcq2:s16",
                                      "tcq2:s10:s10",
                                      "mxfp4:sym",
                                      "mxfp5",
                                      "mxfp6",
                                      "mxint4",
                                      "nvfp8",
                                      "e0m3",
                                      "e8m3",
                                      "e4m7",
                                      "e7m1",
                                      "e4",
                                      "e4m3:g20",
                                      "e4m3:sym",
                                      "e5m3",
                                      "sic:q3",
                                      "sic+had",
                                      "sicc",
                                      "int4+keep0",
                                      "int4+keep100",
                                      "int4+keep",
                                      "int4+keep5+keep5",
                                      "int4+keep5+unbiased",
                                      "int4+unbiased+unbiased",
                                      "f32+dither",
                                      "f32+unbiased",
                                      "e4m3+dither",
                                      "tcq2+dither",
                                      "mxfp4+unbiased",
                                      "nvfp4+unbiased",
                                      "mxfp4:g32",
                                      "int4+keep05",
                                      "int256",
                                      "int4294967300",
                                      "\xff\xfe",
                                      "int4\n"};

static int same_format(const hrq_format *a, const hrq_format *b)
{
    return a->kind == b->kind && a->bits == b->bits && a->exp == b->exp && a->man == b->man &&
           a->scales == b->scales && a->layers == b->layers && a->states == b->states && a->keep == b->keep &&
           a->q == b->q && a->options == b->options && a->group == b->group;
}

static void check_name(const char *name)
{
    hrq_format f, back;
    char out[64], again[64];
    size_t n;
    if (!EXPECT(hrq_format_parse(&f, name) == HRQ_OK, "%s does not parse", name)) return;
    if (!EXPECT(hrq_format_name(&f, out, sizeof out) == HRQ_OK, "%s has no name", name)) return;
    EXPECT(hrq_format_parse(&back, out) == HRQ_OK && same_format(&f, &back), "%s writes %s, another format", name,
           out);
    EXPECT(hrq_format_name(&back, again, sizeof again) == HRQ_OK && strcmp(out, again) == 0, "%s, then %s", out,
           again);
    for (n = 0; n <= strlen(out) + 1; n++) {
        memset(again, '?', sizeof again);
        if (n <= strlen(out)) {
            EXPECT(hrq_format_name(&f, again, n) == HRQ_ERR_SPACE && again[0] == '?', "%s into %lu bytes", out,
                   (unsigned long)n);
        } else {
            EXPECT(hrq_format_name(&f, again, n) == HRQ_OK && again[n] == '?', "%s into %lu bytes", out,
                   (unsigned long)n);
        }
    }
}

static void test_names(void)
{
    size_t i, j;
    const char *name;
    hrq_format f;
    char out[64];
    tap_begin("names: every listed one is canonical, listed once, of this version");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        check_name(name);
        f = format_of(name);
        EXPECT(hrq_format_name(&f, out, sizeof out) == HRQ_OK && strcmp(out, name) == 0, "%s writes %s", name, out);
        EXPECT(hrq_mat_bytes(&f, 3, 50) > 0, "%s is not of this version", name);
        for (j = 0; j < i; j++) EXPECT(strcmp(hrq_format_list(j), name) != 0, "%s twice", name);
    }
    for (i = 0; i < sizeof more / sizeof more[0]; i++) {
        check_name(more[i]);
        f = format_of(more[i]);
        EXPECT(hrq_mat_bytes(&f, 3, 50) > 0, "%s is not of this version", more[i]);
    }
    EXPECT(i >= 20 && hrq_format_list(500) == NULL && hrq_format_list((size_t)-1) == NULL, "end of the list");
    tap_end();
    tap_begin("names: every q, k, group, bits and option of this version");
    for (i = 3; i <= 256; i++)
        for (j = 1; j <= 16; j++) {
            static const char *const lattice[3] = {"zn", "d4", "e8"};
            snprintf(out, sizeof out, "%s:q%d:k%d%s%s", lattice[(i + j) % 3], (int)i, (int)j, i % 4 ? "" : ":first",
                     i % 5 ? "" : "+had");
            check_name(out);
        }
    for (i = 1; i <= 7; i++)
        for (j = 0; i + j <= 7; j++) {
            snprintf(out, sizeof out, "e%dm%d%s", (int)i, (int)j, (i + j) % 2 ? ":g32" : "");
            check_name(out);
        }
    for (i = 2; i <= 8; i++)
        for (j = 0; j < 12; j++) {
            static const char *const grid[4] = {"", ":sym", ":mse", ":asym"};
            static const char *const group[3] = {"", ":g8", ":g16777216"};
            snprintf(out, sizeof out, "int%d%s%s%s", (int)i, group[j % 3], grid[j / 3], i % 2 ? "" : "+had");
            check_name(out);
        }
    tap_end();
    tap_begin("names: any order of options, one canonical form");
    {
        static const char *const pairs[][2] = {
            {"int4:mse:g64+had", "int4:g64:mse+had"},
            {"int4+had:g64:mse", "int4:g64:mse+had"},
            {"e8:k4:q16", "e8:q16:k4"},
            {"e8:first:k4+had:q16", "e8:q16:k4:first+had"},
            {"tcq2:s10", "tcq2"},
            {"tcq4:col:s12", "tcq4:s12:col"},
            {"f32+keep7+had", "f32+had+keep7"},
            {"int4+keep7", "int4+had+keep7"},
            {"e8b3", "e8b3:k1"},
            {"e8h:m2:k4:q4", "e8h:q4:m2:k4"},
            {"int4+unbiased+dither+center+had", "int4+had+center+dither+unbiased"}};
        for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
            check_name(pairs[i][0]);
            EXPECT(hrq_format_parse(&f, pairs[i][0]) == HRQ_OK && hrq_format_name(&f, out, 64) == HRQ_OK &&
                       strcmp(out, pairs[i][1]) == 0,
                   "%s writes %s", pairs[i][0], out);
        }
    }
    tap_end();
}

static void test_garbage(void)
{
    size_t i;
    hrq_format f, before;
    char out[64];
    memset(&before, 0x5a, sizeof before);
    tap_begin("names: garbage is refused, the format untouched");
    for (i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        memcpy(&f, &before, sizeof f);
        EXPECT(hrq_format_parse(&f, garbage[i]) == HRQ_ERR_ARG, "\"%s\" parses", garbage[i]);
        EXPECT(memcmp(&f, &before, sizeof f) == 0, "\"%s\" was written", garbage[i]);
    }
    EXPECT(hrq_format_parse(NULL, "int4") == HRQ_ERR_ARG && hrq_format_parse(&f, NULL) == HRQ_ERR_ARG, "NULL");
    EXPECT(hrq_format_name(NULL, out, 64) == HRQ_ERR_ARG && hrq_format_name(&before, out, 64) == HRQ_ERR_ARG,
           "no format");
    f = format_of("int4");
    EXPECT(hrq_format_name(&f, NULL, 64) == HRQ_ERR_ARG, "no name");
    EXPECT(hrq_format_bits(NULL, 1, 1) == 0 && hrq_mat_bytes(NULL, 1, 1) == 0 && hrq_format_bits(&before, 1, 1) == 0,
           "no format");
    tap_end();
}

/* Any text: what parses has a canonical name that parses to the same; any struct: what has a name is that name's. */
static void test_fuzz(int effort)
{
    static const char alphabet[] = "0123456789:+gqkmsfintezbhadxpcyolr";
    size_t count = 0, i, n, accepted = 0, edits, tries = effort == 0 ? 20000 : effort == 1 ? 300000 : 5000000;
    while (hrq_format_list(count)) count++;
    tap_begin("names: mutated ones, and structs of noise, round-trip or are refused");
    for (i = 0; i < tries; i++) {
        char text[128], out[64];
        hrq_format f, back;
        size_t pick = draw_below(count + sizeof more / sizeof more[0]);
        snprintf(text, sizeof text, "%s", pick < count ? hrq_format_list(pick) : more[pick - count]);
        for (edits = draw_below(4); edits > 0; edits--) {
            size_t at = draw_below(strlen(text) + 1), len = strlen(text), from = draw_below(len + 1);
            if (len > 60) break;
            switch (draw_below(4)) {
            case 0: text[at] = at < len ? alphabet[draw_below(sizeof alphabet - 1)] : '\0'; break;
            case 1:
                if (at < len) memmove(text + at, text + at + 1, len - at);
                break;
            case 2:
                memmove(text + at + 1, text + at, len - at + 1);
                text[at] = alphabet[draw_below(sizeof alphabet - 1)];
                break;
            default:
                snprintf(out, sizeof out, "%s", text + from);
                snprintf(text + len, sizeof text - len, "%s", out);
                break;
            }
        }
        if (hrq_format_parse(&f, text) != HRQ_OK) continue;
        accepted++;
        n = 0;
        EXPECT(hrq_format_name(&f, out, sizeof out) == HRQ_OK && hrq_format_parse(&back, out) == HRQ_OK &&
                   same_format(&f, &back),
               "%s is accepted and does not come back", text);
        EXPECT(strlen(out) <= strlen(text) + (f.keep ? 4 : 0) + (f.bits && f.scales ? 3 : 0), "%s became longer: %s",
               text, out);
        EXPECT((hrq_mat_bytes(&f, 1, 1) > 0) == (hrq_format_bits(&f, 1, 1) > 0), "%s", text);
    }
    EXPECT(accepted > tries / 10 && accepted < tries, "%lu of %lu parse: the fuzz is one-sided",
           (unsigned long)accepted, (unsigned long)tries);
    for (i = 0; i < tries; i++) {
        hrq_format f, back;
        char out[64];
        f = format_of(hrq_format_list(draw_below(count)));
        for (n = draw_below(3) + 1; n > 0; n--)
            ((unsigned char *)&f)[draw_below(sizeof f)] = (unsigned char)(draw() >> draw_below(57) & 0xff);
        if (hrq_format_name(&f, out, sizeof out) == HRQ_OK)
            EXPECT(hrq_format_parse(&back, out) == HRQ_OK && same_format(&f, &back),
                   "a struct is called %s and is not", out);
        else
            EXPECT(hrq_mat_bytes(&f, 17, 40) == 0 && hrq_format_bits(&f, 17, 40) == 0,
                   "a struct without a name has a size");
    }
    tap_end();
}

static void test_columns(void)
{
    size_t i, k;
    tap_begin(":col: names, and their bits: a head of the columns' scales, 10 bytes of the rows' a panel; no +unbiased");
    for (i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        hrq_format f;
        size_t cols = 96, kept, rows = 48, bytes;
        check_name(columns[i]);
        f = format_of(columns[i]);
        kept = f.keep ? cols * f.keep / 100 : cols;
        bytes = (8 + 2 * kept + 63) / 64 * 64 + 3 * (2 * kept * f.bits + 10 + (strstr(columns[i], "+center") ? 64 : 0));
        EXPECT(hrq_mat_bytes(&f, rows, cols) == bytes, "%s: %lu bytes, not %lu", columns[i],
               (unsigned long)hrq_mat_bytes(&f, rows, cols), (unsigned long)bytes);
    }
    {
        hrq_format f;
        EXPECT(hrq_format_parse(&f, "tcq2:col+unbiased") == HRQ_ERR_ARG, "a scale of rows that is not stored so finely");
    }
    for (k = 1; k < HRQ__FAMILIES; k++) /* every family of the table is in the list that tests and benches walk */
        EXPECT(hrq__families[k].shown[0] || hrq__families[k].codec == HRQ__CODEC_SIC, "family %s is not listed",
               hrq__families[k].pattern);
    tap_end();
    tap_begin("sic: a name without a size; init says HRQ_ERR_UNSUPPORTED");
    {
        unsigned char data[256] = {0};
        hrq_mat m;
        hrq_format f;
        check_name("sic");
        f = format_of("sic");
        EXPECT(hrq_mat_bytes(&f, 4, 16) == 0 && hrq_format_bits(&f, 4, 16) == 0, "size");
        EXPECT(hrq_mat_init(&m, &f, 4, 16, 0, data, sizeof data) == HRQ_ERR_UNSUPPORTED, "init");
        EXPECT(hrq_mat_wrap(&m, &f, 4, 16, 0, data, sizeof data) == HRQ_ERR_DATA, "wrap of bytes that are none");
    }
    tap_end();
}

/* ---- sizes by hand ---- */

/* A format by the drawing: bits of a row's block of 8 columns, and bytes behind the codes. */
typedef struct {
    char kind; /* p plain, i integers, f floats, v Voronoi, b box, t trellis   */
    int plain, lead, code, digits, layers,
        index; /* bytes an entry; bits: a coordinate before the layers, a coordinate
                                                   and a lane's digits in each layer, the scale's index         */
    int exp, man, group, group_bytes, row_bytes, asym, mean, keep;
} plan;

static int number_at(const char *name, const char *option)
{
    const char *at = strstr(name, option);
    return at ? atoi(at + strlen(option)) : 0;
}

/* Bits of a base-q digit in planes, or of eight packed where q is no power of two. */
static void digits_of(plan *p, int q)
{
    int n;
    for (n = 1; (1 << n) < q; n++) {}
    if (1 << n == q) p->code = n;
    else p->digits = (int)ceil(8.0 * log2((double)q)); /* log2 is no integer: nearest is 1e-2 off */
}

static plan plan_of(const char *name)
{
    plan p;
    int n;
    memset(&p, 0, sizeof p);
    p.layers = 1;
    p.group = number_at(name, ":g");
    p.group_bytes = p.row_bytes = 2;
    p.asym = strstr(name, ":asym") != NULL;
    p.mean = strstr(name, "+center") != NULL;
    p.keep = number_at(name, "+keep");
    if (name[0] == 'f' || name[0] == 'b') {
        p.kind = 'p';
        p.plain = strncmp(name, "f32", 3) == 0 ? 4 : 2;
        p.row_bytes = 0;
    } else if (sscanf(name, "int%d", &p.code) == 1) {
        p.kind = 'i';
    } else if (strncmp(name, "mx", 2) == 0 || strncmp(name, "nv", 2) == 0) {
        p.kind = 'f';
        p.group = name[0] == 'm' ? 32 : 16;
        p.group_bytes = 1;
        p.row_bytes = name[0] == 'm' ? 0 : 4;
        p.code = atoi(name + (name[2] == 'i' ? 5 : 4));
        if (p.code == 4) sscanf("e2m1", "e%dm%d", &p.exp, &p.man);
        else if (name[2] == 'i') p.man = 6;
        else sscanf(name + 5, "e%dm%d", &p.exp, &p.man);
    } else if (name[1] != '8' && sscanf(name, "e%dm%d", &p.exp, &p.man) == 2) {
        p.kind = 'f';
        p.code = 1 + p.exp + p.man;
    } else if (sscanf(name, "tcq%d", &p.code) == 1) {
        p.kind = 't';
        p.lead = 1;
        p.code--;
    } else if (sscanf(name, "e8b%d", &p.code) == 1) {
        p.kind = 'b';
    } else {
        p.kind = 'v';
        digits_of(&p, number_at(name, ":q"));
        if (strstr(name, ":m")) p.layers = number_at(name, ":m");
    }
    for (n = 0; (1 << n) < number_at(name, ":k"); n++) {}
    p.index = n;
    return p;
}

static size_t kept_of(const plan *p, size_t cols) { return p->keep ? (cols * (size_t)p->keep + 99) / 100 : cols; }

/* Bytes of 8 columns of a panel: 16 lanes. */
static size_t eight_of(const plan *p)
{
    return p->plain ? 128 * (size_t)p->plain
                    : 2 * (size_t)(8 * p->lead + p->layers * (8 * p->code + p->digits) + p->index);
}

static size_t bytes_of(const plan *p, size_t rows, size_t cols)
{
    size_t panels = (rows + 15) / 16, kept = kept_of(p, cols);
    size_t groups = p->group ? (kept + (size_t)p->group - 1) / (size_t)p->group : 0;
    size_t zeros = p->asym ? (groups ? groups : 1) * 16 : 0;
    return panels * ((kept + 7) / 8 * eight_of(p) + groups * 16 * (size_t)p->group_bytes + zeros +
                     16 * (size_t)p->row_bytes + (p->mean ? 64 : 0));
}

static void test_sizes(void)
{
    static const size_t sizes[] = {1,  2,  7,  8,  9,   15,  16,  17,  31,   32,  33,
                                   40, 63, 64, 65, 100, 128, 129, 300, 4096, 5001};
    size_t i, r, c, n = sizeof sizes / sizeof sizes[0];
    const char *name;
    hrq_format f;
    tap_begin("sizes: every format and shape by hand; none where there is none");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        plan p = plan_of(name);
        f = format_of(name);
        if (strstr(name, ":col")) continue; /* see above, and test_trellis.c for what lies where */
        for (r = 0; r < n; r++)
            for (c = 0; c < n; c++) {
                size_t want = bytes_of(&p, sizes[r], sizes[c]);
                EXPECT(hrq_mat_bytes(&f, sizes[r], sizes[c]) == want, "%s %lu x %lu: %lu, not %lu", name,
                       (unsigned long)sizes[r], (unsigned long)sizes[c],
                       (unsigned long)hrq_mat_bytes(&f, sizes[r], sizes[c]), (unsigned long)want);
                EXPECT(hrq_format_bits(&f, sizes[r], sizes[c]) == 8.0 * (double)want / (double)(sizes[r] * sizes[c]),
                       "%s bits", name);
            }
        EXPECT(hrq_mat_bytes(&f, 0, 8) == 0 && hrq_mat_bytes(&f, 8, 0) == 0, "%s: nothing has a size", name);
        EXPECT(hrq_mat_bytes(&f, SIZE_MAX, 8) == 0 && hrq_mat_bytes(&f, 8, SIZE_MAX) == 0 &&
                   hrq_mat_bytes(&f, SIZE_MAX, SIZE_MAX) == 0 && hrq_mat_bytes(&f, SIZE_MAX / 2, 64) == 0 &&
                   hrq_mat_bytes(&f, SIZE_MAX / 16, 2000) == 0,
               "%s: an overflow has a size", name);
        EXPECT(hrq_format_bits(&f, SIZE_MAX, 8) == 0, "%s: an overflow has bits", name);
    }
    for (i = 3; i <= 256; i++) {
        char text[32];
        plan p;
        snprintf(text, sizeof text, "%s:q%d:k%d",
                 i % 3 == 0   ? "e8"
                 : i % 3 == 1 ? "d4"
                              : "zn",
                 (int)i, (int)(i % 16 + 1));
        f = format_of(text);
        p = plan_of(text);
        EXPECT(hrq_mat_bytes(&f, 20, 50) == bytes_of(&p, 20, 50), "%s", text);
    }
    f = format_of("int4");
    EXPECT(hrq_format_bits(&f, 4096, 4096) == 4.0 + 16.0 / 4096, "int4: %g", hrq_format_bits(&f, 4096, 4096));
    f = format_of("e8:q16:k4");
    EXPECT(hrq_format_bits(&f, 4096, 4096) == 4.25 + 16.0 / 4096, "e8:q16:k4: %g", hrq_format_bits(&f, 4096, 4096));
    tap_end();
}

/* ---- a second reader of the bytes, bit by bit ---- */

static unsigned bit_at(const unsigned char *p, size_t byte, unsigned bit) { return p[byte] >> bit & 1u; }

/* Code of `bits` bits of coordinate j of a lane, cut into parts of 1, 2, 4, 8 bits, planes of one byte a lane. */
static unsigned code_at(const unsigned char *super, size_t lanes, size_t lane, int bits, unsigned j)
{
    unsigned code = 0, shift = 0, w, b;
    size_t plane0 = 0;
    for (w = 1; w <= 8; w *= 2) {
        if (!((unsigned)bits & w)) continue;
        for (b = 0; b < w; b++) /* plane j mod w, its place j / w, w bits wide */
            code |= bit_at(super, (plane0 + j % w) * lanes + lane, j / w * w + b) << (shift + b);
        plane0 += w;
        shift += w;
    }
    return code;
}

/* n bits behind the planes at byte `at` of a superblock: bytes a lane while there are 8, single bits then. */
static uint64_t packed_at(const unsigned char *super, size_t at, size_t lanes, size_t lane, int n, size_t *end)
{
    uint64_t v = 0;
    int done = 0;
    for (; n - done >= 8; done += 8, at += lanes) v |= (uint64_t)super[at + lane] << done;
    for (; done < n; done++, at += lanes / 8)
        v |= (uint64_t)bit_at(super, at + lane / 8, (unsigned)(lane % 8)) << done;
    *end = at;
    return v;
}

static float half_at(const unsigned char *p, int brain)
{
    uint16_t h = (uint16_t)(p[0] + 256 * p[1]);
    return brain ? hrq_f32_from_bf16(h) : hrq_f32_from_f16(h);
}

/* Where a position's codes stand: its superblock, lanes in it, its lane, its coordinate. */
typedef struct {
    const unsigned char *super;
    size_t lanes, lane;
    unsigned j;
} place;

static place place_of(const plan *p, const unsigned char *panel, size_t kept, size_t row, size_t at)
{
    size_t eights = (kept + 7) / 8, s = eights - at / 32 * 4 < 4 ? eights - at / 32 * 4 : 4;
    place c;
    c.super = panel + at / 32 * 4 * eight_of(p);
    c.lanes = 16 * s;
    c.lane = row % 16 * s + at % 32 % s;
    c.j = (unsigned)(at % 32 / s);
    return c;
}

/* Value of a small float's code, from the definition. */
static double small_at(int exp, int man, unsigned code)
{
    int e = (int)(code >> man) & ((1 << exp) - 1), m = (int)(code & ((1u << man) - 1)), bias = (1 << exp) / 2 - 1;
    double v;
    if (exp == 0) return (double)((int)code - (code >= 128 ? 256 : 0)) / 64.0;
    v = e ? ldexp(1.0 + ldexp(m, -man), e - bias) : ldexp(m, 1 - bias - man);
    return code >> (exp + man) ? -v : v;
}

/* Level of a step of a trellis code: the window of coded bits wraps around the end of the sequence. */
static int level_at(const plan *p, const hrq_format *f, const unsigned char *panel, size_t kept, size_t row,
                    size_t at)
{
    hrq__tcq c = hrq__tcq_of(f);
    size_t steps = (kept + 7) / 8 * 2, t = at / 4;
    unsigned n = 0, count = 1u << (c.bits - 1 + c.parities), i, b;
    place q = place_of(p, panel, kept, row, at);
    for (i = 0; i < c.parities; i++)
        for (b = 0; b <= c.states; b++) {
            size_t then = ((t + 64 * steps) - b) % steps * 4 + at % 4;
            place w = place_of(p, panel, kept, row, then);
            if (c.hash[i] >> b & 1u) n ^= code_at(w.super, w.lanes, w.lane, 1, w.j) << i;
        }
    n |= code_at(q.super + q.lanes, q.lanes, q.lane, p->code, q.j) << c.parities;
    return n >= count / 2 ? c.upper[n - count / 2] : -c.upper[count / 2 - 1 - n];
}

/* Integer of a Voronoi code or a label of a box code, with its dither (in the same unit) taken off. */
static double lattice_at(const plan *p, const hrq_format *f, const place *q, size_t row, size_t at, uint64_t seed)
{
    uint16_t digit[8], draws[8];
    int32_t y[8], sum[8] = {0}, power = 1, z[8], value;
    const unsigned char *codes = q->super;
    hrq_format any = format_of("zn:q3:k1"); /* a box code has none of its own */
    unsigned i, index, coset = 0;
    int layer;
    hrq__voronoi c = hrq__voronoi_of(p->kind == 'v' ? f : &any);
    size_t end = 0;
    for (layer = 0; layer < p->layers; layer++, power *= f->q) {
        uint64_t packed = packed_at(codes, q->lanes * (size_t)p->code, q->lanes, q->lane, p->digits, &end);
        for (i = 0; i < 8; i++, packed /= f->q ? f->q : 1)
            digit[i] =
                p->digits ? (uint16_t)(packed % f->q) : (uint16_t)code_at(codes, q->lanes, q->lane, p->code, i);
        codes += end;
        if (p->kind == 'b') break;
        hrq__voronoi_point(c.lattice, y, digit, c.q);
        for (i = 0; i < 8; i++) sum[i] += power * y[i];
    }
    index = (unsigned)packed_at(codes, 0, q->lanes, q->lane, p->index, &end);
    if (p->kind == 'b') {
        hrq__box box = hrq__box_of(f);
        for (i = 0; i < 8; i++) coset ^= digit[i] & 1u;
        return box.level[((2 * index + coset) << f->bits) + digit[q->j]];
    }
    value = (c.lattice == HRQ__LATTICE_E8 ? sum[q->j] : sum[q->j] / 2) * c.multiple[index];
    value = value > c.clamp ? c.clamp : value < -c.clamp ? -c.clamp : value;
    if (!(f->options & HRQ__OPT_DITHER)) return value;
    for (i = 0; i < 8; i++)
        draws[i] = hrq__dither_draw(seed, row, at / 32 * 32 + at % 32 % (q->lanes / 16) + q->lanes / 16 * i);
    hrq__voronoi_draw(&c, draws, z);
    return (float)value - hrq__voronoi_dither(&c, z[q->j]) * (float)c.multiple[index];
}

/* Entry at a position of a row before the mean and the inverse rotation, as a float product of what the bytes say. From
   the library: conversions of 16-bit floats, points of cosets, tables of scales and levels, random numbers. */
static float entry_at(const plan *p, const hrq_format *f, const unsigned char *data, size_t cols, size_t row,
                      size_t at, uint64_t seed)
{
    size_t kept = kept_of(p, cols), groups, group = p->group ? at / (size_t)p->group : 0;
    const unsigned char *panel = data + row / 16 * bytes_of(p, 16, cols), *behind;
    place q = place_of(p, panel, kept, row, at);
    float scale = 1.0f, step = 1.0f;
    double value = 0.0;
    if (p->plain) {
        const unsigned char *e = panel + (16 * at + row % 16) * (size_t)p->plain;
        float x;
        if (p->plain == 2) return half_at(e, strstr(hrq__families[f->kind].pattern, "bf") != NULL);
        memcpy(&x, e, 4); /* little-endian hosts only */
        return x;
    }
    groups = p->group ? (kept + (size_t)p->group - 1) / (size_t)p->group : 0;
    behind = panel + (kept + 7) / 8 * eight_of(p);
    if (p->kind == 'i') {
        value = (double)code_at(q.super, q.lanes, q.lane, p->code, q.j) - (1 << (p->code - 1));
        if (p->asym) value -= behind[groups * 32 + group * 16 + row % 16] - (1 << (p->code - 1));
        if (f->options & HRQ__OPT_DITHER)
            value = (float)value - ((float)hrq__dither_draw(seed, row, at) / 65536.0f - 0.5f);
    } else if (p->kind == 'f') {
        value = small_at(p->exp, p->man, code_at(q.super, q.lanes, q.lane, p->code, q.j));
    } else if (p->kind == 't') {
        value = level_at(p, f, panel, kept, row, at);
        step = hrq__tcq_of(f).step;
    } else {
        value = lattice_at(p, f, &q, row, at, seed);
        step = p->kind == 'b' ? hrq__box_of(f).step : hrq__voronoi_of(f).step;
    }
    if (p->row_bytes) {
        const unsigned char *r = behind + groups * 16 * (size_t)p->group_bytes +
                                 (p->asym ? (groups ? groups : 1) * 16 : 0) + row % 16 * (size_t)p->row_bytes;
        if (p->row_bytes == 2) scale = half_at(r, 1);
        else memcpy(&scale, r, 4);
    }
    scale *= step;
    if (p->group) {
        const unsigned char *g = behind + (group * 16 + row % 16) * (size_t)p->group_bytes;
        scale *= p->group_bytes == 2 ? half_at(g, 0)
                 : p->row_bytes      ? (float)small_at(4, 3, *g)
                                     : (float)ldexp(1.0, *g - 127);
    }
    return (float)value * scale;
}

/* A whole matrix by the drawing. */
static void read_all(const plan *p, const hrq_format *f, const unsigned char *data, size_t rows, size_t cols,
                     float *out)
{
    size_t kept = kept_of(p, cols), r, c;
    for (r = 0; r < rows; r++) {
        const unsigned char *panel = data + r / 16 * bytes_of(p, 16, cols);
        float *x = out + r * cols, mean;
        for (c = 0; c < cols; c++) x[c] = 0.0f;
        for (c = 0; c < kept; c++) x[hrq__sketch_column(cols, kept, 99, c)] = entry_at(p, f, data, cols, r, c, 99);
        for (c = kept; strchr("pif", p->kind) && !(f->options & HRQ__OPT_DITHER) && c < (kept + 7) / 8 * 8; c++)
            EXPECT(entry_at(p, f, data, cols, r, c, 99) == 0.0f, "padding is %g",
                   (double)entry_at(p, f, data, cols, r, c, 99));
        if (f->options & HRQ__OPT_HAD) hrq_hadamard(x, 1, cols, cols, 99, 1);
        if (!p->mean) continue;
        memcpy(&mean, panel + bytes_of(p, 16, cols) - 64 + r % 16 * 4, sizeof mean);
        for (c = 0; c < cols; c++) x[c] += mean;
    }
}

static void test_reader(int effort)
{
    static const size_t shapes[][2] = {{1, 1},  {3, 8},   {17, 9},   {16, 23}, {33, 32},
                                       {5, 40}, {18, 61}, {20, 133}, {2, 300}};
    size_t i, k, r, c;
    const char *name;
    tap_begin("layout: a second reader of the bytes finds the same entries, bit for bit");
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++)
        for (k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
            size_t rows = shapes[k][0], cols = shapes[k][1];
            hrq_format f = format_of(name);
            plan p = plan_of(name);
            float *w = floats_of(rows, cols, cols), *back = floats_of(rows, cols, cols),
                  *want = floats_of(rows, cols, cols);
            block b;
            hrq_mat m;
            if ((effort == 0 && k > 5) || strstr(name, ":col")) { /* that one: test_trellis.c */
                free(w);
                free(back);
                free(want);
                continue;
            }
            fill_gauss(w, rows * cols, 3.0);
            m = mat_of(&b, name, rows, cols, 99, w, cols);
            EXPECT(hrq_mat_decode(&m, 0, rows, back, cols) == HRQ_OK, "%s", name);
            read_all(&p, &f, b.data, rows, cols, want);
            for (r = 0; r < rows; r++)
                for (c = 0; c < cols; c++)
                    EXPECT(back[r * cols + c] == want[r * cols + c],
                           "%s %lu x %lu at %lu, %lu: %g, by the drawing %g", name, (unsigned long)rows,
                           (unsigned long)cols, (unsigned long)r, (unsigned long)c, (double)back[r * cols + c],
                           (double)want[r * cols + c]);
            free(w);
            free(back);
            free(want);
            free(b.base);
        }
    tap_end();
}

/* Bytes written out by hand: int4 and int3 of a 1 x 40 row of integers whose scale is 1, f16 of two entries. */
static void test_bytes(void)
{
    float x[64];
    size_t i;
    block b;
    hrq_mat m;
    tap_begin("layout: bytes by hand of int4, int3, int8, f16, bf16, f32");
    for (i = 0; i < 40; i++) x[i] = (float)((int)(i * 7 % 16) - 8); /* has -8: scale 1 exactly, code = x + 8 */
    m = mat_of(&b, "int4", 1, 40, 0, x, 40);
    EXPECT(m.bytes == 16 * 16 + 16 * 4 + 32, "%lu bytes", (unsigned long)m.bytes);
    for (i = 0; i < 4; i++) { /* row 0 of superblock 0: bytes 0 ... 3 of each plane of 64 */
#define CODE(col) (unsigned)((col)*7 % 16)
        EXPECT(b.data[i] == (CODE(i) | CODE(16 + i) << 4), "plane 0, byte %d", (int)i);
        EXPECT(b.data[64 + i] == (CODE(4 + i) | CODE(20 + i) << 4), "plane 1, byte %d", (int)i);
        EXPECT(b.data[128 + i] == (CODE(8 + i) | CODE(24 + i) << 4), "plane 2, byte %d", (int)i);
        EXPECT(b.data[192 + i] == (CODE(12 + i) | CODE(28 + i) << 4), "plane 3, byte %d", (int)i);
        /* last superblock: 8 columns, s = 1, planes of 16 bytes; coordinate j is column 32 + j */
        EXPECT(b.data[256 + 16 * i] == (CODE(32 + i) | CODE(36 + i) << 4), "last superblock, plane %d", (int)i);
#undef CODE
    }
    EXPECT(b.data[320] == 0x80 && b.data[321] == 0x3f, "row scale 1.0 is %02x %02x", b.data[320], b.data[321]);
    for (i = 322; i < 352; i++) EXPECT(b.data[i] == 0, "scales of rows that are none");
    free(b.base);

    for (i = 0; i < 8; i++) x[i] = (float)((int)(i * 3 % 8) - 4); /* codes 0 3 6 1 4 7 2 5 */
    m = mat_of(&b, "int3", 2, 8, 0, NULL, 0);
    EXPECT(hrq_mat_encode(&m, 1, 1, x, 8, NULL) == HRQ_OK, "row 1");
    EXPECT(b.data[1] == 0xaa, "low bits 0 1 0 1 0 1 0 1: %02x", b.data[1]); /* plane of part 1, lane 1 */
    EXPECT(b.data[16 + 1] == (0 | 3 << 2 | 2 << 4 | 1 << 6), "bits 1-2 of columns 0 2 4 6: %02x", b.data[17]);
    EXPECT(b.data[32 + 1] == (1 | 0 << 2 | 3 << 4 | 2 << 6), "bits 1-2 of columns 1 3 5 7: %02x", b.data[33]);
    EXPECT(b.data[48 + 2] == 0x80 && b.data[48 + 3] == 0x3f && b.data[48] == 0, "scale of row 1");
    free(b.base);

    for (i = 0; i < 8; i++) x[i] = (float)((int)i * 30 - 128);
    m = mat_of(&b, "int8", 1, 8, 0, x, 8);
    for (i = 0; i < 8; i++) EXPECT(b.data[16 * i] == i * 30, "int8 column %d: %d", (int)i, b.data[16 * i]);
    free(b.base);

    x[0] = 1.5f;
    x[1] = -2.0f;
    m = mat_of(&b, "f16", 3, 2, 0, NULL, 0);
    EXPECT(hrq_mat_encode(&m, 2, 1, x, 2, NULL) == HRQ_OK && m.bytes == 256, "f16");
    EXPECT(b.data[4] == 0x00 && b.data[5] == 0x3e && b.data[36] == 0x00 && b.data[37] == 0xc0, "1.5, -2 in f16");
    free(b.base);
    m = mat_of(&b, "bf16", 1, 2, 0, x, 2);
    EXPECT(b.data[0] == 0xc0 && b.data[1] == 0x3f && b.data[32] == 0x00 && b.data[33] == 0xc0, "1.5, -2 in bf16");
    free(b.base);
    m = mat_of(&b, "f32", 1, 2, 0, x, 2);
    EXPECT(b.data[2] == 0xc0 && b.data[3] == 0x3f && b.data[66] == 0x00 && b.data[67] == 0xc0 && m.bytes == 512,
           "1.5, -2 in f32");
    free(b.base);
    tap_end();
}

int main(void)
{
    int effort = test_setup();
    test_names();
    test_garbage();
    test_fuzz(effort);
    test_columns();
    test_sizes();
    test_bytes();
    test_reader(effort);
    return tap_finish();
}
