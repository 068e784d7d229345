/* SPDX-License-Identifier: MIT */
/*
 * Guest instructions that become the same instruction of the host's: other
 * registers, and memory through the TLB. What an instruction is comes from its
 * row of opcodes.def; rules.def names the ones that this is right for.
 *
 * Not here: x87, strings, what has hidden operands in memory.
 */
#include "accel/tcg/tr.h"
#include "target/x86/model.h"
#include "target/x86/opcodes.h"
#include "target/x86/pick.h"

/* How general registers may be treated, by mnemonic. */
enum rule {
    RULE_NONE,  /* C runs it, unless it is SSE or AVX */
    RULE_NEVER, /* C runs it */
    RULE_PLAIN, /* operand 1 is read and written, the others are read */
    RULE_FRESH, /* operand 1 is only written, where it is 32 or 64 bits wide */
    RULE_BOTH,  /* operands 1 and 2 are written */
    RULE_READ,  /* operand 1 is read */
    RULE_WHOLE, /* PLAIN, but not with AH and the like */
    RULE_BITS,  /* no register as bit offset into memory */
};

static const uint8_t rules[X86_MNEMONICS] = {
#define RULE(name, rule) [X86_##name] = RULE_##rule,
#include "accel/tcg/rules.def"
#undef RULE
};

/* A field of the encoding. */
struct field {
    bool gpr;  /* else a vector register, or no register */
    bool high; /* AH, CH, DH, BH */
    bool written;
    bool fresh; /* not read */
    bool copy;  /* `host` is a copy of `from` */
    uint8_t from;
    uint8_t guest; /* register, or /digit */
    uint8_t host;
    uint8_t size;
};

struct shape {
    struct host_op op;
    struct field reg, rm, vvvv;
    bool mem;
    bool slot;    /* rm is a register in memory, used where it is */
    bool cl;      /* counts by CL */
    bool vec;     /* touches vector registers */
    bool mmx;     /* ... MMX registers */
    uint8_t size; /* of memory */
    bool write;   /* memory is written */
    bool bad;
};

static void set_gpr(struct shape *s, struct field *f, const struct x86_insn *i,
                    unsigned n, unsigned guest, unsigned guest8, uint8_t rule)
{
    f->gpr = true;
    f->size = (uint8_t)x86_operand_size(i, n);
    f->guest = (uint8_t)(f->size == 1 ? guest8 >> 3 : guest);
    f->high = f->size == 1 && guest8 & 1;
    f->written = (n == 0 && rule != RULE_READ) || (n == 1 && rule == RULE_BOTH);
    f->fresh = n == 0 && rule == RULE_FRESH && f->size >= 4;
}

static void set_vec(struct shape *s, struct field *f, unsigned number)
{
    f->guest = f->host = (uint8_t)number;
    s->vec = true;
}

static void set_mem(struct shape *s, const struct x86_insn *i, unsigned n)
{
    uint32_t attrs = x86_insn_row(i)->attrs;

    s->mem = true;
    s->size = (uint8_t)x86_operand_size(i, n);
    s->write = n == 0 && attrs & (X86_A_STORE | X86_A_RMW);
}

static void set_imm(struct shape *s, const struct x86_insn *i, unsigned n)
{
    unsigned len = x86_operand_size(i, n);

    s->op.imm_len = (uint8_t)MIN(len, 4U);
    s->op.imm = i->imm;
}

/* One operand of the row. */
static void add_operand(struct shape *s, const struct x86_insn *i, unsigned n,
                        uint8_t rule)
{
    unsigned class = x86_operand_kinds[x86_insn_row(i)->operand[n]].class;
    bool mem = i->flags & X86_I_MEM;

    switch (class) {
    case X86_C_NONE:
    case X86_C_ONE:
    case X86_C_VECX: break;
    case X86_C_REG: set_gpr(s, &s->reg, i, n, i->reg, i->reg8, rule); break;
    case X86_C_RM:
    case X86_C_RMR:
        if (mem) {
            set_mem(s, i, n);
        } else {
            set_gpr(s, &s->rm, i, n, i->rm, i->rm8, rule);
        }
        break;
    case X86_C_MEM: set_mem(s, i, n); break;
    case X86_C_VVVV: set_gpr(s, &s->vvvv, i, n, i->vvvv, 0, rule); break;
    case X86_C_MMX: s->reg.guest = i->reg & 7; break;
    case X86_C_MMXRM:
    case X86_C_MMXRMR:
        if (mem) {
            set_mem(s, i, n);
        } else {
            s->rm.guest = i->rm & 7;
        }
        break;
    case X86_C_VEC: set_vec(s, &s->reg, i->reg); break;
    case X86_C_VECRM:
    case X86_C_VECRMR:
        if (mem) {
            set_mem(s, i, n);
        } else {
            set_vec(s, &s->rm, i->rm);
        }
        break;
    case X86_C_VECV: set_vec(s, &s->vvvv, i->vvvv); break;
    case X86_C_VECI:
        s->op.imm_len = 1;
        s->op.imm = i->imm;
        break;
    case X86_C_RCX: s->cl = true; break;
    case X86_C_IMM:
    case X86_C_IMMS: set_imm(s, i, n); break;
    default: s->bad = true; break;
    }
    s->vec |= class == X86_C_VECX;
}

