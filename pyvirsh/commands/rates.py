"""Rates of network interfaces as people write them: ``average,peak,burst,floor``."""

from pyvirsh.errors import CommandFailed
from pyvirsh.shell.binding import ULONG_MAX, parse_integer

NAMES = ("average", "peak", "burst", "floor")


def parse(text: str) -> "dict[str, int]":
    """Return the fields of a rate by name, 0 where nothing stands.  Errors: CommandFailed."""
    fields = text.split(",")
    if len(fields) > len(NAMES):
        raise CommandFailed(f"Rate string '{text}' has too many fields")
    rate = dict.fromkeys(NAMES, 0)
    for name, field in zip(NAMES, fields, strict=False):
        number = parse_integer(field) if field else 0
        if number is None or not 0 <= number <= ULONG_MAX or field.lstrip().startswith("-"):
            raise CommandFailed(f"field '{name}' is malformed")
        rate[name] = number
    return rate
