"""What people ask with: dig, kdig, drill, delv, dnspython and dnsperf all understand the POP, and get the same."""

import itertools
import re
import unittest
from typing import NamedTuple

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode

import ask
import fixture
import rig as rigs
import tap

ZONE = fixture.HERE / "zones" / "clients.example.json"
SUBNET = "198.51.100.0/24"
CLIENT_COOKIE = "2464c4abcf10c957"
SERVERS = {"IPv4": rigs.POP_IPV4, "IPv6": rigs.POP_IPV6}

RIG = None


def setUpModule():
    global RIG
    RIG = fixture.make_rig()
    RIG.start()
    zone = RIG.compile_zone(ZONE, output=RIG.room / "clients.image")
    RIG.push(zone, fixture.make_map(RIG, rigs.OVERRIDES + f"{SUBNET} country=us\n"))


def tearDownModule():
    RIG.close()


class Question(NamedTuple):
    name: str
    rdtype: str
    answer: tuple = ()
    rcode: str = "NOERROR"
    authority: tuple = ()
    authoritative: bool = True
    rdclass: str = "IN"

    def __str__(self):
        return f"{self.name} {self.rdclass} {self.rdtype}"


SOA = ("SOA ns1.clients.example. hostmaster.clients.example. 3 5400 5400 1209600 3600",)
QUESTIONS = [
    Question("one.clients.example", "A", ("A 203.0.113.11",)),
    Question("ONE.Clients.Example", "AAAA", ("AAAA 2001:db8:11::11",)),
    Question("four.clients.example", "A", tuple(f"A 203.0.113.{last}" for last in (1, 2, 3, 4))),
    Question("clients.example", "NS", ("NS ns.example.net.", "NS ns1.clients.example.")),
    Question("clients.example", "MX", ("MX 10 mail.clients.example.",)),
    Question("clients.example", "SOA", SOA),
    Question("text.clients.example", "TXT", (r'TXT "with \"quotes\""',)),
    Question("service.clients.example", "SRV", ("SRV 1 2 123 mail.clients.example.",)),
    Question("pointer.clients.example", "PTR", ("PTR mail.clients.example.",)),
    Question(
        "first.clients.example", "A", ("A 203.0.113.11", "CNAME one.clients.example.", "CNAME second.clients.example.")
    ),
    Question("any.wild.clients.example", "A", ("A 203.0.113.50",)),
    Question("one.clients.example", "ANY", ('HINFO "RFC8482" ""',)),
    Question("nobody.clients.example", "A", rcode="NXDOMAIN", authority=SOA),
    Question("one.clients.example", "MX", authority=SOA),
    Question("down.clients.example", "A", authority=SOA),
    Question("www.child.clients.example", "A", authority=("NS ns1.child.clients.example.",), authoritative=False),
    Question("example.net", "A", rcode="REFUSED", authoritative=False),
    Question("id.server", "TXT", ('TXT "rig"',), rdclass="CH"),
    Question("hostname.bind", "TXT", ('TXT "rig"',), rdclass="CH"),
    Question("version.bind", "TXT", rcode="REFUSED", authoritative=False, rdclass="CH"),
]
HUGE = Question("huge.clients.example", "TXT", tuple(f'TXT "{str(digit) * 252}"' for digit in range(1, 7)))


class Reply(NamedTuple):
    """What a client understood."""

    rcode: str
    answer: tuple
    authority: tuple
    authoritative: bool


def expected(question):
    return Reply(question.rcode, tuple(sorted(question.answer)), question.authority, question.authoritative)


def section(text, title):
    """Type and data of the records that a tool of dig's kind prints."""
    _, _, rest = text.partition(f";; {title} SECTION:\n")
    lines = itertools.takewhile(bool, rest.splitlines())
    return tuple(sorted(" ".join(re.split(r"\s+", line, maxsplit=4)[3:]) for line in lines))


def parse(text):
    """dig, kdig and drill differ in little."""
    rcode = re.search(r"(?:status|rcode): (\w+)", text)
    flags = re.search(r"^;; [Ff]lags: ([a-z ]*)", text, re.MULTILINE)
    if not rcode or not flags:
        raise AssertionError(f"no reply in:\n{text}")
    return Reply(rcode[1], section(text, "ANSWER"), section(text, "AUTHORITY"), "aa" in flags[1].split())


