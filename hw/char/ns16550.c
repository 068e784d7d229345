/* SPDX-License-Identifier: MIT */
/*
 * 16550A UART.
 *
 * [PC16550D] National Semiconductor PC16550D data sheet, June 1995.
 *
 * By default a byte is sent the moment it is written; `paced` makes it take
 * its time on the line. Modem inputs of a connected line are active. The pin
 * is not gated by OUT2, as a PC's is: small kernels forget that.
 *
 * Not modelled: DMA mode pins, parity and framing errors.
 */
#include "hw/char/ns16550.h"

#include <string.h>

enum {
    IER_RDA = 1 << 0,
    IER_THRE = 1 << 1,
    IER_RLS = 1 << 2,
    IER_MS = 1 << 3,
    FCR_ENABLE = 1 << 0,
    FCR_RX_CLEAR = 1 << 1,
    FCR_TX_CLEAR = 1 << 2,
    LCR_STOP2 = 1 << 2,
    LCR_PARITY = 1 << 3,
    LCR_EVEN = 1 << 4,
    LCR_BREAK = 1 << 6,
    LCR_DLAB = 1 << 7,
    MCR_LOOP = 1 << 4,
    LSR_DR = 1 << 0,
    LSR_OE = 1 << 1,
    LSR_BI = 1 << 4,
    LSR_ERRORS = 0x1e,
    LSR_THRE = 1 << 5,
    LSR_TEMT = 1 << 6,
    LSR_FIFO_ERROR = 1 << 7,
    MSR_DELTAS = 0x0f,
    MSR_CTS = 1 << 4,
    MSR_DSR = 1 << 5,
    MSR_RI = 1 << 6,
    MSR_DCD = 1 << 7,
    MSR_CONNECTED = MSR_CTS | MSR_DSR | MSR_DCD,
};

enum { /* IIR, by falling priority */
       IIR_RLS = 6,
       IIR_RDA = 4,
       IIR_TIMEOUT = 12,
       IIR_THRE = 2,
       IIR_MS = 0,
       IIR_NONE = 1,
       IIR_FIFOS = 0xc0,
};

static void fifo_put(struct uart_fifo *f, uint8_t v)
{
    f->data[(f->first + f->count++) % UART_FIFO] = v;
}

static uint8_t fifo_get(struct uart_fifo *f)
{
    uint8_t v = f->data[f->first];

    f->first = (uint8_t)((f->first + 1) % UART_FIFO);
    f->count--;
    return v;
}

static unsigned uart_depth(const struct ns16550 *u)
{
    return u->fcr & FCR_ENABLE ? UART_FIFO : 1;
}

static unsigned uart_trigger(const struct ns16550 *u)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

static unsigned uart_iir(const struct ns16550 *u)
{
    if ((u->ier & IER_RLS) && (u->lsr & LSR_ERRORS)) {
        return IIR_RLS;
    }
    if ((u->ier & IER_RDA) && u->rx.count >= uart_trigger(u)) {
        return IIR_RDA;
    }
    if ((u->ier & IER_RDA) && u->timeout_int) {
        return IIR_TIMEOUT;
    }
    if ((u->ier & IER_THRE) && u->thre_int) {
        return IIR_THRE;
    }
    if ((u->ier & IER_MS) && (u->msr & MSR_DELTAS)) {
        return IIR_MS;
    }
    return IIR_NONE;
}

static void uart_update(struct ns16550 *u)
{
    bool level = uart_iir(u) != IIR_NONE;

    if (level != u->irq.level) {
        wire_set(&u->irq, level);
    }
}

/* Time of one character on the line. */
static int64_t uart_char_ns(const struct ns16550 *u)
{
    unsigned bits = 1 + 5 + (u->lcr & 3) + 1 + !!(u->lcr & LCR_STOP2) +
                    !!(u->lcr & LCR_PARITY);
    unsigned divisor = u->divisor ? u->divisor : 0x10000;

    return (int64_t)muldiv64((uint64_t)bits * divisor, (uint64_t)NS_PER_SECOND,
                             u->baud_base);
}

