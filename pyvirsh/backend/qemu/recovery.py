"""What a command does when it meets a guest some of whose processes were killed.

QEMU alive, supervisor dead: the guest is given a new supervisor.  QEMU dead, supervisor alive: it
is clearing up and will be done at once.  Both dead: this command clears up.  A start that was cut
off before QEMU was known: its QEMU, if there is one, is ended.  All of it is bounded in time.
"""

import json
import os
import select
import signal

from pyvirsh.backend import constants as c
from pyvirsh.backend.durable import read_file
from pyvirsh.backend.errors import OPERATION_TIMEOUT, VirError
from pyvirsh.backend.qemu import live, process
from pyvirsh.backend.qemu.supervisor import publish, remains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.qemu.driver import QemuDriver

# How long a supervisor may take to clear up, and the kernel to end a process.
SETTLE_SECONDS = 3.0
KILL_SECONDS = 10.0


def settle(driver: "QemuDriver", guest: live.Guest) -> "live.Guest | None":
    """Bring a guest with dead processes into order; return it if it runs."""
    if guest.qemu.alive():
        return _adopt(driver, guest)
    if guest.supervisor.alive() and _wait_for_end(guest):
        return live.read(driver.roots.runtime(), guest.uuid) and driver.running(guest.uuid)
    if not guest.supervisor.alive():
        _bury(driver, guest)
    return None


def _wait_for_end(guest: live.Guest) -> bool:
    """Wait until the supervisor has gone; False if it takes too long."""
    fd = guest.supervisor.open()
    if fd < 0:
        return True
    try:
        return wait_for(fd, SETTLE_SECONDS)
    finally:
        os.close(fd)


def wait_for(pidfd: int, seconds: float) -> bool:
    """Wait until a process has ended; False if it takes longer than `seconds`."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _spec(driver: "QemuDriver", guest: live.Guest) -> "dict[str, Any] | None":
    data = read_file(guest.file(live.SPEC))
    if not data:
        return None
    spec: dict[str, Any] = json.loads(data)
    spec["qemu"] = [guest.qemu.pid, guest.qemu.start]
    return spec


def _adopt(driver: "QemuDriver", guest: live.Guest) -> "live.Guest | None":
    """Give a guest a new supervisor, unless another command is at it already."""
    lock = driver.hold(guest.uuid, "adopting the guest")
    if not lock.attempt():
        return guest
    try:
        now = live.read(driver.roots.runtime(), guest.uuid)
        if now is None or now.supervisor.alive():
            return now
        spec = _spec(driver, now)
        if spec is not None:
            stopped = now.qemu.state() in ("T", "t")
            seconds = 0.1 if stopped else process.ADOPT_SECONDS
            process.adopt(spec, driver.log_path(spec["name"], spec["uuid"]), lock, seconds)
        now = live.read(driver.roots.runtime(), guest.uuid)
        return now if now is not None and now.qemu.alive() else None
    finally:
        lock.release()


def _bury(driver: "QemuDriver", guest: live.Guest) -> None:
    """Clear up after a guest whose processes are all gone."""
    lock = driver.hold(guest.uuid, "clearing up")
    if not lock.attempt():
        return
    try:
        now = live.read(driver.roots.runtime(), guest.uuid)
        if now is not None and not now.qemu.alive() and not now.supervisor.alive():
            bury(driver, now)
    finally:
        lock.release()


def bury(
    driver: "QemuDriver", guest: live.Guest, reason: "int | None" = None, detail: "int | None" = None
) -> None:
    """Clear up after a guest; the caller holds its lock and knows that its processes are gone.

    reason, detail: why it is shut off, where the caller knows; else what can be told from its state.
    """
    finished = guest.state == c.DOMAIN_SHUTDOWN
    if reason is None:
        reason = c.DOMAIN_SHUTOFF_SHUTDOWN if finished else c.DOMAIN_SHUTOFF_UNKNOWN
    if detail is None:
        detail = c.DOMAIN_EVENT_STOPPED_SHUTDOWN if finished else c.DOMAIN_EVENT_STOPPED_FAILED
    spec = _spec(driver, guest)
    if spec is None:
        remains.remove_files(guest.path)
        return
    remains.clear(spec, guest, reason, -1)
    publisher = publish.Publisher(driver.roots.runtime())
    who = (guest.name, guest.uuid, guest.id)
    publisher.send("domain", c.DOMAIN_EVENT_ID_LIFECYCLE, who, (c.DOMAIN_EVENT_STOPPED, detail))
    publisher.close()


# -- before a start ----------------------------------------------------------------------------------


def clear_for_start(driver: "QemuDriver", uuid: str) -> None:
    """Remove what an earlier run left; the caller holds the lock and has seen that the guest does not run.

    Errors: OPERATION_TIMEOUT if a process of it cannot be ended.
    """
    runtime = driver.roots.runtime()
    path = f"{runtime}/{uuid}"
    if not os.path.lexists(path):
        return
    guest = live.read(runtime, uuid)
    left = live.read_pid(runtime, uuid)
    for who in (left, guest.qemu if guest else None, guest.supervisor if guest else None):
        if who is not None:
            kill(who)
    if guest is not None:
        bury(driver, guest)
    remains.remove_files(path)


def clear_cut_off(driver: "QemuDriver", uuid: str) -> None:
    """End what a start left that was killed before its guest had a status; one under way is let be."""
    lock = driver.hold(uuid, "clearing up")
    if not lock.attempt():
        return
    try:
        if live.read(driver.roots.runtime(), uuid) is None:
            clear_for_start(driver, uuid)
            remains.release_ports(driver.roots.runtime(), uuid)
    finally:
        lock.release()


def kill(who: live.Process, seconds: float = KILL_SECONDS) -> None:
    """End a process by force and wait until it is gone.  Errors: OPERATION_TIMEOUT."""
    fd = who.open()
    if fd < 0:
        return
    try:
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        if not wait_for(fd, seconds):
            raise VirError(OPERATION_TIMEOUT, f"process {who.pid} does not end, not even by SIGKILL")
    except ProcessLookupError:
        return
    finally:
        os.close(fd)
