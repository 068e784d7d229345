/* SPDX-License-Identifier: MIT */
/*
 * What the firmware is told: -boot, -smbios, -acpitable, -fw_cfg, -option-rom.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "hw/acpi/smbios.h"
#include "hw/acpi/tables.h"
#include "hw/misc/fw_cfg.h"
#include "vm/setup.h"

/* --- -boot --- */

static bool boot_letters(const char *name, const char *order, GError **error)
{
    unsigned seen = 0;

    for (const char *p = order; p && *p; p++) {
        if (*p < 'a' || *p > 'p') {
            return fail(error, "-boot %s=%s: letters a, b, c, d, n only", name,
                        order);
        }
        if (seen & 1U << (*p - 'a')) {
            return fail(error, "-boot %s=%s: '%c' is there twice", name, order,
                        *p);
        }
        seen |= 1U << (*p - 'a');
    }
    return true;
}

/* The picture: firmware looks for one of two names. */
static bool boot_splash(struct vm *vm, const char *path, GError **error)
{
    struct board_config *b = &vm->board;
    g_autofree char *found = NULL;
    char *data;
    gsize len = 0;

    if (!path) {
        return true;
    }
    found = datadirs_find(vm->data, path, error);
    if (!found || !file_load(found, 16 * MIB, &data, &len, error)) {
        return false;
    }
    machine_own(&vm->machine, data);
    if (len > 2 && memcmp(data, "BM", 2) == 0) {
        b->splash_name = "bootsplash.bmp";
    } else if (len > 2 && memcmp(data, "\xff\xd8", 2) == 0) {
        b->splash_name = "bootsplash.jpg";
    } else {
        return fail(error, "-boot splash=%s: want a JPEG or BMP picture", path);
    }
    b->splash = data;
    b->splash_len = len;
    return true;
}

static bool boot_times(struct board_config *b, struct opts *o, GError **error)
{
    const char *timeout = opts_get(o, "reboot-timeout");
    uint64_t splash = 0;
    uint64_t n = 0;

    if (!opts_get_uint(o, "splash-time", 65535, &splash, error)) {
        return false;
    }
    b->splash_ms = (uint32_t)splash;
    b->boot_fail_ms = -1;
    if (timeout && strcmp(timeout, "-1") != 0) {
        if (!text_to_uint(timeout, 65535, &n)) {
            return fail(error, "-boot reboot-timeout=%s: want -1 or 0 to 65535",
                        timeout);
        }
        b->boot_fail_ms = (int32_t)n;
        b->has_boot_fail = true;
    }
    return true;
}

static bool boot_options(struct vm *vm, struct opts *o, GError **error)
{
    static const char *const keys[] = {
        "order",  "once",        "menu",           "splash",
        "strict", "splash-time", "reboot-timeout", NULL};
    struct board_config *b = &vm->board;
    const char *order = opts_get(o, "order");
    const char *once = opts_get(o, "once");
    const char *splash = opts_get(o, "splash");

    if (!opts_get_bool(o, "menu", &b->boot_menu, error) ||
        !opts_get_bool(o, "strict", &b->boot_strict, error) ||
        !boot_times(b, o, error) || !boot_letters("order", order, error) ||
        !boot_letters("once", once, error) ||
        !opts_check_used(o, "-boot", keys, error) ||
        !boot_splash(vm, splash, error)) {
        return false;
    }
    order = order ? order : "cad";
    vm->boot_order = g_strdup(once ? once : order);
    vm->boot_order_later = once ? g_strdup(order) : NULL;
    b->boot_order = vm->boot_order;
    return true;
}

bool setup_boot(struct vm *vm, GError **error)
{
    const char *text = vm->config->boot ? vm->config->boot : "";
    struct opts *o = opts_parse(text, "order", error);
    bool ok = o && boot_options(vm, o, error);

    opts_free(o);
    return ok;
}

/* --- -smbios --- */

