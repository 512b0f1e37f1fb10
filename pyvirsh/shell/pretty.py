"""What a terminal gets that takes more than colour: wide tables folded, bars.  Sole owner of rich.

Everything returns text, so that no terminal is needed to see what one gets.
"""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pyvirsh.shell import colour
from pyvirsh.shell.output import escape_cell

BAR_WIDTH = 40


def folded(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Lay out a table in `width` columns: what does not fit continues on the next line of its cell."""
    table = Table(box=None, pad_edge=True, padding=(0, 2, 0, 1), header_style="bold", show_edge=False)
    for header in headers:
        table.add_column(Text(header), overflow="fold")
    for row in rows:
        cells = zip(headers, row, strict=True)
        table.add_row(*(Text.from_ansi(_painted(header, escape_cell(cell))) for header, cell in cells))
    lines = _render(table, width).split("\n")
    rule = "-" * max(len(Text.from_ansi(line).plain.rstrip()) for line in lines)
    return "\n".join([lines[0], rule, *lines[1:]])


def _painted(header: str, text: str) -> str:
    return colour.state(text) if header == "State" else text


def bar(label: str, percent: float) -> str:
    """Return a line that draws how far a job is, over the line drawn before it."""
    drawn = _render(
        ProgressBar(
            total=100,
            completed=percent,
            width=BAR_WIDTH,
            style="bright_black",
            complete_style="green",
            finished_style="green",
        ),
        BAR_WIDTH,
    ).rstrip("\n")
    return f"\r\x1b[2K{label} {drawn} {percent:6.2f} %"


def _render(part: "Table | ProgressBar", width: int) -> str:
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=True, color_system="standard", width=width, legacy_windows=False
    )
    console.print(part)
    return file.getvalue()
