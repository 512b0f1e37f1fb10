"""What a guest's machine offers: features, Hyper-V enlightenments, clock, power management.

Source: libvirt's domain XML format, "Hypervisor features" and "Time keeping".
"""

from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.model import Model, flag, integer, many, on_off, one, sized, text, yes_no
from pyvirsh.backend.conf.xml import Element, Node, children, local_name
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_ERROR, VirError, refuse

FEATURES = frozenset(
    "acpi apic pae hap viridian privnet hyperv kvm pvspinlock capabilities pmu vmport gic smm ioapic hpt"
    " vmcoreinfo htm nested-hv msrs ccf-assist xen cfpc sbbc ibs tcg async-teardown ras ps2 aia".split()
)
_MITIGATIONS = ("broken", "workaround", "fixed")
# Source: capabilities(7), those that containers may keep or drop.
_CAPABILITIES = (
    "audit_control audit_write block_suspend chown dac_override dac_read_search fowner fsetid ipc_lock"
    " ipc_owner kill lease linux_immutable mac_admin mac_override mknod net_admin net_bind_service"
    " net_broadcast net_raw setgid setfcap setpcap setuid sys_admin sys_boot sys_chroot sys_module sys_nice"
    " sys_pacct sys_ptrace sys_rawio sys_resource sys_time sys_tty_config syslog wake_alarm"
).split()


def _state(element: Element) -> str:
    """Return an element's state.  Errors: XML_ERROR without one."""
    state = element.get("state")
    if state is None:
        raise VirError(XML_ERROR, f"Missing required attribute 'state' in element '{local_name(element)}'")
    if state not in ("on", "off"):
        place = f"attribute 'state' in element '{local_name(element)}'"
        raise VirError(XML_ERROR, f"Invalid value for {place}: '{state}'.")
    return state


class Kvm(Model):
    """What KVM offers, or hides."""

    tag = "kvm"
    kept_empty = True
    hidden: str | None = on_off("hidden/@state", required=True)
    hint_dedicated: str | None = on_off("hint-dedicated/@state", required=True)
    poll_control: str | None = on_off("poll-control/@state", required=True)
    pv_ipi: str | None = on_off("pv-ipi/@state", required=True)
    dirty_ring: str | None = on_off("dirty-ring/@state", required=True)
    dirty_ring_size: int | None = integer("dirty-ring/@size")

    def after_parse(self, element: Element) -> None:
        for child in children(element):
            if child.tag not in ("hidden", "hint-dedicated", "poll-control", "pv-ipi", "dirty-ring"):
                raise refuse(f"unsupported KVM feature: {local_name(child)}")
        if self.dirty_ring != "on":
            self.dirty_ring_size = None
            return
        size = self.dirty_ring_size
        if size is None:
            raise VirError(XML_ERROR, "Missing required attribute 'size' in element 'dirty-ring'")
        if not 1024 <= size <= 65536 or size & (size - 1):
            raise VirError(XML_ERROR, "dirty ring must be power of 2 and ranges [1024, 65536]")

    def fill_node(self, node: Node) -> None:
        node.open = True
        super().fill_node(node)


class Xen(Model):
    """What Xen offers."""

    tag = "xen"
    kept_empty = True
    e820_host: str | None = on_off("e820_host/@state", required=True)
    passthrough: str | None = on_off("passthrough/@state", required=True)
    passthrough_mode: str | None = text("passthrough/@mode", choices=("default", "sync_pt", "share_pt"))

    def after_parse(self, element: Element) -> None:
        for child in children(element):
            if child.tag not in ("e820_host", "passthrough"):
                raise refuse(f"unsupported Xen feature: {local_name(child)}")

    def fill_node(self, node: Node) -> None:
        node.open = True
        super().fill_node(node)


class Capabilities(Model):
    """Which capabilities the processes of a container keep; `states` maps one's name to "on" or "off"."""

    tag = "capabilities"
    policy: str | None = text("@policy", choices=("default", "allow", "deny"))

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.states: dict[str, str] = {}

    def after_parse(self, element: Element) -> None:
        for child in children(element):
            if child.tag not in _CAPABILITIES:
                raise refuse(f"unexpected capability feature '{local_name(child)}'")
            self.states[str(child.tag)] = child.get("state") or "on"
        if self.policy == "default":
            self.policy = None

    def is_empty(self) -> bool:
        return self.policy is None and not self.states

    def fill_node(self, node: Node) -> None:
        node.attrs["policy"] = self.policy or "default"
        for name in _CAPABILITIES:
            if name in self.states:
                node.add(name).attrs["state"] = self.states[name]

    def copy(self) -> "Capabilities":
        made = super().copy()
        made.states = dict(self.states)
        return made


