/* SPDX-License-Identifier: MIT */
#include "vm/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/opts.h"

struct privileges {
    char *user, *chroot;
    bool has_ids; /* "UID:GID" rather than a name */
    uid_t uid;
    gid_t gid;
};

static bool find_user(struct privileges *p, GError **error)
{
    const struct passwd *pw;
    unsigned uid;
    unsigned gid;
    char rest;

    if (!p->user) {
        return true;
    }
    if (sscanf(p->user, "%u:%u%c", &uid, &gid, &rest) == 2) {
        p->uid = uid;
        p->gid = gid;
        p->has_ids = true;
        return true;
    }
    pw = getpwnam(p->user);
    if (!pw) {
        return fail(error,
                    "user '%s': there is no such user, and it is not "
                    "UID:GID",
                    p->user);
    }
    p->uid = pw->pw_uid;
    p->gid = pw->pw_gid;
    return true;
}

static bool enter_chroot(const struct privileges *p, GError **error)
{
    if (p->chroot && (chroot(p->chroot) < 0 || chdir("/") < 0)) {
        return fail_errno(error, "cannot chroot to '%s'", p->chroot);
    }
    return true;
}

static bool become_user(const struct privileges *p, GError **error)
{
    if (!p->user) {
        return true;
    }
    if (p->has_ids ? setgroups(1, &p->gid) < 0
                   : initgroups(p->user, p->gid) < 0) {
        return fail_errno(error, "user '%s': cannot set groups", p->user);
    }
    if (setgid(p->gid) < 0 || setuid(p->uid) < 0) {
        return fail_errno(error, "cannot become user '%s'", p->user);
    }
    return p->uid == 0 || setuid(0) < 0 ||
           fail(error, "user '%s': root is still within reach", p->user);
}

static bool parse(struct privileges *p, const struct config *c, GError **error)
{
    static const char *const keys[] = {"user", "chroot", "async-teardown",
                                       NULL};
    struct opts *o =
        c->run_with ? opts_parse(c->run_with, NULL, error) : opts_new();
    const char *user;
    const char *dir;
    bool ok;

    if (!o) {
        return false;
    }
    user = opts_get(o, "user");
    dir = opts_get(o, "chroot");
    opts_get(o, "async-teardown");
    p->user = g_strdup(user ? user : c->runas);
    p->chroot = g_strdup(dir ? dir : c->chroot);
    ok = opts_check_used(o, "-run-with", keys, error);
    opts_free(o);
    return ok;
}

bool privileges_drop(const struct config *c, GError **error)
{
    struct privileges p = {0};
    bool ok = parse(&p, c, error) && find_user(&p, error) &&
              enter_chroot(&p, error) && become_user(&p, error);

    g_free(p.user);
    g_free(p.chroot);
    return ok;
}
