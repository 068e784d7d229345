/* SPDX-License-Identifier: MIT */
/*
 * Receiving with the 8254x: filters, and packets into descriptors. [8254X]
 * 3.2, 10.5 (addresses), 9.3 (VLAN)
 *
 * Where no descriptor is free the cable waits; nothing is lost as long as its
 * other end can keep packets. Not modelled: packets with errors (SBP), the
 * value of the frame's checksum where RCTL.SECRC leaves it: it is zero.
 */
#include <string.h>

#include "hw/net/e1000.h"
#include "hw/net/nic_sums.h"
#include "net/offload.h"

enum {
    FRAME_MIN = 60,
    FCS = 4,
    ADDRESSES = 2 * NET_MAC,
    OCTETS_MAX = 1522,       /* checksum included; more wants RCTL.LPE */
    OCTETS_LONG_MAX = 16384, /* the chip's limit */
    PIECES = 3,
    SPLIT_BUFFERS = 4,
};

/* --- filters --- */

static bool is_vlan(const struct e1000 *s, const uint8_t *d, size_t len)
{
    return len >= NET_HEADER + E1000_TAG &&
           ((unsigned)d[12] << 8 | d[13]) == (s->vet & 0xffff);
}

static bool vlan_passes(const struct e1000 *s, const uint8_t *d)
{
    unsigned tag = (unsigned)d[14] << 8 | d[15];
    unsigned vid = tag & 0xfff;

    if (s->rctl & RCTL_CFIEN && (tag >> 12 & 1) != !!(s->rctl & RCTL_CFI)) {
        return false;
    }
    return !(s->rctl & RCTL_VFE) || s->vfta[vid >> 5] >> (vid & 31) & 1;
}

static bool hash_passes(const struct e1000 *s, const uint8_t *mac)
{
    static const uint8_t shifts[] = {4, 3, 2, 0};
    unsigned shift = shifts[s->rctl >> RCTL_MO_SHIFT & 3];
    unsigned hash = (mac[4] | (unsigned)mac[5] << 8) >> shift & 0xfff;

    return s->mta[hash >> 5] >> (hash & 31) & 1;
}

/* The sixteen exact addresses, of destination or source. */
static bool exact_passes(const struct e1000 *s, const uint8_t *d)
{
    for (unsigned i = 0; i < E1000_ADDRESSES; i++) {
        uint32_t low = s->ra[2 * i], high = s->ra[2 * i + 1];
        const uint8_t *mac = high >> RAH_AS_SHIFT & 1 ? d + NET_MAC : d;

        if (high & RAH_AV && ldl_u32(mac) == low &&
            ldl_u16(mac + 4) == (high & 0xffff)) {
            return true;
        }
    }
    return false;
}

static bool address_passes(const struct e1000 *s, const uint8_t *d)
{
    if (nic_is_broadcast(d) && s->rctl & RCTL_BAM) {
        return true;
    }
    if (nic_is_multicast(d) ? s->rctl & RCTL_MPE : s->rctl & RCTL_UPE) {
        return true;
    }
    return exact_passes(s, d) || (nic_is_multicast(d) && hash_passes(s, d));
}

static bool is_pause(const uint8_t *d)
{
    static const uint8_t group[] = {0x01, 0x80, 0xc2, 0, 0, 0x01};

    return d[12] == 0x88 && d[13] == 0x08 &&
           memcmp(d, group, sizeof(group)) == 0;
}

static size_t longest(const struct e1000 *s)
{
    return s->rctl & RCTL_LPE ? OCTETS_LONG_MAX : OCTETS_MAX;
}

static bool size_passes(struct e1000 *s, size_t len)
{
    if (len + FCS > longest(s)) {
        e1000_count(s, ST_ROC, 1);
        return false;
    }
    return true;
}

/* --- statistics --- */

static void count_frame(struct e1000 *s, const uint8_t *d, size_t len)
{
    size_t octets = len + FCS;

    e1000_count_size(s, ST_PRC64, octets, 1);
    e1000_count(s, ST_GPRC, 1);
    e1000_count64(s, ST_GORCL, octets);
    if (nic_is_broadcast(d)) {
        e1000_count(s, ST_BPRC, 1);
    } else if (nic_is_multicast(d)) {
        e1000_count(s, ST_MPRC, 1);
    }
}

/* --- descriptors --- */

static bool is_split(const struct e1000 *s)
{
    return s->is_e && s->rctl & RCTL_DTYP_PS;
}

static bool is_extended(const struct e1000 *s)
{
    return s->is_e && s->e.rfctl & RFCTL_EXSTEN;
}

static unsigned desc_size(const struct e1000 *s)
{
    return is_split(s) ? 2 * E1000_DESC : E1000_DESC;
}

static uint32_t ring_size(const struct e1000 *s)
{
    return s->rdlen / desc_size(s);
}

