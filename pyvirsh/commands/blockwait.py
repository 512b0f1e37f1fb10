"""What the commands that start a block job share: its options, and waiting for it with progress.

Source: measured in `shell-semantics`, sections 4.2 and 13.
"""

import signal
import time

from pyvirsh.backend.constants import (
    DOMAIN_BLOCK_JOB_ABORT_ASYNC,
    DOMAIN_BLOCK_JOB_ABORT_PIVOT,
    DOMAIN_BLOCK_JOB_CANCELED,
    DOMAIN_BLOCK_JOB_COMPLETED,
    DOMAIN_BLOCK_JOB_READY,
    DOMAIN_EVENT_ID_BLOCK_JOB,
    DOMAIN_EVENT_ID_BLOCK_JOB_2,
)
from pyvirsh.backend.errors import VirError
from pyvirsh.commands.eventloop import timeout_of
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import ULONG_MAX, ScaleError, parse_integer, parse_scaled
from pyvirsh.shell.progress import INTERVAL, percent
from pyvirsh.spec import flag, number, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from pyvirsh.backend.api import DomainRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

MIB = 1 << 20
PATH = word("path", "target of the disk, like vda", "disk-target")
BANDWIDTH = number("bandwidth", "most MiB a second, or bytes with a suffix or --bytes", fills=True)
BYTES = flag("bytes", "the bandwidth is in bytes a second")
WAIT = flag("wait", "wait until the job is done")
VERBOSE = flag("verbose", "show how far the job is while waiting")
TIMEOUT = number("timeout", "give the job up after so many seconds; waits", fills=True)
ASYNC = flag("async", "do not wait until a given-up job has ended")


def flags_of(args: "Args", **bits: int) -> int:
    """Return the flags that the given options stand for."""
    return sum(bit for name, bit in bits.items() if getattr(args, name))


def bandwidth_of(args: "Args") -> int:
    """Read the bandwidth: MiB a second, or bytes with ``--bytes``.  Errors: CommandFailed."""
    given = args.values.get("bandwidth")
    if given is None:
        return 0
    plain = parse_integer(str(given))
    if plain is not None and -ULONG_MAX <= plain <= ULONG_MAX:
        return plain if plain >= 0 else plain + ULONG_MAX + 1
    try:
        size = parse_scaled(str(given), 1 if args.bytes else MIB)
    except ScaleError as error:
        line = f"Scaled numeric value '{given}' for <--bandwidth> option is malformed or out of range"
        raise CommandFailed(line, *error.texts) from None
    return size if args.bytes else size // MIB


# -- waiting ----------------------------------------------------------------------------------------

# How often a job may be gone before its last event is given up for lost.
LOOKS_WITHOUT_JOB = 4


class Interrupts:
    """Takes note of ^C instead of raising it, as long as the `with` block lasts."""

    def __init__(self) -> None:
        self.seen = False

    def __enter__(self) -> "Interrupts":
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: "FrameType | None") -> None:
        self.seen = True


