"""A domain's XML as it is asked for: with or without secrets, live or inactive.

Source: libvirt's virDomainXMLFlags and output as observed.
"""

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.xml import Node, write
from pyvirsh.backend.constants import DOMAIN_XML_INACTIVE, DOMAIN_XML_SECURE


def document(domain: Domain, flags: int = 0, number: int = -1) -> str:
    """Return the XML text.  flags: virDomainXMLFlags; number: the id of a running domain."""
    node = _node(domain, flags)
    if number != -1 and not flags & DOMAIN_XML_INACTIVE:
        first, *rest = node.attrs.items()
        node.attrs = dict([first, ("id", str(number)), *rest])
        _show_plugged(node)
    return write(node)


def inactive_node(domain: Domain, flags: int = 0) -> Node:
    """Return the domain as an element of another document, as if it did not run."""
    node = _node(domain, flags | DOMAIN_XML_INACTIVE)
    # What is kept as text is indented for a document of its own.
    node.kids = [_deeper(kid) if isinstance(kid, str) else kid for kid in node.kids]
    return node


def _deeper(text: str) -> str:
    """Return text indented by one level more."""
    return "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))


def _node(domain: Domain, flags: int) -> Node:
    node = domain.to_node()
    node.attrs.pop("id", None)
    if not flags & DOMAIN_XML_SECURE:
        _hide_passwords(node)
    return node


def _show_plugged(node: Node) -> None:
    """Say how much memory the guest has of what can be plugged in and out: none, where nothing is known."""
    for devices in kids(node, "devices"):
        for module in kids(devices, "memory"):
            for target in kids(module, "target") if module.attrs.get("model") == "virtio-mem" else []:
                if not kids(target, "current"):
                    at = target.kids.index(kids(target, "requested")[0])
                    current = Node("current")
                    current.attrs["unit"], current.text = "KiB", "0"
                    target.kids.insert(at + 1, current)


def _hide_passwords(node: Node) -> None:
    for devices in kids(node, "devices"):
        for disk in kids(devices, "disk"):
            for source in kids(disk, "source"):
                source.kids = [kid for kid in source.kids if kid not in kids(source, "cookies")]
        for graphics in kids(devices, "graphics"):
            graphics.attrs.pop("passwd", None)
            graphics.attrs.pop("passwdValidTo", None)


def kids(node: Node, tag: str) -> "list[Node]":
    """Return the child elements called `tag`."""
    return [kid for kid in node.kids if isinstance(kid, Node) and kid.tag == tag]
