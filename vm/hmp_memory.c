/* SPDX-License-Identifier: MIT */
/* Monitor commands that look at memory and ports. */
#include <ctype.h>
#include <string.h>

#include "target/x86/decode.h"
#include "target/x86/mmu.h"
#include "vm/actions.h"
#include "vm/hmp_commands.h"

#define LLX "%016" G_GINT64_MODIFIER "x"
#define LX  "%" G_GINT64_MODIFIER "x"

static unsigned unit_size(const struct hmp_format *f)
{
    if (f->kind == 'c') {
        return 1;
    }
    return f->size == 'b' ? 1 : f->size == 'h' ? 2 : f->size == 'g' ? 8 : 4;
}

static int64_t sign_extend(uint64_t v, unsigned size)
{
    unsigned shift = 64 - size * 8;

    return (int64_t)(v << shift) >> shift;
}

static void print_char(GString *out, uint8_t c)
{
    static const char escapes[] = "\n\r\t\\'";
    static const char letters[] = "nrt\\'";
    const char *at = c ? strchr(escapes, c) : NULL;

    if (at) {
        g_string_append_printf(out, "'\\%c'", letters[at - escapes]);
    } else if (isprint(c) && c < 0x80) {
        g_string_append_printf(out, "'%c'", c);
    } else {
        g_string_append_printf(out, "'\\x%02x'", c);
    }
}

/* As wide as the widest value of that size, so that columns stand. */
static void print_unit(GString *out, const struct hmp_format *f, uint64_t v)
{
    unsigned size = unit_size(f);
    unsigned bits = size * 8;

    switch (f->kind) {
    case 'o':
        g_string_append_printf(out, "0%0*" G_GINT64_MODIFIER "o",
                               (int)((bits + 2) / 3), v);
        break;
    case 'd':
        g_string_append_printf(out, "%*" G_GINT64_MODIFIER "d",
                               (int)(bits * 10 / 33 + 2), sign_extend(v, size));
        break;
    case 'u':
        g_string_append_printf(out, "%*" G_GINT64_MODIFIER "u",
                               (int)(bits * 10 / 33 + 1), v);
        break;
    case 'c': print_char(out, (uint8_t)v); break;
    default:
        g_string_append_printf(out, "0x%0*" G_GINT64_MODIFIER "x",
                               (int)size * 2, v);
        break;
    }
}

static uint64_t load_unit(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = size; i-- > 0;) {
        v = v << 8 | p[i];
    }
    return v;
}

/* cpu: linear addresses of it; NULL: physical ones. */
static void dump_data(struct hmp_call *c, struct x86_cpu *cpu, uint64_t addr)
{
    unsigned size = unit_size(&c->format);
    unsigned per_line = c->format.kind == 'c' ? 8 : 16 / size;

    for (unsigned i = 0; i < c->format.count; i++) {
        uint8_t buf[8];

        if (i % per_line == 0) {
            g_string_append_printf(c->out, "%s" LLX ":", i ? "\n" : "", addr);
        }
        if (!action_peek(c->vm, cpu, addr, buf, size)) {
            g_string_append_printf(c->out, " Cannot access memory");
            break;
        }
        g_string_append_c(c->out, ' ');
        print_unit(c->out, &c->format, load_unit(buf, size));
        addr += size;
    }
    g_string_append_c(c->out, '\n');
}

/* Up to 15 bytes; fewer where memory ends. */
static size_t fetch(struct hmp_call *c, struct x86_cpu *cpu, uint64_t addr,
                    uint8_t *buf)
{
    size_t n = 0;

    while (n < X86_MAX_INSN && action_peek(c->vm, cpu, addr + n, buf + n, 1)) {
        n++;
    }
    return n;
}

static void dump_code(struct hmp_call *c, struct x86_cpu *cpu, uint64_t addr)
{
    const struct x86_decode_mode mode = {
        .code64 = c->cpu->code64,
        .code32 = c->cpu->code32,
        .real = !x86_protected(c->cpu),
    };

    for (unsigned i = 0; i < c->format.count; i++) {
        uint8_t buf[X86_MAX_INSN];
        size_t n = fetch(c, cpu, addr, buf);
        struct x86_insn insn;
        char text[96] = "(bad)";
        size_t len = 1;

        if (n == 0) {
            g_string_append_printf(c->out, "0x" LLX ":  Cannot access memory\n",
                                   addr);
            return;
        }
        if (x86_decode(&insn, buf, n, mode) == X86_DECODE_OK) {
            x86_disasm(&insn, addr, text, sizeof(text));
            len = insn.len;
        }
        g_string_append_printf(c->out, "0x" LLX ":  ", addr);
        for (size_t k = 0; k < len; k++) {
            g_string_append_printf(c->out, "%02x ", buf[k]);
        }
        g_string_append_printf(c->out, "%*s %s\n",
                               (int)(3 * (MAX(len, 8) - len)), "", text);
        addr += len;
    }
}

