"""domstats: counters of many domains at once, in groups.

Source: libvirt API, virConnectGetAllDomainStats; names and types as observed of its QEMU driver.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import (
    PARAM_INT,
    PARAM_LLONG,
    PARAM_STRING,
    PARAM_UINT,
    PARAM_ULLONG,
    DomainRef,
    TypedParam,
)
from pyvirsh.backend.errors import ARGUMENT_UNSUPPORTED, NO_DOMAIN, OPERATION_INVALID, VirError
from pyvirsh.backend.qemu import disks, info, kvmstats, memstats, nics, threads
from pyvirsh.backend.qemu.live import read_last
from pyvirsh.backend.qemu.monitor import Monitor
from pyvirsh.backend.qemu.qmp import QmpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.conf.domain.disk import Disk
    from pyvirsh.backend.qemu.driver import QemuDriver
    from pyvirsh.backend.qemu.live import Guest

    Params = list[TypedParam]

OWN_FLAGS = (
    c.CONNECT_GET_ALL_DOMAINS_STATS_BACKING
    | c.CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS
    | c.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
)
# What QEMU is asked for; the rest is known without it.
ASKING = c.DOMAIN_STATS_BALLOON | c.DOMAIN_STATS_BLOCK | c.DOMAIN_STATS_IOTHREAD | c.DOMAIN_STATS_DIRTYRATE
ASKING_KVM = ASKING | c.DOMAIN_STATS_VM | c.DOMAIN_STATS_VCPU
# How long a QEMU may take to answer when it is one of many, and may be left out.
NOWAIT_SECONDS = 1.0


class Subject:
    """A domain whose counters are collected."""

    def __init__(self, driver: "QemuDriver", dom: DomainRef, domain: "Domain", guest: "Guest | None") -> None:
        self.driver = driver
        self.dom = dom
        self.domain = domain
        self.guest = guest
        # Open while the counters of a running guest are read; None where QEMU is not asked.
        self.monitor: Monitor | None = None


def connect_get_all_domain_stats(
    driver: "QemuDriver", doms: "list[DomainRef]", stats: int, flags: int = 0
) -> "list[tuple[DomainRef, list[TypedParam]]]":
    known = sum(_GROUPS)
    unknown = stats & ~known
    if unknown and flags & c.CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS:
        raise VirError(
            ARGUMENT_UNSUPPORTED, f"Stats types bits 0x{unknown:x} are not supported by this daemon or QEMU"
        )
    wanted = stats & known if stats else known
    if not doms:
        doms = driver.connect_list_all_domains(flags & ~OWN_FLAGS)
    found = []
    for dom in doms:
        try:
            found.append((dom, collect(driver, dom, wanted, flags)))
        except VirError as error:
            # A domain that went away meanwhile is left out.
            if error.code not in (NO_DOMAIN, OPERATION_INVALID) or len(doms) == 1:
                raise
    return found


def collect(driver: "QemuDriver", dom: DomainRef, wanted: int, flags: int) -> "Params":
    """Return the counters of one domain."""
    domain, guest = driver.current(dom)
    subject = Subject(driver, dom, domain, guest)
    if guest is None or not wanted & (ASKING_KVM if domain.type == "kvm" else ASKING):
        return _groups(subject, wanted)
    nowait = bool(flags & c.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)
    try:
        monitor = Monitor(guest, timeout=NOWAIT_SECONDS) if nowait else Monitor(guest)
        with monitor:
            subject.monitor = monitor
            return _groups(subject, wanted)
    except VirError as error:
        if not nowait or error.code == OPERATION_INVALID:
            raise
        subject.monitor = None
        return _groups(subject, wanted)


def _groups(subject: Subject, wanted: int) -> "Params":
    return [param for group, make in _GROUPS.items() if wanted & group for param in make(subject)]


def _state(subject: Subject) -> "Params":
    guest = subject.guest
    if guest is not None:
        state, reason = guest.state, guest.reason
    else:
        state, reason = read_last(subject.driver.roots.runtime(), subject.dom.uuid)
    return [("state.state", PARAM_INT, state), ("state.reason", PARAM_INT, reason)]


def _cpu(subject: Subject) -> "Params":
    if subject.guest is None:
        return []
    used = threads.usage(subject.guest.qemu.pid)
    times = (("time", used.total), ("user", used.user), ("system", used.system))
    params: Params = [(f"cpu.{name}", PARAM_ULLONG, value) for name, value in times]
    params.append(("cpu.cache.monitor.count", PARAM_UINT, 0))
    return params + [(f"cpu.haltpoll.{how}.time", PARAM_ULLONG, 0) for how in ("success", "fail")]


_BALLOON_NAMES = {
    c.DOMAIN_MEMORY_STAT_SWAP_IN: "swap_in",
    c.DOMAIN_MEMORY_STAT_SWAP_OUT: "swap_out",
    c.DOMAIN_MEMORY_STAT_MAJOR_FAULT: "major_fault",
    c.DOMAIN_MEMORY_STAT_MINOR_FAULT: "minor_fault",
    c.DOMAIN_MEMORY_STAT_UNUSED: "unused",
    c.DOMAIN_MEMORY_STAT_AVAILABLE: "available",
    c.DOMAIN_MEMORY_STAT_USABLE: "usable",
    c.DOMAIN_MEMORY_STAT_LAST_UPDATE: "last-update",
    c.DOMAIN_MEMORY_STAT_DISK_CACHES: "disk_caches",
    c.DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC: "hugetlb_pgalloc",
    c.DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL: "hugetlb_pgfail",
}


def _balloon(subject: Subject) -> "Params":
    domain = subject.domain
    told = memstats.guest_stats(domain, subject.monitor) if subject.monitor is not None else []
    if subject.guest is not None:
        now = dict(told).get(c.DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, info.current_memory(domain))
    else:
        now = domain.current_memory or domain.memory or 0
    params: Params = [
        ("balloon.current", PARAM_ULLONG, now),
        ("balloon.maximum", PARAM_ULLONG, info.memory_of(domain)),
    ]
    params += [(f"balloon.{_BALLOON_NAMES[t]}", PARAM_ULLONG, v) for t, v in told if t in _BALLOON_NAMES]
    if subject.guest is not None:
        params.append(("balloon.rss", PARAM_ULLONG, threads.resident(subject.guest.qemu.pid)))
    return params


def _vcpu(subject: Subject) -> "Params":
    domain, guest = subject.domain, subject.guest
    params: Params = [
        ("vcpu.current", PARAM_UINT, info.online_vcpus(domain)),
        ("vcpu.maximum", PARAM_UINT, domain.vcpus or 1),
    ]
    if guest is None:
        return params
    pid = guest.qemu.pid
    more = {}
    if subject.monitor is not None and domain.type == "kvm":
        more = kvmstats.of_vcpus(subject.monitor)
    for number, thread in sorted(threads.vcpu_threads(guest).items()):
        prefix = f"vcpu.{number}"
        params.append((f"{prefix}.state", PARAM_INT, c.VCPU_RUNNING))
        params.append((f"{prefix}.time", PARAM_ULLONG, threads.usage(pid, thread).total))
        params.append((f"{prefix}.wait", PARAM_ULLONG, threads.halted(pid, thread)))
        params.append((f"{prefix}.delay", PARAM_ULLONG, threads.waited(pid, thread)))
        params += more.get(number, [])
    return params


def _interface(subject: Subject) -> "Params":
    if subject.guest is None:
        return []
    interfaces = subject.domain.devices.interfaces
    params: Params = [("net.count", PARAM_UINT, len(interfaces))]
    for at, interface in enumerate(interfaces):
        name = interface.target_dev
        counters = nics.counters(name) if name and nics.has_device(interface) else None
        if name and counters is not None:
            params.append((f"net.{at}.name", PARAM_STRING, name))
            params += [(f"net.{at}.{key}", PARAM_ULLONG, value) for key, value in counters.named()]
    return params


# -- disks ---------------------------------------------------------------------------------------------

_DISK_COUNTERS = (
    ("rd.reqs", "rd_operations"),
    ("rd.bytes", "rd_bytes"),
    ("rd.times", "rd_total_time_ns"),
    ("wr.reqs", "wr_operations"),
    ("wr.bytes", "wr_bytes"),
    ("wr.times", "wr_total_time_ns"),
    ("fl.reqs", "flush_operations"),
    ("fl.times", "flush_total_time_ns"),
)


def _block(subject: Subject) -> "Params":
    listed = subject.domain.devices.disks
    params: Params = [("block.count", PARAM_UINT, len(listed))]
    images = disks.Images(subject.monitor) if subject.monitor is not None else None
    for at, disk in enumerate(listed):
        params += _disk_head(f"block.{at}", disk, running=subject.guest is not None)
        params += _running_disk(f"block.{at}", disk, images) if images else _idle_disk(f"block.{at}", disk)
    return params


def _disk_head(prefix: str, disk: "Disk", *, running: bool) -> "Params":
    params: Params = [(f"{prefix}.name", PARAM_STRING, str(disk.target_dev))]
    path = disks.path_of(disk)
    if path is not None:
        params.append((f"{prefix}.path", PARAM_STRING, path))
    if running and disk.source is not None and disk.source.index:
        params.append((f"{prefix}.backingIndex", PARAM_UINT, disk.source.index))
    return params


def _running_disk(prefix: str, disk: "Disk", images: disks.Images) -> "Params":
    stats = images.stats.get(disks.alias_of(disk), {}).get("stats", {})
    params: Params = [
        (f"{prefix}.{name}", PARAM_ULLONG, stats[key]) for name, key in _DISK_COUNTERS if key in stats
    ]
    image = images.image(disk)
    if image:
        sizes = (
            ("allocation", images.highest(disk) or 0),
            ("capacity", image.get("virtual-size", 0)),
            ("physical", image.get("actual-size", 0)),
        )
        params += [(f"{prefix}.{name}", PARAM_ULLONG, int(value)) for name, value in sizes]
    return params


def _idle_disk(prefix: str, disk: "Disk") -> "Params":
    path = disks.path_of(disk)
    if path is None:
        return []
    try:
        sizes = disks.image_sizes(path, disk.format)
    except VirError:
        return []  # an image that is not there yet has no sizes to show
    values = (("allocation", sizes.allocation), ("capacity", sizes.capacity), ("physical", sizes.physical))
    return [(f"{prefix}.{name}", PARAM_ULLONG, value) for name, value in values]


# -- what only QEMU knows ------------------------------------------------------------------------------


def _iothread(subject: Subject) -> "Params":
    if subject.monitor is None:
        return []
    running = subject.monitor.execute("query-iothreads")
    if not running:
        return []
    params: Params = [("iothread.count", PARAM_UINT, len(running))]
    for one in running:
        number = str(one["id"]).removeprefix("iothread")
        params += [
            (f"iothread.{number}.poll-max-ns", PARAM_ULLONG, one.get("poll-max-ns", 0)),
            (f"iothread.{number}.poll-grow", PARAM_UINT, one.get("poll-grow", 0)),
            (f"iothread.{number}.poll-shrink", PARAM_UINT, one.get("poll-shrink", 0)),
        ]
    return params


_RATE_STATUS = ("unstarted", "measuring", "measured")


def _dirtyrate(subject: Subject) -> "Params":
    if subject.monitor is None:
        return []
    try:
        rate = subject.monitor.attempt("query-dirty-rate")
    except QmpError:
        return []
    status = str(rate.get("status"))
    params: Params = [
        ("dirtyrate.calc_status", PARAM_INT, _RATE_STATUS.index(status) if status in _RATE_STATUS else 0),
        ("dirtyrate.calc_start_time", PARAM_LLONG, int(rate.get("start-time", 0))),
        ("dirtyrate.calc_period", PARAM_INT, int(rate.get("calc-time", 0))),
        ("dirtyrate.calc_mode", PARAM_STRING, str(rate.get("mode", "page-sampling"))),
    ]
    if "dirty-rate" in rate:
        params.append(("dirtyrate.megabytes_per_second", PARAM_LLONG, int(rate["dirty-rate"])))
    return params


def _vm(subject: Subject) -> "Params":
    if subject.monitor is None or subject.domain.type != "kvm":
        return []
    return kvmstats.of_guest(subject.monitor)


def _nothing(subject: Subject) -> "Params":
    """Report what needs hardware counters: nothing, as libvirt does where they are not in use."""
    return []


_GROUPS: "dict[int, Callable[[Subject], Params]]" = {
    c.DOMAIN_STATS_STATE: _state,
    c.DOMAIN_STATS_CPU_TOTAL: _cpu,
    c.DOMAIN_STATS_BALLOON: _balloon,
    c.DOMAIN_STATS_VCPU: _vcpu,
    c.DOMAIN_STATS_INTERFACE: _interface,
    c.DOMAIN_STATS_BLOCK: _block,
    c.DOMAIN_STATS_PERF: _nothing,
    c.DOMAIN_STATS_IOTHREAD: _iothread,
    c.DOMAIN_STATS_MEMORY: _nothing,
    c.DOMAIN_STATS_DIRTYRATE: _dirtyrate,
    c.DOMAIN_STATS_VM: _vm,
}
