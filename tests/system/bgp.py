"""BIRD at both ends of a rig: the POP announces its service address to a router among the clients."""

import contextlib
import re
import time

import rig as rigs

ANNOUNCED = f"{rigs.POP_IPV4}/32"
START_SECONDS = 20

CONFIG = """\
router id {local};
protocol device {{ }}
protocol static {{ ipv4; {routes} }}
protocol bgp session {{
  local {local} as {local_as};
  neighbor {remote} as {remote_as};
  hold time 3;
  keepalive time 1;
  connect delay time 1;
  connect retry time 2;
  error wait time 1, 2;
  ipv4 {{ import all; export {export}; }};
}}
"""


class Speaker:
    """One BIRD, in a namespace of the rig."""

    def __init__(self, rig, namespace, name, **settings):
        self.rig, self.namespace = rig, namespace
        config = rig.room / f"{name}.conf"
        config.write_text(CONFIG.format(**settings))
        self.socket, self.log = rig.room / f"{name}.ctl", open(rig.room / f"{name}.log", "wb")
        command = ("bird", "-f", "-c", config, "-s", self.socket, "-P", rig.room / f"{name}.pid")
        self.process = rigs.start(namespace, *command, stdout=self.log, stderr=self.log)

    def ask(self, *words):
        done = rigs.run("birdc", "-s", self.socket, *words, check=False)
        return done.stdout

    def session(self):
        """(state, since) of the session, as BIRD says it; since is in seconds of the day."""
        text = self.ask("show", "protocols")
        found = re.search(r"^session +BGP +\S+ +\S+ +(\d+):(\d+):([\d.]+) +(.*)$", text, re.MULTILINE)
        if not found:
            return None, None
        return found[4].strip(), int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Session:
    """Both speakers, from entry to exit of a with statement."""

    def __init__(self, rig):
        self.rig = rig

    def __enter__(self):
        here = {"local": rigs.TWIN_IPV4, "local_as": 64500, "remote": rigs.CLIENT_IPV4, "remote_as": 64501}
        there = {"local": rigs.CLIENT_IPV4, "local_as": 64501, "remote": rigs.TWIN_IPV4, "remote_as": 64500}
        blackhole = f"route {ANNOUNCED} blackhole;"
        with contextlib.ExitStack() as speakers:
            self.pop = Speaker(self.rig, self.rig.pop, "pop", routes=blackhole, export="all", **here)
            speakers.callback(self.pop.stop)
            self.router = Speaker(self.rig, self.rig.client, "router", routes="", export="none", **there)
            speakers.callback(self.router.stop)
            self._speakers = speakers.pop_all()
        return self

    def __exit__(self, *_):
        self._speakers.close()

    def wait_until_established(self):
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up:
            state, since = self.router.session()
            if state == "Established":
                return since
            time.sleep(0.2)
        raise rigs.RigError(f"no BGP session after {START_SECONDS} s: {self.router.ask('show', 'protocols', 'all')}")

    def stayed_since(self, since):
        """BIRD works the time out anew each time, so that it may differ in the last digit. To lose the session and find it
        again takes more than a second."""
        state, now_since = self.router.session()
        return state == "Established" and min((now_since - since) % 86400, (since - now_since) % 86400) < 0.5

    def routes(self):
        return self.router.ask("show", "route")
