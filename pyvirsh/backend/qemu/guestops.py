"""What a guest is asked to do through its agent: freeze, trim, sleep, set its clock and passwords.

Source: libvirt API, virDomainFSFreeze and its kin; QEMU's "QEMU Guest Agent Protocol Reference".
"""

import base64

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import ARGUMENT_UNSUPPORTED, INVALID_ARG, OPERATION_INVALID, VirError
from pyvirsh.backend.qemu import agent
from pyvirsh.backend.qemu.guestinfo import ask
from pyvirsh.backend.qemu.monitor import Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.qemu.driver import QemuDriver

# How long an agent is waited for that answers only when something goes wrong.
FAILURE_SECONDS = 1.0


def domain_fsfreeze(driver: "QemuDriver", dom: DomainRef, mountpoints: "list[str]", flags: int = 0) -> int:
    allowed(flags, 0, "qemuDomainFSFreeze")
    if mountpoints:
        return int(ask(driver, dom, "guest-fsfreeze-freeze-list", {"mountpoints": mountpoints}))
    return int(ask(driver, dom, "guest-fsfreeze-freeze"))


def domain_fsthaw(driver: "QemuDriver", dom: DomainRef, mountpoints: "list[str]", flags: int = 0) -> int:
    allowed(flags, 0, "qemuDomainFSThaw")
    if mountpoints:
        raise VirError(OPERATION_INVALID, "specifying mountpoints is not supported")
    return int(ask(driver, dom, "guest-fsfreeze-thaw"))


def domain_fstrim(
    driver: "QemuDriver", dom: DomainRef, mount_point: "str | None", minimum: int, flags: int = 0
) -> None:
    allowed(flags, 0, "qemuDomainFSTrim")
    if mount_point:
        raise VirError(ARGUMENT_UNSUPPORTED, "Specifying mount point is not supported for now")
    ask(driver, dom, "guest-fstrim", {"minimum": minimum})


_SLEEPS = ("guest-suspend-ram", "guest-suspend-disk", "guest-suspend-hybrid")


def domain_pm_suspend_for_duration(
    driver: "QemuDriver", dom: DomainRef, target: int, duration: int, flags: int = 0
) -> None:
    allowed(flags, 0, "qemuDomainPMSuspendForDuration")
    if duration:
        raise VirError(ARGUMENT_UNSUPPORTED, "Duration not supported. Use 0 for now")
    if not 0 <= target < len(_SLEEPS):
        raise VirError(INVALID_ARG, f"Unknown suspend target: {target}")
    command = _SLEEPS[target]
    # A guest that has gone to sleep does not answer; one that cannot says so at once.
    with agent.reach(driver, dom, seconds=FAILURE_SECONDS) as talk:
        talk.say({"execute": command})
        try:
            answer = talk.next()
        except VirError:
            return
    if "error" in answer:
        raise agent.refused(command, str(answer["error"].get("desc", "no reason given")))


def domain_pm_wakeup(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> None:
    allowed(flags, 0, "qemuDomainPMWakeup")
    with Monitor(driver.guest(dom)) as monitor:
        monitor.execute("system_wakeup")


def domain_set_time(
    driver: "QemuDriver", dom: DomainRef, seconds: int, nseconds: int, flags: int = 0
) -> None:
    allowed(flags, c.DOMAIN_TIME_SYNC, "qemuDomainSetTime")
    arguments: dict[str, Any] = {"time": seconds * 1_000_000_000 + nseconds}
    if flags & c.DOMAIN_TIME_SYNC:
        arguments = {}
    ask(driver, dom, "guest-set-time", arguments)


def domain_set_user_password(
    driver: "QemuDriver", dom: DomainRef, user: "str | None", password: "str | None", flags: int = 0
) -> None:
    allowed(flags, c.DOMAIN_PASSWORD_ENCRYPTED, "qemuDomainSetUserPassword")
    arguments = {
        "username": user or "",
        "password": base64.b64encode((password or "").encode()).decode(),
        "crypted": bool(flags & c.DOMAIN_PASSWORD_ENCRYPTED),
    }
    ask(driver, dom, "guest-set-user-password", arguments)


def domain_authorized_ssh_keys_get(
    driver: "QemuDriver", dom: DomainRef, user: str, flags: int = 0
) -> "list[str]":
    allowed(flags, 0, "qemuDomainAuthorizedSSHKeysGet")
    return [str(key) for key in ask(driver, dom, "guest-ssh-get-authorized-keys", {"username": user})["keys"]]


def domain_authorized_ssh_keys_set(
    driver: "QemuDriver", dom: DomainRef, user: str, keys: "list[str]", flags: int = 0
) -> None:
    append, remove = c.DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND, c.DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE
    allowed(flags, append | remove, "qemuDomainAuthorizedSSHKeysSet")
    if flags & remove:
        ask(driver, dom, "guest-ssh-remove-authorized-keys", {"username": user, "keys": keys})
    else:
        arguments = {"username": user, "keys": keys, "reset": not flags & append}
        ask(driver, dom, "guest-ssh-add-authorized-keys", arguments)
