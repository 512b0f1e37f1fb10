"""QEMU directly: its monitor, the monitor's events, processes started by hand."""

import json

from pyvirsh.backend.errors import INTERNAL_ERROR, VirError
from pyvirsh.commands import files
from pyvirsh.commands.options import DOMAIN_ACTIVE
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, exclusive, flag, number, text, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyvirsh.backend.api import DomainRef, Event
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")

# virDomainQemuMonitorCommandFlags and virConnectDomainQemuMonitorEventRegisterFlags.
COMMAND_HMP = 1
EVENT_REGEX, EVENT_NO_CASE = 1, 2


@TABLE.command(
    "qemu-attach",
    "let the driver take over a QEMU process that somebody else has started",
    options=(word("pid", "the process's id", "none"),),
)
def qemu_attach(ctx: "Session", args: "Args") -> None:
    pid = args.unsigned("pid")
    with ctx.failing(f"Failed to attach to pid {pid}"):
        dom = ctx.driver.domain_attach(pid)
    ctx.out.note(f"Domain '{dom.name}' attached to pid {pid}")


@TABLE.command(
    "qemu-monitor-command",
    "send a command to QEMU's monitor, behind the driver's back",
    options=(
        DOMAIN_ACTIVE,
        flag("hmp", "a line for the human monitor instead of JSON"),
        flag("pretty", "lay the answer out in lines"),
        flag("return-value", "show only what the command returns"),
        text("pass-fds", "file descriptors to hand over, with commas between", "none"),
        words(
            "cmd",
            'JSON, or a command\'s name and its arguments as "name":value or one JSON object',
            "none",
            required=True,
        ),
    ),
    rules=(exclusive("hmp", "pretty"), exclusive("hmp", "return-value")),
)
def qemu_monitor_command(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    command = " ".join(args.cmd) if args.hmp else wrapped(args.cmd)
    flags = COMMAND_HMP if args.hmp else 0
    fds = files.descriptors(args)
    if fds:
        reply = ctx.driver.domain_monitor_command_with_files(dom, command, fds, flags)
    else:
        reply = ctx.driver.domain_monitor_command(dom, command, flags)
    if args.hmp:
        ctx.out.data({"return": reply}, reply + "\n")
        return
    value = _parse(reply) if args.return_value or args.pretty or ctx.out.structured else None
    if args.return_value:
        if not isinstance(value, dict) or "return" not in value:
            raise CommandFailed("'return' member missing")
        value = value["return"]
        ctx.out.data(value, pretty(value) if args.pretty else compact(value))
    else:
        ctx.out.data(value, pretty(value) if args.pretty else reply + "\n")


def wrapped(given: "list[str]") -> str:
    """Return what is sent to the monitor: JSON as it is; a name is put into a command with its arguments."""
    name, *rest = given
    if name.lstrip().startswith("{"):
        return " ".join(given)
    whole, members = " ".join(rest), "{" + ",".join(rest) + "}"
    if not rest:
        arguments = "{}"
    elif _is_object(whole):
        arguments = whole
    else:
        arguments = members
        try:
            json.loads(members)
        except json.JSONDecodeError as error:
            failure = f"failed to wrap arguments '{whole}' into a QMP command wrapper"
            raise CommandFailed(failure, _unreadable(error).text) from error
    return f'{{"execute":{compact(name)},"arguments":{arguments}}}'


def _is_object(document: str) -> bool:
    try:
        return isinstance(json.loads(document), dict)
    except json.JSONDecodeError:
        return False


def _parse(document: str) -> "Any":
    try:
        return json.loads(document)
    except json.JSONDecodeError as error:
        raise CommandFailed("failed to parse JSON returned by qemu", _unreadable(error).text) from error


# What Python says of bad JSON, and libvirt.
FAULTS = {
    "Expecting property name enclosed in double quotes": "quoted object property name expected",
    "Expecting value": "unexpected character",
    "Expecting ',' delimiter": "object value separator ',' expected",
    "Expecting ':' delimiter": "object property name separator ':' expected",
}


def _unreadable(error: "json.JSONDecodeError") -> VirError:
    return VirError(INTERNAL_ERROR, f"failed to parse JSON: {FAULTS.get(error.msg, error.msg)}")


def compact(value: "Any") -> str:
    """Write JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty(value: "Any", pad: str = "") -> str:
    """Write JSON a member a line, as libvirt does: what is empty takes two lines too."""
    inner = pad + "  "
    if isinstance(value, dict):
        lines = [f"{inner}{compact(key)}: {pretty(item, inner)}" for key, item in value.items()]
        return "\n".join(["{", ",\n".join(lines), pad + "}"] if lines else ["{", pad + "}"])
    if isinstance(value, list):
        lines = [inner + pretty(item, inner) for item in value]
        return "\n".join(["[", ",\n".join(lines), pad + "]"] if lines else ["[", pad + "]"])
    return compact(value)


@TABLE.command(
    "qemu-monitor-event",
    "show the events of QEMU's monitor",
    options=(
        text("domain", "only this domain's", "domain", fills=True),
        text("event", "only the events of this name", fills=True),
        flag("pretty", "lay their data out in lines"),
        flag("loop", "go on after the first event, until the time is over or ^C"),
        number("timeout", "seconds to wait at the most", fills=True),
        flag("regex", "the name is a regular expression"),
        flag("no-case", "the name's case does not count"),
        flag("timestamp", "write the time in front of each event"),
    ),
)
def qemu_monitor_event(ctx: "Session", args: "Args") -> None:
    from pyvirsh.commands.eventloop import Callbacks, timeout_of, wait

    flags = (EVENT_REGEX if args.regex else 0) | (EVENT_NO_CASE if args.no_case else 0)
    name, timeout = args.event, timeout_of(args)
    dom: DomainRef | None = ctx.domain(args.domain) if args.domain else None

    def show(event: "Event") -> "tuple[dict[str, object], str]":
        return _shown(event, args)

    with Callbacks(ctx.driver.connect_domain_monitor_event_deregister) as callbacks:
        callbacks.ids.append(ctx.driver.connect_domain_monitor_event_register(dom, name, flags))
        wait(ctx, args, timeout, callbacks.ids, show)


def _shown(event: "Event", args: "Args") -> "tuple[dict[str, object], str]":
    """Return an event as data and as text; with --timestamp the wait itself says when."""
    name, seconds, micros, details = event.values
    domain = getattr(event.ref, "name", "")
    value = _parse(str(details)) if details is not None else None
    # What is laid out ends with a newline of its own.
    shown = "<null>" if details is None else pretty(value) + "\n" if args.pretty else str(details)
    when = "" if args.timestamp else f" at {seconds}.{micros:06d}"
    data = {"event": name, "domain": domain, "seconds": seconds, "micros": micros, "details": value}
    return data, f"event {name}{when} for domain '{domain}': {shown}\n"
