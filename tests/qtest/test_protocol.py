# SPDX-License-Identifier: MIT
"""The qtest protocol itself: every command, and what is no command."""
import base64

import rhea


class Protocol(rhea.TestCase):
    def fails(self, q, *words):
        with self.assertRaises(ValueError, msg=words) as e:
            q.cmd(*words)
        self.assertTrue(str(e.exception).startswith("FAIL "), e.exception)

    def test_memory(self):
        q = self.qtest("-m", "16")
        for size, name in ((1, "b"), (2, "w"), (4, "l"), (8, "q")):
            value = 0x8877665544332211 & (1 << 8 * size) - 1
            q.cmd("write" + name, 0x100001, value)
            answer = q.cmd("read" + name, 0x100001)
            self.assertEqual(answer, f"0x{value:016x}")
            self.assertEqual(q.read(0x100001, size), value.to_bytes(size, "little"))

    def test_blocks(self):
        q = self.qtest("-m", "16")
        q.write(0x200000, bytes(range(256)))
        self.assertEqual(q.read(0x2000f0, 16), bytes(range(240, 256)))
        self.assertEqual(base64.b64decode(q.cmd("b64read", 0x200000, 256)), bytes(range(256)))
        q.cmd("b64write", 0x200000, 4, base64.b64encode(b"abcd").decode())
        self.assertEqual(q.read(0x200000, 5), b"abcd\x04")
        q.cmd("memset", 0x200000, 3, 0x5a)
        self.assertEqual(q.read(0x200000, 4), b"ZZZd")
        q.cmd("write", 0x200000, 4, "0x11")  # what is missing is zero
        self.assertEqual(q.read(0x200000, 4), b"\x11\0\0\0")
        q.cmd("memset", 0x200000, 0, 1)
        # across the end of memory: what is nowhere reads as ones
        q.write(0x1000000 - 2, b"mnop")
        self.assertEqual(q.read(0x1000000 - 2, 4), b"mn\xff\xff")
        # and at the very end of the address space
        q.cmd("writeq", 0xffffffffffffffff, 1)
        q.cmd("readq", 0xfffffffffffffffc)
        q.read(0xfffffffffffffff0, 64)

    def test_ports(self):
        q = self.qtest()
        q.outl(0xcf8, 0x80000000)
        self.assertEqual(q.cmd("inl", 0xcfc), "0x12378086")
        self.assertEqual(q.cmd("inw", 0xcfc), "0x8086")
        self.assertEqual(q.cmd("inb", 0xcfd), "0x0080")
        q.cmd("outl", 0xffff, 0xffffffff)
        q.cmd("inl", 0xffff)
        q.cmd("inb", 0x10000000)  # no such port

    def test_clock(self):
        q = self.qtest()
        now = q.step()
        self.assertEqual(q.step(1000), now + 1000)
        self.assertEqual(q.cmd("clock_set", str(now + 5000)), str(now + 5000))
        self.assertEqual(q.cmd("clock_set", "1"), str(now + 5000))  # never back
        self.fails(q, "clock_step", "soon")

    def test_interrupts(self):
        q = self.qtest()
        self.fails(q, "irq_intercept_in", "nobody")
        q.cmd("irq_intercept_in", "ioapic")
        q.cmd("irq_intercept_in", "ioapic")  # twice is once
        q.cmd("set_irq_in", "ioapic", "unnamed-gpio-in", "5", "1")
        self.assertTrue(q.irqs[5])
        q.cmd("set_irq_in", "ioapic", "unnamed-gpio-in", "5", "0")
        self.assertFalse(q.irqs[5])
        self.fails(q, "set_irq_in", "ioapic", "unnamed-gpio-in", "99", "1")
        self.fails(q, "set_irq_in", "nobody", "unnamed-gpio-in", "5", "1")
        self.fails(q, "irq_intercept_out", "ioapic")  # one kind at a time

    def test_odd(self):
        q = self.qtest()
        for line in ("inb", "outb 0x80", "readb", "read 0", "write 0 1", "memset 0 1",
                     "inb zero", "inb -1x", "outb 0x80 x", "read 0 0xffffffffffffffff",
                     "write 0 2 0xzz", "memset 0 0x7fffffffffffffff 1", "b64read 0 1e9",
                     "clock_set", "set_irq_in ioapic", "module_load block- qcow2",
                     "INB 0x80", "x" * 5000, "\x01\x02\x03"):
            self.fails(q, line)
        self.assertEqual(q.cmd("endianness"), "little")
        q.send("\n \n\r\n\t\n")  # nothing: no answer
        self.assertEqual(q.inb(0x80), q.inb(0x80))


if __name__ == "__main__":
    rhea.main()
