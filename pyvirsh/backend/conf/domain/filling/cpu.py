"""The guest's CPU and NUMA nodes."""

from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.tuning import Cell, Cpu, Sibling
from pyvirsh.backend.errors import XML_ERROR, VirError

# Source: ACPI specification, system locality information table.
LOCAL_DISTANCE = 10
REMOTE_DISTANCE = 20


def complete(domain: Domain) -> None:
    """Fill in how a stated CPU is to be taken.  Errors: XML_ERROR for features of no model."""
    cpu = domain.cpu
    if cpu is None:
        return
    if cpu.model:
        cpu.mode = cpu.mode or "custom"
    elif cpu.features and cpu.mode in (None, "custom"):
        raise VirError(XML_ERROR, "Non-empty feature list specified without CPU model")
    settle(cpu)


def settle(cpu: Cpu) -> None:
    """Fill in what follows from a CPU's mode, and number its parts."""
    if cpu.mode == "custom":
        cpu.match = cpu.match or "exact"
        cpu.fallback = cpu.fallback or "allow"
    elif cpu.mode is not None:
        cpu.match = cpu.fallback = None
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
