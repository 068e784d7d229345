/* SPDX-License-Identifier: MIT */
/*
 * A decoded instruction as text, in Intel's notation as NASM writes it. All
 * of it comes from the row and its operand kinds.
 *
 * Not modelled: operands that a row does not name (MUL's rAX, say) are not
 * shown, and prefixes without effect neither.
 */
#include <glib.h>
#include <stdarg.h>

#include "target/x86/cpu.h"
#include "target/x86/opcodes.h"

struct text {
    char *p;
    size_t left; /* with the final 0 */
};

static void PRINTF_LIKE(2, 3) put(struct text *t, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = g_vsnprintf(t->p, t->left, format, args);
    va_end(args);
    if (n > 0) {
        size_t done = MIN((size_t)n, t->left - 1);

        t->p += done;
        t->left -= done;
    }
}

static const char *const segments[] = {"es", "cs", "ss", "ds", "fs", "gs"};

static void put_gpr(struct text *t, unsigned n, unsigned size, bool rex)
{
    static const char *const names[8] = {"ax", "cx", "dx", "bx",
                                         "sp", "bp", "si", "di"};
    static const char *const bytes[8] = {"al", "cl", "dl", "bl",
                                         "ah", "ch", "dh", "bh"};

    if (n >= 8) {
        put(t, "r%u%s", n,
            size == 1   ? "b"
            : size == 2 ? "w"
            : size == 4 ? "d"
                        : "");
    } else if (size == 1) {
        put(t, n >= 4 && rex ? "%sl" : "%s",
            n >= 4 && rex ? names[n] : bytes[n]);
    } else {
        put(t, "%s%s", size == 4 ? "e" : size == 8 ? "r" : "", names[n]);
    }
}

static const char *size_name(unsigned size)
{
    switch (size) {
    case 1: return "byte ";
    case 2: return "word ";
    case 4: return "dword ";
    case 8: return "qword ";
    case 10: return "tword ";
    case 16: return "oword ";
    case 32: return "yword ";
    default: return "";
    }
}

static void put_hex(struct text *t, int64_t value, bool plus)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

    put(t, "%s0x%" G_GINT64_MODIFIER "x",
        value < 0 ? "-"
        : plus    ? "+"
                  : "",
        magnitude);
}

static void put_mem(struct text *t, const struct x86_insn *insn, uint64_t next,
                    enum x86_class class)
{
    bool plus = false;
    bool wide_index = (insn->flags & X86_I_L) &&
                      x86_insn_row(insn)->operand[1] != X86_O_vm32q;

    put(t, "[");
    if (insn->flags & X86_I_SEG) {
        put(t, "%s:", segments[insn->seg]);
    }
    if (class == X86_C_MOFF) {
        put_hex(t, (int64_t)insn->imm, false);
    } else if (insn->base == X86_BASE_RIP) {
        put_hex(t, (int64_t)(next + (uint64_t)(int64_t)insn->disp), false);
    } else {
        if (insn->base != X86_NO_REG) {
            put_gpr(t, insn->base, insn->asize, false);
            plus = true;
        }
        if (insn->index != X86_NO_REG) {
            put(t, plus ? "+" : "");
            if (class == X86_C_VSIB) {
                put(t, "%cmm%u", wide_index ? 'y' : 'x', insn->index);
            } else {
                put_gpr(t, insn->index, insn->asize, false);
            }
            put(t, "*%u", 1U << insn->scale);
            plus = true;
        }
        if (insn->disp != 0 || !plus) {
            put_hex(t, insn->disp, plus);
        }
    }
    put(t, "]");
}

static void put_string(struct text *t, const struct x86_insn *insn,
                       enum x86_class class)
{
    bool src = class == X86_C_SRC;

    put(t, "[%s:", segments[src ? insn->seg : X86_ES]);
    put_gpr(t, src ? X86_RSI : X86_RDI, insn->asize, false);
    put(t, "]");
}

static void put_imm(struct text *t, const struct x86_insn *insn,
                    enum x86_class class, unsigned size, uint64_t next)
{
    uint64_t mask = insn->osize == 8 ? UINT64_MAX : BIT(8 * insn->osize) - 1;

    switch (class) {
    case X86_C_IMM:
        put_hex(t, (int64_t)(size == 2 ? insn->imm & 0xffff : insn->imm),
                false);
        break;
    case X86_C_IMM2: put_hex(t, (int64_t)(insn->imm >> 16), false); break;
    case X86_C_FAR:
        put(t, "0x%x:0x%x", (unsigned)(insn->imm >> 32), (unsigned)insn->imm);
        break;
    case X86_C_REL:
        put_hex(t, (int64_t)((next + insn->imm) & mask), false);
        break;
    default: put_hex(t, (int64_t)insn->imm, false); break;
    }
}

/* Registers that are not general ones: how they are called, and which. */
static bool put_other_register(struct text *t, const struct x86_insn *insn,
                               enum x86_class class, unsigned size)
{
    char v = size == 32 ? 'y' : 'x';

    switch (class) {
    case X86_C_SREG: put(t, "%s", segments[insn->reg]); break;
    case X86_C_CREG: put(t, "cr%u", insn->reg); break;
    case X86_C_DREG: put(t, "dr%u", insn->reg); break;
    case X86_C_MMX: put(t, "mm%u", insn->reg); break;
    case X86_C_MMXRM:
    case X86_C_MMXRMR: put(t, "mm%u", insn->rm); break;
    case X86_C_VEC: put(t, "%cmm%u", v, insn->reg); break;
    case X86_C_VECRM:
    case X86_C_VECRMR: put(t, "%cmm%u", v, insn->rm); break;
    case X86_C_VECV: put(t, "%cmm%u", v, insn->vvvv); break;
    case X86_C_VECI: put(t, "%cmm%u", v, (unsigned)insn->imm >> 4); break;
    case X86_C_VECX: put(t, "xmm0"); break;
    case X86_C_ST0: put(t, "st0"); break;
    case X86_C_STI: put(t, "st%u", insn->rm); break;
    case X86_C_ES:
    case X86_C_CS:
    case X86_C_SS:
    case X86_C_DS:
    case X86_C_FS:
    case X86_C_GS: put(t, "%s", segments[class - X86_C_ES]); break;
    default: return false;
    }
    return true;
}

