/* SPDX-License-Identifier: MIT */
/*
 * Names of translated code for perf(1), which reads /tmp/perf-PID.map: a line a
 * block, "START SIZE NAME". CPUs write to it at the same time, whole lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "accel/tcg/jit.h"
#include "accel/tcg/tcg.h"
#include "base/error.h"

static void add(const struct jit *j, const void *run, size_t size,
                const char *name)
{
    g_autofree char *line =
        g_strdup_printf("%" G_GINT64_MODIFIER "x %zx %s\n",
                        (uint64_t)(uintptr_t)run, size, name);

    /* A full disk costs names, no more. */
    if (write(j->perf_map, line, strlen(line)) < 0) {
        return;
    }
}

bool jit_perf_map(struct x86_cpu *cpu, GError **error)
{
    struct jit *j = cpu->engine;
    g_autofree char *path = g_strdup_printf("/tmp/perf-%d.map", (int)getpid());

    /* Another process may have left a file, or a link, under that name. */
    j->perf_map = open(path,
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
                           O_NONBLOCK | (cpu->index == 0 ? O_TRUNC : 0),
                       0600);
    if (j->perf_map < 0) {
        return fail_errno(error, "cannot write '%s'", path);
    }
    add(j, j->rx, (size_t)(j->first - j->rw), "rhea_glue");
    return true;
}

void jit_perf_name(const struct jit *j, const struct jit_block *jb, size_t size)
{
    g_autofree char *name = NULL;

    if (j->perf_map >= 0) {
        name = g_strdup_printf("guest_%" G_GINT64_MODIFIER "x%s", jb->rip,
                               jb->at ? "_plain" : "");
        add(j, jb->run, size, name);
    }
}
