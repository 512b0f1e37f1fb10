"""CPU, memory, NUMA, clock, features and tuning of a domain.

Source: libvirt's domain XML format.
"""

from pyvirsh.backend.conf.domain.disk import DiskSource
from pyvirsh.backend.conf.model import (
    Model,
    flag,
    hexadecimal,
    integer,
    items,
    many,
    numbers,
    on_off,
    one,
    sized,
    text,
    yes_no,
)
from pyvirsh.backend.conf.xml import Element, Node, children, local_name
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, VirError

# -- memory ------------------------------------------------------------------------------------------


class HugePage(Model):
    """A size of huge pages, and which guest nodes use it."""

    tag = "page"
    size: int | None = sized("@size")
    nodeset: str | None = numbers("@nodeset")


class MemoryBacking(Model):
    """How the host provides the guest's memory."""

    tag = "memoryBacking"
    hugepages: bool = flag("hugepages")
    pages: list[HugePage] = many("hugepages/page", HugePage)
    nosharepages: bool = flag("nosharepages")
    locked: bool = flag("locked")
    source_type: str | None = text("source/@type", choices=("anonymous", "file", "memfd"))
    access_mode: str | None = text("access/@mode", choices=("shared", "private"))
    allocation_mode: str | None = text("allocation/@mode", choices=("immediate", "ondemand"))
    allocation_threads: int | None = integer("allocation/@threads")
    discard: bool = flag("discard")


class MemTune(Model):
    """Limits of the guest's memory use, in KiB."""

    tag = "memtune"
    hard_limit: int | None = sized("hard_limit")
    soft_limit: int | None = sized("soft_limit")
    min_guarantee: int | None = sized("min_guarantee")
    swap_hard_limit: int | None = sized("swap_hard_limit")


class BlkioDevice(Model):
    """Limits of the guest's I/O on one device of the host."""

    tag = "device"
    path: str | None = text("path")
    weight: int | None = integer("weight")
    read_iops_sec: int | None = integer("read_iops_sec")
    write_iops_sec: int | None = integer("write_iops_sec")
    read_bytes_sec: int | None = integer("read_bytes_sec")
    write_bytes_sec: int | None = integer("write_bytes_sec")


class BlkioTune(Model):
    """Weights and limits of the guest's I/O."""

    tag = "blkiotune"
    weight: int | None = integer("weight")
    devices: list[BlkioDevice] = many("device", BlkioDevice)


# -- CPUs and threads ----------------------------------------------------------------------------------


class Vcpu(Model):
    """State of one virtual CPU."""

    tag = "vcpu"
    id: int | None = integer("@id")
    enabled: str | None = yes_no("@enabled")
    hotpluggable: str | None = yes_no("@hotpluggable")
    order: int | None = integer("@order")


class IoThread(Model):
    """An I/O thread."""

    tag = "iothread"
    id: int | None = integer("@id")
    thread_pool_min: int | None = integer("@thread_pool_min")
    thread_pool_max: int | None = integer("@thread_pool_max")
    poll_max: int | None = integer("poll/@max")
    poll_grow: int | None = integer("poll/@grow")
    poll_shrink: int | None = integer("poll/@shrink")


class VcpuPin(Model):
    """The host CPUs a virtual CPU may run on."""

    tag = "vcpupin"
    vcpu: int | None = integer("@vcpu")
    cpuset: str | None = numbers("@cpuset")


class IoThreadPin(Model):
    """The host CPUs an I/O thread may run on."""

    tag = "iothreadpin"
    iothread: int | None = integer("@iothread")
    cpuset: str | None = numbers("@cpuset")


class Sched(Model):
    """The scheduler of some threads."""

    vcpus: str | None = text("@vcpus")
    iothreads: str | None = text("@iothreads")
    scheduler: str | None = text("@scheduler")
    priority: int | None = integer("@priority", signed=True)


class CacheTunePart(Model):
    """A part of a CPU cache, or its monitor."""

    id: int | None = integer("@id")
    level: int | None = integer("@level")
    type: str | None = text("@type")
    vcpus: str | None = text("@vcpus")
    size: str | None = text("@size")
    unit: str | None = text("@unit")
    bandwidth: int | None = integer("@bandwidth")


class CacheTune(Model):
    """Cache parts given to some virtual CPUs."""

    vcpus: str | None = text("@vcpus")
    id: str | None = text("@id")
    caches: list[CacheTunePart] = many("cache", CacheTunePart)
    nodes: list[CacheTunePart] = many("node", CacheTunePart)
    monitors: list[CacheTunePart] = many("monitor", CacheTunePart)