static bool dump(struct hmp_call *c, struct x86_cpu *cpu, GError **error)
{
    uint64_t addr = hmp_number(c, "addr", 0);

    if (!c->cpu) {
        return fail(error, "this machine has no CPU");
    }
    if (c->format.kind == 'i') {
        dump_code(c, cpu, addr);
    } else {
        dump_data(c, cpu, addr);
    }
    return true;
}

bool hmp_x(struct hmp_call *c, GError **error)
{
    return dump(c, c->cpu, error);
}

bool hmp_xp(struct hmp_call *c, GError **error)
{
    return dump(c, NULL, error);
}

bool hmp_print_value(struct hmp_call *c, GError **error)
{
    uint64_t v = hmp_number(c, "val", 0);

    switch (c->format.kind) {
    case 'o':
        g_string_append_printf(c->out, "0%" G_GINT64_MODIFIER "o", v);
        break;
    case 'd':
        g_string_append_printf(c->out, "%" G_GINT64_FORMAT, (int64_t)v);
        break;
    case 'u': g_string_append_printf(c->out, "%" G_GUINT64_FORMAT, v); break;
    case 'c': print_char(c->out, (uint8_t)v); break;
    default: g_string_append_printf(c->out, "0x" LX, v); break;
    }
    g_string_append_c(c->out, '\n');
    return true;
}

/* --- ports --- */

static unsigned port_size(const struct hmp_call *c)
{
    return MIN(unit_size(&c->format), 4U);
}

bool hmp_in(struct hmp_call *c, GError **error)
{
    uint64_t port = hmp_number(c, "addr", 0) & 0xffff;
    unsigned size = port_size(c);

    g_string_append_printf(c->out,
                           "port%c[0x%04x] = 0x%0*" G_GINT64_MODIFIER "x\n",
                           "?bw?l"[size], (unsigned)port, (int)size * 2,
                           space_read(&c->vm->machine.ports, port, size));
    return true;
}

bool hmp_out(struct hmp_call *c, GError **error)
{
    space_write(&c->vm->machine.ports, hmp_number(c, "addr", 0) & 0xffff,
                port_size(c), hmp_number(c, "val", 0));
    return true;
}

/* --- memory as a whole --- */

bool hmp_sum(struct hmp_call *c, GError **error)
{
    uint64_t addr = hmp_number(c, "addr", 0);
    uint64_t size = hmp_number(c, "size", 0);
    uint16_t sum = 0;
    uint8_t buf[4096];

    if (size > c->vm->machine.ram_size) {
        return fail(error, "that is more than all memory");
    }
    while (size) {
        size_t n = MIN(size, sizeof(buf));

        action_peek(c->vm, NULL, addr, buf, n);
        for (size_t i = 0; i < n; i++) {
            sum = (uint16_t)((sum >> 1 | sum << 15) + buf[i]);
        }
        addr += n;
        size -= n;
    }
    g_string_append_printf(c->out, "%05d\n", sum);
    return true;
}

bool hmp_gva2gpa(struct hmp_call *c, GError **error)
{
    uint64_t phys;

    if (!c->cpu) {
        return fail(error, "this machine has no CPU");
    }
    if (x86_translate_debug(c->cpu, hmp_number(c, "addr", 0), &phys)) {
        g_string_append_printf(c->out, "gpa: 0x" LX "\n", phys);
    } else {
        g_string_append(c->out, "Unmapped\n");
    }
    return true;
}

bool hmp_gpa2hva(struct hmp_call *c, GError **error)
{
    uint64_t addr = hmp_number(c, "addr", 0);
    uint64_t len = 1;
    void *host = dma_map(&c->vm->machine.memory, addr, &len, false);

    if (!host) {
        return fail(error, "No memory is mapped at address 0x" LX, addr);
    }
    g_string_append_printf(c->out, "Host virtual address for 0x" LX " is %p\n",
                           addr, host);
    return true;
}

static bool save(struct hmp_call *c, struct x86_cpu *cpu, GError **error)
{
    return action_save_memory(c->vm, cpu, hmp_number(c, "addr", 0),
                              hmp_number(c, "size", 0), hmp_text(c, "filename"),
                              error);
}

bool hmp_memsave(struct hmp_call *c, GError **error)
{
    return c->cpu ? save(c, c->cpu, error)
                  : fail(error, "this machine has no CPU");
}

bool hmp_pmemsave(struct hmp_call *c, GError **error)
{
    return save(c, NULL, error);
}
