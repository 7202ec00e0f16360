/* peak.c: what the machine can at most, in one thread: its clock, reading from memory, int8 multiply-adds in registers.
   See machine.h. */
#include "machine.h"
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__)
    #define X86 1
    #include <immintrin.h>
#elif defined(__aarch64__) && defined(__GNUC__)
    #define ARM 1
#endif

//==================================================================================================
//  Clock
//==================================================================================================

enum { CHAIN = 20000, TURNS = 10000, CHAINS = 12 };

#if defined(X86) || defined(ARM)
/* Multiplications where additions may be folded before they run: 3 cycles each on every x86-64 of the last ten years. */
static void run_clock(void *arg)
{
    uint64_t a = 3;
    for (int i = 0; i < CHAIN; i++) {
    #ifdef X86
        __asm__ volatile("imul %0, %0" : "+r"(a));
    #else
        __asm__ volatile("add %0, %0, %0" : "+r"(a));
    #endif
    }
    *(uint64_t *)arg = a;
}

double core_clock(double seconds)
{
    uint64_t out;
    double cycles = CHAIN;
    #ifdef X86
    cycles *= 3.0;
    #endif
    return cycles / time_of(run_clock, &out, seconds).best;
}
#else
double core_clock(double seconds)
{
    (void)seconds;
    return 0.0;
}
#endif

//==================================================================================================
//  Reading
//==================================================================================================

typedef struct reading {
    const char *data;
    size_t bytes; /* a multiple of 256 */
} reading;

#ifdef X86
    #define AHEAD(p)                                         \
        _mm_prefetch((p) + AHEAD_BYTES, _MM_HINT_T0);        \
        _mm_prefetch((p) + AHEAD_BYTES + 64, _MM_HINT_T0);   \
        _mm_prefetch((p) + AHEAD_BYTES + 128, _MM_HINT_T0);  \
        _mm_prefetch((p) + AHEAD_BYTES + 192, _MM_HINT_T0)
enum { AHEAD_BYTES = 4096 };

__attribute__((target("avx512f"))) static void read_512(void *arg)
{
    const reading *r = (const reading *)arg;
    __m512i a = _mm512_setzero_si512(), b = a;
    for (const char *p = r->data, *end = p + r->bytes; p < end; p += 256) {
        AHEAD(p);
        a = _mm512_or_si512(a, _mm512_or_si512(_mm512_loadu_si512(p), _mm512_loadu_si512(p + 64)));
        b = _mm512_or_si512(b, _mm512_or_si512(_mm512_loadu_si512(p + 128), _mm512_loadu_si512(p + 192)));
    }
    consume((double)_mm512_reduce_or_epi64(_mm512_or_si512(a, b)));
}

__attribute__((target("avx2"))) static void read_256(void *arg)
{
    const reading *r = (const reading *)arg;
    __m256i a = _mm256_setzero_si256(), b = a;
    for (const char *p = r->data, *end = p + r->bytes; p < end; p += 256) {
        const __m256i *v = (const __m256i *)(const void *)p;
        AHEAD(p);
        for (int i = 0; i < 8; i += 4) {
            a = _mm256_or_si256(a, _mm256_or_si256(_mm256_loadu_si256(v + i), _mm256_loadu_si256(v + i + 1)));
            b = _mm256_or_si256(b, _mm256_or_si256(_mm256_loadu_si256(v + i + 2), _mm256_loadu_si256(v + i + 3)));
        }
    }
    a = _mm256_or_si256(a, b);
    consume((double)(_mm256_extract_epi64(a, 0) | _mm256_extract_epi64(a, 1) | _mm256_extract_epi64(a, 2) |
                     _mm256_extract_epi64(a, 3)));
}
#endif

/* Words in 32 lanes: four vectors of 64 bytes, combined as they come. */
static void read_plain(void *arg)
{
    const reading *r = (const reading *)arg;
    uint64_t lane[32] = {0}, sum = 0;
    for (size_t i = 0; i < r->bytes; i += 256)
        for (size_t l = 0; l < 32; l++) {
            uint64_t word;
            memcpy(&word, r->data + i + 8 * l, 8);
            lane[l] |= word;
        }
    for (int l = 0; l < 32; l++) sum |= lane[l];
    consume((double)sum);
}

/* The widest loads of the machine. */
static void run_read(void *arg)
{
#ifdef X86
    if (__builtin_cpu_supports("avx512f")) read_512(arg);
    else if (__builtin_cpu_supports("avx2")) read_256(arg);
    else read_plain(arg);
#else
    read_plain(arg);
#endif
}

void read_once(const void *data, size_t bytes)
{
    reading r;
    r.data = (const char *)data;
    r.bytes = bytes / 256 * 256;
    run_read(&r);
}

timing read_bandwidth(const void *data, size_t bytes, double seconds)
{
    reading r;
    timing t;
    r.data = (const char *)data;
    r.bytes = bytes / 256 * 256;
    t = time_of(run_read, &r, seconds);
    t.best = (double)r.bytes / t.best;
    t.median = (double)r.bytes / t.median;
    return t;
}

//==================================================================================================
//  int8 multiply-adds
//==================================================================================================

/* Twelve accumulators, none waiting for another; what the registers hold does not matter. */
#define TWELVE(X) X("0") X("1") X("2") X("3") X("4") X("5") X("6") X("7") X("8") X("9") X("10") X("11")

