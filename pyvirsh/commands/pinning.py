"""Which CPUs of the host a domain's CPUs, its emulator and its I/O threads may run on."""

from pyvirsh.backend.constants import DOMAIN_AFFECT_LIVE
from pyvirsh.backend.errors import VirError
from pyvirsh.commands import cpulists
from pyvirsh.commands.options import AFFECTED, AFFECTED_RULES, DOMAIN, affected
from pyvirsh.commands.vcpus import CONFIG, LIVE, MAXIMUM, count_vcpus
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, number, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session
    from pyvirsh.spec import Opt

TABLE = Table("Domain Management", "domain")

CPULIST_HELP = "CPUs of the host, like 0-3,^2,7; r for all of them"


def _cpulist() -> "Opt":
    return text("cpulist", CPULIST_HELP, "host-cpu-list", fills=True, allow_empty=True)


@TABLE.command(
    "vcpupin",
    "show or change which CPUs of the host a domain's virtual CPUs run on",
    options=(
        DOMAIN,
        number("vcpu", "number of the virtual CPU", "vcpu", fills=True),
        _cpulist(),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def vcpupin(ctx: "Session", args: "Args") -> None:
    cpulist = args.cpulist
    if cpulist is None and args.live and args.config:
        # Both can be changed at once, but not shown.
        raise CommandFailed("Options --live and --config are mutually exclusive")
    vcpu = args.unsigned("vcpu") if args.given("vcpu") else None
    if cpulist is not None and vcpu is None:
        raise CommandFailed("vcpupin: Missing vCPU number in pin mode.")
    cpus = cpulists.host_cpus(ctx.driver)
    dom = ctx.domain(args.domain)
    if cpulist is None or vcpu is None:
        _show_vcpu_pins(ctx, dom, vcpu, cpus, affected(args))
        return
    cpumap = cpulists.parse_map(cpulist, cpus)
    if affected(args) or args.current:
        ctx.driver.domain_pin_vcpu_flags(dom, vcpu, cpumap, affected(args))
    else:
        ctx.driver.domain_pin_vcpu(dom, vcpu, cpumap)


def _show_vcpu_pins(ctx: "Session", dom: "DomainRef", vcpu: "int | None", cpus: int, flags: int) -> None:
    driver = ctx.driver
    if flags & LIVE and not driver.domain_is_active(dom):
        raise CommandFailed("cannot get vcpupin for offline domain")
    if flags & CONFIG and not driver.domain_is_persistent(dom):
        raise CommandFailed("cannot get vcpupin for transient domain")
    count = count_vcpus(ctx, dom, flags | MAXIMUM)
    if vcpu is not None and vcpu >= count:
        live = flags & LIVE or (not flags & CONFIG and driver.domain_is_active(dom))
        which = "live" if live else "persistent"
        raise CommandFailed(f"vcpu {vcpu} is out of range of {which} cpu count {count}")
    try:
        maps = driver.domain_get_vcpu_pin_info(dom, flags)
    except VirError:
        # As virsh does: nothing is shown and nothing said.
        return
    length = cpulists.map_length(cpus)
    rows = [
        {"vcpu": at, "cpu_affinity": cpulists.shown(maps[at * length : at * length + length], cpus)}
        for at in range(len(maps) // length)
        if vcpu in (None, at)
    ]
    ctx.out.records((("VCPU", "vcpu"), ("CPU Affinity", "cpu_affinity")), rows)


@TABLE.command(
    "emulatorpin",
    "show or change which CPUs of the host a domain's emulator runs on",
    options=(DOMAIN, _cpulist(), *AFFECTED),
    rules=AFFECTED_RULES,
)
def emulatorpin(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    cpulist = args.cpulist
    cpus = cpulists.host_cpus(ctx.driver)
    if cpulist is None:
        affinity = cpulists.shown(ctx.driver.domain_get_emulator_pin_info(dom, affected(args)), cpus)
        head = "" if ctx.out.quiet else f"emulator: CPU Affinity\n{'-' * 34}\n       *: "
        ctx.out.data({"cpu_affinity": affinity.value}, f"{head}{affinity.text}\n")
        return
    cpumap = cpulists.parse_map(cpulist, cpus)
    flags = affected(args) if affected(args) or args.current else DOMAIN_AFFECT_LIVE
    ctx.driver.domain_pin_emulator(dom, cpumap, flags)


@TABLE.command(
    "iothreadpin",
    "change which CPUs of the host an I/O thread of a domain runs on",
    options=(
        DOMAIN,
        number("iothread", "number of the I/O thread", "iothread-id", required=True, positional=True),
        word("cpulist", CPULIST_HELP, "host-cpu-list"),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def iothreadpin(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    cpulist = args.cpulist
    iothread = args.unsigned("iothread")
    cpumap = cpulists.parse_map(cpulist, cpulists.host_cpus(ctx.driver))
    ctx.driver.domain_pin_iothread(dom, iothread, cpumap, affected(args))
