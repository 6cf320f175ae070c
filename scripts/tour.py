"""The tour of scripts/run: a hub plans the tables of a made-up pool and pushes them to a POP, which clients of five
countries ask for names and time.

Every step is checked against the hub's plan or a zone file; a wrong one is said so and makes the exit status 1.
"""

import argparse
import ipaddress
import random
import re
import signal
import sys
from pathlib import Path

from tour_by_hand import ByHand
from tour_guide import BOLD, COUNTRY_NAME, NAME, PLAIN, Guide, rigs
from tour_hub import KEY, HubStops

import ntp_clients  # tour_guide says where it is

# Two clients with limits; those that the rest of the tour asks from have none, or its load would be what is limited.
GREEDY, NEIGHBOUR = "10.53.9.1", "10.53.10.1"
LIMIT = """\
answers = 1
burst_seconds = 5
slip = 1
allow = ["192.0.2.0/24", "10.53.0.0/21", "2001:db8::/32"]
"""
GREEDY_QUERIES = 30
# What clocks that agree may seem to differ by on a busy machine, seconds.
OFFSET = 0.05
# As many random addresses as it takes to meet each of the countries.
CANDIDATES = 20000
SAMPLES, SAMPLE_SECONDS = 100, 30


class PopStops:
    """What clients of the POP see of the hub's tables."""

    def __init__(self, guide, hub):
        self.guide, self.hub, self.rig = guide, hub, guide.rig
        self.anytick, self.check, self.kdig = guide.anytick, guide.check, guide.kdig

    def by_source(self):
        """One name, asked from five countries
        Each client is in a prefix that the operator placed in a country. It gets four servers of that country, drawn
        by their weights, of those that the plan put into part 0 of the zone."""
        planned = self.hub.planned()
        for country in rigs.COUNTRIES:
            text = self.kdig(NAME, "A", source=rigs.CLIENT_OF[country])
            self.guide.check_drawn(COUNTRY_NAME[country], text, planned.servers("0", country))

    def by_subnet(self):
        """The same, asked by a resolver elsewhere (EDNS client subnet)
        The resolver states its client's prefix; these are looked up in the database. The scope says for which prefix
        the answer holds, so that the resolver may give it to others there."""
        planned = self.hub.planned()
        for country, address in self.find_addresses().items():
            network = ipaddress.ip_network(f"{address}/24", strict=False)
            text = self.kdig(f"+subnet={network}", NAME, "A")
            what = f"{COUNTRY_NAME[country]} for {network}"
            self.guide.check_drawn(what, text, planned.servers("0", country))
            found = re.search(r"CLIENT-SUBNET: \S+/24/(\d+)", text)
            self.check(f"a scope: /{found[1] if found else '?'}", found and 0 < int(found[1]) <= 32, text)

    def find_addresses(self):
        """An address in each country, by the map itself."""
        rng = random.Random(1)
        addresses = [ipaddress.IPv4Address(rng.getrandbits(32)) for _ in range(CANDIDATES)]
        addresses = [str(address) for address in addresses if address.is_global and not address.is_multicast]
        found = {}
        for place in self.guide.ask_json("geo", "lookup", "--map", self.hub.map, *addresses):
            found.setdefault(place["country"], place["address"])
        missing = [country for country in rigs.COUNTRIES if country not in found]
        if missing:
            raise RuntimeError(f"{CANDIDATES} random addresses and none in {missing}: is this a country database?")
        return {country: found[country] for country in rigs.COUNTRIES}

    def vendor(self):
        """A vendor's name
        Devices ask names of their maker's, which are aliases in the zone: `bolt` of the whole pool, for simple clients
        that want one name, and `0.arbor` to `3.arbor` of its parts."""
        planned = self.hub.planned()
        for name, part in ("bolt", None), ("2.arbor", "2"):
            text = self.kdig(f"{name}.pool.example", "A", source=rigs.CLIENT_OF["de"])
            self.guide.check_drawn("Germany", text, planned.servers(part, "de"))

    def explain(self):
        """Ask why
        The command asks the code that answers, and says why the client gets what it gets, and how likely. What the
        POPs run is in the hub's history."""
        planned = self.hub.planned()
        self.anytick("history", planned.serial, "--image", "zone.image", lines=1)
        words = ("zone", "explain", "zone.image", "--geo", self.hub.map, NAME, "A", "--client", rigs.CLIENT_OF["jp"])
        self.anytick(*words, "--top", "3")
        records = self.guide.ask_json(*words)["steps"][-1]["rrset"]["records"]
        servers = {record["data"] for record in records}
        self.check("it names the servers of Japan", servers == planned.servers("0", "jp"))

    def ipv6(self):
        """AAAA, asked over IPv6"""
        text = self.kdig(NAME, "AAAA", source=rigs.CLIENT6_OF["us"])
        servers = self.hub.planned().servers("0", "us", "aaaa")
        self.guide.check_drawn("the United States", text, servers, "AAAA")

    def negative(self):
        """A name that does not exist
        NXDOMAIN, with the SOA that tells resolvers how long to remember it."""
        text = self.kdig("nobody.pool.example", "A")
        self.check("NXDOMAIN", "status: NXDOMAIN" in text, text)
        soa = re.search(r"^pool\.example\.\s+(\d+)\s+IN\s+SOA\s+(.*)$", text, re.MULTILINE)
        print(f"           {soa[0] if soa else ''}")
        serial = str(self.hub.planned().serial)
        self.check(f"one SOA in the authority section, of serial {serial}", soa and soa[2].split()[2] == serial, text)

    def limits(self):
        """Ask for too much
        One client asks 30 times in a row, and is granted five answers, then one a second. What is beyond is truncated
        (here always; by default every other time, else dropped), for somebody else may ask in its name. TCP and cookies
        prove that it is itself, and have no limits. Nobody else is limited for it."""
        for address in (GREEDY, NEIGHBOUR):
            rigs.run("ip", "-n", self.rig.client, "address", "add", f"{address}/32", "dev", self.rig.ports[0].peer)
        before = self.rig.counters()
        command = ("kdig", f"@{rigs.POP_IPV4}", "-b", GREEDY, "+ignore", "+retry=0", *(NAME, "A") * GREEDY_QUERIES)
        print(f"  client$ {' '.join(command[:7])} A {NAME} A ...", flush=True)
        text = self.rig.as_client(*command).stdout
        flags = re.findall(r"^;; Flags: ([^;]*);", text, re.MULTILINE)
        over = sum("tc" in each.split() for each in flags)
        good = len(flags) == GREEDY_QUERIES and 0 < over < GREEDY_QUERIES
        self.check(f"{len(flags) - over} answers, {over} truncated", good, text)
        count = self.rig.counters()
        found = count["limit_answer"] - before["limit_answer"], count["limit_slipped"] - before["limit_slipped"]
        self.check(f"{found[0]} counted as over the rate", found == (over, over), str(count))
        for what, source, words in (
            ("its neighbour is answered", NEIGHBOUR, ()),
            ("it is answered over TCP", GREEDY, ("+tcp",)),
            ("and with a cookie, which it gets instead of an answer at first", GREEDY, ("+cookie",)),
        ):
            text = self.kdig(*words, NAME, "A", source=source)
            self.check(what, len(self.guide.answers(text)) == 4, text)

    def time(self):
        """A POP tells time
        NTP is answered beside DNS, by the same workers. Here a POP takes this machine's clock for right (a laboratory's
        setting), so that clients should see next to no offset. They only look: none of them may set the clock."""
        before = self.rig.counters()
        for client in (ntp_clients.chronyd, ntp_clients.ntpdig, ntp_clients.ntpdate):
            for server in (rigs.POP_IPV4, rigs.POP_IPV6):
                self.ask_time(client, server)
        with ntp_clients.client(self.rig, rigs.POP_IPV4) as client:
            samples = client.wait_for_samples(SAMPLES, SAMPLE_SECONDS)
        median, high = ntp_clients.quantiles(samples)
        print(f"           of {len(samples)} samples: {median * 1e6:.1f} µs, 90 % below {high * 1e6:.1f} µs")
        self.check("chronyd takes each of them", all(sample.accepted for sample in samples))
        count = self.rig.counters()
        answered = count["ntp_answered"] - before["ntp_answered"]
        self.check(f"{answered} requests counted as answered", answered >= len(samples) + 6, str(count))

    def ask_time(self, client, server):
        """One client's view of a server."""
        answer = client(self.rig, server)
        print(f"  client$ {client.__name__} {server}: {answer.text}")
        what = f"{client.__name__} sees an offset of {answer.offset * 1e6:+.0f} µs"
        self.check(what, abs(answer.offset) < OFFSET and answer.stratum in (None, 1), str(answer))

    def kernel(self):
        """What is no query goes to the POP's kernel
        It has a twin of the port, with its MAC and addresses: nobody told the client where the POP is."""
        for address in (rigs.POP_IPV4, rigs.POP_IPV6):
            text = self.rig.as_client("ping", "-c", 3, "-i", "0.2", "-W", "2", address, check=False).stdout
            self.check(f"{address} answers ping", " 3 received, 0% packet loss" in text, text)
            text = self.rig.as_client("ip", "neigh", "show", address).stdout
            self.check(f"its MAC was found: {rigs.POP_MAC}", rigs.POP_MAC in text and "PERMANENT" not in text, text)

    def status(self):
        """What the POP says of itself"""
        self.anytick("pop", "status", "--pop", self.rig.control, lines=sys.maxsize)
        count = self.rig.counters()
        drops = sum(value for name, value in count.items() if name.startswith("drop_"))
        answered = count["dns_answered"] + count["ntp_answered"]
        whole = count["rx_frames"] + count["tcp_queries"] == answered + count["punted"] + drops
        self.check("all are counted once: answered, punted or dropped for a named reason", whole, str(count))


