"""The zone that every server answers from, as a GeoDNS file and as a master file (RFC 1035 5) of the same records."""

import json

ORIGIN = "peers.example"
PROBE = "one"
TTL = 120
NS_TTL = 86400
# The SOA that a GeoDNS file stands for.
SOA_TTL, SOA_FIELDS = 1200, "1 5400 5400 1209600 3600"

CHILD = "child"  # a delegation, with glue below it
# Replies of exactly these sizes, without EDNS records: header, question, one TXT record with a compressed owner.
REPLY_SIZES = (500, 600, 1221, 1269, 1389, 1399, 1421, 1461, 1669, 4085)
OPT_SIZE = 11

RECORDS = {
    "": {"ns": ["ns1", "ns2"], "mx": [(10, "mail")], "txt": ["the apex"]},
    "ns1": {"a": ["203.0.113.53"]},
    "ns2": {"a": ["203.0.113.54"]},
    "mail": {"a": ["203.0.113.25"]},
    "one": {"a": ["203.0.113.11"], "aaaa": ["2001:db8:11::11"]},
    "text": {"txt": ["plain"]},
    "first": {"cname": "second"},
    "second": {"cname": "one"},
    "broken": {"cname": "nobody"},
    "very.deep.down": {"a": ["203.0.113.12"]},
    "*.wild": {"a": ["203.0.113.50"]},
    "there.wild": {"txt": ["itself"]},
    CHILD: {"ns": {"ns1.child": ["203.0.113.60"]}},
}


def sized_name(size):
    return f"size{size:04d}"


def _sized_strings(size):
    """Strings of one TXT record that make a reply of `size` bytes."""
    question = len(sized_name(size)) + 1 + len(ORIGIN) + 2 + 4
    room = size - 12 - question - 12
    strings = []
    while room > 0:
        # Not a last string of no byte, which a GeoDNS file cannot say.
        part = min(room, 256)
        strings.append("x" * (part - 1))
        room -= part
    return strings


def _absolute(label):
    return f"{label}.{ORIGIN}."


def geodns():
    """For anytick: the text of ORIGIN.json."""
    data = {}
    for label, sets in RECORDS.items():
        entry = data[label] = dict(sets)
        if isinstance(entry.get("ns"), list):
            entry["ns"] = [_absolute(name) for name in entry["ns"]]
        if isinstance(entry.get("ns"), dict):
            entry["ns"] = {_absolute(name): glue for name, glue in entry["ns"].items()}
        if "mx" in entry:
            entry["mx"] = [{"preference": preference, "mx": _absolute(name)} for preference, name in entry["mx"]]
    for size in REPLY_SIZES:
        data[sized_name(size)] = {"txt": ["".join(_sized_strings(size))]}
    options = {"serial": 1, "ttl": TTL, "max_hosts": 4, "contact": f"hostmaster.{ORIGIN}"}
    return json.dumps({**options, "data": data}, indent=1)


def master_file():
    """For the others."""
    soa = f"@ {SOA_TTL} IN SOA {_absolute('ns1')} {_absolute('hostmaster')} {SOA_FIELDS}"
    lines = [f"$ORIGIN {ORIGIN}.", f"$TTL {TTL}", soa]
    for label, sets in RECORDS.items():
        lines += [line for kind, values in sets.items() for line in _lines(label or "@", kind, values)]
    for size in REPLY_SIZES:
        strings = " ".join(f'"{part}"' for part in _sized_strings(size))
        lines.append(f"{sized_name(size)} IN TXT {strings}")
    return "\n".join(lines) + "\n"


def _lines(owner, kind, values):
    if kind == "cname":
        return [f"{owner} IN CNAME {values}"]
    if kind == "mx":
        return [f"{owner} IN MX {preference} {name}" for preference, name in values]
    if kind == "txt":
        return [f'{owner} IN TXT "{text}"' for text in values]
    if kind == "ns":
        glue = [(name, address) for name in values for address in (values[name] if isinstance(values, dict) else ())]
        servers = [f"{owner} {NS_TTL} IN NS {name}" for name in values]
        return servers + [f"{name} IN A {address}" for name, address in glue]
    return [f"{owner} IN {kind.upper()} {value}" for value in values]
