"""Memory, threads, NUMA and tuning of a domain.

Source: libvirt's domain XML format.
"""

from typing import Any

from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.model import Model, flag, integer, many, numbers, one, repeats, sized, text, yes_no
from pyvirsh.backend.conf.xml import Element
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    XML_DETAIL,
    XML_ERROR,
    VirError,
)

# -- memory ------------------------------------------------------------------------------------------

# From here on a limit means none; in KiB.
UNLIMITED = ((1 << 63) - 1) >> 10


class HugePage(Model):
    """A size of huge pages, and which guest nodes use it."""

    tag = "page"
    size: int | None = sized("@size", needed=True)
    nodeset: str | None = numbers("@nodeset")

    def after_parse(self, element: Element) -> None:
        if not self.size:
            raise VirError(XML_DETAIL, "hugepage size can't be zero")


class MemoryBacking(Model):
    """How the host provides the guest's memory."""

    tag = "memoryBacking"
    hugepages: bool = flag("hugepages")
    pages: list[HugePage] = many("hugepages/page", HugePage)
    nosharepages: bool = flag("nosharepages")
    locked: bool = flag("locked")
    source_type: str | None = text(
        "source/@type",
        choices=("anonymous", "file", "memfd"),
        unknown=(CONFIG_UNSUPPORTED, "unknown memoryBacking/source/type '{}'"),
        blank=True,
    )
    access_mode: str | None = text(
        "access/@mode",
        choices=("shared", "private"),
        unknown=(CONFIG_UNSUPPORTED, "unknown memoryBacking/access/mode '{}'"),
        blank=True,
    )
    allocation_mode: str | None = text(
        "allocation/@mode",
        choices=("immediate", "ondemand"),
        unknown=(CONFIG_UNSUPPORTED, "unknown memoryBacking/allocation/mode '{}'"),
        blank=True,
    )
    allocation_threads: int | None = integer(
        "allocation/@threads",
        bits=32,
        or_none=True,
        blank=True,
        unknown=(XML_ERROR, "Failed to parse memory allocation threads"),
    )
    discard: bool = flag("discard")

    def after_parse(self, element: Element) -> None:
        # Of all <hugepages>.
        self.pages = [HugePage.parse(page) for page in element.findall("hugepages/page")]


class MemTune(Model):
    """Limits of the guest's memory use, in KiB."""

    tag = "memtune"
    hard_limit: int | None = sized("hard_limit", place="./memtune/hard_limit[1]")
    soft_limit: int | None = sized("soft_limit", place="./memtune/soft_limit[1]")
    min_guarantee: int | None = sized("min_guarantee", place="./memtune/min_guarantee[1]")
    swap_hard_limit: int | None = sized("swap_hard_limit", place="./memtune/swap_hard_limit[1]")

    def after_parse(self, element: Element) -> None:
        for name in self.declared():
            if (getattr(self, name) or 0) >= UNLIMITED:
                setattr(self, name, None)


def _device_limit(name: str) -> "tuple[int, str]":
    return CONFIG_UNSUPPORTED, f"could not parse {name} {{}}"


class BlkioDevice(Model):
    """Limits of the guest's I/O on one device of the host."""

    tag = "device"
    path: str | None = text("path")
    weight: int | None = integer("weight", or_none=True, unknown=_device_limit("weight"))
    read_iops_sec: int | None = integer("read_iops_sec", or_none=True, unknown=_device_limit("read iops sec"))
    write_iops_sec: int | None = integer(
        "write_iops_sec", or_none=True, unknown=_device_limit("write iops sec")
    )
    read_bytes_sec: int | None = integer(
        "read_bytes_sec", or_none=True, unknown=_device_limit("read bytes sec")
    )
    write_bytes_sec: int | None = integer(
        "write_bytes_sec", or_none=True, unknown=_device_limit("write bytes sec")
    )

    def after_parse(self, element: Element) -> None:
        if self.path is None:
            raise VirError(CONFIG_UNSUPPORTED, "missing per-device path")

    def says_something(self) -> bool:
        """Say whether there is a limit."""
        return any(getattr(self, name) for name in self.declared() if name != "path")


