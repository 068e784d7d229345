/* SPDX-License-Identifier: MIT */
/*
 * SHL SHR SAR ROL ROR RCL RCR SHLD SHRD.
 *
 * Flags that the manual leaves undefined are what most processors make of
 * them: AF 0, OF by the formula of a shift by one.
 */
#include "target/x86/exec.h"

enum shift { SHL, SHR, SAR, ROL, ROR, RCL, RCR };

static always_inline uint64_t do_shl(struct x86_cpu *cpu, uint64_t a,
                                     unsigned n, unsigned size)
{
    uint64_t r = a << n;
    bool cf = size == 8 ? a >> (64 - n) & 1 : r >> (8 * size) & 1;

    flags_result_cf_of(cpu, r, cf, cf ^ top_bit(r, size), size);
    return r;
}

static always_inline uint64_t do_shr(struct x86_cpu *cpu, uint64_t a,
                                     unsigned n, unsigned size)
{
    uint64_t r = a >> n;

    flags_result_cf_of(cpu, r, a >> (n - 1) & 1, top_bit(a, size), size);
    return r;
}

static always_inline uint64_t do_sar(struct x86_cpu *cpu, uint64_t a,
                                     unsigned n, unsigned size)
{
    int64_t s = sign_extend(a, size);
    uint64_t r = (uint64_t)(s >> n);

    flags_result_cf_of(cpu, r, s >> (n - 1) & 1, false, size);
    return r;
}

static always_inline uint64_t do_rol(struct x86_cpu *cpu, uint64_t a,
                                     unsigned n, unsigned size)
{
    unsigned bits = 8 * size;
    unsigned k = n % bits;
    uint64_t r = k ? a << k | a >> (bits - k) : a;

    flags_cf_of(cpu, r & 1, (r & 1) ^ top_bit(r, size));
    return r;
}

static always_inline uint64_t do_ror(struct x86_cpu *cpu, uint64_t a,
                                     unsigned n, unsigned size)
{
    unsigned bits = 8 * size;
    unsigned k = n % bits;
    uint64_t r = k ? a >> k | a << (bits - k) : a;

    flags_cf_of(cpu, top_bit(r, size),
                top_bit(r, size) ^ (r >> (bits - 2) & 1));
    return r;
}

/* Rotates bits + 1 bits: CF above the operand. */
static always_inline uint64_t do_rcl(struct x86_cpu *cpu, uint64_t a,
                                     unsigned n, unsigned size)
{
    unsigned bits = 8 * size;
    unsigned k = n % (bits + 1);
    uint64_t cf = x86_cf(cpu);
    uint64_t r = a;

    if (k) {
        r = (k < 64 ? a << k : 0) | cf << (k - 1) |
            (k > 1 ? a >> (bits + 1 - k) : 0);
        cf = a >> (bits - k) & 1;
    }
    flags_cf_of(cpu, cf, cf ^ top_bit(r, size));
    return r;
}

static always_inline uint64_t do_rcr(struct x86_cpu *cpu, uint64_t a,
                                     unsigned n, unsigned size)
{
    unsigned bits = 8 * size;
    unsigned k = n % (bits + 1);
    uint64_t cf = x86_cf(cpu);
    uint64_t r = a;

    if (k) {
        r = (k < 64 ? a >> k : 0) | cf << (bits - k) |
            (k > 1 ? a << (bits + 1 - k) : 0);
        cf = a >> (k - 1) & 1;
    }
    flags_cf_of(cpu, cf, top_bit(r, size) ^ (r >> (bits - 2) & 1));
    return r;
}

static always_inline uint64_t do_shift(struct x86_cpu *cpu, enum shift op,
                                       uint64_t a, unsigned n, unsigned size)
{
    switch (op) {
    case SHL: return do_shl(cpu, a, n, size);
    case SHR: return do_shr(cpu, a, n, size);
    case SAR: return do_sar(cpu, a, n, size);
    case ROL: return do_rol(cpu, a, n, size);
    case ROR: return do_ror(cpu, a, n, size);
    case RCL: return do_rcl(cpu, a, n, size);
    default: return do_rcr(cpu, a, n, size);
    }
}

static always_inline unsigned count_of(const struct x86_cpu *cpu,
                                       const struct x86_insn *insn, bool cl,
                                       unsigned size)
{
    unsigned n = (unsigned)(cl ? cpu->gpr[X86_RCX] : insn->imm);

    return n & (size == 8 ? 63 : 31);
}

static always_inline x86_next shift_reg(struct x86_cpu *cpu,
                                        const struct x86_insn *insn,
                                        enum shift op, unsigned size, bool cl)
{
    unsigned n = count_of(cpu, insn, cl, size);
    uint64_t a = get_rm(cpu, insn, size);

