# SPDX-License-Identifier: MIT
"""Programs that are hard on a translator: tests/stress/stress.c in Debian."""
import gzip, pathlib, shutil, subprocess, tempfile

from machine import TOP, Machine, Skipped, guest, guests, long_test, test


def run_stress(rhea, seconds, *args):
    if not shutil.which('cc'):
        raise Skipped('there is no C compiler')
    with tempfile.TemporaryDirectory() as folder:
        program, initrd = pathlib.Path(folder) / 'stress', pathlib.Path(folder) / 'initrd.gz'
        subprocess.run(['cc', '-O1', '-static', '-pthread', '-o', program, TOP / 'tests/stress/stress.c'], check=True)
        more = guests.Cpio()
        more.file('stress', program.read_bytes())
        base = pathlib.Path(guest('initrd-amd64.gz')).read_bytes()
        initrd.write_bytes(base + b'\0' * (-len(base) % 4) + gzip.compress(more.bytes(), 1))
        with Machine(rhea, ['-m', '512', '-kernel', guest('vmlinuz-amd64'), '-initrd', initrd, '-append', 'console=ttyS0', *args]) as m:
            m.expect(r'RHEA-GUEST ready: Linux', 240)
            m.send(f'\n/stress {seconds}\n')
            for part in ('smc', 'alias', 'other_thread', 'alarms', 'faults', 'forks', 'maps', 'locks', 'order'):
                if m.expect(rf'stress {part} ([^\r]*)\r', 60 + 20 * seconds)[1] != 'ok':
                    m.fail(f'{part} went wrong')
            m.expect(r'stress: 0 failed', 30)
            m.quit()


@test
def stress(rhea):
    """Code that changes, signals, faults, forks, mappings, locks: on four CPUs."""
    run_stress(rhea, 1, '-smp', '4')


@test
def stress_small(rhea):
    """The same where translated code is thrown away all the time."""
    run_stress(rhea, 1, '-accel', 'tcg,tb-size=1')


@long_test
def stress_long(rhea):
    """A minute of each."""
    run_stress(rhea, 60, '-smp', '4')
