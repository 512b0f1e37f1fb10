"""What belongs to the guest as a whole: identity, memory, CPUs, behaviour."""

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.cpumodels import ARCHITECTURES
from pyvirsh.backend.conf.domain.domain import VIRT_TYPES, Domain
from pyvirsh.backend.conf.domain.features import Clock, Timer
from pyvirsh.backend.conf.domain.tuning import Vcpu
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


def check_first(root: xml.Element) -> None:
    """Check what libvirt looks at before everything else: the types, the name, the UUID."""
    if not root.get("type"):
        raise VirError(INTERNAL_ERROR, "missing domain type attribute")
    kind, name, uuid = root.find("os/type"), root.find("name"), root.find("uuid")
    if name is None or not name.text:
        raise VirError(NO_NAME)
    if uuid is not None and uuid.text:
        read_uuid(uuid.text)
    if root.get("type") not in VIRT_TYPES:
        raise VirError(CONFIG_UNSUPPORTED, f"invalid domain type {root.get('type')}")
    _check_os(kind.text if kind is not None else None, root.find("bootloader") is not None)
    _check_arch(kind.get("arch") if kind is not None else None)


def identity(domain: Domain, arch: str, new_uuid: "Callable[[], str]") -> None:
    """Check name, UUID and type; fill in what is open of them."""
    if not domain.type:
        raise VirError(INTERNAL_ERROR, "missing domain type attribute")
    _check_name(domain.name)
    _identify(domain, new_uuid)
    if domain.has_genid and not domain.genid:
        domain.genid = new_uuid()
    elif domain.genid:
        domain.genid = read_uuid(domain.genid, "genid")
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


def _identify(domain: Domain, new_uuid: "Callable[[], str]") -> None:
    """Find the UUID: the firmware tells the guest the same one."""
    stated = read_uuid(domain.uuid) if domain.uuid else None
    for info in domain.sysinfos:
        for entry in info.system:
            if entry.name != "uuid":
                continue
            try:
                told = read_uuid(entry.value or "")
            except VirError:
                raise VirError(XML_DETAIL, "malformed <sysinfo> uuid element") from None
            if stated not in (None, told):
                raise VirError(XML_DETAIL, "UUID mismatch between <uuid> and <sysinfo>")
            stated = told
    domain.uuid = stated or new_uuid()


def read_uuid(text: str, element: str = "uuid") -> str:
    """Return a UUID in its usual form; dashes may stand between any two bytes.  Errors: INTERNAL_ERROR."""
    digits = ""
    rest = text.strip().lower()
    while rest and len(digits) <= 32:
        rest = rest.lstrip("-") if len(digits) % 2 == 0 and digits else rest
        digits += rest[:1]
        rest = rest[1:]
    if len(digits) != 32 or any(digit not in _HEX for digit in digits):
        raise VirError(INTERNAL_ERROR, f"malformed {element} element")
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _check_os(kind: "str | None", has_bootloader: bool) -> None:
    if not kind and not has_bootloader:
        raise VirError(XML_ERROR, "an os <type> must be specified")
    if kind and kind not in _OS_TYPES:
        raise VirError(CONFIG_UNSUPPORTED, f"unknown OS type '{kind}'")


def _check_arch(arch: "str | None") -> None:
    if arch and arch not in ARCHITECTURES:
        raise VirError(CONFIG_UNSUPPORTED, f"Unknown architecture {arch}")


def _os(domain: Domain, arch: str) -> None:
    os = domain.os
    _check_os(os.type, domain.has_bootloader)
    _check_arch(os.arch)
    os.type = os.type or "xen"
    os.arch = os.arch or arch
    if os.type == "exe" and not os.init:
        raise VirError(XML_ERROR, "init binary must be specified")
    if os.type == "hvm" and not os.boot and not domain.bootloader and not _boot_orders(domain):
        os.boot = ["hd"]
    for device in os.boot:
        if device not in ("fd", "cdrom", "hd", "network"):
            raise VirError(XML_ERROR, f"Invalid value for attribute 'dev' in element 'boot': '{device}'.")
    if os.bootmenu_enable is None:
        os.bootmenu_timeout = None


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
    plugged = sum(module.target.size or 0 for module in domain.devices.memories if module.target)
    cells = sum(cell.memory or 0 for cell in domain.cpu.cells) if domain.cpu else 0
    if cells and (from_nodes or not domain.memory):
        domain.memory = cells + plugged
    elif plugged > (domain.memory or 0):
        raise VirError(XML_ERROR, "Total size of memory devices exceeds the total memory size")
    if not domain.memory or domain.memory == plugged:
        raise VirError(XML_ERROR, "Memory size must be specified via <memory> or in the <numa> configuration")
    if not domain.current_memory or domain.current_memory > domain.memory:
        domain.current_memory = domain.memory
    _check_slots(domain)


