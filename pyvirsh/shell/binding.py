"""Bind words to a command's declared options, by virsh's rules, and read their values.

Source: virsh(1); measured in `shell-semantics`, sections 3 and 4.
"""

from pyvirsh.errors import CommandFailed, UsageError
from pyvirsh.shell.output import FORMATS
from pyvirsh.spec import ALIAS, ARGV, BOOL, INT, STRING, Opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyvirsh.shell.words import ArgvLexer, Lexer
    from pyvirsh.spec import Command

INT_MAX = 2**31 - 1
UINT_MAX = 2**32 - 1
LONG_MAX = 2**63 - 1
ULONG_MAX = 2**64 - 1

# What event and block-job waits multiply by 1000 and keep in an int.
TIMEOUT_MAX = INT_MAX // 1000


class Args:
    """The options given to one command.

    ``args.NAME`` (dashes as underscores) and ``args["NAME"]`` read an option: a flag is a bool,
    a list is a list of str, anything else str or None.  Numbers are read with `integer`,
    `unsigned` and `scaled`.  Reading an empty value fails as in virsh, unless it is allowed.
    """

    def __init__(self, command: "Command", values: "dict[str, str | bool | list[str]]") -> None:
        self.command = command
        self.values = values

    def __getitem__(self, name: str) -> "Any":
        opt = self.command.option(name)
        if opt is None:
            raise KeyError(f"{self.command.name} declares no option {name}")
        value = self.values.get(name)
        if opt.kind == BOOL:
            return bool(value)
        if opt.kind == ARGV:
            return list(value) if isinstance(value, list) else []
        if value == "" and not opt.allow_empty:
            raise CommandFailed(f"Failed to get option '{name}': Option argument is empty")
        return value

    def __getattr__(self, name: str) -> "Any":
        try:
            return self[name.replace("_", "-")]
        except KeyError:
            pass
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(str(error)) from None

    def given(self, name: str) -> bool:
        """Say whether the option was given at all, empty or not."""
        return name in self.values

    def integer(self, name: str, default: int = 0, *, low: int = -INT_MAX - 1, high: int = INT_MAX) -> int:
        """Read a signed number; `default` when the option is not given."""
        text = self.values.get(name)
        if text is None:
            return default
        number = parse_integer(str(text))
        if number is None or not low <= number <= high:
            raise malformed(name, str(text))
        return number

    def unsigned(
        self, name: str, default: int = 0, *, high: int = UINT_MAX, low: int = 0, wrap: bool = False
    ) -> int:
        """Read a number of at least 0 (wrap: a negative one counts from 2**64 down, as in C)."""
        text = self.values.get(name)
        if text is None:
            return default
        number = parse_integer(str(text))
        if number is not None and number < 0 and wrap and number >= -high:
            return number + high + 1
        if number is None or not low <= number <= high or str(text).lstrip(" \t\n\v\f\r").startswith("-"):
            raise malformed(name, str(text))
        return number

    def scaled(self, name: str, default: int = 0, *, unit: int = 1, high: int = ULONG_MAX) -> int:
        """Read a size with an optional suffix as bytes; `unit` multiplies a bare number."""
        text = self.values.get(name)
        if text is None:
            return default
        try:
            return parse_scaled(str(text), unit, high)
        except ScaleError as error:
            line = f"Scaled numeric value '{text}' for <{name}> option is malformed or out of range"
            raise CommandFailed(line, *error.texts) from None


def malformed(name: str, text: str) -> CommandFailed:
    """Make the error for a number that cannot be read."""
    return CommandFailed(f"Numeric value '{text}' for <{name}> option is malformed or out of range")


def parse_integer(text: str) -> "int | None":
    """Read a whole number in base 10 as C's strtol does, allowing nothing behind it."""
    digits = text.lstrip(" \t\n\v\f\r")
    unsigned: str = digits[1:] if digits[:1] in ("+", "-") else digits
    if not unsigned.isascii() or not unsigned.isdigit() or len(unsigned) > 40:
        return None
    return int(digits)


