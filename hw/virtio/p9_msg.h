/* SPDX-License-Identifier: MIT */
/* Fields of 9P messages: little-endian numbers, strings with their length. */
#ifndef HW_VIRTIO_P9_MSG_H
#define HW_VIRTIO_P9_MSG_H

#include <string.h>

#include "base/error.h"

struct p9_in { /* a message that is read; `bad` once it was too short */
    const uint8_t *p;
    size_t left;
    bool bad;
};

struct p9_out { /* an answer that is written; `full` once it was too long */
    uint8_t *p;
    size_t at, max;
    bool full;
};

static inline const uint8_t *p9_take(struct p9_in *in, size_t n)
{
    static const uint8_t zeroes[16];
    const uint8_t *p = in->p;

    if (in->bad || n > in->left) {
        in->bad = true;
        return zeroes;
    }
    in->p += n;
    in->left -= n;
    return p;
}

static inline uint8_t p9_get8(struct p9_in *in)
{
    return *p9_take(in, 1);
}

static inline uint16_t p9_get16(struct p9_in *in)
{
    return ldl_u16(p9_take(in, 2));
}

static inline uint32_t p9_get32(struct p9_in *in)
{
    return ldl_u32(p9_take(in, 4));
}

static inline uint64_t p9_get64(struct p9_in *in)
{
    return ldl_u64(p9_take(in, 8));
}

/* A copy, to be freed; one with a NUL in it is bad. */
static inline char *p9_get_string(struct p9_in *in)
{
    size_t len = p9_get16(in);
    const uint8_t *p = p9_take(in, len);

    if (in->bad || memchr(p, 0, len)) {
        in->bad = true;
        return g_strdup("");
    }
    return g_strndup((const char *)p, len);
}

/* Room for n bytes; NULL where there is none. */
static inline uint8_t *p9_room(struct p9_out *out, size_t n)
{
    uint8_t *p = out->p + out->at;

    if (out->full || n > out->max - out->at) {
        out->full = true;
        return NULL;
    }
    out->at += n;
    return p;
}

static inline void p9_put(struct p9_out *out, uint64_t v, size_t size)
{
    uint8_t *p = p9_room(out, size);

    for (size_t i = 0; p && i < size; i++) {
        p[i] = (uint8_t)(v >> 8 * i);
    }
}

static inline void p9_put_bytes(struct p9_out *out, const void *data, size_t n)
{
    uint8_t *p = p9_room(out, n);

    if (p) {
        memcpy(p, data, n);
    }
}

static inline void p9_put_string(struct p9_out *out, const char *text)
{
    size_t len = MIN(strlen(text), UINT16_MAX);

    p9_put(out, len, 2);
    p9_put_bytes(out, text, len);
}

#endif
