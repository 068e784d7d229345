/* SPDX-License-Identifier: MIT */
/*
 * A case in the interpreter: a bare CPU in long mode at CPL 3, the same
 * addresses as on the host. Where the host's code leaves nothing is mapped
 * here: every case ends in an exception, whose handler at CPL 0 halts.
 */
#include <string.h>

#include "accel/tcg/jit.h"
#include "accel/tcg/tcg.h"
#include "base/lowmem.h"
#include "target/x86/flags.h"
#include "target/x86/interp.h"
#include "target/x86/model.h"
#include "target/x86/segment.h"
#include "tests/oracle/oracle.h"

/* Pages of physical memory. */
enum {
    PML4 = 1,
    PDPT,
    PD,
    PT_CODE,
    PT_DATA,
    PT_SYS,
    HANDLERS,
    GDT,
    IDT,
    STACK,
    CODE,
    DATA_HIGH, /* the two data pages are not in order */
    DATA_LOW,
    PAGES
};

enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_AD = 0x60 };
enum { HANDLER_SIZE = 16, TSS_AT = 0x100, SEL_TSS = 0x40, SEL_KERNEL = 0x10 };

#define SYS UINT64_C(0x37600000)

static struct {
    struct ram *ram;
    struct region region;
    struct space memory, ports;
    struct lock lock;
    struct x86_cpu *cpu; /* low, for translated code */
    bool jit;
    struct x86_seg user[X86_SREGS]; /* as a case starts with them */
    struct x86_seg user_cs32;
} guest;

static uint8_t *page(unsigned n)
{
    return guest.ram->host + n * ORACLE_PAGE;
}

static void map(unsigned table, unsigned i, unsigned to, unsigned bits)
{
    stl_u64(page(table) + 8 * i, (uint64_t)to * ORACLE_PAGE | bits);
}

static void make_tables(void)
{
    unsigned all = PTE_P | PTE_W | PTE_U | PTE_AD;
    unsigned sys = PTE_P | PTE_W | PTE_AD;

    map(PML4, 0, PDPT, all);
    map(PDPT, 0, PD, all);
    map(PD, ORACLE_CODE >> 21, PT_CODE, all);
    map(PD, ORACLE_DATA >> 21, PT_DATA, all);
    map(PD, SYS >> 21, PT_SYS, all);
    map(PT_CODE, 0, CODE, PTE_P | PTE_U | PTE_AD);
    map(PT_DATA, 0, DATA_LOW, all);
    map(PT_DATA, 1, DATA_HIGH, all);
    map(PT_SYS, 0, HANDLERS, sys);
    map(PT_SYS, 1, GDT, sys);
    map(PT_SYS, 2, IDT, sys);
    map(PT_SYS, 3, STACK, sys);
}

static void make_descriptors(void)
{
    uint64_t tss = SYS + ORACLE_PAGE + TSS_AT;
    uint8_t *gdt = page(GDT), *idt = page(IDT);

    stl_u64(gdt + SEL_KERNEL, UINT64_C(0x00af9b000000ffff));
    stl_u64(gdt + 0x20, UINT64_C(0x00cffb000000ffff));
    stl_u64(gdt + 0x28, UINT64_C(0x00cff3000000ffff));
    stl_u64(gdt + 0x30, UINT64_C(0x00affb000000ffff));
    stl_u64(gdt + TSS_AT + 4, SYS + 4 * ORACLE_PAGE); /* RSP0 */
    for (unsigned i = 0; i < 32; i++) {
        uint64_t to = SYS + i * HANDLER_SIZE;

        page(HANDLERS)[i * HANDLER_SIZE] = 0xf4;
        stl_u64(idt + 16 * i, (to & 0xffff) | SEL_KERNEL << 16 |
                                  UINT64_C(0x8e00) << 32 | (to >> 16) << 48);
    }
    guest.cpu->gdt = (struct x86_table){SYS + ORACLE_PAGE, 0xff};
    guest.cpu->idt = (struct x86_table){SYS + 2 * ORACLE_PAGE, 0x1ff};
    guest.cpu->seg[X86_TR] =
        (struct x86_seg){.base = tss,
                         .limit = 0x67,
                         .selector = SEL_TSS,
                         .attr = X86_SEG_P | X86_SYS_TSS32_BUSY};
}

