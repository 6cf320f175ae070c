"""The kernel's share: neighbours, ping, TCP and BGP through the twin, and what a flood towards it costs the fast path."""

import json
import os
import socket
import time
import unittest

import dns.message

import ask
import bgp
import bulk
import fixture
import pool
import rig as rigs
import tap
from load import Load, Question

RATE = int(os.environ.get("RATE", "1000"))
BGP_SECONDS = int(os.environ.get("BGP_SECONDS", "10"))
BULK_BYTES = 20 << 20
BULK_SECONDS = 60
FLOOD_LIMIT, FLOOD_RATE, FLOOD_SECONDS = 1000, 10000, 5
SERVICES = (rigs.POP_IPV4, rigs.POP_IPV6)
ZONE_BASE = "198.18.0.0"

RIG = None
ZONE = None


def setUpModule():
    global RIG, ZONE
    RIG = fixture.make_rig()
    RIG.start()
    zone, image = fixture.make_pool(RIG, 1, ZONE_BASE)
    ZONE = pool.Pool(zone)
    RIG.push(image, fixture.make_map(RIG))


def tearDownModule():
    RIG.close()


def restart(options=""):
    """The daemon with further lines in its first [[port]], and the tables that it keeps."""
    RIG.stop()
    RIG.ports[0].options = options
    RIG.start()


def ping(address, size=56, count=3):
    return RIG.as_client("ping", "-c", count, "-i", "0.2", "-W", "2", "-s", size, address, check=False)


def questions():
    return [
        Question("0.pool.example", client, [ZONE.servers("0", country)])
        for country in rigs.COUNTRIES
        for client in (rigs.CLIENT_OF[country], rigs.CLIENT6_OF[country])
    ]


def loaded(while_running):
    """The report of a stream of queries while the function runs."""
    load = Load(RIG, RATE, questions())
    load.start()
    try:
        while_running()
    finally:
        report = load.stop()
    print(f"# {report}", flush=True)
    return report


class Kernel(unittest.TestCase):
    def assert_all_answered(self, report):
        self.assertEqual((report.lost, report.unasked), (0, 0), str(report))
        self.assertEqual(report.wrong[:5], [], str(report))
        self.assertGreater(report.sent, RATE * report.seconds / 2)


class Twin(Kernel):
    def test_has_the_ports_mac_mtu_and_addresses_at_once(self):
        (link,) = json.loads(RIG.as_pop("ip", "-json", "address", "show", "dev", rigs.TWIN).stdout)
        self.assertEqual((link["address"], link["mtu"]), (rigs.POP_MAC, 1500))
        self.assertIn("UP", link["flags"])
        found = [a for a in link["addr_info"] if a["scope"] == "global"]
        expected = {f"{rigs.POP_IPV4}/24", f"{rigs.POP_IPV6}/64", *rigs.TWIN_ADDRESSES}
        self.assertEqual({f"{a['local']}/{a['prefixlen']}" for a in found}, expected)
        self.assertFalse([a for a in found if a.get("tentative")])
        self.assertTrue(all(a.get("nodad") for a in found if a["family"] == "inet6"))

    def test_goes_with_the_daemon(self):
        self.addCleanup(RIG.start)
        self.assertEqual(RIG.stop(), 0)
        self.assertNotEqual(RIG.as_pop("ip", "link", "show", "dev", rigs.TWIN, check=False).returncode, 0)


class Neighbours(Kernel):
    def test_are_found(self):
        self.assertNotIn("PERMANENT", RIG.as_client("ip", "neigh", "show").stdout)
        for address in SERVICES:
            with self.subTest(address):
                RIG.as_client("ip", "neigh", "flush", "dev", "client0")
                RIG.as_pop("ip", "neigh", "flush", "dev", rigs.TWIN)
                client = (rigs.CLIENT6_OF if ":" in address else rigs.CLIENT_OF)["us"]
                self.assertEqual(len(ask.ask(RIG, "0.pool.example", source=client).answer[0]), 4)
                self.assertIn(f"lladdr {rigs.POP_MAC}", RIG.as_client("ip", "neigh", "show", address).stdout)


