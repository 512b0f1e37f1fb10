"""User names and passwords for a peer: from the authentication file, or asked for.

Source: libvirt's documentation of client authentication configuration.
"""

import configparser
import os
from typing import TYPE_CHECKING

from pyvirsh.backend.errors import AUTH_FAILED, CONF_SYNTAX, VirError

if TYPE_CHECKING:
    from collections.abc import Callable

    # (what is asked, whether what is typed may be shown) -> the answer, None for no answer
    Ask = Callable[[str, bool], "str | None"]


def find_file(given: str) -> "str | None":
    """Return the authentication file: the one given, or the first of the usual places."""
    if given:
        return given
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    usual = [os.environ.get("LIBVIRT_AUTH_FILE"), os.path.join(config, "libvirt", "auth.conf")]
    for path in (*usual, "/etc/libvirt/auth.conf"):
        if path and os.path.exists(path):
            return path
    return None


def read(path: str, service: str, host: str) -> "dict[str, str]":
    """Return the credentials a file has for a service at a host, by name ("authname", "password").

    Errors: CONF_SYNTAX naming the file.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, configparser.Error, UnicodeDecodeError) as error:
        raise VirError(CONF_SYNTAX, f"{path}: {error}") from error
    for section in (f"auth-{service}-{host}", f"auth-{service}-default"):
        if parser.has_section(section):
            name = parser.get(section, "credentials", fallback="")
            if not parser.has_section(f"credentials-{name}"):
                raise VirError(CONF_SYNTAX, f"{path}: there is no group 'credentials-{name}'")
            return dict(parser.items(f"credentials-{name}"))
    return {}


class Credentials:
    """What is known of the user for one peer; asks where the file says nothing."""

    def __init__(self, service: str, host: str, authfile: str, ask: "Ask | None") -> None:
        path = find_file(authfile)
        self._known = read(path, service, host or "localhost") if path else {}
        self._ask = ask
        self._host = host or "localhost"

    def user(self, given: str = "") -> str:
        """Return the user's name.  Errors: AUTH_FAILED."""
        return (
            given
            or self._known.get("authname")
            or self._known.get("username")
            or self._asked(f"Please enter your authentication name for {self._host}: ", shown=True)
        )

    def password(self, user: str) -> str:
        """Return the user's password.  Errors: AUTH_FAILED."""
        return self._known.get("password") or self._asked(
            f"Please enter your password for {user}@{self._host}: ", shown=False
        )

    def _asked(self, prompt: str, *, shown: bool) -> str:
        answer = self._ask(prompt, shown) if self._ask else None
        if not answer:
            what = "name" if shown else "password"
            detail = (
                f"no authentication {what} for {self._host}: put it into an authentication file (authfile=)"
            )
            raise VirError(AUTH_FAILED, detail)
        return answer
