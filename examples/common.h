/* common.h: what the example programs share. Errors that end the program, memory, time, progress on
   stderr, a parallel_for of POSIX threads, normal random numbers. */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#ifndef _POSIX_C_SOURCE
    #define _POSIX_C_SOURCE 200809L
#endif

#include "../hrq.h"
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
    #define NORETURN __attribute__((noreturn))
#else
    #define NORETURN
#endif

/* Say on stderr what was being done and why it cannot go on; exit status 1. */
NORETURN void die(const char *doing, const char *why);

/* die with the status text unless the status is HRQ_OK */
void check(hrq_status status, const char *doing);

/* Zeroed memory, or die. Free it with free. */
void *new_block(size_t count, size_t size);
float *new_floats(size_t count);

double seconds_now(void);

/* 10 log10(ratio) */
double decibel(double ratio);

/* Normal random numbers: a counter through splitmix64, then Box-Muller. */
void draw_normals(float *x, size_t count, uint64_t seed);

/* How long calls run: threads, and a line on stderr under this title. work_hooks gives it to hrq. */
typedef struct work {
    int threads;
    int quiet;
    char title[64];
} work;

hrq_hooks work_hooks(work *w);

/* A line that overwrites itself on a terminal; elsewhere a new line every few seconds. done == total
   clears the terminal's line. */
void work_progress(const work *w, size_t done, size_t total);

#endif
