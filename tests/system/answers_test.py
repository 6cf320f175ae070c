"""What clients see: a real daemon on a veth pair, asked by kdig and dnspython."""

import struct
import unittest

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

import ask
import fixture
import rig as rigs
import tap
from ask import query_of, rrset, scope

# Countries that the made-up database does not have, so that every prefix ends where its override ends.
OVERRIDES = (
    rigs.OVERRIDES
    + """
5.5.5.0/24     country=li
5.6.0.0/16     country=mc
5.8.0.0/15     country=sm
5.10.0.0/16    region=us-ca
5.11.0.0/16    country=us
5.12.64.0/18   country=va asn=64500
2a00:1::/32    country=mc
"""
)

RIG = None


def setUpModule():
    global RIG
    RIG = fixture.make_rig()
    RIG.start()
    image = RIG.compile_zone(fixture.RECORDS, output=RIG.room / "records.image")
    RIG.push(image, fixture.make_map(RIG, OVERRIDES))


def tearDownModule():
    RIG.close()


def asked(name, rdtype="A", **how):
    return ask.ask(RIG, f"{name}.records.example" if name else "records.example", rdtype, **how)


class Records(unittest.TestCase):
    CASES = (
        ("one", "A", 77, ["203.0.113.11"]),
        ("one", "AAAA", 77, ["2001:db8:11::11"]),
        ("", "A", 120, ["203.0.113.1"]),
        ("", "NS", 86400, ["ns1.records.example.", "ns2.records.example."]),
        ("", "MX", 120, ["10 mail.records.example."]),
        ("text", "TXT", 120, ['"plain"', '"with \\"quotes\\" and \\\\"']),
        ("service", "SRV", 120, ["1 2 123 mail.records.example."]),
        ("pointer", "PTR", 120, ["mail.records.example."]),
        ("sender", "SPF", 120, ['"v=spf1 -all"']),
        ("first", "CNAME", 120, ["second.records.example."]),
    )

    def test_every_type_by_dnspython(self):
        for name, rdtype, ttl, expected in self.CASES:
            for source in (rigs.CLIENT_IPV4, rigs.CLIENT_IPV6):
                with self.subTest(name=name, rdtype=rdtype, source=source):
                    reply = asked(name, rdtype, source=source)
                    self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
                    self.assertTrue(reply.flags & dns.flags.AA)
                    self.assertEqual(rrset(reply, rdtype), (ttl, expected))
                    self.assertEqual(reply.edns, -1)

    def test_every_type_by_kdig(self):
        for name, rdtype, _, expected in self.CASES:
            for source in (rigs.CLIENT_IPV4, rigs.CLIENT_IPV6):
                with self.subTest(name=name, rdtype=rdtype, source=source):
                    origin = f"{name}.records.example".lstrip(".")
                    text = ask.kdig(RIG, "+short", origin, "SPF" if rdtype == "SPF" else rdtype, source=source)
                    self.assertEqual(sorted(text.splitlines()), expected)

    def test_soa(self):
        ttl, (soa,) = rrset(asked("", "SOA"), "SOA")
        self.assertEqual(ttl, 1200)
        self.assertEqual(soa, "ns1.records.example. hostmaster.records.example. 7 5400 5400 1209600 3600")

    def test_long_text_is_split(self):
        _, (text,) = rrset(asked("long", "TXT"), "TXT")
        whole = "0123456789" * 30
        self.assertEqual(text, f'"{whole[:255]}" "{whole[255:]}"')

    def test_question_case_is_kept_and_names_compare_without_it(self):
        wire = query_of("OnE.rEcOrDs.eXaMpLe").to_wire()
        reply = ask.exchange(RIG, wire)
        self.assertEqual(reply[12 : len(wire)], wire[12:])
        self.assertEqual(rrset(dns.message.from_wire(reply), "A")[1], ["203.0.113.11"])

    def test_weights_are_kept(self):
        drawn = [rrset(asked("heavy"), "A")[1] for _ in range(50)]
        self.assertTrue(all(len(one) == 1 for one in drawn))
        # The light one comes with a chance of one in a million.
        self.assertEqual({one[0] for one in drawn}, {"203.0.113.101"})


