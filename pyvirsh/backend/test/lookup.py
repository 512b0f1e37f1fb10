"""Domains found and listed, and what is said about one at a glance."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed, not_negative
from pyvirsh.backend.errors import NO_DOMAIN, VirError
from pyvirsh.backend.test.base import TestBase
from pyvirsh.backend.test.guest import Guest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LIST_FLAGS = 0xFFFF

# Pairs of list flags: a domain must pass each pair of which one is given.
_FILTERS: "tuple[tuple[int, int, Callable[[Guest], bool]], ...]" = (
    (c.CONNECT_LIST_DOMAINS_ACTIVE, c.CONNECT_LIST_DOMAINS_INACTIVE, lambda guest: guest.active),
    (c.CONNECT_LIST_DOMAINS_PERSISTENT, c.CONNECT_LIST_DOMAINS_TRANSIENT, lambda guest: guest.persistent),
    (c.CONNECT_LIST_DOMAINS_MANAGEDSAVE, c.CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, lambda g: g.managed_save),
    (c.CONNECT_LIST_DOMAINS_AUTOSTART, c.CONNECT_LIST_DOMAINS_NO_AUTOSTART, lambda guest: guest.autostart),
    (c.CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, c.CONNECT_LIST_DOMAINS_NO_SNAPSHOT, lambda g: g.has_snapshots),
    (
        c.CONNECT_LIST_DOMAINS_HAS_CHECKPOINT,
        c.CONNECT_LIST_DOMAINS_NO_CHECKPOINT,
        lambda g: g.has_checkpoints,
    ),
)
_STATE_FLAGS = {
    c.DOMAIN_RUNNING: c.CONNECT_LIST_DOMAINS_RUNNING,
    c.DOMAIN_PAUSED: c.CONNECT_LIST_DOMAINS_PAUSED,
    c.DOMAIN_SHUTOFF: c.CONNECT_LIST_DOMAINS_SHUTOFF,
}
_STATES = (
    c.CONNECT_LIST_DOMAINS_RUNNING
    | c.CONNECT_LIST_DOMAINS_PAUSED
    | c.CONNECT_LIST_DOMAINS_SHUTOFF
    | c.CONNECT_LIST_DOMAINS_OTHER
)


def passes(guest: Guest, flags: int) -> bool:
    """Say whether a domain is among those that virConnectListAllDomainsFlags ask for."""
    for yes, no, holds in _FILTERS:
        if flags & (yes | no) and not flags & (yes if holds(guest) else no):
            return False
    wanted = flags & _STATES
    return not wanted or bool(wanted & _STATE_FLAGS.get(guest.state, c.CONNECT_LIST_DOMAINS_OTHER))


# From which time of the guest on its monitor is occupied, broken, and well again.
_OCCUPIED, _BROKEN, _WELL = 10_000, 30_000, 60_000


class Lookup(TestBase):
    """Look-ups, lists and states."""

    def domain_lookup_by_id(self, id: int) -> DomainRef:
        not_negative(id, "id", "virDomainLookupByID")
        for guest in self.world.domains.values():
            if guest.id == id and guest.active:
                return guest.ref
        raise VirError(NO_DOMAIN)

    def domain_lookup_by_name(self, name: str) -> DomainRef:
        guest = self.world.domain_names.get(name)
        if guest is None:
            raise VirError(NO_DOMAIN)
        return guest.ref

    def domain_lookup_by_uuid(self, uuid: str) -> DomainRef:
        guest = self.world.domains.get(uuid)
        if guest is None:
            raise VirError(NO_DOMAIN)
        return guest.ref

    def connect_list_all_domains(self, flags: int = 0) -> "list[DomainRef]":
        allowed(flags, _LIST_FLAGS, "testConnectListAllDomains")
        return [guest.ref for guest in self.world.domains.values() if passes(guest, flags)]

    # -- at a glance -----------------------------------------------------------------------------

    def domain_get_info(self, dom: DomainRef) -> "tuple[int, int, int, int, int]":
        guest = self.guest(dom)
        facts = guest.live.facts
        return guest.state, facts.max_memory, facts.memory, facts.vcpus, self.world.cpu_time()

    def domain_get_state(self, dom: DomainRef, flags: int = 0) -> "tuple[int, int]":
        allowed(flags, 0, "testDomainGetState")
        guest = self.guest(dom)
        return guest.state, guest.reason

    def domain_get_control_info(self, dom: DomainRef, flags: int = 0) -> "tuple[int, int, int]":
        allowed(flags, 0, "testDomainGetControlInfo")
        # The guest's clock tells how its monitor is; times are in milliseconds.
        seconds = self.running(dom).time[0]
        if 0 < seconds < _OCCUPIED:
            return c.DOMAIN_CONTROL_JOB, 0, seconds
        if _OCCUPIED <= seconds < _BROKEN:
            return c.DOMAIN_CONTROL_OCCUPIED, 0, seconds - _OCCUPIED
        if _BROKEN <= seconds < _WELL:
            return c.DOMAIN_CONTROL_ERROR, seconds % (c.DOMAIN_CONTROL_ERROR_REASON_INTERNAL + 1), 0
        return c.DOMAIN_CONTROL_OK, 0, 0

    def domain_is_active(self, dom: DomainRef) -> bool:
        return self.guest(dom).active

    def domain_is_persistent(self, dom: DomainRef) -> bool:
        return self.guest(dom).persistent

    def domain_is_updated(self, dom: DomainRef) -> bool:
        return self.guest(dom).updated

    def domain_get_os_type(self, dom: DomainRef) -> str:
        return "linux"

    def domain_get_max_memory(self, dom: DomainRef) -> int:
        return self.guest(dom).live.facts.max_memory

    def domain_get_autostart(self, dom: DomainRef) -> bool:
        return self.guest(dom).autostart

    def domain_set_autostart(self, dom: DomainRef, autostart: int) -> None:
        self.guest(dom).autostart = bool(autostart)

    def domain_get_security_label(self, dom: DomainRef) -> "tuple[str, int]":
        return ("libvirt-test", 1) if self.guest(dom).active else ("", 0)

    def domain_get_messages(self, dom: DomainRef, flags: int = 0) -> "list[str]":
        allowed(flags, 7, "testDomainGetMessages")
        self.guest(dom)
        return []
