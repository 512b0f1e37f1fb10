"""From a received call to a `Driver` method and back: one generic path, driven by the table."""

from typing import TYPE_CHECKING, Any

from pyvirsh.backend.api import Driver, Event
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_SUPPORT, RPC, TEXTS, VirError
from pyvirsh.rpc import protocol, shape, xdr

if TYPE_CHECKING:
    from pyvirsh.backend.api import Stream

# (program, number) -> procedure name
BY_NUMBER = {(program, number): name for name, (program, number, _) in protocol.PROCEDURES.items()}
_MESSAGE_NUMBERS = {struct: key for key, struct in protocol.EVENTS.items()}
PROGRAMS = (protocol.REMOTE_PROGRAM, protocol.QEMU_PROGRAM, protocol.LXC_PROGRAM)

# VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM, and the same for the download.
_SPARSE = 1

# Words of libvirt's names that are not simply capitalized.
_SPELLED = {"nwfilter": "NWFilter", "nwfilters": "NWFilters", "xml": "XML"}

# The part of libvirt that a peer is told an error comes from.
_FROM_RPC = 7
_LEVEL_ERROR = 2


class Call:
    """A call that has been read: the procedure, the fields of its message, descriptors with it."""

    __slots__ = ("name", "values", "fds")

    def __init__(self, name: str, values: "tuple[Any, ...]", fds: "list[int]") -> None:
        self.name = name
        self.values = values
        self.fds = fds


class Answer:
    """What a call brought: the reply's payload, a stream it opened, descriptors that go with it.

    sparse: whether the stream carries holes.
    """

    __slots__ = ("payload", "stream", "fds", "sparse")

    def __init__(self, payload: bytes, stream: "Stream | None" = None, fds: "tuple[int, ...]" = ()) -> None:
        self.payload = payload
        self.stream = stream
        self.fds = fds
        self.sparse = False


def rpc_error(text: str) -> VirError:
    """Make the error for a packet that is no call; it has no prefix."""
    return VirError(RPC, text, text=text)


def read(program: int, version: int, number: int, payload: bytes, fds: "list[int]") -> Call:
    """Read a call.  Errors: RPC for what is not in the table or does not decode."""
    if program not in PROGRAMS or version != protocol.PROTOCOL_VERSION:
        raise rpc_error(f"Cannot find program {program} version {version}")
    name = BY_NUMBER.get((program, number))
    if name is None:
        raise rpc_error(f"unknown procedure: {number}")
    struct = shape.struct_of(name, "args")
    try:
        values = xdr.unpack(struct, payload) if struct else ()
    except xdr.XdrError as error:
        raise rpc_error("Unable to decode message payload") from error
    return Call(name, values, fds)


def perform(driver: Driver, call: Call) -> Answer:
    """Make the call.  Errors: VirError."""
    from pyvirsh.server import legacy

    handler = legacy.HANDLERS.get(call.name)
    try:
        if handler is not None:
            return Answer(encode(call.name, handler(driver, *call.values)))
        if not driver.implements(call.name) and (newer := _newer(call.name)):
            return _perform(driver, Call(newer, _values_for(newer, call), call.fds))
    except VirError as error:
        if error.code == NO_SUPPORT and error.detail.startswith("vir"):
            # The client is told that what it asked for is missing, not what we made of it.
            raise VirError(NO_SUPPORT, _api_name(call.name)) from error
        raise
    return _perform(driver, call)


def _newer(name: str) -> str:
    """Return the call with flags that stands for an old one, answer and all; "" if there is none."""
    newer = name + "_flags"
    if not hasattr(Driver, newer):
        return ""
    answers = [shape.fields(shape.struct_of(each, "ret")) for each in (name, newer)]
    return newer if answers[0] == answers[1] else ""


