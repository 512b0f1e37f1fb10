"""What every driver of libvirt checks in a domain's definition and fills in, whatever hypervisor it is for.

One module for each theme; a driver puts its own steps between them.

Source: definitions given to libvirt's drivers and what they made of them, errors included.
"""

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.filling import (
    characters,
    controllers,
    cpu,
    disks,
    display,
    general,
    inactive,
    interfaces,
    others,
    tuning,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def fill(
    domain: Domain,
    *,
    arch: str,
    video: str,
    new_uuid: "Callable[[], str]",
    new_mac: "Callable[[], str]",
) -> None:
    """Fill in what a definition leaves open and check it.

    arch: the host's architecture; video: the model of a graphics card that states none.
    Errors: XML_ERROR, CONFIG_UNSUPPORTED and others.
    """
    inactive.strip(domain)
    general.identity(domain, arch, new_uuid)
    general.memory(domain, from_nodes=False)
    general.behaviour(domain)
    tuning.complete(domain)
    cpu.complete(domain)
    disks.order(domain)
    controllers.order(domain)
    disks.complete(domain)
    interfaces.complete(domain, new_mac, new_uuid)
    controllers.check_unique(domain)
    others.check_panics(domain)
    characters.complete(domain)
    display.complete(domain, video)
    others.complete(domain)
    controllers.add(domain)
