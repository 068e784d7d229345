# SPDX-License-Identifier: MIT
"""Pictures of screens, compared with those that are kept beside the tests."""
import struct, zlib


def unfilter(kind, line, above, step):
    """A line of a PNG as it was before filtering."""
    for i in range(len(line)):
        left, up = (line[i - step] if i >= step else 0), above[i]
        corner = above[i - step] if i >= step else 0
        if kind == 4:  # Paeth
            p = left + up - corner
            guess = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
        else:
            guess = (0, left, up, (left + up) // 2)[kind]
        line[i] = (line[i] + guess) & 255
    return line


def read_png(path):
    """Width, height and the dots, three bytes each, of an 8-bit RGB picture."""
    data, at, body = path.read_bytes(), 8, b''
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        if kind == b'IHDR':
            width, height, depth, colour = struct.unpack('>IIBB', data[at + 8:at + 18])
        elif kind == b'IDAT':
            body += data[at + 8:at + 8 + length]
        at += length + 12
    if (depth, colour) != (8, 2):
        raise ValueError(f'{path}: not 8-bit RGB')
    raw, stride, above, dots = zlib.decompress(body), 3 * width, bytes(3 * width), bytearray()
    for y in range(height):
        start = y * (stride + 1)
        above = unfilter(raw[start], bytearray(raw[start + 1:start + 1 + stride]), above, 3)
        dots += above
    return width, height, bytes(dots)


def likeness(a, b):
    """The share of dots that are nearly the same in two pictures."""
    (w, h, dots), (w2, h2, dots2) = read_png(a), read_png(b)
    if (w, h) != (w2, h2):
        return 0.0
    if dots == dots2:
        return 1.0
    same = sum(1 for i in range(0, len(dots), 3)
               if dots[i:i + 3] == dots2[i:i + 3] or max(abs(dots[i + k] - dots2[i + k]) for k in range(3)) <= 16)
    return same / (w * h)
