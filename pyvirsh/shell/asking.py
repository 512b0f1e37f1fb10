"""Questions to the user on the terminal: a name, a password, yes or no."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def asker() -> "Callable[[str, bool], str | None] | None":
    """Return what asks the user, None when nobody sits at a terminal."""
    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    os.close(fd)
    return _ask if os.isatty(0) and os.isatty(2) else None


def _ask(prompt: str, shown: bool) -> "str | None":
    """Ask on the terminal; what is typed is only shown if `shown`.  None: no answer."""
    import getpass

    try:
        if not shown:
            return getpass.getpass(prompt)
        with open("/dev/tty", "r+b", buffering=0) as terminal:
            terminal.write(prompt.encode("utf-8", "surrogateescape"))
            line = terminal.readline()
    except (EOFError, KeyboardInterrupt):
        return None
    return line.decode("utf-8", "surrogateescape").rstrip("\n") or None
