; x87, MMX and SSE with the bits of CR0 and CR4 that keep them away, pending
; exceptions, and the images of FNSAVE and FNSTENV.
;; out 00070000
;; out 00070000
;; out 00000000
;; out 00070000
;; out 00060000
;; out 00060000
;; out 00100000
;; out 0000b084
;; out 00130000
;; out 00060000
;; out 0000037f
;; out 00003800
;; out 00003fff
;; out 0000ffff
;; out 00000000
;; out 00000002
;; out 00004000
;; out 0000ffff
%include "prot.inc"
main:
    ; CR0.EM: x87 is #NM
    mov eax, cr0
    or al, 0x24 ; NE, EM
    and al, ~0x0a
    mov cr0, eax
    faults .ts
    fninit
.ts:
    ; TS alone: x87 is #NM, WAIT is not
    mov eax, cr0
    and al, ~0x04
    or al, 0x08
    mov cr0, eax
    faults .wait
    fninit
.wait:
    fwait
    xor eax, eax
    call print
    ; TS and MP: WAIT too
    mov eax, cr0
    or al, 0x02
    mov cr0, eax
    faults .em
    fwait
.em:
    ; EM: MMX is #UD
    clts
    mov eax, cr0
    or al, 0x04
    mov cr0, eax
    faults .osfxsr
    paddb mm0, mm1
.osfxsr:
    ; without CR4.OSFXSR SSE is #UD
    mov eax, cr0
    and al, ~0x04
    mov cr0, eax
    faults .mf
    addps xmm0, xmm1
.mf:
    ; an unmasked division by zero: #MF at the next waiting instruction
    fninit
    fldcw [unmasked]
    fld1
    fldz
    fdivp st1
    faults .pending
    fwait
.pending:
    fnstsw ax
    movzx eax, ax
    call print ; still two registers; ES, B, ZE
    fninit
    ; SSE: #XM with OSXMMEXCPT, else #UD
    mov eax, cr4
    or eax, 0x600
    mov cr4, eax
    ldmxcsr [unmasked_sse]
    xorps xmm0, xmm0
    movss xmm1, [one]
    faults .noxm
    divss xmm1, xmm0
.noxm:
    mov eax, cr4
    and eax, ~0x400
    mov cr4, eax
    faults .save
    divss xmm1, xmm0
.save:
    ; FNSAVE with 16-bit operands: seven words, then ST(0)
    fninit
    fld1
    o16 fnsave [image]
    movzx eax, word [image]
    call print
    movzx eax, word [image + 2]
    call print
    movzx eax, word [image + 14 + 8]
    call print
    ; and everything is empty after it
    fnstenv [image]
    movzx eax, word [image + 8]
    call print
    ; MMX: TOP is 0, the stack is full, the exponent is ones
    fld1
    fld1
    movd mm2, eax
    fnstenv [image]
    mov eax, [image + 4]
    and eax, 0x3800
    call print
    mov eax, [image + 8]
    shr eax, 4
    and eax, 3
    call print
    emms
    fninit
    fldpi
    fstp tword [image]
    movzx eax, word [image + 8]
    call print
    fninit
    pcmpeqd mm7, mm7
    fnsave [image]
    movzx eax, word [image + 28 + 7 * 10 + 8]
    call print
    end 0

unmasked: dw 0x37b
    align 4
unmasked_sse: dd 0x1d80
one: dd 1.0
image: times 128 db 0
