"""Making storage volumes: from XML, from options, from other volumes."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import VirError
from pyvirsh.commands import files
from pyvirsh.commands.options import FILE, VALIDATE
from pyvirsh.commands.pool import POOL_ACTIVE
from pyvirsh.commands.volume import IN_POOL, VOL, parent_of, size_of
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import DEBUG
from pyvirsh.spec import Table, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import StoragePoolRef, StorageVolRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Storage Volume", "volume")

FORMATS = "enum:none,raw,dir,bochs,cloop,dmg,iso,vpc,vdi,fat,vhd,ploop,cow,qcow,qcow2,qed,vmdk"

PREALLOC = flag("prealloc-metadata", "write the tables of a qcow2 image at once, to make it faster")
REFLINK = flag("reflink", "share the data until it is changed, where the file system can")
PRINT_XML = flag("print-xml", "only show the XML that the options make")


def _flags(args: "Args") -> int:
    """Return the flags that the options of creating stand for, as far as the command has them."""
    values = {
        "prealloc-metadata": c.STORAGE_VOL_CREATE_PREALLOC_METADATA,
        "reflink": c.STORAGE_VOL_CREATE_REFLINK,
        "validate": c.STORAGE_VOL_CREATE_VALIDATE,
    }
    return sum(value for name, value in values.items() if args.given(name))


@TABLE.command("vol-create", "create a volume from XML", options=(POOL_ACTIVE, FILE, PREALLOC, VALIDATE))
def vol_create(ctx: "Session", args: "Args") -> None:
    pool = ctx.pool(args.pool)
    path = args.file
    xml = files.read(path)
    with ctx.failing(f"Failed to create vol from {path}"):
        vol = ctx.driver.storage_vol_create_xml(pool, xml, _flags(args))
    ctx.out.note(f"Vol {vol.name} created from {path}")


@TABLE.command(
    "vol-create-from",
    "create a volume from XML, with another volume's contents",
    options=(
        POOL_ACTIVE,
        FILE,
        VOL,
        text("inputpool", "pool of the other volume", "pool", fills=True),
        PREALLOC,
        REFLINK,
        VALIDATE,
    ),
)
def vol_create_from(ctx: "Session", args: "Args") -> None:
    pool = ctx.pool(args.pool)
    path = args.file
    source = ctx.volume(args, pool_option="inputpool")
    xml = files.read(path)
    with ctx.failing(f"Failed to create vol from {path}"):
        vol = ctx.driver.storage_vol_create_xml_from(pool, xml, source, _flags(args))
    ctx.out.note(f"Vol {vol.name} created from input vol {source.name}")


@TABLE.command(
    "vol-clone",
    "copy a volume within its pool",
    options=(VOL, word("newname", "name of the copy", "none"), IN_POOL, PREALLOC, REFLINK, PRINT_XML),
)
def vol_clone(ctx: "Session", args: "Args") -> None:
    source = ctx.volume(args)
    pool = parent_of(ctx, source)
    name = args.newname
    xml = renamed(ctx.driver.storage_vol_get_xml_desc(source), name)
    if args.print_xml:
        ctx.out.xml(xml)
        return
    with ctx.failing(f"Failed to clone vol from {source.name}"):
        vol = ctx.driver.storage_vol_create_xml_from(pool, xml, source, _flags(args))
    ctx.out.note(f"Vol {vol.name} cloned from {source.name}")


def renamed(xml: str, name: str) -> str:
    """Return a volume's XML with another name.  Errors: CommandFailed, VirError."""
    from pyvirsh.backend.conf import rearrange
    from pyvirsh.backend.conf.xml import children, local_name, parse

    root = parse(xml, "(volume_definition)")
    for child in children(root):
        if local_name(child) == "name":
            child.text = name
            return rearrange.text(root)
    raise CommandFailed("Failed to allocate XML buffer")


# -- from options -----------------------------------------------------------------------------------


@TABLE.command(
    "vol-create-as",
    "create a volume from options",
    options=(
        POOL_ACTIVE,
        word("name", "name of the volume", "none"),
        word("capacity", "how much it can hold, in bytes or with a unit", "none"),
        text("allocation", "how much of that to allocate at once; all unless said", "none", fills=True),
        text("format", "format of its file", FORMATS, fills=True),
        text("backing-vol", "volume that has what is not written here", fills=True),
        text("backing-vol-format", "format of that volume", FORMATS, fills=True),
        PREALLOC,
        PRINT_XML,
    ),
)
def vol_create_as(ctx: "Session", args: "Args") -> None:
    pool = ctx.pool(args.pool)
    name = args.name
    xml = _volume_xml(ctx, args, pool)
    if args.print_xml:
        ctx.out.xml(xml)
        return
    with ctx.failing(f"Failed to create vol {name}"):
        ctx.driver.storage_vol_create_xml(pool, xml, _flags(args))
    ctx.out.note(f"Vol {name} created")


def _volume_xml(ctx: "Session", args: "Args", pool: "StoragePoolRef") -> str:
    """Return the XML of the volume that the options describe.  Errors: CommandFailed, VirError."""
    from pyvirsh.backend.conf.xml import Node, write

    volume = Node("volume")
    volume.add("name").text = args.name
    volume.add("capacity").text = str(size_of(args.capacity))
    # An empty one is as good as none.
    allocation = args.values.get("allocation")
    if allocation:
        volume.add("allocation").text = str(size_of(str(allocation)))
    image, backing, backing_format = args.format, args.backing_vol, args.backing_vol_format
    if image:
        volume.add("target").add("format").attrs["type"] = image
    if backing:
        below = volume.add("backingStore")
        below.add("path").text = ctx.driver.storage_vol_get_path(_backing(ctx, pool, backing))
        if backing_format:
            below.add("format").attrs["type"] = backing_format
    return write(volume)


def _backing(ctx: "Session", pool: "StoragePoolRef", text: str) -> "StorageVolRef":
    """Find the volume below: by its name in the pool, by key, by path.  Errors: CommandFailed."""
    driver = ctx.driver
    tries: list[tuple[str, Callable[[], StorageVolRef]]] = [
        ("name", lambda: driver.storage_vol_lookup_by_name(pool, text)),
        ("key", lambda: driver.storage_vol_lookup_by_key(text)),
        ("path", lambda: driver.storage_vol_lookup_by_path(text)),
    ]
    reason = ""
    for what, look_up in tries:
        ctx.out.debug(DEBUG, f"{ctx.command}: Look up backing store volume '{text}' as {what}")
        try:
            vol = look_up()
        except VirError as error:
            reason = error.text
        else:
            ctx.out.debug(DEBUG, f"{ctx.command}: Backing store volume found using '{text}' as {what}")
            return vol
    raise CommandFailed(f"failed to get vol '{text}'", reason)
