/* SPDX-License-Identifier: MIT */
/*
 * The rings of the PCnet: initialization block and descriptors in the layouts
 * of software style 0 (16 bits, as the LANCE had them), 2 and 3 (32 bits).
 * [AM79C970A] "Initialization Block", "Receive Descriptors", "Transmit
 * Descriptors"
 *
 * Not modelled: LAPP, stripping of padding (ASTRP_RCV), polling of the
 * transmit ring (TDMD starts it); the value of the frame's checksum in memory
 * is zero. A driver hands receive descriptors back in memory alone: while a
 * sender waits for one, the card looks for it from time to time.
 */
#include <string.h>

#include "base/log.h"
#include "hw/net/pcnet.h"
#include "net/offload.h"

enum {
    DESC16 = 8,
    DESC32 = 16,
    FRAME_MIN = 60,
    FCS = 4,
    STYLE_REORDERED = 3,
    BCNT_MASK = 0xfff,
    LEN_CODE_MAX = 9,
    PIECES = 2,
};

/* The flags as they lie in the upper half of a 32-bit descriptor's word 1. */
enum {
    D_OWN = 1 << 15,
    D_ERR = 1 << 14,
    D_LTINT = 1 << 12,
    D_BUFF = 1 << 10,
    D_STP = 1 << 9,
    D_ENP = 1 << 8,
    D_PAM = 1 << 6,
    D_LAFM = 1 << 5,
    D_BAM = 1 << 4,
};

#define POLL_NS NS_PER_MS

struct desc {
    uint64_t at;
    uint32_t addr, len;
    uint16_t flags;
};

static bool is_32(const struct pcnet *s)
{
    return s->csr[CSR_SWSTYLE] & SSIZE32;
}

static bool is_reordered(const struct pcnet *s)
{
    return (s->csr[CSR_SWSTYLE] & 0xff) == STYLE_REORDERED;
}

unsigned pcnet_ring_len(const struct pcnet *s, unsigned csr)
{
    unsigned n = -(unsigned)s->csr[csr] & 0xffff;

    return n ? n : 0x10000;
}

/* Upper address bits that 16-bit structures lack. */
static uint32_t upper(const struct pcnet *s)
{
    return is_32(s) ? 0 : (uint32_t)(s->csr[2] & 0xff00) << 16;
}

/* --- initialization block --- */

static void set_ring(struct pcnet *s, unsigned base, unsigned len,
                     uint32_t addr, unsigned code, unsigned max)
{
    s->csr[base] = (uint16_t)addr;
    s->csr[base + 1] = (uint16_t)(addr >> 16);
    s->csr[len] = (uint16_t) - (1 << MIN(code, max));
}

static void take_block16(struct pcnet *s, const uint8_t *b)
{
    uint32_t rx = ldl_u32(b + 16), tx = ldl_u32(b + 20);

    s->csr[CSR_MODE] = ldl_u16(b);
    for (unsigned i = 0; i < 3; i++) {
        s->csr[CSR_PADR + i] = ldl_u16(b + 2 + 2 * i);
    }
    for (unsigned i = 0; i < 4; i++) {
        s->csr[CSR_LADRF + i] = ldl_u16(b + 8 + 2 * i);
    }
    set_ring(s, CSR_BADR, CSR_RCVRL, (rx & 0xfffff8) | upper(s), rx >> 29, 7);
    set_ring(s, CSR_BADX, CSR_XMTRL, (tx & 0xfffff8) | upper(s), tx >> 29, 7);
}

static void take_block32(struct pcnet *s, const uint8_t *b)
{
    uint32_t first = ldl_u32(b);

    s->csr[CSR_MODE] = (uint16_t)first;
    for (unsigned i = 0; i < 3; i++) {
        s->csr[CSR_PADR + i] = ldl_u16(b + 4 + 2 * i);
    }
    for (unsigned i = 0; i < 4; i++) {
        s->csr[CSR_LADRF + i] = ldl_u16(b + 12 + 2 * i);
    }
    set_ring(s, CSR_BADR, CSR_RCVRL, ldl_u32(b + 20), first >> 20 & 15,
             LEN_CODE_MAX);
    set_ring(s, CSR_BADX, CSR_XMTRL, ldl_u32(b + 24), first >> 28,
             LEN_CODE_MAX);
}

void pcnet_read_init_block(struct pcnet *s)
{
    uint32_t at = s->csr[1] | (uint32_t)s->csr[2] << 16;
    uint8_t b[28];

    s->busy++;
    pci_dma_read(&s->pci, at, b, sizeof(b));
    s->busy--;
    if (is_32(s)) {
        take_block32(s, b);
    } else {
        take_block16(s, b);
    }
    s->rx_at = s->tx_at = 0;
    s->tx_inside = s->tx_ready = false;
}

/* --- descriptors --- */

static void desc_read(struct pcnet *s, unsigned base, unsigned index,
                      struct desc *d)
{
    uint32_t ring = s->csr[base] | (uint32_t)s->csr[base + 1] << 16;
    unsigned size = is_32(s) ? DESC32 : DESC16;
    uint8_t b[DESC32];
    uint32_t word;

