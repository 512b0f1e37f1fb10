"""What the parts of the test driver share."""

from _thread import RLock

from pyvirsh.backend.api import DomainRef, Driver, Event
from pyvirsh.backend.constants import DOMAIN_AFFECT_CONFIG, DOMAIN_AFFECT_LIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.test.guest import Guest
    from pyvirsh.backend.test.mailbox import Mailbox
    from pyvirsh.backend.test.world import World

# One for all hosts of the process: they are quick.
_LOCK = RLock()

AFFECT = DOMAIN_AFFECT_LIVE | DOMAIN_AFFECT_CONFIG


class TestBase(Driver):
    """A connection to a test host."""

    __test__ = False  # not a case for pytest
    lock = _LOCK
    immediate = True

    def __init__(self, world: "World") -> None:
        self.world = world
        self.closed = False
        self._mailbox: Mailbox | None = None

    def leave(self) -> None:
        """Stop listening to the host; what close does first."""
        self.closed = True
        if self._mailbox is not None:
            self.world.mailboxes.remove(self._mailbox)
            self._mailbox.close()
            self._mailbox = None

    def guest(self, dom: DomainRef) -> "Guest":
        """Return the domain behind a handle.  Errors: NO_DOMAIN."""
        return self.world.guest(dom)

    def running(self, dom: DomainRef) -> "Guest":
        """Return the domain behind a handle, which must run.  Errors: NO_DOMAIN, OPERATION_INVALID."""
        guest = self.world.guest(dom)
        guest.must_run()
        return guest

    # -- events ----------------------------------------------------------------------------------

    @property
    def mailbox(self) -> "Mailbox":
        """What this connection hears; it listens from the first use on."""
        if self._mailbox is None:
            from pyvirsh.backend.test.mailbox import Mailbox

            self._mailbox = Mailbox()
            self.world.mailboxes.append(self._mailbox)
        return self._mailbox

    def events_fileno(self) -> int:
        return self._mailbox.fileno() if self._mailbox is not None else -1

    def next_events(self, timeout: "float | None") -> "list[Event]":
        return self.mailbox.take(timeout)

    def connect_domain_event_callback_register_any(self, event_id: int, dom: "DomainRef | None") -> int:
        if dom is not None:
            self.guest(dom)
        return self.mailbox.register("domain", event_id, dom)

    def connect_domain_event_callback_deregister_any(self, callback_id: int) -> None:
        self.mailbox.deregister("domain", callback_id)