class Ping(Kernel):
    def test_is_answered(self):
        sizes = [(address, size) for address in SERVICES for size in (0, 56, 1400, 8000)]
        # Linux reassembles IPv4 fragments before AF_PACKET's fanout, and cuts the packet to the socket's slot.
        if RIG.device == "af_packet":
            sizes.remove((rigs.POP_IPV4, 8000))
        for address, size in [*sizes, (rigs.TWIN_IPV4, 56)]:
            with self.subTest(address=address, size=size):
                done = ping(address, size)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertRegex(done.stdout, r" 3 received, 0% packet loss")
                self.assertNotIn("DUP!", done.stdout)

    def test_traceroute_style_datagram_is_refused_by_the_kernel(self):
        with RIG.client_socket(rigs.CLIENT_IPV4) as opened:
            opened.connect((rigs.POP_IPV4, 33434))
            opened.settimeout(3)
            opened.send(b"nobody listens")
            self.assertRaises(ConnectionRefusedError, opened.recv, 1)


class FastPath(Kernel):
    def test_still_answers_dns(self):
        for address in SERVICES:
            with self.subTest(address):
                before = RIG.counters()
                done = RIG.as_client("kdig", f"@{address}", "+short", "+retry=0", "0.pool.example", "A")
                self.assertEqual(len(done.stdout.split()), 4)
                self.assertEqual(RIG.counters()["dns_answered"], before["dns_answered"] + 1)


# A veth has one queue for AF_XDP.
if os.environ.get("DEVICE") == "af_packet":

    class SeveralWorkers(Kernel):
        def test_share_the_twin(self):
            self.addCleanup(restart)
            self.addCleanup(setattr, RIG, "worker_cores", RIG.worker_cores)
            RIG.worker_cores = sorted(os.sched_getaffinity(0))[-2:]
            restart()
            before = {w["core"]: w["counters"] for w in RIG.status()["workers"]}
            for client in (rigs.CLIENT_IPV4, *rigs.CLIENT_OF.values()):
                with self.subTest(client):
                    done = RIG.as_client("ping", "-c", 3, "-i", "0.2", "-W", "2", "-I", client, rigs.POP_IPV4, check=False)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    self.assertNotIn("DUP!", done.stdout)
            after = {w["core"]: w["counters"] for w in RIG.status()["workers"]}
            sent = [core for core in after if after[core]["kernel_tx"] > before[core]["kernel_tx"]]
            print(f"# punted: {[after[core]['punted'] for core in after]}", flush=True)
            self.assertEqual(len(sent), 1, "one worker sends for the kernel, so that its frames stay in order")


class Tcp(Kernel):
    def test_bulk_both_ways(self):
        for address in SERVICES:
            for to_pop in (True, False):
                with self.subTest(address=address, to_pop=to_pop):
                    sent, received = bulk.transfer(RIG, address, to_pop, BULK_BYTES, BULK_SECONDS)
                    self.assertEqual(sent, received)


class Flood(Kernel):
    def test_towards_the_kernel_costs_no_answer(self):
        self.addCleanup(restart)
        restart(f"kernel_pps = {FLOOD_LIMIT}\n")
        begin = time.monotonic()
        before = RIG.counters()
        command = ("/usr/bin/python3", fixture.HERE / "flood.py", rigs.POP_IPV4, 9999, FLOOD_RATE, FLOOD_SECONDS)
        done = []
        report = loaded(lambda: done.append(RIG.as_client(*command)))
        self.assert_all_answered(report)
        after = RIG.counters()
        seconds = time.monotonic() - begin
        grown = {name: after[name] - before[name] for name in after}
        sent = int(done[0].stdout)
        print(f"# {sent} frames of no service: {grown['punted']} punted, {grown['drop_kernel_limit']} over the limit")
        self.assertGreater(sent, 2 * FLOOD_LIMIT * FLOOD_SECONDS)
        self.assertGreaterEqual(grown["punted"] + grown["drop_kernel_limit"], sent)
        self.assertLessEqual(grown["punted"], FLOOD_LIMIT * seconds + 256)  # a burst of 256 on top of the rate
        self.assertGreater(grown["punted"], FLOOD_LIMIT)
        self.assertEqual(grown["drop_kernel_full"], 0)

    def test_by_the_kernel_costs_no_answer(self):
        before = RIG.counters()
        command = ("/usr/bin/python3", fixture.HERE / "flood.py", rigs.CLIENT_IPV4, 9999, FLOOD_RATE, FLOOD_SECONDS)
        done = []
        report = loaded(lambda: done.append(RIG.as_pop(*command)))
        self.assert_all_answered(report)
        after = RIG.counters()
        sent, came = int(done[0].stdout), after["kernel_tx"] - before["kernel_tx"]
        print(f"# {sent} frames of the kernel, {came} sent")
        self.assertGreater(came, sent / 2)  # the interface itself drops what it has no room for
        for name in ("tx_refused", "kernel_tx_refused"):
            self.assertEqual(after[name], before[name], name)


