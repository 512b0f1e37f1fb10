"""Devices of the node: list and show them, give them to guests, create virtual ones."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import VirError
from pyvirsh.commands import eventloop, files, objects, xpath
from pyvirsh.commands.eventloop import EventType, Kind
from pyvirsh.commands.options import FILE, VALIDATE, WATCH, WRAP, XPATH
from pyvirsh.commands.virsh import split_commas
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import Shown
from pyvirsh.spec import Table, alias, exclusive, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Node Device", "nodedev")

DEVICE = word("device", "name of the device", "nodedev")
DEVICE_OR_WWN = word("device", "name of the device, or its pair WWNN,WWPN", "nodedev")

# Each stands for the bit of its place in the flags of the list.
CAPABILITIES = (
    "system",
    "pci",
    "usb_device",
    "usb",
    "net",
    "scsi_host",
    "scsi_target",
    "scsi",
    "storage",
    "fc_host",
    "vports",
    "scsi_generic",
    "drm",
    "mdev_types",
    "mdev",
    "ccw",
    "css",
    "vdpa",
    "ap_card",
    "ap_queue",
    "ap_matrix",
    "vpd",
    "ccwgroup",
    "ccwgroup_member",
)


# -- listing and showing ----------------------------------------------------------------------------


@TABLE.command(
    "nodedev-list",
    "list the node's devices: the active ones, unless asked otherwise",
    options=(
        flag("tree", "list them under their parents"),
        text(
            "cap",
            "only those with one of these capabilities, with commas between",
            "enum-list:" + ",".join(CAPABILITIES),
            fills=True,
        ),
        flag("inactive", "list those that are only defined"),
        flag("all", "list all"),
        flag("persistent", "only those that are defined"),
        flag("transient", "only those that are not defined"),
    ),
)
def nodedev_list(ctx: "Session", args: "Args") -> None:
    caps = args.values.get("cap")
    _check_combination(args, caps is not None and caps != "")
    flags = _flags(args)
    for name in split_commas(str(caps)) if caps else ():
        if name not in CAPABILITIES:
            raise CommandFailed("Invalid capability type")
        flags |= 1 << CAPABILITIES.index(name)
    counting = ("Failed to count node devices", "virNodeNumOfDevices")
    list_all = ctx.driver.connect_list_all_node_devices
    found = sorted(
        objects.listed(list_all, flags, "Failed to list node devices", counting), key=objects.by_name
    )
    if args.tree:
        _show_tree(ctx, [dev.name for dev in found])
    else:
        ctx.out.names(("name",), [{"name": dev.name} for dev in found])


def _check_combination(args: "Args", with_caps: bool) -> None:
    if args.all and args.inactive:
        raise CommandFailed("Option --all is incompatible with --inactive")
    if args.transient and (args.persistent or args.inactive):
        raise CommandFailed("Option --transient is incompatible with --persistent and --inactive")
    if args.tree and (with_caps or args.inactive or args.persistent or args.transient):
        raise CommandFailed(
            "Option --tree is incompatible with --cap, --inactive, --persistent and --transient"
        )


def _flags(args: "Args") -> int:
    flags = 0
    if args.inactive or args.all:
        flags |= c.CONNECT_LIST_NODE_DEVICES_INACTIVE
    if not args.inactive:
        flags |= c.CONNECT_LIST_NODE_DEVICES_ACTIVE
    if args.persistent:
        flags |= c.CONNECT_LIST_NODE_DEVICES_PERSISTENT
    if args.transient:
        flags |= c.CONNECT_LIST_NODE_DEVICES_TRANSIENT
    return flags


def _show_tree(ctx: "Session", names: "list[str]") -> None:
    from pyvirsh.commands.tree import show

    parents = {name: None if name == "computer" else _parent(ctx, name) for name in names}
    show(ctx, [(name, parents[name]) for name in names])


def _parent(ctx: "Session", name: str) -> "str | None":
    try:
        return ctx.driver.node_device_get_parent(name)
    except VirError:
        return None


@TABLE.command("nodedev-info", "show a device's state", options=(DEVICE_OR_WWN,))
def nodedev_info(ctx: "Session", args: "Args") -> None:
    name = ctx.nodedev(args.device, wwn=True).name
    driver = ctx.driver
    parent = _parent(ctx, name)
    ctx.out.fields(
        (
            ("Name:", "name", name),
            ("Parent:", "parent", Shown(parent, parent or "")),
            ("Active:", "active", objects.flag_of(driver.node_device_is_active, name)),
            ("Persistent:", "persistent", objects.flag_of(driver.node_device_is_persistent, name)),
            ("Autostart:", "autostart", objects.autostart(driver.node_device_get_autostart, name)),
        )
    )


@TABLE.command(
    "nodedev-dumpxml",
    "show a device's XML",
    options=(DEVICE_OR_WWN, flag("inactive", "show the definition, not what is active"), XPATH, WRAP),
)
def nodedev_dumpxml(ctx: "Session", args: "Args") -> None:
    name = ctx.nodedev(args.device, wwn=True).name
    flags = c.NODE_DEVICE_XML_INACTIVE if args.inactive else 0
    xpath.show(ctx, args, lambda: ctx.driver.node_device_get_xml_desc(name, flags))


# -- virtual devices --------------------------------------------------------------------------------


@TABLE.command("nodedev-create", "create a device from XML without defining it", options=(FILE, VALIDATE))
def nodedev_create(ctx: "Session", args: "Args") -> None:
    texts = ("Failed to create node device from {file}", "Node device {name} created from {file}")
    flags = c.NODE_DEVICE_CREATE_XML_VALIDATE if args.validate else 0
    objects.from_file(ctx, args, texts, ctx.driver.node_device_create_xml, flags)


@TABLE.command(
    "nodedev-define", "define a device from XML, or change its definition", options=(FILE, VALIDATE)
)
def nodedev_define(ctx: "Session", args: "Args") -> None:
    texts = ("Failed to define node device from '{file}'", "Node device '{name}' defined from '{file}'")
    flags = c.NODE_DEVICE_DEFINE_XML_VALIDATE if args.validate else 0
    objects.from_file(ctx, args, texts, ctx.driver.node_device_define_xml, flags)


@TABLE.command("nodedev-destroy", "remove a virtual device", options=(alias("name", "device"), DEVICE_OR_WWN))
def nodedev_destroy(ctx: "Session", args: "Args") -> None:
    name = args.device
    device = ctx.nodedev(name, wwn=True).name
    failure, done = f"Failed to destroy node device '{name}'", f"Destroyed node device '{name}'"
    objects.change(ctx, failure, done, ctx.driver.node_device_destroy, device)


@TABLE.command("nodedev-undefine", "remove a device's definition", options=(DEVICE_OR_WWN,))
def nodedev_undefine(ctx: "Session", args: "Args") -> None:
    name = args.device
    device = ctx.nodedev(name, wwn=True).name
    failure, done = f"Failed to undefine node device '{name}'", f"Undefined node device '{name}'"
    objects.change(ctx, failure, done, ctx.driver.node_device_undefine, device)


@TABLE.command("nodedev-start", "create a defined device", options=(DEVICE,))
def nodedev_start(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "start", "started", ctx.driver.node_device_create)


@TABLE.command(
    "nodedev-autostart",
    "create a defined device with the host, or no longer",
    options=(DEVICE_OR_WWN, flag("disable", "do not create it with the host")),
)
def nodedev_autostart(ctx: "Session", args: "Args") -> None:
    name = ctx.nodedev(args.device, wwn=True).name
    call = ctx.driver.node_device_set_autostart
    objects.set_autostart(ctx, args, f"device {args.device}", call, name)


@TABLE.command(
    "nodedev-update",
    "change a device from XML, at once or in its definition",
    options=(
        DEVICE_OR_WWN,
        FILE,
        flag("config", "change the definition, for the next start"),
        flag("live", "change the active device"),
        flag("current", "change the device as it is now, active or not"),
    ),
    rules=(exclusive("current", "live"), exclusive("current", "config")),
)
def nodedev_update(ctx: "Session", args: "Args") -> None:
    driver, name = ctx.driver, args.device
    device = ctx.nodedev(name, wwn=True).name
    path = args.file
    xml = files.read(path)
    flags = c.NODE_DEVICE_UPDATE_AFFECT_LIVE if args.live else 0
    flags |= c.NODE_DEVICE_UPDATE_AFFECT_CONFIG if args.config else 0
    with ctx.failing(f"Failed to update node device {name} from '{path}'"):
        driver.node_device_update(device, xml, flags)
    objects.say_updated(ctx, args, f"node device {device}", driver.node_device_is_active, device)


# -- devices for guests -----------------------------------------------------------------------------


def _change(ctx: "Session", args: "Args", verb: str, done: str, call: "Callable[[str], None]") -> None:
    name = args.device
    device = ctx.nodedev(name).name
    objects.change(ctx, f"Failed to {verb} device {name}", f"Device {name} {done}", call, device)


@TABLE.command(
    "nodedev-detach",
    "take a device from the host's driver, so that a guest can have it",
    options=(
        DEVICE,
        text("driver", "driver that passes it on", "enum:default,kvm,vfio,xen", fills=True),
    ),
    aliases=("nodedev-dettach",),
)
def nodedev_detach(ctx: "Session", args: "Args") -> None:
    driver, backend = ctx.driver, str(args.values.get("driver") or "")
    # Nothing is the driver that libvirt takes by itself.
    if not backend:
        _change(ctx, args, "detach", "detached", driver.node_device_dettach)
    else:
        _change(ctx, args, "detach", "detached", lambda name: driver.node_device_detach_flags(name, backend))


@TABLE.command("nodedev-reattach", "give a device back to the host's driver", options=(DEVICE,))
def nodedev_reattach(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "re-attach", "re-attached", ctx.driver.node_device_re_attach)


@TABLE.command("nodedev-reset", "reset a device before a guest gets it, or after", options=(DEVICE,))
def nodedev_reset(ctx: "Session", args: "Args") -> None:
    _change(ctx, args, "reset", "reset", ctx.driver.node_device_reset)


# -- events -------------------------------------------------------------------------------------------

LIFECYCLE = ("Created", "Deleted", "Defined", "Undefined")

EVENTS = Kind(
    "device",
    "node device {name}",
    "connect_node_device_event",
    (
        EventType("lifecycle", eventloop.named(change=LIFECYCLE), ": {change}"),
        EventType("update"),
    ),
)


@TABLE.command(
    "nodedev-event",
    "wait for events of devices and show them",
    options=(
        text("device", "only those of this device", "nodedev", fills=True),
        text("event", "type of the events to wait for", "enum:lifecycle,update", fills=True),
        *WATCH,
    ),
)
def nodedev_event(ctx: "Session", args: "Args") -> None:
    eventloop.watch(ctx, args, EVENTS, ctx.nodedev, lenient=False)
