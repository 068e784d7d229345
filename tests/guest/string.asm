; String instructions: overlap, direction, page borders, faults in the middle.
;; out 61616161
;; out 0badf00d
;; out 00000000
;; out 000e0002
;; out 00000ff0
;; out 00301000
;; out 00000010
;; out 00000003
;; out 00300ffe
;; out ok
%include "long.inc"
PT equ 0x103000
main:
    cld
    ; overlapping forwards: the first byte spreads
    mov edi, 0x200001
    mov esi, 0x200000
    mov byte [rsi], 'a'
    mov ecx, 0x2000
    rep movsb
    mov eax, [0x201ffd]
    call print
    ; backwards
    std
    mov dword [0x210000], 0x0badf00d
    mov esi, 0x210000
    mov edi, 0x210004
    mov ecx, 1
    rep movsd
    mov eax, [0x210004]
    call print
    mov eax, ecx
    call print
    cld
    ; a fault in the middle: the page after 0x300fff is missing
    mov edi, PT
    mov eax, 0x200003
    mov ecx, 512
.pt:
    mov [rdi], rax
    add eax, 0x1000
    add edi, 8
    loop .pt
    mov qword [PT + 257 * 8], 0
    mov qword [PD + 8], PT | 7
    mov rax, cr3
    mov cr3, rax
    mov dword [resume], .a
    mov edi, 0x300010
    mov ecx, 0x1000
    mov al, 'x'
    set_gate 14, .page_fault, CODE, 0x8e00
    rep stosb
    end 1
.page_fault:
    mov eax, [rsp]
    or eax, 0xe0000
    call print
    mov eax, 0xff0
    sub edi, 0x300010
    mov eax, edi
    call print
    mov rax, cr2
    call print
    mov eax, ecx            ; what is left
    call print
    jmp .a
.a: ; scas and cmps
    mov esp, STACK
    mov edi, .text
    mov al, 'l'
    mov ecx, 10
    repne scasb
    mov eax, edi
    sub eax, .text
    call print
    ; a word over a page's end into the missing page does not write a byte
    mov byte [0x300fff], 'q'
    set_gate 14, .page_fault2, CODE, 0x8e00
    mov edi, 0x300ffe
    mov eax, 0x11111111
    stosd
    end 2
.page_fault2:
    mov eax, edi
    call print
    cmp byte [0x300fff], 'q'
    jne .bad
    mov esi, .text
    mov edi, .text2
    mov ecx, 16
    repe cmpsb
    jne .differ
.bad:
    end 3
.differ:
    cmp ecx, 16 - 4
    jne .bad
    putc 'o'
    putc 'k'
    putc 10
    end 0
.text: db "hello world....."
.text2: db "help! world....."
