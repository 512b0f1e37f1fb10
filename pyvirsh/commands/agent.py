"""What only the agent in a guest can do: its users, their keys and passwords, and any command."""

from pyvirsh.backend import constants
from pyvirsh.commands import files
from pyvirsh.commands.options import DOMAIN, DOMAIN_ACTIVE
from pyvirsh.commands.params import shown
from pyvirsh.errors import CommandFailed
from pyvirsh.spec import Table, exclusive, flag, number, requires, word, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args
    from pyvirsh.shell.session import Session

TABLE = Table("Domain Management", "domain")

# option -> its flag and what it shows
INFO = {
    "user": (constants.DOMAIN_GUEST_INFO_USERS, "who is logged in"),
    "os": (constants.DOMAIN_GUEST_INFO_OS, "the operating system"),
    "timezone": (constants.DOMAIN_GUEST_INFO_TIMEZONE, "the time zone"),
    "hostname": (constants.DOMAIN_GUEST_INFO_HOSTNAME, "the host name"),
    "filesystem": (constants.DOMAIN_GUEST_INFO_FILESYSTEM, "the mounted file systems"),
    "disk": (constants.DOMAIN_GUEST_INFO_DISKS, "the disks"),
    "interface": (constants.DOMAIN_GUEST_INFO_INTERFACES, "the network interfaces"),
    "load": (constants.DOMAIN_GUEST_INFO_LOAD, "the load averages"),
    "devices": (constants.DOMAIN_GUEST_INFO_DEVICES, "the devices and their drivers"),
}


@TABLE.command(
    "guestinfo",
    "show what the agent knows of its guest, all of it or what is named",
    options=(DOMAIN_ACTIVE, *(flag(name, f"show {what}") for name, (_, what) in INFO.items())),
)
def guestinfo(ctx: "Session", args: "Args") -> None:
    types = sum(bit for name, (bit, _) in INFO.items() if args[name])
    dom = ctx.domain(args.domain)
    params = ctx.driver.domain_get_guest_info(dom, types)
    ctx.out.fields([(param[0], param[0], shown(param)) for param in params], width=20, colon=": ")


@TABLE.command(
    "guest-agent-timeout",
    "say how long the agent may take to answer",
    options=(DOMAIN, number("timeout", "seconds; 0 not to wait, -1 for the default, -2 for ever")),
)
def guest_agent_timeout(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    timeout = args.integer("timeout", constants.DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK)
    ctx.driver.domain_agent_set_response_timeout(dom, timeout)


# -- users -------------------------------------------------------------------------------------------

USER = word("user", "name of the user in the guest")
# What virsh reads of a file with keys.
KEYS_MAX = 1 << 20


@TABLE.command(
    "get-user-sshkeys", "list the SSH keys that a guest's user accepts", options=(DOMAIN_ACTIVE, USER)
)
def get_user_sshkeys(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    keys = ctx.driver.domain_authorized_ssh_keys_get(dom, args.user)
    # virsh writes no newline at all, which leaves several keys in one line.
    ctx.out.data(keys, "\n".join(keys))


@TABLE.command(
    "set-user-sshkeys",
    "add, replace or remove SSH keys that a guest's user accepts",
    options=(
        DOMAIN_ACTIVE,
        USER,
        word("file", "file with keys, one a line", "file-path", required=False),
        flag("reset", "forget the keys that are there before"),
        flag("remove", "remove the keys instead of adding them"),
    ),
    rules=(requires("remove", "file"), exclusive("reset", "remove")),
)
def set_user_sshkeys(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    user, path = args.user, args.file
    keys: list[str] = []
    if path is not None:
        text = files.read(path, KEYS_MAX)
        if not text:
            raise CommandFailed(f"File {path} contains no keys")
        keys = text.split("\n")
    elif not args.reset:
        raise CommandFailed("Option --file is required")
    flags = constants.DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND
    if args.reset:
        flags = 0
    elif args.remove:
        flags = constants.DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE
    ctx.driver.domain_authorized_ssh_keys_set(dom, user, keys, flags)


@TABLE.command(
    "set-user-password",
    "set the password of a guest's user",
    options=(
        DOMAIN_ACTIVE,
        USER,
        word("password", "the password", "none"),
        flag("encrypted", "it is encrypted already"),
    ),
)
def set_user_password(ctx: "Session", args: "Args") -> None:
    user, password = args.user, args.password
    dom = ctx.domain(args.domain)
    flags = constants.DOMAIN_PASSWORD_ENCRYPTED if args.encrypted else 0
    ctx.driver.domain_set_user_password(dom, user, password, flags)
    ctx.out.raw_note(f"Password set successfully for {user} in {args.domain}")


# -- any command -------------------------------------------------------------------------------------


@TABLE.command(
    "qemu-agent-command",
    "send any command to the agent in a guest",
    options=(
        DOMAIN_ACTIVE,
        number("timeout", "seconds to wait for the answer"),
        flag("async", "do not wait for an answer"),
        flag("block", "wait for ever"),
        flag("pretty", "indent the answer"),
        words("cmd", "the command, as JSON", "none", required=True),
    ),
)
def qemu_agent_command(ctx: "Session", args: "Args") -> None:
    dom = ctx.domain(args.domain)
    timeout = _answer_timeout(args)
    answer = ctx.driver.domain_agent_command(dom, " ".join(args.cmd), timeout)
    if answer is None:
        raise CommandFailed("An error occurred, but the cause is unknown")
    if ctx.out.structured:
        from pyvirsh.commands.prettyjson import parsed

        ctx.out.data(parsed(answer), "")
        return
    if args.pretty:
        from pyvirsh.commands.prettyjson import pretty

        answer = pretty(answer)
    ctx.out.line(answer)


def _answer_timeout(args: "Args") -> int:
    """Return how long to wait, as the call takes it.  Errors: CommandFailed."""
    timeout = args.integer("timeout", constants.DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT)
    if args.given("timeout") and timeout < 1:
        raise CommandFailed("timeout must be positive")
    if sum((args.given("timeout"), args["async"], args.block)) > 1:
        raise CommandFailed("timeout, async and block options are exclusive")
    if args["async"]:
        return constants.DOMAIN_AGENT_RESPONSE_TIMEOUT_NOWAIT
    return constants.DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK if args.block else timeout
