"""NTP as clients see it: what they make of the time, of interleaved mode, keys, limits and a clock that is not synchronised."""

import os
import socket
import struct
import time
import unittest

import fixture
import ntp_clients
import pool
import rig as rigs
import tap
from load import Load, Question

RATE = int(os.environ.get("RATE", "1000"))
SAMPLES = int(os.environ.get("SAMPLES", "100"))
SAMPLE_SECONDS = 30
SERVERS = (rigs.POP_IPV4, rigs.POP_IPV6)
TOLERANCE = 0.01
# Of clients in Python, a busy machine stops one between its reply and its clock now and then.
ATTEMPTS = 5
KEYS = "1 AES128 HEX:000102030405060708090A0B0C0D0E0F\n2 SHA1 HEX:0102030405060708090A0B0C0D0E0F1011121314\n"
WRONG_KEY = "1 AES128 HEX:FF0102030405060708090A0B0C0D0E0F\n"
HEADER = struct.Struct("!BBbbII4sQQQQ")
TRANSMIT, LAST_TRANSMIT = 0x1122334455667788, 0x1122334455667789
ANSWER_SECONDS = 3
RECEIVE_BYTES = 4 << 20

RIG = ZONE = None


def setUpModule():
    global RIG, ZONE
    RIG = fixture.make_rig()
    RIG.start()
    zone, image = fixture.make_pool(RIG, 1, "198.18.0.0")
    ZONE = pool.Pool(zone)
    RIG.push(image, fixture.make_map(RIG))


def tearDownModule():
    RIG.close()


class Ntp(unittest.TestCase):
    """A daemon with a rig's own clock and limits, or with others during one test."""

    def restart(self, **changed):
        """The daemon with other texts of the rig's attributes, until the test's end."""
        before = {name: getattr(RIG, name) for name in changed}
        self.addCleanup(self._restart, before)
        self._restart(changed)

    @staticmethod
    def _restart(texts):
        RIG.stop()
        for name, text in texts.items():
            setattr(RIG, name, text)
        RIG.start()

    def assert_offset(self, client, server, expected):
        """The best of a few attempts is near enough."""
        answers = []
        for _ in range(ATTEMPTS):
            answers.append(client(RIG, server))
            if abs(answers[-1].offset - expected) < TOLERANCE:
                return answers[-1]
        raise self.failureException(f"offset {expected} wanted: {answers}")

    def grown(self, before):
        return {name: count - before[name] for name, count in RIG.counters().items()}


def request(version=4, mode=3, length=48, transmit=TRANSMIT):
    packet = HEADER.pack(version << 3 | mode, 0, 6, 32, 0, 0, b"", 0, 0, 0, transmit)
    return packet.ljust(length, b"\0")[:length]


def ask(packet, source=rigs.CLIENT_IPV4, source_port=0):
    """The reply, or None: a request behind it, which no limit may be about, is answered either way."""
    with rigs.inside(RIG.client):
        opened = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_DGRAM)
    with opened:
        opened.bind((source, source_port))
        opened.connect((rigs.POP_IPV6 if ":" in source else rigs.POP_IPV4, ntp_clients.PORT))
        opened.settimeout(ANSWER_SECONDS)
        for each in (packet, request(transmit=LAST_TRANSMIT)):
            opened.send(each)
        replies = [opened.recv(2048)]
        while HEADER.unpack_from(replies[-1])[-3] != LAST_TRANSMIT:
            replies.append(opened.recv(2048))
    assert len(replies) <= 2, replies
    return replies[0] if len(replies) == 2 else None


def missed():
    return sum(port["missed"] for port in RIG.status()["ports"])


