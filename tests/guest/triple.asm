; No IDT at all: a triple fault.
;; out a
;; triple
%define MORE_GDT
%include "prot.inc"
main:
    putc 'a'
    putc 10
    lidt [none]
    ud2
none: dw 0
    dd 0