class Features(Model):
    """What the machine offers the guest."""

    tag = "features"
    acpi: bool = flag("acpi")
    apic: bool = flag("apic")
    apic_eoi: str | None = on_off("apic/@eoi")
    pae: bool = flag("pae")
    hap: str | None = on_off("hap/@state", implied="on")
    viridian: bool = flag("viridian")
    privnet: bool = flag("privnet")
    hyperv: "Hyperv | None" = one("hyperv", lambda: Hyperv)
    kvm: Kvm | None = one("kvm", Kvm)
    pvspinlock: str | None = on_off("pvspinlock/@state", implied="on")
    pmu: bool = flag("pmu")
    pmu_state: str | None = on_off("pmu/@state")
    capabilities: Capabilities | None = one("capabilities", Capabilities)
    vmport: bool = flag("vmport")
    vmport_state: str | None = on_off("vmport/@state")
    gic: bool = flag("gic")
    gic_version: str | None = text("gic/@version", choices=("2", "3", "host"))
    smm: bool = flag("smm")
    smm_state: str | None = on_off("smm/@state")
    smm_tseg: int | None = sized(
        "smm/tseg", unit="KiB", bare="MiB", place="string(./features/smm/tseg)", pretty=True
    )
    ioapic: str | None = text("ioapic/@driver", choices=("kvm", "qemu"))
    hpt_resizing: str | None = text("hpt/@resizing", choices=("enabled", "disabled", "required"))
    hpt_page: int | None = sized(
        "hpt/maxpagesize", unknown=(CONFIG_UNSUPPORTED, "Unable to parse HPT maxpagesize setting")
    )
    vmcoreinfo: bool = flag("vmcoreinfo")
    vmcoreinfo_state: str | None = on_off("vmcoreinfo/@state")
    htm: str | None = on_off("htm/@state", required=True)
    nested_hv: str | None = on_off("nested-hv/@state", required=True)
    msrs: str | None = text("msrs/@unknown", choices=("ignore", "fault"), required=True)
    ccf_assist: str | None = on_off("ccf-assist/@state", required=True)
    xen: Xen | None = one("xen", Xen)
    cfpc: str | None = text("cfpc/@value", choices=_MITIGATIONS)
    sbbc: str | None = text("sbbc/@value", choices=_MITIGATIONS)
    ibs: str | None = text(
        "ibs/@value", choices=("broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na")
    )
    tcg_tb_cache: int | None = sized("tcg/tb-cache", place="./tb-cache")
    async_teardown: str | None = yes_no("async-teardown/@enabled", implied="yes")
    ras: str | None = on_off("ras/@state", required=True)
    ps2: str | None = on_off("ps2/@state", required=True)
    aia: str | None = text("aia/@value", choices=("none", "aplic", "aplic-imsic"))

    def after_parse(self, element: Element) -> None:
        for child in children(element):
            if child.tag not in FEATURES:
                raise refuse(f"unexpected feature '{local_name(child)}'")
        for name in ("pmu", "vmport", "smm", "vmcoreinfo"):
            if getattr(self, name) and getattr(self, f"{name}_state") is None:
                setattr(self, f"{name}_state", "on")
        self.smm_tseg = self.smm_tseg if self.smm_state == "on" else None
        self.tcg_tb_cache = self.tcg_tb_cache or None


HYPERV = (
    "relaxed vapic spinlocks vpindex runtime synic stimer reset vendor_id frequencies"
    " reenlightenment tlbflush ipi evmcs avic emsr_bitmap xmm_input"
).split()
_LEAST_RETRIES = 4095
_VENDOR_LENGTH = 12


