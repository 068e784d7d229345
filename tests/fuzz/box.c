/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/box.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "hw/core/state.h"
#include "hw/pci/pci.h"

enum { BOX_HD, BOX_CD, BOX_FLOPPY, BOX_FLOPPY2 };

/* --- disks in memory --- */

static const struct {
    const char *id;
    const char *option;
    uint64_t size;
} disks[BOX_DISKS] = {
    {"hd", "id=hd,if=ide,index=0,media=disk", 1024 * KIB},
    {"cd", "id=cd,if=ide,index=2,media=cdrom", 600 * KIB},
    {"fd", "id=fd,if=floppy,index=0", 1440 * KIB},
    {"fd2", "id=fd2,if=floppy,index=1", 360 * KIB},
    {"vd", "id=vd,if=none", 256 * KIB},
    {"sd", "id=sd,if=none", 128 * KIB},
    {"ud", "id=ud,if=none", 192 * KIB},
};

static bool disk_fails(struct box_disk *d)
{
    return d->fails && ++d->accesses % d->fails == 0;
}

static int disk_move(struct image *img, uint64_t offset,
                     const struct iovec *iov, unsigned count, bool write)
{
    struct box_disk *d = img->impl;

    if (disk_fails(d)) {
        return EIO;
    }
    for (unsigned i = 0; i < count; i++) {
        g_assert_cmpuint(offset, <=, d->size);
        g_assert_cmpuint(iov[i].iov_len, <=, d->size - offset);
        if (write) {
            memcpy(d->data + offset, iov[i].iov_base, iov[i].iov_len);
        } else {
            memcpy(iov[i].iov_base, d->data + offset, iov[i].iov_len);
        }
        offset += iov[i].iov_len;
    }
    return 0;
}

static int disk_read(struct image *img, uint64_t offset,
                     const struct iovec *iov, unsigned count)
{
    return disk_move(img, offset, iov, count, false);
}

static int disk_write(struct image *img, uint64_t offset,
                      const struct iovec *iov, unsigned count)
{
    return disk_move(img, offset, iov, count, true);
}

static int disk_flush(struct image *img)
{
    return disk_fails(img->impl) ? EIO : 0;
}

static int disk_clear(struct image *img, uint64_t offset, uint64_t len)
{
    struct box_disk *d = img->impl;

    memset(d->data + offset, 0, len);
    return 0;
}

static void disk_close(struct image *img)
{
}

static const struct image_ops disk_ops = {
    .name = "box",
    .read = disk_read,
    .write = disk_write,
    .flush = disk_flush,
    .discard = disk_clear,
    .zero = disk_clear,
    .close = disk_close,
};

static struct image *disk_image(struct box_disk *d, bool readonly)
{
    struct image *img = g_new0(struct image, 1);

    img->ops = &disk_ops;
    img->filename = g_strdup("box");
    img->size = d->size;
    img->readonly = readonly;
    img->impl = d;
    return img;
}

struct drive *box_drive(struct box *b, unsigned n)
{
    return machine_backend(&b->vm.machine, BACKEND_DRIVE, disks[n].id);
}

void box_insert(struct box *b, unsigned n, bool in)
{
    struct drive *d = box_drive(b, n);

    drive_set_image(d, in ? disk_image(&b->disk[n], n == BOX_CD) : NULL);
}

/* --- the machine --- */

static void box_files_remove(void);

/*
 * Stand-ins for the firmware, so that nothing needs to be installed, and empty
 * files of the disks' sizes: a drive wants one when it is made. One folder a
 * process.
 */
static const char *box_files(void)
{
    static char *dir;
    static const char *const names[] = {"bios-256k.bin", "bios.bin",
                                        "vgabios-stdvga.bin",
                                        "vgabios-isavga.bin"};
    g_autofree char *data = g_malloc0(64 * KIB);

    if (dir) {
        return dir;
    }
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* machines are small and many */
    dir = g_dir_make_tmp("rhea-fuzz-XXXXXX", NULL);
    g_assert_nonnull(dir);
    atexit(box_files_remove);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);

        g_assert_true(g_file_set_contents(path, data, 64 * KIB, NULL));
    }
    for (size_t i = 0; i < BOX_DISKS; i++) {
        g_autofree char *path = g_build_filename(dir, disks[i].id, NULL);

        g_assert_true(g_file_set_contents(path, "", 0, NULL));
        g_assert_cmpint(truncate(path, (off_t)disks[i].size), ==, 0);
    }
    return dir;
}

static void box_files_remove(void)
{
    const char *dir = box_files();
    g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
    const char *name;

    while (d && (name = g_dir_read_name(d))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        g_unlink(path);
    }
    g_rmdir(dir);
}

static void box_set(struct box *b, const char *name, const char *value)
{
    GError *error = NULL;

    config_set(&b->config, name, value, &error);
    g_assert_no_error(error);
}

