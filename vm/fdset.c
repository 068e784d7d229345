/* SPDX-License-Identifier: MIT */
/*
 * Not modelled: descriptors are opened again through /proc/self/fd, so the
 * process must still be allowed to open the file itself.
 */
#include "vm/fdset.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static void entry_clear(gpointer data)
{
    struct fdset_entry *e = data;

    close(e->fd);
    g_free(e->opaque);
}

static void named_close(gpointer data)
{
    close(GPOINTER_TO_INT(data));
}

struct fdsets *fdsets_new(void)
{
    struct fdsets *f = g_new0(struct fdsets, 1);

    f->entries = g_array_new(FALSE, FALSE, sizeof(struct fdset_entry));
    g_array_set_clear_func(f->entries, entry_clear);
    f->named =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, named_close);
    return f;
}

void fdsets_free(struct fdsets *f)
{
    g_array_free(f->entries, TRUE);
    g_hash_table_destroy(f->named);
    g_free(f);
}

static struct fdset_entry *entry_at(const struct fdsets *f, guint i)
{
    return &g_array_index(f->entries, struct fdset_entry, i);
}

/* The index where entries of a set begin, or would. */
static guint set_start(const struct fdsets *f, int64_t set)
{
    guint i = 0;

    while (i < f->entries->len && entry_at(f, i)->set < set) {
        i++;
    }
    return i;
}

static int64_t free_set(const struct fdsets *f)
{
    int64_t set = 0;

    for (guint i = 0; i < f->entries->len; i++) {
        if (entry_at(f, i)->set == set) {
            set++;
        }
    }
    return set;
}

bool fdsets_add(struct fdsets *f, int fd, int64_t *set, const char *opaque,
                GError **error)
{
    struct fdset_entry e = {.fd = fd};

    if (f->entries->len >= 1024) {
        close(fd);
        return fail(error, "too many file descriptors");
    }
    if (*set < 0) {
        *set = free_set(f);
    }
    e.set = *set;
    e.opaque = g_strdup(opaque);
    g_array_insert_val(f->entries, set_start(f, e.set + 1), e);
    return true;
}

bool fdsets_remove(struct fdsets *f, int64_t set, int fd, GError **error)
{
    bool found = false;

    for (guint i = f->entries->len; i-- > 0;) {
        struct fdset_entry *e = entry_at(f, i);

        if (e->set == set && (fd < 0 || e->fd == fd)) {
            g_array_remove_index(f->entries, i);
            found = true;
        }
    }
    if (!found && fd >= 0) {
        return fail(error,
                    "File descriptor named 'fdset-id:%" G_GINT64_FORMAT
                    ", fd:%d' not found",
                    set, fd);
    }
    return found || fail(error,
                         "File descriptor named 'fdset-id:%" G_GINT64_FORMAT
                         "' not found",
                         set);
}

static bool fd_fits(int fd, bool write)
{
    int mode = fcntl(fd, F_GETFL) & O_ACCMODE;

    return mode == O_RDWR || mode == (write ? O_WRONLY : O_RDONLY);
}

char *fdsets_resolve(const struct fdsets *f, const char *name, bool write,
                     GError **error)
{
    uint64_t set;

    if (!g_str_has_prefix(name, "/dev/fdset/")) {
        return g_strdup(name);
    }
    if (!text_to_uint(name + strlen("/dev/fdset/"), INT64_MAX, &set)) {
        fail(error, "'%s' is no file descriptor set", name);
        return NULL;
    }
    for (guint i = set_start(f, (int64_t)set); i < f->entries->len; i++) {
        const struct fdset_entry *e = entry_at(f, i);

        if (e->set == (int64_t)set && fd_fits(e->fd, write)) {
            return g_strdup_printf("/proc/self/fd/%d", e->fd);
        }
    }
    fail(error, "'%s' holds no descriptor open for %s", name,
         write ? "writing" : "reading");
    return NULL;
}

void fdsets_name(struct fdsets *f, const char *name, int fd)
{
    g_hash_table_replace(f->named, g_strdup(name), GINT_TO_POINTER(fd));
}

bool fdsets_close_name(struct fdsets *f, const char *name, GError **error)
{
    return g_hash_table_remove(f->named, name) ||
           fail(error, "File descriptor named '%s' not found", name);
}
