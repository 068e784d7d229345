; SMM: the handler at 30000 + 8000 sees real mode with 4 GiB segments; RSM
; brings everything back; SMBASE can be moved.
;; out 53535353
;; out 00020064
;; out 00012345
;; out 00000001
;; out 53535353
;; out 00012345
%define MORE_GDT
%include "prot.inc"
main:
    ; copy the handler to 38000
    mov esi, handler
    mov edi, 0x38000
    mov ecx, handler_end - handler
    rep movsb
    mov ebx, 0x12345
    mov al, 1
    out SMI, al
    nop
    mov eax, ebx
    call print
    mov eax, cr0
    and eax, 1
    call print
    ; it moved SMBASE to 70000: the next one is there
    mov esi, handler
    mov edi, 0x78000
    mov ecx, handler_end - handler
    rep movsb
    mov byte [0x38000], 0xf4
    out SMI, al
    nop
    mov eax, ebx
    call print
    end 0
    bits 16
handler:
    mov eax, 0x53535353
    xor ebx, ebx
    mov ecx, 8
.next:
    rol eax, 4
    push ax
    and al, 15
    add al, '0'
    out PUT, al
    pop ax
    dec cx
    jnz .next
    mov al, 10
    out PUT, al
    cmp byte [dword 0x50000], 1
    je .done
    mov byte [dword 0x50000], 1
    ; the revision, in hexadecimal; digits only
    mov eax, [dword 0x3fefc]
    mov cx, 8
.rev:
    rol eax, 4
    push ax
    and al, 15
    add al, '0'
    out PUT, al
    pop ax
    dec cx
    jnz .rev
    mov al, 10
    out PUT, al
    mov dword [dword 0x3ff00], 0x70000
.done:
    rsm
handler_end:
