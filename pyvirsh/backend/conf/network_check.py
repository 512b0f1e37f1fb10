"""The checks libvirt makes of a network's definition.

Source: messages as observed.
"""

import ipaddress
import re
from typing import TYPE_CHECKING

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.route import address_of, check_route, plain_address
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    SYSTEM_ERROR,
    XML_DETAIL,
    XML_ERROR,
    VirError,
)

if TYPE_CHECKING:
    from pyvirsh.backend.conf.network import (
        DhcpHost,
        DhcpRange,
        Dns,
        DnsHost,
        Forward,
        Ip,
        Nat,
        Network,
        Route,
        Srv,
        Txt,
    )

FORWARD_MODES = "none nat route open bridge private vepa passthrough hostdev".split()
_NAT_MAX = 65535
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}")
_SERVICE, _PROTOCOL = re.compile(r"[A-Za-z0-9/_-]*"), re.compile(r"[A-Za-z0-9/-]*")
_SRV_NUMBER = re.compile(r"[ \t\r\n]*[0-9]+")
_TXT_NAME = re.compile(r"[A-Za-z0-9./_-]*")


def plain(detail: str) -> VirError:
    """Make the error for what libvirt reports without a prefix."""
    return VirError(XML_DETAIL, detail)


def check(net: "Network") -> None:
    name = net.name
    if "/" in name:
        raise plain("invalid char in name: /")
    if net.uuid is not None and not re.fullmatch(r"[0-9a-fA-F-]{32,36}", net.uuid):
        raise VirError(INTERNAL_ERROR, "malformed uuid element")
    if net.ipv6 not in (None, "yes", "no"):
        raise VirError(XML_ERROR, f"Invalid ipv6 setting '{net.ipv6}' in network '{name}'")
    if net.title and "\n" in net.title:
        raise VirError(XML_ERROR, "Network title can't contain newlines")
    _check_bridge(net)
    for port in (net.virtualport, *(group.virtualport for group in net.portgroups)):
        if port is not None and port.type is None:
            raise VirError(XML_ERROR, "missing required virtualport type")
        if port is not None:
            port.check(whole=False)
    if net.dns is not None:
        _check_dns(net, net.dns)
    for ip in net.ips:
        check_ip(net, ip)
    for route in net.routes:
        _check_route(net, route)
    _check_forward(net)


def _check_bridge(net: "Network") -> None:
    bridge, name = net.bridge, net.name
    if bridge is not None:
        if bridge.delay is not None:
            delay = c_integer(bridge.delay)
            if delay is None or not 0 <= delay < 1 << 64:
                raise VirError(XML_ERROR, f"Invalid delay value in network '{name}'")
            bridge.delay = str(delay)
        if bridge.mac_table_manager not in (None, "kernel", "libvirt"):
            value = bridge.mac_table_manager
            raise VirError(XML_ERROR, f"Invalid macTableManager setting '{value}' in network '{name}'")
    if net.mac is not None:
        if not _MAC.fullmatch(net.mac):
            raise VirError(XML_ERROR, f"Invalid bridge mac address '{net.mac}' in network '{name}'")
        if int(net.mac.partition(":")[0], 16) & 1:
            detail = f"Invalid multicast bridge mac address '{net.mac}' in network '{name}'"
            raise VirError(XML_ERROR, detail)
    if net.mtu is not None:
        size = c_integer(net.mtu)
        if size is None or abs(size) >= 1 << 32:
            raise VirError(XML_ERROR, f"Invalid mtu size '{net.mtu}' in network '{name}'")
        # As in C, what is below 0 counts from 2**32 down.
        net.mtu = str(size % (1 << 32)) if size else None


def _check_dns(net: "Network", dns: "Dns") -> None:
    name = net.name
    if dns.enable == "no" and (dns.forwarders or dns.txts or dns.srvs or dns.hosts):
        raise VirError(XML_ERROR, f"Extra data in disabled network '{name}'")
    for forwarder in dns.forwarders:
        if forwarder.addr is None and forwarder.domain is None:
            detail = "Invalid forwarder element, must contain at least one of addr or domain"
            raise VirError(XML_ERROR, detail)
        if forwarder.addr is not None and address_of(forwarder.addr) is None:
            detail = f"Invalid forwarder IP address '{forwarder.addr}' in network '{name}'"
            raise VirError(XML_ERROR, detail)
        forwarder.addr = plain_address(forwarder.addr)
    for txt in dns.txts:
        check_txt(name, txt)
    for srv in dns.srvs:
        check_srv(name, srv)
    for host in dns.hosts:
        check_dns_host(name, host)


