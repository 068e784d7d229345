# SPDX-License-Identifier: MIT
"""-nographic and mon:stdio on a real (pseudo) terminal."""
import os
import pathlib
import pty
import select
import signal
import subprocess
import termios
import time

import rhea


class Terminal(rhea.TestCase):
    def start(self, *args):
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.slave = slave
        self.addCleanup(os.close, slave)
        self.before = termios.tcgetattr(slave)
        self.out = b""
        p = subprocess.Popen([rhea.BINARY, *args], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        self.addCleanup(self.end, p)
        return p

    def end(self, p):
        if p.poll() is None:
            p.kill()
            p.wait()

    def type(self, text):
        os.write(self.master, text)

    def until(self, mark):
        end = time.time() + rhea.TIMEOUT
        while mark not in self.out:
            self.assertTrue(select.select([self.master], [], [], max(end - time.time(), 0))[0], self.out)
            self.out += os.read(self.master, 65536)
        _, _, self.out = self.out.partition(mark)

    def test_keys(self):
        p = self.start("-nographic", "-accel", "qtest")
        time.sleep(0.5)
        self.type(b"\x01h")
        self.until(b"Ctrl-A x")
        self.until(b"Ctrl-A Ctrl-A")
        self.type(b"\x01c")
        self.until(b"(qemu) ")
        self.type(b"info sta\t\r")
        self.until(b"VM status: running")
        self.type(b"p 2+\x7f*3\r")  # backspace
        self.until(b"0x6")
        self.type(b"\x1b[A\x1b[A\r")  # up, up
        self.until(b"VM status: running")
        self.type(b"\x01s\x01t\x01t\x01b\x01c\x01c\r")
        self.until(b"(qemu) ")
        self.type(b"\x01x")
        self.until(b"Ctrl-A x")
        self.assertEqual(p.wait(rhea.TIMEOUT), 0)
        self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def test_signals_restore_the_terminal(self):
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(sig):
                p = self.start("-nographic", "-accel", "qtest")
                for _ in range(500):
                    if termios.tcgetattr(self.slave) != self.before:
                        break
                    time.sleep(0.01)
                self.assertNotEqual(termios.tcgetattr(self.slave), self.before)
                p.send_signal(sig)
                self.assertEqual(p.wait(rhea.TIMEOUT), 0)
                self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def test_refusal_restores_the_terminal(self):
        p = self.start("-nographic", "-accel", "qtest", "-device", "nope")
        self.assertEqual(p.wait(rhea.TIMEOUT), 1)
        self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def test_small_guest(self):
        """The firmware copies the screen to the line: each letter comes once."""
        hello = pathlib.Path(rhea.BINARY).resolve().parent / "pc-bios/hello.img"
        p = self.start("-nographic", "-fda", str(hello), "-boot", "a", "-snapshot")
        self.until(b"This is the small guest of the build")
        self.until(b"> ")
        self.type(b"once")
        self.until(b"once")
        self.type(b"\x01x")
        self.assertEqual(p.wait(rhea.TIMEOUT), 0)

    def test_other_escape(self):
        p = self.start("-nographic", "-accel", "qtest", "-echr", "2")
        time.sleep(0.5)
        self.type(b"\x01x\x02h")
        self.until(b"Ctrl-B x")
        self.type(b"\x02x")
        self.assertEqual(p.wait(rhea.TIMEOUT), 0)

    def test_monitor_alone(self):
        p = self.start("-display", "none", "-accel", "qtest", "-monitor", "stdio")
        self.until(b"(qemu) ")
        self.type(b"quit\r")
        self.assertEqual(p.wait(rhea.TIMEOUT), 0)
        self.assertEqual(termios.tcgetattr(self.slave), self.before)


if __name__ == "__main__":
    rhea.main()
