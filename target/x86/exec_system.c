/* SPDX-License-Identifier: MIT */
/*
 * System instructions: control and debug registers, flags with privilege,
 * MSRs, CPUID, TSC, TLB, HLT, system calls, random numbers.
 *
 * Not modelled: SVM, VMX (their instructions are #UD), performance counters
 * (RDPMC gives zero). MWAIT only yields: stores by others are not watched.
 */
#include <sys/random.h>

#include "target/x86/control.h"
#include "target/x86/debug.h"
#include "target/x86/exec.h"
#include "target/x86/far.h"
#include "target/x86/interrupt.h"
#include "target/x86/mmu.h"
#include "target/x86/model.h"
#include "target/x86/segment.h"
#include "target/x86/smm.h"

static void set_poll(struct x86_cpu *cpu)
{
    __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
}

static void need(struct x86_cpu *cpu, bool ok)
{
    if (unlikely(!ok)) {
        x86_raise_gp0(cpu);
    }
}

/* Goes on, unless the loop has something to do first. */
static x86_next unless_poll(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    if (__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED)) {
        return x86_leave(cpu, insn);
    }
    X86_NEXT(cpu, insn);
}

/* ---- control registers ---- */

HANDLER(mov_from_cr)
{
    uint64_t v = 0;

    switch (insn->reg) {
    case 0: v = cpu->cr0; break;
    case 2: v = cpu->cr2; break;
    case 3: v = cpu->cr3; break;
    case 4: v = cpu->cr4; break;
    default: v = cpu->pins.get_tpr ? cpu->pins.get_tpr(cpu->pins.to) : 0; break;
    }
    set_rm(cpu, insn, v, cpu->code64 ? 8 : 4);
    X86_NEXT(cpu, insn);
}

static bool set_cr8(struct x86_cpu *cpu, uint64_t v)
{
    if (v > 15) {
        return false;
    }
    if (cpu->pins.set_tpr) {
        cpu->pins.set_tpr(cpu->pins.to, v);
    }
    return true;
}

HANDLER(mov_to_cr)
{
    uint64_t v = get_rm(cpu, insn, cpu->code64 ? 8 : 4);

    x86_begin(cpu, insn);
    switch (insn->reg) {
    case 0: need(cpu, x86_set_cr0(cpu, v)); break;
    case 2: cpu->cr2 = v; break;
    case 3: need(cpu, x86_set_cr3(cpu, v)); break;
    case 4: need(cpu, x86_set_cr4(cpu, v)); break;
    default: need(cpu, set_cr8(cpu, v)); break;
    }
    return x86_leave(cpu, insn);
}

HANDLER(clts)
{
    cpu->cr0 &= ~(uint64_t)X86_CR0_TS;
    x86_mode_changed(cpu);
    return x86_leave(cpu, insn);
}

HANDLER(smsw)
{
    if (cpu->cr4 & X86_CR4_UMIP && cpu->cpl > 0) {
        x86_begin(cpu, insn);
        x86_raise_gp0(cpu);
    }
    store_rm(cpu, insn, cpu->cr0, insn->flags & X86_I_MEM ? 2 : insn->osize);
    X86_NEXT(cpu, insn);
}

HANDLER(lmsw)
{
    uint64_t v = load_rm(cpu, insn, 2) & 0xf;

    x86_begin(cpu, insn);
    v |= cpu->cr0 & X86_CR0_PE;
    need(cpu, x86_set_cr0(cpu, (cpu->cr0 & ~UINT64_C(0xf)) | v));
    return x86_leave(cpu, insn);
}

/* ---- debug registers ---- */

static unsigned debug_register(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    unsigned n = insn->reg;

    x86_begin(cpu, insn);
    if (n == 4 || n == 5) {
        if (cpu->cr4 & X86_CR4_DE) {
            x86_raise(cpu, X86_EXC_UD);
        }
        n += 2;
    }
    if (cpu->dr[7] & X86_DR7_GD) {
        cpu->dr[6] |= X86_DR6_BD;
        x86_raise(cpu, X86_EXC_DB);
    }
    return n;
}

