// hrq.h 0.1.0: quantized matrix multiplication near the information-theoretic limit. C headers, MIT licence
//
//  WHAT IT IS AND IS NOT
//  hrq turns float matrices into 0.2 ... 8 bits an entry (integers, floats, nested lattices, trellis codes), multiplies
//  with them, quantizes the weights of a layer against the covariance of its inputs (GPTQ, WaterSIC), stores them
//  entropy-coded at the rate asked for, and says how far each result is from the limit that theory sets. After
//  Ordentlich and Polyanskiy [1 - 6]. C99, clean as C++17, no dependency but the C standard library. This file alone is
//  all of it, in portable scalar code; hrq_simd.h, where it lies beside it, makes it fast on AVX2, AVX-512 and NEON. No
//  tensors, graphs, tokenizers, threads of its own, GPUs.
//
//  TWO PROGRAMS                          examples/ has them with their errors checked
//      #define HRQ_IMPLEMENTATION        // in one C file
//      #include "hrq.h"
//
//      hrq_format f;  hrq_mat W;         // W [rows x cols] float -> 4.25 bits an entry, y = W x for n vectors
//      hrq_format_parse(&f, "e8:q16:k4+had");
//      void *data = malloc(hrq_mat_bytes(&f, rows, cols));
//      hrq_mat_init(&W, &f, rows, cols, 1, data, hrq_mat_bytes(&f, rows, cols));
//      hrq_mat_encode(&W, 0, rows, w, cols, NULL);
//      hrq_matmul(&W, HRQ_ACT_INT8, x, n, cols, y, rows, NULL);
//
//      hrq_watersic_options o = {0};     // a layer to 3 bits an entry against Sigma = E x x^T, as bytes for a file
//      o.rate = 3;  o.tokens = tokens;   // samples behind sigma
//      hrq_watersic(stream, room, &bytes, w, rows, cols, cols, sigma, cols, &o, &report, NULL);
//      hrq_mat_from_stream(&W, data, hrq_mat_from_stream_bytes(stream, bytes), stream, bytes, NULL);
//
//  CONTENTS        declarations in this order, then the implementation as [1i] ... [16i]
//      [1] Configuration     [5] Formats                [9]  Trellis          [13] Linear algebra
//      [2] Types             [6] Kernels                [10] Transforms       [14] Entropy coding
//      [3] Numerics          [7] Scalar quantizers      [11] Matrices         [15] Weight-only
//      [4] Theory            [8] Lattices               [12] Multiply         [16] Container
//
//  SYMBOLS AND UNITS
//      W [rows x cols] weights, x [cols] an input, n vectors; row-major, leading dimensions and counts in elements,
//      sizes in bytes where the name says bytes. A row is one vector of the inner product: products are A B^T.
//      Sigma covariance of inputs [cols x cols], L its Cholesky factor, lambda its eigenvalues. R bits an entry, D
//      error. dB: -10 log10 of a squared error over the energy of what it is an error of. gap: bits an entry above
//      the limit.
//
//  FORMATS         names that hrq_format_parse reads; `make -C bench readme` measures their bits, errors and speeds
//      f32 f16 bf16               plain
//      int2 ... int8              one signed-max scale a row: the largest entry takes the code -2^(b-1)
//          :g<n>                  a scale for each n columns, n a multiple of 8     :sym   absmax on 2^b - 1 levels
//          :asym                  with zero points                                  :mse   least squared error
//      e<E>m<M>                   floats below 9 bits, OCP values (e4m3, e5m2, e3m2, e2m1 ...), absmax scale; :g<n>
//      mxfp4 mxfp6e2m3 mxfp6e3m2 mxfp8e4m3 mxfp8e5m2 mxint8
//                                 E8M0 scale for each 32 columns: exponent of the largest entry less that of the
//                                 largest number (what is beyond it saturates); :mse  best of that and its neighbours
//      nvfp4                      e2m1, E4M3 scale for each 16 columns, float32 a row;  :mse  of the codes around it
//      zn:q<q>:k<k>               Z^8 / q Z^8, q 3 ... 256, k 1 ... 16 scales for each block of 8 entries
//      d4:q<q>:k<k> e8:q<q>:k<k>  D4 / q D4 twice, E8 / q E8; all:  :first  the first scale that holds, not the best
//      e8h:q<q>:m<m>:k<k>         m <= 5 layers of E8 / q E8, each q times finer than the one above; q^m <= 256
//      e8b<b>:k<k>                blocks of 8 labels of b 2 ... 4 bits, even sums and odd sums with levels of their own
//                                 (E8 bent to the Gaussian); k 1 (not said), 2, 4, 8 classes a block
//      tcq<b>:s<S>                trellis code of b 2 ... 4 bits and 2^S states, S 6, 8, 10 (not said), 12, 14: the
//                                 nearest to the limit from 256 columns on; encoding takes time in proportion to 2^S
//      tcq<b>:s<S>:col            the same code down the columns, for hrq_gptq: bands of 256 rows (what is left over
//                                 joins the last), encoded whole; a scale a column and, in 4 bits, a row; no +unbiased.
//                                 For covariances of any kind with hrq_basis_make
//      any of these, then         (integers and lattices take all; floats, e8b and tcq no dither; plain, MX and nvfp4
//                                 neither dither nor unbiased; keep goes without unbiased and brings had along)
//          +had                   rotated by a randomised Hadamard transform, drawn from the matrix's seed
//          +center                rows less their means, which are kept as float32
//          +dither                subtractive, uniform over the code's cell: int, zn, d4, e8, e8h. Errors have mean 0
//                                 over seeds with +unbiased; without, least squares shrink zn ... e8h by their error
//          +unbiased              the row scale that keeps a row's product with itself. Not said: the one of least
//                                 squared error (zn ... tcq), or what the list above says
//          +keep<p>               p percent of the rotated coordinates, drawn from the seed: the sketch for rates below
//                                 hrq_gamma_rate
//      sic                        integers of a WaterSIC stream; made by hrq_mat_from_stream only
//
//  GUARANTEES
//      memory        decode and multiply never allocate; encode for +had, +center and tcq, and says how much; what else
//                    needs memory takes hooks. Buffers have any alignment; not a byte outside them is read or written.
//                    Stack: 208 KB in builds with optimisation, 384 KB in those without; most of it in hrq_mul.
//      threads       no state but one word that says which kernels run. Row ranges are independent; matrices and
//                    activations are const while they are used; writers stay on different panels of 16 rows
//                    (tcq:col: bands of 256).
//      determinism   EXACT: integers, the same everywhere. BITWISE: floats in one documented order, the same on every
//                    compiler, thread split and row chunking. All bytes written and all products are one or the
//                    other; only theory [4], reports and hrq_eigenvalues may differ in the last digits with the C
//                    library.
//      errors        a status, never errno, output or abort. On an error outputs are as they were, unless said
//                    otherwise. No call puts another format, method or rate in the place of the one asked for.
//      shapes        any rows, cols >= 1; ragged groups; Hadamard of any length
//      input         NaN and infinity are refused (HRQ_ERR_NONFINITE); 1e-36 ... 4e37 is in range for all but f16;
//                    4e37 / cols with +had
//      constants     layouts, scales, levels and matrices of a format do not change any more: tests/vectors
//
//  COMPILE-TIME OPTIONS                   defined before the #include
//      HRQ_IMPLEMENTATION    in one C or C++ file: the code itself
//      HRQ_STATIC            all of it private to the file that includes it (implies HRQ_IMPLEMENTATION); may be
//                            done in many files, at the price of a copy in each
//      HRQ_API               how public functions are declared: extern
//      HRQ_MALLOC, HRQ_FREE  with the implementation: memory where hooks give none: malloc, free
//      HRQ_NO_STDLIB         with the implementation: no <stdlib.h>; then HRQ_MALLOC gives NULL unless it is
//                            defined, and the environment variable HRQ_ISA is not read
//      HRQ_NO_SIMD           with the implementation: without hrq_simd.h; HRQ_NO_AVX2 (and what is above it),
//                            HRQ_NO_AVX512, HRQ_NO_NEON: without these kernels. Smaller code, nothing else changes
//      Kernels need no compiler flags: each carries its target, and the machine is asked when the first call comes.
//      Scalar code says fmaf where a sum is fused: where it is to be fast, -march=native (or -mfma), or it is a slow
//      library call.
//      -ffast-math is refused: it would change bytes.
//
//  HOW TO ADD A FORMAT    a row in hrq__families [5i]. One that no codec there covers: a decoder by its contract in
//                         [6i], choosing scales and coding a block in [7i] ... [9i], their row in hrq__codecs [11i],
//                         and its numbers in hrq__layout_of [5i] and hrq__view_open_codec [11i]. Names, sizes,
//                         products, GPTQ, tests, benches and plots follow.
//
//  LIMITS WE KNOW    vector kernels want GCC or clang. What is dithered is decoded by scalar code, and slowly. A second
//                    cols x cols matrix is held while weights are quantized. e8 at q <= 16 with k <= 4 clips
//                    entries beyond 127 units of its integers (4 sigma at q = 16), e8b and tcq beyond their largest
//                    level (3 to 4 sigma): use +had where rows have heavy tails. Plain entries are summed with the
//                    vector scaled to 1 ... 2: beyond 1e36 a sum may overflow that the product would not. tcq under 256
//                    columns loses more than its name says (0.1 bit at 128). GPTQ takes row scales as they are before
//                    least squares. tcq:col is made for 256 rows and more (0.4 bit lost at 16); rows under 1/32 of the
//                    largest of their 16 become 0. Dither repeats every 16 rows: errors of rows 16 apart are not
//                    independent. +unbiased blows up rows of which a code holds little (one spike among zeros).
//
//  REFERENCES    [1] Ordentlich, Polyanskiy, Optimal quantization for matrix multiplication, arXiv 2410.13780
//                [2] High-rate quantized matrix multiplication I, arXiv 2601.17187    [3] II, arXiv 2605.13768
//                [4] NestQuant, arXiv 2502.09720    [5] WaterSIC, arXiv 2603.04956    [6] Hierarchical nested
//                lattices, arXiv 2505.13164    [7] GPTQ, arXiv 2210.17323    [8] Conway, Sloane, Sphere packings,
//                lattices and groups
//
//  REVISIONS
//      0.1.0   2026-11-26   api: hrq_gptq for tcq along rows
//                           perf: NEON: search of WaterSIC's trellis, reading of streams, rows through a basis
//                           bytes: paths of WaterSIC's trellis go on from row to row (streams of version 4 and 5):
//                           0.003 to 0.008 bit nearer where rows are short; half the memory
//                           bytes: hrq_mat_from_stream puts apart what does not fit a column's width: 0.05 to 0.3 bit
//                           less. perf: columns of more than 8 bits there 4 x
//                           bytes: WaterSIC's trellis is searched with paths of 512 columns, not 128: up to 0.01 bit
//                           nearer, 0.03 where the rate is low. perf: AVX2: that search 3 x; box codes with classes
//                           and trellis codes with one vector; batches
//                           bytes: WaterSIC's loop gets filtered weights and a metric with the bits' price: 0.01 to
//                           0.08 bit nearer below 3 bits. Damping: least loss by cross-validation
//                           api: filter of hrq_gptq; hrq_budget, hrq_cov_cross, hrq_retarget; rescale of
//                           hrq_watersic (streams of version 3, where it pays)
//                           formats: tcq:col. api: HRQ_ORDER_MINPIVOT, hrq_basis_*, a basis as a member of a file
//                           bytes: damping that is not said follows from sigma and tokens
//                           perf: hrq_mul_mat by kernels; box codes, :mse and hrq_mul_t have kernels on AVX2
//                           perf: the search of WaterSIC's trellis has kernels; bytes: it finds other paths, as good
//                           perf: NEON: one vector without tiles, tcq:col, box codes, :mse, hrq_mul_t, floats
//                           perf: hrq_simd.h: AVX2, AVX-512 and NEON kernels; MX totals in float32 under the row's
//                           largest scale. bytes: e8 with q = 2^n: quick search (:first; k = 3, 4 from q = 16 on)
//                           api: first version: theory, integers, Z^n and E8 Voronoi codes, Hadamard, products,
//                           Cholesky, rANS, GPTQ, WaterSIC with scalar grid or trellis, container; portable scalar code
//                           formats: floats below 9 bits, MX, NVFP4 (import, export), D4, hierarchical and box codes,
//                           trellis codes, centring, dither, sketch. bytes: e8, zn, d4 row scales of least squares

#ifndef HRQ_H
    #define HRQ_H

    #include <stddef.h>
    #include <stdint.h>

//==================================================================================================
//  [1] Configuration       where each option is defined, its default and its cost: see the manual
//==================================================================================================

    #define HRQ_VERSION_MAJOR 0
    #define HRQ_VERSION_MINOR 1
    #define HRQ_VERSION_PATCH 0

    #ifdef HRQ_STATIC
        #if defined(__GNUC__) || defined(__clang__)
            #define HRQ_API static __attribute__((unused))
        #else
            #define HRQ_API static
        #endif
        #ifndef HRQ_IMPLEMENTATION
            #define HRQ_IMPLEMENTATION
        #endif
    #else
        #ifndef HRQ_API
            #define HRQ_API extern
        #endif
    #endif

    #define HRQ_PANEL 16 /* rows whose codes and scales lie together; concurrent writers stay on different panels */

    #ifdef __cplusplus
extern "C" {
    #endif

//==================================================================================================
//  [2] Types               status, hooks
//==================================================================================================

typedef enum hrq_status {
    HRQ_OK = 0,
    HRQ_ERR_ARG = -1,         /* null pointer, option out of range, name not known                           */
    HRQ_ERR_SHAPE = -2,       /* a zero size, a leading dimension too small, a product that overflows        */
    HRQ_ERR_SPACE = -3,       /* the caller's buffer is too small                                            */
    HRQ_ERR_NONFINITE = -4,   /* NaN or infinity in the input; the output is untouched                       */
    HRQ_ERR_NOT_PD = -5,      /* not positive definite even with the damping allowed; report names the pivot */
    HRQ_ERR_RATE = -6,        /* the rate asked for cannot be reached                                        */
    HRQ_ERR_UNSUPPORTED = -7, /* a format or option that this version names but does not have                */
    HRQ_ERR_DATA = -20,       /* malformed bytes                                                             */
    HRQ_ERR_CHECKSUM = -21,   /* bytes changed since they were written                                       */
    HRQ_ERR_VERSION = -22,    /* written by a later version                                                  */
    HRQ_ERR_NOMEM = -40,      /* the allocator gave nothing                                                  */
    HRQ_ERR_CANCELLED = -41   /* the progress hook said stop                                                 */
} hrq_status;

/* A sentence for people; never NULL, static storage. */
HRQ_API const char *hrq_status_text(hrq_status status);

/* "0.1.0"; the same numbers as HRQ_VERSION_MAJOR, _MINOR and _PATCH of the implementation. */
HRQ_API const char *hrq_version_text(void);

/* What a long call may use. NULL, or any member zero: HRQ_MALLOC and HRQ_FREE, one thread, silent.
     alloc, release   given together or not at all, aligned as malloc's; alloc may answer NULL: HRQ_ERR_NOMEM
     parallel_for     runs body(arg, 0) ... body(arg, count - 1), in any order, on any threads, and
                      returns when all have ended; results do not depend on how (BITWISE)
     progress         called on the calling thread only; non-zero cancels: HRQ_ERR_CANCELLED */
typedef struct hrq_hooks {
    void *user;
    void *(*alloc)(void *user, size_t bytes);
    void (*release)(void *user, void *block);
    void (*parallel_for)(void *user, size_t count, void (*body)(void *arg, size_t index), void *arg);
    int (*progress)(void *user, size_t done, size_t total);
} hrq_hooks;

//==================================================================================================
//  [3] Numerics            16-bit floats; rounding is to nearest, ties to even, everywhere
//==================================================================================================

/* float32 to and from IEEE binary16 and bfloat16, by integers only, so the same on every machine (EXACT).
   Too large becomes infinity, NaN stays NaN (quiet), subnormals are kept, both ways. */
HRQ_API uint16_t hrq_f16_from_f32(float x);
HRQ_API float hrq_f32_from_f16(uint16_t h);
HRQ_API uint16_t hrq_bf16_from_f32(float x);
HRQ_API float hrq_f32_from_bf16(uint16_t h);

//==================================================================================================
//  [4] Theory              closed forms in double, no state; usable alone as an oracle
//                          rates are bits an entry, errors relative to the energy of the source
//==================================================================================================

/* Least relative error of C = A^T B, each side of iid Gaussians described with `rate` bits an entry:
   2 * 2^(-2R) - 2^(-4R) for R >= R*, below it the tangent through (0, 1).   Negative or NaN rate: 1.
   Source: arXiv 2410.13780, Gamma(R). */
HRQ_API double hrq_gamma(double rate);

/* R* = 0.9063235370..., the positive root of R = 1/2 log2(1 + 4 R ln 2). */
HRQ_API double hrq_gamma_rate(void);

/* 2^(-2R): the distortion-rate function of a Gaussian of variance 1. */
HRQ_API double hrq_rd_gaussian(double rate);

/* Reverse waterfilling over n independent Gaussians of variance lambda[i] >= 0 (negative ones, as rounding
   leaves them, count as 0). Returns the distortion an entry, (1/n) sum min(level, lambda_i), at `rate` bits an
   entry; *level (may be NULL) is the water level. rate <= 0: the mean variance, and the largest lambda.
   NaN where n == 0 or lambda is NULL.    Cost at most 202 sweeps over lambda.
   Source: arXiv 2605.13768. */
HRQ_API double hrq_waterfill(const double *lambda, size_t n, double rate, double *level);

/* The inverse: bits an entry that `distortion` an entry needs, 0 where it is the mean variance or more;
   infinity at distortion <= 0 unless all lambda are 0. NaN for n == 0, NULL, a NaN distortion. */
HRQ_API double hrq_waterfill_rate(const double *lambda, size_t n, double distortion);

/* A matrix that shares a budget of bits with others. */
typedef struct hrq_share {
    const double *lambda; /* [cols] eigenvalues of its Sigma times the mean square of W; NULL: all 1      */
    size_t rows, cols;
    double weight;      /* what its loss tr((W - What) Sigma (W - What)^T) counts beside those of others */
    double least, most; /* bounds of its rate; most 0: 16                                                */
    double rate;        /* out, bits an entry                                                            */
} hrq_share;

/* Rates that make the sum of weight * loss least where all matrices together have `rate` bits an entry: reverse
   waterfilling over all their components, one level for weight * lambda. Returns that sum; NaN, and no rate is written,
   for NULL, count == 0, an empty shape, weights or lambda that are no finite numbers, bounds that are none or that rule
   the rate out.   Weight 0 takes `least`.  Cost 200 sweeps over all lambda
   Source: arXiv 2605.13768, over matrices instead of components. */
HRQ_API double hrq_budget(hrq_share *shares, size_t count, double rate);

/* E max_i x_i^2 of n iid N(0,1): the crest that an absmax scale pays for. Exact integral, 1e-6. n == 0: 0. */
HRQ_API double hrq_int_crest(size_t n);

/* Relative error of absmax rounding n iid Gaussians to `bits` (1 ... 24) bits: symmetric != 0 takes the 2^bits - 1
   levels of mid-tread, else the 2^bits of mid-rise. NaN outside and for n == 0. Source: high-rate law D = m(n)/3
   2^(-2R). */
HRQ_API double hrq_int_mse(size_t n, int bits, int symmetric);

/* phi(M): relative error of rounding to M = 0 ... 23 mantissa bits, significand log-uniform, range not limiting.
   NaN outside. */
HRQ_API double hrq_fp_mse(int man_bits);

/* Normalised second moment of the Voronoi cell of "zn", "d3", "d4", "e8", "a2", "a3*", "bw16", "leech". Unknown: 0.
   */
HRQ_API double hrq_lattice_nsm(const char *name);

/* 1/2 log2(2 pi e G): bits an entry that a cell of second moment G loses to the ideal one. */
HRQ_API double hrq_rate_loss(double nsm);

/* 1/2 log2(AM / GM of L_ii^2), chol [n x n] lower: what equal steps (GPTQ) lose to WaterSIC's steps. NaN on a
   diagonal entry <= 0, for NULL, n == 0, ld < n. Source: arXiv 2601.17187, 2605.13768. */
HRQ_API double hrq_sic_loss(const float *chol, size_t n, size_t ld);

/* Squared Frobenius error of the universal scheme on any A, B with n terms in each inner product:
   ||AB||^2 G^2 + ||A||^2 ||B||^2 / n (G - G^2), G = Gamma(rate). Norms are Frobenius norms of the centred
   factors and of their product, not squared. rate is effective: -1/2 log2 of a side's relative error, the larger
   of both. Real codes come to 0.9 ... 1.1 of it.
   NaN for n == 0. Source: arXiv 2410.13780, Theorem on universal quantizers. */
HRQ_API double hrq_matmul_guarantee(double norm_a, double norm_b, double norm_ab, size_t n, double rate);

//==================================================================================================
//  [5] Formats             a name, its true bits; layouts are drawn at the implementation
//==================================================================================================

/* A format as plain data, no pointers; made by hrq_format_parse, read by everybody. Two formats are equal
   where their names are. */
typedef struct hrq_format {
    uint8_t kind;     /* row of the format table                                                     */
    uint8_t bits;     /* bits of a code: int, e8b, tcq                                               */
    uint8_t exp, man; /* exponent and mantissa bits of a float format                                */
    uint8_t scales;   /* k: scales or classes a block of 8 may choose from; 0 none                   */
    uint8_t layers;   /* m of a hierarchical code                                                    */
    uint8_t states;   /* log2 of the states of a trellis                                             */
    uint8_t keep;     /* percent of rotated coordinates kept by the sketch; 0 all                    */
    uint16_t q;       /* nesting ratio of a lattice code; 0 none                                     */
    uint16_t options; /* HRQ__OPT_ bits: sym, mse, asym, first, col, had, center, dither, unbiased   */
    uint32_t group;   /* columns a scale covers; 0 the whole row                                     */
} hrq_format;

/* Read a name: family and numbers, options behind colons, transforms behind plus signs ("int4:g64:mse+had").
   The table of families stands in the manual.
   Errors     HRQ_ERR_ARG (NULL, no such name, an option that the family has not, twice the same, out of range);
              *format untouched */
HRQ_API hrq_status hrq_format_parse(hrq_format *format, const char *name);

/* Write the canonical name (parse reads it back to the same format), with its zero; 64 bytes are always enough.
   Errors     HRQ_ERR_ARG (NULL, no format), HRQ_ERR_SPACE; name untouched */
HRQ_API hrq_status hrq_format_name(const hrq_format *format, char *name, size_t bytes);

/* True bits an entry of a rows x cols matrix: 8 * hrq_mat_bytes / (rows * cols); codes, scales, side information,
   padding to 16 rows and 8 columns, all. 0 where there is no such matrix. */
HRQ_API double hrq_format_bits(const hrq_format *format, size_t rows, size_t cols);

/* Names that together show every kind of format and every option of this version: what tests and benches
   walk. NULL past the last. */
HRQ_API const char *hrq_format_list(size_t index);

//==================================================================================================
//  [6] Kernels             which instruction set runs
//==================================================================================================

/* The instruction set whose kernels run, found on the first call: "scalar"; with hrq_simd.h beside this file "neon",
   "neon_dotprod", "neon_i8mm", "avx2" (with FMA and F16C), "avx2vnni", "avx512" (F, BW, VL, DQ), "avx512vnni" (VNNI,
   VBMI, GFNI above these). All give the same bytes and products. */
HRQ_API const char *hrq_isa_text(void);

/* Run nothing that stands behind this name in the list above. Call it before anything else runs; the environment
   variable HRQ_ISA says the same without a call (a name that is none limits nothing), and a call wins over it.
   Errors     HRQ_ERR_ARG (NULL, no such name) */
HRQ_API hrq_status hrq_isa_limit(const char *isa);

//==================================================================================================
//  [10] Transforms         orthonormal, any number of columns
//==================================================================================================

/* Randomised Hadamard transform of each row, in place: signs from the low 32 bits of seed, then blocks of
   h * 2^m columns, h in {1, 12, 20, 28}, the largest that fits first. The row's norm is kept.
     x          [rows x cols] f32, leading dimension ld >= cols
     inverse    non-zero undoes it (to rounding: 1e-6 of the row's norm)
   Errors     HRQ_ERR_ARG (NULL), HRQ_ERR_SHAPE (a zero size, ld < cols); NaN and infinity spread through their block
   Cost       cols * log2(cols) additions a row; BITWISE
   Source     Paley's second construction for 12, 20, 28; the rest Sylvester */
HRQ_API hrq_status hrq_hadamard(float *x, size_t rows, size_t cols, size_t ld, uint64_t seed, int inverse);

//==================================================================================================
//  [11] Matrices           a view on bytes that the caller owns
//==================================================================================================

/* rows x cols entries in one format. Owns nothing. data is position-independent and little-endian: store, map,
   send, slice it at panels. seed draws what the format randomises. */
typedef struct hrq_mat {
    hrq_format format;
    size_t rows, cols;
    uint64_t seed;
    void *data;
    size_t bytes;
} hrq_mat;

/* Bytes that a matrix takes: whole panels of 16 rows. 0: impossible (a zero size, an overflow, a format that
   this version has not, or "sic", whose size its stream tells). */
HRQ_API size_t hrq_mat_bytes(const hrq_format *format, size_t rows, size_t cols);

/* Describe a matrix in data[bytes]: init clears hrq_mat_bytes bytes to zero (all entries decode to 0), wrap takes
   what is there, unread (run hrq_mat_check on bytes from outside). mat->bytes becomes what the matrix takes.
   Errors     HRQ_ERR_ARG (NULL), HRQ_ERR_SHAPE, HRQ_ERR_SPACE, HRQ_ERR_UNSUPPORTED; wrap of "sic" also
              HRQ_ERR_DATA where its header does not fit, HRQ_ERR_VERSION; mat untouched */
HRQ_API hrq_status hrq_mat_init(hrq_mat *mat, const hrq_format *format, size_t rows, size_t cols, uint64_t seed,
                                void *data, size_t bytes);
HRQ_API hrq_status hrq_mat_wrap(hrq_mat *mat, const hrq_format *format, size_t rows, size_t cols, uint64_t seed,
                                void *data, size_t bytes);

/* Bytes that one hrq_mat_encode asks of the hooks, once: a row where the format rotates or centres; for box codes,
   and for e8 with q = 2^b where blocks are coded many at a time, the codes of 16 rows, 22 bytes a column (box codes:
   and 640 a class); for tcq the search of a row, 2^S / 8 bytes a step of its four sequences (2 MB at 4096 columns and
   2^14 states); :col: of a band, and 512 rows where the format rotates or centres. 0 where it needs none, or there is
   no such matrix. */
HRQ_API size_t hrq_mat_encode_scratch(const hrq_format *format, size_t cols);

/* Quantize rows row0 ... row0 + nrows - 1. The bytes depend on each row alone: any chunking, order, thread
   split and machine gives the same ones (BITWISE). Rows of one panel must not be written by two threads at once.
     w          [nrows x cols] f32, ldw >= cols: w[0] is row row0
   tcq:col    whole bands: row0 and row0 + nrows are multiples of 256, or the end of the matrix; the last band takes
              what is left over, so no border lies within the last 511 rows but that band's begin. The column scales
              that are stored are divided out: 1 after hrq_mat_init
   Errors     HRQ_ERR_ARG (NULL, rows outside the matrix or not whole bands), HRQ_ERR_SHAPE (ldw), HRQ_ERR_NONFINITE
              (also what is too large: f16's and bf16's largest, 4e37 where there are codes, 4e37 / cols or for f16
              65504 / sqrt(cols) where the format rotates, 4e37 or for f16 32752 where it only centres), HRQ_ERR_NOMEM,
              HRQ_ERR_UNSUPPORTED ("sic"); data untouched
   Cost       one pass over w for plain, integer and float formats, more for :mse; k lattice searches a block for
              Voronoi codes, 2 k for e8b; 2^S steps of 2 additions an entry for tcq */
HRQ_API hrq_status hrq_mat_encode(hrq_mat *mat, size_t row0, size_t nrows, const float *w, size_t ldw,
                                  const hrq_hooks *hooks);

/* Rows back to float32: exactly the weights that every product uses (BITWISE), but for hrq_mul_mat of two centred
   sides. No allocation.
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_UNSUPPORTED; w untouched */
HRQ_API hrq_status hrq_mat_decode(const hrq_mat *mat, size_t row0, size_t nrows, float *w, size_t ldw);

/* One row of an MX or NV format as its specification stores it, to and from a matrix: codes carry over, nothing is
   rounded.
     elements   [ceil(cols * bits / 8)] codes one behind the other, low bits first: two of 4 bits a byte with the first
                in the low half, four of 6 bits in three bytes, one of 8 bits a byte; bits behind the last are 0
     scales     [ceil(cols / block)] one byte a block: MX blocks of 32, E8M0; nvfp4 blocks of 16, E4M3 without sign
     tensor     nvfp4's second scale, float32 (a row is a tensor of its own here), 2^-125 or more for exact values; MX:
                not read, 1 out
   With "+had" the codes are those of the rotated row.
   Errors     HRQ_ERR_ARG (NULL, row), HRQ_ERR_UNSUPPORTED (another format, "+center", "+keep"), HRQ_ERR_DATA (codes of
              NaN and infinity, a tensor scale that is not finite); the row and outputs untouched
   Source     OCP Microscaling Formats (MX) 1.0, sections 5.2 - 5.4, 6.3 */
HRQ_API hrq_status hrq_mat_import_row(hrq_mat *mat, size_t row, const uint8_t *elements, const uint8_t *scales,
                                      float tensor);
HRQ_API hrq_status hrq_mat_export_row(const hrq_mat *mat, size_t row, uint8_t *elements, uint8_t *scales,
                                      float *tensor);

/* Every byte legal: scales and plain entries finite, codes and indices in range. What passes decodes to finite
   numbers as long as its scales times the largest code do.
   Errors     HRQ_ERR_ARG, HRQ_ERR_DATA, HRQ_ERR_UNSUPPORTED      Cost one pass over the bytes */
HRQ_API hrq_status hrq_mat_check(const hrq_mat *mat);

//==================================================================================================
//  [12] Multiply           prepare once, run any row range; integers exact, sums in one order
//==================================================================================================

typedef enum hrq_act_kind {
    HRQ_ACT_INT8 = 0, /* one absmax scale a vector, ties to even: relative error 7e-5 on 4096 Gaussians */
    HRQ_ACT_F32 = 1   /* as they are: nothing is lost beside the weights                                */
} hrq_act_kind;

/* n vectors made ready for products: transformed, rounded. Lives inside the caller's buffer; const after that. */
typedef struct hrq_act hrq_act;

/* Bytes that hrq_act_prepare needs for n vectors; 0: impossible, or mat is no matrix of this version. */
HRQ_API size_t hrq_act_bytes(const hrq_mat *mat, size_t n, hrq_act_kind kind);

/* Make x ready for mat and for every other matrix that it fits: the same columns, transforms and seed, and, for tcq:col
   and "sic", scales of columns, which are folded in.
     act        out: points into buffer, which may have any alignment and must outlive it
     x          [n x cols] f32, ldx >= cols
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE (ldx), HRQ_ERR_SPACE, HRQ_ERR_NONFINITE, HRQ_ERR_UNSUPPORTED;
              *act untouched
   Cost       one pass over x, and the matrix's transform */
HRQ_API hrq_status hrq_act_prepare(hrq_act **act, void *buffer, size_t bytes, const hrq_mat *mat, hrq_act_kind kind,
                                   const float *x, size_t n, size_t ldx);

/* 1 where act can be multiplied with mat, else 0 (NULL: 0). */
HRQ_API int hrq_act_fits(const hrq_act *act, const hrq_mat *mat);

/* y = clamp(fmaf(keep, y, product + bias)). NULL or all zero: y = product.
     bias       [rows of the matrix] by absolute row index, or NULL
     keep       0 never reads y (it may be uninitialised)
     clamp      non-zero: to [lo, hi] */
typedef struct hrq_epilogue {
    const float *bias;
    float keep;
    float lo, hi;
    int clamp;
} hrq_epilogue;

/* y[t * ldy + r] = <row r of mat, vector t>, t < n, row0 <= r < row1; the rest of y is not touched, ldy >= row1.
   Integer codes times int8 activations add up exactly whatever the number of columns (EXACT); float sums run over
   the columns in order, fused multiply-add; scales follow group by group. Nothing but the row and the vector decides:
   any split into row ranges and any machine gives the same bits (BITWISE). MX formats with int8 on both sides: blocks
   over the largest scale of their row; those below 2^-126 of it count as 0.
   Errors     HRQ_ERR_ARG (NULL, range, act does not fit), HRQ_ERR_SHAPE (ldy), HRQ_ERR_UNSUPPORTED; y untouched
   Cost       (row1 - row0) * cols * n multiply-adds, one decode a panel and 264 vectors, 132 where a group
              is wider than a tile, 16 where sums are floats or wide; no allocation */
HRQ_API hrq_status hrq_mul(const hrq_mat *mat, const hrq_act *act, float *y, size_t ldy, size_t row0, size_t row1,
                           const hrq_epilogue *epilogue);

/* The other product, y[t] = sum over r in row0 ... row1 - 1 of p[t * ldp + r] * (row r of mat): values of attention.
     p          [n x >= row1] f32, absolute row indices, ldp >= row1
     y          [n x cols], ldy >= cols, overwritten; an empty range of rows gives zeros
   Float: fused multiply-adds in order of r on the weights of hrq_mat_decode, one inverse transform at the end
   (BITWISE).
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_NONFINITE (p), HRQ_ERR_UNSUPPORTED; y untouched */
HRQ_API hrq_status hrq_mul_t(const hrq_mat *mat, const float *p, size_t n, size_t ldp, size_t row0, size_t row1,
                             float *y, size_t ldy);

/* c[i * ldc + j] = <row i of a, row j of b>, row0 <= i < row1, all j: both sides quantized, absolute rows i.
   Two formats whose values are integers (all but plain ones, floats of 8 bits or beyond int16, and dithered ones)
   multiply as integers, exactly; anything else as floats, column by column with fused multiply-add (BITWISE): up to
   cols * 2^-24 of the sum of magnitudes.
   Both sides rotated and sketched by the same draw: the low 32 bits of their seeds agree. Dither is drawn from all 64:
   give the sides different high halves, or their errors are not independent.
   Both sides centred: <a - mean a, b - mean b> of what is stored + cols mean a mean b. That is nearer to <a, b> than
   the rows that hrq_mat_decode gives, whose rests do not sum to 0. One side centred: the product of those rows; the
   error of the other's sum is multiplied by the mean, so centre both.
   Error      of Gaussians Gamma(R) times the code's ratio; of any A, B, both centred and rotated, about
              hrq_matmul_guarantee at the effective rate, for codes of least squares (zn ... tcq)
   Source     arXiv 2410.13780, sections 4 and 5
   Errors     HRQ_ERR_ARG (NULL, range, rotation or sketch differ), HRQ_ERR_SHAPE (columns differ, ldc < b->rows),
              HRQ_ERR_UNSUPPORTED; c untouched */
HRQ_API hrq_status hrq_mul_mat(const hrq_mat *a, const hrq_mat *b, float *c, size_t ldc, size_t row0, size_t row1);

/* All in one call: prepare x [n x cols] and multiply every row into y [n x rows]. The hooks give memory for the
   activations and, where they have parallel_for, the threads. Same bits as prepare and hrq_mul.
   Errors     those of both, and HRQ_ERR_NOMEM */
HRQ_API hrq_status hrq_matmul(const hrq_mat *w, hrq_act_kind kind, const float *x, size_t n, size_t ldx, float *y,
                              size_t ldy, const hrq_hooks *hooks);

//==================================================================================================
//  [13] Linear algebra     float32, lower triangles, sums over k in order with fused multiply-add (BITWISE)
//==================================================================================================

/* sigma += X^T X, lower triangle only; call it as the tokens come.
     sigma      [n x n] f32, ld >= n; x [tokens x n], ldx >= n; tokens == 0 is HRQ_OK, x may be NULL then.
                Any split of the tokens into calls gives the same bits
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_NONFINITE (x), HRQ_ERR_NOMEM; sigma untouched
   Cost       tokens * n^2 / 2 multiply-adds */
HRQ_API hrq_status hrq_cov_add(float *sigma, size_t n, size_t ld, const float *x, size_t tokens, size_t ldx,
                               const hrq_hooks *hooks);

/* Divide by the number of tokens (positive, finite) and fill the upper triangle.   Errors HRQ_ERR_ARG,
   HRQ_ERR_SHAPE */
HRQ_API hrq_status hrq_cov_finish(float *sigma, size_t n, size_t ld, double tokens);

/* c += X^T Y: the covariance of two kinds of inputs, as hrq_cov_add for one.
     c          [m x n] f32, ldc >= n; x [tokens x m], ldx >= m; y [tokens x n], ldy >= n. Sums, not divided
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_NONFINITE (x, y), HRQ_ERR_NOMEM; c untouched
   Cost       tokens * m * n multiply-adds */
HRQ_API hrq_status hrq_cov_cross(float *c, size_t m, size_t n, size_t ldc, const float *x, size_t ldx, const float *y,
                                 size_t ldy, size_t tokens, const hrq_hooks *hooks);

/* A = L L^T, in place: the lower triangle becomes L, the strict upper one is not read or written.
     bad_pivot  out on HRQ_ERR_NOT_PD, may be NULL: index of the first pivot that is not positive and finite (NaN and
                infinity in a end here)
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_NOMEM: a untouched; HRQ_ERR_NOT_PD: the triangle is spent
   Cost       n^3 / 3 flops, blocked        Source  Golub, Van Loan, Matrix Computations, section 4.2 */
HRQ_API hrq_status hrq_cholesky(float *a, size_t n, size_t ld, size_t *bad_pivot, const hrq_hooks *hooks);

/* C = A B^T.   c [m x n], a [m x k], b [n x k]; c must not overlap a or b.
   NaN and infinity go through.   Cost m * n * k multiply-adds
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE (also k == 0), HRQ_ERR_NOMEM; c untouched */
HRQ_API hrq_status hrq_gemm(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                            size_t n, size_t k, const hrq_hooks *hooks);

/* Eigenvalues of the symmetric A (lower triangle read), ascending, computed in double.
     eig        [n] f64 out
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_NONFINITE, HRQ_ERR_NOMEM; eig untouched
   Cost       4/3 n^3 flops on one thread, n^2 + 6 n doubles: Householder tridiagonal form, then bisection
   Source     Golub, Van Loan, sections 8.3, 8.4 */
HRQ_API hrq_status hrq_eigenvalues(double *eig, const float *a, size_t n, size_t ld, const hrq_hooks *hooks);

//==================================================================================================
//  [15] Weight-only        W [rows x cols], loss tr((W - What) Sigma (W - What)^T), Sigma = E x x^T [cols x cols]
//==================================================================================================

/* Order in which columns are quantized; each absorbs the errors of those before it. */
typedef enum hrq_order {
    HRQ_ORDER_DEFAULT = 0,    /* pivoted; natural for GPTQ; with a trellis what of the two is nearer          */
    HRQ_ORDER_NATURAL = 1,    /* last column first                                                            */
    HRQ_ORDER_PIVOTED = 2,    /* Cholesky with largest pivots: the weakest directions first                   */
    HRQ_ORDER_DESCENDING = 3, /* largest diagonal of sigma first                                              */
    HRQ_ORDER_MINPIVOT = 4    /* Cholesky with least pivots, the best at equal rates; GPTQ only               */
} hrq_order;

/* What a call did, in numbers that can be checked; filled only where asked for: the limit needs eigenvalues. */
typedef struct hrq_report {
    double rate;       /* bits an entry really used: 8 * bytes / (rows * cols)                               */
    double entropy;    /* bits an entry by the model's ideal code length; fixed rate: the rate               */
    double distortion; /* tr((W - What) Sigma (W - What)^T) / (rows * cols)                                  */
    double limit_rate; /* reverse waterfilling for iid rows of the measured mean square                      */
    double gap;        /* rate - limit_rate, bits an entry; -infinity at distortion 0                        */
    double baseline;   /* distortion of plain absmax rounding a row at ceil(rate), 2 ... 8, bits; NaN above 4e37 */
    double damping;    /* relative to the diagonal, as used                                                  */
    size_t dead_columns, bad_pivot, nonfinite; /* columns with no input; pivot that failed (cols: none);
                                                  NaN and infinities counted in w and sigma                  */
} hrq_report;

typedef struct hrq_gptq_options {
    double damping; /* times diag(sigma); 0: what so few tokens ask for, 0.01 ... 1, by sigma itself; 0.01 where
                        they are not known; < 0: none; > 1 refused; doubled up to 1 until the factorisation passes */
    hrq_order order;
    double tokens; /* samples behind sigma, fewer where they are much alike; 0: not known                   */
    int filter;    /* non-zero: weights and metric filtered for the format's bits, as hrq_watersic has them (below 5
                      bits): nearer by up to 0.1 bit at 2 bits, 0.01 at 3; best in an equalised basis, without which
                      it may also lose 0.05 at 3 and 4. 0: GPTQ itself                                        */
} hrq_gptq_options;

/* GPTQ (LDLQ): quantize column by column (lattice codes: block of 8 by block of 8), each step feeding its error to
   the columns still to come. Row and group scales come from W; tcq:col: column scales from the targets as they come.
   tcq along rows: last column first whatever order says, by a list of paths; no row farther than its plain codes, but
   tcq:col is 0.1 to 0.3 bit nearer.
     out        a matrix from hrq_mat_init, any fixed-rate format but "+keep" and "+unbiased"; every row is written
     w          [rows x cols] f32, ldw >= cols;  sigma [cols x cols] symmetric (lower triangle read), or NULL: white
     options    NULL: defaults; report may be NULL
   With "+had" the rows and both sides of sigma are rotated first (bad_pivot counts there). A column whose diagonal in
   sigma is 0 has no input: the rest of its row is not looked at, its weights are rounded.
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_NONFINITE (report->nonfinite), HRQ_ERR_NOT_PD (report->bad_pivot),
              HRQ_ERR_NOMEM, HRQ_ERR_CANCELLED, HRQ_ERR_UNSUPPORTED; out untouched, never a plain rounding instead
   Cost       rows * cols^2 + cols^3 / 3 flops; tcq along rows: three times that, and for each entry 4 S 2^S steps of
              the plain search (S bits of state) and some 5000 flops; a report adds 2 rows * cols^2 and 4/3 cols^3 in
              double
   Source     Frantar et al., arXiv 2210.17323, in the equivalent form with L (arXiv 2605.13768): no inverse */
HRQ_API hrq_status hrq_gptq(hrq_mat *out, const float *w, size_t ldw, const float *sigma, size_t lds,
                            const hrq_gptq_options *options, hrq_report *report, const hrq_hooks *hooks);

/* The weights that do on other inputs xh, least squares, what W did on its own x: W' xh nearest to W x + r. To be
   quantized against E xh xh^T in the place of W.
       W' = W + (W (C - Sigma) + R) (Sigma + damping diag Sigma)^-1
   Drift: xh is what earlier layers, quantized already, make of x; r is what the sum that the outputs are added to has
   lost. Quantized activations (QA-LDLQ): xh = x and a rounding error, C = E x x^T, Sigma = C + that error's covariance.
     out        [rows x cols], ldo >= cols; may be w where the leading dimensions agree
     cross      C = E x xh^T [cols x cols], not symmetric;  residual R = E r xh^T [rows x cols] or NULL: none
     sigma      E xh xh^T [cols x cols], lower triangle read. All three sums, or all means
     options    damping and tokens as for GPTQ; order does not matter. bad_pivot out on HRQ_ERR_NOT_PD, may be NULL
   An input whose diagonal is 0 keeps its weights.
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_NONFINITE (also a result that is not finite), HRQ_ERR_NOT_PD,
              HRQ_ERR_NOMEM; out untouched. BITWISE
   Cost       4 rows * cols^2 flops in double, one Cholesky
   Source     arXiv 2603.04956, section 4; arXiv 2502.09720 (QA-LDLQ) */
HRQ_API hrq_status hrq_retarget(float *out, size_t ldo, const float *w, size_t rows, size_t cols, size_t ldw,
                                const float *cross, size_t ldc, const float *residual, size_t ldr, const float *sigma,
                                size_t lds, const hrq_gptq_options *options, size_t *bad_pivot,
                                const hrq_hooks *hooks);

/* An orthonormal basis of the inputs, plane rotations and a permutation, in which every conditional variance is the
   same, |Sigma|^(1/n): codes of equal rates (all of GPTQ's) then lose nothing beside WaterSIC's unequal steps, whatever
   Sigma is. One basis serves all matrices with these inputs. A view: owns nothing; data is position-independent and
   little-endian.
       W' = W P,  Sigma' = P^T Sigma P,  x' = P^T x;   W x = W' x'
   In W' columns are quantized from the last on: HRQ_ORDER_NATURAL.
   x' has neither the outliers of x nor its evenness: bytes for activations (HRQ_ACT_INT8) leave an error 39 to 43 dB
   below the product, 43 for even x, 33 where some inputs were ten times the others. Beside 4-bit weights that is 2 to
   11 % of the error, more where |Sigma|^(1/n) is far below the mean variance: HRQ_ACT_F32 has none of it. */
typedef struct hrq_basis {
    size_t n, rotations;
    double damping; /* of sigma, in proportion to its diagonal, as used */
    void *data;
    size_t bytes;
} hrq_basis;

typedef struct hrq_basis_options {
    double damping; /* as for GPTQ */
    double tokens;
    size_t rotations; /* most; 0: 8 n. Where they do not reach, conditional variances fall instead of being equal. n to
                         2 n do for most covariances, dense ones whose diagonal says nothing take up to 20 n */
    int lattice;      /* non-zero: for zn, d4, e8, e8h, e8b, which quantize 8 columns at a time: these are next to
                         uncorrelated, given the columns before, and stand where those formats take them        */
} hrq_basis_options;

/* Room for a basis of n inputs and so many rotations (0: as options have it): 16 bytes a rotation, 4 an input.
   0: impossible. */
HRQ_API size_t hrq_basis_bytes(size_t n, size_t rotations);

/* Make the basis of sigma in data[capacity]; basis->bytes of it are used.
     sigma      [n x n] symmetric (lower triangle read), lds >= n. Inputs whose diagonal is 0 come last, as they are
     bad_pivot  out on HRQ_ERR_NOT_PD, may be NULL
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_SPACE (less than hrq_basis_bytes of the rotations allowed),
              HRQ_ERR_NONFINITE, HRQ_ERR_NOT_PD, HRQ_ERR_NOMEM; data and basis untouched. BITWISE
   Cost       2/3 n^3 flops, 8 n^2 bytes
   Source     geometric mean decomposition (Jiang, Hager, Li 2005) by rotations on a pivoted Cholesky factor */
HRQ_API hrq_status hrq_basis_make(hrq_basis *basis, void *data, size_t capacity, const float *sigma, size_t n,
                                  size_t lds, const hrq_basis_options *options, size_t *bad_pivot,
                                  const hrq_hooks *hooks);

/* Take the basis that lies in data: header and size; hrq_basis_check for bytes from outside.
   Errors     HRQ_ERR_ARG, HRQ_ERR_DATA, HRQ_ERR_VERSION; basis untouched */
HRQ_API hrq_status hrq_basis_wrap(hrq_basis *basis, const void *data, size_t bytes);

/* Every index in range, the permutation one, rotations of length 1.   Errors HRQ_ERR_ARG, HRQ_ERR_DATA */
HRQ_API hrq_status hrq_basis_check(const hrq_basis *basis);

/* y = x P for each row (weights or activations); inverse: y = x P^T. What hrq_basis_check refuses may answer
   HRQ_ERR_DATA.
     x, y       [rows x n] f32, ldx, ldy >= n; they must not overlap. rows 0: HRQ_OK, x and y are not looked at
   From 16 rows on it takes 64 n bytes of HRQ_MALLOC's memory; where there is none rows go one by one, to the same bits.
   Errors     HRQ_ERR_ARG, HRQ_ERR_SHAPE, HRQ_ERR_DATA (an index out of range); y untouched
   Cost       6 flops a rotation and row, in vectors over 16 rows; BITWISE */
HRQ_API hrq_status hrq_basis_apply(const hrq_basis *basis, int inverse, const float *x, size_t rows, size_t ldx,
                                   float *y, size_t ldy);

/* out = P^T (sigma + basis->damping diag(sigma)) P: for hrq_gptq without more damping (options.damping < 0). Where
   sigma is singular its rounding to float asks for a damping of 1e-4 at least.
     sigma      [n x n], lower triangle read; out [n x n], both triangles; they must not overlap
   Errors     those of hrq_basis_apply, HRQ_ERR_NONFINITE, HRQ_ERR_NOMEM; out untouched */
HRQ_API hrq_status hrq_basis_cov(const hrq_basis *basis, const float *sigma, size_t lds, float *out, size_t ldo,
                                 const hrq_hooks *hooks);

typedef struct hrq_watersic_options {
    double rate;    /* bits an entry of the finished stream: a ceiling, met within 0.01, by a trellis from 0.5 on
                       within 0.005; under 2^16 entries low rates may fall short by 0.05, and with a trellis any
                       by 0.03 where a few rows are 50 times the others                                         */
    int states;     /* 1 (or 0): scalar grid (the paper); 4, 8, 16, 32, 64, 128, 256: trellis                  */
    double damping; /* as above                                                                                */
    hrq_order order;
    double tokens;
    int rescale;   /* non-zero: at the end scales of rows, and those of columns again, least squares of all together,
                      where they are worth their bits (some 3 a row): few rows, of uneven size, many columns.
                      Another search then, and 8 rows * cols^2 flops in double                                  */
    uint64_t seed; /* of what later versions draw                                                             */
    int list;      /* paths that the search of a trellis keeps in each state, 1, 2, 4, 8: the more the better and the
                      slower; 0: 8 up to 16 states, 4 up to 64, then 2 */
} hrq_watersic_options;

/* Room that is always enough for a stream of this shape and rate; 0: impossible. */
HRQ_API size_t hrq_watersic_bytes(size_t rows, size_t cols, double rate);

/* WaterSIC: successive cancellation with a step of its own for each column, c / L_ii, integers entropy-coded.
   0.2546 bit from the limit at high rate whatever Sigma is; with a trellis 0.04 to 0.08. From 0.7 to 5 bits (a
   trellis: from 0.25) W and Sigma are filtered as the test channel has them: near at low rates too.
     stream     out [capacity], *bytes of it used
     w, sigma   as for hrq_gptq; columns without input become 0 and cost nothing
     options    rate must be there. Where W has entries beyond 16383 steps (a trellis: 8191) the rate falls short: the
                steps stay larger
   Errors     HRQ_ERR_ARG (also a rate that is not in (0, 16]), HRQ_ERR_SHAPE, HRQ_ERR_SPACE, HRQ_ERR_NONFINITE,
              HRQ_ERR_NOT_PD, HRQ_ERR_RATE (headers and steps alone take more than the rate), HRQ_ERR_NOMEM,
              HRQ_ERR_CANCELLED, HRQ_ERR_UNSUPPORTED (descending order with a trellis); stream and *bytes untouched
   Trellis    states from 4 on: the integers of a row go along a trellis, and the encoder searches for the row's path: 8
              states are 0.19 bit nearer to the limit than the scalar grid, 256 states 0.22. Same bytes for every
              number of threads, of which 8 are of use. The order of columns that is not said is the one that a sample
              of the rows finds nearer
   Cost       about 8 passes of rows * cols^2 flops and one Cholesky, below 5 bits 5 more and two passes; with a trellis
              about 5 passes, of states * list * rows * cols * 150 flops each, three times the Choleskys, and for each
              of up to 8 threads 110 KB for each of states * list, at most 150 MB; 4 KB a column. Damping by tokens:
              3 cols^3 to 6 cols^3
   Source     arXiv 2603.04956, Algorithm PlainWaterSIC with LMMSE in the loop; differs: pivoted order, damping in
              proportion to the diagonal, column steps and models sent instead of a pooled table, "rates that are not
              high" in [15i]; with a trellis gains of least squares over all columns, and what "paths" there names */
HRQ_API hrq_status hrq_watersic(void *stream, size_t capacity, size_t *bytes, const float *w, size_t rows,
                                size_t cols, size_t ldw, const float *sigma, size_t lds,
                                const hrq_watersic_options *options, hrq_report *report, const hrq_hooks *hooks);

/* A stream carries its version, shape and a checksum; all that read one check them and decode it whole before
   they write: HRQ_ERR_VERSION, HRQ_ERR_DATA, HRQ_ERR_CHECKSUM, HRQ_ERR_ARG. */

/* rows and cols out, either may be NULL. Reads the header and the checksum. */
HRQ_API hrq_status hrq_stream_shape(const void *stream, size_t bytes, size_t *rows, size_t *cols);

/* w [rows x cols] f32 out, ldw >= cols. Also HRQ_ERR_SHAPE, HRQ_ERR_NOMEM; w untouched on error. BITWISE. */
HRQ_API hrq_status hrq_stream_decode(const void *stream, size_t bytes, float *w, size_t ldw, const hrq_hooks *hooks);

/* The stream as a matrix to multiply with, of format "sic": integers in as few bits as serve a column, values
   that do not fit apart, columns sorted by width, column steps folded into the activations. mat views data; decode
   gives what hrq_stream_decode gives. _bytes tells the size exactly: it decodes the stream in HRQ_MALLOC's memory; 0:
   not a stream, or none.
   Errors     as above, and HRQ_ERR_SPACE, HRQ_ERR_NOMEM; data and mat untouched */
HRQ_API size_t hrq_mat_from_stream_bytes(const void *stream, size_t bytes);
HRQ_API hrq_status hrq_mat_from_stream(hrq_mat *mat, void *data, size_t capacity, const void *stream, size_t bytes,
                                       const hrq_hooks *hooks);

//==================================================================================================
//  [16] Container          named matrices and streams in one file; used in place from a mapping
//==================================================================================================

/* A matrix, or a stream where stream is not NULL, or a basis where basis.data is not. name: 1 ... 255 bytes of UTF-8,
   unlike every other. A reader that knows no bases answers HRQ_ERR_UNSUPPORTED for one, and reads what lies beside
   it. */
typedef struct hrq_member {
    const char *name;
    hrq_mat mat;
    const void *stream;
    size_t stream_bytes;
    hrq_basis basis;
} hrq_member;

/* A file that lies in memory. Owns nothing. */
typedef struct hrq_file {
    const unsigned char *data;
    size_t bytes;
    size_t count;
} hrq_file;

/* Bytes that these members take as a file; 0: impossible (a name missing, too long or twice; an empty stream; a
   matrix that hrq_mat_wrap refuses, or a basis that hrq_basis_wrap does; a stream and a basis at once). */
HRQ_API size_t hrq_file_bytes(const hrq_member *members, size_t count);

/* Write the file into out[capacity], *bytes of it used; no member may lie in out. count == 0: a file without members.
   Errors     HRQ_ERR_ARG (NULL, members as above), HRQ_ERR_SPACE; out and *bytes untouched */
HRQ_API hrq_status hrq_file_write(void *out, size_t capacity, size_t *bytes, const hrq_member *members, size_t count);

/* Take exactly these bytes as a file: header, table and bounds, O(count); members' bytes are not read (check does).
   Errors     HRQ_ERR_ARG, HRQ_ERR_DATA, HRQ_ERR_VERSION, HRQ_ERR_CHECKSUM (of the table); file untouched */
HRQ_API hrq_status hrq_file_open(hrq_file *file, const void *data, size_t bytes);

/* Views into data, which must outlive them, and may be written through where it may. Members lie on multiples of
   64 bytes from the file's begin; names are compared as bytes.
   Errors     HRQ_ERR_ARG (NULL, index, no such name), HRQ_ERR_UNSUPPORTED (a format of a later version), HRQ_ERR_DATA
              (size or shape do not fit the format); member untouched */
HRQ_API hrq_status hrq_file_member(const hrq_file *file, size_t index, hrq_member *member);
HRQ_API hrq_status hrq_file_find(const hrq_file *file, const char *name, hrq_member *member);

/* Every checksum, and hrq_mat_check or hrq_basis_check of every matrix and basis; streams are not decoded.
   Errors     HRQ_ERR_ARG, HRQ_ERR_CHECKSUM, HRQ_ERR_DATA, HRQ_ERR_UNSUPPORTED */
HRQ_API hrq_status hrq_file_check(const hrq_file *file);

    #ifdef __cplusplus
}
    #endif

#endif /* HRQ_H */

#if defined(HRQ_IMPLEMENTATION) && !defined(HRQ__IMPLEMENTED)
    #define HRQ__IMPLEMENTED

//==================================================================================================
//  [1i] Configuration      compiler checks
//==================================================================================================

    #include <limits.h>
    #include <string.h>
    #include <math.h>
    #if !defined(HRQ_NO_STDLIB)
        #include <stdlib.h>
    #endif

    #ifndef HRQ_MALLOC
        #ifdef HRQ_NO_STDLIB
            #define HRQ_MALLOC(bytes) NULL
            #define HRQ_FREE(block)   ((void)(block))
        #else
            #define HRQ_MALLOC(bytes) malloc(bytes)
            #define HRQ_FREE(block)   free(block)
        #endif
    #elif !defined(HRQ_FREE)
        #error "hrq: define HRQ_MALLOC and HRQ_FREE together"
    #endif

    /* Test programs take the table and all kernels from one object, tests/kernels.c: they are most of what there is to
   compile. What this leaves without use here, and other warnings of the library, are for whole builds to tell. */
    #ifdef HRQ__TABLE_APART
        #pragma GCC system_header
    #endif
    /* The vector kernels: for GCC and clang on x86-64 and little-endian AArch64, where the file lies beside this one.
   HRQ_SIMDE_NEON, HRQ_SIMDE_AVX2 and, on AVX2, HRQ_SIMDE_AVX512 (tests) take these kernels through SIMDe. */
    #if !defined(HRQ_NO_SIMD) && !defined(HRQ__TABLE_APART) && defined(__has_include) && \
        (defined(__GNUC__) || defined(__clang__))
        #if __has_include("hrq_simd.h")
            #if defined(HRQ_SIMDE_NEON)
                #define SIMDE_ENABLE_NATIVE_ALIASES
                #include <simde/arm/neon.h>
                #define HRQ__SIMD
                #define HRQ__SIMDE
            #elif defined(HRQ_SIMDE_AVX2)
                #define SIMDE_ENABLE_NATIVE_ALIASES
                #include <simde/x86/avx2.h>
                #include <simde/x86/fma.h>
                #include <simde/x86/f16c.h>
                #define HRQ__SIMD
                #define HRQ__SIMDE
            #elif defined(HRQ_SIMDE_AVX512) /* tests/simde_avx512.h comes before this file */
                #define HRQ__SIMD
                #define HRQ__SIMDE
            #elif defined(__x86_64__)
                #include <immintrin.h>
                #include <cpuid.h>
                #define HRQ__SIMD
            #elif defined(__aarch64__) && defined(__ARM_NEON) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                #include <arm_neon.h>
                #if defined(__linux__)
                    #include <sys/auxv.h>
                #endif
                #define HRQ__SIMD
            #endif
        #endif
    #endif

    #ifdef __FAST_MATH__
        #error "hrq: -ffast-math changes the bytes that encoders write; compile the implementation without it"
    #endif
    #if defined(__FLT_EVAL_METHOD__) && (__FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2)
        #error "hrq: float arithmetic must be done in float (on 32-bit x86: -msse2 -mfpmath=sse)"
    #endif

    /* No fused multiply-add but where the code says fmaf: a compiler that fuses on its own writes other bytes.
   GCC hears only the first pragma, clang only the second; both end with the implementation. */
    #if defined(__GNUC__) && !defined(__clang__)
        #pragma GCC push_options
        #pragma GCC optimize("fp-contract=off")
    #elif defined(__clang__)
        #pragma STDC FP_CONTRACT OFF
    #endif

    #if defined(__GNUC__) || defined(__clang__)
        #define HRQ__INLINE  static inline __attribute__((always_inline))
        #define HRQ__ALIGNED __attribute__((aligned(64)))
    #else
        #define HRQ__INLINE static inline
        #define HRQ__ALIGNED
    #endif

    /* Into the second level of cache; an address may be any. Decoders fetch their codes so many bytes before they are
       due: what is on its way covers the latency of DRAM. */
    #define HRQ__AHEAD 6144
    #if defined(__GNUC__) || defined(__clang__)
        #define HRQ__PREFETCH(address) __builtin_prefetch((const void *)(address), 0, 2)
    #else
        #define HRQ__PREFETCH(address) ((void)0)
    #endif

    #ifdef __cplusplus
extern "C" {
    #endif

//==================================================================================================
//  [2i] Types              status texts, memory, threads, sizes, bytes, checksum, random numbers
//  uses: 1
//==================================================================================================

HRQ_API const char *hrq_status_text(hrq_status status)
{
    switch (status) {
    case HRQ_OK: return "ok";
    case HRQ_ERR_ARG: return "argument missing, out of range or not known";
    case HRQ_ERR_SHAPE: return "size zero, too large, or smaller than the rows it must hold";
    case HRQ_ERR_SPACE: return "buffer too small";
    case HRQ_ERR_NONFINITE: return "NaN or infinity in the input";
    case HRQ_ERR_NOT_PD: return "matrix not positive definite, even damped";
    case HRQ_ERR_RATE: return "rate cannot be reached";
    case HRQ_ERR_UNSUPPORTED: return "not supported by this version";
    case HRQ_ERR_DATA: return "malformed data";
    case HRQ_ERR_CHECKSUM: return "checksum does not match";
    case HRQ_ERR_VERSION: return "written by a later version";
    case HRQ_ERR_NOMEM: return "out of memory";
    case HRQ_ERR_CANCELLED: return "cancelled by the progress hook";
    }
    return "unknown status";
}

    #define HRQ__TEXT(x)  #x
    #define HRQ__TEXT2(x) HRQ__TEXT(x)

HRQ_API const char *hrq_version_text(void)
{
    return HRQ__TEXT2(HRQ_VERSION_MAJOR) "." HRQ__TEXT2(HRQ_VERSION_MINOR) "." HRQ__TEXT2(HRQ_VERSION_PATCH);
}

/* Product and sum of sizes; 0 (false) on overflow. */
HRQ__INLINE int hrq__mul_size(size_t a, size_t b, size_t *out)
{
    if (a != 0 && b > SIZE_MAX / a) return 0;
    *out = a * b;
    return 1;
}

HRQ__INLINE int hrq__add_size(size_t a, size_t b, size_t *out)
{
    if (b > SIZE_MAX - a) return 0;
    *out = a + b;
    return 1;
}

HRQ__INLINE size_t hrq__min_size(size_t a, size_t b) { return a < b ? a : b; }
HRQ__INLINE size_t hrq__div_up(size_t a, size_t b) { return a / b + (a % b != 0); }

/* A matrix argument is legal where it has no size zero, a row fits its leading dimension, and its last
   element's offset in bytes fits size_t. */
static int hrq__shape_ok(size_t rows, size_t cols, size_t ld)
{
    size_t elems;
    return rows > 0 && cols > 0 && ld >= cols && hrq__mul_size(rows, ld, &elems) && elems <= SIZE_MAX / 8;
}

/* One block of a call's working memory: sum the parts, take once, cut in order. NULL: no memory or overflow. */
static void *hrq__alloc(const hrq_hooks *hooks, size_t bytes)
{
    if (bytes == 0) bytes = 1;
    if (hooks && hooks->alloc) return hooks->alloc(hooks->user, bytes);
    return HRQ_MALLOC(bytes);
}

static void hrq__release(const hrq_hooks *hooks, void *block)
{
    if (!block) return;
    if (hooks && hooks->alloc) {
        if (hooks->release) hooks->release(hooks->user, block);
    } else {
        HRQ_FREE(block);
    }
}

/* count elements of size bytes; NULL on overflow as well */
static void *hrq__alloc_array(const hrq_hooks *hooks, size_t count, size_t size)
{
    size_t bytes;
    return hrq__mul_size(count, size, &bytes) ? hrq__alloc(hooks, bytes) : NULL;
}

static void hrq__for(const hrq_hooks *hooks, size_t count, void (*body)(void *arg, size_t index), void *arg)
{
    size_t i;
    if (hooks && hooks->parallel_for && count > 1) {
        hooks->parallel_for(hooks->user, count, body, arg);
    } else {
        for (i = 0; i < count; i++) body(arg, i);
    }
}

static hrq_status hrq__progress(const hrq_hooks *hooks, size_t done, size_t total)
{
    return hooks && hooks->progress && hooks->progress(hooks->user, done, total) ? HRQ_ERR_CANCELLED : HRQ_OK;
}

/* Little-endian words at any address. */
HRQ__INLINE uint16_t hrq__get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
HRQ__INLINE void hrq__put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}
HRQ__INLINE uint32_t hrq__get32(const uint8_t *p) { return hrq__get16(p) | (uint32_t)hrq__get16(p + 2) << 16; }
HRQ__INLINE void hrq__put32(uint8_t *p, uint32_t v)
{
    hrq__put16(p, (uint16_t)v);
    hrq__put16(p + 2, (uint16_t)(v >> 16));
}
HRQ__INLINE uint64_t hrq__get64(const uint8_t *p) { return hrq__get32(p) | (uint64_t)hrq__get32(p + 4) << 32; }
HRQ__INLINE void hrq__put64(uint8_t *p, uint64_t v)
{
    hrq__put32(p, (uint32_t)v);
    hrq__put32(p + 4, (uint32_t)(v >> 32));
}

/* CRC-32 of ISO 3309 (polynomial EDB88320 reversed), eight bytes a step; crc 0 starts, results chain. "123456789" gives
   CBF43926. table[k][i] is byte i divided by the polynomial with k bytes of zeros behind it; made where it pays, short
   runs take the bits one by one. */
static uint32_t hrq__crc32(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *p = (const uint8_t *)data;
    uint32_t table[8][256], i, k, x;
    crc = ~crc;
    if (bytes >= 1024) {
        for (i = 0; i < 256; i++) {
            for (k = 0, x = i; k < 8; k++) x = x >> 1 ^ ((0u - (x & 1)) & 0xedb88320u);
            table[0][i] = x;
        }
        for (k = 1; k < 8; k++)
            for (i = 0; i < 256; i++) table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
        for (; bytes >= 8; bytes -= 8, p += 8) {
            x = crc ^ hrq__get32(p);
            crc = table[7][x & 255] ^ table[6][x >> 8 & 255] ^ table[5][x >> 16 & 255] ^ table[4][x >> 24];
            crc ^= table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
        }
    }
    for (; bytes > 0; bytes--) {
        crc ^= *p++;
        for (k = 0; k < 8; k++) crc = crc >> 1 ^ ((0u - (crc & 1)) & 0xedb88320u);
    }
    return ~crc;
}

/* Random numbers by counter: the same for every machine and every order of asking (splitmix64: Steele, Lea,
   Flood 2014). */
HRQ__INLINE uint64_t hrq__random(uint64_t seed, uint64_t counter)
{
    uint64_t z = seed + (counter + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

//==================================================================================================
//  [3i] Numerics           16-bit floats, rounding
//  uses: 1, 2
//==================================================================================================

HRQ__INLINE uint32_t hrq__bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

HRQ__INLINE float hrq__float_of(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

HRQ__INLINE int hrq__finite(float x) { return (hrq__bits_of(x) & 0x7f800000u) != 0x7f800000u; }

/* Shift right with ties to even. s in 1 ... 31. */
HRQ__INLINE uint32_t hrq__shift_rne(uint32_t u, int s)
{
    uint32_t half = 1u << (s - 1), odd = u >> s & 1;
    return (u + half - 1 + odd) >> s;
}

/* Magnitude of a float32 to exponent and `man` mantissa bits with this bias, ties to even; subnormals are kept. Too
   large runs on into larger exponents: the caller's business. */
static uint32_t hrq__narrow(uint32_t mag, int bias, int man)
{
    int least = 128 - bias, e = (int)(mag >> 23), s = least - e + 23 - man;
    if (e >= least) return hrq__shift_rne(mag - ((uint32_t)(least - 1) << 23), 23 - man);
    return s > 24 ? 0 : hrq__shift_rne((mag & 0x7fffffu) | 0x800000u, s);
}

HRQ_API uint16_t hrq_f16_from_f32(float x)
{
    uint32_t u = hrq__bits_of(x), sign = u >> 16 & 0x8000u, mag = u & 0x7fffffffu;
    if (mag > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | (mag >> 13 & 0x3ffu));
    return (uint16_t)(sign | (mag >= 0x47800000u ? 0x7c00u : hrq__narrow(mag, 15, 10))); /* 65536: infinity */
}

HRQ_API float hrq_f32_from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, mag = h & 0x7fffu;
    if (mag >= 0x7c00u)
        return hrq__float_of(sign | 0x7f800000u | (mag & 0x3ffu) << 13 | (mag > 0x7c00u ? 0x400000u : 0));
    if (mag >= 0x0400u) return hrq__float_of(sign | ((mag << 13) + 0x38000000u));
    return (sign ? -1.0f : 1.0f) * ((float)mag * 5.9604644775390625e-8f); /* 2^-24 */
}

HRQ_API uint16_t hrq_bf16_from_f32(float x)
{
    uint32_t u = hrq__bits_of(x);
    if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}

HRQ_API float hrq_f32_from_bf16(uint16_t h) { return hrq__float_of((uint32_t)h << 16); }

/* Nearest integer, ties to even, as the vector instructions give it; |x| < 2^22. */
HRQ__INLINE int32_t hrq__round(float x)
{
    float magic = 12582912.0f, y = x + magic; /* 1.5 * 2^23: the sum has no fraction bits left */
    return (int32_t)(hrq__bits_of(y) - hrq__bits_of(magic));
}

HRQ__INLINE float hrq__clampf(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }
HRQ__INLINE int32_t hrq__clampi(int32_t x, int32_t lo, int32_t hi) { return x < lo ? lo : x > hi ? hi : x; }

/* A number of at most 8 bits: sign, exp exponent bits, man mantissa bits. As OCP has them: 8 bits with exp >= 5 keep
   the top exponent for infinity and NaN, 8 bits with less keep the all-ones code for NaN, fewer bits are all numbers;
   exp = 0 is MXINT8, two's complement in steps of 2^-man, +-127. */
typedef struct hrq__small {
    int exp, man, bias;
    uint32_t sign, top; /* sign bit; largest finite magnitude as a code */
} hrq__small;

static hrq__small hrq__small_of(int exp, int man)
{
    hrq__small t;
    t.exp = exp;
    t.man = man;
    t.bias = exp ? (1 << (exp - 1)) - 1 : 0;
    t.sign = exp ? 1u << (exp + man) : 128u;
    t.top = t.sign - 1u;
    if (exp >= 5 && exp + man == 7) t.top = (t.sign - (1u << man)) - 1u;
    else if (exp && exp + man == 7) t.top--;
    return t;
}

static float hrq__small_decode(hrq__small t, uint32_t code)
{
    uint32_t mag = code & (t.sign - 1u);
    float x;
    if (t.exp == 0) return (float)((int32_t)(code ^ 128u) - 128) / (float)(1 << t.man);
    x = hrq__float_of(mag << (23 - t.man)) * hrq__float_of((uint32_t)(254 - t.bias) << 23);
    if (mag > t.top) x = t.exp >= 5 && mag == t.top + 1u ? (float)INFINITY : (float)NAN;
    return code & t.sign ? -x : x;
}

/* Nearest, ties to even, saturating. */
static uint32_t hrq__small_encode(hrq__small t, float x)
{
    uint32_t u = hrq__bits_of(x), mag;
    if (t.exp == 0) {
        float most = 127.0f / (float)(1 << t.man);
        return (uint32_t)hrq__round(hrq__clampf(x, -most, most) * (float)(1 << t.man)) & 255u;
    }
    mag = hrq__narrow(u & 0x7fffffffu, t.bias, t.man);
    return (u >> 31 ? t.sign : 0u) | (mag < t.top ? mag : t.top);
}

/* 2^(e - 127), e = 0 ... 254; 255 is NaN: OCP's E8M0. */
static float hrq__e8m0_decode(uint32_t e)
{
    return hrq__float_of(e == 0 ? 0x00400000u : e == 255 ? 0x7fc00000u : e << 23);
}

/* Power of two near 1 / x for x > 0, so that scaling by it is exact. */
static float hrq__power_of_two_over(float x)
{
    float p = 1.0f;
    while (x * p >= 2.0f && p > 1e-37f) p *= 0.5f;
    while (x * p < 1.0f && p < 1e37f) p *= 2.0f;
    return p;
}

    //==================================================================================================
    //  [4i] Theory             closed forms in double
    //  uses: nothing but <math.h>
    //==================================================================================================

    /* R* solves R = 1/2 log2(1 + 4 R ln 2): there (1 - Gamma_1(R)) / R is largest, the tangent through
   (0, 1) touches. Iterating the equation from 0.9 gives, to the last bit: */
    #define HRQ__GAMMA_RATE 0.9063235369515508

HRQ_API double hrq_gamma_rate(void) { return HRQ__GAMMA_RATE; }

HRQ_API double hrq_rd_gaussian(double rate) { return exp2(-2.0 * rate); }

HRQ_API double hrq_gamma(double rate)
{
    double d = exp2(-2.0 * (rate >= HRQ__GAMMA_RATE ? rate : HRQ__GAMMA_RATE)), gamma = d * (2.0 - d);
    if (!(rate > 0.0)) return 1.0;
    return rate >= HRQ__GAMMA_RATE ? gamma : 1.0 - (1.0 - gamma) * (rate / HRQ__GAMMA_RATE);
}

/* Rate and distortion are convex and piecewise smooth in the logarithm of the level, with a linear
   piece for every set of active components. Newton's method from below takes one sweep a step,
   climbs monotonically and ends at the exact root when the active set stays; the range of double
   ends it long before 200 sweeps. */
HRQ_API double hrq_waterfill(const double *lambda, size_t n, double rate, double *level)
{
    double t = 0.0, top = 0.0, sum = 0.0, water = 0.0, logs;
    size_t i, active, before = 0;
    int sweep;
    if (!lambda || n == 0) return (double)NAN;
    for (i = 0; i < n; i++) {
        if (!(lambda[i] > 0.0)) continue;
        before++;
        sum += lambda[i];
        top = lambda[i] > top ? lambda[i] : top;
    }
    if (!(rate > 0.0) || before == 0) {
        if (level) *level = top;
        return sum / (double)n;
    }
    for (sweep = 0; sweep < 200; sweep++) {
        logs = 0.0;
        for (i = 0, active = 0; i < n; i++) {
            if (!(lambda[i] > 0.0) || (sweep > 0 && !(lambda[i] > water))) continue;
            logs += log2(lambda[i]);
            active++;
        }
        if (active == 0 || (sweep > 0 && active == before)) break;
        before = active;
        t = (logs - 2.0 * (double)n * rate) / (double)active;
        water = exp2(t);
    }
    sum = 0.0;
    for (i = 0; i < n; i++) sum += lambda[i] > 0.0 ? (lambda[i] < water ? lambda[i] : water) : 0.0;
    if (level) *level = water;
    return sum / (double)n;
}

HRQ_API double hrq_waterfill_rate(const double *lambda, size_t n, double distortion)
{
    double sum = 0.0, water = distortion, below, bits = 0.0;
    size_t i, active, before = 0;
    int sweep;
    if (!lambda || n == 0 || distortion != distortion) return (double)NAN;
    for (i = 0; i < n; i++) sum += lambda[i] > 0.0 ? lambda[i] : 0.0;
    if (sum == 0.0 || distortion >= sum / (double)n) return 0.0;
    if (distortion <= 0.0) return (double)INFINITY;
    for (sweep = 0; sweep < 200; sweep++) {
        below = 0.0;
        for (i = 0, active = 0; i < n; i++) {
            if (lambda[i] > water) active++;
            else if (lambda[i] > 0.0) below += lambda[i];
        }
        if (active == 0 || (sweep > 0 && active == before)) break;
        before = active;
        water = ((double)n * distortion - below) / (double)active;
    }
    for (i = 0; i < n; i++)
        if (lambda[i] > water) bits += 0.5 * (log2(lambda[i]) - log2(water));
    return bits / (double)n;
}

/* Rate of a share under a level, given as log2: between its bounds. */
static double hrq__share_rate(const hrq_share *s, double log_level)
{
    double bits = 0.0, most = s->most > 0.0 ? s->most : 16.0, above;
    size_t i;
    for (i = 0; i < s->cols && s->weight > 0.0; i++) {
        double lambda = s->lambda ? s->lambda[i] : 1.0;
        above = lambda > 0.0 ? log2(s->weight) + log2(lambda) - log_level : 0.0;
        bits += above > 0.0 ? 0.5 * above : 0.0;
    }
    bits /= (double)s->cols;
    return bits < s->least ? s->least : bits > most ? most : bits;
}

/* Weighted loss of a share at its rate. */
static double hrq__share_loss(const hrq_share *s)
{
    double one = exp2(-2.0 * s->rate), loss = s->lambda ? hrq_waterfill(s->lambda, s->cols, s->rate, NULL) : one;
    return s->weight * loss * (double)s->rows * (double)s->cols;
}

static int hrq__share_ok(const hrq_share *s)
{
    size_t i;
    if (!s->rows || !s->cols || !(s->weight >= 0.0 && s->weight < 1e300) || !(s->least >= 0.0)) return 0;
    if (!(s->most >= 0.0 && s->least <= (s->most > 0.0 ? s->most : 16.0))) return 0;
    for (i = 0; s->lambda && i < s->cols; i++)
        if (!(s->lambda[i] < 1e300)) return 0;
    return 1;
}

/* Bisection: the sum falls as the level rises, and bounds make corners of any kind. */
HRQ_API double hrq_budget(hrq_share *shares, size_t count, double rate)
{
    double entries = 0.0, bits, lo = -2200.0, hi = 2200.0, loss = 0.0;
    size_t i;
    int turn;
    if (!shares || count == 0 || !(rate >= 0.0)) return (double)NAN;
    for (i = 0; i < count; i++) {
        if (!hrq__share_ok(&shares[i])) return (double)NAN;
        entries += (double)shares[i].rows * (double)shares[i].cols;
    }
    for (turn = 0; turn < 202; turn++) { /* the ends first: what the bounds allow at all */
        double level = turn == 0 ? lo : turn == 1 ? hi : 0.5 * (lo + hi);
        for (i = 0, bits = 0.0; i < count; i++)
            bits += hrq__share_rate(&shares[i], level) * (double)shares[i].rows * (double)shares[i].cols;
        bits -= rate * entries;
        if (turn == 0 ? bits < -1e-9 * entries : turn == 1 && bits > 1e-9 * entries) return (double)NAN;
        if (turn > 1) *(bits > 0.0 ? &lo : &hi) = level;
    }
    for (i = 0; i < count; i++) {
        shares[i].rate = hrq__share_rate(&shares[i], hi);
        loss += hrq__share_loss(&shares[i]);
    }
    return loss;
}

/* E max x_i^2 = integral of 2 x (1 - F(x)^n) dx, F(x) = erf(x / sqrt 2), by Simpson's rule on [0,
   20]: beyond 14 the integrand is below 1e-20 for every size_t n, and a step of 1/256 resolves a
   transition of width 1/x 20-fold. */
HRQ_API double hrq_int_crest(size_t n)
{
    double sum = 0.0, x;
    int i;
    if (n == 0) return 0.0;
    for (i = 1; i < 5120; i++) {
        x = i / 256.0;
        sum += (i & 1 ? 4.0 : 2.0) * 2.0 * x * -expm1((double)n * log1p(-erfc(x * 0.70710678118654752)));
    }
    return sum / (3.0 * 256.0);
}

/* Error of a uniform step over the range of +-absmax, step^2 / 12: 2^bits levels, step 2 absmax /
   2^bits, or 2^bits - 1 levels, step absmax / (2^(bits-1) - 1). One level alone (symmetric, 1 bit)
   loses everything. */
HRQ_API double hrq_int_mse(size_t n, int bits, int symmetric)
{
    double half, m;
    if (n == 0 || bits < 1 || bits > 24) return (double)NAN;
    if (symmetric && bits == 1) return 1.0;
    half = ldexp(1.0, bits - 1) - (symmetric ? 1.0 : 0.0);
    m = hrq_int_crest(n);
    return m / (12.0 * half * half);
}

/* phi(M) = 1 / ln 2 * integral over y in [N, 2N] of (1 - round(y) / y)^2 / y, N = 2^M. An
   antiderivative within the cell of k, at y = k (1 + x): log(1 + x) + 2 / (1 + x) - 1 / (2 (1 +
   x)^2). For N >= 128 the cells cancel to nothing; Euler-Maclaurin gives 1 / (32 N^2) - 7 / (1024
   N^4) + O(N^-6), within 1e-8 there. */
HRQ_API double hrq_fp_mse(int man_bits)
{
    double n, sum = 0.0, k, x[2], at[2];
    int end;
    if (man_bits < 0 || man_bits > 23) return (double)NAN;
    n = ldexp(1.0, man_bits);
    if (man_bits >= 7) return (1.0 / 32.0 - 7.0 / (1024.0 * n * n)) / (n * n) / 0.69314718055994531;
    for (k = n; k <= 2.0 * n; k += 1.0) {
        x[0] = k > n ? -0.5 / k : 0.0;
        x[1] = k < 2.0 * n ? 0.5 / k : 0.0;
        for (end = 0; end < 2; end++) {
            double y = 1.0 + x[end];
            at[end] = log1p(x[end]) + 2.0 / y - 0.5 / (y * y);
        }
        sum += at[1] - at[0];
    }
    return sum / 0.69314718055994531;
}

/* Exact where the cell's moment has a closed form (Conway, Sloane, Sphere Packings, chapter 21):
   1/12, 2^(-11/3), 13 / (120 sqrt 2), 929/12960, 5 / (36 sqrt 3), 19 / (192 2^(1/3)); bw16 and
   leech to six digits. */
HRQ_API double hrq_lattice_nsm(const char *name)
{
    static const struct {
        const char *name;
        double nsm;
    } cells[] = {{"zn", 1.0 / 12.0},      {"d3", 0.078745065618429573}, {"d4", 0.076603234628542640},
                 {"e8", 929.0 / 12960.0}, {"a2", 0.080187537387448045}, {"a3*", 0.078543281217176536},
                 {"bw16", 0.0682977},     {"leech", 0.0657701}};
    size_t i;
    for (i = 0; name && i < sizeof cells / sizeof cells[0]; i++)
        if (strcmp(name, cells[i].name) == 0) return cells[i].nsm;
    return 0.0;
}

/* 2 pi e = 17.0794684453471341309 */
HRQ_API double hrq_rate_loss(double nsm) { return 0.5 * log2(17.079468445347134 * nsm); }

HRQ_API double hrq_sic_loss(const float *chol, size_t n, size_t ld)
{
    double squares = 0.0, logs = 0.0, x;
    size_t i;
    if (!chol || n == 0 || ld < n) return (double)NAN;
    for (i = 0; i < n; i++) {
        x = (double)chol[i * ld + i];
        if (!(x > 0.0)) return (double)NAN;
        squares += x * x;
        logs += log2(x);
    }
    return 0.5 * log2(squares / (double)n) - logs / (double)n;
}

HRQ_API double hrq_matmul_guarantee(double norm_a, double norm_b, double norm_ab, size_t n, double rate)
{
    double g = hrq_gamma(rate);
    if (n == 0) return (double)NAN;
    return norm_ab * norm_ab * g * g + norm_a * norm_a * norm_b * norm_b / (double)n * (g - g * g);
}

//==================================================================================================
//  [5i] Formats            one row a family; names, ranges, layout
//  uses: 1, 2, 3
//
//  Panel p (rows 16 p ... 16 p + 15) lies at p * panel_bytes; in it, for padded columns C = cols up to 8:
//
//      codes          superblocks of 32 columns; the last has 8 s columns, s in 1 ... 4 (s = 4 in the others)
//      group scales   [groups][16 rows] fp16, relative to the row scale                (formats with :g)
//                     [groups of 32][16 rows] E8M0                                     (mx: no row scale)
//                     [groups of 16][16 rows] E4M3, relative to the row scale          (nvfp4)
//      zero points    [groups][16 rows] uint8                                          (:asym)
//      row scales     [16 rows] bf16, nvfp4 float32; :col: bf16 of the panel, r in place of its two lowest bits,
//                     then 4 bits a row, low ones first: k < 15 stands for 2^(-k 2^r / 32) of it, 15 for 0
//      means          [16 rows] float32                                                (+center)
//
//  A superblock has 16 s lanes; lane row * s + i holds columns i, i + s, ..., i + 7 s of that row: coordinates
//  0 ... 7 of a lattice block. A code of b bits is cut, low bits first, into parts of 1, 2, 4 and 8 bits (b in
//  binary). A part of w bits takes w planes of one byte a lane: plane p holds coordinates p, p + w, p + 2 w, ...
//  from its low bits up. After the planes come the lane's packed digits (lattices whose q is no power of two) and
//  its scale index: 8 bits a plane of bytes while there are 8, the rest one bit a plane, 16 s bits = 2 s bytes.
//
//      int, e8b          value + 2^(b - 1), label: b bits;  e8b: the class as scale index
//      e<E>m<M>, mx, nv  sign, exponent, mantissa from the top down; mxint8 two's complement
//      zn, d4, e8        8 digits of base q as [6i] has them, log2 q bits each or ceil(8 log2 q) packed; scale index
//      e8h               the same planes for each layer, lowest first; then the scale index
//      tcq               the coded bit, 1 plane; then the b - 1 raw bits. Time: columns i, i + 4, i + 8, ...
//      tcq<b>:col        the same planes, but lane 8 s h + i holds rows 8 h ... 8 h + 7 of column i. Time: the rows of
//                        a band: 256, what is left over joins the last one. Before panel 0 stands a head: fingerprint
//                        of the column scales u64 (0: all are 1), these as bf16 xor 0x3f80 [cols], zeros up to 64 bytes
//      +keep             the coordinates kept, ascending, as if they were all columns
//
//      int4, s = 4     plane 0           plane 1           plane 2           plane 3
//      byte 4 row + i  col i | col 16+i  col 4+i | 20+i    col 8+i | 24+i    col 12+i | 28+i    (low | high nibble)
//
//  Plain formats: entry (row, col) of the panel at (16 col + row) * width. All numbers are little-endian.
//==================================================================================================

// clang-format off
enum { /* hrq_format.options, in the order in which names are written */
    HRQ__OPT_SYM = 1, HRQ__OPT_MSE = 2, HRQ__OPT_ASYM = 4, HRQ__OPT_FIRST = 8, HRQ__OPT_COL = 16,
    HRQ__OPT_HAD = 32, HRQ__OPT_CENTER = 64, HRQ__OPT_DITHER = 128, HRQ__OPT_UNBIASED = 256
};
    // clang-format on
    #define HRQ__OPT_GRID  (HRQ__OPT_SYM | HRQ__OPT_MSE | HRQ__OPT_ASYM) /* at most one of these */
    #define HRQ__OPT_MOVES (HRQ__OPT_HAD | HRQ__OPT_CENTER)
    #define HRQ__OPT_GAINS (HRQ__OPT_MOVES | HRQ__OPT_UNBIASED)
    #define HRQ__OPT_CELLS (HRQ__OPT_GAINS | HRQ__OPT_DITHER) /* dither wants a uniform cell */

static const struct {
    const char *text;
    uint16_t bit;
} hrq__format_options[] = {
    {":sym", HRQ__OPT_SYM},       {":mse", HRQ__OPT_MSE},       {":asym", HRQ__OPT_ASYM},
    {":first", HRQ__OPT_FIRST},   {":col", HRQ__OPT_COL},       {"+had", HRQ__OPT_HAD},
    {"+center", HRQ__OPT_CENTER}, {"+dither", HRQ__OPT_DITHER}, {"+unbiased", HRQ__OPT_UNBIASED}};
enum { HRQ__OPTIONS = sizeof hrq__format_options / sizeof hrq__format_options[0] };

/* The table. A row: the name (b, E, M: numbers), numbers behind colons (upper case: must be there), what codes it, with
   which lattice and which scales, range of bits, exponent and mantissa bits and columns a scale covers where the name
   does not say, options it may have, names that show it. */
enum {
    HRQ__CODEC_PLAIN = 1,
    HRQ__CODEC_INT,
    HRQ__CODEC_FLOAT,
    HRQ__CODEC_VORONOI,
    HRQ__CODEC_BOX,
    HRQ__CODEC_TRELLIS,
    HRQ__CODEC_SIC,
    HRQ__CODEC_COLUMN,
    HRQ__CODECS
};
enum { HRQ__LATTICE_ZN, HRQ__LATTICE_D4, HRQ__LATTICE_E8 };
enum {
    HRQ__SCALE_NONE,
    HRQ__SCALE_ROW,
    HRQ__SCALE_E8M0,
    HRQ__SCALE_E4M3,
    HRQ__SCALE_PANEL
}; /* see the drawing above */

typedef struct hrq__family {
    const char *pattern, *numbers;
    uint8_t codec, lattice, scale, bits_lo, bits_hi, exp, man, group;
    uint16_t options;
    const char *shown[12];
} hrq__family;

// clang-format off
static const hrq__family hrq__families[] = {
    {"", "", 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}},
    {"f32", "", HRQ__CODEC_PLAIN, 0, HRQ__SCALE_NONE, 32, 32, 0, 0, 0, HRQ__OPT_MOVES,
     {"f32", "f32+had", "f32+had+center+keep50"}},
    {"f16", "", HRQ__CODEC_PLAIN, 0, HRQ__SCALE_NONE, 16, 16, 0, 0, 0, HRQ__OPT_MOVES, {"f16"}},
    {"bf16", "", HRQ__CODEC_PLAIN, 0, HRQ__SCALE_NONE, 16, 16, 0, 0, 0, HRQ__OPT_MOVES, {"bf16"}},
    {"int%b", "g", HRQ__CODEC_INT, 0, HRQ__SCALE_ROW, 2, 8, 0, 0, 0, HRQ__OPT_GRID | HRQ__OPT_CELLS,
     {"int2", "int3", "int4", "int5", "int6", "int7", "int8", "int4:sym", "int4:g32", "int4:g64:mse+had",
      "int4:g32:asym", "int4:g32+center+dither+unbiased"}},
    {"mxfp4", "", HRQ__CODEC_FLOAT, 0, HRQ__SCALE_E8M0, 4, 4, 2, 1, 32, HRQ__OPT_MSE | HRQ__OPT_MOVES,
     {"mxfp4", "mxfp4:mse+had"}},
    {"mxfp6e2m3", "", HRQ__CODEC_FLOAT, 0, HRQ__SCALE_E8M0, 6, 6, 2, 3, 32, HRQ__OPT_MSE | HRQ__OPT_MOVES,
     {"mxfp6e2m3"}},
    {"mxfp6e3m2", "", HRQ__CODEC_FLOAT, 0, HRQ__SCALE_E8M0, 6, 6, 3, 2, 32, HRQ__OPT_MSE | HRQ__OPT_MOVES,
     {"mxfp6e3m2"}},
    {"mxfp8e4m3", "", HRQ__CODEC_FLOAT, 0, HRQ__SCALE_E8M0, 8, 8, 4, 3, 32, HRQ__OPT_MSE | HRQ__OPT_MOVES,
     {"mxfp8e4m3"}},
    {"mxfp8e5m2", "", HRQ__CODEC_FLOAT, 0, HRQ__SCALE_E8M0, 8, 8, 5, 2, 32, HRQ__OPT_MSE | HRQ__OPT_MOVES,
     {"mxfp8e5m2"}},
    {"mxint8", "", HRQ__CODEC_FLOAT, 0, HRQ__SCALE_E8M0, 8, 8, 0, 6, 32, HRQ__OPT_MSE | HRQ__OPT_MOVES, {"mxint8"}},
    {"nvfp4", "", HRQ__CODEC_FLOAT, 0, HRQ__SCALE_E4M3, 4, 4, 2, 1, 16, HRQ__OPT_MSE | HRQ__OPT_MOVES,
     {"nvfp4", "nvfp4:mse+center"}},
    {"e%Em%M", "g", HRQ__CODEC_FLOAT, 0, HRQ__SCALE_ROW, 2, 8, 0, 0, 0, HRQ__OPT_GAINS,
     {"e4m3", "e5m2", "e3m2", "e2m3", "e2m1", "e4m3:g32", "e3m0", "e2m1:g64+had+unbiased"}},
    {"zn", "QK", HRQ__CODEC_VORONOI, HRQ__LATTICE_ZN, HRQ__SCALE_ROW, 0, 0, 0, 0, 0, HRQ__OPT_FIRST | HRQ__OPT_CELLS,
     {"zn:q16:k4", "zn:q11:k3:first", "zn:q200:k2"}},
    {"d4", "QK", HRQ__CODEC_VORONOI, HRQ__LATTICE_D4, HRQ__SCALE_ROW, 0, 0, 0, 0, 0, HRQ__OPT_FIRST | HRQ__OPT_CELLS,
     {"d4:q16:k4", "d4:q7:k3", "d4:q4:k2+center+dither"}},
    {"e8", "QK", HRQ__CODEC_VORONOI, HRQ__LATTICE_E8, HRQ__SCALE_ROW, 0, 0, 0, 0, 0, HRQ__OPT_FIRST | HRQ__OPT_CELLS,
     {"e8:q16:k4", "e8:q16:k4:first", "e8:q16:k1", "e8:q14:k4", "e8:q4:k4+had+center+unbiased", "e8:q3:k1",
      "e8:q9:k5", "e8:q8:k8", "e8:q64:k16", "e8:q255:k3", "e8:q256:k4", "e8:q8:k4+had+dither"}},
    {"e8h", "QMK", HRQ__CODEC_VORONOI, HRQ__LATTICE_E8, HRQ__SCALE_ROW, 0, 0, 0, 0, 0, HRQ__OPT_FIRST | HRQ__OPT_CELLS,
     {"e8h:q4:m2:k4", "e8h:q3:m5:k2+dither", "e8h:q16:m2:k4"}},
    {"e8b%b", "k", HRQ__CODEC_BOX, HRQ__LATTICE_E8, HRQ__SCALE_ROW, 2, 4, 0, 0, 0, HRQ__OPT_GAINS,
     {"e8b2:k1", "e8b3:k1", "e8b4:k1", "e8b2:k4", "e8b3:k4", "e8b4:k2", "e8b4:k4", "e8b4:k8+had+unbiased"}},
    {"tcq%b", "s", HRQ__CODEC_TRELLIS, 0, HRQ__SCALE_ROW, 2, 4, 0, 0, 0, HRQ__OPT_GAINS,
     {"tcq2", "tcq3", "tcq4", "tcq2:s6", "tcq3:s6", "tcq4:s8+had+unbiased", "tcq2+had+center+keep25"}},
    {"tcq%b", "s", HRQ__CODEC_COLUMN, 0, HRQ__SCALE_PANEL, 2, 4, 0, 0, 0, HRQ__OPT_COL | HRQ__OPT_MOVES,
     {"tcq2:col", "tcq3:s6:col", "tcq4:s6:col+had+center"}},
    {"sic", "", HRQ__CODEC_SIC, 0, HRQ__SCALE_NONE, 0, 0, 0, 0, 0, 0, {0}},
};
// clang-format on
enum { HRQ__FAMILIES = sizeof hrq__families / sizeof hrq__families[0] };

/* Decimal number without leading zero, at most max; 0 (false) where there is none. */
static int hrq__format_number(const char **text, unsigned max, unsigned *out)
{
    const char *p = *text;
    unsigned v = 0;
    if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9')) return 0;
    while (*p >= '0' && *p <= '9') {
        v = v * 10 + (unsigned)(*p++ - '0');
        if (v > max) return 0;
    }
    *text = p;
    *out = v;
    return 1;
}

/* Where a number of the name is kept, and its range. */
static int hrq__format_field(hrq_format *f, char letter, unsigned v)
{
    switch (letter) {
    case 'b': f->bits = (uint8_t)v; return v >= 1;
    case 'E': f->exp = (uint8_t)v; return v >= 1 && v <= 7;
    case 'M': f->man = (uint8_t)v; return v <= 6;
    case 'g': f->group = v; return v >= 8 && v % 8 == 0;
    case 'q': f->q = (uint16_t)v; return v >= 3 && v <= 256;
    case 'k': f->scales = (uint8_t)v; return v >= 1 && v <= 16;
    case 'm': f->layers = (uint8_t)v; return v >= 1 && v <= 5;
    case 's': f->states = (uint8_t)v; return v >= 6 && v <= 14 && v % 2 == 0;
    case 'p': f->keep = (uint8_t)v; return v >= 1 && v <= 99;
    default: return 0;
    }
}

/* The family's own part of the name; NULL where it is another family. */
static const char *hrq__format_match(hrq_format *f, const char *pattern, const char *text)
{
    for (; *pattern; pattern++) {
        unsigned v;
        if (*pattern == '%') {
            if (!hrq__format_number(&text, 255, &v) || !hrq__format_field(f, *++pattern, v)) return NULL;
        } else if (*text++ != *pattern) {
            return NULL;
        }
    }
    return *text == '\0' || *text == ':' || *text == '+' ? text : NULL;
}

/* One option or number behind the family; text stands on its ':' or '+'. Moves text on; 0: not one of this
   family's. */
static int hrq__format_option(hrq_format *f, const hrq__family *row, const char **text)
{
    const char *p = *text, *n;
    unsigned v;
    size_t i;
    for (i = 0; i < HRQ__OPTIONS; i++) {
        size_t len = strlen(hrq__format_options[i].text);
        uint16_t bit = hrq__format_options[i].bit;
        if (strncmp(p, hrq__format_options[i].text, len) != 0) continue;
        if (p[len] != '\0' && p[len] != ':' && p[len] != '+') continue;
        if (!(row->options & bit) || f->options & bit) return 0;
        if ((bit & HRQ__OPT_GRID) && (f->options & HRQ__OPT_GRID)) return 0;
        f->options |= bit;
        *text = p + len;
        return 1;
    }
    if (strncmp(p, "+keep", 5) == 0 && (row->options & HRQ__OPT_HAD) && !f->keep) {
        p += 5;
        if (!hrq__format_number(&p, 99, &v) || !hrq__format_field(f, 'p', v)) return 0;
        *text = p;
        return *p == '\0' || *p == ':' || *p == '+';
    }
    for (n = row->numbers; *p == ':' && *n; n++) {
        char letter = (char)(*n >= 'A' && *n <= 'Z' ? *n - 'A' + 'a' : *n);
        const char *q = p + 2;
        if (p[1] != letter) continue;
        if ((letter == 'g' && f->group) || (letter == 'q' && f->q) || (letter == 'k' && f->scales) ||
            (letter == 'm' && f->layers) || (letter == 's' && f->states))
            return 0;
        if (!hrq__format_number(&q, 1u << 24, &v) || !hrq__format_field(f, letter, v)) return 0;
        *text = q;
        return 1;
    }
    return 0;
}

/* Points a coordinate has, q^layers; 0 beyond 256: 8 bits an entry, values fit int16. */
static unsigned hrq__format_points(const hrq_format *f)
{
    unsigned i, points = f->q;
    for (i = 1; i < f->layers && points <= 256; i++) points *= f->q;
    return points <= 256 ? points : 0;
}

/* All that must be there is there, and in this family's range; what the name leaves out is filled in. */
static int hrq__format_complete(hrq_format *f, const hrq__family *row)
{
    const char *n;
    for (n = row->numbers; *n; n++) {
        if ((*n == 'Q' && !f->q) || (*n == 'K' && !f->scales) || (*n == 'M' && !f->layers)) return 0;
        if (*n == 's' && !f->states) f->states = 10;
        if (*n == 'k' && !f->scales) f->scales = 1;
    }
    if (f->bits == 0) f->bits = row->bits_lo;
    if (row->codec == HRQ__CODEC_FLOAT && row->bits_lo < row->bits_hi) {
        f->bits = (uint8_t)(1 + f->exp + f->man);
    } else if (row->codec == HRQ__CODEC_FLOAT) {
        f->exp = row->exp;
        f->man = row->man;
        f->group = row->group;
    }
    if (f->q && !hrq__format_points(f)) return 0;
    if (row->codec == HRQ__CODEC_BOX && (f->scales > 8 || f->scales & (f->scales - 1))) return 0;
    if (f->keep) f->options |= HRQ__OPT_HAD; /* what is kept are rotated coordinates */
    if (f->keep && f->options & HRQ__OPT_UNBIASED) return 0;
    if (row->codec == HRQ__CODEC_COLUMN && !(f->options & HRQ__OPT_COL)) return 0;
    return f->bits >= row->bits_lo && f->bits <= row->bits_hi;
}

HRQ_API hrq_status hrq_format_parse(hrq_format *format, const char *name)
{
    size_t i;
    if (!format || !name) return HRQ_ERR_ARG;
    for (i = 1; i < HRQ__FAMILIES; i++) {
        hrq_format f;
        const char *text;
        memset(&f, 0, sizeof f);
        f.kind = (uint8_t)i;
        text = hrq__format_match(&f, hrq__families[i].pattern, name);
        if (!text) continue;
        while (*text && hrq__format_option(&f, &hrq__families[i], &text)) {}
        if (*text || !hrq__format_complete(&f, &hrq__families[i])) continue;
        *format = f;
        return HRQ_OK;
    }
    return HRQ_ERR_ARG;
}

/* Appends to a name of 64 bytes; longer than that no name gets. */
static void hrq__format_put(char *name, size_t *len, const char *text)
{
    while (*text && *len < 63) name[(*len)++] = *text++;
    name[*len] = '\0';
}

static void hrq__format_put_number(char *name, size_t *len, unsigned v)
{
    char digits[12];
    size_t i = sizeof digits - 1;
    digits[i] = '\0';
    do digits[--i] = (char)('0' + v % 10);
    while (v /= 10);
    hrq__format_put(name, len, digits + i);
}

static void hrq__format_write(const hrq_format *f, char *out)
{
    const hrq__family *row = &hrq__families[f->kind];
    const char *p;
    size_t len = 0, i;
    char one[3] = {0, 0, 0};
    for (p = row->pattern; *p; p++) {
        one[0] = *p;
        if (*p != '%') hrq__format_put(out, &len, one);
        else hrq__format_put_number(out, &len, *++p == 'b' ? f->bits : *p == 'E' ? f->exp : f->man);
    }
    for (p = row->numbers; *p; p++) {
        char letter = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
        unsigned v = letter == 'g'   ? f->group
                     : letter == 'q' ? f->q
                     : letter == 'k' ? f->scales
                     : letter == 'm' ? f->layers
                                     : f->states;
        if (v == 0 || (letter == 's' && v == 10)) continue;
        one[0] = ':';
        one[1] = letter;
        hrq__format_put(out, &len, one);
        hrq__format_put_number(out, &len, v);
    }
    for (i = 0; i < HRQ__OPTIONS; i++)
        if (f->options & hrq__format_options[i].bit) hrq__format_put(out, &len, hrq__format_options[i].text);
    if (f->keep) {
        hrq__format_put(out, &len, "+keep");
        hrq__format_put_number(out, &len, f->keep);
    }
}

/* The struct is public: it is a format where its name reads back to the same members. */
static int hrq__format_valid(const hrq_format *f)
{
    char name[64];
    hrq_format back;
    if (!f || f->kind == 0 || f->kind >= HRQ__FAMILIES) return 0;
    hrq__format_write(f, name);
    return hrq_format_parse(&back, name) == HRQ_OK && memcmp(&back, f, sizeof back) == 0;
}

HRQ_API hrq_status hrq_format_name(const hrq_format *format, char *name, size_t bytes)
{
    char text[64];
    if (!name || !hrq__format_valid(format)) return HRQ_ERR_ARG;
    hrq__format_write(format, text);
    if (strlen(text) >= bytes) return HRQ_ERR_SPACE;
    memcpy(name, text, strlen(text) + 1);
    return HRQ_OK;
}

HRQ_API const char *hrq_format_list(size_t index)
{
    size_t i, j;
    for (i = 0; i < HRQ__FAMILIES; i++) {
        size_t most = sizeof hrq__families[i].shown / sizeof hrq__families[i].shown[0];
        for (j = 0; j < most && hrq__families[i].shown[j]; j++)
            if (index-- == 0) return hrq__families[i].shown[j];
    }
    return NULL;
}

/* Bits that hold n different values. */
HRQ__INLINE unsigned hrq__bits_for(uint64_t n)
{
    unsigned b = 0;
    while (b < 64 && (n - 1) >> b) b++;
    return b;
}

/* ceil(8 log2 q): bits of 8 digits of base q packed into one number. q^8 fits 64 bits for q < 256. */
static unsigned hrq__digits_bits(unsigned q)
{
    uint64_t n = 1;
    int i;
    for (i = 0; i < 8; i++) n *= q;
    return hrq__bits_for(n);
}

/* Where everything lies in a panel. */
typedef struct hrq__layout {
    unsigned lead_bits;            /* of each coordinate, in planes before the others     */
    unsigned code_bits;            /* of each coordinate and layer, in planes             */
    unsigned digit_bits;           /* of a lane's 8 digits of a layer, packed             */
    unsigned scale_bits;           /* of a lane's scale index                             */
    unsigned layers;               /* of a hierarchical code, else 1                      */
    size_t cols, cols8, groups;    /* columns kept; padded to 8; groups a row (1 without) */
    size_t lane_bytes;             /* bytes of 8 columns of a panel; plain: of one column */
    size_t group;                  /* columns a scale covers; 0: no groups                */
    size_t group_bytes, row_bytes; /* of a scale                                         */
    size_t group_at, zero_at, row_at, mean_at, panel_bytes;
    size_t head_bytes; /* before panel 0 */
    int zeros, means;
} hrq__layout;

enum { HRQ__BAND = 256, HRQ__HEAD = 8 }; /* :col: rows of a band; bytes before the column scales */

/* Bands of so many rows: of HRQ__BAND, the last of those and what is left over. */
HRQ__INLINE size_t hrq__bands(size_t rows) { return rows < 2 * HRQ__BAND ? 1 : rows / HRQ__BAND; }
HRQ__INLINE size_t hrq__band_end(size_t rows, size_t band)
{
    return band + 1 >= hrq__bands(rows) ? rows : (band + 1) * HRQ__BAND;
}
/* 1 where one band ends and the next begins. */
HRQ__INLINE int hrq__band_border(size_t rows, size_t row)
{
    return row == rows || (row % HRQ__BAND == 0 && row / HRQ__BAND < hrq__bands(rows));
}

/* Rotated coordinates that the sketch keeps. */
HRQ__INLINE size_t hrq__kept(const hrq_format *f, size_t cols)
{
    return f->keep ? cols / 100 * f->keep + hrq__div_up(cols % 100 * f->keep, 100) : cols;
}

/* 0 (false): overflow. For valid formats other than sic. */
static int hrq__layout_of(hrq__layout *lay, const hrq_format *f, size_t cols)
{
    const hrq__family *row = &hrq__families[f->kind];
    memset(lay, 0, sizeof *lay);
    if (cols == 0 || cols > SIZE_MAX / 256) return 0; /* a panel of 16 rows of 4 bytes fits four times */
    lay->cols = hrq__kept(f, cols);
    lay->cols8 = hrq__div_up(lay->cols, 8) * 8;
    lay->groups = f->group ? hrq__div_up(lay->cols, f->group) : 1;
    lay->group = f->group;
    lay->zeros = (f->options & HRQ__OPT_ASYM) != 0;
    lay->means = (f->options & HRQ__OPT_CENTER) != 0;
    lay->layers = f->layers ? f->layers : 1;
    if (row->codec == HRQ__CODEC_PLAIN) {
        lay->lane_bytes = HRQ_PANEL * (size_t)f->bits / 8;
        lay->group_at = lay->cols8 * lay->lane_bytes;
    } else {
        lay->lead_bits = row->codec == HRQ__CODEC_TRELLIS || row->codec == HRQ__CODEC_COLUMN;
        if (!f->q) lay->code_bits = f->bits - lay->lead_bits;
        else if (f->q & (f->q - 1)) lay->digit_bits = hrq__digits_bits(f->q);
        else lay->code_bits = hrq__bits_for(f->q);
        lay->scale_bits = f->scales ? hrq__bits_for(f->scales) : 0;
        lay->lane_bytes = 16 * (size_t)(lay->lead_bits + lay->layers * lay->code_bits) +
                          2 * (size_t)(lay->layers * lay->digit_bits + lay->scale_bits);
        lay->group_at = lay->cols8 / 8 * lay->lane_bytes;
    }
    lay->group_bytes = row->scale == HRQ__SCALE_ROW ? 2 : 1;
    lay->row_bytes = row->scale == HRQ__SCALE_ROW ? 2 : row->scale == HRQ__SCALE_E4M3 ? 4 : 0;
    lay->zero_at = lay->group_at + (lay->group ? lay->groups * HRQ_PANEL * lay->group_bytes : 0);
    lay->row_at = lay->zero_at + (lay->zeros ? lay->groups * HRQ_PANEL : 0);
    lay->mean_at = lay->row_at + (row->scale == HRQ__SCALE_PANEL ? 2 + HRQ_PANEL / 2 : HRQ_PANEL * lay->row_bytes);
    lay->panel_bytes = lay->mean_at + (lay->means ? HRQ_PANEL * 4 : 0);
    if (row->codec == HRQ__CODEC_COLUMN) lay->head_bytes = hrq__div_up(HRQ__HEAD + 2 * lay->cols, 64) * 64;
    return 1;
}

HRQ_API size_t hrq_mat_bytes(const hrq_format *f, size_t rows, size_t cols)
{
    hrq__layout lay;
    size_t bytes;
    if (!hrq__format_valid(f) || rows == 0) return 0;
    if (hrq__families[f->kind].codec == HRQ__CODEC_SIC || !hrq__layout_of(&lay, f, cols)) return 0;
    if (!hrq__mul_size(hrq__div_up(rows, HRQ_PANEL), lay.panel_bytes, &bytes)) return 0;
    return hrq__add_size(bytes, lay.head_bytes, &bytes) ? bytes : 0;
}

HRQ_API double hrq_format_bits(const hrq_format *format, size_t rows, size_t cols)
{
    size_t bytes = hrq_mat_bytes(format, rows, cols);
    return bytes ? 8.0 * (double)bytes / ((double)rows * (double)cols) : 0.0;
}

//==================================================================================================
//  [6i] Kernels            contracts, scalar specifications, dispatch: all that hrq_simd.h sees
//  uses: 1, 2, 3, 5
//
//  A tile is what the dot instructions eat: [columns / 4][16 rows][4 columns] bytes, zero-padded; quads of columns lie
//  `stride` bytes apart, so that tiles of neighbouring panels can interleave. A byte is int8 xor flip. Values that
//  need more than int8 come as two tiles, value = lo + 256 hi.
//
//  decode_*: columns of a panel, from a superblock's first on, to tiles. A kernel takes as many of the cols8 columns
//  (a multiple of 8) as it can, whole superblocks, and returns their number; 0: none, the scalar one does it, which
//  takes one superblock, the narrow last one too.  Reads and writes exactly these columns.
//==================================================================================================

enum { HRQ__MAPS = 1024, HRQ__LAYERS = 5 }; /* layers of a hierarchical code, q^layers <= 256: 3^5 = 243 */

/* What a decoder must know beside the bytes. Tables come in as arguments. */
typedef struct hrq__decode_args {
    unsigned code_bits, digit_bits, scale_bits, layers, q, scales;
    int lattice;
    int16_t clamp;           /* values are held in +-clamp                                               */
    const int16_t *multiple; /* [16] value of a lattice coordinate: times the block's multiple           */
    const int16_t *value;    /* [2^code_bits] of a code                                                  */
    const int8_t *level;     /* box: [scales][2][2^code_bits]; trellis: the upper half of its levels     */
    const uint16_t *hash;    /* trellis: [parities] masks of the window; the newest bit is the lowest    */
    unsigned parities;
    uint8_t *past; /* trellis: [2][64] coded bits before the columns, by lane of s = 4: the last eight, the newest on
                      top, and the eight before. Moved on by the columns' */
    ptrdiff_t prior;     /* tcq:col: bytes from a superblock to that of the 16 rows before                       */
    const uint8_t *maps; /* [HRQ__MAPS] tables of these kernels' own, made by their `prepare`        */
    size_t lane_bytes;   /* of 8 columns of a panel                                                    */
    size_t stride;       /* bytes from a quad of columns to the next: 64, more where panels interleave */
    unsigned flip;       /* what bytes are xored with: 0, or 128 = value + 128 for unsigned operands   */
} hrq__decode_args;

/* n bits of a lane: 8 a plane of bytes while there are 8, then one a plane of bits. `lanes` = 16 s. */
static uint64_t hrq__lane_get(const uint8_t *p, size_t lanes, size_t lane, unsigned n)
{
    uint64_t v = 0;
    unsigned done = 0;
    for (; n - done >= 8; done += 8, p += lanes) v |= (uint64_t)p[lane] << done;
    for (; done < n; done++, p += lanes / 8) v |= (uint64_t)(p[lane / 8] >> lane % 8 & 1) << done;
    return v;
}

static void hrq__lane_put(uint8_t *p, size_t lanes, size_t lane, unsigned n, uint64_t v)
{
    unsigned done = 0;
    for (; n - done >= 8; done += 8, p += lanes) p[lane] = (uint8_t)(v >> done);
    for (; done < n; done++, p += lanes / 8) {
        unsigned bit = 1u << lane % 8;
        p[lane / 8] = (uint8_t)((p[lane / 8] & ~bit) | ((v >> done & 1) ? bit : 0));
    }
}

/* All codes of a superblock: out[coordinate][lane]. */
static void hrq__planes_get(uint16_t out[8][64], const uint8_t *p, size_t lanes, unsigned bits)
{
    unsigned w, shift = 0, plane, part;
    size_t lane;
    memset(out, 0, 8 * sizeof out[0]);
    for (w = 1; w <= 8; w *= 2) {
        if (!(bits & w)) continue;
        for (plane = 0; plane < w; plane++, p += lanes)
            for (part = 0; part < 8 / w; part++) {
                uint16_t *to = out[plane + w * part];
                unsigned down = w * part, mask = (1u << w) - 1;
                for (lane = 0; lane < lanes; lane++)
                    to[lane] = (uint16_t)(to[lane] | (p[lane] >> down & mask) << shift);
            }
        shift += w;
    }
}

/* The codes of one lane, put and got. */
static void hrq__planes_put(uint8_t *p, size_t lanes, size_t lane, unsigned bits, const uint16_t code[8])
{
    unsigned w, shift = 0, plane, part;
    for (w = 1; w <= 8; w *= 2) {
        if (!(bits & w)) continue;
        for (plane = 0; plane < w; plane++, p += lanes) {
            unsigned byte = 0, mask = (1u << w) - 1;
            for (part = 0; part < 8 / w; part++) byte |= (code[plane + w * part] >> shift & mask) << w * part;
            p[lane] = (uint8_t)byte;
        }
        shift += w;
    }
}

static void hrq__planes_lane(uint16_t code[8], const uint8_t *p, size_t lanes, size_t lane, unsigned bits)
{
    unsigned w, shift = 0, plane, part;
    memset(code, 0, 8 * sizeof code[0]);
    for (w = 1; w <= 8; w *= 2) {
        if (!(bits & w)) continue;
        for (plane = 0; plane < w; plane++, p += lanes)
            for (part = 0; part < 8 / w; part++)
                code[plane + w * part] =
                    (uint16_t)(code[plane + w * part] | (p[lane] >> w * part & ((1u << w) - 1)) << shift);
        shift += w;
    }
}

/* Where (row, column) of a tile lies. */
HRQ__INLINE size_t hrq__tile_at(size_t stride, size_t row, size_t c) { return c / 4 * stride + row * 4 + c % 4; }

/* Values of a superblock, [coordinate][lane], to its tile: 8 s columns are 2 s quads. hi: where clamp > 127. */
static void hrq__tile_put(uint8_t *lo, uint8_t *hi, int16_t value[8][64], size_t s, const hrq__decode_args *args)
{
    size_t j, row, i;
    for (j = 0; j < 8; j++)
        for (row = 0; row < HRQ_PANEL; row++)
            for (i = 0; i < s; i++) {
                size_t at = hrq__tile_at(args->stride, row, s * j + i);
                int v = value[j][row * s + i], low = (v & 255) - ((v & 128) << 1);
                lo[at] = (uint8_t)((unsigned)low ^ args->flip);
                if (args->clamp > 127) hi[at] = (uint8_t)((unsigned)((v - low) / 256) ^ args->flip);
            }
}

/* decode_int: a superblock of 8 s columns to its tile.
     value      code - 2^(bits - 1); no bits: 0
     reads      16 s * bits bytes; writes 128 s bytes of lo, and of hi where bits > 8  EXACT */
static size_t hrq__decode_int_scalar(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                     const hrq__decode_args *args)
{
    uint16_t code[8][64];
    int16_t value[8][64];
    int offset = args->code_bits ? 1 << (args->code_bits - 1) : 0;
    size_t j, lane, s = hrq__min_size(cols8, 32) / 8;
    hrq__planes_get(code, codes, 16 * s, args->code_bits);
    for (j = 0; j < 8; j++)
        for (lane = 0; lane < 16 * s; lane++) value[j][lane] = (int16_t)(code[j][lane] - offset);
    hrq__tile_put(lo, hi, value, s, args);
    return 8 * s;
}

/* decode_table: a superblock of codes to their values.
     value      args->value[code]; two tiles where clamp > 127
     reads      16 s * bits bytes; writes 128 s bytes of lo, and of hi where clamp > 127     EXACT */
static size_t hrq__decode_table_scalar(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                       const hrq__decode_args *args)
{
    uint16_t code[8][64];
    int16_t value[8][64];
    size_t j, lane, s = hrq__min_size(cols8, 32) / 8;
    hrq__planes_get(code, codes, 16 * s, args->code_bits);
    for (j = 0; j < 8; j++)
        for (lane = 0; lane < 16 * s; lane++) value[j][lane] = args->value[code[j][lane]];
    hrq__tile_put(lo, hi, value, s, args);
    return 8 * s;
}

HRQ__INLINE int32_t hrq__floor_div(int32_t a, int32_t b) { return a / b - (a % b < 0); }

/* r = t - nearest point of 2 half E8', where E8' = {n + s/2 (1, ..., 1) : n in Z^8, s in {0, 1}, sum n = s mod 2}
   is E8 mirrored in one axis, so that s is the parity of sum n. Exact in integers, no squares: with d the distance
   to the even coset's nearest integers, A = |d|, the odd coset's are half - A, and the difference of the two norms
   is 2 half (4 half - sum A). An odd parity costs the flip of the worst coordinate. Ties: the even coset; the lowest
   index; of two integers the upper. Source: Conway, Sloane, Fast quantizing and decoding (1982). */
static void hrq__e8_residual(int32_t r[8], const int32_t t[8], int32_t half)
{
    int32_t unit = 2 * half, sum = 0, cost0, cost1;
    int i, at_max = 0, at_min = 0, odd0 = 0, odd1 = 1, a[8];
    for (i = 0; i < 8; i++) {
        int32_t f = hrq__floor_div(t[i] + half, unit);
        r[i] = t[i] - f * unit;
        a[i] = r[i] < 0 ? -r[i] : r[i];
        sum += a[i];
        odd0 ^= f & 1;
        odd1 ^= (f - (r[i] < 0)) & 1;
        if (a[i] > a[at_max]) at_max = i;
        if (a[i] < a[at_min]) at_min = i;
    }
    cost0 = odd0 ? 2 * (half - a[at_max]) : 0;
    cost1 = 4 * half - sum + (odd1 ? 2 * a[at_min] : 0);
    if (cost1 < cost0)
        for (i = 0; i < 8; i++) r[i] += r[i] < 0 ? half : -half;
    i = cost1 < cost0 ? (odd1 ? at_min : -1) : (odd0 ? at_max : -1);
    if (i >= 0) r[i] += r[i] < 0 ? unit : -unit;
}

/* The same for 2 half Z^8, and for 2 half D4 twice: D4 = {n in Z^4 : sum n even}; an odd sum costs the flip of the
   worst coordinate. */
static void hrq__zn_residual(int32_t r[8], const int32_t t[8], int32_t half)
{
    int i;
    for (i = 0; i < 8; i++) r[i] = t[i] - hrq__floor_div(t[i] + half, 2 * half) * 2 * half;
}

static void hrq__d4_residual(int32_t r[8], const int32_t t[8], int32_t half)
{
    int32_t unit = 2 * half;
    int i, b, at = 0, odd;
    for (b = 0; b < 8; b += 4) {
        for (i = at = b, odd = 0; i < b + 4; i++) {
            int32_t f = hrq__floor_div(t[i] + half, unit);
            r[i] = t[i] - f * unit;
            odd ^= f & 1;
            if ((r[i] < 0 ? -r[i] : r[i]) > (r[at] < 0 ? -r[at] : r[at])) at = i;
        }
        if (odd) r[at] += r[at] < 0 ? unit : -unit;
    }
}

HRQ__INLINE void hrq__lattice_residual(int lattice, int32_t r[8], const int32_t t[8], int32_t half)
{
    if (lattice == HRQ__LATTICE_E8) hrq__e8_residual(r, t, half);
    else if (lattice == HRQ__LATTICE_D4) hrq__d4_residual(r, t, half);
    else hrq__zn_residual(r, t, half);
}

/* Digits of a coset of Lambda / q Lambda to one of its points, doubled coordinates.
   Z^n: the digits. D4 and E8', odd q: Lambda / q Lambda = Z^n / q Z^n by n, a point of D_n.
   D4, even q: n mod q has an even sum, so n_0's parity need not be told; its place, half of digit 0, is taken by
   the parity of sum m, n = n mod q + q m, which q D4 leaves as it is.
   E8', even q: all n in the box [0, q/2) x [0, q)^6 x [0, 2q) are different, because q Lambda = {q m + q/2 t (1, ...,
   1) : sum m = t mod 2} in n; the spare bit of digit 0 is the high bit of n_7. */
static void hrq__lattice_point(int lattice, int32_t y[8], const uint16_t digit[8], int32_t q)
{
    int32_t sum = 0, high = digit[0] >= q / 2;
    int i, b, n = lattice == HRQ__LATTICE_D4 ? 4 : 8;
    for (i = 0; i < 8; i++) y[i] = 2 * digit[i];
    if (lattice == HRQ__LATTICE_ZN) return;
    for (b = 0; b < 8; b += n) {
        for (i = b, sum = 0; i < b + n; i++) sum += digit[i];
        if (q & 1) {
            y[b] += sum & 1 ? 2 * q : 0;
        } else if (n == 4) {
            high = digit[b] >= q / 2;
            y[b] = 2 * (2 * (digit[b] - high * (q / 2)) + ((sum - digit[b]) & 1) + high * q);
        }
    }
    if (q & 1 || n == 4) return;
    y[0] -= high * q;
    y[7] += high * 2 * q;
    sum = (y[0] + y[1] + y[2] + y[3] + y[4] + y[5] + y[6] + y[7]) / 2;
    for (i = 0; i < 8; i++) y[i] += sum & 1;
}

/* Digits of the coset of y; see hrq__lattice_point for the other way. */
static void hrq__lattice_digits(int lattice, uint16_t digit[8], const int32_t y[8], int32_t q)
{
    int32_t n[8], rest[8], t = 0, high;
    int i, b, odd = lattice == HRQ__LATTICE_E8 && (y[0] & 1), even = !(q & 1) && lattice != HRQ__LATTICE_ZN;
    /* odd q: an odd coset of E8' moves by q (1, ..., 1) / 2, which is 0 mod q Lambda up to q e_i */
    for (i = 0; i < 8; i++) n[i] = (y[i] + (odd && !even ? q : -odd)) / 2;
    if (even && lattice == HRQ__LATTICE_E8) t = hrq__floor_div(n[0], q / 2) & 1;
    for (i = 0; i < 8; i++) n[i] -= t * (q / 2); /* n = q m + q/2 t (1, ..., 1) + rest */
    for (i = 0; i < 8; i++) {
        rest[i] = n[i] - hrq__floor_div(n[i], q) * q;
        digit[i] = (uint16_t)rest[i];
    }
    for (b = 0; even && b < 8; b += lattice == HRQ__LATTICE_D4 ? 4 : 8) {
        for (i = b, high = t; i < b + (lattice == HRQ__LATTICE_D4 ? 4 : 8); i++) high ^= (n[i] - rest[i]) / q & 1;
        /* the parity of sum m: D4: stands for n_0's; E8': with t it decides which of n_7, n_7 + q the coset has */
        digit[b] = (uint16_t)((lattice == HRQ__LATTICE_D4 ? rest[b] / 2 : rest[b]) + high * (q / 2));
    }
}

/* The point a coset stands for: the one nearest to zero, doubled coordinates, |y| <= 2 q. */
static void hrq__voronoi_point(int lattice, int32_t y[8], const uint16_t digit[8], int32_t q)
{
    int32_t t[8];
    hrq__lattice_point(lattice, t, digit, q);
    hrq__lattice_residual(lattice, y, t, q);
}

/* Z^n and D4 count in whole steps, E8 in half ones. */
HRQ__INLINE int32_t hrq__lattice_count(int lattice, int32_t y) { return lattice == HRQ__LATTICE_E8 ? y : y / 2; }

/* decode_voronoi: a superblock of a Lambda / q Lambda code, or of a hierarchy of them, to its tile.
     value      clamp(multiple[scale index] * coordinate), coordinate = sum over layers m of q^m times that of the
                layer's coset's point nearest to zero; an index out of range takes 0, digits out of range are taken
                mod q
     reads      s * (layers (16 code_bits + 2 digit_bits) + 2 scale_bits) bytes; writes 128 s bytes of lo, and of hi
                where clamp > 127     EXACT     Source: arXiv 2502.09720, 2505.13164 */
static size_t hrq__decode_voronoi_scalar(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                         const hrq__decode_args *args)
{
    uint16_t code[8][64];
    int16_t value[8][64];
    int32_t sum[8][64], power = 1;
    size_t j, lane, s = hrq__min_size(cols8, 32) / 8, lanes = 16 * s;
    unsigned layer;
    memset(sum, 0, sizeof sum);
    for (layer = 0; layer < args->layers; layer++, power *= (int32_t)args->q) {
        hrq__planes_get(code, codes, lanes, args->code_bits);
        codes += lanes * args->code_bits;
        for (lane = 0; lane < lanes; lane++) {
            uint16_t digit[8];
            int32_t y[8];
            uint64_t packed = hrq__lane_get(codes, lanes, lane, args->digit_bits);
            for (j = 0; j < 8; j++, packed /= args->q)
                digit[j] = args->digit_bits ? (uint16_t)(packed % args->q) : code[j][lane];
            hrq__voronoi_point(args->lattice, y, digit, (int32_t)args->q);
            for (j = 0; j < 8; j++) sum[j][lane] += power * y[j];
        }
        codes += lanes / 8 * args->digit_bits;
    }
    for (lane = 0; lane < lanes; lane++) {
        unsigned index = (unsigned)hrq__lane_get(codes, lanes, lane, args->scale_bits);
        int32_t multiple = index < args->scales ? args->multiple[index] : 0;
        for (j = 0; j < 8; j++)
            value[j][lane] = (int16_t)hrq__clampi(hrq__lattice_count(args->lattice, sum[j][lane]) * multiple,
                                                  -args->clamp, args->clamp);
    }
    hrq__tile_put(lo, hi, value, s, args);
    return 8 * s;
}

/* decode_box: a superblock of the box code of E8 to its tile.
     value      level[class][coset][label], coset = parity of the block's labels
     reads      s * (16 code_bits + 2 scale_bits) bytes; writes 128 s bytes of lo     EXACT */
static size_t hrq__decode_box_scalar(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                     const hrq__decode_args *args)
{
    uint16_t code[8][64];
    int16_t value[8][64];
    size_t j, lane, s = hrq__min_size(cols8, 32) / 8, lanes = 16 * s;
    hrq__planes_get(code, codes, lanes, args->code_bits);
    for (lane = 0; lane < lanes; lane++) {
        unsigned c = (unsigned)hrq__lane_get(codes + lanes * args->code_bits, lanes, lane, args->scale_bits), odd = 0;
        for (j = 0; j < 8; j++) odd ^= code[j][lane] & 1u;
        for (j = 0; j < 8; j++) value[j][lane] = args->level[((2 * c + odd) << args->code_bits) + code[j][lane]];
    }
    hrq__tile_put(lo, hi, value, s, args);
    return 8 * s;
}

/* Parities of the masked window, the first mask's lowest: H w over GF(2). */
HRQ__INLINE unsigned hrq__tcq_hash(const uint16_t *hash, unsigned parities, unsigned window)
{
    unsigned out = 0, i, m;
    for (i = 0; i < parities; i++) {
        m = window & hash[i];
        m ^= m >> 8;
        m ^= m >> 4;
        out |= (0x6996u >> (m & 15) & 1u) << i;
    }
    return out;
}

/* Levels are antisymmetric, T[n] = -T[count - 1 - n]: the upper half is kept. */
HRQ__INLINE int hrq__tcq_level(const int8_t *upper, unsigned count, unsigned n)
{
    return n >= count / 2 ? upper[n - count / 2] : -upper[count / 2 - 1 - n];
}

HRQ__INLINE unsigned hrq__tcq_reverse(unsigned bits)
{
    unsigned i, out = 0;
    for (i = 0; i < 16; i++) out |= (bits >> i & 1u) << (15 - i);
    return out;
}

/* decode_trellis: a superblock of a trellis code to its tile. Time runs over the columns congruent mod 4.
     value      level[n], n = raw bits, then the parities of the window of coded bits below them
     reads      16 s * (1 + code_bits) bytes; writes 128 s bytes of lo; moves args->past on     EXACT
     Source     the alphabet doubled 16 or 32 times instead of once; Ungerboeck 1982, Marcellin, Fischer 1990 */
static size_t hrq__decode_trellis_scalar(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                         const hrq__decode_args *args)
{
    uint16_t lead[8][64], raw[8][64];
    size_t row, i, c, s = hrq__min_size(cols8, 32) / 8, lanes = 16 * s;
    (void)hi;
    hrq__planes_get(lead, codes, lanes, 1);
    hrq__planes_get(raw, codes + lanes, lanes, args->code_bits);
    for (row = 0; row < HRQ_PANEL; row++)
        for (i = 0; i < 4; i++) {
            size_t at = row * 4 + i;
            unsigned past = hrq__tcq_reverse(args->past[64 + at] | (unsigned)args->past[at] << 8), n;
            for (c = i; c < 8 * s; c += 4) {
                size_t lane = row * s + c % s;
                past = (past << 1 | lead[c / s][lane]) & 0xffffu;
                n = (unsigned)raw[c / s][lane] << args->parities | hrq__tcq_hash(args->hash, args->parities, past);
                lo[hrq__tile_at(args->stride, row, c)] =
                    (uint8_t)((unsigned)hrq__tcq_level(args->level, 1u << (args->code_bits + args->parities), n) ^
                              args->flip);
            }
            past = hrq__tcq_reverse(past);
            args->past[at] = (uint8_t)(past >> 8);
            args->past[64 + at] = (uint8_t)past;
        }
    return 8 * s;
}

/* decode_column: a superblock of a trellis code whose time runs down the rows to its tile.
     value      as decode_trellis, the window over the rows: those before the first are the 16 of another panel
     reads      16 s * (1 + code_bits) bytes, and 16 s bytes from args->prior bytes further on; writes 128 s bytes of lo
                EXACT */
static size_t hrq__decode_column_scalar(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                        const hrq__decode_args *args)
{
    uint16_t lead[8][64], raw[8][64];
    size_t row, c, s = hrq__min_size(cols8, 32) / 8, lanes = 16 * s;
    const uint8_t *prior = codes + args->prior;
    (void)hi;
    hrq__planes_get(lead, codes, lanes, 1);
    hrq__planes_get(raw, codes + lanes, lanes, args->code_bits);
    for (c = 0; c < 8 * s; c++) {
        unsigned past = hrq__tcq_reverse(prior[c] | (unsigned)prior[8 * s + c] << 8), n;
        for (row = 0; row < HRQ_PANEL; row++) {
            size_t lane = row / 8 * 8 * s + c;
            past = (past << 1 | lead[row % 8][lane]) & 0xffffu;
            n = (unsigned)raw[row % 8][lane] << args->parities | hrq__tcq_hash(args->hash, args->parities, past);
            lo[hrq__tile_at(args->stride, row, c)] =
                (uint8_t)((unsigned)hrq__tcq_level(args->level, 1u << (args->code_bits + args->parities), n) ^
                          args->flip);
        }
    }
    return 8 * s;
}

/* What the search for a trellis code must know. */
typedef struct hrq__trellis_args {
    unsigned states, parities, raw_bits; /* 2^states states, 6 to 14; 5 or 6; 1 to 3                                */
    const uint8_t *hash;                 /* [2^states] parities of the windows whose oldest bit is 0; those of the
                                            oldest bit are those of the newest, hash[1]                             */
    const int16_t *levels;               /* [2^raw_bits][2^parities], |level| < 2^14, in the units of x             */
} hrq__trellis_args;

/* trellis_metric: what each of the 2^parities parities costs in each of n steps.
     metric     [n][2^parities] min(255, e[p] - least e of the step), e[p] = least over the raw bits of
                ((x - level)^2 + 2^14) >> 15
     x          [n], |x| < 2^14: a difference fits int16, a shifted square too      EXACT */
static void hrq__trellis_metric_scalar(uint8_t *metric, const int16_t *x, size_t n, const hrq__trellis_args *args)
{
    unsigned p, i, count = 1u << args->parities, levels = count << args->raw_bits;
    int32_t best[64], least, d;
    for (; n > 0; n--, x++, metric += count) {
        for (p = 0; p < count; p++) best[p] = INT32_MAX;
        for (i = 0; i < levels; i++) {
            d = *x - args->levels[i];
            d = (d * d + 16384) >> 15;
            p = i & (count - 1);
            best[p] = d < best[p] ? d : best[p];
        }
        for (p = 0, least = INT32_MAX; p < count; p++) least = best[p] < least ? best[p] : least;
        for (p = 0; p < count; p++) metric[p] = (uint8_t)hrq__clampi(best[p] - least, 0, 255);
    }
}

HRQ__INLINE uint8_t hrq__tcq_add(uint8_t a, uint8_t b)
{
    uint8_t sum = (uint8_t)(a + b);
    return (uint8_t)(sum | (sum < a ? 255 : 0));
}

/* One step, out of path into next. The newest and the oldest bit have the same parities, so of the four ways into
   states 2 p and 2 p + 1 two share a metric. Written in blocks that compilers turn into vectors. */
static void hrq__trellis_step(uint8_t *next, const uint8_t *path, uint8_t *chosen, const uint8_t *metric, int oldest,
                              const hrq__trellis_args *args)
{
    enum { BLOCK = 32 };
    size_t half = (size_t)1 << (args->states - 1), p, i;
    uint8_t a[BLOCK], b[BLOCK], same[BLOCK], other[BLOCK], best[2][BLOCK], take[2][BLOCK], low[BLOCK];
    uint8_t least = 255, both = oldest < 0, one = oldest == 1;
    memset(low, 255, sizeof low);
    for (p = 0; p < half; p += BLOCK) {
        memcpy(a, path + p, BLOCK);
        memcpy(b, path + half + p, BLOCK);
        for (i = 0; i < BLOCK; i++) {
            unsigned h = args->hash[2 * (p + i)];
            same[i] = metric[h];
            other[i] = metric[h ^ args->hash[1]];
        }
        for (i = 0; i < BLOCK; i++) {
            uint8_t a0 = hrq__tcq_add(a[i], same[i]), b0 = hrq__tcq_add(b[i], other[i]);
            uint8_t a1 = hrq__tcq_add(a[i], other[i]), b1 = hrq__tcq_add(b[i], same[i]);
            uint8_t t0 = (uint8_t)((b0 < a0 ? both : 0) | one), t1 = (uint8_t)((b1 < a1 ? both : 0) | one);
            a0 = (uint8_t)(a0 ^ ((a0 ^ b0) & (t0 ? 255 : 0)));
            a1 = (uint8_t)(a1 ^ ((a1 ^ b1) & (t1 ? 255 : 0)));
            best[0][i] = a0;
            best[1][i] = a1;
            take[0][i] = t0;
            take[1][i] = t1;
            a0 = a1 < a0 ? a1 : a0;
            low[i] = a0 < low[i] ? a0 : low[i];
        }
        for (i = 0; i < BLOCK; i++) {
            next[2 * (p + i)] = best[0][i];
            next[2 * (p + i) + 1] = best[1][i];
        }
        for (i = 0; i < BLOCK; i += 4)
            chosen[(p + i) / 4] =
                (uint8_t)(take[0][i] | take[1][i] << 1 | take[0][i + 1] << 2 | take[1][i + 1] << 3 |
                          take[0][i + 2] << 4 | take[1][i + 2] << 5 | take[0][i + 3] << 6 | take[1][i + 3] << 7);
    }
    for (i = 0; i < BLOCK; i++) least = low[i] < least ? low[i] : least;
    for (p = 0; p < 2 * half; p++) next[p] = (uint8_t)(next[p] - least);
}

/* trellis_advance: n steps of the search for the cheapest path.
     step       state s comes from s / 2 or, where the oldest bit is 1, from s / 2 + half the states: that one's path
                metric plus the step's metric of the window's parities, at most 255. The less one is taken, 0 on a
                tie; `oldest` 0 or 1 allows that one alone, -1 both. Then the least of all states is taken off all
     path       [2][2^states]: the first half metrics before and after, the second for the kernel's use
     chosen     [n][2^states / 8]: bit s says which oldest bit state s took
     metric     [n][2^parities]; n at least 1      EXACT */
static void hrq__trellis_advance_scalar(uint8_t *path, uint8_t *chosen, const uint8_t *metric, size_t n, int oldest,
                                        const hrq__trellis_args *args)
{
    size_t count = (size_t)1 << args->states;
    uint8_t *now = path, *next = path + count, *swap;
    for (; n > 0; n--, chosen += count / 8, metric += (size_t)1 << args->parities) {
        hrq__trellis_step(next, now, chosen, metric, oldest, args);
        swap = now;
        now = next;
        next = swap;
    }
    if (now != path) memcpy(path, now, count);
}

/* Vectors that a tile is multiplied with. */
typedef struct hrq__vectors {
    const int8_t *x; /* [n] rows ldx apart, from the tile's first column on, in -127 ... 127 */
    size_t ldx;
    const int32_t *sums; /* [n] rows lds apart: sums[k / 8] = sum of the vector's entries before column k, mod 2^32 */
    size_t lds, n;
} hrq__vectors;

/* dot_s8: acc[t * rows + row] += sum over k < depth of value(row, k) * x[t][k], rows = 16 panels.
     tile       of interleaved panels, quads 4 rows apart, bytes xored with the kernels' flip
     depth      a multiple of 8, at most 65536: no sum passes 2^31
     panels     1 or 4; n any
     reads      rows * depth bytes of tile, depth bytes of each vector, its sums at 0 and depth / 8     EXACT */
static void hrq__dot_s8_scalar(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth, const hrq__vectors *x)
{
    size_t t, k, i, row, rows = panels * HRQ_PANEL;
    for (t = 0; t < x->n; t++)
        for (k = 0; k < depth; k += 4) {
            const int8_t *v = x->x + t * x->ldx + k;
            for (row = 0; row < rows; row++)
                for (i = 0; i < 4; i++) acc[t * rows + row] += (int8_t)tile[(k * rows) + row * 4 + i] * v[i];
        }
}

/* Scales of groups of columns of a tile. */
typedef struct hrq__groups {
    size_t group;        /* columns a group, a multiple of 8; the last may have fewer, still a multiple of 8 */
    const float *scale;  /* [groups][rows]                                                               */
    const int32_t *zero; /* [groups][rows] what a value of zero is coded as; NULL: 0                     */
} hrq__groups;

/* dot_groups: total[t * rows + row] takes, group by group, the integer sum over the group of (value - zero) * x,
   rounded to float: fmaf(sum, scale, total). depth at most 65536, |zero| <= 128; otherwise as dot_s8.      BITWISE */
static int32_t hrq__dot_group(const uint8_t *tile, size_t row, size_t rows, size_t from, size_t end, int32_t zero,
                              const int8_t *x)
{
    int32_t sum = 0;
    size_t k;
    for (k = from; k < end; k++) sum += ((int8_t)tile[k / 4 * 4 * rows + row * 4 + k % 4] - zero) * x[k];
    return sum;
}

static void hrq__dot_groups_scalar(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                   const hrq__vectors *x, const hrq__groups *g)
{
    size_t t, from, row, at, rows = panels * HRQ_PANEL;
    for (from = 0, at = 0; from < depth; from += g->group, at += rows)
        for (t = 0; t < x->n; t++)
            for (row = 0; row < rows; row++) {
                int32_t sum = hrq__dot_group(tile, row, rows, from, hrq__min_size(from + g->group, depth),
                                             g->zero ? g->zero[at + row] : 0, x->x + t * x->ldx);
                total[t * rows + row] = fmaf((float)sum, g->scale[at + row], total[t * rows + row]);
            }
}

/* one: columns of one panel and one vector, decoded and multiplied without a tile: a decode, then dot_s8 (g NULL; sum
   is int32 [16]) or dot_groups (float [16]). Takes whole superblocks and whole groups from the first on and returns the
   number of columns, 0 where it does not know the code or the group. Scalar: the two of them.      EXACT, BITWISE */

/* scales: n (a multiple of 16) stored scales of a kind to floats, [n / 16][16 rows]. E8M0: as they are where tops is
   NULL, else over 2^(top - 127) of the row, whose scales are at most that; what is below 2^-126 then is 0.     EXACT */
enum { HRQ__SCALES_F16, HRQ__SCALES_E8M0, HRQ__SCALES_E4M3 };
static void hrq__scales_scalar(float *out, const uint8_t *p, size_t n, int kind, const uint8_t *tops)
{
    size_t i;
    for (i = 0; i < n; i++) {
        int e = kind == HRQ__SCALES_E8M0 && tops ? p[i] - tops[i % HRQ_PANEL] + 127 : 0;
        out[i] = kind == HRQ__SCALES_F16    ? hrq_f32_from_f16(hrq__get16(p + 2 * i))
                 : kind == HRQ__SCALES_E4M3 ? hrq__small_decode(hrq__small_of(4, 3), p[i])
                 : tops                     ? hrq__float_of((uint32_t)(e > 0 ? e : 0) << 23)
                                            : hrq__e8m0_decode(p[i]);
    }
}

/* tops: the greatest of every 16th of n bytes, n >= 16 a multiple of 16.     EXACT */
static void hrq__tops_scalar(uint8_t tops[HRQ_PANEL], const uint8_t *p, size_t n)
{
    size_t i;
    memcpy(tops, p, HRQ_PANEL);
    for (i = HRQ_PANEL; i < n; i++) tops[i % HRQ_PANEL] = p[i] > tops[i % HRQ_PANEL] ? p[i] : tops[i % HRQ_PANEL];
}

/* finish: y[t * ldy + i] = (float)((double)(float)sum[t * rows + i] * ((double)scale[i] * (double)x[t])), i < rows (a
   multiple of 16), t < n. sum: int32 where `integers`, else float.      BITWISE */
static void hrq__finish_scalar(float *y, size_t ldy, const void *sum, int integers, size_t rows, const float *scale,
                               const float *x, size_t n)
{
    size_t i, t;
    for (t = 0; t < n; t++)
        for (i = 0; i < rows; i++) {
            float part = integers ? (float)((const int32_t *)sum)[t * rows + i] : ((const float *)sum)[t * rows + i];
            y[t * ldy + i] = (float)((double)part * ((double)scale[i] * (double)x[t]));
        }
}

/* tile_f32: a tile of one panel, cols columns, to floats [cols][16 rows]; hi NULL or the upper tile.     EXACT */
static void hrq__tile_f32_scalar(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip)
{
    size_t c, row;
    for (c = 0; c < cols; c++)
        for (row = 0; row < HRQ_PANEL; row++) {
            size_t at = hrq__tile_at(4 * HRQ_PANEL, row, c);
            out[c * HRQ_PANEL + row] = (float)((int8_t)(lo[at] ^ flip) + (hi ? 256 * (int8_t)(hi[at] ^ flip) : 0));
        }
}

/* tile_upper: the same of 8-bit floats: the tiles' values are the upper halves of floats whose lower halves are zero.
   EXACT */
static void hrq__tile_upper_scalar(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip)
{
    size_t c, row;
    for (c = 0; c < cols; c++)
        for (row = 0; row < HRQ_PANEL; row++) {
            size_t at = hrq__tile_at(4 * HRQ_PANEL, row, c);
            uint32_t low = lo[at] ^ flip, high = hi[at] ^ flip;
            out[c * HRQ_PANEL + row] = hrq__float_of((low + 256u * high - (low & 128u) * 2u) << 16);
        }
}

/* axpy: y[i] = fmaf(p[i * step], w[i], y[i]), i < n; step 0 or 1.     BITWISE */
static void hrq__axpy_scalar(float *y, const float *w, const float *p, size_t step, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) y[i] = fmaf(p[i * step], w[i], y[i]);
}

/* dot_f32: acc[t * 16 + row] = fmaf(w[k * 16 + row], x[t * ldx + k], acc[...]) for k = 0 ... depth - 1 in order, t
   < n.
     reads      64 * depth bytes of w, 4 * depth bytes of each vector                BITWISE */
static void hrq__dot_f32_scalar(float *acc, const float *w, const float *x, size_t ldx, size_t n, size_t depth)
{
    size_t t, k, row;
    for (t = 0; t < n; t++, x += ldx, acc += HRQ_PANEL) {
        float sum[HRQ_PANEL];
        memcpy(sum, acc, sizeof sum);
        for (k = 0; k < depth; k++)
            for (row = 0; row < HRQ_PANEL; row++) sum[row] = fmaf(w[k * HRQ_PANEL + row], x[k], sum[row]);
        memcpy(acc, sum, sizeof sum);
    }
}

    /* CONTRACT fma_tile: a tile of fma_m x fma_n float accumulators takes `depth` outer products.
     c[i * ldc + j] = fmaf(a[k * fma_m + i], b[k * fma_n + j], c[i * ldc + j]), i < fma_m, j < fma_n,
                  k = 0 ... depth - 1 in order: one accumulator an element, nothing skipped, not
                  even zeros
   Reads      a[depth * fma_m], b[depth * fma_n] and the tile of c
   Writes     the tile of c, and not a byte besides
   Alignment  none asked; a and b are packed and zero-padded, c does not overlap them
   Shape      1 <= fma_m <= 16, 1 <= fma_n <= 64, ldc >= fma_n; depth 0 leaves c as it is
   Ranges     all floats, NaN and infinities as fmaf has them;   BITWISE */

    /* 6 x 32: 12 accumulators of 512 bits cover the latency of two FMA units; 2 loads of b and 6
   broadcasts of a feed 12 FMAs. GCC 12 -O3 keeps the local array in registers only where the inner
   loop is vectorised before it unrolls: at 16 columns it is not (5 GFLOP/s). At 32, -march=native on
   an AVX-512 core with a measured peak of 217 GFLOP/s: gcc 191-200, clang 14 169-198. With AVX2
   alone half of the accumulators spill: 70. */
    #define HRQ__FMA_M 6
    #define HRQ__FMA_N 32

static void hrq__fma_tile_scalar(float *c, size_t ldc, const float *a, const float *b, size_t depth)
{
    float acc[HRQ__FMA_M][HRQ__FMA_N];
    size_t i, j, k;
    for (i = 0; i < HRQ__FMA_M; i++)
        for (j = 0; j < HRQ__FMA_N; j++) acc[i][j] = c[i * ldc + j];
    for (k = 0; k < depth; k++)
        for (i = 0; i < HRQ__FMA_M; i++)
            for (j = 0; j < HRQ__FMA_N; j++)
                acc[i][j] = fmaf(a[k * HRQ__FMA_M + i], b[k * HRQ__FMA_N + j], acc[i][j]);
    for (i = 0; i < HRQ__FMA_M; i++)
        for (j = 0; j < HRQ__FMA_N; j++) c[i * ldc + j] = acc[i][j];
}

/* extents: of each run of `group` columns of x[n], the last maybe shorter: lo, the least entry or 0, and hi, the
   largest or 0. Bit patterns are compared, negative ones as unsigned numbers, so that NaN and infinities win: lo or
   hi is not finite where an entry is not.      BITWISE */
static void hrq__extents_scalar(float *lo, float *hi, const float *x, size_t n, size_t group)
{
    size_t from, end, i;
    for (from = 0; from < n; from = end) {
        uint32_t least = 0x80000000u;
        int32_t most = 0;
        end = n - from < group ? n : from + group;
        for (i = from; i < end; i++) {
            uint32_t u = hrq__bits_of(x[i]);
            least = u > least ? u : least;
            most = (int32_t)u > most ? (int32_t)u : most;
        }
        *lo++ = hrq__float_of(least == 0x80000000u ? 0 : least);
        *hi++ = hrq__float_of((uint32_t)most);
    }
}

/* dot16: sum along a row in 16 lanes and one tree, so that any vector width gives the same bits: lane l adds elements
   l, l + 16, ... in order with fused multiply-add, then halves are added. <x, y> * scale^2 of the inputs, which
   keeps squares of 1e+-38 in range.      BITWISE */
static float hrq__dot16_scalar(const float *x, const float *y, size_t n, float scale)
{
    float lane[16] = {0};
    size_t i, half;
    for (i = 0; i < n; i++) lane[i & 15] = fmaf(x[i] * scale, y[i] * scale, lane[i & 15]);
    for (half = 8; half > 0; half /= 2)
        for (i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

/* sum16: the same lanes and tree for the sum of x[i] * scale, product and sum rounded apart.      BITWISE */
static float hrq__sum16_scalar(const float *x, size_t n, float scale)
{
    float lane[16] = {0};
    size_t i, half;
    for (i = 0; i < n; i++) lane[i & 15] += x[i] * scale;
    for (half = 8; half > 0; half /= 2)
        for (i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

/* Division by a scale as two multiplications that neither overflow nor lose bits for scales of 1e+-38:
   x / scale = (x * pre) * inv, pre a power of two. A zero scale gives zeros. */
typedef struct hrq__norm {
    float pre, inv;
} hrq__norm;

static hrq__norm hrq__norm_of(float scale)
{
    float a = fabsf(scale), big = 18446744073709551616.0f; /* 2^64 */
    hrq__norm n;
    n.pre = a >= big ? 1.0f / big : a > 0.0f && a < 1.0f / big ? big : 1.0f; /* 0: x * pre stays finite */
    n.inv = scale * n.pre == 0.0f ? 0.0f : 1.0f / (scale * n.pre);
    return n;
}

HRQ__INLINE float hrq__norm_apply(hrq__norm n, float x) { return x * n.pre * n.inv; }

/* The integers an int format has. */
typedef struct hrq__int_range {
    int32_t lo, hi;
} hrq__int_range;

/* z: dither in steps; zero: what the value 0 is coded as, 0 but for :asym */
HRQ__INLINE int32_t hrq__int_code(float x, float z, hrq__norm norm, int32_t zero, hrq__int_range range)
{
    float v = hrq__clampf(hrq__norm_apply(norm, x), -65536.0f, 65536.0f) + z;
    return hrq__clampi(hrq__round(v) + zero, range.lo, range.hi);
}

/* How a row's entries become codes. Column i is in group (first + i) / group, whose numbers stand HRQ_PANEL apart: the
   rows of a panel lie side by side. */
typedef struct hrq__code_args {
    size_t group, first;  /* group: a multiple of 8; first, of the columns, within its group */
    const hrq__norm *norm;
    const int32_t *zero;  /* int; NULL: 0                                                  */
    hrq__int_range range; /* int                                                           */
    int32_t offset;       /* int: code = integer + offset                                  */
    hrq__small type;      /* float                                                         */
} hrq__code_args;

/* code_int: out[i] = hrq__int_code of x[i], finite, plus offset, i < n; ranges within -128 ... 127.      EXACT */
static void hrq__code_int_scalar(uint8_t *out, const float *x, size_t n, const hrq__code_args *a)
{
    size_t i;
    for (i = 0; i < n; i++) {
        size_t at = (a->first + i) / a->group * HRQ_PANEL;
        int32_t code = hrq__int_code(x[i], 0.0f, a->norm[at], a->zero ? a->zero[at] : 0, a->range);
        out[i] = (uint8_t)(code + a->offset);
    }
}

/* code_float: out[i] = hrq__small_encode of x[i], finite, over its scale, i < n.      EXACT */
static void hrq__code_float_scalar(uint8_t *out, const float *x, size_t n, const hrq__code_args *a)
{
    size_t i;
    for (i = 0; i < n; i++) {
        size_t at = (a->first + i) / a->group * HRQ_PANEL;
        out[i] = (uint8_t)hrq__small_encode(a->type, hrq__norm_apply(a->norm[at], x[i]));
    }
}

/* Codes of 8 s columns of one row of a panel, bits shift ... shift + bits - 1 of a byte each, to the planes of their
   superblock: s bytes of each plane. All bytes of a word at once. */
static void hrq__pack_row(uint8_t *planes, const uint8_t *codes, size_t row, size_t s, unsigned shift, unsigned bits)
{
    unsigned w, plane, part, j;
    uint32_t code[8] = {0};
    for (j = 0; j < 8; j++) memcpy(&code[j], codes + s * j, s);
    planes += row * s;
    for (w = 1; w <= 8; w *= 2) {
        uint32_t mask = 0x01010101u * ((1u << w) - 1);
        if (!(bits & w)) continue;
        for (plane = 0; plane < w; plane++, planes += HRQ_PANEL * s) {
            uint32_t word = 0;
            for (part = 0; part < 8 / w; part++) word |= (code[plane + w * part] >> shift & mask) << w * part;
            memcpy(planes, &word, s);
        }
        shift += w;
    }
}

/* Rounded up in magnitude, so that nothing it covers overflows, or to nearest (:mse); at most the largest finite
   one. */
static uint16_t hrq__group_scale(float scale, int nearest)
{
    uint16_t h = hrq_f16_from_f32(scale);
    if (!nearest && fabsf(hrq_f32_from_f16(h)) < fabsf(scale)) h++;
    return (uint16_t)((h & 0x7fffu) > 0x7bffu ? (h & 0x8000u) | 0x7bffu : h);
}

/* group_scales: h[i] = fp16 of scale[i] / top, i < n, as hrq__group_scale rounds; top 0: of 0.      BITWISE */
static void hrq__group_scales_scalar(uint16_t *h, const float *scale, size_t n, float top, int nearest)
{
    size_t i;
    for (i = 0; i < n; i++) h[i] = hrq__group_scale(top == 0.0f ? 0.0f : scale[i] / top, nearest);
}

/* What a group of entries lo ... hi wants as its scale: by how many steps the entry of largest magnitude, over a scale
   of its own, is divided, or that entry with its sign, or the span. */
enum { HRQ__WANT_LARGEST, HRQ__WANT_SIGNED, HRQ__WANT_SPAN };

HRQ__INLINE float hrq__want(float lo, float hi, int how, float steps, hrq__norm norm)
{
    if (how == HRQ__WANT_SPAN) return hi / steps - lo / steps;
    if (how == HRQ__WANT_SIGNED) return (-lo >= hi ? lo : hi) / steps;
    return hrq__norm_apply(norm, -lo > hi ? -lo : hi) / steps;
}

/* wants: of n groups with these extents.      BITWISE */
static void hrq__wants_scalar(float *want, const float *lo, const float *hi, size_t n, int how, float steps,
                              hrq__norm norm)
{
    size_t i;
    for (i = 0; i < n; i++) want[i] = hrq__want(lo[i], hi[i], how, steps, norm);
}

/* zeros: zero[i] = code of 0, plus offset, such that lo[i] takes the least code under the scale row * h[i], fp16,
   i < n.      EXACT */
static void hrq__zeros_scalar(uint8_t *zero, const float *lo, const uint16_t *h, size_t n, float row,
                              hrq__int_range range, int32_t offset)
{
    size_t i;
    for (i = 0; i < n; i++) {
        float v = hrq__norm_apply(hrq__norm_of(row * hrq_f32_from_f16(h[i])), lo[i]);
        int32_t least = hrq__round(hrq__clampf(v, -65536.0f, 65536.0f));
        zero[i] = (uint8_t)(hrq__clampi(range.lo - least, range.lo, range.hi) + offset);
    }
}

/* norms: of the scales row[i] * group[i], i < 16.      BITWISE */
static void hrq__norms_scalar(hrq__norm *norm, const float *row, const float *group)
{
    size_t i;
    for (i = 0; i < HRQ_PANEL; i++) norm[i] = hrq__norm_of(row[i] * group[i]);
}

/* act_s8: out[i] = x[i], finite, over the scale to the nearest integer within +-127, i < n, a multiple of 64; sums[k] =
   out[0] + ... + out[8 k - 1], k = 0 ... n / 8, mod 2^32.      EXACT */
static void hrq__act_s8_scalar(int8_t *out, int32_t *sums, const float *x, size_t n, hrq__norm norm)
{
    uint32_t sum = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        int32_t code = hrq__round(hrq__clampf(hrq__norm_apply(norm, x[i]), -127.0f, 127.0f));
        if (i % 8 == 0) sums[i / 8] = (int32_t)sum;
        out[i] = (int8_t)code;
        sum += (uint32_t)code;
    }
    sums[n / 8] = (int32_t)sum;
}

/* hadamard: butterflies over x[n], n a power of two, strides from 1 up, then times scale. Before them, where flip is
   set, x[i] is negated by bit (at + i) % 64 of hrq__random(seed, (at + i) / 64); at: a multiple of 16 where n is one.
   BITWISE: any order that computes each output by the same tree */
static void hrq__hadamard_scalar(float *x, size_t n, float scale, int flip, uint64_t seed, size_t at)
{
    size_t stride, i, j;
    uint64_t bits = 0;
    for (i = 0; flip && i < n; i++) {
        if (i == 0 || (at + i) % 64 == 0) bits = hrq__random(seed, (at + i) / 64);
        x[i] = hrq__float_of(hrq__bits_of(x[i]) ^ (uint32_t)(bits >> (at + i) % 64 & 1) << 31); /* no branch */
    }
    for (stride = 1; stride < n; stride *= 2)
        for (i = 0; i < n; i += 2 * stride)
            for (j = i; j < i + stride; j++) {
                float a = x[j], b = x[j + stride];
                x[j] = a + b;
                x[j + stride] = a - b;
            }
    for (i = 0; i < n; i++) x[i] *= scale;
}

/* paley: Hadamard of order h = 2 (q + 1) = 2 order, order 6, 10 or 14, over h elements a stride apart, for `stride`
   neighbouring columns, then times scale: H = C x [1 1; 1 -1] + I x [1 -1; -1 -1], C = conference, [order][order] of
   +-1, the symmetric conference matrix of q (Paley's second construction). H is symmetric, H^2 = h I.     BITWISE */
static void hrq__paley_scalar(float *x, size_t order, size_t stride, const float *conference, float scale)
{
    size_t c, i, j;
    for (c = 0; c < stride; c++) {
        float sum[14], difference[14];
        for (i = 0; i < order; i++) {
            float a = x[2 * i * stride + c], b = x[(2 * i + 1) * stride + c];
            sum[i] = a + b;
            difference[i] = a - b;
        }
        for (i = 0; i < order; i++) {
            float even = difference[i], odd = -sum[i];
            for (j = 0; j < order; j++) {
                if (j == i) continue;
                even = conference[i * order + j] > 0.0f ? even + sum[j] : even - sum[j];
                odd = conference[i * order + j] > 0.0f ? odd + difference[j] : odd - difference[j];
            }
            x[2 * i * stride + c] = even * scale;
            x[(2 * i + 1) * stride + c] = odd * scale;
        }
    }
}

/* Squared error of entries over a scale, (v - c)^2 of v = x[i] over it and its code c, and <v, c> and <c, c>, for the
   least-squares scale of these codes. */
typedef struct hrq__int_fit {
    float error, dot, energy;
} hrq__int_fit;

/* int_error: that of x[n], finite, in 16 lanes and one tree as dot16, products and sums rounded apart.      BITWISE */
static hrq__int_fit hrq__int_error_scalar(const float *x, size_t n, hrq__norm norm, hrq__int_range range)
{
    float error[16] = {0}, dot[16] = {0}, energy[16] = {0};
    hrq__int_fit fit;
    size_t i, half;
    for (i = 0; i < n; i++) {
        float v = hrq__norm_apply(norm, x[i]), c = (float)hrq__int_code(x[i], 0.0f, norm, 0, range), e = v - c;
        error[i & 15] += e * e;
        dot[i & 15] += v * c;
        energy[i & 15] += c * c;
    }
    for (half = 8; half > 0; half /= 2)
        for (i = 0; i < half; i++) {
            error[i] += error[i + half];
            dot[i] += dot[i + half];
            energy[i] += energy[i + half];
        }
    fit.error = error[0];
    fit.dot = dot[0];
    fit.energy = energy[0];
    return fit;
}

/* float_error: the error of numbers of a type, in the same lanes.      BITWISE */
static float hrq__float_error_scalar(hrq__small type, const float *x, size_t n, hrq__norm norm)
{
    float error[16] = {0};
    size_t i, half;
    for (i = 0; i < n; i++) {
        float v = hrq__norm_apply(norm, x[i]), e = v - hrq__small_decode(type, hrq__small_encode(type, v));
        error[i & 15] += e * e;
    }
    for (half = 8; half > 0; half /= 2)
        for (i = 0; i < half; i++) error[i] += error[i + half];
    return error[0];
}

/* signs: x[i] is negated by bit i % 64 of hrq__random(seed, i / 64), i < n.      EXACT */
static void hrq__signs_scalar(float *x, size_t n, uint64_t seed)
{
    uint64_t bits = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        if (i % 64 == 0) bits = hrq__random(seed, i / 64);
        x[i] = hrq__float_of(hrq__bits_of(x[i]) ^ (uint32_t)(bits >> i % 64 & 1) << 31);
    }
}

/* scale_rows: out[r * ld + c] = tile[16 c + r] * scale[r], r < 16, c < n: a tile of floats to rows.      BITWISE */
static void hrq__scale_rows_scalar(float *out, size_t ld, const float *tile, size_t n, const float *scale)
{
    size_t r, c;
    for (r = 0; r < HRQ_PANEL; r++)
        for (c = 0; c < n; c++) out[r * ld + c] = tile[c * HRQ_PANEL + r] * scale[r];
}

/* pack: codes [16 rows] ld bytes apart, of cols8 columns of a panel from a superblock's first on, to planes: bits
   shift ... shift + bits - 1 of each byte, shift + bits <= 8. A kernel takes as many columns as it can, whole
   superblocks, and returns their number; 0: none. The scalar one takes one superblock, the narrow last one too.
     planes     of the next 32 columns lie 4 * lane_bytes further on
     reads      these columns of codes; writes 16 s * bits bytes a superblock      EXACT */
static size_t hrq__pack_scalar(uint8_t *planes, size_t lane_bytes, const uint8_t *codes, size_t ld, size_t cols8,
                               unsigned shift, unsigned bits)
{
    size_t row, s = hrq__min_size(cols8, 32) / 8;
    (void)lane_bytes;
    for (row = 0; row < HRQ_PANEL; row++) hrq__pack_row(planes, codes + row * ld, row, s, shift, bits);
    return 8 * s;
}

/* Codes of E8 / q E8, q = 2^bits <= 256, of one layer and without dither. An entry is 16-bit fixed point, 2^-15 of the
   largest scale's reach; scale t is a fraction of that, ratio[t] 2^shift[t] makes its steps, 2^-F. The gauge says which
   scale is the first to hold a block, before anything is quantized. */
typedef struct hrq__e8_args {
    hrq__norm norm;
    float to_fixed, step; /* step: value of an integer                              */
    unsigned bits, scales;
    int first;      /* 1: the first scale that holds the block, 0: of it and its neighbours the one of least error */
    int16_t clamp;  /* values are held in +-clamp                                                                  */
    const int16_t *multiple;                                /* [16]                                    */
    uint16_t limit[16], weight[16], ratio[16], shift[16]; /* gauge held; squared, in 2^-16; see above */
} hrq__e8_args;

typedef struct hrq__e8_block {
    uint16_t digit[8];
    int32_t y[8], error;
    unsigned index;
} hrq__e8_block;

/* The larger of two entries' and of half of all eight's length along the 240 shortest vectors; those of eight entries
   have an odd number of minus signs. Halves are rounded down, the sum stops at 65535. */
static int32_t hrq__e8_gauge(const int32_t x[8])
{
    int32_t most = 0, next = 0, least = 32767, sum = 0, a;
    int i, even = 1;
    for (i = 0; i < 8; i++) {
        a = x[i] < 0 ? -x[i] : x[i];
        next = a > most ? most : a > next ? a : next;
        most = a > most ? a : most;
        least = a < least ? a : least;
        sum += a / 2;
        even ^= x[i] < 0;
    }
    sum = (sum > 65535 ? 65535 : sum) - (even ? least : 0);
    return most + next > sum ? most + next : sum;
}

/* Product of fractions in 2^-15, rounded. */
HRQ__INLINE int32_t hrq__fraction(int32_t a, int32_t b) { return hrq__floor_div(a * b + 16384, 32768); }

/* Attempt t < scales: scale t. From there on the largest scale, the block drawn towards zero to a gauge of q, q - 1/4,
   ...: at q - 5/4 the nearest point, at most 1 further, is inside for sure. 1 where decoding gives the point back. */
static int hrq__e8_attempt(const hrq__e8_args *c, int32_t attempt, int32_t gauge, const int32_t x[8],
                           hrq__e8_block *out)
{
    int32_t q = 1 << c->bits, half = 1 << (13 - c->bits), drawn = attempt - (int32_t)c->scales, t[8], rest[8], back[8];
    int32_t shrink = 32767, fine = c->bits < 7 ? 1 << (7 - c->bits) : 1;
    int i, same = 1;
    out->index = drawn < 0 ? (unsigned)attempt : c->scales - 1;
    if (drawn >= 0)
        shrink = hrq__clampi((int32_t)((float)(4 * q - drawn) * (float)(1 << (28 - c->bits)) /
                                       (float)(gauge > 16384 ? gauge : 16384)),
                             0, 32767);
    for (i = 0; i < 8; i++) {
        t[i] = drawn < 0 ? x[i] : hrq__fraction(x[i], shrink);
        t[i] = hrq__fraction(t[i], c->ratio[out->index]) * (1 << c->shift[out->index]);
    }
    hrq__e8_residual(rest, t, half);
    for (i = 0, out->error = 0; i < 8; i++) {
        int32_t e = hrq__floor_div(rest[i], fine);
        out->y[i] = (t[i] - rest[i]) / half;
        out->error += e * e;
    }
    out->error = (int32_t)((uint32_t)out->error * c->weight[out->index] >> 16);
    hrq__lattice_digits(HRQ__LATTICE_E8, out->digit, out->y, q);
    hrq__voronoi_point(HRQ__LATTICE_E8, back, out->digit, q);
    for (i = 0; i < 8; i++) same &= back[i] == out->y[i];
    return same;
}

/* A block in fixed point. Best fit: the scale below may hold the nearest point though not the block, and the one above
   happens to be nearer: 0.08 dB each at q = 16. */
static void hrq__e8_encode(const hrq__e8_args *c, const int32_t x[8], hrq__e8_block *out)
{
    int32_t gauge = hrq__e8_gauge(x), top = (int32_t)c->scales - 1, from = 0, to, found = 0;
    hrq__e8_block b;
    memset(out, 0, sizeof *out); /* a compiler may not see that one is found */
    while (from <= top && gauge > c->limit[from]) from++;
    to = c->first ? from : from < top ? from + 1 : top;
    if (!c->first && from > 0) from--;
    for (; from <= to || !found; from++) {
        if (!hrq__e8_attempt(c, from, gauge, x, &b) || (found && b.error >= out->error)) continue;
        *out = b;
        found = 1;
    }
}

/* A block of entries `stride` apart in fixed point, to nearest even. One that leaves 16 bits is drawn in as a whole. */
static void hrq__e8_fixed(const hrq__e8_args *c, const float *x, size_t stride, int32_t fixed[8])
{
    float v[8], top = 0.0f;
    int j;
    for (j = 0; j < 8; j++) {
        v[j] = hrq__clampf(hrq__norm_apply(c->norm, x[(size_t)j * stride]), -1e9f, 1e9f) * c->to_fixed;
        top = fabsf(v[j]) > top ? fabsf(v[j]) : top;
    }
    for (j = 0; j < 8; j++) {
        if (top > 32767.0f) v[j] *= 32767.0f / top;
        fixed[j] = hrq__round(hrq__clampf(v[j], -32767.0f, 32767.0f));
    }
}

HRQ__INLINE int32_t hrq__e8_value(const hrq__e8_args *c, const hrq__e8_block *b, int j)
{
    return hrq__clampi(b->y[j] * c->multiple[b->index], -c->clamp, c->clamp);
}

/* One block of columns `stride` apart. */
static void hrq__e8_code_block(uint8_t *code, uint8_t *index, float *value, const float *x, size_t stride,
                               const hrq__e8_args *c)
{
    hrq__e8_block b;
    int32_t fixed[8];
    int j;
    hrq__e8_fixed(c, x, stride, fixed);
    hrq__e8_encode(c, fixed, &b);
    *index = (uint8_t)b.index;
    for (j = 0; j < 8; j++) {
        code[(size_t)j * stride] = (uint8_t)b.digit[j];
        value[(size_t)j * stride] = (float)hrq__e8_value(c, &b, j) * c->step;
    }
}

/* code_e8: columns of one row, from a superblock's first on. A kernel takes as many of the cols8 columns as it can,
   whole superblocks, and returns their number; 0: none. The scalar one takes one superblock, the narrow last one too.
     code       digit of each column; index: scale of each block, s a superblock
     value      clamp(multiple * doubled coordinate) * step of each column; x is finite
     reads and writes exactly these columns; BITWISE */
static size_t hrq__code_e8_scalar(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                  const hrq__e8_args *c)
{
    size_t i, s = hrq__min_size(cols8, 32) / 8;
    for (i = 0; i < s; i++) hrq__e8_code_block(code + i, index + i, value + i, x + i, s, c);
    return 8 * s;
}

/* ---- the box code of E8, see [8i] ---- */

typedef struct hrq__box {
    unsigned bits, classes;
    float step;
    const int8_t *level; /* [classes][2][2^bits], ascending; in steps of the row's root mean square */
} hrq__box;

enum { HRQ__BOX_FIXED = 16 }; /* entries are compared in 1/16 of a step, +-6000: no sum of eight squares overflows */

/* Nearest levels of one class and coset under its parity: the labels and their squared error. */
static int32_t hrq__box_try(const hrq__box *c, const int8_t *level, unsigned coset, const int32_t t[8], uint16_t n[8])
{
    int32_t total = 0, least = INT32_MAX, extra, d, e, count = 1 << c->bits;
    int i, at = 0, other = 0;
    unsigned parity = coset;
    for (i = 0; i < 8; i++) {
        int32_t k = 0, side;
        while (k + 1 < count && HRQ__BOX_FIXED * (level[k] + level[k + 1]) < 2 * t[i]) k++; /* lower on ties */
        d = t[i] - HRQ__BOX_FIXED * level[k];
        side = k == 0 ? 1 : k == count - 1 || 2 * t[i] <= HRQ__BOX_FIXED * (level[k - 1] + level[k + 1]) ? -1 : 1;
        e = t[i] - HRQ__BOX_FIXED * level[k + side];
        extra = e * e - d * d;
        total += d * d;
        parity ^= (unsigned)k & 1u;
        n[i] = (uint16_t)k;
        if (extra < least) {
            least = extra;
            at = i;
            other = (int)(k + side);
        }
    }
    if (!(parity & 1u)) return total;
    n[at] = (uint16_t)other;
    return total + least;
}

/* Encode a block: labels, class, and the levels in steps. */
static void hrq__box_encode(const hrq__box *c, const float x[8], uint16_t label[8], unsigned *index, int32_t value[8])
{
    float to_fixed = (float)HRQ__BOX_FIXED / c->step;
    int32_t t[8], best = INT32_MAX, error;
    uint16_t n[8];
    unsigned k, i;
    for (i = 0; i < 8; i++) t[i] = hrq__round(hrq__clampf(x[i] * to_fixed, -6000.0f, 6000.0f));
    for (k = 0; k < 2 * c->classes; k++) {
        const int8_t *level = c->level + (k << c->bits);
        error = hrq__box_try(c, level, k & 1, t, n);
        if (error >= best) continue;
        best = error;
        *index = k / 2;
        memcpy(label, n, sizeof n);
        for (i = 0; i < 8; i++) value[i] = level[n[i]];
    }
}

/* For each class and coset, twice 16 bits at a time, what kernels look up; t as above. The label nearest to t is
   (bin[(t + 2048) / 64] + (t + 2048) % 64) / 64, t held in -2048 ... 2047: no two middles between levels share a bin.
   Then by label: own level; where the upper neighbour becomes the nearer one; the step from the neighbour to it, of the
   lower neighbours and 16 further on of the upper ones; all in 1/16 of a step. */
typedef struct hrq__box_map {
    int16_t bin[64], own[32], middle[32], gap[32];
} hrq__box_map;

static void hrq__box_map_of(hrq__box_map *map, const int8_t *level, unsigned bits)
{
    int k, bin, top = (1 << bits) - 1;
    memset(map, 0, sizeof *map);
    for (k = 0; k <= top; k++) {
        map->own[k] = (int16_t)(HRQ__BOX_FIXED * level[k]);
        map->middle[k] = (int16_t)(k == 0     ? -32768
                                   : k == top ? 32767
                                              : HRQ__BOX_FIXED / 2 * (level[k - 1] + level[k + 1]));
        if (k > 0) map->gap[k] = (int16_t)(HRQ__BOX_FIXED * (level[k] - level[k - 1]));
        if (k < top) map->gap[16 + k] = (int16_t)(HRQ__BOX_FIXED * (level[k] - level[k + 1]));
    }
    for (bin = k = 0; bin < 64; bin++) { /* k: nearest to the bin's first; one more from `next` on */
        int first = 64 * bin - 2048, next;
        while (k < top && HRQ__BOX_FIXED / 2 * (level[k] + level[k + 1]) < first) k++;
        next = k < top ? HRQ__BOX_FIXED / 2 * (level[k] + level[k + 1]) + 1 - first : 64;
        map->bin[bin] = (int16_t)(64 * k + 64 - (next < 64 ? next : 64));
    }
}

typedef struct hrq__box_args {
    hrq__norm norm;
    float step; /* value of an integer */
    const hrq__box *box;
    const hrq__box_map *map; /* [2 classes] */
} hrq__box_args;

/* code_box: as code_e8, with labels for digits.
     value      level * step of each column; x is finite
     reads and writes exactly these columns; BITWISE */
static size_t hrq__code_box_scalar(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                   const hrq__box_args *c)
{
    size_t i, j, s = hrq__min_size(cols8, 32) / 8;
    for (i = 0; i < s; i++) {
        float in[8];
        uint16_t label[8];
        int32_t level[8];
        unsigned at = 0;
        for (j = 0; j < 8; j++) in[j] = hrq__clampf(hrq__norm_apply(c->norm, x[s * j + i]), -1e9f, 1e9f);
        hrq__box_encode(c->box, in, label, &at, level);
        index[i] = (uint8_t)at;
        for (j = 0; j < 8; j++) {
            code[s * j + i] = (uint8_t)label[j];
            value[s * j + i] = (float)level[j] * c->step;
        }
    }
    return 8 * s;
}

/* ---- search of a trellis along the rows, see [15i] ---- */

enum {
    HRQ__PATH_ROWS = 16,  /* side by side */
    HRQ__PATH_BLOCK = 16, /* columns of a block */
    HRQ__PATH_LIST = 8,   /* most paths into a state */
    HRQ__PATH_REACH = 63, /* symbols of a table of costs: -63 ... 63 */
    HRQ__PATH_MOST = 1 << 20, /* cost of one column */
    HRQ__PATH_DEAD = 1 << 26,
    HRQ__PATH_CELLS = HRQ__PATH_ROWS * HRQ__PATH_BLOCK
};

/* What the search knows of a column. */
typedef struct hrq__path_column {
    float inverse, value; /* of u: steps of 1; of one unit of 2 k + q */
    float weight;         /* cost of a squared step */
    unsigned shift[2];
    const float (*cost[2])[4]; /* [q], of -1, 0, 1, 2 where k is 0 after the shift */
    int zero;                  /* class 0 */
} hrq__path_column;

/* Path j * states + s of N = states * list is the j-th into state s; q is s & 1. */
typedef struct hrq__path_args {
    const hrq__path_column *col;
    const uint8_t (*source)[2]; /* [states] the states that lead to a state, by k & 1 */
    size_t states, list;        /* list: 1, 2, 4, 8 */
    size_t j;                   /* this column's place in the block */
    const float *w;             /* [rows] */
    const float *edge;          /* [16] feedback of this column onto those of the block */
    const float *before;        /* [N][rows][16] feedback onto the block's columns by path */
    float *after;               /* the same behind this column */
    int32_t *metric;            /* [N][rows] cost so far, in and out; the least of a row is 0 */
    float *target;              /* [N][rows] out: u of the paths before */
    int32_t *link;              /* [N][rows] out: 65536 (2 k + q) + the path that led here */
    int32_t *work;              /* [4][N][rows] */
} hrq__path_args;

/* Targets of a path to the cheaper k of either parity, of four around y. Kept in pieces that compilers turn into
   vectors: no branches, no memory that may overlap. */
HRQ__INLINE void hrq__path_choose(const hrq__path_column *col, int q, const float *u, int32_t cost[2][HRQ__PATH_ROWS],
                                  int32_t code[2][HRQ__PATH_ROWS])
{
    int32_t floor_y[HRQ__PATH_ROWS], symbol[HRQ__PATH_ROWS], shift = (int32_t)col->shift[q],
                                                             round = 16384 + (shift ? 1 << (shift - 1) : 0);
    float y[HRQ__PATH_ROWS], rate[HRQ__PATH_ROWS][4], w = col->weight, half = q ? 0.5f : 0.0f;
    size_t r;
    for (r = 0; r < HRQ__PATH_ROWS; r++) {
        float v = u[r] * col->inverse - half;
        int32_t i;
        v = v > -8190.0f ? v : -8190.0f;
        v = v < 8188.0f ? v : 8188.0f;
        y[r] = v;
        floor_y[r] = (int32_t)(v + 16384.0f) - 16384;
        i = ((floor_y[r] + round) >> shift) - (16384 >> shift);
        i = i > -HRQ__PATH_REACH ? i : -HRQ__PATH_REACH;
        symbol[r] = i < HRQ__PATH_REACH ? i : HRQ__PATH_REACH;
    }
    for (r = 0; r < HRQ__PATH_ROWS; r++) memcpy(rate[r], col->cost[q][symbol[r]], sizeof rate[r]);
    for (r = 0; r < HRQ__PATH_ROWS; r++) {
        float d = y[r] - (float)floor_y[r], most = (float)HRQ__PATH_MOST, c[4];
        int32_t here, there, up, down, mask = -(floor_y[r] & 1);
        c[0] = w * ((1.0f + d) * (1.0f + d)) + rate[r][0];
        c[1] = w * (d * d) + rate[r][1];
        c[2] = w * ((1.0f - d) * (1.0f - d)) + rate[r][2];
        c[3] = w * ((2.0f - d) * (2.0f - d)) + rate[r][3];
        down = -(int32_t)(c[0] < c[2]);
        up = -(int32_t)(c[3] < c[1]);
        here = (int32_t)(c[1] < most ? c[1] : most);
        there = (int32_t)(c[2] < most ? c[2] : most);
        here ^= (here ^ (int32_t)(c[3] < most ? c[3] : most)) & up;
        there ^= (there ^ (int32_t)(c[0] < most ? c[0] : most)) & down;
        up = floor_y[r] + (up & 2);
        down = floor_y[r] + 1 - (down & 2);
        cost[0][r] = here ^ ((here ^ there) & mask);
        cost[1][r] = there ^ ((here ^ there) & mask);
        code[0][r] = up ^ ((up ^ down) & mask);
        code[1][r] = down ^ ((up ^ down) & mask);
    }
}

/* The branches of every path: their costs so far, [2][N][rows] by k & 1, then their k. */
HRQ__INLINE void hrq__path_branch(const hrq__path_args *a)
{
    size_t s, r, b, paths = a->states * a->list, all = paths * HRQ__PATH_ROWS;
    for (s = 0; s < paths; s++) {
        int32_t cost[2][HRQ__PATH_ROWS], code[2][HRQ__PATH_ROWS];
        const int32_t *metric = a->metric + s * HRQ__PATH_ROWS;
        hrq__path_choose(a->col, s & 1, a->target + s * HRQ__PATH_ROWS, cost, code);
        for (b = 0; b < 2; b++) {
            for (r = 0; r < HRQ__PATH_ROWS; r++) cost[b][r] += metric[r];
            memcpy(a->work + b * all + s * HRQ__PATH_ROWS, cost[b], sizeof cost[b]);
            memcpy(a->work + (2 + b) * all + s * HRQ__PATH_ROWS, code[b], sizeof code[b]);
        }
    }
}

/* Each row's keys, all different, in order: odd-even transpositions. */
HRQ__INLINE void hrq__path_sort(int32_t key[][HRQ__PATH_ROWS], size_t count)
{
    size_t turn, i, r;
    for (turn = 0; turn < count; turn++)
        for (i = turn & 1; i + 1 < count; i += 2) {
            int32_t low[HRQ__PATH_ROWS], high[HRQ__PATH_ROWS];
            for (r = 0; r < HRQ__PATH_ROWS; r++) {
                low[r] = key[i][r] < key[i + 1][r] ? key[i][r] : key[i + 1][r];
                high[r] = key[i][r] < key[i + 1][r] ? key[i + 1][r] : key[i][r];
            }
            memcpy(key[i], low, sizeof low);
            memcpy(key[i + 1], high, sizeof high);
        }
}

/* The `list` best of both branches into each state: of the two lists in order, one against the other from its end, the
   less. link gets the path, and bit 15 where k is odd. */
HRQ__INLINE void hrq__path_select(const hrq__path_args *a)
{
    size_t states = a->states, list = a->list, paths = states * list, all = paths * HRQ__PATH_ROWS, s, j, r;
    int32_t key[2][HRQ__PATH_LIST][HRQ__PATH_ROWS], least[HRQ__PATH_ROWS];
    for (r = 0; r < HRQ__PATH_ROWS; r++) least[r] = INT32_MAX;
    for (s = 0; s < states; s++) {
        int32_t even = a->source[s][0], odd = a->source[s][1];
        for (j = 0; j < list; j++) {
            const int32_t *b0 = a->work + (j * states + (size_t)even) * HRQ__PATH_ROWS;
            const int32_t *b1 = a->work + all + (j * states + (size_t)odd) * HRQ__PATH_ROWS;
            for (r = 0; r < HRQ__PATH_ROWS; r++) {
                key[0][j][r] = b0[r] * 16 + (int32_t)j;
                key[1][j][r] = b1[r] * 16 + (int32_t)(HRQ__PATH_LIST + j);
            }
        }
        hrq__path_sort(key[0], list);
        hrq__path_sort(key[1], list);
        for (j = 0; j < list; j++) {
            int32_t *metric = a->metric + (j * states + s) * HRQ__PATH_ROWS;
            int32_t *link = a->link + (j * states + s) * HRQ__PATH_ROWS;
            for (r = 0; r < HRQ__PATH_ROWS; r++) {
                int32_t x = key[0][j][r], y = key[1][list - 1 - j][r], best = x < y ? x : y, is_odd = best >> 3 & 1;
                metric[r] = best >> 4;
                least[r] = metric[r] < least[r] ? metric[r] : least[r];
                link[r] = (best & 7) * (int32_t)states + (is_odd ? 32768 + odd : even);
            }
        }
    }
    for (s = 0; s < paths; s++)
        for (r = 0; r < HRQ__PATH_ROWS; r++) {
            int32_t *metric = a->metric + s * HRQ__PATH_ROWS + r;
            *metric = *metric >= HRQ__PATH_DEAD / 2 ? HRQ__PATH_DEAD : *metric - least[r];
        }
}

/* A column of zeros: all paths go on as they are. */
HRQ__INLINE void hrq__path_pass_by(const hrq__path_args *a)
{
    size_t s, r;
    for (s = 0; s < a->states * a->list; s++)
        for (r = 0; r < HRQ__PATH_ROWS; r++) {
            int32_t *metric = a->metric + s * HRQ__PATH_ROWS + r;
            float y = a->target[s * HRQ__PATH_ROWS + r] * a->col->inverse, cost = a->col->weight * (y * y);
            *metric += (int32_t)(cost < (float)HRQ__PATH_MOST ? cost : (float)HRQ__PATH_MOST);
            if (*metric > HRQ__PATH_DEAD / 2) *metric = HRQ__PATH_DEAD;
            a->link[s * HRQ__PATH_ROWS + r] = (int32_t)s;
        }
}

/* path_column: one column of 16 rows by all paths, for which see the parts above.
     u          w plus the feedback before it
     columns    of class 0 are zeros and every path goes on; in others each branch of a path costs
                weight (y - k)^2 + cost of k, below HRQ__PATH_MOST, y = u inverse - q / 2
     feedback   that of the path that led here + (w - What) edge, product and sum rounded      BITWISE */
static void hrq__path_column_scalar(const hrq__path_args *a)
{
    size_t s, r, i, all = a->states * a->list * HRQ__PATH_ROWS;
    for (i = 0; i < all; i++)
        a->target[i] = a->w[i % HRQ__PATH_ROWS] + a->before[i * HRQ__PATH_BLOCK + a->j];
    if (a->col->zero) hrq__path_pass_by(a);
    else {
        hrq__path_branch(a);
        hrq__path_select(a);
    }
    for (s = 0; s < all; s += HRQ__PATH_ROWS)
        for (r = 0; r < HRQ__PATH_ROWS; r++) {
            int32_t link = a->link[s + r], parent = link & 32767, from = parent * HRQ__PATH_ROWS + (int32_t)r;
            int32_t x = a->col->zero ? 0 : 2 * a->work[(2 + (size_t)(link >> 15)) * all + (size_t)from] + (parent & 1);
            const float *in = a->before + from * HRQ__PATH_BLOCK;
            float sum[HRQ__PATH_BLOCK], e = a->w[r] - (float)x * a->col->value;
            a->link[s + r] = x * 65536 + parent;
            for (i = 0; i < HRQ__PATH_BLOCK; i++) sum[i] = in[i] + e * a->edge[i];
            memcpy(a->after + (s + r) * HRQ__PATH_BLOCK, sum, sizeof sum);
        }
}

/* path_trace: the columns of a block by the path that they led to. A cell is path * rows + row.
     error      [16][cells] out: w - What
     root       [cells] out: the cell at the start of the block
     link       [16][cells] of path_column
     w, value   [16][rows], [16] of the columns; width of them, at least 1        BITWISE */
static void hrq__path_trace_scalar(float *error, int32_t *root, const int32_t *link, const float *w, const float *value,
                                   size_t cells, size_t width)
{
    size_t i, j;
    for (i = 0; i < cells; i++) {
        int32_t row = (int32_t)(i % HRQ__PATH_ROWS), at = (int32_t)i;
        for (j = width; j-- > 0;) {
            int32_t now = link[j * cells + (size_t)at], parent = now & 32767;
            error[j * cells + i] = w[j * HRQ__PATH_ROWS + (size_t)row] - (float)((now - parent) / 65536) * value[j];
            at = parent * HRQ__PATH_ROWS + row;
        }
        root[i] = at;
    }
}

/* path_feed: feedback of `depth` columns onto 16 of some cells.
     out        [.][16]: out[id[i]] = in[from[i]] + sum over k, in order, of e[k][id[i]] f[k]; products and sums
                rounded. out may be `in` where id is `from`
     e          [depth][lde]; depth a multiple of 16
     f          [depth][16]                                                         BITWISE */
static void hrq__path_feed_scalar(float *out, const float *in, const int32_t *id, const int32_t *from, size_t n,
                                  const float *e, size_t lde, const float *f, size_t depth)
{
    size_t i, k, c;
    for (i = 0; i < n; i++) {
        float sum[HRQ__PATH_BLOCK];
        memcpy(sum, in + (size_t)from[i] * HRQ__PATH_BLOCK, sizeof sum);
        for (k = 0; k < depth; k++) {
            float by = e[k * lde + (size_t)id[i]];
            for (c = 0; c < HRQ__PATH_BLOCK; c++) sum[c] += by * f[k * HRQ__PATH_BLOCK + c];
        }
        memcpy(out + (size_t)id[i] * HRQ__PATH_BLOCK, sum, sizeof sum);
    }
}

/* ---- reading of rANS, see [14i] ---- */

    #define HRQ__RANS_BITS 12
enum {
    HRQ__RANS_RANGE = 1 << HRQ__RANS_BITS,
    HRQ__RANS_K = 33,
    HRQ__RANS_ZERO = 64, /* what a slot says for a value 0 */
    HRQ__RANS_ESCAPE = 128,
    HRQ__RANS_LIMIT = 16383
};

/* Frequencies of one class: symbol s (0 ... 2 K - half the values -K ... K - half, then the escape) has [start[s],
   start[s + 1]). */
typedef struct hrq__rans_model {
    unsigned shift;
    int32_t k, half; /* half 1: values are off the grid by a half */
    uint16_t start[2 * HRQ__RANS_K + 3];
} hrq__rans_model;

/* One writer or reader. Words grow down from the end when writing: symbols go in last to first. */
typedef struct hrq__rans {
    uint32_t state[64];
    size_t lanes;
    uint8_t *at;          /* writing: lowest word written; reading: next word */
    const uint8_t *bound; /* writing: lowest address allowed; reading: end    */
    int bad;
} hrq__rans;

/* What a column is read by. */
typedef struct hrq__rans_args {
    const hrq__rans_model *model[2]; /* by q, the state's lowest bit; without a trellis [0] alone. Not of class 0 */
    const uint8_t *parity;           /* [2] of the trellis, see hrq__stream_next; NULL: none */
    int32_t limit;                   /* most of |k| */
    uint32_t *slot;                  /* [2 HRQ__RANS_RANGE + 8] work */
    int filled;                      /* slot has the models already */
    const uint8_t (*spread)[16];     /* [256] where the next words go, by the set of 8 places that take one: bytes of
                                        a shuffle, 128 for places that take none */
} hrq__rans_args;

/* All that a state's low bits say that are a symbol's first: frequency, distance to the first (12 bits each),
   HRQ__RANS_ZERO + value or HRQ__RANS_ESCAPE. */
HRQ__INLINE uint32_t hrq__rans_slot(const hrq__rans_model *m, int32_t s)
{
    int32_t says = s < 2 * m->k + 1 - m->half ? HRQ__RANS_ZERO + s - m->k : HRQ__RANS_ESCAPE;
    return (uint32_t)says << 24 | ((uint32_t)m->start[s + 1] - m->start[s]);
}

HRQ__INLINE void hrq__rans_slots(uint32_t *slot, const hrq__rans_model *m)
{
    int32_t s;
    uint32_t x;
    for (s = 0; s < 2 * m->k + 2 - m->half; s++) {
        uint32_t says = hrq__rans_slot(m, s);
        for (x = m->start[s]; x < m->start[s + 1]; x++, says += HRQ__RANS_RANGE) slot[x] = says;
    }
}

/* On to the state of frequency * high bits + rest; a word where it falls below 2^16. No branch on that: it would be
   guessed wrong for a word in four. */
HRQ__INLINE void hrq__rans_advance(hrq__rans *c, size_t lane, uint32_t freq, uint32_t rest)
{
    uint32_t x = freq * (c->state[lane] >> HRQ__RANS_BITS) + rest, take = 0u - (uint32_t)(x < 0x10000u);
    if (c->bound - c->at >= 2) {
        x = x << (take & 16) | (hrq__get16(c->at) & take);
        c->at += take & 2;
    } else if (take) {
        c->bad = 1;
        x |= 0x10000u;
    }
    c->state[lane] = x;
}

/* n bits as they were put, 12 at a time. */
HRQ__INLINE uint32_t hrq__rans_get_raw(hrq__rans *c, size_t lane, unsigned n)
{
    uint32_t v = 0;
    unsigned done, now;
    for (done = 0; done < n; done += now) {
        uint32_t x = c->state[lane] & (HRQ__RANS_RANGE - 1);
        now = n - done < 12 ? n - done : 12;
        v |= x >> (HRQ__RANS_BITS - now) << done;
        hrq__rans_advance(c, lane, 1u << (HRQ__RANS_BITS - now), x & ((1u << (HRQ__RANS_BITS - now)) - 1));
    }
    return v;
}

/* An escape's value. */
static int32_t hrq__rans_get_far(hrq__rans *c, const hrq__rans_model *m, size_t lane)
{
    unsigned bits = hrq__rans_get_raw(c, lane, 4);
    int32_t high = m->k + (int32_t)((1u << bits) + hrq__rans_get_raw(c, lane, bits));
    return hrq__rans_get_raw(c, lane, 1) ? -high : high - m->half;
}

HRQ__INLINE int32_t hrq__rans_get_value(hrq__rans *c, const hrq__rans_model *m, const uint32_t *slot, size_t lane,
                                        int32_t limit)
{
    uint32_t says = slot[c->state[lane] & (HRQ__RANS_RANGE - 1)];
    int32_t k = (int32_t)(says >> 24) - HRQ__RANS_ZERO;
    hrq__rans_advance(c, lane, says & (HRQ__RANS_RANGE - 1), says >> HRQ__RANS_BITS & (HRQ__RANS_RANGE - 1));
    if (k == HRQ__RANS_ESCAPE - HRQ__RANS_ZERO) {
        hrq__rans rare = *c; /* whose address goes out; that of *c does not, and its words stay in registers */
        k = hrq__rans_get_far(&rare, m, lane);
        *c = rare;
    }
    if (m->shift)
        k = k * (1 << m->shift) + (int32_t)hrq__rans_get_raw(c, lane, m->shift) - (1 << (m->shift - 1));
    c->bad |= k > limit || k < -limit;
    return k;
}

/* Bit i - 1 of the next state is s_i ^ a_i s_0 ^ b_i (k & 1), a and b parity[0] and parity[1] from i = 1 on. */
HRQ__INLINE unsigned hrq__stream_next(const uint8_t parity[2], unsigned state, unsigned k)
{
    return state >> 1 ^ ((0u - (state & 1)) & parity[0]) ^ ((0u - (k & 1)) & parity[1]);
}

/* Rows from ... to - 1 of rans_column, by slots that are there. */
HRQ__INLINE void hrq__rans_rows(int16_t *z, uint8_t *state, size_t from, size_t to, hrq__rans *c,
                                const hrq__rans_args *a)
{
    hrq__rans own = *c;
    size_t r;
    for (r = from; r < to && !own.bad; r++) {
        unsigned q = a->parity ? state[r] & 1u : 0;
        const uint32_t *slot = a->slot + q * HRQ__RANS_RANGE;
        int32_t k = hrq__rans_get_value(&own, a->model[q], slot, r & (own.lanes - 1), a->limit);
        z[r] = (int16_t)(own.bad ? 0 : a->parity ? 2 * k + (int32_t)q : k);
        if (a->parity) state[r] = (uint8_t)hrq__stream_next(a->parity, state[r], (unsigned)k);
    }
    *c = own;
}

/* rans_column: a column's values, row r by lane r mod c->lanes.
     z          [n] out: k; along a trellis 2 k + q
     state      [n] in and out: of the trellis, by row; NULL without one
     c          moved on, reads no byte outside; bad: a word is missing or |k| > limit, z and state end in that row
     EXACT */
static void hrq__rans_column_scalar(int16_t *z, uint8_t *state, size_t n, hrq__rans *c, const hrq__rans_args *a)
{
    if (!a->filled) hrq__rans_slots(a->slot, a->model[0]);
    if (!a->filled && a->parity) hrq__rans_slots(a->slot + HRQ__RANS_RANGE, a->model[1]);
    hrq__rans_rows(z, state, 0, n, c, a);
}

/* ---- plane rotations, see hrq_basis ---- */

/* Rotations of a basis as they lie there: p, q u32, c, s f32; and in which places. */
typedef struct hrq__rotations {
    const uint8_t *first;
    size_t count;
    const uint8_t *perm; /* u32: p and q stand for places perm[p], perm[q] */
    int inverse;         /* from the last to the first, with -s */
} hrq__rotations;

typedef struct hrq__rotation {
    float *p, *q; /* 16 floats each */
    float c, s;
} hrq__rotation;

HRQ__INLINE hrq__rotation hrq__rotation_at(float *y, const hrq__rotations *by, size_t i)
{
    const uint8_t *at = by->first + (by->inverse ? by->count - 1 - i : i) * 16;
    hrq__rotation r;
    r.p = y + (size_t)hrq__get32(by->perm + 4 * (size_t)hrq__get32(at)) * HRQ_PANEL;
    r.q = y + (size_t)hrq__get32(by->perm + 4 * (size_t)hrq__get32(at + 4)) * HRQ_PANEL;
    r.c = hrq__float_of(hrq__get32(at + 8));
    r.s = hrq__float_of(hrq__get32(at + 12) ^ (by->inverse ? 0x80000000u : 0));
    return r;
}

/* rotate: rotations of 16 rows side by side.
     y          [places][16] in and out: p = c p - s q and q = c q + s p, of what both were; products and sums rounded
     BITWISE */
static void hrq__rotate_scalar(float *y, const hrq__rotations *by)
{
    size_t i, row;
    for (i = 0; i < by->count; i++) {
        hrq__rotation r = hrq__rotation_at(y, by, i);
        float p[HRQ_PANEL], q[HRQ_PANEL];
        memcpy(p, r.p, sizeof p);
        memcpy(q, r.q, sizeof q);
        for (row = 0; row < HRQ_PANEL; row++) r.q[row] = r.c * q[row] + r.s * p[row];
        for (row = 0; row < HRQ_PANEL; row++) r.p[row] = r.c * p[row] - r.s * q[row];
    }
}

/* One row a kernel set; the columns are the contracts above. */
typedef struct hrq__kernels {
    const char *isa;
    unsigned need; /* what the machine must have: bits of hrq__isa_have */
    unsigned flip; /* of the bytes in tiles                             */
    void (*prepare)(uint8_t *maps, int codec,
                    const hrq__decode_args *args); /* once before many decodes; may be NULL */
    size_t (*decode[HRQ__CODECS])(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                  const hrq__decode_args *args); /* by codec; plain has none */
    size_t (*one[HRQ__CODECS])(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *args,
                               const hrq__vectors *x, const hrq__groups *g); /* by codec, or NULL */
    void (*dot_s8)(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth, const hrq__vectors *x);
    void (*dot_groups)(float *total, const uint8_t *tile, size_t panels, size_t depth, const hrq__vectors *x,
                       const hrq__groups *g);
    void (*scales)(float *out, const uint8_t *p, size_t n, int kind, const uint8_t *tops);
    void (*tops)(uint8_t tops[HRQ_PANEL], const uint8_t *p, size_t n);
    void (*finish)(float *y, size_t ldy, const void *sum, int integers, size_t rows, const float *scale,
                   const float *x, size_t n);
    void (*tile_f32)(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip);
    void (*dot_f32)(float *acc, const float *w, const float *x, size_t ldx, size_t n, size_t depth);
    void (*fma_tile)(float *c, size_t ldc, const float *a, const float *b, size_t depth);
    size_t fma_m, fma_n; /* shape of fma_tile */
    void (*extents)(float *lo, float *hi, const float *x, size_t n, size_t group);
    float (*dot16)(const float *x, const float *y, size_t n, float scale);
    float (*sum16)(const float *x, size_t n, float scale);
    void (*code_int)(uint8_t *out, const float *x, size_t n, const hrq__code_args *a);
    void (*code_float)(uint8_t *out, const float *x, size_t n, const hrq__code_args *a);
    size_t (*pack)(uint8_t *planes, size_t lane_bytes, const uint8_t *codes, size_t ld, size_t cols8, unsigned shift,
                   unsigned bits);
    void (*group_scales)(uint16_t *h, const float *scale, size_t n, float top, int nearest);
    void (*norms)(hrq__norm *norm, const float *row, const float *group);
    void (*act_s8)(int8_t *out, int32_t *sums, const float *x, size_t n, hrq__norm norm);
    void (*hadamard)(float *x, size_t n, float scale, int flip, uint64_t seed, size_t at);
    void (*paley)(float *x, size_t order, size_t stride, const float *conference, float scale);
    size_t (*code_e8)(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                      const hrq__e8_args *c);
    void (*trellis_metric)(uint8_t *metric, const int16_t *x, size_t n, const hrq__trellis_args *args);
    void (*trellis_advance)(uint8_t *path, uint8_t *chosen, const uint8_t *metric, size_t n, int oldest,
                            const hrq__trellis_args *args);
    size_t (*code_box)(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                       const hrq__box_args *c);
    void (*tile_upper)(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip);
    void (*axpy)(float *y, const float *w, const float *p, size_t step, size_t n);
    hrq__int_fit (*int_error)(const float *x, size_t n, hrq__norm norm, hrq__int_range range);
    float (*float_error)(hrq__small type, const float *x, size_t n, hrq__norm norm);
    void (*signs)(float *x, size_t n, uint64_t seed);
    void (*scale_rows)(float *out, size_t ld, const float *tile, size_t n, const float *scale);
    void (*wants)(float *want, const float *lo, const float *hi, size_t n, int how, float steps, hrq__norm norm);
    void (*zeros)(uint8_t *zero, const float *lo, const uint16_t *h, size_t n, float row, hrq__int_range range,
                  int32_t offset);
    void (*path_column)(const hrq__path_args *a);
    void (*path_trace)(float *error, int32_t *root, const int32_t *link, const float *w, const float *value,
                       size_t cells, size_t width);
    void (*path_feed)(float *out, const float *in, const int32_t *id, const int32_t *from, size_t n, const float *e,
                      size_t lde, const float *f, size_t depth);
    void (*rans_column)(int16_t *z, uint8_t *state, size_t n, hrq__rans *c, const hrq__rans_args *a);
    void (*rotate)(float *y, const hrq__rotations *by);
} hrq__kernels;

    /* The last columns of a row without kernels of its own for them. */
    #define HRQ__ENCODE_SCALAR \
        hrq__extents_scalar, hrq__dot16_scalar, hrq__sum16_scalar, hrq__code_int_scalar, \
        hrq__code_float_scalar, hrq__pack_scalar, hrq__group_scales_scalar, hrq__norms_scalar, \
        hrq__act_s8_scalar, hrq__hadamard_scalar, hrq__paley_scalar, hrq__code_e8_scalar
    #define HRQ__TRELLIS_SCALAR hrq__trellis_metric_scalar, hrq__trellis_advance_scalar
    #define HRQ__FLOATS_SCALAR  hrq__tile_upper_scalar, hrq__axpy_scalar
    #define HRQ__ERRORS_SCALAR \
        hrq__int_error_scalar, hrq__float_error_scalar, hrq__signs_scalar, hrq__scale_rows_scalar, \
        hrq__wants_scalar, hrq__zeros_scalar
    #define HRQ__PATH_SCALAR hrq__path_column_scalar, hrq__path_trace_scalar, hrq__path_feed_scalar

    #ifdef HRQ__SIMD
        #include "hrq_simd.h"
    #elif !defined(HRQ__TABLE_APART)
        #define HRQ__SIMD_ROWS
static unsigned hrq__isa_have(void) { return 0; }
    #endif
    #ifdef HRQ__TABLE_APART
extern const hrq__kernels *const hrq__kernel_table;
extern const size_t hrq__kernel_rows;
unsigned hrq__isa_have(void);
    #else
// clang-format off
static const hrq__kernels hrq__kernel_table[] = {
    {"scalar", 0, 0, NULL,
     {NULL, NULL, hrq__decode_int_scalar, hrq__decode_table_scalar, hrq__decode_voronoi_scalar, hrq__decode_box_scalar,
      hrq__decode_trellis_scalar, hrq__decode_int_scalar, hrq__decode_column_scalar},
     {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
     hrq__dot_s8_scalar, hrq__dot_groups_scalar, hrq__scales_scalar, hrq__tops_scalar, hrq__finish_scalar,
     hrq__tile_f32_scalar, hrq__dot_f32_scalar, hrq__fma_tile_scalar, HRQ__FMA_M, HRQ__FMA_N,
     HRQ__ENCODE_SCALAR, HRQ__TRELLIS_SCALAR, hrq__code_box_scalar, HRQ__FLOATS_SCALAR,
     HRQ__ERRORS_SCALAR, HRQ__PATH_SCALAR, hrq__rans_column_scalar, hrq__rotate_scalar},
    HRQ__SIMD_ROWS
};
// clang-format on
static const size_t hrq__kernel_rows = sizeof hrq__kernel_table / sizeof hrq__kernel_table[0];
    #endif

/* All cols8 columns of a panel, by the kernels and where they do not reach by the scalar ones. */
static void hrq__decode_run(const hrq__kernels *kernels, int codec, uint8_t *lo, uint8_t *hi, const uint8_t *codes,
                            size_t cols8, const hrq__decode_args *args)
{
    size_t done, at = 0;
    while (cols8 > 0) {
        uint8_t *high = hi ? hi + at : NULL;
        done = kernels->decode[codec](lo + at, high, codes, cols8, args);
        if (done == 0) done = hrq__kernel_table[0].decode[codec](lo + at, high, codes, cols8, args);
        at += done / 4 * args->stride;
        codes += done / 8 * args->lane_bytes;
        cols8 -= done;
    }
}

/* The same of sic's integers, whose more than 8 bits kernels do not have: the upper 8 and the rest, which lie apart, as
   tiles of their own, then both together. */
static void hrq__decode_wide(const hrq__kernels *kernels, uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                             const hrq__decode_args *args)
{
    enum { QUAD = 4 * HRQ_PANEL };
    HRQ__ALIGNED uint8_t low[8 * QUAD], high[8 * QUAD];
    hrq__decode_args part = *args;
    size_t at, n, i, j;
    unsigned rest = args->code_bits - 8, flip = args->flip, over = 1u << (rest - 1), offset = 128u << rest;
    part.stride = QUAD;
    part.clamp = 127;
    for (at = 0; at < cols8; at += n) {
        n = hrq__min_size(cols8 - at, 32);
        part.code_bits = rest;
        hrq__decode_run(kernels, HRQ__CODEC_SIC, low, NULL, codes, n, &part);
        codes += n * 2 * rest;
        part.code_bits = 8;
        hrq__decode_run(kernels, HRQ__CODEC_SIC, high, NULL, codes, n, &part);
        codes += n * 2 * 8;
        for (i = 0; i < n / 4; i++, lo += args->stride, hi += args->stride) {
            uint8_t to[2][QUAD]; /* nobody else's: compilers make vectors of the loop */
            uint16_t v[QUAD];
            for (j = 0; j < QUAD; j++) v[j] = (uint16_t)(high[i * QUAD + j] ^ flip ^ 128);
            for (j = 0; j < QUAD; j++) v[j] = (uint16_t)((v[j] << rest) + (uint8_t)((low[i * QUAD + j] ^ flip) + over));
            for (j = 0; j < QUAD; j++) {
                uint16_t code = (uint16_t)(v[j] - offset);
                to[0][j] = (uint8_t)(code ^ flip);
                to[1][j] = (uint8_t)((uint16_t)(code + 128) >> 8 ^ flip);
            }
            memcpy(lo, to[0], QUAD);
            memcpy(hi, to[1], QUAD);
        }
    }
}

/* All that a build may have, in the order in which a limit takes away. */
static const char *const hrq__isa_names[] = {"scalar", "neon",     "neon_dotprod", "neon_i8mm",
                                             "avx2",   "avx2vnni", "avx512",       "avx512vnni"};
enum { HRQ__ISAS = sizeof hrq__isa_names / sizeof hrq__isa_names[0] };

static int hrq__isa_index(const char *isa)
{
    int i;
    for (i = 0; i < HRQ__ISAS; i++)
        if (strcmp(isa, hrq__isa_names[i]) == 0) return i;
    return -1;
}

/* The last row that machine and limit allow. */
static int hrq__isa_row(unsigned have, int limit)
{
    int i = (int)hrq__kernel_rows;
    while (--i > 0 && ((hrq__kernel_table[i].need & ~have) || hrq__isa_index(hrq__kernel_table[i].isa) > limit)) {}
    return i;
}

/* 1 + the row in use; 0: not asked yet. The library's only state: one word, set to the same value by whoever comes
   first. */
static int hrq__isa_chosen;

    #if defined(__GNUC__) || defined(__clang__)
        #define HRQ__LOAD(word)         __atomic_load_n(&(word), __ATOMIC_RELAXED)
        #define HRQ__STORE(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELAXED)
    #else
        #define HRQ__LOAD(word)         (word)
        #define HRQ__STORE(word, value) ((word) = (value))
    #endif

HRQ_API hrq_status hrq_isa_limit(const char *isa)
{
    int i = isa ? hrq__isa_index(isa) : -1;
    if (i < 0) return HRQ_ERR_ARG;
    HRQ__STORE(hrq__isa_chosen, 1 + hrq__isa_row(hrq__isa_have(), i));
    return HRQ_OK;
}

/* A name in HRQ_ISA that is none limits nothing. */
static const hrq__kernels *hrq__kernels_now(void)
{
    int chosen = HRQ__LOAD(hrq__isa_chosen), limit = HRQ__ISAS;
    if (chosen == 0) {
    #ifndef HRQ_NO_STDLIB
        const char *isa = getenv("HRQ_ISA");
        if (isa && hrq__isa_index(isa) >= 0) limit = hrq__isa_index(isa);
    #endif
        chosen = 1 + hrq__isa_row(hrq__isa_have(), limit);
        HRQ__STORE(hrq__isa_chosen, chosen);
    }
    return &hrq__kernel_table[chosen - 1];
}

HRQ_API const char *hrq_isa_text(void) { return hrq__kernels_now()->isa; }

/* Planes of all cols8 columns of a panel, by the kernels and where they do not reach by the scalar one. */
static void hrq__pack_run(const hrq__kernels *kernels, uint8_t *planes, size_t lane_bytes, const uint8_t *codes,
                          size_t ld, size_t cols8, unsigned shift, unsigned bits)
{
    size_t done;
    for (; cols8 > 0; cols8 -= done, codes += done, planes += done / 8 * lane_bytes) {
        done = kernels->pack(planes, lane_bytes, codes, ld, cols8, shift, bits);
        if (done == 0) done = hrq__pack_scalar(planes, lane_bytes, codes, ld, cols8, shift, bits);
    }
}

/* ---- scans ---- */

/* Number of NaN and infinities in a matrix. */
static size_t hrq__nonfinite(const float *x, size_t rows, size_t cols, size_t ld)
{
    const hrq__kernels *kernels = hrq__kernels_now();
    size_t r, c, bad = 0;
    float lo, hi;
    for (r = 0; r < rows && cols > 0; r++) {
        kernels->extents(&lo, &hi, x + r * ld, cols, cols);
        for (c = 0; c < cols && !(hrq__finite(lo) && hrq__finite(hi)); c++) bad += !hrq__finite(x[r * ld + c]);
    }
    return bad;
}

/* Largest magnitude of finite numbers. */
static float hrq__absmax(const float *x, size_t n)
{
    float lo = 0.0f, hi = 0.0f;
    if (n > 0) hrq__kernels_now()->extents(&lo, &hi, x, n, n);
    return -lo > hi ? -lo : hi;
}

static float hrq__dot16(const float *x, const float *y, size_t n, float scale)
{
    return hrq__kernels_now()->dot16(x, y, n, scale);
}

//==================================================================================================
//  [7i] Scalar quantizers  INT: signed-max, absmax, least squares, zero points; floats; MX and NV block scales
//  uses: 3, 5, 6
//==================================================================================================

/* Scales are rounded up in magnitude, so that nothing they cover overflows, or to nearest (:mse), and stop at the
   largest finite one. A row scale is a normal bf16, or zero for a row of zeros: below 2^-126 the row is coarser. */
static uint16_t hrq__row_scale(float scale, int nearest)
{
    uint32_t u = hrq__bits_of(scale), mag = u & 0x7fffffffu,
             h = (mag + (nearest ? 0x7fff + (mag >> 16 & 1) : 0xffff)) >> 16;
    if (mag == 0) return 0;
    return (uint16_t)((u >> 16 & 0x8000u) | (h < 0x80u ? 0x80u : h > 0x7f7fu ? 0x7f7fu : h));
}

static hrq__int_range hrq__int_range_of(const hrq_format *f)
{
    hrq__int_range r;
    r.hi = (1 << (f->bits - 1)) - 1;
    r.lo = f->options & HRQ__OPT_SYM ? -r.hi : -r.hi - 1;
    return r;
}

/* Squared error of x[n] under a scale, in units of (1 / unit)^2; dot and energy in units of the scale. */
static hrq__int_fit hrq__int_try(const float *x, size_t n, float scale, float unit, hrq__int_range range)
{
    hrq__int_fit fit = hrq__kernels_now()->int_error(x, n, hrq__norm_of(scale), range);
    float s = scale * unit;
    fit.error = fit.error * s * s;
    return fit;
}

/* Least squared error over the scale, both signs: fourths of an octave down from the signed maximum, then eighths to
   thirty-seconds around the best, then the least-squares scale of the codes found. */
static float hrq__int_mse_scale(const float *x, size_t n, float start, hrq__int_range range)
{
    static const float down[4] = {1.0f, 0.840896415f, 0.707106781f, 0.594603558f}; /* 2^(-i/4) */
    static const float near[6] = {1.09050773f, 0.917004043f, 1.04427378f, 0.957603281f, 1.02189715f, 0.978572062f};
    float best = start, unit = fabsf(start), scale, error;
    hrq__int_fit fit, least = {0.0f, 0.0f, 0.0f}; /* least: that of the best scale */
    int sign, i;
    unit = unit >= 1.17549435e-38f && unit < 8e37f ? 1.0f / unit : 1.0f;
    for (sign = 0; sign < 2; sign++) {
        float low = 0.0f;
        for (i = 0; i < 24; i++) {
            scale = (sign ? -start : start) * down[i % 4] / (float)(1 << i / 4);
            fit = hrq__int_try(x, n, scale, unit, range);
            if (i == 0 || fit.error < low) low = fit.error;
            if ((sign == 0 && i == 0) || fit.error < least.error) {
                least = fit;
                best = scale;
            }
            if (fit.error > 2.0f * low) break;
        }
    }
    for (i = 0; i < 6; i++) {
        fit = hrq__int_try(x, n, best * near[i], unit, range);
        if (fit.error < least.error) {
            least = fit;
            best = best * near[i];
        }
    }
    error = least.error;
    for (i = 0; i < 2; i++) {
        scale = least.energy > 0.0f ? best * (least.dot / least.energy) : best;
        fit = hrq__int_try(x, n, scale, unit, range);
        if (!(fit.error < error)) break;
        least = fit;
        best = scale;
    }
    return best;
}

/* The scales that a format wants for groups of entries lo ... hi, before :mse; signed: the entry of largest magnitude
   takes the code -2^(bits - 1). */
static void hrq__int_wants(const hrq_format *f, float *scale, const float *lo, const float *hi, size_t n)
{
    hrq__int_range range = hrq__int_range_of(f);
    hrq__norm one = {1.0f, 1.0f};
    int how = f->options & HRQ__OPT_ASYM  ? HRQ__WANT_SPAN
              : f->options & HRQ__OPT_SYM ? HRQ__WANT_LARGEST
                                          : HRQ__WANT_SIGNED;
    int32_t steps = how == HRQ__WANT_SPAN ? range.hi - range.lo : how == HRQ__WANT_LARGEST ? range.hi : range.lo;
    hrq__kernels_now()->wants(scale, lo, hi, n, how, (float)steps, one);
}

/* ---- floats of 8 bits and less ---- */

/* Squared error of x[n] under a scale, in units of (1 / unit)^2. */
static float hrq__float_error(hrq__small type, const float *x, size_t n, float scale, float unit)
{
    float s = scale * unit;
    return hrq__kernels_now()->float_error(type, x, n, hrq__norm_of(scale)) * s * s;
}

    #define HRQ__FIT 256 /* groups fitted at a time */

HRQ__INLINE float hrq__float_top(hrq__small type) { return hrq__small_decode(type, type.top); }

/* The E8M0 scale of a block: the exponent of its largest entry less that of the type's largest number, so that
   entries up to 2^(1 - 2^-man) times the largest number saturate (OCP MX 1.0, section 6.3). top, most: these. */
HRQ__INLINE uint8_t hrq__float_e8m0(float top, float most)
{
    int at = (int)(hrq__bits_of(top) >> 23) - (int)(hrq__bits_of(most) >> 23) + 127;
    return (uint8_t)hrq__clampi(at, 0, 254);
}

/* :mse: of this, the next and the one before, the least error. */
static uint8_t hrq__float_e8m0_mse(hrq__small type, const float *x, size_t n, float top, int at)
{
    float error, unit = 1.0f / hrq__e8m0_decode((uint32_t)at), best;
    int chosen = at, e;
    if (!(top > 0.0f)) return (uint8_t)at;
    best = hrq__float_error(type, x, n, 1.0f / unit, unit);
    for (e = at - 1; e <= at + 1; e += 2) {
        if (e < 0 || e > 254) continue;
        error = hrq__float_error(type, x, n, hrq__e8m0_decode((uint32_t)e), unit);
        if (!(error < best)) continue;
        best = error;
        chosen = e;
    }
    return (uint8_t)chosen;
}

/* E4M3 scales of n blocks under their row's: largest entry to largest number. */
static void hrq__float_e4m3(uint8_t *code, hrq__small type, const float *lo, const float *hi, size_t n,
                            float row_scale)
{
    hrq__norm one = {1.0f, 1.0f};
    float want[HRQ__FIT];
    hrq__code_args args;
    memset(&args, 0, sizeof args);
    args.group = HRQ__FIT;
    args.norm = &one;
    args.type = hrq__small_of(4, 3);
    hrq__kernels_now()->wants(want, lo, hi, n, HRQ__WANT_LARGEST, hrq__float_top(type), hrq__norm_of(row_scale));
    hrq__kernels_now()->code_float(code, want, n, &args); /* a zero row: zeros */
}

/* :mse: the least error of a block at its code and five codes either way. */
static uint8_t hrq__float_e4m3_mse(hrq__small type, const float *x, size_t n, float top, uint32_t at, float row_scale)
{
    hrq__small scale = hrq__small_of(4, 3);
    float best, error, unit;
    uint32_t chosen = at, c;
    if (row_scale == 0.0f || top == 0.0f) return (uint8_t)at;
    unit = hrq__norm_of(top).pre;
    best = at ? hrq__float_error(type, x, n, hrq__small_decode(scale, at) * row_scale, unit) : (float)INFINITY;
    for (c = at > 5 ? at - 5 : 1; c <= at + 5 && c <= scale.top; c++) {
        error = hrq__float_error(type, x, n, hrq__small_decode(scale, c) * row_scale, unit);
        if (!(error < best)) continue;
        best = error;
        chosen = c;
    }
    return (uint8_t)chosen;
}

//==================================================================================================
//  [8i] Lattices           Voronoi codes Lambda / q Lambda of Z^n, D4, E8, hierarchies of them; the box code of E8
//  uses: 3, 5, 6
//
//  x      a block of 8 entries over the row's root mean square
//  beta_t = reach * multiple_t / (multiple_k q): scale t of a block; a point of beta_t Lambda is the value
//  y      doubled coordinates of a lattice point; the code is y's coset of q Lambda
//  layers y = y_0 + q (y_1 + q (...)), y_m in the cell of q Lambda: one code each; q below stands for q^layers then
//  z      dither, uniform over the cell of Lambda: the code is that of x / beta + z, z is subtracted on the way back
//
//  Encoding is done in 16-bit integers, as vector registers hold them: t = x / beta in 2^-F, F = 14 - ceil(log2 q),
//  saturated; the nearest point by hrq__e8_residual with half = 2^(F-1).
//==================================================================================================

typedef struct hrq__voronoi {
    int lattice, first;
    int32_t q, bound, half; /* bound: q^layers */
    unsigned k, layers;
    int16_t clamp;
    const int16_t *multiple; /* [16], ascending                    */
    float step;              /* value of one unit of an integer    */
    float beta[16];
    int quick; /* coded by hrq__e8_encode */
    hrq__e8_args e8;
} hrq__voronoi;

/* Scales of a block, by q up to 4, 16, 64, 256 and their number k: integer multiples of a common step, so that a
   decoded block is exact in integers. By lattice, k and ceil(log2 q) = 2 ... 8 the reach beta_k q, in sixteenths of the
   row's root mean square: at a larger q the cell holds less error and must reach further into the tail. Least error on
   iid Gaussians; `make -C bench scales` searches them again. */
// clang-format off
static const int16_t hrq__voronoi_multiple[4][16][16] = {
    {{1}, {7, 10}, {6, 8, 11}, {6, 8, 10, 13}, {6, 8, 10, 12, 15}, {9, 12, 14, 17, 20, 25},
     {9, 11, 13, 15, 18, 21, 25}, {4, 5, 6, 7, 8, 9, 10, 12}, {5, 6, 7, 8, 9, 10, 11, 13, 15},
     {4, 5, 6, 7, 8, 9, 10, 11, 13, 15}, {5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20},
     {5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 20}, {5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 20},
     {6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 21, 25}, {6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 21, 25},
     {6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 25}},
    {{1}, {2, 3}, {3, 4, 5}, {3, 4, 5, 6}, {15, 19, 22, 26, 32}, {9, 11, 13, 15, 17, 20}, {5, 6, 7, 8, 9, 10, 12},
     {12, 15, 17, 19, 21, 23, 26, 32}, {13, 15, 17, 19, 21, 23, 25, 28, 32}, {7, 9, 10, 11, 12, 13, 14, 15, 17, 20},
     {7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 20}, {7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20},
     {8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 25}, {8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 25},
     {8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 23, 25},
     {9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 25, 27, 32}},
    {{1}, {9, 14}, {7, 9, 13}, {7, 9, 11, 15}, {14, 17, 20, 24, 32}, {10, 12, 14, 16, 19, 25},
     {9, 11, 13, 14, 16, 19, 25}, {12, 14, 16, 18, 20, 22, 25, 32}, {9, 11, 12, 13, 14, 15, 17, 19, 25},
     {9, 11, 12, 13, 14, 15, 16, 18, 20, 25}, {8, 10, 11, 12, 13, 14, 15, 16, 18, 20, 25},
     {8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 25}, {10, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 25, 32},
     {10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 25, 32},
     {10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 26, 32},
     {9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 26, 32}},
    {{1}, {7, 12}, {5, 7, 11}, {6, 8, 10, 15}, {12, 15, 18, 22, 32}, {9, 11, 13, 15, 18, 25}, {5, 6, 7, 8, 9, 11, 15},
     {7, 8, 9, 10, 11, 12, 14, 20}, {7, 8, 9, 10, 11, 12, 13, 15, 20}, {10, 12, 13, 15, 16, 17, 18, 20, 23, 32},
     {10, 12, 13, 14, 15, 16, 17, 18, 20, 23, 32}, {10, 12, 13, 14, 15, 16, 17, 18, 19, 21, 23, 32},
     {9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 23, 32}, {9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 32},
     {9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 32},
     {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 26, 32}}};
static const uint8_t hrq__voronoi_reach[3][16][7] = {
    {{65, 74, 85, 95, 105, 117, 127}, {79, 90, 98, 110, 116, 130, 138}, {94, 95, 101, 116, 123, 138, 145},
     {101, 101, 108, 119, 125, 142, 149}, {108, 104, 110, 121, 129, 147, 153}, {114, 108, 111, 128, 135, 146, 153},
     {117, 111, 114, 130, 136, 148, 153}, {119, 117, 119, 128, 134, 152, 158}, {119, 114, 114, 131, 136, 149, 153},
     {134, 117, 119, 128, 134, 153, 157}, {143, 122, 122, 137, 138, 153, 157}, {142, 119, 119, 131, 135, 150, 155},
     {138, 129, 131, 137, 138, 153, 155}, {143, 127, 126, 140, 141, 153, 157}, {144, 125, 124, 138, 138, 150, 155},
     {144, 135, 135, 138, 143, 150, 155}},
    {{54, 60, 68, 77, 83, 92, 98}, {63, 70, 78, 86, 92, 102, 105}, {71, 73, 79, 90, 95, 106, 110},
     {79, 78, 83, 92, 98, 110, 112}, {82, 81, 86, 96, 101, 110, 116}, {86, 83, 87, 100, 103, 110, 116},
     {89, 86, 89, 103, 105, 114, 116}, {89, 90, 96, 98, 103, 112, 119}, {90, 86, 89, 101, 104, 111, 113},
     {101, 89, 94, 100, 105, 119, 117}, {106, 94, 94, 100, 105, 119, 121}, {106, 93, 93, 100, 105, 119, 120},
     {104, 102, 102, 104, 105, 119, 123}, {110, 97, 98, 107, 107, 114, 121}, {107, 97, 98, 103, 105, 114, 116},
     {107, 102, 104, 108, 111, 110, 114}},
    {{64, 71, 78, 86, 92, 100, 105}, {74, 81, 88, 97, 101, 111, 115}, {85, 83, 89, 100, 105, 116, 121},
     {90, 88, 94, 105, 110, 120, 126}, {93, 93, 95, 105, 110, 125, 125}, {100, 95, 95, 114, 110, 120, 124},
     {100, 98, 98, 114, 116, 126, 126}, {103, 103, 108, 112, 112, 129, 125}, {106, 97, 98, 114, 117, 121, 124},
     {110, 102, 105, 114, 116, 128, 132}, {127, 109, 107, 114, 117, 128, 132}, {122, 106, 107, 114, 117, 128, 132},
     {114, 115, 115, 116, 120, 135, 132}, {127, 111, 111, 121, 120, 128, 125}, {120, 107, 107, 116, 116, 125, 125},
     {120, 118, 118, 119, 120, 123, 125}}};
// clang-format on

/* The quick search, of E8 and powers of two: it squeezes into no scale but the largest, and does not look for the
   nearest point then. That costs 0.09 dB at q = 16, k = 4, best fit, but 0.3 at q = 4, 0.14 at k = 2 and 8, 0.35 at
   k = 16: so q of 16 and more with k of 3 and 4, or :first. */
static void hrq__voronoi_quick(hrq__voronoi *c, unsigned bits, float far)
{
    unsigned t;
    c->quick = c->lattice == HRQ__LATTICE_E8 && c->layers == 1 && !(c->q & (c->q - 1)) &&
               (c->first || (c->q >= 16 && c->k >= 3 && c->k <= 4));
    memset(&c->e8, 0, sizeof c->e8);
    c->e8.norm.pre = c->e8.norm.inv = 1.0f;
    c->e8.to_fixed = 32768.0f / far;
    c->e8.step = c->step;
    c->e8.bits = bits;
    c->e8.scales = c->k;
    c->e8.first = c->first;
    c->e8.clamp = c->clamp;
    c->e8.multiple = c->multiple;
    for (t = 0; t < c->k; t++) {
        int32_t m = c->multiple[t], top = c->multiple[c->k - 1], ratio = (16384 * top + m / 2) / m;
        while (ratio >> c->e8.shift[t] > 32767) c->e8.shift[t]++;
        c->e8.ratio[t] = (uint16_t)(ratio >> c->e8.shift[t]);
        c->e8.limit[t] = (uint16_t)(32768 * m / top);
        c->e8.weight[t] = (uint16_t)(65535 * m / top * m / top);
    }
}

/* The code of a valid format. Values take one int8 tile where they fit, or where what a clamp at 127 cuts off is far
   below the code's own error: 4 sigma at q = 16. */
static hrq__voronoi hrq__voronoi_of(const hrq_format *f)
{
    hrq__voronoi c;
    float far;
    unsigned t, twice, bits;
    int32_t top, largest;
    c.lattice = hrq__families[f->kind].lattice;
    c.first = (f->options & HRQ__OPT_FIRST) != 0;
    c.q = f->q;
    c.bound = (int32_t)hrq__format_points(f);
    c.layers = f->layers ? f->layers : 1;
    bits = hrq__bits_for((uint64_t)c.bound);
    c.half = 1 << (14 - bits - 1);
    c.k = f->scales;
    c.multiple = hrq__voronoi_multiple[(bits - 1) / 2][c.k - 1];
    top = c.multiple[c.k - 1];
    twice = c.lattice == HRQ__LATTICE_E8 ? 2 : 1;
    largest = (c.lattice == HRQ__LATTICE_ZN ? (c.bound + 1) / 2 : c.bound * (int32_t)twice) * top;
    c.clamp = (int16_t)(largest <= 127 || (c.bound <= 16 && c.k <= 4) ? 127 : 32767);
    far = (float)hrq__voronoi_reach[c.lattice][c.k - 1][bits - 2] / 16.0f;
    c.step = far / (float)(c.bound * top * (int32_t)twice);
    for (t = 0; t < c.k; t++) c.beta[t] = far * (float)c.multiple[t] / (float)(c.bound * top);
    hrq__voronoi_quick(&c, bits, far);
    return c;
}

/* How far out a block is: x lies in the Voronoi cell of beta q Lambda where gauge(x) <= beta q. Z^n: half a step each
   way. D4: its 24 shortest vectors, two entries of a half. E8': its 240 shortest vectors, two entries, or all eight
   with an odd number of minus signs. */
static float hrq__lattice_gauge(int lattice, const float x[8])
{
    float most[2] = {0.0f, 0.0f}, next[2] = {0.0f, 0.0f}, least = fabsf(x[0]), sum = 0.0f, two;
    int i, even = 1, h;
    for (i = 0; i < 8; i++) {
        float a = fabsf(x[i]);
        h = lattice == HRQ__LATTICE_D4 ? i / 4 : 0;
        if (a > most[h]) {
            next[h] = most[h];
            most[h] = a;
        } else if (a > next[h]) {
            next[h] = a;
        }
        least = a < least ? a : least;
        sum += a;
        even ^= x[i] < 0.0f;
    }
    if (lattice == HRQ__LATTICE_ZN) return 2.0f * most[0];
    two = most[0] + next[0] > most[1] + next[1] ? most[0] + next[0] : most[1] + next[1];
    sum = 0.5f * sum - (even ? least : 0.0f);
    return lattice == HRQ__LATTICE_D4 || two > sum ? two : sum;
}

/* What a block becomes. */
typedef struct hrq__voronoi_block {
    uint16_t digit[HRQ__LAYERS][8];
    unsigned index;
    int32_t value[8]; /* in steps, before the dither is taken off */
} hrq__voronoi_block;

/* Layers of a point; 1 where decoding gives the point back. What a layer's code stands for is taken off and the rest,
   a point of q Lambda, divided: ties cannot part encoder and decoder. */
static int hrq__voronoi_layers(const hrq__voronoi *c, const int32_t y[8], hrq__voronoi_block *out)
{
    int32_t rest[8], back[8], any = 0;
    unsigned layer;
    int i;
    memcpy(rest, y, sizeof rest);
    for (layer = 0; layer < c->layers; layer++) {
        hrq__lattice_digits(c->lattice, out->digit[layer], rest, c->q);
        hrq__voronoi_point(c->lattice, back, out->digit[layer], c->q);
        for (i = 0; i < 8; i++) rest[i] = (rest[i] - back[i]) / c->q;
    }
    for (i = 0; i < 8; i++) any |= rest[i];
    return any == 0;
}

/* One scale: nearest point of beta_t Lambda to x + dither, its code; 1 where decoding gives that point back. */
static int hrq__voronoi_try(const hrq__voronoi *c, unsigned t, const float x[8], const int32_t z[8], int32_t y[8],
                            hrq__voronoi_block *out)
{
    float to_fixed = (float)(2 * c->half) / c->beta[t];
    int32_t fixed[8], rest[8];
    int i;
    for (i = 0; i < 8; i++) {
        fixed[i] = hrq__round(hrq__clampf(x[i] * to_fixed, -32767.0f, 32767.0f));
        if (z) fixed[i] = hrq__clampi(fixed[i] + z[i], -32767, 32767);
    }
    hrq__lattice_residual(c->lattice, rest, fixed, c->half);
    for (i = 0; i < 8; i++) y[i] = (fixed[i] - rest[i]) / c->half;
    return hrq__voronoi_layers(c, y, out);
}

/* Dither of an entry in integer steps of the lattice, before the block's multiple: exact in float. */
HRQ__INLINE float hrq__voronoi_dither(const hrq__voronoi *c, int32_t z)
{
    return (float)z / (float)(c->lattice == HRQ__LATTICE_E8 ? c->half : 2 * c->half);
}

/* Uniform over the cell of the lattice, in fixed point: any point of a box that tiles, less its nearest. */
static void hrq__voronoi_draw(const hrq__voronoi *c, const uint16_t random[8], int32_t z[8])
{
    int32_t t[8];
    int i;
    for (i = 0; i < 8; i++) t[i] = random[i] & (4 * c->half - 1);
    hrq__lattice_residual(c->lattice, z, t, c->half);
}

/* Error of one entry of a block that is given by its values. */
HRQ__INLINE float hrq__voronoi_rest(const hrq__voronoi *c, unsigned t, const float x[8], const int32_t z[8],
                                    const int32_t value[8], int i)
{
    float v = (float)value[i];
    if (z) v -= hrq__voronoi_dither(c, z[i]) * (float)c->multiple[t];
    return x[i] - v * c->step;
}

static float hrq__voronoi_error(const hrq__voronoi *c, unsigned t, const float x[8], const int32_t z[8],
                                const int32_t y[8], int32_t value[8])
{
    float error = 0.0f, e;
    int i;
    for (i = 0; i < 8; i++)
        value[i] = hrq__clampi(hrq__lattice_count(c->lattice, y[i]) * c->multiple[t], -c->clamp, c->clamp);
    for (i = 0; i < 8; i++) {
        e = hrq__voronoi_rest(c, t, x, z, value, i);
        error += e * e;
    }
    return error;
}

/* The point that stands for a block which scale t does not hold. Z^n: each entry stops at the last point. D4, E8: it
   is drawn towards zero in quarters of a step until the cell holds it; at gauge q - 5/4 the nearest point, at most 1
   further, is inside for sure, and a dither is at most 1 too. Layers: their codes reach at least to half of the cell
   (arXiv 2505.13164), so steps are sixteenths of it. */
static void hrq__voronoi_squeeze(const hrq__voronoi *c, unsigned t, const float x[8], const int32_t z[8],
                                 int32_t y[8], hrq__voronoi_block *out)
{
    float gauge = hrq__lattice_gauge(c->lattice, x), in[8], quarter = 0.25f;
    int i, step;
    if (c->layers > 1 && c->bound > 4) quarter = (float)c->bound / 16.0f;
    if (c->lattice == HRQ__LATTICE_ZN && c->layers == 1) {
        hrq__voronoi_try(c, t, x, z, y, out);
        for (i = 0; i < 8; i++) y[i] = hrq__clampi(y[i], -(c->q / 2) * 2, (c->q + 1) / 2 * 2 - 2);
        hrq__voronoi_layers(c, y, out);
        return;
    }
    for (step = 0; step < 16; step++) {
        for (i = 0; i < 8; i++) in[i] = x[i] * (c->beta[t] * ((float)c->bound - quarter * (float)step) / gauge);
        if (hrq__voronoi_try(c, t, in, z, y, out)) return;
    }
}

/* The shortest lattice vector with the signs of r in entries i and j (8: in all by halves), doubled; 0 (false) where
   the lattice has none, or no point in that direction is nearer than the one that r is the rest of. */
static int hrq__voronoi_toward(const hrq__voronoi *c, unsigned t, const float r[8], int i, int j, int32_t v[8])
{
    float along = 0.0f;
    int k, least = 0, odd = 0;
    memset(v, 0, 8 * sizeof v[0]);
    if (j < 8) {
        v[i] = r[i] < 0.0f ? -2 : 2;
        v[j] = r[j] < 0.0f ? -2 : 2;
        return (c->lattice != HRQ__LATTICE_D4 || i / 4 == j / 4) && fabsf(r[i]) + fabsf(r[j]) > c->beta[t];
    }
    for (k = 0; k < 8; k++) {
        v[k] = r[k] < 0.0f ? -1 : 1;
        odd ^= r[k] < 0.0f;
        along += fabsf(r[k]);
        least = fabsf(r[k]) < fabsf(r[least]) ? k : least;
    }
    if (!odd) {
        v[least] = -v[least];
        along -= 2.0f * fabsf(r[least]);
    }
    return c->lattice == HRQ__LATTICE_E8 && i == 0 && along > 2.0f * c->beta[t];
}

/* Squeezing finds a point of the code, not the nearest: on to the best neighbour, while one is nearer. Worth 0.1 dB at
   q = 4, k = 4; 10 dB at 3^5 points a coordinate. */
static float hrq__voronoi_refine(const hrq__voronoi *c, unsigned t, const float x[8], const int32_t z[8],
                                 int32_t y[8], hrq__voronoi_block *out, float error)
{
    hrq__voronoi_block b;
    float r[8], e;
    int32_t next[8], best[8];
    int i, j, k, better = c->lattice != HRQ__LATTICE_ZN;
    while (better) {
        better = 0;
        for (i = 0; i < 8; i++) r[i] = hrq__voronoi_rest(c, t, x, z, out->value, i);
        b.index = t;
        for (i = 0; i < 8; i++)
            for (j = i + 1; j <= 8; j++) {
                if (!hrq__voronoi_toward(c, t, r, i, j, next)) continue;
                for (k = 0; k < 8; k++) next[k] += y[k];
                if (!hrq__voronoi_layers(c, next, &b)) continue;
                e = hrq__voronoi_error(c, t, x, z, next, b.value);
                if (!(e < error)) continue;
                error = e;
                *out = b;
                memcpy(best, next, sizeof best);
                better = 1;
            }
        if (better) memcpy(y, best, sizeof best);
    }
    return error;
}

/* Best fit squeezes into scales whose cell the block exceeds by a quarter at most: 0.1 dB at q = 16, 0.3 at q = 4. */
static int hrq__voronoi_near(const hrq__voronoi *c, unsigned t, const float x[8])
{
    return hrq__lattice_gauge(c->lattice, x) <= 1.25f * c->beta[t] * (float)c->bound;
}

static void hrq__voronoi_quickly(const hrq__voronoi *c, const float x[8], hrq__voronoi_block *out)
{
    hrq__e8_block b;
    int32_t fixed[8];
    int i;
    hrq__e8_fixed(&c->e8, x, 1, fixed);
    hrq__e8_encode(&c->e8, fixed, &b);
    memcpy(out->digit[0], b.digit, sizeof b.digit);
    out->index = b.index;
    for (i = 0; i < 8; i++) out->value[i] = hrq__e8_value(&c->e8, &b, i);
}

/* Encode a block: the scale of least error, or the first that holds it (:first). z: NULL without dither. From the
   largest scale down, so that what is squeezed has an error to beat: refined where it has up to twice that. */
static void hrq__voronoi_encode(const hrq__voronoi *c, const float x[8], const int32_t z[8], hrq__voronoi_block *out)
{
    float best = (float)INFINITY, error;
    hrq__voronoi_block b;
    int32_t y[8];
    if (c->quick && !z) {
        hrq__voronoi_quickly(c, x, out);
        return;
    }
    for (b.index = c->k; b.index-- > 0;) {
        int held = hrq__voronoi_try(c, b.index, x, z, y, &b);
        if (!held) {
            if (b.index + 1 < c->k && (c->first || z || !hrq__voronoi_near(c, b.index, x))) continue;
            hrq__voronoi_squeeze(c, b.index, x, z, y, &b);
        }
        error = hrq__voronoi_error(c, b.index, x, z, y, b.value);
        if (!held && error < 2.0f * best) error = hrq__voronoi_refine(c, b.index, x, z, y, &b, error);
        if (!(c->first && held) && !(error < best)) continue;
        best = error;
        *out = b;
    }
}

/* ---- the box code of E8 ----
   Labels n_i in 0 ... 2^b - 1, coset bit sum n_i mod 2 as in E8', and for each class and coset 2^b levels of its own
   instead of a lattice's: Lloyd's iteration bends them to the Gaussian. A class is to a block what a scale is to the
   codes above. `make -C bench boxes` searches the levels again. */

// clang-format off
/* [classes - 1 + class][coset][label] */
static const int8_t hrq__box_level2[15][2][4] = {
    {{-126, -44, 15, 79},
     {-78, -14, 45, 127}},
    {{-85, -31, 11, 56},
     {-55, -10, 32, 86}},
    {{-127, -42, 13, 75},
     {-77, -14, 41, 127}},
    {{-78, -34, 1, 38},
     {-38, 1, 39, 88}},
    {{-52, -16, 19, 57},
     {-66, -14, 25, 79}},
    {{-91, -29, 14, 65},
     {-57, -4, 46, 127}},
    {{-126, -48, 0, 49},
     {-100, -26, 24, 102}},
    {{-66, -30, 1, 33},
     {-43, -15, 14, 42}},
    {{-58, -8, 37, 87},
     {-58, -22, 20, 61}},
    {{-57, -15, 13, 54},
     {-32, -1, 29, 63}},
    {{-85, -30, 8, 49},
     {-29, 7, 44, 94}},
    {{-76, -12, 25, 66},
     {-79, -34, 8, 72}},
    {{-96, -46, -8, 29},
     {-47, -8, 26, 81}},
    {{-126, -45, 2, 49},
     {-46, 1, 47, 127}},
    {{-107, -26, 19, 78},
     {-77, -18, 26, 106}}};
/* [classes - 1 + class][coset][label] */
static const int8_t hrq__box_level3[15][2][8] = {
    {{-127, -72, -42, -17, 6, 30, 57, 93},
     {-93, -56, -29, -5, 18, 43, 73, 127}},
    {{-77, -49, -29, -11, 6, 24, 44, 68},
     {-62, -38, -19, -2, 15, 33, 55, 85}},
    {{-126, -84, -46, -20, 3, 26, 53, 97},
     {-99, -59, -31, -8, 14, 38, 68, 122}},
    {{-70, -47, -29, -13, 1, 15, 31, 51},
     {-60, -38, -21, -6, 9, 26, 45, 70}},
    {{-85, -50, -28, -10, 6, 22, 40, 63},
     {-53, -33, -16, 0, 16, 35, 57, 83}},
    {{-96, -63, -36, -14, 6, 26, 50, 91},
     {-72, -42, -21, -2, 17, 37, 64, 104}},
    {{-127, -76, -43, -20, 0, 21, 45, 79},
     {-105, -56, -29, -7, 14, 37, 66, 127}},
    {{-57, -37, -21, -7, 6, 19, 34, 51},
     {-41, -28, -16, -4, 9, 24, 40, 58}},
    {{-63, -44, -26, -12, 1, 14, 27, 43},
     {-48, -30, -14, 0, 14, 29, 48, 68}},
    {{-79, -54, -33, -16, -1, 13, 28, 45},
     {-52, -36, -21, -7, 7, 21, 37, 74}},
    {{-72, -49, -28, -11, 4, 19, 34, 57},
     {-67, -38, -21, -5, 11, 29, 52, 79}},
    {{-86, -44, -24, -7, 10, 28, 50, 85},
     {-55, -31, -14, 2, 18, 37, 60, 88}},
    {{-90, -60, -33, -14, 3, 20, 40, 66},
     {-68, -37, -16, 2, 21, 42, 67, 102}},
    {{-105, -65, -40, -21, -4, 13, 32, 61},
     {-100, -50, -26, -8, 9, 27, 49, 102}},
    {{-125, -73, -44, -20, 1, 20, 43, 75},
     {-78, -45, -23, -5, 14, 36, 65, 126}}};
/* [classes - 1 + class][coset][label] */
static const int8_t hrq__box_level4[15][2][16] = {
    {{-126, -86, -66, -51, -38, -27, -17, -7, 3, 12, 22, 33, 45, 58, 75, 101},
     {-101, -75, -58, -44, -32, -22, -12, -2, 7, 17, 27, 38, 51, 66, 86, 126}},
    {{-79, -62, -50, -40, -31, -22, -14, -6, 2, 9, 17, 25, 34, 43, 54, 68},
     {-69, -56, -45, -35, -26, -18, -10, -2, 5, 13, 21, 29, 38, 48, 60, 78}},
    {{-127, -94, -73, -54, -40, -29, -18, -8, 2, 12, 23, 35, 48, 64, 86, 106},
     {-107, -87, -63, -47, -35, -24, -13, -3, 7, 17, 29, 41, 55, 73, 93, 127}},
    {{-64, -50, -41, -33, -25, -18, -11, -4, 3, 9, 15, 21, 28, 36, 45, 56},
     {-55, -45, -36, -28, -21, -14, -7, -1, 5, 11, 18, 25, 33, 41, 49, 69}},
    {{-78, -60, -48, -38, -29, -21, -13, -6, 1, 8, 15, 22, 30, 40, 53, 64},
     {-71, -55, -42, -32, -24, -16, -9, -2, 5, 12, 20, 29, 38, 49, 61, 76}},
    {{-95, -74, -58, -45, -34, -25, -16, -8, 0, 8, 16, 25, 34, 45, 59, 88},
     {-87, -67, -52, -40, -30, -20, -11, -3, 5, 14, 23, 32, 42, 54, 72, 96}},
    {{-123, -83, -62, -47, -35, -24, -14, -4, 5, 14, 24, 34, 46, 61, 80, 108},
     {-106, -67, -50, -38, -27, -18, -9, 0, 9, 18, 27, 38, 51, 67, 83, 126}},
    {{-59, -45, -34, -27, -20, -14, -8, -2, 4, 9, 15, 21, 27, 34, 41, 48},
     {-43, -37, -30, -24, -18, -12, -7, -2, 4, 10, 16, 22, 28, 36, 45, 55}},
    {{-63, -47, -39, -30, -23, -16, -10, -4, 1, 7, 12, 18, 24, 31, 39, 52},
     {-50, -36, -29, -22, -16, -10, -4, 1, 6, 12, 18, 24, 30, 37, 47, 65}},
    {{-71, -49, -40, -33, -26, -19, -13, -6, 0, 6, 12, 19, 26, 33, 42, 59},
     {-54, -41, -33, -25, -19, -12, -6, 0, 6, 12, 19, 26, 33, 42, 53, 69}},
    {{-79, -54, -44, -34, -26, -18, -11, -5, 2, 9, 15, 22, 30, 39, 50, 61},
     {-56, -47, -37, -28, -20, -13, -6, 1, 8, 15, 22, 30, 38, 45, 57, 79}},
    {{-85, -67, -42, -32, -23, -16, -9, -3, 3, 9, 16, 24, 32, 41, 49, 75},
     {-65, -53, -42, -31, -22, -15, -8, -1, 6, 13, 20, 28, 36, 45, 62, 86}},
    {{-94, -60, -50, -40, -29, -20, -11, -4, 3, 10, 17, 26, 35, 47, 60, 72},
     {-69, -56, -47, -36, -26, -17, -9, -2, 5, 12, 20, 28, 37, 51, 73, 93}},
    {{-103, -73, -58, -41, -31, -22, -14, -6, 1, 8, 17, 26, 37, 50, 65, 80},
     {-82, -63, -50, -36, -25, -16, -8, 0, 8, 16, 24, 34, 44, 56, 68, 107}},
    {{-117, -75, -61, -45, -32, -22, -13, -5, 3, 12, 21, 31, 43, 55, 66, 98},
     {-90, -75, -51, -37, -27, -19, -11, -3, 5, 13, 22, 32, 42, 53, 86, 123}}};
/* [bits - 2][log2 classes], in root mean squares of the row */
static const float hrq__box_step[3][4] = {{0.014672f, 0.017538f, 0.019916f, 0.022308f},
                                          {0.019327f, 0.022240f, 0.023612f, 0.025893f},
                                          {0.023753f, 0.025527f, 0.028050f, 0.031540f}};
// clang-format on

static hrq__box hrq__box_of(const hrq_format *f)
{
    unsigned log = hrq__bits_for(f->scales), at = 0, k;
    hrq__box c;
    for (k = 0; k < log; k++) at += 2u << (k + f->bits); /* tables of 1, 2, ... classes lie behind each other */
    c.bits = f->bits;
    c.classes = f->scales;
    c.step = hrq__box_step[f->bits - 2][log];
    c.level = (f->bits == 2   ? &hrq__box_level2[0][0][0]
               : f->bits == 3 ? &hrq__box_level3[0][0][0]
                              : &hrq__box_level4[0][0][0]) +
              at;
    return c;
}

/* Root mean square of a row, in range for entries of 1e+-38. */
static float hrq__rms(const float *x, size_t n)
{
    float top = hrq__absmax(x, n), scale = 1.0f;
    if (top == 0.0f) return 0.0f;
    while (top * scale < 5.9604645e-8f && scale < 1e36f) scale *= 16777216.0f; /* powers of 2^24: no square is lost */
    while (top * scale > 16777216.0f) scale *= 5.9604645e-8f;
    return sqrtf(hrq__dot16(x, x, n, scale) / (float)n) / scale;
}

//==================================================================================================
//  [9i] Trellis            hashed-window trellis codes: matrices and levels, 8-bit Viterbi search
//  uses: 2, 3, 5, 6
//
//  c_t    coded bit of step t; window = c_t, c_(t-1), ..., c_(t-S), the newest lowest; state: its S newest bits
//  level  T[raw bits, H window]: H of 5 or 6 rows hashes the window linearly, so neighbouring levels lie in different
//         cosets of the parities and the raw bits choose far apart. The lowest rows of H mix the past, the highest has
//         the newest and the oldest bit (Ungerboeck 1982). 16 or 32 times the alphabet of one weight, where the
//         classical trellis code has twice.
//  A row is four sequences, columns congruent mod 4; :col: a band of rows is one sequence a column. Windows wrap around
//  from a sequence's end to its start.
//
//  The search is in integers: x in 1 / multiplier of a level, squared errors over 2^15, path metrics in 8 bits:
//  0.001 - 0.003 bit are lost to that.
//==================================================================================================

typedef struct hrq__tcq {
    unsigned bits, states, parities;
    int32_t multiplier;
    float step;
    const uint16_t *hash; /* [parities] */
    const int8_t *upper;  /* [2^(bits - 2 + parities)] the levels n >= count / 2; T[count - 1 - n] = -T[n] */
} hrq__tcq;

// clang-format off
/* [bits - 2][states / 2 - 3][parity] */
static const uint16_t hrq__tcq_rows[3][5][6] = {
    {{46, 28, 20, 62, 89, 0},
     {184, 136, 76, 178, 341, 0},
     {398, 124, 372, 974, 1515, 0},
     {2994, 262, 1684, 3918, 6401, 0},
     {5640, 16370, 8082, 10148, 26143, 0}},
    {{42, 10, 50, 28, 34, 79},
     {244, 144, 64, 172, 230, 363},
     {976, 332, 400, 484, 914, 1733},
     {230, 1754, 1204, 3984, 3502, 6339},
     {15506, 10850, 15628, 7354, 10502, 20455}},
    {{8, 28, 4, 38, 109, 0},
     {80, 206, 134, 252, 333, 0},
     {90, 282, 604, 462, 1455, 0},
     {1412, 2534, 3308, 1522, 6247, 0},
     {8244, 4340, 2264, 12598, 27527, 0}}};
static const float hrq__tcq_step[3][5] = {
    {0.0204574335f, 0.0203962103f, 0.0203981157f, 0.0204705149f, 0.0204749573f},
    {0.025640415f, 0.0256899968f, 0.0255264286f, 0.0256392192f, 0.0257497486f},
    {0.0272027105f, 0.0273521226f, 0.0276144128f, 0.0277966745f, 0.0276429392f}};
static const uint8_t hrq__tcq_multiplier[3][5] = {
    {31, 31, 32, 32, 32},
    {68, 78, 70, 79, 72},
    {120, 124, 127, 129, 129}};
static const int8_t hrq__tcq_level2[5][32] = {
    {-1, 6, 6, 7, 13, 11, 10, 12, 21, 23, 22, 21, 30, 29, 29, 35, 36, 45, 44, 44, 52, 51, 52, 52, 68, 70, 68, 69, 93,
     93, 90, 127},
    {4, 1, 3, 7, 8, 13, 12, 14, 18, 21, 20, 24, 27, 34, 34, 32, 38, 37, 40, 43, 49, 51, 54, 53, 66, 66, 67, 74, 83,
     93, 97, 127},
    {3, 1, 5, 6, 8, 12, 13, 14, 18, 20, 23, 22, 26, 28, 33, 33, 37, 37, 43, 44, 51, 49, 49, 51, 63, 67, 68, 74, 80,
     90, 97, 127},
    {0, 4, 5, 2, 11, 9, 13, 15, 17, 21, 21, 22, 29, 31, 28, 32, 36, 38, 40, 41, 50, 49, 50, 56, 60, 64, 73, 68, 83,
     88, 97, 127},
    {-2, -1, 2, 6, 10, 10, 14, 14, 17, 20, 21, 23, 25, 29, 31, 34, 35, 37, 37, 43, 48, 50, 50, 52, 61, 62, 71, 72,
     77, 94, 93, 127}};
static const int8_t hrq__tcq_level3[5][128] = {
    {1, 1, 2, 1, 3, 3, 3, 4, 5, 6, 5, 4, 3, 6, 4, 6, 8, 9, 8, 10, 10, 9, 8, 9, 10, 10, 11, 11, 12, 12, 14, 14, 15,
     16, 15, 15, 18, 17, 17, 17, 19, 20, 19, 18, 18, 20, 18, 20, 22, 24, 23, 25, 24, 22, 23, 24, 25, 26, 26, 26, 28,
     26, 30, 30, 30, 31, 31, 30, 34, 32, 34, 32, 34, 37, 35, 36, 35, 37, 36, 36, 40, 43, 41, 42, 42, 41, 39, 44, 44,
     46, 44, 46, 49, 45, 49, 49, 49, 51, 57, 50, 56, 53, 56, 53, 57, 62, 59, 63, 60, 60, 60, 60, 73, 73, 72, 70, 67,
     73, 70, 79, 82, 87, 86, 85, 95, 101, 107, 127},
    {0, 1, 2, 1, 2, 2, 3, 3, 4, 3, 4, 5, 4, 5, 5, 6, 8, 9, 8, 9, 9, 11, 11, 9, 10, 11, 11, 11, 13, 11, 14, 14, 13,
     15, 17, 16, 15, 15, 17, 16, 16, 17, 17, 18, 19, 21, 19, 19, 22, 23, 22, 25, 25, 25, 26, 22, 24, 24, 25, 26, 27,
     26, 27, 29, 28, 30, 32, 30, 30, 33, 31, 33, 33, 33, 33, 34, 35, 35, 35, 36, 40, 40, 40, 42, 42, 42, 43, 40, 45,
     41, 44, 43, 44, 43, 46, 47, 51, 51, 51, 52, 48, 56, 55, 54, 55, 54, 58, 57, 60, 60, 62, 63, 67, 67, 69, 71, 70,
     71, 73, 77, 82, 81, 82, 89, 92, 98, 107, 127},
    {1, 0, 1, 1, 2, 1, 3, 4, 3, 3, 4, 5, 5, 5, 7, 4, 8, 8, 9, 8, 8, 9, 9, 10, 10, 10, 10, 13, 12, 14, 12, 13, 14, 13,
     15, 15, 15, 15, 16, 17, 18, 16, 17, 19, 18, 18, 21, 18, 22, 21, 22, 24, 22, 22, 23, 25, 24, 24, 26, 26, 26, 28,
     25, 28, 28, 28, 30, 29, 33, 30, 33, 33, 34, 31, 32, 33, 35, 33, 37, 34, 39, 37, 39, 41, 39, 40, 41, 40, 42, 41,
     44, 42, 45, 48, 46, 45, 49, 46, 52, 51, 51, 53, 51, 53, 54, 54, 54, 57, 62, 61, 62, 61, 63, 63, 65, 70, 68, 73,
     72, 74, 77, 81, 82, 87, 91, 97, 107, 127},
    {1, 0, 1, 3, 0, 2, 3, 1, 4, 5, 5, 4, 5, 5, 7, 5, 7, 7, 8, 8, 8, 9, 9, 9, 12, 12, 12, 12, 12, 12, 13, 14, 13, 14,
     14, 14, 15, 12, 16, 15, 16, 17, 19, 18, 19, 18, 20, 19, 22, 22, 22, 21, 21, 22, 22, 23, 25, 25, 24, 27, 26, 26,
     27, 27, 30, 27, 28, 30, 29, 31, 31, 32, 31, 32, 34, 34, 34, 34, 36, 36, 36, 37, 40, 38, 40, 38, 39, 41, 41, 45,
     43, 45, 44, 44, 43, 44, 49, 47, 49, 47, 54, 51, 51, 54, 51, 58, 56, 57, 56, 57, 61, 61, 65, 64, 69, 64, 69, 70,
     74, 76, 74, 80, 84, 85, 91, 96, 107, 127},
    {0, -1, 1, 3, 1, 2, 3, 4, 4, 4, 4, 5, 4, 5, 6, 6, 8, 7, 7, 7, 9, 9, 8, 9, 11, 11, 12, 11, 11, 12, 14, 12, 13, 13,
     14, 16, 16, 14, 16, 15, 18, 17, 16, 17, 18, 20, 18, 19, 22, 21, 20, 20, 22, 21, 23, 22, 24, 26, 26, 26, 26, 26,
     27, 26, 27, 26, 29, 30, 30, 31, 31, 30, 31, 31, 34, 32, 34, 36, 34, 35, 38, 36, 38, 35, 38, 39, 41, 39, 40, 44,
     42, 44, 44, 44, 45, 43, 49, 47, 50, 50, 48, 49, 50, 53, 51, 54, 56, 58, 59, 59, 58, 62, 59, 64, 64, 67, 68, 69,
     73, 73, 76, 79, 80, 86, 90, 95, 106, 127}};
static const int8_t hrq__tcq_level4[5][128] = {
    {1, 1, 2, 1, 2, 2, 3, 3, 3, 3, 4, 4, 5, 4, 6, 6, 7, 7, 8, 7, 8, 8, 9, 10, 10, 9, 11, 10, 11, 11, 12, 12, 13, 13,
     14, 14, 14, 15, 15, 16, 16, 16, 18, 16, 18, 17, 18, 18, 20, 20, 21, 20, 21, 22, 22, 22, 23, 23, 25, 23, 25, 25,
     25, 26, 28, 27, 28, 28, 28, 29, 30, 30, 31, 31, 32, 31, 33, 33, 34, 33, 35, 35, 36, 37, 37, 37, 39, 40, 39, 40,
     41, 41, 43, 42, 44, 45, 45, 46, 47, 47, 49, 49, 50, 50, 52, 53, 54, 54, 57, 56, 59, 59, 60, 62, 63, 65, 67, 67,
     71, 71, 75, 77, 80, 84, 89, 97, 108, 127},
    {1, 0, 1, 1, 1, 3, 3, 3, 4, 3, 4, 5, 5, 5, 6, 5, 6, 6, 7, 8, 7, 9, 9, 8, 9, 9, 11, 11, 11, 11, 12, 12, 13, 12,
     13, 13, 14, 15, 15, 15, 15, 15, 16, 17, 17, 18, 18, 18, 19, 18, 19, 20, 21, 22, 22, 21, 22, 22, 23, 24, 25, 25,
     25, 25, 26, 26, 27, 27, 28, 29, 29, 29, 31, 30, 31, 31, 32, 33, 33, 33, 35, 36, 35, 35, 36, 37, 37, 37, 40, 40,
     41, 40, 41, 42, 42, 42, 45, 46, 46, 46, 47, 48, 49, 49, 50, 52, 53, 53, 56, 56, 56, 56, 60, 62, 62, 61, 69, 66,
     67, 70, 74, 76, 80, 83, 89, 96, 107, 127},
    {1, 1, 0, 1, 2, 2, 2, 3, 3, 4, 5, 5, 5, 5, 5, 6, 6, 7, 6, 8, 7, 8, 8, 9, 9, 10, 10, 11, 11, 11, 12, 12, 12, 13,
     13, 13, 14, 14, 15, 16, 16, 17, 17, 17, 17, 17, 19, 19, 19, 20, 19, 20, 21, 21, 22, 22, 22, 24, 24, 23, 24, 24,
     27, 25, 26, 26, 26, 27, 29, 28, 28, 30, 30, 30, 30, 30, 32, 33, 34, 33, 34, 34, 34, 35, 37, 37, 38, 37, 39, 40,
     38, 39, 41, 42, 42, 42, 44, 45, 46, 45, 47, 47, 48, 49, 51, 52, 52, 51, 55, 55, 57, 58, 57, 60, 61, 62, 64, 67,
     68, 69, 73, 75, 79, 82, 88, 96, 108, 127},
    {0, 1, 0, 0, 2, 2, 2, 3, 4, 4, 3, 4, 6, 5, 5, 6, 7, 7, 7, 6, 9, 8, 8, 8, 9, 11, 10, 10, 12, 11, 11, 11, 13, 13,
     13, 13, 14, 14, 14, 15, 16, 17, 16, 16, 18, 18, 17, 18, 20, 19, 19, 19, 21, 21, 21, 21, 22, 23, 22, 23, 24, 24,
     24, 25, 26, 26, 27, 26, 28, 28, 29, 28, 29, 30, 30, 30, 31, 32, 32, 33, 34, 34, 35, 34, 36, 37, 37, 37, 38, 40,
     38, 40, 41, 42, 41, 41, 44, 44, 45, 44, 47, 47, 47, 48, 50, 51, 52, 53, 53, 55, 56, 56, 60, 60, 59, 62, 65, 64,
     67, 70, 72, 74, 78, 82, 88, 96, 108, 127},
    {0, 1, 0, 1, 1, 2, 2, 2, 3, 4, 5, 4, 5, 6, 5, 6, 6, 7, 6, 8, 8, 8, 9, 8, 9, 9, 10, 11, 12, 12, 12, 12, 11, 13,
     13, 13, 14, 14, 15, 13, 16, 16, 17, 18, 18, 18, 17, 19, 18, 19, 19, 19, 20, 21, 21, 21, 23, 23, 24, 23, 24, 25,
     25, 25, 25, 27, 26, 26, 28, 29, 29, 27, 31, 29, 30, 31, 31, 33, 32, 33, 33, 35, 34, 36, 35, 36, 37, 36, 38, 38,
     39, 40, 40, 43, 41, 42, 44, 43, 44, 45, 47, 48, 48, 48, 51, 50, 51, 52, 55, 55, 54, 57, 58, 60, 60, 61, 65, 65,
     66, 71, 71, 74, 78, 82, 88, 96, 108, 127}};
// clang-format on

static hrq__tcq hrq__tcq_of(const hrq_format *f)
{
    unsigned at = f->states / 2u - 3u;
    hrq__tcq c;
    c.bits = f->bits;
    c.states = f->states;
    c.parities = f->bits == 3 ? 6 : 5;
    c.multiplier = hrq__tcq_multiplier[f->bits - 2][at];
    c.step = hrq__tcq_step[f->bits - 2][at];
    c.hash = hrq__tcq_rows[f->bits - 2][at];
    c.upper = f->bits == 2 ? hrq__tcq_level2[at] : f->bits == 3 ? hrq__tcq_level3[at] : hrq__tcq_level4[at];
    return c;
}

/* Working memory of a row. */
typedef struct hrq__tcq_work {
    hrq__tcq c;
    const hrq__kernels *kernels;
    hrq__trellis_args args;
    size_t steps;        /* of a sequence, padding included                  */
    int16_t *x;          /* [steps] this sequence                            */
    uint16_t *window;    /* [steps] of a path: bit 0 the coded bit           */
    uint16_t *kept;      /* [steps] of the best path so far                  */
    int8_t *level;       /* [4 steps] what each column decodes to            */
    uint8_t *code;       /* [4 steps] coded bit, raw bits above it           */
    uint8_t *metric;     /* [steps][2^parities] of this sequence             */
    uint8_t *hash;       /* [states] parities of a window whose oldest bit is 0 */
    uint8_t *path;       /* [2][states] metrics                              */
    uint8_t *chosen;     /* [most steps of a search][states / 8]: the oldest bit that wins */
    int8_t value[256];   /* the levels                                       */
    int16_t levels[256]; /* times the multiplier                             */
} hrq__tcq_work;

enum { HRQ__TCQ_CUTS = 4 }; /* of a short sequence */

/* Steps looked at before and after the wrap to find the state there. */
HRQ__INLINE size_t hrq__tcq_reach(unsigned states) { return 8 * (size_t)states; }

static int hrq__tcq_bytes(unsigned states, size_t steps, size_t *bytes)
{
    size_t count = (size_t)1 << states, most = 2 * hrq__tcq_reach(states);
    most = steps > most ? steps : most;
    if (!hrq__mul_size(most, count / 8, bytes)) return 0;
    return hrq__add_size(*bytes, 3 * count + 78 * steps + 63, bytes);
}

static void hrq__tcq_open(hrq__tcq_work *w, const hrq_format *f, size_t steps, void *memory)
{
    size_t count, s;
    unsigned n, levels;
    w->c = hrq__tcq_of(f);
    w->kernels = hrq__kernels_now();
    count = (size_t)1 << w->c.states;
    levels = 1u << (w->c.bits - 1 + w->c.parities);
    w->steps = steps;
    w->x = (int16_t *)memory;
    w->window = (uint16_t *)(w->x + w->steps);
    w->kept = w->window + w->steps;
    w->level = (int8_t *)(w->kept + w->steps);
    w->code = (uint8_t *)w->level + 4 * w->steps;
    w->metric = w->code + 4 * w->steps;
    w->metric += (64 - (uintptr_t)w->metric % 64) % 64; /* registers that cross cache lines take twice the time */
    w->hash = w->metric + 64 * w->steps;
    w->path = w->hash + count;
    w->chosen = w->path + 2 * count;
    for (s = 0; s < count; s++) w->hash[s] = (uint8_t)hrq__tcq_hash(w->c.hash, w->c.parities, (unsigned)s);
    for (n = 0; n < levels; n++) {
        w->value[n] = (int8_t)hrq__tcq_level(w->c.upper, levels, n);
        w->levels[n] = (int16_t)(w->value[n] * w->c.multiplier);
    }
    w->args.states = w->c.states;
    w->args.parities = w->c.parities;
    w->args.raw_bits = w->c.bits - 1;
    w->args.hash = w->hash;
    w->args.levels = w->levels;
}

/* Parities of a whole window. */
HRQ__INLINE unsigned hrq__tcq_parities(const hrq__tcq_work *w, unsigned window)
{
    unsigned oldest = window >> w->c.states;
    return w->hash[window ^ oldest << w->c.states] ^ ((0u - oldest) & w->hash[1]);
}

/* Search n steps of a sequence, around its end: out of state `start` into state `end`, or (negative) out of any into
   the best. Sets the windows of the last `back` of them; returns the state before these. The first steps shift the bits
   of start out of the window: no path that does not begin with them gets on. */
static int hrq__tcq_search(hrq__tcq_work *w, size_t from, size_t n, size_t back, int start, int end)
{
    size_t count = (size_t)1 << w->c.states, k, at, run;
    unsigned state, bit;
    memset(w->path, 0, count);
    for (k = 0; k < n; k += run) {
        int oldest = start >= 0 && k < w->c.states ? start >> (w->c.states - 1 - k) & 1 : -1;
        at = (from + k) % w->steps;
        run = oldest < 0 ? hrq__min_size(n - k, w->steps - at) : 1;
        w->kernels->trellis_advance(w->path, w->chosen + k * (count / 8), w->metric + (at << w->c.parities), run,
                                    oldest, &w->args);
    }
    if (end < 0) end = (int)((const uint8_t *)memchr(w->path, 0, count) - w->path); /* the least is 0 */
    state = (unsigned)end;
    for (k = n, at = (from + n) % w->steps; k > n - back; k--) {
        at = (at == 0 ? w->steps : at) - 1;
        bit = w->chosen[(k - 1) * (count / 8) + state / 8] >> state % 8 & 1u;
        state |= bit << w->c.states;
        w->window[at] = (uint16_t)state;
        state >>= 1;
    }
    return (int)state;
}

/* A sequence no longer than the window: every choice of coded bits, repeated. */
static void hrq__tcq_try_all(hrq__tcq_work *w)
{
    uint16_t window[16];
    unsigned pattern, state, mask = (1u << w->c.states) - 1u;
    int32_t least = INT32_MAX, sum;
    size_t t, n = w->steps;
    for (pattern = 0; pattern < 1u << n; pattern++) {
        for (state = pattern, t = n; t < w->c.states; t += n) state |= pattern << t;
        for (t = 0, sum = 0, state &= mask; t < n; t++, state = window[t - 1] & mask) {
            window[t] = (uint16_t)(state << 1 | (state >> (n - 1) & 1u));
            sum += w->metric[(t << w->c.parities) + hrq__tcq_parities(w, window[t])];
        }
        if (sum >= least) continue;
        least = sum;
        memcpy(w->window, window, n * sizeof window[0]);
    }
}

/* Cost of the path that the windows tell. */
static int32_t hrq__tcq_cost(const hrq__tcq_work *w)
{
    int32_t sum = 0;
    size_t t;
    for (t = 0; t < w->steps; t++) sum += w->metric[(t << w->c.parities) + hrq__tcq_parities(w, w->window[t])];
    return sum;
}

/* A closed path: the state at a cut comes from a search around it with free ends, all steps from one with that state
   fixed, and the surroundings of the cut from a third between what lies fixed outside: half a turn away where the
   sequence is short. Short ones are cut in four places, and the best path of the four is taken. */
static void hrq__tcq_close(hrq__tcq_work *w)
{
    size_t reach = hrq__tcq_reach(w->c.states), n = hrq__min_size(w->steps, 2 * reach),
           look = hrq__min_size(reach, n);
    size_t cuts = n < w->steps ? 1 : HRQ__TCQ_CUTS, k, cut, from;
    int mask = (1 << w->c.states) - 1, start, end;
    int32_t least = INT32_MAX, cost;
    for (k = 0; k < cuts; k++) {
        cut = k * w->steps / cuts;
        from = (cut + w->steps - n / 2) % w->steps;
        start = hrq__tcq_search(w, cut + w->steps - look, 2 * look, look, -1, -1);
        hrq__tcq_search(w, cut, w->steps, w->steps, start, start);
        start = w->window[from] >> 1;
        end = w->window[(from + n - 1) % w->steps] & mask;
        hrq__tcq_search(w, from, n, n, start, end);
        cost = cuts > 1 ? hrq__tcq_cost(w) : 0;
        if (cost >= least) continue;
        least = cost;
        memcpy(w->kept, w->window, w->steps * sizeof w->kept[0]);
    }
    memcpy(w->window, w->kept, w->steps * sizeof w->kept[0]);
}

/* The code of a step: the window's coded bit, the best raw bits (the lowest on ties, 0 where the step is padding), the
   level they give. */
static void hrq__tcq_emit(hrq__tcq_work *w, size_t step, int real, size_t to)
{
    unsigned parities = hrq__tcq_parities(w, w->window[step]), raws = real ? 1u << w->args.raw_bits : 1u, raw = 0;
    const int16_t *level = w->levels + parities;
    int32_t x = w->x[step], least = INT32_MAX, d;
    for (; raw < raws; raw++, level += (size_t)1 << w->c.parities) {
        d = x - *level;
        d = ((d * d + 16384) >> 15) * 8 + (int32_t)raw;
        least = d < least ? d : least;
    }
    raw = (unsigned)least & (raws - 1u);
    w->code[to] = (uint8_t)((w->window[step] & 1u) | raw << 1);
    w->level[to] = w->value[raw << w->c.parities | parities];
}

/* The sequence in x, of which `real` steps count: the others cost nothing. Step t goes to place first + stride * t. */
static void hrq__tcq_sequence(hrq__tcq_work *w, size_t real, size_t first, size_t stride)
{
    size_t t;
    w->kernels->trellis_metric(w->metric, w->x, w->steps, &w->args);
    memset(w->metric + (real << w->c.parities), 0, (w->steps - real) << w->c.parities);
    if (w->steps <= w->c.states) hrq__tcq_try_all(w);
    else hrq__tcq_close(w);
    for (t = 0; t < w->steps; t++) hrq__tcq_emit(w, t, t < real, first + stride * t);
}

/* A number in units of the code's variance, as the search has it. */
HRQ__INLINE int16_t hrq__tcq_fixed(const hrq__tcq_work *w, float v)
{
    return (int16_t)hrq__round(hrq__clampf(v * ((float)w->c.multiplier / w->c.step), -16383.0f, 16383.0f));
}

/* A row of cols entries over its root mean square (norm): codes and levels of all padded columns. */
static void hrq__tcq_encode(hrq__tcq_work *w, const float *row, size_t cols, float pre, float inv)
{
    size_t sequence, t, real;
    for (sequence = 0; sequence < 4; sequence++) {
        real = cols > sequence ? hrq__div_up(cols - sequence, 4) : 0;
        for (t = 0; t < w->steps; t++)
            w->x[t] = (int16_t)(t < real ? hrq__tcq_fixed(w, row[4 * t + sequence] * pre * inv) : 0);
        hrq__tcq_sequence(w, real, sequence, 4);
    }
}

//==================================================================================================
//  [10i] Transforms        randomised Hadamard of any length; centring, sketch, dither
//  uses: 2, 3, 6
//==================================================================================================

/* The largest block h * 2^m <= n, h in {1, 12, 20, 28}. */
static size_t hrq__hadamard_block(size_t n, size_t *h)
{
    static const size_t orders[4] = {1, 12, 20, 28};
    size_t best = 1, i;
    *h = 1;
    for (i = 0; i < 4; i++) {
        size_t block = orders[i];
        if (block > n) continue;
        while (block <= n / 2) block *= 2;
        if (block > best) {
            best = block;
            *h = orders[i];
        }
    }
    return best;
}

/* The quadratic character of q = 5, 9 or 13: +1 squares, -1 others, 0 zero, of i - j. GF(9) = GF(3)[sqrt -1], element
   3 a + b; a square there where its norm a^2 + b^2 is 1. */
static int hrq__hadamard_chi(unsigned q, unsigned i, unsigned j)
{
    unsigned d = (i + q - j) % q, k;
    if (q == 9) {
        unsigned a = (i / 3 + 3 - j / 3) % 3, b = (i + 3 - j % 3) % 3, norm = (a * a + b * b) % 3;
        return norm == 1 ? 1 : norm == 2 ? -1 : 0;
    }
    if (d == 0) return 0;
    for (k = 1; k < q; k++)
        if (k * k % q == d) return 1;
    return -1;
}

/* The symmetric conference matrix [order][order], order = q + 1, bordered by ones. */
static void hrq__hadamard_conference(float *c, unsigned order)
{
    unsigned q = order - 1, i, j, k, of[14] = {0};
    for (k = 1; k < q && q != 9; k++) of[k * k % q] = 1; /* squares; q = 9: not a ring of integers */
    for (i = 0; i < order; i++)
        for (j = 0; j < order; j++) {
            int chi = i != j; /* the border */
            if (i && j && chi) chi = q == 9 ? hrq__hadamard_chi(q, i - 1, j - 1) : of[(i + q - j) % q] ? 1 : -1;
            c[i * order + j] = (float)chi;
        }
}

/* One block, orthonormal: butterflies within each of the h runs of 2^m, then the order-h part across them, then
   1 / sqrt. flip, seed, at: signs before, as `hadamard` has them. */
static void hrq__hadamard_apply(float *x, size_t block, size_t h, int flip, uint64_t seed, size_t at)
{
    const hrq__kernels *kernels = hrq__kernels_now();
    float scale = 1.0f / sqrtf((float)block), conference[14 * 14];
    size_t power = block / h, i;
    for (i = 0; i < block; i += power) kernels->hadamard(x + i, power, h > 1 ? 1.0f : scale, flip, seed, at + i);
    if (h == 1) return;
    hrq__hadamard_conference(conference, (unsigned)h / 2);
    kernels->paley(x, h / 2, power, conference, scale);
}

static void hrq__hadamard_row(float *x, size_t cols, uint64_t seed, int inverse)
{
    size_t at, block, h;
    for (at = 0; at < cols; at += block) {
        block = hrq__hadamard_block(cols - at, &h);
        hrq__hadamard_apply(x + at, block, h, !inverse, seed & 0xffffffffu, at);
    }
    if (inverse) hrq__kernels_now()->signs(x, cols, seed & 0xffffffffu);
}

HRQ_API hrq_status hrq_hadamard(float *x, size_t rows, size_t cols, size_t ld, uint64_t seed, int inverse)
{
    size_t r;
    if (!x) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(rows, cols, ld)) return HRQ_ERR_SHAPE;
    for (r = 0; r < rows; r++) hrq__hadamard_row(x + r * ld, cols, seed, inverse);
    return HRQ_OK;
}

/* Entry k of the rotated vector of ones, as hrq__hadamard_row gives it: a sum of signs is exact in float. */
static float hrq__hadamard_ones(size_t cols, uint64_t seed, size_t k)
{
    size_t at = 0, block, h, i, power, order;
    int32_t sum = 0;
    uint64_t bits = 0;
    for (;; at += block) {
        block = hrq__hadamard_block(cols - at, &h);
        if (k < at + block) break;
    }
    power = block / h;
    order = h / 2;
    for (i = 0; i < block; i++) {
        size_t low = (k - at) % power & i % power, to = (k - at) / power, from = i / power, a = to / 2, b = from / 2;
        int minus = 0, chi = 1;
        if ((at + i) % 64 == 0 || i == 0) bits = hrq__random(seed & 0xffffffffu, (at + i) / 64);
        for (; low; low &= low - 1) minus ^= 1;
        if (h > 1 && a == b) chi = to % 2 == 0 && from % 2 == 0 ? 1 : -1;
        else if (h > 1 && a > 0 && b > 0)
            chi = hrq__hadamard_chi((unsigned)order - 1, (unsigned)a - 1, (unsigned)b - 1);
        if (h > 1 && a != b && to % 2 && from % 2) chi = -chi;
        minus ^= (int)(bits >> (at + i) % 64 & 1);
        sum += minus ? -chi : chi;
    }
    return (float)sum * (1.0f / sqrtf((float)block));
}

/* Sum of a row in 16 lanes and one tree, in double where floats would leave their range. */
static double hrq__row_sum(const float *x, size_t n)
{
    float power = hrq__power_of_two_over(hrq__absmax(x, n));
    return (double)hrq__kernels_now()->sum16(x, n, power) / (double)power;
}

/* The j-th coordinate of the sketch: one of each of `kept` runs of coordinates, drawn from the low half of seed. */
static size_t hrq__sketch_column(size_t cols, size_t kept, uint64_t seed, size_t j)
{
    size_t each = cols / kept, more = cols % kept, at, n;
    if (kept == cols) return j;
    at = j * each + (j < more ? j : more); /* the first `more` runs are one longer */
    n = each + (j < more);
    return at + (size_t)(hrq__random((seed & 0xffffffffu) ^ 0x736b65746368u, j) >> 32) % n;
}

/* Random number for the dither of an entry: the same in every panel, so that panels can be moved. */
HRQ__INLINE uint16_t hrq__dither_draw(uint64_t seed, size_t row, size_t col)
{
    return (uint16_t)(hrq__random(seed ^ 0x646974686572u, (uint64_t)(row % HRQ_PANEL) << 48 ^ col) >> 48);
}

//==================================================================================================
//  [11i] Matrices          views, encode, decode, check
//  uses: 2, 3, 5 - 10
//
//  "sic", the integers of a WaterSIC stream: header of 32 bytes "hrqm", version u32, rows u64, cols u64, fingerprint
//  of the next two tables u64; column steps f32 [cols]; perm u32 [cols], the column at each position; code bits u8
//  [superblocks], ascending positions; zeros up to a multiple of 64; panels of superblocks as in [5i]. Value of (row,
//  position) = code * step; columns of zeros have no bits. Version 1; 1 more: scales of the rows, f32 [16], end each
//  panel, and the value is code * scale * step; 2 more: escapes, behind the panels: index of each panel's first u32
//  [panels], their number u32, then 16 position + row u32, ascending in a panel, and what the code, 0, lacks i16.
//==================================================================================================

    #define HRQ__CHUNK 256 /* columns decoded at a time: 8 KB of tiles, 16 KB of floats on the stack */

/* A matrix made ready to read or write: the layout and all that the decoder needs. */
typedef struct hrq__view {
    const hrq_mat *mat;
    uint8_t *data; /* panel 0 */
    hrq__layout lay;
    hrq__decode_args args;
    hrq__voronoi voronoi;
    hrq__box box;
    hrq__small type;
    const hrq__tcq_work *trellis;         /* the row that was searched last: encoding only                 */
    uint8_t *blocks;                      /* memory for a row of lattice codes: encoding only              */
    int16_t value[256];                   /* of a float's code, in steps                                   */
    float step;                           /* what one unit of a value is worth, in row scales              */
    int codec, scale, wide;               /* wide: values need two tiles                                   */
    int integers, dither;                 /* values are integers: there are tiles; 0: there are floats only */
    int upper;                            /* they are not, but tiles hold the upper halves of their floats  */
    const uint8_t *steps;                 /* of columns: sic, tcq:col                                      */
    const uint8_t *perm, *widths;         /* sic only                                                      */
    const uint8_t *escapes;               /* sic only; NULL: none                                          */
    size_t escaped;                       /* their number                                                  */
    const hrq__kernels *kernels;
    float *extents;          /* [2][16 rows] that the check has found, least and largest; NULL: they are not kept */
    uint8_t maps[HRQ__MAPS]; /* of the kernels */
} hrq__view;

enum {
    HRQ__SIC_HEADER = 32,
    HRQ__SIC_ROWS = 1, /* added to the version */
    HRQ__SIC_ESCAPES = 2,
    HRQ__SIC_ESCAPE = 6, /* bytes */
    HRQ__SIC_PRICE = 384 /* bits that an escape has to save. With its own 48 a power law's 3 bits take 3.96 bits, not
                            4.35, but one vector 1.5 times as long */
};

/* Offsets of a sic matrix with these columns; 0 (false): overflow. */
static int hrq__sicmat_offsets(size_t cols, size_t *widths_at, size_t *panels_at)
{
    size_t at;
    if (cols == 0 || cols > SIZE_MAX / 64) return 0;
    *widths_at = HRQ__SIC_HEADER + 8 * cols;
    at = *widths_at + hrq__div_up(cols, 32);
    *panels_at = hrq__div_up(at, 64) * 64;
    return 1;
}

/* Bytes of the codes of a sic panel. */
static size_t hrq__sicmat_panel_bytes(const uint8_t *widths, size_t cols)
{
    size_t cols8 = hrq__div_up(cols, 8) * 8, at, bytes = 0;
    for (at = 0; at < cols8; at += 32) bytes += hrq__min_size(cols8 - at, 32) / 8 * 16 * widths[at / 32];
    return bytes;
}

/* Escapes behind the panels of a sic matrix, in `room` bytes. */
static hrq_status hrq__escapes_open(hrq__view *v, size_t room)
{
    size_t panels = hrq__div_up(v->mat->rows, HRQ_PANEL);
    if (room / 4 <= panels) return HRQ_ERR_SPACE;
    v->escapes = v->data + panels * v->lay.panel_bytes;
    v->escaped = hrq__get32(v->escapes + 4 * panels);
    return v->escaped <= (room - 4 * (panels + 1)) / HRQ__SIC_ESCAPE ? HRQ_OK : HRQ_ERR_SPACE;
}

static size_t hrq__escapes_bytes(size_t rows, size_t count)
{
    return 4 * (hrq__div_up(rows, HRQ_PANEL) + 1) + HRQ__SIC_ESCAPE * count;
}

HRQ__INLINE const uint8_t *hrq__escape_at(const hrq__view *v, size_t i)
{
    return v->escapes + hrq__escapes_bytes(v->mat->rows, i);
}

/* An escape, its column counted from a position: beyond all where the list is not in order, as nobody checked it. */
typedef struct hrq__escape {
    size_t column;
    uint32_t row;
    int32_t by;
} hrq__escape;

HRQ__INLINE hrq__escape hrq__escape_get(const hrq__view *v, size_t i, size_t from)
{
    const uint8_t *p = hrq__escape_at(v, i);
    uint32_t key = hrq__get32(p);
    hrq__escape e;
    e.column = key / HRQ_PANEL - from;
    e.row = key % HRQ_PANEL;
    e.by = (int16_t)hrq__get16(p + 4);
    return e;
}

/* The first of a panel's escapes at a position or behind. */
static size_t hrq__escapes_from(const hrq__view *v, size_t panel, size_t position)
{
    size_t low = hrq__min_size(hrq__get32(v->escapes + 4 * panel), v->escaped);
    size_t high = hrq__min_size(hrq__get32(v->escapes + 4 * (panel + 1)), v->escaped);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (hrq__get32(hrq__escape_at(v, mid)) / HRQ_PANEL < position) low = mid + 1;
        else high = mid;
    }
    return low;
}

/* The header of a sic matrix against its shape: all that the decoder trusts but the columns in perm, which wrap
   reads. */
static hrq_status hrq__sicmat_open(hrq__view *v)
{
    const hrq_mat *mat = v->mat;
    const uint8_t *p = (const uint8_t *)mat->data;
    size_t widths_at, panels_at, i, bytes;
    uint32_t more;
    if (!hrq__sicmat_offsets(mat->cols, &widths_at, &panels_at)) return HRQ_ERR_SHAPE;
    if (mat->bytes < panels_at) return HRQ_ERR_SPACE;
    if (memcmp(p, "hrqm", 4) != 0) return HRQ_ERR_DATA;
    more = hrq__get32(p + 4) - 1;
    if (more > HRQ__SIC_ROWS + HRQ__SIC_ESCAPES) return HRQ_ERR_VERSION;
    if (hrq__get64(p + 8) != mat->rows || hrq__get64(p + 16) != mat->cols) return HRQ_ERR_DATA;
    v->widths = p + widths_at;
    for (i = 0; i < hrq__div_up(mat->cols, 32); i++) /* ascending */
        if (v->widths[i] > 15 || (i && v->widths[i] < v->widths[i - 1])) return HRQ_ERR_DATA;
    for (i += widths_at; i < panels_at; i++)
        if (p[i] != 0) return HRQ_ERR_DATA;
    v->steps = p + HRQ__SIC_HEADER;
    v->perm = v->steps + 4 * mat->cols;
    v->data = (uint8_t *)mat->data + panels_at;
    v->lay.cols = mat->cols;
    v->lay.cols8 = hrq__div_up(mat->cols, 8) * 8;
    v->lay.groups = 1;
    v->lay.row_at = hrq__sicmat_panel_bytes(v->widths, mat->cols);
    v->lay.row_bytes = more & HRQ__SIC_ROWS ? 4 : 0;
    v->lay.panel_bytes = v->lay.row_at + HRQ_PANEL * v->lay.row_bytes;
    v->wide = v->widths[hrq__div_up(mat->cols, 32) - 1] > 8;
    v->args.clamp = v->wide ? 32767 : 127;
    if (!hrq__mul_size(hrq__div_up(mat->rows, HRQ_PANEL), v->lay.panel_bytes, &bytes)) return HRQ_ERR_SHAPE;
    if (bytes > mat->bytes - panels_at) return HRQ_ERR_SPACE;
    return more & HRQ__SIC_ESCAPES ? hrq__escapes_open(v, mat->bytes - panels_at - bytes) : HRQ_OK;
}

/* Floats whose numbers are multiples of the least one up to int16 become those multiples. */
static void hrq__view_open_float(hrq__view *v, const hrq_format *f)
{
    float unit, top;
    uint32_t code;
    v->type = hrq__small_of(f->exp, f->man);
    unit = hrq__small_decode(v->type, 1);
    top = hrq__float_top(v->type) / unit;
    v->integers = (f->bits < 8 || f->exp == 0) && top <= 32767.0f;
    v->upper = !v->integers;
    if (v->upper) { /* 7 bits of a mantissa are enough */
        for (code = 0; code < 1u << f->bits; code++)
            v->value[code] = (int16_t)((int32_t)hrq__bits_of(hrq__small_decode(v->type, code)) >> 16);
        v->wide = 1;
        return;
    }
    for (code = 0; code < 1u << f->bits; code++) v->value[code] = (int16_t)(hrq__small_decode(v->type, code) / unit);
    v->step = unit;
    v->wide = top > 127.0f;
}

static hrq_status hrq__view_open_codec(hrq__view *v, const hrq_format *f)
{
    v->args.code_bits = v->lay.code_bits;
    v->args.digit_bits = v->lay.digit_bits;
    v->args.scale_bits = v->lay.scale_bits;
    v->args.layers = v->lay.layers;
    v->args.scales = f->scales;
    v->dither = (f->options & HRQ__OPT_DITHER) != 0;
    v->integers = v->codec != HRQ__CODEC_PLAIN && !v->dither;
    if (v->codec == HRQ__CODEC_FLOAT) {
        if (f->exp > 7 || f->man > 7 - f->exp) return HRQ_ERR_ARG;
        hrq__view_open_float(v, f);
    } else if (v->codec == HRQ__CODEC_VORONOI) {
        if (f->q < 3 || f->scales < 1 || f->scales > 16 || f->layers > HRQ__LAYERS) return HRQ_ERR_ARG;
        if (!hrq__format_points(f)) return HRQ_ERR_ARG;
        v->voronoi = hrq__voronoi_of(f);
        v->args.q = f->q;
        v->args.lattice = v->voronoi.lattice;
        v->args.multiple = v->voronoi.multiple;
        v->step = v->voronoi.step;
        v->wide = v->voronoi.clamp > 127;
    } else if (v->codec == HRQ__CODEC_BOX) {
        if (f->bits < 2 || f->bits > 4 || f->scales < 1 || f->scales > 8) return HRQ_ERR_ARG;
        v->box = hrq__box_of(f);
        v->args.level = v->box.level;
        v->step = v->box.step;
    } else if (v->codec == HRQ__CODEC_TRELLIS || v->codec == HRQ__CODEC_COLUMN) {
        hrq__tcq c;
        if (f->bits < 2 || f->bits > 4 || f->states < 6 || f->states > 14) return HRQ_ERR_ARG;
        c = hrq__tcq_of(f);
        v->args.level = c.upper;
        v->args.hash = c.hash;
        v->args.parities = c.parities;
        v->step = c.step;
    }
    v->args.clamp = v->wide ? 32767 : 127;
    v->args.value = v->value;
    if (v->kernels->prepare && (v->integers || v->upper)) v->kernels->prepare(v->maps, v->codec, &v->args);
    return HRQ_OK;
}

static hrq_status hrq__view_open(hrq__view *v, const hrq_mat *mat)
{
    size_t bytes;
    memset(v, 0, offsetof(hrq__view, maps));
    if (!mat || !mat->data || mat->format.kind == 0 || mat->format.kind >= HRQ__FAMILIES) return HRQ_ERR_ARG;
    if (mat->rows == 0 || mat->cols == 0) return HRQ_ERR_SHAPE;
    v->mat = mat;
    v->data = (uint8_t *)mat->data;
    v->codec = hrq__families[mat->format.kind].codec;
    v->scale = hrq__families[mat->format.kind].scale;
    v->step = 1.0f;
    v->integers = 1;
    v->kernels = hrq__kernels_now();
    v->args.flip = v->kernels->flip;
    if (v->codec == HRQ__CODEC_SIC) return hrq__sicmat_open(v);
    if (!hrq__layout_of(&v->lay, &mat->format, mat->cols)) return HRQ_ERR_SHAPE;
    if (!hrq__mul_size(hrq__div_up(mat->rows, HRQ_PANEL), v->lay.panel_bytes, &bytes)) return HRQ_ERR_SHAPE;
    if (!hrq__add_size(bytes, v->lay.head_bytes, &bytes)) return HRQ_ERR_SHAPE;
    if (mat->bytes < bytes) return HRQ_ERR_SPACE;
    v->data += v->lay.head_bytes;
    if (v->lay.head_bytes) v->steps = (const uint8_t *)mat->data + HRQ__HEAD;
    return hrq__view_open_codec(v, &mat->format);
}

HRQ__INLINE uint8_t *hrq__view_panel(const hrq__view *v, size_t p) { return v->data + p * v->lay.panel_bytes; }

/* Group of a column; 0 where the row has one scale. */
HRQ__INLINE size_t hrq__view_group(const hrq__view *v, size_t col) { return v->lay.group ? col / v->lay.group : 0; }

/* First column behind a group. */
HRQ__INLINE size_t hrq__view_group_end(const hrq__view *v, size_t group)
{
    return v->lay.group ? hrq__min_size((group + 1) * v->lay.group, v->lay.cols) : v->lay.cols;
}

// clang-format off
/* 2^(-i/64) */
static const float hrq__octave[64] = {
    1.0f, 0.98922801f, 0.978572071f, 0.96803087f, 0.957603276f, 0.947287977f, 0.93708384f, 0.926989555f, 0.917004049f,
    0.907126069f, 0.897354543f, 0.88768822f, 0.878126085f, 0.868666947f, 0.859309673f, 0.850053191f, 0.840896428f,
    0.83183831f, 0.822877765f, 0.81401372f, 0.805245161f, 0.796571076f, 0.787990451f, 0.779502213f, 0.771105409f,
    0.762799084f, 0.754582226f, 0.746453881f, 0.738413095f, 0.730458915f, 0.722590387f, 0.714806676f, 0.707106769f,
    0.699489832f, 0.69195497f, 0.684501231f, 0.677127779f, 0.669833779f, 0.662618339f, 0.655480623f, 0.648419797f,
    0.641435027f, 0.634525478f, 0.627690375f, 0.620928884f, 0.614240289f, 0.607623696f, 0.601078391f, 0.594603539f,
    0.588198483f, 0.58186245f, 0.575594604f, 0.56939429f, 0.563260794f, 0.557193398f, 0.55119127f, 0.545253873f,
    0.539380372f, 0.53357023f, 0.527822614f, 0.522136867f, 0.516512454f, 0.510948598f, 0.505444646f};
// clang-format on

/* x 2^(-i/64) */
HRQ__INLINE float hrq__octave_part(float x, unsigned i) { return x * hrq__octave[i % 64] / (float)(1 << i / 64); }

/* Scale of a row as it is stored, and times the step of its values; 1 where the format has none. */
static float hrq__view_stored_scale(const hrq__view *v, size_t row)
{
    const uint8_t *p = hrq__view_panel(v, row / HRQ_PANEL) + v->lay.row_at + row % HRQ_PANEL * v->lay.row_bytes;
    if (v->scale == HRQ__SCALE_PANEL) {
        unsigned k = p[2 + row % HRQ_PANEL / 2] >> 4 * (row % 2) & 15u, h = hrq__get16(p);
        return k == 15 ? 0.0f : hrq__octave_part(hrq_f32_from_bf16((uint16_t)(h & ~3u)), 2 * k << (h & 3u));
    }
    return v->lay.row_bytes == 2   ? hrq_f32_from_bf16(hrq__get16(p))
           : v->lay.row_bytes == 4 ? hrq__float_of(hrq__get32(p))
                                   : 1.0f;
}
static float hrq__view_row_scale(const hrq__view *v, size_t row) { return hrq__view_stored_scale(v, row) * v->step; }

/* Mean of a row; 0 without +center. */
static float hrq__view_mean(const hrq__view *v, size_t row)
{
    if (!v->lay.means) return 0.0f;
    return hrq__float_of(hrq__get32(hrq__view_panel(v, row / HRQ_PANEL) + v->lay.mean_at + row % HRQ_PANEL * 4));
}

/* Scale of a group relative to its row, and what to subtract from its codes. */
HRQ__INLINE uint8_t *hrq__view_group_at(const hrq__view *v, size_t row, size_t group)
{
    return hrq__view_panel(v, row / HRQ_PANEL) + v->lay.group_at +
           (group * HRQ_PANEL + row % HRQ_PANEL) * v->lay.group_bytes;
}
static float hrq__view_group_scale(const hrq__view *v, size_t row, size_t group)
{
    const uint8_t *p;
    if (!v->lay.group) return 1.0f;
    p = hrq__view_group_at(v, row, group);
    return v->scale == HRQ__SCALE_ROW    ? hrq_f32_from_f16(hrq__get16(p))
           : v->scale == HRQ__SCALE_E8M0 ? hrq__e8m0_decode(*p)
                                         : hrq__small_decode(hrq__small_of(4, 3), *p);
}

/* How the scales of groups are stored, as the contract `scales` has it. */
HRQ__INLINE int hrq__view_scale_kind(const hrq__view *v)
{
    return v->scale == HRQ__SCALE_ROW    ? HRQ__SCALES_F16
           : v->scale == HRQ__SCALE_E8M0 ? HRQ__SCALES_E8M0
                                         : HRQ__SCALES_E4M3;
}

/* Scales of a group of a panel's rows. */
static void hrq__view_scales(const hrq__view *v, size_t panel, size_t group, float scale[HRQ_PANEL])
{
    size_t i;
    for (i = 0; i < HRQ_PANEL; i++) scale[i] = 1.0f;
    if (v->lay.group)
        v->kernels->scales(scale, hrq__view_group_at(v, panel * HRQ_PANEL, group), HRQ_PANEL, hrq__view_scale_kind(v),
                           NULL);
}

static int32_t hrq__view_zero(const hrq__view *v, size_t row, size_t group)
{
    if (!v->lay.zeros) return 0;
    return hrq__view_panel(v, row / HRQ_PANEL)[v->lay.zero_at + group * HRQ_PANEL + row % HRQ_PANEL] -
           (1 << (v->args.code_bits - 1));
}

/* Where the superblock of a position begins (position a multiple of 32), and its s. */
static uint8_t *hrq__view_super(const hrq__view *v, size_t panel, size_t position, size_t *s)
{
    uint8_t *p = hrq__view_panel(v, panel);
    size_t i;
    *s = hrq__min_size(v->lay.cols8 - position, 32) / 8;
    if (v->codec != HRQ__CODEC_SIC) return p + position / 8 * v->lay.lane_bytes;
    for (i = 0; i < position / 32; i++) p += 64 * (size_t)v->widths[i];
    return p;
}

/* Coded bits of a trellis code before a position of a panel, as hrq__decode_args has them; kept from one tile to the
   next. */
typedef struct hrq__past {
    size_t panel, at; /* what they stand before; SIZE_MAX: nothing yet */
    uint8_t bits[128];
} hrq__past;

/* Around the end of the row where the position is the first. Rows of whole superblocks: two planes are copied. */
static void hrq__view_past(const hrq__view *v, size_t panel, size_t from, hrq__past *past)
{
    size_t lane, b, s, cols8 = v->lay.cols8, steps = cols8 / 4, at = from / 4 % steps;
    past->panel = panel;
    past->at = from;
    if (cols8 % 32 == 0) {
        for (b = 0; b < 2; b++) {
            at = ((from ? from : cols8) + cols8 - 32 * (b + 1)) % cols8;
            memcpy(past->bits + 64 * b, hrq__view_super(v, panel, at, &s), 64);
        }
        return;
    }
    memset(past->bits, 0, sizeof past->bits);
    for (b = 0; b < 16; b++) {
        at = at ? at - 1 : steps - 1;
        for (lane = 0; lane < 64; lane++) {
            size_t col = 4 * at + lane % 4;
            const uint8_t *super = hrq__view_super(v, panel, col / 32 * 32, &s);
            unsigned bit = super[lane / 4 * s + col % 32 % s] >> (col % 32 / s) & 1u;
            past->bits[b / 8 * 64 + lane] = (uint8_t)(past->bits[b / 8 * 64 + lane] | bit << (7 - b % 8));
        }
    }
}

/* tcq:col: the panel whose rows come before those of a panel: around the end of its band for the first. */
static size_t hrq__view_prior(const hrq__view *v, size_t panel)
{
    size_t each = HRQ__BAND / HRQ_PANEL, band = hrq__min_size(panel / each, hrq__bands(v->mat->rows) - 1);
    return (panel > band * each ? panel : hrq__div_up(hrq__band_end(v->mat->rows, band), HRQ_PANEL)) - 1;
}

/* What decoders of columns from a position on need; *run: how many of `depth` columns they serve, *codes: where these
   begin. sic: as many superblocks as have one width. */
static hrq__decode_args hrq__view_args(const hrq__view *v, size_t panel, size_t from, size_t depth, hrq__past *past,
                                       size_t *run, const uint8_t **codes)
{
    hrq__decode_args args = v->args;
    size_t s;
    *codes = hrq__view_super(v, panel, from, &s);
    *run = depth;
    args.maps = v->maps;
    args.lane_bytes = v->lay.lane_bytes;
    args.stride = 4 * HRQ_PANEL;
    if (v->codec == HRQ__CODEC_TRELLIS) {
        if (past->panel != panel || past->at != from) hrq__view_past(v, panel, from, past);
        args.past = past->bits;
    }
    if (v->codec == HRQ__CODEC_COLUMN)
        args.prior = ((ptrdiff_t)hrq__view_prior(v, panel) - (ptrdiff_t)panel) * (ptrdiff_t)v->lay.panel_bytes;
    if (v->codec == HRQ__CODEC_SIC) {
        const uint8_t *width = v->widths + from / 32;
        for (*run = 32; *run < depth && width[*run / 32] == width[0];) *run += 32;
        *run = hrq__min_size(*run, depth);
        args.code_bits = width[0];
        args.lane_bytes = 16 * (size_t)width[0];
        args.clamp = width[0] > 8 ? 32767 : 127;
    }
    return args;
}

/* Escapes of columns from ... from + n of a panel into its tiles. */
static void hrq__view_patch(const hrq__view *v, size_t panel, size_t from, size_t n, uint8_t *lo, uint8_t *hi,
                            size_t stride)
{
    size_t i, at, end = hrq__escapes_from(v, panel, from + n);
    uint32_t flip = v->args.flip;
    for (i = hrq__escapes_from(v, panel, from); i < end; i++) {
        hrq__escape e = hrq__escape_get(v, i, from);
        if (e.column >= n) continue;
        at = hrq__tile_at(stride, e.row, e.column);
        e.by += (int8_t)(lo[at] ^ flip) + (v->wide ? 256 * (int8_t)(hi[at] ^ flip) : 0);
        lo[at] = (uint8_t)((uint32_t)e.by ^ flip);
        if (v->wide) hi[at] = (uint8_t)((uint32_t)((e.by - (int8_t)e.by) / 256) ^ flip);
    }
}

/* The same times one vector's entries onto its sums. */
static void hrq__view_add(const hrq__view *v, size_t panel, size_t from, size_t n, int32_t *sum, const int8_t *x)
{
    size_t i, end = hrq__escapes_from(v, panel, from + n);
    for (i = hrq__escapes_from(v, panel, from); i < end; i++) {
        hrq__escape e = hrq__escape_get(v, i, from);
        if (e.column < n) sum[e.row] = (int32_t)((uint32_t)sum[e.row] + (uint32_t)(e.by * x[e.column]));
    }
}

/* Columns from ... from + n (from a multiple of 32) of a panel as tiles. hi is written where the view is wide. Returns
   the padded number of columns. Integer values only. */
static size_t hrq__view_tile(const hrq__view *v, size_t panel, size_t from, size_t n, uint8_t *lo, uint8_t *hi,
                             size_t stride, hrq__past *past)
{
    size_t at, i, run, depth = hrq__div_up(n, 8) * 8, to;
    const uint8_t *codes;
    for (at = 0; at < depth; at += run) {
        hrq__decode_args args = hrq__view_args(v, panel, from + at, depth - at, past, &run, &codes);
        args.stride = stride;
        to = at / 4 * stride;
        for (i = 0; v->wide && args.clamp == 127 && i < run / 4; i++)
            memset(hi + to + i * stride, (int)args.flip, 4 * HRQ_PANEL);
        if (args.code_bits > 8 && v->codec == HRQ__CODEC_SIC)
            hrq__decode_wide(v->kernels, lo + to, hi + to, codes, run, &args);
        else hrq__decode_run(v->kernels, v->codec, lo + to, hi ? hi + to : NULL, codes, run, &args);
        if (v->codec == HRQ__CODEC_TRELLIS) past->at += run;
    }
    if (v->escapes) hrq__view_patch(v, panel, from, n, lo, hi, stride);
    return depth;
}

/* Products of one vector with whole superblocks and groups of such columns without a tile; returns their number. */
static size_t hrq__view_one(const hrq__view *v, size_t panel, size_t from, size_t n, void *sum, hrq__vectors x,
                            const hrq__groups *groups, hrq__past *past)
{
    size_t at = 0, run, done;
    const uint8_t *codes;
    const int8_t *first = x.x;
    if (!v->kernels->one[v->codec]) return 0;
    while (at < n) {
        hrq__decode_args args = hrq__view_args(v, panel, from + at, n - at, past, &run, &codes);
        if (v->codec == HRQ__CODEC_SIC && args.code_bits == 0) done = run; /* zeros */
        else done = v->kernels->one[v->codec](sum, codes, run, &args, &x, groups);
        if (v->codec == HRQ__CODEC_TRELLIS) past->at += done;
        at += done;
        x.x += done;
        x.sums += done / 8;
        if (done < run) break;
    }
    if (v->escapes) hrq__view_add(v, panel, from, at, (int32_t *)sum, first);
    return at;
}

/* Largest byte that is a block's scale. */
HRQ__INLINE unsigned hrq__view_scale_top(const hrq__view *v) { return v->scale == HRQ__SCALE_E8M0 ? 254 : 126; }

HRQ__INLINE int hrq__float_legal(const hrq__view *v, unsigned code)
{
    return v->type.exp == 0 || (code & (v->type.sign - 1u)) <= v->type.top;
}

/* What one block is: codes as the layout has them (tcq: the coded bit lowest), its scale's index, and the values that
   decoding gives. */
typedef struct hrq__lane {
    uint16_t code[HRQ__LAYERS][8];
    unsigned index;
    float value[8];
} hrq__lane;

static void hrq__lane_store(const hrq__view *v, uint8_t *super, size_t s, size_t lane, const hrq__lane *in)
{
    size_t lanes = 16 * s;
    unsigned layer;
    uint16_t high[8];
    int j;
    hrq__planes_put(super, lanes, lane, v->lay.lead_bits, in->code[0]);
    super += lanes * v->lay.lead_bits;
    for (layer = 0; layer < v->lay.layers; layer++) {
        uint64_t packed = 0;
        for (j = 7; j >= 0; j--) high[j] = (uint16_t)(in->code[layer][j] >> v->lay.lead_bits);
        hrq__planes_put(super, lanes, lane, v->lay.code_bits, high);
        super += lanes * v->lay.code_bits;
        for (j = 7; j >= 0 && v->lay.digit_bits; j--) packed = packed * v->args.q + in->code[layer][j];
        hrq__lane_put(super, lanes, lane, v->lay.digit_bits, packed);
        super += lanes / 8 * v->lay.digit_bits;
    }
    hrq__lane_put(super, lanes, lane, v->lay.scale_bits, in->index);
}

/* Codes and index of a lane; 0 (false) where they are none that an encoder writes. */
static int hrq__lane_load(const hrq__view *v, const uint8_t *super, size_t s, size_t lane, hrq__lane *out)
{
    size_t lanes = 16 * s;
    unsigned layer;
    int j, legal = 1;
    super += lanes * v->lay.lead_bits; /* any bit will do */
    for (layer = 0; layer < v->lay.layers; layer++) {
        uint64_t packed;
        hrq__planes_lane(out->code[layer], super, lanes, lane, v->lay.code_bits);
        super += lanes * v->lay.code_bits;
        packed = hrq__lane_get(super, lanes, lane, v->lay.digit_bits);
        for (j = 0; j < 8 && v->lay.digit_bits; j++, packed /= v->args.q)
            out->code[layer][j] = (uint16_t)(packed % v->args.q);
        if (v->lay.digit_bits && packed) legal = 0;
        super += lanes / 8 * v->lay.digit_bits;
        for (j = 0; j < 8 && v->codec == HRQ__CODEC_FLOAT; j++)
            if (!hrq__float_legal(v, out->code[0][j])) legal = 0;
    }
    out->index = (unsigned)hrq__lane_get(super, lanes, lane, v->lay.scale_bits);
    return legal && (v->args.scales == 0 || out->index < v->args.scales);
}

/* Dither of a block whose first column is col: integers by the code's lattice, in fixed point. */
static void hrq__lane_dither(const hrq__view *v, size_t row, size_t col, size_t stride, int32_t z[8])
{
    uint16_t random[8];
    int j;
    for (j = 0; j < 8; j++) random[j] = hrq__dither_draw(v->mat->seed, row, col + stride * (size_t)j);
    hrq__voronoi_draw(&v->voronoi, random, z);
}

/* Dither of an integer's entry, in steps. */
HRQ__INLINE float hrq__int_dither(const hrq__view *v, size_t row, size_t col)
{
    return v->dither ? (float)hrq__dither_draw(v->mat->seed, row, col) / 65536.0f - 0.5f : 0.0f;
}

/* Values of a lane that is dithered, in steps. */
static void hrq__lane_values(const hrq__view *v, size_t row, size_t col, size_t stride, hrq__lane *lane)
{
    int32_t z[8], y[8], sum[8] = {0}, power = 1, multiple, value;
    unsigned layer, j;
    if (v->codec == HRQ__CODEC_INT) {
        for (j = 0; j < 8; j++)
            lane->value[j] = (float)(lane->code[0][j] - (1 << (v->args.code_bits - 1))) -
                             hrq__int_dither(v, row, col + stride * j);
    } else {
        for (layer = 0; layer < v->lay.layers; layer++, power *= v->voronoi.q) {
            hrq__voronoi_point(v->voronoi.lattice, y, lane->code[layer], v->voronoi.q);
            for (j = 0; j < 8; j++) sum[j] += power * y[j];
        }
        multiple = lane->index < v->args.scales ? v->voronoi.multiple[lane->index] : 0;
        hrq__lane_dither(v, row, col, stride, z);
        for (j = 0; j < 8; j++) {
            value = hrq__lattice_count(v->voronoi.lattice, sum[j]) * multiple;
            value = hrq__clampi(value, -v->voronoi.clamp, v->voronoi.clamp);
            lane->value[j] = (float)value - hrq__voronoi_dither(&v->voronoi, z[j]) * (float)multiple;
        }
    }
}

/* Of two bytes: f16, not bf16. */
HRQ__INLINE int hrq__half(const hrq__view *v) { return hrq__families[v->mat->format.kind].pattern[0] == 'f'; }

static float hrq__plain_get(const hrq__view *v, const uint8_t *p)
{
    if (v->mat->format.bits == 32) return hrq__float_of(hrq__get32(p));
    return hrq__half(v) ? hrq_f32_from_f16(hrq__get16(p)) : hrq_f32_from_bf16(hrq__get16(p));
}

/* The same columns as floats, [n][16 rows], before scales: plain entries, or values less their zero point. */
static void hrq__view_floats(const hrq__view *v, size_t panel, size_t from, size_t n, float *out)
{
    uint8_t lo[HRQ__CHUNK * HRQ_PANEL], hi[HRQ__CHUNK * HRQ_PANEL];
    hrq__past past;
    size_t c, row, at, s, i, j, width = v->lay.lane_bytes / HRQ_PANEL;
    if (v->codec == HRQ__CODEC_PLAIN) {
        const uint8_t *p = hrq__view_panel(v, panel) + from * v->lay.lane_bytes;
        if (width == 2 && hrq__half(v)) v->kernels->scales(out, p, n * HRQ_PANEL, HRQ__SCALES_F16, NULL);
        for (c = 0; c < n * HRQ_PANEL && width == 4; c++) out[c] = hrq__float_of(hrq__get32(p + 4 * c));
        for (c = 0; c < n * HRQ_PANEL && width == 2 && !hrq__half(v); c++)
            out[c] = hrq_f32_from_bf16(hrq__get16(p + 2 * c));
        return;
    }
    if (v->integers || v->upper) {
        past.panel = SIZE_MAX;
        hrq__view_tile(v, panel, from, n, lo, hi, 4 * HRQ_PANEL, &past);
        if (v->upper) v->kernels->tile_upper(out, lo, hi, n, v->kernels->flip);
        else v->kernels->tile_f32(out, lo, v->wide ? hi : NULL, n, v->kernels->flip);
    }
    for (at = from; at < from + n && !v->integers && !v->upper; at += 32) {
        const uint8_t *super = hrq__view_super(v, panel, at, &s);
        hrq__lane lane;
        for (row = 0; row < HRQ_PANEL; row++)
            for (i = 0; i < s; i++) {
                hrq__lane_load(v, super, s, row * s + i, &lane);
                hrq__lane_values(v, row, at + i, s, &lane);
                for (j = 0; j < 8; j++)
                    if (at + s * j + i < from + n) out[(at + s * j + i - from) * HRQ_PANEL + row] = lane.value[j];
            }
    }
    for (c = 0; c < n && v->lay.zeros; c = at) { /* a group */
        size_t group = hrq__view_group(v, from + c);
        float zero[HRQ_PANEL];
        for (row = 0; row < HRQ_PANEL; row++) zero[row] = (float)hrq__view_zero(v, panel * HRQ_PANEL + row, group);
        at = hrq__min_size(hrq__view_group_end(v, group) - from, n);
        for (; c < at; c++)
            for (row = 0; row < HRQ_PANEL; row++) out[c * HRQ_PANEL + row] -= zero[row];
    }
}

/* Column of W, or of its rotated rows, at a position; and its step: 1 but for sic and tcq:col. */
HRQ__INLINE size_t hrq__view_column(const hrq__view *v, size_t position)
{
    return v->perm ? hrq__get32(v->perm + 4 * position)
                   : hrq__sketch_column(v->mat->cols, v->lay.cols, v->mat->seed, position);
}
HRQ__INLINE float hrq__view_step(const hrq__view *v, size_t position)
{
    if (v->perm) return hrq__float_of(hrq__get32(v->steps + 4 * hrq__view_column(v, position)));
    return v->steps ? hrq_f32_from_bf16(hrq__get16(v->steps + 2 * position) ^ 0x3f80u) : 1.0f;
}

/* ---- encode ---- */

static void hrq__plain_put(const hrq__view *v, uint8_t *p, float x)
{
    if (v->mat->format.bits == 32) hrq__put32(p, hrq__bits_of(x));
    else hrq__put16(p, hrq__half(v) ? hrq_f16_from_f32(x) : hrq_bf16_from_f32(x));
}

static void hrq__put_row_scale(const hrq__view *v, size_t row, uint16_t h)
{
    hrq__put16(hrq__view_panel(v, row / HRQ_PANEL) + v->lay.row_at + row % HRQ_PANEL * 2, h);
}

/* Extents of a row. */
static void hrq__fit_extents(const hrq__view *v, size_t row, const float *x, float *lo, float *hi)
{
    if (!v->extents) {
        v->kernels->extents(lo, hi, x, v->lay.cols, v->lay.cols);
        return;
    }
    *lo = v->extents[row % HRQ_PANEL];
    *hi = v->extents[row % HRQ_PANEL + HRQ_PANEL];
}

/* Scales that groups with these extents want, before :mse. */
static void hrq__fit_wants(const hrq__view *v, float *scale, const float *lo, const float *hi, size_t n)
{
    hrq__norm one = {1.0f, 1.0f};
    size_t g;
    if (v->codec != HRQ__CODEC_FLOAT) {
        hrq__int_wants(&v->mat->format, scale, lo, hi, n);
        return;
    }
    v->kernels->wants(scale, lo, hi, n, HRQ__WANT_LARGEST, hrq__float_top(v->type), one);
    for (g = 0; g < n; g++) /* a quotient that vanishes is the least number: the row is not zero */
        if (scale[g] == 0.0f && lo[g] < hi[g]) scale[g] = hrq__float_of(1);
}

/* The same of n groups from g0 on; loose: the largest that they may want. And their least entries. */
static void hrq__fit_groups(const hrq__view *v, size_t row, const float *x, size_t g0, size_t n, int loose,
                            float *scale, float *lo)
{
    const hrq_format *f = &v->mat->format;
    float hi[HRQ__FIT];
    size_t g, group = v->lay.group ? v->lay.group : v->lay.cols, from = g0 * group;
    if (v->lay.group) v->kernels->extents(lo, hi, x + from, hrq__min_size(n * group, v->lay.cols - from), group);
    else hrq__fit_extents(v, row, x, lo, hi);
    hrq__fit_wants(v, scale, lo, hi, n);
    for (g = 0; g < n && !loose && v->codec == HRQ__CODEC_INT && f->options & HRQ__OPT_MSE; g++, from += group)
        if (scale[g] != 0.0f)
            scale[g] = hrq__int_mse_scale(x + from, hrq__min_size(group, v->lay.cols - from), scale[g],
                                          hrq__int_range_of(f));
}

/* Choose and store the scales of a row. A quotient grows with its dividend: where it is of one entry, the row's is the
   largest of its groups'. */
static void hrq__fit_scalar(const hrq__view *v, size_t row, const float *x)
{
    const hrq_format *f = &v->mat->format;
    int nearest = (f->options & HRQ__OPT_MSE) != 0, spans = v->lay.group && v->lay.zeros;
    float top = 0.0f, hi, scale[HRQ__FIT], lo[HRQ__FIT];
    uint16_t h[HRQ__FIT];
    size_t g, g0, n;
    uint8_t zero[HRQ__FIT], *zeros = hrq__view_panel(v, row / HRQ_PANEL) + v->lay.zero_at + row % HRQ_PANEL;
    for (g0 = 0; (spans || !v->lay.group) && g0 < v->lay.groups; g0 += n) {
        n = hrq__min_size(v->lay.groups - g0, HRQ__FIT);
        hrq__fit_groups(v, row, x, g0, n, spans, scale, lo);
        for (g = 0; spans && g < n; g++) top = fabsf(scale[g]) > top ? fabsf(scale[g]) : top;
    }
    if (v->lay.group && !spans) {
        hrq__fit_extents(v, row, x, lo, &hi);
        hrq__fit_wants(v, &top, lo, &hi, 1);
        top = fabsf(top);
    }
    hrq__put_row_scale(v, row, v->lay.group ? hrq__row_scale(top, 0) : hrq__row_scale(scale[0], nearest));
    top = hrq__view_stored_scale(v, row);
    h[0] = 0x3c00u; /* 1 */
    for (g0 = 0; (v->lay.group || v->lay.zeros) && g0 < v->lay.groups; g0 += n) {
        n = hrq__min_size(v->lay.groups - g0, HRQ__FIT);
        if (v->lay.group && (!spans || nearest || v->lay.groups > HRQ__FIT))
            hrq__fit_groups(v, row, x, g0, n, 0, scale, lo);
        if (v->lay.group) v->kernels->group_scales(h, scale, n, top, nearest);
        for (g = 0; v->lay.group && g < n; g++) hrq__put16(hrq__view_group_at(v, row, g0 + g), h[g]);
        if (!v->lay.zeros) continue;
        v->kernels->zeros(zero, lo, h, n, top, hrq__int_range_of(f), 1 << (f->bits - 1));
        for (g = 0; g < n; g++) zeros[(g0 + g) * HRQ_PANEL] = zero[g];
    }
}

static void hrq__fit_float(const hrq__view *v, size_t row, const float *x)
{
    int mse = (v->mat->format.options & HRQ__OPT_MSE) != 0;
    float scale, most = hrq__float_top(v->type), top, lo[HRQ__FIT], hi[HRQ__FIT];
    uint8_t code[HRQ__FIT];
    size_t g, g0, n, count, from, group = v->lay.group;
    if (v->scale == HRQ__SCALE_ROW) {
        hrq__fit_scalar(v, row, x);
        return;
    }
    if (v->scale == HRQ__SCALE_E4M3) { /* the largest entry of the row: both scales and its code at their largest */
        hrq__fit_extents(v, row, x, lo, hi);
        top = -lo[0] > hi[0] ? -lo[0] : hi[0];
        hrq__put32(hrq__view_panel(v, row / HRQ_PANEL) + v->lay.row_at + row % HRQ_PANEL * 4,
                   hrq__bits_of(top / (448.0f * most)));
    }
    scale = hrq__view_stored_scale(v, row);
    for (g0 = 0; g0 < v->lay.groups; g0 += n) {
        uint8_t *to = hrq__view_group_at(v, row, g0);
        n = hrq__min_size(v->lay.groups - g0, HRQ__FIT);
        from = g0 * group;
        v->kernels->extents(lo, hi, x + from, hrq__min_size(n * group, v->lay.cols - from), group);
        if (v->scale == HRQ__SCALE_E4M3) hrq__float_e4m3(code, v->type, lo, hi, n, scale);
        for (g = 0; g < n; g++, from += group) {
            top = -lo[g] > hi[g] ? -lo[g] : hi[g];
            count = hrq__min_size(group, v->lay.cols - from);
            if (v->scale == HRQ__SCALE_E8M0) code[g] = hrq__float_e8m0(top, most);
            if (mse)
                code[g] = v->scale == HRQ__SCALE_E8M0
                              ? hrq__float_e8m0_mse(v->type, x + from, count, top, code[g])
                              : hrq__float_e4m3_mse(v->type, x + from, count, top, code[g], scale);
            to[g * HRQ_PANEL] = code[g];
        }
    }
}

static void hrq__fit_rms(const hrq__view *v, size_t row, const float *x)
{
    hrq__put_row_scale(v, row, hrq__row_scale(hrq__rms(x, v->lay.cols), v->codec != HRQ__CODEC_VORONOI));
}

/* Code n <= 8 entries at columns col, col + stride, ... under the row's stored scales. Columns behind the last are
   padding: they get the code of 0. */
static void hrq__code_scalar(const hrq__view *v, size_t row, size_t col, size_t stride, size_t n, const float *x,
                             hrq__lane *out)
{
    hrq__int_range range = hrq__int_range_of(&v->mat->format);
    float row_scale = hrq__view_stored_scale(v, row), scale = 0.0f, z;
    hrq__norm norm = {1.0f, 0.0f};
    size_t i, last = SIZE_MAX;
    int32_t zero = 0, code;
    for (i = 0; i < n; i++, col += stride) {
        size_t group = hrq__view_group(v, hrq__min_size(col, v->lay.cols - 1));
        if (group != last) {
            last = group;
            scale = row_scale * hrq__view_group_scale(v, row, group);
            norm = hrq__norm_of(scale);
            zero = hrq__view_zero(v, row, group);
        }
        if (v->codec == HRQ__CODEC_FLOAT) {
            out->code[0][i] = (uint16_t)hrq__small_encode(v->type, hrq__norm_apply(norm, x[i]));
            out->value[i] = hrq__small_decode(v->type, out->code[0][i]) * scale;
            continue;
        }
        z = hrq__int_dither(v, row, col);
        code = col < v->lay.cols ? hrq__int_code(x[i], z, norm, zero, range) : zero;
        out->code[0][i] = (uint16_t)(code + (1 << (v->args.code_bits - 1)));
        out->value[i] = ((float)(code - zero) - z) * scale;
    }
}

/* A block of 8 over the row's root mean square. */
static void hrq__code_lattice(const hrq__view *v, size_t row, size_t col, size_t stride, size_t n, const float *x,
                              hrq__lane *out)
{
    float step = hrq__view_row_scale(v, row), in[8];
    hrq__norm norm = hrq__norm_of(hrq__view_stored_scale(v, row));
    hrq__voronoi_block b;
    int32_t z[8];
    size_t i;
    for (i = 0; i < 8; i++) in[i] = i < n ? hrq__clampf(hrq__norm_apply(norm, x[i]), -1e9f, 1e9f) : 0.0f;
    if (v->codec == HRQ__CODEC_BOX) {
        hrq__box_encode(&v->box, in, out->code[0], &out->index, b.value);
    } else {
        if (v->dither) hrq__lane_dither(v, row, col, stride, z);
        hrq__voronoi_encode(&v->voronoi, in, v->dither ? z : NULL, &b);
        memcpy(out->code, b.digit, sizeof b.digit);
        out->index = b.index;
    }
    for (i = 0; i < 8; i++) {
        out->value[i] = (float)b.value[i];
        if (v->dither)
            out->value[i] -= hrq__voronoi_dither(&v->voronoi, z[i]) * (float)v->voronoi.multiple[out->index];
        out->value[i] *= step;
    }
}

/* What the search of the whole row has found. */
static void hrq__code_trellis(const hrq__view *v, size_t row, size_t col, size_t stride, size_t n, const float *x,
                              hrq__lane *out)
{
    float step = hrq__view_row_scale(v, row);
    size_t i;
    (void)x;
    for (i = 0; i < n; i++) {
        out->code[0][i] = v->trellis->code[col + stride * i];
        out->value[i] = (float)v->trellis->level[col + stride * i] * step;
    }
}

static void hrq__code_plain(const hrq__view *v, size_t row, size_t col, size_t stride, size_t n, const float *x,
                            hrq__lane *out)
{
    uint8_t b[4];
    size_t i;
    (void)row;
    (void)col;
    (void)stride;
    for (i = 0; i < n; i++) {
        hrq__plain_put(v, b, x[i]);
        out->value[i] = hrq__plain_get(v, b);
    }
}

/* One row a codec: choose scales (NULL: it has none), code entries, and how many columns one decision takes (0: the
   row). */
typedef struct hrq__codec {
    void (*fit)(const hrq__view *v, size_t row, const float *x);
    void (*code)(const hrq__view *v, size_t row, size_t col, size_t stride, size_t n, const float *x, hrq__lane *out);
    size_t block;
} hrq__codec;

static const hrq__codec hrq__codecs[HRQ__CODECS] = {
    {NULL, NULL, 0},
    {NULL, hrq__code_plain, 1},
    {hrq__fit_scalar, hrq__code_scalar, 1},
    {hrq__fit_float, hrq__code_scalar, 1},
    {hrq__fit_rms, hrq__code_lattice, 8},
    {hrq__fit_rms, hrq__code_lattice, 8},
    {hrq__fit_rms, hrq__code_trellis, 0},
    {NULL, NULL, 0},
    {NULL, NULL, 1}, /* tcq:col: see below */
};

/* <x, decoded> and <decoded, decoded> of a row, times pre^2, in the lanes of hrq__dot16. */
typedef struct hrq__gain {
    float pre, dot[16], energy[16];
} hrq__gain;

/* A row under the scales that are stored. */
static void hrq__encode_codes(const hrq__view *v, size_t row, const float *x, hrq__gain *gain)
{
    size_t at, s, i, j, cols = v->lay.cols, width = v->lay.lane_bytes / HRQ_PANEL;
    float value[32];
    hrq__lane lane;
    memset(&lane, 0, sizeof lane);
    if (v->codec == HRQ__CODEC_PLAIN) {
        uint8_t *p = hrq__view_panel(v, row / HRQ_PANEL) + row % HRQ_PANEL * width;
        for (i = 0; i < v->lay.cols8; i++) hrq__plain_put(v, p + i * v->lay.lane_bytes, i < cols ? x[i] : 0.0f);
        return;
    }
    for (at = 0; at < v->lay.cols8; at += 32) {
        uint8_t *super = hrq__view_super(v, row / HRQ_PANEL, at, &s);
        for (i = 0; i < s; i++) {
            float in[8];
            for (j = 0; j < 8; j++) in[j] = at + s * j + i < cols ? x[at + s * j + i] : 0.0f;
            hrq__codecs[v->codec].code(v, row, at + i, s, 8, in, &lane);
            hrq__lane_store(v, super, s, row % HRQ_PANEL * s + i, &lane);
            for (j = 0; j < 8; j++) value[s * j + i] = lane.value[j];
        }
        for (i = 0; gain && i < 8 * s && at + i < cols; i++) {
            float d = value[i] * gain->pre;
            gain->dot[i & 15] = fmaf(x[at + i] * gain->pre, d, gain->dot[i & 15]);
            gain->energy[i & 15] = fmaf(d, d, gain->energy[i & 15]);
        }
    }
}

/* Scale indices of the s blocks of a row in one superblock. */
static void hrq__pack_index(uint8_t *planes, const uint8_t *index, size_t row, size_t s, unsigned bits)
{
    size_t i;
    unsigned b;
    if (s < 4) {
        for (i = 0; i < s; i++) hrq__lane_put(planes, 16 * s, row * s + i, bits, index[i]);
        return;
    }
    for (b = 0; b < bits; b++, planes += 8) { /* half a byte of each plane */
        unsigned four = (index[0] >> b & 1u) | (index[1] >> b & 1u) << 1 | (index[2] >> b & 1u) << 2 |
                        (index[3] >> b & 1u) << 3;
        planes[row / 2] = (uint8_t)(row & 1 ? (planes[row / 2] & 15u) | four << 4 : (planes[row / 2] & 240u) | four);
    }
}

/* The same of all 16 rows, [16] ld apart, for whole superblocks: bit b of eight bytes by one multiplication. */
static void hrq__pack_indices(uint8_t *planes, size_t lane_bytes, const uint8_t *index, size_t ld, size_t supers,
                              unsigned bits)
{
    for (; supers > 0; supers--, index += 4, planes += 4 * lane_bytes) {
        size_t row;
        unsigned b;
        for (row = 0; row < HRQ_PANEL; row += 2) {
            uint64_t eight =
                hrq__get32(index + row * ld) | (uint64_t)hrq__get32(index + (row + 1) * ld) << 32;
            for (b = 0; b < bits; b++) {
                uint64_t ones = (eight >> b & 0x0101010101010101u) * 0x0102040810204080u;
                planes[8 * b + row / 2] = (uint8_t)(ones >> 56);
            }
        }
    }
}

/* Lattice codes whose blocks are coded many at a time: floats of a row's values; codes, then indices of the rows of a
   panel; what a box code looks up. */
typedef struct hrq__blocks {
    float *value;
    uint8_t *code, *index; /* [16] cols8 and cols8 / 8 apart */
    hrq__box_map *map;
} hrq__blocks;

static size_t hrq__encode_blocks_bytes(const hrq__view *v)
{
    size_t column = sizeof(float) + HRQ_PANEL, map = 0; /* and two bytes for eight columns' sixteen indices */
    if (v->dither) return 0;
    if (v->codec == HRQ__CODEC_BOX) map = 2 * v->box.classes * sizeof(hrq__box_map);
    else if (v->codec != HRQ__CODEC_VORONOI || !v->voronoi.quick) return 0;
    return map + v->lay.cols8 * (column + HRQ_PANEL / 8);
}

static hrq__blocks hrq__blocks_of(const hrq__view *v)
{
    hrq__blocks b;
    b.value = (float *)(void *)v->blocks;
    b.map = (hrq__box_map *)(void *)(b.value + v->lay.cols8);
    b.code = (uint8_t *)(void *)(b.map + (v->codec == HRQ__CODEC_BOX ? 2 * v->box.classes : 0));
    b.index = b.code + HRQ_PANEL * v->lay.cols8;
    return b;
}

static void hrq__blocks_open(const hrq__view *v)
{
    hrq__blocks b = hrq__blocks_of(v);
    unsigned k;
    for (k = 0; v->codec == HRQ__CODEC_BOX && k < 2 * v->box.classes; k++)
        hrq__box_map_of(&b.map[k], v->box.level + (k << v->box.bits), v->box.bits);
}

/* A row's codes under the scales that are stored, not yet in planes. */
static void hrq__encode_blocks(const hrq__view *v, size_t row, const float *x, hrq__gain *gain)
{
    size_t at, done, cols8 = v->lay.cols8, whole = v->lay.cols / 32 * 32;
    hrq__blocks b = hrq__blocks_of(v);
    uint8_t *code = b.code + row % HRQ_PANEL * cols8, *index = b.index + row % HRQ_PANEL * (cols8 / 8);
    float *value = b.value, last[32] = {0};
    hrq__e8_args e8 = v->voronoi.e8;
    hrq__box_args box;
    e8.norm = box.norm = hrq__norm_of(hrq__view_stored_scale(v, row));
    e8.step = box.step = hrq__view_row_scale(v, row);
    box.box = &v->box;
    box.map = b.map;
    memcpy(last, x + whole, (v->lay.cols - whole) * sizeof(float));
    for (at = 0; at < cols8; at += done) {
        const float *from = at < whole ? x + at : last;
        size_t n = at < whole ? whole - at : cols8 - at;
        const hrq__kernels *kernels = v->kernels;
        for (done = 0; done == 0; kernels = &hrq__kernel_table[0])
            done = v->codec == HRQ__CODEC_BOX
                       ? kernels->code_box(code + at, index + at / 8, value + at, from, n, &box)
                       : kernels->code_e8(code + at, index + at / 8, value + at, from, n, &e8);
    }
    if (!gain) return;
    gain->dot[0] = v->kernels->dot16(x, value, v->lay.cols, gain->pre);
    gain->energy[0] = v->kernels->dot16(value, value, v->lay.cols, gain->pre);
}

/* The codes of rows row0 ... row1 - 1 of one panel to planes. */
static void hrq__blocks_pack(const hrq__view *v, size_t row0, size_t row1)
{
    size_t at = 0, row, s, cols8 = v->lay.cols8, ld = cols8 / 8;
    unsigned bits = v->args.code_bits, scale_bits = v->args.scale_bits;
    hrq__blocks b = hrq__blocks_of(v);
    uint8_t *super = hrq__view_super(v, row0 / HRQ_PANEL, 0, &s);
    if (row1 - row0 == HRQ_PANEL) {
        at = cols8 / 32 * 32;
        hrq__pack_run(v->kernels, super, v->lay.lane_bytes, b.code, cols8, at, 0, bits);
        hrq__pack_indices(super + 64 * bits, v->lay.lane_bytes, b.index, ld, at / 32, scale_bits);
    }
    for (; at < cols8; at += 32) {
        super = hrq__view_super(v, row0 / HRQ_PANEL, at, &s);
        for (row = row0 % HRQ_PANEL; row < row0 % HRQ_PANEL + row1 - row0; row++) {
            hrq__pack_row(super, b.code + row * cols8 + at, row, s, 0, bits);
            hrq__pack_index(super + 16 * s * bits, b.index + row * ld + at / 8, row, s, scale_bits);
        }
    }
}

/* Codes that depend on nothing but the entry and its scales, which stay as they are. */
static int hrq__encode_plainly(const hrq__view *v)
{
    return (v->codec == HRQ__CODEC_INT || v->codec == HRQ__CODEC_FLOAT) && !v->dither &&
           !(v->mat->format.options & HRQ__OPT_UNBIASED);
}

/* How the groups of columns from ... from + n divide, [groups][16 rows]. */
static void hrq__encode_norms(const hrq__view *v, size_t row0, size_t row1, size_t from, size_t n, hrq__norm *norm,
                              int32_t *zero)
{
    float row_scale[HRQ_PANEL], group_scale[HRQ_PANEL];
    size_t g, row, g0 = hrq__view_group(v, from), g1 = hrq__view_group(v, from + n - 1);
    int whole = row1 - row0 == HRQ_PANEL && v->lay.group;
    for (row = 0; whole && row < HRQ_PANEL; row++) row_scale[row] = hrq__view_stored_scale(v, row0 + row);
    for (g = g0; whole && g <= g1; g++) {
        hrq__view_scales(v, row0 / HRQ_PANEL, g, group_scale);
        v->kernels->norms(norm + (g - g0) * HRQ_PANEL, row_scale, group_scale);
        for (row = 0; v->lay.zeros && row < HRQ_PANEL; row++)
            zero[(g - g0) * HRQ_PANEL + row] = hrq__view_zero(v, row0 + row, g);
    }
    for (row = row0; !whole && row < row1; row++) {
        float scale = hrq__view_stored_scale(v, row);
        for (g = g0; g <= g1; g++) {
            size_t at = (g - g0) * HRQ_PANEL + row % HRQ_PANEL;
            norm[at] = hrq__norm_of(scale * hrq__view_group_scale(v, row, g));
            zero[at] = hrq__view_zero(v, row, g);
        }
    }
}

/* Rows row0 ... row1 - 1 of one panel under the scales that are stored, 128 columns at a time to bytes and then to
   planes. */
static void hrq__encode_rows(const hrq__view *v, size_t row0, size_t row1, const float *x, size_t ldx)
{
    uint8_t codes[HRQ_PANEL * HRQ__CHUNK];
    hrq__norm norm[HRQ_PANEL * (HRQ__CHUNK / 8 + 1)];
    int32_t zero[HRQ_PANEL * (HRQ__CHUNK / 8 + 1)];
    size_t from, n, n8, r, i, s, nrows = row1 - row0;
    hrq__code_args args;
    args.group = v->lay.group ? v->lay.group : v->lay.cols8;
    args.range = hrq__int_range_of(&v->mat->format);
    args.offset = v->codec == HRQ__CODEC_INT ? 1 << (v->args.code_bits - 1) : 0;
    args.type = v->type;
    for (from = 0; from < v->lay.cols; from += n) {
        uint8_t *super = hrq__view_super(v, row0 / HRQ_PANEL, from, &s);
        n = hrq__min_size(v->lay.cols - from, HRQ__CHUNK);
        n8 = hrq__div_up(n, 8) * 8;
        args.first = from % args.group;
        if (from == 0 || v->lay.group) hrq__encode_norms(v, row0, row1, from, n, norm, zero);
        for (r = 0; r < nrows; r++) {
            size_t row = (row0 + r) % HRQ_PANEL;
            for (i = 0; nrows == HRQ_PANEL && i < n; i += 16) /* the next panel's row: the check reads it at once */
                HRQ__PREFETCH((uintptr_t)(x + r * ldx + from + i) + HRQ_PANEL * ldx * sizeof *x);
            args.norm = norm + row;
            args.zero = v->lay.zeros ? zero + row : NULL;
            if (v->codec == HRQ__CODEC_INT) v->kernels->code_int(codes + r * HRQ__CHUNK, x + r * ldx + from, n, &args);
            else v->kernels->code_float(codes + r * HRQ__CHUNK, x + r * ldx + from, n, &args);
            for (i = n; i < n8; i++) /* padding: the code of 0 */
                codes[r * HRQ__CHUNK + i] =
                    (uint8_t)(args.offset + (args.zero ? args.zero[(args.first + n - 1) / args.group * HRQ_PANEL] : 0));
        }
        if (nrows == HRQ_PANEL)
            hrq__pack_run(v->kernels, super, v->lay.lane_bytes, codes, HRQ__CHUNK, n8, 0, v->args.code_bits);
        for (i = 0; nrows < HRQ_PANEL && i < n8; i += 32)
            for (r = 0; r < nrows; r++)
                hrq__pack_row(super + i / 8 * v->lay.lane_bytes, codes + r * HRQ__CHUNK + i, (row0 + r) % HRQ_PANEL,
                              hrq__min_size(n8 - i, 32) / 8, 0, v->args.code_bits);
    }
}

/* Formats whose row scale is chosen again when the codes are known. */
static int hrq__encode_gains(const hrq__view *v)
{
    return hrq__codecs[v->codec].fit == hrq__fit_rms || v->mat->format.options & HRQ__OPT_UNBIASED;
}

/* The row scale of least squared error for these codes, <x, decoded> / |decoded|^2, or (+unbiased) the one that keeps
   the row's products with itself, |x|^2 / <x, decoded>: then products with whatever is aligned with it do not
   shrink. Source: arXiv 2410.13780. */
static void hrq__encode_rescale(const hrq__view *v, size_t row, const float *x, hrq__gain *g)
{
    size_t i, half;
    float ratio;
    for (half = 8; half > 0; half /= 2)
        for (i = 0; i < half; i++) {
            g->dot[i] += g->dot[i + half];
            g->energy[i] += g->energy[i + half];
        }
    if (!(g->dot[0] > 0.0f) || !(g->energy[0] > 0.0f)) return;
    ratio = v->mat->format.options & HRQ__OPT_UNBIASED ? hrq__dot16(x, x, v->lay.cols, g->pre) / g->dot[0]
                                                       : g->dot[0] / g->energy[0];
    hrq__put_row_scale(v, row, hrq__row_scale(hrq__view_stored_scale(v, row) * ratio, 1));
}

static int hrq__rotated(const hrq_format *f) { return (f->options & HRQ__OPT_HAD) != 0; }

/* Rows that are not coded as they come. */
static int hrq__moved(const hrq_format *f) { return (f->options & (HRQ__OPT_HAD | HRQ__OPT_CENTER)) != 0; }

/* A row as the codec sees it, in out [cols]: less its mean (which is stored), rotated, what the sketch keeps in
   front. */
static void hrq__encode_move(const hrq__view *v, size_t row, const float *x, float *out)
{
    size_t i, cols = v->mat->cols;
    float mean;
    memcpy(out, x, cols * sizeof *out);
    if (v->lay.means) {
        mean = (float)(hrq__row_sum(x, cols) / (double)cols);
        for (i = 0; i < cols; i++) out[i] -= mean;
        hrq__put32(hrq__view_panel(v, row / HRQ_PANEL) + v->lay.mean_at + row % HRQ_PANEL * 4, hrq__bits_of(mean));
    }
    if (hrq__rotated(&v->mat->format)) hrq__hadamard_row(out, cols, v->mat->seed, 0);
    for (i = 0; v->lay.cols < cols && i < v->lay.cols; i++) out[i] = out[hrq__view_column(v, i)];
}

/* ---- tcq:col: a band of rows at a time, column by column ---- */

/* A hash that is 0 where all scales are 1, FNV-1a's. */
static uint64_t hrq__column_fingerprint(const uint8_t *steps, size_t cols)
{
    uint64_t h = 0xcbf29ce484222325u, all = 0;
    size_t i;
    for (i = 0; i < 2 * cols; i++) {
        all |= steps[i];
        h = (h ^ steps[i]) * 0x100000001b3u;
    }
    return all ? h | 1 : 0;
}

/* The scales of a panel's rows, x[nrows] ldx apart: root mean squares, the largest in 6 bits, the others as the nearest
   of 15 steps below it, the finest that reach the least. What is under 1/32 of the largest is nearer to 0 than to codes
   of the least scale. */
static void hrq__column_fit(const hrq__view *v, size_t panel, const float *x, size_t nrows, size_t ldx)
{
    uint8_t *p = hrq__view_panel(v, panel) + v->lay.row_at;
    float rms[HRQ_PANEL] = {0}, top = 0.0f, least = 3.4e38f;
    unsigned h, k, fine = 0;
    size_t r;
    for (r = 0; r < nrows; r++) {
        rms[r] = hrq__rms(x + r * ldx, v->lay.cols);
        top = rms[r] > top ? rms[r] : top;
        if (rms[r] > 0.0f && rms[r] < least) least = rms[r];
    }
    h = hrq__row_scale(top, 1);
    h = h > 0x7f7cu ? 0x7f7cu : (h + 2u) & ~3u;
    top = hrq_f32_from_bf16((uint16_t)h);
    while (fine < 3 && least < hrq__octave_part(top, 29u << fine)) fine++;
    hrq__put16(p, (uint16_t)(h | fine));
    memset(p + 2, 0, HRQ_PANEL / 2);
    for (r = 0; r < HRQ_PANEL; r++) {
        for (k = 0; k < 14 && rms[r] < hrq__octave_part(top, (2 * k + 1) << fine);) k++;
        if (rms[r] < 0.03125f * top || rms[r] == 0.0f) k = 15;
        p[2 + r / 2] = (uint8_t)(p[2 + r / 2] | k << 4 * (r % 2));
    }
}

/* Codes of one column of a band of `rows` rows from row0 on; y: its entries over the scales of rows and column. What
   they decode to is left in w->level. */
static void hrq__column_encode(const hrq__view *v, hrq__tcq_work *w, size_t row0, size_t rows, size_t position,
                               const float *y, float inv)
{
    size_t t, j, s;
    hrq__lane lane;
    memset(&lane, 0, sizeof lane);
    w->steps = hrq__div_up(rows, HRQ_PANEL) * HRQ_PANEL;
    for (t = 0; t < w->steps; t++) w->x[t] = (int16_t)(t < rows ? hrq__tcq_fixed(w, y[t] * inv) : 0);
    hrq__tcq_sequence(w, rows, 0, 1);
    for (t = 0; t < w->steps; t += 8) {
        uint8_t *super = hrq__view_super(v, (row0 + t) / HRQ_PANEL, position / 32 * 32, &s);
        for (j = 0; j < 8; j++) lane.code[0][j] = w->code[t + j];
        hrq__lane_store(v, super, s, t / 8 % 2 * 8 * s + position % 32, &lane);
    }
}

/* Working memory of a band's encoder: how entries divide, a column, the trellis's. 0 (false): overflow. */
static int hrq__column_bytes(const hrq__view *v, size_t *bytes)
{
    if (!hrq__tcq_bytes(v->mat->format.states, 2 * HRQ__BAND, bytes)) return 0;
    return hrq__add_size(*bytes, 2 * HRQ__BAND * (sizeof(hrq__norm) + sizeof(float)), bytes);
}

/* Rows row0 ... row0 + nrows - 1, a whole band, x [nrows] ldx apart, under the column scales that are stored. */
static void hrq__column_band(const hrq__view *v, size_t row0, size_t nrows, const float *x, size_t ldx, void *memory)
{
    hrq__norm *norm = (hrq__norm *)memory;
    float *y = (float *)(void *)(norm + 2 * HRQ__BAND);
    hrq__tcq_work w;
    size_t r, position, panels = hrq__div_up(nrows, HRQ_PANEL);
    hrq__tcq_open(&w, &v->mat->format, 2 * HRQ__BAND, y + 2 * HRQ__BAND);
    for (r = 0; r < panels; r++) {
        uint8_t *panel = hrq__view_panel(v, row0 / HRQ_PANEL + r);
        size_t n = hrq__min_size(HRQ_PANEL, nrows - r * HRQ_PANEL), means = v->lay.mean_at + 4 * n;
        memset(panel, 0, v->lay.row_at);
        if (v->lay.means) memset(panel + means, 0, v->lay.panel_bytes - means); /* padding */
        hrq__column_fit(v, row0 / HRQ_PANEL + r, x + r * HRQ_PANEL * ldx, n, ldx);
    }
    for (r = 0; r < nrows; r++) norm[r] = hrq__norm_of(hrq__view_stored_scale(v, row0 + r));
    for (position = 0; position < v->lay.cols; position++) {
        float step = hrq__view_step(v, position);
        for (r = 0; r < nrows; r++) y[r] = hrq__norm_apply(norm[r], x[r * ldx + position]);
        hrq__column_encode(v, &w, row0, nrows, position, y, step > 0.0f ? 1.0f / step : 0.0f);
    }
}

/* Whole bands of w; moved: floats in front of the memory, for a band whose rows are not coded as they come. */
static void hrq__encode_bands(const hrq__view *v, size_t row0, size_t nrows, const float *w, size_t ldw, size_t moved,
                              uint8_t *memory)
{
    size_t r, i, n, cols = v->mat->cols;
    float *rows = (float *)(void *)memory;
    for (r = row0; r < row0 + nrows; r += n) {
        const float *x = w + (r - row0) * ldw;
        n = hrq__band_end(v->mat->rows, r / HRQ__BAND) - r;
        for (i = 0; i < n && moved; i++) hrq__encode_move(v, r + i, x + i * ldw, rows + i * cols);
        hrq__column_band(v, r, n, moved ? rows : x, moved ? cols : ldw, memory + moved);
    }
}

/* Bytes of working memory: the moved row (or band), then the trellis's. 0 (false): overflow. */
static int hrq__encode_bytes(const hrq__view *v, size_t *moved, size_t *bytes)
{
    size_t trellis = 0, rows = v->codec == HRQ__CODEC_COLUMN ? 2 * HRQ__BAND : 1;
    *moved = 0;
    if (hrq__moved(&v->mat->format) && !hrq__mul_size(v->mat->cols, rows * sizeof(float), moved)) return 0;
    if (v->codec == HRQ__CODEC_COLUMN && !hrq__column_bytes(v, &trellis)) return 0;
    if (v->codec == HRQ__CODEC_TRELLIS && !hrq__tcq_bytes(v->mat->format.states, v->lay.cols8 / 4, &trellis))
        return 0;
    if (v->lay.cols8 > SIZE_MAX / 32) return 0; /* blocks: 22 bytes a column */
    return hrq__add_size(*moved, trellis, bytes) && hrq__add_size(*bytes, hrq__encode_blocks_bytes(v), bytes);
}

HRQ_API size_t hrq_mat_encode_scratch(const hrq_format *format, size_t cols)
{
    hrq__view v;
    hrq_mat mat;
    uint8_t none[1] = {0};
    size_t moved, bytes;
    memset(&mat, 0, sizeof mat);
    mat.bytes = hrq_mat_bytes(format, 1, cols);
    if (!mat.bytes) return 0;
    mat.format = *format;
    mat.rows = 1;
    mat.cols = cols;
    mat.data = none; /* not read */
    return hrq__view_open(&v, &mat) == HRQ_OK && hrq__encode_bytes(&v, &moved, &bytes) ? bytes : 0;
}

/* Rows finite, and so small that all they become is: f16 and bf16 have largest values; a code may lie beyond the
   entry it stands for, and a rotation sums cols of them. */
static hrq_status hrq__encode_check(const hrq__view *v, size_t row0, size_t nrows, const float *w, size_t ldw)
{
    int plain = v->codec == HRQ__CODEC_PLAIN, turned = hrq__rotated(&v->mat->format);
    int half = plain && v->mat->format.bits == 16 && hrq__half(v), bounded = !plain || turned || v->lay.means;
    size_t r, c, cols = v->mat->cols;
    float top = 4.25352959e37f; /* 2^125 */
    uint8_t b[4];
    if (turned) top = half ? 65504.0f / sqrtf((float)cols) : top / (float)cols;
    else if (half) top = 32752.0f; /* less a mean: twice as much */
    for (r = 0; r < nrows; r++) {
        float lo, hi;
        v->kernels->extents(&lo, &hi, w + r * ldw, cols, cols);
        if (!hrq__finite(lo) || !hrq__finite(hi)) return HRQ_ERR_NONFINITE;
        if (bounded && (-lo > top || hi > top)) return HRQ_ERR_NONFINITE;
        if (v->extents) {
            v->extents[(row0 + r) % HRQ_PANEL] = lo;
            v->extents[(row0 + r) % HRQ_PANEL + HRQ_PANEL] = hi;
        }
        for (c = 0; plain && c < cols; c++) {
            hrq__plain_put(v, b, w[r * ldw + c]);
            if (!hrq__finite(hrq__plain_get(v, b))) return HRQ_ERR_NONFINITE;
        }
    }
    return HRQ_OK;
}

/* A row under the scales that are stored, which its codes may change. */
static void hrq__encode_row(const hrq__view *v, size_t row, const float *x, hrq__tcq_work *trellis)
{
    hrq__gain gain;
    int gains = hrq__encode_gains(v);
    if (v->codec == HRQ__CODEC_TRELLIS) {
        hrq__norm norm = hrq__norm_of(hrq__view_stored_scale(v, row));
        hrq__tcq_encode(trellis, x, v->lay.cols, norm.pre, norm.inv);
    }
    memset(&gain, 0, sizeof gain);
    if (gains) gain.pre = hrq__power_of_two_over(hrq__absmax(x, v->lay.cols));
    if (v->blocks) hrq__encode_blocks(v, row, x, gains ? &gain : NULL);
    else hrq__encode_codes(v, row, x, gains ? &gain : NULL);
    if (gains) hrq__encode_rescale(v, row, x, &gain);
}

HRQ_API hrq_status hrq_mat_encode(hrq_mat *mat, size_t row0, size_t nrows, const float *w, size_t ldw,
                                  const hrq_hooks *hooks)
{
    hrq__view v;
    hrq__tcq_work trellis;
    uint8_t *memory = NULL;
    float extents[2 * HRQ_PANEL];
    size_t r, i, step, moved, bytes;
    hrq_status status = hrq__view_open(&v, mat);
    if (status != HRQ_OK) return status;
    if (row0 > mat->rows || nrows > mat->rows - row0) return HRQ_ERR_ARG;
    if (v.codec == HRQ__CODEC_SIC) return HRQ_ERR_UNSUPPORTED;
    if (nrows == 0) return HRQ_OK;
    if (!w) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(nrows, mat->cols, ldw) || !hrq__encode_bytes(&v, &moved, &bytes)) return HRQ_ERR_SHAPE;
    if (v.codec == HRQ__CODEC_COLUMN &&
        !(hrq__band_border(mat->rows, row0) && hrq__band_border(mat->rows, row0 + nrows)))
        return HRQ_ERR_ARG;
    if (nrows <= HRQ_PANEL && !moved) v.extents = extents;
    status = hrq__encode_check(&v, row0, nrows, w, ldw);
    if (status != HRQ_OK) return status;
    if (bytes && (memory = (uint8_t *)hrq__alloc(hooks, bytes)) == NULL) return HRQ_ERR_NOMEM;
    if (v.codec == HRQ__CODEC_TRELLIS) {
        hrq__tcq_open(&trellis, &mat->format, v.lay.cols8 / 4, memory + moved);
        v.trellis = &trellis;
    }
    if (hrq__encode_blocks_bytes(&v)) {
        v.blocks = memory + moved;
        hrq__blocks_open(&v);
    }
    if (v.codec == HRQ__CODEC_COLUMN) hrq__encode_bands(&v, row0, nrows, w, ldw, moved, memory);
    for (r = 0; r < nrows && v.codec != HRQ__CODEC_COLUMN; r += step) {
        const float *x = w + r * ldw;
        step = moved ? 1 : hrq__min_size(nrows - r, HRQ_PANEL - (row0 + r) % HRQ_PANEL);
        if (moved) {
            hrq__encode_move(&v, row0 + r, x, (float *)(void *)memory);
            x = (const float *)(const void *)memory;
        }
        for (i = 0; i < step; i++)
            if (hrq__codecs[v.codec].fit) hrq__codecs[v.codec].fit(&v, row0 + r + i, x + i * ldw);
        if (hrq__encode_plainly(&v)) hrq__encode_rows(&v, row0 + r, row0 + r + step, x, ldw);
        else
            for (i = 0; i < step; i++) hrq__encode_row(&v, row0 + r + i, x + i * ldw, &trellis);
        if (v.blocks) hrq__blocks_pack(&v, row0 + r, row0 + r + step);
    }
    hrq__release(hooks, memory);
    return HRQ_OK;
}

/* ---- decode ---- */

/* Positions from ... from + n of all rows of a panel, as the floats that products use, before the inverse transform:
   w[r * ld + i]. */
static void hrq__decode_chunk(const hrq__view *v, size_t panel, size_t from, size_t n, float *w, size_t ld)
{
    float tile[HRQ__CHUNK * HRQ_PANEL], row_scale[HRQ_PANEL], scale[HRQ_PANEL], step[HRQ__CHUNK];
    size_t c, r, end;
    hrq__view_floats(v, panel, from, n, tile);
    for (r = 0; r < HRQ_PANEL; r++) row_scale[r] = hrq__view_row_scale(v, panel * HRQ_PANEL + r);
    for (c = 0; c < n; c = end) { /* a group */
        size_t group = hrq__view_group(v, from + c);
        end = hrq__min_size(hrq__view_group_end(v, group) - from, n);
        hrq__view_scales(v, panel, group, scale);
        for (r = 0; r < HRQ_PANEL; r++) scale[r] *= row_scale[r];
        v->kernels->scale_rows(w + c, ld, tile + c * HRQ_PANEL, end - c, scale);
    }
    if (!v->steps) return;
    for (c = 0; c < n; c++) step[c] = hrq__view_step(v, from + c);
    for (r = 0; r < HRQ_PANEL; r++)
        for (c = 0; c < n; c++) w[r * ld + c] *= step[c];
}

HRQ_API hrq_status hrq_mat_decode(const hrq_mat *mat, size_t row0, size_t nrows, float *w, size_t ldw)
{
    hrq__view v;
    float chunk[HRQ_PANEL * HRQ__CHUNK];
    size_t r, end, i, c, from, n;
    int straight; /* columns in order */
    hrq_status status = hrq__view_open(&v, mat);
    if (status != HRQ_OK) return status;
    if (row0 > mat->rows || nrows > mat->rows - row0) return HRQ_ERR_ARG;
    if (nrows == 0) return HRQ_OK;
    if (!w) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(nrows, mat->cols, ldw)) return HRQ_ERR_SHAPE;
    straight = !v.perm && v.lay.cols == mat->cols;
    for (r = row0; r < row0 + nrows; r = end) {
        float *out = w + (r - row0) * ldw;
        end = hrq__min_size((r / HRQ_PANEL + 1) * HRQ_PANEL, row0 + nrows);
        for (i = 0; i < end - r && v.lay.cols < mat->cols; i++) memset(out + i * ldw, 0, mat->cols * sizeof(float));
        for (from = 0; from < v.lay.cols; from += HRQ__CHUNK) {
            const float *in = chunk + r % HRQ_PANEL * HRQ__CHUNK;
            int whole = straight && end - r == HRQ_PANEL;
            n = hrq__min_size(v.lay.cols - from, HRQ__CHUNK);
            hrq__decode_chunk(&v, r / HRQ_PANEL, from, n, whole ? out + from : chunk, whole ? ldw : HRQ__CHUNK);
            for (i = 0; i < end - r && !whole; i++, in += HRQ__CHUNK) {
                if (straight) memcpy(out + i * ldw + from, in, n * sizeof *in);
                for (c = 0; c < n && !straight; c++) out[i * ldw + hrq__view_column(&v, from + c)] = in[c];
            }
        }
        for (i = 0; i < end - r; i++) {
            float mean = hrq__view_mean(&v, r + i);
            if (hrq__rotated(&mat->format)) hrq__hadamard_row(out + i * ldw, mat->cols, mat->seed, 1);
            for (c = 0; c < mat->cols && v.lay.means; c++) out[i * ldw + c] += mean;
        }
    }
    return HRQ_OK;
}

/* ---- MX and NV rows in their specifications' order ---- */

/* Code c of a string of codes of `bits` bits, low bits first. */
static uint16_t hrq__string_get(const uint8_t *p, size_t c, unsigned bits)
{
    size_t at = c / 8 * bits + c % 8 * bits / 8;
    unsigned down = (unsigned)(c % 8) * bits % 8, word = p[at];
    if (down + bits > 8) word |= (unsigned)p[at + 1] << 8;
    return (uint16_t)(word >> down & ((1u << bits) - 1));
}

static void hrq__string_or(uint8_t *p, size_t c, unsigned bits, unsigned code)
{
    size_t at = c / 8 * bits + c % 8 * bits / 8;
    unsigned down = (unsigned)(c % 8) * bits % 8;
    p[at] = (uint8_t)(p[at] | code << down);
    if (down + bits > 8) p[at + 1] = (uint8_t)(p[at + 1] | code >> (8 - down));
}

static hrq_status hrq__view_open_row(hrq__view *v, const hrq_mat *mat, size_t row)
{
    hrq_status status = hrq__view_open(v, mat);
    if (status != HRQ_OK) return status;
    if (row >= mat->rows) return HRQ_ERR_ARG;
    if (v->scale != HRQ__SCALE_E8M0 && v->scale != HRQ__SCALE_E4M3) return HRQ_ERR_UNSUPPORTED;
    return v->lay.means || mat->format.keep ? HRQ_ERR_UNSUPPORTED : HRQ_OK;
}

HRQ_API hrq_status hrq_mat_import_row(hrq_mat *mat, size_t row, const uint8_t *elements, const uint8_t *scales,
                                      float tensor)
{
    hrq__view v;
    hrq__lane lane;
    size_t at, s, i, j, c;
    hrq_status status = hrq__view_open_row(&v, mat, row);
    if (status != HRQ_OK) return status;
    if (!elements || !scales) return HRQ_ERR_ARG;
    if (v.lay.row_bytes && !hrq__finite(tensor)) return HRQ_ERR_DATA;
    for (i = 0; i < v.lay.groups; i++)
        if (scales[i] > hrq__view_scale_top(&v)) return HRQ_ERR_DATA;
    for (c = 0; c < mat->cols; c++)
        if (!hrq__float_legal(&v, hrq__string_get(elements, c, mat->format.bits))) return HRQ_ERR_DATA;
    for (i = 0; i < v.lay.groups; i++) *hrq__view_group_at(&v, row, i) = scales[i];
    if (v.lay.row_bytes)
        hrq__put32(hrq__view_panel(&v, row / HRQ_PANEL) + v.lay.row_at + row % HRQ_PANEL * 4, hrq__bits_of(tensor));
    memset(&lane, 0, sizeof lane);
    for (at = 0; at < v.lay.cols8; at += 32) {
        uint8_t *super = hrq__view_super(&v, row / HRQ_PANEL, at, &s);
        for (i = 0; i < s; i++) {
            for (j = 0; j < 8; j++) {
                c = at + s * j + i;
                lane.code[0][j] = c < mat->cols ? hrq__string_get(elements, c, mat->format.bits) : (uint16_t)0;
            }
            hrq__lane_store(&v, super, s, row % HRQ_PANEL * s + i, &lane);
        }
    }
    return HRQ_OK;
}

HRQ_API hrq_status hrq_mat_export_row(const hrq_mat *mat, size_t row, uint8_t *elements, uint8_t *scales,
                                      float *tensor)
{
    hrq__view v;
    hrq__lane lane;
    size_t at, s, i, j, c;
    int pass;
    hrq_status status = hrq__view_open_row(&v, mat, row);
    if (status != HRQ_OK) return status;
    if (!elements || !scales || !tensor) return HRQ_ERR_ARG;
    for (i = 0; i < v.lay.groups; i++)
        if (*hrq__view_group_at(&v, row, i) > hrq__view_scale_top(&v)) return HRQ_ERR_DATA;
    if (!hrq__finite(hrq__view_stored_scale(&v, row))) return HRQ_ERR_DATA;
    for (pass = 0; pass < 2; pass++) { /* look first, then write */
        if (pass)
            memset(elements, 0, mat->cols / 8 * mat->format.bits + hrq__div_up(mat->cols % 8 * mat->format.bits, 8));
        for (at = 0; at < v.lay.cols8; at += 32) {
            const uint8_t *super = hrq__view_super(&v, row / HRQ_PANEL, at, &s);
            for (i = 0; i < s; i++) {
                if (!hrq__lane_load(&v, super, s, row % HRQ_PANEL * s + i, &lane)) return HRQ_ERR_DATA;
                for (j = 0; j < 8; j++) {
                    c = at + s * j + i;
                    if (pass && c < mat->cols) hrq__string_or(elements, c, mat->format.bits, lane.code[0][j]);
                }
            }
        }
    }
    for (i = 0; i < v.lay.groups; i++) scales[i] = *hrq__view_group_at(&v, row, i);
    *tensor = hrq__view_stored_scale(&v, row);
    return HRQ_OK;
}

/* ---- make, wrap, check ---- */

/* Shared by init and wrap: all that can be said without reading bytes. */
static hrq_status hrq__mat_describe(hrq_mat *out, const hrq_format *format, size_t rows, size_t cols, uint64_t seed,
                                    void *data, size_t bytes)
{
    if (!out || !data || !hrq__format_valid(format)) return HRQ_ERR_ARG;
    out->format = *format;
    out->rows = rows;
    out->cols = cols;
    out->seed = seed;
    out->data = data;
    out->bytes = bytes;
    if (hrq__families[format->kind].codec != HRQ__CODEC_SIC) {
        out->bytes = hrq_mat_bytes(format, rows, cols);
        if (!out->bytes) return HRQ_ERR_SHAPE;
        if (out->bytes > bytes) return HRQ_ERR_SPACE;
    }
    return HRQ_OK;
}

HRQ_API hrq_status hrq_mat_init(hrq_mat *mat, const hrq_format *format, size_t rows, size_t cols, uint64_t seed,
                                void *data, size_t bytes)
{
    hrq_mat m;
    hrq_status status = mat ? hrq__mat_describe(&m, format, rows, cols, seed, data, bytes) : HRQ_ERR_ARG;
    if (status != HRQ_OK) return status;
    if (hrq__families[format->kind].codec == HRQ__CODEC_SIC) return HRQ_ERR_UNSUPPORTED;
    memset(m.data, 0, m.bytes);
    *mat = m;
    return HRQ_OK;
}

/* sic: columns in range, steps finite; once: every column in perm once, quadratic because it takes no memory. */
static hrq_status hrq__sicmat_check_perm(const hrq__view *v, int once)
{
    size_t i, j, cols = v->mat->cols;
    for (i = 0; i < cols; i++) {
        size_t col = hrq__view_column(v, i);
        if (col >= cols || !hrq__finite(hrq__float_of(hrq__get32(v->steps + 4 * i)))) return HRQ_ERR_DATA;
        for (j = 0; once && j < i; j++)
            if (hrq__view_column(v, j) == col) return HRQ_ERR_DATA;
    }
    return HRQ_OK;
}

/* sic: each panel's escapes in order, on codes that are 0, inside; values that the tiles hold. */
static hrq_status hrq__sicmat_check_escapes(const hrq__view *v)
{
    uint8_t lo[32 * HRQ_PANEL], hi[32 * HRQ_PANEL];
    hrq__view codes = *v;
    hrq__past past;
    size_t panel, i, end = 0, panels = hrq__div_up(v->mat->rows, HRQ_PANEL);
    codes.escapes = NULL;
    past.panel = SIZE_MAX;
    for (panel = 0; panel < panels; panel++) {
        uint64_t next = 0;
        size_t tile = SIZE_MAX; /* the position it begins at */
        if (hrq__get32(v->escapes + 4 * panel) != end) return HRQ_ERR_DATA;
        end = hrq__get32(v->escapes + 4 * (panel + 1));
        if (end > v->escaped) return HRQ_ERR_DATA;
        for (i = hrq__get32(v->escapes + 4 * panel); i < end; i++) {
            hrq__escape e = hrq__escape_get(v, i, 0);
            uint64_t key = (uint64_t)e.column * HRQ_PANEL + e.row;
            size_t from = e.column / 32 * 32, at;
            if (key < next || e.column >= v->mat->cols || panel * HRQ_PANEL + e.row >= v->mat->rows)
                return HRQ_ERR_DATA;
            if (e.by == 0 || e.by > HRQ__RANS_LIMIT || e.by < -HRQ__RANS_LIMIT) return HRQ_ERR_DATA; /* as in streams */
            if (v->widths[from / 32] <= 8 && e.by != (int8_t)e.by) return HRQ_ERR_DATA;
            if (tile != from)
                hrq__view_tile(&codes, panel, from, hrq__min_size(32, v->mat->cols - from), lo, hi, 4 * HRQ_PANEL,
                               &past);
            tile = from;
            at = hrq__tile_at(4 * HRQ_PANEL, e.row, e.column - from);
            if (lo[at] != v->args.flip || (v->wide && hi[at] != v->args.flip)) return HRQ_ERR_DATA;
            next = key + 1;
        }
    }
    return end == v->escaped ? HRQ_OK : HRQ_ERR_DATA;
}

HRQ_API hrq_status hrq_mat_wrap(hrq_mat *mat, const hrq_format *format, size_t rows, size_t cols, uint64_t seed,
                                void *data, size_t bytes)
{
    hrq_mat m;
    hrq_status status = mat ? hrq__mat_describe(&m, format, rows, cols, seed, data, bytes) : HRQ_ERR_ARG;
    if (status != HRQ_OK) return status;
    if (hrq__families[format->kind].codec == HRQ__CODEC_SIC) {
        hrq__view v;
        status = hrq__view_open(&v, &m);
        if (status == HRQ_OK) status = hrq__sicmat_check_perm(&v, 0);
        if (status != HRQ_OK) return status;
        m.bytes = (size_t)(v.data - (uint8_t *)data) + hrq__div_up(rows, HRQ_PANEL) * v.lay.panel_bytes +
                  (v.escapes ? hrq__escapes_bytes(rows, v.escaped) : 0);
    }
    *mat = m;
    return HRQ_OK;
}

/* tcq:col: column scales finite, the fingerprint theirs, zeros behind them. */
static int hrq__column_head_ok(const hrq__view *v)
{
    size_t i;
    const uint8_t *head = (const uint8_t *)v->mat->data;
    for (i = 0; i < v->lay.cols; i++)
        if (!hrq__finite(hrq__view_step(v, i))) return 0;
    for (i = HRQ__HEAD + 2 * v->lay.cols; i < v->lay.head_bytes; i++)
        if (head[i] != 0) return 0;
    return hrq__get64(head) == hrq__column_fingerprint(v->steps, v->lay.cols);
}

HRQ_API hrq_status hrq_mat_check(const hrq_mat *mat)
{
    hrq__view v;
    hrq__lane codes;
    size_t r, g, at, s, lane;
    hrq_status status = hrq__view_open(&v, mat);
    if (status != HRQ_OK) return status;
    for (r = 0; r < hrq__div_up(mat->rows, HRQ_PANEL) * HRQ_PANEL && v.codec == HRQ__CODEC_SIC; r++)
        if (!hrq__finite(hrq__view_stored_scale(&v, r))) return HRQ_ERR_DATA;
    if (v.codec == HRQ__CODEC_SIC) status = hrq__sicmat_check_perm(&v, 1);
    if (status == HRQ_OK && v.escapes) status = hrq__sicmat_check_escapes(&v);
    if (v.codec == HRQ__CODEC_SIC) return status;
    if (v.codec == HRQ__CODEC_COLUMN && !hrq__column_head_ok(&v)) return HRQ_ERR_DATA;
    for (r = 0; r < hrq__div_up(mat->rows, HRQ_PANEL) * HRQ_PANEL; r++) {
        const uint8_t *panel = hrq__view_panel(&v, r / HRQ_PANEL);
        if (!hrq__finite(hrq__view_stored_scale(&v, r)) || !hrq__finite(hrq__view_mean(&v, r))) return HRQ_ERR_DATA;
        for (g = 0; g < v.lay.groups; g++) {
            if (!hrq__finite(hrq__view_group_scale(&v, r, g))) return HRQ_ERR_DATA;
            if (v.lay.group_bytes == 1 && v.lay.group && *hrq__view_group_at(&v, r, g) > hrq__view_scale_top(&v))
                return HRQ_ERR_DATA;
            if (v.lay.zeros && hrq__view_zero(&v, r, g) >= 1 << (v.lay.code_bits - 1)) return HRQ_ERR_DATA;
        }
        for (at = 0; v.codec == HRQ__CODEC_PLAIN && at < v.lay.cols8; at++)
            if (!hrq__finite(hrq__plain_get(&v, panel + at * v.lay.lane_bytes +
                                                    r % HRQ_PANEL * (v.lay.lane_bytes / HRQ_PANEL))))
                return HRQ_ERR_DATA;
        if (v.codec == HRQ__CODEC_PLAIN || r % HRQ_PANEL != 0) continue;
        for (at = 0; at < v.lay.cols8; at += 32) {
            const uint8_t *super = hrq__view_super(&v, r / HRQ_PANEL, at, &s);
            for (lane = 0; lane < 16 * s; lane++)
                if (!hrq__lane_load(&v, super, s, lane, &codes)) return HRQ_ERR_DATA;
        }
    }
    return HRQ_OK;
}

//==================================================================================================
//  [12i] Multiply          activations, products, epilogue
//  uses: 2, 3, 5 - 7, 10, 11
//
//  product   = (row scale * vector scale, in double) * sum over groups, in order, of group scale * (integer sum)
//  integers  int32 within 65536 columns (below 2^31), doubles across these, one rounding to float a group
//==================================================================================================

    #define HRQ__BATCH 16 /* vectors that share one decode of a panel */

/* All offsets from the head; vectors are padded with zeros to whole chunks' worth of superblocks. */
struct hrq_act {
    uint32_t magic, kind;
    size_t n, cols, ld; /* cols: as stored; ld: entries of a padded vector */
    /* 0, or 1 + seed of rotation and sketch; sic: the matrix's fingerprint, high bit; tcq:col: by the fingerprint of
       its column scales */
    uint64_t transform;
    size_t totals_at, scales_at, sums_at, data_at, row_at;
};

enum { HRQ__ACT_MAGIC = 0x48525141 };

/* What must agree between activations and a matrix, besides the columns. */
static uint64_t hrq__act_transform(const hrq__view *v)
{
    uint64_t steps = v->codec == HRQ__CODEC_COLUMN ? hrq__get64((const uint8_t *)v->mat->data) : 0;
    if (v->codec == HRQ__CODEC_SIC) return hrq__get64((const uint8_t *)v->mat->data + 24) | (uint64_t)1 << 63;
    if (!hrq__rotated(&v->mat->format)) return steps;
    return steps ^ (1 + (v->mat->seed & 0xffffffffu) + ((uint64_t)v->mat->format.keep << 40));
}

/* Head of n vectors; returns the bytes behind its address, 0 on overflow. */
static size_t hrq__act_layout(hrq_act *a, const hrq__view *v, size_t n, hrq_act_kind kind)
{
    size_t data, sums;
    memset(a, 0, sizeof *a);
    a->magic = HRQ__ACT_MAGIC;
    a->kind = (uint32_t)kind;
    a->n = n;
    a->cols = v->mat->cols;
    a->ld = (hrq__div_up(v->lay.cols, 64) | 1) * 64; /* odd: vectors do not fall into the same sets of a cache */
    a->transform = hrq__act_transform(v);
    a->totals_at = hrq__div_up(sizeof *a, 64) * 64;
    if (!hrq__mul_size(n, (a->ld / 8 + 1) * sizeof(int32_t), &sums) ||
        !hrq__mul_size(n, a->ld * sizeof(float), &data))
        return 0;
    if (n > SIZE_MAX / 64 || data > SIZE_MAX / 4 || a->ld > SIZE_MAX / 64) return 0;
    if (kind == HRQ_ACT_INT8) data /= sizeof(float);
    else sums = 0;
    a->scales_at = a->totals_at + hrq__div_up(n * sizeof(double), 64) * 64;
    a->sums_at = a->scales_at + hrq__div_up(n * sizeof(float), 64) * 64;
    a->data_at = a->sums_at + hrq__div_up(sums, 64) * 64;
    a->row_at = a->data_at + hrq__div_up(data, 64) * 64; /* one vector as it is made */
    return a->row_at + (a->cols + 128) * sizeof(float);  /* cols or ld */
}

HRQ_API size_t hrq_act_bytes(const hrq_mat *mat, size_t n, hrq_act_kind kind)
{
    hrq__view v;
    hrq_act a;
    size_t bytes;
    if ((kind != HRQ_ACT_INT8 && kind != HRQ_ACT_F32) || hrq__view_open(&v, mat) != HRQ_OK) return 0;
    bytes = hrq__act_layout(&a, &v, n, kind);
    return bytes ? bytes + 63 : 0; /* room to align */
}

/* Sum of a vector's entries, before the rotation: what the mean of a row is multiplied with. */
HRQ__INLINE double *hrq__act_totals(const hrq_act *a)
{
    return (double *)(void *)((uint8_t *)(uintptr_t)a + a->totals_at);
}
HRQ__INLINE float *hrq__act_scales(const hrq_act *a)
{
    return (float *)(void *)((uint8_t *)(uintptr_t)a + a->scales_at);
}
/* Sums of a vector's entries before columns 0, 8, 16, ..., mod 2^32. */
HRQ__INLINE int32_t *hrq__act_sums(const hrq_act *a, size_t t)
{
    return (int32_t *)(void *)((uint8_t *)(uintptr_t)a + a->sums_at) + t * (a->ld / 8 + 1);
}
HRQ__INLINE int8_t *hrq__act_s8(const hrq_act *a, size_t t)
{
    return (int8_t *)(uintptr_t)a + a->data_at + t * a->ld;
}
HRQ__INLINE float *hrq__act_f32(const hrq_act *a, size_t t)
{
    return (float *)(void *)((uint8_t *)(uintptr_t)a + a->data_at) + t * a->ld;
}

/* Vector t: in the order of the matrix's positions, its steps folded in, rotated, what the sketch keeps; then rounded.
   0 (false) where that overflows. */
static int hrq__act_put(hrq_act *a, const hrq__view *v, size_t t, const float *x)
{
    float *f = (float *)(void *)((uint8_t *)a + a->row_at), top, scale = 1.0f;
    size_t i, kept = v->lay.cols;
    hrq__act_totals(a)[t] = hrq__row_sum(x, a->cols);
    if (!v->perm) memcpy(f, x, a->cols * sizeof *f);
    for (i = 0; v->perm && i < a->cols; i++) f[i] = x[hrq__view_column(v, i)];
    if (hrq__rotated(&v->mat->format)) hrq__hadamard_row(f, a->cols, v->mat->seed, 0);
    if (hrq__nonfinite(f, 1, a->cols, a->cols)) return 0;
    for (i = 0; i < kept && kept < a->cols; i++) f[i] = f[hrq__view_column(v, i)];
    for (i = 0; i < kept && v->steps; i++) f[i] *= hrq__view_step(v, i);
    if (v->steps && hrq__nonfinite(f, 1, kept, kept)) return 0;
    for (i = kept; i < a->ld; i++) f[i] = 0.0f;
    top = hrq__absmax(f, kept);
    if (a->kind == HRQ_ACT_F32) {
        if (top > 0.0f) { /* near 1, so that no sum of codes overflows */
            float power = hrq__power_of_two_over(top);
            for (i = 0; i < kept; i++) f[i] *= power;
            scale = 1.0f / power;
        }
        memcpy(hrq__act_f32(a, t), f, a->ld * sizeof *f);
    }
    if (a->kind == HRQ_ACT_INT8) {
        scale = top / 127.0f;
        v->kernels->act_s8(hrq__act_s8(a, t), hrq__act_sums(a, t), f, a->ld, hrq__norm_of(scale));
    }
    hrq__act_scales(a)[t] = scale;
    return 1;
}

HRQ_API hrq_status hrq_act_prepare(hrq_act **act, void *buffer, size_t bytes, const hrq_mat *mat, hrq_act_kind kind,
                                   const float *x, size_t n, size_t ldx)
{
    hrq__view v;
    hrq_act head, *a;
    size_t need, skip, t;
    hrq_status status = hrq__view_open(&v, mat);
    if (status != HRQ_OK) return status;
    if (!act || !buffer || (!x && n) || (kind != HRQ_ACT_INT8 && kind != HRQ_ACT_F32)) return HRQ_ERR_ARG;
    if (n && !hrq__shape_ok(n, mat->cols, ldx)) return HRQ_ERR_SHAPE;
    need = hrq__act_layout(&head, &v, n, kind);
    if (!need) return HRQ_ERR_SHAPE;
    if (bytes < need + 63) return HRQ_ERR_SPACE;
    if (n && hrq__nonfinite(x, n, mat->cols, ldx)) return HRQ_ERR_NONFINITE;
    skip = (64 - (uintptr_t)buffer % 64) % 64;
    a = (hrq_act *)(void *)((uint8_t *)buffer + skip);
    *a = head;
    for (t = 0; t < n; t++)
        if (!hrq__act_put(a, &v, t, x + t * ldx)) return HRQ_ERR_NONFINITE;
    *act = a;
    return HRQ_OK;
}

static int hrq__act_matches(const hrq_act *act, const hrq__view *v)
{
    return act && act->magic == HRQ__ACT_MAGIC && act->cols == v->mat->cols &&
           act->transform == hrq__act_transform(v);
}

HRQ_API int hrq_act_fits(const hrq_act *act, const hrq_mat *mat)
{
    hrq__view v;
    return hrq__view_open(&v, mat) == HRQ_OK && hrq__act_matches(act, &v);
}

/* ---- y = W x ---- */

/* Sums of one panel and up to HRQ__BATCH vectors on their way through the columns. */
typedef struct hrq__sums {
    float total[HRQ__BATCH * HRQ_PANEL];   /* groups so far                                                  */
    double totals[HRQ__BATCH * HRQ_PANEL]; /* the same where scales are E8M0, which have the range of floats */
    float part[HRQ__BATCH * HRQ_PANEL];    /* this group, float                                              */
    double whole[HRQ__BATCH * HRQ_PANEL];  /* this group, integer: exact below 2^53, 2^31 columns            */
    int32_t low[HRQ__BATCH * HRQ_PANEL], high[HRQ__BATCH * HRQ_PANEL]; /* not yet in it: of both tiles       */
} hrq__sums;

static void hrq__sums_clear(hrq__sums *sums, size_t batch)
{
    size_t n = batch * HRQ_PANEL;
    memset(sums->total, 0, n * sizeof *sums->total);
    memset(sums->totals, 0, n * sizeof *sums->totals);
    memset(sums->part, 0, n * sizeof *sums->part);
    memset(sums->whole, 0, n * sizeof *sums->whole);
    memset(sums->low, 0, n * sizeof *sums->low);
    memset(sums->high, 0, n * sizeof *sums->high);
}

/* Vectors t0 ... t0 + n - 1 from a column on. */
static hrq__vectors hrq__act_vectors(const hrq_act *act, size_t t0, size_t n, size_t from)
{
    hrq__vectors x;
    x.x = hrq__act_s8(act, t0) + from;
    x.ldx = act->ld;
    x.sums = hrq__act_sums(act, t0) + from / 8;
    x.lds = act->ld / 8 + 1;
    x.n = n;
    return x;
}

/* Sum of a vector's entries from ... from + 8 eights. */
HRQ__INLINE int32_t hrq__act_sum(const hrq_act *act, size_t t, size_t from, size_t eights)
{
    const int32_t *sums = hrq__act_sums(act, t) + from / 8;
    return (int32_t)((uint32_t)sums[eights] - (uint32_t)sums[0]);
}

/* Integers of both tiles to the whole; loops of 16, which compilers turn into vectors. */
static void hrq__mul_fold(size_t batch, hrq__sums *sums)
{
    size_t t, i;
    for (t = 0; t < batch * HRQ_PANEL; t += HRQ_PANEL)
        for (i = t; i < t + HRQ_PANEL; i++)
            sums->whole[i] += (double)sums->low[i] + 256.0 * (double)sums->high[i];
    memset(sums->low, 0, batch * HRQ_PANEL * sizeof *sums->low);
    memset(sums->high, 0, batch * HRQ_PANEL * sizeof *sums->high);
}

/* A group is complete: less its zero points, scale it and start the next. */
static void hrq__mul_flush(const hrq__view *v, const hrq_act *act, size_t t0, size_t batch, size_t panel, size_t group,
                           int integers, hrq__sums *sums)
{
    float scale[HRQ_PANEL];
    double zero[HRQ_PANEL], sum;
    size_t i, t, at, from = group * v->lay.group, eights = hrq__div_up(hrq__view_group_end(v, group) - from, 8);
    for (i = 0; i < HRQ_PANEL; i++) zero[i] = hrq__view_zero(v, panel * HRQ_PANEL + i, group);
    hrq__view_scales(v, panel, group, scale);
    if (integers) hrq__mul_fold(batch, sums);
    for (t = 0, at = 0; t < batch; t++, at += HRQ_PANEL) {
        sum = integers && v->lay.zeros ? (double)hrq__act_sum(act, t0 + t, from, eights) : 0.0;
        if (integers)
            for (i = 0; i < HRQ_PANEL; i++) sums->part[at + i] = (float)(sums->whole[at + i] - sum * zero[i]);
        if (v->scale == HRQ__SCALE_E8M0)
            for (i = 0; i < HRQ_PANEL; i++) sums->totals[at + i] += (double)sums->part[at + i] * (double)scale[i];
        else if (v->lay.group) v->kernels->axpy(sums->total + at, sums->part + at, scale, 1, HRQ_PANEL);
        else memcpy(sums->total + at, sums->part + at, HRQ_PANEL * sizeof *scale);
    }
    memset(sums->part, 0, batch * HRQ_PANEL * sizeof *sums->part);
    memset(sums->whole, 0, batch * HRQ_PANEL * sizeof *sums->whole);
}

/* Columns from ... from + n of vectors as floats, *ld apart: in place, or in `room`. */
static const float *hrq__mul_floats(const hrq_act *act, size_t t0, size_t batch, size_t from, size_t n, float *room,
                                    size_t *ld)
{
    size_t t, i, j;
    *ld = act->ld;
    if (act->kind == HRQ_ACT_F32) return hrq__act_f32(act, t0) + from;
    *ld = HRQ__CHUNK;
    for (t = 0; t < batch; t++)
        for (i = 0; i < n; i += 32) { /* vectors are padded */
            const int8_t *x = hrq__act_s8(act, t0 + t) + from + i;
            for (j = 0; j < 32; j++) room[t * HRQ__CHUNK + i + j] = (float)x[j];
        }
    return room;
}

/* Columns of a panel from `start` on against vectors t0 ... t0 + batch - 1, scales of groups applied; sums come in
   cleared or with what integers are before. */
static void hrq__mul_panel(const hrq__view *v, const hrq_act *act, size_t t0, size_t batch, size_t panel, size_t start,
                           hrq__sums *sums)
{
    uint8_t lo[HRQ__CHUNK * HRQ_PANEL], hi[HRQ__CHUNK * HRQ_PANEL];
    float w[HRQ__CHUNK * HRQ_PANEL], room[HRQ__BATCH * HRQ__CHUNK];
    const float *x = NULL;
    hrq__past past;
    int integers = v->integers && act->kind == HRQ_ACT_INT8;
    size_t chunk, from, n, end, ld = 0, cols = v->lay.cols, group;
    past.panel = SIZE_MAX;
    for (chunk = start; chunk < cols; chunk += HRQ__CHUNK) {
        n = hrq__min_size(cols - chunk, HRQ__CHUNK);
        if (integers) hrq__view_tile(v, panel, chunk, n, lo, hi, 4 * HRQ_PANEL, &past);
        else hrq__view_floats(v, panel, chunk, n, w);
        if (!integers) x = hrq__mul_floats(act, t0, batch, chunk, n, room, &ld);
        for (from = chunk; from < chunk + n; from = end) {
            size_t at = (from - chunk) * HRQ_PANEL, depth;
            group = hrq__view_group(v, from);
            end = hrq__min_size(hrq__view_group_end(v, group), chunk + n);
            depth = hrq__div_up(end - from, 8) * 8;
            if (integers) {
                hrq__vectors vectors = hrq__act_vectors(act, t0, batch, from);
                v->kernels->dot_s8(sums->low, lo + at, 1, depth, &vectors);
                if (v->wide) v->kernels->dot_s8(sums->high, hi + at, 1, depth, &vectors);
            } else {
                v->kernels->dot_f32(sums->part, w + at, x + (from - chunk), ld, batch, end - from);
            }
            if (end == hrq__view_group_end(v, group)) hrq__mul_flush(v, act, t0, batch, panel, group, integers, sums);
        }
        if (integers && chunk % 32768 == 32768 - HRQ__CHUNK) hrq__mul_fold(batch, sums);
    }
}

/* ---- integers whose sums fit 32 bits: tiles of one or four panels, decoded once for many vectors ---- */

enum {
    HRQ__TILE_BYTES = 16384, /* of one or four panels: a cache holds it, its codes and the vectors    */
    HRQ__TILE_COLUMNS = 512, /* at most, so that memory and arithmetic overlap                         */
    HRQ__TILE_VECTORS = 264, /* that share one decoding: a multiple of 12, halves come in sixes too    */
    HRQ__TILE_ROWS = 4 * HRQ_PANEL,
    HRQ__TILE_GROUPS = HRQ__TILE_BYTES / 8 /* groups of 8 columns times rows */
};

/* On the stack: 100 KB. */
typedef struct hrq__block {
    HRQ__ALIGNED uint8_t tile[HRQ__TILE_BYTES]; /* lines of a cache: no load takes two */
    HRQ__ALIGNED union {
        int32_t whole[HRQ__TILE_VECTORS * HRQ__TILE_ROWS];
        float total[HRQ__TILE_VECTORS * HRQ__TILE_ROWS];
        struct {
            int32_t whole[HRQ__TILE_VECTORS / 2 * HRQ__TILE_ROWS];
            float total[HRQ__TILE_VECTORS / 2 * HRQ__TILE_ROWS];
        } span; /* groups wider than a tile */
    } sum;
    float scale[HRQ__TILE_GROUPS];
    int32_t zero[HRQ__TILE_GROUPS];
    hrq__past past[4];
    uint8_t tops[4][HRQ_PANEL]; /* largest E8M0 scale of each row */
} hrq__block;

/* Columns of a tile of so many panels: whole superblocks and, where they fit, whole groups (*small). */
static size_t hrq__block_columns(const hrq__view *v, size_t panels, int *small)
{
    size_t most = hrq__min_size(HRQ__TILE_BYTES / (HRQ_PANEL * panels), HRQ__TILE_COLUMNS), step = v->lay.group;
    *small = 0;
    if (step == 0 || step > most) return most;
    while (step % 32 && step <= most) step += v->lay.group;
    *small = step <= most;
    return *small ? most / step * step : most;
}

/* Groups first ... first + count - 1 of `panels` panels: scales, and zero points where there are any, [count][rows]. */
static void hrq__block_groups(const hrq__view *v, size_t panel, size_t panels, size_t first, size_t count,
                              hrq__block *b)
{
    float one[HRQ__TILE_GROUPS];
    size_t p, g, i, rows = panels * HRQ_PANEL;
    int kind = hrq__view_scale_kind(v);
    for (p = 0; p < panels; p++) {
        float *to = panels == 1 ? b->scale : one;
        const uint8_t *from = hrq__view_group_at(v, (panel + p) * HRQ_PANEL, first);
        for (i = 0; i < count * HRQ_PANEL * v->lay.group_bytes; i += 64)
            HRQ__PREFETCH((uintptr_t)from + panels * v->lay.panel_bytes + i);
        v->kernels->scales(to, from, count * HRQ_PANEL, kind, b->tops[p]);
        for (g = 0; panels > 1 && g < count; g++)
            memcpy(b->scale + g * rows + p * HRQ_PANEL, one + g * HRQ_PANEL, HRQ_PANEL * sizeof *one);
        for (g = 0; v->lay.zeros && g < count; g++) {
            const uint8_t *zero = hrq__view_panel(v, panel + p) + v->lay.zero_at + (first + g) * HRQ_PANEL;
            for (i = 0; i < HRQ_PANEL; i++)
                b->zero[g * rows + p * HRQ_PANEL + i] = zero[i] - (1 << (v->args.code_bits - 1));
        }
    }
}

/* A group wider than a tile is complete: its integers, scaled, go to the totals. */
static void hrq__block_flush(const hrq__view *v, const hrq_act *act, size_t t0, size_t n, size_t panel, size_t panels,
                             size_t group, hrq__block *b)
{
    size_t t, i, rows = panels * HRQ_PANEL, from = group * v->lay.group,
                 eights = hrq__div_up(hrq__view_group_end(v, group) - from, 8);
    hrq__block_groups(v, panel, panels, group, 1, b);
    for (t = 0; t < n; t++) {
        int32_t sum = v->lay.zeros ? hrq__act_sum(act, t0 + t, from, eights) : 0;
        for (i = 0; i < rows; i++) {
            float part =
                (float)((int64_t)b->sum.span.whole[t * rows + i] - (v->lay.zeros ? (int64_t)sum * b->zero[i] : 0));
            b->sum.span.total[t * rows + i] = fmaf(part, b->scale[i], b->sum.span.total[t * rows + i]);
        }
    }
    memset(b->sum.span.whole, 0, n * rows * sizeof b->sum.span.whole[0]);
}

/* One vector, one panel: as many columns as the kernels do without a tile. */
static size_t hrq__block_one(const hrq__view *v, const hrq_act *act, size_t t0, size_t panel, int small,
                             const hrq__groups *groups, hrq__block *b)
{
    size_t at = 0, count, done, cols = v->lay.cols / 8 * 8, group = v->lay.group;
    if (!group) return hrq__view_one(v, panel, 0, cols, b->sum.whole, hrq__act_vectors(act, t0, 1, 0), NULL, b->past);
    for (done = 1; small && done && at + group <= cols; at += done) {
        count = hrq__min_size(HRQ__TILE_GROUPS / HRQ_PANEL, (cols - at) / group);
        hrq__block_groups(v, panel, 1, at / group, count, b);
        done = hrq__view_one(v, panel, at, count * group, b->sum.total, hrq__act_vectors(act, t0, 1, at), groups,
                             b->past);
    }
    return at;
}

/* Products of `panels` panels and vectors t0 ... t0 + n - 1 before the scales of rows, in b->sum. */
static void hrq__block_sums(const hrq__view *v, const hrq_act *act, size_t t0, size_t n, size_t panel, size_t panels,
                            hrq__block *b)
{
    uint8_t *tile = b->tile;
    hrq__groups groups;
    size_t at = 0, count, p, depth, cols = v->lay.cols, rows = panels * HRQ_PANEL, group = 0;
    int small;
    size_t step = hrq__block_columns(v, panels, &small);
    for (p = 0; p < panels; p++) b->past[p].panel = SIZE_MAX;
    memset(b->sum.whole, 0, n * rows * sizeof b->sum.whole[0]);
    if (v->lay.group && !small) {
        memset(b->sum.span.whole, 0, n * rows * sizeof b->sum.span.whole[0]);
        memset(b->sum.span.total, 0, n * rows * sizeof b->sum.span.total[0]);
    }
    groups.group = v->lay.group;
    groups.scale = b->scale;
    groups.zero = v->lay.zeros ? b->zero : NULL;
    if (n == 1 && panels == 1) at = hrq__block_one(v, act, t0, panel, small, &groups, b);
    for (; at < cols; at += count) {
        hrq__vectors x = hrq__act_vectors(act, t0, n, at);
        count = hrq__min_size(cols - at, step);
        depth = hrq__div_up(count, 8) * 8;
        for (p = 0; p < panels; p++)
            hrq__view_tile(v, panel + p, at, count, tile + p * 64, NULL, 64 * panels, &b->past[p]);
        if (small) hrq__block_groups(v, panel, panels, at / groups.group, hrq__div_up(count, groups.group), b);
        if (small) {
            v->kernels->dot_groups(b->sum.total, tile, panels, depth, &x, &groups);
        } else if (!v->lay.group) {
            v->kernels->dot_s8(b->sum.whole, tile, panels, depth, &x);
        } else {
            size_t from = at, end;
            for (; from < at + count; from = end) {
                group = hrq__view_group(v, from);
                end = hrq__min_size(hrq__view_group_end(v, group), at + count);
                x = hrq__act_vectors(act, t0, n, from);
                v->kernels->dot_s8(b->sum.span.whole, tile + (from - at) * rows, panels,
                                   hrq__div_up(end - from, 8) * 8, &x);
                if (end == hrq__view_group_end(v, group)) hrq__block_flush(v, act, t0, n, panel, panels, group, b);
            }
        }
    }
}

static float hrq__epilogue_apply(const hrq_epilogue *e, float product, size_t row, const float *y)
{
    float out = e->bias ? product + e->bias[row] : product;
    if (e->keep != 0.0f) out = fmaf(e->keep, *y, out);
    return e->clamp ? hrq__clampf(out, e->lo, e->hi) : out;
}

/* Where products go. */
typedef struct hrq__output {
    float *y;
    size_t ldy, row0, row1;
    const hrq_epilogue *epilogue;
} hrq__output;

/* Nothing is added and all these rows are asked for. */
HRQ__INLINE int hrq__output_plain(const hrq__view *v, const hrq__output *out, size_t first, size_t rows)
{
    return !v->lay.means && !out->epilogue && first >= out->row0 && first + rows <= out->row1;
}

/* Totals of a panel and a vector to its rows of y. scale: of the panel's rows. */
static void hrq__mul_store(const hrq__view *v, const hrq_act *act, const hrq__output *out, size_t t, size_t panel,
                           const double total[HRQ_PANEL], const float scale[HRQ_PANEL])
{
    float *to = out->y + t * out->ldy;
    size_t i, row = panel * HRQ_PANEL;
    for (i = 0; i < HRQ_PANEL; i++, row++) {
        double product = total[i] * ((double)scale[i] * (double)hrq__act_scales(act)[t]);
        if (row < out->row0 || row >= out->row1) continue;
        if (v->lay.means) product += (double)hrq__view_mean(v, row) * hrq__act_totals(act)[t];
        to[row] = out->epilogue ? hrq__epilogue_apply(out->epilogue, (float)product, row, to + row) : (float)product;
    }
}

/* Sums of a block to y: the kernel where nothing is added and all rows are asked for. */
static void hrq__block_store(const hrq__view *v, const hrq_act *act, const hrq__output *out, size_t t0, size_t n,
                             size_t panel, size_t panels, int small, const hrq__block *b, const float *scale)
{
    int integers = !v->lay.group;
    const float *sum = small ? b->sum.total : b->sum.span.total;
    size_t t, p, i, first = panel * HRQ_PANEL, rows = panels * HRQ_PANEL, at;
    double total[HRQ_PANEL];
    if (hrq__output_plain(v, out, first, rows)) {
        v->kernels->finish(out->y + t0 * out->ldy + first, out->ldy, integers ? (const void *)b->sum.whole : sum,
                           integers, rows, scale, hrq__act_scales(act) + t0, n);
        return;
    }
    for (t = 0; t < n; t++)
        for (p = 0; p < panels; p++) {
            at = t * rows + p * HRQ_PANEL;
            for (i = 0; i < HRQ_PANEL; i++)
                total[i] = integers ? (double)(float)b->sum.whole[at + i] : (double)sum[at + i];
            hrq__mul_store(v, act, out, t0 + t, panel + p, total, scale + p * HRQ_PANEL);
        }
}

/* Whether products fit 32-bit integers and floats: a question of format and shape, not of the data. */
static int hrq__block_fits(const hrq__view *v, const hrq_act *act)
{
    return v->integers && act->kind == HRQ_ACT_INT8 && !v->wide && v->lay.cols > 0 && v->lay.cols <= 65536;
}

/* What the rows of a block are scaled by. E8M0: by the largest scale of the row; the groups' are taken over that. */
static void hrq__block_scales(const hrq__view *v, size_t panel, size_t panels, hrq__block *b,
                              float scale[HRQ__TILE_ROWS])
{
    size_t i, p;
    for (i = 0; i < panels * HRQ_PANEL; i++) scale[i] = hrq__view_row_scale(v, panel * HRQ_PANEL + i);
    for (p = 0; p < panels && v->scale == HRQ__SCALE_E8M0; p++) {
        v->kernels->tops(b->tops[p], hrq__view_panel(v, panel + p) + v->lay.group_at, v->lay.groups * HRQ_PANEL);
        for (i = 0; i < HRQ_PANEL; i++) scale[p * HRQ_PANEL + i] *= hrq__e8m0_decode(b->tops[p][i]);
    }
}

/* What a block takes of a matrix: all columns, or of sic those of one tile, which come first. */
static hrq__view hrq__block_view(const hrq__view *v)
{
    hrq__view narrow = *v;
    size_t supers = 0;
    if (v->codec != HRQ__CODEC_SIC || !v->wide) return narrow;
    while (v->widths[supers] <= 8) supers++;
    narrow.lay.cols = 32 * supers;
    narrow.wide = 0;
    return narrow;
}

/* Sums of a panel to y. */
static void hrq__mul_stores(const hrq__view *v, const hrq_act *act, const hrq__output *out, size_t t0, size_t batch,
                            size_t panel, hrq__sums *sums, const float *scale)
{
    size_t t, i;
    if (v->scale != HRQ__SCALE_E8M0 && hrq__output_plain(v, out, panel * HRQ_PANEL, HRQ_PANEL)) {
        v->kernels->finish(out->y + t0 * out->ldy + panel * HRQ_PANEL, out->ldy, sums->total, 0, HRQ_PANEL, scale,
                           hrq__act_scales(act) + t0, batch);
        return;
    }
    for (i = 0; i < batch * HRQ_PANEL && v->scale != HRQ__SCALE_E8M0; i++) sums->totals[i] = (double)sums->total[i];
    for (t = 0; t < batch; t++) hrq__mul_store(v, act, out, t0 + t, panel, sums->totals + t * HRQ_PANEL, scale);
}

/* The other columns of a block's panels, with the block's sums, to y. */
static void hrq__mul_rest(const hrq__view *v, const hrq_act *act, const hrq__output *out, size_t t0, size_t n,
                          size_t panel, size_t panels, size_t start, const int32_t *whole, const float *scale)
{
    hrq__sums sums;
    size_t p, t, u, i, batch;
    for (p = 0; p < panels; p++)
        for (t = 0; t < n; t += batch) {
            batch = hrq__min_size(n - t, HRQ__BATCH);
            hrq__sums_clear(&sums, batch);
            for (u = 0; u < batch && start; u++)
                for (i = 0; i < HRQ_PANEL; i++)
                    sums.whole[u * HRQ_PANEL + i] = whole[((t + u) * panels + p) * HRQ_PANEL + i];
            hrq__mul_panel(v, act, t0 + t, batch, panel + p, start, &sums);
            hrq__mul_stores(v, act, out, t0 + t, batch, panel + p, &sums, scale + p * HRQ_PANEL);
        }
}

/* Of panels to come: what lies behind the codes, where decoders do not fetch it, and where that is long, the first
   codes too. */
static void hrq__mul_ahead(const hrq__view *v, size_t panel, size_t panels)
{
    size_t p, i;
    for (p = panel; p < panel + panels; p++) {
        uintptr_t at = (uintptr_t)v->data + p * v->lay.panel_bytes;
        for (i = v->lay.zero_at; i < v->lay.panel_bytes; i += 64) HRQ__PREFETCH(at + i);
        HRQ__PREFETCH(at + v->lay.panel_bytes - 1);
        for (i = 0; v->lay.group && i < HRQ__AHEAD; i += 64) HRQ__PREFETCH(at + i);
    }
}

/* Rows of a matrix against all vectors: as many vectors at a time as share a decoding, so that these stay in a cache
   while the rows pass by. */
static void hrq__mul_rows(const hrq__view *v, const hrq_act *act, const hrq__output *out)
{
    hrq__view narrow = hrq__block_view(v);
    hrq__block b;
    float scale[HRQ__TILE_ROWS];
    size_t panel, panels, t0, t, n, i, last = hrq__div_up(out->row1, HRQ_PANEL), most = HRQ__TILE_VECTORS;
    size_t cols = narrow.lay.cols;
    int small, fast = hrq__block_fits(&narrow, act);
    hrq__block_columns(v, 4, &small);
    if (v->lay.group && !small) most /= 2;
    for (t0 = 0; t0 < act->n; t0 += n) {
        n = hrq__div_up(act->n - t0, hrq__div_up(act->n - t0, most)); /* in equal shares, of sixes */
        n = hrq__min_size(hrq__div_up(n, 6) * 6, act->n - t0);
        for (panel = out->row0 / HRQ_PANEL; panel < last; panel += panels) {
            panels = fast && n > 1 && last - panel >= 4 ? 4 : 1;
            hrq__mul_ahead(v, panel + panels, panels);
            if (fast) hrq__block_scales(&narrow, panel, panels, &b, scale);
            for (i = 0; i < HRQ_PANEL && !fast; i++) scale[i] = hrq__view_row_scale(v, panel * HRQ_PANEL + i);
            hrq__block_columns(v, panels, &small);
            for (t = t0; t < t0 + n && n > 1; t++) /* where sums go, while they are made */
                for (i = 0; i < panels * HRQ_PANEL; i += 16)
                    HRQ__PREFETCH((uintptr_t)out->y + (t * out->ldy + panel * HRQ_PANEL + i) * sizeof(float));
            if (fast) hrq__block_sums(&narrow, act, t0, n, panel, panels, &b);
            if (fast && cols == v->lay.cols) hrq__block_store(v, act, out, t0, n, panel, panels, small, &b, scale);
            else hrq__mul_rest(v, act, out, t0, n, panel, panels, fast ? cols : 0, b.sum.whole, scale);
        }
    }
}

HRQ_API hrq_status hrq_mul(const hrq_mat *mat, const hrq_act *act, float *y, size_t ldy, size_t row0, size_t row1,
                           const hrq_epilogue *epilogue)
{
    hrq__view v;
    hrq__output out;
    hrq_status status = hrq__view_open(&v, mat);
    if (status != HRQ_OK) return status;
    if (row0 > row1 || row1 > mat->rows || !hrq__act_matches(act, &v)) return HRQ_ERR_ARG;
    if (row0 == row1 || act->n == 0) return HRQ_OK;
    if (!y) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(act->n, row1, ldy)) return HRQ_ERR_SHAPE;
    out.y = y;
    out.ldy = ldy;
    out.row0 = row0;
    out.row1 = row1;
    out.epilogue = epilogue;
    hrq__mul_rows(&v, act, &out);
    return HRQ_OK;
}

/* ---- y = W^T p ---- */

HRQ_API hrq_status hrq_mul_t(const hrq_mat *mat, const float *p, size_t n, size_t ldp, size_t row0, size_t row1,
                             float *y, size_t ldy)
{
    hrq__view v;
    float w[HRQ_PANEL * HRQ__CHUNK];
    size_t r, end, from, c, t, i, cols;
    int straight;
    hrq_status status = hrq__view_open(&v, mat);
    if (status != HRQ_OK) return status;
    if (row0 > row1 || row1 > mat->rows) return HRQ_ERR_ARG;
    if (n == 0) return HRQ_OK;
    cols = mat->cols;
    straight = !v.perm && v.lay.cols == cols;
    if (!y || (!p && row0 < row1)) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(n, cols, ldy) || (row0 < row1 && !hrq__shape_ok(n, row1, ldp))) return HRQ_ERR_SHAPE;
    if (row0 < row1 && hrq__nonfinite(p + row0, n, row1 - row0, ldp)) return HRQ_ERR_NONFINITE;
    for (t = 0; t < n; t++) memset(y + t * ldy, 0, cols * sizeof(float));
    for (r = row0; r < row1; r = end) {
        end = hrq__min_size((r / HRQ_PANEL + 1) * HRQ_PANEL, row1);
        for (from = 0; from < v.lay.cols; from += HRQ__CHUNK) {
            size_t count = hrq__min_size(v.lay.cols - from, HRQ__CHUNK);
            hrq__decode_chunk(&v, r / HRQ_PANEL, from, count, w, HRQ__CHUNK);
            for (t = 0; t < n; t++)
                for (i = r; i < end; i++) {
                    const float *factor = p + t * ldp + i, *row = w + i % HRQ_PANEL * HRQ__CHUNK;
                    float *to = y + t * ldy;
                    if (straight) v.kernels->axpy(to + from, row, factor, 0, count);
                    for (c = 0; c < count && !straight; c++) {
                        size_t col = hrq__view_column(&v, from + c);
                        to[col] = fmaf(*factor, row[c], to[col]);
                    }
                }
        }
    }
    for (t = 0; t < n; t++) {
        float mean = 0.0f;
        if (hrq__rotated(&mat->format)) hrq__hadamard_row(y + t * ldy, cols, mat->seed, 1);
        for (r = row0; r < row1 && v.lay.means; r++) mean = fmaf(p[t * ldp + r], hrq__view_mean(&v, r), mean);
        for (c = 0; c < cols && v.lay.means; c++) y[t * ldy + c] += mean;
    }
    return HRQ_OK;
}

/* ---- C = A B^T, both quantized ---- */

enum { HRQ__PAIRS = 4, HRQ__PAIR_COLUMNS = 128 }; /* panels of b that share a decoding of a's columns; columns of one */

/* The 16 x 16 products of two panels; floats in order, integers of both sides exactly. */
typedef struct hrq__pair {
    float part[HRQ_PANEL * HRQ_PANEL], total[HRQ_PANEL * HRQ_PANEL];
    double whole[HRQ_PANEL * HRQ_PANEL], totals[HRQ_PANEL * HRQ_PANEL];
} hrq__pair;

/* Columns from ... from + n of a panel in the matrix's order, of sketches in that of what is kept, with their steps:
   [n][16 rows]. Permuted ones are looked for among all. */
static void hrq__mul_columns(const hrq__view *v, size_t panel, size_t from, size_t n, float *w)
{
    float tile[32 * HRQ_PANEL];
    size_t position, row, c, super = SIZE_MAX;
    if (!v->perm) {
        hrq__view_floats(v, panel, from, n, w);
        for (c = 0; v->steps && c < n; c++)
            for (row = 0; row < HRQ_PANEL; row++) w[c * HRQ_PANEL + row] *= hrq__view_step(v, from + c);
        return;
    }
    memset(w, 0, n * HRQ_PANEL * sizeof *w); /* bytes that were not checked may leave some out */
    for (position = 0; position < v->lay.cols; position++) {
        float step = hrq__view_step(v, position);
        c = hrq__view_column(v, position) - from;
        if (c >= n) continue;
        if (super != position / 32 * 32) {
            super = position / 32 * 32;
            hrq__view_floats(v, panel, super, hrq__min_size(v->lay.cols - super, 32), tile);
        }
        for (row = 0; row < HRQ_PANEL; row++)
            w[c * HRQ_PANEL + row] = tile[position % 32 * HRQ_PANEL + row] * step;
    }
}

/* Integers of 16 bits to low + 256 high, both within +-128. */
static void hrq__mul_split(float *high, float *low, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) {
        high[i] = (float)hrq__round(low[i] * 0.00390625f);
        low[i] -= 256.0f * high[i];
    }
}

/* A run of columns in one group of each side is complete: the two group scales. */
static void hrq__mul_pair(const hrq__view *a, size_t pa, size_t ga, const hrq__view *b, size_t pb, size_t gb,
                          int integers, int wide, hrq__pair *p)
{
    float sa[HRQ_PANEL], sb[HRQ_PANEL], by[HRQ_PANEL];
    size_t i, j, at;
    hrq__view_scales(a, pa, ga, sa);
    hrq__view_scales(b, pb, gb, sb);
    for (i = 0, at = 0; i < HRQ_PANEL; i++, at += HRQ_PANEL) {
        for (j = 0; j < HRQ_PANEL; j++) {
            if (integers) p->part[at + j] = (float)p->whole[at + j];
            by[j] = sa[i] * sb[j];
            if (wide) /* 24 + 11 bits: one rounding */
                p->totals[at + j] += (double)p->part[at + j] * ((double)sa[i] * (double)sb[j]);
        }
        if (!wide) a->kernels->axpy(p->total + at, p->part + at, by, 1, HRQ_PANEL);
    }
    memset(p->part, 0, sizeof p->part);
    memset(p->whole, 0, sizeof p->whole);
}

/* n columns of one group: w [.][16 rows] of b, x [16 rows][.] of a. Integers: so few products of what zero points leave
   (255) or halves are (128) add up to less than 2^24, exact in floats; times `power` they join the whole. Where there
   are no kernels they are not fused, a slow call there. */
static void hrq__mul_run(const hrq__view *a, const float *w, const float *x, size_t n, int integers, double power,
                         hrq__pair *p)
{
    size_t i, k, at;
    if (!integers || a->kernels->need) a->kernels->dot_f32(p->part, w, x, HRQ__PAIR_COLUMNS, HRQ_PANEL, n);
    for (at = 0; integers && at < HRQ_PANEL * HRQ_PANEL; at += HRQ_PANEL) {
        float sum[HRQ_PANEL] = {0};
        for (k = 0; k < n && !a->kernels->need; k++)
            for (i = 0; i < HRQ_PANEL; i++) sum[i] += w[k * HRQ_PANEL + i] * x[at / HRQ_PANEL * HRQ__PAIR_COLUMNS + k];
        for (i = 0; i < HRQ_PANEL; i++) p->whole[at + i] += (double)(p->part[at + i] + sum[i]) * power;
    }
    if (integers) memset(p->part, 0, sizeof p->part);
}

/* Products of a panel with `count` of b, row scales not yet applied. */
static void hrq__mul_panels(const hrq__view *a, size_t pa, const hrq__view *b, size_t pb, size_t count,
                            hrq__pair *pairs)
{
    float wa[2][HRQ__PAIR_COLUMNS * HRQ_PANEL], wb[2][HRQ__PAIR_COLUMNS * HRQ_PANEL], one[HRQ_PANEL];
    int integers = a->integers && b->integers && !a->steps && !b->steps, h;
    int wide = a->scale == HRQ__SCALE_E8M0 || b->scale == HRQ__SCALE_E8M0;
    int wide_a = integers && a->wide, wide_b = integers && b->wide;
    size_t chunk, n, from, end, p, i, cols = a->lay.cols;
    for (i = 0; i < HRQ_PANEL; i++) one[i] = 1.0f;
    memset(pairs, 0, count * sizeof *pairs);
    for (chunk = 0; chunk < cols; chunk += n) {
        n = hrq__min_size(cols - chunk, HRQ__PAIR_COLUMNS);
        hrq__mul_columns(a, pa, chunk, n, wb[0]);
        if (wide_a) hrq__mul_split(wb[1], wb[0], n * HRQ_PANEL);
        for (h = 0; h <= wide_a; h++) a->kernels->scale_rows(wa[h], HRQ__PAIR_COLUMNS, wb[h], n, one);
        for (p = 0; p < count; p++) {
            hrq__mul_columns(b, pb + p, chunk, n, wb[0]);
            if (wide_b) hrq__mul_split(wb[1], wb[0], n * HRQ_PANEL);
            for (from = chunk; from < chunk + n; from = end) {
                size_t ga = hrq__view_group(a, from), gb = hrq__view_group(b, from);
                size_t last = hrq__min_size(hrq__view_group_end(a, ga), hrq__view_group_end(b, gb));
                end = hrq__min_size(last, chunk + n);
                for (h = 0; h < 4; h++) /* halves */
                    if (h / 2 <= wide_a && h % 2 <= wide_b)
                        hrq__mul_run(a, wb[h % 2] + (from - chunk) * HRQ_PANEL, wa[h / 2] + (from - chunk), end - from,
                                     integers, (double)(1 << 8 * (h / 2 + h % 2)), pairs + p);
                if (end == last) hrq__mul_pair(a, pa, ga, b, pb + p, gb, integers, wide, pairs + p);
            }
        }
    }
    for (p = 0; p < count && !wide; p++)
        for (i = 0; i < HRQ_PANEL * HRQ_PANEL; i++) pairs[p].totals[i] = (double)pairs[p].total[i];
}

/* What the means of two rows add to their product. The quantized part of a centred row stands for a row whose sum is
   zero, so it is taken as orthogonal to a constant: n mean_a mean_b, and the cross terms, all error, are left out
   (arXiv 2410.13780). A row that is not centred has a sum, `sum`. */
static double hrq__mul_means(const hrq__view *a, size_t i, const hrq__view *b, size_t j, double sum_a, double sum_b)
{
    double mean_a = (double)hrq__view_mean(a, i), mean_b = (double)hrq__view_mean(b, j), cols = (double)a->mat->cols;
    if (a->lay.means && b->lay.means) return cols * mean_a * mean_b;
    return a->lay.means ? mean_a * sum_b : mean_b * sum_a;
}

/* Sums over the columns of W of a panel's rows, which may be rotated: products with a vector of ones. */
static void hrq__mul_sums(const hrq__view *v, size_t panel, double sum[HRQ_PANEL])
{
    float part[HRQ_PANEL] = {0}, w[HRQ__PAIR_COLUMNS * HRQ_PANEL], scale[HRQ_PANEL];
    size_t chunk, n, c, i;
    for (chunk = 0; chunk < v->lay.cols; chunk += n) {
        n = hrq__min_size(v->lay.cols - chunk, HRQ__PAIR_COLUMNS);
        hrq__mul_columns(v, panel, chunk, n, w);
        for (c = 0; c < n; c++) {
            float one = 1.0f;
            if (c % 8 == 0) hrq__view_scales(v, panel, hrq__view_group(v, chunk + c), scale);
            if (hrq__rotated(&v->mat->format))
                one = hrq__hadamard_ones(v->mat->cols, v->mat->seed, hrq__view_column(v, chunk + c));
            for (i = 0; i < HRQ_PANEL; i++) part[i] = fmaf(w[c * HRQ_PANEL + i] * scale[i], one, part[i]);
        }
    }
    for (i = 0; i < HRQ_PANEL; i++) sum[i] = (double)part[i] * (double)hrq__view_row_scale(v, panel * HRQ_PANEL + i);
}

HRQ_API hrq_status hrq_mul_mat(const hrq_mat *a, const hrq_mat *b, float *c, size_t ldc, size_t row0, size_t row1)
{
    hrq__view va, vb;
    hrq__pair pairs[HRQ__PAIRS];
    double sum_a[HRQ_PANEL] = {0}, sum_b[HRQ_PANEL] = {0}, product;
    size_t pa, pb, i, j, k, share, first, count, others;
    int swap;
    hrq_status status = hrq__view_open(&va, a);
    if (status == HRQ_OK) status = hrq__view_open(&vb, b);
    if (status != HRQ_OK) return status;
    if (row0 > row1 || row1 > a->rows) return HRQ_ERR_ARG;
    if (a->cols != b->cols) return HRQ_ERR_SHAPE;
    if (hrq__rotated(&a->format) != hrq__rotated(&b->format) || a->format.keep != b->format.keep) return HRQ_ERR_ARG;
    if (hrq__rotated(&a->format) && (uint32_t)a->seed != (uint32_t)b->seed) return HRQ_ERR_ARG;
    if (row0 == row1) return HRQ_OK;
    if (!c) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(row1, b->rows, ldc)) return HRQ_ERR_SHAPE;
    first = row0 / HRQ_PANEL;
    count = hrq__div_up(row1, HRQ_PANEL) - first;
    others = hrq__div_up(b->rows, HRQ_PANEL);
    swap = va.lay.means && !vb.lay.means; /* sums are taken once a panel: that one is in the outer loop */
    for (k = 0; k < count * others; k += share) {
        pa = first + (swap ? k % count : k / others);
        pb = swap ? k / count : k % others;
        share = swap ? 1 : hrq__min_size(others - pb, HRQ__PAIRS);
        if (swap && pa == first) hrq__mul_sums(&vb, pb, sum_b);
        if (vb.lay.means && !va.lay.means && pb == 0) hrq__mul_sums(&va, pa, sum_a);
        hrq__mul_panels(&va, pa, &vb, pb, share, pairs);
        for (i = pa * HRQ_PANEL; i < (pa + 1) * HRQ_PANEL; i++)
            for (j = pb * HRQ_PANEL; j < (pb + share) * HRQ_PANEL; j++) {
                size_t to_a = i % HRQ_PANEL, to_b = j % HRQ_PANEL;
                if (i < row0 || i >= row1 || j >= b->rows) continue;
                product = pairs[j / HRQ_PANEL - pb].totals[to_a * HRQ_PANEL + to_b] *
                          ((double)hrq__view_row_scale(&va, i) * (double)hrq__view_row_scale(&vb, j));
                if (va.lay.means || vb.lay.means)
                    product += hrq__mul_means(&va, i, &vb, j, sum_a[to_a], sum_b[to_b]);
                c[i * ldc + j] = (float)product;
            }
    }
    return HRQ_OK;
}

/* ---- all in one ---- */

typedef struct hrq__matmul_job {
    const hrq__view *v;
    const hrq_act *act;
    float *y;
    size_t ldy, rows; /* of an item: a panel, or four where vectors share their decoding */
} hrq__matmul_job;

/* An item's rows, all vectors. */
static void hrq__matmul_rows(void *arg, size_t index)
{
    hrq__matmul_job *job = (hrq__matmul_job *)arg;
    hrq__output out;
    out.y = job->y;
    out.ldy = job->ldy;
    out.row0 = index * job->rows;
    out.row1 = hrq__min_size(out.row0 + job->rows, job->v->mat->rows);
    out.epilogue = NULL;
    hrq__mul_rows(job->v, job->act, &out);
}

HRQ_API hrq_status hrq_matmul(const hrq_mat *w, hrq_act_kind kind, const float *x, size_t n, size_t ldx, float *y,
                              size_t ldy, const hrq_hooks *hooks)
{
    hrq__view v;
    hrq__matmul_job job;
    hrq_act *act = NULL;
    void *buffer;
    size_t bytes;
    hrq_status status = hrq__view_open(&v, w);
    if (status != HRQ_OK) return status;
    if (n == 0) return HRQ_OK;
    if (!x || !y || (kind != HRQ_ACT_INT8 && kind != HRQ_ACT_F32)) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(n, w->rows, ldy) || !hrq__shape_ok(n, w->cols, ldx)) return HRQ_ERR_SHAPE;
    bytes = hrq_act_bytes(w, n, kind);
    if (!bytes) return HRQ_ERR_SHAPE;
    buffer = hrq__alloc(hooks, bytes);
    if (!buffer) return HRQ_ERR_NOMEM;
    status = hrq_act_prepare(&act, buffer, bytes, w, kind, x, n, ldx);
    if (status == HRQ_OK) {
        job.v = &v;
        job.act = act;
        job.y = y;
        job.ldy = ldy;
        job.rows = n > 1 ? HRQ__TILE_ROWS : HRQ_PANEL;
        hrq__for(hooks, hrq__div_up(w->rows, job.rows), hrq__matmul_rows, &job);
    }
    hrq__release(hooks, buffer);
    return status;
}

//==================================================================================================
//  [13i] Linear algebra    one product driver under covariance, Cholesky and gemm; eigenvalues
//  uses: 1, 2, 3, 6
//
//  function       in   accumulator   overflow bound           error bound (u = 2^-24, v = 2^-53)
//  gemm, cov_add  f32  f32 by fmaf   inputs' products finite  k u |a| |b| an element
//  cholesky       f32  f32 by fmaf   none: pivots checked     (n + 1) u |L| |L^T|, backward
//  la_loss        f32  f64           none for finite input    (n + 64) v sum |e_i sigma_ij e_j|
//  eigenvalues    f32  f64           none: scaled by 2^s      a few n v of the largest magnitude
//==================================================================================================

    #define HRQ__LA_DEPTH 256  /* k of one pass: 32 x 256 floats of b stay in a first-level cache */
    #define HRQ__LA_TILES 16   /* tiles of rows in a job: 96 x 256 floats of a, in a second-level cache */
    #define HRQ__LA_COLS  512  /* columns of c in a job, about */
    #define HRQ__LA_WIDTH 4096 /* columns of c whose b is packed at a time: bounds the memory */

/* C += A B^T or C -= A B^T, over k in order. Element (i, k) of A stands at a[i * a_row + k * a_k],
   so that either factor may be stored transposed; likewise b. lower: only elements j <= i of C are
   read or written. The rest is the driver's own. */
typedef struct hrq__la_product {
    float *c;
    size_t ldc;
    const float *a, *b;
    size_t a_row, a_k, b_row, b_k;
    size_t m, n, k;
    int negate, lower;
    const hrq__kernels *kernels;
    float *pack_a, *pack_b;
    size_t k0, depth, n0, width, jobs_n;
} hrq__la_product;

HRQ__INLINE size_t hrq__la_round_up(size_t x, size_t unit) { return hrq__div_up(x, unit) * unit; }

/* Bytes of packing memory for a product of at most m x n x k; 0: overflow. */
static size_t hrq__la_pack_bytes(size_t m, size_t n, size_t k)
{
    const hrq__kernels *kernels = hrq__kernels_now();
    size_t rows, cols, all;
    if (m > SIZE_MAX / 8 || n > SIZE_MAX / 8) return 0;
    rows = hrq__la_round_up(m, kernels->fma_m);
    cols = hrq__la_round_up(hrq__min_size(n, HRQ__LA_WIDTH), kernels->fma_n);
    if (!hrq__add_size(rows, cols, &all)) return 0;
    if (!hrq__mul_size(all, hrq__min_size(k, HRQ__LA_DEPTH) * sizeof(float), &all)) return 0;
    return hrq__add_size(all, 64, &all) ? all : 0;
}

/* One panel of `unit` rows: out[k * unit + i], zero where there is no row. Sixteen k at a time keep
   the scattered side of the transposition in the first-level cache. */
static void hrq__la_pack(float *out, size_t unit, const float *x, size_t x_row, size_t x_k, size_t rows, size_t depth,
                         int negate)
{
    size_t i, k, k0, k1;
    for (k0 = 0; k0 < depth; k0 = k1) {
        k1 = hrq__min_size(depth, k0 + 16);
        if (x_row == 1) {
            for (k = k0; k < k1; k++)
                for (i = 0; i < rows; i++) out[k * unit + i] = x[k * x_k + i];
        } else {
            for (i = 0; i < rows; i++)
                for (k = k0; k < k1; k++) out[k * unit + i] = x[i * x_row + k * x_k];
        }
        for (k = k0; k < k1; k++)
            for (i = rows; i < unit; i++) out[k * unit + i] = 0.0f;
        if (negate)
            for (i = k0 * unit; i < k1 * unit; i++) out[i] = -out[i];
    }
}

static void hrq__la_pack_a(void *arg, size_t index)
{
    const hrq__la_product *p = (const hrq__la_product *)arg;
    size_t unit = p->kernels->fma_m, tile, row;
    for (tile = index * HRQ__LA_TILES; tile < (index + 1) * HRQ__LA_TILES; tile++) {
        row = tile * unit;
        if (row >= p->m) return;
        hrq__la_pack(p->pack_a + row * p->depth, unit, p->a + row * p->a_row + p->k0 * p->a_k, p->a_row, p->a_k,
                     hrq__min_size(unit, p->m - row), p->depth, p->negate);
    }
}

static void hrq__la_pack_b(void *arg, size_t index)
{
    const hrq__la_product *p = (const hrq__la_product *)arg;
    size_t unit = p->kernels->fma_n, col = index * unit;
    hrq__la_pack(p->pack_b + col * p->depth, unit, p->b + (p->n0 + col) * p->b_row + p->k0 * p->b_k, p->b_row, p->b_k,
                 hrq__min_size(unit, p->width - col), p->depth, 0);
}

/* A tile that hangs over the edge of C or over its diagonal runs in a buffer; only what belongs to
   C goes in and out. */
static void hrq__la_edge(const hrq__la_product *p, size_t row, size_t col, const float *a, const float *b)
{
    float tile[16 * 64];
    size_t unit_m = p->kernels->fma_m, unit_n = p->kernels->fma_n, i, j, end;
    size_t rows = hrq__min_size(unit_m, p->m - row);
    for (i = 0; i < unit_m * unit_n; i++) tile[i] = 0.0f;
    for (i = 0; i < rows; i++) {
        end = p->lower ? hrq__min_size(p->n, row + i + 1) : p->n;
        for (j = col; j < end && j < col + unit_n; j++) tile[i * unit_n + j - col] = p->c[(row + i) * p->ldc + j];
    }
    p->kernels->fma_tile(tile, unit_n, a, b, p->depth);
    for (i = 0; i < rows; i++) {
        end = p->lower ? hrq__min_size(p->n, row + i + 1) : p->n;
        for (j = col; j < end && j < col + unit_n; j++) p->c[(row + i) * p->ldc + j] = tile[i * unit_n + j - col];
    }
}

/* One job: HRQ__LA_TILES tiles of rows times about HRQ__LA_COLS columns. */
static void hrq__la_job(void *arg, size_t index)
{
    const hrq__la_product *p = (const hrq__la_product *)arg;
    size_t unit_m = p->kernels->fma_m, unit_n = p->kernels->fma_n;
    size_t row0 = index / p->jobs_n * HRQ__LA_TILES * unit_m, row1, row, col, col0, col1;
    size_t step = hrq__la_round_up(HRQ__LA_COLS, unit_n);
    row1 = hrq__min_size(p->m, row0 + HRQ__LA_TILES * unit_m);
    col0 = index % p->jobs_n * step;
    col1 = hrq__min_size(p->width, col0 + step);
    for (col = col0; col < col1; col += unit_n) {
        const float *b = p->pack_b + col * p->depth;
        size_t c = p->n0 + col;
        for (row = row0; row < row1; row += unit_m) {
            const float *a = p->pack_a + row * p->depth;
            if (p->lower && c > row + unit_m - 1) continue;
            if (row + unit_m > p->m || c + unit_n > p->n || (p->lower && c + unit_n - 1 > row))
                hrq__la_edge(p, row, c, a, b);
            else p->kernels->fma_tile(p->c + row * p->ldc + c, p->ldc, a, b, p->depth);
        }
    }
}

/* Run the product with pack, hrq__la_pack_bytes(m, n, k) bytes. Blocks of k follow each other for
   every element, and the float between two blocks is the accumulator itself: blocking and threads
   leave no trace in the bits. */
static void hrq__la_run(hrq__la_product *p, void *pack, const hrq_hooks *hooks)
{
    size_t unit_n, jobs_m;
    p->kernels = hrq__kernels_now();
    unit_n = p->kernels->fma_n;
    jobs_m = hrq__div_up(p->m, p->kernels->fma_m * HRQ__LA_TILES);
    p->pack_a = (float *)pack;
    while ((uintptr_t)p->pack_a % 64 != 0 && (uintptr_t)p->pack_a % sizeof(float) == 0) p->pack_a++;
    for (p->k0 = 0; p->k0 < p->k; p->k0 += p->depth) {
        p->depth = hrq__min_size(HRQ__LA_DEPTH, p->k - p->k0);
        p->pack_b = p->pack_a + hrq__la_round_up(p->m, p->kernels->fma_m) * p->depth;
        hrq__for(hooks, jobs_m, hrq__la_pack_a, p);
        for (p->n0 = 0; p->n0 < p->n; p->n0 += p->width) {
            p->width = hrq__min_size(HRQ__LA_WIDTH, p->n - p->n0);
            p->jobs_n = hrq__div_up(p->width, hrq__la_round_up(HRQ__LA_COLS, unit_n));
            hrq__for(hooks, hrq__div_up(p->width, unit_n), hrq__la_pack_b, p);
            hrq__for(hooks, jobs_m * p->jobs_n, hrq__la_job, p);
        }
    }
}

HRQ_API hrq_status hrq_gemm(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
                            size_t n, size_t k, const hrq_hooks *hooks)
{
    hrq__la_product p;
    void *pack;
    size_t bytes, i;
    if (!c || !a || !b) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(m, n, ldc) || !hrq__shape_ok(m, k, lda) || !hrq__shape_ok(n, k, ldb)) return HRQ_ERR_SHAPE;
    bytes = hrq__la_pack_bytes(m, n, k);
    if (bytes == 0) return HRQ_ERR_SHAPE;
    pack = hrq__alloc(hooks, bytes);
    if (!pack) return HRQ_ERR_NOMEM;
    memset(&p, 0, sizeof p);
    p.c = c, p.ldc = ldc;
    p.a = a, p.a_row = lda, p.a_k = 1;
    p.b = b, p.b_row = ldb, p.b_k = 1;
    p.m = m, p.n = n, p.k = k;
    for (i = 0; i < m; i++) memset(c + i * ldc, 0, n * sizeof(float));
    hrq__la_run(&p, pack, hooks);
    hrq__release(hooks, pack);
    return HRQ_OK;
}

/* c += X^T Y, tokens > 0 */
static hrq_status hrq__cov_sum(float *c, size_t m, size_t n, size_t ldc, int lower, const float *x, size_t ldx,
                               const float *y, size_t ldy, size_t tokens, const hrq_hooks *hooks)
{
    hrq__la_product p;
    void *pack;
    size_t bytes;
    if (!hrq__shape_ok(tokens, m, ldx) || !hrq__shape_ok(tokens, n, ldy)) return HRQ_ERR_SHAPE;
    if (hrq__nonfinite(x, tokens, m, ldx) > 0) return HRQ_ERR_NONFINITE;
    if (y != x && hrq__nonfinite(y, tokens, n, ldy) > 0) return HRQ_ERR_NONFINITE;
    bytes = hrq__la_pack_bytes(m, n, tokens);
    if (bytes == 0) return HRQ_ERR_SHAPE;
    pack = hrq__alloc(hooks, bytes);
    if (!pack) return HRQ_ERR_NOMEM;
    memset(&p, 0, sizeof p);
    p.c = c, p.ldc = ldc, p.lower = lower;
    p.a = x, p.a_row = 1, p.a_k = ldx;
    p.b = y, p.b_row = 1, p.b_k = ldy;
    p.m = m, p.n = n, p.k = tokens;
    hrq__la_run(&p, pack, hooks);
    hrq__release(hooks, pack);
    return HRQ_OK;
}

HRQ_API hrq_status hrq_cov_add(float *sigma, size_t n, size_t ld, const float *x, size_t tokens, size_t ldx,
                               const hrq_hooks *hooks)
{
    if (!sigma || (!x && tokens > 0)) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(n, n, ld)) return HRQ_ERR_SHAPE;
    return tokens ? hrq__cov_sum(sigma, n, n, ld, 1, x, ldx, x, ldx, tokens, hooks) : HRQ_OK;
}

HRQ_API hrq_status hrq_cov_cross(float *c, size_t m, size_t n, size_t ldc, const float *x, size_t ldx, const float *y,
                                 size_t ldy, size_t tokens, const hrq_hooks *hooks)
{
    if (!c || ((!x || !y) && tokens > 0)) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(m, n, ldc)) return HRQ_ERR_SHAPE;
    return tokens ? hrq__cov_sum(c, m, n, ldc, 0, x, ldx, y, ldy, tokens, hooks) : HRQ_OK;
}

/* Sums are divided in double: one rounding an entry, whatever the number of tokens. */
HRQ_API hrq_status hrq_cov_finish(float *sigma, size_t n, size_t ld, double tokens)
{
    size_t i, j;
    if (!sigma || !(tokens > 0.0) || tokens - tokens != 0.0) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(n, n, ld)) return HRQ_ERR_SHAPE;
    for (i = 0; i < n; i++) {
        for (j = 0; j < i; j++) sigma[j * ld + i] = sigma[i * ld + j] = (float)((double)sigma[i * ld + j] / tokens);
        sigma[i * ld + i] = (float)((double)sigma[i * ld + i] / tokens);
    }
    return HRQ_OK;
}

    /* Cholesky works on panels of 64 columns. A panel is held transposed, panel[(j - k0) * n + i], so
   that a column's update runs along contiguous rows i, with one accumulator each; columns past k1
   wait in a for the trailing update. Pivoting needs the diagonal of the Schur complement before
   each column: diag keeps it, by the same fmaf that the triangle itself would see. */
    #define HRQ__LA_PANEL 64

typedef struct hrq__la_factor {
    float *a, *panel, *diag;
    size_t n, ld, k0, k1;
    size_t *perm;
} hrq__la_factor;

HRQ__INLINE float *hrq__la_at(const hrq__la_factor *f, size_t i, size_t j)
{
    return j >= f->k0 && j < f->k1 ? &f->panel[(j - f->k0) * f->n + i] : &f->a[i * f->ld + j];
}

HRQ__INLINE void hrq__la_swap(float *x, float *y)
{
    float t = *x;
    *x = *y;
    *y = t;
}

/* Exchange rows and columns p < q of what the lower triangle stands for. */
static void hrq__la_pivot(hrq__la_factor *f, size_t p, size_t q)
{
    size_t t, swap = f->perm[p];
    f->perm[p] = f->perm[q];
    f->perm[q] = swap;
    hrq__la_swap(&f->diag[p], &f->diag[q]);
    hrq__la_swap(hrq__la_at(f, p, p), hrq__la_at(f, q, q));
    for (t = 0; t < p; t++) hrq__la_swap(hrq__la_at(f, p, t), hrq__la_at(f, q, t));
    for (t = p + 1; t < q; t++) hrq__la_swap(hrq__la_at(f, t, p), hrq__la_at(f, q, t));
    for (t = q + 1; t < f->n; t++) hrq__la_swap(hrq__la_at(f, t, p), hrq__la_at(f, t, q));
}

/* Copy the panel's columns out of the triangle (or back into it), 16 rows at a time as in
 * hrq__la_pack. */
static void hrq__la_panel_copy(const hrq__la_factor *f, int back)
{
    size_t i0, i, j, i1, end;
    for (i0 = f->k0; i0 < f->n; i0 = i1) {
        i1 = hrq__min_size(f->n, i0 + 16);
        for (i = i0; i < i1; i++) {
            float *row = f->a + i * f->ld;
            end = hrq__min_size(f->k1, i + 1);
            for (j = f->k0; j < end; j++) {
                float *held = &f->panel[(j - f->k0) * f->n + i];
                if (back) row[j] = *held;
                else *held = row[j];
            }
        }
    }
}

/* Column p of the panel: the panel's earlier columns subtracted, then divided by the pivot's root.
   512 rows at a time stay in a first-level cache while k runs. */
static void hrq__la_column(hrq__la_factor *f, size_t p, float root)
{
    float *col = f->panel + (p - f->k0) * f->n;
    size_t i0, i1, i, k;
    for (i0 = p + 1; i0 < f->n; i0 = i1) {
        i1 = hrq__min_size(f->n, i0 + 512);
        for (k = f->k0; k < p; k++) {
            const float *l = f->panel + (k - f->k0) * f->n;
            float pivot = l[p];
            for (i = i0; i < i1; i++) col[i] = fmaf(-l[i], pivot, col[i]);
        }
        for (i = i0; i < i1; i++) {
            col[i] = col[i] / root;
            f->diag[i] = fmaf(-col[i], col[i], f->diag[i]);
        }
    }
    col[p] = root;
}

/* Lower triangle in place, A(perm, perm) = L L^T. perm NULL: natural order; else out [n]: perm[i]
   is the original index at position i, largest (or least) remaining diagonal first, lowest index on ties.
   *bad_pivot (may be NULL): original index of the pivot that failed. Element (i, j) is a_ij - sum_k
   l_ik l_jk over k in order, by fmaf(-l_ik, l_jk, .), then divided by l_jj: the bits of the plain
   triple loop (BITWISE). */
static hrq_status hrq__la_cholesky(float *a, size_t n, size_t ld, size_t *perm, int least, size_t *bad_pivot,
                                   const hrq_hooks *hooks)
{
    float sign = least ? -1.0f : 1.0f;
    hrq__la_factor f;
    hrq__la_product t;
    hrq_status status = HRQ_OK;
    size_t pack = hrq__la_pack_bytes(n, n, HRQ__LA_PANEL), own, bytes, i, p, best;
    void *block;
    if (pack == 0 || !hrq__mul_size(n, (HRQ__LA_PANEL + 1) * sizeof(float), &own)) return HRQ_ERR_SHAPE;
    if (!hrq__add_size(own, pack, &bytes)) return HRQ_ERR_SHAPE;
    block = hrq__alloc(hooks, bytes);
    if (!block) return HRQ_ERR_NOMEM;
    f.a = a, f.n = n, f.ld = ld, f.perm = perm, f.diag = (float *)block, f.panel = f.diag + n;
    for (i = 0; perm && i < n; i++) perm[i] = i;
    for (i = 0; i < n; i++) f.diag[i] = a[i * ld + i];
    for (f.k0 = 0; f.k0 < n; f.k0 = f.k1) {
        f.k1 = hrq__min_size(n, f.k0 + HRQ__LA_PANEL);
        hrq__la_panel_copy(&f, 0);
        for (p = f.k0; p < f.k1; p++) {
            for (i = best = p; perm && i < n; i++)
                if (sign * f.diag[i] > sign * f.diag[best] || (f.diag[i] == f.diag[best] && perm[i] < perm[best]))
                    best = i;
            if (best != p) hrq__la_pivot(&f, p, best);
            if (!(f.diag[p] > 0.0f) || !hrq__finite(f.diag[p])) {
                if (bad_pivot) *bad_pivot = perm ? perm[p] : p;
                status = HRQ_ERR_NOT_PD;
                break;
            }
            hrq__la_column(&f, p, sqrtf(f.diag[p]));
        }
        hrq__la_panel_copy(&f, 1);
        if (status != HRQ_OK) break;
        if (f.k1 == n) break;
        memset(&t, 0, sizeof t);
        t.c = a + f.k1 * ld + f.k1, t.ldc = ld, t.lower = 1, t.negate = 1;
        t.a = t.b = f.panel + f.k1, t.a_row = t.b_row = 1, t.a_k = t.b_k = n;
        t.m = t.n = n - f.k1, t.k = f.k1 - f.k0;
        hrq__la_run(&t, (char *)block + own, hooks);
    }
    hrq__release(hooks, block);
    return status;
}

HRQ_API hrq_status hrq_cholesky(float *a, size_t n, size_t ld, size_t *bad_pivot, const hrq_hooks *hooks)
{
    if (!a) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(n, n, ld)) return HRQ_ERR_SHAPE;
    return hrq__la_cholesky(a, n, ld, NULL, 0, bad_pivot, hooks);
}

    /* The loss, 32 rows a job, blocks of 64 x 64 of sigma. Products of two floats are exact in double,
   so no fused operation is needed for the same bits everywhere; a row's sum does not depend on its
   neighbours. */
    #define HRQ__LA_ROWS  32
    #define HRQ__LA_BLOCK 64

typedef struct hrq__la_losses {
    const float *e, *sigma;
    size_t rows, n, lde, lds;
    double *sums;
} hrq__la_losses;

/* 64 columns of 32 rows of e as doubles, transposed; zero outside */
static void hrq__la_loss_load(double out[HRQ__LA_BLOCK][HRQ__LA_ROWS], const hrq__la_losses *p, size_t row0,
                              size_t col0)
{
    size_t r, c, rows = hrq__min_size(HRQ__LA_ROWS, p->rows - row0), cols = hrq__min_size(HRQ__LA_BLOCK, p->n - col0);
    memset(out, 0, sizeof(double) * HRQ__LA_BLOCK * HRQ__LA_ROWS);
    for (r = 0; r < rows; r++)
        for (c = 0; c < cols; c++) out[c][r] = (double)p->e[(row0 + r) * p->lde + col0 + c];
}

/* out[r] += e_i (2 sum_{j < i} sigma_ij e_j + sigma_ii e_i) over the columns j of one block */
static void hrq__la_loss_row(double out[HRQ__LA_ROWS], const double *ei, const double (*ej)[HRQ__LA_ROWS],
                             const float *sigma, size_t below, int diagonal)
{
    double s[HRQ__LA_ROWS];
    size_t r, j;
    for (r = 0; r < HRQ__LA_ROWS; r++) s[r] = 0.0;
    for (j = 0; j < below; j++)
        for (r = 0; r < HRQ__LA_ROWS; r++) s[r] += (double)sigma[j] * ej[j][r];
    for (r = 0; r < HRQ__LA_ROWS; r++) s[r] *= 2.0;
    if (diagonal)
        for (r = 0; r < HRQ__LA_ROWS; r++) s[r] += (double)sigma[below] * ei[r];
    for (r = 0; r < HRQ__LA_ROWS; r++) out[r] += ei[r] * s[r];
}

static void hrq__la_loss_job(void *arg, size_t index)
{
    const hrq__la_losses *p = (const hrq__la_losses *)arg;
    double out[HRQ__LA_ROWS] = {0}, ei[HRQ__LA_BLOCK][HRQ__LA_ROWS], ej[HRQ__LA_BLOCK][HRQ__LA_ROWS];
    size_t row0 = index * HRQ__LA_ROWS, i0, j0, i, r, end;
    for (j0 = 0; j0 < p->n; j0 += HRQ__LA_BLOCK) {
        hrq__la_loss_load(ej, p, row0, j0);
        if (!p->sigma) {
            for (i = 0; i < HRQ__LA_BLOCK; i++)
                for (r = 0; r < HRQ__LA_ROWS; r++) out[r] += ej[i][r] * ej[i][r];
            continue;
        }
        for (i0 = j0; i0 < p->n; i0 += HRQ__LA_BLOCK) {
            hrq__la_loss_load(ei, p, row0, i0);
            end = hrq__min_size(HRQ__LA_BLOCK, p->n - i0);
            for (i = 0; i < end; i++)
                hrq__la_loss_row(out, ei[i], (const double(*)[HRQ__LA_ROWS])ej, p->sigma + (i0 + i) * p->lds + j0,
                                 i0 == j0 ? i : HRQ__LA_BLOCK, i0 == j0);
        }
    }
    for (r = 0; r < HRQ__LA_ROWS && row0 + r < p->rows; r++) p->sums[row0 + r] = out[r];
}

/* tr(E Sigma E^T), E [rows x n]: rows' sums in double, added in order (BITWISE). sigma [n x n],
   lower triangle read; NULL: identity. No memory: NaN, *status HRQ_ERR_NOMEM; else *status HRQ_OK.
   Arguments are the caller's care. */
static double hrq__la_loss(const float *e, size_t rows, size_t n, size_t lde, const float *sigma, size_t lds,
                           const hrq_hooks *hooks, hrq_status *status)
{
    hrq__la_losses p;
    double sum = 0.0;
    size_t r;
    p.e = e, p.sigma = sigma, p.rows = rows, p.n = n, p.lde = lde, p.lds = lds;
    p.sums = (double *)hrq__alloc_array(hooks, rows, sizeof(double));
    *status = p.sums ? HRQ_OK : HRQ_ERR_NOMEM;
    if (!p.sums) return (double)NAN;
    hrq__for(hooks, hrq__div_up(rows, HRQ__LA_ROWS), hrq__la_loss_job, &p);
    for (r = 0; r < rows; r++) sum += p.sums[r];
    hrq__release(hooks, p.sums);
    return sum;
}

/* Dot product in 32 lanes, a fixed order that any vector width can keep. */
static double hrq__la_dot(const double *x, const double *y, size_t n)
{
    double lane[32], sum = 0.0;
    size_t i, l;
    for (l = 0; l < 32; l++) lane[l] = 0.0;
    for (i = 0; i + 32 <= n; i += 32)
        for (l = 0; l < 32; l++) lane[l] += x[i + l] * y[i + l];
    for (; i < n; i++) sum += x[i] * y[i];
    for (l = 0; l < 32; l++) sum += lane[l];
    return sum;
}

/* Householder to tridiagonal form, from the last row up; z [n x n], lower triangle, is spent. d [n]
   the diagonal, e [n] with e[i] beside d[i] and d[i + 1], e[n - 1] = 0; work [4 n]. The rank-2
   update of one step is done in the next step's pass over the rows, with that step's product: one
   sweep of memory a step instead of two. Entries are at most 1: squares below 1e-280 belong to
   vectors that no eigenvalue in double can feel. */
static void hrq__la_tridiagonal(double *z, size_t n, double *d, double *e, double *work)
{
    double *u = work, *q = work + n, *u_old = work + 2 * n, *q_old = work + 3 * n, *swap, h, g, t;
    size_t i, r, c;
    int pending = 0;
    e[n - 1] = 0.0;
    for (i = n; i-- > 0;) {
        double *row = z + i * n;
        if (pending)
            for (c = 0; c <= i; c++) row[c] -= u_old[i] * q_old[c] + q_old[i] * u_old[c];
        d[i] = row[i];
        if (i == 0) return;
        h = hrq__la_dot(row, row, i - 1);
        e[i - 1] = row[i - 1];
        if (h < 1e-280) h = 0.0;
        if (h > 0.0) {
            h += row[i - 1] * row[i - 1];
            g = row[i - 1] > 0.0 ? -sqrt(h) : sqrt(h);
            e[i - 1] = g;
            h -= row[i - 1] * g;
            memcpy(u, row, i * sizeof(double));
            u[i - 1] -= g;
        }
        for (r = 0; r < i; r++) {
            double *x = z + r * n;
            if (pending) {
                double a = u_old[r], b = q_old[r];
                for (c = 0; c <= r; c++) x[c] -= a * q_old[c] + b * u_old[c];
            }
            if (h > 0.0) {
                t = u[r];
                q[r] = hrq__la_dot(x, u, r) + x[r] * t;
                for (c = 0; c < r; c++) q[c] += x[c] * t;
            }
        }
        pending = h > 0.0;
        if (!pending) continue;
        for (c = 0; c < i; c++) q[c] /= h;
        t = hrq__la_dot(u, q, i) / (h + h);
        for (c = 0; c < i; c++) q[c] -= t * u[c];
        swap = u, u = u_old, u_old = swap;
        swap = q, q = q_old, q_old = swap;
    }
}

/* Eigenvalues of the tridiagonal (d, e), ascending, by bisection with Sturm counts: cannot fail. |d|, |e| <= 3;
   absolute error 2^-52, which the reduction before it has as well. */
static void hrq__la_spectrum(double *eig, const double *d, const double *e, size_t n)
{
    double low = 0.0, high = 0.0, last, lo, hi, mid, q;
    size_t i, k, below;
    for (i = 0; i < n; i++) {
        double radius = (i > 0 ? fabs(e[i - 1]) : 0.0) + (i + 1 < n ? fabs(e[i]) : 0.0);
        low = d[i] - radius < low ? d[i] - radius : low;
        high = d[i] + radius > high ? d[i] + radius : high;
    }
    for (k = 0, last = low; k < n; k++, last = lo)
        for (lo = last, hi = high;
             mid = lo + (hi - lo) / 2, eig[k] = lo, hi - lo > 2.2e-16 && lo < mid && mid < hi;) {
            for (below = 0, q = 1.0, i = 0; i < n; i++) {
                q = d[i] - mid - (i > 0 ? e[i - 1] * e[i - 1] / q : 0.0);
                if (fabs(q) < 1e-290) q = -1e-290;
                below += q < 0.0;
            }
            if (below > k) hi = mid;
            else lo = mid;
        }
}

HRQ_API hrq_status hrq_eigenvalues(double *eig, const float *a, size_t n, size_t ld, const hrq_hooks *hooks)
{
    double *z, *d;
    float top = 0.0f, m;
    size_t i, j, rows, elems;
    int shift = 0;
    if (!eig || !a) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(n, n, ld)) return HRQ_ERR_SHAPE;
    for (i = 0; i < n; i++) {
        if (hrq__nonfinite(a + i * ld, 1, i + 1, ld) > 0) return HRQ_ERR_NONFINITE;
        m = hrq__absmax(a + i * ld, i + 1);
        top = m > top ? m : top;
    }
    if (!hrq__add_size(n, 6, &rows) || !hrq__mul_size(n, rows, &elems)) return HRQ_ERR_SHAPE;
    z = (double *)hrq__alloc_array(hooks, elems, sizeof(double));
    if (!z) return HRQ_ERR_NOMEM;
    d = z + n * n;
    (void)frexp((double)top, &shift); /* a power of two brings the largest entry to [1/2, 1): exact both ways */
    for (i = 0; i < n; i++)
        for (j = 0; j <= i; j++) z[i * n + j] = ldexp((double)a[i * ld + j], -shift);
    hrq__la_tridiagonal(z, n, d, d + n, d + 2 * n);
    hrq__la_spectrum(d + 2 * n, d, d + n, n);
    for (i = 0; i < n; i++) eig[i] = ldexp(d[2 * n + i], shift);
    hrq__release(hooks, z);
    return HRQ_OK;
}

//==================================================================================================
//  [14i] Entropy coding    rANS, one model a column with one parameter: a Gaussian in eighths of an octave
//  uses: 2, 3, 5, 6
//
//  class      0: all zeros, no bits. k > 0: sigma = 2^((k - 25) / 8) steps; above 8 steps the lowest bits are sent
//             as they are, and the rest has sigma in (4, 8]
//  symbol     -K ... K, then the escape; K = floor(4 sigma + 3/2). 12-bit frequencies
//  escape     number of bits of |z| - K (4 bits), the bits below its highest, the sign
//  half grid  z stands for z + 1/2, cell [z, z + 1]: symbols -K ... K - 1, |z + 1/2| + 1/2 - K in the escape. Where low
//             bits are sent raw the half is one of many: the same model as without
//  state      32 bits, words of 16; lane i takes symbols i, i + lanes, ... of every column. Source: Duda, arXiv
//             1311.2540
//
//  Tables are made by + - * / in double, no libm, so they are the same everywhere. Loss against the ideal code of the
//  column's own histogram: 0.001 bit by the grid of sigma, 0.005 by 12 bits, 32 bits a lane.
//==================================================================================================

enum { HRQ__RANS_CLASSES = 150, HRQ__RANS_DIRECT = 49 };

/* e^-x for 0 <= x < 64: Taylor on x / 64, six squarings. */
static double hrq__rans_exp(double x)
{
    double y = -x / 64.0, sum = 1.0, term = 1.0;
    int i;
    for (i = 1; i < 16; i++) {
        term *= y / i;
        sum += term;
    }
    for (i = 0; i < 6; i++) sum *= sum;
    return sum;
}

/* Normal distribution function by its all-positive series phi(x) (x + x^3 / 3 + x^5 / 15 + ...). */
static double hrq__rans_normal(double x)
{
    double a = x < 0 ? -x : x, term = a, sum = a;
    int n;
    if (a > 8.0) return x < 0 ? 0.0 : 1.0;
    for (n = 3; n < 300 && term > 1e-18 * sum; n += 2) {
        term *= a * a / n;
        sum += term;
    }
    sum *= 0.3989422804014327 * hrq__rans_exp(0.5 * a * a); /* 1 / sqrt(2 pi) */
    return x < 0 ? 0.5 - sum : 0.5 + sum;
}

/* 2^x to 1e-15: the fraction by Taylor, exact powers for the rest. |x| < 1000. */
static double hrq__rans_exp2(double x)
{
    double f, sum = 1.0, term = 1.0;
    int e = (int)x, i;
    if (x < e) e--;
    f = (x - e) * 0.6931471805599453; /* ln 2 */
    for (i = 1; i < 20; i++) {
        term *= f / i;
        sum += term;
    }
    for (; e > 0; e--) sum *= 2.0;
    for (; e < 0; e++) sum *= 0.5;
    return sum;
}

/* log2 of x >= 0 to 1e-15, the same everywhere: exponent, then ln(m) = 2 atanh((m - 1) / (m + 1)). */
static double hrq__rans_log2(double x)
{
    double e = 0.0, t, t2, sum, term;
    int i;
    if (!(x > 0.0) || x > 1e308) return x > 0.0 ? 1024.0 : -1074.0;
    while (x >= 1.4142135623730951) {
        x *= 0.5;
        e += 1.0;
    }
    while (x < 0.7071067811865476) {
        x *= 2.0;
        e -= 1.0;
    }
    t = (x - 1.0) / (x + 1.0);
    t2 = t * t;
    sum = term = t;
    for (i = 3; i < 30; i += 2) {
        term *= t2;
        sum += term / i;
    }
    return e + sum * 2.8853900817779268; /* 2 / ln 2 */
}

/* Bits sent raw under a class, and the sigma of the rest. */
static unsigned hrq__rans_shift(unsigned cls)
{
    return cls <= HRQ__RANS_DIRECT ? 0 : (cls - HRQ__RANS_DIRECT + 7) / 8;
}
static double hrq__rans_sigma(unsigned cls) { return hrq__rans_exp2(((int)cls - 25) / 8.0 - hrq__rans_shift(cls)); }

/* Where the sigma of this mean square of z > 0 stands among the classes; rounding to integers added 1/12. */
static double hrq__rans_place(double mean_square)
{
    return 25.0 + 4.0 * hrq__rans_log2(mean_square - (mean_square > 0.25 ? 1.0 / 12 : mean_square / 3));
}

static unsigned hrq__rans_class_of(double mean_square)
{
    double k = mean_square > 0.0 ? hrq__rans_place(mean_square) + 0.5 : 0.0;
    return mean_square <= 0.0 ? 0 : k < 1.0 ? 1 : k < HRQ__RANS_CLASSES - 1 ? (unsigned)k : HRQ__RANS_CLASSES - 1;
}

static void hrq__rans_model_make_on(hrq__rans_model *m, unsigned cls, int half)
{
    double sigma = hrq__rans_sigma(cls);
    int32_t s, symbols, from;
    memset(m, 0, sizeof *m);
    m->shift = hrq__rans_shift(cls);
    m->half = half && cls && !m->shift;
    m->k = cls ? (int32_t)(4.0 * sigma + 1.5) : 0;
    symbols = 2 * m->k + 2 - m->half;
    if (cls == 0) { /* one symbol, the whole range: costs nothing */
        m->start[1] = m->start[2] = 1 << HRQ__RANS_BITS;
        return;
    }
    for (s = 1; s < symbols; s++) { /* one slot at least for everybody, the escape too */
        from = (int32_t)(hrq__rans_normal((s - m->k - 0.5 * (1 - m->half)) / sigma) * (1 << HRQ__RANS_BITS) + 0.5);
        if (from <= m->start[s - 1]) from = m->start[s - 1] + 1;
        if (from > (1 << HRQ__RANS_BITS) - symbols + s) from = (1 << HRQ__RANS_BITS) - symbols + s;
        m->start[s] = (uint16_t)from;
    }
    m->start[symbols] = 1 << HRQ__RANS_BITS;
}

/* Rate of a Gaussian model's gain: E[u z] / E[z^2] for u ~ N(0, sigma^2), z = round(u): what LMMSE feedback
   multiplies the step by. E[u z] = sigma^2 sum_k pdf(k + 1/2), E[z^2] = sum z^2 p(z). */
static double hrq__rans_gain(unsigned cls)
{
    double sigma = hrq__rans_sigma(cls), uz = 0.0, zz = 0.0, last, next;
    int32_t z, most;
    if (cls == 0 || hrq__rans_shift(cls)) return 1.0;
    most = (int32_t)(7.0 * sigma + 2.0);
    last = hrq__rans_normal(0.5 / sigma);
    for (z = 1; z <= most; z++) {
        double edge = (z - 0.5) / sigma;
        next = hrq__rans_normal((z + 0.5) / sigma);
        uz += sigma * 0.3989422804014327 * (edge < 11.0 ? hrq__rans_exp(0.5 * edge * edge) : 0.0);
        zz += (double)z * z * (next - last);
        last = next;
    }
    return zz > 1e-12 ? uz / zz : 1.0;
}

/* ---- the coder ---- */

static void hrq__rans_put(hrq__rans *c, size_t lane, uint32_t start, uint32_t freq)
{
    uint32_t x = c->state[lane];
    if (x >= (uint64_t)freq << (32 - HRQ__RANS_BITS)) {
        if (c->at - c->bound < 2) {
            c->bad = 1;
            return;
        }
        c->at -= 2;
        hrq__put16(c->at, (uint16_t)x);
        x >>= 16;
    }
    c->state[lane] = ((x / freq) << HRQ__RANS_BITS) + x % freq + start;
}

/* n <= 12 bits as they are. */
static void hrq__rans_put_raw(hrq__rans *c, size_t lane, unsigned n, uint32_t v)
{
    uint32_t freq = 1u << (HRQ__RANS_BITS - n);
    if (n) hrq__rans_put(c, lane, v * freq, freq);
}

/* z cut into the part that is modelled and the raw bits below it, so that both signs look alike. */
HRQ__INLINE int32_t hrq__rans_high(int32_t z, unsigned shift)
{
    return shift ? (z + (1 << (shift - 1)) + (1 << 20)) / (1 << shift) - (1 << 20) / (1 << shift) : z;
}

/* One value, |z| <= 16383; parts in the reverse of the order in which they are read. */
static void hrq__rans_put_value(hrq__rans *c, const hrq__rans_model *m, size_t lane, int32_t z)
{
    int32_t high = hrq__rans_high(z, m->shift), out = (high < 0 ? -high : high + m->half) - m->k, s;
    uint32_t low = m->shift ? (uint32_t)(z - high * (1 << m->shift) + (1 << (m->shift - 1))) : 0;
    if (m->shift > 12) hrq__rans_put_raw(c, lane, m->shift - 12, low >> 12);
    hrq__rans_put_raw(c, lane, m->shift > 12 ? 12 : m->shift, low & 4095);
    if (out > 0) {
        unsigned bits = hrq__bits_for((uint64_t)out + 1);
        uint32_t rest = (uint32_t)out - (1u << (bits - 1));
        hrq__rans_put_raw(c, lane, 1, high < 0);
        if (bits - 1 > 12) hrq__rans_put_raw(c, lane, bits - 1 - 12, rest >> 12);
        hrq__rans_put_raw(c, lane, bits - 1 > 12 ? 12 : bits - 1, rest & 4095);
        hrq__rans_put_raw(c, lane, 4, bits - 1);
    }
    s = out > 0 ? 2 * m->k + 1 - m->half : high + m->k;
    hrq__rans_put(c, lane, m->start[s], (uint32_t)(m->start[s + 1] - m->start[s]));
}

/* A column of n values under a class, last to first. */
static void hrq__rans_put_column(hrq__rans *c, const hrq__rans_model *m, const int16_t *z, size_t n)
{
    while (n--) hrq__rans_put_value(c, m, n & (c->lanes - 1), z[n]);
}

/* Frequencies are made once: a normal distribution function takes longer than a column of a thousand values. */
typedef struct hrq__rans_models {
    hrq__rans_model model[2][HRQ__RANS_DIRECT + 1]; /* by half; start[1] is 0 where not made */
} hrq__rans_models;

static void hrq__rans_models_get(hrq__rans_models *all, hrq__rans_model *m, unsigned cls, int half)
{
    unsigned shift = hrq__rans_shift(cls);
    hrq__rans_model *direct = &all->model[half && !shift][cls - 8 * shift];
    if (!direct->start[1]) hrq__rans_model_make_on(direct, cls - 8 * shift, half && !shift);
    *m = *direct;
    m->shift = shift;
}

enum { HRQ__RANS_SLOTS = 8 }; /* columns whose slots are kept */

/* A reader: coder, models as they come up, and what is made of the last columns'. */
typedef struct hrq__rans_reader {
    hrq__rans coder;
    hrq__rans_models models;
    double gain[HRQ__RANS_CLASSES]; /* 0: not made */
    uint32_t holds[HRQ__RANS_SLOTS]; /* classes whose slots are there, 0: none */
    uint32_t slot[HRQ__RANS_SLOTS][2 * HRQ__RANS_RANGE + 8];
    uint8_t spread[256][16];
} hrq__rans_reader;

/* p: states of the lanes, then words up to end. */
static void hrq__rans_reader_init(hrq__rans_reader *rd, size_t lanes, const uint8_t *p, const uint8_t *end)
{
    unsigned set, place, word;
    size_t lane;
    memset(rd, 0, sizeof *rd);
    rd->coder.lanes = lanes;
    for (lane = 0; lane < lanes; lane++) rd->coder.state[lane] = hrq__get32(p + 4 * lane);
    rd->coder.at = (uint8_t *)(uintptr_t)(p + 4 * lanes);
    rd->coder.bound = end;
    for (set = 0; set < 256; set++)
        for (place = word = 0; place < 8; place++) {
            unsigned take = set >> place & 1;
            rd->spread[set][2 * place] = (uint8_t)(take ? 2 * word : 128);
            rd->spread[set][2 * place + 1] = (uint8_t)(take ? 2 * word + 1 : 128);
            word += take;
        }
}

static double hrq__rans_reader_gain(hrq__rans_reader *rd, unsigned cls)
{
    if (rd->gain[cls] == 0.0) rd->gain[cls] = hrq__rans_gain(cls);
    return rd->gain[cls];
}

/* A column of n values under a class; along a trellis, where state is not NULL, under two. */
static void hrq__rans_get_column(hrq__rans_reader *rd, const unsigned cls[2], const uint8_t *parity, int32_t limit,
                                 uint8_t *state, int16_t *z, size_t n)
{
    hrq__rans_model m[2];
    hrq__rans_args a;
    uint32_t holds = parity ? cls[0] | cls[1] << 8 | 1u << 16 : cls[0];
    size_t at = (cls[0] + 3 * cls[1]) % HRQ__RANS_SLOTS; /* neighbours of either kind have places of their own */
    int q;
    if (cls[0] == 0) memset(z, 0, n * sizeof *z);
    if (cls[0] == 0 || rd->coder.bad) return;
    for (q = 0; q < 2; q++) {
        hrq__rans_models_get(&rd->models, &m[q], cls[parity ? q : 0], q);
        a.model[q] = &m[q];
    }
    a.parity = parity;
    a.limit = limit;
    a.slot = rd->slot[at];
    a.filled = rd->holds[at] == holds;
    rd->holds[at] = holds;
    a.spread = (const uint8_t(*)[16])rd->spread;
    hrq__kernels_now()->rans_column(z, state, n, &rd->coder, &a);
}

static void hrq__rans_get_plain(hrq__rans_reader *rd, unsigned cls, int16_t *z, size_t n)
{
    unsigned both[2] = {cls, cls};
    hrq__rans_get_column(rd, both, NULL, HRQ__RANS_LIMIT, NULL, z, n);
}

/* Lanes for a stream of this many values: as many as cost less than 1/500 bit a value, 64 at most. */
static size_t hrq__rans_lanes(size_t values)
{
    size_t lanes = 1;
    while (lanes < 64 && values / 16000 >= 2 * lanes) lanes *= 2;
    return lanes;
}

/* ---- choosing a class ---- */

/* Code lengths in 1/65536 bit. */
typedef struct hrq__rans_costs {
    uint32_t value[2][HRQ__RANS_DIRECT + 1][HRQ__RANS_K + 1]; /* [half][class][|z + half / 2|], mean of both signs */
    uint32_t escape[2][HRQ__RANS_DIRECT + 1];
    int32_t k[HRQ__RANS_DIRECT + 1];
} hrq__rans_costs;

static uint32_t hrq__rans_length(unsigned freq)
{
    return (uint32_t)((HRQ__RANS_BITS - hrq__rans_log2((double)freq)) * 65536.0 + 0.5);
}

static void hrq__rans_costs_make(hrq__rans_costs *costs)
{
    unsigned cls;
    int32_t z;
    int half;
    for (half = 0; half < 2; half++)
        for (cls = 1; cls <= HRQ__RANS_DIRECT; cls++) {
            const uint16_t *last;
            hrq__rans_model m;
            hrq__rans_model_make_on(&m, cls, half);
            costs->k[cls] = m.k;
            for (z = 0; z <= m.k - half; z++) {
                const uint16_t *up = m.start + m.k + z, *down = m.start + m.k - z - half;
                costs->value[half][cls][z] =
                    (hrq__rans_length((unsigned)(up[1] - up[0])) + hrq__rans_length((unsigned)(down[1] - down[0]))) /
                    2;
            }
            for (; z <= HRQ__RANS_K; z++) costs->value[half][cls][z] = 0;
            last = m.start + 2 * m.k + 1 - half;
            costs->escape[half][cls] = hrq__rans_length((unsigned)(last[1] - last[0]));
        }
}

/* Length of one value under a class that is not 0, in 1/65536 bit. */
static double hrq__rans_price(const hrq__rans_costs *costs, unsigned cls, int half, int32_t z)
{
    unsigned shift = hrq__rans_shift(cls), direct = cls - 8 * shift;
    int32_t high = hrq__rans_high(z, shift), out;
    half = half && !shift;
    out = (high < 0 ? -high : high + half) - costs->k[direct];
    return 65536.0 * shift + (out <= 0
                                  ? (double)costs->value[half][direct][high < 0 ? -high - half : high]
                                  : costs->escape[half][direct] + 65536.0 * (4 + hrq__bits_for((uint64_t)out + 1)));
}

/* Histogram of |z|, or of |z + 1/2| - 1/2. */
typedef struct hrq__rans_histogram {
    size_t count[HRQ__RANS_LIMIT + 1];
    int32_t most; /* largest |z| */
    size_t n;
    double square; /* sum of z^2 */
    int half;
} hrq__rans_histogram;

static void hrq__rans_count(hrq__rans_histogram *h, const int16_t *z, size_t n)
{
    size_t i;
    memset(h->count, 0, ((size_t)h->most + 1) * sizeof h->count[0]);
    h->most = h->half = 0;
    h->n = n;
    h->square = 0.0;
    for (i = 0; i < n; i++) {
        int32_t a = z[i] < 0 ? -z[i] : z[i];
        h->count[a]++;
        if (a > h->most) h->most = a;
    }
    for (i = 1; i <= (size_t)h->most; i++) h->square += (double)h->count[i] * (double)i * (double)i;
}

/* Bits, in 1/65536, of the counted values under a class: half of them each sign, which under a shift have different
   high parts. */
static double hrq__rans_cost(const hrq__rans_costs *costs, const hrq__rans_histogram *h, unsigned cls)
{
    int32_t a;
    double bits = 0.0;
    if (cls == 0) return h->most ? 1e300 : 0.0;
    for (a = 0; a <= h->most; a++)
        if (h->count[a])
            bits += 0.5 * (double)h->count[a] *
                    (hrq__rans_price(costs, cls, h->half, a) + hrq__rans_price(costs, cls, h->half, -a - h->half));
    return bits;
}

/* The class of least cost near what the values' mean square says, and its cost. `expected` (-1: none) is what the
   class is coded against: about 2 bits for any other, 1 more a class away. */
static unsigned hrq__rans_choose(const hrq__rans_costs *costs, const hrq__rans_histogram *h, int expected,
                                 double *cost)
{
    unsigned start = h->half ? (unsigned)expected : hrq__rans_class_of(h->square / (double)h->n),
             low = start > 6 ? start - 6 : 1, best = 0, cls;
    double least = 0.0;
    *cost = 0.0;
    for (cls = low; start && cls <= start + 6 && cls < HRQ__RANS_CLASSES; cls++) {
        double c = hrq__rans_cost(costs, h, cls), away = expected < 0 ? 0.0 : fabs((double)cls - expected);
        double total = c + (away > 0.0 ? 65536.0 * (2.0 + away) : 0.0);
        if (cls > low && total >= least) continue;
        least = total;
        best = cls;
        *cost = c;
    }
    return best;
}

//==================================================================================================
//  [15i] Weight-only       successive interference cancellation under GPTQ and WaterSIC; streams; reports
//  uses: 2 - 14
//
//  W [rows x cols] weights, Sigma = E x x^T, Sigma(order, order) = L L^T; time t = 0 ... n - 1 is the order of
//  quantizing: t handles index n - 1 - t of the factor. e_t = W_t - What_t. Target of column t:
//
//      u_t = W_t + sum_{s < t} e_s L_st / L_tt          (s, t: the indices of those times)
//
//  GPTQ:     What_t = the format's nearest value to u_t                     loss: L_tt^2 (u_t - What_t)^2, any
//            rounding
//  WaterSIC: What_t = gain_t step_t z_t, z_t = round(u_t / step_t), step_t = c / L_tt
//==================================================================================================

typedef struct hrq__sic {
    size_t rows, n; /* n: columns that have input             */
    size_t *column; /* [n] column of W at each time           */
    float *factor;  /* [n][n] L_st / L_tt at [s][t], s < t; NULL: white */
    float *diag;    /* [n] L_tt, of sigma as given            */
    float *w, *u;   /* [n][rows] weights over unit, or what the filter makes of them; feedback, then errors */
    float unit;     /* power of two                           */
    double damping;
    double *level; /* [cols] on the diagonal of sigma beside it, see "rates that are not high"; NULL: none */
    float *share;  /* [n] level over L_tt^2, 0 without        */
    double *rest;  /* [rows] of the loss that no choice of What changes, over unit^2; NULL without levels  */
    void *pack;
    size_t cols8;  /* not 0: columns of one lattice block stand together, see [5i] */
    uint8_t *ends; /* [n] 1 at the last time of a block   */
    const hrq_hooks *hooks;
} hrq__sic;

/* What one step does: times t ... t + width - 1 have their feedback in u; put their errors there. */
typedef void hrq__sic_step(void *arg, hrq__sic *sic, size_t t, size_t width);

static void hrq__sic_free(hrq__sic *s)
{
    hrq__release(s->hooks, s->column);
    hrq__release(s->hooks, s->factor);
    hrq__release(s->hooks, s->diag);
    hrq__release(s->hooks, s->w);
    hrq__release(s->hooks, s->u);
    hrq__release(s->hooks, s->level);
    hrq__release(s->hooks, s->share);
    hrq__release(s->hooks, s->rest);
    hrq__release(s->hooks, s->pack);
    hrq__release(s->hooks, s->ends);
}

/* The feedback of times [from, mid) onto [mid, to): one product of [13]. */
static void hrq__sic_update(hrq__sic *s, size_t from, size_t mid, size_t to)
{
    hrq__la_product p;
    memset(&p, 0, sizeof p);
    p.c = s->u + mid * s->rows;
    p.ldc = s->rows;
    p.a = s->factor + from * s->n + mid;
    p.a_row = 1;
    p.a_k = s->n;
    p.b = s->u + from * s->rows;
    p.b_row = 1;
    p.b_k = s->rows;
    p.m = to - mid;
    p.n = s->rows;
    p.k = mid - from;
    hrq__la_run(&p, s->pack, s->hooks);
}

/* Times [from, to), by halves, between blocks: every element adds its feedback in order of time, so halving leaves
   no trace in the bits. */
static void hrq__sic_run(hrq__sic *s, size_t from, size_t to, hrq__sic_step *step, void *arg)
{
    const uint8_t *ends = s->ends;
    size_t mid = from + (to - from) / 2, r, t, k;
    if (ends) { /* the next border behind the middle, or the last before it */
        while (mid < to && !(mid > from && ends[mid - 1])) mid++;
        if (mid == to)
            for (mid = from + (to - from) / 2; mid > from && !ends[mid - 1];) mid--;
    }
    if (to - from <= 1 || mid <= from) {
        step(arg, s, from, to - from);
        return;
    }
    hrq__sic_run(s, from, mid, step, arg);
    if (s->factor) {
        if (to - from > 16) hrq__sic_update(s, from, mid, to);
        else
            for (t = mid; t < to; t++)
                for (k = from; k < mid; k++) {
                    const float *e = s->u + k * s->rows;
                    float *u = s->u + t * s->rows, m = s->factor[k * s->n + t];
                    for (r = 0; r < s->rows; r++) u[r] = fmaf(m, e[r], u[r]);
                }
    }
    hrq__sic_run(s, mid, to, step, arg);
}

/* ---- setting up: dead columns, order, damping, factor ---- */

/* Sort indices by key, largest first, stable. By insertion: some ten thousand columns, often sorted already. */
static void hrq__sic_sort(size_t *index, const double *key, size_t n)
{
    size_t i, j, v;
    for (i = 1; i < n; i++) {
        for (v = index[i], j = i; j > 0 && key[index[j - 1]] < key[v]; j--) index[j] = index[j - 1];
        index[j] = v;
    }
}

/* Sigma(order, order) * scale with (1 + damping) and levels on the diagonal, lower triangle. */
static void hrq__sic_permuted(const hrq__sic *s, const float *sigma, size_t lds, float scale, double damping)
{
    size_t i, j;
    for (i = 0; i < s->n; i++)
        for (j = 0; j <= i; j++) {
            size_t a = s->column[i], b = s->column[j];
            float v = (a > b ? sigma[a * lds + b] : sigma[b * lds + a]) * scale;
            if (i == j) v = (float)((double)v * (1.0 + damping) + (s->level ? s->level[a] * (double)scale : 0.0));
            s->factor[i * s->n + j] = v;
        }
}

/* Factor with damping doubled until it passes; column[] is in factor order and, in an order of pivots, reordered. */
static hrq_status hrq__sic_factor(hrq__sic *s, const float *sigma, size_t lds, float scale, hrq_order order,
                                  double damping, size_t *bad_pivot)
{
    size_t *perm = NULL, *old = NULL, i, pivot = 0;
    hrq_status status;
    if (order == HRQ_ORDER_PIVOTED || order == HRQ_ORDER_MINPIVOT) {
        perm = (size_t *)hrq__alloc_array(s->hooks, s->n, 2 * sizeof *perm);
        if (!perm) return HRQ_ERR_NOMEM;
        old = perm + s->n;
    }
    for (;;) {
        s->damping = damping < 0 ? 0.0 : damping;
        hrq__sic_permuted(s, sigma, lds, scale, s->damping);
        status = hrq__la_cholesky(s->factor, s->n, s->n, perm, order == HRQ_ORDER_MINPIVOT, &pivot, s->hooks);
        if (status != HRQ_ERR_NOT_PD || damping < 0 || damping >= 1.0) break;
        damping = damping * 2 < 1e-6 ? 1e-6 : damping * 2 > 1.0 ? 1.0 : damping * 2;
    }
    if (status == HRQ_ERR_NOT_PD)
        *bad_pivot = perm ? s->column[perm[hrq__min_size(pivot, s->n - 1)]] : s->column[pivot];
    if (status == HRQ_OK && perm) {
        memcpy(old, s->column, s->n * sizeof *old);
        for (i = 0; i < s->n; i++) s->column[i] = old[perm[i]];
    }
    hrq__release(s->hooks, perm);
    return status;
}

static void hrq__sic_reverse(size_t *column, size_t n)
{
    size_t i;
    for (i = 0; i < n / 2; i++) {
        size_t c = column[i];
        column[i] = column[n - 1 - i];
        column[n - 1 - i] = c;
    }
}

/* From factor order to time order: the array turned round, columns over their diagonal. */
static void hrq__sic_turn(hrq__sic *s, float scale)
{
    size_t n = s->n, i, t, last = n * n - 1;
    float root = sqrtf(scale), v;
    for (i = 0; i < n * n / 2; i++) {
        v = s->factor[i];
        s->factor[i] = s->factor[last - i];
        s->factor[last - i] = v;
    }
    hrq__sic_reverse(s->column, n);
    for (t = 0; t < n; t++) s->diag[t] = s->factor[t * n + t] / root;
    for (i = 0; i < n; i++)
        for (t = i + 1; t < n; t++) s->factor[i * n + t] /= s->factor[t * n + t];
}

/* The largest diagonal first in time, so last in factor order. */
static hrq_status hrq__sic_descending(hrq__sic *s, const float *sigma, size_t lds)
{
    double *key = (double *)hrq__alloc_array(s->hooks, s->column[s->n - 1] + 1, sizeof *key);
    size_t i;
    if (!key) return HRQ_ERR_NOMEM;
    for (i = 0; i < s->n; i++) key[s->column[i]] = -(double)sigma[s->column[i] * lds + s->column[i]];
    hrq__sic_sort(s->column, key, s->n);
    hrq__release(s->hooks, key);
    return HRQ_OK;
}

/* First column and stride of the lattice block that holds a column. */
static size_t hrq__sic_block(size_t col, size_t cols8, size_t *stride)
{
    size_t super = col / 32 * 32;
    *stride = hrq__min_size(cols8 - super, 32) / 8;
    return super + (col - super) % *stride;
}

/* Bring the columns of each block together: blocks by the mean place of their columns, the rest by column. */
static hrq_status hrq__sic_group(hrq__sic *s)
{
    double *key = (double *)hrq__alloc_array(s->hooks, s->cols8, 3 * sizeof *key), *sum, *count;
    size_t i, stride;
    if (!key) return HRQ_ERR_NOMEM;
    sum = key + s->cols8;
    count = sum + s->cols8;
    for (i = 0; i < s->cols8; i++) sum[i] = count[i] = 0.0;
    for (i = 0; i < s->n; i++) {
        size_t first = hrq__sic_block(s->column[i], s->cols8, &stride);
        sum[first] += (double)i;
        count[first] += 1.0;
    }
    for (i = 0; i < s->n; i++) { /* means differ by 1/56 or not at all: the block's own number parts those */
        size_t first = hrq__sic_block(s->column[i], s->cols8, &stride);
        key[s->column[i]] = -(sum[first] / count[first] + 0.01 * (double)first / (double)s->cols8);
    }
    hrq__sic_sort(s->column, key, s->n);
    hrq__release(s->hooks, key);
    return HRQ_OK;
}

/* Time order known: where blocks end. */
static void hrq__sic_mark(hrq__sic *s)
{
    size_t t, stride;
    for (t = 0; t < s->n; t++)
        s->ends[t] = t + 1 == s->n || hrq__sic_block(s->column[t], s->cols8, &stride) !=
                                          hrq__sic_block(s->column[t + 1], s->cols8, &stride);
}

/* An even power of two, whose root is exact, by which the largest diagonal is near 1. */
static float hrq__sic_scale(const hrq__sic *s, const float *sigma, size_t lds)
{
    float top = 0.0f, scale;
    size_t i;
    for (i = 0; i < s->n; i++) {
        float d = sigma[s->column[i] * lds + s->column[i]];
        top = d > top ? d : top;
    }
    scale = hrq__power_of_two_over(sqrtf(top));
    if (scale > 9.2e18f) scale = 9.223372036854775808e18f; /* 2^63: its square is finite */
    return scale * scale;
}

/* W over unit, one time a row. */
static void hrq__sic_load(hrq__sic *s, const float *w, size_t ldw)
{
    size_t t, r;
    for (r = 0; r < s->rows; r++)
        for (t = 0; t < s->n; t++) s->w[t * s->rows + r] = w[r * ldw + s->column[t]] * s->unit;
}

/* ---- damping where the number of samples is known ----
   With M = Sigma + d diag Sigma for metric the loss at high rates is |M|^(1/n) tr(S M^-1) / n, S the true covariance.
   Sigma is a mean over samples, and each tells what the others missed: tr(S M^-1) is about h / (1 - h / tokens), with
   h = tr(Sigma M^-1). Correlations for Sigma: the same.
   Source: generalized cross-validation (Golub, Heath, Wahba, Technometrics 21 (1979)), of this loss. */

/* What a damping is tried with. */
typedef struct hrq__validation {
    const float *sigma;
    size_t lds, n, *column; /* [n] columns that have input */
    double tokens, *root;   /* [n] of the diagonal */
    float *factor, *inverse;
    void *pack;
    const hrq_hooks *hooks;
} hrq__validation;

/* Sum of squares of the inverse of the factor: its rows by blocks. */
static double hrq__sic_inverse(const hrq__validation *v)
{
    enum { BLOCK = 32 };
    size_t from, i, j, k, n = v->n;
    double sum = 0.0;
    for (from = 0; from < n; from += BLOCK) {
        size_t to = hrq__min_size(from + BLOCK, n);
        hrq__la_product p;
        memset(v->inverse + from * n, 0, (to - from) * n * sizeof(float));
        memset(&p, 0, sizeof p);
        p.c = v->inverse + from * n;
        p.ldc = n;
        p.a = v->factor + from * n;
        p.a_row = n;
        p.a_k = 1;
        p.b = v->inverse;
        p.b_row = 1;
        p.b_k = n;
        p.m = to - from;
        p.n = p.k = from;
        if (from) hrq__la_run(&p, v->pack, v->hooks);
        for (i = from; i < to; i++) {
            float *row = v->inverse + i * n, by = 1.0f / v->factor[i * n + i];
            for (k = from; k < i; k++)
                for (j = 0; j <= k; j++) row[j] += v->factor[i * n + k] * v->inverse[k * n + j];
            row[i] = -1.0f;
            for (j = 0; j <= i; j++) {
                row[j] *= -by;
                sum += (double)row[j] * (double)row[j];
            }
        }
    }
    return sum;
}

/* Bits an entry, but for a constant, with damping d; more than any where samples are too few to say. */
static hrq_status hrq__sic_validate(const hrq__validation *v, double d, double *bits)
{
    size_t i, j, n = v->n;
    double sum = 0.0, h;
    hrq_status status;
    for (i = 0; i < n; i++) {
        const float *row = v->sigma + v->column[i] * v->lds;
        for (j = 0; j < i; j++)
            v->factor[i * n + j] = (float)((double)row[v->column[j]] / (v->root[i] * v->root[j]));
        v->factor[i * n + i] = (float)(1.0 + d);
    }
    *bits = 1e300;
    status = hrq_cholesky(v->factor, n, n, NULL, v->hooks);
    if (status != HRQ_OK) return status == HRQ_ERR_NOT_PD ? HRQ_OK : status;
    h = (double)n - d * hrq__sic_inverse(v);
    if (!(h > 0.0 && h < v->tokens)) return HRQ_OK;
    for (i = 0; i < n; i++) sum += hrq__rans_log2(v->factor[i * n + i]);
    *bits = sum / (double)n + 0.5 * hrq__rans_log2(h / (1.0 - h / v->tokens));
    return HRQ_OK;
}

enum { HRQ__DAMPING_TRIES = 6 }; /* 4 ... 1/256 */

    #define HRQ__DAMPING_LEAST 0.01

/* The damping of least loss: by factors of 4 down from 4 while it falls, then the parabola through the last three. */
static hrq_status hrq__sic_minimize(const hrq__validation *v, double *damping)
{
    double bits[3] = {1e300, 1e300, 1e300}, at = 0.0, bend; /* at the last three tries */
    int k;
    for (k = 0; k < HRQ__DAMPING_TRIES; k++) {
        hrq_status status;
        bits[0] = bits[1];
        bits[1] = bits[2];
        status = hrq__sic_validate(v, hrq__rans_exp2(2.0 - 2.0 * k), &bits[2]);
        if (status != HRQ_OK) return status;
        if (bits[2] >= bits[1]) break;
    }
    bend = bits[0] - 2.0 * bits[1] + bits[2];
    if (k > 1) at = 4.0 - 2.0 * k; /* log2 of the try before the last */
    if (k > 1 && k < HRQ__DAMPING_TRIES && bits[0] < 1e299 && bits[2] < 1e299 && bend > 0.0)
        at += (bits[2] - bits[0]) / bend;
    *damping = hrq__rans_exp2(at);
    return HRQ_OK;
}

/* Damping that the options ask for: 0.01 or, where samples are known, the least loss between that and 1. Less gains
   next to nothing, and inputs that are rounded to int8 want it: times their steps, c / L_tt, they have a range of up to
   1 / sqrt(damping) times their own, and errors that follow it. */
static hrq_status hrq__sic_damping(double *damping, double asked, double tokens, const float *sigma, size_t lds,
                                   size_t cols, const hrq_hooks *hooks)
{
    hrq__validation v;
    size_t i, square, pack;
    hrq_status status = HRQ_OK;
    *damping = asked != 0.0 ? asked : HRQ__DAMPING_LEAST;
    if (asked != 0.0 || !(tokens > 0.0) || !sigma) return HRQ_OK;
    memset(&v, 0, sizeof v);
    v.sigma = sigma;
    v.lds = lds;
    v.tokens = tokens;
    v.hooks = hooks;
    v.column = (size_t *)hrq__alloc_array(hooks, cols, sizeof *v.column);
    v.root = (double *)hrq__alloc_array(hooks, cols, sizeof *v.root);
    for (i = 0; i < cols && v.column && v.root; i++)
        if (sigma[i * lds + i] > 0.0f) {
            v.root[v.n] = sqrt((double)sigma[i * lds + i]);
            v.column[v.n++] = i;
        }
    if (!hrq__mul_size(v.n, v.n, &square)) status = HRQ_ERR_SHAPE;
    if (status == HRQ_OK && v.n) {
        pack = hrq__la_pack_bytes(v.n, v.n, v.n);
        v.factor = (float *)hrq__alloc_array(hooks, square, sizeof *v.factor);
        v.inverse = (float *)hrq__alloc_array(hooks, square, sizeof *v.inverse);
        v.pack = pack ? hrq__alloc(hooks, pack) : NULL;
    }
    if (status == HRQ_OK && (!v.column || !v.root || (v.n && (!v.factor || !v.inverse || !v.pack))))
        status = HRQ_ERR_NOMEM;
    if (status == HRQ_OK && v.n) status = hrq__sic_minimize(&v, damping);
    if (*damping < HRQ__DAMPING_LEAST) *damping = HRQ__DAMPING_LEAST;
    if (*damping > 1.0) *damping = 1.0;
    hrq__release(hooks, v.pack);
    hrq__release(hooks, v.inverse);
    hrq__release(hooks, v.factor);
    hrq__release(hooks, v.root);
    hrq__release(hooks, v.column);
    return status;
}

/* ---- rates that are not high ----
   The loop above is right where What is as large as W. At finite rates bits are paid for its size: values of variance q
   cost v^2 / (2 q ln 2) bits each, and some more that does not hang on v. With this part of the bits beside the loss,
   at the rate of exchange of the bits (2 ln 2 D each, D the loss a column),

       tr (W - V) Sigma (W - V)^T + tr V Delta V^T
           = tr (T - V)(Sigma + Delta)(T - V)^T + const,   Delta = diag(D / q_j),  T = W Sigma (Sigma + Delta)^-1

   so the loop takes T for W and factors Sigma + Delta, and the cost of a value loses what the metric has: now a column
   minds what later ones will pay. White inputs: nothing changes. With Gaussian values and ideal codes the rate is
   1/2 log2 det(1 + Sigma Delta^-1), and what is left to reverse waterfilling is that codes know no other column: 0.038
   bit for AR(0.9) at 1 bit. Without this 0.06 more are lost there, in any basis. In one where the diagonal says nothing
   one q for all columns of W of one variance is best; it is taken in all, and costs nothing measurable.
   Source: the filters of the test channel (Berger, Rate Distortion Theory, 1971, ch. 4; Zamir, Kochman, Erez, IEEE
   Trans. IT 54 (2008)) and ridge regression; this form is our own. */

    #define HRQ__LEVEL_RATE 5.0 /* bits an entry from which it is not worth its work */

/* Mean over the columns of log2(L_tt^2 / level) / 2, L the factor of sigma and levels before it is turned. */
static double hrq__sic_level_rate(const hrq__sic *s, float scale)
{
    double sum = 0.0;
    size_t i;
    for (i = 0; i < s->n; i++)
        sum += hrq__rans_log2(s->factor[i * s->n + i]) -
               0.5 * hrq__rans_log2(s->level[s->column[i]] * (double)scale);
    return sum / (double)s->n;
}

/* Levels for this rate, by secants from what high rates say: there are damping and diag. The rate falls with log2 of
   the level, ever less steeply, by 1/2 at first: no step goes too far. factor is overwritten. */
static hrq_status hrq__sic_levels(hrq__sic *s, const float *w, size_t cols, size_t ldw, const float *sigma, size_t lds,
                                  double rate, size_t *bad_pivot)
{
    double mean = 0.0, step = 0.0, now, last = 0.0, slope = -0.5;
    float scale = hrq__sic_scale(s, sigma, lds);
    size_t t, r;
    int turn;
    hrq_status status = HRQ_OK;
    rate -= 0.05 * (rate < 1.0 ? rate : 1.0); /* what codes that are not ideal take */
    s->level = (double *)hrq__alloc_array(s->hooks, cols, sizeof *s->level);
    s->rest = (double *)hrq__alloc_array(s->hooks, s->rows, sizeof *s->rest);
    if (!s->level || !s->rest) return HRQ_ERR_NOMEM;
    memset(s->level, 0, cols * sizeof *s->level);
    for (t = 0; t < s->n; t++) {
        double *square = s->level + s->column[t];
        for (r = 0; r < s->rows; r++) *square += (double)w[r * ldw + s->column[t]] * (double)w[r * ldw + s->column[t]];
        mean += *square / (double)s->n;
    }
    for (t = 0; t < s->n; t++) { /* few rows say little of a column */
        double *level = s->level + s->column[t], q;
        q = mean > 0.0 ? ((double)s->rows * (*level / mean) + 8.0) / ((double)s->rows + 8.0) : 1.0;
        *level = 1.0 / q;
        step += (2.0 * hrq__rans_log2(s->diag[t]) + hrq__rans_log2(q)) / (double)s->n;
    }
    for (step -= 2.0 * rate, turn = 0; turn < 12; turn++) {
        for (t = 0; t < s->n; t++) s->level[s->column[t]] *= hrq__rans_exp2(step);
        status = hrq__sic_factor(s, sigma, lds, scale, HRQ_ORDER_NATURAL, s->damping > 0.0 ? s->damping : -1.0,
                                 bad_pivot);
        if (status != HRQ_OK) return status;
        now = hrq__sic_level_rate(s, scale);
        if (now - rate < 0.01) break;
        if (turn && (now - last) / step > slope) slope = (now - last) / step;
        last = now;
        step = (rate - now) / (slope < -0.01 ? slope : -0.01);
    }
    return HRQ_OK;
}

/* factor^T from the right: u = -y, y_k + sum over t > k of factor[k][t] y_t = u_k, by halves. */
static void hrq__sic_back(hrq__sic *s, size_t from, size_t to)
{
    size_t mid = from + (to - from) / 2, r;
    hrq__la_product p;
    if (to - from == 1) {
        for (r = 0; r < s->rows; r++) s->u[from * s->rows + r] = -s->u[from * s->rows + r];
        return;
    }
    hrq__sic_back(s, mid, to);
    memset(&p, 0, sizeof p);
    p.c = s->u + from * s->rows;
    p.ldc = s->rows;
    p.a = s->factor + from * s->n + mid;
    p.a_row = s->n;
    p.a_k = 1;
    p.b = s->u + mid * s->rows;
    p.b_row = 1;
    p.b_k = s->rows;
    p.m = mid - from;
    p.n = s->rows;
    p.k = to - mid;
    hrq__la_run(&p, s->pack, s->hooks);
    hrq__sic_back(s, from, mid);
}

/* A step of the loop that solves with the factor: u = -x, x_t + sum over s < t of factor[s][t] x_s = u_t. */
static void hrq__sic_negate(void *arg, hrq__sic *s, size_t t, size_t width)
{
    size_t i;
    (void)arg;
    for (i = t * s->rows; i < (t + width) * s->rows; i++) s->u[i] = -s->u[i];
}

/* W, loaded, to T = W - W Delta (Sigma + Delta)^-1, and what goes with it; u is used. */
static void hrq__sic_filter(hrq__sic *s)
{
    double middle = 0.0;
    size_t t, r;
    for (t = 0; t < s->n; t++) middle += hrq__rans_log2(s->diag[t]) / (double)s->n;
    middle = hrq__rans_exp2(2.0 * middle);
    for (t = 0; t < s->n; t++) {
        double square = (double)s->diag[t] * (double)s->diag[t], share = s->level[s->column[t]] / square;
        s->share[t] = share < 0.999 ? (float)share : 0.999f; /* a column of zeros, which needs no more */
        share = s->level[s->column[t]] / middle; /* and back: levels may be beyond floats' range */
        for (r = 0; r < s->rows; r++) s->u[t * s->rows + r] = (float)(share * (double)s->w[t * s->rows + r]);
    }
    hrq__sic_back(s, 0, s->n);
    for (t = 0; t < s->n; t++) {
        double by = -middle / ((double)s->diag[t] * (double)s->diag[t]);
        for (r = 0; r < s->rows; r++) s->u[t * s->rows + r] = (float)(by * (double)s->u[t * s->rows + r]);
    }
    hrq__sic_run(s, 0, s->n, hrq__sic_negate, NULL);
    memset(s->rest, 0, s->rows * sizeof *s->rest);
    for (t = 0; t < s->n; t++)
        for (r = 0; r < s->rows; r++) {
            float *w = s->w + t * s->rows + r, aim = *w + s->u[t * s->rows + r];
            s->rest[r] += s->level[s->column[t]] * (double)*w * (double)aim;
            *w = aim;
        }
}

/* ---- everything but the steps ---- */

/* Order the columns, factor sigma in that order, turn to time order. */
static hrq_status hrq__sic_prepare(hrq__sic *s, const float *sigma, size_t lds, hrq_order order, double damping,
                                   size_t *bad_pivot)
{
    float scale;
    hrq_status status;
    scale = hrq__sic_scale(s, sigma, lds);
    status = order == HRQ_ORDER_DESCENDING ? hrq__sic_descending(s, sigma, lds) : HRQ_OK;
    if (status == HRQ_OK && s->cols8 && (order == HRQ_ORDER_PIVOTED || order == HRQ_ORDER_MINPIVOT))
        status = hrq__sic_factor(s, sigma, lds, scale, order, damping, bad_pivot);
    if (status == HRQ_OK && s->cols8) status = hrq__sic_group(s);
    if (status == HRQ_OK)
        status = hrq__sic_factor(s, sigma, lds, scale, s->cols8 ? HRQ_ORDER_NATURAL : order, damping, bad_pivot);
    if (status == HRQ_OK) hrq__sic_turn(s, scale);
    return status;
}

/* The columns that have input, in order. */
static void hrq__sic_live(hrq__sic *s, size_t cols, const float *sigma, size_t lds)
{
    size_t i;
    for (s->n = i = 0; i < cols; i++)
        if (!sigma || sigma[i * lds + i] > 0.0f) s->column[s->n++] = i;
}

/* Everything but the steps, for a zeroed struct with hooks and cols8. sigma NULL: white, the last column first. rate:
   0 for codes of a fixed one. */
static hrq_status hrq__sic_open(hrq__sic *s, const float *w, size_t rows, size_t cols, size_t ldw, const float *sigma,
                                size_t lds, hrq_order order, double damping, double rate, size_t *bad_pivot)
{
    float most = 0.0f;
    size_t i, r, square, pack;
    hrq_status status = HRQ_OK;
    s->rows = rows;
    s->column = (size_t *)hrq__alloc_array(s->hooks, cols, sizeof *s->column);
    if (!s->column) return HRQ_ERR_NOMEM;
    hrq__sic_live(s, cols, sigma, lds);
    for (r = 0; r < rows; r++) {
        float m = hrq__absmax(w + r * ldw, cols);
        most = m > most ? m : most;
    }
    s->unit = most > 0.0f ? hrq__power_of_two_over(most) : 1.0f;
    if (s->n == 0) return HRQ_OK;
    s->diag = (float *)hrq__alloc_array(s->hooks, s->n, sizeof(float));
    s->w = (float *)hrq__alloc_array(s->hooks, rows * s->n, sizeof(float));
    s->u = (float *)hrq__alloc_array(s->hooks, rows * s->n, sizeof(float));
    s->share = (float *)hrq__alloc_array(s->hooks, s->n, sizeof(float));
    if (!s->diag || !s->w || !s->u || !s->share) return HRQ_ERR_NOMEM;
    memset(s->share, 0, s->n * sizeof *s->share);
    if (sigma) {
        if (!hrq__mul_size(s->n, s->n, &square)) return HRQ_ERR_SHAPE;
        s->factor = (float *)hrq__alloc_array(s->hooks, square, sizeof(float));
        pack = hrq__la_pack_bytes(s->n, s->rows, s->n);
        s->pack = pack ? hrq__alloc(s->hooks, pack) : NULL;
        if (!s->factor || !s->pack) return HRQ_ERR_NOMEM;
        status = hrq__sic_prepare(s, sigma, lds, order, damping, bad_pivot);
        if (status == HRQ_OK && rate > 0.0 && rate < HRQ__LEVEL_RATE) {
            status = hrq__sic_levels(s, w, cols, ldw, sigma, lds, rate, bad_pivot);
            damping = s->damping > 0.0 ? s->damping : -1.0;
            hrq__sic_live(s, cols, sigma, lds);
            if (status == HRQ_OK) status = hrq__sic_prepare(s, sigma, lds, order, damping, bad_pivot);
        }
    } else {
        if (s->cols8) status = hrq__sic_group(s);
        hrq__sic_reverse(s->column, s->n);
        for (i = 0; i < s->n; i++) s->diag[i] = 1.0f;
    }
    if (status != HRQ_OK) return status;
    hrq__sic_load(s, w, ldw);
    if (s->level) hrq__sic_filter(s); /* column by column: no blocks yet */
    if (!s->cols8) return HRQ_OK;
    s->ends = (uint8_t *)hrq__alloc(s->hooks, s->n);
    if (!s->ends) return HRQ_ERR_NOMEM;
    hrq__sic_mark(s);
    return HRQ_OK;
}

/* ---- checks and reports that GPTQ and WaterSIC share ---- */

/* NaN and infinity in w and the lower triangle of sigma, and a diagonal that no covariance has. */
static hrq_status hrq__weight_check(const float *w, size_t rows, size_t cols, size_t ldw, const float *sigma,
                                    size_t lds, hrq_report *report)
{
    size_t i, bad;
    if (report) {
        memset(report, 0, sizeof *report);
        report->bad_pivot = cols;
    }
    if (!w) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(rows, cols, ldw) || (sigma && !hrq__shape_ok(cols, cols, lds))) return HRQ_ERR_SHAPE;
    bad = hrq__nonfinite(w, rows, cols, ldw);
    for (i = 0; sigma && i < cols; i++) bad += hrq__nonfinite(sigma + i * lds, 1, i + 1, lds);
    if (report) report->nonfinite = bad;
    if (bad) return HRQ_ERR_NONFINITE;
    for (i = 0; sigma && i < cols; i++) {
        if (report && sigma[i * lds + i] == 0.0f) report->dead_columns++;
        if (sigma[i * lds + i] < 0.0f) {
            if (report) report->bad_pivot = i;
            return HRQ_ERR_NOT_PD;
        }
    }
    return HRQ_OK;
}

/* Distortion of plain absmax rounding at this many bits: the comparison of the report. e [rows x cols] scratch. */
static hrq_status hrq__report_baseline(double *out, int bits, const float *w, size_t rows, size_t cols, size_t ldw,
                                       const float *sigma, size_t lds, float *e, const hrq_hooks *hooks)
{
    hrq_format f;
    hrq_mat m;
    size_t bytes, r, c;
    void *data;
    hrq_status status;
    char name[9] = "int8:sym";
    name[3] = (char)('0' + (bits < 2 ? 2 : bits > 8 ? 8 : bits));
    hrq_format_parse(&f, name);
    bytes = hrq_mat_bytes(&f, rows, cols);
    data = hrq__alloc(hooks, bytes);
    if (!data) return HRQ_ERR_NOMEM;
    hrq_mat_init(&m, &f, rows, cols, 0, data, bytes);
    status = hrq_mat_encode(&m, 0, rows, w, ldw, hooks);
    if (status == HRQ_ERR_NONFINITE) { /* too large for an integer format: nothing to compare with */
        hrq__release(hooks, data);
        *out = NAN;
        return HRQ_OK;
    }
    if (status == HRQ_OK) status = hrq_mat_decode(&m, 0, rows, e, cols);
    for (r = 0; r < rows; r++)
        for (c = 0; c < cols; c++) e[r * cols + c] = w[r * ldw + c] - e[r * cols + c];
    if (status == HRQ_OK)
        *out = hrq__la_loss(e, rows, cols, cols, sigma, lds, hooks, &status) / ((double)rows * (double)cols);
    hrq__release(hooks, data);
    return status;
}

/* All of a report but what the caller knows already: rate and entropy are set, decoded [rows x cols] is spent. */
static hrq_status hrq__report_fill(hrq_report *report, float *decoded, const float *w, size_t rows, size_t cols,
                                   size_t ldw, const float *sigma, size_t lds, const hrq_hooks *hooks)
{
    double *lambda, energy = 0.0;
    size_t r, c;
    hrq_status status = HRQ_OK;
    for (r = 0; r < rows; r++)
        for (c = 0; c < cols; c++) {
            double v = w[r * ldw + c];
            energy += v * v;
            decoded[r * cols + c] = w[r * ldw + c] - decoded[r * cols + c];
        }
    energy /= (double)rows * (double)cols;
    report->distortion =
        hrq__la_loss(decoded, rows, cols, cols, sigma, lds, hooks, &status) / ((double)rows * (double)cols);
    if (status != HRQ_OK) return status;
    lambda = (double *)hrq__alloc_array(hooks, cols, sizeof *lambda);
    if (!lambda) return HRQ_ERR_NOMEM;
    for (c = 0; c < cols; c++) lambda[c] = 1.0;
    if (sigma) status = hrq_eigenvalues(lambda, sigma, cols, lds, hooks);
    for (c = 0; c < cols; c++) lambda[c] *= energy;
    report->limit_rate = hrq_waterfill_rate(lambda, cols, report->distortion);
    report->gap = report->rate - report->limit_rate;
    hrq__release(hooks, lambda);
    if (status != HRQ_OK) return status;
    return hrq__report_baseline(&report->baseline, (int)ceil(report->rate), w, rows, cols, ldw, sigma, lds, decoded,
                                hooks);
}

/* ---- GPTQ ---- */

typedef struct hrq__gptq {
    hrq__view view;
    float *target; /* [rows][cols] what each code is the nearest to */
    const float *w;
    size_t ldw;
    size_t *time;      /* [cols8] time of a column; SIZE_MAX: no input, or padding */
    hrq_status status; /* cancelled: the remaining steps do nothing */
    struct hrq__gptq_bands *bands;
} hrq__gptq;

/* What u is over for a target: with a filter (u - v)^2 - share v^2 is least at v = u / (1 - share). */
static float hrq__gptq_aim(const hrq__sic *s, size_t t) { return s->unit * (1.0f - s->share[t]); }

/* One column of a format that codes entries by themselves. */
static void hrq__gptq_column(hrq__gptq *g, hrq__sic *s, size_t t)
{
    size_t r, col = s->column[t], cols = g->view.mat->cols;
    float *u = s->u + t * s->rows;
    const float *w = s->w + t * s->rows;
    hrq__lane lane;
    for (r = 0; r < s->rows; r++) {
        float target = (w[r] + u[r]) / hrq__gptq_aim(s, t);
        hrq__codecs[g->view.codec].code(&g->view, r, col, 1, 1, &target, &lane);
        g->target[r * cols + col] = target;
        u[r] = w[r] - lane.value[0] * s->unit;
    }
}

/* One block of 8. The targets of a block solve x L_BB = feedback for all its columns at once (block LDLQ): forward
   substitution with the block of factor, whose diagonal is 1. Columns without input keep their weights. */
static void hrq__gptq_lanes(hrq__gptq *g, hrq__sic *s, size_t t0, size_t width)
{
    size_t r, i, j, stride, cols = g->view.mat->cols;
    size_t first = hrq__sic_block(s->column[t0], g->view.lay.cols8, &stride);
    hrq__lane lane;
    for (r = 0; r < s->rows; r++) {
        float x[8], in[8];
        for (i = 0; i < width; i++) {
            x[i] = s->u[(t0 + i) * s->rows + r];
            for (j = 0; j < i && s->factor; j++) x[i] = fmaf(-x[j], s->factor[(t0 + j) * s->n + t0 + i], x[i]);
        }
        for (j = 0; j < 8; j++) {
            size_t col = first + j * stride, t = g->time[col];
            in[j] = col >= cols ? 0.0f : g->w[r * g->ldw + col];
            if (t != SIZE_MAX) in[j] = (s->w[t * s->rows + r] + x[t - t0]) / hrq__gptq_aim(s, t);
            if (col < cols) g->target[r * cols + col] = in[j];
        }
        hrq__codecs[g->view.codec].code(&g->view, r, first, stride, 8, in, &lane);
        for (j = 0; j < 8; j++) {
            size_t t = g->time[first + j * stride];
            if (t != SIZE_MAX) s->u[t * s->rows + r] = s->w[t * s->rows + r] - lane.value[j] * s->unit;
        }
    }
}

/* tcq:col: a column is a sequence, its bands are coded side by side. */
typedef struct hrq__gptq_bands {
    const hrq__view *view;
    size_t bands, jobs, live; /* live: rows that are not zero */
    hrq__norm *norm;          /* [rows] one over their scales */
    float *y;                 /* [rows] targets over them     */
    double *squares;          /* [bands] of y                 */
    uint8_t *work;            /* [jobs] of a search           */
    hrq__tcq_work *search;
    size_t work_bytes;
    size_t col; /* this column, its scale, weights, feedback in and errors out (NULL: it has no input) */
    float step, unit, aim; /* unit: of w and u; aim: what they are over for a target */
    const float *w;
    size_t w_stride;
    float *u;
} hrq__gptq_bands;

enum { HRQ__GPTQ_JOBS = 64 };

static void hrq__gptq_bands_free(hrq__gptq_bands *b, const hrq_hooks *hooks)
{
    hrq__release(hooks, b->norm);
    hrq__release(hooks, b->y);
    hrq__release(hooks, b->squares);
    hrq__release(hooks, b->work);
    hrq__release(hooks, b->search);
}

/* Memory, and the scales of rows from the weights. */
static hrq_status hrq__gptq_bands_open(hrq__gptq_bands *b, const hrq__gptq *g, const hrq_hooks *hooks)
{
    const hrq_mat *mat = g->view.mat;
    size_t r, rows = mat->rows;
    memset(b, 0, sizeof *b);
    b->view = &g->view;
    b->bands = hrq__bands(rows);
    b->jobs = hrq__min_size(b->bands, HRQ__GPTQ_JOBS);
    if (!hrq__tcq_bytes(mat->format.states, 2 * HRQ__BAND, &b->work_bytes)) return HRQ_ERR_SHAPE;
    b->work_bytes = hrq__div_up(b->work_bytes, 64) * 64;
    b->norm = (hrq__norm *)hrq__alloc_array(hooks, rows, sizeof(hrq__norm));
    b->y = (float *)hrq__alloc_array(hooks, rows, sizeof(float));
    b->squares = (double *)hrq__alloc_array(hooks, b->bands, sizeof(double));
    b->work = (uint8_t *)hrq__alloc_array(hooks, b->jobs, b->work_bytes);
    b->search = (hrq__tcq_work *)hrq__alloc_array(hooks, b->jobs, sizeof *b->search);
    if (!b->norm || !b->y || !b->squares || !b->work || !b->search) return HRQ_ERR_NOMEM;
    for (r = 0; r < b->jobs; r++)
        hrq__tcq_open(&b->search[r], &mat->format, 2 * HRQ__BAND, b->work + r * b->work_bytes);
    for (r = 0; r < rows; r += HRQ_PANEL)
        hrq__column_fit(&g->view, r / HRQ_PANEL, g->w + r * g->ldw, hrq__min_size(HRQ_PANEL, rows - r), g->ldw);
    for (r = 0; r < rows; r++) {
        float scale = hrq__view_stored_scale(&g->view, r);
        b->norm[r] = hrq__norm_of(scale);
        b->live += scale != 0.0f;
    }
    return HRQ_OK;
}

static void hrq__gptq_band_target(void *arg, size_t band)
{
    hrq__gptq_bands *b = (hrq__gptq_bands *)arg;
    size_t r, end = hrq__band_end(b->view->mat->rows, band);
    double sum = 0.0;
    for (r = band * HRQ__BAND; r < end; r++) {
        float target = b->u ? (b->w[r] + b->u[r]) / b->aim : b->w[r * b->w_stride];
        b->y[r] = hrq__clampf(hrq__norm_apply(b->norm[r], target), -1e15f, 1e15f);
        sum += (double)b->y[r] * (double)b->y[r];
    }
    b->squares[band] = sum;
}

static void hrq__gptq_band_code(void *arg, size_t job)
{
    hrq__gptq_bands *b = (hrq__gptq_bands *)arg;
    hrq__tcq_work *w = &b->search[job];
    size_t band, r, row0, end;
    float inv = b->step > 0.0f ? 1.0f / b->step : 0.0f;
    for (band = job; band < b->bands; band += b->jobs) {
        row0 = band * HRQ__BAND;
        end = hrq__band_end(b->view->mat->rows, band);
        hrq__column_encode(b->view, w, row0, end - row0, b->col, b->y + row0, inv);
        for (r = row0; r < end && b->u; r++)
            b->u[r] = b->w[r] - (float)w->level[r - row0] * hrq__view_row_scale(b->view, r) * b->step * b->unit;
    }
}

/* One column: its scale is the root mean square of the targets over their rows' scales. */
static void hrq__gptq_sequence(hrq__gptq *g, hrq__sic *s, size_t col, size_t t)
{
    hrq__gptq_bands *b = g->bands;
    double sum = 0.0;
    size_t i;
    uint16_t scale;
    b->col = col;
    b->unit = s->unit;
    b->aim = t == SIZE_MAX ? s->unit : hrq__gptq_aim(s, t);
    b->u = t == SIZE_MAX ? NULL : s->u + t * s->rows;
    b->w = t == SIZE_MAX ? g->w + col : s->w + t * s->rows;
    b->w_stride = g->ldw;
    hrq__for(s->hooks, b->bands, hrq__gptq_band_target, b);
    for (i = 0; i < b->bands; i++) sum += b->squares[i];
    scale = hrq__row_scale(b->live ? (float)sqrt(sum / (double)b->live) : 0.0f, 1);
    hrq__put16((uint8_t *)g->view.mat->data + HRQ__HEAD + 2 * col, scale ^ 0x3f80u);
    b->step = hrq_f32_from_bf16(scale);
    hrq__for(s->hooks, b->jobs, hrq__gptq_band_code, b);
}

static void hrq__gptq_step(void *arg, hrq__sic *s, size_t t, size_t width)
{
    hrq__gptq *g = (hrq__gptq *)arg;
    if (g->status != HRQ_OK) return;
    g->status = hrq__progress(s->hooks, t, s->n);
    if (g->bands) hrq__gptq_sequence(g, s, s->column[t], t);
    else if (hrq__codecs[g->view.codec].block == 1) hrq__gptq_column(g, s, t);
    else hrq__gptq_lanes(g, s, t, width);
}

/* ---- tcq along rows ----
   What a coded bit costs shows only steps later, and errors move the targets before: a list of paths goes from the last
   column to the first, each with its own errors fed back, ranked by its loss so far and by what the search for plain
   codes finds ahead of it, with the targets of the best path. At white inputs the best path is the plain one. Without a
   list this is up to 0.4 bit worse, without the search 0.25: four trellises share the list. Every 128 columns the best
   path is decided. Windows wrap around: a row starts and ends in the states that its plain codes have there, which
   leaves the last four times S columns no choice of coded bits: up to 4 S / cols bits are lost to that, and more where
   those columns weigh most. Rows for which all this does more harm than good keep their plain codes.
   Source: per-survivor processing (Raheli, Polydoros, Tzou, IEEE Trans. Comm. 43 (1995)); cost to go as in A*; own. */

enum { HRQ__ROWS_PATHS = 16, HRQ__ROWS_STEPS = 32 };

typedef struct hrq__rows_path {
    float loss, rank;
    uint64_t state; /* of four sequences, 16 bits each: before the columns that are decided */
    float e[4];     /* errors of this step's columns that have input */
    uint8_t code[4], from;
    int8_t level[4];
} hrq__rows_path;

typedef struct hrq__gptq_rows {
    hrq__gptq *g;
    hrq__sic *s;
    size_t panels, jobs, ahead, hi, lo; /* ahead: steps of plain search; this block's columns */
    size_t times, work_bytes;           /* of a block and what it looks ahead to */
    float most, price;                  /* of diag; of a unit of the plain search's metric */
    uint8_t *work, *code;               /* [jobs]; [rows][cols8] */
    int8_t *level;                      /* [2][rows][cols8] plain, ours */
    uint64_t *start, *state;            /* [rows] around the end; before the block */
    double *loss;                       /* [2][rows] */
    int which;
} hrq__gptq_rows;

/* A job's memory, in a row. */
typedef struct hrq__rows_job {
    hrq__tcq_work search;
    hrq__rows_path *now, *next, *history; /* [PATHS], [PATHS], [STEPS][PATHS] */
    float *y, *y2, *scale;                /* [PATHS][times] targets over unit; [times] what makes them x */
    uint8_t *cost;                        /* [4][2][states] of the plain search before and behind the step */
    void *pack;
} hrq__rows_job;

static void hrq__rows_open(const hrq__gptq_rows *b, size_t job, hrq__rows_job *j)
{
    const hrq_mat *mat = b->g->view.mat;
    j->now = (hrq__rows_path *)(void *)(b->work + job * b->work_bytes);
    j->next = j->now + HRQ__ROWS_PATHS;
    j->history = j->next + HRQ__ROWS_PATHS;
    j->y = (float *)(void *)(j->history + HRQ__ROWS_STEPS * HRQ__ROWS_PATHS);
    j->y2 = j->y + HRQ__ROWS_PATHS * b->times;
    j->scale = j->y2 + HRQ__ROWS_PATHS * b->times;
    j->cost = (uint8_t *)(j->scale + b->times);
    j->pack = j->cost + ((size_t)8 << mat->format.states);
    hrq__tcq_open(&j->search, &mat->format, b->g->view.lay.cols8 / 4,
                  (uint8_t *)j->pack + hrq__la_pack_bytes(HRQ__ROWS_PATHS, b->times, 4));
}

static hrq_status hrq__rows_memory(hrq__gptq_rows *b)
{
    const hrq_mat *mat = b->g->view.mat;
    size_t cols8 = b->g->view.lay.cols8, rows = mat->rows, codes, search;
    b->panels = hrq__div_up(rows, HRQ_PANEL);
    b->jobs = hrq__min_size(b->panels, HRQ__GPTQ_JOBS);
    b->ahead = 4 * (size_t)mat->format.states;
    b->times = hrq__min_size(4 * (HRQ__ROWS_STEPS + b->ahead), cols8);
    if (!hrq__mul_size(rows, cols8, &codes) || !hrq__tcq_bytes(mat->format.states, cols8 / 4, &search) ||
        !hrq__add_size(search, (size_t)8 << mat->format.states, &b->work_bytes))
        return HRQ_ERR_SHAPE;
    b->work_bytes += (HRQ__ROWS_STEPS + 2) * HRQ__ROWS_PATHS * sizeof(hrq__rows_path) +
                     (2 * HRQ__ROWS_PATHS + 1) * b->times * sizeof(float) +
                     hrq__la_pack_bytes(HRQ__ROWS_PATHS, b->times, 4);
    b->work_bytes = hrq__div_up(b->work_bytes, 64) * 64;
    b->work = (uint8_t *)hrq__alloc_array(b->s->hooks, b->jobs, b->work_bytes);
    b->code = (uint8_t *)hrq__alloc(b->s->hooks, codes);
    b->level = (int8_t *)hrq__alloc_array(b->s->hooks, codes, 2);
    b->start = (uint64_t *)hrq__alloc_array(b->s->hooks, rows, 2 * sizeof *b->start);
    b->loss = (double *)hrq__alloc_array(b->s->hooks, rows, 2 * sizeof *b->loss);
    if (!b->work || !b->code || !b->level || !b->start || !b->loss) return HRQ_ERR_NOMEM;
    b->state = b->start + rows;
    memset(b->loss, 0, 2 * rows * sizeof *b->loss);
    return HRQ_OK;
}

HRQ__INLINE int32_t hrq__rows_fixed(float x) { return hrq__round(hrq__clampf(x, -16383.0f, 16383.0f)); }

/* Plain codes of a row, and the states around its end. */
static void hrq__rows_plain(const hrq__gptq_rows *b, hrq__rows_job *j, size_t row)
{
    hrq__view v = b->g->view;
    size_t steps = v.lay.cols8 / 4, q, k;
    const float *w = b->g->w + row * b->g->ldw;
    v.trellis = &j->search;
    hrq__fit_rms(&v, row, w);
    hrq__encode_row(&v, row, w, &j->search);
    memcpy(b->level + row * v.lay.cols8, j->search.level, v.lay.cols8);
    b->start[row] = 0;
    for (q = 0; q < 4; q++)
        for (k = 0; k < j->search.c.states; k++)
            b->start[row] |= (uint64_t)(j->search.code[4 * (steps - 1 - k % steps) + q] & 1u) << (16 * q + k);
    b->state[row] = b->start[row];
}

/* The plain search towards a step: costs of the states before it and behind it. */
static void hrq__rows_ahead(const hrq__gptq_rows *b, hrq__rows_job *j, size_t row, size_t step, size_t q, size_t t0)
{
    hrq__tcq_work *w = &j->search;
    size_t from = step - hrq__min_size(step, b->ahead), k, run, count = (size_t)1 << w->c.states;
    for (k = from; k <= step; k++) {
        size_t t = b->g->time[4 * k + q];
        w->x[k] = (int16_t)(t == SIZE_MAX ? 0 : hrq__rows_fixed(j->y[t - t0] * j->scale[t - t0]));
    }
    w->kernels->trellis_metric(w->metric + (from << w->c.parities), w->x + from, step + 1 - from, &w->args);
    for (k = from; k <= step; k++)
        if (b->g->time[4 * k + q] == SIZE_MAX) memset(w->metric + (k << w->c.parities), 0, (size_t)1 << w->c.parities);
    memset(w->path, 0, count);
    for (k = from; k <= step; k += run) {
        int oldest = -1;
        if (from == 0 && k < w->c.states) oldest = (int)(b->start[row] >> (16 * q + w->c.states - 1 - k) & 1u);
        run = oldest < 0 && k < step ? step - k : 1;
        if (k == step) memcpy(j->cost + 2 * q * count, w->path, count);
        w->kernels->trellis_advance(w->path, w->chosen, w->metric + (k << w->c.parities), run, oldest, &w->args);
    }
    memcpy(j->cost + (2 * q + 1) * count, w->path, count);
}

/* Into the list by rank; of paths in the same states the first in rank alone. */
static size_t hrq__rows_insert(hrq__rows_path *list, size_t n, const hrq__rows_path *p)
{
    size_t i, at = n;
    for (i = 0; i < n; i++)
        if (list[i].state == p->state) {
            if (list[i].rank <= p->rank) return n;
            memmove(list + i, list + i + 1, (--n - i) * sizeof *list);
            break;
        }
    for (at = n; at > 0 && p->rank < list[at - 1].rank;) at--;
    if (at == HRQ__ROWS_PATHS) return n;
    n = n < HRQ__ROWS_PATHS ? n + 1 : n;
    memmove(list + at + 1, list + at, (n - 1 - at) * sizeof *list);
    list[at] = *p;
    return n;
}

/* One column: every path of the list with either bit; live: columns of the step so far that have input. */
static size_t hrq__rows_column(const hrq__gptq_rows *b, hrq__rows_job *j, size_t row, size_t n, size_t col, size_t t0,
                               size_t live)
{
    const hrq__tcq_work *k = &j->search;
    const hrq__sic *s = b->s;
    size_t t = b->g->time[col], q = col % 4, i, at = t == SIZE_MAX ? 0 : t - t0, found = 0, o;
    unsigned bit, states = k->c.states, mask = (1u << states) - 1u;
    unsigned raws = col < b->g->view.mat->cols ? 1u << k->args.raw_bits : 1u; /* padding has none */
    int forced = col / 4 < states;
    float quantum = hrq__view_row_scale(&b->g->view, row) * s->unit, price = 0.0f;
    if (t != SIZE_MAX) {
        price = s->diag[t] / b->most;
        price *= price * (1.0f - s->share[t]) * (1.0f / 32768.0f);
    }
    for (i = 0; i < n; i++)
        for (bit = 0; bit < 2; bit++) {
            hrq__rows_path p = j->now[i];
            unsigned window = ((unsigned)(p.state >> 16 * q) & mask) | bit << states, parity, raw, best = 0;
            int32_t x = 0, d, least = INT32_MAX;
            if (forced && bit != (unsigned)(b->start[row] >> (16 * q + states - 1 - col / 4) & 1u)) continue;
            if (t != SIZE_MAX) {
                float y = j->y[p.from * b->times + at];
                for (o = 0; o < live; o++) y += p.e[o] * s->factor[(t - live + o) * s->n + t];
                x = hrq__rows_fixed(y * j->scale[at]);
            } else if (raws > 1 && quantum > 0.0f) {
                x = hrq__rows_fixed(b->g->w[row * b->g->ldw + col] * s->unit * (float)k->c.multiplier / quantum);
            }
            parity = hrq__tcq_parities(k, window);
            for (raw = 0; raw < raws; raw++) {
                d = x - k->levels[raw << k->c.parities | parity];
                d *= d;
                if (d < least) best = raw;
                if (d < least) least = d;
            }
            p.code[q] = (uint8_t)((window & 1u) | best << 1);
            p.level[q] = k->value[best << k->c.parities | parity];
            if (t != SIZE_MAX) p.e[live] = s->w[t * s->rows + row] - (float)p.level[q] * quantum;
            p.state = (p.state & ~((uint64_t)0xffff << 16 * q)) | (uint64_t)(window >> 1) << 16 * q;
            p.loss += price * (float)least;
            for (p.rank = 0.0f, o = 0; o < 4; o++)
                p.rank += (float)j->cost[((2 * o + (o < q)) << states) + ((p.state >> 16 * o) & mask)];
            p.rank = p.loss + b->price * p.rank;
            found = hrq__rows_insert(j->next, found, &p);
        }
    memcpy(j->now, j->next, found * sizeof *j->now);
    return found;
}

/* The errors of a step onto the targets behind it. */
static void hrq__rows_feed(const hrq__gptq_rows *b, hrq__rows_job *j, size_t n, size_t t0, size_t from, size_t to,
                           size_t end)
{
    size_t i;
    float *y = j->y;
    hrq__la_product p;
    for (i = 0; i < n; i++)
        memcpy(j->y2 + i * b->times + to - t0, y + j->now[i].from * b->times + to - t0, (end - to) * sizeof *y);
    memset(&p, 0, sizeof p);
    p.c = j->y2 + to - t0;
    p.ldc = b->times;
    p.a = j->now[0].e;
    p.a_row = sizeof *j->now / sizeof(float);
    p.a_k = 1;
    p.b = b->s->factor + from * b->s->n + to;
    p.b_row = 1;
    p.b_k = b->s->n;
    p.m = n;
    p.n = end - to;
    p.k = to - from;
    if (p.n && p.k) hrq__la_run(&p, j->pack, NULL);
    j->y = j->y2;
    j->y2 = y;
}

/* Times from which on columns below `col` stand. */
static size_t hrq__rows_time(const hrq__gptq_rows *b, size_t col)
{
    while (col > 0 && b->g->time[col - 1] == SIZE_MAX) col--;
    return col > 0 ? b->g->time[col - 1] : b->s->n;
}

/* A block of one row: its codes, levels and (in u) errors. */
static void hrq__rows_block(const hrq__gptq_rows *b, hrq__rows_job *j, size_t row)
{
    const hrq__sic *s = b->s;
    size_t t0 = hrq__rows_time(b, b->hi), end, t, to, step, q, i, n = 1, cols8 = b->g->view.lay.cols8;
    float quantum = hrq__view_row_scale(&b->g->view, row) * s->unit;
    uint8_t *code = b->code + row * cols8;
    int8_t *level = b->level + (s->rows + row) * cols8;
    end = hrq__rows_time(b, b->lo - hrq__min_size(b->lo, 4 * b->ahead));
    for (t = t0; t < end; t++) {
        float by = quantum * (1.0f - s->share[t]);
        j->y[t - t0] = s->w[t * s->rows + row] + s->u[t * s->rows + row];
        j->scale[t - t0] = by > 1e-30f ? (float)j->search.c.multiplier / by : 0.0f;
    }
    memset(j->now, 0, sizeof *j->now);
    j->now[0].state = b->state[row];
    for (step = b->hi / 4, t = t0; step-- > b->lo / 4; t = to) {
        for (q = 0; q < 4; q++) hrq__rows_ahead(b, j, row, step, q, t0);
        for (i = 0; i < n; i++) j->now[i].from = (uint8_t)i;
        for (q = 4, to = t; q-- > 0;) {
            n = hrq__rows_column(b, j, row, n, 4 * step + q, t0, to - t);
            to += b->g->time[4 * step + q] != SIZE_MAX;
        }
        hrq__rows_feed(b, j, n, t0, t, to, end);
        memcpy(j->history + (step - b->lo / 4) * HRQ__ROWS_PATHS, j->now, n * sizeof *j->now);
        for (i = n; i-- > 0;) j->now[i].loss -= j->now[0].loss;
    }
    b->state[row] = j->now[0].state;
    for (step = b->lo / 4, i = 0; step < b->hi / 4; step++) {
        const hrq__rows_path *p = j->history + (step - b->lo / 4) * HRQ__ROWS_PATHS + i;
        memcpy(code + 4 * step, p->code, 4);
        memcpy(level + 4 * step, p->level, 4);
        i = p->from;
    }
    for (i = b->lo; i < b->hi; i++)
        if ((t = b->g->time[i]) != SIZE_MAX)
            s->u[t * s->rows + row] = s->w[t * s->rows + row] - (float)level[i] * quantum;
}

static void hrq__rows_job_run(void *arg, size_t job)
{
    const hrq__gptq_rows *b = (const hrq__gptq_rows *)arg;
    size_t panel, row, rows = b->g->view.mat->rows;
    hrq__rows_job j;
    hrq__rows_open(b, job, &j);
    for (panel = job; panel < b->panels; panel += b->jobs)
        for (row = panel * HRQ_PANEL; row < rows && row < (panel + 1) * HRQ_PANEL; row++)
            if (b->hi) hrq__rows_block(b, &j, row);
            else hrq__rows_plain(b, &j, row);
}

/* A step that takes the codes as they are: the rows' loss, out of the factor. */
static void hrq__rows_loss(void *arg, hrq__sic *s, size_t t, size_t width)
{
    hrq__gptq_rows *b = (hrq__gptq_rows *)arg;
    const int8_t *level = b->level + (size_t)b->which * s->rows * b->g->view.lay.cols8 + s->column[t];
    size_t r;
    double weight = (double)(s->diag[t] / b->most), share = (double)s->share[t];
    (void)width;
    for (r = 0; r < s->rows; r++) {
        float *u = s->u + t * s->rows + r, w = s->w[t * s->rows + r];
        float value = (float)level[r * b->g->view.lay.cols8] * hrq__view_row_scale(&b->g->view, r) * s->unit;
        double e = (double)(w + *u - value);
        b->loss[(size_t)b->which * s->rows + r] += weight * weight * (e * e - share * (double)value * (double)value);
        *u = w - value;
    }
}

static hrq_status hrq__rows_run(hrq__gptq_rows *b)
{
    hrq__sic *s = b->s;
    size_t t, end, r, cols8 = b->g->view.lay.cols8;
    hrq__view v = b->g->view;
    hrq__tcq_work ours;
    hrq_status status = HRQ_OK;
    b->hi = 0;
    hrq__for(s->hooks, b->jobs, hrq__rows_job_run, b);
    if (!s->factor) return HRQ_OK;
    for (t = 0; t < s->n; t++) b->most = s->diag[t] > b->most ? s->diag[t] : b->most;
    memset(s->u, 0, s->rows * s->n * sizeof *s->u);
    for (b->hi = cols8; b->hi && status == HRQ_OK; b->hi = b->lo) {
        b->lo = b->hi - hrq__min_size(b->hi, 4 * HRQ__ROWS_STEPS);
        t = hrq__rows_time(b, b->hi);
        end = hrq__rows_time(b, b->lo);
        status = hrq__progress(s->hooks, t, s->n);
        for (b->price = 0.0f, r = t; r < end; r++)
            b->price += s->diag[r] / b->most * (s->diag[r] / b->most) * (1.0f - s->share[r]) / (float)(end - t);
        if (status == HRQ_OK) hrq__for(s->hooks, b->jobs, hrq__rows_job_run, b);
        if (status == HRQ_OK && t < end && end < s->n) hrq__sic_update(s, t, end, s->n);
    }
    if (status != HRQ_OK) return status;
    for (b->which = 0; b->which < 2; b->which++) {
        memset(s->u, 0, s->rows * s->n * sizeof *s->u);
        hrq__sic_run(s, 0, s->n, hrq__rows_loss, b);
    }
    memset(&ours, 0, sizeof ours);
    v.trellis = &ours;
    for (r = 0; r < s->rows; r++) {
        ours.code = b->code + r * cols8;
        ours.level = b->level + (s->rows + r) * cols8;
        if (b->loss[s->rows + r] < b->loss[r]) hrq__encode_codes(&v, r, b->g->w + r * b->g->ldw, NULL);
    }
    return HRQ_OK;
}

/* tcq along rows, all of it. */
static hrq_status hrq__gptq_rows_encode(hrq__gptq *g, hrq__sic *s)
{
    hrq__gptq_rows b;
    hrq_status status;
    memset(&b, 0, sizeof b);
    b.g = g;
    b.s = s;
    status = hrq__rows_memory(&b);
    if (status == HRQ_OK) status = hrq__rows_run(&b);
    hrq__release(s->hooks, b.work);
    hrq__release(s->hooks, b.code);
    hrq__release(s->hooks, b.level);
    hrq__release(s->hooks, b.start);
    hrq__release(s->hooks, b.loss);
    return status;
}

/* Copies for "+had" and "+center": rows of w less their means (stored in out's bytes), rotated; both sides of sigma
   rotated. One block of memory, NULL where there is none. */
static float *hrq__gptq_move(const hrq__view *v, const float *w, size_t ldw, const float *sigma, size_t lds,
                             const hrq_hooks *hooks)
{
    size_t rows = v->mat->rows, cols = v->mat->cols, entries, r, c, side;
    float *out, *s;
    if (!hrq__mul_size(cols, rows + (sigma ? cols : 0), &entries)) return NULL;
    out = (float *)hrq__alloc_array(hooks, entries, sizeof *out);
    if (!out) return NULL;
    for (r = 0; r < rows; r++) hrq__encode_move(v, r, w + r * ldw, out + r * cols);
    if (!sigma) return out;
    s = out + rows * cols;
    for (r = 0; r < cols; r++)
        for (c = 0; c <= r; c++) s[r * cols + c] = s[c * cols + r] = sigma[r * lds + c];
    for (side = 0; side < 2 && hrq__rotated(&v->mat->format); side++) {
        for (r = 0; r < cols; r++) hrq__hadamard_row(s + r * cols, cols, v->mat->seed, 0);
        for (r = 0; r < cols; r++)
            for (c = 0; c < r; c++) {
                float t = s[r * cols + c];
                s[r * cols + c] = s[c * cols + r];
                s[c * cols + r] = t;
            }
    }
    return out;
}

/* All columns in order of time; then those without input, and the codes of formats that store rows. */
static hrq_status hrq__gptq_run(hrq__gptq *g, hrq__sic *s)
{
    const hrq_mat *mat = g->view.mat;
    size_t rows = mat->rows, cols = mat->cols, r, c;
    const hrq__codec *codec = &hrq__codecs[g->view.codec];
    uint8_t *head = (uint8_t *)mat->data;
    for (r = 0; r < rows && !g->bands; r++) { /* columns without input keep their weights as targets */
        memcpy(g->target + r * cols, g->w + r * g->ldw, cols * sizeof(float));
        if (codec->fit) codec->fit(&g->view, r, g->w + r * g->ldw);
    }
    if (s->n) {
        memset(s->u, 0, rows * s->n * sizeof(float));
        hrq__sic_run(s, 0, s->n, hrq__gptq_step, g);
    }
    if (g->status != HRQ_OK) return g->status;
    for (r = 0; r < rows && !g->bands; r++) hrq__encode_codes(&g->view, r, g->target + r * cols, NULL);
    for (c = 0; c < cols && g->bands; c++)
        if (g->time[c] == SIZE_MAX) hrq__gptq_sequence(g, s, c, SIZE_MAX);
    if (g->bands) hrq__put64(head, hrq__column_fingerprint(g->view.steps, cols));
    return HRQ_OK;
}

/* The columns' feedback loop and the codes, into the bytes behind g->view. w and sigma are in the basis of the
   format. */
static hrq_status hrq__gptq_encode(hrq__gptq *g, const float *sigma, size_t lds, const hrq_gptq_options *options,
                                   hrq_report *report, const hrq_hooks *hooks)
{
    const hrq_mat *mat = g->view.mat;
    size_t rows = mat->rows, cols = mat->cols, i, bad_pivot = cols, entries;
    int along = g->view.codec == HRQ__CODEC_TRELLIS;
    hrq_order order = options && options->order && !along ? options->order : HRQ_ORDER_NATURAL;
    hrq__sic s;
    hrq__gptq_bands bands;
    double damping;
    hrq_status status;
    memset(&s, 0, sizeof s);
    memset(&bands, 0, sizeof bands);
    s.hooks = hooks;
    if (hrq__codecs[g->view.codec].block > 1) s.cols8 = g->view.lay.cols8;
    status = hrq__sic_damping(&damping, options ? options->damping : 0.0, options ? options->tokens : 0.0, sigma, lds,
                              cols, hooks);
    if (status == HRQ_OK)
        status = hrq__sic_open(&s, g->w, rows, cols, g->ldw, sigma, lds, order, damping,
                               options && options->filter ? hrq_format_bits(&mat->format, 4096, 4096) : 0.0,
                               &bad_pivot);
    if (report) report->bad_pivot = bad_pivot;
    if (report) report->damping = s.damping;
    if (status == HRQ_OK && g->view.codec == HRQ__CODEC_COLUMN) {
        g->bands = &bands;
        status = hrq__gptq_bands_open(&bands, g, hooks);
    } else if (status == HRQ_OK && !along && hrq__mul_size(rows, cols, &entries)) {
        g->target = (float *)hrq__alloc_array(hooks, entries, sizeof(float));
        if (!g->target) status = HRQ_ERR_NOMEM;
    }
    if (status == HRQ_OK) {
        g->time = (size_t *)hrq__alloc_array(hooks, g->view.lay.cols8, sizeof(size_t));
        if (!g->time) status = HRQ_ERR_NOMEM;
    }
    if (status == HRQ_OK) {
        for (i = 0; i < g->view.lay.cols8; i++) g->time[i] = SIZE_MAX;
        for (i = 0; i < s.n; i++) g->time[s.column[i]] = i;
        status = along ? hrq__gptq_rows_encode(g, &s) : hrq__gptq_run(g, &s);
    }
    hrq__release(hooks, g->target);
    hrq__release(hooks, g->time);
    hrq__gptq_bands_free(&bands, hooks);
    hrq__sic_free(&s);
    return status;
}

/* Everything about a finished fixed-rate matrix that the report tells. */
static hrq_status hrq__gptq_report(hrq_report *report, const hrq_mat *mat, const float *w, size_t ldw,
                                   const float *sigma, size_t lds, const hrq_hooks *hooks)
{
    size_t entries;
    float *decoded = hrq__mul_size(mat->rows, mat->cols, &entries)
                         ? (float *)hrq__alloc_array(hooks, entries, sizeof(float))
                         : NULL;
    hrq_status status;
    if (!decoded) return HRQ_ERR_NOMEM;
    report->rate = report->entropy = hrq_format_bits(&mat->format, mat->rows, mat->cols);
    status = hrq_mat_decode(mat, 0, mat->rows, decoded, mat->cols);
    if (status == HRQ_OK) status = hrq__report_fill(report, decoded, w, mat->rows, mat->cols, ldw, sigma, lds, hooks);
    hrq__release(hooks, decoded);
    return status;
}

HRQ_API hrq_status hrq_gptq(hrq_mat *out, const float *w, size_t ldw, const float *sigma, size_t lds,
                            const hrq_gptq_options *options, hrq_report *report, const hrq_hooks *hooks)
{
    hrq__gptq g;
    hrq_mat copy;
    float *rotated = NULL;
    const float *s = sigma;
    hrq_report told;
    hrq_status status;
    memset(&g, 0, sizeof g);
    status = hrq__view_open(&g.view, out);
    if (status != HRQ_OK) return status;
    if (g.view.codec == HRQ__CODEC_SIC || out->format.keep || out->format.options & HRQ__OPT_UNBIASED)
        return HRQ_ERR_UNSUPPORTED;
    if (options && ((unsigned)options->order > HRQ_ORDER_MINPIVOT || options->damping > 1.0 ||
                    options->damping != options->damping))
        return HRQ_ERR_ARG;
    status = hrq__weight_check(w, out->rows, out->cols, ldw, sigma, lds, &told);
    if (status == HRQ_OK) status = hrq__encode_check(&g.view, 0, out->rows, w, ldw);
    if (report && w) *report = told;
    if (status != HRQ_OK) return status;
    copy = *out;
    copy.data = hrq__alloc(hooks, out->bytes);
    if (!copy.data) return HRQ_ERR_NOMEM;
    memset(copy.data, 0, out->bytes);
    status = hrq__view_open(&g.view, &copy);
    g.w = w;
    g.ldw = ldw;
    if (status == HRQ_OK && hrq__moved(&out->format)) {
        rotated = hrq__gptq_move(&g.view, w, ldw, sigma, lds, hooks);
        if (!rotated) status = HRQ_ERR_NOMEM;
        g.w = rotated;
        g.ldw = out->cols;
        s = sigma && rotated ? rotated + out->rows * out->cols : NULL;
    }
    if (status == HRQ_OK) status = hrq__gptq_encode(&g, s, rotated ? out->cols : lds, options, report, hooks);
    hrq__release(hooks, rotated);
    if (status == HRQ_OK && report) status = hrq__gptq_report(report, &copy, w, ldw, sigma, lds, hooks);
    if (status == HRQ_OK) memcpy(out->data, copy.data, out->bytes);
    hrq__release(hooks, copy.data);
    return status;
}

/* ---- other inputs, other targets ---- */

enum { HRQ__RETARGET_ROWS = 16, HRQ__RETARGET_SLOTS = 8 };

typedef struct hrq__retarget {
    const hrq__sic *sic; /* factor of scale * sigma, damped, in order of column[] */
    size_t rows, cols, slots, ldw, ldc, ldr, lds;
    const float *w, *cross, *residual, *sigma;
    double scale;
    double *work;  /* [slots][n][16] */
    float *target; /* [rows][cols] out */
} hrq__retarget;

/* b = W (C - Sigma) + R of a group of rows, live columns, times scale. */
static void hrq__retarget_right(const hrq__retarget *a, double *b, size_t row0, size_t count)
{
    size_t n = a->sic->n, i, j, r;
    memset(b, 0, n * HRQ__RETARGET_ROWS * sizeof *b);
    for (r = 0; r < count && a->residual; r++)
        for (j = 0; j < n; j++)
            b[j * HRQ__RETARGET_ROWS + r] = (double)a->residual[(row0 + r) * a->ldr + a->sic->column[j]];
    for (i = 0; i < a->cols; i++) {
        double w[HRQ__RETARGET_ROWS] = {0}, off;
        for (r = 0; r < count; r++) w[r] = (double)a->w[(row0 + r) * a->ldw + i];
        for (j = 0; j < n; j++) {
            size_t c = a->sic->column[j];
            off = (double)a->cross[i * a->ldc + c] -
                  (double)(i > c ? a->sigma[i * a->lds + c] : a->sigma[c * a->lds + i]);
            for (r = 0; r < HRQ__RETARGET_ROWS; r++) b[j * HRQ__RETARGET_ROWS + r] += w[r] * off;
        }
    }
    for (i = 0; i < n * HRQ__RETARGET_ROWS; i++) b[i] *= a->scale;
}

/* b becomes (L L^T)^-1 b. */
static void hrq__retarget_solve(const hrq__retarget *a, double *b)
{
    size_t n = a->sic->n, j, k, r;
    for (j = 0; j < n; j++) {
        const float *l = a->sic->factor + j * n;
        double *to = b + j * HRQ__RETARGET_ROWS;
        for (k = 0; k < j; k++)
            for (r = 0; r < HRQ__RETARGET_ROWS; r++) to[r] -= (double)l[k] * b[k * HRQ__RETARGET_ROWS + r];
        for (r = 0; r < HRQ__RETARGET_ROWS; r++) to[r] /= (double)l[j];
    }
    for (j = n; j-- > 0;) {
        const float *l = a->sic->factor + j * n;
        double *from = b + j * HRQ__RETARGET_ROWS;
        for (r = 0; r < HRQ__RETARGET_ROWS; r++) from[r] /= (double)l[j];
        for (k = 0; k < j; k++)
            for (r = 0; r < HRQ__RETARGET_ROWS; r++) b[k * HRQ__RETARGET_ROWS + r] -= (double)l[k] * from[r];
    }
}

static void hrq__retarget_job(void *arg, size_t slot)
{
    hrq__retarget *a = (hrq__retarget *)arg;
    size_t n = a->sic->n, row0, r, j, count;
    double *b = a->work + slot * n * HRQ__RETARGET_ROWS;
    for (row0 = slot * HRQ__RETARGET_ROWS; row0 < a->rows; row0 += a->slots * HRQ__RETARGET_ROWS) {
        count = hrq__min_size(HRQ__RETARGET_ROWS, a->rows - row0);
        hrq__retarget_right(a, b, row0, count);
        hrq__retarget_solve(a, b);
        for (r = 0; r < count; r++) {
            float *to = a->target + (row0 + r) * a->cols;
            memcpy(to, a->w + (row0 + r) * a->ldw, a->cols * sizeof *to);
            for (j = 0; j < n; j++) {
                float *w = to + a->sic->column[j];
                *w = (float)((double)*w + b[j * HRQ__RETARGET_ROWS + r]);
            }
        }
    }
}

/* Memory, the factor, all rows: a->target, the caller's to release. */
static hrq_status hrq__retarget_run(hrq__retarget *a, hrq__sic *s, double damping, size_t *bad_pivot)
{
    size_t i, entries, square;
    float scale;
    hrq_status status;
    if (!hrq__mul_size(a->rows, a->cols, &entries)) return HRQ_ERR_SHAPE;
    s->column = (size_t *)hrq__alloc_array(s->hooks, a->cols, sizeof *s->column);
    if (!s->column) return HRQ_ERR_NOMEM;
    for (i = 0; i < a->cols; i++)
        if (a->sigma[i * a->lds + i] > 0.0f) s->column[s->n++] = i;
    if (!hrq__mul_size(s->n, s->n, &square)) return HRQ_ERR_SHAPE;
    a->slots = hrq__min_size(s->hooks && s->hooks->parallel_for ? HRQ__RETARGET_SLOTS : 1,
                             hrq__div_up(a->rows, HRQ__RETARGET_ROWS));
    s->factor = (float *)hrq__alloc_array(s->hooks, square + 1, sizeof(float));
    a->work = (double *)hrq__alloc_array(s->hooks, s->n + 1, a->slots * HRQ__RETARGET_ROWS * sizeof(double));
    a->target = (float *)hrq__alloc_array(s->hooks, entries, sizeof(float));
    if (!s->factor || !a->work || !a->target) return HRQ_ERR_NOMEM;
    scale = s->n ? hrq__sic_scale(s, a->sigma, a->lds) : 1.0f;
    a->scale = (double)scale;
    status = s->n ? hrq__sic_factor(s, a->sigma, a->lds, scale, HRQ_ORDER_NATURAL, damping, bad_pivot) : HRQ_OK;
    if (status != HRQ_OK) return status;
    hrq__for(s->hooks, a->slots, hrq__retarget_job, a);
    return hrq__nonfinite(a->target, a->rows, a->cols, a->cols) ? HRQ_ERR_NONFINITE : HRQ_OK;
}

HRQ_API hrq_status hrq_retarget(float *out, size_t ldo, const float *w, size_t rows, size_t cols, size_t ldw,
                                const float *cross, size_t ldc, const float *residual, size_t ldr, const float *sigma,
                                size_t lds, const hrq_gptq_options *options, size_t *bad_pivot,
                                const hrq_hooks *hooks)
{
    hrq__retarget a;
    hrq__sic s;
    hrq_report told;
    double damping;
    size_t r;
    hrq_status status;
    if (!out || !cross || !sigma) return HRQ_ERR_ARG;
    if (options && (options->damping > 1.0 || options->damping != options->damping)) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(rows, cols, ldo) || !hrq__shape_ok(cols, cols, ldc) ||
        (residual && !hrq__shape_ok(rows, cols, ldr)))
        return HRQ_ERR_SHAPE;
    status = hrq__weight_check(w, rows, cols, ldw, sigma, lds, &told);
    if (status == HRQ_OK && hrq__nonfinite(cross, cols, cols, ldc)) status = HRQ_ERR_NONFINITE;
    if (status == HRQ_OK && residual && hrq__nonfinite(residual, rows, cols, ldr)) status = HRQ_ERR_NONFINITE;
    if (status == HRQ_OK)
        status = hrq__sic_damping(&damping, options ? options->damping : 0.0, options ? options->tokens : 0.0, sigma,
                                  lds, cols, hooks);
    memset(&s, 0, sizeof s);
    memset(&a, 0, sizeof a);
    s.hooks = hooks;
    a.sic = &s;
    a.rows = rows, a.cols = cols;
    a.w = w, a.ldw = ldw, a.cross = cross, a.ldc = ldc;
    a.residual = residual, a.ldr = ldr, a.sigma = sigma, a.lds = lds;
    if (status == HRQ_OK) status = hrq__retarget_run(&a, &s, damping, &told.bad_pivot);
    if (status == HRQ_ERR_NOT_PD && bad_pivot) *bad_pivot = told.bad_pivot;
    for (r = 0; r < rows && status == HRQ_OK; r++) memcpy(out + r * ldo, a.target + r * cols, cols * sizeof *out);
    hrq__release(hooks, a.work);
    hrq__release(hooks, a.target);
    hrq__sic_free(&s);
    return status;
}

/* ---- the equalised basis ----
   header of 32 bytes: "hrqb", version u32, n u32, rotations u32, damping f64, zeros; perm u32 [n]; rotations {p u32,
   q u32, c f32, s f32}. Forward: y_i = x_perm(i), then in order (y_q, y_p) = (c y_q + s y_p, c y_p - s y_q).

   Places 0, 1, ... are filled one after the other, each by a variable whose variance, given all before, is t, the
   geometric mean of the remaining conditional eigenvalues, which that leaves as it is. Of a variable q below t and p
   above there is a rotation with variance t: (C_pp - t) x^2 + 2 C_pq x + C_qq - t = 0, x its tangent. Where all are
   above t, rotations to the principal axes of pairs bring one down first.
   C is kept as of some places ago and the columns v that were taken out of it since, so that they go in many at a
   time. */

enum { HRQ__BASIS_HEAD = 32, HRQ__BASIS_ROTATION = 16, HRQ__BASIS_HELD = 32 };

    #define HRQ__BASIS_FLOOR 1e-26 /* of the largest diagonal, 1/4 ... 1 */

typedef struct hrq__basis {
    size_t n, live, held; /* variables; not yet placed, at positions 0 ... live - 1; columns not in c yet */
    size_t rotations, most, place;
    double *c;            /* [n][n] lower triangle, by position */
    double *v;            /* [HRQ__BASIS_HELD][n]              */
    double *d, *u;        /* [n] conditional variances; a column */
    uint32_t *label, *at; /* [n] variable at a position; place of a variable */
    uint8_t *out;         /* rotations, p and q of variables */
    double log_det;       /* of what is not yet placed, base 2 */
    size_t block, members; /* 8: the places of a lattice block; those of this one that are filled */
    double *near;          /* [8][n] their columns, up to date under rotations */
} hrq__basis;

HRQ_API size_t hrq_basis_bytes(size_t n, size_t rotations)
{
    size_t bytes, more;
    if (n == 0 || (uint64_t)n >> 30) return 0;
    if (rotations == 0) rotations = 8 * n;
    if ((uint64_t)rotations >> 32 || !hrq__mul_size(rotations, HRQ__BASIS_ROTATION, &bytes)) return 0;
    if (!hrq__mul_size(n, 4, &more) || !hrq__add_size(bytes, more, &bytes)) return 0;
    return hrq__add_size(bytes, HRQ__BASIS_HEAD, &bytes) ? bytes : 0;
}

HRQ__INLINE double *hrq__basis_at(const hrq__basis *b, size_t i, size_t j)
{
    return i > j ? &b->c[i * b->n + j] : &b->c[j * b->n + i];
}

/* Entry (i, q) as it is now. */
static double hrq__basis_entry(const hrq__basis *b, size_t i, size_t q)
{
    double sum = *hrq__basis_at(b, i, q);
    size_t k;
    for (k = 0; k < b->held; k++) sum -= b->v[k * b->n + i] * b->v[k * b->n + q];
    return sum;
}

/* Column q as it is now, into u. */
static void hrq__basis_column(hrq__basis *b, size_t q)
{
    size_t i, k;
    for (i = 0; i < b->live; i++) b->u[i] = *hrq__basis_at(b, i, q);
    for (k = 0; k < b->held; k++) {
        const double *v = b->v + k * b->n;
        double factor = v[q];
        for (i = 0; i < b->live; i++) b->u[i] -= v[i] * factor;
    }
    b->u[q] = b->d[q];
}

/* The held columns into c. */
static void hrq__basis_flush(hrq__basis *b)
{
    size_t i, j, k;
    for (i = 0; i < b->live; i++) {
        double *row = b->c + i * b->n;
        for (k = 0; k < b->held; k++) {
            const double *v = b->v + k * b->n;
            double factor = v[i];
            for (j = 0; j <= i; j++) row[j] -= v[j] * factor;
        }
    }
    b->held = 0;
}

HRQ__INLINE void hrq__basis_turn(double *q, double *p, double c, double s)
{
    double was = *q;
    *q = c * was + s * *p;
    *p = c * *p - s * was;
}

/* Rotate variables at positions q and p by the tangent x: the cosine and sine are those that are stored. */
static void hrq__basis_rotate(hrq__basis *b, size_t q, size_t p, double x)
{
    uint8_t *to = b->out + b->rotations++ * HRQ__BASIS_ROTATION;
    float c32 = (float)(1.0 / sqrt(1.0 + x * x)), s32 = (float)(x / sqrt(1.0 + x * x));
    double c = (double)c32, s = (double)s32, between = hrq__basis_entry(b, p, q), dq = b->d[q], dp = b->d[p];
    size_t i;
    hrq__put32(to, b->label[p]);
    hrq__put32(to + 4, b->label[q]);
    hrq__put32(to + 8, hrq__bits_of(c32));
    hrq__put32(to + 12, hrq__bits_of(s32));
    b->d[q] = c * c * dq + 2.0 * (c * s) * between + s * s * dp;
    b->d[p] = s * s * dq - 2.0 * (c * s) * between + c * c * dp;
    dq = *hrq__basis_at(b, q, q);
    dp = *hrq__basis_at(b, p, p);
    between = *hrq__basis_at(b, p, q);
    for (i = 0; i < b->live; i++)
        if (i != p && i != q) hrq__basis_turn(hrq__basis_at(b, i, q), hrq__basis_at(b, i, p), c, s);
    *hrq__basis_at(b, q, q) = c * c * dq + 2.0 * (c * s) * between + s * s * dp;
    *hrq__basis_at(b, p, p) = s * s * dq - 2.0 * (c * s) * between + c * c * dp;
    *hrq__basis_at(b, p, q) = c * s * (dp - dq) + (c * c - s * s) * between;
    for (i = 0; i < b->held; i++) hrq__basis_turn(&b->v[i * b->n + q], &b->v[i * b->n + p], c, s);
    for (i = 0; i < b->members; i++) hrq__basis_turn(&b->near[i * b->n + q], &b->near[i * b->n + p], c, s);
}

/* The variable at position q gets the next place, and conditions the others. The last position moves into its own. */
static void hrq__basis_place(hrq__basis *b, size_t q)
{
    size_t i, k, last = b->live - 1;
    int gone = !(b->d[q] > HRQ__BASIS_FLOOR); /* rounding has left nothing of it */
    double *v, root = gone ? sqrt(HRQ__BASIS_FLOOR) : sqrt(b->d[q]);
    if (b->held == HRQ__BASIS_HELD) hrq__basis_flush(b);
    hrq__basis_column(b, q);
    v = b->v + b->held * b->n;
    for (i = 0; i < b->live; i++) {
        v[i] = gone ? 0.0 : b->u[i] / root;
        b->d[i] -= v[i] * v[i];
    }
    b->held++;
    if (b->block) memcpy(b->near + b->members++ * b->n, v, b->live * sizeof *v);
    b->log_det -= 2.0 * hrq__rans_log2(root);
    b->at[b->label[q]] = (uint32_t)b->place++;
    b->label[q] = b->label[last];
    b->d[q] = b->d[last];
    for (k = 0; k < b->held; k++) b->v[k * b->n + q] = b->v[k * b->n + last];
    for (k = 0; k < b->members; k++) b->near[k * b->n + q] = b->near[k * b->n + last];
    if (b->members == b->block) b->members = 0;
    for (i = 0; i < last; i++)
        if (i != q) *hrq__basis_at(b, i, q) = *hrq__basis_at(b, i, last);
    *hrq__basis_at(b, q, q) = *hrq__basis_at(b, last, last);
    b->live = last;
}

/* Least eigenvalue of a pair. */
HRQ__INLINE double hrq__basis_least(double dq, double dp, double between)
{
    double half = 0.5 * (dp - dq);
    return 0.5 * (dp + dq) - sqrt(half * half + between * between);
}

/* The tangent by which q's variance becomes t, or (there is none) least. */
static double hrq__basis_tangent(double dq, double dp, double between, double t)
{
    double a = dp - t, c = dq - t, root = between * between - a * c;
    if (root < 0.0) return between == 0.0 ? 0.0 : (hrq__basis_least(dq, dp, between) - dq) / between;
    root = between < 0.0 ? between - sqrt(root) : between + sqrt(root);
    return root == 0.0 ? 0.0 : -c / root;
}

/* A rotation within the pair that has the lowest eigenvalue: of the position with least variance and any other, or,
   where that gains little, of all. 0 (false): no pair gains anything. */
static int hrq__basis_lower(hrq__basis *b, size_t q, double t)
{
    size_t i, j, p = q;
    double best = b->d[q], wanted = best - 0.1 * (best - t), enough = best - 1e-3 * (best - t), least;
    hrq__basis_column(b, q);
    for (i = 0; i < b->live; i++) {
        least = i == q ? best : hrq__basis_least(b->d[q], b->d[i], b->u[i]);
        if (least < best) {
            best = least;
            p = i;
        }
    }
    if (best > wanted) {
        hrq__basis_flush(b);
        for (i = 0; i < b->live; i++)
            for (j = 0; j < i; j++) {
                least = hrq__basis_least(b->d[j], b->d[i], b->c[i * b->n + j]);
                if (least < best) {
                    best = least;
                    q = b->d[i] < b->d[j] ? i : j;
                    p = b->d[i] < b->d[j] ? j : i;
                }
            }
    }
    if (p == q || best > enough) return 0;
    hrq__basis_rotate(b, q, p, hrq__basis_tangent(b->d[q], b->d[p], hrq__basis_entry(b, p, q), t));
    return 1;
}

/* What a variable c x_q + s x_p has to do with the block's members. */
HRQ__INLINE double hrq__basis_ties(const hrq__basis *b, size_t q, size_t p, double c, double s)
{
    double sum = 0.0, tie;
    size_t k;
    for (k = 0; k < b->members; k++) {
        tie = c * b->near[k * b->n + q] + s * b->near[k * b->n + p];
        sum += tie * tie;
    }
    return sum;
}

/* A pair for the next place of a lattice block: of the position with least variance and the 8 with the least to do with
   its members, each with every other that it can reach t with. 0 (false): there is none. */
static int hrq__basis_apart(hrq__basis *b, double t, size_t *best_q, size_t *best_p)
{
    double least = 1e300, last = -1.0, ties, x, c;
    size_t turn, i, q, p, last_q = 0;
    for (turn = 0; turn <= 8; turn++) {
        double next = 1e300;
        for (i = 0, q = 0; i < b->live && turn == 0; i++)
            if (b->d[i] < b->d[q]) q = i;
        if (turn) q = b->live;
        for (i = 0; i < b->live && turn; i++) { /* the next in order of ties, then of position */
            ties = hrq__basis_ties(b, i, i, 1.0, 0.0);
            if (ties < last || (ties == last && i <= last_q) || ties >= next) continue;
            next = ties;
            q = i;
        }
        if (q == b->live) break;
        if (turn) last = next, last_q = q;
        hrq__basis_column(b, q);
        for (p = 0; p < b->live; p++) {
            double above = b->d[p] - t, own = b->d[q] - t;
            if (p == q || above <= 0.0 || b->u[p] * b->u[p] < above * own) continue;
            x = hrq__basis_tangent(b->d[q], b->d[p], b->u[p], t);
            c = 1.0 / sqrt(1.0 + x * x);
            ties = hrq__basis_ties(b, q, p, c, c * x);
            if (ties >= least) continue;
            least = ties;
            *best_q = q;
            *best_p = p;
        }
    }
    return least < 1e300;
}

/* One place. Of rotations, one is kept for each variable; of the others a place may take four times its share: the
   first need the most, and where they do not reach t, what little each leaves above it costs least. */
static void hrq__basis_next(hrq__basis *b)
{
    double t = hrq__rans_exp2(b->log_det / (double)b->live), slack = 0.01;
    size_t i, q = 0, p = 0, spare = b->rotations + b->live;
    spare = spare < b->most ? 1 + 4 * (b->most - spare) / b->live : 0;
    if (b->members && b->rotations < b->most && hrq__basis_apart(b, t, &q, &p)) {
        hrq__basis_rotate(b, q, p, hrq__basis_tangent(b->d[q], b->d[p], hrq__basis_entry(b, p, q), t));
        hrq__basis_place(b, q);
        return;
    }
    do
        for (i = 0, q = 0; i < b->live; i++)
            if (b->d[i] < b->d[q]) q = i;
    while (b->d[q] > t * (1.0 + slack) && spare-- > 0 && hrq__basis_lower(b, q, t));
    for (i = 1; i < b->live; i++)
        if (b->d[i] > b->d[p]) p = i;
    if (b->d[q] < t * (1.0 - slack) && b->d[p] > t && b->rotations < b->most)
        hrq__basis_rotate(b, q, p, hrq__basis_tangent(b->d[q], b->d[p], hrq__basis_entry(b, p, q), t));
    hrq__basis_place(b, q);
}

/* The damped sigma of the columns that have input into c, and its determinant out of the factor. */
static hrq_status hrq__basis_load(hrq__basis *b, hrq__sic *s, const float *sigma, size_t lds, double damping,
                                  size_t *bad_pivot)
{
    size_t i, j, square, bytes, n = s->n;
    float scale = hrq__sic_scale(s, sigma, lds);
    hrq_status status;
    if (!hrq__mul_size(n, n, &square)) return HRQ_ERR_SHAPE;
    s->factor = (float *)hrq__alloc_array(s->hooks, square, sizeof(float));
    if (!s->factor) return HRQ_ERR_NOMEM;
    status = hrq__sic_factor(s, sigma, lds, scale, HRQ_ORDER_NATURAL, damping, bad_pivot);
    if (status != HRQ_OK) return status;
    for (i = 0; i < n; i++) b->log_det += 2.0 * hrq__rans_log2((double)s->factor[i * n + i]);
    hrq__release(s->hooks, s->factor);
    s->factor = NULL;
    if (!hrq__mul_size(n, (10 + HRQ__BASIS_HELD) * sizeof(double) + 2 * sizeof(uint32_t), &bytes))
        return HRQ_ERR_SHAPE;
    if (!hrq__mul_size(square, sizeof(double), &square) || !hrq__add_size(bytes, square, &bytes))
        return HRQ_ERR_SHAPE;
    b->c = (double *)hrq__alloc(s->hooks, bytes);
    if (!b->c) return HRQ_ERR_NOMEM;
    b->v = b->c + n * n;
    b->near = b->v + HRQ__BASIS_HELD * n;
    b->d = b->near + 8 * n;
    b->u = b->d + n;
    b->label = (uint32_t *)(void *)(b->u + n);
    b->at = b->label + n;
    b->n = b->live = n;
    for (i = 0; i < n; i++) {
        for (j = 0; j <= i; j++) {
            double v = (double)(sigma[s->column[i] * lds + s->column[j]] * scale); /* columns ascend */
            b->c[i * n + j] = i == j ? v * (1.0 + s->damping) : v;
        }
        b->d[i] = b->c[i * n + i];
        b->label[i] = (uint32_t)i;
    }
    return HRQ_OK;
}

/* Header, permutation, and rotations by column. order: the column at a place. */
static void hrq__basis_write(hrq_basis *out, hrq__basis *b, const hrq__sic *s, const float *sigma, size_t lds,
                             size_t n, const size_t *order, uint8_t *data)
{
    union {
        double value;
        uint64_t bits;
    } damping;
    uint8_t *perm = data + HRQ__BASIS_HEAD, *p = b->out;
    size_t i;
    memset(data, 0, HRQ__BASIS_HEAD);
    memcpy(data, "hrqb", 4);
    hrq__put32(data + 4, 1);
    hrq__put32(data + 8, (uint32_t)n);
    hrq__put32(data + 12, (uint32_t)b->rotations);
    damping.value = s->damping;
    hrq__put64(data + 16, damping.bits);
    for (i = 0; i < s->n; i++) b->at[i] = (uint32_t)order[b->at[i]];
    for (i = 0; i < s->n; i++) hrq__put32(perm + 4 * b->at[i], (uint32_t)s->column[i]);
    for (i = 0; i < n; i++)
        if (!(sigma[i * lds + i] > 0.0f)) hrq__put32(perm + 4 * order[b->place++], (uint32_t)i);
    for (i = 0; i < b->rotations; i++, p += HRQ__BASIS_ROTATION) {
        hrq__put32(p, b->at[hrq__get32(p)]);
        hrq__put32(p + 4, b->at[hrq__get32(p + 4)]);
    }
    out->n = n;
    out->rotations = b->rotations;
    out->damping = s->damping;
    out->data = data;
    out->bytes = (size_t)(p - data);
}

/* Columns in the order of places: that in which GPTQ takes them, the last first. */
static hrq_status hrq__basis_order(hrq__sic *s, size_t n, int lattice, const hrq_hooks *hooks)
{
    size_t i;
    s->hooks = hooks;
    s->n = n;
    s->cols8 = hrq__div_up(n, 8) * 8;
    s->column = (size_t *)hrq__alloc_array(hooks, n, sizeof *s->column);
    if (!s->column) return HRQ_ERR_NOMEM;
    for (i = 0; i < n; i++) s->column[i] = i;
    return lattice ? hrq__sic_group(s) : HRQ_OK;
}

HRQ_API hrq_status hrq_basis_make(hrq_basis *basis, void *data, size_t capacity, const float *sigma, size_t n,
                                  size_t lds, const hrq_basis_options *options, size_t *bad_pivot,
                                  const hrq_hooks *hooks)
{
    hrq__basis b;
    hrq__sic s, places;
    hrq_status status = HRQ_OK;
    size_t i, need = hrq_basis_bytes(n, options ? options->rotations : 0), bad = n;
    double damping = options ? options->damping : 0.0, tokens = options ? options->tokens : 0.0;
    if (!basis || !data || !sigma || damping > 1.0 || damping != damping) return HRQ_ERR_ARG;
    if (!need || !hrq__shape_ok(n, n, lds)) return HRQ_ERR_SHAPE;
    if (need > capacity) return HRQ_ERR_SPACE;
    for (i = 0; i < n; i++)
        if (hrq__nonfinite(sigma + i * lds, 1, i + 1, lds)) return HRQ_ERR_NONFINITE;
    memset(&s, 0, sizeof s);
    memset(&b, 0, sizeof b);
    memset(&places, 0, sizeof places);
    s.hooks = hooks;
    s.column = (size_t *)hrq__alloc_array(hooks, n, sizeof *s.column);
    if (!s.column) return HRQ_ERR_NOMEM;
    for (i = 0; i < n; i++) {
        if (sigma[i * lds + i] > 0.0f) s.column[s.n++] = i;
        if (sigma[i * lds + i] < 0.0f && status == HRQ_OK) {
            status = HRQ_ERR_NOT_PD;
            bad = i;
        }
    }
    if (status == HRQ_OK && s.n) status = hrq__sic_damping(&damping, damping, tokens, sigma, lds, n, hooks);
    if (status == HRQ_OK && s.n) status = hrq__basis_load(&b, &s, sigma, lds, damping, &bad);
    if (status == HRQ_OK) status = hrq__basis_order(&places, n, options && options->lattice, hooks);
    if (status == HRQ_OK) {
        b.block = options && options->lattice ? 8 : 0;
        b.most = options && options->rotations ? options->rotations : 8 * n;
        b.out = (uint8_t *)data + HRQ__BASIS_HEAD + 4 * n;
        while (b.live > 0) hrq__basis_next(&b);
        hrq__basis_write(basis, &b, &s, sigma, lds, n, places.column, (uint8_t *)data);
    }
    if (status == HRQ_ERR_NOT_PD && bad_pivot) *bad_pivot = bad;
    hrq__release(hooks, b.c);
    hrq__sic_free(&s);
    hrq__release(hooks, places.column);
    return status;
}

/* What the header tells. */
HRQ_API hrq_status hrq_basis_wrap(hrq_basis *basis, const void *data, size_t bytes)
{
    const uint8_t *p = (const uint8_t *)data;
    hrq_basis b;
    union {
        double value;
        uint64_t bits;
    } damping;
    size_t need;
    if (!basis || !data) return HRQ_ERR_ARG;
    if (bytes < HRQ__BASIS_HEAD || memcmp(p, "hrqb", 4) != 0) return HRQ_ERR_DATA;
    if (hrq__get32(p + 4) != 1) return HRQ_ERR_VERSION;
    b.n = hrq__get32(p + 8);
    b.rotations = hrq__get32(p + 12);
    damping.bits = hrq__get64(p + 16);
    if (!(damping.value >= 0.0 && damping.value <= 1.0) || hrq__get64(p + 24) != 0) return HRQ_ERR_DATA;
    need = hrq_basis_bytes(b.n, b.rotations ? b.rotations : 1);
    if (need && !b.rotations) need -= HRQ__BASIS_ROTATION;
    if (!need || need > bytes) return HRQ_ERR_DATA;
    b.damping = damping.value;
    b.data = (void *)(uintptr_t)data;
    b.bytes = need;
    *basis = b;
    return HRQ_OK;
}

/* The view still agrees with the bytes, and all indices are in range. */
static int hrq__basis_legal(const hrq_basis *b)
{
    hrq_basis now;
    size_t i;
    const uint8_t *p;
    if (hrq_basis_wrap(&now, b->data, b->bytes) != HRQ_OK || now.n != b->n || now.rotations != b->rotations) return 0;
    p = (const uint8_t *)b->data + HRQ__BASIS_HEAD;
    for (i = 0; i < b->n; i++, p += 4)
        if (hrq__get32(p) >= b->n) return 0;
    for (i = 0; i < b->rotations; i++, p += HRQ__BASIS_ROTATION)
        if (hrq__get32(p) >= b->n || hrq__get32(p + 4) >= b->n || hrq__get32(p) == hrq__get32(p + 4)) return 0;
    return 1;
}

HRQ_API hrq_status hrq_basis_check(const hrq_basis *basis)
{
    enum { WINDOW = 32768 };
    uint8_t seen[WINDOW / 8];
    size_t i, from, count;
    const uint8_t *perm, *p;
    if (!basis || !basis->data) return HRQ_ERR_ARG;
    if (!hrq__basis_legal(basis)) return HRQ_ERR_DATA;
    perm = (const uint8_t *)basis->data + HRQ__BASIS_HEAD;
    for (from = 0; from < basis->n; from += WINDOW) { /* every input once: so many at a time */
        memset(seen, 0, sizeof seen);
        for (i = 0, count = 0; i < basis->n; i++) {
            size_t at = hrq__get32(perm + 4 * i) - from;
            if (at >= WINDOW || (seen[at / 8] >> at % 8 & 1u)) continue;
            seen[at / 8] = (uint8_t)(seen[at / 8] | 1u << at % 8);
            count++;
        }
        if (count != hrq__min_size(WINDOW, basis->n - from)) return HRQ_ERR_DATA;
    }
    for (i = 0, p = perm + 4 * basis->n; i < basis->rotations; i++, p += HRQ__BASIS_ROTATION) {
        float c = hrq__float_of(hrq__get32(p + 8)), s = hrq__float_of(hrq__get32(p + 12));
        if (!(fabsf(c * c + s * s - 1.0f) < 1e-6f)) return HRQ_ERR_DATA;
    }
    return HRQ_OK;
}

/* One row; inverse: the rotations back, in the places that inputs have. */
static void hrq__basis_row(const hrq_basis *b, int inverse, const float *x, float *y)
{
    const uint8_t *perm = (const uint8_t *)b->data + HRQ__BASIS_HEAD, *first = perm + 4 * b->n, *p;
    size_t i;
    for (i = 0; i < b->n && !inverse; i++) y[i] = x[hrq__get32(perm + 4 * i)];
    for (i = 0; i < b->n && inverse; i++) y[hrq__get32(perm + 4 * i)] = x[i];
    for (i = 0; i < b->rotations; i++) {
        size_t at_p, at_q;
        float c, s, was;
        p = first + (inverse ? b->rotations - 1 - i : i) * HRQ__BASIS_ROTATION;
        at_p = hrq__get32(p);
        at_q = hrq__get32(p + 4);
        c = hrq__float_of(hrq__get32(p + 8));
        s = hrq__float_of(hrq__get32(p + 12));
        if (inverse) {
            at_p = hrq__get32(perm + 4 * at_p);
            at_q = hrq__get32(perm + 4 * at_q);
            s = -s;
        }
        was = y[at_q];
        y[at_q] = c * was + s * y[at_p];
        y[at_p] = c * y[at_p] - s * was;
    }
}

/* Sixteen rows side by side, tile [n][16] in the places that inputs have: a rotation is read once and turns vectors. In
   and out by squares of 16 that a kernel transposes. */
static void hrq__basis_panel(const hrq_basis *b, int inverse, const float *x, size_t ldx, float *y, size_t ldy,
                             float *tile)
{
    enum { SIDE = HRQ_PANEL };
    const hrq__kernels *kernels = hrq__kernels_now();
    const uint8_t *perm = (const uint8_t *)b->data + HRQ__BASIS_HEAD;
    hrq__rotations by;
    float ones[SIDE], part[SIDE * SIDE], turned[SIDE * SIDE];
    size_t i, j, r, cols;
    for (r = 0; r < SIDE; r++) ones[r] = 1.0f;
    memset(part, 0, sizeof part);
    for (i = 0; i < b->n; i += cols) {
        cols = hrq__min_size(SIDE, b->n - i);
        for (r = 0; r < SIDE; r++) {
            if (cols == SIDE) memcpy(part + r * SIDE, x + r * ldx + i, SIDE * sizeof(float)); /* becomes two moves */
            else memcpy(part + r * SIDE, x + r * ldx + i, cols * sizeof(float));
        }
        kernels->scale_rows(turned, SIDE, part, SIDE, ones);
        for (j = 0; j < cols; j++) {
            size_t place = inverse ? hrq__get32(perm + 4 * (i + j)) : i + j;
            memcpy(tile + place * SIDE, turned + j * SIDE, SIDE * sizeof(float));
        }
    }
    by.first = perm + 4 * b->n;
    by.count = b->rotations;
    by.perm = perm;
    by.inverse = inverse;
    kernels->rotate(tile, &by);
    for (i = 0; i < b->n; i += cols) {
        cols = hrq__min_size(SIDE, b->n - i);
        for (j = 0; j < cols; j++) {
            size_t place = inverse ? i + j : hrq__get32(perm + 4 * (i + j));
            memcpy(part + j * SIDE, tile + place * SIDE, SIDE * sizeof(float));
        }
        kernels->scale_rows(y + i, ldy, part, cols, ones);
    }
}

/* tile NULL: one by one. */
static void hrq__basis_rows(const hrq_basis *b, int inverse, const float *x, size_t rows, size_t ldx, float *y,
                            size_t ldy, float *tile)
{
    size_t r = 0;
    if (tile) memset(tile, 0, b->n * HRQ_PANEL * sizeof(float)); /* a permutation that is none leaves places */
    for (; tile && r + HRQ_PANEL <= rows; r += HRQ_PANEL)
        hrq__basis_panel(b, inverse, x + r * ldx, ldx, y + r * ldy, ldy, tile);
    for (; r < rows; r++) hrq__basis_row(b, inverse, x + r * ldx, y + r * ldy);
}

HRQ_API hrq_status hrq_basis_apply(const hrq_basis *basis, int inverse, const float *x, size_t rows, size_t ldx,
                                   float *y, size_t ldy)
{
    float *tile;
    if (!basis || !basis->data) return HRQ_ERR_ARG;
    if (rows == 0) return HRQ_OK;
    if (!x || !y) return HRQ_ERR_ARG;
    if (!hrq__shape_ok(rows, basis->n, ldx) || !hrq__shape_ok(rows, basis->n, ldy)) return HRQ_ERR_SHAPE;
    if (!hrq__basis_legal(basis)) return HRQ_ERR_DATA;
    tile = rows < HRQ_PANEL ? NULL : (float *)hrq__alloc_array(NULL, basis->n, HRQ_PANEL * sizeof(float));
    hrq__basis_rows(basis, inverse, x, rows, ldx, y, ldy, tile);
    hrq__release(NULL, tile);
    return HRQ_OK;
}

HRQ_API hrq_status hrq_basis_cov(const hrq_basis *basis, const float *sigma, size_t lds, float *out, size_t ldo,
                                 const hrq_hooks *hooks)
{
    size_t n, i, j, r, rows;
    float *part, *tile;
    if (!basis || !basis->data || !sigma || !out) return HRQ_ERR_ARG;
    n = basis->n;
    if (!hrq__shape_ok(n, n, lds) || !hrq__shape_ok(n, n, ldo)) return HRQ_ERR_SHAPE;
    if (!hrq__basis_legal(basis)) return HRQ_ERR_DATA;
    for (i = 0; i < n; i++)
        if (hrq__nonfinite(sigma + i * lds, 1, i + 1, lds)) return HRQ_ERR_NONFINITE;
    part = (float *)hrq__alloc_array(hooks, n, 2 * HRQ_PANEL * sizeof(float));
    if (!part) return HRQ_ERR_NOMEM;
    tile = part + n * HRQ_PANEL;
    for (i = 0; i < n; i += rows) { /* (sigma P)^T */
        rows = hrq__min_size(HRQ_PANEL, n - i);
        for (r = i; r < i + rows; r++) {
            float *row = part + (r - i) * n;
            memcpy(row, sigma + r * lds, (r + 1) * sizeof(float));
            for (j = r + 1; j < n; j++) row[j] = sigma[j * lds + r];
            row[r] = (float)((double)row[r] * (1.0 + basis->damping));
        }
        hrq__basis_rows(basis, 0, part, rows, n, out + i * ldo, ldo, tile);
    }
    for (i = 0; i < n; i++)
        for (j = 0; j < i; j++) hrq__la_swap(&out[i * ldo + j], &out[j * ldo + i]);
    for (i = 0; i < n; i += rows) {
        rows = hrq__min_size(HRQ_PANEL, n - i);
        for (r = 0; r < rows; r++) memcpy(part + r * n, out + (i + r) * ldo, n * sizeof(float));
        hrq__basis_rows(basis, 0, part, rows, n, out + i * ldo, ldo, tile);
    }
    for (i = 0; i < n; i++)
        for (j = 0; j < i; j++) out[j * ldo + i] = out[i * ldo + j];
    hrq__release(hooks, part);
    return HRQ_OK;
}

/* ---- WaterSIC streams ----
   "hrqs", version u8 (2; 1 more: rows have scales, 2 more: laps), flags u8 (bits 0-2: log2 of lanes; 3-5: column steps
   an octave as log2, 7: one step for all; 6: dead columns are marked), rows u32, cols u32, CRC-32 u32 of all other
   bytes, A f32, C i16, trellis u8 (bits 0-3: log2 of states, 2 ... 8, 0: scalar grid; 4-6: l, log2 of laps; 7:
   pivoted), classes of the fields u8 (marks where flagged, steps, classes, gains), where rows have scales: class of
   these u8, their e u8; rANS states u32 [lanes], words u16. Fields of the live columns in order, scales of rows, then
   the columns' values in order, all by the coder of [14]:
     mark       1 where a column is dead, for all columns
     k          step of the column: A * 2^(k / steps an octave)
     class      minus (C - 8 k / steps an octave, held in 0 ... classes - 1)
     gain       d: the value of z is z * step * gain(class) * (1 + d / (32 max(1, sigma)))
     row        d: all values of the row times 1 + d / 2^e

   With a trellis a fourth field:
     class      of the odd states, minus that of the even ones
   Row r begins in the state in which row r - m ended, the first m in state 0: a path goes around all columns once for
   each of its rows, and what it loses by beginning in a state that nobody chose, 2.6 bits with 64 states, it loses
   once. m is rows / 2^l, rounded up to a multiple of 16; without laps all rows. Values come by laps of m rows, and
   within a lap by columns. In state s a column gives k by the model of q = s & 1, on the half grid where q is 1; its
   value is (2 k + q) * step * (1 + d / (32 max(1, sigma))) / 2, and bit i - 1 of the next state is
   s_i ^ a_i s_0 ^ b_i (k & 1), i = 1 ... log2 states, a and b the parity checks of Ungerboeck (1982, 1987), escapes no
   exception. Columns of class 0 are zeros and leave the state alone. Columns come last to first; pivoted: larger steps
   before smaller ones, then last to first. */

enum {
    HRQ__STREAM_VERSION = 2,
    HRQ__STREAM_ROWS = 1,    /* added to the version: rows have scales */
    HRQ__STREAM_LAPS = 2,    /* the same: laps */
    HRQ__STREAM_LONG = 2048, /* columns that a path should go at least, all its rows together */
    HRQ__STREAM_SHIFT = 14,  /* most of e */
    HRQ__STREAM_FIELDS = 4,
    HRQ__STREAM_CRC = 14,
    HRQ__STREAM_HEAD = 25,
    HRQ__STREAM_STEPS = 900, /* most of |k| of a step */
    HRQ__STREAM_TALL = 256,  /* rows decoded at a time */
    HRQ__STREAM_LIMIT = 8191 /* most of |k| of a value under a trellis */
};

/* What a stream says beside the values. */
typedef struct hrq__stream {
    size_t rows, cols, live, lanes;
    int octave; /* column steps an octave: 8, 4, 2, 1; 0: one step for all */
    float a;
    int c;
    unsigned log_states; /* 0: no trellis */
    int pivoted;
    unsigned log_laps; /* 0: none */
    size_t fields;
    uint8_t marks, classes[1 + HRQ__STREAM_FIELDS]; /* of the fields; [0] marks */
    size_t *column;                                 /* [live] */
    int16_t *field[HRQ__STREAM_FIELDS];             /* [live] k, class, gain, odd class, as coded */
    uint8_t *cls, *odd;                             /* [live] class of a column, of its odd states */
    float *step;                                    /* [live] value of one unit of z */
    int16_t *row;                                   /* [rows] scales as coded; NULL: all 1 */
    uint8_t row_class, row_shift;
} hrq__stream;

static void hrq__stream_free(hrq__stream *s, const hrq_hooks *hooks)
{
    hrq__release(hooks, s->column);
    hrq__release(hooks, s->row);
}

static float hrq__stream_row(const hrq__stream *s, size_t row)
{
    return s->row ? 1.0f + (float)s->row[row] / (float)((int32_t)1 << s->row_shift) : 1.0f;
}

/* One block for the arrays of up to `live` columns; 0 (false): no memory. */
static int hrq__stream_alloc(hrq__stream *s, size_t live, const hrq_hooks *hooks)
{
    size_t i, each = sizeof(size_t) + sizeof(float) + HRQ__STREAM_FIELDS * sizeof(int16_t) + 2;
    uint8_t *p = (uint8_t *)hrq__alloc_array(hooks, live + 1, each);
    s->column = (size_t *)(void *)p;
    if (!p) return 0;
    s->step = (float *)(void *)(p + (live + 1) * sizeof(size_t));
    for (i = 0; i < HRQ__STREAM_FIELDS; i++) s->field[i] = (int16_t *)(void *)(s->step + live + 1) + i * (live + 1);
    s->cls = (uint8_t *)(s->field[HRQ__STREAM_FIELDS - 1] + live + 1);
    s->odd = s->cls + live + 1;
    return 1;
}

/* Rows of a lap: all but the last have so many. */
static size_t hrq__stream_lap(const hrq__stream *s)
{
    size_t lap = hrq__div_up(hrq__div_up(s->rows, (size_t)1 << s->log_laps), HRQ__PATH_ROWS) * HRQ__PATH_ROWS;
    return s->log_laps ? lap : s->rows;
}

static int hrq__stream_predict(const hrq__stream *s, int k)
{
    return (int)hrq__clampi(s->c - (s->octave ? k * (8 / s->octave) : 0), 0, HRQ__RANS_CLASSES - 1);
}

/* Step of a column before its gain; exact everywhere. */
static double hrq__stream_alpha(const hrq__stream *s, int k)
{
    return (double)s->a *
           hrq__rans_exp2(s->octave ? (double)hrq__clampi(k, -HRQ__STREAM_STEPS, HRQ__STREAM_STEPS) / s->octave
                                    : 0.0);
}

static double hrq__stream_gain_unit(unsigned cls)
{
    double sigma = hrq__rans_sigma(cls) * (double)((uint64_t)1 << hrq__rans_shift(cls));
    return 1.0 / (32.0 * (sigma > 1.0 ? sigma : 1.0));
}

/* What a stream's version has beyond the first. */
static unsigned hrq__stream_more(const uint8_t *p) { return p[4] - (unsigned)HRQ__STREAM_VERSION; }

/* Shape of a stream; the words behind it are all there. */
static hrq_status hrq__stream_head(const uint8_t *p, size_t bytes, size_t *rows, size_t *cols)
{
    size_t all;
    if (bytes < HRQ__STREAM_HEAD || memcmp(p, "hrqs", 4) != 0) return HRQ_ERR_DATA;
    if (hrq__stream_more(p) > HRQ__STREAM_ROWS + HRQ__STREAM_LAPS) return HRQ_ERR_VERSION;
    *rows = hrq__get32(p + 6);
    *cols = hrq__get32(p + 10);
    return *rows && *cols && hrq__mul_size(*rows, *cols, &all) && all <= SIZE_MAX / 8 ? HRQ_OK : HRQ_ERR_DATA;
}

/* Columns in the order in which the trellis meets them: by falling steps where pivoted, then last to first. */
static void hrq__stream_order(const hrq__stream *s, size_t *order)
{
    size_t from[2 * HRQ__STREAM_STEPS + 2], j;
    memset(from, 0, sizeof from);
    for (j = 0; j < s->live; j++) from[s->pivoted ? HRQ__STREAM_STEPS - s->field[0][j] + 1 : 1]++;
    for (j = 1; j < 2 * HRQ__STREAM_STEPS + 2; j++) from[j] += from[j - 1];
    for (j = s->live; j-- > 0;) order[from[s->pivoted ? HRQ__STREAM_STEPS - s->field[0][j] : 0]++] = j;
}

/* Parity checks of the trellis of 2^log_states states, bit 0 cut off: what s & 1 and k & 1 change in s >> 1. */
static const uint8_t hrq__stream_parity[7][2] = {{02, 01},   {05, 02},    {011, 02},   {022, 04},
                                                 {041, 012}, {0116, 053}, {0246, 0171}};

static uint32_t hrq__stream_crc(const uint8_t *p, size_t bytes)
{
    return hrq__crc32(hrq__crc32(0, p, HRQ__STREAM_CRC), p + HRQ__STREAM_CRC + 4, bytes - HRQ__STREAM_CRC - 4);
}

/* ---- reading ---- */

/* Fields of a stream whose checksum holds: columns, classes, steps. The coder stands at the first column's values. */
static hrq_status hrq__stream_fields(hrq__stream *s, hrq__rans_reader *rd, int16_t *marks)
{
    size_t i, j;
    if (s->marks) {
        hrq__rans_get_plain(rd, s->classes[0], marks, s->cols);
        for (i = 0, j = 0; i < s->cols; i++) {
            if (marks[i] != 0 && marks[i] != 1) return HRQ_ERR_DATA;
            if (!marks[i]) s->column[j++] = i;
        }
        s->live = j;
    } else {
        for (i = 0; i < s->cols; i++) s->column[i] = i;
        s->live = s->cols;
    }
    for (i = 0; i < s->fields; i++) hrq__rans_get_plain(rd, s->classes[1 + i], s->field[i], s->live);
    if (s->row) hrq__rans_get_plain(rd, s->row_class, s->row, s->rows);
    if (rd->coder.bad) return HRQ_ERR_DATA;
    for (j = 0; j < s->live; j++) {
        int k = s->field[0][j], cls = hrq__stream_predict(s, k) + s->field[1][j], odd = cls;
        double step;
        if (s->log_states) odd += s->field[3][j];
        if (cls < 0 || cls >= HRQ__RANS_CLASSES || k < -HRQ__STREAM_STEPS || k > HRQ__STREAM_STEPS)
            return HRQ_ERR_DATA;
        if (odd < (cls > 0) || odd >= HRQ__RANS_CLASSES) return HRQ_ERR_DATA;
        s->cls[j] = (uint8_t)cls;
        s->odd[j] = (uint8_t)odd;
        step = hrq__stream_alpha(s, k) * ((s->log_states ? 0.5 : hrq__rans_reader_gain(rd, (unsigned)cls)) *
                                          (1.0 + s->field[2][j] * hrq__stream_gain_unit((unsigned)cls)));
        s->step[j] = (float)step;
        if (!hrq__finite(s->step[j])) return HRQ_ERR_DATA;
    }
    return HRQ_OK;
}

/* Header of a stream: everything before the coder's states. Returns their offset, 0 with *status set. */
static size_t hrq__stream_open(hrq__stream *s, const uint8_t *p, size_t bytes, hrq_status *status)
{
    size_t at = HRQ__STREAM_HEAD, i, classes, scales;
    unsigned flags;
    memset(s, 0, sizeof *s);
    *status = hrq__stream_head(p, bytes, &s->rows, &s->cols);
    if (*status == HRQ_OK && hrq__get32(p + HRQ__STREAM_CRC) != hrq__stream_crc(p, bytes)) *status = HRQ_ERR_CHECKSUM;
    if (*status != HRQ_OK) return 0;
    *status = HRQ_ERR_DATA;
    flags = p[5];
    s->lanes = (size_t)1 << (flags & 7);
    s->octave = flags & 128 ? 0 : 1 << (flags >> 3 & 7);
    s->marks = (flags & 64) != 0;
    s->a = hrq__float_of(hrq__get32(p + 18));
    s->c = (int16_t)hrq__get16(p + 22);
    s->log_states = p[24] & 15u;
    s->log_laps = p[24] >> 4 & 7;
    s->pivoted = p[24] >> 7;
    s->fields = s->log_states ? 4 : 3;
    if (s->log_states == 1 || s->log_states > 8 || ((s->pivoted || s->log_laps) && !s->log_states)) return 0;
    if (!s->log_laps != !(hrq__stream_more(p) & HRQ__STREAM_LAPS)) return 0;
    classes = s->fields + (s->marks ? 1 : 0);
    if (s->lanes > 64 || s->octave > 8 || (flags & 128 && flags & 56) || !hrq__finite(s->a) || s->a < 0.0f) return 0;
    scales = hrq__stream_more(p) & HRQ__STREAM_ROWS ? 2 : 0;
    if (bytes - at < classes + scales + 4 * s->lanes) return 0;
    for (i = 0; i < classes; i++) {
        s->classes[1 + s->fields - classes + i] = p[at + i];
        if (p[at + i] >= HRQ__RANS_CLASSES) return 0;
    }
    at += classes;
    if (scales) {
        s->row_class = p[at];
        s->row_shift = p[at + 1];
        if (s->row_class >= HRQ__RANS_CLASSES || s->row_shift > HRQ__STREAM_SHIFT) return 0;
    }
    *status = HRQ_OK;
    return at + scales;
}

/* All values, z [live][rows]. */
static hrq_status hrq__stream_values(const hrq__stream *s, hrq__rans_reader *rd, int16_t *z, const hrq_hooks *hooks)
{
    size_t i, r, lap = hrq__stream_lap(s), bytes;
    size_t *order = NULL;
    uint8_t *state;
    if (s->log_states) {
        if (!hrq__mul_size(s->live + 1, sizeof *order, &bytes)) return HRQ_ERR_NOMEM;
        if (!hrq__add_size(bytes, lap, &bytes)) return HRQ_ERR_NOMEM;
        order = (size_t *)hrq__alloc(hooks, bytes);
        if (!order) return HRQ_ERR_NOMEM;
        state = (uint8_t *)(order + s->live + 1);
        memset(state, 0, lap);
        hrq__stream_order(s, order);
        for (r = 0; r < s->rows; r += lap)
            for (i = 0; i < s->live; i++) {
                unsigned cls[2] = {s->cls[order[i]], s->odd[order[i]]};
                hrq__rans_get_column(rd, cls, hrq__stream_parity[s->log_states - 2], HRQ__STREAM_LIMIT, state,
                                     z + order[i] * s->rows + r, hrq__min_size(lap, s->rows - r));
            }
        hrq__release(hooks, order);
    } else {
        for (i = 0; i < s->live; i++) hrq__rans_get_plain(rd, s->cls[i], z + i * s->rows, s->rows);
    }
    return rd->coder.bad ? HRQ_ERR_DATA : HRQ_OK;
}

/* The whole stream: s, and z [live][rows]. Both must be freed on HRQ_OK; on an error nothing is left. A coder that
   does not end where it began, with every word used, was not written by the encoder. */
static hrq_status hrq__stream_load(hrq__stream *s, int16_t **z, const void *stream, size_t bytes,
                                   const hrq_hooks *hooks)
{
    const uint8_t *p = (const uint8_t *)stream;
    hrq__rans_reader *rd;
    size_t at, lane;
    int16_t *marks;
    hrq_status status;
    if (!stream) return HRQ_ERR_ARG;
    at = hrq__stream_open(s, p, bytes, &status);
    if (!at) return status;
    for (lane = 0; lane < s->lanes; lane++)
        if (hrq__get32(p + at + 4 * lane) < 0x10000u) return HRQ_ERR_DATA;
    rd = (hrq__rans_reader *)hrq__alloc(hooks, sizeof *rd);
    if (!rd) return HRQ_ERR_NOMEM;
    hrq__rans_reader_init(rd, s->lanes, p + at, p + bytes);
    *z = NULL;
    marks = (int16_t *)hrq__alloc_array(hooks, s->cols, sizeof *marks);
    status = marks && hrq__stream_alloc(s, s->cols, hooks) ? HRQ_OK : HRQ_ERR_NOMEM;
    if (hrq__stream_more(p) & HRQ__STREAM_ROWS) {
        s->row = (int16_t *)hrq__alloc_array(hooks, s->rows, sizeof *s->row);
        if (!s->row) status = HRQ_ERR_NOMEM;
    }
    if (status == HRQ_OK) status = hrq__stream_fields(s, rd, marks);
    hrq__release(hooks, marks);
    if (status == HRQ_OK) *z = (int16_t *)hrq__alloc_array(hooks, s->live * s->rows, sizeof **z);
    if (status == HRQ_OK && !*z) status = HRQ_ERR_NOMEM;
    if (status == HRQ_OK) status = hrq__stream_values(s, rd, *z, hooks);
    for (lane = 0; lane < s->lanes; lane++)
        if (status == HRQ_OK && rd->coder.state[lane] != 0x10000u) status = HRQ_ERR_DATA;
    if (status == HRQ_OK && rd->coder.at != rd->coder.bound) status = HRQ_ERR_DATA;
    hrq__release(hooks, rd);
    if (status == HRQ_OK) return HRQ_OK;
    hrq__release(hooks, *z);
    hrq__stream_free(s, hooks);
    return status;
}

/* ---- paths: the search of a trellis along the rows ----
   List Viterbi search with feedback of its own for every path ("survivor"): N = states * list of them, the best `list`
   into each state. A path costs

       sum over its columns of (L_tt (u_t - What_t) / c)^2 + slope * bits(k | q)

   where u_t has the errors of its own columns fed back. It goes on from row to row of its laps; errors do not. Columns
   go in blocks of 16, those of a row after those of the row before. Within a block feedback is added as
   a path goes; that of the blocks before, `reach` - 1 of them, comes at its start, once for all paths that share what
   they have there (mostly all: paths of a row meet a few columns back). What lies further back is decided by the best
   path, and the paths that disagree with it die: feedback from decided columns is the same for all paths of a row.
   Costs are integers, in 1 / 4096.
   Sources: list Viterbi: Seshadri and Sundberg, IEEE Trans. Comm. 42 (1994); per-survivor feedback: Raheli et al.,
   IEEE Trans. Comm. 43 (1995); entropy-coded trellis with a union quantizer: Fischer and Wang, IEEE Trans. IT 38
   (1992). */

enum {
    HRQ__PATH_AHEAD = 32, /* most blocks that a path feeds, its own with them: 8 lose 0.003 to 0.008 bit */
    HRQ__PATH_AFTER = 2,  /* blocks that a gain is made for beyond its own */
    HRQ__PATH_FLOOR = -3, /* log2 of the rms of u in steps below which a column is zeros */
    HRQ__PATH_UNIT = 4096,
    HRQ__PATH_SLOTS = 8 /* groups of rows that may run at a time */
};

    #define HRQ__PATH_MEMORY ((size_t)1 << 27) /* of a slot's rings: decides bytes */
    #define HRQ__PATH_SLOPE 0.08 /* c^2 a bit: 2 ln 2 D where D = c^2 / 17, a trellis at high rate */

/* Memory of one group of rows. Cells are [N][rows]; rings hold the last `reach` blocks. */
typedef struct hrq__path_slot {
    int32_t *metric; /* [cells] */
    int32_t *work;   /* [4][cells] of path_column */
    float *base;     /* [rows][16] feedback from decided columns */
    float *onto[2];  /* [cells][16] feedback onto a block, before and after a column */
    float *w;        /* [16][rows] of a block */
    float *target;   /* ring [16][cells] u by the path before */
    int32_t *link;   /* ring [16][cells] of path_column */
    float *error;    /* ring [16][cells] by the path at the end of the block */
    int32_t *root;   /* ring [cells] its cell at the start of the block */
    int32_t *id;     /* ring [cells] cells at the end of a block that paths go on from */
    int32_t *from;   /* [cells] */
    uint8_t *seen;   /* [cells] */
} hrq__path_slot;

typedef struct hrq__path {
    hrq__sic *sic; /* u becomes the errors */
    int16_t *z;    /* [time][rows] 2 k + q out */
    size_t lap;    /* rows of a lap */
    size_t blocks; /* of a row */
    float *aim;    /* [time][rows] u out */
    float *factor; /* for each block 16 columns of sic's, [rows up to its last][16] above the diagonal, or NULL */
    const hrq__kernels *kernels;
    unsigned log_states;
    size_t list, cells, reach;
    double slope;             /* cost of a bit, in c^2 */
    hrq__path_column *column; /* [time] */
    float *value;             /* [time] their values */
    float *own;               /* [time][q] costs like `cost` of a column alone, or NULL */
    uint8_t source[256][2];   /* the states that lead to a state, by k & 1 */
    float cost[2][HRQ__RANS_DIRECT + 9][2 * HRQ__PATH_REACH + 1]
              [4]; /* by q; class, those with a shift last; symbol */
    hrq__path_slot slot[HRQ__PATH_SLOTS];
    size_t slots;
    int borrowed; /* the slots' memory */
} hrq__path;

/* The next part of a block of memory; with base NULL only `at` moves. */
static void *hrq__path_cut(uint8_t *base, size_t *at, size_t bytes)
{
    void *part = base ? base + *at : NULL;
    *at += (bytes + 63) / 64 * 64;
    return part;
}

/* A slot in a block of memory, and its size. */
static size_t hrq__path_lay(const hrq__path *p, hrq__path_slot *m, uint8_t *base)
{
    size_t cells = p->cells, wide = 4 * HRQ__PATH_BLOCK * cells, at = 0, i;
    m->metric = (int32_t *)hrq__path_cut(base, &at, 4 * cells);
    m->work = (int32_t *)hrq__path_cut(base, &at, 16 * cells);
    m->base = (float *)hrq__path_cut(base, &at, 4 * HRQ__PATH_CELLS);
    for (i = 0; i < 2; i++) m->onto[i] = (float *)hrq__path_cut(base, &at, wide);
    m->w = (float *)hrq__path_cut(base, &at, 4 * HRQ__PATH_CELLS);
    m->target = (float *)hrq__path_cut(base, &at, wide * p->reach);
    m->link = (int32_t *)hrq__path_cut(base, &at, wide * p->reach);
    m->error = (float *)hrq__path_cut(base, &at, wide * p->reach);
    m->root = (int32_t *)hrq__path_cut(base, &at, 4 * cells * p->reach);
    m->id = (int32_t *)hrq__path_cut(base, &at, 4 * cells * p->reach);
    m->from = (int32_t *)hrq__path_cut(base, &at, 4 * cells);
    m->seen = (uint8_t *)hrq__path_cut(base, &at, cells);
    return at;
}

/* The place of a block in a ring. */
static size_t hrq__path_ring(const hrq__path *p, size_t block) { return block % p->reach * p->cells; }

/* Where a block's columns of the factor begin; its own square is the last before the next block's. */
static size_t hrq__path_edge(size_t block) { return block * (block + 1) / 2 * HRQ__PATH_CELLS; }

/* Of each row's cell at the end of `block`: that at the end of block `done`. */
static void hrq__path_back(const hrq__path *p, const hrq__path_slot *m, size_t block, size_t done,
                           int32_t cell[HRQ__PATH_ROWS])
{
    size_t b, r;
    for (b = block; b > done; b--)
        for (r = 0; r < HRQ__PATH_ROWS; r++) cell[r] = m->root[hrq__path_ring(p, b) + (size_t)cell[r]];
}

/* Columns of block `done` by the best path at the end of `block`, which is alive; the paths that disagree die. */
static void hrq__path_decide(const hrq__path *p, hrq__path_slot *m, size_t row0, size_t block, size_t done)
{
    size_t cells = p->cells, r, s, j, rows = p->sic->rows, t0 = done % p->blocks * HRQ__PATH_BLOCK;
    int32_t best[HRQ__PATH_ROWS], cell[HRQ__PATH_ROWS];
    for (r = 0; r < HRQ__PATH_ROWS; r++) best[r] = (int32_t)r;
    for (s = HRQ__PATH_ROWS; s < cells; s += HRQ__PATH_ROWS)
        for (r = 0; r < HRQ__PATH_ROWS; r++)
            if (m->metric[s + r] < m->metric[best[r]]) best[r] = (int32_t)(s + r);
    hrq__path_back(p, m, block, done, best);
    for (s = 0; s < cells; s += HRQ__PATH_ROWS) {
        for (r = 0; r < HRQ__PATH_ROWS; r++) cell[r] = (int32_t)(s + r);
        hrq__path_back(p, m, block, done, cell);
        for (r = 0; r < HRQ__PATH_ROWS; r++)
            if (cell[r] != best[r]) m->metric[s + r] = HRQ__PATH_DEAD;
    }
    row0 += done / p->blocks * p->lap;
    for (j = hrq__min_size(HRQ__PATH_BLOCK, p->sic->n - t0); j-- > 0;)
        for (r = 0; r < HRQ__PATH_ROWS && row0 + r < rows; r++) {
            size_t to = (t0 + j) * rows + row0 + r, ring = hrq__path_ring(p, done) * HRQ__PATH_BLOCK + j * cells;
            int32_t link = m->link[ring + (size_t)best[r]], parent = link & 32767;
            best[r] = parent * HRQ__PATH_ROWS + (int32_t)r;
            p->z[to] = (int16_t)((link - parent) / 65536);
            p->aim[to] = m->target[ring + (size_t)best[r]];
            p->sic->u[to] = p->sic->w[to] - (float)p->z[to] * p->column[t0 + j].value;
        }
}

/* Feedback onto `block` of all that is before it in its row, blocks from `done` on by path: onto[0]. */
static void hrq__path_start(const hrq__path *p, hrq__path_slot *m, size_t row, size_t block, size_t done)
{
    size_t cells = p->cells, n = cells, i, b, counts[HRQ__PATH_AHEAD], first = block - block % p->blocks;
    const float *factor = p->factor ? p->factor + hrq__path_edge(block - first) : NULL;
    memset(m->base, 0, HRQ__PATH_CELLS * sizeof(float));
    for (i = 0; i < HRQ__PATH_ROWS; i++) m->from[i] = (int32_t)i;
    if (p->factor && done > first)
        p->kernels->path_feed(m->base, m->base, m->from, m->from, hrq__min_size(HRQ__PATH_ROWS, p->sic->rows - row),
                              p->sic->u + row, p->sic->rows, factor, (done - first) * HRQ__PATH_BLOCK);
    done = done > first ? done : first;
    if (!p->factor || done == block) {
        for (i = 0; i < cells; i++)
            memcpy(m->onto[0] + i * HRQ__PATH_BLOCK, m->base + i % HRQ__PATH_ROWS * HRQ__PATH_BLOCK,
                   HRQ__PATH_BLOCK * sizeof(float));
        return;
    }
    for (b = block; b-- > done; n = counts[b - done]) { /* the cells that are met on the way back */
        int32_t *id = m->id + hrq__path_ring(p, b), *later = m->id + hrq__path_ring(p, b + 1);
        const int32_t *root = m->root + hrq__path_ring(p, b + 1);
        size_t count = 0;
        memset(m->seen, 0, cells);
        for (i = 0; i < n; i++) {
            int32_t to = b + 1 == block ? (int32_t)i : root[later[i]];
            id[count] = to;
            count += !m->seen[to];
            m->seen[to] = 1;
        }
        counts[b - done] = count;
    }
    for (b = done; b < block; b++) {
        const int32_t *id = m->id + hrq__path_ring(p, b), *root = m->root + hrq__path_ring(p, b);
        for (i = 0; i < counts[b - done]; i++) m->from[i] = b == done ? id[i] % HRQ__PATH_ROWS : root[id[i]];
        p->kernels->path_feed(m->onto[(block - 1 - b) & 1], b == done ? m->base : m->onto[(block - b) & 1], id,
                              m->from, counts[b - done], m->error + hrq__path_ring(p, b) * HRQ__PATH_BLOCK, cells,
                              factor + (b - first) * HRQ__PATH_CELLS, HRQ__PATH_BLOCK);
    }
}

/* A group of a lap's rows and of those that follow them, all columns. Where there are fewer the last is searched again,
   and not kept. */
static void hrq__path_rows(const hrq__path *p, hrq__path_slot *m, size_t row0)
{
    static const float none[HRQ__PATH_BLOCK] = {0};
    const hrq__sic *sic = p->sic;
    size_t n = sic->n, j, i, r, done = 0, block, row;
    hrq__path_args a;
    memset(&a, 0, sizeof a);
    a.source = p->source;
    a.states = (size_t)1 << p->log_states;
    a.list = p->list;
    a.metric = m->metric;
    a.work = m->work;
    for (i = 0; i < p->cells; i++) m->metric[i] = i < HRQ__PATH_ROWS ? 0 : HRQ__PATH_DEAD;
    for (block = 0; (row = row0 + block / p->blocks * p->lap) < sic->rows; block++) {
        size_t t0 = block % p->blocks * HRQ__PATH_BLOCK, width = hrq__min_size(HRQ__PATH_BLOCK, n - t0);
        size_t ring = hrq__path_ring(p, block), edge = hrq__path_edge(block % p->blocks + 1) - HRQ__PATH_CELLS;
        if (block >= p->reach) hrq__path_decide(p, m, row0, block - 1, done++);
        hrq__path_start(p, m, row, block, done);
        for (j = 0; j < width; j++) {
            for (r = 0; r < HRQ__PATH_ROWS; r++)
                m->w[j * HRQ__PATH_ROWS + r] = sic->w[(t0 + j) * sic->rows + hrq__min_size(row + r, sic->rows - 1)];
            a.col = p->column + t0 + j;
            a.j = j;
            a.w = m->w + j * HRQ__PATH_ROWS;
            a.edge = p->factor ? p->factor + edge + j * HRQ__PATH_BLOCK : none;
            a.before = m->onto[j & 1];
            a.after = m->onto[~j & 1];
            a.target = m->target + ring * HRQ__PATH_BLOCK + j * p->cells;
            a.link = m->link + ring * HRQ__PATH_BLOCK + j * p->cells;
            p->kernels->path_column(&a);
        }
        p->kernels->path_trace(m->error + ring * HRQ__PATH_BLOCK, m->root + ring, m->link + ring * HRQ__PATH_BLOCK,
                               m->w, p->value + t0, p->cells, width);
    }
    for (; done < block; done++) hrq__path_decide(p, m, row0, block - 1, done);
}

static void hrq__path_job(void *arg, size_t index)
{
    hrq__path *p = (hrq__path *)arg;
    size_t row0;
    for (row0 = index * HRQ__PATH_ROWS; row0 < p->lap; row0 += p->slots * HRQ__PATH_ROWS)
        hrq__path_rows(p, p->slot + index, row0);
}

/* The factor's columns of each block, one block behind the other: again whenever the factor has changed. */
static void hrq__path_factor(hrq__path *p)
{
    size_t n = p->sic->n, t0, k, c;
    float *to = p->factor;
    for (t0 = 0; t0 < n && to; t0 += HRQ__PATH_BLOCK)
        for (k = 0; k < t0 + HRQ__PATH_BLOCK; k++)
            for (c = t0; c < t0 + HRQ__PATH_BLOCK; c++) *to++ = k < c && c < n ? p->sic->factor[k * n + c] : 0.0f;
}

/* Everything that does not change from pass to pass; freed with hrq__path_close, also after an error. A
   lender, which does not run meanwhile, has the same columns and at least as many rows: its slots are taken. */
static hrq_status hrq__path_open(hrq__path *p, hrq__sic *sic, int16_t *z, unsigned log_states, size_t list, size_t lap,
                                 const hrq__path *lender)
{
    const uint8_t *parity = hrq__stream_parity[log_states - 2];
    size_t blocks = hrq__div_up(sic->n, HRQ__PATH_BLOCK), i, bytes;
    unsigned s;
    memset(p, 0, sizeof *p);
    p->sic = sic;
    p->z = z;
    p->kernels = hrq__kernels_now();
    p->log_states = log_states;
    p->list = list;
    p->lap = lap;
    p->blocks = blocks;
    p->cells = (list << log_states) * HRQ__PATH_ROWS;
    p->reach = HRQ__PATH_MEMORY / (p->cells * (3 * HRQ__PATH_BLOCK + 2) * sizeof(float));
    p->reach = hrq__min_size(hrq__min_size(p->reach, HRQ__PATH_AHEAD), blocks * hrq__div_up(sic->rows, lap));
    if (lender) p->reach = lender->reach; /* its rings */
    p->slope = HRQ__PATH_SLOPE;
    for (s = 0; s < 1u << log_states; s++)
        for (i = 0; i < 2; i++) p->source[hrq__stream_next(parity, s, (unsigned)i)][i] = (uint8_t)s;
    p->column = (hrq__path_column *)hrq__alloc_array(sic->hooks, sic->n, sizeof *p->column);
    p->value = (float *)hrq__alloc_array(sic->hooks, sic->n, sizeof *p->value);
    p->aim = (float *)hrq__alloc_array(sic->hooks, sic->n * sic->rows, sizeof *p->aim);
    if (sic->level)
        p->own = (float *)hrq__alloc_array(sic->hooks, sic->n, 2 * sizeof p->cost[0][0]);
    if (sic->factor)
        p->factor = (float *)hrq__alloc_array(sic->hooks, hrq__path_edge(blocks), sizeof(float));
    if (!p->column || !p->value || !p->aim) return HRQ_ERR_NOMEM;
    if (!p->factor != !sic->factor || !p->own != !sic->level) return HRQ_ERR_NOMEM;
    hrq__path_factor(p);
    bytes = hrq__path_lay(p, &p->slot[0], NULL);
    p->slots = sic->hooks && sic->hooks->parallel_for ? HRQ__PATH_SLOTS : 1;
    p->slots = hrq__min_size(lender ? lender->slots : p->slots, hrq__div_up(lap, HRQ__PATH_ROWS));
    p->borrowed = lender != NULL;
    for (i = 0; i < p->slots; i++) {
        uint8_t *block = lender ? (uint8_t *)lender->slot[i].metric : (uint8_t *)hrq__alloc(sic->hooks, bytes);
        if (!block) return HRQ_ERR_NOMEM;
        hrq__path_lay(p, &p->slot[i], block);
    }
    return HRQ_OK;
}

static void hrq__path_close(hrq__path *p, const hrq_hooks *hooks)
{
    size_t i;
    for (i = 0; p && !p->borrowed && i < HRQ__PATH_SLOTS; i++) hrq__release(hooks, p->slot[i].metric);
    if (p) hrq__release(hooks, p->column);
    if (p) hrq__release(hooks, p->value);
    if (p) hrq__release(hooks, p->own);
    if (p) hrq__release(hooks, p->factor);
    if (p) hrq__release(hooks, p->aim);
    hrq__release(hooks, p);
}

/* ---- writing ---- */

    #define HRQ__CLIPPED 1e18 /* bits of a pass whose integers do not fit */

/* The encoder's state: one pass of the feedback loop at one A gives z, the classes and gains, and their cost. */
typedef struct hrq__watersic {
    hrq__sic sic;
    hrq__stream s;
    int16_t *z;    /* [time][rows]                     */
    size_t *place; /* [time] index of its column in s  */
    size_t *when;  /* [index] time of a column of s    */
    hrq__rans_costs costs;
    hrq__rans_histogram histogram;
    hrq__rans_models models;
    double gains[HRQ__RANS_CLASSES];
    hrq__path *path; /* NULL: scalar grid */
    unsigned list;   /* of path */
    double *model;   /* [time][4] with a trellis: classes of a column at step 1, its gain, log2 of the rms of u */
    int16_t *part;   /* [rows] */
    float *ahead;    /* [16][rows] */
    double loss;     /* of the pass, with a trellis: sum of (L e)^2 */
    int frozen;      /* classes and gains stay */
    int settled;     /* classes and gains are those of a sample at about this rate */
    double log_rms;  /* of W, filtered, log2 */
    double bits;     /* ideal length of the values */
    double energy;   /* sum of z^2 of the pass */
    int clipped;     /* an integer would not fit: the step is too small for this W */
    int silent;      /* W is all zeros where it has input */
} hrq__watersic;

/* One column to integers, v = u / step, with sums <v, z> and <z, z>. At a place among the classes
   (0: none) each may stop one short of
   the nearest, towards zero, where that lowers (v - gain z)^2 - share (gain z)^2 + bits(z) / 10: a dead zone, 0.02 bit
   at 1 bit. */
static void hrq__watersic_round(hrq__watersic *x, size_t t, float norm, double place, double gain, double *uz,
                                double *zz)
{
    size_t r, rows = x->sic.rows;
    const float *w = x->sic.w + t * rows, *u = x->sic.u + t * rows;
    float least[HRQ__RANS_K + 1]; /* where z begins; code lengths between two classes, so that rates have no jumps */
    unsigned cls = (unsigned)place;
    int32_t k, most = cls ? (int32_t)(4.0 * hrq__rans_sigma(cls) + 1.5) : 0;
    double part = 1.0 - (double)x->sic.share[t];
    for (k = 1; k <= most; k++) {
        const uint32_t *low = x->costs.value[0][cls] + k, *high = x->costs.value[0][cls + 1] + k;
        double here = (double)low[0] - (double)low[-1], above = (double)high[0] - (double)high[-1];
        least[k] = (float)(part * gain * (k - 0.5) + 0.05 / 65536.0 * (here + (place - cls) * (above - here)) / gain);
    }
    *uz = *zz = 0.0;
    for (r = 0; r < rows; r++) {
        float v = (w[r] + u[r]) * norm, a = fabsf(v);
        if (!(a <= (float)HRQ__RANS_LIMIT)) {
            x->clipped = 1;
            a = (float)HRQ__RANS_LIMIT;
        }
        k = hrq__round(a);
        if (k > 0 && k <= most && a < least[k]) k--;
        x->z[t * rows + r] = (int16_t)(v < 0.0f ? -k : k);
        *uz += (double)a * k;
        *zz += (double)k * k;
    }
}

/* One column: round, choose the class, find the gain, feed the error on. */
static void hrq__watersic_step(void *arg, hrq__sic *sic, size_t t, size_t width)
{
    hrq__watersic *x = (hrq__watersic *)arg;
    hrq__stream *s = &x->s;
    size_t r, rows = sic->rows, j = x->place[t];
    float *u = sic->u + t * rows, value;
    const float *w = sic->w + t * rows;
    const int16_t *z = x->z + t * rows;
    double alpha = hrq__stream_alpha(s, s->field[0][j]) * (double)sic->unit, uz = 0.0, zz = 0.0, cost = 0.0, gain,
           unit;
    int d = 0, turn;
    (void)width;
    for (turn = 0; turn < 2; turn++) {
        double place = turn == 0 ? 0.0 : hrq__rans_place(zz / (double)rows);
        if (turn && !(zz > 0.0 && place < 33.0)) break; /* 33: sigma 2, no dead zone above */
        hrq__watersic_round(x, t, alpha > 1e-37 ? (float)(1.0 / alpha) : 1e37f, place < 0.0 ? 0.0 : place,
                            turn ? uz / zz : 1.0, &uz, &zz);
        uz /= 1.0 - (double)sic->share[t];
        hrq__rans_count(&x->histogram, z, rows);
        s->cls[j] =
            (uint8_t)hrq__rans_choose(&x->costs, &x->histogram, hrq__stream_predict(s, s->field[0][j]), &cost);
    }
    x->bits += cost / 65536.0;
    x->energy += zz;
    gain = x->gains[s->cls[j]];
    unit = hrq__stream_gain_unit(s->cls[j]);
    /* the measured gain where it saves the bits that say so: off by g it costs g^2 zz steps^2 on rows / 12 */
    if (zz > 0.0) {
        double off = uz / zz - gain,
               saved = 0.5 * (double)rows * hrq__rans_log2(1.0 + 12.0 * off * off * zz / (double)rows);
        if (saved > 4.0) d = (int)hrq__round(hrq__clampf((float)(off / gain / unit), -30.0f, 30.0f));
    }
    s->field[2][j] = (int16_t)d;
    s->step[j] = (float)(hrq__stream_alpha(s, s->field[0][j]) * (gain * (1.0 + d * unit)));
    value = s->step[j] * sic->unit;
    for (r = 0; r < rows; r++) u[r] = w[r] - (float)z[r] * value;
}

/* The mean of the classes' distances from what their steps say. */
static void hrq__watersic_center(hrq__watersic *x)
{
    hrq__stream *s = &x->s;
    double sum = 0.0, alive = 0.0;
    size_t j;
    for (j = 0; j < s->live; j++)
        if (s->cls[j]) {
            sum += s->cls[j] + (s->octave ? s->field[0][j] * (8 / s->octave) : 0);
            alive += 1.0;
        }
    s->c = alive > 0.0 ? (int)hrq__round((float)(sum / alive)) : 0;
    for (j = 0; j < s->live; j++) s->field[1][j] = (int16_t)(s->cls[j] - hrq__stream_predict(s, s->field[0][j]));
}

/* Classes of the fields, and what they cost in bits. */
static double hrq__watersic_fields(hrq__watersic *x, const int16_t *marks)
{
    hrq__stream *s = &x->s;
    double bits = 0.0, cost;
    size_t i;
    hrq__watersic_center(x);
    if (s->marks && marks) {
        hrq__rans_count(&x->histogram, marks, s->cols);
        s->classes[0] = (uint8_t)hrq__rans_choose(&x->costs, &x->histogram, -1, &cost);
        bits += cost / 65536.0;
    }
    for (i = 0; i < s->fields && s->live; i++) {
        hrq__rans_count(&x->histogram, s->field[i], s->live);
        s->classes[1 + i] = (uint8_t)hrq__rans_choose(&x->costs, &x->histogram, -1, &cost);
        bits += cost / 65536.0;
    }
    return bits;
}

/* A column's own costs of its values, less what the metric has, share of their square. That grows without end where the
   code's own price does not: no further than 3 times their rms. */
static void hrq__watersic_prices(hrq__watersic *x, size_t t)
{
    enum { COUNT = 4 * (2 * HRQ__PATH_REACH + 1) };
    hrq__path_column *col = x->path->column + t;
    float *own = x->path->own + 2 * COUNT * t, least = 0.0f;
    int q, i;
    if (col->shift[0] || col->shift[1]) return; /* large values: the share is next to nothing */
    for (q = 0; q < 2; q++) {
        const float *price = &col->cost[q][-HRQ__PATH_REACH][0];
        double most = 3.0 * hrq__rans_sigma(q ? x->s.odd[x->place[t]] : x->s.cls[x->place[t]]) + 1.5;
        for (i = 0; i < COUNT; i++) {
            double k = fabs(i / 4 + i % 4 - HRQ__PATH_REACH - 1 + 0.5 * q);
            k = k < most ? k : most;
            own[q * COUNT + i] = price[i] - (float)((double)(col->weight * x->sic.share[t]) * (k * k));
            least = own[q * COUNT + i] < least ? own[q * COUNT + i] : least;
        }
        col->cost[q] = (const float(*)[4])(own + q * COUNT) + HRQ__PATH_REACH;
    }
    for (i = 0; i < 2 * COUNT; i++) own[i] -= least; /* the same for all paths */
}

/* Columns of the search from what the last pass found. */
static void hrq__watersic_columns(hrq__watersic *x)
{
    hrq__stream *s = &x->s;
    double middle = 0.0, off;
    size_t t, n = x->sic.n;
    for (t = 0; t < n; t++)
        middle += hrq__rans_log2(x->sic.diag[t]) + hrq__rans_log2(hrq__stream_alpha(s, s->field[0][x->place[t]]));
    for (t = 0; t < n; t++) {
        hrq__path_column *col = x->path->column + t;
        const double *model = x->model + 4 * t;
        size_t j = x->place[t];
        double alpha = hrq__stream_alpha(s, s->field[0][j]), log_alpha = hrq__rans_log2(alpha), unit;
        int q, zero = x->frozen ? col->zero : model[3] - log_alpha < (double)HRQ__PATH_FLOOR;
        memset(col, 0, sizeof *col);
        col->zero = zero;
        off = hrq__rans_exp2(hrq__rans_log2(x->sic.diag[t]) + log_alpha - middle / (double)n);
        for (q = 0; q < 2; q++) {
            double at = model[q] - 8.0 * log_alpha + 0.5;
            unsigned cls = at < 1.0 ? 1 : at < HRQ__RANS_CLASSES - 1 ? (unsigned)at : HRQ__RANS_CLASSES - 1;
            *(q ? &s->odd[j] : &s->cls[j]) = (uint8_t)(col->zero ? 0 : cls);
            col->shift[q] = hrq__rans_shift(cls);
            if (col->shift[q]) cls -= 8 * (col->shift[q] - 1);
            col->cost[q] = (const float(*)[4])x->path->cost[q][cls] + HRQ__PATH_REACH;
        }
        unit = hrq__stream_gain_unit(s->cls[j]);
        s->field[2][j] =
            (int16_t)(col->zero ? 0 : hrq__round(hrq__clampf((float)((model[2] - 1.0) / unit), -30.0f, 30.0f)));
        x->model[4 * t + 2] = 1.0 + s->field[2][j] * unit;
        s->step[j] = (float)(alpha * (0.5 * (1.0 + s->field[2][j] * unit)));
        col->value = s->step[j] * x->sic.unit;
        x->path->value[t] = col->value;
        col->inverse = col->value > 1e-37f ? 0.5f / col->value : 1e37f;
        off *= 1.0 + s->field[2][j] * unit;
        col->weight = (float)(off * off * (double)HRQ__PATH_UNIT);
        if (x->sic.level && !col->zero) hrq__watersic_prices(x, t);
    }
}

/* What the search made of a column: its code length, and the classes and the gain for the next pass. The stream keeps
   those that the search had. */
static void hrq__watersic_weigh(hrq__watersic *x, size_t t)
{
    hrq__stream *s = &x->s;
    size_t r, rows = s->rows, j = x->place[t], count;
    const int16_t *z = x->z + t * rows;
    float *aim = x->path->aim + t * rows, value = x->path->column[t].value;
    double *model = x->model + 4 * t, uu = 0.0, zz = 0.0, ee = 0.0, cost, log_alpha;
    int q, cls = hrq__stream_predict(s, s->field[0][j]), clipped = 0;
    log_alpha = hrq__rans_log2(hrq__stream_alpha(s, s->field[0][j]));
    for (r = 0; r < rows; r++) {
        double v = z[r], u = aim[r], e = u - v * (double)value;
        uu += u * u;
        zz += v * v;
        ee += e * e;
        aim[r] = (float)e;
        if (fabs(u) * (double)x->path->column[t].inverse > (double)HRQ__STREAM_LIMIT - 4.0) clipped = 1;
    }
    x->energy += zz;
    x->loss += (ee - (double)x->sic.share[t] * zz * (double)value * (double)value) * (double)x->sic.diag[t] *
               (double)x->sic.diag[t];
    if (!x->frozen) model[3] = 0.5 * hrq__rans_log2(uu / (double)rows) - hrq__rans_log2(x->sic.unit);
    if (x->path->column[t].zero) return;
    x->clipped |= clipped;
    for (q = 0; q < 2; q++) {
        for (r = count = 0; r < rows; r++)
            if ((z[r] & 1) == q) {
                int k = (z[r] - q) / 2;
                x->part[count++] = (int16_t)(k < 0 ? -k - q : k);
            }
        hrq__rans_count(&x->histogram, x->part, count);
        x->histogram.half = q;
        x->bits += hrq__rans_cost(&x->costs, &x->histogram, q ? s->odd[j] : s->cls[j]) / 65536.0;
        if (count && (q || x->histogram.square > 0.0))
            cls = (int)hrq__rans_choose(&x->costs, &x->histogram, cls, &cost);
        else cls = q ? cls : 1;
        if (!x->frozen) model[q] = cls + 8.0 * log_alpha;
    }
}

/* Gains for the next pass. With r_s = u_s - What_s the loss is sum (L_ss r_s)^2, and a gain of column t also moves the
   u of later columns: its derivative is -2 <x_t, sum_(s >= t) L_st / L_ss L_ss^2 r_s>, x = 2 k + q. In a loop without
   search the terms beyond the first vanish (r_s is independent of what came before); a search chooses x_t for them. Far
   away they are little but noise: with 32 blocks two levels of variance, rotated, lose 0.06 bit at 1 bit. Of the square
   of What the metric has `share` too much. */
static void hrq__watersic_gains(hrq__watersic *x)
{
    size_t n = x->sic.n, rows = x->s.rows, t0, t, i, k, r;
    double middle = 0.0;
    for (t = 0; t < n; t++) middle += hrq__rans_log2(x->sic.diag[t]) / (double)n;
    for (t = 0; t < n; t++) {
        float square = (float)hrq__rans_exp2(2.0 * (hrq__rans_log2(x->sic.diag[t]) - middle));
        for (r = 0; r < rows; r++) x->path->aim[t * rows + r] *= square;
    }
    for (t0 = 0; t0 < n; t0 += HRQ__PATH_BLOCK) {
        size_t width = hrq__min_size(HRQ__PATH_BLOCK, n - t0), t1 = t0 + width;
        hrq__la_product p;
        memset(&p, 0, sizeof p);
        memset(x->ahead, 0, HRQ__PATH_BLOCK * rows * sizeof(float));
        p.c = x->ahead;
        p.ldc = rows;
        p.a = x->sic.factor + t0 * n + t1;
        p.a_row = n;
        p.a_k = 1;
        p.b = x->path->aim + t1 * rows;
        p.b_row = 1;
        p.b_k = rows;
        p.m = width;
        p.n = rows;
        p.k = hrq__min_size(n - t1, (size_t)HRQ__PATH_AFTER * HRQ__PATH_BLOCK);
        if (x->sic.factor && p.k) hrq__la_run(&p, x->sic.pack, x->sic.hooks);
        for (i = 0; i < width; i++) {
            const int16_t *z = x->z + (t0 + i) * rows;
            float *sum = x->ahead + i * rows;
            double xr = 0.0, xx = 0.0, *gain = x->model + 4 * (t0 + i) + 2, square;
            for (k = i + 1; k < width && x->sic.factor; k++)
                for (r = 0; r < rows; r++)
                    sum[r] += x->sic.factor[(t0 + i) * n + t0 + k] * x->path->aim[(t0 + k) * rows + r];
            for (r = 0; r < rows; r++) {
                xr += (double)z[r] * ((double)sum[r] + (double)x->path->aim[(t0 + i) * rows + r]);
                xx += (double)z[r] * (double)z[r];
            }
            square = hrq__rans_exp2(2.0 * (hrq__rans_log2(x->sic.diag[t0 + i]) - middle));
            if (xx > 0.0) {
                double share = x->sic.share[t0 + i];
                *gain *= 1.0 + (xr / (square * xx * (double)x->path->column[t0 + i].value) + share) / (1.0 - share);
            }
        }
    }
}

/* One search of the trellis at s->a. */
static void hrq__watersic_walk(hrq__watersic *x)
{
    size_t t, n = x->sic.n;
    hrq__watersic_columns(x);
    hrq__for(x->sic.hooks, x->path->slots, hrq__path_job, x->path);
    x->loss = 0.0;
    for (t = 0; t < x->s.rows && x->sic.rest; t++) x->loss += x->sic.rest[t];
    for (t = 0; t < n; t++) hrq__watersic_weigh(x, t);
    if (!x->frozen && !x->clipped) hrq__watersic_gains(x);
    for (t = 0; t < n; t++) {
        size_t j = x->place[t];
        x->s.field[3][j] = (int16_t)(x->s.odd[j] - x->s.cls[j]);
    }
}

/* The feedback loop at s->a; returns the ideal length of the stream in bits, headers too: endless where W does not
   fit the integers, so that the search takes larger steps. */
static double hrq__watersic_pass(hrq__watersic *x, const int16_t *marks)
{
    x->bits = x->energy = 0.0;
    x->clipped = 0;
    if (x->s.live && x->path) {
        hrq__watersic_walk(x);
    } else if (x->s.live) {
        memset(x->sic.u, 0, x->sic.rows * x->sic.n * sizeof(float));
        hrq__sic_run(&x->sic, 0, x->sic.n, hrq__watersic_step, x);
    }
    return (x->clipped ? HRQ__CLIPPED : 0.0) + x->bits + hrq__watersic_fields(x, marks) +
           8.0 * (double)(HRQ__STREAM_HEAD + x->s.fields) + 32.0 * (double)x->s.lanes;
}

/* Values of all columns, the last first. */
static void hrq__watersic_put(hrq__watersic *x, hrq__rans *coder)
{
    const hrq__stream *s = &x->s;
    size_t lap = hrq__stream_lap(s), from = hrq__div_up(s->rows, lap) * lap, i, j, r;
    hrq__rans_model m[2];
    while (from) {
        from -= lap;
        for (i = s->live; i-- > 0;) { /* with a trellis in order of time, else by column */
            const int16_t *z;
            j = s->log_states ? x->place[i] : i;
            z = x->z + x->when[j] * s->rows + from;
            hrq__rans_models_get(&x->models, &m[0], s->cls[j], 0);
            hrq__rans_models_get(&x->models, &m[1], s->log_states ? s->odd[j] : 0, 1);
            if (!s->log_states) hrq__rans_put_column(coder, &m[0], z, s->rows);
            else
                for (r = hrq__min_size(lap, s->rows - from); r-- > 0 && s->cls[j];)
                    hrq__rans_put_value(coder, &m[z[r] & 1], r & (coder->lanes - 1), (z[r] - (z[r] & 1)) / 2);
        }
    }
}

/* A stream of the last pass into out[capacity]; 0: it does not fit. */
static size_t hrq__watersic_write(hrq__watersic *x, const int16_t *marks, uint8_t *out, size_t capacity)
{
    hrq__stream *s = &x->s;
    hrq__rans coder;
    hrq__rans_model m;
    size_t head = HRQ__STREAM_HEAD, i, lane, words;
    unsigned log_lanes = hrq__bits_for(s->lanes);
    if (capacity < HRQ__STREAM_HEAD + 7 + 4 * s->lanes) return 0;
    memcpy(out, "hrqs", 4);
    out[4] = (uint8_t)(HRQ__STREAM_VERSION + (s->row ? HRQ__STREAM_ROWS : 0) + (s->log_laps ? HRQ__STREAM_LAPS : 0));
    out[5] =
        (uint8_t)(log_lanes | (s->octave ? (hrq__bits_for((uint64_t)s->octave) << 3) : 128) | (s->marks ? 64 : 0));
    hrq__put32(out + 6, (uint32_t)s->rows);
    hrq__put32(out + 10, (uint32_t)s->cols);
    hrq__put32(out + 18, hrq__bits_of(s->a));
    hrq__put16(out + 22, (uint16_t)s->c);
    out[24] = (uint8_t)(s->log_states | s->log_laps << 4 | (s->pivoted ? 128u : 0u));
    for (i = s->marks ? 0 : 1; i < 1 + s->fields; i++) out[head++] = s->classes[i];
    if (s->row) {
        out[head++] = s->row_class;
        out[head++] = s->row_shift;
    }
    memset(&coder, 0, sizeof coder);
    coder.lanes = s->lanes;
    coder.bound = out + head + 4 * s->lanes;
    coder.at = out + capacity;
    for (lane = 0; lane < s->lanes; lane++) coder.state[lane] = 0x10000u;
    hrq__watersic_put(x, &coder);
    if (s->row) {
        hrq__rans_models_get(&x->models, &m, s->row_class, 0);
        hrq__rans_put_column(&coder, &m, s->row, s->rows);
    }
    for (i = s->fields; i-- > 0;) {
        hrq__rans_models_get(&x->models, &m, s->classes[1 + i], 0);
        hrq__rans_put_column(&coder, &m, s->field[i], s->live);
    }
    if (s->marks) {
        hrq__rans_models_get(&x->models, &m, s->classes[0], 0);
        hrq__rans_put_column(&coder, &m, marks, s->cols);
    }
    if (coder.bad) return 0;
    for (lane = 0; lane < s->lanes; lane++) hrq__put32(out + head + 4 * lane, coder.state[lane]);
    head += 4 * s->lanes;
    words = (size_t)(out + capacity - coder.at);
    memmove(out + head, coder.at, words);
    hrq__put32(out + HRQ__STREAM_CRC, hrq__stream_crc(out, head + words));
    return head + words;
}

/* Steps an octave: the finest grid whose side information is worth it. A grid of 1/G octave leaves the steps off c
   / L by up to 2^(1/2G): the loss is 1/2 log2(AM/GM) of what is off. */
static void hrq__watersic_grid(hrq__watersic *x)
{
    static const int grids[5] = {8, 4, 2, 1, 0};
    hrq__stream *s = &x->s;
    size_t t, i, n = x->sic.n;
    double best = 0.0, cost, middle = 0.0;
    int chosen = 0;
    for (t = 0; t < n; t++) middle += hrq__rans_log2(x->sic.diag[t]);
    middle = n ? middle / (double)n : 0.0;
    for (i = 0; i <= 5; i++) { /* the last turn sets the winner */
        double square = 0.0, log_sum = 0.0, total;
        s->octave = i < 5 ? grids[i] : chosen;
        for (t = 0; t < n; t++) {
            double wanted = middle - hrq__rans_log2(x->sic.diag[t]), off;
            int k = s->octave ? (int)hrq__round((float)(wanted * s->octave)) : 0;
            s->field[0][x->place[t]] = (int16_t)hrq__clampi(k, -HRQ__STREAM_STEPS, HRQ__STREAM_STEPS);
            off = (s->octave ? (double)k / s->octave : 0.0) - wanted;
            square += hrq__rans_exp2(2.0 * off);
            log_sum += off;
        }
        if (i == 5 || n == 0) break;
        hrq__rans_count(&x->histogram, s->field[0], n);
        hrq__rans_choose(&x->costs, &x->histogram, -1, &cost);
        total = (double)n * (0.5 * hrq__rans_log2(square / (double)n) - log_sum / (double)n) * (double)s->rows +
                cost / 65536.0;
        if (i == 0 || total < best) {
            best = total;
            chosen = s->octave;
        }
    }
}

/* What a trellis needs beside; room for the search from that of another encoder, or NULL. */
static hrq_status hrq__watersic_trellis(hrq__watersic *x, const hrq__path *lender)
{
    const hrq_hooks *hooks = x->sic.hooks;
    size_t t, n = x->sic.n;
    unsigned cls;
    int q, i;
    hrq_status status;
    x->path = (hrq__path *)hrq__alloc(hooks, sizeof *x->path);
    if (!x->path) return HRQ_ERR_NOMEM;
    status = hrq__path_open(x->path, &x->sic, x->z, x->s.log_states, x->list, hrq__stream_lap(&x->s), lender);
    x->model = (double *)hrq__alloc_array(hooks, n, 4 * sizeof *x->model);
    x->part = (int16_t *)hrq__alloc_array(hooks, x->s.rows, sizeof *x->part);
    x->ahead = (float *)hrq__alloc_array(hooks, x->s.rows, HRQ__PATH_BLOCK * sizeof *x->ahead);
    if (status != HRQ_OK || !x->model || !x->part || !x->ahead) return HRQ_ERR_NOMEM;
    for (t = 0; t < n; t++) {
        x->model[4 * t] = x->model[4 * t + 1] = 25.0 + 8.0 * x->log_rms;
        x->model[4 * t + 2] = 1.0;
        x->model[4 * t + 3] = x->log_rms;
    }
    for (q = 0; q < 2; q++)
        for (cls = 1; cls <= HRQ__RANS_DIRECT + 8; cls++) {
            unsigned direct = cls > HRQ__RANS_DIRECT ? cls - 8 : cls; /* with a shift neighbours are one symbol */
            for (i = 0; i < 4 * (2 * HRQ__PATH_REACH + 1); i++)
                x->path->cost[q][cls][i / 4][i % 4] =
                    (float)(x->path->slope * (double)HRQ__PATH_UNIT / 65536.0 *
                            hrq__rans_price(&x->costs, direct, q && cls == direct,
                                            i / 4 - HRQ__PATH_REACH + (cls == direct ? i % 4 - 1 : 0)));
        }
    return HRQ_OK;
}

/* Memory and order of one encoder; a sample of the rows has an encoder of its own that shares the factor. */
static hrq_status hrq__watersic_open(hrq__watersic *x, size_t rows, size_t cols, const hrq__path *lender)
{
    const hrq_hooks *hooks = x->sic.hooks;
    hrq__stream *s = &x->s;
    size_t t, i, n = x->sic.n, entries;
    double energy = 0.0;
    uint8_t *live;
    unsigned cls;
    s->rows = rows;
    s->cols = cols;
    s->live = n;
    s->marks = n < cols;
    s->lanes = hrq__rans_lanes(rows * n);
    if (!hrq__stream_alloc(s, n, hooks)) return HRQ_ERR_NOMEM;
    if (!hrq__mul_size(rows, n, &entries)) return HRQ_ERR_SHAPE;
    x->z = (int16_t *)hrq__alloc_array(hooks, entries, sizeof *x->z);
    x->place = (size_t *)hrq__alloc_array(hooks, n, 2 * sizeof *x->place);
    live = (uint8_t *)hrq__alloc(hooks, cols);
    if (!x->z || !x->place || !live) {
        hrq__release(hooks, live);
        return HRQ_ERR_NOMEM;
    }
    x->when = x->place + n;
    memset(live, 0, cols);
    for (t = 0; t < n; t++) live[x->sic.column[t]] = 1;
    for (i = 0, t = 0; i < cols; i++)
        if (live[i]) s->column[t++] = i;
    hrq__release(hooks, live);
    for (t = 0; t < n; t++) { /* index of column[t] among the live ones, by bisection */
        size_t lo = 0, hi = n;
        while (hi - lo > 1) {
            size_t mid = lo + (hi - lo) / 2;
            if (s->column[mid] <= x->sic.column[t]) lo = mid;
            else hi = mid;
        }
        x->place[t] = lo;
        x->when[lo] = t;
    }
    x->histogram.most = HRQ__RANS_LIMIT; /* count clears all that the last one may have left */
    hrq__rans_costs_make(&x->costs);
    for (cls = 0; cls < HRQ__RANS_CLASSES; cls++) x->gains[cls] = hrq__rans_gain(cls);
    for (i = 0; i < entries; i++) energy += (double)x->sic.w[i] * (double)x->sic.w[i];
    x->silent = energy == 0.0;
    if (energy > 0.0) x->log_rms = 0.5 * hrq__rans_log2(energy / (double)entries) - hrq__rans_log2(x->sic.unit);
    hrq__watersic_grid(x);
    s->fields = s->log_states ? 4 : 3;
    return s->log_states ? hrq__watersic_trellis(x, lender) : HRQ_OK;
}

/* Columns in the order in which a decoder finds them by their steps: pivoted, but for ties. */
static hrq_status hrq__watersic_resort(hrq__watersic *x, const float *w, size_t ldw, const float *sigma, size_t lds,
                                       size_t *bad_pivot)
{
    size_t t, n = x->sic.n;
    float scale = hrq__sic_scale(&x->sic, sigma, lds);
    hrq_status status;
    hrq__stream_order(&x->s, x->place);
    for (t = 0; t < n; t++) {
        x->when[x->place[t]] = t;
        x->sic.column[n - 1 - t] = x->s.column[x->place[t]];
    }
    status = hrq__sic_factor(&x->sic, sigma, lds, scale, HRQ_ORDER_NATURAL,
                             x->sic.damping > 0.0 ? x->sic.damping : -1.0, bad_pivot);
    if (status != HRQ_OK) return status;
    hrq__sic_turn(&x->sic, scale);
    hrq__sic_load(&x->sic, w, ldw);
    if (x->sic.level) hrq__sic_filter(&x->sic);
    if (x->path) hrq__path_factor(x->path);
    return HRQ_OK;
}

static void hrq__watersic_close(hrq__watersic *x, int shared)
{
    if (shared) { /* of another encoder */
        x->sic.column = NULL;
        x->sic.factor = NULL;
        x->sic.diag = NULL;
        x->sic.level = NULL;
        x->sic.share = NULL;
        x->sic.pack = NULL;
    }
    hrq__release(x->sic.hooks, x->z);
    hrq__release(x->sic.hooks, x->place);
    hrq__release(x->sic.hooks, x->model);
    hrq__release(x->sic.hooks, x->part);
    hrq__release(x->sic.hooks, x->ahead);
    hrq__path_close(x->path, x->sic.hooks);
    hrq__stream_free(&x->s, x->sic.hooks);
    hrq__sic_free(&x->sic);
}

/* log2 of the A that gives about this rate at high rate, where u is like W: the entropy of u / step, averaged. */
static double hrq__watersic_start(const hrq__watersic *x, double rate)
{
    double log_step = 0.0;
    size_t j;
    for (j = 0; j < x->s.live && x->s.octave; j++) log_step += (double)x->s.field[0][j] / x->s.octave;
    /* 2.047...: 1/2 log2(2 pi e) */
    return x->log_rms + 2.047095585180641 - rate - (x->s.live ? log_step / (double)x->s.live : 0.0);
}

/* A for the next pass, and the center of the classes that goes with it: 8 classes an octave. */
static void hrq__watersic_set(hrq__watersic *x, double log_a)
{
    x->s.a = (float)hrq__rans_exp2(log_a);
    x->s.c = (int)hrq__clampi(hrq__round((float)(8.0 * (x->log_rms - log_a))) + 25, -2000, 2000);
}

/* The search for A on a grid of 1/512 octave: bits an entry fall as it grows, by 1 an octave at high rate, less
   below. */
typedef struct hrq__watersic_quest {
    double target;   /* bits                                  */
    long lo, hi, at; /* lo: too many bits; hi: fits           */
    double at_lo, at_hi; /* the same as log2 A: a trellis     */
    double lo_bits, hi_bits;
    int have_lo, have_hi;
} hrq__watersic_quest;

static long hrq__watersic_next(hrq__watersic_quest *q, double bits, double entries)
{
    double least = entries / 512.0 / 50.0, slope = entries / 512.0, step; /* bits a grid point; both ends: by those */
    long next;
    if (bits > q->target) { /* again on one side: by the last two, at low rates it is far less than 1 */
        if (q->have_lo && q->lo_bits < HRQ__CLIPPED) slope = (q->lo_bits - bits) / (double)(q->at - q->lo);
        q->have_lo = 1;
        q->lo = q->at;
        q->lo_bits = bits;
    } else {
        if (q->have_hi) slope = (bits - q->hi_bits) / (double)(q->hi - q->at);
        q->have_hi = 1;
        q->hi = q->at;
        q->hi_bits = bits;
    }
    if (!(slope < entries / 512.0)) slope = entries / 512.0;
    if (q->have_lo && q->have_hi && q->lo_bits < HRQ__CLIPPED)
        slope = (q->lo_bits - q->hi_bits) / (double)(q->hi - q->lo);
    if (slope < least) slope = least;
    step = (bits - (q->target - 0.001 * entries)) / slope;
    step = step > 2048.0 ? 2048.0 : step < -2048.0 ? -2048.0 : step;
    next = q->at + (long)(step > 0 ? step + 0.999 : step - 0.999);
    if (q->have_lo && next <= q->lo) next = q->have_hi ? q->lo + (q->hi - q->lo + 1) / 2 : q->lo + 1;
    if (q->have_hi && next >= q->hi) next = q->have_lo ? q->hi - (q->hi - q->lo + 1) / 2 : q->hi - 1;
    return next;
}

/* A new encoder in the place of a closed one: columns in order, sigma factored with the damping of the options as it
   is. Closed by the caller, on errors too. */
static hrq_status hrq__watersic_begin(hrq__watersic *x, const float *w, size_t rows, size_t cols, size_t ldw,
                                      const float *sigma, size_t lds, const hrq_watersic_options *options,
                                      hrq_order order, size_t *bad_pivot)
{
    const hrq_hooks *hooks = x->sic.hooks;
    size_t i, live = 0;
    double rate;
    hrq_status status;
    memset(x, 0, sizeof *x);
    x->sic.hooks = hooks;
    for (i = 0; i < cols && sigma; i++) live += sigma[i * lds + i] > 0.0f;
    rate = live ? options->rate * (double)cols / (double)live : 0.0; /* of the columns that have input */
    if (rate < (options->states > 1 ? 0.25 : 0.7)) rate = 0.0; /* the scalar grid's dead zone does as much there */
    if (options->states > 1) {
        x->s.log_states = hrq__bits_for((uint64_t)options->states);
        x->s.pivoted = sigma && order == HRQ_ORDER_PIVOTED;
        x->list = options->list ? (unsigned)options->list : options->states > 64 ? 2 : options->states > 16 ? 4 : 8;
    }
    status = hrq__sic_open(&x->sic, w, rows, cols, ldw, sigma, lds, order, options->damping, rate, bad_pivot);
    while (x->s.log_states && x->sic.n && x->s.log_laps < 7 && x->sic.n << x->s.log_laps < HRQ__STREAM_LONG &&
           rows >> (x->s.log_laps + 1) >= 2 * HRQ__PATH_ROWS)
        x->s.log_laps++; /* lower ones would leave threads without work */
    if (status == HRQ_OK) status = hrq__watersic_open(x, rows, cols, NULL);
    if (status == HRQ_OK && x->s.pivoted && x->s.live)
        status = hrq__watersic_resort(x, w, ldw, sigma, lds, bad_pivot);
    return status;
}

/* A sample of 1/stride of the rows on the same factor; without laps, which would leave its threads without work. */
static hrq_status hrq__watersic_sample(hrq__watersic *part, const hrq__watersic *x, size_t stride)
{
    size_t t, r, rows = hrq__div_up(x->sic.rows, stride);
    hrq_status status;
    memset(part, 0, sizeof *part);
    part->s.log_states = x->s.log_states;
    part->list = x->list;
    part->sic = x->sic;
    part->sic.rows = rows;
    part->sic.w = (float *)hrq__alloc_array(x->sic.hooks, rows * x->sic.n, sizeof(float));
    part->sic.u = (float *)hrq__alloc_array(x->sic.hooks, rows * x->sic.n, sizeof(float));
    if (x->sic.rest) part->sic.rest = (double *)hrq__alloc_array(x->sic.hooks, rows, sizeof(double));
    if (!part->sic.w || !part->sic.u || !part->sic.rest != !x->sic.rest) return HRQ_ERR_NOMEM;
    for (r = 0; r < rows && part->sic.rest; r++) part->sic.rest[r] = x->sic.rest[r * stride];
    for (t = 0; t < x->sic.n; t++)
        for (r = 0; r < rows; r++) part->sic.w[t * rows + r] = x->sic.w[t * x->sic.rows + r * stride];
    status = hrq__watersic_open(part, rows, x->s.cols, x->path);
    if (status == HRQ_OK && x->path) { /* steps by the rows that there are */
        part->s.octave = x->s.octave;
        memcpy(part->s.field[0], x->s.field[0], x->s.live * sizeof(int16_t));
    }
    return status;
}

/* What a search for the rate leaves. */
typedef struct hrq__watersic_found {
    uint8_t *best, *work;   /* [capacity] */
    size_t capacity, bytes; /* 0: none yet */
    double entropy, loss;   /* loss: of a trellis */
} hrq__watersic_found;

/* Where log2 A goes next. Frozen passes tell the same of one A: between what has too many bits and what fits, by the
   line through them and away from the ends, where only one side is known twice as far as before. Other passes also
   find better classes and gains: by the slope of the rate alone. */
static double hrq__watersic_toward(hrq__watersic_quest *q, double log_a, double bits, double goal, int frozen)
{
    double step = (bits - goal) / 0.8, part;
    step = step > 2.0 ? 2.0 : step < -2.0 ? -2.0 : step;
    if (!frozen) return log_a + step;
    if (bits > q->target) {
        if (q->have_lo && !q->have_hi && step < 2.0 * (log_a - q->at_lo)) step = 2.0 * (log_a - q->at_lo);
        q->have_lo = 1;
        q->at_lo = log_a;
        q->lo_bits = bits;
    } else {
        if (q->have_hi && !q->have_lo && step > 2.0 * (log_a - q->at_hi)) step = 2.0 * (log_a - q->at_hi);
        q->have_hi = 1;
        q->at_hi = log_a;
        q->hi_bits = bits;
    }
    if (!q->have_lo || !q->have_hi) return log_a + step;
    part = q->lo_bits < HRQ__CLIPPED / 1e12 ? (q->lo_bits - goal) / (q->lo_bits - q->hi_bits) : 0.5;
    part = part < 0.1 ? 0.1 : part > 0.9 ? 0.9 : part;
    return q->at_lo + part * (q->at_hi - q->at_lo);
}

/* Passes of a trellis towards `target` bits an entry, classes and gains of the first two or six kept after them. Of
   what fits the most bits, unless gains were off: that is 1 dB worse. found NULL: all passes, nothing is written; of
   `rows` rows these are a sample; 38 passes at most in all, `before` of them done. */
static hrq_status hrq__watersic_settle(hrq__watersic *x, const int16_t *marks, double target, double *log_a, int most,
                                       int before, size_t rows, hrq__watersic_found *found)
{
    double entries = (double)x->s.rows * (double)x->s.cols, bits;
    hrq__watersic_quest q;
    hrq_status status = HRQ_OK;
    int turn, learned = 0; /* passes that were not clipped */
    memset(&q, 0, sizeof q);
    q.target = target;
    for (turn = 0; turn < most && status == HRQ_OK; turn++, learned += !x->clipped) {
        size_t wrote = 0;
        int took = 0, there;
        x->frozen = found && learned >= (x->settled ? 2 : 6);
        hrq__watersic_set(x, *log_a);
        bits = hrq__watersic_pass(x, marks);
        if (found && (turn || !x->settled) && bits < target * entries + 400.0) /* the first has a sample's gains */
            wrote = hrq__watersic_write(x, marks, found->work, found->capacity);
        bits -= x->bits * (1.0 - (double)rows / (double)x->s.rows);
        bits = (wrote ? 8.0 * (double)wrote : bits) / ((double)rows * (double)x->s.cols);
        if (wrote && bits <= target && (x->energy > 0.0 || x->silent) &&
            (found->bytes == 0 || x->loss < (wrote > found->bytes ? 1.25 : 0.8) * found->loss)) {
            took = 1;
            found->loss = x->loss;
            memcpy(found->best, found->work, wrote);
            found->bytes = wrote;
            found->entropy = (x->bits + hrq__watersic_fields(x, marks)) / entries;
        }
        there = found && bits <= target && bits > target - 0.003;
        if (there && took) break;
        *log_a = hrq__watersic_toward(&q, *log_a, bits, target - 0.0015, x->frozen);
        if (there || (q.have_lo && q.have_hi && q.at_hi - q.at_lo < 0.002)) {
            q.have_lo = q.have_hi = 0; /* gains are off, or a jump where classes round: learn them again */
            learned = x->settled ? 0 : 4;
        }
        status = hrq__progress(x->sic.hooks, (size_t)(before + turn), 38);
    }
    return status;
}

/* Bits an entry plus 1/2 log2 of the distortion at about this rate, on a sample: orders of columns are chosen by it. */
static hrq_status hrq__watersic_merit(hrq__watersic *x, double rate, double *merit)
{
    double log_a = hrq__watersic_start(x, rate);
    hrq__watersic *part = (hrq__watersic *)hrq__alloc(x->sic.hooks, sizeof *part);
    hrq_status status;
    if (!part) return HRQ_ERR_NOMEM;
    status = hrq__watersic_sample(part, x, x->s.rows / 256 > 1 ? x->s.rows / 256 : 1);
    if (status == HRQ_OK)
        status = hrq__watersic_settle(part, NULL, rate, &log_a, 4, x->s.pivoted ? 4 : 0, x->s.rows, NULL);
    if (status == HRQ_OK)
        *merit = part->bits / ((double)part->s.rows * (double)x->s.cols) + 0.5 * hrq__rans_log2(part->loss);
    hrq__watersic_close(part, 1);
    hrq__release(x->sic.hooks, part);
    return status;
}

/* The same with a trellis: a sample of the rows until classes and gains have settled, then all. */
static hrq_status hrq__watersic_find_path(hrq__watersic *x, const int16_t *marks, double rate,
                                          hrq__watersic_found *found)
{
    double entries = (double)x->s.rows * (double)x->s.cols, target = 8.0 * floor(rate * entries / 8.0) / entries,
           log_a = hrq__watersic_start(x, rate);
    size_t stride = x->s.rows / 256;
    hrq_status status = HRQ_OK;
    if (stride > 1) {
        hrq__watersic *part = (hrq__watersic *)hrq__alloc(x->sic.hooks, sizeof *part);
        if (!part) return HRQ_ERR_NOMEM;
        status = hrq__watersic_sample(part, x, stride);
        if (status == HRQ_OK) status = hrq__watersic_settle(part, marks, target, &log_a, 6, 8, x->s.rows, NULL);
        if (status == HRQ_OK) memcpy(x->model, part->model, 4 * x->sic.n * sizeof *x->model);
        x->settled = 1;
        hrq__watersic_close(part, 1);
        hrq__release(x->sic.hooks, part);
    }
    if (status == HRQ_OK) status = hrq__watersic_settle(x, marks, target, &log_a, 24, 14, x->s.rows, found);
    return status == HRQ_OK && found->bytes == 0 ? HRQ_ERR_RATE : status;
}

/* The best fitting stream. */
static hrq_status hrq__watersic_find(hrq__watersic *x, const int16_t *marks, double rate, hrq__watersic_found *found)
{
    double entries = (double)x->s.rows * (double)x->s.cols, base, bits, target = 8.0 * floor(rate * entries / 8.0);
    size_t stride = x->s.rows / 256, wrote;
    hrq__watersic_quest q;
    int turn, most = 16;
    hrq_status status = HRQ_OK;
    base = hrq__watersic_start(x, rate);
    memset(&q, 0, sizeof q);
    q.target = target;
    if (stride > 1 && (double)x->sic.n * (double)x->sic.n * (double)x->sic.rows > 1e8) {
        hrq__watersic *part = (hrq__watersic *)hrq__alloc(x->sic.hooks, sizeof *part);
        if (!part) return HRQ_ERR_NOMEM;
        status = hrq__watersic_sample(part, x, stride);
        for (turn = 0; turn < 8 && status == HRQ_OK && !(q.have_lo && q.have_hi && q.hi - q.lo < 4); turn++) {
            hrq__watersic_set(part, base + (double)q.at / 512.0);
            bits = hrq__watersic_pass(part, marks);
            bits = part->bits * (double)x->s.rows / (double)part->s.rows + (bits - part->bits);
            q.at = hrq__watersic_next(&q, bits, entries);
            status = hrq__progress(x->sic.hooks, (size_t)turn, 24);
        }
        hrq__watersic_close(part, 1);
        hrq__release(x->sic.hooks, part);
        q.have_lo = q.have_hi = 0;
    }
    for (turn = 0; turn < most && status == HRQ_OK; turn++) {
        hrq__watersic_set(x, base + (double)q.at / 512.0);
        bits = hrq__watersic_pass(x, marks);
        /* the estimate is some words off: write where it may fit. All zeros are no description of a W that is not */
        wrote = bits - 400.0 < target ? hrq__watersic_write(x, marks, found->work, found->capacity) : 0;
        if (wrote) bits = 8.0 * (double)wrote;
        else if (bits <= target) bits = target + 8.0;
        if (wrote && bits <= target && wrote > found->bytes && (x->energy > 0.0 || x->silent)) {
            memcpy(found->best, found->work, wrote);
            found->bytes = wrote;
            found->entropy = (x->bits + hrq__watersic_fields(x, marks)) / entries;
        }
        if (bits <= target && bits > target - 0.002 * entries) break;
        q.at = hrq__watersic_next(&q, bits, entries);
        if (q.have_lo && q.have_hi && q.hi - q.lo <= 1) break;
        if (q.at > 64 * 512 || q.at < -20 * 512) break;
        status = hrq__progress(x->sic.hooks, 8 + (size_t)turn, 24);
    }
    if (status == HRQ_OK && found->bytes == 0) status = HRQ_ERR_RATE;
    return status;
}

/* ---- rescalers of rows and columns ----
   The integers stay. V = T Z diag(step) G with T, G diagonal; of the loss tr(E Sigma E^T), E = W - V, Sigma damped,
   each is a least squares problem where the other stands, here for the relative change of what there is:

       columns   (Sigma o V^T V) x = diag(V^T E Sigma)          rows   x_r = <V_r, (E Sigma)_r> / <V_r, (V Sigma)_r>

   in double, but for E Sigma and V Sigma. Scales of columns end in the gains, those of rows in a field of their own. */

enum { HRQ__RESCALE_TURNS = 12, HRQ__RESCALE_BITS = 6 /* of a row's scale, at most */ };

typedef struct hrq__rescale {
    const hrq__stream *s; /* as loaded, with its integers [live][rows] */
    const int16_t *z;
    const float *w;
    size_t ldw, n, rows;
    float *sigma;      /* [n][n] damped, live columns */
    float *e, *v, *es; /* [rows][n] W - V, V, E Sigma */
    float *turned;     /* [n][rows] V */
    double *f, *x;     /* [n][n], [n] */
    double *row, *col; /* T, G */
    double *unit;      /* [rows] <V_r, (V Sigma)_r> at T = 1 */
    double *trial;     /* [n] */
    double before, loss; /* without scales; at T and G, then with T in digits */
    const hrq_hooks *hooks;
} hrq__rescale;

static double hrq__rescale_dot(const float *x, const float *y, size_t n)
{
    double lane[32] = {0}, sum = 0.0;
    size_t i, l;
    for (i = 0; i + 32 <= n; i += 32)
        for (l = 0; l < 32; l++) lane[l] += (double)x[i + l] * (double)y[i + l];
    for (l = 0; i < n; i++, l++) lane[l] += (double)x[i] * (double)y[i];
    for (l = 0; l < 32; l++) sum += lane[l];
    return sum;
}

/* V, E and E Sigma at these scales; returns the loss. */
static hrq_status hrq__rescale_look(hrq__rescale *a, const double *col, double *loss)
{
    size_t r, j;
    hrq_status status;
    for (j = 0; j < a->n; j++) {
        double unit = (double)a->s->step[j] * col[j];
        for (r = 0; r < a->rows; r++) {
            float v = (float)((double)a->z[j * a->rows + r] * unit * a->row[r]);
            a->turned[j * a->rows + r] = a->v[r * a->n + j] = v;
            a->e[r * a->n + j] = a->w[r * a->ldw + a->s->column[j]] - v;
        }
    }
    status = hrq_gemm(a->es, a->n, a->e, a->n, a->sigma, a->n, a->rows, a->n, a->n, a->hooks);
    for (r = 0, *loss = 0.0; r < a->rows && status == HRQ_OK; r++)
        *loss += hrq__rescale_dot(a->e + r * a->n, a->es + r * a->n, a->n);
    return status;
}

static void hrq__rescale_normal(void *arg, size_t i)
{
    hrq__rescale *a = (hrq__rescale *)arg;
    size_t j, r;
    double sum = 0.0;
    for (j = 0; j <= i; j++)
        a->f[i * a->n + j] = (double)a->sigma[i * a->n + j] *
                             hrq__rescale_dot(a->turned + i * a->rows, a->turned + j * a->rows, a->rows);
    for (r = 0; r < a->rows; r++) sum += (double)a->v[r * a->n + i] * (double)a->es[r * a->n + i];
    a->x[i] = sum;
}

/* x = f^-1 x, f + ridge; columns of zeros stay. Cholesky, row by row. */
static void hrq__rescale_solve(hrq__rescale *a)
{
    size_t n = a->n, i, j, k;
    double ridge = 0.0, sum;
    for (i = 0; i < n; i++) ridge += a->f[i * n + i] / (double)n;
    ridge = ridge * 1e-8 > 1e-290 ? ridge * 1e-8 : 1e-290;
    for (i = 0; i < n; i++) {
        double *fi = a->f + i * n;
        for (j = 0; j < i; j++) {
            const double *fj = a->f + j * n;
            for (k = 0, sum = fi[j]; k < j; k++) sum -= fi[k] * fj[k];
            fi[j] = sum / fj[j];
        }
        for (k = 0, sum = fi[i] + ridge; k < i; k++) sum -= fi[k] * fi[k];
        fi[i] = sqrt(sum > ridge ? sum : ridge);
        for (k = 0, sum = a->x[i]; k < i; k++) sum -= fi[k] * a->x[k];
        a->x[i] = sum / fi[i];
    }
    for (i = n; i-- > 0;) {
        a->x[i] /= a->f[i * n + i];
        for (k = 0; k < i; k++) a->x[k] -= a->f[i * n + k] * a->x[i];
    }
}

/* Scales of the rows at those of the columns, with which a->v, a->es were made. */
static hrq_status hrq__rescale_rows(hrq__rescale *a)
{
    size_t r;
    hrq_status status;
    float *vs = a->e; /* not looked at again before the next look */
    status = hrq_gemm(vs, a->n, a->v, a->n, a->sigma, a->n, a->rows, a->n, a->n, a->hooks);
    for (r = 0; r < a->rows && status == HRQ_OK; r++) {
        const float *v = a->v + r * a->n;
        double energy = hrq__rescale_dot(v, vs + r * a->n, a->n), off = hrq__rescale_dot(v, a->es + r * a->n, a->n);
        double scale = energy > 0.0 ? a->row[r] * (1.0 + off / energy) : a->row[r];
        a->unit[r] = energy / (a->row[r] * a->row[r]);
        a->row[r] = scale < 0.25 ? 0.25 : scale > 1.75 ? 1.75 : scale;
    }
    return status;
}

/* Both in turn until the loss stays. A step of the columns that makes it worse is halved, at most 4 times. */
static hrq_status hrq__rescale_fit(hrq__rescale *a)
{
    double loss, before, next = 0.0, part;
    size_t j, turn;
    hrq_status status = hrq__rescale_look(a, a->col, &loss);
    a->before = loss;
    for (turn = 0; turn < HRQ__RESCALE_TURNS && status == HRQ_OK && loss > 0.0; turn++) {
        before = loss;
        hrq__for(a->hooks, a->n, hrq__rescale_normal, a);
        hrq__rescale_solve(a);
        for (part = 1.0; part > 0.05 && status == HRQ_OK; part *= 0.5) {
            for (j = 0; j < a->n; j++) {
                double scale = a->col[j] * (1.0 + part * a->x[j]);
                a->trial[j] = scale < 0.25 ? 0.25 : scale > 1.75 ? 1.75 : scale;
            }
            status = hrq__rescale_look(a, a->trial, &next);
            if (next <= loss) break;
        }
        if (status == HRQ_OK && next <= loss) memcpy(a->col, a->trial, a->n * sizeof *a->col);
        else if (status == HRQ_OK) status = hrq__rescale_look(a, a->col, &next);
        if (status == HRQ_OK) status = hrq__rescale_rows(a);
        if (status == HRQ_OK) status = hrq__rescale_look(a, a->col, &loss);
        if (!(loss < before * (1.0 - 3e-4))) break;
    }
    return status;
}

/* Scales of the columns into the gains of x, and those of the rows again on what the gains became. */
static hrq_status hrq__rescale_gains(hrq__rescale *a, hrq__watersic *x)
{
    double mean = 0.0;
    size_t j, r;
    hrq_status status;
    for (r = 0; r < a->rows; r++) mean += a->row[r] / (double)a->rows;
    for (r = 0; r < a->rows; r++) a->row[r] /= mean;
    for (j = 0; j < a->n; j++) {
        double unit = hrq__stream_gain_unit(x->s.cls[j]), old = 1.0 + x->s.field[2][j] * unit,
               off = (old * a->col[j] * mean - 1.0) / unit;
        int d = (int)hrq__round(hrq__clampf((float)off, -30.0f, 30.0f));
        if (x->s.cls[j] == 0) d = x->s.field[2][j];
        x->s.field[2][j] = (int16_t)d;
        a->col[j] = (1.0 + d * unit) / old;
    }
    status = hrq__rescale_look(a, a->col, &a->loss);
    if (status == HRQ_OK) status = hrq__rescale_rows(a);
    return status == HRQ_OK ? hrq__rescale_look(a, a->col, &a->loss) : status;
}

/* Memory and sigma; sigma NULL: white. One block, in x of the struct: freed by the caller. */
static hrq_status hrq__rescale_open(hrq__rescale *a, const float *sigma, size_t lds, double damping)
{
    size_t n = a->n, rows = a->rows, i, j, floats, doubles, more, bytes;
    if (!hrq__mul_size(n, rows, &floats) || !hrq__mul_size(floats, 4, &floats) || !hrq__mul_size(n, n, &doubles))
        return HRQ_ERR_SHAPE;
    if (!hrq__add_size(floats, doubles, &floats) || !hrq__add_size(doubles, 3 * n + 2 * rows, &doubles))
        return HRQ_ERR_SHAPE;
    if (!hrq__mul_size(floats, sizeof(float), &more) || !hrq__mul_size(doubles, sizeof(double), &bytes) ||
        !hrq__add_size(bytes, more, &bytes))
        return HRQ_ERR_SHAPE;
    a->f = (double *)hrq__alloc(a->hooks, bytes);
    if (!a->f) return HRQ_ERR_NOMEM;
    a->x = a->f + n * n;
    a->col = a->x + n;
    a->trial = a->col + n;
    a->row = a->trial + n;
    a->unit = a->row + rows;
    a->sigma = (float *)(void *)(a->unit + rows);
    a->e = a->sigma + n * n;
    a->v = a->e + n * rows;
    a->es = a->v + n * rows;
    a->turned = a->es + n * rows;
    for (i = 0; i < n; i++) a->col[i] = 1.0;
    for (i = 0; i < rows; i++) a->row[i] = 1.0;
    for (i = 0; i < n; i++)
        for (j = 0; j <= i; j++) {
            size_t p = a->s->column[i], q = a->s->column[j];
            float v = sigma ? sigma[p * lds + q] : i == j ? 1.0f : 0.0f;
            if (i == j && damping > 0.0) v = (float)((double)v * (1.0 + damping));
            a->sigma[i * n + j] = a->sigma[j * n + i] = v;
        }
    return HRQ_OK;
}

/* The encoder as it was when it wrote s. */
static void hrq__rescale_restore(hrq__watersic *x, const hrq__stream *s, const int16_t *z)
{
    size_t i, j;
    x->s.a = s->a;
    x->s.c = s->c;
    x->s.octave = s->octave;
    for (i = 0; i < HRQ__STREAM_FIELDS; i++) memcpy(x->s.field[i], s->field[i], s->live * sizeof(int16_t));
    memcpy(x->s.cls, s->cls, s->live);
    memcpy(x->s.odd, s->odd, s->live);
    memcpy(x->s.step, s->step, s->live * sizeof(float));
    for (j = 0; j < s->live; j++) memcpy(x->z + x->when[j] * s->rows, z + j * s->rows, s->rows * sizeof *z);
}

/* Scales of rows in steps of 2^-shift: bits, and the loss that they leave, as bits too. Returns their sum. */
static double hrq__rescale_digits(const hrq__rescale *a, hrq__watersic *x, unsigned shift, double *left)
{
    double loss = a->loss, cost, unit = 1.0 / (double)((int32_t)1 << shift), off;
    size_t r;
    for (r = 0; r < a->rows; r++) {
        x->s.row[r] = (int16_t)hrq__round((float)((a->row[r] - 1.0) / unit));
        off = 1.0 + x->s.row[r] * unit - a->row[r];
        loss += off * off * a->unit[r];
    }
    hrq__rans_count(&x->histogram, x->s.row, a->rows);
    x->histogram.half = 0;
    x->s.row_class = (uint8_t)hrq__rans_choose(&x->costs, &x->histogram, -1, &cost);
    x->s.row_shift = (uint8_t)shift;
    *left = loss;
    if (cost / 65536.0 > (double)HRQ__RESCALE_BITS * (double)a->rows) return 1e300;
    return cost / 65536.0 + 0.5 * (double)a->rows * (double)a->n * hrq__rans_log2(loss > 1e-290 ? loss : 1e-290);
}

/* Of all steps the one whose digits pay best; x->s.row and its class are those. 0 (false): no scales pay. */
static int hrq__rescale_choose(hrq__rescale *a, hrq__watersic *x)
{
    double left, cost, before = a->before > 1e-290 ? a->before : 1e-290,
                       best = 0.5 * (double)a->rows * (double)a->n * hrq__rans_log2(before);
    unsigned shift, chosen = HRQ__STREAM_SHIFT + 1;
    for (shift = 0; shift <= HRQ__STREAM_SHIFT; shift++) {
        cost = hrq__rescale_digits(a, x, shift, &left);
        if (cost < best) chosen = shift;
        best = cost < best ? cost : best;
    }
    if (chosen > HRQ__STREAM_SHIFT) return 0;
    hrq__rescale_digits(a, x, chosen, &left);
    a->loss = left;
    return 1;
}

/* The stream found, once more with scales of rows and other gains where these pay: into found->work, *wrote bytes; else
   0 of them. loss: out, before and after. */
static hrq_status hrq__rescale_stream(hrq__watersic *x, const int16_t *marks, hrq__watersic_found *found, size_t *wrote,
                                      double loss[2], const float *w, size_t ldw, const float *sigma, size_t lds)
{
    hrq__stream s;
    int16_t *z;
    hrq__rescale a;
    size_t r;
    hrq_status status = hrq__stream_load(&s, &z, found->best, found->bytes, x->sic.hooks);
    *wrote = 0;
    if (status != HRQ_OK) return status;
    memset(&a, 0, sizeof a);
    a.s = &s, a.z = z, a.w = w, a.ldw = ldw, a.n = s.live, a.rows = s.rows;
    a.hooks = x->sic.hooks;
    x->s.row = (int16_t *)hrq__alloc_array(x->sic.hooks, s.rows, sizeof *x->s.row);
    status = x->s.row ? hrq__rescale_open(&a, sigma, lds, x->sic.damping) : HRQ_ERR_NOMEM;
    if (status == HRQ_OK) hrq__rescale_restore(x, &s, z);
    if (status == HRQ_OK && s.live) status = hrq__rescale_fit(&a);
    if (status == HRQ_OK && s.live) status = hrq__rescale_gains(&a, x);
    if (status == HRQ_OK && s.live && hrq__rescale_choose(&a, x)) {
        for (r = 0; r < s.rows && !x->s.row[r]; r++) continue;
        if (r == s.rows) { /* scales of columns alone */
            hrq__release(x->sic.hooks, x->s.row);
            x->s.row = NULL;
        }
        hrq__watersic_fields(x, marks);
        *wrote = hrq__watersic_write(x, marks, found->work, found->capacity);
    }
    loss[0] = a.before;
    loss[1] = a.loss;
    hrq__release(x->sic.hooks, x->s.row);
    x->s.row = NULL;
    hrq__release(x->sic.hooks, a.f);
    hrq__release(x->sic.hooks, z);
    hrq__stream_free(&s, x->sic.hooks);
    return status;
}

HRQ_API size_t hrq_watersic_bytes(size_t rows, size_t cols, double rate)
{
    double bytes = rate * (double)rows * (double)cols / 8.0 + 64.0;
    size_t entries;
    if (rows == 0 || cols == 0 || !hrq__mul_size(rows, cols, &entries)) return 0;
    if (!(rate > 0.0 && rate <= 16.0) || bytes >= (double)(SIZE_MAX / 8)) return 0;
    return (size_t)bytes;
}

static hrq_status hrq__watersic_find_any(hrq__watersic *x, const int16_t *marks, double rate,
                                         hrq__watersic_found *found)
{
    found->bytes = 0;
    return x->path ? hrq__watersic_find_path(x, marks, rate, found) : hrq__watersic_find(x, marks, rate, found);
}

/* With scales, where they pay: what they take is taken from the rate of another search, more where that was not enough.
   The stream found before stays where the loss does not fall. */
static hrq_status hrq__watersic_rescale(hrq__watersic *x, const int16_t *marks, double rate, hrq__watersic_found *found,
                                        const float *w, size_t ldw, const float *sigma, size_t lds)
{
    double entries = (double)x->s.rows * (double)x->s.cols, most = 8.0 * floor(rate * entries / 8.0), less = 0.0;
    double loss[2], before;
    hrq__watersic_found kept = *found;
    size_t wrote = 0;
    int turn;
    hrq_status status = hrq__rescale_stream(x, marks, found, &wrote, loss, w, ldw, sigma, lds);
    if (status != HRQ_OK || wrote == 0) return status;
    before = loss[0];
    kept.best = (uint8_t *)hrq__alloc(x->sic.hooks, found->capacity);
    if (!kept.best) return HRQ_ERR_NOMEM;
    memcpy(kept.best, found->best, found->bytes);
    for (turn = 0; turn < 4 && status == HRQ_OK && wrote && 8.0 * (double)wrote > most; turn++) {
        less += 8.0 * (double)wrote - most + 16.0;
        status = hrq__watersic_find_any(x, marks, rate - less / entries, found);
        if (status == HRQ_OK) status = hrq__rescale_stream(x, marks, found, &wrote, loss, w, ldw, sigma, lds);
    }
    if (status == HRQ_ERR_RATE || (status == HRQ_OK && (!wrote || 8.0 * (double)wrote > most || loss[1] >= before))) {
        memcpy(found->best, kept.best, kept.bytes);
        found->bytes = kept.bytes;
        found->entropy = kept.entropy;
        status = HRQ_OK;
    } else if (status == HRQ_OK) {
        memcpy(found->best, found->work, wrote);
        found->entropy += 8.0 * ((double)wrote - (double)found->bytes) / entries;
        found->bytes = wrote;
    }
    hrq__release(x->sic.hooks, kept.best);
    return status;
}

/* w and sigma checked, sic open: search, report, hand over. */
static hrq_status hrq__watersic_encode(hrq__watersic *x, void *stream, size_t capacity, size_t *bytes, const float *w,
                                       size_t ldw, const float *sigma, size_t lds,
                                       const hrq_watersic_options *options, hrq_report *report)
{
    const hrq_hooks *hooks = x->sic.hooks;
    size_t rows = x->s.rows, cols = x->s.cols, room = hrq_watersic_bytes(rows, cols, options->rate) + 1024, i;
    int16_t *marks = (int16_t *)hrq__alloc_array(hooks, cols, sizeof *marks);
    float *decoded = NULL;
    hrq__watersic_found found;
    double entries = (double)rows * (double)cols;
    hrq_status status;
    memset(&found, 0, sizeof found);
    found.best = (uint8_t *)hrq__alloc(hooks, room);
    found.work = (uint8_t *)hrq__alloc(hooks, room);
    found.capacity = room;
    status = found.best && found.work && marks ? HRQ_OK : HRQ_ERR_NOMEM;
    if (status == HRQ_OK) {
        for (i = 0; i < cols; i++) marks[i] = 1;
        for (i = 0; i < x->s.live; i++) marks[x->s.column[i]] = 0;
        status = hrq__watersic_find_any(x, marks, options->rate, &found);
    }
    if (status == HRQ_OK && options->rescale)
        status = hrq__watersic_rescale(x, marks, options->rate, &found, w, ldw, sigma, lds);
    if (status == HRQ_OK && found.bytes > capacity) status = HRQ_ERR_SPACE;
    if (status == HRQ_OK && report) {
        report->rate = 8.0 * (double)found.bytes / entries;
        report->entropy = found.entropy;
        decoded = (float *)hrq__alloc_array(hooks, rows * cols, sizeof(float));
        status = decoded ? hrq_stream_decode(found.best, found.bytes, decoded, cols, hooks) : HRQ_ERR_NOMEM;
        if (status == HRQ_OK) status = hrq__report_fill(report, decoded, w, rows, cols, ldw, sigma, lds, hooks);
    }
    if (status == HRQ_OK) {
        memcpy(stream, found.best, found.bytes);
        *bytes = found.bytes;
    }
    hrq__release(hooks, decoded);
    hrq__release(hooks, marks);
    hrq__release(hooks, found.work);
    hrq__release(hooks, found.best);
    return status;
}

HRQ_API hrq_status hrq_watersic(void *stream, size_t capacity, size_t *bytes, const float *w, size_t rows,
                                size_t cols, size_t ldw, const float *sigma, size_t lds,
                                const hrq_watersic_options *options, hrq_report *report, const hrq_hooks *hooks)
{
    hrq__watersic *x;
    size_t bad_pivot = cols, i;
    hrq_order order;
    hrq_watersic_options own;
    hrq_report told;
    hrq_status status;
    if (!stream || !bytes || !options) return HRQ_ERR_ARG;
    if (!(options->rate > 0.0 && options->rate <= 16.0) || (unsigned)options->order > HRQ_ORDER_DESCENDING ||
        options->damping > 1.0 || options->damping != options->damping)
        return HRQ_ERR_ARG;
    if (options->states < 0 || options->states == 2 || options->states > 256 ||
        (options->states & (options->states - 1)))
        return HRQ_ERR_ARG;
    if ((uint64_t)rows > UINT32_MAX || (uint64_t)cols > UINT32_MAX) return HRQ_ERR_SHAPE;
    if (options->states > 1 && options->order == HRQ_ORDER_DESCENDING) return HRQ_ERR_UNSUPPORTED;
    if (options->list < 0 || options->list > HRQ__PATH_LIST || (options->list & (options->list - 1)))
        return HRQ_ERR_ARG;
    status = hrq__weight_check(w, rows, cols, ldw, sigma, lds, &told);
    if (report && w) *report = told;
    own = *options; /* with the damping that will be */
    if (status == HRQ_OK)
        status = hrq__sic_damping(&own.damping, options->damping, options->tokens, sigma, lds, cols, hooks);
    if (status != HRQ_OK) return status;
    x = (hrq__watersic *)hrq__alloc(hooks, sizeof *x);
    if (!x) return HRQ_ERR_NOMEM;
    memset(x, 0, sizeof *x);
    x->sic.hooks = hooks;
    order = options->order == HRQ_ORDER_DEFAULT ? HRQ_ORDER_PIVOTED : options->order;
    if (options->states > 1 && options->order == HRQ_ORDER_DEFAULT && sigma) {
        double merit[2] = {0.0, 0.0};
        for (i = 0; i < 2 && status == HRQ_OK; i++) {
            order = i ? HRQ_ORDER_PIVOTED : HRQ_ORDER_NATURAL;
            status = hrq__watersic_begin(x, w, rows, cols, ldw, sigma, lds, &own, order, &bad_pivot);
            if (status == HRQ_OK) status = hrq__watersic_merit(x, options->rate, &merit[i]);
            if (status == HRQ_OK) hrq__watersic_close(x, 0);
        }
        order = merit[1] < merit[0] ? HRQ_ORDER_PIVOTED : HRQ_ORDER_NATURAL;
    }
    if (status == HRQ_OK) status = hrq__watersic_begin(x, w, rows, cols, ldw, sigma, lds, &own, order, &bad_pivot);
    if (report) report->bad_pivot = bad_pivot;
    if (report) report->damping = x->sic.damping;
    if (status == HRQ_OK)
        status = hrq__watersic_encode(x, stream, capacity, bytes, w, ldw, sigma, lds, options, report);
    hrq__watersic_close(x, 0);
    hrq__release(hooks, x);
    return status;
}

/* ---- streams, the calls ---- */

HRQ_API hrq_status hrq_stream_shape(const void *stream, size_t bytes, size_t *rows, size_t *cols)
{
    hrq__stream s;
    hrq_status status;
    if (!stream) return HRQ_ERR_ARG;
    if (!hrq__stream_open(&s, (const uint8_t *)stream, bytes, &status)) return status;
    if (rows) *rows = s.rows;
    if (cols) *cols = s.cols;
    return HRQ_OK;
}

/* Values of up to HRQ__STREAM_TALL rows; by 32 columns, whose values come to one place first: z and w would both be
   walked through by strides, often powers of two, that cache sets do not bear. */
static void hrq__stream_rows(const hrq__stream *s, const int16_t *z, size_t from, size_t rows, float *w, size_t ldw)
{
    enum { COLS = 32, ROWS = HRQ__STREAM_TALL };
    int16_t tile[COLS][ROWS];
    float scale[ROWS];
    size_t r, j, at, cols;
    for (r = 0; r < rows; r++) scale[r] = hrq__stream_row(s, from + r);
    for (r = 0; r < rows && s->live < s->cols; r++) memset(w + r * ldw, 0, s->cols * sizeof(float));
    for (at = 0; at < s->live; at += cols) {
        const size_t *column = s->column + at;
        const float *step = s->step + at;
        cols = hrq__min_size(COLS, s->live - at);
        for (j = 0; j < cols; j++) memcpy(tile[j], z + (at + j) * s->rows + from, rows * sizeof tile[j][0]);
        for (r = 0; r < rows; r++)
            for (j = 0; j < cols; j++) w[r * ldw + column[j]] = (float)tile[j][r] * scale[r] * step[j];
    }
}

HRQ_API hrq_status hrq_stream_decode(const void *stream, size_t bytes, float *w, size_t ldw, const hrq_hooks *hooks)
{
    hrq__stream s;
    int16_t *z;
    size_t from;
    hrq_status status = w ? hrq__stream_load(&s, &z, stream, bytes, hooks) : HRQ_ERR_ARG;
    if (status != HRQ_OK) return status;
    if (!hrq__shape_ok(s.rows, s.cols, ldw)) status = HRQ_ERR_SHAPE;
    for (from = 0; from < s.rows && status == HRQ_OK; from += HRQ__STREAM_TALL)
        hrq__stream_rows(&s, z, from, hrq__min_size(HRQ__STREAM_TALL, s.rows - from), w + from * ldw, ldw);
    hrq__release(hooks, z);
    hrq__stream_free(&s, hooks);
    return status;
}

/* ---- a stream as a matrix, format "sic": see [11i] ---- */

/* Bits of a value as a code of its own: those of v or, for v < 0, of -1 - v, and the sign. */
HRQ__INLINE unsigned hrq__sicmat_need(int32_t v)
{
    return v ? 1 + hrq__bits_for((uint64_t)(v < 0 ? ~v : v) + 1) : 0;
}

/* How a stream becomes a matrix. */
typedef struct hrq__sicmat {
    uint32_t (*need)[16]; /* [column] values by the bits they need: 15 at most in streams */
    uint32_t *order;      /* [cols] columns by ascending bits; dead columns have none and come first */
    uint32_t *place;      /* [cols] index of a live column in z */
    uint8_t *bits;        /* [cols] */
    size_t bytes, escaped;
} hrq__sicmat;

/* Bits of each column: all that occur; or, with values apart, the least together with the price of these. A value of
   more than 8 bits may not come back into a tile of bytes. */
static void hrq__sicmat_columns(const hrq__stream *s, hrq__sicmat *m, int apart)
{
    size_t j, b, at = 0, rows = hrq__div_up(s->rows, HRQ_PANEL) * HRQ_PANEL;
    for (j = 0; j < s->cols; j++) {
        uint64_t out = 0, least;
        size_t full = 15;
        while (full && !m->need[j][full]) full--;
        least = (uint64_t)rows * full;
        m->bits[j] = (uint8_t)full;
        for (b = full; b-- > (full > 8 ? 9u : 0u) && apart;) {
            out += m->need[j][b + 1];
            if ((uint64_t)rows * b + HRQ__SIC_PRICE * out >= least) continue;
            least = (uint64_t)rows * b + HRQ__SIC_PRICE * out;
            m->bits[j] = (uint8_t)b;
        }
    }
    for (b = 0; b <= 15; b++)
        for (j = 0; j < s->cols; j++)
            if (m->bits[j] == b) m->order[at++] = (uint32_t)j;
}

/* Bytes and escapes of the matrix; bytes 0: overflow. Widths of the superblocks go to widths where it is not NULL. */
static void hrq__sicmat_size(const hrq__stream *s, hrq__sicmat *m, uint8_t *widths)
{
    size_t rows = s->rows, cols = s->cols;
    size_t cols8 = hrq__div_up(cols, 8) * 8, widths_at, panels_at, panel = 0, at, i, b, bytes;
    m->bytes = m->escaped = 0;
    if (!hrq__sicmat_offsets(cols, &widths_at, &panels_at)) return;
    for (at = 0; at < cols; at += 32) {
        unsigned width = m->bits[m->order[hrq__min_size(at + 31, cols - 1)]]; /* ascending: the last is the widest */
        if (widths) widths[at / 32] = (uint8_t)width;
        panel += hrq__min_size(cols8 - at, 32) / 8 * 16 * width;
        for (i = at; i < at + 32 && i < cols; i++)
            for (b = width + 1; b < 16; b++) m->escaped += m->need[m->order[i]][b];
    }
    if (s->row) panel += HRQ_PANEL * sizeof(float);
    if (!hrq__mul_size(hrq__div_up(rows, HRQ_PANEL), panel, &bytes)) return;
    if (!hrq__add_size(bytes, panels_at, &bytes)) return;
    if (m->escaped && !hrq__add_size(bytes, hrq__escapes_bytes(rows, m->escaped), &bytes)) return;
    m->bytes = bytes;
}

/* Values apart, at their price, where that is fewer bytes than none. */
static void hrq__sicmat_plan(const hrq__stream *s, const int16_t *z, hrq__sicmat *m)
{
    size_t j, r, whole;
    memset(m->need, 0, s->cols * sizeof *m->need);
    for (j = 0; j < s->cols; j++) m->place[j] = UINT32_MAX;
    for (j = 0; j < s->live; j++) {
        m->place[s->column[j]] = (uint32_t)j;
        for (r = 0; r < s->rows; r++) m->need[s->column[j]][hrq__sicmat_need(z[j * s->rows + r])]++;
    }
    hrq__sicmat_columns(s, m, 0);
    hrq__sicmat_size(s, m, NULL);
    whole = m->bytes;
    if (s->cols > UINT32_MAX / HRQ_PANEL) return;
    hrq__sicmat_columns(s, m, 1);
    hrq__sicmat_size(s, m, NULL);
    if (m->bytes && (!whole || m->bytes < whole) && m->escaped <= UINT32_MAX) return;
    hrq__sicmat_columns(s, m, 0);
    hrq__sicmat_size(s, m, NULL);
}

/* A superblock of the 16 rows of a panel, from a position on, in `bits` bits; what does not fit is 0. */
static void hrq__sicmat_super(const hrq__view *v, const hrq__stream *s, const int16_t *z, const hrq__sicmat *m,
                              size_t panel, size_t at, unsigned bits)
{
    enum { WIDE = 32 };
    uint8_t code[HRQ_PANEL * WIDE];
    uint16_t lane[HRQ_PANEL][4][8];
    size_t stride, c, r, rows = hrq__min_size(HRQ_PANEL, s->rows - panel * HRQ_PANEL);
    uint8_t *super = hrq__view_super(v, panel, at, &stride);
    for (c = 0; c < 8 * stride; c++) {
        uint32_t j = at + c < s->cols ? m->place[m->order[at + c]] : UINT32_MAX;
        const int16_t *from = z + (j == UINT32_MAX ? 0 : j * s->rows + panel * HRQ_PANEL);
        for (r = 0; r < HRQ_PANEL; r++) {
            int value = j != UINT32_MAX && r < rows ? from[r] : 0;
            value = (hrq__sicmat_need(value) > bits ? 0 : value) + (1 << (bits - 1));
            code[r * WIDE + c] = (uint8_t)value;
            lane[r][c % stride][c / stride] = (uint16_t)value;
        }
    }
    if (bits <= 8) hrq__pack_run(v->kernels, super, v->lay.lane_bytes, code, WIDE, 8 * stride, 0, bits);
    for (r = 0; r < HRQ_PANEL && bits > 8; r++)
        for (c = 0; c < stride; c++) hrq__planes_put(super, 16 * stride, r * stride + c, bits, lane[r][c]);
}

/* Escapes of every panel. */
static void hrq__sicmat_escapes(uint8_t *to, const hrq__view *v, const hrq__stream *s, const int16_t *z,
                                const hrq__sicmat *m)
{
    size_t panel, at, r, i = 0;
    for (panel = 0; panel < hrq__div_up(s->rows, HRQ_PANEL); panel++) {
        size_t row0 = panel * HRQ_PANEL, rows = hrq__min_size(HRQ_PANEL, s->rows - row0);
        hrq__put32(to + 4 * panel, (uint32_t)i);
        for (at = 0; at < s->cols; at++) {
            uint32_t j = m->place[m->order[at]];
            for (r = 0; r < rows && j != UINT32_MAX; r++) {
                int16_t value = z[j * s->rows + row0 + r];
                uint8_t *p = to + hrq__escapes_bytes(s->rows, i);
                if (hrq__sicmat_need(value) <= v->widths[at / 32]) continue;
                hrq__put32(p, (uint32_t)(at * HRQ_PANEL + r));
                hrq__put16(p + 4, (uint16_t)value);
                i++;
            }
        }
    }
}

/* Codes of every panel, and its rows' scales; a column's codes are met in order. */
static void hrq__sicmat_fill(const hrq__view *v, const hrq__stream *s, const int16_t *z, const hrq__sicmat *m)
{
    size_t at, r, panel;
    for (at = 0; at < v->lay.cols8; at += 32)
        for (panel = 0; panel < hrq__div_up(s->rows, HRQ_PANEL) && v->widths[at / 32]; panel++)
            hrq__sicmat_super(v, s, z, m, panel, at, v->widths[at / 32]);
    for (r = 0; r < s->rows && s->row; r++)
        hrq__put32(hrq__view_panel(v, r / HRQ_PANEL) + v->lay.row_at + r % HRQ_PANEL * 4,
                   hrq__bits_of(hrq__stream_row(s, r)));
}

/* Header and tables into data; then the panels through a view of it. */
static hrq_status hrq__sicmat_write(hrq_mat *mat, uint8_t *data, const hrq__stream *s, const int16_t *z,
                                    hrq__sicmat *m)
{
    size_t widths_at = 0, panels_at = 0, j, tail = m->escaped ? hrq__escapes_bytes(s->rows, m->escaped) : 0;
    hrq__view v;
    hrq_status status;
    hrq_mat made;
    hrq__sicmat_offsets(s->cols, &widths_at, &panels_at);
    memset(data, 0, m->bytes);
    memcpy(data, "hrqm", 4);
    hrq__put32(data + 4, 1u + (s->row ? HRQ__SIC_ROWS : 0) + (m->escaped ? HRQ__SIC_ESCAPES : 0));
    hrq__put64(data + 8, s->rows);
    hrq__put64(data + 16, s->cols);
    for (j = 0; j < s->live; j++)
        hrq__put32(data + HRQ__SIC_HEADER + 4 * s->column[j], hrq__bits_of(s->step[j]));
    for (j = 0; j < s->cols; j++) hrq__put32(data + HRQ__SIC_HEADER + 4 * (s->cols + j), m->order[j]);
    hrq__sicmat_size(s, m, data + widths_at);
    hrq__put64(data + 24, hrq__crc32(0, data + HRQ__SIC_HEADER, 4 * s->cols) |
                              (uint64_t)hrq__crc32(0, data + HRQ__SIC_HEADER + 4 * s->cols, 4 * s->cols) << 32);
    if (tail) hrq__put32(data + m->bytes - HRQ__SIC_ESCAPE * m->escaped - 4, (uint32_t)m->escaped);
    memset(&made, 0, sizeof made);
    hrq_format_parse(&made.format, "sic");
    made.rows = s->rows;
    made.cols = s->cols;
    made.data = data;
    made.bytes = m->bytes;
    status = hrq__view_open(&v, &made);
    if (status != HRQ_OK) return status;
    hrq__sicmat_fill(&v, s, z, m);
    if (tail) hrq__sicmat_escapes(data + m->bytes - tail, &v, s, z, m);
    *mat = made;
    return HRQ_OK;
}

/* Shared by the two below: mat NULL asks for the size only. */
static hrq_status hrq__sicmat_from_stream(hrq_mat *mat, void *data, size_t capacity, const void *stream,
                                          size_t stream_bytes, size_t *bytes, const hrq_hooks *hooks)
{
    hrq__stream s;
    int16_t *z;
    hrq__sicmat m;
    hrq_status status = hrq__stream_load(&s, &z, stream, stream_bytes, hooks);
    if (status != HRQ_OK) return status;
    m.need = (uint32_t(*)[16])hrq__alloc_array(hooks, s.cols, sizeof *m.need + 2 * sizeof *m.order + 1);
    if (!m.need) status = HRQ_ERR_NOMEM;
    if (status == HRQ_OK) {
        m.order = (uint32_t *)(m.need + s.cols);
        m.place = m.order + s.cols;
        m.bits = (uint8_t *)(m.place + s.cols);
        hrq__sicmat_plan(&s, z, &m);
        *bytes = m.bytes;
        if (*bytes == 0) status = HRQ_ERR_SHAPE;
        if (status == HRQ_OK && mat && capacity < *bytes) status = HRQ_ERR_SPACE;
        if (status == HRQ_OK && mat) status = hrq__sicmat_write(mat, (uint8_t *)data, &s, z, &m);
    }
    hrq__release(hooks, m.need);
    hrq__release(hooks, z);
    hrq__stream_free(&s, hooks);
    return status;
}

HRQ_API size_t hrq_mat_from_stream_bytes(const void *stream, size_t bytes)
{
    size_t need = 0;
    return hrq__sicmat_from_stream(NULL, NULL, 0, stream, bytes, &need, NULL) == HRQ_OK ? need : 0;
}

HRQ_API hrq_status hrq_mat_from_stream(hrq_mat *mat, void *data, size_t capacity, const void *stream, size_t bytes,
                                       const hrq_hooks *hooks)
{
    size_t need = 0;
    if (!mat || !data) return HRQ_ERR_ARG;
    return hrq__sicmat_from_stream(mat, data, capacity, stream, bytes, &need, hooks);
}

//==================================================================================================
//  [16i] Container         layout, writer, reader, check
//  uses: 2, 5, 11, 14, 15
//
//      header, 32 bytes       0  "hrqf"
//                             4  version u32, 1
//                             8  bytes of the file u64
//                            16  where payloads begin u64
//                            24  count of members u32
//                            28  CRC-32 u32 of all before the payloads but itself
//      entries, 120 bytes     0  payload's offset u64
//      each, in the order     8  payload's bytes u64, not 0
//      given                 16  name's offset u64
//                            24  rows u64, cols u64, seed u64; zeros for a stream; a basis: n, n, 0
//                            48  CRC-32 of the payload u32
//                            52  order u32: read entry by entry, the members sorted by name
//                            56  canonical name of the format, zeros up to 64 bytes; empty: a stream; "basis"
//      names                  in the order given, each with its zero, no gaps; compared as bytes
//      payloads               in the order given, no gaps
//
//  Names and each payload are filled up with zeros to a multiple of 64. Nothing else is a file: no offset but
//  the end of what lies before, no bit set in padding, no byte behind the end. So equal members give
//  equal bytes, no two members overlap, and every byte is under a checksum or known. Offsets count from the
//  file's begin; numbers are little-endian and read bytewise, so a mapping may begin anywhere.
//==================================================================================================

enum {
    HRQ__FILE_VERSION = 1,
    HRQ__FILE_ALIGN = 64,
    HRQ__FILE_HEADER = 32,
    HRQ__FILE_ENTRY = 120, /* and where things lie in one */
    HRQ__FILE_AT = 0,
    HRQ__FILE_BYTES = 8,
    HRQ__FILE_NAME_AT = 16,
    HRQ__FILE_ROWS = 24,
    HRQ__FILE_COLS = 32,
    HRQ__FILE_SEED = 40,
    HRQ__FILE_CRC = 48,
    HRQ__FILE_ORDER = 52,
    HRQ__FILE_FORMAT = 56,
    HRQ__FILE_NAME = 256 /* bytes of a name, its zero among them */
};

static const char hrq__file_basis[] = "basis"; /* in place of a format */

/* Up to a multiple of 64; 0: overflow, or nothing. */
static size_t hrq__file_padded(size_t bytes)
{
    size_t up;
    return hrq__add_size(bytes, HRQ__FILE_ALIGN - 1, &up) ? up - up % HRQ__FILE_ALIGN : 0;
}

static int hrq__file_zeros(const uint8_t *p, size_t bytes)
{
    while (bytes-- > 0)
        if (*p++ != 0) return 0;
    return 1;
}

/* Checksum of a header and all up to the first payload, but for itself. */
static uint32_t hrq__file_table_crc(const uint8_t *p, size_t table)
{
    return hrq__crc32(hrq__crc32(0, p, HRQ__FILE_HEADER - 4), p + HRQ__FILE_HEADER, table - HRQ__FILE_HEADER);
}

HRQ__INLINE const uint8_t *hrq__file_entry(const uint8_t *p, size_t index)
{
    return p + HRQ__FILE_HEADER + index * HRQ__FILE_ENTRY;
}

/* Member that comes k-th by name, and its name; for tables that open has seen. */
HRQ__INLINE size_t hrq__file_sorted(const uint8_t *p, size_t k)
{
    return hrq__get32(hrq__file_entry(p, k) + HRQ__FILE_ORDER);
}
HRQ__INLINE const char *hrq__file_name(const uint8_t *p, size_t index)
{
    return (const char *)p + (size_t)hrq__get64(hrq__file_entry(p, index) + HRQ__FILE_NAME_AT);
}

/* ---- write ---- */

/* Bytes that a name takes with its zero; 0: missing, empty, longer than 255. */
static size_t hrq__file_name_bytes(const char *name)
{
    size_t n;
    if (!name || !name[0]) return 0;
    for (n = 1; n < HRQ__FILE_NAME; n++)
        if (!name[n]) return n + 1;
    return 0;
}

/* Every name once. There is no memory to sort in, and out must not be touched yet: a filter of 32768 bits
   passes what is surely new, the rest looks through all before it: of 1000 names about 15, of 10000 1400. */
static int hrq__file_unique(const hrq_member *members, size_t count)
{
    uint8_t seen[4096];
    size_t i, j;
    memset(seen, 0, sizeof seen);
    for (i = 0; i < count; i++) {
        uint32_t hash = hrq__crc32(0, members[i].name, strlen(members[i].name)) & 32767;
        uint8_t bit = (uint8_t)(1 << hash % 8);
        for (j = 0; (seen[hash / 8] & bit) && j < i; j++)
            if (strcmp(members[j].name, members[i].name) == 0) return 0;
        seen[hash / 8] |= bit;
    }
    return 1;
}

/* Bytes of a payload: what the format needs, however many the view has. 0: not a member. */
static size_t hrq__file_payload(const hrq_member *m)
{
    const hrq_mat *mat = &m->mat;
    hrq_mat exact;
    hrq_basis basis;
    hrq_status status;
    if (m->stream) return m->basis.data ? 0 : m->stream_bytes;
    if (m->basis.data)
        return hrq_basis_wrap(&basis, m->basis.data, m->basis.bytes) == HRQ_OK && basis.n == m->basis.n ? basis.bytes
                                                                                                        : 0;
    status = hrq_mat_wrap(&exact, &mat->format, mat->rows, mat->cols, mat->seed, mat->data, mat->bytes);
    return status == HRQ_OK ? exact.bytes : 0;
}

/* Where payloads begin and the file ends; 0 (false): impossible. */
static int hrq__file_plan(const hrq_member *members, size_t count, size_t *table, size_t *total)
{
    size_t i, bytes;
    if ((count > 0 && !members) || (uint64_t)count >> 32) return 0;
    if (!hrq__mul_size(count, HRQ__FILE_ENTRY, table)) return 0;
    if (!hrq__add_size(*table, HRQ__FILE_HEADER, table)) return 0;
    for (i = 0; i < count; i++) {
        bytes = hrq__file_name_bytes(members[i].name);
        if (bytes == 0 || !hrq__add_size(*table, bytes, table)) return 0;
    }
    *table = hrq__file_padded(*table);
    if (*table == 0) return 0;
    *total = *table;
    for (i = 0; i < count; i++) {
        bytes = hrq__file_padded(hrq__file_payload(members + i));
        if (bytes == 0 || !hrq__add_size(*total, bytes, total)) return 0;
    }
    return hrq__file_unique(members, count);
}

/* Heap sort of the entries' order, which lies in the file: no other memory. */
static void hrq__file_sort(uint8_t *p, const hrq_member *members, size_t count)
{
    uint8_t *order = p + HRQ__FILE_HEADER + HRQ__FILE_ORDER;
    size_t begin = count / 2, end = count, at, child;
    while (end > 1) {
        uint32_t moved;
        if (begin > 0) {
            moved = hrq__get32(order + --begin * HRQ__FILE_ENTRY);
        } else {
            moved = hrq__get32(order + --end * HRQ__FILE_ENTRY);
            hrq__put32(order + end * HRQ__FILE_ENTRY, hrq__get32(order));
        }
        for (at = begin; (child = 2 * at + 1) < end; at = child) {
            uint32_t left = hrq__get32(order + child * HRQ__FILE_ENTRY), right;
            if (child + 1 < end) {
                right = hrq__get32(order + (child + 1) * HRQ__FILE_ENTRY);
                if (strcmp(members[left].name, members[right].name) < 0) {
                    left = right;
                    child++;
                }
            }
            if (strcmp(members[left].name, members[moved].name) < 0) break;
            hrq__put32(order + at * HRQ__FILE_ENTRY, left);
        }
        hrq__put32(order + at * HRQ__FILE_ENTRY, moved);
    }
}

HRQ_API size_t hrq_file_bytes(const hrq_member *members, size_t count)
{
    size_t table, total;
    return hrq__file_plan(members, count, &table, &total) ? total : 0;
}

HRQ_API hrq_status hrq_file_write(void *out, size_t capacity, size_t *bytes, const hrq_member *members, size_t count)
{
    uint8_t *p = (uint8_t *)out, *e;
    size_t table, total, at, name_at, i, n, padded;
    if (!out || !bytes || !hrq__file_plan(members, count, &table, &total)) return HRQ_ERR_ARG;
    if (total > capacity) return HRQ_ERR_SPACE;
    memset(p, 0, table);
    memcpy(p, "hrqf", 4);
    hrq__put32(p + 4, HRQ__FILE_VERSION);
    hrq__put64(p + 8, total);
    hrq__put64(p + 16, table);
    hrq__put32(p + 24, (uint32_t)count);
    at = table;
    e = p + HRQ__FILE_HEADER;
    name_at = HRQ__FILE_HEADER + count * HRQ__FILE_ENTRY;
    for (i = 0; i < count; i++, e += HRQ__FILE_ENTRY) {
        const hrq_member *m = members + i;
        n = hrq__file_payload(m);
        padded = hrq__file_padded(n);
        memcpy(p + at, m->stream ? m->stream : m->basis.data ? m->basis.data : m->mat.data, n);
        memset(p + at + n, 0, padded - n);
        hrq__put64(e + HRQ__FILE_AT, at);
        hrq__put64(e + HRQ__FILE_BYTES, n);
        hrq__put64(e + HRQ__FILE_NAME_AT, name_at);
        hrq__put32(e + HRQ__FILE_CRC, hrq__crc32(0, p + at, n));
        hrq__put32(e + HRQ__FILE_ORDER, (uint32_t)i);
        if (m->basis.data) {
            hrq__put64(e + HRQ__FILE_ROWS, m->basis.n);
            hrq__put64(e + HRQ__FILE_COLS, m->basis.n);
            memcpy(e + HRQ__FILE_FORMAT, hrq__file_basis, sizeof hrq__file_basis);
        } else if (!m->stream) {
            hrq__put64(e + HRQ__FILE_ROWS, m->mat.rows);
            hrq__put64(e + HRQ__FILE_COLS, m->mat.cols);
            hrq__put64(e + HRQ__FILE_SEED, m->mat.seed);
            hrq__format_write(&m->mat.format, (char *)e + HRQ__FILE_FORMAT);
        }
        at += padded;
        n = hrq__file_name_bytes(m->name);
        memcpy(p + name_at, m->name, n);
        name_at += n;
    }
    hrq__file_sort(p, members, count);
    hrq__put32(p + 28, hrq__file_table_crc(p, table));
    *bytes = total;
    return HRQ_OK;
}

/* ---- read ---- */

/* The entries of a table that has room for them: one pass in the order given, one by name. Names that ascend
   strictly are different, so order holds every member once. */
static int hrq__file_table_ok(const hrq_file *f, size_t table)
{
    const uint8_t *p = f->data, *e, *zero;
    size_t at = table, name_at = HRQ__FILE_HEADER + f->count * HRQ__FILE_ENTRY, i, k;
    const char *last = "";
    for (i = 0; i < f->count; i++) {
        uint64_t bytes;
        e = hrq__file_entry(p, i);
        bytes = hrq__get64(e + HRQ__FILE_BYTES);
        if (hrq__get64(e + HRQ__FILE_AT) != at || bytes == 0 || bytes > f->bytes - at) return 0;
        if (hrq__get64(e + HRQ__FILE_NAME_AT) != name_at) return 0;
        zero = (const uint8_t *)memchr(p + name_at, 0, hrq__min_size(table - name_at, HRQ__FILE_NAME));
        if (!zero || zero == p + name_at) return 0;
        name_at = (size_t)(zero - p) + 1;
        zero = (const uint8_t *)memchr(e + HRQ__FILE_FORMAT, 0, HRQ__FILE_ENTRY - HRQ__FILE_FORMAT);
        if (!zero || !hrq__file_zeros(zero, (size_t)(e + HRQ__FILE_ENTRY - zero))) return 0;
        if (zero == e + HRQ__FILE_FORMAT) /* a stream tells its own shape */
            if (!hrq__file_zeros(e + HRQ__FILE_ROWS, HRQ__FILE_CRC - HRQ__FILE_ROWS)) return 0;
        at += hrq__file_padded((size_t)bytes); /* cannot pass the end, a multiple of 64 */
    }
    if (at != f->bytes || table - name_at >= HRQ__FILE_ALIGN) return 0;
    if (!hrq__file_zeros(p + name_at, table - name_at)) return 0;
    for (i = 0; i < f->count; i++) {
        k = hrq__file_sorted(p, i);
        if (k >= f->count || strcmp(last, hrq__file_name(p, k)) >= 0) return 0;
        last = hrq__file_name(p, k);
    }
    return 1;
}

HRQ_API hrq_status hrq_file_open(hrq_file *file, const void *data, size_t bytes)
{
    const uint8_t *p = (const uint8_t *)data;
    hrq_file f;
    uint64_t table;
    uint32_t version, count;
    if (!file || !data) return HRQ_ERR_ARG;
    if (bytes < HRQ__FILE_HEADER || memcmp(p, "hrqf", 4) != 0) return HRQ_ERR_DATA;
    version = hrq__get32(p + 4);
    if (version != HRQ__FILE_VERSION) return version > HRQ__FILE_VERSION ? HRQ_ERR_VERSION : HRQ_ERR_DATA;
    table = hrq__get64(p + 16);
    count = hrq__get32(p + 24);
    if (hrq__get64(p + 8) != bytes || bytes % HRQ__FILE_ALIGN != 0) return HRQ_ERR_DATA;
    if (table > bytes || table < HRQ__FILE_HEADER || table % HRQ__FILE_ALIGN != 0) return HRQ_ERR_DATA;
    if (count > (table - HRQ__FILE_HEADER) / HRQ__FILE_ENTRY) return HRQ_ERR_DATA;
    if (hrq__get32(p + 28) != hrq__file_table_crc(p, (size_t)table)) return HRQ_ERR_CHECKSUM;
    f.data = p;
    f.bytes = bytes;
    f.count = count;
    if (!hrq__file_table_ok(&f, (size_t)table)) return HRQ_ERR_DATA;
    *file = f;
    return HRQ_OK;
}

HRQ_API hrq_status hrq_file_member(const hrq_file *file, size_t index, hrq_member *member)
{
    const uint8_t *e, *payload;
    hrq_member m;
    hrq_format format;
    hrq_status status;
    uint64_t rows, cols, seed;
    size_t bytes;
    if (!file || !file->data || !member || index >= file->count) return HRQ_ERR_ARG;
    e = hrq__file_entry(file->data, index);
    payload = file->data + (size_t)hrq__get64(e + HRQ__FILE_AT);
    bytes = (size_t)hrq__get64(e + HRQ__FILE_BYTES);
    rows = hrq__get64(e + HRQ__FILE_ROWS);
    cols = hrq__get64(e + HRQ__FILE_COLS);
    seed = hrq__get64(e + HRQ__FILE_SEED);
    memset(&m, 0, sizeof m);
    m.name = hrq__file_name(file->data, index);
    if (e[HRQ__FILE_FORMAT] == 0) {
        m.stream = payload;
        m.stream_bytes = bytes;
    } else if (strcmp((const char *)e + HRQ__FILE_FORMAT, hrq__file_basis) == 0) {
        status = hrq_basis_wrap(&m.basis, payload, bytes);
        if (status == HRQ_ERR_VERSION) return HRQ_ERR_UNSUPPORTED;
        if (status != HRQ_OK || m.basis.bytes != bytes || rows != m.basis.n || cols != rows || seed)
            return HRQ_ERR_DATA;
    } else {
        status = hrq_format_parse(&format, (const char *)e + HRQ__FILE_FORMAT);
        if (status != HRQ_OK) return HRQ_ERR_UNSUPPORTED;
        if ((size_t)rows != rows || (size_t)cols != cols) return HRQ_ERR_DATA;
        status = hrq_mat_wrap(&m.mat, &format, (size_t)rows, (size_t)cols, seed, (void *)payload, bytes);
        if (status == HRQ_ERR_UNSUPPORTED || status == HRQ_ERR_VERSION) return HRQ_ERR_UNSUPPORTED;
        if (status != HRQ_OK || m.mat.bytes != bytes) return HRQ_ERR_DATA; /* the shape is not of this size */
    }
    *member = m;
    return HRQ_OK;
}

HRQ_API hrq_status hrq_file_find(const hrq_file *file, const char *name, hrq_member *member)
{
    size_t low = 0, high, mid, index;
    int order;
    if (!file || !file->data || !name || !member) return HRQ_ERR_ARG;
    for (high = file->count; low < high;) {
        mid = low + (high - low) / 2;
        index = hrq__file_sorted(file->data, mid);
        order = strcmp(name, hrq__file_name(file->data, index));
        if (order == 0) return hrq_file_member(file, index, member);
        if (order < 0) high = mid;
        else low = mid + 1;
    }
    return HRQ_ERR_ARG;
}

/* The table may have changed since open: it is read again. HRQ_ERR_UNSUPPORTED comes last: then all checksums
   hold, and what this version can read is legal. */
HRQ_API hrq_status hrq_file_check(const hrq_file *file)
{
    hrq_file f;
    hrq_member m;
    hrq_status status, worst = HRQ_OK;
    size_t i, at, bytes;
    if (!file || !file->data) return HRQ_ERR_ARG;
    status = hrq_file_open(&f, file->data, file->bytes);
    if (status == HRQ_ERR_VERSION) return HRQ_ERR_CHECKSUM; /* at open it was ours */
    if (status != HRQ_OK) return status;
    if (f.count != file->count) return HRQ_ERR_DATA;
    for (i = 0; i < f.count; i++) {
        const uint8_t *e = hrq__file_entry(f.data, i);
        at = (size_t)hrq__get64(e + HRQ__FILE_AT);
        bytes = (size_t)hrq__get64(e + HRQ__FILE_BYTES);
        if (hrq__crc32(0, f.data + at, bytes) != hrq__get32(e + HRQ__FILE_CRC)) return HRQ_ERR_CHECKSUM;
        if (!hrq__file_zeros(f.data + at + bytes, hrq__file_padded(bytes) - bytes)) return HRQ_ERR_DATA;
    }
    for (i = 0; i < f.count; i++) {
        status = hrq_file_member(&f, i, &m);
        if (status == HRQ_OK && m.stream) status = hrq_stream_shape(m.stream, m.stream_bytes, NULL, NULL);
        else if (status == HRQ_OK && m.basis.data) status = hrq_basis_check(&m.basis);
        else if (status == HRQ_OK) status = hrq_mat_check(&m.mat);
        if (status == HRQ_ERR_UNSUPPORTED || status == HRQ_ERR_VERSION) worst = HRQ_ERR_UNSUPPORTED;
        else if (status != HRQ_OK) return status == HRQ_ERR_CHECKSUM ? status : HRQ_ERR_DATA;
    }
    return worst;
}

    #ifdef __cplusplus
}
    #endif

    #undef HRQ__SIMD_ROWS
    #undef HRQ__DECODERS
    #undef HRQ__ONE_AVX2
    #undef HRQ__DOTS
    #undef HRQ__ENCODERS
    #undef HRQ__REST
    #undef HRQ__ROW_AVX2
    #undef HRQ__ROWS_AVX2
    #undef HRQ__ROWS_AVX512
    #undef HRQ__ROW_NEON
    #undef HRQ__ROWS_NEON
    #undef HRQ__ROWS_DOTPROD
    #undef HRQ__ROWS_I8MM
    #undef HRQ__AVX2
    #undef HRQ__AVX2VNNI
    #undef HRQ__AVX512
    #undef HRQ__NEON
    #undef HRQ__HAVE_DOTPROD
    #undef HRQ__HAVE_I8MM
    #undef HRQ__INLINE
    #undef HRQ__ALIGNED
    #undef HRQ__PREFETCH
    #undef HRQ__AHEAD
    #undef HRQ__CHUNK
    #undef HRQ__FIT
    #undef HRQ__ENCODE_SCALAR
    #undef HRQ__FLOATS_SCALAR
    #undef HRQ__TRELLIS_SCALAR
    #undef HRQ__ERRORS_SCALAR
    #undef HRQ__BATCH
    #undef HRQ__OPT_GRID
    #undef HRQ__OPT_MOVES
    #undef HRQ__OPT_GAINS
    #undef HRQ__OPT_CELLS
    #undef HRQ__LOAD
    #undef HRQ__STORE
    #undef HRQ__FMA_M
    #undef HRQ__FMA_N
    #undef HRQ__LA_DEPTH
    #undef HRQ__LA_TILES
    #undef HRQ__LA_COLS
    #undef HRQ__LA_WIDTH
    #undef HRQ__LA_PANEL
    #undef HRQ__LA_ROWS
    #undef HRQ__LA_BLOCK
    #undef HRQ__GAMMA_RATE
    #undef HRQ__RANS_BITS
    #undef HRQ__BASIS_FLOOR
    #undef HRQ__CLIPPED
    #undef HRQ__TEXT
    #undef HRQ__TEXT2

    #if defined(__GNUC__) && !defined(__clang__)
        #pragma GCC pop_options
    #elif defined(__clang__)
        #pragma STDC FP_CONTRACT DEFAULT
    #endif

#endif /* HRQ_IMPLEMENTATION */

/*
MIT License

Copyright (c) 2026 the hrq authors

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to
permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS
OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
*/
