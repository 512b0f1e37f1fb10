"""Snapshots of domains: making, listing, going back to and deleting them.

Source: virsh(1); texts and calls measured on virsh 11.3.0.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import SnapshotRef
from pyvirsh.backend.conf.xml import parse
from pyvirsh.backend.errors import SNAPSHOT_REVERT_RISKY, VirError
from pyvirsh.commands import moments, objects, xpath
from pyvirsh.commands.options import WRAP, XPATH, domain
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, exclusive, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Snapshot", "snapshot")

DOMAIN_WITH = domain("has-snapshot")
NAME = word("snapshotname", "name of the snapshot", "snapshot", required=False)
CURRENT = flag("current", "the current snapshot")
SECURITY_INFO = flag("security-info", "show passwords, too")

# -- finding one -----------------------------------------------------------------------------------------


def chosen(ctx: "Session", args: "Args", dom: "DomainRef", *, both: bool = False) -> SnapshotRef:
    """Find the snapshot that ``--snapshotname`` or ``--current`` names.  Errors: CommandFailed.

    both: allow the two together; the name then says which.
    """
    name = args.snapshotname
    if name is not None and args.current and not both:
        raise CommandFailed("--snapshotname and --current are mutually exclusive")
    if name is not None:
        return ctx.driver.domain_snapshot_lookup_by_name(dom, name)
    if not args.current:
        raise CommandFailed("--snapshotname or --current is required")
    return ctx.driver.domain_snapshot_current(dom)


@TABLE.command(
    "snapshot-current",
    "show the current snapshot, or make another one the current",
    options=(
        DOMAIN_WITH,
        flag("name", "show its name, not its XML"),
        SECURITY_INFO,
        word("snapshotname", "the snapshot to make the current one", "snapshot", required=False),
    ),
    rules=(exclusive("name", "snapshotname"),),
)
def snapshot_current(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    name, driver = args.snapshotname, ctx.driver
    if name is not None:
        snapshot = driver.domain_snapshot_lookup_by_name(dom, name)
        xml = driver.domain_snapshot_get_xml_desc(snapshot, c.DOMAIN_SNAPSHOT_XML_SECURE)
        flags = c.DOMAIN_SNAPSHOT_CREATE_REDEFINE | c.DOMAIN_SNAPSHOT_CREATE_CURRENT
        driver.domain_snapshot_create_xml(dom, xml, flags)
        ctx.out.raw_note(f"Snapshot {name} set as current")
        return
    if not driver.domain_has_current_snapshot(dom):
        raise CommandFailed(f"domain '{args.domain}' has no current snapshot")
    snapshot = driver.domain_snapshot_current(dom)
    if args.name:
        ctx.out.data({"name": snapshot.name}, snapshot.name)
    else:
        ctx.out.xml(driver.domain_snapshot_get_xml_desc(snapshot, _secure(args)))


def _secure(args: "Args") -> int:
    return c.DOMAIN_SNAPSHOT_XML_SECURE if args.security_info else 0


@TABLE.command(
    "snapshot-dumpxml",
    "show a snapshot as XML",
    options=(
        DOMAIN_WITH,
        word("snapshotname", "name of the snapshot", "snapshot"),
        SECURITY_INFO,
        XPATH,
        WRAP,
    ),
)
def snapshot_dumpxml(ctx: "Session", args: "Args") -> None:
    name = args.snapshotname
    dom = ctx.domain(args.domain)
    snapshot = ctx.driver.domain_snapshot_lookup_by_name(dom, name)
    xpath.show(ctx, args, lambda: ctx.driver.domain_snapshot_get_xml_desc(snapshot, _secure(args)))


@TABLE.command(
    "snapshot-parent",
    "show the name of a snapshot's parent",
    options=(DOMAIN_WITH, NAME, CURRENT),
)
def snapshot_parent(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    snapshot = chosen(ctx, args, dom)
    try:
        parent = ctx.driver.domain_snapshot_get_parent(snapshot)
    except VirError as error:
        raise CommandFailed(f"snapshot '{snapshot.name}' has no parent") from error
    ctx.out.data({"parent": parent.name}, parent.name)


@TABLE.command(
    "snapshot-info",
    "show a snapshot's main facts",
    options=(DOMAIN_WITH, NAME, CURRENT),
)
def snapshot_info(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    snapshot = chosen(ctx, args, dom)
    driver = ctx.driver
    fields: list[tuple[str, str, object]] = [
        ("Name:", "name", snapshot.name),
        ("Domain:", "domain", dom.name),
        ("Current:", "current", _is_current(ctx, snapshot)),
    ]
    try:
        fields += _described(driver.domain_snapshot_get_xml_desc(snapshot))
        fields.append(("Children:", "children", driver.domain_snapshot_num_children(snapshot)))
        below = driver.domain_snapshot_num_children(snapshot, c.DOMAIN_SNAPSHOT_LIST_DESCENDANTS)
        fields.append(("Descendants:", "descendants", below))
        metadata = objects.flag_of(lambda: bool(driver.domain_snapshot_has_metadata(snapshot)))
        fields.append(("Metadata:", "metadata", metadata))
    finally:
        ctx.out.fields(fields)


def _is_current(ctx: "Session", snapshot: SnapshotRef) -> bool:
    try:
        return ctx.driver.domain_snapshot_is_current(snapshot)
    except VirError:
        return False


def _described(xml: str) -> "list[tuple[str, str, object]]":
    """Return what a snapshot's description says of its state, its place and its parent."""
    root = parse(xml)
    state = root.findtext("./state")
    if state is None:
        raise CommandFailed("unexpected problem reading snapshot xml")
    memory = root.find("./memory")
    where = memory.get("snapshot") if memory is not None else None
    external = state == "disk-snapshot" or where == "external"
    if where == "no":
        external = any(disk.get("snapshot") == "external" for disk in root.iterfind("./disks/disk"))
    return [
        ("State:", "state", state),
        ("Location:", "location", "external" if external else "internal"),
        ("Parent:", "parent", root.findtext("./parent/name")),
    ]


