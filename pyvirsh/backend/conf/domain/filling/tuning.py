"""CPU, memory and I/O tuning in libvirt's own form."""

from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain.common import SecLabel
from pyvirsh.backend.conf.domain.domain import DEVICES_MAX, Domain
from pyvirsh.backend.conf.domain.tuning import (
    CacheTune,
    CpuTune,
    IoThread,
    NumaTune,
    Sched,
)
from pyvirsh.backend.conf.model import repeats
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    INVALID_ARG,
    XML_DETAIL,
    XML_ERROR,
    VirError,
)

_PERIODS = range(1000, 1000001)
_QUOTAS = range(1000, 17592186044416)
_APPID_LENGTH = 128


def complete(domain: Domain) -> None:
    """Fill in tuning where it is left open."""
    _iothreads(domain)
    if domain.vcpu_placement == "auto":
        domain.numatune = domain.numatune or NumaTune()
        if domain.numatune.is_empty():
            domain.numatune.mode = "strict"
    if domain.numatune is not None:
        _numa(domain, domain.numatune)
        _check_nodes(domain, domain.numatune)
    if domain.cputune is not None:
        _cputune(domain, domain.cputune)
    if domain.features is not None and domain.features.hyperv is not None:
        domain.features.hyperv.mode = domain.features.hyperv.mode or "custom"
    _maps(domain)
    _resource(domain)
    _labels(domain)
    _pages(domain)
    _perf(domain)


def _iothreads(domain: Domain) -> None:
    """Number all I/O threads if one of them is numbered."""
    ids = domain.iothread_ids
    numbers = [thread.id for thread in ids]
    for number in repeats(numbers):
        raise VirError(XML_ERROR, f"duplicate iothread id '{number}' found")
    if (domain.iothreads or 0) > DEVICES_MAX:
        raise VirError(XML_ERROR, f"more than {DEVICES_MAX} iothreads are not supported")
    domain.iothreads = max(domain.iothreads or 0, len(ids)) or None
    taken = set(numbers)
    while ids and len(ids) < (domain.iothreads or 0):
        number = next(number for number in range(1, len(ids) + 2) if number not in taken)
        taken.add(number)
        ids.append(IoThread(id=number))


def has_thread(domain: Domain, number: "int | None") -> bool:
    """Say whether there is an I/O thread of a number."""
    if domain.iothread_ids:
        return any(thread.id == number for thread in domain.iothread_ids)
    return number is not None and 1 <= number <= (domain.iothreads or 0)


# -- NUMA ------------------------------------------------------------------------------------------------


def _numa(domain: Domain, numa: NumaTune) -> None:
    if numa.mode is None and (numa.nodeset or numa.placement):
        numa.mode = "strict"
    if numa.mode is not None and numa.placement is None:
        numa.placement = "static" if numa.nodeset else domain.vcpu_placement
    if numa.placement == "static":
        if not numa.nodeset:
            detail = "nodeset for NUMA memory tuning must be set if 'placement' is 'static'"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        numa.placement = None
    elif numa.placement == "auto":
        numa.nodeset = None


def _check_nodes(domain: Domain, numa: NumaTune) -> None:
    cells = len(domain.cpu.cells) if domain.cpu is not None else 0
    if not numa.memnodes:
        return
    if not cells:
        raise VirError(XML_ERROR, "Element 'memnode' is invalid without any guest NUMA cells")
    seen = set()
    for node in numa.memnodes:
        if (node.cellid or 0) >= cells:
            detail = "Argument 'cellid' in memnode element must correspond to existing guest's NUMA cell"
            raise VirError(XML_ERROR, detail)
        if node.cellid in seen:
            raise VirError(XML_ERROR, f"Multiple memnode elements with cellid {node.cellid}")
        seen.add(node.cellid)
        if numa.placement == "auto":
            detail = "Per-node binding is not compatible with automatic NUMA placement."
            raise VirError(CONFIG_UNSUPPORTED, detail)
        if node.nodeset is None:
            raise VirError(XML_ERROR, "Missing required nodeset attribute in memnode element")
        _check_mode(numa.mode, node.mode)


