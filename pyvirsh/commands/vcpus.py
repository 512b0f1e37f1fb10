"""A domain's virtual CPUs: how many there are, where they run, what they have used."""

from pyvirsh.backend.api import PARAM_ULLONG
from pyvirsh.backend.constants import DOMAIN_SHUTOFF, DOMAIN_XML_INACTIVE
from pyvirsh.backend.errors import INVALID_ARG, NO_SUPPORT, VirError
from pyvirsh.commands import cpulists
from pyvirsh.commands.options import AFFECTED, AFFECTED_RULES, CURRENT, DOMAIN, DOMAIN_ACTIVE, affected
from pyvirsh.commands.params import shown
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import Shown, cell, plain
from pyvirsh.spec import Table, exclusive, flag, number, requires, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef, TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

    VcpuInfo = tuple[int, int, int, int]

TABLE = Table("Domain Management", "domain")

# virDomainVcpuFlags
LIVE, CONFIG, MAXIMUM, GUEST, HOTPLUGGABLE, ASYNC = (1 << bit for bit in range(6))
# What a driver answers that does not know the flags of a count.
UNKNOWN_WAY = (NO_SUPPORT, INVALID_ARG)
STATES = ("offline", "running", "blocked")

ASYNC_OPTION = flag("async", "do not wait until the guest has let a CPU go")


# -- counts ------------------------------------------------------------------------------------------


@TABLE.command(
    "vcpucount",
    "count the virtual CPUs of a domain",
    options=(
        DOMAIN,
        flag("maximum", "count what it may have, not what it has"),
        flag("active", "count what it has now"),
        flag("live", "count in the running domain"),
        flag("config", "count in the definition"),
        CURRENT,
        flag("guest", "count what the guest itself has switched on"),
    ),
    rules=(
        exclusive("live", "config"),
        exclusive("active", "maximum"),
        exclusive("guest", "config"),
    ),
)
def vcpucount(ctx: "Session", args: "Args") -> None:
    # Without these, --current is another word for --active.
    for state in ("live", "config") if args.current and (args.active or args.maximum) else ():
        if args[state]:
            raise CommandFailed(f"Options --current and --{state} are mutually exclusive")
    dom = ctx.domain(args.domain)
    flags = affected(args) | (MAXIMUM if args.maximum else 0)
    if args.guest:
        ctx.out.value("count", _count_in_guest(ctx, dom, flags | GUEST))
    elif flags or args.active or args.current:
        ctx.out.value("count", count_vcpus(ctx, dom, flags))
    else:
        _show_all_counts(ctx, dom)


def _count_in_guest(ctx: "Session", dom: "DomainRef", flags: int) -> int:
    try:
        return ctx.driver.domain_get_vcpus_flags(dom, flags)
    except VirError as error:
        if error.code not in UNKNOWN_WAY:
            raise
        raise CommandFailed("Failed to retrieve vCPU count from the guest", error.text) from error


def _show_all_counts(ctx: "Session", dom: "DomainRef") -> None:
    """Write the counts of the definition and of the running domain, as far as there are such."""
    failure: VirError | CommandFailed | None = None
    rows = []
    for which, flags in (
        ("maximum config", CONFIG | MAXIMUM),
        ("current config", CONFIG),
        ("maximum live", LIVE | MAXIMUM),
        ("current live", LIVE),
    ):
        if not _has(ctx, dom, flags):
            continue
        try:
            rows.append((which, count_vcpus(ctx, dom, flags)))
        except (VirError, CommandFailed) as error:
            failure = error
    if failure is not None:
        raise failure
    rows.sort(key=lambda row: row[0].startswith("current"))
    lines = ["{:<12} {:<12} {:>3}\n".format(*which.split(), count) for which, count in rows]
    ctx.out.data({which.replace(" ", "_"): count for which, count in rows}, "".join(lines))


def _has(ctx: "Session", dom: "DomainRef", flags: int) -> bool:
    """Say whether there is what the flags speak of: a definition, a running domain."""
    try:
        return ctx.driver.domain_is_persistent(dom) if flags & CONFIG else ctx.driver.domain_is_active(dom)
    except VirError:
        return False


def count_vcpus(ctx: "Session", dom: "DomainRef", flags: int) -> int:
    """Count a domain's CPUs, in an older way where the driver does not know the new one.

    Errors: VirError; CommandFailed when the definition does not say.
    """
    driver = ctx.driver
    try:
        return driver.domain_get_vcpus_flags(dom, flags)
    except VirError as error:
        if error.code not in UNKNOWN_WAY:
            raise
        if flags & CONFIG == 0 and not flags & LIVE and not driver.domain_is_active(dom):
            flags |= CONFIG
    if not flags & CONFIG:
        return driver.domain_get_max_vcpus(dom) if flags & MAXIMUM else driver.domain_get_info(dom)[3]
    return _defined_vcpus(driver.domain_get_xml_desc(dom, DOMAIN_XML_INACTIVE), maximum=bool(flags & MAXIMUM))


