/* SPDX-License-Identifier: MIT */
/*
 * The control queue of virtio-net, and the filter that it sets. [VIRTIO]
 * 5.1.6.5: a command is its class, its number and its data; the device
 * answers with one byte.
 */
#include <string.h>

#include "hw/net/virtio_net.h"

enum { ACK_OK = 0, ACK_ERR = 1, HEADER = 2 };
enum { /* classes */
       CLASS_RX = 0,
       CLASS_MAC = 1,
       CLASS_VLAN = 2,
       CLASS_ANNOUNCE = 3,
       CLASS_MQ = 4,
       CLASS_OFFLOADS = 5,
};
enum { MAC_TABLE_SET = 0, MAC_ADDR_SET = 1, VLAN_ADD = 0, VLAN_DEL = 1 };
enum { ETH_TYPE = 12, ETH_VLAN = 0x8100 };

/* Data of a command; false where it is shorter. */
static bool data(const struct virtq_buf *buf, size_t at, void *to, size_t len)
{
    return virtq_read(buf, HEADER + at, to, len) == len;
}

static bool ctrl_rx(struct virtio_net *s, uint8_t command,
                    const struct virtq_buf *buf)
{
    bool *const modes[] = {&s->promisc, &s->allmulti, &s->alluni,
                           &s->nomulti, &s->nouni,    &s->nobcast};
    unsigned extra = virtio_has(&s->v, VNET_F_CTRL_RX_EXTRA);
    uint8_t on;

    if (!virtio_has(&s->v, VNET_F_CTRL_RX) || command >= (extra ? 6 : 2) ||
        !data(buf, 0, &on, 1)) {
        return false;
    }
    *modes[command] = on;
    return true;
}

/* One of the two lists of the table, at `at` of the data; *at moves behind it.
 * What has no room is counted as overflow. */
static bool take_list(struct virtio_net *s, const struct virtq_buf *buf,
                      uint64_t *at, uint16_t from, uint16_t *count,
                      bool *overflow)
{
    uint8_t b[4];
    uint32_t n;

    if (!data(buf, *at, b, sizeof(b))) {
        return false;
    }
    n = ldl_u32(b);
    *at += sizeof(b);
    if ((uint64_t)n * NET_MAC > buf->out_len - HEADER - *at) {
        return false;
    }
    *overflow = n > VNET_MACS - (unsigned)from;
    *count = *overflow ? 0 : (uint16_t)n;
    if (!data(buf, *at, s->macs + from * NET_MAC, (size_t)*count * NET_MAC)) {
        return false;
    }
    *at += (uint64_t)n * NET_MAC;
    return true;
}

static bool set_table(struct virtio_net *s, const struct virtq_buf *buf)
{
    uint64_t at = 0;
    bool ok;

    memset(s->macs, 0, sizeof(s->macs));
    s->unicasts = s->multicasts = 0;
    s->uni_overflow = s->multi_overflow = false;
    ok =
        take_list(s, buf, &at, 0, &s->unicasts, &s->uni_overflow) &&
        take_list(s, buf, &at, s->unicasts, &s->multicasts, &s->multi_overflow);
    if (!ok) { /* half a table is none */
        s->unicasts = s->multicasts = 0;
    }
    return ok;
}

static bool ctrl_mac(struct virtio_net *s, uint8_t command,
                     const struct virtq_buf *buf)
{
    uint8_t mac[NET_MAC];

    if (command == MAC_TABLE_SET && virtio_has(&s->v, VNET_F_CTRL_RX)) {
        return set_table(s, buf);
    }
    if (command != MAC_ADDR_SET || !virtio_has(&s->v, VNET_F_CTRL_MAC_ADDR) ||
        !data(buf, 0, mac, sizeof(mac))) {
        return false;
    }
    memcpy(s->v.config + VNET_C_MAC, mac, sizeof(mac));
    return true;
}

static bool ctrl_vlan(struct virtio_net *s, uint8_t command,
                      const struct virtq_buf *buf)
{
    uint8_t b[2];
    unsigned id;

    if (!virtio_has(&s->v, VNET_F_CTRL_VLAN) || !data(buf, 0, b, 2) ||
        command > VLAN_DEL) {
        return false;
    }
    id = ldl_u16(b);
    if (id >= VNET_VLANS) {
        return false;
    }
    if (command == VLAN_ADD) {
        s->vlans[id / 8] |= (uint8_t)(1u << id % 8);
    } else {
        s->vlans[id / 8] &= (uint8_t) ~(1u << id % 8);
    }
    return true;
}

