/* SPDX-License-Identifier: MIT */
/*
 * Decoded blocks: found by physical address and mode, found again by RIP
 * through the jump cache. Memory is bounded: when the arena is full
 * everything is dropped at once.
 *
 * A jump cache entry carries a salt, a number for (CS base and limit, mode,
 * translations as they were). So nothing is walked when translations change:
 * new salts are given out.
 */
#include "target/x86/block.h"

#include <string.h>

#include "base/log.h"
#include "target/x86/excp.h"
#include "target/x86/interp.h"
#include "target/x86/mmu.h"
#include "target/x86/model.h"
#include "target/x86/pick.h"
#include "target/x86/segment.h"

enum {
    ARENA = 32 << 20,
    HASH_BITS = 17,
    SALTS = 64,
    EXTRA_INSNS = 2, /* the end mark and the links */
};

struct salt {
    uint64_t base;
    uint32_t limit;
    uint32_t mode;
    uint32_t epoch;
    uint32_t salt;
    bool local; /* jumps to pages that are not global were made under it */
};

struct x86_blocks {
    struct x86_jump jumps[X86_JUMPS];
    struct salt salts[SALTS];
    uint32_t epoch;
    uint32_t last_salt;
    uint32_t mode;
    struct salt *salt; /* that cpu->jump_salt is from */
    struct x86_block *hash[1 << HASH_BITS];
    uint8_t *arena;
    size_t used, room;
    unsigned drops;
    uint32_t no_generation; /* of blocks that lie in no RAM */
    uint64_t single[(sizeof(struct x86_block) +
                     (1 + EXTRA_INSNS) * sizeof(struct x86_insn)) /
                        sizeof(uint64_t) +
                    1];
};

const struct x86_insn x86_no_insn[2] = {
    {.exec = x86_exec_end},
    {.exec = x86_exec_end},
};

/* ---- salts ---- */

static void forget_jumps(struct x86_blocks *b)
{
    for (unsigned i = 0; i < X86_JUMPS; i++) {
        b->jumps[i].salt = 0;
        b->jumps[i].block = NULL;
    }
}

uint32_t x86_mode_bits(const struct x86_cpu *cpu)
{
    bool avx = cpu->cr4 & X86_CR4_OSXSAVE && (cpu->xcr0 & 6) == 6;
    bool flat = cpu->code32 && cpu->stack32;
    uint32_t set = 0; /* only translated code is made for one */

    if (cpu->one_by_one) {
        set = (uint32_t)(cpu->tlb_rd - cpu->tlb->rd);
    }
    for (unsigned seg = X86_ES; seg <= X86_DS; seg++) {
        const struct x86_seg_hot *h = &cpu->hot[seg];

        flat &= h->base == 0 && (seg == X86_CS || h->wr_end == 4 * GIB);
    }
    return (cpu->code64 ? X86_M_CODE64 : 0U) |
           (cpu->code32 ? X86_M_CODE32 : 0U) |
           (cpu->stack32 ? X86_M_STACK32 : 0U) | (flat ? X86_M_FLAT : 0U) |
           (x86_real_mode(cpu) ? X86_M_REAL : 0U) |
           (x86_v86_mode(cpu) ? X86_M_V86 : 0U) |
           (uint32_t)cpu->cpl << X86_M_CPL_SHIFT |
           (cpu->cr0 & X86_CR0_EM ? X86_M_EM : 0U) |
           (cpu->cr0 & X86_CR0_TS ? X86_M_TS : 0U) |
           (cpu->cr4 & X86_CR4_OSFXSR ? X86_M_OSFXSR : 0U) |
           (avx ? X86_M_AVX : 0U) | set << X86_M_SET_SHIFT;
}

