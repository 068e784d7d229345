/* SPDX-License-Identifier: MIT */
/*
 * An ATA channel with its two devices: the task file and the protocols of
 * [ATA8] (ATA/ATAPI-8 ACS, [ATA6] for what later ones dropped), apart from
 * any bus. Who attaches it gives an interrupt wire and, for DMA, an engine.
 *
 * Not modelled: security (reported as not supported), HPA and DCO, NCQ,
 * device configuration overlays, CFA features, power-up in standby.
 */
#ifndef HW_ATA_ATA_H
#define HW_ATA_ATA_H

#include "block/drive.h"
#include "hw/core/machine.h"

enum { /* status */
       ATA_ERR = 1 << 0,
       ATA_DRQ = 1 << 3,
       ATA_DSC = 1 << 4, /* seek complete; SERV in PACKET commands */
       ATA_DF = 1 << 5,
       ATA_DRDY = 1 << 6,
       ATA_BSY = 1 << 7,
};

enum { /* error */
       ATA_AMNF = 1 << 0,
       ATA_TK0NF = 1 << 1,
       ATA_ABRT = 1 << 2,
       ATA_MCR = 1 << 3,
       ATA_IDNF = 1 << 4,
       ATA_MC = 1 << 5,
       ATA_UNC = 1 << 6,
       ATA_ICRC = 1 << 7,
};

enum { ATA_NIEN = 1 << 1, ATA_SRST = 1 << 2, ATA_HOB = 1 << 7 }; /* control */
enum { ATA_DEV = 1 << 4, ATA_LBA = 1 << 6 };                     /* device */

enum { /* interrupt reason of PACKET commands, in the count register */
       ATAPI_CD = 1 << 0,
       ATAPI_IO = 1 << 1,
};

enum {
    ATA_SECTOR = 512,
    ATA_TRIM_BLOCKS = 64,    /* most blocks of ranges to discard */
    ATA_MULTIPLE = 16,       /* most sectors of READ/WRITE MULTIPLE */
    ATA_BUFFER = 128 * 1024, /* PIO and packet data */
    ATA_PACKET = 12,
    CD_SECTOR = 2048,
    CD_RAW_SECTOR = 2352,
};

enum ata_kind { ATA_NONE, ATA_DISK, ATA_CDROM };

/* What the data port is good for, and what follows when it is done. */
enum ata_phase {
    ATA_IDLE,
    ATA_PIO_IN,      /* device to host, then done */
    ATA_PIO_READ,    /* the same; sectors of a read command follow */
    ATA_PIO_WRITE,   /* host to device: sectors of a write command */
    ATA_PACKET_OUT,  /* the 12 bytes of a packet */
    ATA_PACKET_IN,   /* data of a packet command, in chunks */
    ATA_PACKET_DATA, /* parameter list of a packet command */
    ATA_WAIT_DMA,    /* a DMA command waits for the engine to start */
    ATA_PIO_OUT,     /* host to device, then done */
};

struct ata_channel;

struct ata_geometry {
    uint32_t cyls, heads, secs;
};

struct ata_dev {
    struct ata_channel *channel;
    enum ata_kind kind;
    struct drive *drive;
    uint64_t sectors;             /* of the medium; 2048-byte ones on a CD */
    struct ata_geometry geo, cur; /* default, and as set by command 91h */
    char serial[21], model[41], version[9];
    uint64_t wwn;

    /* The task file: each device latches what is written. */
    uint8_t feature, error, count, lba_low, lba_mid, lba_high, device, status;
    uint8_t hob_feature, hob_count, hob_low, hob_mid, hob_high;
    uint8_t multiple;  /* sectors a block, 0 = off */
    uint8_t xfer_mode; /* as set by SET FEATURES 03h */
    bool write_cache, read_ahead, smart, standby, acoustic;

