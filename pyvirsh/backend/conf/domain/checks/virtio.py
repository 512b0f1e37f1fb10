"""Options of virtio devices, stated for devices that are none."""

from pyvirsh.backend.conf.domain.common import VirtioDriver
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError


def check(domain: Domain) -> None:
    """Check the drivers of devices that may or may not be virtio ones."""
    devices = domain.devices
    for interface in devices.interfaces:
        if interface.driver is not None and not (interface.model or "").startswith("virtio"):
            _refuse(interface.driver.virtio)
    for device in devices.inputs:
        if device.bus != "virtio":
            _refuse(device.driver)
    for video in devices.videos:
        if video.model != "virtio":
            _refuse(video.driver)


def _refuse(driver: "VirtioDriver | None") -> None:
    for name in VirtioDriver.declared():
        if driver is not None and getattr(driver, name) is not None:
            detail = f"{name} driver option is only supported for virtio devices"
            raise VirError(CONFIG_UNSUPPORTED, detail)
