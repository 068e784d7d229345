/* SPDX-License-Identifier: MIT */
/*
 * The decoder against Zydis: the code of the host's programs in 64-bit mode,
 * and random bytes in 16-, 32- and 64-bit mode. Compared are validity, length,
 * mnemonic, operands, flags and which operand is written.
 *
 * RHEA_SEED sets the random seed, RHEA_ROUNDS the number of random tries.
 * Each known difference stands in a table below, with its reason.
 */
#include <Zydis/Zydis.h>
#include <elf.h>
#include <glib.h>
#include <string.h>

#include "target/x86/cpu.h"
#include "target/x86/decode.h"
#include "target/x86/opcodes.h"

struct pair { /* what both made of the same bytes */
    const uint8_t *code;
    const struct x86_row *row;
    struct x86_insn ours;
    ZydisDecodedInstruction zydis;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
};

/* Sets that we do not have. What decodes otherwise without them is switched
   off in the decoder instead: open_zydis(). */
static bool excluded(const struct pair *p)
{
    switch (p->zydis.encoding) {
    case ZYDIS_INSTRUCTION_ENCODING_LEGACY:
    case ZYDIS_INSTRUCTION_ENCODING_VEX: break;
    default: return true;
    }
    switch (p->zydis.meta.isa_ext) {
    case ZYDIS_ISA_EXT_AMD3DNOW:
    case ZYDIS_ISA_EXT_AMD_INVLPGB:
    case ZYDIS_ISA_EXT_AMX_BF16:
    case ZYDIS_ISA_EXT_AMX_INT8:
    case ZYDIS_ISA_EXT_AMX_TILE:
    case ZYDIS_ISA_EXT_AVX512EVEX:
    case ZYDIS_ISA_EXT_AVX512VEX:
    case ZYDIS_ISA_EXT_AVX_VNNI:
    case ZYDIS_ISA_EXT_CLZERO:
    case ZYDIS_ISA_EXT_ENQCMD:
    case ZYDIS_ISA_EXT_FMA4:
    case ZYDIS_ISA_EXT_GFNI:
    case ZYDIS_ISA_EXT_HRESET:
    case ZYDIS_ISA_EXT_KEYLOCKER:
    case ZYDIS_ISA_EXT_KEYLOCKER_WIDE:
    case ZYDIS_ISA_EXT_KNC:
    case ZYDIS_ISA_EXT_KNCE:
    case ZYDIS_ISA_EXT_KNCV:
    case ZYDIS_ISA_EXT_MCOMMIT:
    case ZYDIS_ISA_EXT_MONITORX:
    case ZYDIS_ISA_EXT_MOVDIR:
    case ZYDIS_ISA_EXT_PADLOCK:
    case ZYDIS_ISA_EXT_PCONFIG:
    case ZYDIS_ISA_EXT_PT:
    case ZYDIS_ISA_EXT_RDPRU:
    case ZYDIS_ISA_EXT_RTM:
    case ZYDIS_ISA_EXT_SERIALIZE:
    case ZYDIS_ISA_EXT_SGX:
    case ZYDIS_ISA_EXT_SGX_ENCLV:
    case ZYDIS_ISA_EXT_SMX:
    case ZYDIS_ISA_EXT_SNP:
    case ZYDIS_ISA_EXT_SSE4A:
    case ZYDIS_ISA_EXT_TDX:
    case ZYDIS_ISA_EXT_TSX_LDTRK:
    case ZYDIS_ISA_EXT_UINTR:
    case ZYDIS_ISA_EXT_VMFUNC:
    case ZYDIS_ISA_EXT_WAITPKG:
    case ZYDIS_ISA_EXT_XOP: return true;
    case ZYDIS_ISA_EXT_CET:
        return p->zydis.mnemonic != ZYDIS_MNEMONIC_ENDBR32 &&
               p->zydis.mnemonic != ZYDIS_MNEMONIC_ENDBR64;
    case ZYDIS_ISA_EXT_VTX: return p->zydis.mnemonic != ZYDIS_MNEMONIC_VMCALL;
    default: return false;
    }
}

