// test_container.c: [16] against a second writer made from the drawing at [16i], then against hostile bytes.
//
//     SEED=n   random data and mutations (printed)      K=n   times as many mutations

#define HRQ_IMPLEMENTATION
#include "../hrq.h"
#include "tap.h"

static uint64_t seed_now = 1, draws;
static size_t draw(size_t below) { return (size_t)(hrq__random(seed_now, draws++) % below); }
static float noise(size_t i) { return (float)(hrq__random(seed_now, i) >> 40) * 1.1920929e-7f - 1.0f; }

static unsigned char *exact(const void *from, size_t bytes)
{
    unsigned char *p = (unsigned char *)malloc(bytes + 1);
    unsigned char *q = p ? (unsigned char *)realloc(p, bytes ? bytes : 1) : NULL;
    if (!q) abort();
    if (from) memcpy(q, from, bytes);
    else memset(q, 0, bytes);
    return q;
}

static float *floats(size_t count)
{
    float *w = (float *)malloc(count ? count * sizeof(float) : 1);
    if (!w) abort();
    memset(w, 0, count * sizeof(float));
    return w;
}

/* ---- members to write ---- */

enum { BAG = 128 };
typedef struct {
    hrq_member m[BAG];
    char name[BAG][256];
    void *owned[BAG];
    size_t count;
} bag;

static hrq_member *bag_next(bag *b, const char *name, size_t bytes)
{
    hrq_member *m = b->m + b->count;
    if (b->count == BAG) abort();
    memset(m, 0, sizeof *m);
    strcpy(b->name[b->count], name);
    m->name = b->name[b->count];
    b->owned[b->count] = exact(NULL, bytes);
    b->count++;
    return m;
}

static void bag_matrix(bag *b, const char *name, const char *format, size_t rows, size_t cols)
{
    hrq_format f;
    hrq_member *m;
    float *w = floats(rows * cols);
    size_t i, bytes;
    if (hrq_format_parse(&f, format) != HRQ_OK) abort();
    bytes = hrq_mat_bytes(&f, rows, cols);
    for (i = 0; i < rows * cols; i++) w[i] = noise(i + 1000 * b->count);
    m = bag_next(b, name, bytes);
    if (hrq_mat_init(&m->mat, &f, rows, cols, 77 + b->count, b->owned[b->count - 1], bytes) != HRQ_OK)
        abort();
    if (hrq_mat_encode(&m->mat, 0, rows, w, cols, NULL) != HRQ_OK) abort();
    free(w);
}

/* "sic" as drawn at [11i], by hand: widths 0, 3 and 5 bits, columns in reverse, 40 ... 96 columns. */
static void bag_sic(bag *b, const char *name, size_t rows, size_t cols)
{
    size_t supers = (cols + 31) / 32, cols8 = (cols + 7) / 8 * 8, i, at, bytes;
    size_t begin = (32 + 8 * cols + supers + 63) / 64 * 64, panel = 0;
    hrq_member *m;
    hrq_format f;
    unsigned char *p;
    float step = 0.25f;
    uint32_t bits;
    for (i = 1; i < supers; i++)
        panel += (i + 1 < supers ? 32 : cols8 - 32 * i) / 8 * 16 * (i == 1 ? 3u : 5u);
    bytes = begin + (rows + 15) / 16 * panel;
    m = bag_next(b, name, bytes);
    p = (unsigned char *)b->owned[b->count - 1];
    memcpy(p, "hrqm\1\0\0\0", 8);
    hrq__put64(p + 8, rows);
    hrq__put64(p + 16, cols);
    memcpy(&bits, &step, 4);
    for (i = 0; i < cols; i++) {
        hrq__put32(p + 32 + 4 * i, bits);
        hrq__put32(p + 32 + 4 * cols + 4 * i, (uint32_t)(cols - 1 - i));
    }
    for (i = 0; i < supers; i++) p[32 + 8 * cols + i] = (unsigned char)(i == 0 ? 0 : i == 1 ? 3 : 5);
    for (at = begin; at < bytes; at++) p[at] = (unsigned char)hrq__random(seed_now, at);
    if (hrq_format_parse(&f, "sic") != HRQ_OK) abort();
    if (hrq_mat_wrap(&m->mat, &f, rows, cols, 0, p, bytes) != HRQ_OK || m->mat.bytes != bytes) abort();
}

static void bag_stream(bag *b, const char *name, size_t rows, size_t cols)
{
    float *w = floats(rows * cols);
    size_t i, room = hrq_watersic_bytes(rows, cols, 6.0), bytes = 0;
    hrq_watersic_options options;
    hrq_member *m = bag_next(b, name, room);
    hrq_status status;
    for (i = 0; i < rows * cols; i++) w[i] = noise(i + 7);
    memset(&options, 0, sizeof options);
    options.rate = 6.0;
    status = hrq_watersic(b->owned[b->count - 1], room, &bytes, w, rows, cols, cols, NULL, 0, &options, NULL,
                          NULL);
    EXPECT(status == HRQ_OK && bytes > 0, "a stream: %s", hrq_status_text(status));
    m->stream = b->owned[b->count - 1];
    m->stream_bytes = bytes;
    free(w);
}

/* The last member, a stream, once more as a matrix. */
static void bag_from_stream(bag *b, const char *name)
{
    const hrq_member *stream = b->m + b->count - 1;
    size_t bytes = hrq_mat_from_stream_bytes(stream->stream, stream->stream_bytes);
    hrq_member *m = bag_next(b, name, bytes);
    hrq_status status = hrq_mat_from_stream(&m->mat, b->owned[b->count - 1], bytes, stream->stream,
                                            stream->stream_bytes, NULL);
    EXPECT(status == HRQ_OK && m->mat.bytes == bytes, "a stream's matrix: %s", hrq_status_text(status));
}

static void bag_free(bag *b)
{
    while (b->count > 0) free(b->owned[--b->count]);
}

/* A few members of every kind, names not in order. */
static void bag_mixed(bag *b)
{
    b->count = 0;
    bag_matrix(b, "w", "int4:g8:mse+had", 3, 9);
    bag_stream(b, "\xc3\xa4", 64, 32);
    bag_sic(b, "s", 5, 70);
    bag_matrix(b, "a.b", "e8:q14:k4", 17, 5);
    bag_matrix(b, "a", "f16", 1, 1);
}

static void bag_formats(bag *b)
{
    const char *name;
    size_t i;
    b->count = 0;
    for (i = 0; (name = hrq_format_list(i)) != NULL; i++) bag_matrix(b, name, name, 19, 37);
    bag_sic(b, "sic", 19, 90);
    bag_stream(b, "stream", 64, 32);
    bag_from_stream(b, "stream's matrix");
}

static unsigned char *file_of(const hrq_member *m, size_t count, size_t *bytes)
{
    size_t room = hrq_file_bytes(m, count);
    unsigned char *p = exact(NULL, room);
    hrq_status status = hrq_file_write(p, room, bytes, m, count);
    EXPECT(room > 0 && status == HRQ_OK && *bytes == room, "write: %s", hrq_status_text(status));
    if (status != HRQ_OK) abort();
    return p;
}

/* ---- the second writer ---- */