void x86_jumps_mode(struct x86_cpu *cpu)
{
    struct x86_blocks *b = cpu->blocks;
    uint32_t mode = x86_mode_bits(cpu);
    uint64_t base = cpu->code64 ? 0 : cpu->seg[X86_CS].base;
    uint32_t limit = cpu->code64 ? ~0U : cpu->seg[X86_CS].limit;
    struct salt *s =
        &b->salts[(base >> 4 ^ base >> 10 ^ mode ^ mode >> 5) % SALTS];

    b->mode = mode;
    if (s->epoch != b->epoch || s->base != base || s->limit != limit ||
        s->mode != mode) {
        if (++b->last_salt == 0) {
            forget_jumps(b);
            b->last_salt = 1;
        }
        *s = (struct salt){base, limit, mode, b->epoch, b->last_salt, false};
    }
    b->salt = s;
    cpu->jump_salt = s->salt;
}

void x86_jumps_flush(struct x86_cpu *cpu, bool globals)
{
    struct x86_blocks *b = cpu->blocks;

    if (!globals) {
        for (unsigned i = 0; i < SALTS; i++) {
            b->salts[i].epoch = b->salts[i].local ? 0 : b->salts[i].epoch;
        }
    } else if (++b->epoch == 0) {
        memset(b->salts, 0, sizeof(b->salts));
        b->epoch = 1;
    }
    x86_jumps_mode(cpu);
}

/* ---- memory ---- */

static void drop_all(struct x86_blocks *b)
{
    forget_jumps(b);
    memset(b->hash, 0, sizeof(b->hash));
    b->used = 0;
    b->drops++;
}

uint32_t x86_blocks_mode(const struct x86_blocks *b)
{
    return b->mode;
}

unsigned x86_blocks_drops(const struct x86_blocks *b)
{
    return b->drops;
}

struct x86_blocks *x86_blocks_new(void)
{
    struct x86_blocks *b = g_new0(struct x86_blocks, 1);

    b->arena = g_malloc(ARENA);
    b->room = ARENA;
    b->epoch = 1;
    return b;
}

void x86_blocks_set_room(struct x86_blocks *b, size_t bytes)
{
    uint8_t *arena = g_try_malloc(bytes);

    if (arena) {
        drop_all(b);
        g_free(b->arena);
        b->arena = arena;
        b->room = bytes;
    }
}

void x86_blocks_free(struct x86_blocks *b)
{
    if (b) {
        g_free(b->arena);
        g_free(b);
    }
}

struct x86_jump *x86_blocks_jumps(struct x86_blocks *b)
{
    return b->jumps;
}

/* Room for a block of `insns`, at the arena's end; kept by keep_block(). */
static struct x86_block *new_block(struct x86_blocks *b, unsigned insns)
{
    size_t size = sizeof(struct x86_block) +
                  (insns + EXTRA_INSNS) * sizeof(struct x86_insn);

    if (b->used + size > b->room) {
        drop_all(b);
    }
    return (struct x86_block *)(void *)(b->arena + b->used);
}

static unsigned hash_of(uint64_t phys, uint32_t mode)
{
    uint64_t key = (phys ^ (uint64_t)mode << 40) * UINT64_C(0x9e3779b97f4a7c15);

    return (unsigned)(key >> (64 - HASH_BITS));
}

static void keep_block(struct x86_blocks *b, struct x86_block *block)
{
    unsigned h = hash_of(block->phys, block->mode);

    block->next = b->hash[h];
    b->hash[h] = block;
    b->used +=
        sizeof(*block) + (block->count + EXTRA_INSNS) * sizeof(block->insn[0]);
    b->used = (b->used + 15) & ~(size_t)15;
}

/* ---- fetching ---- */

static _Noreturn void fetch_gp(struct x86_cpu *cpu)
{
    x86_raise_gp0(cpu);
}