static const char *const conditions[16] = {"O",  "NO",  "B",  "NB", "Z", "NZ",
                                           "BE", "NBE", "S",  "NS", "P", "NP",
                                           "L",  "NL",  "LE", "NLE"};

/* Where Zydis has several mnemonics or other ones. */
static const struct {
    enum x86_mnemonic ours;
    const char *theirs;
} other_names[] = {
    {X86_CALLF, "CALL"},
    {X86_CBW, "CBW CWDE CDQE"},
    {X86_CWD, "CWD CDQ CQO"},
    {X86_CMPS, "CMPSB CMPSW CMPSD CMPSQ"},
    {X86_FNDISI, "FDISI8087_NOP"},
    {X86_FNENI, "FENI8087_NOP"},
    {X86_FNSETPM, "FSETPM287_NOP"},
    {X86_FXRSTOR, "FXRSTOR FXRSTOR64"},
    {X86_FXSAVE, "FXSAVE FXSAVE64"},
    {X86_INS, "INSB INSW INSD"},
    {X86_IRET, "IRET IRETD IRETQ"},
    {X86_JCXZ, "JCXZ JECXZ JRCXZ"},
    {X86_JMPF, "JMP"},
    {X86_LODS, "LODSB LODSW LODSD LODSQ"},
    {X86_MOVS, "MOVSB MOVSW MOVSD MOVSQ"},
    {X86_OUTS, "OUTSB OUTSW OUTSD"},
    {X86_POPA, "POPA POPAD"},
    {X86_POPF, "POPF POPFD POPFQ"},
    {X86_PUSHA, "PUSHA PUSHAD"},
    {X86_PUSHF, "PUSHF PUSHFD PUSHFQ"},
    {X86_RETF, "RET"},
    {X86_SCAS, "SCASB SCASW SCASD SCASQ"},
    {X86_STOS, "STOSB STOSW STOSD STOSQ"},
    {X86_XRSTOR, "XRSTOR XRSTOR64"},
    {X86_XRSTORS, "XRSTORS XRSTORS64"},
    {X86_XSAVE, "XSAVE XSAVE64"},
    {X86_XSAVEC, "XSAVEC XSAVEC64"},
    {X86_XSAVEOPT, "XSAVEOPT XSAVEOPT64"},
    {X86_XSAVES, "XSAVES XSAVES64"},
};

static bool is_one_of(const char *list, const char *name)
{
    g_auto(GStrv) names = g_strsplit(list, " ", 0);

    return g_strv_contains((const char *const *)names, name);
}

/* Jcc, SETcc, CMOVcc: the condition replaces "cc". */
static bool same_condition(const struct pair *p, const char *ours,
                           const char *theirs)
{
    const char *condition = conditions[p->ours.opcode & 15];
    char name[16];

    if (p->row->mnemonic == X86_FCMOVcc) {
        static const char *const fcmov[4] = {"B", "E", "BE", "U"};

        g_snprintf(name, sizeof(name), "FCMOV%s%s",
                   p->ours.opcode & 1 ? "N" : "", fcmov[p->ours.reg & 3]);
    } else {
        g_snprintf(name, sizeof(name), "%.*s%s", (int)strlen(ours) - 2, ours,
                   condition);
    }
    return strcmp(name, theirs) == 0;
}

static bool same_mnemonic(const struct pair *p)
{
    const char *ours = x86_mnemonic_name(p->row->mnemonic);
    g_autofree char *theirs =
        g_ascii_strup(ZydisMnemonicGetString(p->zydis.mnemonic), -1);

    if (p->zydis.mnemonic == ZYDIS_MNEMONIC_PAUSE &&
        p->row->mnemonic == X86_XCHG) {
        return true; /* F3 90 with REX.B exchanges R8; Zydis has PAUSE */
    }
    if (strcmp(ours, theirs) == 0) {
        return true;
    }
    if (g_str_has_suffix(ours, "cc")) {
        return same_condition(p, ours, theirs);
    }
    for (size_t i = 0; i < ARRAY_SIZE(other_names); i++) {
        if (other_names[i].ours == p->row->mnemonic) {
            return is_one_of(other_names[i].theirs, theirs);
        }
    }
    return false;
}

