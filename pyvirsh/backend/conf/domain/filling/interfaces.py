"""Network interfaces where the definition leaves them open."""

import re

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INVALID_ARG, XML_ERROR, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MAC = re.compile(r"[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2}){5}")
_MODEL = re.compile(r"[\w-]+", re.ASCII)
_NEED_SOURCE = ("network", "bridge", "vhostuser", "direct", "hostdev", "internal", "vdpa")


def complete(domain: Domain, new_mac: "Callable[[], str]") -> None:
    """Check interfaces and fill in their MAC addresses."""
    for interface in domain.devices.interfaces:
        _check(interface)
        interface.mac = read_mac(interface.mac) if interface.mac else new_mac()
        if interface.type == "direct" and interface.source is not None:
            interface.source.mode = interface.source.mode or "vepa"


def read_mac(text: str) -> str:
    """Return a MAC address in its usual form.  Errors: XML_ERROR for none and for a multicast one."""
    if not _MAC.fullmatch(text):
        raise VirError(XML_ERROR, f"unable to parse mac address '{text}'")
    numbers = [int(part, 16) for part in text.split(":")]
    if numbers[0] & 1:
        raise VirError(XML_ERROR, f"expected unicast mac address, found multicast '{text}'")
    return ":".join(f"{number:02x}" for number in numbers)


def _check(interface: Interface) -> None:
    if interface.type == "hostdev" and (interface.source is None or interface.source.address is None):
        raise VirError(CONFIG_UNSUPPORTED, "unknown host device source address type '(null)'")
    if interface.type in _NEED_SOURCE and interface.source is None:
        detail = f"interface type='{interface.type}' requires a 'source' element"
        raise VirError(XML_ERROR, detail)
    if interface.model is not None and not _MODEL.fullmatch(interface.model):
        raise VirError(INVALID_ARG, "Model name contains invalid characters")
