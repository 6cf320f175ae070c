"""A POP that takes only what the hub signed; targets by address on the wire; and explain, which says what the POP does."""

import json
import unittest

import ask
import fixture
import rig as rigs
import tap

RIG = None
ZONE = """{
  "serial": 5, "max_hosts": 2, "targeting": "@ country ip",
  "data": {
    "": {"ns": ["ns1.here.example."]},
    "here": {"a": ["198.51.100.1", "198.51.100.2", "198.51.100.3"]},
    "here.us": {"a": ["198.51.100.4"]},
    "here.[10.53.2.1]": {"a": ["198.51.100.5"]},
    "here.[10.53.3.0]": {"alias": "other"},
    "here.[2001:db8:5300::]": {"a": ["198.51.100.6"]},
    "here.[11.53.2.1]": {"a": ["198.51.100.5"]},
    "here.[11.53.3.0]": {"alias": "other"},
    "here.[2a00:53:1::]": {"a": ["198.51.100.6"]},
    "other": {"a": ["198.51.100.7"]},
    "other.de": {"a": ["198.51.100.8"]}
  }
}"""
# Private addresses do not locate a client when they are stated as its subnet: these do.
SUBNETS = "11.53.2.0/24 country=us\n11.53.3.0/24 country=de\n"
NAME = "here.here.example"
KEY, STRANGER = "hub.pem", "stranger.pem"


def setUpModule():
    global RIG
    RIG = fixture.make_rig()
    for key in (KEY, STRANGER):
        rigs.run(RIG.anytick, "key", "generate", "-o", RIG.room / key)
    RIG.sections = f'[trust]\nkeys = ["{RIG.room}/hub.pub"]\n'
    fixture.make_map(RIG, rigs.OVERRIDES + SUBNETS)
    source = RIG.room / "here.example.json"
    source.write_text(ZONE)
    RIG.compile_zone(source, output=RIG.room / "here.image")
    RIG.start()


def tearDownModule():
    RIG.close()


def push(key=None, check=True):
    signed = ("--sign", RIG.room / key) if key else ()
    return RIG.push(RIG.room / "here.image", RIG.room / "geo.map", check=check, options=signed)


class A_Signed(unittest.TestCase):
    def test_1_nothing_else_is_taken(self):
        for key in (None, STRANGER):
            with self.subTest(key):
                done = push(key, check=False)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertRegex(done.stdout + done.stderr, r"(?i)sign|trust")
                self.assertEqual(RIG.status()["tables"], [])

    def test_2_what_the_hub_signed_is_taken(self):
        push(KEY)
        status = RIG.status()
        self.assertEqual(len(status["trusted_keys"]), 1)
        self.assertEqual([t["signed_by"] for t in status["tables"]], status["trusted_keys"] * 2)

    def test_3_a_refused_push_leaves_what_runs(self):
        before = RIG.status()["generation"]
        self.assertEqual(push(STRANGER, check=False).returncode, 1)
        self.assertEqual(RIG.status()["generation"], before)
        self.assertTrue(ask.ask(RIG, NAME).answer)

    def test_4_and_it_starts_from_it(self):
        self.assertEqual(RIG.stop(), 0)
        RIG.start()
        self.assertEqual(len(RIG.status()["tables"]), 2)
        self.assertTrue(ask.ask(RIG, NAME).answer)


class B_Targets(unittest.TestCase):
    """Sources of RIG's overrides: one /24 a country, in the order of rigs.COUNTRIES."""

    def setUp(self):
        push(KEY)

    # Who asks, and what it can get.
    EVERYBODY = {"198.51.100.1", "198.51.100.2", "198.51.100.3"}
    SOURCES = (
        (rigs.CLIENT_OF["jp"], EVERYBODY),
        (rigs.CLIENT_OF["us"], {"198.51.100.5"}),
        (rigs.CLIENT_OF["de"], {"198.51.100.8"}),
        (rigs.CLIENT6_OF["jp"], {"198.51.100.6"}),
    )
    CASES = (
        *SOURCES,
        ("11.53.1.0/24", EVERYBODY),
        ("11.53.2.1/32", {"198.51.100.5"}),
        ("11.53.2.2/32", {"198.51.100.4"}),
        ("11.53.3.0/24", {"198.51.100.8"}),
        ("2a00:53:1::/56", {"198.51.100.6"}),
        ("2a00:53:2::/56", EVERYBODY),
    )

    def test_by_source(self):
        for client, expected in self.SOURCES:
            with self.subTest(client):
                self.assert_drawn(ask.ask(RIG, NAME, source=client), expected)

    def test_by_subnet(self):
        for client, expected in self.CASES[len(self.SOURCES) :]:
            with self.subTest(client):
                message = ask.ask(RIG, NAME, subnet=client)
                self.assert_drawn(message, expected)
                self.assertEqual(ask.scope(message), (int(client.split("/")[1]), self.explained(client)["scope"]))

    def test_explain_says_what_the_pop_answers(self):
        for client, expected in self.CASES:
            with self.subTest(client):
                rrset = self.explained(client)["steps"][-1]["rrset"]
                self.assertEqual({record["data"] for record in rrset["records"]}, expected)
                self.assertEqual(rrset["max_records"], min(2, len(expected)))
                self.assertAlmostEqual(sum(record["included"] for record in rrset["records"]), rrset["max_records"])

    def test_a_target_by_address_ends_at_its_block(self):
        for client, scope in (("11.53.2.1/32", 32), ("11.53.2.0/32", 32), ("11.53.2.2/32", 31), ("11.53.3.77/32", 24)):
            self.assertEqual(ask.scope(ask.ask(RIG, NAME, subnet=client)), (32, scope), client)

    def assert_drawn(self, message, expected):
        found = {record.address for rrset in message.answer for record in rrset}
        self.assertLessEqual(found, expected)
        self.assertEqual(len(found), min(2, len(expected)))

    def explained(self, client):
        words = RIG.room / "here.image", "--geo", RIG.room / "geo.map", NAME, "A", "--client", client, "--json"
        return json.loads(rigs.run(RIG.anytick, "zone", "explain", *words).stdout)


if __name__ == "__main__":
    tap.main()
