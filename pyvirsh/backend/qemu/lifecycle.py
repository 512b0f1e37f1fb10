"""Guests from start to end.

Source: libvirt API, virDomainCreateWithFlags and its kin; texts as observed of its QEMU driver.
"""

import json
import os

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import (
    ARGUMENT_UNSUPPORTED,
    CONFIG_UNSUPPORTED,
    OPERATION_INVALID,
    OPERATION_TIMEOUT,
    VirError,
)
from pyvirsh.backend.qemu import define, live, monitor, recovery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.qemu.driver import QemuDriver

START_FLAGS = (
    c.DOMAIN_START_PAUSED
    | c.DOMAIN_START_AUTODESTROY
    | c.DOMAIN_START_BYPASS_CACHE
    | c.DOMAIN_START_FORCE_BOOT
    | c.DOMAIN_START_VALIDATE
    | c.DOMAIN_START_RESET_NVRAM
)
# How long a supervisor may take to answer; to end a guest, by asking first and then by force.
ASK_SECONDS = 30.0
END_SECONDS = 20.0

# -- starting ----------------------------------------------------------------------------------------


def domain_create(driver: "QemuDriver", dom: DomainRef) -> None:
    domain_create_with_flags(driver, dom)


def domain_create_with_flags(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> DomainRef:
    from pyvirsh.backend.qemu import starting

    allowed(flags, START_FLAGS & ~c.DOMAIN_START_VALIDATE, "qemuDomainCreateWithFlags")
    with driver.hold(dom.uuid, "start") as lock:
        if driver.running(dom.uuid) is not None:
            raise VirError(OPERATION_INVALID, "domain is already running")
        domain = driver.definition(dom)
        return starting.start(driver, domain, lock, flags)


def domain_create_with_files(
    driver: "QemuDriver", dom: DomainRef, fds: "list[int]", flags: int = 0
) -> DomainRef:
    if fds:
        raise VirError(
            ARGUMENT_UNSUPPORTED, "QEMU guests have no init that file descriptors could be passed to"
        )
    return domain_create_with_flags(driver, dom, flags)


def domain_create_xml(driver: "QemuDriver", xml_desc: str, flags: int = 0) -> DomainRef:
    from pyvirsh.backend.qemu import starting

    allowed(flags, START_FLAGS, "qemuDomainCreateXML")
    domain = define.read(driver, xml_desc)
    uuid = str(domain.uuid)
    with driver.hold(uuid, "create") as lock:
        define.check_identity(driver, domain)
        if driver.running(uuid) is not None:
            raise VirError(OPERATION_INVALID, f"domain '{domain.name}' is already active")
        defined = driver.store.exists(uuid)
        driver.store.claim(domain.name, uuid)
        try:
            return starting.start(driver, domain, lock, flags)
        except BaseException:
            if not defined:
                driver.store.release(domain.name, uuid)
            raise


def domain_create_xml_with_files(
    driver: "QemuDriver", xml_desc: str, fds: "list[int]", flags: int = 0
) -> DomainRef:
    if fds:
        raise VirError(
            ARGUMENT_UNSUPPORTED, "QEMU guests have no init that file descriptors could be passed to"
        )
    return domain_create_xml(driver, xml_desc, flags)


# -- asking the supervisor -------------------------------------------------------------------------------


def ask(guest: live.Guest, request: "dict[str, Any]", seconds: float = ASK_SECONDS) -> "dict[str, Any]":
    """Have the supervisor do something and return its answer.  Errors: what it answers; OPERATION_TIMEOUT."""
    sock = monitor.connect(guest.file(live.CONTROL), guest)
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
    if guest.supervisor.state() in ("T", "t"):
        pid = guest.supervisor.pid
        cause = f"its process {pid} is stopped; continue it with 'kill -CONT {pid}'"
        return VirError(
            OPERATION_TIMEOUT, f"the supervisor of domain '{guest.name}' does not answer: {cause}"
        )
    return monitor.silent(guest, seconds)


def operate(driver: "QemuDriver", dom: DomainRef, operation: str, **request: "Any") -> live.Guest:
    """Have the guest's supervisor carry out an operation."""
    guest = driver.guest(dom)
    stopped = guest.qemu.state() in ("T", "t")
    ask(guest, {"op": operation, **request}, 2.0 if stopped else ASK_SECONDS)
    return guest


# -- ending --------------------------------------------------------------------------------------------


def domain_destroy(driver: "QemuDriver", dom: DomainRef) -> None:
    domain_destroy_flags(driver, dom)


def domain_destroy_flags(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    allowed(flags, c.DOMAIN_DESTROY_GRACEFUL | c.DOMAIN_DESTROY_REMOVE_LOGS, "qemuDomainDestroyFlags")
    guest = driver.guest(dom)
    graceful = bool(flags & c.DOMAIN_DESTROY_GRACEFUL)
    try:
        ask(guest, {"op": "destroy", "graceful": graceful}, 2.0 if _is_stuck(guest) else END_SECONDS)
    except VirError as error:
        if error.code == OPERATION_TIMEOUT and not graceful:
            _destroy_by_force(driver, guest)
        elif error.code != OPERATION_INVALID:
            raise
    if flags & c.DOMAIN_DESTROY_REMOVE_LOGS:
        _remove_log(driver.log_path(guest.name, guest.uuid))


def _is_stuck(guest: live.Guest) -> bool:
    return guest.supervisor.state() in ("T", "t")


def _destroy_by_force(driver: "QemuDriver", guest: live.Guest) -> None:
    """End a guest whose supervisor does not do it: both processes are killed and cleared away."""
    with driver.hold(guest.uuid, "destroy"):
        recovery.kill(guest.qemu)
        recovery.kill(guest.supervisor)
        now = live.read(driver.roots.runtime(), guest.uuid)
        if now is not None and now.qemu.start == guest.qemu.start:
            recovery.bury(driver, now, c.DOMAIN_SHUTOFF_DESTROYED, c.DOMAIN_EVENT_STOPPED_DESTROYED)


def _remove_log(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


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
    ask(guest, {"op": "reboot" if reboot else "shutdown"})


def domain_reset(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    allowed(flags, 0, "qemuDomainReset")
    operate(driver, dom, "reset")


def domain_suspend(driver: "QemuDriver", dom: DomainRef) -> None:
    operate(driver, dom, "suspend")


def domain_resume(driver: "QemuDriver", dom: DomainRef) -> None:
    operate(driver, dom, "resume")


# -- what becomes of a guest ---------------------------------------------------------------------------

EVENTS = {
    c.DOMAIN_LIFECYCLE_POWEROFF: "poweroff",
    c.DOMAIN_LIFECYCLE_REBOOT: "reboot",
    c.DOMAIN_LIFECYCLE_CRASH: "crash",
}
ACTIONS = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")


def domain_set_lifecycle_action(
    driver: "QemuDriver", dom: DomainRef, type: int, action: int, flags: int = 0
) -> None:
    from pyvirsh.backend.qemu import change

    allowed(flags, c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG, "qemuDomainSetLifecycleAction")
    event, wanted = EVENTS[type], ACTIONS[action]
    if wanted.startswith("coredump-") and event != "crash":
        raise VirError(CONFIG_UNSUPPORTED, f"Lifecycle event '{event}' doesn't support '{wanted}' action")
    with change.Change(driver, dom, flags, "set-lifecycle-action") as changed:
        for domain in changed.definitions:
            setattr(domain, f"on_{event}", wanted)
            check_actions(str(domain.on_poweroff), str(domain.on_reboot), str(domain.on_crash))
        if changed.guest is not None:
            ask(changed.guest, {"op": "action", "what": event, "action": wanted})


def check_actions(poweroff: str, reboot: str, crash: str) -> None:
    """Refuse what QEMU guests cannot be made to do.  Errors: CONFIG_UNSUPPORTED."""
    if "rename-restart" in (poweroff, reboot, crash):
        where = "'on_reboot'/'on_poweroff'/'on_crash'"
        detail = f"qemu driver doesn't support the 'rename-restart' action for {where}"
    elif "preserve" in (poweroff, reboot):
        detail = "qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'"
    elif (poweroff, reboot) == ("restart", "destroy"):
        detail = "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'"
    else:
        return
    raise VirError(CONFIG_UNSUPPORTED, detail)
