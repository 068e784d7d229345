/* SPDX-License-Identifier: MIT */
/*
 * The decoder. [SDM] vol. 2 ch. 2.
 *
 * What is known of the bytes is packed into one word (X86_K_*); of the rows
 * of the opcode, the last one whose mask and value agree with it is taken.
 * Checks that need more than that word are made by the row's plan.
 *
 * Where vendors differ in 64-bit mode, Intel is followed: near branches
 * ignore an operand-size prefix.
 */
#include "target/x86/decode.h"

#include <string.h>

#include "target/x86/cpu.h"
#include "target/x86/opcodes.h"

static_assert(sizeof(struct x86_insn) <= 48, "an instruction is too big");

enum prefix {
    PREFIX_NONE,
    PREFIX_REX,
    PREFIX_SEG,
    PREFIX_66,
    PREFIX_67,
    PREFIX_LOCK,
    PREFIX_REPNE,
    PREFIX_REP,
    PREFIX_VEX, /* C4, C5, where they are */
};

static const uint8_t prefixes[256] = {
    [0x26] = PREFIX_SEG,         [0x2e] = PREFIX_SEG,
    [0x36] = PREFIX_SEG,         [0x3e] = PREFIX_SEG,
    [0x64] = PREFIX_SEG,         [0x65] = PREFIX_SEG,
    [0x66] = PREFIX_66,          [0x67] = PREFIX_67,
    [0xf0] = PREFIX_LOCK,        [0xf2] = PREFIX_REPNE,
    [0xf3] = PREFIX_REP,         [0x40 ... 0x4f] = PREFIX_REX,
    [0xc4 ... 0xc5] = PREFIX_VEX};

/* Bits of a REX prefix; those of a VEX prefix are brought into this form. */
enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8, REX = 0x40 };

struct decoder {
    const uint8_t *p, *end;
    struct x86_decode_mode mode;
    uint8_t rex;
    uint8_t pp; /* as VEX.pp; without VEX the one that F2, F3, 66 amount to */
    uint8_t map;
    uint8_t modrm;
    bool vvvv; /* VEX.vvvv is not 1111b */
    bool a67;
    bool cut; /* the 15-byte limit is what ends the bytes */
};

static enum x86_decode_result out_of_bytes(const struct decoder *d)
{
    return d->cut ? X86_DECODE_TOO_LONG : X86_DECODE_MORE;
}

static bool have(const struct decoder *d, size_t n)
{
    return (size_t)(d->end - d->p) >= n;
}

/* A segment prefix: 26 2E 36 3E 64 65 are ES CS SS DS FS GS. */
static void take_segment(struct decoder *d, struct x86_insn *insn, uint8_t b)
{
    uint8_t seg = b < 0x64 ? (b >> 3) & 3 : X86_FS + (b & 1);

    if (!d->mode.code64 || seg >= X86_FS) {
        insn->seg = seg;
        insn->flags |= X86_I_SEG;
    }
}

/*
 * Legacy and REX prefixes. A REX counts only right before the opcode. Leaves
 * the first byte of the opcode in insn->opcode.
 */
static enum x86_decode_result take_prefixes(struct decoder *d,
                                            struct x86_insn *insn)
{
    uint8_t pp = 0, rex = 0, kind;

    while (have(d, 1)) {
        insn->opcode = *d->p++;
        kind = prefixes[insn->opcode];
        if (likely(kind == PREFIX_NONE) || kind == PREFIX_VEX ||
            (kind == PREFIX_REX && !d->mode.code64)) {
            d->rex = rex;
            d->pp = pp ? pp : insn->flags & X86_I_66 ? 1 : 0;
            return X86_DECODE_OK;
        }
        if (kind == PREFIX_REX) {
            rex = insn->opcode;
            continue;
        }
        rex = 0;
        switch (kind) {
        case PREFIX_SEG: take_segment(d, insn, insn->opcode); break;
        case PREFIX_66: insn->flags |= X86_I_66; break;
        case PREFIX_67: d->a67 = true; break;
        case PREFIX_LOCK: insn->flags |= X86_I_LOCK; break;
        case PREFIX_REPNE: pp = 3; break;
        case PREFIX_REP: pp = 2; break;
        }
    }
    return out_of_bytes(d);
}

