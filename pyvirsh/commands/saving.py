"""A domain's memory on disk: save and restore, saved states kept by the driver, core dumps."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.api import PARAM_INT, PARAM_STRING
from pyvirsh.commands import files, params, xpath
from pyvirsh.commands.options import DOMAIN_ACTIVE, WRAP, XPATH, domain
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, exclusive, flag, number, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")

DOMAIN_SAVED = domain("managedsave")
STATE_FILE = word("file", "file with the saved state", "file-path")
NEW_FILE = word("file", "file to write", "file-path:new")
BYPASS_CACHE = flag("bypass-cache", "keep it out of the host's cache")
CHANNELS = number("parallel-channels", "how many channels move memory at once")
RUNNING = flag("running", "let the domain run when it is restored")
PAUSED = flag("paused", "let the domain wait with its CPUs stopped when it is restored")
OTHER_XML = text("xml", "file with changed XML for the restored domain", "file-path", fills=True)
VERBOSE = flag("verbose", "show how far it is")
SECURITY_INFO = flag("security-info", "with passwords and the like")
RUNNING_OR_PAUSED = (exclusive("running", "paused"),)


def state_flags(args: "Args", *others: "tuple[str, int]") -> int:
    """Return the flags of --running, --paused and `others`."""
    known = (("running", c.DOMAIN_SAVE_RUNNING), ("paused", c.DOMAIN_SAVE_PAUSED), *others)
    return sum(number for name, number in known if args[name])


CACHE = ("bypass-cache", c.DOMAIN_SAVE_BYPASS_CACHE)
NVRAM = ("reset-nvram", c.DOMAIN_SAVE_RESET_NVRAM)


# -- to a file of one's own ------------------------------------------------------------------------


@TABLE.command(
    "save",
    "stop a domain and save its memory to a file",
    options=(
        DOMAIN_ACTIVE,
        NEW_FILE,
        BYPASS_CACHE,
        CHANNELS,
        text("image-format", "how the file is written", "enum:raw,gzip,bzip2,xz,lzop,zstd,sparse"),
        OTHER_XML,
        RUNNING,
        PAUSED,
        VERBOSE,
    ),
)
def save(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.progress import Job, run

    dom, name = ctx.domain(args.domain), args.domain
    path, changed = args.file, args.xml
    target, flags = files.absolute(path), state_flags(args, CACHE)
    extra = params.typed(args, SAVE_PARAMS)
    xml = files.read(changed) if changed else None

    def work() -> None:
        if extra:
            given = [*extra, ("file", PARAM_STRING, target)]
            ctx.driver.domain_save_params(
                dom, given + ([("dxml", PARAM_STRING, xml)] if xml is not None else []), flags
            )
        elif flags or xml is not None:
            ctx.driver.domain_save_flags(dom, target, xml, flags)
        else:
            ctx.driver.domain_save(dom, target)

    with ctx.failing(f"Failed to save domain '{name}' to {path}"):
        run(ctx, dom, Job("Save", verbose=args.verbose), work)
    ctx.out.note(f"\nDomain '{name}' saved to {path}")


SAVE_PARAMS = (
    ("parallel-channels", "parallel.channels", PARAM_INT),
    ("image-format", "image_format", PARAM_STRING),
)


@TABLE.command(
    "restore",
    "let a domain go on from a file that save has written",
    options=(
        STATE_FILE,
        BYPASS_CACHE,
        CHANNELS,
        OTHER_XML,
        RUNNING,
        PAUSED,
        flag("reset-nvram", "begin with a fresh copy of the firmware's variables"),
    ),
)
def restore(ctx: "Session", args: "Args") -> None:
    path, changed = args.file, args.xml
    source, flags = files.absolute(path), state_flags(args, CACHE, NVRAM)
    xml = files.read(changed) if changed else None
    extra = params.typed(args, SAVE_PARAMS[:1])
    with ctx.failing(f"Failed to restore domain from {path}"):
        if extra:
            given = [*extra, ("file", PARAM_STRING, source)]
            ctx.driver.domain_restore_params(
                given + ([("dxml", PARAM_STRING, xml)] if xml is not None else []), flags
            )
        elif flags or xml is not None:
            ctx.driver.domain_restore_flags(source, xml, flags)
        else:
            ctx.driver.domain_restore(source)
    ctx.out.note(f"Domain restored from {path}")


@TABLE.command(
    "save-image-dumpxml",
    "show the XML in a file that save has written",
    options=(STATE_FILE, SECURITY_INFO, XPATH, WRAP),
)
def save_image_dumpxml(ctx: "Session", args: "Args") -> None:
    source = files.absolute(args.file)
    flags = c.DOMAIN_SAVE_IMAGE_XML_SECURE if args.security_info else 0
    xpath.show(ctx, args, lambda: ctx.driver.domain_save_image_get_xml_desc(source, flags))


@TABLE.command(
    "save-image-define",
    "change the XML in a file that save has written",
    options=(STATE_FILE, word("xml", "file with the changed XML", "file-path"), RUNNING, PAUSED),
)
def save_image_define(ctx: "Session", args: "Args") -> None:
    path = args.file
    xml = files.read(args.xml)
    with ctx.failing(f"Failed to update {path}"):
        ctx.driver.domain_save_image_define_xml(files.absolute(path), xml, state_flags(args))
    ctx.out.note(f"State file {path} updated.")


@TABLE.command(
    "save-image-edit",
    "edit the XML in a file that save has written",
    options=(STATE_FILE, RUNNING, PAUSED),
    rules=RUNNING_OR_PAUSED,
)
def save_image_edit(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.editing import Edit, edit_xml

    path, flags = args.file, state_flags(args)
    target = files.absolute(path)
    edit_xml(
        ctx,
        Edit(
            fetch=lambda: ctx.driver.domain_save_image_get_xml_desc(target, c.DOMAIN_SAVE_IMAGE_XML_SECURE),
            apply=lambda xml: ctx.driver.domain_save_image_define_xml(target, xml, flags),
            unchanged=f"Saved image {path} XML configuration not changed.",
            edited=f"State file {path} edited.",
        ),
    )


# -- kept by the driver ----------------------------------------------------------------------------


@TABLE.command(
    "managedsave",
    "stop a domain and save its memory where its next start finds it",
    options=(DOMAIN_ACTIVE, BYPASS_CACHE, RUNNING, PAUSED, VERBOSE),
)
def managedsave(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.progress import Job, run

    dom, name = ctx.domain(args.domain), args.domain
    flags = state_flags(args, CACHE)
    with ctx.failing(f"Failed to save domain '{name}' state"):
        run(
            ctx,
            dom,
            Job("Managedsave", verbose=args.verbose),
            lambda: ctx.driver.domain_managed_save(dom, flags),
        )
    ctx.out.note(f"\nDomain '{name}' state saved by libvirt")


@TABLE.command("managedsave-remove", "drop a domain's saved state", options=(DOMAIN_SAVED,))
def managedsave_remove(ctx: "Session", args: "Args") -> None:
    dom, name = ctx.domain(args.domain), args.domain
    with ctx.failing("Failed to check for domain managed save image"):
        saved = ctx.driver.domain_has_managed_save_image(dom)
    if not saved:
        ctx.out.raw_note(f"Domain '{name}' has no manage save image; removal skipped")
        return
    with ctx.failing(f"Failed to remove managed save image for domain '{name}'"):
        ctx.driver.domain_managed_save_remove(dom)
    ctx.out.raw_note(f"Removed managedsave image for domain '{name}'")


@TABLE.command(
    "managedsave-dumpxml",
    "show the XML in a domain's saved state",
    options=(DOMAIN_SAVED, SECURITY_INFO, XPATH, WRAP),
)
def managedsave_dumpxml(ctx: "Session", args: "Args") -> None:
    flags = c.DOMAIN_SAVE_IMAGE_XML_SECURE if args.security_info else 0
    dom = ctx.domain(args.domain)
    xpath.show(ctx, args, lambda: ctx.driver.domain_managed_save_get_xml_desc(dom, flags))


@TABLE.command(
    "managedsave-define",
    "change the XML in a domain's saved state",
    options=(DOMAIN_SAVED, word("xml", "file with the changed XML", "file-path"), RUNNING, PAUSED),
    rules=RUNNING_OR_PAUSED,
)
def managedsave_define(ctx: "Session", args: "Args") -> None:
    xml = files.read(args.xml)
    dom = ctx.domain(args.domain)
    with ctx.failing(f"Failed to update {dom.name} XML configuration"):
        ctx.driver.domain_managed_save_define_xml(dom, xml, state_flags(args))
    ctx.out.note(f"Managed save state file of domain '{dom.name}' updated.")


@TABLE.command(
    "managedsave-edit",
    "edit the XML in a domain's saved state",
    options=(DOMAIN_SAVED, RUNNING, PAUSED),
    rules=RUNNING_OR_PAUSED,
)
def managedsave_edit(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.editing import Edit, edit_xml

    dom, flags = ctx.domain(args.domain), state_flags(args)
    edit_xml(
        ctx,
        Edit(
            fetch=lambda: ctx.driver.domain_managed_save_get_xml_desc(dom, c.DOMAIN_SAVE_IMAGE_XML_SECURE),
            apply=lambda xml: ctx.driver.domain_managed_save_define_xml(dom, xml, flags),
            unchanged=f"Managed save image of domain '{dom.name}' XML configuration not changed.",
            edited=f"Managed save image of Domain '{dom.name}' XML configuration edited.",
        ),
    )


# -- core dumps ------------------------------------------------------------------------------------

FORMATS = {
    "kdump-zlib": c.DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB,
    "kdump-lzo": c.DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO,
    "kdump-snappy": c.DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY,
    "win-dmp": c.DOMAIN_CORE_DUMP_FORMAT_WIN_DMP,
    "elf": c.DOMAIN_CORE_DUMP_FORMAT_RAW,
}
DUMP_FLAGS = {
    "live": c.DUMP_LIVE,
    "crash": c.DUMP_CRASH,
    "bypass-cache": c.DUMP_BYPASS_CACHE,
    "reset": c.DUMP_RESET,
    "memory-only": c.DUMP_MEMORY_ONLY,
}


@TABLE.command(
    "dump",
    "write a domain's memory to a file for analysis",
    options=(
        DOMAIN_ACTIVE,
        NEW_FILE,
        flag("live", "let the domain run meanwhile"),
        flag("crash", "crash the domain afterwards"),
        BYPASS_CACHE,
        flag("reset", "reset the domain afterwards"),
        VERBOSE,
        flag("memory-only", "only its memory and CPUs, in a format that debuggers read"),
        text(
            "format",
            "format of a memory-only dump",
            "enum:elf,kdump-zlib,kdump-lzo,kdump-snappy,win-dmp",
            fills=True,
        ),
    ),
)
def dump(ctx: "Session", args: "Args") -> None:
    from pyvirsh.shell.progress import Job, run

    dom, name = ctx.domain(args.domain), args.domain
    path = args.file
    target, flags = files.absolute(path), sum(number for name, number in DUMP_FLAGS.items() if args[name])
    dump_format = _dump_format(args)

    def work() -> None:
        if dump_format:
            ctx.driver.domain_core_dump_with_format(dom, target, dump_format, flags)
        else:
            ctx.driver.domain_core_dump(dom, target, flags)

    with ctx.failing(f"Failed to core dump domain '{name}' to {path}"):
        run(ctx, dom, Job("Dump", verbose=args.verbose), work)
    ctx.out.note(f"\nDomain '{name}' dumped to {path}")


def _dump_format(args: "Args") -> int:
    if not args.given("format"):
        return c.DOMAIN_CORE_DUMP_FORMAT_RAW
    if not args.memory_only:
        raise CommandFailed("--format only works with --memory-only")
    name = args.format
    if name not in FORMATS:
        first, last = list(FORMATS)[:-1], list(FORMATS)[-1]
        known = ", ".join(f"'{known}'" for known in first) + f" or '{last}'"
        raise CommandFailed(f"format '{name}' is not supported, expecting {known}")
    return FORMATS[name]
