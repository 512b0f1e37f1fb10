"""What one connection hears: its registered callbacks and the events that wait for it."""

import os
import select
from collections import deque

from pyvirsh.backend.api import DomainRef, Event, Ref
from pyvirsh.backend.errors import INVALID_ARG, VirError


class Mailbox:
    """Registrations and waiting events of one connection; events may be posted from any thread.

    `fileno` is readable while events wait.
    """

    def __init__(self) -> None:
        self._callbacks: dict[int, tuple[str, int, Ref | None]] = {}
        self._next = 0
        self._waiting: deque[Event] = deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Return the descriptor that is readable while events wait."""
        return self._bell

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self._bell)

    def register(self, kind: str, event_id: int, ref: "Ref | None") -> int:
        """Add a callback and return its number."""
        number = self._next
        self._next += 1
        self._callbacks[number] = (kind, event_id, ref)
        return number

    def deregister(self, kind: str, number: int) -> None:
        """Drop a callback.  Errors: INVALID_ARG when there is none with that number."""
        if self._callbacks.get(number, ("",))[0] != kind:
            raise VirError(INVALID_ARG, f"could not find event callback {number} for deletion")
        del self._callbacks[number]

    def post(self, event: Event) -> None:
        """Put an event in for each callback that asks for it."""
        for number, (kind, event_id, ref) in list(self._callbacks.items()):
            if kind == event.kind and event_id == event.event_id and (ref is None or same(ref, event.ref)):
                self._waiting.append(Event(kind, event_id, number, event.ref, event.values))
                os.eventfd_write(self._bell, 1)

    def take(self, timeout: "float | None") -> "list[Event]":
        """Wait for events and return those that are there; [] when the time has passed."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        if not poll.poll(None if timeout is None else timeout * 1000):
            return []
        os.eventfd_read(self._bell)
        events = []
        while self._waiting:
            events.append(self._waiting.popleft())
        return [event for event in events if event.callback_id in self._callbacks]


def same(asked: Ref, came: Ref) -> bool:
    """Say whether two handles mean one object; a domain's id may have changed in between."""
    if isinstance(asked, DomainRef) and isinstance(came, DomainRef):
        return asked.uuid == came.uuid
    return asked == came
