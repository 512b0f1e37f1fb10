"""How much memory the guest has, and which modules it is made of."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_ERROR, VirError

_MIB = 1024


def complete(domain: Domain) -> None:
    """Sum up and round the guest's memory.  Errors: XML_ERROR if there is none."""
    for module in domain.devices.memories:
        if module.target is None or not module.target.size:
            raise VirError(XML_ERROR, "missing element or attribute './target/size'")
    plugged = sum(module.target.size or 0 for module in domain.devices.memories if module.target)
    cells = sum(cell.memory or 0 for cell in domain.cpu.cells) if domain.cpu else 0
    if cells:
        domain.memory = cells + plugged
    elif plugged > (domain.memory or 0):
        detail = "Total size of memory devices exceeds the total memory size"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if not domain.memory or domain.memory == plugged:
        raise VirError(XML_ERROR, "Memory size must be specified via <memory> or in the <numa> configuration")
    if not domain.current_memory or domain.current_memory > domain.memory:
        domain.current_memory = domain.memory


def align(domain: Domain) -> None:
    """Round all sizes up to whole MiB, as QEMU wants them, when the guest starts."""
    modules = [module.target for module in domain.devices.memories if module.target]
    before = sum(target.size or 0 for target in modules)
    for target in modules:
        target.size = _up(target.size or 0)
    cells = domain.cpu.cells if domain.cpu else []
    for cell in cells:
        cell.memory = _up(cell.memory or 0)
    initial = sum(cell.memory or 0 for cell in cells) or _up((domain.memory or 0) - before)
    domain.memory = initial + sum(target.size or 0 for target in modules)
    if domain.max_memory is not None:
        domain.max_memory = _up(domain.max_memory)


def _up(size: int) -> int:
    return -(-size // _MIB) * _MIB
