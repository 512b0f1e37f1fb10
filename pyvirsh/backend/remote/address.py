"""What a remote URI says: transport, user, host, port, parameters, and the peer's own URI.  No I/O.

Source: libvirt's documentation of remote URIs; `reference/rpc/notes.md`, section 5.
"""

from pyvirsh.backend import Uri, unquote
from pyvirsh.backend.errors import INVALID_ARG, VirError

# Parameters for us and not for the peer's driver; names are read in any case.
OWN = (
    "name",
    "mode",
    "proxy",
    "socket",
    "netcat",
    "keyfile",
    "authfile",
    "auth",
    "command",
    "known_hosts",
    "known_hosts_verify",
    "sshauth",
    "pkipath",
    "tls_priority",
    "no_verify",
    "no_sanity",
    "no_tty",
    "sasl",
)
TRANSPORTS = ("tls", "unix", "ssh", "ext", "tcp", "libssh2", "libssh")
MODES = ("auto", "direct", "legacy")


class Address:
    """A remote URI in parts; `port` is 0 when none is given, `host` "" for this one.

    Errors of the constructor: INVALID_ARG naming the part that cannot be used.
    """

    def __init__(self, uri: Uri) -> None:
        self.uri = uri
        self.driver, _, transport = uri.scheme.partition("+")
        self.transport = transport or ("tls" if uri.authority else "unix")
        if self.transport not in TRANSPORTS:
            detail = f"transport in URL not recognised (should be {'|'.join(TRANSPORTS)})"
            raise VirError(INVALID_ARG, f"remote_open: {detail}")
        user, at, place = uri.authority.rpartition("@")
        self.user = unquote(user) if at else ""
        self.host, self.port = _host_and_port(place, uri.text)
        for what, text in (("host", self.host), ("user", self.user)):
            _refuse_hostile(what, text)
        self.parameters = {name.lower(): value for name, value in uri.query if name.lower() in OWN}
        if self["mode"] not in ("", *MODES):
            raise VirError(
                INVALID_ARG, f"unknown mode '{self['mode']}', should be one of: {', '.join(MODES)}"
            )

    def __getitem__(self, name: str) -> str:
        return self.parameters.get(name, "")

    def is_set(self, name: str) -> bool:
        """Say whether a truth parameter is a number that is not zero."""
        text = self[name]
        if not text:
            return False
        try:
            return int(text) != 0
        except ValueError:
            raise VirError(INVALID_ARG, f"failed to parse value of URI component {name}") from None

    @property
    def is_session(self) -> bool:
        """Say whether it is a user's own connection."""
        return self.uri.path == "/session"

    def peer_uri(self) -> "str | None":
        """Return the URI the peer opens: without transport, host and our parameters; None: its default."""
        if name := self["name"]:
            return name
        if self.driver == "remote":
            return None
        return f"{self.driver}://{quote(self.uri.path)}{self._query(())}"

    def helper_uri(self) -> str:
        """Return the URI for the helper on the far side: it picks the daemon's socket by it."""
        name = self["name"]
        base = name or ("" if self.driver == "remote" else f"{self.driver}://{quote(self.uri.path)}")
        return base + self._query(("mode", "socket")) if "?" not in base else base

    def _query(self, kept: "tuple[str, ...]") -> str:
        pairs = [(n, v) for n, v in self.uri.query if n.lower() not in OWN or n.lower() in kept]
        return (
            "?" + "&".join(f"{quote(name)}={quote(value, safe='/:')}" for name, value in pairs)
            if pairs
            else ""
        )


def quote(text: str, safe: str = "/") -> str:
    """Encode what has a meaning in URIs as %XX escapes."""
    if text.isascii() and all(char.isalnum() or char in "_.-~" or char in safe for char in text):
        return text
    from urllib.parse import quote as encode

    return encode(text, safe=safe)


def _host_and_port(place: str, text: str) -> "tuple[str, int]":
    host, port = place, ""
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        port = rest.removeprefix(":")
    elif ":" in place:
        host, _, port = place.rpartition(":")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise VirError(INVALID_ARG, f"the port '{port}' of {text} is not a number from 1 to 65535")
    return unquote(host), int(port or 0)


def _refuse_hostile(what: str, text: str) -> None:
    """Refuse what could be taken for an option or leave its place in a command."""
    if text.startswith("-") or any(not 32 < ord(char) < 127 or char in "%'\"\\`$;&|<>()" for char in text):
        raise VirError(INVALID_ARG, f"the {what} name {text!r} of the URI cannot be used")
