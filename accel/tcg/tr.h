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

enum { TR_RANGES = 8, TR_MISSES = TR_RANGES + 1 };

/* Operands that one check will do for. */
struct tr_range {
    uint8_t base; /* guest register, or X86_R_ZERO */
    uint8_t seg;
    int64_t lo, hi;
    bool write;
    bool open;  /* while it is planned: more may come */
    bool known; /* hot->range is set */
    unsigned count;
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
    bool vec;                /* the vector registers are loaded here */
    bool wide;               /* hot->upper is set here */
    bool wants_vec;          /* some instruction from here on wants them */
    bool full;               /* no room for more: give up */
    uint8_t *second_changed; /* a displacement that leads to the bounce */
    bool ended; /* control does not come behind the last instruction */
    bool polls; /* events were held back: every exit looks for them */
    const struct jit_jumps *jumps;
    /* stack.c: offsets from the block's first RSP. */
    int32_t sp, stack_lo, stack_hi;
    unsigned stack_count;
    unsigned stack_until; /* instructions that are covered */
    bool stack_write;
    int32_t sp_debt;
    const uint64_t *in_r11; /* what is in R11, for the next instruction, too */
    /* range.c */
    bool plain; /* no ranges */
    struct tr_range range[TR_RANGES];
    unsigned ranges;
    int8_t range_of[X86_BLOCK_INSNS]; /* -1: of none */
    uint8_t *miss[TR_MISSES];         /* displacements that lead to a miss */
    uint8_t miss_insn[TR_MISSES];
    unsigned misses;
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
/* The offset (no segment) of a memory operand to any register, 4 or 8 bytes. */
void tr_lea(struct tr *t, const struct x86_insn *insn, unsigned to,
            unsigned size);
/* Behind tr_address: the bytes are at [R10 + R11]; RCX is lost. */
void tr_check(struct tr *t, unsigned size, bool write);
/* The same for as many elements as host register `count` says, fewer than
 * 4096; only with BMI2. */
void tr_check_run(struct tr *t, unsigned count, unsigned shift, bool write);
/* Behind either: where the operand is; R11 or R10 and R11 are in use. By one
 * of the block's ranges where that is possible. */
void tr_operand(struct tr *t, const struct x86_insn *insn, unsigned size,
                bool write, struct host_mem *m);
/* The address of an operand that has neither base nor index, without its
 * segment; and any such linear address to R10. */
uint64_t tr_fixed_address(const struct tr *t, const struct x86_insn *insn);
void tr_number_address(struct tr *t, unsigned seg, uint64_t address);
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

/* Before a block. */
void tr_shapes_begin(struct tr *t);
/* A feature (enum x86_feature) of the host's. */
bool tr_host_has(const struct tr *t, unsigned feature);

/* One host instruction for one guest instruction, operands exchanged. */
bool tr_rewrite(struct tr *t, const struct x86_insn *insn);
/* Makes the vector registers the guest's. */
void tr_need_vec(struct tr *t);

/* Registers only, none of them RSP or kept in memory; no way out. */
bool tr_quiet(const struct tr *t, const struct x86_insn *insn);
/* The guest registers that an instruction may write, a bit each. */
enum { TR_WRITES_ANY = 0xffff };
uint32_t tr_written(const struct tr *t, const struct x86_insn *insn);
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
/* RSP += by, with the bits that it has; the same, to be paid before anybody
 * looks. */
void tr_add_sp(struct tr *t, int32_t by);
void tr_owe_sp(struct tr *t, int32_t by);
void tr_pay_sp(struct tr *t);
/* Before each instruction. False: R11 is not kept behind it. */
bool tr_stack_begin(struct tr *t);
/* Will it be? */
bool tr_stack_covers(const struct tr *t, const struct x86_insn *insn);

/* ---- range.c ---- */

void tr_range_plan(struct tr *t);
bool tr_range_operand(struct tr *t, const struct x86_insn *insn,
                      struct host_mem *m);
/* From a jump's displacement to the plain version of the instruction. */
void tr_miss(struct tr *t, uint8_t *disp);

/* ---- flow.c ---- */

bool tr_flow(struct tr *t, const struct x86_insn *insn);
void tr_exit(struct tr *t, uint64_t rip);
struct jit_site *tr_site(struct tr *t, const struct x86_insn *insn);

/* ---- system.c ---- */

bool tr_system(struct tr *t, const struct x86_insn *insn);

/* ---- string.c ---- */

bool tr_string(struct tr *t, const struct x86_insn *insn);

/* ---- x87.c ---- */

bool tr_x87(struct tr *t, const struct x86_insn *insn);
/* Makes the x87 the guest's, or C does the instruction. Vector registers may
 * be away behind it. */
void tr_need_x87(struct tr *t);
/* As tr_memory_operand(). */
bool tr_x87_operand(const struct tr *t, const struct x86_insn *insn,
                    unsigned *size, bool *write);

/* ---- special.c ---- */

/* The ones that no rule covers. */
bool tr_special(struct tr *t, const struct x86_insn *insn);
bool tr_is_plain(const struct x86_insn *insn);
/* For tr_written(). */
uint32_t tr_special_written(const struct x86_insn *insn);
uint32_t tr_hidden_written(const struct x86_insn *insn);

#endif
