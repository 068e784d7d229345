/* SPDX-License-Identifier: MIT */
#include "target/x86/tlb.h"

#include <string.h>

#include "base/lowmem.h"
#include "target/x86/block.h"

/* Of a page that no address with this slot's index can match, not by its last
 * byte either, which is what translated code compares: far from the slot. */
static uint64_t empty_minus(unsigned index)
{
    uint64_t far = (index + X86_TLB_SIZE / 2) % X86_TLB_SIZE;

    return -(UINT64_C(0x4000000000000000) | far << 12);
}

static void empty_set(struct x86_tlb_array *set)
{
    for (unsigned i = 0; i < X86_TLB_SIZE; i++) {
        set->minus[i] = empty_minus(i);
    }
}

/* ---- pages of code ---- */

void x86_code_id_set(struct x86_tlb *tlb, unsigned slot, uint32_t id,
                     bool global)
{
    uint64_t bit = BIT(slot % 64);

    tlb->code_id[slot] = id;
    tlb->code_used[slot / 64] |= bit;
    tlb->code_local[slot / 64] =
        (tlb->code_local[slot / 64] & ~bit) | (global ? 0 : bit);
}

static void forget_code_ids(struct x86_tlb *tlb, bool globals)
{
    for (unsigned i = 0; i < X86_CODE_IDS / 64; i++) {
        uint64_t bits = globals ? tlb->code_used[i] : tlb->code_local[i];

        tlb->code_used[i] &= ~bits;
        tlb->code_local[i] &= ~bits;
        for (; bits; bits &= bits - 1) {
            tlb->code_id[i * 64 + (unsigned)__builtin_ctzll(bits)] = 0;
        }
    }
}

void x86_code_ids_forget(struct x86_tlb *tlb)
{
    forget_code_ids(tlb, true);
}

bool x86_code_page(struct x86_tlb *tlb, uint64_t lin, bool set)
{
    unsigned h = (unsigned)((lin >> 12) * UINT64_C(0x9e3779b97f4a7c15) >> 52);
    uint64_t *word = &tlb->code_pages[h / 64];

    if (set) {
        *word |= BIT(h % 64);
    }
    return *word >> (h % 64) & 1;
}

static void forget_large(struct x86_tlb *tlb)
{
    for (unsigned i = 0; i < 2; i++) {
        tlb->large_first[i] = ~UINT64_C(0);
        tlb->large_last[i] = 0;
    }
}

static void empty_all(struct x86_tlb *tlb)
{
    for (unsigned set = 0; set <= X86_TLB_SETS; set++) {
        empty_set(&tlb->rd[set]);
        empty_set(&tlb->wr[set]);
    }
    tlb->fill_count = 0;
}

static void empty_itlb(struct x86_tlb *tlb, bool globals)
{
    for (unsigned i = 0; i < X86_ITLB_SIZE; i++) {
        if (globals || !tlb->itlb[i].global) {
            tlb->itlb[i].tag = 1; /* not a page */
            tlb->itlb[i].global = false;
        }
    }
    if (globals) {
        memset(tlb->code_pages, 0, sizeof(tlb->code_pages));
    }
}

struct x86_tlb *x86_tlb_new(void)
{
    struct x86_tlb *tlb = lowmem_new(sizeof(*tlb));

    empty_all(tlb);
    empty_itlb(tlb, true);
    forget_large(tlb);
    return tlb;
}

void x86_tlb_free(struct x86_tlb *tlb)
{
    lowmem_free(tlb, sizeof(*tlb));
}

static uint64_t *filled(struct x86_tlb *tlb, const struct x86_tlb_fill *f)
{
    return f->array & 1 ? &tlb->wr[f->array >> 1].minus[f->index]
                        : &tlb->rd[f->array >> 1].minus[f->index];
}

void x86_tlb_flush(struct x86_cpu *cpu, bool globals)
{
    struct x86_tlb *tlb = cpu->tlb;
    unsigned kept = 0;

    if (tlb->fill_count > X86_TLB_LOG) {
        empty_all(tlb);
    } else {
        for (unsigned i = 0; i < tlb->fill_count; i++) {
            struct x86_tlb_fill f = tlb->fills[i];

            if (f.global && !globals) {
                tlb->fills[kept++] = f;
            } else {
                *filled(tlb, &f) = empty_minus(f.index);
            }
        }
        tlb->fill_count = kept;
    }
    if (kept == 0) {
        forget_large(tlb);
        tlb->keys = 0;
    }
    empty_itlb(tlb, globals);
    forget_code_ids(tlb, globals);
    x86_jumps_flush(cpu, globals);
}

