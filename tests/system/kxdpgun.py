"""A load of DNS queries by kxdpgun, from the clients' end of a rig's port. It offers several times what dnsperf can, and its
program on the link leaves to the kernel what is none of its own.
"""

import re
import subprocess
import time

import rig as rigs

START_SECONDS = 10


def start(rig, port, queries, rate, seconds, sources, server, niceness=0):
    """Returns when it sends. `queries`: a file of names and types; `sources`: a prefix."""
    stations = ("-I", port.peer, "-L", port.client_mac, "-R", port.mac, "-l", sources)
    paced = ("-t", seconds, "-Q", rate, "-F", rig.control_cores[0], "-i", queries)
    command = ("nice", "-n", niceness, "stdbuf", "-oL", "kxdpgun", *paced, *stations, server)
    give_up = time.monotonic() + START_SECONDS
    while True:
        process = rigs.start(rig.client, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        first = process.stdout.readline()
        if first.startswith("using interface"):
            return process
        rest = process.stdout.read()
        process.wait()
        # The kernel lets go of the socket of the one before a moment after its end.
        if "busy" not in first or time.monotonic() > give_up:
            raise rigs.RigError(f"kxdpgun: {first}{rest}")
        time.sleep(0.1)


def outcome(process):
    """(sent, answered, all that it said) of a load that has ended or will."""
    text = process.stdout.read()
    totals = [int(found) for found in re.findall(r"total (?:queries|replies): +(\d+)", text)]
    if process.wait() != 0 or len(totals) != 2:
        raise rigs.RigError(f"kxdpgun: exit {process.returncode}\n{text}")
    return *totals, text