    if (n) {
        set_rm(cpu, insn, do_shift(cpu, op, a, n, size), size);
    } else if (size == 4) {
        set_rm(cpu, insn, a, size);
    }
    X86_NEXT(cpu, insn);
}

static always_inline x86_next shift_mem(struct x86_cpu *cpu,
                                        const struct x86_insn *insn,
                                        enum shift op, unsigned size)
{
    bool cl = row_of(insn)->operand[1] == X86_O_rCL;
    unsigned n = count_of(cpu, insn, cl, size);
    uint64_t ea = x86_ea(cpu, insn);
    uint8_t *p = x86_hit_wr(cpu, insn->seg, ea, size);
    uint64_t a;

    if (!p) {
        x86_probe_st(cpu, insn, insn->seg, ea, size);
    }
    a = p ? host_ld(p, size) : x86_ldn(cpu, insn, insn->seg, ea, size);
    if (n) {
        a = do_shift(cpu, op, a, n, size);
        if (p) {
            host_st(p, a, size);
        } else {
            x86_stn(cpu, insn, insn->seg, ea, a, size);
        }
    }
    X86_NEXT(cpu, insn);
}

/* clang-format off */
#define SHIFT_SIZE(op, size) \
    HANDLER(op##_i##size) { return shift_reg(cpu, insn, op, size, false); } \
    HANDLER(op##_c##size) { return shift_reg(cpu, insn, op, size, true); } \
    HANDLER(op##_m##size) { return shift_mem(cpu, insn, op, size); }
#define SHIFT(op) SHIFT_SIZE(op, 1) SHIFT_SIZE(op, 2) SHIFT_SIZE(op, 4) \
    SHIFT_SIZE(op, 8)
SHIFT(SHL) SHIFT(SHR) SHIFT(SAR) SHIFT(ROL) SHIFT(ROR) SHIFT(RCL) SHIFT(RCR)

#define BY_SIZE(name) {name##1, name##2, name##4, name##8}
#define FORMS(op) [op] = {BY_SIZE(op##_i), BY_SIZE(op##_c), BY_SIZE(op##_m)}
static const struct {
    x86_exec *i[4], *c[4], *m[4];
} shift_forms[] = {FORMS(SHL), FORMS(SHR), FORMS(SAR), FORMS(ROL), FORMS(ROR),
                   FORMS(RCL), FORMS(RCR)};
/* clang-format on */

/* ---- double shifts ---- */

static uint64_t double_shift(struct x86_cpu *cpu, bool left, uint64_t a,
                             uint64_t b, unsigned n, unsigned size)
{
    unsigned bits = 8 * size;
    uint64_t r;
    bool cf;

    if (n > bits) { /* 16-bit with a count over 16: undefined, bits repeat */
        uint64_t t = a;

        n -= bits;
        a = b;
        b = t;
    }
    if (left) {
        r = n == bits ? b : a << n | b >> (bits - n);
        cf = a >> (bits - n) & 1;
    } else {
        r = n == bits ? b : a >> n | b << (bits - n);
        cf = a >> (n - 1) & 1;
    }
    flags_result_cf_of(cpu, r, cf, top_bit(r, size) ^ top_bit(a, size), size);
    return r;
}

HANDLER(shld)
{
    const struct x86_row *row = row_of(insn);
    unsigned size = insn->osize;
    unsigned n = count_of(cpu, insn, row->operand[2] == X86_O_rCL, size);
    uint64_t a;

    probe_rm(cpu, insn, size);
    a = load_rm(cpu, insn, size);
    if (n) {
        a = double_shift(cpu, row->mnemonic == X86_SHLD, a,
                         get_reg(cpu, insn, size), n, size);
        store_rm(cpu, insn, a, size);
    } else if (size == 4 && !(insn->flags & X86_I_MEM)) {
        set_rm(cpu, insn, a, 4);
    }
    X86_NEXT(cpu, insn);
}

static int shift_of(unsigned mnemonic)
{
    switch (mnemonic) {
    case X86_SHL: return SHL;
    case X86_SHR: return SHR;
    case X86_SAR: return SAR;
    case X86_ROL: return ROL;
    case X86_ROR: return ROR;
    case X86_RCL: return RCL;
    case X86_RCR: return RCR;
    default: return -1;
    }
}

x86_exec *x86_pick_shift(const struct x86_cpu *cpu, const struct x86_insn *insn)
{
    const struct x86_row *row = row_of(insn);
    int op = shift_of(row->mnemonic);
    unsigned i = row->operand[0] == X86_O_Eb ? 0 : x86_size_index(insn->osize);

    if (op >= 0) {
        return insn->flags & X86_I_MEM        ? shift_forms[op].m[i]
               : row->operand[1] == X86_O_rCL ? shift_forms[op].c[i]
                                              : shift_forms[op].i[i];
    }
    switch (row->mnemonic) {
    case X86_SHLD:
    case X86_SHRD: return shld;
    default: return NULL;
    }
}
