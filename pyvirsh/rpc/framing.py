"""Packets of libvirt's RPC: a length word, a header, a payload.  No I/O.

Source: libvirt's documentation of its RPC infrastructure.
"""

import struct

from pyvirsh.rpc.protocol import CALL_WITH_FDS, MESSAGE_MAX, MESSAGE_NUM_FDS_MAX, REPLY_WITH_FDS

_HEADER = struct.Struct(">IIiiIi")
_LENGTH = struct.Struct(">I")

# What the length word may say at most; it counts itself.
LENGTH_MAX = MESSAGE_MAX + 4


class FramingError(ValueError):
    """What arrived is no packet of this protocol."""


class Packet:
    """One message; `fds` is how many descriptors follow it on a UNIX socket."""

    __slots__ = ("program", "version", "procedure", "type", "serial", "status", "payload", "fds")

    def __init__(
        self, program: int, procedure: int, type: int, serial: int, status: int = 0, payload: bytes = b""
    ) -> None:
        self.program = program
        self.version = 1
        self.procedure = procedure
        self.type = type
        self.serial = serial
        self.status = status
        self.payload = payload
        self.fds = 0

    def encode(self) -> bytes:
        """Return the packet as it goes over the wire, its length word first."""
        head = _HEADER.pack(self.program, self.version, self.procedure, self.type, self.serial, self.status)
        if self.type in (CALL_WITH_FDS, REPLY_WITH_FDS):
            head += _LENGTH.pack(self.fds)
        length = _LENGTH.size + len(head) + len(self.payload)
        if length > LENGTH_MAX:
            raise FramingError(f"a message of {length} bytes, but {LENGTH_MAX} is the most")
        return _LENGTH.pack(length) + head + self.payload


class Decoder:
    """Collects received bytes and gives whole packets."""

    def __init__(self) -> None:
        self._data = bytearray()
        # Bytes to be passed over: each descriptor comes with one, behind its packet.
        self._skip = 0

    def feed(self, data: bytes) -> "list[Packet]":
        """Add received bytes; return the packets they complete.  Errors: FramingError."""
        if not self._data and not self._skip and len(data) >= _LENGTH.size + _HEADER.size:
            # Most come alone and whole.
            if _LENGTH.unpack_from(data)[0] == len(data) <= LENGTH_MAX:
                packet = _decode(data[_LENGTH.size :])
                self._skip = packet.fds
                return [packet]
        self._data += data
        packets = []
        while self._passed_over() and len(self._data) >= _LENGTH.size:
            length = _LENGTH.unpack_from(self._data)[0]
            if not _LENGTH.size + _HEADER.size <= length <= LENGTH_MAX:
                raise FramingError(f"a packet of {length} bytes")
            if len(self._data) < length:
                break
            packet = _decode(bytes(self._data[_LENGTH.size : length]))
            packets.append(packet)
            self._skip = packet.fds
            del self._data[:length]
        return packets

    def _passed_over(self) -> bool:
        """Drop the bytes that came with descriptors; False while more of them must come."""
        dropped = min(self._skip, len(self._data))
        del self._data[:dropped]
        self._skip -= dropped
        return not self._skip


def _decode(body: bytes) -> Packet:
    program, version, procedure, kind, serial, status = _HEADER.unpack_from(body)
    packet = Packet(program, procedure, kind, serial, status, body[_HEADER.size :])
    packet.version = version
    if kind in (CALL_WITH_FDS, REPLY_WITH_FDS):
        if len(packet.payload) < _LENGTH.size:
            raise FramingError("a packet without its number of descriptors")
        packet.fds = _LENGTH.unpack_from(packet.payload)[0]
        if packet.fds > MESSAGE_NUM_FDS_MAX:
            raise FramingError(f"{packet.fds} descriptors, but {MESSAGE_NUM_FDS_MAX} is the most")
        packet.payload = packet.payload[_LENGTH.size :]
    return packet
