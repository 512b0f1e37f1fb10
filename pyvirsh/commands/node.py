"""The host's CPUs and memory, as the hypervisor's side counts them.

Source: virsh(1); layouts measured on virsh 11.3.0.
"""

import time
from typing import TYPE_CHECKING

from pyvirsh.backend.api import PARAM_UINT
from pyvirsh.backend.errors import NO_SUPPORT, VirError
from pyvirsh.commands import cpulists, params
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import UINT_MAX
from pyvirsh.shell.output import Shown, cell
from pyvirsh.spec import Table, exclusive, flag, number

if TYPE_CHECKING:
    from pyvirsh.backend.conf.xml import Element
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Host and Hypervisor", "host")

NODE_ALLOC_PAGES_SET = 1
CELL_PATH = "./host/topology/cells/cell"

# -- facts -------------------------------------------------------------------------------------------


@TABLE.command("nodeinfo", "show the host's CPUs and how much memory it has")
def nodeinfo(ctx: "Session", args: "Args") -> None:
    with ctx.failing("failed to get node information"):
        model, memory, cpus, mhz, nodes, sockets, cores, threads = ctx.driver.node_get_info()
    fields: list[tuple[str, str, object]] = [("CPU model:", "cpu_model", model), ("CPU(s):", "cpus", cpus)]
    if mhz:
        fields.append(("CPU frequency:", "cpu_mhz", Shown(mhz, f"{mhz} MHz")))
    fields += [
        ("CPU socket(s):", "sockets", sockets),
        ("Core(s) per socket:", "cores_per_socket", cores),
        ("Thread(s) per core:", "threads_per_core", threads),
        ("NUMA cell(s):", "numa_cells", nodes),
        ("Memory size:", "memory_kib", Shown(memory, f"{memory} KiB")),
    ]
    ctx.out.fields(fields, width=20)


@TABLE.command(
    "nodecpumap",
    "show which of the host's CPUs are on",
    options=(flag("pretty", "as a list of numbers"),),
)
def nodecpumap(ctx: "Session", args: "Args") -> None:
    with ctx.failing("Unable to get cpu map"):
        cpumap, online, present = ctx.driver.node_get_cpu_map()
    numbers = [cpu for cpu in cpulists.from_map(cpumap) if cpu < present]
    if args.pretty:
        shown = cpulists.ranges(numbers)
    else:
        shown = "".join("y" if cpu in numbers else "-" for cpu in range(present))
    ctx.out.fields(
        [
            ("CPUs present:", "present", present),
            ("CPUs online:", "online", online),
            ("CPU map:", "online_cpus", Shown(numbers, shown)),
        ]
    )


# What the driver calls it -> what is shown, in the order it is shown.
CPU_STATS = {"user": "user", "kernel": "system", "idle": "idle", "iowait": "iowait", "intr": "intr"}


@TABLE.command(
    "nodecpustats",
    "show what the host's CPUs were busy with",
    options=(
        number("cpu", "only this CPU", "host-cpu", fills=True),
        flag("percent", "watch for a second and show shares, not nanoseconds"),
    ),
)
def nodecpustats(ctx: "Session", args: "Args") -> None:
    cpu = args.integer("cpu", -1)
    stats = _cpu_stats(ctx, cpu)
    if not args.percent:
        shown = {name: stats[key] for key, name in CPU_STATS.items() if key in stats}
        text = "".join(f"{name + ':':<15} {value:>20}\n" for name, value in shown.items())
        ctx.out.data({f"{name}_ns": value for name, value in shown.items()}, text)
    elif "utilization" in stats:
        busy = stats["utilization"]
        text = f"{'usage:':<15} {busy:>5}%\n{'idle:':<15} {100 - busy:>5}%\n"
        ctx.out.data({"usage_percent": busy, "idle_percent": 100 - busy}, text)
    else:
        # There is nothing to wait for but the time itself.
        time.sleep(1)
        later = _cpu_stats(ctx, cpu)
        _shares(ctx, {key: later[key] - stats[key] for key in CPU_STATS if key in stats and key in later})


