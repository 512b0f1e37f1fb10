"""What a domain is and does: list, dominfo, domstate, domcontrol.

Source: virsh(1); layouts measured in `shell-semantics`, section 8.
"""

from pyvirsh.backend import constants
from pyvirsh.backend.errors import NO_DOMAIN_METADATA, NO_SUPPORT, VirError
from pyvirsh.commands.options import DOMAIN, DOMAIN_ACTIVE
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import UINT_MAX
from pyvirsh.shell.output import Shown
from pyvirsh.spec import Table, exclusive, flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyvirsh.backend.api import DomainRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Monitoring", "monitor")

STATES = ("no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended")
SHUT_OFF = 5

# state -> what its reasons are called, in libvirt's order; the first also stands for later ones.
REASONS: "dict[int, tuple[str, ...]]" = {
    1: (
        "unknown",
        "booted",
        "migrated",
        "restored",
        "from snapshot",
        "unpaused",
        "migration canceled",
        "save canceled",
        "event wakeup",
        "crashed",
        "post-copy",
        "post-copy failed",
    ),
    3: (
        "unknown",
        "user",
        "migrating",
        "saving",
        "dumping",
        "I/O error",
        "watchdog",
        "from snapshot",
        "shutting down",
        "creating snapshot",
        "crashed",
        "starting up",
        "post-copy",
        "post-copy failed",
        "api error",
    ),
    4: ("unknown", "user"),
    5: (
        "unknown",
        "shutdown",
        "destroyed",
        "crashed",
        "migrated",
        "saved",
        "failed",
        "from snapshot",
        "daemon",
    ),
    6: ("unknown", "panicked"),
}


def word_of(words: "Sequence[str]", index: int) -> str:
    """Return the word for a number, the first one when it has none."""
    return words[index] if 0 <= index < len(words) else words[0]


# -- list --------------------------------------------------------------------------------------------

LIST_FILTERS = {
    "persistent": constants.CONNECT_LIST_DOMAINS_PERSISTENT,
    "transient": constants.CONNECT_LIST_DOMAINS_TRANSIENT,
    "with-managed-save": constants.CONNECT_LIST_DOMAINS_MANAGEDSAVE,
    "without-managed-save": constants.CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE,
    "autostart": constants.CONNECT_LIST_DOMAINS_AUTOSTART,
    "no-autostart": constants.CONNECT_LIST_DOMAINS_NO_AUTOSTART,
    "with-snapshot": constants.CONNECT_LIST_DOMAINS_HAS_SNAPSHOT,
    "without-snapshot": constants.CONNECT_LIST_DOMAINS_NO_SNAPSHOT,
    "with-checkpoint": constants.CONNECT_LIST_DOMAINS_HAS_CHECKPOINT,
    "without-checkpoint": constants.CONNECT_LIST_DOMAINS_NO_CHECKPOINT,
    "state-running": constants.CONNECT_LIST_DOMAINS_RUNNING,
    "state-paused": constants.CONNECT_LIST_DOMAINS_PAUSED,
    "state-shutoff": constants.CONNECT_LIST_DOMAINS_SHUTOFF,
    "state-other": constants.CONNECT_LIST_DOMAINS_OTHER,
}