static void make_user_segments(void)
{
    uint32_t data = X86_SEG_P | X86_SEG_S | X86_SEG_WRITABLE |
                    X86_SEG_ACCESSED | X86_SEG_DPL | X86_SEG_G | X86_SEG_DB;
    struct x86_seg null = {.attr = X86_SEG_UNUSABLE};
    struct x86_seg flat = {.limit = UINT32_MAX, .selector = 0x2b, .attr = data};

    for (unsigned i = 0; i < X86_SREGS; i++)
        guest.user[i] = i < X86_LDTR ? null : guest.cpu->seg[i];
    guest.user[X86_ES] = guest.user[X86_DS] = guest.user[X86_SS] = flat;
    flat.attr |= X86_SEG_CODE;
    flat.selector = 0x23;
    guest.user_cs32 = flat;
    flat.attr ^= X86_SEG_DB | X86_SEG_L;
    flat.selector = 0x33;
    guest.user[X86_CS] = flat;
}

static void code_written(void *opaque, uint32_t *generation)
{
    x86_code_written(opaque, generation);
}

bool guest_init(const char *engine, GError **error)
{
    bool plain = strcmp(engine, "jit-plain") == 0; /* as without BMI2 */
    struct x86_cpu *cpu = lowmem_new(sizeof(*cpu));

    guest.cpu = cpu;
    guest.jit = plain || strcmp(engine, "jit") == 0;
    if (!guest.jit && strcmp(engine, "interp") != 0)
        return fail(error, "--engine is interp, jit or jit-plain, not %s",
                    engine);
    lock_init(&guest.lock);
    guest.ram = ram_new("oracle", PAGES * ORACLE_PAGE, RAM_ANONYMOUS, NULL);
    space_init(&guest.memory, "memory", UINT64_C(1) << 40, false, &guest.lock);
    space_init(&guest.ports, "ports", 0x10000, true, &guest.lock);
    region_init_ram(&guest.region, "ram", guest.ram, 0, PAGES * ORACLE_PAGE);
    lock_enter(&guest.lock);
    region_add(&guest.memory.root, &guest.region, 0, 0);
    lock_leave(&guest.lock);
    cpu->model = x86_model_max();
    cpu->memory = &guest.memory;
    cpu->ports = &guest.ports;
    guest.ram->code_written = code_written;
    guest.ram->code_opaque = cpu;
    x86_cpu_init(cpu);
    if (guest.jit && !jit_attach(cpu, 8 << 20, error))
        return false;
    if (guest.jit)
        jit_for_tests(cpu, plain);
    x86_cpu_reset(cpu, false);
    make_tables();
    make_descriptors();
    make_user_segments();
    cpu->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_NE | X86_CR0_MP | X86_CR0_ET |
               X86_CR0_WP;
    cpu->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT |
               X86_CR4_OSXSAVE | X86_CR4_FSGSBASE;
    cpu->msr.efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE | X86_EFER_SCE;
    cpu->xcr0 = 7;
    cpu->cr3 = PML4 * ORACLE_PAGE;
    cpu->a20 = true;
    x86_tlb_flush(cpu, true);
    return true;
}

void guest_free(void)
{
    jit_detach(guest.cpu);
    x86_cpu_free(guest.cpu);
    lowmem_free(guest.cpu, sizeof(*guest.cpu));
    lock_enter(&guest.lock);
    region_remove(&guest.region);
    lock_leave(&guest.lock);
    space_clear(&guest.memory);
    space_clear(&guest.ports);
    ram_free(guest.ram);
}

static void load(const struct oracle_state *s, bool mode32)
{
    struct x86_cpu *cpu = guest.cpu;
    struct x86_fpu *fpu = &cpu->fpu;

    memcpy(cpu->gpr, s->gpr, sizeof(s->gpr));
    memcpy(cpu->seg, guest.user, sizeof(guest.user));
    if (mode32)
        cpu->seg[X86_CS] = guest.user_cs32;
    cpu->cpl = 3;
    cpu->rip = s->rip;
    x86_put_rflags(cpu, s->rflags);
    cpu->halted = false;
    cpu->shadow = 0;
    fpu->fcw = s->fcw;
    fpu->fsw = s->fsw;
    fpu->empty = (uint8_t)~s->valid;
    fpu->mxcsr = s->mxcsr;
    fpu->fop = fpu->fcs = fpu->fds = 0;
    fpu->fip = fpu->fdp = 0;
    for (unsigned i = 0; i < 8; i++) {
        x87_st(fpu, i)->mantissa = s->st[i].mantissa;
        x87_st(fpu, i)->sign_exp = s->st[i].sign_exp;
    }
    memset(cpu->zmm, 0, sizeof(cpu->zmm));
    for (unsigned i = 0; i < 16; i++)
        memcpy(&cpu->zmm[i], s->ymm[i], 32);
    x86_mode_changed(cpu);
}

