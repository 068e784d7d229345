/* SPDX-License-Identifier: MIT */
/*
 * Random instructions from the rows of opcodes.def, and random states that
 * make them interesting: pointers into scratch memory, the special numbers of
 * every floating-point format.
 */
#include <cpuid.h>

#include "target/x86/cpu.h"
#include "target/x86/fp.h"
#include "target/x86/model.h"
#include "target/x86/opcodes.h"
#include "target/x86/undefined.h"
#include "tests/oracle/oracle.h"

struct oracle_gen {
    unsigned max_insns;
    unsigned percent32;
    GArray *rows[2]; /* uint16_t: of 64-bit and of 32-bit mode */
};

/*
 * What cannot be compared, and why.
 * System: privileged, changes what is around, or time and chance.
 * Far: depends on descriptor tables.
 */
static const uint16_t left_out[] = {
    /* system */
    X86_CPUID,
    X86_RDTSC,
    X86_RDTSCP,
    X86_RDPMC,
    X86_RDRAND,
    X86_RDSEED,
    X86_RDPID,
    X86_XGETBV,
    X86_VMCALL,
    X86_VMMCALL,
    X86_MONITOR,
    X86_MWAIT,
    X86_SYSCALL,
    X86_SYSENTER,
    X86_INT,
    X86_INT1,
    X86_INT3,
    X86_RDFSBASE,
    X86_RDGSBASE,
    X86_WRFSBASE,
    X86_WRGSBASE,
    X86_SGDT,
    X86_SIDT,
    X86_SLDT,
    X86_STR,
    X86_SMSW,
    X86_RDPKRU,
    X86_WRPKRU,
    X86_IN,
    X86_OUT,
    X86_INS,
    X86_OUTS,
    X86_CLI,
    X86_STI,
    X86_POPF,
    /* far */
    X86_CALLF,
    X86_JMPF,
    X86_RETF,
    X86_IRET,
    X86_LAR,
    X86_LSL,
    X86_VERR,
    X86_VERW,
    X86_LDS,
    X86_LES,
    X86_LFS,
    X86_LGS,
    X86_LSS,
    /* to anywhere */
    X86_RET,
};

/*
 * Images of x87 and vector state. What the pointers to the last x87 instruction
 * are depends on the CPU: these come ahead of all x87 instructions, where the
 * pointers are zero.
 */
static bool is_image(unsigned mnemonic)
{
    switch (mnemonic) {
    case X86_FXSAVE:
    case X86_FXRSTOR:
    case X86_FNSAVE:
    case X86_FNSTENV:
    case X86_FRSTOR:
    case X86_FLDENV: return true;
    default: return false;
    }
}

/* They ask EDX:EAX which components: only as the first instruction. */
static bool is_xsave(unsigned mnemonic)
{
    switch (mnemonic) {
    case X86_XSAVE:
    case X86_XSAVEC:
    case X86_XSAVEOPT:
    case X86_XRSTOR: return true;
    default: return false;
    }
}

static bool is_left_out(unsigned mnemonic)
{
    for (unsigned i = 0; i < ARRAY_SIZE(left_out); i++) {
        if (left_out[i] == mnemonic)
            return true;
    }
    return false;
}

/* Relative branches: the one kind of block end that is generated. */
static bool is_relative(const struct x86_row *row)
{
    return x86_operand_kinds[row->operand[0]].class == X86_C_REL;
}

static bool uses_segments(const struct x86_row *row)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned class = x86_operand_kinds[row->operand[i]].class;

        if (class == X86_C_SREG || class == X86_C_CREG || class == X86_C_DREG ||
            (class >= X86_C_ES && class <= X86_C_GS))
            return true;
    }
    return false;
}

/* Does the host's CPUID have the feature? */
struct feature_bit {
    uint32_t leaf, subleaf;
    uint8_t reg, bit;
};