static void set_opcode(struct shape *s, const struct x86_insn *i)
{
    static const uint8_t maps[X86_MAPS] = {HM_1B, HM_0F, HM_38, HM_3A,
                                           HM_0F, HM_38, HM_3A};
    const struct x86_key *key = &x86_keys[i->row];
    unsigned map = key->id >> 8;

    s->op.map = maps[map];
    s->op.vex = map >= X86_MAP_V1;
    s->op.opcode = (uint8_t)key->id;
    if (s->op.map == HM_1B && !s->op.vex && s->op.opcode == 0x82) {
        s->op.opcode = 0x80; /* 82 is gone from 64-bit mode */
    }
    s->op.w = i->flags & X86_I_W;
    s->op.l = i->flags & X86_I_L;
    s->op.lock = i->flags & X86_I_LOCK;
    if ((key->mask & X86_K_PP) == X86_K_PP) {
        s->op.pp = (uint8_t)((key->value & X86_K_PP) >> X86_K_PP_SHIFT);
    }
    s->op.osize16 = !s->op.vex && i->osize == 2 && s->op.pp != PP_66 &&
                    !(x86_insn_row(i)->attrs & X86_A_SSE);
}

/* W means nothing outside 64-bit mode where it is the size of a general
 * register. */
static bool sized_by_w(const struct x86_insn *i)
{
    const struct x86_row *row = x86_insn_row(i);

    for (unsigned n = 0; n < 4; n++) {
        if (x86_operand_kinds[row->operand[n]].size == X86_Z_y) {
            return true;
        }
    }
    return row->mnemonic == X86_VPCMPESTRM;
}

static struct shape shape_of(const struct x86_insn *i, uint8_t rule,
                             bool code64)
{
    struct shape s = {.reg.guest = i->reg & 7};

    set_opcode(&s, i);
    s.op.w &= code64 || !sized_by_w(i);
    for (unsigned n = 0; n < 4; n++) {
        add_operand(&s, i, n, rule);
    }
    if (s.op.imm_len == 4 && i->osize == 2) {
        s.op.imm_len = 2;
    }
    s.vec |= x86_insn_row(i)->attrs & (X86_A_SSE | X86_A_AVX);
    s.mmx = x86_insn_row(i)->attrs & X86_A_MMX;
    s.op.byte_reg = s.reg.gpr && s.reg.size == 1;
    s.op.byte_rm = s.rm.gpr && s.rm.size == 1;
    return s;
}

/* ---- registers that are elsewhere ---- */

/* Host registers that are free while the instruction runs. */
struct spare {
    uint8_t reg[3];
    unsigned count;
};

static unsigned take_spare(struct spare *spare)
{
    return spare->count ? spare->reg[--spare->count] : H_NONE;
}

/* Finds every field's host register. False: there are not enough. */
static bool place(struct shape *s, struct spare *spare)
{
    struct field *fields[] = {&s->reg, &s->rm, &s->vvvv};

    for (unsigned i = 0; i < 3; i++) {
        struct field *f = fields[i];

        if (!f->gpr) {
            f->host = f->guest;
            continue;
        }
        f->host = jit_host[f->guest];
        for (unsigned k = 0; k < i; k++) {
            if (fields[k]->gpr && fields[k]->guest == f->guest) {
                f->host = fields[k]->host;
            }
        }
        if (f->host == JIT_IN_MEMORY) {
            f->host = (uint8_t)take_spare(spare);
        }
        if (f->host == H_NONE) {
            return false;
        }
    }
    return true;
}

/* AH and the like have no place beside a REX: what is only read is copied,
 * what is written is turned to the register's low byte for the while. */
