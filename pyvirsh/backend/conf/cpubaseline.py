"""The CPU model that all of some CPUs can stand for.

Source: answers of `virsh cpu-baseline` to single CPUs and to pairs of them.
"""

import copy

from pyvirsh.backend.conf import model as conf
from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.cpumap import FEATURES, MODELS, VENDORS
from pyvirsh.backend.conf.cpumodels import ARCHITECTURES, X86, names
from pyvirsh.backend.conf.domain.cpu import Cpu
from pyvirsh.backend.conf.model import integer, text, yes_no
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    NO_SUPPORT,
    OPERATION_FAILED,
    XML_ERROR,
    VirError,
)

_ONE_MODEL = ("ppc64", "ppc64le")
_ANY_MODEL = ("armv6l", "armv7b", "armv7l", "aarch64")
_NO_BASELINE = ("loongarch64", "riscv64", "s390", "s390x")


class Model:
    """A model of the map.  has: its features; unreal: those its definition names besides."""

    def __init__(self, name: str, vendor: "str | None", has: "frozenset[str]", unreal: "list[str]") -> None:
        self.name = name
        self.vendor = vendor
        self.has = has
        self.unreal = unreal
        self.names = has.union(unreal)


class Stated:
    """A CPU as a document states it."""

    def __init__(self, root: xml.Element) -> None:
        if root.get("mode") is not None:
            raise VirError(CONFIG_UNSUPPORTED, "Attribute mode is only allowed for guest CPU")
        self.arch = root.findtext("arch") or ""
        if not self.arch:
            raise VirError(XML_ERROR, "Missing CPU architecture")
        if self.arch not in ARCHITECTURES:
            raise VirError(CONFIG_UNSUPPORTED, f"Unknown architecture {self.arch}")
        self.model = root.findtext("model") or ""
        if not self.model:
            raise VirError(XML_ERROR, "Missing CPU model name")
        HostCpu.parse(root)
        cpu = Cpu.parse(_own_parts(root))
        self.vendor = cpu.vendor
        self.features = [feature.name or "" for feature in cpu.features]


class HostCpu(conf.Model):
    """What only a CPU of a host says of itself."""

    tag = "cpu"
    microcode: int | None = integer(
        "microcode/@version", bits=32, unknown=(CONFIG_UNSUPPORTED, "invalid microcode version")
    )
    family: int | None = integer("signature/@family", bits=32, required=True)
    model_number: int | None = integer("signature/@model", bits=32, required=True)
    stepping: int | None = integer("signature/@stepping", bits=32, required=True)
    counter: str | None = text("counter/@name", choices=("tsc",), required=True)
    frequency: int | None = integer("counter/@frequency", required=True)
    scaling: str | None = yes_no("counter/@scaling")


def _own_parts(root: xml.Element) -> xml.Element:
    """Return a host's CPU without what only guests' CPUs have."""
    root = copy.deepcopy(root)
    root.attrib.clear()
    for numa in root.findall("numa"):
        root.remove(numa)
    for child in root:
        for name in ("policy", "fallback", "vendor_id"):
            child.attrib.pop(name, "")
    return root


def load() -> "tuple[dict[str, Model], list[Model]]":
    """Return all models by name, and those that an answer may name."""
    models: dict[str, Model] = {}
    candidates = []
    for line in MODELS.strip().replace("\n  ", " ").split("\n"):
        title, mark, *words = line.split()
        name = title.rstrip("*")
        has = models[words[0]].has if words[0] in models else frozenset()
        has |= {word[1:] for word in words if word.startswith("+")}
        has -= {word[1:] for word in words if word.startswith("-")}
        unreal = [word[1:] for word in words if word.startswith("!")]
        models[name] = Model(name, VENDORS[mark], has, unreal)
        if title.endswith("*"):
            candidates.append(models[name])
    return models, candidates


