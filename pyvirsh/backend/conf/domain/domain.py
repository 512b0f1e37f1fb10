"""The domain: the root of the model, with what libvirt checks and fills in for every driver."""

import copy
from typing import Self

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.domain import boot, security, tuning
from pyvirsh.backend.conf.domain import devices as dev
from pyvirsh.backend.conf.domain import features as feature_set
from pyvirsh.backend.conf.domain.chardev import Channel, Console, Parallel, RedirDev, Serial, Smartcard
from pyvirsh.backend.conf.domain.common import SecLabel
from pyvirsh.backend.conf.domain.cpu import Cpu
from pyvirsh.backend.conf.domain.disk import Disk
from pyvirsh.backend.conf.domain.filesystem import Filesystem
from pyvirsh.backend.conf.domain.graphics import Graphics, Video
from pyvirsh.backend.conf.domain.hostdev import HostDev
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.conf.domain.sound import Audio, Sound
from pyvirsh.backend.conf.model import (
    Model,
    flag,
    integer,
    kept,
    many,
    numbers,
    on_off,
    one,
    repeats,
    sized,
    text,
    yes_no,
)
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR, VirError

VIRT_TYPES = (
    "none",
    "qemu",
    "kqemu",
    "kvm",
    "xen",
    "lxc",
    "uml",
    "openvz",
    "test",
    "vmware",
    "hyperv",
    "vbox",
    "phyp",
    "parallels",
    "bhyve",
    "vz",
    "hvf",
)
LIFECYCLE = ("destroy", "restart", "rename-restart", "preserve")
CRASH = (*LIFECYCLE, "coredump-destroy", "coredump-restart")

QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"


class NamedValue(Model):
    """An environment variable, a capability or a property of the QEMU namespace."""

    name: str | None = text("@name")
    type: str | None = text("@type")
    capability: str | None = text("@capability")
    value: str | None = text("@value")


# More than any board has places for: 256 buses of PCI are full before.
DEVICES_MAX = 4096


class Override(Model):
    """Properties set on a device's -device argument."""

    alias: str | None = text("@alias")
    properties: list[NamedValue] = many("qemu:frontend/qemu:property", NamedValue)


class QemuExtra(Model):
    """Elements of QEMU's own namespace: extra arguments, environment, capabilities, overrides."""

    args: list[NamedValue] = many("qemu:commandline/qemu:arg", NamedValue)
    env: list[NamedValue] = many("qemu:commandline/qemu:env", NamedValue)
    added: list[NamedValue] = many("qemu:capabilities/qemu:add", NamedValue)
    removed: list[NamedValue] = many("qemu:capabilities/qemu:del", NamedValue)
    overrides: list[Override] = many("qemu:override/qemu:device", Override)
    deprecation: str | None = text("qemu:deprecation/@behavior")

    @classmethod
    def of(cls, root: xml.Element) -> "QemuExtra | None":
        """Read the namespace's elements from a domain's root; None if there are none."""
        found = cls.parse(xml.renamed(root, QEMU_NAMESPACE, "qemu"))
        return None if found.is_empty() else found


# Devices of which there can be one: tag, code of the error, how it names them.
_SINGLE = (
    ("memballoon", INTERNAL_ERROR, "memory balloon"),
    ("nvram", INTERNAL_ERROR, "nvram"),
    ("iommu", XML_ERROR, "IOMMU"),
    ("vsock", XML_ERROR, "vsock"),
    ("pstore", XML_ERROR, "pstore"),
)


