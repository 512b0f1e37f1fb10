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
    found: dict[str, int | float | str] = {}
    for name in sorted(name for name, _, _ in params):
        if name not in known:
            raise VirError(ARGUMENT_UNSUPPORTED, f"parameter '{name}' not supported")
        if name in found:
            raise VirError(INVALID_ARG, f"parameter '{name}' occurs multiple times")
        found[name] = 0
    for name, kind, _ in sorted(params, key=lambda param: param[0]):
        if name not in known:
            raise VirError(ARGUMENT_UNSUPPORTED, f"parameter '{name}' not supported")
        if kind != known[name]:
            was, wanted = _TYPE_NAMES.get(kind, "unknown"), _TYPE_NAMES[known[name]]
            raise VirError(INVALID_ARG, f"invalid type '{was}' for parameter '{name}', expected '{wanted}'")
    return {name: value for name, _, value in params}
