/* SPDX-License-Identifier: MIT */
/*
 * Segments: checks of accesses, descriptors, and loading segment registers.
 * [SDM] vol. 3 ch. 3 and 5.
 */
#ifndef TARGET_X86_SEGMENT_H
#define TARGET_X86_SEGMENT_H

#include "target/x86/access.h"
#include "target/x86/excp.h"

/* A descriptor as it stands in a table; `high` only of 16-byte ones. */
struct x86_desc {
    uint64_t low;
    uint64_t high;
    uint64_t at; /* linear address, to set its accessed or busy bit */
};

enum { /* system descriptor types */
       X86_SYS_TSS16 = 1,
       X86_SYS_LDT = 2,
       X86_SYS_TSS16_BUSY = 3,
       X86_SYS_CALL16 = 4,
       X86_SYS_TASK = 5,
       X86_SYS_INT16 = 6,
       X86_SYS_TRAP16 = 7,
       X86_SYS_TSS32 = 9,
       X86_SYS_TSS32_BUSY = 11,
       X86_SYS_CALL32 = 12,
       X86_SYS_INT32 = 14,
       X86_SYS_TRAP32 = 15,
};

static inline uint32_t x86_desc_attr(const struct x86_desc *d)
{
    return (uint32_t)(d->low >> 40) & 0xf0ff;
}

static inline unsigned x86_desc_type(const struct x86_desc *d)
{
    return d->low >> 40 & 0xf;
}

static inline bool x86_desc_s(const struct x86_desc *d)
{
    return d->low >> 44 & 1;
}

static inline bool x86_desc_p(const struct x86_desc *d)
{
    return d->low >> 47 & 1;
}

static inline unsigned x86_desc_dpl(const struct x86_desc *d)
{
    return d->low >> 45 & 3;
}

uint64_t x86_desc_base(const struct x86_desc *d);
uint32_t x86_desc_limit(const struct x86_desc *d);
/* Fills a segment register's cache from a descriptor. */
struct x86_seg x86_desc_seg(const struct x86_desc *d, uint16_t selector);

/*
 * Reads the descriptor of a selector from GDT or LDT. False: it lies outside
 * the table (or there is no LDT). Null selectors are for the caller.
 */
bool x86_desc_read(struct x86_cpu *cpu, uint16_t selector, struct x86_desc *d);
/* The same, raising vector(selector & ~3) where it lies outside. */
void x86_desc_get(struct x86_cpu *cpu, uint16_t selector,
                  enum x86_vector vector, struct x86_desc *d);
/* The upper half of a 16-byte system descriptor. False: outside, or its type
 * bits are not zero. */
bool x86_desc_read_high(struct x86_cpu *cpu, uint16_t selector,
                        struct x86_desc *d);
/* Sets the accessed bit in memory, if it is clear. */
void x86_desc_accessed(struct x86_cpu *cpu, struct x86_desc *d);
void x86_desc_set_busy(struct x86_cpu *cpu, uint16_t selector, bool busy);

/* Exact check of an access; returns the linear address or raises. */
uint64_t x86_seg_check(struct x86_cpu *cpu, unsigned seg, uint64_t ea,
                       unsigned len, bool write);
/* The same for a stack that is not current yet. `vector` with `error` is
 * raised where it does not fit. */
void x86_stack_check(struct x86_cpu *cpu, const struct x86_seg *ss,
                     uint64_t esp, unsigned bytes, uint32_t error);

/* MOV Sreg, POP Sreg, LDS...: everything but CS. */
void x86_load_sreg(struct x86_cpu *cpu, enum x86_sreg seg, uint16_t selector);
/* As far returns to outer privilege leave it: null where it became too
 * privileged. */
void x86_sreg_outer(struct x86_cpu *cpu, enum x86_sreg seg, unsigned cpl);
/* Real and virtual-8086 mode: selector * 16. */
void x86_load_real(struct x86_cpu *cpu, enum x86_sreg seg, uint16_t selector);
void x86_load_v86(struct x86_cpu *cpu, enum x86_sreg seg, uint16_t selector);
void x86_load_ldt(struct x86_cpu *cpu, uint16_t selector,
                  enum x86_vector invalid);

/*
 * Recomputes everything that is derived from CPL, segments, control registers
 * and EFLAGS. To be called after any of them changed.
 */
void x86_mode_changed(struct x86_cpu *cpu);
/* Only the TLB's set: after EFLAGS.AC changed. */
void x86_choose_tlb(struct x86_cpu *cpu);
/* Only what data segments decide: after DS, ES, FS, GS were loaded. */
void x86_data_segs_changed(struct x86_cpu *cpu);

#endif
