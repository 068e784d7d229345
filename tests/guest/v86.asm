; Virtual-8086 mode: entry by IRET, privileged instructions trap, INT goes to
; protected mode with the segments on its stack, VME redirects to the table.
;; out 000d0000
;; out 000000f4
;; out 000d0182
;; out 00033002
;; out 00001234
;; out 000d0000
;; out 00005678
%define MORE_GDT
%include "prot.inc"
%macro enter_v86 2 ; offset in segment 0, flags
    push dword 0            ; GS
    push dword 0
    push dword 0
    push dword 0            ; ES
    push dword 0            ; SS
    push dword 0x6000
    push dword %2 | 0x20002
    push dword 0
    push dword %1
    iret
%endmacro
main:
    ; the TSS: no I/O bitmap, interrupt redirection map of zeroes at 0x88 - 32
    faults .a
    enter_v86 code1, 0
.a: movzx eax, byte [fault_eip]
    mov eax, [fault_eip]
    movzx eax, byte [eax]
    call print              ; at the HLT
    ; INT with IOPL 0 and no VME: #GP(0); with IOPL 3: the gate
    faults .b
    enter_v86 code2, 0x3000
.b: mov eax, [fault_flags]
    call print
    ; through a gate: the handler sees V86 segments above
    set_gate 0x31, handler, CODE, 0xee
    enter_v86 code3, 0x3000
handler:
    mov ax, DATA
    mov ds, ax
    mov eax, [ss:esp + 24]  ; ES
    cmp eax, 0
    jne bad
    mov eax, 0x1234
    call print
    ; VME
    mov eax, cr4
    or al, 1
    mov cr4, eax
    mov word [4 * 0x32], code4
    mov word [4 * 0x32 + 2], 0
    mov esp, STACK
    enter_v86 code5, 0
bad:
    end 1
    bits 16
code1:
    hlt
code2:
    int 0x30                ; no gate: not present
code3:
    int 0x31
code4: ; reached by INT 32 in V86 mode itself
    mov dword [saved], 0x5678
    iret
code5:
    xor eax, eax
    mov dword [resume], code6
    int 0x32
    hlt                     ; leaves by #GP, which prints
    bits 32
code6:
    mov eax, [saved]
    call print
    end 0
saved: dd 0
