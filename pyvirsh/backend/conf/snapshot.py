"""Snapshots of a domain: XML in and out, and which of the domain's disks they hold how.

Source: libvirt's snapshot XML format; messages as observed.
"""

import os
import stat

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.cnumbers import c_integer
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.source import DiskSource
from pyvirsh.backend.conf.domain.views import inactive_node
from pyvirsh.backend.conf.model import Model, one, text
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    OPERATION_UNSUPPORTED,
    XML_ERROR,
    VirError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.conf.domain.disk import Disk

LOCATIONS = ("no", "internal", "external", "manual")
STATES = "nostate running blocked paused shutdown shutoff crashed pmsuspended disk-snapshot".split()
# States in which nothing but disks is held.
OFFLINE = ("shutoff", "disk-snapshot")


class SnapshotDisk(Model):
    """What is held of one disk."""

    tag = "disk"
    name: str | None = text("@name")
    snapshot: str | None = text("@snapshot", choices=LOCATIONS)
    type: str | None = text("@type")
    driver: str | None = text("driver/@type")
    source: DiskSource | None = one("source", DiskSource)

    def after_parse(self, element: xml.Element) -> None:
        if self.name is None:
            raise VirError(INTERNAL_ERROR, "missing name from disk snapshot element")
        if self.source is not None:
            self.type = self.type or "file"
            held = self.source.file or self.source.dev
            if held and self.snapshot not in (None, "external", "manual"):
                detail = f"file '{held}' for disk '{self.name}' requires use of external snapshot mode"
                raise VirError(CONFIG_UNSUPPORTED, detail)
        elif self.snapshot != "external":
            self.type = None


class Snapshot:
    """A snapshot; `domain` is the definition it was made of, `inactive` the one for the next start."""

    def __init__(self) -> None:
        self.name = ""
        self.description: str | None = None
        self.state: str | None = None
        self.parent: str | None = None
        self.created = 0
        self.memory: str | None = None
        self.memory_file: str | None = None
        self.disks: list[SnapshotDisk] = []
        self.domain: Domain | None = None
        self.inactive: Domain | None = None

    def to_node(self) -> xml.Node:
        node = xml.Node("domainsnapshot")
        for tag, value in (("name", self.name), ("description", self.description), ("state", self.state)):
            if value:
                node.add(tag).text = value
        if self.parent:
            node.add("parent").add("name").text = self.parent
        node.add("creationTime").text = str(self.created)
        if self.memory:
            memory = node.add("memory")
            memory.attrs["snapshot"] = self.memory
            if self.memory_file:
                memory.attrs["file"] = self.memory_file
        if self.disks:
            node.add("disks").kids.extend(disk.to_node() for disk in self.disks)
        return node

    def document(self, flags: int) -> str:
        """Return the XML text.  flags: whether with passwords, as virDomainXMLFlags say."""
        node = self.to_node()
        if self.domain is not None:
            node.kids.append(inactive_node(self.domain, flags))
        if self.inactive is not None:
            kid = inactive_node(self.inactive, flags)
            kid.tag = "inactiveDomain"
            node.kids.append(kid)
        return xml.write(node)


def parse_snapshot(
    root: xml.Element, now: int, *, redefine: bool, make_domain: "Callable[[xml.Element], Domain]"
) -> Snapshot:
    """Make a snapshot of a parsed element.

    now: the time for a new one; make_domain: how the driver reads a domain.  Errors: XML_ERROR,
    INTERNAL_ERROR, CONFIG_UNSUPPORTED.
    """
    snapshot = Snapshot()
    snapshot.name = _text(root, "name")
    if redefine and not snapshot.name:
        raise VirError(XML_ERROR, "a redefined snapshot must have a name")
    snapshot.name = snapshot.name or str(now)
    snapshot.description = _text(root, "description") or None
    snapshot.created = now
    if redefine:
        _read_existing(snapshot, root, make_domain)
    _read_memory(snapshot, root)
    snapshot.disks = [SnapshotDisk.parse(disk) for disk in root.iterfind("disks/*")]
    return snapshot


def _text(root: xml.Element, tag: str) -> str:
    found = root.find(tag)
    return (found.text or "") if found is not None else ""


def _read_existing(
    snapshot: Snapshot, root: xml.Element, make_domain: "Callable[[xml.Element], Domain]"
) -> None:
    """Read what only a snapshot that was made before has."""
    created = c_integer(_text(root, "creationTime"))
    if created is None or not -(1 << 63) <= created < 1 << 63:
        raise VirError(INTERNAL_ERROR, "missing creationTime from existing snapshot")
    snapshot.created = created
    parent = root.find("parent")
    snapshot.parent = (_text(parent, "name") or None) if parent is not None else None
    state = _text(root, "state")
    if not state:
        raise VirError(XML_ERROR, "missing state from existing snapshot")
    if state not in STATES:
        raise VirError(CONFIG_UNSUPPORTED, f"Invalid state '{state}' in domain snapshot XML")
    snapshot.state = state
    domain = root.find("domain")
    if domain is not None and domain.get("type"):
        snapshot.domain = make_domain(domain)
    inactive = root.find("inactiveDomain")
    if inactive is not None:
        snapshot.inactive = make_domain(inactive)


