/* SPDX-License-Identifier: MIT */
/*
 * Engines that run CPUs, and the CPUs of a machine as threads.
 *
 * The machine lock is never held while a CPU runs; who pauses CPUs must not
 * hold it either, because a CPU may be waiting for it.
 */
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include "base/lock.h"
#include "target/x86/cpu.h"

struct vcpus;

/* Why an engine came back. */
enum vcpu_exit {
    VCPU_HALTED,  /* HLT, MWAIT, wait for SIPI: sleep until an event */
    VCPU_STOPPED, /* somebody asked for it (X86_EV_EXIT) */
    VCPU_FAILED,  /* the engine cannot go on; it has said why */
};

struct vcpu {
    struct x86_cpu cpu;
    struct vcpus *all;
    GThread *thread;
    int tid;       /* of the thread, as the kernel counts them */
    GMutex mutex;  /* for the two below */
    GCond wake;    /* an event came, or the machine runs again */
    bool parked;   /* not running: seen by vcpus_pause() */
    bool sleeping; /* atomic: in VCPU_HALTED */
    void *engine;  /* the accelerator's own */
};

struct accel {
    const char *name;
    const char *desc; /* one line, for -accel help */
    /* Can it work on this host? NULL = always. */
    bool (*available)(GError **error);
    bool (*init)(struct vcpus *all, GError **error); /* may be NULL */
    bool (*vcpu_init)(struct vcpu *vcpu, GError **error);
    void (*vcpu_free)(struct vcpu *vcpu); /* may be NULL */
    enum vcpu_exit (*vcpu_run)(struct vcpu *vcpu);
    void (*vcpu_kick)(struct vcpu *vcpu); /* any thread; may be NULL */
    void (*state_get)(struct vcpu *vcpu); /* engine -> x86_cpu; paused */
    void (*state_set)(struct vcpu *vcpu);
    /* No guest code runs at all: qtest. */
    bool no_cpus;
    /* Wants X86_EV_CODE when others write to code. */
    bool hears_code;
};

/* Of -accel; zeroes are the defaults. */
struct accel_options {
    uint64_t tb_size; /* bytes of translated code a CPU */
    bool one_insn_per_tb;
    bool perf_map; /* -perfmap */
    bool lockstep; /* every block is interpreted, too; one CPU */
};

/* The CPUs of one machine. */
struct vcpus {
    struct accel_options options; /* set before vcpus_init() */
    const struct accel *accel;
    struct lock *lock; /* the machine's */
    struct vcpu **vcpu;
    unsigned count;
    bool running; /* atomic */
    bool quit;    /* atomic */
    /* The calling CPU thread's own, for devices that must know (APIC). */
    GPrivate *self;
    /* A CPU came back with VCPU_FAILED. Set before vcpus_init(). */
    void (*failed)(void *opaque);
    void *opaque;
};

/* NULL ends the list; the first one that is available is the default. */
extern const struct accel *const accels[];
extern const struct accel accel_tcg;
const struct accel *accel_find(const char *name, GError **error);

/* Creates `count` CPUs. The board then sets model, spaces and pins. */
bool vcpus_init(struct vcpus *all, const struct accel *accel, unsigned count,
                struct lock *lock, GError **error);
/* After that: the engine takes them. */
bool vcpus_realize(struct vcpus *all, GError **error);
/* Starts the threads, parked. */
void vcpus_start(struct vcpus *all);
void vcpus_resume(struct vcpus *all);
/* Returns when every CPU is parked. Not with the machine lock held. */
void vcpus_pause(struct vcpus *all);
/* Ends the threads. Devices may still pull pins of the CPUs. */
void vcpus_end(struct vcpus *all);
/* That, and frees everything: when no device is left. */
void vcpus_clear(struct vcpus *all);
/* All CPUs to their power-on state; paused. The first is the boot CPU. */
void vcpus_reset(struct vcpus *all);

/* Any thread. Sets event bits and wakes the CPU. */
void vcpu_raise(struct vcpu *vcpu, uint32_t events);
void vcpu_set_intr(struct vcpu *vcpu, bool level);
void vcpus_raise(struct vcpus *all, uint32_t events);
/* Any thread: somebody wrote to memory that holds decoded code, as struct ram
 * says. */
void vcpus_code_written(struct vcpus *all, uint32_t *generation);
/* The CPU whose thread is calling, or NULL. */
struct vcpu *vcpu_self(struct vcpus *all);

#endif
