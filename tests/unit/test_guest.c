/* SPDX-License-Identifier: MIT */
/*
 * Runs the assembly programs of tests/guest on a bare CPU: 16 MiB of RAM at 0,
 * the program at 7c00 (real mode, CS = DS = ES = SS = 0, SP = 7000), and ports:
 *
 *   e9  a character of output        f4  the end; the value is the result
 *   f5  an interrupt of that vector  f6  NMI          f7  SMI
 *   f8  A20: bit 0
 *
 * The head of a program says what to expect:
 *   ;; out TEXT       what it prints
 *   ;; exit N         what it writes to f4 (0 if not said)
 *   ;; triple         it ends by a triple fault
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accel/tcg/tcg.h"
#include "base/log.h"
#include "base/lowmem.h"
#include "target/x86/control.h"
#include "target/x86/dump.h"
#include "target/x86/interp.h"
#include "target/x86/model.h"
#include "target/x86/segment.h"

enum { RAM_SIZE = 16 << 20, MOST_OUTPUT = 4096, ORG = 0x7c00 };

struct board {
    struct lock lock;
    struct space memory, ports;
    struct region ram_region, io, hole;
    struct ram *ram;
    struct x86_cpu *cpu; /* low, for translated code */
    bool jit;
    GString *out;
    int vector;
    unsigned result;
    bool done, triple;
    int64_t time;
};

static uint64_t board_read(void *opaque, uint64_t at, unsigned size)
{
    return 0xff;
}

static void board_end(struct board *b, uint64_t result)
{
    b->result = (unsigned)result;
    b->done = true;
    x86_raise_event(b->cpu, X86_EV_EXIT);
}

static void board_write(void *opaque, uint64_t at, unsigned size,
                        uint64_t value)
{
    struct board *b = opaque;

    switch (at + 0xe0) {
    case 0xe9:
        g_string_append_c(b->out, (char)value);
        if (b->out->len == MOST_OUTPUT) { /* the same fault again and again */
            board_end(b, value);
        }
        break;
    case 0xf4: board_end(b, value); break;
    case 0xf5:
        b->vector = (int)value;
        x86_raise_event(b->cpu, X86_EV_INTR);
        break;
    case 0xf6: x86_raise_event(b->cpu, X86_EV_NMI); break;
    case 0xf7: x86_raise_event(b->cpu, X86_EV_SMI); break;
    case 0xf8:
        __atomic_store_n(&b->cpu->a20_wanted, value & 1, __ATOMIC_SEQ_CST);
        x86_raise_event(b->cpu, X86_EV_A20);
        break;
    default: break;
    }
}

static const struct region_ops board_ops = {
    .read = board_read, .write = board_write, .max = 4};

/* A register of memory-mapped I/O at 2 MiB below 4 GiB: counts its reads. */
static uint64_t counter_read(void *opaque, uint64_t at, unsigned size)
{
    return 0x1122334455667788 >> (8 * (at & 7));
}

static const struct region_ops counter_ops = {.read = counter_read, .max = 8};

static int board_intack(void *to)
{
    struct board *b = to;

    x86_lower_event(b->cpu, X86_EV_INTR);
    return b->vector;
}

static void board_triple_fault(void *to)
{
    struct board *b = to;

    b->triple = true;
}

static int64_t board_now(void *to)
{
    struct board *b = to;

    return b->time += 1000;
}

static void board_clean(void *opaque)
{
    struct board *b = opaque;

    x86_raise_event(b->cpu, X86_EV_CLEAN);
}

static void board_code_written(void *opaque, uint32_t *generation)
{
    struct board *b = opaque;

    x86_code_written(b->cpu, generation);
}

static struct board *board_new(bool jit)
{
    struct board *b = g_new0(struct board, 1);

    lock_init(&b->lock);
    space_init(&b->memory, "memory", UINT64_C(1) << 40, false, &b->lock);
    space_init(&b->ports, "ports", 0x10000, true, &b->lock);
    b->ram = ram_new("ram", RAM_SIZE, RAM_ANONYMOUS, NULL);
    g_assert_nonnull(b->ram);
    b->ram->clean = board_clean;
    b->ram->clean_opaque = b;
    b->ram->code_written = board_code_written;
    b->ram->code_opaque = b;
    b->out = g_string_new(NULL);
    b->cpu = lowmem_new(sizeof(*b->cpu));
    lock_enter(&b->lock);
    region_init_ram(&b->ram_region, "ram", b->ram, 0, RAM_SIZE);
    region_add(&b->memory.root, &b->ram_region, 0, 0);
    region_init_io(&b->hole, "counter", 4096, &counter_ops, b);
    region_add(&b->memory.root, &b->hole, 0xffe00000, 0);
    region_init_io(&b->io, "test", 0x20, &board_ops, b);
    region_add(&b->ports.root, &b->io, 0xe0, 0);
    lock_leave(&b->lock);
    b->cpu->memory = &b->memory;
    b->cpu->ports = &b->ports;
    b->cpu->pins = (struct x86_pins){
        .to = b,
        .intack = board_intack,
        .triple_fault = board_triple_fault,
        .now_ns = board_now,
    };
    b->cpu->tsc_khz = 1000000;
    x86_cpu_init(b->cpu);
    b->jit = jit;
    if (jit) {
        bool good = jit_attach(b->cpu, 8 << 20, NULL);

        g_assert_true(good);
        jit_for_tests(b->cpu, false);
    }
    x86_cpu_reset(b->cpu, false);
    return b;
}

