/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's loop: events, blocks, single steps; reset.
 *
 * Blocks chain to each other and come back here only when cpu->poll is set,
 * an address is not in the jump cache, or something changed that the chain
 * cannot know. What happens between two instructions happens here.
 */
#include "target/x86/interp.h"

#include <setjmp.h>

#include "base/log.h"
#include "target/x86/debug.h"
#include "target/x86/dump.h"
#include "target/x86/interrupt.h"
#include "target/x86/mmu.h"
#include "target/x86/model.h"
#include "target/x86/segment.h"
#include "target/x86/smm.h"

/* ---- events ---- */

void x86_raise_event(struct x86_cpu *cpu, uint32_t ev)
{
    __atomic_fetch_or(&cpu->events, ev, __ATOMIC_SEQ_CST);
    __atomic_store_n(&cpu->poll, 1, __ATOMIC_SEQ_CST);
}

void x86_lower_event(struct x86_cpu *cpu, uint32_t ev)
{
    __atomic_fetch_and(&cpu->events, ~ev, __ATOMIC_SEQ_CST);
}

void x86_code_written(struct x86_cpu *cpu, const uint32_t *generation)
{
    unsigned h = x86_written_hash(generation);

    __atomic_fetch_or(&cpu->written[h / 64], BIT(h % 64), __ATOMIC_SEQ_CST);
    x86_raise_event(cpu, X86_EV_CODE);
}

/* Takes an edge event, if it is there. */
static bool take(struct x86_cpu *cpu, uint32_t ev)
{
    return __atomic_load_n(&cpu->events, __ATOMIC_ACQUIRE) & ev &&
           __atomic_fetch_and(&cpu->events, ~ev, __ATOMIC_SEQ_CST) & ev;
}

/* Events that are not kept away now. */
static uint32_t deliverable(const struct x86_cpu *cpu)
{
    uint32_t ev = __atomic_load_n(&cpu->events, __ATOMIC_ACQUIRE);
    uint32_t held = 0;

    if (cpu->shadow & (X86_SHADOW_STI | X86_SHADOW_MOVSS) ||
        !(cpu->eflags & X86_IF)) {
        held |= X86_EV_INTR;
    }
    if (cpu->shadow & (X86_SHADOW_NMI | X86_SHADOW_MOVSS)) {
        held |= X86_EV_NMI;
    }
    if (cpu->shadow & X86_SHADOW_SMI) {
        held |= X86_EV_SMI | X86_EV_INIT;
    }
    if (cpu->wait_sipi || cpu->shutdown) {
        held |= X86_EV_INTR | X86_EV_NMI;
        held |= cpu->wait_sipi ? (uint32_t)X86_EV_SMI : 0;
    }
    if (!cpu->wait_sipi) {
        held |= X86_EV_SIPI;
    }
    return ev & ~held;
}

static bool asleep(const struct x86_cpu *cpu)
{
    return cpu->halted || cpu->wait_sipi || cpu->shutdown;
}

bool x86_has_work(const struct x86_cpu *cpu)
{
    return deliverable(cpu) || !asleep(cpu);
}

static void external(struct x86_cpu *cpu, uint8_t vector)
{
    struct x86_event ev = {
        .kind = X86_EVENT_EXTERNAL, .vector = vector, .rip = cpu->rip};

    cpu->halted = false;
    cpu->insn = x86_no_insn;
    cpu->block_rip = cpu->rip;
    x86_deliver(cpu, &ev);
}

static void sipi(struct x86_cpu *cpu)
{
    uint32_t vector = __atomic_load_n(&cpu->sipi_vector, __ATOMIC_ACQUIRE);
    struct x86_seg *cs = &cpu->seg[X86_CS];

    cpu->wait_sipi = false;
    cpu->halted = false;
    cs->selector = (uint16_t)(vector << 8);
    cs->base = (uint64_t)vector << 12;
    cpu->rip = 0;
    x86_mode_changed(cpu);
}

static void a20_changed(struct x86_cpu *cpu)
{
    bool on = __atomic_load_n(&cpu->a20_wanted, __ATOMIC_ACQUIRE);

    if (on != cpu->a20) {
        cpu->a20 = on;
        x86_tlb_flush(cpu, true);
    }
}

