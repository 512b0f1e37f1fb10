"""How much memory a domain has and may use."""

from pyvirsh.backend.api import PARAM_ULLONG
from pyvirsh.backend.constants import (
    DOMAIN_AFFECT_LIVE,
    DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP,
    DOMAIN_DIRTYRATE_MODE_DIRTY_RING,
    DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING,
    DOMAIN_MEM_MAXIMUM,
)
from pyvirsh.commands.options import AFFECTED, AFFECTED_RULES, DOMAIN, affected
from pyvirsh.commands.params import fetched, shown
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import LONG_MAX, ULONG_MAX, ScaleError, parse_scaled
from pyvirsh.shell.output import Shown
from pyvirsh.spec import Table, alias, number, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session
    from pyvirsh.spec import Opt

TABLE = Table("Domain Management", "domain")

SIZE = (
    alias("kilobytes", "size"),
    number("size", "size, in KiB unless it has a suffix", required=True, positional=True),
)


def _kibibytes(args: "Args") -> int:
    """Read the size, rounded up to KiB; what is too large for that becomes 0, as in virsh."""
    size: int = args.scaled("size", unit=1024)
    return ((size + 1023) & ULONG_MAX) // 1024


@TABLE.command(
    "setmem",
    "change the memory that a domain has now",
    options=(DOMAIN, *SIZE, *AFFECTED),
    rules=AFFECTED_RULES,
)
def setmem(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    flags = affected(args) if affected(args) or args.current else DOMAIN_AFFECT_LIVE
    ctx.driver.domain_set_memory_flags(dom, _kibibytes(args), flags)


@TABLE.command(
    "setmaxmem",
    "change the memory that a domain may have at the most",
    options=(DOMAIN, *SIZE, *AFFECTED),
    rules=AFFECTED_RULES,
)
def setmaxmem(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    size = _kibibytes(args)
    with ctx.failing("Unable to change MaxMemorySize"):
        ctx.driver.domain_set_memory_flags(dom, size, affected(args) | DOMAIN_MEM_MAXIMUM)


# -- limits ------------------------------------------------------------------------------------------

# What stands for no limit (VIR_DOMAIN_MEMORY_PARAM_UNLIMITED), in KiB.
UNLIMITED = LONG_MAX // 1024
LIMITS = ("hard-limit", "soft-limit", "swap-hard-limit", "min-guarantee")


def _limit(name: str, help: str) -> "Opt":
    return number(name, help + ", in KiB unless it has a suffix", fills=True)


@TABLE.command(
    "memtune",
    "show or change the limits of the host's memory for a domain",
    options=(
        DOMAIN,
        _limit("hard-limit", "most memory it may use; -1 for no limit"),
        _limit("soft-limit", "most memory it may use when memory is short"),
        _limit("swap-hard-limit", "most memory and swap space it may use"),
        _limit("min-guarantee", "memory it is sure to get"),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def memtune(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    flags = affected(args)
    changes: list[TypedParam] = [
        (name.replace("-", "_"), PARAM_ULLONG, _read_limit(name, str(args.values[name])))
        for name in LIMITS
        if args.given(name)
    ]
    if changes:
        with ctx.failing("Unable to change memory parameters"):
            ctx.driver.domain_set_memory_parameters(dom, changes, flags)
        return
    params = fetched(
        lambda: ctx.driver.domain_get_memory_parameters(dom, flags), "memory", counted=flags == 3
    )
    ctx.out.fields([(param[0], f"{param[0]}_kib", _shown_limit(param)) for param in params], colon=": ")


def _read_limit(name: str, given: str) -> int:
    """Return a limit in KiB; one below 0 means none.  Errors: CommandFailed."""
    number = given.lstrip(" \t\n\v\f\r")
    if number.startswith("-") and number[1:2].isdigit():
        return UNLIMITED
    try:
        return -(-parse_scaled(given, 1024, LONG_MAX) // 1024)
    except ScaleError as error:
        digits = number.removeprefix("+").rstrip("kmgtpebiyKMGTPEBIY")
        # What is no number to virsh the library is not asked about.
        texts = () if digits.isdigit() and int(digits) > LONG_MAX else error.texts
        raise CommandFailed(f"Unable to parse integer parameter {name}", *texts) from None


def _shown_limit(param: "TypedParam") -> object:
    _, type, value = param
    unlimited = type == PARAM_ULLONG and value == UNLIMITED
    return Shown(None, "unlimited") if unlimited else shown(param)


# -- changes -----------------------------------------------------------------------------------------

DIRTYRATE_MODES = {
    "page-sampling": DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING,
    "dirty-bitmap": DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP,
    "dirty-ring": DOMAIN_DIRTYRATE_MODE_DIRTY_RING,
}


@TABLE.command(
    "domdirtyrate-calc",
    "start measuring how fast a domain changes its memory",
    options=(
        DOMAIN,
        number("seconds", "time to measure", fills=True),
        text("mode", "how to measure", "enum:" + ",".join(DIRTYRATE_MODES), fills=True),
    ),
)
def domdirtyrate_calc(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    seconds = args.integer("seconds", 1)
    mode = args.mode or "page-sampling"
    if mode not in DIRTYRATE_MODES:
        raise CommandFailed(f"Unknown calculation mode '{mode}'")
    ctx.driver.domain_start_dirty_rate_calc(dom, seconds, DIRTYRATE_MODES[mode])
    ctx.out.note("Start to calculate domain's memory dirty rate successfully.")
