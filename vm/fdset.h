/* SPDX-License-Identifier: MIT */
/*
 * File descriptors that a client or the command line passed: in numbered sets
 * (add-fd), where the file name "/dev/fdset/N" stands for the one that fits,
 * or under a name (getfd).
 */
#ifndef VM_FDSET_H
#define VM_FDSET_H

#include "base/error.h"

struct fdset_entry {
    int64_t set;
    int fd;
    char *opaque; /* the client's note, or NULL */
};

struct fdsets {
    GArray *entries;   /* struct fdset_entry, by set */
    GHashTable *named; /* char * -> fd */
};

struct fdsets *fdsets_new(void);
void fdsets_free(struct fdsets *f); /* closes all */
/* Takes the descriptor; set < 0: a new one. *set: the one it is in now. */
bool fdsets_add(struct fdsets *f, int fd, int64_t *set, const char *opaque,
                GError **error);
/* fd < 0: the whole set. */
bool fdsets_remove(struct fdsets *f, int64_t set, int fd, GError **error);
/* What to open(2): the name itself, or another one for a descriptor of a set
 * that may be read, and written if asked. g_free() it. */
char *fdsets_resolve(const struct fdsets *f, const char *name, bool write,
                     GError **error);
void fdsets_name(struct fdsets *f, const char *name, int fd);
bool fdsets_close_name(struct fdsets *f, const char *name, GError **error);

#endif
