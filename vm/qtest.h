/* SPDX-License-Identifier: MIT */
/*
 * qtest: a test program in the place of the CPUs. It reads and writes ports
 * and memory, steps the virtual clock, and hears of interrupt lines, a line
 * of text each: outb inb outw inw outl inl, writeb..q, readb..q, read, write,
 * b64read, b64write, memset, clock_step, clock_set, irq_intercept_in,
 * irq_intercept_out, set_irq_in, endianness. Answers begin with OK or FAIL.
 *
 * Interrupt inputs that can be watched: the sixteen ISA lines, under the names
 * of the controllers ("ioapic", "pic", "i8259", "isa") and of any path that
 * ends in them. Outputs: INTR of the 8259s.
 */
#ifndef VM_QTEST_H
#define VM_QTEST_H

#include "base/chardev.h"
#include "hw/core/machine.h"

struct qtest;

/* log: a file for the conversation, or NULL. Lock held. */
struct qtest *qtest_new(struct machine *m, struct chardev *c, const char *log,
                        GError **error);
void qtest_free(struct qtest *q); /* NULL is fine */

#endif
