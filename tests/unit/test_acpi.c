/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables: runs the loader's script as a firmware does, then checks what
 * lies in memory; where iasl is installed, the DSDT must come through it and
 * back without a warning.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "hw/acpi/tables.h"
#include "tests/unit/hw_test.h"

enum { BASE = 0x7fe0000, RSDP_AT = 0xf5a00 };

struct acpi {
    struct acpi_config c;
    uint32_t ids[300];
    GByteArray *tables, *rsdp, *loader;
};

static void acpi_init(struct acpi *s)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(s->ids); i++) {
        s->ids[i] = i;
    }
    s->c = (struct acpi_config){
        .apic_ids = s->ids,
        .cpus = 2,
        .max_cpus = 4,
        .pm_base = 0x600,
        .sci = 9,
        .pci_first = 0x8000000,
        .pci_last = 0xfebfffff,
        .pci64_first = UINT64_C(0x100000000),
        .pci64_last = UINT64_C(0x17fffffff),
        .s4 = 2,
        .ioapic = true,
        .hpet = true,
        .i8042 = true,
        .floppy = true,
        .fw_cfg = true,
        .serial = {{0x3f8, 4}, {0x2f8, 3}},
        .parallel = {{0x378, 7}},
        .pvpanic = 0x505,
    };
    s->tables = g_byte_array_new();
    s->rsdp = g_byte_array_new();
    s->loader = g_byte_array_new();
}

static void acpi_done(struct acpi *s)
{
    g_byte_array_unref(s->tables);
    g_byte_array_unref(s->rsdp);
    g_byte_array_unref(s->loader);
}

static GByteArray *file(struct acpi *s, const char *name, uint64_t *at)
{
    if (strcmp(name, "etc/acpi/rsdp") == 0) {
        *at = RSDP_AT;
        return s->rsdp;
    }
    g_assert_cmpstr(name, ==, "etc/acpi/tables");
    *at = BASE;
    return s->tables;
}

static uint8_t sum(const uint8_t *p, size_t len)
{
    uint8_t v = 0;

    while (len--) {
        v = (uint8_t)(v + *p++);
    }
    return v;
}

static void run_pointer(struct acpi *s, const uint8_t *c)
{
    uint64_t at;
    uint64_t to_at;
    GByteArray *in = file(s, (const char *)c + 4, &at);
    GByteArray *to = file(s, (const char *)c + 60, &to_at);
    uint32_t offset = ldl_u32(c + 116);
    uint64_t v = 0;
    uint8_t size = c[120];
    uint8_t bytes[8] = {0};

    g_assert_cmpuint(offset + size, <=, in->len);
    memcpy(bytes, in->data + offset, size);
    v = ldl_u64(bytes);
    g_assert_cmpuint(v, <, to->len);
    stl_u64(bytes, v + to_at);
    memcpy(in->data + offset, bytes, size);
}

static void run_checksum(struct acpi *s, const uint8_t *c)
{
    uint64_t at;
    GByteArray *f = file(s, (const char *)c + 4, &at);
    uint32_t offset = ldl_u32(c + 60);
    uint32_t start = ldl_u32(c + 64);
    uint32_t len = ldl_u32(c + 68);

    g_assert_cmpuint(start + len, <=, f->len);
    g_assert_cmpuint(offset, >=, start);
    f->data[offset] = (uint8_t)-sum(f->data + start, len);
}

static void run_loader(struct acpi *s)
{
    unsigned allocated = 0;

    g_assert_cmpuint(s->loader->len % 128, ==, 0);
    for (guint i = 0; i < s->loader->len; i += 128) {
        const uint8_t *c = s->loader->data + i;

        switch (ldl_u32(c)) {
        case 0: break;
        case 1: allocated++; break;
        case 2: run_pointer(s, c); break;
        case 3: run_checksum(s, c); break;
        default: g_assert_not_reached();
        }
    }
    g_assert_cmpuint(allocated, ==, 2);
}

static const uint8_t *at_address(struct acpi *s, uint64_t addr)
{
    g_assert_cmphex(addr, >=, BASE);
    g_assert_cmphex(addr, <, BASE + s->tables->len);
    return s->tables->data + (addr - BASE);
}

/* The table with a signature; sums are checked. */
static const uint8_t *find(struct acpi *s, const char *signature)
{
    const uint8_t *rsdt = at_address(s, ldl_u32(s->rsdp->data + 16));
    const uint8_t *found = NULL;

    g_assert_cmphex(sum(s->rsdp->data, 20), ==, 0);
    g_assert_cmpmem(rsdt, 4, "RSDT", 4);
    for (uint32_t i = 36; i < ldl_u32(rsdt + 4); i += 4) {
        const uint8_t *t = at_address(s, ldl_u32(rsdt + i));

        g_assert_cmphex(sum(t, ldl_u32(t + 4)), ==, 0);
        if (memcmp(t, signature, 4) == 0) {
            found = t;
        }
    }
    return found;
}

static void test_tables(void)
{
    struct acpi s = {0};
    const uint8_t *fadt;
    const uint8_t *dsdt;

    acpi_init(&s);
    acpi_build(&s.c, s.tables, s.rsdp, s.loader);
    run_loader(&s);
    fadt = find(&s, "FACP");
    g_assert_nonnull(fadt);
    g_assert_cmpuint(ldl_u32(fadt + 4), ==, 244);
    g_assert_cmpmem(at_address(&s, ldl_u32(fadt + 36)), 4, "FACS", 4);
    g_assert_cmphex(ldl_u32(fadt + 36) % 64, ==, 0);
    dsdt = at_address(&s, ldl_u32(fadt + 40));
    g_assert_cmpmem(dsdt, 4, "DSDT", 4);
    g_assert_cmphex(sum(dsdt, ldl_u32(dsdt + 4)), ==, 0);
    g_assert_cmphex(ldl_u64(fadt + 140), ==, ldl_u32(fadt + 40));
    g_assert_cmphex(ldl_u32(fadt + 56), ==, 0x600);
    g_assert_cmphex(ldl_u64(fadt + 152), ==, 0x600);
    g_assert_nonnull(find(&s, "APIC"));
    g_assert_nonnull(find(&s, "HPET"));
    g_assert_nonnull(find(&s, "WAET"));
    acpi_done(&s);
}

