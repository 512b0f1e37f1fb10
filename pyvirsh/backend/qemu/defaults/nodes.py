"""The guest's NUMA nodes as QEMU needs them."""

from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.cpumodels import X86
from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.cpu import Cell, Cpu
from pyvirsh.backend.qemu.checks.memory import OF_NODES


def complete(domain: Domain) -> None:
    """Add the node that plugging in memory needs; give CPUs without a node to the first one."""
    cells = domain.cpu.cells if domain.cpu is not None else []
    if domain.max_memory is not None and not cells and domain.os.arch in X86:
        _add(domain)
    elif cells:
        _assign_rest(domain, cells)


def _add(domain: Domain) -> None:
    modules = [module.target for module in domain.devices.memories if module.target]
    initial = (domain.memory or 0) - sum(target.size or 0 for target in modules)
    domain.cpu = domain.cpu or Cpu()
    everyone = bitmap.show(set(range(domain.vcpus or 1)))
    domain.cpu.cells = [Cell(id=0, cpus=everyone, memory=initial)]
    for module in domain.devices.memories:
        if module.target is not None and module.target.node is None and module.model in OF_NODES:
            module.target.node = 0


def _assign_rest(domain: Domain, cells: "list[Cell]") -> None:
    known: set[int] = set()
    for cell in cells:
        known |= bitmap.parse(cell.cpus) if cell.cpus else set()
    missing = set(range(domain.vcpus or 1)) - known
    if missing:
        first = min(cells, key=lambda cell: cell.id or 0)
        own = bitmap.parse(first.cpus) if first.cpus else set()
        first.cpus = bitmap.show(own | missing)
