"""A POP on a PCI device, by DPDK's own driver: a virtual machine in software has two NICs of one model on one wire, one for
anytickd and one for who asks it.

It says that the driver, the offloads and the daemon suit each other, and nothing of speed. NIC names the model. The
programs must be of instructions that QEMU emulates, which AVX-512 is not of.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import fixture
import rig as rigs
import tap

ANYTICK, ANYTICKD, LOAD = (Path(os.environ[name]) for name in ("ANYTICK", "ANYTICKD", "ANYTICK_LOAD"))
NIC = os.environ.get("NIC", "e1000e")
GUEST = Path(__file__).with_name("pci_guest.sh")
PLUGINS = next(Path("/usr/lib/x86_64-linux-gnu/dpdk").glob("pmds-*"))
# Loaded by EAL where it finds them there: buses, mempools and the drivers of NICs and of the kernel's twin.
PLUGIN_NAMES = ("bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_tap", "net_virtio", "net_vmxnet3")
MINUTES = 4
# A busy machine makes its virtual one's timers look broken, and speculation is not emulated.
KERNEL_OPTIONS = "quiet panic=-1 no_timer_check mitigations=off hugepages=256"
SECONDS = 2


class Model:
    """A NIC of QEMU: its driver in the kernel, with the modules to load in turn, and which checksums it makes for DPDK."""

    def __init__(self, device, kernel_driver, modules, checksums):
        self.device, self.kernel_driver, self.modules, self.checksums = device, kernel_driver, modules, checksums


VIRTIO_MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"),
    *("failover", "net_failover", "virtio_net"),
)
MODEL = {
    "e1000e": Model("e1000e", "e1000e", ("e1000e",), "the device"),
    # Its checksums are those of the backend, and a wire inside QEMU makes none.
    "virtio": Model("virtio-net-pci", "virtio-pci", VIRTIO_MODULES, "software"),
    "vmxnet3": Model("vmxnet3", "vmxnet3", ("vmxnet3",), "the device"),
}[NIC]

POP_TOML = f"""\
name = "pci"
state_dir = "/state"
control = "unix:/run/pop.sock"
[eal]
huge_pages = "on"
[workers]
cores = [1]
idle = "sleep"
[limit]
mode = "off"
[clock]
laboratory = true
source = "fixed"
stratum = 1
refid = "LAB"
[[port]]
device = "0000:00:10.0"
addresses = ["{rigs.POP_IPV4}/24", "{rigs.POP_IPV6}/64"]
"""


class Machine:
    """Made in `room`, which is removed with it. run() leaves in `steps` what came of each: (exit status, text)."""

    def __init__(self, room):
        self.room, self.root = room, room / "root"
        self.console, self.results = room / "console", room / "results"
        self.steps = {}

    def run(self):
        self._lay_out()
        self._boot(self._pack())
        text = self.results.read_text(errors="replace").replace("\r\n", "\n")
        for name, output, status in re.findall(r"^== ([^\n]+)\n(.*?)^== exit (\d+)$", text, re.DOTALL | re.MULTILINE):
            self.steps[name] = int(status), output

    def _lay_out(self):
        for directory in ("bin", "dev", "etc", "lib", "modules", "proc", "run", "state", "sys", "tables", "tmp", "var"):
            (self.root / directory).mkdir(parents=True)
        (self.root / "var" / "run").symlink_to("../run")
        (self.root / "lib64").symlink_to("lib")
        shutil.copy2("/usr/bin/busybox", self.root / "bin")
        for name in set(rigs.run("/usr/bin/busybox", "--list").stdout.split()) - {"busybox"}:
            (self.root / "bin" / name).symlink_to("busybox")
        for program in (ANYTICK, ANYTICKD, LOAD, Path(shutil.which("kdig"))):
            (self.root / "bin" / program.name).unlink(missing_ok=True)
            self._copy(program, self.root / "bin" / program.name)
        plugins = self.root / str(PLUGINS)[1:]
        plugins.mkdir(parents=True)
        for name in PLUGIN_NAMES:
            # Links, as Debian has them: a plugin that another one needs is loaded once then.
            library = Path("/lib/x86_64-linux-gnu") / next(PLUGINS.glob(f"librte_{name}.so.??")).name
            self._copy(library, self.root / str(library)[1:])
            (plugins / f"librte_{name}.so").symlink_to(library)
        shutil.copy2(GUEST, self.root / "init")
        (self.root / "etc" / "pop.toml").write_text(POP_TOML)
        (self.root / "etc" / "pci_test").write_text(
            f'KERNEL_DRIVER={MODEL.kernel_driver}\nKERNEL_MODULES="{" ".join(MODEL.modules)}"\n'
            f"LOAD_SECONDS={SECONDS}\n"
        )
        self._make_tables(self.root / "tables")
        for module in (kernel() / "modules").iterdir():
            shutil.copy2(module, self.root / "modules")

    def _copy(self, program, place):
        """A program or library, and the libraries that it needs where it looks for them."""
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(program, place)
        for library in re.findall(r"(/\S+) \(0x", rigs.run("ldd", program).stdout):
            there = self.root / library[1:]
            if not there.exists():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(library, there)

    def _make_tables(self, directory):
        database, overrides = self.room / "country.mmdb", self.room / "overrides.txt"
        rigs.run("perl", fixture.SCRIPTS / "make_sample_mmdb", database)
        overrides.write_text(rigs.OVERRIDES)
        rigs.run(ANYTICK, "geo", "compile", "--mmdb", database, "--override", overrides, "-o", directory / "geo.map")
        rigs.run("/usr/bin/python3", fixture.SCRIPTS / "make_sample_pool", "--servers", 500, "--output", self.room)
        rigs.run(ANYTICK, "zone", "compile", self.room / "pool.example.json", "-o", directory / "zone.image")

    def _pack(self):
        """The initramfs."""
        image = self.room / "initramfs"
        self.root.chmod(0o755)  # EAL trusts no plugins below a directory that everybody may write to
        paths = [self.root, *sorted(self.root.rglob("*"))]
        names = "\0".join(str(path.relative_to(self.root)) for path in paths)
        with open(image, "wb") as output:
            command = ("cpio", "--create", "--null", "--format=newc", "--owner=0:0", "--quiet")
            subprocess.run(command, input=names.encode(), stdout=output, cwd=self.root, check=True)
        return image

    def _boot(self, image):
        """Until it powers itself off. The machine has its wire inside of QEMU and no way out of it."""
        devices = []
        for number, mac, slot in ((0, "52:54:00:00:00:53", "10"), (1, "52:54:00:00:00:01", "11")):
            devices += ["-netdev", f"hubport,id=end{number},hubid=0"]
            devices += ["-device", f"{MODEL.device},netdev=end{number},mac={mac},addr={slot},romfile="]
        machine = subprocess.Popen(
            ["nice", "-n", "5", "qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"]
            + ["-m", "1536", "-nodefaults", "-display", "none", "-no-reboot", *devices]
            + ["-serial", f"file:{self.console}", "-serial", f"file:{self.results}"]
            + ["-kernel", str(kernel() / "vmlinuz"), "-initrd", str(image)]
            + ["-append", f"console=ttyS0 {KERNEL_OPTIONS}"],
            stdin=subprocess.DEVNULL,
            preexec_fn=rigs.end_with_parent,
        )
        try:
            machine.wait(MINUTES * 60)
        except subprocess.TimeoutExpired:
            print(f"# the machine was not done after {MINUTES} minutes", flush=True)
        finally:
            machine.kill()
            machine.wait()


def kernel():
    return Path(rigs.run(fixture.SCRIPTS / "fetch_kernel").stdout.strip())


ROOM = None
MACHINE = None


def setUpModule():
    global ROOM, MACHINE
    # Hundreds of megabytes: not on a /tmp that may be memory.
    ROOM = Path(tempfile.mkdtemp(prefix=f"pci-{NIC}-", dir=ANYTICK.parent.parent))
    MACHINE = Machine(ROOM)
    begin = time.monotonic()
    MACHINE.run()
    print(f"# {NIC}: {time.monotonic() - begin:.0f} s", flush=True)


def tearDownModule():
    shutil.rmtree(ROOM, ignore_errors=True)


class Pci(unittest.TestCase):
    def step(self, name):
        """What a step that went well wrote."""
        if name not in MACHINE.steps:
            self.fail(f"no step '{name}'; the console's end:\n{MACHINE.console.read_text(errors='replace')[-4000:]}")
        status, text = MACHINE.steps[name]
        self.assertEqual(status, 0, f"{name}: {text}")
        return text

    def report(self, name):
        text = self.step(name).strip()
        print(f"# {NIC} {name}: {text}", flush=True)
        return json.loads(text)

    def assert_nothing_wrong(self, report):
        self.assertEqual((report["wrong"], report["unasked"]), (0, 0), report["faults"])
        self.assertEqual(report["checked"], report["answered"])

    def assert_all_answered(self, report):
        """Of what rings hold, however slow the machine is, nothing is lost."""
        self.assert_nothing_wrong(report)
        self.assertEqual(report["lost"], 0)
        self.assertGreater(report["answered"], 1000)

    def test_start(self):
        self.step("bind")
        self.step("start")
        log = self.step("log")
        self.assertRegex(
            log,
            "0000:00:10.0: port 0, MAC 52:54:00:00:00:53, 1024 \\+ 1024 descriptors, "
            f"checksums of replies by {MODEL.checksums}\n",
        )
        self.assertRegex(log, r"0000:00:10\.0: link up")
        self.assertNotRegex(log, r"\[(error|warning)\]|EAL: .*(rror|ailed)|PMD: .*(rror|ailed)")

    def test_every_answer_is_right(self):
        report = self.report("load")
        self.assert_all_answered(report)
        self.assertGreater(report["garbage"], 0)
        before, after = (json.loads(self.step(name)) for name in ("before", "after"))
        count = {name: after["counters"][name] - before["counters"][name] for name in after["counters"]}
        self.assertEqual(count["dns_answered"] + count["ntp_answered"], report["answered"])
        for name in ("dns_answered", "ntp_answered", "dns_edns", "dns_ecs", "cookie_good"):
            self.assertGreater(count[name], 0, name)
        for name in ("drop_ip_checksum", "drop_udp_checksum", "drop_not_our_mac", "tx_refused", "ntp_unsynchronised"):
            self.assertEqual(count[name], 0, name)

    def test_the_device_agrees(self):
        after = json.loads(self.step("after"))
        port, counters = after["ports"][0], after["counters"]
        self.assertEqual(port["received"], counters["rx_frames"])
        sent = counters["dns_answered"] + counters["ntp_answered"] - counters["tx_refused"] + counters["kernel_tx"]
        self.assertEqual(port["sent"], sent)
        for name in ("missed", "rx_errors", "tx_errors", "rx_no_mbuf"):
            self.assertEqual(port[name], 0, name)

    def test_full_rings(self):
        report = self.report("flood")
        self.assert_nothing_wrong(report)
        self.assertGreater(report["answered"], 1000)

    def test_stop_and_start_from_stored_tables(self):
        self.step("stop")
        self.step("restart")
        self.assert_all_answered(self.report("reload"))
        tables = [json.loads(self.step(name))["tables"] for name in ("after", "end")]
        self.assertEqual(*([(table["kind"], table["digest"]) for table in each] for each in tables))
        self.step("stop again")

    def test_kernel_is_behind_it(self):
        self.step("peer")
        for address in (rigs.POP_IPV4, rigs.POP_IPV6):
            for size in (56, 3000):
                with self.subTest(address=address, size=size):
                    self.assertIn("3 packets received", self.step(f"ping {address} {size}"))
            for protocol in ("udp", "tcp"):
                with self.subTest(address=address, protocol=protocol):
                    answer = self.step(f"{protocol} {address}")
                    self.assertIn("status: NOERROR", answer)
                    self.assertIn("ANSWER: 4", answer)
        self.assertGreater(json.loads(self.step("end"))["counters"]["tcp_queries"], 0)


if __name__ == "__main__":
    tap.main()