/* Where a text goes; `at` is an offset into struct smbios_config. */
static const struct smbios_field {
    unsigned type;
    const char *name;
    size_t at;
} smbios_fields[] = {
#define F(t, nm, m)                              \
    {                                            \
        t, nm, offsetof(struct smbios_config, m) \
    }
    F(0, "vendor", bios.vendor),
    F(0, "version", bios.version),
    F(0, "date", bios.date),
    F(1, "manufacturer", system.manufacturer),
    F(1, "product", system.product),
    F(1, "version", system.version),
    F(1, "serial", system.serial),
    F(1, "sku", system.sku),
    F(1, "family", system.family),
    F(2, "manufacturer", board.manufacturer),
    F(2, "product", board.product),
    F(2, "version", board.version),
    F(2, "serial", board.serial),
    F(2, "asset", board.asset),
    F(2, "location", board.location),
    F(3, "manufacturer", chassis.manufacturer),
    F(3, "version", chassis.version),
    F(3, "serial", chassis.serial),
    F(3, "asset", chassis.asset),
    F(3, "sku", chassis.sku),
    F(4, "sock_pfx", cpu.socket),
    F(4, "manufacturer", cpu.manufacturer),
    F(4, "version", cpu.version),
    F(4, "serial", cpu.serial),
    F(4, "asset", cpu.asset),
    F(4, "part", cpu.part),
    F(17, "loc_pfx", memory.locator),
    F(17, "bank", memory.bank),
    F(17, "manufacturer", memory.manufacturer),
    F(17, "serial", memory.serial),
    F(17, "asset", memory.asset),
    F(17, "part", memory.part),
#undef F
};

static const struct smbios_number {
    unsigned type;
    const char *name;
    size_t at; /* of a uint16_t */
} smbios_numbers[] = {
    {4, "max-speed", offsetof(struct smbios_config, cpu.max_mhz)},
    {4, "current-speed", offsetof(struct smbios_config, cpu.mhz)},
    {17, "speed", offsetof(struct smbios_config, memory.mhz)},
};

/* Keys of a type that are neither; for messages, and to know them. */
static const struct {
    unsigned type;
    const char *name;
} smbios_others[] = {
    {0, "release"}, {0, "uefi"}, {1, "uuid"}, {11, "value"}, {11, "path"}};

static bool smbios_type0(struct smbios_config *s, struct opts *o,
                         GError **error)
{
    const char *release = opts_get(o, "release");

    if (release) {
        if (sscanf(release, "%hhu.%hhu", &s->bios.major, &s->bios.minor) != 2) {
            return fail(error, "release=%s: want two numbers, such as 1.2",
                        release);
        }
        s->bios.has_release = true;
    }
    return opts_get_bool(o, "uefi", &s->bios.uefi, error);
}

static bool smbios_type1(struct vm *vm, struct opts *o, GError **error)
{
    const char *uuid = opts_get(o, "uuid");

    if (!uuid) {
        return true;
    }
    if (!g_uuid_string_is_valid(uuid)) {
        return fail(error,
                    "uuid=%s: want a UUID such as "
                    "12345678-1234-1234-1234-123456789abc",
                    uuid);
    }
    if (!vm->config->uuid) {
        vm->config->uuid = g_strdup(uuid);
    }
    return true;
}

/* OEM strings: as many as there are; path= takes one from a file. */
static bool smbios_type11(struct vm *vm, struct opts *o, GError **error)
{
    for (guint i = 0; i < o->list->len; i++) {
        struct opt *opt = &g_array_index(o->list, struct opt, i);
        char *text = NULL;
        gsize len = 0;

        if (strcmp(opt->key, "value") == 0) {
            text = g_strdup(opt->value);
        } else if (strcmp(opt->key, "path") == 0 &&
                   !file_load(opt->value, 65535, &text, &len, error)) {
            return false;
        }
        if (text) {
            g_ptr_array_add(vm->oem_strings, text);
        }
    }
    opts_get(o, "value");
    opts_get(o, "path");
    return true;
}

