"""Jobs on disks that are in use: commit, pull; resize a disk, watch how full it is."""

from pyvirsh.backend.constants import (
    DOMAIN_BLOCK_COMMIT_ACTIVE,
    DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES,
    DOMAIN_BLOCK_COMMIT_DELETE,
    DOMAIN_BLOCK_COMMIT_RELATIVE,
    DOMAIN_BLOCK_COMMIT_SHALLOW,
    DOMAIN_BLOCK_JOB_ABORT_ASYNC,
    DOMAIN_BLOCK_JOB_ABORT_PIVOT,
    DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES,
    DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES,
    DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES,
    DOMAIN_BLOCK_REBASE_RELATIVE,
    DOMAIN_BLOCK_RESIZE_BYTES,
    DOMAIN_BLOCK_RESIZE_CAPACITY,
    DOMAIN_BLOCK_RESIZE_EXTEND,
)
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.commands import blockwait
from pyvirsh.commands.blockwait import (
    ASYNC,
    BANDWIDTH,
    BYTES,
    MIB,
    PATH,
    TIMEOUT,
    VERBOSE,
    WAIT,
    bandwidth_of,
    flags_of,
)
from pyvirsh.commands.eventloop import timeout_of
from pyvirsh.commands.options import DOMAIN_ACTIVE
from pyvirsh.commands.sizes import human
from pyvirsh.spec import Table, either, exclusive, flag, number, requires, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")

# -- commit ------------------------------------------------------------------------------------------


@TABLE.command(
    "blockcommit",
    "merge the upper files of a disk's chain into a lower one",
    options=(
        DOMAIN_ACTIVE,
        PATH,
        BANDWIDTH,
        text("base", "file to merge into; the lowest one when left out", "disk-chain-element", fills=True),
        flag("shallow", "merge into the backing file of the top one"),
        text("top", "highest file to merge", "disk-chain-element", fills=True),
        flag("active", "merge the file that the guest writes to as well"),
        flag("delete", "delete the files that have been merged"),
        WAIT,
        VERBOSE,
        TIMEOUT,
        flag("pivot", "let the guest write to the base at the end; implies --active and --wait"),
        flag("keep-overlay", "let the guest go on writing to the top; implies --active and --wait"),
        ASYNC,
        flag("keep-relative", "keep the names of backing files relative"),
        BYTES,
    ),
    rules=(exclusive("pivot", "keep-overlay"),),
)
def blockcommit(ctx: "Session", args: "Args") -> None:
    path, base, top = args.path, args.base, args.top
    bandwidth = bandwidth_of(args)
    timeout_of(args)
    waits = blockwait.is_asked_for(args, "keep-overlay")
    active = args.active or args.pivot or args.keep_overlay
    flags = flags_of(
        args,
        shallow=DOMAIN_BLOCK_COMMIT_SHALLOW,
        delete=DOMAIN_BLOCK_COMMIT_DELETE,
        keep_relative=DOMAIN_BLOCK_COMMIT_RELATIVE,
        bytes=DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES,
    )
    flags |= DOMAIN_BLOCK_COMMIT_ACTIVE if active else 0
    dom = ctx.domain(args.domain)

    def start() -> None:
        ctx.driver.domain_block_commit(dom, path, base, top, bandwidth, flags)

    if not waits:
        start()
        ctx.out.raw_note("Active Block Commit started" if active else "Block Commit started")
        return
    endings = blockwait.Endings(
        "Commit",
        "Now in synchronized phase" if active else "Commit complete",
        kept=("keep-overlay", "Commit complete, overlay image kept"),
    )
    with blockwait.Wait(ctx, dom, path, args, "Block commit") as wait:
        start()
        blockwait.finish(ctx, dom, path, args, wait, endings)


# -- pull --------------------------------------------------------------------------------------------


@TABLE.command(
    "blockpull",
    "copy what a disk takes from its backing files into the disk",
    options=(
        DOMAIN_ACTIVE,
        PATH,
        BANDWIDTH,
        text("base", "backing file to keep; none when left out", "disk-chain-element", fills=True),
        WAIT,
        VERBOSE,
        TIMEOUT,
        ASYNC,
        flag("keep-relative", "keep the name of the backing file relative"),
        BYTES,
    ),
    rules=(requires("verbose", "wait"), requires("async", "wait")),
)
def blockpull(ctx: "Session", args: "Args") -> None:
    path, base = args.path, args.base
    bandwidth = bandwidth_of(args)
    timeout_of(args)
    flags = flags_of(
        args, keep_relative=DOMAIN_BLOCK_REBASE_RELATIVE, bytes=DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES
    )
    dom = ctx.domain(args.domain)

    def start() -> None:
        if base is not None or args.keep_relative:
            ctx.driver.domain_block_rebase(dom, path, base, bandwidth, flags)
        else:
            ctx.driver.domain_block_pull(dom, path, bandwidth, flags)

    if not args.wait:
        start()
        ctx.out.raw_note("Block Pull started")
        return
    with blockwait.Wait(ctx, dom, path, args, "Block Pull") as wait:
        start()
        blockwait.finish(ctx, dom, path, args, wait, blockwait.Endings("Pull", "Pull complete"))


