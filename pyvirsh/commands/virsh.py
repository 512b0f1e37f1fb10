"""The shell's own commands: cd, connect, echo, help, quit and what completion calls.

Source: measured in `shell-semantics`, sections 10.2, 11.3 and 17.
"""

import os

from pyvirsh.commands import GROUPS, INDEX, UNLISTED, load
from pyvirsh.errors import CommandFailed, Quit
from pyvirsh.shell.words import shell_quoted
from pyvirsh.spec import Table, alias, exclusive, flag, text, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session
    from pyvirsh.spec import Command

TABLE = Table("Virsh itself", "virsh")


@TABLE.command(
    "cd",
    "change the directory that relative paths start from",
    options=(word("dir", "directory; your home when left out", "file-path", required=False),),
    needs_connection=False,
)
def cd(ctx: "Session", args: "Args") -> None:
    target = args.values.get("dir") or os.environ.get("HOME")
    if target is None:
        import pwd as accounts

        target = accounts.getpwuid(os.getuid()).pw_dir or "/"
    try:
        os.chdir(str(target))
    except OSError as error:
        raise CommandFailed(f"cd: {error.strerror}: {target}") from error


@TABLE.command("pwd", "show the directory that relative paths start from", needs_connection=False)
def pwd(ctx: "Session", args: "Args") -> None:
    try:
        ctx.out.value("directory", os.getcwd())
    except OSError as error:
        raise CommandFailed(f"pwd: cannot get current directory: {error.strerror}") from error


@TABLE.command(
    "connect",
    "open a connection to a hypervisor, closing the present one",
    options=(
        word("name", "URI of the hypervisor", "none", required=False, allow_empty=True),
        flag("readonly", "allow nothing that changes anything"),
    ),
    needs_connection=False,
)
def connect(ctx: "Session", args: "Args") -> None:
    name = args.name
    if name is None:
        uri = ctx.driver.uri if ctx.connected else ctx.uri
        ctx.connect(uri, read_only=args.readonly or ctx.read_only)
    else:
        ctx.connect(name, read_only=args.readonly)


@TABLE.command(
    "echo",
    "write its arguments, as a test of how words are read",
    options=(
        flag("shell", "quote them for the system's shell"),
        flag("xml", "escape them for XML"),
        flag("split", "split each at its commas, one piece a line"),
        flag("err", "write them as an error"),
        alias("str", "string"),
        alias("hi", "string", "hello"),
        text("prefix", "text to put in front"),
        words("string", "what to write"),
    ),
    rules=(exclusive("shell", "xml"), exclusive("shell", "split"), exclusive("xml", "split")),
    needs_connection=False,
)
def echo(ctx: "Session", args: "Args") -> None:
    prefix = ""
    try:
        prefix = args.prefix or ""
    except CommandFailed as error:
        ctx.out.error(error.texts[0])
    items = [" ".join(_echoed(item, args) for item in args.string)] if args.string else []
    shown = " ".join([prefix, *items] if prefix else items)
    if not args.err:
        ctx.out.data({"text": shown}, shown)
    elif prefix or items:
        ctx.out.error(shown)


def _echoed(item: str, args: "Args") -> str:
    if args.shell:
        item = shell_quoted(item)
    if args.xml:
        for char, entity in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot"), ("'", "apos")):
            item = item.replace(char, f"&{entity};")
    if args.split:
        item = "".join(piece + "\n" for piece in split_commas(item)) if item else ""
    return item


def split_commas(item: str) -> "list[str]":
    """Split at commas; two commas stand for one."""
    pieces = [""]
    for at, part in enumerate(item.split(",,")):
        first, *more = part.split(",")
        pieces[-1] += ("," if at else "") + first
        pieces += more
    return pieces


def _quit(ctx: "Session", args: "Args") -> None:
    raise Quit


TABLE.command("exit", "leave the shell", needs_connection=False)(_quit)
TABLE.command("quit", "leave the shell", needs_connection=False)(_quit)


