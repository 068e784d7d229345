# SPDX-License-Identifier: MIT
"""An IDE disk and a CD drive, without an operating system."""
import os
import time

import rhea

DATA, SECTORS, LBA, DEVICE, COMMAND = 0x1f0, 0x1f2, 0x1f3, 0x1f6, 0x1f7
BSY, DRDY, DRQ, ERR = 0x80, 0x40, 0x08, 0x01


class Ide(rhea.TestCase):
    def setUp(self):
        self.image = f"{os.environ.get('TMPDIR', '/tmp')}/ide-{os.getpid()}"
        with open(self.image, "wb") as f:
            for i in range(2048):
                f.write(bytes([i & 255, i >> 8]) * 256)
        self.addCleanup(os.unlink, self.image)
        self.m = self.machine("-machine", "pc", "-drive",
                              f"file={self.image},format=raw,if=ide,"
                              "serial=RHEA42", qtest=True)
        self.q = self.m.qtest

    def ready(self, port=COMMAND):
        end = time.monotonic() + 60  # a flush takes as long as the host's disk
        while time.monotonic() < end:
            status = self.q.inb(port)
            if not status & BSY:
                return status
            self.q.step(10**5)
        self.fail("still busy")

    def sector(self, base=DATA):
        return b"".join(self.q.inw(base).to_bytes(2, "little")
                        for _ in range(256))

    def command(self, code, lba=0, count=1):
        q = self.q
        self.ready()
        q.outb(DEVICE, 0xe0 | lba >> 24)
        q.outb(SECTORS, count)
        for i in range(3):
            q.outb(LBA + i, lba >> 8 * i & 255)
        q.outb(COMMAND, code)
        return self.ready()

    def test_identify(self):
        self.assertTrue(self.command(0xec) & DRQ)
        data = self.sector()
        text = b"".join(bytes([data[i + 1], data[i]])
                        for i in range(20, 40, 2))
        self.assertEqual(text.strip(), b"RHEA42")
        self.assertEqual(int.from_bytes(data[120:124], "little"), 2048)
        self.assertFalse(self.q.inb(COMMAND) & (DRQ | ERR))

    def test_read(self):
        self.assertTrue(self.command(0x20, lba=0x123, count=2) & DRQ)
        self.assertEqual(self.sector(), bytes([0x23, 1]) * 256)
        self.ready()
        self.assertEqual(self.sector(), bytes([0x24, 1]) * 256)

    def test_write(self):
        self.assertTrue(self.command(0x30, lba=7) & DRQ)
        for i in range(256):
            self.q.outw(DATA, 0xa55a)
        self.assertFalse(self.ready() & ERR)
        self.command(0xe7)
        with open(self.image, "rb") as f:
            f.seek(7 * 512)
            self.assertEqual(f.read(512), b"\x5a\xa5" * 256)

    def test_beyond_the_end(self):
        self.assertTrue(self.command(0x20, lba=4096) & ERR)

    def test_interrupt(self):
        self.q.cmd("irq_intercept_in", "ioapic")
        self.q.outb(DEVICE, 0xe0)
        self.q.outb(COMMAND, 0xec)
        self.ready(0x3f6)  # which does not acknowledge
        self.assertTrue(self.q.irqs.get(14))
        self.q.inb(COMMAND)
        self.assertFalse(self.q.irqs.get(14))

    def test_cd_signature(self):
        q = self.q
        q.outb(0x176, 0xa0)
        q.outb(0x376, 4)
        q.outb(0x376, 0)
        self.ready(0x177)
        self.assertEqual((q.inb(0x174), q.inb(0x175)), (0x14, 0xeb))


if __name__ == "__main__":
    rhea.main()