class Wait:
    """The wait for one job, prepared before the job starts so that no event of it is missed.

    label: what its progress is called.  Options read: verbose, timeout, async.
    """

    def __init__(self, ctx: "Session", dom: "DomainRef", path: str, args: "Args", label: str) -> None:
        self.abort_flags = DOMAIN_BLOCK_JOB_ABORT_ASYNC if args["async"] else 0
        self._ctx = ctx
        self._dom = dom
        self._path = path
        self._label = label
        self._verbose = args.verbose
        self._timeout = timeout_of(args)
        self._callbacks: list[int] = []
        self._interrupts = Interrupts()
        self._shown: tuple[int, int] | None = None
        self._aborted = False
        self._without_job = 0

    def __enter__(self) -> "Wait":
        self._interrupts.__enter__()
        for event in (DOMAIN_EVENT_ID_BLOCK_JOB, DOMAIN_EVENT_ID_BLOCK_JOB_2):
            try:
                callback = self._ctx.driver.connect_domain_event_callback_register_any(event, self._dom)
            except VirError:
                # Without events the job itself says when it is done.
                continue
            self._callbacks.append(callback)
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self._interrupts.__exit__(kind, error, trace)
        for callback in self._callbacks:
            try:
                self._ctx.driver.connect_domain_event_callback_deregister_any(callback)
            except VirError:
                return

    def until_done(self) -> int:
        """Wait until the job has ended or is ready; return its status (DOMAIN_BLOCK_JOB_*).

        Errors: CommandFailed when the job cannot be asked or aborted.
        """
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            status = self._look()
            if status is None and (
                self._interrupts.seen or (deadline is not None and time.monotonic() >= deadline)
            ):
                self._abort()
                deadline = None
                status = None if self._callbacks else DOMAIN_BLOCK_JOB_CANCELED
            if status is None:
                status = self._next_status()
            if status is not None:
                if self._verbose and status in (DOMAIN_BLOCK_JOB_COMPLETED, DOMAIN_BLOCK_JOB_READY):
                    self._ctx.out.share(self._label, 100.0)
                return status

    def _look(self) -> "int | None":
        """Ask how far the job is and show it; return its status if that says all there is to know."""
        with self._ctx.failing(f"failed to query job for disk {self._path}"):
            found, _, _, done, total = self._ctx.driver.domain_get_block_job_info(self._dom, self._path)
        if not found:
            self._without_job += 1
            if self._callbacks and self._without_job < LOOKS_WITHOUT_JOB:
                return None
            return DOMAIN_BLOCK_JOB_CANCELED if self._aborted else DOMAIN_BLOCK_JOB_COMPLETED
        if not self._callbacks and done == total:
            return DOMAIN_BLOCK_JOB_READY
        if self._verbose and self._shown != (done, total):
            self._shown = (done, total)
            self._ctx.out.share(self._label, percent(total - done, total))
        return None

    def _abort(self) -> None:
        if not self._aborted:
            self._aborted = True
            with self._ctx.failing(f"failed to abort job for disk '{self._path}'"):
                self._ctx.driver.domain_block_job_abort(self._dom, self._path, self.abort_flags)

    def _next_status(self) -> "int | None":
        """Wait a moment for the job's events; return the status that one of them brings."""
        if not self._callbacks:
            time.sleep(INTERVAL)
            return None
        for event in self._ctx.driver.next_events(INTERVAL):
            if event.callback_id in self._callbacks and event.values[0] == self._path:
                status = event.values[2]
                assert isinstance(status, int), "an event of a block job carries its status"
                return status
        return None


class Endings:
    """What is said of a job at its end: `noun` names it when it did not do well.

    kept: the option that ends the job without a pivot, and what is said of that.
    """

    def __init__(self, noun: str, done: str, *, kept: "tuple[str, str]" = ("", "")) -> None:
        self.noun = noun
        self.done = done
        self.kept_option, self.kept = kept


def finish(ctx: "Session", dom: "DomainRef", path: str, args: "Args", wait: Wait, endings: Endings) -> None:
    """Wait for a started job, end it as the options ask, and say how it went.

    Errors: CommandFailed, without a text when the job was given up or has failed.
    """
    status = wait.until_done()
    if status not in (DOMAIN_BLOCK_JOB_COMPLETED, DOMAIN_BLOCK_JOB_READY):
        how = "aborted" if status == DOMAIN_BLOCK_JOB_CANCELED else "failed"
        ctx.out.raw_note(f"\n{endings.noun} {how}")
        raise CommandFailed
    said = endings.done
    if endings.kept_option and args.pivot:
        with ctx.failing(f"failed to pivot job for disk {path}"):
            flags = wait.abort_flags | DOMAIN_BLOCK_JOB_ABORT_PIVOT
            ctx.driver.domain_block_job_abort(dom, path, flags)
        said = "Successfully pivoted"
    elif endings.kept_option and args[endings.kept_option]:
        with ctx.failing(f"failed to finish job for disk {path}"):
            ctx.driver.domain_block_job_abort(dom, path, wait.abort_flags)
        said = endings.kept
    ctx.out.raw_note(f"\n{said}")


def is_asked_for(args: "Args", ending: str) -> bool:
    """Say whether the options ask to wait: --wait, --timeout, --pivot or the other ending.

    Errors: CommandFailed for an option that needs one of them.
    """
    if args.wait or args.given("timeout") or args.pivot or args[ending]:
        return True
    for option in ("verbose", "async"):
        if args[option]:
            raise CommandFailed(
                f"--{option} requires at least one of --timeout, --wait, --pivot, or --{ending}"
            )
    return False
