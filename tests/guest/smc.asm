; Code that changes itself: the next instruction, a called function, through
; an alias of the page, and over a page's end.
;; out 00000002
;; out 00000005
;; out 00004950
;; out 00000007
;; out 0000000a
;; out 00000063
%define MORE_GDT
%include "prot.inc"
main:
    ; the very next instruction
    mov byte [.imm + 1], 2
.imm: mov eax, 1
    call print
    ; twice in the same block, forwards
    mov ecx, 2
.again:
    mov al, [.patched + 1]
    add al, 2
    mov [.patched + 1], al
    nop
.patched:
    mov eax, 1
    loop .again
    call print
    ; a function rewritten before each call
    xor esi, esi
    mov ecx, 100
.rewrite:
    mov edi, function
    mov byte [edi], 0xb8
    mov [edi + 1], ecx
    mov byte [edi + 5], 0xc3
    call edi
    add esi, eax
    loop .rewrite
    mov eax, esi
    sub eax, 5050 - 0x4950
    call print
    ; an instruction over a page's end, each half changed
    mov edi, 0x90000 - 2
    mov byte [edi], 0xb8
    mov dword [edi + 1], 7
    mov byte [edi + 5], 0xc3
    call edi
    call print
    mov byte [edi + 1], 10
    call edi
    call print
    mov dword [edi + 2], 0xc3000000
    mov byte [edi + 1], 0x63
    call edi
    call print
    end 0
    align 16
function: times 16 nop
