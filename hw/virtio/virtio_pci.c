/* SPDX-License-Identifier: MIT */
/*
 * [VIRTIO] 4.1 "Virtio Over PCI Bus": BAR 0 is the legacy interface, BAR 1 the
 * MSI-X table, BAR 4 what the capabilities of the modern one name.
 *
 * Not modelled: the notification area in I/O space, notification data, ATS,
 * the PCI Express capability.
 */
#include "hw/virtio/virtio_pci.h"

#include <string.h>

enum { VENDOR = 0x1af4, FIRST_MODERN = 0x1040, NO_VECTOR = 0xffff };
enum { BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4 };
enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };
enum { /* parts of the modern BAR */
       AREA = 0x1000,
       COMMON_AT = 0,
       ISR_AT = AREA,
       CONFIG_AT = 2 * AREA,
       NOTIFY_AT = 3 * AREA,
       COMMON_SIZE = 0x3c,
};
enum { /* vendor capability */
       CAP_VENDOR = 9,
       CAP_COMMON = 1,
       CAP_NOTIFY = 2,
       CAP_ISR = 3,
       CAP_DEVICE = 4,
       CAP_PCI = 5,
       CAP_TYPE = 3,
       CAP_BAR = 4,
       CAP_OFFSET = 8,
       CAP_LENGTH = 12,
       CAP_EXTRA = 16,
       CAP_SIZE = 16,
       CAP_SIZE_EXTRA = 20,
};
enum {
    LEGACY_HEADER = 20,
    LEGACY_MSIX = 4,
    LEGACY_ALIGN = 4096,
    PFN_SHIFT = 12
};

static struct virtio_pci *proxy_of(struct dev *dev)
{
    return container_of(dev, struct virtio_pci, pci.dev);
}

static struct virtio_pci *proxy_of_virtio(const struct virtio *v)
{
    return proxy_of(v->dev);
}

/* --- interrupts --- */

static void update_intx(struct virtio_pci *p)
{
    bool level = p->isr && !msix_enabled(&p->msix);

    if (level != p->pci.intx) {
        pci_set_intx(&p->pci, level);
    }
}

static void interrupt(struct virtio_pci *p, uint8_t cause, uint16_t vector)
{
    p->isr |= cause;
    if (msix_enabled(&p->msix)) {
        msix_send(&p->msix, vector); /* NO_VECTOR is none of them */
    } else {
        update_intx(p);
    }
}

static void queue_interrupt(struct virtio *v, unsigned queue)
{
    struct virtio_pci *p = proxy_of_virtio(v);

    interrupt(p, ISR_QUEUE, p->vector[queue]);
}

static void config_interrupt(struct virtio *v)
{
    struct virtio_pci *p = proxy_of_virtio(v);

    interrupt(p, ISR_CONFIG, p->config_vector);
}

static bool may_dma(struct virtio *v)
{
    return pci_is_master(&proxy_of_virtio(v)->pci);
}

static const struct virtio_transport transport = {
    .queue_interrupt = queue_interrupt,
    .config_interrupt = config_interrupt,
    .may_dma = may_dma,
};

static uint32_t take_isr(struct virtio_pci *p)
{
    uint8_t isr = p->isr;

    p->isr = 0;
    update_intx(p);
    return isr;
}

static uint16_t known_vector(const struct virtio_pci *p, uint32_t vector)
{
    return vector < p->msix.vectors ? (uint16_t)vector : NO_VECTOR;
}

static void reset_vectors(struct virtio_pci *p)
{
    p->config_vector = NO_VECTOR;
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        p->vector[i] = NO_VECTOR;
    }
}

static void write_status(struct virtio_pci *p, uint32_t status)
{
    virtio_set_status(p->v, (uint8_t)status);
    if (status == 0) {
        reset_vectors(p);
        p->isr = 0;
        update_intx(p);
    }
}

/* --- the common configuration, [VIRTIO] 4.1.4.3 --- */

/* The selected queue; NULL: there is none. */
static struct virtqueue *selected(struct virtio_pci *p)
{
    struct virtio *v = p->v;

    return p->queue_select < v->queues && v->queue[p->queue_select].max
               ? &v->queue[p->queue_select]
               : NULL;
}

