/* hrq_simd.h: AVX2, AVX-512 and NEON kernels of hrq (see hrq.h). MIT licence, as hrq.h.

   Lay it beside hrq.h, which picks it up by itself; HRQ_NO_SIMD, HRQ_NO_AVX2, HRQ_NO_AVX512, HRQ_NO_NEON say no. No
   compiler flags: every function carries its target, and the machine is asked at run time.

   CONTENTS   [a] targets and detection    [b] AVX2    [c] AVX-512    [d] NEON    [e] the rows of the kernel table

   Contracts and scalar specifications are in hrq.h [6i]; every kernel gives the same bits as its scalar twin. In each
   ISA the kernels stand in the same order: helpers, prepare, decode (int, table, voronoi, box, trellis), dot (s8,
   groups, wide), scales, finish, tile_f32, dot_f32, fma_tile.

   This file is included by hrq.h, in the middle of its implementation; it is of no use alone. */

#ifndef HRQ__SIMD
    #error "hrq_simd.h is picked up by hrq.h; include that"
#endif

//==================================================================================================
//  [a] Targets and detection
//==================================================================================================

#if (defined(__x86_64__) && !defined(HRQ_SIMDE_NEON)) || defined(HRQ_SIMDE_AVX2)
    #ifndef HRQ_NO_AVX2
        #define HRQ__AVX2
        #if !defined(HRQ_NO_AVX512) && !defined(HRQ_SIMDE_AVX2)
            #define HRQ__AVX512
        #endif
    #endif
#elif !defined(HRQ_NO_NEON)
    #define HRQ__NEON
#endif

/* Each target extends the one that its helpers come from: GCC inlines a helper only where its target is a part of the
   caller's. */
#if defined(HRQ_SIMDE_NEON) || defined(HRQ_SIMDE_AVX2)
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
#define HRQ__IN_AVX512    static inline __attribute__((always_inline)) HRQ__TARGET(HRQ__WORDS_AVX512)
#define HRQ__IN_VNNI \
    static inline __attribute__((always_inline)) HRQ__TARGET(HRQ__WORDS_AVX512 ",avx512vnni,avx512vbmi,gfni")

/* Loops over registers are unrolled whole, at -O2 too: otherwise arrays of registers live in memory. */
#if defined(__clang__)
    #define HRQ__UNROLL _Pragma("unroll")
#else
    #define HRQ__UNROLL _Pragma("GCC unroll 32")
#endif

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
static unsigned hrq__isa_x86(const hrq__cpuid *r)
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

/* Memory is read ahead of the decoders by so many bytes of codes: what is on its way covers the latency of DRAM. */
#define HRQ__AHEAD 4096

//==================================================================================================
//  [c] AVX-512       F, BW, VL, DQ; VNNI, VBMI and GFNI above them
//==================================================================================================

#ifdef HRQ__AVX512

/* ---- prepare and decode: a superblock is 8 registers, one a coordinate: quads of its tile in order ---- */

/* Tables of bytes for lookups by code: lo, then hi, 256 each. Trellis: [8 steps][4] affine maps, then the levels. */
HRQ__FN_VNNI void hrq__prepare_vnni(uint8_t *maps, int codec, const hrq__decode_args *a)
{
    unsigned i, count;
    if (codec == HRQ__CODEC_FLOAT) {
        for (i = 0; i < 256; i++) {
            int v = i >> a->code_bits ? 0 : a->value[i], low = (v & 255) - ((v & 128) << 1);
            maps[i] = (uint8_t)((unsigned)low ^ a->flip);
            maps[256 + i] = (uint8_t)((unsigned)((v - low) / 256) ^ a->flip);
        }
    } else if (codec == HRQ__CODEC_BOX) {
        count = 2 * a->scales << a->code_bits;
        for (i = 0; i < 256; i++) maps[i] = (uint8_t)((unsigned)a->level[i % count] ^ a->flip);
    }
}

/* Shifts by constants: counts in registers, which compilers turn into immediates. */
HRQ__IN_AVX512 __m512i hrq__srl16_avx512(__m512i v, int n) { return _mm512_srl_epi16(v, _mm_cvtsi32_si128(n)); }
HRQ__IN_AVX512 __m512i hrq__sll16_avx512(__m512i v, int n) { return _mm512_sll_epi16(v, _mm_cvtsi32_si128(n)); }

