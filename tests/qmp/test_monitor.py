# SPDX-License-Identifier: MIT
"""The monitor, streams, defaults, -daemonize."""
import os
import random
import select
import socket
import subprocess
import tempfile
import time

import rhea
from rhea import Lines


class Monitor(rhea.TestCase):
    def monitor(self, *args):
        m = self.machine("-monitor", "unix:@mon,server,nowait", *args)
        mon = Lines(m.connect("mon"))
        self.addCleanup(mon.close)
        self.assertIn("monitor - type 'help'", mon.until("(qemu) "))
        return m, mon

    def run_line(self, mon, line):
        mon.send(line + "\n")
        text = mon.until("(qemu) ")
        echo, _, answer = text.partition("\r\n")
        self.assertEqual(echo, line)
        return answer.replace("\r\n", "\n")

    def test_commands(self):
        m, mon = self.monitor("-accel", "qtest")
        self.assertIn("VM status", self.run_line(mon, "info status"))
        self.assertEqual(self.run_line(mon, "p 6*7"), "0x2a\n")
        self.assertIn("unknown command: 'foo'", self.run_line(mon, "foo"))
        self.assertEqual(self.run_line(mon, ""), "")
        self.assertIn("0xea", self.run_line(mon, "xp/4xb 0xffff0"))
        self.assertIn("jmp", self.run_line(mon, "xp /1i 0xffff0"))
        self.assertIn("ide1-cd0", self.run_line(mon, "info block"))
        mon.send("info st\t\n")
        self.assertIn("VM status", mon.until("(qemu) "))
        for line in m.qmp.hmp("info").splitlines():
            with self.subTest(line):
                name = line.split()[1]
                self.assertNotIn("unknown", self.run_line(mon,
                                                          "info " + name))
        mon.send("quit\n")
        self.assertEqual(m.wait(), 0)

    def test_what_people_type(self):
        with tempfile.NamedTemporaryFile(suffix=".img") as f:
            f.truncate(1440 * 1024)
            m, mon = self.monitor("-smp", "2", "-S", "-fda", f.name)
        for line, want in (
                ("info block", "Attached to:      isa-fdc"), ("x/2i $pc", "jmp"), ("p $rip", "0xfff0"), ("p /d 0-1", "-1"),
                ("xp/2xb 0xffff0", "0xea"), ("i/b 0x64", "portb[0x0064] = "), ("help x", "x /fmt addr"),
                ("object_add secret,id=q,data=1", ""), ("qom-list /objects", "q (child<secret>)"),
                ("qom-get /machine/unattached/cpu[1] apic-id", "1"), ("object_del q", ""), ("object_del q", "not found"),
                ("chardev-add ringbuf,id=r", ""), ("ringbuf_write r \"two words\"", ""), ("ringbuf_read r", "two words"),
                ("chardev-remove r", ""), ("chardev-remove r", "not found"), ("watchdog_action pause", ""),
                ("watchdog_action bite", "unknown"), ("savevm x", "no snapshots"), ("migrate tcp:x:1", "no migration"),
                ("netdev_add frob,id=x", "hubport"), ("netdev_add hubport,id=x,hubid=1", ""), ("info network", "hubid=1"), ("set_link x off", ""),
                ("netdev_del x", ""), ("netdev_del x", "not found"), ("set_link y on", "not found"), ("hostfwd_add frob", "hostfwd=frob"), ("hostfwd_add y tcp::1-:2", "no user network"), ("info usernet", "Protocol"), ("gdbserver", "no gdb server"), ("balloon 64", "No balloon"),
                ("drive_del x", "eject"), ("commit all", "nothing to commit"), ("info hotpluggable-cpus", '"core-id": 1'),
                ("info memory_size_summary", "base memory: 134217728"), ("info migrate", "no migration"), ("info spice", "disabled"),
                ("info tpm", "not supported"), ("info block-jobs", "No active jobs"), ("cpu 1", ""), ("info cpus", "* CPU #1"),
                ("boot_set d", "boot device list"), ("sum 0xf0000 0x100", ""), ("gva2gpa 0xffff0", "gpa: 0xffff0"),
                ("gpa2hva 0", "Host virtual"), ("info roms", "mem=rom"), ("info history", "'info block'"),
                ("log nonsense", "nonsense"), ("sendkey ctrl-alt-nope", "nope"), ("sendkey a-b 10", ""),
                ("mouse_button 1", ""), ("mouse_move 1 -1 1", ""), ("info vnc", "disabled")):
            with self.subTest(line):
                self.assertIn(want, self.run_line(mon, line))
        self.assertNotIn("savevm", m.qmp.hmp("help"))

    def test_every_command_survives_nonsense(self):
        m, mon = self.monitor("-accel", "qtest")
        rng = random.Random(7)
        words = ["0", "-1", "0xffffffffffffffff", "$rax", "/10i", "/xg", "\"",
                 "a b", "-f", "(((", "ide1-cd0", "%s%n", "999999999999", "1/0"]
        skip = {"quit", "q", "logfile", "memsave", "pmemsave", "screendump",
                "info", "help", "?", "cont", "c", "change"}
        names = {l.split()[0].split("|")[0]
                 for l in m.qmp.hmp("help").splitlines()} - skip
        names |= {"info " + l.split()[1]
                  for l in m.qmp.hmp("info").splitlines()}
        for name in sorted(names):
            for n in range(4):
                line = name + " " + " ".join(rng.choices(words, k=n))
                m.qmp.hmp(line)
        self.assertIn("status", m.qmp.cmd("query-status"))

    def test_noise(self):
        m, mon = self.monitor("-accel", "qtest")
        rng = random.Random(3)
        for _ in range(200):
            data = bytes(rng.randrange(256) for _ in range(100))
            mon.send(data.replace(b"q", b"").replace(b"o", b""))
            while select.select([mon.sock], [], [], 0)[0]:
                mon.more()
        self.assertIn("status", m.qmp.cmd("query-status"))

    def test_send_and_go(self):
        m, mon = self.monitor()
        mon.send("system_reset\nquit\n")
        mon.close()
        self.assertEqual(m.wait(), 0)

    def test_two_monitors(self):
        m, mon = self.monitor("-accel", "qtest", "-chardev",
                              "socket,id=m2,path=@two,server=on,wait=off",
                              "-mon", "chardev=m2,mode=readline")
        two = Lines(m.connect("two"))
        two.until("(qemu) ")
        two.send("info name\n")
        two.until("(qemu) ")
        two.close()
        text = self.run_line(mon, "info chardev")
        self.assertIn("m2: filename=", text)


