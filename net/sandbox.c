/* SPDX-License-Identifier: MIT */
/* By Landlock, which any user may use: landlock(7). glibc has no wrappers. */
#include "net/sandbox.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<linux/landlock.h>) && defined(SYS_landlock_create_ruleset)
#include <linux/landlock.h>

enum {
    READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    /* The rights of Landlock's first version. */
    ALL = (1 << 13) - 1,
};

static bool allow(int rules, const char *path, unsigned access)
{
    struct landlock_path_beneath_attr below = {.allowed_access = access};
    bool ok;

    below.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (below.parent_fd < 0) {
        return false;
    }
    ok = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
                 &below, 0) == 0;
    close(below.parent_fd);
    return ok;
}

static bool restrict_files(const char *folder, GError **error)
{
    struct landlock_ruleset_attr attr = {.handled_access_fs = ALL};
    int rules =
        (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    bool ok;

    if (rules < 0) {
        return fail_errno(error, "Landlock");
    }
    allow(rules, "/etc/resolv.conf", LANDLOCK_ACCESS_FS_READ_FILE);
    ok = (!folder || allow(rules, folder, READ)) &&
         syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    return ok || fail_errno(error, "Landlock");
}
#else
static bool restrict_files(const char *folder, GError **error)
{
    return fail(error, "Landlock: not known to this system");
}
#endif

bool sandbox_enter(const char *folder, GError **error)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return fail_errno(error, "PR_SET_NO_NEW_PRIVS");
    }
    return restrict_files(folder, error);
}
