"""Files that commands read: XML descriptions and other small documents."""

import os

from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import parse_integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyvirsh.shell.binding import Args

# What virsh reads of an XML file at the most.
XML_MAX = 10 * 1024 * 1024


def read(path: str, limit: int = XML_MAX) -> str:
    """Return a file's text, bytes that are no UTF-8 as surrogates.  Errors: CommandFailed naming it."""
    failure = f"Failed to open file '{path}'"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        failure = f"Failed to read file '{path}'"
        data = _read_up_to(fd, limit + 1)
    except OSError as error:
        raise CommandFailed(f"{failure}: {error.strerror}") from error
    if len(data) > limit:
        raise CommandFailed(f"Failed to read file '{path}': Value too large for defined data type")
    return data.decode("utf-8", "surrogateescape")


def _read_up_to(fd: int, size: int) -> bytes:
    """Read a descriptor, a directory's too for the error it gives, and close it."""
    data = bytearray()
    try:
        while len(data) < size and (piece := os.read(fd, size - len(data))):
            data += piece
    finally:
        os.close(fd)
    return bytes(data)


def absolute(path: str) -> str:
    """Return a path as the driver, which may run elsewhere, needs it: from the root on."""
    if path.startswith("/"):
        return path
    try:
        return f"{os.getcwd().rstrip('/')}/{path}"
    except OSError as error:
        raise CommandFailed(f"could not build absolute file path of '{path}': {error.strerror}") from error


def descriptors(args: "Args") -> "list[int]":
    """Read ``--pass-fds``: file descriptors to hand to the driver.  Errors: CommandFailed."""
    listed = str(args.values.get("pass-fds") or "")
    found = []
    for text in listed.split(",") if listed else ():
        fd = parse_integer(text)
        if fd is None or not -(2**31) <= fd < 2**31:
            raise CommandFailed(f"Unable to parse FD number '{text}'")
        found.append(fd)
    return found
