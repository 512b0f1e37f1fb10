"""What is known of one client: what it may do, its calls under way, its streams, what waits to be sent.

No waiting happens here; `loop` reads and writes when the client's channel is ready.
"""

import os
from collections import deque
from contextlib import nullcontext
from typing import TYPE_CHECKING

from pyvirsh.backend.errors import INTERNAL_ERROR, VirError
from pyvirsh.rpc import protocol
from pyvirsh.rpc.framing import Decoder, FramingError, Packet
from pyvirsh.server import calls
from pyvirsh.server.channel import Channel
from pyvirsh.server.streams import ServedStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import Driver

    # (name the client gives, read only) -> connection
    Opener = Callable[[str, bool], Driver]

# Calls of one client under way; beyond that its packets wait, as libvirt's daemon lets them.
CALLS_MAX = 5
STREAMS_MAX = 64
# What may wait to be sent before the client is not listened to, and before it is given up.
BACKLOG_FULL = 4 << 20
BACKLOG_MAX = 64 << 20

# Seconds of silence before a client that asked for keepalive is asked for a sign of life.
KEEPALIVE_SECONDS = 5.0
KEEPALIVE_COUNT = 5
# Seconds a client may take to open a connection to a driver.
OPEN_SECONDS = 60.0

_PING, _PONG = 1, 2
_FEATURES = {
    protocol.FEATURE_REMOTE: 0,
    protocol.FEATURE_FD_PASSING: 1,
    protocol.FEATURE_TYPED_PARAM_STRING: 1,
    protocol.FEATURE_PROGRAM_KEEPALIVE: 1,
    protocol.FEATURE_REMOTE_EVENT_CALLBACK: 1,
    protocol.FEATURE_REMOTE_CLOSE_CALLBACK: 1,
    protocol.FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER: 1,
}
# Which part of libvirt errors are said to come from, by the driver's scheme.
_ORIGINS = {"qemu": 10, "test": 12, "lxc": 17}


