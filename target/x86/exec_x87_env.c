/* SPDX-License-Identifier: MIT */
/*
 * x87 control: words, environments, FNSAVE/FRSTOR, WAIT, and the choice of
 * x87 handlers. [SDM] vol. 1 ch. 8.1.10, vol. 2 FSTENV.
 */
#include "target/x86/exec_x87.h"
#include "target/x86/fpstate.h"

void x87_init(struct x86_cpu *cpu)
{
    struct x86_fpu *fpu = &cpu->fpu;

    fpu->fcw = X87_FCW_INIT;
    fpu->fsw = 0;
    fpu->empty = 0xff;
    fpu->fop = 0;
    fpu->fip = fpu->fdp = 0;
    fpu->fcs = fpu->fds = 0;
    x87_update_es(cpu);
}

void x87_set_fcw(struct x86_cpu *cpu, uint16_t fcw)
{
    cpu->fpu.fcw = (uint16_t)((fcw & X87_FCW_VALID) | X87_FCW_ONE);
}

uint16_t x87_full_tags(const struct x86_fpu *fpu)
{
    unsigned tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        const struct x87_reg *r = &fpu->reg[i];
        unsigned exp = r->sign_exp & X87_EXP, tag = 0;

        if (fpu->empty >> i & 1)
            tag = 3;
        else if (!exp && !r->mantissa)
            tag = 1;
        else if (!exp || exp == X87_EXP || !(r->mantissa & X87_INT_BIT))
            tag = 2;
        tags |= tag << 2 * i;
    }
    return (uint16_t)tags;
}

void x87_set_full_tags(struct x86_fpu *fpu, uint16_t tags)
{
    fpu->empty = 0;
    for (unsigned i = 0; i < 8; i++) {
        if ((tags >> 2 * i & 3) == 3)
            fpu->empty |= (uint8_t)(1 << i);
    }
}

/* The environment as memory has it: words, or dwords with ones above. */
enum { ENV_WORDS = 7 };

static unsigned env_size(const struct x86_insn *insn)
{
    return insn->osize == 2 ? 2 * ENV_WORDS : 4 * ENV_WORDS;
}

static void env_pack(struct x86_cpu *cpu, const struct x86_insn *insn,
                     uint8_t *buf)
{
    const struct x86_fpu *fpu = &cpu->fpu;
    bool wide = insn->osize != 2, real = !x86_protected(cpu);
    uint32_t fip = (uint32_t)fpu->fip + (real ? fpu->fcs * 16U : 0);
    uint32_t fdp = (uint32_t)fpu->fdp + (real ? fpu->fds * 16U : 0);
    uint32_t pad = 0xffff0000;
    uint32_t w[ENV_WORDS] = {
        fpu->fcw | pad,
        fpu->fsw | pad,
        x87_full_tags(fpu) | pad,
        fip,
        fpu->fcs | (uint32_t)fpu->fop << 16,
        fdp,
        fpu->fds | pad,
    };

    if (real) {
        w[3] |= pad;
        w[4] = fpu->fop | (fip >> 16) << 12;
        w[5] |= pad;
        w[6] = (fdp >> 16) << 12;
    }
    for (unsigned i = 0; i < ENV_WORDS; i++) {
        if (wide)
            stl_u32(buf + 4 * i, w[i]);
        else
            stl_u16(buf + 2 * i, (uint16_t)w[i]);
    }
}

static void env_unpack(struct x86_cpu *cpu, const struct x86_insn *insn,
                       const uint8_t *buf)
{
    struct x86_fpu *fpu = &cpu->fpu;
    uint32_t w[ENV_WORDS];

    for (unsigned i = 0; i < ENV_WORDS; i++)
        w[i] = insn->osize == 2 ? ldl_u16(buf + 2 * i) : ldl_u32(buf + 4 * i);
    x87_set_fcw(cpu, (uint16_t)w[0]);
    fpu->fsw = (uint16_t)w[1];
    x87_set_full_tags(fpu, (uint16_t)w[2]);
    if (!x86_protected(cpu)) {
        fpu->fip = (w[3] & 0xffff) | (w[4] >> 12) << 16;
        fpu->fdp = (w[5] & 0xffff) | (w[6] >> 12) << 16;
        fpu->fop = w[4] & 0x7ff;
        fpu->fcs = fpu->fds = 0;
    } else {
        fpu->fip = w[3];
        fpu->fcs = (uint16_t)w[4];
        if (insn->osize != 2)
            fpu->fop = w[4] >> 16 & 0x7ff;
        fpu->fdp = w[5];
        fpu->fds = (uint16_t)w[6];
    }
    x87_update_es(cpu);
}

