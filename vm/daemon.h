/* SPDX-License-Identifier: MIT */
/*
 * -daemonize and -pidfile. The process that was started stays in front until
 * the machine is set up, so that it can say what went wrong.
 */
#ifndef VM_DAEMON_H
#define VM_DAEMON_H

#include "base/error.h"

struct daemon {
    int ready;     /* pipe to the process in front; -1 = none */
    char *pidfile; /* its name in pid_dir, to be removed; NULL = none */
    int pid_dir;   /* its folder, which a chroot may hide */
    int pid_fd;    /* locked while we live */
};

/* Before any thread exists: goes to the background. Returns in the child; in
 * front the process ends with the child's news. */
bool daemon_start(struct daemon *d, GError **error);
bool daemon_write_pid(struct daemon *d, const char *path, GError **error);
/* The machine is set up: lets go of the terminal. */
void daemon_ready(struct daemon *d);
void daemon_end(struct daemon *d);

#endif
