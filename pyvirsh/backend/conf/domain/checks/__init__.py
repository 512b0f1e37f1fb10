"""What libvirt refuses in a complete definition, whatever hypervisor it is for; one module for each theme.

Source: definitions given to libvirt's test driver and its refusals.
"""

from pyvirsh.backend.conf.domain.checks import (
    boot,
    characters,
    controllers,
    disks,
    displays,
    infos,
    inputs,
    interfaces,
    others,
    tuning,
    virtio,
)
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.filling.controllers import check_unique
from pyvirsh.backend.conf.domain.filling.others import check_panics


def check(domain: Domain) -> None:
    """Check a definition that `filling` has completed.  Errors: XML_ERROR, CONFIG_UNSUPPORTED and others."""
    check_shared(domain, passt=True)
    characters.check_ports(domain)


def check_shared(domain: Domain, *, passt: bool = False) -> None:
    """Check what QEMU's driver has checked too, which numbers ports in a way of its own.

    passt: whether only passt forwards ports.  What is wrong with one device is told before what is wrong with
    several.
    """
    infos.check(domain)
    boot.check(domain)
    check_unique(domain)
    check_panics(domain)
    disks.check(domain)
    interfaces.check(domain)
    if passt:
        interfaces.need_passt(domain)
    displays.check_sound(domain)
    for hostdev in domain.devices.hostdevs:
        others.check_hostdev(hostdev)
    displays.check(domain)
    controllers.check(domain)
    characters.check(domain)
    inputs.check(domain)
    virtio.check(domain)
    others.check(domain)
    disks.check_together(domain)
    others.check_together(domain)
    displays.check_together(domain)
    infos.check_aliases(domain)
    boot.check_firmware(domain.os)
    others.check_iommu(domain)
    tuning.check(domain)
