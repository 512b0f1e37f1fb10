"""Guests in operation: stopped, continued, reset, shut down, destroyed, by way of their supervisors.

Source: libvirt API, virDomainShutdownFlags and its kin; texts as observed of its QEMU driver.
"""

import json
import os

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import OPERATION_INVALID, OPERATION_TIMEOUT, VirError
from pyvirsh.backend.qemu import live, monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.qemu.driver import QemuDriver

# How long a supervisor may take to answer; to end a guest, by asking first and then by force.
ASK_SECONDS = 30.0
STOPPED_SECONDS = 2.0
END_SECONDS = 20.0
# Where in the directory of logs what guests say on their terminals is kept.
TERMINALS = "terminals"

# -- asking the supervisor -------------------------------------------------------------------------------


def ask(guest: live.Guest, request: "dict[str, Any]", seconds: float = ASK_SECONDS) -> "dict[str, Any]":
    """Have the supervisor do something and return its answer.  Errors: what it answers; OPERATION_TIMEOUT."""
    try:
        sock = monitor.connect(guest.file(live.CONTROL), guest, guest.supervisor, seconds)
    except TimeoutError:
        raise silent(guest, seconds) from None
    sock.settimeout(seconds)
    with sock:
        data = b""
        try:
            sock.sendall(json.dumps(request).encode() + b"\n")
            while not data.endswith(b"\n"):
                piece = sock.recv(65536)
                if not piece:
                    raise monitor.gone(guest)
                data += piece
        except TimeoutError:
            raise silent(guest, seconds) from None
        except OSError as error:
            raise monitor.gone(guest) from error
    answer: dict[str, Any] = json.loads(data)
    if "error" in answer:
        code, text = answer["error"]
        raise VirError(code, text)
    return answer


def silent(guest: live.Guest, seconds: float) -> VirError:
    """Make the error for a guest that was not dealt with in time, with the cause if it can be seen."""
    if monitor.is_stopped(guest.supervisor):
        pid = guest.supervisor.pid
        cause = f"its process {pid} is stopped; continue it with 'kill -CONT {pid}'"
        return VirError(
            OPERATION_TIMEOUT, f"the supervisor of domain '{guest.name}' does not answer: {cause}"
        )
    return monitor.silent(guest, seconds)


def operate(driver: "QemuDriver", dom: DomainRef, operation: str, **request: "Any") -> live.Guest:
    """Have the guest's supervisor carry out an operation."""
    guest = driver.guest(dom)
    ask(guest, {"op": operation, **request}, _patience(guest))
    return guest


def _patience(guest: live.Guest) -> float:
    """Return how long to wait for a guest's QEMU: not long for one that is stopped."""
    return STOPPED_SECONDS if monitor.is_stopped(guest.qemu) else ASK_SECONDS


# -- ending --------------------------------------------------------------------------------------------


def domain_destroy(driver: "QemuDriver", dom: DomainRef) -> None:
    domain_destroy_flags(driver, dom)


def domain_destroy_flags(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    allowed(flags, c.DOMAIN_DESTROY_GRACEFUL | c.DOMAIN_DESTROY_REMOVE_LOGS, "qemuDomainDestroyFlags")
    guest = driver.guest(dom)
    graceful = bool(flags & c.DOMAIN_DESTROY_GRACEFUL)
    try:
        ask(
            guest,
            {"op": "destroy", "graceful": graceful},
            STOPPED_SECONDS if monitor.is_stopped(guest.supervisor) else END_SECONDS,
        )
    except VirError as error:
        if error.code == OPERATION_TIMEOUT and not graceful:
            _destroy_by_force(driver, guest)
        elif error.code != OPERATION_INVALID:
            raise
    if flags & c.DOMAIN_DESTROY_REMOVE_LOGS:
        _remove_logs(driver.log_path(guest.name, guest.uuid))


def _destroy_by_force(driver: "QemuDriver", guest: live.Guest) -> None:
    """End a guest whose supervisor does not do it: both processes are killed and cleared away."""
    from pyvirsh.backend.qemu import recovery

    with driver.hold(guest.uuid, "destroy"):
        recovery.kill(guest.qemu)
        recovery.kill(guest.supervisor)
        now = live.read(driver.roots.runtime(), guest.uuid)
        if now is not None and now.qemu.start == guest.qemu.start:
            recovery.bury(driver, now, c.DOMAIN_SHUTOFF_DESTROYED, c.DOMAIN_EVENT_STOPPED_DESTROYED)


def _remove_logs(path: str) -> None:
    """Remove a guest's log and those of its terminals."""
    stem = os.path.basename(path).removesuffix(".log")
    directory = f"{os.path.dirname(path)}/{TERMINALS}"
    names = os.listdir(directory) if os.path.isdir(directory) else []
    ours = [name for name in names if name.removesuffix(".old").rsplit(".", 2)[0] == stem]
    for file in (path, path + ".old", *(f"{directory}/{name}" for name in ours)):
        try:
            os.unlink(file)
        except FileNotFoundError:
            continue


SHUTDOWN_FLAGS = c.DOMAIN_SHUTDOWN_ACPI_POWER_BTN | c.DOMAIN_SHUTDOWN_GUEST_AGENT


def domain_shutdown(driver: "QemuDriver", dom: DomainRef) -> None:
    domain_shutdown_flags(driver, dom)


def domain_shutdown_flags(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    allowed(flags, SHUTDOWN_FLAGS, "qemuDomainShutdownFlags")
    _power(driver, dom, flags, reboot=False)


def domain_reboot(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    allowed(flags, SHUTDOWN_FLAGS, "qemuDomainReboot")
    _power(driver, dom, flags, reboot=True)


def _power(driver: "QemuDriver", dom: DomainRef, flags: int, *, reboot: bool) -> None:
    """Have the guest shut down or reboot: by its agent where that is asked for or there, else by ACPI."""
    from pyvirsh.backend.qemu import agent

    guest = driver.guest(dom)
    by_agent = bool(flags & c.DOMAIN_SHUTDOWN_GUEST_AGENT)
    if not flags:
        by_agent = agent.is_connected(driver.live_definition(guest))
    if by_agent:
        try:
            agent.shutdown(driver, guest, "reboot" if reboot else "powerdown")
            return
        except VirError:
            if flags == c.DOMAIN_SHUTDOWN_GUEST_AGENT:
                raise
    ask(guest, {"op": "reboot" if reboot else "shutdown"}, _patience(guest))


def domain_reset(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    allowed(flags, 0, "qemuDomainReset")
    operate(driver, dom, "reset")


def domain_suspend(driver: "QemuDriver", dom: DomainRef) -> None:
    operate(driver, dom, "suspend")


def domain_resume(driver: "QemuDriver", dom: DomainRef) -> None:
    operate(driver, dom, "resume")
