/* SPDX-License-Identifier: MIT */
/*
 * Floating point on x86-64 hosts: every operation of fp.h is the host's own
 * instruction, run under the guest's control word. The one file of the CPU
 * with inline assembly. [SDM] vol. 1 ch. 8, 10, 11, 14.
 *
 * SSE operations load MXCSR with everything masked and no flag set, so the
 * flags afterwards are the operation's own. Loading and storing MXCSR costs
 * next to nothing; FNCLEX costs 45 ns, so x87 flags are cleared only where
 * stale ones could be mistaken for the guest's: FP_PE is tolerated in the host
 * while the guest has it set and masked.
 *
 * An unmasked x87 exception is raised by the host only at the next waiting
 * instruction: FNCLEX comes before it, and nothing is ever delivered.
 *
 * Not modelled: differences between the host's vendor and the guest's model
 * (the approximations RCPPS, RSQRTPS; last bits of transcendentals).
 */
#include "target/x86/fp_soft.h"

#if defined(__x86_64__)

enum { HOST_MXCSR = 0x1f80 };

/* What to load so that the host computes as the guest would, masked. */
static always_inline uint32_t sse_enter(const struct x86_fpu *fpu)
{
    uint32_t csr = (fpu->mxcsr & ~(uint32_t)FP_ALL) | FP_MXCSR_MASKS;

    /* Flush-to-zero works only where underflow is masked. */
    if (unlikely(!(fpu->mxcsr & FP_MXCSR_UM)))
        csr &= ~(uint32_t)FP_MXCSR_FZ;
    return csr;
}

/* clang-format off */
#define SSE_RUN(csr, text, ...)                                              \
    do {                                                                     \
        const uint32_t host_csr = HOST_MXCSR;                                \
        __asm__ volatile("ldmxcsr %[csr_]\n\t" text "\n\tstmxcsr %[csr_]\n\t" \
                         "ldmxcsr %[host_]"                                  \
                         : [csr_] "+m"(csr), __VA_ARGS__,                    \
                           [host_] "m"(host_csr));                           \
    } while (0)

#define SSE_BINARY(name, text)                                               \
    v128 fp_##name(struct x86_fpu *fpu, v128 a, v128 b)                      \
    {                                                                        \
        uint32_t csr = sse_enter(fpu);                                       \
                                                                             \
        SSE_RUN(csr, text " %[b], %[a]", [a] "+x"(a) : [b] "x"(b));          \
        fpu->raised = csr & FP_ALL;                                          \
        return a;                                                            \
    }
FP_SSE_BINARY(SSE_BINARY)

#define SSE_UNARY(name, text)                                                \
    v128 fp_##name(struct x86_fpu *fpu, v128 b)                              \
    {                                                                        \
        uint32_t csr = sse_enter(fpu);                                       \
        v128 a;                                                              \
                                                                             \
        SSE_RUN(csr, text " %[b], %[a]", [a] "=x"(a) : [b] "x"(b));          \
        fpu->raised = csr & FP_ALL;                                          \
        return a;                                                            \
    }
FP_SSE_UNARY(SSE_UNARY)

#define SSE_TO_INT(name, text)                                               \
    uint32_t fp_##name##32(struct x86_fpu *fpu, v128 b)                      \
    {                                                                        \
        uint32_t csr = sse_enter(fpu);                                       \
        uint32_t a;                                                          \
                                                                             \
        SSE_RUN(csr, text " %[b], %k[a]", [a] "=r"(a) : [b] "x"(b));         \
        fpu->raised = csr & FP_ALL;                                          \
        return a;                                                            \
    }                                                                        \
    uint64_t fp_##name##64(struct x86_fpu *fpu, v128 b)                      \
    {                                                                        \
        uint32_t csr = sse_enter(fpu);                                       \
        uint64_t a;                                                          \
                                                                             \
        SSE_RUN(csr, text " %[b], %q[a]", [a] "=r"(a) : [b] "x"(b));         \
        fpu->raised = csr & FP_ALL;                                          \
        return a;                                                            \
    }
FP_SSE_TO_INT(SSE_TO_INT)

