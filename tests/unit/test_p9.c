/* SPDX-License-Identifier: MIT */
/* The file server: 9P2000.L on a folder, and ways out of it that are none. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "hw/virtio/p9.h"
#include "hw/virtio/p9_msg.h"

struct rig {
    char *top, *share;
    struct folder *f;
    struct p9 *s;
    uint8_t in[8192], out[8192];
    size_t len;          /* of the answer */
    struct p9_in answer; /* behind its header */
};

static void put_file(const struct rig *r, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(r->top, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Fields: '1' '2' '4' '8' numbers, 's' a string. The answer's type, or minus
 * the error. */
static int ask(struct rig *r, uint8_t type, const char *fields, ...)
{
    struct p9_out out = {.p = r->in, .at = P9_HEADER, .max = sizeof(r->in)};
    va_list args;

    va_start(args, fields);
    for (; *fields; fields++) {
        if (*fields == 's') {
            p9_put_string(&out, va_arg(args, const char *));
        } else if (*fields == '8') {
            p9_put(&out, va_arg(args, uint64_t), 8);
        } else {
            p9_put(&out, va_arg(args, unsigned), (size_t)(*fields - '0'));
        }
    }
    va_end(args);
    stl_u32(r->in, (uint32_t)out.at);
    r->in[4] = type;
    stl_u16(r->in + 5, 77);
    r->len = p9_run(r->s, r->in, out.at, r->out, sizeof(r->out));
    g_assert_cmpuint(r->len, >=, P9_HEADER);
    g_assert_cmpuint(ldl_u32(r->out), ==, r->len);
    g_assert_cmpuint(ldl_u16(r->out + 5), ==, 77);
    r->answer =
        (struct p9_in){.p = r->out + P9_HEADER, .left = r->len - P9_HEADER};
    return r->out[4] == 7 ? -(int)ldl_u32(r->out + P9_HEADER) : r->out[4];
}

static void rig_init(struct rig *r, enum folder_model model, bool readonly)
{
    GError *error = NULL;

    *r = (struct rig){.top = g_dir_make_tmp("rhea-p9-XXXXXX", NULL)};
    r->share = g_build_filename(r->top, "share", NULL);
    g_mkdir(r->share, 0700);
    put_file(r, "secret", "top");
    put_file(r, "share/hello", "hello, world");
    r->f = folder_new("f", r->share, model, readonly, &error);
    g_assert_no_error(error);
    r->s = p9_new(r->f);
    g_assert_cmpint(ask(r, 100, "4s", 8192, "9P2000.L"), ==, 101);
    g_assert_cmpint(ask(r, 104, "44ss4", 0, UINT32_MAX, "", "", getuid()), ==,
                    105);
    g_assert_cmphex(r->out[P9_HEADER], ==, 0x80); /* a folder */
}

static void rig_done(struct rig *r)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", r->top);

    p9_free(r->s);
    folder_free(r->f);
    g_assert_cmpint(system(command), ==, 0);
    g_free(r->share);
    g_free(r->top);
}

/* A copy of fid 0 is walked to a name. */
static int walk(struct rig *r, unsigned fid, const char *name)
{
    ask(r, 120, "4", fid);
    return ask(r, 110, "442s", 0, fid, 1, name);
}

static void test_read(void)
{
    struct rig r;

    rig_init(&r, FOLDER_NONE, false);
    g_assert_cmpint(walk(&r, 1, "hello"), ==, 111);
    g_assert_cmpint(walk(&r, 2, "nothing"), ==, -ENOENT);
    g_assert_cmpint(ask(&r, 116, "484", 1, UINT64_C(0), 100), ==, -EBADF);
    g_assert_cmpint(ask(&r, 12, "44", 1, 0), ==, 13);
    g_assert_cmpint(ask(&r, 116, "484", 1, UINT64_C(7), 100), ==, 117);
    g_assert_cmpuint(p9_get32(&r.answer), ==, 5);
    g_assert_cmpmem(r.answer.p, r.answer.left, "world", 5);
    g_assert_cmpint(ask(&r, 116, "484", 1, UINT64_MAX, 100), ==, -EINVAL);
    g_assert_cmpint(ask(&r, 116, "484", 1, UINT64_C(0), UINT32_MAX), ==, 117);
    g_assert_cmpint(ask(&r, 24, "48", 1, UINT64_C(0x7ff)), ==, 25);
    g_assert_cmpint(ask(&r, 120, "4", 1), ==, 121);
    g_assert_cmpint(ask(&r, 120, "4", 1), ==, -EBADF);
    rig_done(&r);
}

static void test_write(void)
{
    struct rig r;
    g_autofree char *path = NULL, *text = NULL;

    rig_init(&r, FOLDER_NONE, false);
    g_assert_cmpint(ask(&r, 72, "4s44", 0, "dir", 0755, getgid()), ==, 73);
    g_assert_cmpint(walk(&r, 1, "dir"), ==, 111);
    g_assert_cmpint(ask(&r, 14, "4s444", 1, "new", 2, 0640, getgid()), ==, 15);
    g_assert_cmpint(ask(&r, 118, "4842", 1, UINT64_C(0), 2, 0x6968), ==, 119);
    /* Its folder gets another name, and the fid goes along. */
    g_assert_cmpint(ask(&r, 74, "4s4s", 0, "dir", 0, "moved"), ==, 75);
    g_assert_cmpint(ask(&r, 26, "44444888888", 1, 1u, 0600, 0, 0, UINT64_C(0),
                        UINT64_C(0), UINT64_C(0), UINT64_C(0), UINT64_C(0),
                        UINT64_C(0)),
                    ==, 27);
    path = g_build_filename(r.share, "moved", "new", NULL);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "hi");
    g_assert_cmpint(ask(&r, 122, "4", 1), ==, 123); /* remove */
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(ask(&r, 76, "4s4", 0, "moved", 0x200), ==, 77);
    rig_done(&r);
}

