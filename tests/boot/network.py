# SPDX-License-Identifier: MIT
"""Network cards under Debian's drivers, on the user's network; PXE."""
import hashlib, os, pathlib, random, re, signal, socket, subprocess, tempfile, threading, time

from machine import Failed, Machine, Skipped, guest, test

SIZE = 24 << 20


class Host:
    """A TCP server on this host: sends `data` to who connects, or takes what comes and hashes it."""

    def __init__(self, data=None, bind='127.0.0.1'):
        self.data, self.got, self.done = data, hashlib.sha256(), threading.Event()
        self.socket = socket.create_server((bind, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            with c:
                if self.data is not None:
                    c.sendall(self.data)
                    c.shutdown(socket.SHUT_WR)
                while chunk := c.recv(1 << 20):
                    self.got.update(chunk)
            self.done.set()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()


def boot(rhea, *args, flavour='amd64'):
    m = Machine(rhea, ['-m', '256', '-kernel', guest(f'vmlinuz-{flavour}'), '-initrd', guest(f'initrd-{flavour}.gz'),
                       '-append', 'console=ttyS0', *args])
    m.expect(r'RHEA-GUEST ready', 240)
    m.send('\n')
    m.expect(r'# ', 20)
    return m


def shell(m, line, want, timeout=60):
    """Runs a line; its output must match."""
    m.send(f'{line}; echo end$((6*7))\n')
    m.expect(f'(?s){want}.*end42', timeout)


def configure(m):
    """Link up, address by DHCP, the gateway answers."""
    shell(m, 'ip link set eth0 up; for i in 1 2 3 4 5 6 7 8 9; do grep -q 1 /sys/class/net/eth0/carrier && break; sleep 0.2; done',
          '')
    shell(m, 'udhcpc -i eth0 -n -q -s /bin/true; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2',
          r'lease of 10\.0\.2\.15 obtained')
    shell(m, 'ping -c 3 -i 0.2 10.0.2.2', r'3 packets received')


def transfer(m, size=SIZE, host='10.0.2.2'):
    """Random bytes in, and back out; checksums on both sides."""
    data = random.Random(3).randbytes(size)
    digest = hashlib.sha256(data).hexdigest()
    bind = '127.0.0.1' if host == '10.0.2.2' else host
    with Host(data, bind) as source, Host(bind=bind) as sink:
        shell(m, f'nc {host} {source.port} </dev/null >/tmp/data; sha256sum /tmp/data', digest, 120)
        shell(m, f'nc {host} {sink.port} </tmp/data', '', 120)
        if not sink.done.wait(60) or sink.got.hexdigest() != digest:
            raise Failed('what the guest sent is not what came')


def card(rhea, model, flavour='amd64'):
    with boot(rhea, '-nic', f'user,model={model}', flavour=flavour) as m:
        configure(m)
        transfer(m)
        m.hmp(f'set_link {model} off')
        shell(m, 'sleep 2; cat /sys/class/net/eth0/carrier', r'\n0')
        m.hmp(f'set_link {model} on')
        shell(m, 'sleep 3; cat /sys/class/net/eth0/carrier', r'\n1')
        shell(m, 'ping -c 2 -i 0.2 10.0.2.2', r'2 packets received')


@test
def net_e1000(rhea):
    """e1000: DHCP, ping, bytes both ways, the cable pulled and plugged."""
    card(rhea, 'e1000')


@test
def net_user(rhea):
    """The user network: a forwarded port, its process killed, names, IPv6, no way to files."""
    with socket.create_server(('127.0.0.1', 0)) as s:
        port = s.getsockname()[1]
    with boot(rhea, '-nic', f'user,model=e1000,hostfwd=tcp:127.0.0.1:{port}-:23') as m:
        configure(m)
        m.send('echo knock | nc -l -p 23\n')
        time.sleep(1)
        with socket.create_connection(('127.0.0.1', port), 5) as c:
            c.settimeout(10)
            if c.recv(100) != b'knock\n':
                raise Failed('nothing came through the forwarded port')
            c.shutdown(socket.SHUT_WR)
        m.send('\n')
        shell(m, 'for i in 1 2 3 4 5 6 7 8; do ip -6 addr | grep fec0: | grep -qv tentative && break; sleep 1; done; '
                 'ping -6 -c 1 fec0::2', r'1 packets received')
        workers = subprocess.run(['pgrep', '-P', children(m.process.pid)[0]], capture_output=True, text=True).stdout.split()
        os.kill(int(workers[0]), signal.SIGKILL)
        time.sleep(2)
        shell(m, 'ping -c 2 10.0.2.2', r'[12] packets received')


def children(pid):
    return subprocess.run(['pgrep', '-P', str(pid), '-x', 'rhea-net'], capture_output=True, text=True).stdout.split()


IPXE = '''#!ipxe
echo script from TFTP
kernel vmlinuz console=ttyS0 rhea.run=off initrd=initrd.gz
initrd initrd.gz
boot
'''


def pxe(rhea, model):
    with tempfile.TemporaryDirectory() as folder:
        for name, source in (('vmlinuz', 'vmlinuz-amd64'), ('initrd.gz', 'initrd-amd64.gz')):
            pathlib.Path(folder, name).write_bytes(pathlib.Path(guest(source)).read_bytes())
        pathlib.Path(folder, 'script').write_text(IPXE)
        with Machine(rhea, ['-m', '512', '-boot', 'n', '-nic', f'user,model={model},tftp={folder},bootfile=script']) as m:
            m.expect(r'RHEA-GUEST ready: Linux', 240)
            m.ended(30)


@test
def pxe_e1000(rhea):
    """-boot n: the card's ROM (iPXE) fetches a script, a kernel and a RAM disk by TFTP."""
    pxe(rhea, 'e1000')


@test
def pxe_rtl8139(rhea):
    """The same; its driver in iPXE is one of the older mode."""
    pxe(rhea, 'rtl8139')


@test
def pxe_virtio(rhea):
    """The same on virtio-net."""
    pxe(rhea, 'virtio-net-pci')


@test
def net_rtl8139(rhea):
    """rtl8139: likewise, by 8139cp."""
    card(rhea, 'rtl8139')


@test
def net_virtio(rhea):
    """virtio-net: likewise; legacy registers under the 32-bit kernel, packed rings."""
    card(rhea, 'virtio-net-pci')
    for options, flavour in (('disable-modern=on', '686'), ('packed=on', 'amd64')):
        with boot(rhea, '-nic', 'user,model=virtio', '-global', f'virtio-net-pci.{options}', flavour=flavour) as m:
            configure(m)
            transfer(m, 4 << 20)


def pair(rhea, first, second):
    """Two guests on one wire: they find each other, and bytes go across."""
    with boot(rhea, '-nic', first + ',model=virtio') as a, boot(rhea, '-nic', second + ',model=e1000,mac=52:54:00:12:34:99') as b:
        for m, address in ((a, 1), (b, 2)):
            shell(m, f'ip link set eth0 up; sleep 1; ip addr add 10.9.9.{address}/24 dev eth0', '')
        shell(a, 'ping -c 3 10.9.9.2', r'[123] packets received')
        shell(a, 'dd if=/dev/urandom of=/tmp/x bs=1M count=8 2>/dev/null; sha256sum /tmp/x', '')
        digest = re.findall(r'([0-9a-f]{64})  /tmp/x', a.text)[-1]
        b.send('nc -l -p 99 > /tmp/x; sha256sum /tmp/x\n')
        time.sleep(1)
        a.send('nc 10.9.9.2 99 < /tmp/x\n')
        b.expect(digest, 60)


@test
def net_sockets(rhea):
    """Guests on a TCP socket, a Unix stream, and a multicast group."""
    with socket.create_server(('127.0.0.1', 0)) as s:
        port = s.getsockname()[1]
    pair(rhea, f'socket,listen=127.0.0.1:{port}', f'socket,connect=127.0.0.1:{port}')
    with tempfile.TemporaryDirectory() as folder:
        path = f'{folder}/wire'
        pair(rhea, f'stream,server=on,addr.type=unix,addr.path={path}', f'stream,addr.type=unix,addr.path={path}')
    pair(rhea, 'socket,mcast=239.192.7.7:7007,localaddr=127.0.0.1', 'socket,mcast=239.192.7.7:7007,localaddr=127.0.0.1')


@test
def net_tap(rhea):
    """An interface of the host: its script, large packets both ways."""
    if os.geteuid() != 0 or not os.path.exists('/dev/net/tun'):
        raise Skipped('needs root and /dev/net/tun')
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder, 'up')
        script.write_text('#!/bin/sh\nip addr add 10.77.0.1/24 dev $1 && ip link set $1 up\n')
        script.chmod(0o755)
        name = f'rhea{os.getpid() % 100000}'
        for model in ('virtio', 'e1000', 'rtl8139'):
            with boot(rhea, '-nic', f'tap,model={model},ifname={name},script={script},downscript=no') as m:
                shell(m, 'ip link set eth0 up; sleep 1; ip addr add 10.77.0.2/24 dev eth0; ping -c 3 10.77.0.1',
                      r'[123] packets received')
                transfer(m, 32 << 20, '10.77.0.1')


@test
def net_ne2k(rhea):
    """ne2k_pci, which sees no cable: DHCP, bytes both ways; PXE by iPXE's driver of it."""
    with boot(rhea, '-nic', 'user,model=ne2k_pci') as m:
        configure(m)
        transfer(m)
    pxe(rhea, 'ne2k_pci')


@test
def net_pcnet(rhea):
    """pcnet: DHCP, bytes both ways."""
    with boot(rhea, '-nic', 'user,model=pcnet') as m:
        configure(m)
        transfer(m)
