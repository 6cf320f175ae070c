"""The monitors of a made-up pool: what they would have logged of servers that answer, and of servers that do not."""

import csv
import datetime
import json

# Steps of the pool's table, which `anytick score step` shows.
GOOD, MISSED = 1, -5
OFFSET = 0.0012
COLUMNS = "ts_epoch,ts,offset,step,score,monitor_id,monitor_name,rtt,leap,error,server\n"
# Monitors really come by every 9 minutes; nobody wants to wait for that.
ROUND_SECONDS = 4


def stepped(score, step):
    return min(20, 0.95 * score + step)


class Monitors:
    """They go on where the sample's log ends, by a clock of their own, which stays behind this machine's."""

    def __init__(self, spool, sample, now):
        self.spool, self.now = spool, now
        self.scores = {}  # of a server, by monitor
        with open(sample) as file:
            for row in csv.DictReader(file):
                self.scores.setdefault(row["server"], {})[int(row["monitor_id"])] = float(row["score"])

    def score(self, server):
        """The overall one: the lower median."""
        scores = sorted(self.scores[server].values())
        return scores[(len(scores) - 1) // 2]

    def checks_until(self, aim, server):
        """As many good ones as bring the overall score there."""
        score, count = self.score(server), 0
        while score < aim:
            score, count = stepped(score, GOOD), count + 1
        return count

    def log(self, name, servers, *checks):
        """NAME.csv in the spool: a round of all monitors for each of `checks`, True where all the servers answer."""
        text = [COLUMNS]
        for answered in checks:
            self.now += ROUND_SECONDS
            date = datetime.datetime.fromtimestamp(self.now, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            offset, step, rtt, error = (OFFSET, GOOD, 20, "") if answered else ("", MISSED, "", "i/o timeout")
            for server in servers:
                of_monitor = self.scores[server]
                for monitor, score in of_monitor.items():
                    score = of_monitor[monitor] = stepped(score, step)
                    text.append(f"{self.now},{date},{offset},{step},{score:.6f},{monitor},monitor{monitor}.example,"
                                f"{rtt},0,{error},{server}\n")  # fmt: skip
        self.drop(f"{name}.csv", "".join(text))

    def observe(self, name, servers, *checks):
        """The same as NAME.jsonl, where monitors say what they saw, and leave it to the hub to make scores of it."""
        text = []
        for answered in checks:
            self.now += ROUND_SECONDS
            step = GOOD if answered else MISSED
            seen = {"stratum": 2, "offset": OFFSET} if answered else {"response": False}
            for server in servers:
                for monitor, score in self.scores[server].items():
                    self.scores[server][monitor] = stepped(score, step)
                    row = {"ts": self.now, "server": server, "monitor": monitor, **seen}
                    text.append(json.dumps(row) + "\n")
        self.drop(f"{name}.jsonl", "".join(text))

    def drop(self, name, text):
        """A file is there for the hub once it has its name."""
        hidden = self.spool / f".{name}"
        hidden.write_text(text)
        hidden.rename(self.spool / name)
