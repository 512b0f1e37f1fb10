"""What commands on networks, pools, interfaces and the like do alike: change one, make one from a file."""

from pyvirsh.backend.errors import NO_SUPPORT, VirError, unsupported
from pyvirsh.commands import files
from pyvirsh.errors import CommandFailed
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
    T = TypeVar("T")


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


def refuse_both(args: "Args", first: str, second: str) -> None:
    """Make sure that not both options are given, where a rule of the command would come too early."""
    if args.given(first) and args.given(second):
        raise CommandFailed(f"Options --{first} and --{second} are mutually exclusive")


def set_autostart(
    ctx: "Session", args: "Args", what: str, call: "Callable[..., object]", *values: object
) -> None:
    """Do the whole of an autostart command: mark, or with ``--disable`` unmark."""
    verb = "unmark" if args.disable else "mark"
    failure = f"failed to {verb} {what} as autostarted"
    done = f"{what[0].upper()}{what[1:]} {verb}ed as autostarted"
    change(ctx, failure, done, call, *values, int(not args.disable))


def say_updated(
    ctx: "Session", args: "Args", what: str, is_active: "Callable[..., bool]", *values: object
) -> None:
    """Say what an update has changed: what ``--live`` and ``--config`` name, else what is there.

    As in virsh, that this cannot be found out is said too, but is no failure.
    """
    unknown = ""
    live = args.live
    if not live and not args.config:
        try:
            live = is_active(*values)
        except VirError as error:
            live, unknown = True, error.text
    if args.config:
        where = "persistent config and live state" if live else "persistent config"
    else:
        where = "live state" if live else "persistent config"
    ctx.out.raw_note(f"Updated {what} {where}")
    if unknown:
        ctx.out.error(unknown)


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


def c_value(answer: "bool | Shown") -> int:
    """Return what the call gave as C knows it: 1, 0, or -1 if it failed."""
    return -1 if isinstance(answer, Shown) else int(answer)


def flag_of(call: "Callable[..., bool]", *values: object) -> "bool | Shown":
    """Return what a call says; virsh shows a yes where the driver cannot say, and so do we."""
    try:
        return call(*values)
    except VirError:
        return Shown(None, "yes")


def listed(
    call: "Callable[[int], list[T]]", flags: int, failure: str, counting: "tuple[str, str]"
) -> "list[T]":
    """Return what a driver lists.  Errors: CommandFailed.

    counting: what virsh says of a driver that does not list such objects, and the older call
    that it then tries in vain ("" for none).
    """
    try:
        return call(flags)
    except VirError as error:
        if error.code != NO_SUPPORT:
            raise CommandFailed(failure, error.text) from error
        text, api = counting
        raise CommandFailed(text, *([unsupported(api).text] if api else [])) from error


def by_name(item: "Named") -> bytes:
    """Sort objects as virsh does."""
    return folded(item.name)


def folded(name: str) -> bytes:
    """Return what to sort a name by: its bytes, ASCII letters without their case."""
    return name.encode("utf-8", "surrogateescape").lower()
