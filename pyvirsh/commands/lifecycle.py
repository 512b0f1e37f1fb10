"""Domains from definition to end: define, create, start, stop, undefine."""

from pyvirsh.backend import constants as c
from pyvirsh.backend.errors import INVALID_ARG, NO_SUPPORT, VirError
from pyvirsh.commands import files
from pyvirsh.commands.options import AFFECTED, AFFECTED_RULES, DOMAIN_ACTIVE, FILE, VALIDATE, affected, domain
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import ULONG_MAX
from pyvirsh.spec import Table, alias, exclusive, flag, number, requires, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import DomainRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")

PASS_FDS = text(
    "pass-fds", "file descriptors to hand to the guest's init, with commas between", "none", fills=True
)
CONSOLE = flag("console", "connect to its console right away")
AUTODESTROY = flag("autodestroy", "stop it when this connection ends")
RESET_NVRAM = flag("reset-nvram", "begin with a fresh copy of the firmware's variables")


def flags_of(args: "Args", numbers: "dict[str, int]") -> int:
    """Return the flags that the given options stand for."""
    return sum(number for name, number in numbers.items() if args[name])


@TABLE.command("define", "define a domain from XML, or change its definition", options=(FILE, VALIDATE))
def define(ctx: "Session", args: "Args") -> None:
    path = args.file
    xml = files.read(path)
    with ctx.failing(f"Failed to define domain from {path}"):
        if args.validate:
            dom = ctx.driver.domain_define_xml_flags(xml, c.DOMAIN_DEFINE_VALIDATE)
        else:
            dom = ctx.driver.domain_define_xml(xml)
    ctx.out.note(f"Domain '{dom.name}' defined from {path}")


@TABLE.command(
    "create",
    "start a domain from XML that is gone when it stops",
    options=(
        FILE,
        CONSOLE,
        flag("paused", "create it with its CPUs stopped"),
        AUTODESTROY,
        PASS_FDS,
        VALIDATE,
        RESET_NVRAM,
    ),
)
def create(ctx: "Session", args: "Args") -> None:
    path = args.file
    xml = files.read(path)
    fds = files.descriptors(args)
    flags = flags_of(args, START_FLAGS | {"validate": c.DOMAIN_START_VALIDATE})
    if _waits_for_console(args):
        flags |= c.DOMAIN_START_PAUSED
    with ctx.failing(f"Failed to create domain from {path}"):
        if fds:
            dom = ctx.driver.domain_create_xml_with_files(xml, fds, flags)
        else:
            dom = ctx.driver.domain_create_xml(xml, flags)
    ctx.out.note(f"Domain '{dom.name}' created from {path}")
    if args.console:
        # The domain is there, so the command has not failed if its console cannot be opened.
        try:
            _attach_console(ctx, args, dom)
        except CommandFailed as error:
            ctx.out.error(error.texts[0])
        except VirError as error:
            ctx.out.library_error(error)


@TABLE.command(
    "start",
    "boot a defined domain that is shut off",
    options=(
        domain("shutoff"),
        CONSOLE,
        flag("paused", "start it with its CPUs stopped"),
        AUTODESTROY,
        flag("bypass-cache", "keep a saved state out of the host's cache while reading it"),
        flag("force-boot", "boot afresh, dropping a saved state"),
        PASS_FDS,
        RESET_NVRAM,
    ),
)
def start(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain, by="uuid name")
    if dom.id != -1:
        raise CommandFailed("Domain is already active")
    fds = files.descriptors(args)
    flags = flags_of(
        args,
        START_FLAGS | {"bypass-cache": c.DOMAIN_START_BYPASS_CACHE, "force-boot": c.DOMAIN_START_FORCE_BOOT},
    )
    if _waits_for_console(args):
        flags |= c.DOMAIN_START_PAUSED
    with ctx.failing(f"Failed to start domain '{dom.name}'"):
        dom = _boot(ctx, dom, fds, flags)
    ctx.out.note(f"Domain '{dom.name}' started")
    if args.console:
        _attach_console(ctx, args, dom)


START_FLAGS = {
    "paused": c.DOMAIN_START_PAUSED,
    "autodestroy": c.DOMAIN_START_AUTODESTROY,
    "reset-nvram": c.DOMAIN_START_RESET_NVRAM,
}


def _boot(ctx: "Session", dom: "DomainRef", fds: "list[int]", flags: int) -> "DomainRef":
    """Start a domain; where the driver cannot drop a saved state while starting, drop it first."""
    driver = ctx.driver
    try:
        if fds:
            return driver.domain_create_with_files(dom, fds, flags)
        if flags:
            return driver.domain_create_with_flags(dom, flags)
    except VirError as error:
        if not flags & c.DOMAIN_START_FORCE_BOOT:
            raise
        if error.code not in (NO_SUPPORT, INVALID_ARG):
            # virsh says no more than the driver here.
            raise CommandFailed(error.text) from error
        if _has_saved_state(ctx, dom):
            driver.domain_managed_save_remove(dom)
        return _boot(ctx, dom, fds, flags & ~c.DOMAIN_START_FORCE_BOOT)
    driver.domain_create(dom)
    return dom


