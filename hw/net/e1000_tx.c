/* SPDX-License-Identifier: MIT */
/*
 * Transmit descriptors: legacy, context and data. [8254X] 3.3 to 3.5. Packets
 * are gathered and handed on with what the card would do to them (checksums,
 * segments) still to be done, so that a back end that can need not undo it.
 *
 * Not modelled: segmentation of UDP.
 */
#include <string.h>

#include "base/log.h"
#include "hw/net/e1000.h"
#include "net/offload.h"

enum { /* CMD, the byte at 11 of a descriptor */
       CMD_EOP = 1 << 0,
       CMD_IC = 1 << 2,
       CMD_TSE = 1 << 2, /* of extended ones */
       CMD_RS = 1 << 3,
       CMD_DEXT = 1 << 5,
       CMD_VLE = 1 << 6,
       CMD_IDE = 1 << 7,
};
enum { TUCMD_TCP = 1 << 0, TUCMD_IP = 1 << 1 };
enum { POPTS_IXSM = 1 << 0, POPTS_TXSM = 1 << 1 };
enum { STA_DD = 1 << 0, VLAN_AT = 12, VLAN_TAG = 4 };

static void load_context(struct e1000 *s, const uint8_t *d)
{
    struct e1000_context c = {
        .ipcss = d[0],
        .ipcso = d[1],
        .ipcse = ldl_u16(d + 2),
        .tucss = d[4],
        .tucso = d[5],
        .tucse = ldl_u16(d + 6),
        .paylen = ldl_u32(d + 8) & 0xfffff,
        .tcp = d[11] & TUCMD_TCP,
        .ipv4 = d[11] & TUCMD_IP,
        .hdrlen = d[13],
        .mss = ldl_u16(d + 14),
    };

    if (d[11] & CMD_TSE) {
        s->tso = c;
    } else {
        s->sum = c;
    }
}

static void gather(struct e1000 *s, uint64_t addr, uint32_t len)
{
    if (s->tx_len + len > NET_PACKET_MAX - VLAN_TAG) {
        s->tx_too_long = true;
        return;
    }
    pci_dma_read(&s->pci, addr, s->tx + s->tx_len, len);
    s->tx_len += len;
}

/* A checksum that is put in here: over [start, end] inclusive, 0 = all. */
static void fill_sum(struct e1000 *s, unsigned start, unsigned end, unsigned at)
{
    uint32_t stop = end ? MIN(end + 1u, s->tx_len) : s->tx_len;
    uint16_t sum;

    if (start < stop && at + 2u <= s->tx_len) {
        memset(s->tx + at, 0, 2);
        sum = net_sum_finish(net_sum(s->tx + start, stop - start, 0));
        memcpy(s->tx + at, &sum, 2);
    }
}

static void plan_segments(struct e1000 *s, struct net_packet *p)
{
    const struct e1000_context *c = &s->tso;

    p->gso = c->ipv4 ? NET_GSO_TCP4 : NET_GSO_TCP6;
    p->gso_size = c->mss;
    p->csum_needed = true;
    p->csum_start = c->tucss;
    p->csum_offset = (uint16_t)(c->tucso - c->tucss);
    if (!c->tcp || !net_gso_lengths(p, s->tx)) {
        log_guest("%s: segments of what is not TCP", dev_name(&s->pci.dev));
        p->len = 0;
    } else if (p->len <= c->hdrlen + (uint32_t)c->mss) {
        p->gso = NET_GSO_NONE; /* one segment */
    }
    e1000_count(s, E1000_TSCTC);
}

/* Checksums that extended descriptors asked for. */
static void plan_sums(struct e1000 *s, struct net_packet *p)
{
    const struct e1000_context *c = &s->sum;

    if (s->tx_popts & POPTS_IXSM) {
        fill_sum(s, c->ipcss, c->ipcse, c->ipcso);
    }
    if (!(s->tx_popts & POPTS_TXSM)) {
        return;
    }
    if (c->tucse == 0 && c->tucso >= c->tucss && c->tucso + 2u <= s->tx_len) {
        p->csum_needed = true;
        p->csum_start = c->tucss;
        p->csum_offset = (uint16_t)(c->tucso - c->tucss);
    } else {
        fill_sum(s, c->tucss, c->tucse, c->tucso);
    }
}

static void insert_vlan(struct e1000 *s, struct net_packet *p, uint16_t tag)
{
    uint16_t type = (uint16_t)*e1000_reg(s, E1000_VET);

    if (p->len < NET_HEADER) {
        return;
    }
    memmove(s->tx + VLAN_AT + VLAN_TAG, s->tx + VLAN_AT, p->len - VLAN_AT);
    s->tx[VLAN_AT] = (uint8_t)(type >> 8);
    s->tx[VLAN_AT + 1] = (uint8_t)type;
    s->tx[VLAN_AT + 2] = (uint8_t)(tag >> 8);
    s->tx[VLAN_AT + 3] = (uint8_t)tag;
    p->len += VLAN_TAG;
    p->csum_start = (uint16_t)(p->csum_start + (p->csum_needed ? VLAN_TAG : 0));
}

