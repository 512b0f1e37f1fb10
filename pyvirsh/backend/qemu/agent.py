"""The guest agent: a channel of the guest on which JSON is spoken, by one command at a time.

Nothing a guest sends is trusted: answers are bounded in length and time.
Source: QEMU's "QEMU Guest Agent Protocol Reference".
"""

import json
import os
import select
import socket
import time

from pyvirsh.backend.constants import (
    DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK,
    DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT,
    DOMAIN_RUNNING,
)
from pyvirsh.backend.durable import read_file
from pyvirsh.backend.errors import (
    AGENT_COMMAND_FAILED,
    AGENT_UNRESPONSIVE,
    ARGUMENT_UNSUPPORTED,
    INTERNAL_ERROR,
    OPERATION_INVALID,
    VirError,
)
from pyvirsh.backend.locks import Lock
from pyvirsh.backend.qemu import live, monitor, qmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from pyvirsh.backend.api import DomainRef
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.conf.domain.chardev import Channel
    from pyvirsh.backend.qemu.driver import QemuDriver

NAME = "org.qemu.guest_agent.0"
ANSWER_MAX = 10 * 1024 * 1024
# How long the agent may take to show that it is there, and to answer, unless the caller says.
SYNC_SECONDS = 5.0
SYNC_AGAIN_SECONDS = 0.5
# How soon an agent says that it cannot shut the guest down; that it can, it shows by doing so.
REFUSAL_SECONDS = 5.0
ANSWER_SECONDS = 60.0
FOREVER = 1e6
# In a guest's directory: how long its agent may take, if somebody has set that.
TIMEOUT = "agent-timeout"


def channel(domain: "Domain") -> "Channel | None":
    """Return the agent's channel in a definition."""
    return next((one for one in domain.devices.channels if one.target_name == NAME), None)


def is_connected(domain: "Domain") -> bool:
    """Say whether the agent has opened its channel."""
    found = channel(domain)
    return found is not None and found.target_state == "connected"


