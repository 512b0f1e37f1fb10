"""What guests of one kind can have with one QEMU program, as XML.

Source: libvirt's domain capabilities XML format, and its QEMU driver's output as observed.
"""

import os

from pyvirsh.backend.conf import cpubaseline
from pyvirsh.backend.conf.cpumodels import ARCHITECTURES
from pyvirsh.backend.conf.xml import Node, write
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INVALID_ARG, VirError
from pyvirsh.backend.qemu import cpumodel, probe
from pyvirsh.backend.qemu.facts import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.driver import QemuDriver
    from pyvirsh.backend.qemu.facts import Facts, Host, MachineType

ACCELERATORS = {"qemu": "tcg", "kvm": "kvm"}
VIRT_TYPES = (
    "qemu",
    "kvm",
    "hvf",
    "xen",
    "lxc",
    "test",
    "bhyve",
    "vz",
    "parallels",
    "vmware",
    "hyperv",
    "vbox",
)


class Kind:
    """What is asked about: a program, an architecture, a machine type and how guests are run."""

    def __init__(
        self, facts: "Facts", host: "Host", arch: str, machine: "MachineType", virttype: str
    ) -> None:
        self.facts = facts
        self.host = host
        self.arch = arch
        self.machine = machine
        self.virttype = virttype

    def has(self, *devices: str) -> bool:
        """Say whether QEMU has one of some devices."""
        return any(self.facts.has(device) for device in devices)

    @property
    def board(self) -> str:
        """The kind of board the machine type is."""
        return family(self.machine.name)


def document(
    driver: "QemuDriver",
    emulator: "str | None",
    arch: "str | None",
    machine: "str | None",
    virttype: "str | None",
) -> str:
    """Return the capabilities.  Errors: INVALID_ARG, CONFIG_UNSUPPORTED for what there is not here."""
    kind = _kind(driver, emulator, arch, machine, virttype)
    root = Node("domainCapabilities")
    for tag, text in (
        ("path", kind.facts.emulator),
        ("domain", kind.virttype),
        ("machine", kind.machine.name),
        ("arch", kind.arch),
    ):
        root.add(tag).text = text
    root.add("vcpu").attrs["max"] = str(kind.machine.max_cpus)
    _supported(root, "iothreads", kind.facts.objects >= {"iothread"})
    _os(root, kind)
    _cpu(root, kind)
    backing = _supported(root, "memoryBacking", True)
    _enum(backing, "sourceType", ("file", "anonymous", "memfd"))
    _devices(root, kind)
    _features(root, kind)
    return write(root)


def _kind(
    driver: "QemuDriver",
    emulator: "str | None",
    arch: "str | None",
    machine: "str | None",
    virttype: "str | None",
) -> Kind:
    if virttype is not None and virttype not in VIRT_TYPES:
        raise VirError(INVALID_ARG, f"unknown virttype: {virttype}")
    if arch is not None and arch not in ARCHITECTURES:
        raise VirError(INVALID_ARG, f"unknown architecture: {arch}")
    path = emulator or probe.emulator(arch or os.uname().machine)
    if emulator is None and not os.access(path, os.X_OK):
        detail = f"unable to find any emulator to serve '{arch or os.uname().machine}' architecture"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    facts, host = driver.facts(path), driver.host()
    found = facts.machine(machine) if machine else facts.default_machine()
    if found is None:
        raise VirError(INVALID_ARG, f"the machine '{machine}' is not supported by emulator '{path}'")
    wanted = virttype or "qemu"
    if wanted not in ACCELERATORS or wanted == "kvm" and not host.kvm:
        detail = f"the accel '{wanted}' is not supported by '{path}' on this host"
        raise VirError(INVALID_ARG, f"{detail}: {host.kvm_reason}" if wanted == "kvm" else detail)
    return Kind(facts, host, arch or facts.arch, found, wanted)


def _supported(parent: Node, tag: str, yes: bool) -> Node:
    node = parent.add(tag)
    node.attrs["supported"] = "yes" if yes else "no"
    return node


