"""Find, bind, run and report: the one way a command runs, whichever way it came in.

Source: measured in `shell-semantics`, sections 1 and 6.
"""

import time

from pyvirsh.backend.errors import VirError
from pyvirsh.errors import CommandFailed, Quit, UsageError
from pyvirsh.shell.binding import Args, Binder, Bound, check_rules
from pyvirsh.shell.output import INFO
from pyvirsh.shell.words import ArgvLexer, Lexer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.session import Session
    from pyvirsh.spec import Command


def find(name: str) -> "Command | None":
    """Return the command called `name`, importing only the module that declares it."""
    from pyvirsh.commands import INDEX, load

    if name not in INDEX:
        return None
    return load(name)


# -- parsing ---------------------------------------------------------------------------------------


def parse_text(session: "Session", text: str) -> "list[Bound]":
    """Parse a command string whole.  Errors: UsageError, with the line it is in as `line`."""
    lexer = Lexer(text)
    commands = []
    try:
        while True:
            bound = _parse_command(session, lexer)
            if bound is not None:
                commands.append(bound)
            if not lexer.next_command():
                return commands
    except UsageError as error:
        error.line = lexer.line
        raise


def parse_argv(session: "Session", words: "list[str]") -> "list[Bound]":
    """Parse one command given as words.  Errors: UsageError."""
    bound = _parse_command(session, ArgvLexer(words))
    return [bound] if bound is not None else []


def _parse_command(session: "Session", lexer: "Lexer | ArgvLexer") -> "Bound | None":
    name = lexer.next_word()
    if name is None:
        return None
    line = lexer.line
    if name.startswith("#"):
        while lexer.next_word() is not None:
            pass
        return None
    command = find(name)
    if command is None:
        raise UsageError(f"unknown command: '{name}'")
    debug = session.out.debug if session.out.debug_level <= INFO else None
    binder = Binder(command, lexer, debug=(lambda text: debug(INFO, text)) if debug else None)
    args = binder.bind()
    if binder.wants_help:
        explain = find("help")
        assert explain is not None, "help is not in the index"
        return Bound(explain, Args(explain, {"command": command.name}), line)
    return Bound(command, args, line, binder.output)


# -- running ---------------------------------------------------------------------------------------


def run(session: "Session", commands: "list[Bound]") -> bool:
    """Run a sequence as virsh does: all of it, the last command decides.  Errors: Quit."""
    done = True
    for bound in commands:
        done = run_one(session, bound)
    return done


def run_one(session: "Session", bound: Bound) -> bool:
    """Run one command and write what follows it; False if it failed.  Errors: Quit."""
    out = session.out
    before, out.format = out.format, bound.output or out.format
    began = time.perf_counter()
    try:
        done = _attempt(session, bound)
        if out.structured:
            pass
        elif out.timing:
            out.raw(f"\n(Time: {(time.perf_counter() - began) * 1000:.3f} ms)\n\n")
        elif not out.quiet:
            out.raw("\n")
    finally:
        out.format = before
    out.flush()
    return done


def _attempt(session: "Session", bound: Bound) -> bool:
    session.command = bound.command.name
    try:
        if bound.command.needs_connection:
            session.ensure_connected()
        if not bound.args.command.late_rules:
            check_rules(bound.args)
        bound.command.handler(session, bound.args)
    except CommandFailed as error:
        # virsh tells of a lost connection before what failed for it.
        session.note_loss()
        for text in error.texts:
            session.out.error(text)
    except VirError as error:
        session.note_loss()
        session.out.library_error(error)
    else:
        return True
    return False


# -- the ways in -----------------------------------------------------------------------------------


def run_text(session: "Session", text: str, *, connect: bool = False) -> int:
    """Run a command string; return the exit status.  connect: open the connection before all."""
    session.out.debug(INFO, f'commands: "{text}"')
    try:
        commands = parse_text(session, text)
    except UsageError as error:
        session.out.error(error.text)
        return 1
    return _run_all(session, commands, connect=connect)


def run_argv(session: "Session", words: "list[str]", *, connect: bool = False) -> int:
    """Run one command given as words; return the exit status."""
    try:
        commands = parse_argv(session, words)
    except UsageError as error:
        session.out.error(error.text)
        return 1
    return _run_all(session, commands, connect=connect)


def _run_all(session: "Session", commands: "list[Bound]", *, connect: bool) -> int:
    if connect and not open_at_start(session):
        return 1
    try:
        return 0 if run(session, commands) else 1
    except Quit:
        return 0


def open_at_start(session: "Session") -> bool:
    """Open the connection before the first command; False if that failed."""
    try:
        session.ensure_connected()
    except CommandFailed as error:
        for text in error.texts:
            session.out.error(text)
        return False
    return True


def run_batch(
    session: "Session", text: str, name: str, *, keep_going: bool = False, connect: bool = False
) -> int:
    """Run a batch file's `text`; return the exit status.

    It is parsed whole before anything runs and stops at the first command that fails;
    keep_going runs on and fails at the end.  Errors are shown behind ``NAME:LINE: ``.
    """
    try:
        commands = parse_text(session, text)
    except UsageError as error:
        session.out.where = f"{name}:{error.line}: "
        session.out.error(error.text)
        return 1
    if connect and not open_at_start(session):
        return 1
    status = 0
    try:
        for bound in commands:
            session.out.where = f"{name}:{bound.line}: "
            if not run_one(session, bound):
                status = 1
                if not keep_going:
                    break
    except Quit:
        pass
    session.out.where = ""
    return status
