"""Running what a start has decided; what is decided is plain data, which knows no definition.

Whatever fails leaves nothing behind; whoever is killed at whatever step leaves what the next start,
or the next command that looks, clears away.
"""

import fcntl
import os

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.durable import make_directory, write_file
from pyvirsh.backend.qemu import live, process, recovery
from pyvirsh.backend.qemu.events import announce
from pyvirsh.backend.qemu.lifecycle import TERMINALS
from pyvirsh.backend.qemu.supervisor import remains
from pyvirsh.backend.store import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.locks import Lock
    from pyvirsh.backend.qemu.argv import Helper
    from pyvirsh.backend.qemu.driver import QemuDriver

NEXT_ID = "next-id"
# The part of a decision that the supervisor needs.
KEPT = ("name", "uuid", "identity", "actions", "devices", "pins", "schedulers", "limits", "plug", "cpuid")
# The numbers QEMU knows its descriptors by: pipes of terminals, and from FIRST_FD on what devices need.
LOG_FD, FIRST_FD = 30, 100


class Decision:
    """All that a start has decided.  `plain` is the part that can be kept and used again.

    helpers, fds: programs that must run first and descriptors, by number, that have been opened for
    this start; secrets: QMP commands that must not be written down.
    """

    def __init__(self, plain: "dict[str, Any]") -> None:
        self.plain = plain
        self.helpers: list[Helper] = []
        self.fds: list[tuple[int, int]] = []
        self.secrets: list[tuple[str, dict[str, Any] | None]] = []

    def close(self) -> None:
        """Close the descriptors that no process has taken over."""
        for fd, _ in self.fds:
            os.close(fd)
        self.fds = []


def directory(driver: "QemuDriver", uuid: str) -> str:
    """Return where a running guest's files are."""
    return f"{driver.roots.make_runtime()}/{uuid}"


def run(driver: "QemuDriver", decision: Decision, lock: "Lock", flags: int) -> DomainRef:
    """Do what was decided; the caller holds the guest's lock.  Errors: VirError with QEMU's own words."""
    plain = decision.plain
    name, uuid = plain["name"], plain["uuid"]
    path = directory(driver, uuid)
    number = next_id(driver.roots.runtime())
    spec = _spec(driver, plain, path, number, flags)
    launch = process.Launch(spec, driver.log_path(name, uuid))
    launch.fds, decision.fds = [*launch.fds, *decision.fds], []
    try:
        if plain["master_key"]:
            write_file(plain["master_key"], os.urandom(32), sync=False)
        write_file(f"{path}/{live.LIVE_XML}", plain["live"].encode("utf-8", "surrogateescape"), sync=False)
        _open_logs(launch, plain["terminals"])
        launch.words, launch.environment = plain["words"], plain["environment"]
        launch.helpers = decision.helpers
        launch.setup = [*decision.secrets, *((name, arguments) for name, arguments in plain["setup"])]
        _start(driver, launch, lock, flags)
    finally:
        launch.close()
    return DomainRef(name, uuid, number)


def next_id(runtime: str) -> int:
    """Return a number no guest has had since the machine came up."""
    fd = os.open(f"{runtime}/{NEXT_ID}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # held for the few lines below, by whoever
        number = int(os.read(fd, 20) or b"0") + 1
        os.pwrite(fd, str(number).encode(), 0)
        os.fchmod(fd, 0o600)
    finally:
        os.close(fd)
    return number


def _spec(
    driver: "QemuDriver", plain: "dict[str, Any]", path: str, number: int, flags: int
) -> "dict[str, Any]":
    """Return what the supervisor must know of a guest, without what is secret."""
    uuid = plain["uuid"]
    kept = {key: plain[key] for key in KEPT}
    return {
        **kept,
        "id": number,
        "dir": path,
        "runtime": driver.roots.runtime(),
        "config": driver.store.path(uuid, "config.xml"),
        "link": f"{driver.store.root}/names/{escaped(plain['name'])}",
        "dump": f"{driver.roots.state}/dump/{uuid}",
        "logs": {},
        "paused": bool(flags & c.DOMAIN_START_PAUSED),
    }


def _open_logs(launch: process.Launch, terminals: "list[str]") -> None:
    """Make the pipes through which the supervisor reads what the guest says on its terminals."""
    if not terminals:
        return
    place = f"{os.path.dirname(launch.log)}/{TERMINALS}"
    stem = os.path.basename(launch.log).removesuffix(".log")
    make_directory(place)
    for at, alias in enumerate(terminals):
        ours, theirs = os.pipe()
        launch.logs[alias] = ours
        launch.fds.append((theirs, LOG_FD + at))
        launch.spec["logs"][alias] = f"{place}/{stem}.{alias}.log"


def _start(driver: "QemuDriver", launch: process.Launch, lock: "Lock", flags: int) -> None:
    """Start the processes; with autodestroy the guest ends with this connection."""
    if not flags & c.DOMAIN_START_AUTODESTROY:
        process.start(launch, lock)
        return
    mine, theirs = os.pipe()
    try:
        process.start(launch, lock, owner=mine)
        driver.owned.append(theirs)
    except BaseException:
        os.close(theirs)
        raise
    finally:
        os.close(mine)


def fail(driver: "QemuDriver", uuid: str, name: str) -> None:
    """Remove what a failed start has made; the caller holds the lock."""
    runtime = driver.roots.runtime()
    recovery.clear_for_start(driver, uuid)
    remains.remove_files(f"{runtime}/{uuid}")
    remains.release_ports(runtime, uuid)
    if driver.store.exists(uuid):
        remains.record_last(runtime, uuid, c.DOMAIN_SHUTOFF_FAILED, -1)
    announce(driver, DomainRef(name, uuid, -1), (), c.DOMAIN_EVENT_ID_CONTROL_ERROR)
