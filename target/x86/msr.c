/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers [SDM] vol. 4, [APM] vol. 2 appendix A. What is
 * plain storage is a table; unknown ones are #GP(0).
 *
 * Not modelled: performance counters, branch records, microcode loading (the
 * write is accepted), the effect of MTRRs, PAT and speculation controls.
 */
#include "base/log.h"
#include "target/x86/control.h"
#include "target/x86/interp.h"
#include "target/x86/mmu.h"
#include "target/x86/model.h"

enum {
    MSR_TSC = 0x10,
    MSR_APIC_BASE = 0x1b,
    MSR_TSC_ADJUST = 0x3b,
    MSR_SPEC_CTRL = 0x48,
    MSR_PRED_CMD = 0x49,
    MSR_UCODE_WRITE = 0x79,
    MSR_UCODE_REV = 0x8b,
    MSR_MTRR_CAP = 0xfe,
    MSR_ARCH_CAPS = 0x10a,
    MSR_FLUSH_CMD = 0x10b,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a,
    MSR_PERF_STATUS = 0x198,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_MTRR_VAR = 0x200,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF = 0x2ff,
    MSR_MC0 = 0x400,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_X2APIC = 0x800,
    MSR_MTRR_VARS = 8,
    MSR_MC_BANKS = 10,
};

enum {
    MSR_EFER = 0xc0000080U,
    MSR_FS_BASE = 0xc0000100U,
    MSR_GS_BASE = 0xc0000101U,
};

/* Registers that hold what was written, if it passes a check. */
enum check { ANY, CANONICAL, LOW32, READ_ONLY };

struct plain {
    uint32_t index;
    uint16_t offset; /* in struct x86_msrs */
    uint8_t check;
    uint8_t feature;
};

#define PLAIN(index, field, check, feature)                                   \
    {                                                                         \
        index, offsetof(struct x86_msrs, field), check, X86_FEATURE_##feature \
    }

static const struct plain plain[] = {
    PLAIN(0x3a, feature_control, ANY, NONE),
    PLAIN(0x48, spec_ctrl, ANY, NONE),
    PLAIN(0x8b, bios_sign_id, ANY, NONE),
    PLAIN(0x9e, smbase, READ_ONLY, NONE),
    PLAIN(0x174, sysenter_cs, LOW32, SEP),
    PLAIN(0x175, sysenter_esp, CANONICAL, SEP),
    PLAIN(0x176, sysenter_eip, CANONICAL, SEP),
    PLAIN(0x17a, mcg_status, ANY, MCA),
    PLAIN(0x17b, mcg_ctl, ANY, MCA),
    PLAIN(0x1a0, misc_enable, ANY, NONE),
    PLAIN(0x1d9, debugctl, ANY, NONE),
    PLAIN(0xda0, xss, ANY, XSAVES),
    PLAIN(0xc0000081U, star, ANY, SYSCALL),
    PLAIN(0xc0000082U, lstar, CANONICAL, LM),
    PLAIN(0xc0000083U, cstar, CANONICAL, LM),
    PLAIN(0xc0000084U, sfmask, LOW32, LM),
    PLAIN(0xc0000102U, kernel_gs_base, CANONICAL, LM),
    PLAIN(0xc0000103U, tsc_aux, LOW32, RDTSCP),
};

/* Read as zero, written without effect: systems touch them. */
static const uint32_t ignored[] = {
    0x17,        0x2a,        0x33,        0x34,        0x79,
    0x186,       0x187,       0xc1,        0xc2,        0x1db,
    0x1dc,       0x1dd,       0x1de,       0x570,       0x140,
    0xce,        0x49,        0x10b,       0x119,       0x198,
    0x199,       0x19a,       0x19b,       0x19c,       0x611,
    0x606,       0x639,       0x641,       0x619,       0x1fc,
    0xc0010010U, 0xc0010015U, 0xc001001fU, 0xc0010055U, 0xc0010112U,
    0xc0010113U, 0xc0010117U, 0xc0011020U, 0xc0011021U, 0xc0011022U,
    0xc0011023U, 0xc0011029U, 0xc001102aU, 0xc0010061U, 0xc0010062U,
    0xc0010063U, 0xc0010064U, 0xc0010000U, 0xc0010001U, 0xc0010002U,
    0xc0010003U, 0xc0010004U, 0xc0010005U, 0xc0010006U, 0xc0010007U,
    0xc0010140U, 0xc0010141U, 0xc0010114U, 0xc0010111U,
};