    d->at = (uint64_t)ring + (uint64_t)index * size;
    pci_dma_read(&s->pci, d->at, b, size);
    if (is_32(s)) {
        word = ldl_u32(b + 4);
        d->addr = ldl_u32(b + (is_reordered(s) ? 8 : 0));
        d->flags = (uint16_t)(word >> 16);
        d->len = -word & BCNT_MASK;
    } else {
        word = ldl_u32(b);
        d->addr = (word & 0xffffff) | upper(s);
        d->flags = (uint16_t)(word >> 16 & 0xff00);
        d->len = -(uint32_t)ldl_u16(b + 4) & BCNT_MASK;
    }
    d->len = d->len ? d->len : BCNT_MASK + 1;
}

/* What the chip has to say, then the flags, which give it back. */
static void desc_write(struct pcnet *s, const struct desc *d, uint32_t status)
{
    unsigned at = !is_32(s) ? 6 : is_reordered(s) ? 0 : 8;
    uint8_t b[4];

    stl_u32(b, status);
    pci_dma_write(&s->pci, d->at + at, b, is_32(s) ? 4 : 2);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    stl_u16(b, d->flags);
    if (is_32(s)) {
        pci_dma_write(&s->pci, d->at + 6, b, 2);
    } else {
        pci_dma_write(&s->pci, d->at + 3, b + 1, 1);
    }
}

/* --- receiving --- */

static bool listens(const struct pcnet *s)
{
    return s->csr[0] & C0_RXON && !pcnet_suspended(s) && pci_is_master(&s->pci);
}

static bool loops_back(const struct pcnet *s)
{
    return s->csr[CSR_MODE] & MODE_LOOP;
}

bool pcnet_can_receive(void *opaque)
{
    struct pcnet *s = opaque;
    struct desc d;

    if (s->rx_busy) {
        return false;
    }
    if (!listens(s) || loops_back(s)) {
        return !pcnet_suspended(s); /* and drops it */
    }
    s->busy++;
    desc_read(s, CSR_BADR, s->rx_at, &d);
    s->busy--;
    if (!(d.flags & D_OWN) && !timer_pending(&s->poll)) {
        timer_set(&s->poll, clock_now(&s->pci.dev.machine->clock) + POLL_NS);
    }
    return d.flags & D_OWN;
}

static bool hash_passes(const struct pcnet *s, const uint8_t *mac)
{
    unsigned hash = ~net_crc32(mac, NET_MAC) >> 26;

    return s->csr[CSR_LADRF + (hash >> 4)] >> (hash & 15) & 1;
}

static bool is_mine(const struct pcnet *s, const uint8_t *mac)
{
    return ldl_u16(mac) == s->csr[CSR_PADR] &&
           ldl_u16(mac + 2) == s->csr[CSR_PADR + 1] &&
           ldl_u16(mac + 4) == s->csr[CSR_PADR + 2];
}

/* False: not for us; else why it is. */
static bool filter(const struct pcnet *s, const uint8_t *d, uint16_t *why)
{
    uint16_t mode = s->csr[CSR_MODE];

    *why = 0;
    if (nic_is_broadcast(d) && !(mode & MODE_DRCVBC)) {
        *why = D_BAM;
    } else if (!nic_is_multicast(d) && is_mine(s, d) && !(mode & MODE_DRCVPA)) {
        *why = D_PAM;
    } else if (nic_is_multicast(d) && !nic_is_broadcast(d) &&
               hash_passes(s, d)) {
        *why = D_LAFM;
    }
    return *why || mode & MODE_PROM;
}

struct piece {
    const uint8_t *p;
    size_t len;
};

static size_t fill(struct pcnet *s, struct piece *piece, const struct desc *d)
{
    size_t done = 0;

    for (unsigned i = 0; i < PIECES; i++) {
        size_t part = MIN(piece[i].len, d->len - done);

        pci_dma_write(&s->pci, d->addr + done, piece[i].p, part);
        piece[i].p += part;
        piece[i].len -= part;
        done += part;
    }
    return done;
}

static void missed(struct pcnet *s)
{
    s->csr[CSR_MFC]++;
    pcnet_raise(s, C0_MISS);
}

static void store(struct pcnet *s, const uint8_t *data, size_t len,
                  uint16_t why)
{
    static const uint8_t fcs[FCS];
    struct piece piece[PIECES] = {{data, len}, {fcs, FCS}};
    size_t left = len + FCS;
    uint16_t first = D_STP;
    struct desc d, next;

    desc_read(s, CSR_BADR, s->rx_at, &d);
    if (!(d.flags & D_OWN)) {
        missed(s);
        return;
    }
    for (;;) {
        left -= fill(s, piece, &d);
        s->rx_at = (uint16_t)((s->rx_at + 1u) % pcnet_ring_len(s, CSR_RCVRL));
        d.flags = first;
        first = 0;
        if (left == 0) {
            d.flags |= D_ENP | (is_32(s) ? why : 0);
            break;
        }
        desc_read(s, CSR_BADR, s->rx_at, &next);
        if (!(next.flags & D_OWN)) {
            d.flags |= D_ERR | D_BUFF | D_ENP;
            break;
        }
        desc_write(s, &d, 0);
        d = next;
    }
    desc_write(s, &d, (uint32_t)(len + FCS) & BCNT_MASK);
    pcnet_raise(s, C0_RINT);
}