def take(guide, geo):
    """All stops, in order; those after the first push need it."""
    hub = HubStops(guide, geo)
    pop, by_hand = PopStops(guide, hub), ByHand(guide, hub)
    guide.step(hub.make)
    if not guide.wrong:
        guide.step(hub.push)
    if not guide.wrong:
        asked = (pop.by_source, pop.by_subnet, pop.vendor, pop.explain, pop.ipv6, pop.negative)
        operated = (hub.policy, hub.outage, hub.one_server, hub.rollback, hub.by_itself)
        handled = (by_hand.tables, by_hand.block, by_hand.swap, by_hand.back)
        for stop in (*asked, pop.limits, *operated, *handled, pop.time, pop.kernel):
            guide.step(stop)
    guide.step(pop.status)


def start(options):
    """A rig with a running daemon, on the first device that works here."""
    build = options.build.resolve()
    programs = build / "control" / "anytick", build / "dataplane" / "io" / "anytickd"
    devices = [options.device] if options.device else rigs.DEVICES
    for device in devices:
        rig = None
        try:
            rig = rigs.Rig(*programs, device)
            key = rig.room / "hub" / KEY
            key.parent.mkdir()
            rigs.run(rig.anytick, "key", "generate", "-o", key)
            rig.sections = f'[trust]\nkeys = ["{key.with_suffix(".pub")}"]\n'
            rig.limit = LIMIT
            rig.start()
            print(f"==> anytickd answers on net_{device}, process {rig.daemon.pid} in namespace {rig.pop}", flush=True)
            return rig
        except rigs.RigError as fault:
            if rig is not None:
                rig.close()
            print(f"==> net_{device} does not work here: {fault}", file=sys.stderr, flush=True)
    sys.exit("no device works")


