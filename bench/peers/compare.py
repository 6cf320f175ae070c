"""What each server was seen to do, row by row."""

import struct

import dns.exception

import rows_edns
import rows_names
import rows_transport
from asker import Asker
from behaviour import Measured

ROWS = [row for module in (rows_names, rows_edns, rows_transport) for group in module.GROUPS for row in group.all]


class Comparison:
    def __init__(self):
        self.rows = ROWS
        self.versions = {}  # by server, in the order of the columns
        self.seen = {}  # by server, a text of each row: empty where it is as the row says

    def add(self, rig):
        self.versions[rig.title] = rig.version()
        asker = Asker(rig)
        self.seen[rig.title] = [_shown(row, asker) for row in self.rows]

    def is_as_stated(self, title):
        """Whether a server, if it was asked, is as every row says that judges."""
        return not any(seen and not isinstance(seen, Measured) for seen in self.seen.get(title, ()))


def _shown(row, asker):
    try:
        return row.show(asker) or ""
    except (IndexError, struct.error, dns.exception.DNSException):
        return "a malformed reply"
