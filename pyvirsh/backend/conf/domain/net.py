"""Network interfaces.

Source: libvirt's domain XML format, "Network interfaces".
"""

import copy
import ipaddress
import re
from collections.abc import Collection
from typing import Self

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.domain.common import HostAddress, Info, Reconnect, VirtioDriver
from pyvirsh.backend.conf.domain.source import is_uuid
from pyvirsh.backend.conf.domain.vport import Inbound, Outbound, VirtualPort, VlanTag, check_side, check_vlan
from pyvirsh.backend.conf.model import (
    Model,
    flag,
    inline,
    integer,
    many,
    on_off,
    one,
    others,
    text,
    yes_no,
)
from pyvirsh.backend.conf.route import address_of, check_route, plain_address
from pyvirsh.backend.conf.xml import Element, Node
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INVALID_ARG, OVERFLOW, XML_DETAIL, XML_ERROR, VirError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

INTERFACE_TYPES = (
    "user",
    "ethernet",
    "vhostuser",
    "server",
    "client",
    "mcast",
    "network",
    "bridge",
    "internal",
    "direct",
    "hostdev",
    "udp",
    "vdpa",
    "null",
    "vds",
)


class Ip(Model):
    """An IP address of an interface."""

    tag = "ip"
    address: str | None = text("@address")
    family: str | None = text("@family")
    prefix: int | None = integer(
        "@prefix", or_none=True, unknown=(XML_ERROR, "Invalid prefix value '{}' in <ip>")
    )
    peer: str | None = text("@peer")

    def after_parse(self, element: Element) -> None:
        if self.address is None:
            raise VirError(XML_ERROR, "Missing required address in <ip>")
        stated = {"ipv4": 4, "ipv6": 6}.get(self.family or "", 0)
        address = _parse_ip(self.address, stated)
        if address is None:
            raise VirError(XML_ERROR, f"Invalid address '{self.address}' in <ip>")
        self.address = str(address)
        self.family = f"ipv{address.version}"
        if (self.prefix or 0) > address.max_prefixlen:
            raise VirError(XML_ERROR, f"Invalid prefix value '{self.prefix}' in <ip>")
        if self.peer is not None and _parse_ip(self.peer, address.version) is None:
            raise VirError(INVALID_ARG, f"Invalid peer '{self.peer}' in <ip>")


def _parse_ip(text: str, version: int) -> "IpAddress | None":
    """Return an address of a version, 0 for either; None if the text is none."""
    found = address_of(text)
    return found if found is not None and version in (0, found.version) else None


class Route(Model):
    """A route of an interface."""

    tag = "route"
    family: str | None = text("@family")
    address: str | None = text("@address")
    netmask: str | None = text("@netmask")
    prefix: int | None = integer("@prefix")
    gateway: str | None = text("@gateway")
    metric: int | None = integer("@metric", positive=True)

    def after_parse(self, element: Element) -> None:
        check_route("guest interface", self)


class AssignedAddress(HostAddress):
    """Where on the host the device is that an interface is."""

    typed = True