/* The same, where it may still be set up. */
static struct virtqueue *selected_idle(struct virtio_pci *p)
{
    struct virtqueue *q = selected(p);

    return q && !q->enabled ? q : NULL;
}

static uint32_t half(uint64_t bits, uint32_t which)
{
    return which > 1 ? 0 : (uint32_t)(bits >> 32 * which);
}

static void set_half(uint64_t *bits, unsigned which, uint32_t value)
{
    unsigned shift = 32 * which;

    *bits = (*bits & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)value
                                                             << shift;
}

/* Not offered to modern drivers: what only legacy ones know. */
static uint32_t device_feature_read(struct dev *dev, uint32_t stored)
{
    const struct virtio_pci *p = proxy_of(dev);

    return half(p->v->offered & ~BIT(VIRTIO_F_ANY_LAYOUT),
                p->device_feature_select);
}

static uint32_t driver_feature_read(struct dev *dev, uint32_t stored)
{
    const struct virtio_pci *p = proxy_of(dev);

    return half(p->v->features, p->driver_feature_select);
}

static void driver_feature_write(struct dev *dev, uint32_t value)
{
    struct virtio_pci *p = proxy_of(dev);

    virtio_set_features(p->v, p->driver_feature_select, value);
}

static void config_vector_wrote(struct dev *dev, uint32_t old, uint32_t now)
{
    struct virtio_pci *p = proxy_of(dev);

    p->config_vector = known_vector(p, now);
}

static uint32_t num_queues_read(struct dev *dev, uint32_t stored)
{
    return proxy_of(dev)->v->queues;
}

static uint32_t status_read(struct dev *dev, uint32_t stored)
{
    return proxy_of(dev)->v->status;
}

static void status_write(struct dev *dev, uint32_t value)
{
    write_status(proxy_of(dev), value);
}

static uint32_t generation_read(struct dev *dev, uint32_t stored)
{
    return proxy_of(dev)->v->generation;
}

static uint32_t queue_size_read(struct dev *dev, uint32_t stored)
{
    const struct virtqueue *q = selected(proxy_of(dev));

    return q ? q->size : 0;
}

static void queue_size_write(struct dev *dev, uint32_t value)
{
    struct virtqueue *q = selected_idle(proxy_of(dev));

    if (q && value && value <= q->max) {
        q->size = (uint16_t)value;
    }
}

static uint32_t queue_vector_read(struct dev *dev, uint32_t stored)
{
    struct virtio_pci *p = proxy_of(dev);

    return selected(p) ? p->vector[p->queue_select] : NO_VECTOR;
}

static void queue_vector_write(struct dev *dev, uint32_t value)
{
    struct virtio_pci *p = proxy_of(dev);

    if (selected(p)) {
        p->vector[p->queue_select] = known_vector(p, value);
    }
}

static uint32_t queue_enable_read(struct dev *dev, uint32_t stored)
{
    const struct virtqueue *q = selected(proxy_of(dev));

    return q && q->enabled;
}

static void queue_enable_write(struct dev *dev, uint32_t value)
{
    struct virtio_pci *p = proxy_of(dev);

    if (value == 1 && selected_idle(p)) {
        virtio_queue_enable(p->v, p->queue_select);
    }
}

static uint32_t notify_off_read(struct dev *dev, uint32_t stored)
{
    return proxy_of(dev)->queue_select;
}

static void queue_reset_write(struct dev *dev, uint32_t value)
{
    struct virtio_pci *p = proxy_of(dev);

    if (value == 1 && selected(p) && virtio_has(p->v, VIRTIO_F_RING_RESET)) {
        virtio_queue_reset(p->v, p->queue_select);
        p->vector[p->queue_select] = NO_VECTOR;
    }
}

/* clang-format off */
#define QUEUE_ADDRESS(area) \
    static uint32_t area##_lo_read(struct dev *dev, uint32_t stored) \
    { \
        const struct virtqueue *q = selected(proxy_of(dev)); \
        return q ? half(q->area, 0) : 0; \
    } \
    static uint32_t area##_hi_read(struct dev *dev, uint32_t stored) \
    { \
        const struct virtqueue *q = selected(proxy_of(dev)); \
        return q ? half(q->area, 1) : 0; \
    } \
    static void area##_lo_write(struct dev *dev, uint32_t value) \
    { \
        struct virtqueue *q = selected_idle(proxy_of(dev)); \
        if (q) { \
            set_half(&q->area, 0, value); \
        } \
    } \
    static void area##_hi_write(struct dev *dev, uint32_t value) \
    { \
        struct virtqueue *q = selected_idle(proxy_of(dev)); \
        if (q) { \
            set_half(&q->area, 1, value); \
        } \
    }
