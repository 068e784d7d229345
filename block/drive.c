/* SPDX-License-Identifier: MIT */
/*
 * Requests on their way: queued here with the machine lock held, run on the
 * drive's workers, completed with the lock held again: by the worker where the
 * lock is free, else on the main loop (a worker must not wait for the lock: who
 * holds it may wait for all workers). A read of what the host has in memory is
 * done at once, where the device allows it.
 */
#include "block/drive.h"

#include <errno.h>
#include <string.h>

enum { WORKERS = 4, NOW_MAX = 64 * 1024 };

/* What drive.h does not show. */
struct drive_private {
    struct drive drive;
    GThreadPool *pool;
    GAsyncQueue *done; /* struct drive_req, finished by a worker */
    GQueue *stalled;   /* likewise, by DRIVE_STOP */
};

static struct drive_private *private_of(struct drive *d)
{
    return container_of(d, struct drive_private, drive);
}

static enum drive_policy drive_action(const struct drive *d,
                                      const struct drive_req *req)
{
    enum drive_policy p =
        req->op == DRIVE_READ ? d->on_read_error : d->on_write_error;

    if (req->refused) {
        return DRIVE_REPORT;
    }
    if (p == DRIVE_ENOSPC) {
        return req->error == ENOSPC ? DRIVE_STOP : DRIVE_REPORT;
    }
    return p;
}

static void drive_complete(struct drive *d, struct drive_req *req)
{
    enum drive_policy action = DRIVE_REPORT;

    d->in_flight--;
    if (req->error) {
        action = drive_action(d, req);
        if (d->failed) {
            d->failed(d->failed_opaque, d, req->op != DRIVE_READ, req->error,
                      action);
        }
    }
    if (action == DRIVE_STOP) {
        d->stalled_by = req->error;
        g_queue_push_tail(private_of(d)->stalled, req);
    } else {
        req->done(req, action == DRIVE_IGNORE ? 0 : req->error);
    }
}

/* On a worker or the main loop. */
static gboolean drive_dispatch(gpointer data)
{
    struct drive *d = data;
    struct drive_req *req;

    lock_enter(d->lock);
    while ((req = g_async_queue_try_pop(private_of(d)->done))) {
        drive_complete(d, req);
    }
    lock_leave(d->lock);
    return G_SOURCE_REMOVE;
}

static int drive_run(struct image *img, const struct drive_req *req)
{
    switch (req->op) {
    case DRIVE_READ:
        return img->ops->read(img, req->offset, req->iov, req->iov_count);
    case DRIVE_WRITE:
        return img->ops->write(img, req->offset, req->iov, req->iov_count);
    case DRIVE_FLUSH: return img->ops->flush(img);
    case DRIVE_ZERO: return img->ops->zero(img, req->offset, req->len);
    default: return img->ops->discard(img, req->offset, req->len);
    }
}

/* A worker. */
static void drive_work(gpointer data, gpointer user)
{
    struct drive_req *req = data;
    struct drive_private *p = user;

    req->error = drive_run(p->drive.image, req);
    g_async_queue_push(p->done, req);
    if (lock_try(p->drive.lock)) {
        drive_dispatch(&p->drive);
        lock_leave(p->drive.lock);
    } else {
        g_main_context_invoke_full(NULL, G_PRIORITY_HIGH, drive_dispatch,
                                   &p->drive, NULL);
    }
}

static void drive_count(struct drive *d, const struct drive_req *req)
{
    switch (req->op) {
    case DRIVE_READ:
        d->rd_ops++;
        d->rd_bytes += req->len;
        break;
    case DRIVE_WRITE:
        d->wr_ops++;
        d->wr_bytes += req->len;
        break;
    case DRIVE_FLUSH: d->flush_ops++; break;
    case DRIVE_DISCARD:
    case DRIVE_ZERO: break;
    }
}

static int drive_check(const struct drive *d, const struct drive_req *req)
{
    if (!d->image) {
        return ENOMEDIUM;
    }
    if (req->op == DRIVE_FLUSH) {
        return 0;
    }
    if (req->offset > d->image->size ||
        req->len > d->image->size - req->offset) {
        return EINVAL;
    }
    return req->op != DRIVE_READ && (d->readonly || d->image->readonly) ? EROFS
                                                                        : 0;
}

