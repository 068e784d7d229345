/* SPDX-License-Identifier: MIT */
/* Monitor: info about the emulator and what is attached. */
#include <string.h>

#include "accel/tcg/tcg.h"
#include "build-config.h"
#include "hw/usb/usb.h"
#include "hw/virtio/virtio_balloon.h"
#include "ui/display.h"
#include "vm/actions.h"
#include "vm/hmp_commands.h"
#include "vm/monitors.h"

bool hmp_info_version(struct hmp_call *c, GError **error)
{
    g_string_append(c->out, "8.2.0 (rhea " RHEA_VERSION ")\n");
    return true;
}

bool hmp_info_status(struct hmp_call *c, GError **error)
{
    enum vm_state state = c->vm->state;

    if (state == VM_RUNNING || state == VM_PAUSED) {
        g_string_append_printf(c->out, "VM status: %s\n", vm_state_name(state));
    } else {
        g_string_append_printf(c->out, "VM status: paused (%s)\n",
                               vm_state_name(state));
    }
    return true;
}

bool hmp_info_name(struct hmp_call *c, GError **error)
{
    if (c->vm->name) {
        g_string_append_printf(c->out, "%s\n", c->vm->name);
    }
    return true;
}

bool hmp_info_uuid(struct hmp_call *c, GError **error)
{
    const char *uuid = c->vm->config->uuid;

    g_string_append_printf(
        c->out, "%s\n", uuid ? uuid : "00000000-0000-0000-0000-000000000000");
    return true;
}

bool hmp_info_history(struct hmp_call *c, GError **error)
{
    const struct hmp_line *line = c->context->line;

    for (guint i = 0; line && i < line->history->len; i++) {
        g_string_append_printf(c->out, "%u: '%s'\n", i,
                               (const char *)line->history->pdata[i]);
    }
    return true;
}

bool hmp_info_kvm(struct hmp_call *c, GError **error)
{
    bool on = strcmp(c->vm->vcpus.accel->name, "kvm") == 0;

    g_string_append_printf(c->out, "kvm support: %s\n",
                           on ? "enabled" : "disabled");
    return true;
}

bool hmp_info_jit(struct hmp_call *c, GError **error)
{
    const struct accel *a = c->vm->vcpus.accel;

    g_string_append_printf(c->out, "%s: %s\n", a->name, a->desc);
    for (unsigned i = 0; i < c->vm->vcpus.count; i++) {
        g_string_append_printf(c->out, "CPU #%u: ", i);
        jit_describe(&c->vm->vcpus.vcpu[i]->cpu, c->out);
    }
    return true;
}

bool hmp_info_cpus(struct hmp_call *c, GError **error)
{
    for (unsigned i = 0; i < c->vm->vcpus.count; i++) {
        const struct vcpu *v = c->vm->vcpus.vcpu[i];

        g_string_append_printf(c->out, "%c CPU #%u: thread_id=%d%s\n",
                               i == c->context->cpu ? '*' : ' ', i, v->tid,
                               v->cpu.halted ? " (halted)" : "");
    }
    return true;
}

/* --- drives --- */

static void print_drive(struct hmp_call *c, const struct drive *d, bool verbose)
{
    const struct dev *dev = action_drive_dev(c->vm, d);
    const struct image *image = d->image;

    if (image) {
        g_string_append_printf(c->out, "%s: %s (%s%s)\n", d->id,
                               image->filename, image->ops->name,
                               image->readonly ? ", read-only" : "");
    } else {
        g_string_append_printf(c->out, "%s: [not inserted]\n", d->id);
    }
    if (dev) {
        g_string_append_printf(c->out, "    Attached to:      %s\n",
                               dev_name(dev));
    }
    if (d->removable) {
        g_string_append_printf(c->out,
                               "    Removable device: %slocked, tray %s\n",
                               action_tray_locked(d) ? "" : "not ",
                               action_tray_open(d) ? "open" : "closed");
    }
    if (image && verbose) {
        g_string_append_printf(c->out,
                               "    Virtual size:     %" G_GUINT64_FORMAT
                               " bytes\n    Requests:         %u under way\n",
                               image->size, d->in_flight);
    }
    g_string_append_c(c->out, '\n');
}