static void put_operand(struct text *t, const struct x86_insn *insn, unsigned i,
                        uint64_t next)
{
    enum x86_class class =
        x86_operand_kinds[x86_insn_row(insn)->operand[i]].class;
    unsigned size = x86_operand_size(insn, i);
    bool rex = insn->flags & X86_I_REX;

    switch (class) {
    case X86_C_RM:
    case X86_C_MEM:
    case X86_C_MMXRM:
    case X86_C_VECRM:
    case X86_C_VSIB:
    case X86_C_MOFF:
        if (insn->flags & X86_I_MEM) {
            put(t, "%s", size_name(size));
            put_mem(t, insn, next, class);
            return;
        }
        break;
    case X86_C_SRC:
    case X86_C_DST: put_string(t, insn, class); return;
    default: break;
    }
    if (put_other_register(t, insn, class, size)) {
        return;
    }
    switch (class) {
    case X86_C_REG: put_gpr(t, insn->reg, size, rex); break;
    case X86_C_RM:
    case X86_C_RMR:
    case X86_C_OPC: put_gpr(t, insn->rm, size, rex); break;
    case X86_C_VVVV: put_gpr(t, insn->vvvv, size, rex); break;
    case X86_C_RAX: put_gpr(t, X86_RAX, size, rex); break;
    case X86_C_RCX: put_gpr(t, X86_RCX, size, rex); break;
    case X86_C_RDX: put_gpr(t, X86_RDX, size, rex); break;
    default: put_imm(t, insn, class, size, next); break;
    }
}

/* Mnemonics whose name tells the operand or address size. */
static const char *sized_name(const struct x86_insn *insn)
{
    static const struct {
        enum x86_mnemonic mnemonic;
        const char *names[3]; /* for 2, 4, 8 bytes */
    } sized[] = {
        {X86_CBW, {"cbw", "cwde", "cdqe"}},
        {X86_CWD, {"cwd", "cdq", "cqo"}},
        {X86_IRET, {"iret", "iretd", "iretq"}},
        {X86_PUSHA, {"pusha", "pushad", ""}},
        {X86_POPA, {"popa", "popad", ""}},
        {X86_PUSHF, {"pushf", "pushfd", "pushfq"}},
        {X86_POPF, {"popf", "popfd", "popfq"}},
        {X86_JCXZ, {"jcxz", "jecxz", "jrcxz"}},
    };
    enum x86_mnemonic mnemonic = x86_insn_row(insn)->mnemonic;

    for (size_t i = 0; i < ARRAY_SIZE(sized); i++) {
        if (sized[i].mnemonic == mnemonic) {
            unsigned size = mnemonic == X86_JCXZ ? insn->asize : insn->osize;

            return sized[i].names[size / 4];
        }
    }
    return NULL;
}

static void put_mnemonic(struct text *t, const struct x86_insn *insn)
{
    static const char *const conditions[16] = {
        "o", "no", "b", "ae", "e", "ne", "be", "a",
        "s", "ns", "p", "np", "l", "ge", "le", "g"};
    static const char *const fcmov[8] = {"b",  "e",  "be",  "u",
                                         "nb", "ne", "nbe", "nu"};
    const struct x86_row *row = x86_insn_row(insn);
    const char *name = sized_name(insn);
    char lower[24];
    unsigned size;
    size_t n;

    if (name) {
        put(t, "%s", name);
        return;
    }
    name = x86_mnemonic_name(row->mnemonic);
    for (n = 0; name[n] && n < sizeof(lower) - 1; n++) {
        lower[n] = g_ascii_tolower(name[n]);
    }
    if (name[n - 1] == 'c' && name[n - 2] == 'c') {
        n -= 2;
        name = row->mnemonic == X86_FCMOVcc
                   ? fcmov[(insn->reg & 3) | (insn->opcode & 1) << 2]
                   : conditions[insn->opcode & 15];
    } else {
        name = "";
    }
    put(t, "%.*s%s", (int)n, lower, name);
    if (row->attrs & X86_A_REP) { /* OUTS has its string second */
        size = x86_operand_size(insn, row->mnemonic == X86_OUTS);
        put(t, "%s", size == 1 ? "b" : size == 2 ? "w" : size == 4 ? "d" : "q");
    }
}

void x86_disasm(const struct x86_insn *insn, uint64_t pc, char *buf,
                size_t size)
{
    const struct x86_row *row = x86_insn_row(insn);
    struct text t = {buf, size};

    if (size == 0) {
        return;
    }
    *buf = 0;
    if (insn->row == 0) {
        put(&t, "(bad)");
        return;
    }
    if (insn->flags & X86_I_LOCK) {
        put(&t, "lock ");
    }
    if (row->attrs & X86_A_REP) {
        bool compares = row->flags_write;

        put(&t, "%s",
            insn->flags & X86_I_REPNE    ? "repne "
            : !(insn->flags & X86_I_REP) ? ""
            : compares                   ? "repe "
                                         : "rep ");
    }
    put_mnemonic(&t, insn);
    for (unsigned i = 0; i < 4 && row->operand[i] != X86_O___; i++) {
        put(&t, i ? ", " : " ");
        put_operand(&t, insn, i, pc + insn->len);
    }
}
