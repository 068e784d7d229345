/* SPDX-License-Identifier: MIT */
/*
 * What machine it is: -machine, -accel, -cpu, -m, -smp.
 */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "vm/objects.h"
#include "vm/setup.h"

/* --- -machine --- */

enum machine_key_kind {
    KEY_TEXT,
    KEY_ONOFF,
    KEY_AUTO,    /* on, off, auto */
    KEY_ONLYON,  /* it cannot be left out */
    KEY_ONLYOFF, /* it is not there: on is a warning */
    KEY_SIZE,
    KEY_IRQCHIP, /* on, off, split */
};

/* Keys without a member are checked, and have no effect. */
static const struct machine_key {
    const char *name;
    enum machine_key_kind kind;
    size_t at; /* in struct machine_options */
    const char *what;
} machine_keys[] = {
#define AT(m) offsetof(struct machine_options, m)
    {"type", KEY_TEXT, AT(type), "the board"},
    {"accel", KEY_TEXT, AT(accel), "accelerators to try: A:B"},
    {"acpi", KEY_AUTO, AT(acpi), "ACPI tables"},
    {"append", KEY_TEXT, AT(append), "command line of -kernel"},
    {"firmware", KEY_TEXT, AT(firmware), "the same as -bios"},
    {"graphics", KEY_ONOFF, AT(graphics), "off: firmware uses the serial line"},
    {"hpet", KEY_ONOFF, AT(hpet), "high precision timer"},
    {"initrd", KEY_TEXT, AT(initrd), "the same as -initrd"},
    {"kernel", KEY_TEXT, AT(kernel), "the same as -kernel"},
    {"max-ram-below-4g", KEY_SIZE, AT(max_low), "where the PCI hole begins"},
    {"memory-backend", KEY_TEXT, AT(memory), "the -object that is main memory"},
    {"smm", KEY_AUTO, AT(smm), "system management mode"},
    {"usb", KEY_ONOFF, AT(usb), "the board's USB controller"},
    {"x-oem-id", KEY_TEXT, AT(oem_id), "of ACPI tables: six letters"},
    {"x-oem-table-id", KEY_TEXT, AT(oem_table_id), "likewise: eight letters"},
    {"i8042", KEY_ONLYON, 0, "keyboard controller"},
    {"pic", KEY_ONLYON, 0, "8259 interrupt controllers"},
    {"pit", KEY_ONLYON, 0, "8254 timer"},
    {"default-bus-bypass-iommu", KEY_ONOFF, 0, NULL},
    {"dump-guest-core", KEY_ONOFF, 0, NULL},
    {"fd-bootchk", KEY_ONOFF, 0, NULL},
    {"kernel-irqchip", KEY_IRQCHIP, 0, NULL},
    {"kernel_irqchip", KEY_IRQCHIP, 0, NULL},
    {"mem-merge", KEY_ONOFF, 0, NULL},
    {"pcspk-audiodev", KEY_TEXT, 0, NULL},
    {"sata", KEY_ONOFF, 0, NULL},
    {"smbus", KEY_ONOFF, 0, NULL},
    {"suppress-vmdesc", KEY_ONOFF, 0, NULL},
    {"vmport", KEY_AUTO, 0, NULL},
#undef AT
};

static bool key_bool(const struct machine_key *k, const char *text, bool *value,
                     GError **error)
{
    if (k->kind == KEY_AUTO && strcmp(text, "auto") == 0) {
        return true;
    }
    return text_to_bool(text, value) ||
           fail(error, "%s=%s: want on%s off%s", k->name, text,
                k->kind == KEY_AUTO ? "," : " or",
                k->kind == KEY_AUTO ? " or auto" : "");
}

static bool key_apply(struct machine_options *mo, const struct machine_key *k,
                      const char *text, GError **error)
{
    void *member = (char *)mo + k->at;
    bool on = k->kind == KEY_ONLYON;

    switch (k->kind) {
    case KEY_TEXT:
        if (k->at || strcmp(k->name, "type") == 0) {
            g_free(*(char **)member);
            *(char **)member = g_strdup(text);
        }
        return true;
    case KEY_SIZE:
        return text_to_size(text, 1, member) ||
               fail(error, "%s=%s: want a size such as 3G", k->name, text);
    case KEY_IRQCHIP:
        return strcmp(text, "split") == 0 || key_bool(k, text, &on, error);
    case KEY_ONLYON:
        return key_bool(k, text, &on, error) &&
               (on || fail(error, "%s=off: a PC cannot be without its %s",
                           k->name, k->what));
    case KEY_ONLYOFF:
        if (!key_bool(k, text, &on, error)) {
            return false;
        }
        if (on) {
            warn_user("-machine %s=on is ignored: %s", k->name, k->what);
        }
        return true;
    default: return key_bool(k, text, k->at ? member : &on, error);
    }
}

