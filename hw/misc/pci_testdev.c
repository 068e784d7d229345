/* SPDX-License-Identifier: MIT */
/*
 * pci-testdev: counts accesses, to measure what one costs and to check that
 * none is lost. A memory BAR and an I/O BAR, three tests each.
 *
 * [PCI-TESTDEV] "pci-test is a device used for testing low level IO". A write
 * of a number to offset 0 chooses a test; its header can then be read, and
 * says where to write what.
 */
#include "hw/misc/pci_testdev.h"

#include <string.h>

enum {
    TESTS_PER_BAR = 3,
    MEMORY_SIZE = 2048, /* header; as much again for the accesses */
    IO_SIZE = 128,
    DATA_MATCH = 0xfa,
    DATA_OTHER = 0xce,
    HEADER = 16,
};

static const char *const names[PCI_TESTDEV_TESTS] = {
    "mmio-no-eventfd",   "mmio-wildcard-eventfd",   "mmio-datamatch-eventfd",
    "portio-no-eventfd", "portio-wildcard-eventfd", "portio-datamatch-eventfd",
};

static struct pci_testdev *testdev_of(struct dev *dev)
{
    return container_of(dev, struct pci_testdev, pci.dev);
}

static bool is_wildcard(int test)
{
    return test % TESTS_PER_BAR == 1;
}

static uint8_t test_data(int test)
{
    return test % TESTS_PER_BAR == 0 ? DATA_OTHER : DATA_MATCH;
}

static uint32_t test_offset(int test)
{
    return (test < TESTS_PER_BAR ? MEMORY_SIZE : IO_SIZE) + (uint32_t)test;
}

/* number, width, pad (2), offset (4), data, pad (3), count (4), name */
static unsigned test_header(const struct pci_testdev *s, int test, uint8_t *h)
{
    unsigned len = (unsigned)strlen(names[test]) + 1;

    memset(h, 0, HEADER);
    h[0] = (uint8_t)test;
    h[1] = 1;
    stl_u32(h + 4, test_offset(test));
    h[8] = test_data(test);
    stl_u32(h + 12, s->count[test]);
    memcpy(h + HEADER, names[test], len);
    return HEADER + len;
}

static uint64_t testdev_read(void *opaque, uint64_t at, unsigned size)
{
    const struct pci_testdev *s = opaque;
    uint8_t header[64] = {0};
    unsigned len;

    if (s->current < 0) {
        return 0;
    }
    len = test_header(s, s->current, header);
    return at + size > len ? 0 : ldl_u32(header + at);
}

static void testdev_write(struct pci_testdev *s, int first, uint64_t at,
                          unsigned size, uint64_t value)
{
    int test = s->current;

    if (at == 0) {
        s->current = value < TESTS_PER_BAR ? first + (int)value : -1;
        if (s->current >= 0) {
            s->count[s->current] = 0;
        }
        return;
    }
    if (test >= 0 && at == test_offset(test) &&
        (is_wildcard(test) || (size == 1 && value == test_data(test)))) {
        s->count[test]++;
    }
}

static void memory_write(void *opaque, uint64_t at, unsigned size,
                         uint64_t value)
{
    testdev_write(opaque, 0, at, size, value);
}

static void ports_write(void *opaque, uint64_t at, unsigned size,
                        uint64_t value)
{
    testdev_write(opaque, TESTS_PER_BAR, at, size, value);
}

static const struct region_ops memory_ops = {
    .read = testdev_read,
    .write = memory_write,
};

static const struct region_ops ports_ops = {
    .read = testdev_read,
    .write = ports_write,
};

static bool testdev_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {
        .vendor = 0x1b36,
        .device = 0x0005,
        .class_code = 0xff0000,
        .int_pin = 0,
    };
    struct pci_testdev *s = testdev_of(dev);

    if (!pci_realize(&s->pci, &ids, -1, error)) {
        return false;
    }
    region_init_io(&s->memory, "pci-testdev", 2 * MEMORY_SIZE, &memory_ops, s);
    region_init_io(&s->ports, "pci-testdev", 2 * IO_SIZE, &ports_ops, s);
    pci_set_bar(&s->pci, 0, PCI_BAR_MEM32, &s->memory);
    pci_set_bar(&s->pci, 1, PCI_BAR_IO, &s->ports);
    return true;
}

static void testdev_unrealize(struct dev *dev)
{
    pci_unrealize(&testdev_of(dev)->pci);
}

static void testdev_reset(struct dev *dev)
{
    struct pci_testdev *s = testdev_of(dev);

    pci_reset(&s->pci);
    s->current = -1;
    memset(s->count, 0, sizeof(s->count));
}

static void testdev_settle(struct dev *dev)
{
    pci_settle(&testdev_of(dev)->pci);
}

static bool testdev_check(struct dev *dev, GError **error)
{
    const struct pci_testdev *s = testdev_of(dev);

    if (s->current < -1 || s->current >= PCI_TESTDEV_TESTS) {
        return fail(error, "pci-testdev: there is no test %d", s->current);
    }
    return true;
}

static const struct field testdev_props[] = {
    PCI_PROPS(struct pci_testdev, pci),
    FIELD_END,
};

static const struct field testdev_state[] = {
    PCI_STATE(struct pci_testdev, pci),
    FIELD(struct pci_testdev, current),
    FIELD_ARRAY(struct pci_testdev, count),
    FIELD_END,
};

const struct dev_type pci_testdev_type = {
    .name = "pci-testdev",
    .desc = "counts accesses to its BARs",
    .bus = "PCI",
    .size = sizeof(struct pci_testdev),
    .version = 1,
    .props = testdev_props,
    .state = testdev_state,
    .realize = testdev_realize,
    .unrealize = testdev_unrealize,
    .reset = testdev_reset,
    .settle = testdev_settle,
    .check = testdev_check,
};
