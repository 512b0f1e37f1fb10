"""Which devices of a guest are PCI devices, in the order they are placed, and how each connects."""

from collections.abc import Iterator

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.common import Info
from pyvirsh.backend.conf.domain.devices import Controller
from pyvirsh.backend.conf.domain.hostdev import HostDev
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.qemu.addresses.buses import (
    DMI_BRIDGE,
    DOWNSTREAM,
    INTEGRATED,
    PCI,
    PCI_BRIDGE,
    PCI_EXPANDER,
    PCIE,
    PCIE_EXPANDER,
    ROOT_PORT,
    SHARES_SLOT,
    TO_PCI_BRIDGE,
    UPSTREAM,
)

# How a PCI controller itself connects.
_BRIDGES = {
    "pci-bridge": PCI_BRIDGE,
    "pci-expander-bus": PCI_EXPANDER,
    "pcie-root-port": ROOT_PORT | SHARES_SLOT,
    "pcie-switch-upstream-port": UPSTREAM,
    "pcie-switch-downstream-port": DOWNSTREAM,
    "dmi-to-pci-bridge": DMI_BRIDGE,
    "pcie-to-pci-bridge": TO_PCI_BRIDGE,
    "pcie-expander-bus": PCIE_EXPANDER,
}
# Network cards that are plain PCI devices; unknown ones are taken for newer.
_NET_PCI = tuple(
    "rtl8139 e1000 vmxnet3 netfront vlance vmxnet vmxnet2 Am79C970A Am79C973 82540EM 82545EM 82543GC lan9118"
    " scm91c111".split()
)
_NET_ELSEWHERE = ("ne2k_isa", "usb-net")
_SOUND_ELSEWHERE = ("sb16", "pcspk", "usb")


class Wiring:
    """How devices connect on one machine: all as PCI where the machine has no PCI Express.

    express: whether the first bus is PCI Express.
    """

    def __init__(self, *, express: bool) -> None:
        self.pci = PCI
        self.pcie = PCIE if express else self.pci
        self.integrated = self.pcie | INTEGRATED

    def virtio(self, model: "str | None") -> int:
        """Return how a virtio device connects; a transitional one is a plain PCI device."""
        return self.pci if (model or "").endswith("virtio-transitional") else self.pcie


def all_devices(domain: Domain, wiring: Wiring) -> "Iterator[tuple[Info, int]]":
    """Yield every PCI device but the controllers of buses, with its flags, in the order of placing."""
    devices = domain.devices
    for filesystem in devices.filesystems:
        yield filesystem.info, wiring.virtio(filesystem.model)
    for interface in devices.interfaces:
        if flags := interface_flags(interface, wiring):
            yield interface.info, flags
    for sound in devices.sounds:
        if sound.model not in _SOUND_ELSEWHERE:
            yield sound.info, wiring.virtio(None) if sound.model == "virtio" else wiring.pci
    yield from _controllers(domain, wiring)
    for disk in devices.disks:
        if disk.target_bus == "virtio":
            yield disk.info, wiring.virtio(disk.model)
    for hostdev in devices.hostdevs:
        if flags := _hostdev_flags(hostdev, wiring):
            yield hostdev.info, flags
    yield from _later(domain, wiring)


def _controllers(domain: Domain, wiring: Wiring) -> "Iterator[tuple[Info, int]]":
    for controller in domain.devices.controllers:
        if flags := controller_flags(controller, wiring):
            yield controller.info, flags


def controller_flags(controller: Controller, wiring: Wiring) -> int:
    """Return how a controller that is no bus of its own connects; 0 if it is no PCI device."""
    kind, model = controller.type, controller.model
    if kind in ("pci", "fdc", "ccid", "isa", "xenbus") or model == "none":
        return 0
    if kind == "ide":
        return wiring.pci if controller.index else 0
    if kind == "usb":
        return wiring.pcie if model in ("qemu-xhci", "nec-xhci") else wiring.pci
    if kind == "scsi":
        return wiring.virtio(model) if (model or "").startswith("virtio") else wiring.pci
    if kind == "virtio-serial":
        return wiring.virtio(model)
    return wiring.pcie if kind == "nvme" else wiring.pci


def interface_flags(interface: Interface, wiring: Wiring) -> int:
    """Return how an interface connects; 0 if it is no PCI device."""
    model = interface.model or ""
    if model in _NET_ELSEWHERE:
        return 0
    if interface.type != "hostdev" and model.startswith("virtio"):
        return wiring.virtio(model)
    return wiring.pci if model in _NET_PCI else wiring.pcie


def _hostdev_flags(hostdev: HostDev, wiring: Wiring) -> int:
    if hostdev.mode not in (None, "subsystem"):
        return 0
    if hostdev.type == "pci" or (hostdev.type == "mdev" and hostdev.model == "vfio-pci"):
        return wiring.pcie
    if hostdev.type == "scsi_host":
        return wiring.virtio(hostdev.model)
    return 0


def _later(domain: Domain, wiring: Wiring) -> "Iterator[tuple[Info, int]]":
    devices = domain.devices
    if devices.memballoon is not None and devices.memballoon.model != "none":
        yield devices.memballoon.info, wiring.virtio(devices.memballoon.model)
    for rng in devices.rngs:
        yield rng.info, wiring.virtio(rng.model)
    for watchdog in devices.watchdogs:
        if watchdog.model == "i6300esb":
            yield watchdog.info, wiring.pci
    for video in devices.videos:
        if video.model not in ("none", "ramfb"):
            express = video.model in ("virtio", "bochs")
            yield video.info, wiring.pcie if express else wiring.pci
    for shmem in devices.shmems:
        yield shmem.info, wiring.pci
    for device in devices.inputs:
        if device.bus == "virtio":
            yield device.info, wiring.virtio(device.model)
    yield from _last(domain, wiring)


def _last(domain: Domain, wiring: Wiring) -> "Iterator[tuple[Info, int]]":
    devices = domain.devices
    for serial in devices.serials:
        if serial.target_type == "pci-serial":
            yield serial.info, wiring.pci
    if devices.vsock is not None:
        yield devices.vsock.info, wiring.virtio(devices.vsock.model)
    for memory in devices.memories:
        if memory.model in ("virtio-mem", "virtio-pmem"):
            yield memory.info, wiring.pcie
    if devices.iommu is not None and devices.iommu.model == "virtio":
        yield devices.iommu.info, wiring.integrated
    for crypto in devices.cryptos:
        yield crypto.info, wiring.pci
    for panic in devices.panics:
        if panic.model == "pvpanic":
            yield panic.info, wiring.integrated
    if devices.pstore is not None:
        yield devices.pstore.info, wiring.pci


def bridge_flags(controller: Controller) -> int:
    """Return how the controller of a bus connects; 0 for a root, which does not."""
    return _BRIDGES.get(controller.model or "", 0)