static bool machine_text(struct machine_options *mo, const char *text,
                         GError **error)
{
    struct opts *o = opts_parse(text, "type", error);
    const char *names[ARRAY_SIZE(machine_keys) + 1] = {NULL};
    bool ok = o;

    for (size_t i = 0; ok && i < ARRAY_SIZE(machine_keys); i++) {
        const char *value = opts_get(o, machine_keys[i].name);

        names[i] = machine_keys[i].name;
        ok = !value || key_apply(mo, &machine_keys[i], value, error);
    }
    ok = ok && opts_check_used(o, "machine", names, error);
    opts_free(o);
    return ok;
}

bool machine_options_parse(struct machine_options *mo, const struct config *c,
                           GError **error)
{
    *mo = (struct machine_options){.acpi = !c->no_acpi,
                                   .hpet = !c->no_hpet,
                                   .smm = true,
                                   .usb = c->usb || c->usbdevice->len,
                                   .graphics = true};
    for (guint i = 0; i < c->machine->len; i++) {
        if (!machine_text(mo, c->machine->pdata[i], error)) {
            return false;
        }
    }
    if (mo->oem_id && strlen(mo->oem_id) > 6) {
        return fail(error, "x-oem-id=%s: want up to six characters",
                    mo->oem_id);
    }
    if (mo->oem_table_id && strlen(mo->oem_table_id) > 8) {
        return fail(error, "x-oem-table-id=%s: want up to eight characters",
                    mo->oem_table_id);
    }
    if (mo->max_low && (mo->max_low < MIB || mo->max_low > 0xe0000000 ||
                        mo->max_low & 0xfff)) {
        return fail(error, "max-ram-below-4g: want whole pages between 1 MiB "
                           "and 3.5 GiB");
    }
    return true;
}

void machine_options_clear(struct machine_options *mo)
{
    for (size_t i = 0; i < ARRAY_SIZE(machine_keys); i++) {
        const struct machine_key *k = &machine_keys[i];

        if (k->kind == KEY_TEXT && (k->at || i == 0)) {
            g_clear_pointer((char **)(void *)((char *)mo + k->at), g_free);
        }
    }
}

char *machine_options_help(const char *board)
{
    static const char *const kinds[] = {
        [KEY_TEXT] = "string",          [KEY_ONOFF] = "bool",
        [KEY_AUTO] = "OnOffAuto",       [KEY_ONLYON] = "bool",
        [KEY_ONLYOFF] = "bool",         [KEY_SIZE] = "size",
        [KEY_IRQCHIP] = "on|off|split",
    };
    GString *s = g_string_new(NULL);

    g_string_append_printf(s, "%s-machine options:\n", board);
    for (size_t i = 1; i < ARRAY_SIZE(machine_keys); i++) {
        const struct machine_key *k = &machine_keys[i];
        g_autofree char *head =
            g_strdup_printf("%s=<%s>", k->name, kinds[k->kind]);

        g_string_append_printf(s, "  %-22s%s%s\n", head, k->what ? " - " : "",
                               k->what ? k->what : "");
    }
    return g_string_free(s, FALSE);
}

/* --- -accel --- */

static const char *const accel_keys[] = {"accel",
                                         "thread",
                                         "tb-size",
                                         "split-wx",
                                         "kernel-irqchip",
                                         "dirty-ring-size",
                                         "kvm-shadow-mem",
                                         "notify-vmexit",
                                         "notify-window",
                                         "one-insn-per-tb",
                                         "igd-passthru",
                                         "lockstep",
                                         NULL};

static bool accel_props(struct opts *o, struct accel_options *to,
                        GError **error)
{
    static const char *const threads[] = {"single", "multi", NULL};
    const char *thread = opts_get(o, "thread");

    for (size_t i = 0; accel_keys[i]; i++) {
        opts_get(o, accel_keys[i]);
    }
    if (thread && !g_strv_contains(threads, thread)) {
        return fail_unknown(error, "-accel thread", thread, threads);
    }
    if (!opts_get_uint(o, "tb-size", 1 << 20, &to->tb_size, error) ||
        !opts_get_bool(o, "one-insn-per-tb", &to->one_insn_per_tb, error) ||
        !opts_get_bool(o, "lockstep", &to->lockstep, error)) {
        return false;
    }
    to->tb_size <<= 20;
    return opts_check_used(o, "-accel", accel_keys, error);
}

