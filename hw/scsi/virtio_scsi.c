/* SPDX-License-Identifier: MIT */
/*
 * virtio-scsi. [VIRTIO] 5.6 "SCSI Host Device". The units on its bus are those
 * of scsi.h; their data move between the image and the guest's memory.
 *
 * Task management has no request to abort: those that are under way end
 * first.
 *
 * Not modelled: bidirectional commands, protection information, pass-through.
 */
#include "hw/scsi/virtio_scsi.h"

#include <string.h>

#include "hw/scsi/scsi.h"

enum { CONTROL, EVENTS, REQUESTS, QUEUES_AUTO = 65535, TARGETS = 256 };
enum { F_INOUT = 0, F_HOTPLUG = 1, F_CHANGE = 2 };
enum { /* configuration space */
       C_NUM_QUEUES = 0,
       C_SEG_MAX = 4,
       C_MAX_SECTORS = 8,
       C_CMD_PER_LUN = 12,
       C_EVENT_SIZE = 16,
       C_SENSE_SIZE = 20,
       C_CDB_SIZE = 24,
       C_MAX_CHANNEL = 28,
       C_MAX_TARGET = 30,
       C_MAX_LUN = 32,
       C_SIZE = 36,
       SENSE_DEFAULT = 96,
       CDB_DEFAULT = 32,
};
enum { /* a request's head and answer; then sense_size, cdb_size bytes */
       RQ_LUN = 0,
       RQ_CDB = 19,
       RS_SENSE_LEN = 0,
       RS_RESIDUAL = 4,
       RS_STATUS = 10,
       RS_RESPONSE = 11,
       RS_SENSE = 12,
};
enum { /* responses */
       S_OK = 0,
       S_BAD_TARGET = 3,
       S_FAILURE = 9,
       S_SUCCEEDED = 10,
       S_REJECTED = 11,
       S_INCORRECT_LUN = 12,
};
enum { /* control: types, and task management functions */
       T_TMF = 0,
       T_AN_QUERY = 1,
       T_AN_SUBSCRIBE = 2,
       TMF_ABORT_TASK = 0,
       TMF_ABORT_SET = 1,
       TMF_CLEAR_ACA = 2,
       TMF_CLEAR_SET = 3,
       TMF_NEXUS_RESET = 4,
       TMF_LUN_RESET = 5,
       TMF_QUERY_TASK = 6,
       TMF_QUERY_SET = 7,
};
enum { E_RESET = 1, E_PARAMETER = 3, E_RESCAN = 1, E_REMOVED = 2, EVENT = 16 };
#define E_MISSED (1u << 31)

struct virtio_scsi {
    struct virtio_pci proxy;
    struct virtio v;
    struct scsi_bus *bus;
    bool dropping; /* being reset: nobody waits for what comes back */
    /* properties */
    uint16_t num_queues, queue_size;
    uint32_t seg_max, max_sectors, cmd_per_lun;
    bool hotplug, param_change, seg_max_adjust;
    char *iothread;

    bool missed; /* saved: an event found no buffer */
};

struct command {
    struct scsi_request scsi;
    struct virtio_scsi *s;
    struct virtq_buf *buf;
    uint16_t queue;
    struct iovec iov[];
};

static struct virtio_scsi *scsi_of(struct virtio *v)
{
    return container_of(v, struct virtio_scsi, v);
}

static unsigned sense_size(const struct virtio_scsi *s)
{
    return ldl_u32(s->v.config + C_SENSE_SIZE);
}

static unsigned cdb_size(const struct virtio_scsi *s)
{
    return ldl_u32(s->v.config + C_CDB_SIZE);
}

/* --- addresses. [VIRTIO] 5.6.6.1 --- */

static unsigned lun_of(const uint8_t *lun)
{
    return ((unsigned)lun[2] << 8 | lun[3]) & 0x3fff;
}

static struct scsi_unit *target_of(const struct virtio_scsi *s,
                                   const uint8_t *lun)
{
    return lun[0] == 1 ? scsi_bus_target(s->bus, lun[1]) : NULL;
}

static struct scsi_unit *unit_of(const struct virtio_scsi *s,
                                 const uint8_t *lun)
{
    return lun[0] == 1 ? scsi_bus_unit(s->bus, lun[1], lun_of(lun)) : NULL;
}

static void put_lun(uint8_t *lun, const struct scsi_unit *u)
{
    memset(lun, 0, 8);
    lun[0] = 1;
    lun[1] = (uint8_t)u->target;
    lun[2] = (uint8_t)(u->lun >> 8 | 0x40);
    lun[3] = (uint8_t)u->lun;
}

/* --- requests --- */