static bool device_is_there(struct machine *m, const struct dev_type *t)
{
    return machine_find_type(m, t);
}

/* A device's own disk. */
static const char *disk_for(const struct dev_type *t)
{
    return strstr(t->name, "usb")    ? "ud"
           : strstr(t->name, "scsi") ? "sd"
                                     : "vd";
}

/* Eight to a slot: there are more of them than slots. */
static void box_set_addr(struct dev *dev, unsigned n)
{
    g_autofree char *addr = g_strdup_printf("%x.%u", 4 + n / 8, n % 8);

    dev_set_prop(dev, "addr", addr, NULL);
    dev_set_prop(dev, "multifunction", "on", NULL);
}

/* What -device can make and the board does not have; a type that wants more
 * than that is left out. */
static void box_more_devices(struct box *b)
{
    struct machine *m = &b->vm.machine;
    g_autofree char *rom =
        g_build_filename(box_files(), "vgabios-stdvga.bin", NULL);
    unsigned pci = 0;

    for (const struct dev_type *const *t = device_types; *t; t++) {
        struct dev *dev;

        if (device_is_there(m, *t) || g_strcmp0((*t)->bus, "IDE") == 0) {
            continue;
        }
        dev = dev_new(m, *t, NULL);
        dev_set_prop(dev, "vgamem_mb", "1", NULL); /* less to copy */
        dev_set_prop(dev, "romfile", rom, NULL);
        dev_set_prop(dev, "drive", disk_for(*t), NULL);
        dev_set_prop(dev, "packed", (t - device_types) & 1 ? "on" : "off",
                     NULL);
        dev_set_prop(dev, "free-page-reporting", "on", NULL);
        if (strcmp((*t)->name, "virtserialport") == 0) {
            dev_set_prop(dev, "chardev", "vport", NULL);
        }
        if (g_strcmp0((*t)->bus, "PCI") == 0) {
            box_set_addr(dev, pci++);
        }
        box_net_attach(b, dev);
        if (!dev_realize(dev, NULL)) {
            dev_free(dev);
        }
    }
}

static void box_options(struct box *b, const char *board, const char *dir)
{
    bool pci = strcmp(board, "isapc") != 0;
    const char *const options[][2] = {{"display", "none"},
                                      {"nodefaults", NULL},
                                      {"m", "4"},
                                      {"vga", pci ? "none" : "std"},
                                      {"chardev", "null,id=vport"},
                                      {"serial", "null"},
                                      {"serial", "null"},
                                      {"parallel", "null"}};

    config_init(&b->config);
    box_set(b, "machine", board);
    box_set(b, "accel", "qtest");
    box_set(b, "L", dir);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        box_set(b, options[i][0], options[i][1]);
    }
    if (pci) {
        box_set(b, "smp", "2");
    }
    for (unsigned i = 0; i < BOX_DISKS; i++) {
        g_autofree char *option = g_strdup_printf(
            "%s,format=raw,cache=unsafe,file.locking=off,file=%s/%s",
            disks[i].option, dir, disks[i].id);

        box_set(b, "drive", option);
    }
}

/* As firmware would: BARs one behind the other, everything switched on. */
static void box_pci(struct machine *m)
{
    uint32_t io = 0xc000, mem = 0xe0000000;

    for (guint i = 0; i < m->devices->len; i++) {
        struct dev *dev = m->devices->pdata[i];
        struct pci_dev *d = container_of(dev, struct pci_dev, dev);

        if (g_strcmp0(dev->type->bus, "PCI") != 0) {
            continue;
        }
        for (unsigned n = 0; n < PCI_BARS; n++) {
            uint32_t *at = d->bar[n].kind == PCI_BAR_IO ? &io : &mem;
            uint32_t size;

            if (d->bar[n].kind == PCI_BAR_NONE) {
                continue;
            }
            size = (uint32_t)d->bar[n].region->size;
            *at = (*at + size - 1) & ~(size - 1);
            pci_config_write(d, PCI_BAR0 + 4 * n, 4, *at);
            *at += size;
        }
        pci_config_write(d, PCI_COMMAND, 2, 7);
        if (strcmp(dev->type->name, "PIIX4_PM") == 0) {
            pci_config_write(d, 0x40, 4, 0x601);
            pci_config_write(d, 0x80, 1, 1);
            pci_config_write(d, 0x90, 4, 0x701);
            pci_config_write(d, 0xd2, 1, 9);
        }
    }
}

static void box_start(struct machine *m)
{
    box_pci(m);
    box_net_setup(m);
    box_virtio_setup(m);
}

static void box_disks(struct box *b)
{
    for (unsigned i = 0; i < BOX_DISKS; i++) {
        struct box_disk *d = &b->disk[i];

        d->size = disks[i].size;
        d->data = g_malloc0(d->size);
        for (uint64_t at = 0; at < d->size; at += 512) {
            stl_u32(d->data + at, (uint32_t)at / 512);
        }
        b->vm.machine.requested = NULL;
    }
}

