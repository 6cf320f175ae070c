"""What the commands of this directory share."""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(REPOSITORY / "bench" / "peers"), str(REPOSITORY / "tests" / "system")]

import install
import programs
import rig as rigs
import table


def parser(description):
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--build", type=Path, help="build directory of the programs (default: builds its own)")
    made.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="that is measured (default: the last)")
    made.add_argument("--write", type=Path, help="replace the table between its markers in this file")
    return made


@contextlib.contextmanager
def place(arguments):
    """Where programs run, built and with what they need."""
    if os.geteuid() != 0:
        raise programs.Failed("needs root: it reserves huge pages and makes network namespaces")
    build = (arguments.build or install.build(REPOSITORY, "bench/load/anytick_load")).resolve()
    install.tools(REPOSITORY)
    install.packages(["dpdk"])
    tables = install.tables(REPOSITORY, build)
    # Whatever else this machine does, it is not what is measured.
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    with tempfile.TemporaryDirectory(prefix="anytick-bench-") as room, programs.huge_pages():
        yield programs.Place(build, tables, room, arguments.core)


def say(progress):
    print(progress, file=sys.stderr, flush=True)


def tell(text, arguments, command):
    print(text)
    if arguments.write:
        table.write_between_markers(arguments.write, text, command)


def run(main):
    rigs.exit_on_signals()
    try:
        main()
    except (programs.Failed, rigs.RigError, subprocess.CalledProcessError) as failure:
        sys.exit(f"{Path(sys.argv[0]).name}: {failure}")
