"""Ports of virtio-serial controllers, slots of memory and of smart card readers."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.chardev import Channel
from pyvirsh.backend.conf.domain.common import Address
from pyvirsh.backend.conf.domain.defaults import insert_controller
from pyvirsh.backend.conf.domain.devices import Controller
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR, VirError

# Ports of a virtio-serial controller that states none; port 0 is the first console's.
PORTS = 31


def assign(domain: Domain) -> None:
    """Give each channel on virtio-serial a port, with a controller more where all are taken."""
    channels = [one for one in domain.devices.channels if one.target_type == "virtio"]
    taken: set[tuple[int, int]] = set()
    for channel in domain.devices.channels:
        _check_xen(domain, channel)
    for channel in channels:
        address = channel.info.address
        if address is not None and address.type == "virtio-serial" and address.port not in (None, "0"):
            place = (address.controller or 0, int(address.port or 0))
            _check(domain, *place)
            if place in taken:
                detail = f"virtio serial port {place[1]} on controller {place[0]} is already occupied"
                raise VirError(XML_ERROR, detail)
            taken.add(place)
    for channel in channels:
        address = channel.info.address
        if address is None or address.type != "virtio-serial" or address.port in (None, "0"):
            stated = address.controller if address is not None else None
            controller, port = _free(domain, taken, stated)
            taken.add((controller, port))
            place_ = Address(type="virtio-serial", controller=controller, bus=0, port=str(port))
            channel.info.address = place_


def _check_xen(domain: Domain, channel: Channel) -> None:
    """Refuse a place on a controller that is not there: none is added for these channels."""
    address = channel.info.address
    stated = address is not None and address.type == "virtio-serial" and address.port not in (None, "0")
    if channel.target_type in ("xen", "guestfwd") and address is not None and stated:
        if (address.controller or 0) not in _controllers(domain):
            raise VirError(XML_ERROR, f"virtio serial controller {address.controller or 0} is missing")


def _controllers(domain: Domain) -> "dict[int, int]":
    """Return how many ports each virtio-serial controller has, by index."""
    found = [one for one in domain.devices.controllers if one.type == "virtio-serial"]
    return {one.index or 0: one.ports or PORTS for one in sorted(found, key=lambda one: one.index or 0)}


def _check(domain: Domain, controller: int, port: int) -> None:
    ports = _controllers(domain).get(controller)
    if ports is None:
        raise VirError(XML_ERROR, f"virtio serial controller {controller} not present")
    if port >= ports:
        raise VirError(XML_ERROR, f"virtio serial controller {controller} does not have port {port}")


def _free(domain: Domain, taken: "set[tuple[int, int]]", stated: "int | None") -> "tuple[int, int]":
    controllers = _controllers(domain)
    tried = [stated] if stated in controllers else list(controllers)
    for controller in tried or list(controllers):
        for port in range(1, controllers[controller or 0]):
            if (controller or 0, port) not in taken:
                return controller or 0, port
    added = next(index for index in range(len(controllers) + 1) if index not in controllers)
    insert_controller(domain.devices.controllers, Controller(type="virtio-serial", index=added))
    return added, 1


def memory_slots(domain: Domain) -> None:
    """Give each memory module that sits in a slot one of the machine's.

    Errors: XML_ERROR; INTERNAL_ERROR if all slots are taken; CONFIG_UNSUPPORTED for a slot there is not.
    """
    modules = [one for one in domain.devices.memories if one.model in ("dimm", "nvdimm")]
    taken: set[int] = set()
    for module in modules:
        address = module.info.address
        if address is not None and address.type == "dimm" and address.slot is not None:
            if domain.max_memory is not None and address.slot >= (domain.memory_slots or 0):
                detail = (
                    f"memory device slot '{address.slot}' exceeds slots count '{domain.memory_slots or 0}'"
                )
                raise VirError(CONFIG_UNSUPPORTED, detail)
            if address.slot in taken:
                raise VirError(
                    XML_ERROR,
                    f"memory device slot '{address.slot}' is already being used by another memory device",
                )
            taken.add(address.slot)
    for module in modules:
        address = module.info.address
        if address is not None and address.type == "dimm" and address.slot is not None:
            continue
        slots = range(domain.memory_slots or 0 if domain.max_memory is not None else len(modules))
        slot = next((number for number in slots if number not in taken), None)
        if slot is None:
            raise VirError(INTERNAL_ERROR, "failed to find an empty memory slot")
        taken.add(slot)
        base = address.base if address is not None and address.type == "dimm" else None
        module.info.address = Address(type="dimm", slot=slot, base=base)
