"""The I/O threads of a domain."""

from pyvirsh.backend.api import PARAM_INT, PARAM_UINT, PARAM_ULLONG
from pyvirsh.commands import cpulists
from pyvirsh.commands.options import AFFECTED, AFFECTED_RULES, DOMAIN, affected
from pyvirsh.commands.params import typed
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import UINT_MAX
from pyvirsh.spec import Table, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session
    from pyvirsh.spec import Opt

TABLE = Table("Domain Management", "domain")

IOTHREAD_PARAMS = (
    ("poll-max-ns", "poll_max_ns", PARAM_ULLONG),
    ("poll-grow", "poll_grow", PARAM_ULLONG),
    ("poll-shrink", "poll_shrink", PARAM_ULLONG),
    ("poll-weight", "poll_weight", PARAM_ULLONG),
    ("thread-pool-min", "thread_pool_min", PARAM_INT),
    ("thread-pool-max", "thread_pool_max", PARAM_INT),
)


def _id(completes: str = "iothread-id") -> "Opt":
    return number("id", "number of the I/O thread", completes, required=True, positional=True)


def _read_id(args: "Args") -> int:
    """Return the number of a thread.  Errors: CommandFailed."""
    id = args.integer("id")
    if id <= 0:
        raise CommandFailed(f"Invalid IOThread id value: '{id}'")
    return id


@TABLE.command(
    "iothreadinfo",
    "list the I/O threads of a domain and where they may run",
    options=(DOMAIN, *AFFECTED),
    rules=AFFECTED_RULES,
)
def iothreadinfo(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    with ctx.failing("Unable to get domain IOThreads information"):
        threads = ctx.driver.domain_get_iothread_info(dom, affected(args))
    if not threads and not ctx.out.structured:
        ctx.out.raw_note("No IOThreads found for the domain")
        return
    rows: list[dict[str, object]] = []
    for id, cpumap in threads:
        rows.append({"iothread": id, "cpu_affinity": cpulists.shown(cpumap, len(cpumap) * 8)})
    ctx.out.records((("IOThread ID", "iothread"), ("CPU Affinity", "cpu_affinity")), rows)


@TABLE.command(
    "iothreadadd", "add an I/O thread to a domain", options=(DOMAIN, _id(""), *AFFECTED), rules=AFFECTED_RULES
)
def iothreadadd(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    ctx.driver.domain_add_iothread(dom, _read_id(args), affected(args))


@TABLE.command(
    "iothreadset",
    "change how an I/O thread polls and how many workers it has",
    options=(
        DOMAIN,
        _id(),
        number("poll-max-ns", "longest time to poll, in nanoseconds", fills=True),
        number("poll-grow", "factor that makes the polling time longer", fills=True),
        number("poll-shrink", "divisor that makes the polling time shorter", fills=True),
        number("poll-weight", "weight of the latest event when the polling time is chosen"),
        number("thread-pool-min", "least number of worker threads", fills=True),
        number("thread-pool-max", "largest number of worker threads", fills=True),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def iothreadset(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    id = _read_id(args)
    params = [_narrow(param) for param in typed(args, IOTHREAD_PARAMS)]
    if not params:
        raise CommandFailed("Not enough arguments passed, nothing to set")
    ctx.driver.domain_set_iothread_params(dom, id, params, affected(args))


def _narrow(param: "TypedParam") -> "TypedParam":
    """Give a polling factor the smaller type when it fits, which older daemons insist on."""
    name, type, value = param
    small = type == PARAM_ULLONG and name != "poll_max_ns" and int(value) <= UINT_MAX
    return (name, PARAM_UINT, value) if small else param


@TABLE.command(
    "iothreaddel",
    "take an I/O thread away from a domain",
    options=(DOMAIN, _id(), *AFFECTED),
    rules=AFFECTED_RULES,
)
def iothreaddel(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    ctx.driver.domain_del_iothread(dom, _read_id(args), affected(args))