static void answer(struct virtio_scsi *s, unsigned queue, struct virtq_buf *buf,
                   uint8_t response)
{
    uint8_t head[RS_SENSE] = {0};

    if (s->dropping) {
        virtq_drop(buf);
        return;
    }
    head[RS_RESPONSE] = response;
    virtio_push(&s->v, queue, buf,
                (uint32_t)virtq_write(buf, 0, head, sizeof(head)));
}

static void command_done(struct scsi_request *r)
{
    struct command *c = container_of(r, struct command, scsi);
    struct virtio_scsi *s = c->s;
    unsigned head_size = RS_SENSE + sense_size(s);
    g_autofree uint8_t *head = g_malloc0(head_size);
    size_t written = head_size + (r->to_device ? 0 : r->moved);

    if (s->dropping) {
        virtq_drop(c->buf);
        g_free(c);
        return;
    }
    if (r->status == SCSI_CHECK_CONDITION) {
        unsigned len = MIN(SCSI_SENSE, sense_size(s));

        stl_u32(head + RS_SENSE_LEN, len);
        memcpy(head + RS_SENSE, r->sense, len);
    }
    stl_u32(head + RS_RESIDUAL, (uint32_t)(r->len - MIN(r->moved, r->len)));
    head[RS_STATUS] = r->status;
    virtq_write(c->buf, 0, head, head_size);
    virtio_push(&s->v, c->queue, c->buf, (uint32_t)MIN(written, UINT32_MAX));
    g_free(c);
}

/* The data area: what lies behind the head, or behind the answer. */
static void take_area(struct command *c, size_t out_at, size_t in_at)
{
    struct virtq_buf *buf = c->buf;
    struct scsi_request *r = &c->scsi;
    uint64_t out = buf->out_len - out_at, in = buf->in_len - in_at;

    r->iov = c->iov;
    r->to_device = out > 0;
    r->len = r->to_device ? out : in;
    r->iov_count = r->to_device ? virtq_slice(buf->iov, buf->out_count, out_at,
                                              out, c->iov)
                                : virtq_slice(buf->iov + buf->out_count,
                                              buf->in_count, in_at, in, c->iov);
}

static bool take_command(struct virtio *v, unsigned queue,
                         struct virtq_buf *buf)
{
    struct virtio_scsi *s = scsi_of(v);
    size_t out_head = RQ_CDB + cdb_size(s), in_head = RS_SENSE + sense_size(s);
    uint8_t head[RQ_CDB + SCSI_CDB] = {0};
    struct scsi_unit *target;
    struct command *c;

    if (buf->out_len < out_head || buf->in_len < in_head) {
        virtio_fail(v, "a request without its head or answer");
        virtio_push(v, queue, buf, 0);
        return false;
    }
    virtq_read(buf, 0, head, MIN(sizeof(head), out_head));
    target = target_of(s, head + RQ_LUN);
    if (!target || (buf->out_len > out_head && buf->in_len > in_head)) {
        answer(s, queue, buf, target ? S_FAILURE : S_BAD_TARGET);
        return true;
    }
    c = g_malloc0(sizeof(*c) +
                  (buf->out_count + buf->in_count) * sizeof(c->iov[0]));
    c->s = s;
    c->buf = buf;
    c->queue = (uint16_t)queue;
    memcpy(c->scsi.cdb, head + RQ_CDB, SCSI_CDB);
    c->scsi.done = command_done;
    c->scsi.unit = unit_of(s, head + RQ_LUN);
    take_area(c, out_head, in_head);
    if (c->scsi.unit) {
        scsi_submit(&c->scsi);
    } else {
        scsi_wrong_lun(&c->scsi, target);
    }
    return true;
}

/* --- control --- */

static uint8_t reset_target(struct virtio_scsi *s, const uint8_t *lun)
{
    for (guint i = 0; i < s->bus->units->len; i++) {
        struct scsi_unit *u = s->bus->units->pdata[i];

        if (u->target == lun[1]) {
            scsi_unit_reset(u);
        }
    }
    return S_OK;
}

static uint8_t manage(struct virtio_scsi *s, uint32_t function,
                      const uint8_t *lun)
{
    struct scsi_unit *u = unit_of(s, lun);

    if (!target_of(s, lun)) {
        return S_BAD_TARGET;
    }
    if (function == TMF_NEXUS_RESET) {
        return reset_target(s, lun);
    }
    if (!u) {
        return S_INCORRECT_LUN;
    }
    switch (function) {
    case TMF_ABORT_TASK:
    case TMF_ABORT_SET:
    case TMF_CLEAR_SET: scsi_drain(u); return S_OK;
    case TMF_LUN_RESET: scsi_unit_reset(u); return S_OK;
    case TMF_QUERY_TASK:
    case TMF_QUERY_SET: return u->drive->in_flight ? S_SUCCEEDED : S_OK;
    default: return S_REJECTED;
    }
}

