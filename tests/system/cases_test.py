"""The packet tables against the daemon: every row as a frame, by the kernel's UDP and over TCP, with what is counted."""

import json
import os
import time
import unittest

import fixture
import rig as rigs
import tap

PLAYER = os.environ["PLAY_CASES"]
GATEWAYS = ("203.0.113.1", "2001:db8:53::1")
# Moved by what the kernels of both sides say to each other, and by connections as such.
OF_OTHERS = {"rx_frames", "punted", "kernel_tx", "tcp_accepted", "tcp_closed", "tcp_malformed"}

RIG = None


def setUpModule():
    global RIG
    # What ingress_of_cases() is, and the station that its clients' frames come from.
    port = rigs.Port(0, ["203.0.113.53/24", "2001:db8:53::53/64"], [], [f"{GATEWAYS[0]}/24", f"{GATEWAYS[1]}/64"])
    port.mac, port.client_mac = "02:00:00:00:00:01", "02:00:00:00:00:02"
    RIG = fixture.make_rig(port)
    rigs.run(PLAYER, "write", RIG.room)
    keys = RIG.room / "ntp.keys"
    keys.chmod(0o600)
    RIG.sections = (RIG.room / "identity.toml").read_text() + f'[ntp]\nkeys = "{keys}"\n'
    # What clock_of_cases() is.
    RIG.clock = 'laboratory = true\nsource = "fixed"\nstratum = 2\nrefid = "192.0.2.123"\n'
    RIG.clock += "root_delay = 0.010\nroot_dispersion = 0.005\n"
    RIG.start()
    zone = RIG.compile_zone(RIG.room / "test.example.json", output=RIG.room / "zone.image")
    rigs.run(RIG.anytick, "geo", "compile", "--override", RIG.room / "overrides.txt", "-o", RIG.room / "geo.map")
    RIG.push(zone, RIG.room / "geo.map", options=("--secrets", RIG.room / "cookies.toml"))


def tearDownModule():
    RIG.close()


def counters():
    """Those of the workers together, and those of the sockets thread."""
    rows = RIG.status()["workers"]
    sockets = next(row["counters"] for row in rows if row["name"] == "sockets")
    of_workers = [row["counters"] for row in rows if row["name"] != "sockets"]
    return {name: sum(each[name] for each in of_workers) for name in sockets}, sockets


class Played(unittest.TestCase):
    def play(self, *words):
        """Plays rows; returns how many, what is due in counters, and what workers and the sockets thread counted."""
        before = counters()
        done = RIG.as_client(PLAYER, *words, check=False)
        after = counters()
        lines = done.stdout.splitlines()
        faults = [at for at, line in enumerate(lines) if line.startswith("not ok")]
        shown = "\n".join("\n".join(lines[at : at + 3]) for at in faults)
        self.assertEqual((done.returncode, faults), (0, []), f"{shown}\n{done.stderr}")
        rows = sum(line.startswith("ok ") for line in lines)
        due = json.loads(lines[-1].removeprefix("# counters "))
        grown = [{name: value - was[name] for name, value in now.items()} for was, now in zip(before, after)]
        return rows, due, *grown

    def assert_counted(self, due, grown):
        self.assertEqual(
            {name: value for name, value in grown.items() if value and name not in OF_OTHERS},
            {name: value for name, value in due.items() if value and name not in OF_OTHERS},
        )


class FastPath(Played):
    """Before the clients' kernel has a route to the rows' addresses: it is as if it were not there."""

    def test_1_rows_that_are_answered_or_dropped(self):
        rows, due, of_workers, of_sockets = self.play("frames", RIG.ports[0].peer, RIG.device)
        self.assertGreater(rows, 200)
        self.assert_counted(due, of_workers)
        self.assertFalse(any(of_sockets.values()), of_sockets)
        self.assertGreaterEqual(of_workers["rx_frames"], 2 * rows)

    def test_2_rows_that_are_the_kernels(self):
        before = counters()[1]["kernel_udp_queries"]
        rows, due, of_workers, _ = self.play("punts", RIG.ports[0].peer, RIG.device)
        self.assertGreater(rows, 20)
        self.assert_counted(due, of_workers)
        self.assertGreaterEqual(of_workers["punted"], rows)
        # Of queries to us the one with IPv4 options gets through, and it is the last; those to many stations do not.
        give_up = time.monotonic() + 10
        while (taken := counters()[1]["kernel_udp_queries"] - before) == 0 and time.monotonic() < give_up:
            time.sleep(0.01)
        self.assertEqual(taken, 1)


class Sockets(Played):
    @classmethod
    def setUpClass(cls):
        for source in RIG.as_client(PLAYER, "sources").stdout.split():
            rigs.run("ip", "-n", RIG.client, "route", "add", "local", source, "dev", "lo")
        for gateway in GATEWAYS:
            rigs.run("ip", "-n", RIG.pop, "route", "add", "default", "via", gateway)

    def answered_by_sockets(self, protocol):
        rows, due, of_workers, of_sockets = self.play(protocol)
        self.assertGreater(rows, 150)
        self.assert_counted(due, of_sockets)
        self.assertEqual(of_workers["dns_answered"], 0)

    def test_udp_by_the_kernel(self):
        self.answered_by_sockets("udp")

    def test_tcp(self):
        self.answered_by_sockets("tcp")


if __name__ == "__main__":
    tap.main()
