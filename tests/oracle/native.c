/* SPDX-License-Identifier: MIT */
/*
 * A case on the host's own CPU (x86-64 Linux). The state is loaded, the code
 * jumped to; it ends in a jump back, or in a signal whose handler goes on
 * there too. Code and data are at fixed addresses; the code page cannot be
 * written there. 32-bit code runs in the same process, by a far jump.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/oracle/oracle.h"

enum { XSAVE_YMM = 576, XSAVE_SIZE = 1088, TF = 1 << 8, AC = 1 << 18 };

/* Known to the assembly below by these offsets. */
struct native {
    uint64_t gpr[16];    /* 0 */
    uint64_t flags;      /* 128 */
    uint32_t entry;      /* 136 */
    uint32_t entry_cs;   /* 140 */
    uint64_t host_rsp;   /* 144 */
    uint64_t host_flags; /* 152 */
    uint8_t pad[32];
    uint8_t xsave[XSAVE_SIZE] __attribute__((aligned(64))); /* 192 */
    uint8_t *code; /* where the code page can be written */
    int vector;
    uint32_t error;
    uint64_t cr2, rip, fault_flags;
};

extern struct native oracle_native;
struct native oracle_native __attribute__((aligned(64)));

void oracle_enter(void);

/* clang-format off */
__asm__(
    ".text\n"
    ".globl oracle_enter\n"
    ".hidden oracle_enter\n"
    "oracle_enter:\n"
    "    push %rbx\n    push %rbp\n    push %r12\n"
    "    push %r13\n    push %r14\n    push %r15\n"
    "    pushfq\n"
    "    mov %rsp, oracle_native+144(%rip)\n"
    "    mov $0x2b, %eax\n    mov %eax, %ds\n    mov %eax, %es\n"
    "    mov $7, %eax\n    xor %edx, %edx\n"
    "    xrstor64 oracle_native+192(%rip)\n"
    "    pushq oracle_native+128(%rip)\n    popfq\n"
    "    mov oracle_native+0(%rip), %rax\n"
    "    mov oracle_native+8(%rip), %rcx\n"
    "    mov oracle_native+16(%rip), %rdx\n"
    "    mov oracle_native+24(%rip), %rbx\n"
    "    mov oracle_native+32(%rip), %rsp\n"
    "    mov oracle_native+40(%rip), %rbp\n"
    "    mov oracle_native+48(%rip), %rsi\n"
    "    mov oracle_native+56(%rip), %rdi\n"
    "    mov oracle_native+64(%rip), %r8\n"
    "    mov oracle_native+72(%rip), %r9\n"
    "    mov oracle_native+80(%rip), %r10\n"
    "    mov oracle_native+88(%rip), %r11\n"
    "    mov oracle_native+96(%rip), %r12\n"
    "    mov oracle_native+104(%rip), %r13\n"
    "    mov oracle_native+112(%rip), %r14\n"
    "    mov oracle_native+120(%rip), %r15\n"
    "    ljmp *oracle_native+136(%rip)\n"
    ".globl oracle_leave\n"
    ".hidden oracle_leave\n"
    "oracle_leave:\n"
    "    mov %rax, oracle_native+0(%rip)\n"
    "    mov %rcx, oracle_native+8(%rip)\n"
    "    mov %rdx, oracle_native+16(%rip)\n"
    "    mov %rbx, oracle_native+24(%rip)\n"
    "    mov %rsp, oracle_native+32(%rip)\n"
    "    mov %rbp, oracle_native+40(%rip)\n"
    "    mov %rsi, oracle_native+48(%rip)\n"
    "    mov %rdi, oracle_native+56(%rip)\n"
    "    mov %r8, oracle_native+64(%rip)\n"
    "    mov %r9, oracle_native+72(%rip)\n"
    "    mov %r10, oracle_native+80(%rip)\n"
    "    mov %r11, oracle_native+88(%rip)\n"
    "    mov %r12, oracle_native+96(%rip)\n"
    "    mov %r13, oracle_native+104(%rip)\n"
    "    mov %r14, oracle_native+112(%rip)\n"
    "    mov %r15, oracle_native+120(%rip)\n"
    "    mov oracle_native+144(%rip), %rsp\n"
    "    pushfq\n    popq oracle_native+128(%rip)\n"
    "    cld\n"
    "    mov $7, %eax\n    xor %edx, %edx\n"
    "    xsave64 oracle_native+192(%rip)\n"
    "    fninit\n    vzeroupper\n"
    "    movl $0x1f80, oracle_native+152(%rip)\n"
    "    ldmxcsr oracle_native+152(%rip)\n"
    "    popfq\n"
    "    pop %r15\n    pop %r14\n    pop %r13\n"
    "    pop %r12\n    pop %rbp\n    pop %rbx\n"
    "    ret\n");
/* clang-format on */

