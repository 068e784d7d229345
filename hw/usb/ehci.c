#include "hw/usb/ehci.h"
bool ehci_companion(struct machine *m, const char *bus, unsigned first,
                    struct usb_port *ports, unsigned count, GError **error)
{
    return fail(error, "no");
}
