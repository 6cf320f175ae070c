"""The table's way into a running daemon: refused tables change nothing, and a restart goes on from the last good ones."""

import dns.rcode
import grpc
import signal
import unittest

import ask
import fixture
import stream
import tap
from stream import GEO, ZONE, with_digest

RIG = POP = None
IMAGE = MAP = b""
IMAGE_FILE = MAP_FILE = None

FORMAT = slice(8, 12)
FIRST_SECTION = slice(80, 88)


def setUpModule():
    global RIG, POP, IMAGE, MAP, IMAGE_FILE, MAP_FILE
    RIG = fixture.make_rig()
    MAP_FILE = fixture.make_map(RIG)
    IMAGE_FILE = RIG.compile_zone(fixture.RECORDS, output=RIG.room / "records.image")
    IMAGE, MAP = IMAGE_FILE.read_bytes(), MAP_FILE.read_bytes()
    RIG.start()
    POP = stream.Pop(RIG)


def tearDownModule():
    RIG.close()


def altered(table, where, value):
    table = bytearray(table)
    table[where] = value
    return bytes(table)


def rcode():
    return ask.ask(RIG, "one.records.example").rcode()


def running():
    """What the POP says it runs, without the times at which it loaded it."""
    status = RIG.status()
    return status["generation"], [(t["kind"], t["digest"]) for t in status["tables"]]


class A_BeforeTables(unittest.TestCase):
    def test_no_zone_is_servfail(self):
        self.assertEqual(rcode(), dns.rcode.SERVFAIL)

    def test_then_a_zone_then_a_map(self):
        RIG.push(zone=IMAGE_FILE)
        self.assertEqual(rcode(), dns.rcode.NOERROR)
        RIG.push(geo=MAP_FILE)
        self.assertEqual(rcode(), dns.rcode.NOERROR)
        self.assertEqual(len(running()[1]), 2)


