"""The policies that README.md gives to copy: each attack against a POP that runs the block, honest clients beside it."""

import collections
import re
import struct
import unittest

import dns.flags
import dns.rcode

import ask
import fixture
import pool
import rig as rigs
import tap
from load import Load, Question

README = fixture.HERE.parent.parent / "README.md"
RECIPE = re.compile(r"^```toml\n(# recipe: ([a-z-]+)\n.*?)^```$", re.MULTILINE | re.DOTALL)

HONEST, HONEST_RATE = 1000, 1000
# More than twice what the largest limit grants in the seconds that as many take on a slow machine.
FLOOD = 6000
# What recipes grant in a second, and at once after a pause.
SUBDOMAINS_RATE, VENDOR_RATE, FIRMWARE_RATE = 20, 500, 10
# So many are asked at once, then a question that no recipe is about: whatever comes before its answer are all the answers.
WINDOW = 100
LAST = ask.query_of("pool.example", "SOA")
LAST.id = 0
RECEIVE_BYTES = 8 << 20

# The rig's own client is in the attacker's country, and in what the recipe for a country's firmware calls own prefixes.
ATTACKER, OTHER = rigs.CLIENT_OF["br"], rigs.CLIENT_OF["jp"]
SUBNET = "9.9.9.0"
OVERRIDES = rigs.OVERRIDES + "".join(f"{where} country=br\n" for where in (f"{rigs.CLIENT_IPV4}/32", f"{SUBNET}/24"))

RIG = ZONE = RECIPES = None


def setUpModule():
    global RIG, ZONE, RECIPES
    RECIPES = {name: text for text, name in RECIPE.findall(README.read_text())}
    RIG = fixture.make_rig()
    zone, image = fixture.make_pool(RIG, 1, "198.18.0.0")
    ZONE = pool.Pool(zone)
    RIG.start()
    RIG.push(image, fixture.make_map(RIG, OVERRIDES))


def tearDownModule():
    RIG.close()


def outcome(reply):
    """"TC", or the RCODE."""
    flags = struct.unpack_from("!H", reply, 2)[0]
    return "TC" if flags & dns.flags.TC else dns.rcode.to_text(flags & 0xF)


def replies_to(opened, wires, stream):
    """Those to `wires`, once LAST, asked behind them, is answered."""
    last = LAST.to_wire()
    for wire in (*wires, last):
        opened.sendall(struct.pack("!H", len(wire)) + wire if stream else wire)
    replies, rest = [], b""
    while True:
        received = opened.recv(65535)
        assert received, "the POP closed the connection"
        messages, rest = messages_in(rest + received) if stream else ([received], b"")
        for message in messages:
            if message[:2] == last[:2]:
                return replies
            replies.append(message)


def messages_in(received):
    """The whole ones of a stream, and what is left."""
    messages = []
    while len(received) >= 2 and len(received) >= (end := 2 + int.from_bytes(received[:2], "big")):
        messages.append(received[2:end])
        received = received[end:]
    return messages, received


def flood(count, queries, source=ATTACKER, stream=False):
    """What became of `count` queries, of `queries` in turn: how many of each outcome, and "nothing"."""
    found = collections.Counter()
    wires = [query.to_wire() for query in queries]
    with RIG.client_socket(source, 0 if stream else RECEIVE_BYTES, stream) as opened:
        opened.settimeout(ask.ANSWER_SECONDS)
        for begin in range(0, count, WINDOW):
            asked = {}
            for index in range(begin, min(begin + WINDOW, count)):
                asked[struct.pack("!H", index % 0xFFFF + 1)] = wires[index % len(wires)][2:]
            for reply in replies_to(opened, [head + rest for head, rest in asked.items()], stream):
                del asked[reply[:2]]
                found[outcome(reply)] += 1
            found["nothing"] += len(asked)
    return +found