static void count_sent(struct e1000 *s, size_t len)
{
    e1000_count(s, E1000_GPTC);
    e1000_count(s, E1000_TPT);
    e1000_count_octets(s, E1000_GOTC, len + 4);
    e1000_count_octets(s, E1000_TOT, len + 4);
    e1000_count_size(s, E1000_PTC64, len + 4);
    if (nic_is_broadcast(s->tx)) {
        e1000_count(s, E1000_BPTC);
    } else if (nic_is_multicast(s->tx)) {
        e1000_count(s, E1000_MPTC);
    }
}

static void send(struct e1000 *s, const struct net_packet *p)
{
    if (p->len < NET_HEADER) {
        return;
    }
    count_sent(s, p->len);
    if (*e1000_reg(s, E1000_RCTL) & E1000_RCTL_LBM || e1000_phy_loops(s)) {
        e1000_receive(s, p);
    } else {
        net_send_own(&s->nic.port, p, s->tx);
    }
}

/* The last descriptor of a packet: `cmd` and `special` are its own. */
static void finish(struct e1000 *s, const uint8_t *d)
{
    struct net_packet p = {.data = s->tx, .len = s->tx_len};
    uint8_t cmd = d[11];

    if (!(cmd & CMD_DEXT)) {
        if (cmd & CMD_IC) {
            fill_sum(s, d[13], 0, d[10]);
        }
    } else if (s->tx_tso) {
        plan_segments(s, &p);
    } else {
        plan_sums(s, &p);
    }
    if (cmd & CMD_VLE) {
        insert_vlan(s, &p, ldl_u16(d + 14));
    }
    if (!s->tx_too_long) {
        send(s, &p);
    }
    s->tx_len = 0;
    s->tx_too_long = s->tx_has_opts = s->tx_tso = false;
    s->tx_popts = 0;
}

static void descriptor(struct e1000 *s, const uint8_t *d)
{
    bool extended = d[11] & CMD_DEXT;
    uint32_t len = extended ? ldl_u32(d + 8) & 0xfffff : ldl_u16(d + 8);

    if (extended && (d[10] >> 4) == 0) {
        load_context(s, d);
        return;
    }
    if (extended && !s->tx_has_opts) { /* the first one's count */
        s->tx_popts = d[13];
        s->tx_tso = d[11] & CMD_TSE;
        s->tx_has_opts = true;
    }
    gather(s, ldl_u64(d), len);
    if (d[11] & CMD_EOP) {
        finish(s, d);
    }
}

static void write_back(struct e1000 *s, uint64_t at, uint8_t *d)
{
    d[12] |= STA_DD;
    pci_dma_write(&s->pci, at + 12, d + 12, 1);
}

/* `n` descriptors from TDH on, which do not wrap. What is to be told. */
static uint32_t batch(struct e1000 *s, uint32_t head, uint32_t n)
{
    uint8_t d[E1000_TX_BATCH][E1000_DESC];
    uint64_t base =
        *e1000_reg(s, E1000_TDBAL) | (uint64_t)*e1000_reg(s, E1000_TDBAH) << 32;
    uint64_t at = base + (uint64_t)head * E1000_DESC;
    uint32_t cause = 0;

    if (!pci_dma_read(&s->pci, at, d, n * sizeof(d[0]))) {
        return 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        descriptor(s, d[i]);
        if (d[i][11] & CMD_RS) {
            write_back(s, at + i * sizeof(d[0]), d[i]);
            cause |= d[i][11] & CMD_IDE && *e1000_reg(s, E1000_TIDV)
                         ? 0
                         : (uint32_t)E1000_TXDW;
            if (d[i][11] & CMD_IDE && !timer_pending(&s->tx_delay)) {
                timer_set(&s->tx_delay,
                          clock_now(&s->pci.dev.machine->clock) +
                              1024 * (int64_t)*e1000_reg(s, E1000_TIDV));
            }
        }
    }
    return cause;
}

void e1000_tx(struct e1000 *s)
{
    uint32_t *head = e1000_reg(s, E1000_TDH);
    uint32_t size = *e1000_reg(s, E1000_TDLEN) / E1000_DESC;
    uint32_t tail = *e1000_reg(s, E1000_TDT);
    uint32_t cause = 0, left = size;

    if (s->in_tx || !(*e1000_reg(s, E1000_TCTL) & E1000_TCTL_EN) ||
        *head >= size || tail >= size) {
        return;
    }
    s->in_tx = true;
    while (*head != tail && left && net_can_send(&s->nic.port)) {
        uint32_t n = (tail > *head ? tail : size) - *head;

        n = MIN(n, (uint32_t)E1000_TX_BATCH);
        cause |= batch(s, *head, n);
        *head = *head + n == size ? 0 : *head + n;
        left -= MIN(left, n);
    }
    s->in_tx = false;
    e1000_cause(s, cause | (*head == tail ? E1000_TXQE : 0));
}
