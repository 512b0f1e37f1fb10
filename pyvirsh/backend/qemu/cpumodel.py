"""Find the CPU model nearest to what an accelerator can do, and what differs: <cpu mode='host-model'>.

A pure function of what QEMU says of its models; see `probe.models`.
"""

from pyvirsh.backend.conf.domain.cpu import Cpu, CpuFeature
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, VirError
from pyvirsh.backend.qemu.facts import Facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.qemu.facts import CpuModel

BEST = "max"
_NO_MODELS = ("base", "max", "host")


class Nearest:
    """A model, the features to be added to it and those to be taken away."""

    def __init__(self, name: str, vendor: str, added: "list[str]", removed: "list[str]") -> None:
        self.name = name
        self.vendor = vendor
        self.added = added
        self.removed = removed

    @property
    def distance(self) -> int:
        """How many features differ."""
        return len(self.added) + len(self.removed)


def nearest(models: "dict[str, CpuModel]") -> "Nearest | None":
    """Return the model of the same vendor from which the fewest features differ; None if there is none."""
    best = models.get(BEST)
    if best is None:
        return None
    found: Nearest | None = None
    for name in sorted(models):
        model = models[name]
        if name in _NO_MODELS or _is_version(name) or model.vendor != best.vendor:
            continue
        added = [feature for feature in best.features if feature not in model.features]
        removed = [feature for feature in model.features if feature not in best.features]
        one = Nearest(name, model.vendor, added, removed)
        if found is None or one.distance < found.distance:
            found = one
    return found


def _is_version(name: str) -> bool:
    """Say whether a name is that of one version of a model, such as EPYC-v2."""
    number = name.rpartition("-v")[2]
    return number != name and number.isdigit()


def expand(cpu: Cpu, facts: Facts, accelerator: str) -> Cpu:
    """Return a CPU that states the host's model; the features that `cpu` asks for are kept.

    Errors: CONFIG_UNSUPPORTED if QEMU does not tell what its models are.
    """
    found = nearest(facts.models(accelerator))
    if found is None:
        raise VirError(
            CONFIG_UNSUPPORTED, "cpu mode='host-model': QEMU does not tell what its CPU models are"
        )
    made = cpu.copy()
    made.mode, made.match, made.model, made.fallback = "custom", "exact", found.name, "forbid"
    asked = {feature.name for feature in cpu.features}
    features = [("require", name) for name in found.added] + [("disable", name) for name in found.removed]
    made.features = [CpuFeature(policy=policy, name=name) for policy, name in features if name not in asked]
    made.features += [feature.copy() for feature in cpu.features]
    return made
