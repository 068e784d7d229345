/* SPDX-License-Identifier: MIT */
#include "target/x86/dump.h"

#include "base/log.h"
#include "target/x86/access.h"
#include "target/x86/decode.h"
#include "target/x86/flags.h"
#include "target/x86/mmu.h"

#define LLX "%016" G_GINT64_MODIFIER "x"

static void dump_gpr64(const struct x86_cpu *cpu, GString *out)
{
    static const char *const name[] = {"RAX", "RBX", "RCX", "RDX",
                                       "RSI", "RDI", "RBP", "RSP"};
    static const char *const high[] = {"R8 ", "R9 ", "R10", "R11",
                                       "R12", "R13", "R14", "R15"};
    static const uint8_t order[] = {0, 3, 1, 2, 6, 7, 5, 4};

    for (unsigned i = 0; i < 16; i++) {
        uint64_t v = cpu->gpr[i < 8 ? order[i] : i];

        if (i < 8) {
            g_string_append_printf(out, "%s=" LLX, name[i], v);
        } else {
            g_string_append_printf(out, "%s=" LLX, high[i - 8], v);
        }
        g_string_append_c(out, i % 4 == 3 ? '\n' : ' ');
    }
}

static void dump_gpr32(const struct x86_cpu *cpu, GString *out)
{
    static const char *const name[] = {"EAX", "EBX", "ECX", "EDX",
                                       "ESI", "EDI", "EBP", "ESP"};
    static const uint8_t order[] = {0, 3, 1, 2, 6, 7, 5, 4};

    for (unsigned i = 0; i < 8; i++) {
        g_string_append_printf(out, "%s=%08x%c", name[i],
                               (uint32_t)cpu->gpr[order[i]],
                               i % 4 == 3 ? '\n' : ' ');
    }
}

static void dump_flags(const struct x86_cpu *cpu, GString *out)
{
    static const struct {
        char name;
        uint32_t bit;
    } bits[] = {{'D', X86_DF}, {'O', X86_OF}, {'S', X86_SF}, {'Z', X86_ZF},
                {'A', X86_AF}, {'P', X86_PF}, {'C', X86_CF}};
    uint64_t f = x86_get_rflags(cpu);

    if (cpu->code64) {
        g_string_append_printf(out, "RIP=" LLX " RFL=%08x [", cpu->rip,
                               (uint32_t)f);
    } else {
        g_string_append_printf(out, "EIP=%08x EFL=%08x [", (uint32_t)cpu->rip,
                               (uint32_t)f);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        g_string_append_c(out, f & bits[i].bit ? bits[i].name : '-');
    }
    g_string_append_printf(
        out, "] CPL=%u II=%u A20=%u SMM=%u HLT=%u\n", cpu->cpl,
        !!(cpu->shadow & (X86_SHADOW_STI | X86_SHADOW_MOVSS)), cpu->a20,
        cpu->in_smm, cpu->halted);
}

static void dump_base(const struct x86_cpu *cpu, GString *out, uint64_t base)
{
    if (cpu->code64) {
        g_string_append_printf(out, LLX, base);
    } else {
        g_string_append_printf(out, "%08x", (uint32_t)base);
    }
}

static void dump_kind(const struct x86_cpu *cpu, GString *out,
                      const struct x86_seg *s)
{
    uint32_t a = s->attr;
    bool code = a & X86_SEG_CODE;

    if (!(a & X86_SEG_P) || a & X86_SEG_UNUSABLE || !(a & X86_SEG_S)) {
        return;
    }
    g_string_append_printf(out, " DPL=%u %s%s [%c%c%c]",
                           (a & X86_SEG_DPL) >> X86_SEG_DPL_SHIFT,
                           code ? "CS" : "DS",
                           code ? (x86_long_mode(cpu) && a & X86_SEG_L ? "64"
                                   : a & X86_SEG_DB                    ? "32"
                                                                       : "16")
                                : "  ",
                           a & X86_SEG_EXPAND ? (code ? 'C' : 'E') : '-',
                           a & X86_SEG_WRITABLE ? (code ? 'R' : 'W') : '-',
                           a & X86_SEG_ACCESSED ? 'A' : '-');
}

static void dump_segments(const struct x86_cpu *cpu, GString *out)
{
    static const char *const name[] = {"ES", "CS", "SS",  "DS",
                                       "FS", "GS", "LDT", "TR"};

    for (unsigned i = 0; i < X86_SREGS; i++) {
        const struct x86_seg *s = &cpu->seg[i];

        g_string_append_printf(out, "%-3s=%04x ", name[i], s->selector);
        dump_base(cpu, out, s->base);
        g_string_append_printf(out, " %08x %08x", s->limit,
                               (s->attr & 0xffff) << 8);
        dump_kind(cpu, out, s);
        g_string_append_c(out, '\n');
    }
    g_string_append(out, "GDT=     ");
    dump_base(cpu, out, cpu->gdt.base);
    g_string_append_printf(out, " %08x\nIDT=     ", cpu->gdt.limit);
    dump_base(cpu, out, cpu->idt.base);
    g_string_append_printf(out, " %08x\n", cpu->idt.limit);
}

