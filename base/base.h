/* SPDX-License-Identifier: MIT */
/*
 * The few things every file of rhea needs. Includes no other header of ours.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define BIT(n)            (UINT64_C(1) << (n))
#define KIB               UINT64_C(1024)
#define MIB               (KIB * 1024)
#define GIB               (MIB * 1024)

#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define always_inline inline __attribute__((always_inline))
#define no_inline     __attribute__((noinline))

/* clang-format off */
#define container_of(ptr, type, member) \
    ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
/* clang-format on */

/* Little-endian loads and stores at any alignment, whatever the host is. */
static inline uint16_t ldl_u16(const void *p)
{
    const uint8_t *b = p;

    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t ldl_u32(const void *p)
{
    const uint8_t *b = p;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

static inline uint64_t ldl_u64(const void *p)
{
    const uint8_t *b = p;

    return ldl_u32(b) | (uint64_t)ldl_u32(b + 4) << 32;
}

static inline void stl_u16(void *p, uint16_t v)
{
    uint8_t *b = p;

    b[0] = (uint8_t)v;
    b[1] = (uint8_t)(v >> 8);
}

static inline void stl_u32(void *p, uint32_t v)
{
    stl_u16(p, (uint16_t)v);
    stl_u16((uint8_t *)p + 2, (uint16_t)(v >> 16));
}

static inline void stl_u64(void *p, uint64_t v)
{
    stl_u32(p, (uint32_t)v);
    stl_u32((uint8_t *)p + 4, (uint32_t)(v >> 32));
}

#endif