/* The instruction TLB's entry for a linear address, filled if need be. */
static const struct x86_itlb_entry *fetch_page(struct x86_cpu *cpu,
                                               uint64_t lin)
{
    struct x86_tlb *tlb = cpu->tlb;
    struct x86_itlb_entry *e = &tlb->itlb[lin >> 12 & (X86_ITLB_SIZE - 1)];
    uint8_t set = cpu->cpl == 3 ? X86_TLB_USER : X86_TLB_SUP;
    uint64_t tag = lin & ~UINT64_C(0xfff);
    struct x86_page page;

    if (e->tag == tag && e->set == set) {
        return e;
    }
    x86_translate(cpu, lin, X86_FETCH, set, &page);
    x86_code_page(tlb, lin, true);
    *e = (struct x86_itlb_entry){
        .tag = tag,
        .phys = page.phys,
        .host = page.host,
        .ram = page.ram,
        .ram_page = page.ram_page,
        .set = set,
        .global = page.global,
    };
    if (page.large) {
        uint64_t first = lin & ~UINT64_C(0x3fffffff);
        unsigned half = lin >> 63;

        tlb->large_first[half] = MIN(tlb->large_first[half], first);
        tlb->large_last[half] = MAX(tlb->large_last[half], first | 0x3fffffff);
    }
    return e;
}

/* Linear address of CS:rip; *avail = bytes that the segment has from there. */
static uint64_t fetch_lin(struct x86_cpu *cpu, uint64_t rip, uint64_t *avail)
{
    const struct x86_seg *cs = &cpu->seg[X86_CS];

    if (cpu->code64) {
        if (!x86_canonical(cpu, rip)) {
            fetch_gp(cpu);
        }
        *avail = X86_MAX_INSN * X86_BLOCK_INSNS;
        return rip;
    }
    if (rip > cs->limit) {
        fetch_gp(cpu);
    }
    *avail = (uint64_t)cs->limit - rip + 1;
    return (cs->base + rip) & 0xffffffff;
}

/* Copies up to 15 bytes from lin, over a page's end; returns how many there
 * are without a fault. What faults is raised if `need`. */
static unsigned fetch_bytes(struct x86_cpu *cpu, uint64_t lin, uint8_t *buf,
                            unsigned avail)
{
    unsigned n = 0;

    while (n < avail) {
        uint64_t at = (lin + n) & cpu->lin_mask;
        const struct x86_itlb_entry *e = fetch_page(cpu, at);
        unsigned part = MIN(avail - n, 4096 - (unsigned)(at & 0xfff));

        if (e->host) {
            memcpy(buf + n, e->host + (at & 0xfff), part);
        } else {
            for (unsigned i = 0; i < part; i++) {
                buf[n + i] =
                    (uint8_t)x86_phys_ld(cpu, e->phys + (at & 0xfff) + i, 1);
            }
        }
        n += part;
    }
    return n;
}

static struct x86_decode_mode decode_mode(uint32_t mode)
{
    return (struct x86_decode_mode){
        .code64 = mode & X86_M_CODE64,
        .code32 = mode & X86_M_CODE32,
        .real = mode & (X86_M_REAL | X86_M_V86),
    };
}

/* Decodes an instruction at the end of a page or of the segment, or one that
 * is not in plain memory: byte by byte, so that only what is needed faults. */
static void decode_slowly(struct x86_cpu *cpu, uint64_t lin, uint64_t avail,
                          struct x86_insn *insn)
{
    struct x86_decode_mode mode = decode_mode(cpu->blocks->mode);
    unsigned most = (unsigned)MIN(avail, X86_MAX_INSN);
    unsigned room = MIN(most, 4096 - (unsigned)(lin & 0xfff));
    uint8_t buf[X86_MAX_INSN];
    enum x86_decode_result r;

    fetch_bytes(cpu, lin, buf, room);
    r = x86_decode(insn, buf, room, mode);
    if (r == X86_DECODE_MORE && room < most) {
        fetch_bytes(cpu, (lin + room) & cpu->lin_mask, buf + room, most - room);
        r = x86_decode(insn, buf, most, mode);
    }
    if (r == X86_DECODE_MORE || r == X86_DECODE_TOO_LONG) {
        fetch_gp(cpu);
    }
    if (r == X86_DECODE_INVALID) {
        insn->exec = x86_exec_ud;
    }
}

