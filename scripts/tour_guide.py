"""What all stops of the tour have: they run commands, show them, and check what comes of it."""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "system"))

import rig as rigs  # noqa: E402

NAME = "0.pool.example"
COUNTRY_NAME = {"jp": "Japan", "us": "the United States", "de": "Germany", "br": "Brazil", "ng": "Nigeria"}
# So many lines of a command's output are shown.
LINES = 12
BOLD, GREEN, RED, PLAIN = ("\033[1m", "\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("",) * 4


class Guide:
    """Commands run in the hub's directory, where its hub.toml is."""

    def __init__(self, rig, hub):
        self.rig, self.hub = rig, hub
        self.right, self.wrong = 0, []

    def title(self, text):
        print(f"\n{BOLD}{text}{PLAIN}", flush=True)

    def check(self, what, good, detail=""):
        if good:
            self.right += 1
            print(f"  {GREEN}ok{PLAIN}     {what}", flush=True)
        else:
            self.wrong.append(what)
            print(f"  {RED}WRONG{PLAIN}  {what}\n{detail}".rstrip(), flush=True)

    def step(self, function):
        """One stop of the tour; whatever goes wrong in it, the next one follows."""
        title, *explanation = function.__doc__.strip().split("\n")
        self.title(title)
        print("\n".join(line.removeprefix("        ") for line in explanation), end="\n" if explanation else "")
        try:
            function()
        except (rigs.RigError, RuntimeError, ValueError, OSError) as fault:
            self.check(title, False, str(fault))

    def shown(self, text):
        return text.replace(f"{self.hub}/", "").replace(f"{self.rig.room}/", "../")

    # The operator's side

    def anytick(self, *words, code=0, lines=LINES, directory=None):
        """Its output; the stop is wrong where it ends with another exit code."""
        quoted = (f"'{word}'" if " " in str(word) else str(word) for word in words)
        print(self.shown(f"  $ anytick {' '.join(quoted)}"), flush=True)
        done = rigs.run(self.rig.anytick, *words, check=False, cwd=directory or self.hub)
        output = done.stdout + done.stderr
        told = self.shown(output.rstrip()).splitlines()
        for line in told[:lines] + ([f"... {len(told) - lines} more lines"] if len(told) > lines else []):
            print(f"    {line}".rstrip(), flush=True)
        if done.returncode != code:
            raise RuntimeError(f"exit code {done.returncode}, not {code}\n{output}")
        return output

    def ask_json(self, *words, code=0):
        """What a command says to programs; it is not shown."""
        done = rigs.run(self.rig.anytick, *words, "--json", check=False, cwd=self.hub)
        if done.returncode != code:
            raise RuntimeError(f"anytick {' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)

    def running_serial(self):
        return next((table["serial"] for table in self.rig.status()["tables"] if table["kind"] == "zone"), None)

    # The clients' side

    def kdig(self, *words, source=rigs.CLIENT_IPV4):
        server = rigs.POP_IPV6 if ":" in source else rigs.POP_IPV4
        command = ("kdig", f"@{server}", "-b", source, "+timeout=3", "+retry=0", *words)
        print(f"  client$ {' '.join(command)}", flush=True)
        return self.rig.as_client(*command).stdout

    @staticmethod
    def answers(text, kind="A"):
        return re.findall(rf"^\S+\s+\d+\s+IN\s+{kind}\s+(\S+)$", text, re.MULTILINE)

    def check_drawn(self, what, text, servers, kind="A"):
        found = self.answers(text, kind)
        print(f"           {' '.join(found)}")
        expected = min(4, len(servers))
        good = len(found) == len(set(found)) == expected and servers.issuperset(found)
        self.check(f"{expected} different servers of {what}", good, text)