# -- list ------------------------------------------------------------------------------------------------

LIST_FLAGS = {
    "roots": c.DOMAIN_SNAPSHOT_LIST_ROOTS,
    "descendants": c.DOMAIN_SNAPSHOT_LIST_DESCENDANTS,
    "leaves": c.DOMAIN_SNAPSHOT_LIST_LEAVES,
    "no-leaves": c.DOMAIN_SNAPSHOT_LIST_NO_LEAVES,
    "metadata": c.DOMAIN_SNAPSHOT_LIST_METADATA,
    "no-metadata": c.DOMAIN_SNAPSHOT_LIST_NO_METADATA,
    "inactive": c.DOMAIN_SNAPSHOT_LIST_INACTIVE,
    "active": c.DOMAIN_SNAPSHOT_LIST_ACTIVE,
    "disk-only": c.DOMAIN_SNAPSHOT_LIST_DISK_ONLY,
    "internal": c.DOMAIN_SNAPSHOT_LIST_INTERNAL,
    "external": c.DOMAIN_SNAPSHOT_LIST_EXTERNAL,
    "topological": c.DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL,
}


@TABLE.command(
    "snapshot-list",
    "list a domain's snapshots",
    options=(
        DOMAIN_WITH,
        flag("parent", "show their parents"),
        flag("roots", "only those without a parent"),
        flag("leaves", "only those without children"),
        flag("no-leaves", "only those with children"),
        flag("metadata", "only those that keep the domain from being undefined"),
        flag("no-metadata", "only those that libvirt keeps nothing about"),
        flag("inactive", "only those of a domain that was shut off"),
        flag("active", "only those of a domain that ran"),
        flag("disk-only", "only those of disks alone"),
        flag("internal", "only those inside the disks' files"),
        flag("external", "only those in files of their own"),
        flag("tree", "under their parents"),
        text("from", "only children of this snapshot", "snapshot", fills=True),
        flag("current", "only children of the current snapshot"),
        flag("descendants", "and children's children"),
        flag("name", "names only"),
        flag("topological", "parents before their children, not by name"),
    ),
    rules=(
        exclusive("tree", "name"),
        exclusive("parent", "roots"),
        exclusive("parent", "tree"),
        exclusive("roots", "tree"),
        exclusive("roots", "from"),
        exclusive("roots", "current"),
    ),
)
def snapshot_list(ctx: "Session", args: "Args") -> None:
    moments.refuse_in_tree(args, ("inactive", "active", "disk-only", "internal", "external"))
    if args.descendants and not args.given("from") and not args.current:
        raise CommandFailed("--descendants requires either --from or --current")
    dom = ctx.domain(args.domain)
    start = _start(ctx, args, dom)
    flags = moments.flags_of(args, LIST_FLAGS)
    driver = ctx.driver
    if start is None:
        found = _all(ctx, dom, flags)
    else:
        found = driver.domain_snapshot_list_all_children(start, flags)
    kind = moments.Kind(
        driver.domain_snapshot_get_xml_desc,
        driver.domain_snapshot_get_parent,
        (("State", "state", "./state"),),
    )
    moments.show(ctx, args, kind, found, start)


def _all(ctx: "Session", dom: "DomainRef", flags: int) -> "list[SnapshotRef]":
    try:
        return ctx.driver.domain_list_all_snapshots(dom, flags)
    except VirError:
        # virsh tries the calls of old then, and speaks of those.
        ctx.driver.domain_snapshot_num(dom)
        raise


