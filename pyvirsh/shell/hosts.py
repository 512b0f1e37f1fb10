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

# How long a host may take to answer, and how long the others' answers are kept back for it.
SECONDS = 20.0
PATIENCE = 3.0

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
        done = _run_one(session.out, sessions, bound)
    for other in sessions.values():
        other.disconnect()
    return 0 if done else 1


def _run_one(out: Output, sessions: "dict[str, Session]", bound: Bound) -> bool:
    """Run a command on all hosts and show what they say; False if one failed, which is asked no more."""
    before, out.format = out.format, bound.output or out.format
    asking = _Asking(sessions, bound)
    # Data is one document: it waits for the last host.
    answers = asking.answered(SECONDS if out.structured else PATIENCE)
    good = _good(out, sessions, answers)
    _show(out, good)
    if len(answers) < len(asking.answers):
        answers += (late := asking.answered(SECONDS, besides=answers))
        late = _good(out, sessions, late)
        _show(out, late, header=not good)
        good += late
    if good and not out.quiet and not out.structured:
        out.line()
        out.flush()
    out.format = before
    return len(good) == len(answers)


def _good(out: Output, sessions: "dict[str, Session]", answers: "list[_Answer]") -> "list[_Answer]":
    """Return the answers without fault; say what is wrong with the others, and let go of their hosts."""
    for answer in answers:
        if answer.faults:
            out.error(f"{answer.host}: {': '.join(answer.faults)}")
            sessions.pop(answer.host).abandon()
    return [answer for answer in answers if not answer.faults]


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


class _Asking:
    """A command under way on all hosts; `answers` are in the hosts' order."""

    def __init__(self, sessions: "dict[str, Session]", bound: Bound) -> None:
        self.answers = [_Answer(host) for host in sessions]
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._under_way = {answer.host for answer in self.answers}
        for answer in self.answers:
            call = (sessions[answer.host], answer, bound)
            threading.Thread(target=self._ask, args=call, daemon=True).start()

    def _ask(self, session: Session, answer: _Answer, bound: Bound) -> None:
        session.out = answer
        try:
            if not dispatch.run_one(session, bound) and not answer.faults:
                answer.faults = ["the command failed"]
        finally:
            with self._changed:
                self._under_way.discard(answer.host)
                self._changed.notify()

    def answered(self, seconds: float, *, besides: "Sequence[_Answer]" = ()) -> "list[_Answer]":
        """Return who has answered `seconds` after the question, at least one; `besides`: not these.

        Who has not when `SECONDS` are over is at fault.
        """
        with self._changed:
            while self._under_way and (left := self._patience(seconds)):
                self._changed.wait(left)
            over = not self._left(SECONDS)
            found = [one for one in self.answers if one not in besides and (over or not self._waits_for(one))]
            for answer in found:
                if self._waits_for(answer):
                    answer.faults = [f"no answer within {SECONDS:.0f} seconds"]
        return found

    def _left(self, seconds: float) -> float:
        return max(0.0, self._began + seconds - time.monotonic())

    def _patience(self, seconds: float) -> float:
        nobody = len(self._under_way) == len(self.answers)
        return self._left(SECONDS if nobody else min(seconds, SECONDS))

    def _waits_for(self, answer: _Answer) -> bool:
        return answer.host in self._under_way


def _show(out: Output, answers: "list[_Answer]", *, header: bool = True) -> None:
    """Write the answers as one: a table, a list of names, or one after another."""
    quiet, out.quiet = out.quiet, out.quiet or not header
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
    out.quiet = quiet
    out.flush()
