"""A guest's virtual CPUs, its other threads, and the host CPUs they may run on.

Source: libvirt API, virDomainGetVcpus and its kin; texts as observed of its QEMU driver.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_ULLONG, DomainRef, TypedParam
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.errors import OPERATION_INVALID, OPERATION_UNSUPPORTED, VirError
from pyvirsh.backend.qemu import threads
from pyvirsh.backend.qemu.info import WHERE, chosen, online_vcpus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.driver import QemuDriver


def host_cpus() -> int:
    """Return how many CPUs the host has, whether they are in use or not."""
    from pyvirsh.backend.host import cpus

    return cpus.present()


def map_length() -> int:
    """Return how many bytes a set of host CPUs takes."""
    return (host_cpus() + 7) // 8


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


def domain_get_max_vcpus(driver: "QemuDriver", dom: DomainRef) -> int:
    return domain_get_vcpus_flags(driver, dom, c.DOMAIN_AFFECT_LIVE | c.DOMAIN_VCPU_MAXIMUM)


def domain_get_vcpus_flags(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> int:
    allowed(flags, WHERE | c.DOMAIN_VCPU_MAXIMUM | c.DOMAIN_VCPU_GUEST, "qemuDomainGetVcpusFlags")
    if flags & c.DOMAIN_VCPU_GUEST:
        from pyvirsh.backend.qemu import guestinfo

        return guestinfo.vcpus(driver, dom, flags)
    domain, _ = chosen(driver, dom, flags)
    return (domain.vcpus or 1) if flags & c.DOMAIN_VCPU_MAXIMUM else online_vcpus(domain)
