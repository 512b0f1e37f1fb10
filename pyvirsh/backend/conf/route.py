"""Addresses as a C library reads them, and the checks of routes that networks and interfaces share.

Source: answers to networks and domains with all kinds of routes.
"""

import ipaddress
from typing import TYPE_CHECKING, Protocol

from pyvirsh.backend.errors import XML_ERROR, VirError

if TYPE_CHECKING:
    Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Stated(Protocol):
    """A route as a document states it."""

    family: "str | None"
    address: "str | None"
    netmask: "str | None"
    prefix: "int | None"
    gateway: "str | None"


def address_of(value: "str | None") -> "Address | None":
    """Return an address; None for what is none."""
    try:
        return ipaddress.ip_address(value or "")
    except ValueError:
        # Fewer than four numbers are an address to a C library: the last one fills the rest.
        return _short_address(value or "")


def _short_address(value: str) -> "Address | None":
    parts = value.split(".")
    if len(parts) > 4:
        return None
    try:
        *head, last = [_part(part) for part in parts]
    except ValueError:
        return None
    number = last
    for at, part in enumerate(head):
        number += part << 8 * (3 - at)
    fits = all(part < 256 for part in head) and last < 1 << 8 * (4 - len(head))
    return ipaddress.IPv4Address(number) if fits else None


def _part(text: str) -> int:
    """Read a number in base 16, 8 or 10.  Errors: ValueError."""
    if not text.isascii() or not text.isalnum():
        raise ValueError(text)
    if text[:2] in ("0x", "0X"):
        return int(text[2:], 16)
    return int(text, 8 if text[0] == "0" else 10)


def plain_address(value: "str | None") -> "str | None":
    """Return an address, known to be one, as it is written."""
    address = address_of(value)
    return str(address) if address is not None else value


# -- routes ------------------------------------------------------------------------------------------


def check_route(where: str, route: Stated) -> None:
    """Check a route and write its addresses as usual.  where: what has it.  Errors: XML_ERROR."""
    for name in ("address", "gateway"):
        if getattr(route, name) is None:
            raise _bad(where, f"Missing required {name} attribute in")
    found = {}
    for name, kind in (("address", "network"), ("netmask", "netmask"), ("gateway", "gateway")):
        text = getattr(route, name)
        found[name] = address_of(text) if text is not None else None
        if text is not None and found[name] is None:
            raise _bad(where, f"Bad {kind} address '{text}' in")
    address, netmask, gateway = found["address"], found["netmask"], found["gateway"]
    assert address is not None and gateway is not None
    if route.family in (None, "ipv4"):
        _check_ipv4(where, route, address, netmask, gateway)
    elif route.family == "ipv6":
        _check_ipv6(where, route, address, gateway)
    else:
        raise _bad(where, f"Unrecognized family '{route.family}' in")
    bits = address.max_prefixlen
    if (route.prefix or 0) > bits:
        raise _bad(where, f"Invalid prefix {route.prefix} specified in", f", must be 0 - {bits}")
    kept = int(netmask) if netmask is not None else (1 << bits) - (1 << bits - (route.prefix or 0))
    if int(address) & ~kept:
        raise _bad(where, f"Address '{route.address}' in", " is not a network address")
    for name, one in found.items():
        if one is not None:
            setattr(route, name, str(one))


def _check_ipv4(
    where: str, route: Stated, address: "Address", netmask: "Address | None", gateway: "Address"
) -> None:
    stated = "IPv4 family specified" if route.family else "No family specified"
    if address.version != 4:
        raise _bad(where, f"{stated} for non-IPv4 address '{route.address}' in")
    if gateway.version != 4:
        # It is the address that libvirt names.
        raise _bad(where, f"{stated} for non-IPv4 gateway '{route.address}' in")
    if netmask is not None and netmask.version != 4:
        both = f"for address '{route.address}' (both must be IPv4)"
        raise VirError(XML_ERROR, f"{where}: Invalid netmask '{route.netmask}' {both}")
    if netmask is not None and route.prefix is not None:
        raise VirError(XML_ERROR, f"{where}: Route definition cannot have both a prefix and a netmask")


def _check_ipv6(where: str, route: Stated, address: "Address", gateway: "Address") -> None:
    if address.version != 6:
        raise _bad(where, f"ipv6 family specified for non-IPv6 address '{route.address}' in")
    if route.netmask is not None:
        raise _bad(where, f"Specifying netmask invalid for IPv6 address '{route.address}' in")
    if gateway.version != 6:
        raise _bad(where, f"ipv6 specified for non-IPv6 gateway address '{route.gateway}' in")


def _bad(where: str, before: str, after: str = "") -> VirError:
    return VirError(XML_ERROR, f"{where}: {before} route definition{after}")
