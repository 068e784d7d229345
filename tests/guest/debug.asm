; Debug exceptions: single step, breakpoints on code, data and ports, shadows.
;; out 00004000
;; out 00000003
;; out 00000001
;; out 00000001
;; out 00000002
;; out 00000011
;; out 00000004
;; out 00000004
;; out 00002000
;; out 00004001
%define MORE_GDT
%include "prot.inc"
main:
    set_gate 1, on_debug, CODE, 0x8e
    ; TF: traps after each of three instructions
    pushf
    or dword [esp], 0x100
    popf
    nop
    nop
    pushf
    and dword [esp], ~0x100
    popf
    mov eax, [dr6_seen]
    call print
    ; nop, nop, pushf and the and, and popf: five traps; two are not counted
    mov eax, [count]
    sub eax, 2
    call print
    ; an instruction breakpoint faults before it
    mov dword [count], 0
    mov dword [dr6_seen], 0
    mov eax, .here
    mov dr0, eax
    mov eax, 0x401
    mov dr7, eax
    xor ebx, ebx
.here:
    inc ebx
    mov eax, ebx
    call print
    mov eax, [dr6_seen]
    call print
    ; a data breakpoint traps after the store
    mov dword [dr6_seen], 0
    mov dword [count], 0
    mov eax, cell
    mov dr1, eax
    mov eax, 0xd00004
    mov dr7, eax
    mov eax, [cell]
    mov dword [cell], 0x11
    mov eax, [dr6_seen]
    call print
    mov eax, [cell]
    call print
    ; a read-write one of 4 bytes, hit by a byte inside
    mov dword [dr6_seen], 0
    mov eax, cell
    mov dr2, eax
    mov eax, 0xf000010
    mov dr7, eax
    mov al, [cell + 3]
    mov eax, [dr6_seen]
    call print
    ; ports, with CR4.DE
    mov dword [dr6_seen], 0
    mov eax, cr4
    or al, 8
    mov cr4, eax
    mov eax, 0xe0
    mov dr2, eax
    mov eax, 0x2000010
    mov dr7, eax
    in al, 0xe0
    mov eax, [dr6_seen]
    call print
    ; general detect
    xor eax, eax
    mov dr6, eax
    mov dword [dr6_seen], 0
    mov eax, 0x2400
    mov dr7, eax
    mov eax, dr0
    mov eax, [dr6_seen]
    call print
    ; MOV SS holds a single-step trap back until the next instruction is done
    mov dword [dr6_seen], 0
    mov dword [count], 0
    mov eax, .after_ss
    mov dr0, eax
    mov eax, 0x401
    mov dr7, eax
    pushf
    or dword [esp], 0x100
    mov ax, ss
    popf
    mov ss, ax
.after_ss:
    nop
    pushf
    and dword [esp], ~0x100
    popf
    xor eax, eax
    mov dr7, eax
    mov eax, [dr6_seen]
    or eax, [count_1]
    call print
    end 0
on_debug:
    push eax
    push ebx
    mov ebx, dr6
    and ebx, 0xe00f
    or [dr6_seen], ebx
    inc dword [count]
    xor eax, eax
    mov dr6, eax
    mov eax, [esp + 8]
    cmp eax, main.here
    jne .no
    or dword [esp + 16], 0x10000    ; RF
.no:
    test ebx, 0x2000
    jz .out
    mov dword [esp + 16], 0x10002
.out:
    pop ebx
    pop eax
    iret
count: dd 0
count_1: dd 1
dr6_seen: dd 0
    align 16
cell: dd 0, 0
