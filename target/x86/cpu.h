/* SPDX-License-Identifier: MIT */
/*
 * The architectural state of one x86 CPU, shared by every engine: the
 * interpreter, the translator, KVM and Xen agree on this struct. [SDM] vol. 3.
 *
 * Owned by its vCPU thread while that runs; by whoever holds the machine lock
 * while it is stopped. Only `events` is touched by other threads.
 */
#ifndef TARGET_X86_CPU_H
#define TARGET_X86_CPU_H

#include <setjmp.h>

#include "target/x86/insn.h"

enum x86_gpr {
    X86_RAX,
    X86_RCX,
    X86_RDX,
    X86_RBX,
    X86_RSP,
    X86_RBP,
    X86_RSI,
    X86_RDI,
    X86_R8,
    X86_R15 = 15,
    /* Not registers of the guest's, but what address computation adds up. */
    X86_R_BLOCK = 16, /* block_rip */
    X86_R_ZERO = 17,
    X86_R_4K = 18, /* 4096: lets a folded displacement stay in 32 bits */
    X86_GPRS = 19,
};

enum x86_sreg {
    X86_ES,
    X86_CS,
    X86_SS,
    X86_DS,
    X86_FS,
    X86_GS,
    X86_LDTR,
    X86_TR,
    X86_SREGS
};

/* Descriptor attributes as in a VMX/SVM-like layout: descriptor bits 40..55. */
enum {
    X86_SEG_TYPE = 0xf, /* bit 3 code (or system type) */
    X86_SEG_ACCESSED = 1 << 0,
    X86_SEG_WRITABLE = 1 << 1, /* data */
    X86_SEG_READABLE = 1 << 1, /* code */
    X86_SEG_EXPAND = 1 << 2,   /* data: expand down */
    X86_SEG_CONFORM = 1 << 2,  /* code: conforming */
    X86_SEG_CODE = 1 << 3,
    X86_SEG_S = 1 << 4, /* code or data, not system */
    X86_SEG_DPL_SHIFT = 5,
    X86_SEG_DPL = 3 << 5,
    X86_SEG_P = 1 << 7,
    X86_SEG_AVL = 1 << 12,
    X86_SEG_L = 1 << 13,
    X86_SEG_DB = 1 << 14,
    X86_SEG_G = 1 << 15,
    X86_SEG_UNUSABLE = 1 << 16, /* loaded with a null selector */
};

struct x86_seg {
    uint64_t base;
    uint32_t limit; /* in bytes, expanded by G */
    uint32_t attr;
    uint16_t selector;
};

struct x86_table { /* GDTR, IDTR */
    uint64_t base;
    uint32_t limit;
};

enum { /* EFLAGS */
       X86_CF = 1 << 0,
       X86_FIXED = 1 << 1,
       X86_PF = 1 << 2,
       X86_AF = 1 << 4,
       X86_ZF = 1 << 6,
       X86_SF = 1 << 7,
       X86_TF = 1 << 8,
       X86_IF = 1 << 9,
       X86_DF = 1 << 10,
       X86_OF = 1 << 11,
       X86_IOPL = 3 << 12,
       X86_NT = 1 << 14,
       X86_RF = 1 << 16,
       X86_VM = 1 << 17,
       X86_AC = 1 << 18,
       X86_VIF = 1 << 19,
       X86_VIP = 1 << 20,
       X86_ID = 1 << 21,
       X86_ARITH = X86_CF | X86_PF | X86_AF | X86_ZF | X86_SF | X86_OF,
};

#define X86_CR0_PE UINT32_C(0x00000001)
#define X86_CR0_MP UINT32_C(0x00000002)
#define X86_CR0_EM UINT32_C(0x00000004)
#define X86_CR0_TS UINT32_C(0x00000008)
#define X86_CR0_ET UINT32_C(0x00000010)
#define X86_CR0_NE UINT32_C(0x00000020)
#define X86_CR0_WP UINT32_C(0x00010000)
#define X86_CR0_AM UINT32_C(0x00040000)
#define X86_CR0_NW UINT32_C(0x20000000)
#define X86_CR0_CD UINT32_C(0x40000000)
#define X86_CR0_PG UINT32_C(0x80000000)

