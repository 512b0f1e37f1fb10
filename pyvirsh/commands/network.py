"""Virtual networks: define, start, stop, list, watch.  What reads and changes their XML is in `netconfig`."""

import contextlib
import time

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import NO_NETWORK_METADATA, NO_SUPPORT, VirError
from pyvirsh.commands import eventloop, objects
from pyvirsh.commands.eventloop import EventType, Kind
from pyvirsh.commands.options import FILE, VALIDATE, WATCH
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import Shown
from pyvirsh.spec import Opt, Table, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import NetworkRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Networking", "network")


def network_option(state: str = "") -> Opt:
    """Make the network option; `state` narrows what completion offers."""
    return word("network", "name or UUID of the network", f"network:{state}" if state else "network")


NETWORK = network_option()
NETWORK_ACTIVE = network_option("active")
NETWORK_PERSISTENT = network_option("persistent")


# -- defining and running ---------------------------------------------------------------------------


@TABLE.command("net-define", "define a network from XML, or change its definition", options=(FILE, VALIDATE))
def net_define(ctx: "Session", args: "Args") -> None:
    texts = ("Failed to define network from {file}", "Network {name} defined from {file}")
    if args.validate:
        make, flags = ctx.driver.network_define_xml_flags, c.NETWORK_DEFINE_VALIDATE
        objects.from_file(ctx, args, texts, make, flags)
    else:
        objects.from_file(ctx, args, texts, ctx.driver.network_define_xml)


@TABLE.command("net-create", "start a network from XML without defining it", options=(FILE, VALIDATE))
def net_create(ctx: "Session", args: "Args") -> None:
    texts = ("Failed to create network from {file}", "Network {name} created from {file}")
    if args.validate:
        make, flags = ctx.driver.network_create_xml_flags, c.NETWORK_CREATE_VALIDATE
        objects.from_file(ctx, args, texts, make, flags)
    else:
        objects.from_file(ctx, args, texts, ctx.driver.network_create_xml)


@TABLE.command("net-start", "start a defined network", options=(network_option("inactive"),))
def net_start(ctx: "Session", args: "Args") -> None:
    name = args.network
    net = ctx.network(name)
    start = ctx.driver.network_create
    objects.change(ctx, f"Failed to start network {name}", f"Network {name} started", start, net)


@TABLE.command("net-destroy", "stop a network at once", options=(NETWORK_ACTIVE,))
def net_destroy(ctx: "Session", args: "Args") -> None:
    name = args.network
    net = ctx.network(name)
    stop = ctx.driver.network_destroy
    objects.change(ctx, f"Failed to destroy network {name}", f"Network {name} destroyed", stop, net)


@TABLE.command("net-undefine", "remove a network's definition", options=(NETWORK_PERSISTENT,))
def net_undefine(ctx: "Session", args: "Args") -> None:
    name = args.network
    net = ctx.network(name)
    done = f"Network {name} has been undefined"
    objects.change(ctx, f"Failed to undefine network {name}", done, ctx.driver.network_undefine, net)


@TABLE.command(
    "net-autostart",
    "start a network with the host, or no longer",
    options=(NETWORK_PERSISTENT, flag("disable", "do not start it with the host")),
)
def net_autostart(ctx: "Session", args: "Args") -> None:
    net = ctx.network(args.network)
    call = ctx.driver.network_set_autostart
    objects.set_autostart(ctx, args, f"network {args.network}", call, net)


# -- showing ------------------------------------------------------------------------------------------


@TABLE.command("net-info", "show a network's state", options=(NETWORK,))
def net_info(ctx: "Session", args: "Args") -> None:
    net = ctx.network(args.network)
    driver = ctx.driver
    fields: list[tuple[str, str, object]] = [("Name:", "name", net.name), ("UUID:", "uuid", net.uuid)]
    with contextlib.suppress(VirError):
        fields.append(("Active:", "active", driver.network_is_active(net)))
    fields.append(("Persistent:", "persistent", objects.persistent(driver.network_is_persistent, net)))
    fields.append(("Autostart:", "autostart", objects.autostart(driver.network_get_autostart, net)))
    # A network without a bridge of its own has no such line.
    with contextlib.suppress(VirError):
        fields.append(("Bridge:", "bridge", driver.network_get_bridge_name(net)))
    ctx.out.fields(fields)


@TABLE.command(
    "net-name",
    "show the name of the network with a UUID",
    options=(word("network", "UUID of the network", "network-uuid"),),
)
def net_name(ctx: "Session", args: "Args") -> None:
    ctx.out.value("name", ctx.network(args.network, by="uuid").name)


@TABLE.command(
    "net-uuid",
    "show the UUID of the network with a name",
    options=(word("network", "name of the network", "network"),),
)
def net_uuid(ctx: "Session", args: "Args") -> None:
    ctx.out.value("uuid", ctx.network(args.network, by="name").uuid)


