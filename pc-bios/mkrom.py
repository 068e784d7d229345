#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mkrom.py CC SOURCE OUT.c [PREBUILT]: assembles an option ROM and writes it as C.

On a host whose compiler does not make x86 code the ROM that was assembled
elsewhere (PREBUILT, kept beside the source) is taken. CC is one argument.
"""
import pathlib, shlex, subprocess, sys, tempfile


def assemble(cc, source):
    with tempfile.TemporaryDirectory() as tmp:
        elf, flat = f'{tmp}/rom.elf', f'{tmp}/rom.bin'
        gnu_as = ['-fno-integrated-as'] if 'clang' in cc else []
        base = shlex.split(cc) + gnu_as + ['-m32', '-nostdlib', '-ffreestanding', '-fno-pic', '-no-pie',
                                  '-I', str(source.parent), '-Wl,-Ttext=0,--oformat=binary,-m,elf_i386',
                                  '-Wl,--build-id=none', str(source)]
        for blocks in (1, 2, 4, 8, 16):
            subprocess.run(base + [f'-Wa,--defsym,SIZE_BLOCKS={blocks}', '-o', flat], check=True,
                           stderr=subprocess.DEVNULL)
            rom = bytearray(pathlib.Path(flat).read_bytes())
            if len(rom) < blocks * 512:
                return rom.ljust(blocks * 512, b'\0')
    raise SystemExit(f'{source}: too large')


def fix_checksums(rom):
    pnp = int.from_bytes(rom[0x1a:0x1c], 'little')
    if rom[pnp:pnp + 4] == b'$PnP':
        rom[pnp + 9] = 0
        rom[pnp + 9] = -sum(rom[pnp:pnp + 32]) & 0xff
    rom[-1] = 0
    rom[-1] = -sum(rom) & 0xff


def main():
    cc, source, out = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    prebuilt = source.with_suffix('.rom')
    try:
        rom = assemble(cc, source)
        fix_checksums(rom)
    except (subprocess.CalledProcessError, OSError):
        rom = prebuilt.read_bytes()
    name = 'rom_' + source.stem
    rows = [', '.join(f'0x{b:02x}' for b in rom[i:i + 12]) for i in range(0, len(rom), 12)]
    pathlib.Path(out).write_text('#include "pc-bios/roms.h"\n\nconst uint8_t %s[] = {\n    %s,\n};\n'
                                 'const size_t %s_size = sizeof(%s);\n'
                                 % (name, ',\n    '.join(rows), name, name))


main()
