"""One connection to a peer that speaks libvirt's RPC: calls, events and streams over a transport.

Source: libvirt's documentation of its RPC infrastructure; `reference/rpc/notes.md`.
"""

import select
import time

from pyvirsh.backend.errors import INTERNAL_ERROR, RPC, VirError
from pyvirsh.rpc import protocol, shape, xdr
from pyvirsh.rpc.framing import Decoder, FramingError, Packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from contextlib import AbstractContextManager
    from typing import Any, Protocol

    from pyvirsh.backend.remote.stream import RemoteStream

    class Transport(Protocol):
        """A reliable two-way byte stream; `fds` are the descriptors that have come over it."""

        fds: list[int]

        def fileno(self) -> int:
            """Return the descriptor that becomes readable."""

        def pending(self) -> bool:
            """Say whether data has come that the descriptor does not tell of."""

        def recv(self, size: int) -> bytes:
            """Return what has come, at most `size` bytes; b"" at the end."""

        def send(self, data: bytes, fds: "list[int]") -> None:
            """Send all of `data`, then each of `fds` (only over a UNIX socket)."""

        def last_words(self) -> str:
            """Return what the far side said why it ended the connection, "" for nothing."""

        def close(self) -> None:
            """Let go of the connection."""


# A peer that has been silent this long while we wait is asked for a sign of life, and given up
# when several such questions bring nothing.
KEEPALIVE_SECONDS = 5
KEEPALIVE_COUNT = 6
_PING, _PONG = 1, 2

# What is read at a time: room for an answer; for a stream's pieces once they fill that.
_READ_SIZE = 65536
_READ_MORE = 524288


