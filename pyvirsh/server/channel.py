"""What one client is connected by: sockets, TLS, or a pair of pipes; reads and writes never block."""

import array
import os
import socket
import ssl
from typing import Protocol

# What is read at a time: room for a call; for a stream's pieces once they fill that.
_READ_SIZE = 65536
_READ_MORE = 524288
_FDS_ROOM = socket.CMSG_SPACE(64 * array.array("i").itemsize)


class Gone(Exception):
    """The other side has closed or broken the connection."""


class Channel(Protocol):
    """A two-way byte stream; `read` and `write` return at once."""

    def read_fd(self) -> int:
        """Return the descriptor that becomes readable."""

    def write_fd(self) -> int:
        """Return the descriptor that becomes writable."""

    def read(self) -> "tuple[bytes, list[int]]":
        """Return what has come, b"" for nothing yet, and descriptors.  Errors: Gone."""

    def write(self, data: "bytes | memoryview") -> int:
        """Write some of `data`; return how much.  Errors: Gone."""

    def send_fd(self, fd: int) -> bool:
        """Pass a descriptor on; False when it cannot be sent now.  Errors: Gone."""

    def close(self) -> None:
        """Let go of it."""


class SocketChannel:
    """A UNIX socket: carries descriptors too."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._room = _READ_SIZE

    def read_fd(self) -> int:
        return self._sock.fileno()

    def write_fd(self) -> int:
        return self._sock.fileno()

    def read(self) -> "tuple[bytes, list[int]]":
        fds = array.array("i")
        try:
            data, messages, _, _ = self._sock.recvmsg(self._room, _FDS_ROOM, socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return b"", []
        except OSError as error:
            raise Gone(str(error)) from error
        for level, kind, payload in messages:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
        if not data:
            for fd in fds:
                os.close(fd)
            raise Gone("end of file")
        self._room = _READ_MORE if len(data) == self._room else _READ_SIZE
        return data, list(fds)

    def write(self, data: "bytes | memoryview") -> int:
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise Gone(str(error)) from error

    def send_fd(self, fd: int) -> bool:
        rights = array.array("i", [fd])
        try:
            self._sock.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            raise Gone(str(error)) from error
        return True

    def close(self) -> None:
        self._sock.close()


class TlsChannel:
    """A TLS connection; the handshake is made as data comes, and confirmed by one byte."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        sock.setblocking(False)
        self._tls = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self._ready = False

    def read_fd(self) -> int:
        return self._tls.fileno()

    def write_fd(self) -> int:
        return self._tls.fileno()

    def read(self) -> "tuple[bytes, list[int]]":
        pieces = []
        try:
            if not self._ready:
                self._tls.do_handshake()
                self._ready = True
                # libvirt's clients wait for this byte: it says that their certificate is accepted.
                self._tls.send(b"\x01")
            while True:
                piece = self._tls.recv(_READ_SIZE)
                if not piece:
                    raise Gone("end of file")
                pieces.append(piece)
                if not self._tls.pending():
                    break
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError, InterruptedError):
            pass
        except (OSError, ssl.SSLError) as error:
            raise Gone(str(error)) from error
        return b"".join(pieces), []

    def write(self, data: "bytes | memoryview") -> int:
        try:
            return self._tls.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError, InterruptedError):
            return 0
        except (OSError, ssl.SSLError) as error:
            raise Gone(str(error)) from error

    def send_fd(self, fd: int) -> bool:
        raise Gone("descriptors cannot be sent over TLS")

    def close(self) -> None:
        self._tls.close()


class PipeChannel:
    """Standard input and output, as ssh connects them."""

    def __init__(self, reader: int, writer: int) -> None:
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._reader = reader
        self._writer = writer

    def read_fd(self) -> int:
        return self._reader

    def write_fd(self) -> int:
        return self._writer

    def read(self) -> "tuple[bytes, list[int]]":
        try:
            data = os.read(self._reader, _READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return b"", []
        except OSError as error:
            raise Gone(str(error)) from error
        if not data:
            raise Gone("end of file")
        return data, []

    def write(self, data: "bytes | memoryview") -> int:
        try:
            return os.write(self._writer, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise Gone(str(error)) from error

    def send_fd(self, fd: int) -> bool:
        raise Gone("descriptors cannot be sent over a pipe")

    def close(self) -> None:
        os.close(self._reader)
        if self._writer != self._reader:
            os.close(self._writer)
