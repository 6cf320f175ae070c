"""What a server answers of more than it can, and what an answer costs."""

import os
import re
from pathlib import Path

import kxdpgun
import load_port
import rig as rigs

# Queries a second that are offered: twice as many again until some are lost, then halves between. The most that is answered
# of any counts. Too many cost a server that takes interrupts more than they bring.
FIRST_OFFER, LAST_OFFER, HALVES = 150_000, 1_200_000, 2
LOST_SHARE = 0.05
SECONDS = 3
TICKS = os.sysconf("SC_CLK_TCK")


def write_queries(path, names):
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


def _run(rig, queries, rate):
    process = kxdpgun.start(rig, rig.ports[1], queries, rate, SECONDS, load_port.SOURCES, load_port.SERVER_IPV4)
    box, user = _busy_seconds(), _user_seconds(rig.daemon.pid)
    asked, answered, text = kxdpgun.outcome(process)
    box, user = _busy_seconds() - box, _user_seconds(rig.daemon.pid) - user
    if any(int(found) for found in re.findall(r"responded (?!NOERROR)\w+: +(\d+)", text)):
        raise rigs.RigError(f"{rig.title}: wrong replies:\n{text}")
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
