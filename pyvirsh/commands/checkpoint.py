"""Checkpoints of domains: points since which changed blocks are known, for incremental backups.

Source: virsh(1); texts and calls measured on virsh 11.3.0.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import NO_DOMAIN_CHECKPOINT, VirError
from pyvirsh.commands import files, moments, xpath
from pyvirsh.commands.options import DOMAIN_ACTIVE, WRAP, XPATH, domain
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, exclusive, flag, requires, text, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import CheckpointRef, DomainRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Checkpoint", "checkpoint")

DOMAIN_WITH = domain("has-checkpoint")
NAME = word("checkpointname", "name of the checkpoint", "checkpoint")

# -- making one ----------------------------------------------------------------------------------------

CREATE_FLAGS = {
    "redefine": c.DOMAIN_CHECKPOINT_CREATE_REDEFINE,
    "redefine-validate": c.DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE,
    "quiesce": c.DOMAIN_CHECKPOINT_CREATE_QUIESCE,
}
QUIESCE = flag("quiesce", "have the guest agent write everything to the disks first")


@TABLE.command(
    "checkpoint-create",
    "make a checkpoint as an XML file describes it",
    options=(
        DOMAIN_ACTIVE,
        word("xmlfile", "file with the XML; libvirt chooses when left out", "file-path", required=False),
        flag("redefine", "make known a checkpoint that is there already"),
        flag("redefine-validate", "and make sure that its bitmaps are there"),
        QUIESCE,
    ),
    rules=(requires("redefine-validate", "redefine"),),
)
def checkpoint_create(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    path = args.xmlfile
    xml = files.read(path) if path is not None else "<domaincheckpoint/>"
    made = ctx.driver.domain_checkpoint_create_xml(dom, xml, moments.flags_of(args, CREATE_FLAGS))
    moments.say_created(ctx, "checkpoint", made.name, path)


@TABLE.command(
    "checkpoint-create-as",
    "make a checkpoint as options describe it",
    options=(
        DOMAIN_ACTIVE,
        text("name", "name of the checkpoint", "none", fills=True),
        text("description", "what it is for", "none", fills=True),
        flag("print-xml", "show the XML, make nothing"),
        QUIESCE,
        words("diskspec", "a disk: DISK[,checkpoint=TYPE][,bitmap=NAME]", positional=False),
    ),
)
def checkpoint_create_as(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    xml = moments.document("domaincheckpoint", args, lambda: moments.disk_lines(args.diskspec, _disk_lines))
    if args.print_xml:
        ctx.out.xml(xml + "\n")
        return
    made = ctx.driver.domain_checkpoint_create_xml(dom, xml, moments.flags_of(args, CREATE_FLAGS))
    moments.say_created(ctx, "checkpoint", made.name)


def _disk_lines(spec: str) -> "list[str]":
    keys = ("checkpoint", "bitmap")
    head, values = moments.read_disk(spec, keys)
    return [f"{head}{moments.attributes(values, keys)}/>"]


# -- finding one -----------------------------------------------------------------------------------------


def named(ctx: "Session", args: "Args") -> "tuple[DomainRef, CheckpointRef]":
    """Find the domain and the checkpoint that the options name."""
    name = args.checkpointname
    dom = ctx.domain(args.domain)
    return dom, ctx.driver.domain_checkpoint_lookup_by_name(dom, name)


XML_FLAGS = {
    "security-info": c.DOMAIN_CHECKPOINT_XML_SECURE,
    "no-domain": c.DOMAIN_CHECKPOINT_XML_NO_DOMAIN,
    "size": c.DOMAIN_CHECKPOINT_XML_SIZE,
}


@TABLE.command(
    "checkpoint-dumpxml",
    "show a checkpoint as XML",
    options=(
        DOMAIN_WITH,
        NAME,
        flag("security-info", "show passwords, too"),
        flag("no-domain", "without the domain's description"),
        flag("size", "and how much has changed since"),
        XPATH,
        WRAP,
    ),
)
def checkpoint_dumpxml(ctx: "Session", args: "Args") -> None:
    flags = moments.flags_of(args, XML_FLAGS)
    if args.values.get("xpath") == "":
        raise CommandFailed
    _, checkpoint = named(ctx, args)
    xpath.show(ctx, args, lambda: ctx.driver.domain_checkpoint_get_xml_desc(checkpoint, flags))


@TABLE.command("checkpoint-parent", "show the name of a checkpoint's parent", options=(DOMAIN_WITH, NAME))
def checkpoint_parent(ctx: "Session", args: "Args") -> None:
    _, checkpoint = named(ctx, args)
    parent = _parent(ctx, checkpoint)
    if parent is None:
        raise CommandFailed(f"checkpoint '{checkpoint.name}' has no parent")
    ctx.out.data({"parent": parent}, parent)


def _parent(ctx: "Session", checkpoint: "CheckpointRef") -> "str | None":
    """Return the name of a checkpoint's parent; None if it has none."""
    try:
        return ctx.driver.domain_checkpoint_get_parent(checkpoint).name
    except VirError as error:
        if error.code == NO_DOMAIN_CHECKPOINT:
            return None
        raise CommandFailed(error.text, "unable to determine if checkpoint has parent") from error


