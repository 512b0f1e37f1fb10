"""Controllers: their numbers, their order, and those that devices need."""

from pyvirsh.backend.conf.domain.defaults import insert_controller, need_controllers
from pyvirsh.backend.conf.domain.devices import Controller
from pyvirsh.backend.conf.domain.domain import Domain

_COMPANIONS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}


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


def add(domain: Domain) -> None:
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
    ports = [one.info for one in devices.channels if one.target_type == "virtio"]
    ports += [one.info for one in devices.consoles if one.target_type == "virtio"]
    for info in ports:
        address = info.address
        stated = address.controller if address is not None and address.type == "virtio-serial" else 0
        _need_one(domain, "virtio-serial", stated or 0)
    for card in devices.smartcards:
        address = card.info.address
        need_controllers(domain, "ccid", (address.controller or 0) if address is not None else 0)


def _need_scsi(domain: Domain, last: int) -> None:
    """Add SCSI controllers up to an index, like those there are."""
    have = [one for one in domain.devices.controllers if one.type == "scsi"]
    need_controllers(domain, "scsi", last)
    for controller in domain.devices.controllers:
        if controller.type == "scsi" and not any(one is controller for one in have) and have:
            controller.model = controller.model or have[-1].model


def _need_one(domain: Domain, kind: str, index: int) -> None:
    controllers = domain.devices.controllers
    if not any(one.type == kind and one.index == index for one in controllers):
        insert_controller(controllers, Controller(type=kind, index=index))


def group_companions(domain: Domain) -> None:
    """Order the parts of USB 2 controllers as one: the EHCI first, its companions at their ports."""
    usb = [one for one in domain.devices.controllers if one.type == "usb"]
    for controller in usb:
        if controller.model in _COMPANIONS:
            master = any(one.model == "ich9-ehci1" and one.index == controller.index for one in usb)
            if master and controller.info.master_startport is None:
                controller.info.master_startport = _COMPANIONS[controller.model]
    # Masters stand before their companions.
    usb.sort(key=lambda one: (one.index or 0, one.model in _COMPANIONS))
    grouped = iter(usb)
    domain.devices.controllers = [
        next(grouped) if one.type == "usb" else one for one in domain.devices.controllers
    ]