static void put(unsigned char *p, size_t bytes, uint64_t v)
{
    for (; bytes-- > 0; v >>= 8) *p++ = (unsigned char)v;
}

static uint64_t get(const unsigned char *p, size_t bytes)
{
    uint64_t v = 0;
    while (bytes-- > 0) v = v << 8 | p[bytes];
    return v;
}

static uint32_t crc_bitwise(uint32_t crc, const unsigned char *p, size_t bytes)
{
    int i;
    for (crc = ~crc; bytes-- > 0;)
        for (crc ^= *p++, i = 0; i < 8; i++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    return ~crc;
}

static void seal_table(unsigned char *p, size_t table)
{
    put(p + 28, 4, crc_bitwise(crc_bitwise(0, p, 28), p + 32, table - 32));
}

static unsigned char *reference(const hrq_member *m, size_t count, size_t *bytes)
{
    size_t table = 32 + 120 * count, name_at = table, at, i, j;
    unsigned char *p;
    for (i = 0; i < count; i++) table += strlen(m[i].name) + 1;
    table = at = (table + 63) / 64 * 64;
    for (i = 0; i < count; i++) at += ((m[i].stream ? m[i].stream_bytes : m[i].mat.bytes) + 63) / 64 * 64;
    *bytes = at;
    p = exact(NULL, *bytes);
    memcpy(p, "hrqf", 4);
    put(p + 4, 4, 1);
    put(p + 8, 8, *bytes);
    put(p + 16, 8, table);
    put(p + 24, 4, count);
    for (i = 0, at = table; i < count; i++) {
        unsigned char *e = p + 32 + 120 * i;
        size_t size = m[i].stream ? m[i].stream_bytes : m[i].mat.bytes, rank = 0;
        memcpy(p + at, m[i].stream ? m[i].stream : m[i].mat.data, size);
        put(e, 8, at);
        put(e + 8, 8, size);
        put(e + 16, 8, name_at);
        put(e + 48, 4, crc_bitwise(0, p + at, size));
        for (j = 0; j < count; j++) rank += strcmp(m[j].name, m[i].name) < 0;
        put(p + 32 + 120 * rank + 52, 4, i);
        if (!m[i].stream) {
            put(e + 24, 8, m[i].mat.rows);
            put(e + 32, 8, m[i].mat.cols);
            put(e + 40, 8, m[i].mat.seed);
            if (hrq_format_name(&m[i].mat.format, (char *)e + 56, 64) != HRQ_OK) abort();
        }
        memcpy(p + name_at, m[i].name, strlen(m[i].name));
        name_at += strlen(m[i].name) + 1;
        at += (size + 63) / 64 * 64;
    }
    seal_table(p, table);
    return p;
}

/* ---- all calls on any bytes: documented answers, views inside, check and the rest of one mind ---- */

static void walk_stream(const hrq_member *m)
{
    size_t rows = 0, cols = 0;
    hrq_status status = hrq_stream_shape(m->stream, m->stream_bytes, &rows, &cols);
    float *w;
    EXPECT(status == HRQ_OK || status == HRQ_ERR_DATA || status == HRQ_ERR_CHECKSUM ||
               status == HRQ_ERR_VERSION,
           "shape: %s", hrq_status_text(status));
    if (status != HRQ_OK || rows > 1000 || cols > 1000) return;
    w = floats(rows * cols);
    hrq_stream_decode(m->stream, m->stream_bytes, w, cols, NULL);
    free(w);
}

static void walk_matrix(const hrq_mat *mat)
{
    size_t rows = mat->rows < 20 ? mat->rows : 20;
    float *w;
    hrq_status status = hrq_mat_check(mat);
    EXPECT(status == HRQ_OK || status == HRQ_ERR_DATA, "mat_check: %s", hrq_status_text(status));
    if (mat->cols > 100000) return;
    w = floats(rows * mat->cols);
    status = hrq_mat_decode(mat, 0, rows, w, mat->cols);
    EXPECT(status == HRQ_OK || status == HRQ_ERR_SHAPE, "decode: %s", hrq_status_text(status));
    status = hrq_mat_decode(mat, mat->rows - rows, rows, w, mat->cols);
    EXPECT(status == HRQ_OK || status == HRQ_ERR_SHAPE, "decode: %s", hrq_status_text(status));
    free(w);
}

static hrq_status walk(const unsigned char *p, size_t bytes, hrq_status *checked)
{
    hrq_file f, untouched;
    hrq_member m, n;
    hrq_status status, check;
    size_t i, unsupported = 0, bad = 0;
    memset(&f, 0x5a, sizeof f);
    untouched = f;
    *checked = HRQ_ERR_ARG;
    status = hrq_file_open(&f, p, bytes);
    if (status != HRQ_OK) {
        EXPECT(status == HRQ_ERR_DATA || status == HRQ_ERR_VERSION || status == HRQ_ERR_CHECKSUM, "open: %s",
               hrq_status_text(status));
        EXPECT(memcmp(&f, &untouched, sizeof f) == 0, "open touched the file");
        return status;
    }
    check = *checked = hrq_file_check(&f);
    EXPECT(check == HRQ_OK || check == HRQ_ERR_DATA || check == HRQ_ERR_CHECKSUM ||
               check == HRQ_ERR_UNSUPPORTED,
           "check: %s", hrq_status_text(check));
    for (i = 0; i < f.count; i++) {
        const unsigned char *at;
        size_t size;
        memset(&m, 0x5a, sizeof m);
        n = m;
        status = hrq_file_member(&f, i, &m);
        if (status != HRQ_OK) {
            EXPECT(status == HRQ_ERR_DATA || status == HRQ_ERR_UNSUPPORTED, "member: %s",
                   hrq_status_text(status));
            EXPECT(memcmp(&m, &n, sizeof m) == 0, "member touched");
            unsupported += status == HRQ_ERR_UNSUPPORTED;
            bad += status == HRQ_ERR_DATA;
            continue;
        }
        at = (const unsigned char *)(m.stream ? m.stream : m.mat.data);
        size = m.stream ? m.stream_bytes : m.mat.bytes;
        EXPECT(at > p && at < p + bytes && size <= (size_t)(p + bytes - at) && (at - p) % 64 == 0, "outside");
        EXPECT((const unsigned char *)m.name > p && strlen(m.name) >= 1 && strlen(m.name) <= 255, "name");
        status = hrq_file_find(&f, m.name, &n);
        EXPECT(status == HRQ_OK && memcmp(&m, &n, sizeof m) == 0, "find %s", m.name);
        if (m.stream) walk_stream(&m);
        else walk_matrix(&m.mat);
    }
    EXPECT(hrq_file_find(&f, "no such name", &n) == HRQ_ERR_ARG, "find what is not there");
    EXPECT(check != HRQ_OK || unsupported + bad == 0, "check passed what member does not");
    EXPECT(check != HRQ_ERR_UNSUPPORTED || bad == 0, "check called unsupported what is malformed");
    return HRQ_OK;
}

/* ---- cases ---- */

static void test_layout(void)
{
    /* python3: h = b"hrqf" + pack("<IQQI", 1, 64, 64, 0); h + pack("<I", zlib.crc32(h + bytes(32))) */
    /* clang-format off */
    static const unsigned char empty[32] = {
        0x68, 0x72, 0x71, 0x66, 1, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0,
        64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa4, 0x3f, 0xae, 0x04};
    /* clang-format on */
    bag b;
    size_t n, k, i, kind;
    unsigned char *p, *q;
    hrq_file f;
    hrq_member m;
    tap_begin("layout: the same bytes as a second writer");
    p = file_of(NULL, 0, &n);
    EXPECT(n == 64 && memcmp(p, empty, 32) == 0 && get(p + 32, 8) == 0, "empty file, %zu bytes", n);
    EXPECT(hrq_file_open(&f, p, n) == HRQ_OK && f.count == 0 && f.bytes == 64 && f.data == p, "open empty");
    EXPECT(hrq_file_check(&f) == HRQ_OK, "check empty");
    EXPECT(hrq_file_member(&f, 0, &m) == HRQ_ERR_ARG && hrq_file_find(&f, "a", &m) == HRQ_ERR_ARG,
           "in empty");
    free(p);
    for (kind = 0; kind < 2; kind++) {
        if (kind == 0) bag_mixed(&b);
        else bag_formats(&b);
        for (i = 0; i <= b.count; i++) {
            p = file_of(b.m, i, &n);
            q = reference(b.m, i, &k);
            EXPECT(n == k && memcmp(p, q, n) == 0, "%zu members: %zu, %zu bytes", i, n, k);
            memset(p, 0xa5, n); /* what was in out does not show */
            EXPECT(hrq_file_write(p, n, &k, b.m, i) == HRQ_OK && memcmp(p, q, n) == 0, "written twice");
            free(p);
            free(q);
        }
        bag_free(&b);
    }
    tap_end();
}

/* A file of the first version, frozen: its CRC-32 by zlib, from a writer in Python. */
static void test_frozen(void)
{
    hrq_member m[3];
    hrq_format f;
    unsigned char one[512], two[448], *p;
    size_t i, n;
    tap_begin("layout: a frozen file");
    memset(m, 0, sizeof m);
    for (i = 0; i < sizeof one; i++) one[i] = (unsigned char)(7 * i);
    for (i = 0; i < sizeof two; i++) two[i] = (unsigned char)(5 * i);
    m[0].name = "w";
    m[1].name = "\xc3\xa4";
    m[2].name = "a.b";
    hrq_format_parse(&f, "f32");
    EXPECT(hrq_mat_wrap(&m[0].mat, &f, 2, 3, 0x0123456789abcdefu, one, sizeof one) == HRQ_OK, "wrap");
    m[1].stream = "xyz";
    m[1].stream_bytes = 3;
    hrq_format_parse(&f, "int4:mse:g8+had");
    EXPECT(hrq_mat_wrap(&m[2].mat, &f, 17, 9, 1, two, sizeof two) == HRQ_OK, "wrap");
    p = file_of(m, 3, &n);
    EXPECT(n == 1472 && hrq__crc32(0, p, n) == 0x0a31d56du, "%zu bytes, crc %08lx", n,
           (unsigned long)hrq__crc32(0, p, n));
    free(p);
    tap_end();
}

static void test_formats(void)
{
    bag b;
    unsigned char *p, *odd;
    float *w, *v;
    size_t n, i, k, shift;
    hrq_file f;
    hrq_member m, by_name;
    char one[64], two[64];
    tap_begin("round trip: every format, a stream and sic matrices in one file, at four addresses");
    bag_formats(&b);
    p = file_of(b.m, b.count, &n);
    for (shift = 0; shift < 4; shift++) {
        odd = exact(NULL, n + shift);
        memcpy(odd + shift, p, n);
        EXPECT(hrq_file_open(&f, odd + shift, n) == HRQ_OK && f.count == b.count, "open");
        EXPECT(hrq_file_check(&f) == HRQ_OK, "check");
        for (i = 0; i < b.count; i++) {
            const hrq_mat *was = &b.m[i].mat;
            EXPECT(hrq_file_member(&f, i, &m) == HRQ_OK && strcmp(m.name, b.m[i].name) == 0, "%s",
                   b.m[i].name);
            EXPECT(hrq_file_find(&f, b.m[i].name, &by_name) == HRQ_OK, "find %s", b.m[i].name);
            EXPECT(memcmp(&m, &by_name, sizeof m) == 0, "find %s: another member", b.m[i].name);
            if (b.m[i].stream) {
                EXPECT(m.mat.data == NULL && m.stream_bytes == b.m[i].stream_bytes, "stream");
                EXPECT(memcmp(m.stream, b.m[i].stream, m.stream_bytes) == 0, "stream");
                continue;
            }
            hrq_format_name(&was->format, one, sizeof one);
            hrq_format_name(&m.mat.format, two, sizeof two);
            EXPECT(m.stream == NULL && m.stream_bytes == 0 && strcmp(one, two) == 0, "%s, %s", one, two);
            EXPECT(m.mat.rows == was->rows && m.mat.cols == was->cols && m.mat.seed == was->seed, "%s: shape",
                   one);
            EXPECT(m.mat.bytes == was->bytes && memcmp(m.mat.data, was->data, was->bytes) == 0, "%s: bytes",
                   one);
            k = was->rows * was->cols;
            w = floats(k);
            v = floats(k);
            EXPECT(hrq_mat_decode(was, 0, was->rows, w, was->cols) == HRQ_OK, "%s: decode", one);
            EXPECT(hrq_mat_decode(&m.mat, 0, was->rows, v, was->cols) == HRQ_OK, "%s: decode", one);
            EXPECT(memcmp(w, v, k * sizeof(float)) == 0, "%s: decodes to something else", one);
            free(w);
            free(v);
        }
        free(odd);
    }
    free(p);
    bag_free(&b);
    tap_end();
}

/* One member after the other made wrong: no size, no file, nothing touched. */
static void refuse(const char *what, const hrq_member *m, size_t count)
{
    unsigned char out[8192], was[8192];
    size_t bytes = 12345;
    memset(out, 0x3c, sizeof out);
    memcpy(was, out, sizeof out);
    EXPECT(hrq_file_bytes(m, count) == 0, "%s: a size", what);
    EXPECT(hrq_file_write(out, sizeof out, &bytes, m, count) == HRQ_ERR_ARG, "%s: written", what);
    EXPECT(bytes == 12345 && memcmp(out, was, sizeof out) == 0, "%s: touched", what);
}

static void test_refused(void)
{
    bag b;
    hrq_member m[5];
    char name[257];
    size_t i, later = 0;
    static const char *const names[] = {"tcq2:col", "tcq4:s12:col+had"};
    tap_begin("write refuses");
    bag_mixed(&b);
#define WITH(what, change) (memcpy(m, b.m, sizeof m), (change), refuse(what, m, 5))
    WITH("no name", m[2].name = NULL);
    WITH("empty name", m[4].name = "");
    memset(name, 'n', 256);
    name[256] = '\0';
    WITH("name of 256 bytes", m[0].name = name);
    name[255] = '\0';
    memcpy(m, b.m, sizeof m);
    m[0].name = name;
    EXPECT(hrq_file_bytes(m, 5) > 0, "name of 255 bytes");
    for (i = 1; i < 5; i++) WITH("same name", m[i].name = m[i - 1].name);
    WITH("same name, first and last", m[4].name = m[0].name);
    WITH("no data", m[0].mat.data = NULL);
    WITH("bytes short", m[0].mat.bytes--);
    WITH("sic bytes short", m[2].mat.bytes--);
    WITH("no format", memset(&m[3].mat.format, 0, sizeof m[3].mat.format));
    WITH("format out of the table", m[3].mat.format.kind = 255);
    WITH("no rows", m[3].mat.rows = 0);
    WITH("no columns", m[3].mat.cols = 0);
    WITH("rows beyond its bytes", m[3].mat.rows = 33);
    WITH("rows that overflow", m[3].mat.rows = SIZE_MAX);
    WITH("columns that overflow", m[3].mat.cols = SIZE_MAX);
    WITH("another sic", m[2].mat.cols--);
    WITH("empty stream", m[1].stream_bytes = 0);
    WITH("stream as long as memory", m[1].stream_bytes = SIZE_MAX);
    WITH("stream and table as long as memory", m[1].stream_bytes = SIZE_MAX - 63);
    WITH("two streams as long as memory",
         (m[1].stream_bytes = SIZE_MAX / 2, m[0].stream = m[1].stream, m[0].stream_bytes = SIZE_MAX / 2));
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (hrq_format_parse(&m[0].mat.format, names[i]) != HRQ_OK) abort();
        if (hrq_mat_bytes(&m[0].mat.format, 3, 9) > 0) continue; /* this version has it by now */
        memcpy(m, b.m, sizeof m);
        hrq_format_parse(&m[0].mat.format, names[i]);
        refuse(names[i], m, 5);
        later++;
    }
    printf("# %zu formats of a later version\n", later);
    refuse("no members", NULL, 1);
    if (SIZE_MAX > UINT32_MAX) refuse("too many members", b.m, (size_t)((uint64_t)1 << 32));
    refuse("more members than memory", b.m, SIZE_MAX);
    memcpy(m, b.m, sizeof m); /* bytes too many are no fault, and are not written */
    for (i = 0; i < 5; i++) m[i].mat.bytes += m[i].stream ? 0 : 100;
    m[2].mat.bytes -= 100;
    EXPECT(hrq_file_bytes(m, 5) == hrq_file_bytes(b.m, 5), "a view with room to spare");
    bag_free(&b);
    tap_end();
}

