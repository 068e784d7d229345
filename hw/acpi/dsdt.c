/* SPDX-License-Identifier: MIT */
/*
 * The DSDT of a PC with PIIX3 and PIIX4 power management: sleep states, the
 * PCI root with its interrupt routing, ISA devices, processors.
 *
 * [ACPI] chapters 5, 6 and 7. [PIIX3] PIRQRC.
 *
 * Both interrupt models route PCI interrupts through the PIIX3's registers to
 * ISA lines, as the I/O APIC's first sixteen inputs are those lines: so the
 * link devices serve PIC and APIC mode alike.
 */
#include "hw/acpi/tables.h"

static void sleep_state(struct aml *a, const char *name, unsigned type)
{
    aml_name(a, name);
    aml_package(a, 4);
    aml_int(a, type);
    aml_int(a, type);
    aml_int(a, 0);
    aml_int(a, 0);
    aml_end(a);
}

static void sleep_states(const struct acpi_config *c, struct aml *a)
{
    if (!c->no_s3) {
        sleep_state(a, "\\_S3", 1);
    }
    if (!c->no_s4) {
        sleep_state(a, "\\_S4", c->s4);
    }
    sleep_state(a, "\\_S5", 0);
}

/* Slot n's INTA# is PIRQ (n - 1); slot 1 is the PIIX, whose function 3 has
 * the SCI for its INTA#. */
static void pci_routing(struct aml *a)
{
    static const char *const links[] = {"LNKA", "LNKB", "LNKC", "LNKD"};

    aml_name(a, "_PRT");
    aml_package(a, 31 * 4);
    for (unsigned slot = 1; slot < 32; slot++) {
        for (unsigned pin = 0; pin < 4; pin++) {
            bool sci = slot == 1 && pin == 0;

            aml_package(a, 4);
            aml_int(a, slot << 16 | 0xffff);
            aml_int(a, pin);
            aml_path(a, sci ? "\\_SB.LNKS" : links[(slot + pin + 3) & 3]);
            aml_int(a, 0);
            aml_end(a);
        }
    }
    aml_end(a);
}

static void pci_windows(const struct acpi_config *c, struct aml *a)
{
    aml_name(a, "_CRS");
    aml_template(a);
    aml_bus_window(a, 0, 0xff);
    aml_io(a, 0xcf8, 1, 8);
    aml_io_window(a, 0, 0xcf7);
    aml_io_window(a, 0xd00, 0xffff);
    aml_memory_window(a, 0xa0000, 0xbffff, true);
    aml_memory_window(a, c->pci_first, c->pci_last, false);
    if (c->pci64_first < c->pci64_last) {
        aml_memory_window64(a, c->pci64_first, c->pci64_last);
    }
    aml_end(a);
}

/* A device with a _HID; its resources follow, then device_end(). */
static void isa_device(struct aml *a, const char *name, const char *hid)
{
    aml_device(a, name);
    aml_name_eisaid(a, "_HID", hid);
    aml_name(a, "_CRS");
    aml_template(a);
}

static void device_end(struct aml *a)
{
    aml_end(a); /* template */
    aml_end(a); /* device */
}

static void isa_board(const struct acpi_config *c, struct aml *a)
{
    isa_device(a, "PIC", "PNP0000");
    aml_io(a, 0x20, 1, 2);
    aml_io(a, 0xa0, 1, 2);
    aml_io(a, 0x4d0, 1, 2);
    aml_irq(a, 2);
    device_end(a);
    isa_device(a, "TIMR", "PNP0100");
    aml_io(a, 0x40, 1, 4);
    device_end(a);
    isa_device(a, "DMAC", "PNP0200");
    aml_io(a, 0x00, 1, 0x10);
    aml_io(a, 0x81, 1, 0x0f);
    aml_io(a, 0xc0, 1, 0x20);
    aml_dma(a, 4);
    device_end(a);
    isa_device(a, "RTC", "PNP0B00");
    aml_io(a, 0x70, 1, 2);
    aml_irq(a, 8);
    device_end(a);
    isa_device(a, "SPKR", "PNP0800");
    aml_io(a, 0x61, 1, 1);
    device_end(a);
    isa_device(a, "COPR", "PNP0C04");
    aml_io(a, 0xf0, 1, 0x10);
    aml_irq(a, 13);
    device_end(a);
    if (c->pm_base) { /* nobody else may use these */
        isa_device(a, "SYSR", "PNP0C02");
        aml_io(a, 0x92, 1, 1);
        aml_io(a, 0xb2, 1, 2);
        aml_io(a, c->pm_base, 1, 0x40);
        device_end(a);
    }
}

