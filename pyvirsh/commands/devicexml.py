"""Devices in a domain's XML: find them, and hand their XML to the driver."""

import os
import stat

from pyvirsh.backend.constants import DOMAIN_AFFECT_CONFIG, DOMAIN_AFFECT_LIVE, DOMAIN_XML_INACTIVE
from pyvirsh.backend.errors import VirError
from pyvirsh.commands.options import affected
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import exclusive, flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef
    from pyvirsh.backend.conf.xml import Element
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

PERSISTENT = flag("persistent", "change the definition, and the domain if it runs")
PERSISTENT_RULES = (
    exclusive("persistent", "current"),
    exclusive("current", "live"),
    exclusive("current", "config"),
)
PRINT_XML = flag("print-xml", "write the XML instead of using it")

# The attributes of a disk's source that say where its data is.
SOURCES = ("file", "dev", "dir", "name")


def is_active(ctx: "Session", dom: "DomainRef") -> bool:
    """Say whether a domain runs; one that cannot be asked does not."""
    try:
        return ctx.driver.domain_is_active(dom)
    except VirError:
        return False


def impact(ctx: "Session", dom: "DomainRef", args: "Args") -> int:
    """Return what the options, --persistent included, say is to be changed."""
    flags = affected(args)
    if args.persistent:
        flags |= DOMAIN_AFFECT_CONFIG | (DOMAIN_AFFECT_LIVE if is_active(ctx, dom) else 0)
    return flags


def attach(ctx: "Session", dom: "DomainRef", args: "Args", document: str) -> None:
    """Attach a device as the options say.  Errors: VirError."""
    flags = impact(ctx, dom, args)
    if flags or args.current:
        ctx.driver.domain_attach_device_flags(dom, document, flags)
    else:
        ctx.driver.domain_attach_device(dom, document)


def detach(ctx: "Session", dom: "DomainRef", document: str, flags: int, *, with_flags: bool) -> None:
    """Detach a device; with_flags: in the way that takes flags even when there are none."""
    if flags or with_flags:
        ctx.driver.domain_detach_device_flags(dom, document, flags)
    else:
        ctx.driver.domain_detach_device(dom, document)


def devices(ctx: "Session", dom: "DomainRef", kind: str, *, inactive: bool) -> "list[Element]":
    """Return a domain's devices of a kind, of the definition or of the domain as it is now."""
    from pyvirsh.backend.conf.xml import parse

    document = ctx.driver.domain_get_xml_desc(dom, DOMAIN_XML_INACTIVE if inactive else 0)
    return parse(document).findall(f"devices/{kind}")


def find_disk(disks: "list[Element]", path: str, kinds: "tuple[str, ...]" = ()) -> "Element":
    """Return the disk, of one of `kinds` if any are named, with this target or source.

    Its backing files, which do not belong to a change of the disk, are left out.
    Errors: CommandFailed.
    """
    from pyvirsh.backend.conf.xml import unlink

    if not disks:
        raise CommandFailed("Failed to get disk information")
    for disk in disks:
        if kinds and disk.get("device") not in kinds:
            continue
        source, target = disk.find("source"), disk.find("target")
        names = [source.get(name) for name in SOURCES] if source is not None else []
        if path in names or (target is not None and target.get("dev") == path):
            for backing in disk.findall("backingStore"):
                unlink(backing)
            return disk
    raise CommandFailed(f"No disk found whose source path or target is {path}")


def is_block_device(path: str) -> bool:
    """Say whether there is a block device called `path` on this host."""
    try:
        return stat.S_ISBLK(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False