static void uart_set_lsr(struct ns16550 *u)
{
    bool full = u->rx.count > 0;
    bool error = false;

    for (unsigned i = 0; i < u->rx.count; i++) {
        error |= u->rx_errors[(u->rx.first + i) % UART_FIFO] != 0;
    }
    u->lsr &= (uint8_t) ~(LSR_DR | LSR_THRE | LSR_TEMT | LSR_FIFO_ERROR);
    u->lsr |= (uint8_t)((full ? LSR_DR : 0) | (u->tx.count ? 0 : LSR_THRE) |
                        (u->tx.count || u->sending ? 0 : LSR_TEMT));
    if (error && (u->fcr & FCR_ENABLE)) {
        u->lsr |= LSR_FIFO_ERROR;
    }
}

/* The errors of a byte show when it comes to the front of the FIFO. */
static void uart_front(struct ns16550 *u)
{
    if (u->rx.count) {
        u->lsr |= u->rx_errors[u->rx.first];
        u->rx_errors[u->rx.first] = 0;
    }
}

/* A byte waits below the trigger: after four idle characters, an interrupt. */
static void uart_arm_timeout(struct ns16550 *u)
{
    if ((u->fcr & FCR_ENABLE) && u->rx.count) {
        timer_set(&u->timeout, clock_now(u->clock) + 4 * uart_char_ns(u));
    } else {
        timer_cancel(&u->timeout);
    }
}

static void uart_timeout(void *opaque)
{
    struct ns16550 *u = opaque;

    u->timeout_int = u->rx.count > 0;
    uart_update(u);
}

static void uart_receive_byte(struct ns16550 *u, uint8_t v, uint8_t errors)
{
    if (u->rx.count == uart_depth(u)) {
        u->lsr |= LSR_OE;
        if (!(u->fcr & FCR_ENABLE)) { /* the new byte replaces the old one */
            u->rx.data[u->rx.first] = v;
        }
    } else {
        u->rx_errors[(u->rx.first + u->rx.count) % UART_FIFO] = errors;
        fifo_put(&u->rx, v);
        if (u->rx.count == 1) {
            uart_front(u);
        }
    }
    uart_set_lsr(u);
    uart_arm_timeout(u);
    uart_update(u);
}

/* Hands a byte to the line; false: it does not take it now. */
static bool uart_emit(struct ns16550 *u, uint8_t v)
{
    if (u->mcr & MCR_LOOP) {
        uart_receive_byte(u, v, 0);
        return true;
    }
    return !u->chr || chardev_write(u->chr, &v, 1) == 1;
}

/* Moves bytes from the FIFO through the shift register to the line. */
static void uart_send(struct ns16550 *u)
{
    bool was_empty = u->tx.count == 0;

    while (!timer_pending(&u->sent)) {
        if (u->sending && !uart_emit(u, u->shift)) {
            break; /* until it is writable */
        }
        u->sending = u->tx.count > 0;
        if (!u->sending) {
            break;
        }
        u->shift = fifo_get(&u->tx);
        if (u->paced) {
            timer_set(&u->sent, clock_now(u->clock) + uart_char_ns(u));
        }
    }
    if (!was_empty && u->tx.count == 0) {
        u->thre_int = true;
    }
    uart_set_lsr(u);
    uart_update(u);
}

static void uart_sent(void *opaque)
{
    uart_send(opaque);
}

static void uart_writable(void *opaque)
{
    uart_send(opaque);
}

static void uart_write_thr(struct ns16550 *u, uint8_t v)
{
    u->thre_int = false;
    if (u->tx.count == uart_depth(u)) { /* lost, as there */
        (void)fifo_get(&u->tx);
    }
    fifo_put(&u->tx, v);
    uart_send(u);
}

static uint8_t uart_read_rbr(struct ns16550 *u)
{
    uint8_t v = u->rx.data[u->rx.first];

    if (u->rx.count == 0) {
        return v;
    }
    v = fifo_get(&u->rx);
    u->timeout_int = false;
    uart_front(u);
    uart_set_lsr(u);
    uart_arm_timeout(u);
    uart_update(u);
    if (u->chr) {
        chardev_accept_input(u->chr);
    }
    return v;
}

