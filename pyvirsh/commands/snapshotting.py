"""Making snapshots of domains, from a file or from options.

Source: virsh(1); texts and calls measured on virsh 11.3.0.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.conf.xml import escape
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.commands import files, moments
from pyvirsh.commands.options import DOMAIN, VALIDATE
from pyvirsh.commands.virsh import split_commas
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, flag, text, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef, SnapshotRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Snapshot", "snapshot")

CREATE_OPTIONS = (
    flag("no-metadata", "let libvirt forget about it once it is made"),
    flag("halt", "stop the domain afterwards"),
    flag("disk-only", "of the disks, not of memory and devices"),
    flag("reuse-external", "into files that are there already"),
    flag("quiesce", "have the guest agent write everything to the disks first"),
    flag("atomic", "all disks or none"),
    flag("live", "while the domain runs on"),
    VALIDATE,
)
CREATE_FLAGS = {
    "redefine": c.DOMAIN_SNAPSHOT_CREATE_REDEFINE,
    "current": c.DOMAIN_SNAPSHOT_CREATE_CURRENT,
    "no-metadata": c.DOMAIN_SNAPSHOT_CREATE_NO_METADATA,
    "halt": c.DOMAIN_SNAPSHOT_CREATE_HALT,
    "disk-only": c.DOMAIN_SNAPSHOT_CREATE_DISK_ONLY,
    "reuse-external": c.DOMAIN_SNAPSHOT_CREATE_REUSE_EXT,
    "quiesce": c.DOMAIN_SNAPSHOT_CREATE_QUIESCE,
    "atomic": c.DOMAIN_SNAPSHOT_CREATE_ATOMIC,
    "live": c.DOMAIN_SNAPSHOT_CREATE_LIVE,
    "validate": c.DOMAIN_SNAPSHOT_CREATE_VALIDATE,
}


@TABLE.command(
    "snapshot-create",
    "make a snapshot as an XML file describes it",
    options=(
        DOMAIN,
        word("xmlfile", "file with the XML; libvirt chooses when left out", "file-path", required=False),
        flag("redefine", "make known a snapshot that is there already"),
        flag("current", "with --redefine: make it the current one"),
        *CREATE_OPTIONS,
    ),
)
def snapshot_create(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    path = args.xmlfile
    xml = files.read(path) if path is not None else "<domainsnapshot/>"
    made = _create(ctx, dom, xml, moments.flags_of(args, CREATE_FLAGS))
    moments.say_created(ctx, "snapshot", made.name, path)


@TABLE.command(
    "snapshot-create-as",
    "make a snapshot as options describe it",
    options=(
        DOMAIN,
        text("name", "name of the snapshot", "none", fills=True),
        text("description", "what it is for", "none", fills=True),
        flag("print-xml", "show the XML, make nothing"),
        *CREATE_OPTIONS,
        text("memspec", "where memory goes: [file=]NAME[,snapshot=TYPE]"),
        words(
            "diskspec",
            "a disk: DISK[,snapshot=TYPE][,driver=TYPE][,stype=TYPE][,file=NAME]",
            positional=False,
        ),
    ),
)
def snapshot_create_as(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    xml = moments.document(
        "domainsnapshot",
        args,
        lambda: _memory_lines(args.memspec) + moments.disk_lines(args.diskspec, _disk_lines),
    )
    if args.print_xml:
        ctx.out.xml(xml + "\n")
        return
    made = _create(ctx, dom, xml, moments.flags_of(args, CREATE_FLAGS))
    moments.say_created(ctx, "snapshot", made.name)


def _create(ctx: "Session", dom: "DomainRef", xml: str, flags: int) -> "SnapshotRef":
    """Make a snapshot; where --halt is not known, stop the domain after it.  Errors: CommandFailed."""
    driver = ctx.driver
    try:
        return driver.domain_snapshot_create_xml(dom, xml, flags)
    except VirError as error:
        if error.code != INVALID_ARG or not flags & c.DOMAIN_SNAPSHOT_CREATE_HALT:
            raise
    if not driver.domain_is_persistent(dom):
        raise CommandFailed("cannot halt after snapshot of transient domain")
    active = driver.domain_is_active(dom)
    made = driver.domain_snapshot_create_xml(dom, xml, flags & ~c.DOMAIN_SNAPSHOT_CREATE_HALT)
    if active:
        driver.domain_destroy(dom)
    return made


def _memory_lines(spec: "str | None") -> "list[str]":
    if spec is None:
        return []
    keys = ("snapshot", "file")
    # A path may stand without its key.
    pieces = [f"file={piece}" if piece.startswith("/") else piece for piece in split_commas(spec)]
    values = moments.read_pairs("memspec", spec, pieces, keys)
    return [f"  <memory{moments.attributes(values, keys)}/>"]


def _disk_lines(spec: str) -> "list[str]":
    """Return the element of one disk."""
    head, values = moments.read_disk(spec, ("snapshot", "driver", "stype", "file"))
    if values.get("stype", "file") not in ("file", "block"):
        kind = values["stype"]
        raise CommandFailed(f"Unknown storage type: '{kind}'", f"unable to parse diskspec: {spec}")
    if "stype" in values:
        values["type"] = values["stype"]
    head += moments.attributes(values, ("snapshot", "type"))
    inner = []
    if "driver" in values:
        inner.append(f"  <driver type='{escape(values['driver'])}'/>")
    if "file" in values:
        source = "dev" if values.get("stype") == "block" else "file"
        inner.append(f"  <source {source}='{escape(values['file'])}'/>")
    return [head + ">", *inner, "</disk>"] if inner else [head + "/>"]