class Chains(unittest.TestCase):
    def test_cname_is_followed_inside_the_zone(self):
        reply = asked("first")
        owners = [(str(found.name), dns.rdatatype.to_text(found.rdtype)) for found in reply.answer]
        expected = [("first", "CNAME"), ("second", "CNAME"), ("one", "A")]
        self.assertEqual(owners, [(f"{name}.records.example.", rdtype) for name, rdtype in expected])
        self.assertEqual(reply.rcode(), dns.rcode.NOERROR)

    def test_rcode_is_that_of_the_end(self):
        reply = asked("broken")
        self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)
        self.assertEqual(rrset(reply, "CNAME")[1], ["nobody.records.example."])
        self.assertEqual(len(rrset(reply, "SOA", reply.authority)[1]), 1)

    def test_nodata_at_the_end(self):
        reply = asked("first", "MX")
        self.assertEqual((reply.rcode(), len(reply.answer), len(reply.authority)), (dns.rcode.NOERROR, 2, 1))

    def test_outside_the_zone_ends_the_chain(self):
        reply = asked("abroad")
        self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
        self.assertEqual(rrset(reply, "CNAME")[1], ["elsewhere.example.net."])
        self.assertEqual(reply.authority, [])

    def test_a_loop_ends(self):
        self.assertIn(asked("round").rcode(), (dns.rcode.NOERROR, dns.rcode.SERVFAIL))


class Negatives(unittest.TestCase):
    def denial(self, reply):
        self.assertEqual(reply.answer, [])
        ttl, soa = rrset(reply, "SOA", reply.authority)
        self.assertEqual((ttl, len(soa)), (1200, 1))

    def test_nxdomain(self):
        for name in ("nobody", "under.one", "a.b.c.d"):
            with self.subTest(name):
                reply = asked(name)
                self.assertEqual(reply.rcode(), dns.rcode.NXDOMAIN)
                self.denial(reply)

    def test_nodata(self):
        for name, rdtype in (("one", "MX"), ("one", "TYPE65280"), ("deep.down", "A"), ("down", "TXT"), ("", "SRV")):
            with self.subTest(name=name, rdtype=rdtype):
                reply = asked(name, rdtype)
                self.assertEqual(reply.rcode(), dns.rcode.NOERROR)
                self.denial(reply)

    def test_refused(self):
        for name, rdtype, rdclass in (
            ("example.net", "A", "IN"),
            ("records.example.net", "A", "IN"),
            (".", "NS", "IN"),
            ("one.records.example", "A", "HS"),
            ("records.example", "AXFR", "IN"),
        ):
            with self.subTest(name=name, rdtype=rdtype, rdclass=rdclass):
                reply = ask.ask(RIG, name, rdtype, rdclass=rdclass)
                self.assertEqual(reply.rcode(), dns.rcode.REFUSED)
                self.assertEqual((reply.answer, reply.authority), ([], []))

    def test_kdig_says_so(self):
        self.assertIn("status: NXDOMAIN", ask.kdig(RIG, "nobody.records.example", "A"))
        self.assertIn("status: REFUSED", ask.kdig(RIG, "example.net", "A"))

    def test_any_is_one_rrset_or_hinfo(self):
        reply = asked("one", "ANY")
        self.assertEqual((reply.rcode(), len(reply.answer)), (dns.rcode.NOERROR, 1))

    def test_opcode_and_counts(self):
        notify = struct.pack("!HHHHHH", 77, 0x2000, 0, 0, 0, 0)
        reply = ask.exchange(RIG, notify)
        self.assertEqual(reply, struct.pack("!HHHHHH", 77, 0xA004, 0, 0, 0, 0))
        two = bytearray(query_of("one.records.example").to_wire())
        two[5] = 2
        self.assertEqual(ask.exchange(RIG, bytes(two))[3] & 15, dns.rcode.FORMERR)


