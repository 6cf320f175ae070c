"""What is measured: anytickd, and dpdk-testpmd that swaps MAC addresses, IP addresses and ports and sends the frame back,
which is the least that a responder could do. Both run on the same core, with the same device and frames."""

import contextlib
import json
import os
import re
import statistics
import subprocess
import time
from pathlib import Path

import rig as rigs

SERVER, SERVER_MAC = "203.0.113.53", "02:00:00:00:00:53"
# Replies a second to a source: limits are on, but a capture has few enough clients that each asks very often.
UNREACHED = 1_000_000
HUGE_PAGES = 400  # for a program and what asks it
HUGE_PAGES_OF = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
MEMORY_MB = 512
START_SECONDS, STOP_SECONDS = 60, 20
SETTLE_SECONDS = 1.5


class Failed(Exception):
    """A program did not do what it should; the text says which and what it said."""


class Place:
    """Where programs run: the core of the one that is measured, another one for all else, and a directory."""

    def __init__(self, build, tables, room, core):
        self.build, self.tables, self.room, self.core = build, tables, Path(room), core
        self.spare = min(os.sched_getaffinity(0) - {core}, default=core)
        self.control = f"unix:{room}/pop.sock"
        self.anytick = build / "control" / "anytick"

    def operator(self, *command):
        pinned = ("taskset", "--cpu-list", self.spare)
        words = [str(word) for word in (*pinned, self.anytick, *command, "--pop", self.control)]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def huge_pages():
    """As many free ones as are needed; gives back what it took."""
    file, free = HUGE_PAGES_OF / "nr_hugepages", HUGE_PAGES_OF / "free_hugepages"
    before = int(file.read_text())
    file.write_text(str(before + max(0, HUGE_PAGES - int(free.read_text()))))
    try:
        if int(free.read_text()) < HUGE_PAGES:
            raise Failed(f"only {free.read_text().strip()} of {HUGE_PAGES} huge pages of 2 MiB are to be had")
        yield
    finally:
        file.write_text(str(before))


@contextlib.contextmanager
def _running(command, log, said):
    """Yields when its log says so."""
    words = [str(word) for word in command]
    with open(log, "wb") as out:
        pipes = {"stdin": subprocess.PIPE, "stdout": out, "stderr": out}
        process = subprocess.Popen(words, preexec_fn=rigs.end_with_parent, **pipes)
    try:
        give_up = time.monotonic() + START_SECONDS
        while re.search(said, log.read_text(errors="replace")) is None:
            if process.poll() is not None or time.monotonic() > give_up:
                raise Failed(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Anytick:
    title = "anytickd"
    answers = True

    def __init__(self, place):
        self.place = place
        self.daemon = place.build / "dataplane" / "io" / "anytickd"

    def push(self, image):
        self.place.operator("pop", "push", "--zone", image)

    def _config(self, device):
        return f"""\
name = "bench"
state_dir = "{self.place.room}/state"
control = "{self.place.control}"

[eal]
huge_pages = "on"
memory_mb = {MEMORY_MB}
control_cores = [{self.place.spare}]
extra = {json.dumps(device.eal)}

[workers]
cores = [{self.place.core}]
idle = "spin"

[limit]
answers = {UNREACHED}
ntp = {UNREACHED}

[sockets]
enabled = false

[clock]
laboratory = true
source = "fixed"
stratum = 1
refid = "LAB"

[[port]]
device = "{device.server}"
addresses = ["{SERVER}"]
mac = "{SERVER_MAC}"
kernel = "none"
rx_descriptors = {device.descriptors}
"""

    @contextlib.contextmanager
    def running(self, device):
        """Answers from the sample pool."""
        config, log = self.place.room / "pop.toml", self.place.room / "anytickd.log"
        config.write_text(self._config(device))
        with _running([*device.inside, self.daemon, "--config", config], log, r"\bready\b"):
            if not self._status()["tables"]:  # which it keeps, and starts from later on
                tables = self.place.tables
                self.place.operator("pop", "push", "--zone", tables / "pool.image", "--geo", tables / "country.map")
            yield

    def _status(self):
        return json.loads(self.place.operator("pop", "status", "--json"))

    def _answered(self):
        counters = self._status()["counters"]
        lost = {name: number for name, number in counters.items() if name.startswith(("drop_", "limit_")) and number}
        if lost:
            raise Failed(f"anytickd did not answer all: {lost}")
        return counters["dns_answered"] + counters["ntp_answered"]

    def own_rate(self, seconds):
        """Answers a second, as it counts them itself. All frames must be answered."""
        time.sleep(SETTLE_SECONDS)
        before, begin = self._answered(), time.monotonic()
        time.sleep(seconds)
        after, end = self._answered(), time.monotonic()
        return (after - before) / (end - begin)


class Swap:
    title = "testpmd 5tswap"
    answers = False

    def __init__(self, place):
        self.place = place
        self.log = place.room / "testpmd.log"

    @contextlib.contextmanager
    def running(self, device):
        eal = ["-l", f"{self.place.spare},{self.place.core}", "--main-lcore", self.place.spare, "-m", MEMORY_MB]
        eal += ["--no-pci", "--in-memory", "--file-prefix=bench", *device.eal, "--vdev", device.server]
        mode = ["--forward-mode=5tswap", "--auto-start", "--stats-period=1", "--total-num-mbufs=32768"]
        descriptors = min(device.descriptors, 2048)
        command = ["dpdk-testpmd", *eal, "--", *mode, f"--rxd={descriptors}", f"--txd={descriptors}"]
        with _running([*device.inside, *command], self.log, r"Tx-pps"):
            yield

    def own_rate(self, seconds):
        """Frames a second that it forwards, as it says itself once a second."""
        time.sleep(SETTLE_SECONDS + seconds)
        text = self.log.read_text(errors="replace")
        settled = [int(rate) for rate in re.findall(r"Tx-pps:\s*(\d+)", text)][2:]  # the first are of no time and the start
        if not settled:
            raise Failed(f"testpmd forwards nothing:\n{text[-2000:]}")
        return statistics.median(settled)