class InterfaceSource(Model):
    """What an interface is connected to; its type says which fields count."""

    tag = "source"
    network: str | None = text("@network")
    portid: str | None = text("@portid")
    portgroup: str | None = text("@portgroup")
    bridge: str | None = text("@bridge")
    type: str | None = text("@type")
    address_text: str | None = text("@address")
    port: str | None = text("@port")
    path: str | None = text("@path")
    name: str | None = text("@name")
    dev: str | None = text("@dev")
    mode: str | None = text("@mode")
    switchid: str | None = text("@switchid")
    switch_port: str | None = text("@portid")
    portgroupid: str | None = text("@portgroupid")
    connectionid: str | None = text("@connectionid")
    local_address: str | None = text("local/@address")
    local_port: str | None = text("local/@port")
    reconnect: Reconnect | None = one("reconnect", Reconnect)
    address: AssignedAddress | None = one("address", AssignedAddress)
    ips: list[Ip] = many("ip", Ip)
    routes: list[Route] = many("route", Route)

    @classmethod
    def foreign(cls, element: Element) -> "Collection[str]":
        interface = element.getparent()
        return others(_OWN, _kind_of(interface) if interface is not None else "user")

    def settle(self, kind: str, element: Element) -> None:
        """Check what the source of an interface of a kind says.  Errors: XML_ERROR."""
        for attribute, field in _NEEDED.get(kind, ()):
            if getattr(self, field) is None:
                raise VirError(XML_ERROR, f"Missing required attribute '{attribute}' in element 'source'")
        if kind in ("server", "client", "mcast", "udp"):
            self.port = _port(self.port, "source")
        if kind == "udp":
            self._check_local(element)
        elif kind == "direct" and self.mode not in (None, "vepa", "private", "bridge", "passthrough"):
            raise bad_mode(self.mode)
        elif kind == "vhostuser":
            if self.type not in (None, "unix"):
                detail = f"Type='{self.type}' unsupported for <interface type='vhostuser'>"
                raise VirError(CONFIG_UNSUPPORTED, detail)
            if self.mode not in (None, "client", "server"):
                raise bad_mode(self.mode)
        elif kind == "vds":
            self._check_switch()

    def _check_local(self, element: Element) -> None:
        if element.find("local") is None:
            raise VirError(XML_ERROR, "'<local>' element missing for 'udp' socket interface")
        for attribute, value in (("address", self.local_address), ("port", self.local_port)):
            if value is None:
                raise VirError(XML_ERROR, f"Missing required attribute '{attribute}' in element 'local'")
        self.local_port = _port(self.local_port, "local")

    def _check_switch(self) -> None:
        place = "in element 'source'"
        if not is_uuid(self.switchid or ""):
            detail = f"Invalid value for attribute 'switchid' {place}: '{self.switchid}'. Expected UUID"
            raise VirError(XML_ERROR, detail)
        self.connectionid = self.connectionid or "0"
        for name, value in (("portid", self.switch_port), ("connectionid", self.connectionid)):
            if value is not None and not value.lstrip("-").isdigit():
                expected = "Expected long long integer value"
                detail = f"Invalid value for attribute '{name}' {place}: '{value}'. {expected}"
                raise VirError(XML_ERROR, detail)


def _port(port: "str | None", element: str) -> "str | None":
    """Return a port as it is written.  Errors: XML_ERROR."""
    number = c_integer(port) if port is not None else 0
    if number is None or not -(1 << 31) <= number < 1 << 31:
        place = f"attribute 'port' in element '{element}'"
        raise VirError(XML_ERROR, f"Invalid value for {place}: '{port}'. Expected integer value")
    return str(number) if port is not None else None


def bad_mode(mode: "str | None") -> VirError:
    """Make the error for a mode that a source cannot have."""
    return VirError(XML_ERROR, f"Invalid value for attribute 'mode' in element 'source': '{mode}'.")


def _kind_of(interface: Element) -> str:
    """Return what kind of source an interface has: its type, or passt."""
    kind, backend = interface.get("type") or "user", interface.find("backend")
    passt = backend is not None and backend.get("type") == "passt"
    return "passt" if kind == "vhostuser" and passt else kind


# What a source of a kind has, and what of that it must have: attribute, field.
_OWN = {
    "network": ("network", "portid", "portgroup"),
    "bridge": ("bridge",),
    "direct": ("dev", "mode"),
    "vdpa": ("dev",),
    "user": ("dev",),
    "internal": ("name",),
    "hostdev": ("address",),
    "server": ("address_text", "port"),
    "client": ("address_text", "port"),
    "mcast": ("address_text", "port"),
    "udp": ("address_text", "port", "local_address", "local_port"),
    "vhostuser": ("type", "path", "mode", "reconnect"),
    # A vhostuser interface that passt serves.
    "passt": ("dev",),
    "vds": ("switchid", "switch_port", "portgroupid", "connectionid"),
}
_SOCKET = (("address", "address_text"), ("port", "port"))
_NEEDED = {
    "network": (("network", "network"),),
    "bridge": (("bridge", "bridge"),),
    "direct": (("dev", "dev"),),
    "vdpa": (("dev", "dev"),),
    "internal": (("name", "name"),),
    "server": (("port", "port"),),
    "client": _SOCKET,
    "mcast": _SOCKET,
    "udp": _SOCKET,
    "vds": (("switchid", "switchid"),),
}


