"""The tree that a domain's snapshots or checkpoints form.

Source: libvirt's list flags, and the order and errors virsh shows.
"""

from pyvirsh.backend.errors import INVALID_ARG, OPERATION_FAILED, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyvirsh.backend.conf.checkpoint import Checkpoint
    from pyvirsh.backend.conf.snapshot import Snapshot


class Moment:
    """A snapshot or checkpoint in its tree; `children` newest first, as libvirt lists them."""

    def __init__(
        self, name: str, definition: "Snapshot | Checkpoint | None", parent: "Moment | None"
    ) -> None:
        self.name = name
        self.definition = definition
        self.parent = parent
        self.children: list[Moment] = []

    def descendants(self) -> "Iterator[Moment]":
        """Yield all below it, each before its own children."""
        for child in self.children:
            yield child
            yield from child.descendants()


class Moments:
    """All snapshots or all checkpoints of a domain, and which is current."""

    def __init__(self) -> None:
        self.root = Moment("", None, None)
        self.current: Moment | None = None
        self._by_name: dict[str, Moment] = {}

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> "Moment | None":
        """Return one by name."""
        return self._by_name.get(name)

    def all(self) -> "list[Moment]":
        """Return all, in no order that means anything."""
        return list(self._by_name.values())

    def add(self, name: str, definition: "Snapshot | Checkpoint", parent: "str | None") -> Moment:
        """Put a new one in.  Errors: OPERATION_FAILED when the name is taken."""
        if name in self._by_name:
            raise VirError(OPERATION_FAILED, f"domain moment {name} already exists")
        above = self._by_name.get(parent or "", self.root)
        moment = Moment(name, definition, above)
        above.children.insert(0, moment)
        self._by_name[name] = moment
        return moment

    def check_parent(self, name: str, parent: "str | None") -> None:
        """Refuse a parent that is missing or would close a circle.  Errors: INVALID_ARG."""
        if parent is None:
            return
        if parent == name:
            raise VirError(INVALID_ARG, f"cannot set moment {name} as its own parent")
        above = self._by_name.get(parent)
        if above is None:
            raise VirError(INVALID_ARG, f"parent {parent} for moment {name} not found")
        while above is not None and above is not self.root:
            if above.name == name:
                raise VirError(INVALID_ARG, f"parent {parent} would create cycle to {name}")
            above = above.parent

    def move(self, moment: Moment, parent: "str | None") -> None:
        """Put one below another parent."""
        above = self._by_name.get(parent or "", self.root)
        assert moment.parent is not None
        moment.parent.children.remove(moment)
        above.children.insert(0, moment)
        moment.parent = above

    def drop(self, moment: Moment) -> None:
        """Remove one; its children go to its parent."""
        above = moment.parent
        assert above is not None
        above.children.remove(moment)
        for child in moment.children:
            child.parent = above
            _set_parent(child, above.name)
        above.children[:0] = moment.children
        del self._by_name[moment.name]
        if self.current is moment:
            self.current = above if above is not self.root else None

    def drop_children(self, moment: Moment) -> None:
        """Remove all below one, which becomes current if one of them was."""
        below = list(moment.descendants())
        for one in below:
            del self._by_name[one.name]
        if self.current in below:
            self.current = moment
        moment.children.clear()


def _set_parent(moment: Moment, name: str) -> None:
    assert moment.definition is not None
    moment.definition.parent = name or None
