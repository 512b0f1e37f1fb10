"""Find the CPU model nearest to what an accelerator can do, and what differs: <cpu mode='host-model'>.

A pure function of what QEMU says of its models; see `probe.models`.  For x86 the models are libvirt's.
"""

from pyvirsh.backend.conf import cpubaseline
from pyvirsh.backend.conf.cpumap import FEATURES
from pyvirsh.backend.conf.domain.cpu import Cpu, CpuFeature
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, CPU_INCOMPATIBLE, VirError
from pyvirsh.backend.qemu import cpuid
from pyvirsh.backend.qemu.facts import Facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.facts import CpuModel

BEST = "max"
VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon"}
_NO_MODELS = ("base", "max", "host")
# QEMU's names that are not libvirt's with dashes.
_OTHERS = {
    "pclmulqdq": "pclmuldq",
    "sse4-1": "sse4.1",
    "sse4-2": "sse4.2",
    "sse3": "pni",
    "xd": "nx",
    "i64": "lm",
}
# What libvirt's models have besides since they were made; its baselines leave it out.
ADDED = {
    "EPYC": ("topoext", "nrip-save"),
}


class Nearest:
    """A model, the features to be added to it and those to be taken away."""

    def __init__(self, name: str, vendor: "str | None", added: "list[str]", removed: "list[str]") -> None:
        self.name = name
        self.vendor = vendor
        self.added = added
        self.removed = removed

    @property
    def distance(self) -> int:
        """How many features differ."""
        return len(self.added) + len(self.removed)


# -- features of x86 -----------------------------------------------------------------------------------------


def ordered() -> "list[str]":
    """Return libvirt's names of all features in its order: those of CPUID first."""
    named = [name for _, _, name in cpuid.table()]
    return named + [name for name in FEATURES if name not in set(named)]


def spelled(names: "list[str]") -> "list[str]":
    """Return QEMU's names of features as libvirt spells them."""
    known = {name.replace("_", "-"): name for name in ordered()} | _OTHERS
    return [known.get(name.replace("_", "-"), name) for name in names]


def features_of(model: cpubaseline.Model) -> "frozenset[str]":
    """Return all features of a model."""
    return model.has.union(ADDED.get(model.name, ()))


# -- the host's model ----------------------------------------------------------------------------------------


def nearest(models: "dict[str, CpuModel]") -> "Nearest | None":
    """Return the model of the same vendor from which the fewest features differ; None if there is none."""
    best = models.get(BEST)
    if best is None:
        return None
    if "fpu" in best.features:
        return _nearest_x86(best)
    found: Nearest | None = None
    for name in sorted(models):
        model = models[name]
        if name in _NO_MODELS or _is_version(name) or model.vendor != best.vendor:
            continue
        added = [feature for feature in best.features if feature not in model.features]
        removed = [feature for feature in model.features if feature not in best.features]
        one = Nearest(name, VENDORS.get(model.vendor), added, removed)
        if found is None or one.distance < found.distance:
            found = one
    return found


def _nearest_x86(best: "CpuModel") -> Nearest:
    order = ordered()
    has = frozenset(spelled(list(best.features))).intersection(order)
    vendor = VENDORS.get(best.vendor)
    chosen = cpubaseline.choose(has, cpubaseline.load()[1], vendor)
    own = features_of(chosen)
    return Nearest(
        chosen.name,
        vendor,
        [name for name in order if name in has and name not in own],
        [name for name in order if name in own and name not in has],
    )


def _is_version(name: str) -> bool:
    """Say whether a name is that of one version of a model, such as EPYC-v2."""
    number = name.rpartition("-v")[2]
    return number != name and number.isdigit()


def expand(cpu: Cpu, facts: Facts, accelerator: str) -> Cpu:
    """Return a CPU that states the host's model; the features that `cpu` asks for are kept.

    Errors: CONFIG_UNSUPPORTED if QEMU does not tell what its models are; CPU_INCOMPATIBLE.
    """
    found = nearest(facts.models(accelerator))
    if found is None:
        raise VirError(
            CONFIG_UNSUPPORTED, "cpu mode='host-model': QEMU does not tell what its CPU models are"
        )
    made = cpu.copy()
    made.mode, made.match, made.model, made.fallback = "custom", "exact", found.name, "forbid"
    made.vendor = made.vendor or found.vendor
    asked = {feature.name for feature in cpu.features}
    features = [("require", name) for name in found.added] + [("disable", name) for name in found.removed]
    made.features = [CpuFeature(policy=policy, name=name) for policy, name in features if name not in asked]
    there = set(facts.models(accelerator)[BEST].features) - set(found.removed)
    forbidden = [str(one.name) for one in cpu.features if one.policy == "forbid" and one.name in there]
    if forbidden:
        detail = f"Host CPU provides forbidden features: {', '.join(forbidden)}"
        raise VirError(CPU_INCOMPATIBLE, detail)
    for feature in cpu.features:
        copied = feature.copy()
        if feature.policy == "optional":
            copied.policy = "require" if feature.name in there else "disable"
        made.features.append(copied)
    return made
