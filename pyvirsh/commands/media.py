"""Detach disks; put media into drives and take them out."""

from pyvirsh.backend.constants import DOMAIN_AFFECT_CONFIG, DOMAIN_DEVICE_MODIFY_FORCE
from pyvirsh.commands.devicexml import (
    PERSISTENT,
    PERSISTENT_RULES,
    PRINT_XML,
    SOURCES,
    detach,
    devices,
    find_disk,
    impact,
)
from pyvirsh.commands.options import AFFECTED_RULES, CONFIG, CURRENT, DOMAIN, LIVE, affected
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, exclusive, flag, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.xml import Element
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")


@TABLE.command(
    "detach-disk",
    "detach a disk",
    options=(
        DOMAIN,
        word("target", "its name in the guest, like vdb, or its source", "disk-target"),
        PERSISTENT,
        CONFIG,
        LIVE,
        CURRENT,
        PRINT_XML,
    ),
    rules=PERSISTENT_RULES,
)
def detach_disk(ctx: "Session", args: "Args") -> None:
    from pyvirsh.backend.conf.xml import formatted

    dom = ctx.domain(args.domain)
    target = args.target
    inactive = (args.config or args.persistent) and not args.live
    document = formatted(find_disk(devices(ctx, dom, "disk", inactive=inactive), target))
    flags = impact(ctx, dom, args)
    if args.print_xml:
        ctx.out.xml(document)
        return
    with ctx.failing("Failed to detach disk"):
        detach(ctx, dom, document, flags, with_flags=args.current)
    ctx.out.note("Disk detached successfully")


@TABLE.command(
    "change-media",
    "change the medium in a CD-ROM or floppy drive",
    options=(
        DOMAIN,
        word("path", "target or source of the drive", "disk-target"),
        word("source", "new medium", "file-path", required=False),
        flag("eject", "take the medium out"),
        flag("insert", "put a medium into an empty drive"),
        flag("update", "put in another medium, or any into an empty drive; this is the default"),
        CURRENT,
        LIVE,
        CONFIG,
        flag("force", "do it even if the guest has locked the drive"),
        PRINT_XML,
        flag("block", "the new medium is a block device"),
    ),
    rules=(
        exclusive("eject", "insert"),
        exclusive("eject", "update"),
        exclusive("insert", "update"),
        exclusive("eject", "block"),
        *AFFECTED_RULES,
    ),
)
def change_media(ctx: "Session", args: "Args") -> None:
    from pyvirsh.backend.conf.xml import formatted

    source = args.source
    action = "insert" if args.insert else "eject" if args.eject or source is None else "update"
    flags = affected(args)
    dom = ctx.domain(args.domain)
    path = args.path
    disks = devices(ctx, dom, "disk", inactive=bool(flags & DOMAIN_AFFECT_CONFIG))
    disk = find_disk(disks, path, ("cdrom", "floppy"))
    if source is None and not args.eject and not args.update:
        raise CommandFailed("New disk media source was not specified")
    _change_medium(disk, path, None if args.eject else source, block=args.block, empty=args.insert)
    document = formatted(disk)
    if args.print_xml:
        ctx.out.xml(document)
        return
    with ctx.failing(f"Failed to complete action {action} on media"):
        force = DOMAIN_DEVICE_MODIFY_FORCE if args.force else 0
        ctx.driver.domain_update_device_flags(dom, document, flags | force)
    ctx.out.raw_note(f"Successfully {DONE[action]} media.")


DONE = {"eject": "ejected", "insert": "inserted", "update": "updated"}


def _change_medium(disk: "Element", path: str, new: "str | None", *, block: bool, empty: bool) -> None:
    """Change a drive's XML; new: the medium, None for none; empty: refuse a drive that has one.

    Errors: CommandFailed.
    """
    from pyvirsh.backend.conf.xml import unlink

    old = disk.find("source")
    if new is None and old is None:
        raise CommandFailed(f"The disk device '{path}' doesn't have media")
    if empty and old is not None and any(name in old.attrib for name in (*SOURCES, "pool")):
        raise CommandFailed(f"The disk device '{path}' already has media")
    policy = None if old is None else old.get("startupPolicy")
    if old is not None:
        unlink(old)
    disk.set("type", "block" if block else "file")
    if new is not None:
        source = disk.makeelement("source", {"dev" if block else "file": new})
        if policy is not None:
            source.set("startupPolicy", policy)
        disk.append(source)
