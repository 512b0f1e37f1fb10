"""What the test driver checks in a domain's definition and fills in.

Source: definitions given to libvirt's test driver and what it makes of them.
"""

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.domain import Domain, checks
from pyvirsh.backend.conf.domain.filling import fill, general
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_ERROR, VirError
from pyvirsh.backend.test.guest import Definition, Facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.test.world import World


def facts(model: Domain) -> "Facts":
    """Return what is asked most of a definition."""
    vcpus = model.vcpus or 1
    memory = model.memory or 0
    return Facts(memory, model.current_memory or memory, vcpus, model.vcpu_current or vcpus)


def root_of(document: str, tag: str) -> xml.Element:
    """Parse a document whose root must be `tag`.  Errors: XML_ERROR."""
    root = xml.parse(document)
    if root.tag != tag:
        raise VirError(XML_ERROR, f"expecting root element of '{tag}', not '{xml.local_name(root)}'")
    return root


def parse_definition(document: str, world: "World", *, validate: bool = False) -> Domain:
    """Make a domain of XML text, as the test driver takes it.

    validate: whether to check its shape first.  Errors: XML_INVALID_SCHEMA, XML_ERROR and others.
    """
    root = root_of(document, "domain")
    if validate:
        from pyvirsh.backend.conf.domain import shape

        shape.check(root)
    return parse_element(root, world)


def parse_element(root: xml.Element, world: "World") -> Domain:
    """Make a domain of a parsed element."""
    model = parse_part(root, world)
    name_interfaces(model)
    return model


def parse_part(root: xml.Element, world: "World") -> Domain:
    """Make the domain that a snapshot or checkpoint holds of a parsed element."""
    general.check_first(root)
    model = Domain.parse(root)
    complete(model, world)
    return model


def complete(model: Domain, world: "World") -> None:
    """Check the definition and fill in what it leaves open, but for interfaces' names."""
    model.qemu = None
    _check_newer(model)
    fill(model, arch="i686", video="cirrus", new_uuid=world.new_uuid, new_mac=world.new_mac)
    for panic in model.devices.panics:
        panic.model = None if panic.model == "default" else panic.model
    model.devices.panics = [panic for panic in model.devices.panics if not panic.is_empty()]
    checks.check(model)


def _check_newer(model: Domain) -> None:
    """Refuse, or pass over, what is newer than the original's test driver or not for it."""
    for disk in model.devices.disks:
        if disk.target_bus == "nvme":
            raise VirError(XML_ERROR, "Invalid value for attribute 'bus' in element 'target': 'nvme'.")
        if disk.source is not None and disk.source.fdgroup is not None:
            detail = f"driver does not support FD passing for disk '{disk.target_dev}'"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        disk.target_dpofua = None
        if disk.target_bus == "scsi":
            disk.target_removable = None
    for video in model.devices.videos:
        video.vgaconf = None
    for controller in model.devices.controllers:
        if controller.type == "nvme":
            raise VirError(XML_ERROR, "Invalid value for attribute 'type' in element 'controller': 'nvme'.")


def name_interfaces(model: Domain) -> None:
    """Give interfaces without a host device the first free name of testnet0, testnet1, …"""
    taken = {interface.target_dev for interface in model.devices.interfaces}
    for interface in model.devices.interfaces:
        if interface.target_dev is None:
            interface.target_dev = next(
                name for at in range(len(taken) + 1) if (name := f"testnet{at}") not in taken
            )
            taken.add(interface.target_dev)


__all__ = ["Definition", "complete", "facts", "parse_definition", "parse_element", "parse_part", "root_of"]
