/* SPDX-License-Identifier: MIT */
/*
 * BAR 0: the legacy registers in I/O space; BAR 1: MSI-X; BAR 4: the modern
 * ones, a page each for configuration, ISR, device and notifications.
 *
 * Not modelled: shared memory regions, administration queues, notification
 * data, ATS, bus resets of single queues.
 */
#include "hw/virtio/virtio_pci.h"

#include <string.h>

#include "base/text.h"

enum { VENDOR = 0x1af4, LEGACY_ID = 0x1000, MODERN_ID = 0x1040 };
enum { BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4 };
enum { ISR_QUEUE = 1, ISR_CONFIG = 2, PAGE = 0x1000, NOTIFY_STEP = 4 };
enum { AT_COMMON = 0, AT_ISR = PAGE, AT_DEVICE = 2 * PAGE };
enum { AT_NOTIFY = 3 * PAGE, MODERN_SIZE = 4 * PAGE };
enum { CAP_VENDOR = 9, CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE };
enum { CAP_PCI = 5, CAP_SIZE = 16, LEGACY_PAGE_SHIFT = 12 };

static struct virtio_pci *of(struct virtio *v)
{
    return container_of(v, struct virtio_pci, v);
}

/* ---- interrupts ---- */

static void interrupt(struct virtio *v, unsigned queue)
{
    struct virtio_pci *p = of(v);
    bool config = queue == VIRTIO_QUEUES;

    if (msix_enabled(&p->msix)) {
        msix_notify(&p->msix, config ? p->config_vector : v->q.vector[queue]);
        return;
    }
    p->isr |= config ? ISR_CONFIG | ISR_QUEUE : ISR_QUEUE;
    pci_set_intx(&p->pci, true);
}

static uint8_t read_isr(struct virtio_pci *p)
{
    uint8_t isr = p->isr;

    p->isr = 0;
    pci_set_intx(&p->pci, false);
    return isr;
}

static uint16_t check_vector(const struct virtio_pci *p, uint16_t vector)
{
    return vector < p->msix.count ? vector : (uint16_t)VIRTIO_NO_VECTOR;
}

/* ---- the device's own configuration ---- */

static uint64_t config_read(struct virtio_pci *p, uint64_t at, unsigned size)
{
    uint8_t config[VIRTIO_CONFIG_MAX + 8] = {0};
    uint64_t value = 0;

    if (at >= p->v.ops->config_size) {
        return 0;
    }
    p->v.ops->get_config(&p->v, config);
    memcpy(&value, config + at, size);
    return value;
}

static void config_write(struct virtio_pci *p, uint64_t at, unsigned size,
                         uint64_t value)
{
    uint8_t config[VIRTIO_CONFIG_MAX + 8] = {0};

    if (at + size > p->v.ops->config_size || !p->v.ops->set_config) {
        return;
    }
    p->v.ops->get_config(&p->v, config);
    memcpy(config + at, &value, size);
    p->v.ops->set_config(&p->v, config, (unsigned)at, size);
}

/* ---- modern ---- */

enum { /* of the common configuration. [VIRTIO] 4.1.4.3 */
       C_DEVICE_SELECT = 0x00,
       C_DEVICE_FEATURES = 0x04,
       C_DRIVER_SELECT = 0x08,
       C_DRIVER_FEATURES = 0x0c,
       C_CONFIG_VECTOR = 0x10,
       C_QUEUES = 0x12,
       C_STATUS = 0x14,
       C_GENERATION = 0x15,
       C_QUEUE_SELECT = 0x16,
       C_QUEUE_SIZE = 0x18,
       C_QUEUE_VECTOR = 0x1a,
       C_QUEUE_ENABLE = 0x1c,
       C_QUEUE_NOTIFY_OFF = 0x1e,
       C_QUEUE_DESC = 0x20,
       C_QUEUE_DRIVER = 0x28,
       C_QUEUE_DEVICE = 0x30,
};

static unsigned count_queues(const struct virtio *v)
{
    unsigned n = 0;

    while (n < VIRTIO_QUEUES && v->queue[n].max) {
        n++;
    }
    return n;
}