static bool take_control(struct virtio *v, unsigned queue,
                         struct virtq_buf *buf)
{
    struct virtio_scsi *s = scsi_of(v);
    uint8_t head[24] = {0}, response[5] = {0};
    size_t at = 0, got = virtq_read(buf, 0, head, sizeof(head));

    if (got < 4 || buf->in_len < 1) {
        virtio_fail(v, "a control request without its head or answer");
        virtio_push(v, queue, buf, 0);
        return false;
    }
    switch (ldl_u32(head)) {
    case T_TMF:
        response[0] = got < sizeof(head)
                          ? S_FAILURE
                          : manage(s, ldl_u32(head + 4), head + 8);
        at = 1;
        break;
    case T_AN_QUERY:
    case T_AN_SUBSCRIBE: /* no asynchronous notifications: mask 0 */
        response[4] = unit_of(s, head + 4) ? S_OK : S_BAD_TARGET;
        at = 5;
        break;
    default:
        response[0] = S_FAILURE;
        at = 1;
        break;
    }
    virtio_push(v, queue, buf, (uint32_t)virtq_write(buf, 0, response, at));
    return true;
}

/* --- events --- */

static void send_event(struct virtio_scsi *s, uint32_t event, uint32_t reason,
                       const struct scsi_unit *u)
{
    struct virtq_buf *buf = virtio_pop(&s->v, EVENTS);
    uint8_t out[EVENT] = {0};

    if (!buf) {
        s->missed = virtio_is_live(&s->v);
        return;
    }
    if (s->missed) {
        event |= E_MISSED;
        s->missed = false;
    }
    stl_u32(out, event);
    if (u) {
        put_lun(out + 4, u);
    }
    stl_u32(out + 12, reason);
    virtio_push(&s->v, EVENTS, buf,
                (uint32_t)virtq_write(buf, 0, out, sizeof(out)));
}

static void unit_event(void *opaque, struct scsi_unit *u, enum scsi_event what)
{
    struct virtio_scsi *s = opaque;

    switch (what) {
    case SCSI_CAME:
    case SCSI_GOES:
        if (virtio_has(&s->v, F_HOTPLUG)) {
            send_event(s, E_RESET, what == SCSI_CAME ? E_RESCAN : E_REMOVED, u);
        }
        break;
    default: /* ASC 28h/2Ah, ASCQ 00h/09h */
        if (virtio_has(&s->v, F_CHANGE)) {
            send_event(s, E_PARAMETER, what == SCSI_MEDIUM ? 0x28 : 0x092a, u);
        }
        break;
    }
}

static bool scsi_notify(struct virtio *v, unsigned queue)
{
    struct virtio_scsi *s = scsi_of(v);

    switch (queue) {
    case CONTROL: return virtio_each(v, queue, take_control);
    case EVENTS:
        if (s->missed) {
            send_event(s, 0, 0, NULL);
        }
        return false;
    default: return virtio_each(v, queue, take_command);
    }
}

/* --- the device --- */

static void put_config(struct virtio_scsi *s)
{
    uint8_t *c = s->v.config;

    stl_u32(c + C_NUM_QUEUES, s->num_queues);
    stl_u32(c + C_SEG_MAX, s->seg_max_adjust ? s->queue_size - 2u : s->seg_max);
    stl_u32(c + C_MAX_SECTORS, s->max_sectors);
    stl_u32(c + C_CMD_PER_LUN, s->cmd_per_lun);
    stl_u32(c + C_EVENT_SIZE, EVENT);
    stl_u16(c + C_MAX_CHANNEL, 0);
    stl_u16(c + C_MAX_TARGET, TARGETS - 1);
    stl_u32(c + C_MAX_LUN, SCSI_LUNS - 1);
}

/* The driver may set the sizes of sense and CDB. */
static void scsi_config_written(struct virtio *v, unsigned at, unsigned size,
                                const uint8_t *old)
{
    uint32_t sense = ldl_u32(v->config + C_SENSE_SIZE);
    uint32_t cdb = ldl_u32(v->config + C_CDB_SIZE);

    memcpy(v->config, old, sizeof(v->config));
    if (sense <= SENSE_DEFAULT) {
        stl_u32(v->config + C_SENSE_SIZE, sense);
    }
    if (cdb <= 255) {
        stl_u32(v->config + C_CDB_SIZE, cdb);
    }
}

static void drain(struct virtio_scsi *s)
{
    s->dropping = true;
    for (guint i = 0; i < s->bus->units->len; i++) {
        scsi_drain(s->bus->units->pdata[i]);
    }
    s->dropping = false;
}

