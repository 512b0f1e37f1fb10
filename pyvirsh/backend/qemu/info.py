"""What can be seen of a domain at once: memory, CPUs, control, labels.

Source: libvirt API, virDomainGetInfo and its kin; texts as observed of its QEMU driver.
"""

import os
import time

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_ULLONG, CheckpointRef, DomainRef, SnapshotRef, TypedParam
from pyvirsh.backend.checks import allowed, invalid
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.errors import OPERATION_INVALID, OPERATION_UNSUPPORTED, VirError
from pyvirsh.backend.qemu import define, live, threads
from pyvirsh.backend.store import unescaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.driver import QemuDriver

WHERE = c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG


def chosen(driver: "QemuDriver", dom: DomainRef, flags: int) -> "tuple[Domain, live.Guest | None]":
    """Return the definition that LIVE, CONFIG or neither asks for, and the guest if it is the live one.

    Errors: INVALID_ARG for both; OPERATION_INVALID for LIVE when the guest does not run.
    """
    if flags & WHERE == WHERE:
        raise invalid("Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")
    if flags & c.DOMAIN_AFFECT_CONFIG:
        return driver.definition(dom), None
    if flags & c.DOMAIN_AFFECT_LIVE:
        guest = driver.guest(dom)
        return driver.live_definition(guest), guest
    return driver.current(dom)


# -- memory and CPUs in short ----------------------------------------------------------------------------


def domain_get_info(driver: "QemuDriver", dom: DomainRef) -> "tuple[int, int, int, int, int]":
    domain, guest = driver.current(dom)
    maximum = memory_of(domain)
    if guest is None:
        state, _ = live.read_last(driver.roots.runtime(), dom.uuid)
        return state, maximum, domain.current_memory or maximum, online_vcpus(domain), 0
    used = threads.usage(guest.qemu.pid).total
    return guest.state, maximum, current_memory(domain), online_vcpus(domain), used


def memory_of(domain: "Domain") -> int:
    """Return the memory a guest starts with, modules included, in KiB."""
    return domain.memory or 0


def current_memory(domain: "Domain") -> int:
    """Return the memory a running guest has now; without a balloon it is all of it."""
    balloon = domain.devices.memballoon
    if balloon is None or balloon.model == "none":
        return domain.memory or 0
    return domain.current_memory or domain.memory or 0


def online_vcpus(domain: "Domain") -> int:
    """Return how many virtual CPUs are plugged in."""
    return domain.vcpu_current or domain.vcpus or 1


def domain_get_max_memory(driver: "QemuDriver", dom: DomainRef) -> int:
    return memory_of(driver.current(dom)[0])


def domain_get_max_vcpus(driver: "QemuDriver", dom: DomainRef) -> int:
    return domain_get_vcpus_flags(driver, dom, c.DOMAIN_AFFECT_LIVE | c.DOMAIN_VCPU_MAXIMUM)


def domain_get_os_type(driver: "QemuDriver", dom: DomainRef) -> str:
    return driver.current(dom)[0].os.type or "hvm"


