# SPDX-License-Identifier: MIT
"""Disk images of odd sizes, read-only and failing: what the guest sees."""
import os
import resource
import signal
import subprocess
import tempfile

import rhea

BSY, DRDY, DRQ, ERR = 0x80, 0x40, 0x08, 0x01
ABRT, IDNF = 0x04, 0x10


class Disks(rhea.TestCase):
    def image(self, size):
        f = tempfile.NamedTemporaryFile(prefix="rhea-disk-")
        f.write(bytes([0x42]) * size)
        f.flush()
        self.addCleanup(f.close)
        return f.name

    def start(self, *options, **kw):
        self.m = self.machine("-drive", ",".join(("format=raw", "if=ide") + options), qtest=True, **kw)
        self.q = self.m.qtest

    def end(self):
        self.m.process.terminate()
        self.m.wait()

    def status(self):
        for _ in range(2000):
            status = self.q.inb(0x1f7)
            if not status & BSY:
                return status
        self.fail("still busy")

    def command(self, code, lba=0, count=1):
        self.status()
        self.q.outb(0x1f6, 0xe0 | lba >> 24)
        self.q.outb(0x1f2, count)
        for i in range(3):
            self.q.outb(0x1f3 + i, lba >> 8 * i & 255)
        self.q.outb(0x1f7, code)

    def sector(self):
        return b"".join(self.q.inw(0x1f0).to_bytes(2, "little") for _ in range(256))

    def put(self, lba, byte):
        self.command(0x30, lba)
        self.assertTrue(self.status() & DRQ)
        for _ in range(256):
            self.q.outw(0x1f0, byte * 0x101)

    def sectors(self):
        self.command(0xec)
        self.assertTrue(self.status() & DRQ)
        return int.from_bytes(self.sector()[120:124], "little")

    def test_odd_size(self):
        """1000 bytes are two sectors, the end of the second zeroes."""
        name = self.image(1000)
        self.start("file=" + name)
        self.assertEqual(self.sectors(), 2)
        self.command(0x20, 1)
        self.assertEqual(self.status() & (DRQ | ERR), DRQ)
        self.assertEqual(self.sector(), b"\x42" * 488 + bytes(24))
        self.put(1, 7)
        self.assertFalse(self.status() & ERR)
        self.command(0x20, 2)
        self.assertTrue(self.status() & ERR)
        self.assertEqual(self.q.inb(0x1f1), IDNF)
        self.end()
        self.assertEqual(os.path.getsize(name), 1024)

    def test_cut_short_later(self):
        """Somebody else cuts the file: zeroes are read, nothing crashes."""
        name = self.image(1 << 20)
        self.start("file=" + name)
        os.truncate(name, 4096)
        self.command(0x20, 100)
        self.assertEqual(self.status() & (DRQ | ERR), DRQ)
        self.assertEqual(self.sector(), bytes(512))

    def test_huge(self):
        """2 TiB and more: LBA28 shows its limit, LBA48 the whole."""
        name = self.image(512)
        os.truncate(name, 3 << 40)
        self.start("file=" + name)
        self.command(0xec)
        self.status()
        data = self.sector()
        self.assertEqual(int.from_bytes(data[120:124], "little"), 0x0fffffff)
        self.assertEqual(int.from_bytes(data[200:208], "little"), 3 << 31)

    def test_read_only(self):
        name = self.image(1 << 16)
        self.start("file=" + name, "readonly=on")
        self.command(0x30, 3)
        self.assertEqual(self.status() & (DRQ | ERR), ERR)
        self.assertEqual(self.q.inb(0x1f1), ABRT)

    def test_snapshot(self):
        name = self.image(1 << 16)
        self.start("file=" + name, "snapshot=on")
        self.put(3, 9)
        self.assertFalse(self.status() & ERR)
        self.command(0x20, 3)
        self.status()
        self.assertEqual(self.sector(), bytes([9]) * 512)
        self.end()
        with open(name, "rb") as f:
            self.assertEqual(set(f.read()), {0x42})

    def trim(self, *ranges):
        """DATA SET MANAGEMENT with these (sector, count); the status."""
        q = self.q
        q.outl(0xcf8, 0x80000920)
        q.outl(0xcfc, 0xc001)  # the bus master's ports
        q.outl(0xcf8, 0x80000904)
        q.outw(0xcfc, 7)
        q.write(0x2000, b"".join((lba | n << 48).to_bytes(8, "little") for lba, n in ranges).ljust(512, b"\0"))
        q.write(0x1000, (0x2000).to_bytes(4, "little") + bytes([0, 2, 0, 0x80]))
        q.outl(0xc004, 0x1000)
        self.status()
        q.outb(0x1f6, 0xe0)
        for port, value in ((0x1f1, 0), (0x1f1, 1), (0x1f2, 0), (0x1f2, 1)):
            q.outb(port, value)
        q.outb(0x1f7, 0x06)
        q.outb(0xc000, 1)
        status = self.status()
        q.outb(0xc000, 0)
        return status

    def test_trim(self):
        """TRIM gives space back to the host where discard=unmap says so."""
        for option, zero in (("discard=unmap", True), ("discard=ignore", False)):
            name = self.image(1 << 20)
            self.start("file=" + name, option)
            before = os.stat(name).st_blocks
            self.assertFalse(self.trim((256, 512), (1024, 8)) & ERR)
            self.assertTrue(self.trim((2047, 2)) & ERR)
            self.end()
            self.assertEqual(os.stat(name).st_blocks < before, zero)
            with open(name, "rb") as f:
                data = f.read()
            self.assertEqual(data[256 * 512:768 * 512] == bytes(512 * 512), zero)
            self.assertEqual(data[1024 * 512:1032 * 512] == bytes(8 * 512), zero)
            self.assertEqual(data[:256 * 512], b"\x42" * (256 * 512))
            self.assertEqual(data[1032 * 512:], b"\x42" * (1016 * 512))

    # --- a host that cannot write: files end at 64 KiB ---

    def full(self, *options):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 30))

        self.name = self.image(1 << 20)
        self.start("file=" + self.name, "id=hd", *options, preexec_fn=limit)

    def test_report(self):
        self.full("werror=report")
        self.put(1000, 1)
        self.assertTrue(self.status() & ERR)
        event = self.m.qmp.event("BLOCK_IO_ERROR")
        self.assertEqual(event["data"]["action"], "report")
        self.assertEqual(event["data"]["operation"], "write")
        self.assertEqual(self.m.qmp.cmd("query-status")["status"], "running")

    def test_ignore(self):
        self.full("werror=ignore")
        self.put(1000, 1)
        self.assertFalse(self.status() & ERR)

    def test_stop(self):
        """The machine stops; when there is room, `cont` writes what waited."""
        self.full("werror=stop")
        self.put(1000, 1)
        self.assertEqual(self.m.qmp.event("BLOCK_IO_ERROR")["data"]["action"], "stop")
        self.m.qmp.event("STOP")
        self.assertEqual(self.m.qmp.cmd("query-status")["status"], "io-error")
        self.assertEqual(self.m.qmp.cmd("query-block")[0]["io-status"], "failed")
        self.assertTrue(self.q.inb(0x1f7) & BSY)
        self.m.qmp.cmd("cont")  # still no room
        self.m.qmp.event("BLOCK_IO_ERROR")
        self.m.qmp.event("STOP")
        resource.prlimit(self.m.process.pid, resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
        self.m.qmp.cmd("cont")
        self.assertFalse(self.status() & ERR)
        self.assertEqual(self.m.qmp.cmd("query-status")["status"], "running")
        self.end()
        with open(self.name, "rb") as f:
            f.seek(1000 * 512)
            self.assertEqual(f.read(512), bytes([1]) * 512)

    def test_stop_and_reset(self):
        self.full("werror=stop")
        self.put(1000, 1)
        self.m.qmp.event("STOP")
        self.m.qmp.cmd("system_reset")
        self.m.qmp.event("RESET")
        self.assertFalse(self.q.inb(0x1f7) & BSY)

    def test_words(self):
        for option, want in (("werror=never", "report, ignore, enospc or stop"), ("rerror=enospc", "report, ignore or stop")):
            r = subprocess.run([rhea.BINARY, "-display", "none", "-drive", "if=none,id=x," + option],
                               capture_output=True, text=True, timeout=20)
            self.assertEqual(r.returncode, 1)
            self.assertIn(want, r.stderr)


if __name__ == "__main__":
    rhea.main()
