"""Network interfaces where the definition leaves them open."""

from collections.abc import Callable

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.qemu.facts import Facts


def complete(domain: Domain, facts: Facts, new_mac: "Callable[[], str]") -> None:
    """Fill in MAC addresses and models."""
    for interface in domain.devices.interfaces:
        interface.mac = interface.mac or new_mac()
        if interface.model is None and interface.type != "hostdev":
            interface.model = "virtio" if interface.type == "vdpa" else default_model(facts)


def default_model(facts: Facts) -> str:
    """Return the model of an interface that states none: the first of the old ones that QEMU has."""
    for model, device in (("rtl8139", "rtl8139"), ("e1000", "e1000")):
        if facts.has(device):
            return model
    return "virtio"
