# SPDX-License-Identifier: MIT
"""virtio devices, with the drivers of Debian's kernel."""
import hashlib, os, pathlib, random, re, socket, tempfile, time

from machine import Failed, Machine, guest, test

MIB = 1 << 20


def debian(rhea, *args, initrd='initrd-tools.gz'):
    m = Machine(rhea, ['-m', '512', '-d', 'guest_errors', '-kernel', guest('vmlinuz-amd64'), '-initrd', guest(initrd),
                       '-append', 'console=ttyS0', *args])
    try:
        m.expect(r'RHEA-GUEST ready: Linux', 240)
        m.send('\n')
        m.expect(r'# ', 20)
    except BaseException:
        m.__exit__()
        raise
    return m


def no_errors(m):
    """The guest did nothing that a device complains about."""
    m.errors.seek(0)
    text = m.errors.read().decode(errors='replace').strip()
    if text:
        raise Failed(f'log: {text[-600:]}')


@test
def virtio_disk(rhea):
    """SeaBIOS, GRUB and Debian's kernel from a virtio disk; it mounts /dev/vda1; power-off."""
    with Machine(rhea, ['-m', '512', '-snapshot', '-drive', f'if=virtio,format=raw,file={guest("debian.img")}']) as m:
        m.expect(r'RHEA-GUEST ready: Linux', 240)
        m.send('\n')
        m.expect(r'# ', 20)
        if 'vmlinuz' not in m.good('mount -t ext2 /dev/vda1 /mnt && ls /mnt/boot'):
            raise Failed('/dev/vda1: no kernel')
        m.send('poweroff -f\n')
        m.ended(30)


def disk_works(rhea, *devices, name='vda', serial='serial'):
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / 'disk.img'
        with open(image, 'wb') as f:
            f.truncate(64 * MIB)
        with debian(rhea, '-drive', f'if=none,id=d,file={image},format=raw', *devices, '-smp', '2') as m:
            if 'RHEA' not in m.good(f'cat /sys/block/{name}/{serial}'):
                raise Failed('serial')
            m.good(f'/opt/mke2fs -q -t ext4 /dev/{name} && mount -t ext4 /dev/{name} /mnt && seq 1 400000 > /mnt/n', 120)
            m.good('for i in 1 2 3 4; do dd if=/mnt/n of=/mnt/f$i bs=64k conv=fsync 2>/dev/null & done; wait', 120)
            m.good('echo 3 > /proc/sys/vm/drop_caches; for i in 1 2 3 4; do cmp /mnt/n /mnt/f$i || exit 1; done', 120)
            m.good(f'umount /mnt && /opt/e2fsck -f -n /dev/{name} && blkdiscard -o 0 -l 4096 /dev/{name}', 120)
            m.send('poweroff -f\n')
            m.ended(30)
            no_errors(m)
        if b'\n123455\n123456\n123457\n' not in image.read_bytes():
            raise Failed('the file is not in the image')


@test
def virtio_transports(rhea):
    """A disk on every transport: modern, legacy, packed rings, without MSI-X, without event index."""
    for device in ('virtio-blk-pci-non-transitional', 'virtio-blk-pci,disable-modern=on', 'virtio-blk-pci,packed=on,indirect_desc=off',
                   'virtio-blk-pci,vectors=0', 'virtio-blk-pci,event_idx=off,num-queues=4,page-per-vq=on'):
        disk_works(rhea, '-device', device + ',drive=d,serial=RHEA')


@test
def virtio_scsi(rhea):
    """Disks on virtio-scsi: file system, another plugged in and out, a target without units; Debian boots from one."""
    for adapter in ('virtio-scsi-pci', 'virtio-scsi-pci,disable-modern=on', 'virtio-scsi-pci,packed=on,num_queues=2'):
        disk_works(rhea, '-device', adapter + ',id=s', '-device', 'scsi-hd,bus=s.0,drive=d,serial=RHEA,scsi-id=3,lun=1', name='sda',
                   serial='device/vpd_pg80')
    with Machine(rhea, ['-m', '256', '-snapshot', '-device', 'virtio-scsi-pci,id=s', '-drive', f'if=none,id=d,format=raw,file={guest("debian.img")}',
                        '-device', 'scsi-hd,drive=d', '-drive', f'if=none,id=e,format=raw,file={guest("grub-floppy.img")}']) as m:
        m.expect(r'RHEA-GUEST ready: Linux', 240)
        m.send('\n')
        m.expect(r'# ', 20)
        m.hmp('device_add scsi-hd,id=x,bus=s.0,drive=e,lun=5')
        m.good('for i in 1 2 3 4 5 6 7 8 9; do test -e /dev/sdb && break; sleep 1; done; cat /dev/sdb | wc -c', 60)
        m.hmp('device_del x')
        m.good('for i in 1 2 3 4 5 6 7 8 9; do test -e /dev/sdb || break; sleep 1; done; test ! -e /dev/sdb', 60)