#define SSE_FROM_INT(name, text)                                             \
    v128 fp_##name(struct x86_fpu *fpu, v128 a, int64_t b)                   \
    {                                                                        \
        uint32_t csr = sse_enter(fpu);                                       \
                                                                             \
        SSE_RUN(csr, text " %[b], %[a]", [a] "+x"(a) : [b] "r"(b));          \
        fpu->raised = csr & FP_ALL;                                          \
        return a;                                                            \
    }
SSE_FROM_INT(cvtsi2ss, "cvtsi2ssq")
SSE_FROM_INT(cvtsi2sd, "cvtsi2sdq")

#define SSE_COMPARE(name, text)                                              \
    uint32_t fp_##name(struct x86_fpu *fpu, v128 a, v128 b)                  \
    {                                                                        \
        uint32_t csr = sse_enter(fpu);                                       \
        uint64_t f;                                                          \
                                                                             \
        SSE_RUN(csr, text " %[b], %[a]\n\tlahf\n\tmovzbl %%ah, %%eax",       \
                [f] "=a"(f) : [a] "x"(a), [b] "x"(b));                       \
        fpu->raised = csr & FP_ALL;                                          \
        return (uint32_t)f & (X86_ZF | X86_PF | X86_CF);                     \
    }
FP_SSE_COMPARE(SSE_COMPARE)
/* clang-format on */

/* Which of less (1), equal (2), greater (4), unordered (8) are true. */
static const uint8_t compare_truth[16] = {
    2, 1, 3, 8, 13, 14, 12, 7, 10, 9, 11, 0, 5, 6, 4, 15,
};

/* Predicates that are "signalling": a quiet NaN raises FP_IE too. */
static bool compare_signals(unsigned pred)
{
    return (UINT32_C(0x99996666) >> (pred & 31)) & 1;
}

static v128 compare_merge(unsigned pred, v128 lt, v128 eq, v128 un)
{
    unsigned truth = compare_truth[pred & 15];
    v128 r = {0, 0};

    if (truth & 1)
        r |= lt;
    if (truth & 2)
        r |= eq;
    if (truth & 4)
        r |= ~(lt | eq | un);
    if (truth & 8)
        r |= un;
    return r;
}

/* clang-format off */
#define SSE_CMP(type, lane_mask)                                             \
    v128 fp_cmp_##type(struct x86_fpu *fpu, v128 a, v128 b, unsigned pred)   \
    {                                                                        \
        const v128 lanes = lane_mask;                                        \
        uint32_t csr = sse_enter(fpu), quiet = csr;                          \
        v128 lt = a, eq = a, un = a;                                         \
                                                                             \
        SSE_RUN(quiet, "cmpeq" #type " %[b], %[eq]\n\t"                      \
                "cmpunord" #type " %[b], %[un]",                             \
                [eq] "+x"(eq), [un] "+x"(un) : [b] "x"(b));                  \
        SSE_RUN(csr, "cmplt" #type " %[b], %[lt]",                           \
                [lt] "+x"(lt) : [b] "x"(b));                                 \
        fpu->raised = (compare_signals(pred) ? csr : quiet) & FP_ALL;        \
        return v128_blend(lanes, compare_merge(pred, lt, eq, un), a);        \
    }
SSE_CMP(ps, ((v128){ ~UINT64_C(0), ~UINT64_C(0) }))
SSE_CMP(pd, ((v128){ ~UINT64_C(0), ~UINT64_C(0) }))
SSE_CMP(ss, ((v128){ UINT32_MAX, 0 }))
SSE_CMP(sd, ((v128){ ~UINT64_C(0), 0 }))
/* clang-format on */

/* MXCSR for an immediate that may name its own rounding. */
static uint32_t sse_enter_rounding(const struct x86_fpu *fpu, unsigned imm)
{
    uint32_t csr = sse_enter(fpu);

    if (!(imm & 4))
        csr = (csr & ~(uint32_t)FP_MXCSR_RC) | (imm & 3) << FP_MXCSR_RC_SHIFT;
    return csr;
}

