# SPDX-License-Identifier: MIT
"""The VNC server, as clients see it."""
import random
import re
import socket
import struct
import subprocess
import time

import rfb
import rhea


def free_displays(n):
    """A display with n free ones from it on."""
    for display in range(200, 2000, n):
        sockets = []
        try:
            for i in range(n):
                s = socket.socket()
                sockets.append(s)
                s.bind(("127.0.0.1", 5900 + display + i))
            return display
        except OSError:
            continue
        finally:
            for s in sockets:
                s.close()
    raise OSError("no free ports")


class Vnc(rhea.TestCase):
    def start(self, *args, vnc="", count=1, **kw):
        self.display = free_displays(count)
        m = self.machine("-vnc", f"127.0.0.1:{self.display}{vnc}", *args, **kw)
        return m

    def client(self, password=None, **kw):
        c = rfb.connect(5900 + self.display, password, **kw)
        self.addCleanup(c.close)
        return c

    def dump(self, m):
        path = f"{m.dir}/screen.ppm"
        m.qmp.cmd("screendump", filename=path)
        with open(path, "rb") as f:
            head, w, h, data = re.fullmatch(rb"(P6)\n(\d+) (\d+)\n255\n(.*)", f.read(), re.S).groups()
        return int(w), int(h), data

    def wait_same(self, m, c, tries=200):
        """Until the client's picture is the screen's."""
        for _ in range(tries):
            c.update()
            w, h, data = self.dump(m)
            if (c.width, c.height) == (w, h) and c.rgb() == data:
                return data
            time.sleep(0.05)
        self.fail(f"the picture differs: {c.width}x{c.height}, {w}x{h}")

    def test_picture(self):
        m = self.start("-boot", "order=a")
        c = self.client()
        self.assertEqual(c.types, b"\1")
        self.assertTrue(c.name.startswith("Rhea"))
        data = b""
        end = time.time() + rhea.TIMEOUT
        while len(set(data)) < 2 and time.time() < end:  # SeaBIOS writes
            data = self.wait_same(m, c)
        m.qmp.cmd("stop")
        self.assertGreater(len(set(self.wait_same(m, c))), 1)

    def test_resize(self):
        m = self.start("-accel", "qtest", qtest=True)
        c = self.client()
        c.update()
        q = m.qtest
        for index, value in ((4, 0), (1, 648), (2, 300), (3, 32), (4, 0x41)):  # [BOCHS-VBE]
            q.outw(0x1ce, index)
            q.outw(0x1cf, value)
        end = time.time() + rhea.TIMEOUT
        while (648, 300) not in c.resizes and time.time() < end:
            c.update()
        self.assertIn((648, 300), c.resizes)
        self.wait_same(m, c)
        # a client that knows no resizes keeps its picture
        old = self.client(encodings=(rfb.RAW,))
        old.update()

    def test_password(self):
        m = self.start("-accel", "qtest", vnc=",password=on")
        for word in ("", "guess"):
            with self.assertRaises(rfb.Refused):
                self.client(word)
        m.qmp.cmd("change-vnc-password", password="secret")
        with self.assertRaises(rfb.Refused):
            self.client("wrong")
        self.client("secret").update()
        m.qmp.cmd("set_password", protocol="vnc", password="other")
        with self.assertRaises(rfb.Refused):
            self.client("secret")
        self.client("other").update()
        m.qmp.cmd("expire_password", protocol="vnc", time="now")
        with self.assertRaises(rfb.Refused):
            self.client("other")
        self.assertEqual(m.qmp.cmd("query-vnc")["auth"], "vnc")

    def test_password_secret(self):
        self.start("-accel", "qtest", "-object", "secret,id=s0,data=hush", vnc=",password-secret=s0")
        self.client("hush").update()
        with self.assertRaises(rfb.Refused):
            self.client("loud")

    def test_keys(self):
        m = self.start("-accel", "qtest", qtest=True)
        c = self.client()
        c.update()
        self.translate(m.qtest)
        for keysym, codes in ((ord("a"), [0x1e, 0x9e]), (ord("A"), [0x1e, 0x9e]), (0xff52, [0xe0, 0x48, 0xe0, 0xc8]),
                              (0xffbe, [0x3b, 0xbb]), (ord("?"), [0x35, 0xb5]), (0xff0d, [0x1c, 0x9c])):
            c.key(keysym)
            self.assertEqual(self.scancodes(m.qtest, len(codes)), codes, hex(keysym))

    def translate(self, q):
        """To set 1, as the firmware sets the controller up."""
        q.outb(0x64, 0x60)
        q.outb(0x60, 0x40)

    def scancodes(self, q, n):
        got = []
        for _ in range(1000):
            status = q.inb(0x64)
            if status & 1:
                b = q.inb(0x60)
                if not status & 0x20:
                    got.append(b)
                if len(got) == n:
                    break
            else:
                q.step(1000000)
                time.sleep(0.002)
        return got

    def test_keymap(self):
        m = self.start("-accel", "qtest", "-k", "de", qtest=True)
        c = self.client()
        c.update()
        self.translate(m.qtest)
        for keysym, code in ((ord("z"), 0x15), (ord("y"), 0x2c), (0xf6, 0x27), (ord("@"), 0x10), (0xdf, 0x0c),
                             (0xfe52, 0x29), (ord("-"), 0x35), (0x20ac, 0x12)):
            c.key(keysym)
            self.assertEqual(self.scancodes(m.qtest, 2), [code, code | 0x80], hex(keysym))

    def test_events_and_query(self):
        m = self.start("-accel", "qtest")
        c = self.client()
        c.update()
        e = m.qmp.event("VNC_CONNECTED")
        self.assertEqual(e["data"]["client"]["host"], "127.0.0.1")
        m.qmp.event("VNC_INITIALIZED")
        v = m.qmp.cmd("query-vnc")
        self.assertEqual((v["host"], v["service"], v["family"]), ("127.0.0.1", str(5900 + self.display), "ipv4"))
        self.assertEqual(len(v["clients"]), 1)
        c.close()
        m.qmp.event("VNC_DISCONNECTED")
        self.assertEqual(m.qmp.cmd("query-vnc")["clients"], [])

    def test_several_clients(self):
        m = self.start()
        clients = [self.client() for _ in range(4)]
        for c in clients:
            c.update()
        clients[0].close()
        for c in clients[1:]:
            self.wait_same(m, c)

    def test_websocket(self):
        self.display = free_displays(1)
        web = 5700 + self.display
        m = self.machine("-accel", "qtest", "-vnc", f"127.0.0.1:{self.display},websocket=on")
        s = socket.create_connection(("127.0.0.1", web), rhea.TIMEOUT)
        c = rfb.Client(rfb.WebSocket(s))
        self.addCleanup(c.close)
        self.wait_same(m, c)

    def test_unix(self):
        m = self.machine("-accel", "qtest", "-vnc", "unix:@vnc")
        c = rfb.Client(m.connect("vnc"))
        self.addCleanup(c.close)
        self.wait_same(m, c)
        self.assertEqual(m.qmp.cmd("query-vnc")["family"], "unix")

    def test_ports(self):
        self.start("-accel", "qtest", count=3)
        first = self.display
        r = subprocess.run([rhea.BINARY, "-accel", "qtest", "-vnc", f"127.0.0.1:{first}"], capture_output=True, text=True,
                           timeout=rhea.TIMEOUT, check=False)
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr, rf"^rhea: VNC: port {5900 + first} .*taken.*to=99.*\n$")
        m = self.machine("-accel", "qtest", "-vnc", f"127.0.0.1:{first},to={first + 2}")
        self.assertEqual(m.qmp.cmd("query-vnc")["service"], str(5900 + first + 1))
        none = self.machine("-accel", "qtest", "-vnc", "none")
        self.assertEqual(none.qmp.cmd("query-vnc"), {"enabled": False})

    def test_goes_in_the_middle(self):
        m = self.start("-accel", "qtest")
        for i in range(20):
            c = self.client()
            c.request()
            if i & 1:
                c.read(100)
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()
        self.client().update()
        m.qmp.cmd("quit")
        self.assertEqual(m.wait(), 0)

    def test_stalled_client_stalls_nobody(self):
        m = self.start("-accel", "qtest")
        c = self.client()
        c.send(b"\4\1")  # a key event's beginning
        for _ in range(5):
            begin = time.time()
            m.qmp.cmd("query-status")
            self.assertLess(time.time() - begin, 2)
        m.qmp.cmd("quit")
        self.assertEqual(m.wait(), 0)

    def test_noise(self):
        m = self.start("-accel", "qtest")
        rng = random.Random(11)
        for i in range(60):
            if i & 1:
                c = self.client()
            else:
                c = socket.create_connection(("127.0.0.1", 5900 + self.display), rhea.TIMEOUT)
            data = bytes([rng.choice([0, 2, 3, 4, 5, 6, rng.randrange(256)])]) + rng.randbytes(rng.randrange(200))
            try:
                (c.send if i & 1 else c.sendall)(data)
            except OSError:
                pass
            c.close()
        self.assertIn("status", m.qmp.cmd("query-status"))
        self.client().update()

    def test_mistakes(self):
        for arg, text in (("x", "HOST:DISPLAY"), (":99999", "HOST:DISPLAY"), (":1,frob=1", "frob"), (":1,sasl=on", "sasl"),
                          ("no.such.host.invalid:1", "no.such.host.invalid"), ("unix:/nonexistent/x", "/nonexistent/x"),
                          (":1,password-secret=nope", "nope")):
            with self.subTest(arg):
                r = subprocess.run([rhea.BINARY, "-accel", "qtest", "-vnc", arg], capture_output=True, text=True,
                                   timeout=rhea.TIMEOUT, check=False)
                self.assertEqual(r.returncode, 1)
                self.assertIn(text, r.stderr)
                self.assertEqual(r.stderr.count("\n"), 1, r.stderr)


if __name__ == "__main__":
    rhea.main()