def check_txt(name: str, txt: "Txt", *, partial: bool = False) -> None:
    """Check a TXT record; partial: one that only picks another.  Errors: XML_DETAIL."""
    if txt.name is None:
        raise plain(f"missing required name attribute in DNS TXT record of network {name}")
    if not _TXT_NAME.fullmatch(txt.name):
        raise plain(f"prohibited character in DNS TXT record name '{txt.name}' of network {name}")
    if txt.value is None and not partial:
        raise plain(
            f"missing required value attribute in DNS TXT record named '{txt.name}' of network {name}"
        )


def check_srv(name: str, srv: "Srv", *, partial: bool = False) -> None:
    """Check an SRV record; partial: one that only picks another.  Errors: XML_DETAIL."""
    if srv.service is None and not partial:
        raise plain(f"missing required service attribute in DNS SRV record of network '{name}'")
    if srv.protocol is None and not partial:
        detail = f"missing required protocol attribute in DNS SRV record '{srv.service}' of network '{name}'"
        raise plain(detail)
    for attribute, value, known in (
        ("service", srv.service, _SERVICE),
        ("protocol", srv.protocol, _PROTOCOL),
    ):
        if value is not None and not known.fullmatch(value):
            place = f"{attribute} attribute '{value}' in DNS SRV record of network '{name}'"
            raise plain(f"invalid character in {place}")
    for attribute, least in (("port", 1), ("priority", 0), ("weight", 0)):
        _check_srv_number(name, srv, attribute, least)


def _check_srv_number(name: str, srv: "Srv", attribute: str, least: int) -> None:
    stated = getattr(srv, attribute) or None
    setattr(srv, attribute, None)
    if stated is None:
        return
    service = "(null)" if srv.service is None else srv.service
    where = f"for service '{service}' in network '{name}'"
    begin = "Invalid" if attribute == "priority" else "invalid"
    wrong = plain(f"{begin} DNS SRV {attribute} attribute {where}")
    if not _SRV_NUMBER.fullmatch(stated):
        raise wrong
    if srv.target is None:
        raise plain(f"DNS SRV {attribute} attribute not permitted without target {where}")
    if not least <= int(stated) <= 65535:
        raise wrong
    setattr(srv, attribute, str(int(stated)) if int(stated) else None)


def check_dns_host(name: str, host: "DnsHost", *, partial: bool = False) -> None:
    """Check a DNS host; partial: one that only picks another.  Errors: XML_DETAIL."""
    if not host.names and not partial:
        raise plain(f"Missing hostname in network '{name}' DNS HOST record")
    if host.ip is None and not partial:
        raise plain(f"Missing IP address in network '{name}' DNS HOST record")
    if host.ip is not None and address_of(host.ip) is None:
        raise plain(f"Invalid IP address in network '{name}' DNS HOST record")
    host.ip = plain_address(host.ip)


def class_prefix(address: str) -> int:
    """Return the length of the prefix that an address has by its class; 64 for IPv6."""
    if ":" in address:
        return 64
    first = int(address.partition(".")[0])
    return 8 if first < 128 else 16 if first < 192 else 24 if first < 224 else 4


def check_ip(net: "Network", ip: "Ip") -> None:
    """Check an address with what is given out there.  Errors: XML_ERROR and its kin."""
    name = net.name
    if not ip.address:
        raise VirError(XML_ERROR, f"Missing required address attribute in network '{name}'")
    address = address_of(ip.address)
    if address is None:
        raise VirError(XML_ERROR, f"Invalid address '{ip.address}' in network '{name}'")
    ip.family = ip.family or None
    if ip.family not in (None, "ipv4", "ipv6"):
        raise VirError(XML_ERROR, f"Unrecognized family '{ip.family}' in network '{name}'")
    if ip.family == "ipv6" and address.version != 6 or ip.family == "ipv4" and address.version != 4:
        kind = "IPv6" if ip.family == "ipv6" else "IPv4"
        detail = f"Family '{ip.family}' specified for non-{kind} address '{ip.address}' in network '{name}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if ip.family is None and address.version != 4:
        detail = f"no family specified for non-IPv4 address '{ip.address}' in network '{name}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    ip.address = str(address)
    _check_extent(net, ip, address.version)
    for dhcp_range in ip.ranges:
        check_range(net, ip, dhcp_range)
    for host in ip.hosts:
        check_host(net, ip, host)
    if ip.tftp_root is not None and address.version == 6:
        detail = f"Unsupported <tftp> element in an IPv6 element in network '{name}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if ip.bootp_server is not None and address_of(ip.bootp_server) is None:
        where = f"'{ip.bootp_server}': Name or service not known"
        raise VirError(SYSTEM_ERROR, f"Cannot parse socket address {where}")
    ip.bootp_server = plain_address(ip.bootp_server)