static bool smbios_values(struct vm *vm, struct opts *o, unsigned type,
                          GError **error)
{
    struct smbios_config *s = vm->board.smbios;
    uint64_t n;

    for (size_t i = 0; i < ARRAY_SIZE(smbios_fields); i++) {
        const struct smbios_field *f = &smbios_fields[i];
        const char *text = f->type == type ? opts_get(o, f->name) : NULL;

        if (text) {
            *(const char **)(void *)((char *)s + f->at) = text;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(smbios_numbers); i++) {
        const struct smbios_number *f = &smbios_numbers[i];

        n = 0;
        if (f->type == type && opts_has(o, f->name)) {
            if (!opts_get_uint(o, f->name, UINT16_MAX, &n, error)) {
                return false;
            }
            *(uint16_t *)(void *)((char *)s + f->at) = (uint16_t)n;
        }
    }
    return (type != 0 || smbios_type0(s, o, error)) &&
           (type != 1 || smbios_type1(vm, o, error)) &&
           (type != 11 || smbios_type11(vm, o, error));
}

static bool smbios_check(struct opts *o, unsigned type, GError **error)
{
    const char *keys[ARRAY_SIZE(smbios_fields) + ARRAY_SIZE(smbios_numbers) +
                     ARRAY_SIZE(smbios_others) + 1] = {NULL};
    g_autofree char *where = g_strdup_printf("-smbios type=%u", type);
    size_t n = 0;

#define ADD(list)                                   \
    for (size_t i = 0; i < ARRAY_SIZE(list); i++) { \
        if ((list)[i].type == type) {               \
            keys[n++] = (list)[i].name;             \
        }                                           \
    }
    ADD(smbios_fields)
    ADD(smbios_numbers)
    ADD(smbios_others)
#undef ADD
    return n ? opts_check_used(o, where, keys, error)
             : fail(error,
                    "-smbios type=%u: there are types 0, 1, 2, 3, 4, 11 "
                    "and 17; other ones come from file=",
                    type);
}

/* A structure as it is to be: formatted part, strings, two zeroes. */
static bool smbios_file(struct vm *vm, const char *path, GError **error)
{
    char *data;
    gsize len = 0;

    if (!file_load(path, 65535, &data, &len, error)) {
        return false;
    }
    if (len < 6 || (uint8_t)data[1] < 4 || (gsize)(uint8_t)data[1] + 2 > len ||
        data[len - 1] || data[len - 2]) {
        g_free(data);
        return fail(error,
                    "-smbios file=%s: not one SMBIOS structure that "
                    "ends with two zero bytes",
                    path);
    }
    g_ptr_array_add(vm->smbios_files, g_bytes_new_take(data, len));
    return true;
}

static bool smbios_text(struct vm *vm, const char *text, GError **error)
{
    struct opts *o = opts_parse(text, NULL, error);
    const char *file;
    uint64_t type = 0;

    if (!o) {
        return false;
    }
    g_ptr_array_add(vm->smbios_opts, o); /* the strings stay in there */
    file = opts_get(o, "file");
    if (file) {
        return smbios_file(vm, file, error);
    }
    if (!opts_has(o, "type")) {
        return fail(error, "-smbios %s: want type=N,FIELD=V or file=F", text);
    }
    return opts_get_uint(o, "type", 127, &type, error) &&
           smbios_values(vm, o, (unsigned)type, error) &&
           smbios_check(o, (unsigned)type, error);
}

static void free_opts(gpointer o)
{
    opts_free(o);
}

static bool setup_smbios(struct vm *vm, GError **error)
{
    const GPtrArray *texts = vm->config->smbios;
    struct smbios_config *s = machine_alloc(&vm->machine, sizeof(*s));

    vm->board.smbios = s;
    vm->smbios_opts = g_ptr_array_new_with_free_func(free_opts);
    vm->oem_strings = g_ptr_array_new_with_free_func(g_free);
    vm->smbios_files =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (guint i = 0; i < texts->len; i++) {
        if (!smbios_text(vm, texts->pdata[i], error)) {
            return false;
        }
    }
    g_ptr_array_add(vm->oem_strings, NULL);
    g_ptr_array_add(vm->smbios_files, NULL);
    s->oem_strings = (const char *const *)vm->oem_strings->pdata;
    s->files = (GBytes *const *)vm->smbios_files->pdata;
    if (vm->config->uuid && !g_uuid_string_is_valid(vm->config->uuid)) {
        return fail(error,
                    "-uuid %s: want 32 hex digits, such as "
                    "12345678-1234-1234-1234-123456789abc",
                    vm->config->uuid);
    }
    return true;
}

/* --- -acpitable --- */

enum { ACPI_HEADER = 36 };

/* Header fields by name: where, how long. */
static const struct {
    const char *name;
    uint8_t at, len;
    bool number;
} acpi_fields[] = {
    {"sig", 0, 4, false},
    {"rev", 8, 1, true},
    {"oem_id", 10, 6, false},
    {"oem_table_id", 16, 8, false},
    {"oem_rev", 24, 4, true},
    {"asl_compiler_id", 28, 4, false},
    {"asl_compiler_rev", 32, 4, true},
};

static bool acpi_header(uint8_t *table, struct opts *o, GError **error)
{
    for (size_t i = 0; i < ARRAY_SIZE(acpi_fields); i++) {
        const char *text = opts_get(o, acpi_fields[i].name);
        size_t len = acpi_fields[i].len;
        uint8_t buf[8] = {0};
        uint64_t n = 0;

        if (!text) {
            continue;
        }
        if (!acpi_fields[i].number && strlen(text) > len) {
            return fail(error, "-acpitable %s=%s: want up to %u characters",
                        acpi_fields[i].name, text, (unsigned)len);
        }
        if (acpi_fields[i].number &&
            !opts_get_uint(o, acpi_fields[i].name,
                           len == 1 ? UINT8_MAX : UINT32_MAX, &n, error)) {
            return false;
        }
        if (acpi_fields[i].number) {
            stl_u64(buf, n);
        } else {
            memcpy(buf, text, strlen(text));
        }
        memcpy(table + acpi_fields[i].at, buf, len);
    }
    return true;
}

/* data=A:B: the files one behind the other. */
static GByteArray *acpi_files(const char *names, GError **error)
{
    g_auto(GStrv) words = g_strsplit(names, ":", -1);
    GByteArray *a = g_byte_array_new();

    for (char **w = words; *w; w++) {
        char *data = NULL;
        gsize len = 0;

        if (!file_load(*w, MIB, &data, &len, error)) {
            g_byte_array_unref(a);
            return NULL;
        }
        g_byte_array_append(a, (const guint8 *)data, (guint)len);
        g_free(data);
    }
    return a;
}

/* file=: tables with their header, which may be changed; data=: without. */
static bool acpi_table(struct vm *vm, struct opts *o, GError **error)
{
    static const char *const keys[] = {"sig",
                                       "rev",
                                       "oem_id",
                                       "oem_table_id",
                                       "oem_rev",
                                       "asl_compiler_id",
                                       "asl_compiler_rev",
                                       "data",
                                       "file",
                                       NULL};
    const char *file = opts_get(o, "file");
    const char *data = opts_get(o, "data");
    GByteArray *a;
    uint8_t header[ACPI_HEADER] = "\0\0\0\0\0\0\0\0\1";

    if (!file == !data) {
        return fail(error, "-acpitable wants either file= (with a header) or "
                           "data= (without)");
    }
    a = acpi_files(file ? file : data, error);
    if (!a) {
        return false;
    }
    if (data) {
        g_byte_array_prepend(a, header, sizeof(header));
    }
    g_ptr_array_add(vm->acpi_extra, a);
    if (a->len < ACPI_HEADER) {
        return fail(error, "-acpitable file=%s: shorter than a table's header",
                    file);
    }
    if (!acpi_header(a->data, o, error) ||
        !opts_check_used(o, "-acpitable", keys, error)) {
        return false;
    }
    stl_u32(a->data + 4, a->len);
    return a->data[0] || fail(error, "-acpitable wants sig=NAME");
}

static bool setup_acpi(struct vm *vm, GError **error)
{
    const GPtrArray *texts = vm->config->acpitable;

    vm->acpi_extra =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    vm->board.acpi_extra = vm->acpi_extra;
    if (texts->len > ACPI_EXTRA_MAX) {
        return fail(error, "-acpitable: %d tables are the most",
                    ACPI_EXTRA_MAX);
    }
    for (guint i = 0; i < texts->len; i++) {
        struct opts *o = opts_parse(texts->pdata[i], "data", error);
        bool ok = o && acpi_table(vm, o, error);

        opts_free(o);
        if (!ok) {
            return false;
        }
    }
    return true;
}

bool setup_tables(struct vm *vm, GError **error)
{
    return setup_smbios(vm, error) && setup_acpi(vm, error);
}

/* --- -fw_cfg --- */

static bool fw_file(struct fw_cfg *fw, struct opts *o, GError **error)
{
    static const char *const keys[] = {"name", "file", "string", NULL};
    const char *name = opts_get(o, "name");
    const char *file = opts_get(o, "file");
    const char *text = opts_get(o, "string");
    g_autofree char *data = NULL;
    gsize len = text ? strlen(text) : 0;

    if (!name || !*name || !file == !text) {
        return fail(error, "-fw_cfg wants name=NAME and either file=F or "
                           "string=S");
    }
    if (!opts_check_used(o, "-fw_cfg", keys, error) ||
        (file && !file_load(file, 256 * MIB, &data, &len, error))) {
        return false;
    }
    if (fw_cfg_find_file(fw, name)) {
        return fail(error,
                    "-fw_cfg name=%s: the machine has a file of that "
                    "name already",
                    name);
    }
    if (!g_str_has_prefix(name, "opt/")) {
        warn_user("-fw_cfg name=%s: names of users begin with opt/", name);
    }
    return fw_cfg_add_file(fw, name, file ? data : text, len, error);
}

static bool option_rom(struct fw_cfg *fw, const struct vm *vm, const char *text,
                       GError **error)
{
    struct opts *o = opts_parse(text, "romfile", error);
    const char *name = o ? opts_get(o, "romfile") : NULL;
    g_autofree char *path = NULL;
    g_autofree char *base = NULL;
    g_autofree char *as = NULL;
    g_autofree char *data = NULL;
    gsize len = 0;
    bool ok = false;

    if (o && !name) {
        fail(error, "-option-rom wants a file");
    } else if (o) {
        opts_get(o, "bootindex");
        path = datadirs_find(vm->data, name, error);
        ok = path && file_load(path, 256 * KIB, &data, &len, error);
    }
    opts_free(o);
    if (!ok) {
        return false;
    }
    if (len < 3 || (uint8_t)data[0] != 0x55 || (uint8_t)data[1] != 0xaa) {
        return fail(error,
                    "-option-rom %s: no option ROM, which begins with "
                    "55 AA",
                    text);
    }
    base = g_path_get_basename(path);
    as = g_strconcat("genroms/", base, NULL);
    return fw_cfg_add_file(fw, as, data, len, error);
}

bool setup_firmware_files(struct vm *vm, GError **error)
{
    const struct config *c = vm->config;
    struct fw_cfg *fw = fw_cfg_of(&vm->machine);

    if (!fw && (c->fw_cfg->len || c->option_rom->len)) {
        return fail(error, "-fw_cfg and -option-rom: this machine has no "
                           "firmware");
    }
    for (guint i = 0; i < c->fw_cfg->len; i++) {
        struct opts *o = opts_parse(c->fw_cfg->pdata[i], "name", error);
        bool ok = o && fw_file(fw, o, error);

        opts_free(o);
        if (!ok) {
            return false;
        }
    }
    for (guint i = 0; i < c->option_rom->len; i++) {
        if (!option_rom(fw, vm, c->option_rom->pdata[i], error)) {
            return false;
        }
    }
    return true;
}
