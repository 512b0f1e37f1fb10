"""Checks of the guest as a whole: its machine, CPUs, memory, boot order and tuning."""

from collections.abc import Iterator

from pyvirsh.backend.conf import bitmap, cpumodels
from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.cpu import Cpu
from pyvirsh.backend.conf.domain.features import Timer
from pyvirsh.backend.conf.domain.filling.inactive import infos
from pyvirsh.backend.conf.domain.tuning import CpuTune
from pyvirsh.backend.errors import INTERNAL_ERROR, XML_DETAIL, XML_ERROR, VirError, refuse
from pyvirsh.backend.qemu.checks import threads
from pyvirsh.backend.qemu.facts import Facts, Host, family

_VIRT_TYPES = ("qemu", "kvm")
_COMPATIBLE = {"x86_64": ("x86_64", "i686"), "aarch64": ("aarch64", "armv7l")}


def check(domain: Domain, facts: Facts) -> None:
    """Check what does not depend on this host."""
    _machine(domain, facts)
    _vcpus(domain, facts)
    if domain.cpu is not None:
        _cpu(domain, domain.cpu)
    _boot_order(domain)
    _firmware(domain)
    _lifecycle(domain)
    for timer in domain.clock.timers if domain.clock is not None else ():
        _timer(timer, domain)
    threads.check(domain)


# -- machine -------------------------------------------------------------------------------------------


def _machine(domain: Domain, facts: Facts) -> None:
    emulator = domain.devices.emulator
    if domain.type not in _VIRT_TYPES:
        raise refuse(f"Emulator '{emulator}' does not support virt type '{domain.type}'")
    if domain.os.type != "hvm":
        raise refuse(f"Emulator '{emulator}' does not support os type '{domain.os.type}'")
    arch = domain.os.arch or ""
    if arch not in _COMPATIBLE.get(facts.arch, (facts.arch,)):
        raise refuse(f"Emulator '{emulator}' does not support arch '{arch}'")
    machine = domain.os.machine or ""
    if facts.machine(machine) is None:
        raise refuse(f"Emulator '{emulator}' does not support machine type '{machine}'")
    if domain.launch_security is not None:
        raise refuse("launchSecurity: encrypted memory is not supported by this driver")


def _vcpus(domain: Domain, facts: Facts) -> None:
    total = domain.vcpus or 0
    if total < 1:
        raise VirError(XML_ERROR, "the guest needs at least one vCPU: <vcpu>1</vcpu>")
    if (domain.vcpu_current or 0) > total:
        raise refuse("maximum vCPU count must not be less than current vCPU count")
    kind = facts.machine(domain.os.machine or "")
    if kind is not None and kind.max_cpus and total > kind.max_cpus:
        detail = f"Maximum CPUs greater than specified machine type limit {kind.max_cpus}"
        raise refuse(detail)
    if domain.vcpu_cpuset is not None:
        bitmap.parse(domain.vcpu_cpuset)


def _cpu(domain: Domain, cpu: Cpu) -> None:
    if cpu.sockets:
        product = cpu.sockets * (cpu.dies or 1) * (cpu.clusters or 1) * (cpu.cores or 1) * (cpu.threads or 1)
        if product != domain.vcpus:
            raise refuse("CPU topology doesn't match maximum vcpu count")
    seen = set()
    for feature in cpu.features:
        if feature.name in seen:
            raise VirError(XML_ERROR, f"CPU feature '{feature.name}' specified more than once")
        seen.add(feature.name)
    taken: set[int] = set()
    for cell in cpu.cells:
        members = bitmap.parse(cell.cpus) if cell.cpus else set()
        if members & taken:
            raise VirError(XML_ERROR, "NUMA cells have overlapping vCPU ids")
        taken |= members
    if taken and max(taken) >= (domain.vcpus or 0):
        raise VirError(INTERNAL_ERROR, "CPU IDs in <numa> exceed the <vcpu> count")
    if [cell.id for cell in cpu.cells] != list(range(len(cpu.cells))):
        raise VirError(XML_ERROR, "NUMA cells must be numbered from 0 without gaps")


# -- boot ------------------------------------------------------------------------------------------------


def _boot_order(domain: Domain) -> None:
    seen = set()
    for info in infos(domain.devices):
        if info.boot_order is None:
            continue
        if info.boot_order in seen:
            raise refuse(f"boot order '{info.boot_order}' used for more than one device")
        seen.add(info.boot_order)