static void dump_fpu(const struct x86_cpu *cpu, GString *out)
{
    const struct x86_fpu *f = &cpu->fpu;

    g_string_append_printf(
        out, "FCW=%04x FSW=%04x [ST=%d] FTW=%02x MXCSR=%08x\n", f->fcw, f->fsw,
        f->fsw >> 11 & 7, (uint8_t)~f->empty, f->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        g_string_append_printf(out, "FPR%u=" LLX " %04x%c", i,
                               f->reg[i].mantissa, f->reg[i].sign_exp,
                               i & 1 ? '\n' : ' ');
    }
    for (unsigned i = 0; i < (cpu->code64 ? 16U : 8U); i++) {
        g_string_append_printf(out, "XMM%02u=" LLX " " LLX "%c", i,
                               cpu->zmm[i].u64[1], cpu->zmm[i].u64[0],
                               i & 1 ? '\n' : ' ');
    }
}

void x86_dump_state(struct x86_cpu *cpu, GString *out)
{
    if (cpu->code64) {
        dump_gpr64(cpu, out);
    } else {
        dump_gpr32(cpu, out);
    }
    dump_flags(cpu, out);
    dump_segments(cpu, out);
    g_string_append_printf(out, "CR0=%08x CR2=" LLX " CR3=" LLX " CR4=%08x\n",
                           (uint32_t)cpu->cr0, cpu->cr2, cpu->cr3,
                           (uint32_t)cpu->cr4);
    for (unsigned i = 0; i < 4; i++) {
        g_string_append_printf(out, "DR%u=" LLX "%c", i, cpu->dr[i],
                               i == 3 ? '\n' : ' ');
    }
    g_string_append_printf(out, "DR6=" LLX " DR7=" LLX "\nEFER=" LLX "\n",
                           cpu->dr[6], cpu->dr[7], cpu->msr.efer);
    dump_fpu(cpu, out);
}

/* ---- page tables ---- */

typedef void visit_fn(void *to, uint64_t lin, const struct x86_walk *w);

/* Calls fn for each page that is mapped, in order of addresses; fn says by
 * *left when it has seen enough. Steps over what is not mapped in the largest
 * strides that the paging mode has. */
static void visit_half(struct x86_cpu *cpu, uint64_t first, uint64_t last,
                       visit_fn *fn, void *to, const unsigned *left)
{
    uint64_t lin = first;

    while (*left && lin <= last) {
        struct x86_walk w;
        uint32_t error;
        uint64_t next;

        if (x86_walk(cpu, lin, X86_READ, X86_TLB_SUP, true, &w, &error)) {
            fn(to, lin, &w);
            next = lin + w.size;
        } else {
            next = lin + x86_walk_hole(cpu, lin);
        }
        if (next <= lin) {
            return;
        }
        lin = next;
    }
}

static void visit(struct x86_cpu *cpu, visit_fn *fn, void *to,
                  const unsigned *left)
{
    uint64_t half =
        cpu->cr4 & X86_CR4_LA57 ? UINT64_C(1) << 56 : UINT64_C(1) << 47;

    if (!(cpu->cr0 & X86_CR0_PG)) {
        return;
    }
    if (!x86_long_mode(cpu)) {
        visit_half(cpu, 0, 0xffffffff, fn, to, left);
        return;
    }
    visit_half(cpu, 0, half - 1, fn, to, left);
    visit_half(cpu, -half, ~UINT64_C(0), fn, to, left);
}

struct listing {
    GString *out;
    unsigned left;
    uint64_t first, end; /* of the run */
    unsigned rights;
};

static void list_page(void *to, uint64_t lin, const struct x86_walk *w)
{
    static const struct {
        char name;
        uint64_t bit;
    } bits[] = {{'X', BIT(63)}, {'G', BIT(8)}, {'P', BIT(7)},
                {'D', BIT(6)},  {'A', BIT(5)}, {'C', BIT(4)},
                {'T', BIT(3)},  {'U', BIT(2)}, {'W', BIT(1)}};
    struct listing *l = to;

    g_string_append_printf(l->out, LLX ": " LLX " ", lin, w->phys);
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        bool on =
            bits[i].name == 'P' ? w->size > 4096 : !!(w->leaf & bits[i].bit);

        g_string_append_c(l->out, on ? bits[i].name : '-');
    }
    g_string_append_c(l->out, '\n');
    l->left--;
}

