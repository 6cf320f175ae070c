"""What was seen, as Markdown and as JSON."""

from itertools import groupby

from behaviour import Measured

BEGIN, END = "<!-- bench/peers/conformance -->", "<!-- /bench/peers/conformance -->"


def _cells(seen, number):
    return [column[number] or "yes" for column in seen.seen.values()]


def markdown(seen):
    titles = [f"{title} {version}".strip() for title, version in seen.versions.items()]
    lines = [_line(["", *titles, "RFC"]), _line(["---"] * (len(titles) + 2))]
    numbered = enumerate(seen.rows)
    for group, rows in groupby(numbered, lambda each: each[1].group):
        lines.append(_line([f"**{group}**", *[""] * (len(titles) + 1)]))
        lines += [_line([row.text, *_cells(seen, number), row.rfc.removeprefix("RFC ")]) for number, row in rows]
    return "\n".join(lines)


def _line(cells):
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


def write_between_markers(path, text):
    """Replaces what is between the markers of a file, which must be there once."""
    before, begin, rest = path.read_text().partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path}: lacks the lines {BEGIN} and {END}")
    path.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")