QUEUE_ADDRESS(desc)
QUEUE_ADDRESS(driver)
QUEUE_ADDRESS(device)

#define PORT(nm, offset, bytes) .name = #nm, .at = (offset), .size = (bytes)

static const struct reg common_regs[] = {
    {REG(struct virtio_pci, device_feature_select, 0x00), .rw = UINT32_MAX},
    {PORT(device_feature, 0x04, 4), .read = device_feature_read},
    {REG(struct virtio_pci, driver_feature_select, 0x08), .rw = UINT32_MAX},
    {PORT(driver_feature, 0x0c, 4), .read = driver_feature_read,
     .write = driver_feature_write},
    {REG(struct virtio_pci, config_vector, 0x10), .reset = NO_VECTOR,
     .rw = UINT16_MAX, .wrote = config_vector_wrote},
    {PORT(num_queues, 0x12, 2), .read = num_queues_read},
    {PORT(device_status, 0x14, 1), .read = status_read, .write = status_write},
    {PORT(config_generation, 0x15, 1), .read = generation_read},
    {REG(struct virtio_pci, queue_select, 0x16), .rw = UINT16_MAX},
    {PORT(queue_size, 0x18, 2), .read = queue_size_read,
     .write = queue_size_write},
    {PORT(queue_vector, 0x1a, 2), .read = queue_vector_read,
     .write = queue_vector_write},
    {PORT(queue_enable, 0x1c, 2), .read = queue_enable_read,
     .write = queue_enable_write},
    {PORT(queue_notify_off, 0x1e, 2), .read = notify_off_read},
    {PORT(queue_desc_lo, 0x20, 4), .read = desc_lo_read, .write = desc_lo_write},
    {PORT(queue_desc_hi, 0x24, 4), .read = desc_hi_read, .write = desc_hi_write},
    {PORT(queue_driver_lo, 0x28, 4), .read = driver_lo_read,
     .write = driver_lo_write},
    {PORT(queue_driver_hi, 0x2c, 4), .read = driver_hi_read,
     .write = driver_hi_write},
    {PORT(queue_device_lo, 0x30, 4), .read = device_lo_read,
     .write = device_lo_write},
    {PORT(queue_device_hi, 0x34, 4), .read = device_hi_read,
     .write = device_hi_write},
    {PORT(queue_notify_data, 0x38, 2)},
    {PORT(queue_reset, 0x3a, 2), .write = queue_reset_write},
};
/* clang-format on */

static const struct reg_bank common_bank =
    REG_BANK("virtio-pci-common", common_regs);

const struct reg_bank *const virtio_pci_banks[] = {&common_bank, NULL};

/* --- the other areas --- */

static uint64_t isr_read(void *opaque, uint64_t at, unsigned size)
{
    return at == 0 ? take_isr(opaque) : 0;
}

static uint64_t config_read(void *opaque, uint64_t at, unsigned size)
{
    return virtio_config_read(((struct virtio_pci *)opaque)->v, at, size);
}

static void config_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    virtio_config_write(((struct virtio_pci *)opaque)->v, at, size, value);
}

static uint32_t notify_stride(const struct virtio_pci *p)
{
    return p->page_per_vq ? AREA : 4;
}

static void notify_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    const struct virtio_pci *p = opaque;

    if (p->v->status & VIRTIO_DRIVER_OK) {
        virtio_notified(p->v, (unsigned)(at / notify_stride(p)));
    }
}

static const struct region_ops isr_ops = {.read = isr_read};
static const struct region_ops config_ops = {
    .read = config_read, .write = config_write, .unaligned = true};
static const struct region_ops notify_ops = {.write = notify_write};

/* --- the legacy interface, [VIRTIO] 4.1.4.10 --- */

static uint32_t host_features_read(struct dev *dev, uint32_t stored)
{
    return (uint32_t)proxy_of(dev)->v->offered;
}

