/* SPDX-License-Identifier: MIT */
/* [ACPI] 20.2 "AML Grammar Definition", 6.4 "Resource Data Types". */
#include "hw/acpi/aml.h"

#include <string.h>

enum {
    OP_ZERO = 0x00,
    OP_ONE = 0x01,
    OP_NAME = 0x08,
    OP_BYTE = 0x0a,
    OP_WORD = 0x0b,
    OP_DWORD = 0x0c,
    OP_STRING = 0x0d,
    OP_QWORD = 0x0e,
    OP_SCOPE = 0x10,
    OP_BUFFER = 0x11,
    OP_PACKAGE = 0x12,
    OP_METHOD = 0x14,
    OP_DUAL_NAME = 0x2e,
    OP_MULTI_NAME = 0x2f,
    OP_EXT = 0x5b,
    OP_LOCAL0 = 0x60,
    OP_ARG0 = 0x68,
    OP_IF = 0xa0,
    OP_ELSE = 0xa1,
    EXT_REGION = 0x80,
    EXT_FIELD = 0x81,
    EXT_DEVICE = 0x82,
};

void aml_init(struct aml *a)
{
    *a = (struct aml){.out = g_byte_array_new()};
}

void aml_clear(struct aml *a)
{
    g_byte_array_unref(a->out);
}

static void put(struct aml *a, const void *p, size_t len)
{
    g_byte_array_append(a->out, p, (guint)len);
}

static void put8(struct aml *a, uint8_t v)
{
    put(a, &v, 1);
}

static void put16(struct aml *a, uint16_t v)
{
    uint8_t b[2];

    stl_u16(b, v);
    put(a, b, sizeof(b));
}

static void put32(struct aml *a, uint32_t v)
{
    uint8_t b[4];

    stl_u32(b, v);
    put(a, b, sizeof(b));
}

static void put64(struct aml *a, uint64_t v)
{
    uint8_t b[8];

    stl_u64(b, v);
    put(a, b, sizeof(b));
}

/* A segment of four, padded with underscores. */
static void put_segment(struct aml *a, const char *s, size_t len)
{
    char seg[4] = {'_', '_', '_', '_'};

    assert(len >= 1 && len <= sizeof(seg));
    memcpy(seg, s, len);
    put(a, seg, sizeof(seg));
}

void aml_path(struct aml *a, const char *name)
{
    g_auto(GStrv) segs = NULL;
    guint n;

    for (; *name == '\\' || *name == '^'; name++) {
        put8(a, (uint8_t)*name);
    }
    segs = g_strsplit(name, ".", -1);
    n = g_strv_length(segs);
    if (n == 0) {
        put8(a, OP_ZERO); /* the root alone */
    } else if (n == 2) {
        put8(a, OP_DUAL_NAME);
    } else if (n > 2) {
        put8(a, OP_MULTI_NAME);
        put8(a, (uint8_t)n);
    }
    for (guint i = 0; i < n; i++) {
        put_segment(a, segs[i], strlen(segs[i]));
    }
}

void aml_int(struct aml *a, uint64_t v)
{
    if (v <= 1) {
        put8(a, (uint8_t)v);
    } else if (v <= UINT8_MAX) {
        put8(a, OP_BYTE);
        put8(a, (uint8_t)v);
    } else if (v <= UINT16_MAX) {
        put8(a, OP_WORD);
        put16(a, (uint16_t)v);
    } else if (v <= UINT32_MAX) {
        put8(a, OP_DWORD);
        put32(a, (uint32_t)v);
    } else {
        put8(a, OP_QWORD);
        put64(a, v);
    }
}

void aml_string(struct aml *a, const char *s)
{
    put8(a, OP_STRING);
    put(a, s, strlen(s) + 1);
}

