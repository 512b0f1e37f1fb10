"""Storage pools: start, stop, list, watch.  How they come to be is in `pooldefine`."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import VirError
from pyvirsh.commands import eventloop, objects, sizes
from pyvirsh.commands.eventloop import EventType, Kind
from pyvirsh.commands.options import WATCH
from pyvirsh.commands.virsh import split_commas
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import DEBUG, Shown
from pyvirsh.spec import Opt, Table, exclusive, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import StoragePoolRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Storage Pool", "pool")

# Type of pool -> the flag that lists only such pools.
TYPES = {
    "dir": c.CONNECT_LIST_STORAGE_POOLS_DIR,
    "fs": c.CONNECT_LIST_STORAGE_POOLS_FS,
    "netfs": c.CONNECT_LIST_STORAGE_POOLS_NETFS,
    "logical": c.CONNECT_LIST_STORAGE_POOLS_LOGICAL,
    "disk": c.CONNECT_LIST_STORAGE_POOLS_DISK,
    "iscsi": c.CONNECT_LIST_STORAGE_POOLS_ISCSI,
    "iscsi-direct": c.CONNECT_LIST_STORAGE_POOLS_ISCSI_DIRECT,
    "scsi": c.CONNECT_LIST_STORAGE_POOLS_SCSI,
    "mpath": c.CONNECT_LIST_STORAGE_POOLS_MPATH,
    "rbd": c.CONNECT_LIST_STORAGE_POOLS_RBD,
    "sheepdog": c.CONNECT_LIST_STORAGE_POOLS_SHEEPDOG,
    "gluster": c.CONNECT_LIST_STORAGE_POOLS_GLUSTER,
    "zfs": c.CONNECT_LIST_STORAGE_POOLS_ZFS,
    "vstorage": c.CONNECT_LIST_STORAGE_POOLS_VSTORAGE,
}

# By libvirt's numbers of them.
STATES = ("inactive", "building", "running", "degraded", "inaccessible")

# The states in which a pool has sizes.
MEASURED = (c.STORAGE_POOL_RUNNING, c.STORAGE_POOL_DEGRADED)


def pool_option(state: str = "", *, required: bool = True) -> Opt:
    """Make the pool option; `state` narrows what completion offers."""
    return word("pool", "name or UUID of the pool", f"pool:{state}" if state else "pool", required=required)


POOL = pool_option()
POOL_ACTIVE = pool_option("active")
POOL_INACTIVE = pool_option("inactive")
POOL_PERSISTENT = pool_option("persistent")

BUILD = flag("build", "make what the pool is kept in first")
NO_OVERWRITE = flag("no-overwrite", "do not build where something is already")
OVERWRITE = flag("overwrite", "build over whatever is there")
EITHER_WAY = (exclusive("overwrite", "no-overwrite"),)


def build_flags(args: "Args") -> int:
    """Return the flags that ``--build`` and its kin stand for when a pool is started."""
    flags = c.STORAGE_POOL_CREATE_WITH_BUILD if args.build else 0
    flags |= c.STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE if args.overwrite else 0
    return flags | (c.STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE if args.no_overwrite else 0)


# -- changing -----------------------------------------------------------------------------------------


def _change(
    ctx: "Session",
    args: "Args",
    verb: str,
    done: str,
    call: "Callable[..., object]",
    flags: "int | None" = None,
) -> None:
    name = args.pool
    pool = ctx.pool(name)
    values = (pool,) if flags is None else (pool, flags)
    objects.change(ctx, f"Failed to {verb} pool {name}", f"Pool {name} {done}", call, *values)


@TABLE.command(
    "pool-start",
    "start a defined pool",
    options=(POOL_INACTIVE, BUILD, NO_OVERWRITE, OVERWRITE),
)
def pool_start(ctx: "Session", args: "Args") -> None:
    name = args.pool
    pool = ctx.pool(name)
    objects.refuse_both(args, "overwrite", "no-overwrite")
    start, flags = ctx.driver.storage_pool_create, build_flags(args)
    objects.change(ctx, f"Failed to start pool {name}", f"Pool {name} started", start, pool, flags)


@TABLE.command(
    "pool-build",
    "make what a pool is kept in: its directory, file system or volume group",
    options=(POOL, NO_OVERWRITE, OVERWRITE),
)
def pool_build(ctx: "Session", args: "Args") -> None:
    flags = c.STORAGE_POOL_BUILD_NO_OVERWRITE if args.no_overwrite else 0
    flags |= c.STORAGE_POOL_BUILD_OVERWRITE if args.overwrite else 0
    _change(ctx, args, "build", "built", ctx.driver.storage_pool_build, flags)


@TABLE.command("pool-refresh", "look again what is in a pool", options=(POOL_ACTIVE,))
def pool_refresh(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "refresh", "refreshed", ctx.driver.storage_pool_refresh)


@TABLE.command("pool-destroy", "stop a pool; what is in it stays", options=(POOL_ACTIVE,))
def pool_destroy(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "destroy", "destroyed", ctx.driver.storage_pool_destroy)


@TABLE.command("pool-delete", "remove what a stopped pool is kept in, for good", options=(POOL_INACTIVE,))
def pool_delete(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "delete", "deleted", ctx.driver.storage_pool_delete)


@TABLE.command("pool-undefine", "remove a pool's definition", options=(POOL_PERSISTENT,))
def pool_undefine(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "undefine", "has been undefined", ctx.driver.storage_pool_undefine)


@TABLE.command(
    "pool-autostart",
    "start a pool with the host, or no longer",
    options=(POOL_PERSISTENT, flag("disable", "do not start it with the host")),
)
def pool_autostart(ctx: "Session", args: "Args") -> None:
    pool = ctx.pool(args.pool)
    call = ctx.driver.storage_pool_set_autostart
    objects.set_autostart(ctx, args, f"pool {args.pool}", call, pool)


# -- showing ------------------------------------------------------------------------------------------


@TABLE.command("pool-name", "show the name of the pool with a UUID", options=(POOL,))
def pool_name(ctx: "Session", args: "Args") -> None:
    ctx.out.value("name", ctx.pool(args.pool, by="uuid").name)


@TABLE.command("pool-uuid", "show the UUID of the pool with a name", options=(POOL,))
def pool_uuid(ctx: "Session", args: "Args") -> None:
    ctx.out.value("uuid", ctx.pool(args.pool, by="name").uuid)


@TABLE.command(
    "pool-info", "show a pool's state and sizes", options=(POOL, flag("bytes", "show sizes in bytes"))
)
def pool_info(ctx: "Session", args: "Args") -> None:
    pool = ctx.pool(args.pool)
    fields: list[tuple[str, str, object]] = [("Name:", "name", pool.name), ("UUID:", "uuid", pool.uuid)]
    try:
        info = ctx.driver.storage_pool_get_info(pool)
    except VirError:
        ctx.out.fields(fields)
        raise
    fields.append(("State:", "state", state_of(info)))
    persistent = objects.persistent(ctx.driver.storage_pool_is_persistent, pool)
    ctx.out.debug(DEBUG, f"Pool persistent flag value: {objects.c_value(persistent)}")
    fields.append(("Persistent:", "persistent", persistent))
    fields.append(("Autostart:", "autostart", objects.autostart(ctx.driver.storage_pool_get_autostart, pool)))
    if info[0] in MEASURED:
        for label, size in zip(("Capacity", "Allocation", "Available"), info[1:], strict=True):
            shown = str(size) if args.bytes else sizes.human(size, 2)
            fields.append((f"{label}:", label.lower(), Shown(size, shown)))
    ctx.out.fields(fields)


def state_of(info: "tuple[int, int, int, int]") -> str:
    """Return the word for a pool's state."""
    return STATES[info[0]] if info[0] < len(STATES) else "unknown"


