"""Between a message's fields and a `Driver` method's arguments and results, both ways.

`Driver` leaves out what only sizes a buffer and the counts that answer it; this table and these
functions are the one place that knows which those are.  No I/O.
"""

from __future__ import annotations

from pyvirsh.rpc import protocol, xdr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Arguments that `Driver` leaves out, and what a client sends for them.  A count that is 0 asks how
# many there are and is followed by a second call.
FILLED = {
    "need_results": 1,
    "need_map": 1,
    "need_online": 1,
    "nparams": 0,
    "maxnames": 16384,
    "maxStats": 1024,
    "maxerrors": 256,
    "maxinfo": 0,
    "maplen": 0,
    "ncpumaps": 0,
}
# Fields of an answer that only count the others.
COUNTS = ("ret", "nparams", "num", "nerrors")


def prefix(program: int) -> str:
    """Return what the names of a program's structs begin with."""
    return {protocol.QEMU_PROGRAM: "qemu", protocol.LXC_PROGRAM: "lxc"}.get(program, "remote")


_structs: "dict[tuple[str, str], str]" = {}


def struct_of(name: str, suffix: str) -> str:
    """Return the struct of a procedure's arguments ("args") or result ("ret"); "" if it has none."""
    found = _structs.get((name, suffix))
    if found is None:
        struct = f"{prefix(protocol.PROCEDURES[name][0])}_{name}_{suffix}"
        found = _structs[name, suffix] = struct if struct in protocol.STRUCTS else ""
    return found


def fields(struct: str) -> "list[tuple[str, str]]":
    """Return a struct's (field, type) pairs; none for ""."""
    return xdr.fields(struct) if struct else []


_names: "dict[tuple[str, str], list[str]]" = {}


def names(name: str, suffix: str) -> "list[str]":
    """Return the fields of a procedure's arguments ("args") or result ("ret")."""
    found = _names.get((name, suffix))
    if found is None:
        found = _names[name, suffix] = [field for field, _ in fields(struct_of(name, suffix))]
    return found


def for_driver(takes: "list[str]", values: "tuple[Any, ...]") -> "tuple[list[Any], dict[str, int]]":
    """Split a received call into what `Driver` takes and what it leaves out."""
    given: list[Any] = []
    left_out: dict[str, int] = {}
    for field, value in zip(takes, values, strict=True):
        if field in FILLED:
            left_out[field] = value
        else:
            given.append(value)
    return given, left_out


def answer(gives: "list[tuple[str, str]]", left_out: "dict[str, int]", result: Any) -> "tuple[Any, ...]":
    """Make the fields of an answer of what a `Driver` method returned."""
    if not gives:
        return ()
    has_data = any(_is_data(kind) for _, kind in gives)
    if not has_data and not left_out:
        plain = (result,) if len(gives) == 1 else tuple(result)
        return tuple(int(value) if isinstance(value, bool) else value for value in plain)
    counts = [field for field, _ in gives if has_data and field in COUNTS]
    single = len(gives) - len(counts) == 1
    values = iter((result,) if single else result)
    made: dict[str, Any] = {}
    for field, _ in gives:
        if field not in counts:
            made[field] = next(values)
    items = next((value for value in made.values() if isinstance(value, (list, bytes))), [])
    for field in counts:
        made[field] = next(values, len(items))
    _withhold(made, left_out)
    return tuple(int(made[field]) if isinstance(made[field], bool) else made[field] for field, _ in gives)


def _withhold(made: "dict[str, Any]", left_out: "dict[str, int]") -> None:
    """Answer a question about size with the size alone, and no map longer than was asked for."""
    if left_out.get("nparams", 1) == 0 and "nparams" in made or left_out.get("need_results", 1) == 0:
        for field, value in made.items():
            if isinstance(value, list):
                made[field] = []
    if "maxerrors" in left_out and "errors" in made:
        made["errors"] = made["errors"][: left_out["maxerrors"]]
        if left_out["maxerrors"]:
            made["nerrors"] = len(made["errors"])
    if "maplen" in left_out and "cpumaps" in made:
        maps = left_out.get("maxinfo", left_out.get("ncpumaps", 1))
        made["cpumaps"] = made["cpumaps"][: maps * left_out["maplen"]]
        if "num" in made:
            made["num"] = len(made["cpumaps"]) // max(left_out["maplen"], 1)
        if "ret" in made:
            made["ret"] = 1
    if left_out.get("need_map") == 0:
        made["cpumap"] = b""


def _is_data(kind: str) -> bool:
    kind = protocol.TYPEDEFS.get(kind, kind)
    return kind.endswith(">") and not kind.startswith(("string", "?"))