/* The chosen queue; a number that is none reads as zeroes. */
static int selected(const struct virtio_pci *p)
{
    return p->queue_select < VIRTIO_QUEUES && p->v.queue[p->queue_select].max
               ? p->queue_select
               : -1;
}

static uint64_t modern_offer(const struct virtio_pci *p)
{
    return p->v.offered | VIRTIO_F_VERSION_1 |
           (p->packed ? VIRTIO_F_RING_PACKED : 0);
}

static uint64_t queue_read(const struct virtio_pci *p, unsigned at)
{
    const struct virtio_queues *q = &p->v.q;
    int i = selected(p);

    if (i < 0) {
        return at == C_QUEUE_VECTOR ? VIRTIO_NO_VECTOR : 0;
    }
    switch (at) {
    case C_QUEUE_SIZE: return q->size[i];
    case C_QUEUE_VECTOR: return q->vector[i];
    case C_QUEUE_ENABLE: return q->enabled[i];
    case C_QUEUE_NOTIFY_OFF: return (unsigned)i;
    case C_QUEUE_DESC: return (uint32_t)q->desc[i];
    case C_QUEUE_DESC + 4: return q->desc[i] >> 32;
    case C_QUEUE_DRIVER: return (uint32_t)q->driver[i];
    case C_QUEUE_DRIVER + 4: return q->driver[i] >> 32;
    case C_QUEUE_DEVICE: return (uint32_t)q->device[i];
    case C_QUEUE_DEVICE + 4: return q->device[i] >> 32;
    default: return 0;
    }
}

static uint64_t common_read(struct virtio_pci *p, unsigned at)
{
    struct virtio *v = &p->v;

    switch (at) {
    case C_DEVICE_SELECT: return p->device_select;
    case C_DEVICE_FEATURES:
        return p->device_select > 1
                   ? 0
                   : (uint32_t)(modern_offer(p) >> (32 * p->device_select));
    case C_DRIVER_SELECT: return p->driver_select;
    case C_DRIVER_FEATURES:
        return p->driver_select > 1
                   ? 0
                   : (uint32_t)(v->features >> (32 * p->driver_select));
    case C_CONFIG_VECTOR: return p->config_vector;
    case C_QUEUES: return count_queues(v);
    case C_STATUS: return v->status;
    case C_GENERATION: return v->generation;
    case C_QUEUE_SELECT: return p->queue_select;
    default: return queue_read(p, at);
    }
}

static void set_low(uint64_t *to, uint32_t value)
{
    *to = (*to & ~(uint64_t)UINT32_MAX) | value;
}

static void set_high(uint64_t *to, uint32_t value)
{
    *to = (uint32_t)*to | (uint64_t)value << 32;
}

static void enable_queue(struct virtio *v, unsigned i)
{
    v->q.enabled[i] = true;
    virtio_map_queue(v, i);
}

static void set_queue_size(struct virtio *v, unsigned i, uint16_t size)
{
    bool power = size && !(size & (size - 1));

    if (size && size <= v->queue[i].max &&
        (power || virtio_has(v, VIRTIO_F_RING_PACKED))) {
        v->q.size[i] = size;
    }
}

static void queue_write(struct virtio_pci *p, unsigned at, uint32_t value)
{
    struct virtio_queues *q = &p->v.q;
    int i = selected(p);

    if (i < 0) {
        return;
    }
    if (at == C_QUEUE_VECTOR) {
        q->vector[i] = check_vector(p, (uint16_t)value);
        return;
    }
    if (q->enabled[i]) {
        return; /* until a reset */
    }
    switch (at) {
    case C_QUEUE_SIZE:
        set_queue_size(&p->v, (unsigned)i, (uint16_t)value);
        break;
    case C_QUEUE_ENABLE:
        if (value == 1) {
            enable_queue(&p->v, (unsigned)i);
        }
        break;
    case C_QUEUE_DESC: set_low(&q->desc[i], value); break;
    case C_QUEUE_DESC + 4: set_high(&q->desc[i], value); break;
    case C_QUEUE_DRIVER: set_low(&q->driver[i], value); break;
    case C_QUEUE_DRIVER + 4: set_high(&q->driver[i], value); break;
    case C_QUEUE_DEVICE: set_low(&q->device[i], value); break;
    case C_QUEUE_DEVICE + 4: set_high(&q->device[i], value); break;
    default: break;
    }
}

