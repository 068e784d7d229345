/* SPDX-License-Identifier: MIT */
/*
 * virtio-balloon. [VIRTIO] 5.5 "Traditional Memory Balloon Device".
 *
 * Pages in the balloon and pages that the guest reports as free go back to
 * the host at once. Statistics: the guest's buffer with them stays on the
 * ring until new ones are wanted, then it is given back.
 *
 * Not modelled: free page hints (for migration), pages of other memory than
 * the machine's main memory.
 */
#include "hw/virtio/virtio_balloon.h"

#include <string.h>

#include "base/text.h"

enum { /* features */
       F_STATS = 1,
       F_DEFLATE_ON_OOM = 2,
       F_PAGE_POISON = 4,
       F_REPORTING = 5,
};
enum { C_NUM_PAGES = 0, C_ACTUAL = 4, C_POISON = 12, C_SIZE = 16 };
enum { INFLATE, DEFLATE, FURTHER }; /* queues; then those of features */
enum { QUEUE_SIZE = 128, REPORT_SIZE = 32, PAGE_SHIFT = 12, PFN = 4 };
enum { STATS = 10, STAT_SIZE = 10 };
/* Of what one buffer holds, no more is looked at. */
enum { LIST_MAX = 256 * 1024, STATS_MAX = 64 * STAT_SIZE };

static const char *const stat_names[STATS] = {
    "stat-swap-in",          "stat-swap-out",    "stat-major-faults",
    "stat-minor-faults",     "stat-free-memory", "stat-total-memory",
    "stat-available-memory", "stat-disk-caches", "stat-htlb-pgalloc",
    "stat-htlb-pgfail",
};

struct virtio_balloon {
    struct virtio_pci proxy;
    struct virtio v;

    bool deflate_on_oom, free_page_reporting, page_poison, ignored;

    uint64_t stat[STATS]; /* UINT64_MAX: not known */
    int64_t stat_time;    /* seconds since 1970, 0: never */
    int64_t poll_seconds; /* 0: nobody asks */
    bool stat_waits;      /* their buffer is on the ring, read */
    struct timer poll;
};

static struct virtio_balloon *balloon_of(struct virtio *v)
{
    return container_of(v, struct virtio_balloon, v);
}

/* Queues of features that the driver did not take are not counted. */
static unsigned stats_queue(const struct virtio *v)
{
    return virtio_has(v, F_STATS) ? FURTHER : VIRTIO_QUEUES;
}

static unsigned report_queue(const struct virtio *v)
{
    return !virtio_has(v, F_REPORTING) ? VIRTIO_QUEUES
           : virtio_has(v, F_STATS)    ? FURTHER + 1
                                       : FURTHER;
}

/* --- pages --- */

/* A run of pages that goes back in one piece. */
struct run {
    uint64_t first, count;
};

static void discard_run(struct machine *m, struct run *r, uint64_t next)
{
    dma_discard(&m->memory, m->ram, r->first << PAGE_SHIFT,
                r->count << PAGE_SHIFT);
    *r = (struct run){next, 1};
}

/* The buffer is a list of page numbers; neighbours go together. */
static bool inflate(struct virtio *v, unsigned queue, struct virtq_buf *buf)
{
    struct run r = {0, 0};
    uint8_t b[256 * PFN];
    size_t len;

    for (size_t at = 0; at < LIST_MAX; at += len) {
        len = virtq_read(buf, at, b, sizeof(b));
        for (size_t i = 0; i + PFN <= len; i += PFN) {
            uint64_t page = ldl_u32(b + i);

            if (page == r.first + r.count) {
                r.count++;
            } else {
                discard_run(v->machine, &r, page);
            }
        }
        if (len < sizeof(b)) {
            break;
        }
    }
    discard_run(v->machine, &r, 0);
    virtio_push(v, queue, buf, 0);
    return true;
}

/* They are the guest's again: the host gives new ones when it touches them. */
static bool deflate(struct virtio *v, unsigned queue, struct virtq_buf *buf)
{
    virtio_push(v, queue, buf, 0);
    return true;
}

/* The buffer is the free pages themselves. A guest that poisons them wants to
 * find that again. */
static bool report(struct virtio *v, unsigned queue, struct virtq_buf *buf)
{
    struct machine *m = v->machine;
    bool poisoned =
        virtio_has(v, F_PAGE_POISON) && ldl_u32(v->config + C_POISON) != 0;

    uint64_t left = m->ram_size;

    for (unsigned i = buf->out_count;
         !poisoned && i < buf->out_count + buf->in_count &&
         buf->iov[i].iov_len <= left;
         i++) {
        left -= buf->iov[i].iov_len;
        dma_discard(&m->memory, m->ram, buf->addr[i], buf->iov[i].iov_len);
    }
    virtio_push(v, queue, buf, 0);
    return true;
}

