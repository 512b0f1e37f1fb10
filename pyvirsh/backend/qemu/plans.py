"""What a start decided, kept for the next start of the same definition in the same circumstances.

Nothing is decided here: a plan that does not fit is no plan, and the start decides anew.  It fits while
the definition, this program, QEMU and what the images stand on are what they were, and the ports that
were chosen are free.  Only decisions that hold no secret and need no help from the host are kept.
"""

import json
import os

from pyvirsh.backend.api import DomainRef
from pyvirsh.backend.durable import make_directory, read_file, write_file
from pyvirsh.backend.errors import VirError
from pyvirsh.backend.qemu import launching, ports, qcow2, recovery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.locks import Lock
    from pyvirsh.backend.qemu.driver import QemuDriver

PLANS = "plans"
# The parts of this program that decide.
_CODE = ("conf", "conf/domain", "conf/domain/filling", "qemu", "qemu/argv", "qemu/defaults", "qemu/addresses")


def is_lasting(domain: "Domain", decision: launching.Decision) -> bool:
    """Say whether a decision would be the same next time."""
    return is_plain(domain) and not (decision.fds or decision.helpers or decision.secrets)


def is_plain(domain: "Domain") -> bool:
    """Say whether a definition asks for nothing that is different, or must be made, at each start."""
    relative = domain.clock is not None and domain.clock.offset not in ("utc", "localtime")
    devices = domain.devices
    firmware = domain.os.nvram or domain.os.firmware
    others = devices.hostdevs or devices.filesystems or devices.tpms or devices.memories or devices.shmems
    backing = domain.memory_backing
    return domain.type == "qemu" and not (relative or firmware or others or backing or domain.qemu)


def images_of(domain: "Domain") -> "list[list[Any]] | None":
    """Return the files a guest needs with format, base and the base's format; None if there are others."""
    found: list[list[Any]] = [
        [file, None] for file in (domain.os.kernel, domain.os.initrd, domain.os.dtb) if file
    ]
    for disk in domain.devices.disks:
        if disk.type not in ("file", "block") or disk.encryption is not None:
            return None
        if disk.source is None or disk.source.startup_policy is not None:
            if disk.source is not None:
                return None
            continue
        found.append([disk.source.file or disk.source.dev, disk.format])
        store = disk.backing
        while store is not None and store.type is not None:
            if store.type not in ("file", "block") or store.source is None:
                return None
            found.append([store.source.file or store.source.dev, store.format])
            store = store.backing
    return [[path, form, *_base(path, form)] for path, form in found]


def _base(path: str, format: "str | None") -> "tuple[str | None, str | None]":
    return qcow2.base_of(path) if format == "qcow2" else (None, None)


def _circumstances(driver: "QemuDriver", uuid: str, emulator: str) -> "list[object]":
    """Return what must not have changed since a plan was made."""
    newest = 0
    backend = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for package in _CODE:
        with os.scandir(f"{backend}/{package}") as entries:
            newest = max([newest, *(one.stat().st_mtime_ns for one in entries if one.name.endswith(".py"))])
    found: list[object] = [newest, driver.roots.runtime(), driver.roots.state]
    for path in (driver.store.path(uuid, "config.xml"), emulator):
        status = os.stat(path)
        found += [status.st_ino, status.st_size, status.st_mtime_ns]
    return found


def _path(driver: "QemuDriver", uuid: str) -> str:
    return f"{driver.roots.runtime()}/{PLANS}/{uuid}"


def keep(driver: "QemuDriver", decision: launching.Decision, images: "list[list[Any]] | None") -> None:
    """Keep a lasting decision; one that cannot be kept is decided anew next time."""
    if images is None:
        return
    uuid = decision.plain["uuid"]
    circumstances = _circumstances(driver, uuid, decision.plain["words"][0])
    content = {"circumstances": circumstances, "images": images, "plain": decision.plain}
    make_directory(os.path.dirname(_path(driver, uuid)))
    write_file(_path(driver, uuid), json.dumps(content).encode(), sync=False)


def start(driver: "QemuDriver", dom: DomainRef, lock: "Lock", flags: int) -> "DomainRef | None":
    """Start a guest as it was started before; None if that does not fit any more.

    The caller holds the lock and knows that the guest is down.  Errors: as any start's.
    """
    data = read_file(_path(driver, dom.uuid)) if driver.roots.runtime() else None
    if data is None:
        return None
    try:
        plan = json.loads(data)
        plain = plan["plain"]
        fits = plan["circumstances"] == _circumstances(driver, dom.uuid, plain["words"][0])
        if not fits or any([*_base(path, form)] != base for path, form, *base in plan["images"]):
            return None
        for path, *_ in plan["images"]:
            os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except (OSError, ValueError, KeyError, TypeError, VirError):
        return None
    recovery.clear_for_start(driver, dom.uuid)
    make_directory(launching.directory(driver, dom.uuid))
    if not ports.retake(plain["ports"], driver.roots.runtime(), dom.uuid):
        return None
    try:
        return launching.run(driver, launching.Decision(plain), lock, flags)
    except VirError:
        launching.fail(driver, dom.uuid, dom.name)
        if all(ports.is_free(address, port) for address, port in plain["ports"]):
            raise
        return None
