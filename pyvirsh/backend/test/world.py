"""What one test host holds: its node, its domains and other objects, and who listens to events."""

import os
import time

from pyvirsh.backend.api import DomainRef, Event
from pyvirsh.backend.errors import NO_DOMAIN, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import Ref
    from pyvirsh.backend.test.guest import Guest
    from pyvirsh.backend.test.interface import Interfaces
    from pyvirsh.backend.test.mailbox import Mailbox
    from pyvirsh.backend.test.network import Networks
    from pyvirsh.backend.test.nodedev import Devices
    from pyvirsh.backend.test.storage import Pools

# model, memory in KiB, CPUs, MHz, NUMA nodes, sockets, cores, threads
NodeInfo = tuple[str, int, int, int, int, int, int, int]

DEFAULT_NODE: NodeInfo = ("i686", 3 * 1024 * 1024, 16, 1400, 2, 2, 2, 2)


class Cell:
    """A NUMA node of the host: memory in KiB, and how many free pages of which size in KiB."""

    __slots__ = ("memory", "pages", "cpus")

    def __init__(self, memory: int, pages: "dict[int, int]", cpus: "list[int]") -> None:
        self.memory = memory
        self.pages = pages
        self.cpus = cpus


def default_cells() -> "list[Cell]":
    """Return the two NUMA nodes of the built-in host."""
    return [
        Cell(2048 * 1024, {4: 524288, 2048: 0, 1048576: 0}, list(range(8))),
        Cell(4096 * 1024, {8: 524288, 2048: 0, 1048576: 0}, list(range(8, 16))),
    ]


class World:
    """A test host.  `clock` gives the time in ns, `random` bytes: both for tests to replace."""

    def __init__(
        self,
        *,
        clock: "Callable[[], int]" = time.time_ns,
        random: "Callable[[int], bytes]" = os.urandom,
    ) -> None:
        self.clock = clock
        self.random = random
        self.node = DEFAULT_NODE
        self.cells = default_cells()
        # Who may open the host: password by name; nobody is asked when it is empty.
        self.users: dict[str, str] = {}
        self.domains: dict[str, Guest] = {}
        self.domain_names: dict[str, Guest] = {}
        self.next_id = 1
        # Whether it is the host of test:///default, which has one object of each kind.
        self.built_in = False
        # Each made by its module when first asked for.
        self.networks: Networks | None = None
        self.devices: Devices | None = None
        self.pools: Pools | None = None
        self.interfaces: Interfaces | None = None
        # driver's mailbox for each connection that listens
        self.mailboxes: list[Mailbox] = []

    # -- making things up --------------------------------------------------------------------------

    def new_uuid(self) -> str:
        """Return a random UUID."""
        data = bytearray(self.random(16))
        data[6] = data[6] & 0x0F | 0x40
        data[8] = data[8] & 0x3F | 0x80
        text = data.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def new_mac(self) -> str:
        """Return a random MAC address of QEMU's range."""
        return "52:54:00:" + ":".join(f"{byte:02x}" for byte in self.random(3))

    def cpu_time(self) -> int:
        """Return what domains show as their CPU time: the time of day in ns, as the clock counts it in us."""
        return self.clock() // 1000 * 1000

    def seconds(self) -> int:
        """Return the time in seconds."""
        return self.clock() // 1_000_000_000

    def network_start(self, name: str) -> "tuple[str, int]":
        """Return the first address that a network gives out, and its prefix.  Errors: NO_NETWORK."""
        from pyvirsh.backend.test.network import first_lease

        return first_lease(self, name)

    # -- domains -----------------------------------------------------------------------------------

    def guest(self, dom: DomainRef) -> "Guest":
        """Return the domain behind a handle.  Errors: NO_DOMAIN when it is gone."""
        guest = self.domains.get(dom.uuid)
        if guest is None:
            raise VirError(NO_DOMAIN, f"no domain with matching uuid '{dom.uuid}' ({dom.name})")
        return guest

    def add(self, guest: "Guest") -> None:
        """Take a domain in."""
        self.domains[guest.uuid] = guest
        self.domain_names[guest.name] = guest

    def remove(self, guest: "Guest") -> None:
        """Drop a domain."""
        del self.domains[guest.uuid]
        del self.domain_names[guest.name]

    def rename(self, guest: "Guest", name: str) -> None:
        """Give a domain another name."""
        del self.domain_names[guest.name]
        guest.name = name
        self.domain_names[name] = guest

    def claim_id(self) -> int:
        """Return the id of the next domain to run."""
        number = self.next_id
        self.next_id += 1
        return number

    # -- events ------------------------------------------------------------------------------------

    def emit(self, kind: str, event_id: int, ref: "Ref", values: "tuple[int | str | None, ...]") -> None:
        """Tell every connection that listens."""
        for mailbox in self.mailboxes:
            mailbox.post(Event(kind, event_id, 0, ref, values))