class Client:
    """One client behind `channel`; `gone` once nothing more can be read or sent."""

    def __init__(self, channel: Channel, opener: "Opener", *, read_only: bool, now: float) -> None:
        self.channel = channel
        self.gone = ""
        # It has said good-bye; nothing more than what waits is sent.
        self.leaving = False
        self.heard = self.since = now
        self.calls = 0
        self.driver: Driver | None = None
        self.streams: dict[int, ServedStream] = {}
        self.waiting: deque[tuple[Packet, list[int]]] = deque()
        self._opener = opener
        self._read_only = read_only
        self._opening: tuple[str, bool] | None = None
        self._decoder = Decoder()
        self._fds: deque[int] = deque()
        self._out: deque[bytes | int] = deque()
        self._backlog = 0
        self._idle: list[Driver] = []
        self._all: list[Driver] = []
        self._keepalive = False
        self._pings = 0

    # -- received ----------------------------------------------------------------------------------

    def feed(self, data: bytes, fds: "list[int]", now: float) -> None:
        """Take in what has come."""
        self.heard, self._pings = now, 0
        self._fds += fds
        try:
            packets = self._decoder.feed(data)
        except FramingError as error:
            self.gone = f"the client does not speak libvirt's protocol: {error}"
            return
        for packet in packets:
            if self.waiting and not self._complete(*self.waiting[-1]):
                self.gone = "the client sent fewer descriptors than it said"
                return
            # A packet's descriptors come behind it, with bytes of their own: wait for them.
            self.waiting.append((packet, []))
        if self.waiting:
            self._complete(*self.waiting[-1])
        if self._fds:
            self.gone = "the client sent more descriptors than it said"

    @property
    def is_busy(self) -> bool:
        """Say whether the client must wait before more is done for it."""
        return self.calls >= CALLS_MAX or self.is_full or self.leaving or bool(self.gone)

    @property
    def has_packet(self) -> bool:
        """Say whether a packet is whole, with its descriptors."""
        return bool(self.waiting) and self._complete(*self.waiting[0])

    def take(self) -> "tuple[Packet, list[int]]":
        """Return the next whole packet with its descriptors."""
        return self.waiting.popleft()

    def _complete(self, packet: Packet, fds: "list[int]") -> bool:
        while len(fds) < packet.fds and self._fds:
            fds.append(self._fds.popleft())
        return len(fds) >= packet.fds

    # -- to be sent --------------------------------------------------------------------------------

    def send(self, packet: Packet, fds: "tuple[int, ...]" = ()) -> None:
        """Let a packet wait to be sent."""
        if self.gone:
            return
        if fds:
            packet.type, packet.fds = protocol.REPLY_WITH_FDS, len(fds)
        data = packet.encode()
        self._out.append(data)
        self._out.extend(fds)
        self._backlog += len(data)
        if self._backlog > BACKLOG_MAX:
            self.gone = "the client does not read what it is sent"

    @property
    def has_output(self) -> bool:
        """Say whether something waits to be sent."""
        return bool(self._out)

    @property
    def is_full(self) -> bool:
        """Say whether so much waits that the client must read before it is given more."""
        return self._backlog > BACKLOG_FULL

    def flush(self) -> None:
        """Send what the channel takes now.  Errors: channel.Gone."""
        while self._out:
            item = self._out[0]
            if isinstance(item, int):
                if not self.channel.send_fd(item):
                    return
                os.close(item)
                self._out.popleft()
                continue
            sent = self.channel.write(item)
            self._backlog -= sent
            if sent < len(item):
                self._out[0] = item[sent:]
                return
            self._out.popleft()

    def reply(self, call: Packet, answer: "calls.Answer | VirError") -> None:
        """Answer a call."""
        if isinstance(answer, VirError):
            origin = _ORIGINS.get(self._scheme(), 6)
            packet = self._reply_packet(call, protocol.STATUS_ERROR, calls.error_payload(answer, origin))
            self.send(packet)
            return
        if answer.stream is not None:
            self.streams[call.serial] = ServedStream(call, answer.stream, sparse=answer.sparse)
        self.send(self._reply_packet(call, protocol.STATUS_OK, answer.payload), answer.fds)

    @staticmethod
    def _reply_packet(call: Packet, status: int, payload: bytes) -> Packet:
        packet = Packet(call.program, call.procedure, protocol.REPLY, call.serial, status, payload)
        packet.version = call.version
        return packet

    def _scheme(self) -> str:
        return self.driver.uri.partition(":")[0] if self.driver else ""

    # -- calls -------------------------------------------------------------------------------------

    def protocol_call(self, call: calls.Call) -> "calls.Answer | None":
        """Answer a call about the protocol itself; None for one that is the driver's."""
        if call.name == "auth_list":
            return calls.Answer(calls.encode("auth_list", ([0],)))
        if call.name == "connect_supports_feature":
            (feature,) = call.values
            self._keepalive |= feature == protocol.FEATURE_PROGRAM_KEEPALIVE
            supported = _FEATURES.get(feature, 0)
            if not supported and self.driver is not None:
                supported = int(self.driver.connect_supports_feature(feature))
            return calls.Answer(calls.encode("connect_supports_feature", (supported,)))
        if call.name == "connect_close":
            # Its socket may stay open for a while yet.
            self.leaving = True
            return calls.Answer(b"")
        if call.name in ("connect_register_close_callback", "connect_unregister_close_callback"):
            return calls.Answer(b"")
        if call.name == "connect_open":
            if self._opening is not None:
                raise VirError(INTERNAL_ERROR, "connection already open")
            name, flags = call.values
            self._opening = (name or "", self._read_only or bool(flags & 1))
            return None
        if self._opening is None:
            raise calls.not_open()
        return None

    def run(self, call: calls.Call) -> calls.Answer:
        """Make a driver's call; this may take long and runs in any thread.  Errors: VirError."""
        if call.name == "connect_open":
            return self._open()
        driver = self._borrow()
        try:
            with driver.lock or nullcontext():
                return calls.perform(driver, call)
        finally:
            self._idle.append(driver)

    def _open(self) -> calls.Answer:
        assert self._opening is not None
        try:
            self.driver = self._opener(*self._opening)
        except VirError:
            self._opening = None
            raise
        self._all.append(self.driver)
        self._idle.append(self.driver)
        return calls.Answer(b"")

    def _borrow(self) -> "Driver":
        """Return a connection that no other call uses; opened now if all are in use."""
        try:
            # The first one is preferred: events and what ends with a connection belong to it.
            return self._idle.pop(0)
        except IndexError:
            pass
        if self.driver is None or self._opening is None:
            raise calls.not_open()
        made = self._opener(*self._opening)
        self._all.append(made)
        return made

    def on_events(self) -> None:
        """Send the events that have come."""
        if self.driver is None:
            return
        for event in self.driver.next_events(0):
            program, number, payload = calls.event_message(event)
            self.send(Packet(program, number, protocol.MESSAGE, 0, payload=payload))

    # -- keeping alive and ending --------------------------------------------------------------------

    def on_keepalive(self, packet: Packet) -> None:
        """Answer a sign-of-life question."""
        if packet.procedure == _PING:
            self.send(Packet(protocol.KEEPALIVE_PROGRAM, _PONG, protocol.MESSAGE, 0))

    def deadline(self) -> "float | None":
        """Return when `on_time` has something to do."""
        if self._opening is None:
            return self.since + OPEN_SECONDS
        return self.heard + KEEPALIVE_SECONDS * (self._pings + 1) if self._keepalive else None

    def on_time(self, now: float) -> None:
        """Ask a silent client for a sign of life, or give it up."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return
        if self._opening is None:
            self.gone = "the client has opened nothing"
        elif self._pings >= KEEPALIVE_COUNT:
            self.gone = "the client does not answer"
        else:
            self._pings += 1
            self.send(Packet(protocol.KEEPALIVE_PROGRAM, _PING, protocol.MESSAGE, 0))

    def abandon(self) -> None:
        """Drop streams, what waits, and the channel."""
        for stream in self.streams.values():
            stream.abandon()
        self.streams.clear()
        for item in self._out:
            if isinstance(item, int):
                os.close(item)
        for fd in [*self._fds, *(fd for _, fds in self.waiting for fd in fds)]:
            os.close(fd)
        self._out.clear()
        self._fds.clear()
        self.waiting.clear()
        self.channel.close()

    def close_drivers(self) -> None:
        """Close the driver's connections; no call may be under way."""
        for driver in self._all:
            with driver.lock or nullcontext():
                driver.close()
        self._all.clear()
        self._idle.clear()
        self.driver = None
