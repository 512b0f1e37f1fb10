"""The options before the command: `scan` reads them, `Options` is what they say.

Long names may be shortened, letters combined, as GNU programs do.
Source: measured in `shell-semantics`, section 7.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyvirsh.shell.log import LogFile

# long name -> (its letter, or a word of ours where virsh has none; takes a value: no, yes, maybe)
LONG = {
    "all-hosts": ("all-hosts", "no"),
    "connect": ("c", "yes"),
    "debug": ("d", "yes"),
    "escape": ("e", "yes"),
    "file": ("file", "yes"),
    "help": ("h", "no"),
    "host": ("host", "yes"),
    "keep-going": ("keep-going", "no"),
    "keepalive-count": ("K", "yes"),
    "keepalive-interval": ("k", "yes"),
    "log": ("l", "yes"),
    "output": ("o", "yes"),
    "plain": ("plain", "no"),
    "quiet": ("q", "no"),
    "readonly": ("r", "no"),
    "timing": ("t", "no"),
    "version": ("v", "maybe"),
}
# Ours; they cannot be shortened, so that what is short in virsh means the same here.
OWN = ("all-hosts", "file", "host", "keep-going", "output", "plain")
LETTERS = {letter: name for name, (letter, _) in LONG.items() if len(letter) == 1}

USAGE = """
{program} [options]... [<command_string>]
{program} [options]... <command> [args...]
{program} [options]... --file <batch file>

  options:
         --all-hosts        get a list from every host that has an alias in libvirt.conf
    -c | --connect=URI      the hypervisor to connect to
    -d | --debug=NUM        show messages from this level on, 0 (all) to 4 (errors)
    -e | --escape <char>    what leaves a console, ^] unless set
         --file=FILE        run a batch file, - for standard input
    -h | --help             this help
         --host=URI         get a list from this host; given more than once, from all of them
         --keep-going       let a batch go on behind a command that fails
    -k | --keepalive-interval=NUM
                            seconds between keepalive messages, 0 for none
    -K | --keepalive-count=NUM
                            keepalive messages that may go unanswered
    -l | --log=FILE         write messages to a file too
    -o | --output=FORMAT    how results leave: table, json, yaml, csv or name
         --plain            no colour and no drawing, on a terminal too
    -q | --quiet            only results and errors
    -r | --readonly         allow nothing that changes anything
    -t | --timing           show how long each command took
    -v                      short version
    -V                      long version
         --version[=TYPE]   version, short or long
  commands (non interactive mode):

"""

VERSION = """Virsh command line tool of libvirt {libvirt}
This is pyvirsh {version}, which speaks virsh's language without libvirt.

Compiled with support for:
 Hypervisors: QEMU/KVM Test
 Networking: Bridging Passt
 Storage: Files Blocks
 Miscellaneous: Daemonless JSON Shell
"""


class OptionError(Exception):
    """A program option cannot be used; the text is shown after ``error: ``."""


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
        self.hosts: list[str] = []
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
    """Take options off the front of `rest`; yield (letter, option as typed, value)."""
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
    shortened = (full for full in LONG if name and full.startswith(name) and full not in OWN)
    matches = [name] if name in LONG else list(shortened)
    if len(matches) != 1:
        raise OptionError(f"unsupported option '{word}'. See --help.")
    letter, takes = LONG[matches[0]]
    if equals and takes == "no":
        raise OptionError(f"unsupported option '-{letter}'. See --help.")
    value = text if equals else _following(letter, rest) if takes == "yes" else None
    return letter, "--" + matches[0], value


def _letters(letters: str, rest: "list[str]") -> "Iterator[tuple[str, str, str | None]]":
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter not in LETTERS and letter != "V":
            raise OptionError(f"unsupported option '-{letter}'. See --help.")
        if letter == "V" or LONG[LETTERS[letter]][1] != "yes":
            yield letter, "-" + letter, None
        else:
            yield letter, "-" + letter, letters or _following(letter, rest)
            return


def _following(letter: str, rest: "list[str]") -> str:
    if not rest:
        shown = f"'-{letter}'/'--{LETTERS[letter]}'" if letter in LETTERS else f"'--{letter}'"
        raise OptionError(f"option {shown} requires an argument")
    return rest.pop(0)


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
    elif letter == "h":
        options.show = "help"
    elif letter in ("v", "V"):
        options.show = "long" if letter == "V" or value == "long" else "short"
    elif letter == "e":
        options.escape = _escape(str(value))
    elif letter == "l":
        options.log = open_log(str(value), options.program)
    elif letter == "host":
        options.hosts.append(str(value))
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
