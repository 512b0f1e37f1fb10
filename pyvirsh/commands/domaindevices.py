"""A domain's disks and interfaces, read from its description.

Source: libvirt's domain XML format; what virsh shows of it as observed.
"""

from typing import TYPE_CHECKING

from pyvirsh.backend.conf.xml import Element, parse
from pyvirsh.backend.constants import DOMAIN_XML_INACTIVE
from pyvirsh.errors import CommandFailed

if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef
    from pyvirsh.shell.session import Session

Row = dict[str, object]


def devices(ctx: "Session", dom: "DomainRef", tag: str, *, inactive: bool = False) -> "list[Element]":
    """Return the domain's devices of one kind.  Errors: CommandFailed."""
    with ctx.failing("Failed to get domain description xml"):
        text = ctx.driver.domain_get_xml_desc(dom, DOMAIN_XML_INACTIVE if inactive else 0)
    with ctx.failing("Failed to parse domain description xml"):
        root = parse(text)
    return root.findall(f"./devices/{tag}")


def disks(ctx: "Session", dom: "DomainRef", *, inactive: bool = False) -> "list[Row]":
    """Return type, device, target and source of each disk; None for a source that is not there."""
    rows: list[Row] = []
    for disk in devices(ctx, dom, "disk", inactive=inactive):
        target = disk.find("./target")
        if target is None or not target.get("dev"):
            raise CommandFailed("unable to query block list")
        rows.append(
            {
                "type": disk.get("type"),
                "device": disk.get("device"),
                "target": target.get("dev"),
                "source": _disk_source(disk) or None,
            }
        )
    return rows


def _disk_source(disk: Element) -> str:
    source = disk.find("./source")
    if source is None:
        return ""
    if disk.get("type") == "nvme":
        return _nvme(source)
    names = ("file", "dev", "dir", "name", "volume", "path")
    return next((source.get(name, "") for name in names if name in source.attrib), "")


def _nvme(source: Element) -> str:
    """Return the place of an NVMe disk: its controller's PCI address and the namespace."""
    address = source.find("./address")
    parts = ("domain", "bus", "slot", "function")
    numbers = [int(address.get(part, "0") if address is not None else "0", 0) for part in parts]
    domain, bus, slot, function = numbers
    return f"nvme://{domain:04x}:{bus:02x}:{slot:02x}.{function:x}/{source.get('namespace', '')}"


def interfaces(ctx: "Session", dom: "DomainRef", *, inactive: bool = False) -> "list[Row]":
    """Return name, type, source, model and MAC address of each interface; None for what is not there."""
    rows: list[Row] = []
    for interface in devices(ctx, dom, "interface", inactive=inactive):
        rows.append(
            {
                "interface": _attribute(interface, "target", "dev"),
                "type": interface.get("type"),
                "source": _interface_source(interface),
                "model": _attribute(interface, "model", "type"),
                "mac": _attribute(interface, "mac", "address"),
            }
        )
    return rows


def _attribute(element: Element, child: str, name: str) -> "str | None":
    found = element.find(f"./{child}")
    return found.get(name) or None if found is not None else None


def _interface_source(interface: Element) -> "str | None":
    source = interface.find("./source")
    if source is None:
        return None
    if interface.get("type") == "network":
        return source.get("network")
    names = ("bridge", "dev", "network", "name", "path")
    return next((source.get(name) for name in names if source.get(name)), None)


def link_state(ctx: "Session", dom: "DomainRef", name: str, *, inactive: bool = False) -> str:
    """Return the link state of the interface with this MAC address or name.  Errors: CommandFailed."""
    mac = mac_of(name)
    place = ("mac", "address") if mac else ("target", "dev")
    found = [
        interface
        for interface in devices(ctx, dom, "interface", inactive=inactive)
        if _attribute(interface, *place) == (mac or name)
    ]
    if not found:
        shown = f"mac: {mac}" if mac else f"dev: {name}"
        raise CommandFailed(f"Interface ({shown}) not found.")
    if len(found) > 1:
        raise CommandFailed("multiple matching interfaces found")
    return _attribute(found[0], "link", "state") or "up"


def mac_of(text: str) -> str:
    """Return a MAC address as libvirt writes it; "" when `text` is none."""
    pieces = text.split(":")
    try:
        numbers = [int(piece, 16) for piece in pieces]
    except ValueError:
        return ""
    if len(pieces) != 6 or not all(0 <= number <= 255 for number in numbers):
        return ""
    return ":".join(f"{number:02x}" for number in numbers)
