"""What every test program here needs: its rig, by what Meson hands over in the environment, and the tables."""

import os
import sys
import time
from pathlib import Path

import rig as rigs

HERE = Path(__file__).parent
SCRIPTS = HERE.parent.parent / "scripts"
RECORDS = HERE / "zones" / "records.example.json"


def make_rig(port=None, name=""):
    """ANYTICK and ANYTICKD are the programs, DEVICE one of rig.DEVICES; `port` instead of the rig's own; for `name`, see
    Rig."""
    if os.geteuid() != 0:
        sys.exit("system tests need root: they make network namespaces and open AF_XDP or AF_PACKET sockets")
    device = os.environ.get("DEVICE", "af_xdp")
    return rigs.Rig(os.environ["ANYTICK"], os.environ["ANYTICKD"], device, port=port, name=name)


def settled_counters(rig):
    """The totals when no frame is on its way: they stay as they are for a moment."""
    give_up = time.monotonic() + 10
    while (counters := rig.counters()) != rig.counters():
        if time.monotonic() > give_up:
            raise rigs.RigError(f"counters go on growing: {counters}")
        time.sleep(0.1)
    return counters


def make_map(rig, overrides=rigs.OVERRIDES):
    """A geo map of the made-up country database under the overrides."""
    database = rig.room / "country.mmdb"
    if not database.exists():
        rigs.run("perl", SCRIPTS / "make_sample_mmdb", database)
    return rig.compile_geo(database, rig.room / "geo.map", overrides)


def make_pool(rig, serial, base, servers=5000):
    """A made-up pool: its zone file and its image. Pools of different bases share no address."""
    directory = rig.room / f"pool-{serial}"
    options = ("--seed", serial, "--serial", serial, "--base", base, "--servers", servers)
    rigs.run("/usr/bin/python3", SCRIPTS / "make_sample_pool", *options, "--output", directory)
    zone = directory / "pool.example.json"
    return zone, rig.compile_zone(zone, output=directory / "zone.image")
