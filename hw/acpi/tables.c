/* SPDX-License-Identifier: MIT */
/*
 * FACS, FADT, MADT, HPET, WAET, RSDT and RSDP, and the script that puts them
 * into guest memory.
 *
 * [ACPI] chapter 5. [HPET] 3.2.4. [WAET] Microsoft, "Windows ACPI Emulated
 * Devices Table".
 *
 * The RSDP is of ACPI 1.0, with an RSDT: every system from 1999 on reads it.
 * Files are padded, so that their sizes do not change when the firmware's
 * choices do.
 *
 * Not modelled: SRAT and SLIT, hot-plug, MCFG (there is no PCI Express here).
 */
#include "hw/acpi/tables.h"

#include <string.h>

#include "hw/acpi/linker.h"

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE   "etc/acpi/rsdp"
#define LOADER_FILE "etc/table-loader"

enum {
    HEADER = 36, /* of every table: signature, length, revision... */
    HEADER_LENGTH = 4,
    HEADER_REVISION = 8,
    HEADER_CHECKSUM = 9,
    HEADER_OEM = 10,
    FADT_SIZE = 244,
    FACS_SIZE = 64,
    FACS_ALIGN = 64,
    RSDP_SIZE = 20,
    PAD_TABLES = 0x10000,
    PAD_LOADER = 0x1000,
    MAX_TABLES = 40,
};

/* What is under construction. */
struct build {
    const struct acpi_config *c;
    GByteArray *tables, *loader;
    uint32_t table[MAX_TABLES]; /* offsets, for the RSDT */
    unsigned count;
};

static void put(GByteArray *b, uint64_t v, unsigned size)
{
    uint8_t bytes[8];

    stl_u64(bytes, v);
    g_byte_array_append(b, bytes, size);
}

static void pad_to(GByteArray *b, guint align)
{
    guint len = (b->len + align - 1) / align * align;
    guint old = b->len;

    if (len > old) {
        g_byte_array_set_size(b, len);
        memset(b->data + old, 0, len - old);
    }
}

static void copy_padded(uint8_t *to, const char *text, size_t len)
{
    memset(to, ' ', len);
    memcpy(to, text, MIN(strlen(text), len));
}

/* Starts a table: its offset. The length and checksum come at its end. */
static uint32_t table_begin(struct build *b, const char *signature,
                            uint8_t revision)
{
    const struct acpi_config *c = b->c;
    uint32_t at = b->tables->len;
    uint8_t h[HEADER] = {0};

    memcpy(h, signature, 4);
    h[HEADER_REVISION] = revision;
    copy_padded(h + HEADER_OEM, c->oem_id ? c->oem_id : "RHEA", 6);
    copy_padded(h + HEADER_OEM + 6,
                c->oem_table_id ? c->oem_table_id : "RHEAPC", 8);
    stl_u32(h + HEADER_OEM + 14, 1);
    memcpy(h + HEADER_OEM + 18, "RHEA", 4);
    stl_u32(h + HEADER_OEM + 22, 1);
    g_byte_array_append(b->tables, h, HEADER);
    return at;
}

static void table_end(struct build *b, uint32_t at)
{
    uint32_t len = b->tables->len - at;

    stl_u32(b->tables->data + at + HEADER_LENGTH, len);
    linker_checksum(b->loader, TABLES_FILE, at + HEADER_CHECKSUM, at, len);
}

/* Names the table in the RSDT. */
static void table_listed(struct build *b, uint32_t at)
{
    assert(b->count < MAX_TABLES);
    b->table[b->count++] = at;
}

static uint32_t build_facs(struct build *b)
{
    uint32_t at;
    uint8_t facs[FACS_SIZE] = "FACS";

    pad_to(b->tables, FACS_ALIGN);
    at = b->tables->len;
    stl_u32(facs + 4, FACS_SIZE);
    g_byte_array_append(b->tables, facs, FACS_SIZE);
    return at;
}

static uint32_t build_dsdt(struct build *b)
{
    uint32_t at = table_begin(b, "DSDT", 1);
    struct aml a;

    aml_init(&a);
    acpi_dsdt(b->c, &a);
    g_byte_array_append(b->tables, a.out->data, a.out->len);
    aml_clear(&a);
    table_end(b, at);
    return at;
}