@TABLE.command(
    "list",
    "list domains",
    options=(
        flag("inactive", "only those that do not run"),
        flag("all", "those that run and those that do not"),
        flag("transient", "only those without a definition"),
        flag("persistent", "only those with a definition"),
        flag("with-snapshot", "only those that have a snapshot"),
        flag("without-snapshot", "only those that have no snapshot"),
        flag("with-checkpoint", "only those that have a checkpoint"),
        flag("without-checkpoint", "only those that have no checkpoint"),
        flag("state-running", "only those whose CPUs run"),
        flag("state-paused", "only those that are paused"),
        flag("state-shutoff", "only those that are shut off"),
        flag("state-other", "only those in another state"),
        flag("autostart", "only those that start with the host"),
        flag("no-autostart", "only those that do not start with the host"),
        flag("with-managed-save", "only those with a managed save image"),
        flag("without-managed-save", "only those without a managed save image"),
        flag("uuid", "show UUIDs"),
        flag("name", "show names"),
        flag("id", "show ids"),
        flag("table", "show a table, the default"),
        flag("managed-save", "say which domains that are shut off have a managed save image"),
        flag("title", "show titles"),
    ),
    rules=(exclusive("table", "name"), exclusive("table", "id")),
)
def list_domains(ctx: "Session", args: "Args") -> None:
    flags = constants.CONNECT_LIST_DOMAINS_ACTIVE
    if args.all:
        flags |= constants.CONNECT_LIST_DOMAINS_INACTIVE
    elif args.inactive or args.state_shutoff:
        flags = constants.CONNECT_LIST_DOMAINS_INACTIVE
    for name, bit in LIST_FILTERS.items():
        if args.given(name):
            flags |= bit
    with ctx.failing("Failed to list domains"):
        domains = ctx.driver.connect_list_all_domains(flags)
    domains.sort(key=_list_order)
    keys = [key for key in ("uuid", "id", "name") if args.given(key)]
    if keys and not args.table:
        # Of ids alone, only those that are.
        shown = [dom for dom in domains if dom.id >= 0 or keys != ["id"]]
        ctx.out.names(keys, [_identity(dom) for dom in shown])
        return
    columns = [("Id", "id"), ("Name", "name"), ("State", "state")]
    columns += [("Title", "title")] if args.title else []
    columns += [("UUID", "uuid")] if args.uuid else []
    ctx.out.records(columns, [*_list_rows(ctx, args, domains)])


def _list_order(dom: "DomainRef") -> "tuple[bool, int, str]":
    """Sort what runs by id, then the rest by name."""
    if dom.id >= 0:
        return False, dom.id, ""
    return True, 0, dom.name.lower() if dom.name.isascii() else _ascii_lower(dom.name)


