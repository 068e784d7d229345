/* SPDX-License-Identifier: MIT */
#include "vm/hmp_expr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

struct parser {
    const char *p;
    const struct hmp_registers *regs;
    GError **error;
    unsigned depth;
};

static bool parse_binary(struct parser *s, unsigned level, uint64_t *value);

static void skip_spaces(struct parser *s)
{
    while (g_ascii_isspace(*s->p)) {
        s->p++;
    }
}

static bool parse_number(struct parser *s, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(s->p, &end, 0);
    if (errno == ERANGE) {
        return fail(s->error, "number too large");
    }
    if (end == s->p || g_ascii_isalnum(*end)) {
        return fail(s->error, "invalid char '%c' in expression", *end);
    }
    s->p = end;
    return true;
}

static bool parse_register(struct parser *s, uint64_t *value)
{
    size_t len = 0;
    g_autofree char *name = NULL;

    s->p++;
    while (g_ascii_isalnum(s->p[len]) || s->p[len] == '_') {
        len++;
    }
    name = g_strndup(s->p, len);
    s->p += len;
    return s->regs->get(s->regs->opaque, name, value) ||
           fail(s->error, "unknown register '$%s'", name);
}

static bool parse_character(struct parser *s, uint64_t *value)
{
    if (!s->p[1] || s->p[2] != '\'') {
        return fail(s->error, "want one character in quotes");
    }
    *value = (unsigned char)s->p[1];
    s->p += 3;
    return true;
}

static bool parse_paren(struct parser *s, uint64_t *value)
{
    s->p++;
    if (!parse_binary(s, 0, value)) {
        return false;
    }
    if (*s->p != ')') {
        return fail(s->error, "')' expected");
    }
    s->p++;
    return true;
}

static bool parse_unary(struct parser *s, uint64_t *value)
{
    char op = *s->p;
    bool ok;

    if (s->depth == DEPTH_MAX) {
        return fail(s->error, "expression too deep");
    }
    s->depth++;
    if (op && strchr("+-~!", op)) {
        s->p++;
        skip_spaces(s);
        ok = parse_unary(s, value);
        *value = op == '-'   ? -*value
                 : op == '~' ? ~*value
                 : op == '!' ? !*value
                             : *value;
    } else {
        ok = op == '('    ? parse_paren(s, value)
             : op == '$'  ? parse_register(s, value)
             : op == '\'' ? parse_character(s, value)
             : op         ? parse_number(s, value)
                          : fail(s->error, "unexpected end of expression");
    }
    s->depth--;
    skip_spaces(s);
    return ok;
}

enum op {
    OP_OR,
    OP_XOR,
    OP_AND,
    OP_SHL,
    OP_SHR,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD
};

static const struct {
    const char *text;
    unsigned level; /* the higher, the tighter */
} ops[] = {
    [OP_OR] = {"|", 0},   [OP_XOR] = {"^", 1},  [OP_AND] = {"&", 2},
    [OP_SHL] = {"<<", 3}, [OP_SHR] = {">>", 3}, [OP_ADD] = {"+", 4},
    [OP_SUB] = {"-", 4},  [OP_MUL] = {"*", 5},  [OP_DIV] = {"/", 5},
    [OP_MOD] = {"%", 5},
};
enum { LEVELS = 6 };

static bool apply(struct parser *s, enum op op, uint64_t *a, uint64_t b)
{
    if ((op == OP_DIV || op == OP_MOD) && b == 0) {
        return fail(s->error, "division by zero");
    }
    switch (op) {
    case OP_OR: *a |= b; break;
    case OP_XOR: *a ^= b; break;
    case OP_AND: *a &= b; break;
    case OP_SHL: *a = b < 64 ? *a << b : 0; break;
    case OP_SHR: *a = b < 64 ? *a >> b : 0; break;
    case OP_ADD: *a += b; break;
    case OP_SUB: *a -= b; break;
    case OP_MUL: *a *= b; break;
    case OP_DIV: *a /= b; break;
    case OP_MOD: *a %= b; break;
    }
    return true;
}

/* The operator at p if it is of this level, or -1. */
static int op_at(const char *p, unsigned level)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        if (ops[i].level == level &&
            strncmp(p, ops[i].text, strlen(ops[i].text)) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static bool parse_binary(struct parser *s, unsigned level, uint64_t *value)
{
    int op;

    skip_spaces(s);
    if (level == LEVELS) {
        return parse_unary(s, value);
    }
    if (!parse_binary(s, level + 1, value)) {
        return false;
    }
    while ((op = op_at(s->p, level)) >= 0) {
        uint64_t right;

        s->p += strlen(ops[op].text);
        if (!parse_binary(s, level + 1, &right) ||
            !apply(s, (enum op)op, value, right)) {
            return false;
        }
    }
    return true;
}

bool hmp_expr(const char **text, const struct hmp_registers *regs,
              uint64_t *value, GError **error)
{
    struct parser s = {.p = *text, .regs = regs, .error = error};
    bool ok = parse_binary(&s, 0, value);

    *text = s.p;
    return ok;
}
