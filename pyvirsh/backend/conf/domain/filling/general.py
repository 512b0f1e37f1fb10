"""What belongs to the guest as a whole: identity, memory, CPUs, behaviour."""

from pyvirsh.backend.conf.cpumodels import ARCHITECTURES
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.tuning import Clock
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    NO_NAME,
    XML_DETAIL,
    XML_ERROR,
    VirError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_OS_TYPES = ("hvm", "xen", "linux", "exe", "uml", "xenpvh")
_HEX = "0123456789abcdef"


def identity(domain: Domain, arch: str, new_uuid: "Callable[[], str]") -> None:
    """Check name, UUID and type; fill in what is open of them."""
    if not domain.type:
        raise VirError(INTERNAL_ERROR, "missing domain type attribute")
    _check_name(domain.name)
    domain.uuid = read_uuid(domain.uuid) if domain.uuid else new_uuid()
    if domain.has_genid and not domain.genid:
        domain.genid = new_uuid()
    if domain.title is not None and "\n" in domain.title:
        raise VirError(XML_ERROR, "Domain title can't contain newlines")
    _os(domain, arch)


def _check_name(name: "str | None") -> None:
    if not name:
        raise VirError(NO_NAME)
    if "/" in name:
        raise VirError(XML_ERROR, f"name {name} cannot contain '/'")
    if "\n" in name:
        raise VirError(XML_DETAIL, "invalid char in name: \n")


def read_uuid(text: str) -> str:
    """Return a UUID in its usual form; dashes may stand between any two bytes.  Errors: INTERNAL_ERROR."""
    digits = ""
    rest = text.strip().lower()
    while rest:
        rest = rest.lstrip("-") if len(digits) % 2 == 0 and digits else rest
        digits += rest[:1]
        rest = rest[1:]
    if len(digits) != 32 or any(digit not in _HEX for digit in digits):
        raise VirError(INTERNAL_ERROR, "malformed uuid element")
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _os(domain: Domain, arch: str) -> None:
    os = domain.os
    if not os.type and not domain.bootloader:
        raise VirError(XML_ERROR, "an os <type> must be specified")
    os.type = os.type or "xen"
    if os.type not in _OS_TYPES:
        raise VirError(CONFIG_UNSUPPORTED, f"unknown OS type '{os.type}'")
    if os.arch and os.arch not in ARCHITECTURES:
        raise VirError(CONFIG_UNSUPPORTED, f"Unknown architecture {os.arch}")
    os.arch = os.arch or arch
    if os.type == "exe" and not os.init:
        raise VirError(XML_ERROR, "init binary must be specified")
    if os.type == "hvm" and not os.boot and not domain.bootloader and not _boot_orders(domain):
        os.boot = ["hd"]
    for device in os.boot:
        if not device:
            raise VirError(XML_ERROR, "Missing required attribute 'dev' in element 'boot'")
        if device not in ("fd", "cdrom", "hd", "network"):
            raise VirError(XML_ERROR, f"Invalid value for attribute 'dev' in element 'boot': '{device}'.")


def _boot_orders(domain: Domain) -> bool:
    """Say whether a device has a place in the boot order."""
    devices = domain.devices
    infos = [one.info for one in devices.disks]
    infos += [one.info for one in devices.interfaces]
    infos += [one.info for one in devices.hostdevs]
    infos += [one.info for one in devices.redirdevs]
    infos += [one.info for one in devices.filesystems]
    return any(info.boot_order is not None for info in infos)


def memory(domain: Domain, *, from_nodes: bool) -> None:
    """Sum up the guest's memory.

    from_nodes: whether its NUMA nodes say how much there is, even where <memory> says so too.
    Errors: XML_ERROR if there is none; CONFIG_UNSUPPORTED.
    """
    for module in domain.devices.memories:
        if module.target is None:
            raise VirError(XML_ERROR, "missing <target> element for <memory> device")
        if not module.target.size:
            raise VirError(XML_ERROR, "missing element or attribute './target/size'")
    plugged = sum(module.target.size or 0 for module in domain.devices.memories if module.target)
    cells = sum(cell.memory or 0 for cell in domain.cpu.cells) if domain.cpu else 0
    if cells and (from_nodes or not domain.memory):
        domain.memory = cells + plugged
    elif plugged > (domain.memory or 0):
        detail = "Total size of memory devices exceeds the total memory size"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if not domain.memory or domain.memory == plugged:
        raise VirError(XML_ERROR, "Memory size must be specified via <memory> or in the <numa> configuration")
    if not domain.current_memory or domain.current_memory > domain.memory:
        domain.current_memory = domain.memory
    if domain.max_memory is not None and domain.max_memory < domain.memory:
        detail = "maximum memory size must be equal or greater than the actual memory size"
        raise VirError(XML_ERROR, detail)


def behaviour(domain: Domain) -> None:
    """Fill in the number of CPUs, the clock and what happens at the guest's end."""
    _vcpus(domain)
    _clock(domain)
    domain.on_poweroff = domain.on_poweroff or "destroy"
    domain.on_reboot = domain.on_reboot or "restart"
    domain.on_crash = domain.on_crash or "destroy"
    for event, action in (("poweroff", domain.on_poweroff), ("reboot", domain.on_reboot)):
        if action.startswith("coredump"):
            detail = f"Lifecycle event '{event}' doesn't support '{action}' action"
            raise VirError(CONFIG_UNSUPPORTED, detail)


def _vcpus(domain: Domain) -> None:
    if domain.vcpus == 0:
        raise VirError(INTERNAL_ERROR, "CPU IDs in <numa> exceed the <vcpu> count")
    if domain.vcpus is not None and domain.vcpus >= 1 << 32:
        raise VirError(XML_ERROR, "maximum vcpus count must be an integer")
    domain.vcpus = domain.vcpus or 1
    if domain.vcpu_current is not None and domain.vcpu_current > domain.vcpus:
        detail = "maximum vCPU count must not be less than current vCPU count"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    auto = domain.numatune is not None and domain.numatune.placement == "auto"
    if domain.vcpu_cpuset is None and auto:
        domain.vcpu_placement = "auto"
    domain.vcpu_placement = domain.vcpu_placement or "static"
    if domain.vcpu_placement == "auto":
        domain.vcpu_cpuset = None
    if domain.vcpu_current == domain.vcpus:
        domain.vcpu_current = None


def _clock(domain: Domain) -> None:
    clock = domain.clock = domain.clock or Clock()
    clock.offset = clock.offset or "utc"
    if clock.offset == "timezone" and clock.timezone is None:
        detail = "missing 'timezone' attribute for clock with offset='timezone'"
        raise VirError(INTERNAL_ERROR, detail)
    if clock.offset == "variable":
        clock.adjustment = clock.adjustment or "0"
        clock.basis = clock.basis or "utc"
