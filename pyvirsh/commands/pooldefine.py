"""How storage pools come to be: from XML, from options, from what can be found; and their XML."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import INVALID_ARG, VirError
from pyvirsh.commands import files, objects, xpath
from pyvirsh.commands.options import FILE, VALIDATE, WRAP, XPATH
from pyvirsh.commands.pool import BUILD, EITHER_WAY, NO_OVERWRITE, OVERWRITE, POOL, TYPES, build_flags
from pyvirsh.spec import Table, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import StoragePoolRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Storage Pool", "pool")

TYPE = word("type", "type of the pool", "enum:" + ",".join(TYPES))

AS = (
    word("name", "name of the pool", "none"),
    TYPE,
    flag("print-xml", "only show the XML that the options make"),
    text("source-host", "host that has the storage", "none", fills=True),
    text("source-path", "directory on that host, or of the pool", fills=True),
    text("source-dev", "device of the storage", fills=True),
    text("source-name", "name of the storage, such as a volume group", fills=True),
    text("target", "path that the volumes appear under", fills=True),
    text("source-format", "format of the storage", fills=True),
    text("auth-type", "how to log in to the storage", fills=True),
    text("auth-username", "name to log in with", "none", fills=True),
    text("secret-usage", "usage of the secret to log in with", fills=True),
    text("secret-uuid", "UUID of the secret to log in with", fills=True),
    text("adapter-name", "SCSI host adapter", fills=True),
    text("adapter-wwnn", "WWNN of the Fibre Channel adapter", fills=True),
    text("adapter-wwpn", "WWPN of the Fibre Channel adapter", fills=True),
    text("adapter-parent", "device that the adapter is made on", fills=True),
    text("adapter-parent-wwnn", "WWNN of the device that the adapter is made on", fills=True),
    text("adapter-parent-wwpn", "WWPN of the device that the adapter is made on", fills=True),
    text("adapter-parent-fabric-wwn", "fabric of the device that the adapter is made on", fills=True),
    text("source-protocol-ver", "version of NFS to mount with", fills=True),
    text("source-initiator", "IQN that an iSCSI target knows this host by", "none", fills=True),
)


@TABLE.command("pool-define", "define a pool from XML, or change its definition", options=(FILE, VALIDATE))
def pool_define(ctx: "Session", args: "Args") -> None:
    texts = ("Failed to define pool from {file}", "Pool {name} defined from {file}")
    flags = c.STORAGE_POOL_DEFINE_VALIDATE if args.validate else 0
    objects.from_file(ctx, args, texts, ctx.driver.storage_pool_define_xml, flags)


@TABLE.command(
    "pool-create",
    "start a pool from XML without defining it",
    options=(FILE, BUILD, NO_OVERWRITE, OVERWRITE),
    rules=EITHER_WAY,
)
def pool_create(ctx: "Session", args: "Args") -> None:
    texts = ("Failed to create pool from {file}", "Pool {name} created from {file}")
    objects.from_file(ctx, args, texts, ctx.driver.storage_pool_create_xml, build_flags(args))


@TABLE.command("pool-define-as", "define a pool from options", options=AS)
def pool_define_as(ctx: "Session", args: "Args") -> None:
    if xml := _from_options(ctx, args):
        failure, done = f"Failed to define pool {args.name}", f"Pool {args.name} defined"
        objects.change(ctx, failure, done, ctx.driver.storage_pool_define_xml, xml)


@TABLE.command(
    "pool-create-as",
    "start a pool from options without defining it",
    options=(*AS, BUILD, NO_OVERWRITE, OVERWRITE),
    rules=EITHER_WAY,
)
def pool_create_as(ctx: "Session", args: "Args") -> None:
    if xml := _from_options(ctx, args):
        failure, done = f"Failed to create pool {args.name}", f"Pool {args.name} created"
        objects.change(ctx, failure, done, ctx.driver.storage_pool_create_xml, xml, build_flags(args))


def _from_options(ctx: "Session", args: "Args") -> str:
    """Return the pool's XML; "" when it was only to be shown."""
    from pyvirsh.commands.poolxml import pool_xml

    xml = pool_xml(args)
    if not args.print_xml:
        return xml
    ctx.out.xml(xml)
    return ""


@TABLE.command(
    "pool-dumpxml",
    "show a pool's XML",
    options=(POOL, flag("inactive", "show the definition, not what is active"), XPATH, WRAP),
)
def pool_dumpxml(ctx: "Session", args: "Args") -> None:
    pool = ctx.pool(args.pool)
    flags = c.STORAGE_XML_INACTIVE if args.inactive else 0
    xpath.show(ctx, args, lambda: ctx.driver.storage_pool_get_xml_desc(pool, flags))


@TABLE.command("pool-edit", "change a pool's definition in an editor", options=(POOL,))
def pool_edit(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.editing import Edit, edit_xml

    pool = ctx.pool(args.pool)
    edit = Edit(
        fetch=lambda: _definition(ctx, pool),
        apply=ctx.driver.storage_pool_define_xml,
        unchanged=f"Pool {pool.name} XML configuration not changed.",
        edited=lambda made: f"Pool {made.name} XML configuration edited.",
    )
    edit_xml(ctx, edit)


def _definition(ctx: "Session", pool: "StoragePoolRef") -> str:
    """Return the XML to edit; a driver that has only one kind of it refuses to choose."""
    try:
        return ctx.driver.storage_pool_get_xml_desc(pool, c.STORAGE_XML_INACTIVE)
    except VirError as error:
        if error.code != INVALID_ARG:
            raise
        return ctx.driver.storage_pool_get_xml_desc(pool)


# -- what could become one -------------------------------------------------------------------------


@TABLE.command("pool-capabilities", "show which types of pools the driver knows, as XML")
def pool_capabilities(ctx: "Session", args: "Args") -> None:
    with ctx.failing("failed to get storage pool capabilities"):
        capabilities = ctx.driver.connect_get_storage_pool_capabilities()
    # virsh ends it with a line of its own.
    ctx.out.xml(capabilities + "\n")


@TABLE.command(
    "find-storage-pool-sources",
    "look for storage that could become a pool, as XML says",
    options=(TYPE, text("srcSpec", "file with the XML of where to look", "file-path", fills=True)),
)
def find_storage_pool_sources(ctx: "Session", args: "Args") -> None:
    path = args.srcSpec
    _find(ctx, args, files.read(path) if path is not None else None)


@TABLE.command(
    "find-storage-pool-sources-as",
    "look for storage that could become a pool",
    options=(
        TYPE,
        text("host", "host to ask", "none", fills=True),
        text("port", "port to ask at", "none", fills=True),
        text("initiator", "IQN to ask an iSCSI target with", "none", fills=True),
    ),
)
def find_storage_pool_sources_as(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands.poolxml import source_xml

    _find(ctx, args, source_xml(args))


def _find(ctx: "Session", args: "Args", where: "str | None") -> None:
    with ctx.failing(f"Failed to find any {args.type} pool sources"):
        ctx.out.xml(ctx.driver.connect_find_storage_pool_sources(args.type, where))
