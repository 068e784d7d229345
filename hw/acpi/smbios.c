/* SPDX-License-Identifier: MIT */
/*
 * SMBIOS structures: BIOS, system, board, chassis, processors, OEM strings,
 * memory, boot status. [SMBIOS] DMTF DSP0134 2.8.
 *
 * Not modelled: caches, slots, the 64-bit entry point.
 */
#include "hw/acpi/smbios.h"

#include <string.h>

enum { /* handles, by type */
       HANDLE_BIOS = 0x0000,
       HANDLE_SYSTEM = 0x0100,
       HANDLE_BOARD = 0x0200,
       HANDLE_CHASSIS = 0x0300,
       HANDLE_CPU = 0x0400,
       HANDLE_OEM = 0x0e00,
       HANDLE_ARRAY = 0x1000,
       HANDLE_DIMM = 0x1100,
       HANDLE_RANGE = 0x1300,
       HANDLE_BOOT = 0x2000,
       HANDLE_END = 0x7f00,
       HANDLE_NONE = 0xfffe,
};

enum {
    VERSION_MAJOR = 2,
    VERSION_MINOR = 8,
    ENTRY_SIZE = 0x1f,
    MAX_STRUCTURE = 512,
};

#define DIMM_SIZE (16 * GIB)

/* The structure under construction: a fixed part, then its strings. */
struct smbios {
    GByteArray *out;
    uint8_t fixed[64];
    uint8_t len; /* of the fixed part */
    GString *strings;
    uint8_t count;
    unsigned structures;
    unsigned largest;
};

static void begin(struct smbios *s, uint8_t type, unsigned handle, uint8_t len)
{
    assert(len <= sizeof(s->fixed));
    memset(s->fixed, 0, sizeof(s->fixed));
    s->fixed[0] = type;
    s->fixed[1] = len;
    stl_u16(s->fixed + 2, (uint16_t)handle);
    s->len = len;
    s->count = 0;
    g_string_truncate(s->strings, 0);
}

/* Text longer than a structure may hold is cut. */
static void string_at(struct smbios *s, unsigned at, const char *text)
{
    if (text && *text && s->strings->len < MAX_STRUCTURE) {
        g_string_append_len(s->strings, text,
                            (gssize)MIN(strlen(text), MAX_STRUCTURE));
        g_string_append_c(s->strings, '\0');
        s->fixed[at] = ++s->count;
    }
}

static void end(struct smbios *s)
{
    guint start = s->out->len;

    g_byte_array_append(s->out, s->fixed, s->len);
    g_byte_array_append(s->out, (const guint8 *)s->strings->str,
                        (guint)s->strings->len);
    /* the set of strings ends with a zero more; an empty one is two */
    g_byte_array_append(s->out, (const guint8 *)"\0", s->count ? 1 : 2);
    s->largest = MAX(s->largest, s->out->len - start);
    s->structures++;
}

static void type0(struct smbios *s, const struct smbios_bios *c)
{
    if (!c->vendor && !c->version && !c->date && !c->has_release && !c->uefi) {
        return;
    }
    begin(s, 0, HANDLE_BIOS, 0x18);
    string_at(s, 0x04, c->vendor);
    string_at(s, 0x05, c->version);
    stl_u16(s->fixed + 0x06, 0xe800);
    string_at(s, 0x08, c->date);
    s->fixed[0x0a] = 1 << 3; /* characteristics are not told */
    s->fixed[0x13] = (uint8_t)(0x14 | (c->uefi ? 8 : 0)); /* virtual machine */
    s->fixed[0x14] = c->has_release ? c->major : 0xff;
    s->fixed[0x15] = c->has_release ? c->minor : 0xff;
    s->fixed[0x16] = s->fixed[0x17] = 0xff; /* embedded controller: none */
    end(s);
}

static void type1(struct smbios *s, const struct smbios_system *c)
{
    /* the first three fields of a UUID are little-endian here */
    static const uint8_t order[16] = {3, 2, 1,  0,  5,  4,  7,  6,
                                      8, 9, 10, 11, 12, 13, 14, 15};

    begin(s, 1, HANDLE_SYSTEM, 0x1b);
    string_at(s, 0x04, c->manufacturer);
    string_at(s, 0x05, c->product);
    string_at(s, 0x06, c->version);
    string_at(s, 0x07, c->serial);
    for (unsigned i = 0; c->uuid && i < 16; i++) {
        s->fixed[0x08 + i] = c->uuid[order[i]];
    }
    s->fixed[0x18] = 6; /* woken by the power switch */
    string_at(s, 0x19, c->sku);
    string_at(s, 0x1a, c->family);
    end(s);
}