class CpuTune(Model):
    """Scheduling and pinning."""

    tag = "cputune"
    shares: int | None = integer("shares")
    period: int | None = integer("period")
    quota: int | None = integer("quota", signed=True)
    global_period: int | None = integer("global_period")
    global_quota: int | None = integer("global_quota", signed=True)
    emulator_period: int | None = integer("emulator_period")
    emulator_quota: int | None = integer("emulator_quota", signed=True)
    iothread_period: int | None = integer("iothread_period")
    iothread_quota: int | None = integer("iothread_quota", signed=True)
    vcpupins: list[VcpuPin] = many("vcpupin", VcpuPin)
    emulatorpin: str | None = numbers("emulatorpin/@cpuset")
    iothreadpins: list[IoThreadPin] = many("iothreadpin", IoThreadPin)
    vcpuscheds: list[Sched] = many("vcpusched", Sched)
    iothreadscheds: list[Sched] = many("iothreadsched", Sched)
    emulatorsched: Sched | None = one("emulatorsched", Sched)
    cachetunes: list[CacheTune] = many("cachetune", CacheTune)
    memorytunes: list[CacheTune] = many("memorytune", CacheTune)

    def after_parse(self, element: Element) -> None:
        if self.emulatorpin is None and element.find("emulatorpin") is not None:
            raise VirError(INTERNAL_ERROR, "missing cpuset for emulatorpin")


class MemNode(Model):
    """Where one guest node's memory comes from."""

    tag = "memnode"
    cellid: int | None = integer("@cellid")
    mode: str | None = text("@mode")
    nodeset: str | None = numbers("@nodeset")


class NumaTune(Model):
    """Which host nodes the guest's memory comes from."""

    tag = "numatune"
    mode: str | None = text(
        "memory/@mode",
        choices=("strict", "preferred", "interleave", "restrictive"),
        unknown=(CONFIG_UNSUPPORTED, "Unsupported NUMA memory tuning mode '{}'"),
    )
    nodeset: str | None = numbers("memory/@nodeset")
    placement: str | None = text("memory/@placement", choices=("static", "auto"))
    memnodes: list[MemNode] = many("memnode", MemNode)


class CellCache(Model):
    """A memory-side cache of a guest node."""

    tag = "cache"
    level: int | None = integer("@level")
    associativity: str | None = text("@associativity")
    policy: str | None = text("@policy")
    size_value: int | None = integer("size/@value")
    size_unit: str | None = text("size/@unit")
    line_value: int | None = integer("line/@value")
    line_unit: str | None = text("line/@unit")


class Sibling(Model):
    """The distance to another guest node."""

    tag = "sibling"
    id: int | None = integer("@id")
    value: int | None = integer("@value")


class Cell(Model):
    """A NUMA node of the guest."""

    tag = "cell"
    id: int | None = integer("@id")
    cpus: str | None = numbers("@cpus")
    memory: int | None = sized("@memory")
    mem_access: str | None = text("@memAccess", choices=("shared", "private"))
    discard: str | None = yes_no("@discard")
    siblings: list[Sibling] = many("distances/sibling", Sibling)
    caches: list[CellCache] = many("cache", CellCache)


class Interconnect(Model):
    """Latency or bandwidth between guest nodes."""

    initiator: int | None = integer("@initiator")
    target: int | None = integer("@target")
    cache: int | None = integer("@cache")
    type: str | None = text("@type")
    value: int | None = integer("@value")
    unit: str | None = text("@unit")


class CpuFeature(Model):
    """A CPU feature that is asked for or refused."""

    tag = "feature"
    policy: str | None = text("@policy", choices=("force", "require", "optional", "disable", "forbid"))
    name: str | None = text("@name")


class Cpu(Model):
    """The guest's CPU."""

    tag = "cpu"
    mode: str | None = text(
        "@mode",
        choices=("custom", "host-model", "host-passthrough", "maximum"),
        unknown=(CONFIG_UNSUPPORTED, "Invalid mode attribute '{}'"),
    )
    match: str | None = text("@match", choices=("minimum", "exact", "strict"))
    check: str | None = text("@check", choices=("none", "partial", "full", "default"))
    migratable: str | None = on_off("@migratable")
    deprecated_features: str | None = on_off("@deprecated_features")
    arch: str | None = text("arch")
    model: str | None = text("model")
    fallback: str | None = text("model/@fallback", choices=("allow", "forbid"))
    vendor_id: str | None = text("model/@vendor_id")
    vendor: str | None = text("vendor")
    sockets: int | None = integer("topology/@sockets")
    dies: int | None = integer("topology/@dies")
    clusters: int | None = integer("topology/@clusters")
    cores: int | None = integer("topology/@cores")
    threads: int | None = integer("topology/@threads")
    cache_level: int | None = integer("cache/@level")
    cache_mode: str | None = text("cache/@mode", choices=("emulate", "passthrough", "disable"))
    maxphysaddr_mode: str | None = text("maxphysaddr/@mode", choices=("emulate", "passthrough"))
    maxphysaddr_bits: int | None = integer("maxphysaddr/@bits")
    maxphysaddr_limit: int | None = integer("maxphysaddr/@limit")
    features: list[CpuFeature] = many("feature", CpuFeature)
    cells: list[Cell] = many("numa/cell", Cell)
    latencies: list[Interconnect] = many("numa/interconnects/latency", Interconnect)
    bandwidths: list[Interconnect] = many("numa/interconnects/bandwidth", Interconnect)


