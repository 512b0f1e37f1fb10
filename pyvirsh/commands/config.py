"""Domain definitions: show, edit, convert; title, description and other metadata."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_STRING, PARAM_ULLONG
from pyvirsh.backend.errors import NO_DOMAIN_METADATA, NO_SUPPORT, VirError
from pyvirsh.commands import files, params, xpath
from pyvirsh.commands.options import AFFECTED_RULES, CONFIG, CURRENT, DOMAIN, LIVE, WRAP, XPATH, affected
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import ULONG_MAX
from pyvirsh.spec import Table, exclusive, flag, number, text, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef, TypedParam
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")


@TABLE.command(
    "dumpxml",
    "show a domain's XML",
    options=(
        DOMAIN,
        flag("inactive", "what holds from the next boot on"),
        flag("security-info", "with passwords and the like"),
        flag("update-cpu", "with the CPU worked out for this host"),
        flag("migratable", "as another, maybe older, host can take it"),
        XPATH,
        WRAP,
    ),
)
def dumpxml(ctx: "Session", args: "Args") -> None:
    flags = sum(number for name, number in XML_FLAGS.items() if args[name])
    dom = ctx.domain(args.domain)
    xpath.show(ctx, args, lambda: ctx.driver.domain_get_xml_desc(dom, flags))


XML_FLAGS = {
    "inactive": c.DOMAIN_XML_INACTIVE,
    "security-info": c.DOMAIN_XML_SECURE,
    "update-cpu": c.DOMAIN_XML_UPDATE_CPU,
    "migratable": c.DOMAIN_XML_MIGRATABLE,
}


@TABLE.command(
    "edit",
    "edit a domain's XML with your editor",
    options=(DOMAIN, flag("skip-validate", "do not check the result against the schema")),
)
def edit(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.editing import Edit, edit_xml

    dom = ctx.domain(args.domain)
    driver = ctx.driver

    def define(xml: str) -> "DomainRef":
        return driver.domain_define_xml(xml)

    def define_valid(xml: str) -> "DomainRef":
        return driver.domain_define_xml_flags(xml, c.DOMAIN_DEFINE_VALIDATE)

    edit_xml(
        ctx,
        Edit(
            fetch=lambda: driver.domain_get_xml_desc(dom, c.DOMAIN_XML_SECURE | c.DOMAIN_XML_INACTIVE),
            apply=define if args.skip_validate else define_valid,
            apply_unvalidated=None if args.skip_validate else define,
            unchanged=f"Domain '{dom.name}' XML configuration not changed.",
            edited=lambda defined: f"Domain '{defined.name}' XML configuration edited.",
        ),
    )


# -- other forms -----------------------------------------------------------------------------------

FORMAT = word("format", "the format: qemu-argv, lxc-tools, xen-xl, ...", "domxml-native-format")


@TABLE.command(
    "domxml-from-native",
    "make XML of a hypervisor's own configuration",
    options=(FORMAT, word("config", "file with that configuration", "file-path")),
)
def domxml_from_native(ctx: "Session", args: "Args") -> None:
    native_format = args.format
    ctx.out.xml(ctx.driver.connect_domain_xml_from_native(native_format, files.read(args.config)))


@TABLE.command(
    "domxml-to-native",
    "make a hypervisor's own configuration of XML",
    options=(
        FORMAT,
        text("domain", "name, id or UUID of a domain", "domain"),
        text("xml", "file with XML instead of a domain", "file-path", fills=True),
    ),
    rules=(exclusive("domain", "xml"),),
)
def domxml_to_native(ctx: "Session", args: "Args") -> None:
    native_format, name, path = args.format, args.domain, args.xml
    if name:
        document = ctx.driver.domain_get_xml_desc(ctx.domain(name))
    elif path:
        document = files.read(path)
    else:
        raise CommandFailed("need either domain or domain XML")
    native = ctx.driver.connect_domain_xml_to_native(native_format, document)
    ctx.out.data({"format": native_format, "config": native}, native)


# -- metadata --------------------------------------------------------------------------------------


@TABLE.command(
    "desc",
    "show or change a domain's description or title",
    options=(
        DOMAIN,
        LIVE,
        CONFIG,
        CURRENT,
        flag("title", "the title instead of the description"),
        flag("edit", "edit it with your editor"),
        words("new-desc", "what it becomes", "none"),
    ),
    rules=AFFECTED_RULES,
)
def desc(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    kind = "title" if args.title else "description"
    type = c.DOMAIN_METADATA_TITLE if args.title else c.DOMAIN_METADATA_DESCRIPTION
    present = stored(ctx, dom, type, None, c.DOMAIN_AFFECT_CONFIG if args.config else 0)
    new = " ".join(args.new_desc)
    if args.edit:
        from pyvirsh.shell.editing import edit_text

        new = edit_text(ctx, new if args.given("new-desc") else present).removesuffix("\n")
        if new == present:
            ctx.out.note(f"Domain {kind} not changed")
            return
    elif not args.given("new-desc"):
        # virsh ends it with no newline of its own.
        ctx.out.data({kind: present or None}, present)
        if not present:
            ctx.out.raw_note(f"No {kind} for domain: {dom.name}")
        return
    with ctx.failing(f"Failed to set new domain {kind}"):
        ctx.driver.domain_set_metadata(dom, type, new, None, None, affected(args))
    ctx.out.raw_note(f"Domain {kind} updated successfully")


def stored(ctx: "Session", dom: "DomainRef", type: int, uri: "str | None", flags: int) -> str:
    """Return a domain's title, description or metadata element; "" when it has none."""
    try:
        return ctx.driver.domain_get_metadata(dom, type, uri, flags)
    except VirError as error:
        if error.code == NO_SUPPORT and type in IN_XML:
            return described_in_xml(ctx, dom, type, flags)
        if error.code != NO_DOMAIN_METADATA:
            raise
        return ""


