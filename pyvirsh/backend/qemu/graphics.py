"""A guest's screens for clients that bring their own connection.

Source: libvirt API, virDomainOpenGraphics and virDomainOpenGraphicsFD; QEMU's QMP reference, add_client.
"""

import socket

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import INTERNAL_ERROR, INVALID_ARG, VirError
from pyvirsh.backend.qemu.monitor import Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver

PROTOCOLS = ("vnc", "spice")
NAME = "graphicsfd"


def domain_open_graphics(
    driver: "QemuDriver", dom: DomainRef, idx: int, fds: "list[int]", flags: int = 0
) -> None:
    allowed(flags, c.DOMAIN_OPEN_GRAPHICS_SKIPAUTH, "qemuDomainOpenGraphics")
    if len(fds) != 1:
        raise VirError(INVALID_ARG, "a screen takes exactly one descriptor")
    _give(driver, dom, idx, fds[0], skip=bool(flags))


def domain_open_graphics_fd(driver: "QemuDriver", dom: DomainRef, idx: int, flags: int = 0) -> int:
    allowed(flags, c.DOMAIN_OPEN_GRAPHICS_SKIPAUTH, "qemuDomainOpenGraphicsFD")
    mine, theirs = socket.socketpair()
    with theirs:
        try:
            _give(driver, dom, idx, theirs.fileno(), skip=bool(flags))
        except BaseException:
            mine.close()
            raise
    return mine.detach()


def _give(driver: "QemuDriver", dom: DomainRef, idx: int, fd: int, *, skip: bool) -> None:
    """Have QEMU serve a screen on a connected socket; skip: whoever it is need not say a password."""
    guest = driver.guest(dom)
    screens = driver.live_definition(guest).devices.graphics
    if idx >= len(screens):
        raise VirError(INTERNAL_ERROR, f"No graphics backend with index {idx}")
    kind = screens[idx].type
    if kind not in PROTOCOLS:
        detail = f"Can only open VNC, SPICE or D-Bus p2p graphics backends, not {kind}"
        raise VirError(INVALID_ARG, detail)
    with Monitor(guest) as monitor:
        monitor.execute("getfd", {"fdname": NAME}, fds=(fd,))
        monitor.execute("add_client", {"protocol": kind, "fdname": NAME, "skipauth": skip})
