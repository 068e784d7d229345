/* SPDX-License-Identifier: MIT */
/* A build without libvncserver serves no VNC: nothing below vnc_open() is ever
 * called. */
#include "ui/vnc.h"

struct vnc_ui *vnc_open(const struct vnc_options *o, GError **error)
{
    fail(error, "-vnc: this rhea was built without libvncserver");
    return NULL;
}

void vnc_close(struct vnc_ui *ui)
{
}

void vnc_set_password(struct vnc_ui *ui, const char *password)
{
}

unsigned vnc_port(const struct vnc_ui *ui)
{
    return 0;
}

const char *vnc_host(const struct vnc_ui *ui)
{
    return NULL;
}

unsigned vnc_clients(struct vnc_ui *ui)
{
    return 0;
}

void vnc_each_client(struct vnc_ui *ui,
                     void (*fn)(void *opaque, const struct vnc_peer *peer),
                     void *opaque)
{
}
