/* SPDX-License-Identifier: MIT */
/*
 * The local APICs of a machine and the bus between them, the I/O APICs and
 * message signalled interrupts.
 *
 * The board makes one apic_bus, sets its pins, then a lapic for each CPU.
 * Functions of the CPU's side take the machine lock; all others want it held.
 */
#ifndef HW_INTC_APIC_H
#define HW_INTC_APIC_H

#include "hw/core/machine.h"

enum apic_mode { /* delivery modes, [SDM] 3A 11.6.1 */
                 APIC_FIXED = 0,
                 APIC_LOWEST = 1,
                 APIC_SMI = 2,
                 APIC_NMI = 4,
                 APIC_INIT = 5,
                 APIC_STARTUP = 6,
                 APIC_EXTINT = 7,
};

#define APIC_BROADCAST UINT32_MAX
#define APIC_BASE      UINT64_C(0xfee00000)

struct apic_msg {
    uint32_t dest; /* APIC_BROADCAST: all */
    bool logical;
    bool level; /* trigger mode: its end must be told to the I/O APICs */
    uint8_t mode;
    uint8_t vector;
};

/* What the board connects. All are called with the machine lock held. */
struct apic_pins {
    void *to;
    /* INTR of a CPU; called when it changes only. */
    void (*intr)(void *to, unsigned cpu, bool level);
    void (*nmi)(void *to, unsigned cpu);
    void (*smi)(void *to, unsigned cpu);
    void (*init)(void *to, unsigned cpu); /* its APIC is reset already */
    void (*sipi)(void *to, unsigned cpu, uint8_t vector);
    /* The CPU that makes the access under way; -1: none, a device. */
    int (*current)(void *to);
    /* The INTA cycle of the 8259s. */
    int (*ext_ack)(void *to);
    /*
     * When, on the virtual clock, a CPU's TSC reaches a value; INT64_MAX:
     * never. NULL: there is no TSC-deadline timer.
     */
    int64_t (*tsc_ns)(void *to, unsigned cpu, uint64_t tsc);
};

struct lapic;

struct apic_eoi {
    void (*eoi)(void *opaque, uint8_t vector);
    void *opaque;
};

struct apic_bus {
    struct dev dev;
    struct apic_pins pins;
    GPtrArray *cpus; /* struct lapic *, by CPU index */
    GArray *eoi;     /* struct apic_eoi: who hears of the ends */
    struct region window;
    bool intr;     /* INTR of the 8259s: LINT0 of all CPUs */
    bool nmi;      /* LINT1 */
    uint32_t last; /* got the last lowest-priority message */
};

struct lapic {
    struct dev dev;
    struct apic_bus *bus; /* set before realize, as are these */
    uint32_t cpu;         /* index */
    uint32_t initial_id;
    bool x2apic; /* the CPU model has it */

    struct region page; /* where APIC_BASE was moved to */
    bool intr;          /* what INTR was driven to */
    bool ext_pending;   /* an ExtINT message of an I/O APIC */

    uint64_t base; /* IA32_APIC_BASE */
    uint32_t id, ldr, dfr, svr, esr, esr_pending;
    uint64_t icr;
    uint32_t tpr;
    uint32_t lvt[6]; /* timer, thermal, performance, LINT0, LINT1, error */
    uint32_t isr[8], irr[8], tmr[8];

    uint32_t divide, initial;
    uint32_t left;         /* the count at `start` */
    int64_t start;         /* ns */
    uint64_t tsc_deadline; /* 0 = not armed */
    struct timer timer;
};

extern const struct dev_type apic_bus_type;
extern const struct dev_type lapic_type;

/* A message to whom it concerns. */
void apic_send(struct apic_bus *bus, const struct apic_msg *msg);
/* A memory write to 0xfee..... by a device. */
void apic_msi(struct apic_bus *bus, uint64_t addr, uint32_t data);
void apic_add_eoi(struct apic_bus *bus,
                  void (*eoi)(void *opaque, uint8_t vector), void *opaque);
/* Wires: INTR of the 8259s; NMI sources. */
void apic_set_intr(void *bus, unsigned pin, bool level);
void apic_set_nmi(void *bus, unsigned pin, bool level);

/* A new local APIC, realized. */
struct lapic *lapic_new(struct apic_bus *bus, unsigned cpu, uint32_t id,
                        bool x2apic, GError **error);

/* Of the CPU's pins: `lapic` is a struct lapic. Lock taken here. */
int lapic_intack(void *lapic); /* -1: nothing is pending any more */
uint64_t lapic_get_tpr(void *lapic);
void lapic_set_tpr(void *lapic, uint64_t cr8);
bool lapic_rdmsr(void *lapic, uint32_t msr, uint64_t *value);
bool lapic_wrmsr(void *lapic, uint32_t msr, uint64_t value);

/* Between apic_bus.c and lapic.c. */
bool lapic_matches(const struct lapic *l, const struct apic_msg *msg);
void lapic_accept(struct lapic *l, const struct apic_msg *msg);
void lapic_lint(struct lapic *l, unsigned pin, bool level);
unsigned lapic_priority(const struct lapic *l); /* of what it does now */
bool lapic_takes_fixed(const struct lapic *l);
uint64_t lapic_mmio_read(struct lapic *l, uint64_t at, unsigned size);
void lapic_mmio_write(struct lapic *l, uint64_t at, unsigned size,
                      uint64_t value);
/* `info lapic` */
void lapic_print(const struct lapic *l, GString *out);

#endif
