/* SPDX-License-Identifier: MIT */
/*
 * The device model. A device is one struct (its state) and one constant
 * `struct dev_type` (its description). Everything that can be said as data is
 * said as data; what is left is behaviour.
 *
 * Life: dev_new() (defaults) -> dev_set_prop() -> dev_realize() (maps, wires,
 * reset) -> ... -> dev_unrealize(). All with the machine lock held.
 */
#ifndef HW_CORE_DEV_H
#define HW_CORE_DEV_H

#include "base/clock.h"
#include "base/error.h"

struct dev;
struct machine;
struct reg_bank;

/* A wire from a device's output pin to some input. Owned by the driving side. */
struct wire {
    void (*set)(void *to, unsigned pin, bool level);
    void *to;
    unsigned pin;
    bool level; /* not saved: settle() drives it again after a load */
};

static inline void wire_set(struct wire *w, bool level)
{
    w->level = level;
    if (w->set) {
        w->set(w->to, w->pin, level);
    }
}

static inline void wire_pulse(struct wire *w)
{
    wire_set(w, true);
    wire_set(w, false);
}

/* Several sources on one input: the input is high while any of them is. */
struct wire_or {
    struct wire out;
    uint32_t levels; /* a bit a source */
};

void wire_or_set(void *wire_or, unsigned pin, bool level);

enum kind {
    K_BOOL,
    K_U8,
    K_U16,
    K_U32,
    K_U64,
    K_I32,
    K_I64,
    K_TIMER,  /* state: when it fires, -1 = never */
    K_STRING, /* properties only: char *, owned by the device, may be NULL */
};

/* A member of a device's struct that can be named, set, printed and saved. */
struct field {
    const char *name;
    size_t at;
    size_t count; /* 1, or the length of the array */
    enum kind kind;
    int64_t def;      /* properties: the value where none is given */
    const char *str;  /* likewise, of strings */
    const char *what; /* properties: one line for -device NAME,help, or NULL */
    size_t stride;    /* arrays: from one to the next, 0: they lie close */
};

/* The kind follows from the member's C type: the two cannot disagree. */
/* clang-format off */
#define KIND_OF(x) \
    _Generic((x), bool: K_BOOL, uint8_t: K_U8, uint16_t: K_U16, \
             uint32_t: K_U32, uint64_t: K_U64, int32_t: K_I32, \
             int64_t: K_I64, struct timer: K_TIMER, char *: K_STRING)
#define MEMBER(type, m) (((type *)0)->m)
#define FIELD(type, m) \
    {.name = #m, .at = offsetof(type, m), .count = 1, \
     .kind = KIND_OF(MEMBER(type, m))}
#define FIELD_ARRAY(type, m) \
    {.name = #m, .at = offsetof(type, m), \
     .count = sizeof(MEMBER(type, m)) / sizeof(MEMBER(type, m)[0]), \
     .kind = KIND_OF(MEMBER(type, m)[0])}
/* A member under another name; `m` may reach into nested structs. */
#define FIELD_AS(type, m, nm) \
    {.name = nm, .at = offsetof(type, m), .count = 1, \
     .kind = KIND_OF(MEMBER(type, m))}
#define FIELD_AS_ARRAY(type, m, nm) \
    {.name = nm, .at = offsetof(type, m), \
     .count = sizeof(MEMBER(type, m)) / sizeof(MEMBER(type, m)[0]), \
     .kind = KIND_OF(MEMBER(type, m)[0])}
/* Member `sub` of every struct in the array `m`. */
#define FIELD_EACH(type, m, sub, nm) \
    {.name = nm, .at = offsetof(type, m[0].sub), \
     .count = sizeof(MEMBER(type, m)) / sizeof(MEMBER(type, m)[0]), \
     .kind = KIND_OF(MEMBER(type, m)[0].sub), \
     .stride = sizeof(MEMBER(type, m)[0])}
#define PROP(type, m, dflt) \
    {.name = #m, .at = offsetof(type, m), .count = 1, \
     .kind = KIND_OF(MEMBER(type, m)), .def = (dflt)}
