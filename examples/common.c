/* common.c: see common.h */
#include "common.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

NORETURN void die(const char *doing, const char *why)
{
    fflush(stdout);
    fprintf(stderr, "%serror: %s: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", doing, why);
    exit(1);
}

void check(hrq_status status, const char *doing)
{
    if (status != HRQ_OK) die(doing, hrq_status_text(status));
}

void *new_block(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size);
    if (!block) die("memory", hrq_status_text(HRQ_ERR_NOMEM));
    return block;
}

float *new_floats(size_t count) { return (float *)new_block(count, sizeof(float)); }

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double decibel(double ratio) { return 10.0 * log10(ratio); }

/* uniform in (0, 1) */
static double uniform(uint64_t seed, uint64_t counter)
{
    uint64_t z = seed * 0xd1342543de82ef95u + (counter + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return ((double)((z ^ z >> 31) >> 12) + 0.5) / 4503599627370496.0; /* 2^52 */
}

void draw_normals(float *x, size_t count, uint64_t seed)
{
    const double turn = 6.283185307179586;
    size_t i;
    for (i = 0; i < count; i++) {
        double radius = sqrt(-2.0 * log(uniform(seed, 2 * i)));
        x[i] = (float)(radius * cos(turn * uniform(seed, 2 * i + 1)));
    }
}

/* A team takes indices from one counter until none is left. */
typedef struct team {
    pthread_mutex_t lock;
    size_t next, count;
    void (*body)(void *arg, size_t index);
    void *arg;
} team;

static void *team_member(void *user)
{
    team *t = (team *)user;
    for (;;) {
        size_t index;
        pthread_mutex_lock(&t->lock);
        index = t->next < t->count ? t->next++ : t->count;
        pthread_mutex_unlock(&t->lock);
        if (index == t->count) return NULL;
        t->body(t->arg, index);
    }
}

static void parallel_for(void *user, size_t count, void (*body)(void *arg, size_t index), void *arg)
{
    enum { MOST = 64 };
    const work *w = (const work *)user;
    pthread_t helper[MOST];
    int started = 0;
    team t;
    pthread_mutex_init(&t.lock, NULL);
    t.next = 0;
    t.count = count;
    t.body = body;
    t.arg = arg;
    while (started < w->threads - 1 && started < MOST && (size_t)started + 1 < count &&
           pthread_create(&helper[started], NULL, team_member, &t) == 0)
        started++;
    team_member(&t);
    while (started > 0) pthread_join(helper[--started], NULL);
    pthread_mutex_destroy(&t.lock);
}

static int hook_progress(void *user, size_t done, size_t total)
{
    work_progress((const work *)user, done, total);
    return 0;
}

hrq_hooks work_hooks(work *w)
{
    hrq_hooks hooks = {NULL, NULL, NULL, NULL, NULL};
    hooks.user = w;
    hooks.parallel_for = parallel_for;
    hooks.progress = hook_progress;
    return hooks;
}

void work_progress(const work *w, size_t done, size_t total)
{
    static double shown; /* when; a run shorter than the pause shows nothing */
    int terminal = isatty(STDERR_FILENO);
    double now = seconds_now(), pause = terminal ? 0.1 : 5.0;
    if (w->quiet || total == 0) return;
    if (shown == 0.0) shown = now;
    if (terminal && done >= total) {
        fprintf(stderr, "\r\033[K");
    } else if (now - shown > pause) {
        double percent = 100.0 * (double)done / (double)total;
        fprintf(stderr, "%s%s %.0f %%%s", terminal ? "\r\033[K" : "", w->title, percent,
                terminal ? "" : "\n");
        fflush(stderr);
        shown = now;
    }
}
