"""bench/load asks a POP: it finds nothing wrong with one of its tables, and says what is wrong with one of others."""

import json
import os
import signal
import subprocess
import time
import unittest

import fixture
import rig as rigs
import tap

LOAD = os.environ["ANYTICK_LOAD"]
# Of what the slowest rig carries, a small part; and one second of it is all in flight at most, so that a pause of the
# machine loses nothing.
RATE, SECONDS, TIMEOUT = 2000, 2, 5
BASES = ("198.18.0.0", "198.19.0.0")
# All that is due in the pause fits into the smallest ring: 2,048 frames.
PAUSE_RATE, PAUSE_SECONDS = 1000, 1
COOKIE_KEY = bytes(range(0x20, 0x30)).hex()
EVERYTHING = (
    *("--zipf", 1, "--aaaa", 0.3, "--edns", 0.5, "--subnet", 0.3, "--cookies", 0.3),
    *("--ipv6", 0.4, "--ntp", 0.2, "--garbage", 0.1, "--sources", "128.0.0.0/2", "--sources", "2000::/3"),
)

RIG = None
IMAGES = []
MAPS = []


def setUpModule():
    global RIG
    RIG = fixture.make_rig()
    RIG.start()
    IMAGES.extend(fixture.make_pool(RIG, serial, base)[1] for serial, base in enumerate(BASES, 1))
    MAPS.append(fixture.make_map(RIG))
    moved = "0.0.0.0/0 country=jp\n::/0 country=jp\n"
    MAPS.append(RIG.compile_geo(RIG.room / "country.mmdb", RIG.room / "moved.map", moved))
    secrets = RIG.room / "secrets.toml"
    secrets.write_text(f'[[cookie]]\nkey = "{COOKIE_KEY}"\nstate = "active"\n')
    secrets.chmod(0o600)
    RIG.push(IMAGES[0], MAPS[0], options=("--secrets", secrets))


def tearDownModule():
    RIG.close()


def command(*options):
    return LOAD, "--server-mac", RIG.ports[0].mac, *map(str, options)


def run(*options):
    return RIG.as_client(*command(*options), check=False)


def port():
    return "--device", f"net_{RIG.device}0,iface={RIG.ports[0].peer}", "--core", RIG.control_cores[0]


def outcome(status, out, said):
    """(exit status, report)"""
    if not out:
        raise rigs.RigError(f"anytick_load: exit {status}\n{said}")
    print(f"# {out.strip()}", flush=True)
    return status, json.loads(out)


def ask(*options):
    """(exit status, report)"""
    paced = ("--rate", RATE, "--window", 2048, "--seconds", SECONDS, "--timeout", TIMEOUT)
    done = run(*port(), *paced, *options)
    return outcome(done.returncode, done.stdout, done.stderr)


def ask_over_a_pause(*options):
    """The same at PAUSE_RATE for three times PAUSE_SECONDS, of which the POP stands still for one."""
    paced = ("--rate", PAUSE_RATE, "--seconds", 3 * PAUSE_SECONDS, "--timeout", TIMEOUT)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    asking = rigs.start(RIG.client, *command(*port(), *paced, *options), **pipes)
    with asking:
        said = ""
        while " answered, " not in said:  # which it says first after a second of sending
            line = asking.stderr.readline()
            if not line:
                raise rigs.RigError(f"anytick_load ended early:\n{said}")
            said += line
        RIG.signal(signal.SIGSTOP)
        time.sleep(PAUSE_SECONDS)
        RIG.signal(signal.SIGCONT)
        out, rest = asking.communicate()
    return outcome(asking.returncode, out, said + rest)


SERVERS = ("--server", rigs.POP_IPV4, "--server", rigs.POP_IPV6)


