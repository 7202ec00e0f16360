/* hrq_simd.h: AVX2, AVX-512 and NEON kernels of hrq (see hrq.h). MIT licence, as hrq.h.

   Lay it beside hrq.h, which picks it up by itself; HRQ_NO_SIMD, HRQ_NO_AVX2, HRQ_NO_AVX512, HRQ_NO_NEON say no. No
   compiler flags: every function carries its target, and the machine is asked at run time.

   CONTENTS   [a] targets and detection    [b] AVX2    [c] AVX-512    [d] NEON    [e] the rows of the kernel table

   Contracts and scalar specifications are in hrq.h [6i]; every kernel gives the same bits as its scalar twin. In each
   ISA the kernels stand in the same order: helpers, prepare, decode (int, table, voronoi, box, trellis), dot (s8,
   groups), scales, finish, tile_f32, dot_f32, fma_tile.

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

/* Equal values in different registers: GCC otherwise takes one and copies it in every turn of a loop. */
#define HRQ__OPAQUE(reg) __asm__("" : "+v"(reg))

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
#ifndef HRQ__AHEAD
    #define HRQ__AHEAD 4096
#endif

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
        uint64_t map[5] = {0, 0, 0, 0, 0}; /* of this byte, the one before, the one before that; raw planes of 1, 2 bits */
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

/* Values of a Voronoi code by digit | coset << 4 | flip << 5 | scale << 6, and (|residual| - coset) / 2 by the lower
   five bits. */
HRQ__INLINE void hrq__values_vnni(uint8_t *maps, const hrq__decode_args *a)
{
    int i, q = (int)a->q, y, k;
    for (i = 0; i < 64; i++) {
        y = 2 * (i % 16 % q) + (i >> 4 & 1);
        y -= y >= q ? 2 * q : 0;
        maps[256 + i] = (uint8_t)(((y < 0 ? -y : y) - (i >> 4 & 1)) / 2);
        if (i & 32) y += y < 0 ? 2 * q : -2 * q;
        for (k = 0; k < 4; k++)
            maps[64 * k + i] =
                (uint8_t)((unsigned)hrq__clampi(y * (k < (int)a->scales ? a->multiple[k] : 0), -a->clamp, a->clamp) ^ a->flip);
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
        for (i = 0; i < 256; i++) maps[i] = (uint8_t)((unsigned)a->level[i % count] ^ a->flip);
    } else if (codec == HRQ__CODEC_TRELLIS) {
        hrq__maps_vnni(maps, a);
    } else if (codec == HRQ__CODEC_VORONOI && a->clamp == 127) {
        hrq__values_vnni(maps, a);
    }
}

/* ---- where decoded bytes go: a tile, or products with one vector ---- */

enum { HRQ__TO_TILE, HRQ__TO_INTEGERS, HRQ__TO_GROUPS16, HRQ__TO_GROUPS32 }; /* groups of 16; of multiples of 32 */

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
    s->lo += 8 * s->stride;
    s->x += 32;
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

HRQ__IN_VNNI hrq__sink_vnni hrq__sink_one_vnni(const void *sum, const hrq__vectors *x, const hrq__groups *g, int32_t bias)
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
        _mm512_storeu_si512(sum, _mm512_add_epi32(_mm512_loadu_si512(sum), _mm512_sub_epi32(hrq__sink_sum_vnni(s), _mm512_set1_epi32(bias))));
    }
}

/* Whole superblocks, and whole groups, that one of these goes through; *to: how. 0: none. */
HRQ__INLINE size_t hrq__sink_supers(size_t cols8, const hrq__groups *g, int *to)
{
    *to = !g ? HRQ__TO_INTEGERS : g->group == 16 ? HRQ__TO_GROUPS16 : HRQ__TO_GROUPS32;
    if (*to == HRQ__TO_GROUPS32) return g->group % 32 ? 0 : cols8 / g->group * (g->group / 32);
    return cols8 / 32;
}

/* ---- decode: a superblock is 8 registers, one a coordinate: the quads of its tile in order ---- */

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

/* Code j of `bits` bits of a superblock as bytes; what is or-ed into them comes in. */
HRQ__IN_AVX512 __m512i hrq__code_avx512(__m512i code, const uint8_t *p, int bits, int j)
{
    if (bits & 1) code = hrq__part_avx512(code, p, 1, j, 0);
    if (bits & 2) code = hrq__part_avx512(code, p + 64 * (bits & 1), 2, j, bits & 1);
    if (bits & 4) code = hrq__part_avx512(code, p + 64 * (bits & 3), 4, j, bits & 3);
    if (bits & 8) code = hrq__part_avx512(code, p + 64 * (bits & 7), 8, j, bits & 7);
    return code;
}

HRQ__IN_AVX512 void hrq__prefetch_avx512(const uint8_t *p, int lines)
{
    int i;
    HRQ__UNROLL
    for (i = 0; i < lines; i++) _mm_prefetch((const char *)(p + HRQ__AHEAD + 64 * i), _MM_HINT_T0);
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
            v = hrq__code_avx512(_mm512_setzero_si512(), codes, bits, j);
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

HRQ__IN_VNNI __m512i hrq__look_up_vnni(const hrq__table_vnni *t, __m512i index, int size)
{
    __m512i low;
    if (size <= 64) return _mm512_permutexvar_epi8(index, t->part[0]);
    low = _mm512_permutex2var_epi8(t->part[0], index, t->part[1]);
    if (size <= 128) return low;
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index), _mm512_permutex2var_epi8(t->part[2], index, t->part[3]));
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
            v = hrq__code_avx512(_mm512_setzero_si512(), codes, bits, j);
            if (to == HRQ__TO_TILE && hi)
                _mm512_storeu_si512(hi + (size_t)j * s->stride, hrq__look_up_vnni(&high, v, 1 << bits));
            hrq__emit_vnni(s, to, j, hrq__look_up_vnni(&low, v, 1 << bits));
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

