"""Jobs that take long: how far they are, on standard error, and ^C to give them up.

Source: measured in `shell-semantics`, section 13.
"""

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

from pyvirsh.backend.errors import VirError
from pyvirsh.shell import terminal

if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef, Driver
    from pyvirsh.shell.session import Session

T = TypeVar("T")

# Seconds between two looks at a job.
INTERVAL = 0.5


def show(ctx: "Session", label: str, remaining: int, total: int) -> None:
    """Write how much of a job is done; 100 % is kept for its end, when nothing remains."""
    ctx.out.share(label, percent(remaining, total))


def percent(remaining: int, total: int) -> float:
    """Return what share is done, cut to two decimals."""
    if not remaining:
        return 100.0
    return min(9999, (total - remaining) * 10000 // total) / 100 if total else 0.0


class Job:
    """A job of a domain, as it is watched: what it is called and what happens while it runs.

    verbose: show how far it is.  timeout: seconds after which `on_timeout` is called, once; on_look:
    called each time the job is looked at.  Both are given a connection that they may use.
    """

    def __init__(
        self,
        label: str,
        *,
        verbose: bool = False,
        timeout: "float | None" = None,
        on_timeout: "Callable[[Driver], None] | None" = None,
        on_look: "Callable[[Driver], None] | None" = None,
    ) -> None:
        self.label = label
        self.verbose = verbose
        self.timeout = timeout
        self.on_timeout = on_timeout
        self.on_look = on_look


def run(ctx: "Session", dom: "DomainRef", job: Job, work: "Callable[[], T]") -> T:
    """Do `work`, the call that runs the job, and watch it; return what it returns.

    On a terminal ^C aborts the job; an interrupt by signal is ignored, as the job would be left alone.
    """
    with _no_interrupts():
        looks = job.verbose or job.timeout is not None or job.on_look is not None
        if (looks or terminal.is_terminal()) and not ctx.driver.immediate:
            result = _Watch(ctx, dom, job, work, looks=looks).run()
        else:
            result = work()
    if job.verbose:
        show(ctx, job.label, 0, 1)
    return result


@contextlib.contextmanager
def _no_interrupts() -> "Iterator[None]":
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Watch(Generic[T]):
    """One job under way: `work` in a thread of its own, this one looking on."""

    def __init__(
        self, ctx: "Session", dom: "DomainRef", job: Job, work: "Callable[[], T]", *, looks: bool
    ) -> None:
        self._ctx = ctx
        self._dom = dom
        self._job = job
        self._interval = INTERVAL if looks else None
        self._outcome = _Outcome(work)
        self._deadline = None if job.timeout is None else time.monotonic() + job.timeout
        self._beside: Driver | None = None

    @property
    def driver(self) -> "Driver":
        """A connection for this thread, opened when it is first needed."""
        if self._beside is None:
            self._beside = self._ctx.driver.beside()
        return self._beside

    def run(self) -> T:
        """Watch to the end."""
        if self._interval is not None:
            # A connection that both threads use has to know before the first call.
            assert self.driver
        try:
            return self._watch()
        finally:
            if self._beside is not None and self._beside is not self._ctx.driver:
                self._beside.close()

    def _watch(self) -> T:
        keyboard = terminal.is_terminal()
        watched = [self._outcome.fileno()] + ([terminal.STDIN] if keyboard else [])
        with terminal.interrupt_as_key() if keyboard else contextlib.nullcontext("") as interrupt:
            self._outcome.start()
            while True:
                ready = select.select(watched, [], [], self._interval)[0]
                if self._outcome.fileno() in ready:
                    return self._outcome.get()
                if terminal.STDIN in ready:
                    key = terminal.read_key()
                    if not key:
                        watched.remove(terminal.STDIN)
                    elif key == interrupt:
                        self._abort()
                else:
                    self._look()

    def _abort(self) -> None:
        # A job that cannot be aborted goes on; its end says how it went.
        with contextlib.suppress(VirError):
            self.driver.domain_abort_job(self._dom)

    def _look(self) -> None:
        job = self._job
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._deadline = None
            if job.on_timeout:
                job.on_timeout(self.driver)
        if job.on_look:
            job.on_look(self.driver)
        if not job.verbose:
            return
        with contextlib.suppress(VirError):
            info = self.driver.domain_get_job_info(self._dom)
            total, remaining = info[3], info[5]
            if total and remaining:
                show(self._ctx, job.label, remaining, total)


class _Outcome(Generic[T]):
    """What a function run in a thread returns or raises; `fileno` is readable at its end."""

    def __init__(self, work: "Callable[[], T]") -> None:
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable."""
        return self._ended

    def get(self) -> T:
        """Return what the function returned or raise what it raised."""
        self._thread.join()
        os.close(self._ended)
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        with self:
            self._results.append(self._work())

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> bool:
        self._error = error
        os.close(self._end)
        return True