static bool place_high(struct field *f, const struct field *other,
                       struct spare *spare, bool bmi2)
{
    bool same = f->gpr && other->gpr && f->guest == other->guest;

    if (!f->high && !(same && other->high && other->written)) {
        return true;
    }
    if (f->written) {
        return bmi2 && !(same && other->written);
    }
    f->from = f->host;
    f->host = (uint8_t)take_spare(spare);
    f->copy = true;
    return bmi2 && f->host != H_NONE;
}

static void copy_high(struct tr *t, const struct field *f)
{
    if (f->copy) {
        emit_rorx(&t->e, f->host, f->from, f->high ? 8 : 0);
    }
}

static void load_field(struct tr *t, const struct field *f)
{
    if (f->gpr && jit_host[f->guest] == JIT_IN_MEMORY && !f->fresh) {
        tr_get(t, f->host, f->guest);
    }
}

static void store_field(struct tr *t, const struct field *f)
{
    if (f->gpr && f->written && jit_host[f->guest] == JIT_IN_MEMORY) {
        tr_put(t, f->guest, f->host);
    }
}

static void rotate_high(struct tr *t, const struct field *f, unsigned by)
{
    if (f->high && !f->copy) {
        emit_rorx(&t->e, f->host, f->host, by);
    }
}

/* ---- ---- */

void tr_need_vec(struct tr *t)
{
    uint8_t *loaded;

    if (t->vec) {
        return;
    }
    emit_load8(&t->e, H_RCX, emit_abs(&t->j->hot->vec_dead));
    loaded = emit_jrcxz(&t->e);
    emit_mov_ri(&t->e, H_R11, (uintptr_t)tr_site(t, t->insn) | JIT_AT_INSN);
    emit_call(&t->e, t->j->glue.load_vec);
    emit_here(&t->e, loaded);
    t->vec = true;
}

/* The memory operand's check, and where it is: by R11, and R10 perhaps. */
static void prepare_memory(struct tr *t, const struct x86_insn *i,
                           const struct shape *s, struct host_mem *m)
{
    bool align = x86_insn_row(i)->attrs & X86_A_ALIGN && s->size > 1;

    *m = TR_MEM;
    if (align && tr_stack_covers(t, t->insn)) {
        tr_address(t, i);
        tr_check_aligned(t, s->size);
    }
    if (align && !tr_stack_covers(t, t->insn)) {
        tr_address(t, i);
        tr_check_aligned(t, s->size);
        tr_check(t, s->size, s->write);
        return;
    }
    tr_operand(t, i, s->size, s->write, m);
}

/* Do the fields need more than RCX beside the address in R10 and R11? */
static unsigned in_memory(const struct shape *s)
{
    unsigned n = 0;

    n += s->reg.gpr && jit_host[s->reg.guest] == JIT_IN_MEMORY;
    n += s->rm.gpr && jit_host[s->rm.guest] == JIT_IN_MEMORY;
    n += s->vvvv.gpr && jit_host[s->vvvv.guest] == JIT_IN_MEMORY;
    return n;
}

static void write_it(struct tr *t, struct shape *s, struct host_mem m)
{
    if (s->cl) {
        emit_mov_rr(&t->e, H_RCX, jit_host[X86_RCX], 4);
    }
    load_field(t, &s->reg);
    load_field(t, &s->rm);
    load_field(t, &s->vvvv);
    copy_high(t, &s->reg);
    copy_high(t, &s->rm);
    rotate_high(t, &s->reg, 8);
    rotate_high(t, &s->rm, 8);
    s->op.vvvv = s->vvvv.host;
    if (s->mem || s->slot) {
        emit_op_rm(&t->e, &s->op, s->reg.host, m);
    } else {
        emit_op_rr(&t->e, &s->op, s->reg.host, s->rm.host);
    }
    rotate_high(t, &s->reg, 56);
    rotate_high(t, &s->rm, 56);
    store_field(t, &s->reg);
    store_field(t, &s->rm);
    store_field(t, &s->vvvv);
}

static bool is_slot(const struct field *f)
{
    return f->gpr && jit_host[f->guest] == JIT_IN_MEMORY &&
           (!f->written || f->size == 8);
}

/* An opcode that has another for "reg, r/m" instead of "r/m, reg". */
static bool has_reverse(const struct shape *s)
{
    unsigned o = s->op.opcode;

    return s->op.map == HM_1B && !s->op.vex && !s->op.imm_len &&
           (o < 0x40 ? (o & 7) < 4 : (o & 0xfc) == 0x88);
}