/* Coordinate j of the planes of one part of codes, w bits wide, or-ed in at bit `shift`. */
HRQ__IN_AVX512 __m512i hrq__part_avx512(__m512i code, const uint8_t *p, int w, int j, int shift)
{
    __m512i v = _mm512_loadu_si512(p + 64 * (j % w)), mask = _mm512_set1_epi8((char)(((1 << w) - 1) << shift));
    int down = j / w * w - shift;
    v = down > 0 ? hrq__srl16_avx512(v, down) : down < 0 ? hrq__sll16_avx512(v, -down) : v;
    return _mm512_ternarylogic_epi64(code, v, mask, 0xf8); /* a | (b & c) */
}

/* Codes of `bits` bits of a superblock as bytes, one register a coordinate; what is or-ed into them comes in. */
HRQ__IN_AVX512 void hrq__planes_avx512(__m512i code[8], const uint8_t *p, int bits)
{
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        if (bits & 1) code[j] = hrq__part_avx512(code[j], p, 1, j, 0);
        if (bits & 2) code[j] = hrq__part_avx512(code[j], p + 64 * (bits & 1), 2, j, bits & 1);
        if (bits & 4) code[j] = hrq__part_avx512(code[j], p + 64 * (bits & 3), 4, j, bits & 3);
        if (bits & 8) code[j] = hrq__part_avx512(code[j], p + 64 * (bits & 7), 8, j, bits & 7);
    }
}

HRQ__IN_AVX512 void hrq__prefetch_avx512(const uint8_t *p, size_t bytes)
{
    size_t i;
    HRQ__UNROLL
    for (i = 0; i < bytes; i += 64) _mm_prefetch((const char *)(p + HRQ__AHEAD + i), _MM_HINT_T0);
}

/* Integers: plane, shift, mask; then one addition makes code - 2^(bits - 1), flipped. Bits are a constant: one body
   for all. */
HRQ__IN_AVX512 void hrq__int_avx512(uint8_t *lo, const uint8_t *codes, size_t supers, int bits,
                                    const hrq__decode_args *a)
{
    size_t stride = a->stride;
    __m512i offset = _mm512_set1_epi8((char)(a->flip - (1u << (bits - 1)))), code[8];
    int j;
    for (; supers > 0; supers--, codes += 64 * (size_t)bits, lo += 8 * stride) {
        hrq__prefetch_avx512(codes, 64 * (size_t)bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) code[j] = _mm512_setzero_si512();
        hrq__planes_avx512(code, codes, bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) _mm512_storeu_si512(lo + (size_t)j * stride, _mm512_add_epi8(code[j], offset));
    }
}

HRQ__FN_AVX512 size_t hrq__decode_int_avx512(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                             const hrq__decode_args *a)
{
    size_t supers = cols8 / 32;
    (void)hi;
    switch (a->code_bits) {
    case 1: hrq__int_avx512(lo, codes, supers, 1, a); break;
    case 2: hrq__int_avx512(lo, codes, supers, 2, a); break;
    case 3: hrq__int_avx512(lo, codes, supers, 3, a); break;
    case 4: hrq__int_avx512(lo, codes, supers, 4, a); break;
    case 5: hrq__int_avx512(lo, codes, supers, 5, a); break;
    case 6: hrq__int_avx512(lo, codes, supers, 6, a); break;
    case 7: hrq__int_avx512(lo, codes, supers, 7, a); break;
    case 8: hrq__int_avx512(lo, codes, supers, 8, a); break;
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

HRQ__IN_VNNI __m512i hrq__look_up_vnni(const hrq__table_vnni *t, __m512i index, int size)
{
    __m512i low;
    if (size <= 64) return _mm512_permutexvar_epi8(index, t->part[0]);
    low = _mm512_permutex2var_epi8(t->part[0], index, t->part[1]);
    if (size <= 128) return low;
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index),
                                _mm512_permutex2var_epi8(t->part[2], index, t->part[3]));
}

