# SPDX-License-Identifier: MIT
"""Random command lines: each makes a machine, or is refused in one line with status 1.

usage: test_junk.py [--lines N] [--seconds S] [--seed N] [--one N]

RHEA names the program. Lines are made of all options (vm/options.def), devices and properties there are, with values that are
right, nearly right and wrong, and of images that are cut short or spoilt. The machine is made but not run (-dry-run), so that
thousands are tried in a minute. --seconds ends earlier. A line that fails is printed with its number; --one tries that line alone.

Not drawn: -daemonize, -run-with and the like, which leave the test, and -mem-prealloc, which takes the host's memory.
"""
import argparse, concurrent.futures, os, pathlib, random, re, shutil, signal, struct, subprocess, sys, tempfile, time

TOP = pathlib.Path(__file__).resolve().parents[2]
NEVER = {'daemonize', 'run-with', 'runas', 'chroot', 'dry-run', 'qtest-log', 'writeconfig', 'D', 'pidfile', 'mem-path',
         'mem-prealloc'}
ENDS = 60  # seconds after which it hangs

WORDS = ['', 'on', 'off', 'help', 'none', 'null', 'std', 'x', '=', ',', ',,', '=,=', '?', '%s%n', 'a' * 300, '\xe9', '0', '1', '2',
         '7', '-1', '255', '256', '65536', '0x10', '4294967296', '18446744073709551615', '1e9', '1.5', '16M', '{', '[]', '{"a":1}',
         '{"driver":"VGA"}', '..', '/', '/dev/null', '/dev/zero', 'disk.img', 'missing.img', 'c0', 'd0', 'o0', 'auto', 'split']
