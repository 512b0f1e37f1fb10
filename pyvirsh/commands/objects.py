"""What commands on networks, pools, interfaces and the like do alike: change one, make one from a file."""

from pyvirsh.backend.errors import VirError
from pyvirsh.commands import files
from pyvirsh.shell.output import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

    class Named(Protocol):
        """A handle with a name."""

        @property
        def name(self) -> str: ...

    N = TypeVar("N", bound=Named)


def change(ctx: "Session", failure: str, done: str, call: "Callable[..., object]", *values: object) -> None:
    """Make one call and say that it is done; its error is shown behind `failure`."""
    with ctx.failing(failure):
        call(*values)
    ctx.out.note(done)


def from_file(
    ctx: "Session", args: "Args", texts: "tuple[str, str]", call: "Callable[..., N]", *values: object
) -> None:
    """Make an object of the XML in ``--file``; `texts` say that it failed and that it is done.

    ``{name}`` and ``{file}`` may stand in them.
    """
    failure, done = texts
    path = args.file
    document = files.read(path)
    with ctx.failing(failure.format(file=path)):
        made = call(document, *values)
    ctx.out.note(done.format(name=made.name, file=path))


def set_autostart(
    ctx: "Session", args: "Args", what: str, call: "Callable[..., object]", *values: object
) -> None:
    """Do the whole of an autostart command: mark, or with ``--disable`` unmark."""
    verb = "unmark" if args.disable else "mark"
    failure = f"failed to {verb} {what} as autostarted"
    done = f"{what[0].upper()}{what[1:]} {verb}ed as autostarted"
    change(ctx, failure, done, call, *values, int(not args.disable))


def autostart(call: "Callable[..., bool]", *values: object) -> "bool | Shown":
    """Return whether an object starts by itself; a driver that cannot say means that it does not."""
    try:
        return call(*values)
    except VirError:
        return Shown(None, "no autostart")


def persistent(call: "Callable[..., bool]", *values: object) -> "bool | Shown":
    """Return whether an object has a definition, or that the driver does not know."""
    try:
        return call(*values)
    except VirError:
        return Shown(None, "unknown")


def flag_of(call: "Callable[..., bool]", *values: object) -> bool:
    """Return what a call says; in lists virsh takes a call that fails for a yes."""
    try:
        return call(*values)
    except VirError:
        return True


def by_name(item: "Named") -> bytes:
    """Sort as virsh does: by the name's bytes, ASCII letters without their case."""
    return item.name.encode("utf-8", "surrogateescape").lower()