class Hyperv(Model):
    """Hyper-V enlightenments; `states` maps an element's name to "on" or "off"."""

    tag = "hyperv"
    kept_empty = True
    mode: str | None = text("@mode", choices=("custom", "passthrough"))
    spinlocks_retries: int | None = None
    stimer_direct: str | None = None
    vendor_id: str | None = None
    tlbflush_direct: str | None = None
    tlbflush_extended: str | None = None

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.states: dict[str, str] = {}

    def after_parse(self, element: Element) -> None:
        if self.mode == "passthrough":
            return
        for child in children(element):
            if child.tag not in HYPERV:
                raise refuse(f"unsupported HyperV Enlightenment feature: {local_name(child)}")
            name = str(child.tag)
            self.states[name] = _state(child)
            if self.states[name] == "on":
                self._take_details(name, child)

    def _take_details(self, name: str, element: Element) -> None:
        if name == "spinlocks":
            self.spinlocks_retries = _retries(element)
        elif name == "vendor_id":
            self.vendor_id = _vendor(element)
        elif name == "stimer":
            for inner in children(element):
                if inner.tag != "direct":
                    raise refuse(f"unsupported Hyper-V stimer feature: {local_name(inner)}")
                self.stimer_direct = _state(inner)
        elif name == "tlbflush":
            for inner in children(element):
                if inner.tag not in ("direct", "extended"):
                    raise refuse(f"unsupported Hyper-V tlbflush feature: {local_name(inner)}")
                setattr(self, f"tlbflush_{inner.tag}", _state(inner))

    def fill_node(self, node: Node) -> None:
        node.open = True
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
            elif name == "stimer" and self.stimer_direct == "on":
                kid.add("direct").attrs["state"] = self.stimer_direct
            elif name == "tlbflush":
                for part in ("direct", "extended"):
                    if getattr(self, f"tlbflush_{part}") == "on":
                        kid.add(part).attrs["state"] = "on"

    def is_empty(self) -> bool:
        return False

    def copy(self) -> "Hyperv":
        made = super().copy()
        made.states = dict(self.states)
        return made


def _retries(element: Element) -> int:
    value = element.get("retries")
    if value is None:
        raise VirError(XML_ERROR, "Missing required attribute 'retries' in element 'spinlocks'")
    number = c_integer(value, 0)
    if number is None or not 0 <= number < 1 << 32:
        place = "attribute 'retries' in element 'spinlocks'"
        raise VirError(
            XML_ERROR, f"Invalid value for {place}: '{value}'. Expected non-negative integer value"
        )
    if number < _LEAST_RETRIES:
        raise VirError(XML_ERROR, f"HyperV spinlock retry count must be at least {_LEAST_RETRIES}")
    return number


def _vendor(element: Element) -> str:
    value = element.get("value")
    if value is None:
        raise VirError(XML_ERROR, "missing 'value' attribute for HyperV feature 'vendor_id'")
    if len(value) > _VENDOR_LENGTH:
        detail = f"HyperV vendor_id value must not be more than {_VENDOR_LENGTH} characters."
        raise VirError(XML_ERROR, detail)
    if "," in value:
        raise VirError(XML_ERROR, "HyperV vendor_id value is invalid")
    return value


# -- clock -----------------------------------------------------------------------------------------------


class Timer(Model):
    """A timer of the guest."""

    tag = "timer"
    name: str | None = text(
        "@name",
        choices=("platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock", "armvtimer"),
        required=True,
    )
    present: str | None = yes_no("@present")
    tickpolicy: str | None = text("@tickpolicy", choices=("delay", "catchup", "merge", "discard"))
    track: str | None = text("@track", choices=("boot", "guest", "wall", "realtime"))
    frequency: int | None = integer("@frequency", or_none=True)
    mode: str | None = text("@mode", choices=("auto", "native", "emulate", "paravirt", "smpsafe"))
    catchup_threshold: int | None = integer("catchup/@threshold", or_none=True)
    catchup_slew: int | None = integer("catchup/@slew", or_none=True)
    catchup_limit: int | None = integer("catchup/@limit", or_none=True)


class Clock(Model):
    """The guest's clock."""

    tag = "clock"
    offset: str | None = text(
        "@offset",
        choices=("utc", "localtime", "variable", "timezone", "absolute", ""),
        unknown=(CONFIG_UNSUPPORTED, "unknown clock offset '{}'"),
    )
    adjustment: str | None = text("@adjustment")
    basis: str | None = text("@basis", blank=True)
    timezone: str | None = text("@timezone")
    start: int | None = integer("@start", lenient=True)
    timers: list[Timer] = many("timer", Timer)

    def after_parse(self, element: Element) -> None:
        self.offset = self.offset or None
        if self.offset != "variable":
            self.basis = None
        elif self.basis not in (None, "utc", "localtime"):
            raise refuse(f"unknown clock basis '{self.basis}'")


class Pm(Model):
    """Sleep states offered to the guest."""

    tag = "pm"
    suspend_to_mem: str | None = yes_no("suspend-to-mem/@enabled")
    suspend_to_disk: str | None = yes_no("suspend-to-disk/@enabled")
