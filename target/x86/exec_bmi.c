/* SPDX-License-Identifier: MIT */
/*
 * Bit manipulation in general registers: BMI1, BMI2, ADX, LZCNT, TZCNT,
 * POPCNT, MOVBE. [SDM] vol. 2.
 */
#include "target/x86/exec_sse.h"
#include "target/x86/model.h"

static always_inline unsigned bits(const struct x86_insn *insn)
{
    return 8 * insn->osize;
}

static always_inline uint64_t cut(const struct x86_insn *insn, uint64_t v)
{
    return insn->osize == 8 ? v : insn->osize == 4 ? (uint32_t)v : (uint16_t)v;
}

/* The E operand, zero-extended. */
static always_inline uint64_t source(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    if (insn->flags & X86_I_MEM)
        return x86_ldn(cpu, insn, insn->seg, x86_ea(cpu, insn), insn->osize);
    return cut(insn, cpu->gpr[insn->rm]);
}

/* A 16-bit result leaves the rest of the register alone. */
static always_inline void put(struct x86_cpu *cpu, const struct x86_insn *insn,
                              unsigned reg, uint64_t v)
{
    if (insn->osize == 2)
        v = (cpu->gpr[reg] & ~UINT64_C(0xffff)) | (uint16_t)v;
    cpu->gpr[reg] = insn->osize == 4 ? (uint32_t)v : v;
}

/* SF and ZF of `v`, CF; the others zero. */
static always_inline void set_flags(struct x86_cpu *cpu,
                                    const struct x86_insn *insn, uint64_t v,
                                    bool carry)
{
    x86_set_arith_flags(cpu, (cut(insn, v) ? 0U : X86_ZF) |
                                 (v >> (bits(insn) - 1) & 1 ? X86_SF : 0U) |
                                 (carry ? X86_CF : 0U));
}

