/* SPDX-License-Identifier: MIT */
/* Monitor: info about the hardware of the machine. */
#include <string.h>

#include "hw/core/reg.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/isa.h"
#include "hw/pci/pci.h"
#include "target/x86/dump.h"
#include "vm/hmp_commands.h"

/* `info tlb` of a 64-bit guest can be endless. */
enum { LINES_MAX = 20000 };

static bool want_cpu(struct hmp_call *c, GError **error)
{
    return c->cpu || fail(error, "this machine has no CPU");
}

bool hmp_info_registers(struct hmp_call *c, GError **error)
{
    if (!want_cpu(c, error)) {
        return false;
    }
    if (!hmp_flag(c, "all")) {
        g_string_append_printf(c->out, "\nCPU#%u\n", c->cpu->index);
        x86_dump_state(c->cpu, c->out);
        return true;
    }
    for (unsigned i = 0; i < c->vm->vcpus.count; i++) {
        g_string_append_printf(c->out, "\nCPU#%u\n", i);
        x86_dump_state(&c->vm->vcpus.vcpu[i]->cpu, c->out);
    }
    return true;
}

static bool want_paging(struct hmp_call *c, GError **error)
{
    if (!want_cpu(c, error)) {
        return false;
    }
    if (!(c->cpu->cr0 & X86_CR0_PG)) {
        g_string_append(c->out, "PG disabled\n");
    }
    return true;
}

bool hmp_info_tlb(struct hmp_call *c, GError **error)
{
    if (!want_paging(c, error)) {
        return false;
    }
    x86_dump_tlb(c->cpu, c->out, LINES_MAX);
    return true;
}

bool hmp_info_mem(struct hmp_call *c, GError **error)
{
    if (!want_paging(c, error)) {
        return false;
    }
    x86_dump_mem(c->cpu, c->out, LINES_MAX);
    return true;
}

bool hmp_info_mtree(struct hmp_call *c, GError **error)
{
    bool flat = hmp_flag(c, "flat");

    space_print(&c->vm->machine.memory, c->out, flat);
    space_print(&c->vm->machine.ports, c->out, flat);
    return true;
}

/* --- interrupts --- */

bool hmp_info_pic(struct hmp_call *c, GError **error)
{
    struct machine *m = &c->vm->machine;
    const struct dev *pic = machine_find_type(m, &i8259_type);
    const struct dev *ioapic = machine_find_type(m, &ioapic_type);

    if (!pic && !ioapic) {
        return fail(error, "this machine has no interrupt controller");
    }
    if (ioapic) {
        ioapic_print(container_of(ioapic, const struct ioapic, dev), c->out);
    }
    if (pic) {
        i8259_print(container_of(pic, const struct i8259, dev), c->out);
    }
    return true;
}

bool hmp_info_irq(struct hmp_call *c, GError **error)
{
    const struct isa_bus *isa = isa_bus_of(&c->vm->machine);

    if (!isa) {
        return fail(error, "this machine has no ISA bus");
    }
    for (unsigned i = 0; i < ARRAY_SIZE(isa->irq); i++) {
        if (isa->sources[i]) {
            g_string_append_printf(c->out, "IRQ %2u: %u source%s, %s\n", i,
                                   isa->sources[i],
                                   isa->sources[i] == 1 ? "" : "s",
                                   isa->level[i] ? "high" : "low");
        }
    }
    return true;
}

bool hmp_info_lapic(struct hmp_call *c, GError **error)
{
    uint64_t index = hmp_number(c, "id", c->context->cpu);
    const GPtrArray *devs = c->vm->machine.devices;

    for (guint i = 0; i < devs->len; i++) {
        const struct dev *dev = devs->pdata[i];
        const struct lapic *l = container_of(dev, const struct lapic, dev);

        if (dev->type == &lapic_type && l->cpu == index) {
            lapic_print(l, c->out);
            return true;
        }
    }
    return fail(error, "CPU %u has no local APIC", (unsigned)index);
}

bool hmp_info_ioapic(struct hmp_call *c, GError **error)
{
    const struct dev *dev = machine_find_type(&c->vm->machine, &ioapic_type);

    if (!dev) {
        return fail(error, "this machine has no I/O APIC");
    }
    ioapic_print(container_of(dev, const struct ioapic, dev), c->out);
    return true;
}

/* --- devices --- */

bool hmp_info_pci(struct hmp_call *c, GError **error)
{
    if (!bus_find(&c->vm->machine, "PCI", NULL)) {
        return fail(error, "this machine has no PCI bus");
    }
    pci_print(&c->vm->machine, c->out);
    return true;
}

static void print_dev(GString *out, const struct dev *dev, unsigned indent)
{
    g_string_append_printf(out, "%*sdev: %s, id \"%s\"\n", (int)indent, "",
                           dev->type->name, dev->id ? dev->id : "");
    for (const struct field *f = dev->type->props; f && f->name; f++) {
        g_autofree char *text = dev_prop_text(dev, f);

        g_string_append_printf(out, "%*s%s = %s\n", (int)indent + 2, "",
                               f->name, text);
    }
}

