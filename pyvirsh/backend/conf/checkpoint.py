"""Checkpoints of a domain: XML in and out, and which of the domain's disks they follow.

Source: libvirt's checkpoint XML format; messages as observed.
"""

import re

from pyvirsh.backend.conf import xml
from pyvirsh.backend.conf.domain.domain import Domain
from pyvirsh.backend.conf.domain.views import inactive_node
from pyvirsh.backend.conf.model import Model, text
from pyvirsh.backend.conf.snapshot import find_disk
from pyvirsh.backend.errors import (
    CONFIG_UNSUPPORTED,
    INTERNAL_ERROR,
    XML_ERROR,
    XML_INVALID_SCHEMA,
    VirError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class CheckpointDisk(Model):
    """How one disk is followed."""

    tag = "disk"
    name: str | None = text("@name")
    checkpoint: str | None = text("@checkpoint", choices=("no", "bitmap"))
    bitmap: str | None = text("@bitmap")


class Checkpoint(Model):
    """A checkpoint."""

    tag = "domaincheckpoint"
    name: str = text("name")
    description: str | None = text("description")
    parent: str | None = text("parent/name")
    created: int = 0

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.disks: list[CheckpointDisk] = []
        self.domain: Domain | None = None

    def document(self, flags: int, *, with_domain: bool) -> str:
        """Return the XML text.  flags: virDomainXMLFlags."""
        node = xml.Node(self.tag)
        node.add("name").text = self.name
        if self.description:
            node.add("description").text = self.description
        if self.parent:
            node.add("parent").add("name").text = self.parent
        node.add("creationTime").text = str(self.created)
        if self.disks:
            node.add("disks").kids.extend(disk.to_node() for disk in self.disks)
        if self.domain is not None and with_domain:
            node.kids.append(inactive_node(self.domain, flags))
        return xml.write(node)


def parse_checkpoint(
    root: xml.Element, now: int, *, redefine: bool, make_domain: "Callable[[xml.Element], Domain]"
) -> Checkpoint:
    """Make a checkpoint of a parsed element.

    now: the time for a new one; make_domain: how the driver reads a domain.
    Errors: XML_INVALID_SCHEMA, XML_ERROR, INTERNAL_ERROR.
    """
    check_shape(root)
    checkpoint = Checkpoint.parse(root)
    if redefine and not checkpoint.name:
        raise VirError(XML_ERROR, "a redefined checkpoint must have a name")
    checkpoint.name = checkpoint.name or str(now)
    checkpoint.created = now
    if redefine:
        created = root.findtext("creationTime") or ""
        if not created.strip().isdigit():
            raise VirError(INTERNAL_ERROR, "missing creationTime from existing checkpoint")
        checkpoint.created = int(created)
        domain = root.find("domain")
        if domain is not None:
            checkpoint.domain = make_domain(domain)
    else:
        checkpoint.parent = None
    disks = root.find("disks")
    if disks is not None:
        checkpoint.disks = [CheckpointDisk.parse(kid) for kid in disks if kid.tag == "disk"]
    return checkpoint


# How a disk may be called: by its target or its file.
_DISK = re.compile(r"(ioemu:)?(fd|hd|sd|vd|xvd|ubd)[a-zA-Z0-9_]+|/.*")
_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
# What a checkpoint's element may hold.
_KNOWN = ("name", "description", "disks", "creationTime", "domain", "parent")


def check_shape(root: xml.Element) -> None:
    """Refuse what libvirt's schema of checkpoints refuses, in its words.  Errors: XML_INVALID_SCHEMA."""
    seen = set()
    for kid in xml.children(root):
        tag = str(kid.tag)
        if tag not in _KNOWN:
            raise _misfit(f"Element domaincheckpoint has extra content: {tag}")
        if tag in seen or not _good(kid):
            raise _misfit(
                f"Extra element {tag} in interleave\nElement domaincheckpoint failed to validate content\n"
            )
        seen.add(tag)


def _good(kid: xml.Element) -> bool:
    """Say whether an element holds what it may."""
    if kid.tag == "name":
        return _NAME.fullmatch(kid.text or "") is not None
    if kid.tag == "disks":
        return _good_disks(kid)
    if kid.tag == "creationTime":
        return (kid.text or "").strip().isdigit()
    if kid.tag == "parent":
        return len(kid) == 1 and _NAME.fullmatch(kid.findtext("name") or "") is not None
    return kid.tag != "domain" or len(kid) > 0


def _good_disks(disks: xml.Element) -> bool:
    kids = list(xml.children(disks))
    return bool(kids) and all(kid.tag == "disk" and _good_disk(kid) for kid in kids)


def _good_disk(disk: xml.Element) -> bool:
    mode = disk.get("checkpoint")
    if not _DISK.fullmatch(disk.get("name") or "") or mode not in (None, "no", "bitmap"):
        return False
    if len(disk) or (disk.text or "").strip():
        return False
    return set(disk.keys()) <= {"name", "checkpoint", *(() if mode == "no" else ("bitmap",))}


def _misfit(detail: str) -> VirError:
    where = "Unable to validate doc against /usr/share/libvirt/schemas/domaincheckpoint.rng"
    return VirError(XML_INVALID_SCHEMA, f"{where}\n{detail}")


def align_disks(checkpoint: Checkpoint) -> None:
    """Bring the disks into the order of the domain's, and follow those that nothing is said of.

    Errors: INTERNAL_ERROR without a domain; CONFIG_UNSUPPORTED for disks the domain does not have.
    """
    if checkpoint.domain is None:
        raise VirError(INTERNAL_ERROR, "missing domain in checkpoint")
    there = checkpoint.domain.devices.disks
    if len(checkpoint.disks) > len(there):
        raise VirError(CONFIG_UNSUPPORTED, "too many disk checkpoint requests for domain")
    if not there:
        detail = "domain must have at least one disk to perform checkpoints"
        raise VirError(CONFIG_UNSUPPORTED, detail)
    spoken = bool(checkpoint.disks)
    held: dict[int, CheckpointDisk] = {}
    for disk in checkpoint.disks:
        at = find_disk(checkpoint.domain, disk.name or "")
        if at < 0:
            raise VirError(CONFIG_UNSUPPORTED, f"no disk named '{disk.name}'")
        if at in held:
            raise VirError(CONFIG_UNSUPPORTED, f"disk '{disk.name}' specified twice")
        disk.name = there[at].target_dev
        disk.checkpoint = disk.checkpoint or "bitmap"
        held[at] = disk
    for at, one in enumerate(there):
        if at not in held:
            empty = one.source is None or one.readonly
            mode = "no" if spoken or empty else "bitmap"
            held[at] = CheckpointDisk(name=one.target_dev, checkpoint=mode)
    checkpoint.disks = [held[at] for at in sorted(held)]
    for disk in checkpoint.disks:
        if disk.checkpoint == "bitmap":
            disk.bitmap = disk.bitmap or checkpoint.name
