"""Network interfaces.

Source: libvirt's domain XML format, "Network interfaces".
"""

from pyvirsh.backend.conf.domain.common import Address, Info, Reconnect, VirtioDriver
from pyvirsh.backend.conf.model import (
    Model,
    flag,
    inline,
    integer,
    many,
    on_off,
    one,
    text,
    yes_no,
)
from pyvirsh.backend.conf.xml import Element
from pyvirsh.backend.errors import XML_ERROR, VirError

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
    prefix: int | None = integer("@prefix")
    peer: str | None = text("@peer")


class Route(Model):
    """A route of an interface."""

    tag = "route"
    family: str | None = text("@family")
    address: str | None = text("@address")
    netmask: str | None = text("@netmask")
    prefix: int | None = integer("@prefix")
    gateway: str | None = text("@gateway")
    metric: int | None = integer("@metric")


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
    local_address: str | None = text("local/@address")
    local_port: str | None = text("local/@port")
    reconnect: Reconnect | None = one("reconnect", Reconnect)
    address: Address | None = one("address", Address)
    ips: list[Ip] = many("ip", Ip)
    routes: list[Route] = many("route", Route)


class PortRange(Model):
    """Ports forwarded to the guest."""

    tag = "range"
    start: int | None = integer("@start")
    end: int | None = integer("@end")
    to: int | None = integer("@to")
    exclude: str | None = yes_no("@exclude")


class PortForward(Model):
    """Forwarded ports of one protocol and host address."""

    tag = "portForward"
    proto: str | None = text("@proto", choices=("tcp", "udp"))
    address: str | None = text("@address")
    dev: str | None = text("@dev")
    ranges: list[PortRange] = many("range", PortRange)


class VirtualPort(Model):
    """A port on a virtual switch."""

    tag = "virtualport"
    type: str | None = text("@type")
    managerid: str | None = text("parameters/@managerid")
    typeid: str | None = text("parameters/@typeid")
    typeidversion: str | None = text("parameters/@typeidversion")
    instanceid: str | None = text("parameters/@instanceid")
    interfaceid: str | None = text("parameters/@interfaceid")
    profileid: str | None = text("parameters/@profileid")


class VlanTag(Model):
    """A VLAN of an interface."""

    tag = "tag"
    id: int | None = integer("@id")
    native_mode: str | None = text("@nativeMode")


class BandwidthSide(Model):
    """A limit: average and peak in KiB/s, burst in KiB."""

    average: int | None = integer("@average")
    peak: int | None = integer("@peak")
    floor: int | None = integer("@floor")
    burst: int | None = integer("@burst")


class Inbound(BandwidthSide):
    """The limit of what comes in."""

    tag = "inbound"


class Outbound(BandwidthSide):
    """The limit of what goes out."""

    tag = "outbound"


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
    name: str | None = text("@name", choices=("qemu", "vhost", *PCI_DRIVERS))
    txmode: str | None = text("@txmode", choices=("iothread", "timer"))
    ioeventfd: str | None = on_off("@ioeventfd")
    event_idx: str | None = on_off("@event_idx")
    queues: int | None = integer("@queues")
    rx_queue_size: int | None = integer("@rx_queue_size")
    tx_queue_size: int | None = integer("@tx_queue_size")
    rss: str | None = on_off("@rss")
    rss_hash_report: str | None = on_off("@rss_hash_report")
    virtio: VirtioDriver = inline(VirtioDriver)
    host: Offloads | None = one("host", Offloads)
    guest: Offloads | None = one("guest", Offloads)


class Interface(Model):
    """A network interface of the guest."""

    tag = "interface"
    type: str = text("@type", choices=INTERFACE_TYPES, default="user")
    managed: str | None = yes_no("@managed")
    trust_guest_rx_filters: str | None = yes_no("@trustGuestRxFilters")
    mac: str | None = text("mac/@address")
    mac_type: str | None = text("mac/@type")
    mac_check: str | None = yes_no("mac/@check")
    pci_driver: PciDriver | None = one("driver", PciDriver)
    source: InterfaceSource | None = one("source", InterfaceSource)
    vlan_trunk: str | None = yes_no("vlan/@trunk")
    vlan_tags: list[VlanTag] = many("vlan/tag", VlanTag)
    virtualport: VirtualPort | None = one("virtualport", VirtualPort)
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
    tune_sndbuf: int | None = integer("tune/sndbuf")
    teaming_type: str | None = text("teaming/@type", choices=("persistent", "transient"))
    teaming_persistent: str | None = text("teaming/@persistent")
    link: str | None = text("link/@state", choices=("up", "down"))
    mtu: int | None = integer("mtu/@size")
    coalesce_rx_frames: int | None = integer("coalesce/rx/frames/@max")
    info: Info = inline(Info)

    def after_parse(self, element: Element) -> None:
        assigned = self.type == "hostdev"
        name = self.driver.name if self.driver is not None else None
        if name is not None and (name in PCI_DRIVERS) != assigned:
            detail = f"Invalid value for attribute 'name' in element 'driver': '{name}'."
            raise VirError(XML_ERROR, detail)
        if assigned:
            self.driver = None
        else:
            self.pci_driver = None


class FilterParameter(Model):
    """A variable of a network filter."""

    tag = "parameter"
    name: str | None = text("@name")
    value: str | None = text("@value")


__all__ = ["Interface", "flag"]
