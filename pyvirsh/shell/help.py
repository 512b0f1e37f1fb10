"""Help texts, all from the declarations.

Source of the layout: measured in `shell-semantics`, section 17; the sentences are ours.
"""

from pyvirsh.spec import ALIAS, ARGV, BOOL, INT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.spec import Command, Opt


def command_text(command: "Command") -> str:
    """Return what `help NAME` shows."""
    options = [opt for opt in command.options if opt.kind != ALIAS]
    text = f"  NAME\n    {command.name} - {command.help}\n\n  SYNOPSIS\n    {synopsis(command)}\n"
    description = command.description or sentence(command.help)
    text += f"\n  DESCRIPTION\n    {description}\n"
    if options:
        rows = "".join(f"    {_label(opt):<15}  {opt.help}\n" for opt in options)
        text += f"\n  OPTIONS\n{rows}"
    return text


def command_data(command: "Command") -> "dict[str, object]":
    """Return what `help NAME` says as data."""
    options = [
        {
            "name": opt.name,
            "kind": opt.kind,
            "required": opt.required,
            "positional": opt.positional,
            "help": opt.help,
        }
        for opt in command.options
        if opt.kind != ALIAS
    ]
    return {"name": command.name, "help": command.help, "synopsis": synopsis(command), "options": options}


def summary(title: str, command: "Command") -> "dict[str, object]":
    """Return a line of a list of commands as data."""
    return {"name": command.name, "group": title, "help": command.help}


def synopsis(command: "Command") -> str:
    """Return a command with what it takes, on one line."""
    return " ".join([command.name, *(_synopsis(opt) for opt in command.options if opt.kind != ALIAS)])


def sentence(text: str) -> str:
    """Make a full sentence of a short help text."""
    return text[:1].upper() + text[1:] + "."


def _synopsis(opt: "Opt") -> str:
    kind = "<number>" if opt.kind == INT else "<string>"
    if opt.kind == BOOL:
        return f"[--{opt.name}]"
    if opt.positional:
        shown = f"<{opt.name}>" if opt.required else f"[<{opt.name}>]"
    else:
        shown = f"--{opt.name} {kind}" if opt.required else f"[--{opt.name} {kind}]"
    return shown + "..." if opt.kind == ARGV else shown


def _label(opt: "Opt") -> str:
    if opt.kind == BOOL:
        return f"--{opt.name}"
    kind = "<number>" if opt.kind == INT else "<string>"
    name = f"[--{opt.name}]" if opt.positional else f"--{opt.name}"
    return f"{name} {kind}..." if opt.kind == ARGV else f"{name} {kind}"


def group_text(title: str, keyword: str, commands: "list[Command]", *, colon: bool = True) -> str:
    """Return one group's heading and a line per command."""
    head = f" {title} (help keyword '{keyword}'){':' if colon else ''}\n"
    return head + "".join(f"    {command.name:<30} {command.help}\n" for command in commands)
