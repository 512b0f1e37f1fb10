"""Every byte that leaves: results, notes, errors and the layouts scripts read.

Handlers hand over values; how they look is decided here.  Text that stands for bytes which are
not UTF-8 carries them as surrogates, as `os.fsdecode` does, and they leave unchanged.

Source: measured in `shell-semantics`, sections 6 and 8.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyvirsh.backend.errors import VirError
    from pyvirsh.shell.log import LogFile

DEBUG, INFO, NOTICE, WARNING, ERROR = range(5)

# What `--output` may say; "table" is virsh's own layout.
FORMATS = ("table", "json", "yaml", "csv", "name")


class Shown:
    """A value whose text is not simply itself: a size, a time, a state."""

    __slots__ = ("value", "text")

    def __init__(self, value: object, text: str) -> None:
        self.value = value
        self.text = text


def cell(value: object) -> str:
    """Return a value as a table or a line shows it: None is ``-``, a truth value yes or no."""
    if isinstance(value, str):
        return value
    if isinstance(value, Shown):
        return value.text
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def plain(value: object) -> object:
    """Return a value as data: without what only says how to show it."""
    return value.value if isinstance(value, Shown) else value


class Output:
    """Writes to two descriptors: results to `stdout`, errors and debug lines to `stderr`.

    quiet: drop what is said beside the results.  pretty: results go to a terminal in colour;
    pretty_errors: so do errors and progress.  Nothing is kept back over an error line or the end of
    a command.
    """

    def __init__(self, *, stdout: int = 1, stderr: int = 2, quiet: bool = False) -> None:
        self.quiet = quiet
        self.debug_level = ERROR
        self.timing = False
        self.pretty = False
        self.pretty_errors = False
        # One of FORMATS; anything but "table" makes data leave in that form and drops the rest.
        self.format = "table"
        self.log: LogFile | None = None
        # What stands before "error: ": a batch puts FILE:LINE here.
        self.where = ""
        self._stdout = stdout
        self._stderr = stderr
        self._pending: list[str] = []

    # -- data: what `--output` can also write as JSON, YAML or CSV ---------------------------------

    @property
    def structured(self) -> bool:
        """Say whether data leaves in another form than virsh's text."""
        return self.format != "table"

    def data(self, value: object, text: str) -> None:
        """Write a result: `text` as virsh does, or `value` (dicts, lists, numbers, str) as asked."""
        if self.structured:
            from pyvirsh.shell import structured

            text = structured.render(value, self.format)
        self._pending.append(text)

    def records(self, columns: "Sequence[tuple[str, str]]", rows: "Sequence[dict[str, object]]") -> None:
        """Write a table of `rows`; `columns` are (header, key), other keys only leave as data.

        Values are data or `Shown`; keys are lower case with underscores and stay what they are.
        """
        if self.structured:
            self.data([{key: plain(value) for key, value in row.items()} for row in rows], "")
        else:
            shown = [[cell(row.get(key)) for _, key in columns] for row in rows]
            self.table([header for header, _ in columns], shown)

    def names(self, keys: "Sequence[str]", rows: "Sequence[dict[str, object]]") -> None:
        """Write one line per row: the values of `keys` with a blank between."""
        lines = [" ".join(cell(row.get(key)) for key in keys) + "\n" for row in rows]
        self.data([{key: plain(value) for key, value in row.items()} for row in rows], "".join(lines))

    def fields(
        self, fields: "Iterable[tuple[str, str, object]]", *, width: int = 15, colon: str = " "
    ) -> None:
        """Write one object as ``LABEL value`` lines; `fields` are (label, key, value).

        Labels are padded to `width` and followed by `colon` (": " in some of virsh's layouts).
        An empty label leaves a field out of the text, an empty key out of the data.
        """
        kept = list(fields)
        shown = [(label, key, cell(value)) for label, key, value in kept if label]
        if self.pretty:
            from pyvirsh.shell import colour

            shown = [
                (label, key, colour.state(text) if key == "state" else text) for label, key, text in shown
            ]
        text = "".join(f"{label:<{width}}{colon}{text}\n" for label, _, text in shown)
        self.data({key: plain(value) for _, key, value in kept if key}, text)

    def value(self, key: str, value: object) -> None:
        """Write a single value on a line."""
        self.data({key: plain(value)}, cell(value) + "\n")

    def xml(self, document: str) -> None:
        """Write an XML document as it is; as data, elements are objects and attributes ``@name``."""
        if self.structured:
            from pyvirsh.shell import structured

            self.data(structured.of_xml(document), "")
        elif self.pretty:
            from pyvirsh.shell import colour

            self.raw(colour.xml(document))
        else:
            self.raw(document)

    def event(self, values: "dict[str, object]", text: str) -> None:
        """Write something that happened, at once; as data, one JSON object a line."""
        if self.structured:
            from pyvirsh.shell import structured

            text = structured.one_line(values)
        self._pending.append(text)
        self.flush()

    # -- results ---------------------------------------------------------------------------------

    def raw(self, text: str) -> None:
        """Write `text` as it is."""
        self._pending.append(text)

    def line(self, text: str = "") -> None:
        """Write a line of the result."""
        self._pending.append(text + "\n")

    def note(self, text: str) -> None:
        """Say in a line what was done; dropped when quiet."""
        if not self.quiet and not self.structured:
            self._pending.append(text + "\n")

    def raw_note(self, text: str) -> None:
        """Say what was done, with no newline of its own; dropped when quiet."""
        if not self.quiet and not self.structured:
            self._pending.append(text)

    def table(self, headers: "Sequence[str]", rows: "Iterable[Sequence[str]]") -> None:
        """Write rows under headers, columns as wide as their widest cell."""
        if self.pretty and not self.quiet:
            from pyvirsh.shell import colour

            self.raw(colour.table(headers, list(rows), width=self._columns()))
        else:
            self._pending.append(format_table(headers, rows, header=not self.quiet))

    def pairs(self, pairs: "Iterable[tuple[str, str]]", *, width: int = 15, colon: str = "") -> None:
        """Write ``KEY value`` lines, keys padded to `width`, `colon` between (virsh's ``: ``)."""
        for key, value in pairs:
            self._pending.append(f"{key:<{width}}{colon or ' '}{value}\n")

    # -- errors and debug lines --------------------------------------------------------------------

    def error(self, text: str) -> None:
        """Write ``error: text``, after all results before it."""
        self.flush()
        if self.log:
            self.log.write(ERROR, text)
        label = "\x1b[31merror:\x1b[0m" if self.pretty_errors else "error:"
        self._write(self._stderr, f"{self.where}{label} {text}\n")

    def library_error(self, error: "VirError") -> None:
        """Write a driver's error as it words it."""
        self.error(error.text)

    def progress(self, text: str) -> None:
        """Write to standard error as it is: the progress of a long job."""
        self.flush()
        self._write(self._stderr, text)

    def mute_errors(self) -> None:
        """Let nothing more leave for standard error."""
        self._stderr = -1

    def share(self, label: str, percent: float) -> None:
        """Write to standard error how much of a long job is done, over what was written before.

        As data it is a result: an object a line.
        """
        if self.structured:
            self.event({"job": label.lower(), "percent": percent}, "")
        elif self.pretty_errors:
            from pyvirsh.shell import pretty

            self.progress(pretty.bar(label, percent))
        else:
            self.progress(f"\r{label}: [{percent:5.2f} %]")

    def debug(self, level: int, text: str) -> None:
        """Write a line to standard error if `level` is being shown."""
        if level < self.debug_level:
            return
        self.flush()
        if self.log:
            self.log.write(level, text)
        self._write(self._stderr, text + "\n")

    # -- leaving -----------------------------------------------------------------------------------

    def flush(self) -> None:
        """Let everything written so far leave."""
        if self._pending:
            text = "".join(self._pending)
            self._pending.clear()
            self._write(self._stdout, text)

    def _columns(self) -> int:
        """Return how many columns the terminal has."""
        try:
            return os.get_terminal_size(self._stdout).columns or 80
        except OSError:
            return 80

    def _write(self, fd: int, text: str) -> None:
        if os.isatty(fd):
            text = harmless(text)
        data = text.encode("utf-8", "surrogateescape")
        try:
            while data:
                data = data[os.write(fd, data) :]
        except BrokenPipeError:
            die_by_sigpipe()
        except OSError:
            # A closed or full descriptor loses the text but does not fail the command.
            return


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10, 13, 27)}