/* Zydis's number of general register `n` of `size` bytes. */
static ZydisRegister gpr(const struct pair *p, unsigned n, unsigned size)
{
    switch (size) {
    case 1:
        if (n >= 8) {
            return (ZydisRegister)(ZYDIS_REGISTER_R8B + n - 8);
        }
        return (ZydisRegister)(n >= 4 && (p->ours.flags & X86_I_REX)
                                   ? ZYDIS_REGISTER_SPL + n - 4
                                   : ZYDIS_REGISTER_AL + n);
    case 2: return (ZydisRegister)(ZYDIS_REGISTER_AX + n);
    case 4: return (ZydisRegister)(ZYDIS_REGISTER_EAX + n);
    default: return (ZydisRegister)(ZYDIS_REGISTER_RAX + n);
    }
}

static ZydisRegister vec(unsigned n, unsigned size)
{
    return (ZydisRegister)((size == 32 ? ZYDIS_REGISTER_YMM0
                                       : ZYDIS_REGISTER_XMM0) +
                           n);
}

/* The register that our operand `i` names, in Zydis's numbers; 0 if none. */
static ZydisRegister our_register(const struct pair *p, unsigned i)
{
    const struct x86_insn *insn = &p->ours;
    enum x86_class class = x86_operand_kinds[p->row->operand[i]].class;
    unsigned size = x86_operand_size(insn, i);

    switch (class) {
    case X86_C_REG: return gpr(p, insn->reg, size);
    case X86_C_RM:
    case X86_C_RMR:
    case X86_C_OPC: return gpr(p, insn->rm, size);
    case X86_C_VVVV: return gpr(p, insn->vvvv, size);
    case X86_C_RAX: return gpr(p, X86_RAX, size);
    case X86_C_RCX: return gpr(p, X86_RCX, size);
    case X86_C_RDX: return gpr(p, X86_RDX, size);
    case X86_C_SREG: return (ZydisRegister)(ZYDIS_REGISTER_ES + insn->reg);
    case X86_C_CREG: return (ZydisRegister)(ZYDIS_REGISTER_CR0 + insn->reg);
    case X86_C_DREG: return (ZydisRegister)(ZYDIS_REGISTER_DR0 + insn->reg);
    case X86_C_MMX: return (ZydisRegister)(ZYDIS_REGISTER_MM0 + insn->reg);
    case X86_C_MMXRM:
    case X86_C_MMXRMR: return (ZydisRegister)(ZYDIS_REGISTER_MM0 + insn->rm);
    case X86_C_VEC: return vec(insn->reg, size);
    case X86_C_VECRM:
    case X86_C_VECRMR: return vec(insn->rm, size);
    case X86_C_VECV: return vec(insn->vvvv, size);
    case X86_C_VECI: return vec(insn->imm >> 4 & 15, size);
    case X86_C_VECX: return ZYDIS_REGISTER_XMM0;
    case X86_C_ST0: return ZYDIS_REGISTER_ST0;
    case X86_C_STI: return (ZydisRegister)(ZYDIS_REGISTER_ST0 + insn->rm);
    case X86_C_ES:
    case X86_C_CS:
    case X86_C_SS:
    case X86_C_DS:
    case X86_C_FS:
    case X86_C_GS:
        return (ZydisRegister)(ZYDIS_REGISTER_ES + (class - X86_C_ES));
    default: return ZYDIS_REGISTER_NONE;
    }
}

