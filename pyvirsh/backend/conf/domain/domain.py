"""The domain: the root of the model, with what libvirt checks and fills in for every driver."""

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.domain import devices as dev
from pyvirsh.backend.conf.domain import tuning
from pyvirsh.backend.conf.domain.chardev import Channel, Console, Parallel, RedirDev, Serial, Smartcard
from pyvirsh.backend.conf.domain.common import SecLabel
from pyvirsh.backend.conf.domain.disk import Disk, Filesystem
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.conf.model import (
    Model,
    flag,
    integer,
    kept,
    many,
    numbers,
    on_off,
    one,
    sized,
    text,
    yes_no,
)
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR, VirError

VIRT_TYPES = (
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
    graphics: list[dev.Graphics] = many("graphics", dev.Graphics)
    sounds: list[dev.Sound] = many("sound", dev.Sound)
    audios: list[dev.Audio] = many("audio", dev.Audio)
    videos: list[dev.Video] = many("video", dev.Video)
    hostdevs: list[dev.HostDev] = many("hostdev", dev.HostDev)
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

    def after_parse(self, element: xml.Element) -> None:
        if len(element) > DEVICES_MAX:
            raise VirError(XML_ERROR, f"more than {DEVICES_MAX} devices are not supported")
        if len(element.findall("memballoon")) > 1:
            raise VirError(INTERNAL_ERROR, "only a single memory balloon device is supported")

    def fill_node(self, node: xml.Node) -> None:
        node.open = True
        super().fill_node(node)


class Domain(Model):
    """A domain.  Memory is in KiB."""

    tag = "domain"
    type: str = text("@type", choices=VIRT_TYPES, unknown=(CONFIG_UNSUPPORTED, "invalid domain type {}"))
    id: int | None = integer("@id")
    name: str = text("name")
    uuid: str | None = text("uuid")
    hwuuid: str | None = text("hwuuid")
    genid: str | None = text("genid")
    has_genid: bool = flag("genid")
    title: str | None = text("title")
    description: str | None = text("description")
    metadata: str | None = kept("metadata", depth=1)
    memory_slots: int | None = integer("maxMemory/@slots")
    max_memory: int | None = sized("maxMemory")
    dump_core: str | None = on_off("memory/@dumpCore")
    memory: int | None = sized("memory")
    current_memory: int | None = sized("currentMemory")
    blkiotune: tuning.BlkioTune | None = one("blkiotune", tuning.BlkioTune)
    memtune: tuning.MemTune | None = one("memtune", tuning.MemTune)
    memory_backing: tuning.MemoryBacking | None = one("memoryBacking", tuning.MemoryBacking)
    vcpu_placement: str | None = text("vcpu/@placement", choices=("static", "auto"))
    vcpu_cpuset: str | None = numbers("vcpu/@cpuset")
    vcpu_current: int | None = integer("vcpu/@current")
    vcpus: int | None = integer("vcpu", unknown=(XML_ERROR, "maximum vcpus count must be an integer"))
    vcpu_states: list[tuning.Vcpu] = many("vcpus/vcpu", tuning.Vcpu)
    iothreads: int | None = integer("iothreads")
    iothread_ids: list[tuning.IoThread] = many("iothreadids/iothread", tuning.IoThread)
    default_iothread_pool_min: int | None = integer("defaultiothread/@thread_pool_min")
    default_iothread_pool_max: int | None = integer("defaultiothread/@thread_pool_max")
    cputune: tuning.CpuTune | None = one("cputune", tuning.CpuTune)
    numatune: tuning.NumaTune | None = one("numatune", tuning.NumaTune)
    resource_partition: str | None = text("resource/partition")
    resource_appid: str | None = text("resource/fibrechannel/@appid")
    sysinfos: list[tuning.Sysinfo] = many("sysinfo", tuning.Sysinfo)
    bootloader: str | None = text("bootloader")
    bootloader_args: str | None = text("bootloader_args")
    os: tuning.Os = one("os", tuning.Os)
    uid_maps: list[tuning.IdMap] = many("idmap/uid", tuning.IdMap)
    gid_maps: list[tuning.IdMap] = many("idmap/gid", tuning.IdMap)
    throttle_groups: list[tuning.ThrottleGroup] = many("throttlegroups/throttlegroup", tuning.ThrottleGroup)
    features: tuning.Features | None = one("features", tuning.Features)
    cpu: tuning.Cpu | None = one("cpu", tuning.Cpu)
    clock: tuning.Clock | None = one("clock", tuning.Clock)
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
    pm: tuning.Pm | None = one("pm", tuning.Pm)
    perf: list[tuning.PerfEvent] = many("perf/event", tuning.PerfEvent)
    devices: Devices = one("devices", Devices)
    seclabels: list[SecLabel] = many("seclabel", SecLabel)
    keywrap: list[tuning.KeyWrap] = many("keywrap/cipher", tuning.KeyWrap)
    launch_security: tuning.LaunchSecurity | None = one("launchSecurity", tuning.LaunchSecurity)
    qemu: QemuExtra | None = None

    def after_parse(self, element: xml.Element) -> None:
        self.qemu = QemuExtra.of(element)
        if self.os is None:
            self.os = tuning.Os()
        if self.devices is None:
            self.devices = Devices()

    def fill_node(self, node: xml.Node) -> None:
        super().fill_node(node)
        if self.qemu is not None:
            node.attrs["xmlns:qemu"] = QEMU_NAMESPACE
            self.qemu.fill_node(node)


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
