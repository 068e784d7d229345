/* SPDX-License-Identifier: MIT */
/*
 * The RTL8139's own way: four buffers to send from, one ring of bytes to
 * receive into. [RTL8139] 5.2, 5.3, 6 (receive and transmit operation)
 *
 * Not modelled: early receiving and its thresholds; the frame's checksum that
 * follows the data in the ring is zero.
 */
#include <string.h>

#include "base/log.h"
#include "hw/net/rtl8139.h"

enum {
    READ_AHEAD = 16, /* CAPR is so much less than where the driver is */
    HEADER = 4,
    ROK = 1 << 0,
    ROOM_FRAME = 1518, /* a sender may begin when this would fit */
    WRAP_64K = 3,
};

/* --- receiving --- */

static unsigned size_code(const struct rtl8139 *s)
{
    return s->rcr >> RCR_RBLEN_SHIFT & 3;
}

static uint32_t ring_size(const struct rtl8139 *s)
{
    return UINT32_C(8192) << size_code(s);
}

void rtl8139_ring_reset(struct rtl8139 *s)
{
    s->cbr = 0;
    s->capr = (uint16_t)-READ_AHEAD;
}

static uint32_t ring_used(const struct rtl8139 *s)
{
    uint32_t tail = (uint32_t)s->capr + READ_AHEAD;

    return (s->cbr - tail) & (ring_size(s) - 1);
}

bool rtl8139_ring_empty(const struct rtl8139 *s)
{
    return ring_used(s) == 0;
}

static uint32_t space_for(size_t len)
{
    return (uint32_t)(HEADER + len + RTL_FCS + 3) & ~3u;
}

/* A full ring would look like an empty one. */
bool rtl8139_ring_has_room(const struct rtl8139 *s, size_t len)
{
    return ring_used(s) + space_for(MAX(len, ROOM_FRAME)) < ring_size(s);
}

/* The end of the ring is followed by its beginning, or by a margin. */
static void ring_write(struct rtl8139 *s, uint32_t at, const void *data,
                       size_t len)
{
    bool runs_on = s->rcr & RCR_WRAP && size_code(s) != WRAP_64K;
    uint32_t size = ring_size(s);
    size_t part = len;

    if (!runs_on) {
        at &= size - 1;
        part = MIN(len, size - at);
    }
    pci_dma_write(&s->pci, (uint64_t)s->rbstart + at, data, part);
    if (part < len) {
        pci_dma_write(&s->pci, s->rbstart, (const uint8_t *)data + part,
                      len - part);
    }
}

void rtl8139_ring_store(struct rtl8139 *s, const struct net_packet *p,
                        unsigned status)
{
    static const uint8_t fcs[RTL_FCS];
    uint32_t at = s->cbr & (ring_size(s) - 1);
    uint8_t header[HEADER];

    if (ring_used(s) + space_for(p->len) >= ring_size(s)) {
        s->mpc = (s->mpc + 1) & 0xffffff;
        rtl8139_raise(s, ISR_RXOVW);
        return;
    }
    stl_u16(header, (uint16_t)(status | ROK));
    stl_u16(header + 2, (uint16_t)(p->len + RTL_FCS));
    ring_write(s, at + HEADER, p->data, p->len);
    ring_write(s, at + HEADER + (uint32_t)p->len, fcs, sizeof(fcs));
    __atomic_thread_fence(__ATOMIC_RELEASE);
    ring_write(s, at, header, HEADER);
    s->cbr = (uint16_t)((at + space_for(p->len)) & (ring_size(s) - 1));
    rtl8139_raise(s, ISR_ROK);
}

/* --- sending --- */

static void send_one(struct rtl8139 *s)
{
    uint32_t *tsd = &s->tsd[s->tx_next];
    struct net_packet p = {.data = s->tx.buf, .len = *tsd & TSD_SIZE};

    if (p.len > RTL_TX_MAX) {
        log_guest("rtl8139: a packet of %u bytes", (unsigned)p.len);
        *tsd |= TSD_OWN | TSD_TABT;
        s->tally.tx_aborted++;
        rtl8139_raise(s, ISR_TER);
        return;
    }
    pci_dma_read(&s->pci, s->tsad[s->tx_next], s->tx.buf, p.len);
    rtl8139_send(s, &p);
    *tsd |= TSD_OWN | TSD_TOK;
    rtl8139_raise(s, ISR_TOK);
}

/* In order, as long as the next one is the card's. */
void rtl8139_ring_run(struct rtl8139 *s)
{
    for (unsigned i = 0; i < ARRAY_SIZE(s->tsd); i++) {
        if (s->tsd[s->tx_next] & TSD_OWN || !rtl8139_can_send(s)) {
            return;
        }
        send_one(s);
        s->tx_next = (s->tx_next + 1) & 3;
    }
}

unsigned rtl8139_ring_status(const struct rtl8139 *s)
{
    unsigned v = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(s->tsd); i++) {
        uint32_t d = s->tsd[i];

        v |= (d & TSD_OWN ? 1u : 0) << i | (d & TSD_TABT ? 1u : 0) << (4 + i) |
             (d & TSD_TUN ? 1u : 0) << (8 + i) |
             (d & TSD_TOK ? 1u : 0) << (12 + i);
    }
    return v;
}