def _enum(parent: Node, name: str, values: "tuple[str, ...] | list[str]") -> None:
    node = parent.add("enum")
    node.attrs["name"] = name
    for value in values:
        node.add("value").text = value


# -- boot ------------------------------------------------------------------------------------------------


def _os(root: Node, kind: Kind) -> None:
    from fnmatch import fnmatchcase

    loaders: list[str] = []
    secure = False
    for one in kind.host.firmware:
        fits = any(
            target.get("architecture") == kind.arch
            and any(fnmatchcase(kind.machine.name, pattern) for pattern in target.get("machines", ()))
            for target in one.get("targets", ())
        )
        path = one.get("mapping", {}).get("executable", {}).get("filename")
        if fits and path and "uefi" in one.get("interface-types", ()):
            secure = secure or "secure-boot" in one.get("features", ())
            if path not in loaders and os.path.exists(path):
                loaders.append(path)
    node = _supported(root, "os", True)
    _enum(node, "firmware", ("efi",) if loaders else ())
    loader = _supported(node, "loader", True)
    for path in loaders:
        loader.add("value").text = path
    _enum(loader, "type", ("rom", "pflash"))
    _enum(loader, "readonly", ("yes", "no"))
    _enum(loader, "secure", ("yes", "no") if secure else ("no",))


# -- CPUs ------------------------------------------------------------------------------------------------


def _cpu(root: Node, kind: Kind) -> None:
    accelerator = ACCELERATORS[kind.virttype]
    cpu = root.add("cpu")
    _mode(cpu, "host-passthrough", kind.virttype == "kvm", "hostPassthroughMigratable")
    _mode(cpu, "maximum", True, "maximumMigratable")
    models = kind.facts.models(accelerator)
    found = cpumodel.nearest(models)
    host = _mode(cpu, "host-model", found is not None)
    if found is not None:
        model = host.add("model")
        model.attrs["fallback"] = "forbid"
        model.text = found.name
        if found.vendor:
            host.add("vendor").text = found.vendor
        for policy, names in (("require", found.added), ("disable", found.removed)):
            for name in names:
                host.add("feature").attrs.update(policy=policy, name=name)
    _custom(_mode(cpu, "custom", True), kind)


def _mode(cpu: Node, name: str, yes: bool, enum: str = "") -> Node:
    mode = cpu.add("mode")
    mode.attrs.update(name=name, supported="yes" if yes else "no")
    if yes and enum:
        _enum(mode, enum, ("on", "off"))
    return mode


def _custom(mode: Node, kind: Kind) -> None:
    known = cpubaseline.load()[0] if kind.arch in ("i686", "x86_64") else None
    for name in sorted(kind.facts.cpus):
        if name in ("base", "max", "host") or known is not None and name not in known:
            continue
        lacking = kind.facts.cpus[name]
        if known is not None:
            lacking = cpumodel.spelled(lacking)
        model = mode.add("model")
        model.attrs["usable"] = "no" if lacking else "yes"
        model.attrs["vendor"] = (known[name].vendor if known is not None else None) or "unknown"
        if f"{name}-v1" in kind.facts.cpus:
            model.attrs["canonical"] = f"{name}-v1"
        model.text = name
        if lacking:
            blockers = mode.add("blockers")
            blockers.attrs["model"] = name
            for feature in sorted(set(lacking)):
                blockers.add("feature").attrs["name"] = feature


# -- devices ---------------------------------------------------------------------------------------------

_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")
_VIDEO = {
    "vga": "VGA",
    "cirrus": "cirrus-vga",
    "vmvga": "vmware-svga",
    "qxl": "qxl",
    "virtio": "virtio-gpu-pci",
    "bochs": "bochs-display",
    "ramfb": "ramfb",
}