static void uart_clear_rx(struct ns16550 *u)
{
    u->rx.count = 0;
    u->timeout_int = false;
    memset(u->rx_errors, 0, sizeof(u->rx_errors));
    timer_cancel(&u->timeout);
}

static void uart_write_fcr(struct ns16550 *u, uint8_t v)
{
    bool toggled = (v ^ u->fcr) & FCR_ENABLE;

    if (!(v & FCR_ENABLE)) {
        v = 0; /* the other bits need it */
    }
    if (toggled || (v & FCR_RX_CLEAR)) {
        uart_clear_rx(u);
    }
    if (toggled || (v & FCR_TX_CLEAR)) {
        u->thre_int |= u->tx.count > 0;
        u->tx.count = 0;
    }
    u->fcr = v & 0xc9;
    uart_set_lsr(u);
    uart_update(u);
    if (u->chr) {
        chardev_accept_input(u->chr);
    }
}

static void uart_write_ier(struct ns16550 *u, uint8_t v)
{
    uint8_t rising = (uint8_t)(~u->ier & v);

    u->ier = v & 0x0f;
    if ((rising & IER_THRE) && (u->lsr & LSR_THRE)) {
        u->thre_int = true; /* enabling it while empty asks at once */
    }
    uart_update(u);
}

static void uart_params(struct ns16550 *u)
{
    char parity = u->lcr & LCR_PARITY ? u->lcr & LCR_EVEN ? 'E' : 'O' : 'N';

    if (u->chr && u->chr->ops->set_params && u->divisor) {
        u->chr->ops->set_params(u->chr, u->baud_base / u->divisor,
                                5 + (u->lcr & 3), parity,
                                1 + !!(u->lcr & LCR_STOP2));
    }
}

static void uart_write_lcr(struct ns16550 *u, uint8_t v)
{
    bool toggled = (v ^ u->lcr) & LCR_BREAK;

    u->lcr = v;
    uart_params(u);
    if (!toggled) {
        return;
    }
    if ((u->mcr & MCR_LOOP) && (v & LCR_BREAK)) {
        uart_receive_byte(u, 0, LSR_BI);
    } else if (u->chr && u->chr->ops->set_break) {
        u->chr->ops->set_break(u->chr, v & LCR_BREAK);
    }
}

/* New modem inputs; changes are remembered in the lower half. */
static void uart_set_inputs(struct ns16550 *u, uint8_t inputs)
{
    uint8_t old = u->msr & 0xf0;
    uint8_t changed = (uint8_t)((old ^ inputs) >> 4);

    if (!(changed & 4) || (inputs & MSR_RI)) {
        changed &= (uint8_t)~4; /* TERI: only the ring's end counts */
    }
    u->msr = (uint8_t)(inputs | (u->msr & MSR_DELTAS) | changed);
    uart_update(u);
}

static uint8_t uart_inputs(const struct ns16550 *u)
{
    uint8_t mcr = u->mcr;

    if (mcr & MCR_LOOP) { /* RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD */
        return (uint8_t)((mcr & 2) << 3 | (mcr & 1) << 5 | (mcr & 4) << 4 |
                         (mcr & 8) << 4);
    }
    return u->chr ? MSR_CONNECTED : 0;
}

static void uart_write_mcr(struct ns16550 *u, uint8_t v)
{
    u->mcr = v & 0x1f;
    uart_set_inputs(u, uart_inputs(u));
}

static uint8_t uart_read_iir(struct ns16550 *u)
{
    unsigned iir = uart_iir(u);

    if (iir == IIR_THRE) {
        u->thre_int = false;
        uart_update(u);
    }
    return (uint8_t)(iir | (u->fcr & FCR_ENABLE ? IIR_FIFOS : 0));
}