/* E8 Voronoi codes, q = 4, 8, 16, exact: bytes alone, no squares; the letters are those of hrq__e8_residual, in half
   units. All n of a block come from digits; their parities (the coset, and whether the even coset's point has an odd
   sum) are xors of the digits' lowest and highest bits. Keys 8 |r| + place are all different: one maximum and one
   minimum find the coordinate to flip, the first on ties. Multiples of scales are in the table that ends it. */
HRQ__IN_VNNI void hrq__voronoi_vnni(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int bits, int index_bits,
                                    const hrq__decode_args *a)
{
    hrq__table_vnni value = hrq__table_load_vnni(a->maps);
    __m512i distance = _mm512_loadu_si512(a->maps + 256), seven = _mm512_set1_epi8(7);
    int j, q = 1 << bits;
    for (; supers > 0; supers--, codes += 64 * bits + 8 * index_bits) {
        __m512i n[8], key[8], sum, most, least, all, coset, top = _mm512_set1_epi8((char)(q / 2)), c0, c1, change;
        __mmask64 odd0, odd1, other, flips;
        hrq__prefetch_avx512(codes, bits);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) n[j] = hrq__code_avx512(_mm512_setzero_si512(), codes, bits, j);
        all = _mm512_ternarylogic_epi64(n[0], n[1], n[2], 0x96);
        all = _mm512_ternarylogic_epi64(all, n[3], n[4], 0x96);
        all = _mm512_ternarylogic_epi64(_mm512_xor_si512(all, n[5]), n[6], n[7], 0x96);
        coset = _mm512_slli_epi16(_mm512_and_si512(all, _mm512_set1_epi8(1)), 4);
        odd0 = _mm512_test_epi8_mask(all, top);
        odd1 = _mm512_testn_epi8_mask(n[0], top); /* digit 0's spare bit is n_7's highest */
        n[0] = _mm512_andnot_si512(top, n[0]);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            __m512i d;
            n[j] = _mm512_or_si512(n[j], coset);
            d = _mm512_permutexvar_epi8(n[j], distance);
            key[j] = _mm512_add_epi8(_mm512_slli_epi16(d, 3), _mm512_set1_epi8((char)(7 - j)));
            sum = j ? _mm512_add_epi8(sum, d) : d;
            most = j ? _mm512_max_epu8(most, key[j]) : key[j];
            d = _mm512_xor_si512(key[j], seven);
            least = j ? _mm512_min_epu8(least, d) : d;
        }
        coset = _mm512_srli_epi16(coset, 4);
        c0 = _mm512_and_si512(_mm512_srli_epi16(most, 2), _mm512_set1_epi8(0x3e)); /* twice the largest distance */
        c0 = _mm512_maskz_sub_epi8(odd0, _mm512_sub_epi8(_mm512_set1_epi8((char)q), coset), c0);
        c1 = _mm512_sub_epi8(_mm512_sub_epi8(_mm512_set1_epi8((char)(2 * q)), sum), _mm512_slli_epi16(coset, 2));
        change = _mm512_and_si512(_mm512_srli_epi16(least, 2), _mm512_set1_epi8(0x3e));
        c1 = _mm512_mask_add_epi8(c1, odd1, c1, _mm512_add_epi8(change, coset));
        other = _mm512_cmplt_epi8_mask(c1, c0);
        flips = (odd1 & other) | (odd0 & ~other);
        most = _mm512_mask_mov_epi8(most, other, _mm512_xor_si512(least, seven));
        change = _mm512_or_si512(_mm512_maskz_mov_epi8(other, top), hrq__indices_vnni(codes + 64 * bits, index_bits, 6));
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            n[j] = _mm512_xor_si512(n[j], change);
            n[j] = _mm512_mask_add_epi8(n[j], _mm512_mask_cmpeq_epi8_mask(flips, key[j], most), n[j], _mm512_set1_epi8(32));
            hrq__emit_vnni(s, to, j, hrq__look_up_vnni(&value, n[j], 64 << index_bits));
        }
    }
}