# -- boot ------------------------------------------------------------------------------------------------


class FirmwareFeature(Model):
    """A feature the firmware must have or lack."""

    tag = "feature"
    enabled: str | None = yes_no("@enabled")
    name: str | None = text("@name")


class AcpiTable(Model):
    """A file with an ACPI table."""

    tag = "table"
    type: str | None = text("@type")
    path: str | None = text(".")


class Smbios(Model):
    """Where SMBIOS data comes from."""

    tag = "smbios"
    mode: str | None = text("@mode", choices=("emulate", "host", "sysinfo"))


class Nvram(Model):
    """The file with the firmware's variables."""

    tag = "nvram"
    type: str | None = text("@type")
    template: str | None = text("@template")
    template_format: str | None = text("@templateFormat")
    format: str | None = text("@format")
    path: str | None = text(".")
    source: DiskSource | None = one("source", DiskSource)

    def after_parse(self, element: Element) -> None:
        self.path = (self.path or "").strip() or None


class Os(Model):
    """How the guest boots."""

    tag = "os"
    kept_empty = True
    firmware: str | None = text("@firmware", choices=("bios", "efi"))
    arch: str | None = text("type/@arch")
    machine: str | None = text("type/@machine")
    type: str | None = text("type")
    firmware_features: list[FirmwareFeature] = many("firmware/feature", FirmwareFeature)
    init: str | None = text("init")
    initargs: list[str] = items("initarg")
    initdir: str | None = text("initdir")
    inituser: str | None = text("inituser")
    initgroup: str | None = text("initgroup")
    loader: str | None = text("loader")
    loader_readonly: str | None = yes_no("loader/@readonly")
    loader_secure: str | None = yes_no("loader/@secure")
    loader_type: str | None = text("loader/@type", choices=("rom", "pflash"))
    loader_stateless: str | None = yes_no("loader/@stateless")
    loader_format: str | None = text("loader/@format")
    nvram: Nvram | None = one("nvram", Nvram)
    kernel: str | None = text("kernel")
    initrd: str | None = text("initrd")
    cmdline: str | None = text("cmdline")
    dtb: str | None = text("dtb")
    shim: str | None = text("shim")
    root: str | None = text("root")
    acpi_tables: list[AcpiTable] = many("acpi/table", AcpiTable)
    boot: list[str] = items("boot/@dev")
    bootmenu_enable: str | None = yes_no("bootmenu/@enable")
    bootmenu_timeout: int | None = integer("bootmenu/@timeout")
    bios_use_serial: str | None = yes_no("bios/@useserial")
    bios_reboot_timeout: int | None = integer("bios/@rebootTimeout", signed=True)
    smbios_mode: str | None = text("smbios/@mode", choices=("emulate", "host", "sysinfo"))


class SysinfoEntry(Model):
    """One value of a SMBIOS block."""

    tag = "entry"
    name: str | None = text("@name")
    file: str | None = text("@file")
    value: str | None = text(".")


class SysinfoBoard(Model):
    """A base board."""

    tag = "baseBoard"
    entries: list[SysinfoEntry] = many("entry", SysinfoEntry)


class Sysinfo(Model):
    """SMBIOS values or fw_cfg entries."""

    tag = "sysinfo"
    type: str | None = text("@type", choices=("smbios", "fwcfg"))
    bios: list[SysinfoEntry] = many("bios/entry", SysinfoEntry)
    system: list[SysinfoEntry] = many("system/entry", SysinfoEntry)
    boards: list[SysinfoBoard] = many("baseBoard", SysinfoBoard)
    chassis: list[SysinfoEntry] = many("chassis/entry", SysinfoEntry)
    oem: list[str] = items("oemStrings/entry")
    entries: list[SysinfoEntry] = many("entry", SysinfoEntry)


# -- features ----------------------------------------------------------------------------------------------


