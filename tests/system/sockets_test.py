"""DNS over TCP, and over UDP that comes by the kernel."""

import contextlib
import os
import re
import socket
import struct
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.rcode

import ask
import fixture
import pool
import rig as rigs
import tap
from ask import query_of, rrset
from load import Load, Question

NEIGHBOUR_IPV6 = "2001:db8:53::99"  # in the /64 of CLIENT_IPV6
PER_SOURCE = 20
IDLE_SECONDS = 2
RATE = int(os.environ.get("RATE", "2000"))
PUSHES = int(os.environ.get("PUSHES", "100"))
BASES = ("198.18.0.0", "198.19.0.0")
IPV6_DSTOPTS = 59
PAD_OF_8 = bytes([0, 0, 1, 4, 0, 0, 0, 0])  # a destination options header: next header, length, PadN

RIG = IMAGE = None


def setUpModule():
    global RIG, IMAGE
    RIG = fixture.make_rig()
    RIG.sections = f"[sockets]\ntcp_per_source = {PER_SOURCE}\nidle_seconds = {IDLE_SECONDS}\ntotal_seconds = 600\n"
    rigs.run("ip", "-n", RIG.client, "address", "add", f"{NEIGHBOUR_IPV6}/128", "dev", RIG.ports[0].peer)
    RIG.start()
    IMAGE = RIG.compile_zone(fixture.RECORDS, output=RIG.room / "records.image")
    RIG.push(IMAGE, fixture.make_map(RIG))


def tearDownModule():
    RIG.close()


class Stream:
    """A TCP connection to the POP, of whole messages."""

    def __init__(self, source=rigs.CLIENT_IPV4):
        self.socket = RIG.client_socket(source, stream=True)
        self.socket.settimeout(10)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, *queries):
        self.socket.sendall(b"".join(struct.pack("!H", len(wire)) + wire for wire in queries))

    def receive(self):
        """The next reply, or None when the POP closed the connection."""
        length = self.file.read(2)
        return self.file.read(int.from_bytes(length, "big")) if length else None

    def is_closed(self):
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


def ask_tcp(name, rdtype="A", source=rigs.CLIENT_IPV4, **how):
    query = query_of(name, rdtype, **how)
    with Stream(source) as stream:
        stream.send(query.to_wire())
        reply = dns.message.from_wire(stream.receive(), ignore_trailing=False)
    assert query.is_response(reply)
    return reply


def ask_udp(wire, source, options=()):
    with RIG.client_socket(source) as opened:
        for option in options:
            opened.setsockopt(*option)
        opened.settimeout(ask.ANSWER_SECONDS)
        opened.send(wire)
        return dns.message.from_wire(opened.recv(65535), ignore_trailing=False)


