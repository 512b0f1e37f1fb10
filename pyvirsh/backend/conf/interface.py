"""Network interfaces of the host: libvirt's interface XML as a declared model, with its checks.

Source: libvirt's interface XML; messages as observed.
"""

from typing import Any, Self

from pyvirsh.backend.conf import shape, xml
from pyvirsh.backend.conf.model import Model, flag, integer, many, one, text, yes_no
from pyvirsh.backend.errors import INTERNAL_ERROR, XML_ERROR, VirError

TYPES = ("ethernet", "bridge", "bond", "vlan")
START_MODES = ("onboot", "none", "hotplug")
BOND_MODES = "balance-rr active-backup balance-xor broadcast 802.3ad balance-tlb balance-alb".split()
ARP_VALIDATE = ("none", "active", "backup", "all")
LINK_STATES = "unknown notpresent down lowerlayerdown testing dormant up".split()


def fault(detail: str) -> VirError:
    """Make the error for a document that says what cannot be."""
    return VirError(XML_ERROR, detail)


class Ip(Model):
    """An address."""

    tag = "ip"
    address: str | None = text("@address")
    prefix: str | None = text("@prefix")

    def after_parse(self, element: xml.Element) -> None:
        if self.prefix is None:
            return
        if not self.prefix.lstrip("-").isdigit():
            detail = f"Invalid value for attribute 'prefix' in element 'ip': '{self.prefix}'."
            raise fault(detail + " Expected integer value")
        self.prefix = str(int(self.prefix)) if int(self.prefix) else None


class Protocol(Model):
    """How the interface is configured for IPv4 or IPv6."""

    family: str | None = text("@family")
    autoconf: bool = flag("autoconf")
    dhcp: bool = flag("dhcp")
    peerdns: str | None = yes_no("dhcp/@peerdns")
    ips: list[Ip] = many("ip", Ip)
    gateway: str | None = text("route/@gateway")

    def after_parse(self, element: xml.Element) -> None:
        if self.family is None:
            raise fault("protocol misses the family attribute")
        if self.family not in ("ipv4", "ipv6"):
            raise fault(f"unsupported protocol family '{self.family}'")
        self.ips = [ip for ip in self.ips if ip.address]

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


class Miimon(Model):
    """Watching a bond's links by their media."""

    freq: str | None = text("@freq")
    downdelay: str | None = text("@downdelay")
    updelay: str | None = text("@updelay")
    carrier: str | None = text("@carrier")

    def after_parse(self, element: xml.Element) -> None:
        for name in ("freq", "downdelay", "updelay"):
            value = getattr(self, name)
            if not (value or "").isdigit() and (name == "freq" or value is not None):
                raise fault(f"bond interface miimon {name} {'missing or ' if name == 'freq' else ''}invalid")
        if self.carrier not in (None, "ioctl", "netif"):
            raise fault(f"unknown mii bonding carrier {self.carrier}")


class Arpmon(Model):
    """Watching a bond's links by asking for an address."""

    interval: str | None = text("@interval")
    target: str | None = text("@target")
    validate: str | None = text("@validate")

    def after_parse(self, element: xml.Element) -> None:
        if not (self.interval or "").isdigit():
            raise fault("bond interface arpmon interval missing or invalid")
        if self.target is None:
            raise fault("bond interface arpmon target missing")
        if self.validate not in (None, *ARP_VALIDATE):
            raise fault(f"unknown arp bonding validate {self.validate}")


class Bond(Model):
    """Interfaces that act as one."""

    tag = "bond"
    mode: str | None = text("@mode")
    miimon: Miimon | None = one("miimon", Miimon)
    arpmon: Arpmon | None = one("arpmon", Arpmon)
    interfaces: list[Any] = many("interface", lambda: Interface)

    @classmethod
    def parse(cls, element: xml.Element) -> Self:
        check_members(element, ("ethernet",))
        return super().parse(element)

    def after_parse(self, element: xml.Element) -> None:
        if self.mode not in (None, *BOND_MODES):
            raise fault(f"unknown bonding mode {self.mode}")

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


class Bridge(Model):
    """Interfaces joined by a bridge."""

    tag = "bridge"
    stp: str | None = text("@stp")
    delay: str | None = text("@delay")
    interfaces: list[Any] = many("interface", lambda: Interface)

    @classmethod
    def parse(cls, element: xml.Element) -> Self:
        check_members(element, ("ethernet", "bond", "vlan"))
        return super().parse(element)

    def after_parse(self, element: xml.Element) -> None:
        if self.stp not in ("on", "off"):
            self.stp = None

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


def check_members(element: xml.Element, types: "tuple[str, ...]") -> None:
    """Check what kinds of interfaces are joined, before they are read.  Errors: XML_ERROR."""
    for member in element.iterchildren("interface"):
        if member.get("type") not in types:
            raise fault(f"interface has unsupported type '{member.get('type')}'")


class Vlan(Model):
    """A VLAN on another interface."""

    tag = "vlan"
    number: str | None = text("@tag")
    device: str | None = text("interface/@name")

    def after_parse(self, element: xml.Element) -> None:
        if self.number is None:
            raise fault("vlan interface misses the tag attribute")
        if self.device is None:
            raise fault("vlan interface misses name attribute")


class Interface(Model):
    """An interface of the host."""

    tag = "interface"
    type: str | None = text("@type", choices=TYPES)
    name: str | None = text("@name")
    start: str | None = text("start/@mode")
    mtu: str | None = text("mtu/@size")
    protocols: list[Protocol] = many("protocol", Protocol)
    link_speed: int | None = integer("link/@speed")
    link_state: str | None = text("link/@state", choices=tuple(LINK_STATES))
    mac: str | None = text("mac/@address")
    bridge: Bridge | None = one("bridge", Bridge)
    bond: Bond | None = one("bond", Bond)
    vlan: Vlan | None = one("vlan", Vlan)

    def after_parse(self, element: xml.Element) -> None:
        if self.type is None:
            raise fault("Missing required attribute 'type' in element 'interface'")
        if self.name is None:
            raise fault("interface has no name")
        if self.mtu is not None and not self.mtu.isdigit():
            raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")
        if self.start not in (None, *START_MODES):
            raise fault(f"unknown interface startmode {self.start}")
        for kind in ("bridge", "bond", "vlan"):
            if self.type != kind:
                setattr(self, kind, None)
            elif getattr(self, kind) is None:
                raise fault(f"{kind} interface misses the {kind} element")
        if self.type != "ethernet":
            self.mac = None

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


# Members of a bridge or bond may say nothing and are written all the same.
for _model in (Bridge, Bond, Protocol):
    _model.kept_empty = True


def check_shape(root: xml.Element) -> None:
    """Check an interface's document as far as `shape` does.  Errors: XML_INVALID_SCHEMA."""
    if root.get("type") not in TYPES:
        failed = "Invalid sequence in interleave\nElement interface failed to validate content\n"
        raise shape.misfit("interface", failed)
    shape.check(root, Interface, "interface", ())


def parse_interface(root: xml.Element) -> Interface:
    """Make an interface of a parsed element.  Errors: XML_ERROR."""
    if root.tag != "interface":
        raise fault(f"expecting root element of 'interface', not '{xml.local_name(root)}'")
    return Interface.parse(root)


def format_interface(interface: Interface) -> str:
    """Return the interface as XML text."""
    return xml.write(interface.to_node())
