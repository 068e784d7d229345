/* SPDX-License-Identifier: MIT */
#include "hw/acpi/linker.h"

#include <string.h>

enum {
    CMD_ALLOCATE = 1,
    CMD_POINTER = 2,
    CMD_CHECKSUM = 3,
    COMMAND = 128, /* all have this size */
    NAME = 56,
};

static uint8_t *command(GByteArray *script, uint32_t cmd, const char *file)
{
    guint at = script->len;
    uint8_t *c;

    assert(strlen(file) < NAME);
    g_byte_array_set_size(script, at + COMMAND);
    c = script->data + at;
    memset(c, 0, COMMAND);
    stl_u32(c, cmd);
    memcpy(c + 4, file, strlen(file));
    return c + 4 + NAME;
}

void linker_allocate(GByteArray *script, const char *file, uint32_t align,
                     enum linker_zone zone)
{
    uint8_t *p = command(script, CMD_ALLOCATE, file);

    stl_u32(p, align);
    p[4] = (uint8_t)zone;
}

void linker_pointer(GByteArray *script, const char *in, uint32_t at,
                    uint8_t size, const char *to)
{
    uint8_t *p = command(script, CMD_POINTER, in);

    assert(strlen(to) < NAME);
    memcpy(p, to, strlen(to));
    stl_u32(p + NAME, at);
    p[NAME + 4] = size;
}

void linker_checksum(GByteArray *script, const char *file, uint32_t at,
                     uint32_t start, uint32_t len)
{
    uint8_t *p = command(script, CMD_CHECKSUM, file);

    stl_u32(p, at);
    stl_u32(p + 4, start);
    stl_u32(p + 8, len);
}
