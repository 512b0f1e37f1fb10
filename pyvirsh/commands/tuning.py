"""A domain's share of the host: processor time, disk and network traffic, memory nodes, counters."""

from pyvirsh.backend.api import (
    PARAM_BOOLEAN,
    PARAM_DOUBLE,
    PARAM_INT,
    PARAM_LLONG,
    PARAM_STRING,
    PARAM_UINT,
    PARAM_ULLONG,
)
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.commands import rates
from pyvirsh.commands.options import AFFECTED, AFFECTED_RULES, CONFIG, CURRENT, DOMAIN, LIVE, affected
from pyvirsh.commands.params import fetched, key, show, shown
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import INT_MAX, LONG_MAX, UINT_MAX, ULONG_MAX, parse_integer
from pyvirsh.shell.output import Shown
from pyvirsh.spec import Table, number, text, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef, TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session
    from pyvirsh.spec import Opt

TABLE = Table("Domain Management", "domain")

BOTH = 3  # --config and --live


# -- disks -------------------------------------------------------------------------------------------

# option -> parameter
PER_DEVICE = {
    "device-weights": "device_weight",
    "device-read-iops-sec": "device_read_iops_sec",
    "device-write-iops-sec": "device_write_iops_sec",
    "device-read-bytes-sec": "device_read_bytes_sec",
    "device-write-bytes-sec": "device_write_bytes_sec",
}


def _per_device(name: str, what: str) -> "Opt":
    return text(name, f"{what} of single devices, as PATH,NUMBER,...", "none", fills=True)


