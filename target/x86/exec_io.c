/* SPDX-License-Identifier: MIT */
/*
 * IN and OUT. INS and OUTS are strings: exec_string.c.
 */
#include "target/x86/debug.h"
#include "target/x86/exec.h"
#include "target/x86/io.h"
#include "target/x86/journal.h"
#include "target/x86/task.h"

void x86_io_check(struct x86_cpu *cpu, uint16_t port, unsigned size)
{
    if (unlikely(!x86_io_allowed(cpu, port, size))) {
        x86_raise_gp0(cpu);
    }
}

static void breakpoints(struct x86_cpu *cpu, uint16_t port, unsigned size)
{
    if (unlikely(cpu->dr[7] & 0xff)) {
        x86_io_breakpoints(cpu, port, size);
    }
}

uint32_t x86_io_read(struct x86_cpu *cpu, uint16_t port, unsigned size)
{
    breakpoints(cpu, port, size);
    x86_journal_lose(cpu->journal);
    return (uint32_t)space_read(cpu->ports, port, size);
}

void x86_io_write(struct x86_cpu *cpu, uint16_t port, uint32_t value,
                  unsigned size)
{
    breakpoints(cpu, port, size);
    x86_journal_lose(cpu->journal);
    space_write(cpu->ports, port, size, value);
}

static unsigned io_size(const struct x86_insn *insn, unsigned operand)
{
    return row_of(insn)->operand[operand] == X86_O_rAL ? 1
           : insn->osize == 2                          ? 2
                                                       : 4;
}

static uint16_t io_port(const struct x86_cpu *cpu, const struct x86_insn *insn,
                        unsigned operand)
{
    return (uint16_t)(row_of(insn)->operand[operand] == X86_O_Ib
                          ? insn->imm & 0xff
                          : cpu->gpr[X86_RDX]);
}

/* A device may have changed the memory map, A20, anything. */
static x86_next after_io(struct x86_cpu *cpu, const struct x86_insn *insn)
{
    if (__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED)) {
        return x86_leave(cpu, insn);
    }
    X86_NEXT(cpu, insn);
}

HANDLER(in)
{
    unsigned size = io_size(insn, 0);
    uint16_t port = io_port(cpu, insn, 1);

    x86_begin(cpu, insn);
    x86_io_check(cpu, port, size);
    set_gpr(cpu, X86_RAX, x86_io_read(cpu, port, size), size);
    return after_io(cpu, insn);
}

HANDLER(out)
{
    unsigned size = io_size(insn, 1);
    uint16_t port = io_port(cpu, insn, 0);

    x86_begin(cpu, insn);
    x86_io_check(cpu, port, size);
    x86_io_write(cpu, port, (uint32_t)get_gpr(cpu, X86_RAX, size), size);
    return after_io(cpu, insn);
}

x86_exec *x86_pick_io(const struct x86_cpu *cpu, const struct x86_insn *insn)
{
    switch (row_of(insn)->mnemonic) {
    case X86_IN: return in;
    case X86_OUT: return out;
    default: return NULL;
    }
}
