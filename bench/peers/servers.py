"""The servers that are compared, each alone in the namespaces of a rig, at the same addresses.

A server's optional behaviours (cookies, client subnet, NSID, CHAOS) are switched on where it has them; all else is as
its package has it.
"""

import sys
import time
from pathlib import Path

import rig as rigs
import wire
import zone as small_zone

COOKIE_SECRET = bytes(range(0x10, 0x20))
# For NSID and id.server: a server may have one setting for both.
HOSTNAME = "peers-host"
VERSION = "peers-version"


def wanted(only, known):
    """The titles of --only, or all that are known; ends the program where one is not."""
    unknown = [title for title in only or () if title not in known]
    if unknown:
        sys.exit(f"{Path(sys.argv[0]).name}: no server {unknown[0]!r}: {', '.join(known)}")
    return only or list(known)


class AnytickRig(rigs.Rig):
    """anytickd, with the zone and the cookie secret pushed to it."""

    title = "anytickd"

    def start(self):
        self.sections = f'[identity]\nnsid = "{HOSTNAME}"\nhostname = "{HOSTNAME}"\nversion = "{VERSION}"\n'
        super().start()
        source = self.room / f"{small_zone.ORIGIN}.json"
        source.write_text(small_zone.geodns())
        secrets = self.room / "secrets.toml"
        secrets.write_text(f'[[cookie]]\nkey = "{COOKIE_SECRET.hex()}"\nstate = "active"\n')
        secrets.chmod(0o600)
        self.push(self.compile_zone(source, output=self.room / "zone.image"), options=("--secrets", secrets))

    def version(self):
        return ""


class PeerRig(rigs.Rig):
    """A server that has the service addresses from its kernel."""

    title = None
    packages = ()
    # What it answers: ORIGIN, master_file(), and a name PROBE that has an A record.
    zone = small_zone

    def __init__(self):
        super().__init__(None, None)

    def _prepare_link(self, port):
        self._tune_ipv6(self.pop, port.link, accept_dad=0)
        for address in port.addresses:
            rigs.run("ip", "-n", self.pop, "address", "add", address, "dev", port.link)

    def configure(self):
        """Writes the configuration into the room and returns the command."""
        raise NotImplementedError

    def start(self):
        # Servers give up root: what is in the room is theirs to read.
        self.room.chmod(0o755)
        (self.room / f"{self.zone.ORIGIN}.zone").write_text(self.zone.master_file())
        self._spawn(*self.configure())
        give_up = time.monotonic() + rigs.START_SECONDS
        while not self._answers():
            if self.daemon.poll() is not None or time.monotonic() > give_up:
                raise rigs.RigError(f"{self.title} does not answer:\n{self.log_text()}")
            time.sleep(0.1)

    def _answers(self):
        with self.client_socket(rigs.CLIENT_IPV4) as opened:
            opened.settimeout(0.3)
            opened.send(wire.ask(f"{self.zone.PROBE}.{self.zone.ORIGIN}"))
            try:
                return wire.Reply(opened.recv(65535)).rcode == wire.NOERROR
            except (TimeoutError, ConnectionRefusedError):
                return False

    def version(self):
        shown = rigs.run("dpkg-query", "--show", "--showformat=${Version}", self.packages[0]).stdout
        return shown.split("-")[0]


class Knot(PeerRig):
    title = "knot"
    packages = ("knot",)

    def configure(self):
        config = self.room / "knot.conf"
        config.write_text(f"""\
server:
  listen: [{rigs.POP_IPV4}@53, {rigs.POP_IPV6}@53]
  rundir: {self.room}
  identity: {HOSTNAME}
  version: {VERSION}
  nsid: {HOSTNAME}
  edns-client-subnet: on
  udp-workers: 1
  tcp-workers: 1
database:
  storage: {self.room}
log:
  - target: stderr
    any: warning
mod-cookies:
  - id: default
    secret: 0x{COOKIE_SECRET.hex()}
template:
  - id: default
    storage: {self.room}
    file: "%s.zone"
    zonefile-load: whole
    journal-content: none
    global-module: mod-cookies/default
zone:
  - domain: {self.zone.ORIGIN}
""")
        return "knotd", "--config", config


class Nsd(PeerRig):
    title = "nsd"
    packages = ("nsd",)

    def configure(self):
        config = self.room / "nsd.conf"
        config.write_text(f"""\
server:
  ip-address: {rigs.POP_IPV4}
  ip-address: {rigs.POP_IPV6}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{self.room}"
  database: ""
  zonelistfile: "{self.room}/zone.list"
  xfrdfile: "{self.room}/xfrd.state"
  xfrdir: "{self.room}"
  pidfile: "{self.room}/nsd.pid"
  identity: "{HOSTNAME}"
  version: "{VERSION}"
  nsid: "ascii_{HOSTNAME}"
  rrl-ratelimit: 0
  refuse-any: yes
  answer-cookie: yes
  cookie-secret: "{COOKIE_SECRET.hex()}"
  cookie-secret-file: "{self.room}/cookies"
remote-control:
  control-enable: no
zone:
  name: {self.zone.ORIGIN}
  zonefile: {self.zone.ORIGIN}.zone
""")
        return "nsd", "-d", "-c", config


class Gdnsd(PeerRig):
    title = "gdnsd"
    packages = ("gdnsd",)

    def configure(self):
        home = self.room / "gdnsd"
        for directory in ("zones", "run", "state"):
            (home / directory).mkdir(parents=True, exist_ok=True)
        (home / "config").write_text(f"""\
options => {{
  listen => [{rigs.POP_IPV4}, "{rigs.POP_IPV6}"],
  run_dir => {home}/run,
  state_dir => {home}/state,
  udp_threads => 1,
  tcp_threads => 1,
  nsid_ascii => "{HOSTNAME}",
  chaos_response => "{VERSION}",
}}
""")
        (home / "zones" / self.zone.ORIGIN).write_text(self.zone.master_file())
        return "gdnsd", "-c", home, "start"


class Pdns(PeerRig):
    title = "pdns"
    packages = ("pdns-server", "pdns-backend-bind")

    def configure(self):
        zones = self.room / "zones.conf"
        zones.write_text(
            f'zone "{self.zone.ORIGIN}" {{ type master; file "{self.room}/{self.zone.ORIGIN}.zone"; }};\n'
        )
        (self.room / "pdns.conf").write_text(f"""\
launch=bind
bind-config={zones}
local-address={rigs.POP_IPV4}, {rigs.POP_IPV6}
socket-dir={self.room}
daemon=no
guardian=no
server-id={HOSTNAME}
version-string={VERSION}
edns-subnet-processing=yes
edns-cookie-secret={COOKIE_SECRET.hex()}
""")
        return "pdns_server", f"--config-dir={self.room}", "--disable-syslog"


PEERS = (Knot, Nsd, Gdnsd, Pdns)
