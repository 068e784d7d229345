/* SPDX-License-Identifier: MIT */
/* What the command line says, option by option, before it is acted upon. */
#ifndef VM_CONFIG_H
#define VM_CONFIG_H

#include "base/opts.h"

struct config {
    /* strings: the last one wins */
    char *append, *bios, *boot, *cpu, *debugcon, *display;
    char *initrd, *kernel, *keymap, *log_file, *log_items, *memory, *name;
    char *pidfile, *qtest, *qtest_log, *rtc, *smp, *uuid, *vga;
    char *echr, *log_ranges, *mem_path, *watchdog_action, *writeconfig;
    char *chroot, *runas, *run_with, *startdate;
    char *file;         /* the argument without a dash */
    const char *helper; /* program of helper processes: us, or NULL */
    /* lists of strings, in order */
    GPtrArray *accel, *acpitable, *action, *blockdev, *fw_cfg, *object;
    GPtrArray *fsdev, *virtfs;
    GPtrArray *usbdevice;
    GPtrArray *option_rom, *readconfig, *set;
    GPtrArray *machine, *add_fd, *chardev, *data_dir, *device, *drive, *global,
        *mon;
    GPtrArray *monitor, *net, *netdev, *nic, *parallel, *qmp, *serial, *smbios,
        *vnc;
    /* -hda FILE and the like become -drive texts in `drive` */
    bool daemonize, enable_kvm, explain, full_screen, help, localtime;
    bool perfmap;
    bool no_acpi, no_hpet, no_reboot, no_shutdown, nodefaults, nographic;
    bool dry_run; /* make the machine, run nothing: for tests */
    bool mem_prealloc, paused, sdl, snapshot, usb, version;
};

void config_init(struct config *c);
void config_clear(struct config *c);
/* Fills *c; the error is one line for the user. */
bool config_parse(struct config *c, int argc, char **argv, GError **error);
/* Names of all options, for query-command-line-options. */
GPtrArray *config_option_names(void);
/* Sets one option as if it stood on the command line. */
bool config_set(struct config *c, const char *name, const char *value,
                GError **error);
/* Calls fn for every option that is set, in the order of --help; value is
 * NULL for those without an argument. */
void config_each(const struct config *c,
                 void (*fn)(void *opaque, const char *name, const char *value),
                 void *opaque);
/* `--help`; g_free() it. */
char *config_help(void);

#endif