/* --- statistics --- */

static void read_stats(struct virtio_balloon *s, const struct virtq_buf *buf)
{
    uint8_t b[STAT_SIZE];

    memset(s->stat, 0xff, sizeof(s->stat));
    for (size_t at = 0;
         at < STATS_MAX && virtq_read(buf, at, b, STAT_SIZE) == STAT_SIZE;
         at += STAT_SIZE) {
        unsigned tag = ldl_u16(b);

        if (tag < STATS) {
            s->stat[tag] = ldl_u64(b + 2);
        }
    }
    s->stat_time = machine_rtc_ns(s->v.machine) / NS_PER_SECOND;
}

static bool take_stats(struct virtio *v, unsigned queue, struct virtq_buf *buf)
{
    struct virtio_balloon *s = balloon_of(v);

    read_stats(s, buf);
    s->stat_waits = true;
    virtq_unpop(&v->queue[queue], buf);
    return false;
}

static void poll_later(struct virtio_balloon *s)
{
    if (s->poll_seconds && (s->v.status & VIRTIO_DRIVER_OK)) {
        timer_set(&s->poll, clock_now(&s->v.machine->clock) +
                                s->poll_seconds * NS_PER_SECOND);
    } else {
        timer_cancel(&s->poll);
    }
}

/* Giving the buffer back asks the guest for new ones. */
static void ask_for_stats(void *opaque)
{
    struct virtio_balloon *s = opaque;
    unsigned queue = stats_queue(&s->v);
    struct virtq_buf *buf =
        s->stat_waits && queue < s->v.queues ? virtio_pop(&s->v, queue) : NULL;

    if (buf) {
        s->stat_waits = false;
        virtio_push(&s->v, queue, buf, 0);
    }
    poll_later(s);
}

/* {"stats": {...}, "last-update": seconds} */
static char *stats_json(const struct virtio_balloon *s)
{
    GString *text = g_string_new("{\"stats\": {");

    for (unsigned i = 0; i < STATS; i++) {
        g_string_append_printf(text, "%s\"%s\": %" G_GINT64_FORMAT,
                               i ? ", " : "", stat_names[i],
                               (int64_t)s->stat[i]);
    }
    g_string_append_printf(text, "}, \"last-update\": %" G_GINT64_FORMAT "}",
                           s->stat_time);
    return g_string_free(text, FALSE);
}

static char *get_value(struct virtio_pci *p, const char *name)
{
    const struct virtio_balloon *s =
        container_of(p, struct virtio_balloon, proxy);

    if (strcmp(name, "guest-stats") == 0) {
        return stats_json(s);
    }
    return strcmp(name, "guest-stats-polling-interval") == 0
               ? g_strdup_printf("%" G_GINT64_FORMAT, s->poll_seconds)
               : NULL;
}

static bool set_value(struct virtio_pci *p, const char *name, const char *value,
                      GError **error)
{
    struct virtio_balloon *s = container_of(p, struct virtio_balloon, proxy);
    uint64_t seconds;

    if (strcmp(name, "guest-stats-polling-interval") != 0) {
        return fail(error, "Property '%s.%s' cannot be set any more",
                    p->pci.dev.type->name, name);
    }
    if (!text_to_uint(value, UINT32_MAX, &seconds)) {
        return fail(error, "timer value must be greater than zero");
    }
    s->poll_seconds = (int64_t)seconds;
    poll_later(s);
    return true;
}

/* --- the device --- */

static bool balloon_notify(struct virtio *v, unsigned queue)
{
    if (queue == INFLATE) {
        return virtio_each(v, queue, inflate);
    }
    if (queue == DEFLATE) {
        return virtio_each(v, queue, deflate);
    }
    if (queue == stats_queue(v)) {
        if (!balloon_of(v)->stat_waits) {
            virtio_each(v, queue, take_stats);
        }
        return false;
    }
    return queue == report_queue(v) && virtio_each(v, queue, report);
}

static void balloon_started(struct virtio *v)
{
    poll_later(balloon_of(v));
}

uint64_t virtio_balloon_actual(const struct virtio *v)
{
    uint64_t taken = (uint64_t)ldl_u32(v->config + C_ACTUAL) << PAGE_SHIFT;

    return v->machine->ram_size - MIN(taken, v->machine->ram_size);
}

static void balloon_config_written(struct virtio *v, unsigned at, unsigned size,
                                   const uint8_t *old)
{
    uint8_t now[VIRTIO_CONFIG];
    g_autofree char *json = NULL;

    memcpy(now, v->config, sizeof(now));
    memcpy(v->config, old, sizeof(now));
    memcpy(v->config + C_ACTUAL, now + C_ACTUAL, 4);
    memcpy(v->config + C_POISON, now + C_POISON, 4);
    if (memcmp(old + C_ACTUAL, now + C_ACTUAL, 4) != 0) {
        json = g_strdup_printf("{\"actual\": %" G_GUINT64_FORMAT "}",
                               virtio_balloon_actual(v));
        machine_event(v->machine, "BALLOON_CHANGE", json);
    }
}

