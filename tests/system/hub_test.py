"""A hub and eight POPs: pushes under a stream of queries, a POP that is killed in the middle of one, a rollback."""

import json
import os
import signal
import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import fixture
import rig as rigs
import tap
from load import Load, Question

POPS = 8
# Of those, so many are asked, each so many queries a second.
ASKED = 2
RATE = int(os.environ.get("RATE", "500"))
PUSHES = int(os.environ.get("PUSHES", "3"))

DONE, REFUSED, GUARDED, INCOMPLETE = 0, 1, 4, 5

RIGS = []
ROOM = None
# A daemon ends with the thread that started it.
STARTERS = ThreadPoolExecutor(POPS)


def addresses(number):
    """What the names of revision `number` answer; of odd and even ones, none is the same."""
    return {f"198.{18 + number % 2}.0.{host}" for host in range(1, 9)}


def static_file(number):
    path = ROOM / "static.json"
    path.write_text(json.dumps({name: {"a": [[each] for each in sorted(addresses(number))]} for name in ("www", "ftp")}))
    return path


def anytick(*words, code=DONE):
    """The finished command; the test fails where its exit code is another one."""
    done = rigs.run(RIGS[0].anytick, *words, "--hub", ROOM / "hub.toml", check=False)
    if done.returncode != code:
        raise AssertionError(f"anytick {' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def setUpModule():
    global ROOM
    for number in range(POPS):
        RIGS.append(fixture.make_rig(name=f"{number}-"))
    ROOM = RIGS[0].room / "hub"
    list(STARTERS.map(lambda each: each.start(), RIGS))
    rigs.run(RIGS[0].anytick, "init", ROOM, "--empty")
    (ROOM / "hub.toml").write_text(f'geo_map = "{fixture.make_map(RIGS[0])}"\n')
    anytick("root", "add", "pool.example", "--ns", "ns.example", "--static", static_file(1))
    for number, rig in enumerate(RIGS):
        anytick("pop", "add", f"pop{number}", rig.control, *(["--canary"] if number == 0 else []))
    anytick("push")


def tearDownModule():
    for rig in RIGS:
        rig.close()
    STARTERS.shutdown()


def fleet(code=DONE):
    return json.loads(anytick("pop", "status", "--json", code=code).stdout)


def newest():
    return json.loads(anytick("history", "--json", "--limit", "1").stdout)[0]


class Hub(unittest.TestCase):
    number = 1  # of the revision that is current

    def change(self):
        """The next push makes this of it."""
        Hub.number += 1
        anytick("root", "set", "pool.example", "--static", static_file(Hub.number))

    def start_loads(self):
        questions = [Question(f"{name}.pool.example", client, [addresses(0), addresses(1)])
                     for name in ("www", "ftp") for client in rigs.CLIENT_OF.values()]
        loads = [Load(rig, RATE, questions) for rig in RIGS[:ASKED]]
        for load in loads:
            load.start()
        return loads

    def check_loads(self, loads):
        for load in loads:
            report = load.stop()
            print(f"# {report}", flush=True)
            self.assertEqual((report.lost, report.unasked), (0, 0), str(report))
            self.assertEqual(report.wrong[:5], [], str(report))
            self.assertEqual(set(report.of_pool), {0, 1})

    def check_all_run(self, serial):
        report = fleet()
        self.assertEqual(report["current"], serial)
        self.assertEqual([each["serial"] for each in report["pops"]], [serial] * POPS)
        self.assertTrue(all(each["is_current"] for each in report["pops"]))

    def test_1_pushes_under_load(self):
        loads = self.start_loads()
        try:
            for _ in range(PUSHES):
                self.change()
                anytick("push")
            self.change()
            anytick("push", "--canary", "--soak", "1s", "--confirm-within", "5m")
            anytick("push", code=REFUSED)
            anytick("confirm")
        finally:
            self.check_loads(loads)
        self.check_all_run(newest()["serial"])

    def test_2_a_plan_is_pushed_as_it_was_reviewed(self):
        self.change()
        plan = ROOM / "plan.json"
        anytick("plan", "-o", plan)
        anytick("push", plan)
        self.check_all_run(json.loads(plan.read_text())["serial"])
        self.assertIn("no longer matches", anytick("push", plan, code=REFUSED).stderr)

    def test_3_a_pop_is_killed_in_the_middle(self):
        killed = RIGS[-1]
        before = newest()["serial"]
        self.change()
        # It has taken the connection and says nothing, so that the push waits for it.
        killed.signal(signal.SIGSTOP)
        loads = self.start_loads()
        try:
            with subprocess.Popen([RIGS[0].anytick, "push", "--hub", ROOM / "hub.toml"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True) as push:
                while push.poll() is None and (newest()["serial"] == before or self.applied() < POPS - 1):
                    time.sleep(0.1)
                self.assertEqual(newest()["pops"][-1]["state"], "sending")
                killed.signal(signal.SIGKILL)
                output = push.communicate()[0]
            self.assertEqual(push.returncode, INCOMPLETE, output)
            self.assertEqual({each["name"]: each["state"] for each in newest()["pops"]},
                             {f"pop{number}": "applied" if number < POPS - 1 else "away" for number in range(POPS)})
            self.assertEqual([each["state"] for each in fleet(INCOMPLETE)["pops"]], ["there"] * (POPS - 1) + ["away"])
            killed.stop()
            killed.start()
            self.assertEqual(fleet(INCOMPLETE)["pops"][-1]["serial"], before, "it has its old tables")
            anytick("push", "--resume")
        finally:
            for load in loads:
                report = load.stop()
                self.assertEqual((report.lost, report.unasked), (0, 0), str(report))
        self.check_all_run(newest()["serial"])
        self.assertNotEqual(newest()["serial"], before)

    def applied(self):
        """How many POPs the database says run the newest push."""
        return sum(each["state"] == "applied" for each in newest()["pops"])

    def test_4_rollback(self):
        serials = [each["serial"] for each in json.loads(anytick("history", "--json").stdout)]
        anytick("rollback", serials[1], code=2)
        anytick("rollback", serials[1], "--reason", "the answers were better")
        self.check_all_run(serials[1])
        self.assertTrue(fleet()["is_held"])
        anytick("hub", "resume", "--reason", "all is well")
        self.assertFalse(fleet()["is_held"])


if __name__ == "__main__":
    tap.main()