static bool same_memory(const struct pair *p, unsigned i,
                        const ZydisDecodedOperand *z)
{
    const struct x86_insn *insn = &p->ours;
    enum x86_class class = x86_operand_kinds[p->row->operand[i]].class;
    ZydisRegister base = ZYDIS_REGISTER_NONE, index = ZYDIS_REGISTER_NONE;
    unsigned seg = class == X86_C_DST ? X86_ES : insn->seg, scale = 0;
    int64_t disp = insn->disp;

    if (class == X86_C_MOFF) {
        disp = (int64_t)insn->imm;
    } else if (class == X86_C_SRC || class == X86_C_DST) {
        base = gpr(p, class == X86_C_SRC ? X86_RSI : X86_RDI, insn->asize);
    } else {
        if (insn->base == X86_BASE_RIP) {
            base = insn->asize == 8 ? ZYDIS_REGISTER_RIP : ZYDIS_REGISTER_EIP;
        } else if (insn->base != X86_NO_REG) {
            base = gpr(p, insn->base, insn->asize);
        }
        if (class == X86_C_VSIB) {
            bool ymm = z->mem.index >= ZYDIS_REGISTER_YMM0;

            index = vec(insn->index, ymm ? 32 : 16);
            scale = 1U << insn->scale;
        } else if (insn->index != X86_NO_REG) {
            index = gpr(p, insn->index, insn->asize);
            scale = 1U << insn->scale;
        }
    }
    if (base == ZYDIS_REGISTER_NONE && z->mem.base == ZYDIS_REGISTER_R13D &&
        insn->asize == 4) {
        return true; /* Zydis 4.0 forgets disp32 after 67 with REX.B */
    }
    if (class == X86_C_MOFF && insn->asize != 8) {
        uint64_t mask = BIT(8 * insn->asize) - 1;

        return z->mem.segment == (ZydisRegister)(ZYDIS_REGISTER_ES + seg) &&
               ((uint64_t)z->mem.disp.value & mask) == (uint64_t)disp;
    }
    return z->mem.base == base && z->mem.index == index &&
           z->mem.scale == scale && z->mem.disp.value == disp &&
           (z->mem.type != ZYDIS_MEMOP_TYPE_MEM || /* an address, no access */
            (p->zydis.attributes & ZYDIS_ATTRIB_HAS_NOTRACK) || /* by CET */
            z->mem.segment == (ZydisRegister)(ZYDIS_REGISTER_ES + seg));
}

static bool same_immediate(const struct pair *p, unsigned i,
                           const ZydisDecodedOperand *z)
{
    const struct x86_insn *insn = &p->ours;
    enum x86_class class = x86_operand_kinds[p->row->operand[i]].class;
    uint64_t imm = insn->imm, mask;
    unsigned size = class == X86_C_REL || class == X86_C_IMMS
                        ? insn->osize
                        : x86_operand_size(insn, i);

    if (class == X86_C_IMM2) {
        imm >>= 16;
    }
    mask = size >= 8 ? UINT64_MAX : BIT(8 * size) - 1;
    return ((z->imm.value.u ^ imm) & mask) == 0;
}

/*
 * Where only the low bits of a register count, or the upper ones are zero,
 * Zydis may name a wider one: LAR and LSL, MOVMSK, PEXTR. NOP's register is any.
 */
static bool register_is_free(const struct pair *p, unsigned i)
{
    switch (p->row->mnemonic) {
    case X86_LAR:
    case X86_LSL: return i == 1;
    case X86_NOP: return true;
    case X86_MOVMSKPD:
    case X86_MOVMSKPS:
    case X86_PEXTRB:
    case X86_PEXTRW:
    case X86_PMOVMSKB: return i == 0;
    default: return false;
    }
}

/* Sizes that have no meaning: hints, addresses, areas of variable size. */
static bool size_matters(const struct pair *p)
{
    switch (p->row->mnemonic) {
    case X86_CLFLUSH:
    case X86_CLFLUSHOPT:
    case X86_CLWB:
    case X86_INVLPG:
    case X86_LEA:
    case X86_MOVSXD: /* 66: r16, r/m16 in the manual, r/m32 in Zydis */
    case X86_NOP:
    case X86_PREFETCH:
    case X86_PREFETCHNTA:
    case X86_PREFETCHT0:
    case X86_PREFETCHT1:
    case X86_PREFETCHT2:
    case X86_PREFETCHW:
    case X86_PREFETCHWT1:
    case X86_XRSTOR:
    case X86_XRSTORS:
    case X86_XSAVE:
    case X86_XSAVEC:
    case X86_XSAVEOPT:
    case X86_XSAVES: return false;
    default: return true;
    }
}