static uint32_t guest_features_read(struct dev *dev, uint32_t stored)
{
    return (uint32_t)proxy_of(dev)->v->features;
}

static void guest_features_write(struct dev *dev, uint32_t value)
{
    struct virtio *v = proxy_of(dev)->v;

    if (!virtio_has(v, VIRTIO_F_VERSION_1)) {
        virtio_set_features(v, 0, value);
    }
}

static uint32_t pfn_read(struct dev *dev, uint32_t stored)
{
    const struct virtqueue *q = selected(proxy_of(dev));

    return q && q->enabled ? (uint32_t)(q->desc >> PFN_SHIFT) : 0;
}

static void pfn_write(struct dev *dev, uint32_t value)
{
    struct virtio_pci *p = proxy_of(dev);
    struct virtqueue *q = selected(p);

    if (!q) {
        return;
    }
    if (q->enabled || !value) {
        virtio_queue_reset(p->v, p->queue_select);
    }
    if (value) {
        virtq_place_legacy(q, (uint64_t)value << PFN_SHIFT, LEGACY_ALIGN);
        virtio_queue_enable(p->v, p->queue_select);
    }
}

static uint32_t legacy_size_read(struct dev *dev, uint32_t stored)
{
    const struct virtqueue *q = selected(proxy_of(dev));

    return q ? q->max : 0;
}

static uint32_t select_read(struct dev *dev, uint32_t stored)
{
    return proxy_of(dev)->queue_select;
}

static void select_write(struct dev *dev, uint32_t value)
{
    proxy_of(dev)->queue_select = (uint16_t)value;
}

static uint32_t legacy_notify_read(struct dev *dev, uint32_t stored)
{
    return 0;
}

static void legacy_notify_write(struct dev *dev, uint32_t value)
{
    virtio_notified(proxy_of(dev)->v, value);
}

/* Old drivers do not ask for bus mastering, and want it. */
static void legacy_status_write(struct dev *dev, uint32_t value)
{
    struct virtio_pci *p = proxy_of(dev);

    if (value & (VIRTIO_DRIVER | VIRTIO_DRIVER_OK)) {
        p->pci.config[PCI_COMMAND] |= PCI_CMD_MASTER;
    }
    write_status(p, value);
}

static uint32_t legacy_isr_read(struct dev *dev, uint32_t stored)
{
    return take_isr(proxy_of(dev));
}

static uint32_t config_vector_read(struct dev *dev, uint32_t stored)
{
    return proxy_of(dev)->config_vector;
}

static void config_vector_write(struct dev *dev, uint32_t value)
{
    config_vector_wrote(dev, 0, value);
}

/* clang-format off */
static const struct reg legacy_regs[] = {
    {PORT(host_features, 0, 4), .read = host_features_read},
    {PORT(guest_features, 4, 4), .read = guest_features_read,
     .write = guest_features_write},
    {PORT(queue_pfn, 8, 4), .read = pfn_read, .write = pfn_write},
    {PORT(queue_size, 12, 2), .read = legacy_size_read},
    {PORT(queue_select, 14, 2), .read = select_read, .write = select_write},
    {PORT(queue_notify, 16, 2), .read = legacy_notify_read,
     .write = legacy_notify_write},
    {PORT(status, 18, 1), .read = status_read, .write = legacy_status_write},
    {PORT(isr, 19, 1), .read = legacy_isr_read},
    {PORT(config_vector, 20, 2), .read = config_vector_read,
     .write = config_vector_write},
    {PORT(queue_vector, 22, 2), .read = queue_vector_read,
     .write = queue_vector_write},
};
/* clang-format on */

static const struct reg_bank legacy_bank =
    REG_BANK("virtio-pci-legacy", legacy_regs);

/* The device's own part moves when MSI-X is switched on: [VIRTIO] 4.1.4.10. */
static void place_legacy_config(struct virtio_pci *p)
{
    uint64_t at =
        LEGACY_HEADER + (msix_enabled(&p->msix) ? (uint64_t)LEGACY_MSIX : 0);

    if (p->legacy && p->legacy_config.size && p->legacy_config.at != at) {
        region_set_address(&p->legacy_config, at);
    }
}