    /* A command in progress. */
    uint8_t command;
    uint8_t phase; /* enum ata_phase */
    bool lba48, dma, dma_write;
    bool busy;         /* a request is with the drive's workers */
    uint64_t lba;      /* next sector */
    uint32_t left;     /* sectors still to move */
    uint32_t pos, end; /* in buf, of the data port */
    uint32_t block;    /* sectors in this PIO block */
    uint8_t buf[ATA_BUFFER];
    GArray *iov; /* struct iovec, of a DMA transfer */
    struct iovec pio_iov;
    struct drive_req req;

    /* PACKET */
    uint8_t packet[ATA_PACKET];
    uint32_t packet_left; /* bytes of buf not yet shown at the port */
    uint16_t byte_limit;
    uint32_t cd_sector_size;
    uint8_t sense_key, asc, ascq;
    bool tray_open, tray_locked;
    bool unit_attention; /* pending: medium may have changed */
    uint8_t media_event; /* of GET EVENT STATUS NOTIFICATION */
};

/*
 * The DMA engine of a channel, if it has one. ready: the device wants data
 * moved; the engine calls ata_dma_run() when it is started (at once, if it
 * is). map: the next piece of host memory; a length of 0 ends the list.
 */
struct ata_dma_ops {
    void (*ready)(void *opaque, bool to_memory);
    /* Appends up to `len` bytes of guest memory to iov. Returns how many;
     * fewer where the guest's list is shorter. */
    uint64_t (*map)(void *opaque, GArray *iov, uint64_t len, bool to_memory);
    /* Bytes were moved; marks guest memory as written. `more`: the list had
     * room left. */
    void (*done)(void *opaque, uint64_t bytes, bool error);
    void (*cancel)(void *opaque);
};

struct ata_channel {
    struct machine *machine;
    struct bus *bus; /* "ide.0": where ide-hd and ide-cd plug in */
    struct ata_dev dev[2];
    uint8_t control;
    uint8_t selected;
    bool irq_pending;
    struct wire irq;
    const struct ata_dma_ops *dma;
    void *dma_opaque;
};

/* Saved state of a channel at member `c` of a device, names begin with `n`. */
/* clang-format off */
#define ATA_DEV_STATE(t, d, n) \
    FIELD_AS(t, d.feature, n "feature"), FIELD_AS(t, d.error, n "error"), \
    FIELD_AS(t, d.count, n "count"), FIELD_AS(t, d.lba_low, n "lba_low"), \
    FIELD_AS(t, d.lba_mid, n "lba_mid"), \
    FIELD_AS(t, d.lba_high, n "lba_high"), \
    FIELD_AS(t, d.device, n "device"), FIELD_AS(t, d.status, n "status"), \
    FIELD_AS(t, d.hob_feature, n "hob_feature"), \
    FIELD_AS(t, d.hob_count, n "hob_count"), \
    FIELD_AS(t, d.hob_low, n "hob_low"), FIELD_AS(t, d.hob_mid, n "hob_mid"), \
    FIELD_AS(t, d.hob_high, n "hob_high"), \
    FIELD_AS(t, d.multiple, n "multiple"), \
    FIELD_AS(t, d.xfer_mode, n "xfer_mode"), \
    FIELD_AS(t, d.write_cache, n "write_cache"), \
    FIELD_AS(t, d.read_ahead, n "read_ahead"), \
    FIELD_AS(t, d.smart, n "smart"), FIELD_AS(t, d.standby, n "standby"), \
    FIELD_AS(t, d.command, n "command"), FIELD_AS(t, d.phase, n "phase"), \
    FIELD_AS(t, d.lba48, n "lba48"), FIELD_AS(t, d.dma, n "dma"), \
    FIELD_AS(t, d.dma_write, n "dma_write"), FIELD_AS(t, d.lba, n "lba"), \
    FIELD_AS(t, d.left, n "left"), FIELD_AS(t, d.pos, n "pos"), \
    FIELD_AS(t, d.end, n "end"), FIELD_AS(t, d.block, n "block"), \
    FIELD_AS(t, d.cur.cyls, n "cyls"), FIELD_AS(t, d.cur.heads, n "heads"), \
    FIELD_AS(t, d.cur.secs, n "secs"), \
    FIELD_AS(t, d.packet_left, n "packet_left"), \
    FIELD_AS(t, d.byte_limit, n "byte_limit"), \
    FIELD_AS(t, d.cd_sector_size, n "cd_sector_size"), \
    FIELD_AS(t, d.sense_key, n "sense_key"), FIELD_AS(t, d.asc, n "asc"), \
    FIELD_AS(t, d.ascq, n "ascq"), FIELD_AS(t, d.tray_open, n "tray_open"), \
    FIELD_AS(t, d.tray_locked, n "tray_locked"), \
    FIELD_AS(t, d.unit_attention, n "unit_attention"), \
    FIELD_AS(t, d.media_event, n "media_event"), \
    {.name = n "packet", .at = offsetof(t, d.packet), .count = ATA_PACKET, \
     .kind = K_U8}, \
    {.name = n "buf", .at = offsetof(t, d.buf), .count = ATA_BUFFER, \
     .kind = K_U8}