static bool same_operand(const struct pair *p, unsigned i,
                         const ZydisDecodedOperand *z)
{
    switch (z->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        if (register_is_free(p, i)) {
            return true;
        }
        return our_register(p, i) == z->reg.value;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        return (x86_operand_size(&p->ours, i) * 8 == z->size ||
                !size_matters(p)) &&
               same_memory(p, i, z);
    case ZYDIS_OPERAND_TYPE_POINTER:
        return (p->ours.imm >> 32) == z->ptr.segment &&
               (uint32_t)p->ours.imm == z->ptr.offset;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE: return same_immediate(p, i, z);
    default: return false;
    }
}

/* String instructions, whose operands Zydis hides in an order of its own. */
static bool same_hidden_memory(const struct pair *p, unsigned i)
{
    for (unsigned j = 0; j < p->zydis.operand_count; j++) {
        if (p->operand[j].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            same_operand(p, i, &p->operand[j])) {
            return true;
        }
    }
    return false;
}

/* Zydis hides these: FCOM's ST0, and XMM0. */
static bool hidden(const struct pair *p, unsigned i)
{
    enum x86_class class = x86_operand_kinds[p->row->operand[i]].class;

    switch (p->row->mnemonic) {
    case X86_FCOM:
    case X86_FCOMP:
    case X86_FUCOM: return class == X86_C_ST0;
    default: return class == X86_C_VECX;
    }
}

/* Zydis shows these: NOP's second operand, the implicit rAX of SVM. */
static bool shown(const struct pair *p)
{
    switch (p->row->mnemonic) {
    case X86_INVLPGA:
    case X86_NOP:
    case X86_SKINIT:
    case X86_VMLOAD:
    case X86_VMRUN:
    case X86_VMSAVE: return true;
    default: return false;
    }
}

static bool same_operands(const struct pair *p)
{
    bool string = p->row->attrs & X86_A_REP;
    unsigned theirs = 0;

    if (p->zydis.mnemonic == ZYDIS_MNEMONIC_PAUSE) {
        return true; /* no operands, or the case of same_mnemonic() */
    }

    for (unsigned i = 0; i < 4 && p->row->operand[i] != X86_O___; i++) {
        enum x86_class class = x86_operand_kinds[p->row->operand[i]].class;

        if (string) {
            if ((class == X86_C_SRC || class == X86_C_DST) &&
                !same_hidden_memory(p, i)) {
                return false;
            }
        } else if (!hidden(p, i) &&
                   (theirs >= p->zydis.operand_count_visible ||
                    !same_operand(p, i, &p->operand[theirs++]))) {
            return false;
        }
    }
    return theirs == p->zydis.operand_count_visible || shown(p);
}

/*
 * Zydis 4.0 is wrong, or less exact than the manual: it has AF undefined after
 * SBB, OF undefined after shifts by 1 and BEXTR, nothing written by INT1,
 * nothing undefined after MOV CR and DR, no zeroes from VPTEST and VTESTPS, and
 * VMCALL's flags are those of VMX.
 */
static bool flags_known_to_differ(const struct pair *p)
{
    switch (p->row->mnemonic) {
    case X86_BEXTR:
    case X86_INT1:
    case X86_SBB:
    case X86_VMCALL:
    case X86_VPTEST:
    case X86_VTESTPD:
    case X86_VTESTPS: return true;
    case X86_MOV: return p->row->attrs & X86_A_MODREG;
    default: return p->row->operand[1] == X86_O_I1;
    }
}

static bool same_flags(const struct pair *p)
{
    const ZydisAccessedFlags *z = p->zydis.cpu_flags;
    uint32_t write = z->modified | z->set_0 | z->set_1;
    const uint32_t mask = 0xfd5;
    uint32_t tested = z->tested & mask;

    if (flags_known_to_differ(p)) {
        return true;
    }
    /* Flags that may survive count as read, in opcodes.c: ours may be more. */
    if (p->row->attrs & X86_A_REP) {
        tested &= ~(uint32_t)X86_ZF; /* the one that CMPS itself made */
    }
    return (tested & ~p->row->flags_read) == 0 &&
           ((write & ~z->undefined) & mask) == p->row->flags_write &&
           (z->undefined & mask) == p->row->flags_undef;
}