class Clients(Ntp):
    def test_take_the_time(self):
        for client in ntp_clients.CLIENTS:
            for server in SERVERS:
                with self.subTest(client=client.__name__, server=server):
                    before = RIG.counters()
                    answer = self.assert_offset(client, server, 0)
                    self.assertGreaterEqual(self.grown(before)["ntp_answered"], 1)
                    if answer.stratum is not None:
                        self.assertEqual((answer.stratum, answer.leap), (1, 0))

    def test_see_the_offset_of_the_clock(self):
        self.restart(clock=RIG.clock + "correction = 0.25\n")
        for client in ntp_clients.CLIENTS:
            for server in SERVERS:
                with self.subTest(client=client.__name__, server=server):
                    self.assert_offset(client, server, 0.25)

    def test_are_told_stratum_and_leap(self):
        self.restart(clock='laboratory = true\nsource = "fixed"\nstratum = 3\nrefid = "192.0.2.99"\nleap = 1\n')
        for client in (ntp_clients.ntpdig, ntp_clients.ntpdate, ntp_clients.ntplib):
            with self.subTest(client.__name__):
                answer = client(RIG, rigs.POP_IPV4)
                self.assertEqual((answer.stratum, answer.leap), (3, 1))

    def test_refuse_a_clock_that_is_not_synchronised(self):
        self.restart(clock=f'source = "chrony"\nchronyd = "{RIG.room}/nobody.sock"\n')
        before = RIG.counters()
        for client in (ntp_clients.chronyd, ntp_clients.ntpdig, ntp_clients.ntpdate):
            for server in SERVERS:
                with self.subTest(client=client.__name__, server=server):
                    self.assertRaises(ntp_clients.Refused, client, RIG, server, timeout=1)
        answer = ntp_clients.ntplib(RIG, rigs.POP_IPV4)
        self.assertEqual((answer.stratum, answer.leap), (0, 3))
        grown = self.grown(before)
        self.assertGreaterEqual(grown["ntp_answered"], 2 * 3 + 1)
        self.assertEqual(grown["ntp_unsynchronised"], grown["ntp_answered"])
        self.assertFalse(RIG.status()["clock"]["synchronised"])


