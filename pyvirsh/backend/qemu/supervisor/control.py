"""What commands may ask of a supervisor, over its own socket: a line of JSON, a line back.

{"op": "suspend"}                 ->  {} or {"error": [CODE, TEXT]}
{"op": "console", "path": ...}    ->  {}, and then the console's bytes both ways
"""

import json
import os
import socket
import struct

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import INTERNAL_ERROR, OPERATION_FAILED, OPERATION_INVALID
from pyvirsh.backend.qemu.qmp import QmpError
from pyvirsh.backend.qemu.supervisor.console import Consoles
from pyvirsh.backend.qemu.supervisor.guest import DESTROYED, MACHINE
from pyvirsh.backend.qemu.supervisor.loop import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyvirsh.backend.qemu.supervisor.guest import Supervisor
    from pyvirsh.backend.qemu.supervisor.monitor import Script
    from pyvirsh.backend.qemu.supervisor.policy import Policy

    Request = dict[str, Any]

REQUEST_MAX = 65536


class Control:
    """The supervisor's socket and those who have connected to it."""

    def __init__(self, supervisor: "Supervisor", policy: "Policy", listener: socket.socket) -> None:
        self.supervisor = supervisor
        self.policy = policy
        self.loop = supervisor.loop
        self.consoles = Consoles(self.loop)
        self._listener = listener
        listener.setblocking(False)
        self.loop.watch(listener.fileno(), self._accept)

    def _accept(self, events: int) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in (os.geteuid(), 0):
            sock.close()
            return
        Client(self, sock)


class Client:
    """One who has connected: sends requests until he hangs up."""

    def __init__(self, control: Control, sock: socket.socket) -> None:
        self._control = control
        self._supervisor = control.supervisor
        self._policy = control.policy
        self._socket = sock
        self._buffer = b""
        sock.setblocking(False)
        control.loop.watch(sock.fileno(), self._ready, READ)

    def _ready(self, events: int) -> None:
        try:
            data = self._socket.recv(REQUEST_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._buffer += data
        if not data or len(self._buffer) > REQUEST_MAX:
            self._close()
            return
        line, newline, rest = self._buffer.partition(b"\n")
        if newline:
            self._buffer = rest
            self._serve(line)

    def _close(self) -> None:
        self._control.loop.unwatch(self._socket.fileno())
        self._socket.close()

    def _serve(self, line: bytes) -> None:
        request = json.loads(line)
        operation = getattr(self, "op_" + str(request.get("op")).replace("-", "_"), None)
        if operation is None:
            self.refuse(INTERNAL_ERROR, f"the supervisor knows no operation '{request.get('op')}'")
        else:
            operation(request)

    def answer(self, message: "Request | None" = None) -> None:
        """Send an answer; he who has hung up gets none."""
        try:
            self._socket.send(json.dumps(message or {}).encode() + b"\n")
        except OSError:
            return

    def refuse(self, code: int, text: str) -> None:
        """Answer with an error."""
        self.answer({"error": [code, text]})

    # -- operations ------------------------------------------------------------------------------------

    def op_ping(self, request: "Request") -> None:
        """Say that the supervisor is there."""
        self.answer()

    def op_destroy(self, request: "Request") -> None:
        """End the guest; answered when it is gone."""
        self._supervisor.at_end.append(self._ended)
        self._supervisor.end(DESTROYED, graceful=bool(request.get("graceful")))

    def _ended(self, trouble: str) -> None:
        if trouble:
            self.refuse(OPERATION_FAILED, trouble)
        else:
            self.answer()

    def op_suspend(self, request: "Request") -> None:
        """Stop the guest's CPUs."""
        guest = self._supervisor.guest
        if guest.state == c.DOMAIN_PMSUSPENDED:
            self.refuse(OPERATION_INVALID, "domain is pmsuspended")
        elif guest.state == c.DOMAIN_PAUSED:
            self.answer()
        else:
            self._policy.pause_reason = c.DOMAIN_PAUSED_USER
            self._run("stop", then=self._suspended)

    def _suspended(self) -> None:
        # The event has set the state already, unless QEMU was not running in its own eyes.
        self._policy.pause_reason = c.DOMAIN_PAUSED_UNKNOWN

    def op_resume(self, request: "Request") -> None:
        """Let the guest's CPUs go on."""
        guest = self._supervisor.guest
        if guest.state == c.DOMAIN_PMSUSPENDED:
            self.refuse(OPERATION_INVALID, "domain is pmsuspended")
        elif guest.state == c.DOMAIN_RUNNING:
            self.refuse(OPERATION_INVALID, "domain is already running")
        else:
            self._policy.run_reason = c.DOMAIN_RUNNING_UNPAUSED
            self._run("cont")

    def op_shutdown(self, request: "Request") -> None:
        """Press the power button; what the guest does about it is its own affair."""
        self._policy.reboot_asked = False
        self._run("system_powerdown")

    def op_reboot(self, request: "Request") -> None:
        """Press the power button and start the guest over when it has shut down."""
        self._policy.reboot_asked = True
        self._run("system_powerdown")

    def op_expect_reboot(self, request: "Request") -> None:
        """Know that the next shutdown, which another way brings about, is to be a reboot, or not."""
        self._policy.reboot_asked = bool(request.get("on"))
        self.answer()

    def op_reset(self, request: "Request") -> None:
        """Reset the machine."""
        self._run("system_reset")

    def op_action(self, request: "Request") -> None:
        """Change what happens when the guest powers off, reboots or crashes."""
        self._supervisor.spec["actions"][str(request["what"])] = str(request["action"])
        self._supervisor.save_spec()
        self.answer()

    def op_look(self, request: "Request") -> None:
        """Learn anew what devices and threads QEMU has; a command has changed them."""
        self._supervisor.monitor_run(self._look())

    def _look(self) -> "Script":
        try:
            self._supervisor.note_machine((yield list(MACHINE)))
        except QmpError as error:
            self.refuse(INTERNAL_ERROR, error.text)
            return
        self.answer()

    def op_console(self, request: "Request") -> None:
        """Give the client a terminal or socket of the guest, if nobody else has it."""
        self._control.loop.unwatch(self._socket.fileno())
        trouble = self._control.consoles.attach(self._socket, request)
        if trouble:
            self._control.loop.watch(self._socket.fileno(), self._ready, READ)
            self.refuse(*trouble)

    def _run(self, command: str, then: "Callable[[], None] | None" = None) -> None:
        monitor = self._supervisor.monitor
        if monitor is not None and monitor.broken:
            self.refuse(OPERATION_FAILED, "QEMU's monitor is closed, the log says why: destroy the domain")
        else:
            self._supervisor.monitor_run(self._script(command, then))

    def _script(self, command: str, then: "Callable[[], None] | None") -> "Script":
        try:
            yield [(command, None)]
        except QmpError as error:
            self.refuse(INTERNAL_ERROR, f"unable to execute QEMU command '{command}': {error.text}")
            return
        if then is not None:
            then()
        self.answer()
