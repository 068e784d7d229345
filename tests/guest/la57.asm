; PCID and INVPCID, then 5-level paging: what raises #GP, what is flushed, and
; which addresses are canonical. [SDM] vol. 3, 4.5, 4.10; vol. 2, INVPCID.
; PCIDE while CR3 has a PCID:
;; out 000d0000
; INVPCID: type 4, PCID over 4095, a bad address:
;; out 000d0000
;; out 000d0000
;; out 000d0000
; a page of PCID 1 before and after its entry changed, by INVPCID of each type:
;; out 00000aaa
;; out 00000bbb
;; out 00000aaa
;; out 00000bbb
;; out 00000aaa
; a global page stays over INVPCID of type 3 and goes with type 2 and PGE:
;; out 00000bbb
;; out 00000aaa
; LA57 in long mode; a 57-bit address in 4-level paging:
;; out 000d0000
;; out 000d0000
; with 5 levels: that address, one of 58 bits, one that nothing is at
;; out 00000aaa
;; out 000d0000
;; out 000e0000
;; out 00600000
%include "long.inc"
PML5 equ 0x104000
PML4B equ 0x105000
HIGH_PAGE equ 0x0080000000400000
A equ 0x600000              ; what the page at 0x400000 is, and
B equ 0x800000              ; what it is moved to
PDE equ PD + 8 * 2          ; of 0x400000
; INVPCID of the type, with the descriptor in memory
%macro invalidate 1
    mov ecx, %1
    invpcid rcx, [desc]
%endmacro
%macro show 0
    mov eax, [0x400000]
    call print
%endmacro
%macro move_to 2 ; page, more bits
    mov dword [PDE], %1 | 0x87 | %2
%endmacro
main:
    mov dword [A], 0xaaa
    mov dword [B], 0xbbb
    mov rax, cr3
    or eax, 1
    mov cr3, rax            ; bits 3 and 4 alone mean something as yet
    faults .a
    mov rax, cr4
    or eax, 0x20000         ; PCIDE
    mov cr4, rax
.a:
    mov eax, PML4
    mov cr3, rax
    mov rax, cr4
    or eax, 0x20080         ; PCIDE PGE
    mov cr4, rax
    mov eax, PML4 | 1
    mov cr3, rax
    faults .b
    invalidate 4
.b:
    faults .c
    mov dword [desc], 0x1001
    invalidate 0
.c:
    mov dword [desc], 1
    faults .d
    mov dword [desc + 12], 0x8000
    invalidate 0
.d:
    mov dword [desc + 12], 0
    move_to A, 0
    invalidate 0
    show
    move_to B, 0
    invalidate 0
    show
    move_to A, 0
    invalidate 1
    show
    move_to B, 0
    invalidate 2
    show
    move_to A, 0
    invalidate 3
    show
    move_to B, 0x100
    invalidate 2
    show
    move_to A, 0
    mov rax, cr4
    xor eax, 0x80           ; PGE
    mov cr4, rax
    show
    faults .e
    mov rax, cr4
    or eax, 0x1000          ; LA57
    mov cr4, rax
.e:
    faults .f
    mov rax, HIGH_PAGE
    mov eax, [rax]
.f: ; out of long mode, where the number of levels may change
    mov eax, PML4
    mov cr3, rax
    mov rax, cr4
    and eax, ~0x20000
    mov cr4, rax
    jmp dword far [rel way_down]
    bits 32
down:
    mov eax, cr0
    and eax, 0x7fffffff
    mov cr0, eax
    mov ecx, 0xc0000080
    rdmsr
    and ah, ~1              ; LME
    wrmsr
    mov edi, PML5
    mov ecx, 0x800
    xor eax, eax
    rep stosd
    mov dword [PML5], PML4 | 7
    mov dword [PML5 + 0x80 * 8], PML4B | 7
    mov dword [PML4B], PDPT | 7
    mov eax, cr4
    or eax, 0x1000
    mov cr4, eax
    mov eax, PML5
    mov cr3, eax
    mov ecx, 0xc0000080
    rdmsr
    or ah, 1
    wrmsr
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    jmp CODE:up
    bits 64
up:
    mov rax, HIGH_PAGE
    mov eax, [rax]
    call print
    faults .a
    mov rax, HIGH_PAGE << 1
    mov eax, [rax]
.a:
    faults .b
    mov rax, HIGH_PAGE >> 1 & ~0xfffff | 0x400000
    mov eax, [rax]
.b:
    end 0
    align 16
desc: dq 1, 0x400000
way_down: dd down
    dw CODE32
