"""What the node and the QEMU programs on it can do, as XML.

Source: libvirt's capabilities XML format, and its QEMU driver's output as observed.
"""

import os

from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.xml import Node, write
from pyvirsh.backend.host import cpus, memory, processor, system
from pyvirsh.backend.qemu import probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver
    from pyvirsh.backend.qemu.facts import Facts

# Architectures guests may have, and the size of their words.
ARCHITECTURES = {
    "i686": 32,
    "x86_64": 64,
    "aarch64": 64,
    "armv7l": 32,
    "ppc64": 64,
    "ppc64le": 64,
    "riscv64": 64,
    "s390x": 64,
    "loongarch64": 64,
}


def document(driver: "QemuDriver") -> str:
    """Return the capabilities."""
    root = Node("capabilities")
    blocks = [write(_host(driver), 1)]
    for arch in ARCHITECTURES:
        emulator = emulator_for(arch)
        if emulator is not None:
            blocks.append(write(_guest(arch, driver.facts(emulator), driver), 1))
    return f"<{root.tag}>\n\n" + "\n".join(blocks) + f"\n</{root.tag}>\n"


def emulator_for(arch: str) -> "str | None":
    """Return the QEMU program for guests of an architecture, if there is one."""
    path = probe.emulator(arch)
    return path if os.access(path, os.X_OK) else None


def _leaf(parent: Node, tag: str, text: str = "", **attributes: object) -> Node:
    node = parent.add(tag)
    node.attrs.update({name: str(value) for name, value in attributes.items()})
    if text:
        node.text = text
    return node


# -- the node ------------------------------------------------------------------------------------------


def _host(driver: "QemuDriver") -> Node:
    host = Node("host")
    _leaf(host, "uuid", system.uuid())
    _cpu(host, driver)
    power = host.add("power_management")
    for target in system.sleep_targets():
        power.add(target)
    iommu = (
        "yes"
        if os.path.isdir("/sys/kernel/iommu_groups") and os.listdir("/sys/kernel/iommu_groups")
        else "no"
    )
    _leaf(host, "iommu", support=iommu)
    migration = host.add("migration_features")
    migration.add("live")
    transports = migration.add("uri_transports")
    for name in ("tcp", "rdma"):
        _leaf(transports, "uri_transport", name)
    _topology(host)
    _caches(host)
    model = host.add("secmodel")
    _leaf(model, "model", "none")
    _leaf(model, "doi", "0")
    return host


def _cpu(host: Node, driver: "QemuDriver") -> None:
    first = processor.Processor()
    cpu = host.add("cpu")
    _leaf(cpu, "arch", os.uname().machine)
    model, extra = nearest_model(first, driver)
    if model:
        _leaf(cpu, "model", model)
    if first.vendor:
        _leaf(cpu, "vendor", first.vendor)
    if first.microcode:
        _leaf(cpu, "microcode", version=first.microcode)
    if first.signature is not None:
        family, number, stepping = first.signature
        _leaf(cpu, "signature", family=family, model=number, stepping=stepping)
    _, sockets, cores, threads = cpus.topology()
    _leaf(cpu, "topology", sockets=sockets, dies=1, clusters=1, cores=cores, threads=threads)
    if first.address_bits:
        _leaf(cpu, "maxphysaddr", mode="emulate", bits=first.address_bits)
    for feature in extra:
        _leaf(cpu, "feature", name=feature)
    for size in memory.page_sizes():
        _leaf(cpu, "pages", unit="KiB", size=size)


def nearest_model(first: processor.Processor, driver: "QemuDriver") -> "tuple[str, list[str]]":
    """Return the largest model that the node's CPU has all of, and what it has besides.

    Without a QEMU that tells of models there is none, and all features are named.
    """
    emulator = emulator_for(os.uname().machine)
    features = first.features
    if emulator is None:
        return "", features
    has = {_plain(feature) for feature in features}
    best, known = "", set[str]()
    for name, model in sorted(driver.facts(emulator).models("tcg").items()):
        needed = {_plain(feature) for feature in model.features}
        if model.vendor != first.vendor_id:
            continue
        if name not in ("base", "max", "host") and needed <= has and len(needed) > len(known):
            best, known = name, needed
    return best, [feature for feature in features if _plain(feature) not in known]


def _plain(feature: str) -> str:
    """Return a feature's name without what QEMU, libvirt and the kernel write differently."""
    name = feature.replace("_", "").replace("-", "").replace(".", "")
    return {"pclmulqdq": "pclmuldq", "pni": "sse3", "lahflm": "lahf"}.get(name, name)


def _topology(host: Node) -> None:
    by_cell = cpus.nodes()
    cells = _leaf(host.add("topology"), "cells", num=len(by_cell))
    for number, places in by_cell.items():
        cell = _leaf(cells, "cell", id=number)
        _leaf(cell, "memory", str(memory.cell_total(number)), unit="KiB")
        for size in memory.page_sizes():
            _leaf(cell, "pages", str(memory.pages(number, size)), unit="KiB", size=size)
        distances = (cpus.read(f"{cpus.SYSFS}/node/node{number}/distance") or "").split()
        siblings = cell.add("distances")
        for other, distance in zip(by_cell, distances, strict=False):
            _leaf(siblings, "sibling", id=other, value=distance)
        listed = _leaf(cell, "cpus", num=len(places))
        for place in places:
            _leaf(
                listed,
                "cpu",
                id=place.cpu,
                socket_id=place.socket,
                die_id=place.die,
                cluster_id=place.cluster,
                core_id=place.core,
                siblings=bitmap.show(sorted(place.siblings)),
            )


def _caches(host: Node) -> None:
    found = processor.caches(sorted(cpus.online_set()))
    if not found:
        return
    node = host.add("cache")
    for one in found:
        size, unit = (one.size // 1024, "MiB") if one.size % 1024 == 0 else (one.size, "KiB")
        _leaf(node, "bank", id=one.id, level=one.level, type=one.kind, size=size, unit=unit, cpus=one.cpus)


# -- guests --------------------------------------------------------------------------------------------


def _guest(arch: str, facts: "Facts", driver: "QemuDriver") -> Node:
    guest = Node("guest")
    _leaf(guest, "os_type", "hvm")
    node = _leaf(guest, "arch", name=arch)
    _leaf(node, "wordsize", str(ARCHITECTURES[arch]))
    _leaf(node, "emulator", facts.emulator)
    for kind in sorted(facts.machines, key=lambda one: not one.is_default):
        if kind.name == "none":
            continue
        deprecated = {"deprecated": "yes"} if kind.deprecated else {}
        _leaf(node, "machine", kind.name, maxCpus=kind.max_cpus, **deprecated)
        if kind.alias:
            _leaf(node, "machine", kind.alias, canonical=kind.name, maxCpus=kind.max_cpus, **deprecated)
    _leaf(node, "domain", type="qemu")
    host = driver.host()
    if host.arch in (arch, "x86_64" if arch == "i686" else arch) and host.kvm:
        _leaf(node, "domain", type="kvm")
    _features(guest, arch)
    return guest


def _features(guest: Node, arch: str) -> None:
    features = guest.add("features")
    if arch == "i686":
        features.add("pae")
        features.add("nonpae")
    if arch in ("i686", "x86_64"):
        _leaf(features, "acpi", default="on", toggle="yes")
        _leaf(features, "apic", default="on", toggle="no")
    features.add("cpuselection")
    features.add("deviceboot")
    _leaf(features, "disksnapshot", default="on", toggle="no")
    features.add("externalSnapshot")
