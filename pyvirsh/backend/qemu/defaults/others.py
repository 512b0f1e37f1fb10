"""All other devices where the definition leaves them open."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.devices import MemBalloon, Shmem
from pyvirsh.backend.qemu.facts import Facts


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
    for shmem in devices.shmems:
        _shmem(shmem)
    for rng in devices.rngs:
        if rng.backend is not None and rng.backend.model == "random":
            rng.backend.path = rng.backend.path or "/dev/random"
    for panic in devices.panics:
        if panic.model in (None, "default"):
            panic.model = "isa"


def _shmem(shmem: Shmem) -> None:
    if shmem.model != "ivshmem-doorbell":
        shmem.size = shmem.size or 4
    elif shmem.server:
        shmem.msi_ioeventfd = shmem.msi_ioeventfd or "on"
