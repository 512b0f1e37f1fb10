"""A guest's network interfaces: their counters on the host.

Source: libvirt API, virDomainInterfaceStats; Linux's sysfs documentation.
"""

from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.backend.host.cpus import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.conf.domain.net import Interface
    from pyvirsh.backend.qemu.driver import QemuDriver

# Kinds of interfaces that have a device of their own on the host.
WITH_DEVICE = ("network", "bridge", "ethernet", "direct")
SYSFS = "/sys/class/net"


class Counters:
    """What an interface has received and sent, as the guest sees it."""

    def __init__(self, received: "list[int]", sent: "list[int]") -> None:
        self.received = received
        self.sent = sent

    def named(self) -> "list[tuple[str, int]]":
        """Return the counters with the names domstats gives them."""
        found = []
        for way, values in (("rx", self.received), ("tx", self.sent)):
            found += [
                (f"{way}.{n}", v) for n, v in zip(("bytes", "pkts", "errs", "drop"), values, strict=True)
            ]
        return found


def counters(device: str) -> "Counters | None":
    """Return the counters of a guest's device; None if it is not there.

    What the host's end of a tap device sends is what the guest receives.
    """
    host_sends, host_receives = (
        [
            read(f"{SYSFS}/{device}/statistics/{way}_{what}")
            for what in ("bytes", "packets", "errors", "dropped")
        ]
        for way in ("tx", "rx")
    )
    if None in host_sends or None in host_receives:
        return None
    return Counters([int(value or 0) for value in host_sends], [int(value or 0) for value in host_receives])


def has_device(interface: "Interface") -> bool:
    """Say whether an interface has a device of its own on the host."""
    return interface.type in WITH_DEVICE


def find(domain: "Domain", device: str) -> "Interface | None":
    """Return the interface with a device's name or a MAC address."""
    mac = device.lower()
    return next(
        (
            one
            for one in domain.devices.interfaces
            if one.target_dev == device or (one.mac or "").lower() == mac
        ),
        None,
    )


def domain_interface_stats(
    driver: "QemuDriver", dom: DomainRef, device: str
) -> "tuple[int, int, int, int, int, int, int, int]":
    guest = driver.guest(dom)
    interface = find(driver.live_definition(guest), device)
    name = interface.target_dev if interface is not None else None
    found = counters(name) if interface is not None and name and has_device(interface) else None
    if found is None:
        raise VirError(INVALID_ARG, f"'{device}' is not a known interface")
    rx, tx = found.received, found.sent
    return rx[0], rx[1], rx[2], rx[3], tx[0], tx[1], tx[2], tx[3]