def domain_get_vcpus_flags(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> int:
    allowed(flags, WHERE | c.DOMAIN_VCPU_MAXIMUM | c.DOMAIN_VCPU_GUEST, "qemuDomainGetVcpusFlags")
    if flags & c.DOMAIN_VCPU_GUEST:
        from pyvirsh.backend.qemu import guestinfo

        return guestinfo.vcpus(driver, dom, flags)
    domain, _ = chosen(driver, dom, flags)
    return (domain.vcpus or 1) if flags & c.DOMAIN_VCPU_MAXIMUM else online_vcpus(domain)


def host_cpus() -> int:
    """Return how many CPUs the host has, whether they are in use or not."""
    from pyvirsh.backend.host import cpus

    return cpus.present()


def map_length() -> int:
    """Return how many bytes a set of host CPUs takes."""
    return (host_cpus() + 7) // 8


# -- virtual CPUs ------------------------------------------------------------------------------------------


def domain_get_vcpus(driver: "QemuDriver", dom: DomainRef) -> "tuple[list[tuple[int, int, int, int]], bytes]":
    guest = driver.running(dom.uuid)
    if guest is None:
        driver.check_exists(dom)
        raise VirError(OPERATION_INVALID, "cannot retrieve vcpu information for inactive domain")
    found, maps = [], b""
    for number, thread in sorted(threads.vcpu_threads(guest).items()):
        used = threads.usage(guest.qemu.pid, thread)
        found.append((number, c.VCPU_RUNNING, used.total, used.cpu))
        maps += bitmap.to_bytes(threads.affinity(thread), map_length())
    return found, maps


def domain_get_vcpu_pin_info(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> bytes:
    allowed(flags, WHERE, "qemuDomainGetVcpuPinInfo")
    domain, guest = chosen(driver, dom, flags)
    pins = {pin.vcpu: pin.cpuset for pin in domain.cputune.vcpupins} if domain.cputune else {}
    everywhere = default_cpus(domain)
    sets = [pins.get(number) for number in range(domain.vcpus or 1)]
    return b"".join(
        bitmap.to_bytes(bitmap.parse(cpus) if cpus else everywhere, map_length()) for cpus in sets
    )


def default_cpus(domain: "Domain") -> "set[int]":
    """Return the host CPUs of what is not pinned."""
    return bitmap.parse(domain.vcpu_cpuset) if domain.vcpu_cpuset else set(range(host_cpus()))


def domain_get_emulator_pin_info(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> bytes:
    allowed(flags, WHERE, "qemuDomainGetEmulatorPinInfo")
    domain, _ = chosen(driver, dom, flags)
    pinned = domain.cputune.emulatorpin if domain.cputune else None
    return bitmap.to_bytes(bitmap.parse(pinned) if pinned else default_cpus(domain), map_length())


def domain_get_iothread_info(
    driver: "QemuDriver", dom: DomainRef, flags: int = 0
) -> "list[tuple[int, bytes]]":
    allowed(flags, WHERE, "qemuDomainGetIOThreadInfo")
    domain, guest = chosen(driver, dom, flags)
    if guest is not None:
        running = threads.io_threads(guest)
        return [(n, bitmap.to_bytes(threads.affinity(t), map_length())) for n, t in sorted(running.items())]
    pins = {pin.iothread: pin.cpuset for pin in domain.cputune.iothreadpins} if domain.cputune else {}
    numbers = sorted(one.id for one in domain.iothread_ids if one.id) or list(
        range(1, (domain.iothreads or 0) + 1)
    )
    found = []
    for number in numbers:
        pinned = pins.get(number)
        cpus = bitmap.parse(pinned) if pinned else default_cpus(domain)
        found.append((number, bitmap.to_bytes(cpus, map_length())))
    return found


def domain_get_cpu_stats(
    driver: "QemuDriver", dom: DomainRef, start_cpu: int, ncpus: int, flags: int = 0
) -> "list[TypedParam]":
    guest = driver.guest(dom)
    if start_cpu != -1:
        raise VirError(
            OPERATION_UNSUPPORTED, "CPU time per host CPU is not known without a cgroup of version 1"
        )
    used = threads.usage(guest.qemu.pid)
    times = (("cpu_time", used.total), ("user_time", used.user), ("system_time", used.system))
    return [(name, PARAM_ULLONG, value) for name, value in times]


# -- control, labels, saved states -------------------------------------------------------------------------


def domain_get_control_info(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> "tuple[int, int, int]":
    allowed(flags, 0, "qemuDomainGetControlInfo")
    guest = driver.guest(dom)
    if guest.qemu.state() in ("T", "t"):
        since = int((time.time() - guest.since) * 1000)
        return c.DOMAIN_CONTROL_ERROR, c.DOMAIN_CONTROL_ERROR_REASON_MONITOR, max(since, 0)
    return c.DOMAIN_CONTROL_OK, c.DOMAIN_CONTROL_ERROR_REASON_NONE, 0


def domain_is_updated(driver: "QemuDriver", dom: DomainRef) -> bool:
    driver.check_exists(dom)
    return False


def domain_has_managed_save_image(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> bool:
    driver.check_exists(dom)
    return os.path.exists(define.managed_save_path(driver, dom.uuid))


def domain_get_security_label(driver: "QemuDriver", dom: DomainRef) -> "tuple[str, int]":
    driver.check_exists(dom)
    return "", 0


def domain_get_security_label_list(driver: "QemuDriver", dom: DomainRef) -> "list[tuple[str, int]]":
    driver.check_exists(dom)
    return []


def domain_get_hostname(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> str:
    from pyvirsh.backend.qemu import guestinfo

    return guestinfo.hostname(driver, dom, flags)


# -- moments that are kept -------------------------------------------------------------------------------


def domain_snapshot_num(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> int:
    driver.check_exists(dom)
    return define.count_files(driver.store.path(dom.uuid, define.SNAPSHOTS))


def domain_list_all_snapshots(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> "list[SnapshotRef]":
    driver.check_exists(dom)
    return [SnapshotRef(name, dom) for name in names_in(driver.store.path(dom.uuid, define.SNAPSHOTS))]


def domain_list_all_checkpoints(
    driver: "QemuDriver", dom: DomainRef, flags: int = 0
) -> "list[CheckpointRef]":
    driver.check_exists(dom)
    return [CheckpointRef(name, dom) for name in names_in(driver.store.path(dom.uuid, define.CHECKPOINTS))]


def names_in(directory: str) -> "list[str]":
    """Return the names of the objects kept in a directory."""
    try:
        found = [unescaped(entry.removesuffix(".xml")) for entry in sorted(os.listdir(directory))]
    except FileNotFoundError:
        return []
    return [name for name in found if name is not None]
