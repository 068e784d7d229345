#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mkimage.py CC SOURCE OUT: assembles a boot sector into a 1.44 MB floppy image."""
import pathlib, shlex, subprocess, sys

FLOPPY = 1474560
cc, source, out = sys.argv[1:4]
subprocess.run(shlex.split(cc) + ['-m32', '-nostdlib', '-ffreestanding', '-fno-pic', '-no-pie',
               '-Wl,-Ttext=0,--oformat=binary,-m,elf_i386', '-Wl,--build-id=none', source, '-o', out], check=True)
sector = pathlib.Path(out).read_bytes()
assert len(sector) == 512, len(sector)
pathlib.Path(out).write_bytes(sector.ljust(FLOPPY, b'\0'))
