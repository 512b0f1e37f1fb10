"""What belongs to the guest as a whole: identity, machine, behaviour, firmware."""

from collections.abc import Callable

from pyvirsh.backend.conf.domain import Domain, tuning
from pyvirsh.backend.conf.domain.filling.inactive import infos
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, INVALID_ARG, XML_ERROR, VirError
from pyvirsh.backend.qemu.facts import Facts, Host


def identity(domain: Domain, facts: Facts, host: Host, new_uuid: "Callable[[], str]") -> None:
    """Fill in UUID, emulator, architecture and machine type."""
    domain.uuid = canonical_uuid(domain.uuid) if domain.uuid else new_uuid()
    if domain.has_genid and not domain.genid:
        domain.genid = new_uuid()
    domain.devices.emulator = domain.devices.emulator or facts.emulator
    if not domain.os.type:
        raise VirError(XML_ERROR, "an os <type> must be specified")
    domain.os.arch = domain.os.arch or host.arch
    _machine(domain, facts)


def canonical_uuid(text: str) -> str:
    """Return a UUID in lower case, with dashes.  Errors: INTERNAL_ERROR."""
    digits = text.strip().replace("-", "").lower()
    if len(digits) != 32 or any(letter not in "0123456789abcdef" for letter in digits):
        raise VirError(INTERNAL_ERROR, "malformed uuid element")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _machine(domain: Domain, facts: Facts) -> None:
    """Name the machine type by its own name, not an alias, so that updates of QEMU do not change it."""
    stated = domain.os.machine
    kind = facts.machine(stated) if stated else facts.default_machine()
    if kind is None and not stated:
        raise VirError(
            INVALID_ARG, f"could not get preferred machine for {facts.emulator} type={domain.type}"
        )
    if kind is not None:
        domain.os.machine = kind.name


def behaviour(domain: Domain) -> None:
    """Fill in the number of CPUs, the clock and what happens at the guest's end."""
    if domain.vcpus is None:
        domain.vcpus = 1
    auto = domain.numatune is not None and domain.numatune.placement == "auto"
    if domain.vcpu_cpuset is None and auto:
        domain.vcpu_placement = "auto"
    domain.vcpu_placement = domain.vcpu_placement or "static"
    if domain.vcpu_current == domain.vcpus:
        domain.vcpu_current = None
    if domain.clock is None:
        domain.clock = tuning.Clock()
    domain.clock.offset = domain.clock.offset or "utc"
    domain.on_poweroff = domain.on_poweroff or "destroy"
    domain.on_reboot = domain.on_reboot or "restart"
    domain.on_crash = domain.on_crash or "destroy"
    _boot_order(domain)


def _boot_order(domain: Domain) -> None:
    """Boot from a hard disk where neither the guest nor a device says anything."""
    ordered = any(info.boot_order is not None for info in infos(domain.devices))
    if ordered and domain.os.boot:
        detail = "per-device boot elements cannot be used together with os/boot elements"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if not ordered and not domain.os.boot:
        domain.os.boot = ["hd"]
