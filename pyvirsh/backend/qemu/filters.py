"""Which of the domains a list asks for, by virConnectListAllDomains' pairs of flags.

Of a pair, or group, none and all mean the same.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.qemu import kept
from pyvirsh.backend.qemu.driver import AUTOSTART

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import DomainRef
    from pyvirsh.backend.qemu.driver import QemuDriver
    from pyvirsh.backend.qemu.live import Guest

    Test = Callable[[DomainRef], bool]

STATES = (
    (c.CONNECT_LIST_DOMAINS_RUNNING, (c.DOMAIN_RUNNING,)),
    (c.CONNECT_LIST_DOMAINS_PAUSED, (c.DOMAIN_PAUSED,)),
    (c.CONNECT_LIST_DOMAINS_SHUTOFF, (c.DOMAIN_SHUTOFF,)),
)
NAMED_STATES = (c.DOMAIN_RUNNING, c.DOMAIN_PAUSED, c.DOMAIN_SHUTOFF)


def matching(
    driver: "QemuDriver", refs: "list[DomainRef]", running: "dict[str, Guest]", flags: int
) -> "list[DomainRef]":
    """Return the domains that pass every group of flags."""
    tests = [test for yes, no, make in _PAIRS if (test := _pair(driver, flags, yes, no, make)) is not None]
    if flags & _STATE_FLAGS:
        tests.append(lambda ref: _state_matches(running.get(ref.uuid), flags))
    return [ref for ref in refs if all(test(ref) for test in tests)]


def _pair(
    driver: "QemuDriver", flags: int, yes: int, no: int, make: "Callable[[QemuDriver], Test]"
) -> "Test | None":
    wanted = flags & (yes | no)
    if wanted in (0, yes | no):
        return None
    test = make(driver)
    return test if wanted == yes else lambda ref: not test(ref)


def _persistent(driver: "QemuDriver") -> "Test":
    defined = driver.store.uuids()
    return lambda ref: ref.uuid in defined


def _autostart(driver: "QemuDriver") -> "Test":
    marked = driver.store.marked(AUTOSTART)
    return lambda ref: ref.uuid in marked


def _saved(driver: "QemuDriver") -> "Test":
    import os

    return lambda ref: os.path.exists(kept.managed_save_path(driver, ref.uuid))


def _snapshots(driver: "QemuDriver") -> "Test":
    return lambda ref: kept.count(driver, ref.uuid, kept.SNAPSHOTS) > 0


def _checkpoints(driver: "QemuDriver") -> "Test":
    return lambda ref: kept.count(driver, ref.uuid, kept.CHECKPOINTS) > 0


_PAIRS = (
    (c.CONNECT_LIST_DOMAINS_PERSISTENT, c.CONNECT_LIST_DOMAINS_TRANSIENT, _persistent),
    (c.CONNECT_LIST_DOMAINS_AUTOSTART, c.CONNECT_LIST_DOMAINS_NO_AUTOSTART, _autostart),
    (c.CONNECT_LIST_DOMAINS_MANAGEDSAVE, c.CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, _saved),
    (c.CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, c.CONNECT_LIST_DOMAINS_NO_SNAPSHOT, _snapshots),
    (c.CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, c.CONNECT_LIST_DOMAINS_NO_CHECKPOINT, _checkpoints),
)
_STATE_FLAGS = c.CONNECT_LIST_DOMAINS_OTHER | sum(flag for flag, _ in STATES)


def _state_matches(guest: "Guest | None", flags: int) -> bool:
    state = guest.state if guest is not None else c.DOMAIN_SHUTOFF
    if flags & c.CONNECT_LIST_DOMAINS_OTHER and state not in NAMED_STATES:
        return True
    return any(flags & flag and state in states for flag, states in STATES)
