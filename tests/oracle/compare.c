/* SPDX-License-Identifier: MIT */
/* What must be equal after a case, and what the manual leaves open. */
#include <inttypes.h>
#include <string.h>

#include "target/x86/cpu.h"
#include "target/x86/decode.h"
#include "target/x86/fp.h"
#include "tests/oracle/oracle.h"

static const char *const gpr_names[16] = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
};

struct diff {
    GString *report;
    bool same;
};

static void differ(struct diff *d, const char *what, uint64_t in,
                   uint64_t native, uint64_t guest)
{
    if (native == guest)
        return;
    d->same = false;
    if (d->report)
        g_string_append_printf(d->report,
                               "  %-8s in %016" PRIx64 "  host %016" PRIx64
                               "  ours %016" PRIx64 "\n",
                               what, in, native, guest);
}

/* Flags that mean nothing at the end of the case, or where it stopped. */
static uint32_t undefined_flags(const struct oracle_case *c,
                                const struct oracle_state *end)
{
    uint8_t code[ORACLE_MAX_CODE];
    unsigned offsets[ORACLE_MAX_INSNS + 1], at;
    uint32_t undefined = 0, all = 0;

    gen_code(c, code, offsets);
    at = end->vector == ORACLE_NO_VECTOR ? offsets[c->count]
                                         : (unsigned)(end->rip - ORACLE_CODE);
    for (unsigned i = 0; i < c->count && offsets[i] < at; i++) {
        undefined = c->insn[i].undefined;
        all |= undefined;
    }
    /* A repeated comparison that was stopped has set flags, or not yet. */
    return c->branches ? all : undefined;
}

static void compare_x87(struct diff *d, const struct oracle_state *in,
                        const struct oracle_state *n,
                        const struct oracle_state *g)
{
    char name[16];

    differ(d, "fcw", in->fcw, n->fcw, g->fcw);
    differ(d, "fsw", in->fsw, n->fsw, g->fsw);
    differ(d, "valid", in->valid, n->valid, g->valid);
    for (unsigned i = 0; i < 8; i++) {
        g_snprintf(name, sizeof(name), "st%u.m", i);
        differ(d, name, in->st[i].mantissa, n->st[i].mantissa,
               g->st[i].mantissa);
        g_snprintf(name, sizeof(name), "st%u.e", i);
        differ(d, name, in->st[i].sign_exp, n->st[i].sign_exp,
               g->st[i].sign_exp);
    }
}

/*
 * PE means something else beside an unmasked overflow or underflow, which the
 * interpreter does not model.
 */
static uint32_t mxcsr_mask(const struct oracle_state *n)
{
    uint32_t both = FP_OE | FP_UE;
    uint32_t unmasked = n->mxcsr & ~(n->mxcsr >> FP_MXCSR_MASK_SHIFT) & both;

    return unmasked ? ~(uint32_t)FP_PE : UINT32_MAX;
}

static void compare_vectors(struct diff *d, const struct oracle_state *in,
                            const struct oracle_state *n,
                            const struct oracle_state *g)
{
    char name[16];

    differ(d, "mxcsr", in->mxcsr, n->mxcsr & mxcsr_mask(n),
           g->mxcsr & mxcsr_mask(n));
    for (unsigned i = 0; i < 16; i++) {
        for (unsigned j = 0; j < 4; j++) {
            g_snprintf(name, sizeof(name), "ymm%u.%u", i, j);
            differ(d, name, ldl_u64(in->ymm[i] + 8 * j),
                   ldl_u64(n->ymm[i] + 8 * j), ldl_u64(g->ymm[i] + 8 * j));
        }
    }
}

static void compare_memory(struct diff *d, const struct oracle_case *c,
                           const struct oracle_result *native,
                           const struct oracle_result *guest)
{
    char name[16];

    if (!memcmp(native->memory, guest->memory, ORACLE_SCRATCH))
        return;
    for (unsigned i = 0; i < ORACLE_SCRATCH; i += 8) {
        /* MXCSR_MASK in an image: AMD has MXCSR.MM. */
        if ((ldl_u64(native->memory + i) ^ ldl_u64(guest->memory + i)) ==
            UINT64_C(0x20000) << 32)
            continue;
        g_snprintf(name, sizeof(name), "[%x]", (unsigned)ORACLE_DATA + i);
        differ(d, name, ldl_u64(c->memory + i), ldl_u64(native->memory + i),
               ldl_u64(guest->memory + i));
    }
}

