"""What may stand at the end of a line: one engine for the TAB key and for the `complete` command.

It reads the line by the rules commands are read by, looks at the last thing read, and offers
command names, options, or what `offers` knows for an option's values.  It has no terminal code, never
prompts, and whatever goes wrong means that there is nothing to offer.

Source: measured in `shell-semantics`, section 10.
"""

import os

from pyvirsh.backend.errors import VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import Args, Binder
from pyvirsh.shell.dispatch import find
from pyvirsh.shell.output import ERROR
from pyvirsh.shell.words import Lexer
from pyvirsh.spec import ALIAS, ARGV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from pyvirsh.shell.session import Session
    from pyvirsh.spec import Opt

# How long one question to a driver may take, and how long the `complete` command.
SECONDS = 2.0


class Candidate:
    """Something that may stand at the cursor, with a few words about it."""

    __slots__ = ("text", "help")

    def __init__(self, text: str, help: str = "") -> None:
        self.text = text
        self.help = help


class Place:
    """What is being completed: `text`, and `kind`: "command", "option", "value" or "nothing"."""

    __slots__ = ("text", "kind", "binder", "option")

    def __init__(
        self, text: str, kind: str, binder: "Binder | None" = None, option: "Opt | None" = None
    ) -> None:
        self.text = text
        self.kind = kind
        self.binder = binder
        self.option = option


def for_words(session: "Session", words: "list[str]", *, helps: bool = False) -> "list[Candidate]":
    """Return what may take the place of the last of `words`, which stand on one line."""
    text = words[-1] if words else ""
    return candidates(session, place(" ".join(words), text), helps=helps)


def place(line: str, text: str) -> Place:
    """Find out what `text`, the end of `line`, is part of."""
    binder = _last_command(line)
    if binder is None or binder.command.name == text:
        return Place(text, "command")
    if binder.wants_help and not binder.failed:
        return Place(text, "nothing", binder)
    last = binder.last
    if last is not None and last.completes and _value(binder, last) == text:
        return Place(text, "value", binder, last)
    return Place(text, "option", binder)


def _last_command(line: str) -> "Binder | None":
    """Bind the words of a line as far as they make sense; return the last command, None without one."""
    lexer = Lexer(line, lenient=True)
    last = None
    while True:
        name = lexer.next_word()
        if name is not None and name.startswith("#"):
            while lexer.next_word() is not None:
                pass
        elif name is not None:
            command = find(name)
            if command is None:
                return last
            last = Binder(command, lexer, lenient=True)
            last.bind()
            if last.failed:
                return last
        if not lexer.next_command():
            return last


def _value(binder: Binder, opt: "Opt") -> "str | bool":
    value = binder.values.get(opt.name, "")
    return value[-1] if isinstance(value, list) else value


def candidates(session: "Session", at: Place, *, helps: bool = False) -> "list[Candidate]":
    """Return what may stand at a place.  helps: look up what is said about commands, too."""
    if at.kind == "command":
        found = list(_commands(helps=helps))
    elif at.kind == "option":
        assert at.binder is not None
        found = list(_options(at.binder))
    elif at.kind == "value":
        found = _values(session, at)
    else:
        found = []
    return [candidate for candidate in found if candidate.text.startswith(at.text)]


def _commands(*, helps: bool) -> "Iterator[Candidate]":
    from pyvirsh.commands import INDEX, UNLISTED, load

    for name in INDEX:
        if name not in UNLISTED:
            yield Candidate(name, load(name).help if helps else "")


def _options(binder: Binder) -> "Iterator[Candidate]":
    for opt in binder.command.options:
        if opt.kind != ALIAS and (opt.kind == ARGV or opt.name not in binder.values):
            yield Candidate("--" + opt.name, opt.help)


# -- values ------------------------------------------------------------------------------------------


def _values(session: "Session", at: Place) -> "list[Candidate]":
    assert at.binder is not None and at.option is not None
    kind, _, detail = at.option.completes.partition(":")
    if kind == "command":
        return list(_commands(helps=False))
    if kind == "enum":
        return [Candidate(name) for name in detail.split(",")]
    if kind == "enum-list":
        return listed(at.text, detail.split(","))
    return _from_driver(session, at, kind, detail)


def _from_driver(session: "Session", at: Place, kind: str, detail: str) -> "list[Candidate]":
    from pyvirsh.shell import offers

    offer, is_list = offers.OFFERS.get(kind, (None, False))
    if offer is None:
        return []
    assert at.binder is not None
    args = Args(at.binder.command, at.binder.values)
    level, session.out.debug_level = session.out.debug_level, ERROR
    try:
        with TimeLimit(SECONDS):
            names = offer(session, args, detail)
    except (VirError, CommandFailed, TimeoutError):
        return []
    finally:
        session.out.debug_level = level
    return listed(at.text, names) if is_list else [Candidate(name) for name in names]


def listed(text: str, names: "list[str]") -> "list[Candidate]":
    """Offer members of a comma list: behind what is typed, those that are not in it."""
    typed, comma, _ = text.rpartition(",")
    used = typed.split(",") if comma else []
    return [Candidate(typed + comma + name) for name in names if name not in used]


class TimeLimit:
    """A `with` block that raises TimeoutError when it takes longer.  For the main thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        import signal

        self._before = signal.signal(signal.SIGALRM, self._expired)
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_: object) -> None:
        import signal

        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    @staticmethod
    def _expired(number: int, frame: "FrameType | None") -> None:
        raise TimeoutError


def detach() -> None:
    """Make sure that this process neither asks the user anything nor outlives his patience.

    For the `complete` command, which a shell runs while the user waits with a key pressed.
    """
    import signal

    signal.signal(signal.SIGALRM, lambda number, frame: os._exit(1))
    signal.setitimer(signal.ITIMER_REAL, 2 * SECONDS)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    try:
        # Without a controlling terminal nothing can open it to ask for a password.
        os.setsid()
    except OSError:
        # It leads its process group: then it is no child of a completion script.
        pass
