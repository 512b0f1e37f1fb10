"""Controllers and devices that the machine brings, and those that devices need."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.chardev import Channel, Console
from pyvirsh.backend.conf.domain.defaults import insert_controller, need_controllers
from pyvirsh.backend.conf.domain.devices import Controller, Watchdog
from pyvirsh.backend.qemu.facts import Facts, family


def order(domain: Domain) -> None:
    """Number controllers without an index and sort them within their type."""
    devices = domain.devices
    ordered: list[Controller] = []
    for controller in devices.controllers:
        if controller.index is not None:
            insert_controller(ordered, controller)
    devices.controllers, stated = ordered, devices.controllers
    for controller in stated:
        if controller.index is None:
            taken = {one.index for one in ordered if one.type == controller.type}
            controller.index = next(number for number in range(len(stated) + 1) if number not in taken)
            insert_controller(ordered, controller)


def add_devices(domain: Domain, facts: Facts) -> None:
    """Add what the machine always has: USB, PCI and SATA controllers, a watchdog."""
    board = family(domain.os.machine or "")
    if board not in ("i440fx", "q35"):
        return
    _need(domain, "usb")
    if board == "q35":
        _need(domain, "sata")
    _need(domain, "pci", model="pcie-root" if board == "q35" else "pci-root")
    if board == "q35" and not any(one.model == "itco" for one in domain.devices.watchdogs):
        domain.devices.watchdogs.append(Watchdog(model="itco"))


def _need(domain: Domain, kind: str, model: "str | None" = None) -> None:
    controllers = domain.devices.controllers
    if not any(one.type == kind and not one.index for one in controllers):
        insert_controller(controllers, Controller(type=kind, index=0, model=model))


def add_controllers(domain: Domain) -> None:
    """Add the controllers that devices state a place on."""
    devices = domain.devices
    for disk in devices.disks:
        address = disk.info.address
        if (
            address is not None
            and address.type == "drive"
            and disk.target_bus in ("ide", "scsi", "sata", "fdc")
        ):
            need_controllers(domain, disk.target_bus, address.controller or 0)
    for hostdev in devices.hostdevs:
        address = hostdev.info.address
        if hostdev.type == "scsi" and address is not None and address.type == "drive":
            _need_scsi(domain, address.controller or 0)
    ports: list[Channel | Console] = [*devices.channels, *devices.consoles]
    for port in ports:
        if port.target_type == "virtio":
            address = port.info.address
            stated = address.controller if address is not None and address.type == "virtio-serial" else 0
            _need_one(domain, "virtio-serial", stated or 0)
    for card in devices.smartcards:
        address = card.info.address
        need_controllers(domain, "ccid", (address.controller or 0) if address is not None else 0)


def _need_scsi(domain: Domain, last: int) -> None:
    """Add SCSI controllers up to an index, like those there are."""
    have = [one for one in domain.devices.controllers if one.type == "scsi"]
    need_controllers(domain, "scsi", last)
    model = have[-1].model if have else "virtio-scsi"
    for controller in domain.devices.controllers:
        if (
            controller.type == "scsi"
            and controller.model is None
            and not any(one is controller for one in have)
        ):
            controller.model = model


def _need_one(domain: Domain, kind: str, index: int) -> None:
    controllers = domain.devices.controllers
    if not any(one.type == kind and one.index == index for one in controllers):
        insert_controller(controllers, Controller(type=kind, index=index))


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


_COMPANIONS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}


def group_companions(domain: Domain) -> None:
    """Order the parts of USB 2 controllers as one: the EHCI first, its companions at their ports."""
    usb = [one for one in domain.devices.controllers if one.type == "usb"]
    for controller in usb:
        if controller.model in _COMPANIONS:
            master = any(one.model == "ich9-ehci1" and one.index == controller.index for one in usb)
            if master and controller.info.master_startport is None:
                controller.info.master_startport = _COMPANIONS[controller.model]
