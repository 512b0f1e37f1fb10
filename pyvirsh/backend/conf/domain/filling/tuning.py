"""CPU, memory and I/O tuning in libvirt's own form."""

from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.tuning import CpuTune, IoThread, NumaTune, Sched
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR, VirError

_PERIODS = range(1000, 1000001)


def complete(domain: Domain) -> None:
    """Fill in tuning where it is left open."""
    _iothreads(domain)
    if domain.numatune is None and domain.vcpu_placement == "auto":
        domain.numatune = NumaTune(mode="strict")
    if domain.numatune is not None:
        _numa(domain, domain.numatune)
    if domain.cputune is not None:
        _cputune(domain, domain.cputune)
    if domain.features is not None and domain.features.hyperv is not None:
        domain.features.hyperv.mode = domain.features.hyperv.mode or "custom"
    if len(domain.uid_maps) != len(domain.gid_maps):
        raise VirError(CONFIG_UNSUPPORTED, "uid and gid should be mapped both")
    for label in domain.seclabels:
        if label.type == "dynamic":
            label.relabel = label.relabel or "yes"


def _iothreads(domain: Domain) -> None:
    """Number all I/O threads if one of them is numbered."""
    ids = domain.iothread_ids
    domain.iothreads = max(domain.iothreads or 0, len(ids)) or None
    taken = {thread.id for thread in ids}
    while ids and len(ids) < (domain.iothreads or 0):
        number = next(number for number in range(1, len(ids) + 2) if number not in taken)
        taken.add(number)
        ids.append(IoThread(id=number))


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


def _cputune(domain: Domain, tune: CpuTune) -> None:
    for pin in tune.vcpupins:
        if pin.vcpu is None:
            raise VirError(XML_ERROR, "Missing required attribute 'vcpu' in element 'vcpupin'")
        if pin.cpuset is None:
            raise VirError(INTERNAL_ERROR, "missing cpuset for vcpupin")
    tune.vcpupins = [pin for pin in tune.vcpupins if (pin.vcpu or 0) < (domain.vcpus or 1)]
    tune.vcpupins.sort(key=lambda pin: pin.vcpu or 0)
    for name in ("period", "global_period", "emulator_period", "iothread_period"):
        value = getattr(tune, name)
        if value and value not in _PERIODS:
            limits = f"[{_PERIODS.start}, {_PERIODS.stop - 1}]"
            raise VirError(CONFIG_UNSUPPORTED, f"Value of cputune '{name}' must be in range {limits}")
    tune.vcpuscheds = _one_each(tune.vcpuscheds, "vcpus")
    tune.iothreadscheds = _one_each(tune.iothreadscheds, "iothreads")


def _one_each(scheds: "list[Sched]", field: str) -> "list[Sched]":
    """Split schedulers of several threads into one for each."""
    found = []
    for sched in scheds:
        for number in sorted(bitmap.parse(getattr(sched, field) or "")):
            made = sched.copy()
            setattr(made, field, str(number))
            found.append(made)
    return sorted(found, key=lambda sched: int(getattr(sched, field)))
