"""The servers that are compared as to DNS under load, each alone in the namespaces of a rig and on the last core. anytickd
answers from the sample pool, by country and weight; the others from four records of each name, which is less work."""

import load_port
import rig as rigs
import servers


class Anytick(rigs.Rig):
    packages = ()

    def __init__(self, anytick, anytickd, device, tables):
        super().__init__(anytick, anytickd, device, idle="spin")
        self.title, self.tables = f"anytickd, {device}", tables
        # As with the others: all the sources that there are share 256 prefixes, which would be over their rates.
        self.limit = 'mode = "off"\n'
        load_port.add(self)

    def start(self):
        super().start()
        self.push(self.tables / "pool.image", self.tables / "country.map")

    def version(self):
        return ""


class _Loaded:
    """A server beside anytickd, with the pool's names and a port for the load."""

    def __init__(self, zone):
        self.zone = zone
        super().__init__()
        load_port.add(self)
        load_port.route(self)

    def _spawn(self, *command):
        super()._spawn("taskset", "-c", self.worker_cores[0], *command)


class Knot(_Loaded, servers.Knot):
    def configure(self):
        command = super().configure()
        self._listen_at_load(self.room / "knot.conf", f"{rigs.POP_IPV6}@53", f", {load_port.SERVER_IPV4}@53")
        return command

    @staticmethod
    def _listen_at_load(config, after, more):
        config.write_text(config.read_text().replace(after, after + more, 1))


class KnotXdp(Knot):
    title = "knot, XDP"

    def configure(self):
        command = super().configure()
        config = self.room / "knot.conf"
        config.write_text(config.read_text() + f"xdp:\n  listen: {self.ports[1].link}@53\n")
        return command


class Nsd(_Loaded, servers.Nsd):
    def configure(self):
        command = super().configure()
        config = self.room / "nsd.conf"
        line = f"  ip-address: {rigs.POP_IPV6}\n"
        more = f"{line}  ip-address: {load_port.SERVER_IPV4}\n  minimal-responses: yes\n"
        config.write_text(config.read_text().replace(line, more, 1))
        return command


class Gdnsd(_Loaded, servers.Gdnsd):
    def configure(self):
        command = super().configure()
        config = self.room / "gdnsd" / "config"
        config.write_text(config.read_text().replace("listen => [", f"listen => [{load_port.SERVER_IPV4}, ", 1))
        return command


class Pdns(_Loaded, servers.Pdns):
    def configure(self):
        command = super().configure()
        config = self.room / "pdns.conf"
        config.write_text(
            config.read_text().replace("local-address=", f"local-address={load_port.SERVER_IPV4}, ", 1)
            + "receiver-threads=1\ndistributor-threads=1\nreuseport=no\n"
        )
        return command


class Bind(_Loaded, servers.PeerRig):
    title = "bind9"
    packages = ("bind9",)

    def configure(self):
        config = self.room / "named.conf"
        config.write_text(f"""\
options {{
  directory "{self.room}";
  pid-file "{self.room}/named.pid";
  session-keyfile "{self.room}/session.key";
  listen-on {{ {rigs.POP_IPV4}; {load_port.SERVER_IPV4}; }};
  listen-on-v6 {{ {rigs.POP_IPV6}; }};
  recursion no;
  allow-query {{ any; }};
  minimal-responses yes;
}};
controls {{ }};
zone "{self.zone.ORIGIN}" {{ type primary; file "{self.zone.ORIGIN}.zone"; }};
""")
        return "named", "-f", "-n", "1", "-c", config


PEERS = (KnotXdp, Knot, Nsd, Gdnsd, Pdns, Bind)