def _read_memory(snapshot: Snapshot, root: xml.Element) -> None:
    element = root.find("memory")
    mode = element.get("snapshot") if element is not None else None
    path = element.get("file") if element is not None else None
    if mode is not None and mode not in LOCATIONS[:3]:
        detail = f"Invalid value for attribute 'snapshot' in element 'memory': '{mode}'."
        raise VirError(XML_ERROR, detail)
    if mode is None:
        mode = "external" if path else None
        if mode is None and snapshot.state is not None:
            mode = "no" if snapshot.state in OFFLINE else "internal"
    if path and mode != "external":
        raise VirError(XML_ERROR, f"memory filename '{path}' requires external snapshot")
    if mode == "external" and not path:
        raise VirError(XML_ERROR, "external memory snapshots require a filename")
    if path and not path.startswith("/"):
        raise VirError(XML_ERROR, f"memory snapshot file path ({path}) must be absolute")
    snapshot.memory, snapshot.memory_file = mode, path


# -- disks -------------------------------------------------------------------------------------------


def find_disk(domain: Domain, name: str) -> int:
    """Return where the disk with a target or a source stands; -1 when there is none."""
    for at, disk in enumerate(domain.devices.disks):
        if name and name in (disk.target_dev, _path(disk)):
            return at
    return -1


def _path(disk: "Disk") -> "str | None":
    source = disk.source
    return (source.file or source.dev or source.dir or source.name) if source is not None else None


def _default(disk: "Disk", location: str) -> str:
    """Return how a disk is held that the snapshot does not speak of."""
    if _path(disk) is None and not (disk.source is not None and disk.source.volume):
        return "no"
    return disk.snapshot or ("no" if disk.readonly else location)


def align_disks(snapshot: Snapshot, location: str, *, match: bool) -> None:
    """Bring a snapshot's disks into the order of its domain's, and add those it does not speak of.

    location: how disks are held that say nothing; match: whether all must be held so.
    Errors: INTERNAL_ERROR without a domain; CONFIG_UNSUPPORTED for disks that cannot be held so.
    """
    if snapshot.domain is None:
        raise VirError(INTERNAL_ERROR, "missing domain in snapshot")
    domain = snapshot.domain
    if len(snapshot.disks) > len(domain.devices.disks):
        raise VirError(CONFIG_UNSUPPORTED, "too many disk snapshot requests for domain")
    held: dict[int, SnapshotDisk] = {}
    for disk in snapshot.disks:
        at = find_disk(domain, disk.name or "")
        if at < 0:
            raise VirError(CONFIG_UNSUPPORTED, f"no disk named '{disk.name}'")
        if at in held:
            raise VirError(CONFIG_UNSUPPORTED, f"disk '{disk.name}' specified twice")
        held[at] = disk
        _align(disk, domain.devices.disks[at], location, match)
    for at, there in enumerate(domain.devices.disks):
        if at not in held:
            held[at] = SnapshotDisk(name=there.target_dev, snapshot=_default(there, location))
    snapshot.disks = [held[at] for at in sorted(held)]
    for at in sorted(held):
        if held[at].snapshot == "external" and held[at].source is None:
            _name_overlay(held[at], domain.devices.disks[at], snapshot.name)


def _align(disk: SnapshotDisk, there: "Disk", location: str, match: bool) -> None:
    asked = disk.snapshot
    if asked is None:
        disk.snapshot = "external" if disk.source is not None else location
        if disk.source is None and there.snapshot and (not match or there.snapshot == "no"):
            disk.snapshot = there.snapshot
    if disk.snapshot == "manual":
        detail = "'manual' snapshot mode is not supported by the test driver"
        raise VirError(OPERATION_UNSUPPORTED, detail)
    left_out = disk.snapshot == "no" and (asked is None or _default(there, location) == "no")
    if match and disk.snapshot != location and not left_out:
        detail = f"disk '{disk.name}' must use snapshot mode '{location}'"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    disk.name = there.target_dev


def _name_overlay(disk: SnapshotDisk, there: "Disk", snapshot: str) -> None:
    """Make up the file that a disk goes on in.  Errors: CONFIG_UNSUPPORTED unless it is a file now."""
    path = _path(there)
    if path is None:
        detail = f"cannot generate external snapshot name for disk '{disk.name}' without source"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if there.type not in ("file", "block"):
        detail = f"cannot generate external snapshot name for disk '{disk.name}' on a '{there.type}' device"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    if not _is_file(path):
        detail = (
            f"source for disk '{disk.name}' is not a regular file;"
            " refusing to generate external snapshot name"
        )
        raise VirError(CONFIG_UNSUPPORTED, detail)
    directory, _, base = path.rpartition("/")
    disk.type = "file"
    disk.source = DiskSource(file=f"{directory}/{base.rpartition('.')[0] or base}.{snapshot}")


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False
