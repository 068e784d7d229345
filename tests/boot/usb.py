# SPDX-License-Identifier: MIT
"""USB controllers and devices under Debian's drivers."""
import hashlib, os, pathlib, random, re, struct, tempfile, time

from machine import Failed, Machine, guest, test
from network import boot, shell

EV_KEY, EV_REL, EV_ABS = 1, 2, 3
KEY_A, KEY_B, BTN_LEFT = 30, 48, 0x110

ICH9 = ['-device', 'ich9-usb-ehci1,id=usb,addr=1d.7,multifunction=on']
for n in range(3):
    ICH9 += ['-device', f'ich9-usb-uhci{n + 1},masterbus=usb.0,firstport={2 * n},addr=1d.{n},multifunction=on']


def wait_for(m, pattern, seconds=20):
    """Waits until the kernel's log says it."""
    shell(m, f'for i in $(seq {5 * seconds}); do dmesg | grep -q -E "{pattern}" && break; sleep 0.2; done; dmesg | grep -E "{pattern}"',
          pattern, seconds + 10)


def event_file(m, name):
    m.send('cat /proc/bus/input/devices; echo list$((6*7))\n')
    m.expect(r'list42', 20)
    found = re.search(rf'N: Name="[^"]*{name}"(?s:.*?)Handlers=[^\n]*?(event\d+)', m.text[m.text.rfind('cat /proc/bus'):])
    if not found:
        raise Failed(f'no input device {name}')
    return found[1]


def events(m, name, act):
    """What the guest reads of an input device while act() runs: (type, code, value)."""
    device = event_file(m, name)
    shell(m, f'cat /dev/input/{device} > /tmp/ev & sleep 0.3', '')
    act()
    shell(m, 'sleep 1; kill $!', '')
    m.send("hexdump -v -e '24/1 \"%02x\" \"\\n\"' /tmp/ev; echo dump$((6*7))\n")
    m.expect(r'dump42', 20)
    rows = re.findall(r'\b[0-9a-f]{48}\b', m.text[m.text.rfind('hexdump'):])
    return [struct.unpack('<HHi', bytes.fromhex(r)[16:]) for r in rows]


def want(got, *expected):
    """`expected` in this order among what came."""
    rest = iter(got)
    for e in expected:
        if e not in rest:
            raise Failed(f'{e} did not come in its place: {got}')


def input_devices(rhea, *controller):
    args = [*controller, '-device', 'usb-kbd', '-device', 'usb-tablet,id=pen', '-device', 'usb-mouse,id=mouse']
    with boot(rhea, *args) as m:
        for name in ('Keyboard', 'Tablet', 'Mouse'):
            wait_for(m, rf'hid-generic.*USB {name}')
        got = events(m, 'USB Keyboard', lambda: [m.hmp('sendkey a'), m.hmp('sendkey b')])
        want(got, (EV_KEY, KEY_A, 1), (EV_KEY, KEY_A, 0), (EV_KEY, KEY_B, 1), (EV_KEY, KEY_B, 0))
        got = events(m, 'USB Mouse', lambda: [m.hmp('mouse_move 10 -20'), m.hmp('mouse_button 1'), m.hmp('mouse_button 0')])
        want(got, (EV_REL, 0, 10), (EV_REL, 1, -20), (EV_KEY, BTN_LEFT, 1), (EV_KEY, BTN_LEFT, 0))
        m.hmp('device_del mouse')
        wait_for(m, 'USB disconnect')
        got = events(m, 'USB Tablet', lambda: [m.hmp('mouse_move 1000 2000'), m.hmp('mouse_button 1'), m.hmp('mouse_button 0')])
        want(got, (EV_ABS, 0, 1000), (EV_ABS, 1, 2000), (EV_KEY, BTN_LEFT, 1), (EV_KEY, BTN_LEFT, 0))
        for i in range(5):
            m.hmp('device_del pen')
            m.hmp('device_add usb-tablet,id=pen')
            wait_for(m, f'hid-generic.*00{4 + i:02X}:|hid-generic.*00{4 + i:02X}.*USB Tablet')


@test
def usb_uhci(rhea):
    """UHCI: keyboard, mouse and tablet on a hub; plugged and unplugged."""
    input_devices(rhea, '-machine', 'usb=on')


@test
def usb_ehci(rhea):
    """EHCI: keyboard, mouse and tablet at high speed."""
    input_devices(rhea, '-device', 'usb-ehci')


@test
def usb_ich9(rhea):
    """EHCI with its three companions, as libvirt and libxl name them."""
    input_devices(rhea, *ICH9)


@test
def usb_xhci(rhea):
    """xHCI: keyboard, mouse and tablet."""
    input_devices(rhea, '-device', 'qemu-xhci')


@test
def usb_ohci(rhea):
    """OHCI: keyboard, mouse and tablet."""
    input_devices(rhea, '-device', 'pci-ohci')


# --- disks ---

STICK = 16 << 20


def stick(data):
    """A disk image in a file of its own."""
    fd, path = tempfile.mkstemp(prefix='rhea-stick.')
    with open(fd, 'wb') as f:
        f.write(data)
    return path


