/* SPDX-License-Identifier: MIT */
#include "target/x86/debug.h"

#include "target/x86/block.h"
#include "target/x86/tlb.h"

enum { EXECUTE = 0, WRITE = 1, PORT = 2, ACCESS = 3 };

static bool enabled(const struct x86_cpu *cpu, unsigned i)
{
    return cpu->dr[7] >> (2 * i) & 3;
}

static unsigned kind_of(const struct x86_cpu *cpu, unsigned i)
{
    return cpu->dr[7] >> (16 + 4 * i) & 3;
}

static unsigned length_of(const struct x86_cpu *cpu, unsigned i)
{
    static const uint8_t length[] = {1, 2, 8, 4};

    return length[cpu->dr[7] >> (18 + 4 * i) & 3];
}

static bool overlaps(const struct x86_cpu *cpu, unsigned i, uint64_t at,
                     unsigned len)
{
    unsigned n = length_of(cpu, i);
    uint64_t first = cpu->dr[i] & ~(uint64_t)(n - 1);

    return at <= first + n - 1 && first <= at + len - 1;
}

static void met(struct x86_cpu *cpu, uint64_t bits)
{
    if (bits) {
        cpu->dr6_pending |= bits;
        __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
        x86_block_cut(cpu);
    }
}

/* DR6 reports every breakpoint that matches, enabled or not; but one of them
 * must be enabled. */
void x86_data_breakpoints(struct x86_cpu *cpu, uint64_t lin, unsigned len,
                          bool write)
{
    uint64_t bits = 0;
    bool hit = false;

    for (unsigned i = 0; i < 4; i++) {
        unsigned kind = kind_of(cpu, i);

        if ((kind == ACCESS || (kind == WRITE && write)) &&
            overlaps(cpu, i, lin, len)) {
            bits |= BIT(i);
            hit |= enabled(cpu, i);
        }
    }
    met(cpu, hit ? bits : 0);
}

void x86_io_breakpoints(struct x86_cpu *cpu, uint16_t port, unsigned len)
{
    uint64_t bits = 0;

    if (!(cpu->cr4 & X86_CR4_DE)) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (kind_of(cpu, i) == PORT && enabled(cpu, i) &&
            overlaps(cpu, i, port, len)) {
            bits |= BIT(i);
        }
    }
    met(cpu, bits);
}

bool x86_watched_page(const struct x86_cpu *cpu, uint64_t lin)
{
    if (likely(!(cpu->dr[7] & 0xff))) {
        return false;
    }
    for (unsigned i = 0; i < 4; i++) {
        unsigned kind = kind_of(cpu, i);

        if (enabled(cpu, i) && (kind == WRITE || kind == ACCESS) &&
            overlaps(cpu, i, lin & ~UINT64_C(0xfff), 4096)) {
            return true;
        }
    }
    return false;
}

bool x86_code_breakpoints(const struct x86_cpu *cpu)
{
    for (unsigned i = 0; i < 4; i++) {
        if (enabled(cpu, i) && kind_of(cpu, i) == EXECUTE) {
            return true;
        }
    }
    return false;
}

uint64_t x86_code_breakpoints_at(const struct x86_cpu *cpu, uint64_t lin)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 4; i++) {
        if (enabled(cpu, i) && kind_of(cpu, i) == EXECUTE &&
            cpu->dr[i] == lin) {
            bits |= BIT(i);
        }
    }
    return bits;
}

void x86_debug_changed(struct x86_cpu *cpu)
{
    x86_tlb_flush(cpu, true);
    __atomic_store_n(&cpu->poll, 1, __ATOMIC_RELAXED);
}