GOOD_VALUES = {  # right ones, some of them
    'machine': ['pc', 'isapc', 'none', 'pc-i440fx-7.2', 'pc,accel=tcg', 'pc,hpet=off', 'pc,acpi=off', 'pc,smm=off', 'pc,usb=on',
                'pc,max-ram-below-4g=16M', 'pc,memory-backend=o0', 'pc,x-oem-id=ABC', 'type=pc,graphics=off'],
    'accel': ['tcg', 'qtest', 'kvm:tcg', 'tcg,thread=multi', 'tcg,tb-size=64'],
    'cpu': ['max', 'qemu64', '486', 'Nehalem', 'EPYC', 'max,+sse,-sse2', 'qemu64,-lm', 'max,level=9', 'max,check', 'pentium3,+avx',
            'Haswell,enforce', 'max,family=6,model=300', 'max,vendor=GenuineIntel', 'Nehalam'],
    'smp': ['1', '2', '4,maxcpus=8', '2,sockets=2', 'cores=2,threads=2', '8,sockets=2,cores=2,threads=2', '3,cores=3', '255'],
    'm': ['1', '16', '64M', '128', '1G', '3G', '5G', '5T', '33,slots=2,maxmem=64M', 'size=16M'],
    'name': ['x', 'guest=a,process=b,debug-threads=on'], 'uuid': ['00112233-4455-6677-8899-aabbccddeeff'],
    'smbios': ['type=0,vendor=v', 'type=1,serial=s', 'type=4,max-speed=3000', 'type=11,value=a,value=b', 'type=17,part=p', 'file=disk.img'],
    'acpitable': ['sig=TEST,data=small', 'data=small', 'file=small', 'sig=TOOLONG,data=small', 'file=disk.img'],
    'fw_cfg': ['name=opt/a,string=b', 'name=opt/a,file=small', 'opt/x,string=', 'name=etc/e820,string=x', 'name=' + 'n' * 60 + ',string=x'],
    'rtc': ['utc', 'base=utc,clock=vm', 'base=localtime', '2001-02-03T04:05:06', '2001-02-30', 'driftfix=slew'],
    'boot': ['cdn', 'once=d', 'order=a,menu=on', 'splash=small', 'splash-time=100000', 'strict=on', 'reboot-timeout=-1', 'zz'],
    'vga': ['std', 'none', 'cirrus', 'qxl'], 'k': ['de', 'fr', 'ja', 'xx'], 'echr': ['1', '0', '255', '256'],
    'global': ['VGA.vgamem_mb=32', 'PIIX4_PM.disable_s3=1', 'driver=VGA,property=vgamem_mb,value=8', 'x.y=z'],
    'set': ['chardev.c0.logfile=l', 'device.x.y=z', 'drive.d0.readonly=on'],
    'object': ['memory-backend-ram,id=o0,size=16M', 'memory-backend-memfd,id=o0,size=16M', 'secret,id=o0,data=x', 'iothread,id=o0',
               'memory-backend-file,id=o0,size=1M,mem-path=ram', 'rng-random,id=o0', '{"qom-type":"iothread","id":"o0"}'],
    'drive': ['file=disk.img,if=none,id=d0,format=raw', 'file=disk.img', 'file=disk.img,if=floppy', 'if=floppy', 'media=cdrom',
              'file=disk.img,index=3,media=cdrom', 'file=disk.img,snapshot=on,cache=unsafe', 'file=disk.img,if=ide,cyls=2,heads=2,secs=2'],
    'blockdev': ['driver=file,filename=disk.img,node-name=n0', 'driver=raw,file=n0,node-name=n1',
                 'driver=raw,file.filename=disk.img,node-name=n1,read-only=on', '{"driver":"file","filename":"disk.img","node-name":"n0"}'],
    'serial': ['null', 'none', 'stdio', 'mon:stdio', 'pty', 'vc', 'file:out', 'pipe:p', 'unix:s,server=on,wait=off', 'unix:none',
               'tcp:127.0.0.1:0,server=on,wait=off', 'tcp:127.0.0.1:1', 'udp:127.0.0.1:9', 'chardev:c0', 'telnet::x', 'ringbuf'],
    'chardev': ['null,id=c0', 'ringbuf,id=c0,size=16', 'file,id=c0,path=out', 'socket,id=c0,path=s,server=on,wait=off', 'udp,id=c0,port=9',
                'null,id=c0,mux=on', 'stdio,id=c0', 'pty,id=c0', 'pipe,id=c0,path=p', 'null,id=c0,logfile=l'],
    'mon': ['c0', 'chardev=c0,mode=control', 'chardev=c0,mode=x'], 'add-fd': ['fd=0,set=1', 'fd=9999,set=1', 'fd=0'],
    'd': ['int,cpu_reset', 'in_asm', 'guest_errors', 'exec'], 'dfilter': ['0..1', '0x10+0x10', '5-1', '1..0'],
    'action': ['reboot=shutdown', 'panic=none,shutdown=pause', 'x=y'], 'watchdog-action': ['reset', 'bark'],
    'vnc': ['none', 'unix:v', 'unix:v,password=on', 'x', ':-1', ':70000', 'none,x=y', 'unix:v,password-secret=o0', 'unix:v,websocket=on'],
    'display': ['none', 'vnc=none', 'vnc=unix:w', 'curses', 'x', 'none,a=b'], 'readconfig': ['conf', 'disk.img', 'missing'],
    'kernel': ['linux', 'multiboot', 'elf', 'small', 'disk.img'], 'initrd': ['small', 'small,small', 'disk.img', 'linux'],
    'bios': ['bios', 'small', 'disk.img'], 'option-rom': ['rom', 'small', 'bios'], 'L': ['.', 'missing'],
    'nic': ['none', 'user'], 'net': ['none', 'nic'], 'netdev': ['user,id=n'],
}
for same, of in (('M', 'machine'), ('monitor', 'serial'), ('parallel', 'serial'), ('qmp', 'serial'), ('qmp-pretty', 'serial'),
                 ('debugcon', 'serial'), ('qtest', 'serial')):
    GOOD_VALUES[same] = GOOD_VALUES[of]
for name in ('hda', 'hdb', 'hdc', 'hdd', 'cdrom', 'fda', 'fdb', 'pflash', 'sd', 'mtdblock'):
    GOOD_VALUES[name] = ['disk.img', 'disk.img', 'missing', 'small', '/', '/dev/null', 'iso', 'mbr', 'a,b=c']
IMAGES = ['linux', 'multiboot', 'elf', 'iso', 'mbr', 'bios', 'rom', 'floppy', 'conf']


def ask(*args):
    return subprocess.run([os.environ['RHEA'], *args], capture_output=True, text=True, timeout=60).stdout


