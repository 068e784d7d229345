/* SPDX-License-Identifier: MIT */
/*
 * A block in translation. Functions that translate an instruction return false
 * where they do not know it and have written nothing: C runs it then.
 */
#ifndef ACCEL_TCG_TR_H
#define ACCEL_TCG_TR_H

#include "accel/tcg/jit.h"

enum { TR_SLOW_MAX = 6 };

/* A place in the cold part: an instruction whose fast path did not fit. */
struct tr_slow {
    struct jit_site *site;
    uint8_t *jump[TR_SLOW_MAX]; /* displacements that lead here */
    unsigned jumps;
    const void *resume;
    bool vec;  /* the vector registers must be loaded behind it */
    bool wide; /* and their upper halves are in use */
};

struct tr {
    struct jit *j;
    struct emit e;
    const struct x86_block *block;
    struct jit_block *jb;
    const struct x86_insn *insn;
    struct tr_slow slow[X86_BLOCK_INSNS];
    unsigned slows;
    struct tr_slow *now; /* that of `insn`, if it has one */
    unsigned exits;
    uint8_t *to_stub[4]; /* displacements that lead to exits' stubs */
    uint8_t to_which[4];
    unsigned to_stubs;
    bool vec;       /* the vector registers are loaded here */
    bool wide;      /* hot->upper is set here */
    bool wants_vec; /* some instruction from here on wants them */
    bool full;      /* no room for more: give up */
    bool ended;     /* control does not come behind the last instruction */
    bool polls;     /* events were held back: every exit looks for them */
    const struct jit_jumps *jumps;
    /* stack.c: offsets from the block's first RSP. */
    int32_t sp, stack_lo, stack_hi;
    unsigned stack_count;
    unsigned stack_until; /* instructions that are covered */
    bool stack_write;
    uint8_t *stack_miss; /* a displacement, NULL: no check */
    uint32_t mode;
};

static inline bool tr_code64(const struct tr *t)
{
    return t->mode & X86_M_CODE64;
}

static inline uint64_t tr_rip(const struct tr *t)
{
    return t->jb->rip + t->insn->offset;
}

static inline uint64_t tr_next_rip(const struct tr *t)
{
    uint64_t rip = tr_rip(t) + t->insn->len;

    return tr_code64(t) ? rip : (uint32_t)rip;
}

/* ---- memory.c ---- */

/* Leaves for the slow path of the instruction, from a jump's displacement. */
void tr_to_slow(struct tr *t, uint8_t *disp);
/* The slow path here and now. */
void tr_go_slow(struct tr *t);
/* Can the effective address be computed here? */
bool tr_can_address(const struct tr *t, const struct x86_insn *insn);
/* The linear address of insn's memory operand into R10. R11 and RCX are
 * lost. */
void tr_address(struct tr *t, const struct x86_insn *insn);
/* Behind tr_address: the bytes are at [R10 + R11]; RCX is lost. */
void tr_check(struct tr *t, unsigned size, bool write);
/* The jump that is taken where it is fine: what follows is not. */
uint8_t *tr_check_only(struct tr *t, unsigned size, bool write);
void tr_check_aligned(struct tr *t, unsigned align);
/* Where they are. */
#define TR_MEM ((struct host_mem){H_R10, H_R11, 0, 0})
/* Like RSP + disp as address. */
void tr_stack_address(struct tr *t, int32_t disp);
/* A guest register's value to a host register, and back (all 64 bits). */
void tr_get(struct tr *t, unsigned host, unsigned guest);
void tr_put(struct tr *t, unsigned guest, unsigned host);

/* ---- rewrite.c ---- */

/* A feature (enum x86_feature) of the host's. */
bool tr_host_has(const struct tr *t, unsigned feature);

/* One host instruction for one guest instruction, operands exchanged. */
bool tr_rewrite(struct tr *t, const struct x86_insn *insn);
/* Makes the vector registers the guest's. */
void tr_need_vec(struct tr *t);

/* May C or the rewritten instruction change RSP? */
bool tr_may_write_sp(const struct tr *t, const struct x86_insn *insn);
/* Size of the memory operand of an instruction that is rewritten, and whether
 * it is written. */
bool tr_memory_operand(const struct tr *t, const struct x86_insn *insn,
                       unsigned *size, bool *write);

/* ---- stack.c ---- */

/* The check at the block's start, if it is worth one. */
void tr_stack_plan(struct tr *t);
/* Follows RSP past an instruction. */
void tr_stack_step(struct tr *t, const struct x86_insn *insn);
/* Where RSP + disp is; R11 is in use then. False: it is not covered. */
bool tr_stack_mem(struct tr *t, int32_t disp, struct host_mem *m);
bool tr_stack_operand(struct tr *t, const struct x86_insn *insn,
                      struct host_mem *m);

/* ---- flow.c ---- */

bool tr_flow(struct tr *t, const struct x86_insn *insn);
void tr_exit(struct tr *t, uint64_t rip);
struct jit_site *tr_site(struct tr *t, const struct x86_insn *insn);

/* RSP += by, with the bits that it has. */
void tr_add_sp(struct tr *t, int32_t by);

/* ---- system.c ---- */

bool tr_system(struct tr *t, const struct x86_insn *insn);

/* ---- special.c ---- */

/* The ones that no rule covers. */
bool tr_special(struct tr *t, const struct x86_insn *insn);
bool tr_is_plain(const struct x86_insn *insn);

#endif