static void board_free(struct board *b)
{
    jit_detach(b->cpu);
    x86_cpu_free(b->cpu);
    lowmem_free(b->cpu, sizeof(*b->cpu));
    space_clear(&b->memory);
    space_clear(&b->ports);
    ram_free(b->ram);
    lock_clear(&b->lock);
    g_string_free(b->out, TRUE);
    g_free(b);
}

static void board_load(struct board *b, const char *code, size_t len)
{
    struct x86_cpu *cpu = b->cpu;

    g_assert_cmpuint(len, <=, RAM_SIZE - ORG);
    memcpy(b->ram->host + ORG, code, len);
    cpu->seg[X86_CS].selector = 0;
    cpu->seg[X86_CS].base = 0;
    cpu->rip = ORG;
    cpu->gpr[X86_RSP] = 0x7000;
    x86_mode_changed(cpu);
}

struct expect {
    GString *out;
    unsigned result;
    bool triple;
};

static void parse_head(const char *source, struct expect *e)
{
    g_auto(GStrv) lines = g_strsplit(source, "\n", -1);

    e->out = g_string_new(NULL);
    for (unsigned i = 0; lines[i] && g_str_has_prefix(lines[i], ";"); i++) {
        const char *line = lines[i];

        if (g_str_has_prefix(line, ";; out ")) {
            g_string_append_printf(e->out, "%s\n", line + 7);
        } else if (g_str_has_prefix(line, ";; exit ")) {
            e->result = (unsigned)g_ascii_strtoull(line + 8, NULL, 0);
        } else if (g_str_equal(line, ";; triple")) {
            e->triple = true;
        }
    }
}

static void run(struct board *b)
{
    while (!b->done && !b->triple) {
        enum x86_exit why = b->jit ? jit_run(b->cpu) : x86_interp_run(b->cpu);

        if (why == X86_EXIT_HALT && !b->done) {
            g_autoptr(GString) text = g_string_new("halted for ever\n");

            x86_dump_state(b->cpu, text);
            g_test_message("%s", text->str);
            g_test_fail();
            return;
        }
    }
}

static void test_program(const void *data)
{
    const char *name = (const char *)data + 1;
    g_autofree char *source_name =
        g_strdup_printf("%s/%s.asm", GUEST_DIR, name);
    g_autofree char *code_name =
        g_strdup_printf("%s/%s.bin", GUEST_BUILD, name);
    g_autofree char *source = NULL;
    g_autofree char *code = NULL;
    struct expect e = {0};
    struct board *b;
    gsize len;

    g_assert_true(g_file_get_contents(source_name, &source, NULL, NULL));
    g_assert_true(g_file_get_contents(code_name, &code, &len, NULL));
    parse_head(source, &e);
    b = board_new(*(const char *)data == 'j');
    board_load(b, code, len);
    run(b);
    g_assert_cmpstr(b->out->str, ==, e.out->str);
    g_assert_cmpuint(b->triple, ==, e.triple);
    g_assert_cmphex(b->result, ==, e.result);
    board_free(b);
    g_string_free(e.out, TRUE);
}

/* `engine`: i, the interpreter, or j, the translator. */
static void add_program(GPtrArray *names, char engine, const char *file)
{
    char *name = g_strdup_printf("%c%.*s", engine, (int)strlen(file) - 4, file);
    g_autofree char *path = g_strdup_printf(
        "/guest/%s/%s", engine == 'j' ? "jit" : "interp", name + 1);

    g_ptr_array_add(names, name);
    g_test_add_data_func(path, name, test_program);
}

int main(int argc, char **argv)
{
    g_autoptr(GDir) dir = NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *file;

    g_test_init(&argc, &argv, NULL);
    if (g_getenv("RHEA_LOG")) {
        log_set_items(g_getenv("RHEA_LOG"), NULL);
    }
    dir = g_dir_open(GUEST_BUILD, 0, NULL);
    while (dir && (file = g_dir_read_name(dir))) {
        if (g_str_has_suffix(file, ".bin")) {
            add_program(names, 'i', file);
            add_program(names, 'j', file);
        }
    }
    return g_test_run();
}
