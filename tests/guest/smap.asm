; SMEP, SMAP with AC, protection keys, UMIP, alignment checks.
;; out 000e0011
;; out 00001000
;; out 000e0001
;; out 00001000
;; out 00000055
;; out 000e0025
;; out 00001000
;; out 000e0027
;; out 00001000
;; out 000e0021
;; out 00001000
;; out 000e0021
;; out 00001000
;; out 000d0000
;; out 00110000
;; out 00000077
%include "long.inc"
PT equ 0x103000
%macro to_user 1
    push qword DATA3
    push qword STACK - 0x4000
    push qword %1
    push qword CODE3
    push qword %%here
    iretq
%%here:
%endmacro
main:
    ; system pages, but for 0x1000 and the ones that user code needs
    mov edi, PT
    mov eax, 3
    mov ecx, 512
.pt:
    mov [rdi], rax
    add eax, 0x1000
    add edi, 8
    loop .pt
    mov qword [PT + 8], 0x1007
    mov qword [PD], PT | 7
    mov rax, cr3
    mov cr3, rax
    mov byte [0x1000], 0xc3
    mov rax, cr4
    or eax, 0x300000        ; SMEP, SMAP
    mov cr4, rax
    faults .a
    mov eax, 0x1000
    call rax
.a:
    faults .b
    mov al, [0x1000]
.b:
    stac
    mov byte [0x1000], 0x55
    movzx eax, byte [0x1000]
    clac
    call print
    ; protection keys: key 1 for 0x1000
    mov rax, 0x0800000000001007
    mov [PT + 8], rax
    mov qword [PT + 8 * 8], 0x8007  ; this code
    mov qword [PT + 7 * 8], 0x7007
    mov qword [PT + 0x7b * 8], 0x7b007
    mov rax, cr4
    or eax, 0x400800        ; PKE, UMIP
    and eax, ~0x300000
    mov cr4, rax
    mov rax, cr0
    or eax, 0x40000         ; AM
    mov cr0, rax
    xor ecx, ecx
    xor edx, edx
    mov eax, 4              ; key 1: no access
    wrpkru
    faults .c
    to_user 0x3002
    mov al, [0x1000]
.c:
    xor ecx, ecx
    xor edx, edx
    mov eax, 8              ; key 1: no writing
    wrpkru
    faults .d
    to_user 0x3002
    mov al, [0x1000]
    mov [0x1000], al
.d: ; what was allowed, and is in the TLB, until WRPKRU or XRSTOR forbids it
    xor ecx, ecx
    xor edx, edx
    xor eax, eax
    wrpkru
    mov al, [0x1000]
    mov eax, 4
    wrpkru
    faults .g
    mov al, [0x1000]
.g:
    mov rax, cr4
    or eax, 0x40000         ; OSXSAVE
    mov cr4, rax
    xor ecx, ecx
    xor edx, edx
    mov eax, 0x203          ; x87, SSE, PKRU
    xsetbv
    mov eax, 0xd
    mov ecx, 9
    cpuid
    mov edi, 0x20000
    mov dword [rdi + rbx], 4
    mov dword [rdi + 512], 0x200
    xor ecx, ecx
    xor edx, edx
    xor eax, eax
    wrpkru
    mov al, [0x1000]
    mov eax, 0x200
    xrstor [rdi]
    faults .h
    mov al, [0x1000]
.h:
    xor ecx, ecx
    xor edx, edx
    xor eax, eax
    wrpkru
    faults .e
    to_user 0x3002
    sgdt [rsp - 16]
.e:
    faults .f
    to_user 0x43002         ; AC
    mov eax, [0x1001]
.f: ; at CPL 0 alignment is not checked
    pushfq
    or dword [rsp], 0x40000
    popfq
    mov dword [0x1001], 0x77
    mov eax, [0x1001]
    call print
    end 0
