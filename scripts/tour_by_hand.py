"""The stops of the tour without a hub: an operator pushes images of zone files, and then the hub takes over again."""

import ipaddress
import json
import re
import subprocess
import sys
import time

from tour_guide import COUNTRY_NAME, HERE, NAME, rigs
from tour_hub import INCOMPLETE, KEY

from load import Load, Question  # tour_guide says where these are
from pool import Pool

BASES = {1: "198.18.0.0", 2: "198.19.0.0"}  # of the addresses, by serial
RATE = 2000


class ByHand:
    """Zone images of files, pushed to one POP."""

    def __init__(self, guide, hub):
        self.guide, self.hub, self.rig = guide, hub, guide.rig
        self.anytick, self.check, self.kdig = guide.anytick, guide.check, guide.kdig
        self.pools, self.images = {}, {}

    def tables(self):
        """Compile tables by hand
        The hub makes zones of servers and scores. Whoever has zone files, in GeoDNS's format, needs no hub: here two
        pools, which have no server in common."""
        for serial, base in BASES.items():
            directory = self.rig.room / f"by-hand-{serial}"
            options = ("--seed", serial, "--serial", serial, "--base", base, "--output", directory)
            made = rigs.run(sys.executable, HERE / "make_sample_pool", *options).stdout
            print(f"  {self.guide.shown(made.strip())}", flush=True)
            zone, self.images[serial] = directory / "pool.example.json", directory / "zone.image"
            self.target_a_block(zone)
            self.anytick("zone", "compile", zone, "-o", self.images[serial])
            self.pools[serial] = Pool(zone)

    @staticmethod
    def target_a_block(zone):
        """The block of Brazil's client gets an answer of its own for one name."""
        content = json.loads(zone.read_text())
        block = ipaddress.ip_network(rigs.CLIENT_OF["br"] + "/24", strict=False)
        content["targeting"] += " ip"
        content["data"]["here"] = {"a": ["198.18.0.1"]}
        content["data"][f"here.[{block.network_address}]"] = {"a": ["198.18.0.2"]}
        zone.write_text(json.dumps(content))

    def push(self, serial):
        zone = ("--zone", self.images[serial], "--sign", KEY)
        self.anytick("pop", "push", "--pop", self.rig.control, *zone, lines=3)
        self.check(f"the POP runs serial {serial}", self.guide.running_serial() == serial)

    def block(self):
        """A target by address
        `here` has an answer of its own for the block of the client in Brazil. The hub sees that the POP does not run
        what it is to."""
        self.push(1)
        for country, expected in (("br", "198.18.0.2"), ("ng", "198.18.0.1")):
            text = self.kdig("here.pool.example", "A", source=rigs.CLIENT_OF[country])
            self.check(f"{expected} for {COUNTRY_NAME[country]}", self.guide.answers(text) == [expected], text)
        output = self.anytick("pop", "status", code=INCOMPLETE)
        self.check("the hub says so", "not what it is to run" in output, output)

    def swap(self):
        """Swap the whole zone while clients ask
        dnsperf and a checker that looks at each answer ask on while serial 2 is pushed, and serial 1, and 2 again.
        No query may be lost, and no answer may mix the two."""
        queries = self.rig.room / "queries"
        queries.write_text("".join(f"{number}.pool.example {kind}\n" for number in range(4) for kind in ("A", "AAAA")))
        dnsperf = ("dnsperf", "-s", rigs.POP_IPV4, "-d", str(queries), "-Q", str(RATE), "-l", "5")
        print(self.guide.shown(f"  client$ {' '.join(dnsperf)} &"), flush=True)
        questions = [
            Question(NAME, rigs.CLIENT_OF[country], [pool.servers("0", country) for pool in self.pools.values()])
            for country in rigs.COUNTRIES
        ]
        load = Load(self.rig, RATE, questions)
        load.start()
        try:
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            with rigs.start(self.rig.client, *dnsperf, **pipes) as process:
                for serial in (2, 1, 2):
                    time.sleep(1)
                    self.push(serial)
                text = process.communicate()[0]
        finally:
            report = load.stop()
        lost = re.search(r"Queries lost: +(\d+)", text)
        self.check(f"dnsperf lost {lost[1] if lost else '?'} queries", lost and lost[1] == "0", text)
        print(f"           {report}")
        good = not (report.lost or report.wrong)
        self.check("no query lost, no answer wrong or mixed", good, "\n".join(report.wrong[:3]))
        self.check("answers came from both", len(report.of_pool) == 2)
        text = self.kdig("+short", "pool.example", "SOA")
        self.check("the zone's serial is 2 now", text.split()[2:3] == ["2"], text)
        text = self.kdig(NAME, "A", source=rigs.CLIENT_OF["jp"])
        self.guide.check_drawn("Japan, of the new zone", text, self.pools[2].servers("0", "jp"))

    def back(self):
        """Back to the hub's tables
        What the POPs are to run is what the hub pushed last, whatever somebody did since."""
        self.anytick("push", "--resume")
        output = self.anytick("pop", "status")
        (pop,) = self.hub.fleet()["pops"]
        serial = self.guide.running_serial()
        good = (pop["serial"], pop["is_current"]) == (serial, True)
        self.check(f"the POP runs serial {serial}, the hub's", good, output)
        text = self.kdig(NAME, "A", source=rigs.CLIENT_OF["jp"])
        self.guide.check_drawn("Japan", text, self.hub.planned().servers("0", "jp"))
