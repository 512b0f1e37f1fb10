"""domstats: the counters of many domains at once.

Source: virsh(1); what is sent and shown as observed on virsh 11.3.0.
"""

from pyvirsh.backend import constants
from pyvirsh.commands.params import shown
from pyvirsh.shell.output import cell, plain
from pyvirsh.spec import Table, flag, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef, TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Monitoring", "monitor")

GROUPS = {
    "state": constants.DOMAIN_STATS_STATE,
    "cpu-total": constants.DOMAIN_STATS_CPU_TOTAL,
    "balloon": constants.DOMAIN_STATS_BALLOON,
    "vcpu": constants.DOMAIN_STATS_VCPU,
    "interface": constants.DOMAIN_STATS_INTERFACE,
    "block": constants.DOMAIN_STATS_BLOCK,
    "perf": constants.DOMAIN_STATS_PERF,
    "iothread": constants.DOMAIN_STATS_IOTHREAD,
    "memory": constants.DOMAIN_STATS_MEMORY,
    "dirtyrate": constants.DOMAIN_STATS_DIRTYRATE,
    "vm": constants.DOMAIN_STATS_VM,
}

FLAGS = {
    "list-active": constants.CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE,
    "list-inactive": constants.CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE,
    "list-persistent": constants.CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT,
    "list-transient": constants.CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT,
    "list-running": constants.CONNECT_GET_ALL_DOMAINS_STATS_RUNNING,
    "list-paused": constants.CONNECT_GET_ALL_DOMAINS_STATS_PAUSED,
    "list-shutoff": constants.CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF,
    "list-other": constants.CONNECT_GET_ALL_DOMAINS_STATS_OTHER,
    "enforce": constants.CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS,
    "backing": constants.CONNECT_GET_ALL_DOMAINS_STATS_BACKING,
    "nowait": constants.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
}


@TABLE.command(
    "domstats",
    "show counters of several domains",
    options=(
        flag("state", "state and the reason for it"),
        flag("cpu-total", "CPU time"),
        flag("balloon", "memory and its balloon"),
        flag("vcpu", "virtual CPUs"),
        flag("interface", "network interfaces"),
        flag("block", "disks"),
        flag("perf", "enabled perf events"),
        flag("iothread", "I/O threads"),
        flag("memory", "memory bandwidth"),
        flag("dirtyrate", "how fast memory is written"),
        flag("vm", "what the hypervisor itself counts"),
        flag("list-active", "only domains that run"),
        flag("list-inactive", "only domains that do not run"),
        flag("list-persistent", "only domains with a definition"),
        flag("list-transient", "only domains without a definition"),
        flag("list-running", "only domains whose CPUs run"),
        flag("list-paused", "only domains that are paused"),
        flag("list-shutoff", "only domains that are shut off"),
        flag("list-other", "only domains in another state"),
        flag("raw", "show values as they come; they always are"),
        flag("enforce", "fail when a group is not supported"),
        flag("backing", "with --block, every image of a disk's chain"),
        flag("nowait", "leave out what would have to be waited for"),
        words("domain", "names, ids or UUIDs; all domains when left out", "domain"),
    ),
)
def domstats(ctx: "Session", args: "Args") -> None:
    groups = sum(bit for name, bit in GROUPS.items() if args.given(name))
    flags = sum(bit for name, bit in FLAGS.items() if args.given(name))
    domains = [ctx.domain(text) for text in args.domain]
    records = ctx.driver.connect_get_all_domain_stats(domains, groups, flags)
    ctx.out.data(
        [_data(dom, stats) for dom, stats in records], "\n".join(_text(*record) for record in records)
    )


def _data(dom: "DomainRef", stats: "list[TypedParam]") -> "dict[str, object]":
    values = {param[0]: plain(shown(param)) for param in stats}
    return {"domain": dom.name, "uuid": dom.uuid, "stats": values}


def _text(dom: "DomainRef", stats: "list[TypedParam]") -> str:
    lines = [f"  {param[0]}={cell(shown(param))}\n" for param in stats]
    return f"Domain: '{dom.name}'\n" + "".join(lines)