static void box_random(void *to, size_t len)
{
    memset(to, 0x5a, len);
}

struct box *box_new(const char *board)
{
    struct box *b = g_new0(struct box, 1);
    GError *error = NULL;

    b->nets = g_ptr_array_new();
    box_options(b, board, box_files());
    vm_create(&b->vm, &b->config, &error);
    g_assert_no_error(error);
    box_disks(b);
    lock_enter(&b->vm.machine.lock);
    clock_set_manual(&b->vm.machine.host_clock);
    b->vm.machine.rtc_offset = 0;
    b->vm.machine.random = box_random;
    box_more_devices(b);
    box_usb_devices(&b->vm.machine);
    for (unsigned i = 0; i < BOX_DISKS; i++) {
        box_insert(b, i, true);
    }
    machine_reset_devices(&b->vm.machine);
    box_pci(&b->vm.machine);
    box_start(&b->vm.machine);
    return b;
}

void box_free(struct box *b)
{
    lock_leave(&b->vm.machine.lock);
    vm_destroy(&b->vm);
    box_net_free(b);
    config_clear(&b->config);
    for (unsigned i = 0; i < BOX_DISKS; i++) {
        g_free(b->disk[i].data);
    }
    g_free(b);
}

void box_serve(struct box *b)
{
    struct machine *m = &b->vm.machine;
    unsigned requests;

    box_virtio_kick(m);
    for (unsigned i = 0; i < BOX_DISKS; i++) {
        drive_drain(box_drive(b, i));
    }
    requests = m->requests;
    m->requests = 0;
    if (requests & MACHINE_RESET) {
        machine_reset_devices(m);
        box_pci(m);
        box_start(m);
    }
    if (requests & MACHINE_POWERDOWN && m->board_powerdown) {
        m->board_powerdown(m);
    }
}

/* A timer that is a bug away from firing for ever hangs here: the driver's
 * alarm, or libFuzzer's, says so. */
void box_step(struct box *b, int64_t ns)
{
    struct machine *m = &b->vm.machine;

    clock_step(&m->clock, clock_now(&m->clock) + ns);
    clock_step(&m->host_clock, clock_now(&m->host_clock) + ns);
}

/* --- saved state --- */

GByteArray *box_save(struct box *b)
{
    GByteArray *state = g_byte_array_new();

    box_serve(b);
    machine_settle_devices(&b->vm.machine);
    state_save_devices(&b->vm.machine, state);
    return state;
}

void box_copy_memory(struct box *to, struct box *from)
{
    struct machine *a = &from->vm.machine;
    struct machine *b = &to->vm.machine;

    for (guint i = 0; i < a->rams->len; i++) {
        struct ram *x = a->rams->pdata[i];
        struct ram *y = b->rams->pdata[i];

        g_assert_cmpuint(x->size, ==, y->size);
        memcpy(y->host, x->host, x->size);
        ram_wrote(y, 0, y->size);
    }
    for (unsigned i = 0; i < BOX_DISKS; i++) {
        bool in = box_drive(from, i)->image;

        if (in != (box_drive(to, i)->image != NULL)) {
            box_insert(to, i, in);
        }
        memcpy(to->disk[i].data, from->disk[i].data, from->disk[i].size);
        to->disk[i].fails = from->disk[i].fails;
        to->disk[i].accesses = from->disk[i].accesses;
    }
    clock_step(&b->clock, clock_now(&a->clock));
    clock_step(&b->host_clock, clock_now(&a->host_clock));
    b->rtc_offset = a->rtc_offset;
}

bool box_load(struct box *to, const GByteArray *state, GError **error)
{
    return state_load_devices(&to->vm.machine, state->data, state->len, error);
}

/* "DEVICE: FIELD" of the byte at `at`. */
static char *state_place(const GByteArray *s, guint at)
{
    guint section = 0, end;

    while ((end = section + ldl_u32(s->data + section)) <= at) {
        section = end;
    }
    for (guint p = section + 5 + s->data[section + 4], next; p < end;
         p = next) {
        const uint8_t *r = s->data + p;
        const uint8_t *head = r + 1 + r[0];

        next = p + 1u + r[0] + 5u + head[0] * ldl_u32(head + 1);
        if (at < next) {
            return g_strdup_printf("%.*s: %.*s+%d", s->data[section + 4],
                                   s->data + section + 5, r[0], r + 1,
                                   (int)at - (int)(p + 6u + r[0]));
        }
    }
    return g_strdup("?");
}

void box_compare(struct box *b, const GByteArray *x, const GByteArray *y,
                 const char *what)
{
    g_assert_cmpuint(x->len, ==, y->len);
    for (guint i = 0; i < x->len; i++) {
        if (x->data[i] != y->data[i]) {
            g_autofree char *place = state_place(x, i);

            g_error("%s: '%s' differs: %02x, %02x", what, place, x->data[i],
                    y->data[i]);
        }
    }
}
