// simde_avx512.h: AVX-512 and AVX-VNNI for machines without them: what SIMDe has and, lane by lane, what SIMDe 0.7.4
// lacks of what hrq_simd.h takes. To be included before hrq.h, with HRQ_SIMDE_AVX512, where there are AVX2, FMA and F16C.

#define SIMDE_ENABLE_NATIVE_ALIASES
#define SIMDE_NO_INLINE /* inlined it takes a compiler minutes */
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#include <simde/x86/gfni.h>
#include <string.h>

typedef union lanes {
    __m512i whole;
    __m512 floats;
    __m512d doubles;
    __m256i half[2];
    __m256 half_ps[2];
    __m256d half_pd[2];
    __m128i quarter[4];
    uint8_t u8[64];
    int16_t i16[32];
    uint16_t u16[32];
    int32_t i32[16];
    uint32_t u32[16];
    uint64_t u64[8];
    int64_t i64[8];
    float f32[16];
    double f64[8];
} lanes;

#define LANES static __attribute__((noinline, unused))

/* masks: bit i says what `test` does of lanes x and y */
#define LANES_MASK(name, n, test)                               \
    LANES __mmask##n lanes_##name(__m512i a, __m512i b)         \
    {                                                           \
        lanes x = {a}, y = {b};                                 \
        uint64_t k = 0;                                         \
        int i;                                                  \
        for (i = 0; i < n; i++) k |= (uint64_t)(test) << i;     \
        return (__mmask##n)k;                                   \
    }
LANES_MASK(eq_i16, 32, x.i16[i] == y.i16[i])
LANES_MASK(gt_i16, 32, x.i16[i] > y.i16[i])
LANES_MASK(gt_u16, 32, x.u16[i] > y.u16[i])
LANES_MASK(lt_u16, 32, x.u16[i] < y.u16[i])
LANES_MASK(gt_i32, 16, x.i32[i] > y.i32[i])
LANES_MASK(lt_u32, 16, x.u32[i] < y.u32[i])
LANES_MASK(none8, 64, !(x.u8[i] & y.u8[i]))
LANES_MASK(none16, 32, !(x.u16[i] & y.u16[i]))
LANES_MASK(none32, 16, !(x.u32[i] & y.u32[i]))

/* lane i of the result, of one operand */
#define LANES_OF(name, n, to, from, what)       \
    LANES lanes lanes_##name(from a)            \
    {                                           \
        lanes x, r;                             \
        int i;                                  \
        memset(&r, 0, sizeof r);                \
        memcpy(&x, &a, sizeof a);               \
        for (i = 0; i < n; i++) r.to[i] = what; \
        return r;                               \
    }
LANES_OF(widen_i16, 16, i32, __m256i, x.i16[i])
LANES_OF(widen_u16, 16, i32, __m256i, x.u16[i])
LANES_OF(widen_u8_16, 32, i16, __m256i, x.u8[i])
LANES_OF(widen_u8_32, 16, i32, __m128i, x.u8[i])
LANES_OF(narrow_32, 16, u16, __m512i, (uint16_t)x.u32[i])
LANES_OF(narrow_sat, 32, u8, __m512i, (uint8_t)(x.u16[i] > 255 ? 255 : x.u16[i]))
LANES_OF(u32_ps, 16, f32, __m512i, (float)x.u32[i])
LANES_OF(u64_pd, 8, f64, __m512i, (double)x.u64[i])
LANES_OF(pd_i64, 8, i64, __m512d, x.f64[i] >= -0x1p63 && x.f64[i] < 0x1p63 ? (int64_t)x.f64[i] : INT64_MIN)

/* halves of the result by AVX2 */
#define LANES_HALVES(name, to, from, part, what)                \
    LANES lanes lanes_##name(from a)                            \
    {                                                           \
        lanes x, r;                                             \
        int i;                                                  \
        memcpy(&x, &a, sizeof a);                               \
        for (i = 0; i < 2; i++) r.to[i] = what(x.part[i]);      \
        return r;                                               \
    }
LANES_HALVES(i32_ps, half_ps, __m512i, half, _mm256_cvtepi32_ps)
LANES_HALVES(ps_i32, half, __m512, half_ps, _mm256_cvtps_epi32)
LANES_HALVES(ps_i32_cut, half, __m512, half_ps, _mm256_cvttps_epi32)
LANES_HALVES(ph_ps, half_ps, __m256i, quarter, _mm256_cvtph_ps)

LANES __m512d lanes_ps_pd(__m256 a)
{
    lanes r;
    r.half_pd[0] = _mm256_cvtps_pd(_mm256_castps256_ps128(a));
    r.half_pd[1] = _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1));
    return r.doubles;
}
LANES __m256 lanes_pd_ps(__m512d a)
{
    lanes x;
    x.doubles = a;
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(x.half_pd[0])), _mm256_cvtpd_ps(x.half_pd[1]), 1);
}
LANES __m256i lanes_ps_ph(__mmask16 k, __m512 a)
{
    lanes x, r = {_mm512_setzero_si512()};
    x.floats = _mm512_maskz_mov_ps(k, a); /* zeros become zeros */
    r.quarter[0] = _mm256_cvtps_ph(x.half_ps[0], 0);
    r.quarter[1] = _mm256_cvtps_ph(x.half_ps[1], 0);
    return r.half[0];
}
LANES __m512i lanes_mulhi_u16(__m512i a, __m512i b)
{
    lanes x = {a}, y = {b};
    x.half[0] = _mm256_mulhi_epu16(x.half[0], y.half[0]);
    x.half[1] = _mm256_mulhi_epu16(x.half[1], y.half[1]);
    return x.whole;
}
LANES __m512i lanes_sra_i32(__m512i a, __m128i n)
{
    lanes x = {a};
    x.half[0] = _mm256_sra_epi32(x.half[0], n);
    x.half[1] = _mm256_sra_epi32(x.half[1], n);
    return x.whole;
}