class ScaleError(Exception):
    """A size cannot be read; `texts` is the library's line about it, if it has one."""

    def __init__(self, *texts: str) -> None:
        super().__init__(*texts)
        self.texts = texts


_POWERS = {letter: power for power, letter in enumerate("kmgtpe", 1)}


def parse_scaled(text: str, unit: int, high: int = ULONG_MAX) -> int:
    """Read ``NUMBER[SUFFIX]`` as bytes.  Errors: ScaleError.

    Suffixes, in any case: b, byte(s); k m g t p e, alone or with iB: powers of 1024; with b:
    powers of 1000.
    """
    rest = text.lstrip(" \t\n\v\f\r")
    rest = rest[1:] if rest.startswith("+") else rest
    count = len(rest) - len(rest.lstrip("0123456789"))
    if not count or int(rest[:count]) > ULONG_MAX:
        raise ScaleError
    suffix = rest[count:]
    scale = unit if not suffix else _scale(suffix.lower())
    if not scale:
        raise ScaleError(f"invalid argument: unknown suffix '{suffix}'")
    number = int(rest[:count]) * scale
    if number > high:
        raise ScaleError(f"numerical overflow: value too large: {text}")
    return number


def _scale(suffix: str) -> int:
    """Return the factor a suffix stands for; 0 when it is none."""
    if suffix in ("b", "byte", "bytes"):
        return 1
    power = _POWERS.get(suffix[0])
    if power is None or suffix[1:] not in ("", "ib", "b"):
        return 0
    base = 1000 if suffix[1:] == "b" else 1024
    return int(base**power)


# Not declared anywhere: every command takes it, except one that has an option of this name.
OUTPUT = Opt("output", STRING, "write the result in another form", completes="enum:" + ",".join(FORMATS))


def check_format(name: str, *, lenient: bool = False) -> str:
    """Return the name of an output format.  Errors: UsageError when there is none of that name."""
    if name in FORMATS or lenient:
        return name
    raise UsageError(f"unknown output format '{name}': it can be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")


class Bound:
    """A command with its options, ready to run.

    line: where it began in its text.  output: the format it is to write in, "" as all the others.
    """

    __slots__ = ("command", "args", "line", "output")

    def __init__(self, command: "Command", args: Args, line: int, output: str = "") -> None:
        self.command = command
        self.args = args
        self.line = line
        self.output = output


