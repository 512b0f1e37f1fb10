"""The XML of networks: show it, edit it, change a part of it, and the words attached to it."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import INVALID_ARG, NO_NETWORK_METADATA, VirError
from pyvirsh.commands import files, objects, xpath
from pyvirsh.commands.network import NETWORK, described
from pyvirsh.commands.options import WRAP, XPATH
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, exclusive, flag, number, text, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import NetworkRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Networking", "network")

CONFIG = flag("config", "change the definition, for the next start")
LIVE = flag("live", "change the active network")
CURRENT = flag("current", "change the network as it is now, active or not")
AFFECT = (exclusive("current", "live"), exclusive("current", "config"))


def affected(args: "Args") -> int:
    """Return the flags that ``--live`` and ``--config`` stand for."""
    live = c.NETWORK_UPDATE_AFFECT_LIVE if args.live else 0
    return live | (c.NETWORK_UPDATE_AFFECT_CONFIG if args.config else 0)


@TABLE.command(
    "net-dumpxml",
    "show a network's XML",
    options=(NETWORK, flag("inactive", "show the definition, not what is active"), XPATH, WRAP),
)
def net_dumpxml(ctx: "Session", args: "Args") -> None:
    net = ctx.network(args.network)
    flags = c.NETWORK_XML_INACTIVE if args.inactive else 0
    xpath.show(ctx, args, lambda: ctx.driver.network_get_xml_desc(net, flags))


@TABLE.command("net-edit", "change a network's definition in an editor", options=(NETWORK,))
def net_edit(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.editing import Edit, edit_xml

    net = ctx.network(args.network)
    edit = Edit(
        fetch=lambda: _definition(ctx, net),
        apply=ctx.driver.network_define_xml,
        unchanged=f"Network {net.name} XML configuration not changed.",
        edited=lambda made: f"Network {made.name} XML configuration edited.",
    )
    edit_xml(ctx, edit)


def _definition(ctx: "Session", net: "NetworkRef") -> str:
    """Return the XML to edit; a driver that has only one kind of it refuses to choose."""
    try:
        return ctx.driver.network_get_xml_desc(net, c.NETWORK_XML_INACTIVE)
    except VirError as error:
        if error.code != INVALID_ARG:
            raise
        return ctx.driver.network_get_xml_desc(net)


# -- one section ------------------------------------------------------------------------------------

# "add" is "add-last".
COMMANDS = ("none", "modify", "delete", "add-last", "add-first")
SECTIONS = (
    "none",
    "bridge",
    "domain",
    "ip",
    "ip-dhcp-host",
    "ip-dhcp-range",
    "forward",
    "forward-interface",
    "forward-pf",
    "portgroup",
    "dns-host",
    "dns-txt",
    "dns-srv",
)


@TABLE.command(
    "net-update",
    "change one element of a network, at once or in its definition",
    options=(
        NETWORK,
        word("command", "what to do with the element", "enum:add,modify,delete,add-last,add-first"),
        word("section", "what kind of element it is", "enum:" + ",".join(SECTIONS[1:])),
        word("xml", "the element itself, or a file that holds it", "file-path"),
        number("parent-index", "which of several parents it stands in, from 0", fills=True),
        CONFIG,
        LIVE,
        CURRENT,
    ),
    rules=AFFECT,
)
def net_update(ctx: "Session", args: "Args") -> None:
    net = ctx.network(args.network)
    name = str(args["command"])
    command = _number(COMMANDS, "add-last" if name == "add" else name, "command")
    section = _number(SECTIONS, args.section, "section")
    parent = args.integer("parent-index", -1)
    xml = args.xml if args.xml.startswith("<") else files.read(args.xml)
    flags = affected(args)
    with ctx.failing(f"Failed to update network {net.name}"):
        ctx.driver.network_update(net, command, section, parent, xml, flags)
    objects.say_updated(ctx, args, f"network {net.name}", ctx.driver.network_is_active, net)


def _number(names: "tuple[str, ...]", name: str, what: str) -> int:
    if name not in names[1:]:
        raise CommandFailed(f"unrecognized {what} name '{name}'")
    return names.index(name)


# -- title, description, metadata -------------------------------------------------------------------


@TABLE.command(
    "net-desc",
    "show or change a network's description or title",
    options=(
        NETWORK,
        LIVE,
        CONFIG,
        CURRENT,
        flag("title", "the title instead of the description"),
        flag("edit", "change it in an editor"),
        words("new-desc", "the new text", "none"),
    ),
    rules=AFFECT,
)
def net_desc(ctx: "Session", args: "Args") -> None:
    net = ctx.network(args.network)
    what = "title" if args.title else "description"
    kind = c.DOMAIN_METADATA_TITLE if args.title else c.DOMAIN_METADATA_DESCRIPTION
    flags = affected(args)
    present = described(ctx, net, kind, flags)
    new = " ".join(args.new_desc) if args.given("new-desc") else None
    if args.edit:
        from pyvirsh.shell.editing import edit_text

        new = edit_text(ctx, present if new is None else new).removesuffix("\n")
        if new == present:
            ctx.out.note(f"Network {what} not changed")
            return
    if new is None:
        _show_description(ctx, net.name, what, present)
        return
    with ctx.failing(f"Failed to set new network {what}"):
        ctx.driver.network_set_metadata(net, kind, new, None, None, flags)
    ctx.out.raw_note(f"Network {what} updated successfully")


def _show_description(ctx: "Session", name: str, what: str, present: str) -> None:
    if present:
        ctx.out.data({what: present}, present)
    else:
        ctx.out.data({what: None}, "")
        ctx.out.raw_note(f"No {what} for network: {name}")


@TABLE.command(
    "net-metadata",
    "show or change the metadata that a network keeps for a namespace",
    options=(
        NETWORK,
        word("uri", "URI of the namespace"),
        LIVE,
        CONFIG,
        CURRENT,
        flag("edit", "change it in an editor"),
        text("key", "prefix of the namespace in the XML", fills=True),
        text("set", "the new metadata", "none", fills=True),
        flag("remove", "remove the metadata"),
    ),
    rules=(*AFFECT, exclusive("edit", "set"), exclusive("remove", "set"), exclusive("remove", "edit")),
)
def net_metadata(ctx: "Session", args: "Args") -> None:
    net = ctx.network(args.network)
    uri, key, new = args.uri, args.key, args.set
    flags = affected(args)
    if (args.edit or new is not None) and key is None:
        raise CommandFailed("namespace key is required when modifying metadata")

    def store(text: "str | None") -> None:
        prefix = None if text is None else key
        ctx.driver.network_set_metadata(net, c.DOMAIN_METADATA_ELEMENT, text, prefix, uri, flags)

    if new is not None or args.remove:
        store(new)
        ctx.out.note("Metadata removed" if args.remove else "Metadata modified")
    elif args.edit:
        from pyvirsh.shell.editing import Edit, edit_xml

        edit = Edit(
            fetch=lambda: _element(ctx, net, uri, flags),
            apply=store,
            unchanged="Metadata not changed",
            edited="Metadata modified\n",
            line_notes=False,
        )
        edit_xml(ctx, edit)
    elif (element := _element(ctx, net, uri, flags)) == "\n":
        ctx.out.data(None, element)
    else:
        ctx.out.xml(element)


def _element(ctx: "Session", net: "NetworkRef", uri: str, flags: int) -> str:
    """Return a network's metadata under `uri` as a line, an empty one when there is none."""
    try:
        return ctx.driver.network_get_metadata(net, c.DOMAIN_METADATA_ELEMENT, uri, flags) + "\n"
    except VirError as error:
        if error.code != NO_NETWORK_METADATA:
            raise
        return "\n"
