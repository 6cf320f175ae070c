"""Pushes in a row under a stream of queries: none is lost, and every answer is wholly of one table or the other."""

import os
import re
import subprocess
import unittest

import ask
import fixture
import pool
import rig as rigs
import tap
from load import Load, Question

PUSHES = int(os.environ.get("PUSHES", "100"))
# Queries a second: a small part of what the slowest rig carries: loss must be the daemon's fault, not the machine's.
RATE = int(os.environ.get("RATE", "2000"))
BASES = ("198.18.0.0", "198.19.0.0")
NAMES = ("", "0", "2", "europe", "1.asia")

RIG = None
ZONES, IMAGES = [], []


def setUpModule():
    global RIG
    RIG = fixture.make_rig()
    RIG.start()
    for serial, base in enumerate(BASES, 1):
        zone, image = fixture.make_pool(RIG, serial, base)
        ZONES.append(pool.Pool(zone))
        IMAGES.append(image)
    RIG.push(IMAGES[0], fixture.make_map(RIG))


def tearDownModule():
    RIG.close()


def questions():
    return [
        Question(f"{name}.pool.example".lstrip("."), client, [zone.servers(name, country) for zone in ZONES])
        for country in rigs.COUNTRIES
        for client in (rigs.CLIENT_OF[country], rigs.CLIENT6_OF[country])
        for name in NAMES
    ]


class Swap(unittest.TestCase):
    def push(self, number):
        RIG.push(IMAGES[number % 2])
        reply = ask.ask(RIG, "0.pool.example", source=rigs.CLIENT_OF["us"])
        # The command returns when every worker has swapped, so the next answer is of the new table.
        self.assertLessEqual(ask.four(reply), ZONES[number % 2].servers("0", "us"))

    def test_pushes_under_load(self):
        load = Load(RIG, RATE, questions())
        load.start()
        try:
            for number in range(1, PUSHES + 1):
                self.push(number)
        finally:
            report = load.stop()
        print(f"# {PUSHES} pushes: {report}", flush=True)
        self.assertEqual((report.lost, report.unasked), (0, 0), str(report))
        self.assertEqual(report.wrong[:5], [], str(report))
        self.assertEqual(set(report.of_pool), {0, 1})
        self.assertGreater(report.sent, RATE * report.seconds / 2)

    def test_dnsperf_loses_nothing(self):
        queries = RIG.room / "queries"
        queries.write_text("".join(f"{name}.pool.example {t}\n".lstrip(".") for name in NAMES for t in ("A", "AAAA")))
        command = ("dnsperf", "-s", rigs.POP_IPV4, "-d", queries, "-Q", RATE, "-l", 10, "-e", "-t", 5)
        with rigs.start(RIG.client, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as dnsperf:
            number = 0
            while dnsperf.poll() is None:
                number += 1
                self.push(number)
            text = dnsperf.stdout.read()
        self.assertEqual(dnsperf.returncode, 0, text)
        self.assertGreater(number, 1)
        self.assertRegex(text, r"Queries lost: +0 ", text)
        self.assertGreater(int(re.search(r"Queries completed: +(\d+)", text)[1]), RATE * 5)


if __name__ == "__main__":
    tap.main()
