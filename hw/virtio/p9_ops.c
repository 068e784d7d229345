/* SPDX-License-Identifier: MIT */
/* Messages of 9P2000.L that need a fid and leave it as it is. [9P] */
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "hw/virtio/p9_int.h"

static int result(ssize_t r)
{
    return r < 0 ? -errno : (int)r;
}

/* The folder and the name that many messages begin with; the caller frees
 * *name. */
static int take_place(struct p9 *s, struct p9_in *in, struct fid **dir,
                      char **name)
{
    *dir = p9_fid(s, p9_get32(in));
    *name = p9_get_string(in);
    return !*dir ? -EBADF : in->bad || !folder_is_name(*name) ? -EINVAL : 0;
}

/* The qid of what was made, if that went well. */
static int made(struct p9 *s, struct p9_out *out, const struct fid *dir,
                const char *name, int r)
{
    g_autofree char *path = folder_join(dir->path, name);

    return r < 0 ? r : p9_put_path(s, out, path);
}

/* --- making --- */

int p9_mkdir(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    g_autofree char *name = NULL;
    struct fid *dir;
    int r = take_place(s, in, &dir, &name);
    mode_t mode = p9_get32(in);
    struct folder_owner owner = {.gid = p9_get32(in)};

    if (r < 0 || in->bad) {
        return r < 0 ? r : -EINVAL;
    }
    owner.uid = dir->uid;
    return made(s, out, dir, name,
                folder_mkdir(s->folder, dir->path, name, mode, &owner));
}

int p9_mknod(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    g_autofree char *name = NULL;
    struct fid *dir;
    int r = take_place(s, in, &dir, &name);
    mode_t mode = p9_get32(in);
    uint32_t major = p9_get32(in), minor = p9_get32(in);
    struct folder_owner owner = {.gid = p9_get32(in)};

    if (r < 0 || in->bad) {
        return r < 0 ? r : -EINVAL;
    }
    owner.uid = dir->uid;
    return made(s, out, dir, name,
                folder_mknod(s->folder, dir->path, name, mode,
                             makedev(major, minor), &owner));
}

int p9_symlink(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    g_autofree char *name = NULL;
    g_autofree char *target = NULL;
    struct fid *dir;
    int r = take_place(s, in, &dir, &name);
    struct folder_owner owner;

    target = p9_get_string(in);
    owner.gid = p9_get32(in);
    if (r < 0 || in->bad) {
        return r < 0 ? r : -EINVAL;
    }
    owner.uid = dir->uid;
    return made(s, out, dir, name,
                folder_symlink(s->folder, dir->path, name, target, &owner));
}

int p9_link(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *dir = p9_fid(s, p9_get32(in));
    struct fid *fid = p9_fid(s, p9_get32(in));
    g_autofree char *name = p9_get_string(in);

    if (!dir || !fid) {
        return -EBADF;
    }
    return in->bad || !folder_is_name(name)
               ? -EINVAL
               : folder_link(s->folder, fid->path, dir->path, name);
}

int p9_readlink(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    char target[PATH_MAX];
    int r =
        fid ? folder_readlink(s->folder, fid->path, target, sizeof(target) - 1)
            : -EBADF;

    if (r >= 0) {
        target[r] = '\0';
        p9_put_string(out, target);
    }
    return r;
}

/* --- renaming, removing --- */

static int move(struct p9 *s, const char *old_dir, const char *old_name,
                const char *dir, const char *name)
{
    g_autofree char *from = folder_join(old_dir, old_name);
    g_autofree char *to = folder_join(dir, name);
    int r = folder_rename(s->folder, old_dir, old_name, dir, name);

    if (r == 0) {
        p9_move_paths(s, from, to);
    }
    return r;
}

/* "a/b" becomes "a" and "b"; the folder itself has no name. */
static bool split(const char *path, char **dir, char **name)
{
    const char *slash = strrchr(path, '/');

    *dir = slash ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");
    *name = g_strdup(slash ? slash + 1 : path);
    return *path;
}