class PortRange(Model):
    """Ports forwarded to the guest."""

    tag = "range"
    start: int | None = integer("@start", positive=True, bits=32)
    end: int | None = integer("@end", positive=True, bits=32)
    to: int | None = integer("@to", positive=True, bits=32)
    exclude: str | None = yes_no("@exclude")


class PortForward(Model):
    """Forwarded ports of one protocol and host address."""

    tag = "portForward"
    proto: str | None = text("@proto", choices=("tcp", "udp"), required=True)
    address: str | None = text("@address")
    dev: str | None = text("@dev")
    ranges: list[PortRange] = many("range", PortRange)

    def after_parse(self, element: Element) -> None:
        if self.address is not None:
            if address_of(self.address) is None:
                raise VirError(XML_ERROR, f"Invalid address '{self.address}' in <portForward>")
            self.address = plain_address(self.address)
        self.ranges = [one for one in self.ranges if not one.is_empty()]


class Offloads(Model):
    """What a side of a virtio interface leaves to the other."""

    csum: str | None = on_off("@csum")
    gso: str | None = on_off("@gso")
    tso4: str | None = on_off("@tso4")
    tso6: str | None = on_off("@tso6")
    ecn: str | None = on_off("@ecn")
    ufo: str | None = on_off("@ufo")
    mrg_rxbuf: str | None = on_off("@mrg_rxbuf")


PCI_DRIVERS = ("vfio", "kvm", "xen")


class PciDriver(Model):
    """What gives a PCI device of the host to the guest."""

    tag = "driver"
    name: str | None = text("@name")
    model: str | None = text("@model")


class InterfaceDriver(Model):
    """How the host handles an interface's packets."""

    tag = "driver"
    name: str | None = text("@name", choices=("qemu", "vhost"))
    txmode: str | None = text("@txmode", choices=("iothread", "timer"))
    ioeventfd: str | None = on_off("@ioeventfd")
    event_idx: str | None = on_off("@event_idx")
    queues: int | None = integer("@queues", bits=32, or_none=True)
    rx_queue_size: int | None = integer("@rx_queue_size", bits=32, or_none=True)
    tx_queue_size: int | None = integer("@tx_queue_size", bits=32, or_none=True)
    rss: str | None = on_off("@rss")
    rss_hash_report: str | None = on_off("@rss_hash_report")
    virtio: VirtioDriver = inline(VirtioDriver)
    host: Offloads | None = one("host", Offloads)
    guest: Offloads | None = one("guest", Offloads)

    def after_parse(self, element: Element) -> None:
        if self.queues == 1:
            self.queues = None


_MAC = re.compile(r"[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2}){5}")
_NEED_SOURCE = tuple("network bridge direct hostdev internal vdpa server client mcast udp vds".split())


def read_mac(text: str) -> str:
    """Return a MAC address in its usual form.  Errors: XML_ERROR for none and for a multicast one."""
    if not _MAC.fullmatch(text):
        raise VirError(XML_ERROR, f"unable to parse mac address '{text}'")
    numbers = [int(part, 16) for part in text.split(":")]
    if numbers[0] & 1:
        raise VirError(XML_ERROR, f"expected unicast mac address, found multicast '{text}'")
    return ":".join(f"{number:02x}" for number in numbers)


