/* SPDX-License-Identifier: MIT */
/*
 * Devices: bytes become accesses to the ports, memory and configuration space
 * that a device answers at, and all that can happen around them: time, RAM
 * that DMA reads, keys, media changes, bad sectors, resets.
 *
 * Half of the inputs stop somewhere, save all devices, load that into another
 * machine and go on with both: what they answer, and their states at the end,
 * must be the same. Then the saved state is damaged and loaded again.
 */
#include <string.h>

#include "hw/core/reg.h"
#include "hw/pc/board.h"
#include "hw/pci/pci.h"
#include "tests/fuzz/box.h"
#include "ui/display.h"

enum { OPS_MAX = 3000, BURST_MAX = 600 };

struct run {
    const struct fuzz_target *t;
    struct box *box, *twin; /* twin: NULL before the copy */
    struct bytes in;
    bool drain; /* after each access */
};

/* --- what belongs to a device --- */

static bool inside(const void *p, const struct dev *dev)
{
    const char *from = (const char *)dev;

    return (const char *)p >= from && (const char *)p < from + dev->type->size;
}

/* A device's own accesses go through whoever decodes them: its bus's owner. */
static struct dev *decoder_of(struct dev *dev)
{
    bool through = dev->bus && dev->bus->parent &&
                   strcmp(dev->bus->kind, "PCI") != 0 &&
                   strcmp(dev->bus->kind, "ISA") != 0;

    return through ? dev->bus->parent : dev;
}

/* The n-th range of `s`, counted round, that belongs to the target. */
static bool find_range(struct run *r, struct space *s, unsigned n,
                       struct range *out)
{
    struct machine *m = &r->box->vm.machine;
    struct dev *dev = r->t->device ? machine_find_dev(m, r->t->device) : NULL;
    struct view *v = space_view_ref(s);
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(unsigned));

    dev = dev ? decoder_of(dev) : NULL;
    for (unsigned i = 0; i < v->count; i++) {
        if (!dev || inside(v->ranges[i].region, dev) ||
            inside(v->ranges[i].region->opaque, dev)) {
            g_array_append_val(found, i);
        }
    }
    if (found->len) {
        *out = v->ranges[g_array_index(found, unsigned, n % found->len)];
    }
    view_unref(v);
    return found->len;
}

static struct pci_dev *find_pci(struct machine *m, const char *name, unsigned n)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    for (guint i = 0; i < m->devices->len; i++) {
        struct dev *dev = m->devices->pdata[i];

        if (g_strcmp0(dev->type->bus, "PCI") == 0 &&
            (!name || strcmp(decoder_of(dev)->type->name, name) == 0)) {
            g_ptr_array_add(found, dev);
        }
    }
    if (!found->len) {
        return NULL;
    }
    return container_of(found->pdata[n % found->len], struct pci_dev, dev);
}

/* --- accesses, on one machine or both --- */

static void check(struct run *r, uint64_t x, uint64_t y, const char *what,
                  uint64_t at)
{
    if (x != y) {
        g_error("%s: %s 0x%" G_GINT64_MODIFIER "x reads 0x%" G_GINT64_MODIFIER
                "x, after a load 0x%" G_GINT64_MODIFIER "x",
                r->t->name, what, at, x, y);
    }
}

static struct space *space_of(struct box *b, bool ports)
{
    return ports ? &b->vm.machine.ports : &b->vm.machine.memory;
}

static void serve(struct run *r)
{
    box_serve(r->box);
    if (r->twin) {
        box_serve(r->twin);
    }
}

static void do_read(struct run *r, bool ports, uint64_t at, unsigned size)
{
    uint64_t x = space_read(space_of(r->box, ports), at, size);

    if (r->twin) {
        uint64_t y = space_read(space_of(r->twin, ports), at, size);

        check(r, x, y, ports ? "port" : "address", at);
    }
}

static void do_write(struct run *r, bool ports, uint64_t at, unsigned size,
                     uint64_t value)
{
    space_write(space_of(r->box, ports), at, size, value);
    if (r->twin) {
        space_write(space_of(r->twin, ports), at, size, value);
    }
}