def dig(server, question, *options):
    words = ("+tries=1", "+timeout=3", "+norecurse", question.name, question.rdtype, question.rdclass)
    return RIG.as_client("dig", "-r", f"@{server}", *options, *words).stdout


def kdig(server, question, *options):
    words = ("+retry=0", "+timeout=3", "+norec", question.name, question.rdtype, question.rdclass)
    return RIG.as_client("kdig", f"@{server}", *options, *words).stdout


def drill(server, question, *options):
    return RIG.as_client(
        "drill", "-o", "rd", *options, question.name, f"@{server}", question.rdtype, question.rdclass
    ).stdout


TOOLS = [
    ("dig without EDNS", dig, ("+noedns",)),
    ("dig with EDNS", dig, ("+edns=0", "+nocookie")),
    ("dig as it comes", dig, ()),
    ("dig by TCP", dig, ("+tcp",)),
    ("dig with everything", dig, ("+dnssec", f"+subnet={SUBNET}", f"+cookie={CLIENT_COOKIE}", "+nsid")),
    ("kdig without EDNS", kdig, ("+noedns",)),
    ("kdig with EDNS", kdig, ("+edns=0",)),
    ("kdig by TCP", kdig, ("+tcp",)),
    ("kdig with everything", kdig, ("+dnssec", f"+subnet={SUBNET}", f"+cookie={CLIENT_COOKIE}", "+nsid")),
    ("drill", drill, ()),
    ("drill with EDNS", drill, ("-b", "1232")),
    ("drill by TCP", drill, ("-t",)),
]


class Tools(unittest.TestCase):
    def test_questions(self):
        for family, server in SERVERS.items():
            for client, tool, options in TOOLS:
                for question in QUESTIONS:
                    with self.subTest(f"{client}, {family}, {question}"):
                        self.assertEqual(parse(tool(server, question, *options)), expected(question))

    def test_a_truncated_answer_leads_to_tcp(self):
        for family, server in SERVERS.items():
            for client, tool, options in TOOLS:
                with self.subTest(f"{client}, {family}"):
                    fallback = ("-a",) if tool is drill else ()  # it tries a larger EDNS size before
                    before = RIG.counters()
                    self.assertEqual(parse(tool(server, HUGE, *options, *fallback)), expected(HUGE))
                    after = RIG.counters()
                    self.assertEqual(after["tcp_queries"] - before["tcp_queries"], 1)
                    self.assertEqual(after["dns_truncated"] == before["dns_truncated"], "TCP" in client)

    def test_client_subnet(self):
        near = Question("near.clients.example", "A", ("A 203.0.113.21",))
        for family, server in SERVERS.items():
            for tool, line in ((dig, f"CLIENT-SUBNET: {SUBNET}/24"), (kdig, f"{SUBNET}/24")):
                with self.subTest(f"{tool.__name__}, {family}"):
                    text = tool(server, near, f"+subnet={SUBNET}")
                    self.assertEqual(parse(text), expected(near))
                    self.assertIn(line, text)
        here = near._replace(answer=("A 203.0.113.20",))
        text = dig(rigs.POP_IPV4, here, "+subnet=0")
        self.assertEqual(parse(text), expected(here))
        self.assertIn("CLIENT-SUBNET: 0.0.0.0/0/0", text)

    def test_cookies(self):
        one = QUESTIONS[0]
        text = dig(rigs.POP_IPV4, one, f"+cookie={CLIENT_COOKIE}")
        self.assertRegex(text, rf"COOKIE: {CLIENT_COOKIE}[0-9a-f]{{32}} \(good\)")
        cookie = re.search(rf"{CLIENT_COOKIE}[0-9a-f]{{32}}", text)[0]
        before = RIG.counters()["cookie_good"]
        for tool in (dig, kdig):
            with self.subTest(tool.__name__):
                self.assertIn(cookie[16:], tool(rigs.POP_IPV4, one, f"+cookie={cookie}").lower().replace(" ", ""))
        self.assertEqual(RIG.counters()["cookie_good"], before + 2)

    def test_nsid(self):
        for family, server in SERVERS.items():
            for tool in (dig, kdig):
                with self.subTest(f"{tool.__name__}, {family}"):
                    self.assertRegex(tool(server, QUESTIONS[0], "+nsid"), r'NSID: .*"rig"')


