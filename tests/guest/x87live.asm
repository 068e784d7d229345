; x87 state between instructions that may run on the host's x87 and those that
; must not: faults at operands, exceptions that get unmasked, TS, and what
; FNSTENV and FXSAVE tell of the last instruction and its operand.
;; out 000e0000
;; out 40000000
;; out 00000000
;; out 00000000
;; out 00003020
;; out 000e0002
;; out 40000000
;; out 00003020
;; out 00000000
;; out 00100000
;; out 00000000
;; out 00003004
;; out 00070000
;; out 00000000
;; out 3f800000
;; out 00000000
;; out 00000000
;; out 00000000
;; out 00000002
;; out 0000ffff
;; out 00000001
;; out 00000000
;; out 00000000
%include "long.inc"
%define NOWHERE 0x40000000
; [image + %1] less %2
%macro show 2
    mov eax, [image + %1]
    sub eax, %2
    call print
%endmacro
%macro show_top 0
    xor eax, eax
    fnstsw ax
    and eax, 0x38ff
    call print
%endmacro
main:
    mov rax, cr0
    or al, 0x22 ; NE, MP
    and al, ~0x0c
    mov cr0, rax
    ; an operand that faults: the pointers are those of the one before
    fninit
    fld1
    fldpi
.a: fadd qword [two]
    faults .read
    fld qword [abs NOWHERE]
.read:
    fnstenv [image]
    show 12, .a
    show 20, two
    show_top
    ; ... and nothing is popped
.b: fxch st1
    faults .write
    fstp qword [abs NOWHERE]
.write:
    show_top
    fnstenv [image]
    show 12, .b
    ; FLDCW unmasks: what follows is an exception
    fninit
    fld1
    fldz
    fldcw [unmasked]
.c: fdivp st1
    faults .mf
    fld1
.mf:
    fnstenv [image]
    show 12, .c
    show_top
    ; TS while the state is in use
    fninit
.d: fld1
    mov rax, cr0
    or al, 8
    mov cr0, rax
    faults .nm
    fldpi
.nm:
    clts
    fnstenv [image]
    show 12, .d
    fstp dword [image]
    show 0, 0
    ; the operand's pointer is an offset
    mov ecx, 0xc0000100
    mov eax, 0x1000
    xor edx, edx
    wrmsr
    fninit
.e: fld dword [fs:one - 0x1000]
    fnstcw [image + 4]
    o64 fxsave [image]
    show 8, .e
    show 16, one - 0x1000
    ; MMX after x87, and x87 after EMMS
    fld1
    pcmpeqd mm3, mm3
    fnstenv [image]
    mov eax, [image + 4]
    and eax, 0x3800
    call print
    mov eax, [image + 8]
    shr eax, 6
    and eax, 3
    call print
    emms
    fnstenv [image]
    movzx eax, word [image + 8]
    call print
    ; the flags of FCOMI, and FCMOV by them
    xor eax, eax
    fld1
    fldpi
    fcomi st1
    seta al
    call print
    cmp eax, 1
    fcmove st1
    fcomip st1
    setne al
    call print
    ; FNINIT forgets the pointers
    fninit
    fnstenv [image]
    show 12, 0
    end 0

unmasked: dw 0x37b
    align 8
two: dq 2.0
one: dd 1.0
    align 16
image: times 512 db 0
