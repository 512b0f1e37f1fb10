"""What snapshots and checkpoints, the moments of a domain, have in common.

Source: virsh(1); texts and layouts measured on virsh 11.3.0.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from pyvirsh.backend.api import CheckpointRef, SnapshotRef
from pyvirsh.backend.conf.xml import escape, parse
from pyvirsh.backend.errors import VirError
from pyvirsh.commands import objects, tree
from pyvirsh.commands.virsh import split_commas
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import Shown, cell, plain

if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

M = TypeVar("M", SnapshotRef, CheckpointRef)

# -- making one ----------------------------------------------------------------------------------------


def flags_of(args: "Args", bits: "dict[str, int]") -> int:
    """Return the flags that the given options stand for."""
    return sum(bit for name, bit in bits.items() if args.given(name))


def document(root: str, args: "Args", middle: "Callable[[], list[str]]") -> str:
    """Make the description of a moment from ``--name``, ``--description`` and the lines of `middle`."""
    lines = [f"<{root}>"]
    for tag in ("name", "description"):
        if (value := args[tag]) is not None:
            lines.append(f"  <{tag}>{escape(value)}</{tag}>")
    return "\n".join([*lines, *middle(), f"</{root}>"]) + "\n"


def disk_lines(specs: "Sequence[str]", one: "Callable[[str], list[str]]") -> "list[str]":
    """Return the lines of the element that holds the disks; none without a ``--diskspec``."""
    if not specs:
        return []
    return ["  <disks>", *[f"    {line}" for spec in specs for line in one(spec)], "  </disks>"]


def read_pairs(what: str, spec: str, pieces: "Sequence[str]", keys: "Sequence[str]") -> "dict[str, str]":
    """Read ``KEY=VALUE`` pieces of a specification, each key at most once.  Errors: CommandFailed."""
    values: dict[str, str] = {}
    for piece in pieces:
        key, equals, value = piece.partition("=")
        if not equals or key not in keys or key in values:
            raise CommandFailed(f"unable to parse {what}: {spec}")
        values[key] = value
    return values


def read_disk(spec: str, keys: "Sequence[str]") -> "tuple[str, dict[str, str]]":
    """Read ``DISK[,KEY=VALUE]...``; returns how the disk's element begins and the values."""
    name, *pieces = split_commas(spec)
    values = read_pairs("diskspec", spec, pieces, keys)
    # An empty specification leaves the element's beginning out, as in virsh; the driver refuses it.
    return f"<disk name='{escape(name)}'" if spec else "", values


def attributes(values: "dict[str, str]", keys: "Sequence[str]") -> str:
    """Return the values as attributes, in the order of `keys`."""
    return "".join(f" {key}='{escape(values[key])}'" for key in keys if key in values)


def say_created(ctx: "Session", what: str, name: str, path: "str | None" = None) -> None:
    """Say that a moment was made, and from which file."""
    ctx.out.raw_note(f"Domain {what} {name} created" + (f" from '{path}'" if path is not None else ""))


# -- changing one ----------------------------------------------------------------------------------------


@contextmanager
def updating(name: str) -> "Iterator[None]":
    """Say that a moment could not be changed: before a driver's error, behind what we found ourselves."""
    try:
        yield
    except VirError as error:
        raise CommandFailed(f"Failed to update {name}", error.text) from error
    except CommandFailed as error:
        raise CommandFailed(*error.texts, f"Failed to update {name}") from error


def clean_up(name: str, delete: "Callable[[], None]") -> None:
    """Delete what an edit has left behind.  Errors: CommandFailed."""
    try:
        delete()
    except VirError as error:
        raise CommandFailed(error.text, f"Failed to clean up {name}") from error


def say_deleted(ctx: "Session", args: "Args", what: str, name: str) -> None:
    """Say what a delete command has deleted."""
    whose = " children" if args.children_only else ""
    ctx.out.note(f"Domain {what} {name}{whose} deleted")


# -- lists -----------------------------------------------------------------------------------------------


def refuse_in_tree(args: "Args", more: "tuple[str, ...]" = ()) -> None:
    """A tree cannot be drawn of leaves alone, nor of what options `more` pick.  Errors: CommandFailed."""
    for option in ("leaves", "no-leaves", *more):
        if args.given(option) and args.tree:
            raise CommandFailed(f"--{option} and --tree are mutually exclusive")


@dataclass(frozen=True)
class Kind(Generic[M]):
    """How a kind of moment is listed.

    fetch: gets a moment's description; parent: gets its parent or raises VirError.  details:
    further columns as (header, key, path in the description).
    """

    fetch: Callable[[M], str]
    parent: Callable[[M], M]
    details: Sequence[tuple[str, str, str]] = ()


def show(ctx: "Session", args: "Args", kind: Kind[M], found: list[M], start: M | None) -> None:
    """Write a list as ``--tree``, ``--name`` and ``--parent`` ask; a tree begins at `start`."""
    if not args.topological:
        found = sorted(found, key=objects.by_name)
    if args.tree:
        root: list[tuple[str, str | None]] = [(start.name, None)] if start is not None else []
        tree.show(ctx, root + [(moment.name, _parent(kind, moment)) for moment in found])
        return
    rows = [row for moment in found if (row := _row(kind, moment)) is not None]
    if args.name:
        text = "".join(_name_line(row, with_parent=args.parent) for row in rows)
        ctx.out.data([{"name": row["name"], "parent": plain(row["parent"])} for row in rows], text)
        return
    columns = [("Name", "name"), ("Creation Time", "created")]
    columns += [(header, key) for header, key, _ in kind.details]
    ctx.out.records(columns + ([("Parent", "parent")] if args.parent else []), rows)


def _parent(kind: Kind[M], moment: M) -> "str | None":
    try:
        return kind.parent(moment).name
    except VirError:
        return None


def _row(kind: Kind[M], moment: M) -> "dict[str, object] | None":
    """Return a moment as a row; None when its description cannot be read."""
    try:
        root = parse(kind.fetch(moment))
    except VirError:
        return None
    created = root.findtext("./creationTime")
    details = {key: root.findtext(path) for _, key, path in kind.details}
    if created is None or None in details.values():
        return None
    parent = root.findtext("./parent/name")
    return {
        "name": moment.name,
        "created": created_at(int(created)),
        **details,
        "parent": Shown(parent, parent or ""),
    }


def _name_line(row: "dict[str, object]", *, with_parent: bool) -> str:
    parent = f"\t{cell(row['parent'])}" if with_parent and plain(row["parent"]) else ""
    return f"{row['name']}{parent}\n"


def created_at(seconds: int) -> Shown:
    """Return a time of the epoch as the user's clock shows it."""
    return Shown(seconds, time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(seconds)))
