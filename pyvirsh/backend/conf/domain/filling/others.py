"""All other devices where the definition leaves them open."""

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.filesystem import Filesystem
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_ERROR, VirError

# The bus of an input device that states none.
_BUSES = {"mouse": "ps2", "keyboard": "ps2", "passthrough": "virtio"}


def complete(domain: Domain) -> None:
    """Check and fill in the rest."""
    devices = domain.devices
    for device in devices.inputs:
        if device.type != "evdev":
            device.bus = device.bus or _BUSES.get(device.type, "usb")
    for filesystem in devices.filesystems:
        _filesystem(filesystem)
    _small(domain)


def _small(domain: Domain) -> None:
    """Fill in what takes one line each."""
    devices = domain.devices
    for watchdog in devices.watchdogs:
        watchdog.action = watchdog.action or "reset"
    for shmem in devices.shmems:
        shmem.model = shmem.model or "ivshmem"
    for rng in devices.rngs:
        if rng.backend is not None and rng.backend.model == "random":
            rng.backend.path = rng.backend.path or "/dev/random"
    if devices.vsock is not None:
        devices.vsock.cid_auto = devices.vsock.cid_auto or ("no" if devices.vsock.cid_address else "yes")


def _filesystem(filesystem: Filesystem) -> None:
    if filesystem.source_socket is None:
        filesystem.accessmode = filesystem.accessmode or "passthrough"
    elif filesystem.type not in ("mount", "bind"):
        filesystem.source_socket = None
    if filesystem.info.boot_order is not None and filesystem.driver_type != "virtiofs":
        raise VirError(CONFIG_UNSUPPORTED, "boot order is only supported for virtiofs")


def check_panics(domain: Domain) -> None:
    """Refuse two panic devices of one model."""
    models: set[str] = set()
    for panic in domain.devices.panics:
        model = panic.model or "default"
        if model in models:
            raise VirError(XML_ERROR, f"Multiple panic devices with model '{model}'")
        models.add(model)
