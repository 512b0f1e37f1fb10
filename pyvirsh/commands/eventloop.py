"""Waiting for events: what `event`, `net-event`, `pool-event` and their kin share.

A kind of object declares its event types in a table::

    NETWORK = Kind("network", "network {name}", "connect_network_event", (
        EventType("lifecycle", named(change=("Defined", ...)), ": {change}"),
        ...
    ))

and its command is ``watch(ctx, args, NETWORK, ctx.network)``.

Source: measured in `shell-semantics`, section 14.
"""

import time

from pyvirsh.backend.errors import INTERNAL_ERROR, VirError
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import TIMEOUT_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Any

    from pyvirsh.backend.api import Driver, Event, Ref
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

    Data = dict[str, object]
    Decode = Callable[..., Data]
    # What a received event leaves as: data, and the text that follows the time stamp.
    Show = Callable[[Event], tuple[Data, str]]
    Find = Callable[[str], Ref]

UNKNOWN = "unknown"
UNSUPPORTED = "unsupported value"

TIMED_OUT = "event loop timed out"
INTERRUPTED = "event loop interrupted"


def word_of(words: "Sequence[str]", number: int, other: str = UNKNOWN) -> str:
    """Return the word for a number of libvirt's, `other` for one that came later."""
    return words[number] if 0 <= number < len(words) else other


def named(other: str = UNKNOWN, /, **fields: "Sequence[str] | None") -> "Decode":
    """Make a decoder that names an event's values in order; a field with words is an enumeration.

    other: stands for a number without a word.
    """

    def decode(*values: "Any") -> "Data":
        return {
            key: value if words is None else word_of(words, value, other)
            for (key, words), value in zip(fields.items(), values, strict=False)
        }

    return decode


def lifecycle(**changes: "Sequence[str]") -> "Decode":
    """Make a decoder for a change and its detail; the keywords are the changes in libvirt's order."""
    names = list(changes)

    def decode(change: int, detail: int) -> "Data":
        name = word_of(names, change)
        return {"change": name, "detail": word_of(changes.get(name, ()), detail)}

    return decode


class EventType:
    """One type of event: `decode` names its values, `text` shows them behind ``event 'x' for y``.

    label: x where it is not the type's name.
    """

    __slots__ = ("name", "decode", "text", "label")

    def __init__(
        self,
        name: str,
        decode: "Decode | None" = None,
        text: "str | Callable[[Data], str]" = "",
        *,
        label: str = "",
    ) -> None:
        self.name = name
        self.decode = decode or named()
        self.text = text
        self.label = label or name

    def shown(self, data: "Data") -> str:
        """Return what follows the object's name on the line; a missing value is ``<null>``."""
        if not isinstance(self.text, str):
            return self.text(data)
        return self.text.format_map({key: "<null>" if v is None else v for key, v in data.items()})


class Kind:
    """A kind of object and its events, whose numbers are their places in `types`.

    option: the command's option that names an object, and its key as data.  subject: how a line
    names it, from the attributes of its handle.  register: the driver's methods, without
    ``_register_any``.
    """

    __slots__ = ("option", "subject", "register", "types")

    def __init__(self, option: str, subject: str, register: str, types: "tuple[EventType, ...]") -> None:
        self.option = option
        self.subject = subject
        self.register = register
        self.types = types

    def show(self, event: "Event") -> "tuple[Data, str]":
        """Return an event as data and as text."""
        row = self.types[event.event_id]
        data = row.decode(*event.values)
        handle = {slot: getattr(event.ref, slot) for slot in event.ref.__slots__}
        who = handle.get("name", handle.get("uuid"))
        text = f"event '{row.label}' for {self.subject.format_map(handle)}{row.shown(data)}\n"
        return {"event": row.name, self.option: who, **data}, text


class Callbacks:
    """The registrations of one wait; they end with the `with` block."""

    def __init__(self, deregister: "Callable[[int], None]") -> None:
        self.ids: list[int] = []
        self._deregister = deregister

    def __enter__(self) -> "Callbacks":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        for callback_id in self.ids:
            try:
                self._deregister(callback_id)
            except VirError:
                # The connection has gone and the registration with it.
                return


