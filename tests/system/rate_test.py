"""The kernel's share at 80 % of the rate that this rig answers without a loss: ping, BGP and TCP go on beside it."""

import os
import re
import subprocess
import unittest

import bgp
import bulk
import fixture
import rig as rigs
import tap

SECONDS = int(os.environ.get("SECONDS", "60"))
PROBE_SECONDS = 2
RATE_MIN, RATE_MAX, BISECTIONS = 1000, 128_000, 4
BULK_BYTES = 20 << 20
SERVICES = (rigs.POP_IPV4, rigs.POP_IPV6)

RIG = None


def setUpModule():
    global RIG
    RIG = fixture.make_rig()
    RIG.start()
    zone, image = fixture.make_pool(RIG, 1, "198.18.0.0")
    RIG.push(image, fixture.make_map(RIG))
    (RIG.room / "queries").write_text("".join(f"{n}.pool.example A\n" for n in range(4)))


def tearDownModule():
    RIG.close()


def dnsperf(rate, seconds):
    command = ("dnsperf", "-s", rigs.POP_IPV4, "-d", RIG.room / "queries", "-c", 8, "-q", 50_000, "-Q", rate)
    return (*command, "-l", seconds, "-t", 3, "-b", 8192)


def outcome(text):
    """(sent, lost) as dnsperf says it."""
    return int(re.search(r"Queries sent: +(\d+)", text)[1]), int(re.search(r"Queries lost: +(\d+)", text)[1])


def is_lossless(rate):
    sent, lost = outcome(RIG.as_client(*dnsperf(rate, PROBE_SECONDS)).stdout)
    print(f"# {rate} a second asked for: {sent / PROBE_SECONDS:.0f} sent, {lost} lost", flush=True)
    return lost == 0 and sent >= 0.9 * rate * PROBE_SECONDS


def lossless_rate():
    """The highest rate of some that dnsperf can send and the POP answers to the last query."""
    good = RATE_MIN
    while good < RATE_MAX and is_lossless(2 * good):
        good *= 2
    bad = 2 * good
    for _ in range(BISECTIONS):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if is_lossless(middle) else (good, middle)
    return good


class Ping:
    """Ten a second for SECONDS. Ends by itself, so that the last answer is waited for."""

    def __init__(self, address):
        command = ("ping", "-q", "-i", "0.1", "-c", str(10 * SECONDS), "-W", "3", address)
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", RIG.client, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def goes_on(self):
        return self.process.poll() is None

    def counts(self):
        """(sent, received)"""
        text, _ = self.process.communicate()
        found = re.search(r"(\d+) packets transmitted, (\d+) received", text)
        assert found, text
        return int(found[1]), int(found[2])


class Share(unittest.TestCase):
    def test_at_80_percent_of_the_lossless_rate(self):
        lossless = lossless_rate()
        rate = lossless * 8 // 10
        print(f"# lossless: {lossless} a second; beside {rate} for {SECONDS} s:", flush=True)
        with bgp.Session(RIG) as session:
            since = session.wait_until_established()
            load = subprocess.Popen(
                ["ip", "netns", "exec", RIG.client, *map(str, dnsperf(rate, SECONDS))],
                stdout=subprocess.PIPE,
                text=True,
            )
            pings = {address: Ping(address) for address in SERVICES}
            transfers = 0
            while any(ping.goes_on() for ping in pings.values()):
                address, to_pop = SERVICES[transfers % 2], transfers % 4 < 2
                sent, received = bulk.transfer(RIG, address, to_pop, BULK_BYTES, SECONDS)
                self.assertEqual(sent, received)
                transfers += 1
            counts = {address: ping.counts() for address, ping in pings.items()}
            text, _ = load.communicate()
            self.assertEqual(session.router.session(), ("Established", since))
        print(f"# {outcome(text)} queries sent and lost, pings {counts}, {transfers} transfers", flush=True)
        self.assertEqual(counts, {address: (10 * SECONDS, 10 * SECONDS) for address in SERVICES})
        self.assertGreaterEqual(transfers, 1)


if __name__ == "__main__":
    tap.main()
