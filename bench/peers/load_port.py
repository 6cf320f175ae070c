"""The port of a rig that a load comes to, from many sources that are behind a gateway; port 0 is for what measures."""

import rig as rigs

SERVER_IPV4, GATEWAY = "198.51.100.53", "198.51.100.1"
SOURCES = "10.77.0.0/16"


def add(rig):
    rig.add_port(rigs.Port(1, [f"{SERVER_IPV4}/24"], ("10.77.255.254/16",), []))


def route(rig):
    """For a server that has the ports from its kernel: on the last core, with what is received for it."""
    # A NIC's interrupts would come to the server's core, too, and replies to the clients'.
    for namespace, core, end in ((rig.pop, rig.worker_cores[0], "link"), (rig.client, rig.control_cores[0], "peer")):
        for port in rig.ports:
            _steer(namespace, getattr(port, end), core)
    load = rig.ports[1]
    for command in (
        ("neigh", "replace", GATEWAY, "lladdr", load.client_mac, "dev", load.link),
        ("route", "add", SOURCES, "via", GATEWAY, "dev", load.link),
    ):
        rigs.run("ip", "-n", rig.pop, *command)


def _steer(namespace, link, core):
    command = f"mount -t sysfs sysfs /sys; echo {1 << core:x} > /sys/class/net/{link}/queues/rx-0/rps_cpus"
    rigs.run("ip", "netns", "exec", namespace, "sh", "-c", command)