static void test_space(void)
{
    bag b;
    size_t n, room, bytes;
    unsigned char *p, *was;
    tap_begin("write: capacity, null pointers");
    bag_mixed(&b);
    n = hrq_file_bytes(b.m, b.count);
    p = exact(NULL, n);
    memset(p, 0x3c, n);
    was = exact(p, n);
    for (room = 0; room < n; room++) {
        bytes = 99;
        EXPECT(hrq_file_write(p, room, &bytes, b.m, b.count) == HRQ_ERR_SPACE && bytes == 99, "capacity %zu",
               room);
    }
    EXPECT(memcmp(p, was, n) == 0, "touched");
    EXPECT(hrq_file_write(NULL, n, &bytes, b.m, b.count) == HRQ_ERR_ARG, "out");
    EXPECT(hrq_file_write(p, n, NULL, b.m, b.count) == HRQ_ERR_ARG, "bytes");
    EXPECT(memcmp(p, was, n) == 0 && bytes == 99, "touched");
    EXPECT(hrq_file_write(p, n, &bytes, b.m, b.count) == HRQ_OK && bytes == n, "exactly enough");
    free(p);
    free(was);
    bag_free(&b);
    tap_end();
}

static void test_arguments(void)
{
    bag b;
    hrq_file f, none, g;
    hrq_member m, was;
    size_t n;
    unsigned char *p;
    tap_begin("read: null pointers, indices, names; a table that changes under an open file");
    bag_mixed(&b);
    p = file_of(b.m, b.count, &n);
    memset(&none, 0, sizeof none);
    memset(&m, 0x11, sizeof m);
    was = m;
    EXPECT(hrq_file_open(NULL, p, n) == HRQ_ERR_ARG && hrq_file_open(&f, NULL, n) == HRQ_ERR_ARG, "open");
    EXPECT(hrq_file_open(&f, p, n) == HRQ_OK && f.data == p && f.bytes == n && f.count == 5, "open");
    EXPECT(hrq_file_member(NULL, 0, &m) == HRQ_ERR_ARG && hrq_file_member(&none, 0, &m) == HRQ_ERR_ARG,
           "member");
    EXPECT(hrq_file_member(&f, 5, &m) == HRQ_ERR_ARG && hrq_file_member(&f, SIZE_MAX, &m) == HRQ_ERR_ARG,
           "index");
    EXPECT(hrq_file_member(&f, 0, NULL) == HRQ_ERR_ARG, "member");
    EXPECT(hrq_file_find(NULL, "a", &m) == HRQ_ERR_ARG && hrq_file_find(&none, "a", &m) == HRQ_ERR_ARG,
           "find");
    EXPECT(hrq_file_find(&f, NULL, &m) == HRQ_ERR_ARG && hrq_file_find(&f, "a", NULL) == HRQ_ERR_ARG, "find");
    EXPECT(hrq_file_find(&f, "", &m) == HRQ_ERR_ARG && hrq_file_find(&f, "a.", &m) == HRQ_ERR_ARG,
           "no such name");
    EXPECT(hrq_file_find(&f, "\xff", &m) == HRQ_ERR_ARG && hrq_file_find(&f, "W", &m) == HRQ_ERR_ARG,
           "no such name");
    EXPECT(memcmp(&m, &was, sizeof m) == 0, "member touched");
    EXPECT(hrq_file_check(NULL) == HRQ_ERR_ARG && hrq_file_check(&none) == HRQ_ERR_ARG, "check");
    g = f;
    g.count--;
    EXPECT(hrq_file_check(&g) == HRQ_ERR_DATA, "count");
    p[4] = 2;
    EXPECT(hrq_file_check(&f) == HRQ_ERR_CHECKSUM, "version changed after open");
    p[4] = 1;
    p[56] ^= 1;
    EXPECT(hrq_file_check(&f) == HRQ_ERR_CHECKSUM, "table changed after open");
    p[56] ^= 1;
    EXPECT(hrq_file_check(&f) == HRQ_OK, "as it was");
    free(p);
    bag_free(&b);
    tap_end();
}

