/* SPDX-License-Identifier: MIT */
/*
 * FXSAVE, FXRSTOR, the XSAVE family, LDMXCSR and STMXCSR. [SDM] vol. 1
 * ch. 10.5 and 13, vol. 2; [APM] vol. 2 ch. 11 for FFXSR.
 *
 * Not modelled: the "modified optimisation" of XSAVEOPT and XSAVES (every
 * component in use is written), AVX-512 components.
 */
#include "target/x86/exec_sse.h"
#include "target/x86/exec_x87.h"
#include "target/x86/fpstate.h"
#include "target/x86/segment.h"
#include "target/x86/tlb.h"

enum {
    LEGACY_X87 = 160,  /* FXSAVE area up to the XMM registers */
    LEGACY_USED = 416, /* up to the end of XMM15 */
    FX_MXCSR = 24,
    FX_ST = 32,
    FX_XMM = 160,
};

#define COMPACT (UINT64_C(1) << 63)

const struct x86_xsave_component x86_xsave_components[16] = {
    [2] = {576, 256},
    [9] = {2688, 8},
};

bool x86_xcr0_valid(uint64_t value, uint64_t offered)
{
    return !(value & ~offered) && (value & X86_XCR0_X87) &&
           (!(value & X86_XCR0_AVX) || (value & X86_XCR0_SSE));
}

/* XMM registers that exist in the current mode. */
static unsigned vector_count(const struct x86_cpu *cpu)
{
    return cpu->code64 ? 16 : 8;
}

static bool x87_in_use(const struct x86_fpu *fpu)
{
    uint64_t used = (uint64_t)(fpu->fcw ^ X87_FCW_INIT) | fpu->fsw |
                    (fpu->empty ^ 0xffU) | fpu->fop | fpu->fip | fpu->fdp |
                    fpu->fcs | fpu->fds;

    for (unsigned i = 0; i < 8; i++)
        used |= fpu->reg[i].mantissa | fpu->reg[i].sign_exp;
    return used;
}

uint64_t x86_xinuse(const struct x86_cpu *cpu)
{
    uint64_t sse = 0, avx = 0;

    for (unsigned i = 0; i < 16; i++) {
        sse |= cpu->zmm[i].u64[0] | cpu->zmm[i].u64[1];
        avx |= cpu->zmm[i].u64[2] | cpu->zmm[i].u64[3];
    }
    return (x87_in_use(&cpu->fpu) ? X86_XCR0_X87 : 0) |
           (sse ? X86_XCR0_SSE : 0) | (avx ? X86_XCR0_AVX : 0) |
           (cpu->pkru ? X86_XCR0_PKRU : 0);
}

/* The x87 part of the FXSAVE area: 160 bytes without MXCSR. */
static void pack_x87(const struct x86_cpu *cpu, const struct x86_insn *insn,
                     uint8_t *p)
{
    const struct x86_fpu *fpu = &cpu->fpu;
    unsigned top = fpu->fsw >> X87_TOP_SHIFT;

    memset(p, 0, LEGACY_X87);
    stl_u16(p, fpu->fcw);
    stl_u16(p + 2, fpu->fsw);
    p[4] = (uint8_t)~fpu->empty;
    stl_u16(p + 6, fpu->fop);
    if (insn->osize == 8) {
        stl_u64(p + 8, fpu->fip);
        stl_u64(p + 16, fpu->fdp);
    } else {
        stl_u32(p + 8, (uint32_t)fpu->fip);
        stl_u16(p + 12, fpu->fcs);
        stl_u32(p + 16, (uint32_t)fpu->fdp);
        stl_u16(p + 20, fpu->fds);
    }
    for (unsigned i = 0; i < 8; i++) {
        const struct x87_reg *st = &fpu->reg[(top + i) & 7];

        stl_u64(p + FX_ST + 16 * i, st->mantissa);
        stl_u16(p + FX_ST + 16 * i + 8, st->sign_exp);
    }
}

