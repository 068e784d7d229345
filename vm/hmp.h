/* SPDX-License-Identifier: MIT */
/*
 * The monitor: commands for people (and scripts that send what people type),
 * in QEMU's words and formats. A command is a row of hmp_commands.def.
 */
#ifndef VM_HMP_H
#define VM_HMP_H

#include "vm/hmp_expr.h"
#include "vm/hmp_line.h"
#include "vm/session.h"
#include "vm/vm.h"

/* Where commands come from: a terminal, or QMP's human-monitor-command. */
struct hmp_context {
    struct vm *vm;
    unsigned cpu;                /* that commands look at */
    const struct hmp_line *line; /* for its history; NULL: none */
};

struct hmp_format { /* "/10xw" */
    unsigned count;
    char kind; /* o x d u c i */
    char size; /* b h w g */
};

enum { HMP_ARGS = 8 };

struct hmp_arg {
    const char *name; /* in the row, ends with ':' */
    char type;
    bool present;
    char *text;
    uint64_t number;
};

/* What a command gets. */
struct hmp_call {
    struct hmp_context *context;
    const struct hmp_command *command; /* the row */
    struct vm *vm;
    struct x86_cpu *cpu; /* NULL where the machine has none */
    struct hmp_arg arg[HMP_ARGS];
    unsigned args;
    struct hmp_format format;
    GString *out;
};

enum {
    HMP_UNLOCKED = 1 << 0, /* runs without the machine lock */
    HMP_PAUSED = 1 << 1,   /* CPUs stand still, their state is current */
    HMP_HIDDEN = 1 << 2,   /* not in help: known, but there is nothing of it */
};

/*
 * args: "name:type,...", in the order of the line. Types: s a word or
 * "quoted text", S the rest of the line, l an expression, / a format as in
 * x/10i, -x a flag, -xs a flag with a word behind it; ? = optional.
 */
struct hmp_command {
    const char *name; /* "cont|c" */
    const char *args;
    const char *params; /* for help */
    const char *help;
    unsigned flags;
    bool (*run)(struct hmp_call *c, GError **error);
};

extern const struct hmp_command hmp_commands[]; /* end: a row without name */
extern const struct hmp_command hmp_infos[];

/* Runs a line; what it prints, errors included, goes to `out`. Main thread,
 * without the machine lock. */
void hmp_run_unlocked(struct hmp_context *context, const char *line,
                      GString *out);
/* Fills c->arg and c->format from what stands behind the command's name. */
bool hmp_parse_args(struct hmp_call *c, const struct hmp_command *cmd,
                    const char *text, GError **error);
void hmp_free_args(struct hmp_call *c);
/* A command by name or alias; NULL: there is none. */
const struct hmp_command *hmp_find(const struct hmp_command *table,
                                   const char *name, size_t len);

/* NULL, or the default, where the argument is not there. */
const char *hmp_text(const struct hmp_call *c, const char *name);
uint64_t hmp_number(const struct hmp_call *c, const char *name, uint64_t def);
bool hmp_flag(const struct hmp_call *c, const char *name);

/* The monitor on a chardev. Lock held. */
struct hmp *hmp_new(struct vm *vm, struct chardev *c, GError **error);
void hmp_free(struct hmp *h);

/* Completion of the word that ends at the cursor: g_strfreev(). */
char **hmp_complete(void *context, const char *line, size_t cursor);

#endif