IN_XML = {c.DOMAIN_METADATA_TITLE: "title", c.DOMAIN_METADATA_DESCRIPTION: "description"}


def described_in_xml(ctx: "Session", dom: "DomainRef", type: int, flags: int = 0) -> str:
    """Return a domain's title or description where the driver has no call for them."""
    from pyvirsh.backend.conf import xml

    inactive = c.DOMAIN_XML_INACTIVE if flags & c.DOMAIN_AFFECT_CONFIG else 0
    return xml.parse(ctx.driver.domain_get_xml_desc(dom, inactive)).findtext(IN_XML[type]) or ""


@TABLE.command(
    "metadata",
    "show or change the XML that an application keeps with a domain",
    options=(
        DOMAIN,
        word("uri", "XML namespace of the application"),
        LIVE,
        CONFIG,
        CURRENT,
        flag("edit", "edit it with your editor"),
        text("key", "prefix that the namespace gets in the domain's XML", fills=True),
        text("set", "XML element that it becomes", "none", fills=True),
        flag("remove", "remove it"),
    ),
    rules=(
        *AFFECTED_RULES,
        exclusive("edit", "set"),
        exclusive("remove", "set"),
        exclusive("remove", "edit"),
    ),
)
def metadata(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    uri, key, new = args.uri, args.key, args.set
    flags = affected(args)
    if (new or args.edit) and not key:
        raise CommandFailed("namespace key is required when modifying metadata")

    def put(element: "str | None") -> None:
        ctx.driver.domain_set_metadata(dom, c.DOMAIN_METADATA_ELEMENT, element, key, uri, flags)

    if args.remove or new:
        put(None if args.remove else new)
        ctx.out.note("Metadata removed" if args.remove else "Metadata modified")
    elif args.edit:
        from pyvirsh.shell.editing import Edit, edit_xml

        edit_xml(
            ctx,
            Edit(
                fetch=lambda: stored(ctx, dom, c.DOMAIN_METADATA_ELEMENT, uri, flags) or "\n",
                apply=put,
                unchanged="Metadata not changed",
                edited="Metadata modified\n",
                line_notes=False,
            ),
        )
    elif element := stored(ctx, dom, c.DOMAIN_METADATA_ELEMENT, uri, flags):
        ctx.out.xml(element + "\n")
    else:
        ctx.out.data(None, "\n")


# -- launch security -------------------------------------------------------------------------------


@TABLE.command("domlaunchsecinfo", "show what is known about a domain's secured launch", options=(DOMAIN,))
def domlaunchsecinfo(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    with ctx.failing("Unable to get launch security parameters"):
        found = ctx.driver.domain_get_launch_security_info(dom)
    fields = [(param[0], param[0].replace("-", "_"), params.shown(param)) for param in found]
    ctx.out.fields(fields, colon=": ")


@TABLE.command(
    "domsetlaunchsecstate",
    "put a secret into a domain that was launched with its CPUs stopped",
    options=(
        DOMAIN,
        text("secrethdr", "file with the secret's header, in base64", "none"),
        text("secret", "file with the secret, in base64", "none"),
        number("set-address", "guest address to put it at", fills=True),
    ),
)
def domsetlaunchsecstate(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    header, secret = args.secrethdr, args.secret
    if not header or not secret:
        raise CommandFailed("Both secret and the secret header are required")
    state: list[TypedParam] = [
        ("sev-secret-header", PARAM_STRING, files.read(header, SECRET_MAX).removesuffix("\n")),
        ("sev-secret", PARAM_STRING, files.read(secret, SECRET_MAX).removesuffix("\n")),
    ]
    if args.given("set-address"):
        address = args.unsigned("set-address", high=ULONG_MAX)
        state.append(("sev-secret-set-address", PARAM_ULLONG, address))
    with ctx.failing("Unable to set launch security state"):
        ctx.driver.domain_set_launch_security_state(dom, state)


# What is read of a file with a secret at the most.
SECRET_MAX = 64 * 1024