static void type2(struct smbios *s, const struct smbios_board *c)
{
    if (!c->manufacturer && !c->product && !c->version && !c->serial &&
        !c->asset && !c->location) {
        return;
    }
    begin(s, 2, HANDLE_BOARD, 0x0f);
    string_at(s, 0x04, c->manufacturer);
    string_at(s, 0x05, c->product);
    string_at(s, 0x06, c->version);
    string_at(s, 0x07, c->serial);
    string_at(s, 0x08, c->asset);
    s->fixed[0x09] = 1; /* a hosting board */
    string_at(s, 0x0a, c->location);
    stl_u16(s->fixed + 0x0b, HANDLE_CHASSIS);
    s->fixed[0x0d] = 0x0a; /* a motherboard */
    end(s);
}

static void type3(struct smbios *s, const struct smbios_chassis *c)
{
    begin(s, 3, HANDLE_CHASSIS, 0x16);
    string_at(s, 0x04, c->manufacturer);
    s->fixed[0x05] = 1; /* of another kind */
    string_at(s, 0x06, c->version);
    string_at(s, 0x07, c->serial);
    string_at(s, 0x08, c->asset);
    memset(s->fixed + 0x09, 3, 3); /* power supply, temperature: safe */
    s->fixed[0x0c] = 2;            /* security: unknown */
    string_at(s, 0x15, c->sku);
    end(s);
}

static void type4(struct smbios *s, const struct smbios_cpu *c, unsigned socket)
{
    g_autofree char *name =
        g_strdup_printf("%s %u", c->socket ? c->socket : "CPU", socket);

    begin(s, 4, HANDLE_CPU + socket, 0x2a);
    string_at(s, 0x04, name);
    s->fixed[0x05] = 3; /* central processor */
    s->fixed[0x06] = 1; /* of another family */
    string_at(s, 0x07, c->manufacturer);
    stl_u32(s->fixed + 0x08, c->signature);
    stl_u32(s->fixed + 0x0c, c->features);
    string_at(s, 0x10, c->version);
    stl_u16(s->fixed + 0x14, c->max_mhz ? c->max_mhz : 2000);
    stl_u16(s->fixed + 0x16, c->mhz ? c->mhz : 2000);
    s->fixed[0x18] = 0x41;            /* populated, enabled */
    s->fixed[0x19] = 1;               /* another upgrade */
    memset(s->fixed + 0x1a, 0xff, 6); /* caches: not told */
    string_at(s, 0x20, c->serial);
    string_at(s, 0x21, c->asset);
    string_at(s, 0x22, c->part);
    s->fixed[0x23] = s->fixed[0x24] = (uint8_t)MIN(MAX(c->cores, 1), 255);
    s->fixed[0x25] = (uint8_t)MIN(MAX(c->cores, 1) * MAX(c->threads, 1), 255);
    stl_u16(s->fixed + 0x26, 2);    /* characteristics: unknown */
    stl_u16(s->fixed + 0x28, 0xfe); /* family in its wide field: unknown */
    end(s);
}

static void type11(struct smbios *s, const char *const *strings)
{
    unsigned n = 0;

    if (!strings || !strings[0]) {
        return;
    }
    begin(s, 11, HANDLE_OEM, 5);
    for (; strings[n] && n < 255; n++) {
        string_at(s, 4, strings[n]);
    }
    s->fixed[4] = s->count;
    end(s);
}

static unsigned dimm_count(const struct smbios_memory *c)
{
    uint64_t total = c->low + c->high;

    return (unsigned)MIN((total + DIMM_SIZE - 1) / DIMM_SIZE, 0x100);
}

static void type16(struct smbios *s, const struct smbios_memory *c)
{
    uint64_t kib = (c->low + c->high) / KIB;

    begin(s, 16, HANDLE_ARRAY, 0x17);
    s->fixed[0x04] = 1; /* another place */
    s->fixed[0x05] = 3; /* system memory */
    s->fixed[0x06] = 6; /* ECC over several bits */
    if (kib < 0x80000000) {
        stl_u32(s->fixed + 0x07, (uint32_t)kib);
    } else {
        stl_u32(s->fixed + 0x07, 0x80000000);
        stl_u64(s->fixed + 0x0f, kib * KIB);
    }
    stl_u16(s->fixed + 0x0b, HANDLE_NONE);
    stl_u16(s->fixed + 0x0d, (uint16_t)dimm_count(c));
    end(s);
}