def _has_saved_state(ctx: "Session", dom: "DomainRef") -> bool:
    try:
        return ctx.driver.domain_has_managed_save_image(dom)
    except VirError:
        # As virsh: what cannot be known is none.
        return False


def _waits_for_console(args: "Args") -> bool:
    """Say whether the guest starts with its CPUs stopped, so that its console misses nothing."""
    if not args.console:
        return False
    from pyvirsh.shell import relay

    return relay.has_input()


def _attach_console(ctx: "Session", args: "Args", dom: "DomainRef") -> None:
    """Open the console of a guest just started and let it run."""
    from pyvirsh.commands import console

    console.connect(ctx, dom, resume=not args.paused)


@TABLE.command(
    "destroy",
    "stop a domain at once, as if its power cord were pulled",
    options=(
        DOMAIN_ACTIVE,
        flag("graceful", "give up rather than kill it when it does not react"),
        flag("remove-logs", "remove its log files too"),
    ),
)
def destroy(ctx: "Session", args: "Args") -> None:
    dom, name = ctx.domain(args.domain), args.domain
    flags = flags_of(
        args, {"graceful": c.DOMAIN_DESTROY_GRACEFUL, "remove-logs": c.DOMAIN_DESTROY_REMOVE_LOGS}
    )
    with ctx.failing(f"Failed to destroy domain '{name}'"):
        if flags:
            ctx.driver.domain_destroy_flags(dom, flags)
        else:
            ctx.driver.domain_destroy(dom)
    ctx.out.note(f"Domain '{name}' destroyed")


MODES = ("acpi", "agent", "initctl", "signal", "paravirt")
MODE = word("mode", "how to ask it, in order: acpi, agent, initctl, signal, paravirt", required=False)
MODE.completes = "enum-list:" + ",".join(MODES)


def _modes(args: "Args", last: str) -> int:
    """Return the flags of ``--mode``; `last` is what stands before the last of the names in the error."""
    flags = 0
    mode = args.mode
    for name in mode.split(",") if mode else ():
        if name not in MODES:
            known = ", ".join(f"'{known}'" for known in MODES[:-1]) + f"{last} '{MODES[-1]}'"
            raise CommandFailed(f"Unknown mode {name} value, expecting {known}")
        flags |= 1 << MODES.index(name)
    return flags


@TABLE.command("shutdown", "ask a domain to shut down", options=(DOMAIN_ACTIVE, MODE))
def shutdown(ctx: "Session", args: "Args") -> None:
    flags = _modes(args, ", or")
    dom, name = ctx.domain(args.domain), args.domain
    with ctx.failing(f"Failed to shutdown domain '{name}'"):
        if flags:
            ctx.driver.domain_shutdown_flags(dom, flags)
        else:
            ctx.driver.domain_shutdown(dom)
    ctx.out.note(f"Domain '{name}' is being shutdown")


@TABLE.command("reboot", "ask a domain to reboot", options=(DOMAIN_ACTIVE, MODE))
def reboot(ctx: "Session", args: "Args") -> None:
    flags = _modes(args, " or")
    dom, name = ctx.domain(args.domain), args.domain
    with ctx.failing(f"Failed to reboot domain '{name}'"):
        ctx.driver.domain_reboot(dom, flags)
    ctx.out.note(f"Domain '{name}' is being rebooted")


@TABLE.command(
    "reset", "restart a domain at once, as if its reset button were pushed", options=(DOMAIN_ACTIVE,)
)
def reset(ctx: "Session", args: "Args") -> None:
    dom, name = ctx.domain(args.domain), args.domain
    with ctx.failing(f"Failed to reset domain '{name}'"):
        ctx.driver.domain_reset(dom)
    ctx.out.note(f"Domain '{name}' was reset")


@TABLE.command("suspend", "stop a domain's CPUs, keeping it in memory", options=(domain("running"),))
def suspend(ctx: "Session", args: "Args") -> None:
    dom, name = ctx.domain(args.domain), args.domain
    with ctx.failing(f"Failed to suspend domain '{name}'"):
        ctx.driver.domain_suspend(dom)
    ctx.out.note(f"Domain '{name}' suspended")


@TABLE.command("resume", "let a suspended domain run again", options=(domain("paused"),))
def resume(ctx: "Session", args: "Args") -> None:
    dom, name = ctx.domain(args.domain), args.domain
    with ctx.failing(f"Failed to resume domain '{name}'"):
        ctx.driver.domain_resume(dom)
    ctx.out.note(f"Domain '{name}' resumed")


