/* SPDX-License-Identifier: MIT */
/* Monitor commands that act on the machine as a whole. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "hw/pc/pc_parts.h"
#include "ui/input.h"
#include "ui/keynames.h"
#include "vm/actions.h"
#include "vm/hmp_commands.h"
#include "vm/keyqueue.h"
#include "vm/monitors.h"

/* clang-format off */
const struct hmp_command hmp_commands[] = {
#define HMP(name, fn, args, params, help, flags) \
    {name, args, params, help, flags, fn},
#define INFO(...)
#include "vm/hmp_commands.def"
#undef HMP
#undef INFO
    {.name = NULL},
};

const struct hmp_command hmp_infos[] = {
#define HMP(...)
#define INFO(name, fn, args, params, help, flags) \
    {name, args, params, help, flags, fn},
#include "vm/hmp_commands.def"
#undef HMP
#undef INFO
    {.name = NULL},
};
/* clang-format on */

/* --- help --- */

static void help_line(GString *out, const char *head,
                      const struct hmp_command *cmd)
{
    g_string_append_printf(out, "%s%s %s -- %s\n", head, cmd->name, cmd->params,
                           cmd->help);
}

static void help_table(GString *out, const char *head,
                       const struct hmp_command *table)
{
    for (; table->name; table++) {
        if (!(table->flags & HMP_HIDDEN)) {
            help_line(out, head, table);
        }
    }
}

bool hmp_help(struct hmp_call *c, GError **error)
{
    const char *name = hmp_text(c, "name");
    const struct hmp_command *cmd;

    if (!name) {
        help_table(c->out, "", hmp_commands);
        return true;
    }
    if (strcmp(name, "info") == 0) {
        help_table(c->out, "info ", hmp_infos);
        return true;
    }
    cmd = g_str_has_prefix(name, "info ")
              ? hmp_find(hmp_infos, name + 5, strlen(name + 5))
              : hmp_find(hmp_commands, name, strlen(name));
    if (!cmd) {
        return fail(error, "there is no command '%s'", name);
    }
    help_line(c->out, g_str_has_prefix(name, "info ") ? "info " : "", cmd);
    return true;
}

bool hmp_info_list(struct hmp_call *c, GError **error)
{
    help_table(c->out, "info ", hmp_infos);
    return true;
}

/* --- life --- */

bool hmp_quit(struct hmp_call *c, GError **error)
{
    vm_quit(c->vm, "host-qmp-quit");
    return true;
}

bool hmp_stop(struct hmp_call *c, GError **error)
{
    action_stop_unlocked(c->vm);
    return true;
}

bool hmp_cont(struct hmp_call *c, GError **error)
{
    return action_cont_unlocked(c->vm, error);
}

bool hmp_system_reset(struct hmp_call *c, GError **error)
{
    action_reset(c->vm);
    return true;
}

bool hmp_system_powerdown(struct hmp_call *c, GError **error)
{
    machine_request(&c->vm->machine, MACHINE_POWERDOWN);
    return true;
}

bool hmp_system_wakeup(struct hmp_call *c, GError **error)
{
    return action_wakeup(c->vm, error);
}

bool hmp_nmi(struct hmp_call *c, GError **error)
{
    action_nmi(c->vm);
    return true;
}

bool hmp_cpu(struct hmp_call *c, GError **error)
{
    uint64_t index = hmp_number(c, "index", 0);

    if (index >= c->vm->vcpus.count) {
        return fail(error, "invalid CPU index: there are %u CPUs",
                    c->vm->vcpus.count);
    }
    c->context->cpu = (unsigned)index;
    return true;
}

bool hmp_boot_set(struct hmp_call *c, GError **error)
{
    const char *order = hmp_text(c, "order");
    struct dev *rtc = machine_find_type(&c->vm->machine, &rtc_type);

    if (!rtc) {
        return fail(error, "this machine has no boot order that can change");
    }
    if (strspn(order, "abcdnop") != strlen(order)) {
        return fail(error, "boot order: letters a, b, c, d, n only");
    }
    pc_cmos_boot(container_of(rtc, struct rtc, dev), order);
    g_string_append_printf(c->out, "boot device list now set to %s\n", order);
    return true;
}

/* --- log --- */