/* STORE and RMW against what Zydis says of operand 1. */
static bool same_access(const struct pair *p)
{
    const ZydisDecodedOperand *z = &p->operand[0];
    bool reads, writes;

    if (p->zydis.operand_count_visible == 0 ||
        z->type != ZYDIS_OPERAND_TYPE_MEMORY) {
        return true;
    }
    reads = z->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
    writes = z->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    return writes == !!(p->row->attrs & (X86_A_STORE | X86_A_RMW)) &&
           (!writes || reads == !!(p->row->attrs & X86_A_RMW));
}

struct session {
    bool *hit; /* where wanted: which rows were met */
    ZydisDecoder decoder;
    struct x86_decode_mode mode;
    GHashTable *differences; /* what -> struct difference */
    unsigned compared, invalid, excluded;
};

struct difference {
    unsigned count;
    char example[3 * 16 + 1];
};

static void open_session(struct session *s, struct x86_decode_mode mode)
{
    static const ZydisDecoderMode off[] = {ZYDIS_DECODER_MODE_MPX,
                                           ZYDIS_DECODER_MODE_WBNOINVD,
                                           ZYDIS_DECODER_MODE_CLDEMOTE};
    ZydisMachineMode machine = mode.code64   ? ZYDIS_MACHINE_MODE_LONG_64
                               : mode.code32 ? ZYDIS_MACHINE_MODE_LEGACY_32
                               : mode.real   ? ZYDIS_MACHINE_MODE_REAL_16
                                             : ZYDIS_MACHINE_MODE_LEGACY_16;
    ZydisStackWidth stack = mode.code64   ? ZYDIS_STACK_WIDTH_64
                            : mode.code32 ? ZYDIS_STACK_WIDTH_32
                                          : ZYDIS_STACK_WIDTH_16;

    *s = (struct session){.mode = mode};
    g_assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&s->decoder, machine, stack)));
    for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
        ZydisDecoderEnableMode(&s->decoder, off[i], ZYAN_FALSE);
    }
    s->differences =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void differ(struct session *s, const char *what, const struct pair *p,
                   const char *ours, const char *theirs)
{
    g_autofree char *key =
        g_strdup_printf("%s: %s, Zydis %s", what, ours, theirs);
    struct difference *d = g_hash_table_lookup(s->differences, key);

    if (!d) {
        d = g_new0(struct difference, 1);
        for (unsigned i = 0; i < X86_MAX_INSN; i++) {
            g_snprintf(d->example + 3 * i, 4, "%02x ", p->code[i]);
        }
        g_hash_table_insert(s->differences, g_steal_pointer(&key), d);
    }
    d->count++;
}

/* Fails the test where something differed. */
static void close_session(struct session *s, const char *name)
{
    GHashTableIter iter;
    gpointer key, value;

    g_test_message("%s: %u compared, %u invalid, %u of other sets", name,
                   s->compared, s->invalid, s->excluded);
    g_hash_table_iter_init(&iter, s->differences);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const struct difference *d = value;

        g_test_message("%s: %s: %u times, %s", name, (const char *)key,
                       d->count, d->example);
        g_test_fail();
    }
    g_hash_table_destroy(s->differences);
}

static const char *compare_valid(const struct pair *p)
{
    if (p->ours.len != p->zydis.length) {
        return "length";
    }
    if (!same_mnemonic(p)) {
        return "mnemonic";
    }
    if (!same_operands(p)) {
        return "operands";
    }
    if (!same_flags(p)) {
        return "flags";
    }
    return same_access(p) ? NULL : "access";
}

/*
 * In real mode these are decoded, since it is not the decoder that refuses
 * them: X86_A_PROT, or #GP by their handlers.
 */
static bool validity_known_to_differ(const struct session *s,
                                     const struct pair *p)
{
    return s->mode.real &&
           ((p->row->attrs & X86_A_PROT) || p->row->mnemonic == X86_SYSENTER ||
            p->row->mnemonic == X86_SYSEXIT || p->row->mnemonic == X86_SYSRET);
}