static uint64_t take_value(struct run *r, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++) {
        v |= (uint64_t)take8(&r->in) << (8 * i);
    }
    return v;
}

/* The offset of a row of the device's banks: registers are few, and far
 * between in large windows. */
static bool find_register(const struct run *r, unsigned n, uint64_t *at)
{
    struct dev *dev = machine_find_dev(&r->box->vm.machine, r->t->device);
    const struct reg_bank *const *b = dev ? dev->type->banks : NULL;

    for (; b && *b; b++) {
        if (n < (*b)->count) {
            *at = (*b)->regs[n].at;
            return true;
        }
    }
    return false;
}

static uint64_t take_offset(struct run *r, uint64_t len)
{
    uint32_t v = len <= 256 ? take8(&r->in) : take32(&r->in);
    uint64_t at;

    if (len > 256 && r->t->device && find_register(r, v & 0xff, &at)) {
        return at % len;
    }
    return v % len;
}

/* op: bit 4 memory, bits 5-6 size */
static void op_access(struct run *r, uint8_t op, bool write, bool burst)
{
    bool ports = !(op & 0x10);
    unsigned size = 1u << (op >> 5 & 3);
    struct range range;
    uint64_t at, len;
    unsigned times = 1;

    if (!find_range(r, space_of(r->box, ports), take8(&r->in), &range)) {
        ports = !ports;
        if (!find_range(r, space_of(r->box, ports), 0, &range)) {
            return;
        }
    }
    size = ports && size == 8 ? 1 : size;
    len = range.last - range.start + 1;
    at = range.start + take_offset(r, len);
    if (burst) {
        times = 1 + take16(&r->in) % BURST_MAX;
    }
    if (!write) {
        while (times--) {
            do_read(r, ports, at, size);
        }
        return;
    }
    for (uint64_t v = take_value(r, size); times--; v = v * 5 + 1) {
        do_write(r, ports, at, size, v);
    }
}

static void op_config(struct run *r, uint8_t op)
{
    const char *name = NULL;
    struct box *both[] = {r->box, r->twin};
    uint8_t which = take8(&r->in), at = take8(&r->in);
    unsigned size = 1u << (op >> 5 & 3);
    uint64_t v;
    uint32_t answer[2] = {0};

    if (r->t->device) {
        struct dev *dev = machine_find_dev(&r->box->vm.machine, r->t->device);

        name = dev ? decoder_of(dev)->type->name : NULL;
    }
    size = size == 8 ? 4 : size;
    at = (uint8_t)(at & ~(size - 1));
    v = op & 0x10 ? take_value(r, size) : 0;
    for (unsigned i = 0; i < 2 && both[i]; i++) {
        struct pci_dev *d = find_pci(&both[i]->vm.machine, name, which);

        if (!d) {
            return;
        }
        if (op & 0x10) {
            pci_config_write(d, at, size, (uint32_t)v);
        } else {
            answer[i] = pci_config_read(d, at, size);
        }
    }
    if (r->twin) {
        check(r, answer[0], answer[1], "configuration", at);
    }
}

/* Up to a second, finer the shorter. */
static void op_step(struct run *r, uint8_t op)
{
    int64_t ns = (int64_t)take16(&r->in) << (op >> 4);

    ns = MIN(ns, NS_PER_SECOND);
    box_step(r->box, ns);
    if (r->twin) {
        box_step(r->twin, ns);
    }
}

/* Descriptors, scatter lists and the like: low memory, 16-byte steps. */
static void op_ram(struct run *r, uint8_t op)
{
    uint64_t at = (uint64_t)(take16(&r->in) & 0x3ff) * 16;
    uint8_t data[64];
    unsigned len = 4u + (op >> 4) * 4u;

    for (unsigned i = 0; i < len; i++) {
        data[i] = take8(&r->in);
    }
    dma_write(&r->box->vm.machine.memory, at, data, len);
    if (r->twin) {
        dma_write(&r->twin->vm.machine.memory, at, data, len);
    }
}

