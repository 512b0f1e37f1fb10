"""What is decided anew each time a guest starts."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.chardev import CharPeer

_MIB = 1024
# What QEMU plugs in has to be a multiple of this, in KiB.
_MODULE = 2 * _MIB


def align(domain: Domain) -> None:
    """Round all sizes of memory up to what QEMU takes."""
    modules = [module.target for module in domain.devices.memories if module.target]
    before = sum(target.size or 0 for target in modules)
    for target in modules:
        target.size = _up(target.size or 0, _MODULE)
    cells = domain.cpu.cells if domain.cpu else []
    for cell in cells:
        cell.memory = _up(cell.memory or 0)
    initial = sum(cell.memory or 0 for cell in cells) or _up((domain.memory or 0) - before)
    domain.memory = initial + sum(target.size or 0 for target in modules)
    if domain.max_memory is not None:
        domain.max_memory = _up(domain.max_memory)


def _up(size: int, unit: int = _MIB) -> int:
    return -(-size // unit) * unit


def place_sockets(domain: Domain, directory: str) -> None:
    """Give each channel and screen that is a UNIX socket without a path one in `directory`."""
    for channel in domain.devices.channels:
        source = channel.source
        if source.type == "unix" and not source.peer.path:
            name = channel.target_name or channel.info.alias or "channel"
            source.peers = [CharPeer(mode="bind", path=f"{directory}/{name}")]
    for graphics in domain.devices.graphics:
        first = graphics.listens[0] if graphics.listens else None
        if first is not None and first.type == "socket" and not first.socket:
            first.socket = graphics.socket = f"{directory}/{graphics.type}.sock"