@TABLE.command(
    "pool-list",
    "list pools: the active ones, unless asked otherwise",
    options=(
        flag("inactive", "list those that do not run"),
        flag("all", "list all"),
        flag("transient", "only those that are gone when stopped"),
        flag("persistent", "only those that are defined"),
        flag("autostart", "only those that start with the host"),
        flag("no-autostart", "only those that do not start with the host"),
        text(
            "type",
            "only those of these types, with commas between",
            "enum-list:" + ",".join(TYPES),
            fills=True,
        ),
        flag("details", "show states and sizes too"),
        flag("uuid", "list UUIDs only"),
        flag("name", "list names only"),
    ),
    rules=(exclusive("all", "inactive"), exclusive("details", "uuid"), exclusive("details", "name")),
)
def pool_list(ctx: "Session", args: "Args") -> None:
    pools = sorted(_listed(ctx, args), key=objects.by_name)
    if args.uuid or args.name:
        keys = [key for key in ("uuid", "name") if args[key]]
        ctx.out.names(keys, [{key: getattr(pool, key) for key in keys} for pool in pools])
        return
    columns = [("Name", "name"), ("State", "state"), ("Autostart", "autostart")]
    if not args.details:
        ctx.out.records(columns, [_row(ctx, pool) for pool in pools])
        return
    columns.append(("Persistent", "persistent"))
    columns += [(label, label.lower()) for label in ("Capacity", "Allocation", "Available")]
    ctx.out.records(columns, [_detailed_row(ctx, pool) for pool in pools])


