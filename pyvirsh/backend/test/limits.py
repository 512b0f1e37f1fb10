"""Limits of a whole domain: scheduler, memory, block I/O, NUMA, performance events."""

from pyvirsh.backend import api
from pyvirsh.backend.api import DomainRef, TypedParam
from pyvirsh.backend.checks import affect, allowed
from pyvirsh.backend.conf import bitmap
from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.tuning import (
    NUMA_MODES,
    PERF_EVENTS,
    BlkioDevice,
    BlkioTune,
    MemTune,
    NumaTune,
    PerfEvent,
)
from pyvirsh.backend.constants import DOMAIN_MEMORY_PARAM_UNLIMITED, TYPED_PARAM_STRING_OKAY
from pyvirsh.backend.errors import CONFIG_UNSUPPORTED, INVALID_ARG, OPERATION_INVALID, VirError
from pyvirsh.backend.params import BLKIO, BLKIO_DEVICE, checked, device_values
from pyvirsh.backend.test.base import AFFECT, TestBase

_STRING_OKAY = 4

# -- memory

_MEMORY = ("hard_limit", "soft_limit", "swap_hard_limit")


class Limits(TestBase):
    """Limits of a whole domain."""

    # -- scheduler: one weight that never changes --------------------------------------------------

    def domain_get_launch_security_info(self, dom: DomainRef, flags: int = 0) -> "list[TypedParam]":
        # libvirt's library asks for strings every time; its test driver does not know that flag.
        allowed(flags | TYPED_PARAM_STRING_OKAY, 0, "testDomainGetLaunchSecurityInfo")
        return []

    def domain_get_scheduler_type(self, dom: DomainRef) -> "tuple[str, int]":
        return "fair", 1

    def domain_get_scheduler_parameters(self, dom: DomainRef) -> "list[TypedParam]":
        self.guest(dom)
        return [("weight", api.PARAM_UINT, 50)]

    def domain_get_scheduler_parameters_flags(self, dom: DomainRef, flags: int = 0) -> "list[TypedParam]":
        affect(flags)
        # The library asks for texts on its own, and the driver does not know that flag.
        allowed(flags | _STRING_OKAY, 0, "testDomainGetSchedulerParametersFlags")
        return []

    def domain_set_scheduler_parameters(self, dom: DomainRef, params: "list[TypedParam]") -> None:
        self.domain_set_scheduler_parameters_flags(dom, params)

    def domain_set_scheduler_parameters_flags(
        self, dom: DomainRef, params: "list[TypedParam]", flags: int = 0
    ) -> None:
        affect(flags)
        allowed(flags, 0, "testDomainSetSchedulerParametersFlags")
        checked(params, {"weight": api.PARAM_UINT})
        self.guest(dom)

    # -- memory ------------------------------------------------------------------------------------

    def domain_get_memory_parameters(self, dom: DomainRef, flags: int = 0) -> "list[TypedParam]":
        allowed(flags, AFFECT | _STRING_OKAY, "testDomainGetMemoryParameters")
        tune = self.guest(dom).one(flags).model.memtune or MemTune()
        values = ((name, getattr(tune, name)) for name in _MEMORY)
        return [
            (name, api.PARAM_ULLONG, DOMAIN_MEMORY_PARAM_UNLIMITED if value is None else value)
            for name, value in values
        ]

    def domain_set_memory_parameters(
        self, dom: DomainRef, params: "list[TypedParam]", flags: int = 0
    ) -> None:
        allowed(flags, AFFECT, "testDomainSetMemoryParameters")
        given = checked(params, dict.fromkeys(_MEMORY, api.PARAM_ULLONG))
        definition = self.guest(dom).one(flags)
        before = definition.model.memtune or MemTune()
        tune = before.copy()
        for name, value in given.items():
            setattr(tune, name, None if value == DOMAIN_MEMORY_PARAM_UNLIMITED else value)
        hard, swap = (_limit(value) for value in (tune.hard_limit, tune.swap_hard_limit))
        if hard > swap and given.keys() & {"hard_limit", "swap_hard_limit"}:
            detail = "memory hard_limit tunable value must be lower than or equal to swap_hard_limit"
            raise VirError(INVALID_ARG, detail)
        definition.change().memtune = tune

    # -- block I/O ---------------------------------------------------------------------------------

    def domain_get_blkio_parameters(self, dom: DomainRef, flags: int = 0) -> "list[TypedParam]":
        allowed(flags, AFFECT | _STRING_OKAY, "testDomainGetBlkioParameters")
        tune = self.guest(dom).one(flags).model.blkiotune or BlkioTune()
        params: list[TypedParam] = [("weight", api.PARAM_UINT, tune.weight or 0)]
        for name, (field, _) in BLKIO_DEVICE.items():
            pairs = [f"{one.path or ''},{value}" for one in tune.devices if (value := getattr(one, field))]
            params.append((name, api.PARAM_STRING, ",".join(pairs)))
        return params

    def domain_set_blkio_parameters(self, dom: DomainRef, params: "list[TypedParam]", flags: int = 0) -> None:
        allowed(flags, AFFECT, "testDomainSetBlkioParameters")
        given = checked(params, BLKIO)
        definition = self.guest(dom).one(flags)
        tune = (definition.model.blkiotune or BlkioTune()).copy()
        fault = None
        for name, value in given.items():
            if name == "weight":
                tune.weight = int(value) or None
                continue
            # What is well is taken, and the last fault is told of.
            try:
                for path, number in device_values(name, str(value)):
                    _device(tune, path, name, number)
            except VirError as error:
                fault = error
        tune.devices = [device for device in tune.devices if device.says_something()]
        definition.change().blkiotune = tune
        if fault is not None:
            raise fault

    # -- NUMA --------------------------------------------------------------------------------------

    def domain_get_numa_parameters(self, dom: DomainRef, flags: int = 0) -> "list[TypedParam]":
        allowed(flags, AFFECT | _STRING_OKAY, "testDomainGetNumaParameters")
        tune = self.guest(dom).one(flags).model.numatune or NumaTune()
        mode = NUMA_MODES.index(tune.mode) if tune.mode else 0
        return [
            ("numa_mode", api.PARAM_INT, mode),
            ("numa_nodeset", api.PARAM_STRING, tune.nodeset or ""),
        ]

    def domain_set_numa_parameters(self, dom: DomainRef, params: "list[TypedParam]", flags: int = 0) -> None:
        allowed(flags, AFFECT, "testDomainSetNumaParameters")
        given = checked(params, {"numa_mode": api.PARAM_INT, "numa_nodeset": api.PARAM_STRING})
        definition = self.guest(dom).one(flags)
        tune = (definition.model.numatune or NumaTune()).copy()
        if "numa_nodeset" in given:
            nodes = bitmap.parse(str(given["numa_nodeset"]))
            if not nodes:
                detail = f"Invalid nodeset of 'numatune': {given['numa_nodeset']}"
                raise VirError(OPERATION_INVALID, detail)
            tune.nodeset = bitmap.show(nodes)
        if "numa_mode" in given:
            mode = int(given["numa_mode"])
            if not 0 <= mode < len(NUMA_MODES):
                raise VirError(INVALID_ARG, f"unsupported numatune mode: '{mode}'")
            tune.mode = NUMA_MODES[mode]
        _check_numa(tune)
        definition.change().numatune = tune

    # -- performance events ------------------------------------------------------------------------

    def domain_get_perf_events(self, dom: DomainRef, flags: int = 0) -> "list[TypedParam]":
        allowed(flags, AFFECT | _STRING_OKAY, "testDomainGetPerfEvents")
        enabled = {one.name for one in self.guest(dom).one(flags).model.perf if one.enabled == "yes"}
        return [(name, api.PARAM_BOOLEAN, int(name in enabled)) for name in PERF_EVENTS]

    def domain_set_perf_events(self, dom: DomainRef, params: "list[TypedParam]", flags: int = 0) -> None:
        allowed(flags, AFFECT, "testDomainSetPerfEvents")
        given = checked(params, dict.fromkeys(PERF_EVENTS, api.PARAM_BOOLEAN))
        model = self.guest(dom).one(flags).change()
        _set_perf(model, {name: "yes" if value else "no" for name, value in given.items()})


def _limit(value: "int | None") -> int:
    return DOMAIN_MEMORY_PARAM_UNLIMITED if value is None else value


def _set_perf(model: Domain, states: "dict[str, str]") -> None:
    known: dict[str | None, str | None] = {one.name: one.enabled for one in model.perf}
    known.update(states)
    model.perf = [PerfEvent(name=name, enabled=known[name]) for name in PERF_EVENTS if name in known]


def _check_numa(tune: NumaTune) -> None:
    """Fill in what a memory policy needs.  Errors: CONFIG_UNSUPPORTED without nodes."""
    if not tune.nodeset:
        detail = "nodeset for NUMA memory tuning must be set if 'placement' is 'static'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    tune.mode = tune.mode or "strict"


def _device(tune: BlkioTune, path: str, name: str, number: int) -> None:
    """Set a limit of one device, which is added when it is not there."""
    device = next((one for one in tune.devices if (one.path or "") == path), None)
    if device is None:
        device = BlkioDevice(path=path)
        tune.devices.append(device)
    setattr(device, BLKIO_DEVICE[name][0], number or None)