/* Links, dots and slashes: nothing leads outside. */
static void test_beneath(void)
{
    struct rig r;
    g_autofree char *link = NULL, *up = NULL, *pipe = NULL;

    rig_init(&r, FOLDER_NONE, false);
    link = g_build_filename(r.share, "link", NULL);
    up = g_build_filename(r.share, "up", NULL);
    pipe = g_build_filename(r.share, "pipe", NULL);
    g_assert_cmpint(symlink("../secret", link), ==, 0);
    g_assert_cmpint(symlink("..", up), ==, 0);
    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
    g_assert_cmpint(walk(&r, 1, "link"), ==, 111); /* the link itself */
    g_assert_cmpint(ask(&r, 12, "44", 1, 0), ==, -EACCES);
    g_assert_cmpint(ask(&r, 22, "4", 1), ==, 23);
    g_assert_cmpint(ask(&r, 26, "44444888888", 1, 8u, 0, 0, 0, UINT64_C(0),
                        UINT64_C(0), UINT64_C(0), UINT64_C(0), UINT64_C(0),
                        UINT64_C(0)),
                    <, 0); /* truncate */
    ask(&r, 120, "4", 1);
    g_assert_cmpint(ask(&r, 110, "442ss", 0, 1, 2, "up", "secret"), ==, 111);
    g_assert_cmpuint(p9_get16(&r.answer), ==, 1); /* as far as the link */
    g_assert_cmpint(ask(&r, 12, "44", 1, 0), ==, -EBADF);
    g_assert_cmpint(walk(&r, 1, "../secret"), ==, -ENOENT);
    g_assert_cmpint(walk(&r, 1, "share/../../secret"), ==, -ENOENT);
    g_assert_cmpint(walk(&r, 1, ".."), ==, 111); /* the top's is the top */
    g_assert_cmpint(ask(&r, 110, "442s", 1, 2, 1, "hello"), ==, 111);
    g_assert_cmpint(walk(&r, 1, "pipe"), ==, 111);
    g_assert_cmpint(ask(&r, 12, "44", 1, 0), ==, -EACCES);
    g_assert_cmpint(walk(&r, 3, "up"), ==, 111);
    g_assert_cmpint(ask(&r, 14, "4s444", 3, "x", 2, 0600, 0), <, 0);
    g_assert_cmpint(ask(&r, 72, "4s44", 3, "x", 0700, 0), <, 0);
    g_assert_cmpint(ask(&r, 72, "4s44", 0, "../x", 0700, 0), ==, -EINVAL);
    g_assert_cmpint(ask(&r, 72, "4s44", 0, "..", 0700, 0), ==, -EINVAL);
    g_assert_cmpint(ask(&r, 76, "4s4", 0, "../secret", 0), ==, -EINVAL);
    g_assert_cmpint(ask(&r, 74, "4s4s", 0, "hello", 3, "out"), <, 0);
    rig_done(&r);
}

