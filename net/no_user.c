/* SPDX-License-Identifier: MIT */
/* A build without libslirp has no user network: nothing below net_user_new()
 * is ever called. */
#include "net/user.h"

struct netdev *net_user_new(const char *id, struct opts *o, const char *program,
                            struct lock *lock, GError **error)
{
    fail(error, "user network: this rhea was built without libslirp");
    return NULL;
}

bool net_user_is(const struct netdev *n)
{
    return false;
}

bool net_user_add_forward(struct netdev *n, const char *text, GError **error)
{
    return false;
}

bool net_user_remove_forward(struct netdev *n, const char *text, GError **error)
{
    return false;
}

char *net_user_info(struct netdev *n)
{
    return NULL;
}

int net_user_child(int argc, char **argv)
{
    return 1;
}
