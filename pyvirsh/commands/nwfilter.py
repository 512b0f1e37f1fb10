"""Network filters and their bindings to ports."""

from pyvirsh.backend import constants as c
from pyvirsh.commands import files, objects, xpath
from pyvirsh.commands.options import FILE, VALIDATE, WRAP, XPATH
from pyvirsh.spec import Table, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Network Filter", "filter")

NWFILTER = word("nwfilter", "name or UUID of the filter", "nwfilter")
BINDING = word("binding", "port that the filter is bound to", "nwfilter-binding")


@TABLE.command("nwfilter-define", "define a filter from XML, or change its rules", options=(FILE, VALIDATE))
def nwfilter_define(ctx: "Session", args: "Args") -> None:
    texts = ("Failed to define network filter from {file}", "Network filter {name} defined from {file}")
    if args.validate:
        make, flags = ctx.driver.nwfilter_define_xml_flags, c.NWFILTER_DEFINE_VALIDATE
        objects.from_file(ctx, args, texts, make, flags)
    else:
        objects.from_file(ctx, args, texts, ctx.driver.nwfilter_define_xml)


@TABLE.command("nwfilter-undefine", "remove a filter", options=(NWFILTER,))
def nwfilter_undefine(ctx: "Session", args: "Args") -> None:
    name = args.nwfilter
    nwfilter = ctx.nwfilter(name)
    failure, done = f"Failed to undefine network filter {name}", f"Network filter {name} undefined"
    objects.change(ctx, failure, done, ctx.driver.nwfilter_undefine, nwfilter)


@TABLE.command("nwfilter-dumpxml", "show a filter's XML", options=(NWFILTER, XPATH, WRAP))
def nwfilter_dumpxml(ctx: "Session", args: "Args") -> None:
    nwfilter = ctx.nwfilter(args.nwfilter)
    xpath.show(ctx, args, lambda: ctx.driver.nwfilter_get_xml_desc(nwfilter))


@TABLE.command("nwfilter-edit", "change a filter's rules in an editor", options=(NWFILTER,))
def nwfilter_edit(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.editing import Edit, edit_xml

    nwfilter = ctx.nwfilter(args.nwfilter)
    edit = Edit(
        fetch=lambda: ctx.driver.nwfilter_get_xml_desc(nwfilter),
        apply=ctx.driver.nwfilter_define_xml,
        unchanged=f"Network filter {nwfilter.name} XML configuration not changed.",
        edited=lambda made: f"Network filter {made.name} XML configuration edited.",
    )
    edit_xml(ctx, edit)


@TABLE.command("nwfilter-list", "list the filters")
def nwfilter_list(ctx: "Session", args: "Args") -> None:
    counting = ("Failed to count network filters", "virConnectNumOfNWFilters")
    found = objects.listed(
        ctx.driver.connect_list_all_nwfilters, 0, "Failed to list network filters", counting
    )
    rows: list[dict[str, object]] = [
        {"uuid": nwfilter.uuid, "name": nwfilter.name} for nwfilter in sorted(found, key=objects.by_name)
    ]
    ctx.out.records([("UUID", "uuid"), ("Name", "name")], rows)


# -- bindings ---------------------------------------------------------------------------------------


@TABLE.command("nwfilter-binding-create", "bind a filter to a port as XML says", options=(FILE, VALIDATE))
def nwfilter_binding_create(ctx: "Session", args: "Args") -> None:
    path = args.file
    xml = files.read(path)
    flags = c.NWFILTER_BINDING_CREATE_VALIDATE if args.validate else 0
    with ctx.failing(f"Failed to create network filter from {path}"):
        binding = ctx.driver.nwfilter_binding_create_xml(xml, flags)
    ctx.out.note(f"Network filter binding on {binding.portdev} created from {path}")


@TABLE.command("nwfilter-binding-delete", "take the filter off a port", options=(BINDING,))
def nwfilter_binding_delete(ctx: "Session", args: "Args") -> None:
    name = args.binding
    binding = ctx.nwfilter_binding(name)
    failure = f"Failed to delete network filter binding on {name}"
    done = f"Network filter binding on {name} deleted"
    objects.change(ctx, failure, done, ctx.driver.nwfilter_binding_delete, binding)


@TABLE.command("nwfilter-binding-dumpxml", "show a binding's XML", options=(BINDING, XPATH, WRAP))
def nwfilter_binding_dumpxml(ctx: "Session", args: "Args") -> None:
    binding = ctx.nwfilter_binding(args.binding)
    xpath.show(ctx, args, lambda: ctx.driver.nwfilter_binding_get_xml_desc(binding))


@TABLE.command("nwfilter-binding-list", "list the filters' bindings")
def nwfilter_binding_list(ctx: "Session", args: "Args") -> None:
    with ctx.failing("Failed to list network filter bindings"):
        found = ctx.driver.connect_list_all_nwfilter_bindings()
    rows: list[dict[str, object]] = [{"port": item.portdev, "filter": item.filtername} for item in found]
    rows.sort(key=lambda row: objects.folded(str(row["port"])))
    ctx.out.records([("Port Dev", "port"), ("Filter", "filter")], rows)
