"""What may stand at the end of a line: one engine for the TAB key and for the `complete` command.

It reads the line by the rules commands are read by, looks at the last thing read, and offers
command names, options, or what `offers` knows for an option's values.  It has no terminal code, never
prompts, and whatever goes wrong means that there is nothing to offer.

Source: measured in `shell-semantics`, section 10.
"""

import os
import sys

from pyvirsh.backend.errors import VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import OUTPUT, Args, Binder
from pyvirsh.shell.dispatch import find
from pyvirsh.shell.output import ERROR, FORMATS
from pyvirsh.shell.words import ArgvLexer, Lexer
from pyvirsh.spec import ALIAS, ARGV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from pyvirsh.shell.offers import Offer
    from pyvirsh.shell.session import Session
    from pyvirsh.spec import Command, Opt

# driver -> what usually stands behind ``driver:///``
USUAL = {"qemu": ("system", "session"), "lxc": ("system", "session"), "test": ("default",)}

# How long the user waits for candidates, whatever the driver does.
SECONDS = 3.0


class Candidate:
    """Something that may stand at the cursor, with a few words about it.

    whole: nothing will follow it in its word; a directory is no whole word.
    """

    __slots__ = ("text", "help", "whole")

    def __init__(self, text: str, help: str = "", *, whole: bool = True) -> None:
        self.text = text
        self.help = help
        self.whole = whole


class Place:
    """What is being completed: `text`, and `kind`: "command", "option", "value" or "nothing".

    binder: the command there, None where one is to be named.  option: the one whose value it is,
    or, with kind "option", the one that a bare word would be bound to.
    """

    __slots__ = ("text", "kind", "binder", "option")

    def __init__(
        self, text: str, kind: str, binder: "Binder | None" = None, option: "Opt | None" = None
    ) -> None:
        self.text = text
        self.kind = kind
        self.binder = binder
        self.option = option


# -- as virsh does it --------------------------------------------------------------------------------


def for_words(session: "Session", words: "list[str]") -> "list[Candidate]":
    """Return what virsh offers in place of the last of `words`, which stand on one line."""
    text = words[-1] if words else ""
    at = _place(Lexer(" ".join(words), lenient=True), text)
    if at.kind == "command":
        found = _commands(text)
    elif at.kind == "option":
        found = _options(at)
    elif at.kind == "value":
        found = _values(session, at)
    else:
        found = []
    return _fitting(found, text)


def _place(lexer: "Lexer | ArgvLexer", text: str) -> Place:
    """Find out what `text`, the last word that `lexer` gives or an empty one behind it, is part of."""
    binder = _last_command(lexer)
    if binder is None or binder.command.name == text:
        return Place(text, "command")
    if binder.wants_help and not binder.failed:
        return Place(text, "nothing", binder)
    last = binder.last
    if last is not None and last.completes and _value(binder, last) == text:
        return Place(text, "value", binder, last)
    return Place(text, "option", binder, binder.free_slot())


def _last_command(lexer: "Lexer | ArgvLexer") -> "Binder | None":
    """Bind the words of a line as far as they make sense; return the last command, None without one."""
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
    if opt is OUTPUT:
        return binder.output
    value = binder.values.get(opt.name, "")
    return value[-1] if isinstance(value, list) else value


# -- as we do it for a user at a terminal ------------------------------------------------------------


def rich(session: "Session", lexer: "Lexer | ArgvLexer", word: str) -> "list[Candidate]":
    """Return what may take the place of `word`, the last one that `lexer` gives or an empty one behind it.

    Beyond what virsh offers: help, values where nothing is typed yet, files, and ``--option=VALUE``.
    """
    at = _place(lexer, word)
    name, equals, text = word.partition("=")
    if word.startswith("--") and equals and at.binder is not None:
        last = at.binder.last
        if last is None or _value(at.binder, last) != text:
            return []
        found = _rich_values(session, Place(text, "value", at.binder, last))
        return [
            Candidate(f"{name}={each.text}", each.help, whole=each.whole) for each in _fitting(found, text)
        ]
    if at.kind == "command":
        found = _commands(word, helps=True)
    elif at.kind == "option":
        found = _options(at)
        if not word and at.option is not None:
            found = _rich_values(session, at) + found
        if word and at.binder is not None and at.binder.command.option(OUTPUT.name) is None:
            found.append(Candidate("--" + OUTPUT.name, OUTPUT.help))
    elif at.kind == "value":
        found = _rich_values(session, at)
    else:
        found = []
    return _fitting(found, word)