#ifdef X86
    #define USED                                                                                              \
        "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12"
    #define LEAVE __asm__ volatile("vzeroupper" ::: USED, "xmm13", "xmm14", "xmm15")
    #define DPBUSD_512(n) "vpdpbusd %%zmm14, %%zmm15, %%zmm" n "\n\t"
    #define DPBUSD_256(n) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" n "\n\t"
    #define MADD(sign, v, n)                                                                         \
        sign " %%" v "14, %%" v "15, %%" v "12\n\tvpmaddubsw %%" v "12, %%" v "14, %%" v "12\n\t"    \
        "vpmaddwd %%" v "13, %%" v "12, %%" v "12\n\tvpaddd %%" v "12, %%" v n ", %%" v n "\n\t"
    #define MADD_256(n) MADD("vpxor", "ymm", n)
    #define MADD_512(n) MADD("vpsubb", "zmm", n)
    #define NARROW "vpmaddubsw %%ymm14, %%ymm15, %%ymm12\n\tvpaddw %%ymm12, "
    #define NARROW_256(n) NARROW "%%ymm" n ", %%ymm" n "\n\t"
    #define WIDEN_256(n) "vpmaddwd %%ymm13, %%ymm" n ", %%ymm12\n\tvpaddd %%ymm12, %%ymm" n ", %%ymm" n "\n\t"
#elif defined(ARM)
    #define USED "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v24"
    #define LEAVE
    /* Numbers, for assemblers that were told of the baseline alone. */
    #define SDOT(n) ".inst 0x4e8f95c0 + " n "\n\t"
    #define SMMLA(n) ".inst 0x4e8fa5c0 + " n "\n\t"
    #define SMULL(n)                                                        \
        "smull v24.8h, v14.8b, v15.8b\n\tsmlal v24.8h, v14.8b, v15.8b\n\t"  \
        "sadalp v" n ".4s, v24.8h\n\t"
#endif

#ifdef USED
    #define PEAK(name, step)                                                             \
        static void name(void *arg)                                                      \
        {                                                                                \
            (void)arg;                                                                   \
            for (int i = 0; i < TURNS; i++) __asm__ volatile(TWELVE(step)::: USED);      \
            LEAVE;                                                                       \
        }
#endif

#ifdef X86
PEAK(run_dpbusd_512, DPBUSD_512)
PEAK(run_dpbusd_256, DPBUSD_256)
PEAK(run_madd_512, MADD_512)
PEAK(run_madd_256, MADD_256)

/* Products of values that span little: eight sums in 16 bits before they are widened. */
static void run_narrow_256(void *arg)
{
    (void)arg;
    for (int i = 0; i < TURNS; i++) {
        for (int k = 0; k < 8; k++) __asm__ volatile(TWELVE(NARROW_256)::: USED);
        __asm__ volatile(TWELVE(WIDEN_256)::: USED);
    }
    LEAVE;
}
#elif defined(ARM)
PEAK(run_sdot, SDOT)
PEAK(run_smmla, SMMLA)
PEAK(run_smull, SMULL)
#endif

/* What a compiler makes of it, from the nearest cache. */
static void run_plain(void *arg)
{
    static signed char a[4096], b[4096];
    int32_t sum = 0;
    a[0] = b[0] = *(const signed char *)arg;
    for (int i = 0; i < TURNS * CHAINS; i += 4096)
        for (int k = 0; k < 4096 && i + k < TURNS * CHAINS; k++) sum += a[k] * b[k];
    consume(sum);
}

/* The instructions that the library's dot products run on each ISA, and multiply-adds of one step. */
static const struct {
    const char *isa, *text;
    void (*run)(void *arg);
    int adds;
} peaks[] = {
#ifdef X86
    {"avx512vnni", "vpdpbusd, 512 bits", run_dpbusd_512, 64},
    {"avx512", "vpsubb vpmaddubsw vpmaddwd vpaddd, 512 bits", run_madd_512, 64},
    {"avx2vnni", "vpdpbusd, 256 bits", run_dpbusd_256, 32},
    {"avx2", "vpxor vpmaddubsw vpmaddwd vpaddd, 256 bits", run_madd_256, 32},
#elif defined(ARM)
    {"neon_i8mm", "smmla", run_smmla, 32},
    {"neon_dotprod", "sdot", run_sdot, 16},
    {"neon", "smull smlal sadalp", run_smull, 16},
#endif
    {"", "plain C", run_plain, 1}};

static size_t peak_index(void)
{
    size_t i = 0, last = sizeof peaks / sizeof peaks[0] - 1;
    while (i < last && strcmp(peaks[i].isa, hrq_isa_text()) != 0) i++;
    return i;
}

const char *int8_peak_text(void) { return peaks[peak_index()].text; }

double int8_peak(double seconds)
{
    char one = 1;
    size_t i = peak_index();
    return (double)TURNS * CHAINS * peaks[i].adds / time_of(peaks[i].run, &one, seconds).best;
}

double narrow_peak(double seconds)
{
#ifdef X86
    char one = 1;
    if (strcmp(peaks[peak_index()].isa, "avx2") == 0)
        return (double)TURNS * CHAINS * 8 * 32 / time_of(run_narrow_256, &one, seconds).best;
#endif
    (void)seconds;
    return 0.0;
}
