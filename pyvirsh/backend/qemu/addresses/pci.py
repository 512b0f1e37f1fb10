"""Place a guest's PCI devices, adding the bridges and ports they need.

A trial run finds out how many buses are needed and adds their controllers; the real one places everything.
"""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.common import Address, Info
from pyvirsh.backend.conf.domain.defaults import insert_controller
from pyvirsh.backend.conf.domain.devices import Controller
from pyvirsh.backend.errors import INTERNAL_ERROR, XML_ERROR, VirError
from pyvirsh.backend.qemu.addresses.buses import PCI, PCIE, Bus, Buses
from pyvirsh.backend.qemu.addresses.chipset import places, settle
from pyvirsh.backend.qemu.addresses.connect import Wiring, all_devices, bridge_flags
from pyvirsh.backend.qemu.facts import Facts

# Controllers that sit on no bus of these machines.
_NOWHERE = ("isa", "xenbus")
_COMPANIONS = {"ich9-ehci1": 7, "ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2}


def wanted(info: Info) -> bool:
    """Say whether a device's PCI place is still to be decided."""
    address = info.address
    return address is None or address.type is None or (address.type == "pci" and address.pci is None)


def assign(domain: Domain, facts: Facts) -> None:
    """Place all PCI devices of the guest."""
    roots = [one for one in domain.devices.controllers if one.type == "pci"]
    if not roots:
        if any(all_devices(domain, Wiring(express=False))):
            raise VirError(XML_ERROR, "No PCI buses available")
        return
    if any(one.type in _NOWHERE for one in domain.devices.controllers):
        detail = "Cannot automatically add a new PCI bus for a device with connect flags 00"
        raise VirError(INTERNAL_ERROR, detail)
    express = any(one.index == 0 and one.model == "pcie-root" for one in roots)
    wiring = Wiring(express=express)
    only_root = all(one.index == 0 for one in roots)
    _add_buses(domain, wiring, spare=express and only_root)
    buses = Buses(_models(domain), trial=False)
    _place_all(domain, wiring, buses, record=True)
    _mark_multifunction(domain, wiring)
    for controller in domain.devices.controllers:
        if controller.type == "pci":
            _describe(controller, domain, facts)


def _models(domain: Domain) -> "list[Bus]":
    """Return the buses of the controllers there are; gaps are filled as if they had to be added."""
    known = {one.index or 0: one for one in domain.devices.controllers if one.type == "pci"}
    root = known.get(0)
    if root is None or root.model not in ("pci-root", "pcie-root"):
        raise VirError(XML_ERROR, "the PCI controller with index='0' must be the root of all")
    gap = "pcie-root-port" if root.model == "pcie-root" else "pci-bridge"
    found = []
    for index in range(max(known) + 1):
        one = known.get(index)
        model = one.model or gap if one else gap
        found.append(Bus(model))
    return found


def _add_buses(domain: Domain, wiring: Wiring, *, spare: bool) -> None:
    """Add the controllers that placing all devices needs, and what they in turn need."""
    buses = Buses(_models(domain), trial=True)
    full = all(bus.full() for bus in buses.all) if not wiring.pcie & PCIE else True
    at_start = len(buses.all)
    _place_all(domain, wiring, buses, record=False, slack=not full)
    if spare and len(buses.all) > at_start:
        buses.place(PCIE)
    known = {one.index for one in domain.devices.controllers if one.type == "pci"}
    index = 1
    while index < len(buses.all):
        if index not in known:
            added = Controller(type="pci", index=index, model=buses.all[index].model)
            insert_controller(domain.devices.controllers, added)
            buses.place(bridge_flags(added))
        index += 1


def _place_all(domain: Domain, wiring: Wiring, buses: Buses, *, record: bool, slack: bool = False) -> None:
    """Place everything; `record` writes the addresses down, `slack` keeps room for one more bridge."""
    bridges = [one for one in domain.devices.controllers if one.type == "pci" and bridge_flags(one)]
    devices = list(all_devices(domain, wiring))
    fixed = places(domain)
    for info, flags in [*((one.info, bridge_flags(one)) for one in bridges), *devices]:
        if (address := info.address) is not None and address.type == "pci" and address.pci is not None:
            if id(info) not in fixed:
                buses.keep(address, flags)
    chosen = settle(domain, buses, wiring)
    if slack:
        buses.place(PCI)
    for info, flags in [*((one.info, bridge_flags(one)) for one in bridges), *devices]:
        if wanted(info) and id(info) not in chosen:
            chosen[id(info)] = _companion(domain, info, chosen, buses, flags) or buses.place(flags)
    if record:
        everything = [*(one.info for one in domain.devices.controllers), *(info for info, _ in devices)]
        for info in everything:
            if id(info) in chosen and wanted(info):
                stated = info.address
                info.address = chosen[id(info)]
                if stated is not None and stated.multifunction:
                    info.address.multifunction = stated.multifunction


def _companion(
    domain: Domain, info: Info, chosen: "dict[int, Address]", buses: Buses, flags: int
) -> "Address | None":
    """Place a USB 2 controller beside its companions in one slot; None if it is none."""
    mine = next((one for one in domain.devices.controllers if one.info is info), None)
    if mine is None or mine.type != "usb" or mine.model not in _COMPANIONS:
        return None
    function = _COMPANIONS[mine.model]
    for other in domain.devices.controllers:
        if (
            other is mine
            or other.type != "usb"
            or other.index != mine.index
            or other.model not in _COMPANIONS
        ):
            continue
        place = chosen.get(id(other.info)) or other.info.address
        if place is None or place.pci is None:
            continue
        bus, slot, _ = place.pci
        if buses.used(bus, slot, function):
            shown = f"0000:{bus:02x}:{slot:02x}.{function}"
            raise VirError(XML_ERROR, f"Attempted double use of PCI Address {shown}")
        buses.take(bus, slot, function)
        return Address(type="pci", domain=0, bus=bus, slot=slot, function=function)
    return buses.place(flags, function)


def _mark_multifunction(domain: Domain, wiring: Wiring) -> None:
    """Mark the first function of each slot that has others."""
    infos = [one.info for one in domain.devices.controllers if one.type == "pci"]
    infos += [info for info, _ in all_devices(domain, wiring)]
    places = {address.pci: address for info in infos if (address := info.address) is not None and address.pci}
    for bus, slot, function in list(places):
        first = places.get((bus, slot, 0))
        if function and first is not None and first.multifunction is None:
            first.multifunction = "on"


def _describe(controller: Controller, domain: Domain, facts: Facts) -> None:
    """Fill in what a bus's controller says of itself: its QEMU device, chassis, port or bus number."""
    model = controller.model or ""
    names = {
        "pci-bridge": "pci-bridge",
        "pci-expander-bus": "pxb",
        "pcie-root-port": "pcie-root-port" if facts.has("pcie-root-port") else "ioh3420",
        "pcie-switch-upstream-port": "x3130-upstream",
        "pcie-switch-downstream-port": "xio3130-downstream",
        "dmi-to-pci-bridge": "i82801b11-bridge",
        "pcie-to-pci-bridge": "pcie-pci-bridge",
        "pcie-expander-bus": "pxb-pcie",
    }
    if model in names:
        controller.model_name = controller.model_name or names[model]
    if model == "pci-bridge" and controller.chassis_nr is None:
        controller.chassis_nr = controller.index
    if model in ("pcie-root-port", "pcie-switch-downstream-port"):
        if controller.chassis is None:
            controller.chassis = controller.index
        address = controller.info.address
        if controller.port is None and address is not None and address.pci is not None:
            _, slot, function = address.pci
            controller.port = slot << 3 | function if model == "pcie-root-port" else slot
    if model.endswith("expander-bus") and controller.bus_nr is None:
        controller.bus_nr = _free_bus_number(domain)


def _free_bus_number(domain: Domain) -> int:
    """Return a number for an expander's bus: below those of the other expanders, buses behind it counted."""
    buses = [one for one in domain.devices.controllers if one.type == "pci"]
    lowest = min((one.bus_nr for one in buses if one.bus_nr is not None), default=256)
    if lowest <= len(buses):
        raise VirError(XML_ERROR, "no bus number is left for another PCI expander bus")
    return lowest - 2
