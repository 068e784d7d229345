# SPDX-License-Identifier: MIT
"""Starts machines for tests, and talks to them: QMP, monitor, qtest."""
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

BINARY = os.environ.get("RHEA", "build/rhea")
TIMEOUT = 30


class QmpError(Exception):
    def __init__(self, error):
        super().__init__(error["desc"])
        self.cls = error["class"]
        self.desc = error["desc"]


def connect(path, process=None):
    """A Unix socket that somebody is about to listen on."""
    end = time.time() + TIMEOUT
    while True:
        if process and process.poll() not in (None, 0):  # 0: -daemonize
            raise OSError(f"rhea ended: {process.stdout.read().decode()}")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(TIMEOUT)
        try:
            s.connect(path)
            return s
        except OSError:
            s.close()
            if time.time() > end:
                raise
            time.sleep(0.02)


class Lines:
    """Lines from a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = b""

    def send(self, text):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the peer is gone")
        self.buf += data

    def line(self):
        while b"\n" not in self.buf:
            self.more()
        text, _, self.buf = self.buf.partition(b"\n")
        return text.decode().rstrip("\r")

    def until(self, mark):
        mark = mark.encode()
        while mark not in self.buf:
            self.more()
        text, _, self.buf = self.buf.partition(mark)
        return text.decode()

    def ready(self, seconds=0.0):
        if self.buf:
            return True
        return bool(select.select([self.sock], [], [], seconds)[0])

    def close(self):
        self.sock.close()


class Qmp(Lines):
    def __init__(self, sock, negotiate=True):
        super().__init__(sock)
        self.events = []
        self.greeting = json.loads(self.line())
        if negotiate:
            self.cmd("qmp_capabilities")

    def message(self):
        return json.loads(self.line())

    def answer(self):
        while True:
            m = self.message()
            if "event" not in m:
                return m
            self.events.append(m)

    def cmd(self, name, **args):
        request = {"execute": name}
        if args:
            request["arguments"] = {k.replace("_", "-"): v
                                    for k, v in args.items()}
        return self.raw(request)

    def raw(self, request):
        self.send(json.dumps(request) + "\n")
        m = self.answer()
        if "error" in m:
            raise QmpError(m["error"])
        return m["return"]

    def hmp(self, line):
        return self.raw({"execute": "human-monitor-command",
                         "arguments": {"command-line": line}})

    def event(self, name):
        while True:
            for i, e in enumerate(self.events):
                if e["event"] == name:
                    return self.events.pop(i)
            m = self.message()
            assert "event" in m, m
            self.events.append(m)


class Qtest(Lines):
    def __init__(self, sock):
        super().__init__(sock)
        self.irqs = {}

    def cmd(self, *words):
        self.send(" ".join(w if isinstance(w, str) else hex(w)
                           for w in words) + "\n")
        while True:
            a = self.line().split(" ", 2)
            if a[0] != "IRQ":
                break
            self.irqs[int(a[2])] = a[1] == "raise"
        if a[0] != "OK":
            raise ValueError(" ".join(a))
        return a[1] if len(a) > 1 else ""

    def inb(self, port):
        return int(self.cmd("inb", port), 0)

    def inw(self, port):
        return int(self.cmd("inw", port), 0)

    def inl(self, port):
        return int(self.cmd("inl", port), 0)

    def outb(self, port, value):
        self.cmd("outb", port, value)

    def outw(self, port, value):
        self.cmd("outw", port, value)

    def outl(self, port, value):
        self.cmd("outl", port, value)

    def read(self, addr, size):
        return bytes.fromhex(self.cmd("read", addr, size)[2:])

    def write(self, addr, data):
        self.cmd("write", addr, len(data), "0x" + data.hex())

    def step(self, ns=None):
        return int(self.cmd("clock_step", *([str(ns)] if ns else [])))


class Machine:
    """rhea with the given arguments; its sockets live in `dir`."""

    def __init__(self, *args, qmp=True, qtest=False, **kw):
        self.dir = tempfile.mkdtemp(prefix="rhea-test-")
        self.args = [BINARY, "-display", "none"]
        if qmp:
            self.args += ["-qmp", f"unix:{self.dir}/qmp,server=on,wait=off"]
        if qtest:
            self.args += ["-qtest", f"unix:{self.dir}/qtest,server,nowait"]
        self.args += [a.replace("@", self.dir + "/") for a in args]
        self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, **kw)
        self.qtest = Qtest(self.connect("qtest")) if qtest else None
        self.qmp = Qmp(self.connect("qmp")) if qmp else None

    def connect(self, name):
        return connect(f"{self.dir}/{name}", self.process)

    def wait(self):
        return self.process.wait(TIMEOUT)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        self.process.stdout.close()
        for s in (self.qmp, self.qtest):
            if s:
                s.close()
        shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class TestCase(unittest.TestCase):
    def machine(self, *args, **kw):
        m = Machine(*args, **kw)
        self.addCleanup(m.close)
        return m

    def qtest(self, *args):
        return self.machine("-machine", "pc", *args, qmp=False,
                            qtest=True).qtest


main = unittest.main
