/* SPDX-License-Identifier: MIT */
/* Two machines in one process keep out of each other's way: nothing of a
 * machine is global. */
#include <glib.h>
#include <string.h>

#include "mem/dma.h"
#include "vm/vm.h"

static struct vm *make(struct config *c, const char *const *words)
{
    struct vm *vm = g_new0(struct vm, 1);
    g_autoptr(GError) error = NULL;
    int n = 0;

    while (words[n]) {
        n++;
    }
    config_init(c);
    g_assert_true(config_parse(c, n, (char **)(uintptr_t)words, &error));
    vm_create(vm, c, &error);
    g_assert_no_error(error);
    return vm;
}

static void end(struct vm *vm, struct config *c)
{
    vm_destroy(vm);
    config_clear(c);
    g_free(vm);
}

static void poke(struct vm *vm, uint64_t addr, uint32_t value)
{
    lock_enter(&vm->machine.lock);
    g_assert_true(dma_write(&vm->machine.memory, addr, &value, 4));
    space_write(&vm->machine.ports, 0x70, 1, 0x40);
    space_write(&vm->machine.ports, 0x71, 1, value & 0xff);
    lock_leave(&vm->machine.lock);
}

static uint32_t peek(struct vm *vm, uint64_t addr, uint32_t *cmos)
{
    uint32_t value = 0;

    lock_enter(&vm->machine.lock);
    dma_read(&vm->machine.memory, addr, &value, 4);
    space_write(&vm->machine.ports, 0x70, 1, 0x40);
    *cmos = (uint32_t)space_read(&vm->machine.ports, 0x71, 1);
    lock_leave(&vm->machine.lock);
    return value;
}

static void test_apart(void)
{
    const char *const one[] = {
        "rhea",  "-accel", "qtest",   "-display",        "none", "-m", "16",
        "-name", "one",    "-global", "VGA.vgamem_mb=8", NULL};
    const char *const two[] = {"rhea", "-accel", "qtest", "-display",
                               "none", "-m",     "32",    "-name",
                               "two",  "-smp",   "2",     NULL};
    struct config c1;
    struct config c2;
    struct vm *a = make(&c1, one);
    struct vm *b = make(&c2, two);
    uint32_t cmos;

    g_assert_cmpuint(a->machine.ram_size, ==, 16 * MIB);
    g_assert_cmpuint(b->machine.ram_size, ==, 32 * MIB);
    g_assert_cmpuint(a->vcpus.count, ==, 1);
    g_assert_cmpuint(b->vcpus.count, ==, 2);
    poke(a, 0x1000, 0x11111111);
    poke(b, 0x1000, 0x22222222);
    g_assert_cmphex(peek(a, 0x1000, &cmos), ==, 0x11111111);
    g_assert_cmphex(cmos, ==, 0x11);
    g_assert_cmphex(peek(b, 0x1000, &cmos), ==, 0x22222222);
    g_assert_cmphex(cmos, ==, 0x22);
    vm_reset(a);
    g_assert_cmphex(peek(b, 0x1000, &cmos), ==, 0x22222222);
    end(a, &c1);
    g_assert_cmphex(peek(b, 0x1000, &cmos), ==, 0x22222222);
    vm_reset(b);
    end(b, &c2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/two-machines/apart", test_apart);
    return g_test_run();
}