def _cpu_stats(ctx: "Session", cpu: int) -> "dict[str, int]":
    try:
        return dict(ctx.driver.node_get_cpu_stats(cpu))
    except VirError as error:
        raise CommandFailed(f"Unable to get {_counted(error, 'cpu stats', 'node ')}", error.text) from error


def _counted(error: VirError, what: str, which: str = "") -> str:
    """Name what could not be had: virsh first asks for its number."""
    return f"{'number of ' if error.counting or error.code == NO_SUPPORT else which}{what}"


def _shares(ctx: "Session", spent: "dict[str, int]") -> None:
    total = sum(spent.values())
    shares = {"usage": spent.get("user", 0) + spent.get("kernel", 0)}
    shares |= {CPU_STATS[key]: value for key, value in spent.items()}
    percent = {name: value / total * 100 if total else None for name, value in shares.items()}
    lines = [
        f"{name + ':':<15} {f'{share:5.1f}' if share is not None else ' -nan'}%\n"
        for name, share in percent.items()
    ]
    ctx.out.data({f"{name}_percent": share for name, share in percent.items()}, "".join(lines))


@TABLE.command(
    "nodememstats",
    "show what the host's memory is used for",
    options=(number("cell", "only this NUMA cell", fills=True),),
)
def nodememstats(ctx: "Session", args: "Args") -> None:
    cell_number = args.integer("cell", -1)
    try:
        stats = ctx.driver.node_get_memory_stats(cell_number)
    except VirError as error:
        raise CommandFailed(f"Unable to get {_counted(error, 'memory stats')}", error.text) from error
    text = "".join(f"{name:<7}: {kib:>20} KiB\n" for name, kib in stats)
    ctx.out.data({f"{name}_kib": kib for name, kib in stats}, text)


SHARED_MEMORY = (
    ("shm-pages-to-scan", "shm_pages_to_scan", PARAM_UINT),
    ("shm-sleep-millisecs", "shm_sleep_millisecs", PARAM_UINT),
    ("shm-merge-across-nodes", "shm_merge_across_nodes", PARAM_UINT),
)


@TABLE.command(
    "node-memory-tune",
    "show or set how the host merges equal memory pages",
    options=(
        number("shm-pages-to-scan", "pages to look at before the scanner rests", fills=True),
        number("shm-sleep-millisecs", "milliseconds the scanner rests", fills=True),
        number("shm-merge-across-nodes", "1: merge over NUMA cells too; 0: within each", fills=True),
    ),
)
def node_memory_tune(ctx: "Session", args: "Args") -> None:
    wanted = params.typed(args, SHARED_MEMORY)
    if wanted:
        with ctx.failing("Unable to change memory parameters"):
            ctx.driver.node_set_memory_parameters(wanted)
        return
    try:
        present = ctx.driver.node_get_memory_parameters()
    except VirError as error:
        raise CommandFailed(f"Unable to get {_counted(error, 'memory parameters')}", error.text) from error
    shown = {param[0]: params.shown(param) for param in present}
    lines = [f"\t{name:<15} {cell(value)}\n" for name, value in shown.items()]
    ctx.out.data(
        {name: param[2] for name, param in zip(shown, present, strict=True)},
        "".join(["Shared memory:\n", *lines]) if lines else "",
    )


# -- memory and pages by NUMA cell -----------------------------------------------------------------------


def _capabilities(ctx: "Session", parse_failure: str = "unable to get node capabilities") -> "Element":
    from pyvirsh.backend.conf.xml import parse

    with ctx.failing("unable to get node capabilities"):
        text = ctx.driver.connect_get_capabilities()
    with ctx.failing(parse_failure):
        return parse(text)


def _cells(capabilities: "Element") -> "list[int]":
    """Return the numbers of the NUMA cells that the host's capabilities list."""
    return [int(str(element.get("id"))) for element in capabilities.findall(CELL_PATH)]


