"""A domain's job as `domjobinfo` shows it.

Source: libvirt's VIR_DOMAIN_JOB_ parameters; the layout is measured on virsh 11.3.0.
"""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_ULLONG
from pyvirsh.commands.sizes import human
from pyvirsh.shell.output import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import TypedParam

    Field = tuple[str, str, object]

TYPES = ("None", "Bounded", "Unbounded", "Completed", "Failed", "Cancelled")
OPERATIONS = (
    "Unknown",
    "Start",
    "Save",
    "Restore",
    "Incoming migration",
    "Outgoing migration",
    "Snapshot",
    "Snapshot revert",
    "Dump",
    "Backup",
    "Snapshot delete",
)


def _ms(value: int) -> str:
    return f"{value:<12} ms"


def _size(value: int) -> str:
    return human(value, 3)


def _rate(value: int) -> str:
    return human(value, 3) + "/s"


def _count(value: int) -> str:
    return f"{value:<12}"


def _wide(value: int) -> str:
    return f"{value:<13}"


# (label, parameter, how its value shows); a parameter that is absent is left out.
HEAD = (("Time elapsed w/o network:", "time_elapsed_net", _ms),)
TAIL: "tuple[tuple[str, str, Callable[[int], str]], ...]" = (
    ("Constant pages:", "memory_constant", _count),
    ("Normal pages:", "memory_normal", _count),
    ("Normal data:", "memory_normal_bytes", _size),
    ("Expected downtime:", "downtime", _ms),
    ("Downtime w/o network:", "downtime_net", _ms),
    ("Setup time:", "setup_time", _ms),
    ("Compression cache:", "compression_cache", _size),
    ("Compressed data:", "compression_bytes", _size),
    ("Compressed pages:", "compression_pages", _wide),
    ("Compression cache misses:", "compression_cache_misses", _wide),
    ("Compression overflows:", "compression_overflow", _wide),
    ("Auto converge throttle:", "auto_converge_throttle", _wide),
    ("Temporary disk space use:", "disk_temp_used", _size),
    ("Temporary disk space total:", "disk_temp_total", _size),
    ("Error message:", "errmsg", str),
)
# (label, first part of the parameters): processed, remaining and total, all three if any is not 0,
# and what else then shows if it is there.
GROUPS: "tuple[tuple[str, str, tuple[tuple[str, str, Callable[[int], str]], ...]], ...]" = (
    ("Data", "data", ()),
    (
        "Memory",
        "memory",
        (
            ("Memory bandwidth:", "memory_bps", _rate),
            ("Dirty rate:", "memory_dirty_rate", lambda value: f"{value:<12} pages/s"),
            ("Page size:", "memory_page_size", lambda value: f"{value:<12} bytes"),
            ("Iteration:", "memory_iteration", _count),
            ("Postcopy requests:", "memory_postcopy_requests", _count),
        ),
    ),
    ("File", "disk", (("File bandwidth:", "disk_bps", _rate),)),
)
# Rates that are left out when they are 0.
RATES = ("memory_bps", "disk_bps")


def fields(type: int, params: "list[TypedParam]", *, completed: bool, any_stats: bool) -> "list[Field]":
    """Return what is shown of a job; a job that is over shows its data only when asked for."""
    given = {name: value for name, _, value in params}
    shown: list[Field] = [("Job type:", "type", _word(TYPES, type))]
    if type == c.DOMAIN_JOB_NONE:
        return shown
    shown.append(("Operation:", "operation", _word(OPERATIONS, int(given.get("operation", 0)))))
    runs = type in (c.DOMAIN_JOB_BOUNDED, c.DOMAIN_JOB_UNBOUNDED)
    if not (runs or any_stats or (completed and type == c.DOMAIN_JOB_COMPLETED)):
        return shown
    shown += _some((("Time elapsed:", "time_elapsed", _ms),), {"time_elapsed": 0} | given)
    shown += _some(HEAD, given)
    if type == c.DOMAIN_JOB_BOUNDED:
        shown += _some((("Time remaining:", "time_remaining", _ms),), {"time_remaining": 0} | given)
    for label, prefix, rest in GROUPS:
        sizes = {f"{prefix}_{part}": given.get(f"{prefix}_{part}", 0) for part in PARTS}
        if any(sizes.values()):
            shown += _some(tuple((f"{label} {part}:", f"{prefix}_{part}", _size) for part in PARTS), sizes)
            shown += _some(tuple(row for row in rest if row[1] not in RATES or given.get(row[1])), given)
    over = type == c.DOMAIN_JOB_COMPLETED
    tail = TAIL if not over else tuple((TOTAL.get(row[0], row[0]), *row[1:]) for row in TAIL)
    return shown + _some(tail, given)


PARTS = ("processed", "remaining", "total")

# What is no longer expected when the job is over.
TOTAL = {"Expected downtime:": "Total downtime:"}


def _some(
    rows: "tuple[tuple[str, str, Callable[[int], str]], ...]", given: "dict[str, int | float | str]"
) -> "list[Field]":
    return [
        (label, f"{name}_ms" if show is _ms else name, Shown(given[name], show(given[name])))  # type: ignore[arg-type]
        for label, name, show in rows
        if name in given
    ]


def _word(words: "tuple[str, ...]", number: int) -> Shown:
    word = words[number] if 0 <= number < len(words) else "unknown"
    return Shown(word.lower(), f"{word:<12}")


OLD_NAMES = (
    "time_elapsed",
    "time_remaining",
    "data_total",
    "data_processed",
    "data_remaining",
    "memory_total",
    "memory_processed",
    "memory_remaining",
    "disk_total",
    "disk_processed",
    "disk_remaining",
)


def of_old(info: "tuple[int, ...]") -> "tuple[int, list[TypedParam]]":
    """Make type and parameters of what `domain_get_job_info` returns."""
    return info[0], [(name, PARAM_ULLONG, value) for name, value in zip(OLD_NAMES, info[1:], strict=True)]