bool hmp_info_block(struct hmp_call *c, GError **error)
{
    const char *name = hmp_text(c, "device");
    bool verbose = hmp_flag(c, "verbose");
    const struct drive *d = NULL;

    if (name) {
        d = action_find_drive(c->vm, name, error);
        if (!d) {
            return false;
        }
        print_drive(c, d, verbose);
        return true;
    }
    for (guint i = 0; i < c->vm->drives->len; i++) {
        print_drive(c, c->vm->drives->pdata[i], verbose);
    }
    return true;
}

bool hmp_info_blockstats(struct hmp_call *c, GError **error)
{
    for (guint i = 0; i < c->vm->drives->len; i++) {
        const struct drive *d = c->vm->drives->pdata[i];

        g_string_append_printf(c->out,
                               "%s: rd_bytes=%" G_GUINT64_FORMAT
                               " wr_bytes=%" G_GUINT64_FORMAT
                               " rd_operations=%" G_GUINT64_FORMAT
                               " wr_operations=%" G_GUINT64_FORMAT
                               " flush_operations=%" G_GUINT64_FORMAT "\n",
                               d->id, d->rd_bytes, d->wr_bytes, d->rd_ops,
                               d->wr_ops, d->flush_ops);
    }
    return true;
}

/* --- streams and pointers --- */

bool hmp_info_chardev(struct hmp_call *c, GError **error)
{
    GHashTable *table = c->vm->machine.backends[BACKEND_CHARDEV];
    g_autoptr(GList) names =
        g_list_sort(g_hash_table_get_keys(table), (GCompareFunc)strcmp);

    for (const GList *n = names; n; n = n->next) {
        const struct chardev *chardev = g_hash_table_lookup(table, n->data);
        g_autofree char *what = chardev->ops->describe(chardev);

        g_string_append_printf(c->out, "%s: filename=%s\n",
                               (const char *)n->data, what);
    }
    return true;
}

bool hmp_info_mice(struct hmp_call *c, GError **error)
{
    const GPtrArray *sinks = c->vm->input.sinks;
    bool current = true;

    for (guint i = 0; i < sinks->len; i++) {
        const struct input_sink *s = sinks->pdata[i];

        if (s->rel || s->abs) {
            g_string_append_printf(c->out, "%c Mouse #%u: %s%s\n",
                                   current ? '*' : ' ', i, s->name,
                                   s->abs ? " (absolute)" : "");
            current = false;
        }
    }
    if (current) {
        g_string_append(c->out, "No mouse devices connected\n");
    }
    return true;
}

/* --- what there may be --- */

bool hmp_info_screen(struct hmp_call *c, GError **error)
{
    const GPtrArray *consoles = c->vm->machine.consoles;
    struct console *console = consoles->len ? consoles->pdata[0] : NULL;
    g_autofree char *text = NULL;

    if (!console || !console->ops->text) {
        return fail(error, "this machine has no display with text modes");
    }
    text = console->ops->text(console->opaque);
    g_string_append(c->out, text);
    return true;
}

bool hmp_info_vnc(struct hmp_call *c, GError **error)
{
    const struct vnc_control *vnc = c->vm->monitors->vnc;

    if (!vnc) {
        g_string_append(c->out, "Server: disabled\n");
        return true;
    }
    g_string_append_printf(c->out, "default:\n  Server: %s:%s\n    Auth: %s\n",
                           vnc->host, vnc->service, vnc->auth);
    return true;
}

bool hmp_info_snapshots(struct hmp_call *c, GError **error)
{
    g_string_append(c->out, "There is no snapshot available.\n");
    return true;
}

bool hmp_info_usb(struct hmp_call *c, GError **error)
{
    usb_print(&c->vm->machine, c->out);
    return true;
}

bool hmp_info_numa(struct hmp_call *c, GError **error)
{
    g_string_append(c->out, "0 nodes\n");
    return true;
}

bool hmp_info_balloon(struct hmp_call *c, GError **error)
{
    const struct virtio *v = virtio_balloon_find(&c->vm->machine);

    if (!v) {
        return fail(error, "No balloon device has been activated");
    }
    g_string_append_printf(c->out, "balloon: actual=%" G_GUINT64_FORMAT "\n",
                           virtio_balloon_actual(v) / MIB);
    return true;
}

bool hmp_balloon(struct hmp_call *c, GError **error)
{
    struct virtio *v = virtio_balloon_find(&c->vm->machine);

    if (!v) {
        return fail(error, "No balloon device has been activated");
    }
    virtio_balloon_ask(v, hmp_number(c, "value", 0) * MIB);
    return true;
}
