/* SPDX-License-Identifier: MIT */
/*
 * Saved in the middle of something, loaded into another machine, both go on:
 * what they read must be the same, and so must their states at the end.
 */
#include <string.h>

#include "tests/fuzz/box.h"

enum op { END, OUT8, OUT16, OUT32, IN8, IN16, IN32, RAM32, STEP, SERVE, SAVE };

struct step {
    enum op op;
    uint32_t at;    /* port or address; STEP: microseconds */
    uint32_t value; /* IN: how often */
};

static const struct step ata_half_sector[] = {
    {OUT8, 0x1f6, 0xe0}, {OUT8, 0x1f2, 2},   {OUT8, 0x1f3, 9},
    {OUT8, 0x1f4, 0},    {OUT8, 0x1f5, 0},   {OUT8, 0x1f7, 0x20},
    {SERVE, 0, 0},       {IN16, 0x1f0, 100}, {SAVE, 0, 0},
    {IN16, 0x1f0, 156},  {SERVE, 0, 0},      {IN8, 0x1f7, 1},
    {IN16, 0x1f0, 256},  {IN8, 0x1f7, 1},    {END, 0, 0},
};

static const struct step ata_half_write[] = {
    {OUT8, 0x1f6, 0xe0}, {OUT8, 0x1f2, 1},       {OUT8, 0x1f3, 3},
    {OUT8, 0x1f4, 0},    {OUT8, 0x1f5, 0},       {OUT8, 0x1f7, 0x30},
    {SERVE, 0, 0},       {OUT32, 0x1f0, 0x1234}, {OUT32, 0x1f0, 0x5678},
    {SAVE, 0, 0},        {IN8, 0x1f7, 1},        {OUT8, 0x3f6, 4},
    {OUT8, 0x3f6, 0},    {IN8, 0x1f7, 1},        {IN8, 0x1f1, 1},
    {END, 0, 0},
};

/* READ DMA waits for the engine; the list is in memory. */
static const struct step ata_dma_waits[] = {
    {RAM32, 0x1000, 0x2000},
    {RAM32, 0x1004, 0x80000400},
    {OUT32, 0xc004, 0x1000},
    {OUT8, 0x1f6, 0xe0},
    {OUT8, 0x1f2, 2},
    {OUT8, 0x1f3, 5},
    {OUT8, 0x1f4, 0},
    {OUT8, 0x1f5, 0},
    {OUT8, 0x1f7, 0xc8},
    {SERVE, 0, 0},
    {SAVE, 0, 0},
    {OUT8, 0xc000, 9},
    {SERVE, 0, 0},
    {IN8, 0xc002, 1},
    {IN8, 0x1f7, 1},
    {END, 0, 0},
};

/* INQUIRY: half of the packet sent; then half of the answer taken. */
static const struct step atapi_half_packet[] = {
    {OUT8, 0x176, 0xa0}, {OUT8, 0x174, 36},  {OUT8, 0x175, 0},
    {OUT8, 0x177, 0xa0}, {SERVE, 0, 0},      {OUT16, 0x170, 0x12},
    {OUT16, 0x170, 0},   {OUT16, 0x170, 36}, {SAVE, 0, 0},
    {OUT16, 0x170, 0},   {OUT16, 0x170, 0},  {OUT16, 0x170, 0},
    {SERVE, 0, 0},       {IN8, 0x177, 1},    {IN16, 0x170, 18},
    {IN8, 0x177, 1},     {END, 0, 0},
};

static const struct step atapi_half_answer[] = {
    {OUT8, 0x176, 0xa0}, {OUT8, 0x174, 36},  {OUT8, 0x175, 0},
    {OUT8, 0x177, 0xa0}, {SERVE, 0, 0},      {OUT16, 0x170, 0x12},
    {OUT16, 0x170, 0},   {OUT16, 0x170, 36}, {OUT16, 0x170, 0},
    {OUT16, 0x170, 0},   {OUT16, 0x170, 0},  {SERVE, 0, 0},
    {IN16, 0x170, 7},    {SAVE, 0, 0},       {IN16, 0x170, 11},
    {IN8, 0x177, 1},     {END, 0, 0},
};

#define FDC_UP                                                                \
    {OUT8, 0x3f2, 0}, {OUT8, 0x3f2, 0x1c}, {STEP, 1000, 0}, {OUT8, 0x3f7, 0}, \
        {OUT8, 0x3f5, 3}, {OUT8, 0x3f5, 0xdf},                                \
    {                                                                         \
        OUT8, 0x3f5, 3                                                        \
    }
#define FDC_READ                                                               \
    {OUT8, 0x3f5, 0x46}, {OUT8, 0x3f5, 0}, {OUT8, 0x3f5, 0}, {OUT8, 0x3f5, 0}, \
        {OUT8, 0x3f5, 4}, {OUT8, 0x3f5, 2}, {OUT8, 0x3f5, 4},                  \
        {OUT8, 0x3f5, 0x1b}, {OUT8, 0x3f5, 0xff},                              \
    {                                                                          \
        SERVE, 0, 0                                                            \
    }