static void test_many(void)
{
    enum { MANY = 3000 };
    hrq_member *m = (hrq_member *)malloc(MANY * sizeof(hrq_member)), got;
    char(*names)[24] = (char(*)[24])malloc(MANY * 24);
    hrq_format format;
    uint8_t data[64 + 512];
    size_t i, n, k;
    unsigned char *p;
    hrq_file f;
    tap_begin("three thousand names");
    if (!m || !names) abort();
    memset(m, 0, MANY * sizeof(hrq_member));
    memset(data, 0, sizeof data);
    hrq_format_parse(&format, "f16");
    for (i = 0; i < MANY; i++) { /* a permutation of the numbers: 1237 and 3000 have no factor in common */
        snprintf(names[i], 24, "layers.%zu.weight", i * 1237 % MANY);
        m[i].name = names[i];
        if (hrq_mat_wrap(&m[i].mat, &format, 1 + i % 16, 1, i, data, sizeof data) != HRQ_OK) abort();
    }
    p = file_of(m, MANY, &n);
    EXPECT(hrq_file_open(&f, p, n) == HRQ_OK && f.count == MANY && hrq_file_check(&f) == HRQ_OK,
           "open, check");
    for (i = 0; i < MANY; i++) {
        EXPECT(hrq_file_member(&f, i, &got) == HRQ_OK && strcmp(got.name, names[i]) == 0, "%s", names[i]);
        EXPECT(hrq_file_find(&f, names[i], &got) == HRQ_OK && got.mat.seed == i, "%s", names[i]);
    }
    for (k = 0; k < 200; k++) {
        size_t from = draw(MANY), to = draw(MANY);
        if (from == to) continue;
        m[to].name = names[from];
        EXPECT(hrq_file_bytes(m, MANY) == 0, "%zu is called like %zu", to, from);
        m[to].name = names[to];
    }
    EXPECT(hrq_file_bytes(m, MANY) == n, "names repaired");
    free(p);
    free(m);
    free(names);
    tap_end();
}