def _ascii_lower(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").lower().decode("latin-1")


def _identity(dom: "DomainRef") -> "dict[str, object]":
    return {"id": dom.id if dom.id >= 0 else None, "name": dom.name, "uuid": dom.uuid}


def _list_rows(ctx: "Session", args: "Args", domains: "Iterable[DomainRef]") -> "Iterator[dict[str, object]]":
    driver = ctx.driver
    for dom in domains:
        try:
            state, _ = driver.domain_get_state(dom)
        except VirError:
            # It has gone since it was listed.
            continue
        row = _identity(dom)
        row["state"] = word_of(STATES, state)
        if args.managed_save and state == SHUT_OFF and _has_managed_save(ctx, dom):
            row["state"] = "saved"
        if args.title:
            row["title"] = title_of(ctx, dom)
        yield row


def _has_managed_save(ctx: "Session", dom: "DomainRef") -> bool:
    try:
        return ctx.driver.domain_has_managed_save_image(dom)
    except VirError:
        return False


def title_of(ctx: "Session", dom: "DomainRef") -> str:
    """Return a domain's title, "" when it has none."""
    try:
        return ctx.driver.domain_get_metadata(dom, constants.DOMAIN_METADATA_TITLE, None)
    except VirError as error:
        if error.code == NO_SUPPORT:
            from pyvirsh.commands.config import described_in_xml

            return described_in_xml(ctx, dom, constants.DOMAIN_METADATA_TITLE)
        if error.code != NO_DOMAIN_METADATA:
            raise
        return ""


# -- dominfo, domstate, domcontrol -----------------------------------------------------------------


@TABLE.command("dominfo", "show a domain's main facts", options=(DOMAIN,))
def dominfo(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    fields: list[tuple[str, str, object]] = [
        ("Id:", "id", dom.id if dom.id >= 0 else None),
        ("Name:", "name", dom.name),
        ("UUID:", "uuid", dom.uuid),
    ]
    try:
        for part in (_resources, _settings, _security, _messages):
            fields += part(ctx, dom)
    except SecurityUnknown as unknown:
        ctx.out.fields([*fields, *unknown.fields])
        raise unknown.error from None
    ctx.out.fields(fields)
    if all(key != "state" for _, key, _ in fields):
        # As virsh: it fails, but says no more.
        raise CommandFailed


Fields = list[tuple[str, str, object]]


class SecurityUnknown(Exception):
    """A domain's security label cannot be read; `fields` are known, `error` is what is not."""

    def __init__(self, fields: "Fields", error: VirError) -> None:
        super().__init__(error)
        self.fields = fields
        self.error = error


def _resources(ctx: "Session", dom: "DomainRef") -> "Fields":
    fields: Fields = []
    try:
        fields.append(("OS Type:", "os_type", ctx.driver.domain_get_os_type(dom)))
    except VirError:
        pass
    try:
        state, max_memory, memory, vcpus, cpu_time = ctx.driver.domain_get_info(dom)
    except VirError:
        return fields
    fields += [("State:", "state", word_of(STATES, state)), ("CPU(s):", "vcpus", vcpus)]
    if cpu_time:
        fields.append(("CPU time:", "cpu_time_ns", Shown(cpu_time, f"{cpu_time / 1e9:.1f}s")))
    # A number that virsh knows from the time when memory was counted in 32 bits.
    limit = Shown(None, "no limit") if max_memory == UINT_MAX else Shown(max_memory, f"{max_memory} KiB")
    return [
        *fields,
        ("Max memory:", "max_memory_kib", limit),
        ("Used memory:", "memory_kib", Shown(memory, f"{memory} KiB")),
    ]


def _settings(ctx: "Session", dom: "DomainRef") -> "Fields":
    driver = ctx.driver
    fields: Fields = []
    try:
        fields.append(("Persistent:", "persistent", driver.domain_is_persistent(dom)))
    except VirError:
        fields.append(("Persistent:", "persistent", Shown(None, "unknown")))
    try:
        fields.append(("Autostart:", "autostart", _enabled(driver.domain_get_autostart(dom))))
    except VirError:
        pass
    try:
        fields.append(("Autostart Once:", "autostart_once", _enabled(driver.domain_get_autostart_once(dom))))
    except VirError:
        pass
    try:
        fields.append(("Managed save:", "managed_save", driver.domain_has_managed_save_image(dom)))
    except VirError:
        fields.append(("Managed save:", "managed_save", Shown(None, "unknown")))
    return fields


def _enabled(on: bool) -> Shown:
    return Shown(bool(on), "enable" if on else "disable")


def _security(ctx: "Session", dom: "DomainRef") -> "Fields":
    """Return the security model and the domain's label.  Errors: SecurityUnknown."""
    try:
        model, doi = ctx.driver.node_get_security_model()
    except VirError as error:
        if error.code == NO_SUPPORT:
            return []
        raise SecurityUnknown([], error) from error
    if not model:
        return []
    fields: Fields = [("Security model:", "security_model", model), ("Security DOI:", "security_doi", doi)]
    try:
        label, enforcing = ctx.driver.domain_get_security_label(dom)
    except VirError as error:
        raise SecurityUnknown(fields, error) from error
    if label:
        shown = f"{label} ({'enforcing' if enforcing else 'permissive'})"
        fields.append(("Security label:", "security_label", Shown(label, shown)))
        fields.append(("", "security_enforcing", bool(enforcing)))
    return fields


def _messages(ctx: "Session", dom: "DomainRef") -> "Fields":
    try:
        messages = ctx.driver.domain_get_messages(dom)
    except VirError:
        return []
    if not messages:
        return []
    return [("Messages:", "messages", Shown(messages, ("\n" + " " * 16).join(messages)))]


@TABLE.command("domstate", "show a domain's state", options=(DOMAIN, flag("reason", "and the reason for it")))
def domstate(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    state, reason = ctx.driver.domain_get_state(dom)
    state_word, why = word_of(STATES, state), word_of(REASONS.get(state, ("unknown",)), reason)
    text = f"{state_word} ({why})\n" if args.reason else f"{state_word}\n"
    ctx.out.data({"state": state_word, "reason": why}, text)


CONTROL_STATES = ("ok", "background job", "occupied", "error")
CONTROL_ERRORS = ("", "unknown", "monitor failure", "internal (locking) error")


@TABLE.command("domcontrol", "show whether a domain's control interface answers", options=(DOMAIN_ACTIVE,))
def domcontrol(ctx: "Session", args: "Args") -> None:
    state, details, since = ctx.driver.domain_get_control_info(ctx.domain(args.domain))
    name = CONTROL_STATES[state] if 0 <= state < len(CONTROL_STATES) else "unknown"
    value: dict[str, object] = {"state": name}
    text = name
    if state == constants.DOMAIN_CONTROL_ERROR:
        value["reason"] = CONTROL_ERRORS[details] if 0 <= details < len(CONTROL_ERRORS) else "unknown"
        text += f": {value['reason']}" if value["reason"] else ""
    elif state != constants.DOMAIN_CONTROL_OK:
        value["since_ms"] = since
        text += f" ({since // 1000}.{since % 1000:03d}s)"
    ctx.out.data(value, text + "\n")
