"""Attach, change and detach devices that are described in files."""

from pyvirsh.backend.constants import (
    DOMAIN_AFFECT_CONFIG,
    DOMAIN_DEVICE_MODIFY_FORCE,
    DOMAIN_FD_ASSOCIATE_SECLABEL_RESTORE,
    DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE,
)
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.commands import files
from pyvirsh.commands.devicexml import (
    PERSISTENT,
    PERSISTENT_RULES,
    PRINT_XML,
    attach,
    detach,
    devices,
    impact,
)
from pyvirsh.commands.options import AFFECTED, AFFECTED_RULES, DOMAIN, FILE, affected
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, exclusive, flag, number, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.conf.xml import Element
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")


@TABLE.command(
    "attach-device",
    "attach a device described in a file",
    options=(DOMAIN, FILE, PERSISTENT, *AFFECTED),
    rules=PERSISTENT_RULES,
)
def attach_device(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    document = files.read(args.file)
    with ctx.failing(f"Failed to attach device from {args.file}"):
        attach(ctx, dom, args, document)
    ctx.out.note("Device attached successfully")


@TABLE.command(
    "detach-device",
    "detach a device described in a file",
    options=(DOMAIN, FILE, PERSISTENT, *AFFECTED),
    rules=PERSISTENT_RULES,
)
def detach_device(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    document = files.read(args.file)
    with ctx.failing(f"Failed to detach device from {args.file}"):
        detach(ctx, dom, document, impact(ctx, dom, args), with_flags=args.current)
    ctx.out.note("Device detached successfully")


@TABLE.command(
    "update-device",
    "change a device to what a file describes",
    options=(DOMAIN, FILE, PERSISTENT, *AFFECTED, flag("force", "change it even if the guest refuses")),
    rules=PERSISTENT_RULES,
)
def update_device(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    document = files.read(args.file)
    flags = impact(ctx, dom, args) | (DOMAIN_DEVICE_MODIFY_FORCE if args.force else 0)
    with ctx.failing(f"Failed to update device from {args.file}"):
        ctx.driver.domain_update_device_flags(dom, document, flags)
    ctx.out.note("Device updated successfully")


@TABLE.command(
    "detach-device-alias",
    "detach the device with an alias",
    options=(DOMAIN, word("alias", "alias of the device", "device-alias"), *AFFECTED),
    rules=AFFECTED_RULES,
)
def detach_device_alias(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    alias = args.alias
    with ctx.failing(f"Failed to detach device with alias {alias}"):
        ctx.driver.domain_detach_device_alias(dom, alias, affected(args))
    ctx.out.note("Device detach request sent successfully")


# -- memory ------------------------------------------------------------------------------------------


@TABLE.command(
    "update-memory-device",
    "change how much of a memory device the guest is asked to use",
    options=(
        DOMAIN,
        *AFFECTED,
        PRINT_XML,
        text("alias", "alias of the memory device", "device-alias", fills=True),
        number("node", "memory node of the guest that it belongs to", fills=True),
        number("requested-size", "new size, in KiB unless it has a suffix", fills=True),
    ),
    rules=(*AFFECTED_RULES, exclusive("node", "alias")),
)
def update_memory_device(ctx: "Session", args: "Args") -> None:
    from pyvirsh.backend.conf.xml import formatted

    dom = ctx.domain(args.domain)
    flags = affected(args)
    with ctx.failing("Failed to get domain description xml"):
        found = devices(ctx, dom, "memory", inactive=bool(flags & DOMAIN_AFFECT_CONFIG))
    memory = _chosen_memory(args, found)
    if args.given("requested-size"):
        size = -(-args.scaled("requested-size", unit=1024) // 1024)
        requested = memory.find("target/requested")
        if requested is None:
            raise CommandFailed("virtio-mem device is missing <requested/>")
        requested.text = str(size)
    document = formatted(memory)
    if args.print_xml:
        ctx.out.xml(document)
    else:
        ctx.driver.domain_update_device_flags(dom, document, flags)


def _chosen_memory(args: "Args", found: "list[Element]") -> "Element":
    """Return the memory device that the options name.  Errors: CommandFailed."""
    alias = args.alias
    node = args.unsigned("node") if args.given("node") else None
    if alias is not None:
        found = [memory for memory in found if _alias(memory) == alias]
    if node is not None:
        found = [memory for memory in found if memory.findtext("target/node") == str(node)]
    if not found:
        raise CommandFailed("no memory device found")
    if len(found) > 1:
        raise CommandFailed("multiple memory devices found, use --alias or --node to select one")
    return found[0]


def _alias(device: "Element") -> "str | None":
    alias = device.find("alias")
    return None if alias is None else alias.get("name")


# -- descriptors -------------------------------------------------------------------------------------


@TABLE.command(
    "dom-fd-associate",
    "give file descriptors of this process to a domain under a name",
    options=(
        DOMAIN,
        word("name", "name that the domain's XML uses", "none"),
        word("pass-fds", "file descriptors, with commas between", "none"),
        flag("seclabel-writable", "label them so that the guest may write"),
        flag("seclabel-restore", "put their labels back afterwards"),
    ),
)
def dom_fd_associate(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    name = args.name
    flags = DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE if args.seclabel_writable else 0
    flags |= DOMAIN_FD_ASSOCIATE_SECLABEL_RESTORE if args.seclabel_restore else 0
    fds = files.descriptors(args)
    if not fds:
        # libvirt's library says so before any driver is asked.
        raise VirError(INVALID_ARG, text="nfds in virDomainFDAssociate must not be zero")
    ctx.driver.domain_fd_associate(dom, name, fds, flags)
