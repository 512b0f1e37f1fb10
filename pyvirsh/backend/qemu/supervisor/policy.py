"""What QEMU's events mean for a guest: states, reasons, and what on_poweroff and its kin ask for.

Source: QEMU's QMP reference, RunState and events; libvirt's states as observed.
"""

import os
import time

from pyvirsh.backend import constants as c
from pyvirsh.backend.durable import make_directory
from pyvirsh.backend.qemu.qmp import QmpError
from pyvirsh.backend.qemu.supervisor.guest import CRASHED, SHUT_DOWN, Supervisor
from pyvirsh.backend.qemu.supervisor.translate import alias_of, translate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyvirsh.backend.qemu.supervisor.monitor import Script

    Data = dict[str, Any]

RESTART = ("restart", "rename-restart", "coredump-restart")


class Policy:
    """Follows the events of one guest.

    pause_reason, run_reason: why the next stop or continuation comes, when we caused it.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.pause_reason = c.DOMAIN_PAUSED_UNKNOWN
        self.run_reason = c.DOMAIN_RUNNING_UNPAUSED
        # A reboot asked for by way of a shutdown: the next one is followed by a reset.
        self.reboot_asked = False
        self._handlers: dict[str, Callable[[Data], None]] = {
            "STOP": self._stop,
            "RESUME": self._resume,
            "SHUTDOWN": self._shutdown,
            "RESET": self._reset,
            "GUEST_PANICKED": self._panicked,
            "WATCHDOG": self._watchdog,
            "BLOCK_IO_ERROR": self._io_error,
            "SUSPEND": self._suspend,
            "SUSPEND_DISK": self._suspend_disk,
            "WAKEUP": self._wakeup,
            "BALLOON_CHANGE": self._balloon,
            "VSERPORT_CHANGE": self._channel,
            "DEVICE_TRAY_MOVED": self._tray,
        }

    def take(self, message: "Data") -> None:
        """Take in an event of QEMU's."""
        name, data = str(message["event"]), message.get("data", {})
        supervisor = self.supervisor
        handler = self._handlers.get(name)
        if handler is not None:
            handler(data)
        for event_id, values in translate(name, data, supervisor.spec["devices"]):
            supervisor.publish(event_id, values)
        when = message.get("timestamp", {})
        raw = (name, when.get("seconds", 0), when.get("microseconds", 0), _details(data))
        supervisor.publish(0, raw, "qemu")

    # -- running and not ---------------------------------------------------------------------------

    def _stop(self, data: "Data") -> None:
        reason, self.pause_reason = self.pause_reason, c.DOMAIN_PAUSED_UNKNOWN
        if self.supervisor.guest.state == c.DOMAIN_RUNNING:
            self._pause(reason, c.DOMAIN_EVENT_SUSPENDED_PAUSED)

    def _pause(self, reason: int, detail: int) -> None:
        self.supervisor.set_state(c.DOMAIN_PAUSED, reason)
        self.supervisor.lifecycle(c.DOMAIN_EVENT_SUSPENDED, detail)

    def _resume(self, data: "Data") -> None:
        reason, self.run_reason = self.run_reason, c.DOMAIN_RUNNING_UNPAUSED
        guest = self.supervisor.guest
        if guest.state == c.DOMAIN_PAUSED and guest.reason == c.DOMAIN_PAUSED_STARTING_UP:
            reason = c.DOMAIN_RUNNING_BOOTED
        if guest.state in (c.DOMAIN_PAUSED, c.DOMAIN_CRASHED, c.DOMAIN_SHUTDOWN):
            self.supervisor.set_state(c.DOMAIN_RUNNING, reason)
            self.supervisor.lifecycle(c.DOMAIN_EVENT_RESUMED, c.DOMAIN_EVENT_RESUMED_UNPAUSED)

    def _watchdog(self, data: "Data") -> None:
        if data.get("action") == "pause" and self.supervisor.guest.state == c.DOMAIN_RUNNING:
            self._pause(c.DOMAIN_PAUSED_WATCHDOG, c.DOMAIN_EVENT_SUSPENDED_WATCHDOG)

    def _io_error(self, data: "Data") -> None:
        if data.get("action") == "stop" and self.supervisor.guest.state == c.DOMAIN_RUNNING:
            self._pause(c.DOMAIN_PAUSED_IOERROR, c.DOMAIN_EVENT_SUSPENDED_IOERROR)

    def _suspend(self, data: "Data") -> None:
        self.supervisor.set_state(c.DOMAIN_PMSUSPENDED, c.DOMAIN_PMSUSPENDED_UNKNOWN)
        self.supervisor.lifecycle(c.DOMAIN_EVENT_PMSUSPENDED, c.DOMAIN_EVENT_PMSUSPENDED_MEMORY)

    def _suspend_disk(self, data: "Data") -> None:
        self.supervisor.set_state(c.DOMAIN_PMSUSPENDED, c.DOMAIN_PMSUSPENDED_UNKNOWN)
        self.supervisor.lifecycle(c.DOMAIN_EVENT_PMSUSPENDED, c.DOMAIN_EVENT_PMSUSPENDED_DISK)

    def _wakeup(self, data: "Data") -> None:
        self.supervisor.set_state(c.DOMAIN_RUNNING, c.DOMAIN_RUNNING_WAKEUP)
        self.supervisor.lifecycle(c.DOMAIN_EVENT_STARTED, c.DOMAIN_EVENT_STARTED_WAKEUP)

    # -- endings -------------------------------------------------------------------------------------

    def _shutdown(self, data: "Data") -> None:
        supervisor = self.supervisor
        if supervisor.guest.state == c.DOMAIN_SHUTDOWN:
            return
        detail = c.DOMAIN_EVENT_SHUTDOWN_GUEST if data.get("guest") else c.DOMAIN_EVENT_SHUTDOWN_HOST
        supervisor.set_state(c.DOMAIN_SHUTDOWN, c.DOMAIN_SHUTDOWN_UNKNOWN)
        supervisor.lifecycle(c.DOMAIN_EVENT_SHUTDOWN, detail)
        asked, self.reboot_asked = self.reboot_asked, False
        if data.get("reason") == "host-signal" or supervisor.ending is not None:
            supervisor.ending = supervisor.ending or SHUT_DOWN  # QEMU ends by itself
        elif asked or self._action("poweroff") in RESTART:
            self.reboot()
        elif self._action("poweroff") != "preserve":
            supervisor.end(SHUT_DOWN)

    def _reset(self, data: "Data") -> None:
        if data.get("reason") != "guest-reset":
            return
        if self._action("reboot") == "destroy":
            self.supervisor.end(SHUT_DOWN)

    def _panicked(self, data: "Data") -> None:
        supervisor = self.supervisor
        if supervisor.ending is not None or data.get("action") == "run":
            return
        supervisor.set_state(c.DOMAIN_CRASHED, c.DOMAIN_CRASHED_PANICKED)
        supervisor.lifecycle(c.DOMAIN_EVENT_CRASHED, c.DOMAIN_EVENT_CRASHED_PANICKED)
        action = self._action("crash")
        if action.startswith("coredump-"):
            supervisor.monitor_run(self._dump(action))
        elif action in RESTART:
            self.reboot()
        elif action != "preserve":
            supervisor.end(CRASHED)

    def _dump(self, action: str) -> "Script":
        """Write the guest's memory to a file, then go on as the rest of the action says."""
        path = f"{self.supervisor.spec['dump']}-{time.strftime('%Y-%m-%d-%H:%M:%S')}"
        make_directory(os.path.dirname(path))
        try:
            yield [("dump-guest-memory", {"paging": False, "protocol": f"file:{path}"})]
        except QmpError:
            pass  # a guest that cannot be dumped is still brought to the end asked for
        if action in RESTART:
            self.reboot()
        else:
            self.supervisor.end(CRASHED)

    def reboot(self) -> None:
        """Start the guest over within its QEMU."""
        self.supervisor.monitor_run(self._reboot())

    def _reboot(self) -> "Script":
        crashed = self.supervisor.guest.state == c.DOMAIN_CRASHED
        self.run_reason = c.DOMAIN_RUNNING_CRASHED if crashed else c.DOMAIN_RUNNING_BOOTED
        try:
            yield [("system_reset", None), ("cont", None)]
        except QmpError:
            self.supervisor.end(CRASHED)

    def _action(self, what: str) -> str:
        return str(self.supervisor.spec["actions"].get(what, "destroy"))

    # -- what is noted ---------------------------------------------------------------------------------

    def _balloon(self, data: "Data") -> None:
        self.supervisor.balloon = int(data.get("actual", 0)) // 1024
        self.supervisor.write_facts()

    def _channel(self, data: "Data") -> None:
        chardev = self.supervisor.spec["devices"].get(str(data.get("id")), {}).get("chardev")
        if chardev:
            self.supervisor.open_channels[chardev] = bool(data.get("open"))
            self.supervisor.write_facts()

    def _tray(self, data: "Data") -> None:
        self.supervisor.trays[alias_of(data)] = "open" if data.get("tray-open") else "closed"
        self.supervisor.write_facts()


def _details(data: "Data") -> "str | None":
    import json

    return json.dumps(data, separators=(",", ":")) if data else None
