"""What a command is declared with.  Imports nothing, so that declaring costs nothing.

A declaration is the only source of a command's parsing, help and completion::

    TABLE = Table("Domain Management", "domain")

    @TABLE.command("start", "boot a defined domain", options=(DOMAIN, flag("paused", "...")))
    def start(ctx: "Session", args: "Args") -> None: ...
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

    Handler = Callable[[Session, Args], None]

BOOL = "bool"
STRING = "string"
INT = "int"
ARGV = "argv"
ALIAS = "alias"


class Opt:
    """One option.  `kind` is BOOL, STRING, INT, ARGV (a list, declared last) or ALIAS.

    positional: documented as a bare word.  fills: a bare word may fill it although it is
    documented as ``--name`` (virsh's "unwanted positional").  allow_empty: ``--name=`` is a
    value.  completes: what offers its values, a name that `shell.complete` knows
    ("domain:active", "enum:a,b", "file-path").  An ALIAS sets option `target`, to
    `target_value` where one is given.
    """

    __slots__ = (
        "name",
        "kind",
        "help",
        "required",
        "positional",
        "fills",
        "allow_empty",
        "completes",
        "target",
        "target_value",
    )

    def __init__(
        self,
        name: str,
        kind: str,
        help: str = "",
        *,
        required: bool = False,
        positional: bool = False,
        fills: bool = False,
        allow_empty: bool = False,
        completes: str = "",
        target: str = "",
        target_value: "str | None" = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.help = help
        self.required = required
        self.positional = positional
        self.fills = fills
        self.allow_empty = allow_empty
        self.completes = completes
        self.target = target
        self.target_value = target_value


def word(
    name: str, help: str, completes: str = "", *, required: bool = True, allow_empty: bool = False
) -> Opt:
    """Declare a positional string, required unless said otherwise."""
    return Opt(
        name, STRING, help, required=required, positional=True, completes=completes, allow_empty=allow_empty
    )


def text(name: str, help: str, completes: str = "", *, fills: bool = False, allow_empty: bool = False) -> Opt:
    """Declare ``--name <string>``."""
    return Opt(name, STRING, help, fills=fills, completes=completes, allow_empty=allow_empty)


def number(
    name: str,
    help: str,
    completes: str = "",
    *,
    fills: bool = False,
    required: bool = False,
    positional: bool = False,
) -> Opt:
    """Declare ``--name <number>``; the handler reads it with ``args.int()`` and its kin."""
    return Opt(name, INT, help, fills=fills, required=required, positional=positional, completes=completes)


def flag(name: str, help: str) -> Opt:
    """Declare ``--name``, true when given."""
    return Opt(name, BOOL, help)


def words(
    name: str, help: str, completes: str = "", *, required: bool = False, positional: bool = True
) -> Opt:
    """Declare the list that takes all remaining words; must come last."""
    return Opt(name, ARGV, help, required=required, positional=positional, completes=completes)


def alias(name: str, target: str, value: "str | None" = None) -> Opt:
    """Declare another spelling of `target`; with `value`, a flag that sets target to it."""
    return Opt(name, ALIAS, target=target, target_value=value)


class Rule:
    """A check between options, made before the handler runs, in declared order."""

    __slots__ = ("kind", "first", "second")

    def __init__(self, kind: str, first: str, second: str) -> None:
        self.kind = kind
        self.first = first
        self.second = second


def exclusive(first: str, second: str) -> Rule:
    """`first` and `second` may not both be given."""
    return Rule("exclusive", first, second)


def requires(option: str, needed: str) -> Rule:
    """`option` may only be given with `needed`."""
    return Rule("requires", option, needed)


def either(first: str, second: str) -> Rule:
    """At least one of the two must be given."""
    return Rule("either", first, second)


class Command:
    """A command's declaration together with the function that does it."""

    __slots__ = (
        "name",
        "help",
        "description",
        "options",
        "rules",
        "late_rules",
        "handler",
        "table",
        "needs_connection",
        "hidden",
        "alias_of",
    )

    def __init__(
        self,
        name: str,
        help: str,
        *,
        handler: "Handler",
        table: "Table",
        options: "tuple[Opt, ...]" = (),
        rules: "tuple[Rule, ...]" = (),
        late_rules: bool = False,
        description: str = "",
        needs_connection: bool = True,
        hidden: bool = False,
        alias_of: str = "",
    ) -> None:
        self.name = name
        self.help = help
        self.description = description
        self.options = options
        self.rules = rules
        self.late_rules = late_rules
        self.handler = handler
        self.table = table
        self.needs_connection = needs_connection
        self.hidden = hidden
        self.alias_of = alias_of

    def option(self, name: str) -> "Opt | None":
        """Return the option called `name`, aliases included."""
        for opt in self.options:
            if opt.name == name:
                return opt
        return None


class Table:
    """The commands that one module declares, all of one help group (`title`, `keyword`)."""

    def __init__(self, title: str, keyword: str) -> None:
        self.title = title
        self.keyword = keyword
        self.commands: dict[str, Command] = {}

    def command(
        self,
        name: str,
        help: str,
        *,
        options: "tuple[Opt, ...]" = (),
        rules: "tuple[Rule, ...]" = (),
        late_rules: bool = False,
        description: str = "",
        needs_connection: bool = True,
        hidden: bool = False,
        aliases: "tuple[str, ...]" = (),
    ) -> "Callable[[Handler], Handler]":
        """Register the decorated handler as `name` (and under each of `aliases`).

        help: one short sentence in our own words, lower case, no full stop.
        late_rules: the handler has the rules checked itself, once it has read the values.
        description: optional longer text for ``help NAME`` and the manual page.
        """

        def register(handler: "Handler") -> "Handler":
            command = Command(
                name,
                help,
                handler=handler,
                table=self,
                options=options,
                rules=rules,
                late_rules=late_rules,
                description=description,
                needs_connection=needs_connection,
                hidden=hidden,
            )
            self.commands[name] = command
            for other in aliases:
                self.commands[other] = command
            return handler

        return register