class BlkioTune(Model):
    """Weights and limits of the guest's I/O."""

    tag = "blkiotune"
    weight: int | None = integer("weight", or_none=True, lenient=True)
    devices: list[BlkioDevice] = many("device", BlkioDevice)

    def after_parse(self, element: Element) -> None:
        for path in repeats(device.path for device in self.devices):
            raise VirError(CONFIG_UNSUPPORTED, f"duplicate blkio device path '{path}'")
        self.devices = [device for device in self.devices if device.says_something()]


# -- CPUs and threads ----------------------------------------------------------------------------------


class Vcpu(Model):
    """State of one virtual CPU."""

    tag = "vcpu"
    id: int | None = integer("@id", bits=32, required=True)
    enabled: str | None = yes_no("@enabled", required=True)
    hotpluggable: str | None = yes_no("@hotpluggable")
    order: int | None = integer("@order", or_none=True)


class IoThread(Model):
    """An I/O thread."""

    tag = "iothread"
    id: int | None = integer("@id", required=True, positive=True, bits=32)
    thread_pool_min: int | None = integer("@thread_pool_min", natural=True, bits=32)
    thread_pool_max: int | None = integer("@thread_pool_max", natural=True, bits=32)
    poll_max: int | None = integer("poll/@max")
    poll_grow: int | None = integer("poll/@grow")
    poll_shrink: int | None = integer("poll/@shrink")
    # Whether only the number of threads says that it is there.
    implied = False


class VcpuPin(Model):
    """The host CPUs a virtual CPU may run on."""

    tag = "vcpupin"
    vcpu: int | None = integer("@vcpu", required=True, bits=32)
    cpuset: str | None = numbers("@cpuset")

    def after_parse(self, element: Element) -> None:
        if self.cpuset is None:
            raise VirError(INTERNAL_ERROR, "missing cpuset for vcpupin")


class IoThreadPin(Model):
    """The host CPUs an I/O thread may run on."""

    tag = "iothreadpin"
    iothread: int | None = integer("@iothread", required=True, positive=True)
    cpuset: str | None = numbers("@cpuset")

    def after_parse(self, element: Element) -> None:
        if self.cpuset is None:
            raise VirError(INTERNAL_ERROR, "missing cpuset for iothreadpin")


class Sched(Model):
    """The scheduler of some threads."""

    vcpus: str | None = text("@vcpus")
    iothreads: str | None = text("@iothreads")
    scheduler: str | None = text("@scheduler", choices=("batch", "idle", "fifo", "rr"), required=True)
    priority: int | None = integer("@priority", signed=True, bits=32)

    def after_parse(self, element: Element) -> None:
        for tag, attribute in (("vcpusched", "vcpus"), ("iothreadsched", "iothreads")):
            if element.tag == tag and not element.get(attribute):
                raise VirError(XML_ERROR, f"Missing attribute '{attribute}' in element '{tag}'")
        if self.scheduler not in ("fifo", "rr"):
            self.priority = None
        elif self.priority is None:
            detail = f"Missing required attribute 'priority' in element '{element.tag}'"
            raise VirError(XML_ERROR, detail)


class CachePart(Model):
    """A part of a CPU cache; size in the unit the definition states."""

    tag = "cache"
    id: int | None = integer("@id", required=True)
    level: int | None = integer("@level", required=True)
    type: str | None = text("@type", choices=("both", "code", "data"), required=True)
    size: int | None = sized("@size", unit="bytes", needed=True, pretty=True)


class CacheMonitor(Model):
    """Who watches the use of a CPU cache, or of memory bandwidth."""

    tag = "monitor"
    level: int | None = integer("@level")
    vcpus: str | None = text("@vcpus")

    def after_parse(self, element: Element) -> None:
        self.vcpus = _vcpus_of(element, "monitor")


class NodeBandwidth(Model):
    """How much of a memory controller's bandwidth there is to use, in percent."""

    tag = "node"
    id: int | None = integer("@id", required=True)
    bandwidth: int | None = integer("@bandwidth", required=True)