class Names:
    """The options and devices that there are."""

    def __init__(self):
        rows = re.findall(r'(?m)^OPTION\("([^"]+)", (\w+),', (TOP / 'vm/options.def').read_text())
        self.options = [(n, kind in ('STRING', 'LIST', 'DRIVE') or kind.endswith('_ARG')) for n, kind in rows if n not in NEVER]
        self.devices = re.findall(r'name "([^"]+)"', ask('-device', 'help'))
        self.properties = {d: re.findall(r'(?m)^ +([\w-]+)=', ask('-device', d + ',help')) for d in self.devices}
        if len(self.options) < 100 or len(self.devices) < 10:
            sys.exit('options or devices could not be read')


def images(folder):
    """One of each kind, whole."""
    def put(name, data, size=0):
        (folder / name).write_bytes(bytes(data) + bytes(max(size - len(data), 0)))
    setup = bytearray(0x400 * 4)
    setup[0x1f1], setup[0x1fe], setup[0x1ff] = 4, 0x55, 0xaa
    setup[0x202:0x206] = b'HdrS'
    struct.pack_into('<H', setup, 0x206, 0x20f)
    setup[0x211] = 1
    struct.pack_into('<II', setup, 0x22c, 0x7fffffff, 0x200000)
    struct.pack_into('<I', setup, 0x238, 2047)
    put('linux', setup, 65536)
    put('multiboot', struct.pack('<8I', 0x1badb002, 0x10003, 0xffffffff & -(0x1badb002 + 0x10003), 0x100000, 0x100000, 0, 0, 0x100020), 8192)
    put('elf', b'\x7fELF\1\1\1' + bytes(9) + struct.pack('<HHIIIIIHHHHHH', 2, 3, 1, 0x100000, 52, 0, 0, 52, 32, 1, 0, 0, 0) +
        struct.pack('<8I', 1, 0, 0x100000, 0x100000, 4096, 8192, 7, 4096) +
        struct.pack('<3I', 0x1badb002, 3, 0xffffffff & -(0x1badb002 + 3)), 4096)
    put('iso', bytes(0x8000) + b'\1CD001\1', 0x9000)
    put('mbr', bytes(510) + b'\x55\xaa', 65536)
    put('floppy', bytes(510) + b'\x55\xaa', 1440 * 1024)
    put('bios', bytes(65520) + b'\xea\0\0\0\xf0', 65536)
    put('rom', b'\x55\xaa\1', 512)
    put('conf', b'[machine]\n type = "pc"\n[memory]\n size = "16M"\n[chardev "c9"]\n backend = "null"\n')
    put('disk.img', b'', 1440 * 1024)
    put('small', b'small')


def spoil(rng, folder, name):
    """Cuts an image short, or changes bytes of it."""
    path = folder / 'spoilt'
    data = bytearray((folder / name).read_bytes())
    if rng.random() < 0.5:
        del data[rng.choice([0, 1, 4, 511, 512, 513, rng.randrange(len(data) + 1), len(data) - 1]):]
    for _ in range(rng.randrange(6)):
        if data:
            at = rng.randrange(min(len(data), rng.choice([64, 1024, len(data)])))
            data[at] = rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)])
    path.write_bytes(data)
    return str(path.name)


def mangle(rng, text):
    """Nearly right: a letter more, less or else."""
    if not text or rng.random() < 0.5:
        return text + rng.choice([',', ',x', '=', ',x=y', ',id=c0', ' ', 'x', ',readonly=on', ',,'])
    at = rng.randrange(len(text))
    return text[:at] + rng.choice(['', ',', '=', '9', 'x', text[at] * 2]) + text[at + 1:]


def device(rng, names):
    driver = rng.choice(names.devices)
    keys = names.properties[driver] + ['id', 'bus', 'addr', 'x']
    right = {'drive': 'd0', 'chardev': 'c0', 'bus': 'pci.0', 'id': 'x', 'addr': '7', 'unit': '1', 'romfile': 'rom'}
    return ','.join([driver] + [f'{k}={right.get(k, "1") if rng.random() < 0.5 else rng.choice(WORDS)}'
                                for k in rng.choices(keys, k=rng.randrange(4))])


def value(rng, names, option):
    if option == 'device' and rng.random() < 0.9:
        return device(rng, names)
    good = GOOD_VALUES.get(option)
    if good and rng.random() < 0.85:
        text = rng.choice(good)
        return mangle(rng, text) if rng.random() < 0.25 else text
    return rng.choice(WORDS) if option not in ('vnc', 'display') else 'none,'


