"""Limits of the traffic of single disks, and of groups of them."""

from pyvirsh.backend.api import PARAM_STRING, PARAM_ULLONG
from pyvirsh.backend.constants import DOMAIN_XML_INACTIVE
from pyvirsh.commands.options import AFFECTED, AFFECTED_RULES, DOMAIN, affected
from pyvirsh.commands.params import fetched, show
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import ULONG_MAX
from pyvirsh.spec import Table, alias, flag, number, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef, TypedParam
    from pyvirsh.backend.conf.xml import Element
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session
    from pyvirsh.spec import Opt

TABLE = Table("Domain Management", "domain")

_WAYS = {"total": "in all", "read": "read", "write": "written"}
_UNITS = {"bytes": "bytes", "iops": "operations"}

# option -> its help, in the order of the declaration
LIMITS = {
    **{f"{way}-{unit}-sec": f"most {_UNITS[unit]} a second {_WAYS[way]}" for unit in _UNITS for way in _WAYS},
    **{
        f"{way}-{unit}-sec-max": f"most {_UNITS[unit]} a second {_WAYS[way]} for a short time"
        for unit in _UNITS
        for way in _WAYS
    },
    "size-iops-sec": "bytes that count as one operation",
    **{
        f"{way}-{unit}-sec-max-length": f"seconds that {way}-{unit}-sec-max may last"
        for unit in _UNITS
        for way in _WAYS
    },
}

# The order in which they are read and sent.
ORDER = (
    *(f"{way}-bytes-sec" for way in _WAYS),
    *(f"{way}-bytes-sec-max" for way in _WAYS),
    *(f"{way}-iops-sec" for way in _WAYS),
    *(f"{way}-iops-sec-max" for way in _WAYS),
    "size-iops-sec",
    *(f"{way}-{unit}-sec-max-length" for unit in _UNITS for way in _WAYS),
)

# The order in which a group's limits are shown.
SHOWN = tuple(name.replace("-", "_") for name in LIMITS)


def _parameter(option: str) -> str:
    return option.replace("-", "_")


def _limit_options() -> "tuple[Opt, ...]":
    """Declare each limit with dashes and, for older scripts, with underscores."""
    return tuple(
        opt for name, help in LIMITS.items() for opt in (alias(_parameter(name), name), number(name, help))
    )


def _read_limits(args: "Args") -> "list[TypedParam]":
    """Read the limits that are given.  Errors: CommandFailed."""
    params: list[TypedParam] = []
    for name in ORDER:
        if not args.given(name):
            continue
        try:
            if name.endswith(("bytes-sec", "bytes-sec-max")):
                value = args.scaled(name)
            else:
                value = args.unsigned(name, high=ULONG_MAX)
        except CommandFailed as error:
            first, *library = error.texts
            raise CommandFailed(first, "Unable to parse integer parameter", *library) from error
        params.append((_parameter(name), PARAM_ULLONG, value))
    return params


@TABLE.command(
    "blkdeviotune",
    "show or change the limits of a disk's traffic",
    options=(
        DOMAIN,
        word("device", "target of the disk, like vda", "disk-target"),
        alias("group_name", "group-name"),
        text("group-name", "group of disks that share the limits", "none"),
        *_limit_options(),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def blkdeviotune(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    device = args.device
    flags = affected(args)
    changes = _read_limits(args)
    try:
        group = args.group_name
    except CommandFailed as error:
        raise CommandFailed(*error.texts, "Unable to parse group-name parameter") from error
    if group is not None:
        changes.append(("group_name", PARAM_STRING, group))
    if changes:
        with ctx.failing("Unable to change block I/O throttle"):
            ctx.driver.domain_set_block_io_tune(dom, device, changes, flags)
        return
    params = fetched(
        lambda: ctx.driver.domain_get_block_io_tune(dom, device, flags),
        "block I/O throttle",
        counted=flags == 3,
    )
    show(ctx, params)


# -- groups ------------------------------------------------------------------------------------------

GROUP = word("group-name", "name of the group", "throttle-group")
INACTIVE = flag("inactive", "look into the definition, not the running domain")


@TABLE.command(
    "domthrottlegroupset",
    "add a group of disks that share limits, or change its limits",
    options=(DOMAIN, GROUP, *_limit_options(), *AFFECTED),
    rules=AFFECTED_RULES,
)
def domthrottlegroupset(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    group = args.group_name
    params = [*_read_limits(args), ("group_name", PARAM_STRING, group)]
    with ctx.failing("Unable to set throttle group"):
        ctx.driver.domain_set_throttle_group(dom, group, params, affected(args))
    ctx.out.note("Throttle group set successfully")


@TABLE.command(
    "domthrottlegroupdel",
    "delete a group of disks that share limits",
    options=(DOMAIN, GROUP, *AFFECTED),
    rules=AFFECTED_RULES,
)
def domthrottlegroupdel(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    ctx.driver.domain_del_throttle_group(dom, args.group_name, affected(args))
    ctx.out.note("Throttle group deleted successfully")


@TABLE.command(
    "domthrottlegroupinfo",
    "show the limits of a group of disks",
    options=(DOMAIN, GROUP, INACTIVE),
)
def domthrottlegroupinfo(ctx: "Session", args: "Args") -> None:
    name = args.group_name
    limits: dict[str, str] = {}
    for group in _groups(ctx, ctx.domain(args.domain), args):
        if group.findtext("group_name") == name:
            limits = {limit: group.findtext(limit) or "" for limit in SHOWN if group.find(limit) is not None}
            break
    text = "".join(f"{limit:<15}: {value}\n" for limit, value in limits.items())
    numbers = {limit: int(value) if value.isdigit() else value for limit, value in limits.items()}
    ctx.out.data({"group_name": name, **numbers}, text)


@TABLE.command(
    "domthrottlegrouplist",
    "list the groups of disks that share limits",
    options=(DOMAIN, INACTIVE),
)
def domthrottlegrouplist(ctx: "Session", args: "Args") -> None:
    groups = _groups(ctx, ctx.domain(args.domain), args)
    ctx.out.records((("Name", "name"),), [{"name": group.findtext("group_name")} for group in groups])


def _groups(ctx: "Session", dom: "DomainRef", args: "Args") -> "list[Element]":
    """Return the groups in a domain's XML.  Errors: CommandFailed."""
    from pyvirsh.backend.conf.xml import parse

    with ctx.failing("Failed to get domain description xml"):
        document = ctx.driver.domain_get_xml_desc(dom, DOMAIN_XML_INACTIVE if args.inactive else 0)
    return parse(document).findall("throttlegroups/throttlegroup")