FEATURES = frozenset(
    "acpi apic pae hap viridian privnet hyperv kvm pvspinlock capabilities pmu vmport gic smm ioapic hpt"
    " vmcoreinfo htm nested-hv msrs ccf-assist xen cfpc sbbc ibs tcg async-teardown ras ps2 aia".split()
)


class Features(Model):
    """What the machine offers the guest; `hyperv` and `kvm` by their elements' names."""

    tag = "features"
    acpi: bool = flag("acpi")
    apic: bool = flag("apic")
    apic_eoi: str | None = on_off("apic/@eoi")
    pae: bool = flag("pae")
    hap: str | None = on_off("hap/@state", implied="on")
    viridian: bool = flag("viridian")
    privnet: bool = flag("privnet")
    hyperv: "Hyperv | None" = one("hyperv", lambda: Hyperv)
    kvm_hidden: str | None = on_off("kvm/hidden/@state")
    kvm_hint_dedicated: str | None = on_off("kvm/hint-dedicated/@state")
    kvm_poll_control: str | None = on_off("kvm/poll-control/@state")
    kvm_pv_ipi: str | None = on_off("kvm/pv-ipi/@state")
    kvm_dirty_ring: str | None = on_off("kvm/dirty-ring/@state")
    kvm_dirty_ring_size: int | None = integer("kvm/dirty-ring/@size")
    pvspinlock: str | None = on_off("pvspinlock/@state", implied="on")
    pmu: bool = flag("pmu")
    pmu_state: str | None = on_off("pmu/@state")
    vmport: bool = flag("vmport")
    vmport_state: str | None = on_off("vmport/@state")
    gic_version: str | None = text("gic/@version")
    smm: bool = flag("smm")
    smm_state: str | None = on_off("smm/@state")
    smm_tseg: int | None = sized("smm/tseg", unit="MiB", bare="MiB")
    ioapic: str | None = text("ioapic/@driver", choices=("kvm", "qemu"))
    hpt_resizing: str | None = text("hpt/@resizing")
    vmcoreinfo: bool = flag("vmcoreinfo")
    vmcoreinfo_state: str | None = on_off("vmcoreinfo/@state")
    htm: str | None = on_off("htm/@state")
    msrs: str | None = text("msrs/@unknown", choices=("ignore", "fault"))
    ccf_assist: str | None = on_off("ccf-assist/@state")
    xen_e820_host: str | None = on_off("xen/e820_host/@state")
    xen_passthrough: str | None = on_off("xen/passthrough/@state")
    xen_passthrough_mode: str | None = text(
        "xen/passthrough/@mode", choices=("default", "sync_pt", "share_pt")
    )
    cfpc: str | None = text("cfpc/@value")
    sbbc: str | None = text("sbbc/@value")
    ibs: str | None = text("ibs/@value")
    tcg_tb_cache: int | None = sized("tcg/tb-cache", unit="MiB", bare="MiB")
    async_teardown: str | None = yes_no("async-teardown/@enabled")
    ras: str | None = on_off("ras/@state")
    ps2: str | None = on_off("ps2/@state")
    aia: str | None = text("aia/@value")

    def after_parse(self, element: Element) -> None:
        for child in children(element):
            if child.tag not in FEATURES:
                raise VirError(CONFIG_UNSUPPORTED, f"unexpected feature '{local_name(child)}'")
        for name in ("pmu", "vmport", "smm", "vmcoreinfo"):
            if getattr(self, name) and getattr(self, f"{name}_state") is None:
                setattr(self, f"{name}_state", "on")


HYPERV = (
    "relaxed vapic spinlocks vpindex runtime synic stimer reset vendor_id frequencies"
    " reenlightenment tlbflush ipi evmcs avic emsr_bitmap xmm_input"
).split()


