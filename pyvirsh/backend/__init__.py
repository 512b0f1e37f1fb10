"""From a URI to a driver.

Source: measured in `shell-semantics`, section 11.
"""

import builtins
import os
from importlib import import_module

from pyvirsh.backend.errors import INTERNAL_ERROR, NO_CONNECT, VirError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyvirsh.backend.api import Driver

    # (what is asked, whether what is typed may be shown) -> the answer, None for none
    Ask = Callable[[str, bool], "str | None"]

# scheme -> module with open(uri: Uri, *, read_only: bool) -> Driver
DRIVERS = {
    "qemu": "pyvirsh.backend.qemu",
    "test": "pyvirsh.backend.test",
}


class Uri:
    """A connection URI in parts; `text` is the whole, `query` its parameters in order."""

    __slots__ = ("text", "scheme", "authority", "path", "query")

    def __init__(self, text: str) -> None:
        self.text = text
        scheme, colon, rest = text.partition(":")
        self.scheme = scheme if colon and "/" not in scheme and "#" not in scheme else ""
        rest = rest.partition("#")[0] if self.scheme else text
        rest, _, query = rest.partition("?")
        self.authority = ""
        if rest.startswith("//"):
            self.authority, slash, path = rest[2:].partition("/")
            rest = slash + path
        self.path = unquote(rest)
        pairs = (pair.partition("=") for pair in query.split("&") if pair)
        self.query = [(unquote(name), unquote(value)) for name, _, value in pairs]

    def parameter(self, name: str) -> "str | None":
        """Return the first query parameter called `name`."""
        for key, value in self.query:
            if key == name:
                return value
        return None


_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SCHEME = _LETTERS | set("0123456789+-.")
_PLAIN = _SCHEME | set("_~!$&'()*,;=:@/?")
_HEX = frozenset("0123456789abcdefABCDEF")
_PORT_MAX = 2**31 - 1


def _well_formed(uri: Uri) -> bool:
    """Say whether a URI is one by RFC 3986, as libxml2 reads it; without a scheme it may be a bare name."""
    text, _, fragment = uri.text.partition("#")
    scheme, colon, _ = text.partition(":")
    if colon and "/" not in scheme and not (scheme[:1] in _LETTERS and scheme and _SCHEME.issuperset(scheme)):
        return False
    host = uri.authority.rpartition("@")[2]
    inside, bracket, behind = host.partition("]") if host.startswith("[") else ("", "", "")
    if bracket:
        text, host = text.replace(inside + bracket, "", 1), behind
    _, colon, port = host.partition(":")
    if colon and not (port.isdigit() and int(port) <= _PORT_MAX):
        return False
    return _are_plain(text, _PLAIN) and _are_plain(fragment, _PLAIN | {"[", "]"})


def _are_plain(text: str, allowed: "frozenset[str]") -> bool:
    first, *escaped = text.split("%")
    return allowed.issuperset(first) and all(
        len(part) >= 2 and _HEX.issuperset(part[:2]) and allowed.issuperset(part[2:]) for part in escaped
    )


def unquote(text: str) -> str:
    """Decode %XX escapes."""
    if "%" not in text:
        return text
    from urllib.parse import unquote as decode

    return decode(text, errors="surrogateescape")


def open(
    text: "str | None",
    *,
    read_only: bool = False,
    environ: "Mapping[str, str]" = os.environ,
    asker: "Callable[[], Ask | None] | None" = None,
) -> "Driver":
    """Open a connection to what `text` names, by default the user's default URI.

    asker: gives what asks the user for a password or about a host's key, None when nobody is there.

    Errors: NO_CONNECT for an unknown scheme; whatever the driver's own opening raises.
    """
    uri = Uri(resolve(text, environ))
    if not _well_formed(uri):
        raise VirError(INTERNAL_ERROR, f"Unable to parse URI {uri.text}")
    if not uri.scheme:
        detail = f"URI '{uri.text}' does not include a driver name"
        raise VirError(NO_CONNECT, f"for {detail}", text=f"no connection driver available for {detail}")
    host = uri.authority.rpartition("@")[2]
    if "+" in uri.scheme or uri.scheme == "remote" or (host and uri.path.strip("/")):
        from pyvirsh.backend import remote

        return _named(
            remote.open(uri, read_only=read_only, ask=asker() if asker else None), uri, read_only=read_only
        )
    module = DRIVERS.get(uri.scheme)
    if module is None:
        raise VirError(NO_CONNECT, uri.text)
    if uri.scheme == "qemu" and host:
        maybe = f"qemu:///{uri.authority}{uri.path}"
        raise VirError(INTERNAL_ERROR, f"invalid URI {uri.text} (maybe you want {maybe})")
    options = {"asker": asker} if uri.scheme == "test" else {}
    opened = import_module(module).open(uri, read_only=read_only, **options)
    driver: Driver = _named(opened, uri, read_only=read_only)
    if read_only:
        from pyvirsh.backend.readonly import ReadOnly

        return ReadOnly(driver)
    return driver


def _named(driver: "Driver", uri: Uri, *, read_only: bool) -> "Driver":
    driver.uri = uri.text
    driver.read_only = read_only
    return driver


def resolve(text: "str | None", environ: "Mapping[str, str]") -> str:
    """Return the URI to use for what the user gave (None or "": nothing), aliases applied."""
    chosen = text if text is not None else environ.get("VIRSH_DEFAULT_CONNECT_URI")
    chosen = chosen or environ.get("LIBVIRT_DEFAULT_URI")
    path = _client_config(environ)
    if path is not None:
        from pyvirsh.backend import config

        settings = config.read_client(path)
        chosen = chosen or settings.uri_default
        chosen = settings.uri_aliases.get(chosen, chosen)
    return chosen or ("qemu:///system" if os.geteuid() == 0 else "qemu:///session")


def uri_aliases(environ: "Mapping[str, str]") -> "dict[str, str]":
    """Return the names the user has given to URIs.  Errors: VirError for a file that cannot be read."""
    path = _client_config(environ)
    if path is None:
        return {}
    from pyvirsh.backend import config

    return config.read_client(path).uri_aliases


def _client_config(environ: "Mapping[str, str]") -> "str | None":
    """Return the path of libvirt's client configuration, if the user has one."""
    if os.geteuid() == 0:
        path = "/etc/libvirt/libvirt.conf"
    else:
        base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "/"), ".config")
        path = os.path.join(base, "libvirt", "libvirt.conf")
    return path if _says_something(path) else None


def _says_something(path: str) -> bool:
    """Say whether a file is there and has more than comments: as installed it has not."""
    try:
        with builtins.open(path, "rb") as file:
            return any(line.strip() and not line.lstrip().startswith(b"#") for line in file)
    except FileNotFoundError:
        return False
    except OSError:
        # Reading it anew finds out what is wrong and says so.
        return True