def _rich_values(session: "Session", at: Place) -> "list[Candidate]":
    if at.option is not None and at.option.completes.startswith("file-path"):
        return files(at.text)
    return _values(session, at)


def of_program(option: str, text: str, *, prefix: str = "") -> "list[Candidate]":
    """Return what may be the value `text` of an option of the program; `prefix` stands before it."""
    if option in ("connect", "host"):
        found = _uris()
    elif option == "output":
        found = [Candidate(name) for name in FORMATS]
    elif option in ("file", "log"):
        found = files(text)
    else:
        found = []
    return [Candidate(prefix + each.text, each.help, whole=each.whole) for each in _fitting(found, text)]


def _uris() -> "list[Candidate]":
    from pyvirsh import backend

    try:
        aliases = backend.uri_aliases(os.environ)
    except VirError:
        aliases = {}
    usual = [f"{name}:///{where}" for name in backend.DRIVERS for where in USUAL.get(name, ())]
    return [*(Candidate(name, uri) for name, uri in aliases.items()), *map(Candidate, usual)]


def files(text: str) -> "list[Candidate]":
    """Offer files and directories whose path begins with `text`, hidden ones only when asked for."""
    directory, slash, start = text.rpartition("/")
    try:
        with os.scandir((directory or slash) or ".") as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries if entry.name.startswith(start))
    except OSError:
        return []
    return [
        Candidate(directory + slash + name + ("/" if is_directory else ""), whole=not is_directory)
        for name, is_directory in found
        if start or not name.startswith(".")
    ]


def _fitting(found: "list[Candidate]", text: str) -> "list[Candidate]":
    return [candidate for candidate in found if candidate.text.startswith(text)]


# -- names and options -------------------------------------------------------------------------------


def _commands(start: str, *, helps: bool = False) -> "list[Candidate]":
    """Offer the commands whose names begin with `start`; what they do is only looked up if wanted."""
    from pyvirsh.commands import INDEX, UNLISTED, load

    names = [name for name in INDEX if name.startswith(start) and name not in UNLISTED]
    return [Candidate(name, load(name).help if helps else "") for name in names]


def _options(at: Place) -> "list[Candidate]":
    assert at.binder is not None
    given = at.binder.values
    return [
        Candidate("--" + opt.name, opt.help)
        for opt in at.binder.command.options
        if opt.kind != ALIAS and (opt.kind == ARGV or opt.name not in given)
    ]


# -- values ------------------------------------------------------------------------------------------


def _values(session: "Session", at: Place) -> "list[Candidate]":
    assert at.binder is not None and at.option is not None
    kind, _, detail = at.option.completes.partition(":")
    if kind == "command":
        return _commands(at.text)
    if kind == "enum":
        return [Candidate(name) for name in detail.split(",")]
    if kind == "enum-list":
        return listed(at.text, detail.split(","))
    return _from_driver(session, at, kind, detail)


def knows(command: "Command", completes: str) -> bool:
    """Say whether there is something behind what an option of `command` says completes it."""
    kind = completes.partition(":")[0]
    return kind in ("", "none", "command", "enum", "enum-list", "file-path") or bool(_offer(command, kind)[0])


def _offer(command: "Command", kind: str) -> "tuple[Offer | None, bool]":
    from pyvirsh.shell.offers import OFFERS

    own: dict[str, tuple[Offer, bool]] = getattr(sys.modules[command.handler.__module__], "OFFERS", {})
    return own.get(kind) or OFFERS.get(kind) or (None, False)


def _from_driver(session: "Session", at: Place, kind: str, detail: str) -> "list[Candidate]":
    assert at.binder is not None
    offer, is_list = _offer(at.binder.command, kind)
    if offer is None:
        return []
    args = Args(at.binder.command, at.binder.values)
    level, session.out.debug_level = session.out.debug_level, ERROR
    try:
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
    """A `with` block in which a driver that takes longer fails with TimeoutError.  For the main thread."""

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
    # Not `signal`, whose enumerations take longer to come up than a completion is to be answered.
    import _signal as signal  # type: ignore[import-not-found]

    signal.signal(signal.SIGALRM, lambda number, frame: os._exit(1))
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    try:
        # Without a controlling terminal nothing can open it to ask for a password.
        os.setsid()
    except OSError:
        # It leads its process group: then it is no child of a completion script.
        pass
