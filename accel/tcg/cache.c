/* SPDX-License-Identifier: MIT */
/*
 * The memory of translated code, written through one mapping and run through
 * another (one mapping that is both where the host forbids that), and what is
 * known about it: blocks by what they were made from, links between them, the
 * pages they came from, the jump cache.
 *
 * When something is full everything is thrown away: no eviction by parts yet.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "accel/tcg/jit.h"
#include "base/error.h"
#include "base/lowmem.h"
#include "target/x86/features.h"
#ifdef __x86_64__
#include <cpuid.h>
#endif

/* ---- the host ---- */

#ifdef __x86_64__
/* PEXT and PDEP are one operation, but on Zen 1 and 2 (AMD's software
 * optimization guide for family 17h; 18h is the same), where they are
 * microcode. */
static bool fast_bmi2(void)
{
    uint32_t a, b, c, d;
    unsigned family;

    __builtin_cpu_init();
    if (!__builtin_cpu_supports("bmi2") || !__get_cpuid(1, &a, &b, &c, &d)) {
        return false;
    }
    family = (a >> 8 & 15) + (a >> 20 & 0xff);
    return family != 0x17 && family != 0x18;
}

static void host_features(struct jit *j)
{
    static const struct {
        uint32_t leaf, sub;
        uint8_t reg, bit, feature;
    } bits[] = {
#define FEATURE(name, option, leaf, sub, reg, bit) \
    {leaf, sub, X86_CPUID_##reg, bit, X86_FEATURE_##name},
#include "target/x86/features.def"
#undef FEATURE
    };
    uint32_t r[4];

    G_STATIC_ASSERT(X86_FEATURES <= 256);
    j->host_features[0] = BIT(X86_FEATURE_NONE);
    for (unsigned i = 0; i < G_N_ELEMENTS(bits); i++) {
        unsigned f = bits[i].feature;

        if (__get_cpuid_count(bits[i].leaf, bits[i].sub, &r[0], &r[1], &r[2],
                              &r[3]) &&
            r[bits[i].reg] >> bits[i].bit & 1) {
            j->host_features[f / 64] |= BIT(f % 64);
        }
    }
    j->bmi2 = fast_bmi2();
    j->avx = __builtin_cpu_supports("avx");
}
#else
static void host_features(struct jit *j)
{
}
#endif

/* ---- memory ---- */

static void unmap_code(struct jit *j, size_t size)
{
    if (j->rx && j->rx != MAP_FAILED) {
        munmap(j->rx, size);
    }
    if (j->rw && j->rw != MAP_FAILED && j->rw != j->rx) {
        munmap(j->rw, size);
    }
}

/* Shared memory of nobody else's can be mapped again by moving none of it. perf
 * takes it for anonymous, and looks for names where perfmap.c puts them. */
static bool map_code(struct jit *j, size_t size)
{
    int rw = PROT_READ | PROT_WRITE;

    j->rw = MAP_FAILED;
    j->rx = lowmem_map(size, rw, true);
    if (j->rx != MAP_FAILED) {
        j->rw = mremap(j->rx, 0, size, MREMAP_MAYMOVE);
    }
    if (j->rw == MAP_FAILED ||
        mprotect(j->rx, size, PROT_READ | PROT_EXEC) < 0) {
        unmap_code(j, size);
        j->rx = j->rw = lowmem_map(size, rw | PROT_EXEC, false);
    }
    j->code_size = size;
    return j->rw != MAP_FAILED && lowmem_is(j->rx, size);
}

static void clear_jumps(struct jit_jumps *table)
{
    for (unsigned i = 0; i < JIT_JUMPS; i++) {
        /* An address whose place in the table is another one. */
        table->minus[i] = -(uint64_t)(i == 1 ? 2 : 1);
    }
}

/* False: there is no low memory left for a table. */
static bool new_table(struct jit_mode *m)
{
    m->jumps = lowmem_new(sizeof(*m->jumps));
    if (!lowmem_is(m->jumps, sizeof(*m->jumps))) {
        lowmem_free(m->jumps, sizeof(*m->jumps));
        m->jumps = NULL;
        return false;
    }
    m->mode = ~0U;
    clear_jumps(m->jumps);
    return true;
}

static void forget_pages(struct jit *j)
{
    for (unsigned i = 0; i < X86_WRITTEN; i++) {
        while (j->pages[i]) {
            struct jit_page *page = j->pages[i];

            j->pages[i] = page->next;
            g_free(page);
        }
    }
}

struct jit *jit_new(struct x86_cpu *cpu, size_t code_size, GError **error)
{
    struct jit *j = g_new0(struct jit, 1);

    j->cpu = cpu;
    j->cold_runs = JIT_COLD_RUNS;
    j->perf_map = -1;
    j->hot = lowmem_new(sizeof(*j->hot));
    j->meta_size = code_size / 4 * 5; /* what it takes, by experience */
    j->meta = lowmem_new(j->meta_size);
    j->ret_memory = lowmem_new(JIT_RET_SLACK + 2 * JIT_RET_BYTES);
    j->slot = g_malloc0(sizeof(*j->slot) + 3 * sizeof(struct x86_insn));
    host_features(j);
    if (!lowmem_is(cpu, sizeof(*cpu)) ||
        !lowmem_is(cpu->tlb, sizeof(*cpu->tlb)) ||
        !lowmem_is(j->hot, sizeof(*j->hot)) ||
        !lowmem_is(j->meta, j->meta_size) || !new_table(&j->modes[0]) ||
        !lowmem_is(j->ret_memory, JIT_RET_SLACK + 2 * JIT_RET_BYTES) ||
        !map_code(j, code_size)) {
        jit_free(j);
        fail(error,
             "the translator wants %zu MiB of executable memory below "
             "2 GiB, which the host does not give",
             code_size >> 20);
        return NULL;
    }
    j->rets = (void *)(((uintptr_t)j->ret_memory + JIT_RET_SLACK +
                        JIT_RET_BYTES - 1) &
                       ~(uintptr_t)(JIT_RET_BYTES - 1));
    j->hot->ret_mask = JIT_RET_BYTES - 1;
    j->hot->ret_top = (uintptr_t)j->rets + JIT_RET_BYTES + JIT_RET_LOW;
    j->hot->vec_dead = j->hot->x87_dead = 1;
    j->hot->mxcsr = 0x1f80;
    j->hot->page_mask = ~UINT64_C(0xfff);
    j->hot->offset_mask = 0xfff;
    j->hot->index_mask = (uint64_t)(X86_TLB_SIZE - 1) << 12;
    j->hot->jump_mask = JIT_JUMPS - 1;
    j->hot->no_if = ~(uint64_t)X86_IF;
    j->hot->df = X86_DF;
    j->hot->no_df = ~(uint64_t)X86_DF;
    j->hot->no_fixed = ~(uint64_t)X86_FIXED;
    j->hot->bits_of[4] = 31;
    j->hot->bits_of[8] = 63;
    j->emit = (struct emit){
        .at = j->rw, .end = j->rw + code_size, .delta = j->rx - j->rw};
    jit_emit_glue(j);
    j->first = j->emit.at;
    jit_flush(j);
    return j;
}

void jit_free(struct jit *j)
{
    unmap_code(j, j->code_size);
    for (unsigned i = 0; i < JIT_MODES; i++) {
        lowmem_free(j->modes[i].jumps, sizeof(*j->modes[i].jumps));
    }
    lowmem_free(j->hot, sizeof(*j->hot));
    lowmem_free(j->meta, j->meta_size);
    lowmem_free(j->ret_memory, JIT_RET_SLACK + 2 * JIT_RET_BYTES);
    forget_pages(j);
    if (j->perf_map >= 0) {
        close(j->perf_map);
    }
    jit_lockstep_free(j);
    g_free(j->shapes);
    g_free(j->slot);
    g_free(j);
}

void jit_flush(struct jit *j)
{
    j->emit.at = j->first;
    j->meta_used = 0;
    memset(j->hash, 0, sizeof(j->hash));
    memset(j->known, 0, sizeof(j->known));
    forget_pages(j);
    x86_code_ids_forget(j->cpu->tlb);
    j->last_id = 0;
    for (unsigned i = 0; i < JIT_MODES && j->modes[i].jumps; i++) {
        clear_jumps(j->modes[i].jumps);
        j->modes[i].mode = ~0U;
    }
    j->mode = NULL;
    for (unsigned i = 0; i <= JIT_RETS; i++) {
        uint8_t *entry = j->rets + i * JIT_RET_SIZE + JIT_RET_LOW;

        stl_u64(entry, (uintptr_t)j->glue.ret_lost);
        stl_u64(entry + 8, 1);
    }
    j->hot->ret_rsp = j->hot->ret_top;
    j->pending = NULL;
    j->drops = x86_blocks_drops(j->cpu->blocks);
    j->flushes++;
}

void *jit_meta(struct jit *j, size_t size)
{
    void *p = j->meta + j->meta_used;

    size = (size + 15) & ~(size_t)15;
    if (j->meta_used + size > j->meta_size) {
        return NULL;
    }
    j->meta_used += size;
    memset(p, 0, size);
    return p;
}

/* ---- blocks ---- */

static struct jit_block **bucket(struct jit *j, const struct x86_block *block,
                                 uint64_t rip)
{
    uint64_t key = ((uintptr_t)block ^ rip) * UINT64_C(0x9e3779b97f4a7c15);

    return &j->hash[key >> (64 - JIT_HASH_BITS)];
}

struct jit_block *jit_find(struct jit *j, const struct x86_block *block,
                           uint64_t rip)
{
    struct jit_block *jb = *bucket(j, block, rip);

    while (jb && (jb->block != block || jb->rip != rip)) {
        jb = jb->next;
    }
    return jb;
}

static void unhash(struct jit *j, struct jit_block *jb)
{
    struct jit_block **b = bucket(j, jb->block, jb->rip);

    while (*b != jb) {
        b = &(*b)->next;
    }
    *b = jb->next;
}

/* ---- links ---- */

static void unlink_exit(struct jit *j, struct jit_exit *x)
{
    struct jit_exit **p = &x->to->incoming;

    while (*p != x) {
        p = &(*p)->next;
    }
    *p = x->next;
    x->to = NULL;
    emit_patch(&j->emit, x->jump, x->stub);
}

void jit_link(struct jit *j, struct jit_exit *x, struct jit_block *to)
{
    if (x->to == to || x->from->block->mode != to->block->mode ||
        (!x->minus_id && x->from->map != to->map)) {
        return;
    }
    if (x->minus_id) {
        uint32_t minus = -to->id;

        memcpy(x->minus_id, &minus, sizeof(minus));
    }
    if (x->to) {
        unlink_exit(j, x);
    }
    x->to = to;
    x->next = to->incoming;
    to->incoming = x;
    emit_patch(&j->emit, x->jump, to->run);
}

static void unlink_exits(struct jit *j, struct jit_block *jb)
{
    for (unsigned i = 0; i < 2; i++) {
        if (jb->exits[i].to) {
            unlink_exit(j, &jb->exits[i]);
        }
    }
    jb->dead = true;
}

/* Nothing may run it again: links are taken off, and who comes by the jump
 * cache goes out at once. */
void jit_kill(struct jit *j, struct jit_block *jb)
{
    struct emit e = j->emit;

    while (jb->incoming) {
        unlink_exit(j, jb->incoming);
    }
    unlink_exits(j, jb);
    if (jb->plain) {
        unlink_exits(j, jb->plain);
    }
    unhash(j, jb);
    e.at = jb->code;
    emit_jmp(&e, jb->bounce);
    j->killed++;
}

static void kill_all(struct jit *j, struct jit_page *page)
{
    struct jit_block *jb;

    for (jb = page->blocks; jb; jb = jb->next_in_page) {
        if (!jb->dead) {
            jit_kill(j, jb);
        }
    }
    for (jb = page->tails; jb; jb = jb->next_in_page2) {
        if (!jb->dead) {
            jit_kill(j, jb);
        }
    }
}

/* Forgets the pages of this hash that were written. */
static void sweep(struct jit *j, unsigned hash)
{
    struct jit_page **p = &j->pages[hash];

    while (*p) {
        struct jit_page *page = *p;

        if (__atomic_load_n(page->generation, __ATOMIC_ACQUIRE) == page->seen) {
            p = &page->next;
            continue;
        }
        kill_all(j, page);
        *p = page->next;
        g_free(page);
    }
}

void jit_sweep(struct jit *j)
{
    for (unsigned i = 0; i < X86_WRITTEN / 64; i++) {
        uint64_t *word = &j->cpu->written[i];
        uint64_t bits = __atomic_load_n(word, __ATOMIC_RELAXED);

        if (bits) {
            bits = __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
        }
        for (; bits; bits &= bits - 1) {
            sweep(j, i * 64 + (unsigned)__builtin_ctzll(bits));
        }
    }
}

static struct jit_page *page_of(struct jit *j, uint32_t *generation,
                                uint32_t seen)
{
    unsigned hash = x86_written_hash(generation);
    struct jit_page *page = j->pages[hash];

    while (page && page->generation != generation) {
        page = page->next;
    }
    if (page && page->seen != seen) {
        sweep(j, hash);
        page = NULL;
    }
    if (!page) {
        page = g_new0(struct jit_page, 1);
        page->generation = generation;
        page->seen = seen;
        page->next = j->pages[hash];
        j->pages[hash] = page;
    }
    return page;
}

/* A page as it is seen from an address; NULL: no room. */
static const struct jit_map *map_of(struct jit *j, struct jit_page *page,
                                    uint64_t rip, uint32_t mode)
{
    uint64_t number = rip >> 12;
    struct jit_map *map = page->maps;

    while (map && (map->page != number || map->mode != mode)) {
        map = map->next;
    }
    if (!map) {
        map = j->last_id < JIT_LAST_ID ? jit_meta(j, sizeof(*map)) : NULL;
        if (!map) {
            return NULL;
        }
        j->last_id += 2;
        *map = (struct jit_map){
            .next = page->maps,
            .page = number,
            .mode = mode,
            .id = j->last_id,
            .slot = x86_code_slot(rip, jit_mode_set(mode)),
        };
        page->maps = map;
    }
    return map;
}

bool jit_map_second(struct jit *j, struct jit_block *jb)
{
    const struct x86_block *block = jb->block;
    struct jit_page *page = page_of(j, block->generation2, block->seen2);

    jb->map2 = map_of(j, page, jb->rip + 4096, block->mode);
    jb->next_in_page2 = page->tails;
    page->tails = jb;
    return jb->map2;
}

bool jit_keep(struct jit *j, struct jit_block *jb)
{
    struct jit_block **b = bucket(j, jb->block, jb->rip);
    struct jit_page *page = page_of(j, jb->block->generation, jb->block->seen);

    jb->map = map_of(j, page, jb->rip, jb->block->mode);
    if (!jb->map) {
        return false;
    }
    jb->id = jb->map->id;
    jb->slot = jb->map->slot;
    jb->next = *b;
    *b = jb;
    jb->next_in_page = page->blocks;
    page->blocks = jb;
    return true;
}

/* ---- the jump cache ---- */

/* A mode's table; all code goes where there are too many modes. The first one
 * is always there. */
static struct jit_mode *new_mode(struct jit *j, uint32_t mode)
{
    unsigned i = 0;

    while (i < JIT_MODES && j->modes[i].jumps && j->modes[i].mode != ~0U) {
        i++;
    }
    if (i == JIT_MODES || (!j->modes[i].jumps && !new_table(&j->modes[i]))) {
        jit_flush(j);
        i = 0;
    }
    j->modes[i].mode = mode;
    return &j->modes[i];
}

static struct jit_mode *find_mode(struct jit *j, uint32_t mode)
{
    for (unsigned i = 0; i < JIT_MODES && j->modes[i].jumps; i++) {
        if (j->modes[i].mode == mode) {
            return &j->modes[i];
        }
    }
    return NULL;
}

struct jit_jumps *jit_jumps(struct jit *j, uint32_t mode)
{
    if (!j->mode || j->mode->mode != mode) {
        j->mode = find_mode(j, mode);
        j->mode = j->mode ? j->mode : new_mode(j, mode);
    }
    return j->mode->jumps;
}

static unsigned jump_index(uint64_t rip)
{
    return (unsigned)((rip +
                       (rip >> JIT_JUMP_SHIFT | rip << (64 - JIT_JUMP_SHIFT))) %
                      JIT_JUMPS);
}

static struct jit_block **known(struct jit *j, uint64_t rip)
{
    return &j->known[(rip ^ rip >> 15) % JIT_KNOWN];
}

void jit_jump_add(struct jit *j, struct jit_block *jb)
{
    struct jit_jumps *jumps = jit_jumps(j, jb->block->mode);
    unsigned i = jump_index(jb->rip);
    const uint8_t *landing = jit_landing(j, jb);

    *known(j, jb->rip) = jb;
    if (landing) {
        jumps->minus[i] = -jb->rip;
        jumps->landing[i] = landing;
    }
}

bool jit_still(struct jit *j, const struct jit_block *jb, uint64_t rip)
{
    struct x86_cpu *cpu = j->cpu;
    bool global;

    if (jb->rip != rip || jb->dead ||
        jb->block->mode != x86_blocks_mode(cpu->blocks) ||
        !jit_can_run(cpu, jb->block->mode)) {
        return false;
    }
    if (cpu->tlb->code_id[jb->slot] == jb->id &&
        (!jb->map2 || cpu->tlb->code_id[jb->map2->slot] == jb->map2->id)) {
        return true;
    }
    if (!x86_block_still(cpu, jb->block, rip, &global)) {
        return false;
    }
    x86_code_id_set(cpu->tlb, jb->slot, jb->id, global);
    if (jb->map2) {
        x86_code_id_set(cpu->tlb, jb->map2->slot, jb->map2->id, false);
    }
    return true;
}

struct jit_block *jit_known(struct jit *j, uint64_t rip)
{
    struct jit_block *jb = *known(j, rip);

    return jb && jit_still(j, jb, rip) ? jb : NULL;
}