/* The state of things around the CPU: done at once, in any state. */
static void housekeeping(struct x86_cpu *cpu)
{
    if (take(cpu, X86_EV_RESET)) {
        if (log_on(LOG_CPU_RESET)) {
            g_autoptr(GString) text = g_string_new("CPU reset\n");

            x86_dump_state(cpu, text);
            log_print("%s", text->str);
        }
        x86_cpu_reset(cpu, false);
    }
    if (take(cpu, X86_EV_FLUSH)) {
        x86_tlb_new_view(cpu);
    }
    if (take(cpu, X86_EV_CLEAN)) {
        x86_tlb_clean(cpu);
    }
    if (take(cpu, X86_EV_A20)) {
        a20_changed(cpu);
    }
    if (take(cpu, X86_EV_CODE)) {
        cpu->wrote_code = true;
    }
    take(cpu, X86_EV_FERR);
    take(cpu, X86_EV_MC);
}

/* What interrupts the program, most urgent first. */
static void interruptions(struct x86_cpu *cpu)
{
    uint32_t ev = deliverable(cpu);

    if (ev & X86_EV_SMI && take(cpu, X86_EV_SMI)) {
        x86_smm_enter(cpu);
    } else if (ev & X86_EV_INIT && take(cpu, X86_EV_INIT)) {
        x86_cpu_reset(cpu, true);
    } else if (ev & X86_EV_SIPI && take(cpu, X86_EV_SIPI)) {
        sipi(cpu);
    } else if (cpu->dr6_pending && !(cpu->shadow & X86_SHADOW_MOVSS)) {
        cpu->halted = false;
        x86_debug_trap(cpu);
    } else if (ev & X86_EV_NMI && take(cpu, X86_EV_NMI)) {
        cpu->shadow |= X86_SHADOW_NMI;
        external(cpu, X86_EXC_NMI);
    } else if (ev & X86_EV_INTR && cpu->pins.intack) {
        int vector = cpu->pins.intack(cpu->pins.to);

        if (vector >= 0) {
            external(cpu, (uint8_t)vector);
        }
    } else {
        return;
    }
    /* There may be more behind it. */
    __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
}

/* False: run() has to return *why. */
static bool attend(struct x86_cpu *cpu, enum x86_exit *why)
{
    __atomic_store_n(&cpu->poll, 0, __ATOMIC_SEQ_CST);
    housekeeping(cpu);
    if (take(cpu, X86_EV_EXIT)) {
        *why = X86_EXIT_REQUEST;
        __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
        return false;
    }
    interruptions(cpu);
    if (asleep(cpu)) {
        __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
        *why = cpu->shutdown ? X86_EXIT_SHUTDOWN : X86_EXIT_HALT;
        return deliverable(cpu) != 0;
    }
    return true;
}

/* ---- running ---- */

/*
 * A handler whose locals escape is called, not jumped to: its frame stays on
 * the stack until the chain ends. So chains end, after about this many
 * instructions; earlier where the compiler makes no tail calls at all.
 */
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
enum { CHAIN_MAX = 4096 };
#else
enum { CHAIN_MAX = 256 };
#endif

void x86_run_block(struct x86_cpu *cpu, const struct x86_block *block,
                   bool alone)
{
    const struct x86_insn *insn = block->insn;

    cpu->block_rip = cpu->rip;
    cpu->insns += block->count;
    cpu->chain_end = alone ? 0 : cpu->insns + CHAIN_MAX;
    while (insn) {
        insn = insn->exec(cpu, insn);
    }
}

static uint64_t code_lin(const struct x86_cpu *cpu)
{
    return cpu->code64 ? cpu->rip
                       : (uint32_t)(cpu->seg[X86_CS].base + cpu->rip);
}

/* Instruction breakpoints fault, unless RF or a MOV SS says no. */
static void code_breakpoints(struct x86_cpu *cpu)
{
    uint64_t bits;

    if (cpu->eflags & X86_RF || cpu->shadow & X86_SHADOW_MOVSS ||
        !x86_code_breakpoints(cpu)) {
        return;
    }
    bits = x86_code_breakpoints_at(cpu, code_lin(cpu));
    if (bits) {
        cpu->dr[6] |= bits;
        cpu->insn = x86_no_insn;
        cpu->block_rip = cpu->rip;
        x86_raise(cpu, X86_EXC_DB);
    }
}

