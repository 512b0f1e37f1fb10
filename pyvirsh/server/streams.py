"""A stream that a call has opened: console, screenshot, volume data, between driver and client."""

import struct
from typing import TYPE_CHECKING, cast

from pyvirsh.backend.errors import VirError
from pyvirsh.rpc import protocol
from pyvirsh.rpc.framing import Packet
from pyvirsh.server import calls

if TYPE_CHECKING:
    from pyvirsh.backend.api import SparseStream, Stream

# libvirt's own servers send stream data in pieces of this size.
CHUNK = protocol.MESSAGE_LEGACY_PAYLOAD_MAX
_HOLE = struct.Struct(">qI")
# Data from the client that the driver has not taken yet, at most.
PENDING_MAX = 8 << 20


class ServedStream:
    """The server's end; `closed` when nothing more will come or go."""

    def __init__(self, call: Packet, stream: "Stream", *, sparse: bool = False) -> None:
        self.serial = call.serial
        self._sparse: SparseStream | None = cast("SparseStream", stream) if sparse else None
        self.stream = stream
        self.closed = False
        self.at_end = False
        self._call = call
        self._pending = bytearray()
        self._finishing = False

    def fileno(self) -> int:
        """Return the driver's descriptor; -1 for data that is simply there."""
        return self.stream.fileno()

    @property
    def wants_write(self) -> bool:
        """Say whether data from the client waits for the driver to take it."""
        return bool(self._pending)

    # -- to the client -----------------------------------------------------------------------------

    def pump(self) -> "Packet | None":
        """Return the next piece of the driver's data; the end and a failure are packets too."""
        try:
            hole = self._sparse.recv_hole() if self._sparse is not None else 0
            if hole:
                return self._packet(protocol.STATUS_CONTINUE, _HOLE.pack(hole, 0), protocol.STREAM_HOLE)
            data = self.stream.recv(CHUNK)
        except VirError as error:
            return self.fail(error)
        self.at_end = not data
        return self._packet(protocol.STATUS_CONTINUE, data)

    def fail(self, error: VirError) -> Packet:
        """End the stream with an error."""
        self._abort()
        return self._packet(protocol.STATUS_ERROR, calls.error_payload(error))

    # -- from the client ---------------------------------------------------------------------------

    def take(self, packet: Packet) -> "Packet | None":
        """Take a packet in; return the answer to it, if it has one."""
        if self.closed:
            return None
        try:
            if packet.status == protocol.STATUS_ERROR:
                self._abort()
                return self._packet(protocol.STATUS_ERROR, b"")
            if packet.status == protocol.STATUS_OK:
                self._finishing = True
                return self.drain()
            self._pending += self._data_of(packet)
            if len(self._pending) > PENDING_MAX:
                raise calls.rpc_error("too much stream data is waiting")
            return self.drain()
        except VirError as error:
            return self.fail(error)

    def drain(self) -> "Packet | None":
        """Give the driver what waits for it; when all has gone and the client is done, finish."""
        try:
            while self._pending:
                taken = self.stream.send(bytes(self._pending[:CHUNK]))
                if not taken:
                    return None
                del self._pending[:taken]
            if self._finishing and not self.closed:
                self.closed = True
                self.stream.finish()
                return self._packet(protocol.STATUS_OK, b"")
        except VirError as error:
            return self.fail(error)
        return None

    def _data_of(self, packet: Packet) -> bytes:
        if packet.type != protocol.STREAM_HOLE:
            return packet.payload
        try:
            length, _ = _HOLE.unpack(packet.payload)
        except struct.error as error:
            raise calls.rpc_error("Unable to decode message payload") from error
        if self._sparse is None or length < 0:
            raise calls.rpc_error("the stream takes no holes")
        self._sparse.send_hole(length)
        return b""

    def _abort(self) -> None:
        if not self.closed:
            self.closed = True
            self.stream.abort()

    def abandon(self) -> None:
        """Let go of it: the client has vanished."""
        self._abort()

    def _packet(self, status: int, payload: bytes, kind: int = protocol.STREAM) -> Packet:
        call = self._call
        return Packet(call.program, call.procedure, kind, self.serial, status, payload)
