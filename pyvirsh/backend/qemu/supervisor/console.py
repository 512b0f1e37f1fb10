"""Consoles: the bytes of a guest's terminal or socket, relayed to one client at a time.

The terminal is opened only while someone is attached: at other times other programs may have it.
"""

import os
import socket

from pyvirsh.backend.errors import OPERATION_FAILED, SYSTEM_ERROR
from pyvirsh.backend.qemu.supervisor.loop import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyvirsh.backend.qemu.supervisor.loop import Loop

CHUNK = 16384
# What waits for a slow reader before no more is taken from the other side.
WAITING_MAX = 65536
# How long a terminal stays open after its client: QEMU looks once a second whether anybody has it, and
# takes in what was typed only while somebody has.
LINGER_SECONDS = 1.5


class Consoles:
    """Who has which console."""

    def __init__(self, loop: "Loop") -> None:
        self._loop = loop
        self._relays: dict[str, Relay] = {}
        self._lingering: dict[str, Lingering] = {}

    def attach(self, client: socket.socket, request: "dict[str, Any]") -> "tuple[int, str] | None":
        """Connect a client to the console at a path; return code and text if that cannot be."""
        path = str(request["path"])
        current = self._relays.get(path)
        if current is not None:
            if not request.get("force"):
                return OPERATION_FAILED, "Active console session exists for this domain"
            current.close()
        is_socket = request.get("kind") == "unix"
        try:
            other = _open_socket(path) if is_socket else _open_terminal(path)
        except OSError as error:
            return SYSTEM_ERROR, f"unable to open '{path}': {error.strerror}"
        if path in self._lingering:
            self._lingering[path].close()
        client.setblocking(True)
        client.sendall(b"{}\n")
        client.setblocking(False)

        def closed(unsaid: "bytearray | None") -> None:
            self._left(path, other, None if is_socket and not unsaid else unsaid)

        self._relays[path] = Relay(self._loop, client, other, closed)
        return None

    def _left(self, path: str, other: int, unsaid: "bytearray | None") -> None:
        """Know that a relay has ended; where its client left, what he typed is still to arrive."""
        self._relays.pop(path, None)
        if unsaid is None:
            os.close(other)
        else:
            self._lingering[path] = Lingering(self._loop, other, unsaid, lambda: self._settled(path))

    def _settled(self, path: str) -> None:
        self._lingering.pop(path, None)


def _open_terminal(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)


def _open_socket(path: str) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as sock:
        sock.setblocking(False)
        sock.connect(path)
        return os.dup(sock.fileno())


class Relay:
    """Carries bytes between a client and the guest until either hangs up.

    closed: called at the end, with what the client has sent and `other` has not taken yet, or None if the
    other side is gone; `other` is then the callee's to close.
    """

    def __init__(
        self, loop: "Loop", client: socket.socket, other: int, closed: "Callable[[bytearray | None], None]"
    ) -> None:
        self._loop = loop
        self._client = client
        self._closed = closed
        self._fds = (client.fileno(), other)
        # What waits to be written to each of the two.
        self._waiting = (bytearray(), bytearray())
        self._open = True
        for side in (0, 1):
            loop.watch(self._fds[side], self._handler(side), READ)

    def _handler(self, side: int) -> "Callable[[int], None]":
        return lambda events: self._ready(side, events)

    def _ready(self, side: int, events: int) -> None:
        if events & WRITE:
            self._flush(side)
        if events & READ and self._open:
            self._read(side)
        if self._open:
            self._choose()

    def _read(self, side: int) -> None:
        try:
            data = os.read(self._fds[side], CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a terminal whose QEMU is gone says EIO
        if not data:
            self.close(self._waiting[1] if side == 0 else None)
            return
        self._waiting[1 - side].extend(data)
        self._flush(1 - side)

    def _flush(self, side: int) -> None:
        waiting = self._waiting[side]
        try:
            while waiting:
                del waiting[: os.write(self._fds[side], waiting[:CHUNK])]
        except BlockingIOError:
            return
        except OSError:
            self.close(self._waiting[1] if side == 0 else None)

    def _choose(self) -> None:
        """Ask for what can be used: no more input while the other side does not take it."""
        for side in (0, 1):
            mask = READ if len(self._waiting[1 - side]) < WAITING_MAX else 0
            mask |= WRITE if self._waiting[side] else 0
            self._loop.watch(self._fds[side], self._handler(side), mask)

    def close(self, unsaid: "bytearray | None" = None) -> None:
        """Hang up."""
        if not self._open:
            return
        self._open = False
        for fd in self._fds:
            self._loop.unwatch(fd)
        self._client.close()
        self._closed(unsaid)


class Lingering:
    """A terminal or socket whose client has gone: open for a moment, so that what he sent last arrives."""

    def __init__(self, loop: "Loop", fd: int, unsaid: bytearray, closed: "Callable[[], None]") -> None:
        self._loop = loop
        self._fd = fd
        self._unsaid = unsaid
        self._closed = closed
        self._timer = loop.after(LINGER_SECONDS, self.close)
        self._choose()

    def _choose(self) -> None:
        self._loop.watch(self._fd, self._ready, READ | (WRITE if self._unsaid else 0))

    def _ready(self, events: int) -> None:
        try:
            if events & WRITE:
                del self._unsaid[: os.write(self._fd, self._unsaid[:CHUNK])]
            if events & READ and not os.read(self._fd, CHUNK):
                self.close()
                return
        except BlockingIOError:
            pass  # said too early; it is asked again
        except OSError:
            self.close()
            return
        self._choose()

    def close(self) -> None:
        """Hang up."""
        self._timer.cancel()
        self._loop.unwatch(self._fd)
        os.close(self._fd)
        self._closed()
