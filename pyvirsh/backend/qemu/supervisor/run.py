"""The supervisor's main: puts its parts together and waits for what happens.

The spec comes as a file; its "fds" name the descriptors that were inherited, -1 for none:
monitor  a connection to QEMU's first monitor socket     control  the listening control socket
ready    where the command waits for the start's outcome  lock    the guest's lock, held meanwhile
owner    readable when the connection ends that the guest is to die with
logs     what the guest says on its terminals: alias -> pipe
"""

import json
import os
import signal
import socket

from pyvirsh.backend.qemu import live
from pyvirsh.backend.qemu.supervisor import adopt
from pyvirsh.backend.qemu.supervisor.consolelog import ConsoleLog
from pyvirsh.backend.qemu.supervisor.control import Control
from pyvirsh.backend.qemu.supervisor.guest import DESTROYED, Supervisor
from pyvirsh.backend.qemu.supervisor.loop import Loop
from pyvirsh.backend.qemu.supervisor.monitor import Monitor
from pyvirsh.backend.qemu.supervisor.policy import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(fd: int) -> int:
    """Supervise the guest whose spec can be read from `fd`; return when it is gone."""
    with open(fd, "rb") as file:
        spec = json.load(file)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    fds = spec.pop("fds")
    loop = Loop()
    supervisor = Supervisor(spec, loop)
    policy = Policy(supervisor)
    ready = Ready(fds["ready"], fds["lock"])
    if fds["monitor"] >= 0:
        sock = socket.socket(fileno=fds["monitor"])
    else:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        sock.connect(supervisor.guest.file(live.MONITOR))
    supervisor.monitor = Monitor(loop, sock, policy.take, lambda: None)
    supervisor.on_exit = ready.tell_exit
    Control(supervisor, policy, socket.socket(fileno=fds["control"]))
    for alias, pipe in fds.get("logs", {}).items():
        ConsoleLog(loop, spec["logs"][alias], pipe)
    if fds["owner"] >= 0:
        loop.watch(fds["owner"], lambda events: _owner_gone(supervisor, fds["owner"]))
    if spec.pop("adopt", False):
        supervisor.monitor_run(adopt.script(supervisor, policy, ready.tell))
    else:
        supervisor.monitor_run(supervisor.boot(ready.tell))
    loop.run()
    return 0


def _owner_gone(supervisor: Supervisor, fd: int) -> None:
    supervisor.loop.unwatch(fd)
    supervisor.end(DESTROYED)


class Ready:
    """Tells the command that started the guest how that went, once, and lets go of its lock."""

    def __init__(self, fd: int, lock: int) -> None:
        self._fd = fd
        self._lock = lock

    def tell(self, outcome: "dict[str, Any]") -> None:
        """Send the outcome; the command may be gone."""
        if self._fd < 0:
            return
        os.close(self._lock)  # the command has its own hold on it, until it knows
        try:
            os.write(self._fd, json.dumps(outcome).encode() + b"\n")
        except OSError:
            pass
        os.close(self._fd)
        self._fd = -1

    def tell_exit(self, status: int) -> None:
        """Say that QEMU has ended before the guest ran."""
        self.tell({"exited": status})
