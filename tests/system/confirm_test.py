"""Pushes that go by themselves unless they are confirmed, under a stream of queries; and control by TCP with mutual TLS."""

import os
import re
import time
import unittest

import ask
import fixture
import pool
import rig as rigs
import tap
from load import Load, Question

RATE = int(os.environ.get("RATE", "2000"))
BASES = ("198.18.0.0", "198.19.0.0")
NAMES = ("", "0", "europe")
BY_TCP = "127.0.0.1:8953"
HUB = "hub.pool.example"
# Far more than a push takes, and not long to wait for.
WITHIN = 4

RIG = None
ZONES, IMAGES = [], []


def setUpModule():
    global RIG
    RIG = fixture.make_rig()
    make_authority("ca")
    make_authority("stranger")
    issue("ca", "pop", "IP:127.0.0.1")
    RIG.sections = f"""\
[control_tls]
listen = ["{BY_TCP}"]
certificate = "{RIG.room}/pop.crt"
key = "{RIG.room}/pop.key"
ca = "{RIG.room}/ca.crt"
names = ["{HUB}"]
"""
    RIG.start()
    for serial, base in enumerate(BASES, 1):
        zone, image = fixture.make_pool(RIG, serial, base, servers=1000)
        ZONES.append(pool.Pool(zone))
        IMAGES.append(image)
    RIG.push(IMAGES[0], fixture.make_map(RIG))


def tearDownModule():
    RIG.close()


def openssl(*words):
    rigs.run("openssl", *words)


def new_key(name):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", RIG.room / f"{name}.key")
    return RIG.room / f"{name}.key"


def make_authority(name):
    key, certificate = new_key(name), RIG.room / f"{name}.crt"
    openssl("req", "-x509", "-new", "-key", key, "-subj", f"/CN={name}", "-days", 2, "-out", certificate)


def issue(authority, name, alternative_name, days=1):
    """A certificate NAME.crt with its key NAME.key."""
    key, request, extensions = new_key(name), RIG.room / f"{name}.csr", RIG.room / f"{name}.ext"
    openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
    extensions.write_text(f"subjectAltName = {alternative_name}\n")
    signed_by = ("-CA", RIG.room / f"{authority}.crt", "-CAkey", RIG.room / f"{authority}.key", "-CAcreateserial")
    output = ("-extfile", extensions, "-days", days, "-out", RIG.room / f"{name}.crt")
    openssl("x509", "-req", "-in", request, *signed_by, *output)


def pop(*words, check=True):
    return rigs.run(RIG.anytick, "pop", *words, "--pop", RIG.control, check=check)


def by_tcp(*words, client="hub", ca="ca", check=True, timeout=20):
    """The same by TCP, where the POP's kernel is."""
    files = ("--tls-ca", RIG.room / f"{ca}.crt", "--tls-certificate", RIG.room / f"{client}.crt")
    files += ("--tls-key", RIG.room / f"{client}.key")
    return RIG.as_pop(RIG.anytick, "pop", *words, "--pop", BY_TCP, *files, "--timeout", timeout, check=check)


def questions():
    return [
        Question(f"{name}.pool.example".lstrip("."), client, [zone.servers(name, country) for zone in ZONES])
        for country in rigs.COUNTRIES
        for client in (rigs.CLIENT_OF[country], rigs.CLIENT6_OF[country])
        for name in NAMES
    ]


def serial():
    return next(table["serial"] for table in RIG.status()["tables"] if table["kind"] == "zone")


