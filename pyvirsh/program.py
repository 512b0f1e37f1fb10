"""The options before the command: `scan` reads them, `Options` is what they say.

Long names may be shortened, letters combined, as GNU programs do.
Source: measured in `shell-semantics`, section 7.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyvirsh.shell.log import LogFile

NO, YES, MAYBE = range(3)


class ProgramOption:
    """One option.  takes: whether a value follows; shown: what the value is called; own: not virsh's."""

    __slots__ = ("name", "letter", "takes", "shown", "help", "own")

    def __init__(
        self, name: str, letter: str, help: str, *, takes: int = NO, shown: str = "", own: bool = False
    ) -> None:
        self.name = name
        self.letter = letter
        self.takes = takes
        self.shown = shown
        self.help = help
        self.own = own

    @property
    def key(self) -> str:
        """The letter, or the name of one that has none."""
        return self.letter or self.name

    def label(self) -> str:
        """Return the option as usage shows it."""
        value = f"={self.shown}" if self.takes == YES else f"[={self.shown}]" if self.takes else ""
        return f"-{self.letter} | --{self.name}{value}" if self.letter else f"     --{self.name}{value}"


LONG = {
    option.name: option
    for option in (
        ProgramOption(
            "all-hosts", "", "get a list from every host that has an alias in libvirt.conf", own=True
        ),
        ProgramOption(
            "connect", "c", "the hypervisor to connect to; more than one for lists", takes=YES, shown="URI"
        ),
        ProgramOption(
            "debug", "d", "show messages from this level on, 0 (all) to 4 (errors)", takes=YES, shown="NUM"
        ),
        ProgramOption("escape", "e", "what leaves a console, ^] unless set", takes=YES, shown="CHAR"),
        ProgramOption(
            "file", "", "run a batch file, - for standard input", takes=YES, shown="FILE", own=True
        ),
        ProgramOption("help", "h", "this help"),
        ProgramOption("keep-going", "", "let a batch go on behind a command that fails", own=True),
        ProgramOption(
            "keepalive-interval",
            "k",
            "seconds between keepalive messages, 0 for none",
            takes=YES,
            shown="NUM",
        ),
        ProgramOption(
            "keepalive-count", "K", "keepalive messages that may go unanswered", takes=YES, shown="NUM"
        ),
        ProgramOption("log", "l", "write messages to a file too", takes=YES, shown="FILE"),
        ProgramOption(
            "output",
            "o",
            "how results leave: table, json, yaml, csv or name",
            takes=YES,
            shown="FORMAT",
            own=True,
        ),
        ProgramOption("plain", "", "no colour and no drawing, on a terminal too", own=True),
        ProgramOption("quiet", "q", "only results and errors"),
        ProgramOption("readonly", "r", "allow nothing that changes anything"),
        ProgramOption("timing", "t", "show how long each command took"),
        ProgramOption("version", "v", "version, short or long (-V)", takes=MAYBE, shown="TYPE"),
    )
}
LETTERS = {option.letter: option for option in LONG.values() if option.letter}

SYNOPSIS = (
    "[options]... [<command_string>]",
    "[options]... <command> [args...]",
    "[options]... --file <batch file>",
)


def usage(program: str) -> str:
    """Return the head of what --help shows; the commands come behind it."""
    lines = ["", *(f"{program} {form}" for form in SYNOPSIS), "", "  options:"]
    for option in LONG.values():
        label = option.label()
        if len(label) > 23:
            lines += [f"    {label}", " " * 28 + option.help]
        else:
            lines.append(f"    {label:<23} {option.help}")
    return "\n".join([*lines, "  commands (non interactive mode):", "", ""])


# How the drivers are called that a version can name.
HYPERVISORS = {"qemu": "QEMU/KVM", "lxc": "LXC", "test": "Test"}

VERSION = """Virsh command line tool of libvirt {libvirt}
This is pyvirsh {version}, which speaks virsh's language without libvirt.

Compiled with support for:
 Hypervisors: {hypervisors}
 Networking: Remote Bridging Passt
 Storage: Files Blocks
 Miscellaneous: Daemonless JSON Shell
"""


class OptionError(Exception):
    """A program option cannot be used; the text is shown after ``error: ``.

    waiting: the option whose value is missing, "" when something else is wrong.
    """

    def __init__(self, text: str, *, waiting: str = "") -> None:
        super().__init__(text)
        self.waiting = waiting


class Options:
    """What the program options say; `words` is the command behind them.

    program: what the program calls itself.  show: "", "help", "short" or "long" version.
    warnings: lines to show before going on.
    """

    def __init__(self, program: str = "pyvirsh") -> None:
        self.program = program
        self.uri: str | None = None
        self.debug: int | None = None
        self.escape = "^]"
        self.keepalive_interval: int | None = None
        self.keepalive_count: int | None = None
        self.log: LogFile | None = None
        self.file: str | None = None
        self.output = "table"
        # All that -c said, in order; the last is `uri`.
        self.uris: list[str] = []
        self.all_hosts = self.keep_going = self.plain = self.quiet = self.read_only = self.timing = False
        self.show = ""
        self.warnings: list[str] = []
        self.words: list[str] = []


def read(options: Options, argv: "list[str]") -> None:
    """Read the program options at the front of `argv` into `options`.

    Errors: OptionError; what stood before the fault is set then.
    """
    rest = list(argv)
    for letter, typed, value in _scan(rest):
        _apply(options, letter, typed, value)
        if options.show:
            break
    options.words = rest


def _scan(rest: "list[str]") -> "Iterator[tuple[str, str, str | None]]":
    """Take options off the front of `rest`; yield (key, option as typed, value)."""
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            return
        if word.startswith("--"):
            yield _long(word, rest)
        else:
            yield from _letters(word[1:], rest)


