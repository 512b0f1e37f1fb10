"""Consoles and channels as streams; pictures of a guest's screen; keys and interrupts for it.

Source: libvirt API, virDomainOpenConsole and its kin; texts as observed of its QEMU driver.
"""

import json
import os
import socket

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import (
    INTERNAL_ERROR,
    OPERATION_INVALID,
    SYSTEM_ERROR,
    VirError,
)
from pyvirsh.backend.qemu import keycodes, lifecycle, live, monitor, qmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.conf.domain.chardev import CharSource
    from pyvirsh.backend.qemu.driver import QemuDriver

ANSWER_SECONDS = 10.0
ANSWER_MAX = 4096


class SocketStream:
    """A two-way stream over a connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes; b"" when the other side has hung up."""
        try:
            return self._socket.recv(size)
        except ConnectionError:
            return b""

    def send(self, data: bytes) -> int:
        """Send some of `data`; return how much.  Errors: SYSTEM_ERROR."""
        try:
            return self._socket.send(data)
        except OSError as error:
            raise VirError(SYSTEM_ERROR, f"cannot write to stream: {error.strerror}") from error

    def finish(self) -> None:
        """Hang up; what was sent arrives."""
        self._socket.close()

    def abort(self) -> None:
        """Hang up."""
        self._socket.close()


class FileStream:
    """A stream to be read from an open file."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """Return the file's descriptor."""
        return self._fd

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes; b"" at the end."""
        return os.read(self._fd, size)

    def send(self, data: bytes) -> int:
        """Refuse: the stream can only be read."""
        raise VirError(OPERATION_INVALID, "the stream can only be read")

    def finish(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def abort(self) -> None:
        """Close the file."""
        self.finish()


# -- consoles ------------------------------------------------------------------------------------------


def _named(domain: "Domain", name: str) -> "CharSource | None":
    """Return the source of the character device with an alias."""
    from pyvirsh.backend.qemu.livexml import characters

    for source, info in characters(domain):
        if info.alias == name:
            return source
    return None


def _first(domain: "Domain") -> "Iterator[CharSource]":
    devices = domain.devices
    for group in (devices.consoles, devices.serials, devices.parallels):
        yield from (device.source for device in group)


def domain_open_console(
    driver: "QemuDriver", dom: DomainRef, dev_name: "str | None", flags: int = 0
) -> SocketStream:
    allowed(flags, c.DOMAIN_CONSOLE_SAFE | c.DOMAIN_CONSOLE_FORCE, "qemuDomainOpenConsole")
    guest = driver.guest(dom)
    domain = driver.live_definition(guest)
    source = _named(domain, dev_name) if dev_name else next(_first(domain), None)
    if source is None:
        raise VirError(INTERNAL_ERROR, f"cannot find character device {dev_name or '<null>'}")
    return attach(guest, source, dev_name, force=bool(flags & c.DOMAIN_CONSOLE_FORCE))


def domain_open_channel(
    driver: "QemuDriver", dom: DomainRef, name: "str | None", flags: int = 0
) -> SocketStream:
    allowed(flags, c.DOMAIN_CHANNEL_FORCE, "qemuDomainOpenChannel")
    guest = driver.guest(dom)
    channels = driver.live_definition(guest).devices.channels
    found = next((one for one in channels if name in (None, one.target_name, one.info.alias)), None)
    if found is None:
        raise VirError(INTERNAL_ERROR, f"cannot find channel {name or '<null>'}")
    return attach(guest, found.source, name, force=bool(flags & c.DOMAIN_CHANNEL_FORCE))


def attach(guest: live.Guest, source: "CharSource", name: "str | None", *, force: bool) -> SocketStream:
    """Return a stream to a character device, by way of the supervisor.

    Errors: OPERATION_FAILED if someone has it and `force` does not take it from him.
    """
    path = source.peer.path
    if source.type not in ("pty", "unix") or not path:
        raise VirError(
            INTERNAL_ERROR, f"character device {name or '<null>'} is not using a PTY or UNIX socket"
        )
    try:
        sock = monitor.connect(guest.file(live.CONTROL), guest, guest.supervisor, ANSWER_SECONDS)
    except TimeoutError:
        raise lifecycle.silent(guest, ANSWER_SECONDS) from None
    request = {"op": "console", "kind": source.type, "path": path, "force": force}
    try:
        sock.settimeout(ANSWER_SECONDS)
        sock.sendall(json.dumps(request).encode() + b"\n")
        answer = _answer(sock, guest)
        sock.settimeout(None)
    except TimeoutError as error:
        sock.close()
        raise lifecycle.silent(guest, ANSWER_SECONDS) from error
    except BaseException:
        sock.close()
        raise
    if "error" in answer:
        sock.close()
        raise VirError(answer["error"][0], answer["error"][1])
    return SocketStream(sock)


def _answer(sock: socket.socket, guest: live.Guest) -> "dict[str, list[Any]]":
    """Return the supervisor's answer; what comes behind it is the console's and stays unread."""
    data = b""
    while not data.endswith(b"\n") and len(data) < ANSWER_MAX:
        piece = sock.recv(1)
        if not piece:
            raise monitor.gone(guest)
        data += piece
    answer: dict[str, list[Any]] = json.loads(data)
    return answer


# -- the screen ----------------------------------------------------------------------------------------


def domain_screenshot(
    driver: "QemuDriver", dom: DomainRef, screen: int, flags: int = 0
) -> "tuple[str, FileStream]":
    allowed(flags, 0, "qemuDomainScreenshot")
    guest = driver.guest(dom)
    videos = driver.live_definition(guest).devices.videos
    heads = [video for video in videos for _ in range(video.heads or 1)]
    if screen >= len(heads):
        raise VirError(OPERATION_INVALID, "no such screen ID")
    arguments: dict[str, object] = {}
    if screen:
        first = next(at for at, video in enumerate(videos) if video is heads[screen])
        before = sum((video.heads or 1) for video in videos[:first])
        arguments = {"device": videos[first].info.alias, "head": screen - before}
    path = guest.file(f"screen-{os.getpid()}")
    with monitor.Monitor(guest) as asked:
        try:
            asked.attempt("screendump", {**arguments, "filename": path, "format": "png"})
            mime = "image/png"
        except qmp.QmpError:
            asked.execute("screendump", {**arguments, "filename": path})
            mime = "image/x-portable-pixmap"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        os.unlink(path)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"unable to open '{path}': {error.strerror}") from error
    return mime, FileStream(fd)


# -- keys and interrupts -------------------------------------------------------------------------------


def domain_send_key(
    driver: "QemuDriver", dom: DomainRef, codeset: int, holdtime: int, codes: "list[int]", flags: int = 0
) -> None:
    allowed(flags, 0, "qemuDomainSendKey")
    keys = [{"type": "number", "data": keycodes.to_qnum(codeset, code)} for code in codes]
    arguments: dict[str, object] = {"keys": keys}
    if holdtime:
        arguments["hold-time"] = holdtime
    with monitor.Monitor(driver.guest(dom)) as asked:
        asked.execute("send-key", arguments)


def domain_inject_nmi(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    allowed(flags, 0, "qemuDomainInjectNMI")
    with monitor.Monitor(driver.guest(dom)) as asked:
        asked.execute("inject-nmi")