enum {
    X86_CR4_VME = 1 << 0,
    X86_CR4_PVI = 1 << 1,
    X86_CR4_TSD = 1 << 2,
    X86_CR4_DE = 1 << 3,
    X86_CR4_PSE = 1 << 4,
    X86_CR4_PAE = 1 << 5,
    X86_CR4_MCE = 1 << 6,
    X86_CR4_PGE = 1 << 7,
    X86_CR4_PCE = 1 << 8,
    X86_CR4_OSFXSR = 1 << 9,
    X86_CR4_OSXMMEXCPT = 1 << 10,
    X86_CR4_UMIP = 1 << 11,
    X86_CR4_LA57 = 1 << 12,
    X86_CR4_FSGSBASE = 1 << 16,
    X86_CR4_PCIDE = 1 << 17,
    X86_CR4_OSXSAVE = 1 << 18,
    X86_CR4_SMEP = 1 << 20,
    X86_CR4_SMAP = 1 << 21,
    X86_CR4_PKE = 1 << 22,
};

enum {
    X86_EFER_SCE = 1 << 0,
    X86_EFER_LME = 1 << 8,
    X86_EFER_LMA = 1 << 10,
    X86_EFER_NXE = 1 << 11,
    X86_EFER_SVME = 1 << 12,
    X86_EFER_FFXSR = 1 << 14,
};

enum x86_vector {
    X86_EXC_DE = 0,
    X86_EXC_DB = 1,
    X86_EXC_NMI = 2,
    X86_EXC_BP = 3,
    X86_EXC_OF = 4,
    X86_EXC_BR = 5,
    X86_EXC_UD = 6,
    X86_EXC_NM = 7,
    X86_EXC_DF = 8,
    X86_EXC_TS = 10,
    X86_EXC_NP = 11,
    X86_EXC_SS = 12,
    X86_EXC_GP = 13,
    X86_EXC_PF = 14,
    X86_EXC_MF = 16,
    X86_EXC_AC = 17,
    X86_EXC_MC = 18,
    X86_EXC_XM = 19,
};

/* A vector register: 512 bits, of which the model offers what it offers. */
union x86_vreg {
    uint8_t u8[64];
    int8_t i8[64];
    uint16_t u16[32];
    int16_t i16[32];
    uint32_t u32[16];
    int32_t i32[16];
    uint64_t u64[8];
    int64_t i64[8];
    float f32[16];
    double f64[8];
} __attribute__((aligned(64)));

/* An x87 register: the 80 bits, in memory order. MMX is `mantissa`. */
struct x87_reg {
    uint64_t mantissa;
    uint16_t sign_exp;
};

struct x86_fpu {
    struct x87_reg reg[8]; /* physical: R0..R7, ST(i) = reg[(TOP + i) & 7] */
    uint16_t fcw;
    uint16_t fsw;      /* TOP included; B mirrors ES */
    uint8_t empty;     /* bit i: physical register i is empty (tag 11) */
    uint16_t fop;      /* 11 bits */
    uint64_t fip, fdp; /* last instruction and operand: offsets */
    uint16_t fcs, fds;
    uint32_t mxcsr;
    uint32_t raised; /* scratch: what the last fp.h operation raised */
};

/*
 * Model-specific registers that are plain storage or nearly. Others live
 * where their meaning is (segments, APIC, clock).
 */
struct x86_msrs {
    uint64_t efer, star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t apic_base, tsc_adjust, tsc_deadline;
    uint64_t pat, mtrr_def_type, mtrr_fixed[11];
    uint64_t mtrr_base[8], mtrr_mask[8];
    uint64_t misc_enable, smbase, mcg_status, mcg_ctl, mc[4 * 16];
    uint64_t feature_control, spec_ctrl, debugctl, xss, bios_sign_id;
};