class Streams(rhea.TestCase):
    def port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    def start(self, *args):
        return subprocess.run([rhea.BINARY, "-display", "none", *args],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=rhea.TIMEOUT, text=True, check=False)

    def serial_machine(self, *args):
        """A machine whose COM1 a test drives by qtest."""
        return self.machine(*args, qtest=True)

    def talk(self, m, peer_write, peer_read):
        q = m.qtest
        q.outb(0x3fa, 0x01)
        for b in b"hello\xff":
            q.outb(0x3f8, b)
        got = b""
        while len(got) < 6:
            got += peer_read(100)
        self.assertEqual(got, b"hello\xff")
        peer_write(b"x\xfe")
        for want in b"x\xfe":
            for _ in range(500):
                if q.inb(0x3fd) & 1:
                    break
                time.sleep(0.01)
            self.assertEqual(q.inb(0x3f8), want)

    def test_tcp(self):
        port = self.port()
        m = self.serial_machine("-serial", f"tcp:127.0.0.1:{port},server,"
                                "nowait")
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.settimeout(rhea.TIMEOUT)
            self.talk_when_open(m, s)
        r = self.start("-serial", f"tcp:127.0.0.1:{port},server,nowait")
        self.assertEqual(r.returncode, 1)
        self.assertIn(str(port), r.stderr)
        self.assertIn("in use", r.stderr)
        self.assertEqual(r.stderr.count("\n"), 1)

    def talk_when_open(self, m, s):
        for _ in range(500):  # until it is accepted
            c = [c for c in m.qmp.cmd("query-chardev")
                 if c["label"] == "serial0"][0]
            if "disconnected" not in c["filename"]:
                break
            time.sleep(0.01)
        self.talk(m, s.sendall, s.recv)

    def test_unix_client(self):
        with socket.socket(socket.AF_UNIX) as server:
            path = f"/tmp/rhea-client-{os.getpid()}"
            server.bind(path)
            self.addCleanup(os.unlink, path)
            server.listen(1)
            m = self.serial_machine("-serial", f"unix:{path}")
            s, _ = server.accept()
            with s:
                self.talk_when_open(m, s)

    def test_reconnect(self):
        path = f"/tmp/rhea-reconnect-{os.getpid()}"
        m = self.serial_machine("-chardev", f"socket,id=s,path={path},"
                                "reconnect-ms=50", "-serial", "chardev:s")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            self.addCleanup(os.unlink, path)
            server.listen(1)
            for _ in range(2):
                server.settimeout(rhea.TIMEOUT)
                s, _ = server.accept()
                with s:
                    for _ in range(500):
                        m.qtest.outb(0x3f8, 0x41)
                        if select.select([s], [], [], 0.01)[0]:
                            break
                    self.assertEqual(s.recv(1), b"A")

    def test_telnet(self):
        port = self.port()
        m = self.serial_machine("-serial",
                                f"telnet:127.0.0.1:{port},server,nowait")
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.settimeout(rhea.TIMEOUT)
            hello = b""
            while len(hello) < 12:
                hello += s.recv(12 - len(hello))
            self.assertEqual(hello[:3], b"\xff\xfb\x01")
            s.sendall(b"\xff\xfd\x01\xff\xfa\x18\x00xyz\xff\xf0")
            m.qtest.outb(0x3f8, 0xff)
            self.assertEqual(s.recv(2), b"\xff\xff")
            m.qtest.outb(0x3fa, 0x01)
            s.sendall(b"\r\0a\xff\xff")
            got = []
            for _ in range(500):
                if m.qtest.inb(0x3fd) & 1:
                    got.append(m.qtest.inb(0x3f8))
                    if len(got) == 3:
                        break
                else:
                    time.sleep(0.01)
            self.assertEqual(got, [13, 97, 255])

    def test_pty(self):
        m = self.serial_machine("-serial", "pty")
        name = [c["filename"] for c in m.qmp.cmd("query-chardev")
                if c["label"] == "serial0"][0]
        self.assertTrue(name.startswith("pty:/dev/"), name)
        fd = os.open(name[4:], os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, fd)
        time.sleep(0.6)  # it looks five times a second
        self.talk(m, lambda b: os.write(fd, b), lambda n: os.read(fd, n))

    def test_pipe_and_log(self):
        base = f"/tmp/rhea-pipe-{os.getpid()}"
        for end in (".in", ".out"):
            os.mkfifo(base + end)
            self.addCleanup(os.unlink, base + end)
        m = self.serial_machine("-chardev", f"pipe,id=p,path={base},"
                                "logfile=@log", "-serial", "chardev:p")
        out = os.open(base + ".in", os.O_WRONLY)
        back = os.open(base + ".out", os.O_RDONLY)
        self.talk(m, lambda b: os.write(out, b), lambda n: os.read(back, n))
        os.close(out)
        os.close(back)
        with open(f"{m.dir}/log", "rb") as f:
            self.assertEqual(f.read(), b"hello\xff")

    def test_mistakes(self):
        for args, text in (
                (("-serial", "foo"), "foo"),
                (("-serial", "unix:/nonexistent/dir/s,server,nowait"),
                 "/nonexistent/dir/s"),
                (("-chardev", "socket,id=a"), "path="),
                (("-chardev", "null"), "id="),
                (("-chardev", "null,id=a,frob=1"), "frob"),
                (("-monitor", "stdio", "-serial", "stdio"), "stdio"),
                (("-mon", "chardev=x"), "x"),
                (("-daemonize", "-monitor", "stdio"), "-daemonize")):
            with self.subTest(args):
                r = self.start(*args)
                self.assertEqual(r.returncode, 1)
                self.assertIn(text, r.stderr)
                self.assertEqual(r.stderr.count("\n"), 1, r.stderr)