/* The names of one -accel: one, or "kvm:tcg" as -machine accel= has it. */
static bool accel_names(GPtrArray *names, const char *text,
                        struct accel_options *to, GError **error)
{
    struct opts *o = opts_parse(text, "accel", error);
    const char *list = o ? opts_get(o, "accel") : NULL;
    g_auto(GStrv) words = g_strsplit(list ? list : "", ":", -1);
    bool ok = o && accel_props(o, to, error);

    if (ok && !words[0]) {
        ok = fail(error, "-accel wants a name");
    }
    for (char **w = words; ok && *w; w++) {
        g_ptr_array_add(names, g_strdup(*w));
    }
    opts_free(o);
    return ok;
}

static bool accel_list(GPtrArray *names, const struct config *c,
                       const struct machine_options *mo,
                       struct accel_options *to, GError **error)
{
    if (c->qtest && !c->accel->len && !mo->accel) {
        return accel_names(names, "qtest", to, error);
    }
    for (guint i = 0; i < c->accel->len; i++) {
        if (!accel_names(names, c->accel->pdata[i], to, error)) {
            return false;
        }
    }
    if (names->len == 0) {
        return accel_names(names,
                           mo->accel       ? mo->accel
                           : c->enable_kvm ? "kvm:tcg"
                                           : "tcg",
                           to, error);
    }
    return true;
}

const struct accel *accel_choose(struct vm *vm,
                                 const struct machine_options *mo,
                                 GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    vm->vcpus.options.perf_map = vm->config->perfmap;
    if (!accel_list(names, vm->config, mo, &vm->vcpus.options, error)) {
        return NULL;
    }
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autoptr(GError) why = NULL;
        const struct accel *a = accel_find(name, &why);

        if (a && (!a->available || a->available(&why))) {
            return a;
        }
        vm->wanted_kvm |= strcmp(name, "kvm") == 0;
        if (i + 1 == names->len) {
            g_propagate_error(error, g_steal_pointer(&why));
            return NULL;
        }
        warn_user("%s; trying %s", why->message,
                  (const char *)names->pdata[i + 1]);
    }
    return NULL;
}

/* --- -cpu --- */

/* "host" is meant for KVM; where that was not to be had, all that can be done
 * comes nearest. */
void setup_cpu_model(struct vm *vm)
{
    const char *model = vm->config->cpu;

    if (model && vm->wanted_kvm && g_str_has_prefix(model, "host") &&
        (!model[4] || model[4] == ',')) {
        warn_user("-cpu host needs KVM; taking max");
        vm->cpu_model = g_strconcat("max", model + 4, NULL);
    } else {
        vm->cpu_model = g_strdup(model);
    }
    vm->board.cpu_model = vm->cpu_model;
}

/* --- -m --- */

static bool memory_sizes(struct vm *vm, struct opts *o, GError **error)
{
    static const char *const keys[] = {"size", "slots", "maxmem", NULL};
    struct machine *m = &vm->machine;
    uint64_t most = 0;
    uint64_t slots = 0;

    if (!opts_get_size(o, "size", MIB, &m->ram_size, error) ||
        !opts_get_size(o, "maxmem", MIB, &most, error) ||
        !opts_get_uint(o, "slots", 256, &slots, error) ||
        !opts_check_used(o, "memory", keys, error)) {
        return g_prefix_error_literal(error, "-m: "), false;
    }
    m->ram_size = (m->ram_size + MIB - 1) & ~(MIB - 1);
    if (most && most < m->ram_size) {
        return fail(error, "-m %s: maxmem is less than size",
                    vm->config->memory);
    }
    if (slots || most > m->ram_size) {
        warn_user("-m: memory cannot be added to a running machine yet; "
                  "slots= and maxmem= have no effect");
    }
    if (m->ram_size < MIB || m->ram_size > 2 * 1024 * GIB) {
        return fail(error, "-m %s: want between 1 MiB and 2 TiB",
                    vm->config->memory);
    }
    return true;
}

static bool memory_source(struct vm *vm, const char *backend, GError **error)
{
    const struct config *c = vm->config;
    struct ram_source *src = &vm->machine.ram_source;
    g_autofree char *size = NULL;
    struct opts *o;

    if (backend) {
        return c->mem_path ? fail(error, "-mem-path and memory-backend= both "
                                         "say where memory is")
                           : object_memory(vm, backend, error);
    }
    src->prealloc = c->mem_prealloc;
    if (!c->mem_path) {
        return true;
    }
    size = g_strdup_printf("%" G_GUINT64_FORMAT, vm->machine.ram_size);
    o = opts_new();
    opts_set(o, "qom-type", "memory-backend-file");
    opts_set(o, "id", "pc.ram");
    opts_set(o, "mem-path", c->mem_path);
    opts_set(o, "size", size);
    opts_set(o, "share", "on");
    opts_set(o, "prealloc", c->mem_prealloc ? "on" : "off");
    return object_add(vm, o, error) && object_memory(vm, "pc.ram", error);
}