def _check_extent(net: "Network", ip: "Ip", version: int) -> None:
    name = net.name
    ip.netmask = ip.netmask or None
    if ip.netmask is not None:
        if address_of(ip.netmask) is None:
            raise VirError(XML_ERROR, f"Invalid netmask '{ip.netmask}' in network '{name}'")
        if version == 6:
            detail = f"netmask not allowed for IPv6 address '{ip.address}' in network '{name}'"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        ip.netmask = plain_address(ip.netmask)
        if ip.prefix:
            detail = f"Network '{name}' IP address cannot have both a prefix and a netmask"
            raise VirError(CONFIG_UNSUPPORTED, detail)
    if (ip.prefix or 0) > (32, 128)[version == 6]:
        detail = f"Invalid IPv{version} prefix '{ip.prefix}' in network '{name}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)


def check_range(net: "Network", ip: "Ip", dhcp_range: "DhcpRange") -> None:
    """Check a range of addresses to be given out.  Errors: XML_ERROR, SYSTEM_ERROR, INTERNAL_ERROR."""
    for attribute in ("start", "end"):
        value = getattr(dhcp_range, attribute)
        if value is None:
            raise VirError(
                XML_ERROR, f"Missing '{attribute}' attribute in dhcp range for network '{net.name}'"
            )
        if address_of(value) is None:
            raise VirError(SYSTEM_ERROR, f"Cannot parse socket address '{value}': Name or service not known")
        setattr(dhcp_range, attribute, plain_address(value))
    start, end, address = map(address_of, (dhcp_range.start, dhcp_range.end, ip.address))
    assert start is not None and end is not None and address is not None
    shown = f"range {dhcp_range.start} - {dhcp_range.end}"
    if start.version != end.version or start.version != address.version:
        raise VirError(INTERNAL_ERROR, f"mismatch of address family in {shown} for network {ip.address}")
    if ip.prefix_length() < 0:
        detail = f"bad prefix -1 for network {ip.address} when checking {shown}"
        raise VirError(INTERNAL_ERROR, detail)
    inside = ipaddress.ip_network(f"{address}/{ip.prefix_length()}", strict=False)
    if start not in inside or end not in inside:
        detail = f"{shown} is not entirely within network {ip.address}/{ip.prefix_length()}"
        raise VirError(INTERNAL_ERROR, detail)
    if int(end) < int(start) and int(end):
        raise VirError(INTERNAL_ERROR, f"{shown} is reversed ")


def check_host(net: "Network", ip: "Ip", host: "DhcpHost", *, partial: bool = False) -> None:
    """Check a client; partial: one that only picks another.  Errors: XML_ERROR."""
    name = net.name
    if host.mac is not None:
        if not _MAC.fullmatch(host.mac):
            raise VirError(XML_ERROR, f"Cannot parse MAC address '{host.mac}' in network '{name}'")
        if int(host.mac.partition(":")[0], 16) & 1:
            raise VirError(
                XML_ERROR, f"expected unicast mac address, found multicast '{host.mac}' in network '{name}'"
            )
    if host.ip is not None and address_of(host.ip) is None:
        raise VirError(XML_ERROR, f"Invalid IP address in static host definition for network '{name}'")
    host.ip = plain_address(host.ip)
    begins = (host.name or "a")[0]
    if host.name == "" and not partial or not (begins.isascii() and begins.isalnum()):
        raise VirError(XML_ERROR, f"Cannot use host name '{host.name}' in network '{name}'")
    if partial:
        if not (host.mac or host.name or host.ip or host.id):
            where = f"for static host definition in network '{name}'"
            raise VirError(XML_ERROR, f"At least one of name, mac, or ip attribute must be specified {where}")
        return
    if not ip.is_ipv6 and not (host.mac or host.name):
        detail = f"Static host definition in IPv4 network '{name}' must have mac or name attribute"
        raise VirError(XML_ERROR, detail)
    if host.ip is None:
        raise VirError(XML_ERROR, f"Missing IP address in static host definition for network '{name}'")


def _check_route(net: "Network", route: "Route") -> None:
    check_route(net.name, route)
    gateway = address_of(route.gateway)
    own = (
        ipaddress.ip_network(f"{address_of(ip.address)}/{ip.prefix_length()}", strict=False)
        for ip in net.ips
        if ip.prefix_length() >= 0
    )
    if not any(gateway in network for network in own):
        detail = f"unreachable static route gateway '{route.gateway}' specified for network '{net.name}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)


