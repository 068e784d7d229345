/* SPDX-License-Identifier: MIT */
/*
 * MUL IMUL DIV IDIV, and the decimal adjustments.
 */
#include "target/x86/exec.h"

static unsigned size_of(const struct x86_insn *insn)
{
    return row_of(insn)->operand[0] == X86_O_Eb ? 1 : insn->osize;
}

/* Product of two values of `size` in *high:*low, each zero-extended. */
static void multiply(uint64_t a, uint64_t b, unsigned size, uint64_t *low,
                     uint64_t *high)
{
    unsigned __int128 r = (unsigned __int128)a * b;

    *low = (uint64_t)r & size_mask(size);
    *high = (uint64_t)(r >> (8 * size)) & size_mask(size);
}

static void multiply_signed(uint64_t a, uint64_t b, unsigned size,
                            uint64_t *low, uint64_t *high)
{
    __int128 r = (__int128)sign_extend(a, size) * sign_extend(b, size);

    *low = (uint64_t)r & size_mask(size);
    *high = (uint64_t)(r >> (8 * size)) & size_mask(size);
}

/* AX, DX:AX, EDX:EAX, RDX:RAX */
static void set_product(struct x86_cpu *cpu, uint64_t low, uint64_t high,
                        unsigned size)
{
    if (size == 1) {
        set_gpr(cpu, X86_RAX, low | high << 8, 2);
    } else {
        set_gpr(cpu, X86_RAX, low, size);
        set_gpr(cpu, X86_RDX, high, size);
    }
}

HANDLER(mul)
{
    unsigned size = size_of(insn);
    uint64_t b = load_rm(cpu, insn, size);
    uint64_t low;
    uint64_t high;

    multiply(get_gpr(cpu, X86_RAX, size), b, size, &low, &high);
    set_product(cpu, low, high, size);
    flags_result_cf_of(cpu, low, high, high, size);
    X86_NEXT(cpu, insn);
}

/* Does the signed product fit in the low half? */
static bool signed_overflow(uint64_t low, uint64_t high, unsigned size)
{
    return high != (top_bit(low, size) ? size_mask(size) : 0);
}

HANDLER(imul1)
{
    unsigned size = size_of(insn);
    uint64_t b = load_rm(cpu, insn, size);
    uint64_t low;
    uint64_t high;
    bool over;

    multiply_signed(get_gpr(cpu, X86_RAX, size), b, size, &low, &high);
    set_product(cpu, low, high, size);
    over = signed_overflow(low, high, size);
    flags_result_cf_of(cpu, low, over, over, size);
    X86_NEXT(cpu, insn);
}

static always_inline x86_next imul(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, uint64_t a,
                                   uint64_t b, unsigned size)
{
    uint64_t r;
    bool over;

    if (size == 8) {
        int64_t v;

        over = __builtin_mul_overflow((int64_t)a, (int64_t)b, &v);
        r = (uint64_t)v;
    } else {
        int64_t v = sign_extend(a, size) * sign_extend(b, size);

        r = (uint64_t)v;
        over = v != sign_extend(r, size);
    }
    set_reg(cpu, insn, r, size);
    flags_result_cf_of(cpu, r, over, over, size);
    X86_NEXT(cpu, insn);
}

