"""What was seen, as Markdown and as JSON."""

from itertools import groupby

from behaviour import Measured


def _cells(seen, number):
    return [column[number] or "yes" for column in seen.seen.values()]


def markdown(seen):
    titles = [f"{title} {version}".strip() for title, version in seen.versions.items()]
    lines = [line(["", *titles, "RFC"]), line(["---"] * (len(titles) + 2))]
    numbered = enumerate(seen.rows)
    for group, rows in groupby(numbered, lambda each: each[1].group):
        lines.append(line([f"**{group}**", *[""] * (len(titles) + 1)]))
        lines += [line([row.text, *_cells(seen, number), row.rfc.removeprefix("RFC ")]) for number, row in rows]
    return "\n".join(lines)


def line(cells):
    return "| " + " | ".join(cells) + " |"


def as_json(seen):
    def result(text):
        measured = isinstance(text, Measured)
        return {"as_stated": None if measured else not text, "seen": text or "yes"}

    rows = [
        {
            "group": row.group,
            "behaviour": row.text,
            "rfc": row.rfc,
            "servers": {title: result(column[number]) for title, column in seen.seen.items()},
        }
        for number, row in enumerate(seen.rows)
    ]
    return {"versions": seen.versions, "rows": rows}


def write_between_markers(path, text, command):
    """Replaces what is between the markers of a command in a file, which must be there once."""
    begin, end = f"<!-- {command} -->\n", f"<!-- /{command} -->"
    before, has_begin, rest = path.read_text().partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise SystemExit(f"{path}: lacks the lines {begin.strip()} and {end}")
    path.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")
