"""Snapshots: made, defined anew, listed, returned to, deleted."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import DomainRef, SnapshotRef
from pyvirsh.backend.checks import allowed, exclusive, requires
from pyvirsh.backend.conf.domain.filling.inactive import strip
from pyvirsh.backend.conf.snapshot import OFFLINE, Snapshot, align_disks, parse_snapshot
from pyvirsh.backend.errors import (
    INVALID_ARG,
    NO_DOMAIN_SNAPSHOT,
    OPERATION_INVALID,
    OPERATION_UNSUPPORTED,
    SNAPSHOT_REVERT_RISKY,
    XML_INVALID_SCHEMA,
    VirError,
)
from pyvirsh.backend.test.base import TestBase
from pyvirsh.backend.test.guest import Definition, Guest
from pyvirsh.backend.test.lifecycle import finish
from pyvirsh.backend.test.moments import Moment
from pyvirsh.backend.test.prepare import parse_part, root_of

_CREATE_FLAGS = 0x3CB
_LIST_FLAGS = 0x7FF
_STATE_NAMES = {
    c.DOMAIN_RUNNING: "running",
    c.DOMAIN_BLOCKED: "blocked",
    c.DOMAIN_PAUSED: "paused",
    c.DOMAIN_SHUTDOWN: "shutdown",
    c.DOMAIN_SHUTOFF: "shutoff",
    c.DOMAIN_CRASHED: "crashed",
    c.DOMAIN_PMSUSPENDED: "pmsuspended",
}
_REDEFINE = (c.DOMAIN_SNAPSHOT_CREATE_REDEFINE, "DOMAIN_SNAPSHOT_CREATE_REDEFINE")
_CURRENT = (c.DOMAIN_SNAPSHOT_CREATE_CURRENT, "DOMAIN_SNAPSHOT_CREATE_CURRENT")
_NO_METADATA = (c.DOMAIN_SNAPSHOT_CREATE_NO_METADATA, "DOMAIN_SNAPSHOT_CREATE_NO_METADATA")
_HALT = (c.DOMAIN_SNAPSHOT_CREATE_HALT, "DOMAIN_SNAPSHOT_CREATE_HALT")
_RUNNING = (c.DOMAIN_SNAPSHOT_REVERT_RUNNING, "DOMAIN_SNAPSHOT_REVERT_RUNNING")
_PAUSED = (c.DOMAIN_SNAPSHOT_REVERT_PAUSED, "DOMAIN_SNAPSHOT_REVERT_PAUSED")
_CHILDREN = (c.DOMAIN_SNAPSHOT_DELETE_CHILDREN, "DOMAIN_SNAPSHOT_DELETE_CHILDREN")
_CHILDREN_ONLY = (c.DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY, "DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY")


def is_external(snapshot: Snapshot) -> bool:
    """Say whether any part of a snapshot is in a file of its own."""
    return snapshot.memory == "external" or any(disk.snapshot == "external" for disk in snapshot.disks)


def _snapshot(moment: Moment) -> Snapshot:
    assert isinstance(moment.definition, Snapshot)
    return moment.definition


def passes(moment: Moment, flags: int) -> bool:
    """Say whether a snapshot is among those that virDomainSnapshotListFlags ask for."""
    snapshot = _snapshot(moment)
    offline = snapshot.state in OFFLINE
    disks = snapshot.state == "disk-snapshot"
    pairs = (
        (c.DOMAIN_SNAPSHOT_LIST_LEAVES, c.DOMAIN_SNAPSHOT_LIST_NO_LEAVES, not moment.children),
        (c.DOMAIN_SNAPSHOT_LIST_METADATA, c.DOMAIN_SNAPSHOT_LIST_NO_METADATA, True),
        (c.DOMAIN_SNAPSHOT_LIST_EXTERNAL, c.DOMAIN_SNAPSHOT_LIST_INTERNAL, is_external(snapshot)),
    )
    if any(flags & (yes | no) and not flags & (yes if holds else no) for yes, no, holds in pairs):
        return False
    states = (
        c.DOMAIN_SNAPSHOT_LIST_ACTIVE | c.DOMAIN_SNAPSHOT_LIST_INACTIVE | c.DOMAIN_SNAPSHOT_LIST_DISK_ONLY
    )
    inactive = c.DOMAIN_SNAPSHOT_LIST_DISK_ONLY if disks else c.DOMAIN_SNAPSHOT_LIST_INACTIVE
    kind = inactive if offline else c.DOMAIN_SNAPSHOT_LIST_ACTIVE
    return not flags & states or bool(flags & kind)


class Snapshots(TestBase):
    """Snapshots."""

    # -- found and listed --------------------------------------------------------------------------

    def _moment(self, snap: SnapshotRef) -> "tuple[Guest, Moment]":
        guest = self.guest(snap.dom)
        moment = guest.snapshots.get(snap.name)
        if moment is None:
            detail = f"no domain snapshot with matching name '{snap.name}'"
            raise VirError(NO_DOMAIN_SNAPSHOT, detail)
        return guest, moment

    def domain_snapshot_lookup_by_name(self, dom: DomainRef, name: str, flags: int = 0) -> SnapshotRef:
        allowed(flags, 0, "testDomainSnapshotLookupByName")
        guest, moment = self._moment(SnapshotRef(name, dom))
        return SnapshotRef(moment.name, guest.ref)

    def domain_snapshot_get_xml_desc(self, snap: SnapshotRef, flags: int = 0) -> str:
        allowed(flags, c.DOMAIN_SNAPSHOT_XML_SECURE, "testDomainSnapshotGetXMLDesc")
        return _snapshot(self._moment(snap)[1]).document(flags)

    def domain_list_all_snapshots(self, dom: DomainRef, flags: int = 0) -> "list[SnapshotRef]":
        allowed(flags, _LIST_FLAGS, "testDomainListAllSnapshots")
        return self._listed(self.guest(dom), flags)

    def domain_snapshot_num(self, dom: DomainRef, flags: int = 0) -> int:
        allowed(flags, _LIST_FLAGS, "testDomainSnapshotNum")
        return len(self._listed(self.guest(dom), flags))

    def domain_snapshot_list_all_children(self, snapshot: SnapshotRef, flags: int = 0) -> "list[SnapshotRef]":
        allowed(flags, _LIST_FLAGS, "testDomainSnapshotListAllChildren")
        guest, moment = self._moment(snapshot)
        return self._refs(guest, _below(moment, flags), flags)

    def domain_snapshot_num_children(self, snap: SnapshotRef, flags: int = 0) -> int:
        allowed(flags, _LIST_FLAGS, "testDomainSnapshotNumChildren")
        guest, moment = self._moment(snap)
        return len(self._refs(guest, _below(moment, flags), flags))

    def _listed(self, guest: Guest, flags: int) -> "list[SnapshotRef]":
        if not guest.has_snapshots:
            return []
        # From the top the flag for descendants means the opposite: only roots.
        return self._refs(guest, _below(guest.snapshots.root, flags ^ c.DOMAIN_SNAPSHOT_LIST_ROOTS), flags)

    def _refs(self, guest: Guest, moments: "list[Moment]", flags: int) -> "list[SnapshotRef]":
        return [SnapshotRef(moment.name, guest.ref) for moment in moments if passes(moment, flags)]

    def domain_snapshot_get_parent(self, snap: SnapshotRef, flags: int = 0) -> SnapshotRef:
        allowed(flags, 0, "testDomainSnapshotGetParent")
        guest, moment = self._moment(snap)
        if moment.parent is None or moment.parent is guest.snapshots.root:
            raise VirError(NO_DOMAIN_SNAPSHOT, f"snapshot '{snap.name}' does not have a parent")
        return SnapshotRef(moment.parent.name, guest.ref)

    def domain_has_current_snapshot(self, dom: DomainRef, flags: int = 0) -> bool:
        allowed(flags, 0, "testDomainHasCurrentSnapshot")
        guest = self.guest(dom)
        return guest.has_snapshots and guest.snapshots.current is not None

    def domain_snapshot_current(self, dom: DomainRef, flags: int = 0) -> SnapshotRef:
        allowed(flags, 0, "testDomainSnapshotCurrent")
        guest = self.guest(dom)
        if not guest.has_snapshots or guest.snapshots.current is None:
            raise VirError(NO_DOMAIN_SNAPSHOT, "the domain does not have a current snapshot")
        return SnapshotRef(guest.snapshots.current.name, guest.ref)

    def domain_snapshot_is_current(self, snap: SnapshotRef, flags: int = 0) -> bool:
        allowed(flags, 0, "testDomainSnapshotIsCurrent")
        guest, moment = self._moment(snap)
        return guest.snapshots.current is moment

    def domain_snapshot_has_metadata(self, snap: SnapshotRef, flags: int = 0) -> int:
        allowed(flags, 0, "testDomainSnapshotHasMetadata")
        self._moment(snap)
        return 1

    # -- made --------------------------------------------------------------------------------------

    def domain_snapshot_create_xml(self, dom: DomainRef, xml_desc: str, flags: int = 0) -> SnapshotRef:
        requires(flags, _CURRENT, _REDEFINE)
        exclusive(flags, _REDEFINE, _NO_METADATA)
        exclusive(flags, _REDEFINE, _HALT)
        allowed(flags, _CREATE_FLAGS, "testDomainSnapshotCreateXML")
        guest = self.guest(dom)
        if guest.has_checkpoints:
            detail = "cannot create snapshot while checkpoint exists"
            raise VirError(OPERATION_UNSUPPORTED, detail)
        if not guest.persistent and flags & c.DOMAIN_SNAPSHOT_CREATE_HALT:
            raise VirError(OPERATION_INVALID, "cannot halt after transient domain snapshot")
        redefine = bool(flags & c.DOMAIN_SNAPSHOT_CREATE_REDEFINE)
        root = root_of(xml_desc, "domainsnapshot")
        if flags & c.DOMAIN_SNAPSHOT_CREATE_VALIDATE:
            _check_elements([str(kid.tag) for kid in root])
        snapshot = parse_snapshot(
            root,
            self.world.seconds(),
            redefine=redefine,
            make_domain=lambda element: parse_part(element, self.world),
        )
        moment = self._redefine(guest, snapshot) if redefine else self._make(guest, snapshot)
        if not redefine or flags & c.DOMAIN_SNAPSHOT_CREATE_CURRENT:
            guest.snapshots.current = moment
        if flags & c.DOMAIN_SNAPSHOT_CREATE_HALT and guest.active:
            finish(guest, c.DOMAIN_SHUTOFF_FROM_SNAPSHOT, c.DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT)
        return SnapshotRef(moment.name, guest.ref)

    def _make(self, guest: Guest, snapshot: Snapshot) -> Moment:
        snapshot.domain = guest.live.model.copy()
        strip(snapshot.domain)
        snapshot.state = _STATE_NAMES.get(guest.state, "nostate")
        location = "external"
        if snapshot.memory != "external":
            location = "internal"
            snapshot.memory = "internal" if guest.active else "no"
        align_disks(snapshot, location, match=location == "internal")
        current = guest.snapshots.current
        snapshot.parent = current.name if current is not None else None
        return guest.snapshots.add(snapshot.name, snapshot, snapshot.parent)

    def _redefine(self, guest: Guest, snapshot: Snapshot) -> Moment:
        snapshots = guest.snapshots
        snapshots.check_parent(snapshot.name, snapshot.parent)
        if snapshot.domain is not None and snapshot.domain.uuid != guest.uuid:
            detail = f"definition for snapshot {snapshot.name} must use uuid {guest.uuid}"
            raise VirError(INVALID_ARG, detail)
        known = snapshots.get(snapshot.name)
        if known is not None:
            _check_change(_snapshot(known), snapshot)
        external = snapshot.state == "disk-snapshot" or is_external(snapshot)
        align_disks(snapshot, "external" if external else "internal", match=not external)
        if known is None:
            return snapshots.add(snapshot.name, snapshot, snapshot.parent)
        known.definition = snapshot
        snapshots.move(known, snapshot.parent)
        return known

    # -- returned to and deleted -------------------------------------------------------------------

    def domain_revert_to_snapshot(self, snap: SnapshotRef, flags: int = 0) -> None:
        exclusive(flags, _RUNNING, _PAUSED)
        allowed(flags, 7, "testDomainRevertToSnapshot")
        guest, moment = self._moment(snap)
        snapshot = _snapshot(moment)
        offline = snapshot.state in OFFLINE
        forced = flags & (c.DOMAIN_SNAPSHOT_REVERT_RUNNING | c.DOMAIN_SNAPSHOT_REVERT_PAUSED)
        if not guest.persistent and offline and not forced:
            detail = "transient domain needs to request run or pause to revert to inactive snapshot"
            raise VirError(OPERATION_INVALID, detail)
        if snapshot.domain is None:
            if not flags & c.DOMAIN_SNAPSHOT_REVERT_FORCE:
                detail = f"snapshot '{snap.name}' lacks domain '{guest.name}' rollback info"
                raise VirError(SNAPSHOT_REVERT_RISKY, detail)
        guest.snapshots.current = moment
        _return_to(guest, snapshot, forced)

    def domain_snapshot_delete(self, snap: SnapshotRef, flags: int = 0) -> None:
        exclusive(flags, _CHILDREN, _CHILDREN_ONLY)
        allowed(flags, 5, "testDomainSnapshotDelete")
        guest, moment = self._moment(snap)
        if flags & (c.DOMAIN_SNAPSHOT_DELETE_CHILDREN | c.DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY):
            guest.snapshots.drop_children(moment)
        if not flags & c.DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY:
            guest.snapshots.drop(moment)


def _below(moment: Moment, flags: int) -> "list[Moment]":
    return list(moment.descendants() if flags & c.DOMAIN_SNAPSHOT_LIST_DESCENDANTS else moment.children)


def _check_elements(tags: "list[str]") -> None:
    """Refuse elements that no snapshot has.  Errors: XML_INVALID_SCHEMA."""
    known = (
        "name description state creationTime memory disks active domain inactiveDomain parent cookie".split()
    )
    for tag in tags:
        if tag not in known:
            where = "Unable to validate doc against /usr/share/libvirt/schemas/domainsnapshot.rng"
            raise VirError(XML_INVALID_SCHEMA, f"{where}\nElement domainsnapshot has extra content: {tag}")


def _check_change(before: Snapshot, after: Snapshot) -> None:
    """Refuse another state for a snapshot that is there; keep what the new definition leaves out."""
    running = [one.state not in OFFLINE for one in (before, after)]
    if running[0] != running[1]:
        detail = f"cannot change between online and offline snapshot state in snapshot {after.name}"
        raise VirError(INVALID_ARG, detail)
    if (before.state == "disk-snapshot") != (after.state == "disk-snapshot"):
        detail = f"cannot change between disk only and full system snapshot state in snapshot {after.name}"
        raise VirError(INVALID_ARG, detail)
    after.domain = after.domain or before.domain


def _return_to(guest: Guest, snapshot: Snapshot, forced: int) -> None:
    """Bring a domain to a snapshot's state, or to run or be paused where that is asked for."""
    pause = bool(forced & c.DOMAIN_SNAPSHOT_REVERT_PAUSED)
    if guest.active:
        guest.halt(c.DOMAIN_SHUTOFF_FROM_SNAPSHOT)
        guest.tell(c.DOMAIN_EVENT_STOPPED, c.DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT)
    if snapshot.domain is not None:
        guest.live = Definition(snapshot.domain.copy())
    guest.future = None
    if snapshot.state in OFFLINE:
        # The driver tells of a start that the domain does not make.
        if forced:
            guest.tell(c.DOMAIN_EVENT_STARTED, c.DOMAIN_EVENT_STARTED_FROM_SNAPSHOT)
        if pause:
            guest.tell(c.DOMAIN_EVENT_SUSPENDED, c.DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT)
        if not guest.persistent:
            guest.world.remove(guest)
        return
    pause = pause or snapshot.state == "paused" and not forced
    guest.run(c.DOMAIN_RUNNING_FROM_SNAPSHOT)
    if not guest.persistent:
        # What it came back as stays what it is called inactive, as in libvirt.
        guest.future = Definition(guest.live.model.copy())
    guest.tell(c.DOMAIN_EVENT_STARTED, c.DOMAIN_EVENT_STARTED_FROM_SNAPSHOT)
    if pause:
        guest.state, guest.reason = c.DOMAIN_PAUSED, c.DOMAIN_PAUSED_FROM_SNAPSHOT
        guest.tell(c.DOMAIN_EVENT_SUSPENDED, c.DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT)
