"""Read libvirt's configuration files: ``name = "text" | number | [list]`` and comments.

Source: libvirt.conf as installed, and libvirt's documentation of connection URIs.
"""

import re

from pyvirsh.backend.errors import CONF_SYNTAX, INTERNAL_ERROR, VirError

Value = str | int | list[str]

_TOKEN = re.compile(
    r"""\s*(?:\#[^\n]*\s*)*
    (?: (?P<name>[A-Za-z_][A-Za-z0-9_./-]*)
      | \"\"\"(?P<long>.*?)\"\"\"
      | "(?P<double>(?:[^"\\\n]|\\.)*)"
      | '(?P<single>[^'\n]*)'
      | (?P<number>-?[0-9]+)
      | (?P<mark>[=\[\],])
      | (?P<end>\Z)
    )""",
    re.X | re.S,
)


class ClientConfig:
    """What libvirt.conf tells a client: its default URI and its names for URIs."""

    def __init__(self, uri_default: str, uri_aliases: "dict[str, str]") -> None:
        self.uri_default = uri_default
        self._aliases = uri_aliases

    @property
    def uri_aliases(self) -> "dict[str, str]":
        """URIs by their alias."""
        return self._aliases


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self._text = text
        self._path = path
        self._at = 0

    def settings(self) -> "dict[str, Value]":
        found: dict[str, Value] = {}
        while True:
            kind, name = self._next("expecting a name")
            if kind == "end":
                return found
            if kind != "name":
                raise self._error("expecting a name")
            if self._next("expecting an assignment") != ("mark", "="):
                raise self._error("expecting an assignment")
            found[name] = self._value()

    def _value(self) -> Value:
        kind, text = self._next("expecting a value")
        if kind == "number":
            return int(text)
        if kind in ("long", "double", "single"):
            return text
        if (kind, text) != ("mark", "["):
            raise self._error("expecting a value")
        return self._items()

    def _items(self) -> "list[str]":
        items: list[str] = []
        while True:
            kind, text = self._next("expecting a value")
            if (kind, text) == ("mark", "]"):
                return items
            if kind not in ("long", "double", "single"):
                raise self._error("expecting a value")
            items.append(text)
            mark = self._next("expecting a separator in list")
            if mark == ("mark", "]"):
                return items
            if mark != ("mark", ","):
                raise self._error("expecting a separator in list")

    def _next(self, expected: str) -> "tuple[str, str]":
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise self._error(expected)
        self._at = match.end()
        kind = match.lastgroup or "end"
        text = match.group(kind)
        return kind, re.sub(r"\\(.)", r"\1", text, flags=re.S) if kind == "double" else text

    def _error(self, what: str) -> VirError:
        line = self._text.count("\n", 0, self._at) + 1
        return VirError(CONF_SYNTAX, f"{self._path}:{line}: {what}")


def read(path: str) -> "dict[str, Value]":
    """Read a configuration file.  Errors: VirError naming the file and the line."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except OSError as error:
        raise VirError(INTERNAL_ERROR, f"cannot read {path}: {error.strerror}") from error
    return _Reader(text, path).settings()


def read_client(path: str) -> ClientConfig:
    """Read libvirt.conf.  Errors: VirError."""
    settings = read(path)
    default = settings.get("uri_default", "")
    if not isinstance(default, str):
        raise VirError(INTERNAL_ERROR, f"{path}: expected a string for 'uri_default' parameter")
    entries = settings.get("uri_aliases", [])
    if not isinstance(entries, list):
        raise VirError(INTERNAL_ERROR, f"{path}: expected a string list for 'uri_aliases' parameter")
    return ClientConfig(default, dict(_alias(entry) for entry in entries))


def _alias(entry: str) -> "tuple[str, str]":
    name, equals, uri = entry.partition("=")
    problem = ""
    if not equals or not name:
        problem = "expected 'alias=uri://host/path'"
    elif not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        problem = "aliases may only contain 'a-Z, 0-9, _, -'"
    if problem:
        raise VirError(CONF_SYNTAX, f"Malformed 'uri_aliases' config entry '{entry}', {problem}")
    return name, uri
