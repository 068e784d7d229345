/* SPDX-License-Identifier: MIT */
/*
 * Fuzz targets: what takes bytes from somebody who may mean ill. A target is
 * a name and a function of bytes. Two programs run them: `fuzz` with a seeded
 * generator of its own (CI), and `fuzz-lib` under libFuzzer (-Dfuzzer=true).
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/error.h"

struct fuzz_target {
    char *name; /* "dev:pc/isa-fdc", "json" */
    void (*run)(const struct fuzz_target *t, const uint8_t *data, size_t len);
    const char *board; /* of device targets */
    char *device;      /* likewise; NULL: every device of the board */
};

/* All targets: struct fuzz_target *. Devices come from the boards. */
GPtrArray *fuzz_targets(void);
void fuzz_targets_free(GPtrArray *targets);
const struct fuzz_target *fuzz_find(GPtrArray *targets, const char *name);

void fuzz_add(GPtrArray *targets, char *name,
              void (*run)(const struct fuzz_target *t, const uint8_t *data,
                          size_t len),
              const char *board, const char *device);
void fuzz_add_devices(GPtrArray *targets); /* device.c */
void fuzz_add_network(GPtrArray *targets); /* network.c */
void fuzz_add_parsers(GPtrArray *targets); /* parsers.c */

/* Bytes that are taken one by one; zeroes follow the last one. */
struct bytes {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t take8(struct bytes *b)
{
    if (b->left == 0) {
        return 0;
    }
    b->left--;
    return *b->at++;
}

static inline uint16_t take16(struct bytes *b)
{
    uint16_t low = take8(b);

    return (uint16_t)(low | take8(b) << 8);
}

static inline uint32_t take32(struct bytes *b)
{
    uint32_t low = take16(b);

    return low | (uint32_t)take16(b) << 16;
}

#endif