/* ---- preparing ---- */

/* 4..7 without REX are AH, CH, DH, BH. */
static uint8_t byte_register(const struct x86_insn *insn, uint8_t reg)
{
    reg &= 15;
    return reg >= 4 && reg < 8 && !(insn->flags & X86_I_REX)
               ? (uint8_t)((reg - 4) * 8 + 1)
               : (uint8_t)(reg * 8);
}

/* REX.B and REX.R do not reach what the opcode says is the accumulator. */
static void fix_accumulator(struct x86_insn *insn)
{
    const uint8_t *operand = x86_insn_row(insn)->operand;

    if (operand[0] == X86_O_rAL || operand[0] == X86_O_rAX) {
        insn->rm = X86_RAX;
    }
    if (operand[1] == X86_O_rAL || operand[1] == X86_O_rAX) {
        insn->reg = X86_RAX;
    }
}

/* "G, E" of two registers is "E, G" with them exchanged. */
static void g_to_e(struct x86_insn *insn)
{
    const struct x86_row *row = x86_insn_row(insn);
    uint8_t reg = insn->reg;
    uint8_t reg8 = insn->reg8;

    if (insn->flags & X86_I_MEM || !x86_takes_g_e(row->mnemonic) ||
        (row->operand[0] != X86_O_Gb && row->operand[0] != X86_O_Gv)) {
        return;
    }
    insn->reg = insn->rm;
    insn->reg8 = insn->rm8;
    insn->rm = reg;
    insn->rm8 = reg8;
}

void x86_prepare(const struct x86_cpu *cpu, struct x86_insn *insn,
                 unsigned offset)
{
    insn->offset = (uint16_t)offset;
    fix_accumulator(insn);
    insn->reg8 = byte_register(insn, insn->reg);
    insn->rm8 = byte_register(insn, insn->rm);
    if (insn->index == X86_NO_REG) {
        insn->index = X86_R_ZERO;
        insn->scale = 0;
    }
    if (insn->base == X86_NO_REG) {
        insn->base = X86_R_ZERO;
    } else if (insn->base == X86_BASE_RIP) {
        int64_t disp = (int64_t)insn->disp + offset + insn->len;

        insn->base = X86_R_BLOCK;
        if (disp > INT32_MAX) {
            disp -= 4096;
            insn->index = X86_R_4K;
        }
        insn->disp = (int32_t)disp;
    }
    if (!insn->exec) {
        g_to_e(insn);
        insn->exec = x86_pick(cpu, insn);
    }
}

static void end_mark(struct x86_block *block)
{
    struct x86_insn *end = &block->insn[block->count];

    *end = (struct x86_insn){
        .exec = x86_exec_end,
        .imm = (uint64_t)(uintptr_t)block,
        .offset = block->len,
    };
    memset((void *)(end + 1), 0, sizeof(struct x86_links));
    block->salt = 0;
}

const struct x86_insn *x86_exec_end(struct x86_cpu *cpu,
                                    const struct x86_insn *insn)
{
    uint64_t rip = x86_insn_rip(cpu, insn);

    return x86_goto(cpu, cpu->code64 ? rip : (uint32_t)rip);
}

/* A compare and the conditional jump that ends the block become one step. */
static void fuse_last(const struct x86_cpu *cpu, struct x86_block *block)
{
    if (block->count >= 2 && !cpu->one_by_one) {
        struct x86_insn *insn = &block->insn[block->count - 2];
        x86_exec *fused = x86_fuse(insn);

        insn->exec = fused ? fused : insn->exec;
    }
}

