"""Which domain it is: name, id and UUID from one another."""

from pyvirsh.commands.options import domain
from pyvirsh.spec import Table, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")


@TABLE.command("domid", "show a domain's id, - when it does not run", options=(domain("active"),))
def domid(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain, by="uuid name")
    ctx.out.value("id", dom.id if dom.id != -1 else None)


@TABLE.command(
    "domname",
    "show a domain's name",
    options=(word("domain", "id or UUID of the domain", "domain-uuid"),),
)
def domname(ctx: "Session", args: "Args") -> None:
    ctx.out.value("name", ctx.domain(args.domain, by="id uuid").name)


@TABLE.command("domuuid", "show a domain's UUID", options=(domain(),))
def domuuid(ctx: "Session", args: "Args") -> None:
    ctx.out.value("uuid", ctx.domain(args.domain, by="id name").uuid)
