/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/fuzz/fuzz.h"

static void target_free(gpointer data)
{
    struct fuzz_target *t = data;

    g_free(t->name);
    g_free(t->device);
    g_free(t);
}

void fuzz_add(GPtrArray *targets, char *name,
              void (*run)(const struct fuzz_target *t, const uint8_t *data,
                          size_t len),
              const char *board, const char *device)
{
    struct fuzz_target *t = g_new0(struct fuzz_target, 1);

    t->name = name;
    t->run = run;
    t->board = board;
    t->device = g_strdup(device);
    g_ptr_array_add(targets, t);
}

GPtrArray *fuzz_targets(void)
{
    GPtrArray *targets = g_ptr_array_new_with_free_func(target_free);

    fuzz_add_parsers(targets);
    fuzz_add_network(targets);
    fuzz_add_devices(targets);
    return targets;
}

void fuzz_targets_free(GPtrArray *targets)
{
    g_ptr_array_free(targets, TRUE);
}

const struct fuzz_target *fuzz_find(GPtrArray *targets, const char *name)
{
    for (guint i = 0; i < targets->len; i++) {
        const struct fuzz_target *t = targets->pdata[i];

        if (strcmp(t->name, name) == 0) {
            return t;
        }
    }
    return NULL;
}
