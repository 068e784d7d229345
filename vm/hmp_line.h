/* SPDX-License-Identifier: MIT */
/*
 * A line editor for a terminal at the other end of a stream: cursor keys,
 * history, completion, and the Ctrl keys that shells taught people:
 * A E B F P N H D K U W L C.
 */
#ifndef VM_HMP_LINE_H
#define VM_HMP_LINE_H

#include "base/error.h"

enum { HMP_LINE_MAX = 4095, HMP_HISTORY = 64 };

struct hmp_line {
    char text[HMP_LINE_MAX + 1]; /* the line so far, or the finished one */
    size_t len, cursor;
    const char *prompt;
    GPtrArray *history; /* char *, the newest last */
    guint at;           /* history->len: on the new line */
    char *saved;        /* the new line while one of the history is shown */
    unsigned escape;    /* 0, 1: after ESC, 2: after ESC [ or ESC O */
    unsigned param;     /* number in an escape sequence */
    bool after_cr;
    /* What the word that ends at the cursor could become: g_strfreev(). */
    char **(*complete)(void *opaque, const char *line, size_t cursor);
    void *opaque;
};

void hmp_line_init(struct hmp_line *l, const char *prompt);
void hmp_line_clear(struct hmp_line *l);
/* Prompt and an empty line. */
void hmp_line_start(struct hmp_line *l, GString *out);
/* One byte of input; what to show goes to `out`. True: the line is finished;
 * hmp_line_start() begins the next. */
bool hmp_line_byte(struct hmp_line *l, char c, GString *out);

#endif