/* The instruction at which a run stopped; 0 = none. */
static unsigned stopped_at(const struct oracle_case *c,
                           const struct oracle_state *s)
{
    uint8_t code[ORACLE_MAX_CODE];
    unsigned offsets[ORACLE_MAX_INSNS + 1];

    gen_code(c, code, offsets);
    for (unsigned i = 0; i < c->count && s->vector >= 0; i++) {
        if (ORACLE_CODE + offsets[i] == s->rip)
            return x86_rows[c->insn[i].row].mnemonic;
    }
    return X86_INVALID;
}

/* Cases that say nothing, because CPUs differ. */
static bool excused(const struct oracle_case *c, const struct oracle_state *n,
                    const struct oracle_state *g)
{
    /* AMD lets long operands of flat segments wrap at 4 GiB. */
    if (c->mode32 && n->vector == X86_EXC_PF && n->cr2 >= 0xffffff00 &&
        (g->vector == X86_EXC_GP || g->vector == X86_EXC_SS))
        return true;
    switch (stopped_at(c, g)) {
    case X86_SHA1RNDS4:
    case X86_SHA1NEXTE:
    case X86_SHA1MSG1:
    case X86_SHA1MSG2:
    case X86_SHA256RNDS2:
    case X86_SHA256MSG1:
    case X86_SHA256MSG2: /* AMD does not mind a misaligned operand. */
    case X86_FXRSTOR:
    case X86_XRSTOR:
    case X86_LDMXCSR:
    case X86_VLDMXCSR: /* AMD has MXCSR.MM. */
        if (g->vector == X86_EXC_GP)
            return true;
        break;
    case X86_CMPS: /* Which of two bad operands is read first. */
        return n->vector >= 0;
    default: break;
    }
    switch (stopped_at(c, n)) {
    case X86_MASKMOVQ:
    case X86_MASKMOVDQU:
    case X86_VMASKMOVDQU: /* Whether masked-off bytes fault; MMX state then. */
        return true;
    case X86_FXSAVE:
    case X86_FXRSTOR:
    case X86_FNSAVE:
    case X86_FNSTENV:
    case X86_FRSTOR:
    case X86_FLDENV:
    case X86_XSAVE:
    case X86_XSAVEC:
    case X86_XSAVEOPT:
    case X86_XRSTOR: /* How much is looked at, and which end first. */
        return n->vector >= X86_EXC_SS;
    default: return false;
    }
}

bool oracle_same(const struct oracle_case *c,
                 const struct oracle_result *native,
                 const struct oracle_result *guest, GString *report)
{
    const struct oracle_state *n = &native->state, *g = &guest->state;
    uint32_t flags =
        (X86_ARITH | X86_DF | X86_TF | X86_IF | X86_NT | X86_AC | X86_ID) &
        ~undefined_flags(c, n);
    /* The host has pages at the top that are present, but not for us. */
    uint32_t kernel = n->cr2 >> 32 >= 0x7fff;
    uint64_t gprs = c->mode32 ? UINT32_MAX : UINT64_MAX;
    struct diff d = {report, true};

    if (excused(c, n, g))
        return true;
    differ(&d, "vector", 0, (uint64_t)n->vector, (uint64_t)g->vector);
    differ(&d, "error", 0, n->error & ~kernel, g->error & ~kernel);
    if (n->vector == X86_EXC_PF && report)
        g_string_append_printf(report, "  page fault at %" PRIx64 "\n", n->cr2);
    differ(&d, "cr2", 0, n->cr2, g->cr2);
    differ(&d, "rip", c->in.rip, n->rip, g->rip);
    differ(&d, "rflags", c->in.rflags, n->rflags & flags, g->rflags & flags);
    for (unsigned i = 0; i < (c->mode32 ? 8 : 16); i++)
        differ(&d, gpr_names[i], c->in.gpr[i], n->gpr[i] & gprs,
               g->gpr[i] & gprs);
    compare_x87(&d, &c->in, n, g);
    compare_vectors(&d, &c->in, n, g);
    compare_memory(&d, c, native, guest);
    return d.same;
}