static void test_lengths(void)
{
    bag b;
    size_t n, k;
    unsigned char *p, *q;
    hrq_status check;
    hrq_file f;
    tap_begin("every length but the right one is refused");
    bag_mixed(&b);
    p = file_of(b.m, b.count, &n);
    for (k = 0; k < n; k++) {
        q = exact(p, k);
        EXPECT(walk(q, k, &check) == HRQ_ERR_DATA, "cut to %zu", k);
        free(q);
    }
    for (k = 1; k <= 130; k++) {
        q = exact(NULL, n + k);
        memcpy(q, p, n);
        EXPECT(walk(q, n + k, &check) == HRQ_ERR_DATA, "%zu bytes behind the end", k);
        free(q);
    }
    EXPECT(hrq_file_open(&f, p, SIZE_MAX) == HRQ_ERR_DATA, "SIZE_MAX"); /* the length is compared first */
    EXPECT(walk(p, n, &check) == HRQ_OK && check == HRQ_OK, "as it was");
    free(p);
    bag_free(&b);
    tap_end();
}

static void test_flips(void)
{
    bag b;
    size_t n, i, j, table, caught_open = 0, caught_check = 0;
    unsigned char *p;
    hrq_status check, open;
    hrq_file f;
    tap_begin("a byte changed anywhere is seen by open (table) or check (payload, padding)");
    bag_mixed(&b);
    p = file_of(b.m, b.count, &n);
    table = (size_t)get(p + 16, 8);
    for (i = 0; i < n; i++)
        for (j = 0; j < 3; j++) {
            unsigned char was = p[i];
            unsigned char change = (unsigned char)(j == 0 ? 1u << i % 8 : j == 1 ? 0xff : 1 + draw(255));
            p[i] ^= change;
            check = HRQ_OK;
            open = hrq_file_open(&f, p, n);
            if (open == HRQ_OK) check = hrq_file_check(&f);
            EXPECT(i < table ? open != HRQ_OK : open == HRQ_OK && check != HRQ_OK, "byte %zu ^ %02x", i,
                   change);
            EXPECT(check == HRQ_OK || check == HRQ_ERR_CHECKSUM || check == HRQ_ERR_DATA, "byte %zu", i);
            EXPECT(i >= 4 || open == HRQ_ERR_DATA, "magic");
            EXPECT(i < 32 || i >= table || open == HRQ_ERR_CHECKSUM, "byte %zu: %s", i,
                   hrq_status_text(open));
            if (j == 0 && i % 3 == 0) walk(p, n, &check);
            caught_open += open != HRQ_OK;
            caught_check += open == HRQ_OK;
            p[i] = was;
        }
    printf("# %zu bytes: %zu changes seen by open, %zu by check\n", n, caught_open, caught_check);
    free(p);
    bag_free(&b);
    tap_end();
}

/* Change a field of a good file, sign it again, and see what open, member 'index' and check say. */
typedef struct {
    unsigned char *p;
    size_t bytes;
} forged;

static void forge(const forged *good, const char *what, size_t at, size_t size, uint64_t value, size_t index,
                  hrq_status open, hrq_status member, hrq_status check)
{
    unsigned char *p = exact(good->p, good->bytes);
    size_t table = (size_t)get(p + 16, 8), from, n;
    hrq_file f;
    hrq_member m;
    hrq_status got, ignored;
    put(p + at, size, value);
    from = (size_t)get(p + 32 + 120 * index, 8);
    n = (size_t)get(p + 32 + 120 * index + 8, 8);
    if (at >= table && from < good->bytes && n <= good->bytes - from)
        put(p + 32 + 120 * index + 48, 4, crc_bitwise(0, p + from, n));
    seal_table(p, table);
    got = walk(p, good->bytes, &ignored);
    EXPECT(got == open, "%s: open: %s", what, hrq_status_text(got));
    if (got == HRQ_OK && hrq_file_open(&f, p, good->bytes) == HRQ_OK) {
        got = hrq_file_member(&f, index, &m);
        EXPECT(got == member, "%s: member: %s", what, hrq_status_text(got));
        got = hrq_file_check(&f);
        EXPECT(got == check, "%s: check: %s", what, hrq_status_text(got));
    }
    free(p);
}

