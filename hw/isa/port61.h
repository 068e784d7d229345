/* SPDX-License-Identifier: MIT */
#ifndef HW_ISA_PORT61_H
#define HW_ISA_PORT61_H

#include "hw/core/machine.h"
#include "hw/timer/i8254.h"

enum { PORT61_SERR, PORT61_IOCHK }; /* sources of NMIs */

struct port61 {
    struct dev dev;
    struct i8254 *pit;      /* from the board, before realize */
    struct wire nmi;        /* out, a pulse */
    const bool *nmi_masked; /* bit 7 of port 70; may be NULL */
    struct region ports;
    uint8_t control;    /* bits 3..0 as written */
    uint8_t nmi_status; /* bits 7 and 6 */
    /* The sound to make: 0 Hz is silence. May be NULL. */
    void (*tone)(void *opaque, unsigned hz);
    void *tone_opaque;
};

extern const struct dev_type port61_type;

/* An error on PCI or ISA: an NMI, unless it is masked. */
void port61_nmi(void *dev, unsigned source, bool level);
/* What the speaker plays now: 0 = nothing. */
unsigned port61_tone(const struct port61 *s);

#endif
