/* machine.c: see machine.h. */
#if defined(__linux__)
    #define _GNU_SOURCE 1 /* sched_setaffinity */
#elif !defined(_WIN32)
    #define _POSIX_C_SOURCE 200809L
#endif
#include "machine.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__linux__)
    #include <sched.h>
    #include <sys/mman.h>
#endif
#if !defined(_WIN32)
    #include <unistd.h>
#endif

#ifndef BENCH_FLAGS
    #define BENCH_FLAGS "unknown"
#endif
#ifndef BENCH_CC
    #define BENCH_CC "cc"
#endif

static volatile double sink;

void consume(double x) { sink = x; }

void die(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

void check(hrq_status status, const char *what)
{
    if (status != HRQ_OK) die(what, hrq_status_text(status));
}

void *new_block(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    if (!p) die("malloc", "no memory");
    return p;
}

void *large_block(size_t bytes)
{
    size_t page = (size_t)2 << 20;
    char *p = (char *)malloc(bytes + page);
    if (!p) return NULL;
    p += page - (size_t)((uintptr_t)p % page);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

static uint64_t random_state = 20260101;

static uint32_t random_word(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

/* Box and Muller */
float *gauss(size_t count)
{
    float *x = (float *)new_block(count * sizeof *x);
    for (size_t i = 0; i < count; i++) {
        double u = ((double)random_word() + 0.5) / 4294967296.0, v = (double)random_word() / 4294967296.0;
        x[i] = (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
    }
    return x;
}

void cell(int width, int digits, double x)
{
    if (x > 0.0 && x < 1e300) printf(" %*.*f", width, digits, x);
    else printf(" %*s", width, "-");
}

double clock_now(void)
{
#if defined(_WIN32)
    return (double)clock() / CLOCKS_PER_SEC;
#else
    struct timespec t;
    #if defined(CLOCK_THREAD_CPUTIME_ID)
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    #else
    clock_gettime(CLOCK_MONOTONIC, &t);
    #endif
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
#endif
}

static int pin(void)
{
#if defined(__linux__)
    cpu_set_t set;
    int core = sched_getcpu();
    if (core < 0) return -1;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? core : -1;
#else
    return -1;
#endif
}

/* First line of a file, without its end; 0 where there is none. */
static int line_of(const char *path, char *line, size_t room)
{
    FILE *f = fopen(path, "r");
    int got = f && fgets(line, (int)room, f) != NULL;
    if (f) fclose(f);
    if (got) line[strcspn(line, "\n")] = 0;
    return got;
}

/* Data caches by sysfs, else by sysconf. */
static void caches(machine *m)
{
    char path[96], line[64];
    for (int i = 0; i < 8; i++) {
        int level;
        sprintf(path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        if (!line_of(path, line, sizeof line) || strcmp(line, "Instruction") == 0) continue;
        sprintf(path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        level = line_of(path, line, sizeof line) ? atoi(line) : 0;
        sprintf(path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        if (level < 1 || level > 3 || !line_of(path, line, sizeof line)) continue;
        m->level[level] = (size_t)strtoul(line, NULL, 10) << (strchr(line, 'M') ? 20 : 10);
    }
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    static const int names[4] = {0, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    for (int l = 1; l <= 3; l++) {
        long bytes = m->level[l] ? 0 : sysconf(names[l]);
        if (bytes > 0) m->level[l] = (size_t)bytes;
    }
#endif
    m->guessed = !m->level[1] || !m->level[2] || !m->level[3];
    if (!m->level[1]) m->level[1] = (size_t)32 << 10;
    if (!m->level[2]) m->level[2] = (size_t)1 << 20;
    if (!m->level[3]) m->level[3] = (size_t)32 << 20;
}

machine machine_of(void)
{
    machine m;
    memset(&m, 0, sizeof m);
    m.core = pin();
    caches(&m);
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
    m.memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
#endif
    return m;
}

/* What stands behind "key   : " in /proc/cpuinfo. */
static void cpuinfo(const char *key, char *text, size_t room)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    strcpy(text, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || !colon || strlen(colon) < 3) continue;
        colon[strcspn(colon, "\n")] = 0;
        colon[2 + (strlen(colon + 2) < room ? strlen(colon + 2) : room - 1)] = 0;
        strcpy(text, colon + 2);
        break;
    }
    if (f) fclose(f);
}

void machine_print(FILE *out, const machine *m)
{
    char cpu[128], microcode[32], governor[64], date[32];
    time_t now = time(NULL);
    cpuinfo("model name", cpu, sizeof cpu);
    cpuinfo("microcode", microcode, sizeof microcode);
    if (!line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor, sizeof governor))
        strcpy(governor, "not readable");
    strftime(date, sizeof date, "%Y-%m-%d", localtime(&now));
    fprintf(out, "# date      %s\n# cpu       %s, microcode %s, governor %s\n", date, cpu, microcode, governor);
    fprintf(out, "# caches    L1 %zu KB, L2 %zu KB, L3 %zu KB%s; memory %zu MB\n", m->level[1] >> 10,
            m->level[2] >> 10, m->level[3] >> 10, m->guessed ? " (some guessed)" : "", m->memory >> 20);
#if defined(__clang__)
    fprintf(out, "# compiler  %s = clang %s\n", BENCH_CC, __clang_version__);
#elif defined(__GNUC__)
    fprintf(out, "# compiler  %s = gcc %s\n", BENCH_CC, __VERSION__);
#else
    fprintf(out, "# compiler  %s\n", BENCH_CC);
#endif
    fprintf(out, "# flags     %s\n", BENCH_FLAGS);
    if (m->core >= 0) fprintf(out, "# threads   1, on core %d\n", m->core);
    else fprintf(out, "# threads   1, not pinned\n");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void sort_times(double *times, timing *t)
{
    qsort(times, t->runs, sizeof times[0], compare);
    t->best = times[0];
    t->median = times[t->runs / 2];
}

timing time_of(void (*run)(void *arg), void *arg, double seconds)
{
    static double times[1000];
    timing t = {0.0, 0.0, 0};
    double begin, total, once = 0.0;
    size_t inner = 1;
    for (int i = 0; i < 4 && (i == 0 || once < 5e-3); i++) {
        begin = clock_now();
        run(arg);
        total = clock_now() - begin;
        if (i == 0 || total < once) once = total;
    }
    if (once < 50e-6) inner = once > 1e-8 ? (size_t)(50e-6 / once) + 1 : 1000;
    for (total = 0.0; t.runs < 1000 && (t.runs < 3 || total < seconds); t.runs++) {
        begin = clock_now();
        for (size_t i = 0; i < inner; i++) run(arg);
        times[t.runs] = clock_now() - begin;
        total += times[t.runs];
        times[t.runs] /= (double)inner;
    }
    sort_times(times, &t);
    return t;
}