def _defined_vcpus(document: str, *, maximum: bool) -> int:
    """Read the number of CPUs in a definition.  Errors: CommandFailed."""
    from pyvirsh.backend.conf.xml import parse

    which = "maximum" if maximum else "current"
    vcpu = parse(document).find("vcpu")
    given = None if vcpu is None else vcpu.text if maximum else vcpu.get("current")
    if given is None or not given.strip().isdigit():
        raise CommandFailed(f"Failed to retrieve {which} vcpu count")
    return int(given)


@TABLE.command(
    "setvcpus",
    "change the number of a domain's virtual CPUs",
    options=(
        DOMAIN,
        number("count", "number of virtual CPUs", required=True, positional=True),
        flag("maximum", "change what it may have after its next boot"),
        *AFFECTED,
        flag("guest", "let the guest switch its CPUs on or off"),
        flag("hotpluggable", "make the added CPUs ones that can be taken away"),
        ASYNC_OPTION,
    ),
    rules=(*AFFECTED_RULES, exclusive("guest", "config"), requires("maximum", "config")),
)
def setvcpus(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    count = args.unsigned("count")
    if count == 0:
        raise CommandFailed("Can't set 0 processors for a VM")
    flags = affected(args)
    for option, bit in (
        ("guest", GUEST),
        ("hotpluggable", HOTPLUGGABLE),
        ("maximum", MAXIMUM),
        ("async", ASYNC),
    ):
        flags |= bit if args[option] else 0
    if flags or args.current:
        ctx.driver.domain_set_vcpus_flags(dom, count, flags)
    else:
        ctx.driver.domain_set_vcpus(dom, count)


@TABLE.command(
    "setvcpu",
    "add or take away single virtual CPUs of a domain",
    options=(
        DOMAIN,
        word("vcpulist", "numbers of the virtual CPUs", "vcpu-list"),
        flag("enable", "add them"),
        flag("disable", "take them away"),
        ASYNC_OPTION,
        *AFFECTED,
    ),
    rules=(exclusive("enable", "disable"), *AFFECTED_RULES),
)
def setvcpu(ctx: "Session", args: "Args") -> None:
    if not args.enable and not args.disable:
        raise CommandFailed("one of --enable, --disable is required")
    vcpulist = args.vcpulist
    dom = ctx.domain(args.domain)
    flags = affected(args) | (ASYNC if args["async"] else 0)
    ctx.driver.domain_set_vcpu(dom, vcpulist, int(args.enable), flags)


@TABLE.command(
    "guestvcpus",
    "show which CPUs the guest has switched on, or switch them",
    options=(
        DOMAIN_ACTIVE,
        text("cpulist", "numbers of the virtual CPUs to switch", "guest-vcpu-list", fills=True),
        flag("enable", "switch them on"),
        flag("disable", "switch them off"),
    ),
    rules=(exclusive("enable", "disable"), requires("enable", "cpulist"), requires("disable", "cpulist")),
)
def guestvcpus(ctx: "Session", args: "Args") -> None:
    cpulist = args.cpulist
    if cpulist and not args.enable and not args.disable:
        raise CommandFailed("One of options --enable or --disable is required by option --cpulist")
    dom = ctx.domain(args.domain)
    if cpulist:
        ctx.driver.domain_set_guest_vcpus(dom, cpulist, int(args.enable))
        return
    params = ctx.driver.domain_get_guest_vcpus(dom)
    ctx.out.fields([(param[0], param[0], shown(param)) for param in params], colon=": ")


# -- where they run ----------------------------------------------------------------------------------


@TABLE.command(
    "vcpuinfo",
    "show where the virtual CPUs of a domain run",
    options=(DOMAIN, flag("pretty", "list the host's CPUs by number")),
)
def vcpuinfo(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    cpus = cpulists.host_cpus(ctx.driver)
    length = cpulists.map_length(cpus)
    vcpus, maps = _vcpus(ctx, dom, length)
    tables = []
    for at, vcpu in enumerate(vcpus):
        affinity = _affinity(maps[at * length : at * length + length], cpus, pretty=args.pretty)
        tables.append([*_vcpu_fields(at, vcpu), ("CPU Affinity:", "cpu_affinity", affinity)])
    rows = [{key: plain(value) for _, key, value in fields} for fields in tables]
    texts = [
        "".join(f"{label:<15} {cell(value)}\n" for label, _, value in fields if label) for fields in tables
    ]
    ctx.out.data(rows, "\n".join(texts))


def _vcpus(ctx: "Session", dom: "DomainRef", length: int) -> "tuple[list[VcpuInfo | None], bytes]":
    """Return a domain's CPUs and their maps; None for each as long as the domain does not run."""
    state, _, _, online, _ = ctx.driver.domain_get_info(dom)
    try:
        infos, maps = ctx.driver.domain_get_vcpus(dom)
        return list(infos), maps
    except VirError:
        if state != DOMAIN_SHUTOFF:
            raise
    maps = ctx.driver.domain_get_vcpu_pin_info(dom, CONFIG)
    return [None] * min(online, len(maps) // length), maps


def _vcpu_fields(at: int, vcpu: "VcpuInfo | None") -> "list[tuple[str, str, object]]":
    """Return what is known of a CPU as (label, key, value)."""
    missing = Shown(None, "N/A")
    if vcpu is None:
        # virsh leaves out the colon of the last one.
        fields = (
            ("CPU:", "cpu", missing),
            ("State:", "state", missing),
            ("CPU time", "cpu_time_ns", missing),
        )
        return [("VCPU:", "vcpu", at), *fields]
    number, state, used, cpu = vcpu
    return [
        ("VCPU:", "vcpu", number),
        ("CPU:", "cpu", cpu),
        ("State:", "state", STATES[state] if state < len(STATES) else "no state"),
        ("CPU time:" if used else "", "cpu_time_ns", Shown(used, f"{used / 1e9:.1f}s")),
    ]


def _affinity(data: bytes, cpus: int, *, pretty: bool) -> Shown:
    shown_map = cpulists.shown(data, cpus)
    if pretty:
        return Shown(shown_map.value, f"{shown_map.text} (out of {cpus})")
    allowed = set(cpulists.from_map(data))
    return Shown(shown_map.value, "".join("y" if cpu in allowed else "-" for cpu in range(cpus)))


# -- what they have used -----------------------------------------------------------------------------

# How many CPUs the protocol asks for at a time.
CHUNK = 128
SECONDS = ("cpu_time", "vcpu_time", "user_time", "system_time")


@TABLE.command(
    "cpu-stats",
    "show what time a domain has used on the host's CPUs",
    options=(
        DOMAIN_ACTIVE,
        flag("total", "show the sum only"),
        number("start", "show the CPUs from this one on", fills=True),
        number("count", "show so many CPUs", fills=True),
    ),
)
def cpu_stats(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    start = args.integer("start")
    if start < 0:
        raise CommandFailed("Invalid value for start CPU")
    count = args.integer("count", -1)
    if args.given("count") and count < 0:
        raise CommandFailed("Invalid value for number of CPUs to show")
    narrowed = args.given("start") or args.given("count")
    data: dict[str, object] = {}
    with ctx.failing(f"Failed to retrieve CPU statistics for domain '{dom.name}'"):
        if narrowed or not args.total:
            data["cpus"] = _cpus_used(ctx, dom, start, count, alone=narrowed and not args.total)
        if args.total or not narrowed:
            data["total"] = _total_used(ctx, dom)
    if ctx.out.structured:
        ctx.out.data(data, "")


def _cpus_used(
    ctx: "Session", dom: "DomainRef", start: int, count: int, *, alone: bool
) -> "list[dict[str, object]]":
    """Write what has been used on each CPU of the host and return it.

    Errors: CommandFailed; when nothing is known only if this is all that was asked for (alone).
    """
    known = len(ctx.driver.domain_get_cpu_stats(dom, 0, 0))
    if start >= known:
        raise CommandFailed(f"Start CPU {start} is out of range (min: 0, max: {known - 1})")
    if count > known:
        _say(ctx, f"Only {known} CPUs available to show\n")
    end = known if count < 0 else min(known, start + count)
    rows: list[dict[str, object]] = []
    for first in range(start, end, CHUNK):
        params = ctx.driver.domain_get_cpu_stats(dom, first, min(CHUNK, end - first))
        if not params:
            _say(ctx, "No per-CPU stats available")
            if alone:
                raise CommandFailed
            break
        for cpu, used in enumerate(_by_cpu(params), first):
            _say(ctx, f"CPU{cpu}:\n" + "".join(map(_used_line, used)))
            rows.append({"cpu": cpu, **_used(used)})
    return rows


def _total_used(ctx: "Session", dom: "DomainRef") -> "dict[str, object]":
    """Write what has been used in all and return it.  Errors: CommandFailed."""
    params = ctx.driver.domain_get_cpu_stats(dom, -1, 1)
    if not params:
        _say(ctx, "No total stats available")
        raise CommandFailed
    _say(ctx, "Total:\n" + "".join(map(_used_line, params)))
    return _used(params)


def _used(params: "list[TypedParam]") -> "dict[str, object]":
    """Return what has been used as data; times are in nanoseconds."""
    return {name + "_ns" if name.endswith("_time") else name: value for name, _, value in params}


def _say(ctx: "Session", text: str) -> None:
    if not ctx.out.structured:
        ctx.out.raw(text)


def _by_cpu(params: "list[TypedParam]") -> "list[list[TypedParam]]":
    """Split the parameters of several CPUs, which follow one another, at each first one."""
    starts = [at for at, param in enumerate(params) if param[0] == params[0][0]]
    return [params[at:end] for at, end in zip(starts, [*starts[1:], len(params)], strict=True)]


def _used_line(param: "TypedParam") -> str:
    name, kind, value = param
    if name in SECONDS and kind == PARAM_ULLONG:
        seconds, nanoseconds = divmod(int(value), 10**9)
        return f"\t{name:<12} {seconds:>9}.{nanoseconds:09} seconds\n"
    return f"\t{name:<12} {cell(shown(param))}\n"
