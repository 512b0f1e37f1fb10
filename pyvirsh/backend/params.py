"""Typed parameters checked, as every call that takes them does first.

Source: libvirt's messages as observed.
"""

from pyvirsh.backend import api
from pyvirsh.backend.errors import ARGUMENT_UNSUPPORTED, INVALID_ARG, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyvirsh.backend.api import TypedParam

_TYPE_NAMES = {
    api.PARAM_INT: "int",
    api.PARAM_UINT: "uint",
    api.PARAM_LLONG: "llong",
    api.PARAM_ULLONG: "ullong",
    api.PARAM_DOUBLE: "double",
    api.PARAM_BOOLEAN: "boolean",
    api.PARAM_STRING: "string",
}


def checked(params: "list[TypedParam]", known: "Mapping[str, int]") -> "dict[str, int | float | str]":
    """Return parameters by name.

    known: name -> type.  Errors: ARGUMENT_UNSUPPORTED for a name that is not known; INVALID_ARG for one
    of another type or given twice.
    """
    kinds: dict[str, int] = {}
    for name, kind, _ in sorted(params, key=lambda param: param[0]):
        if name not in known:
            raise VirError(ARGUMENT_UNSUPPORTED, f"parameter '{name}' not supported")
        if name in kinds:
            raise VirError(INVALID_ARG, f"parameter '{name}' occurs multiple times")
        kinds[name] = kind
    for name, kind in kinds.items():
        if kind != known[name]:
            was, wanted = _TYPE_NAMES.get(kind, "unknown"), _TYPE_NAMES[known[name]]
            raise VirError(INVALID_ARG, f"invalid type '{was}' for parameter '{name}', expected '{wanted}'")
    return {name: value for name, _, value in params}


# -- block I/O -------------------------------------------------------------------------------------------

# Parameter -> field of a device's limits, largest value.
BLKIO_DEVICE = {
    "device_weight": ("weight", (1 << 32) - 1),
    "device_read_iops_sec": ("read_iops_sec", (1 << 32) - 1),
    "device_write_iops_sec": ("write_iops_sec", (1 << 32) - 1),
    "device_read_bytes_sec": ("read_bytes_sec", (1 << 64) - 1),
    "device_write_bytes_sec": ("write_bytes_sec", (1 << 64) - 1),
}
BLKIO = {"weight": api.PARAM_UINT, **dict.fromkeys(BLKIO_DEVICE, api.PARAM_STRING)}


def device_values(name: str, text: str) -> "list[tuple[str, int]]":
    """Return the pairs of path and number in "PATH,NUMBER,PATH,NUMBER".  Errors: INVALID_ARG."""
    parts = text.split(",")
    unreadable = VirError(INVALID_ARG, f"unable to parse blkio device '{name}' '{text}'")
    if len(parts) % 2:
        raise unreadable
    pairs = []
    for at in range(0, len(parts), 2):
        path, value = parts[at : at + 2]
        digits = value.lstrip().removeprefix("+")
        number = digits[: len(digits) - len(digits.lstrip("0123456789"))]
        if not number or int(number) > BLKIO_DEVICE[name][1]:
            rest = ",".join(parts[at + 1 :])
            detail = f"invalid value '{rest}' for parameter '{name}' of device '{path}'"
            raise VirError(INVALID_ARG, detail)
        if number != digits:
            raise unreadable
        pairs.append((path, int(number)))
    return pairs
