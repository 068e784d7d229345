/* SPDX-License-Identifier: MIT */
/*
 * The decoder: its tables, hand-made encodings, limits, and that it never
 * reads past the bytes it was given. test_decode_zydis.c compares it with
 * another decoder.
 */
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/x86/cpu.h"
#include "target/x86/decode.h"
#include "target/x86/opcodes.h"

enum { MODE16, MODE32, MODE64, REAL };

static const struct x86_decode_mode modes[] = {
    [MODE16] = {.code64 = false},
    [MODE32] = {.code32 = true},
    [MODE64] = {.code64 = true},
    [REAL] = {.real = true},
};

/* Every row is reachable from the index: rows of an opcode stand together. */
static void test_tables(void)
{
    for (unsigned row = 1; row < x86_rows_count; row++) {
        unsigned id = x86_keys[row].id;
        unsigned last = x86_index[id >> 8][id & 255] & ~X86_INDEX_MODRM;

        g_assert_cmpuint(last, >=, row);
        for (unsigned i = row; i <= last; i++) {
            g_assert_cmpuint(x86_keys[i].id, ==, id);
        }
        g_assert_cmpuint(x86_keys[row].value & ~x86_keys[row].mask, ==, 0);
        g_assert_cmpuint(x86_rows[row].mnemonic, >, 0);
        g_assert_cmpuint(x86_rows[row].flags_write & x86_rows[row].flags_undef,
                         ==, 0);
    }
}

static const struct {
    const char *bytes; /* with the length */
    uint8_t len, mode;
    enum x86_decode_result result;
    enum x86_mnemonic mnemonic;
    uint8_t osize, asize, base, index;
    int32_t disp;
    uint64_t imm;
} cases[] = {
    {"\x90", 1, MODE64, X86_DECODE_OK, X86_NOP, 4, 8, 255, 255, 0, 0},
    {"\xf3\x90", 2, MODE64, X86_DECODE_OK, X86_PAUSE, 4, 8, 255, 255, 0, 0},
    {"\x41\x90", 2, MODE64, X86_DECODE_OK, X86_XCHG, 4, 8, 255, 255, 0, 0},
    {"\x40", 1, MODE32, X86_DECODE_OK, X86_INC, 4, 4, 255, 255, 0, 0},
    {"\x66\x83\xc0\xff", 4, MODE32, X86_DECODE_OK, X86_ADD, 2, 4, 255, 255, 0,
     UINT64_MAX},
    {"\x8b\x46\xfe", 3, MODE16, X86_DECODE_OK, X86_MOV, 2, 2, X86_RBP, 255, -2,
     0},
    {"\x8b\x42\x80", 3, REAL, X86_DECODE_OK, X86_MOV, 2, 2, X86_RBP, X86_RSI,
     -128, 0},
    {"\x48\x8d\x05\x10\x00\x00\x80", 7, MODE64, X86_DECODE_OK, X86_LEA, 8, 8,
     X86_BASE_RIP, 255, INT32_MIN + 16, 0},
    {"\x67\x8b\x44\xa3\x04", 5, MODE64, X86_DECODE_OK, X86_MOV, 4, 4, X86_RBX,
     255, 4, 0},
    {"\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x88", 10, MODE64, X86_DECODE_OK,
     X86_MOV, 8, 8, 255, 255, 0, UINT64_C(0x8807060504030201)},
    {"\x9a\x34\x12\x78\x56", 5, REAL, X86_DECODE_OK, X86_CALLF, 2, 2, 255, 255,
     0, UINT64_C(0x567800001234)},
    {"\xc8\x34\x12\x05", 4, MODE32, X86_DECODE_OK, X86_ENTER, 4, 4, 255, 255, 0,
     0x051234},
    {"\xe8\xfe\xff\xff\xff", 5, MODE64, X86_DECODE_OK, X86_CALL, 8, 8, 255, 255,
     0, UINT64_MAX - 1},
    {"\x66\xe8\xfe\xff\xff\xff", 6, MODE64, X86_DECODE_OK, X86_CALL, 8, 8, 255,
     255, 0, UINT64_MAX - 1},
    {"\xa1\x00\x80", 3, REAL, X86_DECODE_OK, X86_MOV, 2, 2, 255, 255, 0,
     0x8000},
    {"\xc5\x00", 2, REAL, X86_DECODE_OK, X86_LDS, 2, 2, X86_RBX, X86_RSI, 0, 0},
    {"\xc5\xf8\x77", 3, REAL, X86_DECODE_INVALID, X86_INVALID, 0, 0, 0, 0, 0,
     0},
    {"\xf0\x01\xd8", 3, MODE64, X86_DECODE_INVALID, X86_INVALID, 0, 0, 0, 0, 0,
     0},
    {"\xf0\x39\x00", 3, MODE64, X86_DECODE_INVALID, X86_INVALID, 0, 0, 0, 0, 0,
     0},
    {"\xf0\x01\x18", 3, MODE64, X86_DECODE_OK, X86_ADD, 4, 8, X86_RAX, 255, 0,
     0},
    {"\x8e\xc8", 2, MODE32, X86_DECODE_INVALID, X86_INVALID, 0, 0, 0, 0, 0, 0},
    {"\x0f\x22\xc8", 3, MODE32, X86_DECODE_INVALID, X86_INVALID, 0, 0, 0, 0, 0,
     0},
    {"\x06", 1, MODE64, X86_DECODE_INVALID, X86_INVALID, 0, 0, 0, 0, 0, 0},
    {"\x81\x00\x01\x02", 4, MODE32, X86_DECODE_MORE, X86_INVALID, 0, 0, 0, 0, 0,
     0},
    {"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 15, MODE64,
     X86_DECODE_OK, X86_NOP, 2, 8, 255, 255, 0, 0},
    {"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16,
     MODE64, X86_DECODE_TOO_LONG, X86_INVALID, 0, 0, 0, 0, 0, 0},
    {"\xdd\xd9", 2, MODE32, X86_DECODE_OK, X86_FSTP, 4, 4, 255, 255, 0, 0},
    {"\xf3\x0f\xb8\xc1", 4, MODE64, X86_DECODE_OK, X86_POPCNT, 4, 8, 255, 255,
     0, 0},
};

