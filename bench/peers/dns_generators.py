"""Who asks a DNS server: each gives the most that the server answers of what that program can ask, and what it costs."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import kxdpgun
import load_port
import rig as rigs

SECONDS = 3
# What it costs is looked at in the middle of that.
SETTLE_SECONDS, COST_SECONDS = 0.5, 2
TICKS = os.sysconf("SC_CLK_TCK")


def write_queries(path, names):
    """As kxdpgun and dnsperf read them."""
    path.write_text("".join(f"{name} A\n" for name in names))


def _busy_seconds():
    """Of all cores so far: everything but idle and waiting."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / TICKS


def _user_seconds(process):
    """Of a process and all that descend from it, in their own code."""
    parents, user = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        number = int(stat.parent.name)
        parents[number], user[number] = int(fields[1]), int(fields[11])

    def descends(number):
        return number == process or (number in parents and descends(parents[number]))

    return sum(ticks for number, ticks in user.items() if descends(number)) / TICKS


def _on_first_core(rig):
    return "ip", "netns", "exec", rig.client, "taskset", "-c", str(rig.control_cores[0])


class _Generator:
    def __init__(self, rig):
        self.rig = rig

    def _rate(self, answered, seconds):
        if answered == 0:
            raise rigs.RigError(f"{self.rig.title} answers {self.title} nothing")
        return answered / seconds


class Kxdpgun(_Generator):
    """By AF_XDP, at rates that are offered: twice as many again until some are lost, then halves between. The most that is
    answered of any counts, and what that costs. Too many cost a server that takes interrupts more than they bring."""

    title = "kxdpgun"
    FIRST_OFFER, LAST_OFFER, HALVES = 150_000, 1_200_000, 4
    LOST_SHARE = 0.05

    def __init__(self, rig, names, room, **_):
        super().__init__(rig)
        self.queries = room / "kxdpgun.queries"
        write_queries(self.queries, names)

    def _ask(self, rate):
        process = kxdpgun.start(
            self.rig, self.rig.ports[1], self.queries, rate, SECONDS, load_port.SOURCES, load_port.SERVER_IPV4
        )
        time.sleep(SETTLE_SECONDS)
        box, user, begin = _busy_seconds(), _user_seconds(self.rig.daemon.pid), time.monotonic()
        time.sleep(COST_SECONDS)
        box, user = _busy_seconds() - box, _user_seconds(self.rig.daemon.pid) - user
        seconds = time.monotonic() - begin
        _, answered, text = kxdpgun.outcome(process)
        if any(int(found) for found in re.findall(r"responded (?!NOERROR)\w+: +(\d+)", text)):
            raise rigs.RigError(f"{self.rig.title}: wrong replies:\n{text}")
        answers = self._rate(answered, SECONDS)
        return {"rate": answers, "box": box / seconds / answers, "user": user / seconds / answers}

    def measure(self):
        runs = []

        def loses(rate):
            runs.append(self._ask(rate))
            return runs[-1]["rate"] < (1 - self.LOST_SHARE) * rate

        low, high = 0, self.FIRST_OFFER
        while not loses(high) and high < self.LAST_OFFER:
            low, high = high, 2 * high
        for _ in range(self.HALVES):
            middle = (low + high) // 2
            low, high = (low, middle) if loses(middle) else (middle, high)
        return max(runs, key=lambda found: found["rate"])


class Load(_Generator):
    """anytick_load, by AF_XDP: as many as are answered, and every answer's addresses must be of its name's."""

    title = "anytick_load"
    WINDOW, LOST_SECONDS = 1024, 0.2

    def __init__(self, rig, program, image, **_):
        super().__init__(rig)
        port, core = rig.ports[1], rig.control_cores[0]
        self.command = (
            *_on_first_core(rig), str(program), "--core", str(core), "--image", str(image),
            *("--device", f"net_af_xdp1,iface={port.peer}", "--server-mac", port.mac, "--server", load_port.SERVER_IPV4),
            *("--sources", load_port.SOURCES, "--source-bits", "16", "--window", str(self.WINDOW)),
            *("--timeout", str(self.LOST_SECONDS), "--seconds", str(SECONDS)),
        )  # fmt: skip

    def measure(self):
        # kxdpgun leaves its program there, and DPDK's driver puts none over another's.
        rigs.run("ip", "-n", self.rig.client, "link", "set", self.rig.ports[1].peer, "xdp", "off")
        done = subprocess.run(self.command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise rigs.RigError(f"anytick_load: {self.rig.title}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        report = json.loads(done.stdout)
        return {"rate": self._rate(report["answered"], report["seconds"])}


class Dnsperf(_Generator):
    """By sockets, which take the kernel longer than most servers do: what it can ask is often what it measures."""

    title = "dnsperf"
    OUTSTANDING, CLIENTS = 1000, 16

    def __init__(self, rig, names, room, **_):
        super().__init__(rig)
        queries = room / "dnsperf.queries"
        write_queries(queries, names)
        asked = ("-s", load_port.SERVER_IPV4, "-d", str(queries), "-l", str(SECONDS))
        self.command = (*_on_first_core(rig), "dnsperf", *asked, "-q", str(self.OUTSTANDING), "-c", str(self.CLIENTS), "-T", "1")

    def measure(self):
        load_port.route_client(self.rig)
        text = rigs.run(*self.command).stdout
        answered = re.search(r"Queries completed: +(\d+)", text)
        seconds = re.search(r"Run time \(s\): +([\d.]+)", text)
        codes = re.search(r"Response codes: +(.*)", text)
        if not answered or not seconds or not codes or re.search(r"(?!NOERROR)\b[A-Z]+\b", codes[1]):
            raise rigs.RigError(f"{self.rig.title}: dnsperf:\n{text}")
        return {"rate": self._rate(int(answered[1]), float(seconds[1]))}


GENERATORS = (Kxdpgun, Load, Dnsperf)
