/* SPDX-License-Identifier: MIT */
/*
 * A boot sector that says hello on the screen and on the first serial line and
 * echoes what is typed: the guest for machines without any other.
 */
    .code16
    .section .text, "ax"
    .globl _start
_start:
    ljmp $0, $begin + 0x7c00
begin:
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    cld
    /* with -nographic the firmware itself copies the screen to the line */
    movw $0x510, %dx
    movw $4, %ax /* FW_CFG_NOGRAPHIC */
    outw %ax, %dx
    incw %dx
    inb %dx, %al
    movb %al, copied + 0x7c00
    xorw %dx, %dx
    movw $0xe3, %ax /* 9600 baud, 8n1 */
    int $0x14
    movw $text + 0x7c00, %si
next:
    lodsb
    testb %al, %al
    jz keys
    call put
    jmp next
keys:
    xorb %ah, %ah
    int $0x16
    call put
    cmpb $13, %al
    jne keys
    movb $10, %al
    call put
    jmp keys

put: /* AL, to both */
    pushw %ax
    movb $0x0e, %ah
    movw $7, %bx
    int $0x10
    popw %ax
    cmpb $0, copied + 0x7c00
    jne 1f
    pushw %ax
    movb $1, %ah
    xorw %dx, %dx
    int $0x14
    popw %ax
1:  ret

copied: .byte 0

text:
    .ascii "Hello from Rhea. This is the small guest of the build: type, and it echoes.\r\n"
    .asciz "Close the window, or press Ctrl-A x in a terminal, to end.\r\n> "

    .org 510
    .word 0xaa55
