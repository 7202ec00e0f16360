/* hrq_simd.h: AVX2, AVX-512 and NEON kernels of hrq (see hrq.h). MIT licence, as hrq.h.

   Lay it beside hrq.h, which picks it up by itself; HRQ_NO_SIMD, HRQ_NO_AVX2, HRQ_NO_AVX512, HRQ_NO_NEON say no. No
   compiler flags: every function carries its target, and the machine is asked at run time.

   CONTENTS   [a] targets and detection    [b] AVX2    [c] AVX-512    [d] NEON    [e] the rows of the kernel table

   Contracts and scalar specifications are in hrq.h [6i]; every kernel gives the same bits as its scalar twin. In each
   ISA the kernels stand in the same order: helpers; prepare, decode (int, table, voronoi, box, trellis), one; dot (s8,
   groups), scales, tops, finish, tile_f32, dot_f32, fma_tile; encoders: scans, codes, planes, activations, Hadamard,
   lattices, boxes, trellis search. Not every ISA has all: [e] says which row takes whose.

   This file is included by hrq.h, in the middle of its implementation; it is of no use alone. */

#ifndef HRQ__SIMD
    #error "hrq_simd.h is picked up by hrq.h; include that"
#endif

/* GCC 12 in C++ at -O2: "'__Y' may be used uninitialized" at intrinsics that leave a register undefined on purpose. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__cplusplus)
    #pragma GCC diagnostic push
    #pragma GCC diagnostic ignored "-Wuninitialized"
    #pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#elif defined(__clang__) /* loops that are not unrolled at -Os: slower, not wrong */
    #pragma clang diagnostic push
    #pragma clang diagnostic ignored "-Wpass-failed"
#endif

//==================================================================================================
//  [a] Targets and detection
//==================================================================================================

#if (defined(__x86_64__) && !defined(HRQ_SIMDE_NEON)) || defined(HRQ_SIMDE_AVX2) || defined(HRQ_SIMDE_AVX512)
    #ifndef HRQ_NO_AVX2
        #define HRQ__AVX2
        #if !defined(HRQ_SIMDE_AVX2) && (defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11)
            #define HRQ__AVX2VNNI
        #endif
        #if !defined(HRQ_NO_AVX512) && !defined(HRQ_SIMDE_AVX2)
            #define HRQ__AVX512
        #endif
    #endif
#elif !defined(HRQ_NO_NEON)
    #define HRQ__NEON
#endif

/* Each target extends the one that its helpers come from: GCC inlines a helper only where its target is a part of the
   caller's. */
#ifdef HRQ__SIMDE
    #define HRQ__TARGET(words)
#else
    #define HRQ__TARGET(words) __attribute__((target(words)))
#endif
#define HRQ__WORDS_AVX2   "avx2,fma,f16c"
#define HRQ__WORDS_AVX512 HRQ__WORDS_AVX2 ",avx512f,avx512bw,avx512vl,avx512dq"
#define HRQ__FN_AVX2      static HRQ__TARGET(HRQ__WORDS_AVX2)
#define HRQ__FN_AVX2VNNI  static HRQ__TARGET(HRQ__WORDS_AVX2 ",avxvnni")
#define HRQ__FN_AVX512    static HRQ__TARGET(HRQ__WORDS_AVX512)
#define HRQ__FN_VNNI      static HRQ__TARGET(HRQ__WORDS_AVX512 ",avx512vnni,avx512vbmi,gfni")
#define HRQ__IN_AVX2      static inline __attribute__((always_inline)) HRQ__TARGET(HRQ__WORDS_AVX2)
#define HRQ__IN_AVX2VNNI  static inline __attribute__((always_inline)) HRQ__TARGET(HRQ__WORDS_AVX2 ",avxvnni")
#define HRQ__IN_AVX512    static inline __attribute__((always_inline)) HRQ__TARGET(HRQ__WORDS_AVX512)
#define HRQ__IN_VNNI \
    static inline __attribute__((always_inline)) HRQ__TARGET(HRQ__WORDS_AVX512 ",avx512vnni,avx512vbmi,gfni")

/* AArch64. A compiler that was told of more than the baseline is believed: the attribute would take from what it was
   told, and GCC inlines no helper that has more than its caller. GCC knows the intrinsics by the architecture, not by
   the word alone; clang before 16 has them only where the whole unit is compiled for them. */
#if defined(HRQ_SIMDE_NEON) || defined(__ARM_FEATURE_DOTPROD)
    #define HRQ__HAVE_DOTPROD
    #define HRQ__TARGET_DOTPROD
#elif defined(__clang__) && __clang_major__ >= 16
    #define HRQ__HAVE_DOTPROD
    #define HRQ__TARGET_DOTPROD HRQ__TARGET("dotprod")
#elif defined(__aarch64__) && !defined(__clang__) && __GNUC__ >= 8 && !defined(__ARM_FEATURE_QRDMX) && \
    !defined(__ARM_FEATURE_CRYPTO)
    #define HRQ__HAVE_DOTPROD
    #define HRQ__TARGET_DOTPROD HRQ__TARGET("arch=armv8.2-a+dotprod")
#endif
#if defined(__ARM_FEATURE_MATMUL_INT8)
    #define HRQ__HAVE_I8MM
    #define HRQ__TARGET_I8MM
#elif defined(__clang__) && __clang_major__ >= 16 && !defined(HRQ_SIMDE_NEON)
    #define HRQ__HAVE_I8MM
    #define HRQ__TARGET_I8MM HRQ__TARGET("dotprod,i8mm")
#elif defined(__aarch64__) && !defined(__clang__) && __GNUC__ >= 10 && !defined(__ARM_FEATURE_QRDMX) && \
    !defined(__ARM_FEATURE_CRYPTO)
    #define HRQ__HAVE_I8MM
    #define HRQ__TARGET_I8MM HRQ__TARGET("arch=armv8.2-a+dotprod+i8mm")
#endif
#define HRQ__FN_NEON    static
#define HRQ__FN_DOTPROD static HRQ__TARGET_DOTPROD
#define HRQ__FN_I8MM    static HRQ__TARGET_I8MM
#define HRQ__IN_NEON    static inline __attribute__((always_inline))
#define HRQ__IN_DOTPROD static inline __attribute__((always_inline)) HRQ__TARGET_DOTPROD
#define HRQ__IN_I8MM    static inline __attribute__((always_inline)) HRQ__TARGET_I8MM

/* Loops over registers are unrolled whole, at -O2 too: otherwise arrays of registers live in memory. */
#if defined(__clang__)
    #define HRQ__UNROLL _Pragma("clang loop unroll(full)")
#else
    #define HRQ__UNROLL _Pragma("GCC unroll 32")
#endif

/* Loads stay behind it: GCC would else move those of all unrolled steps ahead until registers spill. */
#define HRQ__STEP() __asm__ volatile("" ::: "memory")

/* Equal values in different registers: GCC otherwise takes one and copies it in every turn of a loop. */
#ifdef HRQ__SIMDE
    #define HRQ__OPAQUE(reg) (void)(reg)
#else
    #define HRQ__OPAQUE(reg) __asm__("" : "+v"(reg))
#endif

/* Memory that is read as it lies: GCC otherwise takes words of a register that was stored there apart by shuffles. */
#define HRQ__OPAQUE_BYTES(p, n) __asm__("" : "+m"(*(uint8_t(*)[n])(p)))

/* What a machine has. */
enum {
    HRQ__HAS_AVX2 = 1, /* with FMA and F16C */
    HRQ__HAS_AVXVNNI = 2,
    HRQ__HAS_AVX512 = 4, /* F, BW, VL, DQ */
    HRQ__HAS_VNNI = 8,   /* AVX-512 VNNI, VBMI, GFNI */
    HRQ__HAS_NEON = 16,
    HRQ__HAS_DOTPROD = 32,
    HRQ__HAS_I8MM = 64
};

/* The registers that CPUID and XGETBV answer with. */
typedef struct hrq__cpuid {
    uint32_t top;                      /* leaf 0 eax               */
    uint32_t ecx1, ebx7, ecx7, eax7_1; /* leaves 1; 7; 7, subleaf 1 */
    uint32_t xcr0;                     /* 0 where OSXSAVE is not set */
} hrq__cpuid;

/* Bits of HRQ__HAS. The operating system first: without its word that it saves the registers, no feature counts. */
HRQ__INLINE unsigned hrq__isa_x86(const hrq__cpuid *r)
{
    unsigned have = 0;
    int ymm = (r->ecx1 >> 27 & 1) && (r->xcr0 & 6) == 6, zmm = ymm && (r->xcr0 & 0xe0) == 0xe0;
    if (r->top < 7 || !ymm) return 0;
    if ((r->ecx1 >> 12 & 1) && (r->ecx1 >> 29 & 1) && (r->ecx1 >> 28 & 1) && (r->ebx7 >> 5 & 1))
        have |= HRQ__HAS_AVX2;
    if (have && (r->eax7_1 >> 4 & 1)) have |= HRQ__HAS_AVXVNNI;
    if (have && zmm && (r->ebx7 >> 16 & 1) && (r->ebx7 >> 17 & 1) && (r->ebx7 >> 30 & 1) && (r->ebx7 >> 31 & 1))
        have |= HRQ__HAS_AVX512;
    if ((have & HRQ__HAS_AVX512) && (r->ecx7 >> 1 & 1) && (r->ecx7 >> 8 & 1) && (r->ecx7 >> 11 & 1))
        have |= HRQ__HAS_VNNI;
    return have;
}

static unsigned hrq__isa_have(void)
{
#if defined(HRQ_SIMDE_NEON)
    return HRQ__HAS_NEON | HRQ__HAS_DOTPROD | HRQ__HAS_I8MM;
#elif defined(HRQ_SIMDE_AVX2)
    return HRQ__HAS_AVX2;
#elif defined(HRQ_SIMDE_AVX512)
    return HRQ__HAS_AVX2 | HRQ__HAS_AVXVNNI | HRQ__HAS_AVX512 | HRQ__HAS_VNNI;
#elif defined(__x86_64__)
    hrq__cpuid r;
    unsigned a, b, c, d;
    memset(&r, 0, sizeof r);
    if (!__get_cpuid_max(0, NULL)) return 0;
    r.top = (uint32_t)__get_cpuid_max(0, NULL);
    __cpuid(1, a, b, c, d);
    r.ecx1 = c;
    if (r.top < 7 || !(c >> 27 & 1)) return 0;
    __cpuid_count(7, 0, a, b, c, d);
    r.ebx7 = b;
    r.ecx7 = c;
    if (a >= 1) {
        __cpuid_count(7, 1, a, b, c, d);
        r.eax7_1 = a;
    }
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    r.xcr0 = a;
    return hrq__isa_x86(&r);
#elif defined(__linux__)
    unsigned long hwcap = getauxval(AT_HWCAP), hwcap2 = getauxval(AT_HWCAP2);
    return (hwcap >> 1 & 1 ? HRQ__HAS_NEON : 0) | (hwcap >> 20 & 1 ? HRQ__HAS_DOTPROD : 0) |
           (hwcap2 >> 13 & 1 ? HRQ__HAS_I8MM : 0);
#else /* what the compiler was told */
    unsigned have = HRQ__HAS_NEON;
    #ifdef __ARM_FEATURE_DOTPROD
    have |= HRQ__HAS_DOTPROD;
    #endif
    #ifdef __ARM_FEATURE_MATMUL_INT8
    have |= HRQ__HAS_I8MM;
    #endif
    return have;
#endif
}

/* A word of four bytes at any address. */
HRQ__INLINE int32_t hrq__word_at(const void *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

#if defined(HRQ__AVX2) || defined(HRQ__NEON)
/* What each bit of a trellis' window adds to its hash, by its age: H is linear. */
static void hrq__hash_bits(uint8_t of[16], const hrq__decode_args *a)
{
    unsigned i;
    for (i = 0; i < 16; i++) of[i] = (uint8_t)hrq__tcq_hash(a->hash, a->parities, 1u << i);
}

/* And the 16 values of a nibble, whose lowest bit is `age` steps old and the next ones younger; ages that the window
   has not add nothing. */
static void hrq__hash_nibble(uint8_t to[16], const uint8_t of[16], int age)
{
    unsigned i, v;
    to[0] = 0;
    for (i = 1; i < 16; i *= 2, age--)
        for (v = 0; v < i; v++) to[i + v] = (uint8_t)(to[v] ^ (age >= 0 && age < 16 ? of[age] : 0));
}
#endif

/* Batcher's odd-even merge sort of 1, 2, 4 or 8 registers; `order` puts two in order. A macro: registers differ by ISA,
   and in a loop they would lie in memory. */
#define HRQ__PATH_SORT4(order, key)       \
    order((key), (key) + 1);              \
    order((key) + 2, (key) + 3);          \
    order((key), (key) + 2);              \
    order((key) + 1, (key) + 3);          \
    order((key) + 1, (key) + 2)
#define HRQ__PATH_SORT(order, key, count) \
    if (count == 2) order(key, key + 1);  \
    if (count >= 4) {                     \
        HRQ__PATH_SORT4(order, key);      \
    }                                     \
    if (count == 8) {                     \
        HRQ__PATH_SORT4(order, key + 4);  \
        order(key, key + 4);              \
        order(key + 1, key + 5);          \
        order(key + 2, key + 6);          \
        order(key + 3, key + 7);          \
        order(key + 2, key + 4);          \
        order(key + 3, key + 5);          \
        order(key + 1, key + 2);          \
        order(key + 3, key + 4);          \
        order(key + 5, key + 6);          \
    }

/* rans_column by rans_eight and rans_slots of an ISA, rows that these leave by the scalar one; constants take their
   branches out. Eight lanes at least; and no raw bits that could lead beyond a limit, 8191 at the least: 34 * 2^7 stays
   below. */
#define HRQ__RANS_RUN(isa, in)                                                                                  \
    in void hrq__rans_column_##isa##_run(int16_t *z, uint8_t *state, size_t n, hrq__rans *c,                    \
                                         const hrq__rans_args *a, int trellis, int raw)                         \
    {                                                                                                           \
        size_t r;                                                                                               \
        for (r = 0; r + 8 <= n && !c->bad; r += 8)                                                              \
            if (c->bound - c->at < 32 || !hrq__rans_eight_##isa(z + r, trellis ? state + r : NULL, c,           \
                                                                r & (c->lanes - 1), a, trellis, raw))           \
                hrq__rans_rows(z, state, r, r + 8, c, a);                                                       \
        hrq__rans_rows(z, state, r, n, c, a);                                                                   \
    }
#define HRQ__RANS_COLUMN(isa, in, fn)                                                                           \
    HRQ__RANS_RUN(isa, in)                                                                                      \
    fn void hrq__rans_column_##isa(int16_t *z, uint8_t *state, size_t n, hrq__rans *c, const hrq__rans_args *a) \
    {                                                                                                           \
        unsigned even = a->model[0]->shift, odd = a->parity ? a->model[1]->shift : 0;                           \
        if (!a->filled) hrq__rans_slots_##isa(a->slot, a->model[0]);                                            \
        if (!a->filled && a->parity) hrq__rans_slots_##isa(a->slot + HRQ__RANS_RANGE, a->model[1]);             \
        if (c->lanes < 8 || even > 7 || odd > 7) hrq__rans_rows(z, state, 0, n, c, a);                          \
        else if (!a->parity && !even) hrq__rans_column_##isa##_run(z, state, n, c, a, 0, 0);                    \
        else if (!a->parity) hrq__rans_column_##isa##_run(z, state, n, c, a, 0, 1);                             \
        else if (!even && !odd) hrq__rans_column_##isa##_run(z, state, n, c, a, 1, 0);                          \
        else hrq__rans_column_##isa##_run(z, state, n, c, a, 1, 1);                                             \
    }

//==================================================================================================
//  [b] AVX2          with FMA and F16C; AVX-VNNI above them
//==================================================================================================

#ifdef HRQ__AVX2

HRQ__IN_AVX2 __m256i hrq__load_avx2(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
HRQ__IN_AVX2 void hrq__store_avx2(void *p, __m256i v) { _mm256_storeu_si256((__m256i *)p, v); }
HRQ__IN_AVX2 __m256i hrq__byte_avx2(unsigned v) { return _mm256_set1_epi8((char)v); }
HRQ__IN_AVX2 __m256i hrq__srl16_avx2(__m256i v, int n) { return _mm256_srl_epi16(v, _mm_cvtsi32_si128(n)); }
HRQ__IN_AVX2 __m256i hrq__sll16_avx2(__m256i v, int n) { return _mm256_sll_epi16(v, _mm_cvtsi32_si128(n)); }

/* Sixteen bytes, in both halves of a register. */
HRQ__IN_AVX2 __m256i hrq__table_avx2(const uint8_t *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* The next 8 of n floats; of fewer these, then zeros; and back. Through memory: masked loads of emulations read all
   eight. */
HRQ__IN_AVX2 __m256 hrq__first8_avx2(const float *p, size_t n)
{
    float all[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    if (n >= 8) return _mm256_loadu_ps(p);
    memcpy(all, p, n * sizeof *p);
    return _mm256_loadu_ps(all);
}
HRQ__IN_AVX2 void hrq__put8_avx2(float *p, __m256 v, size_t n)
{
    float all[8];
    _mm256_storeu_ps(n >= 8 ? p : all, v);
    if (n < 8) memcpy(p, all, n * sizeof *p);
}

HRQ__IN_AVX2 void hrq__prefetch_avx2(const uint8_t *p, size_t bytes)
{
    size_t i;
    HRQ__UNROLL
    for (i = 0; i < bytes; i += 64) _mm_prefetch((const char *)((uintptr_t)p + HRQ__AHEAD + i), _MM_HINT_T1);
}

/* ---- where decoded bytes go: a tile, or products with one vector ---- */

enum { HRQ__TO_TILE, HRQ__TO_INTEGERS, HRQ__TO_GROUPS16, HRQ__TO_GROUPS32 }; /* groups of 16; of multiples of 32 */

/* Whole superblocks, and whole groups, that one of these goes through; *to: how. 0: none. */
HRQ__INLINE size_t hrq__sink_supers(size_t cols8, const hrq__groups *g, int *to)
{
    *to = !g ? HRQ__TO_INTEGERS : g->group == 16 ? HRQ__TO_GROUPS16 : HRQ__TO_GROUPS32;
    if (*to == HRQ__TO_GROUPS32) return g->group % 32 ? 0 : cols8 / g->group * (g->group / 32);
    return cols8 / 32;
}

/* Products of bytes with one vector: |x| unsigned times the value with x's sign, 2 * 127 * 127 = 32258 fits the int16
   of maddubs. |x| is made once a superblock, |value| would be for every one. */
typedef struct hrq__sink_avx2 {
    uint8_t *lo;
    size_t stride;
    const int8_t *x;
    const int32_t *sums;
    const hrq__groups *groups;
    const float *scale;
    const int32_t *zero;
    size_t left;          /* columns of the group */
    uint8_t *size, *turn; /* of a superblock's x: |x|; -2, where x < 0 its complement 1 */
    __m256i acc[2], flip; /* of rows 0 ... 7, 8 ... 15; of a tile's bytes */
    __m256 total[2];
} hrq__sink_avx2;

HRQ__IN_AVX2 hrq__sink_avx2 hrq__sink_tile_avx2(uint8_t *lo, const hrq__decode_args *a)
{
    hrq__sink_avx2 s;
    memset(&s, 0, sizeof s);
    s.lo = lo;
    s.stride = a->stride;
    s.flip = hrq__byte_avx2(a->flip);
    return s;
}

HRQ__IN_AVX2 hrq__sink_avx2 hrq__sink_one_avx2(uint8_t room[64], const void *sum, const hrq__vectors *x,
                                               const hrq__groups *g)
{
    hrq__sink_avx2 s;
    memset(&s, 0, sizeof s);
    s.x = x->x;
    s.sums = x->sums;
    s.size = room;
    s.turn = room + 32;
    s.acc[0] = s.acc[1] = s.flip = _mm256_setzero_si256();
    if (!g) return s;
    s.groups = g;
    s.scale = g->scale;
    s.zero = g->zero;
    s.left = g->group;
    s.total[0] = _mm256_loadu_ps((const float *)sum);
    s.total[1] = _mm256_loadu_ps((const float *)sum + 8);
    return s;
}

/* Group `at` from the current one on is complete, `sum` that of the vector's columns. */
HRQ__IN_AVX2 void hrq__sink_flush_avx2(hrq__sink_avx2 *s, int half, int at, int32_t sum)
{
    int first = 16 * at + 8 * half;
    __m256i part = s->acc[half];
    if (s->zero)
        part = _mm256_sub_epi32(part, _mm256_mullo_epi32(_mm256_set1_epi32(sum), hrq__load_avx2(s->zero + first)));
    s->total[half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(part), _mm256_loadu_ps(s->scale + first), s->total[half]);
    s->acc[half] = _mm256_setzero_si256();
}

HRQ__IN_AVX2 int32_t hrq__sink_sum_avx2(const hrq__sink_avx2 *s, size_t from, size_t end)
{
    return (int32_t)((uint32_t)s->sums[end] - (uint32_t)s->sums[from]);
}

/* Quad j of half a superblock, value times +-1 of the x by now. */
HRQ__IN_AVX2 void hrq__emit_signed_avx2(hrq__sink_avx2 *s, int half, int j, __m256i v)
{
    v = _mm256_maddubs_epi16(_mm256_set1_epi32(hrq__word_at(s->size + 4 * j)), v);
    s->acc[half] = _mm256_add_epi32(s->acc[half], _mm256_madd_epi16(v, _mm256_set1_epi16(1)));
}

/* Values, in tiles xored with flip. */
HRQ__IN_AVX2 void hrq__emit_avx2(hrq__sink_avx2 *s, int to, int half, int j, __m256i v)
{
    if (to == HRQ__TO_TILE) hrq__store_avx2(s->lo + 32 * half + (size_t)j * s->stride, v);
    else hrq__emit_signed_avx2(s, half, j, _mm256_sign_epi8(v, _mm256_set1_epi32(hrq__word_at(s->x + 4 * j))));
    if (to == HRQ__TO_GROUPS16 && j % 4 == 3)
        hrq__sink_flush_avx2(s, half, j / 4, hrq__sink_sum_avx2(s, (size_t)(j / 4 * 2), (size_t)(j / 4 * 2 + 2)));
}

/* Values, negated where a mask is not set: that takes no more than the sign of x. */
HRQ__IN_AVX2 void hrq__emit_plus_avx2(hrq__sink_avx2 *s, int to, int half, int j, __m256i v, __m256i plus)
{
    if (to == HRQ__TO_TILE) {
        v = _mm256_sign_epi8(v, _mm256_xor_si256(plus, hrq__byte_avx2(0u - 2)));
        hrq__emit_avx2(s, to, half, j, _mm256_xor_si256(v, s->flip));
    } else {
        __m256i turn = _mm256_set1_epi32(hrq__word_at(s->turn + 4 * j));
        hrq__emit_signed_avx2(s, half, j, _mm256_sign_epi8(v, _mm256_xor_si256(plus, turn)));
    }
}

/* Before a superblock and after it. */
HRQ__IN_AVX2 void hrq__sink_begin_avx2(hrq__sink_avx2 *s, int to, const uint8_t *codes, size_t bytes)
{
    __m256i x;
    hrq__prefetch_avx2(codes, bytes);
    if (to == HRQ__TO_TILE) return;
    x = hrq__load_avx2(s->x);
    hrq__store_avx2(s->size, _mm256_abs_epi8(x));
    hrq__store_avx2(s->turn, _mm256_xor_si256(_mm256_cmpgt_epi8(_mm256_setzero_si256(), x), hrq__byte_avx2(0u - 2)));
    HRQ__OPAQUE_BYTES(s->size, 64);
}

HRQ__IN_AVX2 void hrq__sink_next_avx2(hrq__sink_avx2 *s, int to)
{
    size_t eights = 0, groups = 0;
    if (to == HRQ__TO_TILE) s->lo += 8 * s->stride;
    else s->x += 32;
    if (to == HRQ__TO_GROUPS16) {
        eights = 4;
        groups = 2;
    } else if (to == HRQ__TO_GROUPS32 && (s->left -= 32) == 0) {
        eights = s->groups->group / 8;
        groups = 1;
        hrq__sink_flush_avx2(s, 0, 0, hrq__sink_sum_avx2(s, 0, eights));
        hrq__sink_flush_avx2(s, 1, 0, hrq__sink_sum_avx2(s, 0, eights));
        s->left = s->groups->group;
    }
    if (to != HRQ__TO_GROUPS16 && to != HRQ__TO_GROUPS32) return;
    s->sums += eights;
    s->scale += 16 * groups;
    if (s->zero) s->zero += 16 * groups;
}

HRQ__IN_AVX2 void hrq__sink_end_avx2(void *sum, const hrq__sink_avx2 *s)
{
    int half;
    for (half = 0; half < 2; half++) {
        if (s->groups) _mm256_storeu_ps((float *)sum + 8 * half, s->total[half]);
        else
            hrq__store_avx2((int32_t *)sum + 8 * half,
                            _mm256_add_epi32(hrq__load_avx2((int32_t *)sum + 8 * half), s->acc[half]));
    }
}

/* ---- prepare and decode: a superblock is two halves of 32 lanes, a half 8 registers, one a coordinate ---- */

/* So many of them, once before a loop: its stores could reach the memory that they come from. */
HRQ__IN_AVX2 void hrq__tables_avx2(__m256i *table, const uint8_t *p, int parts)
{
    int i;
    HRQ__UNROLL
    for (i = 0; i < parts; i++) table[i] = hrq__table_avx2(p + 16 * i);
}

/* Tables of K times 16 bytes, looked up 16 at a time: of part k < K - 1 there is its xor with part k + 1, so that entry
   n is the xor of all parts k >= n / 16. Selecting costs an addition or an and a part, on more ports than blends. */
static void hrq__differences(uint8_t *table, unsigned parts)
{
    unsigned i;
    for (i = 0; i + 16 < 16 * parts; i++) table[i] = (uint8_t)(table[i] ^ table[i + 16]);
}

/* The newest bit of a trellis' window at step j is bit 16 + j of what the lane's last three bytes say; the tables of
   its oldest nibble come first, HRQ__NIBBLES a step. Of a hash, complemented (by the newest nibble's table), bits 0 ...
   3 stay, bit 4 goes to bit 7, bit 5 to bit 6: where shuffles and blends look. Levels stand behind them, their raw bits
   complemented. */
enum { HRQ__NIBBLES = 5, HRQ__LEVELS_AT = 8 * HRQ__NIBBLES * 16 };
HRQ__INLINE int hrq__nibble_first(int step) { return (1 + step) / 4; }

static void hrq__prepare_trellis_avx2(uint8_t *maps, const hrq__decode_args *a)
{
    unsigned i, v, half = 1u << (a->code_bits + a->parities - 1);
    uint8_t of[16];
    int step, nibble;
    hrq__hash_bits(of, a);
    for (i = 0; i < 16; i++) of[i] = (uint8_t)((of[i] & 15) | (of[i] & 16) << 3 | (of[i] & 32) << 1);
    for (step = 0; step < 8; step++)
        for (nibble = 0; nibble < HRQ__NIBBLES; nibble++) {
            uint8_t *to = maps + (step * HRQ__NIBBLES + nibble) * 16;
            int age = 16 + step - 4 * (hrq__nibble_first(step) + nibble);
            hrq__hash_nibble(to, of, age);
            for (v = 0; v < 16 && age >= 0 && age < 4; v++) to[v] ^= 0xcf;
        }
    for (i = 0; i < half && i < 128; i++)
        maps[HRQ__LEVELS_AT + (i ^ (half - (1u << a->parities)))] = (uint8_t)a->level[i];
}

/* Tables by codec: bytes of values, lo and from 256 on hi; multiples, and in byte 16 whether they fit; levels. */
static void hrq__prepare_avx2(uint8_t *maps, int codec, const hrq__decode_args *a)
{
    unsigned i, count, parts;
    if (codec == HRQ__CODEC_FLOAT) {
        for (i = 0; i < 256; i++) {
            int v = i >> a->code_bits ? 0 : a->value[i], low = (v & 255) - ((v & 128) << 1);
            maps[i] = (uint8_t)((unsigned)low ^ a->flip);
            maps[256 + i] = (uint8_t)((unsigned)((v - low) / 256) ^ a->flip);
        }
        parts = a->code_bits < 4 ? 1 : a->code_bits < 7 ? 1u << (a->code_bits - 4) : 8;
        for (i = 0; i < 512; i += 128) hrq__differences(maps + i, parts);
    } else if (codec == HRQ__CODEC_BOX) {
        count = 2 * a->scales << a->code_bits;
        for (i = 0; i < 256; i++)
            maps[i] = i < count ? (uint8_t)((unsigned)a->level[i] ^ a->flip) : maps[i - count];
    } else if (codec == HRQ__CODEC_VORONOI) {
        maps[16] = a->scales <= 16;
        for (i = 0; i < 16; i++) {
            int m = i < a->scales ? a->multiple[i] : 0;
            maps[i] = (uint8_t)m;
            if (m < 0 || m > 255) maps[16] = 0;
        }
    } else if ((codec == HRQ__CODEC_TRELLIS || codec == HRQ__CODEC_COLUMN) && a->code_bits <= 3) {
        hrq__prepare_trellis_avx2(maps, a);
    }
}

/* Coordinate j of the planes of one part of codes, w bits wide, or-ed in at bit `shift`. */
HRQ__IN_AVX2 __m256i hrq__part_avx2(__m256i code, const uint8_t *p, int w, int j, int shift)
{
    __m256i v = hrq__load_avx2(p + 64 * (j % w));
    int down = j / w * w - shift;
    v = down > 0 ? hrq__srl16_avx2(v, down) : down < 0 ? hrq__sll16_avx2(v, -down) : v;
    return _mm256_or_si256(code, _mm256_and_si256(v, hrq__byte_avx2(((1u << w) - 1u) << shift)));
}

/* Codes of `bits` bits of a half as bytes, of coordinate j, of all; what is or-ed into them comes in. */
HRQ__IN_AVX2 __m256i hrq__code_over_avx2(__m256i code, const uint8_t *p, int bits, int j)
{
    if (bits & 1) code = hrq__part_avx2(code, p, 1, j, 0);
    if (bits & 2) code = hrq__part_avx2(code, p + 64 * (bits & 1), 2, j, bits & 1);
    if (bits & 4) code = hrq__part_avx2(code, p + 64 * (bits & 3), 4, j, bits & 3);
    if (bits & 8) code = _mm256_or_si256(code, hrq__load_avx2(p + 64 * j));
    return code;
}

HRQ__IN_AVX2 void hrq__planes_avx2(__m256i code[8], const uint8_t *p, int bits)
{
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) code[j] = hrq__code_over_avx2(code[j], p, bits, j);
}

/* Integers: plane, shift, mask; then one addition makes code - 2^(bits - 1), flipped. Bits are a constant: one body
   for all. */
HRQ__IN_AVX2 void hrq__int_avx2(uint8_t *lo, const uint8_t *codes, size_t supers, int bits, const hrq__decode_args *a)
{
    __m256i offset = hrq__byte_avx2(a->flip - (1u << (bits - 1))), code[8];
    size_t stride = a->stride, half;
    int j;
    for (; supers > 0; supers--, codes += 64 * (size_t)bits, lo += 8 * stride) {
        hrq__prefetch_avx2(codes, 64 * (size_t)bits);
        for (half = 0; half < 64; half += 32) {
            HRQ__UNROLL
            for (j = 0; j < 8; j++) code[j] = _mm256_setzero_si256();
            hrq__planes_avx2(code, codes + half, bits);
            HRQ__UNROLL
            for (j = 0; j < 8; j++)
                hrq__store_avx2(lo + half + (size_t)j * stride, _mm256_add_epi8(code[j], offset));
        }
    }
}

HRQ__FN_AVX2 size_t hrq__decode_int_avx2(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                         const hrq__decode_args *a)
{
    size_t supers = cols8 / 32;
    (void)hi;
    switch (a->code_bits) {
    case 1: hrq__int_avx2(lo, codes, supers, 1, a); break;
    case 2: hrq__int_avx2(lo, codes, supers, 2, a); break;
    case 3: hrq__int_avx2(lo, codes, supers, 3, a); break;
    case 4: hrq__int_avx2(lo, codes, supers, 4, a); break;
    case 5: hrq__int_avx2(lo, codes, supers, 5, a); break;
    case 6: hrq__int_avx2(lo, codes, supers, 6, a); break;
    case 7: hrq__int_avx2(lo, codes, supers, 7, a); break;
    case 8: hrq__int_avx2(lo, codes, supers, 8, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* Bytes below 16 parts <= 128 through a table of differences: a shuffle gives 0 where bit 7 of its index is set, so an
   addition that carries into it from 16 (k + 1) on switches part k. */
HRQ__IN_AVX2 __m256i hrq__look_up_avx2(const __m256i *table, __m256i index, int parts)
{
    __m256i out = _mm256_shuffle_epi8(table[parts - 1], index), x;
    int k;
    HRQ__UNROLL
    for (k = 0; k + 1 < parts; k++) {
        x = _mm256_add_epi8(index, hrq__byte_avx2(128u - 16u * (unsigned)(k + 1)));
        out = _mm256_xor_si256(out, _mm256_shuffle_epi8(table[k], x));
    }
    return out;
}

/* So many tables; flip is taken off their values where these go into products. Only the last of a table of differences
   is a value. */
HRQ__IN_AVX2 void hrq__values_avx2(__m256i *table, int parts, int to, int differences, const uint8_t *maps,
                                   const hrq__decode_args *a)
{
    int i;
    hrq__tables_avx2(table, maps, parts);
    HRQ__UNROLL
    for (i = 0; i < parts; i++)
        if (to != HRQ__TO_TILE && (!differences || i % 8 == 7 || i == parts - 1))
            table[i] = _mm256_xor_si256(table[i], hrq__byte_avx2(a->flip));
}

/* Codes through a table: floats whose values are integers. Two tables of 128 for 8 bits. */
HRQ__IN_AVX2 void hrq__table_avx2_run(hrq__sink_avx2 *s, int to, const uint8_t *maps, const uint8_t *codes,
                                      size_t supers, int bits, const hrq__decode_args *a)
{
    int i, parts = bits < 4 ? 1 : bits < 7 ? 1 << (bits - 4) : 8;
    __m256i table[16], code, low, v;
    hrq__values_avx2(table, bits == 8 ? 16 : parts, to, 1, maps, a);
    for (; supers > 0; supers--, codes += 64 * bits) {
        hrq__sink_begin_avx2(s, to, codes, 64 * (size_t)bits);
        HRQ__UNROLL
        for (i = 0; i < 16; i++) {
            code = hrq__code_over_avx2(_mm256_setzero_si256(), codes + 32 * (i % 2), bits, i / 2);
            low = bits < 8 ? code : _mm256_and_si256(code, hrq__byte_avx2(127));
            v = hrq__look_up_avx2(table, low, parts);
            if (bits == 8) v = _mm256_blendv_epi8(v, hrq__look_up_avx2(table + 8, low, parts), code);
            hrq__emit_avx2(s, to, i % 2, i / 2, v);
        }
        hrq__sink_next_avx2(s, to);
    }
}

HRQ__IN_AVX2 size_t hrq__table_avx2_all(hrq__sink_avx2 *s, int to, const uint8_t *maps, const uint8_t *codes,
                                        size_t supers, const hrq__decode_args *a)
{
    switch (a->code_bits) {
    case 2: hrq__table_avx2_run(s, to, maps, codes, supers, 2, a); break;
    case 3: hrq__table_avx2_run(s, to, maps, codes, supers, 3, a); break;
    case 4: hrq__table_avx2_run(s, to, maps, codes, supers, 4, a); break;
    case 5: hrq__table_avx2_run(s, to, maps, codes, supers, 5, a); break;
    case 6: hrq__table_avx2_run(s, to, maps, codes, supers, 6, a); break;
    case 7: hrq__table_avx2_run(s, to, maps, codes, supers, 7, a); break;
    case 8: hrq__table_avx2_run(s, to, maps, codes, supers, 8, a); break;
    default: return 0;
    }
    return 32 * supers;
}

HRQ__FN_AVX2 size_t hrq__decode_table_avx2(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                           const hrq__decode_args *a)
{
    size_t done = 0;
    int part;
    for (part = 0; part < (a->clamp > 127 ? 2 : 1); part++) {
        hrq__sink_avx2 s = hrq__sink_tile_avx2(part ? hi : lo, a);
        done = hrq__table_avx2_all(&s, HRQ__TO_TILE, a->maps + 256 * part, codes, cols8 / 32, a);
    }
    return done;
}

/* Scale indices of a half, a bit a plane of 64 bits, as bytes: from the highest bit on, twice and less a mask. */
HRQ__IN_AVX2 __m256i hrq__indices_avx2(const uint8_t *p, unsigned bits)
{
    __m256i out = _mm256_setzero_si256(), bit = _mm256_set1_epi64x((long long)0x8040201008040201u), v;
    __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    while (bits-- > 0) {
        v = _mm256_shuffle_epi8(_mm256_set1_epi32(hrq__word_at(p + 8 * bits)), spread);
        v = _mm256_cmpeq_epi8(_mm256_and_si256(v, bit), bit);
        out = _mm256_sub_epi8(_mm256_add_epi8(out, out), v);
    }
    return out;
}

/* E8' / q E8', q = 4, 8 or 16: the point nearest to zero, all in bytes. With n = label and s the parity of the lowest
   bits the residual r of 2 n + s in -q ... q - 1 has bit q of its sign; the parity of the even coset is that of the
   labels' highest bits (the spare bit of label 0 is the high one of n_7), that of the odd coset is not this bit. The
   other coset is r ^ -q, the next multiple r ^ -2 q. |r| <= q = 16: their sum, 128, and both costs, -64 ... 96, fit. */
HRQ__IN_AVX2 void hrq__voronoi_point_avx2(__m256i r[8], int bits)
{
    unsigned q = 1u << bits;
    __m256i one = hrq__byte_avx2(1), zero = _mm256_setzero_si256(), sum = zero, most, least, all = r[0], spare;
    __m256i odd0, odd1, cost0, cost1, other, target;
    int j;
    spare = _mm256_cmpeq_epi8(_mm256_and_si256(r[0], hrq__byte_avx2(q / 2)), zero); /* odd1 */
    HRQ__UNROLL
    for (j = 1; j < 8; j++) all = _mm256_xor_si256(all, r[j]);
    odd0 = _mm256_cmpeq_epi8(_mm256_and_si256(all, hrq__byte_avx2(q / 2)), hrq__byte_avx2(q / 2));
    odd1 = spare;
    all = _mm256_and_si256(all, one);
    r[0] = _mm256_and_si256(r[0], hrq__byte_avx2(q / 2 - 1));
    most = zero;
    least = hrq__byte_avx2(127);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m256i size;
        r[j] = _mm256_or_si256(_mm256_add_epi8(r[j], r[j]), all);
        if (j) r[j] = _mm256_sub_epi8(_mm256_xor_si256(r[j], hrq__byte_avx2(q)), hrq__byte_avx2(q));
        size = _mm256_abs_epi8(r[j]);
        sum = _mm256_add_epi8(sum, size);
        most = _mm256_max_epu8(most, size);
        least = _mm256_min_epu8(least, size);
    }
    cost0 = _mm256_sub_epi8(hrq__byte_avx2(q), most);
    cost0 = _mm256_and_si256(_mm256_add_epi8(cost0, cost0), odd0);
    cost1 = _mm256_and_si256(_mm256_add_epi8(least, least), odd1);
    cost1 = _mm256_add_epi8(_mm256_sub_epi8(hrq__byte_avx2(4 * q), sum), cost1);
    other = _mm256_cmpgt_epi8(cost0, cost1);
    target = _mm256_blendv_epi8(_mm256_or_si256(most, _mm256_cmpeq_epi8(odd0, zero)),
                                _mm256_or_si256(least, _mm256_cmpeq_epi8(odd1, zero)), other);
    other = _mm256_and_si256(other, hrq__byte_avx2(0u - q));
    HRQ__UNROLL
    for (j = 0; j < 8; j++) { /* the first of that size flips; 255 is none */
        __m256i hit = _mm256_cmpeq_epi8(_mm256_abs_epi8(r[j]), target);
        target = _mm256_or_si256(target, hit);
        r[j] = _mm256_xor_si256(_mm256_xor_si256(r[j], other), _mm256_and_si256(hit, hrq__byte_avx2(0u - 2 * q)));
    }
}

/* Multiples up to 255 times |r| <= 32: two products of bytes with every other multiple zero, packed with saturation. */
HRQ__IN_AVX2 __m256i hrq__multiple_avx2(__m256i r, __m256i even, __m256i odd)
{
    __m256i weave = _mm256_setr_epi64x(0x0b030a0209010800, 0x0f070e060d050c04, 0x0b030a0209010800, 0x0f070e060d050c04);
    r = _mm256_packs_epi16(_mm256_maddubs_epi16(even, r), _mm256_maddubs_epi16(odd, r));
    return _mm256_max_epi8(_mm256_shuffle_epi8(r, weave), hrq__byte_avx2(0u - 127));
}

HRQ__IN_AVX2 void hrq__voronoi_half_avx2(hrq__sink_avx2 *s, int to, int half, const uint8_t *codes, int bits,
                                         int multiples, const hrq__decode_args *a)
{
    __m256i r[8], even = s->flip, odd = s->flip, m;
    int j;
    if (multiples) {
        m = hrq__indices_avx2(codes + 64 * bits + 4 * half, a->scale_bits);
        m = _mm256_shuffle_epi8(hrq__table_avx2(a->maps), m);
        even = _mm256_and_si256(m, _mm256_set1_epi16(255));
        odd = _mm256_andnot_si256(_mm256_set1_epi16(255), m);
    }
    HRQ__UNROLL
    for (j = 0; j < 8; j++) r[j] = _mm256_setzero_si256();
    hrq__planes_avx2(r, codes + 32 * half, bits);
    hrq__voronoi_point_avx2(r, bits);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        if (multiples) r[j] = hrq__multiple_avx2(r[j], even, odd);
        hrq__emit_avx2(s, to, half, j, to == HRQ__TO_TILE ? _mm256_xor_si256(r[j], s->flip) : r[j]);
    }
}

HRQ__IN_AVX2 void hrq__voronoi_avx2(hrq__sink_avx2 *s, int to, const uint8_t *codes, size_t supers, int bits,
                                    int multiples, const hrq__decode_args *a)
{
    for (; supers > 0; supers--, codes += a->lane_bytes * 4) {
        hrq__sink_begin_avx2(s, to, codes, 64 * (size_t)bits);
        hrq__voronoi_half_avx2(s, to, 0, codes, bits, multiples, a);
        hrq__voronoi_half_avx2(s, to, 1, codes, bits, multiples, a);
        hrq__sink_next_avx2(s, to);
    }
}

HRQ__IN_AVX2 size_t hrq__voronoi_avx2_all(hrq__sink_avx2 *s, int to, const uint8_t *codes, size_t supers,
                                          const hrq__decode_args *a)
{
    int multiples = a->scale_bits > 0 || a->multiple[0] != 1;
    if (a->lattice != HRQ__LATTICE_E8 || a->layers != 1 || a->digit_bits || a->clamp != 127 || a->scale_bits > 4 ||
        a->q != 1u << a->code_bits || !a->maps[16])
        return 0;
    switch (a->code_bits << 1 | (unsigned)multiples) {
    case 4: hrq__voronoi_avx2(s, to, codes, supers, 2, 0, a); break;
    case 5: hrq__voronoi_avx2(s, to, codes, supers, 2, 1, a); break;
    case 6: hrq__voronoi_avx2(s, to, codes, supers, 3, 0, a); break;
    case 7: hrq__voronoi_avx2(s, to, codes, supers, 3, 1, a); break;
    case 8: hrq__voronoi_avx2(s, to, codes, supers, 4, 0, a); break;
    case 9: hrq__voronoi_avx2(s, to, codes, supers, 4, 1, a); break;
    default: return 0;
    }
    return 32 * supers;
}

HRQ__FN_AVX2 size_t hrq__decode_voronoi_avx2(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                             const hrq__decode_args *a)
{
    hrq__sink_avx2 s = hrq__sink_tile_avx2(lo, a);
    (void)hi;
    return hrq__voronoi_avx2_all(&s, HRQ__TO_TILE, codes, cols8 / 32, a);
}

/* Where a byte is a label's lowest bit, xored over the planes that have it: the parity of these bits, in bit 0. */
HRQ__IN_AVX2 __m256i hrq__coset_avx2(const uint8_t *codes, int bits)
{
    __m256i odd = hrq__load_avx2(codes);
    int j;
    HRQ__UNROLL
    for (j = 1; j < 4; j++)
        if (bits != 3 && j < bits) odd = _mm256_xor_si256(odd, hrq__load_avx2(codes + 64 * j));
    odd = _mm256_xor_si256(odd, hrq__srl16_avx2(odd, 4));
    if (bits < 4) odd = _mm256_xor_si256(odd, hrq__srl16_avx2(odd, 2));
    if (bits == 3) odd = _mm256_xor_si256(odd, hrq__srl16_avx2(odd, 1));
    return _mm256_and_si256(odd, hrq__byte_avx2(1));
}

/* 16 << n bytes by an index: its lowest four bits in `index`, whose bit 7 is 0 and bits 4 ... 6 anything; the others in
   bit 7 of bit[0] ... bit[n - 1]. Depth first, so that n + 1 registers do. A blend is one operation on AMD, two on
   Intel up to its 11th generation: a mask and a xor would be two, and the masks are to be made. */
HRQ__IN_AVX2 __m256i hrq__choose_avx2(const __m256i *table, __m256i index, const __m256i *bit, int n)
{
    __m256i left[5], v;
    int k, b;
    HRQ__UNROLL
    for (k = 0; k < 1 << n; k++) {
        v = _mm256_shuffle_epi8(table[k], index);
        HRQ__UNROLL
        for (b = 0; b < 4; b++) {
            if (~k & ((2 << b) - 1)) break;
            v = _mm256_blendv_epi8(left[b], v, bit[b]);
        }
        left[b] = v;
    }
    return left[n];
}

/* Box codes: class, coset and label are an index; all above the label is the block's: made once for 8 coordinates. The
   lowest four bits of an index to return, above them in `bit`. */
HRQ__IN_AVX2 __m256i hrq__box_index_avx2(__m256i bit[4], const uint8_t *codes, int half, int bits, int index_bits)
{
    __m256i above = hrq__indices_avx2(codes + 64 * bits + 4 * half, (unsigned)index_bits);
    int j;
    above = _mm256_add_epi8(_mm256_add_epi8(above, above), hrq__coset_avx2(codes + 32 * half, bits));
    above = hrq__sll16_avx2(above, bits);
    HRQ__UNROLL
    for (j = 0; j < bits + index_bits - 3; j++) bit[j] = hrq__sll16_avx2(above, 3 - j);
    return bits == 4 ? _mm256_setzero_si256() : _mm256_and_si256(above, hrq__byte_avx2(15));
}

HRQ__IN_AVX2 void hrq__box_avx2(hrq__sink_avx2 *s, int to, const uint8_t *codes, size_t supers, int bits,
                                int index_bits, const hrq__decode_args *a)
{
    __m256i table[16], bit[2][4], above[2], code;
    int i, n = bits + index_bits > 3 ? bits + index_bits - 3 : 0;
    hrq__values_avx2(table, 1 << n, to, 0, a->maps, a);
    for (; supers > 0; supers--, codes += 64 * bits + 8 * index_bits) {
        hrq__sink_begin_avx2(s, to, codes, 64 * (size_t)bits);
        above[0] = hrq__box_index_avx2(bit[0], codes, 0, bits, index_bits);
        above[1] = hrq__box_index_avx2(bit[1], codes, 1, bits, index_bits);
        HRQ__UNROLL
        for (i = 0; i < 16; i++) {
            code = hrq__code_over_avx2(above[i % 2], codes + 32 * (i % 2), bits, i / 2);
            hrq__emit_avx2(s, to, i % 2, i / 2, hrq__choose_avx2(table, code, bit[i % 2], n));
        }
        hrq__sink_next_avx2(s, to);
    }
}

HRQ__IN_AVX2 size_t hrq__box_avx2_all(hrq__sink_avx2 *s, int to, const uint8_t *codes, size_t supers,
                                      const hrq__decode_args *a)
{
    switch (a->code_bits << 4 | a->scales) {
    case 0x21: hrq__box_avx2(s, to, codes, supers, 2, 0, a); break;
    case 0x22: hrq__box_avx2(s, to, codes, supers, 2, 1, a); break;
    case 0x24: hrq__box_avx2(s, to, codes, supers, 2, 2, a); break;
    case 0x28: hrq__box_avx2(s, to, codes, supers, 2, 3, a); break;
    case 0x31: hrq__box_avx2(s, to, codes, supers, 3, 0, a); break;
    case 0x32: hrq__box_avx2(s, to, codes, supers, 3, 1, a); break;
    case 0x34: hrq__box_avx2(s, to, codes, supers, 3, 2, a); break;
    case 0x38: hrq__box_avx2(s, to, codes, supers, 3, 3, a); break;
    case 0x41: hrq__box_avx2(s, to, codes, supers, 4, 0, a); break;
    case 0x42: hrq__box_avx2(s, to, codes, supers, 4, 1, a); break;
    case 0x44: hrq__box_avx2(s, to, codes, supers, 4, 2, a); break;
    case 0x48: hrq__box_avx2(s, to, codes, supers, 4, 3, a); break;
    default: return 0;
    }
    return 32 * supers;
}

HRQ__FN_AVX2 size_t hrq__decode_box_avx2(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                         const hrq__decode_args *a)
{
    hrq__sink_avx2 s = hrq__sink_tile_avx2(lo, a);
    (void)hi;
    return hrq__box_avx2_all(&s, HRQ__TO_TILE, codes, cols8 / 32, a);
}

/* Hash of the window at step j: the xor of its nibbles' hashes, as H is linear. */
HRQ__IN_AVX2 __m256i hrq__hash_avx2(const __m256i nibble[6], const uint8_t *maps, int j, int window)
{
    __m256i hash = _mm256_setzero_si256();
    int n, first = hrq__nibble_first(j);
    HRQ__UNROLL
    for (n = 0; n < HRQ__NIBBLES; n++)
        if (4 * (first + n) <= 16 + j && 4 * (first + n) + 3 > 16 + j - window)
            hash = _mm256_xor_si256(
                hash, _mm256_shuffle_epi8(hrq__table_avx2(maps + (j * HRQ__NIBBLES + n) * 16), nibble[first + n]));
    return hash;
}

/* Levels at step j of one or two halves; all but plus is to be negated: where the highest raw bit is 0 the rest of the
   index is complemented, as the upper half is a table. Steps go down from 7: an addition then brings each next raw bit
   to bit 7. Of two tables that bit 7 of the hash chooses between, a shuffle gives 0 in one. */
HRQ__IN_AVX2 void hrq__trellis_step_avx2(__m256i v[2], __m256i plus[2], __m256i raw[2][3], const __m256i *table, int j,
                                         int raws, int parities, int halves)
{
    int top = raws == 1 ? 0 : (raws & 1) + j % 2, pairs = 1 << (raws + parities - 6), n, k, h, bits = 0;
    __m256i other[2], bit[2][3], left[2][3], t;
    HRQ__UNROLL
    for (h = 0; h < halves; h++) {
        bits = 0;
        plus[h] = _mm256_cmpgt_epi8(_mm256_setzero_si256(), raw[h][top]);
        v[h] = _mm256_xor_si256(v[h], plus[h]);
        other[h] = _mm256_xor_si256(v[h], hrq__byte_avx2(128));
        if (parities == 6) bit[h][bits++] = _mm256_add_epi8(v[h], v[h]);
        raw[h][top] = _mm256_add_epi8(raw[h][top], raw[h][top]);
        if (raws == 3) {
            bit[h][bits++] = _mm256_xor_si256(raw[h][0], plus[h]);
            raw[h][0] = _mm256_add_epi8(raw[h][0], raw[h][0]);
        }
        if (raws > 1) {
            bit[h][bits++] = _mm256_xor_si256(raw[h][top], plus[h]);
            raw[h][top] = _mm256_add_epi8(raw[h][top], raw[h][top]);
        }
    }
    HRQ__UNROLL
    for (k = 0; k < pairs; k++) HRQ__UNROLL
    for (h = 0; h < halves; h++) {
        t = _mm256_xor_si256(_mm256_shuffle_epi8(table[2 * k], v[h]), _mm256_shuffle_epi8(table[2 * k + 1], other[h]));
        HRQ__UNROLL
        for (n = 0; n < 2; n++) {
            if (~k & ((2 << n) - 1)) break;
            t = _mm256_blendv_epi8(left[h][n], t, bit[h][n]);
        }
        left[h][n] = t;
    }
    HRQ__UNROLL
    for (h = 0; h < halves; h++) v[h] = left[h][bits];
}

HRQ__IN_AVX2 void hrq__nibbles_avx2(__m256i nibble[2], __m256i v)
{
    nibble[0] = _mm256_and_si256(v, hrq__byte_avx2(15));
    nibble[1] = _mm256_and_si256(hrq__srl16_avx2(v, 4), hrq__byte_avx2(15));
}

/* The planes of raw bits. */
HRQ__IN_AVX2 void hrq__raws_avx2(__m256i raw[3], const uint8_t *p, int raws)
{
    int i;
    HRQ__UNROLL
    for (i = 0; i < raws; i++) raw[i] = hrq__load_avx2(p + 64 * i);
}

/* past: nibbles of the two bytes before, moved on. window: at least that of the masks; the nibbles beyond it have
   tables of zeros. Two halves side by side share the loads of tables, of which there are more than registers, and the
   waits for raw bits that spill; next to the stores of a tile one after the other is quicker. */
HRQ__IN_AVX2 void hrq__trellis_halves_avx2(hrq__sink_avx2 *s, int to, int half, int halves, const uint8_t *codes,
                                           __m256i past[2][4], const __m256i table[8], int window, int raws,
                                           int parities, const uint8_t *maps)
{
    __m256i nibble[2][6], raw[2][3], v[2], plus[2];
    int j, h;
    HRQ__UNROLL
    for (h = 0; h < halves; h++) {
        HRQ__UNROLL
        for (j = 0; j < 4; j++) nibble[h][j] = past[half + h][j];
        hrq__nibbles_avx2(nibble[h] + 4, hrq__load_avx2(codes + 32 * (half + h)));
        HRQ__UNROLL
        for (j = 0; j < 4; j++) past[half + h][j] = nibble[h][j + 2];
        hrq__raws_avx2(raw[h], codes + 64 + 32 * (half + h), raws);
    }
    HRQ__UNROLL
    for (j = 7; j >= 0; j--) {
        HRQ__UNROLL
        for (h = 0; h < halves; h++) v[h] = hrq__hash_avx2(nibble[h], maps, j, window);
        hrq__trellis_step_avx2(v, plus, raw, table, j, raws, parities, halves);
        HRQ__UNROLL
        for (h = 0; h < halves; h++) hrq__emit_plus_avx2(s, to, half + h, j, v[h], plus[h]);
    }
}

HRQ__IN_AVX2 void hrq__trellis_avx2(hrq__sink_avx2 *s, int to, const uint8_t *codes, size_t supers, int window,
                                    int raws, int parities, const hrq__decode_args *a)
{
    __m256i past[2][4], table[8];
    uint8_t last[64];
    size_t i, step = 64 * (1 + (size_t)raws);
    hrq__tables_avx2(table, a->maps + HRQ__LEVELS_AT, 1 << (raws + parities - 5));
    for (i = 0; i < 2; i++) {
        hrq__nibbles_avx2(past[i], hrq__load_avx2(a->past + 64 + 32 * i));
        hrq__nibbles_avx2(past[i] + 2, hrq__load_avx2(a->past + 32 * i));
    }
    memcpy(last, a->past, sizeof last);
    for (i = 0; i < supers; i++, codes += step) {
        hrq__sink_begin_avx2(s, to, codes, step);
        if (to == HRQ__TO_TILE) {
            hrq__trellis_halves_avx2(s, to, 0, 1, codes, past, table, window, raws, parities, a->maps);
            hrq__trellis_halves_avx2(s, to, 1, 1, codes, past, table, window, raws, parities, a->maps);
        } else {
            hrq__trellis_halves_avx2(s, to, 0, 2, codes, past, table, window, raws, parities, a->maps);
        }
        hrq__sink_next_avx2(s, to);
    }
    memcpy(a->past + 64, supers > 1 ? codes - 2 * step : last, sizeof last);
    memcpy(a->past, codes - step, sizeof last);
}

/* Four planes of half a superblock, bytes of them [plane][lane] turned to [lane][plane]: rows i and i + 4 in the halves
   of register i. */
HRQ__IN_AVX2 void hrq__turn4_avx2(__m256i v[4], const uint8_t *p)
{
    __m256i a = hrq__load_avx2(p), b = hrq__load_avx2(p + 64), c = hrq__load_avx2(p + 128), d = hrq__load_avx2(p + 192);
    __m256i ab = _mm256_unpacklo_epi8(a, b), cd = _mm256_unpacklo_epi8(c, d);
    v[0] = _mm256_unpacklo_epi16(ab, cd);
    v[1] = _mm256_unpackhi_epi16(ab, cd);
    ab = _mm256_unpackhi_epi8(a, b);
    cd = _mm256_unpackhi_epi8(c, d);
    v[2] = _mm256_unpacklo_epi16(ab, cd);
    v[3] = _mm256_unpackhi_epi16(ab, cd);
}

/* Words [8 registers][8] to [8][register's number]. */
HRQ__IN_AVX2 void hrq__turn_avx2(__m256i v[8])
{
    __m256i t[8], a, b, c, d;
    int i;
    HRQ__UNROLL
    for (i = 0; i < 8; i += 4) {
        a = _mm256_unpacklo_epi32(v[i], v[i + 1]);
        b = _mm256_unpacklo_epi32(v[i + 2], v[i + 3]);
        c = _mm256_unpackhi_epi32(v[i], v[i + 1]);
        d = _mm256_unpackhi_epi32(v[i + 2], v[i + 3]);
        t[i] = _mm256_unpacklo_epi64(a, b);
        t[i + 1] = _mm256_unpackhi_epi64(a, b);
        t[i + 2] = _mm256_unpacklo_epi64(c, d);
        t[i + 3] = _mm256_unpackhi_epi64(c, d);
    }
    HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        v[i] = _mm256_permute2x128_si256(t[i], t[i + 4], 0x20);
        v[i + 4] = _mm256_permute2x128_si256(t[i], t[i + 4], 0x31);
    }
}

/* Time down the rows: a register is a row's 32 columns. The bytes before are those of the other half, of these rows and
   of the 16 rows before. Products add up by columns mod 8 of each row, without a broadcast of x; at the end they are
   turned and added. */
HRQ__IN_AVX2 void hrq__column_super_avx2(hrq__sink_avx2 *s, int to, const uint8_t *codes, __m256i acc[2][8],
                                         const __m256i table[8], int window, int raws, int parities,
                                         const hrq__decode_args *a)
{
    __m256i nibble[2][6], raw[2][3], v[8][2], plus[2];
    int j, h;
    HRQ__UNROLL
    for (h = 0; h < 2; h++) {
        hrq__nibbles_avx2(nibble[h], hrq__load_avx2(codes + a->prior + 32 * h));
        hrq__nibbles_avx2(nibble[h] + 2, hrq__load_avx2(h ? codes : codes + a->prior + 32));
        hrq__nibbles_avx2(nibble[h] + 4, hrq__load_avx2(codes + 32 * h));
        hrq__raws_avx2(raw[h], codes + 64 + 32 * h, raws);
    }
    HRQ__UNROLL
    for (j = 7; j >= 0; j--) {
        v[j][0] = hrq__hash_avx2(nibble[0], a->maps, j, window);
        v[j][1] = hrq__hash_avx2(nibble[1], a->maps, j, window);
        hrq__trellis_step_avx2(v[j], plus, raw, table, j, raws, parities, 2);
        HRQ__UNROLL
        for (h = 0; h < 2; h++) {
            __m256i turn = to == HRQ__TO_TILE ? hrq__byte_avx2(0u - 2) : hrq__load_avx2(s->turn);
            v[j][h] = _mm256_sign_epi8(v[j][h], _mm256_xor_si256(plus[h], turn));
            if (to == HRQ__TO_TILE) {
                v[j][h] = _mm256_xor_si256(v[j][h], s->flip);
            } else {
                v[j][h] = _mm256_maddubs_epi16(hrq__load_avx2(s->size), v[j][h]);
                acc[h][j] = _mm256_add_epi32(acc[h][j], _mm256_madd_epi16(v[j][h], _mm256_set1_epi16(1)));
            }
        }
    }
    if (to != HRQ__TO_TILE) return;
    HRQ__UNROLL
    for (h = 0; h < 2; h++) {
        __m256i out[8];
        HRQ__UNROLL
        for (j = 0; j < 8; j++) out[j] = v[j][h];
        hrq__turn_avx2(out);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) hrq__emit_avx2(s, to, h, j, out[j]);
    }
}

HRQ__IN_AVX2 void hrq__column_avx2(hrq__sink_avx2 *s, int to, const uint8_t *codes, size_t supers, int window,
                                   int raws, int parities, const hrq__decode_args *a)
{
    __m256i acc[2][8], table[8];
    int i, j;
    for (i = 0; i < 16; i++) acc[i / 8][i % 8] = _mm256_setzero_si256();
    hrq__tables_avx2(table, a->maps + HRQ__LEVELS_AT, 1 << (raws + parities - 5));
    for (; supers > 0; supers--, codes += 64 * (1 + raws)) {
        hrq__sink_begin_avx2(s, to, codes, 64 * (1 + (size_t)raws));
        hrq__column_super_avx2(s, to, codes, acc, table, window, raws, parities, a);
        hrq__sink_next_avx2(s, to);
    }
    for (i = 0; i < 2 && to != HRQ__TO_TILE; i++) {
        hrq__turn_avx2(acc[i]);
        for (j = 0; j < 8; j++) s->acc[i] = _mm256_add_epi32(s->acc[i], acc[i][j]);
    }
}

/* column: time runs down the rows. */
HRQ__IN_AVX2 void hrq__trellis_avx2_run(hrq__sink_avx2 *s, int to, const uint8_t *codes, size_t supers, int column,
                                        int window, int raws, int parities, const hrq__decode_args *a)
{
    if (column) hrq__column_avx2(s, to, codes, supers, window, raws, parities, a);
    else hrq__trellis_avx2(s, to, codes, supers, window, raws, parities, a);
}

HRQ__IN_AVX2 size_t hrq__trellis_avx2_all(hrq__sink_avx2 *s, int to, const uint8_t *codes, size_t supers, int column,
                                          const hrq__decode_args *a)
{
    unsigned i, all = 0;
    if (supers == 0) return 0;
    for (i = 0; i < a->parities; i++) all |= a->hash[i];
    switch ((a->code_bits << 4 | a->parities) << 1 | (all >> 11 != 0)) { /* windows of 11 bits and of 16 */
    case 0x15 << 1: hrq__trellis_avx2_run(s, to, codes, supers, column, 11, 1, 5, a); break;
    case 0x26 << 1: hrq__trellis_avx2_run(s, to, codes, supers, column, 11, 2, 6, a); break;
    case 0x35 << 1: hrq__trellis_avx2_run(s, to, codes, supers, column, 11, 3, 5, a); break;
    case 0x15 << 1 | 1: hrq__trellis_avx2_run(s, to, codes, supers, column, 16, 1, 5, a); break;
    case 0x26 << 1 | 1: hrq__trellis_avx2_run(s, to, codes, supers, column, 16, 2, 6, a); break;
    case 0x35 << 1 | 1: hrq__trellis_avx2_run(s, to, codes, supers, column, 16, 3, 5, a); break;
    default: return 0;
    }
    return 32 * supers;
}

HRQ__FN_AVX2 size_t hrq__decode_trellis_avx2(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                             const hrq__decode_args *a)
{
    hrq__sink_avx2 s = hrq__sink_tile_avx2(lo, a);
    (void)hi;
    return hrq__trellis_avx2_all(&s, HRQ__TO_TILE, codes, cols8 / 32, 0, a);
}

HRQ__FN_AVX2 size_t hrq__decode_column_avx2(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                            const hrq__decode_args *a)
{
    hrq__sink_avx2 s = hrq__sink_tile_avx2(lo, a);
    (void)hi;
    return hrq__trellis_avx2_all(&s, HRQ__TO_TILE, codes, cols8 / 32, 1, a);
}

/* ---- one vector: decoded registers go straight into the products ---- */

/* A superblock: codes as they are, unsigned, times the vector's bytes. A pair is at most 2 * (2^bits - 1) * 127; 8 of
   them fit 16 bits up to 4 bits a code (30480), then 4 (31496), 2 (32004), 1 (32258). 8 bits would saturate: values
   then, |value| times the vector with its sign (32512). */
HRQ__IN_AVX2 void hrq__one_super_avx2(__m256i acc[2], const uint8_t *codes, const int8_t *x, int bits)
{
    __m256i one = _mm256_set1_epi16(1), code[8], pair, sum = _mm256_setzero_si256();
    int half, j, deep = bits <= 4 ? 8 : bits < 8 ? 8 >> (bits - 4) : 1;
    hrq__prefetch_avx2(codes, 64 * (size_t)bits);
    HRQ__UNROLL
    for (half = 0; half < 2; half++) {
        HRQ__UNROLL
        for (j = 0; j < 8; j++) code[j] = _mm256_setzero_si256();
        hrq__planes_avx2(code, codes + 32 * half, bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            pair = _mm256_set1_epi32(hrq__word_at(x + 4 * j));
            if (bits == 8) {
                code[j] = _mm256_xor_si256(code[j], hrq__byte_avx2(128));
                pair = _mm256_sign_epi8(pair, code[j]);
                code[j] = _mm256_abs_epi8(code[j]);
            }
            pair = _mm256_maddubs_epi16(code[j], pair);
            sum = j % deep ? _mm256_add_epi16(sum, pair) : pair;
            if (j % deep == deep - 1) acc[half] = _mm256_add_epi32(acc[half], _mm256_madd_epi16(sum, one));
        }
    }
}

/* Groups of `per` superblocks; all of them are one where there are no groups. What the codes have over the values, half
   their range, comes off with the zero points: times the sum of the vector's columns. */
HRQ__IN_AVX2 void hrq__one_int_avx2_run(void *sum, const uint8_t *codes, size_t supers, size_t per,
                                        const hrq__vectors *x, const hrq__groups *g, int bits)
{
    size_t done, at, i;
    for (done = 0; done < supers; done += per) {
        __m256i acc[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()}, part, zero;
        const int32_t *sums = x->sums + 4 * done;
        __m256i all = _mm256_set1_epi32((int32_t)((uint32_t)sums[4 * per] - (uint32_t)sums[0]));
        for (i = done; i < done + per; i++, codes += 64 * bits)
            hrq__one_super_avx2(acc, codes, x->x + 32 * i, bits);
        for (i = 0; i < 16; i += 8) {
            int32_t *to = (int32_t *)sum + i;
            float *total = (float *)sum + i;
            at = done / per * HRQ_PANEL + i;
            zero = _mm256_set1_epi32(bits < 8 ? 1 << (bits - 1) : 0);
            if (g && g->zero) zero = _mm256_add_epi32(zero, hrq__load_avx2(g->zero + at));
            part = _mm256_sub_epi32(acc[i / 8], _mm256_mullo_epi32(all, zero));
            if (g)
                _mm256_storeu_ps(total, _mm256_fmadd_ps(_mm256_cvtepi32_ps(part), _mm256_loadu_ps(g->scale + at),
                                                        _mm256_loadu_ps(total)));
            else hrq__store_avx2(to, _mm256_add_epi32(hrq__load_avx2(to), part));
        }
    }
}

HRQ__FN_AVX2 size_t hrq__one_int_avx2(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                      const hrq__vectors *x, const hrq__groups *g)
{
    size_t per = g ? g->group / 32 : cols8 / 32, supers = g ? cols8 / g->group * per : per;
    if (g && g->group % 32) return 0;
    switch (a->code_bits) {
    case 1: hrq__one_int_avx2_run(sum, codes, supers, per, x, g, 1); break;
    case 2: hrq__one_int_avx2_run(sum, codes, supers, per, x, g, 2); break;
    case 3: hrq__one_int_avx2_run(sum, codes, supers, per, x, g, 3); break;
    case 4: hrq__one_int_avx2_run(sum, codes, supers, per, x, g, 4); break;
    case 5: hrq__one_int_avx2_run(sum, codes, supers, per, x, g, 5); break;
    case 6: hrq__one_int_avx2_run(sum, codes, supers, per, x, g, 6); break;
    case 7: hrq__one_int_avx2_run(sum, codes, supers, per, x, g, 7); break;
    case 8: hrq__one_int_avx2_run(sum, codes, supers, per, x, g, 8); break;
    default: return 0;
    }
    return 32 * supers;
}

HRQ__FN_AVX2 size_t hrq__one_table_avx2(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                        const hrq__vectors *x, const hrq__groups *g)
{
    uint8_t room[64];
    hrq__sink_avx2 s = hrq__sink_one_avx2(room, sum, x, g);
    int to;
    size_t supers = hrq__sink_supers(cols8, g, &to), done = 0;
    if (a->code_bits == 8) return 0; /* may be -128, which has no negative */
    if (to == HRQ__TO_INTEGERS) done = hrq__table_avx2_all(&s, HRQ__TO_INTEGERS, a->maps, codes, supers, a);
    else if (to == HRQ__TO_GROUPS32) done = hrq__table_avx2_all(&s, HRQ__TO_GROUPS32, a->maps, codes, supers, a);
    else if (a->code_bits == 4)
        hrq__table_avx2_run(&s, HRQ__TO_GROUPS16, a->maps, codes, supers, 4, a), done = 32 * supers;
    if (done) hrq__sink_end_avx2(sum, &s);
    return done;
}

/* Codes without groups: `run` is what decodes them into the sink. */
    #define HRQ__ONE_WHOLE_AVX2(name, run)                                                                             \
        HRQ__FN_AVX2 size_t name(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,             \
                                 const hrq__vectors *x, const hrq__groups *g)                                          \
        {                                                                                                              \
            uint8_t room[64];                                                                                          \
            hrq__sink_avx2 s = hrq__sink_one_avx2(room, sum, x, NULL);                                                 \
            size_t done = g ? 0 : run;                                                                                 \
            if (done) hrq__sink_end_avx2(sum, &s);                                                                     \
            return done;                                                                                               \
        }

HRQ__ONE_WHOLE_AVX2(hrq__one_voronoi_avx2, hrq__voronoi_avx2_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, a))
HRQ__ONE_WHOLE_AVX2(hrq__one_box_lanes_avx2, hrq__box_avx2_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, a))
HRQ__ONE_WHOLE_AVX2(hrq__one_trellis_avx2, hrq__trellis_avx2_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, 0, a))
HRQ__ONE_WHOLE_AVX2(hrq__one_column_avx2, hrq__trellis_avx2_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, 1, a))

/* Box codes of 4 bits and several classes have too many tables to choose among lane by lane. Here blocks are turned to
   lie as eight bytes, and each takes its table by a load. A register has two blocks of row i of a half and two of row
   i + 4: tables come in pairs, one for each half of a register. */
enum { HRQ__BOX_RUN = 16 };
typedef struct hrq__box_rows_avx2 {
    uint8_t pair[256 * 32];           /* [table of row i + 4][table of row i][32]                                  */
    uint8_t x[2][2][32];              /* a superblock's [columns congruent 0, 1; 2, 3 mod 4][x, |x|]               */
    uint16_t at[HRQ__BOX_RUN][2][16]; /* [superblock][half][row i, column mod 4]: its pair, in steps of 8 bytes    */
} hrq__box_rows_avx2;

/* The same in both halves of a register. */
HRQ__IN_AVX2 void hrq__box_x_avx2(hrq__box_rows_avx2 *b, const int8_t *x)
{
    const __m128i turn = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m256i low = hrq__table_avx2((const uint8_t *)x), high = hrq__table_avx2((const uint8_t *)x + 16), v;
    int i;
    low = _mm256_shuffle_epi8(low, _mm256_broadcastsi128_si256(turn));
    high = _mm256_shuffle_epi8(high, _mm256_broadcastsi128_si256(turn));
    HRQ__UNROLL
    for (i = 0; i < 2; i++) {
        v = i ? _mm256_unpackhi_epi32(low, high) : _mm256_unpacklo_epi32(low, high);
        hrq__store_avx2(b->x[i][0], v);
        hrq__store_avx2(b->x[i][1], _mm256_abs_epi8(v));
    }
    HRQ__OPAQUE_BYTES(b->x, sizeof b->x);
}

/* Of a superblock. Lanes of rows i and i + 4 lie beside each other, and a product of bytes makes one number of two. */
HRQ__IN_AVX2 void hrq__box_at_avx2(uint16_t at[2][16], const uint8_t *codes, int index_bits)
{
    const __m256i weave = _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0f070e060d050c04, 0x0b030a0209010800));
    const __m256i spread = _mm256_setr_epi64x(0x0200020002000200, 0x0200020002000200, 0x0301030103010301,
                                              0x0301030103010301);
    const __m256i bit =
        _mm256_broadcastsi128_si256(_mm_set_epi64x((long long)0x8080404020201010u, 0x0808040402020101));
    __m256i set, v;
    int half, i;
    HRQ__UNROLL
    for (half = 0; half < 2; half++) {
        set = _mm256_setzero_si256();
        HRQ__UNROLL
        for (i = index_bits - 1; i >= 0; i--) {
            v = _mm256_set1_epi32(hrq__word_at(codes + 256 + 8 * i + 4 * half));
            v = _mm256_and_si256(_mm256_shuffle_epi8(v, spread), bit);
            set = _mm256_sub_epi8(_mm256_add_epi8(set, set), _mm256_cmpeq_epi8(v, bit));
        }
        v = _mm256_permute4x64_epi64(hrq__coset_avx2(codes + 32 * half, 4), 0xd8);
        set = _mm256_add_epi8(_mm256_add_epi8(set, set), _mm256_shuffle_epi8(v, weave));
        v = _mm256_set1_epi16((short)(4 | 8 << index_bits << 8));
        hrq__store_avx2(at[half], _mm256_maddubs_epi16(v, set));
    }
}

/* Products of two blocks each of two rows. */
HRQ__IN_AVX2 __m256i hrq__box_two_avx2(const hrq__box_rows_avx2 *b, int i, const uint16_t *at, __m256i label)
{
    __m256i v;
    label = _mm256_and_si256(label, hrq__byte_avx2(15));
    v = _mm256_shuffle_epi8(hrq__load_avx2(b->pair + 8 * (size_t)at[0]), label);
    v = _mm256_blend_epi32(v, _mm256_shuffle_epi8(hrq__load_avx2(b->pair + 8 * (size_t)at[1]), label), 0xcc);
    v = _mm256_sign_epi8(v, hrq__load_avx2(b->x[i][0]));
    return _mm256_madd_epi16(_mm256_maddubs_epi16(hrq__load_avx2(b->x[i][1]), v), _mm256_set1_epi16(1));
}

HRQ__IN_AVX2 void hrq__box_half_avx2(const hrq__box_rows_avx2 *b, __m256i acc[4], const uint8_t *codes,
                                     const uint16_t at[16])
{
    __m256i v[4], high, part;
    int i;
    hrq__turn4_avx2(v, codes);
    HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        high = hrq__srl16_avx2(v[i], 4);
        part = hrq__box_two_avx2(b, 0, at + 4 * i, _mm256_unpacklo_epi32(v[i], high));
        acc[i] = _mm256_add_epi32(acc[i], part);
        part = hrq__box_two_avx2(b, 1, at + 4 * i + 2, _mm256_unpackhi_epi32(v[i], high));
        acc[i] = _mm256_add_epi32(acc[i], part);
    }
}

HRQ__IN_AVX2 size_t hrq__box_rows_avx2_run(int32_t *sum, const uint8_t *codes, size_t supers, const int8_t *x,
                                           int index_bits, const hrq__decode_args *a)
{
    HRQ__ALIGNED hrq__box_rows_avx2 b;
    __m256i acc[2][4], v;
    size_t i, j, some, left, sets = (size_t)2 << index_bits, step = 256 + 8 * (size_t)index_bits;
    for (i = 0; i < sets * sets; i++) {
        v = hrq__table_avx2(a->maps + 16 * (i / sets));
        v = _mm256_blend_epi32(hrq__table_avx2(a->maps + 16 * (i % sets)), v, 0xf0);
        hrq__store_avx2(b.pair + 32 * i, _mm256_xor_si256(v, hrq__byte_avx2(a->flip)));
    }
    for (i = 0; i < 8; i++) acc[i / 4][i % 4] = _mm256_setzero_si256();
    for (left = supers; left > 0; left -= some) { /* places first: a chain from codes to tables is long */
        some = hrq__min_size(left, HRQ__BOX_RUN);
        for (i = 0; i < some; i++) hrq__box_at_avx2(b.at[i], codes + i * step, index_bits);
        for (j = 0; j < some; j++, codes += step, x += 32) {
            hrq__prefetch_avx2(codes, 256);
            hrq__box_x_avx2(&b, x);
            hrq__box_half_avx2(&b, acc[0], codes, b.at[j][0]);
            hrq__box_half_avx2(&b, acc[1], codes + 32, b.at[j][1]);
        }
    }
    for (i = 0; i < 2; i++) {
        v = _mm256_hadd_epi32(_mm256_hadd_epi32(acc[i][0], acc[i][1]), _mm256_hadd_epi32(acc[i][2], acc[i][3]));
        hrq__store_avx2(sum + 8 * i, _mm256_add_epi32(hrq__load_avx2(sum + 8 * i), v));
    }
    return 32 * supers;
}

HRQ__FN_AVX2 size_t hrq__one_box_avx2(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                      const hrq__vectors *x, const hrq__groups *g)
{
    size_t supers = cols8 / 32;
    if (g) return 0;
    switch (a->code_bits << 4 | a->scales) {
    case 0x42: return hrq__box_rows_avx2_run((int32_t *)sum, codes, supers, x->x, 1, a);
    case 0x44: return hrq__box_rows_avx2_run((int32_t *)sum, codes, supers, x->x, 2, a);
    case 0x48: return hrq__box_rows_avx2_run((int32_t *)sum, codes, supers, x->x, 3, a);
    default: return hrq__one_box_lanes_avx2(sum, codes, cols8, a, x, g);
    }
}

/* ---- dot ---- */

/* Up to four vectors' columns, so many at most, taken apart: |x|, and ones where x < 0. */
enum { HRQ__SPLIT = 512 };
typedef struct hrq__split_avx2 {
    uint8_t size[4][HRQ__SPLIT], ones[4][HRQ__SPLIT];
    int32_t minus[HRQ__SPLIT / 8][4]; /* sums of -x over the x < 0 among 8 columns, of each vector */
} hrq__split_avx2;

HRQ__IN_AVX2 void hrq__split_avx2_run(hrq__split_avx2 *s, const int8_t *x, size_t ldx, size_t n, int m)
{
    size_t at;
    int t;
    for (at = 0; at < n; at += 32) {
        __m256i sum[4], low, high;
        HRQ__UNROLL
        for (t = 0; t < 4; t++) {
            __m256i v = _mm256_setzero_si256(), size, ones;
            if (t < m) HRQ__PREFETCH((uintptr_t)x + (size_t)(m + t) * ldx + at); /* those that come next */
            if (t < m && n - at >= 32) {
                v = hrq__load_avx2(x + (size_t)t * ldx + at);
            } else if (t < m) {
                uint8_t last[32] = {0};
                memcpy(last, x + (size_t)t * ldx + at, n - at);
                v = hrq__load_avx2(last);
            }
            size = _mm256_abs_epi8(v);
            ones = _mm256_cmpgt_epi8(_mm256_setzero_si256(), v);
            if (t < m) hrq__store_avx2(s->size[t] + at, size);
            if (t < m) hrq__store_avx2(s->ones[t] + at, ones);
            sum[t] = _mm256_sad_epu8(_mm256_and_si256(size, ones), _mm256_setzero_si256());
        }
        low = _mm256_or_si256(sum[0], _mm256_slli_epi64(sum[1], 32));
        high = _mm256_or_si256(sum[2], _mm256_slli_epi64(sum[3], 32));
        sum[0] = _mm256_unpacklo_epi64(low, high);
        sum[1] = _mm256_unpackhi_epi64(low, high);
        hrq__store_avx2(s->minus[at / 8], _mm256_permute2x128_si256(sum[0], sum[1], 0x20));
        hrq__store_avx2(s->minus[at / 8 + 2], _mm256_permute2x128_si256(sum[0], sum[1], 0x31));
    }
}

HRQ__IN_AVX2 __m128i hrq__minus_avx2(const hrq__split_avx2 *s, size_t from, size_t end)
{
    __m128i sum = _mm_setzero_si128();
    for (; from < end; from += 8)
        sum = _mm_add_epi32(sum, _mm_loadu_si128((const __m128i *)(const void *)s->minus[from / 8]));
    return sum;
}

/* |x| unsigned times value xor ones, which is -value - 1 where x < 0, so that the products there are |x| too small:
   `minus` goes on top. 2 * 127 * 128 = 32512 fits the int16 of maddubs, where value + 128 unsigned would saturate. A
   negation (vpsignb) would contend with the multiplications for ports. M vectors, R registers of 8 rows: M R
   accumulators. */
HRQ__IN_AVX2 void hrq__dot_avx2_tile(__m256i *acc, const uint8_t *tile, size_t step, const hrq__split_avx2 *s,
                                     size_t from, size_t end, int m, int r)
{
    __m256i v[4], size, ones, one = _mm256_set1_epi16(1);
    int t, i;
    for (; from < end; from += 4, tile += step) {
        HRQ__UNROLL
        for (t = 0; t < m; t++) { /* all multiplications of one kind, then of the other: 3 % */
            size = _mm256_set1_epi32(hrq__word_at(s->size[t] + from));
            ones = _mm256_set1_epi32(hrq__word_at(s->ones[t] + from));
            HRQ__UNROLL
            for (i = 0; i < r; i++)
                v[i] = _mm256_maddubs_epi16(size, _mm256_xor_si256(hrq__load_avx2(tile + 32 * i), ones));
            HRQ__UNROLL
            for (i = 0; i < r; i++)
                acc[r * t + i] = _mm256_add_epi32(acc[r * t + i], _mm256_madd_epi16(v[i], one));
            if (m > 1) HRQ__STEP(); /* a load in an xor costs nothing; kept for the next vector it is an instruction */
        }
    }
}

HRQ__IN_AVX2 void hrq__dot_s8_avx2_block(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth,
                                         const hrq__vectors *x, size_t t0, int m, int r)
{
    hrq__split_avx2 s;
    size_t from, n, p, rows = 16 * panels;
    int t;
    for (from = 0; from < depth; from += n) {
        __m128i minus;
        int32_t more[4];
        n = hrq__min_size(depth - from, HRQ__SPLIT);
        hrq__split_avx2_run(&s, x->x + t0 * x->ldx + from, x->ldx, n, m);
        minus = hrq__minus_avx2(&s, 0, n);
        _mm_storeu_si128((__m128i *)(void *)more, minus);
        for (p = 0; p < panels; p += (size_t)r / 2) {
            int32_t *out = acc + t0 * rows + 16 * p;
            __m256i sum[8];
            HRQ__UNROLL
            for (t = 0; t < m * r; t++)
                sum[t] = _mm256_add_epi32(hrq__load_avx2(out + (size_t)(t / r) * rows + 8 * (t % r)),
                                          _mm256_set1_epi32(more[t / r]));
            hrq__dot_avx2_tile(sum, tile + from * rows + 64 * p, 4 * rows, &s, 0, n, m, r);
            HRQ__UNROLL
            for (t = 0; t < m * r; t++) hrq__store_avx2(out + (size_t)(t / r) * rows + 8 * (t % r), sum[t]);
        }
    }
}

/* Narrow tiles, of four panels. Where the values span little, value - least is unsigned and meets the vector as it is,
   not split, and int16 holds the sums of a run of quads, 2 * 127 * span * quads <= 32767, before vpmaddwd: half of the
   arithmetic. least * sum of the vector goes on top. What a tile holds counts, not its format: int4 spans 15, E2M1 in
   halves 24. Runs shorter than four quads save nothing. */
enum { HRQ__NARROW_BYTES = 16384, HRQ__NARROW_VECTORS = 8, HRQ__NARROW_QUADS = 4, HRQ__NARROW_LONGEST = 32 };
typedef struct hrq__narrow_avx2 {
    HRQ__ALIGNED uint8_t tile[HRQ__NARROW_BYTES];           /* value - least                           */
    HRQ__ALIGNED int32_t sums[HRQ__NARROW_BYTES / 512][64]; /* of groups, of two panels and vectors */
    int32_t least;
    size_t quads; /* of a run, even */
} hrq__narrow_avx2;

/* The least of 16 unsigned bytes. */
HRQ__IN_AVX2 int hrq__least_avx2(__m128i v)
{
    return _mm_cvtsi128_si32(_mm_minpos_epu16(_mm_min_epu8(v, _mm_srli_epi16(v, 8)))) & 255;
}

/* 0: not narrow. Wide tiles mostly show it in their first 1024 bytes. bytes: a multiple of 128. */
HRQ__IN_AVX2 int hrq__narrow_avx2_make(hrq__narrow_avx2 *to, const uint8_t *tile, size_t bytes)
{
    __m256i low[4], high[4], v;
    __m128i ends[2];
    size_t i = 0, end, span = 0;
    int k;
    to->least = 0;
    HRQ__UNROLL
    for (k = 0; k < 4; k++) low[k] = high[k] = _mm256_setzero_si256();
    while (i < bytes) {
        for (end = hrq__min_size(bytes, i + 1024); i < end; i += 128) HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            v = hrq__load_avx2(tile + i + 32 * k);
            low[k] = _mm256_min_epi8(low[k], v);
            high[k] = _mm256_max_epi8(high[k], v);
        }
        v = _mm256_min_epi8(_mm256_min_epi8(low[0], low[1]), _mm256_min_epi8(low[2], low[3]));
        ends[0] = _mm_min_epi8(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        v = _mm256_max_epi8(_mm256_max_epi8(high[0], high[1]), _mm256_max_epi8(high[2], high[3]));
        ends[1] = _mm_max_epi8(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        to->least = hrq__least_avx2(_mm_xor_si128(ends[0], _mm_set1_epi8(-128))) - 128;
        span = (size_t)(127 - to->least - hrq__least_avx2(_mm_xor_si128(ends[1], _mm_set1_epi8(127))));
        if (span > 32767 / (2 * 127 * HRQ__NARROW_QUADS)) return 0;
    }
    to->quads = hrq__min_size(HRQ__NARROW_LONGEST, 32767 / (2 * 127 * (span + !span))) / 2 * 2;
    v = hrq__byte_avx2((unsigned)to->least);
    for (i = 0; i < bytes; i += 128) HRQ__UNROLL
    for (k = 0; k < 128; k += 32)
        hrq__store_avx2(to->tile + i + k, _mm256_sub_epi8(hrq__load_avx2(tile + i + k), v));
    return 1;
}

/* Two panels and two vectors: sums of groups of an even number of quads, to s->sums. A function, not inline: registers
   for what it counts. */
HRQ__FN_AVX2 void hrq__narrow_avx2_sums(hrq__narrow_avx2 *s, size_t panel, size_t quads, size_t group, const int8_t *x,
                                        size_t ldx)
{
    const uint8_t *tile = s->tile + 64 * panel;
    int32_t *to = s->sums[0];
    __m256i part[8], v[2], w;
    size_t done = 0, n, i; /* of the group */
    int t, k;
    for (; quads > 0; quads -= n) {
        n = hrq__min_size(hrq__min_size(quads, group - done), s->quads);
        HRQ__UNROLL
        for (t = 0; t < 8; t++) part[t] = _mm256_setzero_si256();
        for (i = n; i > 0; i -= 2) HRQ__UNROLL
        for (k = 0; k < 2; k++, tile += 256, x += 4) {
            v[0] = _mm256_set1_epi32(hrq__word_at(x));
            v[1] = _mm256_set1_epi32(hrq__word_at(x + ldx));
            HRQ__UNROLL
            for (t = 0; t < 8; t++) {
                w = hrq__load_avx2(tile + 32 * (t / 2));
                part[t] = _mm256_add_epi16(part[t], _mm256_maddubs_epi16(w, v[t % 2]));
                HRQ__OPAQUE(part[t]); /* GCC would else copy it in every turn */
            }
            HRQ__STEP();
        }
        HRQ__UNROLL
        for (t = 0; t < 8; t++) {
            int32_t *at = to + 32 * (t % 2) + 8 * (t / 2);
            w = _mm256_madd_epi16(part[t], _mm256_set1_epi16(1));
            hrq__store_avx2(at, done == 0 ? w : _mm256_add_epi32(w, hrq__load_avx2(at)));
        }
        done += n;
        if (done < group) continue;
        done = 0;
        to += 64;
    }
}

/* A vector's sum over columns from ... end - 1. */
HRQ__INLINE uint32_t hrq__vectors_sum(const hrq__vectors *x, size_t t, size_t from, size_t end)
{
    return (uint32_t)x->sums[t * x->lds + end / 8] - (uint32_t)x->sums[t * x->lds + from / 8];
}

/* Two vectors from t0 on. */
HRQ__IN_AVX2 void hrq__dot_s8_avx2_narrow(int32_t *acc, hrq__narrow_avx2 *s, size_t depth, const hrq__vectors *x,
                                          size_t t0)
{
    size_t p;
    int t;
    for (p = 0; p < 4; p += 2) {
        __m256i sum;
        hrq__narrow_avx2_sums(s, p, depth / 4, depth / 4, x->x + t0 * x->ldx, x->ldx);
        HRQ__UNROLL
        for (t = 0; t < 8; t++) {
            int32_t *out = acc + (t0 + (size_t)t / 4) * 64 + 16 * p + 8 * (t % 4);
            uint32_t more = (uint32_t)s->least * hrq__vectors_sum(x, t0 + (size_t)t / 4, 0, depth);
            sum = _mm256_add_epi32(_mm256_set1_epi32((int32_t)more), hrq__load_avx2(s->sums[0] + 8 * t));
            hrq__store_avx2(out, _mm256_add_epi32(hrq__load_avx2(out), sum));
        }
    }
}

HRQ__FN_AVX2 void hrq__dot_s8_avx2(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth,
                                   const hrq__vectors *x)
{
    hrq__narrow_avx2 s;
    size_t t = 0;
    if (panels == 4 && x->n >= HRQ__NARROW_VECTORS && 64 * depth <= HRQ__NARROW_BYTES &&
        hrq__narrow_avx2_make(&s, tile, 64 * depth))
        for (; t + 2 <= x->n; t += 2) hrq__dot_s8_avx2_narrow(acc, &s, depth, x, t);
    for (; panels == 4 && t + 2 <= x->n; t += 2) hrq__dot_s8_avx2_block(acc, tile, panels, depth, x, t, 2, 4);
    for (; t + 4 <= x->n; t += 4) hrq__dot_s8_avx2_block(acc, tile, panels, depth, x, t, 4, 2);
    for (; t + 2 <= x->n; t += 2) hrq__dot_s8_avx2_block(acc, tile, panels, depth, x, t, 2, 2);
    for (; t < x->n; t++) hrq__dot_s8_avx2_block(acc, tile, panels, depth, x, t, 1, 2);
}

/* Groups: the integers of one, less zero points, to float, scaled, added. What does not depend on the panel, `minus`
   and the vectors' sums, is made once. */
typedef struct hrq__split_groups {
    int32_t minus[HRQ__SPLIT / 8][4], sum[HRQ__SPLIT / 8][4];
} hrq__split_groups;

HRQ__IN_AVX2 void hrq__groups_avx2_panel(float *total, size_t rows, const uint8_t *tile, const hrq__split_avx2 *s,
                                         const hrq__split_groups *of, size_t n, const hrq__groups *g, size_t at,
                                         int m, int r)
{
    size_t from, end, i = 0;
    int t;
    for (from = 0; from < n; from = end, at += rows, i++) {
        __m256i acc[8];
        __m256 part;
        end = hrq__min_size(from + g->group, n);
        HRQ__UNROLL
        for (t = 0; t < m * r; t++) {
            acc[t] = _mm256_set1_epi32(of->minus[i][t / r]);
            if (g->zero)
                acc[t] = _mm256_sub_epi32(acc[t], _mm256_mullo_epi32(_mm256_set1_epi32(of->sum[i][t / r]),
                                                                     hrq__load_avx2(g->zero + at + 8 * (t % r))));
        }
        hrq__dot_avx2_tile(acc, tile + from * rows, 4 * rows, s, from, end, m, r);
        HRQ__UNROLL
        for (t = 0; t < m * r; t++) {
            float *out = total + (size_t)(t / r) * rows + 8 * (t % r);
            part = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc[t]), _mm256_loadu_ps(g->scale + at + 8 * (t % r)),
                                   _mm256_loadu_ps(out));
            _mm256_storeu_ps(out, part);
        }
    }
}

HRQ__IN_AVX2 void hrq__dot_groups_avx2_block(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                             const hrq__vectors *x, const hrq__groups *g, size_t t0,
                                             int m, int r)
{
    hrq__split_avx2 s;
    hrq__split_groups of;
    size_t from, n, p, k, end, i, rows = 16 * panels, at = 0, most = HRQ__SPLIT / g->group;
    int t;
    for (from = 0; from < depth; from += n, at += most * rows) {
        n = hrq__min_size(depth - from, most * g->group);
        hrq__split_avx2_run(&s, x->x + t0 * x->ldx + from, x->ldx, n, m);
        for (k = 0, i = 0; k < n; k = end, i++) {
            end = hrq__min_size(k + g->group, n);
            _mm_storeu_si128((__m128i *)(void *)of.minus[i], hrq__minus_avx2(&s, k, end));
            for (t = 0; t < m && g->zero; t++) {
                const int32_t *sums = x->sums + (t0 + (size_t)t) * x->lds + from / 8;
                of.sum[i][t] = (int32_t)((uint32_t)sums[end / 8] - (uint32_t)sums[k / 8]);
            }
        }
        for (p = 0; p < panels; p += (size_t)r / 2)
            hrq__groups_avx2_panel(total + t0 * rows + 16 * p, rows, tile + from * rows + 64 * p, &s, &of, n, g,
                                   at + 16 * p, m, r);
    }
}

/* Groups of two panels and two vectors, whose integers are in s->sums, onto total. sum: of the groups' columns of the
   vectors, times `least` where there are no zero points. */
HRQ__IN_AVX2 void hrq__narrow_avx2_groups(float *total, const hrq__narrow_avx2 *s, const int32_t (*sum)[2], size_t n,
                                          const hrq__groups *g, size_t at, int zeros)
{
    __m256i least = _mm256_set1_epi32(s->least), part, all;
    __m256 sums[8];
    size_t i;
    int t;
    HRQ__UNROLL
    for (t = 0; t < 8; t++) sums[t] = _mm256_loadu_ps(total + 64 * (t / 4) + 8 * (t % 4));
    for (i = 0; i < n; i++, at += 64) HRQ__UNROLL
    for (t = 0; t < 8; t++) {
        all = _mm256_set1_epi32(sum[i][t / 4]);
        if (zeros) all = _mm256_mullo_epi32(all, _mm256_sub_epi32(least, hrq__load_avx2(g->zero + at + 8 * (t % 4))));
        part = _mm256_add_epi32(all, hrq__load_avx2(s->sums[i] + 8 * t));
        sums[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(part), _mm256_loadu_ps(g->scale + at + 8 * (t % 4)), sums[t]);
    }
    HRQ__UNROLL
    for (t = 0; t < 8; t++) _mm256_storeu_ps(total + 64 * (t / 4) + 8 * (t % 4), sums[t]);
}

/* Two vectors from t0 on: first the integers of all groups, then what they are scaled by. */
HRQ__IN_AVX2 void hrq__dot_groups_avx2_narrow(float *total, hrq__narrow_avx2 *s, size_t depth, const hrq__vectors *x,
                                              const hrq__groups *g, size_t t0)
{
    int32_t sum[HRQ__NARROW_BYTES / 512][2];
    const int32_t(*all)[2] = (const int32_t(*)[2])sum;
    size_t from, end, n = 0, p;
    int t;
    for (from = 0; from < depth; from = end, n++)
        for (end = hrq__min_size(from + g->group, depth), t = 0; t < 2; t++)
            sum[n][t] = (int32_t)(hrq__vectors_sum(x, t0 + (size_t)t, from, end) * (g->zero ? 1u : (uint32_t)s->least));
    for (p = 0; p < 4; p += 2) {
        float *out = total + t0 * 64 + 16 * p;
        hrq__narrow_avx2_sums(s, p, depth / 4, g->group / 4, x->x + t0 * x->ldx, x->ldx);
        if (g->zero) hrq__narrow_avx2_groups(out, s, all, n, g, 16 * p, 1);
        else hrq__narrow_avx2_groups(out, s, all, n, g, 16 * p, 0);
    }
}

HRQ__FN_AVX2 void hrq__dot_groups_avx2(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                       const hrq__vectors *x, const hrq__groups *g)
{
    hrq__narrow_avx2 s;
    size_t t = 0;
    if (g->group > HRQ__SPLIT) { /* products ask for no such tiles */
        hrq__dot_groups_scalar(total, tile, panels, depth, x, g);
        return;
    }
    if (panels == 4 && x->n >= HRQ__NARROW_VECTORS && 64 * depth <= HRQ__NARROW_BYTES &&
        hrq__narrow_avx2_make(&s, tile, 64 * depth))
        for (; t + 2 <= x->n; t += 2) hrq__dot_groups_avx2_narrow(total, &s, depth, x, g, t);
    for (; panels == 4 && t + 2 <= x->n; t += 2) hrq__dot_groups_avx2_block(total, tile, panels, depth, x, g, t, 2, 4);
    for (; t + 4 <= x->n; t += 4) hrq__dot_groups_avx2_block(total, tile, panels, depth, x, g, t, 4, 2);
    for (; t + 2 <= x->n; t += 2) hrq__dot_groups_avx2_block(total, tile, panels, depth, x, g, t, 2, 2);
    for (; t < x->n; t++) hrq__dot_groups_avx2_block(total, tile, panels, depth, x, g, t, 1, 2);
}

/* Integer products of one panel with n vectors from t on: out[i * ldo + row] += sum over the vectors' columns
   from ... end - 1; quads of the tile lie `step` bytes apart. The one thing that the rows below differ in. */
typedef void (*hrq__dot_run)(int32_t *out, size_t ldo, const uint8_t *tile, size_t step, const hrq__vectors *x,
                             size_t t, size_t n, size_t from, size_t end);

HRQ__IN_AVX2 void hrq__dot_s8_avx2_by(hrq__dot_run run, int32_t *acc, const uint8_t *tile, size_t panels,
                                      size_t depth, const hrq__vectors *x)
{
    size_t p;
    for (p = 0; p < panels; p++) run(acc + 16 * p, 16 * panels, tile + 64 * p, 64 * panels, x, 0, x->n, 0, depth);
}

/* Groups: the integers of one, less zero points, to float, scaled, added. Twelve vectors at once: a group's sums lie in
   the nearest cache. */
HRQ__IN_AVX2 void hrq__dot_groups_avx2_by(hrq__dot_run run, float *total, const uint8_t *tile, size_t panels,
                                          size_t depth, const hrq__vectors *x, const hrq__groups *g)
{
    int32_t sum[12 * HRQ_PANEL];
    size_t from, end, p, t, n, i, j, at = 0, rows = 16 * panels;
    for (from = 0; from < depth; from = end, at += rows) {
        end = hrq__min_size(from + g->group, depth);
        for (t = 0; t < x->n; t += n)
            for (p = 0, n = hrq__min_size(x->n - t, 12); p < panels; p++) {
                size_t first = at + 16 * p;
                for (i = 0; i < n; i++) {
                    __m256i by = _mm256_set1_epi32((int32_t)(0u - hrq__vectors_sum(x, t + i, from, end)));
                    for (j = 0; j < 16; j += 8)
                        hrq__store_avx2(sum + 16 * i + j,
                                        g->zero ? _mm256_mullo_epi32(by, hrq__load_avx2(g->zero + first + j))
                                                : _mm256_setzero_si256());
                }
                run(sum, 16, tile + from * rows + 64 * p, 4 * rows, x, t, n, from, end);
                for (i = 0; i < n; i++)
                    for (j = 0; j < 16; j += 8) {
                        float *out = total + (t + i) * rows + 16 * p + j;
                        _mm256_storeu_ps(out, _mm256_fmadd_ps(_mm256_cvtepi32_ps(hrq__load_avx2(sum + 16 * i + j)),
                                                              _mm256_loadu_ps(g->scale + first + j),
                                                              _mm256_loadu_ps(out)));
                    }
            }
    }
}

    #ifdef HRQ__AVX2VNNI
/* value + 128 unsigned times the vector's bytes; 128 times the vector's sum comes off. |sum| stays below 255 *
   127 * 65536 < 2^31. U quads at once, each with accumulators of its own, where few vectors leave latency bare. */
HRQ__IN_AVX2VNNI void hrq__dot_avx2vnni_block(int32_t *out, size_t ldo, const uint8_t *tile, size_t step,
                                              const hrq__vectors *x, size_t t0, size_t from, size_t end, int m, int u)
{
    __m256i acc[12], w[2];
    const int8_t *at = x->x + t0 * x->ldx;
    size_t first = from;
    int t, i, k;
    HRQ__UNROLL
    for (t = 0; t < 2 * m * u; t++)
        acc[t] = t < 2 * m ? hrq__load_avx2(out + (size_t)(t / 2) * ldo + 8 * (t % 2)) : _mm256_setzero_si256();
    for (; from + 4 * (size_t)u <= end; from += 4 * (size_t)u) HRQ__UNROLL
    for (k = 0; k < u; k++, tile += step) {
        w[0] = hrq__load_avx2(tile);
        w[1] = hrq__load_avx2(tile + 32);
        HRQ__UNROLL
        for (t = 0; t < 2 * m; t++)
            acc[2 * m * k + t] =
                _mm256_dpbusd_avx_epi32(acc[2 * m * k + t], w[t % 2],
                                        _mm256_set1_epi32(hrq__word_at(at + (size_t)(t / 2) * x->ldx + from + 4 * k)));
    }
    for (; from < end; from += 4, tile += step) HRQ__UNROLL
    for (t = 0; t < 2 * m; t++)
        acc[t] = _mm256_dpbusd_avx_epi32(acc[t], hrq__load_avx2(tile + 32 * (t % 2)),
                                         _mm256_set1_epi32(hrq__word_at(at + (size_t)(t / 2) * x->ldx + from)));
    HRQ__UNROLL
    for (k = 1; k < u; k++) HRQ__UNROLL
    for (t = 0; t < 2 * m; t++) acc[t] = _mm256_add_epi32(acc[t], acc[2 * m * k + t]);
    HRQ__UNROLL
    for (t = 0; t < m; t++) { /* last: what it is made of need not be near */
        __m256i bias = _mm256_set1_epi32((int32_t)(128u * hrq__vectors_sum(x, t0 + (size_t)t, first, end)));
        HRQ__UNROLL
        for (i = 0; i < 2; i++)
            hrq__store_avx2(out + (size_t)t * ldo + 8 * i, _mm256_sub_epi32(acc[2 * t + i], bias));
    }
}

HRQ__FN_AVX2VNNI void hrq__dot_avx2vnni(int32_t *out, size_t ldo, const uint8_t *tile, size_t step,
                                        const hrq__vectors *x, size_t t, size_t n, size_t from, size_t end)
{
    for (; n >= 6; n -= 6, t += 6, out += 6 * ldo)
        hrq__dot_avx2vnni_block(out, ldo, tile, step, x, t, from, end, 6, 1);
    for (; n >= 3; n -= 3, t += 3, out += 3 * ldo)
        hrq__dot_avx2vnni_block(out, ldo, tile, step, x, t, from, end, 3, 2);
    for (; n > 0; n--, t++, out += ldo) hrq__dot_avx2vnni_block(out, ldo, tile, step, x, t, from, end, 1, 4);
}
    #endif

    #ifdef HRQ__AVX2VNNI
HRQ__FN_AVX2VNNI void hrq__dot_s8_avx2vnni(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth,
                                           const hrq__vectors *x)
{
    hrq__dot_s8_avx2_by(hrq__dot_avx2vnni, acc, tile, panels, depth, x);
}

HRQ__FN_AVX2VNNI void hrq__dot_groups_avx2vnni(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                               const hrq__vectors *x, const hrq__groups *g)
{
    hrq__dot_groups_avx2_by(hrq__dot_avx2vnni, total, tile, panels, depth, x, g);
}

    #endif

/* ---- scales, finish, floats ---- */

HRQ__FN_AVX2 void hrq__scales_avx2(float *out, const uint8_t *p, size_t n, int kind, const uint8_t *tops)
{
    size_t i;
    for (i = 0; i < n; i += 8) {
        __m256i b;
        __m256 v;
        if (kind == HRQ__SCALES_F16) {
            v = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p + 2 * i)));
        } else {
            b = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p + i)));
            if (kind == HRQ__SCALES_E8M0 && tops) {
                __m256i top = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(tops + i % 16)));
                b = _mm256_add_epi32(_mm256_sub_epi32(b, top), _mm256_set1_epi32(127));
                v = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_max_epi32(b, _mm256_setzero_si256()), 23));
            } else if (kind == HRQ__SCALES_E8M0) { /* 0 is 2^-127, subnormal; 255 is NaN */
                __m256i odd = _mm256_or_si256(_mm256_cmpeq_epi32(b, _mm256_setzero_si256()),
                                              _mm256_cmpeq_epi32(b, _mm256_set1_epi32(255)));
                odd = _mm256_and_si256(odd, _mm256_set1_epi32(0x00400000));
                v = _mm256_castsi256_ps(_mm256_or_si256(_mm256_slli_epi32(b, 23), odd));
            } else { /* magnitude 2^120 too small, exact also for subnormals; the all-ones code is NaN */
                __m256i mag = _mm256_and_si256(b, _mm256_set1_epi32(127));
                v = _mm256_mul_ps(_mm256_castsi256_ps(_mm256_slli_epi32(mag, 20)),
                                  _mm256_castsi256_ps(_mm256_set1_epi32((127 + 120) << 23)));
                v = _mm256_blendv_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)),
                                     _mm256_castsi256_ps(_mm256_cmpeq_epi32(mag, _mm256_set1_epi32(127))));
                v = _mm256_or_ps(v, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_srli_epi32(b, 7), 31)));
            }
        }
        _mm256_storeu_ps(out + i, v);
    }
}

HRQ__FN_AVX2 void hrq__tops_avx2(uint8_t tops[HRQ_PANEL], const uint8_t *p, size_t n)
{
    __m128i high = _mm_setzero_si128();
    size_t i;
    for (i = 0; i < n; i += 16) high = _mm_max_epu8(high, _mm_loadu_si128((const __m128i *)(const void *)(p + i)));
    _mm_storeu_si128((__m128i *)(void *)tops, high);
}

HRQ__FN_AVX2 void hrq__finish_avx2(float *y, size_t ldy, const void *sum, int integers, size_t rows,
                                   const float *scale, const float *x, size_t n)
{
    size_t i, t;
    int k;
    for (i = 0; i < rows; i += 16) { /* a whole line of y at a time: its rows often lie in few sets of a cache */
        __m256d by[4];
        HRQ__UNROLL
        for (k = 0; k < 4; k++) by[k] = _mm256_cvtps_pd(_mm_loadu_ps(scale + i + 4 * k));
        for (t = 0; t < n; t++) {
            __m256d to = _mm256_set1_pd((double)x[t]), part;
            HRQ__UNROLL
            for (k = 0; k < 4; k++) {
                size_t at = t * rows + i + 4 * (size_t)k;
                __m128i in = _mm_loadu_si128((const __m128i *)(const void *)((const char *)sum + 4 * at));
                part = _mm256_cvtps_pd(integers ? _mm_cvtepi32_ps(in) : _mm_castsi128_ps(in));
                part = _mm256_mul_pd(part, _mm256_mul_pd(by[k], to));
                _mm_storeu_ps(y + t * ldy + i + 4 * k, _mm256_cvtpd_ps(part));
            }
        }
    }
}

/* A quad's 16 words: byte i of each, sign-extended by two shifts, is column i. */
HRQ__FN_AVX2 void hrq__tile_f32_avx2(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip)
{
    __m256i turn = hrq__byte_avx2(flip), v, h;
    size_t c, half;
    for (c = 0; c < cols; c++) {
        __m128i up = _mm_cvtsi32_si128((int)(24 - c % 4 * 8));
        for (half = 0; half < 64; half += 32) {
            v = _mm256_xor_si256(hrq__load_avx2(lo + c / 4 * 64 + half), turn);
            v = _mm256_srai_epi32(_mm256_sll_epi32(v, up), 24);
            if (hi) {
                h = _mm256_xor_si256(hrq__load_avx2(hi + c / 4 * 64 + half), turn);
                h = _mm256_srai_epi32(_mm256_sll_epi32(h, up), 24);
                v = _mm256_add_epi32(v, _mm256_slli_epi32(h, 8));
            }
            _mm256_storeu_ps(out + 16 * c + half / 4, _mm256_cvtepi32_ps(v));
        }
    }
}

/* A quad's bytes, the upper on the lower, as words; the lower byte's sign is borrowed from the upper. */
HRQ__FN_AVX2 void hrq__tile_upper_avx2(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip)
{
    __m256i turn = hrq__byte_avx2(flip), zero = _mm256_setzero_si256(), odd = _mm256_set1_epi16((short)0xff00), l, h;
    __m256i even, v[4];
    size_t c, half;
    int i;
    for (c = 0; c < cols; c += 4)
        for (half = 0; half < 2; half++) {
            float *to = out + 16 * c + 8 * half;
            l = _mm256_xor_si256(hrq__load_avx2(lo + 16 * c + 32 * half), turn);
            h = _mm256_xor_si256(hrq__load_avx2(hi + 16 * c + 32 * half), turn);
            h = _mm256_add_epi8(h, _mm256_cmpgt_epi8(zero, l));
            even = _mm256_or_si256(_mm256_andnot_si256(odd, l), _mm256_slli_epi16(h, 8)); /* columns 0 and 2 */
            h = _mm256_or_si256(_mm256_srli_epi16(l, 8), _mm256_and_si256(odd, h));
            v[0] = _mm256_slli_epi32(even, 16);
            v[1] = _mm256_slli_epi32(h, 16);
            v[2] = _mm256_blend_epi16(even, zero, 0x55);
            v[3] = _mm256_blend_epi16(h, zero, 0x55);
            HRQ__UNROLL
            for (i = 0; i < 4; i++)
                if (c + (size_t)i < cols) hrq__store_avx2(to + 16 * i, v[i]);
        }
}

HRQ__IN_AVX2 void hrq__axpy_avx2_run(float *y, const float *w, const float *p, size_t n, int step)
{
    __m256 factor = _mm256_setzero_ps();
    size_t i;
    int k;
    if (n && !step) factor = _mm256_set1_ps(*p);
    for (i = 0; i + 32 <= n; i += 32) HRQ__UNROLL
    for (k = 0; k < 32; k += 8) {
        if (step) factor = _mm256_loadu_ps(p + i + k);
        _mm256_storeu_ps(y + i + k, _mm256_fmadd_ps(factor, _mm256_loadu_ps(w + i + k), _mm256_loadu_ps(y + i + k)));
    }
    for (; i < n; i += 8) {
        __m256 in = hrq__first8_avx2(w + i, n - i), sum = hrq__first8_avx2(y + i, n - i);
        if (step) factor = hrq__first8_avx2(p + i, n - i);
        hrq__put8_avx2(y + i, _mm256_fmadd_ps(factor, in, sum), n - i);
    }
}

HRQ__FN_AVX2 void hrq__axpy_avx2(float *y, const float *w, const float *p, size_t step, size_t n)
{
    if (step) hrq__axpy_avx2_run(y, w, p, n, 1);
    else hrq__axpy_avx2_run(y, w, p, n, 0);
}

HRQ__IN_AVX2 void hrq__dot_f32_avx2_block(float *acc, const float *w, const float *x, size_t ldx, size_t depth, int m)
{
    __m256 sum[12];
    size_t k;
    int t;
    HRQ__UNROLL
    for (t = 0; t < 2 * m; t++) sum[t] = _mm256_loadu_ps(acc + 8 * t);
    for (k = 0; k < depth; k++) {
        __m256 w0 = _mm256_loadu_ps(w + 16 * k), w1 = _mm256_loadu_ps(w + 16 * k + 8);
        HRQ__UNROLL
        for (t = 0; t < m; t++) {
            __m256 v = _mm256_set1_ps(x[(size_t)t * ldx + k]);
            sum[2 * t] = _mm256_fmadd_ps(w0, v, sum[2 * t]);
            sum[2 * t + 1] = _mm256_fmadd_ps(w1, v, sum[2 * t + 1]);
        }
    }
    HRQ__UNROLL
    for (t = 0; t < 2 * m; t++) _mm256_storeu_ps(acc + 8 * t, sum[t]);
}

HRQ__FN_AVX2 void hrq__dot_f32_avx2(float *acc, const float *w, const float *x, size_t ldx, size_t n, size_t depth)
{
    for (; n >= 6; n -= 6, acc += 96, x += 6 * ldx) hrq__dot_f32_avx2_block(acc, w, x, ldx, depth, 6);
    for (; n >= 2; n -= 2, acc += 32, x += 2 * ldx) hrq__dot_f32_avx2_block(acc, w, x, ldx, depth, 2);
    if (n) hrq__dot_f32_avx2_block(acc, w, x, ldx, depth, 1);
}

/* 6 x 16: 12 accumulators, 2 loads and 6 broadcasts feed 12 multiply-adds. */
HRQ__FN_AVX2 void hrq__fma_tile_avx2(float *c, size_t ldc, const float *a, const float *b, size_t depth)
{
    __m256 acc[12];
    size_t k;
    int i;
    HRQ__UNROLL
    for (i = 0; i < 12; i++) acc[i] = _mm256_loadu_ps(c + (size_t)(i / 2) * ldc + 8 * (i % 2));
    for (k = 0; k < depth; k++, a += 6, b += 16) {
        __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8);
        HRQ__UNROLL
        for (i = 0; i < 6; i++) {
            __m256 v = _mm256_set1_ps(a[i]);
            acc[2 * i] = _mm256_fmadd_ps(v, b0, acc[2 * i]);
            acc[2 * i + 1] = _mm256_fmadd_ps(v, b1, acc[2 * i + 1]);
        }
    }
    HRQ__UNROLL
    for (i = 0; i < 12; i++) _mm256_storeu_ps(c + (size_t)(i / 2) * ldc + 8 * (i % 2), acc[i]);
}

/* ---- encode: scans, codes, planes; eight floats a register ---- */

HRQ__IN_AVX2 __m256 hrq__abs_avx2(__m256 v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }

/* Lane i negated by bit i. */
HRQ__IN_AVX2 __m256 hrq__negate_avx2(__m256 v, uint64_t bits)
{
    __m256i to_top = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
    __m256i bit = _mm256_sllv_epi32(_mm256_set1_epi32((int32_t)(uint32_t)(bits & 255)), to_top);
    return _mm256_xor_ps(v, _mm256_and_ps(_mm256_castsi256_ps(bit), _mm256_set1_ps(-0.0f)));
}

HRQ__IN_AVX2 __m256i hrq__bits8_avx2(const float *p) { return _mm256_castps_si256(_mm256_loadu_ps(p)); }

/* Largest of each of four registers, in one. */
HRQ__IN_AVX2 __m128i hrq__max4_avx2(const __m256i v[4], int is_signed)
{
    __m256i a = _mm256_unpacklo_epi32(v[0], v[1]), b = _mm256_unpackhi_epi32(v[0], v[1]);
    __m256i c = _mm256_unpacklo_epi32(v[2], v[3]), d = _mm256_unpackhi_epi32(v[2], v[3]);
    a = is_signed ? _mm256_max_epi32(a, b) : _mm256_max_epu32(a, b);
    c = is_signed ? _mm256_max_epi32(c, d) : _mm256_max_epu32(c, d);
    b = _mm256_unpacklo_epi64(a, c);
    d = _mm256_unpackhi_epi64(a, c);
    a = is_signed ? _mm256_max_epi32(b, d) : _mm256_max_epu32(b, d);
    return is_signed ? _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1))
                     : _mm_max_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}

/* Ends of four groups, as the floats that they are; of the least, -0 is 0. */
HRQ__IN_AVX2 void hrq__extents_put_avx2(float lo[4], float hi[4], const __m256i least[4], const __m256i most[4])
{
    __m128i zero = _mm_set1_epi32((int)0x80000000u), low = _mm_max_epu32(hrq__max4_avx2(least, 0), zero);
    low = _mm_andnot_si128(_mm_cmpeq_epi32(low, zero), low);
    _mm_storeu_ps(lo, _mm_castsi128_ps(low));
    _mm_storeu_ps(hi, _mm_castsi128_ps(_mm_max_epi32(hrq__max4_avx2(most, 1), _mm_setzero_si128())));
}

/* Integer maxima of the patterns do for both ends and for NaN: two operations for 8 entries. Four small groups at a
   time share one tree; four parts of a large one. */
HRQ__FN_AVX2 void hrq__extents_avx2(float *lo, float *hi, const float *x, size_t n, size_t group)
{
    size_t from = 0, end, i;
    __m256i least[4], most[4], v;
    int k;
    for (; group % 8 == 0 && group <= 64 && n - from >= 4 * group; from += 4 * group, lo += 4, hi += 4) {
        HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            const float *at = x + from + (size_t)k * group;
            least[k] = most[k] = hrq__bits8_avx2(at);
            for (i = 8; i < group; i += 8) {
                v = hrq__bits8_avx2(at + i);
                least[k] = _mm256_max_epu32(least[k], v);
                most[k] = _mm256_max_epi32(most[k], v);
            }
        }
        hrq__extents_put_avx2(lo, hi, least, most);
    }
    for (; from < n; from = end) {
        float ends[2][4];
        HRQ__UNROLL
        for (k = 0; k < 4; k++) least[k] = most[k] = _mm256_setzero_si256();
        end = n - from < group ? n : from + group;
        for (i = from; i + 32 <= end; i += 32) {
            hrq__prefetch_avx2((const uint8_t *)(x + i), 128);
            HRQ__UNROLL
            for (k = 0; k < 4; k++) {
                v = hrq__bits8_avx2(x + i + 8 * k);
                least[k] = _mm256_max_epu32(least[k], v);
                most[k] = _mm256_max_epi32(most[k], v);
            }
        }
        for (; i < end; i += 8) {
            v = _mm256_castps_si256(hrq__first8_avx2(x + i, end - i));
            least[0] = _mm256_max_epu32(least[0], v);
            most[0] = _mm256_max_epi32(most[0], v);
        }
        least[0] = _mm256_max_epu32(_mm256_max_epu32(least[0], least[1]), _mm256_max_epu32(least[2], least[3]));
        most[0] = _mm256_max_epi32(_mm256_max_epi32(most[0], most[1]), _mm256_max_epi32(most[2], most[3]));
        hrq__extents_put_avx2(ends[0], ends[1], least, most);
        *lo++ = ends[0][0];
        *hi++ = ends[1][0];
    }
}

/* The 16 lanes of a sum, halves first. */
HRQ__IN_AVX2 float hrq__tree_avx2(const __m256 lane[2])
{
    __m256 a = _mm256_add_ps(lane[0], lane[1]);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

/* 16 lanes are two registers. A lane is a chain of additions in order: its latency rules, no other order may. The last
   elements go to their lanes one by one: adding zeros to the others would turn -0 into 0. */
HRQ__FN_AVX2 float hrq__dot16_avx2(const float *x, const float *y, size_t n, float scale)
{
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()}, by = _mm256_set1_ps(scale);
    float lane[16];
    size_t i;
    int k;
    for (i = 0; i + 16 <= n; i += 16) HRQ__UNROLL
    for (k = 0; k < 2; k++)
        sum[k] = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8 * k), by),
                                 _mm256_mul_ps(_mm256_loadu_ps(y + i + 8 * k), by), sum[k]);
    _mm256_storeu_ps(lane, sum[0]);
    _mm256_storeu_ps(lane + 8, sum[1]);
    for (; i < n; i++) lane[i & 15] = fmaf(x[i] * scale, y[i] * scale, lane[i & 15]);
    sum[0] = _mm256_loadu_ps(lane);
    sum[1] = _mm256_loadu_ps(lane + 8);
    return hrq__tree_avx2(sum);
}

HRQ__FN_AVX2 float hrq__sum16_avx2(const float *x, size_t n, float scale)
{
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()}, by = _mm256_set1_ps(scale);
    float lane[16];
    size_t i;
    int k;
    for (i = 0; i + 16 <= n; i += 16) HRQ__UNROLL
    for (k = 0; k < 2; k++)
        sum[k] = _mm256_add_ps(sum[k], _mm256_mul_ps(_mm256_loadu_ps(x + i + 8 * k), by));
    _mm256_storeu_ps(lane, sum[0]);
    _mm256_storeu_ps(lane + 8, sum[1]);
    for (; i < n; i++) lane[i & 15] += x[i] * scale;
    sum[0] = _mm256_loadu_ps(lane);
    sum[1] = _mm256_loadu_ps(lane + 8);
    return hrq__tree_avx2(sum);
}

/* What of hrq__code_args a kernel holds in registers. */
typedef struct hrq__coder_avx2 {
    __m256i lo, hi, offset;         /* int                                       */
    __m256i base, least, half, top; /* floats: narrowing as hrq__narrow has it */
    __m256 magic, most, steps;      /* most, steps: fixed point                  */
    __m128i down, sign;
} hrq__coder_avx2;

/* By registers: a memset would put all of it into memory. */
HRQ__IN_AVX2 hrq__coder_avx2 hrq__coder_none_avx2(void)
{
    hrq__coder_avx2 c;
    c.lo = c.hi = c.offset = c.base = c.least = c.half = c.top = _mm256_setzero_si256();
    c.magic = c.most = c.steps = _mm256_setzero_ps();
    c.down = c.sign = _mm_setzero_si128();
    return c;
}

enum { HRQ__CODES_INT, HRQ__CODES_ZERO, HRQ__CODES_FLOAT, HRQ__CODES_FIXED };

/* 8 columns to integers: codes after saturation (int) or at once (float). Above 65536 a conversion would wrap, below
   it gives the least integer, which saturates as it should; only zero points need both ends.
   Floats: normal numbers by a rounding shift, subnormal ones by adding a float whose last place is their step. */
HRQ__IN_AVX2 __m256i hrq__code8_avx2(__m256 x, __m256 pre, __m256 inv, __m256i zero, const hrq__coder_avx2 *c,
                                     int kind)
{
    __m256 v = _mm256_mul_ps(_mm256_mul_ps(x, pre), inv), magnitude;
    __m256i mag, normal, small, code;
    if (kind == HRQ__CODES_INT) return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(65536.0f)));
    if (kind == HRQ__CODES_ZERO) {
        v = _mm256_max_ps(_mm256_min_ps(v, _mm256_set1_ps(65536.0f)), _mm256_set1_ps(-65536.0f));
        return _mm256_add_epi32(_mm256_cvtps_epi32(v), zero);
    }
    if (kind == HRQ__CODES_FIXED) {
        v = _mm256_max_ps(_mm256_min_ps(v, c->most), _mm256_sub_ps(_mm256_setzero_ps(), c->most));
        return _mm256_and_si256(_mm256_cvtps_epi32(_mm256_mul_ps(v, c->steps)), _mm256_set1_epi32(255));
    }
    mag = _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7fffffff));
    magnitude = _mm256_castsi256_ps(mag);
    normal = _mm256_sub_epi32(mag, c->base);
    code = _mm256_and_si256(_mm256_srl_epi32(normal, c->down), _mm256_set1_epi32(1));
    normal = _mm256_srl_epi32(_mm256_add_epi32(_mm256_add_epi32(normal, c->half), code), c->down);
    small = _mm256_sub_epi32(_mm256_castps_si256(_mm256_add_ps(magnitude, c->magic)), _mm256_castps_si256(c->magic));
    code = _mm256_blendv_epi8(normal, small, _mm256_cmpgt_epi32(c->least, mag));
    code = _mm256_min_epu32(code, c->top);
    return _mm256_or_si256(code, _mm256_sll_epi32(_mm256_srli_epi32(_mm256_castps_si256(v), 31), c->sign));
}

/* Four times 8 columns to 32 codes in order. */
HRQ__IN_AVX2 __m256i hrq__code32_avx2(const __m256i v[4], const hrq__coder_avx2 *c, int kind)
{
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i low = _mm256_packs_epi32(v[0], v[1]), high = _mm256_packs_epi32(v[2], v[3]), code;
    if (kind == HRQ__CODES_FLOAT || kind == HRQ__CODES_FIXED) {
        code = _mm256_packus_epi16(low, high);
    } else {
        code = _mm256_max_epi8(_mm256_min_epi8(_mm256_packs_epi16(low, high), c->hi), c->lo);
        code = _mm256_add_epi8(code, c->offset);
    }
    return _mm256_permutevar8x32_epi32(code, order);
}

/* The numbers of a group, broadcast. */
HRQ__IN_AVX2 void hrq__code_group_avx2(__m256 *pre, __m256 *inv, __m256i *zero, const hrq__code_args *a, size_t group)
{
    *pre = _mm256_set1_ps(a->norm[group * HRQ_PANEL].pre);
    *inv = _mm256_set1_ps(a->norm[group * HRQ_PANEL].inv);
    *zero = _mm256_set1_epi32(a->zero ? a->zero[group * HRQ_PANEL] : 0);
}

/* 32 columns of one group. */
HRQ__IN_AVX2 void hrq__codes32_avx2(uint8_t *out, const float *x, __m256 pre, __m256 inv, __m256i zero,
                                    const hrq__coder_avx2 *c, int kind)
{
    __m256i v[4];
    int k;
    HRQ__UNROLL
    for (k = 0; k < 4; k++) v[k] = hrq__code8_avx2(_mm256_loadu_ps(x + 8 * k), pre, inv, zero, c, kind);
    hrq__store_avx2(out, hrq__code32_avx2(v, c, kind));
}

/* 32 columns at a time of one group, the last ones between zeros; whole groups of 16 two at a time. */
HRQ__IN_AVX2 void hrq__codes_avx2(uint8_t *out, const float *x, size_t n, const hrq__code_args *a,
                                  const hrq__coder_avx2 *c, int kind)
{
    size_t i = 0, group = 0, left = a->group - a->first;
    __m256 pre, inv;
    __m256i zero, v[4];
    int k;
    if (a->first == 0 && a->group == 16) {
        for (; i + 32 <= n; i += 32) {
            HRQ__UNROLL
            for (k = 0; k < 4; k++) {
                if (k % 2 == 0) hrq__code_group_avx2(&pre, &inv, &zero, a, group + (size_t)k / 2);
                v[k] = hrq__code8_avx2(_mm256_loadu_ps(x + i + 8 * k), pre, inv, zero, c, kind);
            }
            hrq__store_avx2(out + i, hrq__code32_avx2(v, c, kind));
            group += 2;
        }
    }
    for (; i < n; group++, left = a->group) {
        size_t end = n - i < left ? n : i + left;
        hrq__code_group_avx2(&pre, &inv, &zero, a, group);
        for (; i + 32 <= end; i += 32) hrq__codes32_avx2(out + i, x + i, pre, inv, zero, c, kind);
        if (i < end) {
            float in[32] = {0};
            uint8_t codes[32];
            memcpy(in, x + i, (end - i) * sizeof *x);
            hrq__codes32_avx2(codes, in, pre, inv, zero, c, kind);
            memcpy(out + i, codes, end - i);
            i = end;
        }
    }
}

HRQ__FN_AVX2 void hrq__code_int_avx2(uint8_t *out, const float *x, size_t n, const hrq__code_args *a)
{
    hrq__coder_avx2 c = hrq__coder_none_avx2();
    c.lo = _mm256_set1_epi8((char)a->range.lo);
    c.hi = _mm256_set1_epi8((char)a->range.hi);
    c.offset = _mm256_set1_epi8((char)a->offset);
    if (a->zero) hrq__codes_avx2(out, x, n, a, &c, HRQ__CODES_ZERO);
    else hrq__codes_avx2(out, x, n, a, &c, HRQ__CODES_INT);
}

HRQ__FN_AVX2 void hrq__code_float_avx2(uint8_t *out, const float *x, size_t n, const hrq__code_args *a)
{
    hrq__coder_avx2 c = hrq__coder_none_avx2();
    hrq__small t = a->type;
    if (t.exp == 0) {
        c.steps = _mm256_set1_ps((float)(1 << t.man));
        c.most = _mm256_set1_ps(127.0f / (float)(1 << t.man));
        hrq__codes_avx2(out, x, n, a, &c, HRQ__CODES_FIXED);
        return;
    }
    c.base = _mm256_set1_epi32((127 - t.bias) << 23);
    c.least = _mm256_set1_epi32((128 - t.bias) << 23);
    c.half = _mm256_set1_epi32((1 << (22 - t.man)) - 1);
    c.top = _mm256_set1_epi32((int)t.top);
    c.magic = _mm256_castsi256_ps(_mm256_set1_epi32((127 + 24 - t.bias - t.man) << 23));
    c.down = _mm_cvtsi32_si128(23 - t.man);
    c.sign = _mm_cvtsi32_si128(t.exp + t.man);
    hrq__codes_avx2(out, x, n, a, &c, HRQ__CODES_FLOAT);
}

/* Clamped first: the range ends in integers, so rounding stays within. A code of -0 for 0 does no harm: the lanes begin
   with 0, so that no sum is -0, and 0 and -0 leave it as it is. The square of a code is exact, so one fused operation
   adds it. `plain`: pre is 1, as it is for scales between 2^-64 and 2^64; a tenth of the time. */
HRQ__IN_AVX2 hrq__int_fit hrq__int_error_avx2_run(const float *x, size_t n, hrq__norm norm, hrq__int_range range,
                                                  int plain)
{
    __m256 pre = _mm256_set1_ps(norm.pre), inv = _mm256_set1_ps(norm.inv), lo = _mm256_set1_ps((float)range.lo);
    __m256 hi = _mm256_set1_ps((float)range.hi), error[2], dot[2], energy[2];
    float last[16] = {0};
    hrq__int_fit fit;
    size_t i;
    int k;
    HRQ__UNROLL
    for (k = 0; k < 2; k++) error[k] = dot[k] = energy[k] = _mm256_setzero_ps();
    for (i = 0; i < n; i += 16) {
        const float *in = x + i;
        if (n - i < 16) in = (const float *)memcpy(last, in, (n - i) * sizeof *in);
        HRQ__UNROLL
        for (k = 0; k < 2; k++) {
            __m256 v = _mm256_loadu_ps(in + 8 * k), c, e;
            v = _mm256_mul_ps(plain ? v : _mm256_mul_ps(v, pre), inv);
            c = _mm256_max_ps(_mm256_min_ps(v, hi), lo);
            c = _mm256_round_ps(c, _MM_FROUND_TO_NEAREST_INT);
            e = _mm256_sub_ps(v, c);
            error[k] = _mm256_add_ps(error[k], _mm256_mul_ps(e, e));
            dot[k] = _mm256_add_ps(dot[k], _mm256_mul_ps(v, c));
            energy[k] = _mm256_fmadd_ps(c, c, energy[k]);
        }
    }
    fit.error = hrq__tree_avx2(error);
    fit.dot = hrq__tree_avx2(dot);
    fit.energy = hrq__tree_avx2(energy);
    return fit;
}

HRQ__FN_AVX2 hrq__int_fit hrq__int_error_avx2(const float *x, size_t n, hrq__norm norm, hrq__int_range range)
{
    return norm.pre == 1.0f ? hrq__int_error_avx2_run(x, n, norm, range, 1)
                            : hrq__int_error_avx2_run(x, n, norm, range, 0);
}

/* Magnitudes to the magnitudes that they are coded as, as hrq__code8_avx2 rounds them, without the shift down. */
HRQ__FN_AVX2 float hrq__float_error_avx2(hrq__small t, const float *x, size_t n, hrq__norm norm)
{
    __m256 pre = _mm256_set1_ps(norm.pre), inv = _mm256_set1_ps(norm.inv), error[2];
    __m256 steps = _mm256_set1_ps((float)(1 << t.man)), step = _mm256_set1_ps(1.0f / (float)(1 << t.man));
    __m256 most = _mm256_mul_ps(_mm256_set1_ps(127.0f), step);
    __m256 magic = _mm256_castsi256_ps(_mm256_set1_epi32((127 + 24 - t.bias - t.man) << 23));
    __m256i base = _mm256_set1_epi32((127 - t.bias) << 23), least = _mm256_set1_epi32((128 - t.bias) << 23);
    __m256i half = _mm256_set1_epi32((1 << (22 - t.man)) - 1), one = _mm256_set1_epi32(1);
    __m256i keep = _mm256_set1_epi32(-(1 << (23 - t.man)));
    __m256i top = _mm256_set1_epi32(((127 - t.bias) << 23) + ((int)t.top << (23 - t.man)));
    __m128i down = _mm_cvtsi32_si128(23 - t.man);
    float last[16] = {0};
    size_t i;
    int k;
    error[0] = error[1] = _mm256_setzero_ps();
    for (i = 0; i < n; i += 16) {
        const float *in = x + i;
        if (n - i < 16) in = (const float *)memcpy(last, in, (n - i) * sizeof *in);
        HRQ__UNROLL
        for (k = 0; k < 2; k++) {
            __m256 v = hrq__abs_avx2(_mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(in + 8 * k), pre), inv)), c;
            if (t.exp == 0) {
                c = _mm256_mul_ps(_mm256_min_ps(v, most), steps);
                c = _mm256_mul_ps(_mm256_round_ps(c, _MM_FROUND_TO_NEAREST_INT), step);
            } else {
                __m256i bits = _mm256_castps_si256(v), mag = _mm256_sub_epi32(bits, base);
                __m256i odd = _mm256_and_si256(_mm256_srl_epi32(mag, down), one), small;
                mag = _mm256_and_si256(_mm256_add_epi32(_mm256_add_epi32(mag, half), odd), keep);
                mag = _mm256_add_epi32(mag, base);
                small = _mm256_castps_si256(_mm256_sub_ps(_mm256_add_ps(v, magic), magic));
                mag = _mm256_blendv_epi8(mag, small, _mm256_cmpgt_epi32(least, bits));
                c = _mm256_castsi256_ps(_mm256_min_epu32(mag, top));
            }
            v = _mm256_sub_ps(v, c);
            error[k] = _mm256_add_ps(error[k], _mm256_mul_ps(v, v));
        }
    }
    return hrq__tree_avx2(error);
}

/* A transposition of 8 x 8 words, twice: neighbours, pairs of neighbours, halves. */
HRQ__FN_AVX2 void hrq__scale_rows_avx2(float *out, size_t ld, const float *tile, size_t n, const float *scale)
{
    size_t c, row, left;
    int i;
    for (c = 0; c < n; c += 8, tile += 128, out += 8)
        for (row = 0, left = n - c; row < HRQ_PANEL; row += 8) {
            __m256 by = _mm256_loadu_ps(scale + row), v[8], t[8];
            HRQ__UNROLL
            for (i = 0; i < 8; i++)
                v[i] = (size_t)i < left ? _mm256_mul_ps(_mm256_loadu_ps(tile + 16 * i + row), by) : by;
            HRQ__UNROLL
            for (i = 0; i < 8; i += 2) {
                t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
                t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
            }
            HRQ__UNROLL
            for (i = 0; i < 8; i += 4) { /* v[i + k]: rows k and 4 + k of columns i ... i + 3 */
                v[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
                v[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
                v[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
                v[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
            }
            HRQ__UNROLL
            for (i = 0; i < 8; i++) {
                float *to = out + (row + (size_t)i) * ld;
                __m256 all = i < 4 ? _mm256_permute2f128_ps(v[i], v[i + 4], 0x20)
                                   : _mm256_permute2f128_ps(v[i - 4], v[i], 0x31);
                hrq__put8_avx2(to, all, left);
            }
        }
}

HRQ__FN_AVX2 void hrq__signs_avx2(float *x, size_t n, uint64_t seed)
{
    uint64_t bits = 0;
    size_t i;
    for (i = 0; i < n; i += 8) {
        if (i % 64 == 0) bits = hrq__random(seed, i / 64);
        hrq__put8_avx2(x + i, hrq__negate_avx2(hrq__first8_avx2(x + i, n - i), bits >> i % 64), n - i);
    }
}

/* Coordinates 4 i ... 4 i + 3 of half a superblock, 8 rows of 4 bytes: row 4 lane + q of part q. */
HRQ__IN_AVX2 void hrq__words_avx2(__m256i code[4], const uint8_t *p, size_t ld)
{
    __m256i part[4], a, b, c, d;
    int q;
    HRQ__UNROLL
    for (q = 0; q < 4; q++) {
        const uint8_t *at = p + (size_t)q * ld;
        part[q] = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)at));
        part[q] = _mm256_inserti128_si256(part[q], _mm_loadu_si128((const __m128i *)(const void *)(at + 4 * ld)), 1);
    }
    a = _mm256_unpacklo_epi32(part[0], part[1]);
    b = _mm256_unpacklo_epi32(part[2], part[3]);
    c = _mm256_unpackhi_epi32(part[0], part[1]);
    d = _mm256_unpackhi_epi32(part[2], part[3]);
    code[0] = _mm256_unpacklo_epi64(a, b);
    code[1] = _mm256_unpackhi_epi64(a, b);
    code[2] = _mm256_unpacklo_epi64(c, d);
    code[3] = _mm256_unpackhi_epi64(c, d);
}

/* One part, w bits wide from bit `shift` of the codes, to its w planes. */
HRQ__IN_AVX2 void hrq__pack_part_avx2(uint8_t *planes, const __m256i code[8], int w, int shift)
{
    int plane, part;
    HRQ__UNROLL
    for (plane = 0; plane < w; plane++) {
        __m256i word = _mm256_setzero_si256();
        HRQ__UNROLL
        for (part = 0; part * w < 8; part++) {
            int up = w * part - shift;
            __m256i v = code[plane + w * part];
            v = up > 0 ? hrq__sll16_avx2(v, up) : up < 0 ? hrq__srl16_avx2(v, -up) : v;
            word = _mm256_or_si256(word, _mm256_and_si256(v, hrq__byte_avx2(((1u << w) - 1u) << w * part)));
        }
        hrq__store_avx2(planes + 64 * plane, word);
    }
}

HRQ__IN_AVX2 void hrq__pack_bits_avx2(uint8_t *planes, size_t lane_bytes, const uint8_t *codes, size_t ld,
                                      size_t supers, int shift, int bits)
{
    size_t half;
    for (; supers > 0; supers--, planes += 4 * lane_bytes, codes += 32)
        for (half = 0; half < 2; half++) {
            const uint8_t *from = codes + 8 * half * ld;
            uint8_t *to = planes + 32 * half;
            __m256i code[8];
            hrq__words_avx2(code, from, ld);
            hrq__words_avx2(code + 4, from + 16, ld);
            if (bits & 1) hrq__pack_part_avx2(to, code, 1, shift);
            if (bits & 2) hrq__pack_part_avx2(to + 64 * (bits & 1), code, 2, shift + (bits & 1));
            if (bits & 4) hrq__pack_part_avx2(to + 64 * (bits & 3), code, 4, shift + (bits & 3));
            if (bits & 8) hrq__pack_part_avx2(to, code, 8, shift);
        }
}

/* Shifts are constants up to 1, all that layouts need. */
HRQ__FN_AVX2 size_t hrq__pack_avx2(uint8_t *planes, size_t lane_bytes, const uint8_t *codes, size_t ld, size_t cols8,
                                   unsigned shift, unsigned bits)
{
    size_t n = cols8 / 32;
    switch (shift << 4 | bits) {
    case 0x01: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 0, 1); break;
    case 0x02: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 0, 2); break;
    case 0x03: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 0, 3); break;
    case 0x04: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 0, 4); break;
    case 0x05: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 0, 5); break;
    case 0x06: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 0, 6); break;
    case 0x07: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 0, 7); break;
    case 0x08: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 0, 8); break;
    case 0x11: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 1, 1); break;
    case 0x12: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 1, 2); break;
    case 0x13: hrq__pack_bits_avx2(planes, lane_bytes, codes, ld, n, 1, 3); break;
    default: return 0;
    }
    return 32 * n;
}

/* Conversion by the machine's fp16, and back to see whether it came out too small. */
HRQ__FN_AVX2 void hrq__group_scales_avx2(uint16_t *h, const float *scale, size_t n, float top, int nearest)
{
    __m128i magnitude = _mm_set1_epi16(0x7fff), most = _mm_set1_epi16(0x7bff);
    uint16_t last[8];
    size_t i;
    for (i = 0; i < n; i += 8) {
        __m256 v = hrq__first8_avx2(scale + i, n - i);
        __m128i code, mag;
        v = top == 0.0f ? _mm256_setzero_ps() : _mm256_div_ps(v, _mm256_set1_ps(top));
        code = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
        if (!nearest) {
            __m256 back = hrq__abs_avx2(_mm256_cvtph_ps(code));
            __m256i less = _mm256_castps_si256(_mm256_cmp_ps(back, hrq__abs_avx2(v), _CMP_LT_OQ));
            code =
                _mm_sub_epi16(code, _mm_packs_epi32(_mm256_castsi256_si128(less), _mm256_extracti128_si256(less, 1)));
        }
        mag = _mm_min_epu16(_mm_and_si128(code, magnitude), most);
        code = _mm_or_si128(_mm_andnot_si128(magnitude, code), mag);
        _mm_storeu_si128((__m128i *)(void *)(n - i < 8 ? last : h + i), code);
    }
    if (n % 8) memcpy(h + n / 8 * 8, last, n % 8 * sizeof *h);
}

HRQ__IN_AVX2 void hrq__norm_avx2(__m256 *pre, __m256 *inv, __m256 scale)
{
    __m256 one = _mm256_set1_ps(1.0f), big = _mm256_set1_ps(18446744073709551616.0f), zero = _mm256_setzero_ps();
    __m256 small = _mm256_set1_ps(1.0f / 18446744073709551616.0f), a = hrq__abs_avx2(scale);
    __m256 tiny = _mm256_and_ps(_mm256_cmp_ps(a, zero, _CMP_GT_OQ), _mm256_cmp_ps(a, small, _CMP_LT_OQ));
    *pre = _mm256_blendv_ps(one, big, tiny);
    *pre = _mm256_blendv_ps(*pre, small, _mm256_cmp_ps(a, big, _CMP_GE_OQ));
    scale = _mm256_mul_ps(scale, *pre);
    *inv = _mm256_and_ps(_mm256_div_ps(one, scale), _mm256_cmp_ps(scale, zero, _CMP_NEQ_UQ));
}

HRQ__FN_AVX2 void hrq__norms_avx2(hrq__norm *norm, const float *row, const float *group)
{
    __m256 pre, inv, low, high;
    int i;
    for (i = 0; i < HRQ_PANEL; i += 8) {
        hrq__norm_avx2(&pre, &inv, _mm256_mul_ps(_mm256_loadu_ps(row + i), _mm256_loadu_ps(group + i)));
        low = _mm256_unpacklo_ps(pre, inv); /* norms 0, 1, 4, 5 | 2, 3, 6, 7 */
        high = _mm256_unpackhi_ps(pre, inv);
        _mm256_storeu_ps((float *)(norm + i), _mm256_permute2f128_ps(low, high, 0x20));
        _mm256_storeu_ps((float *)(norm + i + 4), _mm256_permute2f128_ps(low, high, 0x31));
    }
}

HRQ__FN_AVX2 void hrq__wants_avx2(float *want, const float *lo, const float *hi, size_t n, int how, float steps,
                                  hrq__norm norm)
{
    __m256 by = _mm256_set1_ps(steps), pre = _mm256_set1_ps(norm.pre), inv = _mm256_set1_ps(norm.inv);
    size_t i;
    for (i = 0; i < n; i += 8) {
        __m256 a = hrq__first8_avx2(lo + i, n - i), b = hrq__first8_avx2(hi + i, n - i), v;
        __m256 minus = _mm256_xor_ps(a, _mm256_set1_ps(-0.0f));
        if (how == HRQ__WANT_SPAN) {
            v = _mm256_sub_ps(_mm256_div_ps(b, by), _mm256_div_ps(a, by));
        } else if (how == HRQ__WANT_SIGNED) {
            v = _mm256_div_ps(_mm256_blendv_ps(b, a, _mm256_cmp_ps(minus, b, _CMP_GE_OQ)), by);
        } else {
            v = _mm256_blendv_ps(b, minus, _mm256_cmp_ps(minus, b, _CMP_GT_OQ));
            v = _mm256_div_ps(_mm256_mul_ps(_mm256_mul_ps(v, pre), inv), by);
        }
        hrq__put8_avx2(want + i, v, n - i);
    }
}

HRQ__FN_AVX2 void hrq__zeros_avx2(uint8_t *zero, const float *lo, const uint16_t *h, size_t n, float row,
                                  hrq__int_range range, int32_t offset)
{
    __m256i least = _mm256_set1_epi32(range.lo), most = _mm256_set1_epi32(range.hi);
    size_t i;
    for (i = 0; i < n; i += 8) {
        size_t count = n - i < 8 ? n - i : 8;
        uint16_t half[8] = {0, 0, 0, 0, 0, 0, 0, 0};
        __m256 pre, inv, v;
        __m256i code;
        uint8_t bytes[16];
        memcpy(half, h + i, count * sizeof *h);
        v = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)half));
        hrq__norm_avx2(&pre, &inv, _mm256_mul_ps(_mm256_set1_ps(row), v));
        v = _mm256_mul_ps(_mm256_mul_ps(hrq__first8_avx2(lo + i, count), pre), inv);
        v = _mm256_max_ps(_mm256_min_ps(v, _mm256_set1_ps(65536.0f)), _mm256_set1_ps(-65536.0f));
        code = _mm256_sub_epi32(least, _mm256_cvtps_epi32(v));
        code = _mm256_max_epi32(_mm256_min_epi32(code, most), least);
        code = _mm256_add_epi32(code, _mm256_set1_epi32(offset)); /* 0 ... 255 */
        code = _mm256_packus_epi16(_mm256_packus_epi32(code, code), code);
        _mm_storeu_si128((__m128i *)(void *)bytes, _mm_unpacklo_epi32(_mm256_castsi256_si128(code),
                                                                      _mm256_extracti128_si256(code, 1)));
        memcpy(zero + i, bytes, count);
    }
}

/* ---- activations, Hadamard ---- */

/* Sums of four bytes by two multiplications with ones (|pairs| <= 254), of eight by one addition; then the prefix of
   eight sums: two steps within halves, the lower one's last to the upper. */
HRQ__FN_AVX2 void hrq__act_s8_avx2(int8_t *out, int32_t *sums, const float *x, size_t n, hrq__norm norm)
{
    hrq__coder_avx2 c = hrq__coder_none_avx2();
    __m256 pre = _mm256_set1_ps(norm.pre), inv = _mm256_set1_ps(norm.inv);
    __m256i before = _mm256_setzero_si256(), part[2], v[4], eight;
    size_t i;
    int k, h;
    c.lo = _mm256_set1_epi8(-127);
    c.hi = _mm256_set1_epi8(127);
    *sums++ = 0;
    for (i = 0; i < n; i += 64, sums += 8) {
        HRQ__UNROLL
        for (h = 0; h < 2; h++) {
            HRQ__UNROLL
            for (k = 0; k < 4; k++)
                v[k] = hrq__code8_avx2(_mm256_loadu_ps(x + i + 32 * h + 8 * k), pre, inv, before, &c, HRQ__CODES_INT);
            part[h] = hrq__code32_avx2(v, &c, HRQ__CODES_INT);
            hrq__store_avx2(out + i + 32 * h, part[h]);
            part[h] = _mm256_madd_epi16(_mm256_maddubs_epi16(hrq__byte_avx2(1), part[h]), _mm256_set1_epi16(1));
        }
        eight = _mm256_permute4x64_epi64(_mm256_hadd_epi32(part[0], part[1]), 0xd8);
        eight = _mm256_add_epi32(eight, _mm256_slli_si256(eight, 4));
        eight = _mm256_add_epi32(eight, _mm256_slli_si256(eight, 8));
        part[0] = _mm256_shuffle_epi32(_mm256_permute2x128_si256(eight, eight, 0x08), 0xff);
        eight = _mm256_add_epi32(_mm256_add_epi32(eight, part[0]), before);
        hrq__store_avx2(sums, eight);
        before = _mm256_permutevar8x32_epi32(eight, _mm256_set1_epi32(7));
    }
}

/* Butterflies across `radix` registers: strides 1, 2, 4 of registers. */
HRQ__IN_AVX2 void hrq__butterflies_avx2(__m256 *v, int radix)
{
    int stride, i;
    HRQ__UNROLL
    for (stride = 1; stride < radix; stride *= 2) {
        HRQ__UNROLL
        for (i = 0; i < radix; i++) {
            __m256 a = v[i];
            if (i & stride) continue;
            v[i] = _mm256_add_ps(a, v[i + stride]);
            v[i + stride] = _mm256_sub_ps(a, v[i + stride]);
        }
    }
}

/* Within a register: (a, b) to (a + b, a - b) is the swapped pair plus (a, -b), a multiplication by +-1 that a fused
   one does without rounding: one shuffle, one operation a stage. */
HRQ__IN_AVX2 __m256 hrq__butterfly8_avx2(__m256 v)
{
    v = _mm256_fmadd_ps(v, _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1), _mm256_permute_ps(v, 0xb1));
    v = _mm256_fmadd_ps(v, _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1), _mm256_permute_ps(v, 0x4e));
    return _mm256_fmadd_ps(v, _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1), _mm256_permute2f128_ps(v, v, 0x01));
}

/* 8 count neighbours: signs, then all strides below 8 count. */
HRQ__IN_AVX2 void hrq__hadamard_first_avx2(float *x, size_t n, __m256 scale, int flip, uint64_t seed, size_t at,
                                           int count)
{
    size_t i;
    int k;
    for (i = 0; i < n; i += 8 * (size_t)count, at += 8 * (size_t)count) {
        __m256 v[8];
        uint64_t bits = 0;
        HRQ__UNROLL
        for (k = 0; k < count; k++) {
            size_t here = at + 8 * (size_t)k;
            v[k] = _mm256_loadu_ps(x + i + 8 * k);
            if (!flip) continue;
            if (k == 0 || here % 64 == 0) bits = hrq__random(seed, here / 64);
            v[k] = hrq__negate_avx2(v[k], bits >> here % 64);
        }
        HRQ__UNROLL
        for (k = 0; k < count; k++) v[k] = hrq__butterfly8_avx2(v[k]);
        hrq__butterflies_avx2(v, count);
        HRQ__UNROLL
        for (k = 0; k < count; k++) _mm256_storeu_ps(x + i + 8 * k, _mm256_mul_ps(v[k], scale));
    }
}

/* Strides `stride` ... radix / 2 * stride, a multiple of 8. */
HRQ__IN_AVX2 void hrq__hadamard_pass_avx2(float *x, size_t n, size_t stride, __m256 scale, int radix)
{
    size_t from, i;
    int k;
    for (from = 0; from < n; from += (size_t)radix * stride)
        for (i = from; i < from + stride; i += 8) {
            __m256 v[8];
            HRQ__UNROLL
            for (k = 0; k < radix; k++) v[k] = _mm256_loadu_ps(x + i + (size_t)k * stride);
            hrq__butterflies_avx2(v, radix);
            HRQ__UNROLL
            for (k = 0; k < radix; k++) _mm256_storeu_ps(x + i + (size_t)k * stride, _mm256_mul_ps(v[k], scale));
        }
}

/* Passes of three strides in registers, sixteen of them do not hold more; the last one scales, the others multiply by
   1. */
HRQ__FN_AVX2 void hrq__hadamard_avx2(float *x, size_t n, float scale, int flip, uint64_t seed, size_t at)
{
    __m256 one = _mm256_set1_ps(1.0f), by = _mm256_set1_ps(scale);
    size_t stride = n < 64 ? n : 64;
    switch (stride) {
    case 16: hrq__hadamard_first_avx2(x, n, by, flip, seed, at, 2); return;
    case 32: hrq__hadamard_first_avx2(x, n, by, flip, seed, at, 4); return;
    case 64: hrq__hadamard_first_avx2(x, n, n == 64 ? by : one, flip, seed, at, 8); break;
    default: hrq__hadamard_scalar(x, n, scale, flip, seed, at); return;
    }
    for (; n / stride >= 8; stride *= 8) hrq__hadamard_pass_avx2(x, n, stride, n / stride == 8 ? by : one, 8);
    if (n / stride == 4) hrq__hadamard_pass_avx2(x, n, stride, by, 4);
    if (n / stride == 2) hrq__hadamard_pass_avx2(x, n, stride, by, 2);
}

/* 8 columns with all sums and differences at hand; +-1 times a sum is exact, so a fused operation adds it. The diagonal
   is skipped, not multiplied by zero: that would turn -0 into 0. */
HRQ__IN_AVX2 void hrq__paley_avx2_of(float *x, size_t stride, const float *c, float scale, int order)
{
    size_t at;
    int i, j;
    for (at = 0; at < stride; at += 8) {
        __m256 sum[14], difference[14], by = _mm256_set1_ps(scale);
        size_t count = stride - at;
        HRQ__UNROLL
        for (i = 0; i < order; i++) {
            const float *to = x + (size_t)(2 * i) * stride + at;
            __m256 a = hrq__first8_avx2(to, count), b = hrq__first8_avx2(to + stride, count);
            sum[i] = _mm256_add_ps(a, b);
            difference[i] = _mm256_sub_ps(a, b);
        }
        HRQ__UNROLL
        for (i = 0; i < order; i++) {
            __m256 even = difference[i], odd = _mm256_xor_ps(sum[i], _mm256_set1_ps(-0.0f));
            float *to = x + (size_t)(2 * i) * stride + at;
            HRQ__UNROLL
            for (j = 0; j < order; j++) {
                __m256 sign = _mm256_set1_ps(c[i * order + j]);
                if (j == i) continue;
                even = _mm256_fmadd_ps(sum[j], sign, even);
                odd = _mm256_fmadd_ps(difference[j], sign, odd);
            }
            hrq__put8_avx2(to, _mm256_mul_ps(even, by), count);
            hrq__put8_avx2(to + stride, _mm256_mul_ps(odd, by), count);
        }
    }
}

HRQ__FN_AVX2 void hrq__paley_avx2(float *x, size_t order, size_t stride, const float *conference, float scale)
{
    if (order == 6) hrq__paley_avx2_of(x, stride, conference, scale, 6);
    if (order == 10) hrq__paley_avx2_of(x, stride, conference, scale, 10);
    if (order == 14) hrq__paley_avx2_of(x, stride, conference, scale, 14);
}

/* ---- codes of E8: lanes are blocks, 16 of four superblocks, one register a coordinate ---- */

/* Blocks that the first attempts do not hold wait here for 32 of their kind. */
typedef struct hrq__e8_queue {
    int16_t x[8][32], attempt[32];
    uint16_t gauge[32];
    size_t at[32], n; /* column of coordinate 0 */
} hrq__e8_queue;

/* What an attempt made of those that wait; who is not held waits on. */
static void hrq__e8_settle(hrq__e8_queue *w, uint32_t held, int16_t y[8][32], int16_t digit[8][32], uint8_t *code,
                           uint8_t *index, float *value, const hrq__e8_args *c)
{
    size_t i, n = w->n;
    int j;
    for (i = 0, w->n = 0; i < n; i++) {
        size_t at = w->at[i];
        if (held >> i & 1) {
            int scale = w->attempt[i] < (int)c->scales ? w->attempt[i] : (int)c->scales - 1;
            index[at / 32 * 4 + at % 4] = (uint8_t)scale;
            for (j = 0; j < 8; j++) {
                code[at + 4 * (size_t)j] = (uint8_t)digit[j][i];
                value[at + 4 * (size_t)j] =
                    (float)hrq__clampi(y[j][i] * c->multiple[scale], -c->clamp, c->clamp) * c->step;
            }
        } else {
            for (j = 0; j < 8; j++) w->x[j][w->n] = w->x[j][i];
            w->attempt[w->n] = (int16_t)(w->attempt[i] + 1);
            w->gauge[w->n] = w->gauge[i];
            w->at[w->n++] = at;
        }
    }
}

/* Four registers of four words of 8 bytes, transposed. */
HRQ__IN_AVX2 void hrq__transpose_avx2(__m256i v[4])
{
    __m256i a = _mm256_unpacklo_epi64(v[0], v[1]), b = _mm256_unpackhi_epi64(v[0], v[1]);
    __m256i c = _mm256_unpacklo_epi64(v[2], v[3]), d = _mm256_unpackhi_epi64(v[2], v[3]);
    v[0] = _mm256_permute2x128_si256(a, c, 0x20);
    v[1] = _mm256_permute2x128_si256(b, d, 0x20);
    v[2] = _mm256_permute2x128_si256(a, c, 0x31);
    v[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

/* Lanes of 16 bits that have any of these bits. */
HRQ__IN_AVX2 __m256i hrq__some_avx2(__m256i v, __m256i bit)
{
    return _mm256_cmpeq_epi16(_mm256_and_si256(v, bit), bit); /* one bit: some is all */
}

/* One bit a lane of 16 bits. */
HRQ__IN_AVX2 uint32_t hrq__lanes_avx2(__m256i mask)
{
    return (uint32_t)_mm_movemask_epi8(
        _mm_packs_epi16(_mm256_castsi256_si128(mask), _mm256_extracti128_si256(mask, 1)));
}

/* hrq__e8_residual with half = 2^(bits - 1): |t| + half stays below 2^15, eight |r| at 2^14. */
HRQ__IN_AVX2 void hrq__e8_residual_avx2(__m256i r[8], const __m256i t[8], int bits)
{
    __m256i half = _mm256_set1_epi16((short)(1 << (bits - 1))), unit = _mm256_set1_epi16((short)(1 << bits));
    __m256i low = _mm256_set1_epi16((short)((1 << bits) - 1)), zero = _mm256_setzero_si256();
    __m256i sum = zero, floors = zero, signs = zero, most = zero, least = half, cost0, cost1;
    __m256i odd0, odd1, far, flip, at;
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m256i w = _mm256_add_epi16(t[j], half), a;
        floors = _mm256_xor_si256(floors, w);
        r[j] = _mm256_sub_epi16(_mm256_and_si256(w, low), half);
        signs = _mm256_xor_si256(signs, r[j]);
        a = _mm256_abs_epi16(r[j]);
        sum = _mm256_add_epi16(sum, a);
        most = _mm256_max_epi16(most, a);
        least = _mm256_min_epi16(least, a);
    }
    odd0 = hrq__some_avx2(floors, unit);
    odd1 = _mm256_cmpeq_epi16(odd0, _mm256_srai_epi16(signs, 15));
    cost0 = _mm256_and_si256(odd0, _mm256_slli_epi16(_mm256_sub_epi16(half, most), 1));
    cost1 = _mm256_sub_epi16(_mm256_slli_epi16(half, 2), sum);
    cost1 = _mm256_add_epi16(cost1, _mm256_and_si256(odd1, _mm256_slli_epi16(least, 1)));
    far = _mm256_cmpgt_epi16(cost0, cost1);
    flip = _mm256_blendv_epi8(odd0, odd1, far);
    most = _mm256_blendv_epi8(most, _mm256_sub_epi16(half, least), far); /* the worst |r| of the coset */
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m256i up = _mm256_and_si256(_mm256_srai_epi16(r[j], 15), unit);
        r[j] = _mm256_add_epi16(r[j], _mm256_and_si256(far, _mm256_sub_epi16(up, half)));
        at = _mm256_and_si256(flip, _mm256_cmpeq_epi16(_mm256_abs_epi16(r[j]), most));
        up = _mm256_slli_epi16(_mm256_and_si256(_mm256_srai_epi16(r[j], 15), unit), 1);
        r[j] = _mm256_add_epi16(r[j], _mm256_and_si256(at, _mm256_sub_epi16(up, unit)));
        flip = _mm256_andnot_si256(at, flip);
    }
}

/* hrq__e8_gauge; |x| < 2^15. outside: an entry stops at the end of 16 bits. */
HRQ__IN_AVX2 __m256i hrq__e8_gauge_avx2(const __m256i x[8], __m256i *outside)
{
    __m256i most = _mm256_setzero_si256(), next = most, sum = most, signs = most, least = _mm256_set1_epi16(32767);
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m256i a = _mm256_abs_epi16(x[j]);
        next = _mm256_max_epi16(next, _mm256_min_epi16(most, a));
        most = _mm256_max_epi16(most, a);
        least = _mm256_min_epi16(least, a);
        sum = _mm256_adds_epu16(sum, _mm256_srli_epi16(a, 1));
        signs = _mm256_xor_si256(signs, x[j]);
    }
    least = _mm256_andnot_si256(_mm256_srai_epi16(signs, 15), least);
    sum = _mm256_subs_epu16(sum, least); /* below 0: two entries are more */
    *outside = _mm256_cmpeq_epi16(most, _mm256_set1_epi16(32767));
    return _mm256_max_epu16(sum, _mm256_add_epi16(most, next));
}

/* A table of 16 words in two of bytes, looked up by words below 16: the shuffle gives 0 where bit 7 is set. */
typedef struct hrq__table16_avx2 {
    __m256i low, high;
} hrq__table16_avx2;

HRQ__IN_AVX2 hrq__table16_avx2 hrq__bytes16_avx2(__m256i low, __m256i high)
{
    hrq__table16_avx2 t;
    t.low = _mm256_packus_epi16(low, high); /* low, high | low, high */
    t.high = _mm256_permute4x64_epi64(t.low, 0xdd);
    t.low = _mm256_permute4x64_epi64(t.low, 0x88);
    return t;
}

HRQ__IN_AVX2 hrq__table16_avx2 hrq__table16_of_avx2(const void *p)
{
    __m256i v = hrq__load_avx2(p);
    return hrq__bytes16_avx2(_mm256_and_si256(v, _mm256_set1_epi16(255)), _mm256_srli_epi16(v, 8));
}

HRQ__IN_AVX2 __m256i hrq__word_of_avx2(const hrq__table16_avx2 *t, __m256i index)
{
    __m256i low = _mm256_shuffle_epi8(t->low, _mm256_or_si256(index, _mm256_set1_epi16((short)0x8000)));
    __m256i high = _mm256_or_si256(_mm256_slli_epi16(index, 8), _mm256_set1_epi16(0x80));
    return _mm256_or_si256(low, _mm256_shuffle_epi8(t->high, high));
}

/* By scale; shifts as the powers of two that they multiply by. */
typedef struct hrq__e8_tables_avx2 {
    hrq__table16_avx2 ratio, power, weight, multiple;
} hrq__e8_tables_avx2;

HRQ__IN_AVX2 hrq__e8_tables_avx2 hrq__e8_tables_of_avx2(const hrq__e8_args *c)
{
    hrq__e8_tables_avx2 t;
    uint16_t power[16];
    int i;
    for (i = 0; i < 16; i++) power[i] = (uint16_t)(c->shift[i] < 16 ? 1u << c->shift[i] : 0);
    t.ratio = hrq__table16_of_avx2(c->ratio);
    t.power = hrq__table16_of_avx2(power);
    t.weight = hrq__table16_of_avx2(c->weight);
    t.multiple = hrq__table16_of_avx2(c->multiple);
    return t;
}

/* What 16 blocks become. */
typedef struct hrq__e8_avx2 {
    __m256i digit[8], y[8], error, index;
} hrq__e8_avx2;

/* hrq__e8_attempt at scales `index` of blocks that are drawn already; lanes whose code gives the point back. */
HRQ__FN_AVX2 __m256i hrq__e8_try_avx2(hrq__e8_avx2 *out, const __m256i x[8], __m256i index,
                                      const hrq__e8_tables_avx2 *tables, int bits)
{
    __m256i ratio = hrq__word_of_avx2(&tables->ratio, index), power = hrq__word_of_avx2(&tables->power, index);
    __m128i fine = _mm_cvtsi32_si128(bits < 7 ? 7 - bits : 0), down = _mm_cvtsi32_si128(13 - bits);
    __m256i low = _mm256_set1_epi16((short)((1 << bits) - 1)), half = _mm256_set1_epi16((short)(1 << (bits - 1)));
    __m256i t[8], r[8], n, bad, odd = _mm256_setzero_si256(), sums = odd, error = odd, move, high;
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) t[j] = _mm256_mullo_epi16(_mm256_mulhrs_epi16(x[j], ratio), power);
    hrq__e8_residual_avx2(r, t, 14 - bits);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m256i e = _mm256_sra_epi16(r[j], fine);
        out->y[j] = _mm256_sra_epi16(_mm256_sub_epi16(t[j], r[j]), down);
        error = _mm256_add_epi16(error, _mm256_mullo_epi16(e, e));
    }
    move = hrq__some_avx2(_mm256_srai_epi16(out->y[0], 1), half); /* n less q/2 (1, ..., 1) */
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        n = _mm256_sub_epi16(_mm256_srai_epi16(out->y[j], 1), _mm256_and_si256(move, half));
        sums = _mm256_xor_si256(sums, n);
        out->digit[j] = _mm256_and_si256(n, low);
        odd = _mm256_xor_si256(odd, n);
        t[j] = _mm256_slli_epi16(out->digit[j], 1);
    }
    high = _mm256_xor_si256(hrq__some_avx2(sums, _mm256_slli_epi16(half, 1)), move);
    odd = _mm256_and_si256(odd, _mm256_set1_epi16(1));
    out->digit[0] = _mm256_add_epi16(out->digit[0], _mm256_and_si256(high, half));
    t[7] = _mm256_add_epi16(t[7], _mm256_and_si256(high, _mm256_slli_epi16(half, 2)));
    HRQ__UNROLL
    for (j = 0; j < 8; j++) t[j] = _mm256_add_epi16(t[j], odd);
    hrq__e8_residual_avx2(r, t, bits + 1);
    bad = _mm256_setzero_si256();
    HRQ__UNROLL
    for (j = 0; j < 8; j++) bad = _mm256_or_si256(bad, _mm256_xor_si256(r[j], out->y[j]));
    out->error = _mm256_mulhi_epu16(error, hrq__word_of_avx2(&tables->weight, index));
    out->index = index;
    return _mm256_cmpeq_epi16(bad, _mm256_setzero_si256());
}

/* What 16 waiting blocks are drawn by, if they are: to / gauge, below 32767 before it becomes an integer. */
HRQ__IN_AVX2 __m256i hrq__e8_draw_avx2(const int16_t *attempt, const uint16_t *gauge, const hrq__e8_args *c)
{
    __m256 most = _mm256_set1_ps(32767.0f), unit = _mm256_set1_ps((float)(1 << (28 - c->bits)));
    __m256i part[2];
    int j;
    HRQ__UNROLL
    for (j = 0; j < 2; j++) {
        __m256i a = _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(attempt + 8 * j)));
        __m256i g = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(gauge + 8 * j)));
        __m256 to = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_set1_epi32((4 << c->bits) + (int)c->scales), a));
        g = _mm256_max_epi32(g, _mm256_set1_epi32(16384));
        to = _mm256_div_ps(_mm256_mul_ps(to, unit), _mm256_cvtepi32_ps(g));
        part[j] = _mm256_max_epi32(_mm256_cvttps_epi32(_mm256_min_ps(to, most)), _mm256_setzero_si256());
    }
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(part[0], part[1]), 0xd8);
}

/* The next attempt of all that wait; who fails waits on. */
HRQ__FN_AVX2 void hrq__e8_again_avx2(hrq__e8_queue *w, uint8_t *code, uint8_t *index, float *value,
                                     const hrq__e8_tables_avx2 *tables, const hrq__e8_args *c)
{
    __m256i top = _mm256_set1_epi16((short)(c->scales - 1)), x[8];
    int16_t y[8][32], digit[8][32];
    uint32_t held = 0;
    size_t from;
    int j;
    for (from = 0; from < w->n; from += 16) {
        __m256i attempt = hrq__load_avx2(w->attempt + from), draw = _mm256_cmpgt_epi16(attempt, top);
        __m256i by = hrq__e8_draw_avx2(w->attempt + from, w->gauge + from, c);
        hrq__e8_avx2 b;
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            x[j] = hrq__load_avx2(w->x[j] + from);
            x[j] = _mm256_blendv_epi8(x[j], _mm256_mulhrs_epi16(x[j], by), draw);
        }
        draw = hrq__e8_try_avx2(&b, x, _mm256_min_epi16(attempt, top), tables, (int)c->bits);
        held |= hrq__lanes_avx2(draw) << from;
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            hrq__store_avx2(y[j] + from, b.y[j]);
            hrq__store_avx2(digit[j] + from, b.digit[j]);
        }
    }
    hrq__e8_settle(w, held, y, digit, code, index, value, c);
}

/* 128 columns in fixed point, one register a coordinate. */
HRQ__IN_AVX2 void hrq__e8_fixed_avx2(__m256i x[8], const float *in, const hrq__e8_args *c)
{
    __m256 pre = _mm256_set1_ps(c->norm.pre), inv = _mm256_set1_ps(c->norm.inv), to = _mm256_set1_ps(c->to_fixed);
    __m256 most = _mm256_set1_ps(32767.0f), least = _mm256_set1_ps(-32767.0f);
    __m256i part[2];
    int i, h;
    HRQ__UNROLL
    for (i = 0; i < 8; i++) {
        HRQ__UNROLL
        for (h = 0; h < 2; h++) {
            __m256 v =
                _mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(in + 32 * (i % 4) + 16 * (i / 4) + 8 * h), pre), inv);
            v = _mm256_min_ps(_mm256_max_ps(_mm256_mul_ps(v, to), least), most);
            part[h] = _mm256_cvtps_epi32(v);
        }
        x[i] = _mm256_permute4x64_epi64(_mm256_packs_epi32(part[0], part[1]), 0xd8);
    }
    hrq__transpose_avx2(x);
    hrq__transpose_avx2(x + 4);
}

/* 16 blocks to 128 columns. |y| <= 2 q = 512 times a multiple of 32 at most: below 2^15. */
HRQ__IN_AVX2 void hrq__e8_store_avx2(uint8_t *code, uint8_t *index, float *value, hrq__e8_avx2 *b,
                                     const hrq__e8_tables_avx2 *tables, const hrq__e8_args *c)
{
    __m256i multiple = hrq__word_of_avx2(&tables->multiple, b->index);
    __m256i most = _mm256_set1_epi16(c->clamp), least = _mm256_set1_epi16((short)-c->clamp);
    __m256 step = _mm256_set1_ps(c->step);
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++)
        b->y[j] = _mm256_max_epi16(_mm256_min_epi16(_mm256_mullo_epi16(b->y[j], multiple), most), least);
    HRQ__UNROLL
    for (j = 0; j < 8; j += 4) {
        hrq__transpose_avx2(b->y + j);
        hrq__transpose_avx2(b->digit + j);
    }
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m256i v[2];
        float *to = value + 32 * (j % 4) + 16 * (j / 4);
        v[0] = _mm256_cvtepi16_epi32(_mm256_castsi256_si128(b->y[j]));
        v[1] = _mm256_cvtepi16_epi32(_mm256_extracti128_si256(b->y[j], 1));
        _mm256_storeu_ps(to, _mm256_mul_ps(_mm256_cvtepi32_ps(v[0]), step));
        _mm256_storeu_ps(to + 8, _mm256_mul_ps(_mm256_cvtepi32_ps(v[1]), step));
    }
    HRQ__UNROLL
    for (j = 0; j < 4; j++)
        hrq__store_avx2(code + 32 * j,
                        _mm256_permute4x64_epi64(_mm256_packus_epi16(b->digit[j], b->digit[j + 4]), 0xd8));
    _mm_storeu_si128((__m128i *)(void *)index, _mm_packus_epi16(_mm256_castsi256_si128(b->index),
                                                                _mm256_extracti128_si256(b->index, 1)));
}

/* The scales that hrq__e8_encode tries first: one, or three of which the best stays. A lane's attempts end at `to`. */
HRQ__IN_AVX2 __m256i hrq__e8_best_avx2(hrq__e8_avx2 *out, const __m256i x[8], __m256i from, __m256i to, int tries,
                                       const hrq__e8_tables_avx2 *tables, int bits)
{
    __m256i held = hrq__e8_try_avx2(out, x, from, tables, bits), take, worse;
    hrq__e8_avx2 b;
    int i, j;
    for (i = 1; i < tries; i++) {
        from = _mm256_add_epi16(from, _mm256_set1_epi16(1));
        take = hrq__e8_try_avx2(&b, x, from, tables, bits);
        take = _mm256_andnot_si256(_mm256_cmpgt_epi16(from, to), take);
        worse = _mm256_cmpeq_epi16(_mm256_subs_epu16(out->error, b.error), _mm256_setzero_si256()); /* or no better */
        take = _mm256_andnot_si256(_mm256_and_si256(held, worse), take);
        held = _mm256_or_si256(held, take);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            out->y[j] = _mm256_blendv_epi8(out->y[j], b.y[j], take);
            out->digit[j] = _mm256_blendv_epi8(out->digit[j], b.digit[j], take);
        }
        out->error = _mm256_blendv_epi8(out->error, b.error, take);
        out->index = _mm256_blendv_epi8(out->index, b.index, take);
    }
    return held;
}

/* Everything in 16 bits: the gauge chooses scales, two nearest points (one of the block, one of its code) decide. A
   twentieth of the blocks fails; they are gathered, since redoing the 16 around each would double the work. */
HRQ__IN_AVX2 size_t hrq__e8_run_avx2(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                     int tries, const hrq__e8_args *c)
{
    __m256i top = _mm256_set1_epi16((short)(c->scales - 1)), one = _mm256_set1_epi16(1), zero = _mm256_setzero_si256();
    hrq__e8_tables_avx2 tables = hrq__e8_tables_of_avx2(c);
    size_t col, t, n = cols8 / 128 * 128;
    hrq__e8_queue w;
    w.n = 0;
    for (col = 0; col < n; col += 128) {
        __m256i fixed[8], gauge, from = _mm256_set1_epi16((short)c->scales), to, mask;
        int16_t next[16], lanes[8][16];
        uint16_t gauges[16];
        hrq__e8_avx2 b;
        uint32_t failed, outside;
        int j;
        hrq__e8_fixed_avx2(fixed, x + col, c);
        gauge = hrq__e8_gauge_avx2(fixed, &mask);
        outside = hrq__lanes_avx2(mask);
        for (t = 0; t < c->scales; t++) { /* held: the gauge less the limit is 0 */
            to = _mm256_subs_epu16(gauge, _mm256_set1_epi16((short)c->limit[t]));
            from = _mm256_add_epi16(from, _mm256_cmpeq_epi16(to, zero));
        }
        to = tries > 1 ? _mm256_min_epi16(_mm256_add_epi16(from, one), top) : from;
        if (tries > 1) from = _mm256_max_epi16(_mm256_sub_epi16(from, one), zero);
        mask = hrq__e8_best_avx2(&b, fixed, from, to, tries, &tables, (int)c->bits);
        if (tries == 1) mask = _mm256_andnot_si256(_mm256_cmpgt_epi16(from, top), mask);
        failed = hrq__lanes_avx2(mask) ^ 0xffffu;
        hrq__e8_store_avx2(code + col, index + col / 8, value + col, &b, &tables, c);
        failed &= ~outside;
        for (; outside; outside &= outside - 1) {
            size_t lane = (size_t)__builtin_ctz(outside), at = col + lane / 4 * 32 + lane % 4;
            hrq__e8_code_block(code + at, index + col / 8 + lane, value + at, x + at, 4, c);
        }
        if (!failed) continue;
        HRQ__UNROLL
        for (j = 0; j < 8; j++) hrq__store_avx2(lanes[j], fixed[j]);
        if (tries == 1) to = _mm256_add_epi16(to, _mm256_cmpgt_epi16(to, top));
        hrq__store_avx2(next, _mm256_add_epi16(to, one));
        hrq__store_avx2(gauges, gauge);
        for (; failed; failed &= failed - 1) {
            size_t lane = (size_t)__builtin_ctz(failed);
            while (w.n == 32) hrq__e8_again_avx2(&w, code, index, value, &tables, c);
            for (j = 0; j < 8; j++) w.x[j][w.n] = lanes[j][lane];
            w.attempt[w.n] = next[lane];
            w.gauge[w.n] = gauges[lane];
            w.at[w.n++] = col + lane / 4 * 32 + lane % 4;
        }
    }
    while (w.n > 0) hrq__e8_again_avx2(&w, code, index, value, &tables, c);
    return n;
}

HRQ__FN_AVX2 size_t hrq__code_e8_avx2(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                      const hrq__e8_args *c)
{
    return c->first ? hrq__e8_run_avx2(code, index, value, x, cols8, 1, c)
                    : hrq__e8_run_avx2(code, index, value, x, cols8, 3, c);
}

/* ---- box codes: 8 blocks of two superblocks; t: two coordinates of a block a lane, four registers; look-ups: the
        bytes of two such registers in one, from which unpacking with another makes words in their order ---- */

/* hrq__box_map in bytes. bin: label of the first t of a bin, low; the last in it that has this label, high. */
typedef struct hrq__box_map_avx2 {
    hrq__table16_avx2 bin[4], own, middle, gap[2];
} hrq__box_map_avx2;

HRQ__IN_AVX2 void hrq__box_map_of_avx2(hrq__box_map_avx2 *out, const hrq__box_map *map)
{
    __m256i low = _mm256_set1_epi16(63), v;
    int k;
    HRQ__UNROLL
    for (k = 0; k < 4; k++) {
        v = hrq__load_avx2(map->bin + 16 * k);
        out->bin[k] = hrq__bytes16_avx2(_mm256_srli_epi16(v, 6), _mm256_andnot_si256(v, low));
    }
    out->own = hrq__table16_of_avx2(map->own);
    out->middle = hrq__table16_of_avx2(map->middle);
    out->gap[0] = hrq__table16_of_avx2(map->gap);
    out->gap[1] = hrq__table16_of_avx2(map->gap + 16);
}

typedef struct hrq__box_in_avx2 {
    __m256i t[4], part[2][4], rest[2]; /* part: bins as indices of each table of 16 */
} hrq__box_in_avx2;

/* What one class and coset makes of 8 blocks, or the best so far: as in AVX-512. */
typedef struct hrq__blocks_avx2 {
    __m256i choice[2], total, least, at;
} hrq__blocks_avx2;

/* Bytes in 16 k ... 16 k + 15 as indices of a table of 16; of others bit 7 is set, and a shuffle gives 0. */
HRQ__IN_AVX2 __m256i hrq__within_avx2(__m256i v, int k)
{
    return _mm256_adds_epu8(_mm256_xor_si256(v, hrq__byte_avx2(16u * (unsigned)k)), hrq__byte_avx2(112));
}

/* Bytes of a number a lane, for each byte of its block; -1: 255. */
HRQ__IN_AVX2 __m256i hrq__spread_avx2(__m256i v)
{
    v = _mm256_and_si256(_mm256_or_si256(v, _mm256_slli_epi32(v, 16)), _mm256_set1_epi16(255));
    return _mm256_packus_epi16(v, v);
}

/* Numbers of 16 bits by bytes below 16. */
HRQ__IN_AVX2 void hrq__words_of_avx2(__m256i out[2], const hrq__table16_avx2 *t, __m256i n)
{
    __m256i low = _mm256_shuffle_epi8(t->low, n), high = _mm256_shuffle_epi8(t->high, n);
    out[0] = _mm256_unpacklo_epi8(low, high);
    out[1] = _mm256_unpackhi_epi8(low, high);
}

/* 64 columns in fixed point: a coordinate's four blocks are neighbours in either superblock. */
HRQ__IN_AVX2 void hrq__box_fixed_avx2(hrq__box_in_avx2 *in, const float *x, hrq__norm norm, float to_fixed)
{
    __m256 pre = _mm256_set1_ps(norm.pre), inv = _mm256_set1_ps(norm.inv), to = _mm256_set1_ps(to_fixed);
    __m256 most = _mm256_set1_ps(6000.0f), least = _mm256_set1_ps(-6000.0f);
    __m256i v[8], u[4], bin;
    int j, k;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m256 f = _mm256_castps128_ps256(_mm_loadu_ps(x + 4 * j));
        f = _mm256_insertf128_ps(f, _mm_loadu_ps(x + 32 + 4 * j), 1);
        f = _mm256_mul_ps(_mm256_mul_ps(_mm256_mul_ps(f, pre), inv), to);
        v[j] = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(f, least), most));
    }
    HRQ__UNROLL
    for (j = 0; j < 4; j++) {
        in->t[j] = _mm256_blend_epi16(v[2 * j], _mm256_slli_epi32(v[2 * j + 1], 16), 0xaa);
        u[j] = _mm256_max_epi16(_mm256_add_epi16(in->t[j], _mm256_set1_epi16(2048)), _mm256_setzero_si256());
        u[j] = _mm256_min_epi16(u[j], _mm256_set1_epi16(4095));
    }
    HRQ__UNROLL
    for (j = 0; j < 2; j++) {
        __m256i low = _mm256_set1_epi16(63);
        bin = _mm256_packus_epi16(_mm256_srli_epi16(u[2 * j], 6), _mm256_srli_epi16(u[2 * j + 1], 6));
        in->rest[j] = _mm256_packus_epi16(_mm256_and_si256(u[2 * j], low), _mm256_and_si256(u[2 * j + 1], low));
        HRQ__UNROLL
        for (k = 0; k < 4; k++) in->part[j][k] = hrq__within_avx2(bin, k);
    }
}

/* hrq__box_try_avx512's arithmetic and bounds. */
HRQ__IN_AVX2 void hrq__box_try_avx2(hrq__blocks_avx2 *best, const hrq__box_in_avx2 *in, const hrq__box_map_avx2 *map,
                                    int at)
{
    __m256i low = _mm256_set1_epi32(0xffff), zero = _mm256_setzero_si256(), total = zero, parity = zero, choice[2];
    __m256i least = _mm256_set1_epi32(INT32_MAX), odd, take;
    int h, k;
    HRQ__UNROLL
    for (h = 0; h < 2; h++) {
        __m256i n = zero, last = zero, own[2], middle[2], gap[2], d[2], up;
        HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            n = _mm256_or_si256(n, _mm256_shuffle_epi8(map->bin[k].low, in->part[h][k]));
            last = _mm256_or_si256(last, _mm256_shuffle_epi8(map->bin[k].high, in->part[h][k]));
        }
        n = _mm256_sub_epi8(n, _mm256_cmpgt_epi8(in->rest[h], last));
        hrq__words_of_avx2(own, &map->own, n);
        hrq__words_of_avx2(middle, &map->middle, n);
        HRQ__UNROLL
        for (k = 0; k < 2; k++) {
            d[k] = _mm256_sub_epi16(in->t[2 * h + k], own[k]);
            middle[k] = _mm256_cmpgt_epi16(in->t[2 * h + k], middle[k]);
            total = _mm256_add_epi32(total, _mm256_madd_epi16(d[k], d[k]));
        }
        up = _mm256_packs_epi16(middle[0], middle[1]);
        gap[0] = _mm256_blendv_epi8(_mm256_shuffle_epi8(map->gap[0].low, n),
                                    _mm256_shuffle_epi8(map->gap[1].low, n), up);
        gap[1] = _mm256_blendv_epi8(_mm256_shuffle_epi8(map->gap[0].high, n),
                                    _mm256_shuffle_epi8(map->gap[1].high, n), up);
        HRQ__UNROLL
        for (k = 0; k < 2; k++) {
            __m256i by = k ? _mm256_unpackhi_epi8(gap[0], gap[1]) : _mm256_unpacklo_epi8(gap[0], gap[1]), sum, a, b;
            sum = _mm256_add_epi16(_mm256_add_epi16(d[k], d[k]), by);
            by = _mm256_slli_epi16(by, 3);
            a = _mm256_madd_epi16(by, _mm256_and_si256(low, sum));
            b = _mm256_madd_epi16(by, _mm256_andnot_si256(low, sum));
            least = _mm256_min_epi32(least, _mm256_or_si256(a, _mm256_set1_epi32(4 * h + 2 * k)));
            least = _mm256_min_epi32(least, _mm256_or_si256(b, _mm256_set1_epi32(4 * h + 2 * k + 1)));
        }
        parity = _mm256_xor_si256(parity, n);
        choice[h] = _mm256_or_si256(n, _mm256_and_si256(up, hrq__byte_avx2(16)));
    }
    parity = _mm256_xor_si256(parity, _mm256_shuffle_epi32(parity, 0x4e));
    parity = _mm256_xor_si256(parity, _mm256_srli_epi16(parity, 8));
    parity = _mm256_xor_si256(_mm256_unpacklo_epi16(parity, parity), _mm256_set1_epi32(at));
    odd = _mm256_srai_epi32(_mm256_slli_epi32(parity, 31), 31);
    total = _mm256_add_epi32(total, _mm256_and_si256(odd, _mm256_srai_epi32(least, 3)));
    least = _mm256_or_si256(_mm256_and_si256(least, _mm256_set1_epi32(7)), _mm256_cmpeq_epi32(odd, zero));
    take = _mm256_cmpgt_epi32(best->total, total);
    best->total = _mm256_min_epi32(total, best->total);
    best->least = _mm256_blendv_epi8(best->least, least, take);
    best->at = _mm256_blendv_epi8(best->at, _mm256_set1_epi32(at), take);
    take = hrq__spread_avx2(take);
    HRQ__UNROLL
    for (h = 0; h < 2; h++) best->choice[h] = _mm256_blendv_epi8(best->choice[h], choice[h], take);
}

/* Labels and levels of the best: the entry that pays for the parity goes to its second best label. */
HRQ__IN_AVX2 void hrq__box_put_avx2(__m256i label[2], __m256i value[2], const hrq__blocks_avx2 *b,
                                    const uint8_t level[256], int bits, int parts)
{
    __m256i who = hrq__spread_avx2(b->least), table;
    __m256i row = hrq__spread_avx2(_mm256_sll_epi32(b->at, _mm_cvtsi32_si128(bits)));
    __m256i me = _mm256_set1_epi64x(0x0100010001000100), next = _mm256_set1_epi64x(0x0302030203020302);
    int h, k;
    me = _mm256_unpacklo_epi64(me, next); /* coordinates */
    HRQ__UNROLL
    for (h = 0; h < 2; h++) {
        __m256i n = _mm256_and_si256(b->choice[h], hrq__byte_avx2(15));
        __m256i side = _mm256_or_si256(_mm256_cmpeq_epi8(b->choice[h], n), hrq__byte_avx2(1)); /* below: -1 */
        __m256i mine = _mm256_cmpeq_epi8(who, _mm256_add_epi8(me, hrq__byte_avx2(4 * (unsigned)h)));
        label[h] = _mm256_add_epi8(n, _mm256_and_si256(side, mine));
        value[h] = _mm256_setzero_si256();
    }
    for (k = 0; k < parts; k++) {
        table = hrq__table_avx2(level + 16 * k);
        HRQ__UNROLL
        for (h = 0; h < 2; h++) {
            __m256i at = hrq__within_avx2(_mm256_or_si256(row, label[h]), k);
            value[h] = _mm256_or_si256(value[h], _mm256_shuffle_epi8(table, at));
        }
    }
}

/* 8 blocks to 64 columns. */
HRQ__IN_AVX2 void hrq__box_store_avx2(uint8_t *code, uint8_t *index, float *value, const __m256i label[2],
                                      const __m256i level[2], __m256i at, float step)
{
    __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15));
    __m256i low = _mm256_shuffle_epi8(label[0], order), high = _mm256_shuffle_epi8(label[1], order);
    __m256i zero = _mm256_setzero_si256();
    int j;
    hrq__store_avx2(code, _mm256_permute2x128_si256(low, high, 0x20));
    hrq__store_avx2(code + 32, _mm256_permute2x128_si256(low, high, 0x31));
    HRQ__UNROLL
    for (j = 0; j < 8; j++) { /* levels in the upper bytes of words: either word of a lane to its end */
        __m256i v = j / 2 % 2 ? _mm256_unpackhi_epi8(zero, level[j / 4]) : _mm256_unpacklo_epi8(zero, level[j / 4]);
        __m256 y;
        v = _mm256_srai_epi32(j % 2 ? v : _mm256_slli_epi32(v, 16), 24);
        y = _mm256_mul_ps(_mm256_cvtepi32_ps(v), _mm256_set1_ps(step));
        _mm_storeu_ps(value + 4 * j, _mm256_castps256_ps128(y));
        _mm_storeu_ps(value + 32 + 4 * j, _mm256_extractf128_ps(y, 1));
    }
    at = _mm256_packs_epi32(_mm256_srli_epi32(at, 1), zero);
    at = _mm256_packus_epi16(at, zero);
    _mm_storel_epi64((__m128i *)(void *)index, _mm_unpacklo_epi32(_mm256_castsi256_si128(at),
                                                                  _mm256_extracti128_si256(at, 1)));
}

/* All classes and cosets of 8 blocks. */
HRQ__FN_AVX2 size_t hrq__code_box_avx2(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                       const hrq__box_args *c)
{
    int bits = (int)c->box->bits, sets = 2 * (int)c->box->classes, k;
    size_t col, n = cols8 / 64 * 64, bytes = (size_t)sets << bits;
    float to_fixed = (float)HRQ__BOX_FIXED / c->box->step;
    hrq__box_map_avx2 map[16];
    uint8_t level[256] = {0};
    if (n == 0) return 0;
    memcpy(level, c->box->level, bytes);
    for (k = 0; k < sets; k++) hrq__box_map_of_avx2(map + k, c->map + k);
    for (col = 0; col < n; col += 64) {
        __m256i label[2], levels[2];
        hrq__box_in_avx2 in;
        hrq__blocks_avx2 best;
        hrq__box_fixed_avx2(&in, x + col, c->norm, to_fixed);
        best.total = _mm256_set1_epi32(INT32_MAX);
        best.least = best.at = best.choice[0] = best.choice[1] = _mm256_setzero_si256();
        for (k = 0; k < sets; k++) hrq__box_try_avx2(&best, &in, map + k, k);
        hrq__box_put_avx2(label, levels, &best, level, bits, (int)((bytes + 15) / 16));
        hrq__box_store_avx2(code + col, index + col / 8, value + col, label, levels, best.at, c->step);
    }
    return n;
}

/* ---- trellis search ---- */

/* One step: 16 parities a register, of int16; otherwise as in AVX-512. */
HRQ__IN_AVX2 void hrq__trellis_metric_avx2_run(uint8_t *metric, const int16_t *x, size_t n, const int16_t *levels,
                                               int raws, int parts)
{
    __m256i best[4], v;
    __m128i least;
    int i, p;
    for (; n > 0; n--, x++, metric += 16 * parts) {
        HRQ__UNROLL
        for (i = 0; i < raws * parts; i++) {
            __m256i d = _mm256_loadu_si256((const __m256i *)(const void *)(levels + 16 * i));
            d = _mm256_sub_epi16(_mm256_set1_epi16(*x), d);
            d = _mm256_mulhrs_epi16(d, d);
            best[i % parts] = i < parts ? d : _mm256_min_epi16(best[i % parts], d);
        }
        v = _mm256_min_epi16(best[0], best[1]);
        if (parts == 4) v = _mm256_min_epi16(v, _mm256_min_epi16(best[2], best[3]));
        least = _mm_min_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        v = _mm256_broadcastw_epi16(_mm_minpos_epu16(least));
        HRQ__UNROLL
        for (p = 0; p < parts; p += 2) {
            __m256i both = _mm256_packus_epi16(_mm256_sub_epi16(best[p], v), _mm256_sub_epi16(best[p + 1], v));
            _mm256_storeu_si256((__m256i *)(void *)(metric + 16 * p), _mm256_permute4x64_epi64(both, 0xd8));
        }
    }
}

HRQ__FN_AVX2 void hrq__trellis_metric_avx2(uint8_t *metric, const int16_t *x, size_t n, const hrq__trellis_args *args)
{
    if (args->raw_bits == 1 && args->parities == 5)
        hrq__trellis_metric_avx2_run(metric, x, n, args->levels, 2, 2);
    else if (args->raw_bits == 2 && args->parities == 6)
        hrq__trellis_metric_avx2_run(metric, x, n, args->levels, 4, 4);
    else if (args->raw_bits == 3 && args->parities == 5)
        hrq__trellis_metric_avx2_run(metric, x, n, args->levels, 8, 2);
    else hrq__trellis_metric_scalar(metric, x, n, args);
}

/* The least byte, in all lanes. */
HRQ__IN_AVX2 __m256i hrq__least8_avx2(__m256i v)
{
    __m128i least = _mm_min_epu8(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return _mm256_broadcastb_epi8(_mm_minpos_epu16(_mm_min_epu8(least, _mm_srli_epi16(least, 8))));
}

HRQ__IN_AVX2 __m256i hrq__twice16_avx2(const uint8_t *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* 32 states a register, as in AVX-512; metrics by parities from two or four tables of 16: bits 4 and 5 choose. */
HRQ__IN_AVX2 void hrq__trellis_advance_avx2_run(uint8_t *path, uint8_t *chosen, const uint8_t *metric, size_t n,
                                                int oldest, const hrq__trellis_args *args, int parities)
{
    size_t count = (size_t)1 << args->states, i;
    uint8_t *now = path, *next = path + count, *was;
    __m256i swap = _mm256_set_epi8(14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1, 14, 15, 12, 13, 10, 11, 8, 9,
                                   6, 7, 4, 5, 2, 3, 0, 1);
    __m256i twice = _mm256_set_epi8(15, 15, 14, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 7, 7, 6, 6, 5, 5, 4, 4,
                                    3, 3, 2, 2, 1, 1, 0, 0);
    __m256i least = _mm256_setzero_si256(), low, table[4];
    int j;
    for (; n > 0; n--, metric += (size_t)1 << parities, chosen += count / 8) {
        HRQ__UNROLL
        for (j = 0; j < 1 << (parities - 4); j++) table[j] = hrq__twice16_avx2(metric + 16 * j);
        low = _mm256_set1_epi8(-1);
        for (i = 0; i < count; i += 32) {
            __m256i hash = _mm256_loadu_si256((const __m256i *)(const void *)(args->hash + i)), by, a, b;
            uint32_t take = oldest == 1 ? 0xffffffffu : 0;
            by = _mm256_blendv_epi8(_mm256_shuffle_epi8(table[0], hash), _mm256_shuffle_epi8(table[1], hash),
                                    _mm256_slli_epi16(hash, 3));
            if (parities == 6) {
                a = _mm256_blendv_epi8(_mm256_shuffle_epi8(table[2], hash), _mm256_shuffle_epi8(table[3], hash),
                                       _mm256_slli_epi16(hash, 3));
                by = _mm256_blendv_epi8(by, a, _mm256_slli_epi16(hash, 2));
            }
            a = _mm256_sub_epi8(hrq__twice16_avx2(now + i / 2), least);
            b = _mm256_sub_epi8(hrq__twice16_avx2(now + count / 2 + i / 2), least);
            a = _mm256_adds_epu8(_mm256_shuffle_epi8(a, twice), by);
            b = _mm256_adds_epu8(_mm256_shuffle_epi8(b, twice), _mm256_shuffle_epi8(by, swap));
            if (oldest < 0) { /* the less is not a: b is taken */
                b = _mm256_min_epu8(a, b);
                take = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b));
            }
            if (oldest) a = b;
            low = _mm256_min_epu8(low, a);
            _mm256_storeu_si256((__m256i *)(void *)(next + i), a);
            memcpy(chosen + i / 8, &take, 4);
        }
        least = hrq__least8_avx2(low);
        was = now;
        now = next;
        next = was;
    }
    for (i = 0; i < count; i += 32) {
        low = _mm256_loadu_si256((const __m256i *)(const void *)(now + i));
        _mm256_storeu_si256((__m256i *)(void *)(path + i), _mm256_sub_epi8(low, least));
    }
}

HRQ__FN_AVX2 void hrq__trellis_advance_avx2(uint8_t *path, uint8_t *chosen, const uint8_t *metric, size_t n,
                                            int oldest, const hrq__trellis_args *args)
{
    if (args->parities == 6) hrq__trellis_advance_avx2_run(path, chosen, metric, n, oldest, args, 6);
    else hrq__trellis_advance_avx2_run(path, chosen, metric, n, oldest, args, 5);
}

/* ---- search of a trellis along rows: 8 rows in a register ---- */

/* Eight words at these places. Loads and inserts: fewer operations than a gather, and the places are wanted in memory
   anyway. */
HRQ__IN_AVX2 __m256i hrq__path_pick_avx2(const int32_t *p, const int32_t *at)
{
    return _mm256_setr_epi32(p[at[0]], p[at[1]], p[at[2]], p[at[3]], p[at[4]], p[at[5]], p[at[6]], p[at[7]]);
}

/* Of eight cells' feedback that onto one column. */
HRQ__IN_AVX2 __m256 hrq__path_column_of_avx2(const float *p)
{
    return _mm256_setr_ps(p[0], p[16], p[32], p[48], p[64], p[80], p[96], p[112]);
}

/* The two branches of a path: their costs so far and k, by k & 1. Costs of four neighbours of eight symbols: eight
   loads of four, transposed. */
HRQ__IN_AVX2 void hrq__path_choose_avx2(int32_t *cost, int32_t *code, size_t all, const hrq__path_column *col, int q,
                                        __m256 u, __m256i metric)
{
    const __m256 one = _mm256_set1_ps(1.0f), most = _mm256_set1_ps(HRQ__PATH_MOST), w = _mm256_set1_ps(col->weight);
    const __m256i unit = _mm256_set1_epi32(1), two = _mm256_set1_epi32(2), reach = _mm256_set1_epi32(HRQ__PATH_REACH);
    const float(*table)[4] = col->cost[q];
    __m256 y, d, back, up, down, less[2], here, there, swap, rate[4], even[2], odd[2], c[4];
    __m256i floor_y, symbol, k0, k1;
    HRQ__ALIGNED int32_t at[8];
    unsigned shift = col->shift[q];
    int i;
    y = _mm256_sub_ps(_mm256_mul_ps(u, _mm256_set1_ps(col->inverse)), _mm256_set1_ps(q ? 0.5f : 0.0f));
    y = _mm256_min_ps(_mm256_max_ps(y, _mm256_set1_ps(-8190.0f)), _mm256_set1_ps(8188.0f));
    floor_y = _mm256_sub_epi32(_mm256_cvttps_epi32(_mm256_add_ps(y, _mm256_set1_ps(16384.0f))),
                               _mm256_set1_epi32(16384));
    symbol = _mm256_add_epi32(floor_y, _mm256_set1_epi32(16384 + (shift ? 1 << (shift - 1) : 0)));
    symbol = _mm256_sub_epi32(_mm256_sra_epi32(symbol, _mm_cvtsi32_si128((int)shift)),
                              _mm256_set1_epi32(16384 >> shift));
    symbol = _mm256_min_epi32(_mm256_max_epi32(symbol, _mm256_sub_epi32(_mm256_setzero_si256(), reach)), reach);
    hrq__store_avx2(at, symbol);
    HRQ__UNROLL
    for (i = 0; i < 4; i++)
        rate[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(table[at[i]])),
                                       _mm_loadu_ps(table[at[4 + i]]), 1);
    HRQ__UNROLL
    for (i = 0; i < 2; i++) {
        even[i] = _mm256_unpacklo_ps(rate[2 * i], rate[2 * i + 1]);
        odd[i] = _mm256_unpackhi_ps(rate[2 * i], rate[2 * i + 1]);
    }
    d = _mm256_sub_ps(y, _mm256_cvtepi32_ps(floor_y));
    back = _mm256_add_ps(one, d);
    up = _mm256_sub_ps(one, d);
    down = _mm256_sub_ps(_mm256_set1_ps(2.0f), d);
    c[0] = _mm256_add_ps(_mm256_mul_ps(w, _mm256_mul_ps(back, back)), _mm256_shuffle_ps(even[0], even[1], 0x44));
    c[1] = _mm256_add_ps(_mm256_mul_ps(w, _mm256_mul_ps(d, d)), _mm256_shuffle_ps(even[0], even[1], 0xee));
    c[2] = _mm256_add_ps(_mm256_mul_ps(w, _mm256_mul_ps(up, up)), _mm256_shuffle_ps(odd[0], odd[1], 0x44));
    c[3] = _mm256_add_ps(_mm256_mul_ps(w, _mm256_mul_ps(down, down)), _mm256_shuffle_ps(odd[0], odd[1], 0xee));
    less[0] = _mm256_cmp_ps(c[0], c[2], _CMP_LT_OQ);
    less[1] = _mm256_cmp_ps(c[3], c[1], _CMP_LT_OQ);
    here = _mm256_blendv_ps(c[1], c[3], less[1]);
    there = _mm256_blendv_ps(c[2], c[0], less[0]);
    k0 = _mm256_add_epi32(floor_y, _mm256_and_si256(_mm256_castps_si256(less[1]), two));
    k1 = _mm256_sub_epi32(_mm256_add_epi32(floor_y, unit), _mm256_and_si256(_mm256_castps_si256(less[0]), two));
    swap = _mm256_castsi256_ps(_mm256_slli_epi32(floor_y, 31)); /* where k0 is odd */
    y = _mm256_min_ps(_mm256_blendv_ps(here, there, swap), most);
    d = _mm256_min_ps(_mm256_blendv_ps(there, here, swap), most);
    hrq__store_avx2(cost, _mm256_add_epi32(_mm256_cvttps_epi32(y), metric));
    hrq__store_avx2(cost + all, _mm256_add_epi32(_mm256_cvttps_epi32(d), metric));
    here = _mm256_castsi256_ps(k0);
    there = _mm256_castsi256_ps(k1);
    hrq__store_avx2(code, _mm256_castps_si256(_mm256_blendv_ps(here, there, swap)));
    hrq__store_avx2(code + all, _mm256_castps_si256(_mm256_blendv_ps(there, here, swap)));
}

HRQ__IN_AVX2 void hrq__path_order_avx2(__m256i *a, __m256i *b)
{
    __m256i low = _mm256_min_epi32(*a, *b);
    *b = _mm256_max_epi32(*a, *b);
    *a = low;
}

HRQ__IN_AVX2 void hrq__path_sort_avx2(__m256i *key, int count)
{
    HRQ__PATH_SORT(hrq__path_order_avx2, key, count)
}

/* Rows r ... r + 7: one list in order at a time, eight registers. */
HRQ__IN_AVX2 void hrq__path_select_avx2(const hrq__path_args *a, size_t r, int list)
{
    size_t states = a->states, all = states * (size_t)list * HRQ__PATH_ROWS, s, i;
    const __m256i dead = _mm256_set1_epi32(HRQ__PATH_DEAD), dying = _mm256_set1_epi32(HRQ__PATH_DEAD / 2 - 1);
    const __m256i by = _mm256_set1_epi32((int32_t)states), seven = _mm256_set1_epi32(HRQ__PATH_LIST - 1);
    __m256i least = _mm256_set1_epi32(INT32_MAX);
    const uint8_t(*source)[2] = a->source;
    const int32_t *work = a->work + r;
    int32_t *metrics = a->metric + r, *link = a->link + r;
    int j, b;
    for (s = 0; s < states; s++) {
        __m256i key[2][HRQ__PATH_LIST], even = _mm256_set1_epi32(source[s][0]);
        __m256i odd = _mm256_set1_epi32(32768 + source[s][1]);
        HRQ__UNROLL
        for (b = 0; b < 2; b++) {
            const int32_t *costs = work + (size_t)b * all + source[s][b] * (size_t)HRQ__PATH_ROWS;
            HRQ__UNROLL
            for (j = 0; j < list; j++)
                key[b][j] = _mm256_or_si256(
                    _mm256_slli_epi32(hrq__load_avx2(costs + (size_t)j * states * HRQ__PATH_ROWS), 4),
                    _mm256_set1_epi32(b * HRQ__PATH_LIST + j));
            hrq__path_sort_avx2(key[b], list);
        }
        HRQ__UNROLL
        for (j = 0; j < list; j++) {
            size_t at = ((size_t)j * states + s) * HRQ__PATH_ROWS;
            __m256i best = _mm256_min_epi32(key[0][j], key[1][list - 1 - j]), metric = _mm256_srai_epi32(best, 4);
            __m256 is_odd = _mm256_castsi256_ps(_mm256_slli_epi32(best, 28)), from;
            from = _mm256_blendv_ps(_mm256_castsi256_ps(even), _mm256_castsi256_ps(odd), is_odd);
            best = _mm256_mullo_epi32(_mm256_and_si256(best, seven), by);
            least = _mm256_min_epi32(least, metric);
            hrq__store_avx2(metrics + at, metric);
            hrq__store_avx2(link + at, _mm256_add_epi32(_mm256_castps_si256(from), best));
        }
    }
    for (i = 0; i < all; i += HRQ__PATH_ROWS) {
        __m256i metric = hrq__load_avx2(metrics + i), over = _mm256_cmpgt_epi32(metric, dying);
        hrq__store_avx2(metrics + i, _mm256_blendv_epi8(_mm256_sub_epi32(metric, least), dead, over));
    }
}

/* What a path takes on: its link in full, and its feedback, from that of the path that led here. */
HRQ__IN_AVX2 void hrq__path_extend_avx2(const hrq__path_args *a, const hrq__path_column *col, int zero)
{
    size_t all = a->states * a->list * HRQ__PATH_ROWS, i;
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), parents = _mm256_set1_epi32(32767);
    const __m256i odds = _mm256_set1_epi32((int32_t)all), unit = _mm256_set1_epi32(1);
    const __m256 edge0 = _mm256_loadu_ps(a->edge), edge1 = _mm256_loadu_ps(a->edge + 8);
    const __m256 value = _mm256_set1_ps(col->value);
    const int32_t *code = a->work + 2 * all;
    const float *before = a->before, *w = a->w;
    float *after = a->after;
    int32_t *links = a->link;
    int r;
    for (i = 0; i < all; i += 8, after += 8 * HRQ__PATH_BLOCK) {
        __m256i link = hrq__load_avx2(links + i), parent = _mm256_and_si256(link, parents), x, from;
        HRQ__ALIGNED int32_t at[8], place[8];
        HRQ__ALIGNED float e[8];
        from = _mm256_add_epi32(_mm256_slli_epi32(parent, 4), _mm256_add_epi32(lane, _mm256_set1_epi32(i & 8)));
        x = _mm256_setzero_si256();
        if (!zero) {
            __m256i odd = _mm256_sub_epi32(x, _mm256_srli_epi32(link, 15));
            hrq__store_avx2(place, _mm256_add_epi32(_mm256_and_si256(odd, odds), from));
            x = _mm256_slli_epi32(hrq__path_pick_avx2(code, place), 1);
            x = _mm256_add_epi32(x, _mm256_and_si256(parent, unit));
        }
        hrq__store_avx2(links + i, _mm256_add_epi32(_mm256_slli_epi32(x, 16), parent));
        _mm256_store_ps(e, _mm256_sub_ps(_mm256_loadu_ps(w + (i & 8)), _mm256_mul_ps(_mm256_cvtepi32_ps(x), value)));
        hrq__store_avx2(at, from);
        HRQ__UNROLL
        for (r = 0; r < 8; r++) {
            const float *in = before + (size_t)at[r] * HRQ__PATH_BLOCK;
            __m256 by = _mm256_broadcast_ss(e + r);
            _mm256_storeu_ps(after + r * HRQ__PATH_BLOCK,
                             _mm256_add_ps(_mm256_loadu_ps(in), _mm256_mul_ps(by, edge0)));
            _mm256_storeu_ps(after + r * HRQ__PATH_BLOCK + 8,
                             _mm256_add_ps(_mm256_loadu_ps(in + 8), _mm256_mul_ps(by, edge1)));
        }
    }
}

HRQ__FN_AVX2 void hrq__path_column_avx2(const hrq__path_args *a)
{
    const hrq__path_column col = *a->col;
    size_t all = a->states * a->list * HRQ__PATH_ROWS, i;
    const float *before = a->before + a->j, *w = a->w;
    const int32_t *metric = a->metric;
    int32_t *work = a->work;
    float *target = a->target;
    for (i = 0; i < all; i += 8) {
        __m256 u = _mm256_add_ps(_mm256_loadu_ps(w + (i & 8)), hrq__path_column_of_avx2(before + i * HRQ__PATH_BLOCK));
        _mm256_storeu_ps(target + i, u);
        if (!col.zero)
            hrq__path_choose_avx2(work + i, work + 2 * all + i, all, &col, i / HRQ__PATH_ROWS & 1, u,
                                  hrq__load_avx2(metric + i));
    }
    if (col.zero) {
        hrq__path_pass_by(a);
        hrq__path_extend_avx2(a, &col, 1);
        return;
    }
    for (i = 0; i < HRQ__PATH_ROWS; i += 8)
        if (a->list == 8) hrq__path_select_avx2(a, i, 8);
        else if (a->list == 4) hrq__path_select_avx2(a, i, 4);
        else if (a->list == 2) hrq__path_select_avx2(a, i, 2);
        else hrq__path_select_avx2(a, i, 1);
    hrq__path_extend_avx2(a, &col, 0);
}

/* All cells a column before all a column back: links of a column are few enough for the first cache, those of a block
   are not. */
HRQ__FN_AVX2 void hrq__path_trace_avx2(float *error, int32_t *root, const int32_t *link, const float *w,
                                       const float *value, size_t cells, size_t width)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), parents = _mm256_set1_epi32(32767);
    size_t i, j;
    for (i = 0; i < cells; i++) root[i] = (int32_t)i;
    for (j = width; j-- > 0;) {
        const __m256 by = _mm256_set1_ps(value[j]);
        const float *row = w + j * HRQ__PATH_ROWS;
        for (i = 0; i < cells; i += 8) {
            __m256i now = hrq__path_pick_avx2(link + j * cells, root + i), at = _mm256_and_si256(now, parents);
            __m256 x = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_srai_epi32(now, 16)), by);
            _mm256_storeu_ps(error + j * cells + i, _mm256_sub_ps(_mm256_loadu_ps(row + (i & 8)), x));
            at = _mm256_add_epi32(_mm256_slli_epi32(at, 4), _mm256_add_epi32(lane, _mm256_set1_epi32(i & 8)));
            hrq__store_avx2(root + i, at);
        }
    }
}

/* `count` cells go side by side, two registers each. */
HRQ__IN_AVX2 void hrq__path_feed_avx2_run(float *out, const float *in, const int32_t *id, const int32_t *from,
                                          const float *e, size_t lde, const float *f, size_t depth, int count)
{
    __m256 sum[4][2];
    size_t k;
    int i;
    HRQ__UNROLL
    for (i = 0; i < count; i++) {
        sum[i][0] = _mm256_loadu_ps(in + (size_t)from[i] * HRQ__PATH_BLOCK);
        sum[i][1] = _mm256_loadu_ps(in + (size_t)from[i] * HRQ__PATH_BLOCK + 8);
    }
    for (k = 0; k < depth; k++, e += lde, f += HRQ__PATH_BLOCK) {
        __m256 f0 = _mm256_loadu_ps(f), f1 = _mm256_loadu_ps(f + 8);
        HRQ__UNROLL
        for (i = 0; i < count; i++) {
            __m256 by = _mm256_broadcast_ss(e + id[i]);
            sum[i][0] = _mm256_add_ps(sum[i][0], _mm256_mul_ps(by, f0));
            sum[i][1] = _mm256_add_ps(sum[i][1], _mm256_mul_ps(by, f1));
        }
    }
    HRQ__UNROLL
    for (i = 0; i < count; i++) {
        _mm256_storeu_ps(out + (size_t)id[i] * HRQ__PATH_BLOCK, sum[i][0]);
        _mm256_storeu_ps(out + (size_t)id[i] * HRQ__PATH_BLOCK + 8, sum[i][1]);
    }
}

HRQ__FN_AVX2 void hrq__path_feed_avx2(float *out, const float *in, const int32_t *id, const int32_t *from, size_t n,
                                      const float *e, size_t lde, const float *f, size_t depth)
{
    size_t i;
    for (i = 0; i + 4 <= n; i += 4) hrq__path_feed_avx2_run(out, in, id + i, from + i, e, lde, f, depth, 4);
    for (; i < n; i++) hrq__path_feed_avx2_run(out, in, id + i, from + i, e, lde, f, depth, 1);
}

/* ---- plane rotations ---- */

HRQ__FN_AVX2 void hrq__rotate_avx2(float *y, const hrq__rotations *by)
{
    size_t i;
    int k;
    for (i = 0; i < by->count; i++) {
        hrq__rotation r = hrq__rotation_at(y, by, i);
        __m256 c = _mm256_set1_ps(r.c), s = _mm256_set1_ps(r.s);
        HRQ__UNROLL
        for (k = 0; k < HRQ_PANEL; k += 8) {
            __m256 p = _mm256_loadu_ps(r.p + k), q = _mm256_loadu_ps(r.q + k);
            _mm256_storeu_ps(r.q + k, _mm256_add_ps(_mm256_mul_ps(c, q), _mm256_mul_ps(s, p)));
            _mm256_storeu_ps(r.p + k, _mm256_sub_ps(_mm256_mul_ps(c, p), _mm256_mul_ps(s, q)));
        }
    }
}

/* ---- reading of rANS ----
   Lanes are independent but for the words, which those that fall below 2^16 take in order: of 8 lanes a set, whose
   shuffle sends the next words where they belong. */

/* By eights, which run over the end of a symbol: the next one, or the next table, is written later. */
HRQ__IN_AVX2 void hrq__rans_slots_avx2(uint32_t *slot, const hrq__rans_model *m)
{
    const __m256i eight = _mm256_set1_epi32(8 * HRQ__RANS_RANGE);
    const __m256i first = _mm256_slli_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), HRQ__RANS_BITS);
    int32_t s, x;
    for (s = 0; s < 2 * m->k + 2 - m->half; s++) {
        __m256i says = _mm256_add_epi32(_mm256_set1_epi32((int)hrq__rans_slot(m, s)), first);
        for (x = m->start[s]; x < m->start[s + 1]; x += 8, says = _mm256_add_epi32(says, eight))
            _mm256_storeu_si256((__m256i *)(void *)(slot + x), says);
    }
}

/* Slots at four places. Not gathered: on Zen 3 (39 uops for eight) that takes half as long again, and far more where
   microcode guards gathers. */
HRQ__IN_AVX2 __m128i hrq__rans_four_avx2(const uint32_t *slot, __m128i at)
{
    uint64_t low = (uint64_t)_mm_cvtsi128_si64(at), high = (uint64_t)_mm_extract_epi64(at, 1);
    __m128i out = _mm_cvtsi32_si128((int)slot[low & 0xffffffffu]);
    out = _mm_insert_epi32(out, (int)slot[low >> 32], 1);
    out = _mm_insert_epi32(out, (int)slot[high & 0xffffffffu], 2);
    return _mm_insert_epi32(out, (int)slot[high >> 32], 3);
}

/* The words of those places of 8 that are in the set; zero for others. */
HRQ__IN_AVX2 __m128i hrq__rans_words_avx2(hrq__rans *c, const hrq__rans_args *a, unsigned set)
{
    __m128i words = _mm_loadu_si128((const __m128i *)(const void *)c->at);
    c->at += 2 * __builtin_popcount(set);
    return _mm_shuffle_epi8(words, _mm_loadu_si128((const __m128i *)(const void *)a->spread[set]));
}

/* Rows r ... r + 7 of rans_column; at most 32 bytes of words are read. 0: an escape among them, nothing done. */
HRQ__IN_AVX2 int hrq__rans_eight_avx2(int16_t *z, uint8_t *state, hrq__rans *c, size_t lane, const hrq__rans_args *a,
                                      int trellis, int raw)
{
    const __m256i low = _mm256_set1_epi32(HRQ__RANS_RANGE - 1), one = _mm256_set1_epi32(1),
                  sixteen = _mm256_set1_epi32(16), zero = _mm256_setzero_si256();
    __m256i *lanes = (__m256i *)(void *)(c->state + lane);
    __m256i x = _mm256_loadu_si256(lanes), s = zero, q = zero, says, k, take;
    if (trellis) {
        s = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)state));
        q = _mm256_and_si256(s, one);
    }
    says = _mm256_or_si256(_mm256_and_si256(x, low), _mm256_slli_epi32(q, HRQ__RANS_BITS));
    says = _mm256_inserti128_si256(
        _mm256_castsi128_si256(hrq__rans_four_avx2(a->slot, _mm256_castsi256_si128(says))),
        hrq__rans_four_avx2(a->slot, _mm256_extracti128_si256(says, 1)), 1);
    if (_mm256_movemask_ps(_mm256_castsi256_ps(says))) return 0;
    x = _mm256_mullo_epi32(_mm256_and_si256(says, low), _mm256_srli_epi32(x, HRQ__RANS_BITS));
    x = _mm256_add_epi32(x, _mm256_and_si256(_mm256_srli_epi32(says, HRQ__RANS_BITS), low));
    k = _mm256_sub_epi32(_mm256_srli_epi32(says, 24), _mm256_set1_epi32(HRQ__RANS_ZERO));
    take = _mm256_cmpeq_epi32(_mm256_srli_epi32(x, 16), zero);
    if (!raw) {
        unsigned set = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(take));
        x = _mm256_sllv_epi32(x, _mm256_and_si256(take, sixteen));
        x = _mm256_or_si256(x, _mm256_cvtepu16_epi32(hrq__rans_words_avx2(c, a, set)));
    } else {
        /* n bits follow, and with them a second word of the lane: where x < 2^(16 + n), which does not hang on the
           first word's bits. Four lanes a shuffle, first words below the second ones */
        __m256i n = _mm256_blendv_epi8(_mm256_set1_epi32((int)a->model[0]->shift),
                                       _mm256_set1_epi32((int)a->model[1]->shift), _mm256_sub_epi32(zero, q));
        __m256i left = _mm256_sub_epi32(_mm256_set1_epi32(HRQ__RANS_BITS), n), words, more;
        __m256i again = _mm256_add_epi32(n, _mm256_andnot_si256(take, sixteen));
        unsigned set;
        again = _mm256_cmpeq_epi32(_mm256_srlv_epi32(x, again), zero);
        words = _mm256_blend_epi16(take, again, 0xaa);
        set = (unsigned)_mm256_movemask_epi8(_mm256_packs_epi16(words, words));
        words = _mm256_castsi128_si256(hrq__rans_words_avx2(c, a, set & 255));
        words = _mm256_inserti128_si256(words, hrq__rans_words_avx2(c, a, set >> 16 & 255), 1);
        x = _mm256_sllv_epi32(x, _mm256_and_si256(take, sixteen));
        x = _mm256_or_si256(x, _mm256_and_si256(words, _mm256_set1_epi32(0xffff)));
        more = _mm256_srlv_epi32(_mm256_and_si256(x, low), left);
        more = _mm256_sub_epi32(more, _mm256_srli_epi32(_mm256_sllv_epi32(one, n), 1));
        k = _mm256_add_epi32(_mm256_sllv_epi32(k, n), more);
        x = _mm256_or_si256(_mm256_sllv_epi32(_mm256_srli_epi32(x, HRQ__RANS_BITS), left),
                            _mm256_and_si256(x, _mm256_srlv_epi32(low, n)));
        x = _mm256_sllv_epi32(x, _mm256_and_si256(again, sixteen));
        x = _mm256_or_si256(x, _mm256_srli_epi32(words, 16));
    }
    _mm256_storeu_si256(lanes, x);
    if (trellis) { /* the next state: what 2 k + q says of q and k & 1, from a table of four */
        int p0 = a->parity[0], p1 = a->parity[1], p2 = p0 ^ p1;
        k = _mm256_add_epi32(_mm256_add_epi32(k, k), q);
        x = _mm256_permutevar8x32_epi32(_mm256_setr_epi32(0, p0, p1, p2, 0, p0, p1, p2), k);
        s = _mm256_xor_si256(_mm256_srli_epi32(s, 1), x);
    }
    k = _mm256_permute4x64_epi64(_mm256_packs_epi32(k, s), 0xd8);
    _mm_storeu_si128((__m128i *)(void *)z, _mm256_castsi256_si128(k));
    if (trellis) {
        __m128i next = _mm256_extracti128_si256(k, 1);
        _mm_storel_epi64((__m128i *)(void *)state, _mm_packus_epi16(next, next));
    }
    return 1;
}

HRQ__RANS_COLUMN(avx2, HRQ__IN_AVX2, HRQ__FN_AVX2)

#endif /* HRQ__AVX2 */

//==================================================================================================
//  [c] AVX-512       F, BW, VL, DQ; VNNI, VBMI and GFNI above them
//==================================================================================================

#ifdef HRQ__AVX512

/* ---- prepare ---- */

/* Rows of the affine maps that give a trellis code's index from its bytes in a step: byte 7 - i of a map is the mask of
   the bits whose parity is bit i. Windows run from new to old, bytes from old to new: masks are turned around. Of 256
   levels the lower half is the upper half, mirrored: all index bits but the highest are complemented where that is 0,
   which is linear too, up to the constant that the decoder adds. */
HRQ__INLINE void hrq__maps_vnni(uint8_t *maps, const hrq__decode_args *a)
{
    unsigned j, i, k, bits = a->code_bits, halves = a->parities + bits == 8;
    for (j = 0; j < 8; j++) {
        uint64_t map[5] = {0, 0, 0, 0,
                           0}; /* of this byte, the one before, the one before that; raw planes of 1, 2 bits */
        for (i = 0; i < a->parities; i++) {
            uint32_t window = (uint32_t)hrq__tcq_reverse(a->hash[i]) << (j + 1);
            for (k = 0; k < 3; k++) map[k] |= (uint64_t)(window >> (16 - 8 * k) & 255) << 8 * (7 - i);
        }
        for (i = 0; i < bits; i++) {
            unsigned one = bits & 1, wide = i >= one, at = wide ? j / 2 * 2 + i - one : j, to = a->parities + i;
            map[3 + wide] |= (uint64_t)1 << (8 * (7 - to) + at);
            for (k = 0; halves && i == bits - 1 && k < 7; k++) map[3 + wide] |= (uint64_t)1 << (8 * (7 - k) + at);
        }
        memcpy(maps + 64 * j, map, sizeof map);
    }
    for (i = 0; i < 128; i++)
        maps[512 + i] = (uint8_t)((unsigned)(halves ? a->level[i] : hrq__tcq_level(a->level, 64, i & 63)) ^ a->flip);
}

/* Values of a Voronoi code by coset | scale, low bit << 1 | flip << 2 | digit << 3; then for scales 2 and 3. */
HRQ__INLINE void hrq__values_vnni(uint8_t *maps, const hrq__decode_args *a)
{
    int i, q = (int)a->q, y, k;
    for (i = 0; i < 256; i++) {
        k = (i >> 1 & 1) | i >> 7 << 1;
        y = 2 * ((i >> 3) % 16 % q) + (i & 1);
        y -= y >= q ? 2 * q : 0;
        if (i & 4) y += y < 0 ? 2 * q : -2 * q;
        y = hrq__clampi(y * (k < (int)a->scales ? a->multiple[k] : 0), -a->clamp, a->clamp);
        maps[i] = (uint8_t)((unsigned)y ^ a->flip);
    }
}

/* Tables that decoders look bytes up in. */
HRQ__FN_VNNI void hrq__prepare_vnni(uint8_t *maps, int codec, const hrq__decode_args *a)
{
    unsigned i, count;
    if (codec == HRQ__CODEC_FLOAT) { /* lo, then hi */
        for (i = 0; i < 256; i++) {
            int v = i >> a->code_bits ? 0 : a->value[i], low = (v & 255) - ((v & 128) << 1);
            maps[i] = (uint8_t)((unsigned)low ^ a->flip);
            maps[256 + i] = (uint8_t)((unsigned)((v - low) / 256) ^ a->flip);
        }
    } else if (codec == HRQ__CODEC_BOX) {
        count = 2 * a->scales << a->code_bits;
        for (i = 0; i < 256; i++)
            maps[i] = i < count ? (uint8_t)((unsigned)a->level[i] ^ a->flip) : maps[i - count];
    } else if (codec == HRQ__CODEC_TRELLIS || codec == HRQ__CODEC_COLUMN) {
        hrq__maps_vnni(maps, a);
    } else if (codec == HRQ__CODEC_VORONOI && a->clamp == 127) {
        hrq__values_vnni(maps, a);
    }
}

/* ---- where decoded bytes go: a tile, or products with one vector ---- */

/* Four accumulators: the latency of one would rule. */
typedef struct hrq__sink_vnni {
    uint8_t *lo;
    size_t stride;
    const int8_t *x;
    const int32_t *sums;
    const hrq__groups *groups;
    const float *scale;
    const int32_t *zero;
    size_t left;  /* columns of the group                    */
    int32_t bias; /* that bytes have over the values          */
    __m512i acc[4];
    __m512 total;
} hrq__sink_vnni;

HRQ__IN_VNNI __m512i hrq__sink_sum_vnni(const hrq__sink_vnni *s)
{
    return _mm512_add_epi32(_mm512_add_epi32(s->acc[0], s->acc[1]), _mm512_add_epi32(s->acc[2], s->acc[3]));
}

HRQ__IN_VNNI void hrq__sink_clear_vnni(hrq__sink_vnni *s)
{
    s->acc[0] = s->acc[1] = s->acc[2] = s->acc[3] = _mm512_setzero_si512();
}

/* A group is complete. */
HRQ__IN_VNNI void hrq__sink_flush_vnni(hrq__sink_vnni *s, size_t eights)
{
    int32_t sum = (int32_t)((uint32_t)s->sums[eights] - (uint32_t)s->sums[0]);
    __m512i part = _mm512_sub_epi32(hrq__sink_sum_vnni(s), _mm512_set1_epi32(sum * s->bias));
    if (s->zero) {
        part = _mm512_sub_epi32(part, _mm512_mullo_epi32(_mm512_set1_epi32(sum), _mm512_loadu_si512(s->zero)));
        s->zero += 16;
    }
    s->total = _mm512_fmadd_ps(_mm512_cvtepi32_ps(part), _mm512_loadu_ps(s->scale), s->total);
    s->scale += 16;
    s->sums += eights;
    hrq__sink_clear_vnni(s);
}

/* Quad j of a superblock. */
HRQ__IN_VNNI void hrq__emit_vnni(hrq__sink_vnni *s, int to, int j, __m512i bytes)
{
    if (to == HRQ__TO_TILE) _mm512_storeu_si512(s->lo + (size_t)j * s->stride, bytes);
    else s->acc[j & 3] = _mm512_dpbusd_epi32(s->acc[j & 3], bytes, _mm512_set1_epi32(hrq__word_at(s->x + 4 * j)));
    if (to == HRQ__TO_GROUPS16 && j % 4 == 3) hrq__sink_flush_vnni(s, 2);
    if (j < 7) return;
    if (to == HRQ__TO_TILE) s->lo += 8 * s->stride;
    else s->x += 32;
    if (to == HRQ__TO_GROUPS32 && (s->left -= 32) == 0) {
        hrq__sink_flush_vnni(s, s->groups->group / 8);
        s->left = s->groups->group;
    }
}

HRQ__IN_VNNI hrq__sink_vnni hrq__sink_tile_vnni(uint8_t *lo, const hrq__decode_args *a)
{
    hrq__sink_vnni s;
    memset(&s, 0, sizeof s);
    s.lo = lo;
    s.stride = a->stride;
    return s;
}

HRQ__IN_VNNI hrq__sink_vnni hrq__sink_one_vnni(const void *sum, const hrq__vectors *x, const hrq__groups *g,
                                               int32_t bias)
{
    hrq__sink_vnni s;
    memset(&s, 0, sizeof s);
    s.x = x->x;
    s.sums = x->sums;
    s.bias = bias;
    hrq__sink_clear_vnni(&s);
    if (!g) return s;
    s.groups = g;
    s.scale = g->scale;
    s.zero = g->zero;
    s.left = g->group;
    s.total = _mm512_loadu_ps(sum);
    return s;
}

HRQ__IN_VNNI void hrq__sink_end_vnni(void *sum, const hrq__sink_vnni *s, size_t supers)
{
    if (s->groups) {
        _mm512_storeu_ps(sum, s->total);
    } else {
        int32_t bias = (int32_t)((uint32_t)s->bias * ((uint32_t)s->sums[4 * supers] - (uint32_t)s->sums[0]));
        _mm512_storeu_si512(sum, _mm512_add_epi32(_mm512_loadu_si512(sum),
                                                  _mm512_sub_epi32(hrq__sink_sum_vnni(s), _mm512_set1_epi32(bias))));
    }
}

/* ---- decode: a superblock is 8 registers, one a coordinate: the quads of its tile in order ---- */

/* The first n lanes. */
HRQ__IN_AVX512 __mmask16 hrq__first16_avx512(size_t n) { return (__mmask16)(n < 16 ? (1u << n) - 1 : 0xffffu); }
HRQ__IN_AVX512 __mmask64 hrq__first64_avx512(size_t n) { return n < 64 ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0; }

/* Shifts by constants: counts in registers, which compilers turn into immediates. */
HRQ__IN_AVX512 __m512i hrq__srl16_avx512(__m512i v, int n) { return _mm512_srl_epi16(v, _mm_cvtsi32_si128(n)); }
HRQ__IN_AVX512 __m512i hrq__sll16_avx512(__m512i v, int n) { return _mm512_sll_epi16(v, _mm_cvtsi32_si128(n)); }

/* Coordinate j of the planes of one part of codes, w bits wide, or-ed in at bit `shift`; blank: into 0. */
HRQ__IN_AVX512 __m512i hrq__part_avx512(__m512i code, const uint8_t *p, int w, int j, int shift, int blank)
{
    __m512i v = _mm512_loadu_si512(p + 64 * (j % w)), mask = _mm512_set1_epi8((char)(((1 << w) - 1) << shift));
    int down = j / w * w - shift;
    v = down > 0 ? hrq__srl16_avx512(v, down) : down < 0 ? hrq__sll16_avx512(v, -down) : v;
    if (blank) return w == 8 ? v : _mm512_and_si512(v, mask);
    return _mm512_ternarylogic_epi64(code, v, mask, 0xf8); /* a | (b & c) */
}

/* Code j of `bits` bits of a superblock as bytes, or-ed into what comes in; blank: into 0. */
HRQ__IN_AVX512 __m512i hrq__code_over_avx512(__m512i code, const uint8_t *p, int bits, int j, int blank)
{
    if (bits & 1) code = hrq__part_avx512(code, p, 1, j, 0, blank);
    if (bits & 2) code = hrq__part_avx512(code, p + 64 * (bits & 1), 2, j, bits & 1, blank && !(bits & 1));
    if (bits & 4) code = hrq__part_avx512(code, p + 64 * (bits & 3), 4, j, bits & 3, blank && !(bits & 3));
    if (bits & 8) code = hrq__part_avx512(code, p + 64 * (bits & 7), 8, j, bits & 7, blank && !(bits & 7));
    return code;
}

HRQ__IN_AVX512 __m512i hrq__code_avx512(const uint8_t *p, int bits, int j)
{
    return hrq__code_over_avx512(_mm512_setzero_si512(), p, bits, j, 1);
}

HRQ__IN_AVX512 void hrq__prefetch_avx512(const uint8_t *p, int lines)
{
    int i;
    HRQ__UNROLL
    for (i = 0; i < lines; i++) _mm_prefetch((const char *)((uintptr_t)p + HRQ__AHEAD + 64 * (unsigned)i), _MM_HINT_T1);
}

/* Integers: plane, shift, mask. In a tile an addition makes them code - 2^(bits - 1), flipped; products take the codes
   as they are. Bits and sink are constants: one body for all. */
HRQ__IN_VNNI void hrq__int_vnni(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int bits,
                                const hrq__decode_args *a)
{
    __m512i offset = _mm512_set1_epi8((char)(a->flip - (1u << (bits - 1)))), v;
    int j;
    for (; supers > 0; supers--, codes += 64 * bits) {
        hrq__prefetch_avx512(codes, bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            v = hrq__code_avx512(codes, bits, j);
            hrq__emit_vnni(s, to, j, to == HRQ__TO_TILE ? _mm512_add_epi8(v, offset) : v);
        }
    }
}

HRQ__IN_VNNI size_t hrq__int_vnni_all(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers,
                                      const hrq__decode_args *a)
{
    switch (a->code_bits) {
    case 1: hrq__int_vnni(s, to, codes, supers, 1, a); break;
    case 2: hrq__int_vnni(s, to, codes, supers, 2, a); break;
    case 3: hrq__int_vnni(s, to, codes, supers, 3, a); break;
    case 4: hrq__int_vnni(s, to, codes, supers, 4, a); break;
    case 5: hrq__int_vnni(s, to, codes, supers, 5, a); break;
    case 6: hrq__int_vnni(s, to, codes, supers, 6, a); break;
    case 7: hrq__int_vnni(s, to, codes, supers, 7, a); break;
    case 8: hrq__int_vnni(s, to, codes, supers, 8, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* A table of 64, 128 or 256 bytes, looked up by bytes below its size. */
typedef struct hrq__table_vnni {
    __m512i part[4];
} hrq__table_vnni;

HRQ__IN_VNNI hrq__table_vnni hrq__table_load_vnni(const uint8_t *p)
{
    hrq__table_vnni t;
    int i;
    HRQ__UNROLL
    for (i = 0; i < 4; i++) t.part[i] = _mm512_loadu_si512(p + 64 * i);
    return t;
}

/* 256: `upper` are the lanes that take the upper half. */
HRQ__IN_VNNI __m512i hrq__look_up_vnni(const hrq__table_vnni *t, __m512i index, int size, __mmask64 upper)
{
    if (size <= 64) return _mm512_permutexvar_epi8(index, t->part[0]);
    if (size <= 128) return _mm512_permutex2var_epi8(t->part[0], index, t->part[1]);
    index = _mm512_mask2_permutex2var_epi8(t->part[0], index, ~upper, t->part[1]); /* the others keep their index */
    return _mm512_mask2_permutex2var_epi8(t->part[2], index, upper, t->part[3]);
}

/* Codes through a table: floats whose values are integers. hi: NULL where one tile holds them. */
HRQ__IN_VNNI void hrq__table_vnni_run(hrq__sink_vnni *s, int to, uint8_t *hi, const uint8_t *codes, size_t supers,
                                      int bits, const hrq__decode_args *a)
{
    hrq__table_vnni low = hrq__table_load_vnni(a->maps), high = hrq__table_load_vnni(a->maps + 256);
    __m512i v;
    int j;
    for (; supers > 0; supers--, codes += 64 * bits) {
        hrq__prefetch_avx512(codes, bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            v = hrq__code_avx512(codes, bits, j);
            if (to == HRQ__TO_TILE && hi)
                _mm512_storeu_si512(hi + (size_t)j * s->stride,
                                    hrq__look_up_vnni(&high, v, 1 << bits, bits == 8 ? _mm512_movepi8_mask(v) : 0));
            hrq__emit_vnni(s, to, j, hrq__look_up_vnni(&low, v, 1 << bits, bits == 8 ? _mm512_movepi8_mask(v) : 0));
        }
        if (hi) hi += 8 * s->stride;
    }
}

HRQ__IN_VNNI size_t hrq__table_vnni_all(hrq__sink_vnni *s, int to, uint8_t *hi, const uint8_t *codes, size_t supers,
                                        const hrq__decode_args *a)
{
    switch (a->code_bits) {
    case 3: hrq__table_vnni_run(s, to, hi, codes, supers, 3, a); break;
    case 4: hrq__table_vnni_run(s, to, hi, codes, supers, 4, a); break;
    case 5: hrq__table_vnni_run(s, to, hi, codes, supers, 5, a); break;
    case 6: hrq__table_vnni_run(s, to, hi, codes, supers, 6, a); break;
    case 7: hrq__table_vnni_run(s, to, hi, codes, supers, 7, a); break;
    case 8: hrq__table_vnni_run(s, to, hi, codes, supers, 8, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* A bit of the lanes' scale indices: one plane of 64 bits. */
HRQ__INLINE uint64_t hrq__index_bit(const uint8_t *p, int bit)
{
    uint64_t m;
    memcpy(&m, p + 8 * bit, 8);
    return m;
}

/* Least or greatest of eight, and their exact sum over 8: three levels, not a chain. */
HRQ__IN_VNNI __m512i hrq__least8_vnni(const __m512i v[8])
{
    return _mm512_min_epu8(_mm512_min_epu8(_mm512_min_epu8(v[0], v[1]), _mm512_min_epu8(v[2], v[3])),
                           _mm512_min_epu8(_mm512_min_epu8(v[4], v[5]), _mm512_min_epu8(v[6], v[7])));
}
HRQ__IN_VNNI __m512i hrq__most8_vnni(const __m512i v[8])
{
    return _mm512_max_epu8(_mm512_max_epu8(_mm512_max_epu8(v[0], v[1]), _mm512_max_epu8(v[2], v[3])),
                           _mm512_max_epu8(_mm512_max_epu8(v[4], v[5]), _mm512_max_epu8(v[6], v[7])));
}
HRQ__IN_VNNI __m512i hrq__mean8_vnni(const __m512i v[8]) /* multiples of 8: nothing is rounded */
{
    return _mm512_avg_epu8(_mm512_avg_epu8(_mm512_avg_epu8(v[0], v[1]), _mm512_avg_epu8(v[2], v[3])),
                           _mm512_avg_epu8(_mm512_avg_epu8(v[4], v[5]), _mm512_avg_epu8(v[6], v[7])));
}

/* Eight digits of q = 2^bits at bit 3 of bytes. */
HRQ__IN_VNNI __m512i hrq__digit_vnni(const uint8_t *p, int bits, int j)
{
    __m512i v = bits & 1 ? hrq__part_avx512(_mm512_setzero_si512(), p, 1, j, 3, 1) : _mm512_setzero_si512();
    if (bits & 2) v = hrq__part_avx512(v, p + 64 * (bits & 1), 2, j, 3 + (bits & 1), !(bits & 1));
    return bits & 4 ? hrq__part_avx512(v, p, 4, j, 3, 1) : v;
}

/* Values of a Voronoi code by two scales; where there are four, by the other two in the lanes `upper`. Digits of 3 bits
   leave 64 of two scales. */
HRQ__IN_VNNI __m512i hrq__value_vnni(const hrq__table_vnni *t, __m512i index, int bits, int four, __mmask64 upper)
{
    if (bits > 3) return hrq__look_up_vnni(t, index, four ? 256 : 128, upper);
    if (!four) return _mm512_permutexvar_epi8(index, t->part[0]);
    return _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(index, t->part[0]), upper, index, t->part[2]);
}

/* E8 Voronoi codes, q = 4, 8, 16, exact, in bytes and without squares. Letters as in hrq__e8_residual, in half units,
   times 8: digits n; distances min(n, q - coset - n) = (|r| - coset) / 2. Their parities (the coset; whether the even
   coset's point has an odd sum) are xors of the digits' lowest and highest bits. Distances with their place below them
   are all different, so that one maximum and one minimum find the coordinate to flip, the first on ties. The table
   that ends it knows the scales' multiples. */
HRQ__IN_VNNI void hrq__voronoi_vnni(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int bits,
                                    int index_bits, const hrq__decode_args *a)
{
    hrq__table_vnni value = hrq__table_load_vnni(a->maps);
    __m512i one = _mm512_set1_epi8(1), top = _mm512_set1_epi8((char)(4 << bits));
    int j, q = 1 << bits;
    for (; supers > 0; supers--, codes += 64 * bits + 8 * index_bits) {
        __m512i n[8], d[8], key[8], most, least, all, coset, c0, c1, change;
        __mmask64 odd0, odd1, other, flips, upper = index_bits > 1 ? hrq__index_bit(codes + 64 * bits, 1) : 0;
        hrq__prefetch_avx512(codes, bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) n[j] = hrq__digit_vnni(codes, bits, j);
        all = _mm512_ternarylogic_epi64(n[0], n[1], n[2], 0x96);
        change = _mm512_ternarylogic_epi64(n[3], n[4], n[5], 0x96);
        all = _mm512_xor_si512(_mm512_ternarylogic_epi64(all, n[6], n[7], 0x96), change);
        odd0 = _mm512_test_epi8_mask(all, top);
        odd1 = _mm512_testn_epi8_mask(n[0], top); /* digit 0's spare bit is n_7's highest */
        n[0] = _mm512_andnot_si512(top, n[0]);
        coset = _mm512_and_si512(all, _mm512_set1_epi8(8));
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            d[j] = _mm512_sub_epi8(_mm512_sub_epi8(_mm512_set1_epi8((char)(8 * q)), coset), n[j]);
            d[j] = _mm512_min_epu8(d[j], n[j]);
            key[j] = _mm512_add_epi8(d[j], _mm512_set1_epi8((char)(7 - j)));
        }
        most = hrq__most8_vnni(key);
        c1 = hrq__mean8_vnni(d);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) d[j] = _mm512_add_epi8(d[j], _mm512_set1_epi8((char)j));
        least = hrq__least8_vnni(d);
        coset = _mm512_and_si512(_mm512_srli_epi16(coset, 3), one);
        c1 = _mm512_sub_epi8(_mm512_sub_epi8(_mm512_set1_epi8((char)(2 * q)), c1), _mm512_slli_epi16(coset, 2));
        change = _mm512_and_si512(_mm512_srli_epi16(least, 2), _mm512_set1_epi8(0x3e)); /* twice the distance */
        c1 = _mm512_mask_add_epi8(c1, odd1, c1, _mm512_add_epi8(change, coset));
        c0 = _mm512_and_si512(_mm512_srli_epi16(most, 2), _mm512_set1_epi8(0x3e));
        c0 = _mm512_maskz_sub_epi8(odd0, _mm512_sub_epi8(_mm512_set1_epi8((char)q), coset), c0);
        other = _mm512_cmplt_epi8_mask(c1, c0);
        flips = (odd1 & other) | (odd0 & ~other);
        most = _mm512_mask_mov_epi8(most, other, _mm512_xor_si512(least, _mm512_set1_epi8(7)));
        change = _mm512_or_si512(coset, _mm512_maskz_mov_epi8(other, top));
        if (index_bits)
            change = _mm512_mask_add_epi8(change, hrq__index_bit(codes + 64 * bits, 0), change, _mm512_set1_epi8(2));
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            n[j] = _mm512_xor_si512(n[j], change);
            n[j] = _mm512_mask_add_epi8(n[j], _mm512_mask_cmpeq_epi8_mask(flips, key[j], most), n[j],
                                        _mm512_set1_epi8(4));
            hrq__emit_vnni(s, to, j, hrq__value_vnni(&value, n[j], bits, index_bits > 1, upper));
        }
    }
}

HRQ__IN_VNNI size_t hrq__voronoi_vnni_all(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers,
                                          const hrq__decode_args *a)
{
    if (a->lattice != HRQ__LATTICE_E8 || a->layers != 1 || a->clamp != 127 || a->digit_bits || a->scales > 4)
        return 0;
    switch (a->code_bits << 4 | a->scale_bits) {
    case 0x20: hrq__voronoi_vnni(s, to, codes, supers, 2, 0, a); break;
    case 0x21: hrq__voronoi_vnni(s, to, codes, supers, 2, 1, a); break;
    case 0x22: hrq__voronoi_vnni(s, to, codes, supers, 2, 2, a); break;
    case 0x30: hrq__voronoi_vnni(s, to, codes, supers, 3, 0, a); break;
    case 0x31: hrq__voronoi_vnni(s, to, codes, supers, 3, 1, a); break;
    case 0x32: hrq__voronoi_vnni(s, to, codes, supers, 3, 2, a); break;
    case 0x40: hrq__voronoi_vnni(s, to, codes, supers, 4, 0, a); break;
    case 0x41: hrq__voronoi_vnni(s, to, codes, supers, 4, 1, a); break;
    case 0x42: hrq__voronoi_vnni(s, to, codes, supers, 4, 2, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* Eight registers of eight words of 8 bytes, transposed. */
HRQ__IN_AVX512 void hrq__transpose_avx512(__m512i v[8])
{
    __m512i t[8], s[8];
    int i;
    HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        t[i] = _mm512_unpacklo_epi64(v[2 * i], v[2 * i + 1]);
        t[4 + i] = _mm512_unpackhi_epi64(v[2 * i], v[2 * i + 1]);
    }
    HRQ__UNROLL
    for (i = 0; i < 8; i += 2) { /* words 0, 4 | 2, 6 of registers 0 ... 3 | 4 ... 7; odd words from t[4] on */
        s[i] = _mm512_shuffle_i64x2(t[i], t[i + 1], 0x88);
        s[i + 1] = _mm512_shuffle_i64x2(t[i], t[i + 1], 0xdd);
    }
    HRQ__UNROLL
    for (i = 0; i < 2; i++) {
        v[i] = _mm512_shuffle_i64x2(s[4 * i], s[4 * i + 2], 0x88);
        v[4 + i] = _mm512_shuffle_i64x2(s[4 * i], s[4 * i + 2], 0xdd);
        v[2 + i] = _mm512_shuffle_i64x2(s[4 * i + 1], s[4 * i + 3], 0x88);
        v[6 + i] = _mm512_shuffle_i64x2(s[4 * i + 1], s[4 * i + 3], 0xdd);
    }
}

/* p[index] of 16 words. */
HRQ__IN_AVX512 __m512i hrq__word_of_avx512(const void *p, __m512i index)
{
    return _mm512_permutexvar_epi16(index, _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)p)));
}

/* Of n words the first whose size is `most`, in the lanes `flip`, goes one unit over to the other side of 0. */
HRQ__IN_AVX512 void hrq__flip_avx512(__m512i *r, int n, __mmask32 flip, __m512i most, __m512i unit)
{
    int j;
    HRQ__UNROLL
    for (j = 0; j < n; j++) {
        __mmask32 at = _mm512_cmpeq_epi16_mask(_mm512_abs_epi16(r[j]), most);
        __m512i up = _mm512_and_si512(_mm512_srai_epi16(r[j], 15), _mm512_add_epi16(unit, unit));
        r[j] = _mm512_mask_add_epi16(r[j], at & flip, r[j], _mm512_sub_epi16(up, unit));
        flip &= ~at; /* the chain is this alone */
    }
}

/* The second half of hrq__e8_residual: r less than half a unit around the even coset's integers, whose sum is odd in
   the lanes odd0. Eight |r| stay below 2^15. */
HRQ__IN_AVX512 void hrq__e8_nearest_avx512(__m512i r[8], __m512i half, __m512i unit, __mmask32 odd0)
{
    __m512i zero = _mm512_setzero_si512(), sum = zero, signs = zero, most = zero, least = half, cost0, cost1;
    __mmask32 odd1, far;
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m512i a = _mm512_abs_epi16(r[j]);
        signs = _mm512_xor_si512(signs, r[j]);
        sum = _mm512_add_epi16(sum, a);
        most = _mm512_max_epi16(most, a);
        least = _mm512_min_epi16(least, a);
    }
    odd1 = ~(odd0 ^ _mm512_movepi16_mask(signs));
    cost0 = _mm512_maskz_slli_epi16(odd0, _mm512_sub_epi16(half, most), 1);
    cost1 = _mm512_sub_epi16(_mm512_slli_epi16(half, 2), sum);
    cost1 = _mm512_mask_add_epi16(cost1, odd1, cost1, _mm512_slli_epi16(least, 1));
    far = _mm512_cmplt_epi16_mask(cost1, cost0);
    most = _mm512_mask_sub_epi16(most, far, half, least); /* the worst |r| of the coset */
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m512i up = _mm512_and_si512(_mm512_srai_epi16(r[j], 15), unit);
        r[j] = _mm512_mask_add_epi16(r[j], far, r[j], _mm512_sub_epi16(up, half));
    }
    hrq__flip_avx512(r, 8, (far & odd1) | (~far & odd0), most, unit);
}

/* ---- values of more than 8 bits: words of 16, even lanes in one register and odd lanes in another ---- */

HRQ__IN_AVX512 __m512i hrq__widen_avx512(__m512i bytes, int odd)
{
    return odd ? _mm512_srli_epi16(bytes, 8) : _mm512_and_si512(bytes, _mm512_set1_epi16(255));
}

/* Quad j of both tiles: value = lo + 256 hi, lo signed, so hi rounds: |value| < 2^15 - 128. hi may be NULL. */
HRQ__IN_AVX512 void hrq__put_words_avx512(uint8_t *lo, uint8_t *hi, size_t at, __m512i even, __m512i odd, __m512i flip)
{
    __m512i half = _mm512_set1_epi16(128), upper = _mm512_set1_epi16((short)0xff00), v;
    v = _mm512_ternarylogic_epi64(upper, _mm512_slli_epi16(odd, 8), even, 0xca); /* a ? b : c */
    _mm512_storeu_si512(lo + at, _mm512_xor_si512(v, flip));
    if (!hi) return;
    even = _mm512_srli_epi16(_mm512_add_epi16(even, half), 8);
    v = _mm512_ternarylogic_epi64(upper, _mm512_add_epi16(odd, half), even, 0xca);
    _mm512_storeu_si512(hi + at, _mm512_xor_si512(v, flip));
}

/* n <= 8 planes of bits as bytes. */
HRQ__IN_AVX512 __m512i hrq__bits_avx512(const uint8_t *p, unsigned n)
{
    __m512i v = _mm512_setzero_si512();
    unsigned i;
    for (i = 0; i < n; i++)
        v = _mm512_mask_add_epi8(v, hrq__index_bit(p, (int)i), v, _mm512_set1_epi8((char)(1 << i)));
    return v;
}

/* Powers of q and their reciprocals, slightly too small. */
typedef struct hrq__digits_vnni {
    __m512i q8, q4, q2, q1, over1;
    __m512d over4;
    __m512 over2;
} hrq__digits_vnni;

HRQ__IN_VNNI hrq__digits_vnni hrq__digits_open_vnni(unsigned q)
{
    hrq__digits_vnni c;
    uint64_t q2 = (uint64_t)q * q, q4 = q2 * q2;
    c.q8 = _mm512_set1_epi64((long long)(q4 * q4));
    c.q4 = _mm512_set1_epi64((long long)q4);
    c.q2 = _mm512_set1_epi32((int)q2);
    c.q1 = _mm512_set1_epi16((short)q);
    c.over4 = _mm512_set1_pd((1.0 - 1.0 / 1125899906842624.0) / (double)q4);
    c.over2 = _mm512_set1_ps((1.0f - 1.0f / 2097152.0f) / (float)q2);
    c.over1 = _mm512_set1_epi16((short)(65536 / q));
    return c;
}

/* Packed digits of 8 lanes, numbers below 2 q^8, q < 256, to 8 bytes each: halved three times, by q^4, q^2 and q. What
   q^8 stands for drops out of all digits. Each quotient is at most one too small: the first is below 2^32, and three
   roundings and the reciprocal's 2^-50 come to less than 2^-49; the second below 2^16, likewise 2^-20; the third
   x (65536 / q) / 65536 lacks less than x / 65536 < 1. Then the remainder is below twice the divisor and tells. One
   division a digit would be 8 of 64 bits. */
HRQ__IN_VNNI __m512i hrq__digits_vnni_8(__m512i n, const hrq__digits_vnni *c)
{
    __m512i over, rest;
    n = _mm512_min_epu64(n, _mm512_sub_epi64(n, c->q8));
    over = _mm512_cvttpd_epi64(_mm512_mul_pd(_mm512_cvtepu64_pd(n), c->over4));
    rest = _mm512_sub_epi64(n, _mm512_mul_epu32(over, c->q4));
    over = _mm512_mask_sub_epi64(over, _mm512_cmpge_epu64_mask(rest, c->q4), over, _mm512_set1_epi64(-1));
    rest = _mm512_min_epu64(rest, _mm512_sub_epi64(rest, c->q4));
    n = _mm512_or_si512(rest, _mm512_slli_epi64(over, 32));
    over = _mm512_cvttps_epi32(_mm512_mul_ps(_mm512_cvtepu32_ps(n), c->over2));
    rest = _mm512_sub_epi32(n, _mm512_mullo_epi32(over, c->q2));
    over = _mm512_mask_sub_epi32(over, _mm512_cmpge_epu32_mask(rest, c->q2), over, _mm512_set1_epi32(-1));
    rest = _mm512_min_epu32(rest, _mm512_sub_epi32(rest, c->q2));
    n = _mm512_or_si512(rest, _mm512_slli_epi32(over, 16));
    over = _mm512_mulhi_epu16(n, c->over1);
    rest = _mm512_sub_epi16(n, _mm512_mullo_epi16(over, c->q1));
    over = _mm512_mask_sub_epi16(over, _mm512_cmpge_epu16_mask(rest, c->q1), over, _mm512_set1_epi16(-1));
    rest = _mm512_min_epu16(rest, _mm512_sub_epi16(rest, c->q1));
    return _mm512_or_si512(rest, _mm512_slli_epi16(over, 8));
}

/* A superblock's packed digits, `bits` a lane, to digit[j]: planes of bytes are turned into numbers, 8 lanes a
   register, and bytes of digits back. */
HRQ__FN_VNNI void hrq__packed_vnni(__m512i digit[8], const uint8_t *p, unsigned bits, const hrq__digits_vnni *given)
{
    hrq__digits_vnni c = *given;
    __m512i v[8], turn = _mm512_set1_epi64(0x3830282018100800);
    int j;
    turn = _mm512_add_epi8(turn, _mm512_set_epi64(0x0707070707070707, 0x0606060606060606, 0x0505050505050505,
                                                  0x0404040404040404, 0x0303030303030303, 0x0202020202020202,
                                                  0x0101010101010101, 0));
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        unsigned at = 8 * (unsigned)j;
        v[j] = at + 8 <= bits ? _mm512_loadu_si512(p + 64 * j)
               : at < bits    ? hrq__bits_avx512(p + 64 * j, bits - at)
                              : _mm512_setzero_si512();
    }
    hrq__transpose_avx512(v);
    HRQ__UNROLL
    for (j = 0; j < 8; j++)
        v[j] = _mm512_permutexvar_epi8(turn, hrq__digits_vnni_8(_mm512_permutexvar_epi8(turn, v[j]), &c));
    hrq__transpose_avx512(v);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) digit[j] = v[j];
}

/* A superblock's digits in planes. */
HRQ__IN_VNNI void hrq__planes_vnni(__m512i digit[8], const uint8_t *p, int bits)
{
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) digit[j] = hrq__code_avx512(p, bits, j);
}

HRQ__FN_VNNI void hrq__planes_vnni_of(__m512i digit[8], const uint8_t *p, unsigned bits)
{
    switch (bits) {
    case 2: hrq__planes_vnni(digit, p, 2); break;
    case 3: hrq__planes_vnni(digit, p, 3); break;
    case 4: hrq__planes_vnni(digit, p, 4); break;
    case 5: hrq__planes_vnni(digit, p, 5); break;
    case 6: hrq__planes_vnni(digit, p, 6); break;
    case 7: hrq__planes_vnni(digit, p, 7); break;
    default: hrq__planes_vnni(digit, p, 8); break;
    }
}

/* hrq__lattice_point: t of digits in t, q <= 256: |t| stays below 5 q. In D4's even q the halves of digit 0 meet again:
   4 digit + 2 parity. */
HRQ__IN_VNNI void hrq__point_vnni(__m512i t[8], int lattice, unsigned q)
{
    __m512i one = _mm512_set1_epi16(1), twice = _mm512_set1_epi16((short)(2 * q)), parity[2], d = t[0];
    __mmask32 high;
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j += 4) {
        parity[j / 4] = _mm512_xor_si512(_mm512_ternarylogic_epi64(t[j + 1], t[j + 2], t[j + 3], 0x96), t[j]);
        if (lattice == HRQ__LATTICE_D4 && q % 2 == 0) parity[j / 4] = _mm512_xor_si512(parity[j / 4], t[j]);
        parity[j / 4] = _mm512_and_si512(parity[j / 4], one);
    }
    HRQ__UNROLL
    for (j = 0; j < 8; j++) t[j] = _mm512_add_epi16(t[j], t[j]);
    if (lattice == HRQ__LATTICE_ZN) return;
    if (lattice == HRQ__LATTICE_E8) parity[0] = _mm512_xor_si512(parity[0], parity[1]);
    HRQ__UNROLL
    for (j = 0; j < 8; j += 4) {
        if (lattice == HRQ__LATTICE_E8 && j) continue;
        if (q % 2) t[j] = _mm512_add_epi16(t[j], _mm512_mullo_epi16(parity[j / 4], twice));
        else if (lattice == HRQ__LATTICE_D4) t[j] = _mm512_slli_epi16(_mm512_add_epi16(t[j], parity[j / 4]), 1);
    }
    if (q % 2 || lattice == HRQ__LATTICE_D4) return;
    high = _mm512_cmpge_epu16_mask(d, _mm512_set1_epi16((short)(q / 2)));
    t[0] = _mm512_mask_sub_epi16(t[0], high, t[0], _mm512_set1_epi16((short)q));
    t[7] = _mm512_mask_add_epi16(t[7], high, t[7], twice);
    parity[0] = _mm512_mask_add_epi16(parity[0], high, parity[0], _mm512_set1_epi16((short)(q / 2)));
    parity[0] = _mm512_and_si512(parity[0], one);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) t[j] = _mm512_add_epi16(t[j], parity[0]);
}

/* hrq__lattice_residual, half = q, of 0 <= t < 5 q: floors are two comparisons. */
HRQ__IN_VNNI void hrq__residual_vnni(__m512i t[8], int lattice, unsigned q)
{
    __m512i half = _mm512_set1_epi16((short)q), unit = _mm512_set1_epi16((short)(2 * q)), most;
    __mmask32 up, odd = 0;
    int j, k;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        HRQ__UNROLL
        for (k = 0; k < 2; k++) {
            up = _mm512_cmpge_epi16_mask(t[j], half);
            t[j] = _mm512_mask_sub_epi16(t[j], up, t[j], unit);
            odd ^= up;
        }
        if (lattice != HRQ__LATTICE_D4 || j % 4 != 3) continue;
        most = _mm512_max_epi16(_mm512_max_epi16(_mm512_abs_epi16(t[j - 3]), _mm512_abs_epi16(t[j - 2])),
                                _mm512_max_epi16(_mm512_abs_epi16(t[j - 1]), _mm512_abs_epi16(t[j])));
        hrq__flip_avx512(t + j - 3, 4, odd, most, unit);
        odd = 0;
    }
    if (lattice == HRQ__LATTICE_E8) hrq__e8_nearest_avx512(t, half, unit, odd);
}

/* All other Voronoi codes, step by step as hrq__decode_voronoi_scalar: 16 bits hold everything, since q^layers <= 256:
   coordinates below 2 * 256 * 3 / 2, times at most 32. */
HRQ__IN_VNNI void hrq__wide_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t supers, int lattice,
                                 const hrq__decode_args *a)
{
    __m512i table = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(const void *)a->multiple));
    __m512i most = _mm512_set1_epi16(a->clamp), least = _mm512_set1_epi16((short)-a->clamp), t[8];
    __m512i flip = _mm512_set1_epi8((char)a->flip), index, multiple, digit[HRQ__LAYERS][8], value[2][8];
    hrq__digits_vnni c = hrq__digits_open_vnni(a->q);
    unsigned layer;
    int j, odd;
    for (; supers > 0; supers--, lo += 8 * a->stride, hi = hi ? hi + 8 * a->stride : NULL) {
        for (layer = 0; layer < a->layers; layer++, codes += 64 * a->code_bits + 8 * a->digit_bits)
            if (a->digit_bits) hrq__packed_vnni(digit[layer], codes, a->digit_bits, &c);
            else hrq__planes_vnni_of(digit[layer], codes, a->code_bits);
        index = hrq__bits_avx512(codes, a->scale_bits);
        codes += 8 * a->scale_bits;
        for (odd = 0; odd < 2; odd++) {
            int power = 1;
            HRQ__UNROLL
            for (j = 0; j < 8; j++) value[odd][j] = _mm512_setzero_si512();
            for (layer = 0; layer < a->layers; layer++, power *= (int)a->q) {
                HRQ__UNROLL
                for (j = 0; j < 8; j++) t[j] = hrq__widen_avx512(digit[layer][j], odd);
                hrq__point_vnni(t, lattice, a->q);
                hrq__residual_vnni(t, lattice, a->q);
                HRQ__UNROLL
                for (j = 0; j < 8; j++)
                    value[odd][j] = _mm512_add_epi16(value[odd][j],
                                                     _mm512_mullo_epi16(t[j], _mm512_set1_epi16((short)power)));
            }
            multiple = hrq__widen_avx512(index, odd);
            multiple = _mm512_maskz_permutexvar_epi16(
                _mm512_cmplt_epu16_mask(multiple, _mm512_set1_epi16((short)a->scales)), multiple, table);
            HRQ__UNROLL
            for (j = 0; j < 8; j++) {
                __m512i v = value[odd][j];
                if (lattice != HRQ__LATTICE_E8) v = _mm512_srai_epi16(v, 1);
                v = _mm512_mullo_epi16(v, multiple);
                value[odd][j] = _mm512_max_epi16(_mm512_min_epi16(v, most), least);
            }
        }
        HRQ__UNROLL
        for (j = 0; j < 8; j++)
            hrq__put_words_avx512(lo, hi, (size_t)j * a->stride, value[0][j], value[1][j], flip);
    }
}

/* Integers of 9 to 15 bits: a byte above what is below it. */
HRQ__IN_VNNI void hrq__wide_int_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t supers, int bits,
                                     const hrq__decode_args *a)
{
    __m512i offset = _mm512_set1_epi16((short)(1 << (bits - 1))), flip = _mm512_set1_epi8((char)a->flip), v[2];
    int j, odd;
    for (; supers > 0; supers--, codes += 64 * bits, lo += 8 * a->stride, hi += 8 * a->stride) {
        hrq__prefetch_avx512(codes, bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            __m512i low = hrq__code_avx512(codes, bits & 7, j);
            __m512i high = _mm512_loadu_si512(codes + 64 * (bits & 7) + 64 * j);
            HRQ__UNROLL
            for (odd = 0; odd < 2; odd++) {
                v[odd] = hrq__sll16_avx512(hrq__widen_avx512(high, odd), bits & 7);
                v[odd] = _mm512_sub_epi16(_mm512_or_si512(v[odd], hrq__widen_avx512(low, odd)), offset);
            }
            hrq__put_words_avx512(lo, hi, (size_t)j * a->stride, v[0], v[1], flip);
        }
    }
}

HRQ__IN_VNNI size_t hrq__wide_int_vnni_all(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t supers,
                                           const hrq__decode_args *a)
{
    switch (a->code_bits) {
    case 9: hrq__wide_int_vnni(lo, hi, codes, supers, 9, a); break;
    case 10: hrq__wide_int_vnni(lo, hi, codes, supers, 10, a); break;
    case 11: hrq__wide_int_vnni(lo, hi, codes, supers, 11, a); break;
    case 12: hrq__wide_int_vnni(lo, hi, codes, supers, 12, a); break;
    case 13: hrq__wide_int_vnni(lo, hi, codes, supers, 13, a); break;
    case 14: hrq__wide_int_vnni(lo, hi, codes, supers, 14, a); break;
    case 15: hrq__wide_int_vnni(lo, hi, codes, supers, 15, a); break;
    default: return 0;
    }
    return 32 * supers;
}

HRQ__FN_VNNI size_t hrq__wide_vnni_all(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t supers,
                                       const hrq__decode_args *a)
{
    if (a->layers > HRQ__LAYERS || a->q > 256 || a->scale_bits > 4) return 0;
    if (a->clamp <= 127) hi = NULL;
    if (a->lattice == HRQ__LATTICE_ZN) hrq__wide_vnni(lo, hi, codes, supers, HRQ__LATTICE_ZN, a);
    else if (a->lattice == HRQ__LATTICE_D4) hrq__wide_vnni(lo, hi, codes, supers, HRQ__LATTICE_D4, a);
    else hrq__wide_vnni(lo, hi, codes, supers, HRQ__LATTICE_E8, a);
    return 32 * supers;
}

/* Box codes: coset = parity of the labels' lowest bits, one affine map of the planes' xor; then class, coset and label
   are an index. 64 weights: a shift, a ternary logic and a look-up. */
HRQ__IN_VNNI void hrq__box_vnni(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int bits,
                                int index_bits, const hrq__decode_args *a)
{
    hrq__table_vnni table = hrq__table_load_vnni(a->maps);
    uint64_t lowest = bits == 2   ? 0x55
                      : bits == 3 ? 0xff
                                  : 0x11; /* of the bytes below, bits that are labels' lowest */
    __m512i map = _mm512_set1_epi64((long long)(lowest << 8 * (7 - bits))), odd, above;
    __mmask64 upper;
    int j;
    for (; supers > 0; supers--, codes += 64 * bits + 8 * index_bits) {
        hrq__prefetch_avx512(codes, bits);
        odd = _mm512_loadu_si512(codes);
        if (bits != 3) odd = _mm512_xor_si512(odd, _mm512_loadu_si512(codes + 64));
        if (bits == 4)
            odd = _mm512_ternarylogic_epi64(odd, _mm512_loadu_si512(codes + 128), _mm512_loadu_si512(codes + 192),
                                            0x96);
        above = _mm512_gf2p8affine_epi64_epi8(odd, map, 0);
        HRQ__UNROLL
        for (j = 0; j < index_bits; j++)
            if (bits + 1 + j < 7)
                above = _mm512_mask_add_epi8(above, hrq__index_bit(codes + 64 * bits, j), above,
                                             _mm512_set1_epi8((char)(2 << (bits + j))));
        upper = bits + index_bits == 7 ? hrq__index_bit(codes + 64 * bits, index_bits - 1) : 0;
        HRQ__UNROLL
        for (j = 0; j < 8; j++)
            hrq__emit_vnni(
                s, to, j,
                hrq__look_up_vnni(&table, hrq__code_over_avx512(above, codes, bits, j, 0),
                                  2 << (bits + index_bits), upper));
    }
}

HRQ__IN_VNNI size_t hrq__box_vnni_all(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers,
                                      const hrq__decode_args *a)
{
    switch (a->code_bits << 4 | a->scale_bits) {
    case 0x20: hrq__box_vnni(s, to, codes, supers, 2, 0, a); break;
    case 0x21: hrq__box_vnni(s, to, codes, supers, 2, 1, a); break;
    case 0x22: hrq__box_vnni(s, to, codes, supers, 2, 2, a); break;
    case 0x23: hrq__box_vnni(s, to, codes, supers, 2, 3, a); break;
    case 0x30: hrq__box_vnni(s, to, codes, supers, 3, 0, a); break;
    case 0x31: hrq__box_vnni(s, to, codes, supers, 3, 1, a); break;
    case 0x32: hrq__box_vnni(s, to, codes, supers, 3, 2, a); break;
    case 0x33: hrq__box_vnni(s, to, codes, supers, 3, 3, a); break;
    case 0x40: hrq__box_vnni(s, to, codes, supers, 4, 0, a); break;
    case 0x41: hrq__box_vnni(s, to, codes, supers, 4, 1, a); break;
    case 0x42: hrq__box_vnni(s, to, codes, supers, 4, 2, a); break;
    case 0x43: hrq__box_vnni(s, to, codes, supers, 4, 3, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* One affine map for all bytes. clang 14 encodes the address of a broadcast operand of this instruction wrongly (a
   displacement of 8 as 64): it gets a register. */
HRQ__IN_VNNI __m512i hrq__affine_vnni(__m512i x, const uint8_t *map)
{
    uint64_t word;
    __m512i all;
    memcpy(&word, map, 8);
    all = _mm512_set1_epi64((long long)word);
#ifdef __clang__
    HRQ__OPAQUE(all);
#endif
    return _mm512_gf2p8affine_epi64_epi8(x, all, 0);
}

/* Trellis codes: no recurrence, since a window is in at most three bytes of the sequence. 64 weights, those of step j:
   an affine map of each of these and of the raw planes, xor, look-up; 256 levels: the mirrored half is subtracted,
   0 - (128 + v) = 128 - v. far: steps whose windows reach the third byte. */
HRQ__IN_VNNI __m512i hrq__trellis_step_vnni(const uint8_t *codes, __m512i now, __m512i last, __m512i older, int j,
                                            int bits, int far, const uint8_t *maps)
{
    __m512i low = _mm512_loadu_si512(maps + 512), index, v;
    const uint8_t *map = maps + 64 * j;
    index = _mm512_xor_si512(hrq__affine_vnni(now, map), hrq__affine_vnni(last, map + 8));
    if (j < far) index = _mm512_xor_si512(index, hrq__affine_vnni(older, map + 16));
    if (bits != 3) /* raw bits: one; one and two */
        index = _mm512_xor_si512(index, hrq__affine_vnni(_mm512_loadu_si512(codes + 64), map + 24));
    if (bits == 2) return _mm512_permutexvar_epi8(index, low);
    v = _mm512_loadu_si512(codes + 64 * (bits - 2 + j % 2));
    index = _mm512_ternarylogic_epi64(index, hrq__affine_vnni(v, map + 32), _mm512_set1_epi8(127), 0x96);
    v = _mm512_permutex2var_epi8(low, index, _mm512_loadu_si512(maps + 576));
    return _mm512_mask_sub_epi8(v, _mm512_testn_epi8_mask(index, _mm512_set1_epi8((char)128)), _mm512_setzero_si512(),
                                v);
}

HRQ__IN_VNNI void hrq__trellis_vnni(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int bits, int far,
                                    const hrq__decode_args *a)
{
    __m512i last = _mm512_loadu_si512(a->past), older = _mm512_loadu_si512(a->past + 64), now;
    int j;
    for (; supers > 0; supers--, codes += 64 * bits) {
        hrq__prefetch_avx512(codes, bits);
        now = _mm512_loadu_si512(codes);
        HRQ__UNROLL
        for (j = 0; j < 8; j++)
            hrq__emit_vnni(s, to, j, hrq__trellis_step_vnni(codes, now, last, older, j, bits, far, a->maps));
        older = last;
        last = now;
    }
    _mm512_storeu_si512(a->past, last);
    _mm512_storeu_si512(a->past + 64, older);
}

/* Words [8 registers][half][8] to [8][half][half register's number]: 8 x 8 of them in each half. */
HRQ__IN_VNNI void hrq__turn_vnni(__m512i v[8])
{
    __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    __m512i t[8], a, b, c, d;
    int i;
    HRQ__UNROLL
    for (i = 0; i < 8; i += 4) {
        a = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        b = _mm512_unpacklo_epi32(v[i + 2], v[i + 3]);
        c = _mm512_unpackhi_epi32(v[i], v[i + 1]);
        d = _mm512_unpackhi_epi32(v[i + 2], v[i + 3]);
        t[i] = _mm512_unpacklo_epi64(a, b);
        t[i + 1] = _mm512_unpackhi_epi64(a, b);
        t[i + 2] = _mm512_unpacklo_epi64(c, d);
        t[i + 3] = _mm512_unpackhi_epi64(c, d);
    }
    HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        v[i] = _mm512_permutex2var_epi64(t[i], even, t[i + 4]);
        v[i + 4] = _mm512_permutex2var_epi64(t[i], odd, t[i + 4]);
    }
}

/* Time down the rows: a register is one row of each half of the panel, 32 columns. The bytes before are the first
   half's for the second, and those of the panel before. Tiles are turned; one vector meets rows as they are, one
   accumulator each, and these are turned at the end. */
HRQ__IN_VNNI void hrq__column_vnni(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int bits, int far,
                                   const hrq__decode_args *a)
{
    __m512i now, prior, last, x, v[8], acc[8];
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) acc[j] = _mm512_setzero_si512();
    for (; supers > 0; supers--, codes += 64 * bits) {
        hrq__prefetch_avx512(codes, bits);
        now = _mm512_loadu_si512(codes);
        prior = _mm512_loadu_si512(codes + a->prior);
        last = _mm512_shuffle_i64x2(prior, now, 0x4e);
        x = now;
        if (to != HRQ__TO_TILE) x = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)s->x));
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            v[j] = hrq__trellis_step_vnni(codes, now, last, prior, j, bits, far, a->maps);
            if (to != HRQ__TO_TILE) acc[j] = _mm512_dpbusd_epi32(acc[j], v[j], x);
        }
        if (to != HRQ__TO_TILE) {
            s->x += 32;
            continue;
        }
        hrq__turn_vnni(v);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) hrq__emit_vnni(s, to, j, v[j]);
    }
    if (to == HRQ__TO_TILE) return;
    hrq__turn_vnni(acc);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) s->acc[j & 3] = _mm512_add_epi32(s->acc[j & 3], acc[j]);
}

HRQ__IN_VNNI void hrq__trellis_vnni_run(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int bits,
                                        int far, int column, const hrq__decode_args *a)
{
    if (column) hrq__column_vnni(s, to, codes, supers, bits, far, a);
    else hrq__trellis_vnni(s, to, codes, supers, bits, far, a);
}

/* column: time runs down the rows. */
HRQ__IN_VNNI size_t hrq__trellis_vnni_all(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int column,
                                          const hrq__decode_args *a)
{
    int far = a->hash[a->parities - 1] >> 11 ? 6 : 2;
    switch (a->code_bits << 4 | (unsigned)far) {
    case 0x12: hrq__trellis_vnni_run(s, to, codes, supers, 2, 2, column, a); break;
    case 0x16: hrq__trellis_vnni_run(s, to, codes, supers, 2, 6, column, a); break;
    case 0x22: hrq__trellis_vnni_run(s, to, codes, supers, 3, 2, column, a); break;
    case 0x26: hrq__trellis_vnni_run(s, to, codes, supers, 3, 6, column, a); break;
    case 0x32: hrq__trellis_vnni_run(s, to, codes, supers, 4, 2, column, a); break;
    case 0x36: hrq__trellis_vnni_run(s, to, codes, supers, 4, 6, column, a); break;
    default: return 0;
    }
    return 32 * supers;
}

HRQ__FN_VNNI size_t hrq__decode_int_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                         const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    if (a->code_bits > 8 && a->clamp > 127) return hrq__wide_int_vnni_all(lo, hi, codes, cols8 / 32, a);
    return hrq__int_vnni_all(&s, HRQ__TO_TILE, codes, cols8 / 32, a);
}

HRQ__FN_VNNI size_t hrq__decode_table_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                           const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    return hrq__table_vnni_all(&s, HRQ__TO_TILE, a->clamp > 127 ? hi : NULL, codes, cols8 / 32, a);
}

HRQ__FN_VNNI size_t hrq__decode_voronoi_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                             const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    size_t done = hrq__voronoi_vnni_all(&s, HRQ__TO_TILE, codes, cols8 / 32, a);
    return done ? done : hrq__wide_vnni_all(lo, hi, codes, cols8 / 32, a);
}

HRQ__FN_VNNI size_t hrq__decode_box_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                         const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    (void)hi;
    return hrq__box_vnni_all(&s, HRQ__TO_TILE, codes, cols8 / 32, a);
}

HRQ__FN_VNNI size_t hrq__decode_trellis_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                             const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    (void)hi;
    return cols8 < 32 ? 0 : hrq__trellis_vnni_all(&s, HRQ__TO_TILE, codes, cols8 / 32, 0, a);
}

HRQ__FN_VNNI size_t hrq__decode_column_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                            const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    (void)hi;
    return cols8 < 32 ? 0 : hrq__trellis_vnni_all(&s, HRQ__TO_TILE, codes, cols8 / 32, 1, a);
}

/* ---- one vector: decoded registers go straight into the dot instruction ---- */

HRQ__FN_VNNI size_t hrq__one_int_vnni(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                      const hrq__vectors *x, const hrq__groups *g)
{
    hrq__sink_vnni s = hrq__sink_one_vnni(sum, x, g, a->code_bits ? 1 << (a->code_bits - 1) : 0);
    int to;
    size_t supers = hrq__sink_supers(cols8, g, &to), done = 0;
    if (to == HRQ__TO_INTEGERS) done = hrq__int_vnni_all(&s, HRQ__TO_INTEGERS, codes, supers, a);
    else if (to == HRQ__TO_GROUPS32) done = hrq__int_vnni_all(&s, HRQ__TO_GROUPS32, codes, supers, a);
    if (done) hrq__sink_end_vnni(sum, &s, supers);
    return done;
}

HRQ__FN_VNNI size_t hrq__one_table_vnni(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                        const hrq__vectors *x, const hrq__groups *g)
{
    hrq__sink_vnni s = hrq__sink_one_vnni(sum, x, g, 128);
    int to;
    size_t supers = hrq__sink_supers(cols8, g, &to), done = 0;
    if (to == HRQ__TO_INTEGERS) done = hrq__table_vnni_all(&s, HRQ__TO_INTEGERS, NULL, codes, supers, a);
    else if (to == HRQ__TO_GROUPS32) done = hrq__table_vnni_all(&s, HRQ__TO_GROUPS32, NULL, codes, supers, a);
    else if (a->code_bits == 4)
        hrq__table_vnni_run(&s, HRQ__TO_GROUPS16, NULL, codes, supers, 4, a), done = 32 * supers;
    if (done) hrq__sink_end_vnni(sum, &s, supers);
    return done;
}

HRQ__FN_VNNI size_t hrq__one_voronoi_vnni(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                          const hrq__vectors *x, const hrq__groups *g)
{
    hrq__sink_vnni s = hrq__sink_one_vnni(sum, x, g, 128);
    size_t done = g ? 0 : hrq__voronoi_vnni_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, a);
    if (done) hrq__sink_end_vnni(sum, &s, cols8 / 32);
    return done;
}

HRQ__FN_VNNI size_t hrq__one_box_vnni(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                      const hrq__vectors *x, const hrq__groups *g)
{
    hrq__sink_vnni s = hrq__sink_one_vnni(sum, x, g, 128);
    size_t done = g ? 0 : hrq__box_vnni_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, a);
    if (done) hrq__sink_end_vnni(sum, &s, cols8 / 32);
    return done;
}

HRQ__FN_VNNI size_t hrq__one_trellis_vnni(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                          const hrq__vectors *x, const hrq__groups *g)
{
    hrq__sink_vnni s = hrq__sink_one_vnni(sum, x, g, 128);
    size_t done = g || cols8 < 32 ? 0 : hrq__trellis_vnni_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, 0, a);
    if (done) hrq__sink_end_vnni(sum, &s, cols8 / 32);
    return done;
}

HRQ__FN_VNNI size_t hrq__one_column_vnni(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                         const hrq__vectors *x, const hrq__groups *g)
{
    hrq__sink_vnni s = hrq__sink_one_vnni(sum, x, g, 128);
    size_t done = g || cols8 < 32 ? 0 : hrq__trellis_vnni_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, 1, a);
    if (done) hrq__sink_end_vnni(sum, &s, cols8 / 32);
    return done;
}

/* ---- dot ---- */

/* acc[t][i] takes `quads` quads of p interleaved panels and m <= 6 vectors, bytes value + 128 unsigned times the
   vectors' bytes. 24 accumulators, 4 loads and 6 broadcasts feed 24 instructions; two pointers reach six vectors
   without an index for each, which would not fit the integer registers. */
HRQ__IN_VNNI void hrq__dot_vnni_tile(__m512i *acc, const uint8_t *tile, size_t quads, const int8_t *x, size_t ldx,
                                     int m, int p, int step)
{
    const int8_t *x3 = x + 3 * ldx;
    __m512i w[4], v;
    int t, i, k;
    for (; quads >= (size_t)step; quads -= (size_t)step, tile += 64 * step * p, x += 4 * step, x3 += 4 * step) {
        HRQ__UNROLL
        for (k = 0; k < step; k++) {
            HRQ__UNROLL
            for (i = 0; i < p; i++) {
                w[i] = _mm512_loadu_si512(tile + 64 * (k * p + i));
                if (m > 1) HRQ__OPAQUE(w[i]); /* loaded once, not once for each vector */
            }
            HRQ__UNROLL
            for (t = 0; t < m; t++) {
                v = _mm512_set1_epi32(
                    hrq__word_at(4 * k + (t < 3 ? x + (size_t)t * ldx : x3 + (size_t)(t - 3) * ldx)));
                HRQ__UNROLL
                for (i = 0; i < p; i++) acc[t * p + i] = _mm512_dpbusd_epi32(acc[t * p + i], w[i], v);
            }
        }
    }
}

/* Beside columns at ... at + 63 of m vectors: m lines of the next vectors' products so far; the columns that the next
   tile takes of these, and their sums. Where groups leave no room between, all at once. */
HRQ__IN_VNNI void hrq__dot_vnni_next(const void *out, const hrq__vectors *x, size_t t0, size_t at, size_t depth,
                                     int m, int p)
{
    size_t i, from = at / 64 * (size_t)m, lines = (size_t)(m * p), end = hrq__min_size(from + (size_t)m, lines);
    uintptr_t next = (uintptr_t)out + 64 * (size_t)p * (t0 + (size_t)m), v = (uintptr_t)x->x + t0 * x->ldx + depth + at,
              sums = (uintptr_t)x->sums + (t0 * x->lds + (depth + at + 128) / 8) * sizeof *x->sums;
    for (i = from; i < end; i++) _mm_prefetch((const char *)(next + 64 * i), _MM_HINT_T0);
    for (i = 0; i < (size_t)m; i++, v += x->ldx, sums += x->lds * sizeof *x->sums) {
        _mm_prefetch((const char *)v, _MM_HINT_T1);
        if (at % 128 == 0) _mm_prefetch((const char *)sums, _MM_HINT_T1);
    }
}

/* Sums stay below 255 * 127 * 65536 < 2^31. The bias comes off last: what it is made of need not be near. */
HRQ__IN_VNNI void hrq__dot_s8_vnni_block(int32_t *out, const uint8_t *tile, size_t depth, const hrq__vectors *x,
                                         size_t t0, int m, int p)
{
    size_t at, n, rows = 16 * (size_t)p;
    __m512i acc[24];
    int t, i;
    HRQ__UNROLL
    for (t = 0; t < m * p; t++) acc[t] = _mm512_loadu_si512(out + t0 * rows + 16 * (size_t)t);
    for (at = 0; at < depth; at += n) {
        n = hrq__min_size(depth - at, 64);
        if (m > 1) hrq__dot_vnni_next(out, x, t0, at, depth, m, p);
        hrq__dot_vnni_tile(acc, tile + at * rows, n / 4, x->x + t0 * x->ldx + at, x->ldx, m, p, 1);
    }
    HRQ__UNROLL
    for (t = 0; t < m; t++) {
        __m512i bias = _mm512_set1_epi32((int32_t)(128u * hrq__vectors_sum(x, t0 + (size_t)t, 0, depth)));
        HRQ__UNROLL
        for (i = 0; i < p; i++)
            _mm512_storeu_si512(out + (t0 + (size_t)t) * rows + 16 * (size_t)i, _mm512_sub_epi32(acc[t * p + i], bias));
    }
}

HRQ__FN_VNNI void hrq__dot_s8_vnni(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth,
                                   const hrq__vectors *x)
{
    size_t t = 0;
    if (panels == 4) {
        for (; t + 6 <= x->n; t += 6) hrq__dot_s8_vnni_block(acc, tile, depth, x, t, 6, 4);
        for (; t + 2 <= x->n; t += 2) hrq__dot_s8_vnni_block(acc, tile, depth, x, t, 2, 4);
        for (; t < x->n; t++) hrq__dot_s8_vnni_block(acc, tile, depth, x, t, 1, 4);
        return;
    }
    for (; t + 6 <= x->n; t += 6) hrq__dot_s8_vnni_block(acc, tile, depth, x, t, 6, 1);
    for (; t < x->n; t++) hrq__dot_s8_vnni_block(acc, tile, depth, x, t, 1, 1);
}

/* Groups: the integers of one, less zero points, to float, scaled, added. Totals of three vectors stay in registers
   beside the integers. */
HRQ__IN_VNNI void hrq__dot_groups_vnni_block(float *out, const uint8_t *tile, size_t depth, const hrq__vectors *x,
                                             const hrq__groups *g, size_t t0, int m, int p, int zeros, int step,
                                             int fixed)
{
    size_t from, end, rows = 16 * (size_t)p, at = 0;
    __m512 total[12];
    int t, i;
    for (from = 0; m > 1 && from < depth; from += 64) hrq__dot_vnni_next(out, x, t0, from, depth, m, p);
    HRQ__UNROLL
    for (i = 0; i < m * p; i++) {
        size_t to = t0 * rows + 16 * (size_t)i;
        total[i] = _mm512_loadu_ps(out + to);
    }
    for (from = 0; from < depth; from = end, at += rows) {
        __m512i acc[12];
        end = from + g->group < depth ? from + g->group : depth;
        HRQ__UNROLL
        for (t = 0; t < m; t++) {
            uint32_t sum = hrq__vectors_sum(x, t0 + (size_t)t, from, end);
            __m512i minus = _mm512_set1_epi32((int32_t)(0u - 128u * sum)), by, zero;
            by = _mm512_set1_epi32((int32_t)(fixed ? (0u - sum) & 0xffffu : sum));
            HRQ__UNROLL
            for (i = 0; i < p; i++) {
                acc[t * p + i] = minus;
                if (zeros) { /* |zero| <= 128, |sum of a group| < 2^23, of 32 columns < 2^15 */
                    zero = _mm512_loadu_si512(g->zero + at + 16 * i);
                    acc[t * p + i] = fixed ? _mm512_dpwssd_epi32(minus, by, zero)
                                           : _mm512_sub_epi32(minus, _mm512_mullo_epi32(by, zero));
                }
                HRQ__OPAQUE(acc[t * p + i]);
            }
        }
        hrq__dot_vnni_tile(acc, tile + from * rows, fixed ? (size_t)step : (end - from) / 4,
                           x->x + t0 * x->ldx + from, x->ldx, m, p, step);
        HRQ__UNROLL
        for (i = 0; i < m * p; i++) {
            __m512 scale = _mm512_loadu_ps(g->scale + at + 16 * (i % p)), part = _mm512_cvtepi32_ps(acc[i]);
            total[i] = _mm512_fmadd_ps(part, scale, total[i]);
        }
    }
    HRQ__UNROLL
    for (i = 0; i < m * p; i++) {
        size_t to = t0 * rows + 16 * (size_t)i;
        _mm512_storeu_ps(out + to, total[i]);
    }
}

HRQ__IN_VNNI void hrq__dot_groups_vnni_all(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                           const hrq__vectors *x, const hrq__groups *g, int zeros, int step,
                                           int fixed)
{
    size_t t = 0;
    for (; panels == 4 && t + 3 <= x->n; t += 3)
        hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 3, 4, zeros, step, fixed);
    for (; panels == 4 && t < x->n; t++)
        hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 1, 4, zeros, step, fixed);
    for (; t + 4 <= x->n; t += 4) hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 4, 1, zeros, step, fixed);
    for (; t < x->n; t++) hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 1, 1, zeros, step, fixed);
}

HRQ__FN_VNNI void hrq__dot_groups_vnni(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                       const hrq__vectors *x, const hrq__groups *g)
{
    int fixed = (g->group == 32 || g->group == 16) && depth % g->group == 0;
    if (g->zero && g->group == 32 && fixed) hrq__dot_groups_vnni_all(total, tile, panels, depth, x, g, 1, 8, 1);
    else if (g->zero) hrq__dot_groups_vnni_all(total, tile, panels, depth, x, g, 1, 2, 0);
    else if (fixed && g->group == 32) hrq__dot_groups_vnni_all(total, tile, panels, depth, x, g, 0, 8, 1);
    else if (fixed) hrq__dot_groups_vnni_all(total, tile, panels, depth, x, g, 0, 4, 1);
    else if (g->group % 32 == 0 && depth % 32 == 0)
        hrq__dot_groups_vnni_all(total, tile, panels, depth, x, g, 0, 8, 0);
    else hrq__dot_groups_vnni_all(total, tile, panels, depth, x, g, 0, 2, 0);
}

/* ---- scales, finish, floats ---- */

HRQ__FN_AVX512 void hrq__scales_avx512(float *out, const uint8_t *p, size_t n, int kind, const uint8_t *tops)
{
    size_t i;
    for (i = 0; i < n; i += 16) {
        __m512i b;
        __m512 v;
        if (kind == HRQ__SCALES_F16) {
            v = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p + 2 * i)));
        } else {
            b = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p + i)));
            if (kind == HRQ__SCALES_E8M0 && tops) {
                __m512i top = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)tops));
                b = _mm512_add_epi32(_mm512_sub_epi32(b, top), _mm512_set1_epi32(127));
                v = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_max_epi32(b, _mm512_setzero_si512()), 23));
            } else if (kind == HRQ__SCALES_E8M0) { /* 0 is 2^-127, subnormal; 255 is NaN */
                __mmask16 odd;
                odd = _mm512_testn_epi32_mask(b, b) | _mm512_cmpeq_epi32_mask(b, _mm512_set1_epi32(255));
                b = _mm512_slli_epi32(b, 23);
                v = _mm512_castsi512_ps(_mm512_mask_or_epi32(b, odd, b, _mm512_set1_epi32(0x00400000)));
            } else { /* magnitude 2^120 too small, exact also for subnormals; the all-ones code is NaN */
                __m512i mag = _mm512_and_si512(b, _mm512_set1_epi32(127));
                v = _mm512_mul_ps(_mm512_castsi512_ps(_mm512_slli_epi32(mag, 20)),
                                  _mm512_castsi512_ps(_mm512_set1_epi32((127 + 120) << 23)));
                v = _mm512_mask_mov_ps(v, _mm512_cmpeq_epi32_mask(mag, _mm512_set1_epi32(127)),
                                       _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000)));
                v = _mm512_castsi512_ps(
                    _mm512_or_si512(_mm512_castps_si512(v), _mm512_slli_epi32(_mm512_srli_epi32(b, 7), 31)));
            }
        }
        _mm512_storeu_ps(out + i, v);
    }
}

HRQ__FN_AVX512 void hrq__tops_avx512(uint8_t tops[HRQ_PANEL], const uint8_t *p, size_t n)
{
    __m512i high = _mm512_setzero_si512();
    __m128i a, b;
    size_t i;
    for (i = 0; i < n; i += 64)
        high = _mm512_max_epu8(high, _mm512_maskz_loadu_epi8(hrq__first64_avx512(n - i), p + i));
    a = _mm_max_epu8(_mm512_castsi512_si128(high), _mm512_extracti32x4_epi32(high, 1));
    b = _mm_max_epu8(_mm512_extracti32x4_epi32(high, 2), _mm512_extracti32x4_epi32(high, 3));
    _mm_storeu_si128((__m128i *)(void *)tops, _mm_max_epu8(a, b));
}

HRQ__FN_AVX512 void hrq__finish_avx512(float *y, size_t ldy, const void *sum, int integers, size_t rows,
                                       const float *scale, const float *x, size_t n)
{
    size_t i, t;
    for (i = 0; i < rows; i += 16) {
        __m512d low = _mm512_cvtps_pd(_mm256_loadu_ps(scale + i)),
                high = _mm512_cvtps_pd(_mm256_loadu_ps(scale + i + 8));
        for (t = 0; t < n; t++) {
            __m512d by = _mm512_set1_pd((double)x[t]);
            __m512i in = _mm512_loadu_si512((const char *)sum + 4 * (t * rows + i));
            __m512 part = integers ? _mm512_cvtepi32_ps(in) : _mm512_castsi512_ps(in);
            _mm256_storeu_ps(y + t * ldy + i,
                             _mm512_cvtpd_ps(_mm512_mul_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(part)),
                                                           _mm512_mul_pd(low, by))));
            _mm256_storeu_ps(y + t * ldy + i + 8,
                             _mm512_cvtpd_ps(_mm512_mul_pd(_mm512_cvtps_pd(_mm512_extractf32x8_ps(part, 1)),
                                                           _mm512_mul_pd(high, by))));
        }
    }
}

/* A quad's 16 words: byte i of each, sign-extended by two shifts, is column i. */
HRQ__FN_AVX512 void hrq__tile_f32_avx512(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip)
{
    __m512i turn = _mm512_set1_epi8((char)flip);
    size_t c;
    for (c = 0; c < cols; c++) {
        __m128i up = _mm_cvtsi32_si128((int)(24 - c % 4 * 8));
        __m512i v = _mm512_xor_si512(_mm512_loadu_si512(lo + c / 4 * 64), turn);
        v = _mm512_srai_epi32(_mm512_sll_epi32(v, up), 24);
        if (hi) {
            __m512i h = _mm512_xor_si512(_mm512_loadu_si512(hi + c / 4 * 64), turn);
            v = _mm512_add_epi32(v, _mm512_slli_epi32(_mm512_srai_epi32(_mm512_sll_epi32(h, up), 24), 8));
        }
        _mm512_storeu_ps(out + 16 * c, _mm512_cvtepi32_ps(v));
    }
}

/* A quad's bytes, the upper on the lower, as words; the lower byte's sign is borrowed from the upper. */
HRQ__FN_AVX512 void hrq__tile_upper_avx512(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip)
{
    __m512i turn = _mm512_set1_epi8((char)flip), one = _mm512_set1_epi8(1), upper = _mm512_set1_epi32((int)0xffff0000u);
    const __mmask64 odd = 0xaaaaaaaaaaaaaaaaULL;
    __m512i l, h, v[4];
    size_t c;
    int i;
    for (c = 0; c < cols; c += 4) {
        l = _mm512_xor_si512(_mm512_loadu_si512(lo + c * 16), turn);
        h = _mm512_xor_si512(_mm512_loadu_si512(hi + c * 16), turn);
        h = _mm512_mask_sub_epi8(h, _mm512_movepi8_mask(l), h, one);
        v[2] = _mm512_mask_blend_epi8(odd, l, _mm512_slli_epi16(h, 8)); /* columns 0 and 2 */
        v[3] = _mm512_mask_blend_epi8(odd, _mm512_srli_epi16(l, 8), h);
        v[0] = _mm512_slli_epi32(v[2], 16);
        v[1] = _mm512_slli_epi32(v[3], 16);
        v[2] = _mm512_and_si512(v[2], upper);
        v[3] = _mm512_and_si512(v[3], upper);
        HRQ__UNROLL
        for (i = 0; i < 4; i++)
            if (c + (size_t)i < cols) _mm512_storeu_si512(out + 16 * (c + (size_t)i), v[i]);
    }
}

HRQ__FN_AVX512 void hrq__axpy_avx512(float *y, const float *w, const float *p, size_t step, size_t n)
{
    __m512 factor = _mm512_setzero_ps(), sum;
    size_t i;
    if (n && !step) factor = _mm512_set1_ps(*p);
    for (i = 0; i < n; i += 16) {
        __mmask16 some = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : (__mmask16)0xffff;
        if (step) factor = _mm512_maskz_loadu_ps(some, p + i);
        sum = _mm512_fmadd_ps(factor, _mm512_maskz_loadu_ps(some, w + i), _mm512_maskz_loadu_ps(some, y + i));
        _mm512_mask_storeu_ps(y + i, some, sum);
    }
}

HRQ__IN_AVX512 void hrq__dot_f32_avx512_block(float *acc, const float *w, const float *x, size_t ldx, size_t depth,
                                              int m)
{
    __m512 sum[16];
    size_t k;
    int t;
    HRQ__UNROLL
    for (t = 0; t < m; t++) sum[t] = _mm512_loadu_ps(acc + 16 * t);
    for (k = 0; k < depth; k++) {
        __m512 v = _mm512_loadu_ps(w + 16 * k);
        HRQ__UNROLL
        for (t = 0; t < m; t++) sum[t] = _mm512_fmadd_ps(v, _mm512_set1_ps(x[(size_t)t * ldx + k]), sum[t]);
    }
    HRQ__UNROLL
    for (t = 0; t < m; t++) _mm512_storeu_ps(acc + 16 * t, sum[t]);
}

HRQ__FN_AVX512 void hrq__dot_f32_avx512(float *acc, const float *w, const float *x, size_t ldx, size_t n,
                                        size_t depth)
{
    for (; n >= 16; n -= 16, acc += 256, x += 16 * ldx) hrq__dot_f32_avx512_block(acc, w, x, ldx, depth, 16);
    for (; n >= 4; n -= 4, acc += 64, x += 4 * ldx) hrq__dot_f32_avx512_block(acc, w, x, ldx, depth, 4);
    for (; n > 0; n--, acc += 16, x += ldx) hrq__dot_f32_avx512_block(acc, w, x, ldx, depth, 1);
}

/* 12 x 32: 24 accumulators, 2 loads and 12 broadcasts feed 24 multiply-adds. */
HRQ__FN_AVX512 void hrq__fma_tile_avx512(float *c, size_t ldc, const float *a, const float *b, size_t depth)
{
    __m512 acc[24];
    size_t k;
    int i;
    HRQ__UNROLL
    for (i = 0; i < 24; i++) acc[i] = _mm512_loadu_ps(c + (size_t)(i / 2) * ldc + 16 * (i % 2));
    for (k = 0; k < depth; k++, a += 12, b += 32) {
        __m512 b0 = _mm512_loadu_ps(b), b1 = _mm512_loadu_ps(b + 16);
        HRQ__UNROLL
        for (i = 0; i < 12; i++) {
            __m512 v = _mm512_set1_ps(a[i]);
            acc[2 * i] = _mm512_fmadd_ps(v, b0, acc[2 * i]);
            acc[2 * i + 1] = _mm512_fmadd_ps(v, b1, acc[2 * i + 1]);
        }
    }
    HRQ__UNROLL
    for (i = 0; i < 24; i++) _mm512_storeu_ps(c + (size_t)(i / 2) * ldc + 16 * (i % 2), acc[i]);
}

/* ---- dot without VNNI: as AVX2's, with a masked subtraction for the sign ---- */

HRQ__IN_AVX512 void hrq__dot_avx512_block(int32_t *out, size_t ldo, const uint8_t *tile, size_t step,
                                          const hrq__vectors *x, size_t t0, size_t from, size_t end, int m)
{
    __m512i acc[8], one = _mm512_set1_epi16(1), zero = _mm512_setzero_si512();
    const int8_t *at = x->x + t0 * x->ldx;
    int t;
    HRQ__UNROLL
    for (t = 0; t < m; t++) acc[t] = _mm512_loadu_si512(out + (size_t)t * ldo);
    for (; from < end; from += 4, tile += step) {
        __m512i w = _mm512_loadu_si512(tile), size = _mm512_abs_epi8(w);
        __mmask64 negative = _mm512_movepi8_mask(w);
        HRQ__UNROLL
        for (t = 0; t < m; t++) {
            __m512i v = _mm512_set1_epi32(hrq__word_at(at + (size_t)t * x->ldx + from));
            v = _mm512_maddubs_epi16(size, _mm512_mask_sub_epi8(v, negative, zero, v));
            acc[t] = _mm512_add_epi32(acc[t], _mm512_madd_epi16(v, one));
        }
    }
    HRQ__UNROLL
    for (t = 0; t < m; t++) _mm512_storeu_si512(out + (size_t)t * ldo, acc[t]);
}

HRQ__FN_AVX512 void hrq__dot_avx512(int32_t *out, size_t ldo, const uint8_t *tile, size_t step, const hrq__vectors *x,
                                    size_t t, size_t n, size_t from, size_t end)
{
    for (; n >= 8; n -= 8, t += 8, out += 8 * ldo) hrq__dot_avx512_block(out, ldo, tile, step, x, t, from, end, 8);
    for (; n >= 4; n -= 4, t += 4, out += 4 * ldo) hrq__dot_avx512_block(out, ldo, tile, step, x, t, from, end, 4);
    for (; n > 0; n--, t++, out += ldo) hrq__dot_avx512_block(out, ldo, tile, step, x, t, from, end, 1);
}

HRQ__FN_AVX512 void hrq__dot_s8_avx512(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth,
                                       const hrq__vectors *x)
{
    hrq__dot_s8_avx2_by(hrq__dot_avx512, acc, tile, panels, depth, x);
}

HRQ__FN_AVX512 void hrq__dot_groups_avx512(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                           const hrq__vectors *x, const hrq__groups *g)
{
    hrq__dot_groups_avx2_by(hrq__dot_avx512, total, tile, panels, depth, x, g);
}

/* ---- encode: scans, codes, planes ---- */

/* The 16 lanes of a sum, halves first. */
HRQ__IN_AVX512 float hrq__tree_avx512(__m512 v)
{
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

/* Largest of 16 lanes: unsigned of `least`, signed of `most`, as the floats that they are. */
HRQ__IN_AVX512 void hrq__extents_put_avx512(float *lo, float *hi, __m512i least, __m512i most)
{
    __m256i a = _mm256_max_epu32(_mm512_castsi512_si256(least), _mm512_extracti64x4_epi64(least, 1));
    __m256i b = _mm256_max_epi32(_mm512_castsi512_si256(most), _mm512_extracti64x4_epi64(most, 1));
    __m128i c = _mm_max_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    __m128i d = _mm_max_epi32(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
    c = _mm_max_epu32(c, _mm_shuffle_epi32(c, 0x4e));
    d = _mm_max_epi32(d, _mm_shuffle_epi32(d, 0x4e));
    c = _mm_max_epu32(c, _mm_shuffle_epi32(c, 0xb1));
    d = _mm_max_epi32(d, _mm_shuffle_epi32(d, 0xb1));
    c = _mm_andnot_si128(_mm_cmpeq_epi32(c, _mm_set1_epi32((int)0x80000000u)), c);
    _mm_store_ss(lo, _mm_castsi128_ps(c));
    _mm_store_ss(hi, _mm_castsi128_ps(d));
}

/* Largest of each of four registers, in one. */
HRQ__IN_AVX512 __m128i hrq__max4_avx512(const __m512i v[4], int is_signed)
{
    __m512i a = _mm512_unpacklo_epi32(v[0], v[1]), b = _mm512_unpackhi_epi32(v[0], v[1]);
    __m512i c = _mm512_unpacklo_epi32(v[2], v[3]), d = _mm512_unpackhi_epi32(v[2], v[3]);
    __m256i e;
    a = is_signed ? _mm512_max_epi32(a, b) : _mm512_max_epu32(a, b);
    c = is_signed ? _mm512_max_epi32(c, d) : _mm512_max_epu32(c, d);
    b = _mm512_unpacklo_epi64(a, c);
    d = _mm512_unpackhi_epi64(a, c);
    a = is_signed ? _mm512_max_epi32(b, d) : _mm512_max_epu32(b, d);
    e = is_signed ? _mm256_max_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1))
                  : _mm256_max_epu32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
    return is_signed ? _mm_max_epi32(_mm256_castsi256_si128(e), _mm256_extracti128_si256(e, 1))
                     : _mm_max_epu32(_mm256_castsi256_si128(e), _mm256_extracti128_si256(e, 1));
}

/* Four small groups at a time share one tree. Returns how many groups that were. */
HRQ__IN_AVX512 size_t hrq__extents_small_avx512(float *lo, float *hi, const float *x, size_t n, size_t group)
{
    size_t g, i;
    int k;
    for (g = 0; (g + 4) * group <= n; g += 4) {
        __m512i least[4], most[4];
        __m128i zero = _mm_set1_epi32((int)0x80000000u), low;
        HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            const float *at = x + (g + (size_t)k) * group;
            least[k] = most[k] = _mm512_loadu_si512(at);
            for (i = 16; i < group; i += 16) {
                least[k] = _mm512_max_epu32(least[k], _mm512_loadu_si512(at + i));
                most[k] = _mm512_max_epi32(most[k], _mm512_loadu_si512(at + i));
            }
        }
        low = _mm_max_epu32(hrq__max4_avx512(least, 0), zero);
        low = _mm_andnot_si128(_mm_cmpeq_epi32(low, zero), low);
        _mm_storeu_ps(lo + g, _mm_castsi128_ps(low));
        _mm_storeu_ps(hi + g, _mm_castsi128_ps(_mm_max_epi32(hrq__max4_avx512(most, 1), _mm_setzero_si128())));
    }
    return g;
}

/* Integer maxima of the patterns do for both ends and for NaN: two operations for 16 entries. */
HRQ__FN_AVX512 void hrq__extents_avx512(float *lo, float *hi, const float *x, size_t n, size_t group)
{
    size_t from = 0, end, i;
    int k;
    if (group % 16 == 0 && group <= 64) {
        end = hrq__extents_small_avx512(lo, hi, x, n, group);
        from = end * group;
        lo += end;
        hi += end;
    }
    for (; from < n; from = end) {
        __m512i least[4], most[4];
        HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            least[k] = _mm512_set1_epi32((int)0x80000000u);
            most[k] = _mm512_setzero_si512();
        }
        end = n - from < group ? n : from + group;
        for (i = from; i + 64 <= end; i += 64) {
            hrq__prefetch_avx512((const uint8_t *)(x + i), 4);
            HRQ__UNROLL
            for (k = 0; k < 4; k++) {
                __m512i v = _mm512_loadu_si512(x + i + 16 * k);
                least[k] = _mm512_max_epu32(least[k], v);
                most[k] = _mm512_max_epi32(most[k], v);
            }
        }
        for (; i < end; i += 16) {
            __m512i v = _mm512_maskz_loadu_epi32(hrq__first16_avx512(end - i), x + i);
            least[0] = _mm512_max_epu32(least[0], v);
            most[0] = _mm512_max_epi32(most[0], v);
        }
        hrq__extents_put_avx512(
            lo++, hi++,
            _mm512_max_epu32(_mm512_max_epu32(least[0], least[1]), _mm512_max_epu32(least[2], least[3])),
            _mm512_max_epi32(_mm512_max_epi32(most[0], most[1]), _mm512_max_epi32(most[2], most[3])));
    }
}

/* A lane is a chain of additions in order: its latency rules, no other order may. Lanes behind the end keep what they
   have. */
HRQ__FN_AVX512 float hrq__dot16_avx512(const float *x, const float *y, size_t n, float scale)
{
    __m512 sum = _mm512_setzero_ps(), by = _mm512_set1_ps(scale);
    size_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 m = hrq__first16_avx512(n - i);
        sum = _mm512_mask3_fmadd_ps(_mm512_mul_ps(_mm512_maskz_loadu_ps(m, x + i), by),
                                    _mm512_mul_ps(_mm512_maskz_loadu_ps(m, y + i), by), sum, m);
    }
    return hrq__tree_avx512(sum);
}

HRQ__FN_AVX512 float hrq__sum16_avx512(const float *x, size_t n, float scale)
{
    __m512 sum = _mm512_setzero_ps(), by = _mm512_set1_ps(scale);
    size_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 m = hrq__first16_avx512(n - i);
        sum = _mm512_mask_add_ps(sum, m, sum, _mm512_mul_ps(_mm512_maskz_loadu_ps(m, x + i), by));
    }
    return hrq__tree_avx512(sum);
}

/* What of hrq__code_args a kernel holds in registers. */
typedef struct hrq__coder_avx512 {
    __m512i lo, hi, offset;         /* int                                       */
    __m512i half, last, least, top, minus; /* floats: narrowing as hrq__narrow has it */
    __m512 magic, most, steps;      /* most, steps: fixed point                  */
    __m128i down, sign;
} hrq__coder_avx512;

/* By registers: a memset would put all of it into memory. */
HRQ__IN_AVX512 hrq__coder_avx512 hrq__coder_none_avx512(void)
{
    hrq__coder_avx512 c;
    c.lo = c.hi = c.offset = c.half = c.last = c.least = c.top = c.minus =
        _mm512_setzero_si512();
    c.magic = c.most = c.steps = _mm512_setzero_ps();
    c.down = c.sign = _mm_setzero_si128();
    return c;
}

/* 16 columns to integers: codes after saturation (int) or at once (float). Above 65536 a conversion would wrap, below
   it gives the least integer, which saturates as it should; only zero points need both ends.
   Floats: normal numbers by a rounding shift, subnormal ones by adding a float whose last place is their step. */
HRQ__IN_AVX512 __m512i hrq__code16_avx512(__m512 x, __m512 pre, __m512 inv, __m512i zero,
                                          const hrq__coder_avx512 *c, int kind)
{
    __m512 v = _mm512_mul_ps(_mm512_mul_ps(x, pre), inv), magnitude;
    __m512i mag, normal, small, code;
    if (kind == HRQ__CODES_INT) return _mm512_cvtps_epi32(_mm512_min_ps(v, _mm512_set1_ps(65536.0f)));
    if (kind == HRQ__CODES_ZERO) {
        v = _mm512_max_ps(_mm512_min_ps(v, _mm512_set1_ps(65536.0f)), _mm512_set1_ps(-65536.0f));
        return _mm512_add_epi32(_mm512_cvtps_epi32(v), zero);
    }
    if (kind == HRQ__CODES_FIXED) {
        v = _mm512_max_ps(_mm512_min_ps(v, c->most), _mm512_sub_ps(_mm512_setzero_ps(), c->most));
        return _mm512_and_si512(_mm512_cvtps_epi32(_mm512_mul_ps(v, c->steps)), _mm512_set1_epi32(255));
    }
    mag = _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff));
    magnitude = _mm512_castsi512_ps(mag);
    normal = _mm512_add_epi32(mag, c->half);
    normal = _mm512_mask_sub_epi32(normal, _mm512_test_epi32_mask(mag, c->last), normal, _mm512_set1_epi32(-1));
    small = _mm512_castps_si512(_mm512_add_ps(magnitude, c->magic));
    code = _mm512_mask_sub_epi32(_mm512_srl_epi32(normal, c->down), _mm512_cmplt_epu32_mask(mag, c->least), small,
                                 _mm512_castps_si512(c->magic));
    code = _mm512_min_epu32(code, c->top);
    return _mm512_ternarylogic_epi64(code, _mm512_srl_epi32(_mm512_castps_si512(v), c->sign), c->minus,
                                     0xf8); /* a | (b & c) */
}

/* Four times 16 columns to 64 codes in order. */
HRQ__IN_AVX512 __m512i hrq__code64_avx512(const __m512i v[4], const hrq__coder_avx512 *c, int kind)
{
    __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    __m512i low = _mm512_packs_epi32(v[0], v[1]), high = _mm512_packs_epi32(v[2], v[3]), code;
    if (kind == HRQ__CODES_FLOAT || kind == HRQ__CODES_FIXED) {
        code = _mm512_packus_epi16(low, high);
    } else {
        code = _mm512_max_epi8(_mm512_min_epi8(_mm512_packs_epi16(low, high), c->hi), c->lo);
        code = _mm512_add_epi8(code, c->offset);
    }
    return _mm512_permutexvar_epi32(order, code);
}

/* The numbers of a group, broadcast. */
HRQ__IN_AVX512 void hrq__code_group_avx512(__m512 *pre, __m512 *inv, __m512i *zero, const hrq__code_args *a,
                                           size_t group)
{
    *pre = _mm512_set1_ps(a->norm[group * HRQ_PANEL].pre);
    *inv = _mm512_set1_ps(a->norm[group * HRQ_PANEL].inv);
    *zero = _mm512_set1_epi32(a->zero ? a->zero[group * HRQ_PANEL] : 0);
}

/* 64 columns at a time of one group; groups of 16 or 32, whole, four or two at a time. */
HRQ__IN_AVX512 void hrq__codes_avx512(uint8_t *out, const float *x, size_t n, const hrq__code_args *a,
                                     const hrq__coder_avx512 *c, int kind)
{
    size_t i = 0, group = 0, left = a->group - a->first, octave = a->group == 16 ? 4 : 5;
    __m512 pre, inv;
    __m512i zero, v[4];
    int k;
    if (a->first == 0 && (a->group == 16 || a->group == 32)) {
        for (; i + 64 <= n; i += 64) {
            HRQ__UNROLL
            for (k = 0; k < 4; k++) {
                hrq__code_group_avx512(&pre, &inv, &zero, a, (i + 16 * (size_t)k) >> octave);
                v[k] = hrq__code16_avx512(_mm512_loadu_ps(x + i + 16 * k), pre, inv, zero, c, kind);
            }
            _mm512_storeu_si512(out + i, hrq__code64_avx512(v, c, kind));
        }
        group = i >> octave;
        left = a->group;
    }
    for (; i < n; group++, left = a->group) {
        size_t end = n - i < left ? n : i + left;
        hrq__code_group_avx512(&pre, &inv, &zero, a, group);
        for (; i + 64 <= end; i += 64) {
            HRQ__UNROLL
            for (k = 0; k < 4; k++)
                v[k] = hrq__code16_avx512(_mm512_loadu_ps(x + i + 16 * k), pre, inv, zero, c, kind);
            _mm512_storeu_si512(out + i, hrq__code64_avx512(v, c, kind));
        }
        if (i < end) {
            HRQ__UNROLL
            for (k = 0; k < 4; k++) {
                size_t before = i + 16 * (size_t)k;
                __m512 in = _mm512_setzero_ps();
                if (before < end) in = _mm512_maskz_loadu_ps(hrq__first16_avx512(end - before), x + before);
                v[k] = hrq__code16_avx512(in, pre, inv, zero, c, kind);
            }
            _mm512_mask_storeu_epi8(out + i, hrq__first64_avx512(end - i), hrq__code64_avx512(v, c, kind));
            i = end;
        }
    }
}

HRQ__FN_AVX512 void hrq__code_int_avx512(uint8_t *out, const float *x, size_t n, const hrq__code_args *a)
{
    hrq__coder_avx512 c = hrq__coder_none_avx512();
    c.lo = _mm512_set1_epi8((char)a->range.lo);
    c.hi = _mm512_set1_epi8((char)a->range.hi);
    c.offset = _mm512_set1_epi8((char)a->offset);
    if (a->zero) hrq__codes_avx512(out, x, n, a, &c, HRQ__CODES_ZERO);
    else hrq__codes_avx512(out, x, n, a, &c, HRQ__CODES_INT);
}

HRQ__FN_AVX512 void hrq__code_float_avx512(uint8_t *out, const float *x, size_t n, const hrq__code_args *a)
{
    hrq__coder_avx512 c = hrq__coder_none_avx512();
    hrq__small t = a->type;
    if (t.exp == 0) {
        c.steps = _mm512_set1_ps((float)(1 << t.man));
        c.most = _mm512_set1_ps(127.0f / (float)(1 << t.man));
        hrq__codes_avx512(out, x, n, a, &c, HRQ__CODES_FIXED);
        return;
    }
    if (t.exp == 1 && t.man == 0) { /* alone in that the bias is even and bit 23 the last one kept */
        hrq__code_float_scalar(out, x, n, a);
        return;
    }
    c.least = _mm512_set1_epi32((128 - t.bias) << 23);
    c.half = _mm512_set1_epi32((1 << (22 - t.man)) - 1 - ((127 - t.bias) << 23));
    c.last = _mm512_set1_epi32(1 << (23 - t.man));
    c.minus = _mm512_set1_epi32((int)t.sign);
    c.top = _mm512_set1_epi32((int)t.top);
    c.magic = _mm512_castsi512_ps(_mm512_set1_epi32((127 + 24 - t.bias - t.man) << 23));
    c.down = _mm_cvtsi32_si128(23 - t.man);
    c.sign = _mm_cvtsi32_si128(31 - t.exp - t.man);
    hrq__codes_avx512(out, x, n, a, &c, HRQ__CODES_FLOAT);
}

/* Clamped first: the range ends in integers, so rounding stays within. Three chains of additions side by side. */
HRQ__FN_AVX512 hrq__int_fit hrq__int_error_avx512(const float *x, size_t n, hrq__norm norm, hrq__int_range range)
{
    __m512 pre = _mm512_set1_ps(norm.pre), inv = _mm512_set1_ps(norm.inv), error = _mm512_setzero_ps(), dot = error,
           energy = error, lo = _mm512_set1_ps((float)range.lo), hi = _mm512_set1_ps((float)range.hi);
    hrq__int_fit fit;
    size_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 m = hrq__first16_avx512(n - i);
        __m512 v = _mm512_mul_ps(_mm512_mul_ps(_mm512_maskz_loadu_ps(m, x + i), pre), inv), e;
        __m512 c = _mm512_max_ps(_mm512_min_ps(v, hi), lo);
        c = _mm512_cvtepi32_ps(_mm512_cvtps_epi32(c));
        e = _mm512_sub_ps(v, c);
        error = _mm512_mask_add_ps(error, m, error, _mm512_mul_ps(e, e));
        dot = _mm512_mask_add_ps(dot, m, dot, _mm512_mul_ps(v, c));
        energy = _mm512_mask_add_ps(energy, m, energy, _mm512_mul_ps(c, c));
    }
    fit.error = hrq__tree_avx512(error);
    fit.dot = hrq__tree_avx512(dot);
    fit.energy = hrq__tree_avx512(energy);
    return fit;
}

/* Magnitudes to the magnitudes that they are coded as, as hrq__code16_avx512 rounds them, without the shift down. */
HRQ__FN_AVX512 float hrq__float_error_avx512(hrq__small t, const float *x, size_t n, hrq__norm norm)
{
    __m512 pre = _mm512_set1_ps(norm.pre), inv = _mm512_set1_ps(norm.inv), error = _mm512_setzero_ps();
    __m512 most = _mm512_set1_ps(hrq__small_decode(t, t.exp ? t.top : 127));
    __m512 steps = _mm512_set1_ps((float)(1 << t.man));
    __m512 step = _mm512_set1_ps(1.0f / (float)(1 << t.man));
    __m512 magic = _mm512_castsi512_ps(_mm512_set1_epi32((127 + 24 - t.bias - t.man) << 23));
    __m512i base = _mm512_set1_epi32((127 - t.bias) << 23), least = _mm512_set1_epi32((128 - t.bias) << 23);
    __m512i half = _mm512_set1_epi32((1 << (22 - t.man)) - 1), one = _mm512_set1_epi32(1);
    __m512i keep = _mm512_set1_epi32(-(1 << (23 - t.man)));
    __m128i down = _mm_cvtsi32_si128(23 - t.man);
    size_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 m = hrq__first16_avx512(n - i);
        __m512 v = _mm512_mul_ps(_mm512_mul_ps(_mm512_maskz_loadu_ps(m, x + i), pre), inv), c;
        v = _mm512_abs_ps(v);
        if (t.exp == 0) {
            c = _mm512_mul_ps(_mm512_min_ps(v, most), steps);
            c = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtps_epi32(c)), step);
        } else {
            __m512i mag = _mm512_sub_epi32(_mm512_castps_si512(v), base);
            __m512i odd = _mm512_and_si512(_mm512_srl_epi32(mag, down), one);
            mag = _mm512_and_si512(_mm512_add_epi32(_mm512_add_epi32(mag, half), odd), keep);
            c = _mm512_castsi512_ps(_mm512_add_epi32(mag, base));
            c = _mm512_mask_sub_ps(c, _mm512_cmplt_epu32_mask(_mm512_castps_si512(v), least),
                                   _mm512_add_ps(v, magic), magic);
            c = _mm512_castsi512_ps(_mm512_min_epu32(_mm512_castps_si512(c), _mm512_castps_si512(most)));
        }
        v = _mm512_sub_ps(v, c);
        error = _mm512_mask_add_ps(error, m, error, _mm512_mul_ps(v, v));
    }
    return hrq__tree_avx512(error);
}

/* A transposition of 16 x 16 words, whose last two steps are permutations of quarters. */
HRQ__FN_AVX512 void hrq__scale_rows_avx512(float *out, size_t ld, const float *tile, size_t n, const float *scale)
{
    __m512 by = _mm512_loadu_ps(scale);
    size_t c;
    int i, k;
    for (c = 0; c < n; c += 16, tile += 256, out += 16) {
        __mmask16 m = hrq__first16_avx512(n - c);
        __m512 v[16], t[16];
        for (i = 0; i < 16 && n - c < 16; i++) /* the last few columns */
            v[i] = (size_t)i < n - c ? _mm512_mul_ps(_mm512_loadu_ps(tile + 16 * i), by) : _mm512_setzero_ps();
        if (n - c >= 16) {
            HRQ__UNROLL
            for (i = 0; i < 16; i++) v[i] = _mm512_mul_ps(_mm512_loadu_ps(tile + 16 * i), by);
        }
        HRQ__UNROLL
        for (i = 0; i < 16; i += 4) { /* t[i + k]: rows 4 q + k of columns i ... i + 3, a quarter q each */
            __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(v[i], v[i + 1]));
            __m512d b = _mm512_castps_pd(_mm512_unpacklo_ps(v[i + 2], v[i + 3]));
            __m512d e = _mm512_castps_pd(_mm512_unpackhi_ps(v[i], v[i + 1]));
            __m512d f = _mm512_castps_pd(_mm512_unpackhi_ps(v[i + 2], v[i + 3]));
            t[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            t[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
            t[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(e, f));
            t[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(e, f));
        }
        HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            __m512 a = _mm512_shuffle_f32x4(t[k], t[4 + k], 0x44), b = _mm512_shuffle_f32x4(t[8 + k], t[12 + k], 0x44);
            __m512 e = _mm512_shuffle_f32x4(t[k], t[4 + k], 0xee), f = _mm512_shuffle_f32x4(t[8 + k], t[12 + k], 0xee);
            float *to = out + (size_t)k * ld;
            _mm512_mask_storeu_ps(to, m, _mm512_shuffle_f32x4(a, b, 0x88));
            _mm512_mask_storeu_ps(to + 4 * ld, m, _mm512_shuffle_f32x4(a, b, 0xdd));
            _mm512_mask_storeu_ps(to + 8 * ld, m, _mm512_shuffle_f32x4(e, f, 0x88));
            _mm512_mask_storeu_ps(to + 12 * ld, m, _mm512_shuffle_f32x4(e, f, 0xdd));
        }
    }
}

HRQ__FN_AVX512 void hrq__signs_avx512(float *x, size_t n, uint64_t seed)
{
    __m512 minus = _mm512_set1_ps(-0.0f);
    uint64_t bits = 0;
    size_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 m = hrq__first16_avx512(n - i);
        __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        if (i % 64 == 0) bits = hrq__random(seed, i / 64);
        _mm512_mask_storeu_ps(x + i, m, _mm512_mask_xor_ps(v, (__mmask16)(bits >> i % 64), v, minus));
    }
}

/* Coordinate j of a superblock, 16 rows of 4 bytes, for j = 4 half ... 4 half + 3: row 4 lane + q of part q. */
HRQ__IN_AVX512 void hrq__words_avx512(__m512i code[4], const uint8_t *p, size_t ld)
{
    __m512i part[4], a, b, c, d;
    int q;
    HRQ__UNROLL
    for (q = 0; q < 4; q++) {
        const uint8_t *at = p + (size_t)q * ld;
        part[q] = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)at));
        part[q] = _mm512_inserti32x4(part[q], _mm_loadu_si128((const __m128i *)(const void *)(at + 4 * ld)), 1);
        part[q] = _mm512_inserti32x4(part[q], _mm_loadu_si128((const __m128i *)(const void *)(at + 8 * ld)), 2);
        part[q] = _mm512_inserti32x4(part[q], _mm_loadu_si128((const __m128i *)(const void *)(at + 12 * ld)), 3);
    }
    a = _mm512_unpacklo_epi32(part[0], part[1]);
    b = _mm512_unpacklo_epi32(part[2], part[3]);
    c = _mm512_unpackhi_epi32(part[0], part[1]);
    d = _mm512_unpackhi_epi32(part[2], part[3]);
    code[0] = _mm512_unpacklo_epi64(a, b);
    code[1] = _mm512_unpackhi_epi64(a, b);
    code[2] = _mm512_unpacklo_epi64(c, d);
    code[3] = _mm512_unpackhi_epi64(c, d);
}

/* One part, w bits wide from bit `shift` of the codes, to its w planes. */
HRQ__IN_AVX512 void hrq__pack_part_avx512(uint8_t *planes, const __m512i code[8], int w, int shift)
{
    int plane, part;
    HRQ__UNROLL
    for (plane = 0; plane < w; plane++) {
        __m512i word = _mm512_setzero_si512();
        HRQ__UNROLL
        for (part = 0; part * w < 8; part++) {
            int up = w * part - shift;
            __m512i v = code[plane + w * part], mask = _mm512_set1_epi8((char)(((1 << w) - 1) << w * part));
            v = up > 0 ? hrq__sll16_avx512(v, up) : up < 0 ? hrq__srl16_avx512(v, -up) : v;
            word = _mm512_ternarylogic_epi64(word, v, mask, 0xf8); /* a | (b & c) */
        }
        _mm512_storeu_si512(planes + 64 * plane, word);
    }
}

HRQ__IN_AVX512 void hrq__pack_bits_avx512(uint8_t *planes, size_t lane_bytes, const uint8_t *codes, size_t ld,
                                          size_t supers, int shift, int bits)
{
    for (; supers > 0; supers--, planes += 4 * lane_bytes, codes += 32) {
        __m512i code[8];
        hrq__words_avx512(code, codes, ld);
        hrq__words_avx512(code + 4, codes + 16, ld);
        if (bits & 1) hrq__pack_part_avx512(planes, code, 1, shift);
        if (bits & 2) hrq__pack_part_avx512(planes + 64 * (bits & 1), code, 2, shift + (bits & 1));
        if (bits & 4) hrq__pack_part_avx512(planes + 64 * (bits & 3), code, 4, shift + (bits & 3));
        if (bits & 8) hrq__pack_part_avx512(planes, code, 8, shift);
    }
}

/* Shifts are constants up to 1, all that layouts need. */
HRQ__FN_AVX512 size_t hrq__pack_avx512(uint8_t *planes, size_t lane_bytes, const uint8_t *codes, size_t ld,
                                       size_t cols8, unsigned shift, unsigned bits)
{
    size_t n = cols8 / 32;
    switch (shift << 4 | bits) {
    case 0x01: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 0, 1); break;
    case 0x02: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 0, 2); break;
    case 0x03: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 0, 3); break;
    case 0x04: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 0, 4); break;
    case 0x05: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 0, 5); break;
    case 0x06: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 0, 6); break;
    case 0x07: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 0, 7); break;
    case 0x08: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 0, 8); break;
    case 0x11: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 1, 1); break;
    case 0x12: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 1, 2); break;
    case 0x13: hrq__pack_bits_avx512(planes, lane_bytes, codes, ld, n, 1, 3); break;
    default: return 0;
    }
    return 32 * n;
}

/* Conversion by the machine's fp16, and back to see whether it came out too small. */
HRQ__FN_AVX512 void hrq__group_scales_avx512(uint16_t *h, const float *scale, size_t n, float top, int nearest)
{
    __m256i magnitude = _mm256_set1_epi16(0x7fff), most = _mm256_set1_epi16(0x7bff);
    size_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 m = hrq__first16_avx512(n - i);
        __m512 v = _mm512_div_ps(_mm512_maskz_loadu_ps(m, scale + i), _mm512_set1_ps(top == 0.0f ? 1.0f : top));
        __m256i code, mag;
        if (top == 0.0f) v = _mm512_setzero_ps();
        code = _mm512_maskz_cvtps_ph(m, v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        if (!nearest) {
            __mmask16 less =
                _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_cvtph_ps(code)), _mm512_abs_ps(v), _CMP_LT_OQ);
            code = _mm256_mask_add_epi16(code, less, code, _mm256_set1_epi16(1));
        }
        mag = _mm256_min_epu16(_mm256_and_si256(code, magnitude), most);
        _mm256_mask_storeu_epi16(h + i, m, _mm256_or_si256(_mm256_andnot_si256(magnitude, code), mag));
    }
}

HRQ__IN_AVX512 void hrq__norm_avx512(__m512 *pre, __m512 *inv, __m512 scale)
{
    __m512 one = _mm512_set1_ps(1.0f), big = _mm512_set1_ps(18446744073709551616.0f), zero = _mm512_setzero_ps();
    __m512 small = _mm512_set1_ps(1.0f / 18446744073709551616.0f), a = _mm512_abs_ps(scale);
    *pre = _mm512_mask_mov_ps(
        one, _mm512_cmp_ps_mask(a, zero, _CMP_GT_OQ) & _mm512_cmp_ps_mask(a, small, _CMP_LT_OQ), big);
    *pre = _mm512_mask_mov_ps(*pre, _mm512_cmp_ps_mask(a, big, _CMP_GE_OQ), small);
    scale = _mm512_mul_ps(scale, *pre);
    *inv = _mm512_maskz_div_ps(_mm512_cmp_ps_mask(scale, zero, _CMP_NEQ_UQ), one, scale);
}

HRQ__FN_AVX512 void hrq__norms_avx512(hrq__norm *norm, const float *row, const float *group)
{
    __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    __m512i high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    __m512 pre, inv;
    hrq__norm_avx512(&pre, &inv, _mm512_mul_ps(_mm512_loadu_ps(row), _mm512_loadu_ps(group)));
    _mm512_storeu_ps((float *)norm, _mm512_permutex2var_ps(pre, low, inv));
    _mm512_storeu_ps((float *)norm + 16, _mm512_permutex2var_ps(pre, high, inv));
}

HRQ__FN_AVX512 void hrq__wants_avx512(float *want, const float *lo, const float *hi, size_t n, int how, float steps,
                                      hrq__norm norm)
{
    __m512 by = _mm512_set1_ps(steps), pre = _mm512_set1_ps(norm.pre), inv = _mm512_set1_ps(norm.inv);
    size_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 m = hrq__first16_avx512(n - i);
        __m512 a = _mm512_maskz_loadu_ps(m, lo + i), b = _mm512_maskz_loadu_ps(m, hi + i), v;
        __m512 minus = _mm512_xor_ps(a, _mm512_set1_ps(-0.0f));
        if (how == HRQ__WANT_SPAN) {
            v = _mm512_sub_ps(_mm512_div_ps(b, by), _mm512_div_ps(a, by));
        } else if (how == HRQ__WANT_SIGNED) {
            v = _mm512_div_ps(_mm512_mask_mov_ps(b, _mm512_cmp_ps_mask(minus, b, _CMP_GE_OQ), a), by);
        } else {
            v = _mm512_mask_mov_ps(b, _mm512_cmp_ps_mask(minus, b, _CMP_GT_OQ), minus);
            v = _mm512_div_ps(_mm512_mul_ps(_mm512_mul_ps(v, pre), inv), by);
        }
        _mm512_mask_storeu_ps(want + i, m, v);
    }
}

HRQ__FN_AVX512 void hrq__zeros_avx512(uint8_t *zero, const float *lo, const uint16_t *h, size_t n, float row,
                                      hrq__int_range range, int32_t offset)
{
    __m512i least = _mm512_set1_epi32(range.lo), most = _mm512_set1_epi32(range.hi);
    size_t i;
    for (i = 0; i < n; i += 16) {
        __mmask16 m = hrq__first16_avx512(n - i);
        __m512 pre, inv, v = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(m, h + i));
        __m512i code;
        hrq__norm_avx512(&pre, &inv, _mm512_mul_ps(_mm512_set1_ps(row), v));
        v = _mm512_mul_ps(_mm512_mul_ps(_mm512_maskz_loadu_ps(m, lo + i), pre), inv);
        v = _mm512_max_ps(_mm512_min_ps(v, _mm512_set1_ps(65536.0f)), _mm512_set1_ps(-65536.0f));
        code = _mm512_sub_epi32(least, _mm512_cvtps_epi32(v));
        code = _mm512_max_epi32(_mm512_min_epi32(code, most), least);
        _mm512_mask_cvtepi32_storeu_epi8(zero + i, m, _mm512_add_epi32(code, _mm512_set1_epi32(offset)));
    }
}

/* ---- activations, Hadamard ---- */

/* Sums of four bytes by two multiplications with ones (|pairs| <= 254), of eight by one addition; then the prefix of
   eight sums in three steps. */
HRQ__FN_AVX512 void hrq__act_s8_avx512(int8_t *out, int32_t *sums, const float *x, size_t n, hrq__norm norm)
{
    hrq__coder_avx512 c = hrq__coder_none_avx512();
    __m512 pre = _mm512_set1_ps(norm.pre), inv = _mm512_set1_ps(norm.inv);
    __m512i zero = _mm512_setzero_si512();
    __m256i none = _mm256_setzero_si256(), before = none;
    size_t i;
    int k;
    c.lo = _mm512_set1_epi8(-127);
    c.hi = _mm512_set1_epi8(127);
    for (i = 0; i < n; i += 64, sums += 8) {
        __m512i v[4], s;
        __m256i eight;
        HRQ__UNROLL
        for (k = 0; k < 4; k++)
            v[k] = hrq__code16_avx512(_mm512_loadu_ps(x + i + 16 * k), pre, inv, zero, &c, HRQ__CODES_INT);
        s = hrq__code64_avx512(v, &c, HRQ__CODES_INT);
        _mm512_storeu_si512(out + i, s);
        s = _mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_set1_epi8(1), s), _mm512_set1_epi16(1));
        eight = _mm512_cvtepi64_epi32(_mm512_add_epi32(s, _mm512_srli_epi64(s, 32)));
        eight = _mm256_add_epi32(eight, _mm256_alignr_epi32(eight, none, 7));
        eight = _mm256_add_epi32(eight, _mm256_alignr_epi32(eight, none, 6));
        eight = _mm256_add_epi32(_mm256_add_epi32(eight, _mm256_alignr_epi32(eight, none, 4)), before);
        _mm256_storeu_si256((__m256i *)(void *)sums, _mm256_alignr_epi32(eight, before, 7)); /* one behind */
        before = _mm256_permutevar8x32_epi32(eight, _mm256_set1_epi32(7));
    }
    sums[0] = _mm_cvtsi128_si32(_mm256_castsi256_si128(before));
}

/* Butterflies across `radix` registers: strides 1, 2, 4, ... of registers. */
HRQ__IN_AVX512 void hrq__butterflies_avx512(__m512 *v, int radix)
{
    int stride, i;
    HRQ__UNROLL
    for (stride = 1; stride < radix; stride *= 2) {
        HRQ__UNROLL
        for (i = 0; i < radix; i++) {
            __m512 a = v[i];
            if (i & stride) continue;
            v[i] = _mm512_add_ps(a, v[i + stride]);
            v[i + stride] = _mm512_sub_ps(a, v[i + stride]);
        }
    }
}

/* Within a register: (a, b) to (a + b, a - b) is the swapped pair plus (a, -b), a multiplication by +-1 that a fused
   one does without rounding: one shuffle, one operation a stage. */
HRQ__IN_AVX512 __m512 hrq__butterfly16_avx512(__m512 v)
{
    __m512 one = _mm512_set1_ps(1.0f), minus = _mm512_set1_ps(-1.0f);
    v = _mm512_fmadd_ps(v, _mm512_mask_mov_ps(one, 0xaaaa, minus), _mm512_permute_ps(v, 0xb1));
    v = _mm512_fmadd_ps(v, _mm512_mask_mov_ps(one, 0xcccc, minus), _mm512_permute_ps(v, 0x4e));
    v = _mm512_fmadd_ps(v, _mm512_mask_mov_ps(one, 0xf0f0, minus), _mm512_shuffle_f32x4(v, v, 0xb1));
    return _mm512_fmadd_ps(v, _mm512_mask_mov_ps(one, 0xff00, minus), _mm512_shuffle_f32x4(v, v, 0x4e));
}

/* 16 count neighbours: signs, then all strides below 16 count. */
HRQ__IN_AVX512 void hrq__hadamard_first_avx512(float *x, size_t n, __m512 scale, int flip, uint64_t seed, size_t at,
                                               int count)
{
    size_t i;
    int k;
    for (i = 0; i < n; i += 16 * (size_t)count, at += 16 * (size_t)count) {
        __m512 v[16];
        uint64_t bits = 0;
        HRQ__UNROLL
        for (k = 0; k < count; k++) {
            size_t here = at + 16 * (size_t)k;
            v[k] = _mm512_loadu_ps(x + i + 16 * k);
            if (!flip) continue;
            if (k == 0 || here % 64 == 0) bits = hrq__random(seed, here / 64);
            v[k] = _mm512_mask_xor_ps(v[k], (__mmask16)(bits >> here % 64), v[k], _mm512_set1_ps(-0.0f));
        }
        HRQ__UNROLL
        for (k = 0; k < count; k++) v[k] = hrq__butterfly16_avx512(v[k]);
        hrq__butterflies_avx512(v, count);
        HRQ__UNROLL
        for (k = 0; k < count; k++) _mm512_storeu_ps(x + i + 16 * k, _mm512_mul_ps(v[k], scale));
    }
}

/* Strides `stride` ... radix / 2 * stride, a multiple of 16. */
HRQ__IN_AVX512 void hrq__hadamard_pass_avx512(float *x, size_t n, size_t stride, __m512 scale, int radix)
{
    size_t from, i;
    int k;
    for (from = 0; from < n; from += (size_t)radix * stride)
        for (i = from; i < from + stride; i += 16) {
            __m512 v[16];
            HRQ__UNROLL
            for (k = 0; k < radix; k++) v[k] = _mm512_loadu_ps(x + i + (size_t)k * stride);
            hrq__butterflies_avx512(v, radix);
            HRQ__UNROLL
            for (k = 0; k < radix; k++) _mm512_storeu_ps(x + i + (size_t)k * stride, _mm512_mul_ps(v[k], scale));
        }
}

/* Passes of four strides in registers; the last one scales, the others multiply by 1. */
HRQ__FN_AVX512 void hrq__hadamard_avx512(float *x, size_t n, float scale, int flip, uint64_t seed, size_t at)
{
    __m512 one = _mm512_set1_ps(1.0f), by = _mm512_set1_ps(scale);
    size_t stride = n < 256 ? n : 256;
    switch (stride) {
    case 16: hrq__hadamard_first_avx512(x, n, by, flip, seed, at, 1); return;
    case 32: hrq__hadamard_first_avx512(x, n, by, flip, seed, at, 2); return;
    case 64: hrq__hadamard_first_avx512(x, n, by, flip, seed, at, 4); return;
    case 128: hrq__hadamard_first_avx512(x, n, by, flip, seed, at, 8); return;
    case 256: hrq__hadamard_first_avx512(x, n, n == 256 ? by : one, flip, seed, at, 16); break;
    default: hrq__hadamard_scalar(x, n, scale, flip, seed, at); return;
    }
    for (; n / stride >= 16; stride *= 16) hrq__hadamard_pass_avx512(x, n, stride, n / stride == 16 ? by : one, 16);
    if (n / stride == 8) hrq__hadamard_pass_avx512(x, n, stride, by, 8);
    if (n / stride == 4) hrq__hadamard_pass_avx512(x, n, stride, by, 4);
    if (n / stride == 2) hrq__hadamard_pass_avx512(x, n, stride, by, 2);
}

/* 16 columns with all sums and differences in registers; +-1 times a sum is exact, so a fused operation adds it. The
   diagonal is skipped, not multiplied by zero: that would turn -0 into 0. */
HRQ__IN_AVX512 void hrq__paley_avx512_of(float *x, size_t stride, const float *c, float scale, int order)
{
    size_t at;
    int i, j;
    for (at = 0; at < stride; at += 16) {
        __mmask16 m = hrq__first16_avx512(stride - at);
        __m512 sum[14], difference[14], by = _mm512_set1_ps(scale);
        HRQ__UNROLL
        for (i = 0; i < order; i++) {
            __m512 a = _mm512_maskz_loadu_ps(m, x + (size_t)(2 * i) * stride + at);
            __m512 b = _mm512_maskz_loadu_ps(m, x + (size_t)(2 * i + 1) * stride + at);
            sum[i] = _mm512_add_ps(a, b);
            difference[i] = _mm512_sub_ps(a, b);
        }
        HRQ__UNROLL
        for (i = 0; i < order; i++) {
            __m512 even = difference[i], odd = _mm512_xor_ps(sum[i], _mm512_set1_ps(-0.0f));
            HRQ__UNROLL
            for (j = 0; j < order; j++) {
                __m512 sign = _mm512_set1_ps(c[i * order + j]);
                if (j == i) continue;
                even = _mm512_fmadd_ps(sum[j], sign, even);
                odd = _mm512_fmadd_ps(difference[j], sign, odd);
            }
            _mm512_mask_storeu_ps(x + (size_t)(2 * i) * stride + at, m, _mm512_mul_ps(even, by));
            _mm512_mask_storeu_ps(x + (size_t)(2 * i + 1) * stride + at, m, _mm512_mul_ps(odd, by));
        }
    }
}

HRQ__FN_AVX512 void hrq__paley_avx512(float *x, size_t order, size_t stride, const float *conference, float scale)
{
    if (order == 6) hrq__paley_avx512_of(x, stride, conference, scale, 6);
    if (order == 10) hrq__paley_avx512_of(x, stride, conference, scale, 10);
    if (order == 14) hrq__paley_avx512_of(x, stride, conference, scale, 14);
}

/* ---- codes of E8: lanes are blocks, 32 of eight superblocks, one register a coordinate ---- */

/* hrq__e8_residual with half = 2^(bits - 1): |t| + half stays below 2^15, eight |r| at 2^14. */
HRQ__IN_AVX512 void hrq__e8_residual_avx512(__m512i r[8], const __m512i t[8], int bits)
{
    __m512i half = _mm512_set1_epi16((short)(1 << (bits - 1))), unit = _mm512_set1_epi16((short)(1 << bits));
    __m512i low = _mm512_set1_epi16((short)((1 << bits) - 1)), floors = _mm512_setzero_si512();
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m512i w = _mm512_add_epi16(t[j], half);
        floors = _mm512_xor_si512(floors, w);
        r[j] = _mm512_sub_epi16(_mm512_and_si512(w, low), half);
    }
    hrq__e8_nearest_avx512(r, half, unit, _mm512_test_epi16_mask(floors, unit));
}

/* hrq__e8_gauge; |x| < 2^15. outside: an entry stops at the end of 16 bits. */
HRQ__IN_AVX512 __m512i hrq__e8_gauge_avx512(const __m512i x[8], __mmask32 *outside)
{
    __m512i most = _mm512_setzero_si512(), next = most, sum = most, signs = most, least = _mm512_set1_epi16(32767);
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m512i a = _mm512_abs_epi16(x[j]);
        next = _mm512_max_epi16(next, _mm512_min_epi16(most, a));
        most = _mm512_max_epi16(most, a);
        least = _mm512_min_epi16(least, a);
        sum = _mm512_adds_epu16(sum, _mm512_srli_epi16(a, 1));
        signs = _mm512_xor_si512(signs, x[j]);
    }
    sum = _mm512_mask_subs_epu16(sum, ~_mm512_movepi16_mask(signs), sum, least); /* below 0: two entries are more */
    *outside = _mm512_cmpeq_epi16_mask(most, _mm512_set1_epi16(32767));
    return _mm512_max_epu16(sum, _mm512_add_epi16(most, next));
}

/* What 32 blocks become. */
typedef struct hrq__e8_avx512 {
    __m512i digit[8], y[8], error, index;
} hrq__e8_avx512;

/* hrq__e8_attempt at scales `index` of blocks that are drawn already; lanes whose code gives the point back. */
HRQ__IN_AVX512 __mmask32 hrq__e8_try_avx512(hrq__e8_avx512 *out, const __m512i x[8], __m512i index,
                                            const hrq__e8_args *c)
{
    int bits = (int)c->bits, j;
    __m512i ratio = hrq__word_of_avx512(c->ratio, index);
    __m512i shift = hrq__word_of_avx512(c->shift, index);
    __m512i weight = hrq__word_of_avx512(c->weight, index);
    __m128i fine = _mm_cvtsi32_si128(bits < 7 ? 7 - bits : 0), down = _mm_cvtsi32_si128(13 - bits);
    __m512i low = _mm512_set1_epi16((short)((1 << bits) - 1)), half = _mm512_set1_epi16((short)(1 << (bits - 1)));
    __m512i t[8], r[8], back[8], n, bad, odd = _mm512_setzero_si512(), sums = odd, error = odd;
    __mmask32 move, high;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) t[j] = _mm512_sllv_epi16(_mm512_mulhrs_epi16(x[j], ratio), shift);
    hrq__e8_residual_avx512(r, t, 14 - bits);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m512i e = _mm512_sra_epi16(r[j], fine);
        out->y[j] = _mm512_sra_epi16(_mm512_sub_epi16(t[j], r[j]), down);
        error = _mm512_add_epi16(error, _mm512_mullo_epi16(e, e));
    }
    move = _mm512_test_epi16_mask(_mm512_srai_epi16(out->y[0], 1), half); /* n less q/2 (1, ..., 1) */
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        n = _mm512_srai_epi16(out->y[j], 1);
        n = _mm512_mask_sub_epi16(n, move, n, half);
        sums = _mm512_xor_si512(sums, n);
        out->digit[j] = _mm512_and_si512(n, low);
        odd = _mm512_xor_si512(odd, n);
        t[j] = _mm512_slli_epi16(out->digit[j], 1);
    }
    high = _mm512_test_epi16_mask(sums, _mm512_slli_epi16(half, 1)) ^ move;
    odd = _mm512_and_si512(odd, _mm512_set1_epi16(1));
    out->digit[0] = _mm512_mask_add_epi16(out->digit[0], high, out->digit[0], half);
    t[7] = _mm512_mask_add_epi16(t[7], high, t[7], _mm512_slli_epi16(half, 2));
    HRQ__UNROLL
    for (j = 0; j < 8; j++) t[j] = _mm512_add_epi16(t[j], odd);
    hrq__e8_residual_avx512(back, t, bits + 1);
    bad = _mm512_setzero_si512();
    HRQ__UNROLL
    for (j = 0; j < 8; j++) bad = _mm512_ternarylogic_epi64(bad, back[j], out->y[j], 0xf6); /* a | (b ^ c) */
    out->error = _mm512_mulhi_epu16(error, weight);
    out->index = index;
    return _mm512_testn_epi16_mask(bad, bad);
}

/* The next attempt of all that wait; who fails waits on. */
HRQ__FN_AVX512 void hrq__e8_again_avx512(hrq__e8_queue *w, uint8_t *code, uint8_t *index, float *value,
                                         const hrq__e8_args *c)
{
    __m512i x[8], attempt = _mm512_loadu_si512(w->attempt), part[2];
    __m512i top = _mm512_set1_epi16((short)(c->scales - 1));
    __m512 most = _mm512_set1_ps(32767.0f), unit = _mm512_set1_ps((float)(1 << (28 - c->bits)));
    __mmask32 draw = _mm512_cmpgt_epi16_mask(attempt, top), held;
    hrq__e8_avx512 b;
    int16_t y[8][32], digit[8][32];
    int j;
    HRQ__UNROLL
    for (j = 0; j < 2; j++) { /* to / gauge, below 32767 before it becomes an integer */
        __m512i a = _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(w->attempt + 16 * j)));
        __m512i g = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(w->gauge + 16 * j)));
        __m512 to = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_set1_epi32((4 << c->bits) + (int)c->scales), a));
        g = _mm512_max_epi32(g, _mm512_set1_epi32(16384));
        to = _mm512_div_ps(_mm512_mul_ps(to, unit), _mm512_cvtepi32_ps(g));
        part[j] = _mm512_cvttps_epi32(_mm512_min_ps(to, most));
        part[j] = _mm512_max_epi32(part[j], _mm512_setzero_si512());
    }
    part[0] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(part[0])),
                                 _mm512_cvtepi32_epi16(part[1]), 1);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        x[j] = _mm512_loadu_si512(w->x[j]);
        x[j] = _mm512_mask_mulhrs_epi16(x[j], draw, x[j], part[0]);
    }
    held = hrq__e8_try_avx512(&b, x, _mm512_min_epi16(attempt, top), c);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        _mm512_storeu_si512(y[j], b.y[j]);
        _mm512_storeu_si512(digit[j], b.digit[j]);
    }
    hrq__e8_settle(w, held, y, digit, code, index, value, c);
}

/* 256 columns in fixed point within +-limit, one register a coordinate. */
HRQ__IN_AVX512 void hrq__fixed_avx512(__m512i x[8], const float *in, hrq__norm norm, float to_fixed, float limit)
{
    __m512 pre = _mm512_set1_ps(norm.pre), inv = _mm512_set1_ps(norm.inv), to = _mm512_set1_ps(to_fixed);
    __m512 most = _mm512_set1_ps(limit), least = _mm512_set1_ps(-limit);
    __m256i part[2];
    int i, h;
    HRQ__UNROLL
    for (i = 0; i < 8; i++) {
        HRQ__UNROLL
        for (h = 0; h < 2; h++) {
            __m512 v = _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(in + 32 * i + 16 * h), pre), inv);
            v = _mm512_min_ps(_mm512_max_ps(_mm512_mul_ps(v, to), least), most);
            part[h] = _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v));
        }
        x[i] = _mm512_inserti64x4(_mm512_castsi256_si512(part[0]), part[1], 1);
    }
    hrq__transpose_avx512(x);
}

/* 32 blocks to 256 columns. */
HRQ__IN_AVX512 void hrq__blocks_avx512(uint8_t *code, uint8_t *index, float *value, __m512i digit[8], __m512i y[8],
                                       __m512i indices, float step)
{
    __m512 by = _mm512_set1_ps(step);
    int j;
    hrq__transpose_avx512(y);
    hrq__transpose_avx512(digit);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        __m512i v[2];
        v[0] = _mm512_cvtepi16_epi32(_mm512_castsi512_si256(y[j]));
        v[1] = _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(y[j], 1));
        _mm512_storeu_ps(value + 32 * j, _mm512_mul_ps(_mm512_cvtepi32_ps(v[0]), by));
        _mm512_storeu_ps(value + 32 * j + 16, _mm512_mul_ps(_mm512_cvtepi32_ps(v[1]), by));
        _mm256_storeu_si256((__m256i *)(void *)(code + 32 * j), _mm512_cvtepi16_epi8(digit[j]));
    }
    _mm256_storeu_si256((__m256i *)(void *)index, _mm512_cvtepi16_epi8(indices));
}

/* |y| <= 2 q = 512 times a multiple of 32 at most: below 2^15. */
HRQ__IN_AVX512 void hrq__e8_store_avx512(uint8_t *code, uint8_t *index, float *value, hrq__e8_avx512 *b,
                                         const hrq__e8_args *c)
{
    __m512i multiple = hrq__word_of_avx512(c->multiple, b->index);
    __m512i most = _mm512_set1_epi16(c->clamp), least = _mm512_set1_epi16((short)-c->clamp);
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++)
        b->y[j] = _mm512_max_epi16(_mm512_min_epi16(_mm512_mullo_epi16(b->y[j], multiple), most), least);
    hrq__blocks_avx512(code, index, value, b->digit, b->y, b->index, c->step);
}

/* The scales that hrq__e8_encode tries first: one, or three of which the best stays. A lane's attempts end at `to`. */
HRQ__IN_AVX512 __mmask32 hrq__e8_best_avx512(hrq__e8_avx512 *out, const __m512i x[8], __m512i from, __m512i to,
                                             int tries, const hrq__e8_args *c)
{
    __mmask32 held = hrq__e8_try_avx512(out, x, from, c), take;
    hrq__e8_avx512 b;
    int i, j;
    for (i = 1; i < tries; i++) {
        from = _mm512_add_epi16(from, _mm512_set1_epi16(1));
        take = _mm512_cmple_epi16_mask(from, to) & hrq__e8_try_avx512(&b, x, from, c);
        take &= ~held | _mm512_cmplt_epu16_mask(b.error, out->error);
        held |= take;
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            out->y[j] = _mm512_mask_mov_epi16(out->y[j], take, b.y[j]);
            out->digit[j] = _mm512_mask_mov_epi16(out->digit[j], take, b.digit[j]);
        }
        out->error = _mm512_mask_mov_epi16(out->error, take, b.error);
        out->index = _mm512_mask_mov_epi16(out->index, take, b.index);
    }
    return held;
}

/* Everything in 16 bits: the gauge chooses scales, two nearest points (one of the block, one of its code) decide. A
   twentieth of the blocks fails; they are gathered, since redoing the 32 around each would double the work. */
HRQ__IN_AVX512 size_t hrq__e8_run_avx512(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                         int tries, const hrq__e8_args *c)
{
    __m512i top = _mm512_set1_epi16((short)(c->scales - 1)), one = _mm512_set1_epi16(1);
    size_t col, t, n = cols8 / 256 * 256;
    hrq__e8_queue w;
    w.n = 0;
    for (col = 0; col < n; col += 256) {
        __m512i fixed[8], gauge, from = _mm512_setzero_si512(), to;
        int16_t next[32], lanes[8][32];
        uint16_t gauges[32];
        hrq__e8_avx512 b;
        __mmask32 failed, outside;
        int j;
        hrq__fixed_avx512(fixed, x + col, c->norm, c->to_fixed, 32767.0f);
        gauge = hrq__e8_gauge_avx512(fixed, &outside);
        for (t = 0; t < c->scales; t++)
            from = _mm512_mask_add_epi16(
                from, _mm512_cmpgt_epu16_mask(gauge, _mm512_set1_epi16((short)c->limit[t])), from, one);
        to = tries > 1 ? _mm512_min_epi16(_mm512_add_epi16(from, one), top) : from;
        if (tries > 1) from = _mm512_max_epi16(_mm512_sub_epi16(from, one), _mm512_setzero_si512());
        failed = ~hrq__e8_best_avx512(&b, fixed, from, to, tries, c);
        if (tries == 1) failed |= _mm512_cmpgt_epi16_mask(from, top);
        hrq__e8_store_avx512(code + col, index + col / 8, value + col, &b, c);
        failed &= ~outside;
        for (; outside; outside &= outside - 1) {
            size_t lane = (size_t)__builtin_ctz(outside), at = col + lane / 4 * 32 + lane % 4;
            hrq__e8_code_block(code + at, index + col / 8 + lane, value + at, x + at, 4, c);
        }
        if (!failed) continue;
        HRQ__UNROLL
        for (j = 0; j < 8; j++) _mm512_storeu_si512(lanes[j], fixed[j]);
        if (tries == 1) to = _mm512_mask_sub_epi16(to, _mm512_cmpgt_epi16_mask(to, top), to, one);
        _mm512_storeu_si512(next, _mm512_add_epi16(to, one));
        _mm512_storeu_si512(gauges, gauge);
        for (; failed; failed &= failed - 1) {
            size_t lane = (size_t)__builtin_ctz(failed);
            while (w.n == 32) hrq__e8_again_avx512(&w, code, index, value, c);
            for (j = 0; j < 8; j++) w.x[j][w.n] = lanes[j][lane];
            w.attempt[w.n] = next[lane];
            w.gauge[w.n] = gauges[lane];
            w.at[w.n++] = col + lane / 4 * 32 + lane % 4;
        }
    }
    while (w.n > 0) hrq__e8_again_avx512(&w, code, index, value, c);
    return n;
}

HRQ__FN_AVX512 size_t hrq__code_e8_avx512(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                          const hrq__e8_args *c)
{
    return c->first ? hrq__e8_run_avx512(code, index, value, x, cols8, 1, c)
                    : hrq__e8_run_avx512(code, index, value, x, cols8, 3, c);
}

/* ---- box codes: 16 blocks, two coordinates of one a lane, four registers ---- */

/* What one class and coset makes of 16 blocks, or the best so far. choice: label, + 16 where its second best is the
   label above. least: what the cheapest change of parity costs, times 8, plus its coordinate. */
typedef struct hrq__box_avx512 {
    __m512i choice[4], total, least, at; /* at: 2 class + coset */
} hrq__box_avx512;

/* t within +-6000, d within 2^13, 2 d + gap within 2^14.1, 8 gap within 2^15: their product is below 2^30, and so are
   eight squares of d. madd squares two coordinates at once; by halves of a zero it takes one product alone. */
HRQ__IN_AVX512 void hrq__box_try_avx512(hrq__box_avx512 *best, const __m512i t[4], const __m512i bin[4],
                                        const __m512i rest[4], const hrq__box_map *map, int at)
{
    __m512i bin0 = _mm512_loadu_si512(map->bin), bin1 = _mm512_loadu_si512(map->bin + 32);
    __m512i own = _mm512_loadu_si512(map->own), middle = _mm512_loadu_si512(map->middle);
    __m512i gaps = _mm512_loadu_si512(map->gap), low = _mm512_set1_epi32(0xffff), upper = _mm512_set1_epi16(16);
    __m512i choice[4], parity = _mm512_set1_epi32(at & 1), total = _mm512_setzero_si512();
    __m512i least = _mm512_set1_epi32(INT32_MAX);
    __mmask16 odd, take;
    int p;
    HRQ__UNROLL
    for (p = 0; p < 4; p++) {
        __m512i n = _mm512_permutex2var_epi16(bin0, bin[p], bin1), d, gap, sum, a, b;
        n = _mm512_srli_epi16(_mm512_add_epi16(n, rest[p]), 6);
        d = _mm512_sub_epi16(t[p], _mm512_permutexvar_epi16(n, own));
        total = _mm512_add_epi32(total, _mm512_madd_epi16(d, d));
        n = _mm512_mask_add_epi16(n, _mm512_cmpgt_epi16_mask(t[p], _mm512_permutexvar_epi16(n, middle)), n, upper);
        gap = _mm512_permutexvar_epi16(n, gaps);
        sum = _mm512_add_epi16(_mm512_add_epi16(d, d), gap);
        gap = _mm512_slli_epi16(gap, 3);
        a = _mm512_madd_epi16(gap, _mm512_and_si512(low, sum));
        b = _mm512_madd_epi16(gap, _mm512_andnot_si512(low, sum));
        least = _mm512_min_epi32(least, _mm512_or_si512(a, _mm512_set1_epi32(2 * p)));
        least = _mm512_min_epi32(least, _mm512_or_si512(b, _mm512_set1_epi32(2 * p + 1)));
        parity = _mm512_xor_si512(parity, n);
        choice[p] = n;
    }
    parity = _mm512_xor_si512(parity, _mm512_srli_epi32(parity, 16));
    odd = _mm512_test_epi32_mask(parity, _mm512_set1_epi32(1));
    total = _mm512_mask_add_epi32(total, odd, total, _mm512_srai_epi32(least, 3));
    least = _mm512_mask_mov_epi32(_mm512_set1_epi32(-1), odd, _mm512_and_si512(least, _mm512_set1_epi32(7)));
    take = _mm512_cmplt_epi32_mask(total, best->total);
    best->total = _mm512_min_epi32(total, best->total);
    best->least = _mm512_mask_mov_epi32(best->least, take, least);
    best->at = _mm512_mask_mov_epi32(best->at, take, _mm512_set1_epi32(at));
    HRQ__UNROLL
    for (p = 0; p < 4; p++) best->choice[p] = _mm512_mask_mov_epi32(best->choice[p], take, choice[p]);
}

/* Labels and levels of the best: the entry that pays for the parity goes to its second best label. */
HRQ__IN_AVX512 void hrq__box_put_avx512(__m512i label[4], __m512i value[4], const hrq__box_avx512 *b,
                                        const __m512i level[4], int bits)
{
    __m512i one = _mm512_set1_epi16(1), who, row;
    int p;
    who = _mm512_or_si512(_mm512_slli_epi32(b->least, 16), _mm512_and_si512(b->least, _mm512_set1_epi32(0xffff)));
    row = _mm512_slli_epi32(b->at, (unsigned)bits);
    row = _mm512_or_si512(row, _mm512_slli_epi32(row, 16));
    HRQ__UNROLL
    for (p = 0; p < 4; p++) {
        __m512i n = _mm512_and_si512(b->choice[p], _mm512_set1_epi16(15)), at, v;
        __mmask32 me = _mm512_cmpeq_epi16_mask(who, _mm512_set1_epi32(2 * p | (2 * p + 1) << 16));
        __m512i side = _mm512_sub_epi16(_mm512_srli_epi16(_mm512_sub_epi16(b->choice[p], n), 3), one);
        n = _mm512_mask_add_epi16(n, me, n, side);
        at = _mm512_or_si512(row, n);
        label[p] = n;
        side = _mm512_srli_epi16(at, 1); /* words of two levels */
        v = _mm512_permutex2var_epi16(level[0], side, level[1]);
        v = _mm512_mask_mov_epi16(v, _mm512_test_epi16_mask(at, _mm512_set1_epi16(128)),
                                  _mm512_permutex2var_epi16(level[2], side, level[3]));
        v = _mm512_mask_slli_epi16(v, _mm512_testn_epi16_mask(at, one), v, 8);
        value[p] = _mm512_srai_epi16(v, 8);
    }
}

/* All classes and cosets of 32 blocks, in two halves; the registers of a half are what unpack makes, pack undoes it. */
HRQ__FN_AVX512 size_t hrq__code_box_avx512(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                           const hrq__box_args *c)
{
    int bits = (int)c->box->bits, sets = 2 * (int)c->box->classes, h, p, k;
    size_t col, n = cols8 / 256 * 256, bytes = (size_t)sets << bits;
    float to_fixed = (float)HRQ__BOX_FIXED / c->box->step;
    __m512i level[4], low = _mm512_set1_epi32(0xffff);
    for (k = 0; k < 4; k++)
        level[k] = bytes > 64u * (unsigned)k ? _mm512_maskz_loadu_epi8(hrq__first64_avx512(bytes - 64u * (unsigned)k),
                                                                        c->box->level + 64 * k)
                                             : _mm512_setzero_si512();
    for (col = 0; col < n; col += 256) {
        __m512i fixed[8], label[2][4], y[2][4], out[8], levels[8], at[2];
        hrq__fixed_avx512(fixed, x + col, c->norm, to_fixed, 6000.0f);
        for (h = 0; h < 2; h++) {
            __m512i t[4], bin[4], rest[4];
            hrq__box_avx512 best;
            best.total = _mm512_set1_epi32(INT32_MAX);
            best.least = best.at = _mm512_setzero_si512();
            HRQ__UNROLL
            for (p = 0; p < 4; p++) {
                __m512i u;
                t[p] = h ? _mm512_unpackhi_epi16(fixed[2 * p], fixed[2 * p + 1])
                         : _mm512_unpacklo_epi16(fixed[2 * p], fixed[2 * p + 1]);
                u = _mm512_max_epi16(_mm512_add_epi16(t[p], _mm512_set1_epi16(2048)), _mm512_setzero_si512());
                u = _mm512_min_epi16(u, _mm512_set1_epi16(4095));
                bin[p] = _mm512_srli_epi16(u, 6);
                rest[p] = _mm512_and_si512(u, _mm512_set1_epi16(63));
                best.choice[p] = _mm512_setzero_si512();
            }
            for (k = 0; k < sets; k++) hrq__box_try_avx512(&best, t, bin, rest, c->map + k, k);
            hrq__box_put_avx512(label[h], y[h], &best, level, bits);
            at[h] = _mm512_srli_epi32(best.at, 1);
        }
        HRQ__UNROLL
        for (p = 0; p < 4; p++) {
            out[2 * p] = _mm512_packus_epi32(_mm512_and_si512(label[0][p], low), _mm512_and_si512(label[1][p], low));
            out[2 * p + 1] =
                _mm512_packus_epi32(_mm512_srli_epi32(label[0][p], 16), _mm512_srli_epi32(label[1][p], 16));
            levels[2 * p] = _mm512_packus_epi32(_mm512_and_si512(y[0][p], low), _mm512_and_si512(y[1][p], low));
            levels[2 * p + 1] = _mm512_packus_epi32(_mm512_srli_epi32(y[0][p], 16), _mm512_srli_epi32(y[1][p], 16));
        }
        hrq__blocks_avx512(code + col, index + col / 8, value + col, out, levels, _mm512_packus_epi32(at[0], at[1]),
                           c->step);
    }
    return n;
}

/* ---- trellis search ---- */

/* One step: 32 parities a register, of int16. mulhrs(d, d) = (d^2 + 2^14) >> 15, at most 2^15 - 4: |d| < 2^15. All
   levels of a code are eight registers at most and stay there. */
HRQ__IN_AVX512 void hrq__trellis_metric_avx512_run(uint8_t *metric, const int16_t *x, size_t n, const int16_t *levels,
                                                   int raws, int parts)
{
    __m512i level[8], best[2];
    __m256i half;
    __m128i least;
    int i, p;
    HRQ__UNROLL
    for (i = 0; i < raws * parts; i++) level[i] = _mm512_loadu_si512(levels + 32 * i);
    for (; n > 0; n--, x++, metric += 32 * parts) {
        __m512i v = _mm512_set1_epi16(*x);
        HRQ__UNROLL
        for (i = 0; i < raws * parts; i++) {
            __m512i d = _mm512_sub_epi16(v, level[i]);
            d = _mm512_mulhrs_epi16(d, d);
            best[i % parts] = i < parts ? d : _mm512_min_epi16(best[i % parts], d);
        }
        v = parts == 2 ? _mm512_min_epi16(best[0], best[1]) : best[0];
        half = _mm256_min_epi16(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
        least = _mm_min_epi16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
        v = _mm512_broadcastw_epi16(_mm_minpos_epu16(least));
        HRQ__UNROLL
        for (p = 0; p < parts; p++)
            _mm256_storeu_si256((__m256i *)(void *)(metric + 32 * p),
                                _mm512_cvtusepi16_epi8(_mm512_sub_epi16(best[p], v)));
    }
}

HRQ__FN_AVX512 void hrq__trellis_metric_avx512(uint8_t *metric, const int16_t *x, size_t n,
                                               const hrq__trellis_args *args)
{
    if (args->raw_bits == 1 && args->parities == 5) hrq__trellis_metric_avx512_run(metric, x, n, args->levels, 2, 1);
    else if (args->raw_bits == 2 && args->parities == 6)
        hrq__trellis_metric_avx512_run(metric, x, n, args->levels, 4, 2);
    else if (args->raw_bits == 3 && args->parities == 5)
        hrq__trellis_metric_avx512_run(metric, x, n, args->levels, 8, 1);
    else hrq__trellis_metric_scalar(metric, x, n, args);
}

/* The least byte, in all lanes. */
HRQ__IN_AVX512 __m512i hrq__least8_avx512(__m512i v)
{
    __m256i half = _mm256_min_epu8(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    __m128i least = _mm_min_epu8(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    return _mm512_broadcastb_epi8(_mm_minpos_epu16(_mm_min_epu8(least, _mm_srli_epi16(least, 8))));
}

HRQ__IN_AVX512 __m256i hrq__load32_avx512(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* 64 states a register, in order: 32 and 32 predecessors, each doubled, take the metric that vpermb finds by the
   states' parities; the oldest bit turns the parities into those of the state's neighbour. The least is taken off
   where metrics are read next: a pass less. Doubling costs a vpermb more than pairs of registers interleaved after the
   choice would, but the bits of a choice come in order and 64 states are no special case. */
HRQ__FN_VNNI void hrq__trellis_advance_vnni(uint8_t *path, uint8_t *chosen, const uint8_t *metric, size_t n,
                                            int oldest, const hrq__trellis_args *args)
{
    size_t count = (size_t)1 << args->states, i;
    uint8_t *now = path, *next = path + count, *was;
    __m512i twice = _mm512_cvtepu8_epi16(_mm256_set_epi8(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
                                                         16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    __m512i swap = _mm512_set4_epi32(0x0e0f0c0d, 0x0a0b0809, 0x06070405, 0x02030001), least = _mm512_setzero_si512();
    twice = _mm512_or_si512(twice, _mm512_slli_epi16(twice, 8));
    for (; n > 0; n--, metric += (size_t)1 << args->parities, chosen += count / 8) {
        __m512i same = args->parities == 6 ? _mm512_loadu_si512(metric)
                                           : _mm512_castsi256_si512(hrq__load32_avx512(metric)),
                low = _mm512_set1_epi8(-1);
        for (i = 0; i < count; i += 64) {
            __m256i from = _mm512_castsi512_si256(least);
            __m512i by = _mm512_permutexvar_epi8(_mm512_loadu_si512(args->hash + i), same), a, b;
            uint64_t take = oldest == 1 ? ~(uint64_t)0 : 0;
            a = _mm512_castsi256_si512(_mm256_sub_epi8(hrq__load32_avx512(now + i / 2), from));
            b = _mm512_castsi256_si512(_mm256_sub_epi8(hrq__load32_avx512(now + count / 2 + i / 2), from));
            a = _mm512_adds_epu8(_mm512_permutexvar_epi8(twice, a), by);
            b = _mm512_adds_epu8(_mm512_permutexvar_epi8(twice, b), _mm512_shuffle_epi8(by, swap));
            if (oldest < 0) {
                take = _cvtmask64_u64(_mm512_cmplt_epu8_mask(b, a));
                a = _mm512_min_epu8(a, b);
            } else if (oldest) {
                a = b;
            }
            low = _mm512_min_epu8(low, a);
            _mm512_storeu_si512(next + i, a);
            memcpy(chosen + i / 8, &take, 8);
        }
        least = hrq__least8_avx512(low);
        was = now;
        now = next;
        next = was;
    }
    for (i = 0; i < count; i += 64)
        _mm512_storeu_si512(path + i, _mm512_sub_epi8(_mm512_loadu_si512(now + i), least));
}

/* ---- search of a trellis along rows ---- */

/* 16 words at these places. Two halves: GCC's macro for 16 at once does not pass -Wsign-conversion at -O0. */
HRQ__IN_AVX512 __m512i hrq__gather_avx512(const int32_t *p, __m512i at)
{
    __m256i low = _mm256_i32gather_epi32(p, _mm512_castsi512_si256(at), 4);
    __m256i high = _mm256_i32gather_epi32(p, _mm512_extracti64x4_epi64(at, 1), 4);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* Of 16 cells' feedback that onto one column. */
HRQ__IN_AVX512 __m512 hrq__path_column_of_avx512(const float *p)
{
    const __m256i strides = _mm256_setr_epi32(0, 16, 32, 48, 64, 80, 96, 112);
    __m256 low = _mm256_i32gather_ps(p, strides, 4), high = _mm256_i32gather_ps(p + 8 * HRQ__PATH_BLOCK, strides, 4);
    return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}

/* The two branches of a path: their costs so far and k, by k & 1. Costs of four neighbours of 16 symbols: 16 loads of
   four, transposed. */
HRQ__IN_AVX512 void hrq__path_choose_avx512(int32_t *cost, int32_t *code, size_t all, const hrq__path_column *col,
                                            int q, __m512 u, __m512i metric)
{
    const __m512 one = _mm512_set1_ps(1.0f), two = _mm512_set1_ps(2.0f), most = _mm512_set1_ps(HRQ__PATH_MOST);
    const __m512 w = _mm512_set1_ps(col->weight);
    const __m512i unit = _mm512_set1_epi32(1), far = _mm512_set1_epi32(HRQ__PATH_REACH);
    __m512 y, d, up, down, back, here, there, rate[4], even[2], odd[2], c[4];
    __m512i floor_y, symbol, k0, k1;
    __mmask16 less, swap;
    HRQ__ALIGNED int32_t at[16];
    unsigned shift = col->shift[q];
    int i;
    y = _mm512_sub_ps(_mm512_mul_ps(u, _mm512_set1_ps(col->inverse)), _mm512_set1_ps(q ? 0.5f : 0.0f));
    y = _mm512_min_ps(_mm512_max_ps(y, _mm512_set1_ps(-8190.0f)), _mm512_set1_ps(8188.0f));
    floor_y = _mm512_sub_epi32(_mm512_cvttps_epi32(_mm512_add_ps(y, _mm512_set1_ps(16384.0f))),
                               _mm512_set1_epi32(16384));
    symbol = _mm512_add_epi32(floor_y, _mm512_set1_epi32(16384 + (shift ? 1 << (shift - 1) : 0)));
    symbol = _mm512_sub_epi32(_mm512_sra_epi32(symbol, _mm_cvtsi32_si128((int)shift)),
                              _mm512_set1_epi32(16384 >> shift));
    symbol = _mm512_min_epi32(_mm512_max_epi32(symbol, _mm512_sub_epi32(_mm512_setzero_si512(), far)), far);
    _mm512_store_si512(at, symbol);
    HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        rate[i] = _mm512_castps128_ps512(_mm_loadu_ps(col->cost[q][at[i]]));
        rate[i] = _mm512_insertf32x4(rate[i], _mm_loadu_ps(col->cost[q][at[4 + i]]), 1);
        rate[i] = _mm512_insertf32x4(rate[i], _mm_loadu_ps(col->cost[q][at[8 + i]]), 2);
        rate[i] = _mm512_insertf32x4(rate[i], _mm_loadu_ps(col->cost[q][at[12 + i]]), 3);
    }
    for (i = 0; i < 2; i++) {
        even[i] = _mm512_unpacklo_ps(rate[2 * i], rate[2 * i + 1]);
        odd[i] = _mm512_unpackhi_ps(rate[2 * i], rate[2 * i + 1]);
    }
    d = _mm512_sub_ps(y, _mm512_cvtepi32_ps(floor_y));
    back = _mm512_add_ps(one, d);
    up = _mm512_sub_ps(one, d);
    down = _mm512_sub_ps(two, d);
    c[0] = _mm512_add_ps(_mm512_mul_ps(w, _mm512_mul_ps(back, back)), _mm512_shuffle_ps(even[0], even[1], 0x44));
    c[1] = _mm512_add_ps(_mm512_mul_ps(w, _mm512_mul_ps(d, d)), _mm512_shuffle_ps(even[0], even[1], 0xee));
    c[2] = _mm512_add_ps(_mm512_mul_ps(w, _mm512_mul_ps(up, up)), _mm512_shuffle_ps(odd[0], odd[1], 0x44));
    c[3] = _mm512_add_ps(_mm512_mul_ps(w, _mm512_mul_ps(down, down)), _mm512_shuffle_ps(odd[0], odd[1], 0xee));
    less = _mm512_cmp_ps_mask(c[3], c[1], _CMP_LT_OQ);
    here = _mm512_mask_mov_ps(c[1], less, c[3]);
    k0 = _mm512_mask_add_epi32(floor_y, less, floor_y, _mm512_set1_epi32(2));
    less = _mm512_cmp_ps_mask(c[0], c[2], _CMP_LT_OQ);
    there = _mm512_mask_mov_ps(c[2], less, c[0]);
    k1 = _mm512_mask_sub_epi32(_mm512_add_epi32(floor_y, unit), less, floor_y, unit);
    swap = _mm512_test_epi32_mask(floor_y, unit);
    y = _mm512_min_ps(_mm512_mask_mov_ps(here, swap, there), most);
    d = _mm512_min_ps(_mm512_mask_mov_ps(there, swap, here), most);
    _mm512_storeu_si512(cost, _mm512_add_epi32(_mm512_cvttps_epi32(y), metric));
    _mm512_storeu_si512(cost + all, _mm512_add_epi32(_mm512_cvttps_epi32(d), metric));
    _mm512_storeu_si512(code, _mm512_mask_mov_epi32(k0, swap, k1));
    _mm512_storeu_si512(code + all, _mm512_mask_mov_epi32(k1, swap, k0));
}

HRQ__IN_AVX512 void hrq__path_order_avx512(__m512i *a, __m512i *b)
{
    __m512i low = _mm512_min_epi32(*a, *b);
    *b = _mm512_max_epi32(*a, *b);
    *a = low;
}

HRQ__IN_AVX512 void hrq__path_sort_avx512(__m512i *key, int count)
{
    HRQ__PATH_SORT(hrq__path_order_avx512, key, count)
}

HRQ__IN_AVX512 void hrq__path_select_avx512(const hrq__path_args *a, int list)
{
    size_t states = a->states, all = states * (size_t)list * HRQ__PATH_ROWS, s, i;
    const __m512i dead = _mm512_set1_epi32(HRQ__PATH_DEAD), dying = _mm512_set1_epi32(HRQ__PATH_DEAD / 2 - 1);
    const __m512i by = _mm512_set1_epi32((int32_t)states);
    __m512i least = _mm512_set1_epi32(INT32_MAX);
    const uint8_t(*source)[2] = a->source;
    const int32_t *work = a->work;
    int32_t *metrics = a->metric, *link = a->link;
    int j;
    for (s = 0; s < states; s++) {
        size_t even = source[s][0], odd = source[s][1];
        const int32_t *b0 = work + even * HRQ__PATH_ROWS, *b1 = work + all + odd * HRQ__PATH_ROWS;
        __m512i key[2][HRQ__PATH_LIST];
        HRQ__UNROLL
        for (j = 0; j < list; j++) {
            size_t at = (size_t)j * states * HRQ__PATH_ROWS;
            key[0][j] = _mm512_or_si512(_mm512_slli_epi32(_mm512_loadu_si512(b0 + at), 4), _mm512_set1_epi32(j));
            key[1][j] = _mm512_or_si512(_mm512_slli_epi32(_mm512_loadu_si512(b1 + at), 4),
                                        _mm512_set1_epi32(HRQ__PATH_LIST + j));
        }
        hrq__path_sort_avx512(key[0], list);
        hrq__path_sort_avx512(key[1], list);
        HRQ__UNROLL
        for (j = 0; j < list; j++) {
            size_t at = ((size_t)j * states + s) * HRQ__PATH_ROWS;
            __m512i best = _mm512_min_epi32(key[0][j], key[1][list - 1 - j]), metric = _mm512_srai_epi32(best, 4);
            __m512i from = _mm512_mullo_epi32(_mm512_and_si512(best, _mm512_set1_epi32(7)), by);
            __mmask16 is_odd = _mm512_test_epi32_mask(best, _mm512_set1_epi32(8));
            from = _mm512_add_epi32(from, _mm512_mask_mov_epi32(_mm512_set1_epi32((int32_t)even), is_odd,
                                                                _mm512_set1_epi32(32768 + (int32_t)odd)));
            least = _mm512_min_epi32(least, metric);
            _mm512_storeu_si512(metrics + at, metric);
            _mm512_storeu_si512(link + at, from);
        }
    }
    for (i = 0; i < all; i += 16) {
        __m512i metric = _mm512_loadu_si512(metrics + i);
        __mmask16 over = _mm512_cmpgt_epi32_mask(metric, dying);
        _mm512_storeu_si512(metrics + i, _mm512_mask_mov_epi32(_mm512_sub_epi32(metric, least), over, dead));
    }
}

/* What a path takes on: its link in full, and its feedback, from that of the path that led here. */
HRQ__IN_AVX512 void hrq__path_extend_avx512(const hrq__path_args *a, const hrq__path_column *col, int zero, __m512 w)
{
    size_t all = a->states * a->list * HRQ__PATH_ROWS, i;
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i parents = _mm512_set1_epi32(32767), odds = _mm512_set1_epi32((int32_t)all);
    const __m512 edge = _mm512_loadu_ps(a->edge), value = _mm512_set1_ps(col->value);
    const int32_t *code = a->work + 2 * all;
    const float *before = a->before;
    float *after = a->after;
    int32_t *links = a->link;
    int r;
    for (i = 0; i < all; i += 16, after += 16 * HRQ__PATH_BLOCK) {
        __m512i link = _mm512_loadu_si512(links + i), parent = _mm512_and_si512(link, parents), x;
        __m512i from = _mm512_add_epi32(_mm512_slli_epi32(parent, 4), lane);
        HRQ__ALIGNED int32_t at[16];
        HRQ__ALIGNED float e[16];
        x = _mm512_setzero_si512();
        if (!zero) {
            x = _mm512_add_epi32(_mm512_mullo_epi32(_mm512_srli_epi32(link, 15), odds), from);
            x = _mm512_slli_epi32(hrq__gather_avx512(code, x), 1);
            x = _mm512_add_epi32(x, _mm512_and_si512(parent, _mm512_set1_epi32(1)));
        }
        _mm512_storeu_si512(links + i, _mm512_add_epi32(_mm512_slli_epi32(x, 16), parent));
        _mm512_store_ps(e, _mm512_sub_ps(w, _mm512_mul_ps(_mm512_cvtepi32_ps(x), value)));
        _mm512_store_si512(at, from);
        HRQ__UNROLL
        for (r = 0; r < 16; r++) {
            __m512 in = _mm512_loadu_ps(before + (size_t)at[r] * HRQ__PATH_BLOCK);
            in = _mm512_add_ps(in, _mm512_mul_ps(_mm512_set1_ps(e[r]), edge));
            _mm512_storeu_ps(after + r * HRQ__PATH_BLOCK, in);
        }
    }
}

HRQ__FN_AVX512 void hrq__path_column_avx512(const hrq__path_args *a)
{
    const hrq__path_column col = *a->col;
    size_t all = a->states * a->list * HRQ__PATH_ROWS, i;
    const __m512 w = _mm512_loadu_ps(a->w);
    const float *before = a->before + a->j;
    const int32_t *metric = a->metric;
    int32_t *work = a->work;
    float *target = a->target;
    if (col.zero) {
        for (i = 0; i < all; i += 16)
            _mm512_storeu_ps(target + i,
                             _mm512_add_ps(w, hrq__path_column_of_avx512(before + i * HRQ__PATH_BLOCK)));
        hrq__path_pass_by(a);
        hrq__path_extend_avx512(a, &col, 1, w);
        return;
    }
    for (i = 0; i < all; i += 16) {
        __m512 u = _mm512_add_ps(w, hrq__path_column_of_avx512(before + i * HRQ__PATH_BLOCK));
        _mm512_storeu_ps(target + i, u);
        hrq__path_choose_avx512(work + i, work + 2 * all + i, all, &col, i / 16 & 1, u,
                                _mm512_loadu_si512(metric + i));
    }
    if (a->list == 8) hrq__path_select_avx512(a, 8);
    else if (a->list == 4) hrq__path_select_avx512(a, 4);
    else if (a->list == 2) hrq__path_select_avx512(a, 2);
    else hrq__path_select_avx512(a, 1);
    hrq__path_extend_avx512(a, &col, 0, w);
}

HRQ__FN_AVX512 void hrq__path_trace_avx512(float *error, int32_t *root, const int32_t *link, const float *w,
                                           const float *value, size_t cells, size_t width)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t i, j;
    for (i = 0; i < cells; i += 16) {
        __m512i at = _mm512_add_epi32(lane, _mm512_set1_epi32((int32_t)i));
        for (j = width; j-- > 0;) {
            __m512i now = hrq__gather_avx512(link + j * cells, at);
            __m512 x = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_srai_epi32(now, 16)), _mm512_set1_ps(value[j]));
            _mm512_storeu_ps(error + j * cells + i, _mm512_sub_ps(_mm512_loadu_ps(w + j * HRQ__PATH_ROWS), x));
            at = _mm512_and_si512(now, _mm512_set1_epi32(32767));
            at = _mm512_add_epi32(_mm512_slli_epi32(at, 4), lane);
        }
        _mm512_storeu_si512(root + i, at);
    }
}

/* 16 columns' feedback stays in registers, `count` cells go side by side. */
HRQ__IN_AVX512 void hrq__path_feed_avx512_run(float *out, const float *in, const int32_t *id, const int32_t *from,
                                              const float *e, size_t lde, const __m512 f[16], int count)
{
    __m512 sum[8];
    int i, k;
    HRQ__UNROLL
    for (i = 0; i < count; i++) sum[i] = _mm512_loadu_ps(in + (size_t)from[i] * HRQ__PATH_BLOCK);
    HRQ__UNROLL
    for (k = 0; k < 16; k++) {
        const float *row = e + (size_t)k * lde;
        HRQ__UNROLL
        for (i = 0; i < count; i++) sum[i] = _mm512_add_ps(sum[i], _mm512_mul_ps(_mm512_set1_ps(row[id[i]]), f[k]));
    }
    HRQ__UNROLL
    for (i = 0; i < count; i++) _mm512_storeu_ps(out + (size_t)id[i] * HRQ__PATH_BLOCK, sum[i]);
}

HRQ__FN_AVX512 void hrq__path_feed_avx512(float *out, const float *in, const int32_t *id, const int32_t *from,
                                          size_t n, const float *e, size_t lde, const float *f, size_t depth)
{
    size_t i, k;
    for (k = 0; k < depth; k += 16, e += 16 * lde, f += 16 * HRQ__PATH_BLOCK) {
        __m512 rows[16];
        int j;
        HRQ__UNROLL
        for (j = 0; j < 16; j++) rows[j] = _mm512_loadu_ps(f + j * HRQ__PATH_BLOCK);
        for (i = 0; i + 8 <= n; i += 8) hrq__path_feed_avx512_run(out, in, id + i, from + i, e, lde, rows, 8);
        for (; i < n; i++) hrq__path_feed_avx512_run(out, in, id + i, from + i, e, lde, rows, 1);
        in = out;
        from = id;
    }
}

#endif /* HRQ__AVX512 */

//==================================================================================================
//  [d] NEON       AArch64; dot products of bytes (Armv8.4) and products of 2 x 8 matrices (Armv8.6) above it
//==================================================================================================

#ifdef HRQ__NEON

/* ---- prepare and decode: 16 lanes of a superblock at a time, 8 registers, one a coordinate. flip is 0 ---- */

enum { HRQ__NEON_HASH = 5 * 4 * 16 }; /* trellis: bytes of tables of the hash, before those of levels */

/* Floats: bytes of values by code, lo, then hi, 256 each. Voronoi: 16 multiples, then whether they are bytes. Box:
   levels by class, coset, label. Trellis: hash [4 steps][5 nibbles][16], then the lower 128 levels. */
static void hrq__prepare_neon(uint8_t *maps, int codec, const hrq__decode_args *a)
{
    unsigned i, count;
    uint8_t of[16];
    memset(maps, 0, HRQ__MAPS);
    if (codec == HRQ__CODEC_FLOAT) {
        for (i = 0; i < 1u << a->code_bits; i++) {
            int v = a->value[i], low = (v & 255) - ((v & 128) << 1);
            maps[i] = (uint8_t)low;
            maps[256 + i] = (uint8_t)((v - low) / 256);
        }
    } else if (codec == HRQ__CODEC_VORONOI) {
        maps[16] = a->scales <= 16;
        for (i = 0; i < a->scales && i < 16; i++) {
            maps[i] = (uint8_t)a->multiple[i];
            if (a->multiple[i] < -128 || a->multiple[i] > 127) maps[16] = 0;
        }
    } else if (codec == HRQ__CODEC_BOX) {
        count = 2 * a->scales << a->code_bits;
        for (i = 0; i < 256; i++) maps[i] = i < count ? (uint8_t)a->level[i] : maps[i - count];
    } else if (codec == HRQ__CODEC_TRELLIS || codec == HRQ__CODEC_COLUMN) {
        count = 1u << (a->code_bits + a->parities);
        hrq__hash_bits(of, a);
        for (i = 0; i < 20; i++) hrq__hash_nibble(maps + 16 * i, of, (int)(i / 5 + 4 * (i % 5)));
        for (i = 0; i < count && i < 128; i++) maps[HRQ__NEON_HASH + i] = (uint8_t)hrq__tcq_level(a->level, count, i);
    }
}

/* Shift right, or left by -n. */
HRQ__IN_NEON uint8x16_t hrq__down_neon(uint8x16_t v, int n)
{
    switch (n) {
    case 1: return vshrq_n_u8(v, 1);
    case 2: return vshrq_n_u8(v, 2);
    case 3: return vshrq_n_u8(v, 3);
    case 4: return vshrq_n_u8(v, 4);
    case 5: return vshrq_n_u8(v, 5);
    case 6: return vshrq_n_u8(v, 6);
    case 7: return vshrq_n_u8(v, 7);
    case -1: return vshlq_n_u8(v, 1);
    case -2: return vshlq_n_u8(v, 2);
    case -3: return vshlq_n_u8(v, 3);
    case -4: return vshlq_n_u8(v, 4);
    case -5: return vshlq_n_u8(v, 5);
    case -6: return vshlq_n_u8(v, 6);
    case -7: return vshlq_n_u8(v, 7);
    default: return v;
    }
}

/* Coordinate j of the planes of one part of codes, w bits wide, put in at bit `shift`; blank: into 0. */
HRQ__IN_NEON uint8x16_t hrq__part_neon(uint8x16_t code, const uint8_t *p, int w, int j, int shift, int blank)
{
    uint8x16_t v = hrq__down_neon(vld1q_u8(p + 64 * (j % w)), j / w * w - shift);
    uint8x16_t mask = vdupq_n_u8((uint8_t)(((1 << w) - 1) << shift));
    if (shift == 0 && j / w == 8 / w - 1) return vorrq_u8(code, v); /* the top bits need no mask */
    return blank ? vandq_u8(v, mask) : vbslq_u8(mask, v, code);
}

/* Codes of `bits` bits of 16 lanes as bytes, one register a coordinate, put in at bit `at` of what is there; blank: of
   0, which is there. */
HRQ__IN_NEON void hrq__planes_neon(uint8x16_t code[8], const uint8_t *p, int bits, int at, int blank)
{
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int w, low;
        HRQ__UNROLL
        for (w = 1; w <= 8; w *= 2) {
            low = bits & (w - 1);
            if (bits & w) code[j] = hrq__part_neon(code[j], p + 64 * low, w, j, at + low, blank && !low);
        }
    }
}

HRQ__IN_NEON void hrq__fill_neon(uint8x16_t code[8], uint8x16_t with)
{
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) code[j] = with;
}

/* ---- where decoded registers go: a tile, or products with one vector ---- */

/* acc[4 half + i]: sums of rows 4 i ... 4 i + 3 over columns 16 half ... 16 half + 15 of superblocks: apart, because
   groups may be 16 columns, and chains of products are shorter. Where time runs down the rows, acc[row]. */
typedef struct hrq__sink_neon {
    uint8_t *lo; /* tile: the only one that is used, with stride */
    size_t stride;
    const int8_t *x;
    const int32_t *sums, *zero;
    const float *scale; /* NULL: no groups, the sum is int32 */
    void *sum;
    size_t group, left; /* columns of a group; up to its end */
    int32_t bias;       /* that registers have over the values */
    int32x4_t acc[16];
    int8x16_t by[8]; /* the vector's words of a superblock, each four times: where there is no SDOT to do that */
} hrq__sink_neon;

/* So many eights of columns are a group, or all there is. */
HRQ__IN_NEON void hrq__sink_add_neon(hrq__sink_neon *s, const int32x4_t part[4], size_t eights)
{
    int32x4_t of = vdupq_n_s32((int32_t)((uint32_t)s->sums[eights] - (uint32_t)s->sums[0]));
    int i;
    HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        int32_t *to = (int32_t *)s->sum + 4 * i;
        float *total = (float *)s->sum + 4 * i;
        int32x4_t over = vdupq_n_s32(s->bias), sum;
        if (s->zero) over = vaddq_s32(over, vld1q_s32(s->zero + 4 * i));
        sum = vmlsq_s32(part[i], of, over);
        if (!s->scale) vst1q_s32(to, vaddq_s32(vld1q_s32(to), sum));
        else vst1q_f32(total, vfmaq_f32(vld1q_f32(total), vcvtq_f32_s32(sum), vld1q_f32(s->scale + 4 * i)));
    }
    s->sums += eights;
    if (s->scale) s->scale += HRQ_PANEL;
    if (s->zero) s->zero += HRQ_PANEL;
}

HRQ__IN_NEON void hrq__sink_clear_neon(hrq__sink_neon *s)
{
    int i;
    HRQ__UNROLL
    for (i = 0; i < 16; i++) s->acc[i] = vdupq_n_s32(0);
    s->left = s->group == 16 ? 32 : s->group;
}

/* Products of a superblock are through. */
HRQ__IN_NEON void hrq__sink_next_neon(hrq__sink_neon *s, int column)
{
    int32x4_t part[4];
    int i;
    HRQ__STEP();
    s->x += 32;
    s->left -= 32;
    if (s->left > 0) return;
    HRQ__UNROLL
    for (i = 0; i < 4; i++)
        part[i] = column ? vpaddq_s32(vpaddq_s32(s->acc[4 * i], s->acc[4 * i + 1]),
                                      vpaddq_s32(s->acc[4 * i + 2], s->acc[4 * i + 3]))
                         : vaddq_s32(s->acc[i], s->acc[4 + i]);
    if (s->group == 16) {
        hrq__sink_add_neon(s, s->acc, 2);
        hrq__sink_add_neon(s, s->acc + 4, 2);
    } else {
        hrq__sink_add_neon(s, part, s->group / 8);
    }
    hrq__sink_clear_neon(s);
}

/* Takes lanes h ... h + 15 of a superblock, in turn, a register a coordinate, as int8 of magnitudes up to `most`. */
typedef void hrq__take_neon(hrq__sink_neon *s, const uint8x16_t v[8], size_t h, int most);

HRQ__IN_NEON void hrq__take_tile_neon(hrq__sink_neon *s, const uint8x16_t v[8], size_t h, int most)
{
    int j;
    (void)most;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) vst1q_u8(s->lo + (size_t)j * s->stride + h, v[j]);
    if (h == 48) s->lo += 8 * s->stride;
}

/* Without an instruction for it: products in int16, of two coordinates, 2 * 128 * 127 = 32512 at most, or of four. */
HRQ__IN_NEON void hrq__take_mull(hrq__sink_neon *s, const uint8x16_t v[8], size_t h, int most)
{
    int half, j, deep = most <= 64 ? 4 : 2;
    HRQ__UNROLL
    for (j = 0; j < 8; j += 2) {
        int32x2_t two = vreinterpret_s32_s8(vld1_s8(s->x + 4 * j));
        if (h > 0) continue;
        s->by[j] = vreinterpretq_s8_s32(vdupq_lane_s32(two, 0));
        s->by[j + 1] = vreinterpretq_s8_s32(vdupq_lane_s32(two, 1));
    }
    HRQ__UNROLL
    for (half = 0; half < 2; half++) {
        int32x4_t low = vdupq_n_s32(0), high = low;
        int16x8_t p = vdupq_n_s16(0), q = p;
        HRQ__UNROLL
        for (j = 0; j < 4; j++) {
            int8x16_t w = vreinterpretq_s8_u8(v[4 * half + j]), by = s->by[4 * half + j];
            p = j % deep ? vmlal_s8(p, vget_low_s8(w), vget_low_s8(by)) : vmull_s8(vget_low_s8(w), vget_low_s8(by));
            q = j % deep ? vmlal_high_s8(q, w, by) : vmull_high_s8(w, by);
            if (j % deep == deep - 1) {
                low = vpadalq_s16(low, p);
                high = vpadalq_s16(high, q);
            }
        }
        s->acc[4 * (size_t)half + h / 16] = vaddq_s32(s->acc[4 * (size_t)half + h / 16], vpaddq_s32(low, high));
    }
    HRQ__STEP();
    if (h == 48) hrq__sink_next_neon(s, 0);
}

/* Where time runs down the rows, a register is a row of 16 columns: of 8 from 8 (h / 32) on, columns h % 32 ... */
HRQ__IN_NEON void hrq__take_column_tile_neon(hrq__sink_neon *s, const uint8x16_t v[8], size_t h, int most)
{
    uint8_t *to = s->lo + h % 32 / 4 * s->stride + h;
    int j;
    (void)most;
    HRQ__UNROLL
    for (j = 0; j < 8; j += 4) {
        uint32x4_t a = vreinterpretq_u32_u8(v[j]), b = vreinterpretq_u32_u8(v[j + 1]);
        uint32x4_t c = vreinterpretq_u32_u8(v[j + 2]), d = vreinterpretq_u32_u8(v[j + 3]);
        uint32x4_t low = vzip1q_u32(a, c), next = vzip1q_u32(b, d);
        uint8_t *at = to - h % 32 + 4 * j;
        vst1q_u8(at, vreinterpretq_u8_u32(vzip1q_u32(low, next)));
        vst1q_u8(at + s->stride, vreinterpretq_u8_u32(vzip2q_u32(low, next)));
        low = vzip2q_u32(a, c);
        next = vzip2q_u32(b, d);
        vst1q_u8(at + 2 * s->stride, vreinterpretq_u8_u32(vzip1q_u32(low, next)));
        vst1q_u8(at + 3 * s->stride, vreinterpretq_u8_u32(vzip2q_u32(low, next)));
    }
    if (h == 48) s->lo += 8 * s->stride;
}

HRQ__IN_NEON void hrq__take_column_mull(hrq__sink_neon *s, const uint8x16_t v[8], size_t h, int most)
{
    int8x16_t x = vld1q_s8(s->x + h % 32), w;
    int j;
    (void)most;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int32x4_t *acc = s->acc + h / 32 * 8 + j;
        w = vreinterpretq_s8_u8(v[j]);
        *acc = vpadalq_s16(*acc, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(x)), w, x));
    }
    if (h == 48) hrq__sink_next_neon(s, 1);
}

#ifdef HRQ__HAVE_DOTPROD
HRQ__IN_DOTPROD int32x4_t hrq__sdot(int32x4_t acc, int8x16_t w, int8x16_t v, int lane)
{
    switch (lane) {
    case 0: return vdotq_laneq_s32(acc, w, v, 0);
    case 1: return vdotq_laneq_s32(acc, w, v, 1);
    case 2: return vdotq_laneq_s32(acc, w, v, 2);
    default: return vdotq_laneq_s32(acc, w, v, 3);
    }
}

HRQ__IN_DOTPROD void hrq__take_dotprod(hrq__sink_neon *s, const uint8x16_t v[8], size_t h, int most)
{
    int8x16_t x[2];
    int j;
    (void)most;
    x[0] = vld1q_s8(s->x);
    x[1] = vld1q_s8(s->x + 16);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int32x4_t *acc = s->acc + 4 * (j / 4) + h / 16;
        *acc = hrq__sdot(*acc, vreinterpretq_s8_u8(v[j]), x[j / 4], j % 4);
    }
    HRQ__STEP();
    if (h == 48) hrq__sink_next_neon(s, 0);
}

HRQ__IN_DOTPROD void hrq__take_column_dotprod(hrq__sink_neon *s, const uint8x16_t v[8], size_t h, int most)
{
    int8x16_t x = vld1q_s8(s->x + h % 32);
    int j;
    (void)most;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int32x4_t *acc = s->acc + h / 32 * 8 + j;
        *acc = vdotq_s32(*acc, vreinterpretq_s8_u8(v[j]), x);
    }
    if (h == 48) hrq__sink_next_neon(s, 1);
}
#endif

HRQ__IN_NEON void hrq__sink_tile_neon(hrq__sink_neon *s, uint8_t *lo, const hrq__decode_args *a)
{
    s->lo = lo;
    s->stride = a->stride;
    s->scale = NULL;
}

/* Returns the number of superblocks that go into it: whole groups. */
HRQ__IN_NEON size_t hrq__sink_one_neon(hrq__sink_neon *s, void *sum, size_t cols8, const hrq__decode_args *a,
                                       const hrq__vectors *x, const hrq__groups *g, int32_t bias)
{
    size_t supers = cols8 / 32;
    if (g && g->group != 16) supers = g->group % 32 ? 0 : cols8 / g->group * (g->group / 32);
    s->x = x->x;
    s->sums = x->sums;
    s->sum = sum;
    s->bias = bias;
    s->group = g ? g->group : 32 * supers;
    s->scale = g ? g->scale : NULL;
    s->zero = g ? g->zero : NULL;
    hrq__sink_clear_neon(s);
    return a->clamp > 127 ? 0 : supers;
}

/* ---- decode ---- */

/* Integers: shift, mask; for a tile one addition besides, where products take codes as they are, unless they are whole
   bytes. Bits are a constant: one body for all. 4 bits, products of a superblock: 16 loads feed 32 of these and 32
   SDOT. llvm-mca 19, cycles a weight on neoverse-v1, -n1: 0.031, 0.063, what so many vector instructions take (a tile
   and its product: 0.054, 0.13); without SDOT 0.078, 0.16; a tile 0.031, 0.094. */
HRQ__IN_NEON void hrq__int_neon(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers, int bits,
                                int one)
{
    uint8x16_t offset = vdupq_n_u8((uint8_t)(0u - (1u << (bits - 1)))), code[8];
    size_t h;
    int j, signs = !one || bits == 8;
    for (; supers > 0; supers--, codes += 64 * bits) {
        HRQ__UNROLL
        for (h = 0; h < 64; h += 16) {
            hrq__fill_neon(code, vdupq_n_u8(0));
            hrq__planes_neon(code, codes + h, bits, 0, 1);
            HRQ__UNROLL
            for (j = 0; j < 8; j++)
                if (signs) code[j] = vaddq_u8(code[j], offset);
            take(s, code, h, signs ? 128 : (1 << bits) - 1);
        }
    }
}

HRQ__IN_NEON size_t hrq__int_neon_all(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers,
                                      int one, const hrq__decode_args *a)
{
    switch (a->code_bits) {
    case 1: hrq__int_neon(s, take, codes, supers, 1, one); break;
    case 2: hrq__int_neon(s, take, codes, supers, 2, one); break;
    case 3: hrq__int_neon(s, take, codes, supers, 3, one); break;
    case 4: hrq__int_neon(s, take, codes, supers, 4, one); break;
    case 5: hrq__int_neon(s, take, codes, supers, 5, one); break;
    case 6: hrq__int_neon(s, take, codes, supers, 6, one); break;
    case 7: hrq__int_neon(s, take, codes, supers, 7, one); break;
    case 8: hrq__int_neon(s, take, codes, supers, 8, one); break;
    default: return 0;
    }
    return 32 * supers;
}

/* A table of up to 256 bytes, looked up by bytes below its size. TBL gives 0 where an index is out of range, so
   larger tables are four registers after the other; TBX, which leaves what was there, takes longer than TBL and OR. */
typedef struct hrq__table_neon {
    uint8x16x4_t part[4];
} hrq__table_neon;

HRQ__IN_NEON void hrq__table_load_neon(hrq__table_neon *t, const uint8_t *p, int size)
{
    int i;
    HRQ__UNROLL
    for (i = 0; i < 16; i++)
        if (16 * i < size) t->part[i / 4].val[i % 4] = vld1q_u8(p + 16 * i);
}

HRQ__IN_NEON uint8x16_t hrq__look_up_neon(const hrq__table_neon *t, uint8x16_t index, int size)
{
    uint8x16_t v;
    if (size <= 16) return vqtbl1q_u8(t->part[0].val[0], index);
    if (size <= 32) {
        uint8x16x2_t two;
        two.val[0] = t->part[0].val[0];
        two.val[1] = t->part[0].val[1];
        return vqtbl2q_u8(two, index);
    }
    v = vqtbl4q_u8(t->part[0], index);
    if (size > 64) v = vorrq_u8(v, vqtbl4q_u8(t->part[1], vsubq_u8(index, vdupq_n_u8(64))));
    if (size > 128) {
        v = vorrq_u8(v, vqtbl4q_u8(t->part[2], vsubq_u8(index, vdupq_n_u8(128))));
        v = vorrq_u8(v, vqtbl4q_u8(t->part[3], vsubq_u8(index, vdupq_n_u8(192))));
    }
    return v;
}

/* Codes through a table: floats whose values are integers. wide: hi is the upper tile. llvm-mca 19, 4 bits, cycles a
   weight on neoverse-v1, -n1: SDOT 0.063, 0.094; without 0.12, 0.21; a tile 0.094, 0.13. */
HRQ__IN_NEON void hrq__table_neon_run(hrq__sink_neon *s, hrq__take_neon *take, uint8_t *hi, const uint8_t *codes,
                                      size_t supers, int bits, int wide, const hrq__decode_args *a)
{
    hrq__table_neon low, high;
    uint8x16_t code[8], v[8];
    size_t h;
    int j;
    hrq__table_load_neon(&low, a->maps, 1 << bits);
    hrq__table_load_neon(&high, a->maps + 256, wide ? 1 << bits : 0);
    for (; supers > 0; supers--, codes += 64 * bits, hi += wide ? 8 * a->stride : 0) {
        HRQ__UNROLL
        for (h = 0; h < 64; h += 16) {
            hrq__fill_neon(code, vdupq_n_u8(0));
            hrq__planes_neon(code, codes + h, bits, 0, 1);
            HRQ__UNROLL
            for (j = 0; j < 8; j++) v[j] = hrq__look_up_neon(&low, code[j], 1 << bits);
            take(s, v, h, 128);
            HRQ__UNROLL
            for (j = 0; j < 8; j++)
                if (wide) vst1q_u8(hi + (size_t)j * a->stride + h, hrq__look_up_neon(&high, code[j], 1 << bits));
        }
    }
}

HRQ__IN_NEON size_t hrq__table_neon_all(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers,
                                        int one, const hrq__decode_args *a)
{
    (void)one;
    switch (a->code_bits) {
    case 2: hrq__table_neon_run(s, take, NULL, codes, supers, 2, 0, a); break;
    case 3: hrq__table_neon_run(s, take, NULL, codes, supers, 3, 0, a); break;
    case 4: hrq__table_neon_run(s, take, NULL, codes, supers, 4, 0, a); break;
    case 5: hrq__table_neon_run(s, take, NULL, codes, supers, 5, 0, a); break;
    case 6: hrq__table_neon_run(s, take, NULL, codes, supers, 6, 0, a); break;
    case 7: hrq__table_neon_run(s, take, NULL, codes, supers, 7, 0, a); break;
    case 8: hrq__table_neon_run(s, take, NULL, codes, supers, 8, 0, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* Bits of a plane of them, of lanes h ... h + 15: all of a byte or none. */
HRQ__IN_NEON uint8x16_t hrq__bits_neon(const uint8_t *p, size_t h)
{
    static const uint8_t spread[64] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2,
                                       2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5,
                                       5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7};
    uint8x16_t plane = vcombine_u8(vld1_u8(p), vdup_n_u8(0));
    return vtstq_u8(vqtbl1q_u8(plane, vld1q_u8(spread + h)), vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u)));
}

/* Parity of the lowest bits of a lane's 8 codes of 2 to 4 bits, at bit `at`: xor of the planes that hold them, then
   of their two halves or the number of ones. */
HRQ__IN_NEON uint8x16_t hrq__coset_neon(const uint8_t *p, int bits, int at)
{
    uint8x16_t v = vld1q_u8(p);
    int j;
    HRQ__UNROLL
    for (j = 1; j < 4; j++)
        if (bits != 3 && j < bits) v = veorq_u8(v, vld1q_u8(p + 64 * j));
    if (bits == 2) v = vandq_u8(v, vdupq_n_u8(0x55));
    if (bits == 4) v = veorq_u8(hrq__down_neon(v, 4 - at), hrq__down_neon(v, -at));
    else v = hrq__down_neon(vcntq_u8(v), -at);
    return vandq_u8(v, vdupq_n_u8((uint8_t)(1u << at)));
}

/* E8, q = 2^bits, one layer, as hrq__e8_residual, 8 bits wide. u = 2 label + coset stands with its top bit in bit 7, so
   that as int8 it is the distance r to the even coset and its absolute value A. The labels' top bits are the parity of
   the even coset, digit 0's, where it is not set, that of the odd one. A in the top bits, the coordinate below them
   make keys that are all different: the worst coordinate is the one whose key is the greatest (the least, for the odd
   coset), the first where A ties. The odd coset is bit 7 turned over, a flip by 2 q bits 2 q and above.
   Sums of 8 A <= 8 q = 128 and costs, -64 ... 96, fit in a byte; r * multiple in int16, which saturates to int8.
   llvm-mca 19, 4 bits, cycles a weight on neoverse-v1, -n1: 0.40, 0.79, for a tile as for SDOT; 0.47, 0.96 without. */
HRQ__IN_NEON void hrq__voronoi_neon_lanes(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *p, size_t h, int bits,
                                          int8x16_t multiple)
{
    const uint8_t q = (uint8_t)(1 << bits);
    const int up = 7 - bits;
    uint8x16_t code[8], key[8], odd0, odd1, low, top, sum, choice, worst, turn;
    int j;
    hrq__fill_neon(code, hrq__coset_neon(p + h, bits, up));
    hrq__planes_neon(code, p + h, bits, up + 1, 0);
    odd0 = code[0];
    HRQ__UNROLL
    for (j = 1; j < 8; j++) odd0 = veorq_u8(odd0, code[j]);
    odd0 = vcltzq_s8(vreinterpretq_s8_u8(odd0));
    odd1 = vcgezq_s8(vreinterpretq_s8_u8(code[0]));
    code[0] = vandq_u8(code[0], vdupq_n_u8(127));
    sum = top = vdupq_n_u8(0);
    low = vdupq_n_u8(255);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        uint8x16_t size = vreinterpretq_u8_s8(vabsq_s8(vreinterpretq_s8_u8(code[j])));
        key[j] = vorrq_u8(size, vdupq_n_u8((uint8_t)j));
        low = vminq_u8(low, key[j]);
        top = vmaxq_u8(top, veorq_u8(key[j], vdupq_n_u8(7)));
        sum = vaddq_u8(sum, hrq__down_neon(size, up));
    }
    worst = vandq_u8(odd0, vsubq_u8(vdupq_n_u8((uint8_t)(2 * q)), vshlq_n_u8(hrq__down_neon(top, up), 1)));
    sum = vsubq_u8(vdupq_n_u8((uint8_t)(4 * q)), sum);
    sum = vaddq_u8(sum, vandq_u8(odd1, vshlq_n_u8(hrq__down_neon(low, up), 1)));
    choice = vcltq_s8(vreinterpretq_s8_u8(sum), vreinterpretq_s8_u8(worst));
    worst = vbslq_u8(choice, low, veorq_u8(top, vdupq_n_u8(7)));
    turn = vandq_u8(vbslq_u8(choice, odd1, odd0), vdupq_n_u8((uint8_t)(0u - 2u * q)));
    choice = vandq_u8(choice, vdupq_n_u8(128));
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int8x16_t r = vreinterpretq_s8_u8(veorq_u8(code[j], choice));
        r = up == 3 ? vshrq_n_s8(r, 3) : up == 4 ? vshrq_n_s8(r, 4) : vshrq_n_s8(r, 5);
        r = veorq_s8(r, vreinterpretq_s8_u8(vandq_u8(vceqq_u8(key[j], worst), turn)));
        r = vcombine_s8(vqmovn_s16(vmull_s8(vget_low_s8(r), vget_low_s8(multiple))),
                        vqmovn_s16(vmull_s8(vget_high_s8(r), vget_high_s8(multiple))));
        code[j] = vreinterpretq_u8_s8(vmaxq_s8(r, vdupq_n_s8(-127)));
    }
    take(s, code, h, 128);
}

HRQ__IN_NEON void hrq__voronoi_neon(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers,
                                    int bits, const hrq__decode_args *a)
{
    uint8x16_t multiples = vld1q_u8(a->maps);
    unsigned b;
    size_t h;
    for (; supers > 0; supers--, codes += 4 * a->lane_bytes) {
        for (h = 0; h < 64; h += 16) {
            uint8x16_t index = vdupq_n_u8(0);
            for (b = 0; b < a->scale_bits; b++)
                index = vorrq_u8(index, vandq_u8(hrq__bits_neon(codes + 64 * bits + 8 * b, h),
                                                 vdupq_n_u8((uint8_t)(1u << b))));
            hrq__voronoi_neon_lanes(s, take, codes, h, bits, vreinterpretq_s8_u8(vqtbl1q_u8(multiples, index)));
        }
    }
}

HRQ__IN_NEON size_t hrq__voronoi_neon_all(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers,
                                          int one, const hrq__decode_args *a)
{
    unsigned bits = a->code_bits;
    (void)one;
    if (a->lattice != HRQ__LATTICE_E8 || a->layers != 1 || a->digit_bits || a->clamp != 127 || a->scale_bits > 4 ||
        bits < 2 || bits > 4 || a->q != 1u << bits || !a->maps[16])
        return 0;
    if (bits == 2) hrq__voronoi_neon(s, take, codes, supers, 2, a);
    else if (bits == 3) hrq__voronoi_neon(s, take, codes, supers, 3, a);
    else hrq__voronoi_neon(s, take, codes, supers, 4, a);
    return 32 * supers;
}

/* Box codes: class, coset and label are an index; six bits of it are looked up, the classes' above select among 64
   bytes each, which TBX would do more slowly. llvm-mca 19, 4 bits, cycles a weight on neoverse-v1, -n1: SDOT, 1 class
   0.075, 0.12; 2 classes 0.11, 0.19; 4 classes 0.22, 0.33; without SDOT 0.13, 0.23; 0.16, 0.31; 0.26, 0.46; a tile
   0.094, 0.15; 0.14, 0.22; 0.24, 0.33. */
HRQ__IN_NEON void hrq__box_neon(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers, int bits,
                                int classes, const hrq__decode_args *a)
{
    const int class_bits = classes == 8 ? 3 : classes / 2, size = 2 * classes << bits;
    hrq__table_neon table;
    uint8x16_t code[8], pick[3], above;
    size_t h;
    int j, b;
    hrq__table_load_neon(&table, a->maps, size);
    for (; supers > 0; supers--, codes += 4 * a->lane_bytes) {
        HRQ__UNROLL
        for (h = 0; h < 64; h += 16) {
            above = hrq__coset_neon(codes + h, bits, bits);
            pick[0] = pick[1] = pick[2] = above;
            HRQ__UNROLL
            for (b = 0; b < class_bits; b++) {
                int at = bits + 1 + b;
                pick[b] = hrq__bits_neon(codes + 64 * bits + 8 * b, h);
                if (at < 6) above = vbslq_u8(vdupq_n_u8((uint8_t)(1u << at)), pick[b], above);
            }
            hrq__fill_neon(code, above);
            hrq__planes_neon(code, codes + h, bits, 0, 0);
            HRQ__UNROLL
            for (j = 0; j < 8; j++) {
                uint8x16_t v = hrq__look_up_neon(&table, code[j], size > 64 ? 64 : size);
                if (size > 64) v = vbslq_u8(pick[5 - bits], vqtbl4q_u8(table.part[1], code[j]), v);
                if (size > 128)
                    v = vbslq_u8(pick[2], vbslq_u8(pick[1], vqtbl4q_u8(table.part[3], code[j]),
                                                   vqtbl4q_u8(table.part[2], code[j])), v);
                code[j] = v;
            }
            take(s, code, h, 128);
        }
    }
}

HRQ__IN_NEON size_t hrq__box_neon_all(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers,
                                      int one, const hrq__decode_args *a)
{
    (void)one;
    switch (a->code_bits << 4 | a->scales) {
    case 0x21: hrq__box_neon(s, take, codes, supers, 2, 1, a); break;
    case 0x22: hrq__box_neon(s, take, codes, supers, 2, 2, a); break;
    case 0x24: hrq__box_neon(s, take, codes, supers, 2, 4, a); break;
    case 0x28: hrq__box_neon(s, take, codes, supers, 2, 8, a); break;
    case 0x31: hrq__box_neon(s, take, codes, supers, 3, 1, a); break;
    case 0x32: hrq__box_neon(s, take, codes, supers, 3, 2, a); break;
    case 0x34: hrq__box_neon(s, take, codes, supers, 3, 4, a); break;
    case 0x38: hrq__box_neon(s, take, codes, supers, 3, 8, a); break;
    case 0x41: hrq__box_neon(s, take, codes, supers, 4, 1, a); break;
    case 0x42: hrq__box_neon(s, take, codes, supers, 4, 2, a); break;
    case 0x44: hrq__box_neon(s, take, codes, supers, 4, 4, a); break;
    case 0x48: hrq__box_neon(s, take, codes, supers, 4, 8, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* Trellis, eight steps of 16 lanes, whose coded bits, oldest first, are in v; raw: planes of the other bits. The hash
   is linear, so it is the xor of tables of the nibbles that the window meets; which tables, the step mod 4 says. 256
   levels are looked up as 128: T[255 - n] = -T[n], and 255 - n is n with all bits turned over. llvm-mca 19, 3 bits, 8
   states: 0.46 cycles a weight on neoverse-v1, 0.75 on -n1, for a tile as for SDOT; 0.51, 0.93 without. */
HRQ__IN_NEON void hrq__trellis_neon_lanes(uint8x16_t code[8], const uint8x16_t v[3], const uint8_t *raw, int bits,
                                          int parities, int nibbles, const hrq__table_neon *table, const uint8_t *maps)
{
    const int size = 1 << (bits + parities);
    uint8x16_t nibble[6];
    int j, d;
    HRQ__UNROLL
    for (j = 0; j < 6; j++) nibble[j] = j % 2 ? vshrq_n_u8(v[j / 2], 4) : vandq_u8(v[j / 2], vdupq_n_u8(15));
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        code[j] = vdupq_n_u8(0);
        HRQ__UNROLL
        for (d = 0; d < nibbles; d++)
            code[j] = veorq_u8(code[j], vqtbl1q_u8(vld1q_u8(maps + 80 * (j % 4) + 16 * d), nibble[4 + j / 4 - d]));
    }
    hrq__planes_neon(code, raw, bits, parities, 0);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        uint8x16_t turn = vcltzq_s8(vreinterpretq_s8_u8(code[j]));
        if (size <= 128) code[j] = hrq__look_up_neon(table, code[j], size);
        else code[j] = vsubq_u8(veorq_u8(hrq__look_up_neon(table, veorq_u8(code[j], turn), 128), turn), turn);
    }
}

/* column: time runs down the rows, lanes h and h + 32 are eight and eight of them, of `prior` the 16 before. */
HRQ__IN_NEON void hrq__trellis_neon(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers,
                                    int bits, int parities, int nibbles, int column, const hrq__decode_args *a)
{
    const int size = 1 << (bits + parities);
    const uint8_t *one = a->past, *two = a->past + 64;
    hrq__table_neon table;
    size_t h;
    hrq__table_load_neon(&table, a->maps + HRQ__NEON_HASH, size > 128 ? 128 : size);
    for (; supers > 0; supers--, two = one, one = codes, codes += 4 * a->lane_bytes) {
        if (column) two = codes + a->prior;
        for (h = 0; h < 64; h += 16) {
            uint8x16_t code[8], v[3];
            v[0] = vld1q_u8(two + h);
            v[1] = vld1q_u8(!column ? one + h : h < 32 ? two + 32 + h : codes + h - 32);
            v[2] = vld1q_u8(codes + h);
            hrq__trellis_neon_lanes(code, v, codes + 64 + h, bits, parities, nibbles, &table, a->maps);
            take(s, code, h, 128);
        }
    }
    if (column) return;
    memcpy(a->past + 64, two, 64);
    memcpy(a->past, one, 64);
}

HRQ__IN_NEON size_t hrq__trellis_neon_of(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers,
                                         int column, const hrq__decode_args *a)
{
    unsigned i, window = 0, nibbles;
    for (i = 0; i < a->parities; i++) window |= a->hash[i];
    nibbles = window < 1u << 9 ? 3 : window < 1u << 13 ? 4 : 5; /* that a window meets at most */
    if (supers == 0 || s->scale) return 0;
    switch (a->code_bits << 8 | a->parities << 4 | nibbles) {
    case 0x153: hrq__trellis_neon(s, take, codes, supers, 1, 5, 3, column, a); break;
    case 0x154: hrq__trellis_neon(s, take, codes, supers, 1, 5, 4, column, a); break;
    case 0x155: hrq__trellis_neon(s, take, codes, supers, 1, 5, 5, column, a); break;
    case 0x263: hrq__trellis_neon(s, take, codes, supers, 2, 6, 3, column, a); break;
    case 0x264: hrq__trellis_neon(s, take, codes, supers, 2, 6, 4, column, a); break;
    case 0x265: hrq__trellis_neon(s, take, codes, supers, 2, 6, 5, column, a); break;
    case 0x353: hrq__trellis_neon(s, take, codes, supers, 3, 5, 3, column, a); break;
    case 0x354: hrq__trellis_neon(s, take, codes, supers, 3, 5, 4, column, a); break;
    case 0x355: hrq__trellis_neon(s, take, codes, supers, 3, 5, 5, column, a); break;
    default: return 0;
    }
    return 32 * supers;
}

HRQ__IN_NEON size_t hrq__trellis_neon_all(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers,
                                          int one, const hrq__decode_args *a)
{
    (void)one;
    return hrq__trellis_neon_of(s, take, codes, supers, 0, a);
}

HRQ__IN_NEON size_t hrq__column_neon_all(hrq__sink_neon *s, hrq__take_neon *take, const uint8_t *codes, size_t supers,
                                         int one, const hrq__decode_args *a)
{
    (void)one;
    return hrq__trellis_neon_of(s, take, codes, supers, 1, a);
}

#define HRQ__DECODE_NEON(codec, take)                                                                             \
    HRQ__FN_NEON size_t hrq__decode_##codec##_neon(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8, \
                                                   const hrq__decode_args *a)                                    \
    {                                                                                                            \
        hrq__sink_neon s;                                                                                        \
        (void)hi;                                                                                                \
        hrq__sink_tile_neon(&s, lo, a);                                                                          \
        return hrq__##codec##_neon_all(&s, take, codes, cols8 / 32, 0, a);                                       \
    }
HRQ__DECODE_NEON(int, hrq__take_tile_neon)
HRQ__DECODE_NEON(voronoi, hrq__take_tile_neon)
HRQ__DECODE_NEON(box, hrq__take_tile_neon)
HRQ__DECODE_NEON(trellis, hrq__take_tile_neon)
HRQ__DECODE_NEON(column, hrq__take_column_tile_neon)
#undef HRQ__DECODE_NEON

HRQ__FN_NEON size_t hrq__decode_table_neon(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                           const hrq__decode_args *a)
{
    hrq__sink_neon s;
    size_t supers = cols8 / 32;
    hrq__sink_tile_neon(&s, lo, a);
    if (a->clamp <= 127) return hrq__table_neon_all(&s, hrq__take_tile_neon, codes, supers, 0, a);
    switch (a->code_bits) {
    case 4: hrq__table_neon_run(&s, hrq__take_tile_neon, hi, codes, supers, 4, 1, a); break;
    case 5: hrq__table_neon_run(&s, hrq__take_tile_neon, hi, codes, supers, 5, 1, a); break;
    case 6: hrq__table_neon_run(&s, hrq__take_tile_neon, hi, codes, supers, 6, 1, a); break;
    case 7: hrq__table_neon_run(&s, hrq__take_tile_neon, hi, codes, supers, 7, 1, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* ---- one vector ---- */

#define HRQ__ONE_NEON(attribute, codec, isa, bias, take)                                            \
    attribute size_t hrq__one_##codec##_##isa(void *sum, const uint8_t *codes, size_t cols8,        \
                                              const hrq__decode_args *a, const hrq__vectors *x,     \
                                              const hrq__groups *g)                                 \
    {                                                                                               \
        hrq__sink_neon s;                                                                           \
        size_t supers = hrq__sink_one_neon(&s, sum, cols8, a, x, g, bias);                          \
        return supers ? hrq__##codec##_neon_all(&s, take, codes, supers, 1, a) : 0;                 \
    }
#define HRQ__ONES_NEON(attribute, isa, by)                                                          \
    HRQ__ONE_NEON(attribute, int, isa, a->code_bits == 8 ? 0 : 1 << a->code_bits >> 1, hrq__take_##by) \
    HRQ__ONE_NEON(attribute, table, isa, 0, hrq__take_##by)                                         \
    HRQ__ONE_NEON(attribute, voronoi, isa, 0, hrq__take_##by)                                       \
    HRQ__ONE_NEON(attribute, box, isa, 0, hrq__take_##by)                                           \
    HRQ__ONE_NEON(attribute, trellis, isa, 0, hrq__take_##by)                                       \
    HRQ__ONE_NEON(attribute, column, isa, 0, hrq__take_column_##by)

HRQ__ONES_NEON(HRQ__FN_NEON, neon, mull)
#ifdef HRQ__HAVE_DOTPROD
HRQ__ONES_NEON(HRQ__FN_DOTPROD, dotprod, dotprod)
#endif
#undef HRQ__ONES_NEON
#undef HRQ__ONE_NEON

/* ---- dot: integers of one panel and m vectors over so many quads, `stride` bytes apart; an even number of quads.
   sum[4 t + i] is vector t, rows 4 i ... 4 i + 3. A body for each ISA; what is made of the sums is common ---- */

typedef void hrq__sums_neon(int32x4_t *sum, const uint8_t *tile, size_t stride, size_t quads, const int8_t *const *x,
                            int m);

/* Two products of bytes are added in int16, 2 * 128 * 127 = 32512 at most, then pairs of these to int32. llvm-mca 19,
   one vector: neoverse-v1 0.064 cycles a weight, neoverse-n1 0.127. */
HRQ__IN_NEON void hrq__sums_neon_mull(int32x4_t *sum, const uint8_t *tile, size_t stride, size_t quads,
                                      const int8_t *const *x, int m)
{
    int32x4_t pair[16];
    int8x16_t v[2], w[2];
    size_t k;
    int t, i;
    HRQ__UNROLL
    for (i = 0; i < 8 * m; i++) pair[i] = vdupq_n_s32(0);
    for (k = 0; k < quads; k += 2, tile += 2 * stride) HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        w[0] = vreinterpretq_s8_u8(vld1q_u8(tile + 16 * i));
        w[1] = vreinterpretq_s8_u8(vld1q_u8(tile + stride + 16 * i));
        HRQ__UNROLL
        for (t = 0; t < m; t++) {
            int32x2_t eight = vreinterpret_s32_s8(vld1_s8(x[t] + 4 * k));
            int16x8_t low, high;
            v[0] = vreinterpretq_s8_s32(vdupq_lane_s32(eight, 0));
            v[1] = vreinterpretq_s8_s32(vdupq_lane_s32(eight, 1));
            low = vmlal_s8(vmull_s8(vget_low_s8(w[0]), vget_low_s8(v[0])), vget_low_s8(w[1]), vget_low_s8(v[1]));
            high = vmlal_high_s8(vmull_high_s8(w[0], v[0]), w[1], v[1]);
            pair[8 * t + 2 * i] = vpadalq_s16(pair[8 * t + 2 * i], low);
            pair[8 * t + 2 * i + 1] = vpadalq_s16(pair[8 * t + 2 * i + 1], high);
        }
    }
    HRQ__UNROLL
    for (i = 0; i < 4 * m; i++) sum[i] = vpaddq_s32(pair[2 * i], pair[2 * i + 1]);
}

#ifdef HRQ__HAVE_DOTPROD
/* Sixteen columns of a vector lie in one register, four quads take their lanes. One vector alone has accumulators of
   its own for each lane, or the latency of four would rule. llvm-mca 19, one vector: neoverse-v1 0.023 cycles a weight,
   neoverse-n1 0.034, what the 17 loads of 256 weights take; four: 0.063, 0.125, what 64 products take. */
HRQ__IN_DOTPROD void hrq__sums_neon_dot(int32x4_t *sum, const uint8_t *tile, size_t stride, size_t quads,
                                        const int8_t *const *x, int m)
{
    int32x4_t acc[16];
    int8x16_t v[4], w;
    size_t k;
    int t, i, lane;
    HRQ__UNROLL
    for (i = 0; i < 16; i++) acc[i] = vdupq_n_s32(0);
    for (k = 0; k + 4 <= quads; k += 4) {
        HRQ__UNROLL
        for (t = 0; t < m; t++) v[t] = vld1q_s8(x[t] + 4 * k);
        HRQ__UNROLL
        for (lane = 0; lane < 4; lane++, tile += stride) HRQ__UNROLL
        for (i = 0; i < 4; i++) {
            w = vreinterpretq_s8_u8(vld1q_u8(tile + 16 * i));
            HRQ__UNROLL
            for (t = 0; t < m; t++) {
                int at = (m == 1 ? lane : t) * 4 + i;
                acc[at] = hrq__sdot(acc[at], w, v[t], lane);
            }
        }
    }
    if (k < quads) {
        HRQ__UNROLL
        for (t = 0; t < m; t++) v[t] = vcombine_s8(vld1_s8(x[t] + 4 * k), vdup_n_s8(0));
        HRQ__UNROLL
        for (lane = 0; lane < 2; lane++, tile += stride) HRQ__UNROLL
        for (i = 0; i < 4; i++) {
            w = vreinterpretq_s8_u8(vld1q_u8(tile + 16 * i));
            HRQ__UNROLL
            for (t = 0; t < m; t++) acc[t * 4 + i] = hrq__sdot(acc[t * 4 + i], w, v[t], lane);
        }
    }
    HRQ__UNROLL
    for (i = 0; i < 4 * m; i++)
        sum[i] = m > 1 ? acc[i] : vaddq_s32(vaddq_s32(acc[i], acc[4 + i]), vaddq_s32(acc[8 + i], acc[12 + i]));
}
#endif

#ifdef HRQ__HAVE_I8MM
/* Pairs of vectors: words of two quads zipped are two rows of 8 columns. 8 zips and 16 products where the dot products
   of four vectors are 32. llvm-mca 19, four vectors: neoverse-v1 0.052 cycles a weight. */
HRQ__IN_I8MM void hrq__sums_neon_mmla(int32x4_t *sum, const uint8_t *tile, size_t stride, size_t quads,
                                      const int8_t *const *x, int m)
{
    int32x4_t acc[16];
    size_t k;
    int t, i;
    HRQ__UNROLL
    for (i = 0; i < 4 * m; i++) acc[i] = vdupq_n_s32(0);
    for (k = 0; k < quads; k += 2, tile += 2 * stride) {
        int8x16_t v[2];
        HRQ__UNROLL
        for (t = 0; t < m / 2; t++) v[t] = vcombine_s8(vld1_s8(x[2 * t] + 4 * k), vld1_s8(x[2 * t + 1] + 4 * k));
        HRQ__UNROLL
        for (i = 0; i < 4; i++) {
            int32x4_t w0 = vreinterpretq_s32_u8(vld1q_u8(tile + 16 * i));
            int32x4_t w1 = vreinterpretq_s32_u8(vld1q_u8(tile + stride + 16 * i));
            int8x16_t low = vreinterpretq_s8_s32(vzip1q_s32(w0, w1)), high = vreinterpretq_s8_s32(vzip2q_s32(w0, w1));
            HRQ__UNROLL
            for (t = 0; t < m / 2; t++) {
                acc[8 * t + 2 * i] = vmmlaq_s32(acc[8 * t + 2 * i], low, v[t]);
                acc[8 * t + 2 * i + 1] = vmmlaq_s32(acc[8 * t + 2 * i + 1], high, v[t]);
            }
        }
    }
    HRQ__UNROLL
    for (t = 0; t < m / 2; t++) HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        sum[8 * t + i] = vuzp1q_s32(acc[8 * t + 2 * i], acc[8 * t + 2 * i + 1]);
        sum[8 * t + 4 + i] = vuzp2q_s32(acc[8 * t + 2 * i], acc[8 * t + 2 * i + 1]);
    }
}
#endif

HRQ__IN_NEON void hrq__dot_s8_neon_block(int32_t *acc, const uint8_t *tile, size_t rows, size_t depth,
                                         const hrq__vectors *x, size_t t0, int m, hrq__sums_neon *sums)
{
    int32x4_t sum[16];
    const int8_t *at[4];
    int t, i;
    HRQ__UNROLL
    for (t = 0; t < m; t++) at[t] = x->x + (t0 + (size_t)t) * x->ldx;
    sums(sum, tile, 4 * rows, depth / 4, at, m);
    HRQ__UNROLL
    for (t = 0; t < m; t++) HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        int32_t *to = acc + (t0 + (size_t)t) * rows + 4 * i;
        vst1q_s32(to, vaddq_s32(vld1q_s32(to), sum[4 * t + i]));
    }
}

/* Panels one after the other; vectors `most` at a time, the rest one by one. */
HRQ__IN_NEON void hrq__dot_s8_neon_all(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth,
                                       const hrq__vectors *x, int most, hrq__sums_neon *many, hrq__sums_neon *one)
{
    size_t rows = panels * HRQ_PANEL, p, t;
    for (p = 0; p < rows; p += HRQ_PANEL) {
        for (t = 0; t + (size_t)most <= x->n; t += (size_t)most)
            hrq__dot_s8_neon_block(acc + p, tile + 4 * p, rows, depth, x, t, most, many);
        for (; t < x->n; t++) hrq__dot_s8_neon_block(acc + p, tile + 4 * p, rows, depth, x, t, 1, one);
    }
}

/* Groups: the integers of one, less zero points, to float, scaled, added. */
HRQ__IN_NEON void hrq__dot_groups_neon_block(float *total, const uint8_t *tile, size_t rows, size_t depth,
                                             const hrq__vectors *x, const hrq__groups *g, size_t p, size_t t0, int m,
                                             hrq__sums_neon *sums)
{
    size_t from, end, at = p;
    int t, i;
    for (from = 0; from < depth; from = end, at += rows) {
        int32x4_t sum[16];
        const int8_t *v[4];
        end = hrq__min_size(from + g->group, depth);
        HRQ__UNROLL
        for (t = 0; t < m; t++) v[t] = x->x + (t0 + (size_t)t) * x->ldx + from;
        sums(sum, tile + 4 * p + from * rows, 4 * rows, (end - from) / 4, v, m);
        HRQ__UNROLL
        for (t = 0; t < m; t++) HRQ__UNROLL
        for (i = 0; i < 4; i++) {
            float *to = total + (t0 + (size_t)t) * rows + p + 4 * i;
            if (g->zero) {
                const int32_t *s = x->sums + (t0 + (size_t)t) * x->lds;
                int32x4_t of = vdupq_n_s32((int32_t)((uint32_t)s[end / 8] - (uint32_t)s[from / 8]));
                sum[4 * t + i] = vmlsq_s32(sum[4 * t + i], of, vld1q_s32(g->zero + at + 4 * i));
            }
            vst1q_f32(to, vfmaq_f32(vld1q_f32(to), vcvtq_f32_s32(sum[4 * t + i]), vld1q_f32(g->scale + at + 4 * i)));
        }
    }
}

HRQ__IN_NEON void hrq__dot_groups_neon_all(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                           const hrq__vectors *x, const hrq__groups *g, int most,
                                           hrq__sums_neon *many, hrq__sums_neon *one)
{
    size_t rows = panels * HRQ_PANEL, p, t;
    for (p = 0; p < rows; p += HRQ_PANEL) {
        for (t = 0; t + (size_t)most <= x->n; t += (size_t)most)
            hrq__dot_groups_neon_block(total, tile, rows, depth, x, g, p, t, most, many);
        for (; t < x->n; t++) hrq__dot_groups_neon_block(total, tile, rows, depth, x, g, p, t, 1, one);
    }
}

HRQ__FN_NEON void hrq__dot_s8_neon(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth,
                                   const hrq__vectors *x)
{
    hrq__dot_s8_neon_all(acc, tile, panels, depth, x, 2, hrq__sums_neon_mull, hrq__sums_neon_mull);
}

HRQ__FN_NEON void hrq__dot_groups_neon(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                       const hrq__vectors *x, const hrq__groups *g)
{
    hrq__dot_groups_neon_all(total, tile, panels, depth, x, g, 2, hrq__sums_neon_mull, hrq__sums_neon_mull);
}

#ifdef HRQ__HAVE_DOTPROD
HRQ__FN_DOTPROD void hrq__dot_s8_dotprod(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth,
                                         const hrq__vectors *x)
{
    hrq__dot_s8_neon_all(acc, tile, panels, depth, x, 4, hrq__sums_neon_dot, hrq__sums_neon_dot);
}

HRQ__FN_DOTPROD void hrq__dot_groups_dotprod(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                             const hrq__vectors *x, const hrq__groups *g)
{
    hrq__dot_groups_neon_all(total, tile, panels, depth, x, g, 4, hrq__sums_neon_dot, hrq__sums_neon_dot);
}
#endif

#ifdef HRQ__HAVE_I8MM
HRQ__FN_I8MM void hrq__dot_s8_i8mm(int32_t *acc, const uint8_t *tile, size_t panels, size_t depth,
                                   const hrq__vectors *x)
{
    hrq__dot_s8_neon_all(acc, tile, panels, depth, x, 4, hrq__sums_neon_mmla, hrq__sums_neon_dot);
}

HRQ__FN_I8MM void hrq__dot_groups_i8mm(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                       const hrq__vectors *x, const hrq__groups *g)
{
    hrq__dot_groups_neon_all(total, tile, panels, depth, x, g, 4, hrq__sums_neon_mmla, hrq__sums_neon_dot);
}
#endif

/* ---- scales, finish, floats ---- */

HRQ__IN_NEON float32x4_t hrq__scales_neon_four(uint32x4_t b, int kind)
{
    uint32x4_t mag = vandq_u32(b, vdupq_n_u32(127)), v;
    if (kind == HRQ__SCALES_E8M0) { /* 0 is 2^-127, subnormal; 255 is NaN */
        uint32x4_t odd = vorrq_u32(vceqq_u32(b, vdupq_n_u32(0)), vceqq_u32(b, vdupq_n_u32(255)));
        return vreinterpretq_f32_u32(
            vorrq_u32(vshlq_n_u32(b, 23), vandq_u32(odd, vdupq_n_u32(0x00400000))));
    } /* magnitude 2^120 too small, exact also for subnormals; the all-ones code is NaN */
    v = vreinterpretq_u32_f32(vmulq_f32(vreinterpretq_f32_u32(vshlq_n_u32(mag, 20)),
                                        vreinterpretq_f32_u32(vdupq_n_u32((127 + 120) << 23))));
    v = vbslq_u32(vceqq_u32(mag, vdupq_n_u32(127)), vdupq_n_u32(0x7fc00000), v);
    return vreinterpretq_f32_u32(vorrq_u32(v, vshlq_n_u32(vshrq_n_u32(b, 7), 31)));
}

HRQ__FN_NEON void hrq__scales_neon(float *out, const uint8_t *p, size_t n, int kind, const uint8_t *tops)
{
    size_t i;
    for (i = 0; i < n; i += 8) {
        if (kind == HRQ__SCALES_F16) {
            uint16x8_t v = vreinterpretq_u16_u8(vld1q_u8(p + 2 * i));
            uint16x8_t nan = vcgtq_u16(vandq_u16(v, vdupq_n_u16(0x7fff)), vdupq_n_u16(0x7c00));
            v = vorrq_u16(v, vandq_u16(nan, vdupq_n_u16(0x200))); /* quiet: SIMDe's conversion leaves it as it is */
            vst1q_f32(out + i, vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(v))));
            vst1q_f32(out + i + 4, vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(v))));
        } else if (kind == HRQ__SCALES_E8M0 && tops) {
            uint8x8_t low = vsub_u8(vld1_u8(tops + i % 16), vld1_u8(p + i));
            uint16x8_t b = vmovl_u8(vqsub_u8(vdup_n_u8(127), low)); /* exponents, 0 where they are none */
            vst1q_f32(out + i, vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vget_low_u16(b)), 23)));
            vst1q_f32(out + i + 4, vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vget_high_u16(b)), 23)));
        } else {
            uint16x8_t b = vmovl_u8(vld1_u8(p + i));
            vst1q_f32(out + i, hrq__scales_neon_four(vmovl_u16(vget_low_u16(b)), kind));
            vst1q_f32(out + i + 4, hrq__scales_neon_four(vmovl_u16(vget_high_u16(b)), kind));
        }
    }
}

HRQ__FN_NEON void hrq__tops_neon(uint8_t tops[HRQ_PANEL], const uint8_t *p, size_t n)
{
    uint8x16_t high = vdupq_n_u8(0);
    size_t i;
    for (i = 0; i < n; i += 16) high = vmaxq_u8(high, vld1q_u8(p + i));
    vst1q_u8(tops, high);
}

HRQ__FN_NEON void hrq__finish_neon(float *y, size_t ldy, const void *sum, int integers, size_t rows,
                                   const float *scale, const float *x, size_t n)
{
    size_t t, i;
    for (t = 0; t < n; t++, y += ldy) {
        float64x2_t by = vdupq_n_f64((double)x[t]);
        for (i = 0; i < rows; i += 4) {
            size_t at = t * rows + i;
            float32x4_t part = integers ? vcvtq_f32_s32(vld1q_s32((const int32_t *)sum + at))
                                        : vld1q_f32((const float *)sum + at),
                        s = vld1q_f32(scale + i);
            float64x2_t low = vmulq_f64(vcvt_f64_f32(vget_low_f32(s)), by),
                        high = vmulq_f64(vcvt_f64_f32(vget_high_f32(s)), by);
            low = vmulq_f64(vcvt_f64_f32(vget_low_f32(part)), low);
            high = vmulq_f64(vcvt_f64_f32(vget_high_f32(part)), high);
            vst1q_f32(y + i, vcombine_f32(vcvt_f32_f64(low), vcvt_f32_f64(high)));
        }
    }
}

/* Four rows of a quad, values + 128: byte k of words is column k. In the mantissa of 2^23, a subtraction makes it the
   value. */
HRQ__IN_NEON void hrq__quad_f32_neon(float32x4_t f[4], uint8x16_t bytes)
{
    uint32x4_t all = vreinterpretq_u32_u8(bytes), low = vdupq_n_u32(255), magic = vdupq_n_u32(0x4b000000);
    float32x4_t over = vdupq_n_f32(8388608.0f + 128.0f);
    int k;
    f[0] = vreinterpretq_f32_u32(vbslq_u32(low, all, magic));
    f[1] = vreinterpretq_f32_u32(vbslq_u32(low, vshrq_n_u32(all, 8), magic));
    f[2] = vreinterpretq_f32_u32(vbslq_u32(low, vshrq_n_u32(all, 16), magic));
    f[3] = vreinterpretq_f32_u32(vorrq_u32(vshrq_n_u32(all, 24), magic));
    HRQ__UNROLL
    for (k = 0; k < 4; k++) f[k] = vsubq_f32(f[k], over);
}

/* llvm-mca 19, lo alone, cycles a weight: neoverse-v1 0.26, neoverse-n1 0.63, four stores above all; 0.78, 1.5 where
   each column is taken out of words alone. */
HRQ__IN_NEON void hrq__tile_f32_neon_run(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip,
                                         int wide)
{
    uint8x16_t turn = vdupq_n_u8((uint8_t)(flip ^ 128));
    float32x4_t f[4], h[4];
    size_t c, i, k;
    for (c = 0; c < cols; c += 4)
        for (i = 0; i < 16; i += 4) {
            hrq__quad_f32_neon(f, veorq_u8(vld1q_u8(lo + 16 * c + 4 * i), turn));
            hrq__quad_f32_neon(h, wide ? veorq_u8(vld1q_u8(hi + 16 * c + 4 * i), turn) : turn);
            HRQ__UNROLL
            for (k = 0; k < 4; k++) {
                if (wide) f[k] = vfmaq_n_f32(f[k], h[k], 256.0f);
                if (c + k < cols) vst1q_f32(out + 16 * (c + k) + i, f[k]);
            }
        }
}

HRQ__FN_NEON void hrq__tile_f32_neon(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip)
{
    if (hi) hrq__tile_f32_neon_run(out, lo, hi, cols, flip, 1);
    else hrq__tile_f32_neon_run(out, lo, lo, cols, flip, 0);
}

/* A quad's bytes, the upper on the lower, as halves of words; the lower byte's sign is borrowed from the upper.
   llvm-mca 19, cycles a weight: neoverse-v1 0.23, neoverse-n1 0.57. */
HRQ__FN_NEON void hrq__tile_upper_neon(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip)
{
    uint8x16_t turn = vdupq_n_u8((uint8_t)flip), l, h;
    uint32x4_t upper = vdupq_n_u32(0xffff0000u), v[4];
    size_t c, i, k;
    for (c = 0; c < cols; c += 4)
        for (i = 0; i < 16; i += 4) {
            l = veorq_u8(vld1q_u8(lo + 16 * c + 4 * i), turn);
            h = veorq_u8(vld1q_u8(hi + 16 * c + 4 * i), turn);
            h = vaddq_u8(h, vcltzq_s8(vreinterpretq_s8_u8(l)));
            v[2] = vreinterpretq_u32_u8(vtrn1q_u8(l, h)); /* columns 0 and 2 */
            v[3] = vreinterpretq_u32_u8(vtrn2q_u8(l, h));
            v[0] = vshlq_n_u32(v[2], 16);
            v[1] = vshlq_n_u32(v[3], 16);
            v[2] = vandq_u32(v[2], upper);
            v[3] = vandq_u32(v[3], upper);
            HRQ__UNROLL
            for (k = 0; k < 4; k++)
                if (c + k < cols) vst1q_f32(out + 16 * (c + k) + i, vreinterpretq_f32_u32(v[k]));
        }
}

HRQ__FN_NEON void hrq__axpy_neon(float *y, const float *w, const float *p, size_t step, size_t n)
{
    float32x4_t factor = vdupq_n_f32(n && !step ? *p : 0.0f);
    size_t i, k;
    for (i = 0; i + 16 <= n; i += 16) {
        HRQ__UNROLL
        for (k = i; k < i + 16; k += 4) {
            if (step) factor = vld1q_f32(p + k);
            vst1q_f32(y + k, vfmaq_f32(vld1q_f32(y + k), factor, vld1q_f32(w + k)));
        }
    }
    if (i < n) hrq__axpy_scalar(y + i, w + i, p + i * step, step, n - i);
}

HRQ__IN_NEON void hrq__dot_f32_neon_block(float *acc, const float *w, const float *x, size_t ldx, size_t depth, int m)
{
    float32x4_t sum[24];
    size_t k;
    int i;
    HRQ__UNROLL
    for (i = 0; i < 4 * m; i++) sum[i] = vld1q_f32(acc + 4 * i);
    for (k = 0; k < depth; k++, w += HRQ_PANEL) {
        float32x4_t v[4];
        HRQ__UNROLL
        for (i = 0; i < 4; i++) v[i] = vld1q_f32(w + 4 * i);
        HRQ__UNROLL
        for (i = 0; i < 4 * m; i++) sum[i] = vfmaq_n_f32(sum[i], v[i % 4], x[(size_t)(i / 4) * ldx + k]);
    }
    HRQ__UNROLL
    for (i = 0; i < 4 * m; i++) vst1q_f32(acc + 4 * i, sum[i]);
}

HRQ__FN_NEON void hrq__dot_f32_neon(float *acc, const float *w, const float *x, size_t ldx, size_t n, size_t depth)
{
    for (; n >= 6; n -= 6, acc += 96, x += 6 * ldx) hrq__dot_f32_neon_block(acc, w, x, ldx, depth, 6);
    for (; n >= 2; n -= 2, acc += 32, x += 2 * ldx) hrq__dot_f32_neon_block(acc, w, x, ldx, depth, 2);
    for (; n > 0; n--, acc += 16, x += ldx) hrq__dot_f32_neon_block(acc, w, x, ldx, depth, 1);
}

/* 8 x 12: 24 accumulators, 3 loads of b and 8 of single floats feed 24 multiply-adds. */
HRQ__FN_NEON void hrq__fma_tile_neon(float *c, size_t ldc, const float *a, const float *b, size_t depth)
{
    float32x4_t acc[24], v[3];
    size_t k;
    int i;
    HRQ__UNROLL
    for (i = 0; i < 24; i++) acc[i] = vld1q_f32(c + (size_t)(i / 3) * ldc + 4 * (i % 3));
    for (k = 0; k < depth; k++, a += 8, b += 12) {
        HRQ__UNROLL
        for (i = 0; i < 3; i++) v[i] = vld1q_f32(b + 4 * i);
        HRQ__UNROLL
        for (i = 0; i < 24; i++) acc[i] = vfmaq_n_f32(acc[i], v[i % 3], a[i / 3]);
    }
    HRQ__UNROLL
    for (i = 0; i < 24; i++) vst1q_f32(c + (size_t)(i / 3) * ldc + 4 * (i % 3), acc[i]);
}

/* ---- scans, codes, planes ---- */

/* The 16 lanes of a sum, in four registers, take what is left of a row; then halves are added. */
HRQ__IN_NEON float hrq__tree_neon(const float32x4_t v[4])
{
    float32x4_t a = vaddq_f32(vaddq_f32(v[0], v[2]), vaddq_f32(v[1], v[3]));
    float32x2_t b = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(b, 0) + vget_lane_f32(b, 1);
}

/* Four floats, or n < 4 and zeros behind. */
HRQ__IN_NEON float32x4_t hrq__load4_neon(const float *p, size_t n)
{
    float v[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    if (n >= 4) return vld1q_f32(p);
    memcpy(v, p, n * sizeof *p);
    return vld1q_f32(v);
}

/* 16 of n floats, or n < 16 and zeros behind. */
HRQ__IN_NEON void hrq__load16_neon(float32x4_t v[4], const float *p, size_t n)
{
    float some[16] = {0.0f};
    int k;
    if (n < 16) memcpy(some, p, n * sizeof *p);
    HRQ__UNROLL
    for (k = 0; k < 4; k++) v[k] = vld1q_f32((n < 16 ? some : p) + 4 * k);
}

/* Integer maxima of the patterns do for both ends and for NaN. A maximum across lanes is one instruction, so that small
   groups need no tree of their own. */
HRQ__FN_NEON void hrq__extents_neon(float *lo, float *hi, const float *x, size_t n, size_t group)
{
    size_t from, end, i;
    int k;
    for (from = 0; from < n; from = end) {
        uint32x4_t least[4], low;
        int32x4_t most[4], high;
        uint32_t u;
        HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            least[k] = vdupq_n_u32(0x80000000u);
            most[k] = vdupq_n_s32(0);
        }
        end = n - from < group ? n : from + group;
        for (i = from; i + 16 <= end; i += 16) {
            HRQ__UNROLL
            for (k = 0; k < 4; k++) {
                float32x4_t v = vld1q_f32(x + i + 4 * k);
                least[k] = vmaxq_u32(least[k], vreinterpretq_u32_f32(v));
                most[k] = vmaxq_s32(most[k], vreinterpretq_s32_f32(v));
            }
        }
        for (; i < end; i += 4) { /* zeros change nothing */
            float32x4_t v = hrq__load4_neon(x + i, end - i);
            least[0] = vmaxq_u32(least[0], vreinterpretq_u32_f32(v));
            most[0] = vmaxq_s32(most[0], vreinterpretq_s32_f32(v));
        }
        low = vmaxq_u32(vmaxq_u32(least[0], least[1]), vmaxq_u32(least[2], least[3]));
        high = vmaxq_s32(vmaxq_s32(most[0], most[1]), vmaxq_s32(most[2], most[3]));
        u = vmaxvq_u32(low);
        *lo++ = hrq__float_of(u == 0x80000000u ? 0 : u);
        *hi++ = hrq__float_of((uint32_t)vmaxvq_s32(high));
    }
}

/* A lane is a chain of additions in order: its latency rules, no other order may. The last entries go to their lanes
   one by one: adding a zero would turn a lane of -0 into 0. */
HRQ__FN_NEON float hrq__dot16_neon(const float *x, const float *y, size_t n, float scale)
{
    float32x4_t sum[4], by = vdupq_n_f32(scale);
    float lane[16];
    size_t i;
    int k;
    HRQ__UNROLL
    for (k = 0; k < 4; k++) sum[k] = vdupq_n_f32(0.0f);
    for (i = 0; i + 16 <= n; i += 16) {
        HRQ__UNROLL
        for (k = 0; k < 4; k++)
            sum[k] = vfmaq_f32(sum[k], vmulq_f32(vld1q_f32(x + i + 4 * k), by),
                               vmulq_f32(vld1q_f32(y + i + 4 * k), by));
    }
    if (i < n) {
        HRQ__UNROLL
        for (k = 0; k < 4; k++) vst1q_f32(lane + 4 * k, sum[k]);
        for (; i < n; i++) lane[i & 15] = fmaf(x[i] * scale, y[i] * scale, lane[i & 15]);
        HRQ__UNROLL
        for (k = 0; k < 4; k++) sum[k] = vld1q_f32(lane + 4 * k);
    }
    return hrq__tree_neon(sum);
}

HRQ__FN_NEON float hrq__sum16_neon(const float *x, size_t n, float scale)
{
    float32x4_t sum[4], by = vdupq_n_f32(scale);
    float lane[16];
    size_t i;
    int k;
    HRQ__UNROLL
    for (k = 0; k < 4; k++) sum[k] = vdupq_n_f32(0.0f);
    for (i = 0; i + 16 <= n; i += 16) {
        HRQ__UNROLL
        for (k = 0; k < 4; k++) sum[k] = vaddq_f32(sum[k], vmulq_f32(vld1q_f32(x + i + 4 * k), by));
    }
    if (i < n) {
        HRQ__UNROLL
        for (k = 0; k < 4; k++) vst1q_f32(lane + 4 * k, sum[k]);
        for (; i < n; i++) lane[i & 15] += x[i] * scale;
        HRQ__UNROLL
        for (k = 0; k < 4; k++) sum[k] = vld1q_f32(lane + 4 * k);
    }
    return hrq__tree_neon(sum);
}

/* The nearest integers, ties to even. What is beyond +-65536 may come out as +-65536 or as what int32 ends with. */
HRQ__IN_NEON int32x4_t hrq__nearest_neon(float32x4_t v)
{
#ifdef HRQ_SIMDE_NEON /* has no vcvtnq_s32_f32; as hrq__round */
    float32x4_t magic = vdupq_n_f32(12582912.0f);
    v = vmaxq_f32(vminq_f32(v, vdupq_n_f32(65536.0f)), vdupq_n_f32(-65536.0f));
    return vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(v, magic)), vreinterpretq_s32_f32(magic));
#else
    return vcvtnq_s32_f32(v);
#endif
}

HRQ__IN_NEON float32x4_t hrq__over_neon(float32x4_t a, float32x4_t b)
{
#ifdef HRQ_SIMDE_NEON /* has no vdivq_f32 */
    return a / b;
#else
    return vdivq_f32(a, b);
#endif
}

/* What of hrq__code_args a kernel holds in registers. */
typedef struct hrq__coder_neon {
    int8x16_t lo, hi, offset;           /* int                                       */
    uint32x4_t base, least, half, top;  /* floats: narrowing as hrq__narrow has it */
    float32x4_t magic, most, steps;     /* most, steps: fixed point                  */
    int32x4_t down, sign;
} hrq__coder_neon;

HRQ__IN_NEON hrq__coder_neon hrq__coder_none_neon(void)
{
    hrq__coder_neon c;
    c.lo = c.hi = c.offset = vdupq_n_s8(0);
    c.base = c.least = c.half = c.top = vdupq_n_u32(0);
    c.magic = c.most = c.steps = vdupq_n_f32(0.0f);
    c.down = c.sign = vdupq_n_s32(0);
    return c;
}

enum { HRQ__CODES_INT, HRQ__CODES_ZERO, HRQ__CODES_FLOAT, HRQ__CODES_FIXED };

/* 4 columns to integers: codes after saturation (int) or at once (float). Conversions saturate; only zero points need
   both ends.
   Floats: normal numbers by a rounding shift, subnormal ones by adding a float whose last place is their step. */
HRQ__IN_NEON int32x4_t hrq__code4_neon(float32x4_t x, float32x4_t pre, float32x4_t inv, int32x4_t zero,
                                       const hrq__coder_neon *c, int kind)
{
    float32x4_t v = vmulq_f32(vmulq_f32(x, pre), inv), small;
    uint32x4_t mag, normal, code;
    if (kind == HRQ__CODES_INT) return hrq__nearest_neon(v);
    if (kind == HRQ__CODES_ZERO) {
        v = vmaxq_f32(vminq_f32(v, vdupq_n_f32(65536.0f)), vdupq_n_f32(-65536.0f));
        return vaddq_s32(hrq__nearest_neon(v), zero);
    }
    if (kind == HRQ__CODES_FIXED) {
        v = vmaxq_f32(vminq_f32(v, c->most), vnegq_f32(c->most));
        return hrq__nearest_neon(vmulq_f32(v, c->steps));
    }
    mag = vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(0x7fffffff));
    normal = vsubq_u32(mag, c->base);
    code = vandq_u32(vshlq_u32(normal, c->down), vdupq_n_u32(1));
    normal = vshlq_u32(vaddq_u32(vaddq_u32(normal, c->half), code), c->down);
    small = vaddq_f32(vreinterpretq_f32_u32(mag), c->magic);
    code = vsubq_u32(vreinterpretq_u32_f32(small), vreinterpretq_u32_f32(c->magic));
    code = vminq_u32(vbslq_u32(vcltq_u32(mag, c->least), code, normal), c->top);
    normal = vshlq_u32(vshrq_n_u32(vreinterpretq_u32_f32(v), 31), c->sign);
    return vreinterpretq_s32_u32(vorrq_u32(code, normal));
}

/* Four times 4 columns to 16 codes. */
HRQ__IN_NEON uint8x16_t hrq__code16_neon(const int32x4_t v[4], const hrq__coder_neon *c, int kind)
{
    int8x16_t code;
    if (kind == HRQ__CODES_FLOAT || kind == HRQ__CODES_FIXED) {
        uint16x8_t low = vuzp1q_u16(vreinterpretq_u16_s32(v[0]), vreinterpretq_u16_s32(v[1]));
        uint16x8_t high = vuzp1q_u16(vreinterpretq_u16_s32(v[2]), vreinterpretq_u16_s32(v[3]));
        return vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high));
    }
    code = vcombine_s8(vqmovn_s16(vcombine_s16(vqmovn_s32(v[0]), vqmovn_s32(v[1]))),
                       vqmovn_s16(vcombine_s16(vqmovn_s32(v[2]), vqmovn_s32(v[3]))));
    return vreinterpretq_u8_s8(vaddq_s8(vmaxq_s8(vminq_s8(code, c->hi), c->lo), c->offset));
}

/* 16 columns at a time of one group, the last of it through buffers. */
HRQ__IN_NEON void hrq__codes_neon(uint8_t *out, const float *x, size_t n, const hrq__code_args *a,
                                  const hrq__coder_neon *c, int kind)
{
    size_t i = 0, group = 0, left = a->group - a->first, end;
    int k;
    for (; i < n; group += HRQ_PANEL, left = a->group) {
        float32x4_t pre = vdupq_n_f32(a->norm[group].pre), inv = vdupq_n_f32(a->norm[group].inv);
        int32x4_t zero = vdupq_n_s32(kind == HRQ__CODES_ZERO ? a->zero[group] : 0), v[4];
        end = n - i < left ? n : i + left;
        for (; i + 16 <= end; i += 16) {
            HRQ__UNROLL
            for (k = 0; k < 4; k++) v[k] = hrq__code4_neon(vld1q_f32(x + i + 4 * k), pre, inv, zero, c, kind);
            vst1q_u8(out + i, hrq__code16_neon(v, c, kind));
        }
        if (i < end) {
            float in[16] = {0};
            uint8_t codes[16];
            memcpy(in, x + i, (end - i) * sizeof *x);
            HRQ__UNROLL
            for (k = 0; k < 4; k++) v[k] = hrq__code4_neon(vld1q_f32(in + 4 * k), pre, inv, zero, c, kind);
            vst1q_u8(codes, hrq__code16_neon(v, c, kind));
            memcpy(out + i, codes, end - i);
            i = end;
        }
    }
}

HRQ__FN_NEON void hrq__code_int_neon(uint8_t *out, const float *x, size_t n, const hrq__code_args *a)
{
    hrq__coder_neon c = hrq__coder_none_neon();
    c.lo = vdupq_n_s8((int8_t)a->range.lo);
    c.hi = vdupq_n_s8((int8_t)a->range.hi);
    c.offset = vreinterpretq_s8_u8(vdupq_n_u8((uint8_t)a->offset));
    if (a->zero) hrq__codes_neon(out, x, n, a, &c, HRQ__CODES_ZERO);
    else hrq__codes_neon(out, x, n, a, &c, HRQ__CODES_INT);
}

HRQ__FN_NEON void hrq__code_float_neon(uint8_t *out, const float *x, size_t n, const hrq__code_args *a)
{
    hrq__coder_neon c = hrq__coder_none_neon();
    hrq__small t = a->type;
    if (t.exp == 0) {
        c.steps = vdupq_n_f32((float)(1 << t.man));
        c.most = vdupq_n_f32(127.0f / (float)(1 << t.man));
        hrq__codes_neon(out, x, n, a, &c, HRQ__CODES_FIXED);
        return;
    }
    c.base = vdupq_n_u32((uint32_t)(127 - t.bias) << 23);
    c.least = vdupq_n_u32((uint32_t)(128 - t.bias) << 23);
    c.half = vdupq_n_u32((1u << (22 - t.man)) - 1);
    c.top = vdupq_n_u32(t.top);
    c.magic = vreinterpretq_f32_u32(vdupq_n_u32((uint32_t)(127 + 24 - t.bias - t.man) << 23));
    c.down = vdupq_n_s32(t.man - 23);
    c.sign = vdupq_n_s32(t.exp + t.man);
    hrq__codes_neon(out, x, n, a, &c, HRQ__CODES_FLOAT);
}

/* Codes end in integers, so that they are clamped after rounding. Zeros behind the last entry change no sum: none of
   them is -0. llvm-mca 19, cycles an entry: neoverse-v1 1.0, neoverse-n1 2.0. */
HRQ__FN_NEON hrq__int_fit hrq__int_error_neon(const float *x, size_t n, hrq__norm norm, hrq__int_range range)
{
    float32x4_t in[4], error[4], dot[4], energy[4], pre = vdupq_n_f32(norm.pre), inv = vdupq_n_f32(norm.inv);
    int32x4_t lo = vdupq_n_s32(range.lo), hi = vdupq_n_s32(range.hi);
    hrq__int_fit fit;
    size_t i, k;
    HRQ__UNROLL
    for (k = 0; k < 4; k++) error[k] = dot[k] = energy[k] = vdupq_n_f32(0.0f);
    for (i = 0; i < n; i += 16) {
        hrq__load16_neon(in, x + i, n - i);
        HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            float32x4_t v = vmulq_f32(vmulq_f32(in[k], pre), inv), c, e;
            c = vcvtq_f32_s32(vmaxq_s32(vminq_s32(hrq__nearest_neon(v), hi), lo));
            e = vsubq_f32(v, c);
            error[k] = vaddq_f32(error[k], vmulq_f32(e, e));
            dot[k] = vaddq_f32(dot[k], vmulq_f32(v, c));
            energy[k] = vaddq_f32(energy[k], vmulq_f32(c, c));
        }
    }
    fit.error = hrq__tree_neon(error);
    fit.dot = hrq__tree_neon(dot);
    fit.energy = hrq__tree_neon(energy);
    return fit;
}

/* Magnitudes to the magnitudes that they are coded as, as hrq__code4_neon rounds them, without the shift down. llvm-mca
   19, cycles an entry: neoverse-v1 0.85, neoverse-n1 1.8. */
HRQ__FN_NEON float hrq__float_error_neon(hrq__small t, const float *x, size_t n, hrq__norm norm)
{
    float32x4_t in[4], error[4], pre = vdupq_n_f32(norm.pre), inv = vdupq_n_f32(norm.inv);
    float32x4_t most = vdupq_n_f32(hrq__small_decode(t, t.exp ? t.top : 127));
    float32x4_t magic = vreinterpretq_f32_u32(vdupq_n_u32((uint32_t)(127 + 24 - t.bias - t.man) << 23));
    uint32x4_t base = vdupq_n_u32((uint32_t)(127 - t.bias) << 23), least = vdupq_n_u32((uint32_t)(128 - t.bias) << 23);
    uint32x4_t half = vdupq_n_u32((1u << (22 - t.man)) - 1), keep = vdupq_n_u32(0u - (1u << (23 - t.man)));
    int32x4_t down = vdupq_n_s32(t.man - 23);
    float steps = (float)(1 << t.man), step = 1.0f / steps;
    size_t i, k;
    HRQ__UNROLL
    for (k = 0; k < 4; k++) error[k] = vdupq_n_f32(0.0f);
    for (i = 0; i < n; i += 16) {
        hrq__load16_neon(in, x + i, n - i);
        HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            float32x4_t v = vabsq_f32(vmulq_f32(vmulq_f32(in[k], pre), inv)), c;
            if (t.exp == 0) {
                c = vmulq_n_f32(vminq_f32(v, most), steps);
                c = vmulq_n_f32(vcvtq_f32_s32(hrq__nearest_neon(c)), step);
            } else {
                uint32x4_t mag = vsubq_u32(vreinterpretq_u32_f32(v), base);
                uint32x4_t odd = vandq_u32(vshlq_u32(mag, down), vdupq_n_u32(1));
                mag = vaddq_u32(vandq_u32(vaddq_u32(vaddq_u32(mag, half), odd), keep), base);
                c = vsubq_f32(vaddq_f32(v, magic), magic);
                mag = vbslq_u32(vcltq_u32(vreinterpretq_u32_f32(v), least), vreinterpretq_u32_f32(c), mag);
                c = vreinterpretq_f32_u32(vminq_u32(mag, vreinterpretq_u32_f32(most)));
            }
            v = vsubq_f32(v, c);
            error[k] = vaddq_f32(error[k], vmulq_f32(v, v));
        }
    }
    return hrq__tree_neon(error);
}

/* Bits i ... i + 3 of `bits` negate. */
HRQ__IN_NEON float32x4_t hrq__signs4_neon(float32x4_t v, uint64_t bits, size_t i)
{
    static const int32_t shifts[4] = {31, 30, 29, 28};
    uint32x4_t sign = vshlq_u32(vdupq_n_u32((uint32_t)(bits >> i % 64)), vld1q_s32(shifts));
    sign = vandq_u32(sign, vdupq_n_u32(0x80000000u));
    return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(v), sign));
}

HRQ__FN_NEON void hrq__signs_neon(float *x, size_t n, uint64_t seed)
{
    uint64_t bits = 0;
    size_t i;
    for (i = 0; i < n; i += 4) {
        if (i % 64 == 0) bits = hrq__random(seed, i / 64);
        if (i + 4 <= n) {
            vst1q_f32(x + i, hrq__signs4_neon(vld1q_f32(x + i), bits, i));
        } else {
            float v[4];
            vst1q_f32(v, hrq__signs4_neon(hrq__load4_neon(x + i, n - i), bits, i));
            memcpy(x + i, v, (n - i) * sizeof *x);
        }
    }
}

/* Transpositions of 4 x 4. llvm-mca 19, cycles a weight: neoverse-v1 0.26, neoverse-n1 0.63. */
HRQ__FN_NEON void hrq__scale_rows_neon(float *out, size_t ld, const float *tile, size_t n, const float *scale)
{
    size_t c, r, k;
    for (c = 0; c + 4 <= n; c += 4, tile += 64, out += 4)
        for (r = 0; r < HRQ_PANEL; r += 4) {
            float32x4_t by = vld1q_f32(scale + r), v[4], low, next;
            float *to = out + r * ld;
            HRQ__UNROLL
            for (k = 0; k < 4; k++) v[k] = vmulq_f32(vld1q_f32(tile + 16 * k + r), by);
            low = vzip1q_f32(v[0], v[2]);
            next = vzip1q_f32(v[1], v[3]);
            vst1q_f32(to, vzip1q_f32(low, next));
            vst1q_f32(to + ld, vzip2q_f32(low, next));
            low = vzip2q_f32(v[0], v[2]);
            next = vzip2q_f32(v[1], v[3]);
            vst1q_f32(to + 2 * ld, vzip1q_f32(low, next));
            vst1q_f32(to + 3 * ld, vzip2q_f32(low, next));
        }
    hrq__scale_rows_scalar(out, ld, tile, n - c, scale);
}

/* Four rows of 4 words of 4 bytes, transposed: register j holds word j of all rows. */
HRQ__IN_NEON void hrq__words_neon(uint8x16_t code[4], const uint8_t *p, size_t ld)
{
    uint32x4_t row[4], a, b, c, d;
    int q;
    HRQ__UNROLL
    for (q = 0; q < 4; q++) row[q] = vreinterpretq_u32_u8(vld1q_u8(p + (size_t)q * ld));
    a = vzip1q_u32(row[0], row[2]);
    b = vzip1q_u32(row[1], row[3]);
    c = vzip2q_u32(row[0], row[2]);
    d = vzip2q_u32(row[1], row[3]);
    code[0] = vreinterpretq_u8_u32(vzip1q_u32(a, b));
    code[1] = vreinterpretq_u8_u32(vzip2q_u32(a, b));
    code[2] = vreinterpretq_u8_u32(vzip1q_u32(c, d));
    code[3] = vreinterpretq_u8_u32(vzip2q_u32(c, d));
}

/* One part, w bits wide from bit `from` of the codes, to its w planes. */
HRQ__IN_NEON void hrq__pack_part_neon(uint8_t *planes, const uint8x16_t code[8], int w, int from)
{
    int plane, part;
    HRQ__UNROLL
    for (plane = 0; plane < w; plane++) {
        uint8x16_t word = hrq__down_neon(code[plane], from);
        HRQ__UNROLL
        for (part = 1; part * w < 8; part++) /* each takes the bits from its own up */
            word = vbslq_u8(vdupq_n_u8((uint8_t)(255 << part * w)),
                            hrq__down_neon(code[plane + w * part], from - w * part), word);
        vst1q_u8(planes + 64 * plane, word);
    }
}

/* Four rows at a time, so 16 lanes of a superblock: 8 loads, 16 shuffles, then two operations for each coordinate. */
HRQ__IN_NEON void hrq__pack_bits_neon(uint8_t *planes, size_t lane_bytes, const uint8_t *codes, size_t ld,
                                      size_t supers, unsigned shift, int bits)
{
    int8x16_t down = vdupq_n_s8((int8_t)(0 - (int)shift));
    int j;
    for (; supers > 0; supers--, planes += 4 * lane_bytes, codes += 32) {
        uint8_t *to = planes;
        const uint8_t *p = codes;
        for (; to < planes + 64; to += 16, p += 4 * ld) {
            uint8x16_t code[8];
            hrq__words_neon(code, p, ld);
            hrq__words_neon(code + 4, p + 16, ld);
            HRQ__UNROLL
            for (j = 0; j < 8; j++) code[j] = vshlq_u8(code[j], down);
            if (bits & 1) hrq__pack_part_neon(to, code, 1, 0);
            if (bits & 2) hrq__pack_part_neon(to + 64 * (bits & 1), code, 2, bits & 1);
            if (bits & 4) hrq__pack_part_neon(to + 64 * (bits & 3), code, 4, bits & 3);
            if (bits & 8) hrq__pack_part_neon(to, code, 8, 0);
        }
    }
}

HRQ__FN_NEON size_t hrq__pack_neon(uint8_t *planes, size_t lane_bytes, const uint8_t *codes, size_t ld, size_t cols8,
                                   unsigned shift, unsigned bits)
{
    size_t n = cols8 / 32;
    switch (bits) {
    case 1: hrq__pack_bits_neon(planes, lane_bytes, codes, ld, n, shift, 1); break;
    case 2: hrq__pack_bits_neon(planes, lane_bytes, codes, ld, n, shift, 2); break;
    case 3: hrq__pack_bits_neon(planes, lane_bytes, codes, ld, n, shift, 3); break;
    case 4: hrq__pack_bits_neon(planes, lane_bytes, codes, ld, n, shift, 4); break;
    case 5: hrq__pack_bits_neon(planes, lane_bytes, codes, ld, n, shift, 5); break;
    case 6: hrq__pack_bits_neon(planes, lane_bytes, codes, ld, n, shift, 6); break;
    case 7: hrq__pack_bits_neon(planes, lane_bytes, codes, ld, n, shift, 7); break;
    case 8: hrq__pack_bits_neon(planes, lane_bytes, codes, ld, n, shift, 8); break;
    default: return 0;
    }
    return 32 * n;
}

/* Conversion by the machine's fp16, and back to see whether it came out too small. */
HRQ__FN_NEON void hrq__group_scales_neon(uint16_t *h, const float *scale, size_t n, float top, int nearest)
{
    uint16x4_t magnitude = vdup_n_u16(0x7fff), code, mag;
    float32x4_t by = vdupq_n_f32(top);
    size_t i;
    for (i = 0; i + 4 <= n; i += 4) {
        float32x4_t v = top == 0.0f ? vdupq_n_f32(0.0f) : hrq__over_neon(vld1q_f32(scale + i), by);
        code = vreinterpret_u16_f16(vcvt_f16_f32(v));
        if (!nearest) { /* true is -1 */
            float32x4_t back = vabsq_f32(vcvt_f32_f16(vreinterpret_f16_u16(code)));
            code = vsub_u16(code, vmovn_u32(vcltq_f32(back, vabsq_f32(v))));
        }
        mag = vmin_u16(vand_u16(code, magnitude), vdup_n_u16(0x7bff));
        vst1_u16(h + i, vbsl_u16(magnitude, mag, code));
    }
    hrq__group_scales_scalar(h + i, scale + i, n - i, top, nearest);
}

/* pre and inv of hrq__norm_of. */
HRQ__IN_NEON float32x4x2_t hrq__norm_neon(float32x4_t scale)
{
    float32x4_t one = vdupq_n_f32(1.0f), big = vdupq_n_f32(18446744073709551616.0f), zero = vdupq_n_f32(0.0f);
    float32x4_t small = vdupq_n_f32(5.421010862427522e-20f), a = vabsq_f32(scale); /* 2^-64 */
    float32x4x2_t out;
    out.val[0] = vbslq_f32(vandq_u32(vcgtq_f32(a, zero), vcltq_f32(a, small)), big, one);
    out.val[0] = vbslq_f32(vcgeq_f32(a, big), small, out.val[0]);
    scale = vmulq_f32(scale, out.val[0]);
    out.val[1] = vbslq_f32(vceqq_f32(scale, zero), zero, hrq__over_neon(one, scale));
    return out;
}

HRQ__FN_NEON void hrq__norms_neon(hrq__norm *norm, const float *row, const float *group)
{
    size_t i;
    for (i = 0; i < HRQ_PANEL; i += 4)
        vst2q_f32((float *)norm + 2 * i, hrq__norm_neon(vmulq_f32(vld1q_f32(row + i), vld1q_f32(group + i))));
}

HRQ__FN_NEON void hrq__wants_neon(float *want, const float *lo, const float *hi, size_t n, int how, float steps,
                                  hrq__norm norm)
{
    float32x4_t by = vdupq_n_f32(steps), pre = vdupq_n_f32(norm.pre), inv = vdupq_n_f32(norm.inv);
    size_t i;
    for (i = 0; i + 4 <= n; i += 4) {
        float32x4_t a = vld1q_f32(lo + i), b = vld1q_f32(hi + i), minus = vnegq_f32(a), v;
        if (how == HRQ__WANT_SPAN) {
            v = vsubq_f32(hrq__over_neon(b, by), hrq__over_neon(a, by));
        } else if (how == HRQ__WANT_SIGNED) {
            v = hrq__over_neon(vbslq_f32(vcgeq_f32(minus, b), a, b), by);
        } else {
            v = vbslq_f32(vcgtq_f32(minus, b), minus, b);
            v = hrq__over_neon(vmulq_f32(vmulq_f32(v, pre), inv), by);
        }
        vst1q_f32(want + i, v);
    }
    hrq__wants_scalar(want + i, lo + i, hi + i, n - i, how, steps, norm);
}

HRQ__FN_NEON void hrq__zeros_neon(uint8_t *zero, const float *lo, const uint16_t *h, size_t n, float row,
                                  hrq__int_range range, int32_t offset)
{
    int32x4_t least = vdupq_n_s32(range.lo), most = vdupq_n_s32(range.hi), code;
    float32x4_t bound = vdupq_n_f32(65536.0f);
    size_t i, k;
    for (i = 0; i + 4 <= n; i += 4) {
        float32x4_t v = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(h + i)));
        float32x4x2_t norm = hrq__norm_neon(vmulq_n_f32(v, row));
        int32_t out[4];
        v = vmulq_f32(vmulq_f32(vld1q_f32(lo + i), norm.val[0]), norm.val[1]);
        v = vmaxq_f32(vminq_f32(v, bound), vnegq_f32(bound));
        code = vmaxq_s32(vminq_s32(vsubq_s32(least, hrq__nearest_neon(v)), most), least);
        vst1q_s32(out, vaddq_s32(code, vdupq_n_s32(offset)));
        HRQ__UNROLL
        for (k = 0; k < 4; k++) zero[i + k] = (uint8_t)out[k];
    }
    hrq__zeros_scalar(zero + i, lo + i, h + i, n - i, row, range, offset);
}

/* ---- activations, Hadamard ---- */

/* Sums of two and of four bytes by widening pairwise additions, of eight by one more; then the prefix of four sums in
   two steps. */
HRQ__FN_NEON void hrq__act_s8_neon(int8_t *out, int32_t *sums, const float *x, size_t n, hrq__norm norm)
{
    hrq__coder_neon c = hrq__coder_none_neon();
    float32x4_t pre = vdupq_n_f32(norm.pre), inv = vdupq_n_f32(norm.inv);
    int32x4_t zero = vdupq_n_s32(0), before = zero;
    size_t i;
    int h, k;
    c.lo = vdupq_n_s8(-127);
    c.hi = vdupq_n_s8(127);
    for (i = 0; i < n; i += 32, sums += 4) {
        int32x4_t four[2], eight;
        HRQ__UNROLL
        for (h = 0; h < 2; h++) {
            int32x4_t v[4];
            int8x16_t code;
            HRQ__UNROLL
            for (k = 0; k < 4; k++)
                v[k] = hrq__code4_neon(vld1q_f32(x + i + 16 * h + 4 * k), pre, inv, zero, &c, HRQ__CODES_INT);
            code = vreinterpretq_s8_u8(hrq__code16_neon(v, &c, HRQ__CODES_INT));
            vst1q_s8(out + i + 16 * h, code);
            four[h] = vpaddlq_s16(vpaddlq_s8(code));
        }
        eight = vpaddq_s32(four[0], four[1]);
        eight = vaddq_s32(eight, vextq_s32(zero, eight, 3));
        eight = vaddq_s32(vaddq_s32(eight, vextq_s32(zero, eight, 2)), before);
        vst1q_s32(sums, vextq_s32(before, eight, 3)); /* one behind */
        before = vdupq_n_s32(vgetq_lane_s32(eight, 3));
    }
    sums[0] = vgetq_lane_s32(before, 0);
}

/* Butterflies across `radix` registers: strides 1, 2, 4, ... of registers. */
HRQ__IN_NEON void hrq__butterflies_neon(float32x4_t *v, int radix)
{
    int stride, i;
    HRQ__UNROLL
    for (stride = 1; stride < radix; stride *= 2) {
        HRQ__UNROLL
        for (i = 0; i < radix; i++) {
            float32x4_t a = v[i];
            if (i & stride) continue;
            v[i] = vaddq_f32(a, v[i + stride]);
            v[i + stride] = vsubq_f32(a, v[i + stride]);
        }
    }
}

/* Within a register: (a, b) to (a + b, a - b) is the swapped pair plus (a, -b), a multiplication by +-1 that a fused
   one does without rounding: one shuffle, one operation a stage. */
HRQ__IN_NEON float32x4_t hrq__butterfly4_neon(float32x4_t v)
{
    static const float signs[8] = {1.0f, -1.0f, 1.0f, -1.0f, 1.0f, 1.0f, -1.0f, -1.0f};
    v = vfmaq_f32(vrev64q_f32(v), v, vld1q_f32(signs));
    return vfmaq_f32(vextq_f32(v, v, 2), v, vld1q_f32(signs + 4));
}

/* 4 count neighbours: signs, then all strides below 4 count. */
HRQ__IN_NEON void hrq__hadamard_first_neon(float *x, size_t n, float scale, int flip, uint64_t seed, size_t at,
                                           int count)
{
    size_t i;
    int k;
    for (i = 0; i < n; i += 4 * (size_t)count, at += 4 * (size_t)count) {
        float32x4_t v[16];
        uint64_t bits = 0;
        HRQ__UNROLL
        for (k = 0; k < count; k++) {
            size_t here = at + 4 * (size_t)k;
            v[k] = vld1q_f32(x + i + 4 * k);
            if (!flip) continue;
            if (k == 0 || here % 64 == 0) bits = hrq__random(seed, here / 64);
            v[k] = hrq__signs4_neon(v[k], bits, here);
        }
        HRQ__UNROLL
        for (k = 0; k < count; k++) v[k] = hrq__butterfly4_neon(v[k]);
        hrq__butterflies_neon(v, count);
        HRQ__UNROLL
        for (k = 0; k < count; k++) vst1q_f32(x + i + 4 * k, vmulq_n_f32(v[k], scale));
    }
}

/* Strides `stride` ... radix / 2 * stride, a multiple of 4. */
HRQ__IN_NEON void hrq__hadamard_pass_neon(float *x, size_t n, size_t stride, float scale, int radix)
{
    size_t from, i;
    int k;
    for (from = 0; from < n; from += (size_t)radix * stride)
        for (i = from; i < from + stride; i += 4) {
            float32x4_t v[16];
            HRQ__UNROLL
            for (k = 0; k < radix; k++) v[k] = vld1q_f32(x + i + (size_t)k * stride);
            hrq__butterflies_neon(v, radix);
            HRQ__UNROLL
            for (k = 0; k < radix; k++) vst1q_f32(x + i + (size_t)k * stride, vmulq_n_f32(v[k], scale));
        }
}

/* Passes of four strides in 16 registers; the last one scales, the others multiply by 1. */
HRQ__FN_NEON void hrq__hadamard_neon(float *x, size_t n, float scale, int flip, uint64_t seed, size_t at)
{
    size_t stride = n < 64 ? n : 64;
    switch (stride) {
    case 16: hrq__hadamard_first_neon(x, n, scale, flip, seed, at, 4); return;
    case 32: hrq__hadamard_first_neon(x, n, scale, flip, seed, at, 8); return;
    case 64: hrq__hadamard_first_neon(x, n, n == 64 ? scale : 1.0f, flip, seed, at, 16); break;
    default: hrq__hadamard_scalar(x, n, scale, flip, seed, at); return;
    }
    for (; n / stride >= 16; stride *= 16)
        hrq__hadamard_pass_neon(x, n, stride, n / stride == 16 ? scale : 1.0f, 16);
    if (n / stride == 8) hrq__hadamard_pass_neon(x, n, stride, scale, 8);
    if (n / stride == 4) hrq__hadamard_pass_neon(x, n, stride, scale, 4);
    if (n / stride == 2) hrq__hadamard_pass_neon(x, n, stride, scale, 2);
}

/* 4 columns with all sums and differences in registers; +-1 times a sum is exact, so a fused operation adds it. The
   diagonal is skipped, not multiplied by zero: that would turn -0 into 0. */
HRQ__IN_NEON void hrq__paley_neon_four(float *x, size_t stride, const float *c, float scale, int order)
{
    float32x4_t sum[14], difference[14];
    int i, j;
    HRQ__UNROLL
    for (i = 0; i < order; i++) {
        float32x4_t a = vld1q_f32(x + (size_t)(2 * i) * stride), b = vld1q_f32(x + (size_t)(2 * i + 1) * stride);
        sum[i] = vaddq_f32(a, b);
        difference[i] = vsubq_f32(a, b);
    }
    HRQ__UNROLL
    for (i = 0; i < order; i++) {
        float32x4_t even = difference[i], odd = vnegq_f32(sum[i]);
        HRQ__UNROLL
        for (j = 0; j < order; j++) {
            if (j == i) continue;
            even = vfmaq_n_f32(even, sum[j], c[i * order + j]);
            odd = vfmaq_n_f32(odd, difference[j], c[i * order + j]);
        }
        vst1q_f32(x + (size_t)(2 * i) * stride, vmulq_n_f32(even, scale));
        vst1q_f32(x + (size_t)(2 * i + 1) * stride, vmulq_n_f32(odd, scale));
    }
}

/* The last columns through a buffer. */
HRQ__IN_NEON void hrq__paley_neon_of(float *x, size_t stride, const float *c, float scale, int order)
{
    float some[28 * 4] = {0.0f};
    size_t at, left;
    int i;
    for (at = 0; at < stride; at += 4) {
        left = stride - at;
        for (i = 0; left < 4 && i < 2 * order; i++)
            memcpy(some + 4 * i, x + (size_t)i * stride + at, left * sizeof *x);
        hrq__paley_neon_four(left < 4 ? some : x + at, left < 4 ? 4 : stride, c, scale, order);
        for (i = 0; left < 4 && i < 2 * order; i++)
            memcpy(x + (size_t)i * stride + at, some + 4 * i, left * sizeof *x);
    }
}

HRQ__FN_NEON void hrq__paley_neon(float *x, size_t order, size_t stride, const float *conference, float scale)
{
    if (order == 6) hrq__paley_neon_of(x, stride, conference, scale, 6);
    if (order == 10) hrq__paley_neon_of(x, stride, conference, scale, 10);
    if (order == 14) hrq__paley_neon_of(x, stride, conference, scale, 14);
}

/* ---- codes of E8: lanes are blocks, 8 of two superblocks, one register a coordinate, as the columns lie ---- */

/* hrq__e8_residual with half = 2^(bits - 1): |t| + half stays below 2^15, eight |r| at 2^14. */
HRQ__IN_NEON void hrq__e8_residual_neon(int16x8_t r[8], const int16x8_t t[8], int bits)
{
    int16x8_t half = vdupq_n_s16((int16_t)(1 << (bits - 1))), unit = vdupq_n_s16((int16_t)(1 << bits));
    int16x8_t low = vdupq_n_s16((int16_t)((1 << bits) - 1)), zero = vdupq_n_s16(0);
    int16x8_t sum = zero, floors = zero, signs = zero, most = zero, least = half, cost0, cost1, far, flip, odd0, odd1;
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int16x8_t w = vaddq_s16(t[j], half), a;
        floors = veorq_s16(floors, w);
        r[j] = vsubq_s16(vandq_s16(w, low), half);
        signs = veorq_s16(signs, r[j]);
        a = vabsq_s16(r[j]);
        sum = vaddq_s16(sum, a);
        most = vmaxq_s16(most, a);
        least = vminq_s16(least, a);
    }
    odd0 = vreinterpretq_s16_u16(vtstq_s16(floors, unit));
    odd1 = vmvnq_s16(veorq_s16(odd0, vshrq_n_s16(signs, 15)));
    cost0 = vandq_s16(odd0, vshlq_n_s16(vsubq_s16(half, most), 1));
    cost1 = vsubq_s16(vshlq_n_s16(half, 2), sum);
    cost1 = vaddq_s16(cost1, vandq_s16(odd1, vshlq_n_s16(least, 1)));
    far = vreinterpretq_s16_u16(vcltq_s16(cost1, cost0));
    flip = vbslq_s16(vreinterpretq_u16_s16(far), odd1, odd0);
    most = vbslq_s16(vreinterpretq_u16_s16(far), vsubq_s16(half, least), most); /* the worst |r| of the coset */
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int16x8_t up = vandq_s16(vshrq_n_s16(r[j], 15), unit), at;
        r[j] = vaddq_s16(r[j], vandq_s16(far, vsubq_s16(up, half)));
        at = vandq_s16(flip, vreinterpretq_s16_u16(vceqq_s16(vabsq_s16(r[j]), most)));
        up = vshlq_n_s16(vandq_s16(vshrq_n_s16(r[j], 15), unit), 1);
        r[j] = vaddq_s16(r[j], vandq_s16(at, vsubq_s16(up, unit)));
        flip = vbicq_s16(flip, at);
    }
}

/* hrq__e8_gauge; |x| < 2^15. outside: an entry stops at the end of 16 bits. */
HRQ__IN_NEON uint16x8_t hrq__e8_gauge_neon(const int16x8_t x[8], uint16x8_t *outside)
{
    uint16x8_t most = vdupq_n_u16(0), next = most, sum = most, least = vdupq_n_u16(32767), even;
    int16x8_t signs = vdupq_n_s16(0);
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        uint16x8_t a = vreinterpretq_u16_s16(vabsq_s16(x[j]));
        next = vmaxq_u16(next, vminq_u16(most, a));
        most = vmaxq_u16(most, a);
        least = vminq_u16(least, a);
        sum = vqaddq_u16(sum, vshrq_n_u16(a, 1));
        signs = veorq_s16(signs, x[j]);
    }
    even = vmvnq_u16(vreinterpretq_u16_s16(vshrq_n_s16(signs, 15)));
    sum = vqsubq_u16(sum, vandq_u16(even, least)); /* below 0: two entries are more */
    *outside = vceqq_u16(most, vdupq_n_u16(32767));
    return vmaxq_u16(sum, vaddq_u16(most, next));
}

/* p[index] of 16 words: of bytes 2 index and 2 index + 1. */
HRQ__IN_NEON int16x8_t hrq__word_of_neon(const void *p, int16x8_t index)
{
    uint8x16x2_t table;
    int16x8_t at = vmlaq_s16(vdupq_n_s16(0x0100), index, vdupq_n_s16(0x0202));
    table.val[0] = vld1q_u8((const uint8_t *)p);
    table.val[1] = vld1q_u8((const uint8_t *)p + 16);
    return vreinterpretq_s16_u8(vqtbl2q_u8(table, vreinterpretq_u8_s16(at)));
}

/* What 8 blocks become. */
typedef struct hrq__e8_neon {
    int16x8_t digit[8], y[8], index;
    uint16x8_t error;
} hrq__e8_neon;

/* hrq__e8_attempt at scales `index` of blocks that are drawn already; lanes whose code gives the point back. */
HRQ__IN_NEON uint16x8_t hrq__e8_try_neon(hrq__e8_neon *out, const int16x8_t x[8], int16x8_t index,
                                         const hrq__e8_args *c)
{
    int bits = (int)c->bits, j;
    int16x8_t ratio = hrq__word_of_neon(c->ratio, index), shift = hrq__word_of_neon(c->shift, index);
    int16x8_t fine = vdupq_n_s16((int16_t)(bits < 7 ? bits - 7 : 0)), down = vdupq_n_s16((int16_t)(bits - 13));
    int16x8_t low = vdupq_n_s16((int16_t)((1 << bits) - 1)), half = vdupq_n_s16((int16_t)(1 << (bits - 1)));
    int16x8_t t[8], r[8], back[8], zero = vdupq_n_s16(0), bad = zero, odd = zero, sums = zero, error = zero;
    int16x8_t move, high;
    uint16x8_t weight = vreinterpretq_u16_s16(hrq__word_of_neon(c->weight, index)), e;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) t[j] = vshlq_s16(vqrdmulhq_s16(x[j], ratio), shift);
    hrq__e8_residual_neon(r, t, 14 - bits);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int16x8_t v = vshlq_s16(r[j], fine);
        out->y[j] = vshlq_s16(vsubq_s16(t[j], r[j]), down);
        error = vmlaq_s16(error, v, v);
    }
    move = vreinterpretq_s16_u16(vtstq_s16(vshrq_n_s16(out->y[0], 1), half)); /* n less q/2 (1, ..., 1) */
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int16x8_t n = vsubq_s16(vshrq_n_s16(out->y[j], 1), vandq_s16(move, half));
        sums = veorq_s16(sums, n);
        out->digit[j] = vandq_s16(n, low);
        t[j] = vshlq_n_s16(out->digit[j], 1);
    }
    odd = vandq_s16(sums, vdupq_n_s16(1));
    high = veorq_s16(vreinterpretq_s16_u16(vtstq_s16(sums, vshlq_n_s16(half, 1))), move);
    out->digit[0] = vaddq_s16(out->digit[0], vandq_s16(high, half));
    t[7] = vaddq_s16(t[7], vandq_s16(high, vshlq_n_s16(half, 2)));
    HRQ__UNROLL
    for (j = 0; j < 8; j++) t[j] = vaddq_s16(t[j], odd);
    hrq__e8_residual_neon(back, t, bits + 1);
    HRQ__UNROLL
    for (j = 0; j < 8; j++) bad = vorrq_s16(bad, veorq_s16(back[j], out->y[j]));
    e = vreinterpretq_u16_s16(error);
    out->error = vuzp2q_u16(vreinterpretq_u16_u32(vmull_u16(vget_low_u16(e), vget_low_u16(weight))),
                            vreinterpretq_u16_u32(vmull_u16(vget_high_u16(e), vget_high_u16(weight))));
    out->index = index;
    return vceqq_s16(bad, zero);
}

/* How far lanes are drawn in 2^-15: (4 q + scales - attempt) / gauge, below 32767 as it becomes an integer. */
HRQ__IN_NEON int16x4_t hrq__e8_shrink_neon(int16x4_t attempt, uint16x4_t gauge, const hrq__e8_args *c)
{
    int32x4_t left = vsubq_s32(vdupq_n_s32((4 << c->bits) + (int)c->scales), vmovl_s16(attempt));
    float32x4_t unit = vdupq_n_f32((float)(1 << (28 - c->bits)));
    float32x4_t by = vcvtq_f32_u32(vmaxq_u32(vmovl_u16(gauge), vdupq_n_u32(16384)));
    float32x4_t v = hrq__over_neon(vmulq_f32(vcvtq_f32_s32(left), unit), by);
    v = vmaxq_f32(vminq_f32(v, vdupq_n_f32(32767.0f)), vdupq_n_f32(0.0f));
    return vmovn_s32(vcvtq_s32_f32(v));
}

/* hrq__e8_encode: all lanes try on until the last one holds. A twentieth of the blocks fails at first, a third of the
   registers: half the work again, and no queue of those that wait. */
HRQ__FN_NEON void hrq__e8_encode_neon(hrq__e8_neon *out, const int16x8_t x[8], uint16x8_t gauge, uint16x8_t held,
                                      const hrq__e8_args *c)
{
    int16x8_t top = vdupq_n_s16((int16_t)(c->scales - 1)), one = vdupq_n_s16(1), at = vdupq_n_s16(0), to;
    size_t t;
    int j;
    for (t = 0; t < c->scales; t++) /* true is -1 */
        at = vsubq_s16(at, vreinterpretq_s16_u16(vcgtq_u16(gauge, vdupq_n_u16(c->limit[t]))));
    to = c->first ? at : vminq_s16(vaddq_s16(at, one), top);
    if (!c->first) at = vmaxq_s16(vsubq_s16(at, one), vdupq_n_s16(0));
    for (;; at = vaddq_s16(at, one)) {
        uint16x8_t take = vornq_u16(vcleq_s16(at, to), held), draw = vcgtq_s16(at, top);
        hrq__e8_neon b;
        int16x8_t drawn[8];
        if (vmaxvq_u16(take) == 0) break;
        HRQ__UNROLL
        for (j = 0; j < 8; j++) drawn[j] = x[j];
        if (vmaxvq_u16(draw)) {
            int16x8_t shrink = vcombine_s16(hrq__e8_shrink_neon(vget_low_s16(at), vget_low_u16(gauge), c),
                                            hrq__e8_shrink_neon(vget_high_s16(at), vget_high_u16(gauge), c));
            HRQ__UNROLL
            for (j = 0; j < 8; j++) drawn[j] = vbslq_s16(draw, vqrdmulhq_s16(x[j], shrink), x[j]);
        }
        take = vandq_u16(take, hrq__e8_try_neon(&b, drawn, vminq_s16(at, top), c));
        take = vandq_u16(take, vornq_u16(vcltq_u16(b.error, out->error), held));
        held = vorrq_u16(held, take);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            out->y[j] = vbslq_s16(take, b.y[j], out->y[j]);
            out->digit[j] = vbslq_s16(take, b.digit[j], out->digit[j]);
        }
        out->error = vbslq_u16(take, b.error, out->error);
        out->index = vbslq_s16(take, b.index, out->index);
    }
}

/* 8 blocks to 64 columns. |y| <= 2 q = 512 times a multiple of 32 at most: below 2^15. */
HRQ__IN_NEON void hrq__e8_store_neon(uint8_t *code, uint8_t *index, float *value, const hrq__e8_neon *b,
                                     const hrq__e8_args *c)
{
    int16x8_t multiple = hrq__word_of_neon(c->multiple, b->index);
    int16x8_t most = vdupq_n_s16(c->clamp), least = vdupq_n_s16((int16_t)-c->clamp);
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        int16x8_t v = vmaxq_s16(vminq_s16(vmulq_s16(b->y[j], multiple), most), least);
        uint8_t byte[8];
        vst1q_f32(value + 4 * j, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(v))), c->step));
        vst1q_f32(value + 32 + 4 * j, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(v))), c->step));
        vst1_u8(byte, vmovn_u16(vreinterpretq_u16_s16(b->digit[j])));
        memcpy(code + 4 * j, byte, 4);
        memcpy(code + 32 + 4 * j, byte + 4, 4);
    }
    vst1_u8(index, vmovn_u16(vreinterpretq_u16_s16(b->index)));
}

/* Four columns in fixed point. */
HRQ__IN_NEON int16x4_t hrq__fixed_neon(const float *in, hrq__norm norm, float to_fixed, float limit)
{
    float32x4_t v = vmulq_n_f32(vmulq_n_f32(vld1q_f32(in), norm.pre), norm.inv);
    v = vmaxq_f32(vmulq_n_f32(v, to_fixed), vdupq_n_f32(-limit));
    return vmovn_s32(hrq__nearest_neon(vminq_f32(v, vdupq_n_f32(limit))));
}

/* Everything in 16 bits: the gauge chooses scales, two nearest points (one of the block, one of its code) decide. */
HRQ__FN_NEON size_t hrq__code_e8_neon(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                      const hrq__e8_args *c)
{
    size_t col, lane, n = cols8 / 64 * 64;
    for (col = 0; col < n; col += 64) {
        int16x8_t fixed[8];
        uint16x8_t gauge, outside;
        uint16_t beyond[8];
        hrq__e8_neon b;
        int j;
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            const float *in = x + col + 4 * j;
            fixed[j] = vcombine_s16(hrq__fixed_neon(in, c->norm, c->to_fixed, 32767.0f),
                                    hrq__fixed_neon(in + 32, c->norm, c->to_fixed, 32767.0f));
            b.y[j] = b.digit[j] = vdupq_n_s16(0);
        }
        b.index = vdupq_n_s16(0);
        b.error = vdupq_n_u16(0);
        gauge = hrq__e8_gauge_neon(fixed, &outside);
        hrq__e8_encode_neon(&b, fixed, gauge, outside, c);
        hrq__e8_store_neon(code + col, index + col / 8, value + col, &b, c);
        if (vmaxvq_u16(outside) == 0) continue;
        vst1q_u16(beyond, outside);
        for (lane = 0; lane < 8; lane++) {
            size_t at = col + lane / 4 * 32 + lane % 4;
            if (beyond[lane]) hrq__e8_code_block(code + at, index + col / 8 + lane, value + at, x + at, 4, c);
        }
    }
    return n;
}

/* ---- box codes: 8 blocks, two coordinates of them a register of bytes, four registers ---- */

/* hrq__box_map by bytes, as TBL looks them up: of words the lower ones, then the upper ones. */
typedef struct hrq__box_map_neon {
    uint8_t label[64], rest[64]; /* of bin: 64 label + rest  */
    uint8_t level[16], middle[2][16], gap[2][32]; /* gap: times 8 */
} hrq__box_map_neon;

static void hrq__box_map_neon_of(hrq__box_map_neon *out, const hrq__box_map *map)
{
    int i;
    for (i = 0; i < 64; i++) {
        out->label[i] = (uint8_t)(map->bin[i] >> 6);
        out->rest[i] = (uint8_t)(map->bin[i] & 63);
    }
    for (i = 0; i < 32; i++) {
        unsigned middle = (uint16_t)map->middle[i], gap = (unsigned)map->gap[i] << 3;
        out->gap[0][i] = (uint8_t)gap;
        out->gap[1][i] = (uint8_t)(gap >> 8);
        if (i >= 16) continue;
        out->level[i] = (uint8_t)(map->own[i] / HRQ__BOX_FIXED);
        out->middle[0][i] = (uint8_t)middle;
        out->middle[1][i] = (uint8_t)(middle >> 8);
    }
}

/* What is best so far. choice: label, + 16 where its second best is the label above; least: the coordinate that pays
   for the parity, or 255; at: 2 class + coset. */
typedef struct hrq__box_best_neon {
    uint8x16_t choice[4];
    int32x4_t total[2];
    uint8x8_t least, at;
} hrq__box_best_neon;

HRQ__IN_NEON void hrq__words_of_neon(int16x8_t out[2], uint8x16_t low, uint8x16_t high)
{
    out[0] = vreinterpretq_s16_u8(vzip1q_u8(low, high));
    out[1] = vreinterpretq_s16_u8(vzip2q_u8(low, high));
}

HRQ__IN_NEON uint8x8_t hrq__bytes_of_neon(uint32x4_t low, uint32x4_t high)
{
    return vmovn_u16(vcombine_u16(vmovn_u32(low), vmovn_u32(high)));
}

/* One class and coset. t within +-6000, d within 2^13, 2 d + gap within 2^14.1, 8 gap within 2^15: their product is
   below 2^30, and so are eight squares of d. The product's last three bits are free for the coordinate, so that the
   first of equal ones pays. llvm-mca 19, cycles an entry: neoverse-v1 1.0, neoverse-n1 2.0. */
HRQ__IN_NEON void hrq__box_try_neon(hrq__box_best_neon *best, const int16x8_t t[8], const uint8x16_t bin[4],
                                    const uint8x16_t rest[4], const hrq__box_map_neon *map, int at)
{
    hrq__table_neon labels, rests, gaps[2];
    uint8x16_t parity = vdupq_n_u8(0), choice[4], take;
    uint8x8_t who;
    int32x4_t total[2], least[2];
    uint32x4_t less[2];
    int16x8_t odd;
    int p, h;
    hrq__table_load_neon(&labels, map->label, 64);
    hrq__table_load_neon(&rests, map->rest, 64);
    hrq__table_load_neon(&gaps[0], map->gap[0], 32);
    hrq__table_load_neon(&gaps[1], map->gap[1], 32);
    total[0] = total[1] = vdupq_n_s32(0);
    least[0] = least[1] = vdupq_n_s32(INT32_MAX);
    HRQ__UNROLL
    for (p = 0; p < 4; p++) {
        uint8x16_t n = hrq__look_up_neon(&labels, bin[p], 64), level;
        uint16x8_t above[2];
        int16x8_t d[2], middle[2], gap[2], sum;
        n = vsraq_n_u8(n, vaddq_u8(hrq__look_up_neon(&rests, bin[p], 64), rest[p]), 6);
        level = vqtbl1q_u8(vld1q_u8(map->level), n);
        d[0] = vsubq_s16(t[2 * p], vshll_n_s8(vget_low_s8(vreinterpretq_s8_u8(level)), 4));
        d[1] = vsubq_s16(t[2 * p + 1], vshll_n_s8(vget_high_s8(vreinterpretq_s8_u8(level)), 4));
        hrq__words_of_neon(middle, vqtbl1q_u8(vld1q_u8(map->middle[0]), n), vqtbl1q_u8(vld1q_u8(map->middle[1]), n));
        above[0] = vcgtq_s16(t[2 * p], middle[0]);
        above[1] = vcgtq_s16(t[2 * p + 1], middle[1]);
        choice[p] = vbslq_u8(vdupq_n_u8(16), vcombine_u8(vmovn_u16(above[0]), vmovn_u16(above[1])), n);
        hrq__words_of_neon(gap, hrq__look_up_neon(&gaps[0], choice[p], 32), hrq__look_up_neon(&gaps[1], choice[p], 32));
        HRQ__UNROLL
        for (h = 0; h < 2; h++) {
            int32x4_t me = vdupq_n_s32(2 * p + h);
            sum = vsraq_n_s16(vaddq_s16(d[h], d[h]), gap[h], 3);
            total[0] = vmlal_s16(total[0], vget_low_s16(d[h]), vget_low_s16(d[h]));
            total[1] = vmlal_high_s16(total[1], d[h], d[h]);
            least[0] = vminq_s32(least[0], vorrq_s32(vmull_s16(vget_low_s16(gap[h]), vget_low_s16(sum)), me));
            least[1] = vminq_s32(least[1], vorrq_s32(vmull_high_s16(gap[h], sum), me));
        }
        parity = veorq_u8(parity, n);
    }
    who = veor_u8(veor_u8(vget_low_u8(parity), vget_high_u8(parity)), vdup_n_u8((uint8_t)(at & 1)));
    odd = vreinterpretq_s16_u16(vtstq_u16(vmovl_u8(who), vdupq_n_u16(1)));
    HRQ__UNROLL
    for (h = 0; h < 2; h++) {
        int32x4_t pay = vmovl_s16(h ? vget_high_s16(odd) : vget_low_s16(odd));
        total[h] = vaddq_s32(total[h], vandq_s32(vshrq_n_s32(least[h], 3), pay));
        least[h] = vornq_s32(vandq_s32(least[h], vdupq_n_s32(7)), pay);
        less[h] = vcltq_s32(total[h], best->total[h]);
        best->total[h] = vminq_s32(total[h], best->total[h]);
    }
    who = hrq__bytes_of_neon(less[0], less[1]);
    take = vcombine_u8(who, who);
    best->at = vbsl_u8(who, vdup_n_u8((uint8_t)at), best->at);
    best->least = vbsl_u8(who, hrq__bytes_of_neon(vreinterpretq_u32_s32(least[0]), vreinterpretq_u32_s32(least[1])),
                          best->least);
    HRQ__UNROLL
    for (p = 0; p < 4; p++) best->choice[p] = vbslq_u8(take, choice[p], best->choice[p]);
}

/* Registers of two coordinates of 8 blocks to the 64 bytes of two superblocks. */
HRQ__IN_NEON void hrq__box_turn_neon(uint8x16_t out[4], const uint8x16_t v[4])
{
    int i;
    HRQ__UNROLL
    for (i = 0; i < 4; i++) {
        uint32x4_t a = vreinterpretq_u32_u8(v[2 * (i % 2)]), b = vreinterpretq_u32_u8(v[2 * (i % 2) + 1]);
        out[i] = vreinterpretq_u8_u32(i < 2 ? vuzp1q_u32(a, b) : vuzp2q_u32(a, b));
    }
}

/* Labels and levels of the best: the entry that pays for the parity goes to its second best label. */
HRQ__IN_NEON void hrq__box_store_neon(uint8_t *code, uint8_t *index, float *value, const hrq__box_best_neon *b,
                                      const hrq__table_neon *levels, const hrq__box_args *c)
{
    uint8x16_t label[4], level[4], out[4], who = vcombine_u8(b->least, b->least);
    uint8x16_t row = vshlq_u8(vcombine_u8(b->at, b->at), vdupq_n_s8((int8_t)c->box->bits));
    int p, k;
    HRQ__UNROLL
    for (p = 0; p < 4; p++) {
        uint8x16_t n = b->choice[p], side = vsubq_u8(vshlq_n_u8(vshrq_n_u8(n, 4), 1), vdupq_n_u8(1));
        uint8x16_t me = vcombine_u8(vdup_n_u8((uint8_t)(2 * p)), vdup_n_u8((uint8_t)(2 * p + 1)));
        n = vandq_u8(n, vdupq_n_u8(15));
        label[p] = vaddq_u8(n, vandq_u8(side, vceqq_u8(me, who)));
        level[p] = hrq__look_up_neon(levels, vaddq_u8(row, label[p]), 256);
    }
    vst1_u8(index, vshr_n_u8(b->at, 1));
    hrq__box_turn_neon(out, label);
    HRQ__UNROLL
    for (p = 0; p < 4; p++) vst1q_u8(code + 16 * p, out[p]);
    hrq__box_turn_neon(out, level);
    HRQ__UNROLL
    for (p = 0; p < 4; p++) {
        int8x16_t v = vreinterpretq_s8_u8(out[p]);
        int16x8_t half[2];
        half[0] = vmovl_s8(vget_low_s8(v));
        half[1] = vmovl_s8(vget_high_s8(v));
        HRQ__UNROLL
        for (k = 0; k < 4; k++) {
            int32x4_t four = vmovl_s16(k % 2 ? vget_high_s16(half[k / 2]) : vget_low_s16(half[k / 2]));
            vst1q_f32(value + 16 * p + 4 * k, vmulq_n_f32(vcvtq_f32_s32(four), c->step));
        }
    }
}

HRQ__FN_NEON size_t hrq__code_box_neon(uint8_t *code, uint8_t *index, float *value, const float *x, size_t cols8,
                                       const hrq__box_args *c)
{
    int sets = 2 * (int)c->box->classes, p, k;
    size_t col, n = cols8 / 64 * 64;
    float to_fixed = (float)HRQ__BOX_FIXED / c->box->step;
    hrq__box_map_neon maps[16];
    hrq__table_neon levels;
    uint8_t all[256] = {0};
    if (n == 0) return 0;
    for (k = 0; k < sets; k++) hrq__box_map_neon_of(&maps[k], &c->map[k]);
    memcpy(all, c->box->level, (size_t)sets << c->box->bits);
    hrq__table_load_neon(&levels, all, 256);
    for (col = 0; col < n; col += 64) {
        int16x8_t t[8];
        uint8x16_t bin[4], rest[4];
        hrq__box_best_neon best;
        HRQ__UNROLL
        for (p = 0; p < 8; p++)
            t[p] = vcombine_s16(hrq__fixed_neon(x + col + 4 * p, c->norm, to_fixed, 6000.0f),
                                hrq__fixed_neon(x + col + 32 + 4 * p, c->norm, to_fixed, 6000.0f));
        HRQ__UNROLL
        for (p = 0; p < 4; p++) {
            uint16x8_t u[2];
            HRQ__UNROLL
            for (k = 0; k < 2; k++) {
                int16x8_t held = vmaxq_s16(vminq_s16(t[2 * p + k], vdupq_n_s16(2047)), vdupq_n_s16(-2048));
                u[k] = vreinterpretq_u16_s16(vaddq_s16(held, vdupq_n_s16(2048)));
            }
            bin[p] = vcombine_u8(vshrn_n_u16(u[0], 6), vshrn_n_u16(u[1], 6));
            rest[p] = vandq_u8(vcombine_u8(vmovn_u16(u[0]), vmovn_u16(u[1])), vdupq_n_u8(63));
            best.choice[p] = vdupq_n_u8(0);
        }
        best.total[0] = best.total[1] = vdupq_n_s32(INT32_MAX);
        best.least = best.at = vdup_n_u8(0);
        for (k = 0; k < sets; k++) hrq__box_try_neon(&best, t, bin, rest, &maps[k], k);
        hrq__box_store_neon(code + col, index + col / 8, value + col, &best, &levels, c);
    }
    return n;
}

/* ---- trellis search ---- */

/* One step: 8 parities a register, of int16. sqrdmulh(d, d) = (2 d^2 + 2^15) >> 16, below 2^15: |d| < 2^15. */
HRQ__IN_NEON void hrq__trellis_metric_neon_run(uint8_t *metric, const int16_t *x, size_t n, const int16_t *levels,
                                               int raws, int parts)
{
    int16x8_t best[8], v;
    int i, p;
    for (; n > 0; n--, x++, metric += 8 * parts) {
        HRQ__UNROLL
        for (i = 0; i < raws * parts; i++) {
            int16x8_t d = vsubq_s16(vdupq_n_s16(*x), vld1q_s16(levels + 8 * i));
            d = vqrdmulhq_s16(d, d);
            best[i % parts] = i < parts ? d : vminq_s16(best[i % parts], d);
        }
        v = best[0];
        HRQ__UNROLL
        for (p = 1; p < parts; p++) v = vminq_s16(v, best[p]);
        v = vdupq_n_s16(vminvq_s16(v));
        HRQ__UNROLL
        for (p = 0; p < parts; p++) vst1_u8(metric + 8 * p, vqmovun_s16(vsubq_s16(best[p], v)));
    }
}

HRQ__FN_NEON void hrq__trellis_metric_neon(uint8_t *metric, const int16_t *x, size_t n, const hrq__trellis_args *args)
{
    if (args->raw_bits == 1 && args->parities == 5)
        hrq__trellis_metric_neon_run(metric, x, n, args->levels, 2, 4);
    else if (args->raw_bits == 2 && args->parities == 6)
        hrq__trellis_metric_neon_run(metric, x, n, args->levels, 4, 8);
    else if (args->raw_bits == 3 && args->parities == 5)
        hrq__trellis_metric_neon_run(metric, x, n, args->levels, 8, 4);
    else hrq__trellis_metric_scalar(metric, x, n, args);
}

/* Four registers of 16 states, in order: zip doubles 32 and 32 predecessors, tbl finds metrics in two or four registers
   by parities. Bits of choices: weights 1 ... 128, three pairwise additions bring 64 of them into 8 bytes. */
HRQ__IN_NEON void hrq__trellis_advance_neon_run(uint8_t *path, uint8_t *chosen, const uint8_t *metric, size_t n,
                                                int oldest, const hrq__trellis_args *args, int parities)
{
    size_t count = (size_t)1 << args->states, i;
    uint8_t *now = path, *next = path + count, *was;
    uint8x16_t weight = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u)), least = vdupq_n_u8(0), low;
    uint8x16_t take[4];
    int j;
    for (; n > 0; n--, metric += (size_t)1 << parities, chosen += count / 8) {
        uint8x16x2_t two;
        uint8x16x4_t four;
        HRQ__UNROLL
        for (j = 0; j < 4; j++) four.val[j] = vld1q_u8(metric + 16 * (j % (1 << (parities - 4))));
        two.val[0] = four.val[0];
        two.val[1] = four.val[1];
        low = vdupq_n_u8(255);
        for (i = 0; i < count; i += 64) {
            HRQ__UNROLL
            for (j = 0; j < 4; j++) {
                uint8x16_t a = vsubq_u8(vld1q_u8(now + i / 2 + 16 * (size_t)(j / 2)), least),
                           b = vsubq_u8(vld1q_u8(now + count / 2 + i / 2 + 16 * (size_t)(j / 2)), least),
                           hash = vld1q_u8(args->hash + i + 16 * (size_t)j),
                           by = parities == 6 ? vqtbl4q_u8(four, hash) : vqtbl2q_u8(two, hash);
                a = vqaddq_u8(j % 2 ? vzip2q_u8(a, a) : vzip1q_u8(a, a), by);
                b = vqaddq_u8(j % 2 ? vzip2q_u8(b, b) : vzip1q_u8(b, b), vrev16q_u8(by));
                take[j] = vandq_u8(oldest < 0 ? vcltq_u8(b, a) : vdupq_n_u8((uint8_t)(0 - oldest)), weight);
                a = oldest < 0 ? vminq_u8(a, b) : oldest ? b : a;
                low = vminq_u8(low, a);
                vst1q_u8(next + i + 16 * (size_t)j, a);
            }
            take[0] = vpaddq_u8(vpaddq_u8(take[0], take[1]), vpaddq_u8(take[2], take[3]));
            vst1_u8(chosen + i / 8, vget_low_u8(vpaddq_u8(take[0], take[0])));
        }
        least = vdupq_n_u8(vminvq_u8(low));
        was = now;
        now = next;
        next = was;
    }
    for (i = 0; i < count; i += 16) vst1q_u8(path + i, vsubq_u8(vld1q_u8(now + i), least));
}

HRQ__FN_NEON void hrq__trellis_advance_neon(uint8_t *path, uint8_t *chosen, const uint8_t *metric, size_t n,
                                            int oldest, const hrq__trellis_args *args)
{
    if (args->parities == 6) hrq__trellis_advance_neon_run(path, chosen, metric, n, oldest, args, 6);
    else hrq__trellis_advance_neon_run(path, chosen, metric, n, oldest, args, 5);
}

/* ---- search of a trellis along rows: 4 rows in a register ---- */

/* Four words at these places, which leave the vector registers two at a time; the words come back two at a time. */
HRQ__IN_NEON uint32x4_t hrq__pick_neon(const uint32_t *p, uint32x4_t at)
{
    uint64x2_t two = vreinterpretq_u64_u32(at);
    uint64_t low = vgetq_lane_u64(two, 0), high = vgetq_lane_u64(two, 1);
    low = p[low & 0xffffffffu] | (uint64_t)p[low >> 32] << 32;
    high = p[high & 0xffffffffu] | (uint64_t)p[high >> 32] << 32;
    return vreinterpretq_u32_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
}

/* The two branches of a path: their costs so far and k, by k & 1. Costs of four neighbours of four symbols: four loads
   of four, transposed. maxnm and minnm turn a NaN into the bound, as the scalar comparisons do. llvm-mca 19, cycles of
   four rows: neoverse-v1 29, neoverse-n1 55, where 80 vector instructions would take 20 and 40: one after the other
   they hang on each other, and a window holds two such fours. */
HRQ__IN_NEON void hrq__path_choose_neon(int32_t *cost, int32_t *code, size_t all, const hrq__path_column *col, int q,
                                        float32x4_t u, int32x4_t metric)
{
    const float32x4_t one = vdupq_n_f32(1.0f), most = vdupq_n_f32(HRQ__PATH_MOST);
    const int32x4_t reach = vdupq_n_s32(HRQ__PATH_REACH);
    const int32_t shift = (int32_t)col->shift[q];
    const float(*table)[4] = col->cost[q];
    float32x4_t y, v[4], rate[4], even[2], odd[2], c[4], here, there;
    int32x4_t floor_y, symbol, k0, k1;
    uint32x4_t down, up, swap;
    int i;
    y = vsubq_f32(vmulq_n_f32(u, col->inverse), vdupq_n_f32(q ? 0.5f : 0.0f));
    y = vminnmq_f32(vmaxnmq_f32(y, vdupq_n_f32(-8190.0f)), vdupq_n_f32(8188.0f));
    symbol = vcvtq_s32_f32(vaddq_f32(y, vdupq_n_f32(16384.0f)));
    floor_y = vsubq_s32(symbol, vdupq_n_s32(16384));
    symbol = vsubq_s32(vrshlq_s32(symbol, vdupq_n_s32(-shift)), vdupq_n_s32(16384 >> shift));
    symbol = vminq_s32(vmaxq_s32(symbol, vnegq_s32(reach)), reach);
    rate[0] = vld1q_f32(table[vgetq_lane_s32(symbol, 0)]);
    rate[1] = vld1q_f32(table[vgetq_lane_s32(symbol, 1)]);
    rate[2] = vld1q_f32(table[vgetq_lane_s32(symbol, 2)]);
    rate[3] = vld1q_f32(table[vgetq_lane_s32(symbol, 3)]);
    HRQ__UNROLL
    for (i = 0; i < 2; i++) {
        even[i] = vzip1q_f32(rate[i], rate[2 + i]);
        odd[i] = vzip2q_f32(rate[i], rate[2 + i]);
    }
    rate[0] = vzip1q_f32(even[0], even[1]);
    rate[1] = vzip2q_f32(even[0], even[1]);
    rate[2] = vzip1q_f32(odd[0], odd[1]);
    rate[3] = vzip2q_f32(odd[0], odd[1]);
    v[1] = vsubq_f32(y, vcvtq_f32_s32(floor_y));
    v[0] = vaddq_f32(one, v[1]);
    v[2] = vsubq_f32(one, v[1]);
    v[3] = vsubq_f32(vdupq_n_f32(2.0f), v[1]);
    HRQ__UNROLL
    for (i = 0; i < 4; i++) c[i] = vaddq_f32(vmulq_n_f32(vmulq_f32(v[i], v[i]), col->weight), rate[i]);
    down = vcltq_f32(c[0], c[2]);
    up = vcltq_f32(c[3], c[1]);
    here = vminnmq_f32(vbslq_f32(up, c[3], c[1]), most);
    there = vminnmq_f32(vbslq_f32(down, c[0], c[2]), most);
    k0 = vaddq_s32(floor_y, vreinterpretq_s32_u32(vandq_u32(up, vdupq_n_u32(2))));
    k1 = vaddq_s32(floor_y, vreinterpretq_s32_u32(vorrq_u32(down, vdupq_n_u32(1)))); /* less 1 or more */
    swap = vtstq_s32(floor_y, vdupq_n_s32(1));                                       /* where k0 is odd */
    vst1q_s32(cost, vaddq_s32(vcvtq_s32_f32(vbslq_f32(swap, there, here)), metric));
    vst1q_s32(cost + all, vaddq_s32(vcvtq_s32_f32(vbslq_f32(swap, here, there)), metric));
    vst1q_s32(code, vbslq_s32(swap, k1, k0));
    vst1q_s32(code + all, vbslq_s32(swap, k0, k1));
}

HRQ__IN_NEON void hrq__path_order_neon(int32x4_t *a, int32x4_t *b)
{
    int32x4_t low = vminq_s32(*a, *b);
    *b = vmaxq_s32(*a, *b);
    *a = low;
}

HRQ__IN_NEON void hrq__path_sort_neon(int32x4_t *key, int count)
{
    HRQ__PATH_SORT(hrq__path_order_neon, key, count)
}

/* Rows r ... r + 3: both lists in order, sixteen registers. llvm-mca 19, cycles of a state, list 8: neoverse-v1 46,
   neoverse-n1 104, what so many vector instructions take; 4: 20, 44; 2: 8, 20; 1: 4, 8. */
HRQ__IN_NEON void hrq__path_select_neon(const hrq__path_args *a, size_t r, int list)
{
    size_t states = a->states, all = states * (size_t)list * HRQ__PATH_ROWS, s, i;
    const int32x4_t dead = vdupq_n_s32(HRQ__PATH_DEAD), by = vdupq_n_s32((int32_t)states);
    const int32x4_t seven = vdupq_n_s32(HRQ__PATH_LIST - 1), eight = vdupq_n_s32(HRQ__PATH_LIST);
    int32x4_t least = vdupq_n_s32(INT32_MAX);
    const uint8_t(*source)[2] = a->source;
    const int32_t *work = a->work + r;
    int32_t *metrics = a->metric + r, *link = a->link + r;
    int j, b;
    for (s = 0; s < states; s++) {
        int32x4_t key[2][HRQ__PATH_LIST], from[2];
        HRQ__UNROLL
        for (b = 0; b < 2; b++) {
            const int32_t *costs = work + (size_t)b * all + source[s][b] * (size_t)HRQ__PATH_ROWS;
            from[b] = vdupq_n_s32(32768 * b + source[s][b]);
            HRQ__UNROLL
            for (j = 0; j < list; j++) {
                int32x4_t cost = vld1q_s32(costs + (size_t)j * states * HRQ__PATH_ROWS);
                key[b][j] = vorrq_s32(vshlq_n_s32(cost, 4), vdupq_n_s32(b * HRQ__PATH_LIST + j));
            }
            hrq__path_sort_neon(key[b], list);
        }
        HRQ__UNROLL
        for (j = 0; j < list; j++) {
            size_t at = ((size_t)j * states + s) * HRQ__PATH_ROWS;
            int32x4_t best = vminq_s32(key[0][j], key[1][list - 1 - j]), metric = vshrq_n_s32(best, 4);
            least = vminq_s32(least, metric);
            vst1q_s32(metrics + at, metric);
            metric = vbslq_s32(vtstq_s32(best, eight), from[1], from[0]);
            vst1q_s32(link + at, vmlaq_s32(metric, vandq_s32(best, seven), by));
        }
    }
    for (i = 0; i < all; i += HRQ__PATH_ROWS) {
        int32x4_t metric = vld1q_s32(metrics + i);
        uint32x4_t over = vcgeq_s32(metric, vdupq_n_s32(HRQ__PATH_DEAD / 2));
        vst1q_s32(metrics + i, vbslq_s32(over, dead, vsubq_s32(metric, least)));
    }
}

/* What a path takes on: its link in full, and its feedback, from that of the path that led here. Links cell by cell in
   general registers: vectors of them would have to go there for addresses and come back (llvm-mca 19: 6.9 cycles a cell
   on neoverse-v1 against 5.5). */
HRQ__IN_NEON void hrq__path_extend_neon(const hrq__path_args *a, const hrq__path_column *col, int zero)
{
    size_t all = a->states * a->list * HRQ__PATH_ROWS, i;
    const uint32_t *code = (const uint32_t *)a->work + 2 * all;
    const float *before = a->before, *w = a->w;
    const float value = col->value;
    float *after = a->after;
    uint32_t *links = (uint32_t *)a->link;
    float32x4_t edge[4];
    int k;
    HRQ__UNROLL
    for (k = 0; k < 4; k++) edge[k] = vld1q_f32(a->edge + 4 * k);
    for (i = 0; i < all; i++, after += HRQ__PATH_BLOCK) {
        uint32_t link = links[i], parent = link & 32767, x = 0;
        size_t row = i % HRQ__PATH_ROWS, from = parent * HRQ__PATH_ROWS + row;
        const float *in = before + from * HRQ__PATH_BLOCK;
        float e;
        if (!zero) x = 2 * code[(link >> 15) * all + from] + (parent & 1);
        links[i] = x << 16 | parent;
        e = w[row] - (float)(int32_t)x * value;
        HRQ__UNROLL
        for (k = 0; k < 4; k++)
            vst1q_f32(after + 4 * k, vaddq_f32(vld1q_f32(in + 4 * k), vmulq_n_f32(edge[k], e)));
    }
}

HRQ__FN_NEON void hrq__path_column_neon(const hrq__path_args *a)
{
    const hrq__path_column col = *a->col;
    size_t all = a->states * a->list * HRQ__PATH_ROWS, i, r;
    const float *before = a->before + a->j, *w = a->w;
    const int32_t *metric = a->metric;
    int32_t *work = a->work;
    float *target = a->target;
    for (i = 0; i < all; i += HRQ__PATH_ROWS) HRQ__UNROLL
    for (r = 0; r < HRQ__PATH_ROWS; r += 4, before += 4 * HRQ__PATH_BLOCK) {
        float32x4_t u = vld1q_dup_f32(before);
        u = vld1q_lane_f32(before + HRQ__PATH_BLOCK, u, 1);
        u = vld1q_lane_f32(before + 2 * HRQ__PATH_BLOCK, u, 2);
        u = vld1q_lane_f32(before + 3 * HRQ__PATH_BLOCK, u, 3);
        u = vaddq_f32(vld1q_f32(w + r), u);
        vst1q_f32(target + i + r, u);
        if (!col.zero)
            hrq__path_choose_neon(work + i + r, work + 2 * all + i + r, all, &col, i / HRQ__PATH_ROWS & 1, u,
                                  vld1q_s32(metric + i + r));
    }
    if (col.zero) {
        hrq__path_pass_by(a);
        hrq__path_extend_neon(a, &col, 1);
        return;
    }
    for (i = 0; i < HRQ__PATH_ROWS; i += 4)
        if (a->list == 8) hrq__path_select_neon(a, i, 8);
        else if (a->list == 4) hrq__path_select_neon(a, i, 4);
        else if (a->list == 2) hrq__path_select_neon(a, i, 2);
        else hrq__path_select_neon(a, i, 1);
    hrq__path_extend_neon(a, &col, 0);
}

/* All cells a column before all a column back: links of a column are few enough for the first cache, those of a block
   are not. llvm-mca 19: 1.2 cycles a link on neoverse-v1, 2.2 on -n1. */
HRQ__FN_NEON void hrq__path_trace_neon(float *error, int32_t *root, const int32_t *link, const float *w,
                                       const float *value, size_t cells, size_t width)
{
    const uint32x4_t lane = vmovl_u16(vcreate_u16(0x0003000200010000u));
    const uint32_t *links = (const uint32_t *)link;
    uint32_t *at = (uint32_t *)root;
    size_t i, j;
    for (i = 0; i < cells; i++) at[i] = (uint32_t)i;
    for (j = width; j-- > 0;) {
        const float by = value[j];
        for (i = 0; i < cells; i += 4) {
            uint32x4_t now = hrq__pick_neon(links + j * cells, vld1q_u32(at + i));
            float32x4_t x = vcvtq_f32_s32(vshrq_n_s32(vreinterpretq_s32_u32(now), 16));
            vst1q_f32(error + j * cells + i,
                      vsubq_f32(vld1q_f32(w + j * HRQ__PATH_ROWS + (i & 12)), vmulq_n_f32(x, by)));
            now = vshlq_n_u32(vandq_u32(now, vdupq_n_u32(32767)), 4);
            vst1q_u32(at + i, vorrq_u32(now, vorrq_u32(lane, vdupq_n_u32((uint32_t)(i & 12)))));
        }
    }
}

/* `count` cells go side by side, four registers each. llvm-mca 19, cycles of a column onto four cells: neoverse-v1 8,
   neoverse-n1 17, what 16 products and 16 sums take. */
HRQ__IN_NEON void hrq__path_feed_neon_run(float *out, const float *in, const int32_t *id, const int32_t *from,
                                          const float *e, size_t lde, const float *f, size_t depth, int count)
{
    float32x4_t sum[4][4];
    size_t k;
    int i, c;
    HRQ__UNROLL
    for (i = 0; i < 4 * count; i++)
        sum[i / 4][i % 4] = vld1q_f32(in + (size_t)from[i / 4] * HRQ__PATH_BLOCK + i % 4 * 4);
    for (k = 0; k < depth; k++, e += lde, f += HRQ__PATH_BLOCK) {
        HRQ__UNROLL
        for (i = 0; i < count; i++) {
            float by = e[id[i]];
            HRQ__UNROLL
            for (c = 0; c < 4; c++) sum[i][c] = vaddq_f32(sum[i][c], vmulq_n_f32(vld1q_f32(f + 4 * c), by));
        }
    }
    HRQ__UNROLL
    for (i = 0; i < 4 * count; i++)
        vst1q_f32(out + (size_t)id[i / 4] * HRQ__PATH_BLOCK + i % 4 * 4, sum[i / 4][i % 4]);
}

HRQ__FN_NEON void hrq__path_feed_neon(float *out, const float *in, const int32_t *id, const int32_t *from, size_t n,
                                      const float *e, size_t lde, const float *f, size_t depth)
{
    size_t i;
    for (i = 0; i + 4 <= n; i += 4) hrq__path_feed_neon_run(out, in, id + i, from + i, e, lde, f, depth, 4);
    for (; i < n; i++) hrq__path_feed_neon_run(out, in, id + i, from + i, e, lde, f, depth, 1);
}

/* ---- plane rotations: llvm-mca 19, cycles of one: neoverse-v1 12, neoverse-n1 24 ---- */

HRQ__FN_NEON void hrq__rotate_neon(float *y, const hrq__rotations *by)
{
    size_t i;
    int k;
    for (i = 0; i < by->count; i++) {
        hrq__rotation r = hrq__rotation_at(y, by, i);
        HRQ__UNROLL
        for (k = 0; k < HRQ_PANEL; k += 4) {
            float32x4_t p = vld1q_f32(r.p + k), q = vld1q_f32(r.q + k);
            vst1q_f32(r.q + k, vaddq_f32(vmulq_n_f32(q, r.c), vmulq_n_f32(p, r.s)));
            vst1q_f32(r.p + k, vsubq_f32(vmulq_n_f32(p, r.c), vmulq_n_f32(q, r.s)));
        }
    }
}

/* ---- reading of rANS ----
   Eight lanes at a time, but for the product as halves of 16 bits, all eight in a register: a word goes where the lower
   half was, which takes the place of an upper half of 0. Which lanes take one is a set, whose shuffle sends the next
   words where they belong. llvm-mca 19, cycles of eight values, gcc: neoverse-v1 21, along a trellis 28, with raw bits
   35 and 43; neoverse-n1 44, 45, 61, 69. Scalar code has four times as many instructions a value. */

/* By eights, which run over the end of a symbol: the next one, or the next table, is written later. */
HRQ__IN_NEON void hrq__rans_slots_neon(uint32_t *slot, const hrq__rans_model *m)
{
    const uint32x4_t first = vshlq_n_u32(vmovl_u16(vcreate_u16(0x0003000200010000u)), HRQ__RANS_BITS);
    const uint32x4_t four = vdupq_n_u32(4 * HRQ__RANS_RANGE);
    int32_t s, x;
    for (s = 0; s < 2 * m->k + 2 - m->half; s++) {
        uint32x4_t says = vaddq_u32(vdupq_n_u32(hrq__rans_slot(m, s)), first), next;
        for (x = m->start[s]; x < m->start[s + 1]; x += 8, says = vaddq_u32(next, four)) {
            next = vaddq_u32(says, four);
            vst1q_u32(slot + x, says);
            vst1q_u32(slot + x + 4, next);
        }
    }
}

/* The words of those of 8 places that take one; zero for others. One sum has the set and, above it, their number. */
HRQ__IN_NEON uint16x8_t hrq__rans_words_neon(hrq__rans *c, const hrq__rans_args *a, uint16x8_t take)
{
    const uint16x8_t bits = vmovl_u8(vcreate_u8(0x8040201008040201u));
    unsigned sum = vaddvq_u16(vandq_u16(take, vorrq_u16(bits, vdupq_n_u16(0x1000))));
    uint8x16_t words = vld1q_u8(c->at);
    c->at += 2 * (sum >> 12);
    return vreinterpretq_u16_u8(vqtbl1q_u8(words, vld1q_u8(a->spread[sum & 255])));
}

/* n bits of each state are k's next ones, and a second word follows where less than 2^16 is left, which does not hang
   on the first word's bits. Four lanes a shuffle, a lane's first word before its second. x[0] has the lower halves,
   x[1] the upper ones. */
HRQ__IN_NEON int16x8_t hrq__rans_raw_neon(uint16x8_t x[2], int16x8_t k, uint16x8_t take, uint16x8_t odd, hrq__rans *c,
                                          const hrq__rans_args *a)
{
    const int16x8_t n = vreinterpretq_s16_u16(vbslq_u16(odd, vdupq_n_u16((uint16_t)a->model[1]->shift),
                                                        vdupq_n_u16((uint16_t)a->model[0]->shift)));
    const uint16x8_t twelve = vdupq_n_u16(HRQ__RANS_RANGE - 1), one = vdupq_n_u16(1);
    const int16x8_t down = vnegq_s16(n);
    uint16x8_t high = vshlq_u16(x[1], down), again = vceqq_u16(high, vdupq_n_u16(0)), first, more, low;
    first = hrq__rans_words_neon(c, a, vzip1q_u16(take, again));
    more = hrq__rans_words_neon(c, a, vzip2q_u16(take, again));
    low = vbslq_u16(take, vuzp1q_u16(first, more), x[0]);
    first = vuzp2q_u16(first, more);
    more = vshlq_u16(vandq_u16(low, twelve), vsubq_s16(n, vdupq_n_s16(HRQ__RANS_BITS)));
    low = vbslq_u16(vshlq_u16(twelve, down), low, vshlq_u16(low, down));
    low = vorrq_u16(low, vshlq_u16(x[1], vaddq_s16(down, vdupq_n_s16(16))));
    x[0] = vbslq_u16(again, first, low);
    x[1] = vorrq_u16(high, vandq_u16(low, again));
    more = vsubq_u16(more, vshrq_n_u16(vshlq_u16(one, n), 1));
    return vaddq_s16(vshlq_s16(k, n), vreinterpretq_s16_u16(more));
}

/* Rows r ... r + 7 of rans_column; at most 32 bytes of words are read. 0: an escape among them, nothing done. */
HRQ__IN_NEON int hrq__rans_eight_neon(int16_t *z, uint8_t *state, hrq__rans *c, size_t lane, const hrq__rans_args *a,
                                      int trellis, int raw)
{
    const uint32x4_t low = vdupq_n_u32(HRQ__RANS_RANGE - 1);
    uint32_t *lanes = c->state + lane;
    uint32x4_t says[2], was[2];
    uint16x8_t x[2], take, q = vdupq_n_u16(0);
    uint8x8_t s = vdup_n_u8(0);
    int16x8_t k;
    int h;
    if (trellis) {
        s = vld1_u8(state);
        q = vmovl_u8(vand_u8(s, vdup_n_u8(1)));
    }
    HRQ__UNROLL
    for (h = 0; h < 2; h++) {
        was[h] = vld1q_u32(lanes + 4 * h);
        says[h] = vandq_u32(was[h], low);
        if (trellis)
            says[h] = vorrq_u32(says[h], vshll_n_u16(h ? vget_high_u16(q) : vget_low_u16(q), HRQ__RANS_BITS));
        says[h] = hrq__pick_neon(a->slot, says[h]);
    }
    k = vreinterpretq_s16_u16(vuzp2q_u16(vreinterpretq_u16_u32(says[0]), vreinterpretq_u16_u32(says[1])));
    if (vminvq_s16(k) < 0) return 0;
    k = vsubq_s16(vshrq_n_s16(k, 8), vdupq_n_s16(HRQ__RANS_ZERO));
    HRQ__UNROLL
    for (h = 0; h < 2; h++)
        was[h] = vmlaq_u32(vandq_u32(vshrq_n_u32(says[h], HRQ__RANS_BITS), low), vandq_u32(says[h], low),
                           vshrq_n_u32(was[h], HRQ__RANS_BITS));
    x[0] = vuzp1q_u16(vreinterpretq_u16_u32(was[0]), vreinterpretq_u16_u32(was[1]));
    x[1] = vuzp2q_u16(vreinterpretq_u16_u32(was[0]), vreinterpretq_u16_u32(was[1]));
    take = vceqq_u16(x[1], vdupq_n_u16(0));
    x[1] = vorrq_u16(x[1], vandq_u16(x[0], take));
    if (raw) k = hrq__rans_raw_neon(x, k, take, vtstq_u16(q, q), c, a);
    else x[0] = vbslq_u16(take, hrq__rans_words_neon(c, a, take), x[0]);
    vst1q_u32(lanes, vreinterpretq_u32_u16(vzip1q_u16(x[0], x[1])));
    vst1q_u32(lanes + 4, vreinterpretq_u32_u16(vzip2q_u16(x[0], x[1])));
    if (trellis) { /* the next state: what 2 k + q says of q and k & 1, from a table of four */
        uint64_t p0 = a->parity[0], p1 = a->parity[1];
        uint8x8_t next = vcreate_u8(p0 << 8 | p1 << 16 | (p0 ^ p1) << 24), by;
        k = vaddq_s16(vaddq_s16(k, k), vreinterpretq_s16_u16(q));
        by = vand_u8(vmovn_u16(vreinterpretq_u16_s16(k)), vdup_n_u8(3));
        vst1_u8(state, veor_u8(vshr_n_u8(s, 1), vtbl1_u8(next, by)));
    }
    vst1q_s16(z, k);
    return 1;
}

HRQ__RANS_COLUMN(neon, HRQ__IN_NEON, HRQ__FN_NEON)

#endif /* HRQ__NEON */

//==================================================================================================
//  [e] The rows of the kernel table
//==================================================================================================

#define HRQ__DECODERS(isa, column)                                                                               \
    hrq__prepare_##isa,                                                                                          \
    {                                                                                                            \
        NULL, NULL, hrq__decode_int_##isa, hrq__decode_table_##isa, hrq__decode_voronoi_##isa,                   \
            hrq__decode_box_##isa, hrq__decode_trellis_##isa, hrq__decode_int_##isa, hrq__decode_column_##column \
    }
#define HRQ__DOTS(dots, isa)                                                                         \
    hrq__dot_s8_##dots, hrq__dot_groups_##dots, hrq__scales_##isa, hrq__tops_##isa, hrq__finish_##isa, \
        hrq__tile_f32_##isa, hrq__dot_f32_##isa, hrq__fma_tile_##isa
#define HRQ__ENCODERS(isa)                                                                                         \
    hrq__extents_##isa, hrq__dot16_##isa, hrq__sum16_##isa, hrq__code_int_##isa, hrq__code_float_##isa,            \
        hrq__pack_##isa, hrq__group_scales_##isa, hrq__norms_##isa, hrq__act_s8_##isa, hrq__hadamard_##isa,        \
        hrq__paley_##isa
/* Shape of fma_tile, encoders, then the kernels that not every set has of its own. */
#define HRQ__REST(m, n, isa, e8, metric, advance, box, floats, rest, path, last)                                 \
    m, n, HRQ__ENCODERS(isa), hrq__code_e8_##e8, hrq__trellis_metric_##metric, hrq__trellis_advance_##advance, \
        hrq__code_box_##box, hrq__tile_upper_##floats, hrq__axpy_##floats, hrq__int_error_##rest, \
        hrq__float_error_##rest, hrq__signs_##rest, hrq__scale_rows_##rest, hrq__wants_##rest, \
        hrq__zeros_##rest, hrq__path_column_##path, hrq__path_trace_##path, hrq__path_feed_##path, \
        hrq__rans_column_##last, hrq__rotate_##last

#ifdef HRQ__AVX2
    #define HRQ__ONE_AVX2 \
        {NULL, NULL, hrq__one_int_avx2, hrq__one_table_avx2, hrq__one_voronoi_avx2, hrq__one_box_avx2, \
         hrq__one_trellis_avx2, hrq__one_int_avx2, hrq__one_column_avx2}
    #define HRQ__ROW_AVX2(name, need, flip, dots)                                             \
        {name, need, flip, HRQ__DECODERS(avx2, avx2), HRQ__ONE_AVX2, HRQ__DOTS(dots, avx2), \
         HRQ__REST(6, 16, avx2, avx2, avx2, avx2, avx2, avx2, avx2, avx2, avx2)},
    #ifdef HRQ__AVX2VNNI
        #define HRQ__ROWS_AVX2                         \
            HRQ__ROW_AVX2("avx2", HRQ__HAS_AVX2, 0, avx2) \
            HRQ__ROW_AVX2("avx2vnni", HRQ__HAS_AVX2 | HRQ__HAS_AVXVNNI, 128, avx2vnni)
    #else
        #define HRQ__ROWS_AVX2 HRQ__ROW_AVX2("avx2", HRQ__HAS_AVX2, 0, avx2)
    #endif
#else
    #define HRQ__ROWS_AVX2
#endif

#ifdef HRQ__AVX512
    #define HRQ__ROWS_AVX512                                                                                   \
        {"avx512", HRQ__HAS_AVX512, 0, HRQ__DECODERS(avx2, avx2), HRQ__ONE_AVX2, HRQ__DOTS(avx512, avx512),  \
         HRQ__REST(12, 32, avx512, avx512, avx512, avx2, avx512, avx512, avx512, avx512, avx2)},                      \
        {"avx512vnni", HRQ__HAS_VNNI, 128, HRQ__DECODERS(vnni, vnni),                                          \
         {NULL, NULL, hrq__one_int_vnni, hrq__one_table_vnni, hrq__one_voronoi_vnni, hrq__one_box_vnni,        \
          hrq__one_trellis_vnni, hrq__one_int_vnni, hrq__one_column_vnni},                                     \
         HRQ__DOTS(vnni, avx512),                                                                             \
         HRQ__REST(12, 32, avx512, avx512, avx512, vnni, avx512, avx512, avx512, avx512, avx2)},
#else
    #define HRQ__ROWS_AVX512
#endif

#ifdef HRQ__NEON
    #define HRQ__ROW_NEON(name, need, dots, one)                                                                \
        {name, need, 0, HRQ__DECODERS(neon, neon),                                                              \
         {NULL, NULL, hrq__one_int_##one, hrq__one_table_##one, hrq__one_voronoi_##one, hrq__one_box_##one,     \
          hrq__one_trellis_##one, hrq__one_int_##one, hrq__one_column_##one},                                   \
         HRQ__DOTS(dots, neon), HRQ__REST(8, 12, neon, neon, neon, neon, neon, neon, neon, neon, neon)},
    #ifdef HRQ__HAVE_DOTPROD
        #define HRQ__ROWS_DOTPROD HRQ__ROW_NEON("neon_dotprod", HRQ__HAS_NEON | HRQ__HAS_DOTPROD, dotprod, dotprod)
    #else
        #define HRQ__ROWS_DOTPROD
    #endif
    #ifdef HRQ__HAVE_I8MM
        #define HRQ__ROWS_I8MM \
            HRQ__ROW_NEON("neon_i8mm", HRQ__HAS_NEON | HRQ__HAS_DOTPROD | HRQ__HAS_I8MM, i8mm, dotprod)
    #else
        #define HRQ__ROWS_I8MM
    #endif
    #define HRQ__ROWS_NEON HRQ__ROW_NEON("neon", HRQ__HAS_NEON, neon, neon) HRQ__ROWS_DOTPROD HRQ__ROWS_I8MM
#else
    #define HRQ__ROWS_NEON
#endif

#define HRQ__SIMD_ROWS HRQ__ROWS_AVX2 HRQ__ROWS_AVX512 HRQ__ROWS_NEON

#undef HRQ__FN_AVX2
#undef HRQ__FN_AVX2VNNI
#undef HRQ__FN_AVX512
#undef HRQ__FN_VNNI
#undef HRQ__IN_AVX2
#undef HRQ__IN_AVX2VNNI
#undef HRQ__IN_AVX512
#undef HRQ__IN_VNNI
#undef HRQ__FN_NEON
#undef HRQ__FN_DOTPROD
#undef HRQ__FN_I8MM
#undef HRQ__IN_NEON
#undef HRQ__IN_DOTPROD
#undef HRQ__IN_I8MM
#undef HRQ__TARGET
#undef HRQ__TARGET_DOTPROD
#undef HRQ__TARGET_I8MM
#undef HRQ__WORDS_AVX2
#undef HRQ__WORDS_AVX512
#undef HRQ__UNROLL
#undef HRQ__STEP
#undef HRQ__OPAQUE
#undef HRQ__OPAQUE_BYTES

#if defined(__GNUC__) && !defined(__clang__) && defined(__cplusplus)
    #pragma GCC diagnostic pop
#elif defined(__clang__)
    #pragma clang diagnostic pop
#endif