static void print_bus(struct machine *m, GString *out, const struct bus *bus,
                      unsigned indent)
{
    g_string_append_printf(out, "%*sbus: %s\n%*stype %s\n", (int)indent, "",
                           bus->name, (int)indent + 2, "", bus->kind);
    for (guint i = 0; i < m->devices->len; i++) {
        const struct dev *dev = m->devices->pdata[i];

        if (dev->bus == bus) {
            print_dev(out, dev, indent + 2);
        }
    }
}

bool hmp_info_qtree(struct hmp_call *c, GError **error)
{
    struct machine *m = &c->vm->machine;

    g_string_append(c->out, "bus: main-system-bus\n  type System\n");
    for (guint i = 0; i < m->devices->len; i++) {
        const struct dev *dev = m->devices->pdata[i];

        if (!dev->bus) {
            print_dev(c->out, dev, 2);
        }
    }
    for (guint i = 0; i < m->buses->len; i++) {
        print_bus(m, c->out, m->buses->pdata[i], 2);
    }
    return true;
}

static void print_folder(const struct machine *m, GString *out, bool named)
{
    g_string_append_printf(out, "  /%s (container)\n",
                           named ? "peripheral" : "unattached");
    for (guint i = 0; i < m->devices->len; i++) {
        const struct dev *dev = m->devices->pdata[i];

        if (named && dev->id) {
            g_string_append_printf(out, "    /%s (%s)\n", dev->id,
                                   dev->type->name);
        } else if (!named && !dev->id) {
            g_string_append_printf(out, "    /device[%u] (%s)\n", i,
                                   dev->type->name);
        }
    }
}

bool hmp_info_qom_tree(struct hmp_call *c, GError **error)
{
    g_string_append_printf(c->out, "/machine (%s-machine)\n",
                           c->vm->board_type->name);
    print_folder(&c->vm->machine, c->out, true);
    print_folder(&c->vm->machine, c->out, false);
    return true;
}

/* --- a device's registers and state, from its tables --- */

static void print_bytes(GString *out, const uint8_t *p, size_t size)
{
    g_string_append(out, " 0x");
    while (size--) {
        g_string_append_printf(out, "%02x", p[size]);
    }
}

static void print_field(GString *out, const struct dev *dev,
                        const struct field *f)
{
    static const uint8_t sizes[] = {
        [K_BOOL] = sizeof(bool),
        [K_U8] = 1,
        [K_U16] = 2,
        [K_U32] = 4,
        [K_U64] = 8,
        [K_I32] = 4,
        [K_I64] = 8,
    };
    const char *p = (const char *)dev + f->at;

    g_string_append_printf(out, "  %s:", f->name);
    if (f->kind == K_TIMER) {
        g_string_append_printf(
            out, " %" G_GINT64_FORMAT " ns",
            ((const struct timer *)(const void *)p)->expires);
    }
    for (size_t i = 0;
         f->kind != K_TIMER && f->kind != K_STRING && i < MIN(f->count, 64U);
         i++) {
        print_bytes(out, (const uint8_t *)p + i * sizes[f->kind],
                    sizes[f->kind]);
    }
    g_string_append(out, f->count > 64 ? " ...\n" : "\n");
}

bool hmp_info_device(struct hmp_call *c, GError **error)
{
    const char *name = hmp_text(c, "name");
    const struct dev *dev = machine_find_dev(&c->vm->machine, name);

    if (!dev) {
        return fail(error, "Device '%s' not found", name);
    }
    print_dev(c->out, dev, 0);
    for (const struct reg_bank *const *b = dev->type->banks; b && *b; b++) {
        g_string_append_printf(c->out, "registers %s\n", (*b)->name);
        for (size_t i = 0; i < (*b)->count; i++) {
            const struct reg *r = &(*b)->regs[i];

            if (r->stored) {
                g_string_append_printf(c->out, "  %02x %s:", r->at, r->name);
                print_bytes(c->out, (const uint8_t *)dev + r->member, r->size);
                g_string_append_c(c->out, '\n');
            }
        }
    }
    if (dev->type->state) {
        g_string_append(c->out, "state\n");
    }
    for (const struct field *f = dev->type->state; f && f->name; f++) {
        print_field(c->out, dev, f);
    }
    return true;
}

bool hmp_info_roms(struct hmp_call *c, GError **error)
{
    struct view *v = space_view_ref(&c->vm->machine.memory);

    for (unsigned i = 0; i < v->count; i++) {
        const struct range *r = &v->ranges[i];

        if (r->readonly && r->region->name) {
            g_string_append_printf(
                c->out,
                "addr=%016" G_GINT64_MODIFIER "x size=0x%06" G_GINT64_MODIFIER
                "x mem=rom name=\"%s\"\n",
                r->start, r->last - r->start + 1, r->region->name);
        }
    }
    view_unref(v);
    return true;
}
