/* SPDX-License-Identifier: MIT */
/*
 * A tap interface, tuntap(4). Frames carry the header of virtio-net where the
 * host's kernel has it, so that checksums and large packets pass.
 *
 * Not modelled: several queues, vhost (accepted: it makes nothing wrong), the
 * bridge helper.
 */
#include "net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"

enum { HEADER = 10, BATCH = 64, GSO_TCP4 = 1, GSO_TCP6 = 4, GSO_ECN = 0x80 };
enum { NEEDS_CSUM = 1, DATA_VALID = 2 };

struct tap {
    struct netdev *netdev;
    struct lock *lock;
    int fd;
    guint source;
    bool waiting; /* for packets */
    bool vnet;    /* frames have a header */
    char name[IFNAMSIZ];
    char *down;    /* script, or NULL */
    unsigned have; /* bytes of `in` that the card had no room for */
    uint8_t in[HEADER + NET_PACKET_MAX];
};

static gboolean on_packet(gint fd, GIOCondition condition, gpointer data);

static struct net_port *port_of(struct tap *t)
{
    return &t->netdev->port[0];
}

static void wait_for_packets(struct tap *t, bool on)
{
    if (on == t->waiting) {
        return;
    }
    t->waiting = on;
    if (on) {
        t->source = g_unix_fd_add(t->fd, G_IO_IN, on_packet, t);
    } else {
        g_source_remove(t->source);
        t->source = 0;
    }
}

/* ---- packets ---- */

static struct net_packet packet_of(const struct tap *t)
{
    unsigned hdr = t->vnet ? HEADER : 0;
    struct net_packet p = {.data = t->in + hdr, .len = t->have - hdr};
    const uint8_t *h = t->in;

    if (t->vnet) {
        p.csum_needed = h[0] & NEEDS_CSUM;
        p.csum_valid = h[0] & DATA_VALID;
        p.ecn = h[1] & GSO_ECN;
        p.gso = (h[1] & 0x7f) == GSO_TCP4   ? NET_GSO_TCP4
                : (h[1] & 0x7f) == GSO_TCP6 ? NET_GSO_TCP6
                                            : NET_GSO_NONE;
        p.gso_size = ldl_u16(h + 4);
        p.csum_start = ldl_u16(h + 6);
        p.csum_offset = ldl_u16(h + 8);
    }
    return p;
}

/* False: the card has no room, and a packet waits. */
static bool receive(struct tap *t)
{
    unsigned least = NET_HEADER + (t->vnet ? HEADER : 0);

    for (unsigned i = 0; i < BATCH; i++) {
        ssize_t n;

        if (t->have >= least) {
            struct net_packet p = packet_of(t);

            if (!net_send(port_of(t), &p)) {
                return false;
            }
        }
        n = read(t->fd, t->in, sizeof(t->in));
        t->have = n > 0 ? (unsigned)n : 0;
        if (n <= 0) {
            return true;
        }
    }
    return true;
}

static gboolean on_packet(gint fd, GIOCondition condition, gpointer data)
{
    struct tap *t = data;

    lock_enter(t->lock);
    if (condition & (G_IO_ERR | G_IO_HUP)) {
        warn_user("network '%s': interface %s is gone", t->netdev->id, t->name);
        net_set_link(port_of(t), false);
        wait_for_packets(t, false);
    } else {
        wait_for_packets(t, receive(t));
    }
    lock_leave(t->lock);
    return G_SOURCE_CONTINUE;
}

static void port_receive(void *opaque, const struct net_packet *p)
{
    struct tap *t = opaque;
    uint8_t h[HEADER] = {0};
    struct iovec iov[2] = {{h, t->vnet ? (size_t)HEADER : 0},
                           {(void *)(uintptr_t)p->data, p->len}};

    if (p->csum_needed) {
        h[0] = NEEDS_CSUM;
        stl_u16(h + 6, p->csum_start);
        stl_u16(h + 8, p->csum_offset);
    }
    if (p->gso) {
        h[1] = (uint8_t)((p->gso == NET_GSO_TCP4 ? GSO_TCP4 : GSO_TCP6) |
                         (p->ecn ? GSO_ECN : 0));
        stl_u16(h + 2, p->csum_start); /* a hint */
        stl_u16(h + 4, p->gso_size);
    }
    if (writev(t->fd, iov, 2) < 0 && errno != EAGAIN) {
        port_of(t)->dropped++;
    }
}

static void port_writable(void *opaque)
{
    struct tap *t = opaque;

    wait_for_packets(t, receive(t));
}

static const struct net_port_ops port_ops = {
    .receive = port_receive,
    .writable = port_writable,
};

/* ---- the interface ---- */

/* script=FILE: runs it with the interface's name. */
static bool run_script(const char *script, const char *name, GError **error)
{
    const char *argv[] = {script, name, NULL};
    g_autoptr(GError) why = NULL;
    int status = 0;

    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                      NULL, NULL, &status, &why) ||
        !g_spawn_check_wait_status(status, &why)) {
        return fail(error, "script %s: %s", script, why->message);
    }
    return true;
}