static void isa_keyboard(struct aml *a)
{
    isa_device(a, "KBD", "PNP0303");
    aml_io(a, 0x60, 1, 1);
    aml_io(a, 0x64, 1, 1);
    aml_irq(a, 1);
    device_end(a);
    isa_device(a, "MOU", "PNP0F13");
    aml_irq(a, 12);
    device_end(a);
}

static void isa_floppy(struct aml *a)
{
    isa_device(a, "FDC0", "PNP0700");
    aml_io(a, 0x3f2, 1, 4);
    aml_io(a, 0x3f7, 1, 1);
    aml_irq(a, 6);
    aml_dma(a, 2);
    device_end(a);
}

/* Serial or parallel ports. */
static void isa_ports(struct aml *a, const struct acpi_port *ports,
                      unsigned count, const char *prefix, const char *hid,
                      uint8_t len)
{
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("%s%u", prefix, i + 1);

        if (!ports[i].at) {
            continue;
        }
        aml_device(a, name);
        aml_name_eisaid(a, "_HID", hid);
        aml_name_int(a, "_UID", i + 1);
        aml_name(a, "_CRS");
        aml_template(a);
        aml_io(a, ports[i].at, 1, len);
        aml_irq(a, ports[i].irq);
        device_end(a);
    }
}

/* A device whose _HID is a string, with ports alone. */
static void virtual_device(struct aml *a, const char *name, const char *hid,
                           uint16_t at, uint8_t len)
{
    aml_device(a, name);
    aml_name_string(a, "_HID", hid);
    aml_name_int(a, "_STA", 0x0b);
    aml_name(a, "_CRS");
    aml_template(a);
    aml_io(a, at, 1, len);
    device_end(a);
}

static void isa_bridge(const struct acpi_config *c, struct aml *a)
{
    aml_device(a, "ISA");
    aml_name_int(a, "_ADR", 0x00010000);
    aml_region(a, "PIRQ", AML_PCI_CONFIG, 0x60, 4);
    aml_field(a, "PIRQ");
    aml_field_unit(a, "PRQ0", 8);
    aml_field_unit(a, "PRQ1", 8);
    aml_field_unit(a, "PRQ2", 8);
    aml_field_unit(a, "PRQ3", 8);
    aml_end(a);
    isa_board(c, a);
    if (c->i8042) {
        isa_keyboard(a);
    }
    if (c->floppy) {
        isa_floppy(a);
    }
    isa_ports(a, c->serial, ACPI_SERIALS, "COM", "PNP0501", 8);
    isa_ports(a, c->parallel, ACPI_PARALLELS, "LPT", "PNP0400", 8);
    if (c->pvpanic) {
        virtual_device(a, "PEVT", "QEMU0001", c->pvpanic, 1);
    }
    aml_end(a);
}

/* IQST: is a routing register on? IQCR: its _CRS. */
static void link_methods(struct aml *a)
{
    static const uint32_t none[] = {0};

    aml_method(a, "IQST", 1, false);
    aml_if(a);
    aml_op(a, AML_AND);
    aml_int(a, 0x80);
    aml_arg(a, 0);
    aml_no_target(a);
    aml_op(a, AML_RETURN);
    aml_int(a, 0x09);
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_int(a, 0x0b);
    aml_end(a);

    aml_name(a, "PRR0");
    aml_template(a);
    aml_interrupt(a, none, 1);
    aml_end(a);
    aml_method(a, "IQCR", 1, true);
    aml_op(a, AML_CREATE_DWORD_FIELD);
    aml_path(a, "PRR0");
    aml_int(a, 5);
    aml_path(a, "PRRI");
    aml_op(a, AML_STORE);
    aml_int(a, 0);
    aml_path(a, "PRRI");
    aml_if(a);
    aml_op(a, AML_LLESS);
    aml_arg(a, 0);
    aml_int(a, 0x80);
    aml_op(a, AML_STORE);
    aml_arg(a, 0);
    aml_path(a, "PRRI");
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_path(a, "PRR0");
    aml_end(a);
}

