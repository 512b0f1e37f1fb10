"""Events: who listens hears from all supervisors and from every command that changes a definition."""

import json
import os
import select
import socket
import time

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef, Event, StoragePoolRef
from pyvirsh.backend.durable import make_directory
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.backend.qemu.supervisor.publish import LISTEN, Publisher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.qemu.driver import QemuDriver

LINE_MAX = 4 * 1024 * 1024


def announce(
    driver: "QemuDriver",
    dom: DomainRef,
    values: "tuple[object, ...]",
    event_id: int = c.DOMAIN_EVENT_ID_LIFECYCLE,
) -> None:
    """Tell all listeners of something this command did; of the life cycle unless `event_id` says else."""
    runtime = driver.roots.runtime()
    if runtime:
        publisher = Publisher(runtime)
        publisher.send("domain", event_id, (dom.name, dom.uuid, dom.id), values)
        publisher.close()


class Listener:
    """A socket that everybody sends events to, and what of them is wanted.

    filters: callback id -> (kind, event id or name of a QEMU event, UUID or None, match).
    """

    def __init__(self, runtime: str) -> None:
        directory = f"{runtime}/{LISTEN}"
        make_directory(directory)
        self._path = f"{directory}/{os.getpid()}-{id(self):x}"
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._server.bind(self._path)
        os.chmod(self._path, 0o600)
        self._server.listen(64)
        self._server.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._server.fileno(), select.EPOLLIN)
        self._peers: dict[int, tuple[socket.socket, bytearray]] = {}
        self._serial = 0
        self.filters: dict[int, tuple[str, Any, str | None]] = {}

    def fileno(self) -> int:
        """Return a descriptor that is readable when something came."""
        return self._poll.fileno()

    def add(self, kind: str, what: "Any", uuid: "str | None") -> int:
        """Want events; return the callback's id."""
        self._serial += 1
        self.filters[self._serial - 1] = (kind, what, uuid)
        return self._serial - 1

    def wait(self, timeout: "float | None") -> "list[Event]":
        """Return the wanted events that come within `timeout` seconds, as soon as there are any."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = self._poll.poll(left)
            if not ready:
                return []
            events = [event for fd, _ in ready for line in self._lines(fd) for event in self._wanted(line)]
            if events:
                return events

    def _lines(self, fd: int) -> "list[bytes]":
        if fd == self._server.fileno():
            self._accept()
            return []
        sock, buffer = self._peers[fd]
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data or len(buffer) > LINE_MAX:
            self._poll.unregister(fd)
            sock.close()
            del self._peers[fd]
            return []
        buffer += data
        *lines, rest = bytes(buffer).split(b"\n")
        buffer[:] = rest
        return lines

    def _accept(self) -> None:
        try:
            sock, _ = self._server.accept()
        except OSError:
            return
        sock.setblocking(False)
        self._peers[sock.fileno()] = (sock, bytearray())
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def _wanted(self, line: bytes) -> "list[Event]":
        kind, event_id, (name, uuid, number), values = json.loads(line)
        is_pool = kind == "storage_pool"
        ref = StoragePoolRef(name, uuid) if is_pool else DomainRef(name, uuid, number)
        return [
            Event(kind, event_id, callback, ref, _tuples(values))
            for callback, (wanted, what, only) in self.filters.items()
            if wanted == kind and only in (None, uuid) and _matches(kind, what, event_id, values)
        ]

    def close(self) -> None:
        """Stop listening."""
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass
        self._server.close()
        for sock, _ in self._peers.values():
            sock.close()
        self._poll.close()


def _tuples(values: "list[Any]") -> "tuple[Any, ...]":
    return tuple(_tuples(value) if isinstance(value, list) else value for value in values)


def _matches(kind: str, what: "Any", event_id: int, values: "list[Any]") -> bool:
    if kind != "qemu":
        return bool(what == event_id)
    return what is None or bool(what(values[0]))


# -- the driver's methods -----------------------------------------------------------------------------


def _listener(driver: "QemuDriver") -> Listener:
    if driver.listener is None:
        driver.listener = Listener(driver.roots.make_runtime())
    listener: Listener = driver.listener
    return listener


def connect_domain_event_callback_register_any(
    driver: "QemuDriver", event_id: int, dom: "DomainRef | None"
) -> int:
    if dom is not None:
        driver.check_exists(dom)
    return _listener(driver).add("domain", event_id, dom.uuid if dom else None)


def connect_domain_event_callback_deregister_any(driver: "QemuDriver", callback_id: int) -> None:
    _remove(driver, callback_id)


def connect_domain_monitor_event_register(
    driver: "QemuDriver", dom: "DomainRef | None", event: "str | None", flags: int = 0
) -> int:
    if dom is not None:
        driver.check_exists(dom)
    return _listener(driver).add("qemu", _name_test(event, flags), dom.uuid if dom else None)


def _name_test(event: "str | None", flags: int) -> "Any":
    """Return a test for names of QEMU's events: flag 1 makes `event` a pattern, 2 ignores case."""
    if event is None:
        return None
    if flags & 1:
        import re

        try:
            return re.compile(event, re.IGNORECASE if flags & 2 else 0).search
        except re.error as error:
            raise VirError(INVALID_ARG, f"failed to compile regex '{event}': {error}") from error
    wanted = event.lower() if flags & 2 else event
    return lambda name: (name.lower() if flags & 2 else name) == wanted


def connect_domain_monitor_event_deregister(driver: "QemuDriver", callback_id: int) -> None:
    _remove(driver, callback_id)


def connect_storage_pool_event_register_any(
    driver: "QemuDriver", event_id: int, pool: "StoragePoolRef | None"
) -> int:
    if pool is not None:
        driver.storage().find(pool)
    return _listener(driver).add("storage_pool", event_id, pool.uuid if pool else None)


def connect_storage_pool_event_deregister_any(driver: "QemuDriver", callback_id: int) -> None:
    _remove(driver, callback_id)


def _remove(driver: "QemuDriver", callback_id: int) -> None:
    if _listener(driver).filters.pop(callback_id, None) is None:
        raise VirError(INVALID_ARG, f"could not find event callback {callback_id} for deletion")


def next_events(driver: "QemuDriver", timeout: "float | None") -> "list[Event]":
    return _listener(driver).wait(timeout)


def events_fileno(driver: "QemuDriver") -> int:
    return _listener(driver).fileno()