int p9_rename(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    struct fid *dir = p9_fid(s, p9_get32(in));
    g_autofree char *name = p9_get_string(in);
    g_autofree char *old_dir = NULL;
    g_autofree char *old_name = NULL;

    if (!fid || !dir) {
        return -EBADF;
    }
    if (in->bad || !folder_is_name(name) ||
        !split(fid->path, &old_dir, &old_name)) {
        return -EINVAL;
    }
    return move(s, old_dir, old_name, dir->path, name);
}

int p9_renameat(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    g_autofree char *old_name = NULL;
    g_autofree char *name = NULL;
    struct fid *old_dir, *dir;
    int r = take_place(s, in, &old_dir, &old_name);
    int r2 = take_place(s, in, &dir, &name);

    if (r < 0 || r2 < 0) {
        return r < 0 ? r : r2;
    }
    return move(s, old_dir->path, old_name, dir->path, name);
}

int p9_unlinkat(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    g_autofree char *name = NULL;
    struct fid *dir;
    int r = take_place(s, in, &dir, &name);
    uint32_t flags = p9_get32(in);

    if (r < 0 || in->bad) {
        return r < 0 ? r : -EINVAL;
    }
    return folder_unlink(s->folder, dir->path, name, flags & REMOVE_DIR);
}

/* The fid is gone whatever comes of it. */
int p9_remove(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    uint32_t number = p9_get32(in);
    struct fid *fid = p9_fid(s, number);
    g_autofree char *dir = NULL;
    g_autofree char *name = NULL;
    struct stat st;
    int r;

    if (!fid) {
        return -EBADF;
    }
    r = split(fid->path, &dir, &name) ? folder_stat(s->folder, fid->path, &st)
                                      : -EBUSY;
    if (r == 0) {
        r = folder_unlink(s->folder, dir, name, S_ISDIR(st.st_mode));
    }
    p9_fid_drop(s, number);
    return r;
}

/* --- attributes --- */

static void put_time(struct p9_out *out, const struct timespec *t)
{
    p9_put(out, (uint64_t)t->tv_sec, 8);
    p9_put(out, (uint64_t)t->tv_nsec, 8);
}

int p9_getattr(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    static const struct timespec none;
    struct fid *fid = p9_fid(s, p9_get32(in));
    struct stat st;
    int r = fid ? p9_stat(s, fid, &st) : -EBADF;

    if (r < 0) {
        return r;
    }
    p9_put(out, ATTR_BASIC, 8);
    p9_put_qid(s, out, &st);
    p9_put(out, st.st_mode, 4);
    p9_put(out, st.st_uid, 4);
    p9_put(out, st.st_gid, 4);
    p9_put(out, st.st_nlink, 8);
    p9_put(out, st.st_rdev, 8);
    p9_put(out, (uint64_t)st.st_size, 8);
    p9_put(out, (uint64_t)st.st_blksize, 8);
    p9_put(out, (uint64_t)st.st_blocks, 8);
    put_time(out, &st.st_atim);
    put_time(out, &st.st_mtim);
    put_time(out, &st.st_ctim);
    put_time(out, &none);
    p9_put(out, 0, 8); /* generation, version */
    p9_put(out, 0, 8);
    return 0;
}

struct attrs {
    uint32_t valid, mode, uid, gid;
    uint64_t size;
    struct timespec times[2];
};

static struct timespec take_time(struct p9_in *in, bool set, bool to)
{
    struct timespec t = {.tv_sec = (time_t)p9_get64(in),
                         .tv_nsec = (long)p9_get64(in)};

    if (!set || !to) {
        t = (struct timespec){.tv_nsec = set ? UTIME_NOW : UTIME_OMIT};
    }
    return t;
}

