"""Secrets: passphrases and keys that disks, pools and the like are opened with."""

from pyvirsh.backend import constants as c
from pyvirsh.commands import eventloop, files, objects, xpath
from pyvirsh.commands.eventloop import EventType, Kind
from pyvirsh.commands.options import FILE, VALIDATE, WATCH, WRAP, XPATH
from pyvirsh.errors import CommandFailed
from pyvirsh.shell.output import Shown
from pyvirsh.spec import Table, exclusive, flag, text, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend.api import SecretRef
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Secret", "secret")

SECRET = word("secret", "UUID of the secret", "secret-uuid")

# By the numbers of libvirt's usage types.
USAGES = ("", "volume", "ceph", "iscsi", "tls", "vtpm")

# What virsh reads of a file with a value at the most.
VALUE_MAX = 1024


@TABLE.command("secret-define", "define a secret from XML; its value is set later", options=(FILE, VALIDATE))
def secret_define(ctx: "Session", args: "Args") -> None:
    path = args.file
    xml = files.read(path)
    flags = c.SECRET_DEFINE_VALIDATE if args.validate else 0
    with ctx.failing(f"Failed to set attributes from {path}"):
        secret = ctx.driver.secret_define_xml(xml, flags)
    ctx.out.note(f"Secret {secret.uuid} created")


@TABLE.command(
    "secret-dumpxml", "show what is known of a secret, but not its value", options=(SECRET, XPATH, WRAP)
)
def secret_dumpxml(ctx: "Session", args: "Args") -> None:
    secret = ctx.secret(args.secret)
    xpath.show(ctx, args, lambda: ctx.driver.secret_get_xml_desc(secret))


@TABLE.command("secret-undefine", "remove a secret and its value", options=(SECRET,))
def secret_undefine(ctx: "Session", args: "Args") -> None:
    name = args.secret
    secret = ctx.secret(name)
    failure, done = f"Failed to delete secret {name}", f"Secret {name} deleted"
    objects.change(ctx, failure, done, ctx.driver.secret_undefine, secret)


@TABLE.command(
    "secret-list",
    "list the secrets",
    options=(
        flag("ephemeral", "only those that are kept in memory"),
        flag("no-ephemeral", "only those that are kept on disk"),
        flag("private", "only those whose value is never shown"),
        flag("no-private", "only those whose value may be shown"),
    ),
)
def secret_list(ctx: "Session", args: "Args") -> None:
    flags = c.CONNECT_LIST_SECRETS_EPHEMERAL if args.ephemeral else 0
    flags |= c.CONNECT_LIST_SECRETS_NO_EPHEMERAL if args.no_ephemeral else 0
    flags |= c.CONNECT_LIST_SECRETS_PRIVATE if args.private else 0
    flags |= c.CONNECT_LIST_SECRETS_NO_PRIVATE if args.no_private else 0
    counting = ("Failed to count secrets", "virConnectNumOfSecrets")
    if flags:
        counting = ("Filtering is not supported by this libvirt", "")
    found = objects.listed(
        ctx.driver.connect_list_all_secrets, flags, "Failed to list node secrets", counting
    )
    rows = [_row(secret) for secret in sorted(found, key=lambda secret: secret.uuid)]
    ctx.out.records([("UUID", "uuid"), ("Usage", "usage")], rows)


def _row(secret: "SecretRef") -> "dict[str, object]":
    kind = USAGES[secret.usage_type] if secret.usage_type < len(USAGES) else str(secret.usage_type)
    if not kind:
        return {"uuid": secret.uuid, "usage_type": None, "usage": Shown(None, "Unused")}
    usage = Shown(secret.usage_id, f"{kind} {secret.usage_id}")
    return {"uuid": secret.uuid, "usage_type": kind, "usage": usage}


# -- values -----------------------------------------------------------------------------------------


@TABLE.command(
    "secret-set-value",
    "give a secret its value",
    options=(
        SECRET,
        text("file", "read the value, in base64, from this file", "file-path"),
        flag("plain", "the file holds the value as it is"),
        flag("interactive", "type the value, unseen"),
        text("base64", "the value in base64; others may see it in the list of processes", "none", fills=True),
    ),
    rules=(
        exclusive("file", "base64"),
        exclusive("plain", "base64"),
        exclusive("interactive", "base64"),
        exclusive("interactive", "plain"),
        exclusive("interactive", "file"),
    ),
)
def secret_set_value(ctx: "Session", args: "Args") -> None:
    secret = ctx.secret(args.secret)
    value = _value(ctx, args)
    with ctx.failing("Failed to set secret value"):
        ctx.driver.secret_set_value(secret, value)
    ctx.out.note("Secret value set")


def _value(ctx: "Session", args: "Args") -> bytes:
    """Read the value from where the options say."""
    if args.base64 is not None:
        # It has been on the command line, where it should not be: a warning, no failure.
        ctx.out.error("Passing secret value as command-line argument is insecure!")
        return from_base64(args.base64)
    if args.file is not None:
        content = files.read(args.file, VALUE_MAX)
        if args.plain:
            return content.encode("utf-8", "surrogateescape")
        return from_base64(content.partition("\0")[0])
    if args.interactive:
        from pyvirsh.shell.hidden import read_hidden

        ask = ctx.out.progress if ctx.out.structured else ctx.out.raw
        ask("Enter new value for secret:")
        ctx.out.flush()
        return read_hidden()
    raise CommandFailed("Input secret value is missing")


def from_base64(encoded: str) -> bytes:
    """Decode base64 as leniently as virsh: what does not belong there is passed over, as is a rest."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    digits = [char for char in encoded if char in alphabet or char == "="]
    decoded = bytearray()
    for at in range(0, len(digits) - len(digits) % 4, 4):
        group = digits[at : at + 4]
        number = 0
        for char in group:
            number = number << 6 | max(0, alphabet.find(char))
        first, second, third = number.to_bytes(3, "big")
        decoded.append(first)
        if group[2] != "=":
            decoded.append(second)
        if group[3] != "=":
            decoded.append(third)
    return bytes(decoded)


@TABLE.command(
    "secret-get-value",
    "show a secret's value in base64",
    options=(SECRET, flag("plain", "show the value as it is")),
)
def secret_get_value(ctx: "Session", args: "Args") -> None:
    import base64

    value = ctx.driver.secret_get_value(ctx.secret(args.secret))
    if args.plain:
        plain = value.decode("utf-8", "surrogateescape")
        ctx.out.data({"value": plain}, plain)
    else:
        encoded = base64.b64encode(value).decode()
        ctx.out.data({"value": encoded}, encoded)


# -- events -------------------------------------------------------------------------------------------

EVENTS = Kind(
    "secret",
    "secret {uuid}",
    "connect_secret_event",
    (
        EventType("lifecycle", eventloop.named(change=("Defined", "Undefined")), ": {change}"),
        EventType("value-changed"),
    ),
)


@TABLE.command(
    "secret-event",
    "wait for events of secrets and show them",
    options=(
        text("secret", "only those of this secret", "secret-uuid", fills=True),
        text("event", "type of the events to wait for", "enum:lifecycle,value-changed", fills=True),
        *WATCH,
    ),
)
def secret_event(ctx: "Session", args: "Args") -> None:
    eventloop.watch(ctx, args, EVENTS, ctx.secret)
