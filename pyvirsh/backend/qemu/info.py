"""What can be seen of a domain at once: memory, CPUs, control, labels.

Source: libvirt API, virDomainGetInfo and its kin; texts as observed of its QEMU driver.
"""

import os
import time

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import CheckpointRef, DomainRef, SnapshotRef
from pyvirsh.backend.checks import allowed, invalid
from pyvirsh.backend.qemu import glance, kept, live, threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.driver import QemuDriver

WHERE = c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG


def chosen(driver: "QemuDriver", dom: DomainRef, flags: int) -> "tuple[Domain, live.Guest | None]":
    """Return the definition that LIVE, CONFIG or neither asks for, and the guest if it is the live one.

    Errors: INVALID_ARG for both; OPERATION_INVALID for LIVE when the guest does not run.
    """
    if flags & WHERE == WHERE:
        raise invalid("Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")
    if flags & c.DOMAIN_AFFECT_CONFIG:
        return driver.definition(dom), None
    if flags & c.DOMAIN_AFFECT_LIVE:
        guest = driver.guest(dom)
        return driver.live_definition(guest), guest
    return driver.current(dom)


# -- memory and CPUs in short ----------------------------------------------------------------------------


def domain_get_info(driver: "QemuDriver", dom: DomainRef) -> "tuple[int, int, int, int, int]":
    seen, guest = glance.at(driver, dom)
    if guest is None:
        state, _ = live.read_last(driver.roots.runtime(), dom.uuid)
        return state, seen.memory, seen.current_memory, seen.online, 0
    used = threads.usage(guest.qemu.pid).total
    return guest.state, seen.memory, seen.current_memory, seen.online, used


def memory_of(domain: "Domain") -> int:
    """Return the memory a guest starts with, modules included, in KiB."""
    return domain.memory or 0


def current_memory(domain: "Domain") -> int:
    """Return the memory a running guest has now; without a balloon it is all of it."""
    balloon = domain.devices.memballoon
    if balloon is None or balloon.model == "none":
        return domain.memory or 0
    return domain.current_memory or domain.memory or 0


def online_vcpus(domain: "Domain") -> int:
    """Return how many virtual CPUs are plugged in."""
    return domain.vcpu_current or domain.vcpus or 1


def domain_get_max_memory(driver: "QemuDriver", dom: DomainRef) -> int:
    return glance.at(driver, dom)[0].memory


def domain_get_os_type(driver: "QemuDriver", dom: DomainRef) -> str:
    return glance.at(driver, dom)[0].os_type


# -- control, labels, saved states -------------------------------------------------------------------------


def domain_get_control_info(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> "tuple[int, int, int]":
    allowed(flags, 0, "qemuDomainGetControlInfo")
    guest = driver.guest(dom)
    if guest.qemu.state() in ("T", "t"):
        since = int((time.time() - guest.since) * 1000)
        return c.DOMAIN_CONTROL_ERROR, c.DOMAIN_CONTROL_ERROR_REASON_MONITOR, max(since, 0)
    return c.DOMAIN_CONTROL_OK, c.DOMAIN_CONTROL_ERROR_REASON_NONE, 0


def domain_is_updated(driver: "QemuDriver", dom: DomainRef) -> bool:
    driver.check_exists(dom)
    return False


def domain_has_managed_save_image(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> bool:
    driver.check_exists(dom)
    return os.path.exists(kept.managed_save_path(driver, dom.uuid))


def node_get_security_model(driver: "QemuDriver") -> "tuple[str, str]":
    return "none", "0"


def domain_get_security_label(driver: "QemuDriver", dom: DomainRef) -> "tuple[str, int]":
    driver.check_exists(dom)
    return "", 0


def domain_get_security_label_list(driver: "QemuDriver", dom: DomainRef) -> "list[tuple[str, int]]":
    driver.check_exists(dom)
    return []


def domain_get_hostname(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> str:
    from pyvirsh.backend.qemu import guestinfo

    return guestinfo.hostname(driver, dom, flags)


# -- moments that are kept -------------------------------------------------------------------------------


def domain_snapshot_num(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> int:
    driver.check_exists(dom)
    return kept.count(driver, dom.uuid, kept.SNAPSHOTS)


def domain_list_all_snapshots(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> "list[SnapshotRef]":
    driver.check_exists(dom)
    return [SnapshotRef(name, dom) for name in kept.names(driver, dom.uuid, kept.SNAPSHOTS)]


def domain_list_all_checkpoints(
    driver: "QemuDriver", dom: DomainRef, flags: int = 0
) -> "list[CheckpointRef]":
    driver.check_exists(dom)
    return [CheckpointRef(name, dom) for name in kept.names(driver, dom.uuid, kept.CHECKPOINTS)]
