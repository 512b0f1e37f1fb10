"""Network interfaces of the host: libvirt's interface XML as a declared model, with its checks.

Source: libvirt's interface XML; messages as observed.
"""

from typing import TYPE_CHECKING, Any, Self

from pyvirsh.backend.conf import shape, xml
from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.model import Model, flag, integer, many, one, text, yes_no
from pyvirsh.backend.errors import INTERNAL_ERROR, XML_ERROR, VirError

if TYPE_CHECKING:
    from collections.abc import Iterable

TYPES = ("ethernet", "bridge", "bond", "vlan")
START_MODES = ("onboot", "none", "hotplug")
BOND_MODES = "balance-rr active-backup balance-xor broadcast 802.3ad balance-tlb balance-alb".split()
ARP_VALIDATE = ("none", "active", "backup", "all")
MTU_MAX = 100000
LINK_STATES = "unknown notpresent down lowerlayerdown testing dormant up".split()


def fault(detail: str) -> VirError:
    """Make the error for a document that says what cannot be."""
    return VirError(XML_ERROR, detail)


def _whole(text: "str | None") -> "int | None":
    """Return the number a text says, as libvirt's XPath reads one; None for none."""
    try:
        number = int(text or "x")
    except ValueError:
        return None
    plain = text is not None and "_" not in text and not text[-1].isspace()
    return number if plain and -(1 << 31) <= number < 1 << 31 else None


class Ip(Model):
    """An address."""

    tag = "ip"
    address: str | None = text("@address")
    prefix: str | None = text("@prefix")

    def after_parse(self, element: xml.Element) -> None:
        if self.prefix is None:
            return
        number = c_integer(self.prefix, 0)
        if number is None or not -(1 << 31) <= number < 1 << 31:
            detail = f"Invalid value for attribute 'prefix' in element 'ip': '{self.prefix}'."
            raise fault(detail + " Expected integer value")
        self.prefix = str(number) if number else None


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
        self.autoconf = self.autoconf and self.family == "ipv6"
        self.gateway = self.gateway or None
        self.ips = [ip for ip in self.ips if ip.address is not None]

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
        freq = _whole(self.freq)
        if freq is None:
            raise fault("bond interface miimon freq missing or invalid")
        self.freq = str(freq)
        self.downdelay = self._delay("downdelay", self.downdelay)
        self.updelay = self._delay("updelay", self.updelay)
        self.carrier = self.carrier or None
        if self.carrier not in (None, "ioctl", "netif"):
            raise fault(f"unknown mii bonding carrier {self.carrier}")

    @staticmethod
    def _delay(name: str, stated: "str | None") -> "str | None":
        if not stated:
            return None
        delay = _whole(stated)
        if delay is None:
            raise fault(f"bond interface miimon {name} invalid")
        return str(delay) if delay > 0 else None


class Arpmon(Model):
    """Watching a bond's links by asking for an address."""

    interval: str | None = text("@interval")
    target: str | None = text("@target")
    validate: str | None = text("@validate")

    def after_parse(self, element: xml.Element) -> None:
        interval = _whole(self.interval)
        if interval is None:
            raise fault("bond interface arpmon interval missing or invalid")
        self.interval = str(interval)
        if not self.target:
            raise fault("bond interface arpmon target missing")
        self.validate = self.validate or None
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
        mode = element.get("mode") or None
        if mode not in (None, *BOND_MODES):
            raise fault(f"unknown bonding mode {mode}")
        check_members(element, ("ethernet",))
        if element.find("miimon") is not None:
            _take_out(element, ("arpmon",))
        return super().parse(element)

    def after_parse(self, element: xml.Element) -> None:
        self.mode = self.mode or None

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
        if element.get("stp") not in (None, "on", "off"):
            # libvirt reads no further.
            return cls()
        check_members(element, ("ethernet", "bond", "vlan"))
        return super().parse(element)

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


def check_members(element: xml.Element, types: "tuple[str, ...]") -> None:
    """Check what kinds of interfaces are joined, before they are read.  Errors: XML_ERROR."""
    for member in element.iterchildren("interface"):
        kind = _type_of(member)
        if kind not in types:
            raise fault(f"interface has unsupported type '{kind}'")


def _type_of(element: xml.Element) -> str:
    kind = element.get("type")
    if kind is None:
        raise fault("Missing required attribute 'type' in element 'interface'")
    if kind not in TYPES:
        raise fault(f"Invalid value for attribute 'type' in element 'interface': '{kind}'.")
    return str(kind)


def _take_out(element: xml.Element, tags: "Iterable[str]") -> None:
    """Drop an element's children that are not read."""
    for tag in tags:
        for kid in element.findall(tag):
            element.remove(kid)


class Vlan(Model):
    """A VLAN on another interface."""

    tag = "vlan"
    number: str | None = text("@tag")
    device: str | None = text("interface/@name")

    def after_parse(self, element: xml.Element) -> None:
        if not self.number:
            raise fault("vlan interface misses the tag attribute")
        if not self.device:
            raise fault("vlan interface misses name attribute")


class Interface(Model):
    """An interface of the host."""

    tag = "interface"
    type: str = text("@type")
    name: str | None = text("@name")
    start: str | None = text("start/@mode")
    mtu: str | None = text("mtu/@size")
    protocols: list[Protocol] = many("protocol", Protocol)
    link_speed: int | None = integer("link/@speed", or_none=True)
    link_state: str | None = text("link/@state")
    mac: str | None = text("mac/@address")
    bridge: Bridge | None = one("bridge", Bridge)
    bond: Bond | None = one("bond", Bond)
    vlan: Vlan | None = one("vlan", Vlan)

    @classmethod
    def parse(cls, element: xml.Element) -> Self:
        kind = _type_of(element)
        if element.get("name") is None:
            raise fault("interface has no name")
        _take_out(element, {"bridge", "bond", "vlan"} - {kind})
        parent = element.getparent()
        if parent is not None and parent.tag in ("bridge", "bond"):
            _take_out(element, ("start", "mtu", "protocol"))
        start = element.find("start")
        mode = (start.get("mode") or None) if start is not None else None
        if mode not in (None, *START_MODES):
            raise fault(f"unknown interface startmode {mode}")
        mtu = element.find("mtu")
        size = _mtu(mtu.get("size") or None) if mtu is not None else None
        made = super().parse(element)
        made.start, made.mtu = mode, size
        return made

    def after_parse(self, element: xml.Element) -> None:
        self.link_state = self.link_state or None
        if self.link_state not in (None, *LINK_STATES):
            raise fault(f"Invalid value for attribute 'state' in element 'link': '{self.link_state}'.")
        for kind in ("bridge", "bond", "vlan"):
            if self.type == kind and getattr(self, kind) is None:
                raise fault(f"{kind} interface misses the {kind} element")
        self.mac = (self.mac or None) if self.type == "ethernet" else None

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


def _mtu(stated: "str | None") -> "str | None":
    """Return the size of the largest packet, None for none.  Errors: INTERNAL_ERROR, XML_ERROR."""
    if stated is None:
        return None
    size = c_integer(stated)
    if size is None or not 0 <= size < 1 << 32:
        raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")
    if size > MTU_MAX:
        raise fault(f"value of the 'size' attribute of 'mtu' element must be at most {MTU_MAX}")
    return str(size) if size else None


# Members of a bridge or bond may say nothing and are written all the same.
for _model in (Bridge, Bond, Protocol):
    _model.kept_empty = True


def check_shape(root: xml.Element) -> None:
    """Check an interface's document as far as `shape` does.  Errors: XML_INVALID_SCHEMA."""
    shape.check_root(root, "interface")
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
