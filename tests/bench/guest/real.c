/* Programs as a distribution ships them, over fixed input made here. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "bench.h"

#define DATA "/tmp/bench.data"

/* Text of words from a skewed vocabulary: compresses about as prose does. */
static void make_data(size_t size)
{
    enum { WORDS = 4096 };
    static char words[WORDS][12];
    struct stat st;
    uint32_t seed = 2463534242u;
    size_t n = 0;

    if (!stat(DATA, &st) && st.st_size == (off_t)size) {
        return;
    }
    char *buf = malloc(size + 64);
    for (int i = 0; i < WORDS; i++) {
        int len = 2 + rnd(&seed) % 8;
        for (int k = 0; k < len; k++) {
            words[i][k] = "etaoinsrhldcumfpgwybvk"[(rnd(&seed) % 22) *
                                                   (rnd(&seed) % 22) / 22];
        }
    }
    while (n < size) {
        uint32_t a = rnd(&seed) % WORDS, b = rnd(&seed) % WORDS,
                 c = rnd(&seed) % WORDS;
        const char *w = words[(uint64_t)a * b / WORDS * c / WORDS];
        size_t l = strlen(w);
        memcpy(buf + n, w, l);
        n += l;
        buf[n++] = rnd(&seed) % 12 ? ' ' : rnd(&seed) % 3 ? ',' : '\n';
        if (rnd(&seed) % 40 == 0) {
            n += sprintf(buf + n, "%u ", rnd(&seed) % 100000);
        }
    }
    int fd = open(DATA, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, buf, size) != (ssize_t)size) {
        die("%s: %s", DATA, strerror(errno));
    }
    close(fd);
    free(buf);
}

/* Runs a shell command and returns a hash of what it printed. */
static uint64_t sh(const char *tool, const char *fmt, ...)
{
    char cmd[1024], out[4096];
    uint64_t h = 1469598103934665603ull;
    int p[2], st;
    ssize_t n;
    va_list ap;

    if (access(tool, R_OK)) {
        bench_skip("not in this image");
    }
    __builtin_va_start(ap, fmt);
    vsnprintf(cmd, sizeof(cmd), fmt, ap);
    __builtin_va_end(ap);
    if (pipe(p)) {
        die("pipe");
    }
    bench_start();
    pid_t pid = fork();
    if (!pid) {
        dup2(p[1], 1);
        close(p[0]);
        execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
        _exit(127);
    }
    close(p[1]);
    while ((n = read(p[0], out, sizeof(out))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            h = (h ^ (uint8_t)out[i]) * 1099511628211ull;
        }
    }
    waitpid(pid, &st, 0);
    if (st) {
        die("'%s': status %x", cmd, st);
    }
    return h;
}

enum { SIZE = 16 << 20 };

static uint64_t pack(const char *tool, const char *args, size_t size)
{
    make_data(scaled(size));
    return sh(tool,
              "cd /tmp && %s %s -c " DATA
              " > z && wc -c < z && %s -dc z | cmp - " DATA,
              tool, args, tool);
}

static uint64_t r_gzip(void)
{
    return pack("/usr/bin/gzip", "-4", SIZE);
}
static uint64_t r_bzip2(void)
{
    return pack("/usr/bin/bzip2", "-9", SIZE / 4);
}
static uint64_t r_xz(void)
{
    return pack("/usr/bin/xz", "-0", SIZE / 2);
}

/* Hashing or encrypting the data file again and again; no pipes in the timed part. */
static uint64_t ssl(const char *env, const char *args, int times)
{
    make_data(SIZE);
    return sh("/usr/bin/openssl",
              "rm -f /tmp/z; for i in $(seq %ld); do %s openssl %s " DATA
              " || exit 1; done; tail -c 64 /tmp/z",
              scaled(times), env, args);
}

#define AES                                                     \
    "enc -aes-128-cbc -K 000102030405060708090a0b0c0d0e0f -iv " \
    "0f0e0d0c0b0a09080706050403020100 -bufsize 1048576 -out /tmp/z -in"
#define NO_CAPS "OPENSSL_ia32cap=~0x200020200000000:0"

static uint64_t r_sha256(void)
{
    return ssl("", "dgst -sha256 -out /tmp/z", 32);
}
static uint64_t r_sha256sw(void)
{
    return ssl(NO_CAPS, "dgst -sha256 -out /tmp/z", 20);
}
static uint64_t r_aes(void)
{
    return ssl("", AES, 8);
}
static uint64_t r_aessw(void)
{
    return ssl(NO_CAPS, AES, 8);
}

static uint64_t r_python(void)
{
    return sh("/usr/bin/python3", "python3 -S /bench/work.py %ld", scaled(200));
}

static uint64_t r_sqlite(void)
{
    return sh(
        "/usr/bin/sqlite3",
        "rm -f /tmp/db; sed 's/ROWS/%ld/g' /bench/work.sql | sqlite3 /tmp/db",
        scaled(100000));
}

static uint64_t r_perl(void)
{
    make_data(SIZE);
    return sh("/usr/bin/perl", "perl /bench/work.pl %ld " DATA, scaled(150));
}

static uint64_t r_cc1(void)
{
    return sh("/bench/int.i",
              "for i in $(seq %ld); do for f in int fp dev real; do $(echo "
              "/usr/lib/gcc/x86_64-linux-gnu/*/cc1) "
              "-quiet -fpreprocessed -O2 /bench/$f.i -o - | md5sum; done; done",
              scaled(1));
}

/* Start-up of a dynamically linked program: loader, relocations, cold code. */
static uint64_t r_start(void)
{
    return sh("/usr/bin/python3",
              "for i in $(seq %ld); do python3 -S -c 'print(1)'; done",
              scaled(75));
}

const Bench real_benches[] = {{"real.gzip", r_gzip},
                              {"real.bzip2", r_bzip2},
                              {"real.xz", r_xz},
                              {"real.sha256", r_sha256},
                              {"real.sha256sw", r_sha256sw},
                              {"real.aes", r_aes},
                              {"real.aessw", r_aessw},
                              {"real.python", r_python},
                              {"real.sqlite", r_sqlite},
                              {"real.perl", r_perl},
                              {"real.cc1", r_cc1},
                              {"real.start", r_start},
                              {NULL, NULL}};