/* clang-format off */
#define SSE_ROUND_PACKED(name, text, size, n)                                \
    v128 fp_##name(struct x86_fpu *fpu, v128 b, unsigned imm)                \
    {                                                                        \
        uint32_t csr = sse_enter_rounding(fpu, imm);                         \
        v128 a;                                                              \
                                                                             \
        if (unlikely(!__builtin_cpu_supports("sse4.1")))                     \
            return soft_round_lanes(fpu, b, b, size, n, imm);                \
        SSE_RUN(csr, text " $4, %[b], %[a]", [a] "=x"(a) : [b] "x"(b));      \
        fpu->raised = csr & (imm & 8 ? FP_ALL & ~FP_PE : FP_ALL);            \
        return a;                                                            \
    }
SSE_ROUND_PACKED(round_ps, "roundps", 4, 4)
SSE_ROUND_PACKED(round_pd, "roundpd", 8, 2)

#define SSE_ROUND_SCALAR(name, text, size)                                   \
    v128 fp_##name(struct x86_fpu *fpu, v128 a, v128 b, unsigned imm)        \
    {                                                                        \
        uint32_t csr = sse_enter_rounding(fpu, imm);                         \
                                                                             \
        if (unlikely(!__builtin_cpu_supports("sse4.1")))                     \
            return soft_round_lanes(fpu, a, b, size, 1, imm);                \
        SSE_RUN(csr, text " $4, %[b], %[a]", [a] "+x"(a) : [b] "x"(b));      \
        fpu->raised = csr & (imm & 8 ? FP_ALL & ~FP_PE : FP_ALL);            \
        return a;                                                            \
    }
SSE_ROUND_SCALAR(round_ss, "roundss", 4)
SSE_ROUND_SCALAR(round_sd, "roundsd", 8)

#define SSE_FMA(name, text, size, n, minus, subtracted)                      \
    v128 fp_##name(struct x86_fpu *fpu, v128 a, v128 b, v128 c)              \
    {                                                                        \
        uint32_t csr = sse_enter(fpu);                                       \
                                                                             \
        if (unlikely(!__builtin_cpu_supports("fma")))                        \
            return soft_fma_lanes(fpu, a, b, c, size, n, minus, subtracted); \
        SSE_RUN(csr, text " %[c], %[b], %[a]",                               \
                [a] "+x"(a) : [b] "x"(b), [c] "x"(c));                       \
        fpu->raised = csr & FP_ALL;                                          \
        return a;                                                            \
    }
