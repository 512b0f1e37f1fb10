"""A transport over a child process: ``+ext``, and ssh(1) where it is chosen."""

import os
import socket
import subprocess

from pyvirsh.backend.errors import INTERNAL_ERROR, SYSTEM_ERROR, VirError

# What of a failed child's last words is shown.
_WORDS_MAX = 4096


class ProcessTransport:
    """A child whose standard input and output are one socket; its stderr tells why it ended."""

    def __init__(self, argv: "list[str]") -> None:
        self.fds: list[int] = []
        ours, theirs = socket.socketpair()
        try:
            self._child = subprocess.Popen(
                argv, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.PIPE
            )
        except OSError as error:
            ours.close()
            text = f"Cannot run {argv[0]}: {error.strerror}"
            raise VirError(SYSTEM_ERROR, text, text=text) from error
        finally:
            theirs.close()
        self._socket = ours

    def fileno(self) -> int:
        return self._socket.fileno()

    def pending(self) -> bool:
        return False

    def recv(self, size: int) -> bytes:
        try:
            return self._socket.recv(size)
        except ConnectionResetError:
            return b""

    def last_words(self) -> str:
        """Return what the child said on stderr, once it has ended."""
        assert self._child.stderr is not None
        try:
            self._child.wait(2)
        except subprocess.TimeoutExpired:
            return ""
        os.set_blocking(self._child.stderr.fileno(), False)
        words = self._child.stderr.read(_WORDS_MAX) or b""
        return words.decode("utf-8", "replace").strip()

    def send(self, data: bytes, fds: "list[int]") -> None:
        if fds:
            raise VirError(INTERNAL_ERROR, "descriptors can only be passed over a UNIX socket")
        self._socket.sendall(data)

    def close(self) -> None:
        self._socket.close()
        if self._child.poll() is None:
            self._child.terminate()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stderr is not None:
            self._child.stderr.close()
