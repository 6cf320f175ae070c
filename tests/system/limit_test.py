"""What strangers cost: a flood of spoofed sources beside honest clients, and a source that asks for too much."""

import os
import threading
import time
import unittest

import fixture
import pool
import rig as rigs
import tap
from load import Load, Question

SECONDS = int(os.environ.get("SECONDS", "5"))
SPOOFED_RATE = int(os.environ.get("SPOOFED_RATE", "20000"))
HONEST_RATE = 1000
HOT_OF_100 = 25
LIMIT, BURST_SECONDS = 300, 2
MEMORY_MB = 4
NAME = "0.pool.example"

RIG = ZONE = IMAGE = None


def setUpModule():
    global RIG, ZONE, IMAGE
    RIG = fixture.make_rig()
    zone, IMAGE = fixture.make_pool(RIG, 1, "198.18.0.0")
    ZONE = pool.Pool(zone)
    RIG.limit = f"answers = {LIMIT}\nnxdomain = {LIMIT}\nburst_seconds = {BURST_SECONDS}\nmemory_mb = {MEMORY_MB}\n"
    RIG.start()
    RIG.push(IMAGE, fixture.make_map(RIG))


def tearDownModule():
    RIG.close()


def restart(limit):
    RIG.stop()
    RIG.limit = limit
    RIG.start()


def resident_bytes():
    """Memory that the daemon has written to."""
    status = open(f"/proc/{RIG.daemon.pid}/status").read()
    return 1024 * sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


def spoof(name, hot_of_100, seconds=SECONDS):
    """Frames sent from sources that ask once, and from the one that asks too much."""
    port = RIG.ports[0]
    command = ("/usr/bin/python3", fixture.HERE / "spoof.py", port.peer, port.client_mac, port.mac, rigs.POP_IPV4)
    done = RIG.as_client(*command, name, SPOOFED_RATE, seconds, hot_of_100)
    return tuple(map(int, done.stdout.split()))


def missed():
    return sum(port["missed"] for port in RIG.status()["ports"])


def grown(before):
    return {name: count - before[name] for name, count in RIG.counters().items()}


def honest_load():
    """One query in a while from each of several networks, below the rate of all."""
    sources = list(rigs.CLIENT_OF.items())
    return [Question(NAME, source, [ZONE.servers("0", country)]) for country, source in sources]


class Flood(unittest.TestCase):
    def test_honest_clients_beside_spoofed_ones(self):
        before, bytes_before, missed_before = RIG.counters(), resident_bytes(), missed()
        load = Load(RIG, HONEST_RATE, honest_load())
        load.start()
        begin = time.monotonic()
        once, hot = spoof(NAME, HOT_OF_100)
        seconds = time.monotonic() - begin
        report = load.stop()
        counters, lost = grown(before), missed() - missed_before
        over = counters["limit_answer"]
        print(f"# {once} sources asked once, one {hot} times: {over} over its rate; {lost} frames missed by the port")
        print(f"# honest: {report}", flush=True)
        self.assertGreater(once, 0)
        self.assertGreater(hot, 2 * LIMIT * (SECONDS + BURST_SECONDS))
        self.assertEqual(report.wrong, [])
        self.assertLessEqual(report.lost, report.sent // 1000)
        # Nobody else is over a rate. What the port missed was not asked.
        self.assertLessEqual(hot - lost - over, LIMIT * (seconds + BURST_SECONDS))
        self.assertEqual(over, counters["drop_limit"] + counters["limit_slipped"])
        self.assertLess(abs(counters["limit_slipped"] - over / 2), over / 10)
        # What sources cost is made at the start. A sanitizer's allocator keeps some of what our own calls have freed.
        self.assertLess(resident_bytes() - bytes_before, 4 << 20)

    def test_one_kind_of_answer_does_not_limit_another(self):
        before = RIG.counters()
        _, hot = spoof("nothere.pool.example", 100, 2)
        load = Load(RIG, 100, honest_load())
        load.start()
        time.sleep(1)
        report = load.stop()
        counters = grown(before)
        self.assertGreater(counters["limit_nxdomain"], hot // 2)
        self.assertEqual(counters["limit_answer"], 0)
        self.assertEqual((report.lost, report.wrong), (0, []))

    def test_buckets_survive_swaps(self):
        before, missed_before, sent = RIG.counters(), missed(), []
        begin = time.monotonic()
        flood = threading.Thread(target=lambda: sent.append(spoof(NAME, 100, 3)))
        flood.start()
        pushes = 0
        while flood.is_alive():
            RIG.push(IMAGE)
            pushes += 1
        seconds = time.monotonic() - begin
        hot, lost, over = sent[0][1], missed() - missed_before, grown(before)["limit_answer"]
        print(f"# {pushes} pushes: {over} of {hot} over the rate; {lost} frames missed by the port", flush=True)
        self.assertGreater(pushes, BURST_SECONDS)
        self.assertLessEqual(hot - lost - over, LIMIT * (seconds + BURST_SECONDS))

    def test_the_log_names_who_asks_too_much(self):
        spoof(NAME, 100, 2)
        give_up = time.monotonic() + 10
        while "limit: 203.0.113.0/24 asks for more than its rate of answers" not in RIG.log_text():
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.2)


class Modes(unittest.TestCase):
    def counted(self, limit):
        """What counters grow by when one source asks for too much under such limits, and is answered all the same."""
        restart(limit)
        before, missed_before = RIG.counters(), missed()
        _, hot = spoof(NAME, 100, 2)
        counters, lost = grown(before), missed() - missed_before
        print(f"# {counters['dns_answered']} of {hot} answered, {lost} frames missed by the port", flush=True)
        self.assertGreater(counters["dns_answered"], max(2 * LIMIT * BURST_SECONDS, (hot - lost) * 9 // 10))
        return counters

    def test_log_only(self):
        counters = self.counted(f'mode = "log"\nanswers = {LIMIT}\n')
        self.assertGreater(counters["limit_answer"], 0)
        self.assertEqual((counters["drop_limit"], counters["limit_slipped"]), (0, 0))

    def test_off(self):
        counters = self.counted('mode = "off"\n')
        self.assertEqual({counters[name] for name in counters if name.startswith("limit_")}, {0})

    def test_allowed(self):
        counters = self.counted(f'answers = {LIMIT}\nallow = ["203.0.113.0/24"]\n')
        self.assertEqual((counters["limit_answer"], counters["drop_limit"]), (0, 0))


if __name__ == "__main__":
    tap.main()