def _check_forward(net: "Network") -> None:
    forward, name = net.forward, net.name
    if forward is None:
        return
    if forward.mode not in FORWARD_MODES:
        raise VirError(CONFIG_UNSUPPORTED, f"unknown forwarding type '{forward.mode}'")
    if forward.nats > 1:
        raise VirError(XML_ERROR, f"Only one <nat> element is allowed in <forward> of network {name}")
    _check_devices(name, forward)
    if forward.nat is not None:
        if forward.mode != "nat":
            detail = f"The <nat> element can only be used when <forward> 'mode' is 'nat' in network {name}"
            raise VirError(XML_ERROR, detail)
        _check_nat(name, forward.nat)
    if forward.mode in ("nat", "route") and not net.ips:
        detail = f"{forward.mode} forwarding requested, but no IP address provided for network '{name}'"
        raise VirError(XML_ERROR, detail)
    if forward.mode == "open" and forward.interfaces:
        detail = f"forward dev not allowed for network '{name}' with forward mode='open'"
        raise VirError(XML_ERROR, detail)
    if forward.mode == "none":
        net.forward = None


def _check_devices(name: str, forward: "Forward") -> None:
    """Check which interfaces and devices of the host the network goes through."""
    if forward.pfs and forward.pf is None:
        detail = f"Missing required dev attribute in <pf> element of network '{name}'"
        raise VirError(XML_ERROR, detail)
    if forward.pfs > 1:
        raise VirError(XML_ERROR, f"Only one <pf> element is allowed in <forward> of network {name}")
    _check_addresses(name, forward)
    for at, interface in enumerate(forward.interfaces):
        if any(other.dev == interface.dev for other in forward.interfaces[:at]):
            raise VirError(
                XML_ERROR, f"interface '{interface.dev}' can only be listed once in network {name}"
            )
        if interface.dev is None:
            detail = f"Missing required dev attribute in <forward> <interface> element of network {name}"
            raise VirError(XML_ERROR, detail)


def _check_addresses(name: str, forward: "Forward") -> None:
    """Check which devices of the host guests get; they count more than the function they belong to."""
    seen = set()
    for address in forward.addresses:
        if address.type is None:
            raise VirError(XML_ERROR, f"missing address type in network {name}")
        if address.type != "pci":
            detail = f"unknown address type '{address.type}' in network {name}"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        if address.shown in seen:
            detail = f"PCI device '{address.shown}' can only be listed once in network {name}"
            raise VirError(XML_ERROR, detail)
        seen.add(address.shown)
    if forward.addresses:
        forward.pf = None


def _check_nat(name: str, nat: "Nat") -> None:
    if nat.addresses > 1:
        where = f"in <nat> in <forward> in network {name}"
        raise VirError(XML_ERROR, f"Only one <address> element is allowed {where}")
    if nat.address is not None:
        where = f"<address> element in <nat> in <forward> in network {name}"
        for attribute in ("start", "end"):
            if getattr(nat.address, attribute) is None:
                raise VirError(XML_ERROR, f"missing '{attribute}' attribute in {where}")
        for attribute in ("start", "end"):
            value = getattr(nat.address, attribute)
            if address_of(value) is None:
                detail = f"Bad ipv4 {attribute} address '{value}' in <nat> in <forward> in network '{name}'"
                raise VirError(XML_ERROR, detail)
        start_at, end_at = address_of(nat.address.start), address_of(nat.address.end)
        if start_at is not None and end_at is not None and int(end_at) - int(start_at) > _NAT_MAX:
            detail = f"range {start_at} - {end_at} is too large (> {_NAT_MAX})"
            raise VirError(INTERNAL_ERROR, detail)
    if nat.ports > 1:
        where = f"<nat> in <forward> in network {name}"
        raise VirError(XML_ERROR, f"Only one <port> element is allowed in {where}")
    if nat.port is not None:
        start, end = nat.port.start or "", nat.port.end or ""
        where = f"<port> in <nat> in <forward> in network {name}"
        if not (start.isdigit() and int(start) < 65536):
            raise plain(f"Missing or invalid 'start' attribute in {where}")
        if not (end.isdigit() and int(start) <= int(end) < 65536):
            raise plain(f"Missing or invalid 'end' attribute in {where}")
        nat.port.start, nat.port.end = str(int(start)), str(int(end))