static int set_attrs(struct p9 *s, const struct fid *fid, const struct attrs *a)
{
    int r = 0;

    if (a->valid & SET_MODE) {
        r = folder_chmod(s->folder, fid->path, a->mode);
    }
    if (r == 0 && (a->valid & (SET_UID | SET_GID))) {
        r = folder_chown(s->folder, fid->path,
                         a->valid & SET_UID ? a->uid : (uid_t)-1,
                         a->valid & SET_GID ? a->gid : (gid_t)-1);
    }
    if (r == 0 && (a->valid & SET_SIZE)) {
        r = folder_truncate(s->folder, fid->path, a->size);
    }
    if (r == 0 && (a->valid & (SET_ATIME | SET_MTIME))) {
        r = folder_utimens(s->folder, fid->path, a->times);
    }
    return r;
}

int p9_setattr(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    struct attrs a = {.valid = p9_get32(in)};

    a.mode = p9_get32(in);
    a.uid = p9_get32(in);
    a.gid = p9_get32(in);
    a.size = p9_get64(in);
    a.times[0] = take_time(in, a.valid & SET_ATIME, a.valid & SET_ATIME_TO);
    a.times[1] = take_time(in, a.valid & SET_MTIME, a.valid & SET_MTIME_TO);
    if (!fid || in->bad) {
        return fid ? -EINVAL : -EBADF;
    }
    return set_attrs(s, fid, &a);
}

int p9_statfs(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    enum { V9FS_MAGIC = 0x01021997 };
    struct fid *fid = p9_fid(s, p9_get32(in));
    struct statfs st;
    int r = fid ? folder_statfs(s->folder, fid->path, &st) : -EBADF;

    if (r < 0) {
        return r;
    }
    p9_put(out, V9FS_MAGIC, 4);
    p9_put(out, (uint64_t)st.f_bsize, 4);
    p9_put(out, st.f_blocks, 8);
    p9_put(out, st.f_bfree, 8);
    p9_put(out, st.f_bavail, 8);
    p9_put(out, st.f_files, 8);
    p9_put(out, st.f_ffree, 8);
    p9_put(out, 0, 8);
    p9_put(out, (uint64_t)st.f_namelen, 4);
    return 0;
}

/* --- extended attributes --- */

int p9_xattrwalk(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    uint32_t number = p9_get32(in);
    g_autofree char *name = p9_get_string(in);
    g_autofree uint8_t *value = g_malloc(XATTR_MAX);
    struct fid *made_fid;
    int r, size;

    if (!fid || in->bad) {
        return fid ? -EINVAL : -EBADF;
    }
    size = folder_getxattr(s->folder, fid->path, name, value, XATTR_MAX);
    if (size < 0) {
        return size;
    }
    made_fid = p9_fid_new(s, number, g_strdup(fid->path), fid->uid, &r);
    if (!made_fid) {
        return r;
    }
    made_fid->xattr = g_byte_array_new();
    g_byte_array_append(made_fid->xattr, value, (guint)size);
    p9_put(out, (uint64_t)size, 8);
    return 0;
}

/* The fid is the attribute's from now on: it is written, then clunked. */
int p9_xattrcreate(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    g_autofree char *name = p9_get_string(in);
    uint64_t size = p9_get64(in);
    uint32_t flags = p9_get32(in);

    if (!fid || in->bad || fid->fd >= 0 || fid->xattr || !*name) {
        return fid ? -EINVAL : -EBADF;
    }
    if (size > XATTR_MAX || flags > 2) {
        return -ERANGE;
    }
    fid->xattr = g_byte_array_new();
    fid->xattr_name = g_steal_pointer(&name);
    fid->xattr_size = size;
    fid->xattr_flags = flags;
    return 0;
}

/* --- contents --- */

static int read_xattr(const struct fid *fid, uint64_t at, uint8_t *to,
                      uint32_t count)
{
    guint len = fid->xattr->len;
    uint32_t n = at < len ? (uint32_t)MIN(len - at, count) : 0;

    memcpy(to, fid->xattr->data + (n ? at : 0), n);
    return (int)n;
}

