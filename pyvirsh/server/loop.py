"""The server's loop: one thread for all sockets, threads of a pool for calls that may take long."""

import os
import selectors
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from pyvirsh.backend.errors import INTERNAL_ERROR, VirError
from pyvirsh.rpc import protocol
from pyvirsh.rpc.framing import Packet
from pyvirsh.server import calls
from pyvirsh.server.channel import Channel, Gone
from pyvirsh.server.client import STREAMS_MAX, Client
from pyvirsh.server.streams import ServedStream

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from pyvirsh.server.client import Opener

    Accept = Callable[[socket.socket], "Channel | None"]

CLIENTS_MAX = 500
# Packets of one client before the others have their turn.
TURN = 32
_THREADS = 64
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Server:
    """Serves clients until `stop`, or, without a listener, until the last one has gone."""

    def __init__(self, opener: "Opener", *, read_only: bool = False) -> None:
        self._opener = opener
        self._read_only = read_only
        # poll also takes regular files, which are always ready.
        self._selector = selectors.PollSelector()
        self._clients: list[Client] = []
        self._listeners: list[tuple[socket.socket, Accept]] = []
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="call")
        self._done: SimpleQueue[tuple[Client, Packet, calls.Answer | VirError]] = SimpleQueue()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._stopping = False

    # -- from outside --------------------------------------------------------------------------------

    def listen(self, sock: socket.socket, accept: "Accept") -> None:
        """Take clients from a listening socket; `accept` makes a channel, or None to refuse."""
        sock.setblocking(False)
        self._listeners.append((sock, accept))

    def add(self, channel: Channel) -> None:
        """Take one client."""
        self._clients.append(Client(channel, self._opener, read_only=self._read_only, now=time.monotonic()))

    def stop(self) -> None:
        """Make `run` return; may be called from a signal handler or another thread."""
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"!")
        except BlockingIOError:
            return

    # -- the loop --------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve."""
        try:
            while not self._stopping and (self._listeners or self._clients):
                self._once()
        finally:
            for client in list(self._clients):
                client.gone = client.gone or "the server ends"
            self._drop_gone()
            self._pool.shutdown(wait=True, cancel_futures=True)
            for sock, _ in self._listeners:
                sock.close()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _once(self) -> None:
        handlers = self._register()
        for key, mask in self._selector.select(self._timeout()):
            for wanted, handler in handlers.get(key.fd, ()):
                if mask & wanted:
                    handler()
        self._collect()
        now = time.monotonic()
        for client in self._clients:
            self._guarded(client, client.on_time, now)
            self._guarded(client, self._advance, client)
            self._pump_ready(client)
            self._guarded(client, client.flush)
            if client.leaving and not client.has_output:
                client.gone = client.gone or "it said good-bye"
        self._drop_gone()

    def _register(self) -> "dict[int, list[tuple[int, Callable[[], None]]]]":
        """Say to the selector what is waited for now; return what to do for each descriptor."""
        handlers: dict[int, list[tuple[int, Callable[[], None]]]] = {}

        def want(fd: int, mask: int, handler: "Callable[[], None]") -> None:
            if fd >= 0:
                handlers.setdefault(fd, []).append((mask, handler))

        want(self._wake_read, _READ, self._drain_wake)
        if len(self._clients) < CLIENTS_MAX:
            for sock, accept in self._listeners:
                want(sock.fileno(), _READ, lambda sock=sock, accept=accept: self._accept(sock, accept))  # type: ignore[misc]
        for client in self._clients:
            self._want_of(client, want)
        known = self._selector.get_map()
        for fd in [fd for fd in known if fd not in handlers]:
            self._selector.unregister(fd)
        for fd, entries in handlers.items():
            mask = 0
            for wanted, _ in entries:
                mask |= wanted
            if fd not in known:
                self._selector.register(fd, mask)
            elif known[fd].events != mask:
                self._selector.modify(fd, mask)
        return handlers

    def _want_of(self, client: Client, want: "Callable[[int, int, Callable[[], None]], None]") -> None:
        if not client.is_busy and not client.has_packet:
            want(client.channel.read_fd(), _READ, lambda: self._guarded(client, self._read, client))
        if client.has_output:
            want(client.channel.write_fd(), _WRITE, lambda: self._guarded(client, client.flush))
        if client.driver is not None and not client.is_full:
            want(client.driver.events_fileno(), _READ, lambda: self._guarded(client, client.on_events))
        for stream in client.streams.values():
            if not stream.closed and not stream.at_end and not client.is_full:
                want(stream.fileno(), _READ, lambda stream=stream: self._pump(client, stream))  # type: ignore[misc]
            if stream.wants_write:
                want(stream.fileno(), _WRITE, lambda stream=stream: self._answer(client, stream.drain()))  # type: ignore[misc]

    def _timeout(self) -> "float | None":
        deadlines = [deadline for client in self._clients if (deadline := client.deadline()) is not None]
        if any(self._has_work(client) for client in self._clients):
            return 0
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _has_work(self, client: Client) -> bool:
        if client.has_packet and not client.is_busy:
            return True
        return not client.is_full and any(map(self._is_ready, client.streams.values()))

    def _guarded(self, client: Client, action: "Callable[..., None]", *values: object) -> None:
        """Do something for a client; if that breaks its connection, only it is dropped."""
        if client.gone:
            return
        try:
            action(*values)
        except Gone as error:
            client.gone = str(error) or "gone"

    # -- clients -----------------------------------------------------------------------------------------

    def _accept(self, sock: socket.socket, accept: "Accept") -> None:
        try:
            made, _ = sock.accept()
        except OSError:
            # The client has gone again, or there are no descriptors: the next round sees.
            return
        channel = accept(made)
        if channel is None:
            made.close()
        else:
            self.add(channel)

    def _read(self, client: Client) -> None:
        data, fds = client.channel.read()
        if data:
            client.feed(data, fds, time.monotonic())

    def _advance(self, client: Client) -> None:
        """Do what the client has asked for, as far as it may have more done now."""
        for _ in range(TURN):
            if client.is_busy or not client.has_packet:
                return
            self._take(client, *client.take())

    def _take(self, client: Client, packet: Packet, fds: "list[int]") -> None:
        if packet.program == protocol.KEEPALIVE_PROGRAM:
            client.on_keepalive(packet)
        elif packet.type in (protocol.CALL, protocol.CALL_WITH_FDS):
            self._call(client, packet, fds)
        elif packet.type in (protocol.STREAM, protocol.STREAM_HOLE):
            stream = client.streams.get(packet.serial)
            if stream is not None:
                self._answer(client, stream.take(packet))
        else:
            client.gone = f"the client sent a message of type {packet.type}"

    def _call(self, client: Client, packet: Packet, fds: "list[int]") -> None:
        try:
            call = calls.read(packet.program, packet.version, packet.procedure, packet.payload, fds)
            if len(client.streams) >= STREAMS_MAX:
                raise calls.rpc_error("too many streams")
            answer = client.protocol_call(call)
        except VirError as error:
            _close_all(fds)
            client.reply(packet, error)
            return
        if client.leaving:
            # Whoever reads the answer may come back at once.
            self._close(client)
        if answer is not None:
            client.reply(packet, answer)
        elif client.driver is not None and client.driver.immediate:
            client.reply(packet, _run(client, call))
        else:
            client.calls += 1
            self._pool.submit(self._work, client, packet, call)

    def _work(self, client: Client, packet: Packet, call: calls.Call) -> None:
        answer = _run(client, call)
        self._done.put((client, packet, answer))
        self._wake()

    def _drain_wake(self) -> None:
        try:
            os.read(self._wake_read, 65536)
        except BlockingIOError:
            return

    def _collect(self) -> None:
        """Send the answers of calls that have been made."""
        while True:
            try:
                client, packet, answer = self._done.get_nowait()
            except Empty:
                return
            client.calls -= 1
            if not client.gone:
                client.reply(packet, answer)
                continue
            if isinstance(answer, calls.Answer):
                if answer.stream is not None:
                    answer.stream.abort()
                _close_all(answer.fds)
            if client not in self._clients:
                self._close(client)

    def _drop_gone(self) -> None:
        for client in [client for client in self._clients if client.gone]:
            self._clients.remove(client)
            client.abandon()
            self._close(client)

    def _close(self, client: Client) -> None:
        """Close a client's connections when its last call has ended."""
        if client.calls:
            return
        if client.driver is not None and client.driver.immediate:
            # Whoever comes next finds what lives in memory as it was before.
            client.close_drivers()
        else:
            self._pool.submit(client.close_drivers)

    # -- streams -----------------------------------------------------------------------------------------

    @staticmethod
    def _is_ready(stream: ServedStream) -> bool:
        return stream.fileno() < 0 and not stream.closed and not stream.at_end

    def _pump_ready(self, client: Client) -> None:
        """Send on what streams have that no descriptor tells of."""
        for stream in list(client.streams.values()):
            if self._is_ready(stream) and not client.is_full:
                self._pump(client, stream)

    def _pump(self, client: Client, stream: ServedStream) -> None:
        if not client.gone and not stream.closed and not stream.at_end:
            self._answer(client, stream.pump())

    @staticmethod
    def _answer(client: Client, packet: "Packet | None") -> None:
        if packet is not None:
            client.send(packet)
        for serial in [serial for serial, stream in client.streams.items() if stream.closed]:
            del client.streams[serial]


def _run(client: Client, call: calls.Call) -> "calls.Answer | VirError":
    bug = Boundary()
    try:
        with bug:
            return client.run(call)
    except VirError as error:
        return error
    finally:
        _close_all(call.fds)
    return VirError(INTERNAL_ERROR, f"{call.name} failed: {bug.text}")


class Boundary:
    """Where a bug in a driver ends: it fails one call and is told on stderr, the server goes on."""

    text = ""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, VirError):
            return False
        self.text = f"{type(error).__name__}: {error}"
        sys.excepthook(type(error), error, trace)
        return True


def _close_all(fds: "list[int] | tuple[int, ...]") -> None:
    for fd in fds:
        os.close(fd)
