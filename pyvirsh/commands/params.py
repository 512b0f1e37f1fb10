"""Typed parameters: made from options, and shown.

Source: libvirt's virTypedParameter; the layout is measured in `shell-semantics`, section 8.3.
"""

from pyvirsh.backend.api import (
    PARAM_BOOLEAN,
    PARAM_DOUBLE,
    PARAM_INT,
    PARAM_LLONG,
    PARAM_STRING,
    PARAM_UINT,
    PARAM_ULLONG,
)
from pyvirsh.backend.errors import VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import LONG_MAX, ULONG_MAX
from pyvirsh.shell.output import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyvirsh.backend.api import TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session


def typed(args: "Args", rows: "Iterable[tuple[str, str, int]]") -> "list[TypedParam]":
    """Make a parameter of each option that is given; `rows` are (option, parameter, type).

    Numbers are read in the type's range, in the order of the rows.  Errors: CommandFailed.
    """
    return [(name, type, _read(args, option, type)) for option, name, type in rows if args.given(option)]


def _read(args: "Args", option: str, type: int) -> "int | float | str":
    if type == PARAM_STRING:
        return str(args[option])
    if type == PARAM_INT:
        return args.integer(option)
    if type == PARAM_UINT:
        return args.unsigned(option)
    if type == PARAM_LLONG:
        return args.integer(option, low=-LONG_MAX - 1, high=LONG_MAX)
    if type == PARAM_ULLONG:
        return args.unsigned(option, high=ULONG_MAX)
    if type == PARAM_BOOLEAN:
        return int(args[option])
    raise ValueError(f"no option makes a parameter of type {type}")


def shown(param: "TypedParam") -> object:
    """Return a parameter's value as data that shows as virsh shows it."""
    _, type, value = param
    if type == PARAM_DOUBLE:
        return Shown(float(value), f"{float(value):f}")
    if type == PARAM_BOOLEAN:
        return bool(value)
    return value


def find(params: "Iterable[TypedParam]", name: str) -> "int | float | str | None":
    """Return the value of the parameter called `name`, None when there is none."""
    for key, _, value in params:
        if key == name:
            return value
    return None


def fetched(
    get: "Callable[[], list[TypedParam]]", what: str, *, counting: str = "", counted: bool = False
) -> "list[TypedParam]":
    """Return what `get` gets; a failure says that the parameters of `what` cannot be had.

    virsh first asks for their number and has other words, `counting`, when that fails already;
    counted: the caller knows that it would have.  Errors: CommandFailed.
    """
    try:
        return get()
    except VirError as error:
        what = counting or f"number of {what}" if error.counting or counted else what
        raise CommandFailed(f"Unable to get {what} parameters", error.text) from error


# End of a parameter's name -> the unit that its key says.
_UNITS = {
    ".average": "kib_per_second",
    ".peak": "kib_per_second",
    ".floor": "kib_per_second",
    ".burst": "kib",
    "_period": "us",
    "_quota": "us",
}


def key(name: str) -> str:
    """Return the key of a parameter as data: its name, and the unit where that does not say it."""
    unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")
    return name.replace(".", "_") + (f"_{unit}" if unit else "")


def show(ctx: "Session", params: "Iterable[TypedParam]") -> None:
    """Write parameters one a line."""
    ctx.out.fields([(param[0], key(param[0]), shown(param)) for param in params], colon=": ")