int p9_read(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    uint64_t at = p9_get64(in);
    uint32_t count = p9_get32(in);
    size_t head = out->at;
    uint8_t *to;
    int r;

    if (!fid || in->bad || at > INT64_MAX) {
        return fid ? -EINVAL : -EBADF;
    }
    if (out->max < head + 4) {
        return -ENOBUFS;
    }
    count = (uint32_t)MIN(count, out->max - head - 4);
    p9_put(out, 0, 4);
    to = p9_room(out, count);
    r = fid->xattr && !fid->xattr_name ? read_xattr(fid, at, to, count)
        : fid->fd >= 0 && !fid->dir
            ? result(pread(fid->fd, to, count, (off_t)at))
            : -EBADF;
    if (r >= 0) {
        stl_u32(out->p + head, (uint32_t)r);
        out->at = head + 4 + (size_t)r;
    }
    return r;
}

/* In order, from the start to the end. */
static int write_xattr(struct fid *fid, uint64_t at, const uint8_t *data,
                       uint32_t count)
{
    if (!fid->xattr_name || at != fid->xattr->len ||
        count > fid->xattr_size - fid->xattr->len) {
        return -ENOSPC;
    }
    g_byte_array_append(fid->xattr, data, count);
    return (int)count;
}

int p9_write(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    uint64_t at = p9_get64(in);
    uint32_t count = p9_get32(in);
    const uint8_t *data = p9_take(in, count);
    int r;

    if (!fid || in->bad || at > INT64_MAX) {
        return fid ? -EINVAL : -EBADF;
    }
    r = fid->xattr     ? write_xattr(fid, at, data, count)
        : fid->fd >= 0 ? result(pwrite(fid->fd, data, count, (off_t)at))
                       : -EBADF;
    if (r >= 0) {
        p9_put(out, (uint32_t)r, 4);
    }
    return r;
}

int p9_fsync(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    const struct fid *fid = p9_fid(s, p9_get32(in));

    return fid && fid->fd >= 0 ? result(fsync(fid->fd)) : -EBADF;
}

/* One entry; false where it does not fit any more. */
static bool put_entry(const struct p9 *s, struct p9_out *out,
                      const struct dirent *e)
{
    struct stat st = {.st_dev = s->folder->dev,
                      .st_ino = e->d_ino,
                      .st_mode = DTTOIF(e->d_type)};
    size_t begin = out->at;

    p9_put_qid(s, out, &st);
    p9_put(out, (uint64_t)e->d_off, 8);
    p9_put(out, s->folder->model == FOLDER_MAPPED ? DT_UNKNOWN : e->d_type, 1);
    p9_put_string(out, e->d_name);
    if (out->full) {
        out->full = false;
        out->at = begin;
        return false;
    }
    return true;
}

int p9_readdir(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    uint64_t at = p9_get64(in);
    uint32_t count = p9_get32(in);
    size_t head = out->at, max = out->max;
    const struct dirent *e;

    if (!fid || in->bad || !fid->dir) {
        return fid ? -EINVAL : -EBADF;
    }
    p9_put(out, 0, 4);
    out->max = MIN(max, out->at + count);
    seekdir(fid->dir, (long)at);
    while ((e = readdir(fid->dir)) && put_entry(s, out, e)) {
    }
    out->max = max;
    if (!out->full) {
        stl_u32(out->p + head, (uint32_t)(out->at - head - 4));
    }
    return 0;
}

/* --- locks: the guest keeps them itself --- */

int p9_lock(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    if (!p9_fid(s, p9_get32(in))) {
        return -EBADF;
    }
    p9_put(out, 0, 1); /* granted */
    return 0;
}

int p9_getlock(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    enum { UNLOCKED = 2 };
    const struct fid *fid = p9_fid(s, p9_get32(in));
    uint64_t start, length;
    uint32_t pid;
    g_autofree char *client = NULL;

    p9_get8(in);
    start = p9_get64(in);
    length = p9_get64(in);
    pid = p9_get32(in);
    client = p9_get_string(in);
    if (!fid || in->bad) {
        return fid ? -EINVAL : -EBADF;
    }
    p9_put(out, UNLOCKED, 1);
    p9_put(out, start, 8);
    p9_put(out, length, 8);
    p9_put(out, pid, 4);
    p9_put_string(out, client);
    return 0;
}