static void type17(struct smbios *s, const struct smbios_memory *c, unsigned n)
{
    uint64_t total = c->low + c->high;
    uint64_t mib = MIN(total - n * DIMM_SIZE, DIMM_SIZE) / MIB;
    g_autofree char *name =
        g_strdup_printf("%s %u", c->locator ? c->locator : "DIMM", n);

    begin(s, 17, HANDLE_DIMM + n, 0x28);
    stl_u16(s->fixed + 0x04, HANDLE_ARRAY);
    stl_u16(s->fixed + 0x06, HANDLE_NONE);
    memset(s->fixed + 0x08, 0xff, 4); /* widths: unknown */
    stl_u16(s->fixed + 0x0c, (uint16_t)MIN(mib, 0x7fff));
    s->fixed[0x0e] = 9; /* DIMM */
    string_at(s, 0x10, name);
    string_at(s, 0x11, c->bank);
    s->fixed[0x12] = 7;               /* RAM */
    stl_u16(s->fixed + 0x13, 1 << 1); /* another detail */
    stl_u16(s->fixed + 0x15, c->mhz);
    string_at(s, 0x17, c->manufacturer);
    string_at(s, 0x18, c->serial);
    string_at(s, 0x19, c->asset);
    string_at(s, 0x1a, c->part);
    stl_u32(s->fixed + 0x1c, mib >= 0x7fff ? (uint32_t)mib : 0);
    stl_u16(s->fixed + 0x20, c->mhz);
    end(s);
}

static void type19(struct smbios *s, unsigned n, uint64_t first, uint64_t size,
                   unsigned dimms)
{
    uint64_t last = first + size - 1;

    if (!size) {
        return;
    }
    begin(s, 19, HANDLE_RANGE + n, 0x1f);
    if (last / KIB < UINT32_MAX) {
        stl_u32(s->fixed + 0x04, (uint32_t)(first / KIB));
        stl_u32(s->fixed + 0x08, (uint32_t)(last / KIB));
    } else {
        stl_u32(s->fixed + 0x04, UINT32_MAX);
        stl_u32(s->fixed + 0x08, UINT32_MAX);
        stl_u64(s->fixed + 0x0f, first);
        stl_u64(s->fixed + 0x17, last);
    }
    stl_u16(s->fixed + 0x0c, HANDLE_ARRAY);
    s->fixed[0x0e] = (uint8_t)MIN(dimms, 255);
    end(s);
}

static void memory(struct smbios *s, const struct smbios_memory *c)
{
    unsigned dimms = dimm_count(c);

    type16(s, c);
    for (unsigned i = 0; i < dimms; i++) {
        type17(s, c, i);
    }
    type19(s, 0, 0, c->low, dimms);
    type19(s, 1, 4 * GIB, c->high, dimms);
}

/* Structures from files come as they are. */
static void files(struct smbios *s, GBytes *const *list)
{
    for (; list && *list; list++) {
        gsize len;
        const guint8 *p = g_bytes_get_data(*list, &len);

        g_byte_array_append(s->out, p, (guint)len);
        s->largest = MAX(s->largest, (unsigned)len);
        s->structures++;
    }
}

static void entry_point(const struct smbios *s, GByteArray *anchor)
{
    uint8_t e[ENTRY_SIZE] = "_SM_";

    e[5] = ENTRY_SIZE;
    e[6] = VERSION_MAJOR;
    e[7] = VERSION_MINOR;
    stl_u16(e + 0x08, (uint16_t)s->largest);
    memcpy(e + 0x10, "_DMI_", 5);
    stl_u16(e + 0x16, (uint16_t)s->out->len);
    stl_u16(e + 0x1c, (uint16_t)s->structures);
    e[0x1e] = VERSION_MAJOR << 4 | VERSION_MINOR;
    g_byte_array_append(anchor, e, sizeof(e));
}

void smbios_build(const struct smbios_config *c, GByteArray *tables,
                  GByteArray *anchor)
{
    struct smbios s = {.out = tables, .strings = g_string_new(NULL)};

    type0(&s, &c->bios);
    type1(&s, &c->system);
    type2(&s, &c->board);
    type3(&s, &c->chassis);
    for (unsigned i = 0; i < MIN(c->cpu.sockets, 0x100); i++) {
        type4(&s, &c->cpu, i);
    }
    type11(&s, c->oem_strings);
    memory(&s, &c->memory);
    begin(&s, 32, HANDLE_BOOT, 0x0b);
    end(&s);
    files(&s, c->files);
    begin(&s, 127, HANDLE_END, 4);
    end(&s);
    entry_point(&s, anchor);
    g_string_free(s.strings, TRUE);
}

bool smbios_init(struct fw_cfg *fw, const struct smbios_config *c,
                 GError **error)
{
    g_autoptr(GByteArray) tables = g_byte_array_new();
    g_autoptr(GByteArray) anchor = g_byte_array_new();

    smbios_build(c, tables, anchor);
    if (tables->len > UINT16_MAX) {
        return fail(error, "SMBIOS: %u bytes of tables are more than 65535",
                    tables->len);
    }
    return fw_cfg_add_file(fw, "etc/smbios/smbios-tables", tables->data,
                           tables->len, error) &&
           fw_cfg_add_file(fw, "etc/smbios/smbios-anchor", anchor->data,
                           anchor->len, error);
}