/* Codes through a table: floats whose values are integers. */
HRQ__IN_VNNI void hrq__table_vnni_run(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t supers, int bits,
                                      int wide, const hrq__decode_args *a)
{
    size_t stride = a->stride;
    hrq__table_vnni low = hrq__table_load_vnni(a->maps), high = hrq__table_load_vnni(a->maps + 256);
    __m512i code[8];
    int j;
    for (; supers > 0; supers--, codes += 64 * (size_t)bits, lo += 8 * stride, hi += 8 * stride) {
        hrq__prefetch_avx512(codes, 64 * (size_t)bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) code[j] = _mm512_setzero_si512();
        hrq__planes_avx512(code, codes, bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            _mm512_storeu_si512(lo + (size_t)j * stride, hrq__look_up_vnni(&low, code[j], 1 << bits));
            if (wide) _mm512_storeu_si512(hi + (size_t)j * stride, hrq__look_up_vnni(&high, code[j], 1 << bits));
        }
    }
}

HRQ__FN_VNNI size_t hrq__decode_table_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                           const hrq__decode_args *a)
{
    size_t supers = cols8 / 32;
    int wide = a->clamp > 127;
    switch (a->code_bits) {
    case 3: hrq__table_vnni_run(lo, hi, codes, supers, 3, wide, a); break;
    case 4: hrq__table_vnni_run(lo, hi, codes, supers, 4, wide, a); break;
    case 5: hrq__table_vnni_run(lo, hi, codes, supers, 5, wide, a); break;
    case 6: hrq__table_vnni_run(lo, hi, codes, supers, 6, wide, a); break;
    case 7: hrq__table_vnni_run(lo, hi, codes, supers, 7, wide, a); break;
    case 8: hrq__table_vnni_run(lo, hi, codes, supers, 8, wide, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* Scale indices, a bit a plane of 64 bits, at bit `at` of bytes. */
HRQ__IN_VNNI __m512i hrq__indices_vnni(const uint8_t *p, int bits, int at)
{
    __m512i out = _mm512_setzero_si512();
    int b;
    HRQ__UNROLL
    for (b = 0; b < bits; b++) {
        __mmask64 m;
        memcpy(&m, p + 8 * b, 8);
        out = _mm512_or_si512(out, _mm512_maskz_mov_epi8(m, _mm512_set1_epi8((char)(1 << (at + b)))));
    }
    return out;
}

/* Box codes: coset = parity of the labels' lowest bits, one affine map of the planes' xor; then class, coset and label
   are an index. 64 weights: a shift, a ternary logic and a look-up. */
HRQ__IN_VNNI void hrq__box_vnni(uint8_t *lo, const uint8_t *codes, size_t supers, int bits, int classes,
                                const hrq__decode_args *a)
{
    size_t stride = a->stride;
    hrq__table_vnni table = hrq__table_load_vnni(a->maps);
    uint64_t lowest = bits == 2   ? 0x55
                      : bits == 3 ? 0xff
                                  : 0x11; /* of the bytes below, bits that are labels' lowest */
    __m512i map = _mm512_set1_epi64((long long)(lowest << 8 * (7 - bits))), code[8], odd, above;
    int j;
    for (; supers > 0; supers--, codes += a->lane_bytes * 4, lo += 8 * stride) {
        hrq__prefetch_avx512(codes, 64 * (size_t)bits);
        odd = _mm512_loadu_si512(codes);
        HRQ__UNROLL
        for (j = 1; j < 4; j++)
            if (bits != 3 && j < bits) odd = _mm512_xor_si512(odd, _mm512_loadu_si512(codes + 64 * j));
        above = _mm512_or_si512(_mm512_gf2p8affine_epi64_epi8(odd, map, 0),
                                hrq__indices_vnni(codes + 64 * bits, classes == 8 ? 3 : classes / 2, bits + 1));
        HRQ__UNROLL
        for (j = 0; j < 8; j++) code[j] = above;
        hrq__planes_avx512(code, codes, bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++)
            _mm512_storeu_si512(lo + (size_t)j * stride, hrq__look_up_vnni(&table, code[j], 2 * classes << bits));
    }
}

HRQ__FN_VNNI size_t hrq__decode_box_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                         const hrq__decode_args *a)
{
    size_t supers = cols8 / 32;
    (void)hi;
    switch (a->code_bits << 4 | a->scales) {
    case 0x21: hrq__box_vnni(lo, codes, supers, 2, 1, a); break;
    case 0x22: hrq__box_vnni(lo, codes, supers, 2, 2, a); break;
    case 0x24: hrq__box_vnni(lo, codes, supers, 2, 4, a); break;
    case 0x28: hrq__box_vnni(lo, codes, supers, 2, 8, a); break;
    case 0x31: hrq__box_vnni(lo, codes, supers, 3, 1, a); break;
    case 0x32: hrq__box_vnni(lo, codes, supers, 3, 2, a); break;
    case 0x34: hrq__box_vnni(lo, codes, supers, 3, 4, a); break;
    case 0x38: hrq__box_vnni(lo, codes, supers, 3, 8, a); break;
    case 0x41: hrq__box_vnni(lo, codes, supers, 4, 1, a); break;
    case 0x42: hrq__box_vnni(lo, codes, supers, 4, 2, a); break;
    case 0x44: hrq__box_vnni(lo, codes, supers, 4, 4, a); break;
    case 0x48: hrq__box_vnni(lo, codes, supers, 4, 8, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* ---- dot ---- */

/* acc[t][p] takes `quads` quads of P interleaved panels and M vectors: value + 128 unsigned times the vectors' bytes;
   128 times the vectors' sum comes off before. |sum| stays below 255 * 127 * 65536 < 2^31. */
HRQ__IN_VNNI void hrq__dot_vnni_tile(__m512i *acc, const uint8_t *tile, size_t quads, const int8_t *const *x, int m,
                                     int p)
{
    size_t k;
    int t, i;
    for (k = 0; k < quads; k++, tile += 64 * p) {
        __m512i w[4];
        HRQ__UNROLL
        for (i = 0; i < p; i++) w[i] = _mm512_loadu_si512(tile + 64 * i);
        HRQ__UNROLL
        for (t = 0; t < m; t++) {
            __m512i v = _mm512_set1_epi32(hrq__word_at(x[t] + 4 * k));
            HRQ__UNROLL
            for (i = 0; i < p; i++) acc[t * p + i] = _mm512_dpbusd_epi32(acc[t * p + i], w[i], v);
        }
    }
}

/* One vector, one panel: four accumulators, or the latency of one would rule. */
HRQ__IN_VNNI __m512i hrq__dot_vnni_one(__m512i acc, const uint8_t *tile, size_t quads, const int8_t *x)
{
    __m512i a[4];
    size_t k;
    int i;
    a[0] = acc;
    a[1] = a[2] = a[3] = _mm512_setzero_si512();
    for (k = 0; k + 4 <= quads; k += 4) HRQ__UNROLL
    for (i = 0; i < 4; i++)
        a[i] = _mm512_dpbusd_epi32(a[i], _mm512_loadu_si512(tile + 64 * (k + (size_t)i)),
                                   _mm512_set1_epi32(hrq__word_at(x + 4 * (k + (size_t)i))));
    for (; k < quads; k++)
        a[0] =
            _mm512_dpbusd_epi32(a[0], _mm512_loadu_si512(tile + 64 * k), _mm512_set1_epi32(hrq__word_at(x + 4 * k)));
    return _mm512_add_epi32(_mm512_add_epi32(a[0], a[1]), _mm512_add_epi32(a[2], a[3]));
}

/* 128 times the sum of a vector's columns 8 from ... 8 end. */
HRQ__INLINE int32_t hrq__bias(const hrq__vectors *x, size_t t, size_t from, size_t end)
{
    const int32_t *sums = x->sums + t * x->lds;
    return (int32_t)(128u * ((uint32_t)sums[end] - (uint32_t)sums[from]));
}

HRQ__IN_VNNI void hrq__dot_s8_vnni_block(int32_t *out, const uint8_t *tile, size_t depth, const hrq__vectors *x,
                                         size_t t0, int m, int p)
{
    __m512i acc[24];
    const int8_t *at[16];
    int t, i;
    HRQ__UNROLL
    for (t = 0; t < m; t++) {
        __m512i bias = _mm512_set1_epi32(hrq__bias(x, t0 + (size_t)t, 0, depth / 8));
        at[t] = x->x + (t0 + (size_t)t) * x->ldx;
        HRQ__UNROLL
        for (i = 0; i < p; i++)
            acc[t * p + i] =
                _mm512_sub_epi32(_mm512_loadu_si512(out + (t0 + (size_t)t) * 16 * (size_t)p + 16 * i), bias);
    }
    if (m == 1 && p == 1) acc[0] = hrq__dot_vnni_one(acc[0], tile, depth / 4, at[0]);
    else hrq__dot_vnni_tile(acc, tile, depth / 4, at, m, p);
    HRQ__UNROLL
    for (t = 0; t < m * p; t++) _mm512_storeu_si512(out + t0 * 16 * (size_t)p + 16 * t, acc[t]);
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
    for (; t + 16 <= x->n; t += 16) hrq__dot_s8_vnni_block(acc, tile, depth, x, t, 16, 1);
    for (; t + 8 <= x->n; t += 8) hrq__dot_s8_vnni_block(acc, tile, depth, x, t, 8, 1);
    for (; t + 4 <= x->n; t += 4) hrq__dot_s8_vnni_block(acc, tile, depth, x, t, 4, 1);
    for (; t < x->n; t++) hrq__dot_s8_vnni_block(acc, tile, depth, x, t, 1, 1);
}

/* Groups: the integers of one, less zero points, to float, scaled, added. total: memory between groups, since m * p
   accumulators of each kind are more than there are registers. */
HRQ__IN_VNNI void hrq__dot_groups_vnni_block(void *total, const uint8_t *tile, size_t depth, const hrq__vectors *x,
                                             const hrq__groups *g, size_t t0, int m, int p, int wide)
{
    size_t from, end, rows = 16 * (size_t)p, at = 0;
    int t, i;
    for (from = 0; from < depth; from = end, at += rows) {
        __m512i acc[24];
        const int8_t *v[16];
        end = from + g->group < depth ? from + g->group : depth;
        HRQ__UNROLL
        for (t = 0; t < m; t++) {
            int32_t bias = hrq__bias(x, t0 + (size_t)t, from / 8, end / 8);
            v[t] = x->x + (t0 + (size_t)t) * x->ldx + from;
            HRQ__UNROLL
            for (i = 0; i < p; i++) {
                acc[t * p + i] = _mm512_set1_epi32((int32_t)(0u - (uint32_t)bias));
                if (g->zero)
                    acc[t * p + i] = _mm512_sub_epi32(
                        acc[t * p + i],
                        _mm512_mullo_epi32(_mm512_set1_epi32(bias / 128), _mm512_loadu_si512(g->zero + at + 16 * i)));
            }
        }
        if (m == 1 && p == 1) acc[0] = hrq__dot_vnni_one(acc[0], tile + from / 4 * 64, (end - from) / 4, v[0]);
        else hrq__dot_vnni_tile(acc, tile + from / 4 * 64 * (size_t)p, (end - from) / 4, v, m, p);
        HRQ__UNROLL
        for (t = 0; t < m; t++) HRQ__UNROLL
        for (i = 0; i < p; i++) {
            __m512 scale = _mm512_loadu_ps(g->scale + at + 16 * i), part = _mm512_cvtepi32_ps(acc[t * p + i]);
            size_t to = (t0 + (size_t)t) * rows + 16 * (size_t)i;
            if (wide) {
                double *out = (double *)total + to;
                _mm512_storeu_pd(out, _mm512_fmadd_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(part)),
                                                      _mm512_cvtps_pd(_mm512_castps512_ps256(scale)),
                                                      _mm512_loadu_pd(out)));
                _mm512_storeu_pd(out + 8, _mm512_fmadd_pd(_mm512_cvtps_pd(_mm512_extractf32x8_ps(part, 1)),
                                                          _mm512_cvtps_pd(_mm512_extractf32x8_ps(scale, 1)),
                                                          _mm512_loadu_pd(out + 8)));
            } else {
                float *out = (float *)total + to;
                _mm512_storeu_ps(out, _mm512_fmadd_ps(part, scale, _mm512_loadu_ps(out)));
            }
        }
    }
}

HRQ__IN_VNNI void hrq__dot_groups_vnni_all(void *total, const uint8_t *tile, size_t panels, size_t depth,
                                           const hrq__vectors *x, const hrq__groups *g, int wide)
{
    size_t t = 0;
    if (panels == 4) {
        for (; t + 6 <= x->n; t += 6) hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 6, 4, wide);
        for (; t + 2 <= x->n; t += 2) hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 2, 4, wide);
        for (; t < x->n; t++) hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 1, 4, wide);
        return;
    }
    for (; t + 16 <= x->n; t += 16) hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 16, 1, wide);
    for (; t + 4 <= x->n; t += 4) hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 4, 1, wide);
    for (; t < x->n; t++) hrq__dot_groups_vnni_block(total, tile, depth, x, g, t, 1, 1, wide);
}