/* Three letters of five bits, four hexadecimal digits, big-endian. */
void aml_eisaid(struct aml *a, const char *id)
{
    uint32_t v = (uint32_t)(id[0] - '@') << 26 | (uint32_t)(id[1] - '@') << 21 |
                 (uint32_t)(id[2] - '@') << 16;

    assert(strlen(id) == 7);
    v |= (uint32_t)g_ascii_strtoull(id + 3, NULL, 16);
    put8(a, OP_DWORD);
    put32(a, GUINT32_SWAP_LE_BE(v));
}

void aml_arg(struct aml *a, unsigned n)
{
    put8(a, (uint8_t)(OP_ARG0 + n));
}

void aml_local(struct aml *a, unsigned n)
{
    put8(a, (uint8_t)(OP_LOCAL0 + n));
}

/* What follows, up to aml_end(), is counted. */
static void aml_open(struct aml *a, bool template)
{
    assert(a->depth < AML_DEPTH);
    a->open[a->depth].at = a->out->len;
    a->open[a->depth++].template = template;
}

/* Makes room for `len` bytes at `at` and writes them there. */
static void insert(struct aml *a, guint at, const uint8_t *p, guint len)
{
    guint tail = a->out->len - at;

    g_byte_array_set_size(a->out, a->out->len + len);
    memmove(a->out->data + at + len, a->out->data + at, tail);
    memcpy(a->out->data + at, p, len);
}

/* A package length counts itself, too. [ACPI] 20.2.4 */
static guint encode_length(uint8_t *p, guint len)
{
    guint bytes = len + 1 < 0x40 ? 1 : len + 2 < 0x1000 ? 2 : 3;

    len += bytes;
    assert(len < 0x100000);
    if (bytes == 1) {
        p[0] = (uint8_t)len;
        return 1;
    }
    p[0] = (uint8_t)((bytes - 1) << 6 | (len & 15));
    p[1] = (uint8_t)(len >> 4);
    p[2] = (uint8_t)(len >> 12);
    return bytes;
}

void aml_end(struct aml *a)
{
    uint8_t head[8];
    guint at;
    guint n;

    assert(a->depth > 0);
    at = a->open[--a->depth].at;
    if (a->open[a->depth].template) {
        guint size;

        put8(a, 0x79); /* end tag */
        put8(a, 0);
        size = a->out->len - at;
        head[0] = OP_WORD;
        stl_u16(head + 1, (uint16_t)size);
        insert(a, at, head, 3);
    }
    n = encode_length(head, a->out->len - at);
    insert(a, at, head, n);
}

void aml_scope(struct aml *a, const char *name)
{
    put8(a, OP_SCOPE);
    aml_open(a, false);
    aml_path(a, name);
}

void aml_device(struct aml *a, const char *name)
{
    put8(a, OP_EXT);
    put8(a, EXT_DEVICE);
    aml_open(a, false);
    aml_path(a, name);
}

void aml_method(struct aml *a, const char *name, unsigned args, bool serialized)
{
    put8(a, OP_METHOD);
    aml_open(a, false);
    aml_path(a, name);
    put8(a, (uint8_t)(args | (serialized ? 8 : 0)));
}

void aml_if(struct aml *a)
{
    put8(a, OP_IF);
    aml_open(a, false);
}

void aml_else(struct aml *a)
{
    put8(a, OP_ELSE);
    aml_open(a, false);
}

void aml_package(struct aml *a, unsigned count)
{
    assert(count <= UINT8_MAX);
    put8(a, OP_PACKAGE);
    aml_open(a, false);
    put8(a, (uint8_t)count);
}

void aml_name(struct aml *a, const char *name)
{
    put8(a, OP_NAME);
    aml_path(a, name);
}

void aml_name_int(struct aml *a, const char *name, uint64_t v)
{
    aml_name(a, name);
    aml_int(a, v);
}

void aml_name_eisaid(struct aml *a, const char *name, const char *id)
{
    aml_name(a, name);
    aml_eisaid(a, id);
}

void aml_name_string(struct aml *a, const char *name, const char *s)
{
    aml_name(a, name);
    aml_string(a, s);
}

void aml_op(struct aml *a, enum aml_op op)
{
    put8(a, (uint8_t)op);
}

