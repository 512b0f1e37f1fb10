"""The shell without a command on the program's line: banner, prompt, one line after another.

Lines of a terminal come from `interactive`; what is piped in is read, echoed and run here, without
an editor in between.

Source: measured in `shell-semantics`, section 9.
"""

import os
import sys

from pyvirsh.errors import CommandFailed, Quit, UsageError
from pyvirsh.shell import dispatch, history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from pyvirsh.shell.history import History
    from pyvirsh.shell.session import Session

BANNER = """Welcome to {program}, the virtualization interactive terminal.

Type:  'help' for help with commands
       'quit' to quit

"""


def run(session: "Session", *, plain: bool = False) -> int:
    """Run the shell on standard input until it ends; return the exit status."""
    session.interactive = True
    lines, fault = history.from_environment(os.environ)
    if fault:
        session.out.error(fault)
    lines.load()
    terminal = os.isatty(0) and os.isatty(1)
    if terminal or not session.out.structured:
        _greet(session)
    if terminal and os.environ.get("TERM", "dumb") != "dumb":
        from pyvirsh.shell import interactive

        interactive.run(session, lines, plain=plain)
    else:
        run_piped(session, 0, lines)
    try:
        lines.save()
    except CommandFailed as error:
        session.out.error(*error.texts)
    return 0


def _greet(session: "Session") -> None:
    if not session.out.quiet:
        session.out.raw(BANNER.format(program=session.program))
        session.out.flush()


def prompt(session: "Session") -> str:
    """Return the prompt: it tells whether the connection may change anything."""
    return "virsh > " if session.read_only else "virsh # "


def run_line(session: "Session", line: str) -> None:
    """Run one line, a command string.  Errors: Quit."""
    with _ShownBugs():
        try:
            commands = dispatch.parse_text(session, line)
        except UsageError as error:
            session.out.error(error.text)
        else:
            dispatch.run(session, commands)


class _ShownBugs:
    """Shows what went wrong in the program itself and lets the shell go on."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> bool:
        if kind is None or not isinstance(error, Exception) or isinstance(error, Quit):
            return False
        sys.excepthook(kind, error, trace)
        return True


def run_piped(session: "Session", fd: int, typed: "History") -> None:
    """Run the lines that come in through `fd`, which is no terminal with an editor.

    As in virsh the prompt and the line are written before what it does, so that a transcript can be
    read; a terminal echoes the line itself.  When data leaves in another form nothing is echoed.
    """
    out = session.out
    shown = not out.structured
    echoed = shown and not os.isatty(fd)
    lines = read_lines(fd, before=lambda: attend_until_readable(session, fd))
    while True:
        if shown:
            out.raw(prompt(session))
            out.flush()
        line = next(lines, None)
        if line is None:
            break
        typed.add(line)
        if echoed:
            out.raw(line + "\n")
            out.flush()
        try:
            run_line(session, line)
        except Quit:
            break
    if shown:
        out.line()
    out.flush()


def attend_until_readable(session: "Session", fd: int) -> None:
    """Wait until there is something to read from `fd`, answering the peer of the connection meanwhile."""
    while (idle := session.idle_fileno()) >= 0:
        from select import select

        ready = select([fd, idle], [], [])[0]
        if idle in ready:
            session.attend()
        if fd in ready:
            return


def read_lines(fd: int, before: "Callable[[], None]" = lambda: None) -> "Iterator[str]":
    """Yield the lines that come in through `fd`, each as soon as its end has come.

    A carriage return ends a line too, as in virsh; the last line needs no end.
    before: called when nothing is left and more has to be read.
    """
    pieces: list[bytes] = []
    while data := _read(fd, before):
        *ended, rest = data.replace(b"\r", b"\n").split(b"\n")
        for part in ended:
            pieces.append(part)
            yield b"".join(pieces).decode("utf-8", "surrogateescape")
            pieces.clear()
        if rest:
            pieces.append(rest)
    if pieces:
        yield b"".join(pieces).decode("utf-8", "surrogateescape")


def _read(fd: int, before: "Callable[[], None]") -> bytes:
    """Read what has come; b"" at the end, or if there is nothing to read from."""
    before()
    try:
        return os.read(fd, 65536)
    except OSError:
        return b""
