"""Commands handed through: to QEMU's monitor and to the guest's agent, as they are.

Source: libvirt API, virDomainQemuMonitorCommand, virDomainQemuAgentCommand; answers as observed.
"""

import json
import os

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.durable import write_file
from pyvirsh.backend.errors import INTERNAL_ERROR, INVALID_ARG, VirError
from pyvirsh.backend.qemu import agent
from pyvirsh.backend.qemu.monitor import Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.qemu.driver import QemuDriver
    from pyvirsh.backend.qemu.live import Guest

HMP = 1
# In a guest's directory once somebody has gone behind the driver's back, and what is said of that.
TAINTS = {
    "tainted-monitor": "tainted: custom monitor control commands issued",
    "tainted-agent": "tainted: custom guest agent control commands issued",
}


def _parse(text: str) -> "dict[str, Any]":
    """Return a command given as JSON.  Errors: INTERNAL_ERROR."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VirError(INTERNAL_ERROR, f"failed to parse JSON: {error}") from error
    if not isinstance(message, dict):
        raise VirError(INTERNAL_ERROR, "failed to parse JSON: the command is not an object")
    return message


def domain_get_messages(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> "list[str]":
    allowed(flags, c.DOMAIN_MESSAGE_DEPRECATION | c.DOMAIN_MESSAGE_TAINTING, "virDomainObjGetMessages")
    guest = driver.running(dom.uuid)
    if guest is None:
        driver.check_exists(dom)
    elif not flags or flags & c.DOMAIN_MESSAGE_TAINTING:
        return [text for name, text in TAINTS.items() if os.path.exists(guest.file(name))]
    return []


def _taint(guest: "Guest", name: str) -> None:
    """Remember that what the driver knows of a guest may not hold any more."""
    if not os.path.exists(guest.file(name)):
        write_file(guest.file(name), b"", sync=False)


def domain_monitor_command(driver: "QemuDriver", dom: DomainRef, cmd: str, flags: int = 0) -> str:
    return domain_monitor_command_with_files(driver, dom, cmd, [], flags)


def domain_monitor_command_with_files(
    driver: "QemuDriver", dom: DomainRef, cmd: str, fds: "list[int]", flags: int = 0
) -> str:
    allowed(flags, HMP, "qemuDomainQemuMonitorCommandWithFiles")
    guest = driver.guest(dom)
    _taint(guest, "tainted-monitor")
    with Monitor(guest) as monitor:
        if flags & HMP:
            said = monitor.execute("human-monitor-command", {"command-line": cmd}, fds=tuple(fds))
            return str(said)
        message = _parse(cmd)
        if "id" in message:
            raise VirError(INTERNAL_ERROR, "Unable to append command 'id' string")
        answer = monitor.ask({**message, "id": "libvirt-1"}, tuple(fds))
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


def domain_agent_set_response_timeout(
    driver: "QemuDriver", dom: DomainRef, timeout: int, flags: int = 0
) -> int:
    allowed(flags, 0, "qemuDomainAgentSetResponseTimeout")
    least = c.DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK
    if timeout < least:
        detail = f"guest agent timeout '{timeout}' is less than the minimum '{least}'"
        raise VirError(INVALID_ARG, detail)
    guest = driver.guest(dom)
    write_file(guest.file(agent.TIMEOUT), str(timeout).encode(), sync=False)
    return 0


def domain_agent_command(
    driver: "QemuDriver", dom: DomainRef, cmd: str, timeout: int, flags: int = 0
) -> "str | None":
    allowed(flags, 0, "qemuDomainQemuAgentCommand")
    least = c.DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK
    if timeout < least:
        raise VirError(INTERNAL_ERROR, f"guest agent timeout '{timeout}' is less than the minimum '{least}'")
    seconds = {
        least: None,
        c.DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT: agent.ANSWER_SECONDS,
        c.DOMAIN_AGENT_RESPONSE_TIMEOUT_NOWAIT: 0.0,
    }.get(timeout, float(timeout))
    _taint(driver.guest(dom), "tainted-agent")
    with agent.reach(driver, dom, seconds=seconds) as talk:
        message = _parse(cmd)
        answer = talk.ask(message)
    if "error" in answer:
        name = str(message.get("execute", "<unknown>"))
        raise agent.refused(name, str(answer["error"].get("desc", "no reason given")))
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