LANES __m256i lanes_alignr(__m256i a, __m256i b, int lane)
{
    lanes x, r = {_mm512_setzero_si512()};
    x.half[0] = b;
    x.half[1] = a;
    memcpy(&r, x.i32 + lane, 32);
    return r.half[0];
}

/* memory: lanes without their bit are not touched */
LANES lanes lanes_load(uint64_t k, const void *p, size_t size)
{
    lanes r;
    size_t i;
    memset(&r, 0, sizeof r);
    for (i = 0; i * size < sizeof r; i++)
        if (k >> i & 1) memcpy(r.u8 + i * size, (const uint8_t *)p + i * size, size);
    return r;
}
LANES void lanes_store(void *p, uint64_t k, const void *from, size_t size)
{
    size_t i;
    for (i = 0; i * size < sizeof(lanes); i++)
        if (k >> i & 1) memcpy((uint8_t *)p + i * size, (const uint8_t *)from + i * size, size);
}
LANES void lanes_store_ps(void *p, uint64_t k, __m512 a) { lanes_store(p, k, &a, 4); }
LANES void lanes_store_u8(void *p, uint64_t k, __m512i a) { lanes_store(p, k, &a, 1); }
LANES void lanes_store_half16(void *p, uint64_t k, __m256i a) { lanes_store(p, k & 0xffff, &a, 2); }
LANES void lanes_store_bytes(void *p, uint64_t k, __m512i a)
{
    lanes x = {a};
    int i;
    for (i = 0; i < 16; i++)
        if (k >> i & 1) ((uint8_t *)p)[i] = x.u8[4 * i];
}