@TABLE.command(
    "freecell",
    "show how much of the host's memory is free",
    options=(
        number("cellno", "only in this NUMA cell", "numa-cell", fills=True),
        flag("all", "in each NUMA cell"),
    ),
    rules=(exclusive("all", "cellno"),),
)
def freecell(ctx: "Session", args: "Args") -> None:
    wanted = args.integer("cellno")
    if args.all:
        _free_by_cell(ctx)
    elif args.given("cellno"):
        free = ctx.driver.node_get_cells_free_memory(wanted, 1)
        if not free:
            raise CommandFailed
        ctx.out.data({"cell": wanted, "free_kib": free[0] // 1024}, f"{wanted}: {free[0] // 1024} KiB\n")
    else:
        kib = ctx.driver.node_get_free_memory() // 1024
        ctx.out.data({"free_kib": kib}, f"Total: {kib} KiB\n")


def _free_by_cell(ctx: "Session") -> None:
    free: list[tuple[int, int]] = []
    for at in _cells(_capabilities(ctx)):
        with ctx.failing(f"failed to get free memory for NUMA node number: {at}"):
            free.append((at, ctx.driver.node_get_cells_free_memory(at, 1)[0]))
    text = "".join(f"{at:5d}: {size // 1024:10d} KiB\n" for at, size in free)
    ctx.out.data([{"cell": at, "free_kib": size // 1024} for at, size in free], text)
    ctx.out.note(f"{'-' * 20}\nTotal: {sum(size for _, size in free) // 1024:10d} KiB")


@TABLE.command(
    "freepages",
    "show how many of the host's memory pages are free",
    options=(
        number("cellno", "in this NUMA cell", "numa-cell", fills=True),
        number("pagesize", "pages of this size (KiB without a suffix)", "page-size", fills=True),
        flag("all", "in each NUMA cell"),
    ),
    rules=(exclusive("all", "cellno"),),
)
def freepages(ctx: "Session", args: "Args") -> None:
    sizes = [_page_size(args)] if args.given("pagesize") else []
    wanted = args.integer("cellno")
    if args.all:
        capabilities = _capabilities(ctx, "unable to parse node capabilities")
        cells, sizes = _cells(capabilities), sizes or _page_sizes(capabilities)
    elif not args.given("cellno"):
        raise CommandFailed("missing cellno argument")
    elif not sizes:
        raise CommandFailed("missing pagesize argument")
    else:
        cells = [wanted]
    pages = {at: dict(zip(sizes, ctx.driver.node_get_free_pages(sizes, at, 1), strict=False)) for at in cells}
    text = "".join(
        (f"Node {at}:\n" if args.all else "")
        + "".join(f"{size}KiB: {count}\n" for size, count in counts.items())
        + ("\n" if args.all else "")
        for at, counts in pages.items()
    )
    ctx.out.data(
        [
            {"cell": at, "page_kib": size, "free": count}
            for at, counts in pages.items()
            for size, count in counts.items()
        ],
        text,
    )


def _page_size(args: "Args") -> int:
    """Read the page size in KiB, rounded up."""
    return -(-args.scaled("pagesize", unit=1024, high=UINT_MAX * 1024) // 1024)


def _page_sizes(capabilities: "Element") -> "list[int]":
    """Return the sizes of the host's pages.  Errors: CommandFailed when there is none."""
    found = capabilities.findall("./host/cpu/pages") or capabilities.findall(CELL_PATH + "/pages")
    sizes = {int(str(pages.get("size"))) for pages in found}
    if not sizes:
        raise CommandFailed("could not get information about supported page sizes")
    return sorted(sizes)


@TABLE.command(
    "allocpages",
    "set how many memory pages of a size the host keeps",
    options=(
        number(
            "pagesize",
            "size of the pages (KiB without a suffix)",
            "page-size",
            required=True,
            positional=True,
        ),
        number("pagecount", "how many pages", required=True, positional=True),
        number("cellno", "in this NUMA cell", "numa-cell", fills=True),
        flag("add", "as many more, not as many in all"),
        flag("all", "in each NUMA cell"),
    ),
    rules=(exclusive("all", "cellno"),),
)
def allocpages(ctx: "Session", args: "Args") -> None:
    wanted = args.integer("cellno", -1)
    size, count = _page_size(args), args.unsigned("pagecount", high=2**64 - 1)
    cells = _cells(_capabilities(ctx)) if args.all else [wanted]
    for at in cells:
        ctx.driver.node_alloc_pages([size], [count], at, 1, 0 if args.add else NODE_ALLOC_PAGES_SET)
