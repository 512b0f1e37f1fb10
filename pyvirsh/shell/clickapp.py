"""The registry as a click application, and the manual page made from it.  Sole owner of click.

    python -m pyvirsh.shell.clickapp man > docs/pyvirsh.1

The page follows the declarations: what a command takes and what it is for is said there only.
"""

import sys
from collections.abc import Iterator

import click

from pyvirsh import __version__, program
from pyvirsh.commands import GROUPS, UNLISTED, load
from pyvirsh.shell import help as texts
from pyvirsh.spec import ALIAS, ARGV, BOOL, INT, Command, Opt


def application() -> click.Group:
    """Return every command with its options; they are described here, not run."""
    group = click.Group("pyvirsh", help="manage virtual machines and containers in virsh's language")
    for option in program.LONG.values():
        names = [f"--{option.name}", *([f"-{option.letter}"] if option.letter else [])]
        takes = {"metavar": option.shown} if option.takes else {"is_flag": True}
        group.params.append(click.Option(names, help=option.help, **takes))
    for members in GROUPS.values():
        for name in members:
            if name not in UNLISTED:
                group.add_command(_command(load(name)))
    return group


def _command(command: Command) -> click.Command:
    params: list[click.Parameter] = [_parameter(opt) for opt in command.options if opt.kind != ALIAS]
    return click.Command(
        command.name,
        params=params,
        help=command.description or texts.sentence(command.help),
        short_help=command.help,
        add_help_option=False,
    )


def _parameter(opt: Opt) -> click.Option:
    """Return an option as click knows it; one that bare words may fill can be given by name, too."""
    if opt.kind == BOOL:
        return click.Option([f"--{opt.name}"], is_flag=True, help=opt.help)
    metavar = "NUMBER" if opt.kind == INT else "VALUE"
    many = opt.kind == ARGV
    return click.Option(
        [f"--{opt.name}"],
        help=opt.help,
        required=opt.required,
        multiple=many,
        metavar=metavar + "..." if many else metavar,
    )


# -- the manual page -----------------------------------------------------------------------------------


HEAD = r"""
.TH PYVIRSH 1 "" "pyvirsh {version}" "User Commands"
.SH NAME
pyvirsh \- virsh without libvirt: virtual machines and containers, no daemon
.SH SYNOPSIS
""".lstrip("\n")

LANGUAGE = r"""
.SH DESCRIPTION
.B pyvirsh
runs one command, the commands of a string or a batch file, or, without any, a shell that reads them.
.SS Commands in a string, a file or the shell
Blanks separate words,
.B ;
and new lines separate commands.
.B \(dq...\(dq
keeps blanks and lets a backslash take the meaning from the next character,
.B '...'
keeps everything, a
.B #
at the start of a word begins a comment.
A string and a batch file are read to the end before anything runs.
In a string every command runs and the last one decides the exit status; a batch stops at the first that
fails, unless told to keep going.
.SS Options of commands
.BI \-\- name " value"
or
.BI \-\- name = value\fR;
bare words fill the options shown without dashes, in order. Behind
.B \-\-
everything is a bare word.
Every command takes
.B \-\-help
and
.BI \-\-output " format"\fR.
.SS Sizes
A number may have a unit behind it:
.BR k ", " M ", " G ", " T ", " P " and " E ,
alone or with
.BR iB ,
are powers of 1024, with
.B B
powers of 1000.
""".lstrip("\n")

TAIL = r"""
.SH EXIT STATUS
0 when the command, or the last one, did what it was asked; 1 when not; 0 when the shell is left.
.SH ENVIRONMENT
.TP
.B VIRSH_DEFAULT_CONNECT_URI\fR, \fPLIBVIRT_DEFAULT_URI
What to connect to without
.BR \-\-connect .
.TP
.B VIRSH_DEBUG\fR, \fPVIRSH_LOG_FILE
As
.B \-\-debug
and
.BR \-\-log .
.TP
.B VIRSH_HISTSIZE
How many lines the shell remembers: 0 to 500000, 500 by default.
.TP
.B VISUAL\fR, \fPEDITOR
What the edit commands run; vi without either.
.TP
.B NO_COLOR
When not empty: no colour on a terminal.
.SH FILES
.TP
.I ~/.cache/libvirt/virsh/history
The lines typed in the shell.
.TP
.I ~/.config/libvirt/libvirt.conf
Names for URIs
.RB ( uri_aliases )
and the default one; for root
.IR /etc/libvirt/libvirt.conf .
""".lstrip("\n")


def manual() -> str:
    """Return the manual page."""
    app = application()
    lines = [HEAD.format(version=__version__).rstrip("\n")]
    for form in program.SYNOPSIS:
        lines += [f".B pyvirsh\n{roff(form)}", ".br"]
    lines += [LANGUAGE.rstrip("\n"), ".SH OPTIONS"]
    for param in app.params:
        lines += _entry(param)
    lines.append(".SH COMMANDS")
    for (_, title), members in GROUPS.items():
        lines.append(f".SS {roff(title)}")
        for name in members:
            if name in app.commands:
                lines += _command_lines(load(name), app.commands[name])
    lines.append(TAIL.rstrip("\n"))
    return "\n".join(lines) + "\n"


def _command_lines(command: Command, described: click.Command) -> "Iterator[str]":
    yield ".TP"
    yield f".B {roff(texts.synopsis(command))}"
    yield roff(described.help or "")
    if described.params:
        yield ".RS"
        for param in described.params:
            yield from _entry(param)
        yield ".RE"


def _entry(param: click.Parameter) -> "list[str]":
    """Return a tagged paragraph about an option."""
    assert isinstance(param, click.Option)
    names = ", ".join(f"\\fB{roff(name)}\\fP" for name in reversed(param.opts))
    value = f" \\fI{roff(param.metavar)}\\fP" if param.metavar and not param.is_flag else ""
    return [".TP", names + value, roff(param.help or "")]


def roff(text: str) -> str:
    """Return text as roff reads it back."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", "\n.br\n")
    return "\n".join(
        "\\&" + line if line[:1] in ("'", ".") and line != ".br" else line for line in text.split("\n")
    )


def main(argv: "list[str]") -> int:
    """Write what is asked for to standard output."""
    if argv != ["man"]:
        click.echo("usage: python -m pyvirsh.shell.clickapp man", err=True)
        return 1
    click.echo(manual(), nl=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