enum { /* offsets in the FADT */
       FADT_FACS = 36,
       FADT_DSDT = 40,
       FADT_PROFILE = 45,
       FADT_SCI = 46,
       FADT_SMI_CMD = 48,
       FADT_ENABLE = 52,
       FADT_DISABLE = 53,
       FADT_PM1_EVT = 56,
       FADT_PM1_CNT = 64,
       FADT_PM_TMR = 76,
       FADT_GPE0 = 80,
       FADT_PM1_EVT_LEN = 88,
       FADT_PM1_CNT_LEN = 89,
       FADT_PM_TMR_LEN = 91,
       FADT_GPE0_LEN = 92,
       FADT_C2_LATENCY = 96,
       FADT_C3_LATENCY = 98,
       FADT_CENTURY = 108,
       FADT_BOOT_ARCH = 109,
       FADT_FLAGS = 112,
       FADT_RESET_REG = 116,
       FADT_RESET_VALUE = 128,
       FADT_X_DSDT = 140,
       FADT_X_PM1_EVT = 148,
       FADT_X_PM1_CNT = 172,
       FADT_X_PM_TMR = 208,
       FADT_X_GPE0 = 220,
};

enum { /* FADT flags */
       FLAG_WBINVD = 1 << 0,
       FLAG_PROC_C1 = 1 << 2,
       FLAG_NO_SLEEP_BUTTON = 1 << 5,
       FLAG_RTC_S4 = 1 << 7,
       FLAG_RESET_REG = 1 << 10,
       FLAG_PLATFORM_CLOCK = 1 << 15,
       BOOT_LEGACY = 1 << 0,
       BOOT_8042 = 1 << 1,
};

/* A generic address structure in I/O space. */
static void put_gas(uint8_t *p, uint16_t port, uint8_t bytes, uint8_t access)
{
    p[0] = 1;
    p[1] = (uint8_t)(bytes * 8);
    p[3] = access;
    stl_u64(p + 4, port);
}

static void fadt_power(uint8_t *t, const struct acpi_config *c)
{
    uint16_t pm = c->pm_base;

    stl_u16(t + FADT_SCI, c->sci);
    stl_u32(t + FADT_SMI_CMD, 0xb2);
    t[FADT_ENABLE] = 0xf1; /* as the power management device knows them */
    t[FADT_DISABLE] = 0xf0;
    stl_u32(t + FADT_PM1_EVT, pm);
    stl_u32(t + FADT_PM1_CNT, pm + 4u);
    stl_u32(t + FADT_PM_TMR, pm + 8u);
    stl_u32(t + FADT_GPE0, pm + 0xcu);
    t[FADT_PM1_EVT_LEN] = 4;
    t[FADT_PM1_CNT_LEN] = 2;
    t[FADT_PM_TMR_LEN] = 4;
    t[FADT_GPE0_LEN] = 4;
    put_gas(t + FADT_X_PM1_EVT, pm, 4, 2);
    put_gas(t + FADT_X_PM1_CNT, pm + 4, 2, 2);
    put_gas(t + FADT_X_PM_TMR, pm + 8, 4, 3);
    put_gas(t + FADT_X_GPE0, pm + 0xc, 4, 1);
}

static void build_fadt(struct build *b, uint32_t facs, uint32_t dsdt)
{
    const struct acpi_config *c = b->c;
    uint32_t at = table_begin(b, "FACP", 3);
    uint8_t *t;

    g_byte_array_set_size(b->tables, at + FADT_SIZE);
    t = b->tables->data + at;
    memset(t + HEADER, 0, FADT_SIZE - HEADER);
    stl_u32(t + FADT_FACS, facs);
    stl_u32(t + FADT_DSDT, dsdt);
    stl_u64(t + FADT_X_DSDT, dsdt);
    t[FADT_PROFILE] = 1; /* desktop */
    if (c->pm_base) {
        fadt_power(t, c);
    }
    stl_u16(t + FADT_C2_LATENCY, 0xfff); /* C2 and C3 do not exist */
    stl_u16(t + FADT_C3_LATENCY, 0xfff);
    t[FADT_CENTURY] = 0x32;
    stl_u16(t + FADT_BOOT_ARCH, BOOT_LEGACY | (c->i8042 ? BOOT_8042 : 0));
    stl_u32(t + FADT_FLAGS, FLAG_WBINVD | FLAG_PROC_C1 | FLAG_NO_SLEEP_BUTTON |
                                FLAG_RTC_S4 | FLAG_RESET_REG |
                                FLAG_PLATFORM_CLOCK);
    put_gas(t + FADT_RESET_REG, 0xcf9, 1, 1);
    t[FADT_RESET_VALUE] = 0x06;
    linker_pointer(b->loader, TABLES_FILE, at + FADT_FACS, 4, TABLES_FILE);
    linker_pointer(b->loader, TABLES_FILE, at + FADT_DSDT, 4, TABLES_FILE);
    linker_pointer(b->loader, TABLES_FILE, at + FADT_X_DSDT, 8, TABLES_FILE);
    table_end(b, at);
    table_listed(b, at);
}

