/* SPDX-License-Identifier: MIT */
/*
 * What a translator gets wrong first, as a Linux program for the guest: code
 * that is written while it runs, signals in the middle of everything, memory
 * that comes and goes, processors that race. Each part prints "NAME ok" or what
 * it saw. `stress SECONDS` is how long each takes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static double until;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int more(void)
{
    return now() < until;
}

static void *pages(size_t size, int prot)
{
    void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

/* ---- code that changes ---- */

typedef int code(void);

#ifdef __x86_64__
/* mov eax, n; ret */
static void put_return(uint8_t *at, int n)
{
    at[0] = 0xb8;
    memcpy(at + 1, &n, 4);
    at[5] = 0xc3;
}

/* Often enough for a translator that waits for it. */
static int always(uint8_t *at, int n)
{
    int good = 0;

    for (int i = 0; i < 20; i++) {
        good += ((code *)(void *)at)() == n;
    }
    return good == 20;
}

/* A function that patches the immediate of its own next instruction. */
static const uint8_t patches_itself[] = {
    0x89, 0x3d, 0x01, 0x00, 0x00, 0x00, /* mov [rip + 1], edi */
    0xb8, 0x00, 0x00, 0x00, 0x00,       /* mov eax, what was written */
    0xc3,
};

static const char *smc(void)
{
    uint8_t *p = pages(3 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    int (*self)(int) = (int (*)(int))(void *)p;
    int n = 0;

    memcpy(p, patches_itself, sizeof(patches_itself));
    while (more()) {
        for (int i = 0; i < 100; i++, n++) {
            uint8_t *across = p + 2 * 4096 - 1 - n % 5; /* over a page's end */

            if (self(n) != n) {
                return "the next instruction was the old one";
            }
            put_return(p + 4096, n);
            if (!always(p + 4096, n)) {
                return "a function was the old one";
            }
            put_return(across, ~n);
            if (!always(across, ~n)) {
                return "an instruction over a page's end was the old one";
            }
        }
    }
    return NULL;
}

/* Written through one mapping, run through another. */
static const char *alias(void)
{
    int fd = memfd_create("alias", 0);
    uint8_t *w, *x;
    int n = 0;

    if (fd < 0 || ftruncate(fd, 4096)) {
        return "no memfd";
    }
    w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    x = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    while (more()) {
        put_return(w, ++n);
        if (!always(x, n)) {
            return "the other mapping ran the old code";
        }
        if (n % 64 == 0) { /* another page at the same address */
            munmap(x, 4096);
            x = mmap(x, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd,
                     0);
        }
    }
    return NULL;
}

/* Two threads: one makes functions, one runs them. */
static uint8_t *made;
static atomic_int made_count, ran_count, made_wrong;

static void *runs_made(void *p)
{
    int seen = 0, junk;

    while (seen >= 0) {
        int n = atomic_load(&made_count);

        if (n == seen) {
            sched_yield();
            continue;
        }
        __asm__ volatile("cpuid" : "=a"(junk) : "0"(0) : "ebx", "ecx", "edx");
        if (n > 0 && !always(made + 64 * (n % 64), n)) {
            atomic_fetch_add(&made_wrong, 1);
        }
        seen = n;
        atomic_store(&ran_count, n);
    }
    return NULL;
}

static const char *other_thread(void)
{
    pthread_t t;
    int n = 0;

    made = pages(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    pthread_create(&t, NULL, runs_made, NULL);
    while (more()) {
        n++;
        put_return(made + 64 * (n % 64), n);
        atomic_store(&made_count, n);
        while (atomic_load(&ran_count) != n) {
            sched_yield();
        }
    }
    atomic_store(&made_count, -1);
    pthread_join(t, NULL);
    return atomic_load(&made_wrong) ? "another thread's code was the old one"
                                    : NULL;
}
#endif

/* ---- signals ---- */

static volatile sig_atomic_t ticks;

static void tick(int sig)
{
    ticks++;
}

/* Registers, flags, x87 and vectors live through signals. */
static const char *alarms(void)
{
    struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    const char *bad = NULL;

    signal(SIGALRM, tick);
    setitimer(ITIMER_REAL, &every, NULL);
    while (more() && !bad) {
        double d = 1.5;
        long double x = 1.0L;
        uint64_t a = 1, b = 0x123456789abcdef, sum = 0;

        for (int i = 0; i < 20000; i++) {
            a = a * 6364136223846793005u + 1442695040888963407u;
            b = (b << 7 | b >> 57) ^ a;
            sum += b;
            d = d * 1.0000001 + 0.5;
            x = x * 1.0000001L + 0.25L;
        }
        static uint64_t want;
        static double want_d;
        static long double want_x;

        if (!want) {
            want = sum, want_d = d, want_x = x;
        } else if (sum != want || d != want_d || x != want_x) {
            bad = "a sum came out differently";
        }
    }
    setitimer(ITIMER_REAL, &never, NULL);
    return bad ? bad : ticks ? NULL : "no signal came";
}

static volatile uintptr_t fault_at, fault_seen, fault_flags;
static uint8_t *guarded;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    fault_seen = (uintptr_t)info->si_addr;
#ifdef __x86_64__
    fault_flags = (uintptr_t)uc->uc_mcontext.gregs[REG_EFL];
#endif
    (void)uc;
    mprotect(guarded, 4096, PROT_READ | PROT_WRITE);
}

/* Faults at every offset, with flags in flight. */
static const char *faults(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    unsigned n = 0;

    guarded = pages(4096, PROT_READ | PROT_WRITE);
    sigaction(SIGSEGV, &sa, NULL);
    while (more()) {
        uint8_t *p = guarded + n++ * 8 % 4096;
        uint64_t was = n, flags = 0;

        mprotect(guarded, 4096, PROT_NONE);
#ifdef __x86_64__
        /* Carry and overflow set, then a store that faults, then ADC. */
        __asm__ volatile("mov $0x7fffffffffffffff, %%rax\n\t"
                         "add $1, %%rax\n\t"
                         "stc\n\t"
                         "mov %2, (%1)\n\t"
                         "mov $0, %%eax\n\t"
                         "adc $0, %%rax\n\t"
                         "mov %%rax, %0"
                         : "=r"(flags)
                         : "r"(p), "r"(was)
                         : "rax", "cc", "memory");
        if (flags != 1 || (fault_flags & 0x801) != 0x801) {
            return "flags were lost at a fault";
        }
#else
        *(volatile uint64_t *)(void *)p = was;
        (void)flags;
#endif
        if (fault_seen != (uintptr_t)p || *(uint64_t *)(void *)p != was) {
            return "a store that faulted was not made again";
        }
    }
    signal(SIGSEGV, SIG_DFL);
    return NULL;
}

/* ---- processes and memory ---- */

static const char *forks(void)
{
    unsigned n = 0;

    while (more()) {
        int status, value = (int)(n++ & 127);
        pid_t pid = fork();

        if (pid == 0) {
            uint8_t *p = pages(16 * 4096, PROT_READ | PROT_WRITE);

            memset(p, value, 16 * 4096);
            _exit(p[n % (16 * 4096)]);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
            WEXITSTATUS(status) != value) {
            return "a child ended wrongly";
        }
    }
    return NULL;
}

static const char *maps(void)
{
    unsigned seed = 1;

    while (more()) {
        uint8_t *p = pages(64 * 4096, PROT_READ | PROT_WRITE);

        for (unsigned i = 0; i < 64; i++) {
            uint64_t *word =
                (uint64_t *)(void *)(p + i * 4096 + 8 * (seed++ % 511) + 4);

            *word = i; /* some go over the page's end */
            if (i % 3 == 0) {
                mprotect(p + i * 4096, 4096, PROT_READ);
            } else if (i % 7 == 0) {
                munmap(p + i * 4096, 4096);
                if (mmap(p + i * 4096, 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                         0) == MAP_FAILED ||
                    p[i * 4096 + 100]) {
                    return "a new page was not empty";
                }
            } else if (*word != i) {
                return "a word was not what was stored";
            }
        }
        munmap(p, 64 * 4096);
    }
    return NULL;
}

/* ---- processors ---- */

enum { THREADS = 4 };
static atomic_ulong counter;
static unsigned long plain_counter;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int stop;
static uint8_t split[128] __attribute__((aligned(64)));

static void *counts(void *p)
{
    unsigned long *mine = p;

    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        atomic_fetch_add(&counter, 1);
        __atomic_fetch_add((uint32_t *)(void *)(split + 62), 1,
                           __ATOMIC_SEQ_CST);
        pthread_mutex_lock(&mutex);
        plain_counter++;
        pthread_mutex_unlock(&mutex);
        ++*mine;
    }
    return NULL;
}

