"""NTP programs of others in the namespaces of a rig: clients that are asked what they make of a server, and chronyd as a
client that goes on asking, or as a server. None of them can set the clock: they run without the capability to.
"""

import dataclasses
import functools
import json
import re
import statistics
import subprocess
import time
from pathlib import Path

import rig as rigs

REPOSITORY = Path(__file__).resolve().parent.parent.parent
FENCE = ("setpriv", "--bounding-set", "-sys_time", "--inh-caps", "-sys_time")
PORT = 123
START_SECONDS = 10


class Refused(rigs.RigError):
    """The client did not take what it was answered, or was not answered; the text is the client's."""


@dataclasses.dataclass
class Answer:
    """What a client says of a server; None where it does not say."""

    offset: float  # seconds that the server is ahead of this machine
    delay: float = None  # seconds, there and back
    stratum: int = None
    leap: int = None
    text: str = ""


@functools.cache
def programs():
    """The directory of scripts/fetch_ntp."""
    return Path(rigs.run(REPOSITORY / "scripts" / "fetch_ntp").stdout.strip())


def fenced(*command):
    return (*FENCE, *(str(part) for part in command))


def chronyd_command(config, *options):
    # -x: no control of the clock, which it would not be granted anyway.
    return fenced(programs() / "chronyd", "-x", "-d", "-u", "root", *options, "-f", config)


# Clients that ask once. Each takes the rig, the server's address and a timeout in seconds.


def chronyd(rig, server, timeout=5, options=""):
    """`chronyd -Q`; `options` are further ones of its server line."""
    lines = [f"server {server} iburst maxsamples 1 {options}", "cmdport 0", f"pidfile {rig.room}/chronyd-once.pid"]
    command = fenced(programs() / "chronyd", "-Q", "-u", "root", "-t", timeout, *lines)
    done = rig.as_client(*command, check=False)
    text = done.stdout + done.stderr
    found = re.search(r"System clock wrong by (\S+) seconds", text)
    if done.returncode != 0 or not found:
        raise Refused(text)
    return Answer(float(found[1]), text=found[0])


LEAPS = {"no-leap": 0, "add-leap": 1, "del-leap": 2, "unsync": 3}


def ntpdig(rig, server, timeout=5):
    done = rig.as_client(*fenced("/usr/bin/python3", programs() / "ntpdig", "-j", "-t", timeout, server), check=False)
    if done.returncode != 0 or not done.stdout.startswith("{"):
        raise Refused(done.stdout + done.stderr)
    said = json.loads(done.stdout)
    return Answer(said["offset"], stratum=said["stratum"], leap=LEAPS[said["leap"]], text=done.stdout.strip())


def ntpdate(rig, server, timeout=5):
    path = f"PATH={programs()}:/usr/bin:/bin"
    done = rig.as_client(*fenced("env", path, "sh", programs() / "ntpdate", "-q", "-t", timeout, server), check=False)
    found = re.search(r" ([+-]\d+\.\d+) \+/- \d+\.\d+ \S+ s(\d+) (\S+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not found:
        raise Refused(done.stdout + done.stderr)
    return Answer(float(found[1]), stratum=int(found[2]), leap=LEAPS[found[3]], text=done.stdout.strip())


def ntplib(rig, server, timeout=5):
    """The library reports whatever comes: who uses it judges leap and stratum."""
    import ntplib as library

    with rigs.inside(rig.client):
        try:
            reply = library.NTPClient().request(server, version=4, port=PORT, timeout=timeout)
        except library.NTPException as fault:
            raise Refused(str(fault)) from None
    return Answer(reply.offset, reply.delay, reply.stratum, reply.leap)


CLIENTS = (chronyd, ntpdig, ntpdate, ntplib)


# chronyd that stays.


@dataclasses.dataclass
class Sample:
    offset: float  # seconds that the server is ahead of this machine
    delay: float
    interleaved: bool
    accepted: bool  # by all of chronyd's tests of packets


class Chronyd:
    """chronyd -x in a namespace of the rig, from `start` to `stop`; `lines` are its configuration, besides where it
    keeps its things."""

    def __init__(self, rig, namespace, name, lines, core=None):
        self.room = rig.room / name
        self.room.mkdir(mode=0o700, exist_ok=True)
        self.namespace, self.core, self.process = namespace, core, None
        self.socket, self.log = self.room / "chronyd.sock", self.room / "log"
        self.config = self.room / "chrony.conf"
        self.config.write_text(
            f"{lines}\ncmdport 0\nbindcmdaddress {self.socket}\npidfile {self.room}/pid\n"
            f"logdir {self.room}\nlog measurements\n"
        )

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        command = chronyd_command(self.config)
        if self.core is not None:
            command = ("taskset", "-c", self.core, *command)
        self._measurements().unlink(missing_ok=True)  # chronyd would add to it
        with open(self.log, "wb") as log:
            self.process = rigs.start(self.namespace, *command, stdout=log, stderr=log)
        give_up = time.monotonic() + START_SECONDS
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise rigs.RigError(f"chronyd did not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    def stop(self):
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(rigs.STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def chronyc(self, *words):
        command = (programs() / "chronyc", "-n", "-h", self.socket, *words)
        return rigs.run("ip", "netns", "exec", self.namespace, *command).stdout

    def ntpdata(self):
        """What `chronyc ntpdata` says of the one source, by the names that it gives them."""
        lines = (line.split(":", 1) for line in self.chronyc("ntpdata").splitlines() if ":" in line)
        return {name.strip(): value.strip() for name, value in lines}

    def _measurements(self):
        return self.room / "measurements.log"

    def samples(self):
        """What was measured since the start, from the log: chrony.conf(5), log measurements."""
        file = self._measurements()
        found = []
        for line in file.read_text().splitlines() if file.exists() else ():
            words = line.split()
            if len(words) < 18 or words[0] == "Date" or line.startswith("="):
                continue
            tests = words[5] + words[6]  # of the packet; the third group is of how it compares with others
            interleaved = words[17].endswith("I")
            found.append(Sample(float(words[11]), float(words[12]), interleaved, "0" not in tests))
        return found

    def wait_for_samples(self, count, seconds):
        """The last `count` of more than these, or RigError."""
        give_up = time.monotonic() + seconds
        while len(samples := self.samples()) < count:
            if time.monotonic() > give_up:
                raise rigs.RigError(f"{len(samples)} samples in {seconds} s:\n{self.chronyc('ntpdata')}")
            time.sleep(0.1)
        return samples[-count:]


def client(rig, server, name="chronyd-client", options="", lines="", core=None):
    """chronyd that asks `server` 64 times a second; `options` are further ones of its server line.

    It only measures: even with -x, what it selects corrects a clock of its own that samples are compared with then.
    """
    return Chronyd(rig, rig.client, name, f"server {server} minpoll -6 maxpoll -6 noselect {options}\n{lines}", core)


def quantiles(samples):
    """Median and 90th percentile of the absolute offsets, seconds."""
    offsets = sorted(abs(sample.offset) for sample in samples)
    return statistics.median(offsets), offsets[len(offsets) * 9 // 10]
