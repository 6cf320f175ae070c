"""What a pool's zone file says: the expectation, read by other eyes than those of the compiler."""

import json

CONTINENT = {"jp": "asia", "us": "north-america", "de": "europe", "br": "south-america", "ng": "africa"}


class Pool:
    def __init__(self, path):
        self.data = json.loads(path.read_text())["data"]

    def servers(self, name, country, kind="a"):
        """The addresses that a client in `country` may be given for `name`: of the finest label that has any."""
        for target in (country, CONTINENT[country], None):
            label = ".".join(part for part in (name, target) if part)
            found = self._of_label(label, country, kind)
            if found:
                return found
        return set()

    def _of_label(self, label, country, kind):
        entry = self.data.get(label, {})
        if "alias" in entry:
            return self.servers(entry["alias"], country, kind)
        return {record[0] for record in entry.get(kind, ())}
