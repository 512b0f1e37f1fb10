"""What belongs to the guest as a whole, as QEMU's driver has it."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.filling.inactive import infos
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INVALID_ARG, XML_ERROR, VirError
from pyvirsh.backend.qemu.facts import Facts


def machine(domain: Domain, facts: Facts) -> None:
    """Fill in the emulator; name the machine type by its own name, not by an alias that updates change."""
    domain.devices.emulator = domain.devices.emulator or facts.emulator
    stated = domain.os.machine
    kind = facts.machine(stated) if stated else facts.default_machine()
    if kind is None and not stated:
        detail = f"could not get preferred machine for {facts.emulator} type={domain.type}"
        raise VirError(INVALID_ARG, detail)
    if kind is not None:
        domain.os.machine = kind.name
    _check_boot_order(domain)


def _check_boot_order(domain: Domain) -> None:
    """See that only one side states the boot order: the guest as a whole or its devices."""
    ordered = any(info.boot_order is not None for info in infos(domain.devices))
    if ordered and domain.os.boot:
        detail = "per-device boot elements cannot be used together with os/boot elements"
        raise VirError(CONFIG_UNSUPPORTED, detail)


def labels(domain: Domain) -> None:
    """Name the model of security labels that name none: there is none here."""
    for label in domain.seclabels:
        if label.model is not None:
            continue
        if label.type == "static":
            raise VirError(XML_ERROR, "missing security model in domain seclabel")
        label.type, label.relabel, label.model = "none", None, "none"
