/* SPDX-License-Identifier: MIT */
/*
 * 9P2000.L. [9P]
 *
 * A fid is a path in the folder, and a descriptor once it is open. Paths are
 * resolved anew for each message, beneath the folder (fs/folder.h), so that
 * many fids cost no descriptors; a rename moves the paths of what lies below.
 *
 * Not modelled: authentication; locks are always granted (one guest has its
 * own), files that were removed are there through open fids alone.
 */
#include "hw/virtio/p9.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "hw/virtio/p9_int.h"

/* --- fids --- */

static void fid_free(gpointer data)
{
    struct fid *fid = data;

    if (fid->dir) {
        closedir(fid->dir); /* closes fd, too */
    } else if (fid->fd >= 0) {
        close(fid->fd);
    }
    if (fid->xattr) {
        g_byte_array_unref(fid->xattr);
    }
    g_free(fid->xattr_name);
    g_free(fid->path);
    g_free(fid);
}

struct fid *p9_fid(struct p9 *s, uint32_t number)
{
    return g_hash_table_lookup(s->fids, GUINT_TO_POINTER(number));
}

/* A new one, or NULL with the reason in *error. Takes the path. */
struct fid *p9_fid_new(struct p9 *s, uint32_t number, char *path, uid_t uid,
                       int *error)
{
    struct fid *fid;

    if (p9_fid(s, number) || g_hash_table_size(s->fids) >= FIDS_MAX) {
        *error = p9_fid(s, number) ? -EINVAL : -EMFILE;
        g_free(path);
        return NULL;
    }
    fid = g_new0(struct fid, 1);
    fid->path = path;
    fid->fd = -1;
    fid->uid = uid;
    g_hash_table_insert(s->fids, GUINT_TO_POINTER(number), fid);
    return fid;
}

void p9_fid_drop(struct p9 *s, uint32_t number)
{
    g_hash_table_remove(s->fids, GUINT_TO_POINTER(number));
}

/* What lay below `from` (or was it) lies below `to` now. */
void p9_move_paths(struct p9 *s, const char *from, const char *to)
{
    GHashTableIter it;
    void *value;
    size_t len = strlen(from);

    g_hash_table_iter_init(&it, s->fids);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        struct fid *fid = value;
        char *moved;

        if (strncmp(fid->path, from, len) == 0 &&
            (fid->path[len] == '/' || !fid->path[len])) {
            moved = g_strconcat(to, fid->path + len, NULL);
            g_free(fid->path);
            fid->path = moved;
        }
    }
}

/* --- what a file is --- */

int p9_stat(const struct p9 *s, const struct fid *fid, struct stat *st)
{
    int r = fid->fd >= 0 ? folder_fstat(s->folder, fid->fd, st) : -ENOENT;

    return r == 0 ? 0 : folder_stat(s->folder, fid->path, st);
}

/* Files of other file systems below the folder get numbers of their own. */
void p9_put_qid(const struct p9 *s, struct p9_out *out, const struct stat *st)
{
    uint64_t path = st->st_ino;

    if (st->st_dev != s->folder->dev) {
        path ^= (uint64_t)st->st_dev * UINT64_C(0x9e3779b97f4a7c15);
    }
    p9_put(out,
           S_ISDIR(st->st_mode)   ? QT_DIR
           : S_ISLNK(st->st_mode) ? QT_LINK
                                  : 0,
           1);
    p9_put(out, (uint32_t)st->st_mtime ^ (uint32_t)(st->st_size << 8), 4);
    p9_put(out, path, 8);
}

int p9_put_path(const struct p9 *s, struct p9_out *out, const char *path)
{
    struct stat st;
    int r = folder_stat(s->folder, path, &st);

    if (r == 0) {
        p9_put_qid(s, out, &st);
    }
    return r;
}

/* --- the session --- */

static int t_version(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    uint32_t msize = p9_get32(in);
    g_autofree char *version = p9_get_string(in);

    if (in->bad || msize < MSIZE_MIN) {
        return -EINVAL;
    }
    p9_reset(s);
    s->msize = MIN(msize, P9_MSIZE);
    p9_put(out, s->msize, 4);
    p9_put_string(out, strcmp(version, "9P2000.L") == 0 ? version : "unknown");
    return 0;
}

static int t_attach(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    uint32_t number = p9_get32(in);
    int r = 0;
    struct fid *fid;
    uint32_t uid;

    p9_get32(in); /* of authentication */
    g_free(p9_get_string(in));
    g_free(p9_get_string(in));
    uid = p9_get32(in);
    if (in->bad) {
        return -EINVAL;
    }
    fid = p9_fid_new(s, number, g_strdup(""), uid, &r);
    return fid ? p9_put_path(s, out, "") : r;
}

