"""Every call of `Driver`, carried over RPC by one generic path.

The table in `rpc.protocol` says what a call takes and gives; what only sizes a buffer is filled in
here and its counterpart in the answer dropped.
"""

from __future__ import annotations

import os

from pyvirsh.backend.api import PARAM_ULLONG, DomainRef, Driver, Event, Ref, TypedParam
from pyvirsh.backend.errors import NO_SUPPORT, RPC, SYSTEM_ERROR, VirError
from pyvirsh.backend.remote.client import Client
from pyvirsh.rpc import protocol
from pyvirsh.rpc.shape import COUNTS, FILLED, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


# The peer may answer with typed parameters that are strings (VIR_TYPED_PARAM_STRING_OKAY).
_STRINGS_OKAY = 4
_WITH_STRINGS = (
    "domain_block_stats_flags",
    "domain_get_blkio_parameters",
    "domain_get_block_io_tune",
    "domain_get_interface_parameters",
    "domain_get_launch_security_info",
    "domain_get_memory_parameters",
    "domain_get_numa_parameters",
    "node_get_memory_parameters",
    "node_get_sev_info",
)


class RemoteDriver(Driver):
    """A connection over RPC; its calls are made from the protocol's table, below."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._callbacks: dict[int, tuple[str, int]] = {}

    def connect_open(self, name: "str | None", flags: int) -> None:
        """Open the peer's driver called `name`; the peer must know by now who we are."""
        self._client.call("connect_open", (name, flags))
        self._client.call("connect_supports_feature", (protocol.FEATURE_REMOTE_EVENT_CALLBACK,))

    def close(self) -> None:
        if self._client.closed_because:
            return
        try:
            self._client.call("connect_close", ())
        except VirError:
            # The peer may be gone before its answer is here: libvirt's helper behind ssh does that.
            pass
        self._client.close()

    def abandon(self) -> None:
        self._client.close("the connection was let go")

    def alive(self) -> bool:
        return not self._client.closed_because

    def lost(self) -> str:
        return self._client.lost

    def supports_keepalive(self) -> bool:
        return True

    def connect_supports_feature(self, feature: int) -> bool:
        return bool(self._client.call("connect_supports_feature", (feature,))[0])

    def beside(self) -> Driver:
        self._client.share()
        return self

    def set_keepalive(self, interval: int, count: int) -> None:
        self._client.interval, self._client.count = interval, count

    def events_fileno(self) -> int:
        return -1 if self._client.closed_because else self._client.fileno()

    # -- what needs sizes from elsewhere ---------------------------------------------------------

    def domain_get_vcpus(self, dom: DomainRef) -> "tuple[list[tuple[int, int, int, int]], bytes]":
        vcpus = self.domain_get_info(dom)[3]
        info, cpumaps = self._client.call("domain_get_vcpus", (dom, vcpus, self._map_length()))
        return info, cpumaps

    def domain_get_vcpu_pin_info(self, dom: DomainRef, flags: int = 0) -> bytes:
        try:
            vcpus = self.domain_get_vcpus_flags(dom, flags | 4)
        except VirError as error:
            if error.code != NO_SUPPORT:
                raise
            vcpus = self.domain_get_info(dom)[3]
        cpumaps, _ = self._client.call("domain_get_vcpu_pin_info", (dom, vcpus, self._map_length(), flags))
        return bytes(cpumaps)

    def domain_get_emulator_pin_info(self, dom: DomainRef, flags: int = 0) -> bytes:
        cpumaps, _ = self._client.call("domain_get_emulator_pin_info", (dom, self._map_length(), flags))
        return bytes(cpumaps)

    def domain_get_cpu_stats(
        self, dom: DomainRef, start_cpu: int, ncpus: int, flags: int = 0
    ) -> "list[TypedParam]":
        def ask(nparams: int, cpus: int) -> "tuple[list[TypedParam], int]":
            params, count = self._client.call(
                "domain_get_cpu_stats", (dom, nparams, start_cpu, cpus, flags | _STRINGS_OKAY)
            )
            return params, count

        if ncpus == 0:
            return [("cpu_time", PARAM_ULLONG, 0)] * ask(0, 0)[1]
        nparams = ask(0, 1)[1]
        return ask(nparams, ncpus)[0] if nparams else []

    def domain_get_scheduler_parameters(self, dom: DomainRef) -> "list[TypedParam]":
        count = self.domain_get_scheduler_type(dom)[1]
        return list(self._client.call("domain_get_scheduler_parameters", (dom, count))[0])

    def domain_get_scheduler_parameters_flags(self, dom: DomainRef, flags: int = 0) -> "list[TypedParam]":
        values = (dom, self.domain_get_scheduler_type(dom)[1], flags | _STRINGS_OKAY)
        return list(self._client.call("domain_get_scheduler_parameters_flags", values)[0])

    def node_get_cpu_map(self, flags: int = 0) -> "tuple[bytes, int, int]":
        cpumap, online, present = self._client.call("node_get_cpu_map", (1, 1, flags))
        return cpumap, online, present

    def node_get_cells_free_memory(self, start_cell: int, maxcells: int) -> "list[int]":
        (cells,) = self._client.call("node_get_cells_free_memory", (start_cell, maxcells))
        return list(cells)

    def _map_length(self) -> int:
        """Return how many bytes a map of the host's CPUs takes."""
        try:
            cpus = self.node_get_cpu_map()[2]
        except VirError as error:
            if error.code != NO_SUPPORT:
                raise
            _, _, _, _, nodes, sockets, cores, threads = self.node_get_info()
            cpus = nodes * sockets * cores * threads
        return (cpus + 7) // 8

    # -- what gives descriptors ---------------------------------------------------------------------

    def domain_open_graphics_fd(self, dom: DomainRef, idx: int, flags: int = 0) -> int:
        _, fds = self._client.call_for_fds("domain_open_graphics_fd", (dom, idx, flags))
        if len(fds) != 1:
            raise VirError(RPC, f"{len(fds)} descriptors came where one was asked for")
        return fds[0]

    def domain_open_namespace(self, dom: DomainRef, flags: int = 0) -> "list[int]":
        return self._client.call_for_fds("domain_open_namespace", (dom, flags))[1]

    # -- events ------------------------------------------------------------------------------------

    def next_events(self, timeout: "float | None") -> "list[Event]":
        return [
            event
            for struct, fields in self._client.messages(timeout)
            if (event := _event(struct, fields)) is not None
        ]


