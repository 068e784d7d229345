/* SPDX-License-Identifier: MIT */
#include "vm/hmp_line.h"

#include <string.h>

#define CTRL(c) ((c)&0x1f)

void hmp_line_init(struct hmp_line *l, const char *prompt)
{
    memset(l, 0, sizeof(*l));
    l->prompt = prompt;
    l->history = g_ptr_array_new_with_free_func(g_free);
}

void hmp_line_clear(struct hmp_line *l)
{
    g_ptr_array_free(l->history, TRUE);
    g_free(l->saved);
}

void hmp_line_start(struct hmp_line *l, GString *out)
{
    l->len = l->cursor = 0;
    l->text[0] = 0;
    l->at = l->history->len;
    g_clear_pointer(&l->saved, g_free);
    g_string_append(out, l->prompt);
}

static void redraw(const struct hmp_line *l, GString *out)
{
    g_string_append_printf(out, "\r%s%s\033[K", l->prompt, l->text);
    if (l->cursor < l->len) {
        g_string_append_printf(out, "\033[%zuD", l->len - l->cursor);
    }
}

static void insert(struct hmp_line *l, const char *text, GString *out)
{
    size_t n = strlen(text);

    if (n > HMP_LINE_MAX - l->len) {
        return;
    }
    memmove(l->text + l->cursor + n, l->text + l->cursor,
            l->len - l->cursor + 1);
    memcpy(l->text + l->cursor, text, n);
    l->len += n;
    l->cursor += n;
    if (l->cursor == l->len) {
        g_string_append(out, text);
    } else {
        redraw(l, out);
    }
}

/* Removes [from, to) and puts the cursor there. */
static void cut(struct hmp_line *l, size_t from, size_t to, GString *out)
{
    if (from >= to) {
        return;
    }
    memmove(l->text + from, l->text + to, l->len - to + 1);
    l->len -= to - from;
    l->cursor = from;
    redraw(l, out);
}

static size_t word_start(const struct hmp_line *l)
{
    size_t at = l->cursor;

    while (at && l->text[at - 1] == ' ') {
        at--;
    }
    while (at && l->text[at - 1] != ' ') {
        at--;
    }
    return at;
}

static void move(struct hmp_line *l, size_t to, GString *out)
{
    l->cursor = MIN(to, l->len);
    redraw(l, out);
}

/* --- history --- */

static void show(struct hmp_line *l, guint at, GString *out)
{
    const char *text;

    if (l->at == l->history->len) {
        g_free(l->saved);
        l->saved = g_strdup(l->text);
    }
    l->at = at;
    text = at == l->history->len ? l->saved : l->history->pdata[at];
    g_strlcpy(l->text, text, sizeof(l->text));
    l->len = l->cursor = strlen(l->text);
    redraw(l, out);
}

static void older(struct hmp_line *l, GString *out)
{
    if (l->at > 0) {
        show(l, l->at - 1, out);
    }
}

static void newer(struct hmp_line *l, GString *out)
{
    if (l->at < l->history->len) {
        show(l, l->at + 1, out);
    }
}

static void remember(struct hmp_line *l)
{
    GPtrArray *h = l->history;

    if (l->len == 0) {
        return;
    }
    for (guint i = 0; i < h->len; i++) {
        if (strcmp(h->pdata[i], l->text) == 0) {
            g_ptr_array_remove_index(h, i);
            break;
        }
    }
    if (h->len == HMP_HISTORY) {
        g_ptr_array_remove_index(h, 0);
    }
    g_ptr_array_add(h, g_strdup(l->text));
}

/* --- completion --- */

static size_t common_prefix(char **words)
{
    size_t n = strlen(words[0]);

    for (char **w = words + 1; *w; w++) {
        size_t i = 0;

        while (i < n && (*w)[i] == words[0][i]) {
            i++;
        }
        n = i;
    }
    return n;
}

static void list_words(char **words, GString *out)
{
    unsigned column = 0;

    g_string_append(out, "\r\n");
    for (char **w = words; *w; w++) {
        g_string_append_printf(out, "%-20s", *w);
        if (++column % 4 == 0 && w[1]) {
            g_string_append(out, "\r\n");
        }
    }
    g_string_append(out, "\r\n");
}

