"""Debian packages of the servers, without their services; and the programs of this repository."""

import contextlib
import os
import re
import subprocess
from pathlib import Path

import rig as rigs

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# bench/peers/install.py of anytick, process {}, which removes this\nexit 101\n"
UNITS = Path("/etc/systemd/system")
# Of the packages that bring one.
SERVICE_OF = {"knot": "knot", "nsd": "nsd", "gdnsd": "gdnsd", "pdns-server": "pdns", "bind9": "named"}


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
    _remove_policy_left()
    missing = [name for name in names if not _is_installed(name)]
    if not missing:
        return
    with _no_services():
        apt = ["apt-get", "--quiet=2", "--yes"]
        _finish([*apt, "update"])
        options = ["--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        with _masked([SERVICE_OF[name] for name in missing if name in SERVICE_OF]):
            _finish([*apt, "install", *options, *missing], env=environment)


def _finish(command, **options):
    """Runs it to its end, even when this process is to end before: dpkg is not left half way."""
    with subprocess.Popen(command, stdout=2, **options) as process:
        process.wait()  # interrupted, it goes on at the end of the block
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)


def _shell(repository, script, stdout=2, **options):
    return subprocess.run(["bash", "-c", f'. "{repository}/scripts/lib.sh"; {script}'], check=True, stdout=stdout, **options)


def _is_installed(name):
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


@contextlib.contextmanager
def _masked(services):
    """As systemctl mask, for units that are not there yet: neither this start of them nor one at boot. Taken back where
    nothing was installed."""
    masks = [UNITS / f"{service}.service" for service in services] if UNITS.is_dir() else []
    masks = [mask for mask in masks if not mask.is_symlink() and not mask.exists()]
    for mask in masks:
        mask.symlink_to("/dev/null")
    try:
        yield
    except subprocess.CalledProcessError:
        for mask in masks:
            mask.unlink()
        raise


@contextlib.contextmanager
def _no_services():
    """Packages start nothing while they are installed, by systemd or without (invoke-rc.d(8))."""
    if POLICY.exists():
        yield
        return
    # Where it stayed, no package of this machine would start a service any more.
    rigs.exit_on_signals()
    try:
        POLICY.write_text(POLICY_TEXT.format(os.getpid()))
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _remove_policy_left():
    """That of a process that was killed."""
    if not POLICY.is_file():
        return
    found = re.fullmatch(re.escape(POLICY_TEXT).replace(r"\{\}", r"(\d+)"), POLICY.read_text(errors="replace"))
    if found and not Path(f"/proc/{found[1]}").exists():
        POLICY.unlink()