_EVENT_OF = {struct: key for key, struct in protocol.EVENT_IDS.items()}
_EVENT_OF["qemu_domain_monitor_event_msg"] = ("qemu", 0)


def _event(struct: str, fields: "tuple[Any, ...]") -> "Event | None":
    """Make an Event of a message: callback id, then the object, then the rest, wrapped or not."""
    if struct not in _EVENT_OF:
        return None
    kind, event_id = _EVENT_OF[struct]
    callback_id, *rest = fields
    if isinstance(rest[-1], tuple) and struct.startswith("remote_domain_event_callback"):
        rest = [*rest[-1], *rest[:-1]]
    ref = rest[0]
    assert isinstance(ref, Ref), struct
    return Event(kind, event_id, callback_id, ref, tuple(rest[1:]))


# -- the generic path --------------------------------------------------------------------------------


def _make(name: str) -> "Callable[..., Any]":
    """Make the method for procedure `name`."""
    marks = protocol.PROCEDURES[name][2]
    as_bool = any(mark in name for mark in ("_is_", "_has_", "get_autostart"))
    takes_fds = "i" in marks
    with_strings = name in _WITH_STRINGS
    # How many values a call has that goes over the wire just as it is given, and comes back so; -1: none.
    direct: int | None = None

    def method(self: RemoteDriver, *values: Any, flags: int = 0, fds: "tuple[int, ...]" = ()) -> Any:
        nonlocal direct
        if direct is None:
            direct = -1 if takes_fds or with_strings or as_bool else _direct(name)
        if len(values) == direct:
            answer = self._client.call(name, values)
            return answer[0] if len(answer) == 1 else answer or None
        takes = names(name, "args")
        given = list(values)
        if takes_fds and (listed := [value for value in given if isinstance(value, list)]):
            given.remove(listed[0])
            fds = tuple(listed[0])
            _check_open(fds)
        arguments = _arguments(takes, given, flags)
        if with_strings:
            arguments = (*arguments[:-1], arguments[-1] | _STRINGS_OKAY)
        if "r" in marks or "w" in marks:
            result, stream = self._client.open_stream(name, arguments)
            return (result[0], stream) if result else stream
        gives = names(name, "ret")
        try:
            result = self._client.call(name, arguments, fds)
        except VirError as error:
            error.counting = "nparams" in takes
            raise
        if "nparams" in takes and "nparams" in gives and not result[gives.index("params")]:
            count = result[gives.index("nparams")]
            if count:
                sized = tuple(count if f == "nparams" else v for f, v in zip(takes, arguments, strict=True))
                result = _fill(self._client, name, sized)
        return _shaped(gives, result, as_bool=as_bool)

    method.__name__ = name
    return method


def _fill(client: Client, name: str, sized: "tuple[Any, ...]") -> "tuple[Any, ...]":
    """Ask for typed parameters whose number is known."""
    try:
        return client.call(name, sized)
    except VirError as error:
        error.counted = True
        raise


def _direct(name: str) -> int:
    """Return how many arguments a call has that needs nothing filled in, counted or opened; -1: it does."""
    marks = protocol.PROCEDURES[name][2]
    takes, gives = names(name, "args"), names(name, "ret")
    if set(marks) & set("rw") or any(field in FILLED for field in takes):
        return -1
    return -1 if len(gives) > 1 and any(field in COUNTS for field in gives) else len(takes)


def _check_open(fds: "tuple[int, ...]") -> None:
    """Refuse descriptors that are not open.  Errors: SYSTEM_ERROR."""
    for fd in fds:
        try:
            os.fstat(fd)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or "Bad file descriptor"
            raise VirError(SYSTEM_ERROR, f"Cannot duplicate FD {fd}: {reason}") from error


def _arguments(takes: "list[str]", given: "list[Any]", flags: int) -> "tuple[Any, ...]":
    """Put what the caller gave into the order of the message, filling what it leaves out."""
    values = iter(given)
    arguments: list[Any] = []
    for field in takes:
        if field in FILLED:
            arguments.append(FILLED[field])
        else:
            arguments.append(next(values, flags if field == "flags" else 0))
    return tuple(arguments)


def _shaped(gives: "list[str]", result: "tuple[Any, ...]", *, as_bool: bool) -> Any:
    """Return the answer as `Driver` words it: without counts, single values as themselves."""
    has_data = any(isinstance(value, (list, bytes)) for value in result)
    kept = [value for field, value in zip(gives, result, strict=True) if not (has_data and field in COUNTS)]
    if not kept:
        return None
    if len(kept) > 1:
        return tuple(kept)
    return bool(kept[0]) if as_bool and isinstance(kept[0], int) else kept[0]


for _name in protocol.PROCEDURES:
    if hasattr(Driver, _name) and _name not in vars(RemoteDriver):
        setattr(RemoteDriver, _name, _make(_name))
