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
    X86_TLB_SIZE = 1024,
    X86_TLB_LOG = 1024,
    X86_ITLB_SIZE = 256,
};

/* Who is accessing. */
enum x86_tlb_set {
    X86_TLB_USER,
    X86_TLB_SUP,    /* SMAP forbids user pages */
    X86_TLB_SUP_AC, /* supervisor with EFLAGS.AC, or no SMAP at all */
    X86_TLB_SETS,
    X86_TLB_NONE = X86_TLB_SETS, /* never filled: alignment is being checked */
};

struct x86_tlb_entry {
    uint64_t minus; /* minus the linear address of the page */
    uint8_t *host;  /* of the page */
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
    struct x86_tlb_entry rd[X86_TLB_SETS + 1][X86_TLB_SIZE];
    struct x86_tlb_entry wr[X86_TLB_SETS + 1][X86_TLB_SIZE];
    struct x86_tlb_dest dest[X86_TLB_SETS][X86_TLB_SIZE];
    struct x86_itlb_entry itlb[X86_ITLB_SIZE];
    /* The slots filled since the last flush, so that a flush is cheap. */
    struct x86_tlb_fill fills[X86_TLB_LOG];
    unsigned fill_count; /* X86_TLB_LOG + 1: too many */
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
/* Drops what translates this linear address. */
void x86_tlb_flush_page(struct x86_cpu *cpu, uint64_t lin);
/* Drops write permission everywhere and tells mem/ram about it. */
void x86_tlb_clean(struct x86_cpu *cpu);
void x86_tlb_fill(struct x86_cpu *cpu, enum x86_tlb_set set, bool write,
                  uint64_t lin, const struct x86_page *page);
/* Drops this CPU's write tags for a page of RAM: code will be read from it. */
void x86_tlb_drop_writes(struct x86_cpu *cpu, const struct ram *ram,
                         uint64_t page);
/* May code have been fetched from this page since the last full flush? `set`:
 * it has now. */
bool x86_code_page(struct x86_tlb *tlb, uint64_t lin, bool set);
/* The memory layout changed: takes the new view. */
void x86_tlb_new_view(struct x86_cpu *cpu);

#endif
