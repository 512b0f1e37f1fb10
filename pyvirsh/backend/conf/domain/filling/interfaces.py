"""Network interfaces where the definition leaves them open."""

import re

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.net import Interface, InterfaceSource, bad_mode
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_ERROR, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MAC = re.compile(r"[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2}){5}")
_NEED_SOURCE = tuple("network bridge direct hostdev internal vdpa server client mcast udp vds".split())


def complete(
    domain: Domain, new_mac: "Callable[[], str]", new_uuid: "Callable[[], str] | None" = None
) -> None:
    """Check interfaces and fill in their MAC addresses, and the ids of their ports on switches."""
    for interface in domain.devices.interfaces:
        complete_one(interface, new_mac, new_uuid)


def complete_one(
    interface: Interface, new_mac: "Callable[[], str]", new_uuid: "Callable[[], str] | None" = None
) -> None:
    """Check an interface and fill in what it leaves open."""
    interface.mac = read_mac(interface.mac) if interface.mac is not None else new_mac()
    _check(interface)
    if interface.source is not None:
        _complete_source(interface, interface.source)
    elif interface.type == "vhostuser":
        interface.source = InterfaceSource(type="unix", mode="client")
    if interface.virtualport is not None and new_uuid is not None:
        interface.virtualport.create_ids(new_uuid)


def _complete_source(interface: Interface, source: InterfaceSource) -> None:
    if interface.type == "direct":
        source.mode = source.mode or "vepa"
    elif interface.type == "user" and interface.backend_type != "passt":
        source.dev = None
    elif interface.type == "vhostuser" and interface.backend_type != "passt":
        if source.type not in (None, "unix"):
            detail = f"Type='{source.type}' unsupported for <interface type='vhostuser'>"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        if source.mode not in (None, "client", "server"):
            raise bad_mode(source.mode)
        source.type, source.mode = "unix", source.mode or "client"


def need_passt(domain: Domain) -> None:
    """Refuse forwarded ports without passt, as libvirt does; QEMU's own network stack has them too.

    Errors: CONFIG_UNSUPPORTED.
    """
    for interface in domain.devices.interfaces:
        if interface.port_forwards and interface.backend_type != "passt":
            detail = (
                "The <portForward> element can only be used with the 'passt' backend of interface type='user'"
                " or type='vhostuser'"
            )
            raise VirError(CONFIG_UNSUPPORTED, detail)


def read_mac(text: str) -> str:
    """Return a MAC address in its usual form.  Errors: XML_ERROR for none and for a multicast one."""
    if not _MAC.fullmatch(text):
        raise VirError(XML_ERROR, f"unable to parse mac address '{text}'")
    numbers = [int(part, 16) for part in text.split(":")]
    if numbers[0] & 1:
        raise VirError(XML_ERROR, f"expected unicast mac address, found multicast '{text}'")
    return ":".join(f"{number:02x}" for number in numbers)


def _check(interface: Interface) -> None:
    kind, backend = interface.type, interface.backend_type
    if kind in _NEED_SOURCE and interface.source is None:
        raise VirError(XML_ERROR, f"interface type='{kind}' requires a 'source' element")
    if backend == "passt" and kind not in ("user", "vhostuser"):
        detail = "The 'passt' backend can only be used with interface type='user' or type='vhostuser'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if interface.target_managed == "no" and kind != "ethernet":
        detail = f"unmanaged target dev is not supported on interfaces of type '{kind}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if interface.isolated == "yes" and kind not in ("network", "bridge"):
        reason = f"<port isolated='yes'/> is not supported for network interfaces with type='{kind}'"
        raise VirError(CONFIG_UNSUPPORTED, f"interface {interface.mac} - {reason}")
