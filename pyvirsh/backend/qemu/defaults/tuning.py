"""CPU, memory and I/O tuning in libvirt's own form."""

from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.tuning import IoThread, NumaTune, Sched
from pyvirsh.backend.errors import XML_ERROR, VirError


def complete(domain: Domain) -> None:
    """Fill in tuning where it is left open."""
    _iothreads(domain)
    if domain.numatune is not None:
        _numa(domain, domain.numatune)
    if domain.cputune is not None:
        domain.cputune.vcpuscheds = _one_each(domain.cputune.vcpuscheds, "vcpus")
        domain.cputune.iothreadscheds = _one_each(domain.cputune.iothreadscheds, "iothreads")
    if domain.features is not None and domain.features.hyperv is not None:
        domain.features.hyperv.mode = domain.features.hyperv.mode or "custom"
    for label in domain.seclabels:
        if label.type == "none":
            label.model = label.model or "none"


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
        numa.placement = None if numa.nodeset else "static"


def numbers(text: str) -> "list[int]":
    """Return the numbers of a list such as "1-3,^2,7".  Errors: XML_ERROR."""
    chosen: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, _, last = part.lstrip("^").partition("-")
        if not first.isdigit() or not (last or first).isdigit() or int(last or first) - int(first) > 16384:
            raise VirError(XML_ERROR, f"Failed to parse bitmap '{text}'")
        members = range(int(first), int(last or first) + 1)
        if part.startswith("^"):
            chosen.difference_update(members)
        else:
            chosen.update(members)
    return sorted(chosen)


def _one_each(scheds: "list[Sched]", field: str) -> "list[Sched]":
    """Split schedulers of several threads into one for each."""
    found = []
    for sched in scheds:
        for number in numbers(getattr(sched, field) or ""):
            made = sched.copy()
            setattr(made, field, str(number))
            found.append(made)
    return found
