# SPDX-License-Identifier: MIT
"""Command lines of real names and random values: each runs, or is refused in one line.

usage: test_junk.py [--lines N] [--seed N] [--one N]

RHEA names the program. A line that fails is printed with its number; --one
runs that line alone. Not drawn: -daemonize and -run-with, which leave the test.
"""
import argparse, concurrent.futures, os, pathlib, random, re, signal, subprocess, sys, tempfile

NEVER = {'daemonize', 'run-with'}
RUNS = 0.3  # seconds that a machine that starts may run
ENDS = 60   # seconds after which it hangs

WORDS = ['', 'on', 'off', 'help', 'none', 'null', 'std', 'x', '=', ',', ',,', '=,=', '?', '%s%n', 'a' * 300, '\xe9', '0',
         '1', '2', '7', '-1', '255', '256', '65536', '0x10', '4294967296', '18446744073709551615', '1e9', '1.5', '16M',
         '64', '128', '1G', '3G', '5T', '-1M', 'cdn', 'once=d', 'order=a,menu=on', 'disk.img', 'missing.img', '.', '/dev/null',
         '/dev/zero', 'stdio', 'mon:stdio', 'pty', 'vc', 'file:out', 'pipe:p', 'unix:s,server=on,wait=off', 'unix:none',
         'tcp:127.0.0.1:0,server=on,wait=off', 'tcp:127.0.0.1:1', 'udp:127.0.0.1:9', 'chardev:c0', 'telnet::x', 'pc', 'tcg',
         'interp', 'qtest', 'kvm', 'kvm:tcg', 'max', 'max,+sse,-sse2', 'qemu64,-lm', '486', 'max,level=9', 'utc', 'base=utc,clock=vm',
         '2001-02-03T04:05:06', '2001-02-30', 'type=0,vendor=v', 'type=1,serial=s', 'type=999', 'de', 'en-us', 'c0',
         '00112233-4455-6677-8899-aabbccddeeff', 'sockets=2,cores=2', '4,maxcpus=2', '2,maxcpus=4', '0,maxcpus=0']
KINDS = ['null', 'file', 'stdio', 'pty', 'socket', 'udp', 'pipe', 'ringbuf', 'user', 'hubport', 'tap', 'nothing']
KEYS = ['id', 'file', 'if', 'format', 'index', 'media', 'bus', 'unit', 'readonly', 'snapshot', 'cache', 'path', 'host',
        'port', 'server', 'wait', 'size', 'mode', 'chardev', 'drive', 'addr', 'accel', 'mem', 'netdev', 'restrict', 'net',
        'hostfwd', 'driver', 'node-name', 'logfile', 'mux', 'serial', 'mac', 'iobase', 'irq', 'romfile', 'multifunction']
GOOD = [['-m', '32'], ['-smp', '2'], ['-hda', 'disk.img'], ['-drive', 'file=disk.img,if=none,id=d0,format=raw'], ['-serial', 'null'],
        ['-chardev', 'null,id=c0'], ['-fda', 'disk.img'], ['-cdrom', 'disk.img'], ['-nodefaults'], ['-snapshot'],
        ['-device', 'VGA'], ['-accel', 'tcg'], ['-no-acpi'], ['-monitor', 'none']]


def ask(*args):
    r = subprocess.run([os.environ['RHEA'], *args], capture_output=True, text=True, timeout=60)
    return r.stdout


class Names:
    """The options and devices that the program tells of."""

    def __init__(self):
        text = ask('-help')
        self.options = [(name, bool(value)) for name, value in re.findall(r'(?m)^  -([\w-]+)( [A-Z]\S*| \S+=\S*| \S+)?', text)
                        if name not in NEVER]
        self.devices = re.findall(r'name "([^"]+)"', ask('-device', 'help'))
        self.properties = {d: re.findall(r'(?m)^ +([\w-]+)=', ask('-device', d + ',help')) for d in self.devices}
        if len(self.options) < 30 or len(self.devices) < 10:
            sys.exit('-help or -device help could not be read')


def value(rng, names, option):
    if option == 'device' and rng.random() < 0.9:
        driver = rng.choice(names.devices)
        keys = (names.properties[driver] + ['id', 'bus', 'addr'])
        return ','.join([driver] + [f'{rng.choice(keys)}={rng.choice(WORDS)}' for _ in range(rng.randrange(3))])
    if option == 'global' and rng.random() < 0.8:
        driver = rng.choice(names.devices)
        return f'{driver}.{rng.choice(names.properties[driver] + ["x"])}={rng.choice(WORDS)}'
    if option in ('vnc', 'display'):  # no port that others may want
        return rng.choice(['none', 'vnc=none', 'help', 'x', '', ':x', ':-1', ':70000', 'unix:v', 'vnc=unix:w', ',', 'none,x=y'])
    if rng.random() < 0.5:
        return rng.choice(WORDS)
    first = [rng.choice(KINDS)] if option in ('chardev', 'netdev', 'nic', 'net') else []
    return ','.join(first + [f'{rng.choice(KEYS)}={rng.choice(WORDS)}' for _ in range(rng.randrange(1, 4))])


def command(number, seed, names):
    rng = random.Random(f'{seed}/{number}')
    line = ['-S', '-display', 'none']
    for _ in range(rng.randrange(4)):
        line += rng.choice(GOOD)
    for _ in range(rng.randrange(1, 4)):
        option, valued = rng.choice(names.options)
        line.append('-' + option)
        if valued and rng.random() < 0.97:
            line.append(value(rng, names, option))
    return line


def run(number, seed, names):
    """What is wrong with a line, or None."""
    line = command(number, seed, names)
    with tempfile.TemporaryDirectory(prefix='rhea-junk.') as folder:
        pathlib.Path(folder, 'disk.img').write_bytes(bytes(1440 * 1024))
        env = {k: v for k, v in os.environ.items() if k not in ('DISPLAY', 'WAYLAND_DISPLAY')}
        env['ASAN_OPTIONS'] = 'detect_leaks=0'  # a refusal ends without tidying up
        p = subprocess.Popen([os.environ['RHEA'], *line], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        ran = False
        try:
            errors = p.communicate(timeout=RUNS)[1]
        except subprocess.TimeoutExpired:
            ran = True
            p.terminate()
            try:
                errors = p.communicate(timeout=ENDS)[1]
            except subprocess.TimeoutExpired:
                p.kill()
                p.communicate()
                return line, 'does not end by SIGTERM'
    lines = errors.decode(errors='replace').strip('\n').split('\n') if errors.strip() else []
    # Warnings: of -accel A:B on the way to B, of what -global meant for nobody.
    lines = [l for l in lines if '; trying ' not in l and not l.endswith('; ignored')]
    if ran and p.returncode == -signal.SIGTERM:
        return None
    if p.returncode not in (0, 1):
        return line, f'status {p.returncode}: {lines[-3:]}'
    if p.returncode == 1 and len(lines) != 1 and '-d' not in line:
        return line, f'{len(lines)} lines of errors: {lines[:5]}'
    return None


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--lines', type=int, default=500)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--one', type=int)
    a = ap.parse_args()
    names, failed = Names(), 0
    numbers = range(a.lines) if a.one is None else [a.one]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for number, result in zip(numbers, pool.map(lambda n: run(n, a.seed, names), numbers)):
            if result:
                failed += 1
                print(f'{number}: {result[1]}\n    {result[0]}', flush=True)
    print(f'junk: {len(numbers)} lines, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
