/* SPDX-License-Identifier: MIT */
/* lockstep=on: a translation that is right passes, one that is wrong does not. */
#include "tests/oracle/oracle.h"

/* Each ends in a jump, so that the HLT behind it, which is never compared, is
 * in another block. */
static const uint8_t inc[] = {0x48, 0xff, 0xc0, 0xeb, 0x00}; /* inc rax */
static const uint8_t store[] = {0x48, 0x89, 0x04, 0x25,      /* mov [data], */
                                0x00, 0x00, 0x00, 0x20,      /* rax */
                                0xeb, 0x00};

static void test_same(void)
{
    g_assert_false(guest_lockstep(inc, sizeof(inc), 0));
    g_assert_false(guest_lockstep(store, sizeof(store), 0));
}

/* It becomes a DEC. */
static void test_different(void)
{
    g_assert_true(guest_lockstep(inc, sizeof(inc), 0x08));
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    g_test_init(&argc, &argv, NULL);
    guest_init("jit", &error);
    g_assert_no_error(error);
    g_test_add_func("/lockstep/same", test_same);
    g_test_add_func("/lockstep/different", test_different);
    return g_test_run();
}
