# SPDX-License-Identifier: MIT
"""QMP: the conversation itself, and every command once."""
import json
import os
import random
import socket
import time

import rhea
from rhea import Qmp, QmpError


class Session(rhea.TestCase):
    def setUp(self):
        self.m = self.machine("-accel", "qtest", "-name", "guest one",
                              "-uuid", "12345678-1234-1234-1234-123456789abc")
        self.qmp = self.m.qmp

    def error(self, cls, desc, request):
        with self.assertRaises(QmpError) as e:
            self.qmp.raw(request)
        self.assertEqual((e.exception.cls, e.exception.desc), (cls, desc))

    def test_greeting(self):
        version = self.qmp.greeting["QMP"]["version"]
        self.assertEqual(version["qemu"], {"micro": 0, "minor": 2, "major": 8})
        self.assertEqual(self.qmp.greeting["QMP"]["capabilities"], [])

    def test_negotiation(self):
        self.qmp.close()
        q = Qmp(self.m.connect("qmp"), negotiate=False)
        with self.assertRaises(QmpError) as e:
            q.cmd("query-status")
        self.assertEqual(e.exception.cls, "CommandNotFound")
        q.cmd("qmp_capabilities")
        self.assertIn("status", q.cmd("query-status"))
        with self.assertRaises(QmpError):
            q.cmd("qmp_capabilities")
        q.close()

    def test_ids(self):
        for i in (1, "x", {"a": [None]}, None, 1.5):
            self.qmp.send(json.dumps({"execute": "query-name", "id": i}))
            self.assertEqual(self.qmp.answer(),
                             {"return": {"name": "guest one"}, "id": i})
        self.qmp.send('{"execute": "nope", "id": 9}')
        a = self.qmp.answer()
        self.assertEqual((a["id"], a["error"]["class"]),
                         (9, "CommandNotFound"))

    def test_pieces(self):
        text = json.dumps({"execute": "query-version"})
        for c in text:
            self.qmp.send(c)
            time.sleep(0.001)
        self.assertIn("return", self.qmp.answer())
        self.qmp.send(text * 50)
        for _ in range(50):
            self.assertIn("return", self.qmp.answer())

    def test_mistakes(self):
        self.error("GenericError", "QMP input lacks member 'execute'", {})
        self.error("GenericError", "QMP input must be a JSON object", [])
        self.error("GenericError", "QMP input member 'foo' is unexpected",
                   {"execute": "stop", "foo": 1})
        self.error("GenericError", "QMP input member 'execute' must be a "
                   "string", {"execute": 1})
        self.error("GenericError", "QMP input member 'arguments' must be an "
                   "object", {"execute": "stop", "arguments": 1})
        self.error("CommandNotFound", "The command foo has not been found",
                   {"execute": "foo"})
        self.error("GenericError", "Parameter 'x' is unexpected",
                   {"execute": "stop", "arguments": {"x": 1}})
        self.error("GenericError", "Parameter 'filename' is missing",
                   {"execute": "screendump"})
        self.error("GenericError", "Invalid parameter type for 'filename', "
                   "expected: string",
                   {"execute": "screendump", "arguments": {"filename": 1}})
        self.error("DeviceNotFound", "Device 'foo' not found",
                   {"execute": "eject", "arguments": {"device": "foo"}})
        for text in ("hello\n", '{"a" 1}', '{"execute": "stop"\x01}'):
            self.qmp.send(text)
            self.assertEqual(self.qmp.answer()["error"]["class"],
                             "GenericError")
        self.qmp.send(b'{"\xc3": 1}')
        self.assertIn("error", self.qmp.answer())
        self.qmp.send(b'{"never finished": "\xff')
        self.assertIn("error", self.qmp.answer())
        self.assertIn("running", self.qmp.cmd("query-status"))

    def test_noise(self):
        rng = random.Random(42)
        good = json.dumps({"execute": "query-block", "arguments": {}})
        for _ in range(300):
            data = bytearray(good.encode())
            for _ in range(rng.randrange(1, 6)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            self.qmp.send(bytes(data) + b"\xff\n")
            while self.qmp.ready(0):
                self.qmp.line()
        self.qmp.send('{"execute": "query-name", "id": "end"}')
        while '"end"' not in self.qmp.line():
            pass

    def test_queries(self):
        names = [c["name"] for c in self.qmp.cmd("query-commands")]
        self.assertEqual(len(set(names)), len(names))
        skip = {"query-balloon", "query-sev", "query-sev-capabilities", "query-sgx", "query-sgx-capabilities",
                "query-stats", "query-cpu-model-expansion"}
        for name in names:
            if name.startswith("query-") and name not in skip:
                with self.subTest(name):
                    self.qmp.cmd(name)
        self.assertEqual(self.qmp.cmd("query-uuid")["UUID"][:8], "12345678")
        self.assertEqual(self.qmp.cmd("query-target"), {"arch": "x86_64"})
        options = {o["option"]: [p["name"] for p in o["parameters"]]
                   for o in self.qmp.cmd("query-command-line-options")}
        self.assertEqual(options["run-with"], ["chroot", "user"])

    def test_devices(self):
        block = self.qmp.cmd("query-block")
        self.assertIn("ide1-cd0", [b["device"] for b in block])
        pci = self.qmp.cmd("query-pci")[0]["devices"]
        self.assertEqual(pci[0]["id"]["vendor"], 0x8086)
        types = [t["name"] for t in self.qmp.cmd("qom-list-types")]
        self.assertIn("ide-cd", types)
        props = self.qmp.cmd("device-list-properties", typename="ide-cd")
        self.assertIn("drive", [p["name"] for p in props])
        for d in self.qmp.cmd("qom-list", path="/machine/unattached"):
            self.qmp.cmd("qom-list", path="/machine/unattached/" + d["name"])
        self.error("DeviceNotFound", "Device 'foo' not found",
                   {"execute": "device_del", "arguments": {"id": "foo"}})

    def test_media(self):
        path = f"{self.m.dir}/cd.iso"
        with open(path, "wb") as f:
            f.write(b"\0" * 65536)
        self.qmp.cmd("blockdev-change-medium", device="ide1-cd0",
                     filename=path)
        e = self.qmp.event("DEVICE_TRAY_MOVED")
        self.assertEqual(e["data"]["device"], "ide1-cd0")
        cd = [b for b in self.qmp.cmd("query-block")
              if b["device"] == "ide1-cd0"][0]
        self.assertEqual(cd["inserted"]["file"], path)
        self.assertEqual(cd["inserted"]["image"]["virtual-size"], 65536)
        self.qmp.cmd("eject", device="ide1-cd0")
        cd = [b for b in self.qmp.cmd("query-block")
              if b["device"] == "ide1-cd0"][0]
        self.assertNotIn("inserted", cd)
        with self.assertRaises(QmpError):
            self.qmp.cmd("blockdev-change-medium", device="ide1-cd0",
                         filename=path + ".no")

    def test_descriptors(self):
        path = f"{self.m.dir}/fd.iso"
        with open(path, "wb") as f:
            f.write(b"\0" * 4096)
        with open(path, "rb") as f:
            socket.send_fds(self.qmp.sock, [json.dumps(
                {"execute": "add-fd",
                 "arguments": {"opaque": "note"}}).encode()], [f.fileno()])
        fdset = self.qmp.answer()["return"]["fdset-id"]
        sets = self.qmp.cmd("query-fdsets")
        self.assertEqual(sets[0]["fds"][0]["opaque"], "note")
        self.qmp.cmd("blockdev-change-medium", device="ide1-cd0",
                     filename=f"/dev/fdset/{fdset}")
        self.qmp.raw({"execute": "remove-fd",
                      "arguments": {"fdset-id": fdset}})
        self.assertEqual(self.qmp.cmd("query-fdsets"), [])
        with self.assertRaises(QmpError):
            self.qmp.cmd("add-fd")

    def test_input(self):
        self.qmp.cmd("send-key", keys=[{"type": "qcode", "data": "ctrl"},
                                       {"type": "number", "data": 0x1e}])
        with self.assertRaises(QmpError):
            self.qmp.cmd("send-key", keys=[{"type": "qcode", "data": "foo"}])
        self.qmp.cmd("input-send-event", events=[
            {"type": "rel", "data": {"axis": "x", "value": 10}},
            {"type": "btn", "data": {"button": "left", "down": True}},
            {"type": "abs", "data": {"axis": "y", "value": 99}},
            {"type": "key", "data": {"down": True, "key":
                                     {"type": "qcode", "data": "a"}}}])
        for bad in ([{}], [1], [{"type": "btn", "data": {}}]):
            with self.assertRaises(QmpError):
                self.qmp.cmd("input-send-event", events=bad)

    def test_memory(self):
        path = f"{self.m.dir}/mem"
        self.qmp.cmd("pmemsave", val=0xffff0, size=16, filename=path)
        with open(path, "rb") as f:
            self.assertEqual(f.read(1), b"\xea")
        with self.assertRaises(QmpError):
            self.qmp.cmd("pmemsave", val=1 << 40, size=16, filename=path)

    def test_screendump(self):
        for name, magic in (("a.png", b"\x89PNG"), ("b.ppm", b"P6")):
            self.qmp.cmd("screendump", filename=f"{self.m.dir}/{name}",
                         format=name[-3:])
            with open(f"{self.m.dir}/{name}", "rb") as f:
                self.assertTrue(f.read(8).startswith(magic))

    def test_one_client_after_the_other(self):
        for _ in range(3):
            self.qmp.close()
            self.qmp = Qmp(self.m.connect("qmp"))
            self.qmp.cmd("query-status")
        self.m.qmp = self.qmp

    def test_goodbye_right_after_a_command(self):
        self.qmp.send('{"execute": "quit"}')
        self.qmp.close()
        self.assertEqual(self.m.wait(), 0)


class Life(rhea.TestCase):
    def test_stop_cont_reset_quit(self):
        m = self.machine("-S")
        q = m.qmp
        self.assertEqual(q.cmd("query-status")["status"], "prelaunch")
        q.cmd("cont")
        q.event("RESUME")
        self.assertTrue(q.cmd("query-status")["running"])
        q.cmd("stop")
        q.event("STOP")
        self.assertEqual(q.cmd("query-status")["status"], "paused")
        q.cmd("cont")
        q.cmd("system_reset")
        self.assertEqual(q.event("RESET")["data"]["guest"], False)
        q.cmd("system_powerdown")
        q.event("POWERDOWN")
        q.cmd("inject-nmi")
        with self.assertRaises(QmpError):
            q.cmd("system_wakeup")
        q.cmd("quit")
        self.assertEqual(q.event("SHUTDOWN")["data"]["reason"],
                         "host-qmp-quit")
        self.assertEqual(m.wait(), 0)

    def test_signal(self):
        m = self.machine()
        m.process.terminate()
        self.assertEqual(m.qmp.event("SHUTDOWN")["data"]["reason"],
                         "host-signal")
        self.assertEqual(m.wait(), 0)
        self.assertFalse(os.path.exists(f"{m.dir}/qmp"))

    def test_registers_while_running(self):
        q = self.machine("-smp", "2").qmp
        for _ in range(20):
            text = q.hmp("info registers -a")
            self.assertIn("CPU#1", text)
        self.assertTrue(q.cmd("query-status")["running"])
        cpus = q.cmd("query-cpus-fast")
        self.assertEqual([c["cpu-index"] for c in cpus], [0, 1])
        self.assertTrue(os.path.exists(f"/proc/{cpus[1]['thread-id']}"))


if __name__ == "__main__":
    rhea.main()
