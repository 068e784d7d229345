/* SPDX-License-Identifier: MIT */
/* What follows errors of the host: rerror= and werror=. */
#include "hw/core/state.h"
#include "tests/unit/hw_test.h"
#include "tests/unit/mem_disk.h"

struct box {
    struct machine m;
    struct drive *d;
    struct drive_req req;
    struct iovec iov;
    uint8_t buf[512];
    int done;  /* calls */
    int error; /* of the last one */
    int failed;
    enum drive_policy action;
};

static void on_done(struct drive_req *req, int error)
{
    struct box *b = req->opaque;

    b->done++;
    b->error = error;
}

static void on_failed(void *opaque, const struct drive *d, bool write,
                      int error, enum drive_policy action)
{
    struct box *b = opaque;

    b->failed++;
    b->action = action;
}

static void box_init(struct box *b)
{
    memset((void *)b, 0, sizeof(*b));
    hw_test_init(&b->m);
    b->d = mem_drive(&b->m, "d", 8192);
    b->d->failed = on_failed;
    b->d->failed_opaque = b;
    mem_disk_of(b->d)->bad_to = 512;
}

static void box_done(struct box *b)
{
    struct drive *const drives[] = {b->d, NULL};

    mem_drives_done(&b->m, drives);
}

static void submit(struct box *b, enum drive_op op, uint64_t offset)
{
    b->iov = (struct iovec){.iov_base = b->buf, .iov_len = sizeof(b->buf)};
    b->req = (struct drive_req){.op = op,
                                .offset = offset,
                                .len = sizeof(b->buf),
                                .iov = &b->iov,
                                .iov_count = 1,
                                .done = on_done,
                                .opaque = b};
    drive_submit(b->d, &b->req);
}

static int read_now(struct image *img, uint64_t offset, const struct iovec *iov,
                    unsigned count)
{
    return offset >= 4096 ? EAGAIN : mem_disk_read(img, offset, iov, count);
}

/* What is in memory comes at once where the device allows it, and only then. */
static void test_at_once(void)
{
    struct image_ops ops;
    struct box b;

    box_init(&b);
    ops = *b.d->image->ops;
    ops.read_now = read_now;
    b.d->image->ops = &ops;
    submit(&b, DRIVE_READ, 1024);
    g_assert_cmpint(b.done, ==, 0); /* the lock is held: not before */
    drive_drain(b.d);
    g_assert_cmpint(b.done, ==, 1);
    b.req.at_once = true;
    drive_submit(b.d, &b.req);
    g_assert_cmpint(b.done, ==, 2);
    g_assert_cmpuint(b.d->in_flight, ==, 0);
    b.req.offset = 4096; /* not in memory: by a worker */
    drive_submit(b.d, &b.req);
    g_assert_cmpint(b.done, ==, 2);
    drive_drain(b.d);
    g_assert_cmpint(b.done, ==, 3);
    b.req.offset = 0; /* a bad sector: the worker tells of it */
    drive_submit(b.d, &b.req);
    drive_drain(b.d);
    g_assert_cmpint(b.done, ==, 4);
    g_assert_cmpint(b.error, ==, EIO);
    g_assert_cmpuint(b.d->rd_ops, ==, 4);
    box_done(&b);
}

static void test_report(void)
{
    struct box b;

    box_init(&b);
    submit(&b, DRIVE_READ, 0);
    drive_quiesce(b.d);
    g_assert_cmpint(b.done, ==, 1);
    g_assert_cmpint(b.error, ==, EIO);
    g_assert_cmpint(b.failed, ==, 1);
    g_assert_cmpint(b.action, ==, DRIVE_REPORT);
    submit(&b, DRIVE_WRITE, 0); /* enospc: this error is another one */
    drive_quiesce(b.d);
    g_assert_cmpint(b.error, ==, EIO);
    box_done(&b);
}

static void test_ignore(void)
{
    struct box b;

    box_init(&b);
    b.d->on_write_error = DRIVE_IGNORE;
    submit(&b, DRIVE_WRITE, 0);
    drive_quiesce(b.d);
    g_assert_cmpint(b.done, ==, 1);
    g_assert_cmpint(b.error, ==, 0);
    g_assert_cmpint(b.action, ==, DRIVE_IGNORE);
    box_done(&b);
}

/* The request waits until the disk is whole again, and then succeeds. */
static void test_stop(void)
{
    struct box b;

    box_init(&b);
    b.d->on_read_error = DRIVE_STOP;
    submit(&b, DRIVE_READ, 0);
    drive_quiesce(b.d);
    g_assert_cmpint(b.done, ==, 0);
    g_assert_cmpint(b.failed, ==, 1);
    g_assert_cmpint(b.action, ==, DRIVE_STOP);
    g_assert_cmpint(b.d->stalled_by, ==, EIO);
    drive_retry(b.d); /* too early */
    drive_quiesce(b.d);
    g_assert_cmpint(b.done, ==, 0);
    g_assert_cmpint(b.failed, ==, 2);
    mem_disk_of(b.d)->bad_to = 0;
    drive_retry(b.d);
    drive_quiesce(b.d);
    g_assert_cmpint(b.done, ==, 1);
    g_assert_cmpint(b.error, ==, 0);
    g_assert_cmpint(b.d->stalled_by, ==, 0);
    box_done(&b);
}

/* A reset or the end does not wait for anybody. */
static void test_drain(void)
{
    struct box b;

    box_init(&b);
    b.d->on_read_error = DRIVE_STOP;
    submit(&b, DRIVE_READ, 0);
    drive_drain(b.d);
    g_assert_cmpint(b.done, ==, 1);
    g_assert_cmpint(b.error, ==, EIO);
    box_done(&b);
}

/* What the device asked for wrongly is the guest's, whatever the policy. */
static void test_refused(void)
{
    struct box b;

    box_init(&b);
    b.d->on_read_error = b.d->on_write_error = DRIVE_STOP;
    submit(&b, DRIVE_READ, 8192);
    drive_quiesce(b.d);
    g_assert_cmpint(b.error, ==, EINVAL);
    b.d->readonly = true;
    submit(&b, DRIVE_WRITE, 4096);
    drive_quiesce(b.d);
    g_assert_cmpint(b.error, ==, EROFS);
    g_assert_cmpint(b.done, ==, 2);
    box_done(&b);
}

static void test_names(void)
{
    enum drive_policy p = DRIVE_REPORT;
    g_autoptr(GError) error = NULL;

    g_assert_true(drive_parse_policy(&p, "stop", false, NULL));
    g_assert_cmpint(p, ==, DRIVE_STOP);
    g_assert_true(drive_parse_policy(&p, NULL, false, NULL));
    g_assert_cmpint(p, ==, DRIVE_STOP);
    g_assert_true(drive_parse_policy(&p, "enospc", true, NULL));
    g_assert_cmpint(p, ==, DRIVE_ENOSPC);
    g_assert_false(drive_parse_policy(&p, "enospc", false, &error));
    g_assert_cmpstr(error->message, ==,
                    "rerror=enospc: want report, ignore or stop");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/drive/at-once", test_at_once);
    g_test_add_func("/drive/report", test_report);
    g_test_add_func("/drive/ignore", test_ignore);
    g_test_add_func("/drive/stop", test_stop);
    g_test_add_func("/drive/drain", test_drain);
    g_test_add_func("/drive/refused", test_refused);
    g_test_add_func("/drive/names", test_names);
    return g_test_run();
}
