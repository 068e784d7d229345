/* SPDX-License-Identifier: MIT */
#include "target/x86/journal.h"

#include <string.h>

void x86_journal_begin(struct x86_journal *j)
{
    j->lost = false;
    j->count = 0;
}

void x86_journal_store(struct x86_journal *j, uint8_t *host, unsigned len)
{
    uint8_t *end = host + len;

    host -= (uintptr_t)host % X86_JOURNAL_LINE;
    for (; host < end; host += X86_JOURNAL_LINE) {
        struct x86_journal_line *line = &j->line[j->count];

        if (j->count && line[-1].host == host) {
            continue;
        }
        if (j->count == X86_JOURNAL_LINES) {
            j->lost = true;
            return;
        }
        line->host = host;
        memcpy(line->before, host, X86_JOURNAL_LINE);
        j->count++;
    }
}

void x86_journal_end(struct x86_journal *j)
{
    for (unsigned i = 0; i < j->count; i++) {
        memcpy(j->line[i].after, j->line[i].host, X86_JOURNAL_LINE);
    }
}

/* Backwards: a line may be there twice. */
void x86_journal_undo(const struct x86_journal *j)
{
    for (unsigned i = j->count; i-- > 0;) {
        memcpy(j->line[i].host, j->line[i].before, X86_JOURNAL_LINE);
    }
}

void x86_journal_redo(const struct x86_journal *j)
{
    for (unsigned i = 0; i < j->count; i++) {
        memcpy(j->line[i].host, j->line[i].after, X86_JOURNAL_LINE);
    }
}

const struct x86_journal_line *x86_journal_differs(const struct x86_journal *j)
{
    for (unsigned i = 0; i < j->count; i++) {
        if (memcmp(j->line[i].host, j->line[i].after, X86_JOURNAL_LINE) != 0) {
            return &j->line[i];
        }
    }
    return NULL;
}
