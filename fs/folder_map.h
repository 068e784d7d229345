/* SPDX-License-Identifier: MIT */
/* Between folder.c and folder_map.c. */
#ifndef FS_FOLDER_MAP_H
#define FS_FOLDER_MAP_H

#include <sys/xattr.h>

#include "fs/folder.h"

/* --- folder.c --- */
int folder_fd(const struct folder *f, const char *path); /* O_PATH */
int folder_fd_chmod(int fd, mode_t mode);

/* --- folder_map.c: owner, mode and device number as attributes --- */
/* Puts those into *st. */
void folder_map_stat(int fd, struct stat *st);
/* Any may be NULL; an owner's -1 stays. */
int folder_map_set(int fd, const struct folder_owner *o, const mode_t *mode,
                   const dev_t *dev);
int folder_map_readlink(const struct folder *f, const char *path, char *to,
                        size_t size);
/* Attributes that are not the guest's to see. */
bool folder_map_hides(const struct folder *f, const char *name);
/* Takes their names out of a list; its new length. */
int folder_map_filter(const struct folder *f, char *list, size_t len);

#endif