HANDLER(mov_from_dr)
{
    unsigned n = debug_register(cpu, insn);

    set_rm(cpu, insn, cpu->dr[n], cpu->code64 ? 8 : 4);
    X86_NEXT(cpu, insn);
}

HANDLER(mov_to_dr)
{
    unsigned n = debug_register(cpu, insn);
    uint64_t v = get_rm(cpu, insn, cpu->code64 ? 8 : 4);

    need(cpu, n < 6 || !(v >> 32));
    if (n == 6) {
        v = (v & 0x1e00f) | X86_DR6_FIXED;
    } else if (n == 7) {
        v = (v & 0xffff2fff) | 0x400;
    }
    cpu->dr[n] = v;
    x86_debug_changed(cpu);
    return x86_leave(cpu, insn);
}

/* ---- flags ---- */

enum {
    POPF_ANY = X86_ARITH | X86_TF | X86_DF | X86_NT | X86_AC | X86_ID,
};

static bool low_iopl_v86(const struct x86_cpu *cpu)
{
    return x86_v86_mode(cpu) && (cpu->eflags & X86_IOPL) != X86_IOPL;
}

static bool iopl_allows(const struct x86_cpu *cpu)
{
    return cpu->cpl <= (cpu->eflags & X86_IOPL) >> 12;
}

HANDLER(pushf)
{
    uint64_t f = x86_get_rflags(cpu) & ~(uint64_t)(X86_VM | X86_RF);

    if (low_iopl_v86(cpu)) {
        if (!(cpu->cr4 & X86_CR4_VME) || insn->osize != 2) {
            x86_begin(cpu, insn);
            x86_raise_gp0(cpu);
        }
        f = (f & ~(uint64_t)X86_IF) | X86_IOPL |
            (f & X86_VIF ? (uint64_t)X86_IF : 0);
    }
    push(cpu, insn, f, insn->osize);
    X86_NEXT(cpu, insn);
}

static uint32_t popf_vme(struct x86_cpu *cpu, const struct x86_insn *insn,
                         uint64_t f)
{
    x86_begin(cpu, insn);
    need(cpu, cpu->cr4 & X86_CR4_VME && insn->osize == 2 && !(f & X86_TF) &&
                  !(f & X86_IF && cpu->eflags & X86_VIP));
    cpu->eflags &= ~(uint32_t)X86_VIF;
    cpu->eflags |= f & X86_IF ? (uint32_t)X86_VIF : 0;
    return POPF_ANY;
}

HANDLER(popf)
{
    uint64_t f = stack_top(cpu, insn, insn->osize);
    uint64_t old = x86_get_rflags(cpu);
    uint32_t mask = POPF_ANY;

    if (low_iopl_v86(cpu)) {
        mask = popf_vme(cpu, insn, f);
        old = x86_get_rflags(cpu);
    } else {
        mask |= iopl_allows(cpu) ? (uint32_t)X86_IF : 0;
        mask |= cpu->cpl == 0 ? (uint32_t)X86_IOPL : 0;
    }
    if (insn->osize == 2) {
        mask &= 0xffff;
    }
    add_sp(cpu, insn->osize);
    x86_put_rflags(cpu,
                   ((old & ~(uint64_t)mask) | (f & mask)) & ~(uint64_t)X86_RF);
    if ((old ^ cpu->eflags) & X86_AC) {
        x86_choose_tlb(cpu);
        x86_jumps_mode(cpu);
    }
    x86_flags_changed(cpu);
    return unless_poll(cpu, insn);
}

/* CLI and STI where IF is out of reach: VIF, by VME or PVI. */
static bool virtual_if(const struct x86_cpu *cpu)
{
    return x86_v86_mode(cpu) ? cpu->cr4 & X86_CR4_VME && low_iopl_v86(cpu)
                             : cpu->cr4 & X86_CR4_PVI && cpu->cpl == 3;
}

HANDLER(cli)
{
    if (likely(iopl_allows(cpu))) {
        cpu->eflags &= ~(uint32_t)X86_IF;
        X86_NEXT(cpu, insn);
    }
    x86_begin(cpu, insn);
    need(cpu, virtual_if(cpu));
    cpu->eflags &= ~(uint32_t)X86_VIF;
    X86_NEXT(cpu, insn);
}

