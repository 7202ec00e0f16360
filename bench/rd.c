/* rd.c: errors of every format beside the limits of theory, for a plot.

       make -C bench rd     build/rd.tsv; pictures of it by rd.gp

   Two matrices A, B of iid Gaussian rows of COLS columns are encoded in the format: ROWS each, fewer for wide trellises.
   Their own error is compared with D(R) = 2^(-2R), that of the product A B^T of the quantized matrices, over ||A||^2
   ||B||^2 / COLS, with Gamma(R), R being the true bits. Columns of the TSV:

       format family       family: what rd.gp draws in one colour
       bits                true bits an entry at 4096 rows
       db db_se            error of a matrix in dB, standard error of that
       gap effective       bits above D(R); 1/2 log2(1 / error)
       rows                of A, and of B
       product gamma       error of the product, its limit
       ratio ratio_se      of these two, standard error (at most)

   "-" where an entry has no meaning. */
#include "../hrq.h"
#include "machine.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLS = 4096, ROWS = 256 };

/* What the list of formats does not show: the curves of plain integers and of some codes; sketches. What this version
   has not is passed over. */
// clang-format off
static const char *const extra[] = {
    "int2+had", "int3+had", "int4+had", "int5+had", "int6+had", "int7+had", "int8+had",
    "zn:q4:k4", "zn:q8:k4", "d4:q4:k4", "d4:q8:k4", "d4:q16:k4", "e8:q4:k4", "e8:q8:k4", "e8:q32:k4",
    "e8b2:k4", "e8b3:k4", "e8b4:k4", "tcq2", "tcq3", "tcq4", "tcq2:s14", "tcq3:s14", "tcq4:s14",
    "e8:q4:k4+had+keep25", "e8:q4:k4+had+keep50",
    "tcq2+had+keep12", "tcq2+had+keep25", "tcq2+had+keep37", "tcq2+had+keep50", "tcq2+had+keep75"};
// clang-format on
enum { EXTRA = sizeof extra / sizeof extra[0] };

static float *source[2]; /* A and B, [ROWS x COLS]             */
static float *decoded;   /* one of them, [ROWS x COLS]         */
static float *exact;     /* A B^T, [ROWS x ROWS]               */
static float *product;   /* of the quantized ones, the same    */
static double energy[2]; /* ||A||^2, ||B||^2 of the first rows */
static FILE *tsv;

/* Rows of A and B that were measured; relative errors, standard errors relative to these. */
typedef struct result {
    size_t rows;
    double bits, error, error_se, product, product_se;
} result;

static int starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static const char *family_of(const char *name)
{
    static const char *const prefixes[][2] = {{"f32", "plain"}, {"f16", "plain"}, {"bf16", "plain"}, {"int", "int"},
                                              {"mx", "mx"},     {"nv", "mx"},     {"zn", "zn"},      {"d4", "d4"},
                                              {"e8:", "e8"},    {"e8h", "e8h"},   {"e8b", "e8b"},    {"tcq", "tcq"}};
    unsigned e, m;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (starts(name, prefixes[i][0]))
            return strstr(name, "+keep") && strcmp(prefixes[i][1], "plain") != 0 ? "sketch" : prefixes[i][1];
    return sscanf(name, "e%um%u", &e, &m) == 2 ? "float" : "other";
}

/* Standard error of the mean of x[n], relative to it. */
static double spread(const double *x, size_t n)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    for (size_t i = 0; i < n; i++) squares += (x[i] - sum / (double)n) * (x[i] - sum / (double)n);
    return sqrt(squares / (double)(n - 1) / (double)n) / (sum / (double)n);
}

/* The first rows of A and B. */
static size_t encode(hrq_mat mat[2])
{
    size_t rows = mat->format.states >= 12 ? 32 : mat->format.states >= 10 ? 128 : ROWS;
    for (int side = 0; side < 2; side++)
        check(hrq_mat_encode(&mat[side], 0, rows, source[side], COLS, NULL), "hrq_mat_encode");
    return rows;
}

/* Error of both matrices; sets their energies. */
static void measure_rate(const hrq_mat mat[2], result *r)
{
    double relative[2 * ROWS], error = 0.0;
    for (int side = 0; side < 2; side++) {
        check(hrq_mat_decode(&mat[side], 0, r->rows, decoded, COLS), "hrq_mat_decode");
        energy[side] = 0.0;
        for (size_t row = 0; row < r->rows; row++) {
            const float *x = source[side] + row * COLS, *y = decoded + row * COLS;
            double of_row = 0.0, sum = 0.0;
            for (size_t c = 0; c < COLS; c++) {
                double e = (double)x[c] - (double)y[c];
                of_row += e * e;
                sum += (double)x[c] * (double)x[c];
            }
            relative[(size_t)side * r->rows + row] = of_row / sum;
            error += of_row;
            energy[side] += sum;
        }
    }
    r->error = error / (energy[0] + energy[1]);
    r->error_se = error > 0.0 ? spread(relative, 2 * r->rows) : 0.0;
}