static const struct step fdc_half_command[] = {
    FDC_UP,           {OUT8, 0x3f5, 0x0f}, {OUT8, 0x3f5, 0}, {SAVE, 0, 0},
    {OUT8, 0x3f5, 7}, {STEP, 500, 0},      {IN8, 0x3f4, 1},  {STEP, 100000, 0},
    {OUT8, 0x3f5, 8}, {IN8, 0x3f5, 2},     {END, 0, 0},
};

/* In the middle of a sector without DMA, and of the results. */
static const struct step fdc_half_data[] = {
    FDC_UP,          FDC_READ,          {IN8, 0x3f5, 200}, {SAVE, 0, 0},
    {IN8, 0x3f4, 1}, {IN8, 0x3f5, 312}, {SERVE, 0, 0},     {IN8, 0x3f4, 1},
    {IN8, 0x3f5, 7}, {IN8, 0x3f4, 1},   {END, 0, 0},
};
static const struct step fdc_half_result[] = {
    FDC_UP,          FDC_READ,     {IN8, 0x3f5, 512}, {SERVE, 0, 0},
    {IN8, 0x3f5, 3}, {SAVE, 0, 0}, {IN8, 0x3f4, 1},   {IN8, 0x3f5, 4},
    {IN8, 0x3f4, 1}, {END, 0, 0},
};

/* Reset polling is due; a seek is under way. */
static const struct step fdc_seeks[] = {
    FDC_UP,           {OUT8, 0x3f5, 0x0f}, {OUT8, 0x3f5, 0}, {OUT8, 0x3f5, 9},
    {STEP, 300, 0},   {SAVE, 0, 0},        {IN8, 0x3f4, 1},  {STEP, 90000, 0},
    {OUT8, 0x3f5, 8}, {IN8, 0x3f5, 2},     {END, 0, 0},
};

/* Two bytes of a palette entry; the attribute flip-flop between its halves. */
static const struct step vga_halves[] = {
    {OUT8, 0x3c2, 0x67}, {OUT8, 0x3c8, 5}, {OUT8, 0x3c9, 1},
    {OUT8, 0x3c9, 2},    {IN8, 0x3da, 1},  {OUT8, 0x3c0, 0x10},
    {SAVE, 0, 0},        {OUT8, 0x3c9, 3}, {OUT8, 0x3c0, 0x41},
    {OUT8, 0x3c0, 0x10}, {IN8, 0x3c1, 1},  {OUT8, 0x3c7, 5},
    {IN8, 0x3c9, 3},     {STEP, 12345, 0}, {IN8, 0x3da, 3},
    {END, 0, 0},
};

/* A keyboard command that waits for its byte; answers in the queue. */
static const struct step ps2_halves[] = {
    {OUT8, 0x60, 0xf2}, {STEP, 2000, 0}, {OUT8, 0x64, 0xd4}, {SAVE, 0, 0},
    {OUT8, 0x60, 0xf2}, {STEP, 5000, 0}, {IN8, 0x64, 1},     {IN8, 0x60, 1},
    {STEP, 5000, 0},    {IN8, 0x64, 1},  {IN8, 0x60, 1},     {STEP, 5000, 0},
    {IN8, 0x60, 2},     {STEP, 5000, 0}, {IN8, 0x60, 1},     {END, 0, 0},
};
static const struct step ps2_waits[] = {
    {OUT8, 0x60, 0xed}, {STEP, 2000, 0}, {IN8, 0x60, 1}, {SAVE, 0, 0},
    {OUT8, 0x60, 7},    {STEP, 2000, 0}, {IN8, 0x60, 1}, {OUT8, 0x60, 0xf0},
    {STEP, 2000, 0},    {IN8, 0x60, 1},  {END, 0, 0},
};

/* A latched count of which one byte is read; a count half written. */
static const struct step pit_halves[] = {
    {OUT8, 0x43, 0x34}, {OUT8, 0x40, 0x34}, {OUT8, 0x40, 0x12},
    {STEP, 777, 0},     {OUT8, 0x43, 0},    {IN8, 0x40, 1},
    {OUT8, 0x43, 0xb6}, {OUT8, 0x42, 0x11}, {SAVE, 0, 0},
    {STEP, 333, 0},     {IN8, 0x40, 1},     {OUT8, 0x42, 2},
    {STEP, 1000, 0},    {IN8, 0x40, 2},     {IN8, 0x42, 2},
    {IN8, 0x61, 1},     {END, 0, 0},
};

/* Half an ICW sequence; a poll; an interrupt in service. */
static const struct step pic_halves[] = {
    {OUT8, 0x20, 0x11}, {OUT8, 0x21, 8},    {SAVE, 0, 0},   {OUT8, 0x21, 4},
    {OUT8, 0x21, 1},    {OUT8, 0x21, 0xa5}, {IN8, 0x21, 1}, {OUT8, 0x20, 0x0a},
    {IN8, 0x20, 1},     {END, 0, 0},
};

