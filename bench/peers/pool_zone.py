"""The sample pool for servers that know no weights: its names, each with the four servers that are drawn most often."""

import json
import subprocess


class PoolZone:
    ORIGIN = "pool.example"
    PROBE = "0"
    RECORDS = 4
    NAME_SERVER, GLUE = "ns1", "203.0.113.53"

    def __init__(self, pool):
        data = json.loads(pool.read_text())["data"]
        resolved = {label: data.get(each["alias"], {}) if "alias" in each else each for label, each in data.items()}
        self.addresses = {label: self._heaviest(each["a"]) for label, each in resolved.items() if "a" in each}
        self.addresses[self.NAME_SERVER] = [self.GLUE]

    @classmethod
    def _heaviest(cls, records):
        """Of records as GeoDNS has them: an address, or with a weight."""
        weighted = [(record, 0) if isinstance(record, str) else (record[0], int([*record, 0][1])) for record in records]
        return [address for address, _ in sorted(weighted, key=lambda record: -record[1])[: cls.RECORDS]]

    def names(self):
        return [f"{label}.{self.ORIGIN}" if label else self.ORIGIN for label in self.addresses]

    def master_file(self):
        soa = f"@ 1200 IN SOA {self.NAME_SERVER}.{self.ORIGIN}. hostmaster.{self.ORIGIN}. 1 5400 5400 1209600 3600"
        lines = [f"$ORIGIN {self.ORIGIN}.", "$TTL 130", soa, f"@ IN NS {self.NAME_SERVER}"]
        for label, addresses in self.addresses.items():
            lines += [f"{label or '@'} IN A {address}" for address in addresses]
        return "\n".join(lines) + "\n"

    def image(self, anytick, room):
        """The same as a zone image, for whoever judges answers by one. Its path."""
        source, image = room / f"{self.ORIGIN}.json", room / "fixed.image"
        labels = {label: {"a": addresses} for label, addresses in self.addresses.items()}
        labels[""]["ns"] = [self.NAME_SERVER]
        source.write_text(json.dumps({"serial": 1, "max_hosts": self.RECORDS, "data": labels}))
        subprocess.run([anytick, "zone", "compile", source, "-o", image], check=True, stdout=subprocess.DEVNULL)
        return image