class Interface(Model):
    """A network interface of the guest."""

    tag = "interface"
    type: str = text("@type", choices=INTERFACE_TYPES, default="user")
    managed: str | None = yes_no("@managed", lenient=True)
    trust_guest_rx_filters: str | None = yes_no("@trustGuestRxFilters")
    mac: str | None = text("mac/@address")
    mac_type: str | None = text("mac/@type", choices=("generated", "static"))
    mac_check: str | None = yes_no("mac/@check")
    pci_driver: PciDriver | None = one("driver", PciDriver)
    source: InterfaceSource | None = one("source", InterfaceSource)
    vlan_trunk: str | None = text("vlan/@trunk")
    vlan_tags: list[VlanTag] = many("vlan/tag", VlanTag)
    virtualport: VirtualPort | None = one("virtualport", VirtualPort)
    bandwidth: bool = flag("bandwidth")
    inbound: Inbound | None = one("bandwidth/inbound", Inbound)
    outbound: Outbound | None = one("bandwidth/outbound", Outbound)
    isolated: str | None = yes_no("port/@isolated")
    ips: list[Ip] = many("ip", Ip)
    routes: list[Route] = many("route", Route)
    port_forwards: list[PortForward] = many("portForward", PortForward)
    script: str | None = text("script/@path")
    downscript: str | None = text("downscript/@path")
    domain_name: str | None = text("backenddomain/@name")
    target_dev: str | None = text("target/@dev")
    target_managed: str | None = yes_no("target/@managed")
    guest_dev: str | None = text("guest/@dev")
    guest_actual: str | None = text("guest/@actual")
    model: str | None = text("model/@type")
    driver: InterfaceDriver | None = one("driver", InterfaceDriver)
    backend_type: str | None = text("backend/@type", choices=("default", "passt"))
    backend_tap: str | None = text("backend/@tap")
    backend_vhost: str | None = text("backend/@vhost")
    backend_log: str | None = text("backend/@logFile")
    backend_hostname: str | None = text("backend/@hostname")
    backend_fqdn: str | None = text("backend/@fqdn")
    filter: str | None = text("filterref/@filter")
    filter_parameters: list["FilterParameter"] = many("filterref/parameter", lambda: FilterParameter)
    tune_sndbuf: int | None = integer("tune/sndbuf", unknown=(XML_ERROR, "sndbuf must be a positive integer"))
    teaming_type: str | None = text(
        "teaming/@type",
        choices=("persistent", "transient"),
        unknown=(CONFIG_UNSUPPORTED, "unknown teaming type '{}'"),
        blank=True,
    )
    teaming_persistent: str | None = text("teaming/@persistent")
    link: str | None = text(
        "link/@state",
        choices=("up", "down"),
        unknown=(CONFIG_UNSUPPORTED, "unknown interface link state '{}'"),
        blank=True,
    )
    mtu: int | None = integer(
        "mtu/@size", bits=32, or_none=True, blank=True, unknown=(XML_ERROR, "malformed mtu size")
    )
    coalesce_rx_frames: int | None = integer(
        "coalesce/rx/frames/@max",
        or_none=True,
        unknown=(XML_DETAIL, "cannot parse value '{}' for coalesce parameter"),
    )
    info: Info = inline(Info)

    @classmethod
    def parse(cls, element: Element) -> Self:
        driver, model = element.find("driver"), element.find("model")
        kind = known_model(model.get("type", "")) if model is not None else ""
        stated, assigned = element, element.get("type") == "hostdev"
        if driver is not None and (assigned or not kind.startswith("virtio")):
            stated = copy.deepcopy(element)
            for one_driver in stated.findall("driver"):
                _keep_virtio_options(one_driver)
        if assigned:
            _check_hostdev(element)
        made = super().parse(stated)
        made.pci_driver = PciDriver.parse(driver) if driver is not None and assigned else None
        name = made.pci_driver.name if made.pci_driver is not None else None
        if name is not None and name not in PCI_DRIVERS:
            place = "attribute 'name' in element 'driver'"
            raise VirError(XML_ERROR, f"Invalid value for {place}: '{name}'.")
        return made

    def after_parse(self, element: Element) -> None:
        if not _NAME.fullmatch(self.model or ""):
            raise VirError(INVALID_ARG, "Model name contains invalid characters")
        self.model = known_model(self.model or "") or None
        if self.mac is not None:
            self.mac = read_mac(self.mac)
        if self.type in _NEED_SOURCE and self.source is None:
            raise VirError(XML_ERROR, f"interface type='{self.type}' requires a 'source' element")
        if self.type != "hostdev":
            self.managed = None
        source = element.find("source")
        if self.source is not None and source is not None:
            self.source.settle(_kind_of(element), source)
        self.vlan_trunk = check_vlan(element.find("vlan"), self.vlan_tags)
        if element.find("virtualport") is not None:
            self._settle_port()
        self.bandwidth = self.inbound is not None or self.outbound is not None
        if not check_side(self.inbound, floor=self.type == "network"):
            self.inbound = None
        if not check_side(self.outbound, floor=False):
            self.outbound = None
        self._settle_filter()
        self._check_numbers()
        if self.backend_vhost is not None and not (self.model or "").startswith("virtio"):
            self.backend_vhost = None
        if self.backend_type == "default":
            self.backend_type = None

    def fill_node(self, node: Node) -> None:
        super().fill_node(node)
        for kid in node.kids:
            if isinstance(kid, Node) and kid.tag == "bandwidth":
                kid.open = True

    def _settle_port(self) -> None:
        if self.type not in ("network", "bridge", "direct", "hostdev"):
            detail = f"<virtualport> element unsupported for <interface type='{self.type}'>"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        self.virtualport = self.virtualport or VirtualPort()
        self.virtualport.check(whole=self.type != "network")

    def _settle_filter(self) -> None:
        """Drop a filter that interfaces of the kind do not have, and variables that are none."""
        if self.type not in ("ethernet", "network", "bridge"):
            self.filter, self.filter_parameters = None, []
        self.filter_parameters = [
            one
            for one in self.filter_parameters
            if _VARIABLE.fullmatch(one.name or "") and _VALUE.fullmatch(one.value or "")
        ]

    def _check_numbers(self) -> None:
        if (self.coalesce_rx_frames or 0) >= 1 << 32:
            value = f"value '{self.coalesce_rx_frames}'"
            detail = f"{value} is too big for coalesce parameter, maximum is '{(1 << 32) - 1}'"
            raise VirError(OVERFLOW, detail)
        if self.teaming_type == "transient" and self.teaming_persistent is None:
            detail = "teaming persistent attribute must be set if teaming type is 'transient'"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        if self.teaming_type == "persistent" and self.teaming_persistent is not None:
            detail = "teaming persistent attribute not allowed if teaming type is 'persistent'"
            raise VirError(CONFIG_UNSUPPORTED, detail)


