# SPDX-License-Identifier: MIT
"""A machine under test: rhea as a child process, its serial line as a stream."""
import importlib.machinery, importlib.util, os, pathlib, re, select, shutil, socket, subprocess, tempfile, time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
_loader = importlib.machinery.SourceFileLoader('guests', str(TOP / 'tools/guests'))
guests = importlib.util.module_from_spec(importlib.util.spec_from_loader('guests', _loader))
_loader.exec_module(guests)


ACCEL = []  # what `run --accel` says: -accel NAME
TESTS, LONG = {}, {}  # by name


def long_test(f):
    """Makes a function a test of `make check-long` alone."""
    LONG[f.__name__] = f
    return f


def test(f):
    """Makes a function a boot test; its first line says what is seen."""
    TESTS[f.__name__] = f
    return f


class Failed(Exception):
    """The guest did not do what it should; the message says what was seen."""


class Skipped(Exception):
    """Something that the test needs is not here."""


class Machine:
    """Runs rhea with `args`; a serial line on stdio, a monitor on a socket."""

    def __init__(self, rhea, args, monitor=True, serial=True):
        self.tmp = tempfile.mkdtemp(prefix='rhea-boot.')
        command = [str(rhea), '-display', 'none', *ACCEL] + [str(a) for a in args]
        if serial:
            command += ['-serial', 'stdio']
        self.monitor_path = self.tmp + '/mon'
        if monitor:
            command += ['-monitor', f'unix:{self.monitor_path},server=on,wait=off']
        self.command, self.text, self.mark, self.mon = command, '', 0, None
        self.errors = open(self.tmp + '/stderr', 'wb+')
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        os.set_blocking(self.process.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.mon:
            self.mon.close()
        self.errors.close()
        shutil.rmtree(self.tmp, ignore_errors=True)

    def fail(self, what):
        self.errors.seek(0)
        errors = self.errors.read().decode(errors='replace').strip()[-600:]
        raise Failed(f'{what}\n  serial: ...{self.text[-700:]!r}\n  stderr: {errors}\n  + {" ".join(self.command)}')

    def _read(self, seconds):
        if select.select([self.process.stdout], [], [], seconds)[0]:
            data = self.process.stdout.read()
            if data:
                self.text += data.decode('utf-8', 'replace')
                return True
            return data is None
        return True

    def expect(self, pattern, timeout):
        """Waits for a pattern on the serial line, behind the last one found."""
        end = time.monotonic() + timeout
        while True:
            m = re.compile(pattern).search(self.text, self.mark)
            if m:
                self.mark = m.end()
                return m
            if time.monotonic() > end:
                self.fail(f'waited {timeout} s for {pattern!r}')
            if not self._read(0.2) and self.process.poll() is not None:
                self.fail(f'ended with status {self.process.returncode} before {pattern!r}')

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def ended(self, timeout, status=0):
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > end:
                self.fail(f'still running after {timeout} s')
            self._read(0.2)
        if self.process.returncode != status:
            self.fail(f'ended with status {self.process.returncode}, not {status}')

    # --- the monitor ---

    def hmp(self, line, timeout=10):
        """A monitor command; its output."""
        if not self.mon:
            self._connect()
        self.mon.sendall(line.encode() + b'\n')
        return self._prompt(timeout).split('\n', 1)[-1]

    def _connect(self):
        end = time.monotonic() + 10
        while True:
            try:
                self.mon = socket.socket(socket.AF_UNIX)
                self.mon.connect(self.monitor_path)
                break
            except OSError:
                self.mon.close()
                if time.monotonic() > end:
                    self.fail('no monitor')
                time.sleep(0.1)
        self.mon.settimeout(10)
        self._prompt(10)

    def _prompt(self, timeout):
        out, self.seen = b'', None
        self.mon.settimeout(timeout)
        while not out.endswith(b'(qemu) '):
            try:
                data = self.mon.recv(65536)
            except OSError as e:
                self.fail(f'monitor: {e}')
            if not data:
                self.fail('the monitor closed')
            out += data
        return re.sub(r'\x1b\[[0-9;]*[A-Za-z]|\r', '', out.decode('utf-8', 'replace'))[:-len('(qemu) ')]

    def key(self, name):
        self.hmp(f'sendkey {name} 20')
        time.sleep(0.2)

    def quit(self):
        """Ends by the monitor, so that images are complete."""
        self.hmp('info status')
        self.mon.sendall(b'quit\n')
        self.ended(30)

    def type(self, text):
        """Types on the PS/2 keyboard."""
        names = {' ': 'spc', '\n': 'ret', '.': 'dot', '/': 'slash', '-': 'minus', ',': 'comma', ';': 'semicolon',
                 '=': 'equal', ':': 'shift-semicolon', '>': 'shift-dot', '\\': 'backslash', '*': 'shift-8',
                 '"': 'shift-apostrophe', "'": 'apostrophe', '_': 'shift-minus', '$': 'shift-4', '(': 'shift-9',
                 ')': 'shift-0', '&': 'shift-7', '|': 'shift-backslash', '+': 'shift-equal'}
        for c in text:
            key = names.get(c) or ('shift-' + c.lower() if c.isupper() else c)
            self.hmp(f'sendkey {key} 20')
            time.sleep(0.05)

    def screen(self):
        """The text screen, as `info screen` shows it."""
        return self.hmp('info screen')

    def expect_screen(self, pattern, timeout):
        end = time.monotonic() + timeout
        while True:
            text = self.screen()
            m = re.search(pattern, text)
            if m:
                return m
            if time.monotonic() > end or self.process.poll() is not None:
                self.fail(f'waited {timeout} s for {pattern!r} on the screen:\n{text.rstrip()}')
            time.sleep(0.3)


    # --- a shell on the serial line ---

    def shell(self, command, timeout=60):
        """What a command prints, and its exit status."""
        self.send(f'echo "<""<"; {command}; echo ">"">"$?\n')
        self.expect(r'<<\r', timeout)
        begin = self.mark
        status = int(self.expect(r'>>(\d+)\r', timeout)[1])
        return self.text[begin:self.mark].rsplit('>>', 1)[0].replace('\r', '').strip(), status

    def good(self, command, timeout=60):
        """What a command prints, which must end well."""
        out, status = self.shell(command, timeout)
        if status:
            self.fail(f'{command!r} ended with {status}: {out[-500:]}')
        return out


def guest(name):
    try:
        return guests.guest(name)
    except (guests.Missing, OSError) as e:
        raise Skipped(f'{name}: {e}')


def legacy(name):
    """A system of the collection beside the project, where that is there."""
    for folder in (os.environ.get('RHEA_OS_IMAGES'), TOP.parent / 'shared/os-images'):
        if folder and (pathlib.Path(folder) / name).exists():
            return pathlib.Path(folder) / name
    raise Skipped(f'{name} is not here (RHEA_OS_IMAGES)')