def command(number, seed, names, folder):
    rng = random.Random(f'{seed}/{number}')
    line = []
    for n in range(rng.choice([1, 1, 2, 2, 3, 4, 6])):
        # every option has its turn
        option, valued = names.options[number % len(names.options)] if n == 0 else rng.choice(names.options)
        line.append(('-' if rng.random() < 0.9 else '--') + option)
        if valued and rng.random() < 0.98:
            line.append(value(rng, names, option))
    if rng.random() < 0.3:
        image = spoil(rng, folder, rng.choice(IMAGES))
        line += rng.choice([[image], ['-kernel', image], ['-kernel', 'linux', '-initrd', image], ['-hda', image], ['-fda', image],
                            ['-cdrom', image], ['-bios', image], ['-option-rom', image], ['-smbios', 'file=' + image],
                            ['-acpitable', 'file=' + image], ['-readconfig', image], ['-device', 'VGA,romfile=' + image],
                            ['-drive', f'file={image},if=none,id=d0', '-device', 'ide-cd,drive=d0'], ['-boot', 'splash=' + image]])
    return line


def run(number, seed, names, top):
    """The line, what is wrong with it (or None), and whether it made a machine."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=top))
    try:
        for f in (top / 'images').iterdir():
            os.link(f, folder / f.name) if f.name == 'floppy' else shutil.copyfile(f, folder / f.name)
        line = command(number, seed, names, folder)
        env = {k: v for k, v in os.environ.items() if k not in ('DISPLAY', 'WAYLAND_DISPLAY')}
        env['ASAN_OPTIONS'] = 'detect_leaks=0'  # a refusal ends without tidying up
        p = subprocess.Popen([os.environ['RHEA'], '-dry-run', '-display', 'none', *line], cwd=folder, env=env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(folder / 'errors', 'wb'))
        end = time.monotonic() + ENDS
        while p.poll() is None:
            errors = (folder / 'errors').read_text(errors='replace')
            if 'waiting for a connection' in errors:
                p.kill()
                p.wait()
                return line, None, True
            if time.monotonic() > end:
                p.kill()
                p.wait()
                return line, 'hangs', False
            time.sleep(0.002)
        errors = (folder / 'errors').read_text(errors='replace')
    finally:
        shutil.rmtree(folder)
    lines = errors.strip('\n').split('\n') if errors.strip() else []
    warnings = [l for l in lines if re.search(r'; trying |ignored|nothing is logged|names of users|taking |left out|no effect|not implemented', l)]
    made = p.returncode == 0
    if p.returncode not in (0, 1):
        return line, f'status {p.returncode}: {lines[-12:]}', made
    if p.returncode == 1 and len(lines) - len(warnings) > 1 or p.returncode == 1 and not lines:
        return line, f'{len(lines)} lines of errors: {lines[:5]}', made
    if any(not l.startswith('rhea: ') for l in lines):
        return line, f'not ours: {lines[:5]}', made
    return line, None, made


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--lines', type=int, default=10000)
    ap.add_argument('--seconds', type=float, default=float('inf'))
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--one', type=int)
    a = ap.parse_args()
    names, failed, tried, machines = Names(), 0, 0, 0
    end = time.monotonic() + a.seconds
    numbers = range(a.lines) if a.one is None else [a.one]
    with tempfile.TemporaryDirectory(prefix='rhea-junk.') as top, concurrent.futures.ThreadPoolExecutor(4) as pool:
        top = pathlib.Path(top)
        (top / 'images').mkdir()
        images(top / 'images')
        for first in range(0, len(numbers), 100):
            part = numbers[first:first + 100]
            for number, (line, wrong, made) in zip(part, pool.map(lambda n: run(n, a.seed, names, top), part)):
                tried += 1
                machines += made
                if wrong:
                    failed += 1
                    print(f'{number}: {wrong}\n    {line}', flush=True)
                elif a.one is not None:
                    print(f'{number}: {"a machine" if made else "refused"}: {line}')
            if time.monotonic() > end:
                break
    print(f'junk: seed {a.seed}: {tried} lines, {machines} machines, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
