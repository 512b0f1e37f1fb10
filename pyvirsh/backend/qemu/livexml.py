"""The definition of a running guest: what it was started with, and what only QEMU knew."""

from pyvirsh.backend.conf.domain import Domain, parse_domain
from pyvirsh.backend.conf.domain.chardev import CharPeer, CharSource
from pyvirsh.backend.durable import read_file, write_file
from pyvirsh.backend.errors import OPERATION_INVALID, VirError
from pyvirsh.backend.qemu import live
from pyvirsh.backend.store import is_uuid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyvirsh.backend.conf.domain.common import Info


def read(guest: live.Guest) -> Domain:
    """Return a running guest's definition.  Errors: OPERATION_INVALID if it has just ended."""
    data = read_file(guest.file(live.LIVE_XML))
    if data is None:
        raise VirError(OPERATION_INVALID, "domain is not running")
    domain = parse_domain(data)
    apply(domain, guest.facts())
    return domain


def write(path: str, domain: Domain) -> None:
    """Keep a running guest's definition in its directory."""
    from pyvirsh.backend.conf.domain import format_domain

    data = format_domain(domain).encode("utf-8", "surrogateescape")
    write_file(f"{path}/{live.LIVE_XML}", data, sync=False)


def apply(domain: Domain, facts: "list[list[str]]") -> None:
    """Put into a definition what the supervisor learnt from QEMU."""
    by_kind: dict[str, dict[str, str]] = {}
    for kind, *words in facts:
        by_kind.setdefault(kind, {})[words[0]] = words[1] if len(words) > 1 else words[0]
    for source, info in characters(domain):
        path = by_kind.get("terminal", {}).get(f"char{info.alias}")
        if path is not None and source.type == "pty":
            _set_terminal(source, path)
    for console in domain.devices.consoles:
        if console.source.type == "pty" and console.source.peers:
            console.source.tty = console.source.peer.path
    for channel in domain.devices.channels:
        is_open = by_kind.get("channel", {}).get(f"char{channel.info.alias}")
        if is_open is not None and channel.target_type == "virtio":
            channel.target_state = "connected" if is_open == "1" else "disconnected"
    for disk in domain.devices.disks:
        tray = by_kind.get("tray", {}).get(disk.info.alias or "")
        disk.target_tray = tray if tray == "open" else None
    for kib in by_kind.get("balloon", ()):
        domain.current_memory = int(kib)


def drop_places(domain: Domain) -> None:
    """Drop the sockets that a start has placed in a runtime directory, of this boot or an earlier one."""
    for source, _ in characters(domain):
        path = source.peer.path
        if source.type == "unix" and path and _is_placed(path):
            source.peers = []
    for graphics in domain.devices.graphics:
        for listen in graphics.listens:
            if listen.socket and _is_placed(listen.socket):
                listen.socket = graphics.socket = None


def _is_placed(path: str) -> bool:
    """Say whether a path is RUNTIME/BOOT/UUID/NAME."""
    *_, boot, uuid, _ = ["", "", "", *path.split("/")]
    return is_uuid(uuid) and len(boot) == 8 and not boot.strip("0123456789abcdef")


def characters(domain: Domain) -> "Iterator[tuple[CharSource, Info]]":
    """Yield the source and the alias of every character device."""
    devices = domain.devices
    groups = (devices.serials, devices.parallels, devices.channels, devices.consoles)
    for group in groups:
        yield from ((one.source, one.info) for one in group)
    for redirected in devices.redirdevs:
        yield redirected.source, redirected.info
    for card in devices.smartcards:
        yield card.source, card.info


def _set_terminal(source: CharSource, path: str) -> None:
    if not source.peers:
        source.peers.append(CharPeer())
    source.peers[0].path = path
