/* SPDX-License-Identifier: MIT */
/*
 * The string comparisons of SSE4.2: PCMPESTRI and its three relatives.
 * [SDM] vol. 1 ch. 12.9 (aggregation tables), vol. 2 ch. 4.1.
 */
#include "target/x86/exec_sse.h"

/* Fields of the immediate. */
enum {
    STR_WORDS = 1 << 0,
    STR_SIGNED = 1 << 1,
    STR_AGGREGATION = 3 << 2,
    STR_ANY = 0 << 2,
    STR_RANGES = 1 << 2,
    STR_EACH = 2 << 2,
    STR_ORDERED = 3 << 2,
    STR_NEGATE = 1 << 4,
    STR_ONLY_VALID = 1 << 5, /* negate only what is inside the string */
    STR_HIGH = 1 << 6,       /* last index, or a mask of whole elements */
};

struct string {
    int element[16];
    unsigned valid; /* elements before the end */
};

static unsigned count(unsigned imm)
{
    return imm & STR_WORDS ? 8 : 16;
}

static void load_string(struct string *s, v128 v, unsigned imm)
{
    v16u8 b = (v16u8)v;
    v8u16 w = (v8u16)v;

    for (unsigned i = 0; i < count(imm); i++) {
        if (imm & STR_WORDS)
            s->element[i] = imm & STR_SIGNED ? (int16_t)w[i] : w[i];
        else
            s->element[i] = imm & STR_SIGNED ? (int8_t)b[i] : b[i];
    }
    s->valid = 0;
    while (s->valid < count(imm) && s->element[s->valid])
        s->valid++;
}

/* An explicit length: its absolute value, at most the register's. */
static unsigned explicit_length(uint64_t reg, const struct x86_insn *insn)
{
    int64_t n = insn->osize == 8 ? (int64_t)reg : (int32_t)reg;
    uint64_t abs = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    unsigned max = count((unsigned)insn->imm);

    return abs > max ? max : (unsigned)abs;
}

static unsigned equal_any(const struct string *a, const struct string *b)
{
    unsigned r = 0;

    for (unsigned j = 0; j < b->valid; j++) {
        for (unsigned i = 0; i < a->valid; i++)
            r |= (unsigned)(a->element[i] == b->element[j]) << j;
    }
    return r;
}

static unsigned in_ranges(const struct string *a, const struct string *b)
{
    unsigned r = 0;

    for (unsigned j = 0; j < b->valid; j++) {
        for (unsigned i = 0; i + 1 < a->valid; i += 2)
            r |= (unsigned)(a->element[i] <= b->element[j] &&
                            b->element[j] <= a->element[i + 1])
                 << j;
    }
    return r;
}

static unsigned equal_each(const struct string *a, const struct string *b,
                           unsigned n)
{
    unsigned r = 0;

    for (unsigned i = 0; i < n; i++) {
        bool in_a = i < a->valid, in_b = i < b->valid;

        if (in_a && in_b ? a->element[i] == b->element[i] : in_a == in_b)
            r |= 1U << i;
    }
    return r;
}

static unsigned equal_ordered(const struct string *a, const struct string *b,
                              unsigned n)
{
    unsigned r = 0;

    for (unsigned j = 0; j < n; j++) {
        bool all = true;

        for (unsigned i = 0; i < a->valid && j + i < n; i++)
            all &= j + i < b->valid && a->element[i] == b->element[j + i];
        r |= (unsigned)all << j;
    }
    return r;
}

static unsigned aggregate(const struct string *a, const struct string *b,
                          unsigned imm)
{
    unsigned n = count(imm), all = (1U << n) - 1, r;

    switch (imm & STR_AGGREGATION) {
    case STR_ANY: r = equal_any(a, b); break;
    case STR_RANGES: r = in_ranges(a, b); break;
    case STR_EACH: r = equal_each(a, b, n); break;
    default: r = equal_ordered(a, b, n); break;
    }
    if (imm & STR_NEGATE)
        r ^= imm & STR_ONLY_VALID ? (1U << b->valid) - 1 : all;
    return r;
}

/* The comparison proper; sets the flags. */
static unsigned compare(struct x86_cpu *cpu, const struct x86_insn *insn,
                        bool explicit)
{
    unsigned imm = (uint8_t)insn->imm, n = count(imm), r;
    struct string a, b;

    load_string(&b, avx_src(cpu, insn), imm);
    load_string(&a, vec_get(cpu, insn->reg), imm);
    if (explicit) {
        a.valid = explicit_length(cpu->gpr[X86_RAX], insn);
        b.valid = explicit_length(cpu->gpr[X86_RDX], insn);
    }
    r = aggregate(&a, &b, imm);
    x86_set_arith_flags(cpu, (r ? X86_CF : 0U) | (b.valid < n ? X86_ZF : 0U) |
                                 (a.valid < n ? X86_SF : 0U) |
                                 (r & 1 ? X86_OF : 0U));
    return r;
}

static no_inline void to_index(struct x86_cpu *cpu, const struct x86_insn *insn,
                               bool explicit)
{
    unsigned r = compare(cpu, insn, explicit), i;

    if (!r)
        i = count((unsigned)insn->imm);
    else if (insn->imm & STR_HIGH)
        i = 31 - (unsigned)__builtin_clz(r);
    else
        i = (unsigned)__builtin_ctz(r);
    cpu->gpr[X86_RCX] = i;
}

static no_inline void to_mask(struct x86_cpu *cpu, const struct x86_insn *insn,
                              bool explicit)
{
    unsigned r = compare(cpu, insn, explicit), n = count((unsigned)insn->imm);
    v128 v = v128_low(r);

    if (insn->imm & STR_HIGH) {
        unsigned bits = 128 / n;

        v = v128_low(0);
        for (unsigned i = 0; i < n; i++) {
            if (r >> i & 1)
                v[i * bits / 64] |= (n == 8 ? UINT64_C(0xffff) : 0xff)
                                    << i * bits % 64;
        }
    }
    if (insn->flags & X86_I_VEX)
        avx_put(cpu, 0, v);
    else
        sse_put(cpu, 0, v);
}

X86_HANDLER(pcmpestri, to_index(cpu, insn, true))
X86_HANDLER(pcmpistri, to_index(cpu, insn, false))
X86_HANDLER(pcmpestrm, to_mask(cpu, insn, true))
X86_HANDLER(pcmpistrm, to_mask(cpu, insn, false))

x86_exec *x86_select_vec_string(const struct x86_insn *insn)
{
    switch (x86_insn_row(insn)->mnemonic) {
    case X86_PCMPESTRI:
    case X86_VPCMPESTRI: return pcmpestri;
    case X86_PCMPISTRI:
    case X86_VPCMPISTRI: return pcmpistri;
    case X86_PCMPESTRM:
    case X86_VPCMPESTRM: return pcmpestrm;
    case X86_PCMPISTRM:
    case X86_VPCMPISTRM: return pcmpistrm;
    default: return NULL;
    }
}