# -- help ------------------------------------------------------------------------------------------


@TABLE.command(
    "help",
    "explain a command, a group of commands, or list them all",
    options=(word("command", "command or group to explain", "command", required=False),),
    needs_connection=False,
)
def help(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell import help as texts

    topic = str(args.values.get("command") or "")
    found = list(groups(topic))
    if not found and topic not in INDEX:
        raise CommandFailed(f"command or command group '{topic}' doesn't exist")
    if not found:
        command = load(topic)
        ctx.out.data(texts.command_data(command), texts.command_text(command))
        return
    data = [texts.summary(title, command) for (_, title), members in found for command in members]
    shown = [texts.group_text(title, keyword, members) for (keyword, title), members in found]
    # Each group has a line behind it in the list of all.
    ctx.out.data(
        data, shown[0] if topic else "Grouped commands:\n\n" + "".join(f"{text}\n" for text in shown)
    )


def groups(topic: str = "", *, everything: bool = False) -> "Iterator[tuple[tuple[str, str], list[Command]]]":
    """Yield each group with the commands shown in it (or all), or only the one `topic` names."""
    for (keyword, title), members in GROUPS.items():
        if topic in ("", keyword, title):
            names = [name for name in members if everything or name not in UNLISTED]
            commands = [load(name) for name in names]
            yield (keyword, title), [command for command in commands if everything or not command.hidden]


# -- for completion and for checking ourselves ------------------------------------------------------


@TABLE.command(
    "complete",
    "offer what may stand at the end of a line",
    options=(words("string", "the words of the line, the last one to be completed"),),
    needs_connection=False,
    hidden=True,
)
def complete(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell import complete as engine

    if not ctx.interactive:
        # What is wrong with the connection is no candidate; nor is it when more commands follow.
        ctx.out.mute_errors()
    found = engine.for_words(ctx, args.string)
    texts = [candidate.text for candidate in found]
    ctx.out.data(texts, "".join(text + "\n" for text in texts))
    if not found:
        raise CommandFailed


@TABLE.command(
    "self-test",
    "check the declarations of all commands",
    options=(
        flag("completers-missing", "list options that offer no completion"),
        flag("dump-help", "write the help of every command"),
    ),
    needs_connection=False,
    hidden=True,
)
def self_test(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell import help as texts

    for _, members in groups(everything=True):
        for command in members:
            if faults := declaration_faults(command):
                raise CommandFailed(*faults)
            if args.dump_help:
                ctx.out.line(texts.command_text(command))
            elif args.completers_missing:
                strings = [opt for opt in command.options if opt.kind in ("string", "argv")]
                if missing := [opt.name for opt in strings if not opt.completes]:
                    ctx.out.line(f"{command.name}: {', '.join(missing)}")


def declaration_faults(command: "Command") -> "list[str]":
    """Say what is wrong with a declaration."""
    from pyvirsh.shell import complete as engine

    faults = []
    names = [opt.name for opt in command.options]
    if len(set(names)) != len(names):
        faults.append(f"{command.name} declares an option twice")
    for at, opt in enumerate(command.options):
        if opt.kind == "alias" and opt.target not in names:
            faults.append(f"{command.name} --{opt.name} stands for an option that is not there")
        if opt.kind == "argv" and at != len(names) - 1:
            faults.append(f"{command.name} --{opt.name} takes all words but is not the last option")
        if opt.kind != "alias" and not opt.help:
            faults.append(f"{command.name} --{opt.name} has no help")
        if not engine.knows(command, opt.completes):
            faults.append(
                f"{command.name} --{opt.name} is completed by {opt.completes}, which nothing offers"
            )
    return faults + [
        f"{command.name} has a rule about --{name}, which it does not declare"
        for rule in command.rules
        for name in (rule.first, rule.second)
        if name not in names
    ]