class CacheTune(Model):
    """Cache parts or memory bandwidth given to some virtual CPUs."""

    vcpus: str | None = text("@vcpus")
    id: str | None = text("@id")
    caches: list[CachePart] = many("cache", CachePart)
    nodes: list[NodeBandwidth] = many("node", NodeBandwidth)
    monitors: list[CacheMonitor] = many("monitor", CacheMonitor)

    def after_parse(self, element: Element) -> None:
        self.vcpus = _vcpus_of(element, str(element.tag))
        for monitor in self.monitors:
            _check_level(monitor, str(element.tag))
        seen: set[tuple[int | None, int | None, str | None]] = set()
        for part in self.caches:
            if (part.level, part.id, part.type) in seen:
                place = f"cache level '{part.level}' id '{part.id}', type '{part.type}'"
                raise VirError(XML_ERROR, f"Colliding cache allocations for {place}")
            seen.add((part.level, part.id, part.type))
        for node in repeats(node.id for node in self.nodes):
            raise VirError(XML_ERROR, f"Memory Bandwidth already defined for node {node}")


def _check_level(monitor: CacheMonitor, tag: str) -> None:
    if tag == "memorytune":
        monitor.level = None
    elif monitor.level is None:
        raise VirError(XML_ERROR, "Missing required attribute 'level' in element 'monitor'")
    elif monitor.level != 3:
        raise VirError(XML_ERROR, f"Invalid monitor cache level '{monitor.level}'")


def _vcpus_of(element: Element, tag: str) -> str:
    value = element.get("vcpus")
    if value is None:
        raise VirError(XML_ERROR, f"Missing {tag} attribute 'vcpus'")
    try:
        return bitmap.show(bitmap.parse(value))
    except VirError:
        raise VirError(XML_ERROR, f"Invalid {tag} attribute 'vcpus' value '{value}'") from None


def _limit(name: str) -> "tuple[int, str]":
    return XML_ERROR, f"can't parse cputune {name} value"


class CpuTune(Model):
    """Scheduling and pinning."""

    tag = "cputune"
    shares: int | None = integer("shares", unknown=_limit("shares"))
    period: int | None = integer("period", or_none=True, unknown=_limit("period"))
    quota: int | None = integer("quota", signed=True, or_none=True, unknown=_limit("quota"))
    global_period: int | None = integer("global_period", or_none=True, unknown=_limit("global period"))
    global_quota: int | None = integer(
        "global_quota", signed=True, or_none=True, unknown=_limit("global quota")
    )
    emulator_period: int | None = integer("emulator_period", or_none=True, unknown=_limit("emulator period"))
    emulator_quota: int | None = integer(
        "emulator_quota", signed=True, or_none=True, unknown=_limit("emulator quota")
    )
    iothread_period: int | None = integer("iothread_period", or_none=True, unknown=_limit("iothread period"))
    iothread_quota: int | None = integer(
        "iothread_quota", signed=True, or_none=True, unknown=_limit("iothread quota")
    )
    vcpupins: list[VcpuPin] = many("vcpupin", VcpuPin)
    emulatorpin: str | None = numbers("emulatorpin/@cpuset")
    iothreadpins: list[IoThreadPin] = many("iothreadpin", IoThreadPin)
    vcpuscheds: list[Sched] = many("vcpusched", Sched)
    iothreadscheds: list[Sched] = many("iothreadsched", Sched)
    emulatorsched: Sched | None = one("emulatorsched", Sched)
    cachetunes: list[CacheTune] = many("cachetune", CacheTune)
    memorytunes: list[CacheTune] = many("memorytune", CacheTune)

    def after_parse(self, element: Element) -> None:
        for number in repeats(pin.vcpu for pin in self.vcpupins):
            raise VirError(INTERNAL_ERROR, f"duplicate vcpupin for vcpu '{number}'")
        for tag in ("emulatorpin", "emulatorsched"):
            if len(element.findall(tag)) > 1:
                raise VirError(XML_ERROR, f"only one {tag} is supported")
        if self.emulatorpin is None and element.find("emulatorpin") is not None:
            raise VirError(INTERNAL_ERROR, "missing cpuset for emulatorpin")