static void possible(struct aml *a, const uint32_t *gsi, unsigned count)
{
    aml_name(a, "_PRS");
    aml_template(a);
    aml_interrupt(a, gsi, count);
    aml_end(a);
}

/* One PIRQ as a link device: the OS reads, chooses and switches it off. */
static void link_device(struct aml *a, unsigned n)
{
    static const uint32_t lines[] = {5, 10, 11};
    g_autofree char *name = g_strdup_printf("LNK%c", 'A' + n);
    g_autofree char *reg = g_strdup_printf("PCI0.ISA.PRQ%u", n);
    g_autofree char *path = g_strconcat("\\_SB.", reg, NULL);

    aml_device(a, name);
    aml_name_eisaid(a, "_HID", "PNP0C0F");
    aml_name_int(a, "_UID", n);
    possible(a, lines, ARRAY_SIZE(lines));
    aml_method(a, "_STA", 0, false);
    aml_op(a, AML_RETURN);
    aml_path(a, "IQST");
    aml_path(a, path);
    aml_end(a);
    aml_method(a, "_DIS", 0, false);
    aml_op(a, AML_OR);
    aml_path(a, path);
    aml_int(a, 0x80);
    aml_path(a, path);
    aml_end(a);
    aml_method(a, "_CRS", 0, false);
    aml_op(a, AML_RETURN);
    aml_path(a, "IQCR");
    aml_path(a, path);
    aml_end(a);
    aml_method(a, "_SRS", 1, false);
    aml_op(a, AML_CREATE_DWORD_FIELD);
    aml_arg(a, 0);
    aml_int(a, 5);
    aml_path(a, "PRRI");
    aml_op(a, AML_STORE);
    aml_path(a, "PRRI");
    aml_path(a, path);
    aml_end(a);
    aml_end(a);
}

/* The SCI as a link that cannot be changed. */
static void link_sci(struct aml *a, uint32_t sci)
{
    aml_device(a, "LNKS");
    aml_name_eisaid(a, "_HID", "PNP0C0F");
    aml_name_int(a, "_UID", 4);
    possible(a, &sci, 1);
    aml_name(a, "_CRS");
    aml_template(a);
    aml_interrupt(a, &sci, 1);
    aml_end(a);
    aml_name_int(a, "_STA", 0x0b);
    aml_method(a, "_DIS", 0, false);
    aml_end(a);
    aml_method(a, "_SRS", 1, false);
    aml_end(a);
    aml_end(a);
}

static void processors(const struct acpi_config *c, struct aml *a)
{
    for (unsigned i = 0; i < c->cpus; i++) {
        g_autofree char *name = g_strdup_printf("C%03X", i);

        aml_device(a, name);
        aml_name_string(a, "_HID", "ACPI0007");
        aml_name_int(a, "_UID", i);
        aml_end(a);
    }
}

static void hpet_device(struct aml *a)
{
    aml_device(a, "HPET");
    aml_name_eisaid(a, "_HID", "PNP0103");
    aml_name_int(a, "_UID", 0);
    aml_name(a, "_CRS");
    aml_template(a);
    aml_memory32(a, 0xfed00000, 0x400, false);
    device_end(a);
}

void acpi_dsdt(const struct acpi_config *c, struct aml *a)
{
    sleep_states(c, a);
    aml_scope(a, "\\_SB");
    link_methods(a);
    aml_device(a, "PCI0");
    aml_name_eisaid(a, "_HID", "PNP0A03");
    aml_name_int(a, "_UID", 0);
    pci_windows(c, a);
    pci_routing(a);
    isa_bridge(c, a);
    if (c->fw_cfg) {
        virtual_device(a, "FWCF", "QEMU0002", 0x510, 12);
    }
    aml_end(a);
    for (unsigned n = 0; n < 4; n++) {
        link_device(a, n);
    }
    link_sci(a, c->sci);
    if (c->hpet) {
        hpet_device(a);
    }
    processors(c, a);
    aml_end(a);
}
