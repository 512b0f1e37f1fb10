"""Network interfaces of the host: their configuration, starting and stopping, and bridges over them."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import VirError
from pyvirsh.commands import bridging, objects, xpath
from pyvirsh.commands.options import FILE, VALIDATE, WRAP, XPATH
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Opt, Table, exclusive, flag, number, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Interface", "interface")


def interface_option(state: str = "") -> Opt:
    """Make the interface option; `state` narrows what completion offers."""
    completes = f"interface:{state}" if state else "interface"
    return word("interface", "name or MAC address of the interface", completes)


INTERFACE = interface_option()
NO_START = flag("no-start", "only define it")


# -- a transaction over changes ------------------------------------------------------------------------


def _transaction(ctx: "Session", call: "Callable[[], None]", verb: str, done: str) -> None:
    failure = f"Failed to {verb} network config change transaction"
    objects.change(ctx, failure, f"Network config change transaction {done}", call)


@TABLE.command("iface-begin", "keep the present configuration, so that changes can be taken back")
def iface_begin(ctx: "Session", args: "Args") -> None:
    _transaction(ctx, ctx.driver.interface_change_begin, "begin", "started")


@TABLE.command("iface-commit", "make the changes since iface-begin final")
def iface_commit(ctx: "Session", args: "Args") -> None:
    _transaction(ctx, ctx.driver.interface_change_commit, "commit", "committed")


@TABLE.command("iface-rollback", "take back the changes since iface-begin")
def iface_rollback(ctx: "Session", args: "Args") -> None:
    _transaction(ctx, ctx.driver.interface_change_rollback, "rollback", "rolled back")


# -- one interface ---------------------------------------------------------------------------------


@TABLE.command(
    "iface-define", "define an interface from XML, or change its definition", options=(FILE, VALIDATE)
)
def iface_define(ctx: "Session", args: "Args") -> None:
    texts = ("Failed to define interface from {file}", "Interface {name} defined from {file}")
    flags = c.INTERFACE_DEFINE_VALIDATE if args.validate else 0
    objects.from_file(ctx, args, texts, ctx.driver.interface_define_xml, flags)


def _change(ctx: "Session", args: "Args", verb: str, done: str, call: "Callable[..., None]") -> None:
    name = args.interface
    iface = ctx.interface(name)
    objects.change(ctx, f"Failed to {verb} interface {name}", f"Interface {name} {done}", call, iface)


@TABLE.command("iface-undefine", "remove an interface's definition", options=(INTERFACE,))
def iface_undefine(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "undefine", "undefined", ctx.driver.interface_undefine)


@TABLE.command("iface-start", "bring an interface up", options=(interface_option("inactive"),))
def iface_start(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "start", "started", ctx.driver.interface_create)


@TABLE.command("iface-destroy", "take an interface down", options=(interface_option("active"),))
def iface_destroy(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "destroy", "destroyed", ctx.driver.interface_destroy)


@TABLE.command(
    "iface-dumpxml",
    "show an interface's XML",
    options=(INTERFACE, flag("inactive", "show the definition, not what is active"), XPATH, WRAP),
)
def iface_dumpxml(ctx: "Session", args: "Args") -> None:
    iface = ctx.interface(args.interface)
    flags = c.INTERFACE_XML_INACTIVE if args.inactive else 0
    xpath.show(ctx, args, lambda: ctx.driver.interface_get_xml_desc(iface, flags))


@TABLE.command("iface-edit", "change an interface's definition in an editor", options=(INTERFACE,))
def iface_edit(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.editing import Edit, edit_xml

    iface = ctx.interface(args.interface)
    edit = Edit(
        fetch=lambda: ctx.driver.interface_get_xml_desc(iface, c.INTERFACE_XML_INACTIVE),
        apply=ctx.driver.interface_define_xml,
        unchanged=f"Interface {iface.name} XML configuration not changed.",
        edited=lambda made: f"Interface {made.name} XML configuration edited.",
    )
    edit_xml(ctx, edit)


@TABLE.command(
    "iface-name",
    "show the name of the interface with a MAC address",
    options=(word("interface", "MAC address of the interface", "interface-mac"),),
)
def iface_name(ctx: "Session", args: "Args") -> None:
    ctx.out.value("name", ctx.interface(args.interface, by="mac").name)


@TABLE.command(
    "iface-mac",
    "show the MAC address of the interface with a name",
    options=(word("interface", "name of the interface", "interface"),),
)
def iface_mac(ctx: "Session", args: "Args") -> None:
    ctx.out.value("mac", ctx.interface(args.interface, by="name").mac)


@TABLE.command(
    "iface-list",
    "list the host's interfaces: the active ones, unless asked otherwise",
    options=(flag("inactive", "list those that are down"), flag("all", "list all")),
    rules=(exclusive("all", "inactive"),),
)
def iface_list(ctx: "Session", args: "Args") -> None:
    flags = c.CONNECT_LIST_INTERFACES_ACTIVE
    if args.inactive:
        flags = c.CONNECT_LIST_INTERFACES_INACTIVE
    elif args.all:
        flags |= c.CONNECT_LIST_INTERFACES_INACTIVE
    counting = (
        f"Failed to list {'inactive' if args.inactive else 'active'} interfaces",
        "virConnectNumOfDefinedInterfaces" if args.inactive else "virConnectNumOfInterfaces",
    )
    list_all = ctx.driver.connect_list_all_interfaces
    found = objects.listed(list_all, flags, "Failed to list interfaces", counting)
    rows: list[dict[str, object]] = []
    for iface in sorted(found, key=objects.by_name):
        active = objects.flag_of(ctx.driver.interface_is_active, iface)
        rows.append({"name": iface.name, "state": "active" if active else "inactive", "mac": iface.mac})
    ctx.out.records([("Name", "name"), ("State", "state"), ("MAC Address", "mac")], rows)


# -- bridges over interfaces -------------------------------------------------------------------------


@TABLE.command(
    "iface-bridge",
    "put a new bridge over an interface, which gets the interface's addresses",
    options=(
        INTERFACE,
        word("bridge", "name of the new bridge"),
        flag("no-stp", "without the spanning tree protocol"),
        number("delay", "seconds a new port listens before it forwards", fills=True),
        NO_START,
    ),
)
def iface_bridge(ctx: "Session", args: "Args") -> None:
    iface = ctx.interface(args.interface, by="name")
    name, bridge = args.interface, args.bridge
    absent = _absent(ctx, bridge)
    try:
        delay = args.unsigned("delay")
        present = ctx.driver.interface_get_xml_desc(iface, c.INTERFACE_XML_INACTIVE)
        xml = bridging.bridged(present, name, bridge, delay=None if args.no_stp else delay)
    except CommandFailed as error:
        # virsh has not forgotten that it looked for the bridge.
        raise CommandFailed(error.texts[0], absent) from error
    with ctx.failing(f"Failed to define new bridge interface {bridge}"):
        made = ctx.driver.interface_define_xml(xml)
    ctx.out.note(f"Created bridge {bridge} with attached device {name}")
    if not args.no_start:
        failure, done = f"Failed to start bridge interface {bridge}", f"Bridge interface {bridge} started"
        objects.change(ctx, failure, done, ctx.driver.interface_create, made)


def _absent(ctx: "Session", bridge: str) -> str:
    """Make sure that there is no such interface; return the driver's words for that."""
    try:
        ctx.driver.interface_lookup_by_name(bridge)
    except VirError as error:
        return error.text
    raise CommandFailed(f"Network device {bridge} already exists")


@TABLE.command(
    "iface-unbridge",
    "remove a bridge, giving its addresses back to the one interface under it",
    options=(word("bridge", "name of the bridge"), NO_START),
)
def iface_unbridge(ctx: "Session", args: "Args") -> None:
    driver, bridge = ctx.driver, args.bridge
    handle = ctx.interface(bridge, option="bridge", by="name")
    name, xml = bridging.unbridged(driver.interface_get_xml_desc(handle, c.INTERFACE_XML_INACTIVE), bridge)
    with ctx.failing(f"Failed to destroy bridge interface {bridge}"):
        driver.interface_destroy(handle)
    with ctx.failing(f"Failed to undefine bridge interface {bridge}"):
        driver.interface_undefine(handle)
    with ctx.failing(f"Failed to define new interface {name}"):
        made = driver.interface_define_xml(xml)
    ctx.out.note(f"Device {name} un-attached from bridge {bridge}")
    if not args.no_start:
        failure, done = f"Failed to start interface {name}", f"Interface {name} started"
        objects.change(ctx, failure, done, driver.interface_create, made)
