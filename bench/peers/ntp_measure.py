"""What is measured of one running server: its offset as chronyd sees it, its lossless rate, and what a reply costs."""

import contextlib
import dataclasses
import json
import os
import subprocess
import time

import load_port
import ntp_clients
import rig as rigs

SETTLE_SAMPLES = 32
SAMPLE_SECONDS = 30
OVERLOAD_SECONDS = 5
LOST_SHARE = 0.001
FIRST_RATE, LAST_RATE = 20_000, 2_000_000
TRY_SECONDS, STEPS = 1, 4
ATTEMPTS = 2  # since something else may stop a server for a moment
COST_SECONDS = 2
# More than are in rings and buffers between the load and any server that still answers.
WINDOW, LOST_SECONDS = 1 << 18, 0.2
TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Row:
    text: str
    keys: tuple
    show: object  # texts of the figures of these keys


def _microseconds(median, high):
    return f"{median * 1e6:.1f} / {high * 1e6:.1f} µs"


def _a_second(answered, sent=None):
    return f"{answered:,.0f}" if sent is None else f"{answered:,.0f} of {sent:,.0f}"


ROWS = (
    Row("Replies a second, at most 0.1 % lost", ("rate",), _a_second),
    Row("Time of the server's core for each of them", ("cost",), lambda cost: f"{cost * 1e6:.2f} µs"),
    Row("Replies a second when twice as many are asked", ("over_rate", "over_sent"), _a_second),
    Row("Offset when nobody else asks: median / 90 % below", ("idle", "idle_high"), _microseconds),
    Row("at half of the first rate", ("half", "half_high"), _microseconds),
    Row("at twice of it, of what is answered", ("over", "over_high"), _microseconds),
)


class _Load:
    """anytick_load on the first core, towards the server's second port."""

    def __init__(self, rig, program):
        port = rig.ports[1]
        self.rig, core = rig, rig.control_cores[0]
        self.command = (
            *("taskset", "-c", core, program, "--core", core, "--ntp", 1),
            *("--device", f"net_af_xdp1,iface={port.peer}", "--server-mac", port.mac, "--server", load_port.SERVER_IPV4),
            *("--sources", load_port.SOURCES, "--source-bits", 16, "--window", WINDOW, "--timeout", LOST_SECONDS),
            "--skip-late",  # all at once after a pause of this core's, it would be lost in the buffers of a server that keeps up
        )

    def start(self, rate, seconds):
        options = ("--rate", f"{rate:.0f}", "--seconds", seconds)
        pipe = subprocess.PIPE
        return rigs.start(self.rig.client, *self.command, *options, stdout=pipe, stderr=pipe, text=True)

    @staticmethod
    def end(process):
        out, complaints = process.communicate()
        if process.returncode != 0:
            raise rigs.RigError(f"anytick_load: exit {process.returncode}\n{out}{complaints}")
        return json.loads(out)

    def run(self, rate, seconds=TRY_SECONDS):
        return self.end(self.start(rate, seconds))

    @contextlib.contextmanager
    def beside(self, rate):
        """While the body runs; gives a list that has the report afterwards."""
        process, reports = self.start(rate, 3600), []
        try:
            time.sleep(1)
            yield reports
        finally:
            process.send_signal(2)
            reports.append(self.end(process))


def _core_seconds(rig):
    """What the server's core has worked so far, in interrupts and in processes that are not nice to others."""
    for line in open("/proc/stat"):
        name, *ticks = line.split()
        if name == f"cpu{rig.worker_cores[0]}":
            user, _, system, _, _, hard, soft = map(int, ticks[:7])
            return (user + system + hard + soft) / TICKS
    raise rigs.RigError("/proc/stat lacks the server's core")


def _is_lossless(report):
    return report["sent"] - report["answered"] <= report["sent"] * LOST_SHARE


def _find_rate(rig, load):
    """The largest rate found without loss."""
    best = 0

    def attempt(rate):
        nonlocal best
        for _ in range(ATTEMPTS):
            report = load.run(rate)
            if _is_lossless(report):
                best = max(best, report["answered"] / report["seconds"])
                return report["sent"] > rate * report["seconds"] * 0.9
        return False

    low = high = FIRST_RATE
    while high < LAST_RATE and attempt(high):
        low, high = high, high * 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if attempt(middle) else (low, middle)
    if not best:
        raise rigs.RigError(f"{rig.title} loses requests at {FIRST_RATE} a second")
    return best


def _cost(rig, load, rate):
    """Seconds of the server's core for each reply at a rate."""
    with load.beside(rate) as reports:
        begin, before = time.monotonic(), _core_seconds(rig)
        time.sleep(COST_SECONDS)
        share = (_core_seconds(rig) - before) / (time.monotonic() - begin)
    return share * reports[0]["seconds"] / reports[0]["answered"]


def _samples(rig, count):
    """The last of them: the first ones wake sleeping cores."""
    with ntp_clients.client(rig, rigs.POP_IPV4, core=rig.control_cores[0]) as client:
        return client.wait_for_samples(count + SETTLE_SAMPLES, SAMPLE_SECONDS)[SETTLE_SAMPLES:]


def _samples_in(rig, seconds):
    """As many as are answered."""
    with ntp_clients.client(rig, rigs.POP_IPV4, core=rig.control_cores[0]) as client:
        time.sleep(seconds)
        if samples := client.samples():
            return samples
    raise rigs.RigError(f"{rig.title}: no sample in {seconds} s")


def measure(rig, load_program, samples):
    """The figures by their keys in ROWS, and how many samples chronyd refused where none had to be lost."""
    load = _Load(rig, load_program)
    idle = _samples(rig, samples)
    rate = _find_rate(rig, load)
    cost = _cost(rig, load, rate)
    with load.beside(rate / 2):
        half = _samples(rig, samples)
    with load.beside(rate * 2) as reports:
        over = _samples_in(rig, OVERLOAD_SECONDS)
    found = {"rate": rate, "cost": cost, "refused": sum(not sample.accepted for sample in idle + half)}
    for key, measured in (("idle", idle), ("half", half), ("over", over)):
        found[key], found[f"{key}_high"] = ntp_clients.quantiles(measured)
    for key, counted in (("over_rate", "answered"), ("over_sent", "sent")):
        found[key] = reports[0][counted] / reports[0]["seconds"]
    return found