static void init_legacy(struct virtio_pci *p)
{
    uint16_t config_size = p->v->type->config_size;
    uint64_t size = 32;

    while (size < (uint64_t)LEGACY_HEADER + LEGACY_MSIX + config_size) {
        size *= 2;
    }
    region_init_container(&p->legacy_bar, p->v->type->name, size);
    reg_window_init(&p->legacy_header, &p->pci.dev, &legacy_bank,
                    LEGACY_HEADER + LEGACY_MSIX);
    region_add(&p->legacy_bar, &p->legacy_header.region, 0, 0);
    if (config_size) {
        region_init_io(&p->legacy_config, "virtio-pci-config", config_size,
                       &config_ops, p);
        region_add(&p->legacy_bar, &p->legacy_config, LEGACY_HEADER, 1);
    }
    pci_set_bar(&p->pci, BAR_LEGACY, PCI_BAR_IO, &p->legacy_bar);
}

/* --- the modern interface --- */

static uint8_t *add_cap(struct virtio_pci *p, uint8_t type, uint32_t at,
                        uint32_t length)
{
    bool extra = type == CAP_NOTIFY || type == CAP_PCI;
    uint8_t size = extra ? CAP_SIZE_EXTRA : CAP_SIZE;
    unsigned cap = pci_add_capability(&p->pci, CAP_VENDOR, size);
    uint8_t *c = &p->pci.config[cap];

    c[2] = size;
    c[CAP_TYPE] = type;
    c[CAP_BAR] = type == CAP_PCI ? 0 : BAR_MODERN;
    stl_u32(c + CAP_OFFSET, at);
    stl_u32(c + CAP_LENGTH, length);
    return c;
}

static void add_cfg_cap(struct virtio_pci *p)
{
    const uint8_t *c = add_cap(p, CAP_PCI, 0, 0);

    p->cfg_at = (uint8_t)(c - p->pci.config);
    p->pci.writable[p->cfg_at + CAP_BAR] = 0xff;
    memset(&p->pci.writable[p->cfg_at + CAP_OFFSET], 0xff,
           CAP_SIZE_EXTRA - CAP_OFFSET);
}

static uint32_t notify_size(const struct virtio_pci *p)
{
    return p->page_per_vq ? AREA * VIRTIO_QUEUES : AREA;
}

static void init_modern(struct virtio_pci *p)
{
    uint16_t config_size = p->v->type->config_size;
    uint64_t size = 4 * AREA;

    while (size < (uint64_t)NOTIFY_AT + notify_size(p)) {
        size *= 2;
    }
    region_init_container(&p->modern_bar, p->v->type->name, size);
    reg_window_init(&p->common, &p->pci.dev, &common_bank, AREA);
    region_init_io(&p->isr_region, "virtio-pci-isr", AREA, &isr_ops, p);
    region_init_io(&p->config_region, "virtio-pci-device", AREA, &config_ops,
                   p);
    region_init_io(&p->notify_region, "virtio-pci-notify", notify_size(p),
                   &notify_ops, p);
    region_add(&p->modern_bar, &p->common.region, COMMON_AT, 0);
    region_add(&p->modern_bar, &p->isr_region, ISR_AT, 0);
    region_add(&p->modern_bar, &p->config_region, CONFIG_AT, 0);
    region_add(&p->modern_bar, &p->notify_region, NOTIFY_AT, 0);
    pci_set_bar(&p->pci, BAR_MODERN, PCI_BAR_MEM64_PREFETCH, &p->modern_bar);

    add_cap(p, CAP_COMMON, COMMON_AT, COMMON_SIZE);
    add_cap(p, CAP_ISR, ISR_AT, 1);
    if (config_size) {
        add_cap(p, CAP_DEVICE, CONFIG_AT, config_size);
    }
    stl_u32(add_cap(p, CAP_NOTIFY, NOTIFY_AT, notify_size(p)) + CAP_EXTRA,
            notify_stride(p));
    add_cfg_cap(p);
}

/* --- the window in the configuration space, [VIRTIO] 4.1.4.9 --- */