def _check_mode(mode: "str | None", of_node: "str | None") -> None:
    both = ("memory", "memnode")
    if mode is not None and of_node != "restrictive" and mode == "restrictive":
        both = ("memnode", "memory")
    elif not (mode is not None and of_node == "restrictive" and mode != "restrictive"):
        return
    detail = (
        f"'restrictive' mode is required in {both[0]} element when mode is 'restrictive' in {both[1]} element"
    )
    raise VirError(XML_ERROR, detail)


def _pages(domain: Domain) -> None:
    """Check sizes of huge pages: one for the guest as a whole, others for nodes of their own."""
    backing = domain.memory_backing
    if backing is None:
        return
    backing.pages.sort(key=lambda page: page.size or 0)
    cells = len(domain.cpu.cells) if domain.cpu is not None else 0
    for page in backing.pages:
        nodes = sorted(bitmap.parse(page.nodeset)) if page.nodeset else []
        if not cells and nodes == [0]:
            page.nodeset, nodes = None, []
        missing = next((node for node in nodes if node >= cells), None)
        if missing is not None:
            raise VirError(XML_DETAIL, f"hugepages: node {missing} not found")


# -- CPUs ------------------------------------------------------------------------------------------------


def _cputune(domain: Domain, tune: CpuTune) -> None:
    _pins(domain, tune)
    for names, limits in ((_limits("period"), _PERIODS), (_limits("quota"), _QUOTAS)):
        for name in names:
            value = getattr(tune, name)
            if value and value > 0 and value not in limits:
                allowed = f"[{limits.start}, {limits.stop - 1}]"
                detail = f"Value of cputune '{name}' must be in range {allowed}"
                raise VirError(CONFIG_UNSUPPORTED, detail)
    tune.vcpuscheds = _one_each(domain, tune.vcpuscheds, "vcpus")
    tune.iothreadscheds = _one_each(domain, tune.iothreadscheds, "iothreads")
    _resctrl(domain, tune)


def _limits(name: str) -> "tuple[str, ...]":
    return name, f"global_{name}", f"emulator_{name}", f"iothread_{name}"


def _pins(domain: Domain, tune: CpuTune) -> None:
    tune.vcpupins = [pin for pin in tune.vcpupins if (pin.vcpu or 0) < (domain.vcpus or 1)]
    tune.vcpupins.sort(key=lambda pin: pin.vcpu or 0)
    threads = [pin.iothread for pin in tune.iothreadpins]
    for at, number in enumerate(threads):
        _need_thread(domain, number)
        if number in threads[:at]:
            detail = f"duplicate iothreadpin for same iothread '{number}'"
            raise VirError(INTERNAL_ERROR, detail)


def _need_thread(domain: Domain, number: "int | None") -> None:
    if not has_thread(domain, number):
        raise VirError(CONFIG_UNSUPPORTED, f"Cannot find 'iothread' : {number}")


def _need_vcpu(domain: Domain, number: int) -> None:
    if number >= (domain.vcpus or 1):
        raise VirError(CONFIG_UNSUPPORTED, f"vCPU '{number}' is not present in domain definition")


def _one_each(domain: Domain, scheds: "list[Sched]", field: str) -> "list[Sched]":
    """Split schedulers of several threads into one for each."""
    found: dict[int, Sched] = {}
    for sched in scheds:
        for number in sorted(bitmap.parse(getattr(sched, field) or "")):
            _need_vcpu(domain, number) if field == "vcpus" else _need_thread(domain, number)
            if number in found:
                tag = "vcpusched" if field == "vcpus" else "iothreadsched"
                raise VirError(XML_DETAIL, f"'{tag}' attributes '{field}' must not overlap")
            made = found[number] = sched.copy()
            setattr(made, field, str(number))
    return [found[number] for number in sorted(found)]


# -- cache and bandwidth ---------------------------------------------------------------------------------