static void scsi_reset(struct virtio *v)
{
    struct virtio_scsi *s = scsi_of(v);

    drain(s);
    s->missed = false;
    put_config(s);
    stl_u32(v->config + C_SENSE_SIZE, SENSE_DEFAULT);
    stl_u32(v->config + C_CDB_SIZE, CDB_DEFAULT);
}

static void scsi_queue_reset(struct virtio *v, unsigned queue)
{
    drain(scsi_of(v));
}

static bool scsi_check(struct virtio *v, GError **error)
{
    const struct virtio_scsi *s = scsi_of(v);

    return (sense_size(s) <= SENSE_DEFAULT && cdb_size(s) <= 255) ||
           fail(error, "%s: sizes of sense or CDB are out of range",
                dev_name(v->dev));
}

static void scsi_settle(struct virtio *v)
{
    put_config(scsi_of(v));
}

static bool check_props(struct virtio_scsi *s, GError **error)
{
    const char *name = dev_name(s->v.dev);

    if (s->num_queues == QUEUES_AUTO || s->num_queues == 0) {
        s->num_queues =
            (uint16_t)MIN(s->v.machine->cpus, VIRTIO_QUEUES - REQUESTS);
    }
    if (s->num_queues > VIRTIO_QUEUES - REQUESTS) {
        return fail(error, "%s: num_queues=%u: at most %d", name, s->num_queues,
                    VIRTIO_QUEUES - REQUESTS);
    }
    if (s->queue_size < 4 || s->queue_size > VIRTQ_SIZE_MAX ||
        (s->queue_size & (s->queue_size - 1))) {
        return fail(error,
                    "%s: virtqueue_size=%u: want a power of two, 4 to %d", name,
                    s->queue_size, VIRTQ_SIZE_MAX);
    }
    return true;
}

static bool scsi_realize(struct virtio *v, GError **error)
{
    struct virtio_scsi *s = scsi_of(v);

    if (!check_props(s, error)) {
        return false;
    }
    for (unsigned i = 0; i < (unsigned)REQUESTS + s->num_queues; i++) {
        virtio_add_queue(v, s->queue_size);
    }
    v->vectors = REQUESTS + s->num_queues + 1u;
    if (s->hotplug) {
        virtio_offer(v, F_HOTPLUG);
    }
    if (s->param_change) {
        virtio_offer(v, F_CHANGE);
    }
    s->bus = scsi_bus_new(v->dev, TARGETS, SCSI_LUNS);
    s->bus->event = unit_event;
    s->bus->opaque = s;
    return true;
}

static void scsi_unrealize(struct virtio *v)
{
    scsi_bus_free(scsi_of(v)->bus);
}

static const struct virtio_type scsi_type = {
    .name = "virtio-scsi",
    .id = VIRTIO_ID_SCSI,
    .pci_class = 0x010000,
    .config_size = C_SIZE,
    .realize = scsi_realize,
    .unrealize = scsi_unrealize,
    .notify = scsi_notify,
    .config_written = scsi_config_written,
    .reset = scsi_reset,
    .queue_reset = scsi_queue_reset,
    .settle = scsi_settle,
    .check = scsi_check,
};

static const struct field scsi_props[] = {
    VIRTIO_PCI_PROPS(struct virtio_scsi, proxy, false),
    PROP(struct virtio_scsi, num_queues, QUEUES_AUTO),
    PROP_AS(struct virtio_scsi, queue_size, "virtqueue_size", 256),
    PROP_AS(struct virtio_scsi, seg_max, "seg_max", 126),
    PROP_AS(struct virtio_scsi, seg_max_adjust, "seg_max_adjust", true),
    PROP(struct virtio_scsi, max_sectors, 0xffff),
    PROP(struct virtio_scsi, cmd_per_lun, 128),
    PROP(struct virtio_scsi, hotplug, true),
    PROP(struct virtio_scsi, param_change, true),
    PROP_STR(struct virtio_scsi, iothread, "iothread", NULL),
    FIELD_END,
};

static const struct field scsi_state[] = {
    VIRTIO_PCI_STATE(struct virtio_scsi, proxy),
    VIRTIO_STATE(struct virtio_scsi, v),
    FIELD(struct virtio_scsi, missed),
    FIELD_END,
};

static void scsi_init(struct dev *dev)
{
    struct virtio_scsi *s =
        container_of(dev, struct virtio_scsi, proxy.pci.dev);

    virtio_pci_init(&s->proxy, &s->v, &scsi_type);
}

/* clang-format off */
const struct dev_type virtio_scsi_types[VIRTIO_PCI_VARIANTS] =
    VIRTIO_PCI_TYPES("virtio-scsi", "SCSI adapter", struct virtio_scsi,
                     scsi_props, scsi_state, scsi_init);
/* clang-format on */
