# SPDX-License-Identifier: MIT
"""The machine as Debian's drivers and tools see it from inside."""
import base64, hashlib, pathlib, re, shutil, subprocess, tempfile

from machine import Failed, Machine, Skipped, guest, test

MIB = 1 << 20
# Messages of Linux that say nothing about our hardware.
HARMLESS = re.compile(r'''
    x86/pti | Spectre | spectre | Speculat | MDS: | TAA: | MMIO\ Stale | RETBleed | Retbleed | SRBDS | L1TF | GDS: | Vulnerab
    | tainting | module\ verification | FAT-fs\ .*utf8 | hrtimer:\ interrupt\ took | device-mapper | Warning:\ unable\ to\ open
    | can't\ access\ tty | urandom | random: | TSC\ deadline | Unable\ to\ set\ coherent\ dma\ mask | EXT4-fs\ \(sda1\):\ mounted
    # Of every i440FX; and of a host that is busy elsewhere.
    | fail\ to\ add\ MMCONFIG | Unable\ to\ calibrate\ against\ PIT
    | APIC:\ Switch\ to\ symmetric | clocksource:\ timekeeping\ watchdog | RETPOLINE | unchecked\ MSR | srso | ITS: | Indirect\ Target
''', re.X)


def debian(rhea, *args):
    m = Machine(rhea, ['-m', '512', '-kernel', guest('vmlinuz-amd64'), '-initrd', guest('initrd-tools.gz'),
                       '-append', 'console=ttyS0', *args])
    try:
        m.expect(r'RHEA-GUEST ready: Linux', 240)
        m.send('\n')
        m.expect(r'# ', 20)
    except BaseException:
        m.__exit__()
        raise
    return m


@test
def hardware_log(rhea):
    """Nothing in the kernel's log complains about the machine; lspci and ACPI are clean."""
    if not shutil.which('iasl'):
        raise Skipped('iasl is not installed')
    with debian(rhea) as m:
        log = m.good('dmesg -r | grep "^<[0-4]>"; true')
        bad = [line for line in log.split('\n') if line and not HARMLESS.search(line)]
        if bad:
            raise Failed('the kernel complains:\n' + '\n'.join(bad))
        pci = m.good('/opt/lspci -nvv')
        for ids in ('8086:1237', '8086:7000', '8086:7010', '8086:7113', '1234:1111'):
            if ids not in pci:
                raise Failed(f'lspci: no {ids}:\n{pci}')
        if re.search(r'rev ff|Unknown header|<\?>|invalid', pci):
            raise Failed(f'lspci: {pci}')
        acpi_is_clean(m)
        m.send('poweroff -f\n')
        m.ended(30)


def acpi_is_clean(m):
    """The tables' checksums, and the DSDT through disassembler and compiler."""
    if re.search(r'(?i)(acpi|bios) (error|warning|bug)', m.good('dmesg')):
        raise Failed('ACPI: Linux complains')
    m.good('/opt/acpidump -b -z > /tmp/log 2>&1 || /opt/acpidump > /tmp/log')
    with tempfile.TemporaryDirectory() as folder:
        tables = m.good('ls /sys/firmware/acpi/tables').split()
        for name in [t for t in tables if re.fullmatch(r'[A-Z0-9]{4}', t)]:
            data = base64.b64decode(m.good(f'base64 /sys/firmware/acpi/tables/{name}'))
            (pathlib.Path(folder) / f'{name}.aml').write_bytes(data)
            if name != 'FACS' and sum(data) & 255:
                raise Failed(f'{name}: checksum')
        for command in (['iasl', '-d', 'DSDT.aml'], ['iasl', '-ve', 'DSDT.dsl']):
            r = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if r.returncode:
                raise Failed(f'{" ".join(command)}: {r.stdout[-600:]}{r.stderr[-300:]}')


@test
def hardware_disk(rhea):
    """An IDE disk: hdparm, fdisk, badblocks, mkfs, fsck; its file is there on the host."""
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / 'disk.img'
        image.write_bytes(b'')
        with open(image, 'wb') as f:
            f.truncate(64 * MIB)
        with debian(rhea, '-drive', f'file={image},format=raw,if=ide,serial=RHEA-TEST') as m:
            about = m.good('/opt/hdparm -I /dev/sda')
            for pattern in (r'Serial Number: +RHEA-TEST', r'LBA48', r'udma5', r'Mandatory FLUSH_CACHE'):
                if not re.search(pattern, about):
                    raise Failed(f'hdparm -I: no {pattern}:\n{about}')
            m.good('/opt/hdparm -t /dev/sda')
            if 'active/idle' not in m.good('/opt/hdparm -C /dev/sda'):
                raise Failed('hdparm -C')
            m.good('/opt/hdparm -y /dev/sda')
            if 'standby' not in m.good('/opt/hdparm -C /dev/sda'):
                raise Failed('hdparm -y: the disk is not in standby')
            m.good('echo ",,L" | /opt/sfdisk -q /dev/sda')
            if not re.search(r'/dev/sda1 .* 83 Linux', m.good('/opt/fdisk -l /dev/sda')):
                raise Failed('fdisk -l: no partition')
            m.good('/opt/badblocks -w /dev/sda1 16000', 300)
            m.good('/opt/mke2fs -q -t ext4 /dev/sda1 && mount -t ext4 /dev/sda1 /mnt', 120)
            m.good('seq 1 200000 > /mnt/numbers && sync && umount /mnt', 120)
            m.good('/opt/e2fsck -f -n /dev/sda1', 120)
            m.send('poweroff -f\n')
            m.ended(30)
        if b'\n123455\n123456\n123457\n' not in image.read_bytes():
            raise Failed('the file is not in the image')


