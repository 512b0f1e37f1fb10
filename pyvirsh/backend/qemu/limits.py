"""Limits of a whole domain: CPU time, memory, block I/O, NUMA nodes, performance events.

The running guest's are kept by control groups; see `supervisor/cgroups.py`.
Source: libvirt API, virDomainSetSchedulerParametersFlags and its kin; texts as observed of its QEMU driver.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_BOOLEAN, PARAM_INT, PARAM_LLONG, PARAM_STRING, PARAM_UINT, PARAM_ULLONG
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain.tuning import (
    NUMA_MODES,
    PERF_EVENTS,
    BlkioDevice,
    BlkioTune,
    CpuTune,
    MemTune,
    NumaTune,
    PerfEvent,
)
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INVALID_ARG,
    OPERATION_INVALID,
    OPERATION_UNSUPPORTED,
    VirError,
)
from pyvirsh.backend.params import BLKIO, BLKIO_DEVICE, checked, device_values
from pyvirsh.backend.qemu.change import Change
from pyvirsh.backend.qemu.info import WHERE, chosen
from pyvirsh.backend.qemu.supervisor import cgroups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.api import DomainRef, TypedParam
    from pyvirsh.backend.conf.domain import Domain
    from pyvirsh.backend.qemu.driver import QemuDriver
    from pyvirsh.backend.qemu.live import Guest

# The library's own flag: texts are welcome in the answer.
_READ = WHERE | c.TYPED_PARAM_STRING_OKAY


def limits_of(domain: "Domain") -> "dict[str, dict[str, Any]]":
    """Return what control groups are to keep for a guest, as they take it."""
    found: dict[str, dict[str, Any]] = {}
    if domain.cputune is not None:
        names = [name for name, _, _ in SCHEDULER.values()]
        found["cpu"] = {name: value for name in names if (value := getattr(domain.cputune, name))}
    if domain.memtune is not None:
        found["memory"] = {name: value for name in MEMORY if (value := getattr(domain.memtune, name))}
    if domain.blkiotune is not None:
        devices = [_stated(device) for device in domain.blkiotune.devices]
        stated = {"weight": domain.blkiotune.weight, "devices": devices}
        found["blkio"] = {name: value for name, value in stated.items() if value}
    return {controller: values for controller, values in found.items() if values}


def _stated(device: BlkioDevice) -> "dict[str, Any]":
    return {name: value for name in device.declared() if (value := getattr(device, name))}


def limit_new_threads(guest: "Guest", domain: "Domain") -> None:
    """Give virtual CPUs that have been plugged in the same share of time as the others."""
    tune = domain.cputune
    if tune is not None and (tune.period or tune.quota):
        _limit(guest, "cpu", {"period": tune.period, "quota": tune.quota})


def _limit(guest: "Guest", controller: str, values: "dict[str, Any]") -> None:
    threads = [
        (words[0], int(words[1]), int(words[2]))
        for words in guest.facts()
        if words[0] in ("vcpu", "iothread")
    ]
    groups = cgroups.Groups(guest.uuid, guest.path, guest.qemu.pid, threads)
    groups.apply({controller: values})


# -- CPU time --------------------------------------------------------------------------------------------

# parameter -> element, type, what holds where nothing is stated
SCHEDULER = {
    "cpu_shares": ("shares", PARAM_ULLONG, 1024),
    "vcpu_period": ("period", PARAM_ULLONG, 100_000),
    "vcpu_quota": ("quota", PARAM_LLONG, -1),
    "emulator_period": ("emulator_period", PARAM_ULLONG, 100_000),
    "emulator_quota": ("emulator_quota", PARAM_LLONG, -1),
    "global_period": ("global_period", PARAM_ULLONG, 100_000),
    "global_quota": ("global_quota", PARAM_LLONG, -1),
    "iothread_period": ("iothread_period", PARAM_ULLONG, 100_000),
    "iothread_quota": ("iothread_quota", PARAM_LLONG, -1),
}
# What the kernel takes: shares by the version of its interface, periods and quotas in us.
_SHARES = {1: (2, 262144), 2: (1, 10000)}
_SHARES_UNSET = {1: 1024, 2: 100}
_PERIODS, _QUOTAS = (1000, 1_000_000), (1000, 18446744073709551)


def domain_get_scheduler_type(driver: "QemuDriver", dom: "DomainRef") -> "tuple[str, int]":
    driver.check_exists(dom)
    return "posix", len(SCHEDULER)


def domain_get_scheduler_parameters(driver: "QemuDriver", dom: "DomainRef") -> "list[TypedParam]":
    return domain_get_scheduler_parameters_flags(driver, dom)


def domain_get_scheduler_parameters_flags(
    driver: "QemuDriver", dom: "DomainRef", flags: int = 0
) -> "list[TypedParam]":
    allowed(flags, _READ, "qemuDomainGetSchedulerParametersFlags")
    domain, guest = chosen(driver, dom, flags & WHERE)
    tune = domain.cputune or CpuTune()
    found: list[TypedParam] = []
    for name, (element, kind, unset) in SCHEDULER.items():
        value = getattr(tune, element) or 0
        if guest is not None and name == "cpu_shares":
            value = value or _SHARES_UNSET[cgroups.version("cpu")]
        elif guest is not None:
            value = max(value or unset, -1)
        found.append((name, kind, value))
    return found


def domain_set_scheduler_parameters(
    driver: "QemuDriver", dom: "DomainRef", params: "list[TypedParam]"
) -> None:
    domain_set_scheduler_parameters_flags(driver, dom, params)


def domain_set_scheduler_parameters_flags(
    driver: "QemuDriver", dom: "DomainRef", params: "list[TypedParam]", flags: int = 0
) -> None:
    allowed(flags, WHERE, "qemuDomainSetSchedulerParametersFlags")
    given = checked(params, {name: kind for name, (_, kind, _) in SCHEDULER.items()})
    for name, value in given.items():
        _check_scheduler(name, int(value))
    values = {SCHEDULER[name][0]: int(value) for name, value in given.items()}
    with Change(driver, dom, flags, "set-scheduler") as changed:
        if changed.guest is not None:
            _check_shares(values.get("shares"))
            _limit(changed.guest, "cpu", values)
        for domain in changed.definitions:
            domain.cputune = domain.cputune or CpuTune()
            for element, value in values.items():
                setattr(domain.cputune, element, value or None)


def _check_scheduler(name: str, value: int) -> None:
    if name == "cpu_shares":
        return
    low, high = _PERIODS if name.endswith("period") else _QUOTAS
    if value > 0 and not low <= value <= high or value < 0 and name.endswith("period"):
        raise VirError(INVALID_ARG, f"value of '{name}' is out of range [{low}, {high}]")


def _check_shares(shares: "int | None") -> None:
    low, high = _SHARES[cgroups.version("cpu")]
    if shares is not None and not low <= shares <= high:
        raise VirError(INVALID_ARG, f"shares '{shares}' must be in range [{low}, {high}]")


# -- memory ----------------------------------------------------------------------------------------------

MEMORY = ("hard_limit", "soft_limit", "swap_hard_limit")


def domain_get_memory_parameters(
    driver: "QemuDriver", dom: "DomainRef", flags: int = 0
) -> "list[TypedParam]":
    allowed(flags, _READ, "qemuDomainGetMemoryParameters")
    tune = chosen(driver, dom, flags & WHERE)[0].memtune or MemTune()
    return [(name, PARAM_ULLONG, _or_unlimited(getattr(tune, name))) for name in MEMORY]


def _or_unlimited(limit: "int | None") -> int:
    return c.DOMAIN_MEMORY_PARAM_UNLIMITED if limit is None else limit


def domain_set_memory_parameters(
    driver: "QemuDriver", dom: "DomainRef", params: "list[TypedParam]", flags: int = 0
) -> None:
    allowed(flags, WHERE, "qemuDomainSetMemoryParameters")
    given = checked(params, dict.fromkeys(MEMORY, PARAM_ULLONG))
    unlimited = c.DOMAIN_MEMORY_PARAM_UNLIMITED
    values = {name: None if value == unlimited else int(value) for name, value in given.items()}
    with Change(driver, dom, flags, "set-memory-limits") as changed:
        for domain in changed.definitions:
            domain.memtune = domain.memtune or MemTune()
            for name, limit in values.items():
                setattr(domain.memtune, name, limit)
            swap, hard = (
                _or_unlimited(getattr(domain.memtune, name)) for name in ("swap_hard_limit", "hard_limit")
            )
            if hard > swap and values.keys() & {"hard_limit", "swap_hard_limit"}:
                detail = "memory hard_limit tunable value must be lower than or equal to swap_hard_limit"
                raise VirError(INVALID_ARG, detail)
        if changed.guest is not None:
            _limit(changed.guest, "memory", values)


# -- block I/O -------------------------------------------------------------------------------------------

_WEIGHT_UNSET = 100


def domain_get_blkio_parameters(driver: "QemuDriver", dom: "DomainRef", flags: int = 0) -> "list[TypedParam]":
    allowed(flags, _READ, "qemuDomainGetBlkioParameters")
    domain, guest = chosen(driver, dom, flags & WHERE)
    tune = domain.blkiotune or BlkioTune()
    weight = tune.weight or (0 if guest is None else _WEIGHT_UNSET)
    params: list[TypedParam] = [("weight", PARAM_UINT, weight)]
    for name, (field, _) in BLKIO_DEVICE.items():
        pairs = [f"{one.path or ''},{value}" for one in tune.devices if (value := getattr(one, field))]
        params.append((name, PARAM_STRING, ",".join(pairs)))
    return params


def domain_set_blkio_parameters(
    driver: "QemuDriver", dom: "DomainRef", params: "list[TypedParam]", flags: int = 0
) -> None:
    allowed(flags, WHERE, "qemuDomainSetBlkioParameters")
    given = checked(params, BLKIO)
    wanted: dict[str, dict[str, Any]] = {}
    for name, text in given.items():
        if name != "weight":
            for path, number in device_values(name, str(text)):
                wanted.setdefault(path, {"path": path})[BLKIO_DEVICE[name][0]] = number
    values: dict[str, Any] = {"devices": list(wanted.values())}
    if "weight" in given:
        values["weight"] = int(given["weight"])
    with Change(driver, dom, flags, "set-block-limits") as changed:
        if changed.guest is not None:
            _limit(changed.guest, "blkio", values)
        for domain in changed.definitions:
            domain.blkiotune = domain.blkiotune or BlkioTune()
            _keep_blkio(domain.blkiotune, values)


def _keep_blkio(tune: BlkioTune, values: "dict[str, Any]") -> None:
    if "weight" in values:
        tune.weight = values["weight"] or None
    for wanted in values["devices"]:
        device = next((one for one in tune.devices if one.path == wanted["path"]), None)
        if device is None:
            device = BlkioDevice(path=wanted["path"])
            tune.devices.append(device)
        for field, number in wanted.items():
            setattr(device, field, number or None)
    tune.devices = [device for device in tune.devices if device.says_something()]


# -- NUMA ------------------------------------------------------------------------------------------------


def domain_get_numa_parameters(driver: "QemuDriver", dom: "DomainRef", flags: int = 0) -> "list[TypedParam]":
    allowed(flags, _READ, "qemuDomainGetNumaParameters")
    tune = chosen(driver, dom, flags & WHERE)[0].numatune or NumaTune()
    mode = NUMA_MODES.index(tune.mode) if tune.mode else 0
    return [("numa_mode", PARAM_INT, mode), ("numa_nodeset", PARAM_STRING, tune.nodeset or "")]


def domain_set_numa_parameters(
    driver: "QemuDriver", dom: "DomainRef", params: "list[TypedParam]", flags: int = 0
) -> None:
    allowed(flags, WHERE, "qemuDomainSetNumaParameters")
    given = checked(params, {"numa_mode": PARAM_INT, "numa_nodeset": PARAM_STRING})
    with Change(driver, dom, flags, "set-numa") as changed:
        if changed.live is not None:
            _check_live_numa(changed.live, given)
        if changed.config is not None:
            tune = changed.config.numatune = changed.config.numatune or NumaTune()
            if "numa_nodeset" in given:
                tune.nodeset = _nodes(str(given["numa_nodeset"]))
            if "numa_mode" in given:
                tune.mode = _mode(int(given["numa_mode"]))
            if not tune.nodeset:
                detail = "nodeset for NUMA memory tuning must be set if 'placement' is 'static'"
                raise VirError(CONFIG_UNSUPPORTED, detail)
            tune.mode = tune.mode or "strict"


def _check_live_numa(domain: "Domain", given: "dict[str, int | float | str]") -> None:
    """Refuse to move a running guest's memory; what it has already is no change."""
    tune = domain.numatune or NumaTune()
    if "numa_mode" in given and _mode(int(given["numa_mode"])) != (tune.mode or "strict"):
        raise VirError(OPERATION_INVALID, "can't change numatune mode for running domain")
    if "numa_nodeset" in given and _nodes(str(given["numa_nodeset"])) != tune.nodeset:
        detail = "the memory of a running domain stays on its NUMA nodes: change it with --config"
        raise VirError(OPERATION_UNSUPPORTED, detail)


