"""All other devices where the definition leaves them open."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.devices import MemBalloon, Watchdog
from pyvirsh.backend.qemu.facts import Facts, family


def complete(domain: Domain, facts: Facts) -> None:
    """Fill in the rest."""
    devices = domain.devices
    if devices.memballoon is None:
        devices.memballoon = MemBalloon(model="virtio")
    for watchdog in devices.watchdogs:
        watchdog.action = watchdog.action or "reset"
    for hostdev in devices.hostdevs:
        hostdev.managed = hostdev.managed or "no"
    for filesystem in devices.filesystems:
        filesystem.accessmode = filesystem.accessmode or "passthrough"
    for panic in devices.panics:
        if panic.model in (None, "default"):
            panic.model = "isa"
