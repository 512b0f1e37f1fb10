"""A first start decided as soon as a guest is defined, while what decides is at hand.

It is kept as any decision of a start is, and used as those are: only while it fits.  What stands in the
way of it now is no fault; the start itself will tell.
"""

import os

from pyvirsh.backend.errors import VirError
from pyvirsh.backend.qemu import defaults, launching, plans, ports, starting
from pyvirsh.backend.qemu.supervisor.remains import release_ports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.driver import QemuDriver

# Decisions are kept in memory: who defines more guests than this does not start them one by one.
MOST = 64


def decide(driver: "QemuDriver", domain: "Domain") -> None:
    """Decide how a guest would be started now, and keep that.

    domain: its definition, complete and stored; the caller holds the guest's lock.
    """
    uuid = str(domain.uuid)
    if not _is_plain(domain) or driver.running(uuid) is not None:
        return
    try:
        runtime = driver.roots.make_runtime()
        if _count(f"{runtime}/{plans.PLANS}") < MOST:
            _decide(driver, domain.copy(), runtime)
    except (VirError, OSError):
        return


def _decide(driver: "QemuDriver", domain: "Domain", runtime: str) -> None:
    uuid = str(domain.uuid)
    starting.prepare(driver, domain, 0)
    path = launching.directory(driver, uuid)
    try:
        chosen = ports.assign(domain, runtime, uuid)
    finally:
        release_ports(runtime, uuid)
    defaults.place_sockets(domain, path)
    decision = starting.decide(driver, domain, path)
    decision.plain["ports"] = chosen
    if plans.is_lasting(domain, decision):
        plans.keep(driver, decision, plans.images_of(domain))


def _is_plain(domain: "Domain") -> bool:
    """Say whether nothing of the host would have to be opened, made or asked for."""
    devices = domain.devices
    if any(interface.type != "user" or interface.backend_type for interface in devices.interfaces):
        return False
    return plans.is_plain(domain) and devices.vsock is None and not (domain.cpu and domain.cpu.cells)


def _count(directory: str) -> int:
    try:
        return len(os.listdir(directory))
    except FileNotFoundError:
        return 0
