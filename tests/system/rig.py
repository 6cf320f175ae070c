"""A POP and its clients on this machine alone: two network namespaces of its own making joined by a veth pair.

Used by the system tests and by scripts/run. Needs root. Everything it makes is gone when a Rig is closed, and so is whatever
runs in its namespaces; this also happens on SIGINT, SIGTERM and SIGHUP. What a killed process left behind is removed by the
next Rig.
"""

import atexit
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

POP_IPV4 = "192.0.2.53"
POP_IPV6 = "2001:db8:53::53"
CLIENT_IPV4 = "192.0.2.1"
CLIENT_IPV6 = "2001:db8:53::1"
POP_MAC = "02:00:00:00:00:53"
DEVICES = ("af_xdp", "af_packet")
# The port's twin in the POP's kernel, which has addresses of its own in the networks of the clients below.
TWIN = "at0"
TWIN_IPV4 = "192.0.2.54"
TWIN_ADDRESSES = (f"{TWIN_IPV4}/24", "10.53.0.254/16", "2001:db8:5300::254/48")

# Clients that are in a country by the operator's word: the overrides below are compiled into the geo map.
COUNTRIES = ("jp", "us", "de", "br", "ng")
CLIENT_OF = {country: f"10.53.{number}.1" for number, country in enumerate(COUNTRIES, 1)}
CLIENT6_OF = {country: f"2001:db8:5300:{number}::1" for number, country in enumerate(COUNTRIES, 1)}
OVERRIDES = "".join(
    f"10.53.{number}.0/24 country={country}\n2001:db8:5300:{number}::/64 country={country}\n"
    for number, country in enumerate(COUNTRIES, 1)
)

# AF_PACKET sockets have their copy before.
DROP_ALL = (
    "add table netdev anytick;"
    " add chain netdev anytick {link} {{ type filter hook ingress device {link} priority 0; policy drop; }}"
)

# Names of ours, with the process that they are of. A room is one only with its marker in it.
NAMESPACE = re.compile(r"anytick-(\d+)-(?:\w+-)?(?:pop|client|station)")
ROOM = re.compile(r"anytick-(\d+)-\w{8}")
MARKER = ".anytick-rig"

START_SECONDS = 60
STOP_SECONDS = 20
END_SECONDS = 3

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
# A small machine that does not run the worker for a while shall lose no query by it: at the 2,000 a second of these tests
# this is four seconds. (The AF_XDP driver hands the kernel 2,048 frames at most, whatever is asked: one second.)
RX_DESCRIPTORS = 8192
_SO_RCVBUFFORCE = 33


class RigError(Exception):
    """The rig could not do what was asked; the text says what was tried and what came of it."""


def run(*command, check=True, **options):
    """Runs a command to its end and returns it with its output."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise RigError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return done


def end_with_parent():
    """For a child, before it becomes its program: should this process be killed, nobody else would stop it."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(namespace, *command, prepare=end_with_parent, **options):
    """A process in `namespace`, which does not outlive this one. It is that of the command, not of an `ip` around it."""
    words = ["ip", "netns", "exec", namespace, *(str(part) for part in command)]
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, preexec_fn=prepare, **options)


def exit_on_signals():
    """SIGTERM and SIGHUP are exceptions from now on, so that whatever was made is undone."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))


def _enter(namespace_file):
    if _libc.setns(namespace_file.fileno(), _CLONE_NEWNET) != 0:
        raise RigError(f"setns {namespace_file.name}: {os.strerror(ctypes.get_errno())}")


@contextlib.contextmanager
def inside(namespace):
    """The calling thread is in `namespace`; a socket that it opens stays there for good."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        _enter(there)
        try:
            yield
        finally:
            _enter(home)


class Port:
    """A port of the daemon: a veth pair from the POP's `link` to the clients' `peer`, each with its addresses."""

    def __init__(self, number, addresses, twin_addresses, client_addresses):
        self.number, self.link, self.peer, self.twin = number, f"pop{number}", f"client{number}", f"at{number}"
        self.mac, self.client_mac = f"02:00:00:00:{number:02x}:53", f"02:00:00:00:{number:02x}:01"
        self.addresses, self.twin_addresses, self.client_addresses = addresses, twin_addresses, client_addresses
        self.options = ""  # further lines of its [[port]], which may name another "kernel"

    def config(self, device):
        twin = f'kernel = "{self.twin}"\nkernel_addresses = {json.dumps(self.twin_addresses)}\n'
        return f"""
[[port]]
device = "net_{device}{self.number},iface={self.link}"
addresses = {json.dumps(self.addresses)}
rx_descriptors = {RX_DESCRIPTORS}
{self.options if "kernel =" in self.options else twin + self.options}
"""


