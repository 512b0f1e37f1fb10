"""From a remote URI to an open connection: the transport, who we are, the peer's driver."""

from pyvirsh.backend.errors import AUTH_FAILED, INVALID_ARG, VirError
from pyvirsh.backend.remote.address import Address
from pyvirsh.backend.remote.client import Client
from pyvirsh.backend.remote.driver import RemoteDriver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.backend import Uri
    from pyvirsh.backend.remote.client import Transport
    from pyvirsh.backend.remote.credentials import Ask

CONNECT_TIMEOUT = 15.0
_READ_ONLY = 1
NONE, SASL, POLKIT = 0, 1, 2
# Data passes these unread by others, so that a password may.
_PRIVATE = ("unix", "tls", "ssh", "libssh", "libssh2", "ext")


def open(uri: "Uri", *, read_only: bool, ask: "Ask | None" = None) -> RemoteDriver:
    """Connect to what `uri` names.  Errors: VirError; `ask` is how to ask the user, if one is there."""
    address = Address(uri)
    client = Client(_transport(address, read_only=read_only, ask=ask))
    try:
        Login(client, address, ask).authenticate()
        remote = RemoteDriver(client)
        remote.connect_open(address.peer_uri(), _READ_ONLY if read_only else 0)
    except VirError:
        client.close()
        raise
    if address.is_set("no_verify") or address["known_hosts_verify"] == "ignore":
        remote.warnings = (f"the identity of {address.host} is not verified, as the URI says",)
    return remote


def _transport(address: Address, *, read_only: bool, ask: "Ask | None") -> "Transport":
    kind = address.transport
    if kind == "unix":
        from pyvirsh.backend.remote.unix import UnixTransport, default_socket

        path = address["socket"] or default_socket(address, read_only=read_only)
        return UnixTransport(path, CONNECT_TIMEOUT)
    if kind in ("tcp", "tls"):
        from pyvirsh.backend.remote import sockets

        return (sockets.tcp if kind == "tcp" else sockets.tls)(address, CONNECT_TIMEOUT)
    if kind == "ext":
        from pyvirsh.backend.remote.process import ProcessTransport

        if not address["command"]:
            raise VirError(INVALID_ARG, "missing 'command' for ext transport")
        return ProcessTransport([address["command"]])
    return _ssh(address, read_only=read_only, ask=ask)


def _ssh(address: Address, *, read_only: bool, ask: "Ask | None") -> "Transport":
    from pyvirsh.backend.remote import farside

    if not address.host:
        raise VirError(INVALID_ARG, f"{address.uri.text} names no host")
    line = farside.command(address, read_only=read_only)
    if address["command"]:
        from pyvirsh.backend.remote.process import ProcessTransport

        return ProcessTransport(farside.ssh_argv(address, address["command"], line))
    from pyvirsh.backend.remote import ssh

    return ssh.connect(address, line, timeout=CONNECT_TIMEOUT, ask=ask)


class Login:
    """Says to the peer who we are, in one of the ways it offers."""

    def __init__(self, client: Client, address: Address, ask: "Ask | None") -> None:
        self._client = client
        self._address = address
        self._ask = ask

    def authenticate(self) -> None:
        """Do what the peer asks for.  Errors: AUTH_FAILED, or the peer's own."""
        (types,) = self._client.call("auth_list", ())
        wanted, _, mechanism = self._address["auth"].partition(".")
        chosen = self._choose(types, wanted)
        if chosen == SASL:
            self._sasl(mechanism)
        elif chosen == POLKIT:
            self._client.call("auth_polkit", ())

    def _choose(self, types: "list[int]", wanted: str) -> int:
        names = {"none": NONE, "sasl": SASL, "polkit": POLKIT}
        if not types:
            return NONE
        if not wanted:
            return types[0]
        number = names.get(wanted)
        if number is None or number not in types:
            raise VirError(AUTH_FAILED, f"requested authentication type {wanted} rejected")
        return number

    def _sasl(self, wanted: str) -> None:
        from pyvirsh.backend.remote import sasl
        from pyvirsh.backend.remote.credentials import Credentials

        (offered,) = self._client.call("auth_sasl_init", ())
        mechanism = sasl.choose([name for name in offered.split(",") if name], wanted)
        if self._address.transport not in _PRIVATE:
            raise VirError(AUTH_FAILED, "SASL without encryption is not used; connect with +tls or +ssh")
        known = Credentials("libvirt", self._address.host, self._address["authfile"], self._ask)
        user = known.user(self._address.user)
        password = known.password(user)
        if mechanism == "PLAIN":
            self._start(mechanism, sasl.plain(user, password))
            return
        exchange = sasl.Scram(mechanism, user, password)
        done, answer = self._start(mechanism, exchange.first())
        done, answer = self._step(exchange.final(answer))
        exchange.check(answer)
        if not done:
            self._step(b"")

    def _start(self, mechanism: str, data: bytes) -> "tuple[bool, bytes]":
        complete, _, answer = self._client.call("auth_sasl_start", (mechanism, 0, data))
        return bool(complete), answer

    def _step(self, data: bytes) -> "tuple[bool, bytes]":
        complete, _, answer = self._client.call("auth_sasl_step", (0, data))
        return bool(complete), answer
