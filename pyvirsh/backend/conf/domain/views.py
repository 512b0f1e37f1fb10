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
    return write(node)


def inactive_node(domain: Domain, flags: int = 0) -> Node:
    """Return the domain as an element of another document, as if it did not run."""
    return _node(domain, flags | DOMAIN_XML_INACTIVE)


def _node(domain: Domain, flags: int) -> Node:
    node = domain.to_node()
    node.attrs.pop("id", None)
    if not flags & DOMAIN_XML_SECURE:
        _hide_passwords(node)
    return node


def _hide_passwords(node: Node) -> None:
    for devices in kids(node, "devices"):
        for graphics in kids(devices, "graphics"):
            graphics.attrs.pop("passwd", None)
            graphics.attrs.pop("passwdValidTo", None)


def kids(node: Node, tag: str) -> "list[Node]":
    """Return the child elements called `tag`."""
    return [kid for kid in node.kids if isinstance(kid, Node) and kid.tag == tag]