def _long(word: str, rest: "list[str]") -> "tuple[str, str, str | None]":
    name, equals, text = word[2:].partition("=")
    option = LONG.get(name) or _shortened(name)
    if option is None:
        raise OptionError(f"unsupported option '{word}'. See --help.")
    if equals and option.takes == NO:
        shown = f"-{option.letter}" if option.letter else f"--{option.name}"
        raise OptionError(f"unsupported option '{shown}'. See --help.")
    value = text if equals else _following(option, rest) if option.takes == YES else None
    return option.key, "--" + option.name, value


def _shortened(name: str) -> "ProgramOption | None":
    """Return the one option of virsh that `name` begins; ours cannot be shortened.

    So what is short in virsh means the same here.
    """
    found = [option for option in LONG.values() if name and option.name.startswith(name) and not option.own]
    return found[0] if len(found) == 1 else None


def _letters(letters: str, rest: "list[str]") -> "Iterator[tuple[str, str, str | None]]":
    while letters:
        letter, letters = letters[0], letters[1:]
        option = LETTERS.get(letter)
        if option is None and letter != "V":
            raise OptionError(f"unsupported option '-{letter}'. See --help.")
        if option is None or option.takes != YES:
            yield letter, "-" + letter, None
        else:
            yield letter, "-" + letter, letters or _following(option, rest)
            return


def _following(option: ProgramOption, rest: "list[str]") -> str:
    if not rest:
        long = f"'--{option.name}'"
        shown = f"'-{option.letter}'/{long}" if option.letter else long
        raise OptionError(f"option {shown} requires an argument", waiting=option.name)
    return rest.pop(0)


def unfinished(words: "list[str]") -> "tuple[Options, str, list[str]]":
    """Read the words of a line whose last one is being typed, for completion.

    Return the options so far; which of them the last word is the value of, "option" when it is the
    name of one, "" when it belongs to the command; and the words behind the options.
    """
    options = Options()
    rest, last = words[:-1], words[-1] if words else ""
    try:
        for key, typed, value in _scan(rest):
            if key != "l":
                _apply(options, key, typed, value)
    except OptionError as error:
        return options, error.waiting or "nothing", [last]
    if rest or not last.startswith("-"):
        return options, "", [*rest, last]
    name, equals, text = last.partition("=")
    if equals and name[2:] in LONG:
        return options, name[2:], [text]
    return options, "option", [last]


# What a letter sets to True.
FLAGS = {
    "q": "quiet",
    "r": "read_only",
    "t": "timing",
    "all-hosts": "all_hosts",
    "keep-going": "keep_going",
    "plain": "plain",
}
TEXTS = {"c": "uri", "file": "file"}


def _apply(options: Options, letter: str, typed: str, value: "str | None") -> None:
    if letter in FLAGS:
        setattr(options, FLAGS[letter], True)
    elif letter in TEXTS:
        setattr(options, TEXTS[letter], value)
        if letter == "c":
            options.uris.append(str(value))
    elif letter == "h":
        options.show = "help"
    elif letter in ("v", "V"):
        options.show = "long" if letter == "V" or value == "long" else "short"
    elif letter == "e":
        options.escape = _escape(str(value))
    elif letter == "l":
        options.log = open_log(str(value), options.program)
    elif letter == "o":
        options.output = _format(str(value))
    elif letter == "d":
        _set_debug(options, typed, str(value))
    else:
        field = "keepalive_interval" if letter == "k" else "keepalive_count"
        setattr(options, field, _keepalive(letter, typed, str(value)))


def _escape(text: str) -> str:
    """Check the console's escape character: one character, or ^ and one that control makes."""
    if len(text) == 2 and text[0] == "^" and "@" <= text[1].upper() <= "_":
        return text
    if len(text.encode("utf-8", "surrogateescape")) == 1 and text != "^":
        return text
    raise OptionError(f"Invalid string '{text}' for escape sequence")


def _format(text: str) -> str:
    from pyvirsh.errors import UsageError
    from pyvirsh.shell.binding import check_format

    try:
        return check_format(text)
    except UsageError as error:
        raise OptionError(error.text) from error


def open_log(path: str, program: str) -> "LogFile":
    """Open the file that messages are added to.  Errors: OptionError."""
    from pyvirsh.shell.log import LogFile

    try:
        return LogFile(path, program)
    except OSError as error:
        raise OptionError("failed to open the log file. check the log file path") from error


def _set_debug(options: Options, typed: str, text: str) -> None:
    level = c_integer(text, 10)
    if level is None:
        raise OptionError(f"option {typed} takes a numeric argument")
    if 0 <= level <= 4:
        options.debug = level
    else:
        options.warnings.append(f"ignoring debug level {level} out of range [0-4]")


def _keepalive(letter: str, typed: str, text: str) -> int:
    number = c_integer(text, 0)
    if number is None:
        raise OptionError(f"Invalid value for option {typed}")
    if number < 0:
        raise OptionError(f"option {typed} requires a positive integer argument")
    return number


def c_integer(text: str, base: int) -> "int | None":
    """Read an int as C's strtol does (base 0: 0x and 0 prefixes count); None if it is none."""
    body = text.lstrip(" \t\n\v\f\r")
    sign = body[:1] if body[:1] in ("+", "-") else ""
    digits = body[len(sign) :].lower()
    if base == 0:
        base = 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10
        digits = digits[2:] if base == 16 else digits
    if not digits.isascii() or not digits.isalnum():
        return None
    try:
        number = int(sign + digits, base)
    except ValueError:
        return None
    return number if -(2**31) <= number < 2**31 else None