HANDLER(sti)
{
    if (unlikely(!iopl_allows(cpu))) {
        x86_begin(cpu, insn);
        need(cpu, virtual_if(cpu) && !(cpu->eflags & X86_VIP));
        cpu->eflags |= X86_VIF;
        X86_NEXT(cpu, insn);
    }
    if (cpu->eflags & X86_IF) {
        X86_NEXT(cpu, insn);
    }
    cpu->eflags |= X86_IF;
    x86_look_at_events(cpu);
    /* Events wait for one instruction: the block's last, as a rule. */
    if (insn[1].exec == x86_exec_end) {
        cpu->shadow |= X86_SHADOW_STI;
        set_poll(cpu);
        return x86_leave(cpu, insn);
    }
    X86_NEXT(cpu, insn);
}

static x86_next set_ac(struct x86_cpu *cpu, const struct x86_insn *insn,
                       uint32_t ac)
{
    if (cpu->cpl > 0) {
        x86_begin(cpu, insn);
        x86_raise(cpu, X86_EXC_UD);
    }
    cpu->eflags = (cpu->eflags & ~(uint32_t)X86_AC) | ac;
    x86_choose_tlb(cpu);
    x86_jumps_mode(cpu);
    X86_NEXT(cpu, insn);
}

HANDLER(stac)
{
    return set_ac(cpu, insn, X86_AC);
}

HANDLER(clac)
{
    return set_ac(cpu, insn, 0);
}

/* ---- halting ---- */

HANDLER(hlt)
{
    cpu->halted = true;
    set_poll(cpu);
    return x86_leave(cpu, insn);
}

HANDLER(monitor)
{
    if (cpu->cpl > 0) {
        x86_begin(cpu, insn);
        x86_raise(cpu, X86_EXC_UD);
    }
    cpu->monitor_addr = cpu->gpr[X86_RAX] & x86_addr_mask(insn->asize);
    x86_ld8(cpu, insn, insn->seg, cpu->monitor_addr);
    X86_NEXT(cpu, insn);
}

HANDLER(mwait)
{
    if (cpu->cpl > 0) {
        x86_begin(cpu, insn);
        x86_raise(cpu, X86_EXC_UD);
    }
    cpu->monitor_addr = ~UINT64_C(0);
    g_thread_yield();
    return x86_leave(cpu, insn);
}

/* ---- identification and time ---- */

static no_inline void do_cpuid(struct x86_cpu *cpu)
{
    uint32_t out[4];

    x86_cpuid(cpu, (uint32_t)cpu->gpr[X86_RAX], (uint32_t)cpu->gpr[X86_RCX],
              out);
    cpu->gpr[X86_RAX] = out[0];
    cpu->gpr[X86_RBX] = out[1];
    cpu->gpr[X86_RCX] = out[2];
    cpu->gpr[X86_RDX] = out[3];
}

HANDLER(cpuid)
{
    do_cpuid(cpu);
    X86_NEXT(cpu, insn);
}

static void set_edx_eax(struct x86_cpu *cpu, uint64_t v)
{
    cpu->gpr[X86_RAX] = (uint32_t)v;
    cpu->gpr[X86_RDX] = v >> 32;
}

static uint64_t get_edx_eax(const struct x86_cpu *cpu)
{
    return (uint32_t)cpu->gpr[X86_RAX] | cpu->gpr[X86_RDX] << 32;
}

HANDLER(rdtsc)
{
    x86_begin(cpu, insn);
    need(cpu, !(cpu->cr4 & X86_CR4_TSD) || cpu->cpl == 0);
    set_edx_eax(cpu, x86_read_tsc(cpu));
    if (row_of(insn)->mnemonic == X86_RDTSCP) {
        cpu->gpr[X86_RCX] = (uint32_t)cpu->msr.tsc_aux;
    }
    X86_NEXT(cpu, insn);
}

