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
    others,
    virtio,
)
from pyvirsh.backend.conf.domain.domain import Domain


def check(domain: Domain) -> None:
    """Check a definition that `filling` has completed.  Errors: XML_ERROR, CONFIG_UNSUPPORTED and others."""
    check_shared(domain)
    characters.check_ports(domain)


def check_shared(domain: Domain) -> None:
    """Check what QEMU's driver has checked too, which numbers ports in a way of its own."""
    infos.check(domain)
    boot.check(domain)
    disks.check(domain)
    controllers.check(domain)
    characters.check(domain)
    inputs.check(domain)
    displays.check(domain)
    virtio.check(domain)
    others.check(domain)