/* Exactly one instruction, with all that debugging asks for. */
static void step(struct x86_cpu *cpu)
{
    uint8_t shadow = X86_SHADOW_STI | X86_SHADOW_MOVSS;
    bool trap = cpu->eflags & X86_TF;
    struct x86_block *block;

    code_breakpoints(cpu);
    block = x86_block_single(cpu, cpu->rip);
    cpu->eflags &= ~(uint32_t)X86_RF;
    cpu->shadow &= (uint8_t)~shadow;
    if (trap) {
        cpu->dr6_pending |= X86_DR6_BS; /* gone if it is interrupted */
    }
    /* Nothing chains while there is something to look at. */
    __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
    x86_run_block(cpu, block, true);
    __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
}

/* Does the next instruction want to be alone? */
bool x86_special(const struct x86_cpu *cpu)
{
    return cpu->eflags & (X86_TF | X86_RF) ||
           cpu->shadow & (X86_SHADOW_STI | X86_SHADOW_MOVSS) ||
           (cpu->dr[7] & 0xff && x86_code_breakpoints(cpu));
}

/* After siglongjmp: an exception was raised. False: triple fault. */
static bool deliver_raised(struct x86_cpu *cpu)
{
    cpu->dr6_pending = 0;
    if (x86_deliver_raised(cpu)) {
        return true;
    }
    cpu->shutdown = true;
    cpu->excp_vector = -1;
    if (cpu->pins.triple_fault) {
        cpu->pins.triple_fault(cpu->pins.to);
    }
    return false;
}

/* -d exec */
static void trace(struct x86_cpu *cpu)
{
    const struct x86_block *block = x86_block_find(cpu, cpu->rip);
    uint64_t lin = cpu->seg[X86_CS].base + cpu->rip;

    if (log_in_range(cpu->code64 ? cpu->rip : (uint32_t)lin)) {
        log_print("Trace %u: %04x:%016" G_GINT64_MODIFIER "x, %u instructions"
                  "\n",
                  cpu->index, cpu->seg[X86_CS].selector, cpu->rip,
                  block->count);
        if (log_on(LOG_CPU)) {
            g_autoptr(GString) text = g_string_new(NULL);

            x86_dump_state(cpu, text);
            log_print("%s", text->str);
        }
    }
    x86_run_block(cpu, block, true);
}

static void interpret(struct x86_cpu *cpu)
{
    x86_run_block(cpu, x86_block_find(cpu, cpu->rip), false);
}

enum x86_exit x86_interp_run(struct x86_cpu *cpu)
{
    return x86_run(cpu, interpret);
}

enum x86_exit x86_run(struct x86_cpu *cpu, void (*run)(struct x86_cpu *cpu))
{
    sigjmp_buf unwind;
    enum x86_exit why;

    cpu->unwind = &unwind;
    if (sigsetjmp(unwind, 0) && !deliver_raised(cpu)) {
        return X86_EXIT_SHUTDOWN;
    }
    for (;;) {
        if (__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED) &&
            !attend(cpu, &why)) {
            return why;
        }
        if (unlikely(asleep(cpu))) {
            continue;
        }
        if (unlikely(x86_special(cpu))) {
            step(cpu);
        } else if (log_on(LOG_EXEC)) {
            trace(cpu);
        } else {
            run(cpu);
        }
    }
}

enum x86_exit x86_interp_step(struct x86_cpu *cpu)
{
    sigjmp_buf unwind;
    enum x86_exit why = X86_EXIT_REQUEST;

    cpu->unwind = &unwind;
    if (sigsetjmp(unwind, 0)) {
        return deliver_raised(cpu) ? X86_EXIT_REQUEST : X86_EXIT_SHUTDOWN;
    }
    if (__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED)) {
        uint64_t rip = cpu->rip;

        if (!attend(cpu, &why) || cpu->rip != rip) {
            return why;
        }
    }
    step(cpu);
    return X86_EXIT_REQUEST;
}

/* ---- reset ---- */