HANDLER(rdpmc)
{
    x86_begin(cpu, insn);
    need(cpu, cpu->cr4 & X86_CR4_PCE || cpu->cpl == 0);
    set_edx_eax(cpu, 0);
    X86_NEXT(cpu, insn);
}

HANDLER(rdpid)
{
    set_rm(cpu, insn, cpu->msr.tsc_aux, cpu->code64 ? 8 : 4);
    X86_NEXT(cpu, insn);
}

static no_inline void do_rdmsr(struct x86_cpu *cpu)
{
    uint64_t v;

    need(cpu, x86_rdmsr(cpu, (uint32_t)cpu->gpr[X86_RCX], &v));
    set_edx_eax(cpu, v);
}

HANDLER(rdmsr)
{
    x86_begin(cpu, insn);
    do_rdmsr(cpu);
    X86_NEXT(cpu, insn);
}

HANDLER(wrmsr)
{
    x86_begin(cpu, insn);
    need(cpu, x86_wrmsr(cpu, (uint32_t)cpu->gpr[X86_RCX], get_edx_eax(cpu)));
    return x86_leave(cpu, insn);
}

static bool random_value(const struct x86_cpu *cpu, uint64_t *v)
{
    if (cpu->pins.random) {
        return cpu->pins.random(cpu->pins.to, v);
    }
    return getrandom(v, sizeof(*v), GRND_NONBLOCK) == (ssize_t)sizeof(*v);
}

static no_inline void do_rdrand(struct x86_cpu *cpu,
                                const struct x86_insn *insn)
{
    uint64_t v = 0;
    bool ok = random_value(cpu, &v);

    set_rm(cpu, insn, ok ? v : 0, insn->osize);
    x86_set_arith_flags(cpu, ok ? (uint32_t)X86_CF : 0);
}

HANDLER(rdrand)
{
    do_rdrand(cpu, insn);
    X86_NEXT(cpu, insn);
}

/* ---- extended state ---- */

static void check_osxsave(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    x86_begin(cpu, insn);
    if (!(cpu->cr4 & X86_CR4_OSXSAVE)) {
        x86_raise(cpu, X86_EXC_UD);
    }
}

HANDLER(xgetbv)
{
    uint32_t index = (uint32_t)cpu->gpr[X86_RCX];

    check_osxsave(cpu, insn);
    need(cpu, index == 0 ||
                  (index == 1 && x86_has(cpu->model, X86_FEATURE_XGETBV1)));
    set_edx_eax(cpu, cpu->xcr0);
    X86_NEXT(cpu, insn);
}

HANDLER(xsetbv)
{
    check_osxsave(cpu, insn);
    need(cpu, (uint32_t)cpu->gpr[X86_RCX] == 0 &&
                  x86_set_xcr0(cpu, get_edx_eax(cpu)));
    return x86_leave(cpu, insn);
}

static void check_pkru(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    x86_begin(cpu, insn);
    if (!(cpu->cr4 & X86_CR4_PKE)) {
        x86_raise(cpu, X86_EXC_UD);
    }
    need(cpu, (uint32_t)cpu->gpr[X86_RCX] == 0);
}

HANDLER(rdpkru)
{
    check_pkru(cpu, insn);
    set_edx_eax(cpu, cpu->pkru);
    X86_NEXT(cpu, insn);
}

HANDLER(wrpkru)
{
    uint32_t salt = cpu->jump_salt;

    check_pkru(cpu, insn);
    need(cpu, (uint32_t)cpu->gpr[X86_RDX] == 0);
    x86_set_pkru(cpu, (uint32_t)cpu->gpr[X86_RAX]);
    return x86_continue(cpu, insn, salt);
}

/* ---- caches and translations ---- */

HANDLER(invd)
{
    X86_NEXT(cpu, insn);
}

HANDLER(invlpg)
{
    uint64_t lin = x86_ea(cpu, insn);

    lin = cpu->code64 ? cpu->hot[insn->seg].base + lin
                      : (uint32_t)(cpu->seg[insn->seg].base + lin);
    x86_tlb_flush_page(cpu, lin);
    return x86_leave(cpu, insn);
}

