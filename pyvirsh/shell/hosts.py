"""One command on several hosts at once: lists, put together under a Host column.

Each host has a thread and a session of its own.  One that fails, or does not answer in time, costs
one error line and the status, and holds up nobody.
"""

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyvirsh.backend import uri_aliases
from pyvirsh.backend.errors import VirError
from pyvirsh.errors import UsageError
from pyvirsh.shell import dispatch
from pyvirsh.shell.binding import Bound
from pyvirsh.shell.output import Output
from pyvirsh.shell.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

# How long a host may take to answer.
SECONDS = 20.0

Rows = Sequence[dict[str, object]]


def choose(session: Session, named: "list[str]", environ: "Mapping[str, str]", *, every: bool) -> "list[str]":
    """Return the hosts named, or every one the user has an alias for; none, and an error, without any."""
    try:
        found = [*named, *(uri_aliases(environ) if every else ())]
    except VirError as error:
        session.out.library_error(error)
        return []
    if not found:
        session.out.error("no hosts: uri_aliases in libvirt.conf names none")
    return list(dict.fromkeys(found))


class _Answer(Output):
    """Keeps what a command says on one host."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = host
        self.faults: list[str] = []
        self.finished = False
        self.columns: Sequence[tuple[str, str]] | None = None
        self.keys: Sequence[str] | None = None
        self.rows: Rows = []
        self.others: list[tuple[object, str]] = []

    def records(self, columns: "Sequence[tuple[str, str]]", rows: "Rows") -> None:
        self.columns, self.rows = columns, rows

    def names(self, keys: "Sequence[str]", rows: "Rows") -> None:
        self.keys, self.rows = keys, rows

    def data(self, value: object, text: str) -> None:
        self.others.append((value, text))

    def error(self, text: str) -> None:
        self.faults.append(text)

    def debug(self, level: int, text: str) -> None:
        pass

    def flush(self) -> None:
        pass


def run(session: Session, hosts: "list[str]", words: "list[str]") -> int:
    """Run one command, or a command string, on all hosts; return the exit status."""
    try:
        commands = _parse(session, words)
    except UsageError as error:
        session.out.error(error.text)
        return 1
    sessions = {host: _session_for(session, host) for host in hosts}
    done = True
    for bound in commands:
        answers = _ask_all(sessions, bound)
        done = not any(answer.faults for answer in answers)
        for answer in answers:
            if answer.faults:
                session.out.error(f"{answer.host}: {': '.join(answer.faults)}")
                sessions.pop(answer.host).abandon()
        _show(session.out, [answer for answer in answers if not answer.faults], bound.output)
    for other in sessions.values():
        other.disconnect()
    return 0 if done else 1


def are_lists(session: Session, words: "list[str]") -> bool:
    """Say whether all commands are lists, which several hosts can answer together."""
    try:
        _parse(session, words)
    except UsageError:
        return False
    return True


def _parse(session: Session, words: "list[str]") -> "list[Bound]":
    if len(words) > 1:
        commands = dispatch.parse_argv(session, words)
    else:
        commands = dispatch.parse_text(session, "".join(words))
    if not commands:
        raise UsageError("several hosts want a command to run on them")
    for bound in commands:
        if not bound.command.name.endswith("list"):
            raise UsageError(f"only lists can be had from several hosts at once, not {bound.command.name}")
    return commands


def _session_for(session: Session, host: str) -> Session:
    other = Session(_Answer(host), uri=host, read_only=session.read_only, program=session.program)
    other.keepalive_interval, other.keepalive_count = session.keepalive_interval, session.keepalive_count
    # Several hosts asking for passwords at the same time would be no use.
    other.unattended = True
    return other


def _ask_all(sessions: "dict[str, Session]", bound: Bound) -> "list[_Answer]":
    """Run a command on all hosts; return the answers in the hosts' order, late ones as faults."""
    asked: list[tuple[_Answer, threading.Thread]] = []
    for host, session in sessions.items():
        answer = _Answer(host)
        thread = threading.Thread(target=_ask, args=(session, answer, bound), daemon=True)
        asked.append((answer, thread))
        thread.start()
    deadline = time.monotonic() + SECONDS
    for answer, thread in asked:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            answer.faults = [f"no answer within {SECONDS:.0f} seconds"]
        elif not answer.finished and not answer.faults:
            answer.faults = ["the command failed"]
    return [answer for answer, _ in asked]


def _ask(session: Session, answer: _Answer, bound: Bound) -> None:
    session.out = answer
    answer.finished = dispatch.run_one(session, bound)


def _show(out: Output, answers: "list[_Answer]", format: str) -> None:
    """Write the answers as one: a table, a list of names, or one after another."""
    before, out.format = out.format, format or out.format
    columns = next((answer.columns for answer in answers if answer.columns is not None), None)
    keys = next((answer.keys for answer in answers if answer.keys is not None), None)
    rows = [{"host": answer.host, **row} for answer in answers for row in answer.rows]
    if columns is not None:
        out.records([("Host", "host"), *columns], rows)
    elif keys is not None:
        out.names(["host", *keys], rows)
    elif answers:
        data = [{"host": answer.host, "answer": value} for answer in answers for value, _ in answer.others]
        text = [f"{answer.host}:\n" + "".join(said for _, said in answer.others) for answer in answers]
        out.data(data, "\n".join(text))
    if answers and not out.quiet and not out.structured:
        out.line()
    out.format = before
    out.flush()
