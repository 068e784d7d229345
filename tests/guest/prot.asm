; Protected mode: faults with their error codes, privilege, gates.
;; out 000d0018
;; out 000d0100
;; out 000b0040
;; out 000c0000
;; out 000d0048
;; out 000d0000
;; out 00000000
;; out 00060000
;; out 000d0302
;; out 00000003
;; out 000d0000
;; out 00000033
;; out 00000077
;; out 00000033
;; out 0000001b
;; out 0000f00d
%macro more 0
    descriptor 0, 0xfffff, 0x92, 0xc        ; 30
    descriptor 0x1000, 0xfff, 0x92, 4       ; 38: small
    descriptor 0, 0xfffff, 0x12, 0xc        ; 40: not present
    descriptor 0, 0xfffff, 0x98, 0xc        ; 48: execute only
call_gate:                                  ; 50: to CODE:gate, 1 parameter, DPL 3
    dw gate, CODE
    db 1, 0xec
    dw 0
%endmacro
%define MORE_GDT more
%include "prot.inc"
main:
    ; DPL 3 code as SS
    faults .a
    mov ax, 0x18
    mov ss, ax
.a: ; a selector outside the GDT
    faults .b
    mov ax, 0x100
    mov ds, ax
.b: ; not present
    faults .c
    mov ax, 0x40
    mov ds, ax
.c: ; beyond the limit of a small stack
    faults .d
    mov ax, 0x38
    mov ss, ax
    mov esp, 0x800
    mov eax, [ss:0x0ffd]
.d: ; read of an execute-only segment: through FS
    faults .e
    mov ax, 0x48
    mov fs, ax
.e:
    mov ax, 0
    mov gs, ax
    faults .f
    mov eax, [gs:0]
.f: ; division by zero
    faults .g
    xor edx, edx
    xor ecx, ecx
    div ecx
.g:
    faults .h
    ud2
.h: ; INT without a gate: error = vector * 8 + 2
    faults .i
    int 0x60
.i: ; user mode and back through an interrupt gate with DPL 3
    set_gate 0x30, .user_call, CODE, 0xee
    push dword DATA3
    push dword STACK - 0x2000
    push dword 0x3002
    push dword CODE3
    push dword .user
    iret
.user:
    mov ax, DATA3
    mov ds, ax
    mov es, ax
    mov ax, cs
    and eax, 3
    int 0x30 ; prints CPL
    ; privileged
    faults .j
    hlt
.j: ; privilege was dropped by the handler: still at CPL 0 here
    push dword DATA3
    push dword STACK - 0x2000
    push dword 0x3002
    push dword CODE3
    push dword .user2
    iret
.user2:
    mov ax, DATA3
    mov ds, ax
    push dword 0x77
    call 0x50:0
    mov eax, 0x33
    int 0x30
    mov dword [resume], .k
    mov eax, cs
    int 0x30
.last:
    mov eax, [esp - 4]
    mov eax, 0xf00d
    int 0x30
    ; call gate parameters were released by retf 4
    cmp esp, STACK - 0x2000
    jne .bad
    end 0
.bad:
    ud2
.k:
    end 1
.user_call:
    push eax
    call print
    pop eax
    cmp eax, 0x1b
    iret
gate:
    mov eax, 0x33
    call print
    mov eax, [esp + 8]
    call print
    retf 4
