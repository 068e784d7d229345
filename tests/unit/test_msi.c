/* SPDX-License-Identifier: MIT */
/* MSI and MSI-X: capabilities, masks, pending bits. [PCI] 6.8 */
#include "hw/pci/msi.h"
#include "tests/unit/hw_test.h"

enum { CAPS = 0x34, MAILBOX = 0x1000, TABLE = 0xe0000000 };

struct card {
    struct pci_dev pci;
    struct msi msi;
    struct msix msix;
};

static void card_config_written(struct pci_dev *d, unsigned at, unsigned size)
{
    struct card *c = container_of(d, struct card, pci);

    msi_config_written(&c->msi, at, size);
    msix_config_written(&c->msix, at, size);
}

static bool card_realize(struct dev *dev, GError **error)
{
    static const struct pci_ids ids = {
        .vendor = 0x1234, .device = 0x5678, .class_code = 0xff0000};
    struct card *c = container_of(dev, struct card, pci.dev);

    if (!pci_realize(&c->pci, &ids, -1, error)) {
        return false;
    }
    c->pci.config_written = card_config_written;
    msi_init(&c->msi, &c->pci, 4, true);
    msix_init_bar(&c->msix, &c->pci, 3, 1);
    return true;
}

static void card_unrealize(struct dev *dev)
{
    struct card *c = container_of(dev, struct card, pci.dev);

    msix_unrealize(&c->msix);
    pci_unrealize(&c->pci);
}

static void card_reset(struct dev *dev)
{
    struct card *c = container_of(dev, struct card, pci.dev);

    pci_reset(&c->pci);
    msix_reset(&c->msix);
}

static void card_settle(struct dev *dev)
{
    struct card *c = container_of(dev, struct card, pci.dev);

    pci_settle(&c->pci);
    msi_settle(&c->msi);
    msix_settle(&c->msix);
}

static const struct field card_state[] = {
    PCI_STATE(struct card, pci),
    MSIX_STATE(struct card, msix),
    FIELD_END,
};

static const struct dev_type card_type = {
    .name = "card",
    .bus = "PCI",
    .size = sizeof(struct card),
    .state = card_state,
    .realize = card_realize,
    .unrealize = card_unrealize,
    .reset = card_reset,
    .settle = card_settle,
};

struct rig {
    struct machine m;
    struct region mailbox;
    struct card *card;
    uint64_t got_at; /* the last message, and how many there were */
    uint32_t got;
    unsigned count;
};

static void mailbox_write(void *opaque, uint64_t at, unsigned size,
                          uint64_t value)
{
    struct rig *r = opaque;

    g_assert_cmpuint(size, ==, 4);
    r->got_at = at;
    r->got = (uint32_t)value;
    r->count++;
    msix_send(&r->card->msix, 0); /* what it leads to ends here */
}

static void rig_init(struct rig *r)
{
    static const struct region_ops ops = {.write = mailbox_write};

    hw_test_init(&r->m);
    region_init_io(&r->mailbox, "mailbox", 0x100, &ops, r);
    region_add(&r->m.memory.root, &r->mailbox, MAILBOX, 0);
    pci_bus_new(&r->m, "pci.0", NULL, &r->m.memory.root, &r->m.ports.root);
    r->card = hw_test_dev(&r->m, &card_type);
    pci_config_write(&r->card->pci, PCI_BAR0 + 4, 4, TABLE);
    pci_config_write(&r->card->pci, PCI_COMMAND, 2,
                     PCI_CMD_MEMORY | PCI_CMD_MASTER);
}

static unsigned find_cap(struct rig *r, uint8_t id)
{
    unsigned at = pci_config_read(&r->card->pci, CAPS, 1);

    while (at && pci_config_read(&r->card->pci, at, 1) != id) {
        at = pci_config_read(&r->card->pci, at + 1, 1);
    }
    return at;
}