/* Done already? */
static bool drive_run_now(struct drive *d, struct drive_req *req)
{
    struct image *img = d->image;
    int error;

    if (!req->at_once || req->op != DRIVE_READ || req->len > NOW_MAX ||
        !img->ops->read_now) {
        return false;
    }
    error = img->ops->read_now(img, req->offset, req->iov, req->iov_count);
    if (error) { /* a worker says what is the matter */
        return false;
    }
    drive_complete(d, req);
    return true;
}

void drive_submit(struct drive *d, struct drive_req *req)
{
    struct drive_private *p = private_of(d);

    assert(lock_held(d->lock));
    req->drive = d;
    req->error = drive_check(d, req);
    req->refused = req->error;
    d->in_flight++;
    if (req->error) {
        g_async_queue_push(p->done, req);
        g_idle_add_full(G_PRIORITY_HIGH, drive_dispatch, d, NULL);
        return;
    }
    drive_count(d, req);
    if (!drive_run_now(d, req)) {
        g_thread_pool_push(p->pool, req, NULL);
    }
}

void drive_quiesce(struct drive *d)
{
    assert(lock_held(d->lock));
    while (d->in_flight) {
        drive_complete(d, g_async_queue_pop(private_of(d)->done));
    }
}

void drive_drain(struct drive *d)
{
    struct drive_req *req;

    do {
        drive_quiesce(d);
        req = g_queue_pop_head(private_of(d)->stalled);
        if (req) {
            req->done(req, req->error);
        }
    } while (req || d->in_flight);
    d->stalled_by = 0;
}

void drive_retry(struct drive *d)
{
    struct drive_req *req;

    assert(lock_held(d->lock));
    d->stalled_by = 0;
    while ((req = g_queue_pop_head(private_of(d)->stalled))) {
        d->in_flight++;
        req->error = 0;
        g_thread_pool_push(private_of(d)->pool, req, NULL);
    }
}

bool drive_parse_policy(enum drive_policy *policy, const char *text, bool write,
                        GError **error)
{
    static const char *const names[] = {[DRIVE_REPORT] = "report",
                                        [DRIVE_IGNORE] = "ignore",
                                        [DRIVE_STOP] = "stop",
                                        [DRIVE_ENOSPC] = "enospc"};

    if (!text || strcmp(text, "auto") == 0) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(names) - !write; i++) {
        if (strcmp(text, names[i]) == 0) {
            *policy = (enum drive_policy)i;
            return true;
        }
    }
    return fail(error, "%s=%s: want report, ignore%s or stop",
                write ? "werror" : "rerror", text, write ? ", enospc" : "");
}

uint64_t drive_size(const struct drive *d)
{
    return d->image ? d->image->size : 0;
}

bool drive_attach(struct drive *d, const struct drive_front *front,
                  GError **error)
{
    if (d->attached) {
        return fail(error, "drive '%s' is in use by another device", d->id);
    }
    d->attached = true;
    d->front = *front;
    return true;
}

void drive_detach(struct drive *d)
{
    drive_drain(d);
    d->attached = false;
    d->front = (struct drive_front){0};
}

struct drive *drive_new(const char *id, struct lock *lock)
{
    struct drive_private *p = g_new0(struct drive_private, 1);

    p->drive.id = g_strdup(id);
    p->drive.lock = lock;
    p->drive.on_write_error = DRIVE_ENOSPC;
    p->done = g_async_queue_new();
    p->stalled = g_queue_new();
    p->pool = g_thread_pool_new(drive_work, p, WORKERS, FALSE, NULL);
    return &p->drive;
}

void drive_free(struct drive *d)
{
    struct drive_private *p = private_of(d);

    lock_enter(d->lock);
    drive_drain(d);
    lock_leave(d->lock);
    g_thread_pool_free(p->pool, FALSE, TRUE);
    while (g_idle_remove_by_data(d)) {
        /* wake-ups that have nothing left to do */
    }
    image_close(d->image);
    g_async_queue_unref(p->done);
    g_queue_free(p->stalled);
    g_free(d->id);
    g_free(d->serial);
    g_free(p);
}

void drive_set_image(struct drive *d, struct image *image)
{
    drive_drain(d);
    image_close(d->image);
    d->image = image;
    if (d->front.changed) {
        d->front.changed(d->front.opaque);
    }
}
