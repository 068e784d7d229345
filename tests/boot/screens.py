# SPDX-License-Identifier: MIT
"""Every class of VGA mode: a boot sector sets it and draws, the picture must be what the IBM VGA shows.

What is expected is computed from [VGA] and [VBE-DISPI], dot by dot. looks/script.asm runs the steps that a Script collects.
"""
import pathlib, shutil, struct, subprocess, tempfile, time

from machine import TOP, Failed, Machine, Skipped, test

GRAPHICS, CGA, TEXT, MONO = 0xa000, 0xb800, 0xb800, 0xb000
SEQ, GC, CRTC, ATTR = 0x3c4, 0x3ce, 0x3d4, 0x3c0
EGA = [bytes.fromhex(c) for c in '000000 0000aa 00aa00 00aaaa aa0000 aa00aa aa5500 aaaaaa '
       '555555 5555ff 55ff55 55ffff ff5555 ff55ff ffff55 ffffff'.split()]
BLACK, GREY, WHITE = EGA[0], EGA[7], EGA[15]
SHOWN = {}  # {"folder": FOLDER}: keeps the pictures there, for who wants to look


class Script:
    """Steps of looks/script.asm."""

    def __init__(self):
        self.code, self.data = b'', []

    def step(self, number, form, *values):
        self.code += struct.pack('<B' + form, number, *values)
        return self

    def int10(self, ax, bx=0, cx=0, dx=0, data=None):
        if data is not None:
            self.data.append((len(self.code) + 9, data))
        return self.step(1, '5H', ax, bx, cx, dx, 0)

    def out(self, port, value):
        return self.step(2, 'HB', port, value)

    def index(self, port, index, value):
        return self.step(3, 'HH', port, index | value << 8)

    def attr(self, index, value):
        """The attribute controller: the palette can be written while the screen is off alone."""
        return self.read(0x3da).out(ATTR, index).out(ATTR, value).out(ATTR, 0x20)

    def poke(self, seg, off, data):
        self.step(4, 'HHH', seg, off, len(data))
        self.code += bytes(data)
        return self

    def fill(self, seg, off, count, value):
        return self.step(5, 'HHHB', seg, off, count, value)

    def copy(self, seg, source, to, count):
        return self.step(6, '4H', seg, source, count, to)

    def read(self, port):
        return self.step(7, 'H', port)

    def peek(self, seg, off):
        return self.step(8, 'HH', seg, off)

    def shot(self):
        return self.step(9, '')

    def vbe(self, mode):
        return self.step(10, 'H', mode)

    def linear(self, offset, count, value):
        return self.step(11, 'III', offset, count, value)

    def mode(self, number):
        return self.int10(number)

    def image(self):
        code = bytearray(self.code + b'\0')
        for at, data in self.data:
            struct.pack_into('<H', code, at, len(code))
            code += data
        if len(code) > 64 * 512:
            raise ValueError('the script is too long')
        return bytes(code)


class Screens:
    """A machine that runs a script."""

    def __init__(self, rhea, script, folder, extra=()):
        image = folder / 'script.img'
        subprocess.run(['nasm', '-f', 'bin', '-o', image, TOP / 'tests/boot/looks/script.asm'], check=True)
        image.write_bytes((image.read_bytes() + script.image()).ljust(1440 * 1024, b'\0'))
        self.folder, self.m = folder, Machine(rhea, ['-m', '16', '-snapshot', '-fda', image, *extra])

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.m.__exit__(*exc)

    def value(self):
        return int(self.m.expect(r'=([0-9A-F]{2})', 60)[1], 16)

    def next(self):
        """The next shot is ready."""
        self.m.expect('S', 60)

    def go(self):
        self.m.send('g')

    def dump(self):
        """What is on the screen: width, height, dots."""
        path = self.folder / 'screen.ppm'
        self.m.hmp(f'screendump {path}', 30)
        magic, size, depth, dots = path.read_bytes().split(b'\n', 3)
        if (magic, depth) != (b'P6', b'255'):
            raise Failed('not a PPM')
        return (*map(int, size.split()), dots)

    def must(self, name, width, height, dot):
        """The picture must have dot(x, y) everywhere."""
        w, h, dots = self.dump()
        if (w, h) != (width, height):
            raise Failed(f'{name}: the screen is {w} x {h}, not {width} x {height}')
        rows = {}
        for y in range(height):
            want = rows.setdefault(y, b''.join(dot(x, y) for x in range(width)))
            seen = dots[3 * y * width:3 * (y + 1) * width]
            if seen != want:
                x = next(x for x in range(width) if seen[3 * x:3 * x + 3] != want[3 * x:3 * x + 3])
                if SHOWN:
                    shutil.copy(self.folder / 'screen.ppm', f'{SHOWN["folder"]}/{name}-bad.ppm')
                raise Failed(f'{name}: at {x},{y} {seen[3 * x:3 * x + 3].hex()}, not {want[3 * x:3 * x + 3].hex()}')
        if SHOWN:
            shutil.copy(self.folder / 'screen.ppm', f'{SHOWN["folder"]}/{name}.ppm')

    def sooner_or_later(self, name, right, seconds=30):
        """Blinking: the picture is like that at some time."""
        end = time.monotonic() + seconds
        while not right(*self.dump()):
            if time.monotonic() > end:
                raise Failed(f'{name}: never seen')
            time.sleep(0.05)


