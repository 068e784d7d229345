# SPDX-License-Identifier: MIT
"""USB controllers and devices under Debian's drivers."""
import re, struct

from machine import Failed, test
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