@TABLE.command(
    "blkiotune",
    "show or change a domain's share of the host's disk traffic",
    options=(
        DOMAIN,
        number("weight", "share, 100 to 1000", fills=True),
        _per_device("device-weights", "shares"),
        _per_device("device-read-iops-sec", "most reads a second"),
        _per_device("device-write-iops-sec", "most writes a second"),
        _per_device("device-read-bytes-sec", "most bytes read a second"),
        _per_device("device-write-bytes-sec", "most bytes written a second"),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def blkiotune(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    flags = affected(args)
    changes = _blkio_changes(args)
    if changes:
        with ctx.failing("Unable to change blkio parameters"):
            ctx.driver.domain_set_blkio_parameters(dom, changes, flags)
        return
    params = fetched(
        lambda: ctx.driver.domain_get_blkio_parameters(dom, flags), "blkio", counted=flags == BOTH
    )
    show(ctx, params)


def _blkio_changes(args: "Args") -> "list[TypedParam]":
    """Read what is to be changed.  Errors: CommandFailed."""
    changes: list[TypedParam] = []
    if args.given("weight"):
        weight = args.integer("weight")
        if weight <= 0:
            raise CommandFailed(f"Invalid value of {weight} for I/O weight")
        changes.append(("weight", PARAM_UINT, weight))
    for option, name in PER_DEVICE.items():
        if args.given(option):
            value = args.values[option]
            if not value:
                raise CommandFailed("Unable to parse string parameter")
            changes.append((name, PARAM_STRING, str(value)))
    return changes


# -- network -----------------------------------------------------------------------------------------


@TABLE.command(
    "domiftune",
    "show or change the rates of a domain's network interface",
    options=(
        DOMAIN,
        word("interface", "name of its device on the host, or its MAC address", "domain-interface"),
        text("inbound", "rates in, as average,peak,burst,floor", "none", fills=True),
        text("outbound", "rates out, as average,peak,burst", "none", fills=True),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def domiftune(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    device = args.interface
    changes = [
        change
        for way in ("inbound", "outbound")
        if args[way] is not None
        for change in _rate_changes(way, args[way])
    ]
    if changes:
        with ctx.failing("Unable to set interface parameters"):
            ctx.driver.domain_set_interface_parameters(dom, device, changes, affected(args))
        return
    flags = affected(args)
    show(ctx, fetched(lambda: ctx.driver.domain_get_interface_parameters(dom, device, flags), "interface"))


def _rate_changes(way: str, given: str) -> "list[TypedParam]":
    """Read the rates of one direction.  Errors: CommandFailed."""
    rate = rates.parse(given)
    if way == "outbound" and rate["floor"]:
        raise CommandFailed("outbound floor is unsupported yet")
    if not rate["average"] and not rate["floor"] and (rate["peak"] or rate["burst"]):
        what = "either inbound average or floor" if way == "inbound" else "outbound average"
        raise CommandFailed(f"{what} is mandatory")
    if max(rate.values()) > UINT_MAX:
        raise CommandFailed(f"{way} rate larger than maximum {UINT_MAX}")
    return [(f"{way}.{name}", PARAM_UINT, rate[name]) for name in rate if rate[name] or name == "average"]


# -- memory nodes ------------------------------------------------------------------------------------

NUMA_MODES = ("strict", "preferred", "interleave", "restrictive")


@TABLE.command(
    "numatune",
    "show or change which memory nodes of the host a domain uses",
    options=(
        DOMAIN,
        text("mode", "how strictly, a word or a number", "enum:" + ",".join(NUMA_MODES), fills=True),
        text("nodeset", "nodes of the host, like 0-3,^2", fills=True),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def numatune(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    changes: list[TypedParam] = []
    if args.nodeset is not None:
        changes.append(("numa_nodeset", PARAM_STRING, args.nodeset))
    if args.mode is not None:
        changes.append(("numa_mode", PARAM_INT, _numa_mode(args.mode)))
    if changes:
        with ctx.failing("Unable to change numa parameters"):
            ctx.driver.domain_set_numa_parameters(dom, changes, affected(args))
        return
    flags = affected(args)
    # The other words are virsh's own mistake.
    params = fetched(
        lambda: ctx.driver.domain_get_numa_parameters(dom, flags), "numa", counting="number of memory"
    )
    ctx.out.fields([(param[0], param[0], _shown_numa(param)) for param in params], colon=": ")


def _numa_mode(given: str) -> int:
    """Return the number of a mode.  Errors: CommandFailed."""
    number = parse_integer(given)
    if number is not None and -INT_MAX - 1 <= number <= INT_MAX:
        return number
    if given not in NUMA_MODES:
        raise CommandFailed(f"Invalid mode: {given}")
    return NUMA_MODES.index(given)


def _shown_numa(param: "TypedParam") -> object:
    name, type, value = param
    if name != "numa_mode" or type != PARAM_INT:
        return shown(param)
    return NUMA_MODES[value] if isinstance(value, int) and 0 <= value < len(NUMA_MODES) else "(null)"


# -- counters ----------------------------------------------------------------------------------------

EVENTS = (
    "cmt,mbmt,mbml,cpu_cycles,instructions,cache_references,cache_misses,branch_instructions,"
    "branch_misses,bus_cycles,stalled_cycles_frontend,stalled_cycles_backend,ref_cpu_cycles,"
    "cpu_clock,task_clock,page_faults,context_switches,cpu_migrations,page_faults_min,"
    "page_faults_maj,alignment_faults,emulation_faults"
)


@TABLE.command(
    "perf",
    "show or change which performance counters run for a domain",
    options=(
        DOMAIN,
        text("enable", "counters to start, with commas between", "enum-list:" + EVENTS, fills=True),
        text("disable", "counters to stop, with commas between", "enum-list:" + EVENTS, fills=True),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def perf(ctx: "Session", args: "Args") -> None:
    lists = (args.enable, args.disable)
    dom = ctx.domain(args.domain)
    changes: list[TypedParam] = [
        (event, PARAM_BOOLEAN, enabled)
        for enabled, events in zip((1, 0), lists, strict=True)
        for event in (events or "").split(",")
        if event
    ]
    if changes:
        with ctx.failing("Unable to enable/disable perf events"):
            ctx.driver.domain_set_perf_events(dom, changes, affected(args))
        events = changes
    else:
        with ctx.failing("Unable to get perf events"):
            events = ctx.driver.domain_get_perf_events(dom, affected(args))
    if ctx.out.quiet and not ctx.out.structured:
        return
    states = ("disabled", "enabled")
    ctx.out.fields([(name, name, Shown(bool(on), states[bool(on)])) for name, _, on in events], colon=": ")


# -- processor time ----------------------------------------------------------------------------------

# type -> (lowest, highest, how an error names it); unsigned ones take a number below 0 as C does
NUMBERS = {
    PARAM_INT: (-INT_MAX - 1, INT_MAX, "int"),
    PARAM_UINT: (0, UINT_MAX, "unsigned int"),
    PARAM_LLONG: (-LONG_MAX - 1, LONG_MAX, "long long"),
    PARAM_ULLONG: (0, ULONG_MAX, "unsigned long long"),
}
TRUTHS = {"0": 0, "false": 0, "1": 1, "true": 1}


@TABLE.command(
    "schedinfo",
    "show or change how a domain gets processor time",
    options=(
        DOMAIN,
        number("weight", "share, for the credit scheduler"),
        number("cap", "most time in percent of a processor, for the credit scheduler"),
        CURRENT,
        CONFIG,
        LIVE,
        words("set", "what to change, as NAME=VALUE"),
    ),
    rules=AFFECTED_RULES,
)
def schedinfo(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    flags = affected(args)
    with_flags = bool(flags or args.current)

    def current() -> "list[TypedParam]":
        if with_flags:
            # Of both definitions only one can be shown.
            return ctx.driver.domain_get_scheduler_parameters_flags(dom, 0 if flags == BOTH else flags)
        return ctx.driver.domain_get_scheduler_parameters(dom)

    scheduler = _scheduler(ctx, dom)
    params = current()
    if not params:
        raise CommandFailed
    changes = _scheduler_changes(args, {param[0]: param[1] for param in params})
    if changes:
        if with_flags:
            ctx.driver.domain_set_scheduler_parameters_flags(dom, changes, flags)
        else:
            ctx.driver.domain_set_scheduler_parameters(dom, changes)
        params = current()
    fields = [(param[0], key(param[0]), shown(param)) for param in params]
    ctx.out.fields([("", "scheduler", scheduler), *fields], colon=": ")


def _scheduler(ctx: "Session", dom: "DomainRef") -> str:
    """Return the scheduler's name, once it has been written above what may fail yet."""
    name = "Unknown"
    try:
        name = ctx.driver.domain_get_scheduler_type(dom)[0]
    finally:
        if not ctx.out.structured:
            ctx.out.raw(f"Scheduler      : {name}\n")
    return name


def _scheduler_changes(args: "Args", types: "dict[str, int]") -> "list[TypedParam]":
    """Read what is to be changed, in the types of the present parameters.  Errors: CommandFailed."""
    changes: list[TypedParam] = []
    for item in args.set:
        name, equals, given = item.partition("=")
        if not equals:
            raise CommandFailed("Invalid syntax for --set, expecting name=value")
        changes.append(_scheduler_change(name, given, types))
    for name in ("cap", "weight"):
        if args[name] is not None:
            changes.append(_scheduler_change(name, args[name], types))
    return changes


def _scheduler_change(name: str, given: str, types: "dict[str, int]") -> "TypedParam":
    if name not in types:
        raise CommandFailed(f"invalid scheduler option: {name}")
    type = types[name]
    if type == PARAM_STRING:
        return name, type, given
    if type == PARAM_BOOLEAN:
        if given not in TRUTHS:
            raise VirError(INVALID_ARG, f"Invalid boolean value for field '{name}'")
        return name, type, TRUTHS[given]
    number = _real(given) if type == PARAM_DOUBLE else _whole(given, *NUMBERS[type][:2])
    if number is None:
        kind = "double" if type == PARAM_DOUBLE else NUMBERS[type][2]
        raise VirError(INVALID_ARG, f"Invalid value for field '{name}': expected {kind}")
    return name, type, number


def _whole(given: str, low: int, high: int) -> "int | None":
    """Read a whole number; without a sign of its own, one below 0 counts down from the highest."""
    number = parse_integer(given)
    if number is None or not (low or -high) <= number <= high:
        return None
    return number if number >= low else number + high + 1


def _real(given: str) -> "float | None":
    try:
        return float(given) if given == given.rstrip() and "_" not in given else None
    except ValueError:
        return None
