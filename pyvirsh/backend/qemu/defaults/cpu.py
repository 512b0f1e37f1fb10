"""The guest's CPU where the definition leaves it open."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.tuning import Cell, Cpu, Sibling
from pyvirsh.backend.qemu.facts import Facts

# Source: ACPI specification, system locality information table.
LOCAL_DISTANCE = 10
REMOTE_DISTANCE = 20


def complete(domain: Domain, facts: Facts) -> None:
    """Choose the machine's own CPU model; fill in how a stated one is to be taken."""
    cpu = domain.cpu
    if cpu is None or (cpu.model is None and cpu.mode in (None, "custom")):
        kind = facts.machine(domain.os.machine or "")
        if kind is not None and kind.cpu:
            domain.cpu = _default(cpu or Cpu(), kind.cpu)
    if domain.cpu is not None:
        _settle(domain.cpu, emulated=domain.type == "qemu")


def _default(cpu: Cpu, model: str) -> Cpu:
    cpu.mode = "custom"
    cpu.model = model
    cpu.match = "exact"
    cpu.check = "none"
    cpu.fallback = cpu.fallback or "forbid"
    return cpu


def _settle(cpu: Cpu, *, emulated: bool) -> None:
    cpu.mode = cpu.mode or "custom"
    stated = cpu.check if cpu.check != "default" else None
    if cpu.mode == "custom":
        cpu.match = cpu.match or "exact"
        cpu.fallback = cpu.fallback or "allow"
        cpu.check = stated or ("none" if emulated else "partial")
    elif cpu.mode == "host-model":
        cpu.match = cpu.fallback = None
        cpu.check = stated or "partial"
    else:
        cpu.match = cpu.fallback = None
        cpu.check = stated or "none"
        cpu.migratable = cpu.migratable or "on"
    for feature in cpu.features:
        feature.policy = feature.policy or "require"
    if cpu.sockets:
        cpu.dies = cpu.dies or 1
        cpu.clusters = cpu.clusters or 1
    _number_cells(cpu)


def _number_cells(cpu: Cpu) -> None:
    """Number the nodes that state no number, in their order, and make distances mutual."""
    for at, cell in enumerate(cpu.cells):
        if cell.id is None:
            cell.id = at
    cpu.cells.sort(key=lambda cell: cell.id or 0)
    if any(cell.siblings for cell in cpu.cells):
        _complete_distances(cpu.cells)


def _complete_distances(cells: "list[Cell]") -> None:
    """State every distance both ways: 10 to a node itself, what the other says, or 20."""
    stated = {(cell.id, one.id): one.value for cell in cells for one in cell.siblings}
    for cell in cells:
        distances = []
        for other in cells:
            value = stated.get((cell.id, other.id)) or stated.get((other.id, cell.id))
            if value is None:
                value = LOCAL_DISTANCE if other is cell else REMOTE_DISTANCE
            distances.append(Sibling(id=other.id, value=value))
        cell.siblings = distances
