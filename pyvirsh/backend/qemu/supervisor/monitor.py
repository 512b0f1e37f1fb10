"""The supervisor's conversation with QEMU: several scripts of commands at once, and events."""

import errno
import os
import socket

from pyvirsh.backend.qemu import qmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from pyvirsh.backend.qemu.supervisor.loop import Loop

    # Yields commands that need not wait for each other, is sent what they return, in order; the
    # first QmpError of them is thrown into it when all have been answered.
    Command = tuple[str, dict[str, Any] | None]
    Script = Generator[list[Command], list[Any], None]

CHUNK = 65536


class Closed(Exception):
    """QEMU's end of the conversation is gone."""


class Batch:
    """Commands a script waits for."""

    __slots__ = ("script", "values", "missing", "error")

    def __init__(self, script: "Script", count: int) -> None:
        self.script = script
        self.values: list[Any] = [None] * count
        self.missing = count
        self.error: qmp.QmpError | None = None


class Monitor:
    """QEMU's first monitor socket.

    on_event: called with each event; on_close: called once when QEMU hangs up.
    """

    def __init__(
        self,
        loop: "Loop",
        sock: socket.socket,
        on_event: "Callable[[dict[str, Any]], None]",
        on_close: "Callable[[], None]",
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._on_event = on_event
        self._on_close = on_close
        self._reader = qmp.Reader()
        self._serial = 0
        self._greeted = False
        self._waiting: dict[str, tuple[Batch, int]] = {}
        self._kept: list[bytes] = [qmp.command("qmp_capabilities", None, "hello")]
        self.closed = False
        # Closed from here, because of what came.
        self.broken = False
        sock.setblocking(False)
        loop.watch(sock.fileno(), self._ready)

    def run(self, script: "Script") -> None:
        """Run a script of commands; it starts now and goes on as answers come."""
        self._step(script, None, None)

    def _step(self, script: "Script", values: "list[Any] | None", error: "qmp.QmpError | None") -> None:
        try:
            commands = script.throw(error) if error is not None else script.send(values)  # type: ignore[arg-type]
        except StopIteration:
            return
        if self.closed:
            # The process's end, which is at hand, says why; the script need not.
            script.close()
            return
        batch = Batch(script, len(commands))
        for at, (name, arguments) in enumerate(commands):
            self._serial += 1
            self._waiting[f"s{self._serial}"] = (batch, at)
            self._send(qmp.command(name, arguments, f"s{self._serial}"))

    def _send(self, data: bytes) -> None:
        if not self._greeted:
            self._kept.append(data)
            return
        try:
            self._socket.sendall(data)
        except OSError as error:
            # What does not fit was never read: QEMU hangs, and no answer will come either.
            if error.errno not in (errno.EAGAIN, errno.EPIPE, errno.ECONNRESET):
                raise

    def _ready(self, events: int) -> None:
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close()
            return
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        try:
            messages = self._reader.feed(data)
        except qmp.ProtocolError as error:
            # Whoever talks like this is no QEMU to be talked to; it can still be ended.
            os.write(2, f"QEMU's monitor is closed: {error}\n".encode("utf-8", "replace"))
            self.broken = True
            self._close()
            return
        for message in messages:
            self._take(message)

    def _take(self, message: "dict[str, Any]") -> None:
        if "QMP" in message:
            self._greeted = True
            kept, self._kept = self._kept, []
            self._send(b"".join(kept))
        elif "event" in message:
            self._on_event(message)
        elif (waiting := self._waiting.pop(str(message.get("id")), None)) is not None:
            batch, at = waiting
            try:
                batch.values[at] = qmp.result(message)
            except qmp.QmpError as error:
                batch.error = batch.error or error
            batch.missing -= 1
            if not batch.missing:
                self._step(batch.script, batch.values, batch.error)

    def drain(self) -> None:
        """Take in what QEMU said before it ended."""
        while not self.closed:
            try:
                data = self._socket.recv(CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._close()
                return
            self._feed(data)

    def _close(self) -> None:
        if not self.closed:
            self.closed = True
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()
            waiting, self._waiting = self._waiting, {}
            for batch, _ in waiting.values():
                batch.script.close()
            self._on_close()
