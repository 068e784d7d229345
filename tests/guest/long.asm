; Long mode: page faults with their codes, canonical addresses, IST, SYSCALL,
; compatibility mode, NX, RIP-relative addressing.
;; out 12345678
;; out 000e0000
;; out 40000123
;; out 000e0003
;; out 003ff000
;; out 000e0011
;; out 003ff000
;; out 000d0000
;; out 000c0000
;; out 000e0009
;; out 003ff000
;; out 00000003
;; out 000e0005
;; out 00201000
;; out 0000c0de
;; out 00000a11
;; out 0000002b
;; out 00000202
;; out 000d0000
%include "long.inc"
PT equ 0x103000
main:
    mov eax, [rel constant]
    call print
    faults .a               ; not mapped: read
    mov eax, [0x40000123]
.a: ; 4 KiB pages for 2..4 MiB
    mov edi, PT
    mov eax, 0x200003
    mov ecx, 512
.pt:
    mov [rdi], rax
    add eax, 0x1000
    add edi, 8
    loop .pt
    mov qword [PD + 8], PT | 7
    mov rax, cr3
    mov cr3, rax
    ; read-only, with WP
    mov qword [PT + 511 * 8], 0x3ff001
    invlpg [0x3ff000]
    faults .b
    mov eax, [0x3ff000]
    mov [0x3ff000], eax
.b: ; NX
    mov rax, 0x80000000003ff003
    mov [PT + 511 * 8], rax
    invlpg [0x3ff000]
    mov byte [0x3ff000], 0xc3
    faults .c
    mov eax, 0x3ff000
    call rax
.c: ; non-canonical
    faults .d
    mov rax, 0x800000000000
    mov eax, [rax]
.d:
    faults .e
    mov rbp, 0x800000000000
    mov eax, [rbp]
.e: ; reserved bit
    mov rax, 0x00080000003ff003
    mov [PT + 511 * 8], rax
    invlpg [0x3ff000]
    faults .f
    mov eax, [0x3ff000]
.f: ; accessed and dirty bits
    mov qword [PT + 511 * 8], 0x3ff003
    invlpg [0x3ff000]
    mov eax, [0x3ff000]
    mov eax, [PT + 511 * 8]
    shr eax, 5
    and eax, 3
    cmp eax, 1
    jne .bad
    inc dword [0x3ff000]
    mov eax, [PT + 511 * 8]
    shr eax, 5
    and eax, 3
    call print
    ; user mode: system pages are out of reach
    mov qword [PT + 0], 0x200007
    mov rax, cr3
    mov cr3, rax
    push qword DATA3
    push qword STACK - 0x4000
    push qword 0x3202
    push qword CODE3
    push qword .user
    iretq
.user:
    faults .g
    mov eax, [0x1000]       ; mapped, and user: fine
    mov eax, [0x201000]
    ud2
.g: ; SYSCALL and SYSRET
    mov ecx, 0xc0000081
    xor eax, eax
    mov edx, (0x18 << 16) | 8
    wrmsr
    inc ecx
    mov eax, .entry
    xor edx, edx
    wrmsr
    add ecx, 2
    mov eax, 0x200
    wrmsr
    push qword DATA3
    push qword STACK - 0x4000
    push qword 0x3202
    push qword CODE3
    push qword .user2
    iretq
.user2:
    mov eax, 0xc0de
    syscall
    mov eax, cs
    call print
    pushfq
    pop rax
    and eax, 0x202
    call print
    ; privileged
    faults .h
    hlt
.entry:
    call print
    mov eax, 0xa11
    call print
    o64 sysret
.h:
    end 0
.bad:
    end 1
constant: dd 0x12345678