static void reset_segments(struct x86_cpu *cpu)
{
    uint32_t data = X86_SEG_P | X86_SEG_S | X86_SEG_WRITABLE | X86_SEG_ACCESSED;

    for (unsigned i = 0; i < 6; i++) {
        cpu->seg[i] = (struct x86_seg){.limit = 0xffff, .attr = data};
    }
    cpu->seg[X86_CS] = (struct x86_seg){.selector = 0xf000,
                                        .base = 0xffff0000,
                                        .limit = 0xffff,
                                        .attr = data | X86_SEG_CODE};
    cpu->seg[X86_LDTR] =
        (struct x86_seg){.limit = 0xffff, .attr = X86_SEG_P | X86_SYS_LDT};
    cpu->seg[X86_TR] = (struct x86_seg){.limit = 0xffff,
                                        .attr = X86_SEG_P | X86_SYS_TSS32_BUSY};
    cpu->gdt = (struct x86_table){.limit = 0xffff};
    cpu->idt = (struct x86_table){.limit = 0xffff};
}

/* What a power-on reset does and INIT does not. */
static void reset_rest(struct x86_cpu *cpu)
{
    memset(&cpu->msr, 0, sizeof(cpu->msr));
    cpu->msr.pat = UINT64_C(0x0007040600070406);
    cpu->msr.misc_enable = 1;
    cpu->msr.smbase = 0x30000;
    cpu->msr.mcg_ctl = ~UINT64_C(0);
    memset(cpu->zmm, 0, sizeof(cpu->zmm));
    memset(cpu->opmask, 0, sizeof(cpu->opmask));
    memset(&cpu->fpu, 0, sizeof(cpu->fpu));
    cpu->fpu.fcw = 0x40;
    cpu->fpu.mxcsr = 0x1f80;
    cpu->xcr0 = 1;
    cpu->pkru = 0;
    cpu->cr0 = X86_CR0_ET | X86_CR0_NW | X86_CR0_CD;
    cpu->tsc_offset = 0;
    cpu->tsc_offset = -(int64_t)x86_read_tsc(cpu);
    cpu->in_smm = false;
}

void x86_cpu_reset(struct x86_cpu *cpu, bool init)
{
    uint32_t signature[4];

    if (!init) {
        reset_rest(cpu);
    }
    memset(cpu->gpr_real, 0, sizeof(cpu->gpr_real));
    x86_cpuid(cpu, 1, 0, signature);
    cpu->gpr[X86_RDX] = signature[0];
    cpu->rip = 0xfff0;
    x86_put_rflags(cpu, X86_FIXED);
    cpu->cr0 = (cpu->cr0 & (X86_CR0_CD | X86_CR0_NW)) | X86_CR0_ET;
    cpu->cr2 = 0;
    cpu->cr3 = 0;
    cpu->cr4 = 0;
    cpu->msr.efer = 0;
    memset(cpu->dr, 0, sizeof(cpu->dr));
    cpu->dr[6] = X86_DR6_FIXED;
    cpu->dr[7] = 0x400;
    reset_segments(cpu);
    cpu->cpl = 0;
    cpu->shadow = 0;
    cpu->halted = false;
    cpu->shutdown = false;
    cpu->wait_sipi = cpu->index != 0;
    cpu->ferr = false;
    cpu->excp_vector = -1;
    cpu->excp_ext = false;
    cpu->dr6_pending = 0;
    cpu->monitor_addr = ~UINT64_C(0);
    x86_tlb_flush(cpu, true);
    x86_mode_changed(cpu);
    __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
}

void x86_cpu_init(struct x86_cpu *cpu)
{
    if (!cpu->model) {
        cpu->model = x86_model_max();
    }
    cpu->phys_mask = BIT(cpu->model->phys_bits) - 1;
    cpu->zero = 0;
    cpu->four_k = 4096;
    cpu->tlb = x86_tlb_new();
    cpu->blocks = x86_blocks_new();
    cpu->jumps = x86_blocks_jumps(cpu->blocks);
    cpu->a20 = true;
    cpu->a20_wanted = 1;
    cpu->excp_vector = -1;
    cpu->insn = x86_no_insn;
    x86_tlb_new_view(cpu);
}

void x86_cpu_free(struct x86_cpu *cpu)
{
    view_unref(cpu->view);
    x86_blocks_free(cpu->blocks);
    x86_tlb_free(cpu->tlb);
}
