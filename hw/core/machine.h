/* SPDX-License-Identifier: MIT */
/*
 * The machine: what owns everything. The board (hw/pc) fills it; the life
 * cycle (vm/) runs, stops and resets it. Devices see memory, ports, clocks,
 * RAM, each other through wires, and what the user attached, by name.
 */
#ifndef HW_CORE_MACHINE_H
#define HW_CORE_MACHINE_H

#include "base/clock.h"
#include "base/datadir.h"
#include "hw/core/dev.h"
#include "mem/dma.h"
#include "mem/space.h"

enum machine_request {
    MACHINE_RESET = 1 << 0,
    MACHINE_SHUTDOWN = 1 << 1,  /* the guest switched off */
    MACHINE_POWERDOWN = 1 << 2, /* somebody pressed the button */
    MACHINE_SUSPEND = 1 << 3,   /* S3 */
    MACHINE_PANIC = 1 << 4,     /* pvpanic */
    MACHINE_QUIT = 1 << 5,      /* the user: exit without asking the guest */
    MACHINE_STOP = 1 << 6,      /* pause (monitor, debugger, watchdog) */
    MACHINE_WAKEUP = 1 << 7,    /* from S3 */
    MACHINE_IO_ERROR = 1 << 8,  /* a disk fails: stop until `cont` */
};

/* What the user attached under a name, for devices to find. */
enum backend_kind {
    BACKEND_DRIVE,   /* struct drive, block/drive.h */
    BACKEND_CHARDEV, /* struct chardev, base/chardev.h */
    BACKEND_NETDEV,  /* struct netdev, net/net.h */
    BACKEND_FSDEV,   /* struct folder, fs/folder.h */
    BACKEND_KINDS
};

/* -global DRIVER.PROP=VALUE: another default. */
struct machine_global {
    char *driver, *prop, *value;
};

struct input;
struct console;

struct machine {
    struct lock lock;
    struct space memory;
    struct space ports;
    struct clock clock;      /* virtual */
    struct clock host_clock; /* monotonic: runs while the machine is stopped */
    struct ram *ram;         /* main memory; NULL under Xen */
    uint64_t ram_size;
    struct ram_source ram_source; /* of main memory */
    unsigned cpus;                /* -smp */
    unsigned max_cpus;
    unsigned cores, threads; /* per socket; per core */
    GPtrArray *globals;      /* struct machine_global *: -global */

    GPtrArray *devices; /* struct dev *, realized, in order */
    GPtrArray *buses;   /* struct bus * */
    GPtrArray *owned;   /* what goes with the machine, g_free'd */
    GPtrArray *rams;    /* struct ram *: all memory, for snapshots */
    GHashTable *backends[BACKEND_KINDS];

    const struct datadirs *data; /* where firmware lies; NULL in tests */
    GPtrArray *nics;             /* struct nic *, hw/net/nic.h */
    struct input *input;         /* keyboard and pointer events, ui/input.h */
    GPtrArray *consoles; /* struct console *, ui/display.h: the first shows */

    /* -rtc: the guest's wall clock minus the host's (or virtual), ns */
    int64_t rtc_offset;
    bool rtc_local;      /* base=localtime */
    bool rtc_from_clock; /* clock=vm: follows the virtual clock only */

    bool waking;       /* this reset is the way out of S3 */
    unsigned requests; /* atomic: enum machine_request */
    int exit_code;     /* of the process: isa-debug-exit and the like */
    void (*requested)(void *opaque); /* wakes the life cycle; any thread */
    void *requested_opaque;
    /* Has every CPU drop write permission; accelerator glue. Any thread. */
    void (*cpus_clean)(void *opaque);
    /* As struct ram's; may be NULL. */
    void (*cpus_code_written)(void *opaque, uint32_t *generation);
    void *cpus_opaque;
    /* Random bytes for the guest; NULL: the host's (tests want others). */
    void (*random)(void *to, size_t len);
    /* Events for QMP clients: name and a JSON object's text or NULL. */
    void (*event)(void *opaque, const char *name, const char *json);
    void *event_opaque;
    /* Set by the board. */
    void (*board_reset)(struct machine *m);     /* before the devices */
    void (*board_powerdown)(struct machine *m); /* the power button */
    void (*board_wake)(struct machine *m); /* S3 is over, after its reset */
    void *board;
    void *vm; /* the life cycle's own */
};

void machine_init(struct machine *m);
void machine_clear(struct machine *m); /* frees all devices and memory */

/* Zeroed memory that goes with the machine, after devices and CPUs. */
void *machine_alloc(struct machine *m, size_t size);
/* The machine will g_free() it. */
void machine_own(struct machine *m, void *p);

/* New RAM that the machine owns, and that CPUs watch for code and dirt. */
struct ram *machine_ram_new(struct machine *m, const char *name, uint64_t size,
                            GError **error);

/* Main memory: `ram_size` bytes from `ram_source`. */
struct ram *machine_main_ram_new(struct machine *m, GError **error);
/* Before any device is made. */
void machine_add_global(struct machine *m, const char *driver, const char *prop,
                        const char *value);

/* Any thread. Acted upon by the main loop, soon, not at once. */
void machine_request(struct machine *m, enum machine_request what);
/* All devices, in order: registers first, then everything settles. */
void machine_reset_devices(struct machine *m);
/* All devices, in order: drive wires and map regions as their state says. */
void machine_settle_devices(struct machine *m);

/* Wall clock as the guest's RTC should show it: ns since 1970. */
int64_t machine_rtc_ns(const struct machine *m);

void machine_add_backend(struct machine *m, enum backend_kind kind,
                         const char *id, void *backend);
void *machine_backend(struct machine *m, enum backend_kind kind,
                      const char *id); /* NULL: there is none */
void machine_remove_backend(struct machine *m, enum backend_kind kind,
                            const char *id);

/* By id, or by type name; NULL where there is none. */
struct dev *machine_find_dev(struct machine *m, const char *id);
/* The first device of a type, or NULL. */
struct dev *machine_find_type(struct machine *m, const struct dev_type *type);

/* Consoles in the order of their devices; the first one is shown. */
void machine_add_console(struct machine *m, struct console *c);
void machine_remove_console(struct machine *m, struct console *c);

/* A QMP event; json is an object's text or NULL. Lock held. */
void machine_event(struct machine *m, const char *name, const char *json);

static inline void machine_map_ports(struct machine *m, struct region *r,
                                     uint16_t port)
{
    region_add(&m->ports.root, r, port, 0);
}

#endif