/* Decodes from `code`, of which `avail` bytes are in the page and segment. */
static void fill_block(const struct x86_cpu *cpu, struct x86_block *block,
                       const uint8_t *code, unsigned avail)
{
    struct x86_decode_mode mode = decode_mode(block->mode);
    unsigned left = cpu->short_blocks ? 1 : X86_BLOCK_INSNS;

    block->count = 0;
    block->len = 0;
    while (left--) {
        struct x86_insn *insn = &block->insn[block->count];
        enum x86_decode_result r =
            x86_decode(insn, code + block->len, avail - block->len, mode);

        if (r == X86_DECODE_MORE || r == X86_DECODE_TOO_LONG) {
            break;
        }
        if (r == X86_DECODE_INVALID) {
            insn->exec = x86_exec_ud;
            left = 0;
        }
        x86_prepare(cpu, insn, block->len);
        block->len = (uint16_t)(block->len + insn->len);
        block->count++;
        if (r == X86_DECODE_OK && x86_ends_block(insn)) {
            left = 0;
        } else if (r == X86_DECODE_OK && x86_shadows(insn)) {
            left = MIN(left, 1); /* the next one, then events are looked at */
        }
    }
    end_mark(block);
    fuse_last(cpu, block);
}

/* ---- finding ---- */

static uint32_t *generation_of(struct x86_cpu *cpu,
                               const struct x86_itlb_entry *e)
{
    return e->ram ? &e->ram->code[e->ram_page].generation
                  : &cpu->blocks->no_generation;
}

static uint32_t load_generation(const uint32_t *g)
{
    return __atomic_load_n(g, __ATOMIC_ACQUIRE);
}

bool x86_block_fresh(const struct x86_block *block)
{
    return load_generation(block->generation) == block->seen &&
           (!block->generation2 ||
            load_generation(block->generation2) == block->seen2);
}

static struct x86_jump *jump_slot(const struct x86_cpu *cpu, uint64_t rip)
{
    return &cpu->jumps[(rip ^ rip >> 12) & (X86_JUMPS - 1)];
}

static void remember(struct x86_cpu *cpu, uint64_t rip, struct x86_block *block,
                     bool global)
{
    if (!block->generation2) {
        cpu->blocks->salt->local |= !global;
        block->rip = rip;
        block->salt = cpu->jump_salt;
        *jump_slot(cpu, rip) = (struct x86_jump){rip, block, cpu->jump_salt};
    }
}

/* The block that the jump cache had before translations were flushed, if it
 * is still the right one. */
static struct x86_block *remembered(const struct x86_cpu *cpu, uint64_t rip,
                                    uint64_t phys, uint64_t avail,
                                    const uint32_t *generation)
{
    const struct x86_jump *j = jump_slot(cpu, rip);
    struct x86_block *block = j->block;

    return block && j->rip == rip && block->phys == phys &&
                   block->mode == cpu->blocks->mode &&
                   block->generation == generation && block->len <= avail &&
                   load_generation(generation) == block->seen
               ? block
               : NULL;
}

/* Is an instruction's second half still what it was? */
static bool same_tail(struct x86_cpu *cpu, const struct x86_block *block,
                      uint64_t lin)
{
    const struct x86_itlb_entry *e;

    if (!block->generation2) {
        return true;
    }
    e = fetch_page(cpu, ((lin | 0xfff) + 1) & cpu->lin_mask);
    return e->phys == block->phys2 && e->host &&
           generation_of(cpu, e) == block->generation2;
}

static struct x86_block *look_up(struct x86_cpu *cpu, uint64_t phys,
                                 uint64_t lin, uint64_t avail,
                                 const uint32_t *generation)
{
    struct x86_blocks *b = cpu->blocks;
    struct x86_block **link = &b->hash[hash_of(phys, b->mode)];

    while (*link) {
        struct x86_block *block = *link;

        if (block->phys != phys || block->mode != b->mode ||
            block->generation != generation || block->len > avail ||
            !same_tail(cpu, block, lin)) {
            link = &block->next;
        } else if (!x86_block_fresh(block)) {
            *link = block->next;
        } else {
            return block;
        }
    }
    return NULL;
}

