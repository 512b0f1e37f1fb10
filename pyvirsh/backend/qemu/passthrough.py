"""Commands handed through: to QEMU's monitor and to the guest's agent, as they are.

Source: libvirt API, virDomainQemuMonitorCommand, virDomainQemuAgentCommand; answers as observed.
"""

import json

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import INTERNAL_ERROR, VirError
from pyvirsh.backend.qemu import agent
from pyvirsh.backend.qemu.monitor import Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.qemu.driver import QemuDriver

HMP = 1


def _parse(text: str) -> "dict[str, Any]":
    """Return a command given as JSON.  Errors: INTERNAL_ERROR."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VirError(INTERNAL_ERROR, f"failed to parse JSON: {error}") from error
    if not isinstance(message, dict):
        raise VirError(INTERNAL_ERROR, "failed to parse JSON: the command is not an object")
    return message


def domain_monitor_command(driver: "QemuDriver", dom: DomainRef, cmd: str, flags: int = 0) -> str:
    return domain_monitor_command_with_files(driver, dom, cmd, [], flags)


def domain_monitor_command_with_files(
    driver: "QemuDriver", dom: DomainRef, cmd: str, fds: "list[int]", flags: int = 0
) -> str:
    allowed(flags, HMP, "qemuDomainQemuMonitorCommandWithFiles")
    with Monitor(driver.guest(dom)) as monitor:
        if flags & HMP:
            said = monitor.execute("human-monitor-command", {"command-line": cmd}, fds=tuple(fds))
            return str(said)
        message = _parse(cmd)
        if "id" in message:
            raise VirError(INTERNAL_ERROR, "Unable to append command 'id' string")
        answer = monitor.ask({**message, "id": "libvirt-1"}, tuple(fds))
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


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
    with agent.reach(driver, dom, seconds=seconds) as talk:
        message = _parse(cmd)
        answer = talk.ask(message)
    if "error" in answer:
        name = str(message.get("execute", ""))
        raise agent.refused(name, str(answer["error"].get("desc", "no reason given")))
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