#define SSE_FMA_SIZES(name, minus, subtracted)                               \
    SSE_FMA(name##_ps, "v" #name "213ps", 4, 4, minus, subtracted)           \
    SSE_FMA(name##_pd, "v" #name "213pd", 8, 2, minus, subtracted)           \
    SSE_FMA(name##_ss, "v" #name "213ss", 4, 1, minus, subtracted)           \
    SSE_FMA(name##_sd, "v" #name "213sd", 8, 1, minus, subtracted)
SSE_FMA_SIZES(fmadd, false, false)
SSE_FMA_SIZES(fmsub, false, true)
SSE_FMA_SIZES(fnmadd, true, false)
SSE_FMA_SIZES(fnmsub, true, true)
/* clang-format on */

/* F16C is older than FMA: no CPU has the latter alone. */
v128 fp_cvtph2ps(struct x86_fpu *fpu, v128 b)
{
    uint32_t csr = sse_enter(fpu);
    v128 a;

    if (unlikely(!__builtin_cpu_supports("fma")))
        return soft_cvtph2ps(fpu, b);
    SSE_RUN(csr, "vcvtph2ps %[b], %[a]", [a] "=x"(a) : [b] "x"(b));
    fpu->raised = csr & FP_ALL;
    return a;
}

v128 fp_cvtps2ph(struct x86_fpu *fpu, v128 b, unsigned imm)
{
    uint32_t csr = sse_enter_rounding(fpu, imm);
    v128 a;

    if (unlikely(!__builtin_cpu_supports("fma")))
        return soft_cvtps2ph(fpu, b, imm);
    SSE_RUN(csr, "vcvtps2ph $4, %[b], %[a]", [a] "=x"(a) : [b] "x"(b));
    fpu->raised = csr & FP_ALL;
    return a;
}

/*
 * x87. Every operation is: load, operate, read the status, store. The second
 * template is for guests that unmask something, or that must see FP_PE exactly.
 */
enum { HOST_FCW = 0x37f };

static always_inline bool x87_all_masked(const struct x86_fpu *fpu)
{
    return (fpu->fcw & FP_ALL) == FP_ALL;
}

static always_inline void x87_clean(void)
{
    uint16_t sw;

    __asm__ volatile("fnstsw %0" : "=a"(sw));
    if (sw & FP_ALL)
        __asm__ volatile("fnclex");
}

#define X87_CLOBBERS                                                     \
    "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", \
        "memory"

/* clang-format off */
#define X87_ASM(cw, sw, before_tail, ...)                                    \
    __asm__ volatile("fldcw %[cw_]\n\t" before_tail "\n\tfldcw %[host_]"     \
                     : [sw_] "=&a"(sw)                                       \
                     : [cw_] "m"(cw), [host_] "m"(host_cw), __VA_ARGS__      \
                     : X87_CLOBBERS)

#define X87_RUN(fpu, cw, sw, load, op, tail, ...)                            \
    do {                                                                     \
        const uint16_t host_cw = HOST_FCW, guest_cw = (cw);                  \
                                                                             \
        if (unlikely(!((fpu)->fsw & FP_PE)) || !x87_all_masked(fpu))         \
            x87_clean();                                                     \
        if (likely(x87_all_masked(fpu))) {                                   \
            X87_ASM(guest_cw, sw, load "\n\t" op "\n\tfnstsw %[sw_]\n\t"     \
                    tail, __VA_ARGS__);                                      \
            if (unlikely(sw & (FP_ALL & ~FP_PE)))                            \
                __asm__ volatile("fnclex");                                  \
        } else {                                                             \
            X87_ASM(guest_cw, sw, load "\n\t" op "\n\tfnstsw %[sw_]\n\t"     \
                    "fnclex\n\t" tail, __VA_ARGS__);                         \
        }                                                                    \
        sw &= FP_ALL | FP_CC;                                                \
    } while (0)

#define ST0_OUT "fstpt (%[out])"
#define ST0_OUT_POP ST0_OUT "\n\tfstp %%st(0)"

#define X87_ARITH(name)                                                      \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out,   \
                           const struct x87_reg *a, const struct x87_reg *b) \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldt (%[b])\n\tfldt (%[a])",             \
                "f" #name " %%st(1), %%st", ST0_OUT_POP,                     \
                [a] "r"(a), [b] "r"(b), [out] "r"(out));                     \
        return sw;                                                           \
    }                                                                        \
    uint32_t fp_x87_##name##_f32(const struct x86_fpu *fpu,                  \
                                 struct x87_reg *out,                        \
                                 const struct x87_reg *a, uint32_t b)        \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldt (%[a])", "f" #name "s %[b]",        \
                ST0_OUT, [a] "r"(a), [b] "m"(b), [out] "r"(out));            \
        return sw;                                                           \
    }                                                                        \
    uint32_t fp_x87_##name##_f64(const struct x86_fpu *fpu,                  \
                                 struct x87_reg *out,                        \
                                 const struct x87_reg *a, uint64_t b)        \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldt (%[a])", "f" #name "l %[b]",        \
                ST0_OUT, [a] "r"(a), [b] "m"(b), [out] "r"(out));            \
        return sw;                                                           \
    }
FP_X87_ARITH(X87_ARITH)

#define X87_UNARY(name)                                                      \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out,   \
                           const struct x87_reg *a)                          \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldt (%[a])", "f" #name, ST0_OUT,        \
                [a] "r"(a), [out] "r"(out));                                 \
        return sw;                                                           \
    }
FP_X87_UNARY(X87_UNARY)

/*
 * Those that pop (FYL2X, FPATAN) leave one register or, where an unmasked
 * exception stopped them, two: free both and put TOP where it was.
 */
