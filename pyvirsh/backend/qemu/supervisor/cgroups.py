"""Control groups: a guest's shares of CPU time, memory and block I/O, of version 1, of version 2 or of both.

A guest has a group only while something is limited.  Groups are made below `pyvirsh`, where this user may:
at the top for root, else in what has been delegated to it.
Source: the Linux kernel's documents on control groups.
"""

import errno
import os
import stat

from pyvirsh.backend.errors import (
    INVALID_ARG,
    OPERATION_INVALID,
    OPERATION_UNSUPPORTED,
    SYSTEM_ERROR,
    VirError,
)
from pyvirsh.backend.qemu.supervisor.remains import GROUPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    # ("vcpu", 0, thread)
    Threads = list[tuple[str, int, int]]

PARENT = "pyvirsh"
CONTROLLERS = ("cpu", "memory", "blkio")
# What the kernel calls it in version 2.
_NAMES = {"blkio": "io"}
# key of a device's limits -> file of version 1, key in io.max
_THROTTLES = {
    "read_iops_sec": ("blkio.throttle.read_iops_device", "riops"),
    "write_iops_sec": ("blkio.throttle.write_iops_device", "wiops"),
    "read_bytes_sec": ("blkio.throttle.read_bps_device", "rbps"),
    "write_bytes_sec": ("blkio.throttle.write_bps_device", "wbps"),
}
_PERIOD = 100_000


class Place:
    """Where groups with a controller can be made, and the version of their interface."""

    def __init__(self, version: int, path: str) -> None:
        self.version = version
        self.path = path


# -- finding ---------------------------------------------------------------------------------------------


