/* SPDX-License-Identifier: MIT */
/*
 * CPU features as a set. The list is features.def; X86_FEATURE_NONE, which
 * rows of opcodes.def use for what every CPU has, is in every set.
 */
#ifndef TARGET_X86_FEATURES_H
#define TARGET_X86_FEATURES_H

#include "base/base.h"

enum x86_feature {
    X86_FEATURE_NONE,
#define FEATURE(name, ...) X86_FEATURE_##name,
#include "target/x86/features.def"
#undef FEATURE
    X86_FEATURES
};

/* Registers of CPUID, as features.def names them. */
enum { X86_CPUID_EAX, X86_CPUID_EBX, X86_CPUID_ECX, X86_CPUID_EDX };

struct x86_features {
    uint64_t bits[(X86_FEATURES + 63) / 64];
};

static inline void x86_feature_set(struct x86_features *set,
                                   enum x86_feature feature)
{
    set->bits[feature / 64] |= BIT(feature % 64);
}

static inline void x86_feature_clear(struct x86_features *set,
                                     enum x86_feature feature)
{
    set->bits[feature / 64] &= ~BIT(feature % 64);
}

static inline bool x86_feature_test(const struct x86_features *set,
                                    enum x86_feature feature)
{
    return feature == X86_FEATURE_NONE ||
           (set->bits[feature / 64] >> feature % 64 & 1);
}

#endif