class Edns(unittest.TestCase):
    def test_an_opt_for_an_opt(self):
        reply = asked("one", edns=True)
        self.assertEqual((reply.edns, reply.payload, reply.options), (0, 1232, ()))

    def test_do_is_copied(self):
        self.assertTrue(asked("one", dnssec=True).ednsflags & dns.flags.DO)
        self.assertFalse(asked("one", edns=True).ednsflags & dns.flags.DO)

    def test_unknown_options_are_not_echoed(self):
        reply = asked("one", options=[dns.edns.GenericOption(65001, b"hello")])
        self.assertEqual((reply.edns, reply.options, rrset(reply, "A")[1]), (0, (), ["203.0.113.11"]))

    def test_badvers(self):
        query = query_of("one.records.example", edns=True)
        query.ednsflags |= 1 << 16
        reply = dns.message.from_wire(ask.exchange(RIG, query.to_wire()))
        self.assertEqual((reply.rcode(), reply.edns, reply.answer), (dns.rcode.BADVERS, 0, []))

    def test_size_decides_truncation(self):
        cases = (
            ("many", "A", {}, True),
            ("many", "A", {"edns": True, "size": 512}, True),
            ("many", "A", {"edns": True, "size": 100}, True),
            ("many", "A", {"edns": True, "size": 1232}, False),
            ("many", "A", {"edns": True, "size": 65535}, False),
            ("huge", "TXT", {"edns": True, "size": 65535}, True),
        )
        for name, rdtype, how, truncated in cases:
            with self.subTest(name=name, how=how):
                reply = asked(name, rdtype, **how)
                self.assertEqual(bool(reply.flags & dns.flags.TC), truncated)
                self.assertEqual(len(rrset(reply, rdtype)[1]), 0 if truncated else 32)
                self.assertEqual(reply.edns >= 0, "edns" in how)
                self.assertEqual(len(reply.question), 1)


class Places(unittest.TestCase):
    # client subnet -> text of `where`, scope
    CASES = (
        ("5.6.7.0/24", "country mc", 16),
        ("5.6.0.0/16", "country mc", 16),
        ("5.5.5.0/24", "europe", 24),
        ("5.5.5.77/32", "europe", 24),
        ("5.9.1.0/24", "europe", 15),
        ("5.10.1.0/24", "region us-ca", 16),
        ("5.11.1.0/24", "country us", 16),
        ("5.12.65.0/24", "network as64500", 18),
        ("2a00:1:2::/56", "country mc", 32),
    )

    def test_client_subnet_decides(self):
        for subnet, text, length in self.CASES:
            for name in ("where", "also"):
                with self.subTest(name=name, subnet=subnet):
                    reply = asked(name, "TXT", subnet=subnet)
                    self.assertEqual(rrset(reply, "TXT")[1], [f'"{text}"'])
                    self.assertEqual(scope(reply), (int(subnet.split("/")[1]), length))

    def test_client_subnet_by_kdig(self):
        text = ask.kdig(RIG, "+subnet=5.6.7.0/24", "where.records.example", "TXT")
        self.assertRegex(text, r"CLIENT-SUBNET: 5\.6\.7\.0/24/16")
        self.assertIn('"country mc"', text)

    def test_the_source_decides_without(self):
        for source, text in (
            (rigs.CLIENT_OF["us"], "country us"),
            (rigs.CLIENT6_OF["us"], "country us"),
            (rigs.CLIENT_OF["de"], "europe"),
            (rigs.CLIENT_OF["jp"], "everybody"),
        ):
            with self.subTest(source):
                reply = asked("where", "TXT", source=source)
                self.assertEqual(rrset(reply, "TXT")[1], [f'"{text}"'])
                self.assertIsNone(scope(reply))

    def test_unusable_subnets_leave_it_to_the_source(self):
        for subnet in ("0", "10.53.3.0/24", "192.168.0.0/16", "127.0.0.1/32"):
            with self.subTest(subnet):
                reply = asked("where", "TXT", source=rigs.CLIENT_OF["us"], subnet=subnet)
                self.assertEqual(rrset(reply, "TXT")[1], ['"country us"'])
                self.assertEqual(scope(reply)[1], 0)

    def test_same_for_everyone_has_scope_0(self):
        self.assertEqual(scope(asked("one", subnet="5.6.7.0/24")), (24, 0))
        self.assertEqual(scope(asked("nobody", subnet="5.6.7.0/24")), (24, 0))

    def test_malformed_subnets(self):
        good = dns.edns.ECSOption("5.6.7.0", 24).to_wire()
        for what, data in (
            ("bits beyond the length", b"\0\1\x17\0\5\6\7"),
            ("too long", good + b"\0"),
            ("too short", good[:-1]),
            ("family 9", b"\0\x09" + good[2:]),
            ("a scope", good[:3] + b"\x10" + good[4:]),
        ):
            with self.subTest(what):
                reply = asked("where", "TXT", options=[dns.edns.GenericOption(8, data)])
                self.assertEqual((reply.rcode(), reply.edns), (dns.rcode.FORMERR, 0))

    def test_names_that_exist_only_somewhere(self):
        reply = asked("only", subnet="5.6.7.0/24")
        self.assertEqual((rrset(reply, "A")[1], scope(reply)[1]), (["203.0.113.14"], 16))
        reply = asked("only", subnet="5.5.5.0/24")
        self.assertEqual((reply.rcode(), reply.answer, scope(reply)[1]), (dns.rcode.NOERROR, [], 24))

    def test_apex_targets(self):
        self.assertEqual(rrset(asked("", "TXT", subnet="5.6.7.0/24"), "TXT")[1], ['"apex of Monaco"'])
        self.assertEqual(rrset(asked("", "TXT", subnet="5.5.5.0/24"), "TXT")[1], ['"apex of everybody"'])

    def test_targeted_labels_are_names_too(self):
        self.assertEqual(rrset(asked("where.us-ca", "TXT"), "TXT")[1], ['"region us-ca"'])