@TABLE.command("checkpoint-info", "show a checkpoint's main facts", options=(DOMAIN_WITH, NAME))
def checkpoint_info(ctx: "Session", args: "Args") -> None:
    dom, checkpoint = named(ctx, args)
    driver = ctx.driver
    fields: list[tuple[str, str, object]] = [
        ("Name:", "name", checkpoint.name),
        ("Domain:", "domain", dom.name),
    ]
    try:
        try:
            fields.append(("Parent:", "parent", _parent(ctx, checkpoint)))
        except CommandFailed as error:
            problem = "unexpected problem querying checkpoint state"
            raise CommandFailed(*error.texts, problem) from error
        children = driver.domain_checkpoint_list_all_children(checkpoint)
        fields.append(("Children:", "children", len(children)))
        flags = c.DOMAIN_CHECKPOINT_LIST_DESCENDANTS
        below = driver.domain_checkpoint_list_all_children(checkpoint, flags)
        fields.append(("Descendants:", "descendants", len(below)))
    finally:
        ctx.out.fields(fields)


# -- list ------------------------------------------------------------------------------------------------

LIST_FLAGS = {
    "roots": c.DOMAIN_CHECKPOINT_LIST_ROOTS,
    "descendants": c.DOMAIN_CHECKPOINT_LIST_DESCENDANTS,
    "leaves": c.DOMAIN_CHECKPOINT_LIST_LEAVES,
    "no-leaves": c.DOMAIN_CHECKPOINT_LIST_NO_LEAVES,
    "topological": c.DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL,
}


@TABLE.command(
    "checkpoint-list",
    "list a domain's checkpoints",
    options=(
        DOMAIN_WITH,
        flag("parent", "show their parents"),
        flag("roots", "only those without a parent"),
        flag("leaves", "only those without children"),
        flag("no-leaves", "only those with children"),
        flag("tree", "under their parents"),
        text("from", "only children of this checkpoint", "checkpoint", fills=True),
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
    ),
)
def checkpoint_list(ctx: "Session", args: "Args") -> None:
    moments.refuse_in_tree(args)
    if args.descendants and not args.given("from"):
        raise CommandFailed("--descendants requires --from")
    dom = ctx.domain(args.domain)
    driver, name = ctx.driver, args["from"]
    start = driver.domain_checkpoint_lookup_by_name(dom, name) if name is not None else None
    flags = moments.flags_of(args, LIST_FLAGS)
    with ctx.failing("unexpected problem querying checkpoints"):
        if start is None:
            found = driver.domain_list_all_checkpoints(dom, flags)
        else:
            found = driver.domain_checkpoint_list_all_children(start, flags)
    kind = moments.Kind(driver.domain_checkpoint_get_xml_desc, driver.domain_checkpoint_get_parent)
    moments.show(ctx, args, kind, found, start)


# -- changing and deleting one -----------------------------------------------------------------------------


@TABLE.command("checkpoint-edit", "change a checkpoint's XML in an editor", options=(DOMAIN_WITH, NAME))
def checkpoint_edit(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.editing import Edit, edit_xml

    dom, checkpoint = named(ctx, args)
    driver, name = ctx.driver, checkpoint.name
    flags = c.DOMAIN_CHECKPOINT_CREATE_REDEFINE
    edit = Edit(
        fetch=lambda: driver.domain_checkpoint_get_xml_desc(checkpoint, c.DOMAIN_CHECKPOINT_XML_SECURE),
        apply=lambda xml: driver.domain_checkpoint_create_xml(dom, xml, flags),
        unchanged=f"Checkpoint {name} XML configuration not changed.",
        edited=lambda made: _edited(ctx, name, made),
    )
    with moments.updating(name):
        edit_xml(ctx, edit)


def _edited(ctx: "Session", name: str, made: "CheckpointRef") -> str:
    """Return what to say after an edit.  Errors: CommandFailed if the name has changed."""
    if made.name == name:
        return f"Checkpoint {name} edited."
    flags = c.DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY
    moments.clean_up(made.name, lambda: ctx.driver.domain_checkpoint_delete(made, flags))
    raise CommandFailed(f"Cannot rename checkpoint {name} to {made.name}")


DELETE_FLAGS = {
    "children": c.DOMAIN_CHECKPOINT_DELETE_CHILDREN,
    "children-only": c.DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY,
    "metadata": c.DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY,
}


@TABLE.command(
    "checkpoint-delete",
    "delete a checkpoint",
    options=(
        domain("active|has-checkpoint"),
        NAME,
        flag("children", "and all that come from it"),
        flag("children-only", "only those that come from it"),
        flag("metadata", "only what libvirt knows of it"),
    ),
)
def checkpoint_delete(ctx: "Session", args: "Args") -> None:
    _, checkpoint = named(ctx, args)
    with ctx.failing(f"Failed to delete checkpoint {checkpoint.name}"):
        ctx.driver.domain_checkpoint_delete(checkpoint, moments.flags_of(args, DELETE_FLAGS))
    moments.say_deleted(ctx, args, "checkpoint", checkpoint.name)
