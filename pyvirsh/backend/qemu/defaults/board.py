"""Controllers and devices that the machine brings, and those that devices need."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.defaults import insert_controller
from pyvirsh.backend.conf.domain.devices import Controller, Iommu, Watchdog
from pyvirsh.backend.conf.domain.features import Features
from pyvirsh.backend.qemu.checks.hardware import CPUS_WITHOUT_EIM
from pyvirsh.backend.qemu.facts import Facts, family


def add_devices(domain: Domain) -> None:
    """Add what the machine always has: USB, PCI and SATA controllers, a watchdog."""
    board = family(domain.os.machine or "")
    if board not in ("i440fx", "q35"):
        return
    add_iommu(domain)
    _need(domain, "usb")
    if board == "q35":
        _need(domain, "sata")
    _need(domain, "pci", model="pcie-root" if board == "q35" else "pci-root")
    if board == "q35" and not any(one.model == "itco" for one in domain.devices.watchdogs):
        # All watchdogs of a guest do the same.
        action = next((one.action for one in domain.devices.watchdogs), None)
        domain.devices.watchdogs.append(Watchdog(model="itco", action=action))


def add_iommu(domain: Domain) -> None:
    """Add what lets interrupts reach many CPUs."""
    if (domain.vcpus or 0) <= CPUS_WITHOUT_EIM or family(domain.os.machine or "") != "q35":
        return
    iommu = domain.devices.iommu = domain.devices.iommu or Iommu(model="intel")
    if iommu.model != "intel":
        return
    iommu.intremap, iommu.eim = iommu.intremap or "on", iommu.eim or "on"
    domain.features = domain.features or Features()
    domain.features.ioapic = domain.features.ioapic or "qemu"


def _need(domain: Domain, kind: str, model: "str | None" = None) -> None:
    controllers = domain.devices.controllers
    if not any(one.type == kind and not one.index for one in controllers):
        insert_controller(controllers, Controller(type=kind, index=0, model=model))


def complete_controllers(domain: Domain, facts: Facts) -> None:
    """Choose the models of controllers that state none."""
    board = family(domain.os.machine or "")
    for controller in domain.devices.controllers:
        if controller.model in (None, "default", "auto"):
            if controller.type == "usb":
                controller.model = _usb_model(board, facts)
            elif controller.type == "scsi":
                controller.model = "lsilogic" if facts.has("lsi53c895a") else "virtio-scsi"


def _usb_model(board: str, facts: Facts) -> "str | None":
    if board == "i440fx" and facts.has("piix3-usb-uhci"):
        return "piix3-uhci"
    for model, device in (
        ("qemu-xhci", "qemu-xhci"),
        ("nec-xhci", "nec-usb-xhci"),
        ("piix3-uhci", "piix3-usb-uhci"),
    ):
        if facts.has(device):
            return model
    return None