/* What another thread or device may ask of a vCPU: bits of `events`. */
enum {
    X86_EV_INTR = 1 << 0,  /* level: the interrupt controller's INTR pin */
    X86_EV_NMI = 1 << 1,   /* edge */
    X86_EV_SMI = 1 << 2,   /* edge */
    X86_EV_INIT = 1 << 3,  /* edge */
    X86_EV_SIPI = 1 << 4,  /* edge; vector in sipi_vector */
    X86_EV_RESET = 1 << 5, /* edge: power-on reset of this CPU */
    X86_EV_FLUSH = 1 << 6, /* drop the TLB: memory layout changed */
    X86_EV_CLEAN = 1 << 7, /* drop write permission from the TLB (dirty/code) */
    X86_EV_A20 = 1 << 8,   /* the A20 line changed: read a20_wanted */
    X86_EV_EXIT = 1 << 9,  /* leave vcpu_run: stop, shutdown */
    X86_EV_FERR = 1 << 10, /* IGNNE#/IRQ13 bookkeeping */
    X86_EV_MC = 1 << 11,   /* machine check asked for by the monitor */
    X86_EV_CODE = 1 << 12, /* somebody else wrote to memory that holds code */
};

enum { X86_WRITTEN = 4096 };

/* What keeps interrupts away for one instruction, or for long. */
enum {
    X86_SHADOW_STI = 1 << 0,
    X86_SHADOW_MOVSS = 1 << 1,
    X86_SHADOW_NMI = 1 << 2, /* until IRET */
    X86_SHADOW_SMI = 1 << 3, /* in SMM */
};

/*
 * The CPU's pins and what is wired to them, set by the board. Called with the
 * machine lock held by the callee's taking it: the CPU calls them unlocked.
 */
struct x86_pins {
    void *to;
    int (*intack)(void *to); /* acknowledge INTR; the vector, -1 = spurious */
    uint64_t (*get_tpr)(void *to); /* CR8 */
    void (*set_tpr)(void *to, uint64_t cr8);
    /* APIC MSRs, 0x1b and 0x800..0x8ff, 0x6e0; false = #GP */
    bool (*apic_rdmsr)(void *to, uint32_t msr, uint64_t *value);
    bool (*apic_wrmsr)(void *to, uint32_t msr, uint64_t value);
    void (*ferr)(void *to, bool level); /* FERR# pin: IRQ 13 */
    void (*triple_fault)(void *to);
    void (*smiact)(void *to, bool in_smm); /* SMIACT#: SMRAM is (not) seen */
    int64_t (*now_ns)(void *to);           /* virtual clock, any thread */
    /* RDRAND, RDSEED; NULL: the host's. False: none to be had now. */
    bool (*random)(void *to, uint64_t *value);
};

/*
 * A segment as data accesses see it: no check is needed for an access that
 * ends at or below the offset `rd_end` (`wr_end` for stores). 0 sends every
 * access to the exact check. Derived from seg[] by x86_mode_changed().
 */
struct x86_seg_hot {
    uint64_t base;
    uint64_t rd_end;
    uint64_t wr_end;
};

struct space;
struct view;
struct x86_tlb;
struct x86_tlb_array;
struct x86_jump;
struct x86_blocks;
struct x86_model;
struct x86_journal;

struct x86_cpu {
    /* Hot: what the engines touch in every instruction. */
    union {
        uint64_t gpr[X86_GPRS];
        struct {
            uint64_t gpr_real[16];
            uint64_t block_rip; /* RIP of the first byte of the block */
            uint64_t zero;
            uint64_t four_k;
        };
    };
    uint64_t rip;         /* exact at block ends and whenever C outside runs */
    int64_t flags_result; /* arithmetic flags, kept lazily: flags.h */
    uint64_t flags_aux;
    uint32_t eflags; /* the other flags (incl. DF), arithmetic bits zero */
    uint32_t events; /* atomic: X86_EV_* */
    const struct x86_insn *insn; /* the instruction that is being executed */
    uint32_t poll;      /* atomic: the engine's loop has something to do */
    uint32_t jump_salt; /* of the jump cache entries that are valid now */
    struct x86_jump *jumps;
    struct x86_tlb_array *tlb_rd, *tlb_wr; /* the set of CPL, AC and SMAP */
    uint64_t
        lin_mask;     /* linear addresses wrap to 32 bits outside 64-bit mode */
    uint64_t sp_mask; /* stack pointer bits: 16, 32 or 64 */
    struct x86_seg_hot hot[6];
    uint8_t cpl;
    uint8_t shadow;               /* X86_SHADOW_* */
    bool code64, code32, stack32; /* from CS and SS, see x86_mode_changed() */
    bool halted;
    struct x86_tlb *tlb;
    struct x86_blocks *blocks;