/* Pairs that share a row are not independent: the standard error is that of the rows' and of the columns' means. */
static void measure_product(const hrq_mat mat[2], result *r)
{
    double of_row[ROWS] = {0}, of_column[ROWS] = {0}, error = 0.0;
    check(hrq_mul_mat(&mat[0], &mat[1], product, ROWS, 0, r->rows), "hrq_mul_mat");
    for (size_t i = 0; i < r->rows; i++)
        for (size_t j = 0; j < r->rows; j++) {
            double e = (double)product[i * ROWS + j] - (double)exact[i * ROWS + j];
            of_row[i] += e * e;
            of_column[j] += e * e;
            error += e * e;
        }
    r->product = error / (energy[0] * energy[1] / COLS);
    r->product_se = hypot(spread(of_row, r->rows), spread(of_column, r->rows));
}

/* A number between tabs, or a dash. */
static void field(double x)
{
    if (x > -1e300 && x < 1e300) fprintf(tsv, "\t%.6g", x);
    else fprintf(tsv, "\t-");
}

static void print(const char *name, const char *family, const result *r)
{
    double db = -10.0 * log10(r->error), effective = -0.5 * log2(r->error), limit = hrq_gamma(r->bits);
    double ratio = r->product / limit;
    fprintf(tsv, "%s\t%s", name, family);
    field(r->bits);
    field(db);
    field(10.0 / log(10.0) * r->error_se);
    field(r->bits - effective);
    field(effective);
    fprintf(tsv, "\t%zu", r->rows);
    field(r->product);
    field(limit);
    field(ratio);
    field(ratio * r->product_se);
    fprintf(tsv, "\n");
    printf("%-22s %7.3f", name, r->bits);
    cell(8, 2, db);
    cell(8, 3, r->bits - effective);
    cell(8, 3, ratio);
    printf(" %6zu\n", r->rows);
    fflush(stdout);
}

static void measure(const char *name, const hrq_format *format)
{
    const char *family = family_of(name);
    hrq_mat mat[2];
    result r;
    size_t bytes = hrq_mat_bytes(format, ROWS, COLS);
    for (int side = 0; side < 2; side++)
        check(hrq_mat_init(&mat[side], format, ROWS, COLS, 1, new_block(bytes), bytes), "hrq_mat_init");
    r.bits = hrq_format_bits(format, 4096, COLS);
    r.rows = encode(mat);
    r.product = r.product_se = (double)NAN;
    measure_rate(mat, &r);
    if (strcmp(family, "plain") != 0) measure_product(mat, &r);
    print(name, family, &r);
    free(mat[0].data);
    free(mat[1].data);
}

/* Two names of one format: "tcq2" and "tcq2:s10". */
static int same(const hrq_format *a, const hrq_format *b)
{
    char x[64], y[64];
    check(hrq_format_name(a, x, sizeof x), "hrq_format_name");
    check(hrq_format_name(b, y, sizeof y), "hrq_format_name");
    return strcmp(x, y) == 0;
}

static void measure_all(void)
{
    const char *name;
    hrq_format format, listed;
    for (size_t i = 0; (name = hrq_format_list(i)) != NULL; i++) {
        check(hrq_format_parse(&format, name), name);
        if (hrq_mat_bytes(&format, ROWS, COLS)) measure(name, &format);
    }
    for (size_t k = 0; k < EXTRA; k++) {
        int shown = 0;
        if (hrq_format_parse(&format, extra[k]) || hrq_mat_bytes(&format, ROWS, COLS) == 0) continue;
        for (size_t i = 0; !shown && (name = hrq_format_list(i)) != NULL; i++)
            shown = hrq_format_parse(&listed, name) == HRQ_OK && same(&format, &listed);
        if (!shown) measure(extra[k], &format);
    }
}

int main(void)
{
    tsv = fopen("build/rd.tsv", "w");
    if (!tsv) die("cannot write", "build/rd.tsv");
    for (int side = 0; side < 2; side++) source[side] = gauss((size_t)ROWS * COLS);
    decoded = (float *)new_block((size_t)ROWS * COLS * sizeof(float));
    exact = (float *)new_block((size_t)ROWS * ROWS * sizeof(float));
    product = (float *)new_block((size_t)ROWS * ROWS * sizeof(float));
    check(hrq_gemm(exact, ROWS, source[0], COLS, source[1], COLS, ROWS, ROWS, COLS, NULL), "hrq_gemm");
    fprintf(tsv, "# hrq %s, iid Gaussian rows of %d\n", hrq_version_text(), COLS);
    fprintf(tsv, "format\tfamily\tbits\tdb\tdb_se\tgap\teffective\trows\tproduct\tgamma\tratio\tratio_se\n");
    printf("%-22s %7s %8s %8s %8s %6s\n", "", "true", "error", "gap", "product", "rows");
    printf("%-22s %7s %8s %8s %8s %6s\n", "format", "bits", "dB", "bits", "/ Gamma", "a side");
    measure_all();
    if (fclose(tsv)) die("cannot write", "build/rd.tsv");
    free(source[0]);
    free(source[1]);
    free(decoded);
    free(exact);
    free(product);
    return 0;
}