enum { /* MADT structures */
       MADT_LAPIC = 0,
       MADT_IOAPIC = 1,
       MADT_OVERRIDE = 2,
       MADT_LAPIC_NMI = 4,
       MADT_X2APIC = 9,
       MADT_X2APIC_NMI = 10,
       LEVEL_HIGH = 0x000d,
};

static void madt_cpu(GByteArray *t, unsigned cpu, uint32_t apic_id,
                     bool present)
{
    if (apic_id < 0xff) {
        put(t, MADT_LAPIC, 1);
        put(t, 8, 1);
        put(t, cpu, 1);
        put(t, apic_id, 1);
        put(t, present, 4);
    } else {
        put(t, MADT_X2APIC, 1);
        put(t, 16, 1);
        put(t, 0, 2);
        put(t, apic_id, 4);
        put(t, present, 4);
        put(t, cpu, 4);
    }
}

static void madt_override(GByteArray *t, unsigned irq, unsigned gsi,
                          unsigned flags)
{
    put(t, MADT_OVERRIDE, 1);
    put(t, 10, 1);
    put(t, 0, 1); /* ISA */
    put(t, irq, 1);
    put(t, gsi, 4);
    put(t, flags, 2);
}

/* NMIs come to LINT1 of every CPU. */
static void madt_nmi(GByteArray *t, bool x2apic)
{
    put(t, MADT_LAPIC_NMI, 1);
    put(t, 6, 1);
    put(t, 0xff, 1);
    put(t, 0, 2);
    put(t, 1, 1);
    if (x2apic) {
        put(t, MADT_X2APIC_NMI, 1);
        put(t, 12, 1);
        put(t, 0, 2);
        put(t, UINT32_MAX, 4);
        put(t, 1, 1);
        put(t, 0, 3);
    }
}

static void build_madt(struct build *b)
{
    static const uint8_t level[] = {5, 10, 11}; /* what PIRQs can go to */
    const struct acpi_config *c = b->c;
    GByteArray *t = b->tables;
    uint32_t at = table_begin(b, "APIC", 3);
    bool x2apic = false;

    put(t, 0xfee00000, 4);
    put(t, 1, 4); /* PCAT_COMPAT: there are 8259s, too */
    for (unsigned i = 0; i < c->max_cpus; i++) {
        madt_cpu(t, i, c->apic_ids[i], i < c->cpus);
        x2apic |= c->apic_ids[i] >= 0xff;
    }
    put(t, MADT_IOAPIC, 1);
    put(t, 12, 1);
    put(t, 0, 2); /* its ID */
    put(t, 0xfec00000, 4);
    put(t, 0, 4);
    madt_override(t, 0, 2, 0);
    madt_override(t, c->sci, c->sci, LEVEL_HIGH);
    for (unsigned i = 0; i < ARRAY_SIZE(level); i++) {
        madt_override(t, level[i], level[i], LEVEL_HIGH);
    }
    madt_nmi(t, x2apic);
    table_end(b, at);
    table_listed(b, at);
}

static void build_hpet(struct build *b)
{
    GByteArray *t = b->tables;
    uint32_t at = table_begin(b, "HPET", 1);

    put(t, 0x8086a201, 4); /* as its capabilities say */
    put(t, 0, 1);          /* in memory */
    put(t, 0, 3);
    put(t, 0xfed00000, 8);
    put(t, 0, 1);
    put(t, 0x1000, 2); /* least period, in ticks: 41 us */
    put(t, 0, 1);
    table_end(b, at);
    table_listed(b, at);
}

