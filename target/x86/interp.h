/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's house rules: how a handler finds its successor, and how
 * mnemonics find their handlers.
 *
 * A handler may run its successor as a tail call, so a block costs no loop.
 */
#ifndef TARGET_X86_INTERP_H
#define TARGET_X86_INTERP_H

#include "target/x86/access.h"
#include "target/x86/block.h"
#include "target/x86/decode.h"
#include "target/x86/excp.h"
#include "target/x86/flags.h"

/* Ends a handler whose successor is the next instruction of the block. */
#define X86_NEXT(cpu, insn) return (insn)[1].exec((cpu), (insn) + 1)

/*
 * Picks the handler of a decoded instruction: asks each family in turn.
 * A family returns NULL where the mnemonic is not its own. `insn->row` gives
 * everything; X86_I_MEM, osize and W choose among specialised handlers.
 */
x86_exec *x86_select(const struct x86_insn *insn);
x86_exec *x86_select_int(const struct x86_insn *insn); /* general purpose */
x86_exec *x86_select_sys(const struct x86_insn *insn); /* system, far, int */
x86_exec *x86_select_x87(const struct x86_insn *insn);
x86_exec *x86_select_sse(const struct x86_insn *insn); /* MMX .. AVX2, AES.. */

/* Runs a block that was found for RIP, if nobody wants attention. */
static always_inline bool x86_may_enter(const struct x86_cpu *cpu,
                                        const struct x86_block *b)
{
    return likely(cpu->insns < cpu->chain_end) &&
           likely(!__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED)) &&
           likely(__atomic_load_n(b->generation, __ATOMIC_RELAXED) == b->seen);
}

static always_inline const struct x86_insn *x86_enter(struct x86_cpu *cpu,
                                                      const struct x86_block *b,
                                                      uint64_t rip)
{
    cpu->block_rip = rip;
    cpu->insns += b->count;
    return b->insn[0].exec(cpu, b->insn);
}

/*
 * Goes on at CS:rip (checked by the caller). Chains to its block where that
 * is known and nobody wants attention.
 */
static always_inline const struct x86_insn *x86_goto(struct x86_cpu *cpu,
                                                     uint64_t rip)
{
    const struct x86_jump *j = &cpu->jumps[(rip ^ rip >> 12) & (X86_JUMPS - 1)];

    if (likely(j->rip == rip && j->salt == cpu->jump_salt) &&
        x86_may_enter(cpu, j->block)) {
        return x86_enter(cpu, j->block, rip);
    }
    cpu->rip = rip;
    return NULL;
}

/* The same from the direct branch `insn`, by its link `way` if that is still
 * right; else the link is made. */
static always_inline const struct x86_insn *x86_goto_link(
    struct x86_cpu *cpu, const struct x86_insn *insn, unsigned way,
    uint64_t rip)
{
    struct x86_links *links = (struct x86_links *)(uintptr_t)(insn + 2);
    struct x86_block *b = links->to[way];
    const struct x86_jump *j;

    if (likely(b && b->rip == rip && b->salt == cpu->jump_salt) &&
        x86_may_enter(cpu, b)) {
        return x86_enter(cpu, b, rip);
    }
    j = &cpu->jumps[(rip ^ rip >> 12) & (X86_JUMPS - 1)];
    if (j->rip == rip && j->salt == cpu->jump_salt &&
        x86_may_enter(cpu, j->block)) {
        links->to[way] = j->block;
        return x86_enter(cpu, j->block, rip);
    }
    cpu->rip = rip;
    return NULL;
}

/* RIP of `insn` and of its successor (offsets in CS, not yet wrapped). */
static inline uint64_t x86_insn_rip(const struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    return cpu->block_rip + insn->offset;
}

static always_inline uint64_t x86_next_rip(const struct x86_cpu *cpu,
                                           const struct x86_insn *insn)
{
    return cpu->block_rip + insn->offset + insn->len;
}

/* The end mark of blocks. Who runs an instruction outside a block puts one
 * (exec, len 0, imm 0) behind it, and a slot of zeroes behind that. */
x86_exec x86_exec_end;

/* Leaves the block after insn: back to the engine's loop, which looks at
 * everything anew. */
static inline const struct x86_insn *x86_leave(struct x86_cpu *cpu,
                                               const struct x86_insn *insn)
{
    uint64_t rip = x86_next_rip(cpu, insn);

    cpu->rip = cpu->code64 ? rip : (uint32_t)rip;
    return NULL;
}

/* After a change of segments or modes: goes on in the block if it is still
 * right for the CPU, that is if the salt is what it was. */
static always_inline const struct x86_insn *x86_continue(
    struct x86_cpu *cpu, const struct x86_insn *insn, uint32_t salt)
{
    if (likely(cpu->jump_salt == salt)) {
        X86_NEXT(cpu, insn);
    }
    return x86_leave(cpu, insn);
}

/* Interrupts may have become deliverable. */
static inline void x86_look_at_events(struct x86_cpu *cpu)
{
    if (__atomic_load_n(&cpu->events, __ATOMIC_RELAXED)) {
        __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
    }
}

/* Why the interpreter came back. */
enum x86_exit {
    X86_EXIT_REQUEST,  /* X86_EV_EXIT (now cleared) */
    X86_EXIT_HALT,     /* nothing to do until an event comes */
    X86_EXIT_SHUTDOWN, /* triple fault; cpu->pins.triple_fault was called */
};

/* Allocates what the engine needs; the rest of *cpu is zero or set by the
 * board (model, spaces, pins). Then x86_cpu_reset(). */
void x86_cpu_init(struct x86_cpu *cpu);
void x86_cpu_free(struct x86_cpu *cpu);
/* Power-on state; `init`: what INIT leaves alone stays. */
void x86_cpu_reset(struct x86_cpu *cpu, bool init);
enum x86_exit x86_interp_run(struct x86_cpu *cpu);
/* The loop around it: events, debugging, exceptions. `run` runs code at
 * CS:RIP for as long as it likes to, but not past cpu->poll. */
enum x86_exit x86_run(struct x86_cpu *cpu, void (*run)(struct x86_cpu *cpu));
/* Interprets the block at CS:RIP, and no other where `alone`. */
void x86_run_block(struct x86_cpu *cpu, const struct x86_block *block,
                   bool alone);
/* Does the next instruction want to be alone: single step, shadows,
 * breakpoints? */
bool x86_special(const struct x86_cpu *cpu);
/* One instruction, or the delivery of one event. */
enum x86_exit x86_interp_step(struct x86_cpu *cpu);
/* Any thread. x86_lower_event is for level pins: X86_EV_INTR. */
void x86_raise_event(struct x86_cpu *cpu, uint32_t ev);
void x86_lower_event(struct x86_cpu *cpu, uint32_t ev);
/* Any thread: the page of this generation (mem/ram.h) holds code and was
 * written. X86_EV_CODE. */
void x86_code_written(struct x86_cpu *cpu, const uint32_t *generation);
static inline unsigned x86_written_hash(const uint32_t *generation)
{
    uint64_t n = (uintptr_t)generation / sizeof(uint64_t);

    return (unsigned)(n * UINT64_C(0x9e3779b97f4a7c15) >> 52) % X86_WRITTEN;
}
/* Is there an event that wakes a halted CPU? */
bool x86_has_work(const struct x86_cpu *cpu);
uint64_t x86_read_tsc(struct x86_cpu *cpu);

#endif