def _nodes(text: str) -> str:
    nodes = bitmap.parse(text)
    if not nodes:
        raise VirError(OPERATION_INVALID, f"Invalid nodeset of 'numatune': {text}")
    return bitmap.show(nodes)


def _mode(number: int) -> str:
    if not 0 <= number < len(NUMA_MODES):
        raise VirError(INVALID_ARG, f"unsupported numatune mode: '{number}'")
    return NUMA_MODES[number]


# -- performance events ----------------------------------------------------------------------------------


def domain_get_perf_events(driver: "QemuDriver", dom: "DomainRef", flags: int = 0) -> "list[TypedParam]":
    allowed(flags, _READ, "qemuDomainGetPerfEvents")
    domain, guest = chosen(driver, dom, flags & WHERE)
    on = {one.name for one in domain.perf if one.enabled == "yes" and guest is None}
    return [(name, PARAM_BOOLEAN, int(name in on)) for name in PERF_EVENTS]


def domain_set_perf_events(
    driver: "QemuDriver", dom: "DomainRef", params: "list[TypedParam]", flags: int = 0
) -> None:
    allowed(flags, WHERE, "qemuDomainSetPerfEvents")
    given = checked(params, dict.fromkeys(PERF_EVENTS, PARAM_BOOLEAN))
    with Change(driver, dom, flags, "set-perf") as changed:
        if changed.guest is not None and any(given.values()):
            detail = (
                "performance events of a running domain are counted only while somebody holds them open, "
                f"and there is no daemon to do so: run 'perf stat -p {changed.guest.qemu.pid}'"
            )
            raise VirError(OPERATION_UNSUPPORTED, detail)
        if changed.config is not None:
            states = {one.name: one.enabled for one in changed.config.perf}
            states |= {name: "yes" if value else "no" for name, value in given.items()}
            changed.config.perf = [
                PerfEvent(name=name, enabled=states[name]) for name in PERF_EVENTS if name in states
            ]