def _devices(root: Node, kind: Kind) -> None:
    devices = root.add("devices")
    _disk(devices, kind)
    graphics = _supported(devices, "graphics", True)
    _enum(
        graphics,
        "type",
        [name for name in ("sdl", "vnc", "spice", "egl-headless", "dbus") if _display(kind, name)],
    )
    video = _supported(devices, "video", True)
    cards = [name for name in _VIDEO if kind.has(_VIDEO[name])]
    cards.insert(cards.index("virtio") + 1 if "virtio" in cards else len(cards), "none")
    _enum(video, "modelType", cards)
    _hostdev(devices, kind)
    rng = _supported(devices, "rng", kind.has("virtio-rng-pci"))
    _enum(rng, "model", _VIRTIO)
    _enum(rng, "backendModel", ("random", "egd", "builtin"))
    filesystem = _supported(devices, "filesystem", True)
    _enum(filesystem, "driverType", ("path", "handle", "virtiofs"))
    _tpm(devices, kind)
    _enum(_supported(devices, "redirdev", kind.has("usb-redir")), "bus", ("usb",))
    _enum(_supported(devices, "channel", True), "type", ("pty", "unix"))
    crypto = _supported(devices, "crypto", kind.has("virtio-crypto-pci"))
    _enum(crypto, "model", ("virtio",))
    _enum(crypto, "type", ("qemu",))
    _enum(crypto, "backendModel", ("builtin",))
    interface = _supported(devices, "interface", True)
    _enum(interface, "backendType", ("default", "passt") if kind.host.programs.get("passt") else ("default",))
    panic = {"isa": "pvpanic", "pvpanic": "pvpanic-pci"}
    models = [name for name in ("isa", "hyperv", "pvpanic") if name not in panic or kind.has(panic[name])]
    _enum(_supported(devices, "panic", True), "model", models)


def _display(kind: Kind, name: str) -> bool:
    return name != "spice" or "spice" in kind.facts.options or "spicevmc" in kind.facts.chardevs


def _disk(devices: Node, kind: Kind) -> None:
    disk = _supported(devices, "disk", True)
    _enum(disk, "diskDevice", ("disk", "cdrom", "floppy", "lun"))
    buses = ["ide"] if kind.board in ("i440fx", "isapc") else []
    _enum(disk, "bus", [*buses, "fdc", "scsi", "virtio", "usb", "sata"])
    _enum(disk, "model", _VIRTIO)


def _hostdev(devices: Node, kind: Kind) -> None:
    hostdev = _supported(devices, "hostdev", True)
    _enum(hostdev, "mode", ("subsystem",))
    _enum(hostdev, "startupPolicy", ("default", "mandatory", "requisite", "optional"))
    _enum(hostdev, "subsysType", ("usb", "pci", "scsi"))
    _enum(hostdev, "capsType", ())
    vfio = os.path.isdir("/sys/kernel/iommu_groups") and bool(os.listdir("/sys/kernel/iommu_groups"))
    _enum(hostdev, "pciBackend", ("default", "vfio") if vfio else ())


def _tpm(devices: Node, kind: Kind) -> None:
    models = [name for name in ("tpm-tis", "tpm-crb", "tpm-spapr") if kind.has(name)]
    tpm = _supported(devices, "tpm", bool(models))
    if not models:
        return
    _enum(tpm, "model", models)
    emulator = bool(kind.host.programs.get("swtpm"))
    _enum(tpm, "backendModel", ("passthrough", "emulator") if emulator else ("passthrough",))
    if emulator:
        _enum(tpm, "backendVersion", ("1.2", "2.0"))


def _features(root: Node, kind: Kind) -> None:
    features = root.add("features")
    _supported(features, "gic", False)
    _supported(features, "vmcoreinfo", kind.has("vmcoreinfo"))
    _supported(features, "genid", kind.has("vmgenid"))
    for name in ("backingStoreInput", "backup"):
        _supported(features, name, True)
    _supported(features, "async-teardown", kind.facts.version >= (8, 1))
    _supported(features, "ps2", kind.arch in ("x86_64", "i686"))
    _supported(features, "sev", False)
    _supported(features, "sgx", False)
    hyperv = _supported(features, "hyperv", True)
    _enum(hyperv, "features", ("spinlocks", "vendor_id"))
    _supported(features, "launchSecurity", False)
