/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's cache of decoded blocks, one a vCPU, and how a block
 * finds the next one.
 */
#ifndef TARGET_X86_BLOCK_H
#define TARGET_X86_BLOCK_H

#include "target/x86/decode.h"
#include "target/x86/tlb.h"

enum { X86_JUMPS = 4096, X86_BLOCK_INSNS = 48 };

/* What a block's decoding depends on, beside its bytes. */
enum {
    X86_M_CODE64 = 1 << 0,
    X86_M_CODE32 = 1 << 1,
    X86_M_STACK32 = 1 << 2,
    X86_M_REAL = 1 << 3,
    X86_M_V86 = 1 << 4,
    X86_M_CPL_SHIFT = 5, /* two bits */
    X86_M_FLAT = 1 << 7, /* 32-bit; DS, ES, SS: base 0, 4 GiB, writable */
    X86_M_EM = 1 << 8,
    X86_M_TS = 1 << 9,
    X86_M_OSFXSR = 1 << 10,
    X86_M_AVX = 1 << 11,  /* CR4.OSXSAVE, XCR0 has SSE and AVX */
    X86_M_SET_SHIFT = 12, /* two bits: enum x86_tlb_set of data accesses */
};

struct x86_block {
    uint64_t phys;
    /* Of an instruction that goes on in the next page; else NULL. */
    uint32_t *generation2;
    uint64_t phys2;
    uint32_t seen2;
    uint32_t mode;
    struct x86_block *next;
    /* From here on, what chaining reads. */
    uint64_t rip;  /* where it was found last, ... */
    uint32_t salt; /* ... and when: as in struct x86_jump */
    uint32_t seen;
    uint32_t *generation;   /* of its page: it is stale when that moves */
    uint16_t len;           /* bytes */
    uint16_t count;         /* instructions */
    uint8_t runs;           /* how often the translator let it be interpreted */
    struct x86_insn insn[]; /* then an end mark, len 0, and the links */
};

/* The successors of a block that ends in a direct branch: those that were
 * found last, to be checked before use. In the slot after the end mark. */
struct x86_links {
    struct x86_block *to[2];
};

/* The block at an address of code as the CPU is now. */
struct x86_jump {
    uint64_t rip;
    struct x86_block *block;
    uint32_t salt; /* its time and mode: see x86_jumps_mode() */
};

struct x86_blocks *x86_blocks_new(void);
void x86_blocks_free(struct x86_blocks *b);
struct x86_jump *x86_blocks_jumps(struct x86_blocks *b);
/* Translations changed: jumps are valid no more; those to global pages only
 * where `globals`. */
void x86_jumps_flush(struct x86_cpu *cpu, bool globals);
/* CPL, segments or control registers changed: picks cpu->jump_salt. */
void x86_jumps_mode(struct x86_cpu *cpu);
/* The block at CS:rip, made if need be; raises what fetching raises. */
struct x86_block *x86_block_find(struct x86_cpu *cpu, uint64_t rip);
/* Is this block, which is kept, what x86_block_find() would return? Raises what
 * fetching raises. *global: its page's translation survives CR3. */
bool x86_block_still(struct x86_cpu *cpu, const struct x86_block *block,
                     uint64_t rip, bool *global);
/* A block of the one instruction at CS:rip, valid until the next call. */
struct x86_block *x86_block_single(struct x86_cpu *cpu, uint64_t rip);
/* A store of the running instruction hit a line that holds code. */
void x86_block_written(struct x86_cpu *cpu);
/* Ends the running block after its current instruction. */
void x86_block_cut(struct x86_cpu *cpu);
/* Instructions of the running block from cpu->insn on. */
unsigned x86_block_rest(const struct x86_cpu *cpu);

/*
 * Makes a decoded instruction executable: its handler, its offset from the
 * block's RIP, and the forms that handlers want (reg8, rm8, base, index).
 */
void x86_prepare(const struct x86_cpu *cpu, struct x86_insn *insn,
                 unsigned offset);
/* The mode bits of the CPU as it is now. */
uint32_t x86_mode_bits(const struct x86_cpu *cpu);
/* Is the block what its bytes in memory are? */
bool x86_block_fresh(const struct x86_block *block);
/* The same, as it was when the CPU last changed it. */
uint32_t x86_blocks_mode(const struct x86_blocks *b);
/* Bytes that decoded blocks may take, if the host has them; drops those that
 * there are. */
void x86_blocks_set_room(struct x86_blocks *b, size_t bytes);
/* How often all blocks were dropped: pointers to them died then. */
unsigned x86_blocks_drops(const struct x86_blocks *b);

#endif