class B_Refused(unittest.TestCase):
    def setUp(self):
        RIG.push(IMAGE_FILE, MAP_FILE)
        self.before = running()

    def tearDown(self):
        self.assertEqual(running(), self.before)
        self.assertEqual(rcode(), dns.rcode.NOERROR)

    def refused(self, reply, error, reason):
        self.assertIsNone(error)
        self.assertFalse(reply.applied)
        self.assertRegex(reply.reason, reason)

    # The images that a push command would hand over, wrong in one place each.
    WRONG = (
        ("a bit flipped", lambda: altered(IMAGE, -9, IMAGE[-9] ^ 4), r"digest"),
        ("format of the future", lambda: with_digest(altered(IMAGE, FORMAT, b"\xff\0\0\0")), r"format version 255"),
        ("not an image", lambda: with_digest(altered(IMAGE, slice(0, 8), b"notanima")), r"not a zone image"),
        ("section out of place", lambda: with_digest(altered(IMAGE, FIRST_SECTION, b"\xf8" * 8)), r"blob|section"),
        ("cut short", lambda: with_digest(IMAGE[: len(IMAGE) // 2]), r"bytes"),
        ("empty tail", lambda: with_digest(IMAGE + bytes(64)), r"bytes"),
    )

    def test_wrong_images_by_the_command(self):
        for what, make, reason in self.WRONG:
            with self.subTest(what):
                path = RIG.room / "wrong.image"
                path.write_bytes(make())
                done = RIG.push(path, check=False, options=("--no-check",))
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertRegex(done.stdout + done.stderr, reason)
                checked = RIG.push(path, check=False)
                self.assertEqual(checked.returncode, 1)
                self.assertIn("wrong.image", checked.stderr)

    def test_wrong_maps(self):
        for what, table, reason in (
            ("a bit flipped", altered(MAP, -9, MAP[-9] ^ 4), r"digest"),
            ("format of the future", with_digest(altered(MAP, FORMAT, b"\xff\0\0\0")), r"format"),
            ("cut short", with_digest(MAP[: len(MAP) // 2]), r"bytes|section|size"),
            ("an image", IMAGE, r"magic|map"),
        ):
            with self.subTest(what):
                reply, error = POP.load(POP.begin(POP.head(GEO, table)), *POP.chunks(table))
                self.refused(reply, error, reason)

    def test_one_wrong_table_refuses_both(self):
        wrong = altered(MAP, -9, MAP[-9] ^ 4)
        parts = POP.begin(POP.head(ZONE, IMAGE), POP.head(GEO, wrong)), *POP.chunks(IMAGE + wrong)
        self.refused(*POP.load(*parts), r"digest")

    def test_wrong_streams(self):
        begin, chunks = POP.begin(POP.head(ZONE, IMAGE)), POP.chunks(IMAGE)
        head = POP.head(ZONE, IMAGE)
        for what, parts in (
            ("ends before its bytes", (begin, *POP.chunks(IMAGE[:-1]))),
            ("ends after begin", (begin,)),
            ("more bytes than announced", (begin, *chunks, *POP.chunks(b"x"))),
            ("no begin", chunks),
            ("two begins", (begin, begin, *chunks)),
            ("nothing", ()),
            ("a protocol of the future", (POP.begin(head, protocol=2), *chunks)),
            ("two of a kind", (POP.begin(head, head), *chunks, *chunks)),
            ("no kind", (POP.begin(POP.head(0, IMAGE)), *chunks)),
            ("too large", (POP.begin(POP.head(ZONE, IMAGE, size=1 << 40)), *chunks)),
            ("no tables", (POP.begin(),)),
        ):
            with self.subTest(what):
                reply, error = POP.load(*parts)
                if error is None:
                    self.assertFalse(reply.applied)
                    self.assertTrue(reply.reason)
                else:
                    self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
                    self.assertTrue(error.details())

    def test_digest_other_than_announced(self):
        reply, error = POP.load(POP.begin(POP.head(ZONE, IMAGE, digest=bytes(32))), *POP.chunks(IMAGE))
        self.refused(reply, error, r"digest")


class C_Restart(unittest.TestCase):
    def setUp(self):
        RIG.push(IMAGE_FILE, MAP_FILE)
        self.before = running()[1]

    def test_goes_on_from_the_last_good_tables(self):
        self.assertEqual(RIG.stop(), 0)
        RIG.start()
        self.assertEqual(rcode(), dns.rcode.NOERROR)
        self.assertEqual(running()[1], self.before)

    def test_also_after_being_killed(self):
        RIG.daemon.send_signal(signal.SIGKILL)
        RIG.daemon.wait()
        RIG.stop()
        RIG.start()
        self.assertEqual(rcode(), dns.rcode.NOERROR)
        self.assertEqual(running()[1], self.before)

    def test_a_damaged_table_is_left_out_and_named(self):
        RIG.stop()
        stored = RIG.state / "zone.image"
        stored.write_bytes(altered(stored.read_bytes(), -9, IMAGE[-9] ^ 4))
        logged = len(RIG.log_text())
        RIG.start()
        self.assertEqual(rcode(), dns.rcode.SERVFAIL)
        self.assertRegex(RIG.log_text()[logged:], r"(?i)zone\.image.*digest|digest.*zone\.image|zone image.*digest")
        self.assertEqual(len(running()[1]), 1)
        RIG.push(zone=IMAGE_FILE)
        self.assertEqual(rcode(), dns.rcode.NOERROR)


class D_Command(unittest.TestCase):
    def test_a_broken_pipe_is_not_the_end(self):
        RIG.push(zone=IMAGE_FILE)
        RIG.signal(signal.SIGPIPE)  # as whoever reads its log, when gone, would have the kernel do
        self.assertEqual(rcode(), dns.rcode.NOERROR)
        self.assertIsNone(RIG.daemon.poll())

    def test_a_pop_that_is_not_there(self):
        done = fixture.rigs.run(
            *(RIG.anytick, "pop", "status", "--timeout", 2, "--pop", f"unix:{RIG.room}/nobody.sock"), check=False, timeout=60
        )
        self.assertEqual(done.returncode, 3, done.stderr)


if __name__ == "__main__":
    tap.main()
