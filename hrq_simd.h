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

#endif /* HRQ__AVX512 */

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
         hrq__dot_f32_avx512, hrq__fma_tile_avx512, 12, 32, hrq__trellis_metric_avx512,                          \
         hrq__trellis_advance_vnni},
#else
    #define HRQ__ROWS_AVX512
#endif

#define HRQ__SIMD_ROWS HRQ__ROWS_AVX512
