/* SPDX-License-Identifier: MIT */
/*
 * Control registers [SDM] vol. 3, 2.5 and 4.1.
 */
#include "target/x86/control.h"

#include "target/x86/mmu.h"
#include "target/x86/model.h"
#include "target/x86/segment.h"

static bool pae_paging(const struct x86_cpu *cpu, uint64_t cr0, uint64_t cr4)
{
    return cr0 & X86_CR0_PG && cr4 & X86_CR4_PAE &&
           !(cpu->msr.efer & X86_EFER_LME);
}

static bool cr0_allowed(const struct x86_cpu *cpu, uint64_t v)
{
    bool pg = v & X86_CR0_PG;
    bool was_pg = cpu->cr0 & X86_CR0_PG;

    if (v >> 32 || (pg && !(v & X86_CR0_PE)) ||
        (v & X86_CR0_NW && !(v & X86_CR0_CD))) {
        return false;
    }
    if (pg && !was_pg && cpu->msr.efer & X86_EFER_LME) {
        return cpu->cr4 & X86_CR4_PAE && !(cpu->seg[X86_CS].attr & X86_SEG_L);
    }
    return pg || !was_pg || (!cpu->code64 && !(cpu->cr4 & X86_CR4_PCIDE));
}

bool x86_set_cr0(struct x86_cpu *cpu, uint64_t v)
{
    uint64_t known = X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS |
                     X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM |
                     X86_CR0_NW | X86_CR0_CD | X86_CR0_PG;
    uint64_t changed;
    uint64_t pdpte[4];

    if (!cr0_allowed(cpu, v)) {
        return false;
    }
    v = (v & known) | X86_CR0_ET;
    changed = cpu->cr0 ^ v;
    if (pae_paging(cpu, v, cpu->cr4) &&
        changed & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)) {
        if (!x86_load_pdptes(cpu, cpu->cr3, pdpte)) {
            return false;
        }
        memcpy(cpu->pdpte, pdpte, sizeof(pdpte));
    }
    cpu->cr0 = v;
    if (changed & X86_CR0_PG) {
        if (v & X86_CR0_PG && cpu->msr.efer & X86_EFER_LME) {
            cpu->msr.efer |= X86_EFER_LMA;
        } else {
            cpu->msr.efer &= ~(uint64_t)X86_EFER_LMA;
        }
    }
    if (!(v & X86_CR0_PE)) {
        cpu->cpl = 0;
    }
    if (changed & (X86_CR0_PG | X86_CR0_PE | X86_CR0_WP)) {
        x86_tlb_flush(cpu, true);
    }
    x86_mode_changed(cpu);
    return true;
}

bool x86_set_cr3(struct x86_cpu *cpu, uint64_t v)
{
    bool keep = false;

    if (cpu->cr4 & X86_CR4_PCIDE) {
        keep = v >> 63;
        v &= ~BIT(63);
    }
    if (x86_long_mode(cpu) && v & ~cpu->phys_mask) {
        return false;
    }
    if (pae_paging(cpu, cpu->cr0, cpu->cr4)) {
        uint64_t pdpte[4];

        if (!x86_load_pdptes(cpu, v, pdpte)) {
            return false;
        }
        memcpy(cpu->pdpte, pdpte, sizeof(pdpte));
    }
    /* Only entries of the current PCID are kept, so another one's are not
     * there: to keep means not to flush only where nothing changes. */
    if (!keep || v != cpu->cr3) {
        cpu->cr3 = v;
        x86_tlb_flush(cpu, false);
    }
    return true;
}

