"""What becomes of a guest that powers off, reboots or crashes.

Source: libvirt API, virDomainSetLifecycleAction; texts as observed of its QEMU driver.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.change import Change
from pyvirsh.backend.qemu.lifecycle import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver

EVENTS = {
    c.DOMAIN_LIFECYCLE_POWEROFF: "poweroff",
    c.DOMAIN_LIFECYCLE_REBOOT: "reboot",
    c.DOMAIN_LIFECYCLE_CRASH: "crash",
}
ACTIONS = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")


def domain_set_lifecycle_action(
    driver: "QemuDriver", dom: DomainRef, type: int, action: int, flags: int = 0
) -> None:
    allowed(flags, c.DOMAIN_AFFECT_LIVE | c.DOMAIN_AFFECT_CONFIG, "qemuDomainSetLifecycleAction")
    event, wanted = EVENTS[type], ACTIONS[action]
    if wanted.startswith("coredump-") and event != "crash":
        raise VirError(CONFIG_UNSUPPORTED, f"Lifecycle event '{event}' doesn't support '{wanted}' action")
    with Change(driver, dom, flags, "set-lifecycle-action") as changed:
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
