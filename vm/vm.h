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
    VM_ERROR, /* an engine gave up */
};

struct displays;
struct monitors;

struct vm {
    struct machine machine;
    struct vcpus vcpus;
    struct config *config;
    const struct board_type *board_type;
    struct board_config board;
    struct datadirs *data;
    GMainLoop *loop;
    enum vm_state state;
    bool no_reboot, no_shutdown;
    char *name;
    struct input input;
    GPtrArray *drives;   /* struct drive * */
    struct chardev *mux; /* mon:... on a serial line, or NULL */
    char *boot_order;
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
