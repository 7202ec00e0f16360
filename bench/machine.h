/* machine.h: clock, core, caches and memory of the machine that a bench runs on; what benches of hrq.h share. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "../hrq.h"
#include <stddef.h>
#include <stdio.h>

/* Bytes of the caches a core reads through; level 3 counts what the core shares. */
typedef struct machine {
    size_t level[4]; /* [1] ... [3]; [0] unused */
    int guessed;     /* the system told no sizes */
    size_t memory;   /* 0: not known             */
    int core;        /* pinned to; -1: not       */
} machine;

/* Best and median seconds of one run. */
typedef struct timing {
    double best, median;
    size_t runs;
} timing;

/* Pins the calling thread where the system can. */
machine machine_of(void);

/* CPU, microcode, governor, caches, compiler, date: lines that start with "# ". */
void machine_print(FILE *out, const machine *m);

/* Seconds of this thread where the system counts them (what others take of its core stays out), else of the clock. */
double clock_now(void);

/* One run to warm up, then at least 3 runs and about `seconds` of them, 1000 at most. A run shorter than 50 us is
   repeated inside one measurement. */
timing time_of(void (*run)(void *arg), void *arg, double seconds);

/* Best and median of t->runs times, which are sorted. */
void sort_times(double *times, timing *t);

/* peak.c: best of many runs, about `seconds` of them. Bytes a second that one core reads from a buffer, by the widest
   loads that the machine has and prefetches 4 KB ahead; cycles a second (0: not known here); int8 multiply-adds a second
   in registers, by the instructions of the library's dot product on hrq_isa_text(); narrow_peak: by those that it takes
   where the values of a tile span little, as int4, 0 where they are the same. */
timing read_bandwidth(const void *data, size_t bytes, double seconds);
void read_once(const void *data, size_t bytes);
double core_clock(double seconds);
double int8_peak(double seconds);
const char *int8_peak_text(void);
double narrow_peak(double seconds);

/* Results go here, so that no compiler may leave a computation out. */
void consume(double x);

void die(const char *what, const char *why);
void check(hrq_status status, const char *what);
void *new_block(size_t bytes);

/* On a boundary of 2 MB and from large pages where the system has them; NULL: no memory. Never freed. */
void *large_block(size_t bytes);

/* A new block of count iid N(0,1), the same sequence in every run. */
float *gauss(size_t count);

/* Prints a space and a number in a column; a dash where it is not positive and finite. */
void cell(int width, int digits, double x);

#endif
