"""The servers that are compared as to NTP, each alone in the namespaces of a rig and on the last core, which is that of
anytickd's worker. All tell the time of this machine's one clock as their own, and none may set it.

Port 0 is for a chronyd that measures, port 1 for the load, whose sources are behind its gateway.
"""

import contextlib
import re
import time

import load_port
import ntp_clients
import rig as rigs
import servers


class _Measured:
    def _wait_until_it_answers(self):
        give_up = time.monotonic() + rigs.START_SECONDS
        while True:
            with contextlib.suppress(ntp_clients.Refused, OSError):
                answer = ntp_clients.ntplib(self, rigs.POP_IPV4, timeout=0.3)
                if answer.stratum and answer.leap != 3:
                    return
            if self.daemon.poll() is not None or time.monotonic() > give_up:
                raise rigs.RigError(f"{self.title} does not answer:\n{self.log_text()}")
            time.sleep(0.1)


class Anytick(_Measured, rigs.Rig):
    def __init__(self, anytick, anytickd, device):
        super().__init__(anytick, anytickd, device, idle="spin")
        self.title = f"anytickd, {device}"
        self.limit = 'mode = "off"\n'
        load_port.add(self)

    def start(self):
        super().start()
        self._wait_until_it_answers()

    def version(self):
        return ""


class Peer(_Measured, servers.PeerRig):
    def __init__(self):
        super().__init__()
        load_port.add(self)
        load_port.route(self)

    def start(self):
        command = ("taskset", "-c", self.worker_cores[0], *ntp_clients.fenced(*self.configure()))
        self._spawn(*command)
        self._wait_until_it_answers()


class Chrony(Peer):
    title = "chronyd"

    def configure(self):
        config = self.room / "chrony.conf"
        config.write_text(f"local stratum 1\nallow all\ncmdport 0\nbindcmdaddress /\npidfile {self.room}/pid\n")
        return ntp_clients.programs() / "chronyd", "-x", "-d", "-u", "root", "-f", config

    def version(self):
        return rigs.run(ntp_clients.programs() / "chronyd", "--version").stdout.split()[3]


class Ntpsec(Peer):
    title = "ntpsec"

    def configure(self):
        config = self.room / "ntp.conf"
        # Else its default of one request in some seconds of each address would be measured.
        config.write_text(f"""\
disable ntp
disable kernel
unrestrict default limited
tos orphan 1 orphanwait 0
driftfile {self.room}/drift
""")
        return ntp_clients.programs() / "ntpd", "-n", "-N", "-c", config

    def version(self):
        shown = rigs.run(ntp_clients.programs() / "ntpd", "--version").stdout
        return re.search(r"ntpsec-(\S+)", shown)[1]


PEERS = (Chrony, Ntpsec)
