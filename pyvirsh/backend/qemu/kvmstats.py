"""KVM's own counters of a guest and of its virtual CPUs, as QEMU 7.1 and newer hand them on.

Source: QEMU's QMP reference, query-stats and query-stats-schemas; libvirt's names as documented for domstats.
"""

from pyvirsh.backend.api import PARAM_BOOLEAN, PARAM_ULLONG
from pyvirsh.backend.qemu.qmp import QmpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.api import TypedParam
    from pyvirsh.backend.qemu.monitor import Monitor

# What a counter's kind is called behind its name; a histogram is not told.
_ENDINGS = {"cumulative": "sum", "instant": "cur", "peak": "max"}


def of_guest(monitor: "Monitor") -> "list[TypedParam]":
    """Return the counters of the guest as a whole."""
    answers = _ask(monitor, "vm")
    if not answers:
        return []
    kinds = _kinds(monitor, "vm")
    return [param for one in answers for param in _params(one["stats"], kinds, "vm")]


def of_vcpus(monitor: "Monitor") -> "dict[int, list[TypedParam]]":
    """Return the counters of each virtual CPU, by its number."""
    answers = _ask(monitor, "vcpu")
    if not answers:
        return {}
    kinds = _kinds(monitor, "vcpu")
    numbers = {cpu["qom-path"]: int(cpu["cpu-index"]) for cpu in monitor.execute("query-cpus-fast")}
    return {
        number: _params(one["stats"], kinds, f"vcpu.{number}")
        for one in answers
        if (number := numbers.get(one.get("qom-path"))) is not None
    }


def _ask(monitor: "Monitor", target: str) -> "list[dict[str, Any]]":
    try:
        found: list[dict[str, Any]] = monitor.attempt(
            "query-stats", {"target": target, "providers": [{"provider": "kvm"}]}
        )
    except QmpError:
        return []  # an older QEMU, or a KVM that tells nothing
    return [one for one in found if one.get("provider") == "kvm"]


def _kinds(monitor: "Monitor", target: str) -> "dict[str, str]":
    """Return the kind of each counter, by name."""
    return {
        stat["name"]: str(stat.get("type"))
        for schema in monitor.execute("query-stats-schemas", {"provider": "kvm"})
        if schema.get("target") == target
        for stat in schema["stats"]
    }


def _params(stats: "list[dict[str, Any]]", kinds: "dict[str, str]", prefix: str) -> "list[TypedParam]":
    found: list[TypedParam] = []
    for stat in stats:
        name, value = stat["name"], stat.get("value")
        ending = _ENDINGS.get(kinds.get(name, ""))
        if ending and isinstance(value, int):
            kind = PARAM_BOOLEAN if isinstance(value, bool) else PARAM_ULLONG
            found.append((f"{prefix}.{name}.{ending}", kind, int(value)))
    return found
