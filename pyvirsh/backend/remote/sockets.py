"""Transports over TCP and TLS."""

import os
import socket
import ssl

from pyvirsh.backend.errors import INTERNAL_ERROR, SYSTEM_ERROR, VirError
from pyvirsh.backend.remote.address import Address

TCP_PORT = 16509
TLS_PORT = 16514


class SocketTransport:
    """A connected stream socket, plain or TLS; carries no descriptors."""

    def __init__(self, sock: socket.socket) -> None:
        self.fds: list[int] = []
        self._socket = sock

    def fileno(self) -> int:
        return self._socket.fileno()

    def pending(self) -> bool:
        """Say whether decrypted data waits that the descriptor does not tell of."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def recv(self, size: int) -> bytes:
        return self._socket.recv(size)

    def send(self, data: bytes, fds: "list[int]") -> None:
        if fds:
            raise VirError(INTERNAL_ERROR, "descriptors can only be passed over a UNIX socket")
        self._socket.sendall(data)

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        self._socket.close()


def connect_tcp(address: Address, port: int, timeout: float) -> socket.socket:
    """Connect to the address's host.  Errors: SYSTEM_ERROR naming host, port and reason."""
    host = address.host or "localhost"
    try:
        sock = socket.create_connection((host, address.port or port), timeout)
    except OSError as error:
        reason = error.strerror or str(error) or "no answer"
        text = f"unable to connect to server at '{host}:{address.port or port}': {reason}"
        raise VirError(SYSTEM_ERROR, text, text=text) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def tcp(address: Address, timeout: float) -> SocketTransport:
    """Open a plain TCP connection."""
    sock = connect_tcp(address, TCP_PORT, timeout)
    sock.settimeout(None)
    return SocketTransport(sock)


def tls(address: Address, timeout: float) -> SocketTransport:
    """Open a TLS connection: our certificate shown, the server's verified.

    Errors: SYSTEM_ERROR or INTERNAL_ERROR naming the file, the host or the reason.
    """
    context = _context(address)
    sock = connect_tcp(address, TLS_PORT, timeout)
    try:
        wrapped = context.wrap_socket(sock, server_hostname=address.host or "localhost")
        # The server says with this byte that it takes our certificate.
        if wrapped.recv(1) != b"\x01":
            raise VirError(INTERNAL_ERROR, _refused(address))
    except (OSError, ssl.SSLError) as error:
        sock.close()
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
        text = f"TLS connection to '{address.host or 'localhost'}' failed: {reason}"
        raise VirError(SYSTEM_ERROR, text, text=text) from error
    wrapped.settimeout(None)
    return SocketTransport(wrapped)


def _refused(address: Address) -> str:
    return f"the server at '{address.host}' refused our certificate"


def _context(address: Address) -> ssl.SSLContext:
    authority, certificate, key = _pki(address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if address.is_set("no_verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        context.load_verify_locations(authority)
        if os.path.exists(certificate) and os.path.exists(key):
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        text = f"Cannot read CA certificate '{authority}': {getattr(error, 'strerror', '') or error}"
        raise VirError(SYSTEM_ERROR, text, text=text) from error
    return context


def _pki(address: Address) -> "tuple[str, str, str]":
    """Return the paths of the CA's certificate, ours, and our key."""
    own = os.path.join(os.path.expanduser("~"), ".pki", "libvirt")
    for directory in (address["pkipath"], own if os.geteuid() else ""):
        if directory and (address["pkipath"] or os.path.exists(os.path.join(directory, "cacert.pem"))):
            names = ("cacert.pem", "clientcert.pem", "clientkey.pem")
            return (
                os.path.join(directory, names[0]),
                os.path.join(directory, names[1]),
                os.path.join(directory, names[2]),
            )
    return (
        "/etc/pki/CA/cacert.pem",
        "/etc/pki/libvirt/clientcert.pem",
        "/etc/pki/libvirt/private/clientkey.pem",
    )