class Deadline:
    """When a wait is over; without a timeout never."""

    def __init__(self, timeout: "int | None") -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    def left(self) -> "float | None":
        """Return the seconds that are left; None for ever."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def passed(self) -> bool:
        """Say whether the time is over."""
        return self.left() == 0


def timeout_of(args: "Args") -> "int | None":
    """Read ``--timeout``: seconds, or None without the option.  Errors: CommandFailed."""
    if not args.given("timeout"):
        return None
    return args.unsigned("timeout", low=1, high=TIMEOUT_MAX)


def watch(ctx: "Session", args: "Args", kind: Kind, find: "Find", *, lenient: bool = True) -> None:
    """Do the whole of an event command.  Errors: CommandFailed when no event came.

    find: looks up the object that the kind's option names.  lenient: as virsh does for all
    but domains and node devices, say that it is not there and watch every object.
    """
    if args.list:
        ctx.out.names(("name",), [{"name": row.name} for row in kind.types])
        return
    numbers = _wanted(args, kind)
    timeout = timeout_of(args)
    ref, reasons = _object(ctx, args, kind.option, find, lenient=lenient)
    driver = ctx.driver
    with Callbacks(getattr(driver, kind.register + "_deregister_any")) as callbacks:
        _register(driver, kind, numbers, ref, callbacks)
        try:
            wait(ctx, args, timeout, callbacks.ids, kind.show)
        except CommandFailed as error:
            # virsh has not forgotten why there is no such object.
            raise CommandFailed(*error.texts, *reasons) from error


def _wanted(args: "Args", kind: Kind) -> "list[int]":
    """Return the numbers of the types asked for."""
    has_all = args.command.option("all") is not None
    if has_all and args.all:
        return list(range(len(kind.types)))
    if args.event is None:
        choices = "one of --list, --all, or --event" if has_all else "either --list or --event"
        raise CommandFailed(f"{choices} <type> is required")
    for number, row in enumerate(kind.types):
        if row.name == args.event:
            return [number]
    raise CommandFailed(f"unknown event type {args.event}")


def _object(
    ctx: "Session", args: "Args", option: str, find: "Find", *, lenient: bool
) -> "tuple[Ref | None, tuple[str, ...]]":
    """Look up the object to watch, None for all of them; lenient: return the reasons that there is none."""
    try:
        text = args[option]
        return None if text is None else find(text), ()
    except (CommandFailed, VirError) as error:
        if not lenient:
            raise
        first, *reasons = error.texts if isinstance(error, CommandFailed) else (error.text,)
        ctx.out.error(first)
        return None, tuple(reasons)


def _register(
    driver: "Driver", kind: Kind, numbers: "list[int]", ref: "Ref | None", callbacks: Callbacks
) -> None:
    """Register for each type; of several only the first has to be known to the driver."""
    register = getattr(driver, kind.register + "_register_any")
    for number in numbers:
        try:
            callbacks.ids.append(register(number, ref))
        except VirError:
            if not callbacks.ids:
                raise


def wait(
    ctx: "Session", args: "Args", timeout: "int | None", callback_ids: "list[int]", show: "Show"
) -> None:
    """Show what comes in until the first event, or with ``--loop`` until the time is over or ^C.

    Errors: CommandFailed when nothing came, VirError when the connection is lost; the line that
    counts the events is written before either.
    """
    received = 0
    ended = ""
    try:
        for event in _incoming(ctx.driver, timeout, callback_ids):
            if event is None:
                ended = TIMED_OUT
                break
            received += 1
            _write(ctx, args, *show(event))
            if not args.loop:
                break
    except KeyboardInterrupt:
        ended = INTERRUPTED
    except VirError as error:
        if ctx.driver.alive():
            raise
        ctx.note_loss()
        raise VirError(INTERNAL_ERROR, "client socket is closed") from error
    finally:
        if not ctx.out.structured:
            ctx.out.raw(ended and ended + "\n")
            ctx.out.line(f"events received: {received}")
    if not received:
        raise CommandFailed


def _incoming(driver: "Driver", timeout: "int | None", callback_ids: "list[int]") -> "Iterator[Event | None]":
    """Yield the events of our registrations as they come, then None when the time is over."""
    deadline = Deadline(timeout)
    while not deadline.passed():
        for event in driver.next_events(deadline.left()):
            if event.callback_id in callback_ids:
                yield event
    yield None


def _write(ctx: "Session", args: "Args", data: "Data", text: str) -> None:
    if args.timestamp:
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}+0000"
        data, text = {"time": stamp, **data}, f"{stamp}: {text}"
    ctx.out.event(data, text)
