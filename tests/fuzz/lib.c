/* SPDX-License-Identifier: MIT */
/*
 * The targets under libFuzzer: RHEA_FUZZ_TARGET names one. What libFuzzer's
 * options are: fuzz-lib -help=1.
 */
#include <stdio.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    GPtrArray *targets = fuzz_targets(); /* kept for ever */
    const char *name = g_getenv("RHEA_FUZZ_TARGET");

    target = name ? fuzz_find(targets, name) : NULL;
    if (!target) {
        fprintf(stderr, "RHEA_FUZZ_TARGET: want one of:\n");
        for (guint i = 0; i < targets->len; i++) {
            const struct fuzz_target *t = targets->pdata[i];

            fprintf(stderr, "  %s\n", t->name);
        }
        exit(1);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    target->run(target, data, len);
    return 0;
}