bool hmp_log(struct hmp_call *c, GError **error)
{
    const char *items = hmp_text(c, "items");
    g_autofree char *help = NULL;

    if (strcmp(items, "none") == 0) {
        log_mask = 0;
        return true;
    }
    if (strcmp(items, "help") == 0) {
        help = log_help();
        g_string_append(c->out, help);
        return true;
    }
    log_mask = 0;
    return log_set_items(items, error);
}

bool hmp_logfile(struct hmp_call *c, GError **error)
{
    return log_set_file(hmp_text(c, "filename"), error);
}

/* --- screen --- */

bool hmp_screendump(struct hmp_call *c, GError **error)
{
    return action_screendump(c->vm, hmp_text(c, "filename"),
                             hmp_text(c, "format"), hmp_text(c, "device"),
                             (int64_t)hmp_number(c, "head", 0), error);
}

/* --- keys and pointer --- */

/* "a", "ret", "0x1e", "<" */
static unsigned key_usage(const char *name, GError **error)
{
    unsigned usage;
    uint64_t n;

    if (strcmp(name, "<") == 0) {
        return keyname_usage("less");
    }
    usage = g_str_has_prefix(name, "0x") && text_to_uint(name, 0xffff, &n)
                ? keyname_from_number((unsigned)n)
                : keyname_usage(name);
    if (!usage) {
        fail(error, "invalid parameter: %s", name);
    }
    return usage;
}

bool hmp_sendkey(struct hmp_call *c, GError **error)
{
    g_auto(GStrv) names = g_strsplit(hmp_text(c, "keys"), "-", -1);
    unsigned usages[KEYQUEUE_CHORD];
    unsigned n = 0;

    for (; names[n]; n++) {
        if (n == KEYQUEUE_CHORD) {
            return fail(error, "too many keys at once: at most %d",
                        KEYQUEUE_CHORD);
        }
        usages[n] = key_usage(names[n], error);
        if (!usages[n]) {
            return false;
        }
    }
    return keyqueue_press(c->vm->monitors->keys, usages, n,
                          (int64_t)hmp_number(c, "hold", KEYQUEUE_HOLD_MS),
                          error);
}

static bool signed_arg(struct hmp_call *c, const char *name, int *value,
                       GError **error)
{
    const char *text = hmp_text(c, name);
    char *end = NULL;
    long n = text ? strtol(text, &end, 0) : 0;

    *value = (int)CLAMP(n, -0x7fff, 0x7fff);
    return !text || (end != text && !*end) ||
           fail(error, "%s: want a number", name);
}

static void turn_wheel(struct input *in, int dz)
{
    enum input_button b = dz < 0 ? INPUT_WHEEL_UP : INPUT_WHEEL_DOWN;

    for (int i = 0; i < MIN(abs(dz), 16); i++) {
        input_button(in, b, true);
        input_sync(in);
        input_button(in, b, false);
        input_sync(in);
    }
}

bool hmp_mouse_move(struct hmp_call *c, GError **error)
{
    struct input *in = c->vm->machine.input;
    int dx;
    int dy;
    int dz;

    if (!signed_arg(c, "dx", &dx, error) || !signed_arg(c, "dy", &dy, error) ||
        !signed_arg(c, "dz", &dz, error)) {
        return false;
    }
    if (input_is_absolute(in)) {
        input_abs(in, (unsigned)CLAMP(dx, 0, INPUT_ABS_MAX),
                  (unsigned)CLAMP(dy, 0, INPUT_ABS_MAX));
    } else {
        input_rel(in, dx, dy);
    }
    input_sync(in);
    turn_wheel(in, dz);
    return true;
}

bool hmp_mouse_button(struct hmp_call *c, GError **error)
{
    static const enum input_button order[] = {INPUT_LEFT, INPUT_RIGHT,
                                              INPUT_MIDDLE};
    struct input *in = c->vm->machine.input;
    uint64_t state = hmp_number(c, "state", 0);

    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        input_button(in, order[i], state >> i & 1);
    }
    input_sync(in);
    return true;
}

bool hmp_mouse_set(struct hmp_call *c, GError **error)
{
    struct input *in = c->vm->machine.input;
    uint64_t index = hmp_number(c, "index", 0);
    struct input_sink *s =
        index < in->sinks->len ? in->sinks->pdata[index] : NULL;

    if (!s || (!s->rel && !s->abs)) {
        return fail(error, "there is no mouse with that index");
    }
    input_activate(in, s);
    return true;
}