def _listed(ctx: "Session", args: "Args") -> "list[StoragePoolRef]":
    flags = c.CONNECT_LIST_STORAGE_POOLS_INACTIVE if args.inactive or args.all else 0
    flags |= 0 if args.inactive else c.CONNECT_LIST_STORAGE_POOLS_ACTIVE
    flags |= c.CONNECT_LIST_STORAGE_POOLS_AUTOSTART if args.autostart else 0
    flags |= c.CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART if args.no_autostart else 0
    flags |= c.CONNECT_LIST_STORAGE_POOLS_PERSISTENT if args.persistent else 0
    flags |= c.CONNECT_LIST_STORAGE_POOLS_TRANSIENT if args.transient else 0
    types = args.type
    for name in split_commas(types) if types else ():
        if name not in TYPES:
            raise CommandFailed(f"Invalid pool type '{name}'")
        flags |= TYPES[name]
    if types:
        counting = ("Filtering using --type is not supported by this libvirt", "")
    elif args.inactive:
        counting = ("Failed to get the number of inactive pools", "virConnectNumOfDefinedStoragePools")
    else:
        # The blank at the end is virsh's.
        counting = ("Failed to get the number of active pools ", "virConnectNumOfStoragePools")
    return objects.listed(ctx.driver.connect_list_all_storage_pools, flags, "Failed to list pools", counting)


def _info(ctx: "Session", pool: "StoragePoolRef") -> "tuple[int, int, int, int] | None":
    """Return a pool's state and sizes; that there are none is said, but the list goes on."""
    try:
        return ctx.driver.storage_pool_get_info(pool)
    except VirError:
        ctx.out.error("Could not retrieve pool information")
        return None


def _row(ctx: "Session", pool: "StoragePoolRef") -> "dict[str, object]":
    autostart = objects.autostart(ctx.driver.storage_pool_get_autostart, pool)
    state = "unknown"
    if _info(ctx, pool) is not None:
        active = objects.flag_of(ctx.driver.storage_pool_is_active, pool)
        state = "active" if active else "inactive"
    return {"name": pool.name, "uuid": pool.uuid, "state": state, "autostart": autostart}


def _detailed_row(ctx: "Session", pool: "StoragePoolRef") -> "dict[str, object]":
    autostart = objects.autostart(ctx.driver.storage_pool_get_autostart, pool)
    persistent = objects.persistent(ctx.driver.storage_pool_is_persistent, pool)
    ctx.out.debug(DEBUG, f"Persistent flag value: {objects.c_value(persistent)}")
    info = _info(ctx, pool)
    measured: dict[str, object] = {}
    for at, key in enumerate(("capacity", "allocation", "available"), 1):
        if info is None:
            measured[key] = Shown(None, "unknown")
        else:
            measured[key] = Shown(info[at], sizes.human(info[at], 2)) if info[0] in MEASURED else None
    return {
        "name": pool.name,
        "uuid": pool.uuid,
        "state": "unknown" if info is None else state_of(info),
        "autostart": autostart,
        "persistent": persistent,
        **measured,
    }


# -- events -------------------------------------------------------------------------------------------

LIFECYCLE = ("Defined", "Undefined", "Started", "Stopped", "Created", "Deleted")

EVENTS = Kind(
    "pool",
    "storage pool {name}",
    "connect_storage_pool_event",
    (
        EventType("lifecycle", eventloop.named(change=LIFECYCLE), ": {change}"),
        EventType("refresh"),
    ),
)


@TABLE.command(
    "pool-event",
    "wait for events of pools and show them",
    options=(
        text("pool", "only those of this pool", "pool", fills=True),
        text("event", "type of the events to wait for", "enum:lifecycle,refresh", fills=True),
        *WATCH,
    ),
)
def pool_event(ctx: "Session", args: "Args") -> None:
    eventloop.watch(ctx, args, EVENTS, ctx.pool)