class KernelUdp(unittest.TestCase):
    def setUp(self):
        self.before = RIG.counters()

    def grown(self, *names):
        after = RIG.counters()
        return [after[name] - self.before[name] for name in names]

    def test_fragments_are_put_together_and_answered(self):
        padding = dns.edns.GenericOption(65001, bytes(4000))
        wire = query_of("one.records.example", options=[padding]).to_wire(max_size=65535)
        for source in (rigs.CLIENT_IPV4, rigs.CLIENT_IPV6):
            with self.subTest(source):
                reply = ask_udp(wire, source)
                self.assertEqual(rrset(reply, "A")[1], ["203.0.113.11"])
        self.assertEqual(self.grown("kernel_udp_queries", "dns_answered"), [2, 2])

    def test_ipv6_extension_headers(self):
        options = [(socket.IPPROTO_IPV6, IPV6_DSTOPTS, PAD_OF_8)]
        reply = ask_udp(query_of("one.records.example").to_wire(), rigs.CLIENT_IPV6, options)
        self.assertEqual(rrset(reply, "A")[1], ["203.0.113.11"])
        self.assertEqual(self.grown("kernel_udp_queries"), [1])

    def test_ipv4_options(self):
        options = [(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\7\7\4\0\0\0\0\0")]  # record route
        reply = ask_udp(query_of("one.records.example").to_wire(), rigs.CLIENT_IPV4, options)
        self.assertEqual(rrset(reply, "A")[1], ["203.0.113.11"])

    def test_a_truncated_answer_leads_to_tcp(self):
        text = RIG.as_client("kdig", f"@{rigs.POP_IPV4}", "+retry=0", "huge.records.example", "TXT").stdout
        self.assertIn("TCP", text)
        self.assertIn('"1111', text)
        self.assertEqual(self.grown("dns_truncated", "kernel_udp_queries", "tcp_queries"), [1, 0, 1])

    def test_the_thread_has_a_row_of_its_own(self):
        def answered():
            return {w["name"]: w["counters"]["dns_answered"] for w in RIG.status()["workers"]}

        before = answered()
        ask_tcp("one.records.example")
        self.assertEqual(answered(), before | {"sockets": before["sockets"] + 1})


class Tcp(unittest.TestCase):
    def test_kdig(self):
        for server in (rigs.POP_IPV4, rigs.POP_IPV6):
            with self.subTest(server):
                command = ("kdig", f"@{server}", "+tcp", "+retry=0", "+short", "one.records.example", "AAAA")
                self.assertEqual(RIG.as_client(*command).stdout.split(), ["2001:db8:11::11"])

    def test_big_answers_are_whole(self):
        reply = ask_tcp("huge.records.example", "TXT")
        self.assertFalse(reply.flags & dns.flags.TC)
        self.assertGreater(sum(len(text) for text in rrset(reply, "TXT")[1]), 1232)

    def test_clients_are_located(self):
        for source in (rigs.CLIENT_OF["us"], rigs.CLIENT6_OF["us"]):
            with self.subTest(source):
                self.assertEqual(rrset(ask_tcp("where.records.example", "TXT", source), "TXT")[1], ['"country us"'])
        reply = ask_tcp("where.records.example", "TXT", subnet="10.53.2.0/24")
        self.assertEqual(ask.scope(reply), (24, 0))  # private: the source decides

    def test_no_zone_transfer(self):
        for rdtype in ("AXFR", "IXFR"):
            with self.subTest(rdtype):
                self.assertEqual(ask_tcp("records.example", rdtype).rcode(), dns.rcode.REFUSED)

    def test_pipelined_queries_then_half_close(self):
        queries = [query_of(f"{'one' if number % 2 else 'nobody'}.records.example") for number in range(1000)]
        with Stream() as stream:
            stream.send(*(query.to_wire() for query in queries))
            stream.socket.shutdown(socket.SHUT_WR)
            for query in queries:
                self.assertTrue(query.is_response(dns.message.from_wire(stream.receive())))
            self.assertIsNone(stream.receive())

    def test_idle_connections_are_closed_and_counted(self):
        before = RIG.counters()
        with Stream() as idle, Stream() as within:
            within.socket.send(b"\0")
            self.assertTrue(idle.is_closed())
            self.assertTrue(within.is_closed())
        after = RIG.counters()
        self.assertEqual(after["tcp_timed_out"] - before["tcp_timed_out"], 2)

    def test_framing_that_cannot_be_right_ends_the_connection(self):
        with Stream() as stream:
            stream.send(query_of("one.records.example").to_wire(), b"short")
            self.assertIsNotNone(stream.receive())
            self.assertTrue(stream.is_closed())

    def test_a_source_has_its_share(self):
        for source, same, other in (
            (rigs.CLIENT_OF["us"], rigs.CLIENT_OF["us"], rigs.CLIENT_OF["de"]),
            # An IPv6 source is a /64.
            (rigs.CLIENT_IPV6, NEIGHBOUR_IPV6, rigs.CLIENT6_OF["de"]),
        ):
            with self.subTest(source), contextlib.ExitStack() as stack:
                for _ in range(PER_SOURCE):
                    stream = stack.enter_context(Stream(source))
                    stream.send(query_of("one.records.example").to_wire())
                    self.assertIsNotNone(stream.receive())
                self.assertTrue(stack.enter_context(Stream(same)).is_closed())
                stream = stack.enter_context(Stream(other))
                stream.send(query_of("one.records.example").to_wire())
                self.assertIsNotNone(stream.receive())

    def test_dnsperf_loses_nothing(self):
        queries = RIG.room / "tcp-queries"
        queries.write_text("one.records.example A\nwhere.records.example TXT\nhuge.records.example TXT\n")
        command = ("dnsperf", "-m", "tcp", "-s", rigs.POP_IPV4, "-d", queries, "-c", "10", "-Q", RATE, "-l", "5")
        text = RIG.as_client(*command).stdout
        self.assertRegex(text, r"Queries lost: +0 ", text)
        self.assertGreater(int(re.search(r"Queries completed: +(\d+)", text)[1]), RATE * 2)


class Counters(unittest.TestCase):
    def test_connections_that_are_not_closed_are_open(self):
        def open_connections():
            count = RIG.counters()
            return count["tcp_accepted"] - count["tcp_closed"]

        before = open_connections()
        with Stream() as stream:
            stream.send(query_of("one.records.example").to_wire())
            stream.receive()
            self.assertEqual(open_connections(), before + 1)


class Swap(unittest.TestCase):
    """Connections live through pushes; every answer is wholly of one table, over UDP and TCP alike."""

    def tearDown(self):
        RIG.push(IMAGE)

    def test_pushes_under_mixed_load(self):
        zones, images = [], []
        for serial, base in enumerate(BASES, 1):
            zone, image = fixture.make_pool(RIG, serial, base)
            zones.append(pool.Pool(zone))
            images.append(image)
        RIG.push(images[0])
        clients = [client[country] for country in ("us", "de") for client in (rigs.CLIENT_OF, rigs.CLIENT6_OF)]
        questions = [
            Question("0.pool.example", client, [zone.servers("0", country) for zone in zones], **how)
            for client, country in zip(clients, ("us", "us", "de", "de"))
            for how in ({}, {"stream": True})
        ]
        load = Load(RIG, RATE, questions)
        load.start()
        try:
            for number in range(1, PUSHES + 1):
                RIG.push(images[number % 2])
                reply = ask_tcp("0.pool.example", source=rigs.CLIENT_OF["us"])
                self.assertLessEqual(ask.four(reply), zones[number % 2].servers("0", "us"))
        finally:
            report = load.stop()
        print(f"# {PUSHES} pushes: {report}", flush=True)
        self.assertEqual((report.lost, report.unasked), (0, 0), str(report))
        self.assertEqual(report.wrong[:5], [], str(report))
        self.assertEqual(set(report.of_pool), {0, 1})


class Z_AfterAllOthers(unittest.TestCase):
    """Classes run in the order of their names."""

    def test_every_query_was_counted_once(self):
        count = fixture.settled_counters(RIG)
        print(f"# {count}", flush=True)
        drops = sum(value for name, value in count.items() if name.startswith("drop_"))
        received = count["rx_frames"] + count["tcp_queries"] + count["kernel_udp_queries"]
        self.assertEqual(received, count["dns_answered"] + count["punted"] + drops)
        # By pipelined queries, dnsperf and the load beside pushes; by those that the kernel put together.
        self.assertGreater(count["tcp_queries"], 2 * RATE)
        self.assertGreater(count["rx_frames"], count["tcp_queries"])
        self.assertGreaterEqual(count["kernel_udp_queries"], 4)


if __name__ == "__main__":
    tap.main()
