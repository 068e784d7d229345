/* SPDX-License-Identifier: MIT */
/*
 * -object and object-add: things that are no devices and that others name by
 * id. Memory back ends give the machine its memory, secrets hold passwords;
 * the others are kept so that what names them finds them. Machine lock held.
 */
#ifndef VM_OBJECTS_H
#define VM_OBJECTS_H

#include "base/opts.h"
#include "vm/vm.h"

struct object_type {
    const char *name;
    const char *props; /* "size:size,share:bool": ends where it ends */
    bool is_memory;
};

struct object {
    const struct object_type *type;
    char *id;
    struct opts *opts; /* all of them, checked */
};

extern const struct object_type object_types[]; /* ends without a name */

/* Takes the options: qom-type=, id=, properties. */
bool object_add(struct vm *vm, struct opts *opts, GError **error);
bool object_add_text(struct vm *vm, const char *text, GError **error);
bool object_del(struct vm *vm, const char *id, GError **error);
struct object *object_find(const struct vm *vm, const char *id);
void objects_free(struct vm *vm);
/* The text of a secret: g_free() it. */
char *object_secret(const struct vm *vm, const char *id, GError **error);
/* Where main memory comes from: the named back end, checked against the size
 * of memory. */
bool object_memory(struct vm *vm, const char *id, GError **error);
/* For -object help (NULL) and -object TYPE,help. */
char *object_help(const char *type, GError **error);

#endif
