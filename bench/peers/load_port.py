"""The port of a rig that a load comes to, from many sources that are behind a gateway; port 0 is for what measures.

What the kernel does with a frame that veth delivers is work of the core that sent it: of the generator's for queries, of
the server's for replies. That is so for all servers alike, by AF_XDP, AF_PACKET and sockets; steering it for some of them
(RPS) would be a comparison of something else.
"""

import rig as rigs

SERVER_IPV4, GATEWAY = "198.51.100.53", "198.51.100.1"
SOURCES = "10.77.0.0/16"


def add(rig):
    rig.add_port(rigs.Port(1, [f"{SERVER_IPV4}/24"], ("10.77.255.254/16",), []))


def route(rig):
    """For a server that has the ports from its kernel."""
    load = rig.ports[1]
    for command in (
        ("neigh", "replace", GATEWAY, "lladdr", load.client_mac, "dev", load.link),
        ("route", "add", SOURCES, "via", GATEWAY, "dev", load.link),
    ):
        rigs.run("ip", "-n", rig.pop, *command)