/* VEX2 or VEX3 after its first byte. Outside 64-bit mode it is known to be
   one by mod 3 in place of a memory operand of LES and LDS. */
static enum x86_decode_result take_vex(struct decoder *d, struct x86_insn *insn)
{
    bool vex3 = insn->opcode == 0xc4;
    uint8_t b1, b2;

    if (d->pp || d->rex || (insn->flags & X86_I_LOCK)) {
        return X86_DECODE_INVALID;
    }
    if (!have(d, vex3 ? 3 : 2)) {
        return out_of_bytes(d);
    }
    b1 = *d->p++;
    b2 = b1;
    d->map = X86_MAP_V1;
    d->rex = REX | (b1 & 0x80 ? 0 : REX_R);
    if (vex3) {
        b2 = *d->p++;
        if ((b1 & 31) < 1 || (b1 & 31) > 3) {
            return X86_DECODE_INVALID;
        }
        d->map = (uint8_t)(X86_MAP_V1 + (b1 & 31) - 1);
        d->rex |= (b1 & 0x40 ? 0 : REX_X) | (b2 & 0x80 ? REX_W : 0);
        if (!(b1 & 0x20) && d->mode.code64) {
            d->rex |= REX_B;
        }
    }
    d->pp = b2 & 3;
    d->vvvv = (b2 >> 3 & 15) != 15;
    insn->vvvv = ~(b2 >> 3) & (d->mode.code64 ? 15 : 7);
    insn->flags |= X86_I_VEX | (b2 & 4 ? X86_I_L : 0);
    insn->opcode = *d->p++;
    return X86_DECODE_OK;
}

/* The rest of the opcode: map and last byte. */
static enum x86_decode_result take_opcode(struct decoder *d,
                                          struct x86_insn *insn)
{
    if (prefixes[insn->opcode] == PREFIX_VEX) {
        if (!d->mode.code64 && !have(d, 1)) {
            return out_of_bytes(d);
        }
        if (d->mode.code64 || (!d->mode.real && *d->p >= 0xc0)) {
            return take_vex(d, insn);
        }
    }
    d->map = X86_MAP_1B;
    if (insn->opcode != 0x0f) {
        return X86_DECODE_OK;
    }
    if (!have(d, 1)) {
        return out_of_bytes(d);
    }
    insn->opcode = *d->p++;
    d->map = X86_MAP_0F;
    if (insn->opcode != 0x38 && insn->opcode != 0x3a) {
        return X86_DECODE_OK;
    }
    d->map = insn->opcode == 0x38 ? X86_MAP_38 : X86_MAP_3A;
    if (!have(d, 1)) {
        return out_of_bytes(d);
    }
    insn->opcode = *d->p++;
    return X86_DECODE_OK;
}

/* Finds the row; 0 = none. Leaves the ModRM byte in d->modrm. */
static enum x86_decode_result find_row(struct decoder *d, struct x86_insn *insn)
{
    unsigned row = x86_index[d->map][insn->opcode];
    unsigned id = (unsigned)d->map << 8 | insn->opcode;
    unsigned known = (unsigned)d->pp << X86_K_PP_SHIFT;

    known |= d->rex & REX_W ? X86_K_W : 0;
    known |= d->rex & REX_B ? X86_K_REXB : 0;
    known |= insn->flags & X86_I_L ? X86_K_L : 0;
    known |= d->mode.code64 ? X86_K_64 : 0;
    known |= d->vvvv ? X86_K_VVVV : 0;
    if (row & X86_INDEX_MODRM) {
        if (!have(d, 1)) {
            return out_of_bytes(d);
        }
        d->modrm = *d->p++;
        known |= d->modrm | (d->modrm < 0xc0 ? X86_K_MEM : 0);
        row &= ~(unsigned)X86_INDEX_MODRM;
    } else {
        d->modrm = 0xc0; /* no memory */
    }
    for (; x86_keys[row].id == id; row--) {
        if (((known ^ x86_keys[row].value) & x86_keys[row].mask) == 0) {
            insn->row = (uint16_t)row;
            return X86_DECODE_OK;
        }
    }
    return X86_DECODE_INVALID;
}

