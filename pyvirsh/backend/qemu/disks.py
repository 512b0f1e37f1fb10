"""A domain's disks: found by target or path, their sizes and counters, their errors.

Source: libvirt API, virDomainBlockStatsFlags, virDomainGetBlockInfo; QEMU's QMP reference; figures
and texts as observed of libvirt's QEMU driver.
"""

import os
import stat

from pyvirsh.backend.api import PARAM_LLONG, DomainRef, TypedParam
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.errors import (
    INTERNAL_ERROR,
    INVALID_ARG,
    OPERATION_FAILED,
    OPERATION_UNSUPPORTED,
    SYSTEM_ERROR,
    VirError,
)
from pyvirsh.backend.qemu.monitor import Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.conf.domain.disk import Disk
    from pyvirsh.backend.qemu.driver import QemuDriver

PEEK_MAX = 64 * 1024 * 1024
IMAGE_TOOL = "qemu-img"
IMAGE_SECONDS = 30.0


def path_of(disk: "Disk") -> "str | None":
    """Return the file or block device a disk is in; None if it has none on this host."""
    source = disk.source
    if source is None:
        return None
    return {"file": source.file, "block": source.dev, "dir": source.dir}.get(disk.type)


def find(domain: "Domain", path: str) -> "Disk | None":
    """Return the disk with a target or source."""
    disks = domain.devices.disks
    by_target = next((disk for disk in disks if disk.target_dev == path), None)
    return by_target or next((disk for disk in disks if path and path_of(disk) == path), None)


def need(domain: "Domain", path: str) -> "Disk":
    """Return the disk with a target or source.  Errors: INVALID_ARG."""
    disk = find(domain, path)
    if disk is None:
        raise VirError(INVALID_ARG, f"invalid path: {path}")
    return disk


# -- counters ------------------------------------------------------------------------------------------


def by_alias(answer: "list[dict[str, Any]]") -> "dict[str, dict[str, Any]]":
    """Return what QEMU answers of block devices by the alias of the device."""
    found = {}
    for entry in answer:
        name = str(entry.get("qdev") or entry.get("device") or "")
        if name.startswith("/machine/peripheral/"):
            name = name.split("/")[3]
        found[name.removeprefix("drive-")] = entry
    return found


def alias_of(disk: "Disk") -> str:
    """Return the alias QEMU knows a disk's device by."""
    return disk.info.alias or ""


_COUNTERS = (
    ("wr_bytes", "wr_bytes"),
    ("wr_operations", "wr_operations"),
    ("rd_bytes", "rd_bytes"),
    ("rd_operations", "rd_operations"),
    ("flush_operations", "flush_operations"),
    ("wr_total_times", "wr_total_time_ns"),
    ("rd_total_times", "rd_total_time_ns"),
    ("flush_total_times", "flush_total_time_ns"),
)


def _counters(driver: "QemuDriver", dom: DomainRef, path: str) -> "dict[str, int]":
    """Return a disk's counters, or the sum of all disks' where `path` is empty."""
    guest = driver.guest(dom)
    domain = driver.live_definition(guest)
    wanted = [need(domain, path)] if path else domain.devices.disks
    with Monitor(guest) as monitor:
        stats = by_alias(monitor.execute("query-blockstats"))
    sums: dict[str, int] = {}
    for disk in wanted:
        entry = stats.get(alias_of(disk))
        if entry is None:
            if path:
                raise VirError(INTERNAL_ERROR, f"cannot find statistics for device '{alias_of(disk)}'")
            continue
        for name, value in entry["stats"].items():
            if isinstance(value, int):
                sums[name] = sums.get(name, 0) + value
    return sums


def domain_block_stats_flags(
    driver: "QemuDriver", dom: DomainRef, path: str, flags: int = 0
) -> "list[TypedParam]":
    allowed(flags, 4, "qemuDomainBlockStatsFlags")
    values = _counters(driver, dom, path)
    return [(name, PARAM_LLONG, values.get(key, 0)) for name, key in _COUNTERS]