def _start(ctx: "Session", args: "Args", dom: "DomainRef") -> "SnapshotRef | None":
    """Return the snapshot whose children are wanted; None for the domain's."""
    name = args["from"]
    if name is not None and args.current:
        raise CommandFailed("--from and --current are mutually exclusive")
    if name is not None:
        return ctx.driver.domain_snapshot_lookup_by_name(dom, name)
    return ctx.driver.domain_snapshot_current(dom) if args.current else None


# -- going back to, changing, deleting one -----------------------------------------------------------------

REVERT_FLAGS = {
    "running": c.DOMAIN_SNAPSHOT_REVERT_RUNNING,
    "paused": c.DOMAIN_SNAPSHOT_REVERT_PAUSED,
    "reset-nvram": c.DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM,
}


@TABLE.command(
    "snapshot-revert",
    "put a domain back to what it was at a snapshot",
    options=(
        DOMAIN_WITH,
        NAME,
        CURRENT,
        flag("running", "and let it run"),
        flag("paused", "and leave it paused"),
        flag("force", "even where something may get lost"),
        flag("reset-nvram", "and make the firmware's variables anew"),
    ),
)
def snapshot_revert(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    snapshot = chosen(ctx, args, dom)
    flags = moments.flags_of(args, REVERT_FLAGS)
    with ctx.failing(f"Failed to revert snapshot {snapshot.name}"):
        try:
            ctx.driver.domain_revert_to_snapshot(snapshot, flags)
        except VirError as error:
            if error.code != SNAPSHOT_REVERT_RISKY or not args.force:
                raise
            ctx.driver.domain_revert_to_snapshot(snapshot, flags | c.DOMAIN_SNAPSHOT_REVERT_FORCE)
    ctx.out.note(f"Domain snapshot {snapshot.name} reverted")


@TABLE.command(
    "snapshot-edit",
    "change a snapshot's XML in an editor",
    options=(
        DOMAIN_WITH,
        NAME,
        flag("current", "the current snapshot; with a name: make it the current one"),
        flag("rename", "allow its name to change"),
        flag("clone", "when its name changes, keep the old one, too"),
    ),
    rules=(exclusive("rename", "clone"),),
)
def snapshot_edit(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.editing import Edit, edit_xml

    dom = ctx.domain(args.domain)
    snapshot = chosen(ctx, args, dom, both=True)
    driver = ctx.driver
    flags = c.DOMAIN_SNAPSHOT_CREATE_REDEFINE
    unchanged: str | None = f"Snapshot {snapshot.name} XML configuration not changed."
    if args.current and args.given("snapshotname"):
        flags |= c.DOMAIN_SNAPSHOT_CREATE_CURRENT
        unchanged = None  # it becomes the current one all the same
    edit = Edit(
        fetch=lambda: driver.domain_snapshot_get_xml_desc(snapshot, c.DOMAIN_SNAPSHOT_XML_SECURE),
        apply=lambda xml: driver.domain_snapshot_create_xml(dom, xml, flags),
        unchanged=unchanged,
        edited=lambda made: _edited(ctx, args, snapshot, made),
    )
    with moments.updating(snapshot.name):
        edit_xml(ctx, edit)


def _edited(ctx: "Session", args: "Args", before: SnapshotRef, made: SnapshotRef) -> str:
    """Clean up after an edit; return what to say.  Errors: CommandFailed if the name may not change."""
    old, new = before.name, made.name
    if old == new:
        return f"Snapshot {old} edited."
    if args.clone:
        return f"Snapshot {old} cloned to {new}."
    superfluous = before if args.rename else made
    flags = c.DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY
    moments.clean_up(superfluous.name, lambda: ctx.driver.domain_snapshot_delete(superfluous, flags))
    if args.rename:
        return ""
    raise CommandFailed(f"Must use --rename or --clone to change {old} to {new}")


DELETE_FLAGS = {
    "children": c.DOMAIN_SNAPSHOT_DELETE_CHILDREN,
    "children-only": c.DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY,
    "metadata": c.DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY,
}


@TABLE.command(
    "snapshot-delete",
    "delete a snapshot",
    options=(
        DOMAIN_WITH,
        NAME,
        CURRENT,
        flag("children", "and all that come from it"),
        flag("children-only", "only those that come from it"),
        flag("metadata", "only what libvirt knows of it"),
    ),
)
def snapshot_delete(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    snapshot = chosen(ctx, args, dom)
    with ctx.failing(f"Failed to delete snapshot {snapshot.name}"):
        ctx.driver.domain_snapshot_delete(snapshot, moments.flags_of(args, DELETE_FLAGS))
    moments.say_deleted(ctx, args, "snapshot", snapshot.name)