static uint32_t ring_free(const struct e1000 *s)
{
    uint32_t size = ring_size(s);

    if (s->rdh >= size || s->rdt >= size) {
        return 0;
    }
    return s->rdt >= s->rdh ? s->rdt - s->rdh : size - s->rdh + s->rdt;
}

/* The four buffers of a descriptor for packet split. */
static size_t split_size(const struct e1000 *s, unsigned n)
{
    uint32_t c = s->e.psrctl >> (8 * n);

    return n ? (c & 0x3f) * 1024u : (c & 0x7f) * 128u;
}

static size_t buffer_size(const struct e1000 *s)
{
    unsigned code = s->rctl >> RCTL_BSIZE_SHIFT & 3;
    unsigned flex = s->rctl >> RCTL_FLXBUF_SHIFT & 15;

    if (is_split(s)) {
        size_t sum = 0;

        for (unsigned i = 0; i < SPLIT_BUFFERS; i++) {
            sum += split_size(s, i);
        }
        return MAX(sum, 1);
    }
    if (s->is_e && flex) {
        return flex * 1024u;
    }
    if (s->rctl & RCTL_BSEX) {
        return code ? 32768u >> code : 2048u;
    }
    return 2048u >> code;
}

/* Descriptors for a packet as long as one may be, but never all. */
static bool has_room(const struct e1000 *s)
{
    size_t want = (longest(s) + buffer_size(s) - 1) / buffer_size(s);
    uint32_t size = ring_size(s);

    return ring_free(s) >= MAX(MIN(want, (size + 1u) / 2), 1);
}

static bool listens(const struct e1000 *s)
{
    return s->rctl & RCTL_EN && (s->link || e1000_loops_back(s)) &&
           pci_is_master(&s->pci);
}

bool e1000_can_receive(void *opaque)
{
    struct e1000 *s = opaque;

    if (s->rx_busy) {
        return false;
    }
    if (!listens(s) || e1000_loops_back(s) || has_room(s)) {
        return true;
    }
    e1000_count(s, ST_RNBC, 1);
    return false;
}

/* The packet as the driver will see it. */
struct stored {
    struct {
        const uint8_t *p;
        size_t len;
    } piece[PIECES];
    unsigned next;
    size_t left;
    uint8_t status, errors;
    uint16_t csum, special;
};

static void add_piece(struct stored *f, unsigned n, const uint8_t *p,
                      size_t len)
{
    f->piece[n].p = p;
    f->piece[n].len = len;
    f->left += len;
}

static void cut(const struct e1000 *s, const uint8_t *d, size_t len, bool vlan,
                struct stored *f)
{
    static const uint8_t fcs[FCS];

    if (vlan && s->ctrl & CTRL_VME) {
        f->special = (uint16_t)((unsigned)d[14] << 8 | d[15]);
        f->status |= RXS_VP;
        add_piece(f, 0, d, ADDRESSES);
        add_piece(f, 1, d + ADDRESSES + E1000_TAG, len - ADDRESSES - E1000_TAG);
    } else {
        add_piece(f, 0, d, len);
    }
    if (!(s->rctl & RCTL_SECRC)) {
        add_piece(f, 2, fcs, FCS);
    }
}

static void judge(const struct e1000 *s, const struct net_packet *p,
                  struct stored *f)
{
    unsigned start = s->rxcsum & 0xff;
    struct nic_sums sums;

    if (start < p->len) {
        f->csum = GUINT16_FROM_BE(
            net_sum_finish(net_sum(p->data + start, p->len - start, 0)));
    }
    if (!(s->rxcsum & (RXCSUM_IPOFL | RXCSUM_TUOFL))) {
        f->status |= RXS_IXSM;
        return;
    }
    nic_sums(p, &sums);
    if (sums.ip4 && s->rxcsum & RXCSUM_IPOFL) {
        f->status |= RXS_IPCS;
        f->errors |= sums.ip_good ? 0 : RXE_IPE;
    }
    if (sums.l4_sum && s->rxcsum & RXCSUM_TUOFL) {
        f->status |= RXS_TCPCS;
        f->errors |= sums.l4_good ? 0 : RXE_TCPE;
    }
    if (!(f->status & (RXS_IPCS | RXS_TCPCS))) {
        f->status |= RXS_IXSM;
    }
}

/* As much as one buffer takes; its length. */
static size_t fill_buffer(struct e1000 *s, struct stored *f, uint64_t addr,
                          size_t room)
{
    size_t done = 0;

    while (f->left && done < room) {
        size_t part = MIN(f->piece[f->next].len, room - done);

        if (part == 0) {
            f->next++;
            continue;
        }
        pci_dma_write(&s->pci, addr + done, f->piece[f->next].p, part);
        f->piece[f->next].p += part;
        f->piece[f->next].len -= part;
        f->left -= part;
        done += part;
    }
    return done;
}

