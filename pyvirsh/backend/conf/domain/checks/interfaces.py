"""Network interfaces."""

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.errors import refuse


def check(domain: Domain) -> None:
    """Check interfaces, one by one."""
    for interface in domain.devices.interfaces:
        check_one(interface)


def check_one(interface: Interface) -> None:
    """Check what goes with an interface's type.  Errors: CONFIG_UNSUPPORTED."""
    kind, backend = interface.type, interface.backend_type
    if backend == "passt" and kind not in ("user", "vhostuser"):
        detail = "The 'passt' backend can only be used with interface type='user' or type='vhostuser'"
        raise refuse(detail)
    if interface.target_managed == "no" and kind != "ethernet":
        detail = f"unmanaged target dev is not supported on interfaces of type '{kind}'"
        raise refuse(detail)
    if interface.isolated == "yes" and kind not in ("network", "bridge"):
        reason = f"<port isolated='yes'/> is not supported for network interfaces with type='{kind}'"
        raise refuse(f"interface {interface.mac} - {reason}")
    for forward in interface.port_forwards:
        if any(part.start is None for part in forward.ranges):
            detail = "requires 'start' attribute if 'end', 'to', or 'exclude' is specified"
            raise refuse(f"The 'range' of a 'portForward' {detail}")


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
            raise refuse(detail)