/* What the transport keeps goes with the device's reset. */
static void set_status(struct virtio_pci *p, uint8_t status)
{
    /* FEATURES_OK stays away where the driver took what was not offered, or
     * modern registers without VERSION_1. */
    if (status & VIRTIO_FEATURES_OK && !virtio_has(&p->v, VIRTIO_F_VERSION_1)) {
        status &= (uint8_t)~VIRTIO_FEATURES_OK;
    }
    virtio_set_status(&p->v, status);
    if (status == 0) {
        p->config_vector = VIRTIO_NO_VECTOR;
        memset(p->queue_pfn, 0, sizeof(p->queue_pfn));
        read_isr(p);
    }
}

static void common_write(struct virtio_pci *p, unsigned at, uint32_t value)
{
    struct virtio *v = &p->v;
    uint64_t offered = v->offered;

    switch (at) {
    case C_DEVICE_SELECT: p->device_select = value; break;
    case C_DRIVER_SELECT: p->driver_select = value; break;
    case C_DRIVER_FEATURES:
        v->offered = modern_offer(p);
        virtio_set_features(v, p->driver_select, value);
        v->offered = offered;
        break;
    case C_CONFIG_VECTOR:
        p->config_vector = check_vector(p, (uint16_t)value);
        break;
    case C_STATUS: set_status(p, (uint8_t)value); break;
    case C_QUEUE_SELECT: p->queue_select = (uint16_t)value; break;
    default: queue_write(p, at, value); break;
    }
}

static uint64_t modern_read(void *opaque, uint64_t at, unsigned size)
{
    struct virtio_pci *p = opaque;

    if (at < AT_ISR) {
        return common_read(p, (unsigned)at);
    }
    if (at < AT_DEVICE) {
        return at == AT_ISR ? read_isr(p) : 0;
    }
    return at < AT_NOTIFY ? config_read(p, at - AT_DEVICE, size) : 0;
}

static void modern_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    struct virtio_pci *p = opaque;

    if (at < AT_ISR) {
        common_write(p, (unsigned)at, (uint32_t)value);
    } else if (at >= AT_NOTIFY) {
        virtio_notified(&p->v, (unsigned)(at - AT_NOTIFY) / NOTIFY_STEP);
    } else if (at >= AT_DEVICE) {
        config_write(p, at - AT_DEVICE, size, value);
    }
}

static const struct region_ops modern_ops = {
    .read = modern_read, .write = modern_write, .min = 1, .max = 4};

/* ---- legacy ---- */

enum { /* [VIRTIO] 4.1.4.8 */
       L_DEVICE_FEATURES = 0,
       L_DRIVER_FEATURES = 4,
       L_QUEUE_PFN = 8,
       L_QUEUE_SIZE = 12,
       L_QUEUE_SELECT = 14,
       L_QUEUE_NOTIFY = 16,
       L_STATUS = 18,
       L_ISR = 19,
       L_CONFIG_VECTOR = 20,
       L_QUEUE_VECTOR = 22,
       L_CONFIG = 20, /* 24 with MSI-X */
       LEGACY_SIZE = 512,
};

static unsigned legacy_config(const struct virtio_pci *p)
{
    return msix_enabled(&p->msix) ? L_CONFIG + 4 : L_CONFIG;
}

