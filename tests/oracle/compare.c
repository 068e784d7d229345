/* SPDX-License-Identifier: MIT */
/*
 * What must be equal after a case, and what is left open: by the manual, or
 * because Intel's and AMD's CPUs do it in two ways. Both kinds of hosts are used.
 */
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

/* Sums of products with several NaNs: CPUs add them in their own order. */
static bool same_nan32(uint32_t a, uint32_t b)
{
    uint32_t nan = 0x7fc00000;

    return a == b || ((a & nan) == nan && (b & nan) == nan);
}

static bool same_nans(uint64_t a, uint64_t b)
{
    uint64_t nan = UINT64_C(0x7ff8000000000000);

    return ((a & nan) == nan && (b & nan) == nan) ||
           (same_nan32((uint32_t)a, (uint32_t)b) &&
            same_nan32((uint32_t)(a >> 32), (uint32_t)(b >> 32)));
}

static void compare_vectors(struct diff *d, const struct oracle_case *c,
                            const struct oracle_state *n,
                            const struct oracle_state *g)
{
    bool dots = c->count && gen_is_dot_product(&c->insn[c->count - 1]);
    char name[16];

    for (unsigned i = 0; i < 16; i++) {
        for (unsigned j = 0; j < 4; j++) {
            uint64_t host = ldl_u64(n->ymm[i] + 8 * j);
            uint64_t ours = ldl_u64(g->ymm[i] + 8 * j);

            if (dots && same_nans(host, ours))
                continue;
            g_snprintf(name, sizeof(name), "ymm%u.%u", i, j);
            differ(d, name, ldl_u64(c->in.ymm[i] + 8 * j), host, ours);
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

/* What an instruction that faults leaves, or does, in more than one way. */
enum slack {
    SLACK_ALL = 1 << 0,    /* the case says nothing */
    SLACK_X87 = 1 << 1,    /* TOP and tags, of an MMX instruction */
    SLACK_CR2 = 1 << 2,    /* where in the page */
    SLACK_MXCSR = 1 << 3,  /* exceptions of what was not stored */
    SLACK_MEMORY = 1 << 4, /* how much of two pages was written */
    SLACK_FLAGS = 1 << 5,
    SLACK_VECTORS = 1 << 6,
};

enum who { /* whose faults, or on whose host */
           HOST = 1 << 0,
           OURS = 1 << 1,
           EITHER = HOST | OURS,
           ON_AMD = 1 << 2,
};

static const struct {
    uint16_t mnemonic;
    uint8_t who;
    uint8_t slack;
} slacks[] = {
    /* How much is looked at, and which end first. */
    {X86_FXSAVE, HOST, SLACK_ALL},
    {X86_FXRSTOR, EITHER, SLACK_ALL}, /* AMD has MXCSR.MM, too */
    {X86_FNSAVE, HOST, SLACK_ALL},
    {X86_FNSTENV, HOST, SLACK_ALL},
    {X86_FRSTOR, HOST, SLACK_ALL},
    {X86_FLDENV, HOST, SLACK_ALL},
    {X86_XSAVE, HOST, SLACK_ALL},
    {X86_XSAVEC, HOST, SLACK_ALL},
    {X86_XSAVEOPT, HOST, SLACK_ALL},
    {X86_XRSTOR, EITHER, SLACK_ALL},
    {X86_PUSHA, HOST | ON_AMD, SLACK_CR2 | SLACK_MEMORY},
    /* Do masked-off bytes fault? MMX state then. */
    {X86_MASKMOVQ, HOST, SLACK_ALL},
    {X86_MASKMOVDQU, HOST, SLACK_ALL},
    {X86_VMASKMOVDQU, HOST, SLACK_ALL},
    {X86_VMASKMOVPS, HOST, SLACK_CR2},
    {X86_VMASKMOVPD, HOST, SLACK_CR2},
    {X86_VPMASKMOVD, HOST, SLACK_CR2},
    {X86_VPMASKMOVQ, HOST, SLACK_CR2},
    /* Intel goes to MMX state before the store, AMD after it. */
    {X86_MOVQ, HOST, SLACK_X87},
    {X86_MOVD, HOST, SLACK_X87},
    {X86_MOVNTQ, HOST, SLACK_X87},
    /* Intel converts before it stores, AMD stores before it has flags. */
    {X86_VCVTPS2PH, EITHER, SLACK_MXCSR},
    /* The mask of a gather that faults: AMD does not touch it. */
    {X86_VPGATHERDD, HOST | ON_AMD, SLACK_VECTORS},
    {X86_VPGATHERDQ, HOST | ON_AMD, SLACK_VECTORS},
    {X86_VPGATHERQD, HOST | ON_AMD, SLACK_VECTORS},
    {X86_VPGATHERQQ, HOST | ON_AMD, SLACK_VECTORS},
    {X86_VGATHERDPS, HOST | ON_AMD, SLACK_VECTORS},
    {X86_VGATHERDPD, HOST | ON_AMD, SLACK_VECTORS},
    {X86_VGATHERQPS, HOST | ON_AMD, SLACK_VECTORS},
    {X86_VGATHERQPD, HOST | ON_AMD, SLACK_VECTORS},
    /* Intel takes back the flags of a REPNE that faults. */
    {X86_SCAS, HOST | ON_AMD, SLACK_FLAGS},
    /* Intel stores the first of two pages. */
    {X86_FSTP, HOST, SLACK_MEMORY},
    {X86_FBSTP, HOST, SLACK_MEMORY},
};

static unsigned slack_of(const struct oracle_case *c,
                         const struct oracle_state *n,
                         const struct oracle_state *g)
{
    unsigned host = stopped_at(c, n), ours = stopped_at(c, g), slack = 0;
    bool amd = __builtin_cpu_is("amd");

    for (unsigned i = 0; i < G_N_ELEMENTS(slacks); i++) {
        if (((slacks[i].mnemonic == host && slacks[i].who & HOST) ||
             (slacks[i].mnemonic == ours && slacks[i].who & OURS)) &&
            (amd || !(slacks[i].who & ON_AMD)))
            slack |= slacks[i].slack;
    }
    return slack;
}

/* Cases that say nothing, because CPUs differ. */
static bool excused(const struct oracle_case *c, const struct oracle_state *n,
                    const struct oracle_state *g)
{
    bool memory = g->vector == X86_EXC_PF || g->vector == X86_EXC_GP ||
                  g->vector == X86_EXC_SS || g->vector == X86_EXC_AC;

    /* AMD lets long operands of flat segments wrap at 4 GiB. */
    if (c->mode32 && n->vector == X86_EXC_PF && n->cr2 >= 0xffffff00 &&
        (g->vector == X86_EXC_GP || g->vector == X86_EXC_SS))
        return true;
    switch (stopped_at(c, g)) {
    case X86_FST:
    case X86_FSTP:
    case X86_FBSTP:
    case X86_FIST:
    case X86_FISTP:
    case X86_FISTTP:
        /* Intel does not look at the address of what an unmasked exception
         * forbids to store. */
        return memory && (n->fsw & FP_ES ||
                          ~(unsigned)c->in.fcw & (FP_IE | FP_OE | FP_UE));
    case X86_VCVTPS2PH: /* which of two exceptions */
        return memory && n->vector == X86_EXC_XM;
    case X86_BOUND: /* Intel does not always read the upper bound. */
        return memory && n->vector == X86_EXC_BR;
    case X86_CMPS: /* which of two bad operands is read first */
        return n->vector >= 0;
    case X86_VMASKMOVPS:
    case X86_VMASKMOVPD:
    case X86_VPMASKMOVD:
    case X86_VPMASKMOVQ: /* AMD holds all of it against the segment's limit. */
        return c->mode32 && g->vector == X86_EXC_PF &&
               (n->vector == X86_EXC_GP || n->vector == X86_EXC_SS);
    case X86_SHA1RNDS4:
    case X86_SHA1NEXTE:
    case X86_SHA1MSG1:
    case X86_SHA1MSG2:
    case X86_SHA256RNDS2:
    case X86_SHA256MSG1:
    case X86_SHA256MSG2: /* AMD does not mind a misaligned operand. */
    case X86_LDMXCSR:
    case X86_VLDMXCSR: /* AMD has MXCSR.MM. */
        return g->vector == X86_EXC_GP && __builtin_cpu_is("amd");
    default: return false;
    }
}

static void compare_flags(struct diff *d, const struct oracle_case *c,
                          const struct oracle_state *n,
                          const struct oracle_state *g, unsigned slack)
{
    uint32_t flags =
        (X86_ARITH | X86_DF | X86_TF | X86_IF | X86_NT | X86_AC | X86_ID) &
        ~undefined_flags(c, n);

    if (!(slack & SLACK_FLAGS))
        differ(d, "rflags", c->in.rflags, n->rflags & flags, g->rflags & flags);
}

static void compare_exception(struct diff *d, const struct oracle_state *n,
                              const struct oracle_state *g, unsigned slack)
{
    /* The host has pages at the top that are present, but not for us. */
    uint32_t kernel = n->cr2 >> 32 >= 0x7fff;
    uint64_t cr2 = slack & SLACK_CR2 ? ~(uint64_t)4095 : UINT64_MAX;

    differ(d, "vector", 0, (uint64_t)n->vector, (uint64_t)g->vector);
    differ(d, "error", 0, n->error & ~kernel, g->error & ~kernel);
    if (n->vector == X86_EXC_PF && d->report)
        g_string_append_printf(d->report, "  page fault at %" PRIx64 "\n",
                               n->cr2);
    differ(d, "cr2", 0, n->cr2 & cr2, g->cr2 & cr2);
}

bool oracle_same(const struct oracle_case *c,
                 const struct oracle_result *native,
                 const struct oracle_result *guest, GString *report)
{
    const struct oracle_state *n = &native->state, *g = &guest->state;
    unsigned slack = slack_of(c, n, g);
    uint64_t gprs = c->mode32 ? UINT32_MAX : UINT64_MAX;
    struct diff d = {report, true};

    if (slack & SLACK_ALL || excused(c, n, g))
        return true;
    compare_exception(&d, n, g, slack);
    differ(&d, "rip", c->in.rip, n->rip, g->rip);
    compare_flags(&d, c, n, g, slack);
    for (unsigned i = 0; i < (c->mode32 ? 8 : 16); i++)
        differ(&d, gpr_names[i], c->in.gpr[i], n->gpr[i] & gprs,
               g->gpr[i] & gprs);
    if (!(slack & SLACK_X87))
        compare_x87(&d, &c->in, n, g);
    if (!(slack & SLACK_MXCSR))
        differ(&d, "mxcsr", c->in.mxcsr, n->mxcsr & mxcsr_mask(n),
               g->mxcsr & mxcsr_mask(n));
    if (!(slack & SLACK_VECTORS))
        compare_vectors(&d, c, n, g);
    if (!(slack & SLACK_MEMORY))
        compare_memory(&d, c, native, guest);
    return d.same;
}
