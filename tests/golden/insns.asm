; SPDX-License-Identifier: MIT
; Instructions whose translations are counted: tests/golden/main.c. In code64.
bits 64
default abs
    nop
; integer, registers
    add rax, rbx
    add eax, 5
    adc rdx, rsi
    sub r12, r13
    cmp rdi, 100
    test cl, cl
    mov rcx, rdx
    mov r8, r9
    mov r10, rax
    movzx eax, bl
    movsxd rax, ecx
    lea rax, [rbx + rcx * 8 + 16]
    lea r11, [r8 + 1]
    inc rbx
    neg rcx
    not r9
    shl rax, 4
    shr rdx, cl
    sar ecx, cl
    rol rbx, 7
    imul rax, rbx
    imul rcx, rdx, 100
    mul rbx
    div rcx
    idiv ebx
    cqo
    bswap rax
    bt rax, 5
    bsf rax, rbx
    popcnt rcx, rdx
    tzcnt rax, rbx
    andn rax, rbx, rcx
    shlx rax, rbx, rcx
    sete al
    cmove rax, rbx
    xchg rax, rbx
    add r8, r9
    xor r10d, r11d
; integer, memory
    mov rax, [rbx]
    mov eax, [rbx + rcx * 4 + 8]
    mov rcx, [rcx]
    mov r8, [r9 + 16]
    mov [rdi], rax
    mov [rsi + 8], ecx
    mov byte [rdi], 1
    mov [r10], r11
    movzx eax, byte [rsi]
    movsxd rcx, dword [rbx]
    add rax, [rbx]
    add [rbx], rax
    inc dword [rbx]
    cmp [rbx + 8], rcx
    test byte [rbx], 1
    mov rax, [rsp + 8]
    mov [rsp + 16], rcx
    mov rax, [rbp - 8]
    mov rax, [fs:0x28]
    mov rax, [rel $ + 0x100]
    lock add [rbx], eax
    lock cmpxchg [rbx], rcx
    xchg [rbx], rax
    cmpxchg16b [rbx]
; stack, calls, branches
    push rbx
    push r8
    push 5
    pop rcx
    pop r9
    push qword [rbx]
    leave
    call $ + 0x100
    call rax
    call [rbx]
    ret
    jmp $ + 0x40
    jmp rax
    jmp [rbx + rax * 8]
    je $ + 0x40
    jrcxz $ + 0x40
    loop $ - 0x10
    pushfq
    popfq
; strings
    movsb
    stosq
    lodsb
    rep movsb
    rep stosq
    repne scasb
    repe cmpsb
    cld
    std
; SSE, AVX
    movaps xmm0, xmm1
    movups xmm0, [rbx]
    movaps [rbx], xmm1
    movsd xmm0, [rbx]
    movss [rbx], xmm1
    addpd xmm0, xmm1
    mulss xmm2, [rbx]
    pxor xmm0, xmm0
    paddd xmm1, [rbx]
    pshufb xmm0, xmm1
    pcmpeqb xmm0, xmm1
    pmovmskb eax, xmm0
    movd xmm0, eax
    movq rax, xmm0
    cvtsi2sd xmm0, rax
    cvttsd2si rax, xmm0
    ucomisd xmm0, xmm1
    aesenc xmm0, xmm1
    crc32 eax, bl
    vaddps ymm0, ymm1, ymm2
    vmovups ymm0, [rbx]
    vfmadd231pd ymm0, ymm1, [rbx]
    vzeroupper
    ldmxcsr [rbx]
; x87, MMX
    fld qword [rbx]
    fstp qword [rbx]
    fadd st0, st1
    fmulp
    fsqrt
    fild dword [rbx]
    fnstcw [rbx]
    paddw mm0, mm1
    emms
; the rest goes to C
    cpuid
    rdtsc
    syscall
    xgetbv
