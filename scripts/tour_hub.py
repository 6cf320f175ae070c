"""The stops of the tour at the hub: a pool's operator plans, pushes, is held back by the guard, and rolls back."""

import contextlib
import http.client
import json
import re
import signal
import subprocess
import time

from tour_guide import NAME, rigs
from tour_monitors import Monitors

from pool import CONTINENT  # tour_guide says where it is

SITES, MONITORS = 5000, 5
# The sample's log ends that long ago, and what the tour makes monitors say is of the time since: of 60 rounds, at most.
SINCE_SAMPLE = 240
# Of [selection] in hub.toml, by default.
LEAVE, ENTER, RAMP = 10, 11, 15
SCORE_ERROR = 1e-4
KEY, MAP, PLAN, POLICY = "hub.pem", "geo.map", "plan.json", "policy.toml"
# Where a server fails: so many answers of each part of the zone tell whether it is given to clients. A worker draws 16
# answers ahead and a new one for every 16, so these are 47 draws, and a server of 7 % of the weight is in none of them
# with a chance of 1e-6.
COUNTRY, PARTS, ASKED = "jp", range(4), 500
GUARDED, INCOMPLETE, CHANGES = 4, 5, 6
HUB_ADDRESS = ("127.0.0.1", 9153)
HUB_SECONDS = 20
POLICY_TEXT = """\
[[rule]]
name = "random-subdomains"
pattern = '^[0-9a-f]{12,}\\.'
action = "refuse"
"""


class Planned:
    """What a plan says that clients are given: what was selected, before anything was compiled of it."""

    def __init__(self, plan):
        self.serial, self.judged = plan["serial"], plan["servers"]
        self.zones = {(zone["zone"], zone["family"]): zone for zone in plan["zones"]}

    def weights(self, part, country, kind="a"):
        """By address, for a client in `country`: of part 0 to 3, or with None of the whole zone."""
        for zone in (country, CONTINENT[country], "@"):
            found = self.zones.get((zone, {"a": "ipv4", "aaaa": "ipv6"}[kind]))
            if found and found["servers"]:
                members = found["servers"]
                return {
                    address: weight
                    for address, _, weight, of_part, _ in members
                    if weight and (part is None or not found["split"] or str(of_part) == part)
                }
        return {}

    def servers(self, part, country, kind="a"):
        return set(self.weights(part, country, kind))

    def servers_in(self):
        return [address for address, _, verdict, *_ in self.judged if verdict == "in"]