class Devices(Model):
    """All devices, in the order libvirt writes them."""

    tag = "devices"
    kept_empty = True
    emulator: str | None = text("emulator")
    disks: list[Disk] = many("disk", Disk)
    controllers: list[dev.Controller] = many("controller", dev.Controller)
    leases: list[dev.Lease] = many("lease", dev.Lease)
    filesystems: list[Filesystem] = many("filesystem", Filesystem)
    interfaces: list[Interface] = many("interface", Interface)
    smartcards: list[Smartcard] = many("smartcard", Smartcard)
    serials: list[Serial] = many("serial", Serial)
    parallels: list[Parallel] = many("parallel", Parallel)
    consoles: list[Console] = many("console", Console)
    channels: list[Channel] = many("channel", Channel)
    inputs: list[dev.Input] = many("input", dev.Input)
    tpms: list[dev.Tpm] = many("tpm", dev.Tpm)
    graphics: list[Graphics] = many("graphics", Graphics)
    sounds: list[Sound] = many("sound", Sound)
    audios: list[Audio] = many("audio", Audio)
    videos: list[Video] = many("video", Video)
    hostdevs: list[HostDev] = many("hostdev", HostDev)
    redirdevs: list[RedirDev] = many("redirdev", RedirDev)
    redirfilter: list[dev.RedirFilterRule] = many("redirfilter/usbdev", dev.RedirFilterRule)
    hubs: list[dev.Hub] = many("hub", dev.Hub)
    watchdogs: list[dev.Watchdog] = many("watchdog", dev.Watchdog)
    memballoon: dev.MemBalloon | None = one("memballoon", dev.MemBalloon)
    rngs: list[dev.Rng] = many("rng", dev.Rng)
    nvram: dev.Nvram | None = one("nvram", dev.Nvram)
    panics: list[dev.Panic] = many("panic", dev.Panic)
    shmems: list[dev.Shmem] = many("shmem", dev.Shmem)
    memories: list[dev.MemoryModule] = many("memory", dev.MemoryModule)
    cryptos: list[dev.Crypto] = many("crypto", dev.Crypto)
    iommu: dev.Iommu | None = one("iommu", dev.Iommu)
    vsock: dev.Vsock | None = one("vsock", dev.Vsock)
    pstore: dev.Pstore | None = one("pstore", dev.Pstore)

    def after_parse(self, element: xml.Element) -> None:
        if len(element) > DEVICES_MAX:
            raise VirError(XML_ERROR, f"more than {DEVICES_MAX} devices are not supported")
        for tag, code, device in _SINGLE:
            if len(element.findall(tag)) > 1:
                raise VirError(code, f"only a single {device} device is supported")
        if len(element.findall("redirfilter")) > 1:
            raise VirError(INTERNAL_ERROR, "only one set of redirection filter rule is supported")

    def fill_node(self, node: xml.Node) -> None:
        node.open = True
        super().fill_node(node)


class Domain(Model):
    """A domain.  Memory is in KiB."""

    tag = "domain"
    type: str = text("@type", choices=VIRT_TYPES, unknown=(CONFIG_UNSUPPORTED, "invalid domain type {}"))
    id: int | None = integer("@id", lenient=True)
    name: str = text("name")
    uuid: str | None = text("uuid")
    hwuuid: str | None = text("hwuuid")
    genid: str | None = text("genid")
    has_genid: bool = flag("genid")
    title: str | None = text("title")
    description: str | None = text("description")
    metadata: str | None = kept("metadata", depth=1)
    memory_slots: int | None = integer(
        "maxMemory/@slots",
        or_none=True,
        blank=True,
        bits=32,
        unknown=(XML_ERROR, "Failed to parse memory slot count"),
    )
    max_memory: int | None = sized("maxMemory")
    dump_core: str | None = on_off("memory/@dumpCore")
    memory: int | None = sized("memory")
    current_memory: int | None = sized("currentMemory")
    blkiotune: tuning.BlkioTune | None = one("blkiotune", tuning.BlkioTune)
    memtune: tuning.MemTune | None = one("memtune", tuning.MemTune)
    memory_backing: tuning.MemoryBacking | None = one("memoryBacking", tuning.MemoryBacking)
    vcpu_placement: str | None = text("vcpu/@placement", choices=("static", "auto"))
    vcpu_cpuset: str | None = numbers("vcpu/@cpuset")
    vcpu_current: int | None = integer("vcpu/@current", bits=32)
    vcpus: int | None = integer("vcpu", unknown=(XML_ERROR, "maximum vcpus count must be an integer"))
    vcpu_states: list[tuning.Vcpu] = many("vcpus/vcpu", tuning.Vcpu)
    iothreads: int | None = integer("iothreads", bits=32, unknown=(XML_ERROR, "invalid iothreads count '{}'"))
    iothread_ids: list[tuning.IoThread] = many("iothreadids/iothread", tuning.IoThread)
    default_iothread_pool_min: int | None = integer("defaultiothread/@thread_pool_min", natural=True, bits=32)
    default_iothread_pool_max: int | None = integer("defaultiothread/@thread_pool_max", natural=True, bits=32)
    throttle_groups: list[tuning.ThrottleGroup] = many("throttlegroups/throttlegroup", tuning.ThrottleGroup)
    cputune: tuning.CpuTune | None = one("cputune", tuning.CpuTune)
    numatune: tuning.NumaTune | None = one("numatune", tuning.NumaTune)
    resource_partition: str | None = text("resource/partition")
    resource_appid: str | None = text("resource/fibrechannel/@appid")
    sysinfos: list[boot.Sysinfo] = many("sysinfo", boot.Sysinfo)
    bootloader: str | None = text("bootloader")
    bootloader_args: str | None = text("bootloader_args")
    os: boot.Os = one("os", boot.Os)
    uid_maps: list[security.IdMap] = many("idmap/uid", security.IdMap)
    gid_maps: list[security.IdMap] = many("idmap/gid", security.IdMap)
    features: feature_set.Features | None = one("features", feature_set.Features)
    cpu: Cpu | None = one("cpu", Cpu)
    clock: feature_set.Clock | None = one("clock", feature_set.Clock)
    on_poweroff: str | None = text(
        "on_poweroff", choices=CRASH, unknown=(CONFIG_UNSUPPORTED, "unknown on_poweroff action: {}")
    )
    on_reboot: str | None = text(
        "on_reboot", choices=CRASH, unknown=(CONFIG_UNSUPPORTED, "unknown on_reboot action: {}")
    )
    on_crash: str | None = text(
        "on_crash", choices=CRASH, unknown=(CONFIG_UNSUPPORTED, "unknown on_crash action: {}")
    )
    on_lockfailure: str | None = text(
        "on_lockfailure",
        choices=("poweroff", "restart", "pause", "ignore"),
        unknown=(CONFIG_UNSUPPORTED, "unknown on_lockfailure action: {}"),
    )
    pm: feature_set.Pm | None = one("pm", feature_set.Pm)
    perf: list[tuning.PerfEvent] = many("perf/event", tuning.PerfEvent)
    devices: Devices = one("devices", Devices)
    seclabels: list[SecLabel] = many("seclabel", SecLabel)
    keywrap: list[security.KeyWrap] = many("keywrap/cipher", security.KeyWrap)
    launch_security: security.LaunchSecurity | None = one("launchSecurity", security.LaunchSecurity)
    qemu: QemuExtra | None = None
    _read_first = ("type", "seclabels")
    # Whether there is a <bootloader>, which may be empty: the hypervisor's own.
    has_bootloader: bool = False

    @classmethod
    def parse(cls, element: xml.Element) -> Self:
        return super().parse(_united(element))

    def after_parse(self, element: xml.Element) -> None:
        self.qemu = QemuExtra.of(element)
        self.has_bootloader = element.find("bootloader") is not None
        _check_once(element)
        if self.vcpus is None and element.find("vcpu") is not None:
            raise VirError(XML_ERROR, "maximum vcpus count must be an integer")
        if element.find("resource") is not None and not (self.resource_partition or self.resource_appid):
            raise VirError(INTERNAL_ERROR, text="An error occurred, but the cause is unknown")
        if not self.has_bootloader:
            self.bootloader_args = None
        for name in repeats(group.group_name for group in self.throttle_groups):
            raise VirError(XML_ERROR, f"duplicate group name '{name}' found")
        if self.os is None:
            self.os = boot.Os()
        if self.devices is None:
            self.devices = Devices()

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        if self.qemu is not None:
            node.attrs["xmlns:qemu"] = QEMU_NAMESPACE
            self.qemu.fill_node(node)