#define _mm512_cmpeq_epi16_mask(a, b)             lanes_eq_i16(a, b)
#define _mm512_cmpgt_epi16_mask(a, b)             lanes_gt_i16(a, b)
#define _mm512_cmplt_epi16_mask(a, b)             lanes_gt_i16(b, a)
#define _mm512_cmpgt_epu16_mask(a, b)             lanes_gt_u16(a, b)
#define _mm512_cmplt_epu16_mask(a, b)             lanes_lt_u16(a, b)
#define _mm512_cmplt_epi32_mask(a, b)             lanes_gt_i32(b, a)
#define _mm512_cmplt_epu32_mask(a, b)             lanes_lt_u32(a, b)
#define _mm512_testn_epi8_mask(a, b)              lanes_none8(a, b)
#define _mm512_testn_epi16_mask(a, b)             lanes_none16(a, b)
#define _mm512_testn_epi32_mask(a, b)             lanes_none32(a, b)
#define _mm512_cvtepi16_epi32(a)                  lanes_widen_i16(a).whole
#define _mm512_cvtepu16_epi32(a)                  lanes_widen_u16(a).whole
#define _mm512_cvtepu8_epi16(a)                   lanes_widen_u8_16(a).whole
#define _mm512_cvtepu8_epi32(a)                   lanes_widen_u8_32(a).whole
#define _mm512_cvtepi32_epi16(a)                  lanes_narrow_32(a).half[0]
#define _mm512_cvtusepi16_epi8(a)                 lanes_narrow_sat(a).half[0]
#define _mm512_cvtepu32_ps(a)                     lanes_u32_ps(a).floats
#define _mm512_cvtepu64_pd(a)                     lanes_u64_pd(a).doubles
#define _mm512_cvttpd_epi64(a)                    lanes_pd_i64(a).whole
#define _mm512_mulhi_epu16(a, b)                  lanes_mulhi_u16(a, b)
#define _mm512_cvtepi32_ps(a)                     lanes_i32_ps(a).floats
#define _mm512_cvtps_epi32(a)                     lanes_ps_i32(a).whole
#define _mm512_cvttps_epi32(a)                    lanes_ps_i32_cut(a).whole
#define _mm512_cvtph_ps(a)                        lanes_ph_ps(a).floats
#define _mm512_cvtps_pd(a)                        lanes_ps_pd(a)
#define _mm512_cvtpd_ps(a)                        lanes_pd_ps(a)
#define _mm512_sra_epi32(a, n)                    lanes_sra_i32(a, n)
#define _mm512_mask3_fmadd_ps(a, b, c, k)         _mm512_mask_mov_ps(c, k, _mm512_fmadd_ps(a, b, c))
#define _mm512_mask_mulhrs_epi16(w, k, a, b)      _mm512_mask_mov_epi16(w, k, _mm512_mulhrs_epi16(a, b))
#define _mm512_mask_sub_epi16(w, k, a, b)         _mm512_mask_mov_epi16(w, k, _mm512_sub_epi16(a, b))
#define _mm512_mask_subs_epu16(w, k, a, b)        _mm512_mask_mov_epi16(w, k, _mm512_subs_epu16(a, b))
#define _mm512_maskz_loadu_epi8(k, p)             lanes_load(k, p, 1).whole
#define _mm512_maskz_loadu_epi32(k, p)            lanes_load(k, p, 4).whole
#define _mm512_maskz_loadu_ps(k, p)               lanes_load(k, p, 4).floats
#define _mm256_maskz_loadu_epi16(k, p)            lanes_load((uint16_t)(k), p, 2).half[0]
#define _mm512_mask_storeu_ps(p, k, a)            lanes_store_ps(p, k, a)
#define _mm512_mask_storeu_epi8(p, k, a)          lanes_store_u8(p, k, a)
#define _mm256_mask_storeu_epi16(p, k, a)         lanes_store_half16(p, k, a)
#define _mm512_mask_cvtepi32_storeu_epi8(p, k, a) lanes_store_bytes(p, k, a)
#define _cvtmask64_u64(k)                         (k)

/* immediates */
#undef _mm512_shuffle_i64x2
#undef _mm512_shuffle_f32x4
#undef _mm512_extractf32x8_ps
#undef _mm512_srai_epi32
#undef _mm512_permute_ps
#undef _mm512_mask_slli_epi16
#undef _mm512_maskz_slli_epi16
#undef _mm512_maskz_cvtps_ph
#undef _mm256_alignr_epi32
#undef _mm512_gf2p8affine_epi64_epi8
#define _mm512_shuffle_i64x2(a, b, imm)           simde_mm512_shuffle_i64x2(a, b, imm)
#define _mm512_shuffle_f32x4(a, b, imm)           simde_mm512_shuffle_f32x4(a, b, imm)
#define _mm512_permute_ps(a, imm)                 simde_mm512_shuffle_ps(a, a, imm)
#define _mm512_extractf32x8_ps(a, imm)            ((lanes){_mm512_castps_si512(a)}).half_ps[imm]
#define _mm512_srai_epi32(a, imm)                 lanes_sra_i32(a, _mm_cvtsi32_si128(imm))
#define _mm512_mask_slli_epi16(w, k, a, imm)      _mm512_mask_mov_epi16(w, k, _mm512_slli_epi16(a, imm))
#define _mm512_maskz_slli_epi16(k, a, imm)        _mm512_maskz_mov_epi16(k, _mm512_slli_epi16(a, imm))
#define _mm512_maskz_cvtps_ph(k, a, imm)          lanes_ps_ph(k, a)
#define _mm512_gf2p8affine_epi64_epi8(x, a, imm)  simde_mm512_gf2p8affine_epi64_epi8(x, a, imm)
#define _mm256_alignr_epi32(a, b, imm)            lanes_alignr(a, b, imm)

/* an alias with too many parameters, a function that leaves -0, and AVX-VNNI's name of what AVX-512 calls otherwise */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b)                   simde_mm512_madd_epi16(a, b)
#undef _mm512_abs_ps
#define _mm512_abs_ps(a) \
    _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7fffffff)))
#define _mm256_dpbusd_avx_epi32(sum, a, b)        simde_mm256_dpbusd_epi32(sum, a, b)
