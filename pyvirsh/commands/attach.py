"""Attach disks and network interfaces that are described by options."""

from pyvirsh.backend.errors import INTERNAL_ERROR, VirError
from pyvirsh.commands import rates
from pyvirsh.commands.devicexml import PERSISTENT, PERSISTENT_RULES, PRINT_XML, attach, is_block_device
from pyvirsh.commands.options import AFFECTED, DOMAIN
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import UINT_MAX, ULONG_MAX
from pyvirsh.spec import Table, alias, exclusive, flag, requires, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.xml import Node
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")

# What holds the data -> the attribute of <source> that says where it is.
SOURCE_TYPES = {"file": "file", "block": "dev", "network": "name"}
FORMATS = "none,raw,dir,bochs,cloop,dmg,iso,vpc,vdi,fat,vhd,ploop,cow,qcow,qcow2,qed,vmdk"


@TABLE.command(
    "attach-disk",
    "attach a disk",
    options=(
        DOMAIN,
        word("source", "where its data is: a file, a block device or a name", "file-path", allow_empty=True),
        word("target", "its name in the guest, like vdb", "none"),
        text("targetbus", "its bus", "enum:none,ide,fdc,scsi,virtio,xen,usb,uml,sata,sd,nvme"),
        text("driver", "driver that serves it, like qemu"),
        text("subdriver", "format of the data", "enum:" + FORMATS),
        text("iothread", "I/O thread that serves it", "iothread-id"),
        text("cache", "how it is cached", "enum:default,none,writethrough,writeback,directsync,unsafe"),
        text("io", "how it is read and written", "enum:default,native,threads,io_uring"),
        text("type", "what the guest sees", "enum:disk,cdrom,floppy,lun"),
        alias("shareable", "mode", "shareable"),
        text("mode", "how the guest may use it", "enum:readonly,shareable"),
        text("sourcetype", "what holds the data", "enum:" + ",".join(SOURCE_TYPES)),
        text("serial", "serial number", "none"),
        text("wwn", "world wide name, 16 hexadecimal digits", "none"),
        text("alias", "name of your own for the device, beginning with ua-", "none"),
        flag("rawio", "let the guest send any SCSI command"),
        text("address", "its place in the guest, like pci:0000.00.11.00 or scsi:0.0.1", "none"),
        flag("multifunction", "let more functions share its PCI slot"),
        PRINT_XML,
        text("source-protocol", "protocol of a network disk"),
        text("source-host-name", "host of a network disk, as NAME or NAME:PORT", "none"),
        text("source-host-transport", "transport to the host"),
        text("source-host-socket", "UNIX socket of the host", "file-path"),
        text("throttle-groups", "groups whose limits it shares", "throttle-group-list"),
        PERSISTENT,
        *AFFECTED,
    ),
    rules=(
        *PERSISTENT_RULES,
        requires("source-host-name", "source-protocol"),
        requires("source-host-transport", "source-protocol"),
        requires("source-host-socket", "source-protocol"),
        requires("source-host-socket", "source-host-transport"),
        exclusive("source-host-name", "source-host-socket"),
    ),
)
def attach_disk(ctx: "Session", args: "Args") -> None:
    from pyvirsh.backend.conf.xml import write

    document = write(disk_node(args))
    if args.print_xml:
        ctx.out.xml(document)
        return
    dom = ctx.domain(args.domain)
    with ctx.failing("Failed to attach disk"):
        attach(ctx, dom, args, document)
    ctx.out.note("Disk attached successfully")


def disk_node(args: "Args") -> "Node":
    """Make the element of the disk that the options describe.  Errors: CommandFailed, VirError."""
    from pyvirsh.backend.conf.xml import Node

    # An empty value fails here, in the order of the options.
    given = {opt.name: args[opt.name] for opt in args.command.options if opt.kind == "string"}
    source_type = _source_type(given)
    if given["mode"] not in (None, "readonly", "shareable"):
        raise CommandFailed(f"No support for {given['mode']} in command 'attach-disk'")
    wwn = given["wwn"]
    if wwn is not None and (len(wwn) != 16 or any(char not in "0123456789abcdefABCDEF" for char in wwn)):
        raise VirError(INTERNAL_ERROR, f"Malformed wwn: {wwn}")
    disk = Node("disk")
    _set(disk, type=source_type, device=given["type"], rawio="yes" if args.rawio else None)
    driver = Node("driver")
    _set(driver, name=given["driver"], type=given["subdriver"])
    _set(driver, **{name: given[name] for name in ("iothread", "cache", "io")})
    if driver.attrs:
        disk.kids.append(driver)
    disk.kids.append(_source(source_type, given))
    _set(disk.add("target"), dev=given["target"], bus=given["targetbus"])
    if given["throttle-groups"] is not None:
        filters = disk.add("throttlefilters")
        for group in given["throttle-groups"].split(","):
            _set(filters.add("throttlefilter"), group=group)
    if given["mode"] is not None:
        disk.add(given["mode"])
    if given["serial"] is not None:
        disk.add("serial").text = given["serial"]
    if given["alias"] is not None:
        _set(disk.add("alias"), name=given["alias"])
    if wwn is not None:
        disk.add("wwn").text = wwn
    if given["address"] is not None:
        disk.kids.append(_address(given["address"], given["target"], multifunction=args.multifunction))
    return disk