static void test_msi(void)
{
    struct rig r = {0};
    struct pci_dev *d;
    unsigned at;

    rig_init(&r);
    d = &r.card->pci;
    at = find_cap(&r, 5);
    g_assert_cmphex(pci_config_read(d, at + 2, 2), ==, 0x184); /* 4 vectors */
    msi_send(&r.card->msi, 0);
    g_assert_cmpuint(r.count, ==, 0);            /* not enabled */
    pci_config_write(d, at + 4, 4, MAILBOX + 3); /* the low bits are zero */
    g_assert_cmphex(pci_config_read(d, at + 4, 4), ==, MAILBOX);
    pci_config_write(d, at + 12, 2, 0x4041);
    pci_config_write(d, at + 2, 2, 1 | 1 << 4); /* two allotted */
    g_assert_true(msi_enabled(&r.card->msi));
    msi_send(&r.card->msi, 1);
    g_assert_cmphex(r.got, ==, 0x4041);
    msi_send(&r.card->msi, 2); /* becomes vector 0 */
    g_assert_cmphex(r.got, ==, 0x4040);
    g_assert_cmpuint(r.count, ==, 2);
    pci_config_write(d, at + 16, 4, 0xffffffff);
    g_assert_cmphex(pci_config_read(d, at + 16, 4), ==, 0xf);
    msi_send(&r.card->msi, 1);
    msi_send(&r.card->msi, 1);
    g_assert_cmpuint(r.count, ==, 2);
    g_assert_cmphex(pci_config_read(d, at + 20, 4), ==, 2);
    pci_config_write(d, at + 16, 4, 1);
    g_assert_cmpuint(r.count, ==, 3);
    g_assert_cmphex(pci_config_read(d, at + 20, 4), ==, 0);
    hw_test_done(&r.m);
}

static void set_entry(struct rig *r, unsigned n, uint32_t data, uint32_t masked)
{
    uint64_t at = TABLE + 16 * n;

    space_write(&r->m.memory, at, 8, MAILBOX + 4 * n);
    space_write(&r->m.memory, at + 8, 4, data);
    space_write(&r->m.memory, at + 12, 4, masked);
}

static void test_msix(void)
{
    struct rig r = {0};
    struct pci_dev *d;
    unsigned at;

    rig_init(&r);
    d = &r.card->pci;
    at = find_cap(&r, 0x11);
    g_assert_cmphex(pci_config_read(d, at + 2, 2), ==, 2); /* three */
    g_assert_cmphex(pci_config_read(d, at + 4, 4), ==, 1); /* BAR 1 */
    g_assert_cmphex(pci_config_read(d, at + 8, 4), ==, 0x801);
    g_assert_cmphex(space_read(&r.m.memory, TABLE + 44, 4), ==, 1);
    set_entry(&r, 0, 0x40, 0);
    set_entry(&r, 1, 0x41, 1);
    set_entry(&r, 2, 0x42, 0);
    msix_send(&r.card->msix, 0);
    g_assert_cmpuint(r.count, ==, 0);
    pci_config_write(d, at + 2, 2, 0x8000);
    msix_send(&r.card->msix, 2);
    g_assert_cmphex(r.got, ==, 0x42);
    g_assert_cmphex(r.got_at, ==, 8);
    msix_send(&r.card->msix, 3); /* there is none */
    msix_send(&r.card->msix, 1); /* masked */
    g_assert_cmpuint(r.count, ==, 1);
    g_assert_cmphex(space_read(&r.m.memory, TABLE + 0x800, 8), ==, 2);
    space_write(&r.m.memory, TABLE + 0x800, 4, 0); /* read-only */
    space_write(&r.m.memory, TABLE + 28, 4, 0);
    g_assert_cmphex(r.got, ==, 0x41);
    g_assert_cmphex(space_read(&r.m.memory, TABLE + 0x800, 8), ==, 0);
    hw_test_done(&r.m);
}

static void test_msix_mask_all(void)
{
    struct rig r = {0};
    struct rig other = {0};
    unsigned at;

    rig_init(&r);
    rig_init(&other);
    at = find_cap(&r, 0x11);
    set_entry(&r, 0, 0x40, 0);
    set_entry(&r, 1, 0x41, 0);
    pci_config_write(&r.card->pci, at + 2, 2, 0xc000);
    msix_send(&r.card->msix, 0);
    msix_send(&r.card->msix, 1);
    msix_clear_pending(&r.card->msix, 1);
    g_assert_cmpuint(r.count, ==, 0);
    hw_test_roundtrip(&r.card->pci.dev, &other.card->pci.dev);
    pci_config_write(&r.card->pci, at + 2, 2, 0x8000);
    g_assert_cmpuint(r.count, ==, 1);
    pci_config_write(&other.card->pci, at + 2, 2, 0x8000);
    g_assert_cmpuint(other.count, ==, 1);
    g_assert_cmphex(other.got, ==, 0x40);
    pci_config_write(&r.card->pci, PCI_COMMAND, 2, PCI_CMD_MEMORY);
    msix_send(&r.card->msix, 0); /* no bus mastering: lost */
    g_assert_cmpuint(r.count, ==, 1);
    hw_test_done(&other.m);
    hw_test_done(&r.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/msi", test_msi);
    g_test_add_func("/msix", test_msix);
    g_test_add_func("/msix/mask_all", test_msix_mask_all);
    return g_test_run();
}
