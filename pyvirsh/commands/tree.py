"""Objects under their parents, as lines: snapshots, checkpoints, node devices.

Source: measured in `shell-semantics`, section 8.4.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyvirsh.shell.session import Session

    # Names with the names of their parents, None for a root; siblings keep their order.
    Nodes = Sequence[tuple[str, str | None]]


def show(ctx: "Session", nodes: "Nodes") -> None:
    """Write the objects as a tree; as data, each with its parent."""
    ctx.out.data([{"name": name, "parent": parent} for name, parent in nodes], layout(nodes))


def layout(nodes: "Nodes") -> str:
    """Lay out all that hangs below the roots; what has a parent that is not there is left out."""
    children: dict[str | None, list[str]] = {}
    for name, parent in nodes:
        children.setdefault(parent, []).append(name)
    lines = [line for root in children.get(None, []) for line in _branch(children, root)]
    return "".join(line + "\n" for line in lines)


def _branch(children: "dict[str | None, list[str]]", root: str) -> "Iterator[str]":
    """Yield the lines of an object and of what is below it."""
    # Name, its line, what stands in front of the lines below, whether it is the last of its
    # siblings.  A stack of our own: chains of snapshots may be longer than Python's.
    pending = [(root, root, "", True)]
    while pending:
        name, head, indent, last = pending.pop()
        yield head
        below = children.get(name, [])
        if below:
            yield indent + "  |"
        elif last:
            yield indent
        for at in reversed(range(len(below))):
            ends = at == len(below) - 1
            pending.append(
                (below[at], f"{indent}  +- {below[at]}", indent + ("    " if ends else "  | "), ends)
            )