/* The area that the window shows, and where in it; NULL: none. */
static const struct region *window(const struct virtio_pci *p, uint32_t *at,
                                   unsigned *size)
{
    const uint8_t *c = &p->pci.config[p->cfg_at];
    uint32_t length = ldl_u32(c + CAP_LENGTH);

    *at = ldl_u32(c + CAP_OFFSET);
    *size = (unsigned)length;
    if (!p->modern || c[CAP_BAR] != BAR_MODERN ||
        (length != 1 && length != 2 && length != 4) || *at % length) {
        return NULL;
    }
    for (const struct region *r = p->modern_bar.first; r; r = r->next) {
        if (*at >= r->at && *at < r->at + r->size) {
            *at -= (uint32_t)r->at;
            return r;
        }
    }
    return NULL;
}

static bool touches_window(const struct virtio_pci *p, unsigned at,
                           unsigned size)
{
    return p->modern && at < (unsigned)p->cfg_at + CAP_SIZE_EXTRA &&
           at + size > (unsigned)p->cfg_at + CAP_EXTRA;
}

static uint32_t window_read(struct pci_dev *d, unsigned at, unsigned size,
                            uint32_t stored)
{
    struct virtio_pci *p = container_of(d, struct virtio_pci, pci);
    uint32_t from = 0;
    unsigned width = 0;
    const struct region *r =
        touches_window(p, at, size) ? window(p, &from, &width) : NULL;

    if (!r || !r->ops->read) {
        return stored;
    }
    stored = (uint32_t)r->ops->read(r->opaque, from, width);
    return stored >> 8 * (at - p->cfg_at - CAP_EXTRA);
}

static void window_write(struct virtio_pci *p)
{
    uint32_t to;
    unsigned width;
    const struct region *r = window(p, &to, &width);
    uint32_t value = ldl_u32(&p->pci.config[p->cfg_at + CAP_EXTRA]);

    if (r && r->ops->write) {
        r->ops->write(r->opaque, to, width,
                      width == 4 ? value : value & ((1u << 8 * width) - 1));
    }
}

/* --- the device --- */

static void config_written_hook(struct pci_dev *d, unsigned at, unsigned size)
{
    struct virtio_pci *p = container_of(d, struct virtio_pci, pci);

    msix_config_written(&p->msix, at, size);
    place_legacy_config(p);
    update_intx(p);
    if (touches_window(p, at, size)) {
        window_write(p);
    }
}

void virtio_pci_init(struct virtio_pci *p, struct virtio *v,
                     const struct virtio_type *type)
{
    p->v = v;
    v->type = type;
}

/* Which interfaces there are: by the type's name, then by the properties. */
static bool choose_interfaces(struct virtio_pci *p, GError **error)
{
    const char *name = p->pci.dev.type->name;
    const char *off = p->disable_legacy;
    bool later = p->v->type->id >= VIRTIO_ID_INPUT; /* came with 1.0 */

    p->modern = !p->disable_modern;
    p->legacy =
        !later && (strcmp(off, "off") == 0 || strcmp(off, "false") == 0 ||
                   strcmp(off, "auto") == 0);
    if (strcmp(off, "on") != 0 && strcmp(off, "true") != 0 && !p->legacy &&
        !later) {
        return fail(error, "%s: disable-legacy=%s: want on, off or auto",
                    dev_name(&p->pci.dev), off);
    }
    if (g_str_has_suffix(name, "-non-transitional")) {
        p->legacy = false;
        p->modern = true;
    } else if (g_str_has_suffix(name, "-transitional")) {
        p->legacy = p->modern = true;
    }
    return p->legacy || p->modern ||
           fail(error, "%s: neither legacy nor modern is left",
                dev_name(&p->pci.dev));
}

static void offer_common(struct virtio_pci *p)
{
    const struct {
        bool on;
        unsigned feature;
    } rows[] = {
        {p->event_idx, VIRTIO_F_EVENT_IDX},
        {p->indirect_desc, VIRTIO_F_INDIRECT_DESC},
        {p->legacy, VIRTIO_F_ANY_LAYOUT},
        {p->modern, VIRTIO_F_VERSION_1},
        {p->modern && p->packed, VIRTIO_F_RING_PACKED},
        {p->modern && p->iommu_platform, VIRTIO_F_ACCESS_PLATFORM},
        {p->modern && p->queue_reset, VIRTIO_F_RING_RESET},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].on) {
            virtio_offer(p->v, rows[i].feature);
        }
    }
}