/* A register in memory is an operand in memory of the host's instruction, if
 * that writes none of it or all; where memory makes a difference it is not:
 * bit strings, and XCHG, which would lock it. */
static void use_slot(struct shape *s, unsigned mnemonic)
{
    if (s->mem || s->reg.high || s->rm.high || mnemonic == X86_XCHG ||
        (s->reg.written && s->rm.written) ||
        (rules[mnemonic] == RULE_BITS && s->reg.gpr)) {
        return;
    }
    if (is_slot(&s->rm)) {
        s->slot = true;
    } else if (s->rm.gpr && is_slot(&s->reg) && has_reverse(s)) {
        struct field rm = s->rm;

        s->rm = s->reg;
        s->reg = rm;
        s->op.opcode ^= 2;
        s->slot = true;
    }
    s->rm.gpr &= !s->slot;
}

static bool write_shape(struct tr *t, const struct x86_insn *i, struct shape *s)
{
    struct spare spare = {{H_R10, H_R11, H_RCX}, 3};
    struct host_mem m = TR_MEM;
    bool one = false;

    if (s->mem) {
        one = in_memory(s) > (s->cl ? 0U : 1U);
        spare = one ? (struct spare){{H_R11, H_RCX}, 2}
                    : (struct spare){{H_RCX}, 1};
    }
    spare.count -= s->cl;
    use_slot(s, x86_insn_row(i)->mnemonic);
    if (s->slot) {
        m = emit_abs(&t->j->cpu->gpr[s->rm.guest]);
    }
    if (!place(s, &spare) || !place_high(&s->reg, &s->rm, &spare, t->j->bmi2) ||
        !place_high(&s->rm, &s->reg, &spare, t->j->bmi2)) {
        return false;
    }
    if (s->mmx) {
        tr_need_x87(t);
    }
    if (s->vec) {
        tr_need_vec(t);
    }
    if (s->op.vex && s->op.l && s->vec && !t->wide) {
        emit_store8_i(&t->e, emit_abs(&t->j->hot->upper), 1);
        t->wide = true;
    }
    if (s->mem) {
        prepare_memory(t, i, s, &m);
        /* Registers with AH and the like are turned for the while: the
         * address may be made of one. */
        if (one || s->reg.high) {
            emit_lea(&t->e, H_R10, m, 8);
            m = (struct host_mem){H_R10, H_NONE, 0, 0};
        }
    }
    write_it(t, s, m);
    return true;
}

/* "G, E" of registers was exchanged by x86_prepare(): put it back. */
static struct x86_insn as_decoded(const struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);
    struct x86_insn i = *insn;

    if (!(i.flags & X86_I_MEM) && x86_takes_g_e(row->mnemonic) &&
        (row->operand[0] == X86_O_Gb || row->operand[0] == X86_O_Gv)) {
        i.reg = insn->rm;
        i.reg8 = insn->rm8;
        i.rm = insn->reg;
        i.rm8 = insn->reg8;
    }
    return i;
}

bool tr_host_has(const struct tr *t, unsigned feature)
{
    return t->j->host_features[feature / 64] >> feature % 64 & 1;
}

static bool both_have(const struct tr *t, unsigned feature)
{
    return tr_host_has(t, feature) && x86_has(t->j->cpu->model, feature);
}

static uint8_t rule_of(const struct tr *t, const struct x86_insn *i)
{
    const struct x86_row *row = x86_insn_row(i);
    uint8_t rule = rules[row->mnemonic];

    if (!tr_host_has(t, row->feature) || row->attrs & X86_A_X87 ||
        (row->attrs & X86_A_MMX && !t->j->bmi2) ||
        (row->attrs & X86_A_AVX2L && i->flags & X86_I_L &&
         !tr_host_has(t, X86_FEATURE_AVX2))) {
        return RULE_NONE;
    }
    if (rule == RULE_NONE && row->attrs & (X86_A_SSE | X86_A_AVX | X86_A_MMX)) {
        return RULE_PLAIN;
    }
    if (row->mnemonic == X86_IMUL && row->operand[1] == X86_O___) {
        return RULE_READ;
    }
    if ((row->mnemonic == X86_TZCNT && !both_have(t, X86_FEATURE_BMI1)) ||
        (row->mnemonic == X86_LZCNT && !both_have(t, X86_FEATURE_ABM))) {
        return RULE_NONE;
    }
    return rule;
}