class Binder:
    """Binds the words that `lexer` gives to the options of `command`.

    debug: called with a line for each option bound.  lenient: bind up to the first fault and
    never raise, as completion needs it; `last` is then the option bound last, None after a fault,
    and `failed` says that there was one.  An option still waiting for its value has an empty one.
    """

    def __init__(
        self,
        command: "Command",
        lexer: "Lexer | ArgvLexer",
        *,
        debug: "Callable[[str], None] | None" = None,
        lenient: bool = False,
    ) -> None:
        self.command = command
        self.values: dict[str, str | bool | list[str]] = {}
        self.wants_help = False
        # What --output says, which every command takes like --help.
        self.output = ""
        self.last: Opt | None = None
        self.failed = False
        self._lexer = lexer
        self._debug = debug
        self._lenient = lenient
        self._only_words = False
        # `help` takes whatever follows the name it explains.
        self._takes_anything = command.name == "help"

    def bind(self) -> Args:
        """Consume the command's words.  Errors: UsageError."""
        while (word := self._lexer.next_word()) is not None:
            try:
                self._bind_word(word)
            except UsageError:
                if not self._lenient:
                    raise
                self.last, self.failed = None, True
                break
        if not self.wants_help and not self._lenient:
            self._check_required()
        return Args(self.command, self.values)

    def _bind_word(self, word: str) -> None:
        if not self._only_words and word == "--":
            self._only_words = True
        elif not self._only_words and word.startswith("--"):
            self._bind_option(word[2:])
        else:
            self._bind_positional(word)

    def _bind_option(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if name == "help":
            self.wants_help = True
            return
        opt = self.command.option(name)
        if opt is None and name == OUTPUT.name:
            self.last = OUTPUT
            self.output = check_format(value if equals else self._following(OUTPUT), lenient=self._lenient)
            return
        if opt is None and self._takes_anything:
            return
        if opt is None:
            raise UsageError(f"command '{self.command.name}' doesn't support option --{name}")
        if opt.kind == ALIAS:
            opt = self._resolve_alias(opt, equals)
            if opt is None:
                return
        if opt.kind == BOOL:
            if equals:
                raise UsageError(f"invalid '=' after option --{opt.name}")
            self._refuse_twice(opt)
            self._set(opt, True)
            return
        self._refuse_twice(opt)
        self._set(opt, value if equals else self._following(opt))

    def _resolve_alias(self, opt: "Opt", equals: str) -> "Opt | None":
        """Return the option an alias stands for; None when the alias has set it itself."""
        target = self.command.option(opt.target)
        assert target is not None, f"alias --{opt.name} has no target"
        if opt.target_value is None:
            return target
        if equals:
            raise UsageError(f"invalid '=' after option --{opt.name}")
        self._refuse_twice(target)
        self._set(target, opt.target_value)
        return None

    def _refuse_twice(self, opt: "Opt") -> None:
        if opt.kind != ARGV and opt.name in self.values:
            raise UsageError(f"option --{opt.name} already seen")

    def _following(self, opt: "Opt") -> str:
        word = self._lexer.next_word()
        if word is None:
            if self._lenient:
                return ""
            kind = "number" if opt.kind == INT else "string"
            raise UsageError(f"expected syntax: --{opt.name} <{kind}>")
        return word

    def _bind_positional(self, word: str) -> None:
        opt = self.free_slot()
        if opt is not None:
            self._set(opt, word)
        elif not self._takes_anything:
            raise UsageError(f"unexpected data '{word}'")

    def free_slot(self) -> "Opt | None":
        """Return the option that a bare word would be bound to."""
        for opt in self.command.options:
            takes_words = opt.positional or opt.fills or opt.kind == ARGV
            if takes_words and opt.kind != ALIAS and (opt.kind == ARGV or opt.name not in self.values):
                return opt
        return None

    def _set(self, opt: "Opt", value: "str | bool") -> None:
        self.last = opt
        kind = {BOOL: "bool", ARGV: "argv"}.get(opt.kind, "optdata")
        if opt.kind == ARGV:
            items = self.values.setdefault(opt.name, [])
            assert isinstance(items, list) and isinstance(value, str)
            kind = f"argv: {len(items)}"
            items.append(value)
        else:
            self.values[opt.name] = value
        if self._debug:
            shown = f": {value}" if opt.kind != BOOL else ""
            self._debug(f"{self.command.name}: {opt.name}({kind}){shown}")

    def _check_required(self) -> None:
        for opt in self.command.options:
            if opt.required and opt.name not in self.values:
                shown = f"<{opt.name}>" if opt.positional else f"--{opt.name}"
                raise UsageError(f"command '{self.command.name}' requires {shown} option")


def check_rules(args: Args) -> None:
    """Make the declared checks between options.  Errors: CommandFailed."""
    for rule in args.command.rules:
        first, second = args.given(rule.first), args.given(rule.second)
        if rule.kind == "exclusive" and first and second:
            raise CommandFailed(f"Options --{rule.first} and --{rule.second} are mutually exclusive")
        if rule.kind == "requires" and first and not second:
            raise CommandFailed(f"Option --{rule.second} is required by option --{rule.first}")
        if rule.kind == "either" and not first and not second:
            raise CommandFailed(f"Either --{rule.first} or --{rule.second} must be provided")
