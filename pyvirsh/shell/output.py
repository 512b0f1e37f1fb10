"""Every byte that leaves: results, notes, errors and the layouts scripts read.

Handlers hand over values; how they look is decided here.  Text that stands for bytes which are
not UTF-8 carries them as surrogates, as `os.fsdecode` does, and they leave unchanged.

Source: measured in `shell-semantics`, sections 6 and 8.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyvirsh.backend.errors import VirError
    from pyvirsh.shell.log import LogFile

DEBUG, INFO, NOTICE, WARNING, ERROR = range(5)


class Output:
    """Writes to two descriptors: results to `stdout`, errors and debug lines to `stderr`.

    quiet: drop what is said beside the results.  pretty: on a terminal, the layouts of
    `shell.pretty`.  Nothing is kept back over an error line or the end of a command.
    """

    def __init__(self, *, stdout: int = 1, stderr: int = 2, quiet: bool = False) -> None:
        self.quiet = quiet
        self.debug_level = ERROR
        self.timing = False
        self.pretty = False
        self.log: LogFile | None = None
        # What stands before "error: ": a batch puts FILE:LINE here.
        self.where = ""
        self._stdout = stdout
        self._stderr = stderr
        self._pending: list[str] = []

    # -- results ---------------------------------------------------------------------------------

    def raw(self, text: str) -> None:
        """Write `text` as it is."""
        self._pending.append(text)

    def line(self, text: str = "") -> None:
        """Write a line of the result."""
        self._pending.append(text + "\n")

    def note(self, text: str) -> None:
        """Say in a line what was done; dropped when quiet."""
        if not self.quiet:
            self._pending.append(text + "\n")

    def raw_note(self, text: str) -> None:
        """Say what was done, with no newline of its own; dropped when quiet."""
        if not self.quiet:
            self._pending.append(text)

    def table(self, headers: "Sequence[str]", rows: "Iterable[Sequence[str]]") -> None:
        """Write rows under headers, columns as wide as their widest cell."""
        if self.pretty:
            from pyvirsh.shell import pretty

            self.raw(pretty.table(headers, list(rows)))
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
        self._write(self._stderr, f"{self.where}error: {text}\n")

    def library_error(self, error: "VirError") -> None:
        """Write a driver's error as it words it."""
        self.error(error.text)

    def progress(self, text: str) -> None:
        """Write to standard error as it is: the progress of a long job."""
        self.flush()
        self._write(self._stderr, text)

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

    def _write(self, fd: int, text: str) -> None:
        data = text.encode("utf-8", "surrogateescape")
        try:
            while data:
                data = data[os.write(fd, data) :]
        except BrokenPipeError:
            die_by_sigpipe()
        except OSError:
            # A closed or full descriptor loses the text but does not fail the command.
            return


def die_by_sigpipe() -> None:
    """End as a program does whose reader has gone."""
    import signal

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)


# -- layouts ---------------------------------------------------------------------------------------


def format_table(headers: "Sequence[str]", rows: "Iterable[Sequence[str]]", *, header: bool = True) -> str:
    """Lay out a table as virsh does; without `header` neither it nor the rule is written."""
    lines = [[escape_cell(cell) for cell in row] for row in rows]
    if header:
        lines.insert(0, list(headers))
    if not lines:
        return ""
    spans = [[display_width(cell) for cell in line] for line in lines]
    widths = [max(column) for column in zip(*spans, strict=True)]
    texts = []
    for line, span in zip(lines, spans, strict=True):
        padded = [" " + cell + " " * (widths[i] - span[i] + 2) for i, cell in enumerate(line[:-1])]
        texts.append("".join(padded) + " " + line[-1])
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