static const struct feature_bit feature_bits[] = {
#define FEATURE(name, option, leaf, subleaf, reg, bit) \
    [X86_FEATURE_##name] = {leaf, subleaf, X86_CPUID_##reg, bit},
#include "target/x86/features.def"
#undef FEATURE
};

static bool host_has(unsigned feature)
{
    const struct feature_bit *f = &feature_bits[feature];
    uint32_t r[4] = {0};

    if (feature == X86_FEATURE_NONE)
        return true;
    if (!__get_cpuid_count(f->leaf, f->subleaf, &r[0], &r[1], &r[2], &r[3]))
        return false;
    return r[f->reg] >> f->bit & 1;
}

static bool both_have(unsigned feature)
{
    return host_has(feature) && x86_has(x86_model_max(), feature);
}

static bool wanted_name(const char *only, unsigned mnemonic)
{
    g_auto(GStrv) names = only ? g_strsplit(only, ",", -1) : NULL;

    for (unsigned i = 0; names && names[i]; i++) {
        if (g_pattern_match_simple(names[i], x86_mnemonic_name(mnemonic)))
            return true;
    }
    return !only;
}

static bool eligible(unsigned i, const char *only, bool mode32)
{
    const struct x86_row *row = &x86_rows[i];
    uint32_t bad = X86_A_CPL0 | X86_A_PROT | X86_A_IOPL |
                   (mode32 ? X86_A_ONLY64 : X86_A_NO64);

    if (row->attrs & bad)
        return false;
    if ((row->attrs & X86_A_ENDS) && !is_relative(row))
        return false;
    return !is_left_out(row->mnemonic) && !uses_segments(row) &&
           both_have(row->feature) && wanted_name(only, row->mnemonic);
}

static GArray *rows_of_mode(const char *only, bool mode32)
{
    GArray *rows = g_array_new(false, false, sizeof(uint16_t));

    for (unsigned i = 1; i < x86_rows_count; i++) {
        uint16_t row = (uint16_t)i;

        if (eligible(i, only, mode32))
            g_array_append_val(rows, row);
    }
    return rows;
}

struct oracle_gen *gen_new(const char *only, unsigned max_insns,
                           unsigned percent32)
{
    struct oracle_gen *g = g_new0(struct oracle_gen, 1);

    g->max_insns = MIN(max_insns, ORACLE_MAX_INSNS);
    g->rows[0] = rows_of_mode(only, false);
    g->rows[1] = rows_of_mode(only, true);
    g->percent32 = !g->rows[0]->len ? 100 : !g->rows[1]->len ? 0 : percent32;
    return g;
}

void gen_free(struct oracle_gen *g)
{
    g_array_free(g->rows[0], true);
    g_array_free(g->rows[1], true);
    g_free(g);
}

unsigned gen_rows(const struct oracle_gen *g)
{
    return g->rows[0]->len + g->rows[1]->len;
}

/* ---- values ---- */

/* An address in the scratch area, often aligned. */
static uint64_t pointer(struct oracle_rng *r)
{
    uint64_t at = 64 + rng_below(r, ORACLE_SCRATCH - 192);

    if (rng_percent(r, 85))
        at &= ~UINT64_C(31);
    else if (rng_percent(r, 20))
        at = rng_percent(r, 50) ? ORACLE_PAGE - rng_below(r, 40)
                                : ORACLE_SCRATCH - rng_below(r, 40);
    return ORACLE_DATA + at;
}

static uint64_t integer(struct oracle_rng *r)
{
    uint64_t v = rng64(r);

    switch (rng_below(r, 8)) {
    case 0: return v & 0x3f;
    case 1: return v & 0xff;
    case 2: return BIT(v & 63);
    case 3: return BIT(v & 63) - 1;
    case 4: return 0 - (v >> 8 & 0x3f);
    case 5: return (uint32_t)v;
    default: return v;
    }
}

static uint32_t float32(struct oracle_rng *r)
{
    static const uint32_t special[] = {
        0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
        0x7fc00000, 0xffc00000, 0x7f800001, 0xffa00000, 1,          0x807fffff,
        0x00800000, 0x7f7fffff, 0x4f000000, 0xcf000000, 0x4effffff, 0x3f000000,
    };
    uint32_t v = (uint32_t)rng64(r);

    switch (rng_below(r, 6)) {
    case 0: return special[v % ARRAY_SIZE(special)];
    case 1: return v & 0x807fffff; /* denormal */
    case 2: return v;
    default: /* around 1, so that sums and products are in range */
        return (v & 0x807fffff) | (0x3f000000 + ((v >> 3) & 0x07800000));
    }
}

static uint64_t float64(struct oracle_rng *r)
{
    static const uint64_t special[] = {
        0,
        UINT64_C(0x8000000000000000),
        UINT64_C(0x3ff0000000000000),
        UINT64_C(0x7ff0000000000000),
        UINT64_C(0xfff0000000000000),
        UINT64_C(0x7ff8000000000000),
        UINT64_C(0xfff8000000000000),
        UINT64_C(0x7ff0000000000001),
        UINT64_C(0xfff4000000000000),
        1,
        UINT64_C(0x800fffffffffffff),
        UINT64_C(0x0010000000000000),
        UINT64_C(0x7fefffffffffffff),
        UINT64_C(0x41dfffffffc00000),
        UINT64_C(0x43e0000000000000),
        UINT64_C(0xc3e0000000000000),
        UINT64_C(0x3690000000000000), /* at the edge of single denormals */
        UINT64_C(0x47efffffe0000000), /* the largest single */
    };
    uint64_t v = rng64(r);

    switch (rng_below(r, 6)) {
    case 0: return special[v % ARRAY_SIZE(special)];
    case 1: return v & UINT64_C(0x800fffffffffffff);
    case 2: return v;
    default:
        return (v & UINT64_C(0x800fffffffffffff)) |
               (UINT64_C(0x3fe) + (v >> 52 & 15)) << 52;
    }
}

static struct oracle_x87 float80(struct oracle_rng *r)
{
    uint64_t v = rng64(r);
    struct oracle_x87 x = {v, (uint16_t)rng64(r)};

    switch (rng_below(r, 10)) {
    case 0: return (struct oracle_x87){0, x.sign_exp & 0x8000};
    case 1: return (struct oracle_x87){UINT64_C(1) << 63, x.sign_exp | 0x7fff};
    case 2: /* NaNs of all kinds */
        return (struct oracle_x87){v | UINT64_C(1) << 63, x.sign_exp | 0x7fff};
    case 3: return (struct oracle_x87){v, x.sign_exp & 0x8000}; /* denormal */
    case 4: return x; /* anything, unsupported formats too */
    case 5:           /* small integers */
        x.mantissa = (1 + (v & 0xffff)) << 47 | UINT64_C(1) << 63;
        x.sign_exp = (uint16_t)((x.sign_exp & 0x8000) | (0x3fff + (v >> 60)));
        return x;
    default:
        x.mantissa = v | UINT64_C(1) << 63;
        x.sign_exp =
            (uint16_t)((x.sign_exp & 0x8000) | (0x3fff - 16 + (v >> 3 & 63)));
        return x;
    }
}

/* Vectors whose lanes are of one kind, or not. */
static void fill_vector(struct oracle_rng *r, uint8_t *p, unsigned len)
{
    unsigned kind = rng_below(r, 7);

    for (unsigned i = 0; i < len; i += 8) {
        uint64_t v;

        switch (kind) {
        case 0:
        case 1: v = float32(r) | (uint64_t)float32(r) << 32; break;
        case 2:
        case 3: v = float64(r); break;
        case 4: /* indexes of a gather */
            v = (rng64(r) & 0x1ff) | (rng64(r) & 0x1ff) << 32;
            break;
        case 5: v = (rng64(r) & 0x3ff); break;
        default: v = integer(r); break;
        }
        stl_u64(p + i, v);
    }
}

static void random_x87(struct oracle_rng *r, struct oracle_state *s)
{
    s->fcw = 0x37f;
    if (rng_percent(r, 50))
        s->fcw = (uint16_t)((rng64(r) & 0x1f00) | 0x7f);
    if (rng_percent(r, 10))
        s->fcw &= (uint16_t)(rng64(r) | ~0x3fU);
    s->fsw = (uint16_t)(rng64(r) & 0x7f7f);
    if (rng_percent(r, 60))
        s->fsw &= 0x3800;
    if (s->fsw & ~s->fcw & 0x3f) {
        if (rng_percent(r, 90))
            s->fsw &= (uint16_t) ~(~s->fcw & 0x3f);
        else
            s->fsw |= 0x8080;
    }
    s->valid = rng_percent(r, 70) ? (uint8_t)rng64(r) : 0;
    if (rng_percent(r, 50)) { /* a stack with a few values on it */
        unsigned depth = rng_below(r, 9);

        s->valid = (uint8_t)(0xff00 >> depth);
        s->fsw = (uint16_t)((s->fsw & ~0x3800U) | (8 - depth) % 8 << 11);
    }
    for (unsigned i = 0; i < 8; i++)
        s->st[i] = float80(r);
}

static void random_state(struct oracle_rng *r, struct oracle_state *s,
                         bool mode32)
{
    for (unsigned i = 0; i < 16; i++) {
        bool likely_pointer = i == X86_RBX || i >= X86_RBP;

        s->gpr[i] =
            rng_percent(r, likely_pointer ? 90 : 5) ? pointer(r) : integer(r);
    }
    s->gpr[X86_RSP] = ORACLE_DATA + 0x400 + (rng64(r) & 0x7f8);
    s->rip = ORACLE_CODE;
    s->rflags = (rng64(r) & (X86_ARITH | X86_DF)) | X86_FIXED | X86_IF;
    random_x87(r, s);
    s->mxcsr = 0x1f80;
    if (rng_percent(r, 60))
        s->mxcsr |= (uint32_t)rng64(r) & 0xe07f;
    if (rng_percent(r, 10))
        s->mxcsr &= (uint32_t)rng64(r) | ~(uint32_t)FP_MXCSR_MASKS;
    for (unsigned i = 0; i < 16; i++)
        fill_vector(r, s->ymm[i], 32);
    s->vector = ORACLE_NO_VECTOR;
}

static void random_memory(struct oracle_rng *r, uint8_t *p)
{
    for (unsigned i = 0; i < ORACLE_SCRATCH; i += 64) {
        if (rng_percent(r, 10)) { /* an x87 number or two */
            for (unsigned j = 0; j < 64; j += 16) {
                struct oracle_x87 x = float80(r);

                stl_u64(p + i + j, x.mantissa);
                stl_u64(p + i + j + 8, x.sign_exp);
            }
        } else {
            fill_vector(r, p + i, 64);
        }
    }
}

/* What makes an image to restore valid, here and there. */
static void seed_images(struct oracle_rng *r, uint8_t *p)
{
    for (unsigned i = 0; i < ORACLE_SCRATCH; i += 64) {
        if (rng_percent(r, 30))
            stl_u32(p + i + 24, (uint32_t)rng64(r) & 0xffff); /* MXCSR */
        if (rng_percent(r, 15)) { /* an XSAVE header */
            memset(p + i, 0, 64);
            stl_u64(p + i, rng64(r) & 7);
            if (rng_percent(r, 30))
                stl_u64(p + i + 8, UINT64_C(1) << 63 | 7);
        }
    }
}

/* ---- instructions ---- */

struct emitter {
    struct oracle_rng *r;
    const struct x86_key *key;
    const struct x86_row *row;
    struct oracle_insn *insn;
    uint8_t rex;
    bool mode32;
};

static void put(struct emitter *e, unsigned byte)
{
    if (e->insn->len < sizeof(e->insn->bytes))
        e->insn->bytes[e->insn->len++] = (uint8_t)byte;
}

static void put32(struct emitter *e, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        put(e, v >> 8 * i & 0xff);
}

static bool wants(const struct emitter *e, unsigned bit)
{
    return e->key->mask & bit;
}

/* The value of a bit that the row may ask for; else random. */
static bool choose(struct emitter *e, unsigned bit, unsigned percent)
{
    return wants(e, bit) ? e->key->value & bit : rng_percent(e->r, percent);
}

static unsigned prefix_pp(struct emitter *e)
{
    static const uint8_t bytes[4] = {0, 0x66, 0xf3, 0xf2};
    unsigned asked = e->key->mask & X86_K_PP;

    if (asked == X86_K_PP) {
        unsigned pp = (e->key->value & X86_K_PP) >> X86_K_PP_SHIFT;

        return bytes[pp];
    }
    if (rng_percent(e->r, 20))
        put(e, 0x66);
    if ((e->row->attrs & X86_A_REP) && rng_percent(e->r, 40))
        put(e, rng_percent(e->r, 50) ? 0xf3 : 0xf2);
    return 0;
}

static void put_legacy_prefixes(struct emitter *e, bool memory)
{
    static const uint8_t segments[5] = {0x26, 0x2e, 0x36, 0x3e, 0x65};
    unsigned pp;

    if (rng_percent(e->r, 3))
        put(e, segments[rng_below(e->r, 5)]);
    if (rng_percent(e->r, 3))
        put(e, 0x67);
    if (memory && (e->row->attrs & X86_A_LOCK) && rng_percent(e->r, 15))
        put(e, 0xf0);
    pp = prefix_pp(e);
    if (pp)
        put(e, pp);
}

static void put_opcode(struct emitter *e, bool memory)
{
    unsigned map = e->key->id >> 8, opcode = e->key->id & 0xff;
    bool w = choose(e, X86_K_W, 40);
    unsigned rxb = rng_percent(e->r, 60) ? rng_below(e->r, 8) : 0;

    if (e->mode32)
        rxb = 0;
    if (wants(e, X86_K_REXB))
        rxb &= ~1U;
    if (map >= X86_MAP_V1) {
        bool l = choose(e, X86_K_L, 50);
        unsigned vvvv = wants(e, X86_K_VVVV) ? 15 : rng_below(e->r, 16);
        unsigned pp = (e->key->value & X86_K_PP) >> X86_K_PP_SHIFT;

        if (e->mode32)
            vvvv |= 8;
        if (rng_percent(e->r, 3))
            put(e, 0x67);
        if (map == X86_MAP_V1 && !w && !(rxb & 3) && rng_percent(e->r, 50)) {
            put(e, 0xc5);
            put(e, (rxb & 4 ? 0U : 0x80U) | vvvv << 3 | l << 2 | pp);
        } else {
            put(e, 0xc4);
            put(e, (~rxb & 7) << 5 | (map - X86_MAP_V1 + 1));
            put(e, (unsigned)w << 7 | vvvv << 3 | (unsigned)l << 2 | pp);
        }
        put(e, opcode);
        e->rex = (uint8_t)rxb;
        return;
    }
    put_legacy_prefixes(e, memory);
    e->rex = e->mode32 ? 0 : (uint8_t)(rxb | (unsigned)w << 3);
    if (e->rex || (!e->mode32 && rng_percent(e->r, 20)))
        put(e, 0x40U | e->rex);
    if (map != X86_MAP_1B)
        put(e, 0x0f);
    if (map == X86_MAP_38 || map == X86_MAP_3A)
        put(e, map == X86_MAP_38 ? 0x38 : 0x3a);
    put(e, opcode);
}

static uint32_t displacement(struct oracle_rng *r)
{
    uint32_t v = rng_below(r, 128);

    return rng_percent(r, 85) ? (v & ~15U) - 64 : v - 64;
}

static void put_vsib(struct emitter *e, unsigned reg)
{
    put(e, 0x80 | reg | 4);
    put(e, rng_below(e->r, 4) << 6 | rng_below(e->r, 8) << 3 | X86_RBX);
    put32(e, displacement(e->r));
}

/* ModRM for memory: absolute, relative to RIP, or with registers. */
static void put_memory(struct emitter *e, unsigned reg)
{
    static const uint8_t bases[4] = {X86_RBX, X86_RBP, X86_RSI, X86_RDI};
    unsigned kind = rng_below(e->r, 20);

    if (e->key->plan & X86_P_VSIB) {
        put_vsib(e, reg);
    } else if (kind < 8) {
        put(e, reg | 4);
        put(e, 0x25);
        if (e->rex & 2) /* index 12 is a register */
            e->insn->bytes[e->insn->len - 1] |= 0x38;
        put32(e, (uint32_t)pointer(e->r));
    } else if (kind < 12 && e->mode32) {
        put(e, reg | 5);
        put32(e, (uint32_t)pointer(e->r));
    } else if (kind < 12) {
        put(e, reg | 5);
        e->insn->patch_at = e->insn->len;
        e->insn->target = pointer(e->r);
        put32(e, 0);
    } else if (kind < 18) {
        put(e, 0x40 | reg | bases[rng_below(e->r, 4)]);
        put(e, displacement(e->r) & 0xff);
    } else {
        put(e, 0x80 | reg | 4);
        put(e, rng_below(e->r, 4) << 6 | rng_below(e->r, 8) << 3 |
                   bases[rng_below(e->r, 4)]);
        put32(e, displacement(e->r));
    }
}

static void put_modrm(struct emitter *e, bool memory)
{
    unsigned mask = e->key->mask & 0xff, value = e->key->value & 0xff;
    unsigned byte = (unsigned)rng64(e->r) & 0xff;

    byte = (byte & ~mask) | value;
    if (mask == 0xff)
        put(e, byte);
    else if (memory)
        put_memory(e, byte & 0x38);
    else
        put(e, byte | 0xc0);
}

/* Enough bytes for any immediate; the decoder says how many count. */
static void put_immediate(struct emitter *e)
{
    bool address = (e->key->plan & X86_P_IMM) == X86_P_MOFF;
    uint64_t v = address ? pointer(e->r) : integer(e->r);

    for (unsigned i = 0; i < 8; i++)
        put(e, v >> 8 * i & 0xff);
}

/* The displacement of a branch is made when its neighbours are known. */
static void note_jump(struct oracle_rng *r, struct oracle_insn *o,
                      const struct x86_key *key, const struct x86_insn *insn)
{
    o->jump_size = (key->plan & X86_P_IMM) == X86_P_IS ? 1
                   : insn->osize == 2                  ? 2
                                                       : 4;
    o->jump_at = (uint8_t)(o->len - o->jump_size);
    o->skip = rng_percent(r, 50);
}

static bool is_string(unsigned mnemonic)
{
    switch (mnemonic) {
    case X86_MOVS:
    case X86_STOS:
    case X86_LODS:
    case X86_SCAS:
    case X86_CMPS: return true;
    default: return false;
    }
}

static bool try_insn(struct oracle_rng *r, unsigned row_index, bool mode32,
                     uint32_t undefined, struct oracle_insn *o)
{
    const struct x86_key *key = &x86_keys[row_index];
    const struct x86_row *row = &x86_rows[row_index];
    struct x86_decode_mode mode = {.code64 = !mode32, .code32 = true};
    struct emitter e = {r, key, row, o, 0, mode32};
    bool modrm = x86_index[key->id >> 8][key->id & 0xff] & X86_INDEX_MODRM;
    bool memory = modrm && choose(&e, X86_K_MEM, 50);
    struct x86_insn insn;

    if (key->plan & X86_P_MODREG)
        memory = false;
    *o = (struct oracle_insn){.row = (uint16_t)row_index};
    put_opcode(&e, memory);
    if (modrm)
        put_modrm(&e, memory);
    put_immediate(&e);
    if (x86_decode(&insn, o->bytes, o->len, mode) != X86_DECODE_OK ||
        insn.row != row_index || (row->flags_read & undefined) ||
        x86_undefined_result(&insn))
        return false;
    /* AMD and Intel differ about branches of 16 bits in 64-bit mode. */
    if (is_relative(row) && (insn.flags & X86_I_66))
        return false;
    if ((row->attrs & X86_A_AVX2L) && (insn.flags & X86_I_L) &&
        !both_have(X86_FEATURE_AVX2))
        return false;
    o->len = insn.len;
    o->string32 = !mode32 && insn.asize == 4 && is_string(row->mnemonic);
    o->undefined = x86_undefined_flags(&insn, undefined);
    if (is_relative(row))
        note_jump(r, o, key, &insn);
    return true;
}

/* May this row come next, and what does it need to make sense? */
static bool fits(struct oracle_rng *r, struct oracle_case *c, unsigned row)
{
    unsigned mnemonic = x86_rows[row].mnemonic;

    if (is_image(mnemonic)) {
        for (unsigned i = 0; i < c->count; i++) {
            const struct x86_row *before = &x86_rows[c->insn[i].row];

            if ((before->attrs & (X86_A_X87 | X86_A_MMX)) ||
                is_image(before->mnemonic) || is_xsave(before->mnemonic))
                return false;
        }
    }
    if (is_xsave(mnemonic)) {
        if (c->count)
            return false;
        c->in.gpr[X86_RAX] = rng64(r) & 7;
        c->in.gpr[X86_RDX] = 0;
    }
    if (is_xsave(mnemonic) || is_image(mnemonic))
        seed_images(r, c->memory);
    return true;
}

bool gen_is_dot_product(const struct oracle_insn *o)
{
    switch (x86_rows[o->row].mnemonic) {
    case X86_DPPS:
    case X86_VDPPS:
    case X86_DPPD:
    case X86_VDPPD: return true;
    default: return false;
    }
}

/* A string instruction with 32-bit addresses in 64-bit mode: Intel zeroes the
 * upper halves also where there is nothing to count, so let them be zero. */
static bool clear_upper_halves(struct oracle_case *c)
{
    static const uint8_t regs[] = {X86_RCX, X86_RSI, X86_RDI};

    for (unsigned i = 0; i < G_N_ELEMENTS(regs) && !c->count; i++)
        c->in.gpr[regs[i]] = (uint32_t)c->in.gpr[regs[i]];
    return !c->count;
}

void gen_case(const struct oracle_gen *g, uint64_t seed, struct oracle_case *c)
{
    struct oracle_rng rng = {seed}, *r = &rng;
    unsigned wanted = 1 + rng_below(r, g->max_insns);
    uint32_t undefined = 0;
    GArray *rows;

    c->seed = seed;
    c->count = 0;
    c->branches = false;
    c->mode32 = rng_percent(r, g->percent32);
    random_state(r, &c->in, c->mode32);
    random_memory(r, c->memory);
    rows = g->rows[c->mode32];
    for (unsigned tries = 0; c->count < wanted && tries < 1000; tries++) {
        uint16_t row = g_array_index(rows, uint16_t, rng_below(r, rows->len));
        struct oracle_insn *o = &c->insn[c->count];

        if (!fits(r, c, row) || !try_insn(r, row, c->mode32, undefined, o) ||
            (o->string32 && !clear_upper_halves(c)))
            continue;
        /* Past a branch that may have come over it: what either way leaves. */
        if (c->count && c->insn[c->count - 1].skip)
            o->undefined |= undefined;
        undefined = o->undefined;
        c->branches |= o->jump_size != 0;
        c->count++;
        if (is_image(x86_rows[row].mnemonic) ||
            is_xsave(x86_rows[row].mnemonic) || gen_is_dot_product(o))
            break; /* nobody is to look at MXCSR_MASK, or at NaNs */
    }
}

static void patch(uint8_t *p, uint32_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

void gen_code(const struct oracle_case *c, uint8_t code[ORACLE_MAX_CODE],
              unsigned offsets[ORACLE_MAX_INSNS + 1])
{
    unsigned at = 0;

    memset(code, 0x90, ORACLE_MAX_CODE);
    for (unsigned i = 0; i < c->count; i++) {
        offsets[i] = at;
        at += c->insn[i].len;
    }
    offsets[c->count] = at;
    for (unsigned i = 0; i < c->count; i++) {
        const struct oracle_insn *o = &c->insn[i];
        uint8_t *p = code + offsets[i];
        unsigned next = offsets[i + 1];

        memcpy(p, o->bytes, o->len);
        if (o->patch_at)
            patch(p + o->patch_at, (uint32_t)(o->target - ORACLE_CODE - next),
                  4);
        if (o->jump_size)
            patch(p + o->jump_at,
                  o->skip && i + 2 <= c->count ? offsets[i + 2] - next : 0,
                  o->jump_size);
    }
    if (c->mode32) {
        code[at] = 0xea; /* jmp 0x33:leave */
        stl_u32(code + at + 1, (uint32_t)ORACLE_CODE + ORACLE_LEAVE);
        stl_u16(code + at + 5, 0x33);
    }
    /* jmp *0(%rip), and where to */
    memcpy(code + ORACLE_LEAVE, "\xff\x25\0\0\0\0", 6);
    stl_u64(code + ORACLE_LEAVE + 6, (uint64_t)(uintptr_t)oracle_leave);
}
