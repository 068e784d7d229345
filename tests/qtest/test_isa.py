# SPDX-License-Identifier: MIT
"""The old chips of a PC, register by register: RTC, PIT, PIC, i8042."""
import time

import rhea


def bcd(v):
    return (v >> 4) * 10 + (v & 15)


class Rtc(rhea.TestCase):
    def cmos(self, q, at, value=None):
        q.outb(0x70, at)
        if value is None:
            return q.inb(0x71)
        q.outb(0x71, value)
        return value

    def test_time(self):
        q = self.qtest("-rtc", "base=2006-06-17T16:01:21")
        now = [bcd(self.cmos(q, i)) for i in (0x32, 9, 8, 7, 4, 2, 0)]
        self.assertEqual(now, [20, 6, 6, 17, 16, 1, 21])

    def test_host_time(self):
        q = self.qtest()
        now = time.gmtime()
        self.assertEqual(bcd(self.cmos(q, 9)), now.tm_year % 100)

    def test_clock_counts(self):
        q = self.qtest("-rtc", "base=2006-06-17T16:01:21")
        q.step(3 * 10**9)
        self.assertEqual(bcd(self.cmos(q, 0)), 24)

    def test_update_interrupt(self):
        q = self.qtest()
        q.cmd("irq_intercept_in", "ioapic")
        self.cmos(q, 0x0b, 0x12)
        q.step(2 * 10**9)
        self.assertTrue(q.irqs.get(8))
        self.assertEqual(self.cmos(q, 0x0c) & 0x90, 0x90)
        self.assertFalse(q.irqs.get(8))

    def test_memory_survives(self):
        q = self.qtest()
        for i in range(0x40, 0x50):
            self.cmos(q, i, i ^ 0x55)
        for i in range(0x40, 0x50):
            self.assertEqual(self.cmos(q, i), i ^ 0x55)


class Pit(rhea.TestCase):
    def test_rate_generator(self):
        q = self.qtest()
        q.cmd("irq_intercept_in", "ioapic")
        q.outb(0x43, 0x34)
        q.outb(0x40, 1193 & 255)
        q.outb(0x40, 1193 >> 8)
        edges = 0
        for _ in range(1000):
            q.irqs.clear()
            q.step()
            edges += q.irqs.get(0, False)
            if edges == 10:
                break
        now = int(q.cmd("clock_step", "1"))
        self.assertEqual(edges, 10)
        self.assertAlmostEqual(now / 1e6, 10, delta=1.1)

    def test_latch(self):
        q = self.qtest()
        q.outb(0x43, 0x34)
        q.outb(0x40, 0)
        q.outb(0x40, 0x80)
        q.step(10**6)
        q.outb(0x43, 0x00)
        count = q.inb(0x40) | q.inb(0x40) << 8
        self.assertAlmostEqual(count, 0x8000 - 1193, delta=2)


class Pic(rhea.TestCase):
    def init(self, q):
        for port, words in ((0x20, (0x11,)), (0x21, (8, 4, 1)),
                            (0xa0, (0x11,)), (0xa1, (0x70, 2, 1))):
            for w in words:
                q.outb(port, w)
        q.outb(0x21, 0)
        q.outb(0xa1, 0)

    def test_request(self):
        q = self.qtest()
        self.init(q)
        q.outb(0x20, 0x0a)
        q.cmd("set_irq_in", "/machine/pic", "x", 3, 1)
        self.assertTrue(q.inb(0x20) & 8)
        q.cmd("set_irq_in", "/machine/pic", "x", 3, 0)
        self.assertFalse(q.inb(0x20) & 8)

    def test_cascade_and_intr(self):
        q = self.qtest()
        self.init(q)
        q.cmd("irq_intercept_out", "i8259")
        q.cmd("set_irq_in", "/machine/pic", "x", 12, 1)
        self.assertTrue(q.irqs.get(0))
        q.outb(0xa0, 0x0a)
        self.assertEqual(q.inb(0xa0), 0x10)
        q.outb(0xa1, 0x10)
        self.assertFalse(q.irqs.get(0))

    def test_mask(self):
        q = self.qtest()
        self.init(q)
        q.outb(0x21, 0xa5)
        self.assertEqual(q.inb(0x21), 0xa5)

    def test_elcr(self):
        q = self.qtest()
        q.outb(0x4d0, 0xff)
        self.assertEqual(q.inb(0x4d0), 0xf8)
        q.outb(0x4d1, 0xff)
        self.assertEqual(q.inb(0x4d1), 0xde)


class Keyboard(rhea.TestCase):
    def setUp(self):
        self.m = self.machine("-machine", "pc", qtest=True)
        self.q = self.m.qtest

    def byte(self):
        for _ in range(100):
            if self.q.inb(0x64) & 1:
                return self.q.inb(0x60)
            self.q.step(10**6)
        self.fail("nothing comes")

    def test_self_test(self):
        self.q.outb(0x64, 0xaa)
        self.assertEqual(self.byte(), 0x55)

    def test_keyboard_reset_and_key(self):
        q = self.q
        q.outb(0x64, 0x60)
        q.outb(0x60, 0x01)
        q.outb(0x60, 0xff)
        self.assertEqual(self.byte(), 0xfa)
        q.step(10**9)
        self.assertEqual(self.byte(), 0xaa)
        q.cmd("irq_intercept_in", "ioapic")
        self.m.qmp.cmd("send-key", keys=[{"type": "qcode", "data": "a"}],
                       hold_time=1)
        self.assertEqual(self.byte(), 0x1c)
        self.assertIn(1, q.irqs)


if __name__ == "__main__":
    rhea.main()
