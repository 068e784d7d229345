/* SPDX-License-Identifier: MIT */
/*
 * Writes ACPI machine language. AML is prefix notation: each function emits
 * the head of a term and its operands follow by further calls. Terms with a
 * length (scopes, devices, methods, packages, templates) end with aml_end().
 */
#ifndef HW_ACPI_AML_H
#define HW_ACPI_AML_H

#include <glib.h>

#include "base/base.h"

enum { AML_DEPTH = 16 };

struct aml {
    GByteArray *out;
    struct {
        guint at;      /* where the length goes */
        bool template; /* ends with an end tag; a buffer size before it */
    } open[AML_DEPTH];
    unsigned depth;
};

void aml_init(struct aml *a);
void aml_clear(struct aml *a);

/* Names are ASL's: "\\_SB.PCI0", "^ISA", short segments are padded. */
void aml_path(struct aml *a, const char *name);
void aml_int(struct aml *a, uint64_t v);
void aml_string(struct aml *a, const char *s);
void aml_eisaid(struct aml *a, const char *id); /* "PNP0A03" */
void aml_arg(struct aml *a, unsigned n);
void aml_local(struct aml *a, unsigned n);

void aml_scope(struct aml *a, const char *name);
void aml_device(struct aml *a, const char *name);
void aml_method(struct aml *a, const char *name, unsigned args,
                bool serialized);
void aml_if(struct aml *a); /* predicate, then the terms */
void aml_else(struct aml *a);
void aml_package(struct aml *a, unsigned count);
void aml_end(struct aml *a);

void aml_name(struct aml *a, const char *name); /* value follows */
/* Name (name, value) for the usual kinds. */
void aml_name_int(struct aml *a, const char *name, uint64_t v);
void aml_name_eisaid(struct aml *a, const char *name, const char *id);
void aml_name_string(struct aml *a, const char *name, const char *s);

enum aml_op { /* operands follow; targets of the last ones are names */
              AML_STORE = 0x70,
              AML_AND = 0x7b,
              AML_OR = 0x7d,
              AML_CREATE_DWORD_FIELD = 0x8a, /* buffer, offset, name */
              AML_LEQUAL = 0x93,
              AML_LLESS = 0x95,
              AML_RETURN = 0xa4,
};
void aml_op(struct aml *a, enum aml_op op);
void aml_no_target(struct aml *a); /* where a target may be left out */

enum aml_space { AML_MEMORY, AML_IO, AML_PCI_CONFIG };
void aml_region(struct aml *a, const char *name, enum aml_space space,
                uint64_t at, uint64_t len);
/* Byte accesses, no lock, preserve; units follow, then aml_end(). */
void aml_field(struct aml *a, const char *region);
void aml_field_unit(struct aml *a, const char *name, unsigned bits);

/* ResourceTemplate () { descriptors } aml_end(). [ACPI] 6.4 */
void aml_template(struct aml *a);
void aml_io(struct aml *a, uint16_t at, uint8_t align, uint8_t len);
void aml_irq(struct aml *a, unsigned irq); /* edge, active high, exclusive */
void aml_dma(struct aml *a, unsigned channel);
void aml_memory32(struct aml *a, uint32_t at, uint32_t len, bool writable);
/* Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) */
void aml_interrupt(struct aml *a, const uint32_t *gsi, unsigned count);
void aml_bus_window(struct aml *a, uint16_t first, uint16_t last);
void aml_io_window(struct aml *a, uint16_t first, uint16_t last);
void aml_memory_window(struct aml *a, uint32_t first, uint32_t last,
                       bool cacheable);
void aml_memory_window64(struct aml *a, uint64_t first, uint64_t last);

#endif