static void test_forged(void)
{
    /* clang-format off */
    static const uint64_t sizes[] = {
        0, 1, 31, 32, 63, 64, 65, 127, 128, 0x7fffffff, 0x80000000u, 0xffffffffu, (uint64_t)1 << 32,
        ((uint64_t)1 << 32) + 64, (uint64_t)1 << 63, UINT64_MAX - 119, UINT64_MAX - 63, UINT64_MAX - 62,
        UINT64_MAX};
    /* clang-format on */
    const hrq_status ok = HRQ_OK, data = HRQ_ERR_DATA, later = HRQ_ERR_UNSUPPORTED, version = HRQ_ERR_VERSION;
    bag b;
    forged good;
    size_t i, e, k, table, e0 = 32, e1 = 152, e2 = 272;
    char format[65];
    tap_begin("forged fields under good checksums");
    bag_mixed(&b);
    good.p = file_of(b.m, b.count, &good.bytes);
    table = (size_t)get(good.p + 16, 8);
    forge(&good, "nothing", 4, 4, 1, 0, ok, ok, ok);
    forge(&good, "version 0", 4, 4, 0, 0, data, ok, ok);
    forge(&good, "version 2", 4, 4, 2, 0, version, ok, ok);
    forge(&good, "version -1", 4, 4, 0xffffffffu, 0, version, ok, ok);
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        forge(&good, "total", 8, 8, sizes[i], 0, data, ok, ok);
        forge(&good, "count", 24, 4, sizes[i], 0, data, ok, ok);
        for (k = 1; k <= 8; k++) { /* the table's end, some bytes of it: nothing may be summed up to there */
            unsigned char *p = exact(good.p, good.bytes);
            hrq_status ignored;
            put(p + 16, k, sizes[i]);
            EXPECT(get(p + 16, 8) == table || walk(p, good.bytes, &ignored) != HRQ_OK, "table end");
            free(p);
        }
        for (e = 0; e < b.count; e++) {
            forge(&good, "offset", 32 + 120 * e, 8, sizes[i], 0, data, ok, ok);
            forge(&good, "offset + n", 32 + 120 * e, 8, get(good.p + 32 + 120 * e, 8) + (sizes[i] | 1), 0,
                  data, ok, ok);
            forge(&good, "name", 32 + 120 * e + 16, 8, sizes[i], 0, data, ok, ok);
            if (i > 8) forge(&good, "bytes", 32 + 120 * e + 8, 8, sizes[i], 0, data, ok, ok);
            if (i > 8) forge(&good, "order", 32 + 120 * e + 52, 4, sizes[i] | 8, 0, data, ok, ok);
        }
    }
    for (k = 32; k <= good.bytes; k += 32) { /* and signed there */
        unsigned char *p = exact(good.p, good.bytes);
        hrq_status ignored;
        put(p + 16, 8, k);
        seal_table(p, k);
        EXPECT(k == table || walk(p, good.bytes, &ignored) == HRQ_ERR_DATA, "table end %zu", k);
        free(p);
    }
    forge(&good, "count + 1", 24, 4, 6, 0, data, ok, ok);
    forge(&good, "count - 1", 24, 4, 4, 0, data, ok, ok);
    forge(&good, "order twice", e0 + 52, 4, get(good.p + e1 + 52, 4), 0, data, ok, ok);
    forge(&good, "payload one byte less", e0 + 8, 8, get(good.p + e0 + 8, 8) - 1, 0, ok, data,
          HRQ_ERR_CHECKSUM);
    forge(&good, "stream with rows", e1 + 24, 8, 1, 0, data, ok, ok);
    forge(&good, "stream with a seed", e1 + 40, 8, 1, 0, data, ok, ok);
    forge(&good, "rows 0", e0 + 24, 8, 0, 0, ok, data, data);
    forge(&good, "rows of the same panel", e0 + 24, 8, 16, 0, ok, ok, ok);
    forge(&good, "rows of the next panel", e0 + 24, 8, 17, 0, ok, data, data);
    forge(&good, "fewer panels", e2 + 120 + 24, 8, 16, 3, ok, data, data);
    for (i = 9; i < sizeof sizes / sizeof sizes[0]; i++) {
        forge(&good, "rows", e0 + 24, 8, sizes[i], 0, ok, data, data);
        forge(&good, "columns", e0 + 32, 8, sizes[i], 0, ok, data, data);
        forge(&good, "sic rows", e2 + 24, 8, sizes[i], 2, ok, data, data);
        forge(&good, "sic columns", e2 + 32, 8, sizes[i], 2, ok, data, data);
    }
    forge(&good, "empty name", (size_t)get(good.p + e0 + 16, 8), 1, 0, 0, data, ok, ok);
    forge(&good, "name without end", (size_t)get(good.p + e0 + 16, 8) + 1, 1, 'x', 0, data, ok, ok);
    forge(&good, "same name", (size_t)get(good.p + e2 + 16, 8), 1, 'a', 0, data, ok, ok);
    forge(&good, "padding of the table", table - 1, 1, 1, 0, data, ok, ok);
    for (e = 0; e + 1 < b.count; e++) { /* where one has padding */
        size_t end = (size_t)(get(good.p + 32 + 120 * e, 8) + get(good.p + 32 + 120 * e + 8, 8));
        if (end % 64) forge(&good, "padding of a payload", end, 1, 1, e, ok, ok, data);
    }
    forge(&good, "sic of a later version", (size_t)get(good.p + e2, 8) + 4, 4, 5, 2, ok, later, later);
    forge(&good, "sic header", (size_t)get(good.p + e2, 8), 4, 2, 2, ok, data, data);
    forge(&good, "sic column", (size_t)get(good.p + e2, 8) + 32 + 4 * 70, 4, 70, 2, ok, data, data);
    forge(&good, "row scale", (size_t)(get(good.p + e0, 8) + get(good.p + e0 + 8, 8)) - 2, 2, 0x7f80, 0, ok,
          ok, data);
    forge(&good, "stream header", (size_t)get(good.p + e1, 8), 1, 'X', 1, ok, ok, data);
    forge(&good, "no format", e0 + 56, 8, 0, 0, data, ok,
          ok); /* the rest of the name is left behind its zero */
    forge(&good, "format not known", e0 + 56, 3, 0x7a7a7a, 0, ok, later, later);
    forge(&good, "another format", e0 + 120 * 4 + 56, 3, 0x323366, 4, ok, data, data); /* "f32" for "f16" */
    forge(&good, "behind the format", e0 + 119, 1, 1, 0, data, ok, ok);
    for (i = 0; i < 2;
         i++) { /* a format that fills its 64 bytes: no zero; 63: a long name of a later version */
        forged other = good;
        memset(format, 'q', 64);
        format[64 - i] = '\0';
        other.p = exact(good.p, good.bytes);
        memcpy(other.p + e0 + 56, format, 64);
        forge(&other, "long format", 4, 4, 1, 0, i == 0 ? data : ok, later, later);
        free(other.p);
    }
    { /* a later format in front of a damaged payload: the damage is what counts */
        forged other = good;
        hrq_file f;
        other.p = exact(good.p, good.bytes);
        memcpy(other.p + e0 + 56, "zz4", 3);
        seal_table(other.p, table);
        other.p[good.bytes - 64 - 1]++;
        EXPECT(hrq_file_open(&f, other.p, other.bytes) == HRQ_OK && hrq_file_check(&f) == HRQ_ERR_CHECKSUM,
               "worst");
        free(other.p);
    }
    free(good.p);
    bag_free(&b);
    tap_end();
}

