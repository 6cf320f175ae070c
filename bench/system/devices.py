"""What programs are fed by, each without a NIC. net_ring is not among them: all that a program sends there it receives
again, so that after the first pass a responder would be asked by its own replies."""

import contextlib
import json
import subprocess

import rig as rigs
from programs import SERVER, SERVER_MAC, Failed

# Shares of NTP. DNS is all of the sample pool's names with addresses, each as often as the others.
MIXES = {"DNS": 0.0, "NTP": 1.0, "DNS and NTP by halves": 0.5}
# Global unicast addresses, of which hardly two are of one /24: no rate limit is met.
CLIENTS = ("--sources", "128.0.0.0/2", "--source-bits", 30)
TIMEOUT = 2  # seconds after which a query is lost: more than this machine pauses
# Unanswered ones at a time: what a ring takes, at either end. What is due meanwhile is late, not lost.
WINDOW = 1024
CAPTURED = 4096


def _frames(place, mix):
    """Options of the generator: what is asked."""
    image = ("--image", place.tables / "pool.image")
    return (*image, "--server", SERVER, "--server-mac", SERVER_MAC, *CLIENTS, "--ntp", MIXES[mix])


def _words(*command):
    return [str(word) for word in command]


class Pcap:
    """net_pcap with infinite_rx: each frame of a capture is copied into an mbuf when it is received, and freed when it is
    sent. So there is no second core, and what is measured is the program alone."""

    name = "net_pcap"
    eal, inside, descriptors = (), (), 8192

    def __init__(self, place):
        self.place = place

    @contextlib.contextmanager
    def ready(self):
        for number, mix in enumerate(MIXES):
            write = ("--write-pcap", self._capture(number), "--count", CAPTURED)
            subprocess.run(_words(generator(self.place), *write, *_frames(self.place, mix)), check=True, stdout=2)
        yield

    def _capture(self, number):
        return self.place.room / f"{number}.pcap"

    def rate(self, program, mix, seconds):
        self.server = f"net_pcap0,rx_pcap={self._capture(list(MIXES).index(mix))},infinite_rx=1"
        with program.running(self):
            return program.own_rate(seconds)


class _Wire:
    """A device with the generator at its other end, on a core of its own."""

    inside, inside_clients = (), ()

    def __init__(self, place):
        self.place = place

    def start_asking(self, mix, seconds, rate=0, echo=False):
        port = ("--device", self.clients, "--core", self.place.spare, *self.generator_options)
        paced = ("--seconds", seconds, "--timeout", TIMEOUT, "--rate", rate, "--window", WINDOW)
        paced += ("--echo",) if echo else ()
        command = (*self.inside_clients, generator(self.place), *port, *paced, *_frames(self.place, mix))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(_words(*command), preexec_fn=rigs.end_with_parent, **pipes)

    @staticmethod
    def report(asking):
        """Of a generator that has ended or will."""
        out, said = asking.communicate()
        if asking.returncode != 0:
            raise Failed(f"anytick_load: exit {asking.returncode}\n{said}{out}")
        return json.loads(out)

    def rate(self, program, mix, seconds):
        """The most that comes back while so many are unanswered as the generator's window lets."""
        with program.running(self):
            report = self.report(self.start_asking(mix, seconds, echo=not program.answers))
        return report["answered"] / report["seconds"]


class Memif(_Wire):
    """net_memif: two processes share memory, and the receiver's side copies."""

    name = "net_memif"
    eal, descriptors = ("--single-file-segments",), 2048
    generator_options = ("--huge-pages",)

    def __init__(self, place):
        super().__init__(place)
        common = f"socket={place.room}/memif.sock,socket-abstract=no,bsize=2048,rsize=11"
        self.server, self.clients = f"net_memif0,role=server,{common}", f"net_memif0,role=client,{common}"

    @contextlib.contextmanager
    def ready(self):
        yield


class AfXdp(_Wire):
    """net_af_xdp on both ends of a veth pair between two namespaces: the kernel copies each frame, twice each way."""

    name = "net_af_xdp"
    eal, descriptors = (), 2048
    generator_options = ()

    @contextlib.contextmanager
    def ready(self):
        with rigs.Rig(None, None, port=rigs.Port(0, [], [], [])) as rig:
            port = rig.ports[0]
            self.inside = ("ip", "netns", "exec", rig.pop)
            self.inside_clients = ("ip", "netns", "exec", rig.client)
            self.server, self.clients = f"net_af_xdp0,iface={port.link}", f"net_af_xdp0,iface={port.peer}"
            yield


DEVICES = {device.name.removeprefix("net_"): device for device in (Pcap, Memif, AfXdp)}


def generator(place):
    return place.build / "bench" / "load" / "anytick_load"
