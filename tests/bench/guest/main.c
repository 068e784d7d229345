/*
 * One static program.  As process 1 it is the guest's init: it runs what the
 * kernel command line asks for (bench=a,b scale=N port=N) and powers off.
 * Otherwise: rbench [scale=N] NAME... runs the same code on the host.
 *
 * Serial protocol, a line each:
 *   MARK init | MARK begin NAME | MARK end NAME | MARK off
 *   RESULT NAME SECONDS cpu=SECONDS check=HEX [note]      SKIP NAME why      FAIL NAME status
 */
#include <dirent.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#include "bench.h"

int scale = 100, net_port;
static const char *cur_name;
static double t_start, c_start;
static char note[256];
static const Bench *const groups[] = {int_benches, fp_benches, real_benches,
                                      sys_benches, dev_benches};

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Processor time of this process and of the children it waited for. */
static double cpu_used(void)
{
    struct rusage a, b;
    getrusage(RUSAGE_SELF, &a);
    getrusage(RUSAGE_CHILDREN, &b);
    return a.ru_utime.tv_sec + a.ru_stime.tv_sec + b.ru_utime.tv_sec +
           b.ru_stime.tv_sec +
           (a.ru_utime.tv_usec + a.ru_stime.tv_usec + b.ru_utime.tv_usec +
            b.ru_stime.tv_usec) *
               1e-6;
}

static void say(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (write(1, line, n) != n) {
        _exit(1);
    }
    tcdrain(1);
}

void bench_start(void)
{
    say("MARK begin %s\n", cur_name);
    c_start = cpu_used();
    t_start = now();
}

void bench_skip(const char *why)
{
    say("SKIP %s %s\n", cur_name, why);
    _exit(0);
}

void bench_note(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(note, sizeof(note), fmt, ap);
    va_end(ap);
}

static void run_one(const Bench *b)
{
    int st;
    pid_t pid = fork();
    if (!pid) {
        cur_name = b->name;
        bench_start();
        uint64_t check = b->run();
        double t = now() - t_start, c = cpu_used() - c_start;
        say("MARK end %s\n", cur_name);
        say("RESULT %s %.4f cpu=%.4f check=%016llx %s\n", cur_name, t, c,
            (unsigned long long)check, note);
        _exit(0);
    }
    waitpid(pid, &st, 0);
    if (st) {
        say("FAIL %s %x\n", b->name, st);
    }
}

/* NAME is a benchmark, a group ("int") or "all". */
static void run_named(const char *name)
{
    size_t l = strlen(name);
    for (size_t g = 0; g < sizeof(groups) / sizeof(*groups); g++) {
        for (const Bench *b = groups[g]; b->name; b++) {
            if (!strcmp(name, "all") || !strcmp(name, b->name) ||
                (!strncmp(name, b->name, l) && b->name[l] == '.')) {
                run_one(b);
            }
        }
    }
}

static int cmp_str(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Inserts /modules/NN-*.ko in order; once for each boot. */
void load_modules(void)
{
    DIR *d = access("/tmp/.modules", F_OK) ? opendir("/modules") : NULL;
    char *names[64];
    int n = 0;
    struct dirent *e;
    while (d && (e = readdir(d)) && n < 64) {
        if (e->d_name[0] != '.') {
            names[n++] = strdup(e->d_name);
        }
    }
    if (!d) {
        return;
    }
    closedir(d);
    qsort(names, n, sizeof(*names), cmp_str);
    for (int i = 0; i < n; i++) {
        char path[300];
        snprintf(path, sizeof(path), "/modules/%s", names[i]);
        int fd = open(path, O_RDONLY);
        if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST &&
            errno != ENODEV) {
            say("module %s: %s\n", names[i], strerror(errno));
        }
        close(fd);
    }
    close(open("/tmp/.modules", O_CREAT | O_WRONLY, 0600));
}

static void run_init(void)
{
    static char line[4096];
    char *list = NULL, *save = NULL;
    int fd;

    say("MARK init\n");
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mount("tmp", "/tmp", "tmpfs", 0, NULL);
    fd = open("/proc/cmdline", O_RDONLY);
    if (fd >= 0 && read(fd, line, sizeof(line) - 1) > 0) {
        for (char *w = strtok_r(line, " \n", &save); w;
             w = strtok_r(NULL, " \n", &save)) {
            if (!strncmp(w, "bench=", 6)) {
                list = w + 6;
            } else if (!strncmp(w, "scale=", 6)) {
                scale = atoi(w + 6);
            } else if (!strncmp(w, "port=", 5)) {
                net_port = atoi(w + 5);
            } else if (!strcmp(w, "shell")) {
                if (!fork()) {
                    execl("/bin/sh", "sh", (char *)NULL);
                    _exit(1);
                }
                wait(NULL);
            }
        }
    }
    for (char *w = list ? strtok_r(list, ",", &save) : NULL; w;
         w = strtok_r(NULL, ",", &save)) {
        run_named(w);
    }
    say("MARK off\n");
    reboot(RB_POWER_OFF);
    for (;;) {
        pause();
    }
}

int main(int argc, char **argv)
{
    setenv("PATH", "/usr/bin:/bin", 1);
    setenv("LC_ALL", "C", 1);
    setenv("HOME", "/tmp", 1);
    if (getpid() == 1) {
        run_init();
    }
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "scale=", 6)) {
            scale = atoi(argv[i] + 6);
        } else {
            run_named(argv[i]);
        }
    }
    return 0;
}