/* Legacy: length, sum, status, errors, tag. */
static void put_legacy(uint8_t *d, const struct stored *f, size_t len,
                       bool last)
{
    stl_u16(d + RXD_LENGTH, (uint16_t)len);
    stl_u16(d + RXD_CSUM, f->csum);
    d[RXD_STATUS] = (uint8_t)(RXS_DD | (last ? f->status | RXS_EOP : 0));
    d[RXD_ERRORS] = last ? f->errors : 0;
    stl_u16(d + RXD_SPECIAL, last ? f->special : 0);
}

/* [82574L] 7.1.5: no hash, the sum, status and errors, length, tag. */
static void put_extended(uint8_t *d, const struct stored *f, size_t len,
                         bool last)
{
    uint32_t status = RXS_DD;

    if (last) {
        status |= f->status | RXS_EOP | (uint32_t)f->errors << 24;
    }
    stl_u32(d, 0);
    stl_u32(d + 4, (uint32_t)f->csum << 16);
    stl_u32(d + 8, status);
    stl_u16(d + 12, (uint16_t)len);
    stl_u16(d + 14, last ? f->special : 0);
}

/* Headers are not split off: the buffers are filled one after the other. */
static void fill_split(struct e1000 *s, struct stored *f, uint8_t *d)
{
    uint64_t addr[SPLIT_BUFFERS];
    size_t len[SPLIT_BUFFERS] = {0};

    for (unsigned i = 0; i < SPLIT_BUFFERS; i++) {
        addr[i] = ldl_u64(d + 8 * i);
        if (addr[i] && f->left) {
            len[i] = fill_buffer(s, f, addr[i], split_size(s, i));
        }
    }
    memset(d, 0, 2 * E1000_DESC);
    put_extended(d, f, len[0], f->left == 0);
    for (unsigned i = 1; i < SPLIT_BUFFERS; i++) {
        stl_u16(d + 16 + 2 * i, (uint16_t)len[i]);
    }
}

static void fill_one(struct e1000 *s, struct stored *f, uint8_t *d)
{
    uint64_t addr = ldl_u64(d);
    size_t len = 0;

    if (addr) { /* zero: a descriptor to be skipped */
        len = fill_buffer(s, f, addr, buffer_size(s));
    }
    if (is_extended(s)) {
        put_extended(d, f, len, f->left == 0);
    } else {
        put_legacy(d, f, len, f->left == 0);
    }
}

static void write_descriptor(struct e1000 *s, struct stored *f)
{
    unsigned size = desc_size(s);
    uint64_t at =
        ((uint64_t)s->rdbah << 32 | s->rdbal) + (uint64_t)s->rdh * size;
    uint8_t d[2 * E1000_DESC];

    pci_dma_read(&s->pci, at, d, size);
    if (is_split(s)) {
        fill_split(s, f, d);
    } else {
        fill_one(s, f, d);
    }
    __atomic_thread_fence(__ATOMIC_RELEASE); /* a CPU may be polling */
    pci_dma_write(&s->pci, at, d, size);
    s->rdh = s->rdh + 1 < ring_size(s) ? s->rdh + 1 : 0;
}

static void store(struct e1000 *s, struct stored *f)
{
    size_t want = (f->left + buffer_size(s) - 1) / buffer_size(s);
    uint32_t n = ring_free(s);
    size_t len = f->left;
    uint32_t threshold;

    if (want > n) {
        e1000_count(s, ST_MPC, 1);
        e1000_raise(s, ICR_RXO);
        return;
    }
    for (; n && f->left; n--) {
        write_descriptor(s, f);
    }
    threshold = ring_size(s) >> (1 + (s->rctl >> RCTL_RDMTS_SHIFT & 3));
    if (n <= threshold) {
        e1000_raise(s, ICR_RXDMT0);
    }
    e1000_raise_rx(s, len);
}

static void accept(struct e1000 *s, const struct net_packet *p)
{
    const uint8_t *d = p->data;
    bool vlan = is_vlan(s, d, p->len);
    struct stored f = {0};

    e1000_count(s, ST_TPR, 1);
    e1000_count64(s, ST_TORL, p->len + FCS);
    if (!size_passes(s, p->len) || !address_passes(s, d) ||
        (vlan && !vlan_passes(s, d)) ||
        (is_pause(d) && !(s->rctl & RCTL_PMCF))) {
        return;
    }
    if (!exact_passes(s, d) && !nic_is_broadcast(d)) {
        f.status |= RXS_PIF;
    }
    count_frame(s, d, p->len);
    judge(s, p, &f);
    cut(s, d, p->len, vlan, &f);
    store(s, &f);
}

void e1000_receive(void *opaque, const struct net_packet *p)
{
    struct e1000 *s = opaque;
    struct net_packet padded = *p;
    uint8_t small[FRAME_MIN] = {0};

    if (!listens(s) || s->rx_busy || p->len < NET_HEADER) {
        return;
    }
    if (p->len < FRAME_MIN) {
        memcpy(small, p->data, p->len);
        padded.data = small;
        padded.len = FRAME_MIN;
    }
    s->rx_busy = true;
    s->busy++;
    accept(s, &padded);
    s->busy--;
    s->rx_busy = false;
}
