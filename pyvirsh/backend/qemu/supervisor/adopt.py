"""Taking over a guest whose supervisor was killed: QEMU is asked what has become of it."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.qemu import live
from pyvirsh.backend.qemu.qmp import QmpError
from pyvirsh.backend.qemu.supervisor.guest import FAILED, MACHINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyvirsh.backend.qemu.supervisor.guest import Supervisor
    from pyvirsh.backend.qemu.supervisor.monitor import Script
    from pyvirsh.backend.qemu.supervisor.policy import Policy

# QEMU's run states that say why a guest does not run.
PAUSED = {
    "io-error": c.DOMAIN_PAUSED_IOERROR,
    "watchdog": c.DOMAIN_PAUSED_WATCHDOG,
    "save-vm": c.DOMAIN_PAUSED_SAVE,
    "postmigrate": c.DOMAIN_PAUSED_MIGRATION,
    "finish-migrate": c.DOMAIN_PAUSED_MIGRATION,
    "inmigrate": c.DOMAIN_PAUSED_MIGRATION,
}


def script(supervisor: "Supervisor", policy: "Policy", ready: "Callable[[dict[str, Any]], None]") -> "Script":
    """Take a guest over; tell `ready` when its state is known."""
    guest = supervisor.guest
    before = live.read(supervisor.spec["runtime"], guest.uuid)
    if before is not None:
        guest.state, guest.reason, guest.since = before.state, before.reason, before.since
    supervisor.write_status()
    try:
        identity, *machine, status = yield [("query-uuid", None), *MACHINE, ("query-status", None)]
    except QmpError as error:
        ready({"failed": error.text})
        supervisor.loop.stop()
        return
    if identity["UUID"] != supervisor.spec["identity"]:
        ready({"failed": f"process {guest.qemu.pid} is QEMU for another guest, {identity['UUID']}"})
        supervisor.loop.stop()
        return
    yield from supervisor.look_at_cpu(machine)
    supervisor.note_machine(machine)
    if guest.state == c.DOMAIN_PAUSED and guest.reason == c.DOMAIN_PAUSED_STARTING_UP:
        # The start was cut off before the guest had what it needs: there is nothing to keep.
        supervisor.end(FAILED)
    else:
        supervisor.started = True
        _apply(str(status["status"]), supervisor, policy)
    ready({})


def _apply(status: str, supervisor: "Supervisor", policy: "Policy") -> None:
    """Bring the recorded state in line with what QEMU says, and do what was missed."""
    state = supervisor.guest.state
    if status == "shutdown":
        policy.take({"event": "SHUTDOWN", "data": {"guest": True, "reason": "guest-shutdown"}})
    elif status == "guest-panicked":
        policy.take({"event": "GUEST_PANICKED", "data": {"action": "pause"}})
    elif status == "running":
        if state != c.DOMAIN_RUNNING:
            supervisor.set_state(c.DOMAIN_RUNNING, c.DOMAIN_RUNNING_UNPAUSED)
    elif status == "suspended":
        if state != c.DOMAIN_PMSUSPENDED:
            supervisor.set_state(c.DOMAIN_PMSUSPENDED, c.DOMAIN_PMSUSPENDED_UNKNOWN)
    elif state != c.DOMAIN_PAUSED:
        supervisor.set_state(c.DOMAIN_PAUSED, PAUSED.get(status, c.DOMAIN_PAUSED_UNKNOWN))
