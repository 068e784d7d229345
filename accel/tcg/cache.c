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
    j->bmi2 = __builtin_cpu_supports("bmi2");
    j->avx = __builtin_cpu_supports("avx");
    j->xinuse = j->avx &&
                __get_cpuid_count(0xd, 1, &r[0], &r[1], &r[2], &r[3]) &&
                r[0] >> 2 & 1;
}
#else
static void host_features(struct jit *j)
{
}
#endif

/* ---- memory ---- */

static bool map_code(struct jit *j, size_t size)
{
    int fd = memfd_create("jit", MFD_CLOEXEC);
    int rw = PROT_READ | PROT_WRITE;
#ifdef MAP_32BIT
    int low = MAP_32BIT;
#else
    int low = 0;
#endif

    j->rw = j->rx = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
        j->rw = mmap(NULL, size, rw, MAP_SHARED, fd, 0);
        j->rx =
            mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED | low, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (j->rw == MAP_FAILED || j->rx == MAP_FAILED) {
        j->rw = mmap(NULL, size, rw | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS | low, -1, 0);
        j->rx = j->rw;
    }
    j->code_size = size;
    return j->rw != MAP_FAILED && lowmem_is(j->rx, size);
}

struct jit *jit_new(struct x86_cpu *cpu, size_t code_size, GError **error)
{
    struct jit *j = g_new0(struct jit, 1);

    j->cpu = cpu;
    j->hot = lowmem_new(sizeof(*j->hot));
    j->meta_size = code_size;
    j->meta = lowmem_new(j->meta_size);
    j->slot = g_malloc0(sizeof(*j->slot) + 3 * sizeof(struct x86_insn));
    j->pages = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    host_features(j);
    if (!lowmem_is(cpu, sizeof(*cpu)) ||
        !lowmem_is(cpu->tlb, sizeof(*cpu->tlb)) ||
        !lowmem_is(j->hot, sizeof(*j->hot)) ||
        !lowmem_is(j->meta, j->meta_size) || !map_code(j, code_size)) {
        jit_free(j);
        fail(error,
             "the translator wants %zu MiB of executable memory below "
             "2 GiB, which the host does not give",
             code_size >> 20);
        return NULL;
    }
    j->hot->vec_dead = 1;
    j->hot->mxcsr = 0x1f80;
    j->hot->page_mask = ~UINT64_C(0xfff);
    j->hot->jumps = j->hot->table[0];
    j->emit = (struct emit){
        .at = j->rw, .end = j->rw + code_size, .delta = j->rx - j->rw};
    jit_emit_glue(j);
    j->first = j->emit.at;
    jit_flush(j);
    return j;
}

void jit_free(struct jit *j)
{
    if (j->rw && j->rw != MAP_FAILED) {
        munmap(j->rw, j->code_size);
        if (j->rx != j->rw && j->rx != MAP_FAILED) {
            munmap(j->rx, j->code_size);
        }
    }
    lowmem_free(j->hot, sizeof(*j->hot));
    lowmem_free(j->meta, j->meta_size);
    g_hash_table_destroy(j->pages);
    g_free(j->slot);
    g_free(j);
}

static void clear_jumps(struct jit_jump *table)
{
    for (unsigned i = 0; i < JIT_JUMPS; i++) {
        /* An address whose place in the table is another one. */
        table[i].minus = -(uint64_t)(i == 1 ? 2 : 1);
        table[i].run = NULL;
    }
}

void jit_flush(struct jit *j)
{
    j->emit.at = j->first;
    j->meta_used = 0;
    memset(j->hash, 0, sizeof(j->hash));
    g_hash_table_remove_all(j->pages);
    for (unsigned i = 0; i < JIT_JUMP_TABLES; i++) {
        clear_jumps(j->hot->table[i]);
    }
    j->pending = NULL;
    memset(j->no_stack, 0, sizeof(j->no_stack));
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

    return &j->hash[key >> 48];
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
    if (x->salt) {
        uint64_t minus = -((uint64_t)j->cpu->jump_salt << 32);

        memcpy(x->salt, &minus, sizeof(minus));
    }
    if (x->to == to) {
        return;
    }
    if (x->to) {
        unlink_exit(j, x);
    }
    x->to = to;
    x->next = to->incoming;
    to->incoming = x;
    emit_patch(&j->emit, x->jump, to->run);
}

/* Nothing may run it again: links are taken off, and who comes by the jump
 * cache goes out at once. */
void jit_kill(struct jit *j, struct jit_block *jb)
{
    struct emit e = j->emit;

    while (jb->incoming) {
        unlink_exit(j, jb->incoming);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (jb->exits[i].to) {
            unlink_exit(j, &jb->exits[i]);
        }
    }
    unhash(j, jb);
    jb->dead = true;
    e.at = jb->code;
    emit_jmp(&e, jb->bounce);
    j->killed++;
}

void jit_sweep(struct jit *j)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, j->pages);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct jit_page *page = value;

        if (__atomic_load_n(page->generation, __ATOMIC_ACQUIRE) == page->seen) {
            continue;
        }
        for (struct jit_block *jb = page->blocks; jb; jb = jb->next_in_page) {
            if (!jb->dead) {
                jit_kill(j, jb);
            }
        }
        g_hash_table_iter_remove(&iter);
    }
}

void jit_keep(struct jit *j, struct jit_block *jb)
{
    struct jit_block **b = bucket(j, jb->block, jb->rip);
    struct jit_page *page =
        g_hash_table_lookup(j->pages, jb->block->generation);

    if (page && page->seen != jb->block->seen) {
        jit_sweep(j);
        page = NULL;
    }
    jb->next = *b;
    *b = jb;
    if (!page) {
        page = g_new0(struct jit_page, 1);
        page->generation = jb->block->generation;
        page->seen = jb->block->seen;
        g_hash_table_insert(j->pages, page->generation, page);
    }
    jb->next_in_page = page->blocks;
    page->blocks = jb;
}

/* ---- the jump cache ---- */

void jit_jump_table(struct jit *j)
{
    uint32_t salt = j->cpu->jump_salt;
    unsigned i = salt % JIT_JUMP_TABLES;

    j->hot->jumps = j->hot->table[i];
    if (j->salts[i] != salt) {
        j->salts[i] = salt;
        clear_jumps(j->hot->table[i]);
    }
}

void jit_jump_add(struct jit *j, const struct jit_block *jb)
{
    uint64_t rip = jb->rip;
    uint64_t i = (rip + (rip >> 7 | rip << 57)) % JIT_JUMPS;

    j->hot->jumps[i] = (struct jit_jump){-rip, jb->run};
}
