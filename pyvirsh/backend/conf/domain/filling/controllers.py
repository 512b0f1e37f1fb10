"""Controllers: their numbers, their order, and those that devices need."""

from pyvirsh.backend.conf.domain.defaults import insert_controller, need_controllers
from pyvirsh.backend.conf.domain.devices import Controller
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.errors import XML_DETAIL, XML_ERROR, VirError

_COMPANIONS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}


def order(domain: Domain) -> None:
    """Sort controllers within their type and number those without an index."""
    devices = domain.devices
    ordered: list[Controller] = []
    for controller in devices.controllers:
        if controller.model in _COMPANIONS and controller.info.master_startport is None:
            controller.info.master_startport = _COMPANIONS[controller.model]
        insert_controller(ordered, controller)
    devices.controllers = ordered
    _number(ordered)


def _number(controllers: "list[Controller]") -> None:
    """Give an index to each that has none: the first of its kind that is free."""
    taken: dict[tuple[str, int], list[Controller]] = {}
    for one in controllers:
        if one.index is not None:
            taken.setdefault((one.type or "", one.index), []).append(one)
    # Where to begin for each kind: free places are never given back.  Parts of USB 2 may fill earlier ones.
    first: dict[str, int] = {}
    for at, one in enumerate(controllers):
        if one.index is not None:
            continue
        kind, whole = one.type or "", not (one.model or "").startswith("ich9-")
        index = first.get(kind, 0) if whole else 0
        while not _fits(one, taken.get((kind, index), []), controllers[:at]):
            index += 1
        if whole:
            first[kind] = index + 1
        one.index = index
        taken.setdefault((kind, index), []).append(one)


def _fits(new: Controller, others: "list[Controller]", before: "list[Controller]") -> bool:
    """Say whether a controller can share an index: only the parts of a USB 2 controller can.

    before: those that stand before it; one of the others is among them.
    """
    if not others:
        return True
    part = all((one.model or "").startswith("ich9-") for one in (new, *others))
    part = part and any(one is other for one in others for other in before)
    return part and not any(one.model == new.model for one in others)


def add(domain: Domain) -> None:
    """Add the controllers that devices state a place on."""
    devices = domain.devices
    places = [(disk.target_bus, disk.info.address) for disk in devices.disks]
    for kind in ("scsi", "fdc", "ide", "sata"):
        for bus, address in places:
            if bus == kind and address is not None and address.type == "drive":
                need_controllers(domain, kind, address.controller or 0)
    add_for_hostdevs(domain)
    ports = [one.info for one in devices.channels if one.target_type == "virtio"]
    ports += [one.info for one in devices.consoles if one.target_type == "virtio"]
    for info in ports:
        address = info.address
        stated = address.controller if address is not None and address.type == "virtio-serial" else 0
        _need_one(domain, "virtio-serial", stated or 0)
    for card in devices.smartcards:
        address = card.info.address
        _need_one(domain, "ccid", (address.controller or 0) if address is not None else 0)


def add_for_hostdevs(domain: Domain) -> None:
    """Add the controllers that SCSI devices of the host state a place on."""
    for hostdev in domain.devices.hostdevs:
        address = hostdev.info.address
        if hostdev.type == "scsi" and address is not None and address.type == "drive":
            _need_scsi(domain, address.controller or 0)


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


def check_unique(domain: Domain) -> None:
    """Refuse controllers in each other's place, and parts of a USB controller without the rest."""
    seen: set[tuple[str, int | None]] = set()
    for controller in domain.devices.controllers:
        if controller.type == "usb":
            if controller.model == "none":
                controller.info.address = None
            continue
        key = (controller.type, controller.index)
        if key in seen:
            detail = f"Multiple '{controller.type}' controllers with index '{controller.index}'"
            raise VirError(XML_ERROR, detail)
        seen.add(key)
    _usb(domain)


def _usb(domain: Domain) -> None:
    devices = domain.devices
    usb = [one for one in devices.controllers if one.type == "usb"]
    if not usb:
        return
    none = any(one.model == "none" for one in usb)
    if none and len(usb) > 1:
        raise VirError(XML_DETAIL, "Can't add another USB controller: USB is disabled for this domain")
    if all(one.info.master_startport is not None for one in usb):
        raise VirError(XML_DETAIL, "No master USB controller specified")
