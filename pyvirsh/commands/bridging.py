"""The XML of a bridge made over an interface, and of the interface when the bridge goes."""

from pyvirsh.backend.conf import rearrange
from pyvirsh.backend.conf.xml import Element, children, local_name, parse
from pyvirsh.backend.errors import VirError
from pyvirsh.errors import CommandFailed

# What belongs to the interface itself; all else moves to the bridge or back.
OWN = ("mac", "bond", "vlan")


def bridged(xml: str, name: str, bridge: str, *, delay: "int | None") -> str:
    """Return the XML of `bridge` over the interface `name`; without a `delay` it has no STP.

    Errors: CommandFailed.
    """
    top = _parsed(xml, name)
    kind = _type_of(top, name)
    if kind == "bridge":
        raise CommandFailed(f"Existing device {name} is already a bridge")
    found = top.get("name")
    if found != name:
        shown = "(null)" if found is None else found
        raise CommandFailed(f"Interface name from config {shown} doesn't match given supplied name {name}")
    top.set("type", "bridge")
    top.set("name", bridge)
    attributes = {"stp": "off"} if delay is None else {"stp": "on", "delay": str(delay)}
    inner = rearrange.add(rearrange.add(top, "bridge", attributes), "interface", {"type": kind, "name": name})
    for child in _own(top):
        rearrange.move(child, inner)
    return rearrange.document(top)


def unbridged(xml: str, bridge: str) -> "tuple[str, str]":
    """Return the name and the XML of the interface under `bridge`.  Errors: CommandFailed."""
    top = _parsed(xml, bridge)
    if _type_of(top, bridge) != "bridge":
        raise CommandFailed(f"Device {bridge} is not a bridge")
    bridges = [child for child in children(top) if local_name(child) == "bridge"]
    if not bridges:
        raise CommandFailed("No bridge node in xml document")
    attached = [kid for node in bridges for kid in children(node) if local_name(kid) == "interface"]
    if not attached:
        raise CommandFailed("No interface attached to bridge")
    if len(attached) > 1:
        raise CommandFailed("Multiple interfaces attached to bridge")
    inner = attached[0]
    name, kind = inner.get("name"), inner.get("type")
    if name is None:
        raise CommandFailed(f"Device attached to bridge {bridge} has no name")
    if kind is None:
        raise CommandFailed(f"Attached device {name} has no type")
    top.set("type", kind)
    top.set("name", name)
    for child in _own(inner):
        rearrange.move(child, top)
    return name, rearrange.document(top)


def _parsed(xml: str, name: str) -> Element:
    try:
        return parse(xml, "(interface definition)")
    except VirError as error:
        raise CommandFailed(f"Failed to parse configuration of {name}", error.text) from error


def _type_of(top: Element, name: str) -> str:
    kind = top.get("type")
    if kind is None:
        raise CommandFailed(f"Existing device {name} has no type")
    return kind


def _own(element: Element) -> "list[Element]":
    return [child for child in children(element) if local_name(child) in OWN]
