"""The CPU of a running guest as its document states it: with all in which it differs from its model.

Source: documents of running guests, as libvirt shows them.
"""

from pyvirsh.backend.conf import cpubaseline
from pyvirsh.backend.conf.cpumap import removed
from pyvirsh.backend.conf.domain.cpu import Cpu, CpuFeature
from pyvirsh.backend.qemu import cpuid, cpumodel


def describe(cpu: Cpu, facts: "list[list[str]]") -> None:
    """State what the guest's CPUs really have, if their model is known and QEMU has said what they have."""
    words = {words[1]: int(words[2], 16) for words in facts if words[0] == "cpuid"}
    model = cpubaseline.load()[0].get(cpu.model or "")
    if not words or model is None:
        return
    present = _present(words)
    cpu.features += [
        CpuFeature(policy="disable", name=name)
        for name in removed(model.name)
        if name not in {feature.name for feature in cpu.features}
    ]
    for feature in cpu.features:
        if feature.name in present:
            feature.policy = "require" if present[feature.name] else "disable"
    stated = {feature.name for feature in cpu.features}
    own = cpumodel.features_of(model)
    for name, is_there in present.items():
        if name not in stated and is_there != (name in own):
            cpu.features.append(CpuFeature(policy="require" if is_there else "disable", name=name))
    cpu.match, cpu.check, cpu.fallback = "exact", "full", "forbid"


def _present(words: "dict[str, int]") -> "dict[str, bool]":
    """Return for each feature, as far as it can be known, whether it is there."""
    found = {name: bool(words.get(register, 0) >> bit & 1) for register, bit, name in cpuid.table()}
    if not found["vmx"]:
        # What a guest could do with it stands in no register of CPUID, but there is none of it.
        found |= {name: False for name in cpumodel.ordered() if name.startswith("vmx-")}
    return found