static const char *locks(void)
{
    unsigned long mine[THREADS] = {0}, all = 0;
    pthread_t t[THREADS];
    uint32_t over;

    for (int i = 0; i < THREADS; i++) {
        pthread_create(&t[i], NULL, counts, &mine[i]);
    }
    while (more()) {
        usleep(1000);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        all += mine[i];
    }
    memcpy(&over, split + 62, 4);
    return counter != all ? "LOCK XADD lost a count"
           : over != (uint32_t)all
               ? "a locked ADD over a line's end lost a count"
           : plain_counter != all ? "a mutex let two in"
                                  : NULL;
}

/* Message passing: data, then flag; x86 keeps the order. */
static volatile unsigned message, ready;
static atomic_int disorder;

static void *receives(void *p)
{
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        unsigned r = ready, m = message;

        if (m < r) {
            atomic_store(&disorder, 1);
        }
    }
    return NULL;
}

static const char *order(void)
{
    pthread_t t;

    atomic_store(&stop, 0);
    pthread_create(&t, NULL, receives, NULL);
    for (unsigned n = 1; more(); n++) {
        for (unsigned i = 0; i < 1000; i++, n++) {
            message = n;
            ready = n;
        }
    }
    atomic_store(&stop, 1);
    pthread_join(t, NULL);
    return disorder ? "stores were seen out of order" : NULL;
}

/* ---- ---- */

static const struct {
    const char *name;
    const char *(*run)(void);
} parts[] = {
#ifdef __x86_64__
    {"smc", smc},       {"alias", alias},   {"other_thread", other_thread},
#endif
    {"alarms", alarms}, {"faults", faults}, {"forks", forks},
    {"maps", maps},     {"locks", locks},   {"order", order},
};

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    int failed = 0;

    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const char *bad;

        until = now() + seconds;
        bad = parts[i].run();
        printf("stress %s %s\n", parts[i].name, bad ? bad : "ok");
        failed += !!bad;
    }
    printf("stress: %d failed\n", failed);
    return failed != 0;
}
