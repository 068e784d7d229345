# SPDX-License-Identifier: MIT
"""QMP commands that libvirt and libxl send, and the answers they want."""
import os
import resource
import socket
import struct
import tempfile
import time

import rhea
from rhea import QmpError


class Commands(rhea.TestCase):
    def setUp(self):
        self.m = self.machine("-accel", "qtest", "-smp", "8,sockets=2,cores=2,threads=2", "-object",
                              "memory-backend-ram,id=pc.ram,size=64M", "-machine", "memory-backend=pc.ram",
                              "-object", '{"qom-type": "iothread", "id": "io1"}')
        self.qmp = self.m.qmp

    def fails(self, cls, command, /, **args):
        with self.assertRaises(QmpError) as e:
            self.qmp.raw({"execute": command, "arguments": {k.replace("_", "-"): v for k, v in args.items()}})
        self.assertEqual(e.exception.cls, cls, e.exception.desc)
        return e.exception.desc

    def file(self, name, size=65536):
        path = f"{self.m.dir}/{name}"
        with open(path, "wb") as f:
            f.write(bytes(size))
        return path

    def test_schema(self):
        schema = self.qmp.cmd("query-qmp-schema")
        by_name = {e["name"]: e for e in schema}
        self.assertEqual(len(by_name), len(schema))
        for c in self.qmp.cmd("query-commands"):
            self.assertEqual(by_name[c["name"]]["meta-type"], "command")
        for e in self.qmp.cmd("query-events"):
            self.assertEqual(by_name[e["name"]]["meta-type"], "event")
        args = by_name[by_name["eject"]["arg-type"]]["members"]
        self.assertIn({"name": "force", "type": "bool", "default": None}, args)
        for e in schema:  # every type that is named is there
            for key in ("arg-type", "ret-type", "element-type"):
                self.assertIn(e.get(key, "any"), by_name)
            for member in e.get("members", []):
                self.assertIn(member["type"], by_name)

    def test_topology(self):
        cpus = self.qmp.cmd("query-cpus-fast")
        self.assertEqual([tuple(c["props"][k] for k in ("socket-id", "core-id", "thread-id")) for c in cpus],
                         [(s, c, t) for s in (0, 1) for c in (0, 1) for t in (0, 1)])
        path = cpus[5]["qom-path"]
        self.assertTrue(self.qmp.cmd("qom-get", path=path, property="realized"))
        self.assertEqual(self.qmp.cmd("qom-get", path=path, property="apic-id"), 5)
        names = {p["name"] for p in self.qmp.cmd("qom-list", path=path)}
        self.assertLessEqual({"type", "hotpluggable", "sse2", "family"}, names)
        for name in names:
            self.qmp.cmd("qom-get", path=path, property=name)
        self.fails("GenericError", "qom-get", path=path, property="nope")
        self.assertEqual(len(self.qmp.cmd("query-hotpluggable-cpus")), 8)

    def test_cpu_models(self):
        models = {d["name"]: d for d in self.qmp.cmd("query-cpu-definitions")}
        self.assertLessEqual({"max", "qemu64", "486", "Nehalem", "EPYC"}, set(models))
        self.assertEqual(models["qemu64"]["typename"], "qemu64-x86_64-cpu")
        self.assertIn("svm", models["Opteron_G3"]["unavailable-features"])
        m = self.qmp.cmd("query-cpu-model-expansion", type="static",
                         model={"name": "qemu64", "props": {"sse2": False}})["model"]
        self.assertEqual((m["name"], m["props"]["lm"], m["props"]["sse2"], m["props"]["avx"]),
                         ("base", True, False, False))
        full = self.qmp.cmd("query-cpu-model-expansion", type="full", model=m)["model"]
        self.assertEqual(full["props"], m["props"])
        self.assertIn("did you mean", self.fails("GenericError", "query-cpu-model-expansion", type="static",
                                                 model={"name": "Nehalam"}))

    def test_paths(self):
        self.assertIn({"name": "objects", "type": "child<container>"}, self.qmp.cmd("qom-list", path="/"))
        self.assertEqual([o["name"] for o in self.qmp.cmd("qom-list", path="/objects")], ["pc.ram", "io1"])
        self.assertEqual(self.qmp.cmd("qom-get", path="/objects/pc.ram", property="size"), "64M")
        types = {t["name"]: t["parent"] for t in self.qmp.cmd("qom-list-types")}
        self.assertEqual((types["VGA"], types["secret"], types["max-x86_64-cpu"]),
                         ("pci-device", "object", "x86_64-cpu"))
        props = self.qmp.cmd("qom-list-properties", typename="memory-backend-file")
        self.assertIn("mem-path", [p["name"] for p in props])
        self.qmp.cmd("qom-list-properties", typename="pc-machine")
        self.fails("DeviceNotFound", "qom-list-properties", typename="nope")
        self.fails("DeviceNotFound", "qom-list", path="/machine/peripheral/nope")
        self.assertEqual(self.qmp.cmd("qom-list", path="/machine/peripheral"), [])

    def test_objects(self):
        self.assertEqual(self.qmp.cmd("query-memdev")[0]["size"], 64 << 20)
        self.assertEqual([i["id"] for i in self.qmp.cmd("query-iothreads")], ["io1"])
        self.assertEqual(self.qmp.cmd("query-memory-size-summary")["base-memory"], 64 << 20)
        self.qmp.raw({"execute": "object-add", "arguments": {"qom-type": "secret", "id": "s", "data": "x"}})
        self.qmp.raw({"execute": "object-add", "arguments": {"qom-type": "rng-random", "id": "r",
                                                             "props": {"filename": "/dev/urandom"}}})
        self.fails("GenericError", "qom-get", path="/objects/s", property="data")
        for bad in ({"qom-type": "nope", "id": "a"}, {"qom-type": "secret", "id": "s", "data": "x"},
                    {"qom-type": "secret", "id": "b"}, {"qom-type": "secret", "id": "c", "data": "x", "frob": 1},
                    {"qom-type": "memory-backend-ram", "id": "d", "size": -1}):
            with self.assertRaises(QmpError):
                self.qmp.raw({"execute": "object-add", "arguments": bad})
        self.qmp.cmd("object-del", id="s")
        self.fails("GenericError", "object-del", id="s")
        self.fails("GenericError", "object-del", id="pc.ram")

    def test_chardevs(self):
        self.assertEqual(self.qmp.cmd("chardev-add", id="n", backend={"type": "null", "data": {}}), {})
        pty = self.qmp.cmd("chardev-add", id="p", backend={"type": "pty", "data": {}})["pty"]
        self.assertTrue(os.path.exists(pty))
        path = f"{self.m.dir}/late"
        self.qmp.cmd("chardev-add", id="s", backend={
            "type": "socket", "data": {"addr": {"type": "unix", "data": {"path": path}}, "server": True, "wait": False}})
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
        self.qmp.cmd("chardev-add", id="f", backend={"type": "file", "data": {"out": f"{self.m.dir}/out"}})
        self.fails("GenericError", "chardev-add", id="n", backend={"type": "null", "data": {}})
        self.fails("GenericError", "chardev-add", id="x", backend={"type": "nope", "data": {}})
        self.fails("GenericError", "chardev-add", id="x", backend={})
        self.fails("GenericError", "chardev-remove", id="compat_monitor0")
        self.qmp.cmd("chardev-change", id="n", backend={"type": "ringbuf", "data": {"size": 16}})
        self.qmp.cmd("ringbuf-write", device="n", data="0123456789abcdefgh")
        self.assertEqual(self.qmp.cmd("ringbuf-read", device="n", size=4), "2345")
        self.assertEqual(self.qmp.cmd("ringbuf-read", device="n", size=100, format="base64"), "Njc4OWFiY2RlZmdo")
        self.fails("GenericError", "ringbuf-read", device="p", size=1)
        for name in ("n", "p", "s", "f"):
            self.qmp.cmd("chardev-remove", id=name)
        self.fails("GenericError", "chardev-remove", id="n")
        self.assertFalse(os.path.exists(path))

    def test_nodes(self):
        path = self.file("cd.iso")
        q = self.qmp
        q.cmd("blockdev-add", driver="file", filename=path, node_name="f0")
        q.cmd("blockdev-add", driver="raw", file="f0", node_name="n0", read_only=True)
        q.cmd("blockdev-open-tray", id="ide1-cd0")
        q.cmd("blockdev-insert-medium", id="ide1-cd0", node_name="n0")
        self.assertFalse(q.event("DEVICE_TRAY_MOVED")["data"]["tray-open"])
        cd = [b for b in q.cmd("query-block") if b["device"] == "ide1-cd0"][0]
        self.assertEqual((cd["inserted"]["node-name"], cd["inserted"]["file"]), ("n0", path))
        self.assertEqual([n["node-name"] for n in q.cmd("query-named-block-nodes", flat=True)], ["n0"])
        self.fails("GenericError", "blockdev-insert-medium", id="ide1-cd0", node_name="n0")
        self.fails("GenericError", "blockdev-del", node_name="n0")
        self.fails("GenericError", "blockdev-del", node_name="f0")
        q.cmd("blockdev-open-tray", id="ide1-cd0")
        q.cmd("blockdev-remove-medium", id="ide1-cd0")
        q.cmd("blockdev-close-tray", id="ide1-cd0")
        q.cmd("blockdev-del", node_name="n0")
        q.cmd("blockdev-del", node_name="f0")
        for bad in (dict(driver="qcow2", node_name="x", file="f0"), dict(driver="file", node_name="x"),
                    dict(driver="file", filename=path), dict(driver="file", filename=path + "no", node_name="x"),
                    dict(driver="raw", node_name="x", file="nope"),
                    dict(driver="file", filename=path, node_name="x", frob=1)):
            self.fails("GenericError", "blockdev-add", **bad)
        self.fails("DeviceNotFound", "blockdev-insert-medium", id="nope", node_name="n0")

    def test_absent(self):
        self.fails("DeviceNotActive", "balloon", value=1)
        self.fails("DeviceNotActive", "query-balloon")
        self.fails("DeviceNotFound", "set_link", name="net0", up=False)
        self.fails("DeviceNotFound", "netdev_del", id="net0")
        self.fails("GenericError", "dump-guest-memory", paging=False, protocol="file:/tmp/x")
        self.fails("GenericError", "migrate", uri="tcp:x:1")
        self.fails("GenericError", "query-sev-capabilities")
        self.qmp.cmd("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
        self.fails("GenericError", "migrate-set-capabilities", capabilities=[{"capability": "xbzrle", "state": True}])
        self.assertEqual(self.qmp.cmd("query-jobs"), [])
        self.assertEqual(self.qmp.cmd("query-dump")["status"], "none")

    def test_actions(self):
        self.qmp.cmd("set-action", reboot="shutdown", shutdown="pause", panic="none")
        self.fails("GenericError", "set-action", reboot="explode")
        self.qmp.cmd("watchdog-set-action", action="reset")
        self.fails("GenericError", "watchdog-set-action", action="bite")

    def test_descriptor_by_name(self):
        a, b = socket.socketpair()
        with a, b:
            socket.send_fds(self.qmp.sock, [b'{"execute": "getfd", "arguments": {"fdname": "x"}}'], [a.fileno()])
            self.assertEqual(self.qmp.answer(), {"return": {}})
        self.qmp.cmd("closefd", fdname="x")
        self.fails("GenericError", "closefd", fdname="x")

    def test_device_add(self):
        for args in ({"driver": "nope"}, {"driver": "VGA", "frob": 1}, {"driver": "ide-hd"}, {"driver": "VGA", "bus": "x"},
                     {"driver": "VGA", "addr": "99"}, {"driver": "isa-serial", "chardev": "nope"}):
            with self.subTest(args):
                self.fails("GenericError", "device_add", **args)
        self.fails("DeviceNotFound", "device_del", id="nope")
        self.assertIn("status", self.qmp.cmd("query-status"))


class Events(rhea.TestCase):
    def test_rtc_change(self):
        m = self.machine("-accel", "qtest", qtest=True)
        for at, value in ((0x0b, 0x82), (0x09, 0x30), (0x0b, 0x02)):  # year 30
            m.qtest.outb(0x70, at)
            m.qtest.outb(0x71, value)
        data = m.qmp.event("RTC_CHANGE")["data"]
        self.assertGreater(data["offset"], 300 * 86400)

    def guest_panics(self, *args):
        m = self.machine("-accel", "qtest", "-device", "pvpanic", *args, qtest=True)
        m.qmp.cmd("cont") if "-S" in args else None
        m.qtest.outb(0x505, 1)
        return m

    def test_panic(self):
        m = self.guest_panics("-no-shutdown")
        self.assertEqual(m.qmp.event("GUEST_PANICKED")["data"]["action"], "pause")
        self.assertEqual(m.qmp.cmd("query-status")["status"], "guest-panicked")
        m = self.guest_panics("-action", "panic=none")
        self.assertEqual(m.qmp.event("GUEST_PANICKED")["data"]["action"], "run")
        self.assertTrue(m.qmp.cmd("query-status")["running"])
        m = self.guest_panics("-action", "panic=exit-failure")
        self.assertEqual(m.qmp.event("SHUTDOWN")["data"], {"guest": True, "reason": "guest-panic"})
        self.assertEqual(m.wait(), 1)
        m = self.guest_panics()
        m.qmp.event("SHUTDOWN")
        self.assertEqual(m.wait(), 0)

    def test_tray(self):
        m = self.machine("-accel", "qtest", qtest=True)
        q = m.qtest
        path = f"{m.dir}/cd.iso"
        with open(path, "wb") as f:
            f.write(bytes(4096))
        m.qmp.cmd("blockdev-change-medium", device="ide1-cd0", filename=path)
        m.qmp.event("DEVICE_TRAY_MOVED")
        for opcode in (0x00, 0x1b):  # unit attention away; START STOP UNIT, eject
            q.outb(0x376, 0)
            q.outb(0x176, 0xa0)
            q.outb(0x174, 0)
            q.outb(0x175, 8)
            q.outb(0x177, 0xa0)
            for word in struct.unpack("<6H", bytes([opcode, 0, 0, 0, 2 if opcode else 0] + [0] * 7)):
                q.outw(0x170, word)
            time.sleep(0.05)
            q.inb(0x177)
        self.assertTrue(m.qmp.event("DEVICE_TRAY_MOVED")["data"]["tray-open"])

    def test_io_error(self):
        """A disk that is full: what the guest writes cannot be."""
        with tempfile.NamedTemporaryFile(suffix=".img") as f:
            f.truncate(1 << 20)
            m = self.machine("-accel", "qtest", "-drive", f"file={f.name},format=raw", qtest=True,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
            q = m.qtest
            for at, value in ((0x3f6, 0), (0x1f6, 0xe0), (0x1f2, 1), (0x1f3, 100), (0x1f4, 0), (0x1f5, 0), (0x1f7, 0x30)):
                q.outb(at, value)
            for _ in range(256):
                q.outw(0x1f0, 0x1234)
            e = m.qmp.event("BLOCK_IO_ERROR")["data"]
            self.assertEqual((e["device"], e["operation"], e["action"]), ("ide0-hd0", "write", "report"))
            self.assertTrue(q.inb(0x1f7) & 1)  # the guest hears of it


if __name__ == "__main__":
    rhea.main()
