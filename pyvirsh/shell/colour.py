"""Colour for a terminal: states, headings, errors, XML.  Text in, the same text with colour out.

Imports nothing heavy, as every `list` on a terminal comes by here; what takes more than colour is
in `pretty`.
"""

import os

from pyvirsh.shell.output import format_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BOLD, DIM, RED, GREEN, YELLOW, BLUE, CYAN = "1", "2", "31", "32", "33", "34", "36"

# The words of virsh's State columns and fields.
STATES = {
    "running": GREEN,
    "active": GREEN,
    "idle": GREEN,
    "blocked": GREEN,
    "paused": YELLOW,
    "pmsuspended": YELLOW,
    "in shutdown": YELLOW,
    "saved": YELLOW,
    "building": YELLOW,
    "degraded": YELLOW,
    "inactive": DIM,
    "shut off": DIM,
    "crashed": RED,
    "inaccessible": RED,
}


def wanted(environ: "Mapping[str, str]", fd: int) -> bool:
    """Say whether what is written to `fd` may be coloured: a terminal that can, a user who lets us."""
    if environ.get("NO_COLOR") or environ.get("CLICOLOR") == "0" or environ.get("TERM", "dumb") == "dumb":
        return False
    return os.isatty(fd)


def paint(text: str, style: str) -> str:
    """Return `text` in a style; an empty style leaves it as it is."""
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text


def state(text: str) -> str:
    """Return a state in its colour."""
    return paint(text, STATES.get(text, ""))


def table(headers: "Sequence[str]", rows: "Sequence[Sequence[str]]", *, width: int) -> str:
    """Lay out a table as virsh does, coloured; one wider than the terminal is folded into it."""
    plain = format_table(headers, rows)
    if max(map(len, plain.split("\n"))) > width:
        from pyvirsh.shell import pretty

        return pretty.folded(headers, rows, width)
    return format_table(headers, rows, paint=_paint_cell)


def _paint_cell(header: str, text: str) -> str:
    if header == text:
        return paint(text, BOLD)
    return state(text) if header == "State" else text


def xml(document: str) -> str:
    """Return an XML document with its tags, attributes and comments in colour."""
    import re

    pattern = (
        r"(?P<comment><!--.*?-->)|(?P<tag></?[^\s<>/]+|/?>)|(?P<name>[^\s=<>]+)=(?P<value>'[^']*'|\"[^\"]*\")"
    )

    def painted(match: "re.Match[str]") -> str:
        if match["comment"]:
            return paint(match["comment"], DIM)
        if match["tag"]:
            return paint(match["tag"], BLUE)
        return f"{paint(match['name'], CYAN)}={paint(match['value'], GREEN)}"

    return re.sub(pattern, painted, document, flags=re.S)
