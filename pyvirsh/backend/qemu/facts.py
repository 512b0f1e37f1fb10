"""What must be known of a QEMU program and of the host before anything can be decided: plain data.

`probe` finds it out; every decision (defaults, addresses, command line) takes it as an argument, so
that deciding needs neither a QEMU nor this host.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self


class MachineType:
    """A machine type of a QEMU program."""

    __slots__ = ("name", "alias", "is_default", "max_cpus", "cpu", "ram_id", "deprecated", "numa_mem")
    name: str
    alias: str
    is_default: bool
    max_cpus: int
    cpu: str
    ram_id: str
    deprecated: bool
    # Whether memory of guest nodes may be stated without a back end, as it was before QEMU 5.1.
    numa_mem: bool

    def __init__(self, *values: "Any") -> None:
        for slot, value in zip(self.__slots__, values, strict=True):
            setattr(self, slot, value)

    def dump(self) -> "list[Any]":
        """Return the values in order."""
        return [getattr(self, slot) for slot in self.__slots__]


class CpuModel:
    """What a CPU model is made of: its vendor and the features it has."""

    __slots__ = ("vendor", "features")

    def __init__(self, vendor: str, features: "list[str]") -> None:
        self.vendor = vendor
        self.features = dict.fromkeys(features)


class Facts:
    """One QEMU program.

    version: (major, minor, micro).  devices, objects: names of types that can be made.
    properties: device or object type -> its properties, for types whose form depends on them.
    cpus: CPU model -> the features it has that emulation lacks.  find_models: asks for the features of all
    models, when they are first needed.
    """

    FORMAT = 6

    def __init__(self, emulator: str) -> None:
        self.emulator = emulator
        self.version: tuple[int, ...] = (0, 0, 0)
        self.package = ""
        self.arch = ""
        self.machines: list[MachineType] = []
        self.devices: frozenset[str] = frozenset()
        self.objects: frozenset[str] = frozenset()
        self.properties: dict[str, frozenset[str]] = {}
        self.options: dict[str, frozenset[str]] = {}
        self.cpus: dict[str, list[str]] = {}
        self.chardevs: frozenset[str] = frozenset()
        self.find_models: Callable[[str], dict[str, CpuModel]] | None = None
        self._models: dict[str, dict[str, CpuModel]] = {}

    def models(self, accelerator: str) -> "dict[str, CpuModel]":
        """Return the CPU models by name as an accelerator ("tcg", "kvm") offers them."""
        if accelerator not in self._models:
            self._models[accelerator] = self.find_models(accelerator) if self.find_models else {}
        return self._models[accelerator]

    def has(self, device: str, prop: str = "") -> bool:
        """Say whether a device type exists, and has a property."""
        return prop in self.properties.get(device, ()) if prop else device in self.devices

    def machine(self, name: str) -> "MachineType | None":
        """Return a machine type by name or alias."""
        return next((kind for kind in self.machines if name in (kind.name, kind.alias)), None)

    def default_machine(self) -> "MachineType | None":
        """Return the type used where a definition names none."""
        return next((kind for kind in self.machines if kind.is_default), None)

    def dump(self) -> "dict[str, Any]":
        """Return all of it as JSON can carry it."""
        plain = {name: value for name, value in vars(self).items() if name in self._plain()}
        plain["format"] = self.FORMAT
        plain["machines"] = [kind.dump() for kind in self.machines]
        for name in ("devices", "objects", "chardevs"):
            plain[name] = sorted(plain[name])
        for name in ("properties", "options"):
            plain[name] = {key: sorted(value) for key, value in plain[name].items()}
        return plain

    def _plain(self) -> "list[str]":
        return [name for name in vars(self) if name != "find_models" and not name.startswith("_")]

    @classmethod
    def load(cls, plain: "dict[str, Any]") -> "Self | None":
        """Make the facts of what `dump` returned; None for another version's."""
        if plain.get("format") != cls.FORMAT:
            return None
        made = cls(plain["emulator"])
        vars(made).update({name: plain[name] for name in made._plain()})
        made.version = tuple(plain["version"])
        made.machines = [MachineType(*values) for values in plain["machines"]]
        for name in ("devices", "objects", "chardevs"):
            setattr(made, name, frozenset(plain[name]))
        for name in ("properties", "options"):
            setattr(made, name, {key: frozenset(value) for key, value in plain[name].items()})
        return made


class Host:
    """The node guests run on.

    arch: as the kernel names it.  cpu_vendor, cpu_model: of the first CPU.  firmware: the firmware
    descriptors found, each as parsed, in order of precedence.  programs: helper program -> path.
    hugepages: page size in KiB -> where a hugetlbfs is mounted.  vhost_net: whether /dev/vhost-net works.
    nvram_dir: where guests' firmware variables are kept unless a definition says otherwise; the driver
    sets it.  find_kvm: says why KVM cannot be used, "" if it can; called once, when it is first asked.
    """

    def __init__(self, find_kvm: "Callable[[], str] | None" = None) -> None:
        self.arch = ""
        self.cpu_vendor = ""
        self.cpu_model = ""
        self.firmware: list[dict[str, Any]] = []
        self.programs: dict[str, str] = {}
        self.hugepages: dict[int, str] = {}
        self.default_hugepage = 0
        self.vhost_net = False
        self.nvram_dir = "/var/lib/libvirt/qemu/nvram"
        self._find_kvm = find_kvm
        self._kvm_reason = "not probed"

    @property
    def kvm_reason(self) -> str:
        """Why KVM cannot be used; "" where it can."""
        if self._find_kvm is not None:
            self._kvm_reason = self._find_kvm()
            self._find_kvm = None
        return self._kvm_reason

    @property
    def kvm(self) -> bool:
        """Whether KVM can be used."""
        return not self.kvm_reason

    def dump(self) -> "dict[str, Any]":
        """Return all of it as JSON can carry it."""
        plain = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        plain["kvm_reason"] = self.kvm_reason
        plain["hugepages"] = [[size, path] for size, path in self.hugepages.items()]
        return plain

    @classmethod
    def load(cls, plain: "dict[str, Any]") -> "Self":
        """Make a host of what `dump` returned."""
        made = cls(lambda: str(plain["kvm_reason"]))
        names = [name for name in vars(made) if not name.startswith("_")]
        vars(made).update({name: plain[name] for name in names})
        made.hugepages = {size: path for size, path in plain["hugepages"]}
        return made


def family(machine: str) -> str:
    """Return the kind of board a machine type is: "i440fx", "q35", "isapc", "microvm", "xen" or "other"."""
    if machine == "q35" or machine.startswith("pc-q35"):
        return "q35"
    if machine == "isapc":
        return "isapc"
    if machine == "microvm":
        return "microvm"
    if machine in ("xenfv", "xenpv") or machine.startswith("xenfv-"):
        return "xen"
    if machine == "pc" or machine.startswith("pc-"):
        return "i440fx"
    return "other"