def _check_slots(domain: Domain) -> None:
    if domain.memory_slots and not domain.max_memory:
        detail = "maximum memory size must be specified when specifying number of memory slots"
        raise VirError(XML_ERROR, detail)
    domain.max_memory = domain.max_memory or None
    if domain.max_memory is not None and domain.max_memory < (domain.memory or 0):
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


# -- CPUs ------------------------------------------------------------------------------------------------


def _vcpus(domain: Domain) -> None:
    if domain.vcpus == 0:
        raise VirError(INTERNAL_ERROR, "CPU IDs in <numa> exceed the <vcpu> count")
    if domain.vcpus is not None and domain.vcpus >= 1 << 32:
        raise VirError(XML_ERROR, "maximum vcpus count must be an integer")
    domain.vcpus = domain.vcpus or 1
    if not domain.vcpu_states and (domain.vcpu_current or 0) > domain.vcpus:
        detail = "maximum vCPU count must not be less than current vCPU count"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    _vcpu_states(domain)
    auto = domain.numatune is not None and domain.numatune.placement == "auto"
    if domain.vcpu_cpuset is None and auto:
        domain.vcpu_placement = "auto"
    domain.vcpu_placement = domain.vcpu_placement or "static"
    if domain.vcpu_placement == "auto":
        domain.vcpu_cpuset = None
    if domain.vcpu_current == domain.vcpus:
        domain.vcpu_current = None


def _vcpu_states(domain: Domain) -> None:
    """Complete the states of single CPUs, if there are any: those not stated are off."""
    if not domain.vcpu_states:
        return
    total = domain.vcpus or 1
    stated = {state.id: state for state in domain.vcpu_states}
    for number in stated:
        if (number or 0) >= total:
            raise VirError(XML_ERROR, f"vcpu id '{number}' is out of range of maximum vcpu count")
    domain.vcpu_states = [
        stated.get(number) or Vcpu(id=number, enabled="no", hotpluggable="yes") for number in range(total)
    ]
    for state in domain.vcpu_states:
        state.hotpluggable = state.hotpluggable or ("no" if state.enabled == "yes" else "yes")
        if state.enabled == state.hotpluggable == "no":
            detail = f"vcpu '{state.id}' is both offline and not hotpluggable"
            raise VirError(CONFIG_UNSUPPORTED, detail)
    domain.vcpu_current = sum(state.enabled == "yes" for state in domain.vcpu_states)


# -- clock -----------------------------------------------------------------------------------------------

_NO_TICKPOLICY = ("kvmclock", "hypervclock")
_WITH_TRACK = ("platform", "rtc")


def _clock(domain: Domain) -> None:
    clock = domain.clock = domain.clock or Clock()
    clock.offset = clock.offset or "utc"
    if clock.offset == "timezone" and not clock.timezone:
        detail = "missing 'timezone' attribute for clock with offset='timezone'"
        raise VirError(INTERNAL_ERROR, detail)
    if clock.offset == "absolute" and clock.start is None:
        raise VirError(INTERNAL_ERROR, "missing 'start' attribute for clock with offset='absolute'")
    _adjust(clock)
    clock.timezone = clock.timezone if clock.offset == "timezone" else None
    clock.start = clock.start if clock.offset == "absolute" else None
    for timer in clock.timers:
        _check_timer(timer.name or "", timer)


def _adjust(clock: Clock) -> None:
    """Read by how much a clock is off: a stated number makes it a clock of its own."""
    stated, clock.adjustment = clock.adjustment or None, None
    number = _whole(stated)
    if clock.offset in ("utc", "localtime") and stated is not None:
        if stated == "reset":
            clock.adjustment = stated
        elif number is None:
            raise VirError(XML_ERROR, f"unknown clock adjustment '{stated}'")
        else:
            clock.basis, clock.offset, clock.adjustment = clock.offset, "variable", str(number)
    elif clock.offset == "variable":
        clock.adjustment = str(number or 0)
        clock.basis = clock.basis or "utc"


def _whole(text: "str | None") -> "int | None":
    number = c_integer(text or "")
    return number if number is not None and -(1 << 63) <= number < 1 << 63 else None


def _check_timer(name: str, timer: Timer) -> None:
    catchup = (timer.catchup_threshold, timer.catchup_slew, timer.catchup_limit)
    if timer.tickpolicy != "catchup" and any(catchup):
        detail = "setting of timer catchup policies is only supported with tickpolicy='catchup'"
        raise VirError(XML_ERROR, detail)
    for what, refused in (
        ("tickpolicy", timer.tickpolicy is not None and name in _NO_TICKPOLICY),
        ("frequency", bool(timer.frequency) and name != "tsc"),
        ("mode", timer.mode is not None and name != "tsc"),
        ("track", timer.track is not None and name not in _WITH_TRACK),
    ):
        if refused:
            detail = f"timer {name} doesn't support setting of timer {what}"
            raise VirError(CONFIG_UNSUPPORTED, detail)
