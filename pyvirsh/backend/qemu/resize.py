"""More or less memory and virtual CPUs, and the host CPUs they run on: now, at the next start, or both.

Source: libvirt API, virDomainSetMemoryFlags, virDomainSetVcpusFlags, virDomainPinVcpuFlags; texts as
observed of its QEMU driver; QEMU's QMP reference.
"""

import os

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain.tuning import CpuTune, IoThreadPin, VcpuPin
from pyvirsh.backend.errors import (
    INVALID_ARG,
    OPERATION_INVALID,
    SYSTEM_ERROR,
    VirError,
)
from pyvirsh.backend.qemu import hotcpus, threads
from pyvirsh.backend.qemu.change import Change
from pyvirsh.backend.qemu.info import online_vcpus
from pyvirsh.backend.qemu.monitor import Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu import live
    from pyvirsh.backend.qemu.driver import QemuDriver

WHERE = c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG

# -- memory --------------------------------------------------------------------------------------------


def domain_set_memory(driver: "QemuDriver", dom: DomainRef, memory: int) -> None:
    domain_set_memory_flags(driver, dom, memory, c.DOMAIN_AFFECT_LIVE)


def domain_set_max_memory(driver: "QemuDriver", dom: DomainRef, memory: int) -> None:
    domain_set_memory_flags(driver, dom, memory, c.DOMAIN_MEM_MAXIMUM)


def domain_set_memory_flags(driver: "QemuDriver", dom: DomainRef, memory: int, flags: int = 0) -> None:
    allowed(flags, WHERE | c.DOMAIN_MEM_MAXIMUM, "qemuDomainSetMemoryFlags")
    with Change(driver, dom, flags, "set-memory") as changed:
        if flags & c.DOMAIN_MEM_MAXIMUM:
            if changed.live is not None:
                raise VirError(OPERATION_INVALID, "cannot resize the maximum memory on an active domain")
            if changed.config is not None:
                _set_maximum(changed.config, memory)
            return
        for domain in changed.definitions:
            if memory > (domain.memory or 0):
                raise VirError(INVALID_ARG, "cannot set memory higher than max memory")
        if changed.live is not None and changed.guest is not None:
            _need_balloon(changed.live)
            with Monitor(changed.guest) as monitor:
                monitor.execute("balloon", {"value": memory * 1024})
        if changed.config is not None:
            changed.config.current_memory = memory


def _set_maximum(domain: "Domain", memory: int) -> None:
    if domain.cpu is not None and domain.cpu.cells:
        detail = "initial memory size of a domain with NUMA nodes cannot be modified with this API"
        raise VirError(OPERATION_INVALID, detail)
    if domain.max_memory is not None and domain.max_memory < memory:
        raise VirError(OPERATION_INVALID, "maximum memory size is lower than the initial memory size")
    if domain.current_memory is None or domain.current_memory >= (domain.memory or 0):
        domain.current_memory = min(domain.current_memory or memory, memory)
    domain.memory = memory
    domain.current_memory = min(domain.current_memory, memory)


def _need_balloon(domain: "Domain") -> None:
    balloon = domain.devices.memballoon
    if balloon is None or balloon.model == "none":
        detail = (
            "Unable to change memory of active domain without the balloon device and guest OS balloon driver"
        )
        raise VirError(OPERATION_INVALID, detail)


# -- virtual CPUs ----------------------------------------------------------------------------------------


def domain_set_vcpus(driver: "QemuDriver", dom: DomainRef, nvcpus: int) -> None:
    domain_set_vcpus_flags(driver, dom, nvcpus, c.DOMAIN_AFFECT_LIVE)


def domain_set_vcpus_flags(driver: "QemuDriver", dom: DomainRef, nvcpus: int, flags: int = 0) -> None:
    known = WHERE | c.DOMAIN_VCPU_MAXIMUM | c.DOMAIN_VCPU_GUEST | c.DOMAIN_VCPU_HOTPLUGGABLE
    allowed(flags, known, "qemuDomainSetVcpusFlags")
    if flags & c.DOMAIN_VCPU_GUEST:
        _set_in_guest(driver, dom, nvcpus)
        return
    with Change(driver, dom, flags, "set-vcpus") as changed:
        if not flags & c.DOMAIN_VCPU_MAXIMUM:
            hotcpus.set_count(changed, nvcpus, hotpluggable=bool(flags & c.DOMAIN_VCPU_HOTPLUGGABLE))
            return
        if changed.live is not None:
            raise VirError(INVALID_ARG, "maximum vcpu count of a live domain can't be modified")
        if changed.config is not None:
            hotcpus.set_most(changed.config, nvcpus)