def stay(rig):
    print(f"\n{BOLD}The POP stays up until Ctrl-C. Ask it:{PLAIN}")
    for country in ("jp", "us"):
        print(f"  ip netns exec {rig.client} kdig @{rigs.POP_IPV4} -b {rigs.CLIENT_OF[country]} {NAME} A")
    print(f"  ip netns exec {rig.client} kdig @{rigs.POP_IPV6} +subnet=8.8.8.0/24 {NAME} AAAA")
    print(f"  ip netns exec {rig.client} {ntp_clients.programs()}/ntpdig {rigs.POP_IPV4}")
    print(f"  {rig.anytick} pop status --pop {rig.control}")
    print(f"  cd {rig.room}/hub && {rig.anytick} plan    # or pop status, history, score list, server explain ADDRESS")
    print(f"  its log: {rig.log}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--geo", type=Path, required=True)
    parser.add_argument("--device", choices=rigs.DEVICES)
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    # A shell that starts this in the background has it ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with start(options) as rig:
        tour = Guide(rig, rig.room / "hub")
        take(tour, options.geo.resolve())
        print(f"\n==> {tour.right} checks right, {len(tour.wrong)} wrong", flush=True)
        if not options.once:
            stay(rig)
        status = rig.stop()
    if status:
        tour.wrong.append(f"anytickd ended with {status}")
    for what in tour.wrong:
        print(f"wrong: {what}", file=sys.stderr)
    sys.exit(1 if tour.wrong else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
