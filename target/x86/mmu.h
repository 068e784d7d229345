/* SPDX-License-Identifier: MIT */
/*
 * Paging: linear to physical addresses, in every paging mode.
 */
#ifndef TARGET_X86_MMU_H
#define TARGET_X86_MMU_H

#include "target/x86/tlb.h"

enum x86_kind { X86_READ, X86_WRITE, X86_FETCH };

enum { /* #PF error code */
       X86_PF_P = 1 << 0,
       X86_PF_W = 1 << 1,
       X86_PF_U = 1 << 2,
       X86_PF_RSVD = 1 << 3,
       X86_PF_I = 1 << 4,
       X86_PF_PK = 1 << 5,
};

struct x86_walk {
    uint64_t phys; /* of the 4 KiB page */
    uint64_t size; /* of the page in the tables */
    uint64_t leaf; /* its entry */
    bool user;
    bool writable;
    bool nx;
    bool global;
    bool dirty;
};

/* The page at `lin` as `set` accesses it; raises #PF. cpu->insn is set. */
void x86_translate(struct x86_cpu *cpu, uint64_t lin, enum x86_kind kind,
                   enum x86_tlb_set set, struct x86_page *page);
/* Walks the tables. False: *error is the #PF error code. `peek`: no accessed
 * and dirty bits are set, no rights checked. */
bool x86_walk(struct x86_cpu *cpu, uint64_t lin, enum x86_kind kind,
              enum x86_tlb_set set, bool peek, struct x86_walk *walk,
              uint32_t *error);
/* For debuggers: where `lin` lies now, rights aside. False = nowhere. */
bool x86_translate_debug(struct x86_cpu *cpu, uint64_t lin, uint64_t *phys);
/* How far from `lin`, where nothing is mapped, the next thing can be. */
uint64_t x86_walk_hole(struct x86_cpu *cpu, uint64_t lin);
/* Loads the PDPTE registers from `cr3`. False: a reserved bit is set. */
bool x86_load_pdptes(struct x86_cpu *cpu, uint64_t cr3, uint64_t out[4]);
bool x86_canonical(const struct x86_cpu *cpu, uint64_t lin);
/* The range that holds a physical address, or NULL. */
const struct range *x86_phys_range(struct x86_cpu *cpu, uint64_t phys);
/* The set that data accesses at this privilege use, alignment aside. */
enum x86_tlb_set x86_data_set(const struct x86_cpu *cpu, unsigned cpl);
/* The bits of a physical address that reach memory. */
static inline uint64_t x86_a20(const struct x86_cpu *cpu, uint64_t phys)
{
    return cpu->a20 ? phys : phys & ~(UINT64_C(1) << 20);
}

#endif