/* Counts the structures of a type in the MADT. */
static unsigned madt_count(const uint8_t *madt, uint8_t type)
{
    unsigned n = 0;

    for (uint32_t i = 44; i < ldl_u32(madt + 4); i += madt[i + 1]) {
        g_assert_cmpuint(madt[i + 1], >, 0);
        n += madt[i] == type;
    }
    return n;
}

static void test_madt(void)
{
    struct acpi s = {0};
    const uint8_t *madt;

    acpi_init(&s);
    s.c.cpus = 1;
    s.c.max_cpus = 300;
    acpi_build(&s.c, s.tables, s.rsdp, s.loader);
    run_loader(&s);
    madt = find(&s, "APIC");
    g_assert_cmpuint(madt_count(madt, 0), ==, 255);
    g_assert_cmpuint(madt_count(madt, 9), ==, 45);
    g_assert_cmpuint(madt_count(madt, 1), ==, 1);
    g_assert_cmpuint(madt_count(madt, 2), ==, 5);
    g_assert_cmpuint(madt_count(madt, 10), ==, 1);
    acpi_done(&s);
}

/* iasl's output, or NULL where it is not installed. */
static char *iasl(const char *dir, const char *options, const char *name)
{
    g_autofree char *program = g_find_program_in_path("iasl");
    g_autofree char *command = NULL;
    char *out = NULL;
    char *err = NULL;
    int status;

    if (!program) {
        return NULL;
    }
    command = g_strdup_printf("%s %s %s/%s", program, options, dir, name);
    g_assert_true(
        g_spawn_command_line_sync(command, &out, &err, &status, NULL));
    g_assert_true(g_spawn_check_wait_status(status, NULL));
    g_free(err);
    return out;
}

static void check_asl(const struct acpi_config *c)
{
    g_autofree char *dir = g_dir_make_tmp("rhea-acpi-XXXXXX", NULL);
    g_autofree char *aml = g_build_filename(dir, "dsdt.aml", NULL);
    g_autofree char *command = NULL;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    struct acpi s = {0};
    const uint8_t *dsdt;

    acpi_init(&s);
    s.c = *c;
    s.c.apic_ids = s.ids;
    acpi_build(&s.c, s.tables, s.rsdp, s.loader);
    run_loader(&s);
    dsdt = at_address(&s, ldl_u32(find(&s, "FACP") + 40));
    g_assert_true(
        g_file_set_contents(aml, (const char *)dsdt, ldl_u32(dsdt + 4), NULL));
    first = iasl(dir, "-d", "dsdt.aml");
    if (first) {
        second = iasl(dir, "", "dsdt.dsl");
        if (!strstr(second, "0 Errors, 0 Warnings, 0 Remarks")) {
            g_test_message("%s", second);
            g_test_fail();
        }
    } else {
        g_test_skip("there is no iasl");
    }
    command = g_strdup_printf("rm -r %s", dir);
    g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL);
    acpi_done(&s);
}

static void test_dsdt(void)
{
    struct acpi s = {0};

    acpi_init(&s);
    check_asl(&s.c);
    acpi_done(&s);
}

static void test_dsdt_small(void)
{
    const struct acpi_config c = {
        .cpus = 1,
        .max_cpus = 1,
        .sci = 9,
        .pci_first = 0xe0000000,
        .pci_last = 0xfebfffff,
        .pci64_first = 1,
        .no_s3 = true,
        .no_s4 = true,
    };

    check_asl(&c);
}

static void fill(void *opaque, struct acpi_config *c)
{
    struct acpi *s = opaque;

    *c = s->c;
}

/* What the firmware chose is in the tables that it then reads. */
static void test_refresh(void)
{
    struct machine m;
    struct acpi s = {0};
    struct acpi_tables t = {.fill = fill, .opaque = &s};
    uint32_t len;

    acpi_init(&s);
    hw_test_init(&m);
    t.fw = hw_test_dev(&m, &fw_cfg_type);
    g_assert_true(acpi_tables_init(&t, NULL));
    len = t.tables->len;
    s.c.pm_base = 0xb000;
    s.c.pci64_first = s.c.pci64_last;
    out16(&m, 0x510, 0x22); /* etc/table-loader, the last of three */
    g_assert_cmphex(in8(&m, 0x511), ==, 1);
    g_assert_cmpuint(t.tables->len, ==, len);
    g_byte_array_append(s.tables, t.tables->data, len);
    g_byte_array_append(s.rsdp, t.rsdp->data, t.rsdp->len);
    g_byte_array_append(s.loader, t.loader->data, t.loader->len);
    run_loader(&s);
    g_assert_cmphex(ldl_u32(find(&s, "FACP") + 56), ==, 0xb000);
    hw_test_done(&m);
    acpi_done(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acpi/tables", test_tables);
    g_test_add_func("/acpi/madt", test_madt);
    g_test_add_func("/acpi/dsdt", test_dsdt);
    g_test_add_func("/acpi/dsdt_small", test_dsdt_small);
    g_test_add_func("/acpi/refresh", test_refresh);
    return g_test_run();
}