# -- NUMA and the rest ---------------------------------------------------------------------------------


# In the order of libvirt's numbers.
NUMA_MODES = ("strict", "preferred", "interleave", "restrictive")


class MemNode(Model):
    """Where one guest node's memory comes from."""

    tag = "memnode"
    cellid: int | None = integer("@cellid", required=True, bits=32)
    mode: str | None = text("@mode", choices=NUMA_MODES)
    nodeset: str | None = numbers("@nodeset")

    def after_parse(self, element: Element) -> None:
        self.mode = self.mode or "strict"


class NumaTune(Model):
    """Which host nodes the guest's memory comes from."""

    tag = "numatune"
    mode: str | None = text(
        "memory/@mode",
        choices=NUMA_MODES,
        unknown=(CONFIG_UNSUPPORTED, "Unsupported NUMA memory tuning mode '{}'"),
    )
    nodeset: str | None = numbers("memory/@nodeset")
    placement: str | None = text(
        "memory/@placement",
        choices=("static", "auto"),
        unknown=(CONFIG_UNSUPPORTED, "Unsupported NUMA memory placement mode '{}'"),
    )
    memnodes: list[MemNode] = many("memnode", MemNode)


# Source: what `virsh perf` lists.
PERF_EVENTS = (
    "cmt mbmt mbml cpu_cycles instructions cache_references cache_misses branch_instructions branch_misses"
    " bus_cycles stalled_cycles_frontend stalled_cycles_backend ref_cpu_cycles cpu_clock task_clock"
    " page_faults context_switches cpu_migrations page_faults_min page_faults_maj alignment_faults"
    " emulation_faults"
).split()


class PerfEvent(Model):
    """A performance event that is counted."""

    tag = "event"
    name: str | None = text("@name", choices=tuple(PERF_EVENTS), required=True)
    enabled: str | None = yes_no("@enabled", required=True)


def _throttle(name: str) -> Any:
    unknown = (XML_ERROR, f"throttle group field '{name}' must be an integer")
    return integer(name, or_none=True, unknown=unknown)


class ThrottleGroup(Model):
    """A named group of I/O limits."""

    tag = "throttlegroup"
    total_bytes_sec: int | None = _throttle("total_bytes_sec")
    read_bytes_sec: int | None = _throttle("read_bytes_sec")
    write_bytes_sec: int | None = _throttle("write_bytes_sec")
    total_iops_sec: int | None = _throttle("total_iops_sec")
    read_iops_sec: int | None = _throttle("read_iops_sec")
    write_iops_sec: int | None = _throttle("write_iops_sec")
    total_bytes_sec_max: int | None = _throttle("total_bytes_sec_max")
    read_bytes_sec_max: int | None = _throttle("read_bytes_sec_max")
    write_bytes_sec_max: int | None = _throttle("write_bytes_sec_max")
    total_iops_sec_max: int | None = _throttle("total_iops_sec_max")
    read_iops_sec_max: int | None = _throttle("read_iops_sec_max")
    write_iops_sec_max: int | None = _throttle("write_iops_sec_max")
    size_iops_sec: int | None = _throttle("size_iops_sec")
    total_bytes_sec_max_length: int | None = _throttle("total_bytes_sec_max_length")
    read_bytes_sec_max_length: int | None = _throttle("read_bytes_sec_max_length")
    write_bytes_sec_max_length: int | None = _throttle("write_bytes_sec_max_length")
    total_iops_sec_max_length: int | None = _throttle("total_iops_sec_max_length")
    read_iops_sec_max_length: int | None = _throttle("read_iops_sec_max_length")
    write_iops_sec_max_length: int | None = _throttle("write_iops_sec_max_length")
    group_name: str | None = text("group_name")

    def after_parse(self, element: Element) -> None:
        if not self.group_name:
            raise VirError(XML_ERROR, "missing group name")
