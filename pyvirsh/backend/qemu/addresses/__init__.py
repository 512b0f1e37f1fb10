"""Give every device its place: drives, PCI slots, USB and virtio-serial ports, as libvirt does.

Places that a definition states are kept; the others are decided in libvirt's order, so that a guest keeps
its hardware when it moves between the two.
"""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.qemu.addresses import pci, ports, usb
from pyvirsh.backend.qemu.facts import Facts


def assign(domain: Domain, facts: Facts) -> None:
    """Give an address to each device that has none yet.  Errors: XML_ERROR, INTERNAL_ERROR."""
    ports.assign(domain)
    pci.assign(domain, facts)
    usb.assign(domain)
    ports.memory_slots(domain)
