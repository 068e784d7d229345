/* SPDX-License-Identifier: MIT */
/*
 * The data TLB: direct mapped, apart for reads and writes and for each way
 * of looking at user pages. An access hits where (address + minus) is at most
 * 4096 - size: one compare that also catches page crossing. Only RAM and ROM
 * that may be read or written without anybody being told have tags here.
 */
#ifndef TARGET_X86_TLB_H
#define TARGET_X86_TLB_H

#include "mem/space.h"
#include "target/x86/cpu.h"

enum {
    X86_TLB_SIZE = 4096,
    X86_TLB_LOG = 4096,
    X86_ITLB_SIZE = 256,
    X86_CODE_IDS = 4096,
};

/* Who is accessing. */
enum x86_tlb_set {
    X86_TLB_USER,
    X86_TLB_SUP,    /* SMAP forbids user pages */
    X86_TLB_SUP_AC, /* supervisor with EFLAGS.AC, or no SMAP at all */
    X86_TLB_SETS,
    X86_TLB_NONE = X86_TLB_SETS, /* never filled: alignment is being checked */
};

/* One of these for each set and way of access; by bits 12.. of the address. */
struct x86_tlb_array {
    uint64_t minus[X86_TLB_SIZE]; /* minus the linear address of the page */
    uint64_t delta[X86_TLB_SIZE]; /* from there to the page's host address */
};

/* What an instruction fetch found. */
struct x86_itlb_entry {
    uint64_t tag;
    uint64_t phys;
    uint8_t *host;   /* NULL: not memory, fetched byte by byte */
    struct ram *ram; /* with host */
    uint64_t ram_page;
    uint8_t set; /* USER or SUP */
    bool global;
};

/* A page's translation, as the slow paths want it. */
struct x86_page {
    uint64_t phys; /* of the page */
    uint8_t *host; /* of the page, NULL: not (whole) memory */
    struct ram *ram;
    uint64_t ram_page;
    bool readonly;
    bool global;
    bool large;
};

/* A write tag's memory: to be told when the tag goes. */
struct x86_tlb_dest {
    struct ram *ram;
    uint64_t page;
};

struct x86_tlb_fill {
    uint16_t index; /* in its array */
    uint8_t array;  /* set * 2 + write */
    bool global;
};

struct x86_tlb {
    struct x86_tlb_array rd[X86_TLB_SETS + 1];
    struct x86_tlb_array wr[X86_TLB_SETS + 1];
    struct x86_tlb_dest dest[X86_TLB_SETS][X86_TLB_SIZE];
    struct x86_itlb_entry itlb[X86_ITLB_SIZE];
    /* For translated code: which translation of a page of code, by its
     * number, is valid now; 0: none. By x86_code_slot(). */
    uint32_t code_id[X86_CODE_IDS];
    uint64_t code_used[X86_CODE_IDS / 64], code_local[X86_CODE_IDS / 64];
    /* The slots filled since the last flush, so that a flush is cheap. */
    struct x86_tlb_fill fills[X86_TLB_LOG];
    unsigned fill_count; /* X86_TLB_LOG + 1: too many */
    uint16_t keys; /* protection keys of what may be in here, a bit each */
    /* Addresses filled from large pages: INVLPG inside flushes everything. */
    uint64_t large_first[2], large_last[2];
    /* Bit per hash of a linear page: code was fetched from it since jumps
     * were flushed. */
    uint64_t code_pages[64];
    /* The range that served a physical access last. */
    const struct range *last_range;
};

struct x86_tlb *x86_tlb_new(void);
void x86_tlb_free(struct x86_tlb *tlb);
/* Drops everything; global entries only where `globals`. */
void x86_tlb_flush(struct x86_cpu *cpu, bool globals);
/* A new PKRU: drops what it may have been right for. */
void x86_set_pkru(struct x86_cpu *cpu, uint32_t pkru);
/* Drops what translates this linear address. */
void x86_tlb_flush_page(struct x86_cpu *cpu, uint64_t lin);
/* Drops write permission everywhere and tells mem/ram about it. */
void x86_tlb_clean(struct x86_cpu *cpu);
void x86_tlb_fill(struct x86_cpu *cpu, enum x86_tlb_set set, bool write,
                  uint64_t lin, const struct x86_page *page);
/* Drops this CPU's write tags for a page of RAM: code will be read from it. */
void x86_tlb_drop_writes(struct x86_cpu *cpu, const struct ram *ram,
                         uint64_t page);
/* Where code_id has the page of `rip`, apart for each set of modes. */
static inline unsigned x86_code_slot(uint64_t rip, unsigned set)
{
    return (unsigned)(rip >> 12 ^ rip >> 24 ^ set * 0x555) % X86_CODE_IDS;
}

/* No id is known any more: they will be given out again. */
void x86_code_ids_forget(struct x86_tlb *tlb);
/* From now on `id` is what the page at CS:rip is, until a flush. */
void x86_code_id_set(struct x86_tlb *tlb, unsigned slot, uint32_t id,
                     bool global);
/* May code have been fetched from this page since the last full flush? `set`:
 * it has now. */
bool x86_code_page(struct x86_tlb *tlb, uint64_t lin, bool set);
/* The memory layout changed: takes the new view. */
void x86_tlb_new_view(struct x86_cpu *cpu);

#endif
