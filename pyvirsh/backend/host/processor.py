"""What the node's first CPU is: vendor, signature, features by the names that guests' definitions use.

Source: Linux's /proc/cpuinfo; names as libvirt shows them.
"""

from pyvirsh.backend.host.cpus import read

# The kernel's name of a feature -> libvirt's, where they differ.
_NAMES = {
    "pclmulqdq": "pclmuldq",
    "sse4_1": "sse4.1",
    "sse4_2": "sse4.2",
    "tsc_deadline_timer": "tsc-deadline",
    "sha_ni": "sha-ni",
    "cr8_legacy": "cr8legacy",
    "avx512_vpopcntdq": "avx512-vpopcntdq",
    "avx512_bf16": "avx512-bf16",
    "avx512_fp16": "avx512-fp16",
    "avx512_vbmi2": "avx512vbmi2",
    "avx512_vnni": "avx512vnni",
    "avx512_bitalg": "avx512bitalg",
    "avx512_4vnniw": "avx512-4vnniw",
    "avx512_4fmaps": "avx512-4fmaps",
    "avx512_vp2intersect": "avx512-vp2intersect",
    "avx_vnni": "avx-vnni",
    "amx_tile": "amx-tile",
    "amx_int8": "amx-int8",
    "amx_bf16": "amx-bf16",
    "arch_capabilities": "arch-capabilities",
    "nrip_save": "nrip-save",
    "nonstop_tsc": "invtsc",
}
# Flags that tell of the kernel or of how a feature is used, not of one that a guest may have.
_NOT_FEATURES = frozenset(
    "constant_tsc rep_good nopl xtopology cpuid extd_apicid tsc_known_freq nopti art arch_perfmon pebs bts"
    " aperfmperf ida epb hwp pts cpb tpr_shadow flexpriority ept vpid ept_ad vmmcall tsc_reliable hw_pstate"
    " retpoline_amd ibrs_enhanced pti dtherm".split()
)
_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon"}


class Processor:
    """The first CPU as /proc/cpuinfo tells of it."""

    def __init__(self) -> None:
        first = (read("/proc/cpuinfo") or "").split("\n\n")[0]
        pairs = (line.partition(":") for line in first.split("\n"))
        self._told = {name.strip(): value.strip() for name, _, value in pairs}

    @property
    def vendor_id(self) -> str:
        """The maker as the CPU names it."""
        return self._told.get("vendor_id", "")

    @property
    def vendor(self) -> str:
        """The maker's name; "" if it is not known."""
        return _VENDORS.get(self.vendor_id, "")

    @property
    def signature(self) -> "tuple[int, int, int] | None":
        """Family, model and stepping; None on other architectures."""
        numbers = [self._told.get(name, "") for name in ("cpu family", "model", "stepping")]
        if not all(number.isdigit() for number in numbers):
            return None
        family, model, stepping = (int(number) for number in numbers)
        return family, model, stepping

    @property
    def microcode(self) -> int:
        """The version of its microcode; 0 if it is not told."""
        text = self._told.get("microcode", "")
        return int(text, 16) if text.startswith("0x") else 0

    @property
    def address_bits(self) -> int:
        """How many bits a physical address has; 0 if it is not told."""
        words = self._told.get("address sizes", "").split()
        return int(words[0]) if words and words[0].isdigit() else 0

    @property
    def features(self) -> "list[str]":
        """Its features, in the kernel's order."""
        flags = self._told.get("flags", "").split()
        return [_NAMES.get(flag, flag) for flag in flags if flag not in _NOT_FEATURES]


class Cache:
    """A part of the CPUs' caches; size in KiB."""

    __slots__ = ("id", "level", "kind", "size", "cpus")

    def __init__(self, id: int, level: int, kind: str, size: int, cpus: str) -> None:
        self.id = id
        self.level = level
        self.kind = kind
        self.size = size
        self.cpus = cpus


def caches(cpus: "list[int]") -> "list[Cache]":
    """Return the caches of the second and further levels that some CPUs have, each once."""
    found: dict[tuple[int, int, str], Cache] = {}
    for cpu in cpus:
        for index in range(8):
            directory = f"/sys/devices/system/cpu/cpu{cpu}/cache/index{index}"
            level, size = read(f"{directory}/level"), read(f"{directory}/size")
            if level is None or size is None or int(level) < 2:
                continue
            kind = {"Unified": "both", "Data": "data", "Instruction": "code"}[
                read(f"{directory}/type") or "Unified"
            ]
            number = int(read(f"{directory}/id") or 0)
            key = (int(level), number, kind)
            if key not in found:
                shared = read(f"{directory}/shared_cpu_list") or str(cpu)
                found[key] = Cache(number, int(level), kind, int(size.removesuffix("K")), shared)
    return [found[key] for key in sorted(found)]