class Delv(unittest.TestCase):
    """It asks as a validating resolver does, here without anything to validate."""

    def delv(self, server, question, *options):
        words = ("-i", "+noroot", question.name, question.rdtype, question.rdclass)
        return RIG.as_client("delv", f"@{server}", *options, *words, check=False).stdout

    def test_questions(self):
        for family, server in SERVERS.items():
            for options in ((), ("+tcp",)):
                for question in [*QUESTIONS[:11], HUGE]:
                    with self.subTest(f"{family}, {question}, {options}"):
                        lines = self.delv(server, question, *options).splitlines()
                        records = [re.split(r"\s+", line, maxsplit=4)[3:] for line in lines if line[:1] not in ";"]
                        self.assertEqual(sorted(" ".join(record) for record in records), sorted(question.answer))

    def test_denials(self):
        for family, server in SERVERS.items():
            for name, rdtype, why in (("nobody", "A", "ncache nxdomain"), ("one", "MX", "ncache nxrrset")):
                with self.subTest(f"{family}, {why}"):
                    text = RIG.as_client(
                        *("delv", f"@{server}", "-i", "+noroot", f"{name}.clients.example", rdtype), check=False
                    )
                    self.assertIn(why, text.stdout + text.stderr)


class Dnspython(unittest.TestCase):
    def ask(self, server, query, by_tcp):
        with rigs.inside(RIG.client):
            return (dns.query.tcp if by_tcp else dns.query.udp)(query, server, timeout=ask.ANSWER_SECONDS)

    @staticmethod
    def understood(message):
        def texts(records):
            pairs = [(dns.rdatatype.to_text(r.rdtype), rdata.to_text()) for r in records for rdata in r]
            return tuple(sorted(f"{rdtype} {text}" for rdtype, text in pairs))

        authoritative = bool(message.flags & dns.flags.AA)
        return Reply(
            dns.rcode.to_text(message.rcode()), texts(message.answer), texts(message.authority), authoritative
        )

    def test_questions(self):
        options = [
            dns.edns.ECSOption("198.51.100.0", 24),
            dns.edns.GenericOption(10, bytes.fromhex(CLIENT_COOKIE)),
            dns.edns.GenericOption(dns.edns.NSID, b""),
        ]
        ways = [("plain", {}), ("EDNS", {"edns": True}), ("everything", {"options": options, "dnssec": True})]
        for family, server in SERVERS.items():
            for by_tcp in (False, True):
                for way, how in ways:
                    for question in QUESTIONS:
                        with self.subTest(f"{family}, {way}, {'TCP' if by_tcp else 'UDP'}, {question}"):
                            query = ask.query_of(question.name, question.rdtype, question.rdclass, **how)
                            query.flags &= ~dns.flags.RD
                            reply = self.ask(server, query, by_tcp)
                            self.assertEqual(self.understood(reply), expected(question))
                            self.assertEqual(reply.edns, 0 if how else -1)

    def test_a_truncated_answer_leads_to_tcp(self):
        for family, server in SERVERS.items():
            with self.subTest(family):
                query = ask.query_of(HUGE.name, HUGE.rdtype, edns=True)
                query.flags &= ~dns.flags.RD
                with rigs.inside(RIG.client):
                    reply, by_tcp = dns.query.udp_with_fallback(query, server, timeout=ask.ANSWER_SECONDS)
                self.assertTrue(by_tcp)
                self.assertEqual(self.understood(reply), expected(HUGE))


class Dnsperf(unittest.TestCase):
    def test_codes(self):
        asked = [question for question in QUESTIONS if question.rdclass == "IN"]
        data = RIG.room / "questions.txt"
        data.write_text("".join(f"{question.name} {question.rdtype}\n" for question in asked))
        for family, server in SERVERS.items():
            for options in ((), ("-e",), ("-m", "tcp")):
                with self.subTest(f"{family}, {options}"):
                    text = RIG.as_client("dnsperf", "-s", server, "-d", data, "-n", "10", *options).stdout
                    self.assertRegex(text, rf"Queries completed: +{10 * len(asked)} \(100")
                    codes = dict(re.findall(r"([A-Z]+) (\d+) \(", re.search(r"Response codes:(.*)", text)[1]))
                    due = {}
                    for question in asked:
                        due[question.rcode] = due.get(question.rcode, 0) + 10
                    self.assertEqual({code: int(count) for code, count in codes.items()}, due)


if __name__ == "__main__":
    tap.main()