void aml_no_target(struct aml *a)
{
    put8(a, OP_ZERO);
}

void aml_region(struct aml *a, const char *name, enum aml_space space,
                uint64_t at, uint64_t len)
{
    put8(a, OP_EXT);
    put8(a, EXT_REGION);
    aml_path(a, name);
    put8(a, (uint8_t)space);
    aml_int(a, at);
    aml_int(a, len);
}

void aml_field(struct aml *a, const char *region)
{
    put8(a, OP_EXT);
    put8(a, EXT_FIELD);
    aml_open(a, false);
    aml_path(a, region);
    put8(a, 1); /* ByteAcc */
}

void aml_field_unit(struct aml *a, const char *name, unsigned bits)
{
    assert(bits < 0x40);
    put_segment(a, name, strlen(name));
    put8(a, (uint8_t)bits);
}

void aml_template(struct aml *a)
{
    put8(a, OP_BUFFER);
    aml_open(a, true);
}

void aml_io(struct aml *a, uint16_t at, uint8_t align, uint8_t len)
{
    put8(a, 0x47);
    put8(a, 1); /* Decode16 */
    put16(a, at);
    put16(a, at);
    put8(a, align);
    put8(a, len);
}

void aml_irq(struct aml *a, unsigned irq)
{
    put8(a, 0x22);
    put16(a, (uint16_t)(1u << irq));
}

void aml_dma(struct aml *a, unsigned channel)
{
    put8(a, 0x2a);
    put8(a, (uint8_t)(1u << channel));
    put8(a, 0); /* Compatibility, NotBusMaster, Transfer8 */
}

void aml_memory32(struct aml *a, uint32_t at, uint32_t len, bool writable)
{
    put8(a, 0x86);
    put16(a, 9);
    put8(a, writable);
    put32(a, at);
    put32(a, len);
}

void aml_interrupt(struct aml *a, const uint32_t *gsi, unsigned count)
{
    put8(a, 0x89);
    put16(a, (uint16_t)(2 + 4 * count));
    put8(a, 0x09);
    put8(a, (uint8_t)count);
    for (unsigned i = 0; i < count; i++) {
        put32(a, gsi[i]);
    }
}

enum { /* kinds of windows; all are produced, decoded positively, fixed */
       WINDOW_MEMORY,
       WINDOW_IO,
       WINDOW_BUS,
       WINDOW_FIXED = 0x0c,
};

static void window16(struct aml *a, uint8_t kind, uint8_t flags, uint16_t first,
                     uint16_t last)
{
    put8(a, 0x88);
    put16(a, 13);
    put8(a, kind);
    put8(a, WINDOW_FIXED);
    put8(a, flags);
    put16(a, 0);
    put16(a, first);
    put16(a, last);
    put16(a, 0);
    put16(a, (uint16_t)(last - first + 1));
}

void aml_bus_window(struct aml *a, uint16_t first, uint16_t last)
{
    window16(a, WINDOW_BUS, 0, first, last);
}

void aml_io_window(struct aml *a, uint16_t first, uint16_t last)
{
    window16(a, WINDOW_IO, 3, first, last); /* EntireRange */
}

void aml_memory_window(struct aml *a, uint32_t first, uint32_t last,
                       bool cacheable)
{
    put8(a, 0x87);
    put16(a, 23);
    put8(a, WINDOW_MEMORY);
    put8(a, WINDOW_FIXED);
    put8(a, cacheable ? 3 : 1);
    put32(a, 0);
    put32(a, first);
    put32(a, last);
    put32(a, 0);
    put32(a, last - first + 1);
}

void aml_memory_window64(struct aml *a, uint64_t first, uint64_t last)
{
    put8(a, 0x8a);
    put16(a, 43);
    put8(a, WINDOW_MEMORY);
    put8(a, WINDOW_FIXED);
    put8(a, 3);
    put64(a, 0);
    put64(a, first);
    put64(a, last);
    put64(a, 0);
    put64(a, last - first + 1);
}