HANDLER(invpcid)
{
    uint64_t type = get_reg(cpu, insn, cpu->code64 ? 8 : 4);
    uint64_t desc[2];

    x86_ld(cpu, insn, insn->seg, x86_ea(cpu, insn), desc, 16, 0);
    x86_begin(cpu, insn);
    need(cpu, type <= 3 && !(desc[0] >> 12));
    if (type == 0) {
        need(cpu, x86_canonical(cpu, desc[1]));
    }
    if (type < 2) {
        need(cpu, cpu->cr4 & X86_CR4_PCIDE || !desc[0]);
    }
    /* Entries of other PCIDs are never kept: less precise is right, too. */
    if (type == 0) {
        x86_tlb_flush_page(cpu, desc[1]);
    } else {
        x86_tlb_flush(cpu, type == 2);
    }
    return x86_leave(cpu, insn);
}

/* ---- system calls, SMM ---- */

HANDLER(system_call)
{
    x86_begin(cpu, insn);
    x86_syscall(cpu, x86_next_rip(cpu, insn));
    return x86_goto(cpu, cpu->rip);
}

HANDLER(sysret)
{
    x86_begin(cpu, insn);
    x86_sysret(cpu, insn->flags & X86_I_W);
    return x86_goto(cpu, cpu->rip);
}

HANDLER(sysenter)
{
    x86_begin(cpu, insn);
    x86_sysenter(cpu);
    return x86_goto(cpu, cpu->rip);
}

HANDLER(sysexit)
{
    x86_begin(cpu, insn);
    x86_sysexit(cpu, insn->flags & X86_I_W);
    return x86_goto(cpu, cpu->rip);
}

HANDLER(rsm)
{
    x86_begin(cpu, insn);
    if (!cpu->in_smm) {
        x86_raise(cpu, X86_EXC_UD);
    }
    x86_smm_leave(cpu);
    return NULL;
}

static const struct {
    uint16_t mnemonic;
    x86_exec *exec;
} handlers[] = {
    {X86_CLTS, clts},     {X86_SMSW, smsw},         {X86_LMSW, lmsw},
    {X86_PUSHF, pushf},   {X86_POPF, popf},         {X86_CLI, cli},
    {X86_STI, sti},       {X86_STAC, stac},         {X86_CLAC, clac},
    {X86_HLT, hlt},       {X86_MONITOR, monitor},   {X86_MWAIT, mwait},
    {X86_CPUID, cpuid},   {X86_RDTSC, rdtsc},       {X86_RDTSCP, rdtsc},
    {X86_RDPMC, rdpmc},   {X86_RDPID, rdpid},       {X86_RDMSR, rdmsr},
    {X86_WRMSR, wrmsr},   {X86_RDRAND, rdrand},     {X86_RDSEED, rdrand},
    {X86_XGETBV, xgetbv}, {X86_XSETBV, xsetbv},     {X86_RDPKRU, rdpkru},
    {X86_WRPKRU, wrpkru}, {X86_INVD, invd},         {X86_WBINVD, invd},
    {X86_INVLPG, invlpg}, {X86_INVPCID, invpcid},   {X86_SYSCALL, system_call},
    {X86_SYSRET, sysret}, {X86_SYSENTER, sysenter}, {X86_SYSEXIT, sysexit},
    {X86_RSM, rsm},
};

static x86_exec *pick_mov(const struct x86_insn *insn)
{
    const struct x86_row *row = row_of(insn);

    if (row->operand[0] == X86_O_Rn) {
        return row->operand[1] == X86_O_Cn ? mov_from_cr : mov_from_dr;
    }
    return row->operand[0] == X86_O_Cn   ? mov_to_cr
           : row->operand[0] == X86_O_Dn ? mov_to_dr
                                         : NULL;
}

x86_exec *x86_pick_system(const struct x86_cpu *cpu,
                          const struct x86_insn *insn)
{
    unsigned mnemonic = row_of(insn)->mnemonic;

    if (mnemonic == X86_MOV) {
        return pick_mov(insn);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(handlers); i++) {
        if (handlers[i].mnemonic == mnemonic) {
            return handlers[i].exec;
        }
    }
    return NULL;
}
