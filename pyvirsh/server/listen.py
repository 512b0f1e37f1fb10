"""Where clients come in: standard input and output, UNIX sockets, TLS; and who may.

A UNIX socket is made in a directory only its owner enters, mode 0600, and each peer's credentials are
checked; anything beyond this host needs TLS with client certificates.
"""

import os
import signal
import socket
import ssl
import stat
import struct
import threading
from typing import TYPE_CHECKING

from pyvirsh.backend.errors import INVALID_ARG, SYSTEM_ERROR, VirError
from pyvirsh.server.channel import Channel, PipeChannel, SocketChannel, TlsChannel
from pyvirsh.server.loop import Server

if TYPE_CHECKING:
    from pyvirsh.backend.api import Driver

# What a socket's address may take, the kernel's bound less the NUL.
PATH_MAX = 107
TLS_PORT = 16514
# The first descriptor that systemd passes to a unit it starts by its socket.
_FIRST_PASSED = 3
_CREDENTIALS = struct.Struct("3i")


def opener(default: str) -> "Opener":
    """Make what opens a driver for a client; `default` is opened when the client names none."""
    from pyvirsh import backend

    # Drivers in memory share their host between connections.
    opening = threading.Lock()

    def open_driver(name: str, read_only: bool) -> "Driver":
        uri = name or default
        if "+" in backend.Uri(uri).scheme or backend.Uri(uri).scheme == "remote":
            raise VirError(INVALID_ARG, f"{uri} names another host; this server serves its own")
        with opening:
            return backend.open(uri, read_only=read_only, environ={})

    return open_driver


def run(server: Server) -> None:
    """Serve until a signal ends it or, on standard input, the client goes."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: server.stop())
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    server.run()


def add_stdio(server: Server) -> None:
    """Serve the client at standard input and output; what else would write there goes to stderr."""
    reader, writer = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as null:
        os.dup2(null.fileno(), 0)
    os.dup2(2, 1)
    server.add(PipeChannel(reader, writer))


def add_socket(server: Server, path: str) -> None:
    """Listen on a UNIX socket at `path`; one left behind by a server that has gone is replaced.

    Errors: INVALID_ARG for a path too long, SYSTEM_ERROR when somebody serves there or it cannot be made.
    """
    if len(os.fsencode(path)) > PATH_MAX:
        raise VirError(INVALID_ARG, f"the socket path {path} is longer than {PATH_MAX} bytes")
    sock = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        _clear(path)
        sock.bind(path)
    except OSError as error:
        sock.close()
        text = f"cannot listen on {path}: {error.strerror}"
        raise VirError(SYSTEM_ERROR, text) from error
    finally:
        os.umask(before)
    sock.listen(64)
    server.listen(sock, accept_peer)


def _clear(path: str) -> None:
    """Remove a socket nobody listens on.  Errors: OSError when somebody does."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(17, "there is something else")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise OSError(98, "somebody serves there already")


def add_passed(server: Server) -> bool:
    """Listen on the sockets that systemd has opened for us; False if there are none."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return False
    for fd in range(_FIRST_PASSED, _FIRST_PASSED + int(os.environ.get("LISTEN_FDS", "0"))):
        server.listen(socket.socket(fileno=fd), accept_peer)
    return True


def accept_peer(sock: socket.socket) -> "Channel | None":
    """Take a client on a UNIX socket if it is our own user or root."""
    _, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return SocketChannel(sock) if uid in (0, os.geteuid()) else None


def add_tls(server: Server, address: str, pki: str) -> None:
    """Listen for TLS at ``HOST[:PORT]``; `pki` holds cacert.pem, servercert.pem, serverkey.pem.

    Errors: SYSTEM_ERROR naming the file or the address.
    """
    host, _, port = address.rpartition(":") if ":" in address.rpartition("]")[2] else (address, "", "")
    context = _tls_context(pki)
    try:
        sock = socket.create_server((host.strip("[]"), int(port or TLS_PORT)), backlog=64)
    except (OSError, ValueError) as error:
        raise VirError(SYSTEM_ERROR, f"cannot listen on {address}: {error}") from error

    def accept(made: socket.socket) -> Channel:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return TlsChannel(made, context)

    server.listen(sock, accept)


def _tls_context(pki: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    # A session ticket would reach libvirt's clients before the byte that they wait for.
    context.num_tickets = 0
    for name in ("cacert.pem", "servercert.pem", "serverkey.pem"):
        if not os.access(os.path.join(pki, name), os.R_OK):
            raise VirError(SYSTEM_ERROR, f"cannot read {os.path.join(pki, name)}, which TLS needs")
    try:
        context.load_verify_locations(os.path.join(pki, "cacert.pem"))
        context.load_cert_chain(os.path.join(pki, "servercert.pem"), os.path.join(pki, "serverkey.pem"))
    except ssl.SSLError as error:
        raise VirError(SYSTEM_ERROR, f"the certificates in {pki} cannot be used: {error}") from error
    return context


if TYPE_CHECKING:
    from pyvirsh.server.client import Opener