static void test_cases(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct x86_insn insn;
        enum x86_decode_result result =
            x86_decode(&insn, (const uint8_t *)cases[i].bytes, cases[i].len,
                       modes[cases[i].mode]);

        g_test_message("case %zu", i);
        g_assert_cmpint(result, ==, cases[i].result);
        if (result != X86_DECODE_OK) {
            continue;
        }
        g_assert_cmpstr(x86_mnemonic_name(x86_insn_row(&insn)->mnemonic), ==,
                        x86_mnemonic_name(cases[i].mnemonic));
        g_assert_cmpuint(insn.len, ==, cases[i].len);
        g_assert_cmpuint(insn.osize, ==, cases[i].osize);
        g_assert_cmpuint(insn.asize, ==, cases[i].asize);
        g_assert_cmpuint(insn.base, ==, cases[i].base);
        g_assert_cmpuint(insn.index, ==, cases[i].index);
        g_assert_cmpint(insn.disp, ==, cases[i].disp);
        g_assert_cmphex(insn.imm, ==, cases[i].imm);
    }
}

static const struct {
    const char *bytes;
    uint8_t len, mode;
    const char *text;
} texts[] = {
    {"\x48\x8b\x44\x8b\xf0", 5, MODE64, "mov rax, qword [rbx+rcx*4-0x10]"},
    {"\x64\xa1\x34\x12", 4, MODE16, "mov ax, word [fs:0x1234]"},
    {"\x40\x88\xe5", 3, MODE64, "mov bpl, spl"},
    {"\x88\xe5", 2, MODE32, "mov ch, ah"},
    {"\x74\xfe", 2, MODE64, "je 0x1000"},
    {"\xeb\xfe", 2, REAL, "jmp 0x1000"},
    {"\xf3\xa4", 2, MODE32, "rep movsb [es:edi], [ds:esi]"},
    {"\xf2\x48\xaf", 3, MODE64, "repne scasq rax, [es:rdi]"},
    {"\xf0\x0f\xb1\x0e", 4, MODE32, "lock cmpxchg dword [esi], ecx"},
    {"\x8b\x05\x10\0\0\0", 6, MODE64, "mov eax, dword [0x1016]"},
    {"\x8b\x05\x10\0\0\0", 6, MODE32, "mov eax, dword [0x10]"},
    {"\xea\x5b\xe0\0\xf0", 5, REAL, "jmpf 0xf000:0xe05b"},
    {"\xc4\xe2\xf5\x92\x04\x10", 6, MODE64,
     "vgatherdpd ymm0, qword [rax+xmm2*1], ymm1"},
    {"\xc5\xf4\x58\xc2", 4, MODE64, "vaddps ymm0, ymm1, ymm2"},
    {"\x66\x0f\x6f\x00", 4, MODE64, "movdqa xmm0, oword [rax]"},
    {"\xdb\x6c\x24\x08", 4, MODE64, "fld tword [rsp+0x8]"},
    {"\xdb\xc9", 2, MODE64, "fcmovne st0, st1"},
    {"\x0f\x4c\xc1", 3, MODE64, "cmovl eax, ecx"},
    {"\x98", 1, MODE64, "cwde"},
    {"\x0f\x22\xc0", 3, MODE64, "mov cr0, rax"},
    {"\x83\xe8\xff", 3, MODE32, "sub eax, -0x1"},
    {"\x6f", 1, MODE16, "outsw dx, [ds:si]"},
};

