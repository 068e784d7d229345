; Task switches: JMP, CALL and IRET, nested, by task gate, with busy bits.
;; out 000000a1
;; out 0000008b
;; out 00000028
;; out 000000b2
;; out 00000089
;; out 000000c3
;; out 000d0028
;; out 000000d4
;; out 00000038
%macro more 0
    descriptor tss2 - $$ + 0x7c00, 0x67, 0x89, 0    ; 30
    descriptor tss3 - $$ + 0x7c00, 0x67, 0x89, 0    ; 38
    dw 0, 0x38                              ; 40: task gate
    db 0, 0x85
    dw 0
%endmacro
%define MORE_GDT more
%include "prot.inc"
main:
    mov eax, 0xa1
    call print
    call 0x30:0             ; to the second task
    mov eax, 0xb2
    call print
    movzx eax, byte [gdt + 0x30 + 5]
    call print              ; not busy any more
    ; JMP to the own (busy) TSS
    faults .a
    mov eax, 0xc3
    call print
    jmp 0x28:0
.a: ; an interrupt through a task gate
    set_gate 0x41, 0, 0x38, 0x85
    int 0x41
    end 0

task2:
    movzx eax, byte [gdt + 0x30 + 5]
    call print              ; busy
    movzx eax, word [tss2]
    call print              ; back link
    iret
    jmp task2

task3:
    mov eax, 0xd4
    call print
    str ax
    movzx eax, ax
    call print
    iret
    jmp task3

%macro task 2
    dd 0
    dd 0, 0, 0, 0, 0, 0
    dd 0                    ; CR3
    dd %1, 2                ; EIP, EFLAGS
    dd 0, 0, 0, 0, %2, 0, 0, 0
    dd DATA, CODE, DATA, DATA, DATA, DATA
    dd 0
    dw 0, 0x68
%endmacro
tss2: task task2, STACK - 0x4000
tss3: task task3, STACK - 0x5000
