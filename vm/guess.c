/* SPDX-License-Identifier: MIT */
#include "vm/guess.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 0x9000, MULTIBOOT_SEARCH = 8192 };

struct file {
    uint8_t *head; /* the first bytes */
    size_t len;    /* of head */
    uint64_t size;
};

static bool is_linux(const struct file *f)
{
    return f->len > 0x206 && memcmp(f->head + 0x202, "HdrS", 4) == 0;
}

static bool is_elf(const struct file *f)
{
    return f->len > 4 && memcmp(f->head, "\177ELF", 4) == 0;
}

static bool is_multiboot(const struct file *f)
{
    for (size_t i = 0; i + 4 <= MIN(f->len, (size_t)MULTIBOOT_SEARCH); i += 4) {
        if (ldl_u32(f->head + i) == 0x1badb002) {
            return true;
        }
    }
    return false;
}

static bool is_kernel(const struct file *f)
{
    return is_linux(f) || is_elf(f) || is_multiboot(f);
}

/* [ISO9660] 6.7: a descriptor in sector 16. An image that is a disk as well
 * ("hybrid") is a CD all the same. */
static bool is_cd(const struct file *f)
{
    return f->len >= 0x8006 && memcmp(f->head + 0x8001, "CD001", 5) == 0;
}

static bool is_floppy(const struct file *f)
{
    static const uint32_t sizes[] = {160,  180,  320,  360,  400,  640,
                                     720,  800,  1200, 1440, 1600, 1680,
                                     1722, 1760, 2880, 3200};

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        if (f->size == (uint64_t)sizes[i] * 1024) {
            return true;
        }
    }
    return false;
}

static bool is_boot_sector(const struct file *f)
{
    return f->len >= 512 && f->head[510] == 0x55 && f->head[511] == 0xaa;
}

static bool is_device(const struct file *f)
{
    return f->size >= 512;
}

/* The first kind that fits; `option` takes the file. */
static const struct {
    bool (*is)(const struct file *f);
    const char *what;
    const char *option;
    const char *order; /* -boot, NULL = none */
} kinds[] = {
    {is_kernel, "a kernel", "kernel", NULL},
    {is_cd, "a CD image", "cdrom", "d"},
    {is_floppy, "a floppy image", "fda", "a"},
    {is_boot_sector, "a disk image", "hda", "c"},
    {is_device, "a disk image without a boot sector", "hda", "c"},
};

static bool file_read(struct file *f, const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0) {
        return fail_errno(error, "cannot open '%s'", path);
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        close(fd);
        return fail(error, "'%s' is neither a file nor a block device", path);
    }
    f->head = g_malloc(HEAD);
    n = read(fd, f->head, HEAD);
    f->len = n > 0 ? (size_t)n : 0;
    f->size = S_ISBLK(st.st_mode) ? UINT64_MAX : (uint64_t)st.st_size;
    close(fd);
    return true;
}

bool guess_apply(struct config *c, char **why, GError **error)
{
    struct file f = {0};
    bool ok = false;

    *why = NULL;
    if (!c->file) {
        return true;
    }
    if (!file_read(&f, c->file, error)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && !ok; i++) {
        if (kinds[i].is(&f)) {
            ok = config_set(c, kinds[i].option, c->file, error) &&
                 (!kinds[i].order || c->boot ||
                  config_set(c, "boot", kinds[i].order, error));
            *why = g_strdup_printf("'%s' is %s", c->file, kinds[i].what);
            break;
        }
    }
    g_free(f.head);
    return ok || fail(error,
                      "'%s' is nothing that boots: neither a kernel nor a "
                      "disk, floppy or CD image",
                      c->file);
}

static void explain_option(void *opaque, const char *name, const char *value)
{
    GString *s = opaque;
    g_autofree char *quoted = value ? g_shell_quote(value) : NULL;

    g_string_append_printf(s, " -%s%s%s", name, value ? " " : "",
                           value ? quoted : "");
}

char *guess_explain(const char *program, const struct config *c,
                    const char *why)
{
    GString *s = g_string_new("");

    if (why) {
        g_string_append_printf(s, "# %s\n", why);
    }
    g_string_append(s, program);
    config_each(c, explain_option, s);
    g_string_append_c(s, '\n');
    return g_string_free(s, FALSE);
}