def harmless(text: str) -> str:
    """Return text that cannot steer a terminal: what guests and files say is shown, colours stay colours."""
    first, *rest = text.translate(_CONTROLS).split("\x1b")
    return first + "".join(("\x1b" if _is_plain(part) else "\\x1b") + part for part in rest)


def _is_plain(sequence: str) -> bool:
    """Say whether an escape sequence only colours text or clears the line."""
    end = sequence[1:].lstrip("0123456789;")
    return sequence.startswith("[") and end.startswith(("m", "K"))


def die_by_sigpipe() -> None:
    """End as a program does whose reader has gone."""
    import signal

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)


# -- layouts ---------------------------------------------------------------------------------------


def format_table(
    headers: "Sequence[str]",
    rows: "Iterable[Sequence[str]]",
    *,
    header: bool = True,
    paint: "Callable[[str, str], str] | None" = None,
) -> str:
    """Lay out a table as virsh does; without `header` neither it nor the rule is written.

    paint: returns a cell, given its column's header, in colour.
    """
    lines = [[escape_cell(cell) for cell in row] for row in rows]
    if header:
        lines.insert(0, list(headers))
    if not lines:
        return ""
    spans = [[display_width(cell) for cell in line] for line in lines]
    widths = [max(column) for column in zip(*spans, strict=True)]
    texts = []
    for line, span in zip(lines, spans, strict=True):
        shown = [paint(headers[i], cell) for i, cell in enumerate(line)] if paint else line
        padded = [" " + cell + " " * (widths[i] - span[i] + 2) for i, cell in enumerate(shown[:-1])]
        texts.append("".join(padded) + " " + shown[-1])
    if header:
        texts.insert(1, "-" * (sum(widths) + 3 * len(widths)))
    return "\n".join(texts) + "\n"