class Recipes(unittest.TestCase):
    def setUp(self):
        # A rule's counts would go on in the next policy.
        RIG.push(options=("--policy", self.file("")))

    def file(self, text):
        file = RIG.room / "policy.toml"
        file.write_text(text)
        return file

    def push(self, name):
        RIG.push(options=("--policy", self.file(RECIPES[name])))

    def assert_counts(self, **expected):
        """(matched, decided) by the rule's name, dashes written as underscores."""
        found = {each["name"].replace("-", "_"): (each["matched"], each["decided"]) for each in RIG.status()["policy"]}
        self.assertEqual(found, expected)

    def attack(self, queries, names, streams=(False,)):
        """Floods, over UDP or TCP, beside clients of five countries, the attacker's network among them, who ask for
        `names` and are all answered: what became of all floods together."""
        questions = [
            Question(f"{name}.pool.example".lstrip("."), rigs.CLIENT_OF[country], [ZONE.servers(name, country)], stream)
            for country in rigs.COUNTRIES
            for name in names
            for stream in (False, True)
        ]
        found = collections.Counter()
        load = Load(RIG, HONEST_RATE, questions)
        load.start()
        try:
            while load.is_alive() and load.report.sent < HONEST:
                for stream in streams:
                    found += flood(FLOOD, queries, stream=stream)
        finally:
            report = load.stop()
        print(f"# attack: {dict(found)}\n# honest: {report}", flush=True)
        self.assertEqual((report.lost, report.unasked, report.wrong), (0, 0, []))
        return found

    def assert_limited(self, found, granted, beyond):
        """Some of both, and nothing else; most was beyond."""
        self.assertEqual(set(found), {granted, beyond})
        self.assertGreater(found[beyond], found[granted])

    def test_each_is_shown_here(self):
        shown = {name.removeprefix("test_").replace("_", "-") for name in dir(self) if name.startswith("test_")}
        self.assertLessEqual(set(RECIPES), shown)
        self.assertEqual(len(RECIPES), 4)

    def test_none_has_faults_or_warnings(self):
        for name, text in {**RECIPES, "all": "".join(RECIPES.values())}.items():
            with self.subTest(name):
                done = rigs.run(RIG.anytick, "policy", "check", self.file(text))
                self.assertEqual(done.stderr, "")
                self.assertRegex(done.stdout, r": no faults, [1-9]\d* rules?, 0 warnings\n$")

    def test_random_subdomains(self):
        self.push("random-subdomains")
        labels = [f"{number * 0x9E3779B1 & 0xFFFFFFFF:08x}" for number in range(50)]
        names = [f"{label}{parent}.pool.example" for label in labels for parent in ("", ".us")]
        queries = [ask.query_of(name) for name in names]
        found = self.attack(queries, ("", "0", "1.asia", "harbor", "europe"))
        self.assert_limited(found, "NXDOMAIN", "TC")
        self.assert_counts(random_subdomains=(found.total(), found["TC"]))
        self.assertEqual(flood(FLOOD, queries, stream=True), {"NXDOMAIN": FLOOD})
        # The bucket is this source's; names of other forms and those that the zone has are nobody's concern.
        self.assertIn("TC", flood(FLOOD, queries))
        self.assertEqual(flood(SUBDOMAINS_RATE, queries, OTHER), {"NXDOMAIN": SUBDOMAINS_RATE})
        self.assertEqual(flood(FLOOD, [ask.query_of("nothere.pool.example")]), {"NXDOMAIN": FLOOD})
        self.assertEqual(flood(FLOOD, [ask.query_of("north-america.pool.example")]), {"NOERROR": FLOOD})

    def test_vendor(self):
        self.push("vendor")
        queries = [ask.query_of(f"{label}arbor.pool.example") for label in ("", "0.", "1.", "2.", "3.")]
        found = self.attack(queries, ("", "0", "acorn", "0.apollo", "harbor"), streams=(False, True))
        self.assert_limited(found, "NOERROR", "REFUSED")
        self.assert_counts(arbor_asked=(found.total(), 0), arbor_limited=(found.total(), found["REFUSED"]))
        # All sources have the rate together: each of these would have so much at once, if it were its own.
        sources = {*rigs.CLIENT_OF.values(), rigs.CLIENT_IPV4} - {ATTACKER}
        self.assertIn("REFUSED", sum((flood(VENDOR_RATE, queries, source) for source in sources), collections.Counter()))

    def test_amplification(self):
        self.push("amplification")
        names = ("info.pool.example", "pool.example")
        queries = [ask.query_of(name, rdtype) for name in names for rdtype in ("ANY", "TXT")]
        found = self.attack(queries, ("", "0", "europe"))
        self.assertEqual(set(found), {"TC"})
        self.assert_counts(amplification=(found.total(), found.total()))
        for query in queries:
            self.assertEqual(len(ask.exchange(RIG, query.to_wire())), len(query.to_wire()))
            self.assertEqual(flood(1, [query], stream=True), {"NOERROR": 1})
        self.assertEqual(flood(1, [ask.query_of("info.pool.example", "MX")]), {"NOERROR": 1})

    def test_firmware(self):
        self.push("firmware")
        queries = [ask.query_of("ntp1.pool.example")]
        found = self.attack(queries, ("", "0", "1.asia", "harbor"), streams=(False, True))
        self.assert_limited(found, "NXDOMAIN", "nothing")
        self.assert_counts(own_prefixes=(0, 0), firmware=(found.total(), found["nothing"]))
        # Other names and types of the same source, the same of other countries, the operator's own in this one.
        others = [ask.query_of("ntp2.pool.example"), ask.query_of("ntp1.pool.example", "AAAA")]
        self.assertEqual(flood(FLOOD, others), {"NXDOMAIN": FLOOD})
        self.assertEqual(flood(FLOOD, queries, OTHER), {"NXDOMAIN": FLOOD})
        self.assertEqual(flood(FLOOD, queries, rigs.CLIENT_IPV4), {"NXDOMAIN": FLOOD})
        # A client subnet says where the client is, wherever its resolver.
        elsewhere = [ask.query_of("ntp1.pool.example", subnet=f"{SUBNET}/24")]
        self.assertIn("nothing", flood(FLOOD, queries))
        self.assertEqual(flood(FIRMWARE_RATE, elsewhere, OTHER), {"NXDOMAIN": FIRMWARE_RATE})
        self.assertIn("nothing", flood(FLOOD, elsewhere, OTHER))


if __name__ == "__main__":
    tap.main()