@test
def virtio_balloon(rhea):
    """The balloon takes memory and gives it back; random numbers come as fast as allowed."""
    with debian(rhea, '-device', 'virtio-rng-pci,max-bytes=4096,period=1000',
                '-device', 'virtio-balloon-pci,free-page-reporting=on') as m:
        if m.good('cat /sys/class/misc/hw_random/rng_current') != 'virtio_rng.0':
            raise Failed('no random numbers')
        m.good('dd if=/dev/hwrng of=/dev/null bs=1k count=4')
        m.hmp('balloon 256')
        for size in (256, 512):
            m.hmp(f'balloon {size}')
            for _ in range(40):
                if f'actual={size}' in m.hmp('info balloon'):
                    break
                time.sleep(0.5)
            else:
                m.fail(f'balloon {size}: {m.hmp("info balloon")}')
        no_errors(m)


@test
def virtio_console(rhea):
    """A shell on a virtconsole; 4 MiB through a named port in each direction."""
    with tempfile.TemporaryDirectory() as folder:
        args = ['-device', 'virtio-serial-pci,id=vs']
        for n, port in (('c', 'virtconsole'), ('p', 'virtserialport,bus=vs.0,nr=3,name=org.rhea.0')):
            args += ['-chardev', f'socket,id={n},path={folder}/{n},server=on,wait=off', '-device', f'{port},chardev={n}']
        with debian(rhea, *args, initrd='initrd-amd64.gz') as m:
            m.good('setsid sh </dev/hvc0 >/dev/hvc0 2>&1 & true')
            console, port = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
            console.connect(f'{folder}/c')
            port.connect(f'{folder}/p')
            console.settimeout(30)
            port.settimeout(30)
            console.sendall(b'echo con$((6*7))sole\n')
            seen = b''
            while b'con42sole' not in seen:
                seen += console.recv(1000)
            if m.good('cat /sys/class/virtio-ports/vport*p3/name') != 'org.rhea.0':
                raise Failed('the port has another name')
            data = random.Random(1).randbytes(4 * MIB)
            m.good('dd if=/dev/vport0p3 of=/tmp/got bs=64k iflag=fullblock count=64 2>/dev/null & sleep 1')
            port.sendall(data)
            if hashlib.md5(data).hexdigest() not in m.good('wait; md5sum /tmp/got'):
                raise Failed('other data than were sent')
            m.send('cat /tmp/got > /dev/vport0p3\n')
            back = b''
            while len(back) < len(data):
                back += port.recv(65536)
            if back != data:
                raise Failed('other data came back')
            no_errors(m)


@test
def virtio_input(rhea):
    """Keyboard, mouse and tablet are there; what is typed arrives on the screen."""
    with debian(rhea, '-device', 'virtio-keyboard-pci', '-device', 'virtio-mouse-pci', '-device', 'virtio-tablet-pci',
                initrd='initrd-amd64.gz') as m:
        names = m.good('cat /proc/bus/input/devices')
        for name in ('Keyboard', 'Mouse', 'Tablet'):
            if f'Rhea Virtio {name}' not in names:
                raise Failed(f'no {name}: {names}')
        if not re.search(r'\* Mouse #\d+: Rhea Virtio Tablet \(absolute\)', m.hmp('info mice')):
            raise Failed(m.hmp('info mice'))
        m.type('echo a$((6*7))b\n')
        m.expect_screen(r'a42b', 20)
        no_errors(m)


@test
def virtio_9p(rhea):
    """A folder of the host: files, folders, links, owners; nothing outside of it can be seen."""
    for model in ('none', 'mapped-xattr'):
        with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
            share = pathlib.Path(folder) / 'share'
            share.mkdir()
            (pathlib.Path(folder) / 'secret').write_text('top')
            (share / 'hello').write_text('hello from the host\n')
            (share / 'up').symlink_to('..')
            with debian(rhea, '-virtfs', f'local,path={share},mount_tag=host0,security_model={model}') as m:
                m.good('mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 host0 /mnt && grep host /mnt/hello')
                if m.shell('cat /mnt/up/secret')[1] == 0:
                    raise Failed('a link leads outside')
                m.good('cd /mnt; mkdir -p a/b; seq 1 100000 > a/b/n; mv a z; ln -s z/b l; ln l/n hard; chmod 640 hard; chown 5:6 hard')
                if m.good('stat -c "%a %u %g %h" z/b/n') != '640 5 6 2':
                    raise Failed(m.good('stat z/b/n'))
                m.good('cp -a /opt . && diff -r /opt opt && rm -r opt && mkfifo p && rm p && exec 9>o && rm o && echo x >&9 && exec 9>&-')
                m.good('cd / && umount /mnt')
                m.send('poweroff -f\n')
                m.ended(30)
                no_errors(m)
            if b'\n99999\n100000\n' not in (share / 'hard').read_bytes():
                raise Failed('the file is not in the folder')
            if os.stat(share / 'hard').st_nlink != 2:
                raise Failed('a link is a copy')