/* Compares one instruction. Returns its length in bytes, 1 if invalid. */
static unsigned compare(struct session *s, const uint8_t *code, size_t avail)
{
    struct pair p = {.code = code};
    enum x86_decode_result result = x86_decode(&p.ours, code, avail, s->mode);
    ZyanStatus status =
        ZydisDecoderDecodeFull(&s->decoder, code, avail, &p.zydis, p.operand);
    bool ok = result == X86_DECODE_OK;
    const char *what, *ours, *theirs;

    if (status == ZYDIS_STATUS_NO_MORE_DATA || result == X86_DECODE_MORE) {
        return 1;
    }
    if (ZYAN_SUCCESS(status) && excluded(&p)) {
        s->excluded++;
        return p.zydis.length;
    }
    if (!ok && !ZYAN_SUCCESS(status)) {
        s->invalid++;
        return 1;
    }
    s->compared++;
    p.row = x86_insn_row(&p.ours);
    if (ok && s->hit) {
        s->hit[p.ours.row] = true;
    }
    ours = ok ? x86_mnemonic_name(p.row->mnemonic) : "invalid";
    theirs = ZYAN_SUCCESS(status) ? ZydisMnemonicGetString(p.zydis.mnemonic)
                                  : "invalid";
    what = ok == ZYAN_SUCCESS(status)        ? compare_valid(&p)
           : validity_known_to_differ(s, &p) ? NULL
                                             : "validity";
    if (what) {
        differ(s, what, &p, ours, theirs);
    }
    return ZYAN_SUCCESS(status) ? p.zydis.length : 1;
}

/* The executable sections of an ELF file. */
static void compare_file(struct session *s, const char *path)
{
    g_autofree char *data = NULL;
    size_t size;
    Elf64_Ehdr eh;

    if (!g_file_get_contents(path, &data, &size, NULL) || size < sizeof(eh)) {
        g_test_message("%s: not there", path);
        return;
    }
    memcpy(&eh, data, sizeof(eh));
    if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 || eh.e_machine != EM_X86_64) {
        return;
    }
    for (unsigned i = 0; i < eh.e_shnum; i++) {
        size_t at = eh.e_shoff + (size_t)i * eh.e_shentsize;
        Elf64_Shdr sh;

        if (at + sizeof(sh) > size) {
            return;
        }
        memcpy(&sh, data + at, sizeof(sh));
        if (!(sh.sh_flags & SHF_EXECINSTR) || sh.sh_type != SHT_PROGBITS ||
            sh.sh_offset + sh.sh_size > size) {
            continue;
        }
        for (size_t o = 0; o + X86_MAX_INSN <= sh.sh_size;) {
            o += compare(s, (uint8_t *)data + sh.sh_offset + o, X86_MAX_INSN);
        }
    }
}

static void test_files(void)
{
    static const char *const files[] = {
        "/bin/bash", "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib/x86_64-linux-gnu/libm.so.6",
        "/lib/x86_64-linux-gnu/libcrypto.so.3", "/lib64/libc.so.6"};
    struct session s;

    open_session(&s, (struct x86_decode_mode){.code64 = true});
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        compare_file(&s, files[i]);
    }
    close_session(&s, "files");
}

/* Random bytes, led by prefixes and escapes more often than chance has it. */
static void make_bytes(GRand *rand, uint8_t bytes[16])
{
    static const uint8_t prefix[] = {0x66, 0xf2, 0xf3, 0xf0, 0x67,
                                     0x2e, 0x64, 0x36, 0x48, 0x41};
    unsigned n = 0;

    for (unsigned i = 0; i < 16; i += 4) {
        stl_u32(bytes + i, g_rand_int(rand));
    }
    while (n < 4 && g_rand_int_range(rand, 0, 5) < 2) {
        bytes[n++] = prefix[g_rand_int_range(rand, 0, ARRAY_SIZE(prefix))];
    }
    switch (g_rand_int_range(rand, 0, 8)) {
    case 0:
    case 1: bytes[n] = 0x0f; break;
    case 2:
        bytes[n] = 0x0f;
        bytes[n + 1] = g_rand_boolean(rand) ? 0x38 : 0x3a;
        break;
    case 3: bytes[0] = 0xc5; break;
    case 4:
        bytes[0] = 0xc4;
        bytes[1] = (uint8_t)((bytes[1] & 0xe0) | g_rand_int_range(rand, 1, 4));
        break;
    case 5: bytes[n] = 0xd8 + (bytes[n] & 7); break;
    }
}

