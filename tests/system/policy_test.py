"""Query policy: pushed as text, kept over a restart, refused without a trace, obeyed over UDP and TCP, swapped under load."""

import hashlib
import json
import os
import re
import signal
import socket
import struct
import unittest

import dns.flags
import dns.message
import dns.rcode

import ask
import fixture
import pool
import rig as rigs
import tap
from load import Load, Question

PUSHES = int(os.environ.get("PUSHES", "20"))
RATE = int(os.environ.get("RATE", "2000"))
RULES = 1000
NAMES = ("", "0", "2", "europe", "1.asia")
HIT, MISS = "0.pool.example", "nothere.pool.example"

RIG = ZONE = IMAGE = None


def setUpModule():
    global RIG, ZONE, IMAGE
    RIG = fixture.make_rig()
    zone, IMAGE = fixture.make_pool(RIG, 1, "198.18.0.0")
    ZONE = pool.Pool(zone)
    fixture.make_map(RIG)
    RIG.start()
    RIG.push(IMAGE, RIG.room / "geo.map")


def tearDownModule():
    RIG.close()


def rule(name, action, **keys):
    lines = {"name": name, "action": action, **keys}
    return "[[rule]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())


def push(*rules, zone=None, check=True, options=()):
    file = RIG.room / "policy.toml"
    file.write_text("".join(rules))
    return RIG.push(zone, check=check, options=("--policy", file, *options))


def running():
    """What the POP says it runs, without times and counts."""
    status = RIG.status()
    tables = [(table["kind"], table["digest"]) for table in status["tables"]]
    return status["generation"], tables, [(each["name"], each["action"]) for each in status["policy"]]


def counts():
    """(matched, decided) by the rule's name."""
    return {each["name"]: (each["matched"], each["decided"]) for each in RIG.status()["policy"]}


def over_udp(name, source=rigs.CLIENT_IPV4):
    """The reply, or None: a query behind it, that no rule is about, is answered either way."""
    reply = ask.exchange_before(RIG, ask.query_of(name).to_wire(), ask.query_of(HIT, "SOA"), source)
    return reply and dns.message.from_wire(reply)


def over_tcp(name, source=rigs.CLIENT_IPV4):
    """The same."""
    first, last = ask.query_of(name), ask.query_of(HIT, "SOA")
    with RIG.client_socket(source, stream=True) as opened:
        opened.settimeout(ask.ANSWER_SECONDS)
        for query in (first, last):
            wire = query.to_wire()
            opened.sendall(struct.pack("!H", len(wire)) + wire)
        opened.shutdown(socket.SHUT_WR)
        with opened.makefile("rb") as stream:
            replies = []
            while size := stream.read(2):
                replies.append(dns.message.from_wire(stream.read(struct.unpack("!H", size)[0])))
    assert last.is_response(replies[-1]), replies
    assert len(replies) == 1 or first.is_response(replies[0]), replies
    return replies[0] if len(replies) > 1 else None


TRANSPORTS = (over_udp, over_tcp)