void x86_set_pkru(struct x86_cpu *cpu, uint32_t pkru)
{
    uint32_t changed = pkru ^ cpu->pkru;
    bool known = false;

    for (unsigned key = 0; key < 16; key++) {
        known |= cpu->tlb->keys >> key & 1 && changed >> 2 * key & 3;
    }
    cpu->pkru = pkru;
    if (known) {
        x86_tlb_flush(cpu, true);
    }
}

void x86_tlb_flush_page(struct x86_cpu *cpu, uint64_t lin)
{
    struct x86_tlb *tlb = cpu->tlb;
    uint64_t minus = -(lin & ~UINT64_C(0xfff));
    unsigned i = lin >> 12 & (X86_TLB_SIZE - 1);
    unsigned half = lin >> 63;

    if (lin >= tlb->large_first[half] && lin <= tlb->large_last[half]) {
        x86_tlb_flush(cpu, true);
        return;
    }
    for (unsigned set = 0; set < X86_TLB_SETS; set++) {
        if (tlb->rd[set].minus[i] == minus) {
            tlb->rd[set].minus[i] = empty_minus(i);
        }
        if (tlb->wr[set].minus[i] == minus) {
            tlb->wr[set].minus[i] = empty_minus(i);
        }
    }
    if (x86_code_page(tlb, lin, false)) {
        empty_itlb(tlb, true);
        forget_code_ids(tlb, true);
        x86_jumps_flush(cpu, true);
    }
}

void x86_tlb_clean(struct x86_cpu *cpu)
{
    struct x86_tlb *tlb = cpu->tlb;

    for (unsigned set = 0; set < X86_TLB_SETS; set++) {
        for (unsigned i = 0; i < X86_TLB_SIZE; i++) {
            if (tlb->wr[set].minus[i] != empty_minus(i)) {
                tlb->wr[set].minus[i] = empty_minus(i);
                ram_wrote_page(tlb->dest[set][i].ram, tlb->dest[set][i].page);
            }
        }
    }
}

void x86_tlb_drop_writes(struct x86_cpu *cpu, const struct ram *ram,
                         uint64_t page)
{
    struct x86_tlb *tlb = cpu->tlb;

    for (unsigned set = 0; set < X86_TLB_SETS; set++) {
        for (unsigned i = 0; i < X86_TLB_SIZE; i++) {
            if (tlb->dest[set][i].page == page &&
                tlb->dest[set][i].ram == ram) {
                tlb->wr[set].minus[i] = empty_minus(i);
            }
        }
    }
}

static void note_large(struct x86_tlb *tlb, uint64_t lin)
{
    unsigned half = lin >> 63;
    uint64_t first = lin & ~UINT64_C(0x3fffffff);

    tlb->large_first[half] = MIN(tlb->large_first[half], first);
    tlb->large_last[half] = MAX(tlb->large_last[half], first | 0x3fffffff);
}

void x86_tlb_fill(struct x86_cpu *cpu, enum x86_tlb_set set, bool write,
                  uint64_t lin, const struct x86_page *page)
{
    struct x86_tlb *tlb = cpu->tlb;
    unsigned i = lin >> 12 & (X86_TLB_SIZE - 1);
    struct x86_tlb_array *array = write ? &tlb->wr[set] : &tlb->rd[set];

    array->minus[i] = -(lin & ~UINT64_C(0xfff));
    array->delta[i] = (uint64_t)(uintptr_t)page->host + array->minus[i];
    if (write) {
        tlb->dest[set][i] = (struct x86_tlb_dest){page->ram, page->ram_page};
    }
    if (tlb->fill_count < X86_TLB_LOG) {
        tlb->fills[tlb->fill_count] = (struct x86_tlb_fill){
            .index = (uint16_t)i,
            .array = (uint8_t)(set * 2 + write),
            .global = page->global,
        };
    }
    tlb->fill_count = MIN(tlb->fill_count + 1, X86_TLB_LOG + 1U);
    if (page->large) {
        note_large(tlb, lin);
    }
}

void x86_tlb_new_view(struct x86_cpu *cpu)
{
    struct view *old = cpu->view;

    cpu->view = space_view_ref(cpu->memory);
    view_unref(old);
    cpu->tlb->last_range = NULL;
    x86_tlb_flush(cpu, true);
}
