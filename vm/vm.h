/* SPDX-License-Identifier: MIT */
/*
 * The life of a machine: made from a configuration, started, stopped, reset,
 * ended. Lives on the main thread; functions want the machine lock *not* held
 * unless they say so.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include "accel/accel.h"
#include "hw/core/machine.h"
#include "hw/pc/board.h"
#include "ui/input.h"
#include "vm/config.h"

enum vm_state {
    VM_PRELAUNCH, /* -S */
    VM_RUNNING,
    VM_PAUSED,
    VM_SHUTDOWN,
    VM_SUSPENDED,
    VM_PANICKED,
    VM_IO_ERROR, /* a drive with werror=stop or the like waits */
    VM_ERROR,    /* an engine gave up */
};

struct displays;
struct monitors;

struct machine_options { /* -machine */
    char *type, *accel, *append, *firmware, *initrd, *kernel, *memory;
    char *oem_id, *oem_table_id;
    uint64_t max_low; /* 0: as the board has it */
    bool acpi, graphics, hpet, smm, usb;
};

/* What follows an event, as -action says it. */
struct vm_actions {
    bool reboot_ends;     /* reboot=shutdown, -no-reboot */
    bool shutdown_pauses; /* shutdown=pause, -no-shutdown */
    enum vm_panic { PANIC_PAUSE, PANIC_SHUTDOWN, PANIC_EXIT, PANIC_NONE } panic;
};

struct vm {
    struct machine machine;
    struct machine_options machine_options;
    struct vcpus vcpus;
    struct config *config;
    const struct board_type *board_type;
    struct board_config board;
    struct datadirs *data;
    GMainLoop *loop;
    enum vm_state state;
    struct vm_actions actions;
    bool wanted_kvm; /* and did not get it */
    bool started;    /* reset at least once */
    bool asleep;     /* in S3: CPUs stand still, clocks run on */
    uint8_t escape;  /* -echr: of mon: streams */
    char *name;
    struct input input;
    GPtrArray *drives;   /* struct drive * */
    struct chardev *mux; /* mon:... on a serial line, or NULL */
    char *cpu_model;
    char *boot_order;
    char *boot_order_later; /* -boot once=: from the first reset on, or NULL */
    /* what tables of the firmware are made of: struct opts *, char *, GBytes *,
     * GByteArray *; NULL before they are set up */
    GPtrArray *smbios_opts, *oem_strings, *smbios_files, *acpi_extra;
    GPtrArray *nodes;          /* struct node *: -blockdev */
    GPtrArray *objects;        /* struct object * */
    const char *memory_object; /* id of the one that is main memory, or NULL */
    struct monitors *monitors;
    struct displays *displays;
    const char *quit_reason; /* for the SHUTDOWN event; NULL: it is sent */
    bool reset_by_host; /* the reset that is asked for is not the guest's */
};

/* Hooks between the machine and its life; before the board is built. */
void vm_connect(struct vm *vm);
/* Everything up to the point where CPUs could run. */
bool vm_create(struct vm *vm, struct config *c, GError **error);
void vm_destroy(struct vm *vm);
/* The main loop; returns the exit status. */
int vm_run(struct vm *vm);

void vm_stop(struct vm *vm, enum vm_state why);
void vm_cont(struct vm *vm);
void vm_reset(struct vm *vm);
/* Ends the main loop. reason: as in QMP's SHUTDOWN event ("host-signal"), a
 * literal; NULL: the event was sent before. */
void vm_quit(struct vm *vm, const char *reason);
const char *vm_state_name(enum vm_state state); /* QMP's RunState */

#endif
