/* SPDX-License-Identifier: MIT */
/*
 * The 16550A UART as a chip: eight registers, an interrupt pin, a serial line
 * that is a chardev. What maps it is another file.
 */
#ifndef HW_CHAR_NS16550_H
#define HW_CHAR_NS16550_H

#include "base/chardev.h"
#include "hw/core/dev.h"

enum { UART_FIFO = 16 };

struct uart_fifo {
    uint8_t data[UART_FIFO];
    uint8_t first, count;
};

struct ns16550 {
    struct wire irq;     /* out */
    struct clock *clock; /* virtual */
    struct chardev *chr; /* NULL: nothing is connected */
    bool paced;          /* send at the programmed rate, not at once */
    uint32_t baud_base;  /* 115200 on a PC: the crystal / 16 */

    uint16_t divisor;
    uint8_t ier, fcr, lcr, mcr, lsr, msr, scr;
    struct uart_fifo rx, tx;
    uint8_t rx_errors[UART_FIFO]; /* LSR's error bits of each byte */
    bool thre_int;                /* THR became empty and nobody has seen it */
    bool timeout_int;             /* bytes wait below the trigger level */
    bool sending;                 /* paced: a byte is in the shift register */
    uint8_t shift;
    struct timer timeout, sent;
};

void ns16550_init(struct ns16550 *u, struct clock *clock);
/* The chardev is the line from now on; NULL is fine. */
bool ns16550_attach(struct ns16550 *u, struct chardev *chr, GError **error);
void ns16550_clear(struct ns16550 *u);
void ns16550_reset(struct ns16550 *u);
void ns16550_settle(struct ns16550 *u);
bool ns16550_valid(const struct ns16550 *u);
uint8_t ns16550_read(struct ns16550 *u, unsigned at);
void ns16550_write(struct ns16550 *u, unsigned at, uint8_t v);

/* clang-format off */
#define NS16550_ROW(type, m, f) FIELD_AS(type, m.f, #f)
#define NS16550_ARRAY(type, m, f, nm) \
    {.name = nm, .at = offsetof(type, m.f), .count = UART_FIFO, .kind = K_U8}
#define NS16550_STATE(type, m) \
    NS16550_ROW(type, m, divisor), NS16550_ROW(type, m, ier), \
    NS16550_ROW(type, m, fcr), NS16550_ROW(type, m, lcr), \
    NS16550_ROW(type, m, mcr), NS16550_ROW(type, m, lsr), \
    NS16550_ROW(type, m, msr), NS16550_ROW(type, m, scr), \
    NS16550_ARRAY(type, m, rx.data, "rx_data"), \
    FIELD_AS(type, m.rx.first, "rx_first"), \
    FIELD_AS(type, m.rx.count, "rx_count"), \
    NS16550_ARRAY(type, m, rx_errors, "rx_errors"), \
    NS16550_ARRAY(type, m, tx.data, "tx_data"), \
    FIELD_AS(type, m.tx.first, "tx_first"), \
    FIELD_AS(type, m.tx.count, "tx_count"), \
    NS16550_ROW(type, m, thre_int), NS16550_ROW(type, m, timeout_int), \
    NS16550_ROW(type, m, sending), NS16550_ROW(type, m, shift), \
    NS16550_ROW(type, m, timeout), NS16550_ROW(type, m, sent)
/* clang-format on */

#endif