static void test_texts(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct x86_insn insn;
        char text[64];

        g_assert_cmpint(x86_decode(&insn, (const uint8_t *)texts[i].bytes,
                                   texts[i].len, modes[texts[i].mode]),
                        ==, X86_DECODE_OK);
        x86_disasm(&insn, 0x1000, text, sizeof(text));
        g_assert_cmpstr(text, ==, texts[i].text);
    }
}

/* Bytes end at a page that faults; what is cut short asks for more. */
static void test_bounds(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GRand *rand = g_rand_new_with_seed(1);

    g_assert_true(map != MAP_FAILED);
    g_assert_cmpint(mprotect(map + page, page, PROT_NONE), ==, 0);
    for (unsigned i = 0; i < 300000; i++) {
        struct x86_insn whole, part;
        struct x86_decode_mode mode = modes[i % ARRAY_SIZE(modes)];
        uint8_t bytes[16];
        char text[17];
        size_t n = (size_t)g_rand_int_range(rand, 0, 16);

        for (unsigned j = 0; j < sizeof(bytes); j++) {
            bytes[j] = (uint8_t)g_rand_int(rand);
        }
        memcpy(map + page - n, bytes, n);
        text[n] = 1;
        if (x86_decode(&whole, bytes, sizeof(bytes), mode) == X86_DECODE_OK) {
            g_assert_cmpint(x86_decode(&part, map + page - n, n, mode), ==,
                            n >= whole.len ? X86_DECODE_OK : X86_DECODE_MORE);
            x86_disasm(&whole, i, text, n);
            g_assert_cmpint(text[n], ==, 1);
        } else {
            x86_decode(&part, map + page - n, n, mode);
        }
        g_assert_cmpuint(part.len, <=, n);
    }
    g_rand_free(rand);
    munmap(map, 2 * page);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decode/tables", test_tables);
    g_test_add_func("/decode/cases", test_cases);
    g_test_add_func("/decode/texts", test_texts);
    g_test_add_func("/decode/bounds", test_bounds);
    return g_test_run();
}
