"""Cookie secrets: a client keeps its cookie while all POPs of an address come to use another secret, over UDP and TCP."""

import socket
import struct
import unittest

import dns.edns
import dns.message

import ask
import fixture
import rig as rigs
import tap

CLIENT_COOKIE = bytes.fromhex("2464c4abcf10c957")
COOKIE = 10  # option code (RFC 7873)
NSID = "pop-of-a-rig"

RIG = None


def setUpModule():
    global RIG
    RIG = fixture.make_rig()
    RIG.sections = f'[identity]\nnsid = "{NSID}"\n'
    RIG.start()
    RIG.push(RIG.compile_zone(fixture.RECORDS, output=RIG.room / "records.image"), fixture.make_map(RIG))
    rigs.run(RIG.anytick, "secret", "generate", "-o", secrets())


def tearDownModule():
    RIG.close()


def secrets():
    return RIG.room / "cookies.toml"


def push_secrets(check=True):
    return rigs.run(RIG.anytick, "pop", "push", "--secrets", secrets(), "--pop", RIG.control, check=check)


def rotate():
    rigs.run(RIG.anytick, "secret", "rotate", secrets())
    push_secrets()


def over_tcp(wire):
    with RIG.client_socket(rigs.CLIENT_IPV4, stream=True) as opened:
        opened.settimeout(ask.ANSWER_SECONDS)
        opened.sendall(struct.pack("!H", len(wire)) + wire)
        opened.shutdown(socket.SHUT_WR)
        with opened.makefile("rb") as stream:
            return stream.read()[2:]


def cookie_for(server=b"", stream=False):
    """The server's cookie in the answer to a query with this one, and which counters of cookies moved."""
    before = RIG.counters()
    options = [dns.edns.GenericOption(COOKIE, CLIENT_COOKIE + server)]
    query = ask.query_of("one.records.example", options=options)
    reply = over_tcp(query.to_wire()) if stream else ask.exchange(RIG, query.to_wire())
    message = dns.message.from_wire(reply)
    assert query.is_response(message) and message.answer, message
    data = next(option.to_wire() for option in message.options if option.otype == COOKIE)
    assert data[:8] == CLIENT_COOKIE, data.hex()
    after = RIG.counters()
    moved = {name for name, value in after.items() if name.startswith("cookie_") and value != before[name]}
    return data[8:], moved


class Cookies(unittest.TestCase):
    def test_1_a_pop_without_secrets_has_one_of_its_own(self):
        cookie, moved = cookie_for()
        self.assertEqual((len(cookie), moved), (16, {"cookie_client_only"}))
        self.assertEqual(cookie_for(cookie), (cookie, {"cookie_good"}))

    def test_2_rotation(self):
        push_secrets()
        first, _ = cookie_for()
        self.assertEqual(cookie_for(first), (first, {"cookie_good"}))
        self.assertEqual(cookie_for(first, stream=True), (first, {"cookie_good"}))
        rotate()  # a new secret is accepted
        self.assertEqual(cookie_for(first), (first, {"cookie_good"}))
        rotate()  # and becomes active
        for stream in (False, True):
            second, moved = cookie_for(first, stream)
            self.assertEqual(moved, {"cookie_good"})
            self.assertNotEqual(second, first)
            self.assertEqual(cookie_for(second, stream), (second, {"cookie_good"}))
        rotate()  # the old one goes
        third, moved = cookie_for(first)
        self.assertEqual(moved, {"cookie_bad"})
        self.assertEqual(cookie_for(third), (third, {"cookie_good"}))

    def test_3_secrets_survive_the_daemon(self):
        cookie, _ = cookie_for()
        RIG.stop()
        RIG.start()
        self.assertEqual(cookie_for(cookie), (cookie, {"cookie_good"}))

    def test_4_a_bad_file_changes_nothing(self):
        cookie, _ = cookie_for()
        secrets().write_text(secrets().read_text().replace("active", "accept-only"))
        done = push_secrets(check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("0 secrets are active, one must be", done.stderr)
        self.assertEqual(cookie_for(cookie), (cookie, {"cookie_good"}))


class Identity(unittest.TestCase):
    def test_nsid_and_chaos_names(self):
        reply = ask.ask(RIG, "one.records.example", options=[dns.edns.GenericOption(dns.edns.NSID, b"")])
        self.assertEqual([o.to_wire() for o in reply.options if o.otype == dns.edns.NSID], [NSID.encode()])
        for name in ("id.server", "hostname.bind"):
            self.assertEqual(ask.rrset(ask.ask(RIG, name, "TXT", rdclass="CH"), "TXT"), (0, ['"rig"']))
        self.assertEqual(ask.ask(RIG, "version.bind", "TXT", rdclass="CH").rcode(), 5)


if __name__ == "__main__":
    tap.main()
