"""What a guest says of itself: its file systems, its name, its clock, its addresses."""

import time

from pyvirsh.backend.constants import (
    DOMAIN_GET_HOSTNAME_AGENT,
    DOMAIN_GET_HOSTNAME_LEASE,
    DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT,
    DOMAIN_INTERFACE_ADDRESSES_SRC_ARP,
    DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
    DOMAIN_TIME_SYNC,
)
from pyvirsh.commands.options import DOMAIN_ACTIVE
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import LONG_MAX, ULONG_MAX
from pyvirsh.shell.output import Shown
from pyvirsh.spec import Table, exclusive, flag, number, text, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")


def _source(args: "Args", sources: "dict[str, int]", default: int) -> int:
    """Return the number of the source that the option names.  Errors: CommandFailed."""
    name = args.source
    if name is None:
        return default
    if name not in sources:
        raise CommandFailed(f"Unknown data source '{name}'")
    return sources[name]


# -- file systems ------------------------------------------------------------------------------------

MOUNTPOINT = "mount point in the guest; all when left out"


@TABLE.command(
    "domfsfreeze",
    "stop all writing to a guest's file systems, for a consistent copy",
    options=(DOMAIN_ACTIVE, words("mountpoint", MOUNTPOINT, "guest-mountpoint")),
)
def domfsfreeze(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    with ctx.failing("Unable to freeze filesystems"):
        count = ctx.driver.domain_fsfreeze(dom, args.mountpoint)
    ctx.out.note(f"Froze {count} filesystem(s)")


@TABLE.command(
    "domfsthaw",
    "let a guest write to its file systems again",
    options=(DOMAIN_ACTIVE, words("mountpoint", MOUNTPOINT, "guest-mountpoint")),
)
def domfsthaw(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    with ctx.failing("Unable to thaw filesystems"):
        count = ctx.driver.domain_fsthaw(dom, args.mountpoint)
    ctx.out.note(f"Thawed {count} filesystem(s)")


@TABLE.command(
    "domfstrim",
    "let a guest give back the blocks that its file systems do not use",
    options=(
        DOMAIN_ACTIVE,
        number("minimum", "smallest free range to give back, in bytes", fills=True),
        text("mountpoint", MOUNTPOINT, "guest-mountpoint", fills=True),
    ),
)
def domfstrim(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    minimum = args.unsigned("minimum", high=ULONG_MAX)
    mountpoint = args.mountpoint
    with ctx.failing("Unable to invoke fstrim"):
        ctx.driver.domain_fstrim(dom, mountpoint, minimum)


@TABLE.command("domfsinfo", "list a guest's file systems", options=(DOMAIN_ACTIVE,))
def domfsinfo(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    with ctx.failing("Unable to get filesystem information"):
        found = ctx.driver.domain_get_fsinfo(dom)
    if not found and not ctx.out.structured:
        ctx.out.raw_note("No filesystems are mounted in the domain")
        return
    rows: list[dict[str, object]] = [
        {"mountpoint": mountpoint, "name": name, "type": type, "target": Shown(disks, ",".join(disks))}
        for mountpoint, name, type, disks in found
    ]
    columns = (("Mountpoint", "mountpoint"), ("Name", "name"), ("Type", "type"), ("Target", "target"))
    ctx.out.records(columns, rows)


# -- name and clock ----------------------------------------------------------------------------------

HOSTNAME_SOURCES = {"agent": DOMAIN_GET_HOSTNAME_AGENT, "lease": DOMAIN_GET_HOSTNAME_LEASE}


@TABLE.command(
    "domhostname",
    "show a guest's host name",
    options=(
        DOMAIN_ACTIVE,
        text("source", "who is asked", "enum:" + ",".join(HOSTNAME_SOURCES), fills=True),
    ),
)
def domhostname(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    flags = _source(args, HOSTNAME_SOURCES, 0)
    with ctx.failing("failed to get hostname"):
        hostname = ctx.driver.domain_get_hostname(dom, flags)
    ctx.out.value("hostname", hostname)


@TABLE.command(
    "domtime",
    "show or set a guest's clock",
    options=(
        DOMAIN_ACTIVE,
        flag("now", "set it to this host's time"),
        flag("pretty", "show it as date and time"),
        flag("sync", "let the guest set it from its real-time clock"),
        number("time", "set it to so many seconds after 1970", fills=True),
    ),
    rules=(exclusive("time", "now"), exclusive("time", "sync"), exclusive("now", "sync")),
)
def domtime(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    seconds = args.integer("time", low=-LONG_MAX - 1, high=LONG_MAX)
    if args.now or args.sync or args.given("time"):
        if args.now:
            seconds = int(time.time())
        ctx.driver.domain_set_time(dom, seconds, 0, DOMAIN_TIME_SYNC if args.sync else 0)
        return
    seconds, nanoseconds = ctx.driver.domain_get_time(dom)
    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if args.pretty else str(seconds)
    ctx.out.data({"seconds": seconds, "nanoseconds": nanoseconds}, f"Time: {shown}")


# -- addresses ---------------------------------------------------------------------------------------

ADDRESS_SOURCES = {
    "lease": DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
    "agent": DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT,
    "arp": DOMAIN_INTERFACE_ADDRESSES_SRC_ARP,
}
FAMILIES = ("ipv4", "ipv6")


@TABLE.command(
    "domifaddr",
    "list the addresses of a guest's network interfaces",
    options=(
        DOMAIN_ACTIVE,
        word("interface", "one interface; all when left out", "domain-interface", required=False),
        flag("full", "repeat name and MAC address on every line"),
        text("source", "who is asked", "enum:" + ",".join(ADDRESS_SOURCES), fills=True),
    ),
)
def domifaddr(ctx: "Session", args: "Args") -> None:
    wanted = args.interface
    source = _source(args, ADDRESS_SOURCES, DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)
    dom = ctx.domain(args.domain)
    with ctx.failing("Failed to query for interfaces addresses"):
        interfaces = ctx.driver.domain_interface_addresses(dom, source)
    lines: list[str] = []
    if not ctx.out.quiet:
        lines.append(f" {'Name':<10} {'MAC address':<20} {'Protocol':<8}     Address\n{'-' * 79}\n")
    rows: list[dict[str, object]] = []
    for name, mac, addresses in interfaces:
        if wanted not in (None, name):
            continue
        if not addresses:
            lines.append(_address_line(name, mac, "N/A", "N/A"))
        for at, (family, address, prefix) in enumerate(addresses):
            titles = (name, mac) if at == 0 or args.full else ("-", "-")
            protocol = FAMILIES[family] if family < len(FAMILIES) else ""
            lines.append(_address_line(*titles, protocol, f"{address}/{prefix}"))
        found = [{"protocol": FAMILIES[f], "address": a, "prefix": p} for f, a, p in addresses if f < 2]
        rows.append({"name": name, "mac_address": mac, "addresses": found})
    ctx.out.data(rows, "".join(lines))


def _address_line(name: str, mac: "str | None", protocol: str, address: str) -> str:
    return f" {name:<10} {mac or 'N/A':<17}    {protocol:<12} {address}\n"