static uint64_t cr4_known(const struct x86_cpu *cpu)
{
    static const struct {
        uint32_t bits;
        enum x86_feature feature;
    } known[] = {
        {X86_CR4_VME | X86_CR4_PVI, X86_FEATURE_VME},
        {X86_CR4_TSD, X86_FEATURE_TSC},
        {X86_CR4_DE, X86_FEATURE_DE},
        {X86_CR4_PSE, X86_FEATURE_PSE},
        {X86_CR4_PAE, X86_FEATURE_PAE},
        {X86_CR4_MCE, X86_FEATURE_MCE},
        {X86_CR4_PGE, X86_FEATURE_PGE},
        {X86_CR4_PCE, X86_FEATURE_NONE},
        {X86_CR4_OSFXSR, X86_FEATURE_FXSR},
        {X86_CR4_OSXMMEXCPT, X86_FEATURE_SSE},
        {X86_CR4_UMIP, X86_FEATURE_UMIP},
        {X86_CR4_LA57, X86_FEATURE_LA57},
        {X86_CR4_FSGSBASE, X86_FEATURE_FSGSBASE},
        {X86_CR4_PCIDE, X86_FEATURE_PCID},
        {X86_CR4_OSXSAVE, X86_FEATURE_XSAVE},
        {X86_CR4_SMEP, X86_FEATURE_SMEP},
        {X86_CR4_SMAP, X86_FEATURE_SMAP},
        {X86_CR4_PKE, X86_FEATURE_PKU},
    };
    uint64_t bits = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        if (x86_has(cpu->model, known[i].feature)) {
            bits |= known[i].bits;
        }
    }
    return bits;
}

static bool cr4_allowed(const struct x86_cpu *cpu, uint64_t v)
{
    uint64_t changed = cpu->cr4 ^ v;

    if (v & ~cr4_known(cpu)) {
        return false;
    }
    if (x86_long_mode(cpu)) {
        if (!(v & X86_CR4_PAE) || changed & X86_CR4_LA57) {
            return false;
        }
    } else if (v & X86_CR4_PCIDE) {
        return false;
    }
    return !(changed & v & X86_CR4_PCIDE) || !(cpu->cr3 & 0xfff);
}

bool x86_set_cr4(struct x86_cpu *cpu, uint64_t v)
{
    uint64_t changed = cpu->cr4 ^ v;
    uint64_t pdpte[4];

    if (!cr4_allowed(cpu, v)) {
        return false;
    }
    if (pae_paging(cpu, cpu->cr0, v) &&
        changed & (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)) {
        if (!x86_load_pdptes(cpu, cpu->cr3, pdpte)) {
            return false;
        }
        memcpy(cpu->pdpte, pdpte, sizeof(pdpte));
    }
    cpu->cr4 = v;
    if (changed & (X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_LA57 |
                   X86_CR4_PCIDE | X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE)) {
        x86_tlb_flush(cpu, true);
    }
    x86_mode_changed(cpu);
    return true;
}

bool x86_set_efer(struct x86_cpu *cpu, uint64_t v)
{
    uint64_t known = X86_EFER_LMA;
    uint64_t changed;

    known |= x86_has(cpu->model, X86_FEATURE_SYSCALL) ? X86_EFER_SCE : 0U;
    known |= x86_has(cpu->model, X86_FEATURE_LM) ? X86_EFER_LME : 0U;
    known |= x86_has(cpu->model, X86_FEATURE_NX) ? X86_EFER_NXE : 0U;
    known |= x86_has(cpu->model, X86_FEATURE_SVM) ? X86_EFER_SVME : 0U;
    known |= x86_has(cpu->model, X86_FEATURE_FFXSR) ? X86_EFER_FFXSR : 0U;
    changed = cpu->msr.efer ^ v;
    if (v & ~known || (changed & X86_EFER_LME && cpu->cr0 & X86_CR0_PG)) {
        return false;
    }
    cpu->msr.efer =
        (v & ~(uint64_t)X86_EFER_LMA) | (cpu->msr.efer & X86_EFER_LMA);
    if (changed & X86_EFER_NXE) {
        x86_tlb_flush(cpu, true);
    }
    x86_mode_changed(cpu);
    return true;
}

bool x86_set_xcr0(struct x86_cpu *cpu, uint64_t v)
{
    uint64_t known = x86_xcr0_known(cpu->model);

    if (!(v & 1) || v & ~known || ((v & 4) && !(v & 2)) ||
        ((v & 0xe0) && ((v & 0xe0) != 0xe0 || !(v & 4)))) {
        return false;
    }
    cpu->xcr0 = v;
    x86_mode_changed(cpu);
    return true;
}

void x86_set_base(struct x86_cpu *cpu, enum x86_sreg seg, uint64_t base)
{
    cpu->seg[seg].base = base;
    cpu->hot[seg].base = base;
}
