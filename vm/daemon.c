/* SPDX-License-Identifier: MIT */
#include "vm/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In front: waits for the one byte that says all is well. */
static void wait_in_front(int from)
{
    char status;
    ssize_t n;

    do {
        n = read(from, &status, 1);
    } while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

bool daemon_start(struct daemon *d, GError **error)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return fail_errno(error, "-daemonize: pipe");
    }
    pid = fork();
    if (pid < 0) {
        return fail_errno(error, "-daemonize: fork");
    }
    if (pid > 0) {
        close(ends[1]);
        wait_in_front(ends[0]);
    }
    close(ends[0]);
    d->ready = ends[1];
    setsid();
    return true;
}

bool daemon_write_pid(struct daemon *d, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    const struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[32];
    int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0) {
        return fail_errno(error, "-pidfile: cannot write '%s'", path);
    }
    if (fcntl(fd, F_SETLK, &lock) < 0) {
        close(fd);
        return fail(error,
                    "-pidfile: '%s' is held by another process that "
                    "runs",
                    path);
    }
    if (ftruncate(fd, 0) < 0 || write(fd, text, (size_t)len) != len) {
        close(fd);
        return fail_errno(error, "-pidfile: cannot write '%s'", path);
    }
    d->pid_fd = fd;
    d->pid_dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    d->pidfile = g_path_get_basename(path);
    return true;
}

void daemon_ready(struct daemon *d)
{
    int null;

    if (d->ready < 0) {
        return;
    }
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (chdir("/") < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
        write(d->ready, "", 1) != 1) {
        exit(1);
    }
    close(null);
    close(d->ready);
    d->ready = -1;
}

void daemon_end(struct daemon *d)
{
    if (d->pidfile) {
        unlinkat(d->pid_dir, d->pidfile, 0);
        g_clear_pointer(&d->pidfile, g_free);
        close(d->pid_dir);
        close(d->pid_fd);
    }
}
