/* SPDX-License-Identifier: MIT */
#include "hw/core/machine.h"

#include <string.h>
#include <time.h>

#include "hw/core/reg.h"

static void machine_global_free(gpointer data)
{
    struct machine_global *g = data;

    g_free(g->driver);
    g_free(g->prop);
    g_free(g->value);
    g_free(g);
}

void machine_add_global(struct machine *m, const char *driver, const char *prop,
                        const char *value)
{
    struct machine_global *g = g_new(struct machine_global, 1);

    *g = (struct machine_global){.driver = g_strdup(driver),
                                 .prop = g_strdup(prop),
                                 .value = g_strdup(value)};
    g_ptr_array_add(m->globals, g);
}

void machine_init(struct machine *m)
{
    memset(m, 0, sizeof(*m));
    lock_init(&m->lock);
    space_init(&m->memory, "memory", UINT64_C(1) << 52, false, &m->lock);
    space_init(&m->ports, "I/O", 0x10000, true, &m->lock);
    clock_init(&m->clock, &m->lock);
    clock_init(&m->host_clock, &m->lock);
    m->devices = g_ptr_array_new();
    m->buses = g_ptr_array_new();
    m->rams = g_ptr_array_new();
    m->owned = g_ptr_array_new_with_free_func(g_free);
    m->consoles = g_ptr_array_new();
    m->nics = g_ptr_array_new();
    m->cpus = 1;
    m->max_cpus = 1;
    m->cores = m->threads = 1;
    m->ram_source.fd = -1;
    m->globals = g_ptr_array_new_with_free_func(machine_global_free);
    for (int i = 0; i < BACKEND_KINDS; i++) {
        m->backends[i] =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    }
}

static void machine_clear_buses(struct machine *m)
{
    for (guint i = 0; i < m->buses->len; i++) {
        struct bus *bus = m->buses->pdata[i];

        if (bus->free_impl) {
            bus->free_impl(bus->impl);
        }
        g_free(bus->name);
        g_free(bus);
    }
    g_ptr_array_free(m->buses, TRUE);
}

void machine_clear(struct machine *m)
{
    lock_enter(&m->lock);
    while (m->devices->len) {
        dev_unrealize(m->devices->pdata[m->devices->len - 1]);
    }
    lock_leave(&m->lock);
    g_ptr_array_free(m->devices, TRUE);
    machine_clear_buses(m);
    for (int i = 0; i < BACKEND_KINDS; i++) {
        g_hash_table_destroy(m->backends[i]);
    }
    space_clear(&m->memory);
    space_clear(&m->ports);
    for (guint i = 0; i < m->rams->len; i++) {
        ram_free(m->rams->pdata[i]);
    }
    g_ptr_array_free(m->rams, TRUE);
    g_ptr_array_free(m->owned, TRUE);
    g_ptr_array_free(m->consoles, TRUE);
    g_ptr_array_free(m->nics, TRUE);
    g_ptr_array_free(m->globals, TRUE);
    clock_clear(&m->clock);
    clock_clear(&m->host_clock);
    lock_clear(&m->lock);
}

void machine_own(struct machine *m, void *p)
{
    g_ptr_array_add(m->owned, p);
}

void *machine_alloc(struct machine *m, size_t size)
{
    void *p = g_malloc0(size);

    machine_own(m, p);
    return p;
}

static void machine_ram_clean(void *opaque)
{
    struct machine *m = opaque;

    if (m->cpus_clean) {
        m->cpus_clean(m->cpus_opaque);
    }
}

static void machine_code_written(void *opaque, uint32_t *generation)
{
    struct machine *m = opaque;

    if (m->cpus_code_written) {
        m->cpus_code_written(m->cpus_opaque, generation);
    }
}

static struct ram *machine_ram_add(struct machine *m, struct ram *ram)
{
    if (ram) {
        ram->clean = machine_ram_clean;
        ram->clean_opaque = m;
        ram->code_written = machine_code_written;
        ram->code_opaque = m;
        g_ptr_array_add(m->rams, ram);
    }
    return ram;
}

