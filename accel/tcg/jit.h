/* SPDX-License-Identifier: MIT */
/*
 * The translator for x86-64 hosts: what its parts share. The design and its
 * figures: docs/translator.md.
 *
 * While translated code runs, guest registers are host registers (jit_host[];
 * four of them are in struct x86_cpu), the arithmetic flags are the host's,
 * and XMM and YMM registers are the host's once a block has asked for them
 * (vec_dead is 0 then, and MXCSR is the guest's), likewise the x87 (x87_dead).
 * RCX, R10 and R11 are scratch; RSP is in the stack of returns, JIT_RETS.
 * Around every call of C all of it is in struct x86_cpu.
 *
 * One code cache a vCPU: nothing here is shared between threads, and what is
 * addressed is addressed absolutely, below 2 GiB.
 */
#ifndef ACCEL_TCG_JIT_H
#define ACCEL_TCG_JIT_H

#include "accel/tcg/emit.h"
#include "target/x86/interp.h"

enum {
    JIT_JUMPS = 16384, /* a table of the jump cache */
    JIT_JUMP_SHIFT = 14,
    JIT_HASH_BITS = 18,
    JIT_KNOWN = 1 << 15,
    JIT_COLD_RUNS = 12,
    JIT_MODES = 16,              /* tables: one a mode */
    JIT_SLACK = 32 << 10,        /* bytes that one block may take, at most */
    JIT_LAST_ID = INT32_MAX - 3, /* of a map; then all begins anew */
    JIT_IN_MEMORY = 0xfe, /* a guest register that no host register holds */
};

/* Host register of a guest register, or JIT_IN_MEMORY. */
extern const uint8_t jit_host[16];

struct jit_block;
struct tr_shapes;

/* An instruction that C may have to run. */
struct jit_site {
    const struct x86_insn *insn;
    struct jit_block *block;
};

/* A way out of a block to an address that is known. */
struct jit_exit {
    uint64_t rip;
    struct jit_block *from;
    struct jit_block *to;  /* NULL: not linked */
    struct jit_exit *next; /* of those that lead to `to` */
    uint8_t *jump;         /* the displacement to patch */
    uint8_t *minus_id;     /* 4 bytes to patch; NULL: never leaves the page */
    const void *stub;      /* where it leads when it is not linked */
};

/* A page of code as seen at one linear address in one mode. */
struct jit_map {
    struct jit_map *next; /* of the same page */
    uint64_t page;        /* linear, its number */
    uint32_t mode;
    uint32_t id;   /* even, not 0, not used again before a flush */
    unsigned slot; /* where code_id has it */
};

struct jit_block {
    uint64_t rip;
    const struct x86_block *block;
    uint8_t *code;          /* as it is written */
    const uint8_t *run;     /* as it runs */
    const uint8_t *landing; /* for those who come by the jump cache, or NULL */
    const struct jit_map *map;
    uint32_t id; /* of the map */
    unsigned slot;
    /* Of an instruction that goes on in the next page; else NULL. */
    const struct jit_map *map2;
    struct jit_block *next_in_page2;
    struct jit_block *next; /* of the same hash */
    struct jit_block *next_in_page;
    struct jit_exit *incoming;
    struct jit_exit exits[2];
    const void *bounce; /* leaves for the block's own address */
    /* The same without ranges, made when it is first wanted; there: where each
     * instruction begins. */
    struct jit_block *plain;
    uint32_t *at;
    bool dead; /* what it was made from has changed */
};

/* A check of a range that failed: goes on in the plain version. */
struct jit_miss {
    struct jit_block *block;
    uint8_t *jump; /* the displacement to patch */
    unsigned insn;
};

struct jit_page {
    struct jit_page *next; /* of the same hash */
    uint32_t *generation;
    uint32_t seen;
    struct jit_block *blocks;
    struct jit_block *tails; /* that end in this page, only */
    struct jit_map *maps;
};

/* The jump cache of a mode: an entry may be for a translation that is not
 * valid now, the landing sees to that. */
struct jit_jumps {
    uint64_t minus[JIT_JUMPS]; /* minus RIP */
    const void *landing[JIT_JUMPS];
};

struct jit_mode {
    uint32_t mode;
    struct jit_jumps *jumps; /* low; NULL: not in use */
};

