"""The tour of scripts/run: a POP with the tables of a made-up pool, asked by clients of five countries, for names and time.

Every step is checked against the zone file; a wrong one is said so and makes the exit status 1.
"""

import argparse
import ipaddress
import json
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "system"))

import ntp_clients  # noqa: E402
import rig as rigs  # noqa: E402
from load import Load, Question  # noqa: E402
from pool import Pool  # noqa: E402

SERIALS = {1: "198.18.0.0", 2: "198.19.0.0"}
NAME = "0.pool.example"
KEY = "hub.pem"
COUNTRY_NAME = {"jp": "Japan", "us": "the United States", "de": "Germany", "br": "Brazil", "ng": "Nigeria"}
# Two clients with limits; those that the rest of the tour asks from have none, or its load would be what is limited.
GREEDY, NEIGHBOUR = "10.53.9.1", "10.53.10.1"
LIMIT = """\
answers = 1
burst_seconds = 5
slip = 1
allow = ["192.0.2.0/24", "10.53.0.0/21", "2001:db8::/32"]
"""
GREEDY_QUERIES = 30
POLICY = """\
[[rule]]
name = "random-subdomains"
pattern = '^[0-9a-f]{12,}\\.'
action = "refuse"
"""
# What clocks that agree may seem to differ by on a busy machine, seconds.
OFFSET = 0.05
# As many random addresses as it takes to meet each of the countries.
CANDIDATES = 20000
RATE = 2000
SAMPLES, SAMPLE_SECONDS = 100, 30
BOLD, GREEN, RED, PLAIN = ("\033[1m", "\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("",) * 4


class Tour:
    def __init__(self, rig, geo):
        self.rig, self.geo = rig, geo
        self.right, self.wrong = 0, []
        self.pools, self.images = {}, {}

    def title(self, text):
        print(f"\n{BOLD}{text}{PLAIN}", flush=True)

    def check(self, what, good, detail=""):
        if good:
            self.right += 1
            print(f"  {GREEN}ok{PLAIN}     {what}", flush=True)
        else:
            self.wrong.append(what)
            print(f"  {RED}WRONG{PLAIN}  {what}\n{detail}".rstrip(), flush=True)

    def step(self, function):
        """One stop of the tour; whatever goes wrong in it, the next one follows."""
        title, *explanation = function.__doc__.strip().split("\n")
        self.title(title)
        print("\n".join(line.removeprefix("        ") for line in explanation), end="\n" if explanation else "")
        try:
            function()
        except (rigs.RigError, RuntimeError, ValueError) as fault:
            self.check(title, False, str(fault))

    def kdig(self, *words, source=rigs.CLIENT_IPV4):
        server = rigs.POP_IPV6 if ":" in source else rigs.POP_IPV4
        command = ("kdig", f"@{server}", "-b", source, "+timeout=3", "+retry=0", *words)
        print(f"  client$ {' '.join(command)}", flush=True)
        return self.rig.as_client(*command).stdout

    @staticmethod
    def answers(text, kind="A"):
        return re.findall(rf"^\S+\s+\d+\s+IN\s+{kind}\s+(\S+)$", text, re.MULTILINE)

    def check_drawn(self, what, text, servers, kind="A"):
        found = self.answers(text, kind)
        print(f"           {' '.join(found)}")
        expected = min(4, len(servers))
        good = len(found) == len(set(found)) == expected and servers.issuperset(found)
        self.check(f"{expected} different servers of {what}", good, text)

    # What is shown, in order

    def tables(self):
        """Compile the tables
        The geo map says where an address is: a country database, and what the operator knows better. The zone image
        says what to answer: a pool of 5,000 servers from a GeoDNS zone file. A second one shares no server with it."""
        overrides = self.rig.room / "overrides"
        overrides.write_text(rigs.OVERRIDES)
        self.map = self.rig.room / "geo.map"
        self.anytick("geo", "compile", "--mmdb", self.geo, "--override", overrides, "-o", self.map)
        for serial, base in SERIALS.items():
            directory = self.rig.room / str(serial)
            options = ("--seed", serial, "--serial", serial, "--base", base, "--output", directory)
            made = rigs.run(sys.executable, HERE / "make_sample_pool", *options).stdout
            print(f"  {made.strip()}".replace(f"{self.rig.room}/", ""), flush=True)
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

    def anytick(self, *words):
        print(f"  $ anytick {' '.join(map(str, words))}".replace(f"{self.rig.room}/", ""), flush=True)
        for line in rigs.run(self.rig.anytick, *words).stdout.splitlines():
            print(f"    {line}".replace(f"{self.rig.room}/", ""), flush=True)

    def push(self):
        """Push them to the POP
        The POP has been told whom to trust, and takes nothing that the hub has not signed. The command returns when
        every worker answers from the new tables, or with the reason why they were refused."""
        tables = ("--zone", self.images[1], "--geo", self.map)
        refused = self.rig.push(self.images[1], self.map, check=False)
        self.check("without a signature they are refused", refused.returncode == 1, refused.stdout + refused.stderr)
        self.anytick("pop", "push", "--pop", self.rig.control, *tables, "--sign", self.rig.room / KEY)
        self.check("the POP runs serial 1", self.running_serial() == 1)

    def running_serial(self):
        return next((t["serial"] for t in self.rig.status()["tables"] if t["kind"] == "zone"), None)

    def by_source(self):
        """One name, asked from five countries
        Each client is in a prefix that the operator placed in a country. It gets four servers of that country, drawn
        by their weights."""
        for country in rigs.COUNTRIES:
            text = self.kdig(NAME, "A", source=rigs.CLIENT_OF[country])
            self.check_drawn(COUNTRY_NAME[country], text, self.pools[1].servers("0", country))

    def by_subnet(self):
        """The same, asked by a resolver elsewhere (EDNS client subnet)
        The resolver states its client's prefix; these are looked up in the database. The scope says for which prefix
        the answer holds, so that the resolver may give it to others there."""
        for country, address in self.find_addresses().items():
            network = ipaddress.ip_network(f"{address}/24", strict=False)
            text = self.kdig(f"+subnet={network}", NAME, "A")
            self.check_drawn(f"{COUNTRY_NAME[country]} for {network}", text, self.pools[1].servers("0", country))
            found = re.search(r"CLIENT-SUBNET: \S+/24/(\d+)", text)
            self.check(f"a scope: /{found[1] if found else '?'}", found and 0 < int(found[1]) <= 32, text)

    def find_addresses(self):
        """An address in each country, by the map itself."""
        rng = random.Random(1)
        addresses = [ipaddress.IPv4Address(rng.getrandbits(32)) for _ in range(CANDIDATES)]
        addresses = [str(address) for address in addresses if address.is_global and not address.is_multicast]
        text = rigs.run(self.rig.anytick, "geo", "lookup", "--map", self.map, "--json", *addresses).stdout
        found = {}
        for place in json.loads(text):
            found.setdefault(place["country"], place["address"])
        missing = [country for country in rigs.COUNTRIES if country not in found]
        if missing:
            raise RuntimeError(f"{CANDIDATES} random addresses and none in {missing}: is this a country database?")
        return {country: found[country] for country in rigs.COUNTRIES}

    def vendor(self):
        """A vendor's name
        Devices ask names of their maker's, which are aliases in the zone: `acorn` of the whole pool."""
        text = self.kdig("acorn.pool.example", "A", source=rigs.CLIENT_OF["de"])
        self.check_drawn("Germany", text, self.pools[1].servers("acorn", "de"))

    def block(self):
        """A target by address
        `here` has an answer of its own for the block of the client in Brazil."""
        for country, expected in (("br", "198.18.0.2"), ("ng", "198.18.0.1")):
            text = self.kdig("here.pool.example", "A", source=rigs.CLIENT_OF[country])
            self.check(f"{expected} for {COUNTRY_NAME[country]}", self.answers(text) == [expected], text)

    def explain(self):
        """Ask why
        The command asks the code that answers, and says why the client gets what it gets, and how likely."""
        words = ("zone", "explain", self.images[1], "--geo", self.map, NAME, "A", "--client", rigs.CLIENT_OF["jp"])
        self.anytick(*words, "--top", "3")
        steps = json.loads(rigs.run(self.rig.anytick, *words, "--json").stdout)["steps"]
        servers = {record["data"] for record in steps[-1]["rrset"]["records"]}
        self.check("it names the servers of Japan", servers == set(self.pools[1].servers("0", "jp")))

    def ipv6(self):
        """AAAA, asked over IPv6"""
        text = self.kdig(NAME, "AAAA", source=rigs.CLIENT6_OF["us"])
        self.check_drawn("the United States", text, self.pools[1].servers("0", "us", "aaaa"), "AAAA")

    def negative(self):
        """A name that does not exist
        NXDOMAIN, with the SOA that tells resolvers how long to remember it."""
        text = self.kdig("nobody.pool.example", "A")
        self.check("NXDOMAIN", "status: NXDOMAIN" in text, text)
        soa = re.search(r"^pool\.example\.\s+(\d+)\s+IN\s+SOA\s+(.*)$", text, re.MULTILINE)
        print(f"           {soa[0] if soa else ''}")
        self.check("one SOA in the authority section, of serial 1", soa and soa[2].split()[2] == "1", text)

    def policy(self):
        """Refuse what only attackers ask
        A policy has rules by name, type and client. It is compiled beside the workers, and this one looks only at names
        that the zone does not have."""
        file = self.rig.room / "policy.toml"
        file.write_text(POLICY)
        print("".join(f"    {line}\n" for line in POLICY.splitlines()), end="", flush=True)
        self.anytick("policy", "check", file)
        self.anytick("pop", "push", "--pop", self.rig.control, "--policy", file, "--sign", self.rig.room / KEY)
        for name, status in ("5eed0f0ddba11.pool.example", "REFUSED"), ("nobody.pool.example", "NXDOMAIN"):
            text = self.kdig(name, "A")
            self.check(status, f"status: {status}" in text, text)
        (counts,) = self.rig.status()["policy"]
        self.check("the rule has decided one query", (counts["matched"], counts["decided"]) == (1, 1), str(counts))

    def limits(self):
        """Ask for too much
        One client asks 30 times in a row, and is granted five answers, then one a second. What is beyond is truncated (here
        always; by default every other time, else dropped), for somebody else may ask in its name. TCP and cookies prove
        that it is itself, and have no limits. Nobody else is limited for it."""
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
            self.check(what, len(self.answers(text)) == 4, text)

    def swap(self):
        """Swap the whole zone while clients ask
        dnsperf and a checker that looks at each answer ask on while serial 2 is pushed, and serial 1, and 2 again.
        No query may be lost, and no answer may mix the two."""
        queries = self.rig.room / "queries"
        queries.write_text("".join(f"{number}.pool.example {kind}\n" for number in range(4) for kind in ("A", "AAAA")))
        dnsperf = ("dnsperf", "-s", rigs.POP_IPV4, "-d", str(queries), "-Q", str(RATE), "-l", "5")
        print(f"  client$ {' '.join(dnsperf)} &".replace(f"{self.rig.room}/", ""), flush=True)
        questions = [
            Question(NAME, rigs.CLIENT_OF[country], [pool.servers("0", country) for pool in self.pools.values()])
            for country in rigs.COUNTRIES
        ]
        load = Load(self.rig, RATE, questions)
        load.start()
        try:
            with subprocess.Popen(
                ["ip", "netns", "exec", self.rig.client, *dnsperf],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process:
                for serial in (2, 1, 2):
                    time.sleep(1)
                    zone = ("--zone", self.images[serial], "--sign", self.rig.room / KEY)
                    self.anytick("pop", "push", "--pop", self.rig.control, *zone)
                    self.check(f"the POP runs serial {serial}", self.running_serial() == serial)
                text = process.communicate()[0]
        finally:
            report = load.stop()
        lost = re.search(r"Queries lost: +(\d+)", text)
        self.check(f"dnsperf lost {lost[1] if lost else '?'} queries", lost and lost[1] == "0", text)
        print(f"           {report}")
        self.check("no query lost, no answer wrong or mixed", not (report.lost or report.wrong), "\n".join(report.wrong[:3]))
        self.check("answers came from both", len(report.of_pool) == 2)
        text = self.kdig("+short", "pool.example", "SOA")
        self.check("the zone's serial is 2 now", text.split()[2:3] == ["2"], text)
        text = self.kdig(NAME, "A", source=rigs.CLIENT_OF["jp"])
        self.check_drawn("Japan, of the new zone", text, self.pools[2].servers("0", "jp"))

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
        self.anytick("pop", "status", "--pop", self.rig.control)
        count = self.rig.counters()
        drops = sum(value for name, value in count.items() if name.startswith("drop_"))
        answered = count["dns_answered"] + count["ntp_answered"]
        whole = count["rx_frames"] + count["tcp_queries"] == answered + count["punted"] + drops
        self.check("all are counted once: answered, punted or dropped for a named reason", whole, str(count))

    def take(self):
        self.step(self.tables)
        if self.wrong:
            return
        asked = (self.by_source, self.by_subnet, self.vendor, self.block, self.explain, self.ipv6, self.negative)
        for stop in (self.push, *asked, self.policy, self.limits, self.swap, self.time, self.kernel):
            self.step(stop)
        self.step(self.status)


def start(options):
    """A rig with a running daemon, on the first device that works here."""
    programs = options.build / "control" / "anytick", options.build / "dataplane" / "io" / "anytickd"
    devices = [options.device] if options.device else rigs.DEVICES
    for device in devices:
        rig = rigs.Rig(*programs, device)
        try:
            rigs.run(rig.anytick, "key", "generate", "-o", rig.room / KEY)
            rig.sections = f'[trust]\nkeys = ["{(rig.room / KEY).with_suffix(".pub")}"]\n'
            rig.limit = LIMIT
            rig.start()
            print(f"==> anytickd answers on net_{device}, process {rig.daemon.pid} in namespace {rig.pop}", flush=True)
            return rig
        except rigs.RigError as fault:
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
        tour = Tour(rig, options.geo)
        tour.take()
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
