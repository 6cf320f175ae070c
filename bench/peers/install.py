"""Debian packages of the servers, without their services; and the programs of this repository."""

import contextlib
import os
import subprocess
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
UNITS = Path("/etc/systemd/system")
SERVICE_OF = {"pdns-server": "pdns", "pdns-backend-bind": "pdns", "bind9": "named"}  # where it is not the package's name


def build(repository, *more, cpu="native", directory="release"):
    """Builds what scripts/run builds, and `more` targets; returns where, below build/."""
    targets = " ".join(("control/anytick", "dataplane/io/anytickd", *more))
    steps = f'setup "$builds/{directory}" -Dcpu={cpu}; compile "$builds/{directory}" {targets}'
    _shell(repository, '"$repository/scripts/install" build; ' + steps)
    return repository / "build" / directory


def tables(repository, directory):
    """The sample pool's image and a map of real countries, by the programs built there; returns where they are."""
    steps = f'bench_tables "{directory}" >&2; echo "$tables"'
    return Path(_shell(repository, steps, stdout=subprocess.PIPE, text=True).stdout.strip())


def tools(repository):
    subprocess.run([repository / "scripts" / "install", "run", "test"], check=True, stdout=2)


def packages(names):
    missing = [name for name in names if not _is_installed(name)]
    if not missing:
        return
    for name in missing:
        _mask(SERVICE_OF.get(name, name))
    with _no_services():
        apt = ["apt-get", "--quiet=2", "--yes"]
        subprocess.run([*apt, "update"], check=True, stdout=2)
        options = ["--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*apt, "install", *options, *missing], check=True, stdout=2, env=environment)


def _shell(repository, script, stdout=2, **options):
    return subprocess.run(["bash", "-c", f'. "{repository}/scripts/lib.sh"; {script}'], check=True, stdout=stdout, **options)


def _is_installed(name):
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


def _mask(service):
    """As systemctl mask, for a unit that is not there yet: neither this start of it nor one at boot."""
    unit = UNITS / f"{service}.service"
    if UNITS.is_dir() and not unit.is_symlink() and not unit.exists():
        unit.symlink_to("/dev/null")


@contextlib.contextmanager
def _no_services():
    """Packages start nothing while they are installed, by systemd or without (invoke-rc.d(8))."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
