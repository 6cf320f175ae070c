"""What was seen of behaviours, as Markdown and as JSON."""

from itertools import groupby

import table
from behaviour import Measured


def _cells(seen, number):
    return [column[number] or "yes" for column in seen.seen.values()]


def markdown(seen):
    titles = [f"{title} {version}".strip() for title, version in seen.versions.items()]
    lines = [table.line(["", *titles, "RFC"]), table.line(["---"] * (len(titles) + 2))]
    numbered = enumerate(seen.rows)
    for group, rows in groupby(numbered, lambda each: each[1].group):
        lines.append(table.line([f"**{group}**", *[""] * (len(titles) + 1)]))
        lines += [table.line([row.text, *_cells(seen, number), row.rfc.removeprefix("RFC ")]) for number, row in rows]
    return "\n".join(lines)


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