bool setup_memory(struct vm *vm, const char *backend, GError **error)
{
    struct opts *o;
    bool ok = true;

    vm->machine.ram_size = vm->board_type->default_ram;
    if (vm->config->memory) {
        o = opts_parse(vm->config->memory, "size", error);
        ok = o && memory_sizes(vm, o, error);
        opts_free(o);
    }
    return ok && memory_source(vm, backend, error);
}

/* --- -smp --- */

enum { SMP_MAX = 4096 };

struct smp {
    uint64_t cpus, max, sockets, dies, cores, threads; /* 0: not said */
};

static bool smp_numbers(struct smp *s, struct opts *o, GError **error)
{
    const struct {
        const char *name;
        uint64_t *value;
    } numbers[] = {{"cpus", &s->cpus},       {"maxcpus", &s->max},
                   {"sockets", &s->sockets}, {"dies", &s->dies},
                   {"cores", &s->cores},     {"threads", &s->threads}};
    static const char *const ones[] = {"clusters", "books", "drawers",
                                       "modules"};
    static const char *const keys[] = {"cpus",     "sockets", "dies",
                                       "cores",    "threads", "maxcpus",
                                       "clusters", "modules", NULL};

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (!opts_get_uint(o, numbers[i].name, SMP_MAX, numbers[i].value,
                           error)) {
            return false;
        }
        if (opts_has(o, numbers[i].name) && !*numbers[i].value) {
            return fail(error, "%s=0: want at least one", numbers[i].name);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(ones); i++) {
        uint64_t n = 1;

        if (!opts_get_uint(o, ones[i], SMP_MAX, &n, error)) {
            return false;
        }
        if (n != 1) {
            return fail(error, "%s=%u: a PC has none of these", ones[i],
                        (unsigned)n);
        }
    }
    return opts_check_used(o, "-smp", keys, error);
}

/* What is not said follows from the rest; `-smp N` alone is one socket of N
 * cores, as with QEMU since 6.2. */
static void smp_fill(struct smp *s)
{
    uint64_t total = s->max ? s->max : s->cpus;

    s->dies = s->dies ? s->dies : 1;
    if (!total) {
        s->sockets = s->sockets ? s->sockets : 1;
        s->cores = s->cores ? s->cores : 1;
        s->threads = s->threads ? s->threads : 1;
        total = s->sockets * s->dies * s->cores * s->threads;
    }
    if (!s->cores && !s->sockets) {
        s->sockets = 1;
        s->threads = s->threads ? s->threads : 1;
        s->cores = total / (s->dies * s->threads);
    } else if (!s->cores) {
        s->threads = s->threads ? s->threads : 1;
        s->cores = total / (s->sockets * s->dies * s->threads);
    } else if (!s->sockets) {
        s->threads = s->threads ? s->threads : 1;
        s->sockets = total / (s->dies * s->cores * s->threads);
    } else if (!s->threads) {
        s->threads = total / (s->sockets * s->dies * s->cores);
    }
    s->max = s->max ? s->max : s->sockets * s->dies * s->cores * s->threads;
    s->cpus = s->cpus ? s->cpus : s->max;
}

static bool smp_counts(struct vm *vm, struct opts *o, GError **error)
{
    struct machine *m = &vm->machine;
    const char *text = vm->config->smp;
    struct smp s = {0};

    if (!smp_numbers(&s, o, error)) {
        return g_prefix_error(error, "-smp %s: ", text), false;
    }
    smp_fill(&s);
    if (s.sockets * s.dies * s.cores * s.threads != s.max || s.cpus > s.max) {
        return fail(error,
                    "-smp %s: %u sockets of %u cores with %u threads are not "
                    "%u CPUs",
                    text, (unsigned)s.sockets, (unsigned)(s.dies * s.cores),
                    (unsigned)s.threads, (unsigned)MAX(s.max, s.cpus));
    }
    if (s.max > vm->board_type->max_cpus) {
        return fail(error, "-smp %s: machine '%s' takes 1 to %u CPUs", text,
                    vm->board_type->name, vm->board_type->max_cpus);
    }
    m->cpus = (unsigned)s.cpus;
    m->max_cpus = (unsigned)s.max;
    m->cores = (unsigned)(s.dies * s.cores);
    m->threads = (unsigned)s.threads;
    return true;
}

bool setup_smp(struct vm *vm, GError **error)
{
    struct opts *o;
    bool ok;

    if (!vm->config->smp) {
        return true;
    }
    o = opts_parse(vm->config->smp, "cpus", error);
    ok = o && smp_counts(vm, o, error);
    opts_free(o);
    return ok;
}