static bool ctrl_announce(struct virtio_net *s, uint8_t command)
{
    uint8_t *status = s->v.config + VNET_C_STATUS;

    if (command != 0 || !(*status & VNET_S_ANNOUNCE)) {
        return false;
    }
    *status &= (uint8_t)~VNET_S_ANNOUNCE;
    return true;
}

static bool ctrl_mq(struct virtio_net *s, uint8_t command,
                    const struct virtq_buf *buf)
{
    uint8_t b[2];
    unsigned n;

    if (!virtio_has(&s->v, VNET_F_MQ) || command != 0 || !data(buf, 0, b, 2)) {
        return false;
    }
    n = ldl_u16(b);
    if (n < 1 || n > s->pairs) {
        return false;
    }
    s->active = (uint16_t)n;
    return true;
}

static bool ctrl_offloads(struct virtio_net *s, uint8_t command,
                          const struct virtq_buf *buf)
{
    uint8_t b[8];

    if (!virtio_has(&s->v, VNET_F_CTRL_GUEST_OFFLOADS) || command != 0 ||
        !data(buf, 0, b, sizeof(b)) || (ldl_u64(b) & ~s->v.features)) {
        return false;
    }
    s->guest_offloads = ldl_u64(b);
    vnet_set_offloads(s);
    return true;
}

static bool run(struct virtio_net *s, const uint8_t *header,
                const struct virtq_buf *buf)
{
    switch (header[0]) {
    case CLASS_RX: return ctrl_rx(s, header[1], buf);
    case CLASS_MAC: return ctrl_mac(s, header[1], buf);
    case CLASS_VLAN: return ctrl_vlan(s, header[1], buf);
    case CLASS_ANNOUNCE: return ctrl_announce(s, header[1]);
    case CLASS_MQ: return ctrl_mq(s, header[1], buf);
    case CLASS_OFFLOADS: return ctrl_offloads(s, header[1], buf);
    default: return false;
    }
}

static bool take_command(struct virtio *v, unsigned queue,
                         struct virtq_buf *buf)
{
    uint8_t header[HEADER];
    uint8_t ack;

    if (virtq_read(buf, 0, header, HEADER) < HEADER || buf->in_len < 1) {
        virtio_fail(v, "a command without a header or answer");
        virtio_push(v, queue, buf, 0);
        return false;
    }
    ack = run(vnet_of(v), header, buf) ? ACK_OK : ACK_ERR;
    virtio_push(v, queue, buf, (uint32_t)virtq_write(buf, 0, &ack, 1));
    return true;
}

bool vnet_ctrl(struct virtio *v, unsigned queue)
{
    return virtio_each(v, queue, take_command);
}

/* --- the filter --- */

/* All pass until the driver says otherwise. */
void vnet_filter_reset(struct virtio_net *s)
{
    s->promisc = true;
    s->allmulti = s->alluni = s->nomulti = s->nouni = s->nobcast = false;
    s->uni_overflow = s->multi_overflow = false;
    s->unicasts = s->multicasts = 0;
    memset(s->macs, 0, sizeof(s->macs));
    memset(s->vlans, 0, sizeof(s->vlans));
}

static bool in_table(const struct virtio_net *s, const uint8_t *mac,
                     unsigned from, unsigned count)
{
    for (unsigned i = from; i < from + count; i++) {
        if (memcmp(s->macs + i * NET_MAC, mac, NET_MAC) == 0) {
            return true;
        }
    }
    return false;
}

static bool vlan_passes(const struct virtio_net *s, const uint8_t *frame,
                        size_t len)
{
    unsigned id;

    if (!virtio_has(&s->v, VNET_F_CTRL_VLAN) || len < NET_HEADER + 4 ||
        (frame[ETH_TYPE] << 8 | frame[ETH_TYPE + 1]) != ETH_VLAN) {
        return true;
    }
    id = (frame[NET_HEADER] << 8 | frame[NET_HEADER + 1]) & (VNET_VLANS - 1u);
    return s->vlans[id / 8] >> id % 8 & 1;
}

bool vnet_filter_takes(const struct virtio_net *s, const uint8_t *frame,
                       size_t len)
{
    if (s->promisc) {
        return true;
    }
    if (!vlan_passes(s, frame, len)) {
        return false;
    }
    if (nic_is_broadcast(frame)) {
        return !s->nobcast;
    }
    if (nic_is_multicast(frame)) {
        return !s->nomulti && (s->allmulti || s->multi_overflow ||
                               in_table(s, frame, s->unicasts, s->multicasts));
    }
    return !s->nouni &&
           (s->alluni || s->uni_overflow ||
            memcmp(frame, s->v.config + VNET_C_MAC, NET_MAC) == 0 ||
            in_table(s, frame, 0, s->unicasts));
}