class Hyperv(Model):
    """Hyper-V enlightenments; `states` maps an element's name to "on" or "off"."""

    tag = "hyperv"
    kept_empty = True
    mode: str | None = text("@mode", choices=("custom", "passthrough", "host-model"))
    spinlocks_retries: int | None = None
    stimer_direct: str | None = None
    vendor_id: str | None = None
    tlbflush_direct: str | None = None
    tlbflush_extended: str | None = None

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.states: dict[str, str] = {}

    def after_parse(self, element: Element) -> None:
        for child in children(element):
            if child.tag in HYPERV:
                self.states[str(child.tag)] = child.get("state") or "on"
            if child.tag == "spinlocks" and child.get("retries"):
                self.spinlocks_retries = int(child.get("retries") or 0)
            elif child.tag == "vendor_id":
                self.vendor_id = child.get("value")
            elif child.tag == "stimer" and (direct := child.find("direct")) is not None:
                self.stimer_direct = direct.get("state")
            elif child.tag == "tlbflush":
                for part in ("direct", "extended"):
                    if (inner := child.find(part)) is not None:
                        setattr(self, f"tlbflush_{part}", inner.get("state"))

    def fill_node(self, node: Node) -> None:
        super().fill_node(node)
        for name in HYPERV:
            if name not in self.states:
                continue
            kid = node.add(name)
            kid.attrs["state"] = self.states[name]
            if name == "spinlocks" and self.spinlocks_retries is not None:
                kid.attrs["retries"] = str(self.spinlocks_retries)
            elif name == "vendor_id" and self.vendor_id is not None:
                kid.attrs["value"] = self.vendor_id
            elif name == "stimer" and self.stimer_direct:
                kid.add("direct").attrs["state"] = self.stimer_direct
            elif name == "tlbflush":
                for part in ("direct", "extended"):
                    if state := getattr(self, f"tlbflush_{part}"):
                        kid.add(part).attrs["state"] = state

    def is_empty(self) -> bool:
        return False

    def copy(self) -> "Hyperv":
        made = super().copy()
        made.states = dict(self.states)
        return made


# -- clock -----------------------------------------------------------------------------------------------


class Timer(Model):
    """A timer of the guest."""

    tag = "timer"
    name: str | None = text(
        "@name", choices=("platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock", "armvtimer")
    )
    present: str | None = yes_no("@present")
    tickpolicy: str | None = text("@tickpolicy", choices=("delay", "catchup", "merge", "discard"))
    track: str | None = text("@track", choices=("boot", "guest", "wall", "realtime"))
    frequency: int | None = integer("@frequency")
    mode: str | None = text("@mode")
    catchup_threshold: int | None = integer("catchup/@threshold")
    catchup_slew: int | None = integer("catchup/@slew")
    catchup_limit: int | None = integer("catchup/@limit")


class Clock(Model):
    """The guest's clock."""

    tag = "clock"
    offset: str | None = text(
        "@offset",
        choices=("utc", "localtime", "variable", "timezone", "absolute"),
        unknown=(CONFIG_UNSUPPORTED, "unknown clock offset '{}'"),
    )
    adjustment: str | None = text("@adjustment")
    basis: str | None = text("@basis", choices=("utc", "localtime"))
    timezone: str | None = text("@timezone")
    start: int | None = integer("@start")
    timers: list[Timer] = many("timer", Timer)


class Pm(Model):
    """Sleep states offered to the guest."""

    tag = "pm"
    suspend_to_mem: str | None = yes_no("suspend-to-mem/@enabled")
    suspend_to_disk: str | None = yes_no("suspend-to-disk/@enabled")


class PerfEvent(Model):
    """A performance event that is counted."""

    tag = "event"
    name: str | None = text("@name")
    enabled: str | None = yes_no("@enabled")


class IdMap(Model):
    """A range of mapped user or group ids."""

    start: int | None = integer("@start")
    target: int | None = integer("@target")
    count: int | None = integer("@count")


class KeyWrap(Model):
    """Whether keys of a kind are wrapped."""

    tag = "cipher"
    name: str | None = text("@name", choices=("aes", "dea"))
    state: str | None = on_off("@state")


class LaunchSecurity(Model):
    """Memory encryption of confidential guests."""

    tag = "launchSecurity"
    type: str | None = text("@type")
    kernel_hashes: str | None = yes_no("@kernelHashes")
    author_key: str | None = yes_no("@authorKey")
    vcek: str | None = yes_no("@vcek")
    cbitpos: int | None = integer("cbitpos")
    reduced_phys_bits: int | None = integer("reducedPhysBits")
    policy: int | None = hexadecimal("policy", 4)
    dh_cert: str | None = text("dhCert")
    session: str | None = text("session")
    guest_visible_workarounds: str | None = text("guestVisibleWorkarounds")
    id_block: str | None = text("idBlock")
    id_auth: str | None = text("idAuth")
    host_data: str | None = text("hostData")


class ThrottleGroup(Model):
    """A named group of I/O limits."""

    tag = "throttlegroup"
    total_bytes_sec: int | None = integer("total_bytes_sec")
    read_bytes_sec: int | None = integer("read_bytes_sec")
    write_bytes_sec: int | None = integer("write_bytes_sec")
    total_iops_sec: int | None = integer("total_iops_sec")
    read_iops_sec: int | None = integer("read_iops_sec")
    write_iops_sec: int | None = integer("write_iops_sec")
    group_name: str | None = text("group_name")