def _first_port():
    clients = [f"{CLIENT_IPV4}/24", f"{CLIENT_IPV6}/64"]
    clients += [f"{address}/32" for address in CLIENT_OF.values()]
    clients += [f"{address}/128" for address in CLIENT6_OF.values()]
    return Port(0, [f"{POP_IPV4}/24", f"{POP_IPV6}/64"], TWIN_ADDRESSES, clients)


class Rig:
    def __init__(self, anytick, anytickd, device="af_xdp", idle="sleep", port=None, name=""):
        """`anytick` and `anytickd` are paths of the programs; `device` is one of DEVICES; `port` is its first; `name`
        is another one for each rig that is there at a time."""
        if os.geteuid() != 0:
            raise RigError("needs root: it makes network namespaces")
        self.anytick, self.anytickd, self.device, self.idle = anytick, anytickd, device, idle
        self.pop, self.client, self.station = (f"anytick-{os.getpid()}-{name}{end}" for end in ("pop", "client", "station"))
        self.daemon = None
        self.ports = []
        self.sections = ""  # further tables of pop.toml
        # Tests ask from one address what a pool is asked from many.
        self.limit = 'allow = ["0.0.0.0/0", "::/0"]\nreply_ratio = 0\n'
        # Nobody disciplines this machine's clock, but it is told as if it were right.
        self.clock = 'laboratory = true\nsource = "fixed"\nstratum = 1\nrefid = "LAB"\n'
        cores = sorted(os.sched_getaffinity(0))
        self.control_cores, self.worker_cores = cores[:1], cores[-1:]
        self.room = Path(tempfile.mkdtemp(prefix=f"anytick-{os.getpid()}-"))
        (self.room / MARKER).touch()
        self.log = self.room / "anytickd.log"
        self.control = f"unix:{self.room}/pop.sock"
        self.state = self.room / "state"
        self._closed = False
        atexit.register(self.close)
        exit_on_signals()
        try:
            _remove_leftovers()
            self._make_network(port or _first_port())
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stops the daemon and removes the namespaces. Safe to call again."""
        if self._closed:
            return
        self._closed = True
        try:
            self.stop()
        finally:
            for namespace in (self.pop, self.client, self.station):
                _remove_namespace(namespace)
            shutil.rmtree(self.room, ignore_errors=True)

    def _make_network(self, port):
        for namespace in (self.pop, self.client):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            # Router solicitations are noise.
            self._tune_ipv6(namespace, "default", router_solicitations=0)
        # A tentative address cannot be used for its first second.
        self._tune_ipv6(self.client, "default", accept_dad=0)
        self.add_port(port)

    def add_port(self, port):
        """Makes the port's veth pair; the daemon has it from its next start on."""
        run(
            *("ip", "-n", self.pop, "link", "add", port.link, "address", port.mac, "type", "veth"),
            *("peer", "name", port.peer, "address", port.client_mac, "netns", self.client),
        )
        self._prepare_link(port)
        # A veth sender leaves checksums to a device that is not there, and merges or splits what it sends.
        for namespace, link in ((self.pop, port.link), (self.client, port.peer)):
            self._in(namespace, "ethtool", "-K", link, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            run("ip", "-n", namespace, "link", "set", link, "up")
        for address in port.client_addresses:
            run("ip", "-n", self.client, "address", "add", address, "dev", port.peer)
        self.ports.append(port)

    def _prepare_link(self, port):
        """Before the link is up. With AF_PACKET the kernel sees every frame twice: here, where it must not answer any,
        and at the twin."""
        self._tune_ipv6(self.pop, port.link, disable_ipv6=1)
        self._in(self.pop, "nft", DROP_ALL.format(link=port.link))

    @staticmethod
    def _tune_ipv6(namespace, link, **settings):
        with inside(namespace):
            for name, value in settings.items():
                Path(f"/proc/sys/net/ipv6/conf/{link}/{name}").write_text(f"{value}\n")

    def _in(self, namespace, *command, **options):
        return run("ip", "netns", "exec", namespace, *command, **options)

    def as_client(self, *command, **options):
        """Runs a command where the clients are."""
        return self._in(self.client, *command, **options)

    def as_pop(self, *command, **options):
        """Runs a command where the POP's kernel is."""
        return self._in(self.pop, *command, **options)

    def client_socket(self, source, receive_bytes=0, stream=False, server=None, port=53):
        """A UDP or TCP socket of the client address `source`, connected to the POP's `port`, or to that of `server`."""
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        with inside(self.client):
            opened = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
        if receive_bytes:
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, receive_bytes)
        opened.bind((source, 0))
        opened.connect((server or (POP_IPV6 if family == socket.AF_INET6 else POP_IPV4), port))
        return opened

    # The daemon

    def write_config(self):
        text = f"""\
name = "rig"
state_dir = "{self.state}"
control = "{self.control}"

[eal]
huge_pages = "auto"
control_cores = {self.control_cores}

[workers]
cores = {self.worker_cores}
idle = "{self.idle}"

[limit]
{self.limit}
[clock]
{self.clock}
{self.sections}"""
        text += "".join(port.config(self.device) for port in self.ports)
        path = self.room / "pop.toml"
        path.write_text(text)
        return path

    def start(self):
        """Starts the daemon and returns when its workers poll."""
        config = self.write_config()
        seen = self.log.stat().st_size if self.log.exists() else 0
        self._spawn(self.anytickd, "--config", config)
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up:
            text = self.log.read_bytes()[seen:].decode(errors="replace")
            if re.search(r"\bready\b", text):
                return
            if self.daemon.poll() is not None:
                raise RigError(f"anytickd ended at once (exit {self.daemon.returncode}):\n{text}")
            time.sleep(0.05)
        raise RigError(f"anytickd was not ready after {START_SECONDS} s:\n{text}")

    def _spawn(self, *command):
        """The daemon is this command in the POP's namespace; what it says is added to the log."""
        with open(self.log, "ab") as log:
            self.daemon = start(self.pop, *command, prepare=_prepare_daemon, stdout=log, stderr=log)

    def stop(self):
        """Stops the daemon; returns its exit status, or None if it was not running."""
        if self.daemon is None:
            return None
        daemon, self.daemon = self.daemon, None
        daemon.terminate()
        try:
            return daemon.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            raise RigError(f"anytickd did not stop within {STOP_SECONDS} s of SIGTERM") from None
        finally:
            # A process that was killed may have left its program on the link.
            for port in self.ports:
                run("ip", "-n", self.pop, "link", "set", port.link, "xdp", "off", check=False)

    def signal(self, number):
        """Of the daemon, which runs in place of the `ip` that brought it into its namespace."""
        self.daemon.send_signal(number)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # The operator's side

    def push(self, zone=None, geo=None, check=True, options=()):
        """`anytick pop push`; returns the finished command."""
        tables = [*(("--zone", zone) if zone else ()), *(("--geo", geo) if geo else ())]
        return run(self.anytick, "pop", "push", "--pop", self.control, *tables, *options, check=check)

    def status(self):
        return json.loads(run(self.anytick, "pop", "status", "--json", "--pop", self.control).stdout)

    def counters(self):
        """The totals of all workers, by name."""
        return self.status()["counters"]

    def compile_geo(self, database, output, overrides=OVERRIDES):
        text = self.room / "overrides.txt"
        text.write_text(overrides)
        run(self.anytick, "geo", "compile", "--mmdb", database, "--override", text, "-o", output)
        return output

    def compile_zone(self, *sources, output, serial=None):
        stated = ("--serial", serial) if serial is not None else ()
        run(self.anytick, "zone", "compile", *sources, "-o", output, *stated)
        return output


