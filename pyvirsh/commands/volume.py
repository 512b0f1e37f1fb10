"""Storage volumes: list, show, resize, wipe, delete.  Making them is in `volcreate`."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import NO_SUPPORT, VirError
from pyvirsh.commands import objects, sizes, xpath
from pyvirsh.commands.options import WRAP, XPATH
from pyvirsh.commands.pool import POOL_ACTIVE, pool_option
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import ULONG_MAX, ScaleError, parse_scaled
from pyvirsh.shell.output import Shown
from pyvirsh.spec import Table, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import StoragePoolRef, StorageVolRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Storage Volume", "volume")

VOL = word("vol", "name, key or path of the volume", "volume")
VOL_ONLY = word("vol", "key or path of the volume", "volume-key")
IN_POOL = pool_option("active", required=False)

# By libvirt's numbers of them.
TYPES = ("file", "block", "dir", "network", "netdir", "ploop")
ALGORITHMS = (
    "zero",
    "nnsa",
    "dod",
    "bsi",
    "gutmann",
    "schneier",
    "pfitzner7",
    "pfitzner33",
    "random",
    "trim",
)


def size_of(typed: str) -> int:
    """Read a size with an optional suffix as bytes.  Errors: CommandFailed."""
    try:
        return parse_scaled(typed, 1, ULONG_MAX)
    except ScaleError as error:
        raise CommandFailed(f"Malformed size {typed}", *error.texts) from None


def parent_of(ctx: "Session", vol: "StorageVolRef") -> "StoragePoolRef":
    """Return the pool that a volume is in.  Errors: CommandFailed."""
    with ctx.failing("failed to get parent pool"):
        return ctx.driver.storage_pool_lookup_by_volume(vol)


# -- showing ------------------------------------------------------------------------------------------


@TABLE.command("vol-name", "show the name of the volume with a key or path", options=(VOL_ONLY,))
def vol_name(ctx: "Session", args: "Args") -> None:
    ctx.out.value("name", ctx.volume(args).name)


@TABLE.command("vol-key", "show a volume's key", options=(VOL, IN_POOL))
def vol_key(ctx: "Session", args: "Args") -> None:
    ctx.out.value("key", ctx.volume(args).key)


@TABLE.command("vol-path", "show a volume's path", options=(VOL, IN_POOL))
def vol_path(ctx: "Session", args: "Args") -> None:
    vol = ctx.volume(args)
    ctx.out.value("path", ctx.driver.storage_vol_get_path(vol))


@TABLE.command(
    "vol-pool",
    "show which pool a volume is in",
    options=(VOL_ONLY, flag("uuid", "show its UUID, not its name")),
)
def vol_pool(ctx: "Session", args: "Args") -> None:
    pool = parent_of(ctx, ctx.volume(args))
    if args.uuid:
        ctx.out.value("uuid", pool.uuid)
    else:
        ctx.out.value("name", pool.name)


@TABLE.command("vol-dumpxml", "show a volume's XML", options=(VOL, IN_POOL, XPATH, WRAP))
def vol_dumpxml(ctx: "Session", args: "Args") -> None:
    vol = ctx.volume(args)
    xpath.show(ctx, args, lambda: ctx.driver.storage_vol_get_xml_desc(vol))


@TABLE.command(
    "vol-info",
    "show a volume's type and sizes",
    options=(
        VOL,
        IN_POOL,
        flag("bytes", "show sizes in bytes"),
        flag("physical", "show what it takes up in its file or device, not what is allocated"),
    ),
)
def vol_info(ctx: "Session", args: "Args") -> None:
    vol = ctx.volume(args)
    fields: list[tuple[str, str, object]] = [("Name:", "name", vol.name)]
    try:
        if args.physical:
            info = ctx.driver.storage_vol_get_info_flags(vol, c.STORAGE_VOL_GET_PHYSICAL)
        else:
            info = ctx.driver.storage_vol_get_info(vol)
    except VirError:
        ctx.out.fields(fields)
        raise
    fields.append(("Type:", "type", _type(info)))
    used = "Physical" if args.physical else "Allocation"
    for label, size in (("Capacity", info[1]), (used, info[2])):
        shown = f"{size} bytes" if args.bytes else sizes.human(size, 2)
        fields.append((f"{label}:", label.lower(), Shown(size, shown)))
    ctx.out.fields(fields)


def _type(info: "tuple[int, int, int]") -> str:
    return TYPES[info[0]] if info[0] < len(TYPES) else "unknown"


@TABLE.command(
    "vol-list",
    "list the volumes of a pool",
    options=(POOL_ACTIVE, flag("details", "show types and sizes too")),
)
def vol_list(ctx: "Session", args: "Args") -> None:
    pool = ctx.pool(args.pool)
    counting = ("Failed to list storage volumes", "virStoragePoolNumOfVolumes")
    list_all = ctx.driver.storage_pool_list_all_volumes
    found = objects.listed(lambda flags: list_all(pool, flags), 0, "Failed to list volumes", counting)
    columns = [("Name", "name"), ("Path", "path")]
    if args.details:
        columns += [("Type", "type"), ("Capacity", "capacity"), ("Allocation", "allocation")]
    rows = [_row(ctx, vol, details=args.details) for vol in sorted(found, key=objects.by_name)]
    ctx.out.records(columns, rows)


def _row(ctx: "Session", vol: "StorageVolRef", *, details: bool) -> "dict[str, object]":
    unknown = Shown(None, "unknown")
    row: dict[str, object] = {"name": vol.name, "key": vol.key, "path": unknown}
    try:
        row["path"] = ctx.driver.storage_vol_get_path(vol)
    except VirError:
        row["path"] = unknown
    if not details:
        return row
    try:
        info = ctx.driver.storage_vol_get_info(vol)
    except VirError:
        return row | {"type": unknown, "capacity": unknown, "allocation": unknown}
    measured = {
        "capacity": Shown(info[1], sizes.human(info[1], 2)),
        "allocation": Shown(info[2], sizes.human(info[2], 2)),
    }
    return row | {"type": _type(info)} | measured


# -- changing -----------------------------------------------------------------------------------------


@TABLE.command(
    "vol-delete",
    "delete a volume",
    options=(VOL, IN_POOL, flag("delete-snapshots", "delete its snapshots too")),
)
def vol_delete(ctx: "Session", args: "Args") -> None:
    vol = ctx.volume(args)
    flags = c.STORAGE_VOL_DELETE_WITH_SNAPSHOTS if args.delete_snapshots else 0
    failure, done = f"Failed to delete vol {args.vol}", f"Vol {args.vol} deleted"
    objects.change(ctx, failure, done, ctx.driver.storage_vol_delete, vol, flags)


@TABLE.command(
    "vol-wipe",
    "overwrite a volume, so that what was in it cannot be read again",
    options=(
        VOL,
        IN_POOL,
        text(
            "algorithm",
            "how to overwrite it: zero unless asked otherwise",
            "enum:" + ",".join(ALGORITHMS),
            fills=True,
        ),
    ),
)
def vol_wipe(ctx: "Session", args: "Args") -> None:
    vol = ctx.volume(args)
    name = args.algorithm or "zero"
    if name not in ALGORITHMS:
        raise CommandFailed(f"Unsupported algorithm '{name}'")
    with ctx.failing(f"Failed to wipe vol {args.vol}"):
        try:
            ctx.driver.storage_vol_wipe_pattern(vol, ALGORITHMS.index(name))
        except VirError as error:
            # What every driver that wipes can do, it does by the older call.
            if error.code != NO_SUPPORT or name != "zero":
                raise
            ctx.driver.storage_vol_wipe(vol)
    ctx.out.note(f"Vol {args.vol} wiped")


@TABLE.command(
    "vol-resize",
    "change a volume's capacity",
    options=(
        VOL,
        word("capacity", "new capacity, in bytes or with a unit", "none"),
        IN_POOL,
        flag("allocate", "allocate what is added"),
        flag("delta", "the capacity is by how much to change it"),
        flag("shrink", "allow to make it smaller, which loses data"),
    ),
)
def vol_resize(ctx: "Session", args: "Args") -> None:
    vol = ctx.volume(args)
    capacity, by = args.capacity, args.delta
    flags = c.STORAGE_VOL_RESIZE_ALLOCATE if args.allocate else 0
    flags |= c.STORAGE_VOL_RESIZE_SHRINK if args.shrink else 0
    if capacity.startswith("-"):
        if not args.shrink:
            raise CommandFailed("negative size requires --shrink")
        capacity, by = capacity[1:], True
    flags |= c.STORAGE_VOL_RESIZE_DELTA if by else 0
    size = size_of(capacity)
    how = f"{'by' if by else 'to'} {capacity}"
    failure = f"Failed to change size of volume '{vol.name}' {how}"
    done = f"Size of volume '{vol.name}' successfully changed {how}"
    objects.change(ctx, failure, done, ctx.driver.storage_vol_resize, vol, size, flags)
