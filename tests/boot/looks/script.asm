; SPDX-License-Identifier: MIT
; A boot sector that does what the sectors behind it say: tests/boot/screens.py
; writes them. Each step is a byte and its operands, words unless said:
;   0 stop           1 INT 10h: AX BX CX DX, BP = an offset in the script (ES)
;   2 OUT port byte  3 OUT port word   4 bytes to memory: seg off count, bytes
;   5 fill: seg off count, a byte      6 MOVSB: seg from count to
;   7 IN port        8 a byte of memory: seg off (both: "=XX" on the serial line)
;   9 "S", then waits for a byte on the serial line
;   10 VBE: mode (to the linear frame buffer)
;   11 fills the linear frame buffer: offset, dwords, value (double words)
    bits 16
    org 0x7c00
    COM1 equ 0x3f8
    SCRIPT equ 0x1000 ; segment
    jmp 0:start
start:
    cli
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7c00
    lgdt [gdtr]
    mov eax, cr0 ; FS to 4 GiB, and A20
    or al, 1
    mov cr0, eax
    mov bx, 8
    mov fs, bx
    and al, 0xfe
    mov cr0, eax
    in al, 0x92
    or al, 2
    out 0x92, al
    sti
    mov ax, SCRIPT
    mov es, ax
    xor bx, bx
    mov si, 1 ; sector, from 0
.read: ; 64 sectors, one by one
    mov ax, si
    mov cl, 18
    div cl
    mov cl, ah
    inc cl
    xor ah, ah
    shr al, 1
    mov ch, al
    adc ah, 0
    mov dh, ah
    xor dl, dl
    mov ax, 0x0201
    int 0x13
    add bx, 512
    inc si
    cmp si, 65
    jb .read
    mov ax, SCRIPT
    mov ds, ax
    xor si, si
    cld
step:
    lodsb
    cbw
    xchg ax, bx
    add bx, bx
    call [cs:steps + bx]
    jmp step

stop:
    hlt
    jmp stop
int10:
    lodsw
    push ax
    lodsw
    xchg ax, bx
    lodsw
    xchg ax, cx
    lodsw
    xchg ax, dx
    lodsw
    xchg ax, bp
    pop ax
    push ds
    pop es
    pusha
    int 0x10
    popa
    ret
out8:
    lodsw
    xchg ax, dx
    lodsb
    out dx, al
    ret
out16:
    lodsw
    xchg ax, dx
    lodsw
    out dx, ax
    ret
place: ; ES:DI, CX
    lodsw
    mov es, ax
    lodsw
    xchg ax, di
    lodsw
    xchg ax, cx
    ret
poke:
    call place
    rep movsb
    ret
fill:
    call place
    lodsb
    rep stosb
    ret
copy:
    call place ; DI: where from
    lodsw ; where to
    push si
    push ds
    mov si, di
    xchg ax, di
    push es
    pop ds
    rep movsb
    pop ds
    pop si
    ret
in8:
    lodsw
    xchg ax, dx
    in al, dx
    jmp say
peek:
    lodsw
    mov es, ax
    lodsw
    xchg ax, di
    mov al, [es:di]
say:
    push ax
    mov al, '='
    call put
    pop ax
    push ax
    shr al, 4
    call digit
    pop ax
    and al, 15
    call digit
    mov al, 10
    jmp put
digit:
    add al, '0'
    cmp al, '9'
    jbe put
    add al, 7
put:
    push dx
    push ax
    mov dx, COM1 + 5
.full:
    in al, dx
    test al, 0x20
    jz .full
    mov dx, COM1
    pop ax
    out dx, al
    pop dx
    ret
shot:
    mov al, 'S'
    call put
    mov dx, COM1 + 5
.none:
    in al, dx
    test al, 1
    jz .none
    mov dx, COM1
    in al, dx
    ret
vbe:
    lodsw
    xchg ax, cx
    xor di, di
    mov es, di
    mov di, 0x8000
    mov ax, 0x4f01
    int 0x10
    mov bx, cx
    or bh, 0x40
    mov ax, 0x4f02
    int 0x10
    mov al, ah ; 0: done
    jmp say
fill_linear:
    mov edi, [cs:0x8028]
    lodsd
    add edi, eax
    lodsd
    xchg eax, ecx
    lodsd
.dword:
    mov [fs:edi], eax
    add edi, 4
    dec ecx
    jnz .dword
    ret

steps:
    dw stop, int10, out8, out16, poke, fill, copy, in8, peek, shot, vbe, fill_linear
gdt:
    dq 0
    dq 0x00cf92000000ffff
gdtr:
    dw 15
    dd gdt
    times 510 - ($ - $$) db 0
    dw 0xaa55