def _values_for(newer: str, call: Call) -> "tuple[Any, ...]":
    """Return an old call's fields as the newer one takes them; what is new is absent or 0."""
    old = shape.names(call.name, "args")
    given = dict(zip(old, call.values, strict=True))
    takes = shape.fields(shape.struct_of(newer, "args"))
    return tuple(given.get(field, None if kind == "remote_string" else 0) for field, kind in takes)


def _perform(driver: Driver, call: Call) -> Answer:
    """Make the call by the driver's method of its name."""
    method = getattr(driver, call.name, None)
    if method is None:
        raise VirError(NO_SUPPORT, _api_name(call.name))
    takes = shape.names(call.name, "args")
    given, left_out = shape.for_driver(takes, call.values)
    marks = protocol.PROCEDURES[call.name][2]
    if "i" in marks:
        # `Driver` takes descriptors before the flags.
        given.insert(len(given) - (takes[-1:] == ["flags"]), call.fds)
    result = method(*given)
    stream = None
    fds: tuple[int, ...] = ()
    if "r" in marks or "w" in marks:
        result, stream = result if isinstance(result, tuple) else (None, result)
    elif "o" in marks:
        result, fds = _with_fds(call.name, result)
    answer = Answer(_encode_result(call.name, left_out, result), stream, fds)
    answer.sparse = "s" in marks and bool(given[-1] & _SPARSE)
    return answer


def _api_name(name: str) -> str:
    """Return what libvirt calls a procedure, as errors name it."""
    return "vir" + "".join(_SPELLED.get(word, word.capitalize()) for word in name.split("_"))


def _with_fds(name: str, result: Any) -> "tuple[Any, tuple[int, ...]]":
    """Split a result into what goes into the message and the descriptors behind it."""
    if shape.struct_of(name, "ret"):
        return result if isinstance(result, tuple) else (result, ())
    return None, tuple(result) if isinstance(result, (list, tuple)) else (result,)


def _encode_result(name: str, left_out: "dict[str, int]", result: Any) -> bytes:
    gives = shape.fields(shape.struct_of(name, "ret"))
    if name.endswith("_lookup_by_volume") or not gives:
        return encode(name, (result,) if gives else ())
    return encode(name, shape.answer(gives, left_out, result))


def encode(name: str, values: "tuple[Any, ...]") -> bytes:
    """Encode a result's fields.  Errors: RPC when the driver gave what does not fit."""
    struct = shape.struct_of(name, "ret")
    if not struct:
        return b""
    try:
        return xdr.pack(struct, values)
    except (xdr.XdrError, TypeError, ValueError, AttributeError) as error:
        raise rpc_error(f"Unable to encode message payload: {name}: {error}") from error


def error_payload(error: VirError, origin: int = _FROM_RPC) -> bytes:
    """Encode an error as libvirt's daemon does: the whole text, its template and its detail.

    origin: the number of the part of libvirt that is to be named as the error's source.
    """
    template = TEXTS.get(error.code, ("", "%s"))[1 if error.detail else 0]
    source = _FROM_RPC if error.code == RPC else origin
    detail = error.detail or None
    values = (error.code, source, error.text, _LEVEL_ERROR, None, template, detail, None, -1, -1, None)
    return xdr.pack("remote_error", values)


# -- events ------------------------------------------------------------------------------------------


def event_message(event: Event) -> "tuple[int, int, bytes]":
    """Encode an event as (program, procedure number, payload)."""
    if event.kind == "qemu":
        struct = "qemu_domain_monitor_event_msg"
    else:
        struct = protocol.EVENT_IDS[event.kind, event.event_id]
    _, *rest = xdr.fields(struct)
    values: list[Any] = [event.ref, *event.values]
    if rest[-1][0] == "msg":
        inner = len(xdr.fields(rest[-1][1]))
        values = [*values[inner:], tuple(values[:inner])]
    program, number = _MESSAGE_NUMBERS[struct]
    return program, number, xdr.pack(struct, (event.callback_id, *values))


def not_open() -> VirError:
    """Make the error for a call before CONNECT_OPEN."""
    return VirError(INTERNAL_ERROR, "hypervisor connection not open")