void pcnet_receive(void *opaque, const struct net_packet *p)
{
    struct pcnet *s = opaque;
    uint8_t small[FRAME_MIN] = {0};
    const uint8_t *d = p->data;
    size_t len = p->len;
    uint16_t why;

    if (!listens(s) || s->rx_busy || len < NET_HEADER ||
        len + FCS >= PCNET_FRAME_MAX || !filter(s, d, &why)) {
        return;
    }
    if (len < FRAME_MIN) {
        memcpy(small, d, len);
        d = small;
        len = FRAME_MIN;
    }
    s->rx_busy = true;
    s->busy++;
    store(s, d, len, why);
    s->busy--;
    s->rx_busy = false;
}

/* --- sending --- */

static bool can_send(struct pcnet *s)
{
    return loops_back(s) || net_can_send(&s->nic.port);
}

/* Sends the packet that is complete, or keeps it until there is room. */
static void finish(struct pcnet *s)
{
    struct net_packet p = {.data = s->tx_buf, .len = s->tx_len};

    s->tx_inside = false;
    s->tx_ready = !can_send(s);
    if (s->tx_ready || s->tx_overflow || p.len < NET_HEADER) {
        return;
    }
    if (p.len < FRAME_MIN && s->csr[4] & C4_APAD_XMT) {
        memset(s->tx_buf + p.len, 0, FRAME_MIN - p.len);
        p.len = FRAME_MIN;
    }
    s->csr[4] |= C4_TXSTRT;
    if (loops_back(s)) {
        pcnet_receive(s, &p);
    } else {
        net_send(&s->nic.port, &p);
    }
}

static void append(struct pcnet *s, const struct desc *d)
{
    if (d->flags & D_STP) {
        s->tx_len = 0;
        s->tx_inside = true;
        s->tx_overflow = false;
    }
    if (d->len > sizeof(s->tx_buf) - s->tx_len) {
        log_guest("pcnet: a packet of more than %d bytes", PCNET_FRAME_MAX);
        s->tx_overflow = true;
    }
    if (!s->tx_overflow) {
        pci_dma_read(&s->pci, d->addr, s->tx_buf + s->tx_len, d->len);
        s->tx_len += d->len;
    }
}

static bool wants_tint(const struct pcnet *s, const struct desc *d)
{
    if (s->csr[5] & C5_TOKINTD) {
        return false;
    }
    return !(s->csr[5] & C5_LTINTEN) || d->flags & D_LTINT;
}

/* A buffer that no packet began with is given back as it is. */
static void take(struct pcnet *s, struct desc *d)
{
    bool last = d->flags & D_ENP;
    bool tint = wants_tint(s, d);
    bool part = s->tx_inside || d->flags & D_STP;

    if (part) {
        append(s, d);
    }
    if (part && last) {
        finish(s);
    }
    d->flags &= (uint16_t)~D_OWN;
    desc_write(s, d, 0);
    if (part && last && tint) {
        s->csr[0] |= C0_TINT;
    }
}

/* TDMD stays until the ring is empty. */
static bool runs(const struct pcnet *s)
{
    return (s->csr[0] & (C0_TXON | C0_TDMD)) == (C0_TXON | C0_TDMD) &&
           !pcnet_suspended(s) && pci_is_master(&s->pci);
}

static void take_ring(struct pcnet *s)
{
    unsigned len = pcnet_ring_len(s, CSR_XMTRL);
    struct desc d;

    for (unsigned i = 0; i < MIN(len, 512); i++) {
        if (s->tx_ready || (!s->tx_inside && !can_send(s))) {
            return;
        }
        desc_read(s, CSR_BADX, s->tx_at, &d);
        if (!(d.flags & D_OWN)) {
            s->csr[0] &= (uint16_t)~C0_TDMD;
            return;
        }
        s->tx_at = (uint16_t)((s->tx_at + 1u) % len);
        take(s, &d);
    }
    if (!timer_pending(&s->poll)) { /* once round: others want the machine */
        timer_set(&s->poll, clock_now(&s->pci.dev.machine->clock) + POLL_NS);
    }
}

void pcnet_tx_run(struct pcnet *s)
{
    if (s->tx_busy || !runs(s)) {
        return;
    }
    s->tx_busy = true;
    s->busy++;
    if (s->tx_ready) {
        finish(s);
    }
    if (!s->tx_ready) {
        take_ring(s);
    }
    s->busy--;
    s->tx_busy = false;
    pcnet_irq_update(s);
}