/* The flip-flop of the DMA controller; an fw_cfg item half read. */
static const struct step dma_halves[] = {
    {OUT8, 0x0c, 0}, {OUT8, 0x04, 0x34}, {SAVE, 0, 0},   {OUT8, 0x04, 0x12},
    {IN8, 0x04, 2},  {OUT8, 0x05, 0xff}, {IN8, 0x05, 2}, {END, 0, 0},
};
static const struct step fw_cfg_half[] = {
    {OUT16, 0x510, 0x19}, {IN8, 0x511, 21}, {SAVE, 0, 0},
    {IN8, 0x511, 40},     {END, 0, 0},
};

/* A configuration address of which the data comes later; the RTC's index. */
static const struct step config_half[] = {
    {OUT32, 0xcf8, 0x80000808},
    {OUT8, 0x70, 0x0a},
    {SAVE, 0, 0},
    {IN32, 0xcfc, 1},
    {IN8, 0x71, 1},
    {STEP, 900000, 0},
    {IN8, 0x71, 1},
    {END, 0, 0},
};

/* A FIFO with bytes on their way out; the divisor latch open. */
static const struct step uart_halves[] = {
    {OUT8, 0x3fb, 0x83}, {OUT8, 0x3f8, 12}, {SAVE, 0, 0},     {OUT8, 0x3f9, 0},
    {IN8, 0x3f8, 1},     {OUT8, 0x3fb, 3},  {OUT8, 0x3fa, 7}, {OUT8, 0x3f9, 2},
    {OUT8, 0x3f8, 'x'},  {IN8, 0x3fa, 1},   {STEP, 3000, 0},  {IN8, 0x3fd, 1},
    {IN8, 0x3fa, 1},     {END, 0, 0},
};

static uint64_t run_step(struct box *b, const struct step *s, unsigned n)
{
    struct machine *m = &b->vm.machine;

    switch (s->op) {
    case OUT8: space_write(&m->ports, s->at, 1, s->value); break;
    case OUT16: space_write(&m->ports, s->at, 2, s->value); break;
    case OUT32: space_write(&m->ports, s->at, 4, s->value); break;
    case IN8: return space_read(&m->ports, s->at, 1);
    case IN16: return space_read(&m->ports, s->at, 2);
    case IN32: return space_read(&m->ports, s->at, 4);
    case RAM32: space_write(&m->memory, s->at, 4, s->value); break;
    case STEP: box_step(b, s->at * NS_PER_US); break;
    default: box_serve(b); break;
    }
    return 0;
}

static struct box *copy(struct box *a)
{
    g_autoptr(GByteArray) x = box_save(a);
    g_autoptr(GByteArray) y = NULL;
    struct box *b = box_new("pc");
    GError *error = NULL;

    box_copy_memory(b, a);
    box_load(b, x, &error);
    g_assert_no_error(error);
    y = box_save(b);
    box_compare(a, x, y, "after the load");
    return b;
}

static void run(gconstpointer data)
{
    const struct step *s = data;
    struct box *a = box_new("pc");
    struct box *b = NULL;
    g_autoptr(GByteArray) x = NULL;
    g_autoptr(GByteArray) y = NULL;

    for (; s->op; s++) {
        bool reads = s->op >= IN8 && s->op <= IN32;

        if (s->op == SAVE) {
            b = copy(a);
            continue;
        }
        for (unsigned n = reads ? s->value : 1; n; n--) {
            uint64_t v = run_step(a, s, n);

            if (b) {
                g_assert_cmphex(run_step(b, s, n), ==, v);
            }
        }
    }
    x = box_save(a);
    y = box_save(b);
    box_compare(a, x, y, "at the end");
    box_free(a);
    box_free(b);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        const struct step *steps;
    } rows[] = {
        {"ata-half-sector", ata_half_sector},
        {"ata-half-write", ata_half_write},
        {"ata-dma-waits", ata_dma_waits},
        {"atapi-half-packet", atapi_half_packet},
        {"atapi-half-answer", atapi_half_answer},
        {"fdc-half-command", fdc_half_command},
        {"fdc-half-data", fdc_half_data},
        {"fdc-half-result", fdc_half_result},
        {"fdc-seeks", fdc_seeks},
        {"vga", vga_halves},
        {"ps2", ps2_halves},
        {"ps2-waits", ps2_waits},
        {"pit", pit_halves},
        {"pic", pic_halves},
        {"dma", dma_halves},
        {"fw-cfg", fw_cfg_half},
        {"config", config_half},
        {"uart", uart_halves},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        g_autofree char *path = g_strdup_printf("/midway/%s", rows[i].name);

        g_test_add_data_func(path, rows[i].steps, run);
    }
    return g_test_run();
}
