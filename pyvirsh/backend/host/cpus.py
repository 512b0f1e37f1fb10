"""The node's CPUs: how many, in what order, how busy.

Source: Linux's sysfs and procfs documentation; figures as libvirt's QEMU driver reports them.
"""

import os

from pyvirsh.backend.checks import invalid
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.errors import INTERNAL_ERROR, VirError

SYSFS = "/sys/devices/system"
ALL_CPUS = -1
_STATS = (("kernel", (2, 5, 6)), ("user", (0, 1)), ("idle", (3,)), ("iowait", (4,)))


def read(path: str) -> "str | None":
    """Return a file's text without the newline at its end; None if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def read_number(path: str, default: int = 0) -> int:
    """Return a file's number; `default` if there is none."""
    text = read(path)
    try:
        return int(text) if text else default
    except ValueError:
        return default


def present_set() -> "set[int]":
    """Return the numbers of the CPUs that are there, in use or not."""
    text = read(f"{SYSFS}/cpu/present")
    return bitmap.parse(text) if text else set(range(os.cpu_count() or 1))


def present() -> int:
    """Return how many CPUs a map of all of them covers."""
    return max(present_set()) + 1


def online_set() -> "set[int]":
    """Return the numbers of the CPUs in use."""
    text = read(f"{SYSFS}/cpu/online")
    return bitmap.parse(text) if text else present_set()


def cpu_map() -> "tuple[bytes, int, int]":
    """Return the map of CPUs in use, how many these are and how many there are."""
    online = online_set()
    count = present()
    return bitmap.to_bytes(online, (count + 7) // 8), len(online), count


class Place:
    """Where a CPU is: NUMA node, socket, die, cluster, core and the CPUs it shares the core with."""

    __slots__ = ("cpu", "node", "socket", "die", "cluster", "core", "siblings")

    def __init__(self, cpu: int, node: int) -> None:
        directory = f"{SYSFS}/cpu/cpu{cpu}/topology"
        self.cpu = cpu
        self.node = node
        self.socket = max(read_number(f"{directory}/physical_package_id"), 0)
        self.die = max(read_number(f"{directory}/die_id"), 0)
        self.cluster = read_number(f"{directory}/cluster_id")
        self.core = read_number(f"{directory}/core_id")
        siblings = read(f"{directory}/thread_siblings_list")
        self.siblings = bitmap.parse(siblings) if siblings else {cpu}


def nodes() -> "dict[int, list[Place]]":
    """Return the CPUs in use of each NUMA node; a host without NUMA is one node."""
    text = read(f"{SYSFS}/node/online")
    online = online_set()
    if text is None:
        return {0: [Place(cpu, 0) for cpu in sorted(online)]}
    found = {}
    for node in sorted(bitmap.parse(text)):
        listed = read(f"{SYSFS}/node/node{node}/cpulist")
        found[node] = [Place(cpu, node) for cpu in sorted(bitmap.parse(listed) & online)] if listed else []
    return found


def topology() -> "tuple[int, int, int, int]":
    """Return nodes, sockets per node, cores per socket, threads per core.

    Where the product is not the number of CPUs, all of them count as cores of one socket.
    """
    by_node = nodes()
    sockets = cores = threads = 1
    for places in by_node.values():
        packages = {place.socket for place in places}
        sockets = max(sockets, len(packages))
        for package in packages:
            inside = [place for place in places if place.socket == package]
            cores = max(cores, len({(place.die, place.cluster, place.core) for place in inside}))
            threads = max(threads, max(len(place.siblings) for place in inside))
    count = len(online_set())
    offline = len(present_set()) - count
    if len(by_node) * sockets * cores * threads != count + offline:
        return 1, 1, count, 1
    return len(by_node), sockets, cores, threads


def frequency() -> int:
    """Return the first CPU's frequency in MHz; 0 if it is not told."""
    for line in (read("/proc/cpuinfo") or "").split("\n"):
        name, _, value = line.partition(":")
        if name.strip() in ("cpu MHz", "clock"):
            return int(float(value.strip().removesuffix("MHz")))
    return read_number(f"{SYSFS}/cpu/cpu0/cpufreq/cpuinfo_max_freq") // 1000


def stats(cpu: int) -> "list[tuple[str, int]]":
    """Return the times spent by a CPU, or all (-1), in ns.  Errors: INVALID_ARG, INTERNAL_ERROR."""
    name = "cpu" if cpu == ALL_CPUS else f"cpu{cpu}"
    tick = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    for line in (read("/proc/stat") or "").split("\n"):
        first, *fields = line.split()
        if first == name:
            times = [int(field) for field in fields]
            return [(what, sum(times[at] for at in places) * tick) for what, places in _STATS]
        if not first.startswith("cpu"):
            break
    if cpu == ALL_CPUS:
        raise VirError(INTERNAL_ERROR, "/proc/stat tells no CPU times")
    raise invalid("Invalid cpuNum in virHostCPUGetStatsLinux")
