"""The guest's CPU and its NUMA nodes.

Source: libvirt's domain XML format, "CPU model and topology".
"""

from pyvirsh.backend.conf.model import Model, integer, many, numbers, on_off, sized, text, yes_no
from pyvirsh.backend.conf.xml import Element, Node, children
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, XML_ERROR, VirError

_VENDOR_LENGTH = 12
_CACHE_LEVELS = range(1, 4)


class CellCache(Model):
    """A memory-side cache of a guest node; sizes in KiB and bytes."""

    tag = "cache"
    level: int | None = integer("@level", required=True, positive=True, bits=32)
    associativity: str | None = text("@associativity", choices=("none", "direct", "full"), required=True)
    policy: str | None = text("@policy", choices=("none", "writeback", "writethrough"), required=True)
    size: int | None = sized("size/@value", needed=True, place="./size/@value", fixed=True)
    line: int | None = sized(
        "line/@value", unit="B", bare="B", needed=True, or_none=True, place="./line/@value", fixed=True
    )

    def after_parse(self, element: Element) -> None:
        self.line = (self.line or 0) % (1 << 32) or None
        if self.level not in _CACHE_LEVELS:
            raise VirError(XML_ERROR, "Ain't nobody heard of that much cache level")


class Sibling(Model):
    """The distance to another guest node."""

    tag = "sibling"
    id: int | None = integer("@id", required=True, bits=32)
    value: int | None = integer("@value", required=True, bits=32)


class Cell(Model):
    """A NUMA node of the guest."""

    tag = "cell"
    id: int | None = integer("@id", bits=32)
    cpus: str | None = numbers("@cpus")
    memory: int | None = sized("@memory", needed=True)
    mem_access: str | None = text("@memAccess", choices=("shared", "private"))
    discard: str | None = yes_no("@discard")
    siblings: list[Sibling] = many("distances/sibling", Sibling)
    caches: list[CellCache] = many("cache", CellCache)

    def after_parse(self, element: Element) -> None:
        if element.find("distances") is not None and not self.siblings:
            raise VirError(XML_ERROR, "NUMA distances defined without siblings")


class Latency(Model):
    """The latency between guest nodes."""

    tag = "latency"
    initiator: int | None = integer("@initiator", required=True, bits=32)
    target: int | None = integer("@target", required=True, bits=32)
    cache: int | None = integer("@cache", or_none=True, bits=32)
    type: str | None = text("@type", choices=("access", "read", "write"), required=True)
    value: int | None = integer("@value", required=True)
    _read_first = ("value",)


class Bandwidth(Model):
    """The bandwidth between guest nodes, in KiB."""

    tag = "bandwidth"
    initiator: int | None = integer("@initiator", required=True, bits=32)
    target: int | None = integer("@target", required=True, bits=32)
    cache: int | None = integer("@cache", or_none=True, bits=32)
    type: str | None = text("@type", choices=("access", "read", "write"), required=True)
    value: int | None = sized("@value", needed=True)
    _read_first = ("value",)


class CpuFeature(Model):
    """A CPU feature that is asked for or refused."""

    tag = "feature"
    policy: str | None = text(
        "@policy",
        choices=("force", "require", "optional", "disable", "forbid"),
        unknown=(CONFIG_UNSUPPORTED, "Invalid CPU feature policy"),
    )
    name: str | None = text("@name")

    def after_parse(self, element: Element) -> None:
        if not self.name:
            raise VirError(XML_ERROR, "Invalid CPU feature name")


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
    fallback: str | None = text(
        "model/@fallback",
        choices=("allow", "forbid"),
        unknown=(CONFIG_UNSUPPORTED, "Invalid fallback attribute"),
        blank=True,
    )
    vendor_id: str | None = text("model/@vendor_id")
    vendor: str | None = text("vendor")
    sockets: int | None = integer("topology/@sockets", positive=True, bits=32, required=True)
    dies: int | None = integer("topology/@dies", positive=True, bits=32)
    clusters: int | None = integer("topology/@clusters", positive=True, bits=32)
    cores: int | None = integer("topology/@cores", positive=True, bits=32, required=True)
    threads: int | None = integer("topology/@threads", positive=True, bits=32, required=True)
    cache_level: int | None = integer("cache/@level", bits=32, natural=True)
    cache_mode: str | None = text("cache/@mode", choices=("emulate", "passthrough", "disable"), required=True)
    maxphysaddr_mode: str | None = text(
        "maxphysaddr/@mode", choices=("emulate", "passthrough"), required=True
    )
    maxphysaddr_bits: int | None = integer("maxphysaddr/@bits", natural=True, bits=32)
    maxphysaddr_limit: int | None = integer("maxphysaddr/@limit", bits=32, positive=True)
    features: list[CpuFeature] = many("feature", CpuFeature)
    cells: list[Cell] = many("numa/cell", Cell)
    latencies: list[Latency] = many("numa/interconnects/latency", Latency)
    bandwidths: list[Bandwidth] = many("numa/interconnects/bandwidth", Bandwidth)
    # The tags of the links in the order in which they stand.
    links: "tuple[str, ...]" = ()

    def fill_node(self, node: Node) -> None:
        super().fill_node(node)
        for numa in _kids(node, "numa"):
            for links in _kids(numa, "interconnects"):
                kinds = {tag: _kids(links, tag) for tag in ("latency", "bandwidth")}
                if len(self.links) == len(links.kids):
                    links.kids = [kinds[tag].pop(0) for tag in self.links]

    def after_parse(self, element: Element) -> None:
        self.check = None if self.check == "default" else self.check
        links = element.find("numa/interconnects")
        kids = children(links) if links is not None else ()
        self.links = tuple(str(kid.tag) for kid in kids if kid.tag in ("latency", "bandwidth"))
        numa = element.find("numa")
        if numa is not None and not self.cells and element.tag == "cpu":
            raise VirError(XML_ERROR, "NUMA topology defined without NUMA cells")
        if len(element.findall("cache")) > 1:
            raise VirError(XML_ERROR, "at most one CPU cache element may be specified")
        _check_vendor(self.vendor_id)
        if self.cache_level is not None and self.cache_level not in _CACHE_LEVELS:
            levels = f"[{_CACHE_LEVELS.start},{_CACHE_LEVELS.stop - 1}]"
            raise VirError(XML_ERROR, f"invalid CPU cache level, must be in range {levels}")
        seen = set()
        for feature in self.features:
            if feature.name in seen:
                raise VirError(XML_ERROR, f"CPU feature '{feature.name}' specified more than once")
            seen.add(feature.name)


def _kids(node: Node, tag: str) -> "list[Node]":
    return [kid for kid in node.kids if isinstance(kid, Node) and kid.tag == tag]


def _check_vendor(vendor: "str | None") -> None:
    if vendor is None:
        return
    if len(vendor) != _VENDOR_LENGTH:
        detail = f"vendor_id must be exactly {_VENDOR_LENGTH} characters long"
        raise VirError(XML_ERROR, detail)
    if "," in vendor:
        raise VirError(XML_ERROR, "vendor id is invalid")
