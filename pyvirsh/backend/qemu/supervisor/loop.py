"""The loop a supervisor waits in: descriptors and moments, one thread."""

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ = select.POLLIN | select.POLLHUP | select.POLLERR
WRITE = select.POLLOUT


class Timer:
    """Something to do at a moment, unless it is cancelled before."""

    __slots__ = ("moment", "action")

    def __init__(self, moment: float, action: "Callable[[], None]") -> None:
        self.moment = moment
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Do not do it."""
        self.action = None


class Loop:
    """Calls what is due, until `stop`."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._timers: list[Timer] = []
        self._running = True

    def watch(self, fd: int, handler: "Callable[[int], None]", mask: int = READ) -> None:
        """Call `handler` with the poll events when `fd` is ready; again to change the mask."""
        self._handlers[fd] = handler
        self._poll.register(fd, mask)

    def unwatch(self, fd: int) -> None:
        """Do not look at `fd` any more; called before it is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def after(self, seconds: float, action: "Callable[[], None]") -> Timer:
        """Call `action` once, later."""
        timer = Timer(time.monotonic() + seconds, action)
        self._timers.append(timer)
        return timer

    def stop(self) -> None:
        """Leave `run` when the current handler returns."""
        self._running = False

    def run(self) -> None:
        """Wait and call until stopped."""
        while self._running:
            for fd, events in self._poll.poll(self._timeout()):
                handler = self._handlers.get(fd)
                if handler is not None:
                    handler(events)
            self._ring()

    def _timeout(self) -> "float | None":
        self._timers = [timer for timer in self._timers if timer.action is not None]
        if not self._timers:
            return None
        wait = min(timer.moment for timer in self._timers) - time.monotonic()
        return max(0.0, wait * 1000 + 1)

    def _ring(self) -> None:
        now = time.monotonic()
        for timer in [timer for timer in self._timers if timer.moment <= now]:
            action, timer.action = timer.action, None
            if action is not None:
                action()
