/* SPDX-License-Identifier: MIT */
#include "hw/block/fdc.h"
#include "hw/char/isa_serial.h"
#include "hw/char/parallel.h"
#include "hw/dma/i8237.h"
#include "hw/input/i8042.h"
#include "hw/isa/isa.h"
#include "hw/isa/port61.h"
#include "hw/isa/port92.h"
#include "hw/misc/debugcon.h"
#include "hw/pc/pc_parts.h"
#include "hw/timer/i8254.h"

struct dev *pc_add(struct machine *m, const struct dev_type *type,
                   GError **error)
{
    struct dev *dev = dev_new(m, type, NULL);

    if (!dev_realize(dev, error)) {
        dev_free(dev);
        return NULL;
    }
    return dev;
}

static bool add_timers(struct pc_isa *isa, struct pc_intc *intc,
                       struct machine *m, GError **error)
{
    struct i8254 *pit;
    struct port61 *port61;
    struct rtc *rtc;

    isa->pit = dev_new(m, &i8254_type, NULL);
    pit = container_of(isa->pit, struct i8254, dev);
    isa->port61 = dev_new(m, &port61_type, NULL);
    port61 = container_of(isa->port61, struct port61, dev);
    port61->pit = pit;
    isa->rtc = dev_new(m, &rtc_type, NULL);
    rtc = container_of(isa->rtc, struct rtc, dev);
    port61->nmi_masked = &rtc->nmi_masked;
    return pc_connect_timer(intc, m, &pit->channel[0].out, 0, error) &&
           pc_connect_timer(intc, m, &rtc->irq, 8, error) &&
           dev_realize(isa->pit, error) && dev_realize(isa->port61, error) &&
           dev_realize(isa->rtc, error);
}

static bool add_keyboard(struct pc_isa *isa, struct machine *m,
                         struct vcpus *vcpus, GError **error)
{
    struct i8042 *kbd;
    struct port92 *port92;

    isa->i8042 = dev_new(m, &i8042_type, NULL);
    kbd = container_of(isa->i8042, struct i8042, dev);
    isa->port92 = dev_new(m, &port92_type, NULL);
    port92 = container_of(isa->port92, struct port92, dev);
    kbd->a20 = (struct wire){.set = pc_set_a20, .to = vcpus, .pin = 0};
    port92->a20 = (struct wire){.set = pc_set_a20, .to = vcpus, .pin = 1};
    port92->cpu_init = (struct wire){.set = pc_cpu_init_pulse, .to = vcpus};
    return isa_connect_irq(m, &kbd->irq_kbd, 1, error) &&
           isa_connect_irq(m, &kbd->irq_mouse, 12, error) &&
           dev_realize(isa->i8042, error) && dev_realize(isa->port92, error);
}

static bool add_serials(struct machine *m, struct board_config *c,
                        GError **error)
{
    for (uint32_t i = 0; i < BOARD_SERIALS; i++) {
        struct dev *dev;

        if (!c->serial[i]) {
            continue;
        }
        dev = dev_new(m, &isa_serial_type, NULL);
        container_of(dev, struct isa_serial, dev)->index = i;
        if (!dev_set_prop(dev, "chardev", c->serial[i]->id, error) ||
            !dev_realize(dev, error)) {
            return false;
        }
    }
    return true;
}

static bool add_parallels(struct machine *m, struct board_config *c,
                          GError **error)
{
    for (unsigned i = 0; i < BOARD_PARALLELS; i++) {
        struct dev *dev;

        if (!c->parallel[i]) {
            continue;
        }
        dev = dev_new(m, &parallel_type, NULL);
        if (!dev_set_prop(dev, "chardev", c->parallel[i]->id, error) ||
            !dev_realize(dev, error)) {
            return false;
        }
    }
    return true;
}

static bool add_debugcon(struct machine *m, struct board_config *c,
                         GError **error)
{
    struct dev *dev;

    if (!c->debugcon) {
        return true;
    }
    dev = dev_new(m, &debugcon_type, NULL);
    return dev_set_prop(dev, "chardev", c->debugcon->id, error) &&
           dev_realize(dev, error);
}

static bool add_floppies(struct machine *m, struct board_config *c,
                         GError **error)
{
    static const char *const props[] = {"driveA", "driveB"};
    struct dev *dev = dev_new(m, &fdc_type, NULL);
    bool any = c->defaults;

    for (guint i = 0; i < c->drives->len; i++) {
        const struct drive *d = c->drives->pdata[i];

        if (d->bus == DRIVE_IF_FLOPPY && d->index < ARRAY_SIZE(props)) {
            any = true;
            if (!dev_set_prop(dev, props[d->index], d->id, error)) {
                return false;
            }
        }
    }
    if (!any) {
        dev_free(dev);
        return true;
    }
    return dev_realize(dev, error);
}

/* A PC has a floppy drive, empty or not, unless -nodefaults. */
static void default_floppy(struct machine *m, struct board_config *c)
{
    struct drive *d;

    for (guint i = 0; i < c->drives->len; i++) {
        const struct drive *other = c->drives->pdata[i];

        if (other->bus == DRIVE_IF_FLOPPY && other->index == 0) {
            return;
        }
    }
    d = drive_new("floppy0", &m->lock);
    d->bus = DRIVE_IF_FLOPPY;
    d->media = DRIVE_FLOPPY;
    d->removable = true;
    g_ptr_array_add(c->drives, d);
    machine_add_backend(m, BACKEND_DRIVE, d->id, d);
}

static bool add_dma(struct machine *m, struct board_config *c, GError **error)
{
    if (c->defaults) {
        default_floppy(m, c);
    }
    return pc_add(m, &i8237_type, error) && add_floppies(m, c, error);
}

bool pc_isa_init(struct pc_isa *isa, struct pc_intc *intc, struct machine *m,
                 struct board_config *c, GError **error)
{
    return add_timers(isa, intc, m, error) &&
           add_keyboard(isa, m, c->vcpus, error) && add_serials(m, c, error) &&
           add_parallels(m, c, error) && add_debugcon(m, c, error) &&
           add_dma(m, c, error);
}