static const struct x86_insn *andn(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t v = cut(insn, ~cpu->gpr[insn->vvvv]) & source(cpu, insn);

    put(cpu, insn, insn->reg, v);
    set_flags(cpu, insn, v, false);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *bextr(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    uint64_t v = source(cpu, insn), ctl = cpu->gpr[insn->vvvv];
    unsigned start = ctl & 0xff, len = ctl >> 8 & 0xff;

    v = start < 64 ? v >> start : 0;
    if (len < 64)
        v &= BIT(len) - 1;
    put(cpu, insn, insn->reg, v);
    set_flags(cpu, insn, v, false);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *blsr(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t s = source(cpu, insn), v = s & (s - 1);

    put(cpu, insn, insn->vvvv, v);
    set_flags(cpu, insn, v, s == 0);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *blsmsk(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    uint64_t s = source(cpu, insn), v = cut(insn, s ^ (s - 1));

    put(cpu, insn, insn->vvvv, v);
    set_flags(cpu, insn, v, s == 0);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *blsi(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t s = source(cpu, insn), v = s & (0 - s);

    put(cpu, insn, insn->vvvv, v);
    set_flags(cpu, insn, v, s != 0);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *bzhi(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t v = source(cpu, insn);
    unsigned from = cpu->gpr[insn->vvvv] & 0xff;

    if (from < bits(insn))
        v &= BIT(from) - 1;
    put(cpu, insn, insn->reg, v);
    set_flags(cpu, insn, v, from >= bits(insn));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *mulx(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t a = source(cpu, insn), b = cut(insn, cpu->gpr[X86_RDX]);
    uint64_t lo, hi;

    if (insn->osize == 8) {
        unsigned __int128 p = (unsigned __int128)a * b;

        lo = (uint64_t)p;
        hi = (uint64_t)(p >> 64);
    } else {
        lo = (uint32_t)(a * b);
        hi = a * b >> 32;
    }
    cpu->gpr[insn->vvvv] = lo;
    cpu->gpr[insn->reg] = hi;
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *pdep(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t mask = source(cpu, insn), s = cpu->gpr[insn->vvvv], v = 0;

    for (; mask; mask &= mask - 1, s >>= 1)
        v |= s & 1 ? mask & (0 - mask) : 0;
    put(cpu, insn, insn->reg, v);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *pext(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t mask = source(cpu, insn), s = cpu->gpr[insn->vvvv], v = 0;

    for (unsigned i = 0; mask; mask &= mask - 1, i++)
        v |= s & mask & (0 - mask) ? BIT(i) : 0;
    put(cpu, insn, insn->reg, v);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *rorx(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t v = source(cpu, insn);
    unsigned n = insn->imm & (bits(insn) - 1);

    put(cpu, insn, insn->reg, n ? v >> n | v << (bits(insn) - n) : v);
    X86_NEXT(cpu, insn);
}

static always_inline unsigned shift_count(const struct x86_cpu *cpu,
                                          const struct x86_insn *insn)
{
    return cpu->gpr[insn->vvvv] & (bits(insn) - 1);
}

static const struct x86_insn *shlx(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    put(cpu, insn, insn->reg, source(cpu, insn) << shift_count(cpu, insn));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *shrx(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    put(cpu, insn, insn->reg, source(cpu, insn) >> shift_count(cpu, insn));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *sarx(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t v = source(cpu, insn);
    int64_t s = insn->osize == 8 ? (int64_t)v : (int32_t)v;

    put(cpu, insn, insn->reg, (uint64_t)(s >> shift_count(cpu, insn)));
    X86_NEXT(cpu, insn);
}

/* ADCX and ADOX: an addition whose only flag is `flag`. */
static always_inline void add_with(struct x86_cpu *cpu,
                                   const struct x86_insn *insn, uint32_t flag)
{
    uint32_t flags = x86_arith_flags(cpu);
    uint64_t a = cut(insn, cpu->gpr[insn->reg]), b = source(cpu, insn);
    unsigned __int128 sum = (unsigned __int128)a + b + (flags & flag ? 1 : 0);
    bool carry = sum >> bits(insn) & 1;

    put(cpu, insn, insn->reg, (uint64_t)sum);
    x86_set_arith_flags(cpu, (flags & ~flag) | (carry ? flag : 0));
}

X86_HANDLER(adcx, add_with(cpu, insn, X86_CF))
X86_HANDLER(adox, add_with(cpu, insn, X86_OF))

static const struct x86_insn *popcnt(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    uint64_t s = source(cpu, insn);

    put(cpu, insn, insn->reg, (unsigned)__builtin_popcountll(s));
    x86_set_arith_flags(cpu, s ? 0 : X86_ZF);
    X86_NEXT(cpu, insn);
}

/* What LZCNT and TZCNT are on a CPU that ignores their prefix: BSR, BSF. */
static void scan(struct x86_cpu *cpu, const struct x86_insn *insn,
                 unsigned index, uint64_t s)
{
    if (s)
        put(cpu, insn, insn->reg, index);
    x86_set_arith_flags(cpu, s ? 0 : X86_ZF);
}

static const struct x86_insn *lzcnt(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    uint64_t s = source(cpu, insn);
    unsigned top = s ? 63 - (unsigned)__builtin_clzll(s) : 0;
    unsigned n = s ? bits(insn) - 1 - top : bits(insn);

    if (x86_has(cpu->model, X86_FEATURE_ABM)) {
        put(cpu, insn, insn->reg, n);
        set_flags(cpu, insn, n, s == 0);
    } else {
        scan(cpu, insn, top, s);
    }
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *tzcnt(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    uint64_t s = source(cpu, insn);
    unsigned n = s ? (unsigned)__builtin_ctzll(s) : bits(insn);

    if (x86_has(cpu->model, X86_FEATURE_BMI1)) {
        put(cpu, insn, insn->reg, n);
        set_flags(cpu, insn, n, s == 0);
    } else {
        scan(cpu, insn, n, s);
    }
    X86_NEXT(cpu, insn);
}

static uint64_t swap_bytes(const struct x86_insn *insn, uint64_t v)
{
    return __builtin_bswap64(v) >> (64 - bits(insn));
}

static const struct x86_insn *movbe_load(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    put(cpu, insn, insn->reg, swap_bytes(insn, source(cpu, insn)));
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *movbe_store(struct x86_cpu *cpu,
                                          const struct x86_insn *insn)
{
    x86_stn(cpu, insn, insn->seg, x86_ea(cpu, insn),
            swap_bytes(insn, cpu->gpr[insn->reg]), insn->osize);
    X86_NEXT(cpu, insn);
}

x86_exec *x86_select_bmi(const struct x86_insn *insn)
{
    switch (x86_insn_row(insn)->mnemonic) {
    case X86_ANDN: return andn;
    case X86_BEXTR: return bextr;
    case X86_BLSR: return blsr;
    case X86_BLSMSK: return blsmsk;
    case X86_BLSI: return blsi;
    case X86_BZHI: return bzhi;
    case X86_MULX: return mulx;
    case X86_PDEP: return pdep;
    case X86_PEXT: return pext;
    case X86_RORX: return rorx;
    case X86_SHLX: return shlx;
    case X86_SHRX: return shrx;
    case X86_SARX: return sarx;
    case X86_ADCX: return adcx;
    case X86_ADOX: return adox;
    case X86_POPCNT: return popcnt;
    case X86_LZCNT: return lzcnt;
    case X86_TZCNT: return tzcnt;
    case X86_MOVBE: return insn->opcode == 0xf0 ? movbe_load : movbe_store;
    default: return NULL;
    }
}