def _set(node: "Node", **attributes: "str | None") -> None:
    """Set the attributes that have a value, in order."""
    node.attrs.update({name: value for name, value in attributes.items() if value is not None})


def _source_type(given: "dict[str, str]") -> str:
    """Return what holds the data: as said, or guessed.  Errors: CommandFailed."""
    source_type = given["sourcetype"]
    if source_type is None:
        if given["source-protocol"] is not None:
            return "network"
        return "block" if is_block_device(given["source"]) else "file"
    if source_type not in SOURCE_TYPES:
        raise CommandFailed(f"Unknown source type: '{source_type}'")
    if (source_type == "network") != (given["source-protocol"] is not None):
        raise CommandFailed("--source-protocol option requires --sourcetype network")
    return source_type


def _source(source_type: str, given: "dict[str, str]") -> "Node":
    from pyvirsh.backend.conf.xml import Node

    source = Node("source")
    _set(source, protocol=given["source-protocol"], **{SOURCE_TYPES[source_type]: given["source"]})
    name, colon, port = (given["source-host-name"] or "").partition(":")
    host = Node("host")
    _set(host, transport=given["source-host-transport"])
    if given["source-host-name"] is not None:
        _set(host, name=name, port=port if colon else None)
    _set(host, socket=given["source-host-socket"])
    if host.attrs:
        source.kids.append(host)
    return source


# -- addresses ---------------------------------------------------------------------------------------

_DRIVE = ("drive", 10, (("controller", "{}"), ("bus", "{}"), ("unit", "{}")))

# scheme -> type of the address, base of its numbers, and how they are written
ADDRESSES = {
    "pci": (
        "pci",
        16,
        (("domain", "0x{:04x}"), ("bus", "0x{:02x}"), ("slot", "0x{:02x}"), ("function", "0x{:x}")),
    ),
    "scsi": _DRIVE,
    "sata": _DRIVE,
    "ide": _DRIVE,
    "usb": ("usb", 10, (("bus", "{}"), ("port", "{}"))),
    "ccw": ("ccw", 16, (("cssid", "0x{:02x}"), ("ssid", "0x{:x}"), ("devno", "0x{:04x}"))),
}

# beginning of a target -> the schemes that fit it, and what is said otherwise
EXPECTED = {
    "vd": (("pci", "ccw"), "expecting a pci:0000.00.00.00 or ccw:00.0.0000 address."),
    "sd": (("scsi", "usb", "sata"), "expecting a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address."),
    "hd": (("ide",), "expecting an ide:00.00.00 address."),
}


def _address(text: str, target: str, *, multifunction: bool) -> "Node":
    """Make the element of an address like ``pci:0000.00.11.00``.  Errors: CommandFailed."""
    scheme, _, place = text.partition(":")
    if scheme not in ADDRESSES or (attributes := _address_attributes(scheme, place)) is None:
        raise CommandFailed("Invalid address.")
    schemes, complaint = EXPECTED.get(target[:2], ((scheme,), ""))
    if scheme not in schemes:
        raise CommandFailed(complaint)
    node = _address_node(ADDRESSES[scheme][0], attributes)
    if multifunction and scheme == "pci":
        _set(node, multifunction="on")
    return node


def _address_node(type: str, attributes: "dict[str, str]") -> "Node":
    from pyvirsh.backend.conf.xml import Node

    node = Node("address")
    _set(node, type=type, **attributes)
    return node


def _address_attributes(scheme: str, place: str) -> "dict[str, str] | None":
    """Read the numbers of an address; any character may stand between, and anything behind them."""
    _, base, fields = ADDRESSES[scheme]
    attributes = {}
    for name, form in fields:
        number, place = _leading_number(place, base)
        if number is None or number > (ULONG_MAX if scheme == "scsi" and name == "unit" else UINT_MAX):
            return None
        attributes[name] = form.format(number)
        place = place[1:]
    return attributes


def _leading_number(text: str, base: int) -> "tuple[int | None, str]":
    """Read the number that a text begins with; return it, or None, and the rest."""
    rest = text.lstrip(" \t\n\v\f\r").removeprefix("+")
    digits = "0123456789abcdef"[:base]
    if base == 16 and rest[:2].lower() == "0x" and rest[2:3].lower() in tuple(digits):
        rest = rest[2:]
    length = len(rest) - len(rest.lower().lstrip(digits))
    return (int(rest[:length], base) if length else None), rest[length:]