HRQ__IN_VNNI size_t hrq__voronoi_vnni_all(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers,
                                          const hrq__decode_args *a)
{
    if (a->lattice != HRQ__LATTICE_E8 || a->layers != 1 || a->clamp != 127 || a->digit_bits || a->scales > 4) return 0;
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

/* Box codes: coset = parity of the labels' lowest bits, one affine map of the planes' xor; then class, coset and label
   are an index. 64 weights: a shift, a ternary logic and a look-up. */
HRQ__IN_VNNI void hrq__box_vnni(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int bits, int index_bits,
                                const hrq__decode_args *a)
{
    hrq__table_vnni table = hrq__table_load_vnni(a->maps);
    uint64_t lowest = bits == 2 ? 0x55 : bits == 3 ? 0xff : 0x11; /* of the bytes below, bits that are labels' lowest */
    __m512i map = _mm512_set1_epi64((long long)(lowest << 8 * (7 - bits))), odd, above;
    int j;
    for (; supers > 0; supers--, codes += 64 * bits + 8 * index_bits) {
        hrq__prefetch_avx512(codes, bits);
        odd = _mm512_loadu_si512(codes);
        if (bits != 3) odd = _mm512_xor_si512(odd, _mm512_loadu_si512(codes + 64));
        if (bits == 4) odd = _mm512_ternarylogic_epi64(odd, _mm512_loadu_si512(codes + 128), _mm512_loadu_si512(codes + 192), 0x96);
        above = _mm512_or_si512(_mm512_gf2p8affine_epi64_epi8(odd, map, 0), hrq__indices_vnni(codes + 64 * bits, index_bits, bits + 1));
        HRQ__UNROLL
        for (j = 0; j < 8; j++)
            hrq__emit_vnni(s, to, j, hrq__look_up_vnni(&table, hrq__code_avx512(above, codes, bits, j), 2 << (bits + index_bits)));
    }
}

HRQ__IN_VNNI size_t hrq__box_vnni_all(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, const hrq__decode_args *a)
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

/* Trellis codes: no recurrence, since a window is in at most three bytes of the row. 64 weights: an affine map of each
   of these and of the raw planes, xor, look-up; 256 levels: the mirrored half is subtracted, 0 - (128 + v) = 128 - v.
   far: steps whose windows reach the third byte. */
HRQ__IN_VNNI void hrq__trellis_vnni(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers, int bits, int far,
                                    const hrq__decode_args *a)
{
    __m512i last = _mm512_loadu_si512(a->past), older = _mm512_loadu_si512(a->past + 64);
    __m512i low = _mm512_loadu_si512(a->maps + 512), high = _mm512_loadu_si512(a->maps + 576), now, index, v;
    int j;
    for (; supers > 0; supers--, codes += 64 * bits) {
        hrq__prefetch_avx512(codes, bits);
        now = _mm512_loadu_si512(codes);
        HRQ__UNROLL
        for (j = 0; j < 8; j++) {
            const long long *map = (const long long *)(const void *)(a->maps + 64 * j);
            index = _mm512_xor_si512(_mm512_gf2p8affine_epi64_epi8(now, _mm512_set1_epi64(map[0]), 0),
                                     _mm512_gf2p8affine_epi64_epi8(last, _mm512_set1_epi64(map[1]), 0));
            if (j < far) index = _mm512_xor_si512(index, _mm512_gf2p8affine_epi64_epi8(older, _mm512_set1_epi64(map[2]), 0));
            if (bits != 3) /* raw bits: one; one and two */
                index = _mm512_xor_si512(index, _mm512_gf2p8affine_epi64_epi8(_mm512_loadu_si512(codes + 64), _mm512_set1_epi64(map[3]), 0));
            if (bits != 2) {
                v = _mm512_loadu_si512(codes + 64 * (bits - 2 + j % 2));
                index = _mm512_xor_si512(index, _mm512_gf2p8affine_epi64_epi8(v, _mm512_set1_epi64(map[4]), 0x7f));
                v = _mm512_permutex2var_epi8(low, index, high);
                v = _mm512_mask_sub_epi8(v, _mm512_testn_epi8_mask(index, _mm512_set1_epi8((char)128)), _mm512_setzero_si512(), v);
            } else {
                v = _mm512_permutexvar_epi8(index, low);
            }
            hrq__emit_vnni(s, to, j, v);
        }
        older = last;
        last = now;
    }
    _mm512_storeu_si512(a->past, last);
    _mm512_storeu_si512(a->past + 64, older);
}

HRQ__IN_VNNI size_t hrq__trellis_vnni_all(hrq__sink_vnni *s, int to, const uint8_t *codes, size_t supers,
                                          const hrq__decode_args *a)
{
    uint16_t reach = a->hash[a->parities - 1];
    int far = reach >> 11 ? 6 : 2;
    switch (a->code_bits << 4 | (unsigned)far) {
    case 0x12: hrq__trellis_vnni(s, to, codes, supers, 2, 2, a); break;
    case 0x16: hrq__trellis_vnni(s, to, codes, supers, 2, 6, a); break;
    case 0x22: hrq__trellis_vnni(s, to, codes, supers, 3, 2, a); break;
    case 0x26: hrq__trellis_vnni(s, to, codes, supers, 3, 6, a); break;
    case 0x32: hrq__trellis_vnni(s, to, codes, supers, 4, 2, a); break;
    case 0x36: hrq__trellis_vnni(s, to, codes, supers, 4, 6, a); break;
    default: return 0;
    }
    return 32 * supers;
}

HRQ__FN_VNNI size_t hrq__decode_int_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8, const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    (void)hi;
    return hrq__int_vnni_all(&s, HRQ__TO_TILE, codes, cols8 / 32, a);
}

HRQ__FN_VNNI size_t hrq__decode_table_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8, const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    return hrq__table_vnni_all(&s, HRQ__TO_TILE, a->clamp > 127 ? hi : NULL, codes, cols8 / 32, a);
}

HRQ__FN_VNNI size_t hrq__decode_voronoi_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8, const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    (void)hi;
    return hrq__voronoi_vnni_all(&s, HRQ__TO_TILE, codes, cols8 / 32, a);
}

HRQ__FN_VNNI size_t hrq__decode_box_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8, const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    (void)hi;
    return hrq__box_vnni_all(&s, HRQ__TO_TILE, codes, cols8 / 32, a);
}

HRQ__FN_VNNI size_t hrq__decode_trellis_vnni(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8, const hrq__decode_args *a)
{
    hrq__sink_vnni s = hrq__sink_tile_vnni(lo, a);
    (void)hi;
    return cols8 < 32 ? 0 : hrq__trellis_vnni_all(&s, HRQ__TO_TILE, codes, cols8 / 32, a);
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
    else if (a->code_bits == 4) hrq__table_vnni_run(&s, HRQ__TO_GROUPS16, NULL, codes, supers, 4, a), done = 32 * supers;
    if (done) hrq__sink_end_vnni(sum, &s, supers);
    return done;
}

HRQ__FN_VNNI size_t hrq__one_voronoi_vnni(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                          const hrq__vectors *x, const hrq__groups *g)
{
    hrq__sink_vnni s = hrq__sink_one_vnni(sum, x, g, 128);
    size_t done = hrq__voronoi_vnni_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, a);
    if (done) hrq__sink_end_vnni(sum, &s, cols8 / 32);
    return done;
}

HRQ__FN_VNNI size_t hrq__one_box_vnni(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                      const hrq__vectors *x, const hrq__groups *g)
{
    hrq__sink_vnni s = hrq__sink_one_vnni(sum, x, g, 128);
    size_t done = hrq__box_vnni_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, a);
    if (done) hrq__sink_end_vnni(sum, &s, cols8 / 32);
    return done;
}

