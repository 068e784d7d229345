/* SPDX-License-Identifier: MIT */
/*
 * CPUID [SDM] vol. 2, [APM] vol. 3 appendix E, and the model that has all
 * that the interpreter implements.
 */
#include "target/x86/model.h"

#include <string.h>

#include "base/error.h"
#include "target/x86/cpu.h"

/* Where each feature stands in CPUID. */
static const struct {
    uint32_t leaf;
    uint8_t subleaf, reg, bit;
} where[X86_FEATURES] = {
#define FEATURE(name, option, leaf, subleaf, reg, bit) \
    [X86_FEATURE_##name] = {leaf, subleaf, X86_CPUID_##reg, bit},
#include "target/x86/features.def"
#undef FEATURE
};

uint64_t x86_xcr0_known(const struct x86_model *model)
{
    return 1 | (x86_has(model, X86_FEATURE_SSE) ? 2U : 0U) |
           (x86_has(model, X86_FEATURE_AVX) ? 4U : 0U) |
           (x86_has(model, X86_FEATURE_PKU) ? 0x200U : 0U);
}

static void add_features(const struct x86_cpu *cpu, uint32_t leaf,
                         uint32_t subleaf, uint32_t out[4])
{
    for (unsigned f = 1; f < X86_FEATURES; f++) {
        if (where[f].leaf == leaf && where[f].subleaf == subleaf &&
            x86_has(cpu->model, (enum x86_feature)f)) {
            out[where[f].reg] |= UINT32_C(1) << where[f].bit;
        }
    }
}

static uint32_t signature(const struct x86_model *m)
{
    uint32_t family = m->family > 15 ? 15 : m->family;
    uint32_t extended = m->family > 15 ? m->family - 15U : 0;

    return m->stepping | (m->model & 15U) << 4 | family << 8 |
           (m->model >> 4 & 15U) << 16 | extended << 20;
}

/* Bits that count up to n - 1. */
static unsigned id_bits(unsigned n)
{
    return n > 1 ? 32 - (unsigned)__builtin_clz(n - 1) : 0;
}

static unsigned thread_bits(const struct x86_model *m)
{
    return id_bits(m->threads);
}

/* All of a socket. */
static unsigned socket_bits(const struct x86_model *m)
{
    return thread_bits(m) + id_bits(m->cores);
}

/* APIC ids of a socket, used or not: [SDM] vol. 3, 9.9.3. */
static unsigned socket_ids(const struct x86_model *m)
{
    return 1U << socket_bits(m);
}

static void leaf_1(const struct x86_cpu *cpu, uint32_t out[4])
{
    const struct x86_model *m = cpu->model;

    out[0] = signature(m);
    out[1] = cpu->apic_id << 24 | 8 << 8 | MIN(socket_ids(m), 255) << 16;
    if (m->cores > 1 || m->threads > 1) {
        out[3] |= UINT32_C(1) << 28; /* HTT: more than one id a socket */
    }
    if (cpu->cr4 & X86_CR4_OSXSAVE) {
        out[2] |= UINT32_C(1) << 27;
    }
}

static void text(uint32_t *out, const char *s, size_t at, size_t n)
{
    char buf[48] = {0};

    strncpy(buf, s, sizeof(buf) - 1);
    memcpy(out, buf + at, n);
}

static void vendor(const struct x86_cpu *cpu, uint32_t highest, uint32_t out[4])
{
    out[0] = highest;
    text(&out[1], cpu->model->vendor, 0, 4);
    text(&out[3], cpu->model->vendor, 4, 4);
    text(&out[2], cpu->model->vendor, 8, 4);
}

/* Sizes and offsets of the XSAVE area's components. */
static void leaf_d(const struct x86_cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    uint64_t known = x86_xcr0_known(cpu->model);

    if (!x86_has(cpu->model, X86_FEATURE_XSAVE)) {
        return;
    }
    if (subleaf == 0) {
        out[0] = (uint32_t)known;
        out[1] = cpu->xcr0 & 0x200 ? 2696 : cpu->xcr0 & 4 ? 832 : 576;
        out[2] = known & 0x200 ? 2696 : known & 4 ? 832 : 576;
    } else if (subleaf == 1) {
        out[1] = 576 + (cpu->xcr0 & 4 ? 256 : 0) + (cpu->xcr0 & 0x200 ? 8 : 0);
    } else if (subleaf == 2 && known & 4) {
        out[0] = 256;
        out[1] = 576;
    } else if (subleaf == 9 && known & 0x200) {
        out[0] = 8;
        out[1] = 2688;
    }
}

/* Topology: level 0 is threads, level 1 is cores. */
static void leaf_b(const struct x86_cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    const struct x86_model *m = cpu->model;

    out[2] = subleaf & 0xff;
    out[3] = cpu->apic_id;
    if (subleaf == 0) {
        out[0] = thread_bits(m);
        out[1] = MAX(m->threads, 1);
        out[2] |= 1 << 8;
    } else if (subleaf == 1) {
        out[0] = socket_bits(m);
        out[1] = MAX(m->threads, 1) * (uint32_t)MAX(m->cores, 1);
        out[2] |= 2 << 8;
    }
}

static void leaf_ext(const struct x86_cpu *cpu, uint32_t leaf, uint32_t out[4])
{
    const struct x86_model *m = cpu->model;

    switch (leaf) {
    case 0x80000000: vendor(cpu, 0x80000008, out); break;
    case 0x80000001:
        out[0] = signature(m);
        if (strcmp(m->vendor, "AuthenticAMD") == 0 &&
            (m->cores > 1 || m->threads > 1)) {
            out[2] |= 1 << 1; /* CmpLegacy: cores, not threads */
        }
        break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: text(out, m->brand, (leaf - 0x80000002) * 16, 16); break;
    case 0x80000008:
        out[0] = m->phys_bits | (uint32_t)m->lin_bits << 8;
        out[2] = socket_bits(m) << 12 |
                 (MAX(m->cores, 1U) * MAX(m->threads, 1U) - 1);
        break;
    default: break;
    }
}

void x86_cpuid(const struct x86_cpu *cpu, uint32_t leaf, uint32_t subleaf,
               uint32_t out[4])
{
    memset(out, 0, 16);
    if (leaf & 0x80000000) {
        leaf_ext(cpu, leaf, out);
    }
    switch (leaf) {
    case 0: vendor(cpu, 0xd, out); break;
    case 1: leaf_1(cpu, out); break;
    case 7:
        if (subleaf == 0 && cpu->cr4 & X86_CR4_PKE) {
            out[2] |= 1 << 4;
        }
        break;
    case 0xb: leaf_b(cpu, subleaf, out); break;
    case 0xd: leaf_d(cpu, subleaf, out); break;
    default: break;
    }
    add_features(cpu, leaf, leaf == 7 || leaf == 0xd ? subleaf : 0, out);
}