HRQ__FN_VNNI void hrq__dot_groups_vnni(float *total, const uint8_t *tile, size_t panels, size_t depth,
                                       const hrq__vectors *x, const hrq__groups *g)
{
    hrq__dot_groups_vnni_all(total, tile, panels, depth, x, g, 0);
}

/* The product of a sum below 2^24 and a power of two is exact, so fused or not is the same. */
HRQ__FN_VNNI void hrq__dot_wide_vnni(double *total, const uint8_t *tile, size_t panels, size_t depth,
                                     const hrq__vectors *x, const hrq__groups *g)
{
    hrq__dot_groups_vnni_all(total, tile, panels, depth, x, g, 1);
}

/* ---- scales, finish, floats ---- */

HRQ__FN_AVX512 void hrq__scales_avx512(float *out, const uint8_t *p, size_t n, int kind)
{
    size_t i;
    for (i = 0; i < n; i += 16) {
        __m512i b, odd;
        __m512 v;
        if (kind == HRQ__SCALES_F16) {
            v = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p + 2 * i)));
        } else {
            b = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p + i)));
            if (kind == HRQ__SCALES_E8M0) { /* 0 is 2^-127, subnormal; 255 is NaN */
                odd = _mm512_maskz_mov_epi32(_mm512_cmpeq_epi32_mask(b, _mm512_setzero_si512()) |
                                                 _mm512_cmpeq_epi32_mask(b, _mm512_set1_epi32(255)),
                                             _mm512_set1_epi32(0x00400000));
                v = _mm512_castsi512_ps(_mm512_or_si512(_mm512_slli_epi32(b, 23), odd));
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

HRQ__FN_AVX512 void hrq__finish_avx512(float *y, const double *total, const float *scale, float x)
{
    __m512d by = _mm512_set1_pd((double)x);
    int i;
    HRQ__UNROLL
    for (i = 0; i < 16; i += 8)
        _mm256_storeu_ps(
            y + i, _mm512_cvtpd_ps(_mm512_mul_pd(_mm512_loadu_pd(total + i),
                                                 _mm512_mul_pd(_mm512_cvtps_pd(_mm256_loadu_ps(scale + i)), by))));
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

/* ---- encode: scans, codes, planes ---- */

HRQ__IN_AVX512 __mmask16 hrq__first16_avx512(size_t n) { return (__mmask16)(n < 16 ? (1u << n) - 1 : 0xffffu); }
HRQ__IN_AVX512 __mmask64 hrq__first64_avx512(size_t n) { return n < 64 ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0; }

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
            hrq__prefetch_avx512((const uint8_t *)(x + i), 256);
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
    __m512i base, least, half, top; /* floats: narrowing as hrq__narrow has it */
    __m512 magic, most, steps;      /* most, steps: fixed point                  */
    __m128i down, sign;
} hrq__coder_avx512;

/* By registers: a memset would put all of it into memory. */
HRQ__IN_AVX512 hrq__coder_avx512 hrq__coder_none_avx512(void)
{
    hrq__coder_avx512 c;
    c.lo = c.hi = c.offset = c.base = c.least = c.half = c.top = _mm512_setzero_si512();
    c.magic = c.most = c.steps = _mm512_setzero_ps();
    c.down = c.sign = _mm_setzero_si128();
    return c;
}

enum { HRQ__CODES_INT, HRQ__CODES_ZERO, HRQ__CODES_FLOAT, HRQ__CODES_FIXED };

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
    normal = _mm512_sub_epi32(mag, c->base);
    code = _mm512_and_si512(_mm512_srl_epi32(normal, c->down), _mm512_set1_epi32(1));
    normal = _mm512_srl_epi32(_mm512_add_epi32(_mm512_add_epi32(normal, c->half), code), c->down);
    small = _mm512_sub_epi32(_mm512_castps_si512(_mm512_add_ps(magnitude, c->magic)), _mm512_castps_si512(c->magic));
    code = _mm512_mask_mov_epi32(normal, _mm512_cmplt_epu32_mask(mag, c->least), small);
    code = _mm512_min_epu32(code, c->top);
    return _mm512_or_si512(code, _mm512_sll_epi32(_mm512_srli_epi32(_mm512_castps_si512(v), 31), c->sign));
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
HRQ__IN_AVX512 void hrq__code_avx512(uint8_t *out, const float *x, size_t n, const hrq__code_args *a,
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
    if (a->zero) hrq__code_avx512(out, x, n, a, &c, HRQ__CODES_ZERO);
    else hrq__code_avx512(out, x, n, a, &c, HRQ__CODES_INT);
}

HRQ__FN_AVX512 void hrq__code_float_avx512(uint8_t *out, const float *x, size_t n, const hrq__code_args *a)
{
    hrq__coder_avx512 c = hrq__coder_none_avx512();
    hrq__small t = a->type;
    if (t.exp == 0) {
        c.steps = _mm512_set1_ps((float)(1 << t.man));
        c.most = _mm512_set1_ps(127.0f / (float)(1 << t.man));
        hrq__code_avx512(out, x, n, a, &c, HRQ__CODES_FIXED);
        return;
    }
    c.base = _mm512_set1_epi32((127 - t.bias) << 23);
    c.least = _mm512_set1_epi32((128 - t.bias) << 23);
    c.half = _mm512_set1_epi32((1 << (22 - t.man)) - 1);
    c.top = _mm512_set1_epi32((int)t.top);
    c.magic = _mm512_castsi512_ps(_mm512_set1_epi32((127 + 24 - t.bias - t.man) << 23));
    c.down = _mm_cvtsi32_si128(23 - t.man);
    c.sign = _mm_cvtsi32_si128(t.exp + t.man);
    hrq__code_avx512(out, x, n, a, &c, HRQ__CODES_FLOAT);
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

HRQ__FN_AVX512 void hrq__norms_avx512(hrq__norm *norm, const float *row, const float *group)
{
    __m512 one = _mm512_set1_ps(1.0f), big = _mm512_set1_ps(18446744073709551616.0f), zero = _mm512_setzero_ps();
    __m512 small = _mm512_div_ps(one, big), scale = _mm512_mul_ps(_mm512_loadu_ps(row), _mm512_loadu_ps(group));
    __m512 a = _mm512_abs_ps(scale), pre = one, inv;
    __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    __m512i high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    pre = _mm512_mask_mov_ps(
        pre, _mm512_cmp_ps_mask(a, zero, _CMP_GT_OQ) & _mm512_cmp_ps_mask(a, small, _CMP_LT_OQ), big);
    pre = _mm512_mask_mov_ps(pre, _mm512_cmp_ps_mask(a, big, _CMP_GE_OQ), small);
    scale = _mm512_mul_ps(scale, pre);
    inv = _mm512_maskz_div_ps(_mm512_cmp_ps_mask(scale, zero, _CMP_NEQ_UQ), one, scale);
    _mm512_storeu_ps((float *)norm, _mm512_permutex2var_ps(pre, low, inv));
    _mm512_storeu_ps((float *)norm + 16, _mm512_permutex2var_ps(pre, high, inv));
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

#endif /* HRQ__AVX512 */

//==================================================================================================
//  [e] The rows of the kernel table
//==================================================================================================

#ifdef HRQ__AVX512
    #define HRQ__ROWS_AVX512                                                                      \
        {"avx512vnni",                                                                            \
         HRQ__HAS_VNNI,                                                                           \
         128,                                                                                     \
         hrq__prepare_vnni,                                                                       \
         {NULL, NULL, hrq__decode_int_avx512, hrq__decode_table_vnni, hrq__decode_voronoi_scalar, \
          hrq__decode_box_vnni, hrq__decode_trellis_scalar, hrq__decode_int_avx512},              \
         hrq__dot_s8_vnni,                                                                        \
         hrq__dot_groups_vnni,                                                                    \
         hrq__dot_wide_vnni,                                                                      \
         hrq__scales_avx512,                                                                      \
         hrq__finish_avx512,                                                                      \
         hrq__tile_f32_avx512,                                                                    \
         hrq__dot_f32_avx512,                                                                     \
         hrq__fma_tile_avx512,                                                                    \
         12,                                                                                      \
         32,                                                                                      \
         hrq__extents_avx512,                                                                     \
         hrq__dot16_avx512,                                                                       \
         hrq__sum16_avx512,                                                                       \
         hrq__code_int_avx512,                                                                    \
         hrq__code_float_avx512,                                                                  \
         hrq__pack_avx512,                                                                        \
         hrq__group_scales_avx512,                                                                \
         hrq__norms_avx512,                                                                       \
         hrq__act_s8_avx512,                                                                      \
         hrq__hadamard_avx512,                                                                    \
         hrq__paley_avx512},
#else
    #define HRQ__ROWS_AVX512
#endif

#define HRQ__SIMD_ROWS HRQ__ROWS_AVX512