static bool is_ignored(uint32_t index)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++) {
        if (ignored[i] == index) {
            return true;
        }
    }
    return false;
}

static const struct plain *find_plain(const struct x86_cpu *cpu, uint32_t index)
{
    for (unsigned i = 0; i < ARRAY_SIZE(plain); i++) {
        if (plain[i].index == index) {
            return x86_has(cpu->model, plain[i].feature) ? &plain[i] : NULL;
        }
    }
    return NULL;
}

static uint64_t *plain_slot(struct x86_cpu *cpu, const struct plain *p)
{
    return (uint64_t *)(void *)((char *)&cpu->msr + p->offset);
}

static bool write_plain(struct x86_cpu *cpu, const struct plain *p, uint64_t v)
{
    if (p->check == READ_ONLY ||
        (p->check == CANONICAL && !x86_canonical(cpu, v))) {
        return false;
    }
    *plain_slot(cpu, p) = p->check == LOW32 ? (uint32_t)v : v;
    return true;
}

/* ---- MTRRs and PAT ---- */

static bool memory_type(unsigned type)
{
    return type <= 1 || (type >= 4 && type <= 6);
}

static bool memory_types(uint64_t v, bool pat)
{
    for (unsigned i = 0; i < 8; i++, v >>= 8) {
        unsigned type = v & 0xff;

        if (!memory_type(type) && !(pat && type == 7)) {
            return false;
        }
    }
    return true;
}

/* The fixed ranges: 250, 258, 259, 268..26f. */
static int fixed_index(uint32_t index)
{
    switch (index) {
    case 0x250: return 0;
    case 0x258: return 1;
    case 0x259: return 2;
    default:
        return index >= 0x268 && index <= 0x26f ? (int)(index - 0x268 + 3) : -1;
    }
}

static uint64_t *mtrr_slot(struct x86_cpu *cpu, uint32_t index)
{
    int fixed = fixed_index(index);

    if (fixed >= 0) {
        return &cpu->msr.mtrr_fixed[fixed];
    }
    if (index >= MSR_MTRR_VAR && index < MSR_MTRR_VAR + 2 * MSR_MTRR_VARS) {
        unsigned i = (index - MSR_MTRR_VAR) / 2;

        return index & 1 ? &cpu->msr.mtrr_mask[i] : &cpu->msr.mtrr_base[i];
    }
    if (index == MSR_MTRR_DEF) {
        return &cpu->msr.mtrr_def_type;
    }
    return index == MSR_PAT ? &cpu->msr.pat : NULL;
}

static bool mtrr_valid(const struct x86_cpu *cpu, uint32_t index, uint64_t v)
{
    if (fixed_index(index) >= 0 || index == MSR_PAT) {
        return memory_types(v, index == MSR_PAT);
    }
    if (index == MSR_MTRR_DEF) {
        return !(v & ~UINT64_C(0xcff)) && memory_type(v & 0xff);
    }
    if (index & 1) {
        return !(v & 0x7ff) && !(v & ~cpu->phys_mask);
    }
    return memory_type(v & 0xff) && !(v & 0xf00) && !(v & ~cpu->phys_mask);
}

/* ---- the clock ---- */

uint64_t x86_read_tsc(struct x86_cpu *cpu)
{
    uint64_t ticks, now;

    if (!cpu->pins.now_ns) {
        return cpu->insns + (uint64_t)cpu->tsc_offset;
    }
    now = (uint64_t)cpu->pins.now_ns(cpu->pins.to);
    ticks =
        now / 1000000 * cpu->tsc_khz + now % 1000000 * cpu->tsc_khz / 1000000;
    return ticks + (uint64_t)cpu->tsc_offset;
}

