/* SPDX-License-Identifier: MIT */
/* From the text behind a command's name to its arguments. */
#include <string.h>

#include "target/x86/flags.h"
#include "vm/hmp.h"

/* --- registers --- */

static const struct {
    const char *name;
    size_t at;
} registers[] = {
#define R(nm, member)                        \
    {                                        \
        nm, offsetof(struct x86_cpu, member) \
    }
    R("rax", gpr[0]),  R("rcx", gpr[1]),  R("rdx", gpr[2]),  R("rbx", gpr[3]),
    R("rsp", gpr[4]),  R("rbp", gpr[5]),  R("rsi", gpr[6]),  R("rdi", gpr[7]),
    R("r8", gpr[8]),   R("r9", gpr[9]),   R("r10", gpr[10]), R("r11", gpr[11]),
    R("r12", gpr[12]), R("r13", gpr[13]), R("r14", gpr[14]), R("r15", gpr[15]),
    R("rip", rip),     R("cr0", cr0),     R("cr2", cr2),     R("cr3", cr3),
    R("cr4", cr4),
#undef R
};

static bool segment_get(const struct x86_cpu *cpu, const char *name,
                        uint64_t *value)
{
    static const char names[][3] = {"es", "cs", "ss", "ds", "fs", "gs"};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strncmp(name, names[i], 2) == 0) {
            *value =
                strcmp(name + 2, ".base") == 0 || strcmp(name + 2, "_base") == 0
                    ? cpu->seg[i].base
                    : cpu->seg[i].selector;
            return !name[2] || strchr("._", name[2]);
        }
    }
    return false;
}

/* "eax" and "rax" alike; "pc" is a linear address. */
static bool register_get(void *opaque, const char *name, uint64_t *value)
{
    const struct x86_cpu *cpu = opaque;

    if (!cpu) {
        return false;
    }
    if (strcmp(name, "pc") == 0) {
        *value = cpu->rip + cpu->seg[X86_CS].base;
        return true;
    }
    if (strcmp(name, "eflags") == 0 || strcmp(name, "rflags") == 0) {
        *value = x86_get_rflags(cpu);
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
        const char *r = registers[i].name;
        bool low = name[0] == 'e' && r[0] == 'r' && strlen(r) == 3 &&
                   strcmp(name + 1, r + 1) == 0;

        if (low || strcmp(name, r) == 0) {
            memcpy(value, (const char *)cpu + registers[i].at, sizeof(*value));
            *value = low ? (uint32_t)*value : *value;
            return true;
        }
    }
    return segment_get(cpu, name, value);
}

/* --- words --- */

static void skip_spaces(const char **text)
{
    while (g_ascii_isspace(**text)) {
        (*text)++;
    }
}

static char quoted_char(const char **p)
{
    char c = *(*p)++;

    if (c == '\\' && **p) {
        c = *(*p)++;
        c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
    }
    return c;
}

/* A word, or text in double quotes; NULL: a quote is missing. */
static char *take_word(const char **text)
{
    g_autoptr(GString) s = g_string_new(NULL);
    const char *p = *text;

    if (*p == '"') {
        p++;
        while (*p && *p != '"') {
            g_string_append_c(s, quoted_char(&p));
        }
        if (!*p++) {
            return NULL;
        }
    } else {
        while (*p && !g_ascii_isspace(*p)) {
            g_string_append_c(s, *p++);
        }
    }
    *text = p;
    skip_spaces(text);
    return g_string_free(g_steal_pointer(&s), FALSE);
}

/* "/10xw" in any order of letters; what is missing keeps its value. */
static bool take_format(const char **text, struct hmp_format *f, GError **error)
{
    const char *p = *text;

    if (*p != '/') {
        return true;
    }
    p++;
    if (g_ascii_isdigit(*p)) {
        uint64_t n = g_ascii_strtoull(p, (char **)(uintptr_t)&p, 10);

        f->count = (unsigned)MIN(n, 1000000);
    }
    for (; *p && !g_ascii_isspace(*p); p++) {
        if (strchr("oxduci", *p)) {
            f->kind = *p;
        } else if (strchr("bhwg", *p)) {
            f->size = *p;
        } else {
            return fail(error, "invalid char in format: '%c'", *p);
        }
    }
    *text = p;
    skip_spaces(text);
    return true;
}

/* --- arguments --- */

struct spec {
    const char *name, *type;
    bool optional;
};