/* Tells memory that code was read from a part of a page. */
static void mark_code(struct x86_cpu *cpu, const struct x86_itlb_entry *e,
                      unsigned off, unsigned len)
{
    ram_code_add(e->ram, (e->ram_page << RAM_PAGE_SHIFT) + off, len);
}

/* Before code is read: this CPU's own stores must not go unseen. */
static void expect_code(struct x86_cpu *cpu, const struct x86_itlb_entry *e)
{
    if (!__atomic_load_n(&e->ram->code[e->ram_page].lines, __ATOMIC_RELAXED)) {
        x86_tlb_drop_writes(cpu, e->ram, e->ram_page);
    }
}

static void new_single(struct x86_cpu *cpu, struct x86_block *block,
                       uint64_t lin, uint64_t avail)
{
    block->generation = &cpu->blocks->no_generation;
    block->seen = 0;
    block->generation2 = NULL;
    block->runs = 0;
    block->mode = cpu->blocks->mode;
    decode_slowly(cpu, lin, avail, &block->insn[0]);
    x86_prepare(cpu, &block->insn[0], 0);
    block->count = 1;
    block->len = block->insn[0].len;
    end_mark(block);
}

/* -d in_asm; the bytes are fetched anew: execution has changed the operands. */
static void log_single(struct x86_cpu *cpu, const struct x86_block *block,
                       uint64_t lin)
{
    unsigned first = MIN(block->len, 4096 - (unsigned)(lin & 0xfff));
    uint8_t buf[X86_MAX_INSN] = {0};

    if (log_on(LOG_IN_ASM)) {
        fetch_bytes(cpu, lin, buf, first);
        if (first < block->len) {
            fetch_bytes(cpu, (lin + first) & cpu->lin_mask, buf + first,
                        block->len - first);
        }
        x86_log_code(decode_mode(block->mode), lin, buf, block->len);
    }
}

struct x86_block *x86_block_single(struct x86_cpu *cpu, uint64_t rip)
{
    struct x86_block *block = (void *)cpu->blocks->single;
    uint64_t avail;
    uint64_t lin;

    cpu->block_rip = rip;
    cpu->insn = x86_no_insn;
    lin = fetch_lin(cpu, rip, &avail);
    new_single(cpu, block, lin, avail);
    log_single(cpu, block, lin);
    return block;
}

/* An instruction over a page's end: kept, with both pages to watch. */
static struct x86_block *new_crossing(struct x86_cpu *cpu, uint64_t lin,
                                      uint64_t avail)
{
    struct x86_block *block = new_block(cpu->blocks, 1);
    struct x86_itlb_entry e1 = *fetch_page(cpu, lin);
    struct x86_itlb_entry e2;
    uint64_t next = ((lin | 0xfff) + 1) & cpu->lin_mask;
    unsigned first = 4096 - (unsigned)(lin & 0xfff);
    uint32_t *g1 = generation_of(cpu, &e1);
    uint32_t seen1 = load_generation(g1);
    uint32_t *g2;
    uint32_t seen2;

    expect_code(cpu, &e1);
    new_single(cpu, block, lin, avail);
    if (block->len <= first) {
        /* It ends with the page, or is invalid: not worth keeping. */
        return block;
    }
    e2 = *fetch_page(cpu, next);
    if (!e2.host) {
        return block;
    }
    expect_code(cpu, &e2);
    g2 = generation_of(cpu, &e2);
    seen2 = load_generation(g2);
    new_single(cpu, block, lin, avail); /* again, now that we would know */
    block->phys = e1.phys | (lin & 0xfff);
    block->phys2 = e2.phys;
    block->generation = g1;
    block->seen = seen1;
    block->generation2 = g2;
    block->seen2 = seen2;
    mark_code(cpu, &e1, (unsigned)(lin & 0xfff), first);
    mark_code(cpu, &e2, 0, block->len - first);
    log_single(cpu, block, lin);
    keep_block(cpu->blocks, block);
    return block;
}