def baseline(documents: "list[str]", *, expand: bool) -> str:
    """Return the XML of a CPU that all of some CPUs can stand for.

    expand: whether its model's own features are named too.  Errors: XML_ERROR, CONFIG_UNSUPPORTED,
    INTERNAL_ERROR, OPERATION_FAILED, NO_SUPPORT.
    """
    roots = [xml.parse(document, "(CPU_definition)") for document in documents]
    if any(root.tag != "cpu" for root in roots):
        raise VirError(XML_ERROR, "XML does not contain expected 'cpu' element")
    cpus = [Stated(root) for root in roots]
    arch = cpus[0].arch
    if arch in X86:
        return _baseline_x86(cpus, expand=expand)
    if arch in _ONE_MODEL:
        for cpu in cpus:
            if cpu.model not in names(arch):
                raise VirError(INTERNAL_ERROR, f"Unknown CPU model {cpu.model}")
        if len({cpu.model for cpu in cpus}) > 1:
            raise VirError(OPERATION_FAILED, "CPUs are incompatible")
        return _document(cpus[0].model, "forbid", None, [])
    if arch in _ANY_MODEL:
        return _document(cpus[0].model, "allow", None, [])
    if arch in _NO_BASELINE:
        raise VirError(NO_SUPPORT, f"cannot compute baseline CPU of {arch} architecture")
    raise VirError(NO_SUPPORT, f"'{arch}' architecture is not supported by CPU driver")


def _baseline_x86(cpus: "list[Stated]", *, expand: bool) -> str:
    models, candidates = load()
    for cpu in cpus:
        if cpu.model not in models:
            raise VirError(INTERNAL_ERROR, f"Unknown CPU model {cpu.model}")
        for name in cpu.features:
            if name not in FEATURES:
                raise VirError(INTERNAL_ERROR, f"Unknown CPU feature {name}")
    vendor = _vendor(cpus, models)
    common = frozenset.intersection(*(models[cpu.model].has | set(cpu.features) for cpu in cpus))
    asked = {cpu.model for cpu in cpus}
    preferred = cpus[0].model if len(asked) == 1 else ""
    chosen = choose(common, candidates, vendor, preferred)
    fallback = "forbid" if chosen.name == preferred else "allow"
    shown = vendor if all(cpu.vendor for cpu in cpus) else None
    features = [(name, "require") for name in FEATURES if name in common - chosen.names]
    features += [(name, "disable") for name in FEATURES if name in chosen.has - common]
    features += [(name, "disable") for name in chosen.unreal if name not in common]
    if expand:
        features += [(name, "require") for name in chosen.names & common]
        features.sort()
    return _document(chosen.name, fallback, shown, features)


def _vendor(cpus: "list[Stated]", models: "dict[str, Model]") -> "str | None":
    """Return whose CPUs they are, as far as that is known.  Errors: OPERATION_FAILED."""
    for cpu in cpus:
        if cpu.vendor is not None and cpu.vendor not in VENDORS.values():
            raise VirError(OPERATION_FAILED, f"Unknown CPU vendor {cpu.vendor}")
    vendor = cpus[0].vendor
    for cpu in cpus[1:]:
        own = models[cpu.model].vendor
        if cpu.vendor and own and cpu.vendor != own:
            detail = f"CPU vendor {own} of model {cpu.model} differs from vendor {cpu.vendor}"
            raise VirError(OPERATION_FAILED, detail)
        stated = cpu.vendor or own
        if vendor and stated and stated != vendor:
            raise VirError(OPERATION_FAILED, "CPU vendors do not match")
        vendor = vendor or stated
    return vendor


def choose(
    common: "frozenset[str]", candidates: "list[Model]", vendor: "str | None", preferred: str = ""
) -> Model:
    """Return the model that differs least from a set of features."""
    fitting = [one for one in candidates if not vendor or one.vendor in (None, vendor)]
    for one in fitting:
        if one.name == preferred:
            return one
    # A feature to be taken away counts double.
    return min(fitting, key=lambda one: len(common - one.names) + 2 * len(one.names - common))


def _document(model: str, fallback: str, vendor: "str | None", features: "list[tuple[str, str]]") -> str:
    node = xml.Node("cpu")
    node.attrs = {"mode": "custom", "match": "exact"}
    kid = node.add("model")
    kid.attrs["fallback"] = fallback
    kid.text = model
    if vendor:
        node.add("vendor").text = vendor
    for name, policy in features:
        node.add("feature").attrs = {"policy": policy, "name": name}
    return xml.write(node)
