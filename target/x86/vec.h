/* SPDX-License-Identifier: MIT */
/*
 * 128-bit values as the compiler's vectors: what the MMX, SSE and AVX handlers
 * compute with. Lane 0 is the lowest in memory: little-endian hosts.
 */
#ifndef TARGET_X86_VEC_H
#define TARGET_X86_VEC_H

#include <string.h>

#include "base/base.h"

#define X86_VECTOR __attribute__((vector_size(16)))

typedef uint8_t v16u8 X86_VECTOR;
typedef int8_t v16i8 X86_VECTOR;
typedef uint16_t v8u16 X86_VECTOR;
typedef int16_t v8i16 X86_VECTOR;
typedef uint32_t v4u32 X86_VECTOR;
typedef int32_t v4i32 X86_VECTOR;
typedef uint64_t v2u64 X86_VECTOR;
typedef int64_t v2i64 X86_VECTOR;
typedef float v4f32 X86_VECTOR;
typedef double v2f64 X86_VECTOR;

/* The type in which values travel; any of the others is one cast away. */
typedef v2u64 v128;

/* The lanes of `a` where `mask` is all ones, those of `b` where it is zero. */
static always_inline v128 v128_blend(v128 mask, v128 a, v128 b)
{
    return (mask & a) | (~mask & b);
}

static always_inline v128 v128_load(const void *p)
{
    v128 v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static always_inline void v128_store(void *p, v128 v)
{
    memcpy(p, &v, sizeof(v));
}

/* `lo` in the low half, zero in the high one. */
static always_inline v128 v128_low(uint64_t lo)
{
    return (v128){lo, 0};
}

#endif
