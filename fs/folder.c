/* SPDX-License-Identifier: MIT */
/*
 * Every path is resolved by openat2() with RESOLVE_BENEATH and without
 * symbolic links; where the kernel has no openat2(), name by name without
 * following any. What is done then is done to the descriptor, or to a name in
 * a descriptor's folder without following it.
 */
#include "fs/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/folder_map.h"

static int result(int r)
{
    return r < 0 ? -errno : r;
}

bool folder_is_name(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0 && strlen(name) <= NAME_MAX;
}

char *folder_join(const char *dir, const char *name)
{
    return *dir ? g_strconcat(dir, "/", name, NULL) : g_strdup(name);
}

/* --- resolving --- */

static int open_step(int at, const char *name, int flags, mode_t mode)
{
    return openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

/* Without openat2(): each folder on the way is no link, or it fails. */
static int open_slowly(int root, const char *path, int flags, mode_t mode)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    int at = dup(root);

    for (char **n = names; *n && at >= 0; n++) {
        int next;

        if (!folder_is_name(*n)) {
            close(at);
            return -EINVAL;
        }
        next = open_step(at, *n, n[1] ? O_PATH | O_DIRECTORY : flags, mode);
        next = result(next);
        close(at);
        at = next;
    }
    return at;
}

static int open_beneath(const struct folder *f, const char *path, int flags,
                        mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_NOFOLLOW | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode & 07777 : 0,
        .resolve =
            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd;

    if (!*path) {
        return result(openat(f->root, ".", flags | O_CLOEXEC));
    }
    fd = syscall(SYS_openat2, f->root, path, &how, sizeof(how));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        return open_slowly(f->root, path, flags, mode);
    }
    return result((int)fd);
}

int folder_fd(const struct folder *f, const char *path)
{
    return open_beneath(f, path, O_PATH, 0);
}

static int dir_fd(const struct folder *f, const char *path)
{
    return open_beneath(f, path, O_PATH | O_DIRECTORY, 0);
}

/* The folder that something lies in, and its name there. */
static int parent_fd(const struct folder *f, const char *path,
                     const char **name)
{
    const char *slash = strrchr(path, '/');
    g_autofree char *dir =
        slash ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");

    *name = slash ? slash + 1 : path;
    return *path ? dir_fd(f, dir) : -EBUSY;
}

/* --- the folder --- */

struct folder *folder_new(const char *id, const char *path,
                          enum folder_model model, bool readonly,
                          GError **error)
{
    struct folder *f;
    struct stat st;
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root < 0 || fstat(root, &st) < 0) {
        fail_errno(error, "fsdev '%s': cannot open the folder '%s'", id, path);
        if (root >= 0) {
            close(root);
        }
        return NULL;
    }
    f = g_new0(struct folder, 1);
    *f = (struct folder){
        .id = g_strdup(id),
        .path = g_strdup(path),
        .root = root,
        .model = model,
        .readonly = readonly,
        .file_mode = 0600,
        .dir_mode = 0700,
        .dev = st.st_dev,
    };
    return f;
}

void folder_free(struct folder *f)
{
    close(f->root);
    g_free(f->id);
    g_free(f->path);
    g_free(f);
}

/* --- looking --- */

int folder_fstat(const struct folder *f, int fd, struct stat *st)
{
    int r = result(fstatat(fd, "", st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));

    if (r == 0 && f->model == FOLDER_MAPPED) {
        folder_map_stat(fd, st);
    }
    return r;
}

int folder_stat(const struct folder *f, const char *path, struct stat *st)
{
    int fd = folder_fd(f, path);
    int r;

    if (fd < 0) {
        return fd;
    }
    r = folder_fstat(f, fd, st);
    close(fd);
    return r;
}

int folder_statfs(const struct folder *f, const char *path, struct statfs *s)
{
    int fd = folder_fd(f, path);
    int r;

    if (fd < 0) {
        return fd;
    }
    r = result(fstatfs(fd, s));
    close(fd);
    return r;
}

int folder_readlink(const struct folder *f, const char *path, char *to,
                    size_t size)
{
    int fd = folder_fd(f, path);
    int r;

    if (fd < 0) {
        return fd;
    }
    r = result((int)readlinkat(fd, "", to, size));
    close(fd);
    if (r == -EINVAL ||
        r == -ENOENT) { /* no link: a file that stands for one */
        r = f->model == FOLDER_MAPPED ? folder_map_readlink(f, path, to, size)
                                      : -EINVAL;
    }
    return r;
}

/* --- opening and making --- */

/* A device or pipe of the host is not the guest's to open. */
static int only_plain(int fd)
{
    struct stat st;

    if (fd >= 0 && (fstat(fd, &st) < 0 ||
                    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))) {
        close(fd);
        return -EACCES;
    }
    return fd;
}

