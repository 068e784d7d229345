/* SPDX-License-Identifier: MIT */
#include "block/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOCK_USED = 100,
    LOCK_UNSHARED = 200,
    P_READ = 0,
    P_WRITE = 1,
    P_RESIZE = 3
};

/* Does the descriptor /proc/PID/fdinfo/FD hold a lock? */
static bool fd_has_lock(const char *pid, const char *fd)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/fdinfo/%s", pid, fd);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) &&
           strstr(text, "OFDLCK");
}

static bool process_holds(const char *pid, const struct stat *file)
{
    g_autofree char *dir = g_strdup_printf("/proc/%s/fd", pid);
    g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
    const char *fd;

    while (d && (fd = g_dir_read_name(d))) {
        g_autofree char *path = g_build_filename(dir, fd, NULL);
        struct stat st;

        if (stat(path, &st) == 0 && st.st_dev == file->st_dev &&
            st.st_ino == file->st_ino && fd_has_lock(pid, fd)) {
            return true;
        }
    }
    return false;
}

/* "rhea (process 1234)", or what can be said without a name. */
static char *lock_holder(int fd)
{
    g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
    g_autofree char *self = g_strdup_printf("%d", (int)getpid());
    struct stat st;
    const char *pid;

    if (fstat(fd, &st) < 0) {
        return g_strdup("another process");
    }
    while (proc && (pid = g_dir_read_name(proc))) {
        if (g_ascii_isdigit(pid[0]) && strcmp(pid, self) != 0 &&
            process_holds(pid, &st)) {
            g_autofree char *path = g_strdup_printf("/proc/%s/comm", pid);
            g_autofree char *comm = NULL;

            if (g_file_get_contents(path, &comm, NULL, NULL)) {
                return g_strdup_printf("%s (process %s)", g_strstrip(comm),
                                       pid);
            }
        }
    }
    return g_strdup("another drive of this machine or a process that cannot "
                    "be seen from here");
}

static int lock_byte(int fd, int command, short type, off_t at,
                     struct flock *lock)
{
    *lock = (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    return fcntl(fd, command, lock);
}

static bool lock_take(int fd, off_t at)
{
    struct flock lock;

    /* A file system without locks: nothing to respect. */
    return lock_byte(fd, F_OFD_SETLK, F_RDLCK, at, &lock) == 0 ||
           (errno != EAGAIN && errno != EACCES);
}

static bool lock_free_for(int fd, off_t at)
{
    struct flock lock;

    return lock_byte(fd, F_OFD_GETLK, F_WRLCK, at, &lock) < 0 ||
           lock.l_type == F_UNLCK;
}

bool image_lock(int fd, const char *filename, bool write, GError **error)
{
    static const off_t unshared[] = {P_WRITE, P_RESIZE};
    bool ok = lock_take(fd, LOCK_USED + P_READ);

    for (size_t i = 0; i < ARRAY_SIZE(unshared); i++) {
        ok = ok && lock_take(fd, LOCK_UNSHARED + unshared[i]) &&
             (!write || lock_take(fd, LOCK_USED + unshared[i]));
    }
    ok = ok && lock_free_for(fd, LOCK_UNSHARED + P_READ);
    for (size_t i = 0; i < ARRAY_SIZE(unshared); i++) {
        ok = ok && lock_free_for(fd, LOCK_USED + unshared[i]) &&
             (!write || lock_free_for(fd, LOCK_UNSHARED + unshared[i]));
    }
    if (!ok) {
        g_autofree char *holder = lock_holder(fd);

        return fail(error,
                    "'%s' is in use by %s; stop it, or open the image with "
                    "readonly=on in both, or snapshot=on",
                    filename, holder);
    }
    return true;
}