def domain_block_stats(driver: "QemuDriver", dom: DomainRef, path: str) -> "tuple[int, int, int, int, int]":
    values = _counters(driver, dom, path)
    names = ("rd_operations", "rd_bytes", "wr_operations", "wr_bytes")
    rd_req, rd_bytes, wr_req, wr_bytes = (values.get(name, 0) for name in names)
    return rd_req, rd_bytes, wr_req, wr_bytes, -1


def nodes_of(disk: "Disk") -> "list[tuple[str, str, str]]":
    """Return a running guest's images of a disk: name, path and QEMU's node, the uppermost first."""
    found = []
    if disk.source is not None and disk.source.index:
        target, number = str(disk.target_dev), disk.source.index
        found.append((target, path_of(disk) or "", f"libvirt-{number}-storage"))
        store = disk.backing
        while store is not None and store.type is not None and store.index:
            path = store.source.file or store.source.dev or "" if store.source is not None else ""
            found.append((f"{target}[{store.index}]", path, f"libvirt-{store.index}-storage"))
            store = store.backing
    return found


def domain_set_block_threshold(
    driver: "QemuDriver", dom: DomainRef, dev: str, threshold: int, flags: int = 0
) -> None:
    allowed(flags, 0, "qemuDomainSetBlockThreshold")
    guest = driver.guest(dom)
    for disk in driver.live_definition(guest).devices.disks:
        top = disk.source.index if disk.source is not None else None
        for name, _, node in nodes_of(disk):
            if dev == name or dev == f"{disk.target_dev}[{top}]" == f"{name}[{top}]":
                with Monitor(guest) as monitor:
                    arguments = {"node-name": node, "write-threshold": threshold}
                    monitor.execute("block-set-write-threshold", arguments)
                return
    raise VirError(INVALID_ARG, f"failed to find disk '{dev}'")


def domain_get_disk_errors(driver: "QemuDriver", dom: DomainRef, flags: int = 0) -> "list[tuple[str, int]]":
    allowed(flags, 0, "qemuDomainGetDiskErrors")
    guest = driver.guest(dom)
    domain = driver.live_definition(guest)
    with Monitor(guest) as monitor:
        states = by_alias(monitor.execute("query-block"))
    codes = {"failed": 1, "nospace": 2}
    found = [(disk, states.get(alias_of(disk), {}).get("io-status")) for disk in domain.devices.disks]
    return [(str(disk.target_dev), codes[status]) for disk, status in found if status in codes]


# -- sizes ---------------------------------------------------------------------------------------------


class Sizes:
    """Sizes of an image in bytes: what it takes, what it offers, what its file spans."""

    __slots__ = ("allocation", "capacity", "physical")

    def __init__(self, allocation: int, capacity: int, physical: int) -> None:
        self.allocation = allocation
        self.capacity = capacity
        self.physical = physical


def file_sizes(path: str) -> "tuple[int, int]":
    """Return what a file or block device takes and what it spans.  Errors: SYSTEM_ERROR."""
    try:
        status = os.stat(path)
        if stat.S_ISBLK(status.st_mode):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                size = os.lseek(fd, 0, os.SEEK_END)
            finally:
                os.close(fd)
            return size, size
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"cannot stat file '{path}': {error.strerror}") from error
    return status.st_blocks * 512, status.st_size


def image_sizes(path: str, format: "str | None") -> Sizes:
    """Return the sizes of an image nobody uses.  Its format is what the definition says, never a guess."""
    allocation, physical = file_sizes(path)
    if format in (None, "raw"):
        return Sizes(allocation, physical, physical)
    return Sizes(allocation, int(image_info(path, str(format))["virtual-size"]), physical)