static void complete(struct hmp_line *l, GString *out)
{
    g_auto(GStrv) words =
        l->complete ? l->complete(l->opaque, l->text, l->cursor) : NULL;
    size_t start = l->cursor;
    g_autofree char *more = NULL;
    size_t have;
    size_t common;

    if (!words || !words[0]) {
        return;
    }
    while (start && l->text[start - 1] != ' ') {
        start--;
    }
    have = l->cursor - start;
    common = common_prefix(words);
    if (common > have) {
        more = g_strndup(words[0] + have, common - have);
        insert(l, more, out);
    }
    if (!words[1]) {
        insert(l, " ", out);
    } else if (common <= have) {
        list_words(words, out);
        redraw(l, out);
    }
}

/* --- keys --- */

static void delete_under(struct hmp_line *l, GString *out)
{
    if (l->cursor < l->len) {
        cut(l, l->cursor, l->cursor + 1, out);
    }
}

static void backspace(struct hmp_line *l, GString *out)
{
    if (l->cursor == l->len && l->len) { /* the usual case, without redraw */
        l->text[--l->len] = 0;
        l->cursor--;
        g_string_append(out, "\b \b");
    } else if (l->cursor) {
        cut(l, l->cursor - 1, l->cursor, out);
    }
}

static void control_key(struct hmp_line *l, char c, GString *out)
{
    switch (c) {
    case CTRL('A'): move(l, 0, out); break;
    case CTRL('B'): move(l, l->cursor ? l->cursor - 1 : 0, out); break;
    case CTRL('C'):
        g_string_append(out, "^C\r\n");
        hmp_line_start(l, out);
        break;
    case CTRL('D'): delete_under(l, out); break;
    case CTRL('E'): move(l, l->len, out); break;
    case CTRL('F'): move(l, l->cursor + 1, out); break;
    case CTRL('H'):
    case 0x7f: backspace(l, out); break;
    case CTRL('I'): complete(l, out); break;
    case CTRL('K'): cut(l, l->cursor, l->len, out); break;
    case CTRL('L'):
        g_string_append(out, "\033[H\033[J");
        redraw(l, out);
        break;
    case CTRL('N'): newer(l, out); break;
    case CTRL('P'): older(l, out); break;
    case CTRL('U'): cut(l, 0, l->cursor, out); break;
    case CTRL('W'): cut(l, word_start(l), l->cursor, out); break;
    case '\033': l->escape = 1; break;
    default: break;
    }
}

/* The byte that ends ESC [ ... */
static void escape_key(struct hmp_line *l, char c, GString *out)
{
    switch (c) {
    case 'A': older(l, out); break;
    case 'B': newer(l, out); break;
    case 'C': move(l, l->cursor + 1, out); break;
    case 'D': move(l, l->cursor ? l->cursor - 1 : 0, out); break;
    case 'F': move(l, l->len, out); break;
    case 'H': move(l, 0, out); break;
    case '~':
        if (l->param == 1 || l->param == 7) {
            move(l, 0, out);
        } else if (l->param == 4 || l->param == 8) {
            move(l, l->len, out);
        } else if (l->param == 3) {
            delete_under(l, out);
        }
        break;
    default: break;
    }
}

static void escape_byte(struct hmp_line *l, char c, GString *out)
{
    if (l->escape == 1) {
        l->escape = c == '[' || c == 'O' ? 2 : 0;
        l->param = 0;
    } else if (g_ascii_isdigit(c) && l->param < 1000) {
        l->param = l->param * 10 + (unsigned)(c - '0');
    } else if (c != ';') {
        l->escape = 0;
        escape_key(l, c, out);
    }
}

bool hmp_line_byte(struct hmp_line *l, char c, GString *out)
{
    bool after_cr = l->after_cr;

    l->after_cr = c == '\r';
    if (c == '\n' && after_cr) {
        return false;
    }
    if (l->escape) {
        escape_byte(l, c, out);
        return false;
    }
    if (c == '\r' || c == '\n') {
        g_string_append(out, "\r\n");
        remember(l);
        return true;
    }
    if ((unsigned char)c < 0x20 || c == 0x7f) {
        control_key(l, c, out);
    } else {
        insert(l, (char[2]){c, 0}, out);
    }
    return false;
}
