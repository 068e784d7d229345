; A fault whose handler's descriptor is bad becomes #DF.
;; out 00080000
;; out 00080000
;; out 000a0038
%macro more 0
    descriptor tss2 - $$ + 0x7c00, 0x67, 0x89, 0    ; 30: for #DF
    descriptor 0x1000, 0x10, 0x89, 0                ; 38: a TSS that is too small
    dw 0, 0x38                                      ; 40: a gate to it
    db 0, 0x85
    dw 0
%endmacro
%define MORE_GDT more
%include "prot.inc"
main:
    set_gate 13, 0, 0x18 + 0x400, 0x8e      ; CS outside the GDT
    faults .a
    mov ax, 0x100
    mov ds, ax
.a: ; #DE whose gate is not present: #NP, contributory: #DF
    set_gate 0, fault, CODE, 0x0e
    faults .b
    xor ecx, ecx
    div ecx
.b:
    faults .c
    jmp 0x38:0
.c:
    end 0
tss2: times 0x68 db 0
