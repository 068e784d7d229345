# SPDX-License-Identifier: MIT
"""The window, on an X server without a screen: it shows, types, grabs."""
import os
import pathlib
import re
import struct
import subprocess
import time

import rhea

HELLO = str(pathlib.Path(os.path.abspath(rhea.BINARY)).parent / "pc-bios/hello.img")


class Window(rhea.TestCase):
    def setUp(self):
        r, w = os.pipe()
        self.x = subprocess.Popen(["Xvfb", "-displayfd", str(w), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
                                  pass_fds=[w], stderr=subprocess.DEVNULL)
        self.addCleanup(self.x.wait)
        self.addCleanup(self.x.terminate)
        os.close(w)
        with os.fdopen(r) as f:
            self.env = {**os.environ, "DISPLAY": ":" + f.readline().strip(), "SDL_VIDEODRIVER": "x11"}
        self.env.pop("WAYLAND_DISPLAY", None)

    def window(self, *args):
        m = self.machine("-display", "sdl", *args, env=self.env)
        name = self.until(lambda: self.tool("search", "--name", "^Rhea", check=False), "a window")
        return m, name.split()[-1]

    def tool(self, *args, check=True):
        return subprocess.run(["xdotool", *args], env=self.env, capture_output=True, text=True, timeout=rhea.TIMEOUT,
                              check=check).stdout.strip()

    def until(self, fn, what):
        end = time.time() + rhea.TIMEOUT
        while time.time() < end:
            value = fn()
            if value:
                return value
            time.sleep(0.05)
        return self.fail(f"no {what}")

    def picture(self, window):
        """Width, height, RGB of a window. [XWD]"""
        d = subprocess.run(["xwd", "-silent", "-id", window], env=self.env, capture_output=True, timeout=rhea.TIMEOUT,
                           check=True).stdout
        head = struct.unpack(">25I", d[:100])
        size, width, height, pitch, colours = head[0], head[4], head[5], head[12], head[19]
        out = bytearray()
        for y in range(height):
            at = size + colours * 12 + y * pitch
            row = d[at:at + width * 4]
            rgb = bytearray(width * 3)
            rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
            out += rgb
        return width, height, bytes(out)

    def dump(self, m):
        path = f"{m.dir}/screen.ppm"
        m.qmp.cmd("screendump", filename=path)
        with open(path, "rb") as f:
            w, h, data = re.fullmatch(rb"P6\n(\d+) (\d+)\n255\n(.*)", f.read(), re.S).groups()
        return int(w), int(h), data

    def test_typing_and_picture(self):
        m, window = self.window("-fda", HELLO, "-boot", "a", "-snapshot")
        self.until(lambda: "\n>" in m.qmp.hmp("info screen"), "prompt")
        self.tool("type", "--delay", "40", "Hi (there)")
        self.until(lambda: "> Hi (there)" in m.qmp.hmp("info screen"), "text that was typed")
        m.qmp.cmd("stop")  # the cursor stops blinking
        self.until(lambda: self.picture(window) == self.dump(m), "the same picture")
        self.tool("windowsize", window, "800", "450")
        self.until(lambda: self.picture(window)[:2] == (800, 450), "resized window")
        self.until(lambda: len(set(self.picture(window)[2])) > 1, "scaled picture")

    def test_grab(self):
        m, window = self.window("-accel", "qtest")
        title = lambda: self.tool("getwindowname", window)

        def grabbed():  # the first click may come before the window
            self.tool("mousemove", "--window", window, "100", "100", "click", "1")
            time.sleep(0.2)
            return "release the mouse" in title()
        self.until(grabbed, "grab")
        self.tool("key", "ctrl+alt+g")
        self.until(lambda: "release the mouse" not in title(), "release")

    def test_no_display(self):
        env = {k: v for k, v in self.env.items() if k not in ("DISPLAY", "SDL_VIDEODRIVER")}
        r = subprocess.run([rhea.BINARY, "-accel", "qtest", "-display", "sdl"], env=env, capture_output=True, text=True,
                           timeout=rhea.TIMEOUT, check=False)
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr, r"^rhea: there is no display[^\n]*\n$")
        p = subprocess.Popen([rhea.BINARY, "-S"], env=env, stderr=subprocess.PIPE, text=True)
        self.assertRegex(p.stderr.readline(), r"no display.*going on without.*-nographic")
        time.sleep(0.3)
        p.terminate()
        self.assertEqual(p.wait(rhea.TIMEOUT), 0)
        p.stderr.close()


if __name__ == "__main__":
    rhea.main()