static void unpack_x87(struct x86_cpu *cpu, const struct x86_insn *insn,
                       const uint8_t *p)
{
    struct x86_fpu *fpu = &cpu->fpu;

    x87_set_fcw(cpu, ldl_u16(p));
    fpu->fsw = ldl_u16(p + 2);
    fpu->empty = (uint8_t)~p[4];
    fpu->fop = ldl_u16(p + 6) & 0x7ff;
    if (insn->osize == 8) {
        fpu->fip = ldl_u64(p + 8);
        fpu->fdp = ldl_u64(p + 16);
        fpu->fcs = fpu->fds = 0;
    } else {
        fpu->fip = ldl_u32(p + 8);
        fpu->fcs = ldl_u16(p + 12);
        fpu->fdp = ldl_u32(p + 16);
        fpu->fds = ldl_u16(p + 20);
    }
    for (unsigned i = 0; i < 8; i++) {
        struct x87_reg *st = x87_st(fpu, i);

        st->mantissa = ldl_u64(p + FX_ST + 16 * i);
        st->sign_exp = ldl_u16(p + FX_ST + 16 * i + 8);
    }
    x87_update_es(cpu);
}

/* Memory in pieces that x86_ld and x86_st take. */
static void load_area(struct x86_cpu *cpu, const struct x86_insn *insn,
                      uint64_t ea, void *buf, unsigned len)
{
    for (unsigned i = 0; i < len; i += 32)
        x86_ld(cpu, insn, insn->seg, ea + i, (uint8_t *)buf + i,
               MIN(len - i, 32), 0);
}

static void store_area(struct x86_cpu *cpu, const struct x86_insn *insn,
                       uint64_t ea, const void *buf, unsigned len)
{
    for (unsigned i = 0; i < len; i += 32)
        x86_st(cpu, insn, insn->seg, ea + i, (const uint8_t *)buf + i,
               MIN(len - i, 32), 0);
}

/* #GP(0) where the area is not aligned; ahead of page faults. */
static void check_area(struct x86_cpu *cpu, const struct x86_insn *insn,
                       uint64_t ea, unsigned align)
{
    x86_begin(cpu, insn);
    if ((cpu->hot[insn->seg].base + ea) & (align - 1))
        x86_raise_gp0(cpu);
}

/* AMD's fast FXSAVE leaves the XMM registers and MXCSR's neighbours alone. */
static bool fx_has_xmm(const struct x86_cpu *cpu)
{
    if (!(cpu->cr4 & X86_CR4_OSFXSR))
        return false;
    return !((cpu->msr.efer & X86_EFER_FFXSR) && cpu->code64 && !cpu->cpl);
}

static void check_fx(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    x86_begin(cpu, insn);
    if (cpu->cr0 & (X86_CR0_EM | X86_CR0_TS))
        x86_raise(cpu, X86_EXC_NM);
}

static no_inline void fxsave_to(struct x86_cpu *cpu,
                                const struct x86_insn *insn)
{
    uint64_t ea = x86_ea(cpu, insn);
    uint8_t buf[LEGACY_USED];
    unsigned len = LEGACY_X87;

    check_fx(cpu, insn);
    x86_seg_check(cpu, insn->seg, ea, 1, false);
    check_area(cpu, insn, ea, 16);
    pack_x87(cpu, insn, buf);
    if (cpu->cr4 & X86_CR4_OSFXSR) {
        stl_u32(buf + FX_MXCSR, cpu->fpu.mxcsr);
        stl_u32(buf + FX_MXCSR + 4, X86_MXCSR_MASK);
    }
    if (fx_has_xmm(cpu)) {
        for (unsigned i = 0; i < vector_count(cpu); i++)
            memcpy(buf + FX_XMM + 16 * i, &cpu->zmm[i], 16);
        len += 16 * vector_count(cpu);
    }
    x86_probe_st(cpu, insn, insn->seg, ea, X86_XSAVE_LEGACY);
    store_area(cpu, insn, ea, buf, len);
}

static void check_mxcsr(struct x86_cpu *cpu, const struct x86_insn *insn,
                        uint32_t mxcsr)
{
    if (mxcsr & ~(uint32_t)X86_MXCSR_MASK) {
        x86_begin(cpu, insn);
        x86_raise_gp0(cpu);
    }
}