def screens(f):
    """A test of a script: f() yields a name, size and dots for each shot of script `f.script`."""
    def run(rhea):
        if not shutil.which('nasm'):
            raise Skipped('nasm is not installed')
        with tempfile.TemporaryDirectory() as folder:
            f(rhea, pathlib.Path(folder))
    run.__name__, run.__doc__ = f.__name__, f.__doc__
    return test(run)


def at(dots, width, x, y):
    return dots[3 * (y * width + x):][:3]


# --- text ---

BLOCK = bytes([0xff]) * 16


@screens
def vga_text(rhea, folder):
    """Text: 40 columns, nine dots, two fonts, attributes, cursor, blinking, panning, monochrome."""
    s = Script()
    s.mode(1).int10(0x1003, 0).int10(0x0100, cx=0x2000)
    for n in range(8):
        s.poke(TEXT, n * 10, bytes([0x20, n << 4]) * 5)
    s.shot()
    # Nine dots: the ninth is the eighth again for C0h..DFh, else background.
    s.mode(3).int10(0x0100, cx=0x2000)
    for code in (0x41, 0xbf, 0xc0, 0xdf, 0xe0):
        s.int10(0x1100, 0x1000, 1, code, BLOCK)
    s.poke(TEXT, 0, b'\x41\x07\xbf\x07\xc0\x07\xdf\x07\xe0\x07').shot()
    # Font B, chosen by bit 3 of the attribute, which stays a bit of the colour.
    s.int10(0x1100, 0x1001, 1, 0x41, bytes([0x0f]) * 16).int10(0x1103, 0x0004)
    s.poke(TEXT, 0, b'\x41\x07\x41\x0f\x20\x07\x20\x07\x20\x07').shot()
    # A bright background where nothing blinks.
    s.int10(0x1103, 0).int10(0x1003, 0).poke(TEXT, 0, b'\x20\x80\x20\xf0\x41\x8f').shot()
    # Preset row scan and byte-wise panning: rows and columns move.
    s.int10(0x1003, 0).fill(TEXT, 0, 4000, 0).poke(TEXT, 0, b'\x41\x07' + b'\0\0' * 79 + b'\x41\x02')
    s.index(CRTC, 8, 5).shot()
    s.index(CRTC, 8, 0).attr(0x13, 2).shot()  # nine dots: 8 is none, 0 is one, 2 is three
    s.attr(0x13, 8).index(CRTC, 0x0d, 80).shot()
    # The cursor on (0, 0), lines 3 to 5, then characters that blink.
    s.index(CRTC, 0x0d, 0).fill(TEXT, 0, 4000, 0).poke(TEXT, 0, b'\x20\x07')
    s.index(CRTC, 0x0a, 3).index(CRTC, 0x0b, 5).index(CRTC, 0x0e, 0).index(CRTC, 0x0f, 0).shot()
    s.int10(0x0100, cx=0x2000).int10(0x1003, 1).poke(TEXT, 0, b'\x41\x87\x41\x07').shot()
    # Monochrome: underlined, intense, reverse.
    s.mode(7).int10(0x0100, cx=0x2000).int10(0x1100, 0x1000, 1, 0x41, BLOCK)
    s.fill(MONO, 0, 4000, 0).poke(MONO, 0, b'\x20\x01\x41\x07\x41\x0f\x41\x70').out(0x3b4, 0x14).read(0x3b5).shot()
    with Screens(rhea, s, folder) as m:
        m.next()
        m.must('text40', 720, 400, lambda x, y: EGA[x // 90] if y < 16 else BLACK)
        m.go(), m.next()
        nine = {0: 8, 1: 8, 2: 9, 3: 9, 4: 8}
        m.must('text80', 720, 400, lambda x, y: GREY if y < 16 and x < 45 and x % 9 < nine[x // 9] else BLACK)
        m.go(), m.next()
        m.must('fonts', 720, 400, lambda x, y: BLACK if y > 15 or x > 17 else GREY if x < 8 else
               WHITE if 13 <= x < 17 else BLACK)
        m.go(), m.next()
        m.must('bright', 720, 400, lambda x, y: BLACK if y > 15 or x > 26 else EGA[8] if x < 9 else
               WHITE if x < 26 else EGA[8])
        m.go(), m.next()
        m.must('rowscan', 720, 400, lambda x, y: BLACK if x > 7 else GREY if y < 11 else EGA[2] if y < 27 else BLACK)
        m.go(), m.next()
        m.must('textpan', 720, 400, lambda x, y: (EGA[2] if y < 16 else BLACK) if x >= 717 else  # the next row's first
               BLACK if x > 4 else GREY if y < 16 else EGA[2] if y < 32 else BLACK)
        m.go(), m.next()
        m.must('textstart', 720, 400, lambda x, y: EGA[2] if x < 8 and y < 16 else BLACK)
        m.go(), m.next()
        for name, colour in (('cursor', GREY), ('no cursor', BLACK)):
            m.sooner_or_later(name, lambda w, h, d: [at(d, w, 4, y) for y in range(8)] ==
                              [BLACK] * 3 + [colour] * 3 + [BLACK] * 2)
        m.go(), m.next()
        for name, colour in (('blink', GREY), ('blinked', BLACK)):
            m.sooner_or_later(name, lambda w, h, d: (at(d, w, 4, 8), at(d, w, 13, 8)) == (colour, GREY))
        m.go()
        line = m.value() & 31
        m.next()
        m.must('mono', 720, 400, lambda x, y: BLACK if y > 15 or x > 35 else
               (GREY if y == line else BLACK) if x < 9 else
               (BLACK if x % 9 == 8 else GREY) if x < 18 else
               (BLACK if x % 9 == 8 else WHITE) if x < 27 else (GREY if x % 9 == 8 else BLACK))


# --- CGA, EGA ---

def planes(s, number, row, rows, colours=16):
    """Bars of the colours, `row` bytes a line."""
    s.mode(number)
    for plane in range(4):
        s.index(SEQ, 2, 1 << plane)
        line = b''.join(bytes([0xff if c >> plane & 1 else 0]) * (row // colours) for c in range(colours))
        s.poke(GRAPHICS, 0, line)
    return s.index(SEQ, 2, 15).index(GC, 5, 1).copy(GRAPHICS, 0, row, row * (rows - 1))


@screens
def vga_graphics(rhea, folder):
    """CGA 4, 5, 6, EGA 0Dh, 0Eh, 0Fh, 10h, MCGA 11h and 13h: every dot of bars and interleaved lines."""
    s = Script()
    for number in (4, 5):
        s.mode(number).fill(CGA, 0, 80, 0x1b).fill(CGA, 0x2000, 80, 0xe4).fill(CGA, 0x1ef0, 80, 0xff).shot()
    s.mode(6).fill(CGA, 0, 40, 0xf0).fill(CGA, 0x2000, 80, 0xff).shot()
    planes(s, 0x0d, 40 // 8 * 8, 200, 8).shot()
    planes(s, 0x0e, 80, 200).shot()
    planes(s, 0x10, 80, 350).shot()
    s.mode(0x0f).index(SEQ, 2, 1).fill(GRAPHICS, 0, 20, 0xff).index(SEQ, 2, 4).fill(GRAPHICS, 10, 20, 0xff).shot()
    s.mode(0x11).fill(GRAPHICS, 0, 40, 0xcc).shot()
    s.mode(0x13).poke(GRAPHICS, 0, bytes(range(256))).shot()
    # 13h is turned into 256 colours at 320 x 240 in planes, with two pages.
    s.mode(0x13).index(SEQ, 4, 6).out(0x3c2, 0xe3)
    for index, value in ((0x11, 0x2c), (6, 0x0d), (7, 0x3e), (9, 0x41), (0x10, 0xea), (0x11, 0xac), (0x12, 0xdf),
                         (0x14, 0), (0x15, 0xe7), (0x16, 6), (0x17, 0xe3)):
        s.index(CRTC, index, value)
    s.index(SEQ, 2, 15).fill(GRAPHICS, 0, 19200, 2).fill(GRAPHICS, 19200, 19200, 4)
    s.index(SEQ, 2, 2).fill(GRAPHICS, 0, 80, 14).shot().index(CRTC, 0x0c, 19200 >> 8).index(CRTC, 0x0d, 0).shot()
    cga = [BLACK, EGA[11], EGA[13], WHITE]
    with Screens(rhea, s, folder) as m:
        for number in (4, 5):
            def four(x, y):
                line, dot = y // 2, x // 2
                if line == 0:
                    return cga[dot % 4]
                if line == 1:
                    return cga[3 - dot % 4]
                return cga[3] if line == 198 else BLACK
            m.next()
            m.must(f'mode{number}', 640, 400, four)
            m.go()
        m.next()
        m.must('mode6', 640, 400, lambda x, y: (WHITE if x < 320 and x % 8 < 4 else BLACK) if y < 2 else
               WHITE if y < 4 else BLACK)
        m.go(), m.next()
        m.must('modeD', 640, 400, lambda x, y: EGA[x // 80])
        m.go(), m.next()
        m.must('modeE', 640, 400, lambda x, y: EGA[x // 40])
        m.go(), m.next()
        m.must('mode10', 640, 350, lambda x, y: EGA[x // 40])
        m.go(), m.next()
        w, h, dots = m.dump()
        seen = [at(dots, w, x, 0) for x in (4, 100, 200, 300)]
        if (w, h) != (640, 350) or seen[3] != BLACK or seen[0] == BLACK or seen[1] == BLACK:
            raise Failed(f'mode0F: {w} x {h}, {[c.hex() for c in seen]}')
        m.go(), m.next()
        m.must('mode11', 640, 480, lambda x, y: WHITE if y == 0 and x < 320 and x % 4 < 2 else BLACK)
        m.go(), m.next()
        w, h, dots = m.dump()
        if (w, h) != (640, 400) or [at(dots, w, 2 * n, 1) for n in range(16)] != EGA or at(dots, w, 2 * 40, 0) != b'\xff\0\0':
            raise Failed('mode13: the first colours of the palette are not what they should be')
        m.go(), m.next()
        m.must('modeX', 640, 480, lambda x, y: EGA[14] if y < 2 and x // 2 % 4 == 1 else EGA[2])
        m.go(), m.next()
        m.must('modeX page', 640, 480, lambda x, y: EGA[4])


@screens
def vga_registers(rhea, folder):
    """Split screen, panning, start address, palette and DAC mask, screen off."""
    s = Script()
    s.mode(0x0d).index(SEQ, 2, 1).fill(GRAPHICS, 0, 4000, 0xff).index(SEQ, 2, 2).fill(GRAPHICS, 0x2000, 8000, 0xf0)
    # From line 150 (300 of the screen's) on: address 0 again. Line compare: 299.
    s.index(CRTC, 0x0c, 0x20).index(CRTC, 0x0d, 0)
    s.index(CRTC, 0x18, 299 & 255).index(CRTC, 7, 0x1f).index(CRTC, 9, 0x80).shot()
    s.attr(0x13, 3).shot()  # both parts move ...
    s.index(SEQ, 2, 15).poke(GRAPHICS, 0, b'\x0f').attr(0x10, 0x21).shot()  # ... the lower one does not
    s.attr(0x10, 1).attr(0x13, 0).index(CRTC, 0x18, 255).index(CRTC, 9, 0xc0)
    # The attribute palette, its two ways to 256 colours, and the DAC mask.
    s.index(CRTC, 0x0c, 0).index(SEQ, 2, 15).fill(GRAPHICS, 0, 8000, 0).index(SEQ, 2, 1).fill(GRAPHICS, 0, 8000, 0xff)
    s.attr(1, 0x3f).shot().attr(1, 4).shot()
    s.out(0x3c8, 0x54).out(0x3c9, 0x3f).out(0x3c9, 0x20).out(0x3c9, 0x01)
    s.attr(0x10, 0x81).attr(0x14, 5).shot().out(0x3c6, 0x0f).shot()
    s.index(SEQ, 1, 0x29).shot()
    with Screens(rhea, s, folder) as m:
        m.next()
        m.must('split', 640, 400, lambda x, y: EGA[1] if y >= 300 and y < 500 else EGA[2] if x // 2 % 8 < 4 else BLACK)
        m.go(), m.next()
        m.must('split pan', 640, 400, lambda x, y: EGA[1] if y >= 300 else EGA[2] if (x // 2 + 3) % 8 < 4 else BLACK)
        m.go(), m.next()
        m.must('split stop', 640, 400, lambda x, y: (EGA[2] if (x // 2 + 3) % 8 < 4 else BLACK) if y < 300 else
               EGA[1] if y > 301 or x >= 16 else BLACK if x < 8 else WHITE)
        for name, colour in (('palette', WHITE), ('palette red', EGA[4]), ('colour select', b'\xff\x82\x04'),
                             ('DAC mask', EGA[4]), ('off', BLACK)):
            m.go(), m.next()
            m.must(name.replace(' ', '_'), 640, 400, lambda x, y: colour)


@screens
def vga_writes(rhea, folder):
    """Write modes 0 to 3 with latches, set/reset, bit mask and rotation; read modes 0 and 1."""
    s, want = Script(), []

    def planes_are(*values):
        for plane, value in enumerate(values):
            s.index(GC, 4, plane).peek(GRAPHICS, 1)
            want.append(value)

    s.mode(0x12).index(SEQ, 2, 15)

    def reset():
        """Planes are 11h 22h 44h 88h at 0 and in the latches."""
        s.index(GC, 1, 0).index(GC, 3, 0).index(GC, 5, 0).index(GC, 8, 255).index(GC, 7, 15)
        for plane in range(4):
            s.index(SEQ, 2, 1 << plane).fill(GRAPHICS, 0, 1, 0x11 << plane)
        s.index(SEQ, 2, 15).fill(GRAPHICS, 1, 1, 0).peek(GRAPHICS, 0)
        want.append(0x11)

    s.index(GC, 4, 0)
    reset()
    s.fill(GRAPHICS, 1, 1, 0x5a)
    planes_are(0x5a, 0x5a, 0x5a, 0x5a)
    for function, combine in enumerate((lambda a, b: a, lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a ^ b)):
        s.index(GC, 4, 0)
        reset()
        s.index(GC, 3, function << 3 | 3).index(GC, 8, 0xf0).fill(GRAPHICS, 1, 1, 0xa7)
        value = 0xa7 >> 3 | 0xa7 << 5 & 255
        planes_are(*((combine(value, 0x11 << p) & 0xf0) | (0x11 << p & 0x0f) for p in range(4)))
    s.index(GC, 4, 0)
    reset()  # set/reset: planes 0 and 2 get 1 and 0, the others the byte
    s.index(GC, 0, 0x01).index(GC, 1, 0x05).fill(GRAPHICS, 1, 1, 0x3c)
    planes_are(0xff, 0x3c, 0x00, 0x3c)
    s.index(GC, 4, 0)
    reset()  # mode 1: the latches
    s.index(GC, 5, 1).fill(GRAPHICS, 1, 1, 0xee).index(GC, 5, 0)
    planes_are(0x11, 0x22, 0x44, 0x88)
    s.index(GC, 4, 0)
    reset()  # mode 2: a colour, by the bit mask
    s.index(GC, 5, 2).index(GC, 8, 0x3c).fill(GRAPHICS, 1, 1, 0x06).index(GC, 5, 0)
    planes_are(0x11 & 0xc3, 0x3c | 0x22 & 0xc3, 0x3c | 0x44 & 0xc3, 0x88 & 0xc3)
    s.index(GC, 4, 0)
    reset()  # mode 3: the byte, rotated, is a mask too; the colour is set/reset's
    s.index(GC, 5, 3).index(GC, 0, 0x09).index(GC, 3, 4).index(GC, 8, 0xf8).fill(GRAPHICS, 1, 1, 0x9f).index(GC, 5, 0)
    mask = (0x9f >> 4 | 0x9f << 4 & 255) & 0xf8
    planes_are(*((mask if 9 >> p & 1 else 0) | (0x11 << p & 0xff & ~mask) for p in range(4)))
    reset_read = s.index(GC, 4, 0)
    reset()
    for plane, value in enumerate((0xf0, 0xcc, 0xaa, 0xff)):
        reset_read.index(SEQ, 2, 1 << plane).fill(GRAPHICS, 2, 1, value)
    for compare, care in ((0x0f, 0x0f), (0x0b, 0x0f), (0x05, 0x07), (0x00, 0x00)):
        s.index(GC, 5, 8).index(GC, 2, compare).index(GC, 7, care).peek(GRAPHICS, 2)
        value = 0
        for bit in range(8):
            dot = sum((v >> bit & 1) << p for p, v in enumerate((0xf0, 0xcc, 0xaa, 0xff)))
            value |= ((dot ^ compare) & care == 0) << bit
        want.append(value)
    with Screens(rhea, s, folder) as m:
        for n, value in enumerate(want):
            seen = m.value()
            if seen != value:
                raise Failed(f'byte {n} of what was written reads {seen:02x}, not {value:02x}')


# --- VBE ---

@screens
def vga_vbe(rhea, folder):
    """VBE: 8, 15, 16, 24 and 32 bits a dot in the linear frame buffer; virtual size, panning, a DAC of 8 bits."""
    s = Script()
    modes = {0x101: (640, 480, 1), 0x110: (640, 480, 2), 0x111: (640, 480, 2), 0x112: (640, 480, 3), 0x141: (640, 400, 4)}
    colours = {0x101: 0x04040404, 0x110: 0x7c007c00, 0x111: 0x07e007e0, 0x112: 0xff0000ff, 0x141: 0x00804020}
    for mode, (width, height, size) in modes.items():
        s.vbe(mode).linear(0, width * height * size // 4, 0).linear(width * size * 10, width * size * 5 // 4, colours[mode])
        s.shot()
    # A virtual screen of 1024 dots, seen from (100, 20): the DISPI's own registers.
    s.vbe(0x101).step(3, 'HH', 0x1ce, 6).step(3, 'HH', 0x1cf, 1024).step(3, 'HH', 0x1ce, 8).step(3, 'HH', 0x1cf, 100)
    s.step(3, 'HH', 0x1ce, 9).step(3, 'HH', 0x1cf, 20).linear(0, 1024 * 100, 0).linear(1024 * 30 + 200, 25, 0x0e0e0e0e).shot()
    # Eight bits a colour.
    s.vbe(0x101).int10(0x4f08, 0x0800).out(0x3c8, 4).out(0x3c9, 0x81).out(0x3c9, 0x42).out(0x3c9, 0x07)
    s.linear(0, 640 * 480 // 4, 0x04040404).shot()
    shown = {0x101: [EGA[4]], 0x110: [b'\xff\0\0'], 0x111: [b'\0\xff\0'],
             0x112: [b'\0\0\xff', b'\xff\0\0', b'\xff\0\0', b'\0\0\xff'], 0x141: [b'\x80\x40\x20']}
    with Screens(rhea, s, folder) as m:
        for mode, (width, height, size) in modes.items():
            if m.value():
                raise Failed(f'mode {mode:x} is not to be had')
            m.next()
            dots = shown[mode]
            if size == 3:  # FF 00 00 FF | FF 00 00 FF: blue, green, red of dots that do not fit the pattern
                line = (b'\xff\0\0\xff' * 3)[:12]
                dots = [line[i:i + 3][::-1] for i in range(0, 12, 3)]
            m.must(f'vbe{mode:x}', width, height, lambda x, y: dots[x % len(dots)] if 10 <= y < 15 else BLACK)
            m.go()
        m.value(), m.next()
        m.must('virtual', 640, 480, lambda x, y: EGA[14] if y == 10 and 100 <= x < 200 else BLACK)
        m.go(), m.value(), m.next()
        m.must('dac8', 640, 480, lambda x, y: b'\x81\x42\x07')
