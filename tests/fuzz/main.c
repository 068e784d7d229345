/* SPDX-License-Identifier: MIT */
/*
 * Runs targets on inputs from files, or from a seeded generator:
 *
 *   fuzz --list
 *   fuzz [--seed N] [--seconds S] [--runs N] TARGET...     all: every one
 *   fuzz --files TARGET FILE...
 *
 * A run prints its seed first; where the program dies, the input is kept in a
 * file, fuzz-TARGET. One that does not come back in 60 s is
 * stopped as a hang.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { HANG_SECONDS = 60, INPUT_MAX = 4096 };

struct options {
    guint32 seed;
    double seconds; /* a target */
    unsigned runs;  /* likewise; 0 = by time */
    bool list, files;
    GPtrArray *words; /* const char * */
};

static double now(void)
{
    return (double)g_get_monotonic_time() / 1e6;
}

/* Small values, single bits and all kinds of bytes; a few repeated. */
static void generate(GRand *rand, GByteArray *in)
{
    guint len = (guint)g_rand_int_range(rand, 1, INPUT_MAX);

    len >>= g_rand_int_range(rand, 0, 6);
    g_byte_array_set_size(in, len + 1);
    for (guint i = 0; i < in->len; i++) {
        switch (g_rand_int_range(rand, 0, 6)) {
        case 0: in->data[i] = 0; break;
        case 1:
            in->data[i] = (guint8)(1u << g_rand_int_range(rand, 0, 8));
            break;
        case 2: in->data[i] = (guint8)g_rand_int_range(rand, 0, 16); break;
        case 3: in->data[i] = i >= 4 ? in->data[i - 4] : 0xff; break;
        default: in->data[i] = (guint8)g_rand_int(rand); break;
        }
    }
}

/* The input under way; written to a file when the program dies of it. */
static struct {
    const char *file;
    const GByteArray *input;
} keep;

/* In a signal handler: only what may be called there. */
static void keep_input(void)
{
    int fd =
        keep.file ? open(keep.file, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;

    if (fd >= 0 && write(fd, keep.input->data, keep.input->len) > 0) {
        close(fd);
    }
    keep.file = NULL;
}

static void on_signal(int sig)
{
    keep_input();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* The sanitizers' own door; they see to SIGSEGV themselves. */
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

static void keep_prepare(void)
{
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
    signal(SIGTRAP, on_signal);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(keep_input);
    } else {
        signal(SIGSEGV, on_signal);
    }
}

static void run_one(const struct fuzz_target *t, const GByteArray *in,
                    const char *file)
{
    keep.file = file;
    keep.input = in;
    alarm(HANG_SECONDS);
    t->run(t, in->data, in->len);
    alarm(0);
    keep.file = NULL;
}

static void run_target(const struct fuzz_target *t, const struct options *o)
{
    g_autoptr(GByteArray) in = g_byte_array_new();
    g_autofree char *file = g_strdup_printf("fuzz-%s", t->name);
    GRand *rand = g_rand_new_with_seed(o->seed);
    double begin = now();
    unsigned n = 0;

    g_strdelimit(file, ":/", '-');
    printf("%s: seed %u", t->name, o->seed);
    fflush(stdout);
    while (o->runs ? n < o->runs : now() - begin < o->seconds) {
        generate(rand, in);
        run_one(t, in, file);
        n++;
    }
    printf(", %u inputs\n", n);
    g_rand_free(rand);
}

static int run_files(const struct fuzz_target *t, const struct options *o)
{
    for (guint i = 1; i < o->words->len; i++) {
        const char *path = o->words->pdata[i];
        char *data = NULL;
        gsize len = 0;

        if (!g_file_get_contents(path, &data, &len, NULL)) {
            fprintf(stderr, "fuzz: cannot read '%s'\n", path);
            return 1;
        }
        alarm(HANG_SECONDS);
        t->run(t, (const uint8_t *)data, len);
        alarm(0);
        g_free(data);
    }
    printf("%s: %u files\n", t->name, o->words->len - 1);
    return 0;
}

static int run_words(GPtrArray *targets, const struct options *o)
{
    bool all = o->words->len == 1 && strcmp(o->words->pdata[0], "all") == 0;

    for (guint i = 0; i < (all ? targets->len : o->words->len); i++) {
        const struct fuzz_target *t =
            all ? targets->pdata[i] : fuzz_find(targets, o->words->pdata[i]);

        if (!t) {
            fprintf(stderr, "fuzz: there is no target '%s', see --list\n",
                    (const char *)o->words->pdata[i]);
            return 1;
        }
        if (o->files) {
            return run_files(t, o);
        }
        run_target(t, o);
    }
    return 0;
}

static void parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            o->list = true;
        } else if (strcmp(argv[i], "--files") == 0) {
            o->files = true;
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            o->seed = (guint32)g_ascii_strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            o->seconds = g_ascii_strtod(argv[++i], NULL);
        } else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc) {
            o->runs = (unsigned)g_ascii_strtoull(argv[++i], NULL, 0);
        } else {
            g_ptr_array_add(o->words, argv[i]);
        }
    }
}

int main(int argc, char **argv)
{
    struct options o = {
        .seed = g_random_int(), .seconds = 1, .words = g_ptr_array_new()};
    GPtrArray *targets = fuzz_targets();
    int status = 0;

    signal(SIGPIPE, SIG_IGN);
    keep_prepare();
    parse(&o, argc, argv);
    for (guint i = 0; o.list && i < targets->len; i++) {
        puts(((const struct fuzz_target *)targets->pdata[i])->name);
    }
    if (!o.list && o.words->len == 0) {
        fprintf(stderr, "usage: fuzz --list | [--seed N] [--seconds S] "
                        "[--runs N] TARGET... | --files TARGET FILE...\n");
        status = 1;
    }
    status = status || o.list ? status : run_words(targets, &o);
    fuzz_targets_free(targets);
    g_ptr_array_free(o.words, TRUE);
    return status;
}