/* What translated code reads and writes, low in memory. */
struct jit_hot {
    uint64_t rax, tmp, target;
    uint64_t stack;     /* host address of the RSP that the block began with */
    uint64_t range[8];  /* range.c: from registers to the host's memory */
    uint32_t flags;     /* AX of lahf, seto */
    uint32_t flags_vec; /* likewise, in passing */
    uint64_t ret_top;   /* RSP in translated code, where nothing was called */
    uint64_t ret_rsp;   /* while C runs: RSP of translated code */
    uint64_t c_rsp;     /* and the other way round */
    /* x87.c: struct jit_site of the last instruction, the last with an operand in
     * memory, and its offset. */
    uint64_t x87_site, x87_mem_site, x87_fdp;
    uint8_t x87[112];  /* FNSAVE's image */
    uint8_t x87_dead;  /* 1: the x87 is C's */
    uint8_t x87_saved; /* 1: the image is to be taken into struct x86_cpu */
    uint8_t vec_dead;  /* 1: the vector registers are in struct x86_cpu */
    uint8_t mxcsr_odd; /* 1: the guest's rounds otherwise than C does */
    uint8_t upper;     /* 1: their upper halves may not be zero */
    uint32_t mxcsr;    /* C's */
    /* Of PEXT and PDEP. */
    uint64_t page_mask, offset_mask, index_mask, jump_mask, ret_mask;
    uint64_t df, no_if, no_df, no_fixed, bits_of[9]; /* by size in bytes */
};

struct jit_glue {
    const void *enter;
    const void *leave;    /* R11: why, see jit_leave */
    const void *call;     /* R11: site */
    const void *load_vec; /* R11: why, should it fail */
    const void *load_x87; /* hot->x87_dead says whether it did */
    const void *ret_lost; /* a return that nothing was called for, to R10 */
    const void *ret_miss; /* the one below in the return stack, to R10? */
};

/* The low bits of what `leave` gets in R11. */
enum jit_leave {
    JIT_AT_EXIT = 0,  /* struct jit_exit */
    JIT_AT_INSN = 1,  /* struct jit_site: at that instruction */
    JIT_AFTER = 2,    /* ... or after it */
    JIT_AT_BLOCK = 3, /* struct jit_block: at its start */
    JIT_MISSED = 4,   /* struct jit_miss */
    JIT_WHY = 7,
};

/*
 * The stack of translated code: for each guest call whose return is awaited,
 * where the host goes on, and minus the guest address that this is right for.
 * So the host predicts guest returns as it does its own. What is in it is a
 * guess, which is compared. When it is full it starts anew at its top, where
 * an entry that nobody made leads to ret_lost.
 *
 * Between two guest instructions the low bits of RSP are 12, so that RSP is the
 * number that shifts a page's offset away.
 */
enum {
    JIT_RET_SIZE = 64, /* 8 bytes host, 8 bytes minus, nothing */
    JIT_RET_LOW = 12,
    JIT_RETS = 1024,
    JIT_RET_BYTES = JIT_RETS * JIT_RET_SIZE, /* its start is a multiple */
    JIT_RET_SLACK = 64 << 10,                /* below it: frames of signals */
};

struct jit {
    struct x86_cpu *cpu;
    struct jit_hot *hot;
    uint8_t *ret_memory;
    uint8_t *rets; /* its start */
    struct jit_glue glue;
    /* The code, written here, run there. */
    uint8_t *rw, *rx;
    size_t code_size;
    struct emit emit;
    uint8_t *first; /* after the glue */
    /* Blocks and sites, low. */
    uint8_t *meta;
    size_t meta_size, meta_used;
    struct jit_page *pages[X86_WRITTEN]; /* by x86_written_hash() */
    struct jit_block *known[JIT_KNOWN];  /* by RIP, for C */
    struct jit_mode modes[JIT_MODES];
    struct jit_mode *mode; /* that was asked for last */
    uint32_t last_id;
    struct jit_block *hash[1 << JIT_HASH_BITS];
    unsigned drops; /* of x86_blocks: when everything was thrown away */
    struct jit_exit *pending; /* the exit last taken */
    bool bmi2, avx;
    uint64_t host_features[4];     /* enum x86_feature */
    struct tr_shapes *shapes;      /* rewrite.c */
    struct x86_block *slot;        /* of one instruction, for C */
    int perf_map;                  /* a file, or -1 */
    unsigned cold_runs;            /* of a block, before it is translated */
    struct jit_lockstep *lockstep; /* lockstep.c, or NULL */
    /* Counted for info jit. */
    uint64_t blocks, insns, fallbacks, guest_bytes, host_bytes, flushes, killed;
    uint64_t calls, entries;
};

