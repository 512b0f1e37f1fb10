"""The lines typed in the shell, kept from one session to the next in the file that virsh uses.

Source: measured in `shell-semantics`, section 9.4.
"""

import os

from pyvirsh.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SIZE = 500
MAX_SIZE = 500_000


class History:
    """The last `size` lines, oldest first; a `size` of None keeps them but not in the file at `path`."""

    def __init__(self, path: str, size: "int | None" = DEFAULT_SIZE) -> None:
        self.path = path
        self.size = size
        self.lines: list[str] = []

    def load(self) -> None:
        """Read the file; one that is not there or cannot be read has no lines."""
        if self.size is None:
            return
        try:
            with open(self.path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                self.lines = file.read().splitlines()
        except OSError:
            self.lines = []
        self._trim(self.size)

    def add(self, line: str) -> None:
        """Add a line, unless there is nothing in it at all."""
        if line:
            self.lines.append(line)

    def save(self) -> None:
        """Write the file.  Errors: CommandFailed when its directory cannot be made."""
        if self.size is None:
            return
        self._trim(self.size)
        directory = os.path.dirname(self.path)
        try:
            os.makedirs(directory, 0o755, exist_ok=True)
        except OSError as error:
            raise CommandFailed(f"Failed to create '{directory}': {error.strerror}") from error
        temporary = f"{self.path}.{os.getpid()}"
        try:
            self._write(temporary)
        except OSError:
            # The session is over: a history that cannot be kept is no reason to complain.
            return

    def _write(self, temporary: str) -> None:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("".join(line + "\n" for line in self.lines))
        os.replace(temporary, self.path)

    def _trim(self, size: int) -> None:
        self.lines = self.lines[len(self.lines) - size :] if len(self.lines) > size else self.lines


def from_environment(environ: "Mapping[str, str]") -> "tuple[History, str]":
    """Return the user's history, not yet read, and what is wrong with VIRSH_HISTSIZE ("": nothing)."""
    home = environ.get("HOME") or os.path.expanduser("~")
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    path = os.path.join(cache, "libvirt", "virsh", "history")
    text = environ.get("VIRSH_HISTSIZE")
    if text is None:
        return History(path), ""
    from pyvirsh.shell.binding import parse_integer

    size = parse_integer(text)
    if size is None:
        return History(path, None), "Bad $VIRSH_HISTSIZE value."
    if not 0 <= size <= MAX_SIZE:
        return History(path, None), f"$VIRSH_HISTSIZE value should be between 0 and {MAX_SIZE}"
    return History(path, size), ""