    struct x86_seg seg[X86_SREGS];
    struct x86_table gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, xcr0;
    uint64_t pdpte[4]; /* PAE paging: loaded with CR3 */
    uint64_t dr[8];    /* 4 and 5 unused */
    uint32_t pkru;
    struct x86_msrs msr;

    union x86_vreg zmm[32];
    uint64_t opmask[8]; /* k0..k7 */
    struct x86_fpu fpu;
    union x86_vreg scratch; /* a vector operand in passing, not state */

    /* Around the CPU. */
    unsigned index; /* of the vCPU in the machine */
    uint32_t apic_id;
    const struct x86_model *model; /* CPUID and features, owned elsewhere */
    struct x86_pins pins;
    struct space *memory, *ports;
    struct view *view;    /* the memory view its TLB was filled from: a ref */
    uint64_t phys_mask;   /* MAXPHYADDR, as a mask of address bits */
    bool a20;             /* false: bit 20 of physical addresses is zero */
    uint32_t a20_wanted;  /* atomic */
    uint32_t sipi_vector; /* atomic */
    bool in_smm;
    bool wait_sipi;
    bool shutdown; /* after a triple fault, until reset */
    bool ferr;     /* the FERR# pin */

    /* TSC = (clock_ns * tsc_khz / 10^6) + tsc_offset */
    uint64_t tsc_khz;
    int64_t tsc_offset;
    uint64_t insns;     /* retired, for statistics and -icount */
    uint64_t chain_end; /* insns at which blocks chain no further */
    bool one_by_one;    /* handlers run one instruction each: set once */
    bool short_blocks;  /* of one instruction; likewise */
    bool wrote_code;    /* a store hit code; cleared by who wants to know */
    /* atomic: which pages may have been written, by x86_written_hash() */
    uint64_t written[X86_WRITTEN / 64];
    struct x86_journal *journal; /* of stores, or NULL: journal.h */
    void *engine;                /* the translator's own */

    /* Exception in delivery, for double faults and the autopsy. */
    int excp_vector; /* -1 = none */
    uint32_t excp_error;
    bool excp_has_error;
    bool excp_ext;        /* an external event is being delivered: EXT = 1 */
    uint64_t dr6_pending; /* breakpoints met by the running instruction */
    sigjmp_buf *unwind;   /* where x86_raise() goes */

    unsigned pauses;       /* PAUSE instructions seen */
    uint64_t monitor_addr; /* MONITOR: linear address; ~0 = not armed */
};

static inline bool x86_real_mode(const struct x86_cpu *cpu)
{
    return !(cpu->cr0 & X86_CR0_PE);
}

static inline bool x86_v86_mode(const struct x86_cpu *cpu)
{
    return cpu->eflags & X86_VM;
}

static inline bool x86_protected(const struct x86_cpu *cpu)
{
    return !x86_real_mode(cpu) && !x86_v86_mode(cpu);
}

static inline bool x86_long_mode(const struct x86_cpu *cpu)
{
    return cpu->msr.efer & X86_EFER_LMA;
}

/* ST(i) of the x87 stack. */
static inline struct x87_reg *x87_st(struct x86_fpu *fpu, unsigned i)
{
    return &fpu->reg[((fpu->fsw >> 11) + i) & 7];
}

#endif