/* "The ACPI timer need be read only once": saves Windows two reads of three. */
static void build_waet(struct build *b)
{
    uint32_t at = table_begin(b, "WAET", 1);

    put(b->tables, 1 << 1, 4);
    table_end(b, at);
    table_listed(b, at);
}

/* The user's own, as they are; the firmware makes the checksum. */
static void build_extra(struct build *b)
{
    const GPtrArray *all = b->c->extra;

    for (guint i = 0; all && i < MIN(all->len, (guint)ACPI_EXTRA_MAX); i++) {
        const GByteArray *table = all->pdata[i];
        uint32_t at = b->tables->len;

        g_byte_array_append(b->tables, table->data, table->len);
        b->tables->data[at + HEADER_CHECKSUM] = 0;
        table_end(b, at);
        table_listed(b, at);
    }
}

static uint32_t build_rsdt(struct build *b)
{
    uint32_t at = table_begin(b, "RSDT", 1);

    for (unsigned i = 0; i < b->count; i++) {
        linker_pointer(b->loader, TABLES_FILE, b->tables->len, 4, TABLES_FILE);
        put(b->tables, b->table[i], 4);
    }
    table_end(b, at);
    return at;
}

static void build_rsdp(struct build *b, GByteArray *rsdp, uint32_t rsdt)
{
    uint8_t p[RSDP_SIZE] = "RSD PTR ";
    const char *oem = b->c->oem_id ? b->c->oem_id : "RHEA";

    copy_padded(p + 9, oem, 6);
    stl_u32(p + 16, rsdt);
    g_byte_array_append(rsdp, p, RSDP_SIZE);
    linker_pointer(b->loader, RSDP_FILE, 16, 4, TABLES_FILE);
    linker_checksum(b->loader, RSDP_FILE, 8, 0, RSDP_SIZE);
}

void acpi_build(const struct acpi_config *c, GByteArray *tables,
                GByteArray *rsdp, GByteArray *loader)
{
    struct build b = {.c = c, .tables = tables, .loader = loader};
    uint32_t facs;
    uint32_t dsdt;

    linker_allocate(loader, RSDP_FILE, 16, LINKER_FSEG);
    linker_allocate(loader, TABLES_FILE, FACS_ALIGN, LINKER_HIGH);
    facs = build_facs(&b);
    dsdt = build_dsdt(&b);
    build_fadt(&b, facs, dsdt);
    if (c->ioapic) {
        build_madt(&b);
    }
    if (c->hpet) {
        build_hpet(&b);
    }
    build_waet(&b);
    build_extra(&b);
    build_rsdp(&b, rsdp, build_rsdt(&b));
    pad_to(tables, PAD_TABLES);
    pad_to(loader, PAD_LOADER);
}

/* Makes the three files anew, from what the machine is like now. */
static void acpi_refresh(void *opaque)
{
    struct acpi_tables *t = opaque;
    g_autoptr(GByteArray) tables = g_byte_array_new();
    g_autoptr(GByteArray) rsdp = g_byte_array_new();
    g_autoptr(GByteArray) loader = g_byte_array_new();
    struct acpi_config c = {.sci = 9};

    t->fill(t->opaque, &c);
    acpi_build(&c, tables, rsdp, loader);
    fw_cfg_modify(t->tables, tables->data, tables->len);
    fw_cfg_modify(t->rsdp, rsdp->data, rsdp->len);
    fw_cfg_modify(t->loader, loader->data, loader->len);
}

bool acpi_tables_init(struct acpi_tables *t, GError **error)
{
    t->tables = fw_cfg_add_file(t->fw, TABLES_FILE, "", 0, error);
    if (t->tables) {
        t->rsdp = fw_cfg_add_file(t->fw, RSDP_FILE, "", 0, error);
    }
    if (t->rsdp) {
        t->loader = fw_cfg_add_file(t->fw, LOADER_FILE, "", 0, error);
    }
    if (!t->loader) {
        return false;
    }
    /* It is read first; what it says must fit the others. */
    t->loader->selected = acpi_refresh;
    t->loader->opaque = t;
    acpi_refresh(t);
    return true;
}