static void end_run(struct listing *l)
{
    if (l->end != l->first) {
        g_string_append_printf(l->out, LLX "-" LLX " " LLX " %cr%c\n", l->first,
                               l->end, l->end - l->first,
                               l->rights & 1 ? 'u' : '-',
                               l->rights & 2 ? 'w' : '-');
        l->left -= l->left > 0;
    }
}

static void list_run(void *to, uint64_t lin, const struct x86_walk *w)
{
    struct listing *l = to;
    unsigned rights = (w->user ? 1U : 0U) | (w->writable ? 2U : 0U);

    if (lin != l->end || rights != l->rights || l->first == l->end) {
        end_run(l);
        l->first = lin;
        l->rights = rights;
    }
    l->end = lin + w->size;
}

void x86_dump_tlb(struct x86_cpu *cpu, GString *out, unsigned lines)
{
    struct listing l = {.out = out, .left = lines};

    visit(cpu, list_page, &l, &l.left);
}

void x86_dump_mem(struct x86_cpu *cpu, GString *out, unsigned lines)
{
    struct listing l = {.out = out, .left = lines};

    visit(cpu, list_run, &l, &l.left);
    end_run(&l);
}

/* ---- code, autopsy ---- */

static bool peek(struct x86_cpu *cpu, uint64_t lin, uint8_t *byte)
{
    uint64_t phys;

    if (!x86_translate_debug(cpu, lin & cpu->lin_mask, &phys)) {
        return false;
    }
    *byte = (uint8_t)x86_phys_ld(cpu, phys, 1);
    return true;
}

static unsigned peek_code(struct x86_cpu *cpu, uint64_t rip, uint8_t *buf,
                          unsigned len)
{
    uint64_t base = cpu->code64 ? 0 : cpu->seg[X86_CS].base;
    unsigned n = 0;

    while (n < len && peek(cpu, base + rip + n, &buf[n])) {
        n++;
    }
    return n;
}

void x86_dump_code(struct x86_cpu *cpu, uint64_t rip, unsigned count,
                   GString *out)
{
    struct x86_decode_mode mode = {
        .code64 = cpu->code64,
        .code32 = cpu->code32,
        .real = !x86_protected(cpu),
    };

    while (count--) {
        uint8_t buf[X86_MAX_INSN];
        unsigned n = peek_code(cpu, rip, buf, sizeof(buf));
        struct x86_insn insn;
        char text[128];

        if (n == 0 || x86_decode(&insn, buf, n, mode) != X86_DECODE_OK) {
            g_string_append_printf(out, LLX ":  (bad)\n", rip);
            return;
        }
        x86_disasm(&insn, rip, text, sizeof(text));
        g_string_append_printf(out, LLX ":  %s\n", rip, text);
        rip += insn.len;
    }
}

static void describe_gate(struct x86_cpu *cpu, unsigned vector, GString *out)
{
    unsigned size = x86_real_mode(cpu) ? 4 : x86_long_mode(cpu) ? 16 : 8;
    uint64_t at = cpu->idt.base + vector * size;

    g_string_append_printf(out, "IDT entry %#x:", vector);
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte;

        if (!peek(cpu, at + i, &byte)) {
            g_string_append(out, " (not mapped)");
            break;
        }
        g_string_append_printf(out, " %02x", byte);
    }
    g_string_append_c(out, '\n');
}

static void describe_address(struct x86_cpu *cpu, const char *what,
                             uint64_t lin, GString *out)
{
    struct x86_walk w;
    uint32_t error;

    if (x86_walk(cpu, lin & cpu->lin_mask, X86_READ, X86_TLB_SUP, true, &w,
                 &error)) {
        g_string_append_printf(
            out, "%s " LLX " is at physical " LLX ", entry " LLX "%s%s%s\n",
            what, lin, w.phys | (lin & 0xfff), w.leaf, w.user ? " user" : "",
            w.writable ? " writable" : "", w.nx ? " nx" : "");
    } else {
        g_string_append_printf(out, "%s " LLX " is not mapped (error %x)\n",
                               what, lin, error);
    }
}

void x86_autopsy(struct x86_cpu *cpu)
{
    g_autoptr(GString) out = g_string_new(NULL);

    g_string_append_printf(out, "CPU %u: triple fault; state:\n", cpu->index);
    x86_dump_state(cpu, out);
    describe_gate(cpu, X86_EXC_DF, out);
    describe_gate(cpu, X86_EXC_PF, out);
    describe_gate(cpu, X86_EXC_GP, out);
    describe_address(cpu, "RIP", cpu->seg[X86_CS].base + cpu->rip, out);
    describe_address(cpu, "stack", cpu->gpr[X86_RSP], out);
    describe_address(cpu, "CR2", cpu->cr2, out);
    describe_address(cpu, "IDT", cpu->idt.base, out);
    describe_address(cpu, "GDT", cpu->gdt.base, out);
    x86_dump_code(cpu, cpu->rip, 4, out);
    log_guest("%s", out->str);
}