class A_Confirmation(unittest.TestCase):
    def assert_answers_of(self, number):
        reply = ask.ask(RIG, "0.pool.example", source=rigs.CLIENT_OF["us"])
        self.assertLessEqual(ask.four(reply), ZONES[number].servers("0", "us"))

    def push_unconfirmed(self, within):
        done = RIG.push(IMAGES[1], options=("--confirm-within", within))
        self.assertRegex(done.stdout, r"\nunconfirmed, reverts in .* to zone serial 1\n")
        self.assert_answers_of(1)

    def test_1_an_unconfirmed_push_goes_and_no_query_is_lost(self):
        load = Load(RIG, RATE, questions())
        load.start()
        try:
            self.push_unconfirmed(f"{WITHIN}s")
            begin = time.monotonic()
            status = RIG.status()
            self.assertEqual(status["unconfirmed"]["generation"], status["generation"])
            self.assertRegex(pop("status").stdout, r"\nunconfirmed, reverts in [1-4]s to zone serial 1\n")
            refused = RIG.push(IMAGES[0], check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertRegex(refused.stderr, r"refused: load: generation \d+ waits for its confirmation")
            while RIG.status()["unconfirmed"]:
                self.assertLess(time.monotonic() - begin, WITHIN + 20)
                time.sleep(0.1)
            self.assertGreater(time.monotonic() - begin, WITHIN - 3)
            self.assert_answers_of(0)
        finally:
            report = load.stop()
        print(f"# {report}", flush=True)
        self.assertEqual((report.lost, report.unasked), (0, 0), str(report))
        self.assertEqual(report.wrong[:5], [], str(report))
        self.assertEqual(set(report.of_pool), {0, 1})
        late = pop("confirm", "--generation", status["generation"], check=False)
        self.assertEqual(late.returncode, 1)
        self.assertRegex(late.stderr, r"generation \d+ was reverted, \d+ runs")

    def test_2_a_crash_brings_the_tables_before_back(self):
        self.push_unconfirmed("1h")
        RIG.daemon.kill()
        RIG.stop()
        RIG.start()
        self.assertIsNone(RIG.status()["unconfirmed"])
        self.assertEqual(serial(), 1)
        self.assert_answers_of(0)

    def test_3_so_does_a_stop(self):
        self.push_unconfirmed("1h")
        self.assertEqual(RIG.stop(), 0)
        RIG.start()
        self.assertEqual(serial(), 1)

    def test_4_revert(self):
        self.push_unconfirmed("1h")
        self.assertRegex(pop("revert").stdout, r"^reverted\n")
        self.assert_answers_of(0)
        self.assertEqual(pop("revert", check=False).returncode, 1)

    def test_5_a_confirmed_push_stays(self):
        self.push_unconfirmed("1h")
        self.assertRegex(pop("confirm").stdout, r"^confirmed\n")
        self.assertIsNone(RIG.status()["unconfirmed"])
        self.assertEqual(RIG.stop(), 0)
        RIG.start()
        self.assertEqual(serial(), 2)
        self.assert_answers_of(1)
        RIG.push(IMAGES[0])


class B_ByTcp(unittest.TestCase):
    def setUp(self):
        if not (RIG.room / "hub.crt").exists():
            issue("ca", "hub", f"DNS:{HUB}")
            issue("ca", "other", "DNS:other.pool.example")
            issue("ca", "expired", f"DNS:{HUB}", days=-1)
            issue("stranger", "forged", f"DNS:{HUB}")

    def test_1_the_hub_pushes_and_confirms(self):
        by_tcp("push", "--zone", IMAGES[1], "--confirm-within", "1h")
        self.assertEqual(serial(), 2)
        by_tcp("confirm")
        self.assertIsNone(RIG.status()["unconfirmed"])
        by_tcp("push", "--zone", IMAGES[0])
        self.assertRegex(by_tcp("status").stdout, r"\n  zone serial 1 ")

    def test_2_nobody_else_does(self):
        before = RIG.status()["generation"]
        for client in ("other", "expired", "forged"):
            with self.subTest(client):
                done = by_tcp("push", "--zone", IMAGES[1], client=client, check=False, timeout=2)
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        without = RIG.as_pop(RIG.anytick, "pop", "status", "--pop", BY_TCP, "--timeout", 2, check=False)
        self.assertEqual(without.returncode, 3)
        self.assertEqual(RIG.status()["generation"], before)
        self.assertRegex(RIG.log_text(), r"its certificate, of 'other', has none of the names")

    def test_3_a_pop_that_is_another_is_not_talked_to(self):
        done = by_tcp("status", ca="stranger", check=False, timeout=2)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, "not reachable: .*certificate verify failed")
        done = by_tcp("status", "--tls-name", "fra1.pool.example", check=False, timeout=2)
        self.assertEqual(done.returncode, 3)

    def test_4_faults_are_told_before_it_is_started(self):
        def checked(old, new):
            config = RIG.room / "other.toml"
            config.write_text((RIG.room / "pop.toml").read_text().replace(old, new))
            return rigs.run(RIG.anytickd, "--check", "--config", config, check=False)

        done = checked("pop.key", "hub.key")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"line \d+, column \d+: control_tls.key: .*hub.key: not the key of .*pop.crt\n")
        done = rigs.run(RIG.anytickd, "--check", "--config", RIG.room / "pop.toml", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (RIG.room / "pop.toml").read_text()
        (RIG.room / "expired.toml").write_text(re.sub(r"pop\.(crt|key)", r"expired.\1", text))
        done = rigs.run(RIG.anytickd, "--check", "--config", RIG.room / "expired.toml", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "expired.crt: the certificate expired on ")


if __name__ == "__main__":
    tap.main()
