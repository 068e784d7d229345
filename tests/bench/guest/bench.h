/* Shared by all benchmark groups. */
#ifndef BENCH_H
#define BENCH_H
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A benchmark does fixed work for a given `scale` (100 is nominal) and returns
 * a check value which depends on the work's result only, never on time, so
 * that two machines can be compared for correctness as well as for speed.
 * Work that must not be timed goes before bench_start().
 */
typedef struct {
    const char *name;
    uint64_t (*run)(void);
} Bench;

extern int scale; /* percent */
extern const Bench int_benches[], fp_benches[], sys_benches[], dev_benches[],
    real_benches[];

void bench_start(void); /* (re)starts the clock, prints the mark */
void bench_skip(const char *why) __attribute__((noreturn));
void bench_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
double now(void);

static inline long scaled(long n)
{
    long r = (long)((long long)n * scale / 100);
    return r > 0 ? r : 1;
}

static inline uint32_t rnd(uint32_t *s)
{
    uint32_t x = *s;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *s = x;
}

#define die(...)             \
    do {                     \
        printf(__VA_ARGS__); \
        printf("\n");        \
        fflush(stdout);      \
        _exit(1);            \
    } while (0)
#endif
