"""Start: program options, then one command, a command string, a batch or the shell."""

import os
import sys

from pyvirsh import LIBVIRT_VERSION, __version__, program
from pyvirsh.shell import dispatch
from pyvirsh.shell.output import ERROR, Output
from pyvirsh.shell.session import Session


def main() -> int:
    """Run the program on the process's arguments; return the exit status."""
    name = os.path.basename(sys.argv[0])
    if name == "__main__.py":
        name = "pyvirsh"
    _fill_descriptors()
    try:
        return run(sys.argv[1:], name)
    except KeyboardInterrupt:
        _die_by_sigint()
        return 130


def entry() -> None:
    """Run the program and end the process."""
    _end(main())


def _end(status: int) -> None:
    """End the process without taking the interpreter apart, which costs a tenth of a short command.

    Everything has been written by now.  Where something waits for the end - a hook, a thread, a tracer -
    the usual way is taken.
    """
    watched = sys.flags.inspect or sys.gettrace() or sys.getprofile()
    if not watched and not {"atexit", "threading"} & sys.modules.keys():
        try:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
        except (OSError, ValueError):
            sys.exit(status)  # tells of it
        os._exit(status & 0xFF)
    sys.exit(status)


def _fill_descriptors() -> None:
    """Put /dev/null where standard input, output or error is closed.

    The next file or socket opened would take its number and receive what is written there.
    """
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(fd, True)
        os.close(fd)


def run(argv: "list[str]", name: str) -> int:
    """Do what `argv` asks; `name` is what the program calls itself."""
    out = Output()
    options = program.Options(name)
    try:
        program.read(options, argv)
        if not options.show:
            _set_up(out, options)
    except program.OptionError as error:
        out.log = options.log
        out.error(str(error))
        return 1
    if options.show:
        _show(options.show, out, name)
        return 0
    session = Session(out, uri=options.uri, read_only=options.read_only, program=name)
    session.escape = options.escape
    session.keepalive_interval = options.keepalive_interval
    session.keepalive_count = options.keepalive_count
    try:
        return _run(session, options)
    except KeyboardInterrupt:
        session.abandon()
        raise
    finally:
        session.disconnect()
        out.flush()


def _run(session: Session, options: program.Options) -> int:
    connect = options.uri is not None
    if options.words[:1] == ["complete"]:
        from pyvirsh.shell import complete

        complete.detach()
        if "PYVIRSH_COMPLETE" in os.environ:
            return _complete(session, options.words[2:])
    if options.all_hosts or len(options.uris) > 1:
        from pyvirsh.shell import hosts

        # For all but lists the last -c counts, as in virsh.
        if options.all_hosts or hosts.are_lists(session, options.words):
            return _on_hosts(session, options)
    if options.file is not None:
        return _batch(session, options, connect=connect)
    if len(options.words) > 1:
        return dispatch.run_argv(session, options.words, connect=connect)
    if options.words:
        # An empty command string is no command: virsh fails without a word.
        text = options.words[0]
        return dispatch.run_text(session, text, connect=connect) if text else 1
    from pyvirsh.shell import loop

    if connect and not dispatch.open_at_start(session):
        return 1
    return loop.run(session, plain=options.plain)


def _complete(session: Session, words: "list[str]") -> int:
    """Write ``CANDIDATE<tab>HELP`` lines for our completion scripts, which pass on the whole line."""
    from pyvirsh.shell import complete
    from pyvirsh.shell.words import ArgvLexer

    given, what, rest = program.unfinished(words)
    session.uri, session.read_only = given.uri, given.read_only
    word = rest[-1]
    if what == "option":
        found = [complete.Candidate("--" + option.name, option.help) for option in program.LONG.values()]
        found = [candidate for candidate in found if candidate.text.startswith(word)]
    elif what:
        found = complete.of_program(what, word, prefix=words[-1][: len(words[-1]) - len(word)])
    else:
        found = complete.rich(session, ArgvLexer(rest if word else rest[:-1]), word)
    session.out.raw("".join(f"{candidate.text}\t{candidate.help}\n" for candidate in found))
    return 0 if found else 1


def _on_hosts(session: Session, options: program.Options) -> int:
    from pyvirsh.shell import hosts

    if options.file is not None:
        session.out.error("--all-hosts does not go with --file")
        return 1
    found = hosts.choose(session, options.uris, os.environ, every=options.all_hosts)
    return hosts.run(session, found, options.words) if found else 1


def _batch(session: Session, options: program.Options, *, connect: bool) -> int:
    name = str(options.file)
    if options.words:
        session.out.error(f"--file takes no command, but there is '{options.words[0]}'")
        return 1
    try:
        if name == "-":
            name = "<stdin>"
            data = sys.stdin.buffer.read() if sys.stdin else b""
        else:
            with open(name, "rb") as file:
                data = file.read()
    except OSError as error:
        session.out.error(f"cannot read the batch file {name}: {error.strerror}")
        return 1
    text = data.decode("utf-8", "surrogateescape")
    return dispatch.run_batch(session, text, name, keep_going=options.keep_going, connect=connect)


def _set_up(out: Output, options: program.Options) -> None:
    """Set what the options and the environment say about output.  Errors: OptionError."""
    out.quiet = options.quiet
    out.timing = options.timing
    out.format = options.output
    if not options.plain and (os.isatty(1) or os.isatty(2)):
        from pyvirsh.shell import colour

        out.pretty = colour.wanted(os.environ, 1)
        out.pretty_errors = colour.wanted(os.environ, 2)
    path = os.environ.get("VIRSH_LOG_FILE")
    if path and options.log is None:
        options.log = program.open_log(path, options.program)
    out.log = options.log
    for warning in options.warnings:
        out.error(warning)
    out.debug_level = ERROR if options.debug is None else options.debug
    level = os.environ.get("VIRSH_DEBUG")
    if out.debug_level == ERROR and level is not None:
        number = program.c_integer(level, 10)
        if number is None or not 0 <= number <= ERROR:
            out.error("VIRSH_DEBUG not set with a valid numeric value")
        else:
            out.debug_level = number


def _show(what: str, out: Output, name: str) -> None:
    if what == "short":
        out.line(LIBVIRT_VERSION)
    elif what == "long":
        from pyvirsh.backend import DRIVERS

        names = " ".join(program.HYPERVISORS.get(driver, driver) for driver in DRIVERS)
        out.raw(program.VERSION.format(libvirt=LIBVIRT_VERSION, version=__version__, hypervisors=names))
    else:
        from pyvirsh.commands import virsh
        from pyvirsh.shell import help as texts

        out.raw(program.usage(name))
        for (keyword, title), members in virsh.groups():
            out.line(texts.group_text(title, keyword, members, colon=False))
        out.line("  (give help <group> for the commands of one group)\n")
        out.line("  (give help <command> for all about a command)\n")
    out.flush()


def _die_by_sigint() -> None:
    """End as a program does that ^C has stopped."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    entry()
