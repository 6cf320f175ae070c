"""What a behaviour is: a row of the table and how it is shown. The rows are in rows_*.py."""

from dataclasses import dataclass
from typing import Callable

import wire
import zone


@dataclass
class Behaviour:
    group: str
    text: str
    rfc: str
    # Asks and returns what was seen where that is not as `text` says; nothing where it is. A Measured is no judgement.
    show: Callable


class Measured(str):
    """The value of a row that asks how much, not whether."""


NOT_APPLICABLE = Measured("n/a")


class Rows:
    """The rows of one group, in the order of their definition."""

    def __init__(self, group):
        self.group = group
        self.all = []

    def row(self, text, rfc):
        def add(show):
            self.all.append(Behaviour(self.group, text, rfc, show))
            return show

        return add


def full(label):
    return f"{label}.{zone.ORIGIN}" if label else zone.ORIGIN


def told(reply):
    """A reply in a word."""
    if reply is None:
        return "no reply"
    shown = reply.rcode_text()
    if shown == "NOERROR":
        if reply.has(wire.TC):
            return "TC"
        return shown if reply.counts[1] else "referral" if not reply.has(wire.AA) and reply.counts[2] else "NODATA"
    return shown


def with_rcode(reply, *rcodes):
    """What a reply is instead of one with one of `rcodes`."""
    return "" if reply is not None and reply.rcode in rcodes else told(reply)


def faults(**parts):
    """What was seen, of parts that can each be wrong: the same said of all of them is said once."""
    wrong = {part.replace("_", " "): seen for part, seen in parts.items() if seen}
    if len(wrong) == len(parts) and len(set(wrong.values())) == 1:
        return next(iter(wrong.values()))
    return "; ".join(f"{part}: {seen}" for part, seen in wrong.items())


def texts(rrsets, kind):
    """The records of a type, as texts, sorted."""
    return sorted(rdata.to_text() for rrset in rrsets if rrset.rdtype == kind for rdata in rrset)
