"""What a domain's disks, interfaces and memory say of themselves.

Source: virsh(1); layouts and calls measured on virsh 11.3.0.
"""

from pyvirsh.backend import constants
from pyvirsh.backend.errors import INTERNAL_ERROR, NO_SUPPORT, VirError
from pyvirsh.commands.options import CONFIG, CURRENT, DOMAIN, DOMAIN_ACTIVE, LIVE
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import Shown
from pyvirsh.spec import Table, alias, exclusive, flag, number, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Monitoring", "monitor")

# -- disks -------------------------------------------------------------------------------------------


@TABLE.command(
    "domblklist",
    "list a domain's disks",
    options=(
        DOMAIN,
        flag("inactive", "as the definition has them, not the running domain"),
        flag("details", "and their types"),
    ),
)
def domblklist(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands import domaindevices

    dom = ctx.domain(args.domain)
    columns = [("Target", "target"), ("Source", "source")]
    if args.details:
        columns = [("Type", "type"), ("Device", "device"), *columns]
    rows = domaindevices.disks(ctx, dom, inactive=args.inactive)
    ctx.out.records(columns, rows)


@TABLE.command(
    "domblkinfo",
    "show how large a disk is",
    options=(
        DOMAIN,
        word("device", "target or source of the disk", "disk-target", required=False),
        flag("human", "with units people read"),
        flag("all", "for each disk"),
    ),
    rules=(exclusive("all", "device"),),
)
def domblkinfo(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    if args.all:
        _all_sizes(ctx, args, dom)
        return
    if not args.values.get("device"):
        raise CommandFailed("command 'domblkinfo' requires <device> option")
    sizes = _sizes(ctx.driver.domain_get_block_info(dom, args.device), human=args.human)
    ctx.out.fields([(f"{key.capitalize()}:", key, value) for key, value in sizes.items()])


def _all_sizes(ctx: "Session", args: "Args", dom: "DomainRef") -> None:
    from pyvirsh.commands import domaindevices

    try:
        active = ctx.driver.domain_is_active(dom)
    except VirError:
        active = False
    rows: list[dict[str, object]] = []
    for disk in domaindevices.disks(ctx, dom):
        info = (0, 0, 0)
        if disk["source"] is not None:
            try:
                info = ctx.driver.domain_get_block_info(dom, str(disk["target"]))
            except VirError as error:
                if active or disk["type"] != "network" or error.code != INTERNAL_ERROR:
                    raise
        rows.append({"target": disk["target"], **_sizes(info, human=args.human)})
    columns = [(key.capitalize(), key) for key in ("target", "capacity", "allocation", "physical")]
    ctx.out.records(columns, rows)


def _sizes(info: "tuple[int, int, int]", *, human: bool) -> "dict[str, object]":
    """Return a disk's sizes as they are shown; all of them "-" when nothing is known."""
    allocation, capacity, physical = info
    named = {"capacity": capacity, "allocation": allocation, "physical": physical}
    if not any(info):
        return dict.fromkeys(named)
    if human:
        from pyvirsh.commands.sizes import human as readable

        return {key: Shown(size, readable(size, 3)) for key, size in named.items()}
    return dict(named)


# key -> what --human calls it; in virsh's order, those of the plain form are renamed.
BLOCK_STATS = {
    "rd_operations": ("rd_req", " number of read operations:     "),
    "rd_bytes": ("rd_bytes", " number of bytes read:          "),
    "wr_operations": ("wr_req", " number of write operations:    "),
    "wr_bytes": ("wr_bytes", " number of bytes written:       "),
    "errs": ("errs", " error count:                   "),
    "flush_operations": ("flush_operations", " number of flush operations:    "),
    "rd_total_times": ("rd_total_times", " total duration of reads (ns):  "),
    "wr_total_times": ("wr_total_times", " total duration of writes (ns): "),
    "flush_total_times": ("flush_total_times", " total duration of flushes (ns):"),
}


@TABLE.command(
    "domblkstat",
    "show how much a disk was read and written",
    options=(
        DOMAIN_ACTIVE,
        word(
            "device",
            "target or source of the disk; all together when left out",
            "disk-target",
            required=False,
            allow_empty=True,
        ),
        flag("human", "in words people read"),
    ),
)
def domblkstat(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    device = args.device or ""
    stats = _block_stats(ctx, dom, args.domain, device)
    known = [key for key in BLOCK_STATS if key in stats]
    keys = known + [key for key in stats if key not in BLOCK_STATS]
    lines = [f"Device: {device}"] if args.human else []
    for key in keys:
        plain, label = BLOCK_STATS.get(key, (key, f" {key}"))
        lines.append(f"{label} {stats[key]}" if args.human else f"{device} {plain} {stats[key]}")
    data = {key + "_ns" if key.endswith("_times") else key: stats[key] for key in keys}
    ctx.out.data({"device": device, **data}, "".join(x + "\n" for x in lines))


def _block_stats(ctx: "Session", dom: "DomainRef", typed: str, device: str) -> "dict[str, object]":
    """Return a disk's counters by name; those it does not have are left out."""
    try:
        return {name: value for name, _, value in ctx.driver.domain_block_stats_flags(dom, device)}
    except VirError as error:
        if error.code != NO_SUPPORT:
            if not error.counted:
                raise
            text = f"Failed to get block stats for domain '{typed}' device '{device}'"
            raise CommandFailed(text, error.text) from error
    with ctx.failing(f"Failed to get block stats {typed} {device}"):
        reads, read, writes, written, errors = ctx.driver.domain_block_stats(dom, device)
    stats: dict[str, object] = {}
    for name, count in (
        ("rd_operations", reads),
        ("rd_bytes", read),
        ("wr_operations", writes),
        ("wr_bytes", written),
        ("errs", errors),
    ):
        if count >= 0:
            stats[name] = count
    return stats


DISK_ERRORS = ("no error", "unspecified error", "no space")


@TABLE.command("domblkerror", "show which disks have failed", options=(DOMAIN_ACTIVE,))
def domblkerror(ctx: "Session", args: "Args") -> None:
    errors = ctx.driver.domain_get_disk_errors(ctx.domain(args.domain))
    worded = [
        (disk, DISK_ERRORS[code] if code < len(DISK_ERRORS) else "unknown error") for disk, code in errors
    ]
    text = "".join(f"{disk}: {error}\n" for disk, error in worded) or "No errors found\n"
    ctx.out.data([{"disk": disk, "error": error} for disk, error in worded], text)


# -- interfaces --------------------------------------------------------------------------------------


@TABLE.command(
    "domiflist",
    "list a domain's network interfaces",
    options=(DOMAIN, flag("inactive", "as the definition has them, not the running domain")),
)
def domiflist(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands import domaindevices

    columns = [
        ("Interface", "interface"),
        ("Type", "type"),
        ("Source", "source"),
        ("Model", "model"),
        ("MAC", "mac"),
    ]
    ctx.out.records(columns, domaindevices.interfaces(ctx, ctx.domain(args.domain), inactive=args.inactive))


INTERFACE_STATS = (
    "rx_bytes",
    "rx_packets",
    "rx_errs",
    "rx_drop",
    "tx_bytes",
    "tx_packets",
    "tx_errs",
    "tx_drop",
)


@TABLE.command(
    "domifstat",
    "show how much an interface received and sent",
    options=(DOMAIN_ACTIVE, word("interface", "name or MAC address of the interface", "domain-interface")),
)
def domifstat(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    name = args.interface
    with ctx.failing(f"Failed to get interface stats {args.domain} {name}"):
        counts = ctx.driver.domain_interface_stats(dom, name)
    # A counter that the hypervisor does not have is negative.
    stats = {key: n for key, n in zip(INTERFACE_STATS, counts, strict=True) if n >= 0}
    text = "".join(f"{name} {key} {count}\n" for key, count in stats.items())
    ctx.out.data({"interface": name, **stats}, text)


@TABLE.command(
    "domif-getlink",
    "show whether an interface's link is up",
    options=(
        DOMAIN,
        word("interface", "name or MAC address of the interface", "domain-interface"),
        alias("persistent", "config"),
        flag("config", "as the definition has it, not the running domain"),
    ),
)
def domif_getlink(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands import domaindevices

    name = args.interface
    dom = ctx.domain(args.domain)
    state = domaindevices.link_state(ctx, dom, name, inactive=args.config)
    ctx.out.data({"interface": name, "link": state}, f"{name} {state}")


# -- memory ----------------------------------------------------------------------------------------------

MEMORY_STATS = (
    "swap_in",
    "swap_out",
    "major_fault",
    "minor_fault",
    "unused",
    "available",
    "actual",
    "rss",
    "usable",
    "last_update",
    "disk_caches",
    "hugetlb_pgalloc",
    "hugetlb_pgfail",
)
# The others are in KiB.
UNITLESS_STATS = ("major_fault", "minor_fault", "last_update", "hugetlb_pgalloc", "hugetlb_pgfail")


@TABLE.command(
    "dommemstat",
    "show what a domain's memory is used for",
    options=(
        DOMAIN_ACTIVE,
        number("period", "seconds between two reports of the guest, 0 for none; then nothing is shown"),
        CONFIG,
        LIVE,
        CURRENT,
    ),
    rules=(exclusive("current", "live"), exclusive("current", "config")),
)
def dommemstat(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    flags = constants.DOMAIN_AFFECT_CONFIG if args.config else 0
    flags |= constants.DOMAIN_AFFECT_LIVE if args.live else 0
    # virsh asks whether the domain runs even where the answer changes nothing.
    if not flags and not args.current and ctx.driver.domain_is_active(dom):
        flags = constants.DOMAIN_AFFECT_LIVE
    if args.given("period"):
        period = args.integer("period")
        if period < 0:
            raise CommandFailed(f"Invalid collection period value '{period}'")
        with ctx.failing("Unable to change balloon collection period."):
            ctx.driver.domain_set_memory_stats_period(dom, period, flags)
        return
    with ctx.failing(f"Failed to get memory statistics for domain {args.domain}"):
        counts = ctx.driver.domain_memory_stats(dom)
    stats = {MEMORY_STATS[tag]: n for tag, n in counts if tag < len(MEMORY_STATS)}
    data = {key if key in UNITLESS_STATS else f"{key}_kib": count for key, count in stats.items()}
    ctx.out.data(data, "".join(f"{key} {count}\n" for key, count in stats.items()))