class Continuous(Ntp):
    """chronyd that asks 64 times a second."""

    def measure(self, server, **how):
        """The last samples, what `chronyc ntpdata` says, and what the counters grew by."""
        before = RIG.counters()
        with ntp_clients.client(RIG, server, **how) as client:
            samples = client.wait_for_samples(SAMPLES, SAMPLE_SECONDS)
            data = client.ntpdata()
        grown = self.grown(before)
        median, high = ntp_clients.quantiles(samples)
        print(f"# {server} {how.get('options', '')}: offset {median * 1e9:.0f} ns, 90 % below {high * 1e9:.0f} ns", flush=True)
        self.assertTrue(all(sample.accepted for sample in samples))
        self.assertGreaterEqual(grown["ntp_answered"], SAMPLES)
        self.assertLess(median, TOLERANCE)
        return samples, data, grown

    def test_basic(self):
        for server in SERVERS:
            with self.subTest(server):
                _, data, grown = self.measure(server)
                self.assertEqual((data["Interleaved"], data["Authenticated"]), ("No", "No"))
                self.assertEqual((grown["ntp_interleaved"], grown["ntp_authenticated"]), (0, 0))

    def test_asks_for_interleaved_mode_in_vain(self):
        _, data, _ = self.measure(rigs.POP_IPV4, options="xleave")
        self.assertEqual(data["Interleaved"], "No")

    def test_interleaved(self):
        self.restart(sections="[ntp]\ninterleaved = true\n")
        for server in SERVERS:
            with self.subTest(server):
                samples, data, grown = self.measure(server, options="xleave")
                self.assertEqual(data["Interleaved"], "Yes")
                # A reply that was lost makes the next one basic.
                self.assertGreater(sum(sample.interleaved for sample in samples), SAMPLES * 9 // 10)
                self.assertGreaterEqual(grown["ntp_interleaved"], SAMPLES * 9 // 10)

    def test_sees_the_offset_of_the_clock(self):
        self.restart(clock=RIG.clock + "correction = -0.25\n")
        with ntp_clients.client(RIG, rigs.POP_IPV4) as client:
            samples = client.wait_for_samples(SAMPLES, SAMPLE_SECONDS)
        offsets = sorted(sample.offset for sample in samples)
        self.assertAlmostEqual(offsets[len(offsets) // 2], -0.25, delta=TOLERANCE)

    def test_beside_dns(self):
        load = Load(RIG, RATE, [Question("0.pool.example", rigs.CLIENT_OF["us"], [ZONE.servers("0", "us")])])
        load.start()
        try:
            self.measure(rigs.POP_IPV4)
        finally:
            report = load.stop()
        print(f"# {report}", flush=True)
        self.assertEqual((report.lost, report.wrong[:5]), (0, []))


class Keys(Ntp):
    def setUp(self):
        keys = RIG.room / "ntp.keys"
        keys.write_text(KEYS)
        keys.chmod(0o600)
        self.restart(sections=f'[ntp]\nkeys = "{keys}"\ninterleaved = true\n')

    def asking(self, keys, number, options=""):
        file = RIG.room / "client.keys"
        file.write_text(keys)
        file.chmod(0o600)
        options = f"key {number} {options}"
        return ntp_clients.client(RIG, rigs.POP_IPV4, options=options, lines=f"keyfile {file}")

    def test_that_both_know(self):
        for number, options in ((1, ""), (2, ""), (1, "xleave")):
            with self.subTest(number=number, options=options):
                before = RIG.counters()
                with self.asking(KEYS, number, options) as client:
                    samples = client.wait_for_samples(SAMPLES, SAMPLE_SECONDS)
                    data = client.ntpdata()
                grown = self.grown(before)
                self.assertTrue(all(sample.accepted for sample in samples))
                self.assertEqual(data["Authenticated"], "Yes")
                self.assertEqual(data["Interleaved"], "Yes" if options else "No")
                self.assertEqual(grown["ntp_authenticated"], grown["ntp_answered"])

    def test_that_is_another(self):
        before = RIG.counters()
        with self.asking(WRONG_KEY, 1) as client:
            self.wait_for_drops(before)
            data = client.ntpdata()
        self.assertEqual(data["Total RX"], "0")
        self.assertEqual(self.grown(before)["ntp_answered"], 0)

    def test_that_nobody_knows(self):
        before = RIG.counters()
        with self.asking(KEYS.replace("1 AES128", "7 AES128"), 7) as client:
            self.wait_for_drops(before)
            data = client.ntpdata()
        self.assertEqual(data["Total RX"], "0")

    def wait_for_drops(self, before):
        give_up = time.monotonic() + 20
        while self.grown(before)["drop_ntp_mac"] < 3:
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.1)


class Requests(Ntp):
    def assert_dropped(self, packet, counter):
        before = RIG.counters()
        self.assertIsNone(ask(packet))
        grown = self.grown(before)
        self.assertEqual((grown[counter], grown["ntp_answered"]), (1, 1))

    def test_of_others_are_dropped(self):
        for packet, counter in (
            (request(version=5), "drop_ntp_version"),
            (request(version=0), "drop_ntp_version"),
            (request(mode=4), "drop_ntp_mode"),
            (request(version=2, mode=6), "drop_ntp_mode"),
            (request(version=2, mode=7), "drop_ntp_mode"),
            (request(length=47), "drop_ntp_length"),
            (request(length=52), "drop_ntp_mac"),
            (request(length=68), "drop_ntp_mac"),
        ):
            with self.subTest(first=packet[0], length=len(packet)):
                self.assert_dropped(packet, counter)

    def test_from_port_123_are_answered(self):
        for source in (rigs.CLIENT_IPV4, rigs.CLIENT_IPV6):
            for version in (1, 2, 3, 4):
                with self.subTest(source=source, version=version):
                    reply = ask(request(version=version), source, ntp_clients.PORT)
                    first, stratum, poll, _, _, _, refid, reference, origin, receive, transmit = HEADER.unpack(reply)
                    self.assertEqual((first, stratum, poll, refid), (version << 3 | 4, 1, 6, b"LAB\0"))
                    self.assertEqual(origin, TRANSMIT)
                    self.assertLess(reference, receive)
                    self.assertLess(receive, transmit)

    def test_without_ntp_are_not_answered(self):
        self.restart(sections="[ntp]\nenabled = false\n")
        before = RIG.counters()
        with self.assertRaises(ConnectionRefusedError):  # of the kernel, whose port is closed
            ask(request())
        self.assertEqual(self.grown(before)["ntp_answered"], 0)
        self.assertIsNone(RIG.status()["clock"])


class Limits(Ntp):
    REQUESTS, PER_SECOND, BURST_SECONDS = 400, 20, 2

    def ask_often(self):
        """So many requests of one client as fast as they go; those of the replies that are kisses, the others, and how many
        requests the port did not miss."""
        before, missed_before = RIG.counters(), missed()
        with RIG.client_socket(rigs.CLIENT_IPV4, RECEIVE_BYTES, port=ntp_clients.PORT) as opened:
            opened.settimeout(ANSWER_SECONDS)
            for number in range(self.REQUESTS):
                opened.send(request(transmit=number + 1))
                time.sleep(0.0005)
            asked = self.wait_until_counted(before, missed_before)
            replies = [opened.recv(2048) for _ in range(self.grown(before)["ntp_answered"])]
        kisses = [reply for reply in replies if reply[1] == 0 and reply[12:16] == b"RATE"]
        return len(kisses), len(replies) - len(kisses), asked

    def wait_until_counted(self, before, missed_before):
        """How many requests there are to count."""
        give_up = time.monotonic() + ANSWER_SECONDS
        while True:
            asked, grown = self.REQUESTS - (missed() - missed_before), self.grown(before)
            if grown["ntp_answered"] + grown["drop_limit"] == asked:
                self.assertGreater(asked, self.REQUESTS * 9 // 10)
                return asked
            self.assertLess(time.monotonic(), give_up, f"{asked} asked: {grown}")
            time.sleep(0.05)

    def limited(self, more):
        rates = f"ntp = {self.PER_SECOND}\nburst_seconds = {self.BURST_SECONDS}\n"
        self.restart(limit=rates + more)
        before, begin = RIG.counters(), time.monotonic()
        kisses, answers, asked = self.ask_often()
        granted = self.PER_SECOND * (time.monotonic() - begin + self.BURST_SECONDS)
        grown = self.grown(before)
        print(f"# {asked} requests: {answers} answers, {kisses} kisses, {grown['limit_ntp']} over the rate")
        self.assertEqual(grown["ntp_answered"], answers + kisses)
        self.assertEqual(grown["ntp_kiss"], kisses)
        self.assertEqual(grown["ntp_answered"] + grown["drop_limit"], asked)
        self.assertGreaterEqual(grown["limit_ntp"], asked - granted)
        return kisses, answers, grown

    def test_without_leak(self):
        kisses, answers, grown = self.limited("ntp_leak = 0\n")
        self.assertEqual(kisses, 0)
        self.assertEqual(grown["drop_limit"], grown["limit_ntp"])
        self.assertGreaterEqual(answers, self.PER_SECOND * self.BURST_SECONDS)

    def test_with_a_leak_of_one_in_four(self):
        kisses, _, grown = self.limited("")
        self.assertEqual(kisses, 0)
        leaked = grown["limit_ntp"] - grown["drop_limit"]
        self.assertLess(abs(leaked - grown["limit_ntp"] / 4), grown["limit_ntp"] / 8)

    def test_with_kisses(self):
        kisses, _, grown = self.limited("ntp_leak = 0\nntp_kod = 2\n")
        # Themselves limited.
        self.assertGreater(kisses, 0)
        self.assertLess(kisses, grown["limit_ntp"] // 4)

    def test_other_clients_are_answered(self):
        self.restart(limit=f"ntp = {self.PER_SECOND}\nburst_seconds = {self.BURST_SECONDS}\nntp_leak = 0\n")
        self.ask_often()
        for source in (rigs.CLIENT_OF["us"], rigs.CLIENT6_OF["us"]):
            with self.subTest(source):
                self.assertIsNotNone(ask(request(), source))

    def test_that_are_off(self):
        self.restart(limit='mode = "off"\n')
        before = RIG.counters()
        kisses, answers, asked = self.ask_often()
        self.assertEqual((kisses, answers), (0, asked))
        self.assertEqual(self.grown(before)["limit_ntp"], 0)


if __name__ == "__main__":
    tap.main()