static const struct x86_insn *fnstenv(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    env_pack(cpu, insn, cpu->scratch.u8);
    x86_st(cpu, insn, insn->seg, x86_ea(cpu, insn), &cpu->scratch,
           env_size(insn), 0);
    cpu->fpu.fcw |= FP_ALL;
    x87_update_es(cpu);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fldenv(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    x86_ld(cpu, insn, insn->seg, x86_ea(cpu, insn), &cpu->scratch,
           env_size(insn), 0);
    env_unpack(cpu, insn, cpu->scratch.u8);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fnsave(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    uint64_t ea = x86_ea(cpu, insn);
    unsigned size = env_size(insn);

    x86_probe_st(cpu, insn, insn->seg, ea, size + 80);
    env_pack(cpu, insn, cpu->scratch.u8);
    x86_st(cpu, insn, insn->seg, ea, &cpu->scratch, size, 0);
    for (unsigned i = 0; i < 8; i++) {
        const struct x87_reg *st = x87_st(&cpu->fpu, i);

        stl_u64(cpu->scratch.u8, st->mantissa);
        stl_u16(cpu->scratch.u8 + 8, st->sign_exp);
        x86_st(cpu, insn, insn->seg, ea + size + 10 * i, &cpu->scratch, 10, 0);
    }
    x87_init(cpu);
    X86_NEXT(cpu, insn);
}

static no_inline void frstor_from(struct x86_cpu *cpu,
                                  const struct x86_insn *insn)
{
    uint64_t ea = x86_ea(cpu, insn);
    unsigned size = env_size(insn);
    uint8_t env[4 * ENV_WORDS], regs[80];

    x86_ld(cpu, insn, insn->seg, ea, env, size, 0);
    for (unsigned i = 0; i < 8; i++)
        x86_ld(cpu, insn, insn->seg, ea + size + 10 * i, regs + 10 * i, 10, 0);
    env_unpack(cpu, insn, env);
    for (unsigned i = 0; i < 8; i++) {
        struct x87_reg *st = x87_st(&cpu->fpu, i);

        st->mantissa = ldl_u64(regs + 10 * i);
        st->sign_exp = ldl_u16(regs + 10 * i + 8);
    }
}

static const struct x86_insn *frstor(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    frstor_from(cpu, insn);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fldcw(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    x87_wait(cpu, insn);
    x87_set_fcw(cpu, x86_ld16(cpu, insn, insn->seg, x86_ea(cpu, insn)));
    x87_update_es(cpu);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fnstcw(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    x86_st16(cpu, insn, insn->seg, x86_ea(cpu, insn), cpu->fpu.fcw);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fnstsw_mem(struct x86_cpu *cpu,
                                         const struct x86_insn *insn)
{
    x86_st16(cpu, insn, insn->seg, x86_ea(cpu, insn), cpu->fpu.fsw);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fnstsw_ax(struct x86_cpu *cpu,
                                        const struct x86_insn *insn)
{
    uint64_t *rax = &cpu->gpr[X86_RAX];

    *rax = (*rax & ~UINT64_C(0xffff)) | cpu->fpu.fsw;
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fnclex(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    cpu->fpu.fsw &= (uint16_t) ~(FP_ALL | FP_SF | FP_ES | FP_B);
    x87_update_es(cpu);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fninit(struct x86_cpu *cpu,
                                     const struct x86_insn *insn)
{
    x87_init(cpu);
    X86_NEXT(cpu, insn);
}

static const struct x86_insn *fwait(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    if ((cpu->cr0 & X86_CR0_MP) && (cpu->cr0 & X86_CR0_TS)) {
        x86_begin(cpu, insn);
        x86_raise(cpu, X86_EXC_NM);
    }
    x87_wait(cpu, insn);
    X86_NEXT(cpu, insn);
}

/* FNENI, FNDISI, FNSETPM: what the 8087 and 287 had, ignored since. */
static const struct x86_insn *ignored(struct x86_cpu *cpu,
                                      const struct x86_insn *insn)
{
    X86_NEXT(cpu, insn);
}

/* By escape (D8..DF) and /reg. */
static x86_exec *const memory_forms[8][8] = {
    [1] = {[4] = fldenv, [5] = fldcw, [6] = fnstenv, [7] = fnstcw},
    [5] = {[4] = frstor, [6] = fnsave, [7] = fnstsw_mem},
};

static x86_exec *const db_e0_forms[8] = {ignored, ignored, fnclex, fninit,
                                         ignored};

x86_exec *x86_select_x87_env(const struct x86_insn *insn)
{
    unsigned escape = insn->opcode & 7, reg = insn->reg & 7;

    if (insn->flags & X86_I_MEM)
        return memory_forms[escape][reg];
    if (escape == 3 && reg == 4)
        return db_e0_forms[insn->rm & 7];
    return escape == 7 && reg == 4 && (insn->rm & 7) == 0 ? fnstsw_ax : NULL;
}

x86_exec *x86_select_x87(const struct x86_insn *insn)
{
    x86_exec *exec;

    if (x86_insn_row(insn)->mnemonic == X86_FWAIT)
        return fwait;
    if (!(x86_insn_row(insn)->attrs & X86_A_X87))
        return NULL;
    exec = x86_select_x87_arith(insn);
    if (!exec)
        exec = x86_select_x87_move(insn);
    return exec ? exec : x86_select_x87_env(insn);
}