/* What the exception pushed, and what the registers are. */
static void store(struct oracle_state *s)
{
    struct x86_cpu *cpu = guest.cpu;
    struct x86_fpu *fpu = &cpu->fpu;
    const uint8_t *frame = page(STACK) + ORACLE_PAGE - 40;
    unsigned vector = (unsigned)(cpu->rip - SYS) / HANDLER_SIZE;
    bool has_error = (SYS + 4 * ORACLE_PAGE) - cpu->gpr[X86_RSP] == 48;

    memcpy(s->gpr, cpu->gpr, sizeof(s->gpr));
    s->gpr[X86_RSP] = ldl_u64(frame + 24);
    s->rip = ldl_u64(frame);
    s->rflags = ldl_u64(frame + 16);
    s->vector = (int)vector;
    s->error = has_error ? ldl_u32(frame - 8) : 0;
    s->cr2 = vector == X86_EXC_PF ? cpu->cr2 : 0;
    if (s->rip == (uint64_t)(uintptr_t)oracle_leave) {
        s->vector = ORACLE_NO_VECTOR;
        s->rip = s->error = 0;
        s->cr2 = 0;
    }
    s->fcw = fpu->fcw;
    s->fsw = fpu->fsw;
    s->valid = (uint8_t)~fpu->empty;
    s->mxcsr = fpu->mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        s->st[i].mantissa = x87_st(fpu, i)->mantissa;
        s->st[i].sign_exp = x87_st(fpu, i)->sign_exp;
    }
    for (unsigned i = 0; i < 16; i++)
        memcpy(s->ymm[i], &cpu->zmm[i], 32);
}

void guest_run(const struct oracle_case *c, struct oracle_result *out)
{
    uint8_t code[ORACLE_MAX_CODE];
    unsigned offsets[ORACLE_MAX_INSNS + 1];

    gen_code(c, code, offsets);
    memcpy(page(CODE), code, sizeof(code));
    ram_wrote(guest.ram, CODE * ORACLE_PAGE, sizeof(code));
    memcpy(page(DATA_LOW), c->memory, ORACLE_PAGE);
    memcpy(page(DATA_HIGH), c->memory + ORACLE_PAGE, ORACLE_PAGE);
    load(&c->in, c->mode32);
    if (guest.jit)
        jit_run(guest.cpu);
    else
        x86_interp_run(guest.cpu);
    store(&out->state);
    memcpy(out->memory, page(DATA_LOW), ORACLE_PAGE);
    memcpy(out->memory + ORACLE_PAGE, page(DATA_HIGH), ORACLE_PAGE);
}

static unsigned count_insns(const uint8_t *code, unsigned len)
{
    struct x86_decode_mode mode = {.code64 = true, .code32 = true};
    struct x86_insn insn = {0};
    unsigned n = 0;

    for (unsigned at = 0; at < len; at += insn.len, n++) {
        if (x86_decode(&insn, code + at, len - at, mode) != X86_DECODE_OK)
            insn.len = 1;
    }
    return n;
}

/* Nothing but `code` in its page, then HLT; its translation. */
static struct jit_block *fresh_block(const uint8_t *code, unsigned len)
{
    struct x86_cpu *cpu = guest.cpu;
    struct oracle_state s = {.rip = ORACLE_CODE, .rflags = 2, .mxcsr = 0x1f80};

    memset(page(CODE), 0xf4, ORACLE_PAGE);
    memcpy(page(CODE), code, len);
    ram_wrote(guest.ram, CODE * ORACLE_PAGE, ORACLE_PAGE);
    load(&s, false);
    jit_flush(cpu->engine);
    return jit_block_at(cpu->engine, x86_block_find(cpu, cpu->rip));
}

bool guest_measure(const uint8_t *code, unsigned len, struct guest_size *size)
{
    struct jit *j = guest.cpu->engine;
    struct jit_block *jb;

    guest.cpu->short_blocks = true;
    jb = fresh_block(code, len);
    if (!jb)
        return false;
    size->bytes = (unsigned)(j->emit.at - jb->code);
    size->insns = count_insns(jb->code, size->bytes);
    return true;
}

bool guest_lockstep(const uint8_t *code, unsigned len, uint8_t spoil)
{
    struct x86_cpu *cpu = guest.cpu;
    struct jit *j = cpu->engine;
    struct jit_block *jb;

    if (!j->lockstep)
        jit_lockstep(cpu);
    jb = fresh_block(code, len);
    assert(jb);
    jb->code[2] ^= spoil;
    jit_run(cpu);
    return jit_lockstep_failed(cpu);
}