# Elements that may stand several times: what is in all of them counts.
_UNITED = (
    *"devices os features cputune memoryBacking iothreadids vcpus clock throttlegroups".split(),
    *"blkiotune memtune".split(),
)


def _united(root: xml.Element) -> xml.Element:
    """Return the root with what is in elements of one name in the first of them."""
    if all(len(root.findall(tag)) < 2 for tag in (*_UNITED, "cpu")):
        return root
    root = copy.deepcopy(root)
    for tag in _UNITED:
        first, *others = root.findall(tag) or (None,)
        for other in others:
            if first is not None and other is not None:
                first.extend(list(other))
                for name, value in other.attrib.items():
                    first.set(name, first.get(name, value))
                root.remove(other)
    _unite_cells(root.findall("cpu"))
    return root


def _unite_cells(cpus: "list[xml.Element]") -> None:
    """Put the NUMA nodes of all CPUs, from the first <numa> of each, into the first CPU's."""
    found = [numa for cpu in cpus if (numa := cpu.find("numa")) is not None]
    if len(cpus) < 2 or not found:
        return
    first, *others = found
    for other in others:
        first.extend(list(other))
    if cpus[0].find("numa") is None:
        cpus[0].append(first)


def _check_once(root: xml.Element) -> None:
    for tag in ("resource", "numatune"):
        if len(root.findall(tag)) > 1:
            raise VirError(XML_ERROR, f"only one {tag}{' element' if tag == 'resource' else ''} is supported")
    if len(root.findall("genid")) > 1:
        raise VirError(XML_ERROR, "element 'genid' can only appear once")


def parse_domain(document: "str | bytes") -> Domain:
    """Make a domain of XML text.  Errors: XML_ERROR."""
    root = xml.parse(document)
    if root.tag != "domain":
        detail = f"expecting root element of 'domain', not '{xml.local_name(root)}'"
        raise VirError(XML_ERROR, detail)
    return Domain.parse(root)


def format_domain(domain: Domain) -> str:
    """Return the domain as XML text."""
    return xml.write(domain.to_node())


__all__ = ["Devices", "Domain", "format_domain", "parse_domain", "yes_no"]
