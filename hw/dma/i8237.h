/* SPDX-License-Identifier: MIT */
#ifndef HW_DMA_I8237_H
#define HW_DMA_I8237_H

#include "hw/isa/isa.h"

struct i8237_channel {
    struct isa_dma_client client;   /* transfer NULL: nobody */
    uint16_t base_addr, base_count; /* as programmed */
    uint16_t addr, count;           /* as counted */
    uint8_t mode;
};

/* One chip: four channels. */
struct i8237_chip {
    struct i8237_pair *pair;
    struct i8237_channel channel[4];
    uint8_t command, mask, request, tc, temp;
    bool high;    /* the byte pointer flip-flop */
    uint8_t dreq; /* lines now; saved, so that a load starts nothing */
    struct region ports;
};

struct i8237_pair {
    struct dev dev;
    struct i8237_chip chip[2]; /* channels 0..3 (bytes), 4..7 (words) */
    uint8_t page[16];          /* ports 80..8f */
    struct region page_ports;
    bool running;  /* inside a transfer */
    uint8_t asked; /* channels that wait for service */
};

extern const struct dev_type i8237_type;

#endif
