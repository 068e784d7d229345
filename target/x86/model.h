/* SPDX-License-Identifier: MIT */
/*
 * CPU models: what a CPU says it is, and what it therefore can do.
 */
#ifndef TARGET_X86_MODEL_H
#define TARGET_X86_MODEL_H

#include "base/error.h"
#include "target/x86/features.h"

struct x86_cpu;

struct x86_model {
    const char *name;
    const char *vendor; /* 12 characters */
    const char *brand;  /* up to 47 */
    uint16_t family, model, stepping;
    uint8_t phys_bits, lin_bits;
    uint16_t cores, threads; /* of a socket, of a core; 0 = 1 */
    struct x86_features features;
    char own_vendor[13], own_brand[48]; /* where -cpu states another one */
};

static inline bool x86_has(const struct x86_model *model,
                           enum x86_feature feature)
{
    return x86_feature_test(&model->features, feature);
}

static inline bool x86_has_1g_pages(const struct x86_model *model)
{
    return x86_has(model, X86_FEATURE_PDPE1GB);
}

/* The bits of XCR0 that may be set. */
uint64_t x86_xcr0_known(const struct x86_model *model);
/* CPUID: out[] is EAX, EBX, ECX, EDX. */
void x86_cpuid(const struct x86_cpu *cpu, uint32_t leaf, uint32_t subleaf,
               uint32_t out[4]);
/* Everything the interpreter can do. Never freed. */
const struct x86_model *x86_model_max(void);
/* "Nehalem,+avx,-sse4.2": g_free() it. Unknown names are refused. */
struct x86_model *x86_model_new(const char *text, GError **error);
/* For -cpu help. */
char *x86_models_help(void);
/* The n-th model, NULL past the last one. */
const struct x86_model *x86_model_at(size_t n);
/* The n-th feature by -cpu's name ("" where it has none); NULL at the end. */
const char *x86_feature_name(size_t n, enum x86_feature *feature);
/* The n-th model's name, NULL past the last one. */
const char *x86_model_name(size_t n);

#endif
