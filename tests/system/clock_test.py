"""Where the daemon's time comes from: a real chronyd, that answers, hangs, is killed, and comes back."""

import signal
import time
import unittest

import fixture
import ntp_clients
import rig as rigs
import tap

RIG = UPSTREAM = CHRONYD = None
MAX_AGE = 2
PATIENCE = 60
# chronyd -x steers nothing but a clock of its own: what it corrects is to be seen in its report.
UPSTREAM_LINES = "local stratum 8\nallow\nport 1123\n"
LINES = "server 127.0.0.1 port 1123 iburst minpoll -2 maxpoll -2 offset 0.25\n"


def setUpModule():
    global RIG, UPSTREAM, CHRONYD
    RIG = fixture.make_rig()
    unittest.addModuleCleanup(RIG.close)
    UPSTREAM = ntp_clients.Chronyd(RIG, RIG.pop, "upstream", UPSTREAM_LINES)
    CHRONYD = ntp_clients.Chronyd(RIG, RIG.pop, "chronyd", LINES + "port 0\n")
    RIG.clock = f'source = "chrony"\nchronyd = "{CHRONYD.socket}"\nmax_age_seconds = {MAX_AGE}\n'
    for chronyd in (UPSTREAM, CHRONYD):
        unittest.addModuleCleanup(chronyd.stop)
    UPSTREAM.start()
    RIG.start()


def tracking():
    """`chronyc -c tracking`, by the names of candm.h."""
    words = CHRONYD.chronyc("-c", "tracking").strip().split(",")
    return {
        "refid": ".".join(str(byte) for byte in bytes.fromhex(words[0])),
        "stratum": int(words[2]),
        "correction": float(words[4]),
        "root_delay": float(words[10]),
        "root_dispersion": float(words[11]),
        "leap": ("Normal", "Insert second", "Delete second", "Not synchronised").index(words[13]),
    }


def clock():
    return RIG.status()["clock"]


def ask():
    """What ntplib is told: leap, stratum and the offset of the POP."""
    answer = ntp_clients.ntplib(RIG, rigs.POP_IPV4)
    return answer.leap, answer.stratum, answer.offset


class Clock(unittest.TestCase):
    def wait_for(self, synchronised):
        give_up = time.monotonic() + PATIENCE
        while (said := clock())["synchronised"] != synchronised:
            if time.monotonic() > give_up:
                self.fail(f"synchronised should be {synchronised}: {said}")
            time.sleep(0.05)
        return said

    def test_1_without_a_chronyd_there_is_no_time(self):
        self.assertFalse(clock()["synchronised"])
        self.assertIn(str(CHRONYD.socket), clock()["reason"])
        self.assertEqual(ask()[:2], (3, 0))

    def test_2_what_chronyd_says_is_what_is_told(self):
        CHRONYD.start()
        self.wait_for(True)
        # chronyd may have measured again between the two.
        for _ in range(20):
            before, said, after = tracking(), clock(), tracking()
            if before["root_delay"] == after["root_delay"]:
                break
        self.assertEqual(said["source"], "chrony")
        self.assertEqual(said["reason"], "")
        for name in ("refid", "stratum", "leap"):
            self.assertEqual(said[name], after[name], name)
        self.assertAlmostEqual(said["root_delay"], after["root_delay"], delta=0.01)
        self.assertAlmostEqual(said["correction"], after["correction"], delta=0.01)
        self.assertEqual(said["refid"], "127.0.0.1")
        self.assertEqual(said["stratum"], 9)
        self.assertLess(said["age"], MAX_AGE)

    def test_3_clients_get_what_chronyd_takes_for_the_time(self):
        expected = tracking()["correction"]
        self.assertGreater(abs(expected), 0.2, "the offset that its source was given")
        offsets = []
        for _ in range(20):
            leap, stratum, offset = ask()
            self.assertEqual((leap, stratum), (0, 9))
            offsets.append(offset)
            if abs(offset - expected) < 0.01:
                return
        self.fail(f"{offsets} instead of {expected}")

    def test_4_a_chronyd_that_hangs_is_believed_until_it_is_too_old(self):
        self.wait_for(True)
        CHRONYD.process.send_signal(signal.SIGSTOP)
        try:
            said = self.wait_for(False)
            self.assertNotEqual(said["reason"], "")
            self.assertEqual(ask()[:2], (3, 0))
        finally:
            CHRONYD.process.send_signal(signal.SIGCONT)
        self.wait_for(True)
        self.assertEqual(ask()[:2], (0, 9))

    def test_5_so_is_one_that_was_killed_until_it_has_measured_again(self):
        CHRONYD.process.kill()
        CHRONYD.process.wait()
        self.wait_for(False)
        self.assertEqual(ask()[:2], (3, 0))
        CHRONYD.socket.unlink(missing_ok=True)
        CHRONYD.start()
        self.wait_for(True)
        self.assertEqual(ask()[:2], (0, 9))

    def test_6_no_socket_is_left_behind(self):
        own = f"{CHRONYD.socket.name}.anytickd."
        self.assertEqual(len([path for path in CHRONYD.room.iterdir() if path.name.startswith(own)]), 1)
        RIG.stop()
        self.assertEqual([path for path in CHRONYD.room.iterdir() if path.name.startswith(own)], [])


if __name__ == "__main__":
    tap.main()
