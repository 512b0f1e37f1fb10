"""The IP addresses that a test domain's interfaces seem to have.

The n-th interface of domain i gets the (20 * (i - 1) + n + 1)-th address behind the first that its network
gives out; one on no network an address of 192.168.0.0/24.

Source: addresses of many domains on networks of many kinds, as libvirt's test driver gave them.
"""

from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.constants import IP_ADDR_TYPE_IPV4, IP_ADDR_TYPE_IPV6
from pyvirsh.backend.test.guest import Guest

_STEP = 20


def interface_address(guest: Guest, interface: Interface, at: int) -> "tuple[int, str, int]":
    """Return kind, address and prefix of the interface with the number `at`."""
    from ipaddress import IPv4Address, ip_address

    if interface.type != "network":
        return IP_ADDR_TYPE_IPV4, f"192.168.0.{1 + at}", 24
    source = interface.source
    text, prefix = guest.world.network_start((source.network if source is not None else None) or "")
    start = ip_address(text)
    offset = _STEP * (guest.id - 1) + at + 1
    if isinstance(start, IPv4Address):
        return IP_ADDR_TYPE_IPV4, str(start + offset), prefix
    # Of an IPv6 address only the last byte changes.
    packed = bytearray(start.packed)
    packed[-1] = (packed[-1] + offset) % 256
    return IP_ADDR_TYPE_IPV6, str(ip_address(bytes(packed))), prefix