def image_info(path: str, format: str) -> "dict[str, Any]":
    """Return what qemu-img tells of an image.  Errors: OPERATION_FAILED, with its words."""
    import json
    import subprocess

    words = [IMAGE_TOOL, "info", "--output=json", "-U", "-f", format, "--", path]
    try:
        done = subprocess.run(words, capture_output=True, timeout=IMAGE_SECONDS, check=False)
    except FileNotFoundError as error:
        detail = f"{IMAGE_TOOL} is not installed: install the package qemu-utils"
        raise VirError(OPERATION_FAILED, detail) from error
    except subprocess.TimeoutExpired as error:
        raise VirError(OPERATION_FAILED, f"{IMAGE_TOOL} does not end on '{path}'") from error
    if done.returncode:
        raise VirError(OPERATION_FAILED, done.stderr.decode("utf-8", "replace").strip())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def domain_get_block_info(
    driver: "QemuDriver", dom: DomainRef, path: str, flags: int = 0
) -> "tuple[int, int, int]":
    allowed(flags, 0, "qemuDomainGetBlockInfo")
    domain, guest = driver.current(dom)
    disk = find(domain, path) if path else None
    if disk is None:
        raise VirError(INVALID_ARG, f"invalid path {path} not assigned to domain")
    file = path_of(disk)
    if file is None:
        if disk.source is None or disk.type in ("file", "block", "dir"):
            raise VirError(INVALID_ARG, f"disk '{path}' does not currently have a source assigned")
        raise VirError(OPERATION_UNSUPPORTED, f"the sizes of '{disk.type}' disk '{path}' are not known here")
    if guest is None:
        sizes = image_sizes(file, disk.format)
        return sizes.allocation, sizes.capacity, sizes.physical
    with Monitor(guest) as monitor:
        images = Images(monitor)
    return images.block_info(disk, file)


class Images:
    """What a running QEMU tells of its images."""

    def __init__(self, monitor: Monitor) -> None:
        self.stats = by_alias(monitor.execute("query-blockstats"))
        self._devices = by_alias(monitor.execute("query-block"))

    def image(self, disk: "Disk") -> "dict[str, Any]":
        """Return what QEMU knows of a disk's image; {} if there is none."""
        inserted: dict[str, Any] = self._devices.get(alias_of(disk), {}).get("inserted", {}).get("image", {})
        return inserted

    def highest(self, disk: "Disk") -> "int | None":
        """Return the highest place of the image's file that was written to."""
        entry = self.stats.get(alias_of(disk), {})
        below = entry.get("parent", {}).get("stats", {})
        value = below.get("wr_highest_offset", entry.get("stats", {}).get("wr_highest_offset"))
        return None if value is None else int(value)

    def block_info(self, disk: "Disk", file: str) -> "tuple[int, int, int]":
        """Return allocation, capacity and physical size of a disk in use."""
        image = self.image(disk)
        if not image:
            sizes = image_sizes(file, disk.format)
            return sizes.allocation, sizes.capacity, sizes.physical
        physical = int(image.get("actual-size", 0))
        highest = self.highest(disk)
        allocation = physical if highest is None or disk.format == "qcow2" else highest
        if physical == 0 or allocation in (0, physical):
            physical = file_sizes(file)[1]
        return allocation, int(image.get("virtual-size", 0)), physical


# -- contents ------------------------------------------------------------------------------------------


def domain_block_peek(
    driver: "QemuDriver", dom: DomainRef, path: str, offset: int, size: int, flags: int = 0
) -> bytes:
    allowed(flags, 0, "qemuDomainBlockPeek")
    domain, _ = driver.current(dom)
    disk = need(domain, path)
    file = path_of(disk)
    if file is None or disk.format not in (None, "raw"):
        raise VirError(OPERATION_UNSUPPORTED, f"'{path}' is not a raw image on this host")
    if size > PEEK_MAX:
        raise VirError(INVALID_ARG, f"at most {PEEK_MAX} bytes can be read at once")
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(fd, size, offset)
        finally:
            os.close(fd)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"{file}: failed to read: {error.strerror}") from error
