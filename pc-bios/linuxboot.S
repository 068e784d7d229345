/* SPDX-License-Identifier: MIT */
/*
 * Option ROM that starts a Linux kernel handed over by fw_cfg: copies setup
 * code, kernel, initial RAM disk and command line where fw_cfg says, and
 * enters the setup code in real mode. [LINUXBOOT] 16-bit boot protocol.
 */
#include "rom.inc"

.equ KEY_KERNEL_ADDR, 0x07
.equ KEY_KERNEL_SIZE, 0x08
.equ KEY_INITRD_ADDR, 0x0a
.equ KEY_INITRD_SIZE, 0x0b
.equ KEY_KERNEL_DATA, 0x11
.equ KEY_INITRD_DATA, 0x12
.equ KEY_CMDLINE_ADDR, 0x13
.equ KEY_CMDLINE_SIZE, 0x14
.equ KEY_CMDLINE_DATA, 0x15
.equ KEY_SETUP_ADDR, 0x16
.equ KEY_SETUP_SIZE, 0x17
.equ KEY_SETUP_DATA, 0x18

    rom_header "Rhea Linux loader"

boot:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ss
    movl $0x7c00, %esp
    movw %cs, %ax
    movw %ax, %ds
    movw $parts, %si
next_part:
    lodsw /* key of the address, 0 at the end */
    testw %ax, %ax
    jz enter
    call fw_cfg_read32
    movl %eax, %edi
    lodsw
    call fw_cfg_read32
    movl %eax, %ecx
    lodsw
    testl %ecx, %ecx
    jz next_part
    call fw_cfg_read
    jmp next_part

enter:
    movw $KEY_SETUP_ADDR, %ax
    call fw_cfg_read32
    shrl $4, %eax
    movw %ax, %bx
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl $0xfff0, %esp
    addw $0x20, %bx
    pushw %bx
    pushw $0
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %edi, %edi
    xorl %ebp, %ebp
    lret

parts:
    .word KEY_SETUP_ADDR, KEY_SETUP_SIZE, KEY_SETUP_DATA
    .word KEY_CMDLINE_ADDR, KEY_CMDLINE_SIZE, KEY_CMDLINE_DATA
    .word KEY_KERNEL_ADDR, KEY_KERNEL_SIZE, KEY_KERNEL_DATA
    .word KEY_INITRD_ADDR, KEY_INITRD_SIZE, KEY_INITRD_DATA
    .word 0

define_fw_cfg_read