static void test_readonly(void)
{
    struct rig r;

    rig_init(&r, FOLDER_NONE, true);
    g_assert_cmpint(walk(&r, 1, "hello"), ==, 111);
    g_assert_cmpint(ask(&r, 12, "44", 1, 2), ==, -EROFS);
    g_assert_cmpint(ask(&r, 12, "44", 1, 01000), ==, -EROFS);
    g_assert_cmpint(ask(&r, 76, "4s4", 0, "hello", 0), ==, -EROFS);
    g_assert_cmpint(ask(&r, 72, "4s44", 0, "x", 0700, 0), ==, -EROFS);
    g_assert_cmpint(ask(&r, 12, "44", 1, 0), ==, 13);
    rig_done(&r);
}

static void test_readdir(void)
{
    struct rig r;
    uint64_t at = 0;
    unsigned found = 0;

    rig_init(&r, FOLDER_NONE, false);
    put_file(&r, "share/two", "");
    ask(&r, 110, "442", 0, 1, 0);
    g_assert_cmpint(ask(&r, 12, "44", 1, 0), ==, 13);
    do { /* one entry at a time: it does not fit twice */
        g_assert_cmpint(ask(&r, 40, "484", 1, at, 40), ==, 41);
        if (p9_get32(&r.answer)) {
            p9_take(&r.answer, 13);
            at = p9_get64(&r.answer);
            p9_get8(&r.answer);
            found++;
        }
    } while (r.len > P9_HEADER + 4);
    g_assert_cmpuint(found, ==, 4); /* ".", "..", two files */
    rig_done(&r);
}

/* Owner, mode and kind in attributes; where the file system has them. */
static void test_mapped(void)
{
    struct rig r;
    g_autofree char *path = NULL;
    GStatBuf st;

    rig_init(&r, FOLDER_MAPPED, false);
    if (ask(&r, 18, "4s4444", 0, "null", S_IFCHR | 0666, 1, 3, 8) ==
        -EOPNOTSUPP) {
        g_test_skip("no user attributes in the folder for temporary files");
        rig_done(&r);
        return;
    }
    path = g_build_filename(r.share, "null", NULL);
    g_assert_cmpint(g_stat(path, &st), ==, 0);
    g_assert_true(S_ISREG(st.st_mode));
    g_assert_cmpint(walk(&r, 1, "null"), ==, 111);
    g_assert_cmpint(ask(&r, 12, "44", 1, 0), ==, -EACCES);
    g_assert_cmpint(ask(&r, 24, "48", 1, UINT64_C(0x7ff)), ==, 25);
    p9_take(&r.answer, 8);
    p9_take(&r.answer, 13);
    g_assert_cmphex(p9_get32(&r.answer), ==, S_IFCHR | 0666);
    p9_get32(&r.answer);
    g_assert_cmpuint(p9_get32(&r.answer), ==, 8); /* the group */
    g_assert_cmpint(ask(&r, 16, "4ss4", 0, "l", "/etc/passwd", 0), ==, 17);
    g_assert_cmpint(walk(&r, 1, "l"), ==, 111);
    g_assert_cmpint(ask(&r, 22, "4", 1), ==, 23);
    g_assert_cmpint(ask(&r, 30, "44s", 1, 2, "user.virtfs.uid"), ==, -ENODATA);
    rig_done(&r);
}

static void test_hostile(void)
{
    struct rig r;

    rig_init(&r, FOLDER_NONE, false);
    g_assert_cmpint(ask(&r, 99, ""), ==, -EOPNOTSUPP);
    g_assert_cmpint(ask(&r, 255, ""), ==, -EOPNOTSUPP);
    g_assert_cmpint(ask(&r, 110, "442", 0, 1, 5), ==, -ENOENT); /* cut */
    g_assert_cmpint(ask(&r, 110, "442", 0, 1, 60000), ==, -EINVAL);
    g_assert_cmpint(ask(&r, 72, "42", 0, 60000), ==, -EINVAL);
    g_assert_cmpint(ask(&r, 100, "4s", 5, "9P2000.L"), ==, -EINVAL);
    g_assert_cmpuint(p9_run(r.s, r.in, 3, r.out, sizeof(r.out)), ==, 0);
    stl_u32(r.in, 2);
    g_assert_cmpuint(p9_run(r.s, r.in, 64, r.out, sizeof(r.out)), ==, 0);
    rig_done(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/read", test_read);
    g_test_add_func("/write", test_write);
    g_test_add_func("/beneath", test_beneath);
    g_test_add_func("/readonly", test_readonly);
    g_test_add_func("/readdir", test_readdir);
    g_test_add_func("/mapped", test_mapped);
    g_test_add_func("/hostile", test_hostile);
    return g_test_run();
}