class HubStops:
    def __init__(self, guide, geo):
        self.guide, self.geo, self.rig, self.hub = guide, geo, guide.rig, guide.hub
        self.anytick, self.check = guide.anytick, guide.check
        self.spool, self.map, self.log = self.hub / "spool", self.hub / MAP, self.hub / "hub.log"
        self.serials = []

    def planned(self):
        """What the POPs are to run, as the hub remembers it."""
        (newest,) = self.guide.ask_json("history", "--limit", 1)
        return Planned(self.guide.ask_json("history", newest["serial"])["plan"])

    def fleet(self):
        return self.guide.ask_json("pop", "status")

    def configure(self, *keys):
        """Keys of hub.toml that stand there as comments."""
        file = self.hub / "hub.toml"
        text = file.read_text()
        for key in keys:
            text, found = re.subn(rf"^# ({key} = )", r"\1", text, flags=re.MULTILINE)
            if not found:
                raise RuntimeError(f"hub.toml has no comment with {key}:\n{text}")
        file.write_text(text)
        for line in text.splitlines():
            if line.startswith(keys):
                print(f"    hub.toml: {line}", flush=True)

    def ingest_and_plan(self, code=CHANGES, lines=10):
        self.anytick("score", "ingest", "--spool", "spool")
        self.anytick("plan", "-o", PLAN, "--top", "3", "--exit-code", code=code, lines=lines)
        return json.loads((self.hub / PLAN).read_text())

    def push_plan(self):
        """Of the file. What the POP runs is asked of the POP."""
        self.anytick("push", PLAN)
        serial = json.loads((self.hub / PLAN).read_text())["serial"]
        self.check(f"the POP runs serial {serial}", self.guide.running_serial() == serial)
        self.serials.append(serial)

    # What is shown, in order

    def make(self):
        """Make a hub
        A directory with its configuration, its database and a spool, where monitors' logs are dropped. The registry and
        the logs are made up: 5,000 sites in the world's countries, some of which do not answer well. The geo map says
        where an address is: a country database, and what the operator knows better."""
        now = int(time.time()) - SINCE_SAMPLE
        made_up = ("--servers", SITES, "--monitors", MONITORS, "--hours", 1, "--now", now)
        self.anytick("init", "hub", *made_up, "--pop", self.rig.control, directory=self.rig.room)
        print("  $ cd hub", flush=True)
        self.monitors = Monitors(self.spool, self.spool / "sample.csv", now)
        (self.hub / "overrides.txt").write_text(rigs.OVERRIDES)
        self.anytick("geo", "compile", "--mmdb", self.geo, "--override", "overrides.txt", "-o", MAP)
        self.configure("geo_map", "sign_key")

    def push(self):
        """Plan, and push what was planned
        Scores are made of the logs; who has 11 or more is in. The plan says what would change for whom, and its file
        is pushed as it was reviewed, or not at all. The POP has been told whom to trust, and takes nothing that the
        hub has not signed. The push is done when every worker answers from the new tables."""
        plan = self.ingest_and_plan()
        expected = {server for server in self.monitors.scores if self.monitors.score(server) >= ENTER}
        found = set(Planned(plan).servers_in())
        self.check(f"{len(found)} of {len(plan['servers'])} servers are in: those of a good score", found == expected)
        self.anytick("plan", "--image", "unsigned.image", lines=1)
        refused = self.rig.push(self.hub / "unsigned.image", self.map, check=False)
        self.check("without a signature the POP refuses it", refused.returncode == 1, refused.stdout + refused.stderr)
        self.push_plan()
        self.anytick("pop", "status")
        (pop,) = self.fleet()["pops"]
        self.check("the hub knows it", (pop["serial"], pop["is_current"]) == (plan["serial"], True), str(pop))

    def policy(self):
        """Refuse what only attackers ask
        A policy has rules by name, type and client. It is a part of what the hub plans and pushes; the POP compiles it
        beside its workers. This one looks only at names that the zone does not have."""
        (self.hub / POLICY).write_text(POLICY_TEXT)
        print("".join(f"    {line}\n" for line in POLICY_TEXT.splitlines()), end="", flush=True)
        self.anytick("policy", "check", POLICY)
        self.configure("policy")
        self.anytick("push")
        for name, status in ("5eed0f0ddba11.pool.example", "REFUSED"), ("nobody.pool.example", "NXDOMAIN"):
            text = self.guide.kdig(name, "A")
            self.check(status, f"status: {status}" in text, text)
        (counts,) = self.rig.status()["policy"]
        self.check("the rule has decided one query", (counts["matched"], counts["decided"]) == (1, 1), str(counts))

    def outage(self):
        """The monitors are cut off
        They time out on four servers of five, twice. These servers are well, but the hub cannot know. Its guard holds
        back what takes too many servers away at once: nothing is sent, and clients do not notice."""
        before, planned = self.rig.status()["generation"], self.planned()
        away = [server for number, server in enumerate(planned.servers_in()) if number % 5]
        self.monitors.log("outage", away, False, False)
        plan = self.ingest_and_plan(GUARDED, lines=40)
        rules = {objection["rule"] for objection in plan["objections"]}
        self.check("the guard objects to so many that are out", "servers_demoted" in rules, str(plan["objections"]))
        output = self.anytick("push", PLAN, code=GUARDED, lines=4)
        self.check("the push is refused by the guard", "servers_demoted" in output, output)
        now = self.rig.status()["generation"], self.guide.running_serial()
        what = f"the POP runs serial {planned.serial} on, and got nothing"
        self.check(what, now == (before, planned.serial), str(now))
        text = self.guide.kdig(NAME, "A", source=rigs.CLIENT_OF["jp"])
        self.guide.check_drawn("Japan", text, planned.servers("0", "jp"))
        print("  ... and the monitors are back: twenty good checks of each.", flush=True)
        self.monitors.log("recovery", away, *[True] * 20)
        plan = self.ingest_and_plan()
        self.check("all of them are in again", set(away).issubset(Planned(plan).servers_in()))
        self.check("the guard has no objection", not plan["objections"], str(plan["objections"]))
        self.push_plan()

    def one_server(self):
        """A server fails, and comes back
        One of the largest of Japan does not answer its monitors. Below a score of 10 it is out, and clients get it no
        more. It is in again from 11 on, lest it goes in and out by every check; below 15 with less of its weight."""
        before = self.planned().weights("0", COUNTRY)
        server = self.server = max(before, key=lambda address: (before[address], address))
        share = before[server] / sum(before.values())
        print(f"    {server} has {share:.1%} of the weight in 0.jp", flush=True)
        self.check_given(server, True)

        self.monitors.observe("failing", [server], False, False)
        self.ingest_and_plan()
        self.anytick("score", "show", server)
        score, expected = self.guide.ask_json("score", "show", server)["score"], self.monitors.score(server)
        self.check(f"its score is {expected:.2f}, as by hand", abs(score - expected) < SCORE_ERROR, str(score))
        self.push_plan()
        self.check_explained(server, "low_score", r"out: .*leave_score")
        self.check_given(server, False)
        after = self.planned().servers("0", COUNTRY)
        gone = set(before) - after
        self.check("nobody else left its part of the zone", gone == {server}, str(gone))

        self.monitors.observe("better", [server], *[True] * self.monitors.checks_until(LEAVE, server))
        self.ingest_and_plan(code=0, lines=3)
        self.check_explained(server, "recovering", r"out: .*enter_score")
        self.monitors.observe("well", [server], *[True] * self.monitors.checks_until(RAMP, server))
        self.ingest_and_plan()
        self.push_plan()
        self.check_explained(server, "in", r"in: ")
        self.check_given(server, True)

    def check_given(self, server, expected):
        """Whether clients in its country get it, of whichever part of the zone it is in."""
        names = [f"{part}.pool.example" for part in PARTS]
        command = ("kdig", f"@{rigs.POP_IPV4}", "-b", rigs.CLIENT_OF[COUNTRY], "+retry=0")
        print(f"  client$ {' '.join(command)} {' A '.join(names)} A ...", flush=True)
        text = self.rig.as_client(*command, *(word for name in names * ASKED for word in (name, "A"))).stdout
        found, asked = self.guide.answers(text), len(names) * ASKED
        given = found.count(server)
        good = len(found) == 4 * asked and (given > 0) == expected
        self.check(f"{server} is in {given} of {asked} answers", good, text[-2000:])

    def check_explained(self, server, verdict, words):
        """By which rule it is in or out, now."""
        output = self.anytick("server", "explain", server, lines=4)
        found = self.guide.ask_json("server", "explain", server)["verdict"]
        self.check(f"it is {found}", found == verdict and re.search(words, output), output)

    def rollback(self):
        """Take a push back
        Every push is remembered whole, and any of them can be pushed once more. The hub then pushes nothing by itself
        until it is told to: it would only plan again what somebody did not want."""
        self.anytick("history")
        known = [each["serial"] for each in self.guide.ask_json("history")]
        self.check("it has the pushes of this tour", set(self.serials) <= set(known), str(known))
        serial = self.serials[-2]
        self.anytick("rollback", serial, "--reason", "show how it is done")
        self.check(f"the POP runs serial {serial}", self.guide.running_serial() == serial)
        self.check_given(self.server, False)
        output = self.anytick("pop", "status")
        self.check("the hub is held", self.fleet()["is_held"] and "pushes nothing by itself" in output, output)

    @contextlib.contextmanager
    def daemon(self):
        """`anytick hub run` beside the POP; it ends, or is ended."""
        print("  $ anytick hub run &", flush=True)
        inside = ("ip", "netns", "exec", self.rig.pop, "setpriv", "--pdeathsig", "TERM")
        command = (*inside, str(self.rig.anytick), "hub", "run")
        with open(self.log, "w") as log, subprocess.Popen(command, cwd=self.hub, stdout=log, stderr=log) as process:
            try:
                yield process
            finally:
                process.kill()  # unless it has ended

    def await_that(self, what, happened):
        """Happens by itself, or the stop is wrong."""
        give_up = time.monotonic() + HUB_SECONDS
        while time.monotonic() < give_up:
            if happened():
                return self.check(what, True)
            time.sleep(0.2)
        raise RuntimeError(f"not within {HUB_SECONDS} s: {what}\n{(self.hub / 'hub.log').read_text()}")

    def page(self, path):
        """Of the daemon's."""
        connection = http.client.HTTPConnection(*HUB_ADDRESS, timeout=5)
        with rigs.inside(self.rig.pop), contextlib.closing(connection) as asked:
            asked.request("GET", path)
            reply = asked.getresponse()
            return reply.status, reply.read().decode()

    def metrics(self):
        found = re.findall(r"^(anytick_\w+) (\S+)$", self.page("/metrics")[1], re.MULTILINE)
        return {name: float(value) for name, value in found}

    def by_itself(self):
        """Leave it to the hub
        As a daemon it takes what is dropped into its spool, plans every minute (here every second) and pushes within
        the guard. It is held still; when it may, it brings what the rollback took back. Then a server fails, and
        nobody does anything."""
        with open(self.hub / "hub.toml", "a") as file:  # its last section is [run]
            file.write("interval = 1\nretry = 1\n")
        server, held_at = self.server, self.guide.running_serial()
        with self.daemon() as process:
            self.await_that("it is ready", lambda: "ready" in self.log.read_text())
            self.await_that("it has planned", lambda: self.metrics()["anytick_plans_total"] >= 2)
            metrics, serial = self.metrics(), self.guide.running_serial()
            seen = metrics["anytick_held"], metrics["anytick_pushes_total"], serial
            self.check("but pushed nothing, as it is held", seen == (1, 0, held_at), str(seen))
            self.anytick("hub", "resume", "--reason", "all is well")
            self.await_that("it pushes", lambda: self.guide.running_serial() > held_at)
            self.check_given(server, True)
            resumed_at = self.guide.running_serial()
            print(f"  ... and {server} fails.", flush=True)
            self.monitors.observe("failing-again", [server], False, False)
            self.await_that("it takes the file, plans and pushes", lambda: self.guide.running_serial() > resumed_at)
            self.check_given(server, False)
            status, health = self.page("/health")
            self.check("/health says that all is well", (status, health) == (200, "ok\n"), health)
            self.await_that("/metrics tells the serial that the POP runs",
                            lambda: self.metrics()["anytick_serial"] == self.guide.running_serial())
            process.send_signal(signal.SIGTERM)
            status = process.wait(HUB_SECONDS)
        log = self.log.read_text()
        print("".join(f"    {line}\n" for line in log.splitlines()), end="")
        self.check("SIGTERM ends it", status == 0, f"exit {status}")
        self.check("there is no error in its log", "[error]" not in log, log)
