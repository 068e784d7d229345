; SPDX-License-Identifier: MIT
; A boot sector that draws sixteen bars, each a sixteenth of the width, in
; the mode that LOOK names: TEXT, M13, M12, MX, or VBE. Then it halts.
    bits 16
    org 0x7c00
    jmp 0:start
start:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7c00
    cld

%ifdef TEXT ; 5 columns a bar: blanks on the bar's colour, no blinking
    mov ax, 3
    int 0x10
    mov ax, 0x1003
    xor bx, bx
    int 0x10
    mov ah, 1 ; no cursor
    mov cx, 0x2000
    int 0x10
    mov ax, 0xb800
    mov es, ax
    xor di, di
    mov dx, 25
.row:
    mov ax, 0x0020
.bar:
    mov cx, 5
    rep stosw
    add ax, 0x1000
    jnc .bar
    dec dx
    jnz .row
%endif

%ifdef M13 ; a byte a pixel
    mov ax, 0x13
    int 0x10
    mov ax, 0xa000
    mov es, ax
    xor di, di
    mov dx, 200
.row:
    xor al, al
.bar:
    mov cx, 20
    rep stosb
    inc al
    cmp al, 16
    jb .bar
    dec dx
    jnz .row
%endif

%ifdef M12 ; four planes by the map mask: 5 bytes a bar
    mov ax, 0x12
    int 0x10
    mov ax, 0xa000
    mov es, ax
    mov bl, 1 ; plane's bit
.plane:
    mov dx, 0x3c4
    mov al, 2
    mov ah, bl
    out dx, ax
    xor di, di
    mov si, 480
.row:
    xor bh, bh
.bar:
    test bh, bl
    setz al
    dec al ; 0xff where the colour has the bit
    mov cx, 5
    rep stosb
    inc bh
    cmp bh, 16
    jb .bar
    dec si
    jnz .row
    shl bl, 1
    cmp bl, 16
    jb .plane
%endif

%ifdef MX ; mode 13h without chain 4: 320 x 400, 5 bytes a bar in all planes
    mov ax, 0x13
    int 0x10
    mov dx, 0x3c4
    mov ax, 0x0604
    out dx, ax
    mov ax, 0x0f02
    out dx, ax
    mov dx, 0x3d4
    mov ax, 0x0014 ; no double words
    out dx, ax
    mov ax, 0xe317 ; bytes
    out dx, ax
    mov al, 9 ; each line once
    out dx, al
    inc dx
    in al, dx
    and al, 0x60
    out dx, al
    mov ax, 0xa000
    mov es, ax
    xor di, di
    mov dx, 400
.row:
    xor al, al
.bar:
    mov cx, 5
    rep stosb
    inc al
    cmp al, 16
    jb .bar
    dec dx
    jnz .row
%endif

%ifdef VBE ; 800 x 600 x 32 by the BIOS, drawn through the window of 64 KiB
    mov ax, 0x4f02
    mov bx, 0x143
    int 0x10
    cmp ax, 0x004f
    jne $
    mov ax, 0xa000
    mov es, ax
    xor di, di
    xor bp, bp ; window's number
    call window
    mov dx, 600
.row:
    xor si, si
.bar:
    mov cx, 50
.dot:
    mov eax, si_colour
    movzx ebx, si
    imul eax, ebx
    stosd
    or di, di
    jnz .same
    inc bp
    call window
.same:
    loop .dot
    inc si
    cmp si, 16
    jb .bar
    dec dx
    jnz .row
    jmp halt
window:
    pusha
    mov ax, 0x4f05
    xor bx, bx
    mov dx, bp
    int 0x10
    popa
    ret
si_colour equ 0x010811
%endif

halt:
    mov al, 'D' ; drawn
    mov dx, 0x3f8
    out dx, al
.stop:
    hlt
    jmp .stop
    times 510 - ($ - $$) db 0
    dw 0xaa55
