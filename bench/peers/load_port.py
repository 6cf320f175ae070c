"""The port of a rig that a load comes to, from many sources that are behind a gateway; port 0 is for what measures.

What the kernel does with a frame that veth delivers is work of the core that sent it: of the generator's for queries, of
the server's for replies. That is so for all servers alike, by AF_XDP, AF_PACKET and sockets; steering it for some of them
(RPS) would be a comparison of something else.
"""

import rig as rigs

SERVER_IPV4, GATEWAY = "198.51.100.53", "198.51.100.1"
SOURCES = "10.77.0.0/16"
CLIENT = "10.77.0.1"  # of them, that the kernel has


def add(rig):
    rig.add_port(rigs.Port(1, [f"{SERVER_IPV4}/24"], ("10.77.255.254/16",), []))


def route(rig):
    """For a server that has the ports from its kernel."""
    load = rig.ports[1]
    _reach(rig.pop, GATEWAY, load.client_mac, load.link)
    rigs.run("ip", "-n", rig.pop, "route", "replace", SOURCES, "via", GATEWAY, "dev", load.link)


def route_client(rig):
    """For a program that asks there by sockets, and no program on the link is before it."""
    load = rig.ports[1]
    for command in (
        ("link", "set", load.peer, "xdp", "off"),
        ("address", "replace", f"{CLIENT}/32", "dev", load.peer),
        ("route", "replace", SERVER_IPV4, "dev", load.peer, "src", CLIENT),
    ):
        rigs.run("ip", "-n", rig.client, *command)
    _reach(rig.client, SERVER_IPV4, load.mac, load.peer)


def _reach(namespace, address, mac, link):
    rigs.run("ip", "-n", namespace, "neigh", "replace", address, "lladdr", mac, "dev", link)
