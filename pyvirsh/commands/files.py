"""Files that commands read: XML descriptions and other small documents."""

from pyvirsh.errors import CommandFailed

# What virsh reads of an XML file at the most.
XML_MAX = 10 * 1024 * 1024


def read(path: str, limit: int = XML_MAX) -> str:
    """Return a file's text, bytes that are no UTF-8 as surrogates.  Errors: CommandFailed naming it."""
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise CommandFailed(f"Failed to open file '{path}': {error.strerror}") from error
    if len(data) > limit:
        raise CommandFailed(f"Failed to read file '{path}': Value too large for defined data type")
    return data.decode("utf-8", "surrogateescape")