SLEEPS = ("mem", "disk", "hybrid")


@TABLE.command(
    "dompmsuspend",
    "put the guest's system to sleep by its own means",
    options=(
        domain("running"),
        word("target", "how: mem (S3), disk (S4) or hybrid", "enum:" + ",".join(SLEEPS)),
        number("duration", "seconds after which to wake it"),
    ),
)
def dompmsuspend(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    duration = args.unsigned("duration", high=ULONG_MAX)
    target = args.target
    if target not in SLEEPS:
        raise CommandFailed("Invalid target")
    with ctx.failing(f"Domain '{dom.name}' could not be suspended"):
        ctx.driver.domain_pm_suspend_for_duration(dom, SLEEPS.index(target), duration)
    ctx.out.raw_note(f"Domain '{dom.name}' successfully suspended")


@TABLE.command("dompmwakeup", "wake a guest whose system sleeps", options=(domain("other"),))
def dompmwakeup(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    with ctx.failing(f"Domain '{dom.name}' could not be woken up"):
        ctx.driver.domain_pm_wakeup(dom)
    ctx.out.raw_note(f"Domain '{dom.name}' successfully woken up")


@TABLE.command(
    "domrename",
    "give a domain that does not run another name",
    options=(domain("inactive"), word("new-name", "the name it gets", "none")),
)
def domrename(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    ctx.driver.domain_rename(dom, args.new_name)
    ctx.out.note("Domain successfully renamed")


@TABLE.command(
    "autostart",
    "start a domain with the host, or no longer",
    options=(
        domain("persistent"),
        flag("disable", "no longer start it"),
        flag("once", "only when the host starts the next time"),
    ),
)
def autostart(ctx: "Session", args: "Args") -> None:
    dom, name = ctx.domain(args.domain), args.domain
    verb = "unmark" if args.disable else "mark"
    when = " on next boot" if args.once else ""
    with ctx.failing(f"Failed to {verb} domain '{name}' as autostarted{when}"):
        if args.once:
            ctx.driver.domain_set_autostart_once(dom, int(not args.disable))
        else:
            ctx.driver.domain_set_autostart(dom, int(not args.disable))
    ctx.out.note(f"Domain '{name}' {verb}ed as autostarted{when}")


OCCASIONS = ("poweroff", "reboot", "crash")
ACTIONS = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")


@TABLE.command(
    "set-lifecycle-action",
    "change what happens when the guest powers off, reboots or crashes",
    options=(
        domain(),
        word("type", "the occasion: poweroff, reboot or crash", "enum:" + ",".join(OCCASIONS)),
        word("action", "what then happens", "enum:" + ",".join(ACTIONS)),
        *AFFECTED,
    ),
    rules=AFFECTED_RULES,
)
def set_lifecycle_action(ctx: "Session", args: "Args") -> None:
    occasion, action = args.type, args.action
    if occasion not in OCCASIONS:
        raise CommandFailed(f"Invalid lifecycle type '{occasion}'.")
    if action not in ACTIONS:
        raise CommandFailed(f"Invalid lifecycle action '{action}'.")
    dom = ctx.domain(args.domain)
    with ctx.failing("Unable to change lifecycle action."):
        ctx.driver.domain_set_lifecycle_action(
            dom, OCCASIONS.index(occasion), ACTIONS.index(action), affected(args)
        )


@TABLE.command(
    "undefine",
    "remove a domain's definition",
    options=(
        domain("persistent"),
        flag("managed-save", "with its saved state"),
        text(
            "storage",
            "with these volumes: disks by target or source, with commas between",
            "disk-target-list",
            fills=True,
        ),
        flag("remove-all-storage", "with the volumes of all its disks; there is no way back"),
        alias("delete-snapshots", "delete-storage-volume-snapshots"),
        flag("delete-storage-volume-snapshots", "with the snapshots inside those volumes"),
        flag("wipe-storage", "overwrite the volumes first"),
        flag("snapshots-metadata", "with all that is known about its snapshots"),
        flag("checkpoints-metadata", "with all that is known about its checkpoints"),
        flag("nvram", "with the file of its firmware's variables"),
        flag("keep-nvram", "without the file of its firmware's variables"),
        flag("tpm", "with the state of its TPM"),
        flag("keep-tpm", "without the state of its TPM"),
    ),
    rules=(
        requires("delete-storage-volume-snapshots", "remove-all-storage"),
        exclusive("nvram", "keep-nvram"),
        exclusive("tpm", "keep-tpm"),
    ),
)
def undefine(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands import undefining

    undefining.run(ctx, args)