# Models that libvirt knows; their letters may be of either case.
MODELS = (
    "netfront rtl8139 virtio e1000 e1000e igb virtio-transitional virtio-non-transitional usb-net spapr-vlan"
    " lan9118 scm91c111 vlance vmxnet vmxnet2 vmxnet3 Am79C970A Am79C973 82540EM 82545EM 82543GC"
).split()
_BY_LETTERS = {name.lower(): name for name in MODELS}


def known_model(name: str) -> str:
    """Return a model's name as libvirt writes it."""
    return _BY_LETTERS.get(name.lower(), name)


_NAME = re.compile(r"[a-zA-Z0-9_-]*")
_VARIABLE = re.compile(r"[a-zA-Z0-9_]+")
_VALUE = re.compile(r"[a-zA-Z0-9_.:/]+")
_VIRTIO_OPTIONS = frozenset(VirtioDriver.declared())


def _keep_virtio_options(driver: Element) -> None:
    """Drop what only virtio interfaces have of a <driver>; other models have none of the rest either."""
    for name in list(driver.keys()):
        if name not in _VIRTIO_OPTIONS:
            del driver.attrib[name]
    for child in list(driver):
        driver.remove(child)


def _check_hostdev(element: Element) -> None:
    address = element.find("source/address")
    kind = address.get("type") if address is not None else None
    if kind not in ("pci", "usb"):
        detail = f"unknown host device source address type '{kind or '(null)'}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)


class FilterParameter(Model):
    """A variable of a network filter."""

    tag = "parameter"
    name: str | None = text("@name")
    value: str | None = text("@value")