/* One page holds it all: [VIRTIO] 2.7.2 */
static void set_pfn(struct virtio_pci *p, uint32_t pfn)
{
    struct virtio_queues *q = &p->v.q;
    int i = selected(p);
    uint64_t n, driver_end;

    if (i < 0) {
        return;
    }
    p->queue_pfn[i] = pfn;
    if (pfn == 0) {
        virtio_set_status(&p->v, 0);
        return;
    }
    n = q->size[i];
    q->desc[i] = (uint64_t)pfn << LEGACY_PAGE_SHIFT;
    q->driver[i] = q->desc[i] + 16 * n;
    driver_end = q->driver[i] + 6 + 2 * n;
    q->device[i] = (driver_end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    enable_queue(&p->v, (unsigned)i);
}

static uint64_t legacy_read(void *opaque, uint64_t at, unsigned size)
{
    struct virtio_pci *p = opaque;
    int i = selected(p);

    if (at >= legacy_config(p)) {
        return config_read(p, at - legacy_config(p), size);
    }
    switch (at) {
    case L_DEVICE_FEATURES:
        return (uint32_t)(p->v.offered | VIRTIO_F_ANY_LAYOUT);
    case L_DRIVER_FEATURES: return (uint32_t)p->v.features;
    case L_QUEUE_PFN: return i < 0 ? 0 : p->queue_pfn[i];
    case L_QUEUE_SIZE: return i < 0 ? 0 : p->v.q.size[i];
    case L_QUEUE_SELECT: return p->queue_select;
    case L_STATUS: return p->v.status;
    case L_ISR: return read_isr(p);
    case L_CONFIG_VECTOR: return p->config_vector;
    case L_QUEUE_VECTOR: return i < 0 ? VIRTIO_NO_VECTOR : p->v.q.vector[i];
    default: return 0;
    }
}

static void legacy_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    struct virtio_pci *p = opaque;
    int i = selected(p);

    if (at >= legacy_config(p)) {
        config_write(p, at - legacy_config(p), size, value);
        return;
    }
    switch (at) {
    case L_DRIVER_FEATURES:
        virtio_set_features(&p->v, 0, (uint32_t)value & ~(uint32_t)BIT(27));
        break;
    case L_QUEUE_PFN: set_pfn(p, (uint32_t)value); break;
    case L_QUEUE_SELECT: p->queue_select = (uint16_t)value; break;
    case L_QUEUE_NOTIFY: virtio_notified(&p->v, (uint16_t)value); break;
    case L_STATUS:
        set_status(p, (uint8_t)value & (uint8_t)~VIRTIO_FEATURES_OK);
        break;
    case L_CONFIG_VECTOR:
        p->config_vector = check_vector(p, (uint16_t)value);
        break;
    case L_QUEUE_VECTOR:
        if (i >= 0) {
            p->v.q.vector[i] = check_vector(p, (uint16_t)value);
        }
        break;
    default: break;
    }
}

static const struct region_ops legacy_ops = {
    .read = legacy_read, .write = legacy_write, .min = 1, .max = 4};

/* ---- configuration space ---- */

static unsigned add_cap(struct virtio_pci *p, unsigned type, unsigned at,
                        unsigned length, unsigned size)
{
    unsigned cap = pci_add_capability(&p->pci, CAP_VENDOR, size);
    uint8_t *c = p->pci.config + cap;

    c[2] = (uint8_t)size;
    c[3] = (uint8_t)type;
    c[4] = type == CAP_PCI ? 0 : BAR_MODERN;
    stl_u32(c + 8, at);
    stl_u32(c + 12, length);
    return cap;
}

static void add_modern(struct virtio_pci *p)
{
    unsigned notify;

    add_cap(p, CAP_COMMON, AT_COMMON, PAGE, CAP_SIZE);
    add_cap(p, CAP_ISR, AT_ISR, PAGE, CAP_SIZE);
    add_cap(p, CAP_DEVICE, AT_DEVICE, PAGE, CAP_SIZE);
    notify = add_cap(p, CAP_NOTIFY, AT_NOTIFY, PAGE, CAP_SIZE + 4);
    stl_u32(p->pci.config + notify + CAP_SIZE, NOTIFY_STEP);
    p->cfg_cap = add_cap(p, CAP_PCI, 0, 0, CAP_SIZE + 4);
    /* Bar, offset, length and data of the window are the driver's. */
    p->pci.writable[p->cfg_cap + 4] = 0xff;
    memset(p->pci.writable + p->cfg_cap + 8, 0xff, 12);
    region_init_io(&p->modern, "virtio-pci", MODERN_SIZE, &modern_ops, p);
    pci_set_bar(&p->pci, BAR_MODERN, PCI_BAR_MEM64_PREFETCH, &p->modern);
}

/* The window: reads and writes of its data reach the BAR. 4.1.4.9 */
static bool window(const struct virtio_pci *p, uint64_t *at, unsigned *size)
{
    const uint8_t *c = p->pci.config + p->cfg_cap;

    *at = ldl_u32(c + 8);
    *size = ldl_u32(c + 12);
    return p->cfg_cap && c[4] == BAR_MODERN &&
           (*size == 1 || *size == 2 || *size == 4) && *at % *size == 0 &&
           *at + *size <= MODERN_SIZE;
}