@TABLE.command(
    "net-list",
    "list networks: the active ones, unless asked otherwise",
    options=(
        flag("inactive", "list those that do not run"),
        flag("all", "list all"),
        flag("persistent", "only those that are defined"),
        flag("transient", "only those that are gone when stopped"),
        flag("autostart", "only those that start with the host"),
        flag("no-autostart", "only those that do not start with the host"),
        flag("uuid", "list UUIDs only"),
        flag("name", "list names only"),
        flag("table", "list as a table, as is the default"),
        flag("title", "show titles in the table"),
    ),
)
def net_list(ctx: "Session", args: "Args") -> None:
    if args.table + args.name + args.uuid > 1:
        raise CommandFailed("Only one argument from --table, --name and --uuid may be specified.")
    nets = sorted(_listed(ctx, args), key=objects.by_name)
    if args.name or args.uuid:
        key = "name" if args.name else "uuid"
        ctx.out.names((key,), [{key: getattr(net, key)} for net in nets])
        return
    columns = [("Name", "name"), ("State", "state"), ("Autostart", "autostart"), ("Persistent", "persistent")]
    if args.title:
        columns.append(("Title", "title"))
    ctx.out.records(columns, [_row(ctx, args, net) for net in nets])


def _listed(ctx: "Session", args: "Args") -> "list[NetworkRef]":
    flags = 0
    if args.inactive or args.all:
        flags |= c.CONNECT_LIST_NETWORKS_INACTIVE
    if args.all or not args.inactive:
        flags |= c.CONNECT_LIST_NETWORKS_ACTIVE
    if args.persistent:
        flags |= c.CONNECT_LIST_NETWORKS_PERSISTENT
    if args.transient:
        flags |= c.CONNECT_LIST_NETWORKS_TRANSIENT
    if args.autostart:
        flags |= c.CONNECT_LIST_NETWORKS_AUTOSTART
    if args.no_autostart:
        flags |= c.CONNECT_LIST_NETWORKS_NO_AUTOSTART
    active = flags & c.CONNECT_LIST_NETWORKS_ACTIVE
    counting = (
        f"Failed to get the number of {'active' if active else 'inactive'} networks",
        "virConnectNumOfNetworks" if active else "virConnectNumOfDefinedNetworks",
    )
    return objects.listed(ctx.driver.connect_list_all_networks, flags, "Failed to list networks", counting)


def _row(ctx: "Session", args: "Args", net: "NetworkRef") -> "dict[str, object]":
    driver = ctx.driver
    autostart = objects.autostart(driver.network_get_autostart, net)
    titled = {"title": described(ctx, net, c.DOMAIN_METADATA_TITLE, 0)} if args.title else {}
    persistent = objects.flag_of(driver.network_is_persistent, net)
    return {
        "name": net.name,
        "uuid": net.uuid,
        "state": "active" if objects.flag_of(driver.network_is_active, net) else "inactive",
        "autostart": autostart,
        "persistent": persistent,
        **titled,
    }


def described(ctx: "Session", net: "NetworkRef", kind: int, flags: int) -> str:
    """Return a network's title or description (`kind`), "" when it has none."""
    try:
        return ctx.driver.network_get_metadata(net, kind, None, flags)
    except VirError as error:
        # Daemons before 9.7 know of no such thing.
        if error.code not in (NO_NETWORK_METADATA, NO_SUPPORT):
            raise
        return ""


# -- leases and events --------------------------------------------------------------------------------

LEASE_COLUMNS = (
    ("Expiry Time", "expires"),
    ("MAC address", "mac"),
    ("Protocol", "protocol"),
    ("IP address", "address"),
    ("Hostname", "hostname"),
    ("Client ID or DUID", "client_id"),
)


@TABLE.command(
    "net-dhcp-leases",
    "list the addresses that a network's DHCP server has given out",
    options=(NETWORK_ACTIVE, text("mac", "only those of this MAC address", "dhcp-lease-mac", fills=True)),
)
def net_dhcp_leases(ctx: "Session", args: "Args") -> None:
    mac = args.mac
    net = ctx.network(args.network)
    with ctx.failing(f"Failed to get leases info for {args.network}"):
        leases = ctx.driver.network_get_dhcp_leases(net, mac)
    rows = sorted((_lease(*lease) for lease in leases), key=lambda row: str(row["mac"]).lower())
    ctx.out.records(LEASE_COLUMNS, rows)


def _lease(
    iface: str,
    expires: int,
    kind: int,
    mac: "str | None",
    iaid: "str | None",
    address: str,
    prefix: int,
    hostname: "str | None",
    client_id: "str | None",
) -> "dict[str, object]":
    return {
        "interface": iface,
        "expires": Shown(expires, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(expires))),
        "mac": mac,
        "iaid": iaid,
        "protocol": {c.IP_ADDR_TYPE_IPV4: "ipv4", c.IP_ADDR_TYPE_IPV6: "ipv6"}.get(kind, ""),
        "address": f"{address}/{prefix}",
        "hostname": hostname,
        "client_id": client_id,
    }


LIFECYCLE = ("Defined", "Undefined", "Started", "Stopped")
METADATA = ("description", "title", "element")

EVENTS = Kind(
    "network",
    "network {name}",
    "connect_network_event",
    (
        EventType("lifecycle", eventloop.named(change=LIFECYCLE), ": {change}"),
        EventType("metadata-change", eventloop.named(type=METADATA, uri=None), ": type {type}, uri {uri}"),
    ),
)


@TABLE.command(
    "net-event",
    "wait for events of networks and show them",
    options=(
        text("network", "only those of this network", "network", fills=True),
        text("event", "type of the events to wait for", "enum:lifecycle,metadata-change", fills=True),
        *WATCH,
    ),
)
def net_event(ctx: "Session", args: "Args") -> None:
    eventloop.watch(ctx, args, EVENTS, ctx.network)