def storage(rhea, *controller, device='usb-storage'):
    """Random bytes read and written, with checksums on both sides; pulled out while it is read."""
    data = random.Random(5).randbytes(STICK)
    path = stick(data)
    try:
        drive = f'if=none,id=stick,file={path},format=raw'
        with boot(rhea, *controller, '-drive', drive, '-device', f'{device},drive=stick,id=pen') as m:
            wait_for(m, r'\[sda\] Attached SCSI')
            shell(m, 'sha256sum /dev/sda', hashlib.sha256(data).hexdigest(), 120)
            shell(m, f'dd if=/dev/urandom of=/tmp/new bs=1M count=6; cat /tmp/new /tmp/new > /tmp/two; '
                     f'dd if=/tmp/two of=/dev/sda bs=192k seek=1 conv=fsync 2>&1; sync', r'records out', 60)
            shell(m, f'dd if=/dev/sda of=/tmp/back bs=192k skip=1 count=64 iflag=direct 2>&1; cmp /tmp/back /tmp/two && echo sa$((1))me',
                  r'sa1me', 60)
            m.send('sha256sum /tmp/two; echo sum$((6*7))\n')
            m.expect('sum42', 20)
            want_sum = re.findall(r'([0-9a-f]{64})  /tmp/two', m.text)[-1]
            m.send('(while cat /dev/sda > /dev/null; do :; done) 2>/dev/null &\n')
            m.hmp('device_del pen')
            wait_for(m, 'USB disconnect')
        now = pathlib.Path(path).read_bytes()
        if hashlib.sha256(now[192 << 10:][:12 << 20]).hexdigest() != want_sum:
            raise Failed('what the guest wrote is not in the image')
    finally:
        os.unlink(path)


@test
def usb_storage_uhci(rhea):
    """A stick on UHCI: bytes both ways, pulled out while it is read."""
    storage(rhea, '-machine', 'usb=on')


@test
def usb_storage_ohci(rhea):
    """The same on OHCI."""
    storage(rhea, '-device', 'pci-ohci')


@test
def usb_storage_ehci(rhea):
    """The same on EHCI."""
    storage(rhea, '-device', 'usb-ehci')


@test
def usb_storage_xhci(rhea):
    """The same on xHCI, at USB 3's speed."""
    storage(rhea, '-device', 'qemu-xhci')


@test
def usb_boot(rhea):
    """SeaBIOS, GRUB and Debian's kernel from a stick."""
    for controller in (['-machine', 'usb=on'], ['-device', 'usb-ehci'], ['-device', 'qemu-xhci']):
        with Machine(rhea, ['-m', '256', *controller, '-drive', f'if=none,id=stick,file={guest("debian.img")},format=raw,snapshot=on',
                            '-device', 'usb-storage,drive=stick,bootindex=1']) as m:
            m.expect(r'RHEA-GUEST ready', 120)


def plug_often(rhea, controller, times):
    """A stick comes and goes while another is read, and while it is read itself."""
    paths = [stick(random.Random(n).randbytes(2 << 20)) for n in range(2)]
    digest = hashlib.sha256(pathlib.Path(paths[0]).read_bytes()).hexdigest()
    drives = [x for n, p in enumerate(paths) for x in ('-drive', f'if=none,id=d{n},file={p},format=raw')]
    try:
        with boot(rhea, *controller, *drives, '-device', 'usb-storage,drive=d0,serial=STAYS') as m:
            wait_for(m, r'\[sda\] Attached SCSI')
            shell(m, 'echo 0 > /sys/module/usb_storage/parameters/delay_use', '')
            m.send('(while :; do cat /dev/sd[b-z] > /dev/null 2>&1 || cat /dev/sda > /dev/null; done) &\n')
            for n in range(times):
                m.hmp('device_add usb-storage,drive=d1,id=pen')
                time.sleep(random.Random(n).random() * 0.6)  # in every state of its coming
                m.hmp('device_del pen')
            m.hmp('device_add usb-storage,drive=d1,id=pen')
            # The guest may still be at an older one: the last stays.
            last = hashlib.sha256(pathlib.Path(paths[1]).read_bytes()).hexdigest()
            shell(m, 'kill $!; for i in $(seq 60); do a=$(ls /dev/sd[b-z] 2>/dev/null); sleep 2; test -n "$a" && test "$a" = "$(ls /dev/sd[b-z])" && break; done; '
                     'sha256sum /dev/sd[b-z]', last, 150)
            shell(m, 'echo 3 > /proc/sys/vm/drop_caches; sha256sum /dev/sda', digest, 60)
    finally:
        for p in paths:
            os.unlink(p)


@test
def usb_plug_xhci(rhea):
    """A stick plugged and pulled a hundred times under I/O, on xHCI."""
    plug_often(rhea, ['-device', 'qemu-xhci'], 100)


@test
def usb_plug_uhci(rhea):
    """The same on UHCI, behind a hub."""
    plug_often(rhea, ['-machine', 'usb=on'], 100)