/* The set of the TLB that blocks of a mode use. */
static inline unsigned jit_mode_set(uint32_t mode)
{
    return mode >> X86_M_SET_SHIFT & 3;
}

enum { JIT_MXCSR_MASKS = 0x1f80 };

/* Is it code that is translated: 64-bit, or flat 32-bit? */
static inline bool jit_can_run(const struct x86_cpu *cpu, uint32_t mode)
{
    return (cpu->code64 ||
            (mode & X86_M_FLAT && cpu->seg[X86_CS].limit == UINT32_MAX)) &&
           (cpu->fpu.mxcsr & JIT_MXCSR_MASKS) == JIT_MXCSR_MASKS;
}

/* cache.c */
struct jit *jit_new(struct x86_cpu *cpu, size_t code_size, GError **error);
void jit_free(struct jit *j);
void jit_flush(struct jit *j);
void *jit_meta(struct jit *j, size_t size); /* NULL: flush */
struct jit_block *jit_find(struct jit *j, const struct x86_block *block,
                           uint64_t rip);
/* For a block that goes on in the next page: map2. False: no room. */
bool jit_map_second(struct jit *j, struct jit_block *jb);
/* False: no room. */
bool jit_keep(struct jit *j, struct jit_block *jb);
void jit_link(struct jit *j, struct jit_exit *x, struct jit_block *to);
void jit_kill(struct jit *j, struct jit_block *jb);
/* Code was written somewhere: forgets what has changed. */
void jit_sweep(struct jit *j);
/* Makes a block known to the jump cache, and its page valid. */
void jit_jump_add(struct jit *j, struct jit_block *jb);
/* The jump cache of a mode. */
struct jit_jumps *jit_jumps(struct jit *j, uint32_t mode);
/* Is this the block for CS:rip as the CPU is? Raises what fetching raises. */
bool jit_still(struct jit *j, const struct jit_block *jb, uint64_t rip);
/* The block at CS:rip, if it is the last that was known there and still is;
 * likewise. */
struct jit_block *jit_known(struct jit *j, uint64_t rip);
/* The code that goes to a block after a look at its page; NULL: no room. */
const uint8_t *jit_landing(struct jit *j, struct jit_block *jb);

/* perfmap.c */
void jit_perf_name(const struct jit *j, const struct jit_block *jb,
                   size_t size);

/* glue.c */
/* Before the pushes of an entry's two words: RSP to the next entry, from the top
 * again where the stack of returns is full. RCX is lost. */
void jit_next_ret(struct emit *e, const struct jit *j);
void jit_emit_glue(struct jit *j);

/* translate.c: NULL: no room. */
struct jit_block *jit_translate(struct jit *j, const struct x86_block *block,
                                uint64_t rip);
/* The block's plain version. */
struct jit_block *jit_plain(struct jit *j, struct jit_block *jb);

/* x87.c: the guest's state to hot->x87 (false: not to be run by the host), and
 * back. */
bool jit_x87_load(struct jit *j);
void jit_x87_save(struct jit *j);

/* lockstep.c: a block in both engines. */
void jit_lockstep_run(struct x86_cpu *cpu);
void jit_lockstep_describe(const struct jit *j, GString *out);
void jit_lockstep_free(struct jit *j);

/* run.c */
/* What is known is made true again, after C has done something. */
void jit_catch_up(struct jit *j);
/* The translation of a block at CS:RIP, made if need be; NULL: no room. */
struct jit_block *jit_block_at(struct jit *j, const struct x86_block *block);
/* Runs from a block on, until translated code comes back. */
void jit_enter(struct jit *j, const struct jit_block *jb);
enum { JIT_LEAVE, JIT_CONTINUE };

/* Runs an instruction: JIT_LEAVE, JIT_CONTINUE, or the code to go on with. */
uintptr_t jit_call(struct x86_cpu *cpu, struct jit_site *site);

#endif