@test
def hardware_cd(rhea):
    """A CD is read to its end, tray and media change included."""
    import random
    with tempfile.TemporaryDirectory() as folder:
        discs = []
        for n in range(2):
            disc = pathlib.Path(folder) / f'{n}.iso'
            tree = pathlib.Path(folder) / f't{n}'
            tree.mkdir()
            (tree / 'data').write_bytes(random.Random(n).randbytes(5 * MIB))
            r = subprocess.run(['xorriso', '-as', 'mkisofs', '-quiet', '-o', disc, tree], capture_output=True, text=True)
            if r.returncode:
                raise Skipped('xorriso: ' + r.stderr[-200:])
            discs.append(disc)
        with debian(rhea, '-cdrom', discs[0]) as m:
            for n, disc in enumerate(discs):
                want = hashlib.md5(disc.read_bytes()).hexdigest()
                got = m.good('md5sum < /dev/sr0', 120).split()[0]
                if got != want:
                    raise Failed(f'disc {n}: {got}, not {want}')
                m.good('mount -t iso9660 -o ro /dev/sr0 /mnt && cmp -n 1 /mnt/data /mnt/data && umount /mnt')
                if n == 0:
                    m.good('eject /dev/sr0 2>/dev/null || true')
                    m.hmp('eject -f ide1-cd0')
                    m.hmp(f'change ide1-cd0 {discs[1]}')
                    m.good('sleep 3')


@test
def hardware_floppy(rhea):
    """A floppy is formatted, gets a file system and a file, and is read again."""
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / 'a.img'
        image.write_bytes(b'\xe5' * 1440 * 1024)
        with debian(rhea, '-drive', f'file={image},if=floppy,format=raw') as m:
            m.good('/opt/fdformat /dev/fd0 2>&1', 240)
            m.good('mkdosfs /dev/fd0 && mount -t vfat /dev/fd0 /mnt', 120)
            m.good('seq 1 100000 > /mnt/numbers && umount /mnt', 240)
            m.good('mount -t vfat -o ro /dev/fd0 /mnt && seq 1 100000 | cmp - /mnt/numbers && umount /mnt', 240)
            m.good('sync')
            m.quit()
        if b'\n99999\n100000\n' not in image.read_bytes():
            raise Failed('the file is not in the image')


@test
def hardware_clock(rhea):
    """hwclock reads and sets the RTC; the timers agree on how fast time goes."""
    with debian(rhea) as m:
        m.good('/opt/hwclock -r --utc')
        m.good('/opt/hwclock --set --utc --date "2031-05-06 07:08:09"')
        if not re.search(r'2031-05-06 07:0[89]:', m.good('/opt/hwclock -r --utc')):
            raise Failed('hwclock: what was set is not what is read')
        mhz = re.search(r'tsc: Detected ([\d.]+) MHz', m.good('dmesg'))
        if not mhz or not 990 <= float(mhz[1]) <= 1010:
            raise Failed(f'TSC by the PIT: {mhz and mhz[0]}; 1000 MHz are right')
        m.good('echo hpet > /sys/devices/system/clocksource/clocksource0/current_clocksource')
        begin, end = m.good('date +%s; /opt/hwclock -r --utc >/dev/null; sleep 10; date +%s').split()[:2]
        if not 10 <= int(end) - int(begin) <= 14:
            raise Failed(f'ten seconds took {int(end) - int(begin)} by the HPET')


@test
def virtio_disk(rhea):
    """Debian from a virtio disk by SeaBIOS; files written, trimmed and read again."""
    with Machine(rhea, ['-m', '256', '-nic', 'none', '-drive', f'file={guest("debian.img")},if=virtio,snapshot=on']) as m:
        m.expect(r'RHEA-GUEST ready: Linux', 240)
        m.send('\nmount -t ext2 /dev/vda1 /mnt; cp /mnt/boot/vmlinuz /mnt/a; sync; echo 3 > /proc/sys/vm/drop_caches; '
               'cmp /mnt/a /mnt/boot/vmlinuz && echo same$((6*7)); umount /mnt; blkdiscard -o 0 -l 65536 /dev/vda; '
               'dd if=/dev/vda bs=64k count=1 2>/dev/null | tr -d "\\\\0" | wc -c; echo d$((6*7))\n')
        m.expect(r'same42', 60)
        m.expect(r'd42', 60)
