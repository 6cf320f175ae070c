"""What a server answers of more than it can, and what an answer costs."""

import os
import re
import subprocess
import time
from pathlib import Path

import load_port
import rig as rigs

# Queries a second that are offered: twice as many again until some are lost, then halves between. The most that is answered
# of any counts. Too many cost a server that takes interrupts more than they bring.
FIRST_OFFER, LAST_OFFER, HALVES = 150_000, 1_200_000, 2
LOST_SHARE = 0.05
SECONDS = 3
BUSY_SECONDS = 5
TICKS = os.sysconf("SC_CLK_TCK")


def write_queries(path, names):
    path.write_text("".join(f"{name} A\n" for name in names))


def _start(rig, queries, rate):
    port = rig.ports[1]
    stations = ("-I", port.peer, "-L", port.client_mac, "-R", port.mac, "-l", load_port.SOURCES)
    paced = ("-t", SECONDS, "-Q", rate, "-F", rig.control_cores[0], "-i", queries)
    command = ("ip", "netns", "exec", rig.client, "stdbuf", "-oL", "kxdpgun", *paced, *stations, load_port.SERVER_IPV4)
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        first = process.stdout.readline()
        if first.startswith("using interface"):
            return process
        rest = process.stdout.read()
        process.wait()
        # The kernel lets go of the socket of the one before a moment after its end.
        if "busy" not in first or time.monotonic() > give_up:
            raise rigs.RigError(f"kxdpgun: {first}{rest}")
        time.sleep(0.1)


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


def _run(rig, queries, rate):
    process = _start(rig, queries, rate)
    box, user = _busy_seconds(), _user_seconds(rig.daemon.pid)
    text = process.stdout.read()
    box, user = _busy_seconds() - box, _user_seconds(rig.daemon.pid) - user
    totals = [int(found) for found in re.findall(r"total (?:queries|replies): +(\d+)", text)]
    wrong = [int(found) for found in re.findall(r"responded (?!NOERROR)\w+: +(\d+)", text)]
    if process.wait() != 0 or len(totals) != 2 or any(wrong):
        raise rigs.RigError(f"{rig.title}: kxdpgun: exit {process.returncode}\n{text}")
    asked, answered = totals
    if answered == 0:
        raise rigs.RigError(f"{rig.title} answers nothing:\n{text}")
    return {
        "rate": answered / SECONDS,
        "asked": asked / SECONDS,
        "box": box / answered,
        "user": user / answered,
    }


def measure(rig, queries):
    """The best of what was offered: answers a second, and processor seconds of an answer."""
    runs = []

    def loses(rate):
        runs.append(_run(rig, queries, rate))
        return runs[-1]["rate"] < (1 - LOST_SHARE) * rate

    low, high = 0, FIRST_OFFER
    while not loses(high) and high < LAST_OFFER:
        low, high = high, 2 * high
    for _ in range(HALVES):
        middle = (low + high) // 2
        low, high = (low, middle) if loses(middle) else (middle, high)
    return max(runs, key=lambda found: found["rate"])
