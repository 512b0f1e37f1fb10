"""Ports of virtual networks: what is plugged in where."""

from pyvirsh.backend import constants as c
from pyvirsh.commands import files, xpath
from pyvirsh.commands.network import NETWORK_ACTIVE
from pyvirsh.commands.options import FILE, VALIDATE, WRAP, XPATH
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, flag, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import NetworkPortRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Networking", "network")

PORT = word("port", "UUID of the port", "network-port-uuid")


@TABLE.command(
    "net-port-list",
    "list the ports of a network",
    options=(
        NETWORK_ACTIVE,
        flag("uuid", "list UUIDs only"),
        flag("table", "list as a table, as is the default"),
    ),
)
def net_port_list(ctx: "Session", args: "Args") -> None:
    if args.table and args.uuid:
        raise CommandFailed("Only one argument from --table and --uuid may be specified.")
    net = ctx.network(args.network)
    ports = sorted(port.uuid for port in ctx.driver.network_list_all_ports(net))
    rows: list[dict[str, object]] = [{"uuid": uuid} for uuid in ports]
    if args.uuid:
        ctx.out.names(("uuid",), rows)
    else:
        ctx.out.records([("UUID", "uuid")], rows)


@TABLE.command(
    "net-port-create", "plug a port described in XML into a network", options=(NETWORK_ACTIVE, FILE, VALIDATE)
)
def net_port_create(ctx: "Session", args: "Args") -> None:
    net = ctx.network(args.network)
    path = args.file
    xml = files.read(path)
    flags = c.NETWORK_PORT_CREATE_VALIDATE if args.validate else 0
    with ctx.failing(f"Failed to create network from {path}"):
        port = ctx.driver.network_port_create_xml(net, xml, flags)
    ctx.out.note(f"Network port {port.uuid} created from {path}")


@TABLE.command("net-port-dumpxml", "show a port's XML", options=(NETWORK_ACTIVE, PORT, XPATH, WRAP))
def net_port_dumpxml(ctx: "Session", args: "Args") -> None:
    port = _find(ctx, args)
    xpath.show(ctx, args, lambda: ctx.driver.network_port_get_xml_desc(port))


@TABLE.command("net-port-delete", "take a port out of a network", options=(NETWORK_ACTIVE, PORT))
def net_port_delete(ctx: "Session", args: "Args") -> None:
    port = _find(ctx, args)
    with ctx.failing(f"Failed to delete network port {args.port}"):
        ctx.driver.network_port_delete(port)
    ctx.out.note(f"Network port {args.port} deleted")


def _find(ctx: "Session", args: "Args") -> "NetworkPortRef":
    """Look up the port; virsh says that it is not there and exits 0, which is no success here."""
    try:
        return ctx.network_port(ctx.network(args.network), args.port)
    except CommandFailed as error:
        raise CommandFailed(error.texts[0]) from error
