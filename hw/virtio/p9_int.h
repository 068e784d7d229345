/* SPDX-License-Identifier: MIT */
/* Between p9.c (session, walking, opening) and p9_ops.c (the rest). */
#ifndef HW_VIRTIO_P9_INT_H
#define HW_VIRTIO_P9_INT_H

#include <dirent.h>

#include "hw/virtio/p9.h"
#include "hw/virtio/p9_msg.h"

enum { /* messages; the answer's number is one more */
       T_LERROR = 6,
       T_STATFS = 8,
       T_LOPEN = 12,
       T_LCREATE = 14,
       T_SYMLINK = 16,
       T_MKNOD = 18,
       T_RENAME = 20,
       T_READLINK = 22,
       T_GETATTR = 24,
       T_SETATTR = 26,
       T_XATTRWALK = 30,
       T_XATTRCREATE = 32,
       T_READDIR = 40,
       T_FSYNC = 50,
       T_LOCK = 52,
       T_GETLOCK = 54,
       T_LINK = 70,
       T_MKDIR = 72,
       T_RENAMEAT = 74,
       T_UNLINKAT = 76,
       T_VERSION = 100,
       T_AUTH = 102,
       T_ATTACH = 104,
       T_FLUSH = 108,
       T_WALK = 110,
       T_READ = 116,
       T_WRITE = 118,
       T_CLUNK = 120,
       T_REMOVE = 122,
       MESSAGES = 128,
};
enum {
    QT_DIR = 0x80,
    QT_LINK = 0x02,
    FIDS_MAX = 65536,
    WALK_MAX = 16,
    MSIZE_MIN = 4096,
    DATA_HEADER = 24, /* room around the data of an answer or message */
    XATTR_MAX = 65536,
    ATTR_BASIC = 0x7ff,
    REMOVE_DIR = 0x200,
};
enum { /* of Tsetattr */
       SET_MODE = 1 << 0,
       SET_UID = 1 << 1,
       SET_GID = 1 << 2,
       SET_SIZE = 1 << 3,
       SET_ATIME = 1 << 4,
       SET_MTIME = 1 << 5,
       SET_ATIME_TO = 1 << 7,
       SET_MTIME_TO = 1 << 8,
};

struct fid {
    char *path;
    int fd; /* -1: not open */
    DIR *dir;
    GByteArray *xattr; /* its value, read or to be written */
    char *xattr_name;  /* not NULL: it is being written */
    uint32_t xattr_flags;
    size_t xattr_size;
    uid_t uid; /* of who attached */
};

struct p9 {
    const struct folder *folder;
    GHashTable *fids; /* by number */
    uint32_t msize;
};

struct fid *p9_fid(struct p9 *s, uint32_t number);
int p9_stat(const struct p9 *s, const struct fid *fid, struct stat *st);
void p9_put_qid(const struct p9 *s, struct p9_out *out, const struct stat *st);
/* The qid of what is at a path. */
int p9_put_path(const struct p9 *s, struct p9_out *out, const char *path);
void p9_move_paths(struct p9 *s, const char *from, const char *to);
int p9_finish_xattr(struct p9 *s, const struct fid *fid);
/* A fid for an attribute; takes the path. NULL: *error says why. */
struct fid *p9_fid_new(struct p9 *s, uint32_t number, char *path, uid_t uid,
                       int *error);
void p9_fid_drop(struct p9 *s, uint32_t number);

#define P9_MESSAGE(name) \
    int name(struct p9 *s, struct p9_in *in, struct p9_out *out)

P9_MESSAGE(p9_statfs);
P9_MESSAGE(p9_symlink);
P9_MESSAGE(p9_mknod);
P9_MESSAGE(p9_rename);
P9_MESSAGE(p9_readlink);
P9_MESSAGE(p9_getattr);
P9_MESSAGE(p9_setattr);
P9_MESSAGE(p9_xattrwalk);
P9_MESSAGE(p9_xattrcreate);
P9_MESSAGE(p9_readdir);
P9_MESSAGE(p9_fsync);
P9_MESSAGE(p9_lock);
P9_MESSAGE(p9_getlock);
P9_MESSAGE(p9_link);
P9_MESSAGE(p9_mkdir);
P9_MESSAGE(p9_renameat);
P9_MESSAGE(p9_unlinkat);
P9_MESSAGE(p9_read);
P9_MESSAGE(p9_write);
P9_MESSAGE(p9_remove);

#endif