static char *script_of(struct opts *o, const char *key, const char *usual)
{
    const char *text = opts_get(o, key);

    if (text) {
        return strcmp(text, "no") == 0 || !*text ? NULL : g_strdup(text);
    }
    return g_file_test(usual, G_FILE_TEST_IS_EXECUTABLE) ? g_strdup(usual)
                                                         : NULL;
}

static bool open_interface(struct tap *t, const char *name, bool vnet,
                           GError **error)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    unsigned features = 0;

    if (name && strlen(name) >= IFNAMSIZ) {
        return fail(error, "ifname=%s: names have less than %d bytes", name,
                    IFNAMSIZ);
    }
    t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (t->fd < 0) {
        return fail_errno(error, "cannot open /dev/net/tun");
    }
    ioctl(t->fd, TUNGETFEATURES, &features);
    t->vnet = vnet && features & IFF_VNET_HDR;
    r.ifr_flags |= t->vnet ? IFF_VNET_HDR : 0;
    g_strlcpy(r.ifr_name, name ? name : "tap%d", IFNAMSIZ);
    if (ioctl(t->fd, TUNSETIFF, &r) < 0) {
        return fail_errno(error, "cannot make interface %s%s", r.ifr_name,
                          errno == EPERM ? " (root may, or its owner: ip "
                                           "tuntap add mode tap user ME)"
                                         : "");
    }
    g_strlcpy(t->name, r.ifr_name, IFNAMSIZ);
    return true;
}

static bool use_descriptor(struct tap *t, const char *text, GError **error)
{
    struct ifreq r = {0};
    char *end;

    t->fd = (int)strtol(text, &end, 10);
    if (!*text || *end || ioctl(t->fd, TUNGETIFF, &r) < 0) {
        t->fd = -1;
        return fail(error, "fd=%s: want the number of an open tap", text);
    }
    fcntl(t->fd, F_SETFL, fcntl(t->fd, F_GETFL) | O_NONBLOCK);
    t->vnet = r.ifr_flags & IFF_VNET_HDR;
    g_strlcpy(t->name, r.ifr_name, IFNAMSIZ);
    return true;
}

static void set_offloads(struct tap *t)
{
    int size = HEADER;

    if (!t->vnet) {
        return;
    }
    ioctl(t->fd, TUNSETVNETHDRSZ, &size);
    if (ioctl(t->fd, TUNSETOFFLOAD,
              TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) == 0) {
        port_of(t)->offloads = NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN;
    }
}

static void tap_free(struct netdev *n)
{
    struct tap *t = n->impl;

    if (t->fd >= 0) {
        wait_for_packets(t, false);
        if (t->down) {
            run_script(t->down, t->name, NULL);
        }
        close(t->fd);
    }
    g_free(t->down);
    g_free(t);
}

static char *tap_describe(const struct netdev *n)
{
    const struct tap *t = n->impl;

    return g_strdup_printf("ifname=%s", t->name);
}

static const struct netdev_ops tap_ops = {
    .kind = "tap", .describe = tap_describe, .free = tap_free};

static bool open_tap(struct tap *t, struct opts *o, GError **error)
{
    static const char *const keys[] = {
        "type",       "id",      "ifname",   "script", "downscript",
        "fd",         "vhost",   "vnet_hdr", "sndbuf", "queues",
        "vhostforce", "vhostfd", "poll-us",  NULL};
    const char *fd = opts_get(o, "fd");
    g_autofree char *up = script_of(o, "script", "/etc/rhea-ifup");
    bool vnet = true;

    t->down = script_of(o, "downscript", "/etc/rhea-ifdown");
    if (!opts_get_bool(o, "vnet_hdr", &vnet, error)) {
        return false;
    }
    for (size_t i = 0; keys[i]; i++) {
        opts_get(o, keys[i]);
    }
    if (!opts_check_used(o, "tap", keys, error) ||
        !(fd ? use_descriptor(t, fd, error)
             : open_interface(t, opts_get(o, "ifname"), vnet, error))) {
        return false;
    }
    if (!fd && up && !run_script(up, t->name, error)) {
        g_clear_pointer(&t->down, g_free);
        return false;
    }
    return true;
}

struct netdev *net_tap_new(const char *id, struct opts *o, struct lock *lock,
                           GError **error)
{
    struct tap *t = g_new0(struct tap, 1);

    t->fd = -1;
    t->lock = lock;
    t->netdev = netdev_new(id, &tap_ops, 1, t);
    net_port_init(port_of(t), t->netdev->id, &port_ops, t);
    if (!open_tap(t, o, error)) {
        netdev_free(t->netdev);
        return NULL;
    }
    set_offloads(t);
    wait_for_packets(t, true);
    return t->netdev;
}
