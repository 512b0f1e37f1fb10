"""What `undefine` does: refuse, remove the definition, remove the volumes that were asked for."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import INVALID_ARG, NO_SUPPORT, VirError
from pyvirsh.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import DomainRef, StorageVolRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

FLAGS = {
    "checkpoints-metadata": c.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
    "nvram": c.DOMAIN_UNDEFINE_NVRAM,
    "keep-nvram": c.DOMAIN_UNDEFINE_KEEP_NVRAM,
    "tpm": c.DOMAIN_UNDEFINE_TPM,
    "keep-tpm": c.DOMAIN_UNDEFINE_KEEP_TPM,
}


_SAVED = "Refusing to undefine while domain managed save image exists"


class Belongings:
    """What a domain that does not run leaves behind: its saved state and its snapshots."""

    def __init__(self, ctx: "Session", dom: "DomainRef", *, running: bool) -> None:
        self.saved = False
        self.snapshots = 0
        if not running:
            self.saved = bool(_known(lambda: ctx.driver.domain_has_managed_save_image(dom)))
            self.snapshots = _known(lambda: ctx.driver.domain_snapshot_num(dom))
        if self.snapshots:
            self.snapshots = ctx.driver.domain_snapshot_num(dom, c.DOMAIN_SNAPSHOT_LIST_METADATA)


def _known(ask: "Callable[[], int]") -> int:
    """Return what a driver says; 0 of one that has no such thing."""
    try:
        return ask()
    except VirError as error:
        if error.code != NO_SUPPORT:
            raise
        return 0


class Volume:
    """A volume to remove: the disk it is (`target`), how its source reads, and the volume itself."""

    def __init__(self, target: str, source: str, vol: "StorageVolRef") -> None:
        self.shown = f"'{target}'({source})"
        self.vol = vol


def run(ctx: "Session", args: "Args") -> None:
    """Undefine the domain as its options ask."""
    wanted = args.values.get("storage")
    removes = bool(wanted) or args.remove_all_storage
    if args.wipe_storage and not removes:
        raise CommandFailed("'--wipe-storage' requires '--storage <string>' or '--remove-all-storage'")
    dom, name = ctx.domain(args.domain), args.domain
    running = ctx.driver.domain_is_active(dom)
    if running and removes:
        raise CommandFailed("Storage volume deletion is supported only on stopped domains")
    left = Belongings(ctx, dom, running=running)
    if wanted and args.remove_all_storage:
        raise CommandFailed("Specified both --storage and --remove-all-storage")
    volumes = _volumes(ctx, dom, str(wanted).split(",") if wanted else None) if removes else []
    flags = _flags(args, left)
    # As virsh: with snapshots or --nvram it is the driver that refuses, if it can.
    if left.saved and not args.managed_save and not args.nvram and not left.snapshots:
        raise CommandFailed(_SAVED)
    with ctx.failing(f"Failed to undefine domain '{name}'"):
        _undefine(ctx, args, dom, left, flags)
    ctx.out.note(f"Domain '{name}' has been undefined")
    _remove(ctx, args, volumes)


def _flags(args: "Args", left: Belongings) -> int:
    """Return what the driver is told to remove, or to leave, besides."""
    flags = sum(number for name, number in FLAGS.items() if args[name])
    if left.saved and args.managed_save:
        flags |= c.DOMAIN_UNDEFINE_MANAGED_SAVE
    if left.snapshots and args.snapshots_metadata:
        flags |= c.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    return flags


def _undefine(ctx: "Session", args: "Args", dom: "DomainRef", left: Belongings, flags: int) -> None:
    try:
        ctx.driver.domain_undefine_flags(dom, flags)
        return
    except VirError as error:
        if error.code not in (NO_SUPPORT, INVALID_ARG) or args.nvram:
            raise
    # A driver that does not know all the flags: step by step, without those it lacks.
    if left.saved and not args.managed_save:
        raise CommandFailed(_SAVED)
    if left.saved:
        ctx.driver.domain_managed_save_remove(dom)
    if left.snapshots and args.snapshots_metadata:
        raise CommandFailed(f"Unable to remove metadata of {left.snapshots} snapshots")
    if left.snapshots:
        raise CommandFailed(f"Refusing to undefine while {left.snapshots} snapshots exist")
    ctx.driver.domain_undefine(dom)


# -- volumes ---------------------------------------------------------------------------------------


def _volumes(ctx: "Session", dom: "DomainRef", wanted: "list[str] | None") -> "list[Volume]":
    """Find the volumes behind the disks that `wanted` names, by target or source; None: all.

    Disks whose source is no volume are named on standard error and left alone.
    Errors: CommandFailed if a name is no disk's.
    """
    left = list(wanted or ())
    found = []
    with ctx.failing("Failed to get domain description xml"):
        document = ctx.driver.domain_get_xml_desc(dom)
    for target, source, pool in _disks(document):
        if wanted is not None:
            name = next((name for name in left if name in (target, source)), None)
            if name is None:
                continue
            left.remove(name)
        if vol := _volume(ctx, target, source, pool):
            found.append(Volume(target, source, vol))
    if left:
        raise CommandFailed(*(f"Volume '{name}' was not found in domain's definition." for name in left))
    return found


def _disks(document: str) -> "list[tuple[str, str, str]]":
    """Return target, source and pool ("" for none) of each disk that has a source."""
    from pyvirsh.backend.conf import xml

    disks = []
    for disk in xml.parse(document).iterfind("devices/disk"):
        target, source = disk.find("target"), disk.find("source")
        if target is None or source is None:
            continue
        names = ("file", "dir", "name", "dev", "volume")
        path = next((source.get(name, "") for name in source.keys() if name in names), "")
        if path:
            disks.append((target.get("dev", ""), path, source.get("pool", "")))
    return disks


def _volume(ctx: "Session", target: str, source: str, pool_name: str) -> "StorageVolRef | None":
    try:
        if not pool_name:
            return ctx.driver.storage_vol_lookup_by_path(source)
        try:
            pool = ctx.driver.storage_pool_lookup_by_name(pool_name)
        except VirError:
            ctx.out.error(f"Storage pool '{pool_name}' for volume '{target}' not found.")
            return None
        return ctx.driver.storage_vol_lookup_by_name(pool, source)
    except VirError:
        ctx.out.error(f"Storage volume '{target}'({source}) is not managed by libvirt. Remove it manually.")
        return None


def _remove(ctx: "Session", args: "Args", volumes: "list[Volume]") -> None:
    """Remove the volumes; one that cannot be removed does not keep the others.  Errors: CommandFailed."""
    flags = c.STORAGE_VOL_DELETE_WITH_SNAPSHOTS if args.delete_storage_volume_snapshots else 0
    failed: VirError | None = None
    for volume in volumes:
        failure = f"Failed to remove storage volume {volume.shown}"
        try:
            if args.wipe_storage:
                failure = "Failed! Volume not removed."
                ctx.out.raw_note(f"Wiping volume {volume.shown} ... ")
                ctx.out.flush()
                ctx.driver.storage_vol_wipe(volume.vol)
                ctx.out.note("Done.")
                failure = f"Failed to remove storage volume {volume.shown}"
            ctx.driver.storage_vol_delete(volume.vol, flags)
            ctx.out.note(f"Volume {volume.shown} removed.")
        except VirError as error:
            ctx.out.error(failure)
            failed = error
    if failed:
        raise CommandFailed(failed.text) from failed