def _resctrl(domain: Domain, tune: CpuTune) -> None:
    """Keep to the CPUs there are, and check that groups of them are apart or the same."""
    everyone = set(range(domain.vcpus or 1))
    groups: list[set[int]] = []
    for name in ("cachetunes", "memorytunes"):
        kept = []
        for one in getattr(tune, name):
            members = bitmap.parse(one.vcpus or "") & everyone
            one.vcpus = bitmap.show(members)
            if not members or not (one.caches or one.nodes or one.monitors):
                continue
            if any(members & group and members != group for group in groups) or (
                members in groups and name == "cachetunes"
            ):
                raise VirError(XML_ERROR, "Overlapping vcpus in resctrls")
            groups.append(members)
            _check_monitors(one, members)
            kept.append(one)
        setattr(tune, name, kept)


def _check_monitors(one: CacheTune, members: "set[int]") -> None:
    groups: list[set[int]] = []
    for monitor in one.monitors:
        watched = bitmap.parse(monitor.vcpus or "")
        if not watched <= members:
            raise VirError(INVALID_ARG, "Monitor vcpus conflicts with allocation")
        if watched in groups:
            raise VirError(INVALID_ARG, "Identical vcpus found in same type monitors")
        if watched != members and any(watched & group for group in groups):
            raise VirError(INVALID_ARG, "vcpus overlaps in resctrl groups")
        groups.append(watched)


# -- the rest --------------------------------------------------------------------------------------------


def _maps(domain: Domain) -> None:
    if len(domain.uid_maps) != len(domain.gid_maps):
        raise VirError(CONFIG_UNSUPPORTED, "uid and gid should be mapped both")
    for maps in (domain.uid_maps, domain.gid_maps):
        maps.sort(key=lambda one: one.start or 0)
        if maps and maps[0].start:
            raise VirError(CONFIG_UNSUPPORTED, "You must map the root user of container")


def _resource(domain: Domain) -> None:
    appid = domain.resource_appid
    if appid is None:
        return
    if not appid.isprintable():
        raise VirError(XML_ERROR, "Fibre Channel 'appid' is not a printable string")
    if len(appid) > _APPID_LENGTH:
        detail = f"Fibre Channel 'appid' string length must be between [1, {_APPID_LENGTH}]"
        raise VirError(INVALID_ARG, detail)


def _perf(domain: Domain) -> None:
    for name in repeats(event.name for event in domain.perf):
        raise VirError(XML_ERROR, f"perf event '{name}' was already specified")


def _labels(domain: Domain) -> None:
    """Fill in and check the labels of the guest's process."""
    for label in domain.seclabels:
        if label.model == "none":
            label.type = label.type or "dynamic"
    domain.seclabels = [label for label in domain.seclabels if label.type is not None]
    seen: list[str | None] = []
    several = len(domain.seclabels) > 1
    for label in domain.seclabels:
        if label.model is None and several and label.type != "none":
            raise VirError(XML_ERROR, "missing security model when using multiple labels")
        _label(label)
        if label.model == "none":
            label.type, label.relabel, label.label, label.baselabel = "none", None, None, None
    for label in domain.seclabels:
        if label.model in seen:
            raise VirError(XML_DETAIL, f"seclabel for model {label.model or '(null)'} is already provided")
        if label.model is None and seen:
            raise VirError(XML_ERROR, "missing security model when using multiple labels")
        seen.append(label.model)


def _label(label: SecLabel) -> None:
    if label.type == "static":
        label.relabel = label.relabel or "no"
        if label.label is None:
            raise VirError(XML_ERROR, "security label is missing")
        label.baselabel = None
    elif label.type == "dynamic":
        label.relabel = label.relabel or "yes"
        if label.relabel == "no":
            detail = "dynamic label type must use resource relabeling"
            raise VirError(CONFIG_UNSUPPORTED, detail)
    elif label.type == "none":
        if label.relabel == "yes":
            detail = "resource relabeling is not compatible with 'none' label type"
            raise VirError(CONFIG_UNSUPPORTED, detail)
        label.relabel = label.label = label.baselabel = None