/* Files that agree with themselves in every offset and checksum, and are none. */
static void test_consistent(void)
{
    static const uint64_t lengths[] = {0, UINT64_MAX, UINT64_MAX - 62, UINT64_MAX - 63, (uint64_t)1 << 63};
    bag b;
    hrq_member m[5];
    char name[257];
    unsigned char *p, *q;
    size_t n, i, k, table;
    hrq_status check;
    tap_begin("consistent files that are none");
    bag_mixed(&b);
    memset(name, 'n', 256);
    for (k = 1; k <= 256; k += 85) { /* 1, 86, 171, 256 */
        memcpy(m, b.m, sizeof m);
        name[k] = '\0';
        m[1].name = name;
        p = reference(m, 5, &n);
        EXPECT(walk(p, n, &check) == (k <= 255 ? HRQ_OK : HRQ_ERR_DATA), "name of %zu bytes", k);
        name[k] = 'n';
        free(p);
    }
    memcpy(m, b.m, sizeof m);
    m[3].name = "";
    p = reference(m, 5, &n);
    EXPECT(walk(p, n, &check) == HRQ_ERR_DATA, "empty name");
    free(p);
    m[3].name = m[1].name;
    p = reference(m, 5, &n);
    EXPECT(walk(p, n, &check) == HRQ_ERR_DATA, "name twice");
    for (i = 0; i < 5; i++) { /* both in their order */
        if (get(p + 32 + 120 * i + 52, 4) != 1 && get(p + 32 + 120 * i + 52, 4) != 3) continue;
        put(p + 32 + 120 * i + 52, 4, 1);
        put(p + 32 + 120 * i + 172, 4, 3);
        break;
    }
    seal_table(p, (size_t)get(p + 16, 8));
    EXPECT(i < 4 && walk(p, n, &check) == HRQ_ERR_DATA, "name twice, in order");
    free(p);
    for (i = 0; i < 5; i++) /* a payload of no bytes, or of so many that their padded sum is none */
        for (k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
            memcpy(m, b.m, sizeof m);
            m[i].stream = "";
            m[i].stream_bytes = 0;
            p = reference(m, 5, &n);
            put(p + 32 + 120 * i + 8, 8, lengths[k]);
            seal_table(p, (size_t)get(p + 16, 8));
            EXPECT(walk(p, n, &check) == HRQ_ERR_DATA, "member %zu without bytes, %zu", i, k);
            free(p);
        }
    p = reference(b.m, 5, &n);
    table = (size_t)get(p + 16, 8);
    q = exact(NULL, n + 64); /* 64 zeros behind the payloads, counted in */
    memcpy(q, p, n);
    put(q + 8, 8, n + 64);
    seal_table(q, table);
    EXPECT(walk(q, n + 64, &check) == HRQ_ERR_DATA, "more zeros at the end");
    memset(q + table, 0, 64); /* between table and payloads, all offsets moved */
    memcpy(q + table + 64, p + table, n - table);
    put(q + 16, 8, table + 64);
    for (i = 0; i < 5; i++) put(q + 32 + 120 * i, 8, get(p + 32 + 120 * i, 8) + 64);
    seal_table(q, table + 64);
    EXPECT(walk(q, n + 64, &check) == HRQ_ERR_DATA, "more zeros behind the names");
    free(q);
    for (k = 1; k < 64; k++) { /* cut inside the last padding */
        q = exact(p, n - k);
        put(q + 8, 8, n - k);
        seal_table(q, table);
        EXPECT(walk(q, n - k, &check) == HRQ_ERR_DATA, "%zu bytes of padding less", k);
        free(q);
    }
    for (k = 6; k < 70; k++) { /* entries up to the end of memory, the first one true to that */
        uint64_t count = k == 69 ? 0xffffffffu : k == 68 ? (n - 32) / 120 : k == 67 ? n / 120 + 1 : k;
        q = exact(p, n);
        put(q + 24, 4, count);
        put(q + 32 + 16, 8, 32 + 120 * count);
        seal_table(q, table);
        EXPECT(walk(q, n, &check) == HRQ_ERR_DATA, "%lu entries", (unsigned long)count);
        free(q);
    }
    free(p);
    bag_free(&b);
    tap_end();
}

/* A stream of a later version is what a format of a later version is. */
static void test_later_stream(void)
{
    bag b;
    unsigned char *p;
    size_t n, k, at, size, later = 0;
    hrq_file f;
    hrq_member m;
    hrq_status check, shape;
    tap_begin("check: a stream of a later version is unsupported, a damaged one malformed");
    bag_mixed(&b);
    p = file_of(b.m, b.count, &n);
    at = (size_t)get(p + 32 + 120, 8);
    size = (size_t)get(p + 32 + 120 + 8, 8);
    for (k = 0; k < 40; k++) {
        p[at + k] = (unsigned char)(p[at + k] + 4); /* there are four versions */
        put(p + 32 + 120 + 48, 4, crc_bitwise(0, p + at, size));
        seal_table(p, (size_t)get(p + 16, 8));
        EXPECT(hrq_file_open(&f, p, n) == HRQ_OK && hrq_file_member(&f, 1, &m) == HRQ_OK,
               "a stream is bytes");
        shape = hrq_stream_shape(m.stream, m.stream_bytes, NULL, NULL);
        check = hrq_file_check(&f);
        later += shape == HRQ_ERR_VERSION;
        EXPECT(shape != HRQ_OK && check == (shape == HRQ_ERR_VERSION ? HRQ_ERR_UNSUPPORTED : shape),
               "byte %zu: %s, %s", k, hrq_status_text(shape), hrq_status_text(check));
        p[at + k] = (unsigned char)(p[at + k] - 4);
    }
    EXPECT(later > 0, "no version in a stream's header");
    free(p);
    bag_free(&b);
    tap_end();
}

/* ---- mutations under good checksums ---- */

static uint64_t odd_number(size_t bytes)
{
    /* clang-format off */
    static const uint64_t table[] = {
        0, 1, 2, 7, 16, 17, 32, 63, 64, 65, 96, 120, 256, 0x7fffffff, 0x80000000u, 0xffffffffu,
        (uint64_t)1 << 32, (uint64_t)1 << 63, UINT64_MAX - 63, UINT64_MAX};
    /* clang-format on */
    size_t i = draw(sizeof table / sizeof table[0] + 4);
    if (i < sizeof table / sizeof table[0]) return table[i];
    return i % 4 == 0 ? bytes : i % 4 == 1 ? bytes - 64 : i % 4 == 2 ? bytes + 64 : draw(bytes);
}

/* Mutates p[bytes]; returns its new length, at most what it was. */
static size_t mutate(unsigned char *p, size_t bytes, size_t count, size_t table)
{
    static const unsigned char fields[] = {0, 8, 16, 24, 24, 32, 32, 40};
    static const char *const formats[] = {
        "sic",        "f32",   "f16",  "int2", "int8:asym", "int4:g8",        "e8:q3:k1",
        "zn:q200:k2", "mxfp4", "tcq2", "",     "zz",        "int4:g16777216", "e8:q256:k16:first+had"};
    size_t a, b, r[4], i;
    unsigned char swap[120];
    uint64_t odd;
    for (i = 0; i < 4; i++) r[i] = draw((size_t)1 << 30); /* in this order on every compiler */
    odd = odd_number(bytes);
    a = 32 + 120 * (r[0] % count);
    b = 32 + 120 * (r[1] % count);
    switch (r[2] % 9) {
    case 0: p[r[1] % table] = (unsigned char)r[3]; break;
    case 1: put(p + a + fields[r[1] % 8], 8, odd); break;
    case 2: put(p + a + (r[1] % 2 ? 24 : 32), 8, 1 + r[3] % 100); break;
    case 3: put(p + (r[1] % 3 ? a + 52 : 24), 4, r[3] % 2 ? r[3] / 2 % (count + 1) : odd); break;
    case 4:
        memset(p + a + 56, 0, 64);
        strcpy((char *)p + a + 56, formats[r[3] % (sizeof formats / sizeof formats[0])]);
        break;
    case 5:
        memcpy(swap, p + a, 120);
        memcpy(p + a, p + b, 120);
        memcpy(p + b, swap, r[3] % 4 ? 120 : 56);
        break;
    case 6:
        bytes -= 64 * (r[3] % (bytes / 64));
        put(p + 8, 8, bytes);
        break;
    default: /* payloads begin with what matters most */
        i = r[1] % 2 ? (size_t)get(p + a, 8) + r[1] / 2 % 80 : table + r[1] / 2 % (bytes - table);
        if (i < bytes) p[i] = (unsigned char)(r[3] % 2 ? r[3] / 2 : (p[i] ^ 1u << r[3] / 2 % 8));
    }
    return bytes;
}