static no_inline void fxrstor_from(struct x86_cpu *cpu,
                                   const struct x86_insn *insn)
{
    uint64_t ea = x86_ea(cpu, insn);
    uint8_t buf[X86_XSAVE_LEGACY];

    check_fx(cpu, insn);
    x86_seg_check(cpu, insn->seg, ea, 1, false);
    check_area(cpu, insn, ea, 16);
    load_area(cpu, insn, ea, buf, sizeof(buf));
    if (cpu->cr4 & X86_CR4_OSFXSR) {
        check_mxcsr(cpu, insn, ldl_u32(buf + FX_MXCSR));
        cpu->fpu.mxcsr = ldl_u32(buf + FX_MXCSR);
    }
    unpack_x87(cpu, insn, buf);
    if (fx_has_xmm(cpu)) {
        for (unsigned i = 0; i < vector_count(cpu); i++)
            memcpy(&cpu->zmm[i], buf + FX_XMM + 16 * i, 16);
    }
}

static const struct x86_insn *fxsave(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    fxsave_to(cpu, insn);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fxrstor(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    fxrstor_from(cpu, insn);
    X86_NEXT(cpu, insn);
}

/*
 * XSAVE. `wanted` is RFBM. Components in XSAVE order; the compacted form packs
 * those of XCOMP_BV one after another.
 */
static uint64_t requested(const struct x86_cpu *cpu)
{
    return (cpu->gpr[X86_RDX] << 32 | (uint32_t)cpu->gpr[X86_RAX]) & cpu->xcr0;
}

static unsigned component_offset(unsigned i, uint64_t xcomp)
{
    unsigned offset = X86_XSAVE_LEGACY + X86_XSAVE_HEADER;

    if (!(xcomp & COMPACT))
        return x86_xsave_components[i].offset;
    for (unsigned j = 2; j < i; j++) {
        if (xcomp >> j & 1)
            offset += x86_xsave_components[j].size;
    }
    return offset;
}

static unsigned area_size(uint64_t wanted, uint64_t xcomp)
{
    unsigned size = X86_XSAVE_LEGACY + X86_XSAVE_HEADER;

    for (unsigned i = 2; i < 16; i++) {
        if (wanted >> i & 1)
            size = MAX(size, component_offset(i, xcomp) +
                                 x86_xsave_components[i].size);
    }
    return size;
}

/* Gathers an extended component, and scatters it (NULL: initial state). */
static void get_component(const struct x86_cpu *cpu, unsigned i, uint8_t *buf)
{
    if (i == 2) {
        for (unsigned r = 0; r < vector_count(cpu); r++)
            memcpy(buf + 16 * r, &cpu->zmm[r].u64[2], 16);
    } else {
        stl_u64(buf, cpu->pkru);
    }
}

static void set_component(struct x86_cpu *cpu, unsigned i, const uint8_t *buf)
{
    if (i == 2) {
        for (unsigned r = 0; r < vector_count(cpu); r++) {
            if (buf)
                memcpy(&cpu->zmm[r].u64[2], buf + 16 * r, 16);
            else
                memset(&cpu->zmm[r].u64[2], 0, 16);
        }
    } else {
        x86_set_pkru(cpu, buf ? ldl_u32(buf) : 0);
    }
}

static unsigned component_used(const struct x86_cpu *cpu, unsigned i)
{
    return i == 2 ? 16 * vector_count(cpu) : x86_xsave_components[i].size;
}

static void check_xsave(struct x86_cpu *cpu, const struct x86_insn *insn,
                        uint64_t ea)
{
    x86_begin(cpu, insn);
    if (!(cpu->cr4 & X86_CR4_OSXSAVE))
        x86_raise(cpu, X86_EXC_UD);
    if (cpu->cr0 & X86_CR0_TS)
        x86_raise(cpu, X86_EXC_NM);
    check_area(cpu, insn, ea, 64);
}

/* Stores the components of `save`; MXCSR too where `mxcsr`. */
static void store_components(struct x86_cpu *cpu, const struct x86_insn *insn,
                             uint64_t ea, uint64_t save, bool mxcsr,
                             uint64_t xcomp)
{
    uint8_t buf[256];

    if (save & X86_XCR0_X87) {
        pack_x87(cpu, insn, buf);
        store_area(cpu, insn, ea, buf, FX_MXCSR);
        store_area(cpu, insn, ea + FX_ST, buf + FX_ST, LEGACY_X87 - FX_ST);
    }
    if (mxcsr) {
        x86_st32(cpu, insn, insn->seg, ea + FX_MXCSR, cpu->fpu.mxcsr);
        x86_st32(cpu, insn, insn->seg, ea + FX_MXCSR + 4, X86_MXCSR_MASK);
    }
    if (save & X86_XCR0_SSE) {
        for (unsigned i = 0; i < vector_count(cpu); i++)
            x86_st(cpu, insn, insn->seg, ea + FX_XMM + 16 * i, &cpu->zmm[i], 16,
                   0);
    }
    for (unsigned i = 2; i < 16; i++) {
        if (!(save >> i & 1))
            continue;
        get_component(cpu, i, buf);
        store_area(cpu, insn, ea + component_offset(i, xcomp), buf,
                   component_used(cpu, i));
    }
}

/* XSAVE and XSAVEOPT: the standard form. */
static void xsave_standard(struct x86_cpu *cpu, const struct x86_insn *insn,
                           bool skip_initial)
{
    uint64_t ea = x86_ea(cpu, insn), wanted = requested(cpu);
    uint64_t inuse = x86_xinuse(cpu), bv;

    check_xsave(cpu, insn, ea);
    x86_probe_st(cpu, insn, insn->seg, ea, area_size(wanted, 0));
    bv = x86_ld64(cpu, insn, insn->seg, ea + X86_XSAVE_LEGACY);
    store_components(cpu, insn, ea, skip_initial ? wanted & inuse : wanted,
                     wanted & (X86_XCR0_SSE | X86_XCR0_AVX), 0);
    x86_st64(cpu, insn, insn->seg, ea + X86_XSAVE_LEGACY,
             (bv & ~wanted) | (inuse & wanted));
}

/* XSAVEC and XSAVES: the compacted form. */
static void xsave_compact(struct x86_cpu *cpu, const struct x86_insn *insn,
                          bool supervisor)
{
    uint64_t ea = x86_ea(cpu, insn), wanted = requested(cpu);
    uint64_t inuse = x86_xinuse(cpu), save, xcomp;

    if (cpu->fpu.mxcsr != X86_MXCSR_INIT)
        inuse |= X86_XCR0_SSE;
    save = wanted & inuse;
    xcomp = wanted | COMPACT;
    check_xsave(cpu, insn, ea);
    x86_probe_st(cpu, insn, insn->seg, ea, area_size(wanted, xcomp));
    store_components(cpu, insn, ea, save, save & X86_XCR0_SSE, xcomp);
    x86_st64(cpu, insn, insn->seg, ea + X86_XSAVE_LEGACY, save);
    x86_st64(cpu, insn, insn->seg, ea + X86_XSAVE_LEGACY + 8, xcomp);
}

/* What XRSTOR found in memory. */
struct xrstor {
    uint8_t legacy[X86_XSAVE_LEGACY];
    uint8_t header[X86_XSAVE_HEADER];
    uint8_t component[16][256];
    uint64_t wanted, bv, xcomp;
};

/* The header's rules; false: #GP(0). */
static bool header_valid(const struct x86_cpu *cpu, const struct xrstor *x,
                         bool supervisor)
{
    uint64_t reserved = 0;

    if (x->xcomp & COMPACT) {
        for (unsigned i = 16; i < X86_XSAVE_HEADER; i += 8)
            reserved |= ldl_u64(x->header + i);
        return !reserved && !(x->xcomp & ~COMPACT & ~cpu->xcr0) &&
               !(x->bv & ~x->xcomp);
    }
    for (unsigned i = 8; i < 24; i += 8)
        reserved |= ldl_u64(x->header + i);
    return !supervisor && !reserved && !(x->bv & ~cpu->xcr0);
}

static void xrstor_load(struct x86_cpu *cpu, const struct x86_insn *insn,
                        struct xrstor *x, bool supervisor)
{
    uint64_t ea = x86_ea(cpu, insn);

    check_xsave(cpu, insn, ea);
    load_area(cpu, insn, ea + X86_XSAVE_LEGACY, x->header, sizeof(x->header));
    x->wanted = requested(cpu);
    x->bv = ldl_u64(x->header);
    x->xcomp = ldl_u64(x->header + 8);
    if (!header_valid(cpu, x, supervisor)) {
        x86_begin(cpu, insn);
        x86_raise_gp0(cpu);
    }
    load_area(cpu, insn, ea, x->legacy, sizeof(x->legacy));
    for (unsigned i = 2; i < 16; i++) {
        if ((x->wanted & x->bv) >> i & 1)
            load_area(cpu, insn, ea + component_offset(i, x->xcomp),
                      x->component[i], component_used(cpu, i));
    }
}

/* Is MXCSR restored from memory? The standard form asks RFBM alone. */
static bool xrstor_has_mxcsr(const struct xrstor *x)
{
    if (x->xcomp & COMPACT)
        return x->wanted & x->bv & X86_XCR0_SSE;
    return x->wanted & (X86_XCR0_SSE | X86_XCR0_AVX);
}

static void xrstor_commit(struct x86_cpu *cpu, const struct x86_insn *insn,
                          const struct xrstor *x)
{
    if (xrstor_has_mxcsr(x))
        cpu->fpu.mxcsr = ldl_u32(x->legacy + FX_MXCSR);
    else if (x->wanted & X86_XCR0_SSE)
        cpu->fpu.mxcsr = X86_MXCSR_INIT;
    if (x->wanted & x->bv & X86_XCR0_X87) {
        unpack_x87(cpu, insn, x->legacy);
    } else if (x->wanted & X86_XCR0_X87) {
        memset(cpu->fpu.reg, 0, sizeof(cpu->fpu.reg));
        x87_init(cpu);
    }
    for (unsigned i = 0; i < vector_count(cpu); i++) {
        if (x->wanted & x->bv & X86_XCR0_SSE)
            memcpy(&cpu->zmm[i], x->legacy + FX_XMM + 16 * i, 16);
        else if (x->wanted & X86_XCR0_SSE)
            memset(&cpu->zmm[i], 0, 16);
    }
    for (unsigned i = 2; i < 16; i++) {
        if (x->wanted >> i & 1)
            set_component(cpu, i, x->bv >> i & 1 ? x->component[i] : NULL);
    }
}

static no_inline void xrstor_any(struct x86_cpu *cpu,
                                 const struct x86_insn *insn, bool supervisor)
{
    struct xrstor x;

    xrstor_load(cpu, insn, &x, supervisor);
    if (xrstor_has_mxcsr(&x))
        check_mxcsr(cpu, insn, ldl_u32(x.legacy + FX_MXCSR));
    xrstor_commit(cpu, insn, &x);
}

/* clang-format off */
#define XSAVE(name, call)                                                    \
    static const struct x86_insn *name(struct x86_cpu *cpu,                  \
                                       const struct x86_insn *insn)          \
    {                                                                        \
        call;                                                                \
        X86_NEXT(cpu, insn);                                                 \
    }
XSAVE(xsave, xsave_standard(cpu, insn, false))
XSAVE(xsaveopt, xsave_standard(cpu, insn, true))
XSAVE(xsavec, xsave_compact(cpu, insn, false))
XSAVE(xsaves, xsave_compact(cpu, insn, true))
XSAVE(xrstor, xrstor_any(cpu, insn, false))
XSAVE(xrstors, xrstor_any(cpu, insn, true))
/* clang-format on */

static const struct x86_insn *ldmxcsr(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    uint32_t mxcsr = x86_ld32(cpu, insn, insn->seg, x86_ea(cpu, insn));

    check_mxcsr(cpu, insn, mxcsr);
    cpu->fpu.mxcsr = mxcsr;
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *stmxcsr(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    x86_st32(cpu, insn, insn->seg, x86_ea(cpu, insn), cpu->fpu.mxcsr);
    X86_NEXT(cpu, insn);
}

x86_exec *x86_select_xsave(const struct x86_insn *insn)
{
    switch (x86_insn_row(insn)->mnemonic) {
    case X86_FXSAVE: return fxsave;
    case X86_FXRSTOR: return fxrstor;
    case X86_XSAVE: return xsave;
    case X86_XSAVEOPT: return xsaveopt;
    case X86_XSAVEC: return xsavec;
    case X86_XSAVES: return xsaves;
    case X86_XRSTOR: return xrstor;
    case X86_XRSTORS: return xrstors;
    case X86_LDMXCSR:
    case X86_VLDMXCSR: return ldmxcsr;
    case X86_STMXCSR:
    case X86_VSTMXCSR: return stmxcsr;
    default: return NULL;
    }
}