def _firmware(domain: Domain) -> None:
    os = domain.os
    if not os.loader and (os.has_loader or os.nvram is not None):
        raise VirError(XML_DETAIL, "no loader path specified and firmware auto selection disabled")
    if os.loader_type == "pflash" and not (domain.features is not None and domain.features.acpi):
        raise refuse("UEFI requires ACPI on this architecture")
    if os.bios_use_serial == "yes" and not domain.devices.serials:
        raise VirError(XML_ERROR, "need at least one serial port to use BIOS serial output")
    if os.bios_reboot_timeout is not None and not -1 <= os.bios_reboot_timeout <= 65535:
        raise VirError(XML_ERROR, "invalid value for rebootTimeout, must be in range [-1,65535]")
    if os.loader_secure == "yes" and family(os.machine or "") != "q35":
        raise refuse("Secure boot is supported with q35 machine types only")
    if os.smbios_mode == "sysinfo" and not domain.sysinfos:
        raise VirError(XML_ERROR, "Domain without SMBIOS sysinfo block cannot use smbios mode 'sysinfo'")


def _lifecycle(domain: Domain) -> None:
    off, reboot = domain.on_poweroff, domain.on_reboot
    if "preserve" in (off, reboot):
        raise refuse("qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'")
    if "rename-restart" in (off, reboot, domain.on_crash):
        detail = "'rename-restart' action for 'on_reboot'/'on_poweroff'/'on_crash'"
        raise refuse(f"qemu driver doesn't support the {detail}")
    if off == "restart" and reboot == "destroy":
        detail = "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'"
        raise refuse(detail)


def _timer(timer: Timer, domain: Domain) -> None:
    name, policy = timer.name, timer.tickpolicy
    if name == "platform":
        raise refuse(f"unsupported timer type (name) '{name}'")
    if name == "armvtimer":
        guest = f"virtType={domain.type} arch={domain.os.arch} machine={domain.os.machine}"
        raise refuse(f"Configuring the 'armvtimer' timer is not supported for {guest} guests")
    if name == "rtc" and timer.track == "boot":
        raise refuse(f"unsupported rtc timer track '{timer.track}'")
    if name == "rtc" and policy in ("merge", "discard"):
        raise refuse(f"unsupported rtc timer tickpolicy '{policy}'")
    if name == "pit" and policy == "merge":
        raise refuse(f"unsupported pit tickpolicy '{policy}'")


# -- this host -------------------------------------------------------------------------------------------


def check_host(domain: Domain, facts: Facts, host: Host) -> None:
    """Check what this host and this QEMU must be able to do when the guest starts."""
    if domain.type == "kvm":
        if not host.kvm:
            detail = f"domain type='kvm' cannot run here: {host.kvm_reason}; use type='qemu' for emulation"
            raise refuse(detail)
    check_cpu(domain, facts)
    _cpu_model(domain, facts)
    for name in ("initrd", "cmdline"):
        if getattr(domain.os, name) and not domain.os.kernel:
            raise VirError(XML_ERROR, f"{name} specified without kernel")
    for element in _unkept(domain):
        raise refuse(f"{element} is not supported by this driver: remove the element")


def check_cpu(domain: Domain, facts: Facts) -> None:
    """Check what must be known of a CPU before QEMU is told of it."""
    cpu = domain.cpu
    if cpu is None:
        return
    if domain.type != "kvm" and cpu.mode == "host-passthrough":
        guest = f"{domain.os.arch} {domain.type} domain on {facts.arch} host"
        raise refuse(f"CPU mode 'host-passthrough' for {guest} is not supported by hypervisor")
    if cpu.mode == "custom" and cpu.model and facts.cpus and cpu.model not in facts.cpus:
        if cpu.model not in cpumodels.names(domain.os.arch or ""):
            raise VirError(INTERNAL_ERROR, f"Unknown CPU model {cpu.model}")


def _cpu_model(domain: Domain, facts: Facts) -> None:
    cpu = domain.cpu
    known = facts.cpus
    if cpu is not None and cpu.mode == "custom" and cpu.model and known and cpu.model not in known:
        raise refuse(f"CPU model '{cpu.model}' is not supported by hypervisor")


def _unkept(domain: Domain) -> "Iterator[str]":
    """Yield what the definition asks of the host and nobody here does."""
    if domain.memtune is not None and domain.memtune.min_guarantee is not None:
        yield "memtune/min_guarantee"
    if domain.cputune is not None:
        yield from _unkept_tuning(domain.cputune)
    if domain.resource_partition not in (None, "/machine"):
        yield "resource/partition"
    if any(event.enabled == "yes" for event in domain.perf):
        yield "perf"
    if domain.numatune is not None and domain.numatune.placement == "auto":
        yield "numatune/memory placement='auto'"
    if domain.devices.leases:
        yield "lease"
    for label in domain.seclabels:
        if label.type in ("static", "dynamic") and label.model not in (None, "none"):
            yield f"seclabel model='{label.model}'"


def _unkept_tuning(tune: CpuTune) -> "Iterator[str]":
    if tune.cachetunes or tune.memorytunes:
        yield "cputune: parts of the CPU cache"
