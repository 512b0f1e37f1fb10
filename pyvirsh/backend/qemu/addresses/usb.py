"""Ports of USB controllers and hubs.

Devices fill a controller's own ports first, then those of the hubs on it, level by level; where ports are
short, hubs are added.
"""

from collections.abc import Iterator

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.common import Address, Info
from pyvirsh.backend.conf.domain.devices import Controller, Hub
from pyvirsh.backend.errors import INTERNAL_ERROR, XML_ERROR, VirError

HUB_PORTS = 8
_PORTS = {
    "piix3-uhci": 2,
    "piix4-uhci": 2,
    "vt82c686b-uhci": 2,
    "ehci": 6,
    "ich9-ehci1": 6,
    "pci-ohci": 3,
    "nec-xhci": 4,
    "qemu-xhci": 4,
}


class Hubs:
    """The ports of one bus: a tree of hubs, the controller its root, each a list of what its ports hold."""

    def __init__(self, ports: int) -> None:
        self.ports: list[Hubs | bool] = [False] * ports

    def free(self) -> int:
        """Return how many ports are free, those of all hubs counted."""
        return sum(port.free() if isinstance(port, Hubs) else not port for port in self.ports)

    def at(self, path: "list[int]", shown: str) -> "tuple[Hubs, int]":
        """Return the hub a path leads to and the port on it.  Errors: XML_ERROR if there is none."""
        here: Hubs = self
        for depth, number in enumerate(path):
            if not 1 <= number <= len(here.ports):
                raise VirError(XML_ERROR, f"requested USB port {number} is not present on {shown}")
            if depth == len(path) - 1:
                return here, number
            below = here.ports[number - 1]
            if not isinstance(below, Hubs):
                upto = ".".join(map(str, path[: depth + 1]))
                raise VirError(XML_ERROR, f"there is no hub at port {upto} in USB address {shown}")
            here = below
        raise VirError(XML_ERROR, f"USB address {shown} has no port")

    def place(self, held: "Hubs | bool") -> "list[int] | None":
        """Put a device or a hub on the first free port, nearest to the root; return its path."""
        level: list[tuple[list[int], Hubs]] = [([], self)]
        while level:
            below = []
            for path, hub in level:
                for number, port in enumerate(hub.ports, 1):
                    if port is False:
                        hub.ports[number - 1] = held
                        return [*path, number]
                    if isinstance(port, Hubs):
                        below.append(([*path, number], port))
            level = below
        return None


def devices(domain: Domain) -> "Iterator[Info]":
    """Yield every USB device but hubs, in the order of placing."""
    held = domain.devices
    yield from (disk.info for disk in held.disks if disk.target_bus == "usb")
    yield from (interface.info for interface in held.interfaces if interface.model == "usb-net")
    yield from (sound.info for sound in held.sounds if sound.model == "usb")
    yield from (one.info for one in held.hostdevs if one.type == "usb" and one.mode in (None, "subsystem"))
    yield from (one.info for one in held.controllers if one.type == "ccid")
    yield from (serial.info for serial in held.serials if serial.target_type == "usb-serial")
    yield from (device.info for device in held.inputs if device.bus == "usb")
    yield from (redir.info for redir in held.redirdevs if redir.bus in (None, "usb"))


def port_count(controller: Controller) -> int:
    """Return how many ports of its own a controller has; companions share their master's."""
    model = controller.model or ""
    if model.startswith("ich9-uhci") or controller.info.master_startport is not None:
        return 0
    stated = controller.ports if model in ("nec-xhci", "qemu-xhci") else None
    return stated or _PORTS.get(model, 0)


def assign(domain: Domain) -> None:
    """Give each USB device a port.  Errors: XML_ERROR, INTERNAL_ERROR when ports run out."""
    buses: dict[int, Hubs] = {}
    for controller in domain.devices.controllers:
        if controller.type == "usb" and (count := port_count(controller)):
            buses.setdefault(controller.index or 0, Hubs(count))
    _add_hubs(domain, buses)
    hubs = [(hub.info, Hubs(HUB_PORTS)) for hub in domain.devices.hubs]
    others: list[tuple[Info, Hubs | bool]] = [(info, True) for info in devices(domain)]
    wanted = [*hubs, *others]
    for info, held in sorted(wanted, key=_depth):
        if _stated(info):
            _keep(info.address, held, buses)
    for info, held in wanted:
        if not _stated(info):
            _place(info, held, buses)


def _stated(info: Info) -> bool:
    address = info.address
    return address is not None and address.type == "usb" and bool(address.port)


def _depth(item: "tuple[Info, Hubs | bool]") -> int:
    """Sort hubs before what may hang on them."""
    info, held = item
    port = info.address.port or "" if info.address is not None else ""
    return port.count(".") * 2 + (not isinstance(held, Hubs))


def _add_hubs(domain: Domain, buses: "dict[int, Hubs]") -> None:
    """Add as many hubs as are needed for all devices to find a port."""
    ports = sum(bus.free() for bus in buses.values()) + HUB_PORTS * len(domain.devices.hubs)
    needed = len(domain.devices.hubs) + sum(1 for _ in devices(domain))
    missing = needed - ports
    if buses and missing > 0:
        domain.devices.hubs += [Hub(type="usb") for _ in range(-(-missing // (HUB_PORTS - 1)))]


def _keep(address: "Address | None", held: "Hubs | bool", buses: "dict[int, Hubs]") -> None:
    if address is None:
        return
    number = address.bus or 0
    shown = f"bus: {number} port: {address.port}"
    if number not in buses:
        raise VirError(XML_ERROR, f"USB bus {number} requested but no controller with that index is present")
    path = [int(part) for part in (address.port or "").split(".") if part.isdigit()]
    hub, port = buses[number].at(path, shown)
    if hub.ports[port - 1] is not False:
        raise VirError(XML_ERROR, f"Duplicate USB address {shown}")
    hub.ports[port - 1] = held


def _place(info: Info, held: "Hubs | bool", buses: "dict[int, Hubs]") -> None:
    stated = info.address
    chosen = list(buses)
    if stated is not None and stated.type == "usb":
        chosen = [stated.bus or 0]
        if chosen[0] not in buses:
            detail = f"USB bus {chosen[0]} requested but no controller with that index is present"
            raise VirError(XML_ERROR, detail)
    for number in chosen:
        if (path := buses[number].place(held)) is not None:
            port = ".".join(map(str, path))
            info.address = Address(type="usb", bus=number, port=port)
            return
    if buses:
        raise VirError(INTERNAL_ERROR, "No free USB ports")
