/* Kernel work: system calls, context switches, faults, processes, signals. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "bench.h"

static uint64_t b_syscall(void)
{
    uint64_t s = 0, p = syscall(SYS_getppid);
    for (long it = scaled(10000000); it > 0; it--) {
        s += syscall(SYS_getppid) == (long)p;
    }
    return s;
}

static uint64_t b_pipe(void)
{
    int a[2], b[2];
    char c = 0;
    uint64_t n = 0;
    if (pipe(a) || pipe(b)) {
        die("pipe");
    }
    pid_t pid = fork();
    if (!pid) {
        close(a[1]);
        while (read(a[0], &c, 1) == 1) {
            if (write(b[1], &c, 1) != 1) {
                break;
            }
        }
        _exit(0);
    }
    bench_start();
    for (long it = scaled(60000); it > 0; it--) {
        if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1) {
            die("pipe io");
        }
        n++;
    }
    close(a[1]);
    waitpid(pid, NULL, 0);
    return n;
}

static uint64_t b_fork(void)
{
    uint64_t n = 0;
    for (long it = scaled(4000); it > 0; it--) {
        int st;
        pid_t pid = fork();
        if (!pid) {
            _exit(7);
        }
        waitpid(pid, &st, 0);
        n += WEXITSTATUS(st);
    }
    return n;
}

static uint64_t b_exec(void)
{
    volatile uint64_t n = 0;
    if (access("/bin/busybox", X_OK)) {
        bench_skip("no /bin/busybox");
    }
    for (long it = scaled(2500); it > 0; it--) {
        int st;
        pid_t pid = vfork();
        if (!pid) {
            execl("/bin/busybox", "true", (char *)NULL);
            _exit(1);
        }
        waitpid(pid, &st, 0);
        n += WEXITSTATUS(st) == 0;
    }
    return n;
}

static uint64_t b_mmap(void)
{
    enum { SZ = 4 << 20 };
    uint64_t n = 0;
    for (long it = scaled(600); it > 0; it--) {
        uint8_t *p = mmap(NULL, SZ, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) {
            die("mmap");
        }
        madvise(p, SZ, MADV_NOHUGEPAGE);
        for (int i = 0; i < SZ; i += 4096) {
            p[i] = 1;
            n++;
        }
        munmap(p, SZ);
    }
    return n;
}

static uint8_t *prot_page;
static volatile uint64_t sigs;

static void on_usr1(int sig)
{
    (void)sig;
    sigs++;
}

static void on_segv(int sig)
{
    (void)sig;
    sigs++;
    mprotect(prot_page, 4096, PROT_READ | PROT_WRITE);
}

static uint64_t b_signal(void)
{
    pid_t me = getpid();
    signal(SIGUSR1, on_usr1);
    for (long it = scaled(200000); it > 0; it--) {
        kill(me, SIGUSR1);
    }
    return sigs;
}

static uint64_t b_segv(void)
{
    signal(SIGSEGV, on_segv);
    prot_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long it = scaled(100000); it > 0; it--) {
        mprotect(prot_page, 4096, PROT_READ);
        *(volatile uint8_t *)prot_page = it;
    }
    return sigs;
}

static uint64_t b_tmpfs(void)
{
    static char buf[16384];
    uint64_t n = 0;
    for (long it = scaled(20000); it > 0; it--) {
        char name[64];
        snprintf(name, sizeof(name), "/tmp/f%ld", it % 100);
        int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (fd < 0) {
            die("open %s: %s", name, strerror(errno));
        }
        n += write(fd, buf, sizeof(buf));
        n += pread(fd, buf, 4096, 8192);
        close(fd);
        unlink(name);
    }
    return n;
}

/* clock_gettime: the vDSO over the TSC, or a device, as the kernel finds fit. */
static uint64_t b_clock(void)
{
    struct timespec a, b;
    uint64_t n = 0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long it = scaled(40000000); it > 0; it--) {
        clock_gettime(CLOCK_MONOTONIC, &b);
        n += b.tv_sec > a.tv_sec ||
             (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec);
        a = b;
    }
    return n;
}

const Bench sys_benches[] = {
    {"sys.syscall", b_syscall}, {"sys.pipe", b_pipe},
    {"sys.fork", b_fork},       {"sys.exec", b_exec},
    {"sys.mmap", b_mmap},       {"sys.signal", b_signal},
    {"sys.segv", b_segv},       {"sys.tmpfs", b_tmpfs},
    {"sys.clock", b_clock},     {NULL, NULL}};
