"""The guest's CPU and NUMA nodes."""

from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain.cpu import Cell, Cpu, Sibling
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR, VirError

# Source: ACPI specification, system locality information table.
LOCAL_DISTANCE = 10
REMOTE_DISTANCE = 20
UNREACHABLE = 255


def complete(domain: Domain) -> None:
    """Fill in how a stated CPU is to be taken.  Errors: XML_ERROR for features of no model."""
    cpu = domain.cpu
    if cpu is None:
        return
    if cpu.model:
        cpu.mode = cpu.mode or "custom"
    elif cpu.mode in (None, "custom"):
        _check_modelless(cpu)
    if cpu.migratable is not None and cpu.mode not in ("host-passthrough", "maximum"):
        detail = "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if cpu.maxphysaddr_limit is not None and cpu.maxphysaddr_mode != "passthrough":
        detail = "attribute 'limit' is only supported for maxphysaddr mode 'passthrough'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if cpu.mode not in (None, "custom"):
        cpu.model = None
    settle(cpu)
    check_cells(domain, cpu)


def _check_modelless(cpu: Cpu) -> None:
    """Check a CPU that names no model, and drop what says how to take one."""
    if cpu.features:
        raise VirError(XML_ERROR, "Non-empty feature list specified without CPU model")
    if cpu.vendor:
        raise VirError(XML_ERROR, "CPU vendor specified without CPU model")
    if cpu.check not in (None, "default"):
        raise VirError(CONFIG_UNSUPPORTED, "check attribute specified for CPU with no model")
    cpu.mode = cpu.match = cpu.fallback = None


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
    for at, cell in enumerate(cpu.cells):
        _check_number(cpu.cells, at)
        _check_distances(cell, len(cpu.cells))
    cpu.cells.sort(key=lambda cell: cell.id or 0)
    if any(cell.siblings for cell in cpu.cells):
        _complete_distances(cpu.cells)


def _complete_distances(cells: "list[Cell]") -> None:
    """State each distance both ways, the way back as the way there, and 10 to a node itself."""
    stated = {(cell.id, one.id): one.value for cell in cells for one in cell.siblings}
    stated = {(there, here): value for (here, there), value in stated.items()} | stated
    for cell in cells:
        if any(here == cell.id for here, _ in stated):
            stated[cell.id, cell.id] = LOCAL_DISTANCE
        known = ((other.id, stated.get((cell.id, other.id))) for other in cells)
        cell.siblings = [Sibling(id=number, value=value) for number, value in known if value is not None]


# -- checks ----------------------------------------------------------------------------------------------


def _check_number(cells: "list[Cell]", at: int) -> None:
    """Check the number of the cell at a place, beside those before it."""
    number = cells[at].id or 0
    if number >= len(cells):
        detail = (
            "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or ranges not"
            " starting from 0 are not allowed"
        )
        raise VirError(XML_ERROR, detail)
    if any(cell.id == number for cell in cells[:at]):
        raise VirError(XML_ERROR, f"Duplicate NUMA cell info for cell id '{number}'")


def _check_distances(cell: Cell, count: int) -> None:
    for sibling in cell.siblings:
        number, value = sibling.id or 0, sibling.value or 0
        if number >= count:
            detail = f"'sibling_id {number}' does not refer to a valid cell within NUMA 'cell id {cell.id}'"
            raise VirError(XML_ERROR, detail)
        # 10 is for a node itself only.
        if not LOCAL_DISTANCE <= value <= UNREACHABLE or (number == cell.id) != (value == LOCAL_DISTANCE):
            detail = f"'value {value}' is invalid for 'sibling id {number}' under NUMA 'cell id {cell.id}'"
            raise VirError(XML_ERROR, detail)


def check_cells(domain: Domain, cpu: Cpu) -> None:
    """Check which CPUs the nodes have, and what is between the nodes."""
    taken: dict[int, int] = {}
    count = 0
    for cell in cpu.cells:
        members = bitmap.parse(cell.cpus) if cell.cpus else set()
        other = next((taken[number] for number in sorted(members) if number in taken), None)
        if other is not None:
            detail = f"NUMA cells {cell.id} and {other} have overlapping vCPU ids"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        taken.update(dict.fromkeys(members, cell.id or 0))
        count += len(members)
    vcpus = domain.vcpus or 1
    if count > vcpus:
        raise VirError(INTERNAL_ERROR, "Number of CPUs in <numa> exceeds the <vcpu> count")
    if taken and max(taken) >= vcpus:
        raise VirError(INTERNAL_ERROR, "CPU IDs in <numa> exceed the <vcpu> count")
