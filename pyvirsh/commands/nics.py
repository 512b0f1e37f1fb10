"""Detach network interfaces, set their links, let them announce themselves."""

from pyvirsh.backend.api import PARAM_UINT
from pyvirsh.backend.constants import DOMAIN_AFFECT_CONFIG, DOMAIN_AFFECT_LIVE
from pyvirsh.backend.errors import VirError
from pyvirsh.commands.devicexml import PERSISTENT, PERSISTENT_RULES, PRINT_XML, detach, devices, is_active
from pyvirsh.commands.options import AFFECTED, CONFIG, DOMAIN
from pyvirsh.commands.params import typed
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, alias, number, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef
    from pyvirsh.backend.conf.xml import Element
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")


def _mac(interface: "Element") -> str:
    mac = interface.find("mac")
    return "" if mac is None else (mac.get("address") or "")


# -- detaching ---------------------------------------------------------------------------------------


@TABLE.command(
    "detach-interface",
    "detach a network interface",
    options=(
        DOMAIN,
        word("type", "kind of interface; any when left out", required=False),
        text("mac", "its MAC address", "domain-interface:mac", fills=True),
        PERSISTENT,
        *AFFECTED,
        PRINT_XML,
    ),
    rules=PERSISTENT_RULES,
)
def detach_interface(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    try:
        _detach_interface(ctx, dom, args)
    except CommandFailed as error:
        if args.print_xml and not (args.config or args.persistent):
            raise
        raise CommandFailed(*error.texts, "Failed to detach interface") from error
    except VirError as error:
        raise CommandFailed("Failed to detach interface", error.text) from error
    if not args.print_xml:
        ctx.out.note("Interface detached successfully")


def _detach_interface(ctx: "Session", dom: "DomainRef", args: "Args") -> None:
    """Detach the interface from what the options name, the definition first."""
    kind, mac = args.type, args.mac

    def act(flags: int, *, inactive: bool) -> None:
        from pyvirsh.backend.conf.xml import formatted

        found = devices(ctx, dom, "interface", inactive=inactive)
        if kind is not None:
            found = [nic for nic in found if nic.get("type") == kind]
        document = formatted(_chosen_interface(found, kind, mac))
        if args.print_xml:
            ctx.out.xml(document)
        else:
            detach(ctx, dom, document, flags, with_flags=args.current)

    if args.config or args.persistent:
        act(DOMAIN_AFFECT_CONFIG, inactive=True)
    if args.live or (args.persistent and is_active(ctx, dom)):
        act(DOMAIN_AFFECT_LIVE, inactive=False)
    if not args.config and not args.persistent and not args.live:
        act(0, inactive=False)


def _chosen_interface(found: "list[Element]", kind: "str | None", mac: "str | None") -> "Element":
    """Return the interface of a kind that a MAC address names, or the only one."""
    if not found:
        raise CommandFailed(f"No interface found whose type is {kind}" if kind else "No interface found")
    if mac is None:
        if len(found) > 1:
            count = len(found)
            raise CommandFailed(
                f"Domain has {count} interfaces. Please specify which one to detach using --mac"
            )
        return found[0]
    found = [nic for nic in found if _mac(nic).lower() == mac.lower()]
    if not found:
        raise CommandFailed(f"No interface with MAC address {mac} was found")
    if len(found) > 1:
        raise CommandFailed(
            f"Domain has multiple interfaces matching MAC address {mac}. "
            "You must use detach-device and specify the device pci address to remove it."
        )
    return found[0]


# -- links -------------------------------------------------------------------------------------------


@TABLE.command(
    "domif-setlink",
    "plug or unplug the cable of a network interface",
    options=(
        DOMAIN,
        word("interface", "name of its device on the host, or its MAC address", "domain-interface"),
        word("state", "up or down", "interface-link-state"),
        alias("persistent", "config"),
        CONFIG,
        PRINT_XML,
    ),
)
def domif_setlink(ctx: "Session", args: "Args") -> None:
    from pyvirsh.backend.conf.xml import formatted

    dom = ctx.domain(args.domain)
    name, state = args.interface, args.state
    if state not in ("up", "down"):
        raise CommandFailed(f"invalid link state '{state}'")
    flags = DOMAIN_AFFECT_LIVE if is_active(ctx, dom) and not args.config else DOMAIN_AFFECT_CONFIG
    with ctx.failing("Failed to get domain description xml"):
        interfaces = devices(ctx, dom, "interface", inactive=args.config)
    interface = _named_interface(interfaces, name)
    link = interface.find("link")
    if link is None:
        link = interface.makeelement("link", {})
        interface.append(link)
    link.set("state", state)
    document = formatted(interface)
    if args.print_xml:
        ctx.out.xml(document)
        return
    with ctx.failing("Failed to update interface link state"):
        ctx.driver.domain_update_device_flags(dom, document, flags)
    ctx.out.note("Device updated successfully")


def _named_interface(interfaces: "list[Element]", name: str) -> "Element":
    """Return the interface with a MAC address or a device on the host.  Errors: CommandFailed."""
    if not interfaces:
        raise CommandFailed("Failed to extract interface information or no interfaces found")
    for interface in interfaces:
        target = interface.find("target")
        if _mac(interface).lower() == name.lower() or (target is not None and target.get("dev") == name):
            return interface
    raise CommandFailed(f"interface '{name}' not found")


# -- announcing --------------------------------------------------------------------------------------

ANNOUNCE = tuple((name, name, PARAM_UINT) for name in ("initial", "max", "rounds", "step"))


@TABLE.command(
    "domifannounce",
    "let a guest's network interfaces announce themselves to the switches",
    options=(
        DOMAIN,
        word("interface", "one interface; all when left out", "domain-interface", required=False),
        number("initial", "milliseconds before the first announcement"),
        number("max", "most milliseconds between two announcements"),
        number("rounds", "how many announcements"),
        number("step", "milliseconds that each pause is longer than the one before"),
    ),
)
def domifannounce(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    ctx.driver.domain_announce_interface(dom, args.interface, typed(args, ANNOUNCE))