static struct x86_block *new_in_page(struct x86_cpu *cpu, uint64_t lin,
                                     uint64_t avail,
                                     const struct x86_itlb_entry *e)
{
    struct x86_block *block = new_block(cpu->blocks, X86_BLOCK_INSNS);
    unsigned off = lin & 0xfff;

    block->generation = generation_of(cpu, e);
    block->seen = load_generation(block->generation);
    block->generation2 = NULL;
    block->runs = 0;
    block->mode = cpu->blocks->mode;
    block->phys = e->phys | off;
    expect_code(cpu, e);
    fill_block(cpu, block, e->host + off, (unsigned)MIN(avail, 4096U - off));
    if (block->count == 0) {
        return NULL;
    }
    mark_code(cpu, e, off, block->len);
    if (log_on(LOG_IN_ASM)) {
        x86_log_code(decode_mode(block->mode), lin, e->host + off, block->len);
    }
    keep_block(cpu->blocks, block);
    return block;
}

struct x86_block *x86_block_find(struct x86_cpu *cpu, uint64_t rip)
{
    const struct x86_itlb_entry *e;
    const uint32_t *generation;
    struct x86_block *block;
    uint64_t avail;
    uint64_t phys;
    uint64_t lin;

    cpu->block_rip = rip;
    cpu->insn = x86_no_insn;
    lin = fetch_lin(cpu, rip, &avail);
    e = fetch_page(cpu, lin);
    if (!e->host) {
        return x86_block_single(cpu, rip);
    }
    phys = e->phys | (lin & 0xfff);
    generation = generation_of(cpu, e);
    block = remembered(cpu, rip, phys, avail, generation);
    block = block ? block : look_up(cpu, phys, lin, avail, generation);
    if (!block) {
        e = fetch_page(cpu, lin);
        block = new_in_page(cpu, lin, avail, e);
    }
    if (!block) {
        return new_crossing(cpu, lin, avail);
    }
    remember(cpu, rip, block, e->global);
    return block;
}

bool x86_block_still(struct x86_cpu *cpu, const struct x86_block *block,
                     uint64_t rip, bool *global)
{
    const struct x86_itlb_entry *e;
    uint64_t avail;
    uint64_t lin;

    cpu->block_rip = rip;
    cpu->insn = x86_no_insn;
    lin = fetch_lin(cpu, rip, &avail);
    e = fetch_page(cpu, lin);
    *global = e->global;
    return e->host && block->phys == (e->phys | (lin & 0xfff)) &&
           block->mode == cpu->blocks->mode && block->len <= avail &&
           block->generation == generation_of(cpu, e) &&
           same_tail(cpu, block, lin) && x86_block_fresh(block);
}

/* ---- the running block ---- */

/* The end mark of the block that cpu->insn is in; NULL: it is cut already. */
static const struct x86_insn *end_of(const struct x86_insn *insn)
{
    for (insn++; insn->exec != x86_exec_end; insn++) {
    }
    return insn->len == 0 && insn->imm ? insn : NULL;
}

void x86_block_cut(struct x86_cpu *cpu)
{
    const struct x86_insn *end;
    struct x86_block *block;

    end = end_of(cpu->insn);
    if (!end) {
        return;
    }
    block = (struct x86_block *)(uintptr_t)end->imm;
    for (struct x86_insn *i = &block->insn[cpu->insn + 1 - block->insn];
         i < end; i++) {
        i->exec = x86_exec_end;
    }
    block->seen = load_generation(block->generation) - 1;
}

void x86_block_written(struct x86_cpu *cpu)
{
    const struct x86_insn *end;

    cpu->wrote_code = true;
    end = end_of(cpu->insn);
    if (end &&
        !x86_block_fresh((const struct x86_block *)(uintptr_t)end->imm)) {
        x86_block_cut(cpu);
    }
}

unsigned x86_block_rest(const struct x86_cpu *cpu)
{
    unsigned n = 0;

    for (const struct x86_insn *i = cpu->insn; i->exec != x86_exec_end; i++) {
        n++;
    }
    return n;
}
