"""Markdown tables, and where they stand in a file."""


def line(cells):
    return "| " + " | ".join(cells) + " |"


def write_between_markers(path, text, command):
    """Replaces what is between the markers of a command in a file, which must be there once."""
    begin, end = f"<!-- {command} -->\n", f"<!-- /{command} -->"
    before, has_begin, rest = path.read_text().partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise SystemExit(f"{path}: lacks the lines {begin.strip()} and {end}")
    path.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")
