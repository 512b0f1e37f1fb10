"""Give every device its place: drives, PCI slots, USB and virtio-serial ports, as libvirt does.

Places that a definition states are kept; the others are decided in libvirt's order, so that a guest keeps
its hardware when it moves between the two.
"""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.qemu.addresses.pci import assign as assign_pci
from pyvirsh.backend.qemu.addresses.ports import assign as assign_ports
from pyvirsh.backend.qemu.addresses.ports import memory_slots
from pyvirsh.backend.qemu.addresses.usb import assign as assign_usb
from pyvirsh.backend.qemu.facts import Facts


def assign(domain: Domain, facts: Facts) -> None:
    """Give an address to each device that has none yet.  Errors: XML_ERROR, INTERNAL_ERROR."""
    assign_ports(domain)
    assign_pci(domain, facts)
    assign_usb(domain)
    memory_slots(domain)