def socket_path(domain: "Domain") -> str:
    """Return the path of the agent's channel.  Errors: what keeps it from being talked to."""
    found = channel(domain)
    if found is None:
        raise VirError(ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured")
    if found.target_state != "connected":
        raise VirError(AGENT_UNRESPONSIVE, "QEMU guest agent is not connected")
    path = found.source.peer.path
    if found.source.type != "unix" or not path:
        raise VirError(ARGUMENT_UNSUPPORTED, "the QEMU guest agent's channel is not a UNIX socket")
    return path


def _sync_seconds(guest: live.Guest) -> float:
    """Return how long an agent may take to show that it is there: as somebody has set it, or as usual."""
    stated = (read_file(guest.file(TIMEOUT)) or b"").decode()
    seconds = int(stated) if stated else DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT
    usual = {
        DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK: FOREVER,
        DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT: SYNC_SECONDS,
    }
    return usual.get(seconds, float(seconds))


class Agent:
    """One conversation with the agent of a running guest."""

    def __init__(self, guest: live.Guest, path: str, *, seconds: "float | None" = ANSWER_SECONDS) -> None:
        self._guest = guest
        self._path = path
        self._seconds = seconds
        self._sync_seconds = _sync_seconds(guest)
        self._lock = Lock(guest.path, "agent.lock", "agent")
        self._reader = qmp.Reader(ANSWER_MAX)
        self._inbox: list[dict[str, Any]] = []
        # What was sent to synchronise: answers to it may still come when one has been enough.
        self._numbers: set[int] = set()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)

    def __enter__(self) -> "Self":
        if monitor.is_stopped(self._guest.qemu):
            raise VirError(AGENT_UNRESPONSIVE, monitor.silent(self._guest, SYNC_SECONDS).detail)
        self._lock.acquire()
        try:
            self._socket.settimeout(max(self._sync_seconds, SYNC_AGAIN_SECONDS))
            self._socket.connect(self._path)
            self._synchronise()
        except OSError as error:
            self.__exit__()
            raise VirError(AGENT_UNRESPONSIVE, f"cannot reach the guest agent: {error.strerror}") from error
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._lock.release()

    def _synchronise(self) -> None:
        """Make sure that what is read from now on answers what is sent from now on.

        The agent may be busy noticing that its last caller has gone, and lose what comes meanwhile:
        it is asked again until it answers.  A slow one may answer long after it has been asked again.
        """
        deadline = time.monotonic() + self._sync_seconds
        # It makes the agent drop what may have been left half said, and complain, which must not come late.
        mark = b"\xff"
        while True:
            number = int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF
            self._numbers.add(number)
            message = {"execute": "guest-sync", "arguments": {"id": number}}
            self._send(mark + json.dumps(message).encode() + b"\n")
            mark = b""
            try:
                again = min(deadline, time.monotonic() + SYNC_AGAIN_SECONDS)
                while not self._is_late(self._said(again)):
                    pass
                return
            except VirError as error:
                if error.code != AGENT_UNRESPONSIVE or time.monotonic() >= deadline:
                    raise

    def execute(self, name: str, arguments: "dict[str, Any] | None" = None) -> "Any":
        """Run a command and return what it returns.  Errors: AGENT_UNRESPONSIVE, INTERNAL_ERROR."""
        message = {"execute": name, **({"arguments": arguments} if arguments else {})}
        try:
            return qmp.result(self.ask(message))
        except qmp.QmpError as error:
            raise refused(name, error.text) from error

    def ask(self, message: "dict[str, Any]") -> "dict[str, Any]":
        """Send a message and return the answer."""
        self.say(message)
        return self.next()

    def next(self) -> "dict[str, Any]":
        """Return what the agent says next."""
        return self._next(None if self._seconds is None else time.monotonic() + self._seconds)

    def say(self, message: "dict[str, Any]") -> None:
        """Send a message that is not answered."""
        self._send(json.dumps(message).encode() + b"\n")

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise VirError(AGENT_UNRESPONSIVE, "Guest agent not available for now") from error

    def _next(self, deadline: "float | None") -> "dict[str, Any]":
        """Return what the agent says next but for late answers to what was to synchronise."""
        while True:
            message = self._said(deadline)
            if not self._is_late(message):
                return message

    def _is_late(self, message: "dict[str, Any]") -> bool:
        value = message.get("return")
        return isinstance(value, int) and value in self._numbers

    def _said(self, deadline: "float | None") -> "dict[str, Any]":
        while not self._inbox:
            data = self._receive(deadline).replace(b"\xff", b"")
            try:
                self._inbox += self._reader.feed(data)
            except qmp.ProtocolError as error:
                raise VirError(INTERNAL_ERROR, f"the guest agent's answer cannot be read: {error}") from error
        return self._inbox.pop(0)

    def _receive(self, deadline: "float | None") -> bytes:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        if not poll.poll(left):
            raise VirError(AGENT_UNRESPONSIVE, "Guest agent not available for now")
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise VirError(AGENT_UNRESPONSIVE, "Guest agent disappeared while executing command") from error
        if not data:
            raise VirError(AGENT_UNRESPONSIVE, "Guest agent disappeared while executing command")
        return data


def refused(name: str, text: str) -> VirError:
    """Make the error for a command that the agent does not carry out."""
    return VirError(AGENT_COMMAND_FAILED, f"unable to execute QEMU agent command '{name}': {text}")


def reach(driver: "QemuDriver", dom: "DomainRef", *, seconds: "float | None" = ANSWER_SECONDS) -> Agent:
    """Return a conversation with a running guest's agent, not begun yet.  Errors: why there is none."""
    guest = driver.guest(dom)
    if guest.state != DOMAIN_RUNNING:
        raise VirError(OPERATION_INVALID, "domain is not running")
    return Agent(guest, socket_path(driver.live_definition(guest)), seconds=seconds)


def shutdown(driver: "QemuDriver", guest: live.Guest, mode: str) -> None:
    """Have the agent shut the guest down; mode: "powerdown" or "reboot".

    Errors: AGENT_COMMAND_FAILED if the agent refuses; a success is not answered.
    """
    path = socket_path(driver.live_definition(guest))
    with Agent(guest, path, seconds=REFUSAL_SECONDS) as agent:
        agent.say({"execute": "guest-shutdown", "arguments": {"mode": mode}})
        try:
            answer = agent.next()
        except VirError:
            return
    if "error" in answer:
        raise refused("guest-shutdown", str(answer["error"].get("desc", "no reason given")))
