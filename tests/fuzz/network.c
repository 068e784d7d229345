/* SPDX-License-Identifier: MIT */
/* What guests and peers put into rings, packets and options. */
#include <string.h>

#include "hw/virtio/virtio.h"
#include "net/offload.h"
#include "net/sock_addr.h"
#include "net/user_opts.h"
#include "tests/fuzz/fuzz.h"

enum { MEMORY = 64 << 10, QUEUE = 8, ROUNDS = 24 };

static void no_config(struct virtio *v, uint8_t *config)
{
}

static void no_notice(struct virtio *v, unsigned queue)
{
}

static const struct virtio_ops ops = {
    .type = VIRTIO_RNG, .config_size = 4, .get_config = no_config};

/* Every chain is read and written whole, then given back. */
static void use_queue(struct virtio *v, struct bytes *in)
{
    g_autofree struct virtio_chain *c = g_new(struct virtio_chain, 1);
    uint8_t data[512] = {0};

    for (unsigned i = 0; i < ROUNDS; i++) {
        if (virtqueue_pop(&v->queue[0], c)) {
            size_t n = virtio_read(c, take8(in), data, sizeof(data));

            n = virtio_write(v, c, take8(in), data, n);
            virtio_wrote(v, c, c->in_len);
            if (take8(in) & 1) {
                virtqueue_push(&v->queue[0], c, (uint32_t)n);
            } else {
                virtqueue_unpop(&v->queue[0], c);
            }
        }
        virtqueue_flush(&v->queue[0]);
        virtqueue_want_kicks(&v->queue[0], take8(in) & 1);
    }
}

/* The bytes are the guest's memory; the rings lie in it where they say. */
static void run_virtqueue(const struct fuzz_target *t, const uint8_t *data,
                          size_t len)
{
    struct bytes in = {data, len};
    struct machine m;
    struct dev dev = {.type = &(const struct dev_type){.name = "fuzz"},
                      .machine = &m};
    struct virtio v = {0};
    struct region region;
    struct ram *ram;

    machine_init(&m);
    lock_enter(&m.lock);
    ram = machine_ram_new(&m, "fuzz", MEMORY, NULL);
    region_init_ram(&region, "fuzz", ram, 0, MEMORY);
    region_add(&m.memory.root, &region, 0, 0);
    memcpy(ram->host, data, MIN(len, (size_t)MEMORY));
    virtio_init(&v, &ops, &dev, 0);
    v.interrupt = no_notice;
    virtio_add_queue(&v, QUEUE, no_notice);
    virtio_reset(&v);
    v.features =
        VIRTIO_F_VERSION_1 | (take8(&in) & 1 ? VIRTIO_F_RING_PACKED : 0) |
        (take8(&in) & 1 ? VIRTIO_F_EVENT_IDX : 0) | VIRTIO_F_INDIRECT_DESC;
    v.q.desc[0] = take16(&in) & 0x1ff0u;
    v.q.driver[0] = take16(&in) & 0x1ffeu;
    v.q.device[0] = take16(&in) & 0x1ffeu;
    v.q.enabled[0] = true;
    v.status = VIRTIO_DRIVER_OK;
    virtio_map_queue(&v, 0);
    use_queue(&v, &in);
    region_remove(&region);
    lock_leave(&m.lock);
    machine_clear(&m);
}

static void count_segment(void *opaque, const uint8_t *data, size_t len)
{
    *(size_t *)opaque += len + data[len - 1];
}

/* A packet with what its sender says is to be done to it. */
static void run_offload(const struct fuzz_target *t, const uint8_t *data,
                        size_t len)
{
    struct bytes in = {data, len};
    struct net_packet p = {.csum_needed = true};
    size_t sum = 0;
    g_autofree uint8_t *copy = NULL;

    p.gso = take8(&in) % 3;
    p.gso_size = take16(&in);
    p.csum_start = take16(&in) & 0xff;
    p.csum_offset = take16(&in) & 0xff;
    copy = g_memdup2(in.at, in.left);
    p.data = copy;
    p.len = in.left;
    if (p.len) {
        net_csum_fill(&p, copy);
        net_segment(&p, count_segment, &sum);
        net_gso_lengths(&p, copy);
    }
}

static void run_net_options(const struct fuzz_target *t, const uint8_t *data,
                            size_t len)
{
    g_autofree char *text = g_strndup((const char *)data, len);
    struct opts *o = opts_parse(text, "net", NULL);
    struct user_forward f;
    struct sock_addr a;

    user_forward_parse(&f, text, true, NULL);
    user_forward_parse(&f, text, false, NULL);
    if (o) {
        struct user_opts u;

        user_opts_parse(&u, o, NULL);
        user_opts_clear(&u);
        if (!opts_has(o, "addr.host")) { /* names are not to be looked up */
            sock_addr_opts(&a, o, "addr", true, NULL);
        }
        opts_free(o);
    }
}

void fuzz_add_network(GPtrArray *targets)
{
    fuzz_add(targets, g_strdup("virtqueue"), run_virtqueue, NULL, NULL);
    fuzz_add(targets, g_strdup("offload"), run_offload, NULL, NULL);
    fuzz_add(targets, g_strdup("net-options"), run_net_options, NULL, NULL);
}
