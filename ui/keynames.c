/* SPDX-License-Identifier: MIT */
#include "ui/keynames.h"

#include <string.h>

/* clang-format off */
static const struct {
    const char *name;
    uint8_t usage, number;
} keys[] = {
#define KEYNAME(name, usage, number) {name, usage, number},
#include "ui/keynames.def"
#undef KEYNAME
};
/* clang-format on */

unsigned keyname_usage(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (strcmp(keys[i].name, name) == 0) {
            return keys[i].usage;
        }
    }
    return 0;
}

const char *keyname_of(unsigned usage)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].usage == usage) {
            return keys[i].name;
        }
    }
    return NULL;
}

unsigned keyname_from_number(unsigned number)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].number == number) {
            return keys[i].usage;
        }
    }
    return 0;
}

const char *keyname_at(unsigned index)
{
    return index < ARRAY_SIZE(keys) ? keys[index].name : NULL;
}
