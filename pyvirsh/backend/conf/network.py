"""Networks: libvirt's network XML as a declared model, with the checks libvirt makes of it.

Source: libvirt's network XML format; messages as observed.
"""

import ipaddress
from typing import TYPE_CHECKING

from pyvirsh.backend.conf import metadata, pciaddress, shape, xml
from pyvirsh.backend.conf.domain.vport import BandwidthSide, VirtualPort, VlanTag, check_side
from pyvirsh.backend.conf.model import Model, integer, items, kept, many, one, text, yes_no
from pyvirsh.backend.conf.network_check import FORWARD_MODES, check, class_prefix
from pyvirsh.backend.conf.route import address_of
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    NO_NAME,
    XML_ERROR,
    VirError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Modes in which libvirt makes a bridge of its own.
BRIDGED = ("none", "nat", "route", "open")
LEASE_UNITS = ("seconds", "minutes", "hours")
_LEASE_MIN = 120


class NatRange(Model):
    """Addresses or ports that NAT uses."""

    start: str | None = text("@start")
    end: str | None = text("@end")


class Nat(Model):
    """How packets are translated."""

    tag = "nat"
    ipv6: str | None = yes_no("@ipv6")
    address: NatRange | None = one("address", NatRange)
    port: NatRange | None = one("port", NatRange)
    # How many <address> and <port> the document has.
    addresses = 0
    ports = 0

    def after_parse(self, element: xml.Element) -> None:
        self.addresses = len(element.findall("address"))
        self.ports = len(element.findall("port"))


class ForwardInterface(Model):
    """An interface of the host that the network goes through."""

    dev: str | None = text("@dev")


class PciAddress(Model):
    """A device of the host."""

    type: str | None = text("@type")
    domain: str | None = text("@domain")
    bus: str | None = text("@bus")
    slot: str | None = text("@slot")
    function: str | None = text("@function")

    def after_parse(self, element: xml.Element) -> None:
        if self.type in (None, "pci"):
            place = pciaddress.PciAddress.parse(element)
            for name, digits in (("domain", 4), ("bus", 2), ("slot", 2), ("function", 1)):
                setattr(self, name, f"0x{getattr(place, name) or 0:0{digits}x}")

    @property
    def shown(self) -> str:
        """What messages call it."""
        parts = (int(part or "0", 16) for part in (self.domain, self.bus, self.slot, self.function))
        return "{:04x}:{:02x}:{:02x}.{:x}".format(*parts)


class Forward(Model):
    """Where packets go beyond the network."""

    tag = "forward"
    dev: str | None = text("@dev", blank=True)
    mode: str | None = text("@mode")
    managed: str | None = yes_no("@managed", lenient=True)
    driver: str | None = text("driver/@name", choices=("kvm", "vfio", "xen"))
    nat: Nat | None = one("nat", Nat)
    pf: str | None = text("pf/@dev")
    interfaces: list[ForwardInterface] = many("interface", ForwardInterface)
    addresses: list[PciAddress] = many("address", PciAddress)
    # How many of some elements the document has.
    nats = pfs = 0

    def after_parse(self, element: xml.Element) -> None:
        self.mode = self.mode or "nat"
        self.nats, self.pfs = len(element.findall("nat")), len(element.findall("pf"))
        if self.mode == "hostdev":
            self.managed = self.managed or "no"
        elif self.managed == "no":
            self.managed = None
        if self.dev is None and self.interfaces:
            self.dev = self.interfaces[0].dev
        elif self.dev is not None and not self.interfaces:
            self.interfaces = [ForwardInterface(dev=self.dev)]


class Bridge(Model):
    """The bridge of the host that the network is."""

    tag = "bridge"
    name: str | None = text("@name")
    zone: str | None = text("@zone")
    stp: str | None = text("@stp")
    delay: str | None = text("@delay")
    mac_table_manager: str | None = text("@macTableManager")


class Forwarder(Model):
    """A server that questions are passed to."""

    domain: str | None = text("@domain")
    addr: str | None = text("@addr")


class Txt(Model):
    """A TXT record."""

    name: str | None = text("@name")
    value: str | None = text("@value")


class Srv(Model):
    """An SRV record."""

    service: str | None = text("@service")
    protocol: str | None = text("@protocol")
    domain: str | None = text("@domain")
    target: str | None = text("@target")
    port: str | None = text("@port")
    priority: str | None = text("@priority")
    weight: str | None = text("@weight")


class DnsHost(Model):
    """Names of an address."""

    ip: str | None = text("@ip")
    names: list[str] = items("hostname")