HRQ__FN_VNNI size_t hrq__one_trellis_vnni(void *sum, const uint8_t *codes, size_t cols8, const hrq__decode_args *a,
                                          const hrq__vectors *x, const hrq__groups *g)
{
    hrq__sink_vnni s = hrq__sink_one_vnni(sum, x, g, 128);
    size_t done = cols8 < 32 ? 0 : hrq__trellis_vnni_all(&s, HRQ__TO_INTEGERS, codes, cols8 / 32, a);
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
            for (i = 0; i < p; i++) w[i] = _mm512_loadu_si512(tile + 64 * (k * p + i));
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

/* 128 times the sum of a vector's columns 8 from ... 8 end: what the bytes' offset adds to its products. */
HRQ__INLINE int32_t hrq__bias(const hrq__vectors *x, size_t t, size_t from, size_t end)
{
    const int32_t *sums = x->sums + t * x->lds;
    return (int32_t)(128u * ((uint32_t)sums[end] - (uint32_t)sums[from]));
}

/* Sums stay below 255 * 127 * 65536 < 2^31. */
HRQ__IN_VNNI void hrq__dot_s8_vnni_block(int32_t *out, const uint8_t *tile, size_t depth, const hrq__vectors *x,
                                         size_t t0, int m, int p)
{
    __m512i acc[24];
    int t, i;
    out += t0 * 16 * (size_t)p;
    if (m == 6) { /* the next six vectors' sums; these vectors' next columns, for the next tile */
        HRQ__UNROLL
        for (t = 0; t < m * p; t++) _mm_prefetch((const char *)(out + 16 * (m * p + t)), _MM_HINT_T0);
        HRQ__UNROLL
        for (t = 0; t < 4 * m; t++)
            _mm_prefetch((const char *)(x->x + (t0 + (size_t)(t / 4)) * x->ldx + depth + 64 * (size_t)(t % 4)),
                         _MM_HINT_T1);
    }
    HRQ__UNROLL
    for (t = 0; t < m; t++) {
        __m512i bias = _mm512_set1_epi32(hrq__bias(x, t0 + (size_t)t, 0, depth / 8));
        HRQ__UNROLL
        for (i = 0; i < p; i++) acc[t * p + i] = _mm512_sub_epi32(_mm512_loadu_si512(out + 16 * (t * p + i)), bias);
    }
    hrq__dot_vnni_tile(acc, tile, depth / 4, x->x + t0 * x->ldx, x->ldx, m, p, 1);
    HRQ__UNROLL
    for (t = 0; t < m * p; t++) _mm512_storeu_si512(out + 16 * t, acc[t]);
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

/* Groups: the integers of one, less zero points, to float, scaled, added. Totals of three vectors stay in registers beside the
   integers. */
HRQ__IN_VNNI void hrq__dot_groups_vnni_block(float *out, const uint8_t *tile, size_t depth, const hrq__vectors *x,
                                             const hrq__groups *g, size_t t0, int m, int p, int zeros, int step,
                                             int fixed)
{
    size_t from, end, rows = 16 * (size_t)p, at = 0;
    __m512 total[12];
    int t, i;
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
            int32_t bias = hrq__bias(x, t0 + (size_t)t, from / 8, end / 8);
            __m512i minus = _mm512_set1_epi32((int32_t)(0u - (uint32_t)bias));
            HRQ__UNROLL
            for (i = 0; i < p; i++) {
                acc[t * p + i] = minus;
                if (zeros) /* |zero| <= 128, |sum of a group| < 2^23 */
                    acc[t * p + i] =
                        _mm512_sub_epi32(minus, _mm512_mullo_epi32(_mm512_srai_epi32(_mm512_set1_epi32(bias), 7),
                                                                   _mm512_loadu_si512(g->zero + at + 16 * i)));
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

HRQ__FN_AVX512 void hrq__scales_avx512(float *out, const uint8_t *p, size_t n, int kind, unsigned top)
{
    size_t i;
    for (i = 0; i < n; i += 16) {
        __m512i b;
        __m512 v;
        if (kind == HRQ__SCALES_F16) {
            v = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p + 2 * i)));
        } else {
            b = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p + i)));
            if (kind == HRQ__SCALES_E8M0) { /* exponents 67 ... 127 */
                v = _mm512_castsi512_ps(
                    _mm512_slli_epi32(_mm512_add_epi32(b, _mm512_set1_epi32(127 - (int)top)), 23));
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

#endif /* HRQ__AVX512 */

//==================================================================================================
//  [d] NEON       AArch64; dot products of bytes (Armv8.4) and products of 2 x 8 matrices (Armv8.6) above it
//==================================================================================================

#ifdef HRQ__NEON

/* ---- prepare and decode: 16 lanes of a superblock at a time, 8 registers, one a coordinate. flip is 0 ---- */

enum { HRQ__NEON_HASH = 5 * 4 * 16 }; /* trellis: bytes of tables of the hash, before those of levels */

/* What nibble v of the coded bits, d nibbles before the newest bit's, adds to the hash where that bit is bit `step` of
   its own nibble. */
static unsigned hrq__nibble_hash(const hrq__decode_args *a, int step, int d, unsigned v)
{
    int age = step + 4 * d - 3, bit;
    unsigned window = 0;
    for (bit = 3; bit >= 0; bit--, age++)
        if (age >= 0 && age < 16) window |= (v >> bit & 1u) << age;
    return hrq__tcq_hash(a->hash, a->parities, window);
}

/* Floats: bytes of values by code, lo, then hi, 256 each. Voronoi: 16 multiples, then whether they are bytes. Box:
   levels by class, coset, label. Trellis: hash [4 steps][5 nibbles][16], then the lower 128 levels. */
static void hrq__prepare_neon(uint8_t *maps, int codec, const hrq__decode_args *a)
{
    unsigned i, count;
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
        for (i = 0; i < 256; i++) maps[i] = (uint8_t)a->level[i % count];
    } else if (codec == HRQ__CODEC_TRELLIS) {
        count = 1u << (a->code_bits + a->parities);
        for (i = 0; i < HRQ__NEON_HASH; i++)
            maps[i] = (uint8_t)hrq__nibble_hash(a, (int)(i / 80), (int)(i / 16 % 5), i % 16);
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

/* Coordinate j of the planes of one part of codes, w bits wide, put in at bit `shift`. */
HRQ__IN_NEON uint8x16_t hrq__part_neon(uint8x16_t code, const uint8_t *p, int w, int j, int shift)
{
    uint8x16_t v = hrq__down_neon(vld1q_u8(p + 64 * (j % w)), j / w * w - shift);
    uint8x16_t mask = vdupq_n_u8((uint8_t)(((1 << w) - 1) << shift));
    if (shift > 0) return vbslq_u8(mask, v, code);
    return vorrq_u8(code, j / w < 8 / w - 1 ? vandq_u8(v, mask) : v); /* the top bits need no mask */
}

/* Codes of `bits` bits of 16 lanes as bytes, one register a coordinate, put in at bit `at`. */
HRQ__IN_NEON void hrq__planes_neon(uint8x16_t code[8], const uint8_t *p, int bits, int at)
{
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) {
        if (bits & 1) code[j] = hrq__part_neon(code[j], p, 1, j, at);
        if (bits & 2) code[j] = hrq__part_neon(code[j], p + 64 * (bits & 1), 2, j, at + (bits & 1));
        if (bits & 4) code[j] = hrq__part_neon(code[j], p + 64 * (bits & 3), 4, j, at + (bits & 3));
        if (bits & 8) code[j] = hrq__part_neon(code[j], p + 64 * (bits & 7), 8, j, at + (bits & 7));
    }
}

HRQ__IN_NEON void hrq__fill_neon(uint8x16_t code[8], uint8x16_t with)
{
    int j;
    HRQ__UNROLL
    for (j = 0; j < 8; j++) code[j] = with;
}

/* Integers: shift, mask, then one addition. Bits are a constant: one body for all. 4 bits, 128 weights: 4 loads, 16
   operations, 8 stores. llvm-mca 19, cycles a weight: neoverse-v1 0.048, neoverse-n1 0.126, apple-m1 0.054. */
HRQ__IN_NEON void hrq__int_neon(uint8_t *lo, const uint8_t *codes, size_t supers, int bits, const hrq__decode_args *a)
{
    uint8x16_t offset = vdupq_n_u8((uint8_t)(0u - (1u << (bits - 1)))), code[8];
    size_t h, stride = a->stride;
    int j;
    for (; supers > 0; supers--, codes += 64 * bits, lo += 8 * stride)
        for (h = 0; h < 64; h += 16) {
            hrq__fill_neon(code, vdupq_n_u8(0));
            hrq__planes_neon(code, codes + h, bits, 0);
            HRQ__UNROLL
            for (j = 0; j < 8; j++) vst1q_u8(lo + (size_t)j * stride + h, vaddq_u8(code[j], offset));
        }
}

HRQ__FN_NEON size_t hrq__decode_int_neon(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                         const hrq__decode_args *a)
{
    size_t supers = cols8 / 32;
    (void)hi;
    switch (a->code_bits) {
    case 1: hrq__int_neon(lo, codes, supers, 1, a); break;
    case 2: hrq__int_neon(lo, codes, supers, 2, a); break;
    case 3: hrq__int_neon(lo, codes, supers, 3, a); break;
    case 4: hrq__int_neon(lo, codes, supers, 4, a); break;
    case 5: hrq__int_neon(lo, codes, supers, 5, a); break;
    case 6: hrq__int_neon(lo, codes, supers, 6, a); break;
    case 7: hrq__int_neon(lo, codes, supers, 7, a); break;
    case 8: hrq__int_neon(lo, codes, supers, 8, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* A table of up to 256 bytes, looked up by bytes below its size. TBL gives 0 and TBX leaves what was there where an
   index is out of range, so larger tables are four registers after the other. */
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
    if (size > 64) v = vqtbx4q_u8(v, t->part[1], vsubq_u8(index, vdupq_n_u8(64)));
    if (size > 128) {
        v = vqtbx4q_u8(v, t->part[2], vsubq_u8(index, vdupq_n_u8(128)));
        v = vqtbx4q_u8(v, t->part[3], vsubq_u8(index, vdupq_n_u8(192)));
    }
    return v;
}

/* Codes through a table: floats whose values are integers. */
HRQ__IN_NEON void hrq__table_neon_run(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t supers, int bits,
                                      int wide, const hrq__decode_args *a)
{
    hrq__table_neon low, high;
    uint8x16_t code[8];
    size_t h, stride = a->stride;
    int j;
    hrq__table_load_neon(&low, a->maps, 1 << bits);
    hrq__table_load_neon(&high, a->maps + 256, wide ? 1 << bits : 0);
    for (; supers > 0; supers--, codes += 64 * bits, lo += 8 * stride, hi += wide ? 8 * stride : 0)
        for (h = 0; h < 64; h += 16) {
            hrq__fill_neon(code, vdupq_n_u8(0));
            hrq__planes_neon(code, codes + h, bits, 0);
            HRQ__UNROLL
            for (j = 0; j < 8; j++) {
                vst1q_u8(lo + (size_t)j * stride + h, hrq__look_up_neon(&low, code[j], 1 << bits));
                if (wide) vst1q_u8(hi + (size_t)j * stride + h, hrq__look_up_neon(&high, code[j], 1 << bits));
            }
        }
}

HRQ__FN_NEON size_t hrq__decode_table_neon(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                           const hrq__decode_args *a)
{
    size_t supers = cols8 / 32;
    switch (a->code_bits << 1 | (a->clamp > 127)) {
    case 4: hrq__table_neon_run(lo, hi, codes, supers, 2, 0, a); break;
    case 6: hrq__table_neon_run(lo, hi, codes, supers, 3, 0, a); break;
    case 8: hrq__table_neon_run(lo, hi, codes, supers, 4, 0, a); break;
    case 10: hrq__table_neon_run(lo, hi, codes, supers, 5, 0, a); break;
    case 12: hrq__table_neon_run(lo, hi, codes, supers, 6, 0, a); break;
    case 14: hrq__table_neon_run(lo, hi, codes, supers, 7, 0, a); break;
    case 16: hrq__table_neon_run(lo, hi, codes, supers, 8, 0, a); break;
    case 9: hrq__table_neon_run(lo, hi, codes, supers, 4, 1, a); break;
    case 11: hrq__table_neon_run(lo, hi, codes, supers, 5, 1, a); break;
    case 13: hrq__table_neon_run(lo, hi, codes, supers, 6, 1, a); break;
    case 15: hrq__table_neon_run(lo, hi, codes, supers, 7, 1, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* Scale indices of lanes h ... h + 15, a bit a plane of 64 bits, at bit `at` of bytes. */
HRQ__IN_NEON uint8x16_t hrq__indices_neon(const uint8_t *p, size_t h, unsigned bits, unsigned at)
{
    uint8x16_t one = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u)), out = vdupq_n_u8(0);
    unsigned b;
    for (b = 0; b < bits; b++) {
        const uint8_t *two = p + 8 * b + h / 8;
        uint8x16_t v = vcombine_u8(vdup_n_u8(two[0]), vdup_n_u8(two[1]));
        out = vorrq_u8(out, vandq_u8(vtstq_u8(v, one), vdupq_n_u8((uint8_t)(1u << (at + b)))));
    }
    return out;
}

/* Parity of the lowest bits of a lane's 8 codes of 2 to 4 bits, at bit `at`: xor of the planes that hold them, then
   the number of ones. */
HRQ__IN_NEON uint8x16_t hrq__coset_neon(const uint8_t *p, int bits, int at)
{
    uint8x16_t v = vld1q_u8(p);
    int j;
    HRQ__UNROLL
    for (j = 1; j < 4; j++)
        if (bits != 3 && j < bits) v = veorq_u8(v, vld1q_u8(p + 64 * j));
    if (bits != 3) v = vandq_u8(v, vdupq_n_u8(bits == 2 ? 0x55 : 0x11));
    return vandq_u8(hrq__down_neon(vcntq_u8(v), -at), vdupq_n_u8((uint8_t)(1u << at)));
}

/* E8, q = 2^bits, one layer, as hrq__e8_residual, 8 bits wide. u = 2 label + coset stands with its top bit in bit 7, so
   that as int8 it is the distance r to the even coset and its absolute value A. The labels' top bits are the parity of
   the even coset, digit 0's, where it is not set, that of the odd one. A in the top bits, the coordinate below them
   make keys that are all different: the worst coordinate is the one whose key is the greatest (the least, for the odd
   coset), the first where A ties. The odd coset is bit 7 turned over, a flip by 2 q bits 2 q and above.
   Sums of 8 A <= 8 q = 128 and costs, -64 ... 96, fit in a byte; r * multiple in int16, which saturates to int8. */
HRQ__IN_NEON void hrq__voronoi_neon_lanes(uint8_t *lo, const uint8_t *p, size_t h, int bits, int8x16_t multiple,
                                          size_t stride)
{
    const uint8_t q = (uint8_t)(1 << bits);
    const int up = 7 - bits;
    uint8x16_t code[8], key[8], odd0, odd1, low, top, sum, choice, worst, turn;
    int j;
    hrq__fill_neon(code, hrq__coset_neon(p + h, bits, up));
    hrq__planes_neon(code, p + h, bits, up + 1);
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
        vst1q_u8(lo + (size_t)j * stride + h, vreinterpretq_u8_s8(vmaxq_s8(r, vdupq_n_s8(-127))));
    }
}

HRQ__FN_NEON size_t hrq__decode_voronoi_neon(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                             const hrq__decode_args *a)
{
    size_t supers = cols8 / 32, h, stride = a->stride, bytes = 4 * a->lane_bytes;
    unsigned bits = a->code_bits, index_bits = a->scale_bits;
    uint8x16_t multiples;
    (void)hi;
    if (a->lattice != HRQ__LATTICE_E8 || a->layers != 1 || a->digit_bits || a->clamp != 127 || a->scale_bits > 4 ||
        bits < 2 || bits > 4 || a->q != 1u << bits || !a->maps[16])
        return 0;
    multiples = vld1q_u8(a->maps);
    for (; supers > 0; supers--, codes += bytes, lo += 8 * stride)
        for (h = 0; h < 64; h += 16) {
            uint8x16_t index = hrq__indices_neon(codes + 64 * bits, h, index_bits, 0);
            int8x16_t multiple = vreinterpretq_s8_u8(vqtbl1q_u8(multiples, index));
            if (bits == 2) hrq__voronoi_neon_lanes(lo, codes, h, 2, multiple, stride);
            else if (bits == 3) hrq__voronoi_neon_lanes(lo, codes, h, 3, multiple, stride);
            else hrq__voronoi_neon_lanes(lo, codes, h, 4, multiple, stride);
        }
    return cols8 / 32 * 32;
}

/* Box codes: class, coset and label are an index. llvm-mca 19, 4 bits, cycles a weight: 1 class neoverse-v1 0.098,
   neoverse-n1 0.19, apple-m1 0.095; 2 classes 0.13, 0.29, 0.13; 4 classes, two look-ups in 64 bytes, 0.28, 0.52,
   0.22. */
HRQ__IN_NEON void hrq__box_neon(uint8_t *lo, const uint8_t *codes, size_t supers, int bits, int classes,
                                const hrq__decode_args *a)
{
    const unsigned class_bits = classes == 8 ? 3u : (unsigned)classes / 2;
    hrq__table_neon table;
    uint8x16_t code[8];
    size_t h, stride = a->stride, bytes = 4 * a->lane_bytes;
    int j;
    hrq__table_load_neon(&table, a->maps, 2 * classes << bits);
    for (; supers > 0; supers--, codes += bytes, lo += 8 * stride)
        for (h = 0; h < 64; h += 16) {
            uint8x16_t above = hrq__coset_neon(codes + h, bits, bits);
            above = vorrq_u8(above, hrq__indices_neon(codes + 64 * bits, h, class_bits, (unsigned)bits + 1));
            hrq__fill_neon(code, above);
            hrq__planes_neon(code, codes + h, bits, 0);
            HRQ__UNROLL
            for (j = 0; j < 8; j++)
                vst1q_u8(lo + (size_t)j * stride + h, hrq__look_up_neon(&table, code[j], 2 * classes << bits));
        }
}

HRQ__FN_NEON size_t hrq__decode_box_neon(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                         const hrq__decode_args *a)
{
    size_t supers = cols8 / 32;
    (void)hi;
    switch (a->code_bits << 4 | a->scales) {
    case 0x21: hrq__box_neon(lo, codes, supers, 2, 1, a); break;
    case 0x22: hrq__box_neon(lo, codes, supers, 2, 2, a); break;
    case 0x24: hrq__box_neon(lo, codes, supers, 2, 4, a); break;
    case 0x28: hrq__box_neon(lo, codes, supers, 2, 8, a); break;
    case 0x31: hrq__box_neon(lo, codes, supers, 3, 1, a); break;
    case 0x32: hrq__box_neon(lo, codes, supers, 3, 2, a); break;
    case 0x34: hrq__box_neon(lo, codes, supers, 3, 4, a); break;
    case 0x38: hrq__box_neon(lo, codes, supers, 3, 8, a); break;
    case 0x41: hrq__box_neon(lo, codes, supers, 4, 1, a); break;
    case 0x42: hrq__box_neon(lo, codes, supers, 4, 2, a); break;
    case 0x44: hrq__box_neon(lo, codes, supers, 4, 4, a); break;
    case 0x48: hrq__box_neon(lo, codes, supers, 4, 8, a); break;
    default: return 0;
    }
    return 32 * supers;
}

/* Trellis: the hash is linear, so it is the xor of tables of the nibbles that the window meets; which tables, the step
   mod 4 says. 256 levels are looked up as 128: T[255 - n] = -T[n], and 255 - n is n with all bits turned over. */
HRQ__IN_NEON void hrq__trellis_neon(uint8_t *lo, const uint8_t *codes, size_t supers, int bits, int parities,
                                    int nibbles, const hrq__decode_args *a)
{
    const int size = 1 << (bits + parities);
    const uint8_t *one = a->past, *two = a->past + 64;
    const uint8_t *maps = a->maps;
    hrq__table_neon table;
    size_t h, stride = a->stride, bytes = 4 * a->lane_bytes;
    int j, d;
    hrq__table_load_neon(&table, a->maps + HRQ__NEON_HASH, size > 128 ? 128 : size);
    for (; supers > 0; supers--, two = one, one = codes, codes += bytes, lo += 8 * stride)
        for (h = 0; h < 64; h += 16) {
            uint8x16_t code[8], nibble[6], v[3];
            v[0] = vld1q_u8(two + h);
            v[1] = vld1q_u8(one + h);
            v[2] = vld1q_u8(codes + h);
            HRQ__UNROLL
            for (j = 0; j < 6; j++)
                nibble[j] = j % 2 ? vshrq_n_u8(v[j / 2], 4) : vandq_u8(v[j / 2], vdupq_n_u8(15));
            HRQ__UNROLL
            for (j = 0; j < 8; j++) {
                code[j] = vdupq_n_u8(0);
                HRQ__UNROLL
                for (d = 0; d < nibbles; d++)
                    code[j] = veorq_u8(code[j], vqtbl1q_u8(vld1q_u8(maps + 80 * (j % 4) + 16 * d),
                                                           nibble[4 + j / 4 - d]));
            }
            hrq__planes_neon(code, codes + 64 + h, bits, parities);
            HRQ__UNROLL
            for (j = 0; j < 8; j++) {
                uint8x16_t turn = vcltzq_s8(vreinterpretq_s8_u8(code[j])), level;
                if (size <= 128) level = hrq__look_up_neon(&table, code[j], size);
                else level = vsubq_u8(veorq_u8(hrq__look_up_neon(&table, veorq_u8(code[j], turn), 128), turn), turn);
                vst1q_u8(lo + (size_t)j * stride + h, level);
            }
        }
    memcpy(a->past + 64, two, 64);
    memcpy(a->past, one, 64);
}

HRQ__FN_NEON size_t hrq__decode_trellis_neon(uint8_t *lo, uint8_t *hi, const uint8_t *codes, size_t cols8,
                                             const hrq__decode_args *a)
{
    size_t supers = cols8 / 32;
    unsigned i, window = 0, nibbles;
    (void)hi;
    if (supers == 0) return 0;
    for (i = 0; i < a->parities; i++) window |= a->hash[i];
    nibbles = window < 1u << 9 ? 3 : window < 1u << 13 ? 4 : 5; /* that a window meets at most */
    switch (a->code_bits << 8 | a->parities << 4 | nibbles) {
    case 0x153: hrq__trellis_neon(lo, codes, supers, 1, 5, 3, a); break;
    case 0x154: hrq__trellis_neon(lo, codes, supers, 1, 5, 4, a); break;
    case 0x155: hrq__trellis_neon(lo, codes, supers, 1, 5, 5, a); break;
    case 0x263: hrq__trellis_neon(lo, codes, supers, 2, 6, 3, a); break;
    case 0x264: hrq__trellis_neon(lo, codes, supers, 2, 6, 4, a); break;
    case 0x265: hrq__trellis_neon(lo, codes, supers, 2, 6, 5, a); break;
    case 0x353: hrq__trellis_neon(lo, codes, supers, 3, 5, 3, a); break;
    case 0x354: hrq__trellis_neon(lo, codes, supers, 3, 5, 4, a); break;
    case 0x355: hrq__trellis_neon(lo, codes, supers, 3, 5, 5, a); break;
    default: return 0;
    }
    return 32 * supers;
}

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
HRQ__IN_DOTPROD int32x4_t hrq__sdot(int32x4_t acc, int8x16_t w, int8x16_t v, int lane)
{
    switch (lane) {
    case 0: return vdotq_laneq_s32(acc, w, v, 0);
    case 1: return vdotq_laneq_s32(acc, w, v, 1);
    case 2: return vdotq_laneq_s32(acc, w, v, 2);
    default: return vdotq_laneq_s32(acc, w, v, 3);
    }
}

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

HRQ__FN_NEON void hrq__scales_neon(float *out, const uint8_t *p, size_t n, int kind, unsigned top)
{
    uint32x4_t up = vdupq_n_u32(kind == HRQ__SCALES_E8M0 ? 127u - top : 0);
    size_t i;
    for (i = 0; i < n; i += 8) {
        if (kind == HRQ__SCALES_F16) {
            uint16x8_t v = vreinterpretq_u16_u8(vld1q_u8(p + 2 * i));
            uint16x8_t nan = vcgtq_u16(vandq_u16(v, vdupq_n_u16(0x7fff)), vdupq_n_u16(0x7c00));
            v = vorrq_u16(v, vandq_u16(nan, vdupq_n_u16(0x200))); /* quiet: SIMDe's conversion leaves it as it is */
            vst1q_f32(out + i, vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(v))));
            vst1q_f32(out + i + 4, vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(v))));
        } else {
            uint16x8_t b = vmovl_u8(vld1_u8(p + i));
            vst1q_f32(out + i, hrq__scales_neon_four(vaddw_u16(up, vget_low_u16(b)), kind));
            vst1q_f32(out + i + 4, hrq__scales_neon_four(vaddw_u16(up, vget_high_u16(b)), kind));
        }
    }
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

/* A quad's 16 words: byte i of each, sign-extended by two shifts, is column i. */
HRQ__FN_NEON void hrq__tile_f32_neon(float *out, const uint8_t *lo, const uint8_t *hi, size_t cols, unsigned flip)
{
    uint8x16_t turn = vdupq_n_u8((uint8_t)flip);
    size_t c, i;
    for (c = 0; c < cols; c++) {
        int32x4_t up = vdupq_n_s32((int32_t)(24 - c % 4 * 8));
        for (i = 0; i < 4; i++) {
            size_t at = c / 4 * 64 + 16 * i;
            int32x4_t v = vreinterpretq_s32_u8(veorq_u8(vld1q_u8(lo + at), turn));
            v = vshrq_n_s32(vshlq_s32(v, up), 24);
            if (hi) {
                int32x4_t h = vreinterpretq_s32_u8(veorq_u8(vld1q_u8(hi + at), turn));
                v = vaddq_s32(v, vshlq_n_s32(vshrq_n_s32(vshlq_s32(h, up), 24), 8));
            }
            vst1q_f32(out + 16 * c + 4 * i, vcvtq_f32_s32(v));
        }
    }
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

#endif /* HRQ__NEON */

//==================================================================================================
//  [e] The rows of the kernel table
//==================================================================================================

#ifdef HRQ__AVX512
    #define HRQ__ROWS_AVX512                                                                                     \
        {"avx512vnni", HRQ__HAS_VNNI, 128, hrq__prepare_vnni,                                                    \
         {NULL, NULL, hrq__decode_int_vnni, hrq__decode_table_vnni, hrq__decode_voronoi_vnni,                    \
          hrq__decode_box_vnni, hrq__decode_trellis_vnni, hrq__decode_int_vnni},                                 \
         {NULL, NULL, hrq__one_int_vnni, hrq__one_table_vnni, hrq__one_voronoi_vnni, hrq__one_box_vnni,          \
          hrq__one_trellis_vnni, hrq__one_int_vnni},                                                             \
         hrq__dot_s8_vnni, hrq__dot_groups_vnni, hrq__scales_avx512, hrq__finish_avx512, hrq__tile_f32_avx512,   \
         hrq__dot_f32_avx512, hrq__fma_tile_avx512, 12, 32},
#else
    #define HRQ__ROWS_AVX512
#endif

#ifdef HRQ__NEON
    #define HRQ__ROW_NEON(isa, need, dots)                                                                       \
        {isa, need, 0, hrq__prepare_neon,                                                                        \
         {NULL, NULL, hrq__decode_int_neon, hrq__decode_table_neon, hrq__decode_voronoi_neon,                    \
          hrq__decode_box_neon, hrq__decode_trellis_neon, hrq__decode_int_neon},                                 \
         {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},                                                       \
         hrq__dot_s8_##dots, hrq__dot_groups_##dots, hrq__scales_neon, hrq__finish_neon, hrq__tile_f32_neon,     \
         hrq__dot_f32_neon, hrq__fma_tile_neon, 8, 12},
    #ifdef HRQ__HAVE_DOTPROD
        #define HRQ__ROWS_DOTPROD HRQ__ROW_NEON("neon_dotprod", HRQ__HAS_NEON | HRQ__HAS_DOTPROD, dotprod)
    #else
        #define HRQ__ROWS_DOTPROD
    #endif
    #ifdef HRQ__HAVE_I8MM
        #define HRQ__ROWS_I8MM \
            HRQ__ROW_NEON("neon_i8mm", HRQ__HAS_NEON | HRQ__HAS_DOTPROD | HRQ__HAS_I8MM, i8mm)
    #else
        #define HRQ__ROWS_I8MM
    #endif
    #define HRQ__ROWS_NEON HRQ__ROW_NEON("neon", HRQ__HAS_NEON, neon) HRQ__ROWS_DOTPROD HRQ__ROWS_I8MM
#else
    #define HRQ__ROWS_NEON
#endif

#define HRQ__SIMD_ROWS HRQ__ROWS_AVX512 HRQ__ROWS_NEON
