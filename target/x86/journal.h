/* SPDX-License-Identifier: MIT */
/*
 * What a CPU's stores change in memory, so that it can be undone: while
 * cpu->journal is set and the CPU's write TLB is one that never hits, access.c
 * notes the lines that are about to be written.
 */
#ifndef TARGET_X86_JOURNAL_H
#define TARGET_X86_JOURNAL_H

#include "base/base.h"

enum { X86_JOURNAL_LINE = 64, X86_JOURNAL_LINES = 512 };

struct x86_journal_line {
    uint8_t *host;
    uint8_t before[X86_JOURNAL_LINE];
    uint8_t after[X86_JOURNAL_LINE]; /* see x86_journal_end() */
};

struct x86_journal {
    bool
        lost; /* there was something that cannot be undone: a device, too much */
    unsigned count;
    struct x86_journal_line line[X86_JOURNAL_LINES];
};

void x86_journal_begin(struct x86_journal *j);
/* [host, host + len), inside one page, is about to be written. */
void x86_journal_store(struct x86_journal *j, uint8_t *host, unsigned len);
/* A device was asked or told something. NULL is fine. */
static inline void x86_journal_lose(struct x86_journal *j)
{
    if (unlikely(j)) {
        j->lost = true;
    }
}

/* Notes what was written. */
void x86_journal_end(struct x86_journal *j);
void x86_journal_undo(const struct x86_journal *j);
void x86_journal_redo(const struct x86_journal *j);
/* The first line that is not what x86_journal_end() noted, or NULL. */
const struct x86_journal_line *x86_journal_differs(const struct x86_journal *j);

#endif