class NoTwin(Kernel):
    def test_punts_are_dropped_by_name(self):
        self.addCleanup(restart)
        restart('kernel = "none"\n')
        for address in SERVICES:
            self.addCleanup(RIG.as_client, "ip", "neigh", "del", address, "dev", "client0")
            RIG.as_client("ip", "neigh", "replace", address, "lladdr", rigs.POP_MAC, "dev", "client0")
        before = RIG.counters()
        self.assertNotEqual(ping(rigs.POP_IPV4, count=2).returncode, 0)
        self.assertEqual(len(ask.ask(RIG, "0.pool.example").answer[0]), 4)
        after = RIG.counters()
        self.assertGreaterEqual(after["drop_no_kernel_path"], before["drop_no_kernel_path"] + 2)
        self.assertEqual((after["punted"], after["kernel_tx"]), (0, 0))


class NextHop(Kernel):
    """Another station of the clients' link that has their addresses, too, and answers for none of them."""

    MAC = "02:00:00:00:00:02"

    def setUp(self):
        self.station = RIG.station
        rigs.run("ip", "netns", "add", self.station)
        self.addCleanup(rigs.run, "ip", "netns", "del", self.station)
        link = ("link", "add", "link", RIG.ports[0].peer, "name", "eth0", "netns", self.station, "address", self.MAC)
        rigs.run("ip", "-n", RIG.client, *link, "type", "macvlan", "mode", "bridge")
        rigs.run("ip", "-n", self.station, "link", "set", "eth0", "arp", "off", "up")
        for address in (f"{rigs.CLIENT_IPV4}/24", f"{rigs.CLIENT_IPV6}/64"):
            rigs.run("ip", "-n", self.station, "address", "add", address, "dev", "eth0", "nodad")

    def at_station(self, address, port):
        with rigs.inside(self.station):
            opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(opened.close)
        opened.bind((address, port))
        opened.settimeout(3)
        return opened

    def test_has_the_replies_but_not_what_the_kernel_sends(self):
        self.addCleanup(restart)
        restart(f'next_hop = "{self.MAC}"\n')
        query = ask.query_of("0.pool.example")
        for client, service in ((rigs.CLIENT_IPV4, rigs.POP_IPV4), (rigs.CLIENT_IPV6, rigs.POP_IPV6)):
            with self.subTest(client), RIG.client_socket(client) as asking:
                station = self.at_station(client, asking.getsockname()[1])
                asking.send(query.to_wire())
                reply, source = station.recvfrom(512)
                self.assertEqual(source[:2], (service, 53))
                self.assertTrue(query.is_response(dns.message.from_wire(reply)))
                self.assertRaises(BlockingIOError, asking.recv, 512, socket.MSG_DONTWAIT)
                done = ping(service)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                reply = RIG.as_client("kdig", f"@{service}", "+tcp", "+short", "+retry=0", "0.pool.example", "A")
                self.assertEqual(len(reply.stdout.split()), 4)


class Bgp(Kernel):
    def test_session_stays_under_load(self):
        with bgp.Session(RIG) as session:
            since = session.wait_until_established()
            report = loaded(lambda: time.sleep(BGP_SECONDS))
            self.assertTrue(session.stayed_since(since), session.router.session())
            self.assertIn(bgp.ANNOUNCED, session.routes())
        self.assert_all_answered(report)


class TwoPorts(Kernel):
    POP, CLIENT = "203.0.113.53", "203.0.113.1"

    def test_each_with_its_twin(self):
        RIG.stop()
        RIG.add_port(rigs.Port(1, [f"{self.POP}/24"], (), [f"{self.CLIENT}/24"]))
        RIG.start()
        for address in (rigs.POP_IPV4, self.POP):
            with self.subTest(address):
                done = ping(address)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                reply = RIG.as_client("kdig", f"@{address}", "+short", "+retry=0", "0.pool.example", "A")
                self.assertEqual(len(reply.stdout.split()), 4)
        # A port's workers answer only for its own addresses: another one's are the kernel's, and so the sockets'.
        RIG.as_client("ip", "route", "add", f"{rigs.POP_IPV4}/32", "via", self.POP, "dev", "client1")
        for server, by_kernel in ((self.POP, 0), (rigs.POP_IPV4, 1)):
            before = RIG.counters()["kernel_udp_queries"]
            with RIG.client_socket(self.CLIENT, server=server) as opened:
                opened.settimeout(3)
                opened.send(ask.query_of("0.pool.example").to_wire())
                self.assertTrue(opened.recv(512))
            self.assertEqual(RIG.counters()["kernel_udp_queries"] - before, by_kernel)


if __name__ == "__main__":
    tap.main()
