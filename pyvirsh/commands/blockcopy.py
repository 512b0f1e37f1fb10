"""Copy a disk while it is in use."""

from pyvirsh.backend.api import PARAM_UINT, PARAM_ULLONG
from pyvirsh.backend.constants import (
    DOMAIN_BLOCK_COPY_REUSE_EXT,
    DOMAIN_BLOCK_COPY_SHALLOW,
    DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES,
    DOMAIN_BLOCK_COPY_TARGET_ZEROED,
    DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
    DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES,
    DOMAIN_BLOCK_REBASE_COPY,
    DOMAIN_BLOCK_REBASE_COPY_DEV,
    DOMAIN_BLOCK_REBASE_COPY_RAW,
    DOMAIN_BLOCK_REBASE_REUSE_EXT,
    DOMAIN_BLOCK_REBASE_SHALLOW,
)
from pyvirsh.commands import blockwait, files
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
from pyvirsh.commands.params import typed
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import ULONG_MAX, check_rules
from pyvirsh.spec import Table, alias, exclusive, flag, number, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")

FORMATS = "none,raw,dir,bochs,cloop,dmg,iso,vpc,vdi,fat,vhd,ploop,cow,qcow,qcow2,qed,vmdk"

COPY_PARAMS = (
    ("granularity", "granularity", PARAM_UINT),
    ("buf-size", "buf-size", PARAM_ULLONG),
)
# What only the newer call can do; a destination, a format and flags alone go the older way.
COPY_ONLY = ("xml", "transient-job", "synchronous-writes", "dest-is-zero")


@TABLE.command(
    "blockcopy",
    "copy a disk to another place while it is in use",
    options=(
        DOMAIN_ACTIVE,
        PATH,
        text("dest", "where the copy goes", "file-path:new", fills=True),
        BANDWIDTH,
        flag("shallow", "copy the top file only and share its backing files"),
        flag("reuse-external", "write into a destination that exists"),
        alias("raw", "format", "raw"),
        flag("blockdev", "the destination is a block device"),
        WAIT,
        VERBOSE,
        TIMEOUT,
        flag("pivot", "let the guest use the copy at the end; implies --wait"),
        flag("finish", "leave the guest where it is at the end; implies --wait"),
        ASYNC,
        text("xml", "file with the XML description of the destination", "file-path", fills=True),
        text("format", "format of the copy", "enum:" + FORMATS, fills=True),
        number("granularity", "bytes that are copied together, a power of two", fills=True),
        number("buf-size", "most bytes on their way at a time", fills=True),
        BYTES,
        flag("transient-job", "the copy may be lost when the domain stops"),
        flag("synchronous-writes", "let the guest's writes wait for the copy, so that it surely ends"),
        flag("print-xml", "write the XML of the destination instead of copying"),
        flag("dest-is-zero", "the destination holds zeros only"),
    ),
    rules=(
        exclusive("dest", "xml"),
        exclusive("format", "xml"),
        exclusive("blockdev", "xml"),
        exclusive("pivot", "finish"),
    ),
    late_rules=True,
)
def blockcopy(ctx: "Session", args: "Args") -> None:
    path, dest, xml, format = args.path, args.dest, args.xml, args.format
    bandwidth = bandwidth_of(args)
    params = [param for param in typed(args, COPY_PARAMS) if param[2]]
    timeout_of(args)
    check_rules(args)
    if dest is None and xml is None:
        raise CommandFailed("need either --dest or --xml")
    waits = blockwait.is_asked_for(args, "finish")
    dom = ctx.domain(args.domain)
    plain = format in (None, "raw") and not params and not any(args[name] for name in COPY_ONLY)
    document = ""
    if args.print_xml or not plain:
        document = files.read(xml) if xml is not None else _copy_xml(args)
    if args.print_xml:
        ctx.out.xml(document)
        return

    def start() -> None:
        if plain:
            ctx.driver.domain_block_rebase(dom, path, dest, bandwidth, _rebase_flags(args))
        else:
            limit = _bandwidth_param(args, bandwidth)
            ctx.driver.domain_block_copy(dom, path, document, [*limit, *params], _copy_flags(args))

    if not waits:
        start()
        ctx.out.raw_note("Block Copy started")
        return
    endings = blockwait.Endings("Copy", "Now in mirroring phase", kept=("finish", "Successfully copied"))
    with blockwait.Wait(ctx, dom, path, args, "Block Copy") as wait:
        start()
        blockwait.finish(ctx, dom, path, args, wait, endings)


def _rebase_flags(args: "Args") -> int:
    flags = flags_of(
        args,
        shallow=DOMAIN_BLOCK_REBASE_SHALLOW,
        reuse_external=DOMAIN_BLOCK_REBASE_REUSE_EXT,
        blockdev=DOMAIN_BLOCK_REBASE_COPY_DEV,
        bytes=DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES,
        format=DOMAIN_BLOCK_REBASE_COPY_RAW,
    )
    return flags | DOMAIN_BLOCK_REBASE_COPY


def _copy_flags(args: "Args") -> int:
    return flags_of(
        args,
        shallow=DOMAIN_BLOCK_COPY_SHALLOW,
        reuse_external=DOMAIN_BLOCK_COPY_REUSE_EXT,
        transient_job=DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
        synchronous_writes=DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES,
        dest_is_zero=DOMAIN_BLOCK_COPY_TARGET_ZEROED,
    )


def _bandwidth_param(args: "Args", bandwidth: int) -> "list[TypedParam]":
    """Return the bandwidth as this call takes it, in bytes.  Errors: CommandFailed."""
    if not bandwidth:
        return []
    if not args.bytes and bandwidth > ULONG_MAX // MIB:
        raise CommandFailed(f"bandwidth must be less than {ULONG_MAX // MIB}")
    return [("bandwidth", PARAM_ULLONG, bandwidth if args.bytes else bandwidth * MIB)]


def _copy_xml(args: "Args") -> str:
    """Return the description of the destination that the options name."""
    from pyvirsh.backend.conf.xml import Node, write

    disk = Node("disk")
    disk.attrs["type"] = "block" if args.blockdev else "file"
    disk.add("source").attrs["dev" if args.blockdev else "file"] = args.dest
    if args.format is not None:
        disk.add("driver").attrs["type"] = args.format
    return write(disk)
