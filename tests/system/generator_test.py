"""bench/load asks a POP: it finds nothing wrong with one of its image, and all of another image's."""

import json
import os
import unittest

import fixture
import rig as rigs
import tap

LOAD = os.environ["ANYTICK_LOAD"]
# Of what the slowest rig carries, a small part; and one second of it is all in flight at most, so that a pause of the
# machine loses nothing.
RATE, SECONDS, TIMEOUT = 2000, 2, 5
BASES = ("198.18.0.0", "198.19.0.0")

RIG = None
IMAGES = []


def setUpModule():
    global RIG
    RIG = fixture.make_rig()
    RIG.start()
    IMAGES.extend(fixture.make_pool(RIG, serial, base)[1] for serial, base in enumerate(BASES, 1))
    RIG.push(IMAGES[0], fixture.make_map(RIG))


def tearDownModule():
    RIG.close()


def ask(*options):
    """(exit status, report)"""
    port = RIG.ports[0]
    device = f"net_{RIG.device}0,iface={port.peer}"
    paced = ("--rate", RATE, "--window", 2048, "--seconds", SECONDS, "--timeout", TIMEOUT, "--core", RIG.control_cores[0])
    server = ("--device", device, "--server", rigs.POP_IPV4, "--server-mac", port.mac)
    done = RIG.as_client(LOAD, *map(str, server + paced + options), check=False)
    if not done.stdout:
        raise rigs.RigError(f"anytick_load: exit {done.returncode}\n{done.stderr}")
    print(f"# {done.stdout.strip()}", flush=True)
    return done.returncode, json.loads(done.stdout)


class Generator(unittest.TestCase):
    def test_own_image(self):
        mix = ("--zipf", 1, "--edns", 0.5, "--subnet", 0.2, "--ntp", 0.2, "--garbage", 0.1)
        before = RIG.counters()
        status, report = ask("--image", IMAGES[0], *mix)
        after = RIG.counters()
        self.assertEqual((status, report["wrong"], report["lost"], report["unasked"]), (0, 0, 0, 0))
        self.assertGreater(report["sent"], 0)
        self.assertGreater(report["garbage"], 0)
        self.assertEqual(report["answered"], report["sent"])
        self.assertEqual(report["checked"], report["sent"])
        answers = {name: after[name] - before[name] for name in ("dns_answered", "ntp_answered")}
        self.assertEqual(sum(answers.values()), report["answered"])
        self.assertTrue(all(answers.values()), answers)
        self.assertGreater(report["latency_us"]["50"], 0)

    def test_another_image(self):
        status, report = ask("--image", IMAGES[1], "--check-every", 4)
        self.assertEqual(status, 1)
        self.assertGreater(report["checked"], 0)
        # A few names have the same addresses in both.
        self.assertGreater(report["wrong"], 0.9 * report["checked"])
        self.assertEqual(report["checked"], (report["answered"] + 3) // 4)
        self.assertIn("an address that is not the name's", " ".join(report["faults"]))


if __name__ == "__main__":
    tap.main()