class Process(rhea.TestCase):
    def test_daemon(self):
        m = self.machine("-daemonize", "-pidfile", "@pid", "-accel", "qtest")
        self.assertEqual(m.wait(), 0)
        with open(f"{m.dir}/pid", encoding="ascii") as f:
            pid = int(f.read())
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(os.readlink(f"/proc/{pid}/fd/2"), "/dev/null")
        m.qmp.cmd("quit")
        for _ in range(500):
            if not os.path.exists(f"{m.dir}/pid"):
                return
            time.sleep(0.01)
        self.fail("the pidfile stays")

    def test_daemon_that_fails(self):
        r = subprocess.run([rhea.BINARY, "-daemonize", "-display", "none",
                            "-drive", "file=/nonexistent"],
                           capture_output=True, timeout=rhea.TIMEOUT,
                           check=False)
        self.assertEqual(r.returncode, 1)
        self.assertIn(b"/nonexistent", r.stderr)

    def test_terminal_mux(self):
        p = subprocess.Popen([rhea.BINARY, "-nographic", "-accel", "qtest"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        p.stdin.write(b"\x01cinfo status\n")
        p.stdin.flush()
        out = b""
        while out.count(b"(qemu) ") < 2:
            out += os.read(p.stdout.fileno(), 4096)
        self.assertIn(b"(qemu) info status\r\nVM status", out)
        p.communicate(b"\x01x", timeout=rhea.TIMEOUT)
        self.assertEqual(p.returncode, 0)

    def test_libxl_probe(self):
        ours, theirs = socket.socketpair(), None
        with ours[0], ours[1]:
            path = f"/tmp/rhea-libxl-{os.getpid()}"
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                self.addCleanup(os.unlink, path)
                listener.listen(1)
                os.set_inheritable(listener.fileno(), True)
                p = subprocess.Popen(
                    [rhea.BINARY, "-S", "-no-user-config", "-nodefaults",
                     "-nographic", "-machine", "pc", "-accel", "qtest",
                     "-chardev", f"socket,id=libxl-cmd,fd={listener.fileno()},"
                     "server=on,wait=off", "-mon",
                     "chardev=libxl-cmd,mode=control"], close_fds=False)
                theirs = rhea.Qmp(rhea.connect(path))
                theirs.cmd("query-command-line-options")
                theirs.cmd("quit")
                self.assertEqual(p.wait(rhea.TIMEOUT), 0)
                theirs.close()


if __name__ == "__main__":
    rhea.main()