class Client:
    """Speaks to the peer behind `transport`."""

    def __init__(self, transport: "Transport") -> None:
        self.interval = KEEPALIVE_SECONDS
        self.count = KEEPALIVE_COUNT
        self.closed_because = ""
        # The kind of `closed_because` when the peer is to blame, in libvirt's words.
        self.lost = ""
        self._transport = transport
        self._decoder = Decoder()
        self._serial = 0
        self._replies: dict[int, Packet] = {}
        self._streams: dict[int, RemoteStream] = {}
        self._messages: list[Packet] = []
        # Set by `share`: guards what is sent, and is told of each arrival.
        self._shared: threading.Condition | None = None
        self._pumping = False
        self._room = _READ_SIZE
        # poll also takes descriptors that select has no bit for.
        self._poll = select.poll()
        self._poll.register(transport.fileno(), select.POLLIN)

    # -- calls -------------------------------------------------------------------------------------

    def call(self, name: str, values: "tuple[Any, ...]", fds: "tuple[int, ...]" = ()) -> "tuple[Any, ...]":
        """Call procedure `name`; return the fields of its result.  Errors: VirError."""
        return self._result(name, self._await_reply(self._send_call(name, values, fds)))

    def call_for_fds(
        self, name: str, values: "tuple[Any, ...]", fds: "tuple[int, ...]" = ()
    ) -> "tuple[tuple[Any, ...], list[int]]":
        """Call a procedure that gives descriptors; return its result's fields and the descriptors."""
        packet = self._await_reply(self._send_call(name, values, fds))
        result = self._result(name, packet)
        while len(self._transport.fds) < packet.fds:
            self.pump(None)
        return result, [self._transport.fds.pop(0) for _ in range(packet.fds)]

    def open_stream(self, name: str, values: "tuple[Any, ...]") -> "tuple[tuple[Any, ...], RemoteStream]":
        """Call a procedure that opens a stream; return its result's fields and the stream."""
        from pyvirsh.backend.remote.stream import RemoteStream

        program, number, _ = protocol.PROCEDURES[name]
        serial = self._send_call(name, values, ())
        # Data may come right behind the reply: the stream must be known by then.
        stream = self._streams[serial] = RemoteStream(self, program, number, serial)
        try:
            return self._result(name, self._await_reply(serial)), stream
        except VirError:
            del self._streams[serial]
            raise

    def _send_call(self, name: str, values: "tuple[Any, ...]", fds: "tuple[int, ...]") -> int:
        program, number, _ = protocol.PROCEDURES[name]
        struct = shape.struct_of(name, "args")
        try:
            payload = xdr.pack(struct, values) if struct else b""
        except xdr.XdrError as error:
            raise VirError(
                RPC, f"cannot send {name}: {error}", text=f"cannot send {name}: {error}"
            ) from error
        packet = Packet(program, number, protocol.CALL, 0, payload=payload)
        if fds:
            packet.type, packet.fds = protocol.CALL_WITH_FDS, len(fds)
        with self._alone():
            packet.serial = self._serial
            self._serial += 1
            self.send(packet, list(fds))
        return packet.serial

    def _await_reply(self, serial: int) -> Packet:
        if self._shared is not None:
            return self._await_shared(self._shared, serial)
        while serial not in self._replies:
            self.pump(None)
        return self._replies.pop(serial)

    # -- from several threads ----------------------------------------------------------------------

    def share(self) -> None:
        """Allow calls from other threads while one is under way."""
        import threading

        self._shared = self._shared or threading.Condition()

    def _alone(self) -> "AbstractContextManager[Any]":
        return _NOBODY if self._shared is None else self._shared

    def _await_shared(self, shared: "threading.Condition", serial: int) -> Packet:
        """Wait for a reply; of the threads that wait, one takes in what arrives, for all."""
        with shared:
            while serial not in self._replies:
                if self._pumping:
                    shared.wait()
                    continue
                self._pumping = True
                shared.release()
                try:
                    self.pump(None)
                finally:
                    shared.acquire()
                    self._pumping = False
                    shared.notify_all()
            return self._replies.pop(serial)

    def _result(self, name: str, packet: Packet) -> "tuple[Any, ...]":
        if packet.status == protocol.STATUS_ERROR:
            raise remote_error(packet.payload)
        struct = shape.struct_of(name, "ret")
        if not struct:
            return ()
        result: tuple[Any, ...] = self._decode(struct, packet.payload)
        return result

    def _decode(self, struct: str, payload: bytes) -> "Any":
        try:
            return xdr.unpack(struct, payload)
        except xdr.XdrError as error:
            self.close(f"the peer sent a {struct} that cannot be read: {error}", lost="I/O error")
            raise self._gone() from error

    # -- events ------------------------------------------------------------------------------------

    def messages(self, timeout: "float | None") -> "list[tuple[str, tuple[Any, ...]]]":
        """Wait for events; return (message struct, fields) of those that have come."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._messages:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            self.pump(left)
            if left == 0 and not self._messages:
                return []
        found = []
        for packet in self._messages:
            struct = protocol.EVENTS.get((packet.program, packet.procedure))
            if struct:
                found.append((struct, self._decode(struct, packet.payload)))
        self._messages.clear()
        return found

    # -- the wire ------------------------------------------------------------------------------------

    def send(self, packet: Packet, fds: "list[int] | None" = None) -> None:
        """Send a packet.  Errors: VirError if the connection is gone."""
        if self.closed_because:
            raise self._gone()
        try:
            with self._alone():
                self._transport.send(packet.encode(), fds or [])
        except FramingError as error:
            raise VirError(RPC, str(error), text=str(error)) from error
        except OSError as error:
            said = self._transport.last_words()
            reason = f"Cannot write data: {said}{': ' if said else ''}{error.strerror}"
            self.close(reason, lost="I/O error")
            raise self._gone() from error

    def pump(self, timeout: "float | None") -> None:
        """Take in what arrives within `timeout` seconds; None: until something has arrived.

        A peer that stays silent is asked for a sign of life.  Errors: VirError when it is gone.
        """
        if self.closed_because:
            raise self._gone()
        asked = 0
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._transport.pending():
            left = self.interval if deadline is None else min(self.interval, deadline - time.monotonic())
            if self._is_readable(max(0, left) if self.interval else timeout):
                break
            if deadline is not None and time.monotonic() >= deadline:
                return
            if asked == self.count:
                self.close("connection closed due to keepalive timeout", lost="keepalive timeout")
                raise self._gone()
            asked += 1
            self.send(Packet(protocol.KEEPALIVE_PROGRAM, _PING, protocol.MESSAGE, 0))
        self._receive()

    def _is_readable(self, timeout: "float | None") -> bool:
        """Wait for something to arrive."""
        return bool(self._poll.poll(None if timeout is None else timeout * 1000))

    def _receive(self) -> None:
        try:
            data = self._transport.recv(self._room)
            self._room = _READ_MORE if len(data) == self._room else _READ_SIZE
            if not data:
                said = self._transport.last_words()
                reason = f"End of file while reading data: {said}{': ' if said else ''}Input/output error"
                self.close(reason, lost="end of file")
                raise self._gone()
            packets = self._decoder.feed(data)
        except OSError as error:
            self.close(f"Cannot read data: {error.strerror}", lost="I/O error")
            raise self._gone() from error
        except FramingError as error:
            self.close(f"the peer does not speak libvirt's protocol: {error}", lost="I/O error")
            raise self._gone() from error
        for packet in packets:
            self._take(packet)

    def _take(self, packet: Packet) -> None:
        if packet.program == protocol.KEEPALIVE_PROGRAM:
            if packet.procedure == _PING:
                self.send(Packet(protocol.KEEPALIVE_PROGRAM, _PONG, protocol.MESSAGE, 0))
        elif packet.type in (protocol.REPLY, protocol.REPLY_WITH_FDS):
            self._replies[packet.serial] = packet
        elif packet.type == protocol.MESSAGE:
            self._messages.append(packet)
        elif packet.serial in self._streams:
            self._streams[packet.serial].take(packet)

    def forget(self, stream: "RemoteStream") -> None:
        """Drop a stream that has ended."""
        self._streams.pop(stream.serial, None)

    def fileno(self) -> int:
        """Return the transport's descriptor."""
        return self._transport.fileno()

    def close(self, reason: str = "connection closed", *, lost: str = "") -> None:
        """Let go of the connection; calls after this fail with `reason`."""
        if not self.closed_because:
            self.closed_because, self.lost = reason, lost
            self._transport.close()

    def _gone(self) -> VirError:
        return VirError(INTERNAL_ERROR, self.closed_because, text=self.closed_because)


class _Nobody:
    """Stands for a lock where nobody else is there."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


_NOBODY = _Nobody()


def remote_error(payload: bytes) -> VirError:
    """Make the error that a reply carries, in the sender's words."""
    try:
        code, _, message, *_ = xdr.unpack("remote_error", payload)
    except xdr.XdrError as error:
        return VirError(RPC, str(error), text=f"the peer sent an error that cannot be read: {error}")
    return VirError(code, text=message or "the peer reports an error without a text")