/* Messages are answered in order: what is to be flushed has been. */
static int t_flush(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    p9_get16(in);
    return 0;
}

/* One name further; ".." stays inside. NULL where there is no such thing. */
static char *step(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');

    if (strcmp(name, "..") == 0) {
        return slash ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");
    }
    if (strcmp(name, ".") == 0) {
        return g_strdup(path);
    }
    return folder_is_name(name) && strlen(path) < PATH_MAX
               ? folder_join(path, name)
               : NULL;
}

/* As far as the names are there: a qid each. *path moves along. */
static int walk(struct p9 *s, struct p9_in *in, struct p9_out *out, char **path,
                unsigned names, unsigned *done)
{
    int r = 0;

    for (*done = 0; r == 0 && *done < names;) {
        g_autofree char *name = p9_get_string(in);
        char *next = in->bad ? NULL : step(*path, name);

        r = next ? p9_put_path(s, out, next) : -ENOENT;
        if (r == 0) {
            ++*done;
            g_free(*path);
            *path = g_steal_pointer(&next);
        }
        g_free(next);
    }
    return r;
}

static int t_walk(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *from = p9_fid(s, p9_get32(in));
    uint32_t number = p9_get32(in);
    unsigned names = p9_get16(in), done = 0;
    uint8_t *count = p9_room(out, 2);
    g_autofree char *path = from ? g_strdup(from->path) : NULL;
    int r;

    if (!from || in->bad || names > WALK_MAX || !count) {
        return from ? -EINVAL : -EBADF;
    }
    r = walk(s, in, out, &path, names, &done);
    if (names && done == 0) {
        return r;
    }
    stl_u16(count, (uint16_t)done);
    if (done < names) {
        return 0; /* part of the way: no new fid */
    }
    if (p9_fid(s, number) == from) {
        if (from->fd >= 0) {
            return -EBUSY;
        }
        g_free(from->path);
        from->path = g_steal_pointer(&path);
        return 0;
    }
    r = 0;
    p9_fid_new(s, number, g_steal_pointer(&path), from->uid, &r);
    return r;
}

/* An attribute that was written takes effect now. */
int p9_finish_xattr(struct p9 *s, const struct fid *fid)
{
    if (!fid->xattr_name) {
        return 0;
    }
    if (fid->xattr->len != fid->xattr_size) {
        return -EINVAL;
    }
    return folder_setxattr(s->folder, fid->path, fid->xattr_name,
                           fid->xattr->data, fid->xattr->len,
                           (int)fid->xattr_flags);
}

static int t_clunk(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    uint32_t number = p9_get32(in);
    const struct fid *fid = p9_fid(s, number);
    int r = fid ? p9_finish_xattr(s, fid) : -EBADF;

    p9_fid_drop(s, number);
    return r;
}

/* --- opening, making --- */

/* What the guest may ask for; its numbers are those of x86's Linux. */
static int open_flags(uint32_t flags)
{
    enum { /* other hosts have others */
           L_TRUNC = 01000,
           L_APPEND = 02000,
           L_DSYNC = 010000,
           L_SYNC = 04000000,
           L_EXCL = 0200,
    };

    return (int)(flags & 3) | (flags & L_TRUNC ? O_TRUNC : 0) |
           (flags & L_APPEND ? O_APPEND : 0) |
           (flags & L_SYNC    ? O_SYNC
            : flags & L_DSYNC ? O_DSYNC
                              : 0) |
           (flags & L_EXCL ? O_EXCL : 0);
}

/* Its answer: qid, and how much to read or write at a time. */
static int opened(struct p9 *s, struct fid *fid, struct p9_out *out)
{
    struct stat st;
    int r = folder_fstat(s->folder, fid->fd, &st);

    if (r < 0) {
        return r;
    }
    if (S_ISDIR(st.st_mode)) {
        fid->dir = fdopendir(fid->fd);
    }
    p9_put_qid(s, out, &st);
    p9_put(out, s->msize - DATA_HEADER, 4);
    return 0;
}

static int t_lopen(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    int flags = open_flags(p9_get32(in)) & ~O_EXCL;
    int fd;

    if (!fid || in->bad || fid->fd >= 0 || fid->xattr) {
        return fid ? -EINVAL : -EBADF;
    }
    fd = folder_open(s->folder, fid->path, flags);
    if (fd < 0) {
        return fd;
    }
    fid->fd = fd;
    return opened(s, fid, out);
}