#define ATA_CHANNEL_STATE(t, c, n) \
    FIELD_AS(t, c.control, n "control"), \
    FIELD_AS(t, c.selected, n "selected"), \
    FIELD_AS(t, c.irq_pending, n "irq_pending"), \
    ATA_DEV_STATE(t, c.dev[0], n "d0."), ATA_DEV_STATE(t, c.dev[1], n "d1.")
/* clang-format on */

/* Is a loaded state one that could be? To be called in check(). */
bool ata_channel_check(const struct ata_channel *c, GError **error);
void ata_channel_init(struct ata_channel *c, struct machine *m,
                      const char *bus_name, struct dev *parent);
void ata_channel_clear(struct ata_channel *c);
void ata_channel_reset(struct ata_channel *c);  /* power-on */
void ata_channel_settle(struct ata_channel *c); /* drives the wire */

/* The command block at offsets 0..7 (0 = data port, 16 or 32 bits), and the
 * control block's one register. */
uint32_t ata_read(struct ata_channel *c, unsigned at, unsigned size);
void ata_write(struct ata_channel *c, unsigned at, unsigned size,
               uint32_t value);
uint8_t ata_alt_status(struct ata_channel *c);
void ata_control(struct ata_channel *c, uint8_t value);
/* The engine was started: move the data that ready() announced. */
void ata_dma_run(struct ata_channel *c);

/* --- between the files of this folder --- */
static inline struct ata_dev *ata_selected(struct ata_channel *c)
{
    return &c->dev[c->selected];
}

void ata_irq(struct ata_dev *d);
void ata_done(struct ata_dev *d);                /* success, interrupt */
void ata_fail(struct ata_dev *d, uint8_t error); /* ERR, interrupt */
void ata_signature(struct ata_dev *d);
/* Ends what is under way, without an answer: waits for the drive. */
void ata_abandon(struct ata_dev *d);
/* Shows buf[0..len) at the data port. */
void ata_pio_in(struct ata_dev *d, enum ata_phase phase, uint32_t len);
void ata_pio_out(struct ata_dev *d, enum ata_phase phase, uint32_t len);
/* Submits a request over `iov`; done is called with the lock held. */
void ata_submit(struct ata_dev *d, enum drive_op op, uint64_t offset,
                uint64_t len, struct iovec *iov, unsigned iov_count,
                void (*done)(struct drive_req *req, int error));
void ata_dma_start(struct ata_dev *d, bool write);
void ata_command(struct ata_dev *d, uint8_t command); /* ata_cmd.c */
void ata_block_done(struct ata_dev *d); /* the data port's block is through */
void ata_dma_transfer(struct ata_dev *d);
void ata_identify(struct ata_dev *d, uint8_t *out);        /* ata_identify.c */
void ata_identify_packet(struct ata_dev *d, uint8_t *out); /* likewise */
bool ata_smart(struct ata_dev *d);                         /* ata_smart.c */
void atapi_packet(struct ata_dev *d);                      /* atapi.c */
void atapi_data_in_next(struct ata_dev *d);
void atapi_data_out(struct ata_dev *d);
void atapi_dma_transfer(struct ata_dev *d);
void atapi_media_changed(struct ata_dev *d);
void atapi_reset(struct ata_dev *d);

#endif