def _prepare_daemon():
    """In the daemon's process, before it is one."""
    end_with_parent()
    # A POP's workers have their cores to themselves; here they share them with whatever else runs.
    os.setpriority(os.PRIO_PROCESS, 0, -20)


def _namespaces():
    """None at all where `ip` fails: who makes one is told why."""
    return [line.split()[0] for line in run("ip", "netns", "list", check=False).stdout.splitlines() if line]


def _end_all_in(namespace):
    """Ends what runs there, by force if need be: its sockets would keep the namespace and its links alive."""
    give_up = time.monotonic() + END_SECONDS
    while found := set(map(int, run("ip", "netns", "pids", namespace, check=False).stdout.split())) - {os.getpid()}:
        late = time.monotonic() > give_up
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        if time.monotonic() > give_up + END_SECONDS:
            return  # not even by that: it is in the kernel's hands
        time.sleep(0.05)


def _remove_namespace(namespace):
    if namespace in _namespaces():
        _end_all_in(namespace)
        run("ip", "netns", "del", namespace, check=False)


def _remove_leftovers():
    def is_left(name, pattern):
        found = pattern.fullmatch(name)
        return found and not os.path.exists(f"/proc/{found[1]}")

    for name in _namespaces():
        if is_left(name, NAMESPACE):
            _remove_namespace(name)
    for room in Path(tempfile.gettempdir()).iterdir():
        if is_left(room.name, ROOM) and not room.is_symlink() and (room / MARKER).is_file():
            shutil.rmtree(room, ignore_errors=True)