static void set_sizes(const struct decoder *d, const struct x86_key *key,
                      struct x86_insn *insn)
{
    bool fixed_pp = (key->mask & X86_K_PP) == X86_K_PP;
    bool o66 = d->pp != 1 || !fixed_pp ? insn->flags & X86_I_66 : false;

    if (!fixed_pp && d->pp >= 2 && !(insn->flags & X86_I_VEX)) {
        insn->flags |= d->pp == 3 ? X86_I_REPNE : X86_I_REP;
    }
    if (d->mode.code64) {
        insn->asize = d->a67 ? 4 : 8;
        insn->osize = d->rex & REX_W          ? 8
                      : key->plan & X86_P_F64 ? 8
                      : o66                   ? 2
                      : key->plan & X86_P_D64 ? 8
                                              : 4;
    } else {
        insn->asize = d->mode.code32 != d->a67 ? 4 : 2;
        insn->osize = d->mode.code32 != o66 ? 4 : 2;
    }
}

/* The immediate's size in bytes. */
static unsigned imm_size(const struct x86_key *key, const struct x86_insn *insn)
{
    unsigned z = insn->osize == 2 ? 2 : 4;

    switch (key->plan & X86_P_IMM) {
    case X86_P_IB:
    case X86_P_IS:
    case X86_P_IS4: return 1;
    case X86_P_IW: return 2;
    case X86_P_IWIB: return 3;
    case X86_P_IV: return insn->osize;
    case X86_P_IZ: return z;
    case X86_P_FAR: return z + 2;
    case X86_P_MOFF: return insn->asize;
    default: return 0;
    }
}

static uint64_t sign_extend(uint64_t value, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;

    return (uint64_t)((int64_t)(value << shift) >> shift);
}

static enum x86_decode_result take_imm(struct decoder *d,
                                       const struct x86_key *key,
                                       struct x86_insn *insn)
{
    unsigned n = imm_size(key, insn);
    uint64_t imm = 0;

    if (!have(d, n)) {
        return out_of_bytes(d);
    }
    for (unsigned i = 0; i < n; i++) {
        imm |= (uint64_t)d->p[i] << 8 * i;
    }
    d->p += n;
    switch (key->plan & X86_P_IMM) {
    case X86_P_IS:
    case X86_P_IZ: imm = sign_extend(imm, n); break;
    case X86_P_ONE: imm = 1; break;
    case X86_P_IS4: imm &= d->mode.code64 ? 0xff : 0x7f; break;
    case X86_P_FAR:
        if (n == 4) {
            imm = (imm & 0xffff) | imm >> 16 << 32;
        }
        break;
    case X86_P_MOFF: insn->flags |= X86_I_MEM; break;
    }
    insn->imm = imm;
    return X86_DECODE_OK;
}

static enum x86_decode_result take_disp(struct decoder *d,
                                        struct x86_insn *insn, unsigned n)
{
    if (!have(d, n)) {
        return out_of_bytes(d);
    }
    switch (n) {
    case 1: insn->disp = (int8_t)d->p[0]; break;
    case 2: insn->disp = (int16_t)ldl_u16(d->p); break;
    case 4: insn->disp = (int32_t)ldl_u32(d->p); break;
    }
    d->p += n;
    return X86_DECODE_OK;
}

static enum x86_decode_result take_mem16(struct decoder *d,
                                         struct x86_insn *insn)
{
    static const uint8_t bases[8] = {X86_RBX, X86_RBX, X86_RBP, X86_RBP,
                                     X86_RSI, X86_RDI, X86_RBP, X86_RBX};
    static const uint8_t indexes[4] = {X86_RSI, X86_RDI, X86_RSI, X86_RDI};
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7;