static void input_event(struct input *in, uint8_t op, uint8_t a, uint8_t b)
{
    switch (op >> 4 & 3) {
    case 0:
    case 1: input_key(in, a, b & 1); break;
    case 2: input_rel(in, (int8_t)a * (1 + (b & 3) * 40), (int8_t)b); break;
    default: input_button(in, a % (INPUT_WHEEL_RIGHT + 1), b & 1); break;
    }
    input_sync(in);
}

static void op_input(struct run *r, uint8_t op)
{
    uint8_t a = take8(&r->in), b = take8(&r->in);

    input_event(r->box->vm.machine.input, op, a, b);
    if (r->twin) {
        input_event(r->twin->vm.machine.input, op, a, b);
    }
}

/* A byte on a serial line, as far as there is room. */
static void serial_in(struct box *b, unsigned n, const uint8_t *p, unsigned len)
{
    struct chardev *c =
        n < 2 ? b->vm.board.serial[n]
              : machine_backend(&b->vm.machine, BACKEND_CHARDEV, "vport");

    if (c && c->front.can_receive && c->front.receive) {
        len = MIN(len, c->front.can_receive(c->front.opaque));
        if (len) {
            c->front.receive(c->front.opaque, p, len);
        }
    }
    if (c && c->front.event && p[0] == 0xff) {
        c->front.event(c->front.opaque, CHARDEV_BREAK);
    }
}

static void medium(struct box *b, uint8_t a)
{
    unsigned n = a % BOX_DISKS;
    struct drive *d = box_drive(b, n);

    if (a & 0x80) {
        b->disk[n].fails = a >> 2 & 7;
    } else if (n) {
        if (a & 0x40 && d->front.eject_request) {
            d->front.eject_request(d->front.opaque, a & 0x20);
        }
        box_insert(b, n, a & 0x10);
    }
}

static void op_world(struct run *r, uint8_t op)
{
    uint8_t data[8];
    unsigned len = 1 + (op >> 5 & 7);

    for (unsigned i = 0; i < len; i++) {
        data[i] = take8(&r->in);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct box *b = i ? r->twin : r->box;

        if (b && op & 0x10) {
            serial_in(b, data[0] & 3, data, len);
        } else if (b) {
            medium(b, data[0]);
        }
    }
}

static void op_net(struct run *r)
{
    struct net_action a = {.which = take8(&r->in), .what = take8(&r->in)};

    a.len = take16(&r->in);
    for (size_t i = 0; i < sizeof(a.head); i++) {
        a.head[i] = take8(&r->in);
    }
    box_net_op(r->box, &a);
    if (r->twin) {
        box_net_op(r->twin, &a);
    }
}

/* A descriptor of a USB schedule: see box_usb_op(). */
static void op_usb(struct run *r)
{
    uint8_t what = take8(&r->in);
    uint16_t at = take16(&r->in);
    uint32_t words[4];

    for (unsigned i = 0; i < 4; i++) {
        words[i] = take32(&r->in);
    }
    box_usb_op(&r->box->vm.machine, what, at, words);
    if (r->twin) {
        box_usb_op(&r->twin->vm.machine, what, at, words);
    }
}

static void machine_op(struct box *b, uint8_t what)
{
    struct machine *m = &b->vm.machine;
    struct console *c = m->consoles->len ? m->consoles->pdata[0] : NULL;

    switch (what) {
    case 0: machine_request(m, MACHINE_RESET); break;
    case 1: machine_request(m, MACHINE_POWERDOWN); break;
    default:
        if (c) {
            g_autofree char *text = NULL;

            console_update(c);
            text = c->ops->text ? c->ops->text(c->opaque) : NULL;
        }
    }
}

static void op_machine(struct run *r, uint8_t op)
{
    machine_op(r->box, op >> 4 & 7);
    if (r->twin) {
        machine_op(r->twin, op >> 4 & 7);
    }
    serve(r);
}