/* [VIRTIO] 4.1.2.1, 4.1.2.3: transitional devices have numbers of their own. */
static struct pci_ids virtio_pci_ids(const struct virtio_pci *p)
{
    static const struct {
        enum virtio_id id;
        uint16_t device;
    } legacy[] = {
        {VIRTIO_ID_NET, 0x1000},     {VIRTIO_ID_BLOCK, 0x1001},
        {VIRTIO_ID_BALLOON, 0x1002}, {VIRTIO_ID_CONSOLE, 0x1003},
        {VIRTIO_ID_SCSI, 0x1004},    {VIRTIO_ID_RNG, 0x1005},
        {VIRTIO_ID_9P, 0x1009},
    };
    const struct virtio_type *t = p->v->type;
    struct pci_ids ids = {
        .vendor = VENDOR,
        .device = (uint16_t)(FIRST_MODERN + t->id),
        .revision = 1,
        .class_code = t->pci_class,
        .int_pin = 1,
    };

    for (size_t i = 0; p->legacy && i < ARRAY_SIZE(legacy); i++) {
        if (legacy[i].id == t->id) {
            ids.device = legacy[i].device;
            ids.revision = 0;
            ids.subsys_vendor = VENDOR;
            ids.subsys = (uint16_t)t->id;
        }
    }
    return ids;
}

static void init_msix(struct virtio_pci *p)
{
    unsigned vectors = p->vectors < 0 ? p->v->vectors : (unsigned)p->vectors;

    if (vectors) {
        msix_init_bar(&p->msix, &p->pci, MIN(vectors, MSIX_MAX), BAR_MSIX);
    }
}

bool virtio_pci_realize(struct dev *dev, GError **error)
{
    struct virtio_pci *p = proxy_of(dev);
    struct pci_ids ids;

    if (!choose_interfaces(p, error)) {
        return false;
    }
    p->v->offered = 0;
    offer_common(p);
    if (!virtio_realize(p->v, dev, &transport, error)) {
        return false;
    }
    ids = virtio_pci_ids(p);
    if (!pci_realize(&p->pci, &ids, -1, error)) {
        virtio_unrealize(p->v);
        return false;
    }
    p->pci.config_read = window_read;
    p->pci.config_written = config_written_hook;
    init_msix(p);
    if (p->legacy) {
        init_legacy(p);
    }
    if (p->modern) {
        init_modern(p);
    }
    if (p->realized && !p->realized(p, error)) {
        virtio_pci_unrealize(dev);
        return false;
    }
    return true;
}

void virtio_pci_unrealize(struct dev *dev)
{
    struct virtio_pci *p = proxy_of(dev);

    virtio_unrealize(p->v);
    msix_unrealize(&p->msix);
    pci_unrealize(&p->pci);
}

void virtio_pci_reset(struct dev *dev)
{
    struct virtio_pci *p = proxy_of(dev);

    virtio_reset(p->v);
    p->v->generation = 0;
    pci_reset(&p->pci);
    msix_reset(&p->msix);
    p->isr = 0;
    reset_vectors(p);
}

void virtio_pci_settle(struct dev *dev)
{
    struct virtio_pci *p = proxy_of(dev);

    p->pci.intx = p->isr && !msix_enabled(&p->msix);
    pci_settle(&p->pci);
    msix_settle(&p->msix);
    place_legacy_config(p);
    virtio_settle(p->v);
    update_intx(p);
}

bool virtio_pci_check(struct dev *dev, GError **error)
{
    struct virtio_pci *p = proxy_of(dev);

    p->config_vector = known_vector(p, p->config_vector);
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        p->vector[i] = known_vector(p, p->vector[i]);
    }
    return virtio_check(p->v, error);
}

char *virtio_pci_get_value(struct dev *dev, const char *name)
{
    struct virtio_pci *p = proxy_of(dev);

    return p->get_value ? p->get_value(p, name) : NULL;
}

bool virtio_pci_set_value(struct dev *dev, const char *name, const char *value,
                          GError **error)
{
    struct virtio_pci *p = proxy_of(dev);

    if (!p->set_value) {
        return fail(error,
                    "Attempt to set property '%s' on device '%s' after it was "
                    "realized",
                    name, dev_name(dev));
    }
    return p->set_value(p, name, value, error);
}
