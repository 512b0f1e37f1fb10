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


class Consoles:
    """Who has which console."""

    def __init__(self, loop: "Loop") -> None:
        self._loop = loop
        self._relays: dict[str, Relay] = {}

    def attach(self, client: socket.socket, request: "dict[str, Any]") -> "tuple[int, str] | None":
        """Connect a client to the console at a path; return code and text if that cannot be."""
        path = str(request["path"])
        current = self._relays.get(path)
        if current is not None:
            if not request.get("force"):
                return OPERATION_FAILED, "Active console session exists for this domain"
            current.close()
        try:
            other = _open_socket(path) if request.get("kind") == "unix" else _open_terminal(path)
        except OSError as error:
            return SYSTEM_ERROR, f"unable to open '{path}': {error.strerror}"
        client.setblocking(True)
        client.sendall(b"{}\n")
        client.setblocking(False)
        self._relays[path] = Relay(self._loop, client, other, lambda: self._forget(path))
        return None

    def _forget(self, path: str) -> None:
        self._relays.pop(path, None)


def _open_terminal(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)


def _open_socket(path: str) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as sock:
        sock.setblocking(False)
        sock.connect(path)
        return os.dup(sock.fileno())


class Relay:
    """Carries bytes between a client and the guest until either hangs up."""

    def __init__(self, loop: "Loop", client: socket.socket, other: int, closed: "Callable[[], None]") -> None:
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
            self.close()
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
            self.close()

    def _choose(self) -> None:
        """Ask for what can be used: no more input while the other side does not take it."""
        for side in (0, 1):
            mask = READ if len(self._waiting[1 - side]) < WAITING_MAX else 0
            mask |= WRITE if self._waiting[side] else 0
            self._loop.watch(self._fds[side], self._handler(side), mask)

    def close(self) -> None:
        """Hang up on both sides."""
        if not self._open:
            return
        self._open = False
        for fd in self._fds:
            self._loop.unwatch(fd)
        self._client.close()
        os.close(self._fds[1])
        self._closed()