/* The next "name:type?" of a row. */
static bool next_spec(const char **args, struct spec *s)
{
    const char *end = strchr(*args, ',');

    if (!**args) {
        return false;
    }
    s->name = *args;
    s->type = strchr(*args, ':') + 1;
    end = end ? end : *args + strlen(*args);
    s->optional = end[-1] == '?';
    *args = *end ? end + 1 : end;
    return true;
}

/* "-f", "-f png": a flag that the row knows; it may stand anywhere. */
static bool take_flags(struct hmp_call *c, const struct hmp_command *cmd,
                       const char **text, GError **error)
{
    const char *args = cmd->args;
    const char *p = *text;
    struct spec s;

    for (unsigned i = 0; next_spec(&args, &s); i++) {
        struct hmp_arg *a = &c->arg[i];

        if (a->type != '-' || a->present || p[0] != '-' || p[1] != s.type[1] ||
            (p[2] && !g_ascii_isspace(p[2]))) {
            continue;
        }
        a->present = true;
        p += 2;
        skip_spaces(&p);
        if (s.type[2] == 's') {
            a->text = *p ? take_word(&p) : NULL;
            if (!a->text) {
                return fail(error, "'-%c' wants a value", s.type[1]);
            }
        }
        *text = p;
        return take_flags(c, cmd, text, error);
    }
    return true;
}

/* Where more arguments follow, a space outside of brackets ends a number. */
static bool take_number(const char **text, bool last,
                        const struct hmp_registers *regs, uint64_t *value,
                        GError **error)
{
    const char *end = *text;
    int depth = 0;
    g_autofree char *word = NULL;
    const char *p;

    for (; *end && (last || depth > 0 || !g_ascii_isspace(*end)); end++) {
        depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
    }
    word = g_strndup(*text, (gsize)(end - *text));
    p = word;
    if (!hmp_expr(&p, regs, value, error)) {
        return false;
    }
    *text += p - word;
    skip_spaces(text);
    return true;
}

static bool take_arg(struct hmp_call *c, struct hmp_arg *a,
                     const struct spec *s, bool last, const char **text,
                     GError **error)
{
    const struct hmp_registers regs = {register_get, c->cpu};
    int len = (int)strcspn(s->name, ":");

    if (a->type == '-') {
        return true;
    }
    if (a->type == '/') {
        return take_format(text, &c->format, error);
    }
    if (!**text) {
        return s->optional ||
               fail(error, "%.*s: string expected", len, s->name);
    }
    a->present = true;
    switch (a->type) {
    case 's':
        a->text = take_word(text);
        return a->text || fail(error, "%.*s: '\"' is missing", len, s->name);
    case 'S':
        a->text = g_strchomp(g_strdup(*text));
        *text += strlen(*text);
        return true;
    default: return take_number(text, last, &regs, &a->number, error);
    }
}

/* Room for what the row names. */
static void prepare_args(struct hmp_call *c, const struct hmp_command *cmd)
{
    const char *args = cmd->args;
    struct spec s;

    while (next_spec(&args, &s)) {
        assert(c->args < HMP_ARGS);
        c->arg[c->args++] = (struct hmp_arg){.name = s.name, .type = s.type[0]};
    }
}

bool hmp_parse_args(struct hmp_call *c, const struct hmp_command *cmd,
                    const char *text, GError **error)
{
    const char *args = cmd->args;
    struct spec s;

    prepare_args(c, cmd);
    skip_spaces(&text);
    for (unsigned i = 0; next_spec(&args, &s); i++) {
        if (!take_flags(c, cmd, &text, error) ||
            !take_arg(c, &c->arg[i], &s, i + 1 == c->args, &text, error)) {
            return false;
        }
    }
    return take_flags(c, cmd, &text, error) &&
           (!*text || fail(error, "extraneous characters at the end of line"));
}

void hmp_free_args(struct hmp_call *c)
{
    for (unsigned i = 0; i < c->args; i++) {
        g_free(c->arg[i].text);
    }
}

static const struct hmp_arg *find_arg(const struct hmp_call *c,
                                      const char *name)
{
    size_t len = strlen(name);

    for (unsigned i = 0; i < c->args; i++) {
        if (strncmp(c->arg[i].name, name, len) == 0 &&
            c->arg[i].name[len] == ':') {
            return &c->arg[i];
        }
    }
    g_assert_not_reached();
}

const char *hmp_text(const struct hmp_call *c, const char *name)
{
    return find_arg(c, name)->text;
}

uint64_t hmp_number(const struct hmp_call *c, const char *name, uint64_t def)
{
    const struct hmp_arg *a = find_arg(c, name);

    return a->present ? a->number : def;
}

bool hmp_flag(const struct hmp_call *c, const char *name)
{
    return find_arg(c, name)->present;
}
