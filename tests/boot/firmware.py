# SPDX-License-Identifier: MIT
"""What starts before a system: GRUB, iPXE, Xen; and Debian's installer."""
import pathlib, tempfile, time

from machine import TOP, Machine, guest, test
from picture import likeness


@test
def grub_floppy(rhea):
    """GRUB's rescue floppy: its command line, and what it sees of the machine."""
    with Machine(rhea, ['-m', '64', '-boot', 'a', '-snapshot', '-fda', guest('grub-floppy.img')], serial=False) as m:
        m.expect_screen(r'grub>', 60)
        m.type('ls\n')
        m.expect_screen(r'(?m)^.*\(fd0\)', 30)
        m.type('lspci\n')
        m.expect_screen(r'00:00\.0 8086:1237[^$]*00:01\.1 8086:7010', 30)


@test
def ipxe_cd(rhea):
    """iPXE's CD: ISOLINUX loads it; it starts and finds no network device."""
    with Machine(rhea, ['-m', '128', '-boot', 'd', '-cdrom', guest('ipxe.iso')], serial=False) as m:
        m.expect_screen(r'iPXE initialising devices\.\.\.ok', 120)
        m.expect_screen(r'Open Source Network Boot Firmware', 60)


@test
def ipxe_shell(rhea):
    """iPXE's command line, by Ctrl-B."""
    with Machine(rhea, ['-m', '128', '-boot', 'd', '-cdrom', guest('ipxe.iso')], serial=False) as m:
        m.expect_screen(r'iPXE initialising devices', 120)
        for _ in range(100):
            m.key('ctrl-b')
            if 'iPXE>' in m.screen():
                break
            time.sleep(0.1)
        m.expect_screen(r'iPXE>', 20)
        m.type('show version\n')
        m.expect_screen(r'builtin/version:string = 1\.', 30)


@test
def xen(rhea):
    """Debian's hypervisor by Multiboot: it asks for a dom0."""
    with Machine(rhea, ['-m', '256', '-kernel', guest('xen'), '-append', 'com1=115200,8n1 console=com1,vga noreboot']) as m:
        m.expect(r'\(XEN\) Xen version 4\.', 60)
        m.expect(r'dom0 kernel not specified', 60)


@test
def xen_dom0(rhea):
    """The same with Debian as dom0, as Multiboot modules: to its shell."""
    modules = f'{guest("vmlinuz-amd64")} console=hvc0,{guest("initrd-amd64.gz")}'
    with Machine(rhea, ['-m', '768', '-kernel', guest('xen'), '-append', 'com1=115200,8n1 console=com1 noreboot dom0_mem=400M',
                        '-initrd', modules]) as m:
        m.expect(r'\(XEN\) Xen version 4\.', 60)
        m.expect(r'RHEA-GUEST ready: Linux \S+ x86_64 cpus=1', 300)


@test
def pvh(rhea):
    """Debian's kernel as an ELF file, by its PVH entry: memory map, RSDP, RAM disk, command line."""
    with Machine(rhea, ['-m', '512', '-kernel', guest('vmlinux-amd64'), '-initrd', guest('initrd-amd64.gz'),
                        '-append', 'console=ttyS0 rhea.run=off']) as m:
        m.expect(r'ACPI: RSDP 0x0*F', 120)
        m.expect(r'RHEA-GUEST ready: Linux \S+ x86_64 cpus=1', 240)
        m.ended(30)


@test
def installer(rhea):
    """Debian's installer to its first dialogue, in a VBE mode, as a picture."""
    kept = TOP / 'tests/boot/looks/installer.png'
    with tempfile.TemporaryDirectory() as folder, \
            Machine(rhea, ['-m', '1G', '-kernel', guest('installer-linux'), '-initrd', guest('installer-initrd.gz'),
                           '-append', 'vga=788 console=tty0']) as m:
        dump, end, like = pathlib.Path(folder) / 'screen.png', time.monotonic() + 300, 0.0
        while like < 0.97:
            if time.monotonic() > end:
                m.fail(f'the screen is like {kept.name} in {like:.1%} of its dots')
            time.sleep(5)
            m.hmp(f'screendump {dump} -f png', 30)
            like = likeness(dump, kept)
