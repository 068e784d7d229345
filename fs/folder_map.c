/* SPDX-License-Identifier: MIT */
/*
 * The model "mapped-xattr": user.virtfs.uid, .gid, .mode (32 bits) and .rdev
 * (64 bits), little-endian, as QEMU keeps them.
 */
#include "fs/folder_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "user.virtfs.";

static void fd_path(int fd, char to[static 32])
{
    snprintf(to, 32, "/proc/self/fd/%d", fd);
}

static bool get(int fd, const char *name, uint64_t *value, size_t size)
{
    g_autofree char *full = g_strconcat(prefix, name, NULL);
    uint8_t b[8] = {0};
    char path[32];

    fd_path(fd, path);
    if (getxattr(path, full, b, size) != (ssize_t)size) {
        return false;
    }
    *value = ldl_u64(b);
    return true;
}

static int set(int fd, const char *name, uint64_t value, size_t size)
{
    g_autofree char *full = g_strconcat(prefix, name, NULL);
    uint8_t b[8];
    char path[32];

    fd_path(fd, path);
    stl_u64(b, value);
    return setxattr(path, full, b, size, 0) < 0 ? -errno : 0;
}

void folder_map_stat(int fd, struct stat *st)
{
    uint64_t v;

    if (get(fd, "uid", &v, 4)) {
        st->st_uid = (uid_t)v;
    }
    if (get(fd, "gid", &v, 4)) {
        st->st_gid = (gid_t)v;
    }
    if (get(fd, "mode", &v, 4)) {
        st->st_mode = (mode_t)v;
    }
    if (get(fd, "rdev", &v, 8)) {
        st->st_rdev = (dev_t)v;
    }
}

int folder_map_set(int fd, const struct folder_owner *o, const mode_t *mode,
                   const dev_t *dev)
{
    int r = 0;

    if (o && o->uid != (uid_t)-1) {
        r = set(fd, "uid", o->uid, 4);
    }
    if (r == 0 && o && o->gid != (gid_t)-1) {
        r = set(fd, "gid", o->gid, 4);
    }
    if (r == 0 && mode) {
        r = set(fd, "mode", *mode, 4);
    }
    return r == 0 && dev ? set(fd, "rdev", *dev, 8) : r;
}

int folder_map_readlink(const struct folder *f, const char *path, char *to,
                        size_t size)
{
    struct stat st;
    char proc[32];
    int fd = folder_fd(f, path);
    int file, r = -EINVAL;

    if (fd < 0) {
        return fd;
    }
    fd_path(fd, proc);
    /* A regular file on the host: opening it is safe. */
    if (folder_fstat(f, fd, &st) == 0 && S_ISLNK(st.st_mode) &&
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        file = open(proc, O_RDONLY | O_CLOEXEC);
        r = file < 0 ? -errno : (int)read(file, to, size);
        if (file >= 0) {
            close(file);
        }
    }
    close(fd);
    return r;
}

bool folder_map_hides(const struct folder *f, const char *name)
{
    return f->model == FOLDER_MAPPED && g_str_has_prefix(name, prefix);
}

int folder_map_filter(const struct folder *f, char *list, size_t len)
{
    size_t kept = 0;

    for (size_t at = 0, n; at < len; at += n) {
        n = strnlen(list + at, len - at) + 1;
        n = MIN(n, len - at);
        if (!folder_map_hides(f, list + at)) {
            memmove(list + kept, list + at, n);
            kept += n;
        }
    }
    return (int)kept;
}
