"""Network interfaces where the definition leaves them open."""

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.net import Interface, InterfaceSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def complete(
    domain: Domain, new_mac: "Callable[[], str]", new_uuid: "Callable[[], str] | None" = None
) -> None:
    """Fill in interfaces' MAC addresses, and the ids of their ports on switches."""
    for interface in domain.devices.interfaces:
        complete_one(interface, new_mac, new_uuid)


def complete_one(
    interface: Interface, new_mac: "Callable[[], str]", new_uuid: "Callable[[], str] | None" = None
) -> None:
    """Fill in what an interface leaves open."""
    interface.mac = interface.mac or new_mac()
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
        source.type, source.mode = "unix", source.mode or "client"