def _set_in_guest(driver: "QemuDriver", dom: DomainRef, nvcpus: int) -> None:
    """Have the guest use as many CPUs as asked, by its agent."""
    from pyvirsh.backend.qemu import guestinfo

    found = guestinfo.ask(driver, dom, "guest-get-vcpus")
    if nvcpus > len(found):
        detail = "requested vcpu count is greater than the count of enabled vcpus in the domain"
        raise VirError(INVALID_ARG, f"{detail}: {nvcpus} > {len(found)}")
    numbers = sorted(int(one["logical-id"]) for one in found)
    fixed = {int(one["logical-id"]) for one in found if not one.get("can-offline") and one["online"]}
    kept = sorted(fixed) + [number for number in numbers if number not in fixed]
    change = [{"logical-id": n, "online": n in kept[:nvcpus]} for n in numbers if n not in fixed]
    if change:
        guestinfo.ask(driver, dom, "guest-set-vcpus", {"vcpus": change})


# -- host CPUs -------------------------------------------------------------------------------------------


def domain_pin_vcpu(driver: "QemuDriver", dom: DomainRef, vcpu: int, cpumap: bytes) -> None:
    domain_pin_vcpu_flags(driver, dom, vcpu, cpumap, c.DOMAIN_AFFECT_LIVE)


def domain_pin_vcpu_flags(
    driver: "QemuDriver", dom: DomainRef, vcpu: int, cpumap: bytes, flags: int = 0
) -> None:
    allowed(flags, WHERE, "qemuDomainPinVcpuFlags")
    cpus = _wanted(cpumap)
    with Change(driver, dom, flags, "pin-vcpu") as changed:
        for which, domain in (("live", changed.live), ("persistent", changed.config)):
            if domain is None:
                continue
            if vcpu >= (domain.vcpus or 1):
                count = domain.vcpus if which == "live" else online_vcpus(domain)
                detail = f"vcpu {vcpu} is out of range of {which} cpu count {count}"
                raise VirError(INVALID_ARG, detail)
            pins = [pin for pin in _tune(domain).vcpupins if pin.vcpu != vcpu]
            pins.append(VcpuPin(vcpu=vcpu, cpuset=bitmap.show(sorted(cpus))))
            _tune(domain).vcpupins = sorted(pins, key=lambda pin: pin.vcpu or 0)
        if changed.guest is not None:
            _move(threads.vcpu_threads(changed.guest).get(vcpu), cpus)


def place_vcpus(guest: "live.Guest", cpus: "dict[str, list[int]]", numbers: "list[int]") -> None:
    """Put virtual CPUs that have just been plugged in where the definition has them run."""
    running = threads.vcpu_threads(guest)
    for number in numbers:
        if str(number) in cpus:
            _move(running.get(number), set(cpus[str(number)]))


def domain_pin_emulator(driver: "QemuDriver", dom: DomainRef, cpumap: bytes, flags: int = 0) -> None:
    allowed(flags, WHERE, "qemuDomainPinEmulator")
    cpus = _wanted(cpumap)
    with Change(driver, dom, flags, "pin-emulator") as changed:
        for domain in changed.definitions:
            _tune(domain).emulatorpin = bitmap.show(sorted(cpus))
        if changed.guest is not None:
            others = {
                *threads.vcpu_threads(changed.guest).values(),
                *threads.io_threads(changed.guest).values(),
            }
            pid = changed.guest.qemu.pid
            for thread in {int(name) for name in os.listdir(f"/proc/{pid}/task")} - others:
                _move(thread, cpus)


def domain_pin_iothread(
    driver: "QemuDriver", dom: DomainRef, iothreads_id: int, cpumap: bytes, flags: int = 0
) -> None:
    allowed(flags, WHERE, "qemuDomainPinIOThread")
    cpus = _wanted(cpumap)
    with Change(driver, dom, flags, "pin-iothread") as changed:
        for what, domain in (("iothread", changed.live), ("iothreadid", changed.config)):
            if domain is None:
                continue
            numbers = {one.id for one in domain.iothread_ids} | set(range(1, (domain.iothreads or 0) + 1))
            if iothreads_id not in numbers:
                raise VirError(INVALID_ARG, f"{what} {iothreads_id} not found")
            pins = [pin for pin in _tune(domain).iothreadpins if pin.iothread != iothreads_id]
            pins.append(IoThreadPin(iothread=iothreads_id, cpuset=bitmap.show(sorted(cpus))))
            _tune(domain).iothreadpins = sorted(pins, key=lambda pin: pin.iothread or 0)
        if changed.guest is not None:
            _move(threads.io_threads(changed.guest).get(iothreads_id), cpus)


def _wanted(cpumap: bytes) -> "set[int]":
    cpus = bitmap.from_bytes(cpumap)
    if not cpus:
        raise VirError(INVALID_ARG, "Empty cpu list for pinning")
    return cpus


def _tune(domain: "Domain") -> CpuTune:
    if domain.cputune is None:
        domain.cputune = CpuTune()
    return domain.cputune


def _move(thread: "int | None", cpus: "set[int]") -> None:
    """Put a thread on some CPUs; one that is not there (any more) needs none."""
    if thread is None:
        return
    try:
        os.sched_setaffinity(thread, cpus)
    except ProcessLookupError:
        return
    except OSError as error:
        detail = f"cannot set CPU affinity on process {thread}: {error.strerror}"
        raise VirError(SYSTEM_ERROR, detail) from error