/* The shape of an instruction that may be rewritten. */
static bool find_shape(const struct tr *t, const struct x86_insn *i,
                       struct shape *s)
{
    uint8_t rule = rule_of(t, i);

    if (rule <= RULE_NEVER) {
        return false;
    }
    *s = shape_of(i, rule, tr_code64(t));
    if (rule == RULE_WHOLE && (s->reg.high || s->rm.high)) {
        return false;
    }
    return !s->bad && (!s->mem || tr_can_address(t, i)) &&
           (!s->mem || (s->size > 0 && s->size <= 32)) &&
           !(rule == RULE_BITS && s->mem && s->reg.gpr) &&
           (s->mem || !s->op.lock);
}

/* ... of the block's instructions: each is asked for several times. */
struct tr_shapes {
    enum { SHAPE_UNKNOWN, SHAPE_NONE, SHAPE_FOUND } state[X86_BLOCK_INSNS];
    struct shape shape[X86_BLOCK_INSNS];
};

void tr_shapes_begin(struct tr *t)
{
    if (!t->j->shapes) {
        t->j->shapes = g_new(struct tr_shapes, 1);
    }
    memset(t->j->shapes->state, 0,
           t->block->count * sizeof(t->j->shapes->state[0]));
}

/* NULL: it is not to be rewritten. */
static const struct shape *shape(const struct tr *t,
                                 const struct x86_insn *insn)
{
    struct tr_shapes *all = t->j->shapes;
    unsigned n = (unsigned)(insn - t->block->insn);

    if (all->state[n] == SHAPE_UNKNOWN) {
        struct x86_insn i = as_decoded(insn);

        all->state[n] =
            find_shape(t, &i, &all->shape[n]) ? SHAPE_FOUND : SHAPE_NONE;
    }
    return all->state[n] == SHAPE_FOUND ? &all->shape[n] : NULL;
}

bool tr_memory_operand(const struct tr *t, const struct x86_insn *insn,
                       unsigned *size, bool *write)
{
    const struct shape *s;

    if (x86_insn_row(insn)->attrs & X86_A_X87) {
        return tr_x87_operand(t, insn, size, write);
    }
    s = shape(t, insn);
    if (!s || !s->mem || x86_insn_row(insn)->mnemonic == X86_LEA) {
        return false;
    }
    *size = s->size;
    *write = s->write;
    return true;
}

static uint32_t field_written(const struct field *f)
{
    return f->gpr && f->written ? 1U << f->guest : 0;
}

uint32_t tr_written(const struct tr *t, const struct x86_insn *insn)
{
    uint32_t special = tr_special_written(insn);
    const struct shape *s;

    if (special != TR_WRITES_ANY) {
        return special;
    }
    s = shape(t, insn);
    return s ? field_written(&s->reg) | field_written(&s->rm) |
                   field_written(&s->vvvv) | tr_hidden_written(insn)
             : (uint32_t)TR_WRITES_ANY;
}

static bool is_quiet(const struct field *f)
{
    return !f->gpr ||
           (f->guest != X86_RSP && jit_host[f->guest] != JIT_IN_MEMORY);
}

bool tr_quiet(const struct tr *t, const struct x86_insn *insn)
{
    const struct shape *s = shape(t, insn);

    return s && !s->mem && !s->vec && !s->mmx && !s->reg.high && !s->rm.high &&
           is_quiet(&s->reg) && is_quiet(&s->rm) && is_quiet(&s->vvvv) &&
           !(x86_insn_row(insn)->attrs & X86_A_ENDS) &&
           x86_insn_row(insn)->mnemonic != X86_LEA;
}

static bool is_sp(const struct field *f)
{
    return f->gpr && f->written && f->guest == X86_RSP;
}

/* Those whose RSP is known otherwise are not asked about. */
bool tr_may_write_sp(const struct tr *t, const struct x86_insn *insn)
{
    const struct shape *s;

    if (tr_is_plain(insn)) {
        return false;
    }
    s = shape(t, insn);
    return !s || is_sp(&s->reg) || is_sp(&s->rm) || is_sp(&s->vvvv);
}

bool tr_rewrite(struct tr *t, const struct x86_insn *insn)
{
    const struct shape *found = shape(t, insn);
    struct shape s;

    if (!found) {
        return false;
    }
    s = *found;
    return write_shape(t, insn, &s);
}