#define X87_BINARY(name)                                                     \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out,   \
                           const struct x87_reg *a, const struct x87_reg *b) \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldt (%[b])\n\tfldt (%[a])", "f" #name,  \
                ST0_OUT "\n\tffree %%st(0)\n\tfincstp",                      \
                [a] "r"(a), [b] "r"(b), [out] "r"(out));                     \
        return sw;                                                           \
    }
FP_X87_BINARY(X87_BINARY)

/* A register below the operand is there to be stored where nothing is pushed. */
#define X87_PAIR(name)                                                       \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out,   \
                           struct x87_reg *below, const struct x87_reg *a)   \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldz\n\tfldt (%[a])", "f" #name,         \
                ST0_OUT "\n\tfstpt (%[below])\n\tffree %%st(0)\n\tfincstp",  \
                [a] "r"(a), [below] "r"(below), [out] "r"(out));             \
        return sw;                                                           \
    }
FP_X87_PAIR(X87_PAIR)

#define X87_COMPARE(name)                                                    \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu,                        \
                           const struct x87_reg *a, const struct x87_reg *b) \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldt (%[b])\n\tfldt (%[a])",             \
                "f" #name " %%st(1)", "fstp %%st(0)\n\tfstp %%st(0)",        \
                [a] "r"(a), [b] "r"(b));                                     \
        return sw;                                                           \
    }
X87_COMPARE(com)
X87_COMPARE(ucom)

#define X87_COMPARE_MEMORY(name, text, type)                                 \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu,                        \
                           const struct x87_reg *a, type b)                  \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldt (%[a])", text " %[b]",              \
                "fstp %%st(0)", [a] "r"(a), [b] "m"(b));                     \
        return sw;                                                           \
    }
X87_COMPARE_MEMORY(com_f32, "fcoms", uint32_t)
X87_COMPARE_MEMORY(com_f64, "fcoml", uint64_t)

#define X87_LOAD(name, text, type)                                           \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, struct x87_reg *out,   \
                           type b)                                           \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldz", text " %[b]",                     \
                ST0_OUT "\n\tffree %%st(0)\n\tfincstp",                      \
                [b] "m"(b), [out] "r"(out));                                 \
        return sw;                                                           \
    }
X87_LOAD(ld_f32, "flds", uint32_t)
X87_LOAD(ld_f64, "fldl", uint64_t)

#define X87_STORE(name, text, type)                                          \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, type *out,             \
                           const struct x87_reg *a)                          \
    {                                                                        \
        uint16_t sw;                                                         \
                                                                             \
        X87_RUN(fpu, fpu->fcw, sw, "fldt (%[a])", text " (%[out])",          \
                "ffree %%st(0)\n\tfincstp", [a] "r"(a), [out] "r"(out));     \
        return sw;                                                           \
    }
X87_STORE(st_f32, "fsts", uint32_t)
X87_STORE(st_f64, "fstl", uint64_t)

#define X87_STORE_INT(name, text, type)                                      \
    uint32_t fp_x87_##name(const struct x86_fpu *fpu, type *out,             \
                           const struct x87_reg *a, bool trunc)              \
    {                                                                        \
        uint16_t cw = trunc ? fpu->fcw | 0xc00 : fpu->fcw, sw;               \
                                                                             \
        X87_RUN(fpu, cw, sw, "fldt (%[a])\n\tfld %%st(0)",                   \
                text " (%[out])",                                            \
                "ffree %%st(0)\n\tffree %%st(1)\n\tfincstp",                 \
                [a] "r"(a), [out] "r"(out));                                 \
        return sw;                                                           \
    }
X87_STORE_INT(st_i16, "fistps", uint16_t)
X87_STORE_INT(st_i32, "fistpl", uint32_t)
X87_STORE_INT(st_i64, "fistpll", uint64_t)
/* clang-format on */

uint32_t fp_x87_st_bcd(const struct x86_fpu *fpu, uint8_t out[10],
                       const struct x87_reg *a)
{
    uint16_t sw;

    X87_RUN(fpu, fpu->fcw, sw, "fldt (%[a])\n\tfld %%st(0)", "fbstp (%[out])",
            "ffree %%st(0)\n\tffree %%st(1)\n\tfincstp", [a] "r"(a),
            [out] "r"(out));
    return sw;
}

#endif
