/* SPDX-License-Identifier: MIT */
/* ACPI, SMBIOS and the memory map, as this machine is. */
#include "hw/acpi/e820.h"
#include "hw/acpi/smbios.h"
#include "hw/pc/pc_parts.h"
#include "hw/pci/pci.h"
#include "target/x86/model.h"

enum { PMBA = 0x40, SCI_IRQ = 9, PCI_LAST = 0xfebfffff };

/* Called when the firmware reads the tables: PCI is set up by then. */
static void fill(void *opaque, struct acpi_config *c)
{
    static const struct acpi_port serials[] = {
        {0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};
    struct pc_acpi *a = opaque;

    *c = (struct acpi_config){
        .apic_ids = a->apic_ids,
        .cpus = a->machine->cpus,
        .max_cpus = a->machine->max_cpus,
        .pm_base = ldl_u16(a->pm->config + PMBA) & 0xffc0,
        .sci = SCI_IRQ,
        .pci_first = (uint32_t)MAX(a->low_size, 0x80000000),
        .pci_last = PCI_LAST,
        .pci64_first = 1,
        .ioapic = true,
        .hpet = a->hpet,
        .i8042 = true,
        .floppy = a->floppy,
        .fw_cfg = true,
        .oem_id = a->oem_id,
        .oem_table_id = a->oem_table_id,
        .extra = a->extra,
    };
    for (unsigned i = 0; i < BOARD_SERIALS; i++) {
        if (a->serials >> i & 1) {
            c->serial[i] = serials[i];
        }
    }
}

static bool add_e820(struct fw_cfg *fw, const struct pc_ram *ram,
                     GError **error)
{
    return e820_add(fw, 0, ram->low_size, E820_RAM, error) &&
           (!ram->high_size ||
            e820_add(fw, 4 * GIB, ram->high_size, E820_RAM, error));
}

static bool parse_uuid(const char *text, uint8_t out[16])
{
    unsigned n = 0;

    for (; *text && n < 32; text++) {
        int digit = g_ascii_xdigit_value(*text);

        if (*text == '-') {
            continue;
        }
        if (digit < 0) {
            return false;
        }
        out[n / 2] = (uint8_t)(out[n / 2] << 4 | digit);
        n++;
    }
    return n == 32 && !*text;
}

static bool add_smbios(struct fw_cfg *fw, struct machine *m,
                       const struct board_config *c, const struct pc_ram *ram,
                       GError **error)
{
    uint8_t uuid[16] = {0};
    uint32_t leaf[4];
    struct smbios_config s = *c->smbios;

    s.system.manufacturer =
        s.system.manufacturer ? s.system.manufacturer : "Rhea";
    s.system.product =
        s.system.product ? s.system.product : "PC (i440FX + PIIX)";
    s.cpu.sockets = m->max_cpus / (m->cores * m->threads);
    s.cpu.cores = m->cores;
    s.cpu.threads = m->threads;
    s.memory.low = ram->low_size;
    s.memory.high = ram->high_size;

    if (c->uuid) {
        if (!parse_uuid(c->uuid, uuid)) {
            return fail(error,
                        "-uuid %s: want 32 hex digits, such as "
                        "12345678-1234-1234-1234-123456789abc",
                        c->uuid);
        }
        s.system.uuid = uuid;
        fw_cfg_add_bytes(fw, FW_CFG_UUID, uuid, sizeof(uuid));
    }
    x86_cpuid(&c->vcpus->vcpu[0]->cpu, 1, 0, leaf);
    s.cpu.signature = leaf[0];
    s.cpu.features = leaf[3];
    return smbios_init(fw, &s, error);
}

bool pc_acpi_init(struct pc_acpi *a, struct fw_cfg *fw, struct machine *m,
                  const struct board_config *c, const struct pc_ram *ram,
                  GError **error)
{
    uint32_t *ids = machine_alloc(m, m->max_cpus * sizeof(*ids));

    for (unsigned i = 0; i < m->max_cpus; i++) {
        ids[i] = pc_apic_id(m, i);
    }
    a->machine = m;
    a->oem_id = c->oem_id;
    a->oem_table_id = c->oem_table_id;
    a->extra = c->acpi_extra;
    a->apic_ids = ids;
    a->low_size = ram->low_size;
    a->hpet = c->hpet;
    a->floppy = c->defaults;
    for (unsigned i = 0; i < BOARD_SERIALS; i++) {
        a->serials |= c->serial[i] ? 1U << i : 0;
    }
    a->tables.fw = fw;
    a->tables.fill = fill;
    a->tables.opaque = a;
    return add_e820(fw, ram, error) && add_smbios(fw, m, c, ram, error) &&
           (!c->acpi || acpi_tables_init(&a->tables, error));
}