struct ram *machine_ram_new(struct machine *m, const char *name, uint64_t size,
                            GError **error)
{
    return machine_ram_add(m, ram_new(name, size, RAM_ANONYMOUS, error));
}

struct ram *machine_main_ram_new(struct machine *m, GError **error)
{
    struct ram_source source = m->ram_source;

    m->ram_source.fd = -1;
    return machine_ram_add(m,
                           ram_new_from("pc.ram", m->ram_size, &source, error));
}

void machine_request(struct machine *m, enum machine_request what)
{
    __atomic_fetch_or(&m->requests, what, __ATOMIC_ACQ_REL);
    if (m->requested) {
        m->requested(m->requested_opaque);
    }
}

static void dev_reset_state(struct dev *dev)
{
    for (const struct reg_bank *const *b = dev->type->banks; b && *b; b++) {
        reg_reset(dev, *b);
    }
    if (dev->type->reset) {
        dev->type->reset(dev);
    }
}

void machine_settle_devices(struct machine *m)
{
    space_begin(&m->memory);
    space_begin(&m->ports);
    for (guint i = 0; i < m->devices->len; i++) {
        struct dev *dev = m->devices->pdata[i];

        if (dev->type->settle) {
            dev->type->settle(dev);
        }
    }
    space_commit(&m->ports);
    space_commit(&m->memory);
}

void machine_reset_devices(struct machine *m)
{
    space_begin(&m->memory);
    space_begin(&m->ports);
    if (m->board_reset) {
        m->board_reset(m);
    }
    for (guint i = 0; i < m->devices->len; i++) {
        dev_reset_state(m->devices->pdata[i]);
    }
    machine_settle_devices(m);
    space_commit(&m->ports);
    space_commit(&m->memory);
}

static int64_t wall_ns(bool local)
{
    struct timespec ts;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &ts);
    if (local) {
        localtime_r(&ts.tv_sec, &tm);
        ts.tv_sec += tm.tm_gmtoff;
    }
    return (int64_t)ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

int64_t machine_rtc_ns(const struct machine *m)
{
    if (m->rtc_from_clock || m->clock.manual) {
        return clock_now(&m->clock) + m->rtc_offset;
    }
    return wall_ns(m->rtc_local) + m->rtc_offset;
}

void machine_add_backend(struct machine *m, enum backend_kind kind,
                         const char *id, void *backend)
{
    g_hash_table_replace(m->backends[kind], g_strdup(id), backend);
}

void *machine_backend(struct machine *m, enum backend_kind kind, const char *id)
{
    return g_hash_table_lookup(m->backends[kind], id);
}

void machine_remove_backend(struct machine *m, enum backend_kind kind,
                            const char *id)
{
    g_hash_table_remove(m->backends[kind], id);
}

struct dev *machine_find_dev(struct machine *m, const char *id)
{
    struct dev *by_type = NULL;

    for (guint i = 0; i < m->devices->len; i++) {
        struct dev *dev = m->devices->pdata[i];

        if (g_strcmp0(dev->id, id) == 0) {
            return dev;
        }
        if (!by_type && strcmp(dev->type->name, id) == 0) {
            by_type = dev;
        }
    }
    return by_type;
}

struct dev *machine_find_type(struct machine *m, const struct dev_type *type)
{
    for (guint i = 0; i < m->devices->len; i++) {
        struct dev *dev = m->devices->pdata[i];

        if (dev->type == type) {
            return dev;
        }
    }
    return NULL;
}

void machine_add_console(struct machine *m, struct console *c)
{
    g_ptr_array_add(m->consoles, c);
}

void machine_remove_console(struct machine *m, struct console *c)
{
    g_ptr_array_remove(m->consoles, c);
}

void machine_event(struct machine *m, const char *name, const char *json)
{
    if (m->event) {
        m->event(m->event_opaque, name, json);
    }
}
