"""The commands' way to QEMU: its second monitor socket, one client at a time, everything bounded.

with Monitor(guest) as monitor:
    monitor.execute("query-balloon")
"""

import select
import socket
import struct
import time

from pyvirsh.backend.errors import INTERNAL_ERROR, OPERATION_INVALID, OPERATION_TIMEOUT, VirError
from pyvirsh.backend.locks import Lock
from pyvirsh.backend.qemu import live, qmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

# How long QEMU may take to answer, and how soon to look whether it is stopped.
TIMEOUT = 30.0
GLANCE = 0.5
# How long another command may keep the socket.
QUEUE_TIMEOUT = 30.0
LOCK = "commands.lock"


class Monitor:
    """One conversation with a guest's QEMU.  Errors of every method: VirError."""

    def __init__(self, guest: live.Guest, *, timeout: float = TIMEOUT) -> None:
        self._guest = guest
        self._timeout = timeout
        self._reader = qmp.Reader()
        self._inbox: list[dict[str, Any]] = []
        self._serial = 0
        self._lock = Lock(guest.path, LOCK, "monitor", timeout=QUEUE_TIMEOUT)
        self._socket: socket.socket | None = None
        # Events that came meanwhile.
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> "Self":
        self._lock.acquire()
        try:
            self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._lock.release()

    def _connect(self) -> None:
        try:
            self._socket = connect(self._guest.file(live.COMMANDS), self._guest, seconds=self._timeout)
        except TimeoutError:
            raise self._silent() from None
        deadline = time.monotonic() + self._timeout
        while "QMP" not in self._next(deadline):
            pass
        self.execute("qmp_capabilities")

    def execute(
        self, name: str, arguments: "dict[str, Any] | None" = None, *, fds: "tuple[int, ...]" = ()
    ) -> "Any":
        """Run a command and return what it returns; an error of QEMU's is worded as libvirt does."""
        try:
            return self.attempt(name, arguments, fds=fds)
        except qmp.QmpError as error:
            raise VirError(
                INTERNAL_ERROR, f"unable to execute QEMU command '{name}': {error.text}"
            ) from error

    def attempt(
        self, name: str, arguments: "dict[str, Any] | None" = None, *, fds: "tuple[int, ...]" = ()
    ) -> "Any":
        """Run a command and return what it returns.  Errors: QmpError besides VirError."""
        return qmp.result(self.ask({"execute": name, **({"arguments": arguments} if arguments else {})}, fds))

    def ask(self, message: "dict[str, Any]", fds: "tuple[int, ...]" = ()) -> "dict[str, Any]":
        """Send a whole message and return the whole answer."""
        self._serial += 1
        ident = message.get("id", f"pyvirsh-{self._serial}")
        deadline = time.monotonic() + self._timeout
        self._send(qmp.encode({**message, "id": ident}), fds)
        while True:
            answer = self._next(deadline)
            if answer.get("id") == ident:
                return answer
            if "error" in answer and "id" not in answer:
                return answer

    def wait_event(self, name: str, device: str, seconds: float) -> bool:
        """Wait until QEMU reports an event about a device; False if it takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.events:
                if event["event"] == name and event.get("data", {}).get("device") == device:
                    self.events.remove(event)
                    return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            assert self._socket is not None
            if _readable(self._socket, left):
                for message in self._reader.feed(self._receive(deadline + GLANCE)):
                    (self.events if "event" in message else self._inbox).append(message)

    def _send(self, data: bytes, fds: "tuple[int, ...]") -> None:
        assert self._socket is not None
        self._socket.settimeout(self._timeout)
        try:
            if fds:
                sent = socket.send_fds(self._socket, [data], list(fds))
                data = data[sent:]
            self._socket.sendall(data)
        except TimeoutError:
            raise self._silent() from None
        except OSError as error:
            raise gone(self._guest) from error

    def _next(self, deadline: float) -> "dict[str, Any]":
        """Return the next message that is no event."""
        while True:
            while self._inbox:
                message = self._inbox.pop(0)
                if "event" not in message:
                    return message
                self.events.append(message)
            try:
                self._inbox += self._reader.feed(self._receive(deadline))
            except qmp.ProtocolError as error:
                raise VirError(INTERNAL_ERROR, f"QEMU's monitor: {error}") from error

    def _receive(self, deadline: float) -> bytes:
        assert self._socket is not None
        while not _readable(self._socket, min(GLANCE, max(0.0, deadline - time.monotonic()))):
            state = self._guest.qemu.state()
            if not state:
                raise gone(self._guest)
            if state in ("T", "t") or time.monotonic() >= deadline:
                raise self._silent()
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise gone(self._guest) from error
        if not data:
            raise gone(self._guest)
        return data

    def _silent(self) -> VirError:
        return silent(self._guest, self._timeout)


def _readable(sock: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def connect(
    path: str, guest: live.Guest, listener: "live.Process | None" = None, seconds: float = TIMEOUT
) -> socket.socket:
    """Connect to a UNIX socket of a guest; listener: the process behind it, if it is not QEMU.

    Errors: TimeoutError while it takes nobody, at once if it is stopped; OPERATION_INVALID if it is gone.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    deadline = time.monotonic() + seconds
    # The kernel has us wait while the listener's queue is full: for so long at a time.
    _limit_wait(sock, GLANCE)
    try:
        while True:
            try:
                sock.connect(path)
                break
            except BlockingIOError:
                if is_stopped(listener or guest.qemu) or time.monotonic() >= deadline:
                    raise TimeoutError from None
    except TimeoutError:
        sock.close()
        raise
    except OSError as error:
        sock.close()
        if guest.qemu.alive():
            detail = f"nothing listens on '{path}' of guest '{guest.name}' (process {guest.qemu.pid})"
            raise VirError(INTERNAL_ERROR, f"{detail}: {error.strerror}") from error
        raise gone(guest) from error
    _limit_wait(sock, 0.0)
    return sock


def _limit_wait(sock: socket.socket, seconds: float) -> None:
    whole, part = divmod(seconds, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(whole), int(part * 1e6)))


def is_stopped(process: live.Process) -> bool:
    """Say whether somebody has stopped a process."""
    return process.state() in ("T", "t")


def gone(guest: live.Guest) -> VirError:
    """Make the error for a guest that ended while it was talked to."""
    return VirError(OPERATION_INVALID, "domain is not running")


def silent(guest: live.Guest, seconds: float) -> VirError:
    """Make the error for a QEMU that does not answer, with the cause if it can be seen."""
    pid = guest.qemu.pid
    if is_stopped(guest.qemu):
        cause = f"process {pid} is stopped; continue it with 'kill -CONT {pid}', or destroy the domain"
    else:
        cause = f"process {pid} runs but has not answered for {seconds:.0f} seconds"
    return VirError(OPERATION_TIMEOUT, f"QEMU of domain '{guest.name}' does not answer: {cause}")