void virtio_balloon_ask(struct virtio *v, uint64_t bytes)
{
    uint64_t size = v->machine->ram_size;

    stl_u32(v->config + C_NUM_PAGES,
            (uint32_t)((size - MIN(bytes, size)) >> PAGE_SHIFT));
    virtio_config_changed(v);
}

struct virtio *virtio_balloon_find(struct machine *m)
{
    for (unsigned i = 0; i < VIRTIO_PCI_VARIANTS; i++) {
        struct dev *dev = machine_find_type(m, &virtio_balloon_types[i]);

        if (dev) {
            return container_of(dev, struct virtio_pci, pci.dev)->v;
        }
    }
    return NULL;
}

/* What the driver had taken is the guest's again, it may think; what was asked
 * for stays. */
static void balloon_reset(struct virtio *v)
{
    struct virtio_balloon *s = balloon_of(v);

    timer_cancel(&s->poll);
    s->stat_waits = false;
    memset(s->stat, 0xff, sizeof(s->stat));
    s->stat_time = 0;
    stl_u32(v->config + C_ACTUAL, 0);
    stl_u32(v->config + C_POISON, 0);
}

static bool balloon_check(struct virtio *v, GError **error)
{
    const struct virtio_balloon *s = balloon_of(v);

    return (s->poll_seconds >= 0 && s->poll_seconds <= UINT32_MAX) ||
           fail(error, "virtio-balloon: a bad interval");
}

static bool balloon_realize(struct virtio *v, GError **error)
{
    struct virtio_balloon *s = balloon_of(v);

    if (virtio_balloon_find(v->machine)) {
        return fail(error, "%s: a machine has one balloon", dev_name(v->dev));
    }
    virtio_add_queue(v, QUEUE_SIZE);
    virtio_add_queue(v, QUEUE_SIZE);
    virtio_add_queue(v, QUEUE_SIZE);
    virtio_offer(v, F_STATS);
    if (s->deflate_on_oom) {
        virtio_offer(v, F_DEFLATE_ON_OOM);
    }
    if (s->free_page_reporting) {
        virtio_add_queue(v, REPORT_SIZE);
        virtio_offer(v, F_REPORTING);
        if (s->page_poison) {
            virtio_offer(v, F_PAGE_POISON);
        }
    }
    v->vectors = 5;
    timer_init(&s->poll, &v->machine->clock, ask_for_stats, s);
    return true;
}

static const struct virtio_type balloon_type = {
    .name = "virtio-balloon",
    .id = VIRTIO_ID_BALLOON,
    .pci_class = 0x00ff00,
    .config_size = C_SIZE,
    .realize = balloon_realize,
    .notify = balloon_notify,
    .config_written = balloon_config_written,
    .started = balloon_started,
    .reset = balloon_reset,
    .check = balloon_check,
};

static const struct field balloon_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_balloon, proxy, false),
    PROP_AS(struct virtio_balloon, deflate_on_oom, "deflate-on-oom", false),
    PROP_AS(struct virtio_balloon, free_page_reporting, "free-page-reporting",
            false),
    PROP_AS(struct virtio_balloon, page_poison, "page-poison", true),
    PROP_AS(struct virtio_balloon, ignored, "free-page-hint", false),
    FIELD_END,
};

static const struct field balloon_state[] = {
    VIRTIO_PCI_STATE(struct virtio_balloon, proxy),
    VIRTIO_STATE(struct virtio_balloon, v),
    FIELD_ARRAY(struct virtio_balloon, stat),
    FIELD(struct virtio_balloon, stat_time),
    FIELD(struct virtio_balloon, poll_seconds),
    FIELD(struct virtio_balloon, stat_waits),
    FIELD(struct virtio_balloon, poll),
    FIELD_END,
};

static void balloon_init(struct dev *dev)
{
    struct virtio_balloon *s =
        container_of(dev, struct virtio_balloon, proxy.pci.dev);

    virtio_pci_init(&s->proxy, &s->v, &balloon_type);
    s->proxy.get_value = get_value;
    s->proxy.set_value = set_value;
}

/* clang-format off */
const struct dev_type virtio_balloon_types[VIRTIO_PCI_VARIANTS] =
    VIRTIO_PCI_TYPES("virtio-balloon", "memory balloon",
                     struct virtio_balloon, balloon_props, balloon_state,
                     balloon_init);
/* clang-format on */
