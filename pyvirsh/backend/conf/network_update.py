"""One entry of a network added, changed or taken away: what virNetworkUpdate does to a definition.

Source: libvirt's API, virNetworkUpdate; messages as observed.
"""

from typing import TYPE_CHECKING, Any

from pyvirsh.backend import constants as c
from pyvirsh.backend.conf import network as conf
from pyvirsh.backend.conf import network_check as checks
from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.network import Network
from pyvirsh.backend.conf.route import address_of
from pyvirsh.backend.errors import OPERATION_INVALID, OPERATION_UNSUPPORTED, XML_ERROR, VirError

if TYPE_CHECKING:
    from collections.abc import Callable

_ADD = (c.NETWORK_UPDATE_COMMAND_ADD_LAST, c.NETWORK_UPDATE_COMMAND_ADD_FIRST)

# Sections that cannot be changed one entry at a time -> how messages name them.
_FIXED = {
    c.NETWORK_SECTION_BRIDGE: "bridge",
    c.NETWORK_SECTION_DOMAIN: "domain",
    c.NETWORK_SECTION_IP: "ip",
    c.NETWORK_SECTION_FORWARD: "forward",
    c.NETWORK_SECTION_FORWARD_PF: "forward pf",
}


def update(net: Network, command: int, section: int, parent_index: int, document: str) -> None:
    """Change `net`, whose checks must hold after it.

    command, section: virNetworkUpdateCommand, virNetworkUpdateSection; parent_index: which <ip>, -1
    for any.  Errors: OPERATION_INVALID, OPERATION_UNSUPPORTED, XML_ERROR and its kin.
    """
    if section in _FIXED:
        detail = f"can't update '{_FIXED[section]}' section of network '{net.name}'"
        raise VirError(OPERATION_UNSUPPORTED, detail)
    handler = _SECTIONS.get(section)
    if handler is None:
        raise VirError(OPERATION_UNSUPPORTED, "can't update unrecognized section of network")
    root = xml.parse(document, "(network_update)")
    handler(Change(net, command, parent_index, root))
    net.after_parse(root)


class Change:
    """What is asked for."""

    def __init__(self, net: Network, command: int, parent_index: int, root: xml.Element) -> None:
        self.net = net
        self.command = command
        self.parent_index = parent_index
        self.root = root

    @property
    def adds(self) -> bool:
        """Say whether an entry is to be added."""
        return self.command in _ADD

    @property
    def deletes(self) -> bool:
        """Say whether an entry is to be taken away."""
        return self.command == c.NETWORK_UPDATE_COMMAND_DELETE

    def expect(self, tag: str) -> None:
        """Check the kind of entry.  Errors: XML_ERROR."""
        if self.root.tag != tag:
            found = xml.local_name(self.root)
            detail = (
                f"unexpected element <{found}>, expecting <{tag}>, while updating network '{self.net.name}'"
            )
            raise VirError(XML_ERROR, detail)

    def insert(self, items: "list[Any]", item: Any) -> None:
        """Add an entry at the end asked for."""
        items.insert(0 if self.command == c.NETWORK_UPDATE_COMMAND_ADD_FIRST else len(items), item)

    def ip(self) -> conf.Ip:
        """Return the <ip> that is meant.  Errors: OPERATION_INVALID."""
        ips, index = self.net.ips, self.parent_index
        if index >= len(ips):
            where = f"no <ip> element found at index {index} in network '{self.net.name}'"
            raise refused(f"couldn't update dhcp host entry - {where}")
        if index >= 0:
            return ips[index]
        if not ips:
            where = f"no <ip> element found in network '{self.net.name}'"
            raise refused(f"couldn't update dhcp host entry - {where}")
        giving = (ip for ip in ips if ip.ranges or ip.hosts)
        return next(giving, next((ip for ip in ips if not ip.is_ipv6), ips[0]))

    def check_only(self, ip: conf.Ip) -> None:
        """Check that no other <ip> of the family gives addresses out.  Errors: OPERATION_INVALID."""
        for other in self.net.ips:
            if other is not ip and other.is_ipv6 == ip.is_ipv6 and (other.ranges or other.hosts):
                kind = "IPv6" if ip.is_ipv6 else "IPv4"
                raise refused(f"dhcp is supported only for a single {kind} address on each network")


def refused(detail: str) -> VirError:
    """Make the error for a change that does not fit what is there."""
    return VirError(OPERATION_INVALID, detail)