static void compare_random(const char *name, struct x86_decode_mode mode)
{
    const char *given = g_getenv("RHEA_SEED");
    const char *rounds = g_getenv("RHEA_ROUNDS");
    uint32_t seed =
        given ? (uint32_t)g_ascii_strtoull(given, NULL, 0) : g_random_int();
    uint64_t n = rounds ? g_ascii_strtoull(rounds, NULL, 0) : 500000;
    GRand *rand = g_rand_new_with_seed(seed);
    struct session s;

    g_test_message("RHEA_SEED=%u", seed);
    open_session(&s, mode);
    while (n-- > 0) {
        uint8_t bytes[16];

        make_bytes(rand, bytes);
        compare(&s, bytes, X86_MAX_INSN);
    }
    close_session(&s, name);
    g_rand_free(rand);
}

/* Every ModRM of every opcode of a map, with each prefix and W. */
static void sweep_map(struct session *s, unsigned map)
{
    static const uint8_t pp[4] = {0x3e, 0x66, 0xf3, 0xf2};

    for (uint32_t i = 0; i < 1 << 19; i++) {
        uint8_t code[X86_MAX_INSN] = {0}, *p = code;
        bool w = i >> 18 & 1;

        if (map < X86_MAP_V1) {
            *p++ = pp[i >> 16 & 3];
            if (s->mode.code64) {
                *p++ = 0x40 | (w ? 8 : 0);
            }
            if (map != X86_MAP_1B) {
                *p++ = 0x0f;
            }
            if (map >= X86_MAP_38) {
                *p++ = map == X86_MAP_38 ? 0x38 : 0x3a;
            }
        } else {
            *p++ = 0xc4;
            *p++ = (uint8_t)(0xe0 | (map - X86_MAP_V1 + 1));
            *p++ = (uint8_t)(0x78 | w << 7 | (i >> 16 & 3));
        }
        *p++ = (uint8_t)(i >> 8);
        *p++ = (uint8_t)i;
        *p = 0x3b; /* SIB */
        compare(s, code, sizeof(code));
        if (map >= X86_MAP_V1) {
            code[2] ^= 0x3c; /* with vvvv and L */
            compare(s, code, sizeof(code));
            code[2] ^= 0x38;
            compare(s, code, sizeof(code));
        }
    }
}

/* Every row is met, so that none hides another one. */
static void test_sweep(void)
{
    g_autofree bool *hit = g_new0(bool, x86_rows_count);
    struct session s;

    for (unsigned i = 0; i < 2; i++) {
        open_session(&s, (struct x86_decode_mode){.code64 = i, .code32 = !i});
        s.hit = hit;
        for (unsigned map = 0; map < X86_MAPS; map++) {
            sweep_map(&s, map);
        }
        close_session(&s, i ? "64-bit sweep" : "32-bit sweep");
    }
    for (unsigned i = 1; i < x86_rows_count; i++) {
        if (!hit[i]) {
            g_test_message("never met: %s, map %u, opcode %02x",
                           x86_mnemonic_name(x86_rows[i].mnemonic),
                           x86_keys[i].id >> 8, x86_keys[i].id & 255);
            g_test_fail();
        }
    }
}

static void test_random64(void)
{
    compare_random("64-bit", (struct x86_decode_mode){.code64 = true});
}

static void test_random32(void)
{
    compare_random("32-bit", (struct x86_decode_mode){.code32 = true});
}

static void test_random16(void)
{
    compare_random("16-bit", (struct x86_decode_mode){.code32 = false});
}

static void test_random_real(void)
{
    compare_random("real mode", (struct x86_decode_mode){.real = true});
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decode-zydis/files", test_files);
    g_test_add_func("/decode-zydis/sweep", test_sweep);
    g_test_add_func("/decode-zydis/64", test_random64);
    g_test_add_func("/decode-zydis/32", test_random32);
    g_test_add_func("/decode-zydis/16", test_random16);
    g_test_add_func("/decode-zydis/real", test_random_real);
    return g_test_run();
}
