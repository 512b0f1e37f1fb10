"""Ports for displays: chosen for each start, kept apart by links that the guest's end removes.

RUNTIME/ports/5900 -> UUID
"""

import os
import socket

from pyvirsh.backend.durable import make_directory
from pyvirsh.backend.errors import INTERNAL_ERROR, VirError
from pyvirsh.backend.qemu.supervisor.remains import PORTS, release_ports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.conf.domain.graphics import Graphics

DISPLAYS = (5900, 65535)
WEBSOCKETS = (5700, 65535)
LOOPBACK = "127.0.0.1"


def assign(domain: "Domain", runtime: str, uuid: str) -> "list[tuple[str, int]]":
    """Give the displays of a guest the ports that its definition leaves open; return address and port.

    Errors: INTERNAL_ERROR if there are none left.
    """
    chosen = []
    for graphics in domain.devices.graphics:
        if graphics.type not in ("vnc", "spice") or not _uses_ports(graphics):
            continue
        address = _listen(graphics)
        if graphics.port is None or graphics.port == -1:
            graphics.port = reserve(runtime, uuid, address, *DISPLAYS, what=graphics.type.upper())
            graphics.autoport = "yes"
            chosen.append((address, graphics.port))
        if graphics.websocket == -1:
            graphics.websocket = reserve(runtime, uuid, address, *WEBSOCKETS, what="VNC websocket")
            graphics.websocket_generated = "yes"
            chosen.append((address, graphics.websocket))
        if graphics.type == "spice" and graphics.tls_port == -1:
            graphics.tls_port = None  # no certificates are set up: the channels go unencrypted
    return chosen


def retake(chosen: "list[list[Any]]", runtime: str, uuid: str) -> bool:
    """Take the ports of an earlier start again; False, and none taken, if one of them is not free."""
    try:
        for address, port in chosen:
            reserve(runtime, uuid, address, port, port, what="kept")
    except VirError:
        release_ports(runtime, uuid)
        return False
    return True


def lost(stated: "Domain", chosen: "Domain") -> bool:
    """Say whether a port that was chosen for a guest, which does not run, is in use by now."""
    pairs = zip(stated.devices.graphics, chosen.devices.graphics, strict=True)
    return any(
        before.port in (None, -1) and after.port and not is_free(_listen(after), after.port)
        for before, after in pairs
        if after.type in ("vnc", "spice")
    )


def _uses_ports(graphics: "Graphics") -> bool:
    return graphics.socket is None and not any(one.type in ("socket", "none") for one in graphics.listens[:1])


def _listen(graphics: "Graphics") -> str:
    """Return where a display listens, and say so in the definition: on the loopback unless asked."""
    listens = [one for one in graphics.listens if one.type == "address"]
    address = next((one.address for one in listens if one.address), graphics.listen or LOOPBACK)
    for one in listens:
        one.address = one.address or address
    graphics.listen = graphics.listen or address
    return address


def reserve(runtime: str, uuid: str, address: str, first: int, last: int, *, what: str) -> int:
    """Return a free port and keep it for a guest.  Errors: INTERNAL_ERROR if there is none."""
    directory = f"{runtime}/{PORTS}"
    make_directory(directory)
    for port in range(first, last + 1):
        link = f"{directory}/{port}"
        if not _claim(link, uuid, runtime):
            continue
        if is_free(address, port):
            return port
        os.unlink(link)
    raise VirError(INTERNAL_ERROR, f"Unable to find an unused port in range '{what}' ({first}-{last})")


def _claim(link: str, uuid: str, runtime: str) -> bool:
    for _ in range(2):
        try:
            os.symlink(uuid, link)
            return True
        except FileExistsError:
            pass
        try:
            holder = os.readlink(link)
            if holder == uuid or os.path.isdir(f"{runtime}/{holder}"):
                return False
            os.unlink(link)
        except FileNotFoundError:
            continue
    return False


def is_free(address: str, port: int) -> bool:
    """Say whether nobody listens on a port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            sock.listen(1)
    except OSError:
        return False
    return True
