/* SPDX-License-Identifier: MIT */
/*
 * A folder of the host that a guest may see and change: -fsdev local. Nothing
 * outside of it can be reached, by no name and through no symbolic link,
 * whatever else changes the folder at the same time.
 *
 * Paths are relative to the folder, "" is the folder itself; names have no
 * slash. Results: 0 or more, or a negative errno value. The functions block,
 * and may be called from any thread.
 */
#ifndef FS_FOLDER_H
#define FS_FOLDER_H

#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/error.h"

enum folder_model {
    FOLDER_PASSTHROUGH, /* owners and modes are the host's */
    FOLDER_NONE,        /* the same, and no matter where that is not allowed */
    FOLDER_MAPPED,      /* they are kept in extended attributes: the host's
                           files belong to us, devices and links are files */
};

struct folder {
    char *id;
    char *path;
    int root; /* descriptor */
    enum folder_model model;
    bool readonly;
    mode_t file_mode, dir_mode; /* of new ones on the host, if mapped */
    dev_t dev;
};

struct folder_owner {
    uid_t uid;
    gid_t gid;
};

struct folder *folder_new(const char *id, const char *path,
                          enum folder_model model, bool readonly,
                          GError **error);
void folder_free(struct folder *f);
/* Is this a name of something in a folder: no slash, not "." or ".."? */
bool folder_is_name(const char *name);
/* "dir/name"; to be freed. */
char *folder_join(const char *dir, const char *name);

int folder_stat(const struct folder *f, const char *path, struct stat *st);
/* Of an open file. */
int folder_fstat(const struct folder *f, int fd, struct stat *st);
int folder_statfs(const struct folder *f, const char *path, struct statfs *s);
/* Regular files and folders only: a descriptor. */
int folder_open(const struct folder *f, const char *path, int flags);
int folder_create(const struct folder *f, const char *dir, const char *name,
                  int flags, mode_t mode, const struct folder_owner *owner);
int folder_mkdir(const struct folder *f, const char *dir, const char *name,
                 mode_t mode, const struct folder_owner *owner);
int folder_mknod(const struct folder *f, const char *dir, const char *name,
                 mode_t mode, dev_t dev, const struct folder_owner *owner);
int folder_symlink(const struct folder *f, const char *dir, const char *name,
                   const char *target, const struct folder_owner *owner);
int folder_readlink(const struct folder *f, const char *path, char *to,
                    size_t size);
int folder_link(const struct folder *f, const char *path, const char *dir,
                const char *name);
int folder_rename(const struct folder *f, const char *old_dir,
                  const char *old_name, const char *dir, const char *name);
int folder_unlink(const struct folder *f, const char *dir, const char *name,
                  bool is_dir);
int folder_chmod(const struct folder *f, const char *path, mode_t mode);
/* -1: that one stays. */
int folder_chown(const struct folder *f, const char *path, uid_t uid,
                 gid_t gid);
int folder_utimens(const struct folder *f, const char *path,
                   const struct timespec times[2]);
int folder_truncate(const struct folder *f, const char *path, uint64_t size);

/* Extended attributes; name "": the list of names. */
int folder_getxattr(const struct folder *f, const char *path, const char *name,
                    void *to, size_t size);
/* size 0 and flags 0: removes it. */
int folder_setxattr(const struct folder *f, const char *path, const char *name,
                    const void *data, size_t size, int flags);

#endif
