; Real mode: interrupts, flags, strings, far calls, arithmetic.
;; out 00001234
;; out 00000003
;; out 0000beef
;; out 00000046
;; out 00000005
;; out 00000021
;; out ok
%include "lib.inc"
    bits 16
    org 0x7c00
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov word [4 * 0x40], handler
    mov word [4 * 0x40 + 2], 0
    mov eax, 0x1234
    call print
    int 0x40
    movzx eax, word [count]
    call print
    ; strings
    cld
    mov si, text
    mov di, 0x600
    mov cx, 4
    rep movsw
    mov eax, 0xbeef
    call far [pointer]
    call print
    ; flags: 0 - 0 gives ZF and PF
    xor ax, ax
    pushf
    pop ax
    movzx eax, al
    call print
    ; scasb
    mov di, 0x600
    mov al, 'f'
    mov cx, 8
    repne scasb
    mov ax, di
    sub ax, 0x601
    movzx eax, ax
    call print
    ; hardware interrupt
    mov word [4 * 0x21], irq
    mov word [4 * 0x21 + 2], 0
    mov al, 0x21
    out INTR, al
    xor eax, eax
    sti
    nop
    cli
    call print
    putc 'o'
    putc 'k'
    putc 10
    end 0
handler:
    add word [cs:count], 3
    iret
irq:
    mov eax, 0x21
    iret
far_code:
    retf
define_print
count: dw 0
pointer: dw far_code, 0
text: db "abcdefgh"