class Generator(unittest.TestCase):
    def assert_nothing_wrong(self, status, report):
        self.assertEqual((status, report["wrong"], report["lost"], report["unasked"]), (0, 0, 0, 0), report["faults"])
        self.assertGreater(report["sent"], 0)
        self.assertEqual(report["answered"], report["sent"])
        self.assertEqual(report["checked"], report["sent"])
        self.assertGreater(report["latency_us"]["50"], 0)

    def assert_counted(self, before, report, *names):
        after = RIG.counters()
        answers = [after[name] - before[name] for name in names]
        self.assertEqual(sum(answers), report["answered"])
        self.assertTrue(all(answers), answers)

    def test_own_tables(self):
        before = RIG.counters()
        status, report = ask(*SERVERS, "--image", IMAGES[0], "--map", MAPS[0], *EVERYTHING)
        self.assert_nothing_wrong(status, report)
        self.assertGreater(report["garbage"], 0)
        self.assert_counted(before, report, "dns_answered", "ntp_answered")

    def test_own_image(self):
        status, report = ask(*SERVERS, "--image", IMAGES[0], *EVERYTHING)
        self.assert_nothing_wrong(status, report)

    def test_another_image(self):
        status, report = ask(*SERVERS, "--image", IMAGES[1], "--check-every", 4)
        self.assertEqual(status, 1)
        self.assertGreater(report["checked"], 0)
        # A few names have the same addresses in both.
        self.assertGreater(report["wrong"], 0.9 * report["checked"])
        self.assertEqual(report["checked"], (report["answered"] + 3) // 4)
        self.assertIn("an address that is not the name's", " ".join(report["faults"]))

    def test_another_map(self):
        names = RIG.room / "worldwide"
        names.write_text("0.pool.example A 1\n")
        tables = ("--image", IMAGES[0], "--map", MAPS[1], "--names", names)
        status, report = ask(*SERVERS, *tables, "--subnet", 0.5, "--sources", "128.0.0.0/2")
        self.assertEqual(status, 1)
        # Some of the clients are in Japan.
        self.assertGreater(report["wrong"], 0.8 * report["checked"])

    def test_ipv6_alone(self):
        before = RIG.counters()
        server = ("--server", rigs.POP_IPV6, "--ipv6", 1)
        status, report = ask(*server, "--image", IMAGES[0], "--map", MAPS[0], "--aaaa", 1, "--sources", "2000::/3")
        self.assert_nothing_wrong(status, report)
        self.assert_counted(before, report, "dns_answered")

    def test_cookies(self):
        before = RIG.counters()
        status, report = ask(*SERVERS, "--image", IMAGES[0], "--cookies", 1, "--source-bits", 4)
        self.assert_nothing_wrong(status, report)
        after = RIG.counters()
        good = after["cookie_good"] - before["cookie_good"]
        # All but the first few of each of 16 clients.
        self.assertGreater(good, 0.8 * report["sent"])

    def test_listed_names_and_clients(self):
        names, clients = RIG.room / "names", RIG.room / "clients"
        names.write_text("# popular\n0.pool.example A 9\n0.pool.example AAAA 1\n")
        clients.write_text("".join(f"{address}\n" for address in rigs.CLIENT_OF.values()))
        status, report = ask(*SERVERS, "--image", IMAGES[0], "--map", MAPS[0], "--names", names, "--clients", clients)
        self.assert_nothing_wrong(status, report)
        names.write_text("0.pool.example A 9\nnowhere.pool.example A 1\n0.pool.example A\n")
        done = run(*SERVERS, "--image", IMAGES[0], "--names", names, "--device", "net_null0")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{names} at line 2: 'nowhere.pool.example' has no such records in the image", done.stderr)
        self.assertIn(f"{names} at line 3: is no name, type and weight", done.stderr)

    def test_capture(self):
        capture = RIG.room / "mix.pcap"
        wrote = run(*SERVERS, "--image", IMAGES[0], *EVERYTHING, "--write-pcap", capture, "--count", 3000)
        self.assertEqual((wrote.returncode, wrote.stdout, wrote.stderr), (0, "", ""))
        before = RIG.counters()
        status, report = ask("--pcap", capture)
        self.assert_nothing_wrong(status, report)
        self.assertGreater(report["garbage"], 0)
        self.assert_counted(before, report, "dns_answered", "ntp_answered")

    def test_a_pause_of_the_pop_is_seen_by_all_who_would_have_asked_in_it(self):
        for window in ((), ("--window", 64)):
            with self.subTest(window):
                status, report = ask_over_a_pause(*SERVERS, "--image", IMAGES[0], *window)
                self.assert_nothing_wrong(status, report)
                self.assertEqual((report["sent"], report["unsent"]), (3 * PAUSE_RATE * PAUSE_SECONDS, 0))
                # A third of them, half of whom waited for more than half of it.
                self.assertGreater(report["latency_us"]["90"], 0.5e6 * PAUSE_SECONDS)

    def test_what_is_late_is_skipped_and_told(self):
        status, report = ask_over_a_pause(*SERVERS, "--image", IMAGES[0], "--window", 64, "--skip-late")
        self.assert_nothing_wrong(status, report)
        self.assertEqual(report["sent"] + report["unsent"], 3 * PAUSE_RATE * PAUSE_SECONDS)
        self.assertGreater(report["unsent"], 0.8 * PAUSE_RATE * PAUSE_SECONDS)

    def test_devices_that_are_not_there(self):
        for device, reason in (
            ("0000:ff:1f.7", "0000:ff:1f.7: no device that a driver of DPDK has"),
            ("net_af_packet9,iface=nothing", "net_af_packet9,iface=nothing"),
        ):
            done = run("--server", rigs.POP_IPV4, "--ntp", 1, "--device", device)
            self.assertEqual((done.returncode, done.stdout), (2, ""), device)
            self.assertIn("anytick_load: ", done.stderr)
            self.assertIn(reason, done.stderr)


if __name__ == "__main__":
    tap.main()
