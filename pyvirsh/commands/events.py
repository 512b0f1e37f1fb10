"""What happens to domains: event and await.

Source: virsh(1); lines measured on virsh 11.3.0, section 14 of `shell-semantics`.
"""

from typing import TYPE_CHECKING, Any

from pyvirsh.backend.errors import NO_DOMAIN, VirError
from pyvirsh.commands.eventloop import (
    INTERRUPTED,
    TIMED_OUT,
    UNSUPPORTED,
    Callbacks,
    Deadline,
    EventType,
    Kind,
    lifecycle,
    named,
    timeout_of,
    watch,
    word_of,
)
from pyvirsh.commands.options import DOMAIN, WATCH
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import STRING, Opt, Table, exclusive, flag, number, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyvirsh.backend.api import DomainRef
    from pyvirsh.commands.eventloop import Data
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Events", "events")

# -- the types ---------------------------------------------------------------------------------------

_LIFECYCLE = lifecycle(
    Defined=("Added", "Updated", "Renamed", "Snapshot"),
    Undefined=("Removed", "Renamed"),
    Started=("Booted", "Migrated", "Restored", "Snapshot", "Event wakeup"),
    Suspended=(
        "Paused",
        "Migrated",
        "I/O Error",
        "Watchdog",
        "Restored",
        "Snapshot",
        "API error",
        "Post-copy",
        "Post-copy Error",
    ),
    Resumed=("Unpaused", "Migrated", "Snapshot", "Post-copy", "Post-copy Error"),
    Stopped=("Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "Snapshot"),
    Shutdown=("Finished", "Finished after guest request", "Finished after host request"),
    PMSuspended=("Memory", "Disk"),
    Crashed=("Panicked", "Crashloaded"),
)

_WATCHDOG = ("none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi")
_IO_ERROR = ("none", "pause", "report")
_PHASES = ("connect", "initialize", "disconnect")
_FAMILIES = ("IPv4", "IPv6", "unix")
_JOBS = ("Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup")
_JOB_ENDS = ("completed", "failed", "canceled", "ready")
_METADATA = ("description", "title", "element")
# The numbers of an agent's or a channel's states begin at 1.
_CHANNEL_STATES = (UNSUPPORTED, "connected", "disconnected")
_CHANNEL_REASONS = ("unknown", "domain started", "channel event")


def _graphics(phase: int, local: "Any", remote: "Any", auth: str, subject: "Any") -> "Data":
    def address(value: "Any") -> "Data":
        family, node, service = value
        return {"family": word_of(_FAMILIES, family), "node": node, "service": service}

    return {
        "phase": word_of(_PHASES, phase),
        "local": address(local),
        "remote": address(remote),
        "auth": auth,
        "subject": [{"type": kind, "name": name} for kind, name in subject],
    }


def _graphics_text(data: "Any") -> str:
    places = [
        f"{side}[{data[side]['family']} {data[side]['node']} {data[side]['service']}]"
        for side in ("local", "remote")
    ]
    who = "".join(f"\n\t{entry['type']}={entry['name']}" for entry in data["subject"])
    return f": {data['phase']} {places[0]} {places[1]} {data['auth']}{who}"


def _block_job(path: str, kind: int, status: int) -> "Data":
    return {
        "path": path,
        "job": word_of(_JOBS, kind, _JOBS[0]),
        "status": word_of(_JOB_ENDS, status),
    }


def _params(params: "Any") -> "Data":
    return {"params": {name: value for name, _, value in params}}


def _params_text(data: "Any") -> str:
    lines = (
        f"\n\t{name}: {v:g}" if isinstance(v, float) else f"\n\t{name}: {v}"
        for name, v in data["params"].items()
    )
    return ":" + "".join(lines)


def _agent(state: int, reason: int) -> "Data":
    # 0 is a state without a name of libvirt's that virsh calls so.
    return {
        "state": "unknown" if state == 0 else word_of(_CHANNEL_STATES, state, UNSUPPORTED),
        "reason": word_of(_CHANNEL_REASONS, reason, UNSUPPORTED),
    }


def _channel(channel: str, state: int, reason: int) -> "Data":
    return {"channel": channel, **_agent(state, reason)}


def _memory_failure(recipient: int, action: int, flags: int) -> "Data":
    return {
        "recipient": word_of(("hypervisor", "guest"), recipient, UNSUPPORTED),
        "action": word_of(("ignore", "inject", "fatal", "reset"), action, UNSUPPORTED),
        "action_required": flags & 1,
        "recursive": flags >> 1 & 1,
    }


_BLOCK_JOB_TEXT = ": {job} for {path} {status}"
_ALIAS = named(alias=None)

DOMAIN_EVENTS = Kind(
    "domain",
    "domain '{name}'",
    "connect_domain_event_callback",
    (
        EventType("lifecycle", _LIFECYCLE, ": {change} {detail}"),
        EventType("reboot"),
        EventType("rtc-change", named(offset=None), ": {offset}"),
        EventType("watchdog", named(action=_WATCHDOG), ": {action}"),
        EventType("io-error", named(path=None, alias=None, action=_IO_ERROR), ": {path} ({alias}) {action}"),
        EventType("graphics", _graphics, _graphics_text),
        EventType(
            "io-error-reason",
            named(path=None, alias=None, action=_IO_ERROR, reason=None),
            ": {path} ({alias}) {action} due to {reason}",
            label="io-error",
        ),
        EventType("control-error"),
        EventType("block-job", _block_job, _BLOCK_JOB_TEXT),
        EventType(
            "disk-change",
            named(old=None, new=None, alias=None, reason=("changed", "dropped")),
            " disk {alias}: {old} -> {new}: {reason}",
        ),
        EventType("tray-change", named(alias=None, reason=("opened", "closed")), " disk {alias}: {reason}"),
        EventType("pm-wakeup"),
        EventType("pm-suspend"),
        EventType("balloon-change", named(memory_kib=None), ": {memory_kib}KiB"),
        EventType("pm-suspend-disk"),
        EventType("device-removed", _ALIAS, ": {alias}"),
        EventType("block-job-2", _block_job, _BLOCK_JOB_TEXT),
        EventType("tunable", _params, _params_text),
        EventType("agent-lifecycle", _agent, ": state: '{state}' reason: '{reason}'"),
        EventType("device-added", _ALIAS, ": {alias}"),
        EventType("migration-iteration", named(iteration=None), ": iteration: '{iteration}'"),
        EventType("job-completed", _params, _params_text),
        EventType("device-removal-failed", _ALIAS, ": {alias}"),
        EventType(
            "metadata-change", named(UNSUPPORTED, type=_METADATA, uri=None), ": type {type}, uri {uri}"
        ),
        EventType(
            "block-threshold",
            named(device=None, path=None, threshold=None, excess=None),
            ": dev: {device}({path}) {threshold} {excess}",
        ),
        EventType(
            "memory-failure",
            _memory_failure,
            ":\nrecipient: {recipient}\naction: {action}\n"
            "flags:\n\taction required: {action_required}\n\trecursive: {recursive}",
        ),
        EventType(
            "memory-device-size-change", named(alias=None, size=None), ":\nalias: {alias}\nsize: {size}"
        ),
        EventType(
            "nic-mac-change",
            named(alias=None, old_mac=None, new_mac=None),
            ":\nalias: {alias}\noldMAC: {old_mac}\nnewMAC: {new_mac}",
        ),
        EventType("vcpu-removed", named(vcpu=None), ": {vcpu}"),
        EventType(
            "channel-lifecycle", _channel, ": channel: '{channel}' state: '{state}' reason: '{reason}'"
        ),
    ),
)

EVENT_NAMES = ",".join(row.name for row in DOMAIN_EVENTS.types)


@TABLE.command(
    "event",
    "wait for something to happen to domains and show it",
    options=(
        text("domain", "only events of this domain", "domain", fills=True),
        text("event", "the type to wait for", f"enum:{EVENT_NAMES}", fills=True),
        flag("all", "wait for every type"),
        *WATCH,
    ),
    rules=(exclusive("all", "event"), exclusive("list", "all"), exclusive("list", "event")),
)
def event(ctx: "Session", args: "Args") -> None:
    watch(ctx, args, DOMAIN_EVENTS, ctx.domain, lenient=False)


# -- await -------------------------------------------------------------------------------------------

AGENT_CHANNEL = "org.qemu.guest_agent.0"


def _is_inactive(ctx: "Session", dom: "DomainRef") -> bool:
    try:
        return not ctx.driver.domain_is_active(dom)
    except VirError as error:
        # A transient domain is gone when it stops.
        if error.code != NO_DOMAIN:
            raise
        return True


def _has_agent(ctx: "Session", dom: "DomainRef") -> bool:
    from pyvirsh.backend.conf.xml import parse

    root = parse(ctx.driver.domain_get_xml_desc(dom))
    return any(
        target.get("name") == AGENT_CHANNEL and target.get("state") == "connected"
        for target in root.iterfind("./devices/channel/target")
    )


# condition -> (what tells whether it is met, the event that may change it).
CONDITIONS: "dict[str, tuple[Callable[[Session, DomainRef], bool], str]]" = {
    "domain-inactive": (_is_inactive, "lifecycle"),
    "guest-agent-available": (_has_agent, "agent-lifecycle"),
}


@TABLE.command(
    "await",
    "wait until a domain is in some condition",
    options=(
        DOMAIN,
        Opt(
            "condition",
            STRING,
            "the condition to wait for",
            required=True,
            completes=f"enum:{','.join(CONDITIONS)}",
        ),
        number("timeout", "seconds to wait at the most"),
    ),
)
def await_condition(ctx: "Session", args: "Args") -> None:
    if args.condition not in CONDITIONS:
        raise CommandFailed(f"unsupported await condition '{args.condition}'")
    is_met, event_name = CONDITIONS[args.condition]
    timeout = timeout_of(args)
    dom = ctx.domain(args.domain)
    numbers = [row.name for row in DOMAIN_EVENTS.types]
    driver = ctx.driver
    with Callbacks(driver.connect_domain_event_callback_deregister_any) as callbacks:
        # Registered before the first look, so that no change falls between.
        callbacks.ids.append(
            driver.connect_domain_event_callback_register_any(numbers.index(event_name), dom)
        )
        deadline = Deadline(timeout)
        try:
            while not is_met(ctx, dom):
                if deadline.passed():
                    _ended(ctx, TIMED_OUT)
                    raise CommandFailed
                driver.next_events(deadline.left())
        except KeyboardInterrupt:
            _ended(ctx, INTERRUPTED)
            raise CommandFailed from None


def _ended(ctx: "Session", text: str) -> None:
    """Say why waiting has ended; as data the status alone tells."""
    if not ctx.out.structured:
        ctx.out.line(text)
