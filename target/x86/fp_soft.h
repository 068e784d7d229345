/* SPDX-License-Identifier: MIT */
/*
 * Binary floating point in integer arithmetic, for any significand of up to 64
 * bits: what fp_portable.c is made of. Tininess is detected after rounding, as
 * x86 does. [IEEE754], [SDM] vol. 1 ch. 4 and 8.
 *
 * Numbers are unpacked, computed exactly or with a sticky bit, and rounded
 * once. NaNs are the callers' business: their rules differ.
 */
#ifndef TARGET_X86_FP_SOFT_H
#define TARGET_X86_FP_SOFT_H

#include "target/x86/fp.h"

typedef unsigned __int128 soft_wide;

enum soft_class {
    SOFT_ZERO,
    SOFT_FINITE,
    SOFT_INF,
    SOFT_NAN,
    SOFT_UNSUPPORTED, /* of the x87: unnormals and the like */
};

/* FINITE: mant * 2^(exp - 63), the top bit of mant set. NAN: mant is the
 * significand, left aligned. */
struct soft {
    enum soft_class class;
    bool sign;
    bool denormal;   /* it was encoded as one */
    bool signalling; /* NAN */
    int exp;
    uint64_t mant;
};

struct soft_format {
    unsigned bits;  /* of the significand, the integer bit included */
    int emin, emax; /* of normal numbers */
};

extern const struct soft_format soft_half, soft_single, soft_double,
    soft_extended;

/* Control, and what happened. */
struct soft_env {
    unsigned rounding; /* as in RC: nearest, down, up, to zero */
    uint32_t masks;    /* FP_*: masked exceptions */
    bool daz, fz;
    int bias; /* added to exponents in unmasked O and U; 0 = no such thing */
    uint32_t raised;
    bool up; /* the last rounding was away from zero */
};

/* From and to encodings of 16, 32 and 64 bits. */
struct soft soft_unpack(const struct soft_env *env, const struct soft_format *f,
                        uint64_t bits);
uint64_t soft_pack(const struct soft_format *f, struct soft x);

/*
 * The number nearest to mant * 2^(exp - 127) (`sticky`: and a little more),
 * in the format. mant 0 gives a zero of that sign.
 */
struct soft soft_round(struct soft_env *env, const struct soft_format *f,
                       bool sign, int exp, soft_wide mant, bool sticky);

/* Operands that are not NaN. FP_IE: the result means nothing. */
struct soft soft_add(struct soft_env *env, const struct soft_format *f,
                     struct soft a, struct soft b);
struct soft soft_mul(struct soft_env *env, const struct soft_format *f,
                     struct soft a, struct soft b);
struct soft soft_div(struct soft_env *env, const struct soft_format *f,
                     struct soft a, struct soft b);
struct soft soft_sqrt(struct soft_env *env, const struct soft_format *f,
                      struct soft a);
struct soft soft_fma(struct soft_env *env, const struct soft_format *f,
                     struct soft a, struct soft b, struct soft c);
/* To an integral value in the same format. */
struct soft soft_rint(struct soft_env *env, const struct soft_format *f,
                      struct soft a);
/* The same value in another format. */
struct soft soft_convert(struct soft_env *env, const struct soft_format *f,
                         struct soft a);
struct soft soft_from_int(struct soft_env *env, const struct soft_format *f,
                          int64_t value);
/* Rounded to an integer of `bits`; out of range (or no number): FP_IE, and
 * the integer indefinite. */
uint64_t soft_to_int(struct soft_env *env, struct soft a, unsigned bits);

/* -1, 0, 1. */
int soft_compare(struct soft a, struct soft b);

/*
 * Vectors, in fp_portable.c, for hosts without SSE4.1, F16C or FMA: as fp.h
 * says, on the first n lanes of `size` bytes. `minus`: the product is negated.
 */
v128 soft_cvtph2ps(struct x86_fpu *fpu, v128 b);
v128 soft_cvtps2ph(struct x86_fpu *fpu, v128 b, unsigned imm);
v128 soft_round_lanes(struct x86_fpu *fpu, v128 a, v128 b, unsigned size,
                      unsigned n, unsigned imm);
v128 soft_fma_lanes(struct x86_fpu *fpu, v128 a, v128 b, v128 c, unsigned size,
                    unsigned n, bool minus, bool subtracted);

#endif
