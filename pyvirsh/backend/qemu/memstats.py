"""A guest's memory as its balloon reports it, and as the host sees it.

Source: libvirt API, virDomainMemoryStats; QEMU's "virtio balloon memory statistics".
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, OPERATION_INVALID, SYSTEM_ERROR, VirError
from pyvirsh.backend.qemu import threads
from pyvirsh.backend.qemu.change import Change
from pyvirsh.backend.qemu.monitor import Monitor
from pyvirsh.backend.qemu.qmp import QmpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.driver import QemuDriver

UNKNOWN = 2**64 - 1
PEEK_MAX = 16 * 1024 * 1024

# QEMU's name -> (tag, what one is divided by); in the order they are reported
_STATS = (
    ("stat-swap-in", c.DOMAIN_MEMORY_STAT_SWAP_IN, 1024),
    ("stat-swap-out", c.DOMAIN_MEMORY_STAT_SWAP_OUT, 1024),
    ("stat-major-faults", c.DOMAIN_MEMORY_STAT_MAJOR_FAULT, 1),
    ("stat-minor-faults", c.DOMAIN_MEMORY_STAT_MINOR_FAULT, 1),
    ("stat-free-memory", c.DOMAIN_MEMORY_STAT_UNUSED, 1024),
    ("stat-total-memory", c.DOMAIN_MEMORY_STAT_AVAILABLE, 1024),
    ("stat-available-memory", c.DOMAIN_MEMORY_STAT_USABLE, 1024),
    ("last-update", c.DOMAIN_MEMORY_STAT_LAST_UPDATE, 1),
    ("stat-disk-caches", c.DOMAIN_MEMORY_STAT_DISK_CACHES, 1024),
    ("stat-htlb-pgalloc", c.DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, 1),
    ("stat-htlb-pgfail", c.DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, 1),
)


def balloon_path(domain: "Domain") -> "str | None":
    """Return where QEMU keeps the balloon among its objects; None if the guest has none."""
    balloon = domain.devices.memballoon
    if balloon is None or balloon.model in ("none", "xen"):
        return None
    return f"/machine/peripheral/{balloon.info.alias or 'balloon0'}"


def guest_stats(domain: "Domain", monitor: Monitor) -> "list[tuple[int, int]]":
    """Return what the balloon says: its size first, then what the guest tells of its memory."""
    path = balloon_path(domain)
    if path is None:
        return [(c.DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, domain.memory or 0)]
    try:
        actual = int(monitor.attempt("query-balloon")["actual"]) // 1024
        told = monitor.attempt("qom-get", {"path": path, "property": "guest-stats"})
    except QmpError:
        return [(c.DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, domain.current_memory or domain.memory or 0)]
    values = {**told.get("stats", {}), "last-update": told.get("last-update", 0)}
    found = [(c.DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, actual)]
    for name, tag, divisor in _STATS:
        value = int(values.get(name, -1))
        if value not in (-1, UNKNOWN):
            found.append((tag, value // divisor))
    return found


def domain_memory_stats(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> "list[tuple[int, int]]":
    allowed(flags, 0, "qemuDomainMemoryStats")
    guest = driver.guest(dom)
    domain = driver.live_definition(guest)
    with Monitor(guest) as monitor:
        found = guest_stats(domain, monitor)
    return [*found, (c.DOMAIN_MEMORY_STAT_RSS, threads.resident(guest.qemu.pid))]


def domain_set_memory_stats_period(driver: "QemuDriver", dom: DomainRef, period: int, flags: int = 0) -> None:
    allowed(flags, c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG, "qemuDomainSetMemoryStatsPeriod")
    with Change(driver, dom, flags, "set-memory-stats-period") as changed:
        for domain in changed.definitions:
            balloon = domain.devices.memballoon
            if balloon is None or balloon.model not in (
                "virtio",
                "virtio-transitional",
                "virtio-non-transitional",
            ):
                raise VirError(
                    OPERATION_INVALID, "Memory balloon model must be virtio to set the collection period"
                )
            balloon.stats_period = period or None
        if changed.guest is not None and changed.live is not None:
            with Monitor(changed.guest) as monitor:
                monitor.execute("qom-set", polling(changed.live, period))


def polling(domain: "Domain", period: int) -> "dict[str, object]":
    """Return the arguments of the command that makes the guest report every `period` seconds."""
    path = balloon_path(domain)
    if path is None:
        raise VirError(CONFIG_UNSUPPORTED, "the guest has no memory balloon")
    return {"path": path, "property": "guest-stats-polling-interval", "value": period}


def domain_memory_peek(driver: "QemuDriver", dom: DomainRef, offset: int, size: int, flags: int = 0) -> bytes:
    import os

    allowed(flags, c.MEMORY_VIRTUAL | c.MEMORY_PHYSICAL, "qemuDomainMemoryPeek")
    guest = driver.guest(dom)
    path = guest.file("memory")
    command = "pmemsave" if flags & c.MEMORY_PHYSICAL else "memsave"
    try:
        with Monitor(guest) as monitor:
            monitor.execute(command, {"val": offset, "size": min(size, PEEK_MAX), "filename": path})
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"failed to read '{path}': {error.strerror}") from error
    finally:
        if os.path.exists(path):
            os.unlink(path)
