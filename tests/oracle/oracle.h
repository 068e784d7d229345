/* SPDX-License-Identifier: MIT */
/*
 * The oracle: random user-mode instructions run by the host's CPU and by the
 * interpreter, from the same state; everything is compared.
 *
 * A case is a seed: registers, memory and a few instructions follow from it.
 */
#ifndef TESTS_ORACLE_ORACLE_H
#define TESTS_ORACLE_ORACLE_H

#include "base/error.h"

enum {
    ORACLE_MAX_INSNS = 8,
    ORACLE_PAGE = 4096,
    ORACLE_SCRATCH = 2 * ORACLE_PAGE,
    ORACLE_LEAVE = 8 + ORACLE_MAX_INSNS * 15, /* the way out: see gen_code() */
    ORACLE_MAX_CODE = ORACLE_LEAVE + 14,
    ORACLE_NO_VECTOR = -1, /* the sequence came to its end */
};

/* Where code and scratch memory are, for both. Around them nothing is. */
#define ORACLE_CODE UINT64_C(0x10000000)
#define ORACLE_DATA UINT64_C(0x20000000)

struct oracle_x87 {
    uint64_t mantissa;
    uint16_t sign_exp;
};

/* What user-mode code sees. The x87 registers are in stack order. */
struct oracle_state {
    uint64_t gpr[16];
    uint64_t rip, rflags;
    struct oracle_x87 st[8];
    uint16_t fcw, fsw;
    uint8_t valid; /* bit i: physical register i is not empty */
    uint32_t mxcsr;
    uint8_t ymm[16][32];
    int vector; /* of the exception that ended it */
    uint32_t error;
    uint64_t cr2;
};

struct oracle_insn {
    uint8_t bytes[15];
    uint8_t len;
    uint8_t patch_at;  /* of a 32-bit displacement to `target`; 0 = none */
    uint8_t jump_at;   /* of a relative branch's displacement; 0 = none */
    uint8_t jump_size; /* 1, 2 or 4 */
    bool string32;     /* a string instruction with 32-bit addresses */
    bool skip;         /* it goes past the next instruction, not to it */
    uint16_t row;
    uint32_t undefined; /* flags that are undefined after it */
    uint64_t target;
};

struct oracle_case {
    uint64_t seed;
    unsigned count;
    bool mode32; /* 32-bit code, else 64-bit */
    bool branches;
    struct oracle_insn insn[ORACLE_MAX_INSNS];
    struct oracle_state in;
    uint8_t memory[ORACLE_SCRATCH];
};

/* What a run left. */
struct oracle_result {
    struct oracle_state state;
    uint8_t memory[ORACLE_SCRATCH];
};

/* A generator of good numbers from any seed. */
struct oracle_rng {
    uint64_t state;
};

static inline uint64_t rng64(struct oracle_rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline unsigned rng_below(struct oracle_rng *r, unsigned n)
{
    return (unsigned)((rng64(r) >> 32) * n >> 32);
}

/* True in `percent` of all cases. */
static inline bool rng_percent(struct oracle_rng *r, unsigned percent)
{
    return rng_below(r, 100) < percent;
}

/* gen.c: the rows to choose from; `only` names mnemonics, NULL = all. */
struct oracle_gen;
struct oracle_gen *gen_new(const char *only, unsigned max_insns,
                           unsigned percent32);
void gen_free(struct oracle_gen *g);
unsigned gen_rows(const struct oracle_gen *g);
void gen_case(const struct oracle_gen *g, uint64_t seed, struct oracle_case *c);
/* DPPS and the like: CPUs add in their own order, so they pick their own NaN.
 * Such an instruction is the last one of its case. */
bool gen_is_dot_product(const struct oracle_insn *o);
/*
 * Machine code of the case; offsets[i] of each instruction and of the end. From
 * there it goes (out of 32-bit mode) to ORACLE_LEAVE in its page, and on to
 * oracle_leave().
 */
void gen_code(const struct oracle_case *c, uint8_t code[ORACLE_MAX_CODE],
              unsigned offsets[ORACLE_MAX_INSNS + 1]);

/* native.c */
void oracle_leave(void);
bool native_init(GError **error);
void native_run(const struct oracle_case *c, struct oracle_result *out);

/* guest.c */
/* `engine`: interp, or jit (the translator). */
bool guest_init(const char *engine, GError **error);
void guest_run(const struct oracle_case *c, struct oracle_result *out);
void guest_free(void);

struct guest_size {
    unsigned bytes, insns; /* of the host */
};

/* What the translator makes of a block of one 64-bit instruction, all in all.
 * False: nothing. */
bool guest_measure(const uint8_t *code, unsigned len, struct guest_size *size);
/* Runs 64-bit code in both engines; `spoil`: byte 2 of what the translator made
 * of it gets another value. True: a difference was reported. */
bool guest_lockstep(const uint8_t *code, unsigned len, uint8_t spoil);

/* compare.c: true where they agree. Differences as lines into `report`, which
 * may be NULL. */
bool oracle_same(const struct oracle_case *c,
                 const struct oracle_result *native,
                 const struct oracle_result *guest, GString *report);

#endif