#define PROP_AS(type, m, nm, dflt) \
    {.name = nm, .at = offsetof(type, m), .count = 1, \
     .kind = KIND_OF(MEMBER(type, m)), .def = (dflt)}
#define PROP_STR(type, m, nm, dflt) \
    {.name = nm, .at = offsetof(type, m), .count = 1, .kind = K_STRING, \
     .str = (dflt)}
#define FIELD_END {.name = NULL}
/* clang-format on */

struct bus;

struct dev_type {
    const char *name;  /* as on the command line */
    const char *alias; /* another spelling, or NULL */
    const char *desc;  /* one line, for -device help */
    const char *bus;   /* kind of bus it plugs into ("PCI", "ISA", "IDE",
                          "floppy-bus"), NULL: none */
    size_t size;       /* of the device's struct */
    unsigned version;  /* of its saved state */
    bool hidden;       /* the board's own: not for -device */

    const struct field *props;           /* ends with a row without a name */
    const struct field *state;           /* likewise; beside the banks */
    const struct reg_bank *const *banks; /* ends with NULL */

    void (*init)(struct dev *dev); /* lists, FIFOs; before the properties */
    bool (*realize)(struct dev *dev, GError **error);
    void (*unrealize)(struct dev *dev);
    void (*reset)(struct dev *dev);  /* own state only; wires: settle() */
    void (*settle)(struct dev *dev); /* after reset and after load */
    /* After a load, before settle: refuses states that cannot be. */
    bool (*check)(struct dev *dev, GError **error);

    /* Of a device at work, for qom-get: JSON, to be freed; NULL: no such. */
    char *(*get_value)(struct dev *dev, const char *name);
    /* For qom-set; NULL: properties are set before realize() alone. */
    bool (*set_value)(struct dev *dev, const char *name, const char *value,
                      GError **error);
};

struct dev {
    const struct dev_type *type;
    struct machine *machine;
    char *id;        /* from the user; may be NULL */
    struct bus *bus; /* where it is plugged, or NULL */
    bool realized;
};

/* A bus that devices plug into: `bus=NAME` on the command line. */
struct bus {
    char *name;       /* "pci.0", "ide.0" */
    const char *kind; /* as in dev_type.bus */
    struct dev *parent;
    struct machine *machine;
    void *impl;                    /* the bus's own struct */
    void (*free_impl)(void *impl); /* with the machine; NULL: its parent does */
};

/* Allocates, applies defaults; owned by the machine once realized. */
struct dev *dev_new(struct machine *m, const struct dev_type *type,
                    const char *id);
/* For a device embedded in another struct (tests, chips inside a chip). */
void dev_init(struct dev *dev, const struct dev_type *type, struct machine *m);
void dev_free(struct dev *dev); /* one that was never realized */
/* Sets a property from text; names near matches when there is none. */
bool dev_set_prop(struct dev *dev, const char *name, const char *value,
                  GError **error);
const struct field *dev_find_prop(const struct dev_type *type,
                                  const char *name);
char *dev_prop_text(const struct dev *dev, const struct field *prop);
/* Realizes, adds to the machine, resets and settles. */
bool dev_realize(struct dev *dev, GError **error);
/* Takes it out of the machine and frees it. */
void dev_unrealize(struct dev *dev);
void dev_reset(struct dev *dev); /* banks, reset(), settle() */
/* "id" or, without one, the type's name: for messages. */
const char *dev_name(const struct dev *dev);

struct bus *bus_new(struct machine *m, const char *kind, const char *name,
                    struct dev *parent, void *impl);
/* Named after its device: "ID.0", or "STEM.N", the N-th of its kind. */
struct bus *bus_new_numbered(struct dev *parent, const char *kind,
                             const char *stem, void *impl);
/* By name; or, for NULL, the first of the kind. NULL where there is none. */
struct bus *bus_find(struct machine *m, const char *kind, const char *name);

#endif