    if (mod == 0 && rm == 6) {
        return take_disp(d, insn, 2);
    }
    insn->base = bases[rm];
    insn->index = rm < 4 ? indexes[rm] : X86_NO_REG;
    return take_disp(d, insn, mod);
}

/* A SIB byte. Returns the size of the displacement. */
static unsigned take_sib(struct decoder *d, const struct x86_key *key,
                         struct x86_insn *insn)
{
    uint8_t sib = *d->p++;
    unsigned mod = d->modrm >> 6;
    uint8_t index = (uint8_t)((sib >> 3 & 7) | (d->rex & REX_X ? 8 : 0));

    if (index != X86_RSP || (key->plan & X86_P_VSIB)) {
        insn->index = index;
        insn->scale = sib >> 6;
    }
    if ((sib & 7) == 5 && mod == 0) {
        return 4;
    }
    insn->base = (uint8_t)((sib & 7) | (d->rex & REX_B ? 8 : 0));
    return mod == 2 ? 4 : mod;
}

static enum x86_decode_result take_mem(struct decoder *d,
                                       const struct x86_key *key,
                                       struct x86_insn *insn)
{
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
    enum x86_decode_result result;
    unsigned n;

    insn->flags |= X86_I_MEM;
    if ((key->plan & X86_P_VSIB) && (rm != 4 || insn->asize == 2)) {
        return X86_DECODE_INVALID;
    }
    if (insn->asize == 2) {
        result = take_mem16(d, insn);
    } else if (rm == 4) {
        if (!have(d, 1)) {
            return out_of_bytes(d);
        }
        n = take_sib(d, key, insn);
        result = take_disp(d, insn, n);
    } else if (rm == 5 && mod == 0) {
        insn->base = d->mode.code64 ? X86_BASE_RIP : X86_NO_REG;
        result = take_disp(d, insn, 4);
    } else {
        insn->base = (uint8_t)(rm | (d->rex & REX_B ? 8 : 0));
        result = take_disp(d, insn, mod == 2 ? 4 : mod);
    }
    if (!(insn->flags & X86_I_SEG) &&
        (insn->base == X86_RBP || insn->base == X86_RSP)) {
        insn->seg = X86_SS;
    }
    return result;
}

/* Registers that do not exist, and combinations that are not allowed. */
static bool registers_exist(const struct x86_key *key,
                            const struct x86_insn *insn)
{
    if (key->plan & X86_P_SREG) {
        /* MOV CS is not a way to jump. */
        return insn->reg <= X86_GS &&
               !(insn->opcode == 0x8e && insn->reg == X86_CS);
    }
    if (key->plan & X86_P_CREG) {
        return BIT(insn->reg) & (BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8));
    }
    if (key->plan & X86_P_DREG) {
        return insn->reg < 8;
    }
    if (key->plan & X86_P_VSIB) { /* a gather: all three differ */
        return insn->index != insn->reg && insn->index != insn->vvvv &&
               insn->reg != insn->vvvv;
    }
    return true;
}

static void take_registers(const struct decoder *d, const struct x86_key *key,
                           struct x86_insn *insn)
{
    bool modrm = x86_index[d->map][insn->opcode] & X86_INDEX_MODRM;
    uint8_t rexb = d->rex & REX_B ? 8 : 0;

    if (modrm) {
        insn->reg = (uint8_t)((d->modrm >> 3 & 7) | (d->rex & REX_R ? 8 : 0));
        insn->rm = (uint8_t)((d->modrm & 7) | rexb);
    }
    if (key->plan & X86_P_REG8) {
        insn->reg &= 7;
    }
    if (key->plan & X86_P_RM8) {
        insn->rm &= 7;
    }
    if (key->plan & X86_P_OPC) {
        insn->rm = (insn->opcode & 7) | rexb;
    }
}

/* After the row is found: sizes, operands, checks. */
static enum x86_decode_result take_operands(struct decoder *d,
                                            struct x86_insn *insn)
{
    const struct x86_key *key = &x86_keys[insn->row];
    enum x86_decode_result result;

