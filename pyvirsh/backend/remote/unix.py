"""The transport over a UNIX socket, descriptors included."""

import os
import socket

from pyvirsh.backend.errors import SYSTEM_ERROR, VirError
from pyvirsh.rpc.protocol import MESSAGE_NUM_FDS_MAX


class UnixTransport:
    """A connected UNIX stream socket."""

    def __init__(self, path: str, timeout: float) -> None:
        self.fds: list[int] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            reason = error.strerror or "the daemon does not take the connection"
            text = f"Failed to connect socket to '{path}': {reason}"
            raise VirError(SYSTEM_ERROR, text, text=text) from error
        self._socket.settimeout(None)

    def fileno(self) -> int:
        return self._socket.fileno()

    def pending(self) -> bool:
        return False

    def recv(self, size: int) -> bytes:
        data, fds, _, _ = socket.recv_fds(self._socket, size, MESSAGE_NUM_FDS_MAX, socket.MSG_CMSG_CLOEXEC)
        self.fds += fds
        return data

    def send(self, data: bytes, fds: "list[int]") -> None:
        self._socket.sendall(data)
        for fd in fds:
            # Each descriptor travels with one byte of its own.
            socket.send_fds(self._socket, [b"\0"], [fd])

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)
        self._socket.close()
