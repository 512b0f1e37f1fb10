"""A stream of bytes that belongs to one call: console, screenshot, a volume's data."""

from collections import deque
from typing import TYPE_CHECKING

from pyvirsh.backend.errors import RPC, VirError
from pyvirsh.backend.remote.client import remote_error
from pyvirsh.rpc import protocol, xdr
from pyvirsh.rpc.framing import Packet

if TYPE_CHECKING:
    from pyvirsh.backend.remote.client import Client

# libvirt's own clients and servers send stream data in pieces of this size.
STREAM_CHUNK = protocol.MESSAGE_LEGACY_PAYLOAD_MAX


class RemoteStream:
    """A stream of bytes that belongs to one call."""

    def __init__(self, client: "Client", program: int, number: int, serial: int) -> None:
        self.serial = serial
        self._client = client
        self._program = program
        self._number = number
        # What has come and is not read yet: data, and holes as their lengths.
        self._parts: deque[bytearray | int] = deque()
        self._ended = False
        self._confirmed = False
        self._error: VirError | None = None

    def take(self, packet: Packet) -> None:
        """Take in a packet of this stream."""
        if packet.status == protocol.STATUS_ERROR:
            self._error = remote_error(packet.payload) if packet.payload else None
            self._ended = self._confirmed = True
        elif packet.status == protocol.STATUS_OK:
            self._ended = self._confirmed = True
        elif packet.type == protocol.STREAM_HOLE:
            self._take_hole(packet.payload)
        elif packet.payload:
            self._parts.append(bytearray(packet.payload))
        else:
            self._ended = True

    def _take_hole(self, payload: bytes) -> None:
        try:
            length = xdr.unpacker("hyper")(xdr.Cursor(payload))
        except xdr.XdrError as error:
            self._error, self._ended = (
                VirError(RPC, text=f"the peer sent a hole without length: {error}"),
                True,
            )
            return
        if length > 0:
            self._parts.append(length)

    def fileno(self) -> int:
        """Return the connection's descriptor."""
        return self._client.fileno()

    def pending(self) -> bool:
        """Say whether `recv` has something without waiting."""
        return bool(self._parts) or self._ended

    def poll(self) -> bool:
        """Take in what has arrived; say whether `recv` has something without waiting."""
        if not self.pending():
            self._client.pump(0)
        return self.pending()

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes, waiting for some; b"" at the end.

        A hole that was not asked for comes as zeros.
        """
        part = self._first()
        if isinstance(part, int):
            length = min(size, part)
            self._parts[0] = part - length
            data = bytes(length)
        else:
            data = bytes(part[:size])
            del part[: len(data)]
        if self._parts and not self._parts[0]:
            self._parts.popleft()
        return data

    def recv_hole(self) -> int:
        """Return the length of the hole that comes next, waiting; 0 when data comes, or the end."""
        part = self._first()
        if not isinstance(part, int):
            return 0
        self._parts.popleft()
        return part

    def _first(self) -> "bytearray | int":
        """Return what has come first, waiting for it; nothing at the end."""
        while not self._parts and not self._ended:
            self._client.pump(None)
        if self._parts:
            return self._parts[0]
        if self._error is not None:
            raise self._error
        return bytearray()

    def send(self, data: bytes) -> int:
        """Send some of `data`; return how much."""
        self._check_peer()
        piece = data[:STREAM_CHUNK]
        self._packet(protocol.STATUS_CONTINUE, piece)
        return len(piece)

    def send_hole(self, length: int) -> None:
        """Send `length` bytes that are zero and need no room."""
        self._check_peer()
        payload = bytearray()
        xdr.packer("hyper")(payload, length)
        xdr.packer("uint")(payload, 0)
        self._packet(protocol.STATUS_CONTINUE, bytes(payload), protocol.STREAM_HOLE)

    def _check_peer(self) -> None:
        """See whether the peer has given up.  Errors: VirError."""
        self.poll()
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """End the stream and wait until the peer has everything."""
        self._close(protocol.STATUS_OK)
        if self._error is not None:
            raise self._error

    def abort(self) -> None:
        """End the stream at once."""
        self._close(protocol.STATUS_ERROR)

    def _close(self, status: int) -> None:
        if self._confirmed:
            self._client.forget(self)
            return
        self._packet(status, b"")
        while not self._confirmed:
            self._client.pump(None)
        self._client.forget(self)

    def _packet(self, status: int, payload: bytes, kind: int = protocol.STREAM) -> None:
        self._client.send(Packet(self._program, self._number, kind, self.serial, status, payload))
