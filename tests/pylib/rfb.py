# SPDX-License-Identifier: MIT
"""A VNC client for tests: RFB 3.8, raw pixels, resizes, keys, WebSocket. [RFB]"""
import base64
import os
import select
import socket
import struct
import time

import des

RAW, DESKTOP_SIZE = 0, -223


class WebSocket:
    """A socket whose bytes travel in binary frames. [RFC6455]"""

    def __init__(self, sock):
        self.sock, self.frame = sock, b""
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                     b"Connection: Upgrade\r\nSec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) +
                     b"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n"
                     b"Origin: http://localhost\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(1)
        if b"101" not in head.split(b"\r\n")[0]:
            raise OSError(head.decode())

    def sendall(self, data):
        mask = os.urandom(4)
        head = bytes([0x82, 0x80 | len(data)]) if len(data) < 126 else b"\x82\xfe" + struct.pack(">H", len(data))
        self.sock.sendall(head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(data)))

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def recv(self, n):
        while not self.frame:
            op, size = self.exactly(2)
            size &= 0x7f
            if size == 126:
                size = struct.unpack(">H", self.exactly(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.exactly(8))[0]
            self.frame = self.exactly(size)
            if op & 15 == 8:
                raise EOFError
        data, self.frame = self.frame[:n], self.frame[n:]
        return data

    def fileno(self):
        return self.sock.fileno()

    def close(self):
        self.sock.close()


class Refused(Exception):
    pass


class Client:
    def __init__(self, sock, password=None, encodings=(RAW, DESKTOP_SIZE)):
        self.sock = sock
        self.resizes = []
        self.version = self.read(12)
        self.send(b"RFB 003.008\n")
        self.security(password)
        self.send(b"\1")  # shared
        self.width, self.height = struct.unpack(">HH", self.read(4))
        self.server_format = self.read(16)
        self.name = self.read(struct.unpack(">I", self.read(4))[0]).decode()
        self.send(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.send(struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings))
        self.clear()

    def clear(self):
        self.pixels = bytearray(self.width * self.height * 4)

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise EOFError("the server is gone")
            data += more
        return data

    def send(self, data):
        self.sock.sendall(data)

    def security(self, password):
        types = self.read(self.read(1)[0])
        if not types:
            raise Refused(self.read(struct.unpack(">I", self.read(4))[0]))
        self.types = types
        if 2 in types:
            self.send(b"\2")
            challenge = self.read(16)
            key = (password or "").encode()[:8].ljust(8, b"\0")
            key = bytes(int(f"{b:08b}"[::-1], 2) for b in key)  # bits mirrored
            self.send(des.encrypt(key, challenge))
        else:
            self.send(b"\1")
        if struct.unpack(">I", self.read(4))[0]:
            raise Refused(self.read(struct.unpack(">I", self.read(4))[0]))

    def request(self, incremental=False):
        self.send(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def rectangle(self):
        x, y, w, h, encoding = struct.unpack(">HHHHi", self.read(12))
        if encoding == DESKTOP_SIZE:
            self.width, self.height = w, h
            self.resizes.append((w, h))
            self.clear()
            return
        assert encoding == RAW, encoding
        data = self.read(w * h * 4)
        for row in range(h):
            at = ((y + row) * self.width + x) * 4
            self.pixels[at:at + w * 4] = data[row * w * 4:(row + 1) * w * 4]

    def message(self):
        """The next message's type."""
        kind = self.read(1)[0]
        if kind == 0:
            for _ in range(struct.unpack(">xH", self.read(3))[0]):
                self.rectangle()
        elif kind == 3:
            self.read(struct.unpack(">xxxI", self.read(7))[0])
        elif kind != 2:
            raise ValueError(f"message {kind}")
        return kind

    def update(self, incremental=False):
        self.request(incremental)
        while self.message() != 0:
            pass

    def ready(self, seconds):
        return bool(select.select([self.sock], [], [], seconds)[0])

    def rgb(self):
        """The picture as a PPM holds it."""
        p = self.pixels
        out = bytearray(self.width * self.height * 3)
        out[0::3], out[1::3], out[2::3] = p[2::4], p[1::4], p[0::4]
        return bytes(out)

    def key(self, keysym, down=None):
        for d in ([True, False] if down is None else [down]):
            self.send(struct.pack(">BBxxI", 4, d, keysym))

    def type(self, text):
        for c in text:
            shift = c.isupper() or c in '~!@#$%^&*()_+{}|:"<>?'
            if shift:
                self.key(0xffe1, True)
            self.key(0xff0d if c == "\n" else ord(c))
            if shift:
                self.key(0xffe1, False)
            time.sleep(0.02)

    def pointer(self, x, y, buttons=0):
        self.send(struct.pack(">BBHH", 5, buttons, x, y))

    def close(self):
        self.sock.close()


def connect(port, password=None, host="127.0.0.1", timeout=30, **kw):
    s = socket.create_connection((host, port), timeout)
    return Client(s, password, **kw)
