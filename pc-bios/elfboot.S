/* SPDX-License-Identifier: MIT */
/*
 * Option ROM that starts a Multiboot or PVH kernel laid out by fw_cfg: copies
 * the kernel's image and what follows it (boot information first), adds what
 * the firmware knows (memory map; for PVH where the RSDP is) and enters the
 * kernel in protected mode. [MULTIBOOT] [PVH]
 */
#include "rom.inc"

.equ KEY_KERNEL_ADDR, 0x07
.equ KEY_KERNEL_SIZE, 0x08
.equ KEY_INFO_ADDR, 0x0a /* of the initrd for Linux */
.equ KEY_INFO_SIZE, 0x0b
.equ KEY_ENTRY, 0x10
.equ KEY_KERNEL_DATA, 0x11
.equ KEY_INFO_DATA, 0x12

.equ MAP, 0x9000 /* boot_image.h knows it */
.equ MAP_END, 0x9c00
.equ INFO_MAP_LENGTH, 44
.equ SMAP, 0x534d4150
.equ MULTIBOOT_EAX, 0x2badb002
.equ PVH_MAGIC, 0x336ec578
.equ PVH_RSDP, 32
.equ PVH_MAP_ENTRIES, 48
.equ RSDP_FROM, 0xe0000
.equ RSDP_TO, 0x100000

    rom_header "Rhea Multiboot loader"

boot:
    cld
    xorw %ax, %ax
    movw %ax, %ss
    movl $0x7c00, %esp
    movw %ax, %es
    movw $MAP, %di
    xorl %ebx, %ebx
next_range:
    movl $20, %es:(%di)
    addw $4, %di
    movl $0xe820, %eax
    movl $20, %ecx
    movl $SMAP, %edx
    int $0x15
    jc no_range
    cmpl $SMAP, %eax
    jne no_range
    addw $20, %di
    testl %ebx, %ebx
    jz map_done
    cmpw $MAP_END, %di
    jb next_range
    jmp map_done
no_range:
    subw $4, %di
map_done:
    subw $MAP, %di
    movzwl %di, %ebp
    cli
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
    call fw_cfg_read
    jmp next_part

enter:
    movw $KEY_INFO_ADDR, %ax
    call fw_cfg_read32
    movl %eax, %ebx
    movw $KEY_ENTRY, %ax
    call fw_cfg_read32
    movl %eax, %esi
    inb $0x92, %al /* A20 */
    orb $2, %al
    andb $0xfe, %al
    outb %al, $0x92
    xorl %ecx, %ecx
    movw %cs, %cx
    shll $4, %ecx
    leal gdt(%ecx), %eax
    pushl %eax
    pushw $gdt_end - gdt - 1
    movw %sp, %di
    lgdtl %ss:(%di)
    addw $6, %sp
    pushl $8
    leal flat(%ecx), %eax
    pushl %eax
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    lretl

    .code32
flat:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    cmpl $PVH_MAGIC, (%ebx)
    je pvh
    movl %ebp, INFO_MAP_LENGTH(%ebx)
    movl $MULTIBOOT_EAX, %eax
    jmp *%esi

pvh: /* the map's entries begin behind their size, which must become zero */
    movl $MAP, %edi
    xorl %ecx, %ecx
1:  cmpl $24, %ebp
    jb 2f
    movl $0, (%edi)
    addl $24, %edi
    subl $24, %ebp
    incl %ecx
    jmp 1b
2:  movl $0, (%edi)
    movl %ecx, PVH_MAP_ENTRIES(%ebx)
    movl $RSDP_FROM, %edi
3:  cmpl $0x20445352, (%edi) /* "RSD PTR " */
    jne 4f
    cmpl $0x20525450, 4(%edi)
    jne 4f
    movl %edi, PVH_RSDP(%ebx)
    jmp *%esi
4:  addl $16, %edi
    cmpl $RSDP_TO, %edi
    jb 3b
    jmp *%esi

    .code16
    .align 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
gdt_end:

parts:
    .word KEY_KERNEL_ADDR, KEY_KERNEL_SIZE, KEY_KERNEL_DATA
    .word KEY_INFO_ADDR, KEY_INFO_SIZE, KEY_INFO_DATA
    .word 0

define_fw_cfg_read