def escape_cell(text: str) -> str:
    """Make a cell safe to show: control characters and what cannot be shown as ``\\xHH``."""
    if text.isascii() and text.isprintable() and "\\x" not in text:
        return text
    unicode_shown = _shows_unicode()
    return "".join(_escape_char(text, i, unicode_shown) for i in range(len(text)))


def _escape_char(text: str, index: int, unicode_shown: bool) -> str:
    char = text[index]
    if char == "\\" and text[index + 1 : index + 2] == "x":
        return "\\x5c"
    if char.isascii():
        return char if char.isprintable() else f"\\x{ord(char):02x}"
    if unicode_shown and (char.isprintable() or _is_shown(char)):
        return char
    # virsh writes every byte above 0x7f like this, whatever its value.
    return "\\xff" * len(char.encode("utf-8", "surrogateescape"))


def _is_shown(char: str) -> bool:
    """Say whether a C library prints a character that Python calls unprintable."""
    import unicodedata

    return unicodedata.category(char) in ("Zs", "Cf", "Co")


def display_width(text: str) -> int:
    """Return how many columns `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    import unicodedata

    width = 0
    for char in text:
        if unicodedata.category(char) in ("Mn", "Me", "Cf"):
            continue
        width += 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
    return width


def _shows_unicode() -> bool:
    """Say whether the locale given to this process is a UTF-8 one.

    Python itself changes LC_CTYPE when it starts in the C locale, so what was given is read
    from /proc.
    """
    try:
        with open("/proc/self/environ", "rb") as file:
            given = dict(entry.partition(b"=")[::2] for entry in file.read().split(b"\0"))
    except OSError:
        given = dict(os.environb)
    locale = given.get(b"LC_ALL") or given.get(b"LC_CTYPE") or given.get(b"LANG") or b""
    return b"UTF-8" in locale.upper().replace(b"UTF8", b"UTF-8")
