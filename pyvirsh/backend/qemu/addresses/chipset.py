"""Places that belong to the machine itself: those of PIIX3 on i440fx and of ICH9 on q35.

Source: QEMU's machine types pc and q35, and where libvirt puts the devices that a board brings.
"""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.common import Address, Info
from pyvirsh.backend.conf.domain.devices import Controller
from pyvirsh.backend.errors import XML_ERROR, VirError
from pyvirsh.backend.qemu.addresses.buses import Buses
from pyvirsh.backend.qemu.addresses.connect import Wiring
from pyvirsh.backend.qemu.facts import family

_USB2 = ("ich9-uhci1", "ich9-uhci4")


def _address(slot: int, function: int = 0) -> Address:
    return Address(type="pci", domain=0, bus=0, slot=slot, function=function)


def _undecided(info: Info) -> bool:
    address = info.address
    return address is None or address.type is None or (address.type == "pci" and address.pci is None)


def _board_place(controller: Controller, board: str) -> "tuple[int, int] | None":
    """Return where a controller that the board brings sits; None for others."""
    if board == "i440fx" and not controller.index:
        if controller.type == "ide":
            return 1, 1
        if controller.type == "usb" and controller.model == "piix3-uhci":
            return 1, 2
    if board == "q35" and controller.type == "sata" and not controller.index:
        return 0x1F, 2
    return None


def places(domain: Domain) -> "set[int]":
    """Return the ids of the infos whose stated places are the board's own, checked.  Errors: XML_ERROR."""
    board = family(domain.os.machine or "")
    found = set()
    for controller in domain.devices.controllers:
        place = _board_place(controller, board)
        if place is None:
            continue
        stated = controller.info.address.pci if controller.info.address else None
        if stated is not None and stated != (0, *place):
            if board == "i440fx":
                raise VirError(XML_ERROR, _misplaced(controller, place))
            continue
        if stated is not None:
            found.add(id(controller.info))
    return found


def _misplaced(controller: Controller, place: "tuple[int, int]") -> str:
    name = "Primary IDE controller" if controller.type == "ide" else "PIIX3 USB controller at index 0"
    return f"{name} must have PCI address 0:0:{place[0]}.{place[1]}"


def settle(domain: Domain, buses: Buses, wiring: Wiring) -> "dict[int, Address]":
    """Take the board's own places; return the places, by info, of the devices that it decides."""
    board = family(domain.os.machine or "")
    if board == "i440fx":
        return _settle_piix3(domain, buses, wiring)
    if board == "q35":
        return _settle_ich9(domain, buses, wiring)
    return {}


def _settle_piix3(domain: Domain, buses: Buses, wiring: Wiring) -> "dict[int, Address]":
    chosen = _board_controllers(domain, "i440fx")
    if buses.used(0, 1):
        raise VirError(XML_ERROR, "Attempted double use of PCI Address 0000:00:01.0")
    buses.take_slot(0, 1)
    _settle_video(domain, buses, wiring, chosen, 2)
    return chosen


def _board_controllers(domain: Domain, board: str) -> "dict[int, Address]":
    chosen: dict[int, Address] = {}
    taken: set[tuple[int, int]] = set()
    for controller in domain.devices.controllers:
        place = _board_place(controller, board)
        if place is None:
            continue
        if place in taken:
            slot, function = place
            raise VirError(XML_ERROR, f"Attempted double use of PCI Address 0000:00:{slot:02x}.{function}")
        taken.add(place)
        if _undecided(controller.info):
            chosen[id(controller.info)] = _address(*place)
    return chosen


def _settle_video(
    domain: Domain, buses: Buses, wiring: Wiring, chosen: "dict[int, Address]", slot: int
) -> None:
    """Put the first graphics card into the slot where firmware expects it, if it is free."""
    if not domain.devices.videos:
        return
    first = domain.devices.videos[0]
    if first.model in ("none", "ramfb") or not _undecided(first.info):
        return
    if buses.used(0, slot):
        chosen[id(first.info)] = buses.place(wiring.pci)
        return
    buses.take(0, slot, 0)
    chosen[id(first.info)] = _address(slot)


def _settle_ich9(domain: Domain, buses: Buses, wiring: Wiring) -> "dict[int, Address]":
    chosen: dict[int, Address] = {}
    for controller in domain.devices.controllers:
        if not _undecided(controller.info):
            continue
        if controller.type == "sata" and not controller.index:
            chosen[id(controller.info)] = _address(0x1F, 2)
        elif controller.type == "usb" and controller.model in _USB2:
            slot = next((slot for slot in (0x1D, 0x1A) if not buses.used(0, slot, 0)), None)
            if slot is not None:
                buses.take(0, slot, 0)
                chosen[id(controller.info)] = _address(slot)
        elif controller.model == "dmi-to-pci-bridge" and not buses.used(0, 0x1E):
            buses.take(0, 0x1E, 0)
            chosen[id(controller.info)] = _address(0x1E)
    for function in (0, 2, 3):
        if not buses.used(0, 0x1F, function):
            buses.take(0, 0x1F, function)
    _settle_video(domain, buses, wiring, chosen, 1)
    _settle_audio(domain, buses, chosen)
    return chosen


def _settle_audio(domain: Domain, buses: Buses, chosen: "dict[int, Address]") -> None:
    """Put the first ICH9 sound card where the real board has it."""
    for sound in domain.devices.sounds:
        if sound.model == "ich9" and _undecided(sound.info) and not buses.used(0, 0x1B):
            buses.take(0, 0x1B, 0)
            chosen[id(sound.info)] = _address(0x1B)
            return