static int create(struct p9 *s, struct fid *fid, const char *name, int flags,
                  mode_t mode, gid_t gid)
{
    const struct folder_owner owner = {fid->uid, gid};
    g_autofree char *path = folder_join(fid->path, name);
    int fd = folder_create(s->folder, fid->path, name, flags, mode, &owner);

    if (fd == -EEXIST && !(flags & O_EXCL)) {
        fd = folder_open(s->folder, path, flags);
    }
    if (fd >= 0) {
        fid->fd = fd;
        g_free(fid->path);
        fid->path = g_steal_pointer(&path);
    }
    return fd;
}

static int t_lcreate(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct fid *fid = p9_fid(s, p9_get32(in));
    g_autofree char *name = p9_get_string(in);
    int flags = open_flags(p9_get32(in));
    mode_t mode = p9_get32(in);
    gid_t gid = p9_get32(in);
    int r;

    if (!fid || in->bad || fid->fd >= 0 || !folder_is_name(name)) {
        return fid ? -EINVAL : -EBADF;
    }
    r = create(s, fid, name, flags, mode, gid);
    return r < 0 ? r : opened(s, fid, out);
}

/* --- messages by number --- */

static const struct {
    int (*run)(struct p9 *s, struct p9_in *in, struct p9_out *out);
} messages[MESSAGES] = {
    [T_STATFS] = {p9_statfs},
    [T_LOPEN] = {t_lopen},
    [T_LCREATE] = {t_lcreate},
    [T_SYMLINK] = {p9_symlink},
    [T_MKNOD] = {p9_mknod},
    [T_RENAME] = {p9_rename},
    [T_READLINK] = {p9_readlink},
    [T_GETATTR] = {p9_getattr},
    [T_SETATTR] = {p9_setattr},
    [T_XATTRWALK] = {p9_xattrwalk},
    [T_XATTRCREATE] = {p9_xattrcreate},
    [T_READDIR] = {p9_readdir},
    [T_FSYNC] = {p9_fsync},
    [T_LOCK] = {p9_lock},
    [T_GETLOCK] = {p9_getlock},
    [T_LINK] = {p9_link},
    [T_MKDIR] = {p9_mkdir},
    [T_RENAMEAT] = {p9_renameat},
    [T_UNLINKAT] = {p9_unlinkat},
    [T_VERSION] = {t_version},
    [T_ATTACH] = {t_attach},
    [T_FLUSH] = {t_flush},
    [T_WALK] = {t_walk},
    [T_READ] = {p9_read},
    [T_WRITE] = {p9_write},
    [T_CLUNK] = {t_clunk},
    [T_REMOVE] = {p9_remove},
};

static int run(struct p9 *s, uint8_t type, struct p9_in *in, struct p9_out *out)
{
    int r;

    if (type >= MESSAGES || !messages[type].run) {
        return -EOPNOTSUPP;
    }
    r = messages[type].run(s, in, out);
    return r < 0 ? r : out->full ? -ENOBUFS : 0;
}

size_t p9_run(struct p9 *s, const uint8_t *in, size_t len, uint8_t *out,
              size_t max)
{
    struct p9_in body = {.p = in + P9_HEADER};
    struct p9_out answer = {
        .p = out, .at = P9_HEADER, .max = MIN(max, s->msize)};
    uint8_t type;
    int r;

    len = len < P9_HEADER ? 0 : MIN(len, ldl_u32(in));
    if (len < P9_HEADER || max < P9_HEADER + 4) {
        return 0;
    }
    type = in[4];
    body.left = len - P9_HEADER;
    r = run(s, type, &body, &answer);
    if (r < 0) {
        type = T_LERROR;
        answer.at = P9_HEADER;
        answer.full = false;
        p9_put(&answer, (uint32_t)-r, 4);
    }
    stl_u32(out, (uint32_t)answer.at);
    out[4] = (uint8_t)(type + 1);
    memcpy(out + 5, in + 5, 2); /* the tag */
    return answer.at;
}

struct p9 *p9_new(const struct folder *f)
{
    struct p9 *s = g_new0(struct p9, 1);

    s->folder = f;
    s->msize = P9_MSIZE;
    s->fids = g_hash_table_new_full(NULL, NULL, NULL, fid_free);
    return s;
}

void p9_free(struct p9 *s)
{
    g_hash_table_destroy(s->fids);
    g_free(s);
}

void p9_reset(struct p9 *s)
{
    g_hash_table_remove_all(s->fids);
}