uint8_t ns16550_read(struct ns16550 *u, unsigned at)
{
    bool dlab = u->lcr & LCR_DLAB;
    uint8_t v;

    switch (at & 7) {
    case 0: return dlab ? (uint8_t)u->divisor : uart_read_rbr(u);
    case 1: return dlab ? (uint8_t)(u->divisor >> 8) : u->ier;
    case 2: return uart_read_iir(u);
    case 3: return u->lcr;
    case 4: return u->mcr;
    case 5:
        v = u->lsr;
        u->lsr &= (uint8_t)~LSR_ERRORS;
        uart_update(u);
        return v;
    case 6:
        v = u->msr;
        u->msr &= (uint8_t)~MSR_DELTAS;
        uart_update(u);
        return v;
    default: return u->scr;
    }
}

void ns16550_write(struct ns16550 *u, unsigned at, uint8_t v)
{
    bool dlab = u->lcr & LCR_DLAB;

    switch (at & 7) {
    case 0:
        if (dlab) {
            u->divisor = (uint16_t)((u->divisor & 0xff00) | v);
            uart_params(u);
        } else {
            uart_write_thr(u, v);
        }
        break;
    case 1:
        if (dlab) {
            u->divisor = (uint16_t)((u->divisor & 0xff) | v << 8);
            uart_params(u);
        } else {
            uart_write_ier(u, v);
        }
        break;
    case 2: uart_write_fcr(u, v); break;
    case 3: uart_write_lcr(u, v); break;
    case 4: uart_write_mcr(u, v); break;
    case 7: u->scr = v; break;
    default: break; /* LSR and MSR: factory test */
    }
}

static unsigned uart_can_receive(void *opaque)
{
    const struct ns16550 *u = opaque;

    return u->mcr & MCR_LOOP || u->rx.count >= uart_depth(u)
               ? 0
               : uart_depth(u) - u->rx.count;
}

static void uart_receive(void *opaque, const uint8_t *buf, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        uart_receive_byte(opaque, buf[i], 0);
    }
}

static void uart_event(void *opaque, enum chardev_event event)
{
    if (event == CHARDEV_BREAK) {
        uart_receive_byte(opaque, 0, LSR_BI);
    }
}

void ns16550_init(struct ns16550 *u, struct clock *clock)
{
    u->clock = clock;
    u->baud_base = 115200;
    timer_init(&u->timeout, clock, uart_timeout, u);
    timer_init(&u->sent, clock, uart_sent, u);
}

bool ns16550_attach(struct ns16550 *u, struct chardev *chr, GError **error)
{
    const struct chardev_front front = {
        .can_receive = uart_can_receive,
        .receive = uart_receive,
        .event = uart_event,
        .writable = uart_writable,
        .opaque = u,
    };

    if (!chr) {
        return true;
    }
    if (!chardev_attach(chr, &front, error)) {
        return false;
    }
    u->chr = chr;
    return true;
}

void ns16550_clear(struct ns16550 *u)
{
    timer_cancel(&u->timeout);
    timer_cancel(&u->sent);
    if (u->chr) {
        chardev_detach(u->chr);
        u->chr = NULL;
    }
}

void ns16550_reset(struct ns16550 *u)
{
    timer_cancel(&u->timeout);
    timer_cancel(&u->sent);
    u->divisor = 0x0c;
    u->ier = u->fcr = u->lcr = u->mcr = u->lsr = u->scr = 0;
    u->rx.count = u->tx.count = 0;
    u->rx.first = u->tx.first = 0;
    memset(u->rx_errors, 0, sizeof(u->rx_errors));
    u->thre_int = u->timeout_int = u->sending = false;
    u->msr = uart_inputs(u);
    uart_set_lsr(u);
}

void ns16550_settle(struct ns16550 *u)
{
    bool level = uart_iir(u) != IIR_NONE;

    wire_set(&u->irq, level);
    uart_params(u);
    if (u->chr) {
        chardev_accept_input(u->chr);
    }
}

static bool fifo_valid(const struct uart_fifo *f)
{
    return f->first < UART_FIFO && f->count <= UART_FIFO;
}

bool ns16550_valid(const struct ns16550 *u)
{
    return fifo_valid(&u->rx) && fifo_valid(&u->tx);
}
