# SPDX-License-Identifier: MIT
"""The command line: what works, what is ignored, what is refused and how."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import rhea


def run(*args, **kw):
    return subprocess.run([rhea.BINARY, "-display", "none", *args], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=rhea.TIMEOUT, check=False, **kw)


ACCEPTED = """
-no-acpi -no-hpet -no-fd-bootchk -no-kvm -win2k-hack -rtc-td-hack -no-quit -no-frame -alt-grab -ctrl-grab
-nodefaults -no-user-config -nographic
-name guest=t1,debug-threads=on,process=x
-msg timestamp=on -sandbox on,obsolete=deny,spawn=deny -overcommit mem-lock=off -compat deprecated-input=accept
-machine pc-i440fx-7.2,usb=off,dump-guest-core=off -m size=131072k,slots=0 -smp 2,sockets=1,cores=2,threads=1
-M pc,accel=kvm:tcg,hpet=off,smm=off,vmport=off,graphics=off,kernel-irqchip=split,mem-merge=off,suppress-vmdesc=on
-machine max-ram-below-4g=64M -m 128
-machine isapc
-machine none
-accel tcg,thread=multi,tb-size=512
-accel kvm -accel tcg
-enable-kvm -cpu host,migratable=off
-cpu qemu64,+avx,-sse3,check -cpu max,enforce=off
-boot order=dc,once=n,menu=on,splash-time=5000,strict=off,reboot-timeout=-1
-boot cdn
-rtc base=localtime,clock=host,driftfix=slew
-rtc base=2006-06-17T16:01:21,clock=vm
-localtime -startdate now
-uuid 4800a9ed-9230-4827-87af-deb7d5876805
-smbios type=0,vendor=v,version=1,date=d,release=1.2,uefi=on
-smbios type=1,manufacturer=a,product=b,version=c,serial=d,uuid=4800a9ed-9230-4827-87af-deb7d5876805,sku=e,family=f
-smbios type=2,manufacturer=a,asset=x,location=l -smbios type=3,sku=s
-smbios type=4,sock_pfx=P,max-speed=3000,current-speed=2500,part=p
-smbios type=11,value=one,value=two -smbios type=17,loc_pfx=D,bank=b,speed=2400
-global VGA.vgamem_mb=32 -global PIIX4_PM.disable_s3=1 -global nec-usb-xhci.msi=off -global ICH9-LPC.disable_s3=1
-global driver=cfi.pflash01,property=secure,value=on
-object rng-random,id=r0,filename=/dev/urandom -object iothread,id=io0 -object secret,id=s0,data=x
-object memory-backend-memfd,id=m0,size=64M,share=on -machine memory-backend=m0
-mem-prealloc -m 16
-action reboot=shutdown,shutdown=pause,panic=none,watchdog=reset -watchdog-action pause
-no-reboot -no-shutdown
-netdev user,id=n0 -device e1000,netdev=n0,mac=52:54:00:00:00:01
-nic user,model=e1000,hostfwd=tcp:127.0.0.1:0-:22,net=192.168.76.0/24,dhcpstart=192.168.76.9,restrict=on,hostname=x,dnssearch=a.example
-net nic,model=e1000 -net user
-net nic -net nic
-nic user,ipv6=off,id=one -nic user,ipv4=off,mac=52:54:00:12:34:77
-netdev hubport,id=p,hubid=3 -device e1000-82545em,netdev=p
-d guest_errors,unimp,int,cpu_reset,in_asm -dfilter 0x8000..0x8fff,0xffff0000+0x1000
-d exec,page
-fw_cfg name=opt/org.x/y,string=hello -fw_cfg opt/z,string=1
-vga std -vga none
-k de -k en-us
-k ja
-audiodev none,id=a -audio none
-parallel none -monitor none -serial null -serial none
-serial vc:80Cx24C
-chardev ringbuf,id=r,size=64K -serial chardev:r
-serial udp:127.0.0.1:9
-mon chardev=m,mode=readline,pretty=on -chardev null,id=m
-net none -nic none
-usb -usbdevice tablet
-soundhw pcspk -spice port=1 -balloon none
-trace enable=x -seed 7 -only-migratable
-echr 1
-device VGA,addr=5 -vga none
-device {"driver":"VGA","id":"v0","bus":"pci.0","addr":"0x6"} -vga none
-device pvpanic,id=p0 -set device.p0.ioport=0x506
-qmp-pretty null
-debugcon null
-add-fd fd=0,set=2,opaque=x
--m 64 --nodefaults --no-reboot
-L /nonexistent
""".strip().split("\n")

REFUSED = [  # command line, what the message must say
    ("-frob", "unknown option '-frob'"), ("-nodefualts", "did you mean '-nodefaults'"), ("-m", "wants an argument"),
    ("-m frog", "size such as"), ("-m 0", "1 MiB"), ("-m 1,frob=2", "frob"), ("-m 64,maxmem=32", "maxmem"),
    ("-smp 0", "at least one"), ("-smp 256", "255"), ("-smp 4,sockets=3", "not 4"), ("-smp 2,clusters=2", "clusters"),
    ("-smp 3,maxcpus=2", "2"), ("-machine q36", "isapc"), ("-machine pc,frob=on", "frob"), ("-machine pc,hpet=x", "on or off"),
    ("-machine pc,pit=off", "8254"), ("-machine memory-backend=x", "no memory object"), ("-machine x-oem-id=toolong", "six"),
    ("-accel frog", "accelerator"), ("-accel tcg,thread=x", "single, multi"), ("-accel tcg,frob=1", "frob"), ("-accel kvm", "kvm"),
    ("-cpu Nehalam", "Nehalem"), ("-cpu max,+frob", "frob"), ("-cpu host", "max"), ("-cpu qemu64,+svm,enforce", "svm"),
    ("-boot order=z", "letters"), ("-boot order=cc", "twice"), ("-boot frob=1", "frob"), ("-boot splash=/nonexistent", "/nonexistent"),
    ("-boot reboot-timeout=99999", "65535"),
    ("-rtc base=yesterday", "2006-06-17"), ("-rtc clock=sun", "host or vm"), ("-uuid 1234", "12345678-"),
    ("-smbios type=0,frob=1", "frob"), ("-smbios type=99", "0, 1, 2, 3, 4, 11"), ("-smbios vendor=x", "type=N"),
    ("-smbios file=/nonexistent", "/nonexistent"), ("-smbios type=1,uuid=x", "UUID"), ("-smbios type=0,release=a", "two numbers"),
    ("-acpitable data=/nonexistent", "/nonexistent"), ("-acpitable sig=X", "data="), ("-fw_cfg name=x", "string=S"),
    ("-fw_cfg name=etc/e820,string=x", "already"), ("-option-rom /nonexistent", "/nonexistent"), ("-global frob", "DRIVER.PROP"),
    ("-global VGA.vgamem_mb=x", "vgamem_mb"), ("-object frob,id=x", "object type"), ("-object secret", "id="),
    ("-object secret,id=x", "data="), ("-object memory-backend-ram,id=x,size=y", "size such as"),
    ("-device frob", "device"), ("-device VGA,frob=1", "frob"), ("-device VGA,bus=pci.9", "pci.9"), ("-device {x", "JSON"),
    ("-device []", "device"), ("-set device.x.y=1", "no device with id"), ("-set x", "GROUP.ID"), ("-readconfig /nonexistent", "/nonexistent"),
    ("-action reboot=explode", "explode"), ("-action frob=x", "frob"), ("-d frob", "frob"), ("-dfilter x", "FIRST..LAST"),
    ("-D /nonexistent/x", "/nonexistent/x"), ("-vga frob", "std"), ("-k frob", "layout"), ("-echr x", "Ctrl-A"),
    ("-display frob", "sdl"), ("-display curses", "-nographic"), ("-net frob", "hubport"), ("-nic frob", "hubport"), ("-nic user,model=frob", "e1000"),
    ("-nic user,mac=1:2", "six"), ("-nic user,net=x", "10.0.2.0/24"), ("-nic user,hostfwd=tcp:1", "tcp::2222-:22"), ("-nic user,frob=1", "frob"),
    ("-nic user,dns=1.2.3.4", "dns=1.2.3.4"), ("-nic user,tftp=/nonexistent", "/nonexistent"), ("-device e1000,netdev=x", "netdev=x"),
    ("-netdev user,id=a -netdev user,id=a", "already"), ("-netdev user,id=a -device e1000,netdev=a -device e1000,netdev=a", "connected"),
    ("-netdev user", "id="), ("-gdb tcp::1234", "no gdb server"), ("-s", "no gdb server"), ("-incoming tcp:0:1", "no migration"),
    ("-loadvm x", "no snapshots"), ("-icount auto", "icount"), ("-numa node", "one memory node"), ("-xen-domid 1", "no Xen"),
    ("-fsdev local,id=x", "path="), ("-virtfs local", "mount_tag"), ("-tpmdev x", "TPM"), ("-preconfig", "-S"), ("-dtb x", "ACPI"),
    ("-curses", "-nographic"), ("-pflash /dev/null", "flash"), ("-sd /dev/null", "sd"), ("-drive file=/nonexistent", "/nonexistent"),
    ("-drive if=frob", "frob"), ("-drive if=ide,frob=1", "frob"), ("-hda /nonexistent", "/nonexistent"), ("-cdrom /", "folder"),
    ("-blockdev driver=qcow2,node-name=x", "raw"), ("-blockdev driver=file,filename=/nonexistent,node-name=x", "/nonexistent"),
    ("-bios /nonexistent", "/nonexistent"), ("-kernel /nonexistent", "/nonexistent"), ("-chardev udp,id=x", "PORT"),
    ("-chardev ringbuf,id=x,size=3", "power of two"), ("-serial null -serial null -serial null -serial null -serial null", "4 serial"),
    ("-mem-path /nonexistent/x", "/nonexistent/x"), ("-pidfile /nonexistent/x", "/nonexistent/x"), ("-runas nobody-at-all", "nobody-at-all"),
    ("-acpitable data=/dev/zero", "too long"), ("-smbios file=/dev/zero", "too long"), ("-fw_cfg name=opt/a,file=/dev/zero", "too long"),
    ("-option-rom /dev/zero", "no file"), ("-bios /dev/zero", "no file"), ("-kernel /dev/zero", "too long"),
    ("-boot splash=/dev/zero", "no file"), ("-readconfig /dev/zero", "too long"), ("-object secret,id=s,file=/dev/zero", "too long"),
    ("-device VGA,romfile=/dev/zero -vga none", "no file"), ("-bios /tmp", "no file"),
    ("a b", "One file"), ("/nonexistent", "/nonexistent"), ("-initrd x", "-kernel"), ("-append x", "-kernel"),
]


class Options(rhea.TestCase):
    def split(self, line):
        return [line.split(" ")[0], line.split(" ", 1)[1]] if line.startswith("-device {") else line.split(" ")

    def test_accepted(self):
        for line in ACCEPTED:
            with self.subTest(line):
                words = line.split(" ")
                if "accel" not in line and "kvm" not in line:
                    words += ["-accel", "qtest"]
                m = self.machine("-S", *words)
                m.qmp.cmd("quit")
                self.assertEqual(m.wait(), 0)
                out = m.process.stdout.read().decode()
                for message in out.splitlines():  # logs aside, nothing but warnings
                    self.assertTrue(message.startswith("rhea: ") or "-d " in line or "-serial" in line, out)

    def test_refused(self):
        for line, text in REFUSED:
            with self.subTest(line):
                r = run("-S", *([] if "accel" in line else ["-accel", "qtest"]), *line.split(" "))
                self.assertEqual(r.returncode, 1, r.stderr)
                self.assertRegex(r.stderr, r"^rhea: [^\n]*\n$")
                self.assertIn(text, r.stderr)

    def test_help(self):
        for args, text in ((["-machine", "help"], "Supported machines are:\n"), (["-M", "pc,help"], "hpet=<bool>"),
                           (["-cpu", "help"], "Available CPUs:\nx86 max"), (["-accel", "help"], "tcg"), (["-device", "help"], 'name "VGA", bus PCI'),
                           (["-device", "VGA,help"], "vgamem_mb=<"), (["-object", "help"], "  memory-backend-ram\n"),
                           (["-object", "secret,help"], "data=<str>"), (["-netdev", "help"], "netdev"), (["-display", "help"], "sdl"),
                           (["-chardev", "help"], "  udp\n"), (["-d", "help"], "in_asm"), (["-vga", "help"], "std"), (["--help"], "usage: rhea"),
                           (["-h"], "usage: rhea"), (["-smp", "2", "-M", "none", "-accel", "help"], "tcg")):
            with self.subTest(args):
                r = run(*args)
                self.assertEqual((r.returncode, r.stderr), (0, ""))
                self.assertIn(text, r.stdout)

    def test_every_option_is_in_the_manual(self):
        text = run("--help").stdout
        for line in text.splitlines():
            self.assertLess(len(line), 112, line)

    def test_version_by_name(self):
        with tempfile.TemporaryDirectory() as d:
            for name in ("qemu-system-x86_64", "qemu-system-i386"):
                path = os.path.join(d, name)
                os.symlink(rhea.BINARY, path)
                for option in ("-version", "--version"):
                    r = subprocess.run([path, option], capture_output=True, text=True, timeout=rhea.TIMEOUT, check=True)
                    self.assertRegex(r.stdout, r"^QEMU emulator version \d+\.\d+\.\d+ ")

    def test_explain(self):
        with tempfile.TemporaryDirectory() as d:
            path = pathlib.Path(d, "floppy.img")
            path.write_bytes(bytes(510) + b"\x55\xaa" + bytes(1440 * 1024 - 512))
            r = run("--explain", "-m", "64", str(path))
            self.assertIn("a floppy image", r.stdout)
            self.assertIn("-m '64'", r.stdout)
            self.assertIn("if=floppy", r.stdout)


class FwCfg(rhea.TestCase):
    """What options put where firmware finds it. [FW-CFG]"""

    def files(self, q):
        q.outw(0x510, 0x19)
        count = int.from_bytes(self.bytes(q, 4), "big")
        found = {}
        for _ in range(count):
            e = self.bytes(q, 64)
            found[e[8:].split(b"\0")[0].decode()] = (int.from_bytes(e[:4], "big"), int.from_bytes(e[4:6], "big"))
        return found

    def bytes(self, q, n):
        return bytes(q.inb(0x511) for _ in range(n))

    def read(self, q, name):
        size, key = self.files(q)[name]
        q.outw(0x510, key)
        return self.bytes(q, size)

    def structures(self, data):
        """SMBIOS: {type: (formatted bytes, strings)}, the last one of a type."""
        found = {}
        while data:
            size = data[1]
            end = data.index(b"\0\0", size)
            strings = [s.decode() for s in data[size:end].split(b"\0") if s]
            found[data[0]] = (data[:size], strings)
            data = data[end + 2:]
        return found

    def test_smbios(self):
        with tempfile.NamedTemporaryFile() as f:
            f.write(bytes([200, 4, 0x34, 0x12]) + b"of a file\0\0")
            f.flush()
            q = self.qtest("-smbios", "type=0,vendor=Vend,release=3.7", "-smbios", "type=1,product=Prod,,uct,serial=S1",
                           "-smbios", "type=2,asset=A", "-smbios", "type=3,serial=C", "-smbios", "type=4,sock_pfx=SOCK,max-speed=3100",
                           "-smbios", "type=11,value=one,value=two", "-smbios", "type=17,part=P,speed=2666", "-smbios", f"file={f.name}",
                           "-uuid", "00112233-4455-6677-8899-aabbccddeeff", "-smp", "4,sockets=2,cores=2")
            s = self.structures(self.read(q, "etc/smbios/smbios-tables"))
        self.assertEqual(s[0][1], ["Vend"])
        self.assertEqual(s[0][0][0x14:0x16], bytes([3, 7]))
        self.assertIn("Prod,uct", s[1][1])
        self.assertEqual(s[1][0][8:24].hex(), "33221100554477668899aabbccddeeff")
        self.assertEqual(s[2][1], ["A"])
        self.assertEqual(s[3][1], ["C"])
        self.assertEqual(s[4][1], ["SOCK 1"])
        self.assertEqual((int.from_bytes(s[4][0][0x14:0x16], "little"), s[4][0][0x23]), (3100, 2))
        self.assertEqual(s[11][1], ["one", "two"])
        self.assertEqual(int.from_bytes(s[17][0][0x15:0x17], "little"), 2666)
        self.assertEqual(s[200][1], ["of a file"])

    def test_files(self):
        with tempfile.TemporaryDirectory() as d:
            rom = pathlib.Path(d, "my.rom")
            rom.write_bytes(b"\x55\xaa\x01" + bytes(509))
            bmp = pathlib.Path(d, "a.bmp")
            bmp.write_bytes(b"BM" + bytes(60))
            q = self.qtest("-fw_cfg", "name=opt/a,string=hel,,lo", "-fw_cfg", f"name=opt/b,file={bmp}", "-option-rom", str(rom),
                           "-boot", f"menu=on,splash={bmp},splash-time=1234,reboot-timeout=500,strict=on")
            self.assertEqual(self.read(q, "opt/a"), b"hel,lo")
            self.assertEqual(self.read(q, "opt/b"), bmp.read_bytes())
            self.assertEqual(self.read(q, "genroms/my.rom"), rom.read_bytes())
            self.assertEqual(self.read(q, "bootsplash.bmp"), bmp.read_bytes())
            self.assertEqual(self.read(q, "etc/boot-menu-wait"), (1234).to_bytes(2, "little"))
            self.assertEqual(self.read(q, "etc/boot-fail-wait"), (500).to_bytes(4, "little"))
            self.assertIn(b"HALT", self.read(q, "bootorder"))

    def test_pipes(self):
        """A pipe that nobody writes to is one line and an end; one that is written is read."""
        with tempfile.TemporaryDirectory() as d:
            pipe = os.path.join(d, "pipe")
            os.mkfifo(pipe)
            for args in ([pipe], ["-kernel", pipe], ["-bios", pipe], ["-hda", pipe], ["-smbios", f"file={pipe}"]):
                r = run(*args)
                self.assertEqual((r.returncode, r.stderr.count("\n")), (1, 1), r.stderr)
                self.assertIn(pipe, r.stderr)
            writer = subprocess.Popen(["sh", "-c", f"echo through > {pipe}"])
            q = self.qtest("-fw_cfg", f"name=opt/p,file={pipe}")
            self.assertEqual(self.read(q, "opt/p"), b"through\n")
            writer.wait()

    def test_acpitable(self):
        with tempfile.NamedTemporaryFile() as f:
            f.write(b"the body")
            f.flush()
            q = self.qtest("-acpitable", f"sig=TEST,oem_id=OEM1,rev=2,data={f.name}", "-machine", "x-oem-id=WORK")
            tables = self.read(q, "etc/acpi/tables")
            at = tables.index(b"TEST")
            self.assertEqual(tables[at:at + 44], b"TEST" + (44).to_bytes(4, "little") + b"\2\0OEM1\0\0" + bytes(20) + b"the body")
            self.assertIn(b"WORK", tables)
            rsdt = tables.index(b"RSDT")
            entries = tables[rsdt + 36:rsdt + int.from_bytes(tables[rsdt + 4:rsdt + 8], "little")]
            self.assertIn(at.to_bytes(4, "little"), [entries[i:i + 4] for i in range(0, len(entries), 4)])

    def test_boot_once(self):
        m = self.machine("-accel", "qtest", "-boot", "order=c,once=d", qtest=True)
        self.assertEqual(self.cmos(m.qtest, 0x3d) & 15, 3)
        m.qmp.cmd("system_reset")
        m.qmp.event("RESET")
        self.assertEqual(self.cmos(m.qtest, 0x3d) & 15, 2)

    def cmos(self, q, at):
        q.outb(0x70, at)
        return q.inb(0x71)

    def test_max_ram_below_4g(self):
        q = self.qtest("-machine", "max-ram-below-4g=16M", "-m", "64")
        q.write(15 << 20, b"low")
        q.write(4 << 30, b"high")
        self.assertEqual(q.read(4 << 30, 4), b"high")
        self.assertEqual(q.read(17 << 20, 2), b"\xff\xff")


class Files(rhea.TestCase):
    def test_config_files(self):
        with tempfile.TemporaryDirectory() as d:
            conf = pathlib.Path(d, "a.cfg")
            conf.write_text('# comment\n[machine]\n  type = "pc"\n[memory]\n  size = "48M"\n\n[chardev "r0"]\n  backend = "ringbuf"\n'
                            '[device "p0"]\n  driver = "pvpanic"\n[global]\n driver = "VGA"\n property = "vgamem_mb"\n value = "32"\n')
            out = pathlib.Path(d, "out.cfg")
            for path in (conf, out):
                m = self.machine("-accel", "qtest", "-readconfig", str(path), "-writeconfig", str(out) if path == conf else "@x")
                self.assertEqual(m.qmp.cmd("query-memory-size-summary")["base-memory"], 48 << 20)
                self.assertEqual(m.qmp.cmd("qom-list", path="/machine/peripheral")[0]["name"], "p0")
                self.assertIn("r0", [c["label"] for c in m.qmp.cmd("query-chardev")])
                vga = [x["name"] for x in m.qmp.cmd("qom-list", path="/machine/unattached") if "VGA" in x["type"]][0]
                self.assertEqual(m.qmp.cmd("qom-get", path="/machine/unattached/" + vga, property="vgamem_mb"), 32)
            for bad in ("x = 1\n", "[frob]\n", "[device\n", '[device "x"]\n frob\n', '[device "x"]\n driver = pvpanic\n'):
                conf.write_text(bad)
                r = run("-accel", "qtest", "-readconfig", str(conf))
                self.assertEqual(r.returncode, 1)
                self.assertRegex(r.stderr, r"^rhea: [^\n]*a.cfg:\d+: [^\n]*\n$")

    def test_set_and_global(self):
        m = self.machine("-accel", "qtest", "-device", "pvpanic,id=p0", "-set", "device.p0.ioport=0x510")
        self.assertEqual(m.qmp.cmd("qom-get", path="/machine/peripheral/p0", property="ioport"), 0x510)

    def test_memory_file(self):
        """What the guest writes is in the file."""
        with tempfile.TemporaryDirectory() as d:
            path = pathlib.Path(d, "ram")
            m = self.machine("-accel", "qtest", "-m", "16", "-mem-path", str(path), "-mem-prealloc", qtest=True)
            m.qtest.write(1 << 20, b"here")
            with open(path, "rb") as f:
                f.seek(1 << 20)
                self.assertEqual(f.read(4), b"here")
            m = self.machine("-accel", "qtest", "-object", f"memory-backend-file,id=m,size=16M,mem-path={path}", "-machine",
                             "memory-backend=m", qtest=True)
            self.assertEqual(m.qtest.read(1 << 20, 4), b"here")
            m.qtest.write(1 << 20, b"nope")  # share=off: a copy
            with open(path, "rb") as f:
                f.seek(1 << 20)
                self.assertEqual(f.read(4), b"here")
            r = run("-accel", "qtest", "-m", "32", "-object", f"memory-backend-file,id=m,size=16M,mem-path={path}", "-machine",
                    "memory-backend=m")
            self.assertIn("-m says", r.stderr)

    def test_blockdev(self):
        with tempfile.TemporaryDirectory() as d:
            path = pathlib.Path(d, "disk.img")
            path.write_bytes(b"disk" + bytes((1 << 20) - 4))
            m = self.machine("-accel", "qtest", "-nodefaults", "-blockdev",
                             f'{{"driver":"file","filename":"{path}","node-name":"s0","auto-read-only":true,"discard":"unmap"}}',
                             "-blockdev", '{"node-name":"f0","read-only":false,"driver":"raw","file":"s0"}', "-device",
                             '{"driver":"ide-hd","bus":"ide.0","unit":0,"drive":"f0","id":"disk0"}', "-blockdev",
                             f"driver=file,node-name=c0,filename={path},read-only=on,locking=off", "-device", "ide-cd,drive=c0,id=cd0")
            nodes = {n["node-name"]: n for n in m.qmp.cmd("query-named-block-nodes")}
            self.assertEqual((nodes["f0"]["ro"], nodes["c0"]["ro"]), (False, True))
            self.assertEqual({b["qdev"] for b in m.qmp.cmd("query-block")}, {"disk0", "cd0"})
            m.qmp.cmd("blockdev-remove-medium", id="cd0")

    def test_in_asm(self):
        with tempfile.TemporaryDirectory() as d:
            log = pathlib.Path(d, "log")
            m = self.machine("-d", "in_asm", "-dfilter", "0xfffffff0+0x10", "-D", str(log))
            end = time.time() + rhea.TIMEOUT
            while not (log.exists() and "jmp" in log.read_text()) and time.time() < end:
                time.sleep(0.02)
            m.qmp.cmd("quit")
            m.wait()
            text = log.read_text()
            self.assertRegex(text, r"IN:\n0xfffffff0:  ea [0-9a-f ]+ +jmp")
            self.assertTrue(all(int(l[2:10], 16) >= 0xfffffff0 for l in text.splitlines() if l.startswith("0x")))


if __name__ == "__main__":
    rhea.main()