# -- network interfaces ------------------------------------------------------------------------------

TYPES = "user,ethernet,vhostuser,server,client,mcast,network,bridge,internal,direct,hostdev,udp,vdpa,null,vds"
# kind of interface -> the attribute of <source> that says what it is connected to
CONNECTED = {"network": "network", "bridge": "bridge", "direct": "dev", "hostdev": "", "vhostuser": ""}


@TABLE.command(
    "attach-interface",
    "attach a network interface",
    options=(
        DOMAIN,
        word("type", "kind of interface", "enum:" + TYPES),
        word("source", "what it is connected to"),
        text("target", "name of its device on the host", "none", fills=True),
        text("mac", "its MAC address", "none", fills=True),
        text("script", "script that sets up a bridge", fills=True),
        text("model", "what the guest sees, like virtio", fills=True),
        text("alias", "name of your own for the device, beginning with ua-", "none", fills=True),
        text("inbound", "rates in, as average,peak,burst,floor", "none", fills=True),
        text("outbound", "rates out, as average,peak,burst", "none", fills=True),
        PERSISTENT,
        *AFFECTED,
        PRINT_XML,
        flag("managed", "take a device of the host away from it, and give it back later"),
        text("source-mode", "side that a vhostuser socket is", "enum:server,client", fills=True),
    ),
    rules=PERSISTENT_RULES,
)
def attach_interface(ctx: "Session", args: "Args") -> None:
    from pyvirsh.backend.conf.xml import write

    document = write(interface_node(args))
    if args.print_xml:
        ctx.out.xml(document)
        return
    dom = ctx.domain(args.domain)
    with ctx.failing("Failed to attach interface"):
        attach(ctx, dom, args, document)
    ctx.out.note("Interface attached successfully")


def interface_node(args: "Args") -> "Node":
    """Make the element of the interface that the options describe.  Errors: CommandFailed."""
    from pyvirsh.backend.conf.domain.net import INTERFACE_TYPES
    from pyvirsh.backend.conf.xml import Node

    strings = [opt.name for opt in args.command.options if opt.kind == "string" and opt.name != "domain"]
    given = {name: args[name] for name in strings}
    kind = given["type"]
    unsupported = CommandFailed(f"No support for {kind} in command 'attach-interface'")
    if kind not in INTERFACE_TYPES:
        raise unsupported
    if given["source-mode"] not in (None, "server", "client"):
        raise CommandFailed(f"Invalid source mode: {given['source-mode']}")
    bandwidth = Node("bandwidth")
    for way in ("inbound", "outbound"):
        if given[way] is not None:
            _set(bandwidth.add(way), **_rate(way, given[way]))
    if kind not in CONNECTED:
        raise unsupported
    interface = Node("interface")
    _set(interface, type=kind, managed="yes" if args.managed else None)
    interface.kids.append(_connection(kind, given["source"], given["source-mode"]))
    for tag, attribute, option in (
        ("target", "dev", "target"),
        ("mac", "address", "mac"),
        ("script", "path", "script"),
        ("model", "type", "model"),
        ("alias", "name", "alias"),
    ):
        if given[option] is not None:
            _set(interface.add(tag), **{attribute: given[option]})
    if bandwidth.kids:
        interface.kids.append(bandwidth)
    return interface


def _rate(way: str, given: str) -> "dict[str, str]":
    """Return the attributes of a rate.  Errors: CommandFailed."""
    rate = rates.parse(given)
    if way == "outbound" and not rate["average"]:
        raise CommandFailed("outbound average is mandatory")
    if way == "outbound" and rate["floor"]:
        raise CommandFailed("outbound floor is unsupported yet")
    if not rate["average"] and not rate["floor"]:
        raise CommandFailed("either inbound average or floor is mandatory")
    return {name: str(number) for name, number in rate.items() if number}


def _connection(kind: str, given: str, mode: "str | None") -> "Node":
    """Make the element that says what an interface is connected to.  Errors: CommandFailed."""
    from pyvirsh.backend.conf.xml import Node

    source = Node("source")
    if kind == "hostdev":
        attributes = _address_attributes("pci", given)
        if attributes is None:
            raise CommandFailed(f"cannot parse pci address '{given}' for network interface")
        source.kids.append(_address_node("pci", attributes))
    elif kind == "vhostuser":
        if mode is None:
            raise CommandFailed("source-mode is mandatory")
        _set(source, type="unix", path=given, mode=mode)
    else:
        _set(source, **{CONNECTED[kind]: given})
    return source