static uint32_t pci_read(struct pci_dev *d, unsigned at, unsigned size,
                         uint32_t stored)
{
    struct virtio_pci *p = container_of(d, struct virtio_pci, pci);
    uint64_t where;
    unsigned n;

    if (p->cfg_cap && at == p->cfg_cap + CAP_SIZE && window(p, &where, &n)) {
        return (uint32_t)modern_read(p, where, n);
    }
    return stored;
}

static void pci_written(struct pci_dev *d, unsigned at, unsigned size)
{
    struct virtio_pci *p = container_of(d, struct virtio_pci, pci);
    uint64_t where;
    unsigned n;

    if (p->cfg_cap && at == p->cfg_cap + CAP_SIZE && window(p, &where, &n)) {
        modern_write(p, where, n, ldl_u32(d->config + at));
    }
    msix_config_written(&p->msix);
}

/* ---- life ---- */

/* Types below 10 had numbers of their own. [VIRTIO] 4.1.2.1 */
static uint16_t device_id(const struct virtio_pci *p)
{
    static const uint8_t legacy[] = {
        [VIRTIO_NET] = 0,     [VIRTIO_BLK] = 1,  [VIRTIO_BALLOON] = 2,
        [VIRTIO_CONSOLE] = 3, [VIRTIO_SCSI] = 4, [VIRTIO_RNG] = 5,
        [VIRTIO_9P] = 9,
    };

    return (uint16_t)(p->has_legacy ? LEGACY_ID + legacy[p->v.ops->type]
                                    : MODERN_ID + p->v.ops->type);
}

static bool choose_kind(struct virtio_pci *p, GError **error)
{
    static const char *const words[] = {"on", "off", "auto", NULL};
    const char *text = p->disable_legacy ? p->disable_legacy : "off";

    if (!g_strv_contains(words, text)) {
        return fail_unknown(error, "disable-legacy", text, words);
    }
    /* Newer types never had a legacy form. */
    p->has_legacy = strcmp(text, "on") != 0 && p->v.ops->type <= VIRTIO_9P;
    return p->has_legacy || !p->disable_modern ||
           fail(error, "%s: disable-legacy and disable-modern leave nothing",
                dev_name(&p->pci.dev));
}

bool virtio_pci_realize(struct virtio_pci *p, uint32_t class_code,
                        GError **error)
{
    struct pci_ids ids = {
        .vendor = VENDOR, .class_code = class_code, .int_pin = 1};

    if (!choose_kind(p, error)) {
        return false;
    }
    ids.device = device_id(p);
    ids.revision = p->has_legacy ? 0 : 1;
    ids.subsys_vendor = VENDOR;
    ids.subsys = p->has_legacy ? p->v.ops->type : 0x1100;
    if (!pci_realize(&p->pci, &ids, -1, error)) {
        return false;
    }
    p->v.interrupt = interrupt;
    p->pci.config_read = pci_read;
    p->pci.config_written = pci_written;
    if (p->has_legacy) {
        region_init_io(&p->legacy, "virtio-pci-legacy", LEGACY_SIZE,
                       &legacy_ops, p);
        pci_set_bar(&p->pci, BAR_LEGACY, PCI_BAR_IO, &p->legacy);
    }
    msix_init(&p->msix, &p->pci, p->vectors, BAR_MSIX);
    if (!p->disable_modern) {
        add_modern(p);
    }
    return true;
}

void virtio_pci_unrealize(struct virtio_pci *p)
{
    pci_unrealize(&p->pci);
}

void virtio_pci_reset(struct virtio_pci *p)
{
    pci_reset(&p->pci);
    msix_reset(&p->msix);
    virtio_reset(&p->v);
    p->isr = 0;
    p->config_vector = VIRTIO_NO_VECTOR;
    p->device_select = p->driver_select = 0;
    p->queue_select = 0;
    memset(p->queue_pfn, 0, sizeof(p->queue_pfn));
}

void virtio_pci_settle(struct virtio_pci *p)
{
    p->pci.intx = p->isr && !msix_enabled(&p->msix);
    pci_settle(&p->pci);
    virtio_settle(&p->v);
}