int folder_open(const struct folder *f, const char *path, int flags)
{
    struct stat st;
    int r = folder_stat(f, path, &st);

    if (r == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        r = -EACCES;
    }
    if (r < 0) {
        return r;
    }
    if (f->readonly && (flags & (O_ACCMODE | O_TRUNC | O_APPEND))) {
        return -EROFS;
    }
    return only_plain(open_beneath(f, path, flags | O_NONBLOCK | O_NOCTTY, 0));
}

/* What is new belongs to whom the guest says. */
static int give(const struct folder *f, int dir, const char *name, int fd,
                mode_t mode, dev_t dev, const struct folder_owner *o)
{
    int r;

    if (f->model == FOLDER_MAPPED) {
        return folder_map_set(fd, o, &mode,
                              S_ISCHR(mode) || S_ISBLK(mode) ? &dev : NULL);
    }
    r = result(fchownat(dir, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW));
    if (r < 0 && f->model != FOLDER_NONE) {
        return r;
    }
    /* Whatever our umask, and chown, took. */
    return S_ISLNK(mode) ? 0 : folder_fd_chmod(fd, mode & 07777);
}

int folder_create(const struct folder *f, const char *dir, const char *name,
                  int flags, mode_t mode, const struct folder_owner *owner)
{
    bool mapped = f->model == FOLDER_MAPPED;
    int at = f->readonly ? -EROFS : dir_fd(f, dir);
    int fd, r;

    if (at < 0) {
        return at;
    }
    fd = result(openat(at, name,
                       flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC |
                           O_NOCTTY | O_NONBLOCK,
                       mapped ? f->file_mode : mode & 07777));
    if (fd >= 0) {
        r = give(f, at, name, fd, S_IFREG | (mode & 07777), 0, owner);
        if (r < 0) {
            unlinkat(at, name, 0);
            close(fd);
            fd = r;
        }
    }
    close(at);
    return fd;
}