def places(proc: str = "/proc/self") -> "dict[str, Place]":
    """Return where this process may make groups, by controller."""
    own = {}
    for line in _read(f"{proc}/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        own.update({name: path for name in names.split(",")})
    found: dict[str, Place] = {}
    for line in _read(f"{proc}/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        root, point = before.split(" ")[3:5]
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup":
            for name in set(options.split(",")).intersection(CONTROLLERS):
                found.setdefault(name, Place(1, point))
        elif kind == "cgroup2":
            path = _delegated(point, os.path.relpath(own.get("", "/"), root))
            there = _read(f"{path}/cgroup.controllers").split()
            for name in CONTROLLERS:
                if _NAMES.get(name, name) in there:
                    found.setdefault(name, Place(2, path))
    return {name: place for name, place in found.items() if os.access(place.path, os.W_OK)}


def _delegated(point: str, own: str) -> str:
    """Return the outermost group around this process that this user may change."""
    found = point
    while not own.startswith("..") and not os.access(f"{found}/cgroup.procs", os.W_OK):
        rest = os.path.relpath(f"{point}/{own}", found)
        if rest == ".":
            break
        found = os.path.normpath(f"{found}/{rest.partition('/')[0]}")
    return found


def version(controller: str) -> int:
    """Return the version of a controller's interface; 2 where there is none to be used."""
    place = places().get(controller)
    return place.version if place is not None else 2


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


# -- a guest's groups ------------------------------------------------------------------------------------


class Groups:
    """The groups of one guest, made when they are first needed.

    directory: the guest's, where they are listed; pid, threads: QEMU's.
    """

    def __init__(self, uuid: str, directory: str, pid: int, threads: "Threads") -> None:
        self._uuid = uuid
        self._list = f"{directory}/{GROUPS}"
        self._pid = pid
        self._threads = threads
        self._places = places()

    def apply(self, limits: "dict[str, dict[str, Any]]") -> None:
        """Limit what is stated, in libvirt's terms.  Errors: OPERATION_UNSUPPORTED, SYSTEM_ERROR.

        limits: controller -> the elements of <cputune>, <memtune> (in KiB, None: unlimited) or <blkiotune>.
        """
        for controller, values in limits.items():
            if values:
                {"cpu": self._cpu, "memory": self._memory, "blkio": self._blkio}[controller](values)

    def _group(self, controller: str) -> "tuple[int, str]":
        """Return the version and the path of the guest's group, which is made if need be."""
        place = self._places.get(controller)
        if place is None:
            detail = (
                f"there is no control group with the controller '{controller}' that this user may change: "
                "run as root, or in a systemd unit with Delegate=yes"
            )
            raise VirError(OPERATION_UNSUPPORTED, detail)
        path = f"{place.path}/{PARENT}/{self._uuid}"
        self._make(os.path.dirname(path))
        if place.version == 2:
            self._enable(place.path, controller)
            self._enable(os.path.dirname(path), controller)
        if not os.path.isdir(path) or not self._is_listed(path):
            self._make(path)
            _write(f"{path}/cgroup.procs", str(self._pid))
        return place.version, path

    def _is_listed(self, path: str) -> bool:
        return path in _read(self._list).split("\n")

    def _make(self, path: str) -> None:
        """Make a group, and list it if it is the guest's own."""
        if f"/{self._uuid}" in path and not self._is_listed(path):
            try:
                with open(self._list, "a", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(path + "\n")
            except OSError as error:
                raise VirError(SYSTEM_ERROR, f"Failed to write '{self._list}': {error.strerror}") from error
        try:
            os.mkdir(path)
        except FileExistsError:
            return
        except OSError as error:
            raise VirError(SYSTEM_ERROR, f"Failed to create '{path}': {error.strerror}") from error

    def _enable(self, path: str, controller: str) -> None:
        name = _NAMES.get(controller, controller)
        if name not in _read(f"{path}/cgroup.subtree_control").split():
            _write(f"{path}/cgroup.subtree_control", f"+{name}")

    # -- CPU time ------------------------------------------------------------------------------------------

    def _cpu(self, values: "dict[str, Any]") -> None:
        kind, path = self._group("cpu")
        if "shares" in values:
            _write(f"{path}/{'cpu.shares' if kind == 1 else 'cpu.weight'}", str(values["shares"]))
        if "global_period" in values or "global_quota" in values:
            _bandwidth(kind, path, values.get("global_period"), values.get("global_quota"))
        for prefix, part in (("", "vcpu"), ("iothread_", "iothread"), ("emulator_", "emulator")):
            period, quota = values.get(f"{prefix}period"), values.get(f"{prefix}quota")
            if period is not None or quota is not None:
                for name, threads in self._parts(part):
                    self._divide(kind, path, name, threads)
                    _bandwidth(kind, f"{path}/{name}", period, quota)

    def _parts(self, kind: str) -> "list[tuple[str, list[int]]]":
        """Return QEMU's threads of a kind, by the names of the groups they are to be in."""
        if kind != "emulator":
            return [(f"{kind}{at}", [thread]) for one, at, thread in self._threads if one == kind]
        others = {thread for _, _, thread in self._threads}
        try:
            running = {int(name) for name in os.listdir(f"/proc/{self._pid}/task")}
        except FileNotFoundError:
            running = set()
        return [("emulator", sorted(running - others))]

    def _divide(self, kind: int, path: str, name: str, threads: "list[int]") -> None:
        """Put threads into a group of their own below the guest's."""
        self._make(f"{path}/{name}")
        if kind == 2:
            if "threaded" not in _read(f"{path}/{name}/cgroup.type"):
                _write(f"{path}/{name}/cgroup.type", "threaded")
            self._enable(path, "cpu")
        for thread in threads:
            try:
                _write(f"{path}/{name}/{'tasks' if kind == 1 else 'cgroup.threads'}", str(thread))
            except VirError:
                if os.path.exists(f"/proc/{self._pid}/task/{thread}"):
                    raise

    # -- memory --------------------------------------------------------------------------------------------

    def _memory(self, values: "dict[str, Any]") -> None:
        kind, path = self._group("memory")
        if kind == 2:
            hard = values.get("hard_limit")
            if "swap_hard_limit" in values and values["swap_hard_limit"] is not None:
                hard = hard if "hard_limit" in values else _kib(_read(f"{path}/memory.max"))
                values = {**values, "swap_hard_limit": values["swap_hard_limit"] - (hard or 0)}
            names = {
                "soft_limit": "memory.high",
                "hard_limit": "memory.max",
                "swap_hard_limit": "memory.swap.max",
            }
        else:
            names = {
                "soft_limit": "memory.soft_limit_in_bytes",
                "hard_limit": "memory.limit_in_bytes",
                "swap_hard_limit": "memory.memsw.limit_in_bytes",
            }
        order = ["soft_limit", "hard_limit", "swap_hard_limit"]
        if kind == 1 and _grows(path, values):
            order.reverse()
        for name in order:
            if name in values:
                limit = values[name]
                unlimited = "-1" if kind == 1 else "max"
                _write(f"{path}/{names[name]}", unlimited if limit is None else str(limit * 1024))

    # -- block I/O -----------------------------------------------------------------------------------------

    def _blkio(self, values: "dict[str, Any]") -> None:
        kind, path = self._group("blkio")
        prefix = "blkio" if kind == 1 else "io"
        if values.get("weight") is not None:
            _write_weight(path, prefix, "", str(values["weight"]))
        for device in values.get("devices", ()):
            number = _number(device["path"])
            if device.get("weight") is not None:
                suffix = "_device" if kind == 1 else ""
                _write_weight(path, prefix, suffix, f"{number} {device['weight'] or 'default'}", device=True)
            for name, (file, key) in _THROTTLES.items():
                if device.get(name) is not None:
                    value = device[name]
                    if kind == 1:
                        _write(f"{path}/{file}", f"{number} {value}")
                    else:
                        _write(f"{path}/io.max", f"{number} {key}={value or 'max'}")


def _bandwidth(kind: int, path: str, period: "int | None", quota: "int | None") -> None:
    """Limit a group's CPU time: `quota` us in each `period` us, below 0 for no limit."""
    if kind == 2:
        now = (_read(f"{path}/cpu.max").split() or ["max", str(_PERIOD)])[:2]
        share = now[0] if quota is None else "max" if quota < 0 else str(quota)
        _write(f"{path}/cpu.max", f"{share} {period or now[1]}")
        return
    if period is not None:
        _write(f"{path}/cpu.cfs_period_us", str(period))
    if quota is not None:
        _write(f"{path}/cpu.cfs_quota_us", str(max(quota, -1)))


def _grows(path: str, values: "dict[str, Any]") -> bool:
    """Say whether the limit of memory and swap is to be written first, as it is to be above the other's."""
    if "swap_hard_limit" not in values:
        return False
    wanted = values["swap_hard_limit"]
    now = _kib(_read(f"{path}/memory.memsw.limit_in_bytes"))
    return wanted is None or now is not None and wanted > now


def _kib(text: str) -> "int | None":
    return int(text) // 1024 if text.strip().isdigit() else None


def _write_weight(path: str, prefix: str, suffix: str, text: str, *, device: bool = False) -> None:
    """Write a weight to whichever scheduler of the kernel knows weights."""
    for name in (f"{prefix}.bfq.weight{suffix}", f"{prefix}.weight{suffix}"):
        if os.path.exists(f"{path}/{name}"):
            _write(f"{path}/{name}", text)
            return
    if device:
        raise VirError(OPERATION_INVALID, "blkio device weight is valid only for cfq scheduler")
    raise VirError(OPERATION_UNSUPPORTED, "the kernel's block I/O controller knows no weights")


def _number(path: str) -> str:
    """Return a block device's major and minor number.  Errors: SYSTEM_ERROR, INVALID_ARG."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise VirError(SYSTEM_ERROR, f"Path '{path}' is not accessible: {error.strerror}") from error
    if not stat.S_ISBLK(status.st_mode):
        raise VirError(INVALID_ARG, f"Path '{path}' must be a block device")
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"


def _write(path: str, text: str) -> None:
    """Write a control file.  Errors: SYSTEM_ERROR."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
    except OSError as error:
        what, name = "Unable to write to", path
        if error.errno == errno.EINVAL:
            what, name = f"Invalid value '{text}' for", os.path.basename(path)
        raise VirError(SYSTEM_ERROR, f"{what} '{name}': {error.strerror}") from error


def remove(directory: str) -> None:
    """Remove a guest's groups, when nobody is in them any more."""
    for path in reversed(_read(f"{directory}/{GROUPS}").split("\n")):
        if f"/{PARENT}/" in path:
            try:
                os.rmdir(path)
            except OSError:
                continue  # a group with somebody in it stays, and harms nobody
