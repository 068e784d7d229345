/* SPDX-License-Identifier: MIT */
/*
 * X keysyms, as VNC sends them, to keys of a keyboard of some layout. The
 * client sends Shift and AltGr by itself, so every symbol of a key names the
 * key. [RFB], [HUT] page 7.
 *
 * Not modelled: layouts that are not Latin.
 */
#include "ui/keysym.h"

#include <string.h>

/* The 48 keys with symbols, row by row; the twelfth of the third row and the
 * first of the last one are those that ISO keyboards have more. */
static const uint8_t places[] = {
    0x35, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2d,
    0x2e, 0x14, 0x1a, 0x08, 0x15, 0x17, 0x1c, 0x18, 0x0c, 0x12, 0x13, 0x2f,
    0x30, 0x04, 0x16, 0x07, 0x09, 0x0a, 0x0b, 0x0d, 0x0e, 0x0f, 0x33, 0x34,
    0x31, 0x64, 0x1d, 0x1b, 0x06, 0x19, 0x05, 0x11, 0x10, 0x36, 0x37, 0x38};

struct keymap {
    const char *name;
    const char *plain, *shifted; /* UTF-8, in the order of `places` */
    const char *altgr;           /* pairs: the key's plain symbol, the other */
};

static const struct keymap keymaps[] = {
    {"en-us", "`1234567890-=qwertyuiop[]asdfghjkl;'\\\\zxcvbnm,./",
     "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"||ZXCVBNM<>?", ""},
    {"en-gb", "`1234567890-=qwertyuiop[]asdfghjkl;'#\\zxcvbnm,./",
     "¬!\"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>?", "4€`¦"},
    {"da", "½1234567890+´qwertyuiopå¨asdfghjklæø'<zxcvbnm,.-",
     "§!\"#¤%&/()=?`QWERTYUIOPÅ^ASDFGHJKLÆØ*>ZXCVBNM;:_",
     "2@3£4$7{8[9]0}´|¨~<\\e€"},
    {"de", "^1234567890ß´qwertzuiopü+asdfghjklöä#<yxcvbnm,.-",
     "°!\"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_",
     "2²3³7{8[9]0}ß\\q@e€+~<|mµ"},
    {"es", "º1234567890'¡qwertyuiop`+asdfghjklñ´ç<zxcvbnm,.-",
     "ª!\"·$%&/()=?¿QWERTYUIOP^*ASDFGHJKLÑ¨Ç>ZXCVBNM;:_",
     "º\\1|2@3#4~6¬`[+]´{ç}e€"},
    {"fi", "§1234567890+´qwertyuiopå¨asdfghjklöä'<zxcvbnm,.-",
     "½!\"#¤%&/()=?`QWERTYUIOPÅ^ASDFGHJKLÖÄ*>ZXCVBNM;:_",
     "2@3£4$7{8[9]0}+\\¨~<|e€"},
    {"fr", "²&é\"'(-è_çà)=azertyuiop^$qsdfghjklmù*<wxcvbn,;:!",
     "~1234567890°+AZERTYUIOP¨£QSDFGHJKLM%µ>WXCVBN?./§",
     "é~\"#'{([-|è`_\\ç^à@)]=}e€$¤"},
    {"it", "\\1234567890'ìqwertyuiopè+asdfghjklòàù<zxcvbnm,.-",
     "|!\"£$%&/()=?^QWERTYUIOPé*ASDFGHJKLç°§>ZXCVBNM;:_", "è[+]ò@à#e€"},
    {"no", "|1234567890+\\qwertyuiopå¨asdfghjkløæ'<zxcvbnm,.-",
     "§!\"#¤%&/()=?`QWERTYUIOPÅ^ASDFGHJKLØÆ*>ZXCVBNM;:_",
     "2@3£4$7{8[9]0}\\´¨~e€"},
    {"pt", "\\1234567890'«qwertyuiop+´asdfghjklçº~<zxcvbnm,.-",
     "|!\"#$%&/()=?»QWERTYUIOP*`ASDFGHJKLÇª^>ZXCVBNM;:_", "2@3£4§7{8[9]0}+¨e€"},
    {"sv", "§1234567890+´qwertyuiopå¨asdfghjklöä'<zxcvbnm,.-",
     "½!\"#¤%&/()=?`QWERTYUIOPÅ^ASDFGHJKLÖÄ*>ZXCVBNM;:_",
     "2@3£4$7{8[9]0}+\\¨~<|e€"},
};

static const struct {
    uint16_t keysym;
    uint8_t usage;
} keys[] = {
    {0xff08, 0x2a}, {0xff09, 0x2b}, {0xff0d, 0x28}, {0xff13, 0x48},
    {0xff14, 0x47}, {0xff15, 0x46}, {0xff1b, 0x29}, {0xff50, 0x4a},
    {0xff51, 0x50}, {0xff52, 0x52}, {0xff53, 0x4f}, {0xff54, 0x51},
    {0xff55, 0x4b}, {0xff56, 0x4e}, {0xff57, 0x4d}, {0xff61, 0x46},
    {0xff63, 0x49}, {0xff67, 0x65}, {0xff6b, 0x48}, {0xff7f, 0x53},
    {0xff8d, 0x58}, {0xff95, 0x5f}, {0xff96, 0x5c}, {0xff97, 0x60},
    {0xff98, 0x5e}, {0xff99, 0x5a}, {0xff9a, 0x61}, {0xff9b, 0x5b},
    {0xff9c, 0x59}, {0xff9d, 0x5d}, {0xff9e, 0x62}, {0xff9f, 0x63},
    {0xffaa, 0x55}, {0xffab, 0x57}, {0xffad, 0x56}, {0xffae, 0x63},
    {0xffaf, 0x54}, {0xffe1, 0xe1}, {0xffe2, 0xe5}, {0xffe3, 0xe0},
    {0xffe4, 0xe4}, {0xffe5, 0x39}, {0xffe7, 0xe3}, {0xffe8, 0xe7},
    {0xffe9, 0xe2}, {0xffea, 0xe6}, {0xffeb, 0xe3}, {0xffec, 0xe7},
    {0xfe03, 0xe6}, {0xfe20, 0x2b}, {0xffff, 0x4c},
};

/* Accents that wait for a letter: U+0060 and on, as the keys are labelled. */
static const struct {
    uint16_t keysym, symbol;
} dead[] = {{0xfe50, 0x60}, {0xfe51, 0xb4}, {0xfe52, 0x5e}, {0xfe53, 0x7e},
            {0xfe57, 0xa8}, {0xfe58, 0xb0}, {0xfe5b, 0xb8}};

/* A keysym's character; 0 = it has none. */
static gunichar symbol_of(uint32_t keysym)
{
    for (size_t i = 0; i < ARRAY_SIZE(dead); i++) {
        if (dead[i].keysym == keysym) {
            return dead[i].symbol;
        }
    }
    if ((keysym >= 0x20 && keysym < 0x100) || keysym == 0x20ac) {
        return keysym; /* Latin 1, and the euro */
    }
    return keysym >> 24 == 1 ? keysym & 0xffffff : 0;
}

static unsigned place_in(const char *row, gunichar symbol)
{
    for (size_t i = 0; *row; row = g_utf8_next_char(row), i++) {
        if (g_utf8_get_char(row) == symbol) {
            return places[i];
        }
    }
    return 0;
}

static unsigned symbol_usage(const struct keymap *map, gunichar symbol)
{
    unsigned usage = place_in(map->plain, symbol);

    if (symbol == ' ') {
        return 0x2c;
    }
    usage = usage ? usage : place_in(map->shifted, symbol);
    for (const char *p = map->altgr; *p && !usage;) {
        gunichar key = g_utf8_get_char(p);

        p = g_utf8_next_char(p);
        if (g_utf8_get_char(p) == symbol) {
            usage = place_in(map->plain, key);
        }
        p = g_utf8_next_char(p);
    }
    return usage;
}

unsigned keysym_to_usage(const struct keymap *map, uint32_t keysym)
{
    gunichar symbol = symbol_of(keysym);

    map = map ? map : &keymaps[0];
    if (symbol) {
        unsigned usage = symbol_usage(map, symbol);

        /* what the layout does not have, a US keyboard may */
        return usage ? usage : symbol_usage(&keymaps[0], symbol);
    }
    if (keysym >= 0xffbe && keysym <= 0xffc9) {
        return 0x3a + keysym - 0xffbe; /* F1..F12 */
    }
    if (keysym >= 0xffb1 && keysym <= 0xffb9) {
        return 0x59 + keysym - 0xffb1; /* keypad 1..9 */
    }
    if (keysym == 0xffb0) {
        return 0x62;
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].keysym == keysym) {
            return keys[i].usage;
        }
    }
    return 0;
}

const struct keymap *keymap_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keymaps); i++) {
        if (strcmp(keymaps[i].name, name) == 0) {
            return &keymaps[i];
        }
    }
    return NULL;
}

const char *keymap_name(size_t n)
{
    return n < ARRAY_SIZE(keymaps) ? keymaps[n].name : NULL;
}
