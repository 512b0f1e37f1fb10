"""Limits of single disks and interfaces."""

from pyvirsh.backend import api
from pyvirsh.backend.api import DomainRef, TypedParam
from pyvirsh.backend.checks import allowed
from pyvirsh.backend.conf.domain import Domain
from pyvirsh.backend.conf.domain.disk import Disk, IoTune
from pyvirsh.backend.conf.domain.filling.disks import path_of
from pyvirsh.backend.conf.domain.net import Interface
from pyvirsh.backend.conf.domain.vport import BandwidthSide, Inbound, Outbound
from pyvirsh.backend.errors import ARGUMENT_UNSUPPORTED, INVALID_ARG, VirError
from pyvirsh.backend.params import checked
from pyvirsh.backend.test.base import AFFECT, TestBase

_STRING_OKAY = 4
_LIMIT_MAX = 1000000000000000
_LIMITS = tuple(f"{kind}_{unit}_sec" for unit in ("bytes", "iops") for kind in ("total", "read", "write"))
_MAXIMA = tuple(f"{name}_max" for name in _LIMITS)
_LENGTHS = tuple(f"{name}_max_length" for name in _LIMITS)
_DISK = (*_LIMITS, *_MAXIMA, "size_iops_sec", "group_name", *_LENGTHS)
_INTERFACE = tuple(
    f"{side}.{name}"
    for side, names in (("inbound", "average peak burst floor"), ("outbound", "average peak burst"))
    for name in names.split()
)


def find_disk(model: Domain, path: str) -> "Disk | None":
    """Return the disk with a target or a source."""
    for disk in model.devices.disks:
        if disk.target_dev == path:
            return disk
    return next((disk for disk in model.devices.disks if path and path_of(disk) == path), None)


def find_interface(model: Domain, text: str) -> "Interface | None":
    """Return the interface with a MAC address or a device name."""
    folded = text.lower()
    for interface in model.devices.interfaces:
        if (interface.mac or "").lower() == folded or interface.target_dev == text:
            return interface
    return None


class DiskTuning(TestBase):
    """Limits of disks and interfaces."""

    def domain_get_block_io_tune(
        self, dom: DomainRef, disk: "str | None", flags: int = 0
    ) -> "list[TypedParam]":
        allowed(flags, AFFECT | _STRING_OKAY, "testDomainGetBlockIoTune")
        model = self.guest(dom).one(flags).model
        if disk is None:
            # Who asks how many there are names no disk.
            return [_tune_param(IoTune(), name) for name in _DISK]
        found = find_disk(model, disk)
        if found is None:
            raise VirError(INVALID_ARG, f"disk '{disk}' was not found in the domain config")
        tune = found.iotune or IoTune()
        return [_tune_param(tune, name) for name in _DISK]

    def domain_set_block_io_tune(
        self, dom: DomainRef, disk: str, params: "list[TypedParam]", flags: int = 0
    ) -> None:
        allowed(flags, AFFECT, "testDomainSetBlockIoTune")
        known = dict.fromkeys(_DISK, api.PARAM_ULLONG) | {"group_name": api.PARAM_STRING}
        given = checked(params, known)
        definition = self.guest(dom).one(flags)
        found = find_disk(definition.model, disk)
        if found is None:
            raise VirError(INVALID_ARG, f"missing persistent configuration for disk '{disk}'")
        tune = (found.iotune or IoTune()).copy()
        for name, value in given.items():
            if name != "group_name" and int(value) > _LIMIT_MAX:
                detail = f"block I/O throttle limit value must be no more than {_LIMIT_MAX}"
                raise VirError(ARGUMENT_UNSUPPORTED, detail)
            setattr(tune, name, value or None)
        _check_limits(tune)
        definition.change()
        found.iotune = tune

    def domain_get_interface_parameters(
        self, dom: DomainRef, device: str, flags: int = 0
    ) -> "list[TypedParam]":
        allowed(flags, AFFECT | _STRING_OKAY, "testDomainGetInterfaceParameters")
        interface = _known_interface(self.guest(dom).one(flags).model, device)
        return [(name, api.PARAM_UINT, _bandwidth(interface, name)) for name in _INTERFACE]

    def domain_set_interface_parameters(
        self, dom: DomainRef, device: str, params: "list[TypedParam]", flags: int = 0
    ) -> None:
        allowed(flags, AFFECT, "testDomainSetInterfaceParameters")
        given = checked(params, dict.fromkeys(_INTERFACE, api.PARAM_UINT))
        definition = self.guest(dom).one(flags)
        interface = _known_interface(definition.model, device)
        definition.change()
        for side in ("inbound", "outbound"):
            numbers = {
                name.partition(".")[2]: value for name, value in given.items() if name.startswith(side)
            }
            if numbers:
                interface.bandwidth = True
                setattr(interface, side, _side(side, numbers))


def _tune_param(tune: IoTune, name: str) -> TypedParam:
    value = getattr(tune, name)
    if name == "group_name":
        return name, api.PARAM_STRING, value or ""
    return name, api.PARAM_ULLONG, value or 0


def _check_limits(tune: IoTune) -> None:
    """Refuse limits that contradict each other.  Errors: INVALID_ARG."""
    for what in ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max"):
        total, read, write = (getattr(tune, f"{kind}_{what}") for kind in ("total", "read", "write"))
        if total and (read or write):
            detail = f"total and read/write of {what} cannot be set at the same time"
            raise VirError(INVALID_ARG, detail)
    for name in _LIMITS:
        if (getattr(tune, name) or 0) > (getattr(tune, f"{name}_max") or 0):
            raise VirError(INVALID_ARG, f"{name} cannot be set higher than {name}_max")


def _known_interface(model: Domain, device: str) -> Interface:
    interface = find_interface(model, device)
    if interface is None:
        raise VirError(INVALID_ARG, f"'{device}' is not a known interface")
    return interface


def _bandwidth(interface: Interface, name: str) -> int:
    side, _, field = name.partition(".")
    limits: BandwidthSide | None = getattr(interface, side)
    return int(getattr(limits, field) or 0) if limits is not None else 0


def _side(side: str, numbers: "dict[str, int | float | str]") -> "BandwidthSide | None":
    """Make the limits of one direction; None when there is no average and no floor."""
    kept = {name: int(value) for name, value in numbers.items() if value}
    kind = Inbound if side == "inbound" else Outbound
    return kind(**kept) if kept.keys() & {"average", "floor"} else None