class Dns(Model):
    """What the network's name server says."""

    tag = "dns"
    enable: str | None = yes_no("@enable")
    forward_plain_names: str | None = yes_no("@forwardPlainNames")
    forwarders: list[Forwarder] = many("forwarder", Forwarder)
    txts: list[Txt] = many("txt", Txt)
    srvs: list[Srv] = many("srv", Srv)
    hosts: list[DnsHost] = many("host", DnsHost)


class Lease(Model):
    """How long an address is given out; 0: for ever."""

    expiry: int | None = integer("@expiry", any_base=True, bits=32)
    unit: str | None = text("@unit")

    def after_parse(self, element: xml.Element) -> None:
        if self.expiry is None:
            self.unit = None
            return
        unit = "minutes" if self.unit is None else self.unit
        if unit not in LEASE_UNITS:
            detail = f"Invalid value for attribute 'unit' in element 'lease': '{unit}'."
            raise VirError(XML_ERROR, detail)
        self.unit = unit if self.expiry else None
        seconds = self.expiry * 60 ** LEASE_UNITS.index(unit)
        if self.expiry and seconds < _LEASE_MIN:
            detail = "The minimum lease time should be greater than 2 minutes"
            raise VirError(CONFIG_UNSUPPORTED, detail)


class DhcpRange(Model):
    """Addresses that are given out."""

    tag = "range"
    start: str | None = text("@start")
    end: str | None = text("@end")
    lease: Lease | None = one("lease", Lease)


class DhcpHost(Model):
    """The address and name of one client."""

    tag = "host"
    id: str | None = text("@id")
    mac: str | None = text("@mac")
    name: str | None = text("@name")
    ip: str | None = text("@ip")
    lease: Lease | None = one("lease", Lease)


class Ip(Model):
    """An address of the host on the network, with what is given out there."""

    tag = "ip"
    family: str | None = text("@family")
    address: str | None = text("@address")
    netmask: str | None = text("@netmask")
    prefix: int | None = integer("@prefix", or_none=True, bits=32)
    local_ptr: str | None = yes_no("@localPtr")
    tftp_root: str | None = text("tftp/@root")
    ranges: list[DhcpRange] = many("dhcp/range", DhcpRange)
    hosts: list[DhcpHost] = many("dhcp/host", DhcpHost)
    bootp_file: str | None = text("dhcp/bootp/@file", required=True)
    bootp_server: str | None = text("dhcp/bootp/@server")

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True

    @property
    def is_ipv6(self) -> bool:
        """Say whether it is an IPv6 address."""
        return ":" in (self.address or "")

    def prefix_length(self) -> int:
        """Return the length of the network's prefix, from the class of the address if nothing says it.

        -1 for a netmask that is none, as its ones are not all at its beginning.
        """
        if self.prefix is not None:
            return self.prefix
        if self.netmask is not None:
            bits = f"{int(ipaddress.ip_address(self.netmask)):032b}"
            return -1 if "01" in bits else bits.count("1")
        return class_prefix(self.address or "0")


class Route(Model):
    """A way to another network."""

    tag = "route"
    family: str | None = text("@family")
    address: str | None = text("@address")
    netmask: str | None = text("@netmask")
    prefix: int | None = integer("@prefix", bits=32)
    gateway: str | None = text("@gateway")
    metric: int | None = integer("@metric", positive=True, bits=32)


class Bandwidth(Model):
    """Limits in both directions."""

    tag = "bandwidth"
    inbound: BandwidthSide | None = one("inbound", BandwidthSide)
    outbound: BandwidthSide | None = one("outbound", BandwidthSide)

    def after_parse(self, element: xml.Element) -> None:
        self.kept_empty = self.inbound is not None or self.outbound is not None
        if not check_side(self.inbound, floor=False):
            self.inbound = None
        if not check_side(self.outbound, floor=False):
            self.outbound = None

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


class Vlan(Model):
    """The VLANs of a port."""

    tag = "vlan"
    trunk: str | None = yes_no("@trunk")
    tags: list[VlanTag] = many("tag", VlanTag)

    def after_parse(self, element: xml.Element) -> None:
        if not self.tags:
            detail = "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement"
            raise VirError(XML_ERROR, detail)
        if sum(tag.native_mode is not None for tag in self.tags) > 1:
            raise VirError(XML_ERROR, "duplicate native vlan setting")
        for tag in self.tags:
            if tag.id is None:
                raise VirError(XML_ERROR, "Missing required attribute 'id' in element 'tag'")
            if tag.id > 4095:
                raise VirError(XML_ERROR, f"vlan tag id {tag.id} too large (maximum 4095)")
        if len(self.tags) > 1 and self.trunk is None:
            self.trunk = "yes"