class A_Travels(unittest.TestCase):
    TEXT = "# ours\n" + rule("hex", "limit 10/s per source", pattern=r"^[0-9a-f]{12,}\.", beyond="refuse") + rule("rest", "tag t")
    SHOWN = [("hex", "limit 10/s per source, beyond: refuse"), ("rest", "tag t")]

    def assert_runs(self):
        _, tables, rules = running()
        self.assertEqual(rules, self.SHOWN)
        self.assertIn(("policy", hashlib.sha256(self.TEXT.encode()).hexdigest()), tables)
        self.assertEqual(len(tables), 3)
        self.assertEqual(ask.ask(RIG, HIT).rcode(), dns.rcode.NOERROR)

    def test_1_none_at_first(self):
        self.assertEqual((running()[2], len(running()[1])), ([], 2))

    def test_2_pushed_and_shown(self):
        push(self.TEXT)
        self.assert_runs()
        text = rigs.run(RIG.anytick, "pop", "status", "--pop", RIG.control).stdout
        self.assertRegex(text, r"(?m)^  policy loaded .* bytes, digest ")
        self.assertRegex(text, r"(?m)^policy:\n  hex +0 matched, +0 decided: limit 10/s per source, beyond: refuse\n  rest ")
        self.assertEqual((RIG.state / "policy.toml").read_text(), self.TEXT)

    # What is wrong, what the command says of the file, what the POP says of it.
    WRONG = (
        ("no TOML", "rule = [\n", r"policy\.toml at line \d+, column \d+: ", r"refused: policy at line \d+"),
        ("a word of its own", rule("a", "reject"), r"policy\.toml at line 3, column \d+: ", r"refused: policy at line 3"),
        ("two faults", rule("a", "reject") + rule("b", "drip"), r"line 3.*\n.*line 6", r"line 3.*\(and 1 more fault"),
        ("a pattern that is none", rule("a", "drop", pattern="(x"), None, r"refused: policy at line 1"),
        ("not UTF-8", b"# \xff\n", r"policy\.toml at line 1", r"refused: policy at line 1"),
        ("five thousand rules", "".join(rule(f"r{n}", "drop") for n in range(5000)), r"policy\.toml", r"refused: policy"),
        ("two megabytes", "#" * (2 << 20), r"policy\.toml", r"refused: policy: 2097152 bytes are more than"),
    )

    def test_3_a_wrong_one_changes_nothing(self):
        before = running()
        file = RIG.room / "wrong" / "policy.toml"
        file.parent.mkdir()
        for what, text, said, refused in self.WRONG:
            with self.subTest(what):
                file.write_bytes(text if isinstance(text, bytes) else text.encode())
                for options, reason in ((), said), (("--no-check",), refused):
                    done = RIG.push(check=False, options=("--policy", file, *options))
                    self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                    self.assertRegex(done.stderr, reason or refused)
                self.assertEqual(running(), before)
        self.assert_runs()

    def test_4_all_of_a_push_or_none(self):
        before = running()
        wrong = RIG.room / "wrong.image"
        wrong.write_bytes(IMAGE.read_bytes()[:-8])
        self.assertEqual(push(rule("other", "drop"), zone=wrong, check=False, options=("--no-check",)).returncode, 1)
        self.assertEqual(push(rule("a", "drop", pattern="(x"), zone=IMAGE, check=False).returncode, 1)
        self.assertEqual(running(), before)

    def test_5_a_restart_goes_on_with_it(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            RIG.daemon.send_signal(how)
            RIG.daemon.wait()
            RIG.stop()
            RIG.start()
            self.assert_runs()

    def test_6_a_damaged_one_is_left_out_and_named(self):
        RIG.stop()
        (RIG.state / "policy.toml").write_text(self.TEXT[:-5])
        logged = len(RIG.log_text())
        RIG.start()
        self.assertRegex(RIG.log_text()[logged:], r"the stored policy is left out: policy at line \d+")
        self.assertEqual((running()[2], len(running()[1])), ([], 2))
        self.assertEqual(ask.ask(RIG, HIT).rcode(), dns.rcode.NOERROR)
        push(self.TEXT)
        self.assert_runs()

    def test_7_one_without_rules_takes_it_away(self):
        push("# nothing\n")
        self.assertEqual(running()[2], [])
        self.assertEqual(over_udp(MISS).rcode(), dns.rcode.NXDOMAIN)


class B_Actions(unittest.TestCase):
    def tearDown(self):
        push("")

    def assert_untouched(self, name=HIT, rcode=dns.rcode.NOERROR):
        for transport in TRANSPORTS:
            self.assertEqual(transport(name).rcode(), rcode)

    def test_drop(self):
        push(rule("gone", "drop", pattern="^nothere"))
        before = RIG.counters()["drop_policy"]
        for transport in TRANSPORTS:
            self.assertIsNone(transport(MISS))
        self.assertEqual(counts(), {"gone": (2, 2)})
        self.assertEqual(RIG.counters()["drop_policy"], before + 2)
        self.assert_untouched()
        self.assert_untouched("also.pool.example", dns.rcode.NXDOMAIN)

    def test_refuse(self):
        push(rule("no", "refuse", pattern="^nothere"))
        self.assert_untouched(MISS, dns.rcode.REFUSED)
        self.assertEqual(counts(), {"no": (2, 2)})
        self.assert_untouched()

    def test_truncate_over_udp_only(self):
        push(rule("come-back", "truncate", on="all", qtypes=["A"]))
        reply = over_udp(HIT)
        self.assertTrue(reply.flags & dns.flags.TC)
        self.assertEqual((reply.rcode(), reply.answer, reply.authority), (dns.rcode.NOERROR, [], []))
        reply = over_tcp(HIT)
        self.assertFalse(reply.flags & dns.flags.TC)
        self.assertTrue(reply.answer)

    def test_limit(self):
        for name, action in ("all", "limit 1/s"), ("each", "limit 1/s per source"):
            with self.subTest(action):
                push(rule(name, action, beyond="refuse"))
                codes = [over_udp(MISS).rcode() for _ in range(50)]
                self.assertEqual(codes[0], dns.rcode.NXDOMAIN)
                refused = codes.count(dns.rcode.REFUSED)
                self.assertEqual(codes.count(dns.rcode.NXDOMAIN) + refused, 50)
                self.assertGreater(refused, 0)
                self.assertEqual(counts(), {name: (50, refused)})
                self.assert_untouched()

    def test_tag_only_counts(self):
        push(rule("seen", "tag looks-odd"))
        self.assert_untouched(MISS, dns.rcode.NXDOMAIN)
        self.assert_untouched()
        self.assertEqual(counts(), {"seen": (2, 0)})

    def test_allow_before_a_broader_drop(self):
        push(rule("known", "allow", pattern="^nothere"), rule("rest", "drop"))
        self.assert_untouched(MISS, dns.rcode.NXDOMAIN)
        self.assert_untouched()
        for transport in TRANSPORTS:
            self.assertIsNone(transport("also.pool.example"))
        self.assertEqual(counts(), {"known": (2, 2), "rest": (2, 2)})

    def test_who_asks(self):
        us, de = (rigs.CLIENT_OF[country] for country in ("us", "de"))
        push(rule("there", "refuse", countries=["us"]), rule("they", "refuse", clients=[f"{de}/32"]))
        for transport in TRANSPORTS:
            asked = [transport(MISS, source).rcode() for source in (us, de, rigs.CLIENT_OF["jp"])]
            self.assertEqual(asked, [dns.rcode.REFUSED, dns.rcode.REFUSED, dns.rcode.NXDOMAIN])

    def test_counts_go_on_in_the_rule_of_the_same_name(self):
        push(rule("a", "tag t"), rule("b", "refuse"))
        over_udp(MISS)
        push(rule("b", "refuse"), rule("c", "drop"))
        over_udp(MISS)
        self.assertEqual(counts(), {"b": (2, 2), "c": (0, 0)})


class C_UnderLoad(unittest.TestCase):
    def beside_load(self, work):
        """What a load of queries, of which no rule decides any, saw while work() went on."""
        questions = [
            Question(f"{name}.pool.example".lstrip("."), rigs.CLIENT_OF[country], [ZONE.servers(name, country)])
            for country in rigs.COUNTRIES
            for name in NAMES
        ]
        load = Load(RIG, RATE, questions)
        load.start()
        try:
            work()
        finally:
            report = load.stop()
        self.assertEqual((report.lost, report.unasked), (0, 0), str(report))
        self.assertEqual(report.wrong[:5], [], str(report))
        return report

    def test_swaps_lose_nothing_and_count_everything(self):
        every = rule("every", "tag all", on="all")
        both = every, every + rule("hex", "drop", pattern="^[0-9a-f]{12,}[.]")
        push(both[0])

        def swaps():
            for number in range(1, PUSHES + 1):
                push(both[number % 2])

        report = self.beside_load(swaps)
        print(f"# {PUSHES} policies: {report}", flush=True)
        self.assertEqual(counts()["every"], (report.sent, 0))

    def test_many_rules(self):
        rules = [rule(f"r{n}", "drop", pattern=rf"^[0-9a-f]{{8,}}\.z{n}\.pool\.example$") for n in range(RULES)]
        said = []
        report = self.beside_load(lambda: said.append(push(*rules).stdout))
        applied = re.search(r"applied in ([0-9.]+) ms", said[0])
        print(f"# {RULES} rules: applied in {applied[1]} ms; {report}", flush=True)
        self.assertEqual(len(counts()), RULES)
        self.assertIsNone(over_udp("0123456789abcdef.z7.pool.example"))
        self.assertEqual(counts()["r7"], (1, 1))


if __name__ == "__main__":
    tap.main()