class Counters(unittest.TestCase):
    def grown(self, before):
        after = RIG.counters()
        # Both kernels look for each other and announce their multicast groups now and then.
        after["rx_frames"] -= after["punted"] - before["punted"]
        after["punted"], after["kernel_tx"] = before["punted"], before["kernel_tx"]
        return {name: value - before[name] for name, value in after.items() if value != before[name]}

    def test_the_device_says_what_it_missed(self):
        ask.ask(RIG, "one.records.example")
        (port,) = RIG.status()["ports"]
        self.assertEqual((port["device"], port["missed"]), (f"net_{RIG.device}0", 0))
        self.assertGreater(port["received"], 0)
        self.assertGreater(port["sent"], 0)

    def test_workers_sum_up_to_the_totals(self):
        status = RIG.status()
        sums = {name: sum(w["counters"][name] for w in status["workers"]) for name in status["counters"]}
        self.assertEqual(sums, status["counters"])

    def test_each_query_counts_as_what_it_was(self):
        noerror = {"rx_frames": 1, "dns_answered": 1, "rcode_noerror": 1}
        edns = {"dns_edns": 1}
        cases = (
            ("one", "A", {}, noerror),
            ("one", "MX", {}, noerror | {"dns_nodata": 1}),
            ("nobody", "A", {}, {"rx_frames": 1, "dns_answered": 1, "rcode_nxdomain": 1}),
            ("one", "A", {"edns": True}, noerror | edns),
            ("where", "TXT", {"subnet": "5.6.7.0/24"}, noerror | edns | {"dns_ecs": 1}),
            ("many", "A", {}, noerror | {"dns_truncated": 1}),
        )
        for name, rdtype, how, expected in cases:
            with self.subTest(name=name, rdtype=rdtype, how=how):
                before = RIG.counters()
                asked(name, rdtype, **how)
                self.assertEqual(self.grown(before), expected)

    def test_what_is_no_query_is_dropped_by_name(self):
        response = query_of("one.records.example")
        response.flags |= dns.flags.QR
        for wire, reason in ((response.to_wire(), "drop_dns_response"), (b"\1\2\3", "drop_dns_short")):
            with self.subTest(reason):
                before = RIG.counters()
                self.assertIsNone(ask.exchange_before(RIG, wire, query_of("one.records.example")))
                self.assertEqual(self.grown(before), {"rx_frames": 2, "dns_answered": 1, "rcode_noerror": 1, reason: 1})


class Z_AfterAllOthers(unittest.TestCase):
    """Classes run in the order of their names."""

    def test_every_frame_was_counted_once(self):
        count = fixture.settled_counters(RIG)
        print(f"# {count}", flush=True)
        drops = sum(value for name, value in count.items() if name.startswith("drop_"))
        rcodes = {name: value for name, value in count.items() if name.startswith("rcode_")}
        received = count["rx_frames"] + count["tcp_queries"] + count["kernel_udp_queries"]
        self.assertEqual(received, count["dns_answered"] + count["punted"] + drops)
        self.assertEqual(count["dns_answered"], sum(rcodes.values()))
        self.assertEqual(count["tx_refused"], 0)
        self.assertGreater(count["dns_answered"], 150)
        self.assertGreater(count["punted"], 0)
        self.assertGreaterEqual(drops, 2)
        for name in ("rcode_noerror", "rcode_nxdomain", "rcode_refused", "rcode_formerr", "rcode_badvers"):
            self.assertGreater(rcodes[name], 0, name)


if __name__ == "__main__":
    tap.main()