/* clang-format off */
#define IMUL(size) \
    HANDLER(imul2_##size) \
    { \
        return imul(cpu, insn, get_reg(cpu, insn, size), \
                    load_rm(cpu, insn, size), size); \
    } \
    HANDLER(imul3_##size) \
    { return imul(cpu, insn, load_rm(cpu, insn, size), insn->imm, size); }
IMUL(2) IMUL(4) IMUL(8)
    /* clang-format on */

    static x86_exec *pick_imul(const struct x86_insn *insn)
{
    static x86_exec *const two[] = {NULL, imul2_2, imul2_4, imul2_8};
    static x86_exec *const three[] = {NULL, imul3_2, imul3_4, imul3_8};
    const struct x86_row *row = row_of(insn);
    unsigned i = x86_size_index(insn->osize);

    if (row->operand[1] == X86_O___) {
        return imul1;
    }
    return row->operand[2] == X86_O___ ? two[i] : three[i];
}

/* ---- division ---- */

static _Noreturn void divide_error(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    x86_begin(cpu, insn);
    x86_raise(cpu, X86_EXC_DE);
}

static unsigned __int128 dividend(const struct x86_cpu *cpu, unsigned size)
{
    if (size == 1) {
        return (uint16_t)cpu->gpr[X86_RAX];
    }
    return (unsigned __int128)get_gpr(cpu, X86_RDX, size) << (8 * size) |
           get_gpr(cpu, X86_RAX, size);
}

static void set_quotient(struct x86_cpu *cpu, uint64_t q, uint64_t r,
                         unsigned size)
{
    if (size == 1) {
        set_gpr(cpu, X86_RAX, (q & 0xff) | (r & 0xff) << 8, 2);
    } else {
        set_gpr(cpu, X86_RAX, q, size);
        set_gpr(cpu, X86_RDX, r, size);
    }
}

HANDLER(divide)
{
    unsigned size = size_of(insn);
    uint64_t d = load_rm(cpu, insn, size);
    unsigned __int128 n = dividend(cpu, size);
    unsigned __int128 q;

    if (d == 0) {
        divide_error(cpu, insn);
    }
    if (!(n >> 64)) { /* the host's own division will do */
        uint64_t small = (uint64_t)n;

        if (small / d > size_mask(size)) {
            divide_error(cpu, insn);
        }
        set_quotient(cpu, small / d, small % d, size);
        X86_NEXT(cpu, insn);
    }
    q = n / d;
    if (q > size_mask(size)) {
        divide_error(cpu, insn);
    }
    set_quotient(cpu, (uint64_t)q, (uint64_t)(n % d), size);
    X86_NEXT(cpu, insn);
}

HANDLER(idiv)
{
    unsigned size = size_of(insn);
    unsigned shift = 128 - 16 * size;
    __int128 d = sign_extend(load_rm(cpu, insn, size), size);
    __int128 n = (__int128)(dividend(cpu, size) << shift) >> shift;
    __int128 least = (__int128)((unsigned __int128)1 << 127);
    __int128 q;

    if (d == 0 || (n == least && d == -1)) {
        divide_error(cpu, insn);
    }
    if (n == (int64_t)n && n != INT64_MIN) {
        q = (int64_t)n / (int64_t)d;
    } else {
        q = n / d;
    }
    if (q != sign_extend((uint64_t)q, size)) {
        divide_error(cpu, insn);
    }
    set_quotient(cpu, (uint64_t)q, (uint64_t)(n - q * d), size);
    X86_NEXT(cpu, insn);
}

/* ---- decimal ---- */

static void decimal_flags(struct x86_cpu *cpu, uint8_t al, bool af, bool cf)
{
    flags_result_cf_of(cpu, al, cf, false, 1);
    cpu->flags_aux |= (uint64_t)af << X86_AUX_AF;
}

HANDLER(daa)
{
    bool sub = row_of(insn)->mnemonic == X86_DAS;
    uint8_t old = (uint8_t)cpu->gpr[X86_RAX];
    uint8_t al = old;
    bool cf = x86_cf(cpu);
    bool af = (old & 15) > 9 || x86_af(cpu);
    bool carry = false;

    if (af) {
        carry = cf || (sub ? al < 6 : al > 0xf9);
        al = (uint8_t)(sub ? al - 6 : al + 6);
    }
    if (old > 0x99 || cf) {
        al = (uint8_t)(sub ? al - 0x60 : al + 0x60);
        carry = true;
    } else if (!sub) {
        carry = false;
    }
    set_gpr(cpu, X86_RAX, al, 1);
    decimal_flags(cpu, al, af, carry);
    X86_NEXT(cpu, insn);
}

HANDLER(aaa)
{
    bool sub = row_of(insn)->mnemonic == X86_AAS;
    uint16_t ax = (uint16_t)cpu->gpr[X86_RAX];
    bool adjust = (ax & 15) > 9 || x86_af(cpu);

    if (adjust) {
        ax = (uint16_t)(sub ? ax - 0x106 : ax + 0x106);
    }
    ax &= 0xff0f;
    set_gpr(cpu, X86_RAX, ax, 2);
    decimal_flags(cpu, (uint8_t)ax, adjust, adjust);
    X86_NEXT(cpu, insn);
}

HANDLER(aam)
{
    uint8_t al = (uint8_t)cpu->gpr[X86_RAX];
    uint8_t base = (uint8_t)insn->imm;

    if (base == 0) {
        divide_error(cpu, insn);
    }
    set_gpr(cpu, X86_RAX, (uint64_t)(al / base) << 8 | al % base, 2);
    decimal_flags(cpu, al % base, false, false);
    X86_NEXT(cpu, insn);
}

HANDLER(aad)
{
    uint16_t ax = (uint16_t)cpu->gpr[X86_RAX];
    uint8_t al = (uint8_t)((ax & 0xff) + (ax >> 8) * (uint8_t)insn->imm);

    set_gpr(cpu, X86_RAX, al, 2);
    decimal_flags(cpu, al, false, false);
    X86_NEXT(cpu, insn);
}

x86_exec *x86_pick_mul(const struct x86_cpu *cpu, const struct x86_insn *insn)
{
    switch (row_of(insn)->mnemonic) {
    case X86_MUL: return mul;
    case X86_IMUL: return pick_imul(insn);
    case X86_DIV: return divide;
    case X86_IDIV: return idiv;
    case X86_DAA:
    case X86_DAS: return daa;
    case X86_AAA:
    case X86_AAS: return aaa;
    case X86_AAM: return aam;
    case X86_AAD: return aad;
    default: return NULL;
    }
}
