"""The guest's CPU where the definition leaves it open."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.cpu import Cpu
from pyvirsh.backend.conf.domain.filling.cpu import settle
from pyvirsh.backend.qemu.facts import Facts


def complete(domain: Domain, facts: Facts) -> None:
    """Choose the machine's own CPU model; fill in how a stated one is to be taken."""
    cpu = domain.cpu
    if cpu is None or (cpu.model is None and cpu.mode in (None, "custom")):
        kind = facts.machine(domain.os.machine or "")
        if kind is not None and kind.cpu:
            domain.cpu = _default(cpu or Cpu(), kind.cpu)
    if domain.cpu is not None:
        domain.cpu.mode = domain.cpu.mode or "custom"
        settle(domain.cpu)
        _check(domain.cpu, emulated=domain.type == "qemu")


def _default(cpu: Cpu, model: str) -> Cpu:
    cpu.mode = "custom"
    cpu.model = model
    cpu.match = "exact"
    cpu.check = "none"
    cpu.fallback = cpu.fallback or "forbid"
    return cpu


def _check(cpu: Cpu, *, emulated: bool) -> None:
    """Fill in how strictly the CPU that the guest got is compared with the one asked for."""
    stated = cpu.check if cpu.check != "default" else None
    if cpu.mode == "custom":
        cpu.check = stated or ("none" if emulated else "partial")
    elif cpu.mode == "host-model":
        cpu.check = stated or "partial"
    else:
        cpu.check = stated or "none"
        if cpu.mode == "host-passthrough":
            cpu.migratable = cpu.migratable or "on"