# -- a job that runs ---------------------------------------------------------------------------------

JOBS = ("Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup")


@TABLE.command(
    "blockjob",
    "show, slow down or end a job on a disk",
    options=(
        DOMAIN_ACTIVE,
        PATH,
        flag("abort", "give the job up"),
        flag("async", "do not wait until it has ended; implies --abort"),
        flag("pivot", "let the guest use the copy; implies --abort"),
        flag("info", "show the job; this is the default"),
        BYTES,
        flag("raw", "show the job as numbers"),
        BANDWIDTH,
    ),
    rules=(
        *(exclusive("raw", other) for other in ("abort", "pivot", "async", "bandwidth")),
        *(exclusive("info", other) for other in ("abort", "pivot", "async", "bandwidth")),
        *(exclusive("bytes", other) for other in ("abort", "pivot", "async")),
    ),
)
def blockjob(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    path = args.path
    bandwidth = bandwidth_of(args)
    if args.given("bandwidth"):
        flags = DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES if args.bytes else 0
        ctx.driver.domain_block_job_set_speed(dom, path, bandwidth, flags)
    elif args.abort or args.pivot or args["async"]:
        flags = DOMAIN_BLOCK_JOB_ABORT_PIVOT if args.pivot else 0
        flags |= DOMAIN_BLOCK_JOB_ABORT_ASYNC if args["async"] else 0
        ctx.driver.domain_block_job_abort(dom, path, flags)
    else:
        _show_job(ctx, dom, path, args)


def _show_job(ctx: "Session", dom: "DomainRef", path: str, args: "Args") -> None:
    found, type, speed, done, total = _job_info(ctx, dom, path, args)
    in_bytes = args.bytes or not args.raw
    key = "bandwidth_bytes" if in_bytes else "bandwidth_mib"
    name = JOBS[type] if type < len(JOBS) else None
    data = {"type": name, key: speed, "current": done, "end": total} if found else {}
    if args.raw:
        raw = f" type={name or '(null)'}\n bandwidth={speed}\n cur={done}\n end={total}\n"
        ctx.out.data(data, raw if found else "")
    elif ctx.out.structured:
        ctx.out.data(data, "")
    elif not found:
        ctx.out.raw_note(f"No current block job for {path}")
    else:
        from pyvirsh.shell.progress import percent

        ctx.out.share(name or JOBS[0], percent(total - done, total))
        limit = f"    Bandwidth limit: {speed} bytes/s ({human(speed, 3)}/s)"
        ctx.out.line(limit if speed else "")


def _job_info(ctx: "Session", dom: "DomainRef", path: str, args: "Args") -> "tuple[int, int, int, int, int]":
    """Return found, type, speed, done and total; the speed in bytes, or for --raw alone in MiB."""
    if args.raw and not args.bytes:
        return ctx.driver.domain_get_block_job_info(dom, path)
    try:
        return ctx.driver.domain_get_block_job_info(dom, path, DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES)
    except VirError as error:
        # An older driver knows MiB only.
        if error.code != INVALID_ARG or args.bytes:
            raise
    found, type, speed, done, total = ctx.driver.domain_get_block_job_info(dom, path)
    return found, type, speed * MIB, done, total


# -- size --------------------------------------------------------------------------------------------


@TABLE.command(
    "blockresize",
    "change the size of a disk that is in use",
    options=(
        DOMAIN_ACTIVE,
        PATH,
        number("size", "new size, in KiB unless it has a suffix", positional=True),
        flag("capacity", "take all of the block device that holds the disk"),
        flag("extend", "refuse to make the disk smaller"),
    ),
    rules=(exclusive("size", "capacity"), either("size", "capacity")),
)
def blockresize(ctx: "Session", args: "Args") -> None:
    path = args.path
    size = args.scaled("size", unit=1024)
    flags = flags_of(args, capacity=DOMAIN_BLOCK_RESIZE_CAPACITY, extend=DOMAIN_BLOCK_RESIZE_EXTEND)
    if size % 1024:
        flags |= DOMAIN_BLOCK_RESIZE_BYTES
    else:
        size //= 1024
    dom = ctx.domain(args.domain)
    with ctx.failing(f"Failed to resize block device '{path}'"):
        ctx.driver.domain_block_resize(dom, path, size, flags)
    ctx.out.raw_note(f"Block device '{path}' is resized")


@TABLE.command(
    "domblkthreshold",
    "send an event when a disk has been filled up to a mark",
    options=(
        DOMAIN_ACTIVE,
        word("dev", "target of the disk, like vda", "disk-target"),
        number("threshold", "the mark, in bytes unless it has a suffix", required=True, positional=True),
    ),
)
def domblkthreshold(ctx: "Session", args: "Args") -> None:
    dev = args.dev
    threshold = args.scaled("threshold")
    dom = ctx.domain(args.domain)
    ctx.driver.domain_set_block_threshold(dom, dev, threshold)