class PortGroup(Model):
    """Settings for a class of guests on the network."""

    tag = "portgroup"
    name: str | None = text("@name")
    default: str | None = yes_no("@default", lenient=True)
    trust_guest_rx_filters: str | None = yes_no("@trustGuestRxFilters")
    vlan: Vlan | None = one("vlan", Vlan)
    virtualport: VirtualPort | None = one("virtualport", VirtualPort)
    bandwidth: Bandwidth | None = one("bandwidth", Bandwidth)

    def after_parse(self, element: xml.Element) -> None:
        if not self.name:
            raise VirError(XML_ERROR, "Missing required name attribute in portgroup")
        if self.default == "no":
            self.default = None

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        node.open = True


class Network(Model):
    """A network."""

    tag = "network"
    ipv6: str | None = text("@ipv6")
    trust_guest_rx_filters: str | None = yes_no("@trustGuestRxFilters")
    name: str = text("name")
    uuid: str | None = text("uuid")
    title: str | None = text("title")
    description: str | None = text("description")
    metadata: str | None = kept("metadata", depth=metadata.DEPTH)
    forward: Forward | None = one("forward", Forward)
    bridge: Bridge | None = one("bridge", Bridge)
    mtu: str | None = text("mtu/@size")
    mac: str | None = text("mac/@address")
    domain: str | None = text("domain/@name")
    domain_local_only: str | None = yes_no("domain/@localOnly")
    domain_register: str | None = yes_no("domain/@register")
    dns: Dns | None = one("dns", Dns)
    vlan: Vlan | None = one("vlan", Vlan)
    bandwidth: Bandwidth | None = one("bandwidth", Bandwidth)
    isolated: str | None = yes_no("port/@isolated")
    ips: list[Ip] = many("ip", Ip)
    routes: list[Route] = many("route", Route)
    virtualport: VirtualPort | None = one("virtualport", VirtualPort)
    portgroups: list[PortGroup] = many("portgroup", PortGroup)

    @property
    def mode(self) -> str:
        """Return the forward mode, "none" for an isolated network."""
        return (self.forward.mode if self.forward else None) or "none"

    def after_parse(self, element: xml.Element) -> None:
        if not self.name:
            raise VirError(NO_NAME)
        self._drop_empty()
        check(self)
        _complete(self)

    def _drop_empty(self) -> None:
        """Drop what says nothing, as libvirt does."""
        self.mac, self.mtu = self.mac or None, self.mtu or None
        if self.bridge is not None:
            for name in ("name", "zone", "delay", "mac_table_manager"):
                setattr(self.bridge, name, getattr(self.bridge, name) or None)
        for ip in self.ips:
            ip.tftp_root = ip.tftp_root or None
        for host in self.dns.hosts if self.dns is not None else ():
            host.names = [name for name in host.names if name]


def check_shape(root: xml.Element) -> None:
    """Check a network's document as far as `shape` does.  Errors: XML_INVALID_SCHEMA."""
    shape.check(root, Network, "network", ("name",))
    forward = root.find("forward")
    if forward is not None and forward.get("mode", "nat") not in FORWARD_MODES:
        extra = "Extra element forward in interleave\nElement network failed to validate content\n"
        raise shape.misfit("network", extra)


def parse_network(root: xml.Element, *, new_uuid: "Callable[[], str]") -> Network:
    """Make a network of a parsed element.  Errors: XML_ERROR and its kin, naming what is wrong."""
    if root.tag != "network":
        raise VirError(XML_ERROR, f"expecting root element of 'network', not '{xml.local_name(root)}'")
    if not root.findtext("name"):
        raise VirError(NO_NAME, text="missing name information")
    network = Network.parse(root)
    if network.uuid is None:
        network.uuid = new_uuid()
    return network


def _complete(net: Network) -> None:
    """Fill in what libvirt writes although the document did not say it."""
    if net.mode in BRIDGED:
        net.bridge = net.bridge or Bridge()
        net.bridge.stp = "off" if net.bridge.stp == "off" else "on"
        net.bridge.delay = net.bridge.delay or "0"
    elif net.bridge is not None:
        net.bridge.stp = net.bridge.delay = None
    if net.domain is None:
        net.domain_local_only = net.domain_register = None
    if net.mac is not None:
        net.mac = ":".join(f"{int(part, 16):02x}" for part in net.mac.split(":"))
    for ip in net.ips:
        ip.address = str(address_of(ip.address))
        for host in ip.hosts:
            if host.mac is not None:
                host.mac = ":".join(f"{int(part, 16):02x}" for part in host.mac.split(":"))


def format_network(net: Network) -> str:
    """Return the network as XML text."""
    return xml.write(net.to_node())
