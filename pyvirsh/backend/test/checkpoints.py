"""Checkpoints: made, defined anew, listed, deleted."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import CheckpointRef, DomainRef
from pyvirsh.backend.checks import allowed, exclusive, requires
from pyvirsh.backend.conf.checkpoint import Checkpoint, align_disks, parse_checkpoint
from pyvirsh.backend.conf.domain.filling.inactive import strip
from pyvirsh.backend.errors import INVALID_ARG, NO_DOMAIN_CHECKPOINT, OPERATION_UNSUPPORTED, VirError
from pyvirsh.backend.test.base import TestBase
from pyvirsh.backend.test.guest import Guest
from pyvirsh.backend.test.moments import Moment
from pyvirsh.backend.test.prepare import parse_part, root_of

_LIST_FLAGS = 0xF
_REDEFINE = (c.DOMAIN_CHECKPOINT_CREATE_REDEFINE, "DOMAIN_CHECKPOINT_CREATE_REDEFINE")
_VALIDATE = (
    c.DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE,
    "DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE",
)
_QUIESCE = (c.DOMAIN_CHECKPOINT_CREATE_QUIESCE, "DOMAIN_CHECKPOINT_CREATE_QUIESCE")
_CHILDREN = (c.DOMAIN_CHECKPOINT_DELETE_CHILDREN, "DOMAIN_CHECKPOINT_DELETE_CHILDREN")
_CHILDREN_ONLY = (c.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY, "DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY")
_LEAVES = c.DOMAIN_CHECKPOINT_LIST_LEAVES
_NO_LEAVES = c.DOMAIN_CHECKPOINT_LIST_NO_LEAVES


class Checkpoints(TestBase):
    """Checkpoints."""

    # -- found and listed --------------------------------------------------------------------------

    def _checkpoint(self, ref: CheckpointRef) -> "tuple[Guest, Moment]":
        guest = self.guest(ref.dom)
        moment = guest.checkpoints.get(ref.name)
        if moment is None:
            detail = f"no domain checkpoint with matching name '{ref.name}'"
            raise VirError(NO_DOMAIN_CHECKPOINT, detail)
        return guest, moment

    def domain_checkpoint_lookup_by_name(self, dom: DomainRef, name: str, flags: int = 0) -> CheckpointRef:
        allowed(flags, 0, "testDomainCheckpointLookupByName")
        guest, moment = self._checkpoint(CheckpointRef(name, dom))
        return CheckpointRef(moment.name, guest.ref)

    def domain_checkpoint_get_xml_desc(self, checkpoint: CheckpointRef, flags: int = 0) -> str:
        allowed(flags, 7, "testDomainCheckpointGetXMLDesc")
        definition = self._checkpoint(checkpoint)[1].definition
        assert isinstance(definition, Checkpoint)
        return definition.document(
            flags & c.DOMAIN_CHECKPOINT_XML_SECURE,
            with_domain=not flags & c.DOMAIN_CHECKPOINT_XML_NO_DOMAIN,
        )

    def domain_list_all_checkpoints(self, dom: DomainRef, flags: int = 0) -> "list[CheckpointRef]":
        allowed(flags, _LIST_FLAGS, "testDomainListAllCheckpoints")
        guest = self.guest(dom)
        if not guest.has_checkpoints:
            return []
        # From the top the flag for descendants means the opposite: only roots.
        return _refs(guest, guest.checkpoints.root, flags, deep=not flags & c.DOMAIN_CHECKPOINT_LIST_ROOTS)

    def domain_checkpoint_list_all_children(
        self, checkpoint: CheckpointRef, flags: int = 0
    ) -> "list[CheckpointRef]":
        allowed(flags, _LIST_FLAGS, "testDomainCheckpointListAllChildren")
        guest, moment = self._checkpoint(checkpoint)
        return _refs(guest, moment, flags, deep=bool(flags & c.DOMAIN_CHECKPOINT_LIST_DESCENDANTS))

    def domain_checkpoint_get_parent(self, checkpoint: CheckpointRef, flags: int = 0) -> CheckpointRef:
        allowed(flags, 0, "testDomainCheckpointGetParent")
        guest, moment = self._checkpoint(checkpoint)
        if moment.parent is None or moment.parent is guest.checkpoints.root:
            raise VirError(NO_DOMAIN_CHECKPOINT, f"checkpoint '{checkpoint.name}' does not have a parent")
        return CheckpointRef(moment.parent.name, guest.ref)

    # -- made and deleted --------------------------------------------------------------------------

    def domain_checkpoint_create_xml(self, dom: DomainRef, xml_desc: str, flags: int = 0) -> CheckpointRef:
        exclusive(flags, _REDEFINE, _QUIESCE)
        requires(flags, _VALIDATE, _REDEFINE)
        allowed(flags, 3, "testDomainCheckpointCreateXML")
        guest = self.guest(dom)
        if guest.has_snapshots:
            detail = "cannot create checkpoint while snapshot exists"
            raise VirError(OPERATION_UNSUPPORTED, detail)
        redefine = bool(flags & c.DOMAIN_CHECKPOINT_CREATE_REDEFINE)
        if not guest.active:
            detail = "cannot create checkpoint for inactive domain"
            raise VirError(OPERATION_UNSUPPORTED, detail)
        checkpoint = parse_checkpoint(
            root_of(xml_desc, "domaincheckpoint"),
            self.world.seconds(),
            redefine=redefine,
            make_domain=lambda element: parse_part(element, self.world),
        )
        moment = _redefine(guest, checkpoint) if redefine else _make(guest, checkpoint)
        guest.checkpoints.current = moment
        return CheckpointRef(moment.name, guest.ref)

    def domain_checkpoint_delete(self, checkpoint: CheckpointRef, flags: int = 0) -> None:
        exclusive(flags, _CHILDREN, _CHILDREN_ONLY)
        allowed(flags, 7, "testDomainCheckpointDelete")
        guest, moment = self._checkpoint(checkpoint)
        if flags & (c.DOMAIN_CHECKPOINT_DELETE_CHILDREN | c.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY):
            guest.checkpoints.drop_children(moment)
        if not flags & c.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY:
            guest.checkpoints.drop(moment)


def _refs(guest: Guest, above: Moment, flags: int, *, deep: bool) -> "list[CheckpointRef]":
    moments = above.descendants() if deep else above.children
    return [
        CheckpointRef(moment.name, guest.ref)
        for moment in moments
        if not flags & (_LEAVES | _NO_LEAVES) or flags & (_NO_LEAVES if moment.children else _LEAVES)
    ]


def _make(guest: Guest, checkpoint: Checkpoint) -> Moment:
    checkpoint.domain = guest.live.model.copy()
    strip(checkpoint.domain)
    align_disks(checkpoint)
    current = guest.checkpoints.current
    checkpoint.parent = current.name if current is not None else None
    return guest.checkpoints.add(checkpoint.name, checkpoint, checkpoint.parent)


def _redefine(guest: Guest, checkpoint: Checkpoint) -> Moment:
    checkpoints = guest.checkpoints
    checkpoints.check_parent(checkpoint.name, checkpoint.parent)
    if checkpoint.domain is not None:
        if checkpoint.domain.uuid != guest.uuid:
            detail = f"definition for checkpoint {checkpoint.name} must use uuid {guest.uuid}"
            raise VirError(INVALID_ARG, detail)
        align_disks(checkpoint)
    known = checkpoints.get(checkpoint.name)
    if known is None:
        return checkpoints.add(checkpoint.name, checkpoint, checkpoint.parent)
    assert isinstance(known.definition, Checkpoint)
    checkpoint.domain = checkpoint.domain or known.definition.domain
    known.definition = checkpoint
    checkpoints.move(known, checkpoint.parent)
    return known