static void caught(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    greg_t *g = uc->uc_mcontext.gregs;
    uint64_t rip = (uint64_t)g[REG_RIP];

    if (rip < ORACLE_CODE || rip >= ORACLE_CODE + ORACLE_PAGE) {
        signal(sig, SIG_DFL);
        return;
    }
    oracle_native.vector = (int)g[REG_TRAPNO];
    oracle_native.error = (uint32_t)g[REG_ERR];
    oracle_native.cr2 = (uint64_t)g[REG_CR2];
    oracle_native.rip = rip;
    oracle_native.fault_flags = (uint64_t)g[REG_EFL];
    g[REG_EFL] &= ~(greg_t)(TF | AC);
    g[REG_CSGSFS] = (g[REG_CSGSFS] & ~(greg_t)0xffff) | 0x33;
    g[REG_RIP] = (greg_t)(uintptr_t)oracle_leave;
}

static bool catch_signals(GError **error)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    stack_t stack = {.ss_size = 64 * 1024};
    struct sigaction action = {.sa_sigaction = caught,
                               .sa_flags =
                                   SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    stack.ss_sp = g_malloc(stack.ss_size);
    if (sigaltstack(&stack, NULL))
        return fail(error, "oracle: no signal stack");
    for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
        sigaction(signals[i], &action, NULL);
    return true;
}

bool native_init(GError **error)
{
    int fd = memfd_create("oracle", MFD_CLOEXEC);
    void *at = (void *)(uintptr_t)ORACLE_CODE;
    void *data = (void *)(uintptr_t)ORACLE_DATA;

    if (fd < 0 || ftruncate(fd, ORACLE_PAGE))
        return fail(error, "oracle: no memory for code");
    oracle_native.code =
        mmap(NULL, ORACLE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (oracle_native.code == MAP_FAILED ||
        mmap(at, ORACLE_PAGE, PROT_READ | PROT_EXEC,
             MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != at ||
        mmap(data, ORACLE_SCRATCH, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != data)
        return fail(error, "oracle: its addresses are taken");
    close(fd);
    return catch_signals(error);
}

static void load(const struct oracle_state *s, bool mode32)
{
    uint8_t *x = oracle_native.xsave;

    memset(x, 0, 576);
    memcpy(oracle_native.gpr, s->gpr, sizeof(s->gpr));
    oracle_native.flags = s->rflags;
    oracle_native.entry = (uint32_t)s->rip;
    oracle_native.entry_cs = mode32 ? 0x23 : 0x33;
    oracle_native.vector = ORACLE_NO_VECTOR;
    stl_u16(x, s->fcw);
    stl_u16(x + 2, s->fsw);
    x[4] = s->valid;
    stl_u32(x + 24, s->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        stl_u64(x + 32 + 16 * i, s->st[i].mantissa);
        stl_u16(x + 40 + 16 * i, s->st[i].sign_exp);
    }
    for (unsigned i = 0; i < 16; i++) {
        memcpy(x + 160 + 16 * i, s->ymm[i], 16);
        memcpy(x + XSAVE_YMM + 16 * i, s->ymm[i] + 16, 16);
    }
    stl_u64(x + 512, 7);
}

static void store(struct oracle_state *s)
{
    const uint8_t *x = oracle_native.xsave;

    memcpy(s->gpr, oracle_native.gpr, sizeof(s->gpr));
    s->vector = oracle_native.vector;
    s->rflags = oracle_native.flags;
    s->rip = 0;
    s->error = 0;
    s->cr2 = 0;
    if (s->vector != ORACLE_NO_VECTOR) {
        s->rflags = oracle_native.fault_flags;
        s->rip = oracle_native.rip;
        s->error = oracle_native.error;
        s->cr2 = s->vector == 14 ? oracle_native.cr2 : 0;
    }
    s->fcw = ldl_u16(x);
    s->fsw = ldl_u16(x + 2);
    s->valid = x[4];
    s->mxcsr = ldl_u32(x + 24);
    for (unsigned i = 0; i < 8; i++) {
        s->st[i].mantissa = ldl_u64(x + 32 + 16 * i);
        s->st[i].sign_exp = ldl_u16(x + 40 + 16 * i);
    }
    for (unsigned i = 0; i < 16; i++) {
        memcpy(s->ymm[i], x + 160 + 16 * i, 16);
        memcpy(s->ymm[i] + 16, x + XSAVE_YMM + 16 * i, 16);
    }
}

void native_run(const struct oracle_case *c, struct oracle_result *out)
{
    uint8_t code[ORACLE_MAX_CODE];
    unsigned offsets[ORACLE_MAX_INSNS + 1];
    void *data = (void *)(uintptr_t)ORACLE_DATA;

    gen_code(c, code, offsets);
    memcpy(oracle_native.code, code, sizeof(code));
    memcpy(data, c->memory, ORACLE_SCRATCH);
    load(&c->in, c->mode32);
    oracle_enter();
    store(&out->state);
    memcpy(out->memory, data, ORACLE_SCRATCH);
}