/* For what was just made at `name`; takes it away again where that fails. */
static int finish(const struct folder *f, int at, const char *name, mode_t mode,
                  dev_t dev, const struct folder_owner *owner)
{
    int fd = result(openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    int r = fd < 0 ? fd : give(f, at, name, fd, mode, dev, owner);

    if (fd >= 0) {
        close(fd);
    }
    if (r < 0) {
        unlinkat(at, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
    }
    return r;
}

int folder_mkdir(const struct folder *f, const char *dir, const char *name,
                 mode_t mode, const struct folder_owner *owner)
{
    bool mapped = f->model == FOLDER_MAPPED;
    int at = f->readonly ? -EROFS : dir_fd(f, dir);
    int r;

    if (at < 0) {
        return at;
    }
    r = result(mkdirat(at, name, mapped ? f->dir_mode : mode & 07777));
    if (r == 0) {
        r = finish(f, at, name, S_IFDIR | (mode & 07777), 0, owner);
    }
    close(at);
    return r;
}

int folder_mknod(const struct folder *f, const char *dir, const char *name,
                 mode_t mode, dev_t dev, const struct folder_owner *owner)
{
    bool mapped = f->model == FOLDER_MAPPED;
    int at = f->readonly ? -EROFS : dir_fd(f, dir);
    int r;

    if (at < 0) {
        return at;
    }
    r = result(mknodat(at, name, mapped ? S_IFREG | f->file_mode : mode,
                       mapped ? 0 : dev));
    if (r == 0) {
        r = finish(f, at, name, mode, dev, owner);
    }
    close(at);
    return r;
}

/* Mapped: a file with the target in it. */
static int write_link(const struct folder *f, int at, const char *name,
                      const char *target)
{
    size_t len = strlen(target);
    int fd = result(openat(at, name,
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           f->file_mode));
    int r = fd;

    if (fd >= 0) {
        r = write(fd, target, len) == (ssize_t)len ? 0 : -EIO;
        close(fd);
    }
    return r;
}

int folder_symlink(const struct folder *f, const char *dir, const char *name,
                   const char *target, const struct folder_owner *owner)
{
    int at = f->readonly ? -EROFS : dir_fd(f, dir);
    int r;

    if (at < 0) {
        return at;
    }
    r = f->model == FOLDER_MAPPED ? write_link(f, at, name, target)
                                  : result(symlinkat(target, at, name));
    if (r == 0) {
        r = finish(f, at, name, S_IFLNK | 0777, 0, owner);
    }
    close(at);
    return r;
}

/* --- changing names --- */

int folder_link(const struct folder *f, const char *path, const char *dir,
                const char *name)
{
    const char *old_name;
    int from = f->readonly ? -EROFS : parent_fd(f, path, &old_name);
    int to, r;

    if (from < 0) {
        return from;
    }
    to = dir_fd(f, dir);
    r = to < 0 ? to : result(linkat(from, old_name, to, name, 0));
    close(from);
    if (to >= 0) {
        close(to);
    }
    return r;
}

int folder_rename(const struct folder *f, const char *old_dir,
                  const char *old_name, const char *dir, const char *name)
{
    int from = f->readonly ? -EROFS : dir_fd(f, old_dir);
    int to, r;

    if (from < 0) {
        return from;
    }
    to = dir_fd(f, dir);
    r = to < 0 ? to : result(renameat(from, old_name, to, name));
    close(from);
    if (to >= 0) {
        close(to);
    }
    return r;
}

int folder_unlink(const struct folder *f, const char *dir, const char *name,
                  bool is_dir)
{
    int at = f->readonly ? -EROFS : dir_fd(f, dir);
    int r;

    if (at < 0) {
        return at;
    }
    r = result(unlinkat(at, name, is_dir ? AT_REMOVEDIR : 0));
    close(at);
    return r;
}

/* --- changing attributes --- */

/* A name for what a descriptor stands for, whatever that is. */
static void fd_path(int fd, char to[static 32])
{
    snprintf(to, 32, "/proc/self/fd/%d", fd);
}

int folder_fd_chmod(int fd, mode_t mode)
{
    char path[32];

    fd_path(fd, path);
    return result(chmod(path, mode));
}

int folder_chmod(const struct folder *f, const char *path, mode_t mode)
{
    int fd = f->readonly ? -EROFS : folder_fd(f, path);
    struct stat st;
    int r;

    if (fd < 0) {
        return fd;
    }
    mode &= 07777;
    r = folder_fstat(f, fd, &st);
    if (r == 0 && f->model == FOLDER_MAPPED) {
        mode |= st.st_mode & S_IFMT;
        r = folder_map_set(fd, NULL, &mode, NULL);
    } else if (r == 0) {
        r = S_ISLNK(st.st_mode) ? -EOPNOTSUPP : folder_fd_chmod(fd, mode);
    }
    close(fd);
    return r;
}

int folder_chown(const struct folder *f, const char *path, uid_t uid, gid_t gid)
{
    const struct folder_owner owner = {uid, gid};
    int fd = f->readonly ? -EROFS : folder_fd(f, path);
    int r;

    if (fd < 0) {
        return fd;
    }
    if (f->model == FOLDER_MAPPED) {
        r = folder_map_set(fd, &owner, NULL, NULL);
    } else {
        r = result(
            fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
        r = f->model == FOLDER_NONE ? 0 : r;
    }
    close(fd);
    return r;
}

int folder_utimens(const struct folder *f, const char *path,
                   const struct timespec times[2])
{
    const char *name;
    int at = f->readonly ? -EROFS : parent_fd(f, path, &name);
    int r;

    if (at == -EBUSY) { /* the folder itself */
        return result(utimensat(f->root, ".", times, 0));
    }
    if (at < 0) {
        return at;
    }
    r = result(utimensat(at, name, times, AT_SYMLINK_NOFOLLOW));
    close(at);
    return r;
}

int folder_truncate(const struct folder *f, const char *path, uint64_t size)
{
    int fd = folder_open(f, path, O_WRONLY);
    int r;

    if (fd < 0) {
        return fd;
    }
    r = size > INT64_MAX ? -EFBIG : result(ftruncate(fd, (off_t)size));
    close(fd);
    return r;
}

int folder_getxattr(const struct folder *f, const char *path, const char *name,
                    void *to, size_t size)
{
    int fd = folder_fd(f, path);
    char proc[32];
    int r;

    if (fd < 0) {
        return fd;
    }
    fd_path(fd, proc);
    r = *name ? folder_map_hides(f, name)
                    ? -ENODATA
                    : result((int)getxattr(proc, name, to, size))
              : result((int)listxattr(proc, to, size));
    close(fd);
    return !*name && r > 0 && size ? folder_map_filter(f, to, (size_t)r) : r;
}

int folder_setxattr(const struct folder *f, const char *path, const char *name,
                    const void *data, size_t size, int flags)
{
    int fd = f->readonly ? -EROFS : folder_fd(f, path);
    char proc[32];
    int r;

    if (fd < 0) {
        return fd;
    }
    fd_path(fd, proc);
    if (folder_map_hides(f, name)) {
        r = -EACCES;
    } else if (size == 0 && flags == 0) {
        r = result(removexattr(proc, name));
    } else {
        r = result(setxattr(proc, name, data, size, flags));
    }
    close(fd);
    return r;
}
