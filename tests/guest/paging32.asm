; Paging of 32-bit mode: 4 KiB and 4 MiB pages, then PAE with NX; WP, user
; pages, global pages over a CR3 load, the PDPTE registers.
;; out 000e0000
;; out 00800000
;; out 0000600d
;; out 000e0003
;; out 00000060
;; out 000e0007
;; out 00000001
;; out 00000002
;; out 000e0011
;; out 0000600e
;; out 000d0000
;; out ok
%define MORE_GDT
%include "prot.inc"
PD   equ 0x100000
PT   equ 0x101000
PDPT equ 0x102000
PD2  equ 0x103000
main:
    ; 0..4 MiB by 4 KiB pages, 4..8 MiB by one page of 4 MiB
    mov edi, PT
    mov eax, 7
    mov ecx, 1024
.pt:
    stosd
    add eax, 0x1000
    loop .pt
    mov dword [PD], PT | 7
    mov dword [PD + 4], 0x400083
    mov eax, cr4
    or eax, 0x90            ; PSE, PGE
    mov cr4, eax
    mov eax, PD
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80010000      ; PG, WP
    mov cr0, eax
    set_gate 0x30, .user_call, CODE, 0xee
    faults .a
    mov eax, [0x800000]
.a: mov eax, cr2
    call print
    mov dword [0x400000], 0x600d
    mov eax, [0x400000]
    call print
    ; read-only: the dirty bit is not set by a store that faults
    mov dword [PT + 0x200 * 4], 0x200001
    invlpg [0x200000]
    faults .b
    mov dword [0x200000], 1
.b: mov eax, [PT + 0x200 * 4]
    and eax, 0x41
    mov dword [PT + 0x200 * 4], 0x200007
    invlpg [0x200000]
    mov dword [0x200000], 1
    mov eax, [PT + 0x200 * 4]
    and eax, 0x60
    call print
    ; a user store to a read-only user page
    mov dword [PT + 0x200 * 4], 0x200005
    invlpg [0x200000]
    faults .c
    push dword DATA3
    push dword STACK - 0x2000
    push dword 0x3002
    push dword CODE3
    push dword .user
    iret
.user:
    mov ax, DATA3
    mov ds, ax
    mov dword [0x200000], 2
.c: ; a global page stays over a CR3 load, a local one does not
    mov dword [PT + 0x300 * 4], 0x300103
    mov dword [PT + 0x301 * 4], 0x301003
    mov dword [PT + 0x302 * 4], 0x302003
    mov eax, cr3
    mov cr3, eax
    mov dword [0x300000], 1
    mov dword [0x301000], 1
    mov dword [0x302000], 2
    mov eax, [0x300000]
    mov dword [PT + 0x300 * 4], 0x302103
    mov dword [PT + 0x301 * 4], 0x302003
    mov eax, cr3
    mov cr3, eax
    mov eax, [0x300000]
    call print              ; still the old page
    mov eax, [0x301000]
    call print
    ; PAE
    mov eax, cr0
    and eax, 0x7fffffff
    mov cr0, eax
    mov edi, PD2
    mov eax, 0x83
    mov ecx, 4
.pd:
    mov [edi], eax
    mov dword [edi + 4], 0
    add eax, 0x200000
    add edi, 8
    loop .pd
    mov dword [PD2 + 8 * 2 + 4], 0x80000000 ; NX for 4..6 MiB
    mov dword [PDPT], PD2 | 1
    mov dword [PDPT + 4], 0
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x800
    wrmsr
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    mov eax, PDPT
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    faults .d
    mov byte [0x400000], 0xc3
    mov eax, 0x400000
    call eax
.d: ; PDPTEs are registers: a change counts at the next CR3 load
    mov dword [PDPT], 0
    mov dword [0x600000], 0x600e
    mov eax, [0x600000]
    call print
    ; reserved bits in a PDPTE: #GP, and CR3 stays
    mov dword [PDPT], PD2 | 7
    faults .e
    mov eax, PDPT
    mov cr3, eax
.e:
    putc 'o'
    putc 'k'
    putc 10
    end 0
.user_call:
    iret
