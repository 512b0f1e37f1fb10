"""Sets of CPUs and NUMA nodes: as text ("0-3,^2"), as bytes, as numbers.

Source: libvirt's messages and output as observed.
"""

from collections.abc import Iterable

from pyvirsh.backend.errors import INVALID_ARG, VirError

# No set has a number from here on.
LIMIT = 1 << 14


def parse(text: str) -> "set[int]":
    """Return the numbers of a list of numbers, ranges and exclusions.  Errors: INVALID_ARG."""
    found: set[int] = set()
    for part in text.strip().split(","):
        part = part.strip()
        negated = part.startswith("^")
        first, dash, last = part[negated:].partition("-")
        start, end = number(first), number(last if dash else first)
        if start is None or end is None or end < start or negated and dash:
            raise VirError(INVALID_ARG, f"Failed to parse bitmap '{text}'")
        if negated:
            found.discard(start)
        else:
            found.update(range(start, end + 1))
    return found


def number(text: str) -> "int | None":
    """Return a plain number below the limit; None if the text is not one."""
    text = text.strip()
    if not text.isascii() or not text.isdigit() or int(text) >= LIMIT:
        return None
    return int(text)


def show(numbers: "Iterable[int]") -> str:
    """Return numbers as text, those in a row as a range."""
    parts: list[str] = []
    start = previous = -2
    for one in [*sorted(numbers), -2]:
        if one == previous + 1 and previous != -2:
            previous = one
            continue
        if previous != -2:
            parts.append(str(start) if start == previous else f"{start}-{previous}")
        start = previous = one
    return ",".join(parts)


def from_bytes(data: bytes) -> "set[int]":
    """Return the numbers whose bits are set, the lowest bit of the first byte first."""
    return {at * 8 + bit for at, byte in enumerate(data) for bit in range(8) if byte >> bit & 1}


def to_bytes(numbers: "Iterable[int]", length: int) -> bytes:
    """Return `length` bytes with the bits of the numbers set; what does not fit is left out."""
    data = bytearray(length)
    for one in numbers:
        if one < length * 8:
            data[one // 8] |= 1 << one % 8
    return bytes(data)
