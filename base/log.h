/* SPDX-License-Identifier: MIT */
/*
 * What `-d` shows. The mask and the file are the process's, set once by the
 * command line or the monitor.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdio.h>

#include "base/error.h"

enum log_item {
    LOG_INT = 1 << 0,          /* interrupts and exceptions */
    LOG_CPU_RESET = 1 << 1,    /* CPU state before a reset */
    LOG_IN_ASM = 1 << 2,       /* guest code when it is first decoded */
    LOG_GUEST_ERRORS = 1 << 3, /* what no sane guest does */
    LOG_UNIMP = 1 << 4,        /* what hardware has and we do not */
    LOG_OUT_ASM = 1 << 5,      /* host code that the translator makes */
    LOG_EXEC = 1 << 6,         /* each block before it runs */
    LOG_CPU = 1 << 7,          /* with LOG_EXEC: registers */
};

extern unsigned log_mask;

static inline bool log_on(unsigned items)
{
    return unlikely(log_mask & items);
}

/* One line or part of one, to the log file. Any thread. */
void log_print(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* A line under guest_errors, or unimp; the newline is added. */
void log_guest(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
void log_unimp(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* "int,cpu_reset": parses and sets; "help" and unknown names fail. */
bool log_set_items(const char *text, GError **error);
/* "0x8000..0x8fff,0xffff0000+0x1000": code elsewhere is not logged. */
bool log_set_ranges(const char *text, GError **error);
/* Is code at this address to be logged? */
bool log_in_range(uint64_t addr);
bool log_set_file(const char *path, GError **error); /* NULL: stderr */
/* One line an item: name and what it shows. */
char *log_help(void);

/* A message for the user, on stderr: "rhea: ..." */
void warn_user(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

#endif