def _fixed_entries(what: str) -> VirError:
    return VirError(OPERATION_UNSUPPORTED, f"{what} cannot be modified, only added or deleted")


# -- what is given out -------------------------------------------------------------------------------


def _dhcp_host(change: Change) -> None:
    change.expect("host")
    net, name = change.net, change.net.name
    host = conf.DhcpHost.parse(change.root)
    ip = change.ip()
    checks.check_host(net, ip, host, partial=change.deletes)
    if not change.deletes and host.ip is not None and (":" in host.ip) != ip.is_ipv6:
        parent = "the dhcp element's parent"
        raise refused(f"the address family of a host entry IP must match the address family of {parent}")
    same = [old for old in ip.hosts if _is_host(old, host, change)]
    if change.adds:
        if same:
            shown = f"mac='{host.mac or '(null)'}' name='{host.name or '(null)'}' ip='{host.ip}'"
            detail = (
                f"there is an existing dhcp host entry in network '{name}' that matches \"<host {shown}/>\""
            )
            raise refused(detail)
        change.check_only(ip)
        change.insert(ip.hosts, host)
    elif change.deletes:
        if not same:
            raise refused(f"couldn't locate a matching dhcp host entry in network '{name}'")
        ip.hosts.remove(same[0])
    else:
        if not same:
            shown = f"\"mac='{host.mac or 'unknown'}'\" \"name='{host.name or '(null)'}'\" \"ip='{host.ip}'\""
            raise refused(f"couldn't locate an existing dhcp host entry with {shown} in network '{name}'")
        ip.hosts[ip.hosts.index(same[0])] = host


def _is_host(old: conf.DhcpHost, new: conf.DhcpHost, change: Change) -> bool:
    """Say whether an entry is the one meant: any field for a new one, all given ones for the others."""
    mac = old.mac is not None and new.mac is not None and old.mac == new.mac.lower()
    name = old.name is not None and old.name == new.name
    ip = old.ip is not None and new.ip is not None and address_of(old.ip) == address_of(new.ip)
    if change.adds:
        return mac or name or ip
    if change.deletes:
        fits = (new.mac is None or mac, new.name is None or name, new.ip is None or ip)
        return all(fits) and (mac or name or ip)
    return mac or name


def _dhcp_range(change: Change) -> None:
    change.expect("range")
    net, name = change.net, change.net.name
    given = conf.DhcpRange.parse(change.root)
    ip = change.ip()
    if not change.adds and not change.deletes:
        raise _fixed_entries("dhcp ranges")
    checks.check_range(net, ip, given)
    same = [old for old in ip.ranges if (old.start, old.end) == (given.start, given.end)]
    if change.adds:
        if same:
            shown = f"\"<range start='{given.start}' end='{given.end}'/>\""
            raise refused(f"there is an existing dhcp range entry in network '{name}' that matches {shown}")
        change.check_only(ip)
        change.insert(ip.ranges, given)
    elif not same:
        raise refused(f"couldn't locate a matching dhcp range entry in network '{name}'")
    else:
        ip.ranges.remove(same[0])


# -- ways out, groups --------------------------------------------------------------------------------


def _forward_interface(change: Change) -> None:
    change.expect("interface")
    net, name = change.net, change.net.name
    if not change.adds and not change.deletes:
        raise _fixed_entries("forward interface entries")
    given = conf.ForwardInterface.parse(change.root)
    if not given.dev:
        raise VirError(XML_ERROR, "missing dev attribute in <interface> element")
    net.forward = net.forward or conf.Forward(mode="none")
    interfaces = net.forward.interfaces
    same = [old for old in interfaces if old.dev == given.dev]
    if change.adds:
        if same:
            shown = f"\"<interface dev='{given.dev}'>\""
            raise refused(f"there is an existing interface entry in network '{name}' that matches {shown}")
        change.insert(interfaces, given)
    elif not same:
        raise refused(
            f"couldn't find an interface entry in network '{name}' matching <interface dev='{given.dev}'>"
        )
    else:
        interfaces.remove(same[0])
    net.forward.dev = interfaces[0].dev if interfaces else None