static void run_op(struct run *r)
{
    uint8_t op = take8(&r->in);

    switch (op & 15) {
    case 0:
    case 1:
    case 2:
    case 3: op_access(r, op, true, false); break;
    case 4:
    case 5: op_access(r, op, false, false); break;
    case 6: op_access(r, op, true, true); break;
    case 7: op_access(r, op, false, true); break;
    case 8: op_config(r, op); break;
    case 9:
    case 10: op_step(r, op); break;
    case 11: op_ram(r, op); break;
    case 12: op_input(r, op); break;
    case 13: op_world(r, op); break;
    case 14: op_machine(r, op); break;
    default:
        if (op & 0x20) {
            op_usb(r);
        } else if (op & 0x10) {
            op_net(r);
        } else {
            serve(r);
        }
        break;
    }
    if (r->drain || r->twin) {
        serve(r);
    }
}

/* --- saved state --- */

static void run_copy(struct run *r)
{
    g_autoptr(GByteArray) x = box_save(r->box);
    g_autoptr(GByteArray) y = NULL;
    GError *error = NULL;

    r->twin = box_new(r->t->board);
    box_copy_memory(r->twin, r->box);
    box_net_copy(r->twin, r->box); /* the cables before they are looked at */
    box_load(r->twin, x, &error);
    g_assert_no_error(error);
    box_net_copy(r->twin, r->box);
    y = box_save(r->twin);
    box_compare(r->box, x, y, r->t->name);
}

static void run_compare(struct run *r)
{
    g_autoptr(GByteArray) x = box_save(r->box);
    g_autoptr(GByteArray) y = box_save(r->twin);

    box_compare(r->box, x, y, "after the same accesses");
}

/* Damaged state: refused, or some state that is safe to go on with. */
static void run_hostile(struct run *r, unsigned ops)
{
    g_autoptr(GByteArray) s = box_save(r->box);

    for (unsigned i = 1 + take8(&r->in) % 8; i; i--) {
        guint at = take32(&r->in) % s->len;

        s->data[at] ^= (guint8)(1 + take8(&r->in) % 255);
    }
    if (take8(&r->in) & 1) {
        s->len = take32(&r->in) % s->len;
    }
    box_load(r->box, s, NULL);
    while (r->in.left && ops--) {
        run_op(r);
    }
}

/* The type of the controller that the target hangs on. */
static const struct dev_type *controller_of(const struct run *r)
{
    struct dev *dev = r->t->device
                          ? machine_find_dev(&r->box->vm.machine, r->t->device)
                          : NULL;

    return dev ? decoder_of(dev)->type : NULL;
}

static void run_device(const struct fuzz_target *t, const uint8_t *data,
                       size_t len)
{
    struct run r = {.t = t, .in = {data, len}};
    uint8_t how = take8(&r.in);
    size_t stop = len - len * (how >> 4) / 16;
    unsigned ops = OPS_MAX;

    r.box = box_new(t->board);
    box_usb_setup(&r.box->vm.machine, controller_of(&r));
    r.drain = how & 1;
    if (how & 2) {
        while (r.in.left > stop && ops--) {
            run_op(&r);
        }
        run_copy(&r);
        while (r.in.left && ops--) {
            run_op(&r);
        }
        run_compare(&r);
    } else if (how & 4) {
        while (r.in.left > stop && ops--) {
            run_op(&r);
        }
        run_hostile(&r, ops);
    } else {
        while (r.in.left && ops--) {
            run_op(&r);
        }
    }
    box_free(r.box);
    if (r.twin) {
        box_free(r.twin);
    }
}

/* --- the targets --- */

void fuzz_add_devices(GPtrArray *targets)
{
    static const char *const names[] = {"pc", "isapc"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct box *b = box_new(names[i]);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        fuzz_add(targets, g_strdup_printf("dev:%s", names[i]), run_device,
                 names[i], NULL);
        for (guint n = 0; n < b->vm.machine.devices->len; n++) {
            struct dev *dev = b->vm.machine.devices->pdata[n];
            const char *type = dev->type->name;

            if (g_hash_table_add(seen, (void *)(uintptr_t)type)) {
                fuzz_add(targets, g_strdup_printf("dev:%s/%s", names[i], type),
                         run_device, names[i], type);
            }
        }
        box_free(b);
    }
}