static void sign(unsigned char *p, size_t bytes)
{
    uint64_t table = get(p + 16, 8), i, at, n;
    if (bytes < 32 || table < 32 || table > bytes) return;
    for (i = 0; i < get(p + 24, 4) && 32 + 120 * (i + 1) <= table; i++) {
        at = get(p + 32 + 120 * i, 8);
        n = get(p + 32 + 120 * i + 8, 8);
        if (at <= bytes && n <= bytes - at) put(p + 32 + 120 * i + 48, 4, hrq__crc32(0, p + at, (size_t)n));
    }
    put(p + 28, 4, hrq__crc32(hrq__crc32(0, p, 28), p + 32, (size_t)table - 32));
}

static void test_mutations(size_t rounds)
{
    bag all;
    size_t r, i, seen[5] = {0, 0, 0, 0, 0};
    tap_begin("mutations under good checksums: no call reads outside or answers what it may not");
    bag_formats(&all);
    for (r = 0; r < rounds; r++) {
        hrq_member m[4];
        size_t count = 1 + draw(4), n, bytes, begin, table;
        unsigned char *good, *p;
        hrq_status open, check;
        begin = draw(all.count - 4);
        if (draw(4) == 0) begin = all.count - count; /* those with a header of their own */
        memcpy(m, all.m + begin, count * sizeof m[0]);
        n = hrq_file_bytes(m, count);
        good = exact(NULL, n);
        if (hrq_file_write(good, n, &bytes, m, count) != HRQ_OK) abort();
        table = (size_t)get(good + 16, 8);
        for (i = 1 + draw(3); i > 0 && bytes > table; i--) bytes = mutate(good, bytes, count, table);
        if (draw(16)) sign(good, bytes);
        p = exact(good, bytes); /* ends where the file ends */
        open = walk(p, bytes, &check);
        seen[0] += open != HRQ_OK;
        if (open == HRQ_OK)
            seen[check == HRQ_OK ? 1 : check == HRQ_ERR_DATA ? 2 : check == HRQ_ERR_UNSUPPORTED ? 3 : 4]++;
        free(p);
        free(good);
    }
    printf("# %zu files: %zu not opened; check: %zu ok, %zu malformed, %zu unsupported, %zu checksum\n",
           rounds, seen[0], seen[1], seen[2], seen[3], seen[4]);
    for (i = 0; i < 5; i++) EXPECT(seen[i] > 0, "outcome %zu never seen", i);
    EXPECT(seen[0] < rounds * 3 / 4, "most mutations do not pass open");
    bag_free(&all);
    tap_end();
}

/* A basis beside matrices: found, checked, used in place; its bytes changed, it is malformed. */
static void test_basis(void)
{
    enum { N = 24, ROOM = 32 + 4 * N + 16 * 8 * N };
    static unsigned char store[ROOM];
    float sigma[N * N], x[N], y[N], z[N];
    bag b;
    hrq_member m[6], got;
    hrq_file f;
    unsigned char *p;
    size_t i, bytes, at, seen = 0;
    tap_begin("a basis is a member: written, found, checked, used in place");
    bag_mixed(&b);
    memcpy(m, b.m, 5 * sizeof *m);
    memset(&m[5], 0, sizeof m[5]);
    m[5].name = "basis of x";
    for (i = 0; i < N * N; i++) sigma[i] = (float)pow(0.8, fabs((double)(i / N) - (double)(i % N)));
    EXPECT(hrq_basis_make(&m[5].basis, store, sizeof store, sigma, N, N, NULL, NULL, NULL) == HRQ_OK, "make");
    p = file_of(m, 6, &bytes);
    EXPECT(hrq_file_open(&f, p, bytes) == HRQ_OK && hrq_file_check(&f) == HRQ_OK, "open, check");
    EXPECT(hrq_file_find(&f, "basis of x", &got) == HRQ_OK && got.basis.n == N && !got.stream && !got.mat.data &&
               got.basis.bytes == m[5].basis.bytes && got.basis.rotations == m[5].basis.rotations,
           "find");
    EXPECT(hrq_file_find(&f, "w", &got) == HRQ_OK && !got.basis.data && got.mat.data, "a matrix is no basis");
    EXPECT(hrq_file_find(&f, "basis of x", &got) == HRQ_OK && memcmp(got.basis.data, store, got.basis.bytes) == 0, "bytes");
    for (i = 0; i < N; i++) x[i] = noise(i);
    EXPECT(hrq_basis_apply(&m[5].basis, 0, x, 1, N, y, N) == HRQ_OK && hrq_basis_apply(&got.basis, 0, x, 1, N, z, N) == HRQ_OK &&
               memcmp(y, z, sizeof y) == 0,
           "apply");
    at = (size_t)((unsigned char *)got.basis.data - p);
    for (i = 0; i < 300; i++) { /* with the checksum put right: malformed, or a basis still */
        hrq_status status;
        size_t where = at + (size_t)hrq__random(seed_now, i) % got.basis.bytes;
        unsigned char was = p[where];
        hrq_file g;
        p[where] = (unsigned char)(p[where] ^ (1 + i % 255));
        EXPECT(hrq_file_check(&f) == HRQ_ERR_CHECKSUM, "byte %lu", (unsigned long)where);
        hrq__put32(p + HRQ__FILE_HEADER + 5 * HRQ__FILE_ENTRY + HRQ__FILE_CRC, hrq__crc32(0, p + at, got.basis.bytes));
        seal_table(p, (size_t)hrq__get64(p + 16));
        EXPECT(hrq_file_open(&g, p, bytes) == HRQ_OK, "open");
        status = hrq_file_check(&g);
        EXPECT(status == HRQ_OK || status == HRQ_ERR_DATA || status == HRQ_ERR_UNSUPPORTED, "check %d", status);
        seen += status != HRQ_OK;
        p[where] = was;
        hrq__put32(p + HRQ__FILE_HEADER + 5 * HRQ__FILE_ENTRY + HRQ__FILE_CRC, hrq__crc32(0, p + at, got.basis.bytes));
        seal_table(p, (size_t)hrq__get64(p + 16));
    }
    EXPECT(seen > 150, "only %lu changes are malformed", (unsigned long)seen);
    m[5].stream = store;
    m[5].stream_bytes = 10;
    EXPECT(hrq_file_bytes(m, 6) == 0, "a stream and a basis at once");
    m[5].stream = NULL;
    m[5].basis.bytes--;
    EXPECT(hrq_file_bytes(m, 6) == 0, "bytes short");
    free(p);
    bag_free(&b);
    tap_end();
}

int main(void)
{
    const char *seed = getenv("SEED"), *times = getenv("K");
    size_t k = times ? (size_t)strtoul(times, NULL, 10) : 1;
    if (seed) seed_now = strtoul(seed, NULL, 10);
    printf("# SEED=%lu K=%zu\n", (unsigned long)seed_now, k);
    test_layout();
    test_frozen();
    test_formats();
    test_basis();
    test_refused();
    test_space();
    test_arguments();
    test_many();
    test_lengths();
    test_flips();
    test_forged();
    test_consistent();
    test_later_stream();
    test_mutations(6000 * (k ? k : 1));
    return tap_finish();
}