def _portgroup(change: Change) -> None:
    change.expect("portgroup")
    net, name = change.net, change.net.name
    given = conf.PortGroup.parse(change.root)
    same = [old for old in net.portgroups if old.name == given.name]
    if change.adds and same:
        shown = f"\"<portgroup name='{given.name}'>\""
        raise refused(f"there is an existing portgroup entry in network '{name}' that matches {shown}")
    if not change.adds and not same:
        where = f"<portgroup name='{given.name}'>"
        raise refused(f"couldn't find a portgroup entry in network '{name}' matching {where}")
    if change.deletes:
        net.portgroups.remove(same[0])
        return
    if given.default and any(old.default for old in net.portgroups if old not in same):
        where = f"a different portgroup entry in network '{name}' is already set as the default."
        raise refused(f"{where} Only one default is allowed.")
    if change.adds:
        change.insert(net.portgroups, given)
    else:
        net.portgroups[net.portgroups.index(same[0])] = given


# -- names -------------------------------------------------------------------------------------------


def _dns_host(change: Change) -> None:
    change.expect("host")
    net, name = change.net, change.net.name
    given = conf.DnsHost.parse(change.root)
    if change.deletes and given.ip is None and not given.names:
        raise checks.plain(f"Missing ip and hostname in network '{name}' DNS HOST record")
    checks.check_dns_host(name, given, partial=change.deletes)
    net.dns = net.dns or conf.Dns()
    same = [old for old in net.dns.hosts if _is_dns_host(old, given)]
    if change.adds:
        if same:
            raise refused(
                f"there is already at least one DNS HOST record with a matching field in network {name}"
            )
        change.insert(net.dns.hosts, given)
        return
    if not same:
        raise refused(f"couldn't locate a matching DNS HOST record in network {name}")
    if len(same) > 1:
        raise refused(f"multiple matching DNS HOST records were found in network {name}")
    _replace(change, net.dns.hosts, same[0], given)


def _replace(change: Change, items: "list[Any]", old: Any, new: Any) -> None:
    """Take an entry away, or put another in its place."""
    at = items.index(old)
    items[at : at + 1] = [] if change.deletes else [new]


def _is_dns_host(old: conf.DnsHost, new: conf.DnsHost) -> bool:
    same_ip = new.ip is not None and address_of(old.ip) == address_of(new.ip)
    return same_ip or any(name in old.names for name in new.names)


def _dns_txt(change: Change) -> None:
    change.expect("txt")
    net, name = change.net, change.net.name
    given = conf.Txt.parse(change.root)
    checks.check_txt(name, given, partial=not change.adds)
    net.dns = net.dns or conf.Dns()
    same = [old for old in net.dns.txts if old.name == given.name]
    if change.adds:
        if same:
            raise refused(f"there is already a DNS TXT record with name '{given.name}' in network {name}")
        change.insert(net.dns.txts, given)
    elif not same:
        raise refused(f"couldn't locate a matching DNS TXT record in network {name}")
    else:
        _replace(change, net.dns.txts, same[0], given)


_SRV_FIELDS = ("service", "protocol", "domain", "target", "port", "priority", "weight")


def _dns_srv(change: Change) -> None:
    net, name = change.net, change.net.name
    if not change.adds and not change.deletes:
        raise _fixed_entries("DNS SRV records")
    change.expect("srv")
    given = conf.Srv.parse(change.root)
    checks.check_srv(name, given, partial=change.deletes)
    net.dns = net.dns or conf.Dns()
    asked = [field for field in _SRV_FIELDS if getattr(given, field) is not None]
    same = [old for old in net.dns.srvs if all(getattr(old, f) == getattr(given, f) for f in asked)]
    if change.adds:
        if same:
            where = f"matching all specified fields in network {name}"
            raise refused(f"there is already at least one DNS SRV record {where}")
        change.insert(net.dns.srvs, given)
        return
    if not same:
        raise refused(f"couldn't locate a matching DNS SRV record in network {name}")
    if len(same) > 1:
        raise refused(f"multiple DNS SRV records matching all specified fields were found in network {name}")
    net.dns.srvs.remove(same[0])


_SECTIONS: "dict[int, Callable[[Change], None]]" = {
    c.NETWORK_SECTION_IP_DHCP_HOST: _dhcp_host,
    c.NETWORK_SECTION_IP_DHCP_RANGE: _dhcp_range,
    c.NETWORK_SECTION_FORWARD_INTERFACE: _forward_interface,
    c.NETWORK_SECTION_PORTGROUP: _portgroup,
    c.NETWORK_SECTION_DNS_HOST: _dns_host,
    c.NETWORK_SECTION_DNS_TXT: _dns_txt,
    c.NETWORK_SECTION_DNS_SRV: _dns_srv,
}
