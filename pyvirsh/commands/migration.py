"""Domains on their way to another host, and the jobs domains are busy with."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import NO_SUPPORT, VirError
from pyvirsh.commands.options import DOMAIN, DOMAIN_ACTIVE
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import ULONG_MAX
from pyvirsh.spec import Table, alias, exclusive, flag, number, requires, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")

POSTCOPY_SPEED = flag("postcopy", "the speed in the post-copy phase")


# -- jobs ------------------------------------------------------------------------------------------


@TABLE.command(
    "domjobinfo",
    "show how far a domain's job is",
    options=(
        DOMAIN_ACTIVE,
        flag("completed", "the job that ended last"),
        flag("keep-completed", "and keep what is known about it"),
        flag("anystats", "all that is known of a job that failed, too"),
        flag("rawstats", "as the driver tells it"),
    ),
    rules=(requires("keep-completed", "completed"),),
)
def domjobinfo(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands import jobinfo

    dom = ctx.domain(args.domain)
    flags = (c.DOMAIN_JOB_STATS_COMPLETED if args.completed else 0) | (
        c.DOMAIN_JOB_STATS_KEEP_COMPLETED if args.keep_completed else 0
    )
    try:
        type, stats = ctx.driver.domain_get_job_stats(dom, flags)
    except VirError as error:
        if error.code != NO_SUPPORT:
            raise
        if flags or args.rawstats:
            failure = "Optional flags or --rawstats are not supported by the daemon"
            raise CommandFailed(failure, error.text) from error
        type, stats = jobinfo.of_old(ctx.driver.domain_get_job_info(dom))
    if args.rawstats:
        data = {"type": type} | {name: value for name, _, value in stats}
        lines = [f"{param[0]}: {_raw(param)}\n" for param in stats]
        ctx.out.data(data, f"Job type: {type}\n\n{''.join(lines)}")
    else:
        shown = jobinfo.fields(type, stats, completed=args.completed, any_stats=args.anystats)
        ctx.out.fields(shown, width=17)


def _raw(param: "TypedParam") -> str:
    value = param[2]
    return f"{value:g}" if isinstance(value, float) else str(value)


@TABLE.command(
    "domjobabort",
    "give up a domain's job",
    options=(DOMAIN_ACTIVE, flag("postcopy", "even a migration in its post-copy phase")),
)
def domjobabort(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    if args.postcopy:
        ctx.driver.domain_abort_job_flags(dom, c.DOMAIN_ABORT_JOB_POSTCOPY)
    else:
        ctx.driver.domain_abort_job(dom)


# -- a migration under way -------------------------------------------------------------------------


@TABLE.command(
    "migrate-setmaxdowntime",
    "set how long a migrating domain may stand still at the end",
    options=(DOMAIN_ACTIVE, number("downtime", "milliseconds", required=True, positional=True)),
)
def migrate_setmaxdowntime(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    downtime = args.unsigned("downtime", high=ULONG_MAX)
    if downtime < 1:
        raise CommandFailed("migrate: Invalid downtime")
    ctx.driver.domain_migrate_set_max_downtime(dom, downtime)


@TABLE.command(
    "migrate-getmaxdowntime",
    "show how long a migrating domain may stand still at the end",
    options=(DOMAIN_ACTIVE,),
)
def migrate_getmaxdowntime(ctx: "Session", args: "Args") -> None:
    ctx.out.value("downtime_ms", ctx.driver.domain_migrate_get_max_downtime(ctx.domain(args.domain)))


@TABLE.command(
    "migrate-compcache",
    "show or set the size of the cache for compressed migration",
    options=(DOMAIN_ACTIVE, number("size", "bytes")),
)
def migrate_compcache(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands.sizes import human

    dom = ctx.domain(args.domain)
    if args.given("size"):
        ctx.driver.domain_migrate_set_compression_cache(dom, args.unsigned("size", high=ULONG_MAX))
    size = ctx.driver.domain_migrate_get_compression_cache(dom)
    ctx.out.data({"size": size}, f"Compression cache: {human(size, 3)}")


@TABLE.command(
    "migrate-setspeed",
    "set the speed of migration",
    options=(
        DOMAIN_ACTIVE,
        number("bandwidth", "MiB in a second", required=True, positional=True),
        POSTCOPY_SPEED,
    ),
)
def migrate_setspeed(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    bandwidth = args.unsigned("bandwidth", high=ULONG_MAX, wrap=True)
    flags = c.DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY if args.postcopy else 0
    ctx.driver.domain_migrate_set_max_speed(dom, bandwidth, flags)


@TABLE.command("migrate-getspeed", "show the speed of migration", options=(DOMAIN_ACTIVE, POSTCOPY_SPEED))
def migrate_getspeed(ctx: "Session", args: "Args") -> None:
    flags = c.DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY if args.postcopy else 0
    speed = ctx.driver.domain_migrate_get_max_speed(ctx.domain(args.domain), flags)
    ctx.out.value("bandwidth_mib_per_second", speed)


@TABLE.command(
    "migrate-postcopy",
    "let a migrating domain run at its destination now and fetch the rest from there",
    options=(DOMAIN_ACTIVE,),
)
def migrate_postcopy(ctx: "Session", args: "Args") -> None:
    ctx.driver.domain_migrate_start_post_copy(ctx.domain(args.domain))


# -- migrate ---------------------------------------------------------------------------------------


@TABLE.command(
    "migrate",
    "move a domain to another host",
    options=(
        DOMAIN,
        word("desturi", "URI of the other host, as seen from here, or with --p2p from the source", "none"),
        flag("live", "while it runs"),
        flag("offline", "only its definition"),
        flag("p2p", "let the source's driver talk to the destination's"),
        flag("direct", "let the hypervisors do it among themselves"),
        alias("tunneled", "tunnelled"),
        flag("tunnelled", "through the connection of the drivers; needs --p2p"),
        flag("persistent", "define it there"),
        flag("undefinesource", "undefine it here"),
        flag("suspend", "leave it suspended there"),
        flag("copy-storage-all", "copy its disks whole"),
        flag("copy-storage-inc", "copy its disks' top images, the bases being there"),
        flag("copy-storage-synchronous-writes", "write to both hosts while disks are copied"),
        flag("change-protection", "let nobody change it meanwhile"),
        flag("unsafe", "even where that may hurt its disks"),
        flag("verbose", "show how far it is"),
        flag("compressed", "compress repeated pages"),
        flag("auto-converge", "slow its CPUs down until it gets done"),
        flag("rdma-pin-all", "pin all its memory before an RDMA migration"),
        flag("abort-on-error", "give up on I/O errors meanwhile"),
        flag("postcopy", "allow that it runs there while memory is still here"),
        flag("postcopy-after-precopy", "switch to that after its memory was copied once"),
        flag("postcopy-resume", "go on with a post-copy migration that broke"),
        flag("zerocopy", "send memory without copying it first; needs --parallel"),
        text("migrateuri", "URI for the hypervisors' own connection", "none", fills=True),
        text("graphicsuri", "URI that clients of its screens go to", "none", fills=True),
        text("listen-address", "address the destination listens at", "none", fills=True),
        text("dname", "its new name there", "none", fills=True),
        number("timeout", "seconds after which to suspend it, or what the next two options say", fills=True),
        flag("timeout-suspend", "suspend it after the timeout"),
        flag("timeout-postcopy", "switch to post-copy after the timeout"),
        text("xml", "file with changed XML for the domain there", "file-path", fills=True),
        text("migrate-disks", "only these disks, with commas between", "disk-target-list", fills=True),
        text("migrate-disks-detect-zeroes", "disks whose zeroes are not sent", "disk-target-list"),
        text("migrate-disks-target-zero", "disks that read as zeroes there", "disk-target-list"),
        number("disks-port", "port the destination takes disks at", fills=True),
        text("disks-uri", "URI the destination takes disks at", "none"),
        text("comp-methods", "ways to compress", "enum-list:xbzrle,mt,zlib,zstd"),
        number("comp-mt-level", "level of mt, 0 to 9"),
        number("comp-mt-threads", "threads that compress"),
        number("comp-mt-dthreads", "threads that uncompress"),
        number("comp-xbzrle-cache", "size of the page cache in bytes"),
        number("auto-converge-initial", "per cent to slow down by at first"),
        number("auto-converge-increment", "per cent to slow down by more each time"),
        text("persistent-xml", "file with changed XML for its definition there", "file-path"),
        flag("tls", "encrypt it"),
        number("postcopy-bandwidth", "MiB in a second in the post-copy phase"),
        flag("parallel", "over several connections"),
        number("parallel-connections", "how many"),
        number("bandwidth", "MiB in a second"),
        text("tls-destination", "name that the destination's certificate is for", "none"),
        number("comp-zlib-level", "level of zlib, 0 to 9"),
        number("comp-zstd-level", "level of zstd, 0 to 20"),
        number("available-switchover-bandwidth", "MiB in a second to reckon with for the last step"),
    ),
    rules=(
        exclusive("live", "offline"),
        exclusive("timeout-suspend", "timeout-postcopy"),
        exclusive("copy-storage-all", "copy-storage-inc"),
        requires("postcopy-after-precopy", "postcopy"),
        requires("postcopy-resume", "postcopy"),
        requires("timeout-postcopy", "postcopy"),
        requires("persistent-xml", "persistent"),
        requires("tls-destination", "tls"),
    ),
    description=(
        "Without --p2p and --direct this program carries the steps between both hosts, which it must both "
        "reach; with --p2p the source's driver opens desturi itself."
    ),
)
def migrate(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands import migrating

    migrating.run(ctx, args)