static void write_tsc(struct x86_cpu *cpu, uint64_t v)
{
    uint64_t delta = v - x86_read_tsc(cpu);

    cpu->tsc_offset += (int64_t)delta;
    cpu->msr.tsc_adjust += delta;
}

static bool is_apic(uint32_t index)
{
    return index == MSR_APIC_BASE || index == MSR_TSC_DEADLINE ||
           (index >= MSR_X2APIC && index < MSR_X2APIC + 0x100);
}

static uint64_t *mc_slot(struct x86_cpu *cpu, uint32_t index)
{
    return index >= MSR_MC0 && index < MSR_MC0 + 4 * MSR_MC_BANKS
               ? &cpu->msr.mc[index - MSR_MC0]
               : NULL;
}

static bool read_special(struct x86_cpu *cpu, uint32_t index, uint64_t *v)
{
    switch (index) {
    case MSR_TSC: *v = x86_read_tsc(cpu); return true;
    case MSR_TSC_ADJUST: *v = cpu->msr.tsc_adjust; return true;
    case MSR_MTRR_CAP: *v = 0x508; return true; /* WC, fixed, 8 variable */
    case MSR_MCG_CAP: *v = BIT(24) | BIT(8) | MSR_MC_BANKS; return true;
    case MSR_EFER: *v = cpu->msr.efer; return true;
    case MSR_FS_BASE: *v = cpu->seg[X86_FS].base; return true;
    case MSR_GS_BASE: *v = cpu->seg[X86_GS].base; return true;
    default: return false;
    }
}

bool x86_rdmsr(struct x86_cpu *cpu, uint32_t index, uint64_t *value)
{
    const struct plain *p = find_plain(cpu, index);
    const uint64_t *slot;

    *value = 0;
    if (p) {
        *value = *plain_slot(cpu, p);
        return true;
    }
    if (is_apic(index)) {
        return cpu->pins.apic_rdmsr &&
               cpu->pins.apic_rdmsr(cpu->pins.to, index, value);
    }
    slot = mtrr_slot(cpu, index);
    slot = slot ? slot : mc_slot(cpu, index);
    if (slot) {
        *value = *slot;
        return true;
    }
    if (read_special(cpu, index, value) || is_ignored(index)) {
        return true;
    }
    log_unimp("cpu %u: RDMSR %#x", cpu->index, index);
    return false;
}

/* 1: done, 0: #GP(0), -1: not one of these. */
static int write_special(struct x86_cpu *cpu, uint32_t index, uint64_t v)
{
    switch (index) {
    case MSR_TSC: write_tsc(cpu, v); return 1;
    case MSR_TSC_ADJUST:
        cpu->tsc_offset += (int64_t)(v - cpu->msr.tsc_adjust);
        cpu->msr.tsc_adjust = v;
        return 1;
    case MSR_EFER: return x86_set_efer(cpu, v);
    case MSR_FS_BASE:
    case MSR_GS_BASE:
        if (!x86_canonical(cpu, v)) {
            return 0;
        }
        x86_set_base(cpu, index == MSR_FS_BASE ? X86_FS : X86_GS, v);
        return 1;
    default: return -1;
    }
}

bool x86_wrmsr(struct x86_cpu *cpu, uint32_t index, uint64_t value)
{
    const struct plain *p = find_plain(cpu, index);
    uint64_t *slot;
    int done;

    if (p) {
        return write_plain(cpu, p, value);
    }
    if (is_apic(index)) {
        return cpu->pins.apic_wrmsr &&
               cpu->pins.apic_wrmsr(cpu->pins.to, index, value);
    }
    slot = mtrr_slot(cpu, index);
    if (slot) {
        if (mtrr_valid(cpu, index, value)) {
            *slot = value;
            return true;
        }
        return false;
    }
    slot = mc_slot(cpu, index);
    if (slot) {
        *slot = value;
        return true;
    }
    done = write_special(cpu, index, value);
    if (done >= 0) {
        return done;
    }
    if (is_ignored(index)) {
        return true;
    }
    log_unimp("cpu %u: WRMSR %#x = %#llx", cpu->index, index,
              (unsigned long long)value);
    return false;
}
