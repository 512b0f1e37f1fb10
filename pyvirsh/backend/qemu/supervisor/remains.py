"""What is left of a guest that has ended, and how it is cleared away.

Nothing here waits for anybody: the supervisor calls it when QEMU is gone, a command when both are.
"""

import os
import signal

from pyvirsh.backend import constants as c
from pyvirsh.backend.durable import make_directory, remove_tree, write_file
from pyvirsh.backend.locks import Lock
from pyvirsh.backend.qemu import live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LAST = "last"
LOCKS = "locks"
PORTS = "ports"
# In a guest's directory: the control groups it has.
GROUPS = "groups"


def clear(spec: "dict[str, Any]", guest: live.Guest, reason: int, status: int) -> None:
    """Record how the guest ended, stop its helpers and remove its runtime files.

    reason: why it is shut off; status: what waitpid said of QEMU, -1 if that is unknown.
    """
    runtime = spec["runtime"]
    if os.path.exists(spec["config"]):
        record_last(runtime, guest.uuid, reason, status)
    for pid, start in spec.get("helpers", ()):
        stop_helper(live.Process(pid, start))
    release_ports(runtime, guest.uuid)
    remove_files(guest.path)
    tidy_name(spec)


def record_last(runtime: str, uuid: str, reason: int, status: int) -> None:
    """Record how a guest ended: why it is shut off, and what waitpid said of QEMU, -1 if unknown."""
    make_directory(f"{runtime}/{LAST}")
    text = f"{c.DOMAIN_SHUTOFF} {reason} {_how(status)}\n"
    write_file(f"{runtime}/{LAST}/{uuid}", text.encode(), sync=False)


def _how(status: int) -> str:
    if status < 0:
        return "unknown"
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"


def stop_helper(process: live.Process) -> None:
    """Ask a process that served the guest to end."""
    fd = process.open()
    if fd < 0:
        return
    try:
        signal.pidfd_send_signal(fd, signal.SIGTERM)
    except ProcessLookupError:
        pass
    finally:
        os.close(fd)


def release_ports(runtime: str, uuid: str) -> None:
    """Give back the ports that were chosen for a guest."""
    directory = f"{runtime}/{PORTS}"
    try:
        entries = os.listdir(directory)
    except FileNotFoundError:
        return
    for entry in entries:
        try:
            if os.readlink(f"{directory}/{entry}") == uuid:
                os.unlink(f"{directory}/{entry}")
        except FileNotFoundError:
            continue


def remove_files(path: str) -> None:
    """Remove a guest's directory, and the control groups that it lists."""
    if os.path.exists(f"{path}/{GROUPS}"):
        from pyvirsh.backend.qemu.supervisor import cgroups

        cgroups.remove(path)
    remove_tree(path)


def tidy_name(spec: "dict[str, Any]") -> None:
    """Give back the name of a guest that was not defined, if nobody is at work on it.

    A link that stays is harmless: it counts for nothing.
    """
    if os.path.exists(spec["config"]):
        return
    lock = Lock(f"{spec['runtime']}/{LOCKS}", spec["uuid"], "cleaning up")
    if not lock.attempt():
        return
    try:
        if not os.path.exists(spec["config"]) and os.readlink(spec["link"]) == "../" + spec["uuid"]:
            os.unlink(spec["link"])
    except OSError:
        pass
    finally:
        lock.release(remove=True)