    insn->flags |= d->rex & REX_W ? X86_I_W : 0;
    insn->flags |= d->rex && !(insn->flags & X86_I_VEX) ? X86_I_REX : 0;
    set_sizes(d, key, insn);
    take_registers(d, key, insn);
    if (insn->flags & X86_I_VEX) {
        insn->osize = d->mode.code64 && (d->rex & REX_W) ? 8 : 4;
    }
    if (d->modrm < 0xc0 && !(key->plan & X86_P_MODREG)) {
        result = take_mem(d, key, insn);
        if (result != X86_DECODE_OK) {
            return result;
        }
    }
    if ((insn->flags & X86_I_LOCK) &&
        (!(key->plan & X86_P_LOCK) || !(insn->flags & X86_I_MEM))) {
        return X86_DECODE_INVALID;
    }
    if ((key->plan & (X86_P_SREG | X86_P_CREG | X86_P_DREG | X86_P_VSIB)) &&
        !registers_exist(key, insn)) {
        return X86_DECODE_INVALID;
    }
    if (key->plan & X86_P_IMM) {
        return take_imm(d, key, insn);
    }
    return X86_DECODE_OK;
}

static enum x86_decode_result decode(struct decoder *d, struct x86_insn *insn)
{
    enum x86_decode_result result = take_prefixes(d, insn);

    if (result == X86_DECODE_OK) {
        result = take_opcode(d, insn);
    }
    if (result == X86_DECODE_OK) {
        result = find_row(d, insn);
    }
    if (result == X86_DECODE_OK) {
        result = take_operands(d, insn);
    }
    return result;
}

enum x86_decode_result x86_decode(struct x86_insn *insn, const uint8_t *code,
                                  size_t avail, struct x86_decode_mode mode)
{
    bool cut = avail >= X86_MAX_INSN;
    struct decoder d = {
        .p = code,
        .end = code + (cut ? X86_MAX_INSN : avail),
        .mode = mode,
        .cut = cut,
    };
    enum x86_decode_result result;

    *insn = (struct x86_insn){
        .base = X86_NO_REG,
        .index = X86_NO_REG,
        .seg = X86_DS,
    };
    result = decode(&d, insn);
    insn->len = (uint8_t)(d.p - code);
    return result;
}

static unsigned size_in_bytes(enum x86_size size, const struct x86_insn *insn)
{
    unsigned o = insn->osize;
    unsigned x = insn->flags & X86_I_L ? 32 : 16;

    switch (size) {
    case X86_Z_none:
    case X86_Z_any: return 0;
    case X86_Z_b: return 1;
    case X86_Z_w: return 2;
    case X86_Z_d: return 4;
    case X86_Z_q: return 8;
    case X86_Z_t: return 10;
    case X86_Z_dq: return 16;
    case X86_Z_qq: return 32;
    case X86_Z_v: return o;
    case X86_Z_z: return o == 2 ? 2 : 4;
    case X86_Z_y:
    case X86_Z_n: return o == 8 ? 8 : 4;
    case X86_Z_x: return x;
    case X86_Z_h: return x / 2;
    case X86_Z_f: return x / 4;
    case X86_Z_e: return x / 8;
    case X86_Z_p: return 2 + o;
    case X86_Z_a: return 2 * o;
    case X86_Z_s: return o == 8 ? 10 : 6;
    case X86_Z_env: return o == 2 ? 14 : 28;
    case X86_Z_sav: return o == 2 ? 94 : 108;
    case X86_Z_fx: return 512;
    }
    return 0;
}

unsigned x86_operand_size(const struct x86_insn *insn, unsigned n)
{
    const struct x86_operand_kind *kind =
        &x86_operand_kinds[x86_insn_row(insn)->operand[n]];
    bool is_rm = kind->class == X86_C_RM || kind->class == X86_C_MMXRM ||
                 kind->class == X86_C_VECRM;

    return size_in_bytes(
        is_rm && (insn->flags & X86_I_MEM) ? kind->msize : kind->size, insn);
}
