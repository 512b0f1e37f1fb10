"""Events, from whoever causes them to whoever listens.

A listener is a process with a socket in RUNTIME/listen; each event goes to all of them as a line
of JSON.  A listener that does not read loses events; one that has died loses its socket.
"""

import json
import os
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LISTEN = "listen"


class Publisher:
    """Sends the events of one process; `close` when it is done."""

    def __init__(self, runtime: str) -> None:
        self._directory = f"{runtime}/{LISTEN}"
        self._sockets: dict[str, socket.socket] = {}

    def send(
        self, kind: str, event_id: int, domain: "tuple[str, str, int]", values: "Sequence[object]"
    ) -> None:
        """Tell all listeners.  domain: name, UUID and id."""
        if not self._connect():
            return
        line = (
            json.dumps([kind, event_id, list(domain), list(values)], separators=(",", ":")).encode() + b"\n"
        )
        for name, sock in list(self._sockets.items()):
            try:
                sent = sock.send(line)
                if sent == len(line):
                    continue
            except BlockingIOError:
                continue  # it does not read: the event is lost to it
            except OSError:
                pass
            self._drop(name)

    def _connect(self) -> bool:
        """Bring the sockets in line with the directory; False if nobody listens."""
        names = _entries(self._directory)
        for name in [name for name in self._sockets if name not in names]:
            self._drop(name)
        for name in names:
            if name not in self._sockets:
                self._add(name)
        return bool(self._sockets)

    def _add(self, name: str) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        sock.setblocking(False)
        path = f"{self._directory}/{name}"
        try:
            sock.connect(path)
        except BlockingIOError:
            sock.close()  # too many at once; the next event may find room
        except ConnectionRefusedError:
            sock.close()
            _unlink(path)
        except OSError:
            sock.close()
        else:
            self._sockets[name] = sock

    def _drop(self, name: str) -> None:
        self._sockets.pop(name).close()

    def close(self) -> None:
        """Hang up; what was sent arrives."""
        for name in list(self._sockets):
            self._drop(name)


def _entries(directory: str) -> "Iterable[str]":
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return ()


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
