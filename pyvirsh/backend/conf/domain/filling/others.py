"""All other devices where the definition leaves them open."""

from pyvirsh.backend.conf.domain.devices import Shmem
from pyvirsh.backend.conf.domain.disk import Filesystem
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_SOURCE, XML_ERROR, VirError


def complete(domain: Domain) -> None:
    """Check and fill in the rest."""
    devices = domain.devices
    for device in devices.inputs:
        if not device.type:
            raise VirError(INTERNAL_ERROR, "missing input device type")
        device.bus = device.bus or ("ps2" if device.type in ("mouse", "keyboard") else "usb")
    for watchdog in devices.watchdogs:
        watchdog.action = watchdog.action or "reset"
    for hostdev in devices.hostdevs:
        hostdev.managed = hostdev.managed or "no"
    for filesystem in devices.filesystems:
        sources = (
            filesystem.source_dir,
            filesystem.source_dev,
            filesystem.source_file,
            filesystem.source_name,
        )
        if (
            not any((*sources, filesystem.source_socket, filesystem.source_volume))
            and filesystem.type != "ram"
        ):
            raise VirError(NO_SOURCE, text="missing source information for device")
        filesystem.accessmode = filesystem.accessmode or "passthrough"
    for shmem in devices.shmems:
        _shmem(shmem)
    for rng in devices.rngs:
        if rng.backend is not None and rng.backend.model == "random":
            rng.backend.path = rng.backend.path or "/dev/random"
    for lease in devices.leases:
        if not lease.key:
            raise VirError(XML_ERROR, "Missing 'key' element for lease")
    if devices.vsock is not None:
        devices.vsock.cid_auto = devices.vsock.cid_auto or ("no" if devices.vsock.cid_address else "yes")


def _filesystem(filesystem: Filesystem) -> None:
    one = filesystem
    sources = (one.source_dir, one.source_dev, one.source_file, one.source_name, one.source_socket)
    if not any(sources) and not one.source_volume and one.type != "ram":
        raise VirError(NO_SOURCE)
    filesystem.accessmode = filesystem.accessmode or "passthrough"


def _shmem(shmem: Shmem) -> None:
    shmem.model = shmem.model or "ivshmem"
